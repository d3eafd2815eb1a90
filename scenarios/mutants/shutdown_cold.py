"""SIGTERM means a cold shutdown, and the running job was acknowledged at its start."""

from harness import Mutant

MUTANT = Mutant(
    name="shutdown-cold",
    contract="shutdown.loses-no-job",
    why="REMAP_SIGTERM=SIGQUIT is advised for Kubernetes; without late ack it kills "
    "the running job, writes RETRY, and nobody ever retries.",
    env={"REMAP_SIGTERM": "SIGQUIT"},
)
