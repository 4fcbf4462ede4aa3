(* CompactProofs: Cert: ProductsNoWrap *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Base.Sums Base.Lists Base.Signed63 Base.Matrix Base.NoWrap.
From CompactProofs Require Import Cert.Outcome Cert.Products Cert.ProductsSound.
Import ListNotations.
(** * No entry of a product wraps around, whether exact or of low rank
    The product is that of two tables that stand for the integers a and b. Of low rank, with the certificate's factors:
    - [peeledZ], [boundedZ]  == the products of the factors;  [remainderZ] == 2^bits on the diagonal less both
    - [peeled_rowsZ]         == (a peeled_left) (peeled_right b): the rows that the checker works with
    - [spreadZ n z]          == the largest of z 0 .. z (n - 1) less the smallest
    - [penaltyZ q]           == by how much differences along row q of these rows may be off
    - [product_no_wrap]      == every table of the product stands for these integers
    Main result: [product_of_no_wrap]: so it is, whatever the factors are, when the tests are passed. *)
Local Open Scope Z_scope.

Definition spreadZ (n : nat) (z : nat -> Z) : Z :=
  match map z (seq 0 n) with
  | [] => 0
  | first :: rest => fold_left Z.max rest first - fold_left Z.min rest first
  end.

Section Integers.
  Context (f : factors) (inner columns : nat) (a b : nat -> nat -> Z).

  Definition peeled_rank : nat := length (peeled_right f).
  Definition bounded_rank : nat := length (bounded_right f).
  Definition peeledZ : nat -> nat -> Z := times peeled_rank (scaled 1 (peeled_left f)) (scaled 1 (peeled_right f)).
  Definition boundedZ : nat -> nat -> Z := times bounded_rank (scaled 1 (bounded_left f)) (scaled 1 (bounded_right f)).
  Definition remainderZ (i j : nat) : Z := (if Nat.eqb j i then 2 ^ to_Z (bits f) else 0) - peeledZ i j - boundedZ i j.
  Definition a_peeledZ : nat -> nat -> Z := times inner a (scaled 1 (peeled_left f)).
  Definition peeled_bZ : nat -> nat -> Z := times inner (scaled 1 (peeled_right f)) b.
  Definition a_boundedZ : nat -> nat -> Z := times inner a (scaled 1 (bounded_left f)).
  Definition bounded_bZ : nat -> nat -> Z := times inner (scaled 1 (bounded_right f)) b.
  Definition a_remainderZ : nat -> nat -> Z := times inner a remainderZ.
  Definition peeled_rowsZ : nat -> nat -> Z := times peeled_rank a_peeledZ peeled_bZ.
  Definition penaltyZ (q : nat) : Z :=
    sumZ bounded_rank (fun k => Z.abs (a_boundedZ q k) * spreadZ columns (bounded_bZ k)) +
    sumZ inner (fun k => Z.abs (a_remainderZ q k) * spreadZ columns (b k)).
End Integers.

(** [P]: the parts that the checker computes from a, of [rows] rows, and b, of [columns] columns; [X]: the product. *)
Record low_rank_no_wrap (f : factors) (rows inner columns : nat) (a b : nat -> nat -> Z) (P : parts) (X : product) : Prop := {
  left_1_exact : table_stands (left_1 P) inner (peeled_rank f) (scaled 1 (peeled_left f));
  right_1_exact : table_stands (right_1 P) (peeled_rank f) inner (scaled 1 (peeled_right f));
  left_2_exact : table_stands (left_2 P) inner (bounded_rank f) (scaled 1 (bounded_left f));
  right_2_exact : table_stands (right_2 P) (bounded_rank f) inner (scaled 1 (bounded_right f));
  inner_1_exact : table_stands (inner_1 P) inner inner (peeledZ f);
  inner_2_exact : table_stands (inner_2 P) inner inner (boundedZ f);
  remainder_exact : table_stands (remainder P) inner inner (remainderZ f);
  A_left_1_exact : table_stands (A_left_1 P) rows (peeled_rank f) (a_peeledZ f inner a);
  right_1_B_exact : table_stands (right_1_B P) (peeled_rank f) columns (peeled_bZ f inner b);
  A_left_2_exact : table_stands (A_left_2 P) rows (bounded_rank f) (a_boundedZ f inner a);
  right_2_B_exact : table_stands (right_2_B P) (bounded_rank f) columns (bounded_bZ f inner b);
  A_remainder_exact : table_stands (A_remainder P) rows inner (a_remainderZ f inner a);
  rows_exact : table_stands (product_rows X) rows columns (peeled_rowsZ f inner a b);
  penalties_exact : row_stands (penalties X) rows (penaltyZ f inner columns a b)
}.

Definition product_no_wrap (which : stage) (choice : product_choice) (rows inner columns : nat) (A B : list (list int))
    (a b : nat -> nat -> Z) : Prop :=
  match choice with
  | Exact =>
      table_stands (product_rows (fst (product_of which Exact inner columns A B))) rows columns (times inner a b) /\
      row_stands (penalties (fst (product_of which Exact inner columns A B))) rows (fun _ => 0)
  | Low_rank f =>
      let P := parts_of f inner columns A B in
      low_rank_no_wrap f rows inner columns a b P (low_rank_product f columns B P)
  end.

(** ** Ranges of rows *)

Lemma row_range_stands : forall (row : list int) (c : nat) (z : nat -> Z),
  row_stands row c z -> (forall j : nat, (j < c)%nat -> Z.abs (z j) <= 2 ^ 60) -> stands_for (row_range row) (spreadZ c z).
Proof.
  intros row c z [len entries] small.
  assert (same : map signed row = map z (seq 0 c)).
  { apply (nth_ext _ _ 0 0); [rewrite !map_length, seq_length; exact len|]. intros j inside. rewrite map_length in inside.
    rewrite (nth_map_any _ _ _ _ _ 0%uint63) by exact inside.
    rewrite (nth_map_any _ _ _ _ _ O), seq_nth by (rewrite ?seq_length; lia). apply entries. lia. }
  unfold spreadZ. rewrite <- same.
  assert (each : forall x, In x row -> Z.abs (signed x) <= 2 ^ 60).
  { intros x member. apply (in_map signed) in member. rewrite same in member. apply in_map_iff in member.
    destruct member as (j & <- & inside). apply in_seq in inside. apply small. lia. }
  clear same. destruct row as [|x rest]; [split; reflexivity|]. cbn [row_range map].
  assert (top : signed (fold_left smax rest x) = fold_left Z.max (map signed rest) (signed x)).
  { clear. revert x. induction rest as [|y rest IH]; intros x; [reflexivity|].
    cbn [fold_left map]. rewrite IH, signed_smax. reflexivity. }
  assert (bottom : signed (fold_left smin rest x) = fold_left Z.min (map signed rest) (signed x)).
  { clear. revert x. induction rest as [|y rest IH]; intros x; [reflexivity|].
    cbn [fold_left map]. rewrite IH, signed_smin. reflexivity. }
  assert (high := each _ (proj1 (ProductsSound.fold_smax rest x))).
  assert (low := each _ (proj1 (ProductsSound.fold_smin rest x))).
  rewrite <- top, <- bottom. split; [apply signed_sub|]; lia.
Qed.

Lemma ranges_stand : forall (B : list (list int)) (r c : nat) (z : nat -> nat -> Z),
  table_stands B r c z -> (forall i j : nat, (i < r)%nat -> (j < c)%nat -> Z.abs (z i j) <= 2 ^ 60) ->
  row_stands (ranges B) r (fun k => spreadZ c (z k)).
Proof.
  intros B r c z stands small. assert (len := proj1 stands). split; [unfold ranges; rewrite map_length; exact len|].
  intros k row. unfold ranges. rewrite (nth_map_any _ _ _ _ _ []) by lia. apply row_range_stands; [apply stands, row|].
  intros j column. apply small; assumption.
Qed.

(** ** Penalties *)

Lemma absolute_dots_stand : forall (r n q : nat) (X : list (list int)) (range : list int) (x : nat -> nat -> Z) (y : nat -> Z),
  table_stands X r n x -> row_stands range n y -> product_fits n X [range] = true -> (q < r)%nat ->
  signed (absolute_dot (nth q X []) range) = sumZ n (fun k => Z.abs (x q k) * y k) /\
  Z.abs (sumZ n (fun k => Z.abs (x q k) * y k)) <= 2 ^ 60.
Proof.
  intros r n q X range x y X_stands range_stands fits row. destruct range_stands as [len entries].
  assert (small : Z.abs (sumZ n (fun k => Z.abs (x q k) * y k)) <= 2 ^ 60).
  { unfold product_fits in fits. apply Z.leb_le in fits. etransitivity; [|exact fits]. apply sumZ_bound. intros k below.
    rewrite Z.abs_mul, Z.abs_involutive. apply Z.mul_le_mono_nonneg; [lia | | lia | ].
    - apply (table_stands_max X r n x X_stands); assumption.
    - rewrite <- (proj1 (entries k below)). exact (max_abs_bound [range] 0 k). }
  split; [|exact small]. apply signed_of_congruent; [|lia]. destruct (proj2 X_stands q row) as [width each].
  assert (value := ProductsSound.absolute_dot_congruent (nth q X []) range). rewrite width, len in value.
  rewrite (sumZ_ext n _ (fun k => Z.abs (at1 (nth q X []) k) * at1 range k)); [exact (value eq_refl)|].
  intros k below. unfold at1. rewrite (proj1 (each k below)), (proj1 (entries k below)). reflexivity.
Qed.

(** ** Main result *)

Local Lemma times_small : forall (r n c : nat) (A B : list (list int)) (x y : nat -> nat -> Z),
  table_stands A r n x -> table_stands B n c y -> product_fits n A B = true ->
  forall i j : nat, (i < r)%nat -> (j < c)%nat -> Z.abs (times n x y i j) <= 2 ^ 60.
Proof.
  intros r n c A B x y A_stands B_stands fits i j row column.
  rewrite <- (table_stands_at _ r c _ (mul_stands r n c A B x y A_stands fits B_stands)) by assumption.
  apply (ProductsSound.mul_spec r n c A B); try assumption.
  - exact (table_stands_shape A r n x A_stands).
  - exact (table_stands_shape B n c y B_stands).
Qed.

Section LowRank.
  Context (which : stage) (f : factors) (rows inner columns : nat) (A B : list (list int)) (a b : nat -> nat -> Z).
  Context (A_stands : table_stands A rows inner a) (B_stands : table_stands B inner columns b).
  Let P := parts_of f inner columns A B.
  Context (tests : first_failure (low_rank_tests which f inner A B P) = None).

  Local Lemma left_rank : length (right_1 P) = peeled_rank f.
  Proof. apply map_length. Qed.

  Local Lemma right_rank : length (right_2 P) = bounded_rank f.
  Proof. apply map_length. Qed.

  Local Lemma unit_value : to_Z (bits f) <= 58 ->
    signed (1 << bits f)%uint63 = 2 ^ to_Z (bits f) /\ 0 <= 2 ^ to_Z (bits f) <= 2 ^ 58.
  Proof.
    intro few. assert (range := to_Z_range (bits f)).
    assert (positive : 0 < 2 ^ to_Z (bits f)) by (apply Z.pow_pos_nonneg; lia).
    assert (small : 2 ^ to_Z (bits f) <= 2 ^ 58) by (apply Z.pow_le_mono_r; lia).
    assert (value : to_Z (1 << bits f)%uint63 = 2 ^ to_Z (bits f)).
    { rewrite lsl_spec. change (to_Z 1) with 1. rewrite Z.mul_1_l. apply Z.mod_small. change wB with (2 ^ 63). lia. }
    split; [|lia]. rewrite signed_small; lia.
  Qed.

  Lemma low_rank_exact : low_rank_no_wrap f rows inner columns a b P (low_rank_product f columns B P).
  Proof.
    assert (all := ProductsSound.all_pass _ tests). unfold low_rank_tests in all. rewrite left_rank, right_rank in all.
    cbn [fold_right fst] in all.
    destruct all as (shape_L1 & shape_R1 & shape_L2 & shape_R2 & fits_L1 & fits_R1 & fits_L2 & fits_R2 & few & fits_B & fits_1 &
      fits_2 & fits_A1 & fits_B1 & fits_A2 & fits_B2 & fits_AE & fits_rows & fits_ranges & fits_remainder & _).
    assert (L1 := of_rows_stands _ _ _ _ shape_L1 fits_L1 : table_stands (left_1 P) _ _ (scaled 1 (peeled_left f))).
    assert (R1 := of_rows_stands _ _ _ _ shape_R1 fits_R1 : table_stands (right_1 P) _ _ (scaled 1 (peeled_right f))).
    assert (L2 := of_rows_stands _ _ _ _ shape_L2 fits_L2 : table_stands (left_2 P) _ _ (scaled 1 (bounded_left f))).
    assert (R2 := of_rows_stands _ _ _ _ shape_R2 fits_R2 : table_stands (right_2 P) _ _ (scaled 1 (bounded_right f))).
    assert (I1 := mul_stands _ _ _ _ _ _ _ L1 fits_1 R1 : table_stands (inner_1 P) _ _ (peeledZ f)).
    assert (I2 := mul_stands _ _ _ _ _ _ _ L2 fits_2 R2 : table_stands (inner_2 P) _ _ (boundedZ f)).
    assert (A1 : table_stands (A_left_1 P) rows (peeled_rank f) (a_peeledZ f inner a)).
    { change (A_left_1 P) with (mul (length (right_1 P)) A (left_1 P)). rewrite left_rank. apply mul_stands; assumption. }
    assert (B1 := mul_stands _ _ _ _ _ _ _ R1 fits_B1 B_stands : table_stands (right_1_B P) _ _ (peeled_bZ f inner b)).
    assert (A2 : table_stands (A_left_2 P) rows (bounded_rank f) (a_boundedZ f inner a)).
    { change (A_left_2 P) with (mul (length (right_2 P)) A (left_2 P)). rewrite right_rank. apply mul_stands; assumption. }
    assert (B2 := mul_stands _ _ _ _ _ _ _ R2 fits_B2 B_stands : table_stands (right_2_B P) _ _ (bounded_bZ f inner b)).
    assert (E : table_stands (remainder P) inner inner (remainderZ f)).
    { apply Z.leb_le in few. destruct (unit_value few) as [unit range].
      assert (small_1 := times_small _ _ inner _ _ _ _ L1 R1 fits_1).
      assert (small_2 := times_small _ _ inner _ _ _ _ L2 R2 fits_2).
      apply table_stands_intro; [apply (ProductsSound.remainder_shape _ _ O); [exact (proj1 I1) | exact (proj1 I2)]|].
      intros i j row column.
      assert (value := ProductsSound.remainder_exact inner inner (1 << bits f)%uint63 (inner_1 P) (inner_2 P) 0 i j
        (proj1 I1) (proj1 I2)).
      rewrite unit in value. unfold ProductsSound.diagonal in value. cbn [Nat.add] in value.
      rewrite (table_stands_at _ _ _ _ I1 i j row column), (table_stands_at _ _ _ _ I2 i j row column) in value.
      split.
      - apply value; try assumption. intros l below.
        rewrite (table_stands_at _ _ _ _ I1), (table_stands_at _ _ _ _ I2) by assumption.
        split; [apply small_1 | apply small_2]; assumption.
      - specialize (small_1 i j row column). specialize (small_2 i j row column).
        unfold remainderZ, peeledZ, boundedZ. destruct (Nat.eqb j i); lia. }
    assert (AE := mul_stands _ _ _ _ _ _ _ A_stands fits_AE E : table_stands (A_remainder P) _ _ (a_remainderZ f inner a)).
    assert (product := mul_stands _ _ _ _ _ _ _ A1 fits_rows B1).
    assert (small_B : forall i j : nat, (i < inner)%nat -> (j < columns)%nat -> Z.abs (b i j) <= 2 ^ 60).
    { intros i j row column. assert (bound := table_stands_max B inner columns b B_stands i j row column).
      unfold sum_fits in fits_B. apply Z.leb_le in fits_B. lia. }
    assert (penalties_2 := fun q => absolute_dots_stand rows (bounded_rank f) q _ _ _ _ A2
      (ranges_stand _ _ _ _ B2 (times_small _ _ _ _ _ _ _ R2 B_stands fits_B2)) fits_ranges).
    assert (penalties_E := fun q => absolute_dots_stand rows inner q _ _ _ _ AE (ranges_stand _ _ _ _ B_stands small_B)
      fits_remainder).
    constructor; try assumption.
    assert (len_A2 := proj1 A2 : length (A_left_2 P) = rows). assert (len_AE := proj1 AE : length (A_remainder P) = rows).
    unfold low_rank_product. cbn [penalties]. split; [rewrite zip_with_length, !map_length; fold P; lia|].
    intros q row. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by (rewrite map_length; fold P; lia).
    rewrite !(nth_map_any _ _ _ _ _ []) by (fold P; lia).
    destruct (penalties_2 q row) as [value_2 small_2]. destruct (penalties_E q row) as [value_E small_E].
    unfold penaltyZ, a_boundedZ, bounded_bZ, a_remainderZ in *.
    apply sum_stands; [split; [exact value_2 | lia] | split; [exact value_E | lia] | lia].
  Qed.
End LowRank.

Theorem product_of_no_wrap : forall (which : stage) (choice : product_choice) (rows inner columns : nat)
    (A B : list (list int)) (a b : nat -> nat -> Z),
  table_stands A rows inner a ->
  table_stands B inner columns b ->
  first_failure (snd (product_of which choice inner columns A B)) = None ->
  product_no_wrap which choice rows inner columns A B a b.
Proof.
  intros which [|f] rows inner columns A B a b A_stands B_stands tests;
    [|exact (low_rank_exact which f _ _ _ A B a b A_stands B_stands tests)].
  destruct (ProductsSound.all_pass _ tests) as [fits _].
  split; [exact (mul_stands rows inner columns A B a b A_stands fits B_stands)|].
  cbn [product_of fst penalties]. split; [rewrite repeat_length; exact (proj1 A_stands)|]. intros q row. rewrite nth_repeat.
  split; reflexivity.
Qed.
