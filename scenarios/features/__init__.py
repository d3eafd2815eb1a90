"""What the reference application promises its users, row by row of features.toml.

Unlike the scenarios of contracts, these know the application: its routes, its fields,
its settings. They look at it from outside all the same, on the stack of target.toml.
"""
