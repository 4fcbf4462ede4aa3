(* CompactProofs: Cert: Staged *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.ExpBounds Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.Terms Cert.Bands Cert.Products Cert.Outputs.
From CompactProofs Require Import Cert.Attention Cert.Gaps Cert.CreditsCheck.
Import ListNotations.
(** * Proofs by stages: a choice at each stage, and what is counted from it
    Stages: scores (Products), attention (Attention), output gap (Gaps), tokens (Bands), outputs (Outputs), counting
    (CreditsCheck). A case is a last token q and a largest token m; of each token the cost is its attention weight times its
    gap, bounded from above. Costs of a sequence that add up to less than 0: no rival is above.
    - [right_case]  == at least so many sequences of the case are right: by the gap to all other outputs at once; where some fail,
                       also by groups of outputs, each sequence that fails for a group taken off (union bound: [best_case])
    - [wrong_case]  == at least so many are wrong: output m is at most another output; the best of a few
    - [staged_count] == their sum over all cases; [staged] == it under all tests; [staged_by] == any count under the tests
    Soundness: StagedSound. The named strategies: Strategies. Python mirror: proofs/strategies/staged.py. *)

Record plan := Plan {
  gap_unit : int;                (* gaps in units of 2^(gap_unit - logit_bits) *)
  block_lengths : list int;      (* m = 0, 1, .. in blocks; the weights of a block are relative to its largest score *)
  resolutions : list int;        (* per m: about how many units of cost are told apart; 0: nothing is counted *)
  radius : int;                  (* outputs at most so far from m are looked at one by one *)
  near_resolutions : list int;   (* per m: the resolution of that; 0: it is not done *)
  mass_digits : int              (* 0: exact counts; else masses, 2^mass_digits >= d_vocab (CreditsCheck) *)
}.

Definition length_of (d : nat) (x : int) : nat := if (to_Z x <=? Z.of_nat d)%Z then Z.to_nat (to_Z x) else d.

Definition radius_of (x : int) : nat := if (to_Z x <=? 16)%Z then Z.to_nat (to_Z x) else 16%nat.

Definition right_rivals (r : nat) : list rivals :=
  Rest 0 :: match r with O => [] | S _ => Rest r :: map Above (seq 1 r) ++ map Below (seq 1 r) end.

Definition wrong_rivals (r : nat) : list rivals := map Over_above (seq 1 r) ++ map Over_below (seq 1 r).

(** What a case of m has whatever q is. *)
Record info := Info {
  answer_token : nat;
  widths : list int;             (* of the bands of 0 .. m *)
  base_band : nat;               (* the widest *)
  resolution : int;
  near_resolution : int;
  choices_to : Z;                (* (m + 1)^(n_ctx - 1) *)
  choices_below : Z              (* m^(n_ctx - 1) *)
}.

Fixpoint widest (best index : nat) (largest : nat) (l : list nat) : nat :=
  match l with
  | [] => best
  | w :: rest => if Nat.leb largest w then widest index (S index) w rest else widest best (S index) largest rest
  end.

Definition info_of (n : nat) (sizes : list nat) (c : plan) (m : nat) : info :=
  let w := cut sizes (S m) in
  Info m (map (fun k => of_Z (Z.of_nat k)) w) (widest 0 0 0 w) (nth m (resolutions c) 0%uint63)
    (nth m (near_resolutions c) 0%uint63) (Z.of_nat (S m) ^ Z.of_nat (n - 1)) (Z.of_nat m ^ Z.of_nat (n - 1)).

(** The weights of one case: of the tokens by bands, of q itself, of the free positions, of the last position. *)
Record case_weights := CaseWeights {
  of_bands : list enclosure;
  of_last_token : enclosure;
  of_positions : list enclosure;
  of_last_position : enclosure
}.

(** The better of two counts of right sequences: by the gap to all other outputs, and where some fail, by groups of outputs,
    each sequence that fails for a group taken off. [count bins c] counts what passes for a group, of [every] sequences. *)
Definition best_case (count : int -> gap_case -> Z) (every : Z) (i : info) (cases : list gap_case) : Z :=
  match cases with
  | [] => 0%Z
  | all :: groups =>
      let counted := count (resolution i) all in
      if (counted =? every)%Z then counted
      else if (near_resolution i =? 0)%uint63 then counted
      else
        match groups with
        | [] => counted
        | _ :: _ =>
            let failing := fold_right (fun c rest => (every - count (near_resolution i) c + rest)%Z) 0%Z groups in
            Z.max counted (every - failing)
        end
  end.

Section Case.
  Context (digits : int) (seen : bool) (i : info) (W : case_weights).

  Definition case_columns (c : gap_case) : list (list int) :=
    zip_with (fun position gaps =>
        zip_with (fun token gap => upper_term (both token position) (offset c + gap)%uint63) (of_bands W) gaps)
      (of_positions W) (banded c).

  Definition case_last (c : gap_case) : int := upper_term (both (of_last_token W) (of_last_position W)) (final c).

  Definition case_choices : Z := if seen then choices_to i else (choices_to i - choices_below i)%Z.

  Definition count_case (strictness : Z) (bins : int) (c : gap_case) : Z :=
    if (bins =? 0)%uint63 then 0%Z
    else count_choices digits strictness bins (widths i) (base_band i) (case_columns c) (case_last c) seen case_choices.

  Definition right_case (cases : list gap_case) : Z := best_case (count_case 1) case_choices i cases.

  (** Is there such an output? *)
  Definition rival_exists (d : nat) (v : rivals) : bool :=
    match v with
    | Over_above k => Nat.ltb (answer_token i + k) d
    | Over_below k => Nat.leb k (answer_token i)
    | _ => false
    end.

  Fixpoint wrong_case (d : nat) (rivals : list rivals) (cases : list gap_case) : Z :=
    match rivals, cases with
    | v :: rivals', c :: cases' =>
        let rest := wrong_case d rivals' cases' in
        if rival_exists d v then Z.max (count_case 0 (resolution i) c) rest else rest
    | _, _ => 0%Z
    end.
End Case.

Section Query.
  Context (n d : nat) (p : precision) (tokens : tokens_choice) (digits : int).
  Context (case_count : bool -> info -> case_weights -> list gap_case -> Z).
  Context (q : nat) (positions : list enclosure).

  Definition last_position_weight : enclosure := nth (n - 1) positions (0, 0)%uint63.

  Fixpoint cases_count (own : enclosure) (token_weights : list (list enclosure)) (infos : list info)
    (cases : list (list gap_case)) : Z :=
    match token_weights, infos, cases with
    | tw :: token_weights', i :: infos', c :: cases' =>
        (case_count (Nat.eqb q (answer_token i)) i (CaseWeights tw own positions last_position_weight) c +
         cases_count own token_weights' infos' cases')%Z
    | _, _, _ => 0%Z
    end.

  Fixpoint blocks_count (lengths : list nat) (from : nat) (st : state) (row : list scored) (infos : list info)
    (cases : list (list gap_case)) : Z :=
    match lengths with
    | [] => 0%Z
    | len :: rest =>
        let st' := extend p st (firstn len row) in
        let first := Nat.max from q in
        let count := (from + len - first)%nat in
        (cases_count (nth q (weights st') (0, 0)%uint63) (token_rows tokens first count (weights st')) (firstn count infos)
           (firstn count cases) +
         blocks_count rest (from + len) st' (skipn len row) (skipn count infos) (skipn count cases))%Z
    end.
End Query.

Section Count.
  Context (M : model) (T : core_tables) (tokens : tokens_choice) (c : plan).
  Context (scores : product) (gaps : list (nat -> list gap_case)).
  Context (case_count : bool -> info -> case_weights -> list gap_case -> Z).

  Definition query_count (infos : list info) (lengths : list nat) (q : nat) : Z :=
    let p := precision_of (score_shift M) in
    let row := score_row scores q in
    blocks_count (n_ctx M) p tokens case_count q (row_enclosures p (nth q (score_pos_rows T) [])) lengths 0
      (start row) row (skipn q infos) (by_row (GapCase 0 [] 0) (d_vocab M - q) (map (fun cases => cases q) gaps)).

  Definition staged_count : Z :=
    let infos := map (info_of (n_ctx M) (sizes_of (d_vocab M) tokens) c) (seq 0 (d_vocab M)) in
    let lengths := map (length_of (d_vocab M)) (block_lengths c) in
    fold_right (fun q rest => (query_count infos lengths q + rest)%Z) 0%Z (seq 0 (d_vocab M)).
End Count.

Definition scores_test (P : product) : bool * refusal :=
  ((to_Z (max_abs (product_rows P)) + penalty_bound P <=? 2 ^ 60)%Z, May_overflow Scores).

(** Bands reach from m down to 0, the first has one token. *)
Definition tokens_tests (d : nat) (tokens : tokens_choice) : list (bool * refusal) :=
  let covered := list_sum (sizes_of d tokens) in
  match tokens with
  | Every => []
  | Banded exponents =>
      [ (forallb (fun k => Uint63.leb k 12) exponents, May_overflow Band);
        (Nat.eqb (hd O (sizes_of d tokens)) 1, Wrong_length Band (Z.of_nat (hd O (sizes_of d tokens))) 1);
        (Nat.leb d covered, Bands_short (Z.of_nat covered) (Z.of_nat d)) ]
  end.

(** Counts of inputs fit machine integers, or masses are carried instead. *)
Definition counts_test (M : model) (digits : int) : bool * refusal :=
  (if (digits =? 0)%uint63 then fst (inputs_test M)
   else if (to_Z digits <=? 12)%Z then (Z.of_nat (d_vocab M) <=? 2 ^ to_Z digits)%Z else false,
   May_overflow Number_of_inputs).

Section Check.
  Context (M : model) (scores_choice : product_choice) (gap : gap_choice) (moved : list Z) (tokens : tokens_choice) (c : plan).

  (** The tests, [more] among them, and what [counting] makes of the tables, the scores and the gaps. *)
  Definition staged_by (more : list (bool * refusal)) (rivals : list rivals)
    (counting : core_tables -> product -> list (nat -> list gap_case) -> Z) (conclusion : Z -> list (bool * refusal)) :
    outcome :=
    let T := core_of M in
    let S := product_of Scores scores_choice (d_head M) (d_vocab M) (query_rows T) (by_row 0%uint63 (d_head M) (key_rows T)) in
    let L := logits_of M T moved gap in
    match first_failure (core_tests M T ++ snd S ++ [ scores_test (fst S) ] ++ snd L ++ gaps_tests (fst L) (gap_unit c) ++
      tokens_tests (d_vocab M) tokens ++ more) with
    | Some why => Refused why
    | None =>
        let sizes := sizes_of (d_vocab M) tokens in
        let gaps := map (fun v => gap_cases (n_ctx M) (d_vocab M) (fst L) (gap_unit c) sizes v gap) rivals in
        outcome_of (first_failure (conclusion (counting T (fst S) gaps)))
    end.

  Definition staged (rivals : list rivals) (case_count : bool -> info -> case_weights -> list gap_case -> Z)
    (conclusion : Z -> list (bool * refusal)) : outcome :=
    staged_by [ counts_test M (mass_digits c) ] rivals (fun T S gaps => staged_count M T tokens c S gaps case_count) conclusion.

  (** At least [claimed] sequences are right. *)
  Definition right_verdict (claimed : Z) : outcome :=
    staged (right_rivals (radius_of (radius c))) (right_case (mass_digits c)) (fun count => [ total_reaches claimed count ]).

  (** At most [claimed] are right: the others are wrong. *)
  Definition wrong_verdict (claimed : Z) : outcome :=
    let rivals := wrong_rivals (radius_of (radius c)) in
    let inputs := (Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M))%Z in
    staged rivals (fun seen i W cases => wrong_case (mass_digits c) seen i W (d_vocab M) rivals cases)
      (fun count => [ ((inputs - count <=? claimed)%Z, Total_short count (inputs - claimed)) ]).
End Check.
