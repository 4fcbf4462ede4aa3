(* CompactProofs: Length: TablesLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Lia.
From CompactProofs Require Import Spec.Network Base.Matrix Cert.Tables.
From CompactProofs Require Import Length.Counted Length.MatrixCounted Length.ProductsCounted Length.MatrixLength.
Import ListNotations.
(** * The weights' tables: how many operations they take
    Sizes: n positions, d tokens, D entries of the residual stream, H of the head.
    - [model_within M]          == no matrix of M is larger than its sizes say; so when the tests of shapes pass
    - [tables_within n d D H T] == the same of the tables
    - [tables_bound], [tables_tests_bound] == operations for the tables, and for their tests
    Main results: [core_of_at_most], [core_tests_at_most]. *)
Local Open Scope Z_scope.

Record model_within (M : model) : Prop := ModelWithin {
  W_E_within : within (Z.of_nat (d_vocab M)) (Z.of_nat (d_model M)) (ints (W_E M));
  W_pos_within : within (Z.of_nat (n_ctx M)) (Z.of_nat (d_model M)) (ints (W_pos M));
  W_Q_within : within (Z.of_nat (d_model M)) (Z.of_nat (d_head M)) (ints (W_Q M));
  W_K_within : within (Z.of_nat (d_model M)) (Z.of_nat (d_head M)) (ints (W_K M));
  W_V_within : within (Z.of_nat (d_model M)) (Z.of_nat (d_head M)) (ints (W_V M));
  W_O_within : within (Z.of_nat (d_head M)) (Z.of_nat (d_model M)) (ints (W_O M));
  W_U_within : within (Z.of_nat (d_model M)) (Z.of_nat (d_vocab M)) (ints (W_U M))
}.

(** Products: 2 for each of rows x inner x columns. *)
Definition tables_bound (n d D H : Z) : Z :=
  28 + 7 * d * D + 2 * n * D + 8 * D * H
  + 8 * d * D * H + 6 * n * D * H + 2 * n * d * H + 2 * d * d * D + 2 * n * d * D.

(** Ranges: 4 for each weight, 3 for each entry of a factor. *)
Definition tables_tests_bound (n d D H : Z) : Z :=
  130 + 4 * D + H + d + n + 33 * d * D + 16 * n * D + 37 * D * H + 6 * d * H + 6 * n * H + 3 * n * d.

Record tables_within (n d D H : Z) (T : core_tables) : Prop := TablesWithin {
  embed_within : within d D (embed_rows T);
  pos_within : within n D (pos_rows T);
  resid_within : within d D (resid_rows T);
  W_Q_rows_within : within D H (W_Q_rows T);
  W_K_rows_within : within D H (W_K_rows T);
  W_V_rows_within : within D H (W_V_rows T);
  W_O_rows_within : within H D (W_O_rows T);
  W_U_rows_within : within D d (W_U_rows T);
  W_U_direct_within : within D d (W_U_direct_rows T);
  query_within : within d H (query_rows T);
  key_within : within d H (key_rows T);
  key_pos_within : within n H (key_pos_rows T);
  score_pos_within : within d n (score_pos_rows T);
  value_within : within d H (value_rows T);
  value_pos_within : within n H (value_pos_rows T);
  out_within : within d D (out_rows T);
  out_pos_within : within n D (out_pos_rows T);
  logit_within : within d d (logit_rows T);
  logit_pos_within : within n d (logit_pos_rows T)
}.

Section Tables.
  Context (M : model) (sizes : model_within M).
  Local Notation n := (Z.of_nat (n_ctx M)).
  Local Notation d := (Z.of_nat (d_vocab M)).
  Local Notation D := (Z.of_nat (d_model M)).
  Local Notation H := (Z.of_nat (d_head M)).

  Local Lemma len_of_within : forall (T : Type) (r c : Z) (A : list (list T)), within r c A -> len A <= r.
  Proof. intros T r c A size. apply size. Qed.

  Lemma core_of_within : tables_within n d D H (core_of M).
  Proof.
    destruct sizes. unfold core_of. cbv zeta.
    constructor; cbn [embed_rows pos_rows resid_rows W_Q_rows W_K_rows W_V_rows W_O_rows W_U_rows W_U_direct_rows query_rows
      key_rows key_pos_rows score_pos_rows value_rows value_pos_rows out_rows out_pos_rows logit_rows logit_pos_rows];
      eauto 12 using len_of_within with lengths.
  Qed.

  Lemma weights_at_most : forall (bits : counted nat) (b r c : Z) (A : matrix),
    within r c (ints A) -> at_most b bits -> at_most (b + (2 + 2 * (r * c))) (weights_counted bits A).
  Proof. intros bits b r c A size few. unfold weights_counted. count. Qed.

  Lemma weights_fit_at_most : forall (bits : counted nat) (b r c : Z) (A : matrix),
    within r c (ints A) -> at_most b bits -> at_most (b + (2 + 4 * (r * c))) (weights_fit_counted bits A).
  Proof. intros bits b r c A size few. unfold weights_fit_counted. count. Qed.

  Lemma resid_bits_at_most : at_most 1 (resid_bits_counted M).
  Proof. unfold resid_bits_counted. count. Qed.

  Lemma bits_below_resid_at_most : forall A : matrix, at_most 2 (bits_below_resid_counted M A).
  Proof. intro A. assert (first := resid_bits_at_most). unfold bits_below_resid_counted. count. Qed.

  Lemma raw_score_bits_at_most : at_most 5 (raw_score_bits_counted M).
  Proof. assert (first := resid_bits_at_most). unfold raw_score_bits_counted. count. Qed.

  Lemma score_lift_at_most : at_most 6 (score_lift_counted M).
  Proof. assert (first := raw_score_bits_at_most). unfold score_lift_counted. count. Qed.

  Lemma score_shift_at_most : at_most 13 (score_shift_counted M).
  Proof.
    assert (first := raw_score_bits_at_most). assert (second := score_lift_at_most). unfold score_shift_counted. count.
  Qed.

  Lemma attention_bits_at_most : at_most 1 (attention_bits_counted M).
  Proof. unfold attention_bits_counted. count. Qed.

  Local Lemma no_bits_at_most : at_most 0 (free 0%nat).
  Proof. apply at_most_free. lia. Qed.

  Lemma small_at_most : forall (r c : Z) (A : list (list int)), within r c A -> at_most (3 + 3 * (r * c)) (small_counted A).
  Proof. intros r c A size. unfold small_counted. count. Qed.

  #[local] Hint Resolve small_at_most bits_below_resid_at_most score_lift_at_most score_shift_at_most attention_bits_at_most
    no_bits_at_most weights_at_most weights_fit_at_most len_of_within : lengths.

  Theorem core_of_at_most : at_most (tables_bound n d D H) (core_of_counted M).
  Proof. destruct sizes. unfold core_of_counted, tables_bound. count. Qed.

  Theorem core_tests_at_most : at_most (tables_tests_bound n d D H) (core_tests_counted M (core_of M)).
  Proof. destruct sizes, core_of_within. unfold core_tests_counted, tables_tests_bound. count. Qed.
End Tables.
