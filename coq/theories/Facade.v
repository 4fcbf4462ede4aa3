(* CompactProofs: Facade *)
(* MIT licence. *)
From CompactProofs Require Export Spec.Network Spec.MaxOfK Spec.Weighted.
From CompactProofs Require Export Cert.Outcome.
From CompactProofs Require Export Cert.BruteForceCheck Cert.BruteForceSound.
From CompactProofs Require Export Cert.ExactCheck Cert.ExactSound.
From CompactProofs Require Export Cert.Staged Cert.Strategies Cert.StrategiesSound.
From CompactProofs Require Export Cert.Weighted Cert.WeightedSound.
(** * All that a generated theorem file imports
    - [by_computation] == closes [check .. = true]: one evaluation by the virtual machine, at Qed, where a false check fails *)
Ltac by_computation := vm_cast_no_check (@eq_refl bool true).
