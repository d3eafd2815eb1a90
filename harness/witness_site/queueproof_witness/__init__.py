"""The witness: what of ours runs inside the application's processes.

`signals` turns what Celery says in a worker into lines of the `ledger`, and registers
the `probe_tasks`; both only once a worker announces itself. They add no route and no
setting, and never raise into the application. `python -m queueproof_witness APP` is the
`agent`.

This folder and the one above travel alone: standard library and celery only,
Python >= 3.9, Celery >= 5.3.
"""
