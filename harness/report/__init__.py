"""What people and pipelines read about a run: a page, a table, a file."""
