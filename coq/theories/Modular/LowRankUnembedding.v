(* CompactProofs: Modular: LowRankUnembedding *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
Import ListNotations.
(** * low_rank_unembedding: wrong answers by a low-rank unembedding of what sets a pair apart
    For the pair (a, b), its right answer S and T = (a - s b) mod p, let h be the activations and, with tables of the
    certificate,
      g = first[a] + second[b] + answers[S] + differences[T] - offset,  d = h - g:
    what the activations are by a alone, by b alone, by S alone and by T alone, and the rest d, which is small where neurons
    are waves. Let U' be U less [centre] in every row (which changes no comparison), and D U' = B W + E. Then
      D f(c) = D (P[a,c] + Q[b,c] + g . U'[c]) + (W d) . B[c] + d . E[c]
    up to one number for all c. The first term is a sum of four tables of p^2 entries, the second has as many
    products as W has rows, and the third is at most |d| |E[c]| (Cauchy and Schwarz). The right answer's value is computed
    exactly. Accept the pair where it is above this bound for every other class.
    - [low_rank_unembedding_certificate] == the tables, B, W and numbers; nothing in it is trusted
    - [low_rank_tests]  == shapes and ranges
    - [low_rank_count]  == the number of accepted pairs
    - [low_rank_unembedding_on] == the verdict on a form
    Main result: [low_rank_unembedding_on_sound] in Modular.LowRankUnembeddingSound.
    Python mirror: proofs/strategies/modular/low_rank_unembedding.py. Source: docs on modular arithmetic, section 3, C2. *)

Record low_rank_unembedding_certificate := Low_rank_unembedding_certificate {
  unembedding_scale : Z;              (* D *)
  dropped_bits : int;                 (* bits that |d| does without, only its square has to fit *)
  unembedding_centre : list Z;        (* by neuron *)
  means_offset : list Z;              (* by neuron *)
  unembedding_basis : list (list Z);  (* B: p rows *)
  unembedding_coordinates : list (list Z);  (* W: as many rows as the rank is, by neuron *)
  first_means : list (list int);      (* p rows by neuron, like the next three *)
  second_means : list (list int);
  answer_means : list (list int);
  difference_means : list (list int)
}.

Definition unembedding_rank (c : low_rank_unembedding_certificate) : nat := length (unembedding_coordinates c).

Local Open Scope uint63_scope.

(** [row] taken away from every row. *)
Definition less_row (row : list int) (A : list (list int)) : list (list int) := map (fun x => zip_with sub x row) A.

Definition scaled (d : int) (A : list (list int)) : list (list int) := map (map (fun x => d * x)) A.

(** The matrices in machine integers: U', the first means less the offset, D U', B, W, B W and E. *)
Record low_rank_matrices := Low_rank_matrices {
  centred_U : list (list int);
  first_less : list (list int);
  scaled_U : list (list int);
  basis63 : list (list int);
  coordinates63 : list (list int);
  product63 : list (list int);
  residuals : list (list int)
}.

Definition row_of (row : list Z) : list int := map of_Z row.

Definition unembedding_matrices (F : form) (c : low_rank_unembedding_certificate) : low_rank_matrices :=
  let u := less_row (row_of (unembedding_centre c)) (U_rows F) in
  let du := scaled (of_Z (unembedding_scale c)) u in
  let b := of_rows 1 (unembedding_basis c) in
  let w := of_rows 1 (unembedding_coordinates c) in
  let bw := mul (form_width F) b w in
  Low_rank_matrices u (less_row (row_of (means_offset c)) (first_means c)) du b w bw (zip_with (zip_with sub) du bw).

(** ** Tests *)
Local Open Scope nat_scope.

Definition row_fits (row : list Z) : bool := forallb (fun z => Z.abs z <=? 2 ^ 59)%Z row.

Section Tops.
  Context (F : form) (c : low_rank_unembedding_certificate) (M : low_rank_matrices).
  Local Open Scope Z_scope.

  (** No entry of d is larger in absolute value. *)
  Definition rest_top : Z :=
    hidden_top F + largest (first_less M) + largest (second_means c) + largest (answer_means c)
      + largest (difference_means c).

  Definition residual_top : Z := unembedding_scale c * largest (centred_U M) + largest (product63 M).

  (** [rest]: [rest_top]; [worst]: the largest entry of E. No entry of d without the bits dropped is above [coarse_top], and
      |d| is not above [length_top]. *)
  Context (rest worst : Z).

  Definition coarse_top : Z := rest / 2 ^ to_Z (dropped_bits c) + 1.
  Definition square_top : Z := let q := coarse_top in Z.of_nat (form_width F) * (q * q).
  Definition slack : Z := if to_Z (dropped_bits c) =? 0 then 0 else Z.sqrt_up (Z.of_nat (form_width F)).
  Definition length_top : Z := 2 ^ to_Z (dropped_bits c) * (Z.sqrt_up square_top + slack).
  Definition residual_square_top : Z := Z.of_nat (form_width F) * (worst * worst).

  Definition bound_top : Z :=
    unembedding_scale c *
      (largest (P_rows F) + largest (Q_rows F) + Z.of_nat (form_width F) * (hidden_top F * largest (centred_U M))) +
    Z.of_nat (form_width F) * (rest * worst) + length_top * Z.sqrt_up residual_square_top.
End Tops.

Definition low_rank_tests (F : form) (c : low_rank_unembedding_certificate) (M : low_rank_matrices) : list (bool * refusal) :=
  let p := form_order F in
  let m := form_width F in
  let rest := rest_top F c M in
  let worst := largest (residuals M) in
  let few := (to_Z (dropped_bits c) <=? 60)%Z in (* else 2 ^ dropped_bits is not worked out *)
  [ ((0 <? unembedding_scale c)%Z, Wrong_scale (unembedding_scale c));
    (few, Wrong_scale (to_Z (dropped_bits c)));
    (length (unembedding_centre c) =? m, Wrong_table Centre);
    (length (means_offset c) =? m, Wrong_table Centre);
    (has_shape p (unembedding_rank c) (unembedding_basis c), Wrong_table Basis);
    (has_shape (unembedding_rank c) m (unembedding_coordinates c), Wrong_table Coordinates);
    (has_shape p m (first_means c), Wrong_table Amplitudes);
    (has_shape p m (second_means c), Wrong_table Amplitudes);
    (has_shape p m (answer_means c), Wrong_table Amplitudes);
    (has_shape p m (difference_means c), Wrong_table Amplitudes);
    (row_fits (unembedding_centre c), May_overflow Centred);
    (row_fits (means_offset c), May_overflow Centred);
    ((largest (U_rows F) <=? 2 ^ 59)%Z, May_overflow Centred);
    ((largest (first_means c) <=? 2 ^ 59)%Z, May_overflow Centred);
    (rows_fit 1 (unembedding_basis c), May_overflow Residuals);
    (rows_fit 1 (unembedding_coordinates c), May_overflow Residuals);
    (product_fits (unembedding_rank c) (basis63 M) (coordinates63 M), May_overflow Residuals);
    ((residual_top c M <=? 2 ^ 60)%Z, May_overflow Residuals);
    ((residual_square_top F worst <=? 2 ^ 60)%Z, May_overflow Residuals);
    ((rest <=? 2 ^ 60)%Z, May_overflow Moments);
    (if few then (square_top F c rest <=? 2 ^ 60)%Z else false, May_overflow Moments);
    (if few then (bound_top F c M rest worst <=? 2 ^ 61)%Z else false, May_overflow Margins) ].

(** ** Evaluation *)
Local Open Scope uint63_scope.

(** d of a pair, from rows of L, R and of the four tables. *)
Fixpoint rests (f : int -> int) (l r g k s t : list int) : list int :=
  match l, r, g, k, s, t with
  | x :: l', y :: r', g0 :: g', k0 :: k', s0 :: s', t0 :: t' => f (x + y) - g0 - k0 - s0 - t0 :: rests f l' r' g' k' s' t'
  | _, _, _, _, _, _ => []
  end.

Definition coarse (bits : int) : int -> int :=
  if Uint63.eqb bits 0 then fun x => x else let low := quarter >> bits in fun x => ((x + quarter) >> bits) - low.

Fixpoint squares (f : int -> int) (row : list int) (total : int) : int :=
  match row with
  | [] => total
  | x :: rest => let y := f x in squares f rest (total + y * y)
  end.

(** [start] + x . y *)
Fixpoint dot_from (start : int) (x y : list int) : int :=
  match x, y with
  | x0 :: x', y0 :: y' => dot_from (start + x0 * y0) x' y'
  | _, _ => start
  end.

(** What a class brings: |E[c]| rounded up, then B[c]; to be multiplied by |d| and W d. *)
Definition loss_row (b e : list int) : list int := of_Z (Z.sqrt_up (to_Z (squares (fun x => x) e 0))) :: b.

(** Every class's bound is below [best] (both with 2^62 added), in the rows of four tables that belong to the pair. *)
Section Rivals.
  Context (best : int) (y : list int).

  Fixpoint all_below (rows : list (list int)) (first second answers differences : list int) : bool :=
    match rows, first, second, answers, differences with
    | row :: rows', a :: first', b :: second', s :: answers', t :: differences' =>
        if ltb (dot_from (a + b + s + t) y row) best then all_below rows' first' second' answers' differences' else false
    | [], _, _, _, _ => true
    | _, _, _, _, _ => false
    end.

  (** All but one. *)
  Fixpoint others_below (but : nat) (rows : list (list int)) (first second answers differences : list int)
    {struct rows} : bool :=
    match rows, first, second, answers, differences with
    | row :: rows', a :: first', b :: second', s :: answers', t :: differences' =>
        match but with
        | O => all_below rows' first' second' answers' differences'
        | S but' =>
            if ltb (dot_from (a + b + s + t) y row) best
            then others_below but' rows' first' second' answers' differences' else false
        end
    | [], _, _, _, _ => true
    | _, _, _, _, _ => false
    end.
End Rivals.

(** Rows that belong to a token: of L or R, of the means, and of the means' values with P or Q; to an answer: of the means, of
    their values, of D U'; to a difference: of the means and of their values. *)
Definition by_token (rows means direct scaled_u : list (list int)) (start d : int) : list (list int * list int * list int) :=
  zip_with (fun row x => (row, x)) (zip_with (fun l g => (l, g)) rows means)
    (zip_with (fun g q => zip_with (fun u v => dot_from (start + d * v) g u) scaled_u q) means direct).

Definition by_answer (means scaled_u : list (list int)) : list (list int * list int * list int) :=
  zip_with (fun x u => (x, u)) (map (fun g => (g, map (dot_from 0 g) scaled_u)) means) scaled_u.

Definition by_difference (means scaled_u : list (list int)) : list (list int * list int) :=
  map (fun g => (g, map (dot_from 0 g) scaled_u)) means.

Definition form_difference (F : form) (a b : nat) : nat := answer (form_order F) (- form_coefficient F) a b.

Section Pair.
  Context (F : form) (f coarsen : int -> int) (unit slack : Z) (w losses : list (list int)).
  Context (answers : list (list int * list int * list int)) (differences : list (list int * list int)).

  Definition low_rank_passes (a : nat) (x : list int * list int * list int) (b : nat) (y : list int * list int * list int) :
    bool :=
    let '(l, g, first) := x in
    let '(r, k, second) := y in
    let right := form_answer F a b in
    let '(s, third, u) := nth right answers ([], [], []) in
    let '(t, fourth) := nth (form_difference F a b) differences ([], []) in
    let d := rests f l r g k s t in
    let best := dot_from (nth right first 0 + nth right second 0 + nth right third 0 + nth right fourth 0) d u in
    let size := of_Z (unit * (Z.sqrt_up (to_Z (squares coarsen d 0)) + slack)) in
    others_below best (size :: map (dot_from 0 d) w) right losses first second third fourth.
End Pair.

Definition low_rank_count (F : form) (c : low_rank_unembedding_certificate) (M : low_rank_matrices) : Z :=
  let d := of_Z (unembedding_scale c) in
  let u := scaled_U M in
  let unit := (2 ^ to_Z (dropped_bits c))%Z in
  let extra := slack F c in
  let coarsen := coarse (dropped_bits c) in
  let losses := zip_with loss_row (basis63 M) (residuals M) in
  let answers := by_answer (answer_means c) u in
  let differences := by_difference (difference_means c) u in
  count_pairs
    (low_rank_passes F (activate63 (form_activation F)) coarsen unit extra (coordinates63 M) losses answers differences)
    (by_token (L_rows F) (first_less M) (P_rows F) u half d)
    (by_token (R_rows F) (second_means c) (Q_rows F) u 0 d).

Definition low_rank_unembedding_on (claimed : Z) (F : form) (c : low_rank_unembedding_certificate) : outcome :=
  let M := unembedding_matrices F c in
  certified F (low_rank_tests F c M) (fun _ => low_rank_count F c M) claimed.
