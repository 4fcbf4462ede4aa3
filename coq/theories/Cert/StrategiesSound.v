(* CompactProofs: Cert: StrategiesSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Spec.Network Spec.MaxOfK.
From CompactProofs Require Import Cert.Outcome Cert.Products Cert.Attention Cert.Gaps Cert.Staged Cert.StagedSound Cert.Strategies.
(** * Every named strategy is sound
    An accepted claim holds: whatever the strategy, by the theorem of Staged. Source: docs/max_of_k.md, section 4. *)

Theorem cubic_sound : forall (N : Z) (M : model) (c : plan),
  cubic_check N M c = true -> (N <= correct_count M)%Z.
Proof. intros N M c. apply right_verdict_sound. Qed.

Theorem wrong_count_sound : forall (N : Z) (M : model) (c : plan),
  wrong_count_check N M c = true -> (correct_count M <= N)%Z.
Proof. intros N M c. apply wrong_verdict_sound. Qed.

Theorem subcubic_sound : forall (N : Z) (M : model) (c : banded_certificate),
  subcubic_check N M c = true -> (N <= correct_count M)%Z.
Proof. intros N M c. apply right_verdict_sound. Qed.

Theorem subcubic_low_rank_qk_sound : forall (N : Z) (M : model) (c : one_factor_certificate),
  subcubic_low_rank_qk_check N M c = true -> (N <= correct_count M)%Z.
Proof. intros N M c. apply right_verdict_sound. Qed.

Theorem subcubic_low_rank_eu_sound : forall (N : Z) (M : model) (c : one_factor_certificate),
  subcubic_low_rank_eu_check N M c = true -> (N <= correct_count M)%Z.
Proof. intros N M c. apply right_verdict_sound. Qed.

Theorem subcubic_low_rank_sound : forall (N : Z) (M : model) (c : low_rank_certificate),
  subcubic_low_rank_check N M c = true -> (N <= correct_count M)%Z.
Proof. intros N M c. apply right_verdict_sound. Qed.

Theorem quadratic_sound : forall (N : Z) (M : model) (c : low_rank_certificate),
  quadratic_check N M c = true -> (N <= correct_count M)%Z.
Proof.
  intros N M c check. apply (subcubic_low_rank_sound N M c). unfold quadratic_check, quadratic_verdict in check.
  destruct (first_failure (quadratic_tests c)); [discriminate check | exact check].
Qed.
