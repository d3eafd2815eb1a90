"""The commands of `queueproof`, one per file."""
