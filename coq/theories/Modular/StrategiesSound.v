(* CompactProofs: Modular: StrategiesSound *)
(* MIT licence. *)
From Coq Require Import ZArith.
From CompactProofs Require Import Spec.Modular Cert.Outcome Modular.Form Modular.Fold Modular.FoldSound Modular.Strategies.
From CompactProofs Require Import Modular.BruteForceSound Modular.SecondMomentSound Modular.LowRankUnembeddingSound.
From CompactProofs Require Import Modular.HomogeneitySound Modular.HomogeneityL1Sound Modular.QuadratureSound.
(** * What an accepted claim says: so many pairs are answered right by the network of the specification *)

Lemma accepted_outcome : forall o : outcome, accepted o = true -> o = Accepted.
Proof. intros [|why] yes; [reflexivity | discriminate yes]. Qed.

Theorem modular_brute_force_sound : forall (claimed : Z) (M : modular) (c : modular_brute_force_certificate),
  modular_brute_force_check claimed M c = true -> (claimed <= correct_count M)%Z.
Proof.
  intros claimed M c check. eapply on_form_sound; [|exact (accepted_outcome _ check)].
  intros F. apply modular_brute_force_on_sound.
Qed.

Theorem modular_brute_force_exact_sound : forall (claimed : Z) (M : modular) (c : modular_brute_force_certificate),
  modular_brute_force_exact_check claimed M c = true -> correct_count M = claimed.
Proof.
  intros claimed M c check. eapply on_form_exact; [|exact (accepted_outcome _ check)].
  intros F. apply modular_brute_force_exact_on_sound.
Qed.

Theorem second_moment_sound : forall (claimed : Z) (M : modular) (c : second_moment_certificate),
  second_moment_check claimed M c = true -> (claimed <= correct_count M)%Z.
Proof.
  intros claimed M c check. eapply on_form_sound; [|exact (accepted_outcome _ check)].
  intros F. apply second_moment_on_sound.
Qed.

Theorem low_rank_unembedding_sound : forall (claimed : Z) (M : modular) (c : low_rank_unembedding_certificate),
  low_rank_unembedding_check claimed M c = true -> (claimed <= correct_count M)%Z.
Proof.
  intros claimed M c check. eapply on_form_sound; [|exact (accepted_outcome _ check)].
  intros F. apply low_rank_unembedding_on_sound.
Qed.

Theorem homogeneity_sound : forall (claimed : Z) (M : modular) (c : homogeneity_certificate),
  homogeneity_check claimed M c = true -> (claimed <= correct_count M)%Z.
Proof.
  intros claimed M c check. eapply on_form_sound; [|exact (accepted_outcome _ check)].
  intros F. apply homogeneity_on_sound.
Qed.

Theorem homogeneity_l1_sound : forall (claimed : Z) (M : modular) (c : homogeneity_l1_certificate),
  homogeneity_l1_check claimed M c = true -> (claimed <= correct_count M)%Z.
Proof.
  intros claimed M c check. eapply on_form_sound; [|exact (accepted_outcome _ check)].
  intros F. apply homogeneity_l1_on_sound.
Qed.

Theorem quadrature_sound : forall (claimed : Z) (M : modular) (c : quadrature_certificate),
  quadrature_check claimed M c = true -> (claimed <= correct_count M)%Z.
Proof.
  intros claimed M c check. eapply on_form_sound; [|exact (accepted_outcome _ check)].
  intros F. apply quadrature_on_sound.
Qed.
