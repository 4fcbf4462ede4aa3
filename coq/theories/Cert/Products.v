(* CompactProofs: Cert: Products *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix Cert.Outcome Cert.Bands.
Import ListNotations.
(** * Stage "scores" and half of stage "output gap": a matrix product A B, exact or of low rank
    What proofs need of A B is how far entries of one row lie apart. With A of [inner] columns:
    - [Exact]          the product, of cost rows x inner x columns
    - [Low_rank f]     2^bits A B = A (peeled_left peeled_right) B + A (bounded_left bounded_right) B + A E B, for any
                       integer factors and the remainder E that makes it so. The peeled part is multiplied out, of cost
                       rows x rank x columns; of the other two only the spread along a row is bounded, by
                       sum_k |A'[q,k]| (max_t B'[k,t] - min_t B'[k,t])
    - [product_of which choice inner columns A B] == rows R and penalties with
        2^bits ((A B)[q,t] - (A B)[q,t']) <= R[q,t] - R[q,t'] + penalty[q],
        and the tests of shapes and ranges under which that holds
    No factor is trusted. Soundness: ProductsSound. Source: docs/max_of_k.md, section 3. Python mirror:
    proofs/strategies/products.py. *)
Local Open Scope uint63_scope.

Record factors := Factors {
  bits : int;                     (* the unit of the factors' products is 2^-bits *)
  peeled_left : list (list Z);    (* inner x rank *)
  peeled_right : list (list Z);   (* rank x inner *)
  bounded_left : list (list Z);   (* inner x bounded *)
  bounded_right : list (list Z)   (* bounded x inner *)
}.

Inductive product_choice := Exact | Low_rank (f : factors).

Record product := Product {
  product_bits : int;
  product_rows : list (list int);
  penalties : list int
}.

(** The largest entry of a row less the smallest. *)
Definition row_range (row : list int) : int :=
  match row with
  | [] => 0
  | x :: rest => fold_left smax rest x - fold_left smin rest x
  end.

Definition ranges (B : list (list int)) : list int := map row_range B.

(** 2^bits on the diagonal, less two products: row by row. *)
Fixpoint remainder_from (k : nat) (unit : int) (columns : nat) (P Q : list (list int)) : list (list int) :=
  match P, Q with
  | p :: P', q :: Q' =>
      map (fun c => (if Nat.eqb c k then unit else 0) - nth c p 0 - nth c q 0) (seq 0 columns) ::
      remainder_from (S k) unit columns P' Q'
  | _, _ => []
  end.

Record parts := Parts {
  left_1 : list (list int);      (* peeled_left, as machine integers, and so on *)
  right_1 : list (list int);
  left_2 : list (list int);
  right_2 : list (list int);
  inner_1 : list (list int);     (* peeled_left peeled_right *)
  inner_2 : list (list int);
  remainder : list (list int);   (* E *)
  A_left_1 : list (list int);
  right_1_B : list (list int);
  A_left_2 : list (list int);
  right_2_B : list (list int);
  A_remainder : list (list int)
}.

Definition parts_of (f : factors) (inner columns : nat) (A B : list (list int)) : parts :=
  let l1 := of_rows (power 0) (peeled_left f) in
  let r1 := of_rows (power 0) (peeled_right f) in
  let l2 := of_rows (power 0) (bounded_left f) in
  let r2 := of_rows (power 0) (bounded_right f) in
  let i1 := mul inner l1 r1 in
  let i2 := mul inner l2 r2 in
  let e := remainder_from 0 (1 << bits f) inner i1 i2 in
  Parts l1 r1 l2 r2 i1 i2 e
    (mul (length r1) A l1) (mul columns r1 B) (mul (length r2) A l2) (mul columns r2 B) (mul inner A e).

Definition absolute_dot (row range : list int) : int := dot (map absolute row) range.

Definition low_rank_product (f : factors) (columns : nat) (B : list (list int)) (P : parts) : product :=
  let ranges_2 := ranges (right_2_B P) in
  let ranges_B := ranges B in
  Product (bits f) (mul columns (A_left_1 P) (right_1_B P))
    (Lists.zip_with add (map (fun row => absolute_dot row ranges_2) (A_left_2 P))
                        (map (fun row => absolute_dot row ranges_B) (A_remainder P))).

Definition low_rank_tests (which : stage) (f : factors) (inner : nat) (A B : list (list int)) (P : parts) :
  list (bool * refusal) :=
  [ (has_shape inner (length (right_1 P)) (peeled_left f), Wrong_factor which Peeled_left);
    (has_shape (length (right_1 P)) inner (peeled_right f), Wrong_factor which Peeled_right);
    (has_shape inner (length (right_2 P)) (bounded_left f), Wrong_factor which Bounded_left);
    (has_shape (length (right_2 P)) inner (bounded_right f), Wrong_factor which Bounded_right);
    (rows_fit (power 0) (peeled_left f), Wrong_factor which Peeled_left);
    (rows_fit (power 0) (peeled_right f), Wrong_factor which Peeled_right);
    (rows_fit (power 0) (bounded_left f), Wrong_factor which Bounded_left);
    (rows_fit (power 0) (bounded_right f), Wrong_factor which Bounded_right);
    ((to_Z (bits f) <=? 58)%Z, May_overflow which);
    (sum_fits B B, May_overflow which); (* the ranges of B *)
    (product_fits (length (right_1 P)) (left_1 P) (right_1 P), May_overflow which);
    (product_fits (length (right_2 P)) (left_2 P) (right_2 P), May_overflow which);
    (product_fits inner A (left_1 P), May_overflow which);
    (product_fits inner (right_1 P) B, May_overflow which);
    (product_fits inner A (left_2 P), May_overflow which);
    (product_fits inner (right_2 P) B, May_overflow which);
    (product_fits inner A (remainder P), May_overflow which);
    (product_fits (length (right_1 P)) (A_left_1 P) (right_1_B P), May_overflow which);
    (product_fits (length (right_2 P)) (A_left_2 P) [ranges (right_2_B P)], May_overflow which);
    (product_fits inner (A_remainder P) [ranges B], May_overflow which) ].

(** The product, and the tests under which it is what it should be. *)
Definition product_of (which : stage) (choice : product_choice) (inner columns : nat) (A B : list (list int)) :
  product * list (bool * refusal) :=
  match choice with
  | Exact => (Product 0 (mul columns A B) (repeat 0 (length A)), [ (product_fits inner A B, May_overflow which) ])
  | Low_rank f =>
      let P := parts_of f inner columns A B in
      (low_rank_product f columns B P, low_rank_tests which f inner A B P)
  end.
