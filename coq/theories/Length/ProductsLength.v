(* CompactProofs: Length: ProductsLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Lia.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix Cert.Outcome Cert.Terms Cert.Products.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.ProductsCounted.
From CompactProofs Require Import Length.MatrixLength.
Import ListNotations.
(** * Products, exact or of low rank: how many operations they take
    Sizes: A has [rows] x [inner] entries, B has [inner] x [columns]; the factors have ranks k (peeled) and b (bounded).
    - [choice_within inner k b choice] == the factors are no larger; 0 and 0 will do for an exact product
    - [product_bound choice ..]        == operations for the product and its tests
    Main result: [product_of_at_most]. *)
Local Open Scope Z_scope.

Definition exact_bound (rows inner columns : Z) : Z := 7 + 3 * rows * inner + 3 * inner * columns + 2 * rows * inner * columns.

(** The factors' product and the remainder; A and B times the factors. *)
Definition parts_bound (rows inner columns k b : Z) : Z :=
  9 + 4 * inner * (k + b) + 3 * inner * inner + 2 * inner * inner * (k + b + rows) + 2 * inner * (k + b) * (rows + columns).

(** Rows of rank k, and the penalties. *)
Definition dots_bound (rows inner columns k b : Z) : Z :=
  rows + 4 * rows * (b + inner) + 6 * columns * (b + inner) + 2 * rows * k * columns.

Definition factor_tests_bound (rows inner columns k b : Z) : Z :=
  89 + 5 * inner + k + 4 * b + 3 * inner * inner + 20 * inner * (k + b) + 18 * inner * columns + 12 * inner * rows
  + 3 * k * columns + 6 * b * columns + 3 * rows * (k + b).

Definition low_rank_bound (rows inner columns k b : Z) : Z :=
  parts_bound rows inner columns k b + dots_bound rows inner columns k b + factor_tests_bound rows inner columns k b.

Record factors_within (inner k b : Z) (f : factors) : Prop := FactorsWithin {
  peeled_left_within : within inner k (peeled_left f);
  peeled_right_within : within k inner (peeled_right f);
  bounded_left_within : within inner b (bounded_left f);
  bounded_right_within : within b inner (bounded_right f)
}.

Definition choice_within (inner k b : Z) (choice : product_choice) : Prop :=
  match choice with Exact => True | Low_rank f => factors_within inner k b f end.

Definition product_bound (choice : product_choice) (rows inner columns k b : Z) : Z :=
  match choice with Exact => exact_bound rows inner columns | Low_rank _ => low_rank_bound rows inner columns k b end.

Record product_within (rows columns : Z) (P : product) : Prop := ProductWithin {
  product_rows_within : within rows columns (product_rows P);
  penalties_within : len (penalties P) <= rows
}.

Lemma len_zip : forall (A B C : Type) (f : A -> B -> C) (a : list A) (b : list B),
  len (zip_with f a b) <= len a /\ len (zip_with f a b) <= len b.
Proof.
  intros A B C f. induction a as [|x a IH]; intros [|y b]; cbn [zip_with]; rewrite ?len_nil, ?len_cons; try (unfold len; lia).
  specialize (IH b). lia.
Qed.

Lemma row_range_at_most : forall row : list int, at_most (6 * len row) (row_range_counted row).
Proof.
  intros [|x rest]; [apply at_most_free; reflexivity|]. unfold row_range_counted. rewrite len_cons.
  apply at_most_bind with (len rest * 3) (len rest * 3 + 1); [apply at_most_fold_left; auto with lengths zarith| |lia].
  apply at_most_bind with (len rest * 3) 1; [apply at_most_fold_left; auto with lengths zarith | apply at_most_once; lia | lia].
Qed.

Lemma ranges_at_most : forall (r c : Z) (B : list (list int)), within r c B -> at_most (6 * (r * c)) (ranges_counted B).
Proof.
  intros r c B (positive & rows & columns). unfold ranges_counted. apply at_most_le with (r * (6 * c)); [|lia].
  apply at_most_map; [lia | exact rows|]. intros row inside. eapply at_most_le; [apply row_range_at_most|].
  specialize (columns _ inside). lia.
Qed.

Lemma ranges_within : forall (r c : Z) (B : list (list int)), within r c B -> within 1 r [ranges B].
Proof. intros r c B (_ & rows & _). apply within_one. unfold ranges. rewrite len_map. exact rows. Qed.

Lemma remainder_from_at_most : forall (r : Z) (unit : int) (columns : nat) (P Q : list (list int)) (k : nat),
  len P <= r -> at_most (3 * (r * Z.of_nat columns)) (remainder_from_counted k unit columns P Q).
Proof.
  intros r unit columns P. revert r. induction P as [|p P IH]; intros r [|q Q] k rows; cbn [remainder_from_counted];
    try (apply at_most_free; unfold len in rows; nia).
  rewrite len_cons in rows.
  apply at_most_bind with (Z.of_nat columns * 3) (3 * ((r - 1) * Z.of_nat columns)); [| |lia].
  - apply at_most_map; [lia | rewrite len_seq; lia|]. intros c _. apply at_most_several. lia.
  - apply at_most_bind with (3 * ((r - 1) * Z.of_nat columns)) 0; [apply IH; lia | apply at_most_free; lia | lia].
Qed.

Lemma remainder_from_within : forall (r : Z) (unit : int) (columns : nat) (P Q : list (list int)) (k : nat),
  len P <= r -> within r (Z.of_nat columns) (remainder_from k unit columns P Q).
Proof.
  intros r unit columns P. revert r. induction P as [|p P IH]; intros r [|q Q] k rows; cbn [remainder_from];
    try (split; [lia|]; split; [unfold len in *; cbn [length] in *; lia | intros row []]).
  rewrite len_cons in rows. destruct (IH (r - 1) Q (S k) ltac:(lia)) as (positive & rest & columns_rest).
  split; [exact positive|]. split; [rewrite len_cons; lia|].
  intros row [<-|inside]; [rewrite len_map, len_seq; lia | apply columns_rest, inside].
Qed.

Lemma factor_at_most : forall (r c : Z) (A : list (list Z)), within r c A -> at_most (2 + 2 * (r * c)) (factor_counted A).
Proof. intros r c A size. unfold factor_counted. count. Qed.

Lemma factor_fits_at_most : forall (r c : Z) (A : list (list Z)),
  within r c A -> at_most (2 + 4 * (r * c)) (factor_fits_counted A).
Proof. intros r c A size. unfold factor_fits_counted. count. Qed.

Lemma ranges_fit_at_most : forall (n : nat) (r c r' c' : Z) (A B : list (list int)), within r c A -> within r' c' B ->
  at_most (6 * (r' * c') + (7 + 3 * (r * c) + 3 * (1 * r'))) (ranges_fit_counted n A B).
Proof.
  intros n r c r' c' A B size_A size_B. assert (size := ranges_within _ _ _ size_B).
  assert (first := ranges_at_most _ _ _ size_B).
  unfold ranges_fit_counted. count.
Qed.

Lemma absolute_dot_at_most : forall (c : Z) (row range : list int), len row <= c ->
  at_most (4 * c) (absolute_dot_counted row range).
Proof.
  intros c row range short. unfold absolute_dot_counted. apply at_most_bind with (c * 2) (2 * c); [| |lia].
  - apply at_most_map; [lia | exact short | auto with lengths].
  - apply dot_at_most. left. erewrite value_map by reflexivity. rewrite len_map. exact short.
Qed.

Section Product.
  Context (f : factors) (inner columns : nat) (A B : list (list int)) (rows k b : Z).
  Local Notation I := (Z.of_nat inner).
  Local Notation C := (Z.of_nat columns).
  Context (A_within : within rows I A) (B_within : within I C B) (f_within : factors_within I k b f).

  Record parts_within (P : parts) : Prop := PartsWithin {
    left_1_within : within I k (left_1 P);
    right_1_within : within k I (right_1 P);
    left_2_within : within I b (left_2 P);
    right_2_within : within b I (right_2 P);
    remainder_within : within I I (remainder P);
    A_left_1_within : within rows k (A_left_1 P);
    right_1_B_within : within k C (right_1_B P);
    A_left_2_within : within rows b (A_left_2 P);
    right_2_B_within : within b C (right_2_B P);
    A_remainder_within : within rows I (A_remainder P)
  }.

  Local Lemma len_of_within : forall (T : Type) (r c : Z) (X : list (list T)), within r c X -> len X <= r.
  Proof. intros T r c X size. apply size. Qed.

  Local Lemma mul_within_len : forall (r n : Z) (X Y Z : list (list int)),
    len X <= r -> len Z <= n -> within r n (mul (length Z) X Y).
  Proof. intros r n X Y Z len_X len_Z. apply within_le with r (len Z); [apply mul_within, len_X | lia | exact len_Z]. Qed.

  #[local] Hint Resolve len_of_within mul_within_len remainder_from_within ranges_within ranges_at_most
    remainder_from_at_most factor_at_most
    factor_fits_at_most ranges_fit_at_most : lengths.

  Lemma parts_of_within : parts_within (parts_of f inner columns A B).
  Proof.
    destruct f_within. unfold parts_of. cbv zeta.
    constructor; cbn [left_1 right_1 left_2 right_2 remainder A_left_1 right_1_B A_left_2 right_2_B A_remainder];
      eauto 12 with lengths.
  Qed.

  Local Lemma mul_at_most_len : forall (r n c : Z) (X Y Z : list (list int)),
    within r n X -> len Z <= c -> at_most (2 * (r * n * c)) (mul_counted (length Z) X Y).
  Proof.
    intros r n c X Y Z size short. assert (n_nonneg := within_columns _ _ _ _ size).
    assert (r_nonneg := within_rows _ _ _ _ size).
    assert (area : 0 <= r * n) by (apply Z.mul_nonneg_nonneg; assumption).
    eapply at_most_le; [apply mul_at_most, size|]. change (Z.of_nat (length Z)) with (len Z). nia.
  Qed.

  #[local] Hint Resolve mul_at_most_len | 0 : lengths.

  Lemma parts_of_at_most : at_most (parts_bound rows I C k b) (parts_of_counted f inner columns A B).
  Proof. destruct f_within. unfold parts_of_counted, parts_bound. count. Qed.

  Lemma low_rank_product_at_most : forall P : parts, parts_within P ->
    at_most (dots_bound rows I C k b) (low_rank_product_counted f columns B P).
  Proof.
    intros P size. destruct size. assert (I_nonneg : 0 <= I) by lia.
    assert (b_nonneg := within_columns _ _ _ _ A_left_2_within0). assert (rows_nonneg := within_rows _ _ _ _ A_within).
    unfold low_rank_product_counted, dots_bound.
    apply at_most_bind with (6 * (b * C)) (6 * (I * C) + 2 * (rows * k * C) + rows * (4 * b) + rows * (4 * I) + rows);
      [eauto with lengths| |lia].
    apply at_most_bind with (6 * (I * C)) (2 * (rows * k * C) + rows * (4 * b) + rows * (4 * I) + rows);
      [eauto with lengths| |lia].
    apply at_most_bind with (2 * (rows * k * C)) (rows * (4 * b) + rows * (4 * I) + rows); [eauto with lengths| |lia].
    apply at_most_bind with (rows * (4 * b)) (rows * (4 * I) + rows); [| |lia].
    { apply at_most_map; [lia | apply A_left_2_within0|]. intros row inside. apply absolute_dot_at_most.
      exact (within_row _ _ _ _ _ A_left_2_within0 inside). }
    apply at_most_bind with (rows * (4 * I)) rows; [| |lia].
    { apply at_most_map; [lia | apply A_remainder_within0|]. intros row inside. apply absolute_dot_at_most.
      exact (within_row _ _ _ _ _ A_remainder_within0 inside). }
    apply at_most_bind with (rows * 1) 0; [| apply at_most_free; lia | lia].
    apply at_most_zip; [lia | left | intros; apply at_most_once; lia].
    erewrite value_map by reflexivity. rewrite len_map. apply A_left_2_within0.
  Qed.

  Lemma low_rank_tests_at_most : forall (which : stage) (P : parts), parts_within P ->
    at_most (factor_tests_bound rows I C k b) (low_rank_tests_counted which f inner A B P).
  Proof.
    intros which P size. destruct size, f_within. unfold low_rank_tests_counted, factor_tests_bound.
    count.
  Qed.
End Product.

Theorem product_of_at_most : forall (which : stage) (choice : product_choice) (inner columns : nat) (A B : list (list int))
  (rows k b : Z), within rows (Z.of_nat inner) A -> within (Z.of_nat inner) (Z.of_nat columns) B ->
  choice_within (Z.of_nat inner) k b choice ->
  at_most (product_bound choice rows (Z.of_nat inner) (Z.of_nat columns) k b)
    (product_of_counted which choice inner columns A B).
Proof.
  intros which [|f] inner columns A B rows k b size_A size_B size_f; unfold product_of_counted, product_bound.
  - unfold exact_bound. count.
  - cbn [choice_within] in size_f. unfold low_rank_bound.
    assert (sizes := parts_of_within f inner columns A B rows k b size_A size_f).
    eapply at_most_bind; [apply (parts_of_at_most f inner columns A B rows k b); assumption | rewrite parts_of_value |].
    + eapply at_most_then; [apply (low_rank_product_at_most f inner columns A B rows k b); assumption|].
      eapply at_most_then; [apply (low_rank_tests_at_most f inner columns A B rows k b); assumption | apply at_most_free,
        Z.le_refl].
    + lia.
Qed.

Theorem product_of_within : forall (which : stage) (choice : product_choice) (inner columns : nat) (A B : list (list int))
  (rows : Z), len A <= rows ->
  product_within rows (Z.of_nat columns) (fst (product_of which choice inner columns A B)).
Proof.
  intros which [|f] inner columns A B rows size; cbn [product_of fst].
  - constructor; cbn [product_rows penalties]; [apply mul_within, size | rewrite len_repeat; exact size].
  - unfold low_rank_product, parts_of. cbv zeta. cbn [A_left_1 right_1_B A_left_2 right_2_B A_remainder].
    constructor; cbn [product_rows penalties].
    + apply mul_within. unfold mul. rewrite len_map. exact size.
    + eapply Z.le_trans; [apply len_zip|]. rewrite len_map. unfold mul. rewrite len_map. exact size.
Qed.
