"""The commands of `compact-proofs`, a module each: SUMMARY, `add` (its options), `run` (returns the exit code).

What only some commands need is imported inside `run`, so that `--help` is quick and no torch is wanted where none is used.
"""
