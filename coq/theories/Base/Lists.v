(* CompactProofs: Base: Lists *)
(* MIT licence. *)
From Coq Require Import List Lia.
Import ListNotations.
(** * Entries of the beginning and of the rest of a list *)

Lemma nth_skipn : forall (A : Type) (l : list A) (k m : nat) (default : A),
  nth m (skipn k l) default = nth (k + m) l default.
Proof.
  intros A. induction l as [|x l IH]; intros k m default; [destruct k, m; reflexivity|].
  destruct k as [|k]; [reflexivity|]. apply IH.
Qed.

Lemma nth_firstn : forall (A : Type) (l : list A) (k m : nat) (default : A),
  m < k -> nth m (firstn k l) default = nth m l default.
Proof.
  intros A. induction l as [|x l IH]; intros k m default inside; [rewrite firstn_nil; reflexivity|].
  destruct k as [|k]; [lia|]. destruct m as [|m]; [reflexivity|]. cbn [firstn nth]. apply IH. lia.
Qed.

Lemma skipn_skipn : forall (A : Type) (a b : nat) (l : list A), skipn a (skipn b l) = skipn (b + a) l.
Proof.
  intros A a b. induction b as [|b IH]; intros l; [reflexivity|]. destruct l as [|x l]; [destruct a; reflexivity|]. apply IH.
Qed.
