"""The reference application: two domains on Celery and Redis, every promise kept.

SAE steering of a language model, and generative models of machine telemetry.

The patterns it is made of stand in `reference_app/patterns/`, to be copied file by
file. `python -m reference_app demo` shows it at work.
"""
