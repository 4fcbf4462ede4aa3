(* CompactProofs: Cert: WeightedSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Spec.MaxOfK Base.Sums Base.Totals Base.Lists Base.Signed63 Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound Cert.Terms Cert.SequencesSound.
From CompactProofs Require Import Cert.Bands Cert.Products Cert.Outputs Cert.Attention Cert.Gaps Cert.CreditsCheck.
From CompactProofs Require Import Cert.CreditsSound Cert.WeightedCredits Cert.WeightedCreditsSound Cert.Staged Cert.CaseSound.
From CompactProofs Require Import Cert.CaseCountSound Cert.StagedSound Cert.Weighted Cert.OddsSound.
From CompactProofs Require Import Spec.Weighted Base.WeightFacts.
Import ListNotations.
(** * Strategy [weighted] is sound
    Main result: [weighted_sound]. Source: docs/max_of_k.md, section 7. *)

(** ** What the tests say of the weights *)

Record weights_shaped (weights : list (list Z)) (M : model) : Prop := {
  one_row_each : length weights = n_ctx M;
  rows_shaped : Forall (fun row => length row = d_vocab M /\ Forall (fun w => 0 <= w)%Z row) weights;
  sums_small : Forall (fun row => fold_right Z.add 0 row < 2 ^ 62)%Z weights
}.

Lemma weights_tests_shaped : forall (weights : list (list Z)) (M : model),
  first_failure (weights_tests weights M) = None -> weights_shaped weights M.
Proof.
  intros weights M none.
  assert (all := first_failure_none _ none).
  assert (count := all _ _ ltac:(left; reflexivity)). assert (rows := all _ _ ltac:(right; left; reflexivity)).
  assert (sums := all _ _ ltac:(right; right; left; reflexivity)). constructor.
  - apply Nat.eqb_eq, count.
  - apply Forall_forall. intros row member. rewrite forallb_forall in rows. specialize (rows row member). unfold row_ok in rows.
    destruct (Nat.eqb_spec (length row) (d_vocab M)) as [len|]; [|discriminate rows]. split; [exact len|].
    apply Forall_forall. intros w inside. rewrite forallb_forall in rows. apply Z.leb_le, rows, inside.
  - apply Forall_forall. intros row member. rewrite forallb_forall in sums. apply Z.ltb_lt, sums, member.
Qed.

Lemma weights_entries_nonneg : forall (weights : list (list Z)) (M : model), weights_shaped weights M -> entries_nonneg weights.
Proof.
  intros weights M [_ rows _] i t. rewrite Forall_forall in rows.
  destruct (nth_in_or_default i weights []) as [member| ->]; [|destruct t; apply Z.le_refl].
  destruct (rows _ member) as [_ nonneg]. rewrite Forall_forall in nonneg.
  destruct (nth_in_or_default t (nth i weights []) 0%Z) as [inside| ->]; [apply nonneg, inside | apply Z.le_refl].
Qed.

Local Lemma part_sum : forall (m : nat) (row : list Z), (m < length row)%nat -> Forall (fun w => 0 <= w)%Z row ->
  (sumZ (S m) (fun t => nth t row 0) <= fold_right Z.add 0 row)%Z.
Proof.
  intros m row inside nonneg.
  assert (whole : forall l : list Z, sumZ (length l) (fun t => nth t l 0%Z) = fold_right Z.add 0%Z l).
  { induction l as [|w l IH]; [reflexivity|]. cbn [length sumZ nth fold_right]. rewrite IH. reflexivity. }
  rewrite <- whole. apply sumZ_le_more; [lia|]. intros t below. rewrite Forall_forall in nonneg. apply nonneg, nth_In, below.
Qed.

Section Weighted.
  Context (weights : list (list Z)) (M : model) (c : plan).
  Local Notation n := (n_ctx M).
  Local Notation d := (d_vocab M).
  Local Notation rows := (firstn (n - 1) weights).
  Local Notation of_last := (nth (n - 1) weights []).
  Local Notation sizes := (sizes_of d Every).
  Local Notation none := (Odds [] 0 [] 0 0).
  Local Notation all := (odds_by_answer d rows).
  Context (tests : first_failure (core_tests M (core_of M)) = None).
  Context (shaped : weights_shaped weights M).

  Local Lemma rows_in : forall row : list Z, In row rows -> In row weights.
  Proof. intros row member. rewrite <- (firstn_skipn (n - 1) weights). apply in_or_app. left. exact member. Qed.

  Lemma free_rows_shaped : Forall (fun row => length row = d /\ Forall (fun w => 0 <= w)%Z row) rows.
  Proof.
    apply Forall_forall. intros row member. assert (ok := rows_shaped _ _ shaped). rewrite Forall_forall in ok.
    apply ok, rows_in, member.
  Qed.

  Local Lemma rows_length : length rows = n - 1.
  Proof. rewrite firstn_length, (one_row_each _ _ shaped). lia. Qed.

  Local Lemma measure_nonneg : forall x : list nat, (0 <= weight rows x)%Z.
  Proof.
    intro x. apply weight_nonneg. intros i t. assert (nonneg := weights_entries_nonneg _ _ shaped).
    destruct (Nat.lt_ge_cases i (n - 1)) as [inside|outside].
    - rewrite nth_firstn by exact inside. apply nonneg.
    - rewrite (nth_overflow rows) by (rewrite rows_length; exact outside). destruct t; apply Z.le_refl.
  Qed.

  Lemma real_odds_small : forall m : nat, m < d ->
    Forall (fun row => (Z.of_nat (list_sum row) < 2 ^ 62)%Z) (real_odds m rows).
  Proof.
    intros m answer. apply Forall_forall. intros row member. unfold real_odds in member. apply in_map_iff in member.
    destruct member as (of_row & <- & member). assert (ok := proj1 (Forall_forall _ _) free_rows_shaped of_row member).
    destruct ok as [len nonneg]. rewrite real_odds_sum by (try exact nonneg; lia).
    assert (small := proj1 (Forall_forall _ _) (sums_small _ _ shaped) of_row (rows_in of_row member)).
    apply Z.le_lt_trans with (fold_right Z.add 0%Z of_row); [apply part_sum; [lia | exact nonneg] | exact small].
  Qed.

  Local Lemma odds_long : forall m : nat, m < d -> Forall (fun row => length row = S m) (real_odds m rows).
  Proof.
    intros m answer. apply Forall_forall. intros row member. unfold real_odds in member. apply in_map_iff in member.
    destruct member as (of_row & <- & member). destruct (proj1 (Forall_forall _ _) free_rows_shaped of_row member) as [len _].
    apply by_distance_length. lia.
  Qed.

  (** ** One case *)

  Section Case.
    Context (q m : nat) (token_q : q < d) (answer_m : m < d) (ordered : q <= m).
    Context (reference : R) (of_token of_position : nat -> R).
    Context (true_weight : forall i t : nat, i < n -> t <= m ->
      (exp (IZR (token_score M (core_of M) q t + at2 (score_pos_rows (core_of M)) q i) / 2 ^ (30 + score_shift M) - reference) =
       of_token t * of_position i)%R).
    Local Notation bands := (cut sizes (S m)).
    Context (positive : Forall (fun w => 0 < w) bands) (first_band : hd O bands = 1) (all_bands : list_sum bands = S m).
    Context (W : case_weights) (W_ok : weights_ok M q m of_token of_position bands W).
    Local Notation o := (nth m all none).
    Local Notation seen := (Nat.eqb q m).
    Local Notation case_measured := (measured M q m (weight rows)).
    Local Notation ones := (repeat 1 (S m)).

    Local Lemma bands_ones : bands = ones.
    Proof. apply cut_ones. lia. Qed.

    Local Lemma case_weight_measured : case_weight o seen = case_measured (fun _ => true).
    Proof.
      destruct (odds_by_answer_ok d m rows none answer_m free_rows_shaped) as (_ & _ & to & below_m).
      unfold case_weight, measured. rewrite to, below_m, weight_choices, rows_length. apply total_ext. intros x _ _.
      rewrite andb_true_r. reflexivity.
    Qed.

    Local Lemma weigh_case_sound : forall (bins : int) (v : rivals) (cases : gap_case),
      gaps_ok M (gap_unit c) q m bands v cases ->
      (weigh_case o seen W bins cases <= case_measured (passes m bands W 1 cases))%Z.
    Proof.
      intros bins v cases gaps. unfold weigh_case.
      destruct (bins =? 0)%uint63.
      { apply total_nonneg. intro x. apply Z.mul_nonneg_nonneg; [apply measure_nonneg | apply indicator_nonneg]. }
      destruct (odds_by_answer_ok d m rows none answer_m free_rows_shaped) as (tokens & light & _ & _).
      assert (columns : forall column : list int, In column (case_columns W cases) ->
        length column = length bands /\ forall h : int, In h column -> (Z.abs (signed h) <= 2 ^ 30)%Z)
        by exact (columns_ok M (gap_unit c) q m token_q answer_m ordered of_token of_position bands positive first_band all_bands
          W W_ok v cases gaps).
      assert (len : length (case_columns W cases) = n - 1)
        by exact (columns_length M (gap_unit c) q m token_q answer_m ordered of_token of_position bands first_band all_bands
          W W_ok v cases gaps).
      rewrite bands_ones in columns. rewrite repeat_length in columns.
      set (hidden := zip_with (masked (heaviest o)) (of_tokens o) (case_columns W cases)).
      assert (real_length : length (real_odds m rows) = n - 1) by (unfold real_odds; rewrite map_length; apply rows_length).
      assert (hidden_length : length hidden = n - 1).
      { unfold hidden. rewrite zip_with_length, tokens, map_length, real_length, len. lia. }
      assert (sums_range : Forall (fun sum => 0 <= sum < 2 ^ 62)%Z
        (map (fun row => Z.of_nat (list_sum row)) (real_odds m rows))).
      { apply Forall_forall. intros sum member. apply in_map_iff in member. destruct member as (row & <- & member).
        assert (small := proj1 (Forall_forall _ _) (real_odds_small m answer_m) row member). cbv beta in small. lia. }
      destruct (shifts_fit _ 1 sums_range ltac:(lia)) as (ks_length & fit & _ & nonneg_bound & top).
      rewrite <- light, map_length, real_length in ks_length. rewrite <- light in fit, nonneg_bound, top.
      assert (passing_same : forall x : list nat, below (S m) x -> length x = n - 1 -> weight rows x <> 0%Z ->
        passing m ones hidden (case_last W cases) 1 x = passes m bands W 1 cases x).
      { intros x inside len_x some. unfold passes, passing. rewrite bands_ones.
        assert (plain : forall l : list (list int), Forall (fun column => length column = S m) l -> map (expand ones) l = l).
        { intros l shape. rewrite <- (map_id l) at 2. apply map_ext_in. intros column member. apply expand_ones.
          exact (proj1 (Forall_forall _ _) shape column member). }
        assert (columns_long : Forall (fun column => length column = S m) (case_columns W cases))
          by (apply Forall_forall; intros column member; apply columns, member).
        assert (hidden_long : Forall (fun column => length column = S m) hidden).
        { unfold hidden. rewrite tokens. clear - columns_long answer_m shaped. assert (long := odds_long m answer_m).
          revert columns_long long. generalize (case_columns W cases) as l. generalize (real_odds m rows) as r.
          induction r as [|row r IH]; intros [|column l] all_l all_r; try constructor.
          - inversion all_l; inversion all_r; subst. rewrite masked_length by (rewrite map_length; lia). assumption.
          - inversion all_l; inversion all_r; subst. apply IH; assumption. }
        rewrite !plain by assumption. f_equal. f_equal. f_equal. unfold hidden. rewrite tokens.
        apply masked_cost; try assumption; try lia.
        - apply odds_long, answer_m.
        - apply real_odds_small, answer_m.
        - rewrite (chance_weight d m rows x answer_m free_rows_shaped inside). exact some. }
      etransitivity.
      { apply (count_by_sound (weight rows)) with (m := m) (widths := ones) (seen := seen); rewrite ?hidden_length.
        - exact measure_nonneg.
        - rewrite <- bands_ones. exact all_bands.
        - intros column member. unfold hidden in member.
          assert (found : exists row plain, In plain (case_columns W cases) /\ length row = length plain /\
            column = masked (heaviest o) row plain).
          { rewrite tokens in member. clear - member columns answer_m shaped. assert (long := odds_long m answer_m).
            revert columns long member. generalize (case_columns W cases) as l. generalize (real_odds m rows) as r.
            induction r as [|row r IH]; intros [|plain l] all_l all_r member; try contradiction.
            inversion all_r as [|? ? this others]; subst. destruct member as [<-|member].
            - exists (map (fun width : nat => of_Z (Z.of_nat width)) row), plain. split; [left; reflexivity|].
              split; [rewrite map_length; destruct (all_l plain) as [-> _]; [left; reflexivity | exact this] | reflexivity].
            - destruct (IH l) as (row' & plain' & inside & same & is);
                [intros column' inside; apply all_l; right; exact inside | exact others | exact member|].
              exists row', plain'. split; [right; exact inside | split; [exact same | exact is]]. }
          destruct found as (row & plain & inside & same & ->). destruct (columns plain inside) as [long bounds].
          rewrite masked_length, repeat_length by exact same. split; [exact long|].
          intros h inside_h. apply masked_in in inside_h. destruct inside_h as [->|inside_h]; [|apply bounds, inside_h].
          destruct (nth_in_or_default (heaviest o) plain 0%uint63) as [inside_b| ->]; [apply bounds, inside_b|].
          rewrite signed_zero. lia.
        - lia.
        - rewrite case_weight_measured. unfold measured. apply total_ext. intros x _ _. rewrite andb_true_r. reflexivity.
        - intros needed credits nonneg credits_length credits_long.
          rewrite tokens. rewrite repeat_length in credits_long.
          assert (all_long : Forall (fun column => length column = S m) credits) by (apply Forall_forall; exact credits_long).
          assert (sound := weight_of_choices_sound m (lightening o) (real_odds m rows) credits needed seen ltac:(lia) ltac:(lia)
            (odds_long m answer_m) all_long fit ltac:(lia) nonneg).
          rewrite real_length in sound. etransitivity; [exact sound|].
          apply Z.eq_le_incl, total_ext. intros x inside _.
          rewrite (chance_weight d m rows x answer_m free_rows_shaped inside). do 3 f_equal.
          replace (map (expand ones) credits) with credits; [reflexivity|]. rewrite <- (map_id credits) at 1.
          apply map_ext_in. intros column member. symmetry. apply expand_ones, credits_long, member. }
      unfold measured. rewrite hidden_length. apply total_le. intros x inside len_x.
      destruct (Z.eq_dec (weight rows x) 0) as [->|some]; [lia|]. rewrite (passing_same x inside len_x some). apply Z.le_refl.
    Qed.

    Local Lemma weighted_case_sound : forall (r : nat) (cases : list gap_case),
      Forall2 (gaps_ok M (gap_unit c) q m bands) (right_rivals r) cases ->
      (weighted_case o seen (info_of n sizes c m) W cases <= case_measured (right_ending M q))%Z.
    Proof.
      intros r cases gaps. unfold weighted_case. destruct (_ =? 0)%Z.
      { apply total_nonneg. intro x. apply Z.mul_nonneg_nonneg; [apply measure_nonneg | apply indicator_nonneg]. }
      apply (best_case_sound M tests (gap_unit c) q m token_q answer_m ordered reference of_token of_position true_weight bands
        first_band all_bands (info_of n sizes c m) W W_ok (weight rows) measure_nonneg) with (r := r);
        [exact case_weight_measured | | exact gaps].
      intros bins v one ok. apply (weigh_case_sound bins v one ok).
    Qed.
  End Case.

  (** ** All cases *)

  Local Lemma answers_weight : forall q : nat,
    (sumZ (d - q) (fun k => measured M q (q + k) (weight rows) (right_ending M q)) <=
      total d (n - 1) (fun x => weight rows x * indicator (right_ending M q x)))%Z.
  Proof.
    intro q. set (right := fun x => if correct_dec M x then true else false).
    apply Z.le_trans with (sumZ (d - q) (fun k => total d (n - 1) (fun x => weight rows x * with_answer right q (q + k) x)))%Z.
    - apply sumZ_le. intros k inside. unfold measured.
      etransitivity; [|apply (total_le_more (S (q + k)) d); [lia|]].
      + apply total_le. intros x below_x len. apply Z.mul_le_mono_nonneg_l; [apply measure_nonneg|]. unfold with_answer.
        destruct (chosen_new (q + k) (Nat.eqb q (q + k)) x) eqn:chosen; cbn [andb]; [|apply indicator_nonneg].
        rewrite (chosen_answer q (q + k) x ltac:(lia) below_x chosen), Nat.eqb_refl, andb_true_r. apply Z.le_refl.
      + intro x. apply Z.mul_nonneg_nonneg; [apply measure_nonneg | apply indicator_nonneg].
    - rewrite <- total_sumZ. apply total_le. intros x _ _. rewrite sumZ_mult_l.
      apply Z.mul_le_mono_nonneg_l; [apply measure_nonneg | apply (answer_once right)].
  Qed.

  Local Notation P := (fst (product_of Scores Exact (d_head M) d (query_rows (core_of M))
    (by_row 0%uint63 (d_head M) (key_rows (core_of M))))).
  Local Notation gaps rivals := (map (fun v => gap_cases n d (fst (logits_of M (core_of M) (repeat 0%Z (d_model M)) Joint))
    (gap_unit c) sizes v Joint) rivals).

  Local Lemma weighted_count_sound : forall r : nat,
    queries_ok M Exact Joint (repeat 0%Z (d_model M)) Every c (right_rivals r) ->
    (weighted_count weights M c (core_of M) P (gaps (right_rivals r)) <= correct_weight weights M)%Z.
  Proof.
    intros r queries. assert (some := context_pos M tests). rewrite correct_weight_total, (total_by_last M tests).
    unfold weighted_count. cbv zeta.
    set (case_count := fun (seen : bool) (i : info) => weighted_case (nth (answer_token i) all none) seen i).
    set (infos := map (info_of n sizes c) (seq 0 d)). set (lengths := map (length_of d) (block_lengths c)).
    assert (query : forall q : nat, q < d ->
      (nth q of_last 0 * query_count M (core_of M) Every P (gaps (right_rivals r)) case_count infos lengths q <=
        total d (n - 1) (fun x => weight weights (x ++ [q]) * indicator (if correct_dec M (x ++ [q]) then true else false)))%Z).
    { intros q token. assert (nonneg := weights_entries_nonneg _ _ shaped (n - 1) q).
      apply Z.le_trans with (nth q of_last 0 * total d (n - 1) (fun x => weight rows x * indicator (right_ending M q x)))%Z.
      - apply Z.mul_le_mono_nonneg_l; [exact nonneg|]. etransitivity; [|apply answers_weight].
        apply (queries case_count (fun q m => measured M q m (weight rows) (right_ending M q))); [| |exact token].
        + intros q' m. apply total_nonneg. intro x. apply Z.mul_nonneg_nonneg; [apply measure_nonneg | apply indicator_nonneg].
        + intros q' m reference of_token of_position W cases bands positive first_band all_bands token' answer ordered
            true_weight W_ok gaps_fit.
          exact (weighted_case_sound q' m token' answer ordered reference of_token of_position true_weight positive first_band
            all_bands W W_ok r cases gaps_fit).
      - rewrite <- total_mult_l. apply Z.eq_le_incl, total_ext. intros x _ len.
        assert (split : weight weights (x ++ [q]) = (weight rows x * nth q of_last 0)%Z).
        { rewrite weight_snoc, len, weight_firstn by (rewrite ?(one_row_each _ _ shaped); lia). reflexivity. }
        rewrite split. unfold right_ending. lia. }
    assert (each : forall start count : nat, start + count <= d ->
      (fold_right (fun q rest => if (nth q of_last 0 =? 0)%Z then rest else
          nth q of_last 0 * query_count M (core_of M) Every P (gaps (right_rivals r)) case_count infos lengths q + rest) 0
          (seq start count) <=
        sumZ count (fun k => total d (n - 1) (fun x => weight weights (x ++ [(start + k)%nat]) *
          indicator (if correct_dec M (x ++ [(start + k)%nat]) then true else false))))%Z).
    { intros start count. revert start. induction count as [|count IH]; intros start fit; [apply Z.le_refl|].
      cbn [seq fold_right sumZ]. rewrite Nat.add_0_r.
      assert (here := query start ltac:(lia)). assert (rest := IH (S start) ltac:(lia)).
      rewrite (sumZ_ext count _ (fun k => total d (n - 1) (fun x => weight weights (x ++ [(S start + k)%nat]) *
        indicator (if correct_dec M (x ++ [(S start + k)%nat]) then true else false)))%Z)
        by (intros k _; replace (start + S k)%nat with (S start + k)%nat by lia; reflexivity).
      destruct (Z.eqb_spec (nth start of_last 0%Z) 0) as [zero|]; [rewrite zero in here|]; lia. }
    exact (each 0 d (Nat.le_refl d)).
  Qed.
End Weighted.

Theorem weighted_sound : forall (N : Z) (weights : list (list Z)) (M : model) (c : plan),
  weighted_check N weights M c = true -> (N <= correct_weight weights M)%Z.
Proof.
  intros N weights M c check. unfold weighted_check, weighted_verdict in check. apply staged_by_sound in check.
  destruct check as (tests & shape & reached & queries). assert (shaped := weights_tests_shaped weights M shape).
  cbn [first_failure total_reaches] in reached.
  match type of reached with context [(N <=? ?count)%Z] =>
    destruct (Z.leb_spec N count) as [enough|]; [|discriminate reached] end.
  etransitivity; [exact enough|]. apply weighted_count_sound; assumption.
Qed.
