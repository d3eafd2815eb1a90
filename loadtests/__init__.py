"""Load and speed: benchmarks now; load runs, grid and capacity model later."""
