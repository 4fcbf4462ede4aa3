(* CompactProofs: Length: StrategiesCounted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Spec.Network Cert.Outcome Cert.Products Cert.Attention Cert.Gaps Cert.Staged Cert.Strategies.
From CompactProofs Require Import Length.Counted Length.StagedCounted.
Import ListNotations.
(** * The named strategies, counted
    Twins of the verdicts of Cert.Strategies with their values; see Counted. How many operations they take:
    StrategiesLength. *)

Definition cubic_verdict_counted (claimed : Z) (M : model) (c : plan) : counted outcome :=
  right_verdict_counted M Exact Joint (repeat 0%Z (d_model M)) Every c claimed.

Definition wrong_count_verdict_counted (claimed : Z) (M : model) (c : plan) : counted outcome :=
  wrong_verdict_counted M Exact Joint (repeat 0%Z (d_model M)) Every c claimed.

Definition subcubic_verdict_counted (claimed : Z) (M : model) (c : banded_certificate) : counted outcome :=
  right_verdict_counted M Exact (Split Exact) (moved_embedding c) (Banded (band_exponents c)) (banded_plan c) claimed.

Definition subcubic_low_rank_qk_verdict_counted (claimed : Z) (M : model) (c : one_factor_certificate) : counted outcome :=
  let b := one_factor_banded c in
  right_verdict_counted M (Low_rank (only_factors c)) (Split Exact) (moved_embedding b) (Banded (band_exponents b))
    (banded_plan b) claimed.

Definition subcubic_low_rank_eu_verdict_counted (claimed : Z) (M : model) (c : one_factor_certificate) : counted outcome :=
  let b := one_factor_banded c in
  right_verdict_counted M Exact (Split (Low_rank (only_factors c))) (moved_embedding b) (Banded (band_exponents b))
    (banded_plan b) claimed.

Definition subcubic_low_rank_verdict_counted (claimed : Z) (M : model) (c : low_rank_certificate) : counted outcome :=
  let b := low_rank_banded c in
  right_verdict_counted M (Low_rank (scores_factors c)) (Split (Low_rank (direct_factors c))) (moved_embedding b)
    (Banded (band_exponents b)) (banded_plan b) claimed.

Definition quadratic_tests_counted (c : low_rank_certificate) : counted (list (bool * refusal)) :=
  several 4 (quadratic_tests c). (* three comparisons and a conversion *)

Definition quadratic_verdict_counted (claimed : Z) (M : model) (c : low_rank_certificate) : counted outcome :=
  let* tests := quadratic_tests_counted c in
  match first_failure tests with
  | Some why => free (Refused why)
  | None => subcubic_low_rank_verdict_counted claimed M c
  end.

(** ** Values *)

Theorem cubic_verdict_value : forall (claimed : Z) (M : model) (c : plan),
  returned (cubic_verdict_counted claimed M c) = cubic_verdict claimed M c.
Proof. intros claimed M c. apply right_verdict_value. Qed.

Theorem wrong_count_verdict_value : forall (claimed : Z) (M : model) (c : plan),
  returned (wrong_count_verdict_counted claimed M c) = wrong_count_verdict claimed M c.
Proof. intros claimed M c. apply wrong_verdict_value. Qed.

Theorem subcubic_verdict_value : forall (claimed : Z) (M : model) (c : banded_certificate),
  returned (subcubic_verdict_counted claimed M c) = subcubic_verdict claimed M c.
Proof. intros claimed M c. apply right_verdict_value. Qed.

Theorem subcubic_low_rank_qk_verdict_value : forall (claimed : Z) (M : model) (c : one_factor_certificate),
  returned (subcubic_low_rank_qk_verdict_counted claimed M c) = subcubic_low_rank_qk_verdict claimed M c.
Proof. intros claimed M c. apply right_verdict_value. Qed.

Theorem subcubic_low_rank_eu_verdict_value : forall (claimed : Z) (M : model) (c : one_factor_certificate),
  returned (subcubic_low_rank_eu_verdict_counted claimed M c) = subcubic_low_rank_eu_verdict claimed M c.
Proof. intros claimed M c. apply right_verdict_value. Qed.

Theorem subcubic_low_rank_verdict_value : forall (claimed : Z) (M : model) (c : low_rank_certificate),
  returned (subcubic_low_rank_verdict_counted claimed M c) = subcubic_low_rank_verdict claimed M c.
Proof. intros claimed M c. apply right_verdict_value. Qed.

Theorem quadratic_verdict_value : forall (claimed : Z) (M : model) (c : low_rank_certificate),
  returned (quadratic_verdict_counted claimed M c) = quadratic_verdict claimed M c.
Proof.
  intros claimed M c. unfold quadratic_verdict_counted, quadratic_verdict. rewrite value_bind.
  cbn [quadratic_tests_counted several returned]. destruct (first_failure (quadratic_tests c)); [reflexivity|].
  apply subcubic_low_rank_verdict_value.
Qed.
