(* CompactProofs: theorem: model toy, strategy wrong *)
From Coq Require Import ZArith.
From CompactProofs Require Import Facade.
From CompactProofs.Generated.toy Require Weights.
From CompactProofs.Generated.toy.wrong Require Certificate.

Definition network : model :=
  Model (Z.to_nat Weights.n_ctx) (Z.to_nat Weights.d_vocab) (Z.to_nat Weights.d_model) (Z.to_nat Weights.d_head)
    (Matrix Weights.W_E (Z.to_nat Weights.W_E_bits))
    (Matrix Weights.W_pos (Z.to_nat Weights.W_pos_bits))
    (Matrix Weights.W_Q (Z.to_nat Weights.W_Q_bits))
    (Matrix Weights.W_K (Z.to_nat Weights.W_K_bits))
    (Matrix Weights.W_V (Z.to_nat Weights.W_V_bits))
    (Matrix Weights.W_O (Z.to_nat Weights.W_O_bits))
    (Matrix Weights.W_U (Z.to_nat Weights.W_U_bits)).

Definition certificate := Wrong Certificate.bound.

Lemma accepted : wrong_check 16700001%Z network certificate = true.
Proof. by_computation. Qed.

Theorem accuracy : (correct_count network <= 16700001)%Z.
Proof. exact (wrong_sound _ _ _ accepted). Qed.
