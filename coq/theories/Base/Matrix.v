(* CompactProofs: Base: Matrix *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Base.Sums Base.Signed63.
Import ListNotations.
(** * Exact matrix products in machine integers
    Matrices are lists of rows. Each product is preceded by a test of its ranges, [product_fits]; when it holds the product
    is the true one: no overflow.
    - [at1 row j], [at2 A i j] == entries as signed numbers; 0 outside
    - [has_shape r c A]        == [A] has [r] rows, each of [c] entries
    - [max_abs A]              == largest absolute value of an entry
    - [mul c A B]              == A B, where B has [c] columns;  [mul_transposed A B] == A B^T
    - [add_row row A]          == [row] added to every row of [A]
    - [of_rows factor A]       == integers times [factor], as machine integers
    Main results: [mul_exact], [mul_transposed_exact], [add_row_exact], [of_rows_exact]. *)

Definition at1 (row : list int) (j : nat) : Z := signed (nth j row 0%uint63).
Definition at2 (A : list (list int)) (i j : nat) : Z := at1 (nth i A []) j.

Definition has_shape {T : Type} (r c : nat) (A : list (list T)) : bool :=
  (length A =? r) && forallb (fun row => length row =? c) A.

Fixpoint row_max_abs (row : list int) (largest : int) : int :=
  match row with
  | [] => largest
  | x :: rest => row_max_abs rest (let a := absolute x in if ltb largest a then a else largest)
  end.

Definition max_abs (A : list (list int)) : int := fold_left (fun largest row => row_max_abs row largest) A 0%uint63.

Fixpoint add_multiple (a : int) (row accumulated : list int) : list int :=
  match row, accumulated with
  | x :: row', y :: accumulated' => (a * x + y)%uint63 :: add_multiple a row' accumulated'
  | _, _ => []
  end.

Fixpoint row_times (c : nat) (row : list int) (B : list (list int)) : list int :=
  match row, B with
  | a :: row', b :: B' => add_multiple a b (row_times c row' B')
  | _, _ => repeat 0%uint63 c
  end.

Definition mul (c : nat) (A B : list (list int)) : list (list int) := map (fun row => row_times c row B) A.

Fixpoint dot (a b : list int) : int :=
  match a, b with
  | x :: a', y :: b' => (x * y + dot a' b')%uint63
  | _, _ => 0%uint63
  end.

Definition mul_transposed (A B : list (list int)) : list (list int) := map (fun a => map (dot a) B) A.

Fixpoint add_rows (a b : list int) : list int :=
  match a, b with
  | x :: a', y :: b' => (x + y)%uint63 :: add_rows a' b'
  | _, _ => []
  end.

Definition add_row (row : list int) (A : list (list int)) : list (list int) := map (add_rows row) A.

Definition of_rows (factor : Z) (A : list (list Z)) : list (list int) :=
  map (map (fun z => of_Z (z * factor))) A.

(** 2^bits. *)
Definition power (bits : nat) : Z := (2 ^ Z.of_nat bits)%Z.

(** ** Range tests *)

Definition product_fits (n : nat) (A B : list (list int)) : bool :=
  (Z.of_nat n * (to_Z (max_abs A) * to_Z (max_abs B)) <=? 2 ^ 60)%Z.

Definition sum_fits (A B : list (list int)) : bool := (to_Z (max_abs A) + to_Z (max_abs B) <=? 2 ^ 60)%Z.

Definition rows_fit (factor : Z) (A : list (list Z)) : bool :=
  forallb (forallb (fun z => Z.abs (z * factor) <=? 2 ^ 60)%Z) A.

(** ** Shapes and bounds *)
Local Open Scope Z_scope.

Lemma nth_map_any : forall (A B : Type) (f : A -> B) (l : list A) (i : nat) (da : A) (db : B),
  (i < length l)%nat -> nth i (map f l) db = f (nth i l da).
Proof. intros A B f l i da db inside. rewrite nth_indep with (d' := f da) by (rewrite map_length; exact inside). apply map_nth. Qed.

Lemma has_shape_length : forall (T : Type) (r c : nat) (A : list (list T)), has_shape r c A = true -> length A = r.
Proof. unfold has_shape. intros T r c A shape. apply andb_prop in shape. apply Nat.eqb_eq, shape. Qed.

Lemma has_shape_row : forall (T : Type) (r c i : nat) (A : list (list T)),
  has_shape r c A = true -> (i < r)%nat -> length (nth i A []) = c.
Proof.
  intros T r c i A shape inside. assert (len := has_shape_length _ _ _ _ shape).
  unfold has_shape in shape. apply andb_prop in shape. destruct shape as [_ rows].
  rewrite forallb_forall in rows. apply Nat.eqb_eq, rows, nth_In. lia.
Qed.

Lemma has_shape_intro : forall (T : Type) (r c : nat) (A : list (list T)),
  length A = r -> (forall row, In row A -> length row = c) -> has_shape r c A = true.
Proof.
  intros T r c A len rows. unfold has_shape. apply andb_true_intro. split; [apply Nat.eqb_eq, len|].
  apply forallb_forall. intros row inside. apply Nat.eqb_eq, rows, inside.
Qed.

Lemma has_shape_rows : forall (T : Type) (r c : nat) (A : list (list T)) (row : list T),
  has_shape r c A = true -> In row A -> length row = c.
Proof.
  intros T r c A row shape inside. unfold has_shape in shape. apply andb_prop in shape.
  destruct shape as [_ rows]. rewrite forallb_forall in rows. apply Nat.eqb_eq, rows, inside.
Qed.

Local Lemma row_max_abs_ge : forall (row : list int) (largest : int),
  to_Z largest <= to_Z (row_max_abs row largest) /\
  forall j, Z.abs (at1 row j) <= to_Z (row_max_abs row largest).
Proof.
  induction row as [|x row IH]; intros largest; cbn [row_max_abs].
  - split; [lia|]. intro j. unfold at1. destruct j; cbn [nth]; rewrite signed_zero; apply to_Z_range.
  - cbv zeta. set (next := if ltb largest (absolute x) then absolute x else largest).
    destruct (IH next) as [more rest].
    assert (bounds : to_Z largest <= to_Z next /\ Z.abs (signed x) <= to_Z next).
    { unfold next. assert (spec := ltb_spec largest (absolute x)). rewrite to_Z_absolute in spec.
      destruct (ltb largest (absolute x)).
      - rewrite to_Z_absolute. split; [|lia]. apply Z.lt_le_incl, spec. reflexivity.
      - split; [lia|]. destruct (Z.lt_ge_cases (to_Z largest) (Z.abs (signed x))) as [less|]; [|assumption].
        apply spec in less. discriminate less. }
    split; [lia|]. intros [|j]; [unfold at1; cbn [nth]; lia | apply rest].
Qed.

Lemma max_abs_bound : forall (A : list (list int)) (i j : nat), Z.abs (at2 A i j) <= to_Z (max_abs A).
Proof.
  intros A i j. unfold max_abs. generalize 0%uint63. revert i.
  assert (grows : forall (rows : list (list int)) (start : int),
    to_Z start <= to_Z (fold_left (fun largest row => row_max_abs row largest) rows start)).
  { induction rows as [|row rows IH]; intros start; [apply Z.le_refl|]; cbn [fold_left].
    etransitivity; [apply (row_max_abs_ge row)|]. apply IH. }
  induction A as [|row A IH]; intros i start; cbn [fold_left].
  - unfold at2, at1. destruct i, j; cbn [nth]; rewrite signed_zero; apply to_Z_range.
  - destruct i as [|i]; [|apply IH]. etransitivity; [|apply grows]. apply row_max_abs_ge.
Qed.

Lemma max_abs_nonneg : forall A : list (list int), 0 <= to_Z (max_abs A).
Proof. intro A. apply to_Z_range. Qed.

(** ** Products *)

Local Lemma add_multiple_spec : forall (a : int) (z : Z) (row accumulated : list int) (f g : nat -> Z),
  length row = length accumulated ->
  congruent a z ->
  (forall j, (j < length row)%nat -> congruent (nth j row 0%uint63) (f j)) ->
  (forall j, (j < length row)%nat -> congruent (nth j accumulated 0%uint63) (g j)) ->
  length (add_multiple a row accumulated) = length row /\
  forall j, (j < length row)%nat -> congruent (nth j (add_multiple a row accumulated) 0%uint63) (z * f j + g j).
Proof.
  intros a z. induction row as [|x row IH]; intros accumulated f g len same_a same_f same_g.
  - split; [reflexivity|]. intros j inside. inversion inside.
  - destruct accumulated as [|y accumulated]; [discriminate len|].
    destruct (IH accumulated (fun j => f (S j)) (fun j => g (S j))) as [len' rest].
    + cbn in len. lia.
    + exact same_a.
    + intros j inside. apply (same_f (S j)). cbn. lia.
    + intros j inside. apply (same_g (S j)). cbn. lia.
    + split; [cbn; lia|]. intros [|j] inside; cbn [add_multiple nth].
      * apply congruent_add; [apply congruent_mul|]; [exact same_a | apply (same_f O) | apply (same_g O)]; cbn; lia.
      * apply rest. cbn in inside. lia.
Qed.

Local Lemma row_times_spec : forall (c : nat) (row : list int) (B : list (list int)),
  length row = length B ->
  (forall b, In b B -> length b = c) ->
  length (row_times c row B) = c /\
  forall j, (j < c)%nat ->
    congruent (nth j (row_times c row B) 0%uint63) (sumZ (length B) (fun k => at1 row k * at2 B k j)).
Proof.
  intros c. induction row as [|a row IH]; intros B len rows; destruct B as [|b B]; try discriminate len.
  - cbn. split; [apply repeat_length|]. intros j inside. rewrite nth_repeat. exact (congruent_to_Z 0).
  - destruct (IH B) as [len_rest rest]; [cbn in len; lia | intros r inside; apply rows; right; exact inside|].
    assert (len_b : length b = c) by (apply rows; left; reflexivity).
    destruct (add_multiple_spec a (signed a) b (row_times c row B) (at1 b)
      (fun j => sumZ (length B) (fun k => at1 row k * at2 B k j))) as [len_sum values].
    + lia.
    + apply signed_congruent.
    + intros j _. apply signed_congruent.
    + intros j inside. apply rest. lia.
    + cbn [row_times]. split; [lia|]. intros j inside. cbn [length sumZ].
      apply values. lia.
Qed.

Lemma mul_shape : forall (r n c : nat) (A B : list (list int)),
  has_shape r n A = true -> has_shape n c B = true -> has_shape r c (mul c A B) = true.
Proof.
  intros r n c A B shape_A shape_B. apply has_shape_intro.
  - unfold mul. rewrite map_length. apply (has_shape_length _ _ n), shape_A.
  - intros row inside. unfold mul in inside. apply in_map_iff in inside. destruct inside as (a & <- & inside).
    apply row_times_spec.
    + rewrite (has_shape_rows _ _ _ _ _ shape_A inside), (has_shape_length _ _ _ _ shape_B). reflexivity.
    + intros b inside_b. apply (has_shape_rows _ _ _ _ _ shape_B inside_b).
Qed.

Local Lemma product_bound : forall (n : nat) (A B : list (list int)) (f g : nat -> Z),
  product_fits n A B = true ->
  (forall k, Z.abs (f k) <= to_Z (max_abs A)) -> (forall k, Z.abs (g k) <= to_Z (max_abs B)) ->
  Z.abs (sumZ n (fun k => f k * g k)) <= 2 ^ 60.
Proof.
  intros n A B f g fits f_bound g_bound. unfold product_fits in fits. apply Z.leb_le in fits.
  etransitivity; [|exact fits]. apply sumZ_bound. intros k _. rewrite Z.abs_mul.
  apply Z.mul_le_mono_nonneg; [lia | apply f_bound | lia | apply g_bound].
Qed.

Theorem mul_exact : forall (r n c i j : nat) (A B : list (list int)),
  has_shape r n A = true -> has_shape n c B = true -> product_fits n A B = true ->
  (i < r)%nat -> (j < c)%nat ->
  at2 (mul c A B) i j = sumZ n (fun k => at2 A i k * at2 B k j).
Proof.
  intros r n c i j A B shape_A shape_B fits row column.
  assert (len_A := has_shape_length _ _ _ _ shape_A). assert (len_B := has_shape_length _ _ _ _ shape_B).
  assert (bound := product_bound n A B (at2 A i) (fun k => at2 B k j) fits (max_abs_bound A i)
    (fun k => max_abs_bound B k j)).
  unfold at2 at 1, mul. rewrite (nth_map_any _ _ _ _ _ []) by lia.
  unfold at1. apply signed_of_congruent; [|lia].
  destruct (row_times_spec c (nth i A []) B) as [_ values].
  - rewrite (has_shape_row _ _ _ _ _ shape_A row). lia.
  - intros b inside. apply (has_shape_rows _ _ _ _ _ shape_B inside).
  - rewrite len_B in values. apply values, column.
Qed.

Lemma dot_congruent : forall a b : list int,
  length a = length b -> congruent (dot a b) (sumZ (length b) (fun k => at1 a k * at1 b k)).
Proof.
  induction a as [|x a IH]; intros [|y b] len; try discriminate len; [exact (congruent_to_Z 0)|].
  cbn [dot length sumZ]. apply congruent_add.
  - apply congruent_mul; apply signed_congruent.
  - apply IH. cbn in len. lia.
Qed.

Lemma mul_transposed_shape : forall (r c n m : nat) (A B : list (list int)),
  has_shape r n A = true -> has_shape c m B = true -> has_shape r c (mul_transposed A B) = true.
Proof.
  intros r c n m A B shape_A shape_B. apply has_shape_intro.
  - unfold mul_transposed. rewrite map_length. apply (has_shape_length _ _ n), shape_A.
  - intros row inside. unfold mul_transposed in inside. apply in_map_iff in inside. destruct inside as (a & <- & _).
    rewrite map_length. apply (has_shape_length _ _ _ _ shape_B).
Qed.

Theorem mul_transposed_exact : forall (r n c i j : nat) (A B : list (list int)),
  has_shape r n A = true -> has_shape c n B = true -> product_fits n A B = true ->
  (i < r)%nat -> (j < c)%nat ->
  at2 (mul_transposed A B) i j = sumZ n (fun k => at2 A i k * at2 B j k).
Proof.
  intros r n c i j A B shape_A shape_B fits row column.
  assert (len_A := has_shape_length _ _ _ _ shape_A). assert (len_B := has_shape_length _ _ _ _ shape_B).
  assert (bound := product_bound n A B (at2 A i) (at2 B j) fits (max_abs_bound A i) (max_abs_bound B j)).
  unfold at2 at 1, mul_transposed. rewrite (nth_map_any _ _ _ _ _ []) by lia.
  unfold at1. rewrite (nth_map_any _ _ _ _ _ []) by lia.
  apply signed_of_congruent; [|lia].
  rewrite <- (has_shape_row _ _ _ _ _ shape_B column). apply dot_congruent.
  rewrite (has_shape_row _ _ _ _ _ shape_A row), (has_shape_row _ _ _ _ _ shape_B column). reflexivity.
Qed.

(** ** Sums and conversion *)

Lemma nth_add_rows : forall (a b : list int) (j : nat),
  (j < length a)%nat -> (j < length b)%nat ->
  nth j (add_rows a b) 0%uint63 = (nth j a 0 + nth j b 0)%uint63.
Proof.
  induction a as [|x a IH]; intros [|y b] j inside_a inside_b; try (cbn in inside_a, inside_b; lia).
  destruct j as [|j]; [reflexivity|]. cbn [add_rows nth]. apply IH; cbn in inside_a, inside_b; lia.
Qed.

Lemma add_rows_length : forall a b : list int, length a = length b -> length (add_rows a b) = length b.
Proof. induction a as [|x a IH]; intros [|y b] len; try discriminate len; [reflexivity|]. cbn in *. rewrite IH; lia. Qed.

Lemma add_row_shape : forall (r c : nat) (row : list int) (A : list (list int)),
  length row = c -> has_shape r c A = true -> has_shape r c (add_row row A) = true.
Proof.
  intros r c row A len shape. apply has_shape_intro.
  - unfold add_row. rewrite map_length. apply (has_shape_length _ _ c), shape.
  - intros b inside. unfold add_row in inside. apply in_map_iff in inside. destruct inside as (a & <- & inside).
    rewrite add_rows_length; [|rewrite len; symmetry]; apply (has_shape_rows _ _ _ _ _ shape inside).
Qed.

(** Row [p] of [B] added to the rows of [A]. *)
Lemma add_row_exact : forall (r s c p i j : nat) (A B : list (list int)),
  has_shape r c A = true -> has_shape s c B = true -> sum_fits B A = true ->
  (p < s)%nat -> (i < r)%nat -> (j < c)%nat ->
  at2 (add_row (nth p B []) A) i j = at2 B p j + at2 A i j.
Proof.
  intros r s c p i j A B shape_A shape_B fits inside_p inside_i inside_j.
  assert (len_A := has_shape_length _ _ _ _ shape_A).
  unfold sum_fits in fits. apply Z.leb_le in fits.
  assert (bound_A := max_abs_bound A i j). assert (bound_B := max_abs_bound B p j).
  unfold at2 at 1, add_row. rewrite (nth_map_any _ _ _ _ _ []) by lia.
  unfold at1. rewrite nth_add_rows.
  - rewrite signed_add; [reflexivity|]. change (- 2 ^ 62 <= at2 B p j + at2 A i j < 2 ^ 62). lia.
  - rewrite (has_shape_row _ _ _ _ _ shape_B inside_p). exact inside_j.
  - rewrite (has_shape_row _ _ _ _ _ shape_A inside_i). exact inside_j.
Qed.

Lemma of_rows_shape : forall (r c : nat) (factor : Z) (A : list (list Z)),
  has_shape r c A = true -> has_shape r c (of_rows factor A) = true.
Proof.
  intros r c factor A shape. apply has_shape_intro.
  - unfold of_rows. rewrite map_length. apply (has_shape_length _ _ c), shape.
  - intros row inside. unfold of_rows in inside. apply in_map_iff in inside. destruct inside as (a & <- & inside).
    rewrite map_length. apply (has_shape_rows _ _ _ _ _ shape inside).
Qed.

Theorem of_rows_exact : forall (r c i j : nat) (factor : Z) (A : list (list Z)),
  has_shape r c A = true -> rows_fit factor A = true ->
  (i < r)%nat -> (j < c)%nat ->
  at2 (of_rows factor A) i j = nth j (nth i A []) 0 * factor.
Proof.
  intros r c i j factor A shape fits row column.
  assert (len := has_shape_length _ _ _ _ shape). assert (len_row := has_shape_row _ _ _ _ _ shape row).
  unfold at2, of_rows. rewrite (nth_map_any _ _ _ _ _ []) by lia.
  unfold at1. rewrite (nth_map_any _ _ _ _ _ 0) by lia.
  apply signed_of_congruent; [apply congruent_of_Z|].
  unfold rows_fit in fits. rewrite forallb_forall in fits.
  assert (inside_row : In (nth i A []) A) by (apply nth_In; lia).
  specialize (fits _ inside_row). rewrite forallb_forall in fits.
  assert (inside : In (nth j (nth i A []) 0) (nth i A [])) by (apply nth_In; lia).
  specialize (fits _ inside). apply Z.leb_le in fits. lia.
Qed.
