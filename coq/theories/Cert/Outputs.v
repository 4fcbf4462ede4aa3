(* CompactProofs: Cert: Outputs *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix Cert.Terms.
Import ListNotations.
(** * Stage "outputs": which logit gaps a bound is about
    For each output m, a row of logits has a gap: at most how far it puts some outputs above others.
    - [rivals]             == a choice of pairs (x, y) for each m: how far is output x above output y?
        [Rest r]             x is any output further than r from m (all but m, for r = 0), y is m
        [Above k], [Below k] x is m + k, m - k; y is m
        [Over_above k], [Over_below k]  x is m; y is m + k, m - k
    - [versus rivals m x y] == (x, y) is such a pair
    - [row_gaps low rivals row] == for each m, a bound of row[x] - row[y] over the pairs; [low] stands for outputs that are
                              not there
    Soundness: OutputsSound. Source: docs/max_of_k.md, section 3. Python mirror: proofs/strategies/outputs.py. *)
Local Open Scope uint63_scope.

Inductive rivals := Rest (radius : nat) | Above (k : nat) | Below (k : nat) | Over_above (k : nat) | Over_below (k : nat).

Definition versus (v : rivals) (m x y : nat) : Prop :=
  match v with
  | Rest r => (x + r < m \/ m + r < x) /\ y = m
  | Above k => x = m + k /\ y = m
  | Below k => x + k = m /\ y = m
  | Over_above k => x = m /\ y = m + k
  | Over_below k => x = m /\ y + k = m
  end%nat.

(** The largest entry so far, [start] included, before each entry and after the last. *)
Fixpoint largest_before (start : int) (row : list int) : list int :=
  match row with
  | [] => [start]
  | x :: rest => start :: largest_before (smax start x) rest
  end.

(** The largest entry from each on, [low] included, and [low] after the last. *)
Fixpoint largest_from (low : int) (row : list int) : list int :=
  match row with
  | [] => [low]
  | x :: rest =>
      let tops := largest_from low rest in
      match tops with
      | [] => []
      | top :: _ => smax x top :: tops
      end
  end.

(** Entry m + k, or m - k, at m. *)
Definition later (low : int) (k : nat) (row : list int) : list int := skipn k row ++ repeat low k.

Definition earlier (low : int) (k : nat) (row : list int) : list int := repeat low k ++ row.

Definition row_gaps (low : int) (v : rivals) (row : list int) : list int :=
  match v with
  | Rest r =>
      zip_with sub
        (zip_with smax (earlier low r (largest_before low row)) (later low (S r) (largest_from low row))) row
  | Above k => zip_with sub (later low k row) row
  | Below k => zip_with sub (earlier low k row) row
  | Over_above k => zip_with sub row (later low k row)
  | Over_below k => zip_with sub row (earlier low k row)
  end.
