"""One child for all jobs; memory is released when each is over, and a failed one keeps.

Celery 5.7 refers to the frames of a failed task until its child has done another one.
"""

from harness import Mutant

MUTANT = Mutant(
    name="memory-kept-child",
    contract="memory.given-back-after-a-job",
    why="A fresh process per job looks like waste, and `gc.collect()` and "
    "`empty_cache()` in task_postrun like enough: they come before the frames go.",
    env={"WORKER_QUEUES": "steering", "STEERING_MAX_TASKS_PER_CHILD": "0"},
)
