(* CompactProofs: Modular: Strategies *)
(* MIT licence. *)
From Coq Require Import ZArith.
From CompactProofs Require Import Spec.Modular Cert.Outcome Modular.Form Modular.Fold.
From CompactProofs Require Export Modular.BruteForce Modular.SecondMoment Modular.LowRankUnembedding.
From CompactProofs Require Export Modular.Homogeneity Modular.HomogeneityL1 Modular.Quadrature.
(** * The strategies for modular arithmetic, on networks
    Each folds the network into the canonical form and checks the form.
    - [.._verdict N M c] == the outcome for the claim N, the network M and the certificate c
    - [.._check N M c]   == it is [Accepted]
    Soundness: Modular.StrategiesSound. *)

Definition modular_brute_force_verdict (claimed : Z) (M : modular) (c : modular_brute_force_certificate) : outcome :=
  on_form M (fun F => modular_brute_force_on claimed F c).
Definition modular_brute_force_check (claimed : Z) (M : modular) (c : modular_brute_force_certificate) : bool :=
  accepted (modular_brute_force_verdict claimed M c).

Definition modular_brute_force_exact_verdict (claimed : Z) (M : modular) (c : modular_brute_force_certificate) : outcome :=
  on_form M (fun F => modular_brute_force_exact_on claimed F c).
Definition modular_brute_force_exact_check (claimed : Z) (M : modular) (c : modular_brute_force_certificate) : bool :=
  accepted (modular_brute_force_exact_verdict claimed M c).

Definition second_moment_verdict (claimed : Z) (M : modular) (c : second_moment_certificate) : outcome :=
  on_form M (fun F => second_moment_on claimed F c).
Definition second_moment_check (claimed : Z) (M : modular) (c : second_moment_certificate) : bool :=
  accepted (second_moment_verdict claimed M c).

Definition low_rank_unembedding_verdict (claimed : Z) (M : modular) (c : low_rank_unembedding_certificate) : outcome :=
  on_form M (fun F => low_rank_unembedding_on claimed F c).
Definition low_rank_unembedding_check (claimed : Z) (M : modular) (c : low_rank_unembedding_certificate) : bool :=
  accepted (low_rank_unembedding_verdict claimed M c).

Definition homogeneity_verdict (claimed : Z) (M : modular) (c : homogeneity_certificate) : outcome :=
  on_form M (fun F => homogeneity_on claimed F c).
Definition homogeneity_check (claimed : Z) (M : modular) (c : homogeneity_certificate) : bool :=
  accepted (homogeneity_verdict claimed M c).

Definition homogeneity_l1_verdict (claimed : Z) (M : modular) (c : homogeneity_l1_certificate) : outcome :=
  on_form M (fun F => homogeneity_l1_on claimed F c).
Definition homogeneity_l1_check (claimed : Z) (M : modular) (c : homogeneity_l1_certificate) : bool :=
  accepted (homogeneity_l1_verdict claimed M c).

Definition quadrature_verdict (claimed : Z) (M : modular) (c : quadrature_certificate) : outcome :=
  on_form M (fun F => quadrature_on claimed F c).
Definition quadrature_check (claimed : Z) (M : modular) (c : quadrature_certificate) : bool :=
  accepted (quadrature_verdict claimed M c).
