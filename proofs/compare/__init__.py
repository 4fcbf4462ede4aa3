"""`compact-proofs compare`: many strategies on many networks, as a Snakemake workflow, into one table.

`choices` reads what is wanted, `plan` says which networks, searches and results that means and where they lie, `jobs` does the
work (what the Snakefile runs), `workflow` has Snakemake run what is missing, `collect` makes the table, `summary` shows it.
"""
