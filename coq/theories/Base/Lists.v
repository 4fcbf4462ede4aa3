(* CompactProofs: Base: Lists *)
(* MIT licence. *)
From Coq Require Import List Lia.
Import ListNotations.
(** * Entries of the beginning and of the rest of a list; two lists entry by entry
    - [zip_with f a b] == f applied to the entries of [a] and [b] at the same place *)

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

Definition zip_with {A B C : Type} (f : A -> B -> C) : list A -> list B -> list C :=
  fix zip (a : list A) (b : list B) : list C :=
    match a, b with
    | x :: a', y :: b' => f x y :: zip a' b'
    | _, _ => []
    end.

Lemma nth_zip_with : forall (A B C : Type) (f : A -> B -> C) (a : list A) (b : list B) (j : nat) (da : A) (db : B) (dc : C),
  (j < length a) -> (j < length b) -> nth j (zip_with f a b) dc = f (nth j a da) (nth j b db).
Proof.
  intros A B C f. induction a as [|x a IH]; intros [|y b] j da db dc inside_a inside_b; try (cbn in *; lia).
  destruct j as [|j]; [reflexivity|]. exact (IH b j da db dc ltac:(cbn in *; lia) ltac:(cbn in *; lia)).
Qed.

Lemma zip_with_length : forall (A B C : Type) (f : A -> B -> C) (a : list A) (b : list B),
  length (zip_with f a b) = Nat.min (length a) (length b).
Proof. intros A B C f. induction a as [|x a IH]; intros [|y b]; cbn; try reflexivity. f_equal. apply IH. Qed.
