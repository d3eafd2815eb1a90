"""Real workers of applications and Celery versions the harness was not made for.

They take minutes, so they are no part of a plain `pytest`:
`pytest harness/tests/foreign -n 2 --dist worksteal`.
"""
