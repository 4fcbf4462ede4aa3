(* CompactProofs: Modular: SecondMoment *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
Import ListNotations.
(** * The second moment: how close all outputs together are to the right ones
    For a network with squares and no direct path. With V[c,j] = p U[c,j] - sum over classes, the centred outputs are
    f(a,b,c) = sum_j (L[a,j] + R[b,j])^2 V[c,j]; M is the sum of their squares, C the sum of those of the right answers.
    If 0 < C, at most 2 p (p - 1) - 2 C^2 / M pairs are wrong. Splitting off what each token gives alone,
      f(a,b,c) = Y[a,c] + Y'[b,c] + 2 sum_j V[c,j] L[a,j] R[b,j]
    makes M a sum over (a,c), one over (b,c) and one over pairs of neurons, and C a sum over (b,c) and neurons.
    - [product_sum]       == the exact sum of the products of the entries of two tables
    - [second_moments]    == C and M
    - [second_moment_best] == the most that they prove
    The certificate is empty. Main results: SecondMomentMath.wrong_le, SecondMomentSound.second_moment_on_sound.
    Python mirror: proofs/strategies/modular/second_moment.py. *)
Local Open Scope uint63_scope.

Inductive second_moment_certificate := Second_moment_certificate.

(** ** Sums of products that may leave the machine integers
    Numbers of the second table are taken apart into digits of 15 bits; no sum of products with digits leaves 60 bits. *)

Definition digit_bits : int := 15.
Definition digit_size : int := 32768.

Definition low_digit (y high : int) : int := y - high * digit_size.

Fixpoint digit_dot (levels : nat) (xs ys : list int) : Z :=
  match levels with
  | O => signed (dot xs ys)
  | S k =>
      let highs := map (shift_down digit_bits) ys in
      (signed (dot xs (zip_with low_digit ys highs)) + 32768 * digit_dot k xs highs)%Z
  end.

Fixpoint slow_dot (xs ys : list int) : Z :=
  match xs, ys with
  | x :: xs', y :: ys' => (signed x * signed y + slow_dot xs' ys')%Z
  | _, _ => 0%Z
  end.

Fixpoint sum_rows (f : list int -> list int -> Z) (A B : list (list int)) : Z :=
  match A, B with
  | a :: A', b :: B' => (f a b + sum_rows f A' B')%Z
  | _, _ => 0%Z
  end.

(** [n]: the length of the longest row. *)
Definition product_sum (n : nat) (A B : list (list int)) : Z :=
  let top := largest B in
  if ((Z.of_nat n * (largest A * 2 ^ 15) <=? 2 ^ 60) && (top <=? 2 ^ 60))%Z
  then sum_rows (digit_dot (Z.to_nat (Z.log2 top / 15))) A B
  else sum_rows slow_dot A B.

(** ** Tables *)

Fixpoint transposed (columns : nat) (A : list (list int)) : list (list int) :=
  match A with
  | [] => repeat [] columns
  | a :: A' => zip_with cons a (transposed columns A')
  end.

(** The sum of the rows. *)
Definition total_row (columns : nat) (A : list (list int)) : list int := fold_right add_rows (repeat 0 columns) A.

(** Products of row [i] with row [i] and all that follow. *)
Fixpoint triangle (A : list (list int)) : list (list int) :=
  match A with
  | [] => []
  | a :: rest => map (dot a) A :: triangle rest
  end.

Definition diagonal (A : list (list int)) : list int := map (fun row => match row with [] => 0 | x :: _ => x end) A.

(** The sum of the products of the entries of two symmetric tables of [n] rows, given by their triangles. *)
Definition symmetric_sum (n : nat) (A B : list (list int)) : Z :=
  (2 * product_sum n A B - product_sum n [diagonal A] [diagonal B])%Z.

Fixpoint same_row (a b : list int) : bool :=
  match a, b with
  | [], [] => true
  | x :: a', y :: b' => if Uint63.eqb x y then same_row a' b' else false
  | _, _ => false
  end.

Fixpoint same_rows (A B : list (list int)) : bool :=
  match A, B with
  | [], [] => true
  | a :: A', b :: B' => if same_row a b then same_rows A' B' else false
  | _, _ => false
  end.

(** ** The moments *)

(** Times p, minus the sum over the classes. *)
Definition centred_rows (p m : nat) (U : list (list int)) : list (list int) :=
  let order := of_Z (Z.of_nat p) in
  let total := total_row m U in
  map (fun u => zip_with (fun x t => order * x - t) u total) U.

(** What depends on one of the tokens. *)
Record side := Side {
  own_rows : list (list int);  (* Y: by token and class, what the token gives alone *)
  own_moment : Z;              (* the sum of Y (p Y + 4 times the joint part, summed over the other token) *)
  gram_rows : list (list int)  (* the triangle of sum_a T[a,i] T[a,j] *)
}.

(** [T]: the table of the token; [sums]: the column sums of the other. *)
Definition side_of (p m : nat) (V T : list (list int)) (sums : list int) : side :=
  let order := of_Z (Z.of_nat p) in
  let sums4 := map (fun s => 4 * s) sums in
  let own := mul_transposed (map (map (fun x => x * x)) T) V in
  let both := mul_transposed (map (fun row => zip_with (fun x s => x * (order * x + s)) row sums4) T) V in
  Side own (product_sum p own both) (triangle (transposed m T)).

Fixpoint add_products (a b accumulated : list int) : list int :=
  match a, b, accumulated with
  | x :: a', y :: b', z :: accumulated' => (x * y + z) :: add_products a' b' accumulated'
  | _, _, _ => []
  end.

(** The sum of the products of the rows [firsts] of [L] with the rows of [R]. *)
Fixpoint joined (m : nat) (L : list (list int)) (firsts : list nat) (R : list (list int)) : list int :=
  match firsts, R with
  | a :: firsts', r :: R' => add_products (nth a L []) r (joined m L firsts' R')
  | _, _ => repeat 0 m
  end.

(** For classes [c] and on: the sum of the outputs, where the class is the right answer. *)
Fixpoint right_sum (F : form) (own : list (list int)) (c : nat) (V : list (list int)) : int :=
  match V with
  | [] => 0
  | v :: V' =>
      let firsts := map (answer (form_order F) (- form_coefficient F) c) (seq 0 (form_order F)) in
      let alone := fold_right (fun a sum => nth c (nth a own []) 0 + sum) 0 firsts in
      alone + 2 * dot v (joined (form_width F) (L_rows F) firsts (R_rows F)) + right_sum F own (S c) V'
  end.

(** C and M. *)
Definition second_moments (F : form) : Z * Z :=
  let p := form_order F in
  let m := form_width F in
  let V := centred_rows p m (U_rows F) in
  let l := side_of p m V (L_rows F) (total_row m (R_rows F)) in
  let r := if same_rows (L_rows F) (R_rows F) then l else side_of p m V (R_rows F) (total_row m (L_rows F)) in
  let cross := product_sum p [total_row p (own_rows l)] [total_row p (own_rows r)] in
  let grams := zip_with (zip_with (fun x y => x * y)) (gram_rows l) (gram_rows r) in
  let joint := symmetric_sum m (triangle (transposed m V)) grams in
  (signed (right_sum F (own_rows l) O V), own_moment l + own_moment r + 2 * cross + 4 * joint)%Z.

(** The largest N with (p^2 - 2 p + N - 1) M < 2 C^2; 0 if none is positive. *)
Definition second_moment_best (p : nat) (C M : Z) : Z :=
  let order := Z.of_nat p in
  Z.max 0 ((2 * (C * C) - (order * order - 2 * order - 1) * M - 1) / M)%Z.

Definition is_square (f : activation) : bool := match f with Relu => false | Square => true end.

(** No output, no sum of outputs and no entry of a table of [second_moments] is larger than these. *)
Definition second_moment_tests (F : form) : list (bool * refusal) :=
  let p := Z.of_nat (form_order F) in
  let m := Z.of_nat (form_width F) in
  let V := largest (centred_rows (form_order F) (form_width F) (U_rows F)) in
  let before := before_top F in
  let square := (before * before)%Z in
  [ (is_square (form_activation F), Wrong_activation);
    ((largest (P_rows F) =? 0)%Z, Wrong_table First_direct);
    ((largest (Q_rows F) =? 0)%Z, Wrong_table Second_direct);
    ((2 * (p * largest (U_rows F)) <=? 2 ^ 60)%Z, May_overflow Centred);
    ((2 * (p * (p * (m * (square * V)))) <=? 2 ^ 60)%Z, May_overflow Moments);
    ((p * square * (p * square) <=? 2 ^ 60)%Z, May_overflow Moments);
    ((p * (V * V) <=? 2 ^ 60)%Z, May_overflow Moments) ].

Definition second_moment_on (claimed : Z) (F : form) (c : second_moment_certificate) : outcome :=
  match first_failure (form_tests F) with
  | Some why => Refused why
  | None =>
      match first_failure (second_moment_tests F) with
      | Some why => Refused why
      | None =>
          let moments := second_moments F in
          outcome_of (first_failure
            [ ((0 <? fst moments)%Z && (0 <? snd moments)%Z, Not_correlated);
              total_reaches claimed (second_moment_best (form_order F) (fst moments) (snd moments)) ])
      end
  end.
