"""Measurements of the harness and of parts of the reference application."""
