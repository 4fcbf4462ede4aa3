(* CompactProofs: Cert: RowsSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Base.Signed63 Base.Matrix Cert.Outcome Cert.Outputs Cert.OutputsSound Cert.Gaps.
Import ListNotations.
(** * Rows of logits and their gaps
    Main result: [gaps_of_spec]: gaps of a row, rounded up, bound how far rivals are above each other. *)
Local Open Scope Z_scope.

Lemma first_failure_second : forall first second : list (bool * refusal),
  first_failure (first ++ second) = None -> first_failure second = None.
Proof.
  induction first as [|[passed why] first IH]; intros second none; [exact none|].
  cbn [app first_failure] in none. destruct passed; [exact (IH second none) | discriminate none].
Qed.

Lemma at1_add_rows : forall (a b : list int) (x y : Z) (w : nat),
  (w < length a)%nat -> (w < length b)%nat -> Z.abs (at1 a w) <= x -> Z.abs (at1 b w) <= y -> x + y <= 2 ^ 61 ->
  at1 (add_rows a b) w = at1 a w + at1 b w.
Proof.
  intros a b x y w inside_a inside_b bound_a bound_b small. unfold at1 in *.
  rewrite nth_add_rows by assumption. apply signed_add. lia.
Qed.

Lemma row_entries : forall (row : list int) (b : Z),
  (forall w, (w < length row)%nat -> Z.abs (at1 row w) <= b) -> forall x, In x row -> Z.abs (signed x) <= b.
Proof.
  intros row b each x member. apply (In_nth _ _ 0%uint63) in member. destruct member as (w & inside & <-).
  exact (each w inside).
Qed.

(** Gaps of a row, rounded up to units of 2^shift, at most 2^top. *)
Lemma gaps_of_spec : forall (v : rivals) (shift low : int) (row : list int) (b top : Z),
  0 <= b <= 2 ^ 60 -> signed low = - b -> (forall w, (w < length row)%nat -> Z.abs (at1 row w) <= b) ->
  to_Z shift <= 61 -> 0 <= top <= 30 -> 2 * b <= 2 ^ (top + to_Z shift) ->
  length (gaps_of v shift low row) = length row /\
  forall m, (m < length row)%nat ->
    Z.abs (at1 (gaps_of v shift low row) m) <= 2 ^ top /\
    forall x y, versus v m x y -> (x < length row)%nat -> (y < length row)%nat ->
      at1 row x - at1 row y <= 2 ^ to_Z shift * at1 (gaps_of v shift low row) m.
Proof.
  intros v shift low row b top b_range low_value each small top_range fits.
  destruct (row_gaps_spec low b v row b_range low_value (row_entries row b each)) as [len spec].
  unfold gaps_of. rewrite map_length. split; [exact len|]. intros m inside. destruct (spec m inside) as [range above].
  assert (nonneg := to_Z_range shift). rewrite Z.pow_add_r in fits by lia.
  assert (top_small : 2 ^ top <= 2 ^ 30) by (apply Z.pow_le_mono_r; lia).
  assert (top_pos : 0 < 2 ^ top) by (apply Z.pow_pos_nonneg; lia).
  unfold at1. rewrite (nth_map_any _ _ _ _ _ 0%uint63) by lia. split.
  - apply shift_up_abs; lia.
  - intros x y rival inside_x inside_y. etransitivity; [apply above; assumption|]. apply le_shift_up; lia.
Qed.

