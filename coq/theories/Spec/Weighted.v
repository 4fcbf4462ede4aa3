(* CompactProofs: Spec: Weighted *)
(* MIT licence. *)
From Coq Require Import Reals ZArith List.
From CompactProofs Require Import Spec.Network Spec.MaxOfK.
Import ListNotations.
(** * How often a network is right where tokens are not equally likely
    Tokens are drawn independently of each other, by integer weights: row i of [W] has the weight of each token at position i.
    - [weight W x]            == the product of the weights of the tokens of [x], each at its position
    - [correct_weight W M]    == the sum of the weights of all correct sequences (Spec.MaxOfK)
    - [total_weight W M]      == the sum of the weights of all sequences
    - [weighted_accuracy W M] == the first over the second: the probability of a right answer
    Facts that show these definitions to be what they are called: Base/WeightFacts.v; among them that weights of 1 count the
    correct sequences, and that [total_weight] is the product of the sums of the rows. *)

Fixpoint weight (W : list (list Z)) (x : list nat) : Z :=
  match W, x with
  | row :: W', token :: x' => nth token row 0 * weight W' x'
  | _, _ => 1
  end%Z.

Definition sum_of_weights (W : list (list Z)) (l : list (list nat)) : Z := fold_right Z.add 0%Z (map (weight W) l).

Definition correct_weight (W : list (list Z)) (M : model) : Z :=
  sum_of_weights W (filter (fun x => if correct_dec M x then true else false) (sequences (d_vocab M) (n_ctx M))).

Definition total_weight (W : list (list Z)) (M : model) : Z := sum_of_weights W (sequences (d_vocab M) (n_ctx M)).

Definition weighted_accuracy (W : list (list Z)) (M : model) : R := (IZR (correct_weight W M) / IZR (total_weight W M))%R.
