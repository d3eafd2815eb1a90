"""Real workers of applications and Celery versions the harness was not made for.

They take minutes, so they are no part of a plain `pytest`; `make foreign` runs them.
"""
