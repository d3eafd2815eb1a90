"""First on the PYTHONPATH of every process of a stack; see `sitecustomize`."""
