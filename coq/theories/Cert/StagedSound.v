(* CompactProofs: Cert: StagedSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia Lra.
From CompactProofs Require Import Spec.Network Spec.MaxOfK Base.Sums Base.Totals Base.Lists Base.Signed63 Base.ExpBounds Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound Cert.Terms Cert.TermsSound Cert.SequencesSound.
From CompactProofs Require Import Cert.Bands Cert.BandsSound Cert.Products Cert.ProductsSound Cert.Outputs.
From CompactProofs Require Import Cert.Attention Cert.AttentionSound Cert.Gaps Cert.RowsSound Cert.GapsSound.
From CompactProofs Require Import Cert.CreditsSound Cert.Staged Cert.CaseSound Cert.CaseCountSound.
Import ListNotations.
(** * Whatever is chosen at each stage, the count is right
    Main results: [right_verdict_sound], [wrong_verdict_sound]; [staged_by_sound] for any count by stages.
    Source: docs/max_of_k.md, sections 3 and 4. *)
Local Opaque exp_lower exp_upper.

Section Staged.
  Context (M : model) (scores_choice : product_choice) (gap : gap_choice) (moved : list Z) (tokens : tokens_choice) (c : plan).
  Local Notation C := (core_of M).
  Local Notation n := (n_ctx M).
  Local Notation d := (d_vocab M).
  Local Notation keys := (by_row 0%uint63 (d_head M) (key_rows C)).
  Local Notation product_of_scores := (product_of Scores scores_choice (d_head M) d (query_rows C) keys).
  Local Notation P := (fst product_of_scores).
  Local Notation L := (fst (logits_of M C moved gap)).
  Local Notation sizes := (sizes_of d tokens).
  Local Notation g := (gap_unit c).
  Context (tests : first_failure (core_tests M C) = None).
  Context (scores_none : first_failure (snd product_of_scores) = None).
  Context (scores_fit : fst (scores_test P) = true).
  Context (logits_none : first_failure (snd (logits_of M C moved gap)) = None).
  Context (gaps_none : first_failure (gaps_tests L g) = None).
  Context (tokens_none : first_failure (tokens_tests d tokens) = None).

  (** ** Bands *)

  Local Lemma covers : d <= list_sum sizes.
  Proof.
    destruct tokens as [|exponents].
    - cbn [sizes_of]. clear. induction d as [|k IH]; [apply le_n|]. change (S k <= 1 + list_sum (repeat 1 k)). lia.
    - apply Nat.leb_le. refine (first_failure_none _ tokens_none _ (Bands_short (Z.of_nat (list_sum (sizes_of d (Banded exponents))))
        (Z.of_nat d)) _). cbv [tokens_tests In]. tauto.
  Qed.

  Local Lemma first_size : forall q : nat, q < d -> hd O sizes = 1.
  Proof.
    intros q token. destruct tokens as [|exponents].
    - cbn [sizes_of]. destruct d as [|k]; [lia | reflexivity].
    - apply Nat.eqb_eq. refine (first_failure_none _ tokens_none _ (Wrong_length Band
        (Z.of_nat (hd O (sizes_of d (Banded exponents)))) 1) _). cbv [tokens_tests In]. tauto.
  Qed.

  Local Notation bands m := (cut sizes (S m)).

  Local Lemma bands_positive : forall m : nat, Forall (fun w => 0 < w) (bands m).
  Proof. intro m. apply Forall_forall. exact (cut_positive sizes (S m) (sizes_of_positive d tokens)). Qed.

  Local Lemma bands_first : forall m : nat, m < d -> hd O (bands m) = 1.
  Proof. intros m answer. apply cut_head; [exact (first_size m answer) | lia]. Qed.

  Local Lemma bands_all : forall m : nat, m < d -> list_sum (bands m) = S m.
  Proof. intros m answer. apply cut_sum. assert (all := covers). lia. Qed.

  (** ** Scores *)

  Local Lemma keys_shape : has_shape (d_head M) d keys = true.
  Proof.
    apply has_shape_intro; [apply by_row_length|]. intros row member.
    apply (In_nth _ _ []) in member. destruct member as (h & inside & <-). rewrite by_row_length in inside.
    rewrite by_row_nth by exact inside. rewrite map_length. exact (has_shape_length _ _ _ _ (shape_keys M tests)).
  Qed.

  Local Lemma keys_value : forall h t : nat, h < d_head M -> t < d -> at2 keys h t = at2 (key_rows C) t h.
  Proof.
    intros h t inside token. unfold at2 at 1. rewrite by_row_nth by exact inside. unfold at1.
    rewrite (nth_map_any _ _ _ _ _ []) by (rewrite (has_shape_length _ _ _ _ (shape_keys M tests)); exact token). reflexivity.
  Qed.

  Local Lemma score_facts : forall q : nat, q < d ->
    length (score_row P q) = d /\
    exists shift : R, forall t, t < d -> between (IZR (token_score M C q t) - shift)%R (nth t (score_row P q) (0, 0)%uint63).
  Proof.
    intros q token.
    destruct (product_of_spec Scores scores_choice d (d_head M) d (query_rows C) keys (shape_queries M tests) keys_shape scores_none)
      as (shape & len_pen & small_bits & pen_range & spread).
    assert (fits : (to_Z (max_abs (product_rows P)) + penalty_bound P <= 2 ^ 60)%Z) by (apply Z.leb_le, scores_fit).
    destruct (score_row_spec P q d (fun t => token_score M C q t)) as (len & range & shift & each).
    - exact small_bits.
    - exact (has_shape_row _ _ _ _ _ shape token).
    - apply pen_range.
    - intros t inside. assert (row := max_abs_bound (product_rows P) q t).
      assert (pen : (Z.abs (at1 (penalties P) q) <= penalty_bound P)%Z) by exact (max_abs_bound [penalties P] 0 q).
      specialize (pen_range q). lia.
    - intros t u inside_t inside_u. specialize (spread q t u token inside_t inside_u).
      assert (dots : forall w, w < d -> dotZ (d_head M) (query_rows C) keys q w = token_score M C q w).
      { intros w inside. apply sumZ_ext. intros h below. rewrite keys_value by assumption. reflexivity. }
      rewrite !dots in spread by assumption. exact spread.
    - split; [exact len|]. exists shift. intros t inside. destruct (range t inside) as [low high].
      split; [apply each, inside|]. lia.
  Qed.

  (** ** One query *)

  Context (rivals : list rivals) (case_count : bool -> info -> case_weights -> list gap_case -> Z).
  Context (bound : nat -> nat -> Z) (bound_nonneg : forall q m : nat, (0 <= bound q m)%Z). (* of case (q, m) *)
  Context (case_sound : forall (q m : nat) (reference : R) (of_token of_position : nat -> R) (W : case_weights)
      (cases : list gap_case), q < d -> m < d -> q <= m ->
    (forall i t : nat, i < n -> t <= m ->
      (exp (IZR (token_score M C q t + at2 (score_pos_rows C) q i) / 2 ^ (30 + score_shift M) - reference) =
       of_token t * of_position i)%R) ->
    weights_ok M q m of_token of_position (bands m) W ->
    Forall2 (gaps_ok M g q m (bands m)) rivals cases ->
    (case_count (Nat.eqb q m) (info_of n sizes c m) W cases <= bound q m)%Z).

  Local Notation gaps := (map (fun v => gap_cases n d L g sizes v gap) rivals).
  Local Notation p := (precision_of (score_shift M)).

  Section Query.
    Context (q : nat) (token_q : q < d).
    Local Notation row := (score_row P q).
    Local Notation positions := (row_enclosures p (nth q (score_pos_rows C) [])).
    Local Notation all_infos := (map (info_of n sizes c) (seq 0 d)).
    Local Notation all_cases := (by_row (GapCase 0 [] 0) (d - q) (map (fun cases => cases q) gaps)).

    Local Lemma case_gaps : forall m : nat, m < d -> q <= m ->
      Forall2 (gaps_ok M g q m (bands m)) rivals (nth (m - q) all_cases []).
    Proof.
      intros m answer ordered. rewrite by_row_nth by lia. rewrite !map_map.
      assert (context := context_pos M tests). assert (all := covers).
      assert (each : forall rs : list Outputs.rivals, Forall2 (gaps_ok M g q m (bands m)) rs
        (map (fun v => nth (m - q) (gap_cases n d L g sizes v gap q) (GapCase 0 [] 0)) rs)).
      { induction rs as [|v rs IH]; cbn [map]; [constructor|]. constructor; [|exact IH].
        apply (gap_cases_ok M moved gap g sizes v tests logits_none gaps_none (sizes_of_positive d tokens) all q m token_q
          answer ordered context). }
      exact (each rivals).
    Qed.

    Local Lemma positions_facts : length positions = n /\ forall i, i < n ->
      encloses (nth i positions (0, 0)%uint63)
        (exp (IZR (at2 (score_pos_rows C) q i - signed (row_top (nth q (score_pos_rows C) []))) / 2 ^ (30 + score_shift M))).
    Proof.
      assert (len := has_shape_row _ _ _ _ _ (shape_scores_pos M tests) token_q).
      split; [unfold row_enclosures; cbv zeta; rewrite map_length; exact len|].
      intros i position. apply row_enclosures_nth; [exact (shift_bound M tests) | | rewrite len; exact position].
      intros x member. apply (In_nth _ _ 0%uint63) in member. destruct member as (j & inside & <-).
      assert (small := score_pos_bound M tests q j). unfold at2, at1 in small. lia.
    Qed.

    Section Block.
      Context (shift : R).
      Context (scored_ok : forall t, t < d -> between (IZR (token_score M C q t) - shift)%R (nth t row (0, 0)%uint63)).
      Context (row_length : length row = d).
      Local Notation scores := (fun t => IZR (token_score M C q t) - shift)%R.
      Local Notation ok := (state_ok (score_shift M) scores).

      Local Lemma case_of_state : forall (st : state) (k first count m : nat), ok st k -> k <= d ->
        first <= m -> m < first + count -> m < k -> q <= m ->
        let tw := nth (m - first) (token_rows tokens first count (weights st)) [] in
        (case_count (Nat.eqb q m) (info_of n sizes c m)
          (CaseWeights tw (nth q (weights st) (0, 0)%uint63) positions (last_position_weight n positions))
          (nth (m - q) all_cases []) <= bound q m)%Z.
      Proof.
        intros st k first count m (len & top_small & enclosed) inside_k from below inside ordered tw.
        destruct positions_facts as [positions_len positions_enclosed]. assert (context := context_pos M tests).
        destruct (token_rows_spec d tokens first count m (weights st) (fun t => weight_of (score_shift M) (top st) (scores t)))
          as (_ & long & each); [ | exact from | exact below | lia | assert (all := covers); lia | ].
        { intros t small. apply enclosed. lia. }
        set (top_position := signed (row_top (nth q (score_pos_rows C) []))) in *.
        apply (case_sound q m
          ((shift + IZR (signed (top st)) + IZR top_position) / 2 ^ (30 + score_shift M))%R
          (fun t => weight_of (score_shift M) (top st) (scores t))
          (fun i => exp (IZR (at2 (score_pos_rows C) q i - top_position) / 2 ^ (30 + score_shift M)))).
        - exact token_q.
        - lia.
        - exact ordered.
        - intros i t position before. unfold weight_of. rewrite <- exp_plus. f_equal.
          rewrite plus_IZR, minus_IZR. field. apply pow_nonzero. lra.
        - constructor; cbn [of_bands of_last_token of_positions of_last_position].
          + exact long.
          + exact each.
          + apply enclosed. lia.
          + exact positions_len.
          + exact positions_enclosed.
          + unfold last_position_weight. apply positions_enclosed. lia.
        - apply case_gaps; [lia | exact ordered].
      Qed.

      Local Lemma cases_count_sound : forall (own : enclosure) (token_weights : list (list enclosure)) (infos : list info)
          (cases : list (list gap_case)) (first : nat),
        (forall k, k < length token_weights -> k < length infos -> k < length cases ->
          (case_count (Nat.eqb q (answer_token (nth k infos (info_of n sizes c 0)))) (nth k infos (info_of n sizes c 0))
            (CaseWeights (nth k token_weights []) own positions (last_position_weight n positions)) (nth k cases [])
            <= bound q (first + k))%Z) ->
        (cases_count n case_count q positions own token_weights infos cases <=
          sumZ (Nat.min (length token_weights) (Nat.min (length infos) (length cases))) (fun k => bound q (first + k)))%Z.
      Proof.
        intros own token_weights. induction token_weights as [|tw token_weights IH]; intros infos cases first each;
          [cbn; lia|].
        destruct infos as [|i infos]; [cbn; lia|]. destruct cases as [|this cases]; [cbn; lia|].
        cbn [cases_count length Nat.min sumZ]. apply Z.add_le_mono.
        - specialize (each 0). cbn [nth length] in each. apply each; lia.
        - rewrite (sumZ_ext _ _ (fun k => bound q (S first + k))) by (intros k _; f_equal; lia).
          apply IH. intros k inside_t inside_i inside_c. specialize (each (S k)). cbn [nth length] in each.
          replace (S first + k) with (first + S k) by lia. apply each; lia.
      Qed.

      Local Lemma info_nth : forall m : nat, m < d -> nth m all_infos (info_of n sizes c 0) = info_of n sizes c m.
      Proof.
        intros m inside. rewrite (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; exact inside).
        rewrite seq_nth by exact inside. reflexivity.
      Qed.

      Local Lemma blocks_count_sound : forall (lengths : list nat) (from : nat) (st : state) (k : nat),
        k = Nat.min from d -> ok st k ->
        let first := Nat.max from q in
        (blocks_count n p tokens case_count q positions lengths from st (skipn from row) (skipn first all_infos)
          (skipn (first - q) all_cases) <= sumZ (d - first) (fun j => bound q (first + j)))%Z.
      Proof.
        induction lengths as [|len lengths IH]; intros from st k k_value state first.
        - cbn [blocks_count]. apply sumZ_nonneg. intros j _. apply bound_nonneg.
        - cbn [blocks_count]. cbv zeta. fold first.
          set (st' := extend p st (firstn len (skipn from row))).
          set (count := from + len - first).
          assert (state' : ok st' (Nat.min (from + len) d)).
          { unfold st'. destruct (Nat.le_gt_cases from d) as [inside|outside].
            - assert (k = from) by lia. subst k. rewrite H in state.
              assert (inside_row : forall t, t < length row -> between (scores t) (nth t row (0, 0)%uint63))
                by (intros t small; apply scored_ok; lia).
              assert (step := extend_spec (score_shift M) from len scores st row (shift_bound M tests) ltac:(lia) inside_row state).
              rewrite row_length in step. exact step.
            - rewrite skipn_all2 by lia. rewrite firstn_nil. cbn [extend].
              replace (Nat.min (from + len) d) with k by lia. exact state. }
          assert (next : Nat.max (from + len) q = first + count) by (unfold count, first; lia).
          assert (rest := IH (from + len) st' _ eq_refl state'). cbv zeta in rest. rewrite next in rest.
          assert (infos_next : skipn count (skipn first all_infos) = skipn (first + count) all_infos) by apply skipn_skipn.
          assert (cases_next : skipn count (skipn (first - q) all_cases) = skipn (first + count - q) all_cases).
          { rewrite skipn_skipn. f_equal. unfold first. lia. }
          assert (row_next : skipn len (skipn from row) = skipn (from + len) row) by apply skipn_skipn.
          rewrite infos_next, cases_next, row_next.
          assert (here : (cases_count n case_count q positions (nth q (weights st') (0, 0)%uint63)
              (token_rows tokens first count (weights st')) (firstn count (skipn first all_infos))
              (firstn count (skipn (first - q) all_cases)) <=
            sumZ (Nat.min count (d - first)) (fun j => bound q (first + j)))%Z).
          { assert (infos_len : length (firstn count (skipn first all_infos)) = Nat.min count (d - first))
              by (rewrite firstn_length, skipn_length, map_length, seq_length; reflexivity).
            assert (cases_len : length (firstn count (skipn (first - q) all_cases)) = Nat.min count (d - first)).
            { rewrite firstn_length, skipn_length, by_row_length. unfold first. lia. }
            etransitivity; [apply (cases_count_sound _ _ _ _ first)|].
            - intros j inside_t inside_i inside_c. rewrite infos_len in inside_i.
              rewrite !nth_firstn by lia. rewrite !nth_skipn. rewrite info_nth by lia.
              replace (first - q + j) with (first + j - q) by (unfold first; lia).
              cbn [answer_token info_of].
              replace j with (first + j - first) at 3 by lia.
              apply (case_of_state st' (Nat.min (from + len) d) first count (first + j)); try exact state'; unfold first, count in *;
                lia.
            - rewrite infos_len, cases_len.
              assert (shorter : Nat.min (length (token_rows tokens first count (weights st'))) (Nat.min (Nat.min count (d - first))
                (Nat.min count (d - first))) <= Nat.min count (d - first)) by lia.
              apply sumZ_le_more; [exact shorter|]. intros j _. apply bound_nonneg. }
          destruct (Nat.le_gt_cases count (d - first)) as [fits|over].
          + replace (d - first) with (count + (d - (first + count))) by lia. rewrite sumZ_app.
            apply Z.add_le_mono; [replace (Nat.min count (d - first)) with count in here by lia; exact here|].
            etransitivity; [exact rest|]. apply Z.eq_le_incl, sumZ_ext. intros j _. f_equal. lia.
          + replace (d - (first + count)) with 0 in rest by lia. cbn [sumZ] in rest.
            replace (Nat.min count (d - first)) with (d - first) in here by lia. lia.
      Qed.
    End Block.

    Lemma query_count_sound : forall lengths : list nat,
      (query_count M C tokens P gaps case_count all_infos lengths q <= sumZ (d - q) (fun k => bound q (q + k)))%Z.
    Proof.
      intros lengths. unfold query_count. cbv zeta.
      destruct (score_facts q token_q) as [len [shift each]].
      assert (started : state_ok (score_shift M) (fun t => IZR (token_score M C q t) - shift)%R (start row) (Nat.min 0 d)).
      { apply (start_spec _ _ row). intros t inside. apply each. lia. }
      assert (sound := blocks_count_sound shift each len lengths 0 (start row) _ eq_refl started). cbv zeta in sound.
      rewrite Nat.max_0_l, Nat.sub_diag in sound. exact sound.
    Qed.
  End Query.

End Staged.

(** ** The verdicts *)

Local Lemma digits_facts : forall (M : model) (digits : int) (m : nat), 0 < n_ctx M -> m < d_vocab M ->
  fst (counts_test M digits) = true ->
  (to_Z digits = 0 /\ Z.of_nat (S m) ^ Z.of_nat (n_ctx M - 1) < 2 ^ 62 \/
   0 < to_Z digits <= 12 /\ Z.of_nat (S m) <= 2 ^ to_Z digits)%Z.
Proof.
  intros M digits m context inside test. unfold counts_test in test. cbn [fst] in test.
  assert (zero := Uint63.eqb_spec digits 0). destruct (digits =? 0)%uint63.
  - left. rewrite (proj1 zero eq_refl). split; [reflexivity|].
    assert (bound := inputs_bound M test).
    apply Z.le_lt_trans with (Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M))%Z; [|exact bound].
    apply Z.le_trans with (Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M - 1))%Z; [apply Z.pow_le_mono_l; lia|].
    apply Z.pow_le_mono_r; lia.
  - right. destruct (Z.leb_spec (to_Z digits) 12); [|discriminate test]. apply Z.leb_le in test.
    assert (range := to_Z_range digits). assert (to_Z digits <> 0)%Z; [|lia].
    intro none. assert (same : digits = 0%uint63) by (apply to_Z_inj; exact none). apply zero in same. discriminate same.
Qed.

Section Verdicts.
  Context (M : model) (scores_choice : product_choice) (gap : gap_choice) (moved : list Z) (tokens : tokens_choice) (c : plan).
  Local Notation n := (n_ctx M).
  Local Notation d := (d_vocab M).
  Local Notation sizes := (sizes_of d tokens).
  Local Notation P := (fst (product_of Scores scores_choice (d_head M) d (query_rows (core_of M))
    (by_row 0%uint63 (d_head M) (key_rows (core_of M))))).
  Local Notation gaps rivals := (map (fun v => gap_cases n d (fst (logits_of M (core_of M) moved gap)) (gap_unit c) sizes v gap)
    rivals).

  (** What stands where all tests are passed: a sound [case_count] is sound for every last token. *)
  Definition queries_ok (rivals : list rivals) : Prop :=
    forall (case_count : bool -> info -> case_weights -> list gap_case -> Z) (bound : nat -> nat -> Z),
    (forall q m : nat, (0 <= bound q m)%Z) ->
    (forall (q m : nat) (reference : R) (of_token of_position : nat -> R) (W : case_weights) (cases : list gap_case),
      let bands := cut sizes (S m) in
      Forall (fun w => 0 < w) bands -> hd O bands = 1 -> list_sum bands = S m ->
      q < d -> m < d -> q <= m ->
      (forall i t : nat, i < n -> t <= m ->
        (exp (IZR (token_score M (core_of M) q t + at2 (score_pos_rows (core_of M)) q i) / 2 ^ (30 + score_shift M) - reference) =
         of_token t * of_position i)%R) ->
      weights_ok M q m of_token of_position bands W ->
      Forall2 (gaps_ok M (gap_unit c) q m bands) rivals cases ->
      (case_count (Nat.eqb q m) (info_of n sizes c m) W cases <= bound q m)%Z) ->
    forall (lengths : list nat) (q : nat), q < d ->
    (query_count M (core_of M) tokens P (gaps rivals) case_count (map (info_of n sizes c) (seq 0 d)) lengths q <=
      sumZ (d - q) (fun k => bound q (q + k)%nat))%Z.

  Theorem staged_by_sound : forall (more : list (bool * refusal)) (rivals : list rivals)
      (counting : core_tables -> product -> list (nat -> list gap_case) -> Z) (conclusion : Z -> list (bool * refusal)),
    accepted (staged_by M scores_choice gap moved tokens c more rivals counting conclusion) = true ->
    first_failure (core_tests M (core_of M)) = None /\ first_failure more = None /\
    first_failure (conclusion (counting (core_of M) P (gaps rivals))) = None /\ queries_ok rivals.
  Proof.
    intros more rivals counting conclusion check. unfold staged_by in check. cbv zeta in check.
    destruct (first_failure (core_tests M (core_of M) ++ _)) eqn:none in check; [discriminate check|].
    assert (tests := first_failure_app _ _ none). apply first_failure_second in none.
    assert (scores_none := first_failure_app _ _ none). apply first_failure_second in none.
    assert (scores_fit := first_failure_none _ (first_failure_app _ _ none) _ (snd (scores_test P)) ltac:(left; reflexivity)).
    apply first_failure_second in none.
    assert (logits_none := first_failure_app _ _ none). apply first_failure_second in none.
    assert (gaps_none := first_failure_app _ _ none). apply first_failure_second in none.
    assert (tokens_none := first_failure_app _ _ none). apply first_failure_second in none.
    split; [exact tests|]. split; [exact none|]. split.
    { match type of check with accepted (outcome_of ?failure) = true =>
        destruct failure; [discriminate check | reflexivity] end. }
    intros case_count bound nonneg case_sound lengths q token.
    apply (query_count_sound M scores_choice gap moved tokens c tests scores_none scores_fit logits_none gaps_none tokens_none
      rivals case_count bound); [exact nonneg | | exact token].
    intros q' m reference of_token of_position W cases token' answer ordered weight weights gaps.
    apply (case_sound q' m reference of_token of_position W cases); try assumption.
    - eapply bands_positive; eassumption.
    - eapply bands_first; eassumption.
    - eapply bands_all; eassumption.
  Qed.

  (** What is counted of each case is counted once. *)
  Local Lemma case_with_answer : forall (counted : nat -> list nat -> bool) (total_of : list nat -> bool) (q m : nat),
    (forall q x, counted q x = total_of (x ++ [q])) -> q <= m -> m < d ->
    (of_case M q m (counted q) <= total d (n - 1) (with_answer total_of q m))%Z.
  Proof.
    intros counted total_of q m counted_total ordered answer_m. unfold of_case.
    etransitivity; [|apply (total_le_more (S m) d); [lia | intro x; apply indicator_nonneg]].
    apply total_le. intros x inside len. unfold with_answer. rewrite <- counted_total.
    destruct (chosen_new m (Nat.eqb q m) x) eqn:chosen; cbn [andb]; [|apply indicator_nonneg].
    rewrite (chosen_answer q m x ordered inside chosen), Nat.eqb_refl, andb_true_r. lia.
  Qed.

  (** What an accepted proof has passed. *)
  Local Lemma staged_accepted : forall (rivals : list rivals) (case_count : bool -> info -> case_weights -> list gap_case -> Z)
      (conclusion : Z -> list (bool * refusal)) (counted : nat -> list nat -> bool) (total_of : list nat -> bool),
    accepted (staged M scores_choice gap moved tokens c rivals case_count conclusion) = true ->
    (forall (q m : nat) (reference : R) (of_token of_position : nat -> R) (W : case_weights) (cases : list gap_case),
      first_failure (core_tests M (core_of M)) = None -> fst (counts_test M (mass_digits c)) = true ->
      let bands := cut (sizes_of (d_vocab M) tokens) (S m) in
      Forall (fun w => 0 < w) bands -> hd O bands = 1 -> list_sum bands = S m ->
      q < d_vocab M -> m < d_vocab M -> q <= m ->
      (forall i t : nat, i < n_ctx M -> t <= m ->
        (exp (IZR (token_score M (core_of M) q t + at2 (score_pos_rows (core_of M)) q i) / 2 ^ (30 + score_shift M) - reference) =
         of_token t * of_position i)%R) ->
      weights_ok M q m of_token of_position bands W ->
      Forall2 (gaps_ok M (gap_unit c) q m bands) rivals cases ->
      (case_count (Nat.eqb q m) (info_of (n_ctx M) (sizes_of (d_vocab M) tokens) c m) W cases <= of_case M q m (counted q))%Z) ->
    (forall q x, counted q x = total_of (x ++ [q])) ->
    exists count : Z, first_failure (conclusion count) = None /\
      (count <= total (d_vocab M) (n_ctx M) (fun x => indicator (total_of x)))%Z.
  Proof.
    intros rivals case_count conclusion counted total_of check case_sound counted_total.
    apply staged_by_sound in check. destruct check as (tests & counts_none & none & queries).
    assert (counts := first_failure_none _ counts_none _ (snd (counts_test M (mass_digits c))) ltac:(left; reflexivity)).
    eexists. split; [exact none|]. unfold staged_count. cbv zeta. rewrite (total_by_last M tests).
    set (infos := map (info_of n sizes c) (seq 0 d)). set (lengths := map (length_of d) (block_lengths c)).
    assert (each : forall start count : nat, (start + count <= d)%nat ->
      (fold_right (fun q rest => query_count M (core_of M) tokens P (gaps rivals) case_count infos lengths q + rest) 0
          (seq start count) <=
        sumZ count (fun k => total d (n - 1) (fun x => indicator (total_of (x ++ [(start + k)%nat])))))%Z).
    { intros start count. revert start. induction count as [|count IH]; intros start fits; [cbn; lia|].
      cbn [seq fold_right sumZ]. rewrite Nat.add_0_r. apply Z.add_le_mono.
      - etransitivity.
        { apply (queries case_count (fun q m => of_case M q m (counted q))); [| |lia].
          - intros q m. apply total_nonneg. intro x. apply indicator_nonneg.
          - intros. eapply case_sound; eassumption. }
        etransitivity; [|apply (answers_total M total_of start start (d - start))].
        apply sumZ_le. intros k inside. apply case_with_answer; [exact counted_total | lia | lia].
      - etransitivity; [apply IH; lia|]. apply Z.eq_le_incl, sumZ_ext. intros k _.
        replace (S start + k)%nat with (start + S k)%nat by lia. reflexivity. }
    exact (each 0 d (Nat.le_refl d)).
  Qed.

  Theorem right_verdict_sound : forall N : Z,
    accepted (right_verdict M scores_choice gap moved tokens c N) = true -> (N <= correct_count M)%Z.
  Proof.
    intros N check.
    destruct (staged_accepted _ _ _ (right_ending M) (fun x => if correct_dec M x then true else false) check) as (count & none & sound).
    - intros q m reference of_token of_position W cases tests counts bands positive first all token answer ordered weight weights
        gaps.
      apply (right_case_sound M tests (gap_unit c) q m token answer ordered reference of_token of_position weight bands positive
        first all (info_of (n_ctx M) (sizes_of (d_vocab M) tokens) c m) W weights (mass_digits c))
        with (r := radius_of (radius c)); try reflexivity; try assumption.
      apply (digits_facts M); [exact (context_pos M tests) | exact answer | exact counts].
    - reflexivity.
    - rewrite correct_count_total. etransitivity; [|exact sound].
      cbn [first_failure total_reaches] in none. destruct (Z.leb_spec N count); [assumption | discriminate none].
  Qed.

  Theorem wrong_verdict_sound : forall N : Z,
    accepted (wrong_verdict M scores_choice gap moved tokens c N) = true -> (correct_count M <= N)%Z.
  Proof.
    intros N check. unfold wrong_verdict in check. cbv zeta in check.
    destruct (staged_accepted _ _ _ (wrong_ending M) (fun x => if correct_dec M x then false else true) check) as (count & none & sound).
    - intros q m reference of_token of_position W cases tests counts bands positive first all token answer ordered weight weights
        gaps.
      apply (wrong_case_sound M tests (gap_unit c) q m token answer ordered reference of_token of_position weight bands positive
        first all (info_of (n_ctx M) (sizes_of (d_vocab M) tokens) c m) W weights (mass_digits c)); try reflexivity;
        try assumption.
      + apply (digits_facts M); [exact (context_pos M tests) | exact answer | exact counts].
      + apply wrong_rivals_proper.
    - reflexivity.
    - assert (wrongs := wrong_count_total M).
      cbn [first_failure] in none.
      destruct (Z.leb_spec (Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M) - count) N) as [less|]; [|discriminate none]. lia.
  Qed.
End Verdicts.
