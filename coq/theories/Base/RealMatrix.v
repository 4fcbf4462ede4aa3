(* CompactProofs: Base: RealMatrix *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Lra.
From CompactProofs Require Import Spec.Network Base.Sums Base.Matrix.
Import ListNotations.
(** * Integer matrices with fraction bits, as real matrices
    - [real2 A bits i j] == entry (i, j) of the integer matrix [A], in units of 2^-bits
    Main results: products of such matrices are products of real matrices: [real2_mul], [real2_mul_transposed]. *)
Local Open Scope R_scope.

Definition real2 (A : list (list int)) (bits : nat) (i j : nat) : R := IZR (at2 A i j) / 2 ^ bits.

Lemma pow2_pos : forall n : nat, 0 < 2 ^ n.
Proof. intro n. apply pow_lt. lra. Qed.

Lemma pow2_neq : forall n : nat, 2 ^ n <> 0.
Proof. intro n. apply Rgt_not_eq, pow2_pos. Qed.

Local Lemma IZR_power : forall bits : nat, IZR (power bits) = 2 ^ bits.
Proof. intro bits. unfold power. rewrite <- pow_IZR. reflexivity. Qed.

Lemma real2_of_rows : forall (r c lift i j : nat) (A : matrix),
  has_shape r c (ints A) = true -> rows_fit (power lift) (ints A) = true -> (i < r)%nat -> (j < c)%nat ->
  real2 (of_rows (power lift) (ints A)) (scale_bits A + lift) i j = entry A i j.
Proof.
  intros r c lift i j A shape fits row column. unfold real2, entry.
  rewrite (of_rows_exact r c) by assumption. rewrite mult_IZR, IZR_power, pow_add.
  field. split; apply pow2_neq.
Qed.

Lemma real2_mul : forall (r n c i j a b : nat) (A B : list (list int)) (f g : nat -> R),
  has_shape r n A = true -> has_shape n c B = true -> product_fits n A B = true -> (i < r)%nat -> (j < c)%nat ->
  (forall k, (k < n)%nat -> real2 A a i k = f k) ->
  (forall k, (k < n)%nat -> real2 B b k j = g k) ->
  real2 (mul c A B) (a + b) i j = sum n (fun k => f k * g k).
Proof.
  intros r n c i j a b A B f g shape_A shape_B fits row column real_A real_B. unfold real2 at 1.
  rewrite (mul_exact r n) by assumption. rewrite IZR_sumZ. unfold Rdiv. rewrite <- sum_mult_r.
  apply sum_ext. intros k below. rewrite <- real_A, <- real_B by exact below.
  unfold real2. rewrite mult_IZR, pow_add. field. split; apply pow2_neq.
Qed.

Lemma real2_mul_transposed : forall (r n c i j a b : nat) (A B : list (list int)) (f g : nat -> R),
  has_shape r n A = true -> has_shape c n B = true -> product_fits n A B = true -> (i < r)%nat -> (j < c)%nat ->
  (forall k, (k < n)%nat -> real2 A a i k = f k) ->
  (forall k, (k < n)%nat -> real2 B b j k = g k) ->
  real2 (mul_transposed A B) (a + b) i j = sum n (fun k => f k * g k).
Proof.
  intros r n c i j a b A B f g shape_A shape_B fits row column real_A real_B. unfold real2 at 1.
  rewrite (mul_transposed_exact r n c) by assumption. rewrite IZR_sumZ. unfold Rdiv. rewrite <- sum_mult_r.
  apply sum_ext. intros k below. rewrite <- real_A, <- real_B by exact below.
  unfold real2. rewrite mult_IZR, pow_add. field. split; apply pow2_neq.
Qed.

(** The same for a product that no machine integers hold. *)
Lemma real2_sumZ : forall (n i a b : nat) (A : list (list int)) (z : nat -> Z) (f g : nat -> R),
  (forall k, (k < n)%nat -> real2 A a i k = f k) ->
  (forall k, (k < n)%nat -> IZR (z k) / 2 ^ b = g k) ->
  IZR (sumZ n (fun k => at2 A i k * z k)%Z) / 2 ^ (a + b) = sum n (fun k => f k * g k).
Proof.
  intros n i a b A z f g real_A real_z. rewrite IZR_sumZ. unfold Rdiv. rewrite <- sum_mult_r.
  apply sum_ext. intros k below. rewrite <- real_A, <- real_z by exact below.
  unfold real2. rewrite mult_IZR, pow_add. field. split; apply pow2_neq.
Qed.

(** A product with plain weights: no change of unit. *)
Lemma real2_mul_plain : forall (r n c i j bits : nat) (rows : list (list int)) (A : matrix) (f : nat -> R),
  has_shape r n rows = true -> has_shape n c (ints A) = true -> rows_fit (power 0) (ints A) = true ->
  product_fits n rows (of_rows (power 0) (ints A)) = true -> (i < r)%nat -> (j < c)%nat ->
  (forall k, (k < n)%nat -> real2 rows bits i k = f k) ->
  real2 (mul c rows (of_rows (power 0) (ints A))) (bits + scale_bits A) i j = sum n (fun k => f k * entry A k j).
Proof.
  intros r n c i j bits rows A f shape_rows shape_A range fits row column real_rows.
  apply (real2_mul r n); try assumption; [apply of_rows_shape, shape_A|].
  intros k below. rewrite <- (real2_of_rows n c 0) by assumption. rewrite Nat.add_0_r. reflexivity.
Qed.
