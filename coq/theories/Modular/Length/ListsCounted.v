(* CompactProofs: Modular: Length: ListsCounted *)
(* MIT licence. *)
From Coq Require Import ZArith List Arith Permutation Lia.
From CompactProofs Require Import Base.Sums Modular.HomogeneityL1Facts Length.Counted Length.MatrixLength.
From CompactProofs Require Import Modular.Length.FormCounted.
Import ListNotations.
(** * Lists and sums, counted: what Length.Counted has not
    Twins of [filter], [find] and [sumZ], with their values and how many operations they take.
    - [at_most_map_sum], [at_most_zip_sum], [at_most_forallb_sum] == where these differ from entry to entry: their sum
    - [sumZ_turned]     == a sum over all numbers modulo p, turned round
    - [count_pairs_sum] == a count of pairs where what is done depends on the pair *)

(** ** Twins *)

Definition filter_counted {A : Type} (f : A -> counted bool) : list A -> counted (list A) :=
  fix filter (l : list A) : counted (list A) :=
    match l with
    | [] => free []
    | x :: rest => let* kept := f x in let* others := filter rest in free (if kept then x :: others else others)
    end.

(** [find] stops at the first. *)
Definition find_counted {A : Type} (f : A -> counted bool) : list A -> counted (option A) :=
  fix find (l : list A) : counted (option A) :=
    match l with
    | [] => free None
    | x :: rest => let* found := f x in if found then free (Some x) else find rest
    end.

Fixpoint sumZ_counted (n : nat) (f : nat -> counted Z) : counted Z :=
  match n with
  | O => free 0%Z
  | S n' => let* x := f O in let* rest := sumZ_counted n' (fun k => f (S k)) in once (x + rest)%Z
  end.

(** ** Values *)

Lemma value_filter : forall (A : Type) (f : A -> counted bool) (g : A -> bool) (l : list A),
  (forall x, returned (f x) = g x) -> returned (filter_counted f l) = filter g l.
Proof. intros A f g l same. induction l as [|x l IH]; [reflexivity|]. cbn in *. rewrite same, IH. reflexivity. Qed.

Lemma value_find : forall (A : Type) (f : A -> counted bool) (g : A -> bool) (l : list A),
  (forall x, returned (f x) = g x) -> returned (find_counted f l) = find g l.
Proof.
  intros A f g l same. induction l as [|x l IH]; [reflexivity|]. cbn in *. rewrite same.
  destruct (g x); [reflexivity | exact IH].
Qed.

Lemma value_sumZ : forall (n : nat) (f : nat -> counted Z) (g : nat -> Z),
  (forall k, returned (f k) = g k) -> returned (sumZ_counted n f) = sumZ n g.
Proof.
  induction n as [|n IH]; intros f g same; [reflexivity|]. cbn [sumZ_counted sumZ]. rewrite !value_bind, same.
  rewrite (IH _ (fun k => g (S k))) by (intro; apply same). reflexivity.
Qed.

(** As [values], for the lists alone: faster where there is much. *)
Ltac each_list := repeat match goal with
  | |- context [returned (map_counted ?f ?l)] => erewrite (value_map _ _ f _ l) by (intros; values; reflexivity)
  | |- context [returned (forallb_counted ?f ?l)] => erewrite (value_forallb _ f _ l) by (intros; values; reflexivity)
  end.

(** ** Numbers of operations *)
Local Open Scope Z_scope.

Lemma at_most_filter : forall (A : Type) (f : A -> counted bool) (l : list A) (c r : Z),
  0 <= c -> len l <= r -> (forall x, In x l -> at_most c (f x)) -> at_most (r * c) (filter_counted f l).
Proof.
  intros A f l c r positive longest each. apply at_most_le with (len l * c); [|nia]. clear longest r.
  induction l as [|x l IH]; [apply at_most_free; rewrite len_nil; lia|].
  apply at_most_bind with c (len l * c); [apply each; left; reflexivity| |rewrite len_cons; lia].
  apply at_most_bind with (len l * c) 0; [|apply at_most_free; lia|lia].
  apply IH. intros y inside. apply each. right. exact inside.
Qed.

Lemma at_most_find : forall (A : Type) (f : A -> counted bool) (l : list A) (c r : Z),
  0 <= c -> len l <= r -> (forall x, In x l -> at_most c (f x)) -> at_most (r * c) (find_counted f l).
Proof.
  intros A f l c r positive longest each. apply at_most_le with (len l * c); [|nia]. clear longest r.
  induction l as [|x l IH]; [apply at_most_free; rewrite len_nil; lia|].
  assert (some := len_nonneg _ l).
  apply at_most_bind with c (len l * c); [apply each; left; reflexivity| |rewrite len_cons; lia].
  destruct (returned (f x)); [apply at_most_free; nia|].
  apply IH. intros y inside. apply each. right. exact inside.
Qed.

Lemma at_most_sumZ : forall (n : nat) (f : nat -> counted Z) (c : Z),
  0 <= c -> (forall k, at_most c (f k)) -> at_most (Z.of_nat n * (c + 1)) (sumZ_counted n f).
Proof.
  induction n as [|n IH]; intros f c positive each; [apply at_most_free; lia|]. cbn [sumZ_counted].
  apply at_most_bind with c (Z.of_nat n * (c + 1) + 1); [apply each| |lia].
  apply at_most_then; [|apply at_most_once, Z.le_refl]. apply IH; [exact positive|]. intro k. apply each.
Qed.

Lemma len_filter : forall (A : Type) (f : A -> bool) (l : list A), len (filter f l) <= len l.
Proof.
  intros A f. induction l as [|x l IH]; [apply Z.le_refl|]. cbn [filter]. destruct (f x); rewrite ?len_cons; lia.
Qed.

(** ** Where what is done differs from entry to entry
    [sumL l k]: the sum of [k] over a list, as in Modular.HomogeneityL1Facts. *)

Lemma sumL_cons : forall (A : Type) (k : A -> Z) (x : A) (l : list A), sumL (x :: l) k = k x + sumL l k.
Proof. reflexivity. Qed.

Lemma at_most_map_sum : forall (A B : Type) (f : A -> counted B) (k : A -> Z) (l : list A),
  (forall x, In x l -> at_most (k x) (f x)) -> at_most (sumL l k) (map_counted f l).
Proof.
  intros A B f k l each. induction l as [|x l IH]; [apply at_most_free, Z.le_refl|]. rewrite sumL_cons.
  apply at_most_then; [apply each; left; reflexivity|].
  apply at_most_bind with (sumL l k) 0; [|apply at_most_free; lia|lia].
  apply IH. intros y inside. apply each. right. exact inside.
Qed.

Lemma at_most_forallb_sum : forall (A : Type) (f : A -> counted bool) (k : A -> Z) (l : list A),
  (forall x, In x l -> at_most (k x) (f x)) -> at_most (sumL l k) (forallb_counted f l).
Proof.
  intros A f k l each. induction l as [|x l IH]; [apply at_most_free, Z.le_refl|]. rewrite sumL_cons.
  apply at_most_then; [apply each; left; reflexivity|].
  apply at_most_bind with (sumL l k) 0; [|apply at_most_free; lia|lia].
  apply IH. intros y inside. apply each. right. exact inside.
Qed.

(** [c] for each entry of the first list; [k] for those of the second. *)
Lemma at_most_zip_sum : forall (A B C : Type) (f : A -> B -> counted C) (c : Z) (k : B -> Z) (a : list A) (b : list B),
  0 <= c -> (forall y, 0 <= k y) -> (forall x y, at_most (c + k y) (f x y)) ->
  at_most (len a * c + sumL b k) (zip_counted f a b).
Proof.
  intros A B C f c k a b c_nonneg k_nonneg each. revert b. induction a as [|x a IH]; intro b.
  - apply at_most_free. rewrite len_nil. apply (sumL_nonneg _ b k (fun y _ => k_nonneg y)).
  - destruct b as [|y b]; [apply at_most_free; assert (some := len_nonneg _ (x :: a)); change (sumL [] k) with 0; nia|].
    rewrite len_cons, sumL_cons. apply at_most_bind with (c + k y) (len a * c + sumL b k); [apply each| |lia].
    apply at_most_bind with (len a * c + sumL b k) 0; [apply IH | apply at_most_free; lia | lia].
Qed.

Lemma sumL_map : forall (A B : Type) (f : A -> B) (l : list A) (g : B -> Z), sumL (map f l) g = sumL l (fun x => g (f x)).
Proof. intros A B f l g. induction l as [|x l IH]; [reflexivity|]. cbn [map]. rewrite !sumL_cons, IH. reflexivity. Qed.

Lemma sumL_const : forall (A : Type) (l : list A) (c : Z), sumL l (fun _ => c) = len l * c.
Proof.
  intros A l c. induction l as [|x l IH]; [reflexivity|]. rewrite sumL_cons, len_cons, IH. lia.
Qed.

Lemma sumL_permutation : forall (A : Type) (l l' : list A) (g : A -> Z), Permutation l l' -> sumL l g = sumL l' g.
Proof. intros A l l' g same. unfold sumL. induction same; cbn [fold_right]; lia. Qed.

(** Entries of a list one after the other, and nothing after its end. *)
Lemma sumZ_nth : forall (A : Type) (d : A) (g : A -> Z) (l : list A) (n : nat),
  g d = 0 -> (forall x, 0 <= g x) -> sumZ n (fun t => g (nth t l d)) <= sumL l g.
Proof.
  intros A d g l n none positive. revert l. induction n as [|n IH]; intro l.
  - apply (sumL_nonneg _ l g (fun x _ => positive x)).
  - destruct l as [|x l]; cbn [sumZ nth].
    + rewrite none, sumZ_zero. apply Z.le_refl.
    + rewrite sumL_cons. apply Z.add_le_mono_l, IH.
Qed.

(** ** Turning round modulo p *)

Local Lemma nodup_map : forall (A B : Type) (f : A -> B) (l : list A),
  (forall x y, In x l -> In y l -> f x = f y -> x = y) -> NoDup l -> NoDup (map f l).
Proof.
  intros A B f l. induction l as [|x l IH]; intros injective once; [constructor|]. cbn [map].
  inversion once as [|? ? new rest]; subst. constructor.
  - rewrite in_map_iff. intros (y & same & inside). apply new.
    rewrite (injective x y); [exact inside | left; reflexivity | right; exact inside | symmetry; exact same].
  - apply IH; [|exact rest]. intros y z inside_y inside_z. apply injective; right; assumption.
Qed.

Lemma sumZ_turned : forall (p : nat) (z : Z) (g : nat -> Z),
  sumZ p (fun a => g (Z.to_nat ((Z.of_nat a + z) mod Z.of_nat p))) = sumZ p g.
Proof.
  intros p z g. destruct p as [|p']; [reflexivity|]. set (p := S p').
  set (f := fun a => Z.to_nat ((Z.of_nat a + z) mod Z.of_nat p)).
  assert (p_pos : 0 < Z.of_nat p) by (subst p; lia).
  transitivity (sumL (map f (seq 0 p)) g); [rewrite sumL_map, sumL_seq; reflexivity|].
  transitivity (sumL (seq 0 p) g); [|rewrite sumL_seq; reflexivity].
  apply sumL_permutation, NoDup_Permutation_bis.
  - apply nodup_map; [|apply seq_NoDup]. intros x y inside_x inside_y same. unfold f in same.
    apply in_seq in inside_x, inside_y.
    assert (range_x := Z.mod_pos_bound (Z.of_nat x + z) _ p_pos). assert (range_y := Z.mod_pos_bound (Z.of_nat y + z) _ p_pos).
    assert (equal : (Z.of_nat x + z) mod Z.of_nat p = (Z.of_nat y + z) mod Z.of_nat p) by lia.
    assert (div_x := Z.div_mod (Z.of_nat x + z) (Z.of_nat p) ltac:(lia)).
    assert (div_y := Z.div_mod (Z.of_nat y + z) (Z.of_nat p) ltac:(lia)). rewrite equal in div_x.
    set (u := (Z.of_nat x + z) / Z.of_nat p) in *. set (v := (Z.of_nat y + z) / Z.of_nat p) in *.
    assert (difference : Z.of_nat x - Z.of_nat y = Z.of_nat p * (u - v)) by lia.
    assert (u - v = 0) by nia. nia.
  - rewrite map_length, seq_length. apply le_n.
  - intros x inside. apply in_map_iff in inside. destruct inside as (y & <- & _). apply in_seq. unfold f.
    assert (range := Z.mod_pos_bound (Z.of_nat y + z) _ p_pos). lia.
Qed.

(** ** Pairs *)

Section Pairs.
  Context {A B : Type} (test_counted : nat -> A -> nat -> B -> counted bool) (k : nat -> nat -> Z).
  Context (usual : A -> Prop) (each : forall a x b y, usual x -> at_most (k a b) (test_counted a x b y)).

  Local Lemma count_row_sum : forall (a : nat) (x : A) (row : list B) (b : nat), usual x ->
    at_most (sumZ (length row) (fun j => k a (b + j))) (count_row_counted test_counted a x b row).
  Proof.
    intros a x row b is_usual. revert b. induction row as [|y row IH]; intro b; [apply at_most_free, Z.le_refl|].
    cbn [count_row_counted length sumZ]. rewrite Nat.add_0_r. apply at_most_then; [apply each, is_usual|].
    apply at_most_bind with (sumZ (length row) (fun j => k a (b + S j))) 0; [|apply at_most_free; lia|lia].
    rewrite (sumZ_ext _ _ (fun j => k a (S b + j))); [apply IH|]. intros j _. f_equal. lia.
  Qed.

  Local Lemma count_rows_sum : forall (rows : list A) (columns : list B) (a : nat), (forall x, In x rows -> usual x) ->
    at_most (sumZ (length rows) (fun i => 2 + sumZ (length columns) (fun j => k (a + i) j)))
      (count_rows_counted test_counted a rows columns).
  Proof.
    intros rows columns. induction rows as [|x rows IH]; intros a all; [apply at_most_free, Z.le_refl|].
    cbn [count_rows_counted length sumZ]. rewrite Nat.add_0_r.
    eapply at_most_bind; [apply count_row_sum, all; left; reflexivity| |].
    - eapply at_most_then; [apply IH | apply at_most_several, Z.le_refl]. intros y inside. apply all. right. exact inside.
    - cbn [Nat.add]. rewrite (sumZ_ext _ (fun i => 2 + sumZ (length columns) (fun j => k (a + S i) j))
        (fun i => 2 + sumZ (length columns) (fun j => k (S a + i) j))); [cbn [Nat.add]; lia|].
      intros i _. f_equal. apply sumZ_ext. intros j _. f_equal. lia.
  Qed.

  (** Of at most p rows and p columns. *)
  Lemma count_pairs_sum : forall (p : nat) (rows : list A) (columns : list B), (forall a b, 0 <= k a b) ->
    (forall x, In x rows -> usual x) -> len rows <= Z.of_nat p -> len columns <= Z.of_nat p ->
    at_most (sumZ p (fun a => 2 + sumZ p (k a))) (count_pairs_counted test_counted rows columns).
  Proof.
    intros p rows columns positive all rows_short columns_short. unfold len in *.
    eapply at_most_le; [apply count_rows_sum, all|].
    assert (row_nonneg : forall n a, 0 <= sumZ n (k a)) by (intros n a; apply sumZ_nonneg; intros; apply positive).
    etransitivity.
    { apply (sumZ_le_more _ p); [lia|]. intros a _. apply Z.add_nonneg_nonneg; [lia | apply row_nonneg]. }
    apply sumZ_le. intros a _. apply Z.add_le_mono_l. apply sumZ_le_more; [lia|]. intros; apply positive.
  Qed.
End Pairs.
