(* CompactProofs: Base: NoWrap *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Base.Sums Base.Signed63 Base.Matrix.
Import ListNotations.
(** * Machine integers that stand for exact integers
    Machine arithmetic is arithmetic modulo 2^63. That nothing has wrapped around is said by an equation with an integer of Z,
    which is defined from the weights by finite sums and products, without machine integers.
    - [stands_for i z]       == machine integer [i], read as a signed number, is [z]; and |z| < 2^62
    - [row_stands row c z]   == [row] has [c] entries, and entry j stands for [z j]
    - [table_stands A r c z] == [A] has [r] rows of [c] entries, and entry (i, j) stands for [z i j]
    Integer matrices are functions of row and column:
    - [scaled factor W]      == the matrix with rows [W], times [factor]
    - [times n x y]          == the product of two matrices; x has [n] columns
    - [flip x]               == the transpose
    Main results: conversion, products and sums of machine integers give tables that stand for the same of integers, under the
    tests of Base.Matrix: [of_rows_stands], [mul_stands], [mul_transposed_stands], [add_row_stands], [add_rows_stands]. *)
Local Open Scope Z_scope.

Definition stands_for (i : int) (z : Z) : Prop := signed i = z /\ Z.abs z < 2 ^ 62.

Definition row_stands (row : list int) (c : nat) (z : nat -> Z) : Prop :=
  length row = c /\ forall j : nat, (j < c)%nat -> stands_for (nth j row 0%uint63) (z j).

Definition table_stands (A : list (list int)) (r c : nat) (z : nat -> nat -> Z) : Prop :=
  length A = r /\ forall i : nat, (i < r)%nat -> row_stands (nth i A []) c (z i).

Definition scaled (factor : Z) (W : list (list Z)) (i j : nat) : Z := nth j (nth i W []) 0 * factor.

Definition times (n : nat) (x y : nat -> nat -> Z) (i j : nat) : Z := sumZ n (fun k => x i k * y k j).

Definition flip (x : nat -> nat -> Z) (i j : nat) : Z := x j i.

(** ** What a table that stands for integers has *)

Lemma table_stands_intro : forall (A : list (list int)) (r c : nat) (z : nat -> nat -> Z),
  has_shape r c A = true ->
  (forall i j : nat, (i < r)%nat -> (j < c)%nat -> at2 A i j = z i j /\ Z.abs (z i j) < 2 ^ 62) ->
  table_stands A r c z.
Proof.
  intros A r c z shape each. split; [exact (has_shape_length _ _ _ _ shape)|]. intros i row.
  split; [exact (has_shape_row _ _ _ _ _ shape row)|]. intros j column. exact (each i j row column).
Qed.

Section Table.
  Context (A : list (list int)) (r c : nat) (z : nat -> nat -> Z) (stands : table_stands A r c z).

  Lemma table_stands_shape : has_shape r c A = true.
  Proof.
    destruct stands as [len rows]. apply has_shape_intro; [exact len|]. intros row member.
    apply (In_nth _ _ []) in member. destruct member as (i & inside & <-). apply (rows i). lia.
  Qed.

  Lemma table_stands_at : forall i j : nat, (i < r)%nat -> (j < c)%nat -> at2 A i j = z i j.
  Proof. intros i j row column. apply (proj2 (proj2 stands i row) j column). Qed.

  Lemma table_stands_max : forall i j : nat, (i < r)%nat -> (j < c)%nat -> Z.abs (z i j) <= to_Z (max_abs A).
  Proof. intros i j row column. rewrite <- table_stands_at by assumption. apply max_abs_bound. Qed.

  Lemma table_stands_ext : forall y : nat -> nat -> Z,
    (forall i j : nat, (i < r)%nat -> (j < c)%nat -> z i j = y i j) -> table_stands A r c y.
  Proof.
    intros y same. destruct stands as [len rows]. split; [exact len|]. intros i row. destruct (rows i row) as [width entries].
    split; [exact width|]. intros j column. rewrite <- same by assumption. exact (entries j column).
  Qed.
End Table.

Lemma times_ext : forall (n : nat) (x x' y y' : nat -> nat -> Z) (i j : nat),
  (forall k : nat, (k < n)%nat -> x i k = x' i k) -> (forall k : nat, (k < n)%nat -> y k j = y' k j) ->
  times n x y i j = times n x' y' i j.
Proof.
  intros n x x' y y' i j same_x same_y. apply sumZ_ext. intros k below. rewrite same_x, same_y by exact below. reflexivity.
Qed.

(** ** Conversion *)

Lemma of_rows_stands : forall (r c : nat) (factor : Z) (W : list (list Z)),
  has_shape r c W = true -> rows_fit factor W = true -> table_stands (of_rows factor W) r c (scaled factor W).
Proof.
  intros r c factor W shape fits. apply table_stands_intro; [apply of_rows_shape, shape|]. intros i j row column.
  rewrite (of_rows_exact r c) by assumption. split; [reflexivity|].
  unfold rows_fit in fits. rewrite forallb_forall in fits.
  assert (fits_row := fits (nth i W [])). rewrite forallb_forall in fits_row.
  assert (small := fits_row ltac:(apply nth_In; rewrite (has_shape_length _ _ _ _ shape); exact row) (nth j (nth i W []) 0)).
  assert (bound := small ltac:(apply nth_In; rewrite (has_shape_row _ _ _ _ _ shape row); exact column)).
  apply Z.leb_le in bound. unfold scaled. lia.
Qed.

(** ** Products *)

Section Products.
  Context (r n c : nat) (A B : list (list int)) (x y : nat -> nat -> Z).
  Context (A_stands : table_stands A r n x) (fits : product_fits n A B = true).

  Local Lemma product_small : forall (i : nat) (f : nat -> Z), (i < r)%nat ->
    (forall k : nat, (k < n)%nat -> Z.abs (f k) <= to_Z (max_abs B)) ->
    Z.abs (sumZ n (fun k => x i k * f k)) < 2 ^ 62.
  Proof.
    intros i f row bound. apply Z.le_lt_trans with (2 ^ 60); [|lia]. unfold product_fits in fits. apply Z.leb_le in fits.
    etransitivity; [|exact fits]. apply sumZ_bound. intros k below. rewrite Z.abs_mul.
    apply Z.mul_le_mono_nonneg; [lia | apply (table_stands_max A r n x A_stands); assumption | lia | exact (bound k below)].
  Qed.

  Theorem mul_stands : table_stands B n c y -> table_stands (mul c A B) r c (times n x y).
  Proof.
    intro B_stands. assert (shape_A := table_stands_shape A r n x A_stands).
    assert (shape_B := table_stands_shape B n c y B_stands).
    apply table_stands_intro; [exact (mul_shape r n c A B shape_A shape_B)|]. intros i j row column.
    rewrite (mul_exact r n c) by assumption. split.
    - apply times_ext; intros k below; [apply (table_stands_at A r n x A_stands) | apply (table_stands_at B n c y B_stands)];
        assumption.
    - apply (product_small i (fun k => y k j) row). intros k below. apply (table_stands_max B n c y B_stands); assumption.
  Qed.

  Theorem mul_transposed_stands : table_stands B c n y -> table_stands (mul_transposed A B) r c (times n x (flip y)).
  Proof.
    intro B_stands. assert (shape_A := table_stands_shape A r n x A_stands).
    assert (shape_B := table_stands_shape B c n y B_stands).
    apply table_stands_intro; [exact (mul_transposed_shape r c n n A B shape_A shape_B)|]. intros i j row column.
    rewrite (mul_transposed_exact r n c) by assumption. split.
    - apply (times_ext n _ _ (flip (at2 B))); intros k below;
        [apply (table_stands_at A r n x A_stands) | apply (table_stands_at B c n y B_stands)]; assumption.
    - apply (product_small i (y j) row). intros k below. apply (table_stands_max B c n y B_stands); assumption.
  Qed.
End Products.

(** ** Sums *)

Lemma sum_stands : forall (i j : int) (y z : Z),
  stands_for i y -> stands_for j z -> Z.abs (y + z) < 2 ^ 62 -> stands_for (i + j)%uint63 (y + z).
Proof.
  intros i j y z [<- _] [<- _] small. split; [|exact small]. apply signed_add. lia.
Qed.

Theorem add_rows_stands : forall (a b : list int) (c : nat) (y z : nat -> Z),
  row_stands a c y -> row_stands b c z -> (forall j : nat, (j < c)%nat -> Z.abs (y j + z j) < 2 ^ 62) ->
  row_stands (add_rows a b) c (fun j => y j + z j).
Proof.
  intros a b c y z [len_a entries_a] [len_b entries_b] small. split; [rewrite add_rows_length; congruence|].
  intros j column. rewrite nth_add_rows by congruence.
  apply sum_stands; [exact (entries_a j column) | exact (entries_b j column) | exact (small j column)].
Qed.

(** Row [p] of [B] added to the rows of [A]. *)
Theorem add_row_stands : forall (r s c p : nat) (A B : list (list int)) (y z : nat -> nat -> Z),
  table_stands A r c y -> table_stands B s c z -> sum_fits B A = true -> (p < s)%nat ->
  table_stands (add_row (nth p B []) A) r c (fun i j => z p j + y i j).
Proof.
  intros r s c p A B y z A_stands B_stands fits inside. unfold sum_fits in fits. apply Z.leb_le in fits.
  assert (len := proj1 A_stands). split; [unfold add_row; rewrite map_length; exact len|].
  intros i row. unfold add_row. rewrite (nth_map_any _ _ _ _ _ []) by lia.
  apply add_rows_stands; [apply B_stands, inside | apply A_stands, row|]. intros j column.
  assert (bound_A := table_stands_max A r c y A_stands i j row column).
  assert (bound_B := table_stands_max B s c z B_stands p j inside column). lia.
Qed.
