"""A worker that meets a task it does not know leaves: it must be the wrong build."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="routing-unknown-fails-fast",
    contract="routing.unknown-message-does-not-stop",
    why="`The deployment will notice`: each message that an old page sent ends the "
    "worker once, and everybody waits for its next start.",
    overlay=(
        Replace(
            path="reference_app/endings.py",
            old='    text = f"The worker knows no task {name}"\n',
            new='    raise SystemExit(f"The worker knows no task {name}")\n'
            '    text = ""\n',
        ),
    ),
)
