(* CompactProofs: Spec: Modular *)
(* MIT licence. *)
From Coq Require Import Reals ZArith List Arith Lia.
From CompactProofs Require Import Spec.Network.
Import ListNotations.
(** * Networks for modular arithmetic, and how often one gets it right
    The inputs are all pairs of tokens (a, b) below p; the right answer is (a + s b) mod p: addition for s = 1, subtraction
    for s = -1. Forward passes over the real numbers, as a textbook writes them; no algorithm, no rounding.
    - [Mlp]        == one hidden layer on the sum of two embeddings
    - [Bottleneck] == the same with [d_model] numbers between tokens and neurons, and between neurons and outputs
    - [Transformer] == one layer with uniform attention (1/2, 1/2), positions, a skip path and biases, no LayerNorm, read at
                      the second token. Several heads: value matrices side by side, output matrices one below the other
    - [Canonical]  == one hidden layer, and what each token brings to the outputs past it; any of the others is of this form
                      when all that depends on one token is multiplied out
    - [logit M a b c]   == output [c] on (a, b)
    - [correct M a b]   == the logit of the right answer is strictly above every other logit (a tie is wrong)
    - [correct_count M] == the number of correct pairs among all p^2
    Matrices are integers over a power of two (Spec.Network.matrix). Source: Gromov, arXiv 2301.02679 (quadratic); Zhong et al.,
    arXiv 2306.17844 (pizza). *)
Local Open Scope R_scope.

Inductive activation := Relu | Square.

Definition activate (f : activation) (x : R) : R :=
  match f with
  | Relu => Rmax 0 x
  | Square => x * x
  end.

Inductive layers :=
  | Mlp (f : activation) (d_mlp : nat)
      (W_E W_E_b : matrix)  (* p x d_mlp: embeddings of the first and of the second token *)
      (W_U : matrix)        (* d_mlp x p *)
  | Bottleneck (f : activation) (d_model d_mlp : nat)
      (W_E W_E_b : matrix)  (* p x d_model *)
      (W_in : matrix)       (* d_model x d_mlp *)
      (W_out : matrix)      (* d_mlp x d_model *)
      (W_U : matrix)        (* d_model x p *)
  | Transformer (f : activation) (d_model d_attn d_mlp : nat)
      (W_E : matrix)        (* p x d_model *)
      (W_pos : matrix)      (* 2 x d_model *)
      (W_V : matrix)        (* d_model x d_attn *)
      (W_O : matrix)        (* d_attn x d_model *)
      (W_in : matrix)       (* d_model x d_mlp *)
      (b_in : matrix)       (* 1 x d_mlp *)
      (W_out : matrix)      (* d_mlp x d_model *)
      (b_out : matrix)      (* 1 x d_model *)
      (W_U : matrix)        (* d_model x p *)
  | Canonical (f : activation) (d_mlp : nat)
      (P Q : matrix)        (* p x p: from the first and from the second token to the outputs *)
      (L R : matrix)        (* p x d_mlp: from the first and from the second token to the neurons *)
      (U : matrix).         (* d_mlp x p *)

Record modular := Modular {
  order : nat;          (* p *)
  coefficient : Z;      (* s *)
  network_layers : layers
}.

Definition logit_of (l : layers) (a b c : nat) : R :=
  match l with
  | Mlp f d_mlp W_E W_E_b W_U =>
      let hidden j := activate f (entry W_E a j + entry W_E_b b j) in
      sum d_mlp (fun j => hidden j * entry W_U j c)
  | Bottleneck f d_model d_mlp W_E W_E_b W_in W_out W_U =>
      let embedded d := entry W_E a d + entry W_E_b b d in
      let hidden j := activate f (sum d_model (fun d => embedded d * entry W_in d j)) in
      let mlp_out d := sum d_mlp (fun j => hidden j * entry W_out j d) in
      sum d_model (fun d => mlp_out d * entry W_U d c)
  | Transformer f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U =>
      let first d := entry W_E a d + entry W_pos 0 d in
      let second d := entry W_E b d + entry W_pos 1 d in
      let mixed d := / 2 * first d + / 2 * second d in
      let value h := sum d_model (fun d => mixed d * entry W_V d h) in
      let attention_out d := sum d_attn (fun h => value h * entry W_O h d) in
      let residual d := second d + attention_out d in
      let hidden j := activate f (sum d_model (fun d => residual d * entry W_in d j) + entry b_in 0 j) in
      let mlp_out d := sum d_mlp (fun j => hidden j * entry W_out j d) + entry b_out 0 d in
      sum d_model (fun d => (residual d + mlp_out d) * entry W_U d c)
  | Canonical f d_mlp P Q L R U =>
      let hidden j := activate f (entry L a j + entry R b j) in
      entry P a c + entry Q b c + sum d_mlp (fun j => hidden j * entry U j c)
  end.

Definition logit (M : modular) (a b c : nat) : R := logit_of (network_layers M) a b c.

Definition answer (p : nat) (s : Z) (a b : nat) : nat := Z.to_nat ((Z.of_nat a + s * Z.of_nat b) mod Z.of_nat p).

Definition correct (M : modular) (a b : nat) : Prop :=
  let right := answer (order M) (coefficient M) a b in
  forall c : nat, (c < order M)%nat -> c <> right -> logit M a b c < logit M a b right.

(** Real comparison is decidable in the axioms of Coq's real numbers, hence so is [correct]. *)
Lemma correct_dec (M : modular) (a b : nat) : {correct M a b} + {~ correct M a b}.
Proof.
  unfold correct. cbv zeta. generalize (answer (order M) (coefficient M) a b) as right. intro right.
  generalize (order M) as p. induction p as [|p IH].
  - left. intros c below. inversion below.
  - destruct IH as [yes|no].
    + destruct (Nat.eq_dec p right) as [same|different].
      * left. intros c below other. apply yes; [lia | exact other].
      * destruct (Rlt_dec (logit M a b p) (logit M a b right)) as [less|not_less].
        -- left. intros c below other. destruct (Nat.eq_dec c p) as [->|]; [exact less|]. apply yes; [lia | exact other].
        -- right. intro all. apply not_less, all; [lia | exact different].
    + right. intro all. apply no. intros c below other. apply all; [lia | exact other].
Defined.

Definition pairs (p : nat) : list (nat * nat) := list_prod (seq 0 p) (seq 0 p).

Definition correct_count (M : modular) : Z :=
  Z.of_nat (length (filter (fun x => if correct_dec M (fst x) (snd x) then true else false) (pairs (order M)))).
