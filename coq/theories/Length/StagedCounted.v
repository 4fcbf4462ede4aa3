(* CompactProofs: Length: StagedCounted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.ExpBounds Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.Terms Cert.Bands Cert.Products Cert.Outputs.
From CompactProofs Require Import Cert.Attention Cert.Gaps Cert.CreditsCheck Cert.Staged.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.ProductsCounted.
From CompactProofs Require Import Length.GapsCounted Length.CountingCounted.
Import ListNotations.
(** * Attention, and proofs by stages, counted
    Twins of Cert.Attention and Cert.Staged with their values; see Counted. How many operations they take: StagedLength. *)
Local Open Scope uint63_scope.

(** ** Attention *)

Definition score_row_counted (P : product) (q : nat) : counted (list scored) :=
  let penalty := nth q (penalties P) 0 in
  map_counted
    (fun r =>
      let* low := shift_down_counted (product_bits P) r in
      let* more := once (r + penalty) in
      let* high := shift_up_counted (product_bits P) more in
      @free scored (low, high)) (nth q (product_rows P) []).

Section Weights.
  Context (p : precision).

  Definition weight_counted (t : int) (s : scored) : counted enclosure :=
    let* k := several 3 ((t - fst s + mask p) >> shift p) in
    let* low := exp_lower_counted k in
    let* k' := several 2 ((t - snd s) >> shift p) in
    let* high := exp_upper_counted k' in
    free (low, high).

  Definition extend_counted (st : state) (more : list scored) : counted state :=
    match more with
    | [] => free st
    | _ :: _ =>
        let* t := fold_left_counted smax_counted (map snd more) (top st) in
        let* factor := relative_exp_counted p t (top st) in
        let* before := map_counted (both_counted factor) (weights st) in
        let* new := map_counted (weight_counted t) more in
        free (State t (before ++ new))
    end.
End Weights.

Definition either_counted (e f : enclosure) : counted enclosure := several 2 (either e f).

Definition token_rows_counted (tokens : tokens_choice) (first count : nat) (all : list enclosure) :
  counted (list (list enclosure)) :=
  match tokens with
  | Every => free (map (fun m => rev (firstn (S m) all)) (seq first count))
  | Banded exponents =>
      let* e := map_counted exponent_of_counted exponents in band_rows_counted either_counted (0, 0) e first count all
  end.

(** ** What a plan says of each m *)

Definition length_of_counted (d : nat) (x : int) : counted nat :=
  let* short := several 3 (to_Z x <=? Z.of_nat d)%Z in if short then several 2 (Z.to_nat (to_Z x)) else free d.

Definition radius_of_counted (x : int) : counted nat :=
  let* small := several 2 (to_Z x <=? 16)%Z in if small then several 2 (Z.to_nat (to_Z x)) else free 16%nat.

Fixpoint widest_counted (best index largest : nat) (l : list nat) : counted nat :=
  match l with
  | [] => free best
  | w :: rest =>
      let* wider := once (Nat.leb largest w) in
      if wider then widest_counted index (S index) w rest else widest_counted best (S index) largest rest
  end.

Definition info_of_counted (n : nat) (sizes : list nat) (c : plan) (m : nat) : counted info :=
  let* w := cut_counted sizes (S m) in
  let* wide := map_counted (fun k => several 2 (of_Z (Z.of_nat k))) w in
  let* base := widest_counted 0 0 0 w in
  let* to := several 4 (Z.of_nat (S m) ^ Z.of_nat (n - 1))%Z in
  let* below := several 4 (Z.of_nat m ^ Z.of_nat (n - 1))%Z in
  free (Info m wide base (nth m (resolutions c) 0) (nth m (near_resolutions c) 0) to below).

(** ** One case *)

Section Case.
  Context (digits : int) (seen : bool) (i : info) (W : case_weights).

  Definition case_columns_counted (c : gap_case) : counted (list (list int)) :=
    zip_counted (fun position gaps =>
        zip_counted (fun token gap =>
            let* e := both_counted token position in
            let* sum := once (offset c + gap) in
            upper_term_counted e sum) (of_bands W) gaps)
      (of_positions W) (banded c).

  Definition case_last_counted (c : gap_case) : counted int :=
    let* e := both_counted (of_last_token W) (of_last_position W) in upper_term_counted e (final c).

  Definition case_choices_counted : counted Z :=
    if seen then free (choices_to i) else once (choices_to i - choices_below i)%Z.

  Definition count_case_counted (strictness : Z) (bins : int) (c : gap_case) : counted Z :=
    let* none := once (bins =? 0) in
    if none then free 0%Z
    else
      let* columns := case_columns_counted c in
      let* last := case_last_counted c in
      let* every := case_choices_counted in
      count_choices_counted digits strictness bins (widths i) (base_band i) columns last seen every.

  Definition right_case_counted (cases : list gap_case) : counted Z :=
    match cases with
    | [] => free 0%Z
    | all :: groups =>
        let* counted := count_case_counted 1 (resolution i) all in
        let* every := case_choices_counted in
        let* complete := once (counted =? every)%Z in
        if complete then free counted
        else
          let* far := once (near_resolution i =? 0) in
          if far then free counted
          else
            match groups with
            | [] => free counted
            | _ :: _ =>
                let* failing := fold_right_counted
                  (fun c rest =>
                    let* all_choices := case_choices_counted in
                    let* passing := count_case_counted 1 (near_resolution i) c in
                    several 2 (all_choices - passing + rest)%Z) 0%Z groups in
                let* all_choices := case_choices_counted in
                several 2 (Z.max counted (all_choices - failing))
            end
    end.

  Definition rival_exists_counted (d : nat) (v : rivals) : counted bool :=
    match v with
    | Over_above k => several 2 (Nat.ltb (answer_token i + k) d)
    | Over_below k => once (Nat.leb k (answer_token i))
    | _ => free false
    end.

  Fixpoint wrong_case_counted (d : nat) (rivals : list rivals) (cases : list gap_case) : counted Z :=
    match rivals, cases with
    | v :: rivals', c :: cases' =>
        let* rest := wrong_case_counted d rivals' cases' in
        let* there := rival_exists_counted d v in
        if there then let* some := count_case_counted 0 (resolution i) c in once (Z.max some rest) else free rest
    | _, _ => free 0%Z
    end.
End Case.

(** ** One last token *)

Section Query.
  Context (n d : nat) (p : precision) (tokens : tokens_choice) (digits : int).
  Context (case_count : bool -> info -> case_weights -> list gap_case -> counted Z).
  Context (q : nat) (positions : list enclosure).

  Fixpoint cases_count_counted (own : enclosure) (token_weights : list (list enclosure)) (infos : list info)
    (cases : list (list gap_case)) : counted Z :=
    match token_weights, infos, cases with
    | tw :: token_weights', i :: infos', c :: cases' =>
        let* seen := once (Nat.eqb q (answer_token i)) in
        let* last := once (n - 1)%nat in
        let* one := case_count seen i (CaseWeights tw own positions (nth last positions (0, 0))) c in
        let* rest := cases_count_counted own token_weights' infos' cases' in
        once (one + rest)%Z
    | _, _, _ => free 0%Z
    end.

  Fixpoint blocks_count_counted (lengths : list nat) (from : nat) (st : state) (row : list scored) (infos : list info)
    (cases : list (list gap_case)) : counted Z :=
    match lengths with
    | [] => free 0%Z
    | long :: rest =>
        let* st' := extend_counted p st (firstn long row) in
        let* first := once (Nat.max from q) in
        let* count := several 2 (from + long - first)%nat in
        let* rows := token_rows_counted tokens first count (weights st') in
        let* here := cases_count_counted (nth q (weights st') (0, 0)) rows (firstn count infos) (firstn count cases) in
        let* next := once (from + long)%nat in
        let* later := blocks_count_counted rest next st' (skipn long row) (skipn count infos) (skipn count cases) in
        once (here + later)%Z
    end.
End Query.

(** ** All *)

Section Count.
  Context (M : model) (T : core_tables) (tokens : tokens_choice) (c : plan).
  Context (scores : product) (gaps : list (nat -> counted (list gap_case))).
  Context (case_count : bool -> info -> case_weights -> list gap_case -> counted Z).

  Definition query_count_counted (infos : list info) (lengths : list nat) (q : nat) : counted Z :=
    let* bits := score_shift_counted M in
    let* p := precision_of_counted bits in
    let* row := score_row_counted scores q in
    let* positions := row_enclosures_counted p (nth q (score_pos_rows T) []) in
    let* answers := once (d_vocab M - q)%nat in
    let* cases := map_counted (fun cases => cases q) gaps in
    blocks_count_counted (n_ctx M) p tokens case_count q positions lengths 0 (start row) row (skipn q infos)
      (by_row (GapCase 0 [] 0) answers cases).

  Definition staged_count_counted : counted Z :=
    let* sizes := sizes_of_counted (d_vocab M) tokens in
    let* infos := map_counted (info_of_counted (n_ctx M) sizes c) (seq 0 (d_vocab M)) in
    let* lengths := map_counted (length_of_counted (d_vocab M)) (block_lengths c) in
    fold_right_counted (fun q rest => let* one := query_count_counted infos lengths q in once (one + rest)%Z) 0%Z
      (seq 0 (d_vocab M)).
End Count.

Definition scores_test_counted (P : product) : counted (bool * refusal) :=
  test (let* a := max_abs_counted (product_rows P) in
        let* b := penalty_bound_counted P in
        several 4 (to_Z a + b <=? 2 ^ 60)%Z) (May_overflow Scores).

Definition tokens_tests_counted (d : nat) (tokens : tokens_choice) : counted (list (bool * refusal)) :=
  let* sizes := sizes_of_counted d tokens in
  let* covered := fold_right_counted (fun s sum => once (s + sum)%nat) O sizes in
  match tokens with
  | Every => free []
  | Banded exponents =>
      let* of_refusals := several 2 [Z.of_nat covered; Z.of_nat d] in
      all_of
        [ test (forallb_counted (fun k => once (Uint63.leb k 12)) exponents) (May_overflow Band);
          let* again := sizes_of_counted d tokens in
          let* once_more := sizes_of_counted d tokens in
          several 2 (Nat.eqb (hd O again) 1, Wrong_length Band (Z.of_nat (hd O once_more)) 1);
          test (once (Nat.leb d covered)) (Bands_short (nth 0 of_refusals 0%Z) (nth 1 of_refusals 0%Z)) ]
  end.

Definition counts_test_counted (M : model) (digits : int) : counted (bool * refusal) :=
  test
    (let* exact := once (digits =? 0) in
     if exact then let* fits := inputs_test_counted M in free (fst fits)
     else
       let* few := several 2 (to_Z digits <=? 12)%Z in
       if few then several 4 (Z.of_nat (d_vocab M) <=? 2 ^ to_Z digits)%Z else free false)
    (May_overflow Number_of_inputs).

Section Check.
  Context (M : model) (scores_choice : product_choice) (gap : gap_choice) (moved : list Z) (tokens : tokens_choice) (c : plan).

  Definition staged_counted (rivals : list rivals)
    (case_count : bool -> info -> case_weights -> list gap_case -> counted Z)
    (conclusion : Z -> counted (list (bool * refusal))) : counted outcome :=
    let* T := core_of_counted M in
    let* P := product_of_counted Scores scores_choice (d_head M) (d_vocab M) (query_rows T)
      (by_row 0 (d_head M) (key_rows T)) in
    let* L := logits_of_counted M T moved gap in
    let* first := core_tests_counted M T in
    let* second := scores_test_counted (fst P) in
    let* third := gaps_tests_counted (fst L) (gap_unit c) in
    let* fourth := tokens_tests_counted (d_vocab M) tokens in
    let* fifth := counts_test_counted M (mass_digits c) in
    match first_failure (first ++ snd P ++ [ second ] ++ snd L ++ third ++ fourth ++ [ fifth ]) with
    | Some why => free (Refused why)
    | None =>
        let* sizes := sizes_of_counted (d_vocab M) tokens in
        let* gaps := map_counted (fun v => gap_cases_counted (n_ctx M) (d_vocab M) (fst L) (gap_unit c) sizes v gap) rivals in
        let* count := staged_count_counted M T tokens c (fst P) gaps case_count in
        let* concluded := conclusion count in
        free (outcome_of (first_failure concluded))
    end.

  Definition right_verdict_counted (claimed : Z) : counted outcome :=
    let* r := radius_of_counted (radius c) in
    staged_counted (right_rivals r) (right_case_counted (mass_digits c))
      (fun count => several 1 [ total_reaches claimed count ]).

  Definition wrong_verdict_counted (claimed : Z) : counted outcome :=
    let* r := radius_of_counted (radius c) in
    let rivals := wrong_rivals r in
    let* inputs := several 3 (Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M))%Z in
    staged_counted rivals (fun seen i W cases => wrong_case_counted (mass_digits c) seen i W (d_vocab M) rivals cases)
      (fun count => several 3 [ ((inputs - count <=? claimed)%Z, Total_short count (inputs - claimed)) ]).
End Check.

(** ** Values *)

Lemma score_row_value : forall (P : product) (q : nat), returned (score_row_counted P q) = score_row P q.
Proof. intros P q. unfold score_row_counted, score_row. values. reflexivity. Qed.

Lemma weight_value : forall (p : precision) (t : int) (s : scored), returned (weight_counted p t s) = weight p t s.
Proof. intros p t s. unfold weight_counted, weight. values. reflexivity. Qed.

#[export] Hint Rewrite score_row_value weight_value : values.

Lemma extend_value : forall (p : precision) (st : state) (more : list scored),
  returned (extend_counted p st more) = extend p st more.
Proof. intros p st [|s more]; [reflexivity|]. unfold extend_counted, extend. values. reflexivity. Qed.

Lemma token_rows_value : forall (tokens : tokens_choice) (first count : nat) (all : list enclosure),
  returned (token_rows_counted tokens first count all) = token_rows tokens first count all.
Proof.
  intros [|exponents] first count all; [reflexivity|]. unfold token_rows_counted, token_rows.
  rewrite value_bind, (band_rows_value either_counted either) by reflexivity. values. reflexivity.
Qed.

Lemma length_of_value : forall (d : nat) (x : int), returned (length_of_counted d x) = length_of d x.
Proof. intros d x. unfold length_of_counted, length_of. values; reflexivity. Qed.

Lemma radius_of_value : forall x : int, returned (radius_of_counted x) = radius_of x.
Proof. intro x. unfold radius_of_counted, radius_of. values; reflexivity. Qed.

Lemma widest_value : forall (l : list nat) (best index largest : nat),
  returned (widest_counted best index largest l) = widest best index largest l.
Proof.
  induction l as [|w rest IH]; intros best index largest; [reflexivity|]. cbn [widest_counted widest].
  rewrite value_bind. cbn [once returned]. destruct (largest <=? w)%nat; apply IH.
Qed.

#[export] Hint Rewrite extend_value token_rows_value length_of_value radius_of_value widest_value : values.

Lemma info_of_value : forall (n : nat) (sizes : list nat) (c : plan) (m : nat),
  returned (info_of_counted n sizes c m) = info_of n sizes c m.
Proof. intros n sizes c m. unfold info_of_counted, info_of. values. reflexivity. Qed.

#[export] Hint Rewrite info_of_value : values.

Section CaseValues.
  Context (digits : int) (seen : bool) (i : info) (W : case_weights).

  Lemma case_columns_value : forall c : gap_case, returned (case_columns_counted W c) = case_columns W c.
  Proof. intro c. unfold case_columns_counted, case_columns. values. reflexivity. Qed.

  Lemma case_last_value : forall c : gap_case, returned (case_last_counted W c) = case_last W c.
  Proof. reflexivity. Qed.

  Lemma case_choices_value : returned (case_choices_counted seen i) = case_choices seen i.
  Proof. unfold case_choices_counted, case_choices. destruct seen; reflexivity. Qed.

  Lemma count_case_value : forall (strictness : Z) (bins : int) (c : gap_case),
    returned (count_case_counted digits seen i W strictness bins c) = count_case digits seen i W strictness bins c.
  Proof.
    intros strictness bins c. unfold count_case_counted, count_case. rewrite value_bind. cbn [once returned].
    destruct (bins =? 0); [reflexivity|].
    rewrite !value_bind, count_choices_value, case_columns_value, case_choices_value. reflexivity.
  Qed.

  Lemma right_case_value : forall cases : list gap_case,
    returned (right_case_counted digits seen i W cases) = right_case digits seen i W cases.
  Proof.
    intros [|all groups]; [reflexivity|]. unfold right_case_counted, right_case, best_case.
    rewrite !value_bind, count_case_value, case_choices_value. cbn [once returned].
    set (counted := count_case digits seen i W 1 (resolution i) all).
    destruct (counted =? case_choices seen i)%Z; [reflexivity|]. rewrite value_bind. cbn [once returned].
    destruct (near_resolution i =? 0); [reflexivity|]. destruct groups as [|c groups]; [reflexivity|].
    rewrite !value_bind, case_choices_value. cbn [several returned]. do 2 f_equal.
    apply value_fold_right. intros x y. rewrite !value_bind, count_case_value, case_choices_value. reflexivity.
  Qed.

  Lemma wrong_case_value : forall (d : nat) (rivals : list rivals) (cases : list gap_case),
    returned (wrong_case_counted digits seen i W d rivals cases) = wrong_case digits seen i W d rivals cases.
  Proof.
    intro d. induction rivals as [|v rivals IH]; intros [|c cases]; try reflexivity.
    cbn [wrong_case_counted wrong_case]. rewrite !value_bind, IH.
    replace (returned (rival_exists_counted i d v)) with (rival_exists i d v) by (destruct v; reflexivity).
    destruct (rival_exists i d v); [|reflexivity]. rewrite value_bind, count_case_value. reflexivity.
  Qed.
End CaseValues.

Section CountValues.
  Context (case_count_counted : bool -> info -> case_weights -> list gap_case -> counted Z).
  Context (case_count : bool -> info -> case_weights -> list gap_case -> Z).
  Context (case_count_value : forall (seen : bool) (i : info) (W : case_weights) (cases : list gap_case),
    returned (case_count_counted seen i W cases) = case_count seen i W cases).

  Lemma cases_count_value : forall (n q : nat) (positions : list enclosure) (own : enclosure)
    (token_weights : list (list enclosure)) (infos : list info) (cases : list (list gap_case)),
    returned (cases_count_counted n case_count_counted q positions own token_weights infos cases) =
    cases_count n case_count q positions own token_weights infos cases.
  Proof.
    intros n q positions own. induction token_weights as [|tw token_weights IH]; intros [|i infos] [|c cases]; try reflexivity.
    cbn [cases_count_counted cases_count]. rewrite !value_bind, IH, case_count_value. reflexivity.
  Qed.

  Lemma blocks_count_value : forall (n : nat) (p : precision) (tokens : tokens_choice) (q : nat) (positions : list enclosure)
    (lengths : list nat) (from : nat) (st : state) (row : list scored) (infos : list info) (cases : list (list gap_case)),
    returned (blocks_count_counted n p tokens case_count_counted q positions lengths from st row infos cases) =
    blocks_count n p tokens case_count q positions lengths from st row infos cases.
  Proof.
    intros n p tokens q positions. induction lengths as [|long rest IH]; intros from st row infos cases; [reflexivity|].
    cbn [blocks_count_counted blocks_count]. rewrite !value_bind, IH, cases_count_value, token_rows_value, extend_value.
    reflexivity.
  Qed.

  Context (M : model) (T : core_tables) (tokens : tokens_choice) (c : plan) (scores : product).
  Context (gaps_counted : list (nat -> counted (list gap_case))) (gaps : list (nat -> list gap_case)).
  Context (gaps_value : forall q : nat, map (fun cases => returned (cases q)) gaps_counted = map (fun cases => cases q) gaps).

  Lemma query_count_value : forall (infos : list info) (lengths : list nat) (q : nat),
    returned (query_count_counted M T tokens scores gaps_counted case_count_counted infos lengths q) =
    query_count M T tokens scores gaps case_count infos lengths q.
  Proof.
    intros infos lengths q. unfold query_count_counted, query_count. rewrite !value_bind, blocks_count_value.
    rewrite (value_map _ _ _ (fun cases => returned (cases q))), gaps_value by reflexivity. values. reflexivity.
  Qed.

  Lemma staged_count_value :
    returned (staged_count_counted M T tokens c scores gaps_counted case_count_counted) =
    staged_count M T tokens c scores gaps case_count.
  Proof.
    unfold staged_count_counted, staged_count. rewrite !value_bind.
    erewrite value_fold_right by (intros; rewrite value_bind, query_count_value; reflexivity).
    values. reflexivity.
  Qed.
End CountValues.

Lemma scores_test_value : forall P : product, returned (scores_test_counted P) = scores_test P.
Proof. intro P. unfold scores_test_counted, scores_test. values. reflexivity. Qed.

Lemma tokens_tests_value : forall (d : nat) (tokens : tokens_choice), returned (tokens_tests_counted d tokens) =
  tokens_tests d tokens.
Proof. intros d [|exponents]; unfold tokens_tests_counted, tokens_tests; values; reflexivity. Qed.

Lemma counts_test_value : forall (M : model) (digits : int), returned (counts_test_counted M digits) = counts_test M digits.
Proof. intros M digits. unfold counts_test_counted, counts_test. values; reflexivity. Qed.

#[export] Hint Rewrite scores_test_value tokens_tests_value counts_test_value : values.

Lemma staged_value : forall (M : model) (scores_choice : product_choice) (gap : gap_choice) (moved : list Z)
  (tokens : tokens_choice) (c : plan) (rivals : list rivals)
  (case_count_counted : bool -> info -> case_weights -> list gap_case -> counted Z)
  (case_count : bool -> info -> case_weights -> list gap_case -> Z)
  (conclusion_counted : Z -> counted (list (bool * refusal))) (conclusion : Z -> list (bool * refusal)),
  (forall seen i W cases, returned (case_count_counted seen i W cases) = case_count seen i W cases) ->
  (forall count, returned (conclusion_counted count) = conclusion count) ->
  returned (staged_counted M scores_choice gap moved tokens c rivals case_count_counted conclusion_counted) =
  staged M scores_choice gap moved tokens c rivals case_count conclusion.
Proof.
  intros M scores_choice gap moved tokens c rivals case_count_counted case_count conclusion_counted conclusion same_case same.
  unfold staged_counted, staged, staged_by. rewrite !value_bind. autorewrite with values. cbv zeta.
  match goal with |- context [first_failure ?tests] => destruct (first_failure tests) end; [reflexivity|].
  rewrite !value_bind, same. cbn [free returned]. do 3 f_equal. autorewrite with values.
  apply staged_count_value; [exact same_case|].
  intro q. rewrite (value_map _ _ _ (fun v => returned (gap_cases_counted (n_ctx M) (d_vocab M)
    (fst (logits_of M (core_of M) moved gap))
    (gap_unit c) (sizes_of (d_vocab M) tokens) v gap))) by reflexivity.
  rewrite !map_map. apply map_ext. intro v. apply gap_cases_value.
Qed.

Lemma right_verdict_value : forall (M : model) (scores_choice : product_choice) (gap : gap_choice) (moved : list Z)
  (tokens : tokens_choice) (c : plan) (claimed : Z),
  returned (right_verdict_counted M scores_choice gap moved tokens c claimed) =
  right_verdict M scores_choice gap moved tokens c claimed.
Proof.
  intros M scores_choice gap moved tokens c claimed. unfold right_verdict_counted, right_verdict.
  rewrite value_bind, radius_of_value. apply staged_value; [|reflexivity]. intros. apply right_case_value.
Qed.

Lemma wrong_verdict_value : forall (M : model) (scores_choice : product_choice) (gap : gap_choice) (moved : list Z)
  (tokens : tokens_choice) (c : plan) (claimed : Z),
  returned (wrong_verdict_counted M scores_choice gap moved tokens c claimed) =
  wrong_verdict M scores_choice gap moved tokens c claimed.
Proof.
  intros M scores_choice gap moved tokens c claimed. unfold wrong_verdict_counted, wrong_verdict.
  rewrite !value_bind, radius_of_value. apply staged_value; [|reflexivity]. intros. apply wrong_case_value.
Qed.
