"""Extract: from floats to exact integers, and from there to Coq text and Z3 terms (`extract.z3_terms`, which loads z3)."""

from compact_proofs.extract.coq_text import (
    Field,
    TheoremForm,
    assumptions_v,
    certificate_v,
    diagnose_v,
    theorem_v,
    weights_v,
    write_files,
)
from compact_proofs.extract.grammar import check_data, check_equal, check_theorem, check_weights, read_source
from compact_proofs.extract.quantise import QuantisedModel, quantise
from compact_proofs.extract.rounding import QuantisedMatrix

__all__ = [
    "Field",
    "QuantisedMatrix",
    "QuantisedModel",
    "TheoremForm",
    "assumptions_v",
    "certificate_v",
    "check_data",
    "check_equal",
    "check_theorem",
    "check_weights",
    "diagnose_v",
    "quantise",
    "read_source",
    "theorem_v",
    "weights_v",
    "write_files",
]
