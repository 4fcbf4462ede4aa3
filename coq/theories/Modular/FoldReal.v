(* CompactProofs: Modular: FoldReal *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia Lra.
From CompactProofs Require Import Spec.Network Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Base.RealMatrix.
From CompactProofs Require Import Modular.Form Modular.FormSound Modular.SpecFacts Modular.Fold.
Import ListNotations.
(** * The canonical form over the reals
    - [real2_transpose], [real2_add_tables], [real2_add_row], [real2_lifted] == operations on tables, as real matrices
    - [form_value_real]  == the value of a form whose tables are known as real matrices with fraction bits
    - [count_of_values]  == where the form's value is the logit times a positive number, both count the same pairs *)
Local Open Scope R_scope.

(** ** Transposition *)

Lemma transpose_shape : forall (T : Type) (r c : nat) (A : list (list T)),
  has_shape r c A = true -> has_shape c r (transpose c A) = true.
Proof.
  intros T r c A shape. rewrite <- (has_shape_length _ _ _ _ shape).
  assert (rows : forall row, In row A -> length row = c) by (intros row; apply (has_shape_rows _ _ _ _ _ shape)).
  clear shape. apply has_shape_intro.
  - induction A as [|row A IH]; cbn [transpose]; [apply repeat_length|].
    rewrite zip_with_length, IH by (intros; apply rows; right; assumption). rewrite (rows row) by (left; reflexivity).
    apply Nat.min_id.
  - induction A as [|row A IH]; cbn [transpose length]; intros column inside.
    + apply repeat_spec in inside. subst column. reflexivity.
    + apply In_nth with (d := []) in inside. destruct inside as (j & below & <-). rewrite zip_with_length in below.
      destruct row as [|x row]; [cbn in below; lia|].
      rewrite (nth_zip_with _ _ _ _ _ _ _ x []) by lia. cbn [length]. f_equal.
      apply IH; [intros; apply rows; right; assumption|]. apply nth_In. lia.
Qed.

Lemma nth_transpose : forall (T : Type) (c i j : nat) (A : list (list T)) (default : T),
  (forall row, In row A -> length row = c) -> (i < length A)%nat -> (j < c)%nat ->
  nth i (nth j (transpose c A) []) default = nth j (nth i A []) default.
Proof.
  intros T c i j A default. revert i. induction A as [|row A IH]; intros i rows row_inside column; [cbn in row_inside; lia|].
  assert (len : length (transpose c A) = c).
  { apply (has_shape_length _ _ (length A)), transpose_shape, has_shape_intro; [reflexivity|].
    intros; apply rows; right; assumption. }
  cbn [transpose].
  rewrite (nth_zip_with _ _ _ _ _ _ _ default []); [|rewrite (rows row) by (left; reflexivity); exact column | lia].
  destruct i as [|i]; [reflexivity|]. cbn [nth]. apply IH;
    [intros; apply rows; right; assumption | cbn in row_inside; lia | exact column].
Qed.

Lemma at2_transpose : forall (r c i j : nat) (A : list (list int)),
  has_shape r c A = true -> (i < r)%nat -> (j < c)%nat -> at2 (transpose c A) j i = at2 A i j.
Proof.
  intros r c i j A shape row column. unfold at2, at1. f_equal.
  apply nth_transpose; [|rewrite (has_shape_length _ _ _ _ shape); exact row | exact column].
  intros b. apply (has_shape_rows _ _ _ _ _ shape).
Qed.

Lemma real2_transpose : forall (r c bits i j : nat) (A : list (list int)),
  has_shape r c A = true -> (i < r)%nat -> (j < c)%nat -> real2 (transpose c A) bits j i = real2 A bits i j.
Proof. intros r c bits i j A shape row column. unfold real2. rewrite (at2_transpose r c) by assumption. reflexivity. Qed.

(** ** Sums of tables *)

Lemma add_tables_shape : forall (r c : nat) (A B : list (list int)),
  has_shape r c A = true -> has_shape r c B = true -> has_shape r c (add_tables A B) = true.
Proof.
  intros r c A B shape_A shape_B.
  assert (len_A := has_shape_length _ _ _ _ shape_A). assert (len_B := has_shape_length _ _ _ _ shape_B).
  assert (len : length (add_tables A B) = r) by (unfold add_tables; rewrite zip_with_length; lia).
  apply has_shape_intro; [exact len|]. intros row inside.
  apply In_nth with (d := []) in inside. destruct inside as (i & below & <-). unfold add_tables.
  rewrite (nth_zip_with _ _ _ _ _ _ _ [] []) by lia.
  rewrite add_rows_length; rewrite !(has_shape_row _ r c) by (assumption || lia); reflexivity.
Qed.

Lemma at2_add_tables : forall (r c i j : nat) (A B : list (list int)),
  has_shape r c A = true -> has_shape r c B = true -> sum_fits A B = true -> (i < r)%nat -> (j < c)%nat ->
  at2 (add_tables A B) i j = (at2 A i j + at2 B i j)%Z.
Proof.
  intros r c i j A B shape_A shape_B fits row column.
  assert (len_A := has_shape_length _ _ _ _ shape_A). assert (len_B := has_shape_length _ _ _ _ shape_B).
  assert (bound_A := max_abs_bound A i j). assert (bound_B := max_abs_bound B i j).
  unfold sum_fits in fits. apply Z.leb_le in fits.
  unfold at2 at 1, add_tables. rewrite (nth_zip_with _ _ _ _ _ _ _ [] []) by lia.
  unfold at1. rewrite nth_add_rows by (rewrite (has_shape_row _ r c) by assumption; exact column).
  rewrite signed_add; [reflexivity|]. change (- 2 ^ 62 <= at2 A i j + at2 B i j < 2 ^ 62)%Z. lia.
Qed.

Lemma real2_add_tables : forall (r c bits i j : nat) (A B : list (list int)),
  has_shape r c A = true -> has_shape r c B = true -> sum_fits A B = true -> (i < r)%nat -> (j < c)%nat ->
  real2 (add_tables A B) bits i j = real2 A bits i j + real2 B bits i j.
Proof.
  intros r c bits i j A B shape_A shape_B fits row column. unfold real2. rewrite (at2_add_tables r c) by assumption.
  rewrite plus_IZR. field. apply pow2_neq.
Qed.

(** Row [k] of [B] added to every row of [A]. *)
Lemma real2_add_row : forall (r n c bits k i j : nat) (A B : list (list int)),
  has_shape r c A = true -> has_shape n c B = true -> sum_fits B A = true -> (k < n)%nat -> (i < r)%nat -> (j < c)%nat ->
  real2 (add_row (nth k B []) A) bits i j = real2 B bits k j + real2 A bits i j.
Proof.
  intros r n c bits k i j A B shape_A shape_B fits inside row column. unfold real2.
  rewrite (add_row_exact r n c) by assumption. rewrite plus_IZR. field. apply pow2_neq.
Qed.

(** ** Matrices in finer units, and zeros *)

Lemma lifted_shape : forall (r c lift : nat) (W : matrix), shaped r c W = true -> has_shape r c (lifted lift W) = true.
Proof. intros r c lift W shape. apply of_rows_shape, shape. Qed.

Lemma real2_lifted : forall (r c lift bits i j : nat) (W : matrix),
  shaped r c W = true -> lift_fits lift W = true -> bits = (scale_bits W + lift)%nat -> (i < r)%nat -> (j < c)%nat ->
  real2 (lifted lift W) bits i j = entry W i j.
Proof. intros r c lift bits i j W shape fits -> row column. apply (real2_of_rows r c); assumption. Qed.

Lemma zeros_real : forall p bits i j : nat, real2 (zeros p) bits i j = 0.
Proof.
  intros p bits i j. unfold real2. replace (at2 (zeros p) i j) with 0%Z; [unfold Rdiv; ring|].
  unfold at2, at1, zeros. destruct (Nat.lt_ge_cases i p) as [row|outside].
  - rewrite (nth_indep _ [] (repeat 0%uint63 p)) by (rewrite repeat_length; exact row).
    rewrite nth_repeat, nth_repeat. reflexivity.
  - rewrite (nth_overflow (repeat _ _)) by (rewrite repeat_length; exact outside). destruct j; reflexivity.
Qed.

(** One fraction bit more halves. *)
Lemma real2_half : forall (A : list (list int)) (bits i j : nat), real2 A (bits + 1) i j = / 2 * real2 A bits i j.
Proof. intros A bits i j. unfold real2. rewrite pow_add, pow_1. field. apply pow2_neq. Qed.

(** ** The value *)

Lemma activate_scaled : forall (f : activation) (n : nat) (x : R), activate f (x * 2 ^ n) = activate f x * 2 ^ (degree f * n).
Proof.
  intros f n x. unfold activate, degree. assert (positive := pow2_pos n). destruct f.
  - rewrite Nat.mul_1_l. replace (Rmax 0 (x * 2 ^ n)) with (Rmax (2 ^ n * 0) (2 ^ n * x)) by (f_equal; ring).
    rewrite RmaxRmult by lra. ring.
  - cbn [Nat.mul]. rewrite Nat.add_0_r, pow_add. ring.
Qed.

Lemma IZR_activateZ : forall (f : activation) (z : Z), IZR (activateZ f z) = activate f (IZR z).
Proof.
  intros f z. unfold activateZ, activate. destruct f; [|apply mult_IZR].
  destruct (Z.max_spec 0 z) as [[order ->]|[order ->]].
  - apply IZR_lt in order. rewrite Rmax_right by lra. reflexivity.
  - apply IZR_le in order. rewrite Rmax_left by lra. reflexivity.
Qed.

Lemma real2_times : forall (A : list (list int)) (bits i j : nat), IZR (at2 A i j) = real2 A bits i j * 2 ^ bits.
Proof. intros A bits i j. unfold real2. field. apply pow2_neq. Qed.

Theorem form_value_real : forall (F : form) (before out a b c : nat) (l r u : nat -> R) (first second : R),
  (forall j, (j < form_width F)%nat -> real2 (L_rows F) before a j = l j) ->
  (forall j, (j < form_width F)%nat -> real2 (R_rows F) before b j = r j) ->
  (forall j, (j < form_width F)%nat -> real2 (U_rows F) out c j = u j) ->
  real2 (P_rows F) (degree (form_activation F) * before + out) a c = first ->
  real2 (Q_rows F) (degree (form_activation F) * before + out) b c = second ->
  IZR (valueZ F a b c) =
  (first + second + sum (form_width F) (fun j => activate (form_activation F) (l j + r j) * u j)) *
    2 ^ (degree (form_activation F) * before + out).
Proof.
  intros F before out a b c l r u first second real_L real_R real_U <- <-. unfold valueZ.
  rewrite !plus_IZR, IZR_sumZ, !(real2_times _ (degree (form_activation F) * before + out)), Rmult_plus_distr_r.
  f_equal; [ring|]. rewrite <- sum_mult_r. apply sum_ext. intros j below. unfold hiddenZ.
  rewrite mult_IZR, IZR_activateZ, plus_IZR, (real2_times (L_rows F) before), (real2_times (R_rows F) before).
  rewrite (real2_times (U_rows F) out), real_L, real_R, real_U by exact below.
  rewrite <- Rmult_plus_distr_r, activate_scaled, pow_add. ring.
Qed.

(** ** Counting *)

Theorem count_of_values : forall (M : modular) (F : form) (bits : nat),
  form_order F = order M ->
  form_coefficient F = coefficient M ->
  (1 <= order M)%nat ->
  (forall a b c : nat, (a < order M)%nat -> (b < order M)%nat -> (c < order M)%nat ->
    IZR (valueZ F a b c) = logit M a b c * 2 ^ bits) ->
  correct_count M = right_pairs F.
Proof.
  intros M F bits same_order same_coefficient some values. unfold correct_count, right_pairs. rewrite same_order. do 2 f_equal.
  apply filter_ext_in. intros [a b] inside. unfold pairs in inside. apply in_prod_iff in inside.
  destruct inside as [inside_a inside_b]. apply in_seq in inside_a, inside_b. cbn [fst snd].
  assert (same : correct M a b <-> form_right F a b).
  { unfold correct, form_right, form_answer. cbv zeta. rewrite same_order, same_coefficient.
    assert (below := answer_below (order M) (coefficient M) a b some). assert (positive := pow2_pos bits).
    set (right := answer (order M) (coefficient M) a b) in *.
    assert (both : forall c, (c < order M)%nat ->
      (logit M a b c < logit M a b right <-> (valueZ F a b c < valueZ F a b right)%Z)).
    { intros c inside. split; intro less.
      - apply lt_IZR. rewrite !values by (assumption || lia). apply Rmult_lt_compat_r; assumption.
      - apply IZR_lt in less. rewrite !values in less by (assumption || lia). apply Rmult_lt_reg_r in less; assumption. }
    split; intros all c inside other; apply both; auto. }
  destruct (correct_dec M a b) as [yes|no]; symmetry.
  - apply form_rightb_spec, same, yes.
  - apply not_true_is_false. intro right. apply no, same, form_rightb_spec, right.
Qed.
