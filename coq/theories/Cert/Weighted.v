(* CompactProofs: Cert: Weighted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Spec.Network Cert.Outcome Cert.Tables Cert.Terms Cert.Bands Cert.Products Cert.Attention.
From CompactProofs Require Import Cert.Gaps Cert.CreditsCheck Cert.WeightedCredits Cert.Staged.
Import ListNotations.
(** * Strategy [weighted]: how much weight the right sequences have, for weights of tokens at each position
    The stages are those of [cubic]: exact products, joint gaps, every token by itself, near outputs one by one. In place of
    sequences their weights are added up (WeightedCredits); the weight of the last token is a factor of all that ends in it. A
    token without weight may cost what it will.
    - [odds_by_answer]   == for each largest token m, the weights of the tokens up to m by distance from m, and their products
    - [weigh_case]       == the weight of the sequences of a case whose costs add up to less than 0, or a number below it
    - [weighted_count]   == the sum over all cases
    - [weighted_verdict] == is this at least the claim, for weights of the right shape, none negative, sums below 2^62
    Soundness: WeightedSound. Source: docs/max_of_k.md, section 7. Python mirror: proofs/strategies/weighted.py. *)

(** ** What is the same for all last tokens *)

Record odds := Odds {
  of_tokens : list (list int);   (* per free position: of m, m - 1, .., 0 *)
  heaviest : nat;                (* the distance of the token whose cost the others are measured from *)
  lightening : list int;         (* per free position *)
  weight_to : Z;                 (* of all choices of tokens up to m *)
  weight_below : Z               (* of all choices of tokens below m *)
}.

Fixpoint prefix_sums (sum : Z) (row : list Z) : list Z :=
  match row with
  | [] => []
  | w :: rest => let sum' := (sum + w)%Z in sum' :: prefix_sums sum' rest
  end.

(** For each m the first of the largest numbers up to it. *)
Fixpoint largest_so_far (best : nat) (largest : Z) (t : nat) (l : list Z) : list nat :=
  match l with
  | [] => []
  | w :: rest =>
      if (largest <? w)%Z then t :: largest_so_far t w (S t) rest else best :: largest_so_far best largest (S t) rest
  end.

Definition product_Z (l : list Z) : Z := fold_right Z.mul 1%Z l.

Definition odds_by_answer (d : nat) (rows : list (list Z)) : list odds :=
  let reversed := map (fun row => rev (map of_Z row)) rows in
  let sums := by_row 0%Z d (map (prefix_sums 0) rows) in
  let heavy := largest_so_far 0 (-1) 0 (fold_right (zip_with Z.add) (repeat 0%Z d) rows) in
  map (fun m =>
      let to := nth m sums [] in
      let below := match m with O => map (fun _ => 0%Z) rows | S before => nth before sums [] end in
      Odds (map (skipn (d - S m)) reversed) (m - nth m heavy O) (fst (shifts 1 to)) (product_Z to) (product_Z below))
    (seq 0 d).

(** ** One case *)

(** A token without weight costs what the heaviest costs. *)
Definition masked (base : nat) (row column : list int) : list int :=
  let cost := nth base column 0%uint63 in zip_with (fun w h => if (w =? 0)%uint63 then cost else h) row column.

Section Case.
  Context (o : odds) (seen : bool) (i : info) (W : case_weights).

  Definition case_weight : Z := if seen then weight_to o else (weight_to o - weight_below o)%Z.

  Definition weigh_case (bins : int) (c : gap_case) : Z :=
    if (bins =? 0)%uint63 then 0%Z
    else
      count_by (weight_of_choices (lightening o) (of_tokens o) seen) 1 bins (heaviest o)
        (zip_with (masked (heaviest o)) (of_tokens o) (case_columns W c)) (case_last W c) case_weight.

  Definition weighted_case (cases : list gap_case) : Z :=
    if (case_weight =? 0)%Z then 0%Z else best_case weigh_case case_weight i cases.
End Case.

(** ** All cases *)

Definition weighted_count (weights : list (list Z)) (M : model) (c : plan) (T : core_tables) (scores : product)
  (gaps : list (nat -> list gap_case)) : Z :=
  let all := odds_by_answer (d_vocab M) (firstn (n_ctx M - 1) weights) in
  let case_count := fun (seen : bool) (i : info) => weighted_case (nth (answer_token i) all (Odds [] 0 [] 0 0)) seen i in
  let of_last := nth (n_ctx M - 1) weights [] in
  let infos := map (info_of (n_ctx M) (sizes_of (d_vocab M) Every) c) (seq 0 (d_vocab M)) in
  let lengths := map (length_of (d_vocab M)) (block_lengths c) in
  fold_right (fun q rest =>
      let w := nth q of_last 0%Z in
      if (w =? 0)%Z then rest
      else (w * query_count M T Every scores gaps case_count infos lengths q + rest)%Z)
    0%Z (seq 0 (d_vocab M)).

(** ** The verdict *)

(** The first row that fails a test. *)
Fixpoint first_wrong (test : list Z -> bool) (position : Z) (rows : list (list Z)) : Z :=
  match rows with
  | [] => position
  | row :: rest => if test row then first_wrong test (position + 1) rest else position
  end.

Definition row_ok (d : nat) (row : list Z) : bool := if Nat.eqb (length row) d then forallb (Z.leb 0) row else false.

Definition weights_tests (weights : list (list Z)) (M : model) : list (bool * refusal) :=
  [ (Nat.eqb (length weights) (n_ctx M), Wrong_length Distribution (Z.of_nat (length weights)) (Z.of_nat (n_ctx M)));
    (forallb (row_ok (d_vocab M)) weights, Wrong_weights (first_wrong (row_ok (d_vocab M)) 0 weights));
    (forallb (fun row => fold_right Z.add 0 row <? 2 ^ 62)%Z weights, May_overflow Distribution) ].

Definition weighted_verdict (claimed : Z) (weights : list (list Z)) (M : model) (c : plan) : outcome :=
  staged_by M Exact Joint (repeat 0%Z (d_model M)) Every c (weights_tests weights M) (right_rivals (radius_of (radius c)))
    (weighted_count weights M c) (fun count => [ total_reaches claimed count ]).

Definition weighted_check (claimed : Z) (weights : list (list Z)) (M : model) (c : plan) : bool :=
  accepted (weighted_verdict claimed weights M c).

(** The plan from the fields that a generated file defines: nothing is counted in masses. *)
Definition Weighted_plan (unit : int) (blocks bins : list int) (r : int) (near_bins : list int) : plan :=
  Plan unit blocks bins r near_bins 0.
