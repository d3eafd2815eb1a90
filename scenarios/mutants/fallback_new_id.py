"""The fallback makes a job of its own, with an id that the client never gets."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="fallback-new-id",
    contract="fallback.same-to-the-user",
    why="The wrapper catches the error and starts the old code, which makes its own "
    "id; the client polls the one it was given.",
    overlay=(
        Replace(
            path="reference_app/submission.py",
            old="            jobs.divert(job_id)\n",
            new="            local = {'path': Path.LOCAL, 'limits': message.limits}\n"
            "            request = message.request\n"
            "            jobs.create(str(uuid.uuid4()), task.name, request, **local)\n",
        ),
    ),
)
