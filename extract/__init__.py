"""Extract: from floats to exact integers, and from there to Coq text and Z3 terms (`extract.z3_terms`, which loads z3)."""
