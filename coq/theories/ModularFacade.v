(* CompactProofs: ModularFacade *)
(* MIT licence. *)
From CompactProofs Require Export Spec.Network Spec.Modular.
From CompactProofs Require Export Cert.Outcome.
From CompactProofs Require Export Modular.Strategies Modular.StrategiesSound.
(** * All that a generated theorem file about modular arithmetic imports
    - [by_computation] == closes [check .. = true]: one evaluation by the virtual machine, at Qed, where a false check fails *)
Ltac by_computation := vm_cast_no_check (@eq_refl bool true).
