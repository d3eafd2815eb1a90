"""The worker's main process does a first operation, so that the first job is quick."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="memory-warmed-up-main",
    contract="memory.device-is-untouched-before-the-job",
    why="Neither a context on a card nor a pool of threads survives a fork: the child "
    "hangs in its first operation, as it would with 'Cannot re-initialize CUDA'.",
    overlay=(
        Replace(
            path="reference_app/steering/generate.py",
            old="    import_transformers()\n",
            new="    import_transformers()\n"
            "    torch.set_num_threads(2)\n"
            "    torch.ones(1000, 1000) @ torch.ones(1000, 1000)\n",
        ),
        Replace(
            path="reference_app/steering/generate.py",
            old="    torch.set_num_threads(1)  "
            "# before the first operation: see preload\n",
            new="    torch.ones(1000, 1000) @ torch.ones(1000, 1000)\n",
        ),
    ),
)
