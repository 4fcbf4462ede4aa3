(* CompactProofs: Modular: QuadratureSound *)
(* MIT licence. *)
From Coq Require Import ZArith List Arith Bool Lia Uint63.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome.
From CompactProofs Require Import Modular.Form Modular.FormSound Modular.CosTable Modular.Quadrature Modular.QuadratureMath
  Modular.QuadratureRows Modular.QuadratureTables Modular.QuadratureLeads.
Import ListNotations.
(** * Pairs that the quadrature checker counts are right
    Main result: [quadrature_on_sound]. *)
Local Open Scope Z_scope.

Section Sound.
  Context (F : form) (c : quadrature_certificate) (formed : well_formed F) (passed : quadrature_passed F c).

  Local Notation p := (form_order F).
  Local Notation m := (form_width F).
  Local Notation N := (quad_unit c).
  Local Notation T := (quad_input_scale c).
  Local Notation V := (quad_output_scale c).
  Local Notation groups := (length (quad_frequencies c)).
  Local Notation X := (X F c).
  Local Notation Y := (Y F c).
  Local Notation inputs := (inputs F c).

  (** ** The sum over the groups *)

  Definition cosine_at (g delta : nat) : Z := cosine F c (frequency c g * Z.of_nat delta).

  Definition chosen (g delta : nat) : list int :=
    if 0 <=? cosine_at g delta then lead_list F c positive g else lead_list F c negative g.

  Local Notation all := (all_leads F c (waves F c) inputs).

  Local Lemma all_nth : forall g : nat, (g < groups)%nat ->
    nth g all ([], []) = (lead_list F c positive g, lead_list F c negative g).
  Proof. intros g inside. unfold all_leads. cbv zeta. rewrite nth_seq_map by exact inside. reflexivity. Qed.

  Local Lemma all_length : length all = groups.
  Proof. unfold all_leads. cbv zeta. rewrite map_length. apply seq_length. Qed.

  Local Lemma waves_length : length (waves F c) = groups.
  Proof. unfold waves. cbv zeta. apply map_length. Qed.

  Local Lemma positive_spec : forall x : int, Z.abs (signed x) <= 2 ^ 61 -> signed (positive x) = Z.max 0 (signed x).
  Proof. intros x _. apply signed_positive. Qed.

  Lemma chosen_spec : forall g delta d : nat, (g < groups)%nat -> (d < p)%nat ->
    length (chosen g delta) = p /\
    2 ^ quad_shift c * Z.abs (at1 (chosen g delta) d) <= moment_top F c + 2 ^ quad_shift c /\
    forall sigma, (sigma < p)%nat ->
      2 ^ quad_shift c * at1 (chosen g delta) d <=
      group_value F c (activeZ (cosine_at g delta)) g sigma (2 * Z.of_nat sigma) -
      group_value F c (activeZ (cosine_at g delta)) g sigma (2 * Z.of_nat sigma + Z.of_nat d) - 2 * to_Z (slack F c g).
  Proof.
    intros g delta d inside below. unfold chosen, activeZ. destruct (0 <=? cosine_at g delta).
    - apply (lead_list_spec F c formed passed positive (Z.max 0) positive_spec); [intro x; lia | exact inside | exact below].
    - apply (lead_list_spec F c formed passed negative (fun x => Z.max 0 (- x)) signed_negative);
        [intro x; lia | exact inside | exact below].
  Qed.

  Local Lemma wave_value : forall g delta : nat, (g < groups)%nat -> (delta < p)%nat ->
    at1 (fst (nth g (waves F c) ([], []))) delta = cosine_at g delta.
  Proof.
    intros g delta inside below. rewrite nth_waves by exact inside. cbn [fst]. apply at1_of_congruent.
    - apply turned_congruent, below.
    - assert (bound := cosine_bound F c passed (frequency c g * Z.of_nat delta)). assert (range := unit_range F c passed).
      unfold cosine_at. lia.
  Qed.

  Local Lemma is_positive : forall x : int, ltb x half = (0 <=? signed x).
  Proof.
    intro x. assert (spec := ltb_spec x half). change (to_Z half) with (2 ^ 62) in spec. assert (range := to_Z_range x).
    unfold signed. destruct (ltb x half).
    - assert (small : to_Z x < 2 ^ 62) by (apply spec; reflexivity).
      destruct (Z.ltb_spec (to_Z x) (2 ^ 62)); [|lia]. symmetry. apply Z.leb_le. lia.
    - assert (large : ~ to_Z x < 2 ^ 62) by (intro small; apply spec in small; discriminate small).
      destruct (Z.ltb_spec (to_Z x) (2 ^ 62)); [lia|]. symmetry. apply Z.leb_gt. lia.
  Qed.

  Lemma total_exact : forall delta d : nat, (delta < p)%nat -> (d < p)%nat ->
    length (total_leads p (waves F c) all delta) = p /\
    at1 (total_leads p (waves F c) all delta) d =
    sum_over (fun g => Z.abs (cosine_at g delta) * at1 (chosen g delta) d) (seq 0 groups).
  Proof.
    intros delta d below_delta below. unfold total_leads.
    set (weights := map (fun w => absolute (nth delta (fst w) 0%uint63)) (waves F c)).
    set (rows := zip_with (fun w two => if ltb (nth delta (fst w) 0%uint63) half then fst two else snd two) (waves F c) all).
    assert (len_weights : length weights = groups) by (unfold weights; rewrite map_length; apply waves_length).
    assert (len_rows : length rows = groups)
      by (unfold rows; rewrite zip_with_length, all_length, waves_length; apply Nat.min_id).
    assert (row : forall g, (g < groups)%nat -> nth g rows [] = chosen g delta).
    { intros g inside. unfold rows.
      rewrite (nth_zip_with _ _ _ _ _ _ _ ([], []) ([], [])) by (rewrite ?waves_length, ?all_length; exact inside).
      rewrite is_positive. change (signed (nth delta (fst (nth g (waves F c) ([], []))) 0%uint63))
        with (at1 (fst (nth g (waves F c) ([], []))) delta).
      rewrite wave_value, all_nth by assumption. unfold chosen. destruct (0 <=? cosine_at g delta); reflexivity. }
    assert (weight : forall g, (g < groups)%nat -> at1 weights g = Z.abs (cosine_at g delta)).
    { intros g inside. unfold weights, at1. rewrite (nth_map_any _ _ _ _ _ ([], [])) by (rewrite waves_length; exact inside).
      assert (value := wave_value g delta inside below_delta). unfold at1 in value.
      rewrite signed_absolute; rewrite value; [reflexivity|].
      assert (bound := cosine_bound F c passed (frequency c g * Z.of_nat delta)). assert (range := unit_range F c passed).
      unfold cosine_at. lia. }
    destruct (Matrix.row_times_spec p weights rows) as [len entries].
    - rewrite len_weights, len_rows. reflexivity.
    - intros r some. apply (In_nth _ _ []) in some. destruct some as (g & inside & <-). rewrite len_rows in inside.
      rewrite row by exact inside. apply (chosen_spec g delta d inside below).
    - split; [exact len|]. apply at1_of_congruent.
      + rewrite sum_over_seq. rewrite (sumZ_ext _ _ (fun g => at1 weights g * at2 rows g d)).
        * assert (entry := entries d below). rewrite len_rows in entry. exact entry.
        * intros g inside. cbn [Nat.add]. unfold at2. rewrite row, weight by exact inside. reflexivity.
      + assert (shift := shift_range F c passed). assert (unit : 0 < 2 ^ quad_shift c) by (apply Z.pow_pos_nonneg; lia).
        assert (fits := lead_top_fits F c passed). rewrite Z.pow_add_r in fits by lia. unfold lead_top, leads_bound in fits.
        apply (Z.mul_le_mono_pos_l _ _ (2 ^ quad_shift c)); [exact unit|]. rewrite (Z.mul_comm _ (2 ^ 60)).
        etransitivity; [|exact fits]. rewrite <- (Z.abs_eq (2 ^ quad_shift c)) at 1 by lia.
        rewrite <- Z.abs_mul, <- sum_over_mult.
        etransitivity; [apply (sum_over_abs _ _ (fun _ => N * (moment_top F c + 2 ^ quad_shift c)))|].
        * intros g some. apply in_seq in some. destruct (chosen_spec g delta d ltac:(lia) below) as (_ & bound & _).
          assert (factor := cosine_bound F c passed (frequency c g * Z.of_nat delta)). fold (cosine_at g delta) in factor.
          replace (2 ^ quad_shift c * (Z.abs (cosine_at g delta) * at1 (chosen g delta) d))
            with (Z.abs (cosine_at g delta) * (2 ^ quad_shift c * at1 (chosen g delta) d)) by ring.
          rewrite Z.abs_mul, Z.abs_involutive.
          apply Z.mul_le_mono_nonneg; [apply Z.abs_nonneg | exact factor | apply Z.abs_nonneg|].
          rewrite Z.abs_mul, (Z.abs_eq (2 ^ quad_shift c)) by lia. exact bound.
        * rewrite sum_over_seq. assert (constant : forall n x, sumZ n (fun _ => x) = Z.of_nat n * x).
          { induction n as [|n IH]; intro x; [reflexivity|]. cbn [sumZ]. rewrite IH. lia. }
          rewrite constant. lia.
  Qed.

  (** ** What the cosines leave out of the inputs *)

  Local Notation tops := (map row_top (transpose m (U_rows F))).

  Definition output_top (j : nat) : Z := to_Z (nth j tops 0%uint63).

  Lemma output_top_entry : forall j : nat, In j (neurons F) ->
    at1 tops j = output_top j /\ 0 <= output_top j <= largest (U_rows F) /\
    forall i, (i < p)%nat -> Z.abs (at2 (U_rows F) i j) <= output_top j.
  Proof.
    intros j inside. assert (below : (j < m)%nat) by (apply in_seq in inside; lia).
    assert (shape := U_shape F formed).
    assert (len : length (transpose m (U_rows F)) = m)
      by (apply transpose_length; intros row some; apply (has_shape_rows _ _ _ _ _ shape some)).
    assert (entry : nth j tops 0%uint63 = row_top (nth j (transpose m (U_rows F)) []))
      by (apply nth_map_any; rewrite len; exact below).
    assert (column := fun i => column_entry F (U_rows F) j i shape inside).
    assert (positive := order_pos F formed). destruct (column O positive) as [len_column _].
    assert (high : to_Z (row_top (nth j (transpose m (U_rows F)) [])) <= largest (U_rows F)).
    { apply row_top_le; [apply largest_nonneg|]. intros i below_i. rewrite len_column in below_i.
      destruct (column i below_i) as [_ same]. unfold at2 in same at 1. rewrite same. apply max_abs_bound. }
    assert (range := to_Z_range (nth j tops 0%uint63)). unfold output_top. rewrite entry in *.
    assert (fits : largest (U_rows F) <= 2 ^ 60).
    { assert (term := output_term_fits F c passed j inside). unfold output_term in term.
      assert (scale := output_scale_range F c passed). assert (top := largest_nonneg (U_rows F)).
      assert (size := size_unit_nonneg F c passed (quad_output_cosines c) (quad_output_sines c) j).
      fold (output_size c j) in size.
      assert (more : 1 * largest (U_rows F) <= V * largest (U_rows F)) by (apply Z.mul_le_mono_nonneg_r; lia). lia. }
    split; [|split].
    - unfold at1. rewrite entry. apply signed_small. lia.
    - lia.
    - intros i below_i. destruct (column i below_i) as [_ same]. rewrite <- same. apply row_top_ge.
  Qed.

  (** The inputs of one of the two tokens: [near j i] is the wave of neuron j for its token i. *)
  Section Side.
    Context (A nears : list (list int)) (near : nat -> nat -> Z).
    Context (shape : has_shape p m A = true).
    Context (small : largest A <= Z.max (largest (L_rows F)) (largest (R_rows F))).
    Context (near_row : forall j, In j (neurons F) -> length (nth j nears []) = p).
    Context (near_entry : forall j i, In j (neurons F) -> (i < p)%nat -> at2 nears j i = near j i).
    Context (near_bound : forall j i, Z.abs (near j i) <= input_size c j * N).

    Local Lemma side_term : forall j i : nat, Z.abs (T * at2 A i j - near j i) <= input_term F c j.
    Proof.
      intros j i. assert (top := max_abs_bound A i j). fold (largest A) in top. assert (wave := near_bound j i).
      assert (range := input_scale_range F c passed). unfold input_term.
      assert (scaled : Z.abs (T * at2 A i j) <= T * Z.max (largest (L_rows F)) (largest (R_rows F))).
      { rewrite Z.abs_mul, (Z.abs_eq T) by lia. apply Z.mul_le_mono_nonneg_l; [lia|]. lia. }
      revert scaled wave. clear. lia.
    Qed.

    Lemma side_bound : forall i : nat, (i < p)%nat ->
      sum_over (fun j => output_top j * Z.abs (T * at2 A i j - near j i)) (neurons F) <=
      to_Z (row_top (weighted p tops (residuals F (of_Z T) (transpose m A) nears) (neurons F))).
    Proof.
      intros i below.
      assert (entry : forall j e, In j (neurons F) -> (e < p)%nat ->
        length (nth j (residuals F (of_Z T) (transpose m A) nears) []) = p /\
        at2 (residuals F (of_Z T) (transpose m A) nears) j e = Z.abs (T * at2 A e j - near j e)).
      { intros j e inside below_e. apply residual_entry; [exact shape | exact inside | exact below_e | | |].
        - apply near_row, inside.
        - apply near_entry; assumption.
        - etransitivity; [apply side_term|]. apply (input_term_fits F c passed), inside. }
      destruct (weighted_spec p tops (residuals F (of_Z T) (transpose m A) nears) (neurons F)) as [len entries].
      - intros j inside. apply (entry j O); [exact inside | apply (order_pos F formed)].
      - assert (value : at1 (weighted p tops (residuals F (of_Z T) (transpose m A) nears) (neurons F)) i =
          sum_over (fun j => output_top j * Z.abs (T * at2 A i j - near j i)) (neurons F)).
        { apply at1_of_congruent.
          - rewrite (sum_over_ext _ _ (fun j => at1 tops j * at2 (residuals F (of_Z T) (transpose m A) nears) j i));
              [apply entries, below|].
            intros j inside. destruct (entry j i inside below) as [_ same]. destruct (output_top_entry j inside) as [top _].
            rewrite same, top. reflexivity.
          - rewrite Z.abs_eq.
            + apply (input_sum F c passed). intros j inside. destruct (output_top_entry j inside) as (_ & range & _).
              apply Z.mul_le_mono_nonneg; [apply range | apply range | apply Z.abs_nonneg | apply side_term].
            + apply sum_over_nonneg. intros j inside. destruct (output_top_entry j inside) as (_ & range & _).
              apply Z.mul_nonneg_nonneg; [apply range | apply Z.abs_nonneg]. }
        rewrite <- value.
        assert (top := row_top_ge (weighted p tops (residuals F (of_Z T) (transpose m A) nears) (neurons F)) i). lia.
    Qed.
  End Side.

  Definition second_inputs : list (list int) := map (fun row => turned row (multiples p (form_coefficient F))) inputs.
  Definition first_out : int := row_top (weighted p tops (residuals F (of_Z T) (transpose m (L_rows F)) inputs) (neurons F)).
  Definition second_out : int :=
    row_top (weighted p tops (residuals F (of_Z T) (transpose m (R_rows F)) second_inputs) (neurons F)).

  Lemma first_bound : forall a : nat, (a < p)%nat ->
    sum_over (fun j => output_top j * Z.abs (T * at2 (L_rows F) a j - X j (Z.of_nat a))) (neurons F) <= to_Z first_out.
  Proof.
    apply (side_bound (L_rows F) inputs (fun j a => X j (Z.of_nat a))).
    - apply (L_shape F formed).
    - lia.
    - apply (inputs_row F c passed).
    - apply (input_entry F c passed).
    - intros j i. apply (wave_at_bound F c passed).
  Qed.

  Local Lemma second_row : forall j : nat, In j (neurons F) ->
    nth j second_inputs [] = turned (nth j inputs []) (multiples p (form_coefficient F)).
  Proof.
    intros j inside. unfold second_inputs. apply in_seq in inside.
    rewrite (nth_map_any _ _ _ _ _ []) by (rewrite inputs_length; lia). reflexivity.
  Qed.

  Lemma second_bound : forall b : nat, (b < p)%nat ->
    sum_over (fun j => output_top j * Z.abs (T * at2 (R_rows F) b j - X j (form_coefficient F * Z.of_nat b))) (neurons F) <=
    to_Z second_out.
  Proof.
    apply (side_bound (R_rows F) second_inputs (fun j b => X j (form_coefficient F * Z.of_nat b))).
    - apply (R_shape F formed).
    - lia.
    - intros j inside. rewrite second_row by exact inside. apply turned_length.
    - intros j b inside below. unfold at2 at 1. rewrite second_row by exact inside. unfold at1.
      rewrite nth_turned by exact below.
      assert (place := place_below p (form_coefficient F * Z.of_nat b) ltac:(lia)).
      assert (entry := input_entry F c passed j _ inside place). unfold at2, at1 in entry. rewrite entry.
      assert (range := Z.mod_pos_bound (form_coefficient F * Z.of_nat b) (Z.of_nat p) ltac:(lia)).
      rewrite Z2Nat.id by lia. apply wave_at_periodic.
    - intros j i. apply (wave_at_bound F c passed).
  Qed.

  (** ** Half sum and half difference *)

  Local Notation P := (Z.of_nat p).

  Definition half_sum (a b : nat) : nat := Z.to_nat (((P + 1) / 2 * (Z.of_nat a + form_coefficient F * Z.of_nat b)) mod P).

  Lemma halves : forall a b : nat,
    (half_sum a b < p)%nat /\ (half_difference F a b < p)%nat /\
    (Z.of_nat (half_sum a b) + Z.of_nat (half_difference F a b)) mod P = Z.of_nat a mod P /\
    (Z.of_nat (half_sum a b) - Z.of_nat (half_difference F a b)) mod P = (form_coefficient F * Z.of_nat b) mod P /\
    (2 * Z.of_nat (half_sum a b)) mod P = (Z.of_nat a + form_coefficient F * Z.of_nat b) mod P.
  Proof.
    intros a b. assert (positive := order_pos F formed). assert (odd := order_odd F c passed).
    apply Nat.odd_spec in odd. destruct odd as [k odd].
    assert (half : (P + 1) / 2 = Z.of_nat k + 1) by (symmetry; apply (Z.div_unique _ _ _ 0); lia).
    unfold half_sum, half_difference. cbv zeta. rewrite half.
    set (A := Z.of_nat a). set (B := form_coefficient F * Z.of_nat b).
    split; [apply place_below; lia|]. split; [apply place_below; lia|].
    assert (range_s := Z.mod_pos_bound ((Z.of_nat k + 1) * (A + B)) P ltac:(lia)).
    assert (range_d := Z.mod_pos_bound ((Z.of_nat k + 1) * (A - B)) P ltac:(lia)).
    rewrite !Z2Nat.id by lia.
    rewrite (Z.mod_eq ((Z.of_nat k + 1) * (A + B)) P), (Z.mod_eq ((Z.of_nat k + 1) * (A - B)) P) by lia.
    set (q := (Z.of_nat k + 1) * (A + B) / P). set (r := (Z.of_nat k + 1) * (A - B) / P).
    assert (twice : 2 * Z.of_nat k = P - 1) by lia.
    split; [|split].
    - replace ((Z.of_nat k + 1) * (A + B) - P * q + ((Z.of_nat k + 1) * (A - B) - P * r))
        with ((2 * Z.of_nat k + 2) * A + (- q - r) * P) by ring.
      rewrite twice. replace ((P - 1 + 2) * A + (- q - r) * P) with (A + (A - q - r) * P) by ring. apply Z_mod_plus_full.
    - replace ((Z.of_nat k + 1) * (A + B) - P * q - ((Z.of_nat k + 1) * (A - B) - P * r))
        with ((2 * Z.of_nat k + 2) * B + (- q + r) * P) by ring.
      rewrite twice. replace ((P - 1 + 2) * B + (- q + r) * P) with (B + (B - q + r) * P) by ring. apply Z_mod_plus_full.
    - replace (2 * ((Z.of_nat k + 1) * (A + B) - P * q)) with ((2 * Z.of_nat k + 2) * (A + B) + (- 2 * q) * P) by ring.
      rewrite twice. replace ((P - 1 + 2) * (A + B) + - 2 * q * P) with (A + B + (A + B - 2 * q) * P) by ring.
      apply Z_mod_plus_full.
  Qed.

  (** ** A pair that is counted *)

  Definition input_residue : Z :=
    quad_tolerance c * sum_over (fun j => output_top j * input_size c j) (neurons F) + N * (to_Z first_out + to_Z second_out).

  Definition direct_top : Z := largest (P_rows F) + largest (Q_rows F).

  Lemma enough_spec : forall delta : nat, (delta < p)%nat -> nth delta (enough F c) false = true ->
    forall d : nat, (1 <= d < p)%nat ->
      V * input_residue + T * N * V * direct_top <
      2 ^ quad_shift c * sum_over (fun g => Z.abs (cosine_at g delta) * at1 (chosen g delta) d) (seq 0 groups).
  Proof.
    intros delta below_delta test d range. destruct (total_exact delta d below_delta ltac:(lia)) as [len total].
    unfold enough in test. cbv zeta in test. fold inputs in test.
    assert (value : needed F c inputs =
      (V * (quad_tolerance c * sum_over (fun j => output_top j * input_size c j) (neurons F) +
        N * (to_Z first_out + to_Z second_out) + T * N * direct_top)) / 2 ^ quad_shift c) by reflexivity.
    destruct (Z.leb_spec (needed F c inputs) (2 ^ 60)) as [fits|]; [|destruct delta; discriminate test].
    rewrite nth_seq_map in test by exact below_delta. rewrite forallb_forall in test.
    assert (inside : In (nth d (total_leads p (waves F c) all delta) 0%uint63) (tl (total_leads p (waves F c) all delta))).
    { destruct (total_leads p (waves F c) all delta) as [|first rest]; [cbn in len; lia|].
      destruct d as [|d]; [lia|]. cbn [tl nth]. apply nth_In. cbn [length] in len. lia. }
    specialize (test _ inside). rewrite slt_spec in test. apply Z.ltb_lt in test.
    change (signed (nth d (total_leads p (waves F c) all delta) 0%uint63)) with (at1 (total_leads p (waves F c) all delta) d)
      in test.
    rewrite total in test.
    assert (shift := shift_range F c passed). assert (unit : 0 < 2 ^ quad_shift c) by (apply Z.pow_pos_nonneg; lia).
    assert (U := unit_range F c passed). assert (in_scale := input_scale_range F c passed).
    assert (out_scale := output_scale_range F c passed). assert (some := tolerance_range F c passed).
    assert (numerator_nonneg : 0 <= V * input_residue + T * N * V * direct_top).
    { unfold input_residue, direct_top.
      assert (first := to_Z_range first_out). assert (second := to_Z_range second_out).
      assert (top_P := largest_nonneg (P_rows F)). assert (top_Q := largest_nonneg (Q_rows F)).
      assert (sizes : 0 <= sum_over (fun j => output_top j * input_size c j) (neurons F)).
      { apply sum_over_nonneg. intros j inside_j. apply Z.mul_nonneg_nonneg; [apply to_Z_range|].
        unfold input_size, size_of. lia. }
      apply Z.add_nonneg_nonneg; repeat (apply Z.mul_nonneg_nonneg || apply Z.add_nonneg_nonneg); lia. }
    assert (same : V * (quad_tolerance c * sum_over (fun j => output_top j * input_size c j) (neurons F) +
        N * (to_Z first_out + to_Z second_out) + T * N * direct_top) = V * input_residue + T * N * V * direct_top)
      by (unfold input_residue; ring).
    rewrite same in value.
    assert (needed_nonneg : 0 <= needed F c inputs) by (rewrite value; apply Z.div_pos; lia).
    assert (bound : signed (of_Z (needed F c inputs)) = needed F c inputs)
      by (apply signed_of_congruent; [apply congruent_of_Z | lia]).
    rewrite bound, value in test.
    assert (up := Z.mul_succ_div_gt (V * input_residue + T * N * V * direct_top) (2 ^ quad_shift c) unit).
    apply (Z.lt_le_trans _ _ _ up). apply Z.mul_le_mono_nonneg_l; lia.
  Qed.

  Lemma pair_sound : forall a b : nat, (a < p)%nat -> (b < p)%nat ->
    nth (half_difference F a b) (enough F c) false = true -> form_right F a b.
  Proof.
    intros a b below_a below_b test wrong below_wrong other.
    assert (positive := order_pos F formed).
    destruct (halves a b) as (below_sigma & below_delta & at_a & at_b & at_right).
    set (sigma := half_sum a b) in *. set (delta := half_difference F a b) in *.
    set (right := form_answer F a b) in *.
    assert (range_right := Z.mod_pos_bound (Z.of_nat a + form_coefficient F * Z.of_nat b) P ltac:(lia)).
    assert (right_value : Z.of_nat right = (Z.of_nat a + form_coefficient F * Z.of_nat b) mod P)
      by (unfold right, form_answer, answer; apply Z2Nat.id; lia).
    assert (below_right : (right < p)%nat) by lia.
    set (d := Z.to_nat ((Z.of_nat wrong - Z.of_nat right) mod P)).
    assert (range_d := Z.mod_pos_bound (Z.of_nat wrong - Z.of_nat right) P ltac:(lia)).
    assert (d_value : Z.of_nat d = (Z.of_nat wrong - Z.of_nat right) mod P) by (unfold d; lia).
    assert (d_some : (1 <= d < p)%nat).
    { split; [|lia]. destruct (Nat.eq_dec d 0) as [none|]; [|lia]. exfalso. apply other, Nat2Z.inj.
      rewrite none in d_value. symmetry in d_value. apply Z.mod_divide in d_value; [|lia].
      destruct d_value as [q multiple]. assert (q = 0) by nia. nia. }
    assert (at_wrong : (2 * Z.of_nat sigma + Z.of_nat d) mod P = Z.of_nat wrong mod P).
    { rewrite d_value, Zplus_mod_idemp_r, <- Zplus_mod_idemp_l, at_right, <- right_value.
      f_equal. lia. }
    assert (far := enough_spec delta below_delta test d d_some).
    assert (bound := lead_bound (neurons F) (group_of c) groups (group_inside F c passed) T N V).
    specialize (bound ltac:(assert (range := input_scale_range F c passed); lia)
      ltac:(assert (range := unit_range F c passed); lia) ltac:(assert (range := output_scale_range F c passed); lia)).
    specialize (bound (fun g => cosine_at g delta) (fun j => at2 (L_rows F) a j) (fun j => at2 (R_rows F) b j)
      (fun j => X j (Z.of_nat a)) (fun j => X j (form_coefficient F * Z.of_nat b)) (fun j => X j (Z.of_nat sigma))
      (fun j => Z.abs (T * at2 (L_rows F) a j - X j (Z.of_nat a)))
      (fun j => Z.abs (T * at2 (R_rows F) b j - X j (form_coefficient F * Z.of_nat b)))
      (fun j => quad_tolerance c * input_size c j)
      (fun j => at2 (U_rows F) right j) (fun j => at2 (U_rows F) wrong j)
      (fun j => Y j (Z.of_nat right)) (fun j => Y j (Z.of_nat wrong))
      (fun j => Z.abs (V * at2 (U_rows F) right j - Y j (Z.of_nat right)))
      (fun j => Z.abs (V * at2 (U_rows F) wrong j - Y j (Z.of_nat wrong)))
      (fun j => at1 (input_tops F c) j) output_top).
    cbv beta in bound.
    specialize (bound (fun j _ => Z.le_refl _) (fun j _ => Z.le_refl _)).
    assert (near : forall j, In j (neurons F) -> Z.abs (2 * cosine_at (group_of c j) delta * X j (Z.of_nat sigma) -
      N * (X j (Z.of_nat a) + X j (form_coefficient F * Z.of_nat b))) <= quad_tolerance c * input_size c j).
    { intros j _. assert (product := products_of_waves F c formed passed j (Z.of_nat sigma) (Z.of_nat delta)).
      unfold QuadratureTables.X in *. rewrite (wave_at_same F c _ _ _ _ _ at_a), (wave_at_same F c _ _ _ _ _ at_b) in product.
      exact product. }
    specialize (bound near (fun j _ => Z.le_refl _) (fun j _ => Z.le_refl _)). clear near.
    specialize (bound ltac:(intros j inside; apply (input_top_entry F c passed j inside), below_sigma)).
    specialize (bound ltac:(intros j inside; apply (output_top_entry j inside), below_right)).
    specialize (bound ltac:(intros j inside; apply (output_top_entry j inside), below_wrong)).
    specialize (bound (2 ^ quad_shift c) input_residue (fun g => at1 (chosen g delta) d)). cbv beta in bound.
    assert (gains : forall g, (g < groups)%nat ->
      2 ^ quad_shift c * at1 (chosen g delta) d <=
      sum_over (fun j => activeZ (cosine_at g delta) (X j (Z.of_nat sigma)) * (Y j (Z.of_nat right) - Y j (Z.of_nat wrong)) -
        at1 (input_tops F c) j * (Z.abs (V * at2 (U_rows F) right j - Y j (Z.of_nat right)) +
          Z.abs (V * at2 (U_rows F) wrong j - Y j (Z.of_nat wrong))))
        (filter (fun j => Nat.eqb (group_of c j) g) (neurons F))).
    { intros g inside. fold (members F c g).
      destruct (chosen_spec g delta d inside ltac:(lia)) as (_ & _ & lead). specialize (lead sigma below_sigma).
      destruct (slack_spec F c formed passed g) as [_ slack_high].
      assert (slack_right := slack_high right below_right). assert (slack_wrong := slack_high wrong below_wrong).
      etransitivity; [exact lead|]. rewrite sum_over_minus.
      assert (values : sum_over (fun j => activeZ (cosine_at g delta) (X j (Z.of_nat sigma)) *
          (Y j (Z.of_nat right) - Y j (Z.of_nat wrong))) (members F c g) =
        group_value F c (activeZ (cosine_at g delta)) g sigma (2 * Z.of_nat sigma) -
        group_value F c (activeZ (cosine_at g delta)) g sigma (2 * Z.of_nat sigma + Z.of_nat d)).
      { unfold group_value. rewrite <- sum_over_minus. apply sum_over_ext. intros j _. unfold QuadratureTables.Y.
        rewrite (wave_at_same F c _ _ _ _ _ at_wrong), right_value, wave_at_periodic.
        rewrite (wave_at_same F c _ _ _ _ _ at_right). ring. }
      rewrite values.
      assert (slacks : sum_over (fun j => at1 (input_tops F c) j * (Z.abs (V * at2 (U_rows F) right j - Y j (Z.of_nat right)) +
          Z.abs (V * at2 (U_rows F) wrong j - Y j (Z.of_nat wrong)))) (members F c g) =
        slack_sum F c g right + slack_sum F c g wrong).
      { unfold slack_sum. rewrite <- sum_over_plus. apply sum_over_ext. intros j _. ring. }
      rewrite slacks. lia. }
    specialize (bound gains). clear gains.
    assert (small : sum_over (fun j => output_top j * (quad_tolerance c * input_size c j + N *
        (Z.abs (T * at2 (L_rows F) a j - X j (Z.of_nat a)) +
         Z.abs (T * at2 (R_rows F) b j - X j (form_coefficient F * Z.of_nat b))))) (neurons F) <= input_residue).
    { assert (first := first_bound a below_a). assert (second := second_bound b below_b).
      assert (U := unit_range F c passed). unfold input_residue.
      rewrite (sum_over_ext _ _ (fun j => quad_tolerance c * (output_top j * input_size c j) +
        N * (output_top j * Z.abs (T * at2 (L_rows F) a j - X j (Z.of_nat a)) +
          output_top j * Z.abs (T * at2 (R_rows F) b j - X j (form_coefficient F * Z.of_nat b))))) by (intros j _; ring).
      rewrite sum_over_plus, !sum_over_mult, sum_over_plus. apply Z.add_le_mono_l, Z.mul_le_mono_nonneg_l; lia. }
    specialize (bound small). clear small.
    assert (difference : valueZ F a b right - valueZ F a b wrong =
      (at2 (P_rows F) a right - at2 (P_rows F) a wrong + (at2 (Q_rows F) b right - at2 (Q_rows F) b wrong)) +
      sum_over (fun j => Z.max 0 (at2 (L_rows F) a j + at2 (R_rows F) b j) * (at2 (U_rows F) right j - at2 (U_rows F) wrong j))
        (neurons F)).
    { unfold valueZ, neurons. rewrite sum_over_seq. cbn [Nat.add].
      rewrite (sumZ_ext _ (fun k => Z.max 0 (at2 (L_rows F) a k + at2 (R_rows F) b k) *
        (at2 (U_rows F) right k - at2 (U_rows F) wrong k))
        (fun k => hiddenZ F a b k * at2 (U_rows F) right k + -1 * (hiddenZ F a b k * at2 (U_rows F) wrong k))).
      - rewrite sumZ_plus, sumZ_mult_l. ring.
      - intros k _. unfold hiddenZ, activateZ. rewrite (relu_form F c passed). ring. }
    assert (direct : - (2 * direct_top) <=
      at2 (P_rows F) a right - at2 (P_rows F) a wrong + (at2 (Q_rows F) b right - at2 (Q_rows F) b wrong)).
    { unfold direct_top, largest. assert (one := max_abs_bound (P_rows F) a right).
      assert (two := max_abs_bound (P_rows F) a wrong).
      assert (three := max_abs_bound (Q_rows F) b right). assert (four := max_abs_bound (Q_rows F) b wrong). lia. }
    assert (scale : 0 < T * N * V).
    { assert (U := unit_range F c passed). assert (in_scale := input_scale_range F c passed).
      assert (out_scale := output_scale_range F c passed). repeat apply Z.mul_pos_pos; lia. }
    set (gain := sum_over (fun j => Z.max 0 (at2 (L_rows F) a j + at2 (R_rows F) b j) *
      (at2 (U_rows F) right j - at2 (U_rows F) wrong j)) (neurons F)) in *.
    assert (enough_gain : 2 * direct_top < gain).
    { apply (Z.mul_lt_mono_pos_l (T * N * V)); [exact scale|]. revert far bound. clear. lia. }
    lia.
  Qed.

  Lemma quadrature_count_sound : quadrature_count F c <= right_pairs F.
  Proof.
    unfold quadrature_count. cbv zeta. apply (count_pairs_le _ _ F _ _ _ [] []).
    - apply (has_shape_length _ _ _ _ (L_shape F formed)).
    - apply (has_shape_length _ _ _ _ (R_shape F formed)).
    - intros a b below_a below_b test. apply pair_sound; assumption.
  Qed.
End Sound.

Theorem quadrature_on_sound : forall (claimed : Z) (F : form) (c : quadrature_certificate),
  quadrature_on claimed F c = Accepted ->
  claimed <= right_pairs F.
Proof.
  intros claimed F c verdict. apply (certified_sound F _ _ claimed) in verdict; [exact verdict|].
  intros formed passed. apply quadrature_count_sound; assumption.
Qed.
