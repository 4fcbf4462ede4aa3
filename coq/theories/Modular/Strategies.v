(* CompactProofs: Modular: Strategies *)
(* MIT licence. *)
From Coq Require Import ZArith.
From CompactProofs Require Import Spec.Modular Cert.Outcome Modular.Form Modular.Fold.
From CompactProofs Require Export Modular.BruteForce Modular.SecondMoment Modular.LowRankUnembedding.
(** * The strategies for modular arithmetic, on networks
    Each folds the network into the canonical form and checks the form.
    - [.._verdict N M c] == the outcome for the claim N, the network M and the certificate c
    - [.._check N M c]   == it is [Accepted]
    Soundness: Modular.StrategiesSound. *)

Definition modular_brute_force_verdict (claimed : Z) (M : modular) (c : modular_brute_force_certificate) : outcome :=
  on_form M (fun F => modular_brute_force_on claimed F c).
Definition modular_brute_force_check (claimed : Z) (M : modular) (c : modular_brute_force_certificate) : bool := accepted (modular_brute_force_verdict claimed M c).

Definition modular_brute_force_exact_verdict (claimed : Z) (M : modular) (c : modular_brute_force_certificate) : outcome :=
  on_form M (fun F => modular_brute_force_exact_on claimed F c).
Definition modular_brute_force_exact_check (claimed : Z) (M : modular) (c : modular_brute_force_certificate) : bool := accepted (modular_brute_force_exact_verdict claimed M c).

Definition second_moment_verdict (claimed : Z) (M : modular) (c : second_moment_certificate) : outcome :=
  on_form M (fun F => second_moment_on claimed F c).
Definition second_moment_check (claimed : Z) (M : modular) (c : second_moment_certificate) : bool := accepted (second_moment_verdict claimed M c).

Definition low_rank_unembedding_verdict (claimed : Z) (M : modular) (c : low_rank_unembedding_certificate) : outcome :=
  on_form M (fun F => low_rank_unembedding_on claimed F c).
Definition low_rank_unembedding_check (claimed : Z) (M : modular) (c : low_rank_unembedding_certificate) : bool := accepted (low_rank_unembedding_verdict claimed M c).
