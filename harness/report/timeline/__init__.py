"""The page of a run: verdicts, failures, and a timeline in real time, in one file."""
