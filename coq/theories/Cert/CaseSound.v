(* CompactProofs: Cert: CaseSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia Lra.
From CompactProofs Require Import Spec.Network Spec.MaxOfK Base.Sums Base.Totals Base.Signed63 Base.ExpBounds Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound Cert.Terms Cert.TermsSound Cert.SequencesSound.
From CompactProofs Require Import Cert.Bands Cert.BandsSound Cert.Outputs Cert.Gaps Cert.CreditsCheck Cert.CreditsSound Cert.Staged.
Import ListNotations.
(** * One last token q and one largest token m: what is counted is right, or wrong
    Given weights that enclose the true ones and gaps that bound the true ones, a sequence that passes (CreditsSound) has the
    sum over positions of weight times gap below 0, or at most 0.
    - [gap_bounds]  == a number bounds how far rivals are above each other, for one token and position
    - [weights_ok], [gaps_ok] == what the stages before must deliver for this case
    Main results: [right_case_sound], [wrong_case_sound]. Source: docs/max_of_k.md, sections 2 and 3. *)
Local Open Scope R_scope.

(** ** Lists of bands *)

Lemma expand_zip : forall (A B C : Type) (f : A -> B -> C) (da : A) (db : B) (dc : C) (widths : list nat) (a : list A) (b : list B)
    (k : nat), (length widths <= length a)%nat -> (length widths <= length b)%nat -> (k < list_sum widths)%nat ->
  nth k (expand widths (zip_with f a b)) dc = f (nth k (expand widths a) da) (nth k (expand widths b) db).
Proof.
  intros A B C f da db dc. unfold expand.
  induction widths as [|w widths IH]; intros a b k long_a long_b inside; [cbn in inside; lia|].
  destruct a as [|x a]; [cbn in long_a; lia|]. destruct b as [|y b]; [cbn in long_b; lia|].
  cbn [zip_with concat]. change (list_sum (w :: widths)) with (w + list_sum widths)%nat in inside.
  destruct (Nat.lt_ge_cases k w) as [early|late].
  - rewrite !app_nth1 by (rewrite repeat_length; exact early).
    rewrite (nth_indep (repeat (f x y) w) dc (f x y)), (nth_indep (repeat x w) da x), (nth_indep (repeat y w) db y)
      by (rewrite repeat_length; exact early).
    rewrite !nth_repeat. reflexivity.
  - rewrite !app_nth2 by (rewrite repeat_length; exact late). rewrite !repeat_length.
    apply IH; cbn in long_a, long_b; lia.
Qed.

Lemma expand_in : forall (A : Type) (widths : list nat) (l : list A) (x : A),
  Forall (fun w => (0 < w)%nat) widths -> length l = length widths -> In x l -> In x (expand widths l).
Proof.
  intros A. unfold expand. induction widths as [|w widths IH]; intros l x positive len inside; destruct l as [|y l];
    try discriminate len; [contradiction|].
  inversion positive as [|? ? first later]; subst. cbn [zip_with concat]. apply in_or_app.
  destruct inside as [->|inside].
  - left. destruct w as [|w]; [lia|]. left. reflexivity.
  - right. apply (IH l x later); [cbn in len; lia | exact inside].
Qed.

Local Lemma upper_term_small : forall (e : enclosure) (a : R) (gap : int),
  encloses e a -> (Z.abs (signed gap) <= 2 ^ 30)%Z -> (Z.abs (signed (upper_term e gap)) <= 2 ^ 30)%Z.
Proof.
  intros e a gap enc range. unfold upper_term, scale_up.
  set (factor := if slt 0 gap then snd e else fst e).
  assert (small : (to_Z factor <= 2 ^ 30)%Z).
  { unfold factor. destruct (slt 0 gap); [apply enc | apply (encloses_lower_small _ _ enc)]. }
  assert (nonneg := to_Z_range factor).
  assert (value : signed (gap * factor)%uint63 = (signed gap * to_Z factor)%Z).
  { assert (same : signed factor = to_Z factor) by (apply signed_small; lia).
    rewrite signed_mul; rewrite same; nia. }
  apply shift_up_abs; change (to_Z 30) with 30%Z; rewrite ?value; nia.
Qed.

Section Case.
  Context (M : model).
  Local Notation C := (core_of M).
  Local Notation n := (n_ctx M).
  Local Notation d := (d_vocab M).
  Context (tests : first_failure (core_tests M C) = None).
  Context (g : int) (q m : nat) (token_q : (q < d)%nat) (answer_m : (m < d)%nat) (ordered : (q <= m)%nat).
  Context (reference : R) (of_token of_position : nat -> R).
  Context (true_weight : forall i t : nat, (i < n)%nat -> (t <= m)%nat ->
    exp (IZR (token_score M C q t + at2 (score_pos_rows C) q i) / 2 ^ (30 + score_shift M) - reference) =
    of_token t * of_position i).
  Context (bands : list nat) (positive : Forall (fun w => (0 < w)%nat) bands) (first_band : hd O bands = 1%nat).
  Context (all_bands : list_sum bands = S m).

  Definition gap_bounds (v : rivals) (i t : nat) (gap : int) : Prop :=
    (Z.abs (signed gap) <= 2 ^ 30)%Z /\
    forall x y : nat, versus v m x y -> (x < d)%nat -> (y < d)%nat ->
      (proposal M C q t i x - proposal M C q t i y <= 2 ^ to_Z g * signed gap)%Z.

  Record weights_ok (W : case_weights) : Prop := {
    bands_long : (length bands <= length (of_bands W))%nat;
    bands_enclose : forall t : nat, (t <= m)%nat ->
      encloses (nth (m - t) (expand bands (of_bands W)) (0, 0)%uint63) (of_token t);
    last_token_encloses : encloses (of_last_token W) (of_token q);
    positions_length : length (of_positions W) = n;
    positions_enclose : forall i : nat, (i < n)%nat -> encloses (nth i (of_positions W) (0, 0)%uint63) (of_position i);
    last_position_encloses : encloses (of_last_position W) (of_position (n - 1))
  }.

  Record gaps_ok (v : rivals) (c : gap_case) : Prop := {
    banded_length : length (banded c) = (n - 1)%nat;
    banded_row_length : forall i : nat, (i < n - 1)%nat -> length (nth i (banded c) []) = length bands;
    banded_bounds : forall i t : nat, (i < n - 1)%nat -> (t <= m)%nat ->
      gap_bounds v i t (offset c + nth (m - t) (expand bands (nth i (banded c) [])) 0)%uint63;
    final_bounds : gap_bounds v (n - 1) q (final c)
  }.

  Section Passing.
    Context (W : case_weights) (weights : weights_ok W).

    (** A cost bounds weight times gap. *)
    Local Definition cost_bounds (v : rivals) (i t : nat) (h : int) : Prop :=
      (Z.abs (signed h) <= 2 ^ 30)%Z /\
      forall x y : nat, versus v m x y -> (x < d)%nat -> (y < d)%nat ->
        of_token t * of_position i * IZR (proposal M C q t i x - proposal M C q t i y) <=
        IZR (2 ^ to_Z g) * IZR (signed h).

    Local Lemma term_bounds : forall (v : rivals) (i t : nat) (e f : enclosure) (gap : int),
      encloses e (of_token t) -> encloses f (of_position i) -> gap_bounds v i t gap ->
      cost_bounds v i t (upper_term (both e f) gap).
    Proof.
      intros v i t e f gap enc_e enc_f [range above].
      assert (enc := both_encloses e f _ _ enc_e enc_f).
      split; [exact (upper_term_small _ _ _ enc range)|].
      intros x y rival inside_x inside_y.
      assert (term := upper_term_bound (both e f) _ gap enc ltac:(lia)).
      assert (gap_above := above x y rival inside_x inside_y). apply IZR_le in gap_above. rewrite mult_IZR in gap_above.
      assert (g_nonneg := to_Z_range g).
      assert (power_pos : 0 < IZR (2 ^ to_Z g)) by (apply IZR_lt, Z.pow_pos_nonneg; lia).
      assert (a_nonneg := encloses_nonneg _ _ enc).
      set (a := of_token t * of_position i) in *.
      apply Rle_trans with (a * (IZR (2 ^ to_Z g) * IZR (signed gap))); [apply Rmult_le_compat_l; assumption|].
      replace (a * (IZR (2 ^ to_Z g) * IZR (signed gap))) with (IZR (2 ^ to_Z g) * (a * IZR (signed gap))) by ring.
      apply Rmult_le_compat_l; [left; exact power_pos | exact term].
    Qed.

    Section Costs.
      Context (v : rivals) (c : gap_case) (gaps : gaps_ok v c).
      Local Notation columns := (case_columns W c).
      Local Notation last := (case_last W c).

      Local Lemma context : (0 < n)%nat.
      Proof. exact (context_pos M tests). Qed.

      Lemma columns_length : length columns = (n - 1)%nat.
      Proof.
        unfold case_columns. rewrite zip_with_length, (positions_length W weights), (banded_length v c gaps). lia.
      Qed.

      Local Lemma column_nth : forall i : nat, (i < n - 1)%nat ->
        nth i columns [] = zip_with (fun token gap => upper_term (both token (nth i (of_positions W) (0, 0)%uint63))
          (offset c + gap)%uint63) (of_bands W) (nth i (banded c) []).
      Proof.
        intros i inside. unfold case_columns. rewrite (nth_zip_with enclosure (list int) (list int) _ _ _ _ (0, 0)%uint63 []); [reflexivity | |];
          rewrite ?(positions_length W weights), ?(banded_length v c gaps); lia.
      Qed.

      Local Lemma column_bounds : forall i t : nat, (i < n - 1)%nat -> (t <= m)%nat ->
        cost_bounds v i t (nth (m - t) (expand bands (nth i columns [])) 0%uint63).
      Proof.
        intros i t inside small. rewrite column_nth by exact inside.
        rewrite (expand_zip enclosure int int _ (0, 0)%uint63 0%uint63).
        - apply term_bounds.
          + apply (bands_enclose W weights), small.
          + apply (positions_enclose W weights). lia.
          + apply (banded_bounds v c gaps); assumption.
        - exact (bands_long W weights).
        - rewrite (banded_row_length v c gaps) by exact inside. apply Nat.le_refl.
        - lia.
      Qed.

      Local Lemma column_length : forall i : nat, (i < n - 1)%nat -> length (nth i columns []) = length bands.
      Proof.
        intros i inside. rewrite column_nth by exact inside.
        rewrite zip_with_length, (banded_row_length v c gaps) by exact inside. assert (long := bands_long W weights). lia.
      Qed.

      Lemma columns_ok : forall column : list int, In column columns ->
        length column = length bands /\ forall h : int, In h column -> (Z.abs (signed h) <= 2 ^ 30)%Z.
      Proof.
        intros column member. apply (In_nth _ _ []) in member. destruct member as (i & inside & <-).
        rewrite columns_length in inside. assert (len := column_length i inside). split; [exact len|].
        intros h member. apply (expand_in _ bands) in member; [|exact positive | exact len].
        apply (In_nth _ _ 0%uint63) in member. destruct member as (k & small & <-).
        rewrite expand_length in small by lia.
        replace k with (m - (m - k))%nat by lia. apply (column_bounds i (m - k)); [exact inside | lia].
      Qed.

      Local Lemma last_bounds : cost_bounds v (n - 1) q last.
      Proof.
        apply term_bounds.
        - exact (last_token_encloses W weights).
        - exact (last_position_encloses W weights).
        - exact (final_bounds v c gaps).
      Qed.

      Local Lemma cost_of_sum : forall (all : list (list int)) (x : list nat), length x = length all ->
        cost_of m (map (expand bands) all) x =
        sumZ (length all) (fun i => signed (nth (m - nth i x O) (expand bands (nth i all [])) 0%uint63)).
      Proof.
        induction all as [|column all IH]; intros x len; destruct x as [|t x]; try discriminate len; [reflexivity|].
        cbn [map cost_of length sumZ nth]. rewrite IH by (cbn in len; lia). reflexivity.
      Qed.

      (** The sum over positions of weight times gap. *)
      Local Definition gap_sum (x : list nat) (u w : nat) : R :=
        sum n (fun i => exp (score M (x ++ [q]) i - reference) *
          IZR (proposal M C q (nth i (x ++ [q]) O) i u - proposal M C q (nth i (x ++ [q]) O) i w)).

      Lemma passing_sum : forall (strictness : Z) (x : list nat), below (S m) x -> length x = (n - 1)%nat ->
        passing m bands columns last strictness x = true ->
        forall u w : nat, versus v m u w -> (u < d)%nat -> (w < d)%nat ->
        gap_sum x u w <= IZR (2 ^ to_Z g) * - IZR strictness.
      Proof.
        intros strictness x inside len passes u w rival inside_u inside_w. assert (some := context).
        unfold passing in passes. apply Z.leb_le in passes.
        assert (inside_d : below d x).
        { unfold below in *. rewrite Forall_forall in *. intros t member. specialize (inside t member). lia. }
        destruct (snoc_facts M tests q x token_q inside_d len) as (len' & inside' & last_is_q).
        assert (token : forall i, (i < n - 1)%nat -> nth i (x ++ [q]) O = nth i x O)
          by (intros i small; apply app_nth1; lia).
        assert (token_last : nth (n - 1) (x ++ [q]) O = q)
          by (rewrite app_nth2 by lia; rewrite len, Nat.sub_diag; reflexivity).
        set (h := fun i => if (i <? n - 1)%nat then nth (m - nth i x O) (expand bands (nth i columns [])) 0%uint63 else last).
        assert (token_small : forall i, (i < n)%nat -> (nth i (x ++ [q]) O <= m)%nat).
        { intros i small. destruct (Nat.lt_ge_cases i (n - 1)) as [free|final].
          - rewrite token by exact free. unfold below in inside. rewrite Forall_forall in inside.
            apply Nat.lt_succ_r, inside, nth_In. lia.
          - replace i with (n - 1)%nat by lia. rewrite token_last. exact ordered. }
        assert (h_bound : forall i, (i < n)%nat -> cost_bounds v i (nth i (x ++ [q]) O) (h i)).
        { intros i small. unfold h. destruct (Nat.ltb_spec i (n - 1)) as [free|final].
          - assert (bound := token_small i small). rewrite token in * by exact free. apply column_bounds; assumption.
          - replace i with (n - 1)%nat by lia. rewrite token_last. exact last_bounds. }
        assert (h_sum : sumZ n (fun i => signed (h i)) = (cost_of m (map (expand bands) columns) x + signed last)%Z).
        { replace n with ((n - 1) + 1)%nat at 1 by lia. rewrite sumZ_app. cbn [sumZ]. rewrite Nat.add_0_r, Z.add_0_r.
          f_equal.
          - rewrite cost_of_sum by (rewrite columns_length; exact len). rewrite columns_length.
            apply sumZ_ext. intros i small. unfold h. destruct (Nat.ltb_spec i (n - 1)); [reflexivity | lia].
          - unfold h. rewrite Nat.ltb_irrefl. reflexivity. }
        assert (g_nonneg := to_Z_range g).
        assert (power_pos : 0 < IZR (2 ^ to_Z g)) by (apply IZR_lt, Z.pow_pos_nonneg; lia).
        apply Rle_trans with (IZR (2 ^ to_Z g) * IZR (sumZ n (fun i => signed (h i)))).
        - rewrite IZR_sumZ, <- sum_mult_l. unfold gap_sum. apply sum_le. intros i small.
          rewrite (score_of_core M tests (x ++ [q]) len' inside' i small), last_is_q.
          rewrite true_weight by (try exact small; apply token_small; exact small).
          apply (h_bound i small); assumption.
        - apply Rmult_le_compat_l; [left; exact power_pos|]. rewrite h_sum, <- opp_IZR. apply IZR_le. lia.
      Qed.
    End Costs.

    Local Lemma gap_sum_opposite : forall (x : list nat) (u w : nat), gap_sum x u w = - gap_sum x w u.
    Proof.
      intros x u w. unfold gap_sum. replace (- _) with (-1 * sum n (fun i => exp (score M (x ++ [q]) i - reference) *
        IZR (proposal M C q (nth i (x ++ [q]) O) i w - proposal M C q (nth i (x ++ [q]) O) i u))) by ring.
      rewrite <- sum_mult_l. apply sum_ext. intros i _. rewrite !minus_IZR. ring.
    Qed.

    (** What has passed against a group of outputs has no output of the group above the answer. *)
    Lemma passing_below : forall (v : rivals) (c : gap_case), gaps_ok v c ->
      forall x : list nat, below (S m) x -> length x = (n - 1)%nat ->
      passing m bands (case_columns W c) (case_last W c) 1 x = true ->
      forall w : nat, versus v m w m -> (w < d)%nat -> logit M (x ++ [q]) w < logit M (x ++ [q]) m.
    Proof.
      intros v c gaps x inside len passes w rival inside_w.
      assert (bound := passing_sum v c gaps 1 x inside len passes w m rival inside_w answer_m).
      assert (inside_d : below d x).
      { unfold below in *. rewrite Forall_forall in *. intros t member. specialize (inside t member). lia. }
      destruct (snoc_facts M tests q x token_q inside_d len) as (len' & inside' & last_is_q).
      apply (logit_lt_core_iff M tests (x ++ [q]) len' inside' w m reference inside_w answer_m). rewrite last_is_q.
      refine (Rle_lt_trans _ _ _ bound _).
      assert (power_pos : 0 < IZR (2 ^ to_Z g)).
      { assert (g_nonneg := to_Z_range g). apply IZR_lt, Z.pow_pos_nonneg; lia. }
      nra.
    Qed.

    Lemma passing_not_below : forall (v : rivals) (c : gap_case), gaps_ok v c ->
      forall x : list nat, below (S m) x -> length x = (n - 1)%nat ->
      passing m bands (case_columns W c) (case_last W c) 0 x = true ->
      forall w : nat, versus v m m w -> (w < d)%nat -> ~ logit M (x ++ [q]) w < logit M (x ++ [q]) m.
    Proof.
      intros v c gaps x inside len passes w rival inside_w less.
      assert (bound := passing_sum v c gaps 0 x inside len passes m w rival answer_m inside_w).
      assert (inside_d : below d x).
      { unfold below in *. rewrite Forall_forall in *. intros t member. specialize (inside t member). lia. }
      destruct (snoc_facts M tests q x token_q inside_d len) as (len' & inside' & last_is_q).
      apply (logit_lt_core_iff M tests (x ++ [q]) len' inside' w m reference inside_w answer_m) in less.
      rewrite last_is_q in less. fold (gap_sum x w m) in less. rewrite gap_sum_opposite in less.
      rewrite Ropp_0, Rmult_0_r in bound. lra.
    Qed.
  End Passing.
End Case.
