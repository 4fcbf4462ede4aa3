(* CompactProofs: Cert: ExactSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia Lra.
From CompactProofs Require Import Spec.Network Spec.MaxOfK.
From CompactProofs Require Import Base.Lists Base.Sums Base.Totals Base.Signed63 Base.ExpBounds Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound Cert.TablesSound Cert.Terms Cert.TermsSound.
From CompactProofs Require Import Cert.SequencesSound Cert.Bands Cert.BandsSound Cert.CreditsSound Cert.CaseCountSound.
From CompactProofs Require Import Cert.BruteForceCheck Cert.BruteForceSound Cert.ExactCheck Cert.BoxesSound Cert.BranchSound.
Import ListNotations.
(** * The exact count is exact
    - [output_at q w i t] == the logit of output w that position i proposes, holding token t, with the last token q
    - [cost_at a b i t]   == what it costs that output a comes above output b; 0 out of range
    Main result: [exact_sound]. Source: docs/max_of_k.md, section 6. *)
Local Opaque exp_lower exp_upper.

(** ** Columns of costs *)

Local Lemma column_costs_map : forall (g : int) (e : nat -> enclosure) (x y : nat -> int) (set : list nat),
  column_costs g (map e set) (map x set) (map y set) = map (fun t => gap_cost g (e t) (x t) (y t)) set.
Proof. intros g e x y. induction set as [|t set IH]; [reflexivity|]. cbn [map column_costs]. rewrite IH. reflexivity. Qed.

Local Lemma costs_by_position_tabulate : forall (g : int) (e : nat -> nat -> enclosure) (x y : nat -> nat -> int)
    (sets : list (list nat)) (i : nat),
  costs_by_position g (tabulate (fun i _ => e i) i sets) (tabulate (fun i _ => x i) i sets) (tabulate (fun i _ => y i) i sets) =
  tabulate (fun i _ t => gap_cost g (e i t) (x i t) (y i t)) i sets.
Proof.
  intros g e x y. induction sets as [|set sets IH]; intros i; [reflexivity|].
  cbn [tabulate costs_by_position]. rewrite IH, column_costs_map. reflexivity.
Qed.

Local Lemma credits_tabulate : forall (a b : nat -> nat -> int) (sets : list (list nat)) (i : nat),
  zip_with (fun x y => zip_with pair (credits_of x) (credits_of y))
    (tabulate (fun i _ => a i) i sets) (tabulate (fun i _ => b i) i sets) =
  tabulate (fun i set t => (credit_at a i set t, credit_at b i set t)) i sets.
Proof.
  intros a b. induction sets as [|set sets IH]; intros i; [reflexivity|].
  cbn [tabulate zip_with]. rewrite IH. f_equal. unfold credits_of. cbv zeta. rewrite !map_map, zip_with_maps. reflexivity.
Qed.

Section Sound.
  Context (M : model) (g : int).
  Local Notation T := (tables_of M).
  Local Notation p := (precision_of (score_shift M)).
  Local Notation n := (n_ctx M).
  Local Notation d := (d_vocab M).
  Context (tests : first_failure (tables_tests M T) = None) (gaps : gap_fits T g = true).

  Local Lemma context : 0 < n.
  Proof. exact (context_pos M (core_none M tests)). Qed.

  Section Case.
    Context (q m : nat) (answer_m : m < d) (ordered : q <= m).
    Local Notation full := (repeat (down m) (n - 1)).
    Local Notation seen := (Nat.eqb q m).

    Local Lemma token_q : q < d.
    Proof. lia. Qed.

    Local Definition output_at (w i t : nat) : int := nth w (output_row T q i t) 0%uint63.

    Local Definition weight_at (i t : nat) : enclosure :=
      both (nth t (token_weights T p q m) (0, 0)%uint63) (nth i (position_weights T p q) (0, 0)%uint63).

    Local Definition cost_at (a b i t : nat) : int :=
      if (i <? n) && (t <=? m) then gap_cost g (weight_at i t) (output_at a i t) (output_at b i t) else 0%uint63.

    (** ** A cost bounds weight times gap *)

    Local Definition token_row : list int := firstn (S m) (nth q (score_rows T) []).
    Local Definition position_row : list int := nth q (score_pos_rows T) [].
    Local Definition reference : R :=
      (IZR (signed (row_top token_row) + signed (row_top position_row)) / 2 ^ (30 + score_shift M))%R.

    Local Definition true_weight (i t : nat) : R :=
      exp (IZR (at2 (score_rows T) q t + at2 (score_pos_rows T) q i) / 2 ^ (30 + score_shift M) - reference).

    Local Lemma token_row_length : length token_row = S m.
    Proof.
      unfold token_row. rewrite firstn_length, (has_shape_row _ _ _ _ _ (shape_scores M tests) token_q). lia.
    Qed.

    Local Lemma position_row_length : length position_row = n.
    Proof. exact (has_shape_row _ _ _ _ _ (table_scores_pos M tests) token_q). Qed.

    Local Lemma weight_encloses : forall i t : nat, i < n -> t <= m -> encloses (weight_at i t) (true_weight i t).
    Proof.
      intros i t position token. assert (shift_small := shift_bound M (core_none M tests)).
      replace (true_weight i t) with
        (exp (IZR (at1 token_row t - signed (row_top token_row)) / 2 ^ (30 + score_shift M)) *
         exp (IZR (at1 position_row i - signed (row_top position_row)) / 2 ^ (30 + score_shift M)))%R.
      - apply both_encloses; apply row_enclosures_nth; try exact shift_small.
        + intros s member. apply (In_nth _ _ 0%uint63) in member. destruct member as (j & inside & <-).
          rewrite token_row_length in inside. unfold token_row. rewrite nth_firstn by exact inside.
          assert (bound := score_bound M tests q j). unfold at2, at1 in bound. lia.
        + fold token_row. rewrite token_row_length. lia.
        + intros s member. apply (In_nth _ _ 0%uint63) in member. destruct member as (j & inside & <-).
          assert (bound := table_score_pos_bound M tests q j). unfold at2, at1 in bound. fold position_row in bound |- *. lia.
        + fold position_row. rewrite position_row_length. exact position.
      - rewrite <- exp_plus. unfold true_weight, reference. f_equal.
        assert (same : at1 token_row t = at2 (score_rows T) q t)
          by (unfold at1, token_row; rewrite nth_firstn by lia; reflexivity).
        rewrite same. change (at1 position_row i) with (at2 (score_pos_rows T) q i).
        rewrite !minus_IZR, !plus_IZR. field. apply pow_nonzero. lra.
    Qed.

    Local Lemma cost_bounds : forall a b i t : nat, i < n -> t <= m -> a < d -> b < d ->
      (Z.abs (signed (cost_at a b i t)) <= 2 ^ 31)%Z /\
      (true_weight i t * IZR (output T q t i a - output T q t i b) <= IZR (2 ^ to_Z g) * IZR (signed (cost_at a b i t)))%R.
    Proof.
      intros a b i t position token inside_a inside_b. unfold cost_at.
      rewrite (proj2 (Nat.ltb_lt i n) position), (proj2 (Nat.leb_le t m) token). cbn [andb]. unfold gap_cost.
      assert (inside_t : t < d) by lia.
      destruct (output_row_spec M tests q i t a token_q position inside_t inside_a) as [value_a _].
      destruct (output_row_spec M tests q i t b token_q position inside_t inside_b) as [value_b _].
      assert (largest_a := output_largest M q t i a). assert (largest_b := output_largest M q t i b).
      assert (largest := largest_output_bound M tests). destruct (gap_fits_bound M g gaps) as [small fits].
      unfold at1 in value_a, value_b. fold (output_at a i t) in value_a. fold (output_at b i t) in value_b.
      assert (gap : signed (output_at a i t - output_at b i t)%uint63 = (output T q t i a - output T q t i b)%Z)
        by (rewrite signed_sub; rewrite value_a, value_b; lia).
      assert (range : (Z.abs (signed (shift_up g (output_at a i t - output_at b i t))) <= 2 ^ 31)%Z)
        by (apply shift_up_abs; rewrite ?gap; lia).
      assert (enc := weight_encloses i t position token).
      split; [exact (upper_term_abs _ _ _ enc range)|].
      assert (term := upper_term_bound _ _ _ enc range).
      assert (above := le_shift_up g (output_at a i t - output_at b i t)%uint63 small ltac:(rewrite gap; lia)).
      rewrite gap in above. apply IZR_le in above. rewrite mult_IZR in above.
      assert (g_nonneg := to_Z_range g).
      assert (power_pos : (0 < IZR (2 ^ to_Z g))%R) by (apply IZR_lt, Z.pow_pos_nonneg; lia).
      assert (weight_nonneg := encloses_nonneg _ _ enc).
      set (rounded := shift_up g (output_at a i t - output_at b i t)) in *.
      apply Rle_trans with (true_weight i t * (IZR (2 ^ to_Z g) * IZR (signed rounded)))%R;
        [apply Rmult_le_compat_l; assumption|].
      replace (true_weight i t * (IZR (2 ^ to_Z g) * IZR (signed rounded)))%R
        with (IZR (2 ^ to_Z g) * (true_weight i t * IZR (signed rounded)))%R by ring.
      apply Rmult_le_compat_l; [left; exact power_pos | exact term].
    Qed.

    Local Lemma cost_small : forall a b : nat, a < d -> b < d ->
      forall i t : nat, (Z.abs (signed (cost_at a b i t)) <= 2 ^ 31)%Z.
    Proof.
      intros a b inside_a inside_b i t. destruct (Nat.ltb_spec i n) as [position|]; [destruct (Nat.leb_spec t m) as [token|]|].
      - apply cost_bounds; assumption.
      - unfold cost_at. rewrite (proj2 (Nat.leb_gt t m)), andb_false_r by assumption. cbn. lia.
      - unfold cost_at. rewrite (proj2 (Nat.ltb_ge i n)) by assumption. cbn. lia.
    Qed.

    (** ** A sum of costs bounds the difference of two logits *)

    Local Definition costs (a b : nat) (x : list nat) : Z := (signed (cost_at a b (n - 1) q) + cost_sum (cost_at a b) 0 x)%Z.

    Local Lemma cost_sum_value : forall (a b : nat) (x : list nat) (i : nat),
      cost_sum (cost_at a b) i x = sumZ (length x) (fun k => signed (cost_at a b (i + k) (nth k x O))).
    Proof.
      intros a b. induction x as [|t x IH]; intros i; [reflexivity|]. cbn [cost_sum length sumZ nth].
      rewrite Nat.add_0_r, IH. apply (f_equal2 Z.add eq_refl). apply sumZ_ext. intros k _.
      replace (i + S k) with (S i + k) by lia. reflexivity.
    Qed.

    Section Sequence.
      Context (x : list nat) (inside : below (S m) x) (len : length x = n - 1).

      Local Lemma inside_d : below d x.
      Proof. unfold below in *. rewrite Forall_forall in *. intros t member. specialize (inside t member). lia. Qed.

      Local Definition gap_sum (a b : nat) : R :=
        sum n (fun i => exp (score M (x ++ [q]) i - reference) *
          IZR (output T q (nth i (x ++ [q]) O) i a - output T q (nth i (x ++ [q]) O) i b))%R.

      Local Lemma gap_sum_bound : forall a b : nat, a < d -> b < d ->
        (gap_sum a b <= IZR (2 ^ to_Z g) * IZR (costs a b x))%R.
      Proof.
        intros a b inside_a inside_b. assert (some := context).
        destruct (snoc_facts M (core_none M tests) q x token_q inside_d len) as (len' & inside' & last_is_q).
        assert (token : forall i, i < n -> nth i (x ++ [q]) O <= m).
        { intros i small. destruct (Nat.lt_ge_cases i (n - 1)) as [free|final].
          - rewrite app_nth1 by lia. unfold below in inside. rewrite Forall_forall in inside.
            apply Nat.lt_succ_r, inside, nth_In. lia.
          - rewrite app_nth2 by lia. replace (i - length x) with 0 by lia. exact ordered. }
        assert (value : costs a b x = sumZ n (fun i => signed (cost_at a b i (nth i (x ++ [q]) O)))).
        { unfold costs. rewrite cost_sum_value, len. replace n with ((n - 1) + 1) at 3 by lia. rewrite sumZ_app. cbn [sumZ].
          rewrite Nat.add_0_r, Z.add_0_r, Z.add_comm. apply (f_equal2 Z.add).
          - apply sumZ_ext. intros k small. rewrite app_nth1 by lia. reflexivity.
          - rewrite app_nth2 by lia. rewrite len, Nat.sub_diag. reflexivity. }
        rewrite value, IZR_sumZ, <- sum_mult_l. apply sum_le. intros i small.
        rewrite (score_of_tables M tests (x ++ [q]) len' inside' i small), last_is_q.
        apply (cost_bounds a b i (nth i (x ++ [q]) O) small (token i small) inside_a inside_b).
      Qed.

      Local Lemma lt_iff : forall w : nat, w < d -> ((logit M (x ++ [q]) w < logit M (x ++ [q]) m)%R <-> (gap_sum w m < 0)%R).
      Proof.
        intros w inside_w.
        destruct (snoc_facts M (core_none M tests) q x token_q inside_d len) as (len' & inside' & last_is_q).
        rewrite (logit_lt_iff M tests (x ++ [q]) len' inside' w m reference inside_w answer_m), last_is_q. reflexivity.
      Qed.

      Local Lemma power_pos : (0 < IZR (2 ^ to_Z g))%R.
      Proof. assert (g_nonneg := to_Z_range g). apply IZR_lt, Z.pow_pos_nonneg; lia. Qed.

      Local Lemma below_when : forall w : nat, w < d -> (costs w m x < 0)%Z ->
        (logit M (x ++ [q]) w < logit M (x ++ [q]) m)%R.
      Proof.
        intros w inside_w low. apply lt_iff; [exact inside_w|]. assert (bound := gap_sum_bound w m inside_w answer_m).
        assert (positive := power_pos). apply IZR_lt in low. nra.
      Qed.

      Local Lemma not_below_when : forall w : nat, w < d -> (costs m w x <= 0)%Z ->
        ~ (logit M (x ++ [q]) w < logit M (x ++ [q]) m)%R.
      Proof.
        intros w inside_w low less. apply lt_iff in less; [|exact inside_w].
        assert (bound := gap_sum_bound m w answer_m inside_w).
        assert (opposite : gap_sum m w = (- gap_sum w m)%R).
        { unfold gap_sum. replace (- _)%R with (-1 * sum n (fun i => exp (score M (x ++ [q]) i - reference) *
            IZR (output T q (nth i (x ++ [q]) O) i w - output T q (nth i (x ++ [q]) O) i m)))%R by ring.
          rewrite <- sum_mult_l. apply sum_ext. intros i _. rewrite !minus_IZR. ring. }
        assert (positive := power_pos). apply IZR_le in low. nra.
      Qed.
    End Sequence.

    (** ** What the checker computes *)

    Local Definition others : list nat := seq 0 m ++ seq (S m) (d - S m).

    Local Lemma others_in : forall w : nat, In w others <-> w < d /\ w <> m.
    Proof. intro w. unfold others. rewrite in_app_iff, !in_seq. lia. Qed.

    Local Definition logits_of (w : nat) : output_logits :=
      OutputLogits (tabulate (fun i _ => output_at w i) 0 full) (output_at w (n - 1) q).

    Local Definition costs_of (a b : nat) : rival_costs :=
      RivalCosts (tabulate (fun i _ => cost_at a b i) 0 full) (cost_at a b (n - 1) q).

    Local Lemma outputs_value : logits_by_output n d T q = map (fun w =>
      OutputLogits (map (fun i => map (output_at w i) (rev (seq 0 d))) (seq 0 (n - 1))) (output_at w (n - 1) q)) (seq 0 d).
    Proof.
      assert (some := context).
      assert (rows : logit_rows T = map (fun t => nth t (logit_rows T) []) (seq 0 d)).
      { rewrite (as_map_nth _ [] (logit_rows T)) at 1. rewrite (has_shape_length _ _ _ _ (table_logits M tests)). reflexivity. }
      assert (final : output_row T q (n - 1) q = map (fun w => output_at w (n - 1) q) (seq 0 d)).
      { rewrite (as_map_nth _ 0%uint63 (output_row T q (n - 1) q)) at 1.
        rewrite (proj2 (output_row_spec M tests q (n - 1) q m token_q ltac:(lia) token_q answer_m)). reflexivity. }
      unfold logits_by_output. cbv zeta. rewrite final, by_row_as_map, zip_with_maps. apply map_ext_in. intros w inside.
      apply in_seq in inside. f_equal. rewrite map_map. apply map_ext. intro i.
      rewrite by_row_as_map, (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; lia). rewrite seq_nth by lia.
      rewrite rows, map_map, <- map_rev, map_map. reflexivity.
    Qed.

    Local Lemma up_to_value : forall w : nat, up_to d m
      (OutputLogits (map (fun i => map (output_at w i) (rev (seq 0 d))) (seq 0 (n - 1))) (output_at w (n - 1) q)) = logits_of w.
    Proof.
      intro w. unfold up_to, logits_of. cbn [free_logits last_logit]. f_equal. rewrite map_map, tabulate_repeat.
      apply map_ext. intro i. rewrite skipn_map, skipn_down by exact answer_m. reflexivity.
    Qed.

    Local Lemma weights_value :
      map (fun position => map (fun token => both token position) (rev (token_weights T p q m)))
        (firstn (n - 1) (position_weights T p q)) =
      tabulate (fun i _ => weight_at i) 0 full.
    Proof.
      assert (positions := as_map_nth enclosure (0, 0)%uint63 (position_weights T p q)).
      assert (tokens := as_map_nth enclosure (0, 0)%uint63 (token_weights T p q m)).
      assert (len : length (position_weights T p q) = n)
        by (unfold position_weights, row_enclosures; cbv zeta; rewrite map_length; exact position_row_length).
      assert (len_tokens : length (token_weights T p q m) = S m)
        by (unfold token_weights, row_enclosures; cbv zeta; rewrite map_length; exact token_row_length).
      rewrite len in positions. rewrite len_tokens in tokens.
      transitivity (map (fun position => map (fun token => both token position)
          (rev (map (fun k => nth k (token_weights T p q m) (0, 0)%uint63) (seq 0 (S m)))))
        (firstn (n - 1) (map (fun k => nth k (position_weights T p q) (0, 0)%uint63) (seq 0 n))));
        [rewrite <- tokens, <- positions; reflexivity|].
      rewrite tabulate_repeat, firstn_map, firstn_seq by lia.
      rewrite map_map. apply map_ext. intro i. rewrite <- map_rev, map_map. reflexivity.
    Qed.

    Local Lemma costs_over_value : forall a b : nat,
      costs_over g (tabulate (fun i _ => weight_at i) 0 full) (weight_at (n - 1) q) (logits_of a) (logits_of b) = costs_of a b.
    Proof.
      intros a b. assert (some := context). unfold costs_over, costs_of, logits_of. cbn [free_logits last_logit].
      rewrite costs_by_position_tabulate, !tabulate_repeat. f_equal.
      - apply map_ext_in. intros i inside. apply in_seq in inside. apply map_ext_in. intros t member.
        apply in_rev, in_seq in member. unfold cost_at.
        rewrite (proj2 (Nat.ltb_lt i n)), (proj2 (Nat.leb_le t m)) by lia. reflexivity.
      - unfold cost_at. rewrite (proj2 (Nat.ltb_lt (n - 1) n)), (proj2 (Nat.leb_le q m)) by lia. reflexivity.
    Qed.

    Local Definition contenders (b : box) : list nat := filter (fun w => negb (slt (largest_sum b (costs_of w m)) 0)) others.

    Local Notation leaf := (leaf_counts d p g q (map (candidates T q) (seq 0 n)) m).

    Local Definition branch_of (b : box) : Z * Z :=
      branch leaf
        (levels_of (tabulate (fun i set t =>
          (t, map (fun w => (credit_at (cost_at w m) i set t, credit_at (cost_at m w) i set t)) (contenders b)))
          0 (in_box b full)))
        (values (contenders b) (fun w => largest_sum b (costs_of w m)) (fun w => largest_sum b (costs_of m w))) [].

    Local Lemma box_counts_value : forall b : box,
      box_counts g (tabulate (fun i _ => weight_at i) 0 full) (weight_at (n - 1) q) (down m) leaf (logits_of m)
        (map (fun w => (logits_of w, costs_of w m)) others) b =
      branch_of b.
    Proof.
      intro b. unfold box_counts, branch_of. cbv zeta. rewrite filter_map. cbn [snd]. fold (contenders b).
      rewrite !map_map. cbn [fst snd].
      f_equal.
      - f_equal. rewrite tabulate_length, repeat_length.
        rewrite (map_ext _ (fun w => tabulate (fun i set t =>
          (credit_at (cost_at w m) i set t, credit_at (cost_at m w) i set t)) 0 (in_box b full))).
        + replace (n - 1) with (length (in_box b full)) at 2 by (rewrite in_box_length; apply repeat_length).
          apply by_row_tabulate.
        + intro w. unfold credits_in. rewrite costs_over_value. cbn [free_costs costs_of]. rewrite !in_box_tabulate.
          apply credits_tabulate.
      - unfold values. apply map_ext. intro w. rewrite costs_over_value. reflexivity.
    Qed.

    Local Lemma case_counts_value :
      case_counts n d T p g q (logits_by_output n d T q) (position_weights T p q) (map (candidates T q) (seq 0 n)) m =
      sum_counts branch_of (boxes (n - 1) seen).
    Proof.
      unfold case_counts. cbv zeta. rewrite outputs_value, weights_value.
      rewrite (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; exact answer_m). rewrite seq_nth by exact answer_m.
      cbn [Nat.add]. rewrite up_to_value.
      rewrite firstn_map, skipn_map, <- map_app, map_map.
      assert (rest : firstn m (seq 0 d) ++ skipn (S m) (seq 0 d) = others).
      { rewrite firstn_seq by lia. unfold others. f_equal. rewrite (seq_split d m answer_m).
        rewrite skipn_app, seq_length. rewrite skipn_all2 by (rewrite seq_length; lia).
        replace (S m - m) with 1 by lia. reflexivity. }
      rewrite rest. rewrite (map_ext _ (fun w => (logits_of w, costs_of w m)))
        by (intro w; rewrite up_to_value; f_equal; apply costs_over_value).
      apply sum_counts_ext. exact box_counts_value.
    Qed.

    (** ** The counts of the case *)

    Local Lemma right_in_box : forall x : list nat, below (S m) x -> length x = n - 1 -> chosen_new m seen x = true ->
      (forall w : nat, w < d -> w <> m -> (costs w m x < 0)%Z) -> right_ending M q x = true.
    Proof.
      intros x inside len chosen low. unfold right_ending. destruct (correct_dec M (x ++ [q])) as [yes|no]; [reflexivity|].
      exfalso. apply no. intros w inside_w other. rewrite (chosen_answer q m x ordered inside chosen) in *.
      apply below_when; [exact inside | exact len | exact inside_w | apply low; assumption].
    Qed.

    Local Lemma wrong_in_box : forall (x : list nat) (w : nat),
      below (S m) x -> length x = n - 1 -> chosen_new m seen x = true ->
      w < d -> w <> m -> (costs m w x <= 0)%Z -> wrong_ending M q x = true.
    Proof.
      intros x w inside len chosen inside_w other low. unfold wrong_ending.
      destruct (correct_dec M (x ++ [q])) as [yes|no]; [|reflexivity]. exfalso.
      apply (not_below_when x inside len w inside_w low). rewrite <- (chosen_answer q m x ordered inside chosen).
      apply yes; [exact inside_w|]. rewrite (chosen_answer q m x ordered inside chosen). exact other.
    Qed.

    Local Lemma leaf_sound : forall b : box, In b (boxes (n - 1) seen) ->
      leaf_when leaf (in_box b full) [] (right_ending M q) (wrong_ending M q).
    Proof.
      intros b member x chosen. destruct (from_box m (n - 1) seen b x member chosen) as (inside & len & new).
      destruct (snoc_facts M (core_none M tests) q x token_q (inside_d x inside len) len) as (len' & inside' & last_is_q).
      unfold leaf_counts. cbv zeta. rewrite app_nil_r. cbn [rev]. rewrite rev_involutive.
      assert (picked : forall (y : list nat) (i : nat), zip_with (fun options token => nth token options no_candidate)
        (map (candidates T q) (seq i (length y))) y = pick M q i y).
      { induction y as [|t y IH]; intros i; [reflexivity|]. cbn [length seq map zip_with pick]. rewrite IH. reflexivity. }
      assert (all := picked (x ++ [q]) 0). rewrite len' in all. rewrite all. clear picked all.
      assert (is_right := right_correct M g tests gaps (x ++ [q]) len' inside').
      assert (is_wrong := wrong_incorrect M g tests gaps (x ++ [q]) len' inside').
      rewrite last_is_q, (chosen_answer q m x ordered inside new) in is_right, is_wrong.
      destruct (right d p g (pick M q 0 (x ++ [q])) m) eqn:rights.
      { split; [|apply indicator_nonneg]. unfold right_ending.
        destruct (correct_dec M (x ++ [q])) as [yes|no]; [apply Z.le_refl | exfalso; exact (no (is_right eq_refl))]. }
      destruct (wrong d p g (pick M q 0 (x ++ [q])) m) eqn:wrongs; split; try apply indicator_nonneg. unfold wrong_ending.
      destruct (correct_dec M (x ++ [q])) as [yes|no]; [exfalso; exact (is_wrong eq_refl yes) | apply Z.le_refl].
    Qed.

    Local Lemma case_counts_sound :
      let counts :=
        case_counts n d T p g q (logits_by_output n d T q) (position_weights T p q) (map (candidates T q) (seq 0 n)) m in
      (fst counts <= of_case M q m (right_ending M q))%Z /\ (snd counts <= of_case M q m (wrong_ending M q))%Z.
    Proof.
      intro counts. unfold counts. clear counts. rewrite case_counts_value, sum_counts_fst, sum_counts_snd.
      assert (parts : forall P : list nat -> bool, of_case M q m P =
        sum_list (fun b => total_over (in_box b full) (fun x => indicator (P x))) (boxes (n - 1) seen)).
      { intro P. rewrite <- boxes_total. unfold of_case. apply total_ext. intros x _ _.
        destruct (chosen_new m seen x); reflexivity. }
      rewrite !parts. clear parts. assert (some := context). assert (few := context_bound M (core_none M tests)).
      assert (each : forall b : box, In b (boxes (n - 1) seen) ->
        bounded (in_box b full) (right_ending M q) (wrong_ending M q) (branch_of b)).
      { intros b member. assert (short : (Z.of_nat (length (in_box b full)) < 2 ^ 20)%Z)
          by (rewrite in_box_length, repeat_length; lia).
        assert (contender : forall w, In w (contenders b) -> w < d /\ w <> m)
          by (intros w inside; apply filter_In in inside; apply others_in, inside).
        assert (start : forall a c : nat, a < d -> c < d ->
          room (in_box b full) (largest_sum b (costs_of a c)) /\
          forall x, from (in_box b full) x ->
            (signed (largest_sum b (costs_of a c)) - credit_sum (credit_at (cost_at a c)) 0 (in_box b full) x = costs a c x)%Z).
        { intros a c inside_a inside_c. unfold largest_sum. cbn [last_cost free_costs costs_of]. rewrite in_box_tabulate.
          apply start_value; [exact (cost_small a c inside_a inside_c) | apply cost_small; assumption | exact short]. }
        apply branch_sound.
        - intros w inside. destruct (contender w inside) as [inside_w _].
          split; apply credits_ranged, cost_small; assumption.
        - intros w inside. destruct (contender w inside) as [inside_w _]. split; apply start; assumption.
        - intros x chosen low. destruct (from_box m (n - 1) seen b x member chosen) as (inside & len & new).
          apply right_in_box; [exact inside | exact len | exact new|]. intros w inside_w other.
          destruct (slt (largest_sum b (costs_of w m)) 0) eqn:dropped.
          + rewrite slt_spec, signed_zero in dropped. apply Z.ltb_lt in dropped.
            unfold largest_sum in dropped. cbn [last_cost free_costs costs_of] in dropped. rewrite in_box_tabulate in dropped.
            refine (start_below _ (cost_small w m inside_w answer_m) _ _ (in_box b full) short dropped x chosen).
            apply cost_small; assumption.
          + assert (kept : In w (contenders b)).
            { apply filter_In. split; [apply others_in; split; assumption | rewrite dropped; reflexivity]. }
            rewrite <- (proj2 (start w m inside_w answer_m) x chosen). exact (low w kept).
        - intros x w chosen kept low. destruct (from_box m (n - 1) seen b x member chosen) as (inside & len & new).
          destruct (contender w kept) as [inside_w other].
          apply (wrong_in_box x w); try assumption. rewrite <- (proj2 (start m w answer_m inside_w) x chosen). exact low.
        - exact (leaf_sound b member). }
      split; apply sum_list_le; intros b member; apply (each b member).
    Qed.
  End Case.

  Local Lemma of_case_answer : forall (P : list nat -> bool) (q m : nat), q <= m -> m < d ->
    (of_case M q m (fun x => P (x ++ [q])) <= total d (n - 1) (with_answer P q m))%Z.
  Proof.
    intros P q m ordered answer_m. unfold of_case.
    etransitivity; [|apply (total_le_more (S m) d); [lia | intro x; apply indicator_nonneg]].
    apply total_le. intros x inside len. unfold with_answer.
    destruct (chosen_new m (Nat.eqb q m) x) eqn:chosen; cbn [andb]; [|apply indicator_nonneg].
    rewrite (chosen_answer q m x ordered inside chosen), Nat.eqb_refl, andb_true_r. lia.
  Qed.

  Local Lemma query_counts_sound : forall q : nat, q < d ->
    let counts := query_counts n d T p g q in
    (fst counts <= total d (n - 1) (fun x => indicator (right_ending M q x)))%Z /\
    (snd counts <= total d (n - 1) (fun x => indicator (wrong_ending M q x)))%Z.
  Proof.
    intros q token counts. unfold counts, query_counts. cbv zeta. rewrite sum_counts_fst, sum_counts_snd.
    set (of_answer := case_counts n d T p g q (logits_by_output n d T q) (position_weights T p q)
      (map (candidates T q) (seq 0 n))).
    assert (each : forall (part : Z * Z -> Z) (P : list nat -> bool),
      (forall m, q <= m -> m < d -> (part (of_answer m) <= of_case M q m (fun x => P (x ++ [q])))%Z) ->
      (sum_list (fun m => part (of_answer m)) (seq q (d - q)) <=
        total d (n - 1) (fun x => indicator (P (x ++ [q]))))%Z).
    { intros part P sound. rewrite sum_list_seq. etransitivity; [|apply (answers_total M P q q (d - q))].
      apply sumZ_le. intros k inside. etransitivity; [apply sound; lia|]. apply of_case_answer; lia. }
    split.
    - apply (each fst (fun x => if correct_dec M x then true else false)). intros m ordered answer_m.
      apply (case_counts_sound q m answer_m ordered).
    - apply (each snd (fun x => if correct_dec M x then false else true)). intros m ordered answer_m.
      apply (case_counts_sound q m answer_m ordered).
  Qed.
End Sound.

(** The main theorem: an accepted claim holds. *)
Theorem exact_sound : forall (N : Z) (M : model) (c : exact_certificate),
  exact_check N M c = true ->
  correct_count M = N.
Proof.
  intros N M c check. unfold exact_check, exact_verdict in check. cbv zeta in check.
  destruct (first_failure (tables_tests M (tables_of M) ++ _)) eqn:none in check; [discriminate check|].
  assert (tests := first_failure_app _ _ none).
  assert (fits : gap_fits (tables_of M) (exact_unit c) = true)
    by (apply (first_failure_none _ none _ (May_overflow Gap_shift)), in_or_app; right; left; reflexivity).
  set (counts := sum_counts _ _) in check. cbn [first_failure] in check.
  destruct (Z.eqb_spec (fst counts) N) as [rights|]; [|discriminate check].
  destruct (Z.eqb_spec (fst counts + snd counts) (Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M))) as [every|];
    [|discriminate check].
  assert (right : (fst counts <= correct_count M)%Z).
  { unfold counts. rewrite sum_counts_fst, sum_list_seq, correct_count_total, (total_by_last M (core_none M tests)).
    apply sumZ_le. intros q token. apply (query_counts_sound M (exact_unit c) tests fits q token). }
  assert (wrong : (snd counts <= Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M) - correct_count M)%Z).
  { unfold counts. rewrite sum_counts_snd, sum_list_seq, wrong_count_total, (total_by_last M (core_none M tests)).
    apply sumZ_le. intros q token. apply (query_counts_sound M (exact_unit c) tests fits q token). }
  lia.
Qed.
