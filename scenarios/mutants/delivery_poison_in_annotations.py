"""The pair of settings again, as an annotation: it reaches tasks of libraries, too."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="delivery-poison-in-annotations",
    contract="delivery.poison-is-bounded",
    why="The application's own tasks say what they are; whoever wants no message of "
    "any other to be lost writes one line, and nothing counts what it brings back.",
    overlay=(
        Replace(
            path="reference_app/broker.py",
            old="    task_serializer=",
            new='    task_annotations={"*": dict(acks_late=True, '
            "reject_on_worker_lost=True)},\n"
            "    task_serializer=",
        ),
    ),
)
