(* CompactProofs: Cert: ExactCheck *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.Terms Cert.Bands Cert.BruteForceCheck.
Import ListNotations.
(** * The exact count, by branch and bound
    A case is a last token q and a largest token m. Its sequences are those of a few boxes: at each free position a list of
    tokens to choose from. If q is not m, a box says which free position is the first with m.
    For each other output (a rival), a token at a position costs its attention weight times how far it puts the rival above m,
    and also how far it puts m above the rival, both bounded from above. In a box, or in a part of it where some positions are
    fixed:
    - all are right, if for no rival the sum of the largest costs of the first kind reaches 0
    - all are wrong, if for some rival the sum of the largest costs of the second kind is at most 0
    - otherwise the next position is fixed, once for each of its tokens; with no position left, the sequence goes through the
      network, as in BruteForceCheck
    The credit of a token is what it costs less than the dearest of its position. Lists of tokens begin with the largest.
    - [branch]      == how many sequences of a box are proved right, and how many wrong
    - [case_counts] == the same of a case
    Certificate: the unit of the gaps. Soundness: BoxesSound, BranchSound, ExactSound. Source: docs/max_of_k.md, section 6.
    Python mirror: proofs/strategies/exact.py. *)
Local Open Scope uint63_scope.

Record exact_certificate := ExactCertificate {
  exact_unit : int                (* gaps in units of 2^(exact_unit - logit_bits) *)
}.

(** A number for each kind of cost. *)
Definition two_sided : Set := int * int.

Definition add_counts (a b : Z * Z) : Z * Z := (fst a + fst b, snd a + snd b)%Z.

Definition sum_counts {A : Type} (f : A -> Z * Z) (l : list A) : Z * Z :=
  fold_right (fun x rest => add_counts (f x) rest) (0, 0)%Z l.

(** ** One box *)

(** A position: how many choices there are from it on, and its tokens, each with its credits for each rival. *)
Record level := Level {
  completions : Z;
  options : list (nat * list two_sided)
}.

Fixpoint all_right (values : list two_sided) : bool :=
  match values with
  | [] => true
  | v :: rest => if slt (fst v) 0 then all_right rest else false
  end.

Fixpoint some_wrong (values : list two_sided) : bool :=
  match values with
  | [] => false
  | v :: rest => if slt 0 (snd v) then some_wrong rest else true
  end.

Definition minus_credits (v credit : two_sided) : two_sided := (fst v - fst credit, snd v - snd credit).

(** [values]: for each rival, the costs so far and the largest ones of the positions left. [chosen]: the tokens so far, last
    first; [leaf]: what becomes of one sequence. *)
Fixpoint branch (leaf : list nat -> Z * Z) (levels : list level) (values : list two_sided) (chosen : list nat)
  {struct levels} : Z * Z :=
  let all := match levels with [] => 1%Z | l :: _ => completions l end in
  if all_right values then (all, 0%Z)
  else if some_wrong values then (0%Z, all)
  else
    match levels with
    | [] => leaf chosen
    | l :: rest =>
        (fix each (options : list (nat * list two_sided)) : Z * Z :=
          match options with
          | [] => (0, 0)%Z
          | (token, credits) :: options' =>
              add_counts (branch leaf rest (zip_with minus_credits values credits) (token :: chosen)) (each options')
          end) (options l)
    end.

Fixpoint levels_of (positions : list (list (nat * list two_sided))) : list level :=
  match positions with
  | [] => []
  | tokens :: rest =>
      let later := levels_of rest in
      Level (Z.of_nat (length tokens) * match later with [] => 1 | l :: _ => completions l end) tokens :: later
  end.

(** ** The boxes of a case *)

(** Where the first m is; None: everywhere, the last token is m. *)
Definition box : Set := option nat.

Fixpoint first_at {A : Type} (k : nat) (positions : list (list A)) : list (list A) :=
  match positions with
  | [] => []
  | tokens :: rest =>
      match k with
      | O => firstn 1 tokens :: rest
      | S k' => tl tokens :: first_at k' rest
      end
  end.

Definition in_box {A : Type} (b : box) (positions : list (list A)) : list (list A) :=
  match b with
  | None => positions
  | Some k => first_at k positions
  end.

Definition boxes (free : nat) (seen : bool) : list box := if seen then [None] else map Some (seq 0 free).

(** ** Costs *)

Definition sum_largest (columns : list (list int)) : int := fold_right (fun column rest => row_top column + rest) 0 columns.

Definition credits_of (column : list int) : list int := let top := row_top column in map (fun h => top - h) column.

(** The logits of one output by free position and token, and at the last position. *)
Record output_logits := OutputLogits {
  free_logits : list (list int);
  last_logit : int
}.

(** The same for costs: of a rival. *)
Record rival_costs := RivalCosts {
  free_costs : list (list int);
  last_cost : int
}.

Section Case.
  Context (g : int) (weights : list (list enclosure)) (last_weight : enclosure).
  Context (tokens : list nat) (leaf : list nat -> Z * Z).

  Definition gap_cost (e : enclosure) (x y : int) : int := upper_term e (shift_up g (x - y)).

  Fixpoint column_costs (es : list enclosure) (xs ys : list int) : list int :=
    match es, xs, ys with
    | e :: es', x :: xs', y :: ys' => gap_cost e x y :: column_costs es' xs' ys'
    | _, _, _ => []
    end.

  Fixpoint costs_by_position (es : list (list enclosure)) (xs ys : list (list int)) : list (list int) :=
    match es, xs, ys with
    | e :: es', x :: xs', y :: ys' => column_costs e x y :: costs_by_position es' xs' ys'
    | _, _, _ => []
    end.

  (** What it costs that output [x] comes above output [y]. *)
  Definition costs_over (x y : output_logits) : rival_costs :=
    RivalCosts (costs_by_position weights (free_logits x) (free_logits y)) (gap_cost last_weight (last_logit x) (last_logit y)).

  (** In a box: the costs, and the sum of the largest. *)
  Definition largest_sum (b : box) (c : rival_costs) : int := last_cost c + sum_largest (in_box b (free_costs c)).

  Definition credits_in (b : box) (above below : rival_costs) : list (list two_sided) :=
    zip_with (fun a c => zip_with pair (credits_of a) (credits_of c))
      (in_box b (free_costs above)) (in_box b (free_costs below)).

  (** [rivals]: costs of outputs over [own]. *)
  Definition box_counts (own : output_logits) (rivals : list (output_logits * rival_costs)) (b : box) : Z * Z :=
    let contenders := filter (fun r => negb (slt (largest_sum b (snd r)) 0)) rivals in
    let both_ways := map (fun r => (snd r, costs_over own (fst r))) contenders in
    let free := length weights in
    let positions := by_row [] free (map (fun r => credits_in b (fst r) (snd r)) both_ways) in
    branch leaf
      (levels_of (zip_with (fun set columns => zip_with pair set (by_row (0, 0) (length set) columns))
        (in_box b (repeat tokens free)) positions))
      (map (fun r => (largest_sum b (fst r), largest_sum b (snd r))) both_ways) [].
End Case.

Section Query.
  Context (n d : nat) (T : tables) (p : precision) (g : int) (q : nat).

  (** Per output. *)
  Definition logits_by_output : list output_logits :=
    let table (i : nat) := by_row 0 d (rev (map (add_rows (base_row T q i)) (logit_rows T))) in
    zip_with OutputLogits (by_row [] d (map table (seq 0 (n - 1)))) (output_row T q (n - 1) q).

  Definition token_weights (m : nat) : list enclosure := row_enclosures p (firstn (S m) (nth q (score_rows T) [])).

  Definition position_weights : list enclosure := row_enclosures p (nth q (score_pos_rows T) []).

  (** Tokens above m taken off. *)
  Definition up_to (m : nat) (o : output_logits) : output_logits :=
    OutputLogits (map (skipn (d - S m)) (free_logits o)) (last_logit o).

  (** A sequence, of which [chosen] are the tokens but for the last, last first. *)
  Definition leaf_counts (candidates : list (list candidate)) (m : nat) (chosen : list nat) : Z * Z :=
    let all := zip_with (fun options token => nth token options no_candidate) candidates (rev (q :: chosen)) in
    if right d p g all m then (1, 0)%Z else if wrong d p g all m then (0, 1)%Z else (0, 0)%Z.

  Definition case_counts (outputs : list output_logits) (positions : list enclosure) (candidates : list (list candidate))
    (m : nat) : Z * Z :=
    let tokens := token_weights m in
    let descending := rev tokens in
    let weights := map (fun position => map (fun token => both token position) descending) (firstn (n - 1) positions) in
    let last_weight := both (nth q tokens (0, 0)) (nth (n - 1) positions (0, 0)) in
    let none := OutputLogits [] 0 in
    let own := up_to m (nth m outputs none) in
    let others := firstn m outputs ++ skipn (S m) outputs in
    let rivals := map (fun o => let x := up_to m o in (x, costs_over g weights last_weight x own)) others in
    sum_counts (box_counts g weights last_weight (rev (seq 0 (S m))) (leaf_counts candidates m) own rivals)
      (boxes (n - 1) (Nat.eqb q m)).

  Definition query_counts : Z * Z :=
    let outputs := logits_by_output in
    let positions := position_weights in
    let all := map (candidates T q) (seq 0 n) in
    sum_counts (case_counts outputs positions all) (seq q (d - q)).
End Query.

(** Exactly [claimed] sequences are right: the others are proved wrong. *)
Definition exact_verdict (claimed : Z) (M : model) (c : exact_certificate) : outcome :=
  let T := tables_of M in
  match first_failure (tables_tests M T ++ [ (gap_fits T (exact_unit c), May_overflow Gap_shift) ]) with
  | Some why => Refused why
  | None =>
      let counts := sum_counts (query_counts (n_ctx M) (d_vocab M) T (precision_of (score_shift M)) (exact_unit c))
        (seq 0 (d_vocab M)) in
      let inputs := (Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M))%Z in
      outcome_of (first_failure
        [ ((fst counts =? claimed)%Z && (fst counts + snd counts =? inputs)%Z,
           Total_differs (fst counts) (snd counts) inputs claimed) ])
  end.

Definition exact_check (claimed : Z) (M : model) (c : exact_certificate) : bool :=
  accepted (exact_verdict claimed M c).
