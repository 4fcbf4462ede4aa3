(* CompactProofs: Length: MatrixCounted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Base.Signed63 Base.Matrix Length.Counted Length.ArithmeticCounted.
Import ListNotations.
(** * Matrix products and their range tests, counted
    Twins of Base.Matrix with their values; see Counted. How many operations they take: MatrixLength. *)
Local Open Scope uint63_scope.

Definition has_shape_counted {T : Type} (r c : nat) (A : list (list T)) : counted bool :=
  let* rows := once (length A =? r)%nat in
  let* columns := forallb_counted (fun row => once (length row =? c)%nat) A in
  free (rows && columns).

Fixpoint row_max_abs_counted (row : list int) (largest : int) : counted int :=
  match row with
  | [] => free largest
  | x :: rest =>
      let* a := absolute_counted x in
      let* larger := once (ltb largest a) in
      row_max_abs_counted rest (if larger then a else largest)
  end.

Definition max_abs_counted (A : list (list int)) : counted int :=
  fold_left_counted (fun largest row => row_max_abs_counted row largest) A 0.

Fixpoint add_multiple_counted (a : int) (row accumulated : list int) : counted (list int) :=
  match row, accumulated with
  | x :: row', y :: accumulated' =>
      let* z := several 2 (a * x + y) in
      let* rest := add_multiple_counted a row' accumulated' in
      free (z :: rest)
  | _, _ => free []
  end.

Fixpoint row_times_counted (c : nat) (row : list int) (B : list (list int)) : counted (list int) :=
  match row, B with
  | a :: row', b :: B' => let* rest := row_times_counted c row' B' in add_multiple_counted a b rest
  | _, _ => free (repeat 0 c)
  end.

Definition mul_counted (c : nat) (A B : list (list int)) : counted (list (list int)) :=
  map_counted (fun row => row_times_counted c row B) A.

Fixpoint dot_counted (a b : list int) : counted int :=
  match a, b with
  | x :: a', y :: b' => let* rest := dot_counted a' b' in several 2 (x * y + rest)
  | _, _ => free 0
  end.

Definition mul_transposed_counted (A B : list (list int)) : counted (list (list int)) :=
  map_counted (fun a => map_counted (dot_counted a) B) A.

Fixpoint add_rows_counted (a b : list int) : counted (list int) :=
  match a, b with
  | x :: a', y :: b' => let* z := once (x + y) in let* rest := add_rows_counted a' b' in free (z :: rest)
  | _, _ => free []
  end.

Definition add_row_counted (row : list int) (A : list (list int)) : counted (list (list int)) :=
  map_counted (add_rows_counted row) A.

Definition of_rows_counted (factor : Z) (A : list (list Z)) : counted (list (list int)) :=
  map_counted (map_counted (fun z => several 2 (of_Z (z * factor)))) A.

Definition power_counted (bits : nat) : counted Z := several 2 (2 ^ Z.of_nat bits)%Z.

Definition product_fits_counted (n : nat) (A B : list (list int)) : counted bool :=
  let* a := max_abs_counted A in
  let* b := max_abs_counted B in
  several 7 (Z.of_nat n * (to_Z a * to_Z b) <=? 2 ^ 60)%Z.

Definition sum_fits_counted (A B : list (list int)) : counted bool :=
  let* a := max_abs_counted A in
  let* b := max_abs_counted B in
  several 5 (to_Z a + to_Z b <=? 2 ^ 60)%Z.

Definition rows_fit_counted (factor : Z) (A : list (list Z)) : counted bool :=
  forallb_counted (forallb_counted (fun z => several 4 (Z.abs (z * factor) <=? 2 ^ 60)%Z)) A.

(** ** Values *)

Lemma has_shape_value : forall (T : Type) (r c : nat) (A : list (list T)), returned (has_shape_counted r c A) = has_shape r c A.
Proof. intros T r c A. unfold has_shape_counted, has_shape. values. reflexivity. Qed.

Lemma row_max_abs_value : forall (row : list int) (largest : int),
  returned (row_max_abs_counted row largest) = row_max_abs row largest.
Proof.
  induction row as [|x row IH]; intro largest; [reflexivity|]. cbn [row_max_abs_counted row_max_abs].
  rewrite !value_bind, IH, absolute_value. reflexivity.
Qed.

#[export] Hint Rewrite @has_shape_value row_max_abs_value : values.

Lemma max_abs_value : forall A : list (list int), returned (max_abs_counted A) = max_abs A.
Proof. intro A. unfold max_abs_counted, max_abs. values. reflexivity. Qed.

Lemma add_multiple_value : forall (a : int) (row accumulated : list int),
  returned (add_multiple_counted a row accumulated) = add_multiple a row accumulated.
Proof.
  intro a. induction row as [|x row IH]; intros [|y accumulated]; try reflexivity. cbn. rewrite IH. reflexivity.
Qed.

Lemma row_times_value : forall (c : nat) (row : list int) (B : list (list int)),
  returned (row_times_counted c row B) = row_times c row B.
Proof.
  intro c. induction row as [|a row IH]; intros [|b B]; try reflexivity. cbn [row_times_counted row_times].
  rewrite value_bind, add_multiple_value, IH. reflexivity.
Qed.

#[export] Hint Rewrite max_abs_value row_times_value : values.

Lemma mul_value : forall (c : nat) (A B : list (list int)), returned (mul_counted c A B) = mul c A B.
Proof. intros c A B. unfold mul_counted, mul. values. reflexivity. Qed.

Lemma dot_value : forall a b : list int, returned (dot_counted a b) = dot a b.
Proof. induction a as [|x a IH]; intros [|y b]; try reflexivity. cbn. rewrite IH. reflexivity. Qed.

#[export] Hint Rewrite mul_value dot_value : values.

Lemma mul_transposed_value : forall A B : list (list int), returned (mul_transposed_counted A B) = mul_transposed A B.
Proof. intros A B. unfold mul_transposed_counted, mul_transposed. values. reflexivity. Qed.

Lemma add_rows_value : forall a b : list int, returned (add_rows_counted a b) = add_rows a b.
Proof. induction a as [|x a IH]; intros [|y b]; try reflexivity. cbn. rewrite IH. reflexivity. Qed.

#[export] Hint Rewrite mul_transposed_value add_rows_value : values.

Lemma add_row_value : forall (row : list int) (A : list (list int)), returned (add_row_counted row A) = add_row row A.
Proof. intros row A. unfold add_row_counted, add_row. values. reflexivity. Qed.

Lemma of_rows_value : forall (factor : Z) (A : list (list Z)), returned (of_rows_counted factor A) = of_rows factor A.
Proof. intros factor A. unfold of_rows_counted, of_rows. values. reflexivity. Qed.

Lemma power_value : forall bits : nat, returned (power_counted bits) = power bits.
Proof. reflexivity. Qed.

Lemma product_fits_value : forall (n : nat) (A B : list (list int)), returned (product_fits_counted n A B) = product_fits n A B.
Proof. intros n A B. unfold product_fits_counted, product_fits. values. reflexivity. Qed.

Lemma sum_fits_value : forall A B : list (list int), returned (sum_fits_counted A B) = sum_fits A B.
Proof. intros A B. unfold sum_fits_counted, sum_fits. values. reflexivity. Qed.

Lemma rows_fit_value : forall (factor : Z) (A : list (list Z)), returned (rows_fit_counted factor A) = rows_fit factor A.
Proof. intros factor A. unfold rows_fit_counted, rows_fit. values. reflexivity. Qed.

#[export] Hint Rewrite add_row_value of_rows_value power_value product_fits_value sum_fits_value rows_fit_value : values.
