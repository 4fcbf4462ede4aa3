(* CompactProofs: Modular: Length: SecondMomentCounted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
From CompactProofs Require Import Modular.SecondMoment.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Modular.Length.FormCounted.
Import ListNotations.
(** * The second moment, counted
    Twins of Modular.SecondMoment with their values; see Length.Counted. How many operations they take: SecondMomentLength.
    - [f_counted] == the twin of f
    - [f_value]   == it returns what f does
    Main result: [second_moment_on_value]. *)
Local Open Scope uint63_scope.

(** ** Sums of products *)

Definition low_digit_counted (y high : int) : counted int := several 2 (y - high * digit_size).

Fixpoint digit_dot_counted (levels : nat) (xs ys : list int) : counted Z :=
  match levels with
  | O => let* sum := dot_counted xs ys in signed_counted sum
  | S k =>
      let* highs := map_counted (shift_down_counted digit_bits) ys in
      let* lows := zip_counted low_digit_counted ys highs in
      let* sum := dot_counted xs lows in
      let* low := signed_counted sum in
      let* high := digit_dot_counted k xs highs in
      several 2 (low + 32768 * high)%Z
  end.

Fixpoint slow_dot_counted (xs ys : list int) : counted Z :=
  match xs, ys with
  | x :: xs', y :: ys' =>
      let* a := signed_counted x in
      let* b := signed_counted y in
      let* rest := slow_dot_counted xs' ys' in
      several 2 (a * b + rest)%Z
  | _, _ => free 0%Z
  end.

Fixpoint sum_rows_counted (f : list int -> list int -> counted Z) (A B : list (list int)) : counted Z :=
  match A, B with
  | a :: A', b :: B' =>
      let* first := f a b in
      let* rest := sum_rows_counted f A' B' in
      once (first + rest)%Z
  | _, _ => free 0%Z
  end.

Definition product_sum_counted (n : nat) (A B : list (list int)) : counted Z :=
  let* top := largest_counted B in
  let* first := largest_counted A in
  let* fits := several 8 ((Z.of_nat n * (first * 2 ^ 15) <=? 2 ^ 60) && (top <=? 2 ^ 60))%Z in
  if fits
  then let* levels := several 3 (Z.to_nat (Z.log2 top / 15)) in sum_rows_counted (digit_dot_counted levels) A B
  else sum_rows_counted slow_dot_counted A B.

(** ** Tables *)

Definition total_row_counted (columns : nat) (A : list (list int)) : counted (list int) :=
  fold_right_counted add_rows_counted (repeat 0 columns) A.

Fixpoint triangle_counted (A : list (list int)) : counted (list (list int)) :=
  match A with
  | [] => free []
  | a :: rest =>
      let* row := map_counted (dot_counted a) A in
      let* rows := triangle_counted rest in
      free (row :: rows)
  end.

Definition symmetric_sum_counted (n : nat) (A B : list (list int)) : counted Z :=
  let* all := product_sum_counted n A B in
  let* own := product_sum_counted n [diagonal A] [diagonal B] in
  several 2 (2 * all - own)%Z.

Fixpoint same_row_counted (a b : list int) : counted bool :=
  match a, b with
  | [], [] => free true
  | x :: a', y :: b' => let* same := once (Uint63.eqb x y) in if same then same_row_counted a' b' else free false
  | _, _ => free false
  end.

Fixpoint same_rows_counted (A B : list (list int)) : counted bool :=
  match A, B with
  | [], [] => free true
  | a :: A', b :: B' => let* same := same_row_counted a b in if same then same_rows_counted A' B' else free false
  | _, _ => free false
  end.

(** ** The moments *)

Definition centred_rows_counted (p m : nat) (U : list (list int)) : counted (list (list int)) :=
  let* order := several 2 (of_Z (Z.of_nat p)) in
  let* total := total_row_counted m U in
  map_counted (fun u => zip_counted (fun x t => several 2 (order * x - t)) u total) U.

Definition side_of_counted (p m : nat) (V T : list (list int)) (sums : list int) : counted side :=
  let* order := several 2 (of_Z (Z.of_nat p)) in
  let* sums4 := map_counted (fun s => once (4 * s)) sums in
  let* squares := map_counted (map_counted (fun x => once (x * x))) T in
  let* own := mul_transposed_counted squares V in
  let* weighted := map_counted (fun row => zip_counted (fun x s => several 3 (x * (order * x + s))) row sums4) T in
  let* both := mul_transposed_counted weighted V in
  let* moment := product_sum_counted p own both in
  let* gram := triangle_counted (transposed m T) in
  free (Side own moment gram).

Fixpoint add_products_counted (a b accumulated : list int) : counted (list int) :=
  match a, b, accumulated with
  | x :: a', y :: b', z :: accumulated' =>
      let* first := several 2 (x * y + z) in
      let* rest := add_products_counted a' b' accumulated' in
      free (first :: rest)
  | _, _, _ => free []
  end.

Fixpoint joined_counted (m : nat) (L : list (list int)) (firsts : list nat) (R : list (list int)) : counted (list int) :=
  match firsts, R with
  | a :: firsts', r :: R' =>
      let* rest := joined_counted m L firsts' R' in
      add_products_counted (nth a L []) r rest
  | _, _ => free (repeat 0 m)
  end.

Fixpoint right_sum_counted (F : form) (own : list (list int)) (c : nat) (V : list (list int)) : counted int :=
  match V with
  | [] => free 0
  | v :: V' =>
      let* opposite := once (- form_coefficient F)%Z in
      let* firsts := map_counted (answer_counted (form_order F) opposite c) (seq 0 (form_order F)) in
      let* alone := fold_right_counted (fun a sum => once (nth c (nth a own []) 0 + sum)) 0 firsts in
      let* sums := joined_counted (form_width F) (L_rows F) firsts (R_rows F) in
      let* joint := dot_counted v sums in
      let* rest := right_sum_counted F own (S c) V' in
      several 3 (alone + 2 * joint + rest)
  end.

Definition second_moments_counted (F : form) : counted (Z * Z) :=
  let p := form_order F in
  let m := form_width F in
  let* V := centred_rows_counted p m (U_rows F) in
  let* r_sums := total_row_counted m (R_rows F) in
  let* l := side_of_counted p m V (L_rows F) r_sums in
  let* tied := same_rows_counted (L_rows F) (R_rows F) in
  let* r := (if tied then free l
             else let* l_sums := total_row_counted m (L_rows F) in side_of_counted p m V (R_rows F) l_sums) in
  let* l_total := total_row_counted p (own_rows l) in
  let* r_total := total_row_counted p (own_rows r) in
  let* cross := product_sum_counted p [l_total] [r_total] in
  let* grams := zip_counted (zip_counted (fun x y => once (x * y))) (gram_rows l) (gram_rows r) in
  let* outputs := triangle_counted (transposed m V) in
  let* joint := symmetric_sum_counted m outputs grams in
  let* answers := right_sum_counted F (own_rows l) O V in
  let* correlation := signed_counted answers in
  several 5 (correlation, own_moment l + own_moment r + 2 * cross + 4 * joint)%Z.

Definition second_moment_best_counted (p : nat) (C M : Z) : counted Z :=
  let* order := once (Z.of_nat p) in
  several 11 (Z.max 0 ((2 * (C * C) - (order * order - 2 * order - 1) * M - 1) / M))%Z.

Definition second_moment_tests_counted (F : form) : counted (list (bool * refusal)) :=
  let* p := once (Z.of_nat (form_order F)) in
  let* m := once (Z.of_nat (form_width F)) in
  let* centred := centred_rows_counted (form_order F) (form_width F) (U_rows F) in
  let* V := largest_counted centred in
  let* before := before_top_counted F in
  let* square := once (before * before)%Z in
  all_of
    [ test (free (is_square (form_activation F))) Wrong_activation;
      test (let* top := largest_counted (P_rows F) in once (top =? 0)%Z) (Wrong_table First_direct);
      test (let* top := largest_counted (Q_rows F) in once (top =? 0)%Z) (Wrong_table Second_direct);
      test (let* top := largest_counted (U_rows F) in several 4 (2 * (p * top) <=? 2 ^ 60)%Z) (May_overflow Centred);
      test (several 7 (2 * (p * (p * (m * (square * V)))) <=? 2 ^ 60)%Z) (May_overflow Moments);
      test (several 5 (p * square * (p * square) <=? 2 ^ 60)%Z) (May_overflow Moments);
      test (several 4 (p * (V * V) <=? 2 ^ 60)%Z) (May_overflow Moments) ].

Definition second_moment_on_counted (claimed : Z) (F : form) (c : second_moment_certificate) : counted outcome :=
  let* form_results := form_tests_counted F in
  match first_failure form_results with
  | Some why => free (Refused why)
  | None =>
      let* results := second_moment_tests_counted F in
      match first_failure results with
      | Some why => free (Refused why)
      | None =>
          let* moments := second_moments_counted F in
          let* best := second_moment_best_counted (form_order F) (fst moments) (snd moments) in
          several 3 (outcome_of (first_failure
            [ ((0 <? fst moments)%Z && (0 <? snd moments)%Z, Not_correlated); total_reaches claimed best ]))
      end
  end.

(** ** Values *)

Lemma low_digit_value : forall y high : int, returned (low_digit_counted y high) = low_digit y high.
Proof. reflexivity. Qed.

#[export] Hint Rewrite low_digit_value : values.

Lemma digit_dot_value : forall (levels : nat) (xs ys : list int),
  returned (digit_dot_counted levels xs ys) = digit_dot levels xs ys.
Proof.
  induction levels as [|k IH]; intros xs ys; cbn [digit_dot_counted digit_dot].
  - values. reflexivity.
  - cbv zeta. rewrite !value_bind. cbn [several returned]. rewrite IH. values. reflexivity.
Qed.

Lemma slow_dot_value : forall xs ys : list int, returned (slow_dot_counted xs ys) = slow_dot xs ys.
Proof.
  induction xs as [|x xs IH]; intros [|y ys]; try reflexivity. cbn [slow_dot_counted slow_dot].
  rewrite !value_bind, IH, !signed_value. reflexivity.
Qed.

Lemma sum_rows_value : forall (f : list int -> list int -> counted Z) (g : list int -> list int -> Z),
  (forall a b, returned (f a b) = g a b) -> forall A B, returned (sum_rows_counted f A B) = sum_rows g A B.
Proof.
  intros f g same. induction A as [|a A IH]; intros [|b B]; try reflexivity. cbn [sum_rows_counted sum_rows].
  rewrite !value_bind, IH, same. reflexivity.
Qed.

Lemma product_sum_value : forall (n : nat) (A B : list (list int)), returned (product_sum_counted n A B) = product_sum n A B.
Proof.
  intros n A B. unfold product_sum_counted, product_sum. cbv zeta. values.
  destruct (_ && _)%bool; apply sum_rows_value; intros; [apply digit_dot_value | apply slow_dot_value].
Qed.

Lemma total_row_value : forall (columns : nat) (A : list (list int)),
  returned (total_row_counted columns A) = total_row columns A.
Proof. intros columns A. unfold total_row_counted, total_row. apply value_fold_right, add_rows_value. Qed.

Lemma triangle_value : forall A : list (list int), returned (triangle_counted A) = triangle A.
Proof.
  induction A as [|a A IH]; [reflexivity|]. cbn [triangle_counted triangle]. rewrite !value_bind, IH.
  cbn [free returned]. f_equal. apply value_map, dot_value.
Qed.

#[export] Hint Rewrite product_sum_value total_row_value triangle_value : values.

Lemma symmetric_sum_value : forall (n : nat) (A B : list (list int)),
  returned (symmetric_sum_counted n A B) = symmetric_sum n A B.
Proof. intros n A B. unfold symmetric_sum_counted, symmetric_sum. values. reflexivity. Qed.

Lemma same_row_value : forall a b : list int, returned (same_row_counted a b) = same_row a b.
Proof.
  induction a as [|x a IH]; intros [|y b]; try reflexivity. cbn [same_row_counted same_row]. rewrite value_bind.
  cbn [once returned]. rewrite value_if, IH. reflexivity.
Qed.

Lemma same_rows_value : forall A B : list (list int), returned (same_rows_counted A B) = same_rows A B.
Proof.
  induction A as [|a A IH]; intros [|b B]; try reflexivity. cbn [same_rows_counted same_rows].
  rewrite value_bind, same_row_value, value_if, IH. reflexivity.
Qed.

Lemma centred_rows_value : forall (p m : nat) (U : list (list int)),
  returned (centred_rows_counted p m U) = centred_rows p m U.
Proof. intros p m U. unfold centred_rows_counted, centred_rows. values. reflexivity. Qed.

Lemma side_of_value : forall (p m : nat) (V T : list (list int)) (sums : list int),
  returned (side_of_counted p m V T sums) = side_of p m V T sums.
Proof. intros p m V T sums. unfold side_of_counted, side_of. values. reflexivity. Qed.

Lemma add_products_value : forall a b accumulated : list int,
  returned (add_products_counted a b accumulated) = add_products a b accumulated.
Proof.
  induction a as [|x a IH]; intros [|y b] [|z accumulated]; try reflexivity. cbn [add_products_counted add_products].
  rewrite !value_bind, IH. reflexivity.
Qed.

Lemma joined_value : forall (m : nat) (L : list (list int)) (firsts : list nat) (R : list (list int)),
  returned (joined_counted m L firsts R) = joined m L firsts R.
Proof.
  intros m L. induction firsts as [|a firsts IH]; intros [|r R]; try reflexivity. cbn [joined_counted joined].
  rewrite value_bind, add_products_value, IH. reflexivity.
Qed.

#[export] Hint Rewrite symmetric_sum_value same_rows_value centred_rows_value side_of_value joined_value : values.

Lemma right_sum_value : forall (F : form) (own V : list (list int)) (c : nat),
  returned (right_sum_counted F own c V) = right_sum F own c V.
Proof.
  intros F own. induction V as [|v V IH]; intro c; [reflexivity|]. cbn [right_sum_counted right_sum]. cbv zeta.
  rewrite !value_bind. cbn [once several returned]. rewrite IH. values. reflexivity.
Qed.

#[export] Hint Rewrite right_sum_value : values.

Lemma second_moments_value : forall F : form, returned (second_moments_counted F) = second_moments F.
Proof.
  intro F. unfold second_moments_counted, second_moments. cbv zeta. values.
  destruct (same_rows (L_rows F) (R_rows F)); reflexivity.
Qed.

Lemma second_moment_best_value : forall (p : nat) (C M : Z),
  returned (second_moment_best_counted p C M) = second_moment_best p C M.
Proof. reflexivity. Qed.

Lemma second_moment_tests_value : forall F : form, returned (second_moment_tests_counted F) = second_moment_tests F.
Proof. intro F. unfold second_moment_tests_counted, second_moment_tests. cbv zeta. values. reflexivity. Qed.

#[export] Hint Rewrite second_moments_value second_moment_best_value second_moment_tests_value : values.

Theorem second_moment_on_value : forall (claimed : Z) (F : form) (c : second_moment_certificate),
  returned (second_moment_on_counted claimed F c) = second_moment_on claimed F c.
Proof.
  intros claimed F c. unfold second_moment_on_counted, second_moment_on. rewrite value_bind, form_tests_value.
  destruct (first_failure (form_tests F)); [reflexivity|]. rewrite value_bind, second_moment_tests_value.
  destruct (first_failure (second_moment_tests F)); [reflexivity|]. cbv zeta. values. reflexivity.
Qed.
