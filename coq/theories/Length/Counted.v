(* CompactProofs: Length: Counted *)
(* MIT licence. *)
From Coq Require Import ZArith List Bool Lia.
From CompactProofs Require Import Cert.Terms Cert.Outcome.
Import ListNotations.
(** * Values with the number of operations that they took
    How long a proof is, is how much its checker has to do. Each function of a checker has a twin, named [.._counted], which
    returns the same returned (a lemma [.._value] says so) and the number of operations done.
    What counts as one operation:
    - each primitive on machine integers that is evaluated: + - * >> << land and comparisons; so a signed comparison is 3;
    - each operation on integers (Z) or on lengths and indices (nat) that stands in the text: + - * / ^ min max, a comparison,
      a conversion from one kind of number to another. Successor and predecessor by matching are none;
    - nothing else: going through a list, pairing, matching, and the constants of the theory (tables of exponentials) are free.
    The virtual machine evaluates arguments before it calls; so a twin is charged for all tests of a list, for both sides of
    [&&], for a [let] once, and only for the branch taken of an [if] or a [match].
    - [free x], [once x], [several k x] == x, for 0, 1, k operations: those that stand in the text of x
    - [let* x := m in k]               == k, of what m returned, for the operations of both
    - [at_most b m]                    == m took at most b operations *)
Local Open Scope Z_scope.

Record counted (A : Type) : Type := Counted { operations : Z; returned : A }.
Arguments Counted {A}.
Arguments operations {A}.
Arguments returned {A}.

Section Values.
  Context {A B : Type}.

  Definition several (k : Z) (x : A) : counted A := Counted k x.
  Definition free (x : A) : counted A := Counted 0 x.
  Definition once (x : A) : counted A := Counted 1 x.

  Definition bind (m : counted A) (f : A -> counted B) : counted B :=
    let rest := f (returned m) in Counted (operations m + operations rest) (returned rest).
End Values.

Notation "'let*' x ':=' m 'in' k" := (bind m (fun x => k)) (at level 200, x binder, m at level 200, k at level 200).

(** ** Lists *)

Definition map_counted {A B : Type} (f : A -> counted B) : list A -> counted (list B) :=
  fix map_counted (l : list A) : counted (list B) :=
    match l with
    | [] => free []
    | x :: rest => let* y := f x in let* ys := map_counted rest in free (y :: ys)
    end.

Definition zip_counted {A B C : Type} (f : A -> B -> counted C) : list A -> list B -> counted (list C) :=
  fix zip (a : list A) (b : list B) : counted (list C) :=
    match a, b with
    | x :: a', y :: b' => let* z := f x y in let* zs := zip a' b' in free (z :: zs)
    | _, _ => free []
    end.

Definition fold_left_counted {A B : Type} (f : A -> B -> counted A) : list B -> A -> counted A :=
  fix fold (l : list B) (a : A) : counted A :=
    match l with
    | [] => free a
    | x :: rest => let* a' := f a x in fold rest a'
    end.

Definition fold_right_counted {A B : Type} (f : B -> A -> counted A) (start : A) : list B -> counted A :=
  fix fold (l : list B) : counted A :=
    match l with
    | [] => free start
    | x :: rest => let* a := fold rest in f x a
    end.

(** [forallb] looks at all of the list: the virtual machine evaluates both sides of [&&]. *)
Definition forallb_counted {A : Type} (f : A -> counted bool) : list A -> counted bool :=
  fix all (l : list A) : counted bool :=
    match l with
    | [] => free true
    | x :: rest => let* a := f x in let* b := all rest in free (a && b)
    end.

Fixpoint all_of {A : Type} (l : list (counted A)) : counted (list A) :=
  match l with
  | [] => free []
  | m :: rest => let* x := m in let* xs := all_of rest in free (x :: xs)
  end.

(** A test with the refusal that it is for. *)
Definition test (passed : counted bool) (why : refusal) : counted (bool * refusal) :=
  let* b := passed in free (b, why).

(** ** Values *)

Lemma value_bind : forall (A B : Type) (m : counted A) (f : A -> counted B), returned (bind m f) = returned (f (returned m)).
Proof. reflexivity. Qed.

Lemma value_map : forall (A B : Type) (f : A -> counted B) (g : A -> B) (l : list A),
  (forall x, returned (f x) = g x) -> returned (map_counted f l) = map g l.
Proof. intros A B f g l same. induction l as [|x l IH]; [reflexivity|]. cbn. rewrite same. f_equal. exact IH. Qed.

Lemma value_zip : forall (A B C : Type) (f : A -> B -> counted C) (g : A -> B -> C) (a : list A) (b : list B),
  (forall x y, returned (f x y) = g x y) -> returned (zip_counted f a b) = zip_with g a b.
Proof.
  intros A B C f g a b same. revert b. induction a as [|x a IH]; intros [|y b]; try reflexivity.
  cbn. rewrite same. f_equal. apply IH.
Qed.

Lemma value_fold_left : forall (A B : Type) (f : A -> B -> counted A) (g : A -> B -> A) (l : list B) (a : A),
  (forall x y, returned (f x y) = g x y) -> returned (fold_left_counted f l a) = fold_left g l a.
Proof.
  intros A B f g l a same. revert a. induction l as [|x l IH]; intro a; [reflexivity|]. cbn. rewrite same. apply IH.
Qed.

Lemma value_fold_right : forall (A B : Type) (f : B -> A -> counted A) (g : B -> A -> A) (start : A) (l : list B),
  (forall x y, returned (f x y) = g x y) -> returned (fold_right_counted f start l) = fold_right g start l.
Proof.
  intros A B f g start l same. induction l as [|x l IH]; [reflexivity|]. cbn in *. rewrite same, IH. reflexivity.
Qed.

Lemma value_forallb : forall (A : Type) (f : A -> counted bool) (g : A -> bool) (l : list A),
  (forall x, returned (f x) = g x) -> returned (forallb_counted f l) = forallb g l.
Proof. intros A f g l same. induction l as [|x l IH]; [reflexivity|]. cbn in *. rewrite same, IH. reflexivity. Qed.

Lemma value_if : forall (A : Type) (choice : bool) (m n : counted A),
  returned (if choice then m else n) = if choice then returned m else returned n.
Proof. intros A [] m n; reflexivity. Qed.

#[export] Hint Rewrite value_bind value_if : values.

(** Leaves an equation between values, where those of twins are the values of the functions. *)
Ltac values :=
  repeat (progress (
    cbn [bind returned several once free test all_of fst snd];
    autorewrite with values;
    repeat match goal with
    | |- context [returned (@map_counted ?A ?B ?f ?l)] => erewrite (value_map A B f _ l) by (intros; values; reflexivity)
    | |- context [returned (@zip_counted ?A ?B ?C ?f ?a ?b)] =>
        erewrite (value_zip A B C f _ a b) by (intros; values; reflexivity)
    | |- context [returned (@fold_left_counted ?A ?B ?f ?l ?a)] =>
        erewrite (value_fold_left A B f _ l a) by (intros; values; reflexivity)
    | |- context [returned (@fold_right_counted ?A ?B ?f ?a ?l)] =>
        erewrite (value_fold_right A B f _ a l) by (intros; values; reflexivity)
    | |- context [returned (@forallb_counted ?A ?f ?l)] => erewrite (value_forallb A f _ l) by (intros; values; reflexivity)
    end)).

(** ** Numbers of operations *)

Definition at_most {A : Type} (b : Z) (m : counted A) : Prop := operations m <= b.

Definition len {A : Type} (l : list A) : Z := Z.of_nat (length l).

Lemma len_nonneg : forall (A : Type) (l : list A), 0 <= len l.
Proof. intros A l. unfold len. lia. Qed.

Lemma len_cons : forall (A : Type) (x : A) (l : list A), len (x :: l) = 1 + len l.
Proof. intros A x l. unfold len. cbn [length]. lia. Qed.

Lemma len_nil : forall A : Type, len (@nil A) = 0.
Proof. reflexivity. Qed.

Lemma at_most_bind : forall (A B : Type) (m : counted A) (f : A -> counted B) (a b c : Z),
  at_most a m -> at_most b (f (returned m)) -> a + b <= c -> at_most c (bind m f).
Proof. unfold at_most. intros A B m f a b c first second sum. cbn. lia. Qed.

Lemma at_most_le : forall (A : Type) (m : counted A) (a b : Z), at_most a m -> a <= b -> at_most b m.
Proof. unfold at_most. intros A m a b before more. lia. Qed.

Lemma at_most_several : forall (A : Type) (x : A) (k b : Z), k <= b -> at_most b (several k x).
Proof. intros A x k b more. exact more. Qed.

Lemma at_most_free : forall (A : Type) (x : A) (b : Z), 0 <= b -> at_most b (free x).
Proof. intros A x b more. exact more. Qed.

Lemma at_most_once : forall (A : Type) (x : A) (b : Z), 1 <= b -> at_most b (once x).
Proof. intros A x b more. exact more. Qed.

Lemma at_most_map : forall (A B : Type) (f : A -> counted B) (l : list A) (c r : Z),
  0 <= c -> len l <= r -> (forall x, In x l -> at_most c (f x)) -> at_most (r * c) (map_counted f l).
Proof.
  intros A B f l c r positive longest each.
  apply at_most_le with (len l * c); [|nia]. clear longest r.
  induction l as [|x l IH]; [apply at_most_free; rewrite len_nil; lia|].
  apply at_most_bind with c (len l * c); [apply each; left; reflexivity| |rewrite len_cons; lia].
  apply at_most_bind with (len l * c) 0; [|apply at_most_free; lia|lia].
  apply IH. intros y inside. apply each. right. exact inside.
Qed.

Lemma at_most_zip : forall (A B C : Type) (f : A -> B -> counted C) (a : list A) (b : list B) (c r : Z),
  0 <= c -> len a <= r \/ len b <= r -> (forall x y, In x a -> In y b -> at_most c (f x y)) ->
  at_most (r * c) (zip_counted f a b).
Proof.
  intros A B C f a b c r positive longest. assert (r_nonneg : 0 <= r) by (unfold len in longest; lia).
  revert b r longest r_nonneg. induction a as [|x a IH]; intros b r longest r_nonneg each.
  - apply at_most_free. nia.
  - destruct b as [|y b]; [apply at_most_free; nia|].
    assert (some : 1 <= r) by (rewrite !len_cons in longest; unfold len in longest; lia).
    apply at_most_bind with c ((r - 1) * c); [apply each; left; reflexivity| |lia].
    apply at_most_bind with ((r - 1) * c) 0; [|apply at_most_free; lia|lia].
    apply IH; [rewrite !len_cons in longest; lia | lia|].
    intros x' y' inside_a inside_b. apply each; right; assumption.
Qed.

Lemma at_most_fold_left : forall (A B : Type) (f : A -> B -> counted A) (l : list B) (a : A) (c r : Z),
  0 <= c -> len l <= r -> (forall a x, In x l -> at_most c (f a x)) -> at_most (r * c) (fold_left_counted f l a).
Proof.
  intros A B f l a c r positive longest each.
  apply at_most_le with (len l * c); [|nia]. clear longest r. revert a.
  induction l as [|x l IH]; intro a; [apply at_most_free; rewrite len_nil; lia|].
  apply at_most_bind with c (len l * c); [apply each; left; reflexivity| |rewrite len_cons; lia].
  apply IH. intros a' y inside. apply each. right. exact inside.
Qed.

Lemma at_most_fold_right : forall (A B : Type) (f : B -> A -> counted A) (start : A) (l : list B) (c r : Z),
  0 <= c -> len l <= r -> (forall x a, In x l -> at_most c (f x a)) -> at_most (r * c) (fold_right_counted f start l).
Proof.
  intros A B f start l c r positive longest each.
  apply at_most_le with (len l * c); [|nia]. clear longest r.
  induction l as [|x l IH]; [apply at_most_free; rewrite len_nil; lia|].
  apply at_most_bind with (len l * c) c; [|apply each; left; reflexivity|rewrite len_cons; lia].
  apply IH. intros y a inside. apply each. right. exact inside.
Qed.

Lemma at_most_forallb : forall (A : Type) (f : A -> counted bool) (l : list A) (c r : Z),
  0 <= c -> len l <= r -> (forall x, In x l -> at_most c (f x)) -> at_most (r * c) (forallb_counted f l).
Proof.
  intros A f l c r positive longest each.
  apply at_most_le with (len l * c); [|nia]. clear longest r.
  induction l as [|x l IH]; [apply at_most_free; rewrite len_nil; lia|].
  apply at_most_bind with c (len l * c); [apply each; left; reflexivity| |rewrite len_cons; lia].
  apply at_most_bind with (len l * c) 0; [|apply at_most_free; lia|lia].
  apply IH. intros y inside. apply each. right. exact inside.
Qed.

Lemma at_most_then : forall (A B : Type) (m : counted A) (f : A -> counted B) (a b : Z),
  at_most a m -> at_most b (f (returned m)) -> at_most (a + b) (bind m f).
Proof. intros A B m f a b first second. exact (at_most_bind _ _ _ _ _ _ _ first second (Z.le_refl _)). Qed.

Lemma at_most_if : forall (A : Type) (choice : bool) (m n : counted A) (a b : Z),
  at_most a m -> at_most b n -> at_most (Z.max a b) (if choice then m else n).
Proof. unfold at_most. intros A [] m n a b first second; lia. Qed.

Lemma at_most_all_of : forall (A : Type) (m : counted A) (l : list (counted A)) (a b : Z),
  at_most a m -> at_most b (all_of l) -> at_most (a + b) (all_of (m :: l)).
Proof.
  intros A m l a b first rest. cbn [all_of]. apply at_most_then; [exact first|].
  apply at_most_bind with b 0; [exact rest | apply at_most_free; lia | lia].
Qed.

Lemma at_most_all_of_nil : forall A : Type, at_most 0 (@all_of A []).
Proof. intro A. apply at_most_free. lia. Qed.

Lemma at_most_test : forall (passed : counted bool) (why : refusal) (b : Z), at_most b passed -> at_most b (test passed why).
Proof. intros passed why b first. apply at_most_bind with b 0; [exact first | apply at_most_free; lia | lia]. Qed.

Create HintDb lengths discriminated.
#[export] Hint Constants Opaque : lengths.

(** Finds a bound for what is put together of twins whose bounds are known. *)
Ltac count_up :=
  cbv beta; autorewrite with values;
  lazymatch goal with
  | |- at_most _ (bind _ _) => eapply at_most_then; [count_up | count_up]
  | |- at_most _ (several _ _) => apply at_most_several, Z.le_refl
  | |- at_most _ (free _) => apply at_most_free, Z.le_refl
  | |- at_most _ (once _) => apply at_most_once, Z.le_refl
  | |- at_most _ (if _ then _ else _) => eapply at_most_if; [count_up | count_up]
  | |- at_most _ (all_of (_ :: _)) => eapply at_most_all_of; [count_up | count_up]
  | |- at_most _ (all_of []) => apply at_most_all_of_nil
  | |- at_most _ (test _ _) => eapply at_most_test; count_up
  | |- _ => solve [eauto 12 with lengths]
  end.

Ltac count := eapply at_most_le; [count_up | lia].
