(* CompactProofs: Spec: Network *)
(* MIT licence. *)
From Coq Require Import Reals ZArith List.
Import ListNotations.
(** * The quantised one-layer attention-only transformer, over the real numbers
    The forward pass as a textbook writes it: embed, one attention head with softmax, unembed; read at the last position
    (so a causal mask would change nothing). One layer, one head, no biases, no LayerNorm, no beginning-of-sequence token.
    No algorithm, no rounding, no machine number: [exp] is the real exponential.
    - [matrix]    == integers with one power-of-two scale: entry (i, j) is ints[i][j] / 2 ^ scale_bits
    - [model]     == sizes and weight matrices; scores are not divided by sqrt(d_head): who quantises a network folds that
                     factor into [W_Q]
    - [logit M x w] == output [w] of network [M] on tokens [x] (a list of [n_ctx] tokens below [d_vocab])
    Source: TransformerLens names; Elhage et al., "A Mathematical Framework for Transformer Circuits". *)
Local Open Scope R_scope.

(** sum n f = f 0 + f 1 + ... + f (n - 1). *)
Fixpoint sum (n : nat) (f : nat -> R) : R :=
  match n with
  | O => 0
  | S n' => f O + sum n' (fun k => f (S k))
  end.

Record matrix := Matrix {
  ints : list (list Z);
  scale_bits : nat
}.

(** Row [i], column [j]; an entry that the lists do not hold counts as 0. *)
Definition entry (A : matrix) (i j : nat) : R :=
  IZR (nth j (nth i (ints A) []) 0%Z) / 2 ^ scale_bits A.

Record model := Model {
  n_ctx : nat;
  d_vocab : nat;
  d_model : nat;
  d_head : nat;
  W_E : matrix;    (* d_vocab x d_model *)
  W_pos : matrix;  (* n_ctx x d_model *)
  W_Q : matrix;    (* d_model x d_head, divided by sqrt(d_head) *)
  W_K : matrix;    (* d_model x d_head *)
  W_V : matrix;    (* d_model x d_head *)
  W_O : matrix;    (* d_head x d_model *)
  W_U : matrix     (* d_model x d_vocab *)
}.

Section ForwardPass.
  Context (M : model) (x : list nat).

  Definition last_position : nat := n_ctx M - 1.

  (** Token plus position. *)
  Definition residual (i d : nat) : R := entry (W_E M) (nth i x O) d + entry (W_pos M) i d.

  Definition query (h : nat) : R := sum (d_model M) (fun d => residual last_position d * entry (W_Q M) d h).
  Definition key (i h : nat) : R := sum (d_model M) (fun d => residual i d * entry (W_K M) d h).
  Definition value (i h : nat) : R := sum (d_model M) (fun d => residual i d * entry (W_V M) d h).

  Definition score (i : nat) : R := sum (d_head M) (fun h => query h * key i h).

  (** Softmax over the positions. *)
  Definition pattern (i : nat) : R := exp (score i) / sum (n_ctx M) (fun j => exp (score j)).

  Definition mixed_value (h : nat) : R := sum (n_ctx M) (fun i => pattern i * value i h).
  Definition attention_out (d : nat) : R := sum (d_head M) (fun h => mixed_value h * entry (W_O M) h d).

  Definition logit (w : nat) : R :=
    sum (d_model M) (fun d => (residual last_position d + attention_out d) * entry (W_U M) d w).
End ForwardPass.
