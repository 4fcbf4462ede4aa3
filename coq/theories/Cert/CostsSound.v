(* CompactProofs: Cert: CostsSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia Lra.
From CompactProofs Require Import Spec.Network Spec.MaxOfK Base.Sums Base.Totals Base.Signed63 Base.ExpBounds Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound Cert.TablesSound Cert.Terms Cert.TermsSound Cert.SequencesSound.
From CompactProofs Require Import Cert.CountCheck Cert.CountSound Cert.CostsCheck.
Import ListNotations.
(** * Costs bound what they should
    A sequence whose costs add up to less than 0, and whose largest token is m, is right.
    - [column_ok] (of CountSound) == a column has one cost for each token 0 .. m, within 31 bits
    Main results: [costs_ok], [counted_correct]. Source: docs/max_of_k.md, section 2. *)
Local Open Scope R_scope.

(** ** Worst gaps of a row *)

Local Lemma gaps_from_spec : forall (g lowest : int) (b : Z) (row : list int) (before : int),
  (0 <= b <= 2 ^ 60)%Z ->
  signed lowest = (- b)%Z ->
  (forall x, In x row -> (Z.abs (signed x) <= b)%Z) ->
  (Z.abs (signed before) <= b)%Z ->
  let (gaps, after) := gaps_from g lowest before row in
  length gaps = length row /\
  (Z.abs (signed after) <= b)%Z /\
  (forall w, (w < length row)%nat -> (at1 row w <= signed after)%Z) /\
  forall m, (m < length row)%nat -> exists top : int,
    nth m gaps 0%uint63 = shift_up g (top - nth m row 0)%uint63 /\
    (Z.abs (signed top) <= b)%Z /\
    (signed before <= signed top)%Z /\
    forall w, (w < length row)%nat -> w <> m -> (at1 row w <= signed top)%Z.
Proof.
  intros g lowest b row. induction row as [|x row IH]; intros before b_range low_value bounds before_bound; cbn [gaps_from].
  - split; [reflexivity|]. split; [lia|]. split; intros w inside; inversion inside.
  - assert (x_bound : (Z.abs (signed x) <= b)%Z) by (apply bounds; left; reflexivity).
    specialize (IH (smax before x) b_range low_value ltac:(intros y member; apply bounds; right; exact member)
      ltac:(rewrite signed_smax; lia)).
    destruct (gaps_from g lowest (smax before x) row) as [gaps after].
    destruct IH as (len & after_bound & after_ge & each).
    split; [cbn; lia|]. split; [rewrite signed_smax; lia|]. split.
    + intros [|w] inside; rewrite signed_smax; [unfold at1; cbn [nth]; lia|].
      assert (rest := after_ge w ltac:(cbn in inside; lia)). unfold at1 in *. cbn [nth]. lia.
    + intros [|m] inside.
      * exists (smax before after). split; [reflexivity|]. split; [rewrite signed_smax; lia|].
        split; [rewrite signed_smax; lia|]. intros [|w] inside_w other; [contradiction other; reflexivity|].
        assert (rest := after_ge w ltac:(cbn in inside_w; lia)). rewrite signed_smax. unfold at1 in *. cbn [nth]. lia.
      * destruct (each m ltac:(cbn in inside; lia)) as (top & value & top_bound & before_le & others).
        rewrite signed_smax in before_le. exists top. split; [exact value|]. split; [exact top_bound|]. split; [lia|].
        intros [|w] inside_w other; [unfold at1; cbn [nth]; lia|].
        apply (others w); [cbn in inside_w; lia | congruence].
Qed.

Local Lemma nth_transpose : forall (columns m : nat) (rows : list (list int)), (m < columns)%nat ->
  nth m (transpose columns rows) [] = map (fun row => nth m row 0%uint63) rows.
Proof.
  induction columns as [|columns IH]; intros m rows inside; [lia|]. cbn [transpose].
  destruct m as [|m]; cbn [nth].
  - apply map_ext. intros [|x row]; reflexivity.
  - rewrite IH by lia. rewrite map_map. apply map_ext. intros [|x row]; [destruct m; reflexivity | reflexivity].
Qed.

(** Tokens up to m, with m among them unless it is q: then m is the answer. *)
Lemma chosen_answer : forall (q m : nat) (x : list nat),
  (q <= m)%nat -> below (S m) x -> chosen_new m (Nat.eqb q m) x = true -> answer (x ++ [q]) = m.
Proof.
  intros q m x ordered inside new. unfold answer.
  rewrite list_max_app. cbn [list_max fold_right]. rewrite Nat.max_0_r.
  assert (above : (list_max x <= m)%nat).
  { apply list_max_le. unfold below in inside. rewrite Forall_forall in *. intros t member.
    specialize (inside t member). lia. }
  unfold chosen_new in new. apply orb_prop in new. destruct new as [same|among].
  - apply Nat.eqb_eq in same. lia.
  - apply existsb_exists in among. destruct among as (t & member & same). apply Nat.eqb_eq in same. subst t.
    assert (bounds := proj1 (list_max_le x (list_max x)) (Nat.le_refl _)). rewrite Forall_forall in bounds.
    specialize (bounds m member). lia.
Qed.

Section Sound.
  Context (M : model) (g : int).
  Local Notation T := (tables_of M).
  Local Notation p := (precision_of (score_shift M)).
  Local Notation n := (n_ctx M).
  Local Notation d := (d_vocab M).
  Context (tests : first_failure (tables_tests M T) = None) (gaps : gap_fits T g = true).

  Local Lemma low_value : signed (lowest T) = (- largest_output T)%Z.
  Proof.
    assert (bound := largest_output_bound M tests). unfold lowest.
    apply signed_of_congruent; [apply congruent_of_Z | lia].
  Qed.

  (** A gap that bounds what every wrong output gains on output m, for token t at position i. *)
  Local Definition worst_gap (q i t m : nat) (gap : int) : Prop :=
    (Z.abs (signed gap) <= 2 ^ 31)%Z /\
    forall w, (w < d)%nat -> w <> m -> (output T q t i w - output T q t i m <= 2 ^ to_Z g * signed gap)%Z.

  Local Lemma gap_row_spec : forall q i t m : nat,
    (q < d)%nat -> (i < n)%nat -> (t < d)%nat -> (m < d)%nat ->
    worst_gap q i t m (nth m (gap_row T g (lowest T) q i t) 0%uint63).
  Proof.
    intros q i t m token_q position token answer. unfold gap_row.
    assert (values := fun w inside => proj1 (output_row_spec M tests q i t w token_q position token inside)).
    assert (len := proj2 (output_row_spec M tests q i t m token_q position token answer)).
    assert (largest := largest_output_bound M tests).
    destruct (gap_fits_bound M g gaps) as [small fits].
    assert (bounds : forall x, In x (output_row T q i t) -> (Z.abs (signed x) <= largest_output T)%Z).
    { intros x member. apply (In_nth _ _ 0%uint63) in member. destruct member as (w & inside & <-).
      rewrite len in inside. fold (at1 (output_row T q i t) w). rewrite values by exact inside. apply output_largest. }
    assert (spec := gaps_from_spec g (lowest T) (largest_output T) (output_row T q i t) (lowest T)
      largest low_value bounds ltac:(rewrite low_value; lia)).
    destruct (gaps_from g (lowest T) (lowest T) (output_row T q i t)) as [row after]. cbn [fst].
    destruct spec as (_ & _ & _ & each). destruct (each m ltac:(lia)) as (top & -> & top_bound & _ & others).
    assert (correct_bound := output_largest M q t i m).
    assert (difference : signed (top - nth m (output_row T q i t) 0)%uint63 = (signed top - output T q t i m)%Z).
    { assert (value_m := values m answer). unfold at1 in value_m.
      rewrite signed_sub; rewrite value_m; lia. }
    split.
    - apply shift_up_abs; rewrite ?difference; lia.
    - intros w inside other. assert (above := le_shift_up g (top - nth m (output_row T q i t) 0)%uint63 small).
      rewrite difference in above. specialize (above ltac:(lia)).
      assert (less := others w ltac:(lia) other). rewrite values in less by exact inside. lia.
  Qed.

  Local Lemma gap_rows_nth : forall q i t : nat, (t < d)%nat -> nth t (gap_rows T g (lowest T) q i) [] = gap_row T g (lowest T) q i t.
  Proof.
    intros q i t token. unfold gap_rows. cbv zeta.
    rewrite (nth_map_any _ _ _ _ _ []) by (rewrite (has_shape_length _ _ _ _ (table_logits M tests)); exact token).
    reflexivity.
  Qed.

  Local Lemma column_nth : forall q i t m : nat, (t < d)%nat -> (m < d)%nat ->
    nth t (nth m (transpose d (gap_rows T g (lowest T) q i)) []) 0%uint63 = nth m (gap_row T g (lowest T) q i t) 0%uint63.
  Proof.
    intros q i t m token answer. rewrite nth_transpose by exact answer.
    rewrite (nth_map_any _ _ _ _ _ []).
    - rewrite gap_rows_nth by exact token. reflexivity.
    - unfold gap_rows. cbv zeta. rewrite map_length, (has_shape_length _ _ _ _ (table_logits M tests)). exact token.
  Qed.

  Local Lemma column_length : forall q i m : nat, (m < d)%nat -> length (nth m (transpose d (gap_rows T g (lowest T) q i)) []) = d.
  Proof.
    intros q i m answer. rewrite nth_transpose by exact answer. rewrite map_length. unfold gap_rows. cbv zeta.
    rewrite map_length. apply (has_shape_length _ _ _ _ (table_logits M tests)).
  Qed.

  (** ** Attention weights *)

  Local Definition unit : R := 2 ^ (30 + score_shift M).

  Local Definition token_row (q bound : nat) : list int := firstn bound (nth q (score_rows T) []).

  Local Definition position_row (q : nat) : list int := nth q (score_pos_rows T) [].

  Local Definition reference (q bound : nat) : R :=
    IZR (signed (row_top (token_row q bound)) + signed (row_top (position_row q))) / unit.

  Local Lemma attention_length : forall q bound : nat, (q < d)%nat -> length (attention T p q bound) = n.
  Proof.
    intros q bound token. unfold attention. cbv zeta. rewrite map_length. unfold row_enclosures. cbv zeta.
    rewrite map_length. apply (has_shape_row _ _ _ _ _ (table_scores_pos M tests) token).
  Qed.

  Local Lemma token_row_length : forall q bound : nat, (q < d)%nat -> length (token_row q bound) = Nat.min bound d.
  Proof.
    intros q bound token. unfold token_row.
    rewrite firstn_length, (has_shape_row _ _ _ _ _ (shape_scores M tests) token). reflexivity.
  Qed.

  Local Lemma nth_firstn : forall (l : list int) (k j : nat), (j < k)%nat -> nth j (firstn k l) 0%uint63 = nth j l 0%uint63.
  Proof.
    induction l as [|x l IH]; intros k j inside; [rewrite firstn_nil; reflexivity|].
    destruct k as [|k]; [lia|]. destruct j as [|j]; [reflexivity|]. cbn [firstn nth]. apply IH. lia.
  Qed.

  Local Lemma attention_nth : forall q bound i t : nat,
    (q < d)%nat -> (i < n)%nat -> (t < bound)%nat -> (t < d)%nat ->
    encloses (nth t (nth i (attention T p q bound) []) (0, 0)%uint63)
      (exp (IZR (at2 (score_rows T) q t + at2 (score_pos_rows T) q i) / unit - reference q bound)) /\
    length (nth i (attention T p q bound) []) = Nat.min bound d.
  Proof.
    intros q bound i t token_q position small token. assert (shift_small := shift_bound M (core_none M tests)).
    assert (len_pos := has_shape_row _ _ _ _ _ (table_scores_pos M tests) token_q).
    assert (len_tokens := token_row_length q bound token_q).
    unfold attention. cbv zeta. fold (token_row q bound). fold (position_row q).
    rewrite (nth_map_any _ _ _ _ _ (0, 0)%uint63)
      by (unfold row_enclosures; cbv zeta; rewrite map_length; unfold position_row; lia).
    assert (len : length (row_enclosures p (token_row q bound)) = Nat.min bound d)
      by (unfold row_enclosures; cbv zeta; rewrite map_length; exact len_tokens).
    split; [|rewrite map_length; exact len].
    rewrite (nth_map_any enclosure _ _ _ _ (0, 0)%uint63) by lia.
    replace (exp (IZR (at2 (score_rows T) q t + at2 (score_pos_rows T) q i) / unit - reference q bound))
      with (exp (IZR (at1 (token_row q bound) t - signed (row_top (token_row q bound))) / unit) *
            exp (IZR (at1 (position_row q) i - signed (row_top (position_row q))) / unit)).
    - apply both_encloses; apply row_enclosures_nth; try exact shift_small.
      + intros x member. apply (In_nth _ _ 0%uint63) in member. destruct member as (j & inside & <-).
        unfold token_row in inside |- *. rewrite firstn_length in inside. rewrite nth_firstn by lia.
        assert (bound_j := score_bound M tests q j). unfold at2, at1 in bound_j. lia.
      + lia.
      + intros x member. apply (In_nth _ _ 0%uint63) in member. destruct member as (j & inside & <-).
        assert (bound_j := table_score_pos_bound M tests q j). unfold at2, at1 in bound_j. unfold position_row. lia.
      + unfold position_row. lia.
    - rewrite <- exp_plus. f_equal. unfold reference. rewrite !minus_IZR, !plus_IZR.
      unfold at2. replace (at1 (token_row q bound) t) with (at1 (nth q (score_rows T) []) t)
        by (unfold token_row, at1; rewrite nth_firstn by exact small; reflexivity).
      unfold position_row, unit. field. apply Rgt_not_eq, pow_lt. lra.
  Qed.

  (** ** One query and one largest token *)

  Section Case.
    Context (q m bound : nat) (scale : int).
    Context (token_q : (q < d)%nat) (answer_m : (m < d)%nat) (ordered : (q <= m)%nat) (inside_block : (m < bound)%nat).
    Context (scale_small : (to_Z scale <= 2 ^ 30)%Z).
    Local Notation weights := (attention T p q bound).
    Local Notation columns := (gap_columns n d T g (lowest T) q).
    Local Notation costs := (case_costs columns weights m scale).
    Local Notation last := (case_last n q (last_gaps n T g (lowest T) q) weights m scale).

    (** The real number that a cost bounds: scale times weight times gap. *)
    Local Definition bounds_cost (i t : nat) (h : int) : Prop :=
      (Z.abs (signed h) <= 2 ^ 31)%Z /\
      forall w, (w < d)%nat -> w <> m ->
        IZR (to_Z scale) *
          (exp (IZR (at2 (score_rows T) q t + at2 (score_pos_rows T) q i) / unit - reference q bound) *
           IZR (output T q t i w - output T q t i m)) <= IZR (2 ^ (30 + to_Z g)) * IZR (signed h).

    Local Lemma scaled_term_bound : forall (i t : nat) (e : enclosure) (gap : int),
      encloses e (exp (IZR (at2 (score_rows T) q t + at2 (score_pos_rows T) q i) / unit - reference q bound)) ->
      worst_gap q i t m gap ->
      bounds_cost i t (scaled_term scale e gap).
    Proof.
      intros i t e gap enc [gap_bound gap_above]. unfold scaled_term.
      set (a := exp (IZR (at2 (score_rows T) q t + at2 (score_pos_rows T) q i) / unit - reference q bound)) in *.
      assert (term_abs := upper_term_abs e a gap enc gap_bound).
      assert (term := upper_term_bound e a gap enc gap_bound).
      split; [apply scale_up_abs; [exact term_abs | exact scale_small]|].
      intros w inside other. assert (scaled := le_scale_up _ _ term_abs scale_small).
      assert (g_nonneg := to_Z_range g). rewrite Z.pow_add_r, mult_IZR by lia.
      apply IZR_le in scaled. rewrite !mult_IZR in scaled.
      assert (above := gap_above w inside other). apply IZR_le in above. rewrite mult_IZR in above.
      assert (a_nonneg : 0 <= a) by (left; apply exp_pos).
      assert (c_nonneg : 0 <= IZR (to_Z scale)) by (apply IZR_le, to_Z_range).
      assert (power_pos : 0 < IZR (2 ^ to_Z g)) by (apply IZR_lt, Z.pow_pos_nonneg; lia).
      set (G := IZR (signed gap)) in *. set (U := IZR (signed (upper_term e gap))) in *.
      apply Rle_trans with (IZR (to_Z scale) * (IZR (2 ^ to_Z g) * U)).
      - apply Rmult_le_compat_l; [exact c_nonneg|].
        apply Rle_trans with (a * (IZR (2 ^ to_Z g) * G)).
        + apply Rmult_le_compat_l; assumption.
        + replace (a * (IZR (2 ^ to_Z g) * G)) with (IZR (2 ^ to_Z g) * (a * G)) by ring.
          apply Rmult_le_compat_l; [left; exact power_pos | exact term].
      - replace (IZR (to_Z scale) * (IZR (2 ^ to_Z g) * U)) with (IZR (2 ^ to_Z g) * (U * IZR (to_Z scale))) by ring.
        replace (IZR (2 ^ 30) * IZR (2 ^ to_Z g) * IZR (signed (scale_up (upper_term e gap) scale)))
          with (IZR (2 ^ to_Z g) * (IZR (2 ^ 30) * IZR (signed (scale_up (upper_term e gap) scale)))) by ring.
        apply Rmult_le_compat_l; [left; exact power_pos | exact scaled].
    Qed.

    Local Lemma columns_length : length columns = (n - 1)%nat.
    Proof. unfold gap_columns. rewrite map_length, seq_length. reflexivity. Qed.

    Lemma costs_length : length costs = (n - 1)%nat.
    Proof.
      unfold case_costs. rewrite zip_with_length, columns_length.
      rewrite attention_length by exact token_q. lia.
    Qed.

    Local Lemma costs_nth : forall i : nat, (i < n - 1)%nat ->
      length (nth i costs []) = S m /\
      forall t, (t < S m)%nat -> bounds_cost i t (nth t (nth i costs []) 0%uint63).
    Proof.
      intros i inside. unfold case_costs.
      rewrite (nth_zip_with _ _ _ _ _ _ _ [] []).
      2: { rewrite attention_length by exact token_q. lia. }
      2: { rewrite columns_length. exact inside. }
      assert (column : nth i columns [] = transpose d (gap_rows T g (lowest T) q i)).
      { unfold gap_columns. rewrite (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; exact inside).
        rewrite seq_nth by exact inside. reflexivity. }
      rewrite column.
      assert (row_len : length (nth i weights []) = Nat.min bound d)
        by (apply (attention_nth q bound i m); try assumption; lia).
      assert (first_len : length (firstn (S m) (nth i weights [])) = S m) by (rewrite firstn_length; lia).
      split.
      - rewrite zip_with_length, first_len, column_length by exact answer_m. lia.
      - intros t small. rewrite (nth_zip_with enclosure int int _ _ _ _ (0, 0)%uint63 0%uint63).
        + apply scaled_term_bound.
          * assert (same : nth t (firstn (S m) (nth i weights [])) (0, 0)%uint63 = nth t (nth i weights []) (0, 0)%uint63).
            { rewrite <- (firstn_skipn (S m) (nth i weights [])) at 2. rewrite app_nth1 by lia. reflexivity. }
            rewrite same. apply attention_nth; lia.
          * rewrite column_nth by lia. apply gap_row_spec; lia.
        + lia.
        + rewrite column_length by exact answer_m. lia.
    Qed.

    Local Lemma last_bound : bounds_cost (n - 1) q last.
    Proof.
      assert (some := context_pos M (core_none M tests)). unfold case_last, last_gaps. apply scaled_term_bound.
      - apply attention_nth; lia.
      - apply gap_row_spec; lia.
    Qed.

    Local Lemma cost_sum : forall (columns' : list (list int)) (x : list nat), length x = length columns' ->
      cost signed columns' x = sumZ (length columns') (fun i => signed (nth (nth i x O) (nth i columns' []) 0%uint63)).
    Proof.
      induction columns' as [|column columns' IH]; intros x len; destruct x as [|t x]; try discriminate len; [reflexivity|].
      cbn [cost length sumZ nth]. rewrite IH by (cbn in len; lia). reflexivity.
    Qed.

    (** A counted sequence is right, and its answer is m. *)
    Theorem counted_correct : forall x : list nat, below (S m) x -> length x = (n - 1)%nat ->
      chosen_new m (Nat.eqb q m) x && (cost signed costs x + signed last <? 0)%Z = true ->
      correct M (x ++ [q]) /\ answer (x ++ [q]) = m.
    Proof.
      intros x inside len counted. apply andb_prop in counted. destruct counted as [new negative].
      apply Z.ltb_lt in negative. assert (some := context_pos M (core_none M tests)).
      assert (inside_d : below d x).
      { unfold below in *. rewrite Forall_forall in *. intros t member. specialize (inside t member). lia. }
      destruct (snoc_facts M (core_none M tests) q x token_q inside_d len) as (len' & inside' & last_is_q).
      assert (answer_is_m := chosen_answer q m x ordered inside new).
      split; [|exact answer_is_m]. intros w inside_w other. rewrite answer_is_m in *.
      rewrite (logit_lt_iff M tests (x ++ [q]) len' inside' w m (reference q bound) inside_w answer_m).
      rewrite last_is_q.
      assert (token : forall i, (i < n - 1)%nat -> nth i (x ++ [q]) O = nth i x O)
        by (intros i small; apply app_nth1; lia).
      assert (token_last : nth (n - 1) (x ++ [q]) O = q)
        by (rewrite app_nth2 by lia; rewrite len, Nat.sub_diag; reflexivity).
      (* the cost of each position *)
      set (h := fun i => if (i <? n - 1)%nat then nth (nth i x O) (nth i costs []) 0%uint63 else last).
      assert (h_bound : forall i, (i < n)%nat -> bounds_cost i (nth i (x ++ [q]) O) (h i)).
      { intros i small. unfold h. destruct (Nat.ltb_spec i (n - 1)) as [free|final].
        - rewrite token by exact free. apply costs_nth; [exact free|].
          unfold below in inside. rewrite Forall_forall in inside. apply inside, nth_In. lia.
        - replace i with (n - 1)%nat by lia. rewrite token_last. exact last_bound. }
      assert (h_sum : sumZ n (fun i => signed (h i)) = (cost signed costs x + signed last)%Z).
      { replace n with ((n - 1) + 1)%nat at 1 by lia. rewrite sumZ_app. cbn [sumZ]. rewrite Nat.add_0_r, Z.add_0_r.
        f_equal.
        - rewrite cost_sum by (rewrite costs_length; exact len). rewrite costs_length.
          apply sumZ_ext. intros i small. unfold h. destruct (Nat.ltb_spec i (n - 1)); [reflexivity | lia].
        - unfold h. rewrite Nat.ltb_irrefl. reflexivity. }
      rewrite <- h_sum in negative. apply IZR_lt in negative. rewrite IZR_sumZ in negative.
      set (true_sum := sum n (fun i => exp (score M (x ++ [q]) i - reference q bound) *
        IZR (output T q (nth i (x ++ [q]) O) i w - output T q (nth i (x ++ [q]) O) i m))).
      assert (bounded : IZR (to_Z scale) * true_sum <= IZR (2 ^ (30 + to_Z g)) * sum n (fun i => IZR (signed (h i)))).
      { unfold true_sum. rewrite <- !sum_mult_l. apply sum_le. intros i small.
        rewrite (score_of_tables M tests (x ++ [q]) len' inside' i small). rewrite last_is_q.
        apply (h_bound i small); assumption. }
      assert (g_nonneg := to_Z_range g).
      assert (power_pos : 0 < IZR (2 ^ (30 + to_Z g))) by (apply IZR_lt, Z.pow_pos_nonneg; lia).
      assert (c_nonneg : 0 <= IZR (to_Z scale)) by (apply IZR_le, to_Z_range).
      assert (right_negative : IZR (2 ^ (30 + to_Z g)) * sum n (fun i => IZR (signed (h i))) < 0).
      { rewrite <- (Rmult_0_r (IZR (2 ^ (30 + to_Z g)))). apply Rmult_lt_compat_l; assumption. }
      destruct (Rlt_le_dec true_sum 0) as [less|not_less]; [exact less|].
      assert (0 <= IZR (to_Z scale) * true_sum) by (apply Rmult_le_pos; assumption). lra.
    Qed.

    Theorem costs_ok : Forall (column_ok m) costs /\ (Z.abs (signed last) <= 2 ^ 31)%Z.
    Proof.
      split; [|apply last_bound].
      apply Forall_forall. intros column member. apply (In_nth _ _ []) in member. destruct member as (i & inside & <-).
      rewrite costs_length in inside. destruct (costs_nth i inside) as [len each]. split; [exact len|].
      intros h member. apply (In_nth _ _ 0%uint63) in member. destruct member as (t & small & <-).
      apply each. lia.
    Qed.
  End Case.
End Sound.
