"""One child for all jobs: what nobody refers to any more is given back without exit."""

from harness import Mutant

MUTANT = Mutant(
    name="noop-memory-kept-child",
    contract="memory.given-back-after-a-job",
    why="Proves that the law is about memory, not about processes that are replaced.",
    env={"WORKER_QUEUES": "steering", "STEERING_MAX_TASKS_PER_CHILD": "0"},
    healthy=True,
)
