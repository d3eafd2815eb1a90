"""The reference application: SAE steering on Celery and Redis, every promise kept.

The patterns it is made of stand in `reference_app/patterns/`, to be copied file by
file. `python -m reference_app demo` shows it at work.
"""
