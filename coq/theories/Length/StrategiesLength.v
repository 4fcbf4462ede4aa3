(* CompactProofs: Length: StrategiesLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Lia.
From CompactProofs Require Import Spec.Network Base.Matrix Cert.Outcome Cert.Tables Cert.Products Cert.Attention Cert.Gaps.
From CompactProofs Require Import Cert.Staged Cert.Strategies.
From CompactProofs Require Import Length.Counted Length.StagedCounted Length.StrategiesCounted.
From CompactProofs Require Import Length.MatrixLength Length.TablesLength Length.ProductsLength Length.Operations.
Import ListNotations.
(** * The named strategies: at most so many operations
    For every claim, and every certificate whose matrices are no larger than their shapes; [model_within_of_tests] and
    [factors_within_of_shape] deliver that where the tests of shapes pass.
    - [.._operations_bound] == the closed form, of the sizes of model and certificate
    Main results: [cubic_operations_at_most] and so on, one for each strategy. *)
Local Open Scope Z_scope.

(** No larger than its shape. *)
Definition factors_shaped (inner : Z) (f : factors) : Prop := choice_shaped inner (Low_rank f).

Lemma factors_within_of_shape : forall (inner : nat) (f : factors),
  has_shape inner (length (peeled_right f)) (peeled_left f) = true ->
  has_shape (length (peeled_right f)) inner (peeled_right f) = true ->
  has_shape inner (length (bounded_right f)) (bounded_left f) = true ->
  has_shape (length (bounded_right f)) inner (bounded_right f) = true ->
  factors_shaped (Z.of_nat inner) f.
Proof.
  intros inner f first second third fourth.
  constructor; cbn [peeled_rank bounded_rank]; unfold len; apply within_of_shape; assumption.
Qed.

Definition moved_shaped (M : model) (b : banded_certificate) : Prop := len (moved_embedding b) <= Z.of_nat (d_model M).

Local Notation H M := (Z.of_nat (d_head M)).
Local Notation D M := (Z.of_nat (d_model M)).

Definition cubic_operations_bound (M : model) (c : plan) : Z := right_operations_bound M Exact Joint Every c.

Definition wrong_count_operations_bound (M : model) (c : plan) : Z := wrong_operations_bound M Exact Joint Every c.

Definition subcubic_operations_bound (M : model) (b : banded_certificate) : Z :=
  right_operations_bound M Exact (Split Exact) (Banded (band_exponents b)) (banded_plan b).

Definition subcubic_low_rank_qk_operations_bound (M : model) (c : one_factor_certificate) : Z :=
  let b := one_factor_banded c in
  right_operations_bound M (Low_rank (only_factors c)) (Split Exact) (Banded (band_exponents b)) (banded_plan b).

Definition subcubic_low_rank_eu_operations_bound (M : model) (c : one_factor_certificate) : Z :=
  let b := one_factor_banded c in
  right_operations_bound M Exact (Split (Low_rank (only_factors c))) (Banded (band_exponents b)) (banded_plan b).

Definition subcubic_low_rank_operations_bound (M : model) (c : low_rank_certificate) : Z :=
  let b := low_rank_banded c in
  right_operations_bound M (Low_rank (scores_factors c)) (Split (Low_rank (direct_factors c))) (Banded (band_exponents b))
    (banded_plan b).

Definition quadratic_operations_bound (M : model) (c : low_rank_certificate) : Z := 4 + subcubic_low_rank_operations_bound M c.

Local Lemma none_moved : forall M : model, len (repeat 0%Z (d_model M)) <= D M.
Proof. intro M. rewrite len_repeat. lia. Qed.

Theorem cubic_operations_at_most : forall (claimed : Z) (M : model) (c : plan), model_within M ->
  operations (cubic_verdict_counted claimed M c) <= cubic_operations_bound M c.
Proof.
  intros claimed M c M_within. apply right_operations_at_most; [exact M_within | apply none_moved | exact I | exact I].
Qed.

Theorem wrong_count_operations_at_most : forall (claimed : Z) (M : model) (c : plan), model_within M ->
  operations (wrong_count_verdict_counted claimed M c) <= wrong_count_operations_bound M c.
Proof.
  intros claimed M c M_within. apply wrong_operations_at_most; [exact M_within | apply none_moved | exact I | exact I].
Qed.

Theorem subcubic_operations_at_most : forall (claimed : Z) (M : model) (b : banded_certificate),
  model_within M -> moved_shaped M b ->
  operations (subcubic_verdict_counted claimed M b) <= subcubic_operations_bound M b.
Proof.
  intros claimed M b M_within moved. apply right_operations_at_most; [exact M_within | exact moved | exact I | exact I].
Qed.

Theorem subcubic_low_rank_qk_operations_at_most : forall (claimed : Z) (M : model) (c : one_factor_certificate),
  model_within M -> moved_shaped M (one_factor_banded c) -> factors_shaped (H M) (only_factors c) ->
  operations (subcubic_low_rank_qk_verdict_counted claimed M c) <= subcubic_low_rank_qk_operations_bound M c.
Proof.
  intros claimed M c M_within moved shaped.
  apply right_operations_at_most; [exact M_within | exact moved | exact shaped | exact I].
Qed.

Theorem subcubic_low_rank_eu_operations_at_most : forall (claimed : Z) (M : model) (c : one_factor_certificate),
  model_within M -> moved_shaped M (one_factor_banded c) -> factors_shaped (D M) (only_factors c) ->
  operations (subcubic_low_rank_eu_verdict_counted claimed M c) <= subcubic_low_rank_eu_operations_bound M c.
Proof.
  intros claimed M c M_within moved shaped.
  apply right_operations_at_most; [exact M_within | exact moved | exact I | exact shaped].
Qed.

Theorem subcubic_low_rank_operations_at_most : forall (claimed : Z) (M : model) (c : low_rank_certificate),
  model_within M -> moved_shaped M (low_rank_banded c) ->
  factors_shaped (H M) (scores_factors c) -> factors_shaped (D M) (direct_factors c) ->
  operations (subcubic_low_rank_verdict_counted claimed M c) <= subcubic_low_rank_operations_bound M c.
Proof.
  intros claimed M c M_within moved first second.
  apply right_operations_at_most; [exact M_within | exact moved | exact first | exact second].
Qed.

Theorem quadratic_operations_at_most : forall (claimed : Z) (M : model) (c : low_rank_certificate),
  model_within M -> moved_shaped M (low_rank_banded c) ->
  factors_shaped (H M) (scores_factors c) -> factors_shaped (D M) (direct_factors c) ->
  operations (quadratic_verdict_counted claimed M c) <= quadratic_operations_bound M c.
Proof.
  intros claimed M c M_within moved first second.
  assert (most := subcubic_low_rank_operations_at_most claimed M c M_within moved first second).
  assert (nonneg : 0 <= subcubic_low_rank_operations_bound M c) by apply right_operations_bound_nonneg.
  unfold quadratic_verdict_counted, quadratic_tests_counted, quadratic_operations_bound.
  cbn [bind several operations returned]. destruct (first_failure (quadratic_tests c)); cbn [free operations]; lia.
Qed.
