"""What brute force would take: the Coq checker's own per-input work, timed on a sample of inputs and scaled.

The sample goes through the same Coq function as the `brute_force` proof (Cert.BruteForceCheck.tally, Modular.Form.count_rows),
in the same virtual machine; nothing here is part of a proof.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from compact_proofs.extract.layouts import LAYOUTS
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.rounding import QuantisedNetwork
from compact_proofs.extract.tables import integer_tables, least_gap_shift
from compact_proofs.models.errors import NotProved
from compact_proofs.proofs import coqrun

SAMPLE = 1500  # inputs, at least where the model has that many
FINISHED = re.compile(r"Finished transaction in ([0-9.]+) secs")


def brute_force_seconds(root: Path, quantised: QuantisedNetwork, limits: coqrun.Limits) -> float:
    """Estimate the seconds that `brute_force` would take to count the right inputs of a network.

    Args:    root: folder of the theory, which holds the compiled generated/<model>/Weights.vo.
    Raises:  NotProved, TimeLimit: as coqrun.coqc. OverflowRisk: a network that the checker refuses.
    """
    text, share = _of_sequences(quantised) if isinstance(quantised, QuantisedModel) else _of_pairs(quantised)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "Sample.v"
        source.write_text(text, encoding="ascii")
        printed = coqrun.coqc(root, source, limits).stdout
    found = FINISHED.findall(printed)
    if not found:
        raise NotProved(f"timing brute force: coqc printed no time: {printed.strip()!r}")
    return float(found[-1]) * share


def _of_sequences(quantised: QuantisedModel) -> tuple[str, float]:
    """Return the Coq text that times a sample, and how many times the sample all inputs are."""
    gap_shift = least_gap_shift(integer_tables(quantised))
    free = min(quantised.n_ctx - 1, SAMPLE.bit_length())  # positions at which the sample has more than one token
    per_position = 1
    while per_position < quantised.d_vocab and per_position**free < SAMPLE:
        per_position += 1
    first = (quantised.d_vocab - per_position) // 2
    text = f"""From Coq Require Import ZArith Uint63 List.
Import ListNotations.
From CompactProofs Require Import Facade Cert.Tables Cert.Terms.
From CompactProofs.Generated.{quantised.name} Require Weights.

{LAYOUTS[quantised.layout].definition()}
Definition T := Eval vm_compute in tables_of network.
Definition p := precision_of (score_shift network).
Definition last_token := Nat.div (d_vocab network) 2.
Definition sample (i : nat) :=
  firstn (if Nat.ltb i {free} then {per_position} else 1) (skipn {first} (candidates T last_token i)).
Definition positions := Eval vm_compute in map sample (rev (seq 0 (n_ctx network - 1))).
Definition chosen := Eval vm_compute in [nth last_token (candidates T last_token (n_ctx network - 1)) no_candidate].
Time Eval vm_compute in tally (right (d_vocab network) p {gap_shift}%uint63) positions chosen last_token.
"""
    return text, quantised.d_vocab**quantised.n_ctx / per_position**free


def _of_pairs(quantised: QuantisedNetwork) -> tuple[str, float]:
    """As `_of_sequences`, for networks of modular arithmetic."""
    order = quantised.sizes()["modulus"]
    rows = min(order, -(-SAMPLE // order))
    text = f"""From Coq Require Import ZArith Uint63 List.
Import ListNotations.
From CompactProofs Require Import ModularFacade Modular.Form Modular.Fold Modular.BruteForce.
From CompactProofs.Generated.{quantised.name} Require Weights.

{LAYOUTS[quantised.layout].definition()}
Definition F := Eval vm_compute in fold network.
Definition rows := Eval vm_compute in firstn {rows} (combine (L_rows F) (P_rows F)).
Definition columns := Eval vm_compute in combine (R_rows F) (Q_rows F).
Time Eval vm_compute in count_rows (pair_right F) 0 rows columns.
"""
    return text, order / rows
