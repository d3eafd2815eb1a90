"""Starts what is deployed: `python run.py worker`."""

import sys
from pathlib import Path

from newsroom import make_app

# As in many a deployment, a file is expected where the process starts.
BANNER = Path("banner.txt").read_text()

if __name__ == "__main__":
    print(BANNER)
    queues = ["--queues", "stories,photos", "--concurrency", "2"]
    make_app().worker_main([*sys.argv[1:], *queues])
