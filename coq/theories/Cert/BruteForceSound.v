(* CompactProofs: Cert: BruteForceSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia Lra.
From CompactProofs Require Import Spec.Network Spec.MaxOfK Base.Sums Base.Totals Base.Signed63 Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound Cert.TablesSound Cert.Terms Cert.TermsSound.
From CompactProofs Require Import Cert.SequencesSound Cert.BruteForceCheck.
Import ListNotations.
(** * Brute force is sound
    - [pick q i x] == the candidates that sequence [x], from position [i] on, chooses
    Main results: [right_correct], [wrong_incorrect], [exactly_sound], [brute_force_sound], [brute_force_exact_sound]. *)
Local Open Scope R_scope.

(** ** The sum of rows *)

Local Lemma sum_rows_spec : forall (d j : nat) (rows : list (list int)) (b : Z),
  (forall row, In row rows -> length row = d) ->
  (forall row, In row rows -> (Z.abs (at1 row j) <= b)%Z) ->
  (Z.of_nat (length rows) * b < 2 ^ 62)%Z -> (0 <= b)%Z ->
  (j < d)%nat ->
  length (sum_rows d rows) = d /\
  at1 (sum_rows d rows) j = sumZ (length rows) (fun i => at1 (nth i rows []) j).
Proof.
  intros d j rows b lengths bounds fits nonneg inside.
  assert (every : length (sum_rows d rows) = d /\
    congruent (nth j (sum_rows d rows) 0%uint63) (sumZ (length rows) (fun i => at1 (nth i rows []) j))).
  { clear bounds fits. induction rows as [|row rows IH].
    - cbn. split; [apply repeat_length|]. rewrite nth_repeat. exact (congruent_to_Z 0).
    - destruct IH as [len value]; [intros r member; apply lengths; right; exact member|].
      assert (len_row : length row = d) by (apply lengths; left; reflexivity).
      change (sum_rows d (row :: rows)) with (add_rows row (sum_rows d rows)).
      split; [rewrite add_rows_length; congruence|].
      rewrite nth_add_rows by lia. cbn [length sumZ nth]. apply congruent_add; [apply signed_congruent | exact value]. }
  destruct every as [len value]. split; [exact len|]. apply signed_of_congruent; [exact value|].
  assert (bound : (Z.abs (sumZ (length rows) (fun i => at1 (nth i rows []) j)) <= Z.of_nat (length rows) * b)%Z).
  { apply sumZ_bound. intros k member. apply bounds, nth_In, member. }
  lia.
Qed.

Local Lemma all_but_true : forall (test : int -> bool) (row : list int) (m w : nat),
  all_but test m row = true -> (w < length row)%nat -> w <> m -> test (nth w row 0%uint63) = true.
Proof.
  intros test. induction row as [|x row IH]; intros m w every inside other; [inversion inside|].
  destruct m as [|m]; cbn [all_but] in every.
  - destruct w as [|w]; [contradiction other; reflexivity|]. rewrite forallb_forall in every.
    apply every. cbn [nth]. apply nth_In. cbn in inside. lia.
  - destruct (test x) eqn:first; [|discriminate every]. rename every into rest. destruct w as [|w]; [exact first|].
    cbn [nth]. apply (IH m); [exact rest | cbn in inside; lia | congruence].
Qed.

Local Lemma all_but_false : forall (test : int -> bool) (row : list int) (m : nat),
  all_but test m row = false -> exists w, (w < length row)%nat /\ w <> m /\ test (nth w row 0%uint63) = false.
Proof.
  intros test. induction row as [|x row IH]; intros m some; [cbn in some; discriminate some|].
  destruct m as [|m]; cbn [all_but] in some.
  - assert (found : exists y, In y row /\ test y = false).
    { clear IH. induction row as [|y row IHr]; [cbn in some; discriminate some|]. cbn [forallb] in some.
      destruct (test y) eqn:result.
      - destruct (IHr some) as (z & member & fails). exists z. split; [right; exact member | exact fails].
      - exists y. split; [left; reflexivity | exact result]. }
    destruct found as (y & member & fails). apply (In_nth _ _ 0%uint63) in member.
    destruct member as (w & inside & <-). exists (S w). cbn. repeat split; [lia | lia | exact fails].
  - destruct (test x) eqn:fails.
    2: { exists O. cbn. repeat split; [lia | lia | exact fails]. }
    destruct (IH m some) as (w & inside & other & stops). exists (S w). cbn. repeat split; [lia | lia | exact stops].
Qed.

Section Sound.
  Context (M : model) (g : int).
  Local Notation T := (tables_of M).
  Local Notation p := (precision_of (score_shift M)).
  Local Notation n := (n_ctx M).
  Local Notation d := (d_vocab M).
  Context (tests : first_failure (tables_tests M T) = None) (gaps : gap_fits T g = true).

  (** The candidates that sequence [x], from position [i] on, chooses. *)
  Fixpoint pick (q i : nat) (x : list nat) : list candidate :=
    match x with
    | [] => []
    | token :: rest => nth token (candidates T q i) no_candidate :: pick q (S i) rest
    end.

  Local Lemma pick_length : forall (q : nat) (x : list nat) (i : nat), length (pick q i x) = length x.
  Proof. intros q x. induction x as [|t x IH]; intros i; cbn; [reflexivity|]. rewrite IH. reflexivity. Qed.

  Local Lemma pick_nth : forall (q : nat) (x : list nat) (i j : nat), (j < length x)%nat ->
    nth j (pick q i x) no_candidate = nth (nth j x O) (candidates T q (i + j)) no_candidate.
  Proof.
    intros q x. induction x as [|t x IH]; intros i j inside; [inversion inside|].
    destruct j as [|j]; cbn [pick nth]; [rewrite Nat.add_0_r; reflexivity|].
    rewrite IH by (cbn in inside; lia). rewrite Nat.add_succ_r. reflexivity.
  Qed.

  Local Lemma candidates_length : forall q i : nat, (q < d)%nat -> length (candidates T q i) = d.
  Proof.
    intros q i token. unfold candidates. cbv zeta. rewrite zip_with_length.
    rewrite (has_shape_row _ _ _ _ _ (shape_scores M tests) token), (has_shape_length _ _ _ _ (table_logits M tests)).
    apply Nat.min_id.
  Qed.

  Local Lemma candidate_score : forall q i t : nat, (q < d)%nat -> (t < d)%nat ->
    signed (fst (nth t (candidates T q i) no_candidate)) =
    (at2 (score_rows T) q t + at2 (score_pos_rows T) q i)%Z.
  Proof.
    intros q i t token_q token. unfold candidates. cbv zeta.
    rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 []).
    - cbn [fst]. assert (b1 := score_bound M tests q t). assert (b2 := table_score_pos_bound M tests q i).
      apply signed_add.
      change (- 2 ^ 62 <= at2 (score_rows T) q t + at2 (score_pos_rows T) q i < 2 ^ 62)%Z. lia.
    - rewrite (has_shape_row _ _ _ _ _ (shape_scores M tests) token_q). exact token.
    - rewrite (has_shape_length _ _ _ _ (table_logits M tests)). exact token.
  Qed.

  Local Lemma candidate_row : forall q i t w : nat, (q < d)%nat -> (i < n)%nat -> (t < d)%nat -> (w < d)%nat ->
    at1 (snd (nth t (candidates T q i) no_candidate)) w = output T q t i w /\
    length (snd (nth t (candidates T q i) no_candidate)) = d.
  Proof.
    intros q i t w token_q position token inside. unfold candidates. cbv zeta.
    rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 []).
    - apply (output_row_spec M tests q i t w token_q position token inside).
    - rewrite (has_shape_row _ _ _ _ _ (shape_scores M tests) token_q). exact token.
    - rewrite (has_shape_length _ _ _ _ (table_logits M tests)). exact token.
  Qed.

  (** ** One sequence *)

  Section Sequence.
    Context (x : list nat) (length_x : length x = n) (tokens : below d x).
    Let q := last_token M x.
    Let m := answer x.
    Let chosen := pick q 0 x.
    Let top := row_top (map fst chosen).
    Let reference := IZR (signed top) / 2 ^ (30 + score_shift M).

    Local Lemma token_at : forall i : nat, (i < n)%nat -> (nth i x O < d)%nat.
    Proof. intros i inside. apply (token_below M x length_x tokens i inside). Qed.

    Local Lemma q_below : (q < d)%nat.
    Proof. exact (last_token_below M (core_none M tests) x length_x tokens). Qed.

    Local Lemma answer_below : (m < d)%nat.
    Proof. exact (answer_below M (core_none M tests) x length_x tokens). Qed.

    Local Lemma chosen_nth : forall i : nat, (i < n)%nat ->
      nth i chosen no_candidate = nth (nth i x O) (candidates T q i) no_candidate.
    Proof. intros i inside. apply (pick_nth q x 0 i). rewrite length_x. exact inside. Qed.

    Local Lemma score_abs : forall s : int, In s (map fst chosen) -> (Z.abs (signed s) <= 2 ^ 61)%Z.
    Proof.
      intros s member. apply in_map_iff in member. destruct member as (c & <- & member).
      apply (In_nth _ _ no_candidate) in member. destruct member as (i & inside & <-).
      unfold chosen in inside. rewrite pick_length, length_x in inside.
      rewrite chosen_nth by exact inside. rewrite candidate_score by (apply q_below || apply token_at, inside).
      assert (b1 := score_bound M tests q (nth i x O)). assert (b2 := table_score_pos_bound M tests q i).
      lia.
    Qed.

    Local Lemma weight_encloses : forall i : nat, (i < n)%nat ->
      encloses (relative_exp p top (fst (nth i chosen no_candidate))) (exp (score M x i - reference)).
    Proof.
      intros i inside.
      assert (member : In (fst (nth i chosen no_candidate)) (map fst chosen)).
      { apply in_map, nth_In. unfold chosen. rewrite pick_length, length_x. exact inside. }
      assert (value : score M x i - reference =
        IZR (signed (fst (nth i chosen no_candidate)) - signed top) / 2 ^ (30 + score_shift M)).
      { rewrite (score_of_tables M tests x length_x tokens i inside). fold q. unfold reference.
        rewrite chosen_nth by exact inside. rewrite candidate_score by (apply q_below || apply token_at, inside).
        rewrite minus_IZR. field. apply Rgt_not_eq, pow_lt. lra. }
      rewrite value. apply relative_exp_encloses.
      - exact (shift_bound M (core_none M tests)).
      - apply score_abs. unfold top. apply row_top_in. intro empty. rewrite empty in member. contradiction.
      - apply score_abs, member.
      - apply row_top_ge, member.
    Qed.

    Local Lemma gap_value : forall i w : nat, (i < n)%nat -> (w < d)%nat ->
      let row := snd (nth i chosen no_candidate) in
      signed (nth w row 0 - nth m row 0)%uint63 = (output T q (nth i x O) i w - output T q (nth i x O) i m)%Z /\
      (Z.abs (output T q (nth i x O) i w - output T q (nth i x O) i m) <= 2 ^ 31 * 2 ^ to_Z g)%Z /\
      (Z.abs (output T q (nth i x O) i w - output T q (nth i x O) i m) <= 2 ^ 61)%Z.
    Proof.
      intros i w inside inside_w row. unfold row. rewrite chosen_nth by exact inside.
      destruct (candidate_row q i (nth i x O) w q_below inside (token_at i inside) inside_w) as [value_w _].
      destruct (candidate_row q i (nth i x O) m q_below inside (token_at i inside) answer_below) as [value_m _].
      assert (largest_w := output_largest M q (nth i x O) i w). assert (largest_m := output_largest M q (nth i x O) i m).
      destruct (gap_fits_bound M g gaps) as [_ fits]. assert (largest := largest_output_bound M tests).
      unfold at1 in value_w, value_m.
      rewrite signed_sub by (rewrite value_w, value_m; lia). rewrite value_w, value_m.
      repeat split; lia.
    Qed.

    Local Lemma g_small : (to_Z g <= 61)%Z.
    Proof. destruct (gap_fits_bound M g gaps) as [small _]. exact small. Qed.

    Local Lemma chosen_length : length chosen = n.
    Proof. unfold chosen. rewrite pick_length. exact length_x. Qed.

    Local Lemma row_length : forall i : nat, (i < n)%nat -> length (snd (nth i chosen no_candidate)) = d.
    Proof.
      intros i inside. rewrite chosen_nth by exact inside.
      apply (candidate_row q i (nth i x O) m q_below inside (token_at i inside) answer_below).
    Qed.

    Local Lemma sum_of_terms : forall (row_of : int -> nat -> candidate -> list int) (term : nat -> nat -> int),
      (forall i, (i < n)%nat -> length (row_of top m (nth i chosen no_candidate)) = d) ->
      (forall i w, (i < n)%nat -> (w < d)%nat ->
        nth w (row_of top m (nth i chosen no_candidate)) 0%uint63 = term i w) ->
      (forall i w, (i < n)%nat -> (w < d)%nat -> (Z.abs (signed (term i w)) <= 2 ^ 31)%Z) ->
      forall w : nat, (w < d)%nat ->
      length (sum_rows d (map (row_of top m) chosen)) = d /\
      at1 (sum_rows d (map (row_of top m) chosen)) w = sumZ n (fun i => signed (term i w)).
    Proof.
      intros row_of term lengths values bounds w inside.
      assert (member_nth : forall row, In row (map (row_of top m) chosen) ->
        exists i, (i < n)%nat /\ row = row_of top m (nth i chosen no_candidate)).
      { intros row member. apply in_map_iff in member. destruct member as (c & <- & member).
        apply (In_nth _ _ no_candidate) in member. destruct member as (i & small & <-).
        exists i. rewrite chosen_length in small. split; [exact small | reflexivity]. }
      assert (context := context_bound M (core_none M tests)).
      destruct (sum_rows_spec d w (map (row_of top m) chosen) (2 ^ 31)) as [len value].
      - intros row member. destruct (member_nth row member) as (i & small & ->). apply lengths, small.
      - intros row member. destruct (member_nth row member) as (i & small & ->). unfold at1.
        rewrite values by assumption. apply bounds; assumption.
      - rewrite map_length, chosen_length. lia.
      - lia.
      - exact inside.
      - split; [exact len|]. rewrite value, map_length, chosen_length. apply sumZ_ext. intros i small.
        rewrite (nth_map_any _ _ _ _ _ no_candidate) by (rewrite chosen_length; exact small).
        unfold at1. f_equal. apply values; assumption.
    Qed.

    Local Definition upper_at (i w : nat) : int :=
      let c := nth i chosen no_candidate in
      upper_term (relative_exp p top (fst c)) (shift_up g (nth w (snd c) 0 - nth m (snd c) 0)%uint63).

    Local Definition lower_at (i w : nat) : int :=
      let c := nth i chosen no_candidate in
      lower_term (relative_exp p top (fst c)) (shift_down g (nth w (snd c) 0 - nth m (snd c) 0)%uint63).

    Local Definition true_term (w i : nat) : R :=
      exp (score M x i - reference) * IZR (output T q (nth i x O) i w - output T q (nth i x O) i m).

    Local Lemma pow_g : IZR (2 ^ to_Z g) = 2 ^ Z.to_nat (to_Z g).
    Proof. rewrite pow_IZR, Z2Nat.id by apply to_Z_range. reflexivity. Qed.

    Local Lemma upper_at_bound : forall i w : nat, (i < n)%nat -> (w < d)%nat ->
      true_term w i <= IZR (2 ^ to_Z g) * IZR (signed (upper_at i w)) /\
      (Z.abs (signed (upper_at i w)) <= 2 ^ 31)%Z.
    Proof.
      intros i w inside inside_w. destruct (gap_value i w inside inside_w) as (value & bound & top_bound).
      cbv zeta in value. unfold upper_at. cbv zeta.
      set (gap := (nth w (snd (nth i chosen no_candidate)) 0 - nth m (snd (nth i chosen no_candidate)) 0)%uint63) in *.
      assert (small := g_small). assert (enc := weight_encloses i inside).
      assert (range : (Z.abs (signed (shift_up g gap)) <= 2 ^ 31)%Z)
        by (apply shift_up_abs; rewrite ?value; lia).
      assert (above := le_shift_up g gap small ltac:(rewrite value; lia)).
      split; [|apply (upper_term_abs _ _ _ enc range)].
      assert (term := upper_term_bound _ _ _ enc range).
      assert (weight_nonneg := encloses_nonneg _ _ enc).
      unfold true_term. rewrite <- value. apply IZR_le in above. rewrite mult_IZR in above.
      assert (power_nonneg : 0 <= IZR (2 ^ to_Z g)) by (apply IZR_le, Z.pow_nonneg; lia).
      apply Rle_trans with (exp (score M x i - reference) * (IZR (2 ^ to_Z g) * IZR (signed (shift_up g gap)))).
      - apply Rmult_le_compat_l; assumption.
      - replace (exp (score M x i - reference) * (IZR (2 ^ to_Z g) * IZR (signed (shift_up g gap))))
          with (IZR (2 ^ to_Z g) * (exp (score M x i - reference) * IZR (signed (shift_up g gap)))) by ring.
        apply Rmult_le_compat_l; assumption.
    Qed.

    Local Lemma lower_at_bound : forall i w : nat, (i < n)%nat -> (w < d)%nat ->
      IZR (2 ^ to_Z g) * IZR (signed (lower_at i w)) <= true_term w i /\
      (Z.abs (signed (lower_at i w)) <= 2 ^ 31)%Z.
    Proof.
      intros i w inside inside_w. destruct (gap_value i w inside inside_w) as (value & bound & top_bound).
      cbv zeta in value. unfold lower_at. cbv zeta.
      set (gap := (nth w (snd (nth i chosen no_candidate)) 0 - nth m (snd (nth i chosen no_candidate)) 0)%uint63) in *.
      assert (small := g_small). assert (enc := weight_encloses i inside).
      assert (range : (Z.abs (signed (shift_down g gap)) <= 2 ^ 31)%Z)
        by (apply shift_down_abs; rewrite ?value; lia).
      assert (under := shift_down_le g gap small ltac:(rewrite value; lia)).
      split; [|apply (lower_term_abs _ _ _ enc range)].
      assert (term := lower_term_bound _ _ _ enc range).
      assert (weight_nonneg := encloses_nonneg _ _ enc).
      unfold true_term. rewrite <- value. apply IZR_le in under. rewrite mult_IZR in under.
      assert (power_nonneg : 0 <= IZR (2 ^ to_Z g)) by (apply IZR_le, Z.pow_nonneg; lia).
      apply Rle_trans with (exp (score M x i - reference) * (IZR (2 ^ to_Z g) * IZR (signed (shift_down g gap)))).
      - replace (exp (score M x i - reference) * (IZR (2 ^ to_Z g) * IZR (signed (shift_down g gap))))
          with (IZR (2 ^ to_Z g) * (exp (score M x i - reference) * IZR (signed (shift_down g gap)))) by ring.
        apply Rmult_le_compat_l; assumption.
      - apply Rmult_le_compat_l; assumption.
    Qed.

    Lemma right_correct : right d p g chosen m = true -> correct M x.
    Proof.
      intros verdict w inside other. fold m. fold m in other. 
      rewrite (logit_lt_iff M tests x length_x tokens w m reference inside answer_below). fold q.
      change (sum n (true_term w) < 0).
      destruct (sum_of_terms (upper_row p g) upper_at) with (w := w) as [len value].
      - intros i small. unfold upper_row. cbv zeta. rewrite map_length. apply row_length, small.
      - intros i v small inside_v. unfold upper_row, upper_at. cbv zeta.
        rewrite (nth_map_any _ _ _ _ _ 0%uint63) by (rewrite row_length; assumption). reflexivity.
      - intros i v small inside_v. apply upper_at_bound; assumption.
      - exact inside.
      - unfold right in verdict. cbv zeta in verdict. fold top in verdict.
        assert (sign := all_but_true _ _ _ w verdict ltac:(rewrite len; exact inside) other).
        unfold negative in sign. rewrite slt_spec, signed_zero in sign. apply Z.ltb_lt in sign.
        unfold at1 in value. rewrite value in sign. apply IZR_lt in sign. rewrite IZR_sumZ in sign.
        assert (power_pos : 0 < IZR (2 ^ to_Z g)) by (apply IZR_lt, Z.pow_pos_nonneg; [lia | apply to_Z_range]).
        apply Rle_lt_trans with (sum n (fun i => IZR (2 ^ to_Z g) * IZR (signed (upper_at i w)))).
        + apply sum_le. intros i small. apply upper_at_bound; assumption.
        + rewrite sum_mult_l. nra.
    Qed.

    Lemma wrong_incorrect : wrong d p g chosen m = true -> ~ correct M x.
    Proof.
      intros verdict every. unfold wrong in verdict. cbv zeta in verdict. fold top in verdict.
      apply negb_true_iff in verdict. apply all_but_false in verdict. destruct verdict as (w & inside & other & sign).
      assert (sums := sum_of_terms (lower_row p g) lower_at).
      assert (len : length (sum_rows d (map (lower_row p g top m) chosen)) = d).
      { apply sums with (w := m).
        - intros i small. unfold lower_row. cbv zeta. rewrite map_length. apply row_length, small.
        - intros i v small inside_v. unfold lower_row, lower_at. cbv zeta.
          rewrite (nth_map_any _ _ _ _ _ 0%uint63) by (rewrite row_length; assumption). reflexivity.
        - intros i v small inside_v. apply lower_at_bound; assumption.
        - exact answer_below. }
      rewrite len in inside.
      destruct (sums) with (w := w) as [_ value].
      - intros i small. unfold lower_row. cbv zeta. rewrite map_length. apply row_length, small.
      - intros i v small inside_v. unfold lower_row, lower_at. cbv zeta.
        rewrite (nth_map_any _ _ _ _ _ 0%uint63) by (rewrite row_length; assumption). reflexivity.
      - intros i v small inside_v. apply lower_at_bound; assumption.
      - exact inside.
      - specialize (every w inside other). fold m in every.
        rewrite (logit_lt_iff M tests x length_x tokens w m reference inside answer_below) in every. fold q in every.
        change (sum n (true_term w) < 0) in every.
        unfold negative in sign. rewrite slt_spec, signed_zero in sign. apply Z.ltb_ge in sign.
        unfold at1 in value. rewrite value in sign. apply IZR_le in sign. rewrite IZR_sumZ in sign.
        assert (power_pos : 0 < IZR (2 ^ to_Z g)) by (apply IZR_lt, Z.pow_pos_nonneg; [lia | apply to_Z_range]).
        assert (less : sum n (fun i => IZR (2 ^ to_Z g) * IZR (signed (lower_at i w))) <= sum n (true_term w)).
        { apply sum_le. intros i small. apply lower_at_bound; assumption. }
        rewrite sum_mult_l in less. nra.
    Qed.
  End Sequence.

  (** ** All sequences *)

  Section Tally.
    Context (verdict : list candidate -> nat -> bool).

    Local Definition verdict_of (q : nat) (x : list nat) : bool := verdict (pick q 0 x) (list_max x).

    Local Lemma sum_tokens_spec : forall (f : nat -> candidate -> int) (z : nat -> Z) (options : list candidate) (t : nat),
      (forall k, (k < length options)%nat -> congruent (f (t + k)%nat (nth k options no_candidate)) (z k)) ->
      congruent (sum_tokens f t options) (sumZ (length options) z).
    Proof.
      intros f z options. revert z. induction options as [|c options IH]; intros z t each; [exact (congruent_to_Z 0)|].
      cbn [sum_tokens length sumZ]. apply congruent_add.
      - specialize (each O). rewrite Nat.add_0_r in each. apply each. cbn. lia.
      - apply IH. intros k inside. replace (S t + k)%nat with (t + S k)%nat by lia. apply (each (S k)). cbn. lia.
    Qed.

    Lemma pick_app : forall (q : nat) (x y : list nat) (i : nat),
      pick q i (x ++ y) = pick q i x ++ pick q (i + length x) y.
    Proof.
      intros q x y. induction x as [|t x IH]; intros i; cbn [app pick length]; [rewrite Nat.add_0_r; reflexivity|].
      rewrite IH, Nat.add_succ_r. reflexivity.
    Qed.

    Local Lemma tally_spec : forall (q k : nat) (suffix : list nat), (q < d)%nat ->
      congruent (tally verdict (map (candidates T q) (rev (seq 0 k))) (pick q k suffix) (list_max suffix))
        (total d k (fun x => indicator (verdict_of q (x ++ suffix)))).
    Proof.
      intros q k. induction k as [|k IH]; intros suffix token.
      - cbn [seq rev map tally total app]. unfold verdict_of.
        destruct (verdict (pick q 0 suffix) (list_max suffix)); [exact (congruent_to_Z 1) | exact (congruent_to_Z 0)].
      - rewrite seq_S, rev_app_distr. cbn [rev app map tally Nat.add].
        rewrite total_snoc.
        replace (sumZ d) with (sumZ (length (candidates T q k))) by (rewrite candidates_length by exact token; reflexivity).
        apply sum_tokens_spec.
        intros t inside. rewrite candidates_length in inside by exact token.
        cbn [Nat.add]. rewrite (total_ext d k _ (fun x => indicator (verdict_of q (x ++ (t :: suffix))))).
        + apply (IH (t :: suffix) token).
        + intros x _ _. rewrite <- app_assoc. reflexivity.
    Qed.

    Lemma query_tally_spec : forall q : nat, fst (inputs_test M) = true -> (q < d)%nat ->
      to_Z (query_tally n T verdict q) = total d (n - 1) (fun x => indicator (verdict_of q (x ++ [q]))).
    Proof.
      intros q few token. apply to_Z_of_congruent.
      - assert (spec := tally_spec q (n - 1) [q] token). unfold query_tally.
        cbn [pick list_max fold_right] in spec. rewrite Nat.max_0_r in spec. exact spec.
      - split; [apply total_nonneg; intro x; apply indicator_nonneg|].
        apply Z.le_lt_trans with (total d (n - 1) (fun _ => 1%Z)).
        + apply total_le. intros x _ _. destruct (verdict_of q (x ++ [q])); cbn; lia.
        + rewrite total_const, Z.mul_1_r. assert (inputs := inputs_bound M few).
          assert (less : (Z.of_nat d ^ Z.of_nat (n - 1) <= Z.of_nat d ^ Z.of_nat n)%Z)
            by (apply Z.pow_le_mono_r; lia). lia.
    Qed.
  End Tally.

  Lemma right_tallies : fst (inputs_test M) = true -> (sumZ d (fun q => to_Z (query_tally n T (right d p g) q)) <= correct_count M)%Z.
  Proof.
    intro few. rewrite correct_count_total. rewrite (total_by_last M (core_none M tests)). apply sumZ_le. intros q token.
    rewrite query_tally_spec by assumption. apply total_le. intros x inside len.
    apply correct_indicator_le. intro verdict.
    destruct (snoc_facts M (core_none M tests) q x token inside len) as (len' & inside' & last).
    apply (right_correct (x ++ [q]) len' inside'). rewrite last. exact verdict.
  Qed.

  Lemma wrong_tallies : fst (inputs_test M) = true ->
    (sumZ d (fun q => to_Z (query_tally n T (wrong d p g) q)) <= Z.of_nat d ^ Z.of_nat n - correct_count M)%Z.
  Proof.
    intro few. rewrite wrong_count_total.
    rewrite (total_by_last M (core_none M tests)). apply sumZ_le. intros q token.
    rewrite query_tally_spec by assumption. apply total_le. intros x inside len.
    destruct (snoc_facts M (core_none M tests) q x token inside len) as (len' & inside' & last).
    destruct (verdict_of (wrong d p g) q (x ++ [q])) eqn:verdict.
    - destruct (correct_dec M (x ++ [q])) as [yes|no]; [|cbn; lia].
      exfalso. apply (wrong_incorrect (x ++ [q]) len' inside'); [|exact yes]. rewrite last. exact verdict.
    - apply indicator_nonneg.
  Qed.
End Sound.

Local Lemma right_failure_none : forall (M : model) (c : brute_force_certificate) (count : precision -> nat -> int),
  right_failure M c (tables_of M) count = None ->
  first_failure (tables_tests M (tables_of M)) = None /\ gap_fits (tables_of M) (gap_shift c) = true /\
  fst (inputs_test M) = true /\
  (claimed_total (right_claims c) <=
    sumZ (d_vocab M) (fun q => to_Z (count (precision_of (score_shift M)) q)))%Z.
Proof.
  intros M c count none. unfold right_failure in none.
  destruct (first_failure (tables_tests M (tables_of M) ++ _)) eqn:tests in none; [discriminate none|].
  assert (each := first_failure_none _ tests).
  assert (len : length (right_claims c) = d_vocab M).
  { apply Nat.eqb_eq. refine (each _ _ _). apply in_or_app. right. right. right. left. reflexivity. }
  split; [exact (first_failure_app _ _ tests)|]. split; [|split].
  - apply (each _ (May_overflow Gap_shift)). apply in_or_app. right. right. left. reflexivity.
  - apply (each _ (snd (inputs_test M))). apply in_or_app. right. left. reflexivity.
  - apply first_short_none in none. rewrite len in none. exact none.
Qed.

(** Two counts, one below the right sequences and one below the wrong ones, that add up to all sequences. *)
Theorem exactly_sound : forall (N : Z) (M : model) (c : brute_force_certificate) (right_count wrong_count : precision -> nat -> int),
  (first_failure (tables_tests M (tables_of M)) = None -> gap_fits (tables_of M) (gap_shift c) = true ->
   fst (inputs_test M) = true ->
   (sumZ (d_vocab M) (fun q => to_Z (right_count (precision_of (score_shift M)) q)) <= correct_count M)%Z /\
   (sumZ (d_vocab M) (fun q => to_Z (wrong_count (precision_of (score_shift M)) q))
      <= Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M) - correct_count M)%Z) ->
  accepted (exactly N M c (tables_of M) right_count wrong_count) = true ->
  correct_count M = N.
Proof.
  intros N M c right_count wrong_count sound check. unfold exactly in check.
  destruct (right_failure M c (tables_of M) right_count) eqn:none; [discriminate check|].
  destruct (right_failure_none M c right_count none) as (tests & fits & few & right_bound).
  destruct (sound tests fits few) as [right_sound wrong_sound].
  destruct (wrong_failure M c wrong_count) eqn:none_wrong; [discriminate check|]. unfold wrong_failure in none_wrong.
  destruct (first_failure [claims_length (d_vocab M) (wrong_claims c)]) eqn:wrong_tests; [discriminate none_wrong|].
  assert (len : length (wrong_claims c) = d_vocab M).
  { apply Nat.eqb_eq. refine (first_failure_none _ wrong_tests _ _ _). left. reflexivity. }
  apply first_short_none in none_wrong. rewrite len in none_wrong. cbn [Nat.add] in none_wrong.
  cbv zeta in check. cbn [first_failure] in check.
  destruct (Z.eqb_spec (claimed_total (right_claims c)) N) as [rights|]; [|discriminate check].
  destruct (Z.eqb_spec (claimed_total (right_claims c) + claimed_total (wrong_claims c))
    (Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M))) as [every|]; [|discriminate check].
  lia.
Qed.

(** The main theorems: an accepted claim holds. *)
Theorem brute_force_sound : forall (N : Z) (M : model) (c : brute_force_certificate),
  brute_force_check N M c = true ->
  (N <= correct_count M)%Z.
Proof.
  intros N M c check. unfold brute_force_check, brute_force_verdict in check. cbv zeta in check.
  destruct (right_failure M c (tables_of M) (tally_right M c (tables_of M))) eqn:none; [discriminate check|].
  destruct (right_failure_none M c _ none) as (tests & fits & few & bound).
  assert (sound := right_tallies M (gap_shift c) tests fits few).
  unfold total_reaches in check. cbn [first_failure] in check.
  destruct (Z.leb_spec N (claimed_total (right_claims c))); [|discriminate check].
  unfold tally_right in bound. lia.
Qed.

Theorem brute_force_exact_sound : forall (N : Z) (M : model) (c : brute_force_certificate),
  brute_force_exact_check N M c = true ->
  correct_count M = N.
Proof.
  intros N M c check. refine (exactly_sound N M c _ _ _ check). intros tests fits few. split.
  - exact (right_tallies M (gap_shift c) tests fits few).
  - exact (wrong_tallies M (gap_shift c) tests fits few).
Qed.
