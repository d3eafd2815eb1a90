"""The keys of lock, schedule and slot have the process, or the message, in them."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-keys-per-process",
    contract="schedule.two-schedulers-one-run",
    why="A prefix of its own for each pod, so that two releases do not get into each "
    "other's way: they do not, and both send. And a key with the task's id in it, "
    "which keeps only the second delivery of one message away.",
    overlay=(
        Replace(
            path="reference_app/beat.py",
            old="import contextlib\n",
            new="import contextlib\nimport os\n",
        ),
        Replace(
            path="reference_app/beat.py",
            old='    redbeat_key_prefix="beat:",\n    redbeat_lock_key="beat:lock",\n',
            new='    redbeat_key_prefix=f"beat:{os.getpid()}:",\n'
            '    redbeat_lock_key=f"beat:{os.getpid()}:lock",\n',
        ),
        Replace(
            path="reference_app/schedule.py",
            old="            entry, every_s, sent_at_s=sent_at, holder=holder, "
            "spacing=SLOT\n",
            new='            f"{entry}:{holder}",\n'
            "            every_s,\n"
            "            sent_at_s=sent_at,\n"
            "            holder=holder,\n"
            "            spacing=SLOT,\n",
        ),
    ),
)
