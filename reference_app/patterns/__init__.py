"""One nameable answer per file; none imports the app or a sibling: copy it alone."""
