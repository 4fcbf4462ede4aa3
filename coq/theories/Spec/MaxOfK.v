(* CompactProofs: Spec: MaxOfK *)
(* MIT licence. *)
From Coq Require Import Reals ZArith List Arith Lia.
From CompactProofs Require Import Spec.Network.
Import ListNotations.
(** * The task "largest of n_ctx tokens" and how often a network gets it right
    - [sequences d n]   == all lists of [n] tokens below [d]; there are d ^ n of them
    - [correct M x]     == on [x] the logit of the largest token is strictly above every other logit (a tie is wrong)
    - [correct_count M] == the number of correct sequences among all of them
    - [accuracy M]      == that number divided by d_vocab ^ n_ctx
    With one token in the vocabulary every sequence is correct, for want of another logit. Facts that show these definitions
    to be what they are called, among them that [sequences] has every sequence once: Base/SpecFacts.v. *)

Fixpoint sequences (d n : nat) : list (list nat) :=
  match n with
  | O => [[]]
  | S n' => flat_map (fun token => map (cons token) (sequences d n')) (seq 0 d)
  end.

Definition answer (x : list nat) : nat := list_max x.

Definition correct (M : model) (x : list nat) : Prop :=
  forall w : nat, w < d_vocab M -> w <> answer x -> (logit M x w < logit M x (answer x))%R.

(** Real comparison is decidable in the axioms of Coq's real numbers, hence so is [correct]. *)
Lemma correct_dec (M : model) (x : list nat) : {correct M x} + {~ correct M x}.
Proof.
  unfold correct. generalize (d_vocab M) as d. induction d as [|d IH].
  - left. intros w below. inversion below.
  - destruct IH as [yes|no].
    + destruct (Nat.eq_dec d (answer x)) as [same|different].
      * left. intros w below other. apply yes; [lia | exact other].
      * destruct (Rlt_dec (logit M x d) (logit M x (answer x))) as [less|not_less].
        -- left. intros w below other. destruct (Nat.eq_dec w d) as [->|]; [exact less|]. apply yes; [lia | exact other].
        -- right. intro all. apply not_less, all; [lia | exact different].
    + right. intro all. apply no. intros w below other. apply all; [lia | exact other].
Defined.

Definition correct_count (M : model) : Z :=
  Z.of_nat (length (filter (fun x => if correct_dec M x then true else false) (sequences (d_vocab M) (n_ctx M)))).

Definition accuracy (M : model) : R :=
  (IZR (correct_count M) / INR (d_vocab M) ^ n_ctx M)%R.
