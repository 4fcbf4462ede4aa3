(* CompactProofs: Cert: TablesSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia Lra.
From CompactProofs Require Import Spec.Network Base.Sums Base.Signed63 Base.Matrix Base.RealMatrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound.
Import ListNotations.
(** * The full tables
    Under [tables_tests] both products of cost d_vocab^2 are exact.
    - [output T q t i w] == integer logit [w] that position i, holding token t, proposes; units of 2^-logit_bits
    Main results: [score_of_tables], [logit_lt_iff]. Source: docs/max_of_k.md, section 2. *)
Local Open Scope R_scope.

Definition output (T : tables) (q t i w : nat) : Z :=
  (at2 (direct_rows T) q w + at2 (logit_rows T) t w + at2 (logit_pos_rows T) i w)%Z.

Section Tables.
  Context (M : model).
  Let T := tables_of M.
  Context (tests : first_failure (tables_tests M T) = None).

  Local Ltac passed why := refine (first_failure_none _ tests _ why _); unfold tables_tests; apply in_or_app; right;
    cbv [In]; tauto.

  Local Notation d := (d_vocab M).

  Lemma core_none : first_failure (core_tests M (core_of M)) = None.
  Proof. exact (first_failure_app _ _ tests). Qed.

  Lemma table_logits : has_shape d d (logit_rows T) = true.
  Proof. exact (shape_logits M core_none). Qed.

  Lemma table_logits_pos : has_shape (n_ctx M) d (logit_pos_rows T) = true.
  Proof. exact (shape_logits_pos M core_none). Qed.

  Lemma table_scores_pos : has_shape d (n_ctx M) (score_pos_rows T) = true.
  Proof. exact (shape_scores_pos M core_none). Qed.

  Lemma table_score_pos_bound : forall q i : nat, (Z.abs (at2 (score_pos_rows T) q i) <= 2 ^ 60)%Z.
  Proof. exact (score_pos_bound M core_none). Qed.

  Lemma shape_scores : has_shape d d (score_rows T) = true.
  Proof. exact (mul_transposed_shape _ _ _ _ _ _ (shape_queries M core_none) (shape_keys M core_none)). Qed.
  Lemma shape_direct : has_shape d d (direct_rows T) = true.
  Proof. exact (mul_shape _ _ _ _ _ (shape_resid M core_none) (shape_U_direct M core_none)). Qed.

  Local Lemma score_exact : forall q t : nat, (q < d)%nat -> (t < d)%nat -> at2 (score_rows T) q t = token_score M (core_of M) q t.
  Proof.
    intros q t token_q token_t. apply (mul_transposed_exact d (d_head M) d); try assumption.
    - exact (shape_queries M core_none).
    - exact (shape_keys M core_none).
    - passed (May_overflow Scores).
  Qed.

  Local Lemma direct_exact : forall q w : nat, (q < d)%nat -> (w < d)%nat -> at2 (direct_rows T) q w = direct_logit M (core_of M) q w.
  Proof.
    intros q w token inside. apply (mul_exact d (d_model M) d); try assumption.
    - exact (shape_resid M core_none).
    - exact (shape_U_direct M core_none).
    - passed (May_overflow Direct_logits).
  Qed.

  Lemma score_bound : forall q t : nat, (Z.abs (at2 (score_rows T) q t) <= 2 ^ 60)%Z.
  Proof.
    intros q t. etransitivity; [apply max_abs_bound|]. apply Z.leb_le.
    change (small (score_rows T) = true). passed (May_overflow Scores).
  Qed.

  Lemma output_parts_bound : forall q t i w v u : nat,
    (Z.abs (at2 (direct_rows T) q w) + Z.abs (at2 (logit_rows T) t v) + Z.abs (at2 (logit_pos_rows T) i u)
      <= 2 ^ 60)%Z.
  Proof.
    intros q t i w v u.
    assert (direct := max_abs_bound (direct_rows T) q w). assert (token := max_abs_bound (logit_rows T) t v).
    assert (position := max_abs_bound (logit_pos_rows T) i u).
    assert (all : (largest_output T <=? 2 ^ 60)%Z = true) by (passed (May_overflow Logit_sum)).
    apply Z.leb_le in all. unfold largest_output in all. lia.
  Qed.

  Lemma output_largest : forall q t i w : nat, (Z.abs (output T q t i w) <= largest_output T)%Z.
  Proof.
    intros q t i w. unfold output, largest_output.
    assert (direct := max_abs_bound (direct_rows T) q w). assert (token := max_abs_bound (logit_rows T) t w).
    assert (position := max_abs_bound (logit_pos_rows T) i w). lia.
  Qed.

  Lemma largest_output_bound : (0 <= largest_output T <= 2 ^ 60)%Z.
  Proof.
    split; [unfold largest_output; assert (a1 := max_abs_nonneg (direct_rows T));
      assert (a2 := max_abs_nonneg (logit_rows T)); assert (a3 := max_abs_nonneg (logit_pos_rows T)); lia|].
    apply Z.leb_le. passed (May_overflow Logit_sum).
  Qed.

  Lemma gap_fits_bound : forall gap_shift : int, gap_fits T gap_shift = true ->
    (to_Z gap_shift <= 61 /\ 2 * largest_output T <= 2 ^ 31 * 2 ^ to_Z gap_shift)%Z.
  Proof.
    intros gap_shift fits. unfold gap_fits in fits.
    destruct (Z.leb_spec (to_Z gap_shift) 61) as [small|]; [|discriminate fits]. split; [exact small|].
    apply Z.leb_le in fits. assert (nonneg := to_Z_range gap_shift). rewrite Z.pow_add_r in fits by lia. exact fits.
  Qed.

  Lemma output_row_spec : forall q i t w : nat, (q < d)%nat -> (i < n_ctx M)%nat -> (t < d)%nat -> (w < d)%nat ->
    at1 (output_row T q i t) w = output T q t i w /\ length (output_row T q i t) = d.
  Proof.
    intros q i t w token_q position token inside. unfold output_row, base_row.
    assert (len_direct := has_shape_row _ _ _ _ _ shape_direct token_q).
    assert (len_pos := has_shape_row _ _ _ _ _ table_logits_pos position).
    assert (len_logits := has_shape_row _ _ _ _ _ table_logits token).
    assert (parts := output_parts_bound q t i w w w).
    assert (len_base : length (add_rows (nth q (direct_rows T) []) (nth i (logit_pos_rows T) [])) = d)
      by (rewrite add_rows_length; congruence).
    split; [|rewrite add_rows_length; congruence].
    unfold at1. rewrite nth_add_rows, nth_add_rows by congruence.
    unfold at2, at1 in parts. rewrite !signed_add by (rewrite ?signed_add; lia).
    unfold output, at2, at1. lia.
  Qed.

  Section Sequence.
    Context (x : list nat) (length_x : length x = n_ctx M) (tokens : Forall (fun token => (token < d)%nat) x).
    Let q := last_token M x.

    Theorem score_of_tables : forall i : nat, (i < n_ctx M)%nat ->
      score M x i =
      IZR (at2 (score_rows T) q (nth i x O) + at2 (score_pos_rows T) q i) / 2 ^ (30 + score_shift M).
    Proof.
      intros i inside. rewrite (score_of_core M core_none x length_x tokens i inside).
      rewrite score_exact; [reflexivity | exact (last_token_below M core_none x length_x tokens)
        | exact (token_below M x length_x tokens i inside)].
    Qed.

    (** Multiply the gap by the denominator of the softmax, and by exp (- reference). *)
    Theorem logit_lt_iff : forall (w m : nat) (reference : R), (w < d)%nat -> (m < d)%nat ->
      (logit M x w < logit M x m <->
       sum (n_ctx M) (fun i => exp (score M x i - reference) *
         IZR (output T q (nth i x O) i w - output T q (nth i x O) i m)) < 0).
    Proof.
      intros w m reference inside_w inside_m. rewrite (logit_lt_core_iff M core_none x length_x tokens) by eassumption.
      assert (last := last_token_below M core_none x length_x tokens).
      unfold output, proposal. fold q. rewrite !direct_exact by assumption. reflexivity.
    Qed.
  End Sequence.
End Tables.
