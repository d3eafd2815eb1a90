"""The fault matrix: which damage an engine can do, that it bites, and that it heals."""
