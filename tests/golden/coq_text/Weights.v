(* CompactProofs: weights: generator 1, model toy, weight bits 4, sha256 f677b4e7e3924825c52bfc089077a6f9907a3859435c00fcb96941d6ba49edf8 *)
From Coq Require Import ZArith List.
Import ListNotations.

Definition n_ctx : Z := 2%Z.

Definition d_vocab : Z := 3%Z.

Definition d_model : Z := 2%Z.

Definition d_head : Z := 1%Z.

Definition W_E : list (list Z) := [
  [0; 1];
  [2; 3];
  [4; 5]
]%Z.

Definition W_E_bits : Z := 0%Z.

Definition W_pos : list (list Z) := [
  [-1; 0];
  [1; 2]
]%Z.

Definition W_pos_bits : Z := 1%Z.

Definition W_Q : list (list Z) := [
  [-2];
  [-1]
]%Z.

Definition W_Q_bits : Z := 2%Z.

Definition W_K : list (list Z) := [
  [-3];
  [-2]
]%Z.

Definition W_K_bits : Z := 3%Z.

Definition W_V : list (list Z) := [
  [-4];
  [-3]
]%Z.

Definition W_V_bits : Z := 4%Z.

Definition W_O : list (list Z) := [
  [-5; -4]
]%Z.

Definition W_O_bits : Z := 5%Z.

Definition W_U : list (list Z) := [
  [-6; -5; -4];
  [-3; -2; -1]
]%Z.

Definition W_U_bits : Z := 6%Z.
