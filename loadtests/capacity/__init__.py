"""How many workers are needed: see `python -m loadtests.capacity --help`."""
