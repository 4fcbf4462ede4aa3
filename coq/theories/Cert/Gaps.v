(* CompactProofs: Cert: Gaps *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.Terms Cert.Bands Cert.Products Cert.Outputs.
Import ListNotations.
(** * Stage "output gap": how far rivals are above each other, per token and position
    Logits are those of the last token q (a product, exact or of low rank) and those that attention brings from token t and
    position i. A certificate may move any combination of embeddings, [moved], from the first to the second: their sum stays.
    - [Joint]  the gap of the sum, for each (q, i, t)
    - [Split]  the gap of the first for each q and of the second for each (i, t), added
    Gaps are in units of 2^(g - logit_bits), rounded up.
    - [gap_case]   == for one q and m: the gap of each free position by bands of tokens, less [offset]; and that of the last position
    - [gap_cases]  == these for m = q, q + 1, ..
    Soundness: GapsSound. Source: docs/max_of_k.md, section 3. Python mirror: proofs/strategies/gaps.py. *)
Local Open Scope uint63_scope.

Inductive gap_choice := Joint | Split (direct : product_choice).

Record gap_case := GapCase {
  offset : int;
  banded : list (list int);      (* per free position, per band of distance from m *)
  final : int
}.

(** What the certificate moves, and what becomes of both summands. *)
Record logits := Logits {
  direct_inputs : list (list int);  (* d_vocab x d_model: residual stream less [moved] *)
  direct : product;               (* of these and W_U *)
  position_rows : list (list int);  (* n_ctx x d_vocab: logits of the position, and of [moved] *)
  token_logits : list (list int)  (* d_vocab x d_vocab *)
}.

Definition direct_choice (choice : gap_choice) : product_choice := match choice with Joint => Exact | Split c => c end.

Definition direct_bound (L : logits) : Z := to_Z (max_abs (product_rows (direct L))).

Definition penalty_bound (P : product) : Z := to_Z (max_abs [penalties P]).

Definition path_bound (L : logits) : Z := (to_Z (max_abs (position_rows L)) + to_Z (max_abs (token_logits L)))%Z.

Definition logits_of (M : model) (T : core_tables) (moved : list Z) (choice : gap_choice) :
  logits * list (bool * refusal) :=
  let row := of_rows (power 0) [moved] in
  let minus := of_rows (-1) [moved] in
  let inputs := add_row (nth 0 minus []) (resid_rows T) in
  let U := W_U_direct_rows T in
  let moved_logits := mul (d_vocab M) row U in
  let D := product_of Direct_logits (direct_choice choice) (d_model M) (d_vocab M) inputs U in
  (Logits inputs (fst D) (add_row (nth 0 moved_logits []) (logit_pos_rows T)) (logit_rows T),
   [ (has_shape 1 (d_model M) [moved], Wrong_length Moved (Z.of_nat (length moved)) (Z.of_nat (d_model M)));
     (rows_fit (power 0) [moved], May_overflow Moved);
     (rows_fit (-1) [moved], May_overflow Moved);
     (sum_fits minus (resid_rows T), May_overflow Moved);
     (product_fits (d_model M) row U, May_overflow Moved);
     (sum_fits moved_logits (logit_pos_rows T), May_overflow Moved) ] ++ snd D).

(** Gaps at most 2^30 in absolute value, for gaps in units of 2^g of the logits'. *)
Definition gaps_tests (L : logits) (g : int) : list (bool * refusal) :=
  let bits := to_Z (product_bits (direct L)) in
  [ ((2 * direct_bound L + penalty_bound (direct L) <=? 2 ^ 60)%Z, May_overflow Logit_sum);
    ((2 * path_bound L <=? 2 ^ 60)%Z, May_overflow Logit_sum);
    (if (to_Z g + bits <=? 61)%Z then (2 * direct_bound L + penalty_bound (direct L) <=? 2 ^ (29 + to_Z g + bits))%Z else false,
      May_overflow Gap_shift);
    (if (to_Z g <=? 61)%Z then (2 * path_bound L <=? 2 ^ (29 + to_Z g))%Z else false, May_overflow Gap_shift) ].

Section Cases.
  Context (n d : nat) (L : logits) (g : int) (sizes : list nat) (v : rivals).

  Definition gaps_of (shift low : int) (row : list int) : list int := map (shift_up shift) (row_gaps low v row).

  (** Columns of gaps, from that of [m] on, each by bands of distance from its own m. *)
  Fixpoint band_columns (m : nat) (columns : list (list int)) : list (list int) :=
    match columns with
    | [] => []
    | column :: rest => hulls smax sizes (rev (firstn (S m) column)) :: band_columns (S m) rest
    end.

  (** For m = from, ..: the gaps of the tokens at a position whose rows of logits are [base] and those of the tokens. *)
  Definition position_table (from : nat) (low : int) (base : list int) : list (list int) :=
    band_columns from (skipn from (by_row 0 d (map (fun row => gaps_of g low (add_rows base row)) (token_logits L)))).

  (** For m = from, ..: the same for each free position. *)
  Definition position_tables (from : nat) (low : int) (before : list int -> list int) : list (list (list int)) :=
    by_row [] (d - from)
      (map (fun i => position_table from low (before (nth i (position_rows L) []))) (seq 0 (n - 1))).

  Definition path_low : int := of_Z (- path_bound L).

  Definition direct_low : int := of_Z (- direct_bound L).

  Definition joint_low : int := of_Z (- (direct_bound L + path_bound L)).

  Definition joint_final (q : nat) : list int :=
    gaps_of g joint_low
      (add_rows (add_rows (nth q (product_rows (direct L)) []) (nth (n - 1) (position_rows L) []))
        (nth q (token_logits L) [])).

  Definition joint_cases (q : nat) : list gap_case :=
    zip_with (fun table last => GapCase 0 table last)
      (position_tables q joint_low (add_rows (nth q (product_rows (direct L)) [])))
      (skipn q (joint_final q)).

  Definition direct_gaps (q : nat) : list int :=
    let penalty := nth q (penalties (direct L)) 0 in
    map (fun x => shift_up (g + product_bits (direct L)) (x + penalty))
      (row_gaps direct_low v (nth q (product_rows (direct L)) [])).

  Definition split_final (q : nat) : list int :=
    zip_with add (direct_gaps q)
      (gaps_of g path_low (add_rows (nth (n - 1) (position_rows L) []) (nth q (token_logits L) []))).

  Definition split_cases (choice : product_choice) (all : list (list (list int))) (q : nat) : list gap_case :=
    let last := match choice with Exact => joint_final q | Low_rank _ => split_final q end in
    zip_with (fun table both => GapCase (fst both) table (snd both))
      (skipn q all) (zip_with pair (skipn q (direct_gaps q)) (skipn q last)).

  Definition gap_cases (choice : gap_choice) : nat -> list gap_case :=
    match choice with
    | Joint => joint_cases
    | Split c =>
        let all := position_tables 0 path_low (fun base => base) in
        fun q => split_cases c all q
    end.
End Cases.
