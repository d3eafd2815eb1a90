"""Gates: they read files and command output, and import nothing of the project."""
