(* CompactProofs: Modular: QuadratureLeads *)
(* MIT licence. *)
From Coq Require Import ZArith List Arith Bool Lia Uint63.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome.
From CompactProofs Require Import Modular.Form Modular.FormSound Modular.CosTable Modular.Quadrature Modular.QuadratureMath
  Modular.QuadratureRows Modular.QuadratureTables.
Import ListNotations.
(** * The tables of the quadrature checker are what they are meant to be
    - [input_entry], [output_entry] == entries of the waves of the neurons
    - [output_residual_entry]       == what the waves leave out of the output weights
    - [lead_of g delta d]           == the lead that the checker takes for group g
    Main results: [lead_spec], [lead_size], [total_exact]. *)
Local Open Scope Z_scope.

Section Leads.
  Context (F : form) (c : quadrature_certificate) (formed : well_formed F) (passed : quadrature_passed F c).

  Local Notation p := (form_order F).
  Local Notation m := (form_width F).
  Local Notation N := (quad_unit c).
  Local Notation T := (quad_input_scale c).
  Local Notation V := (quad_output_scale c).
  Local Notation groups := (length (quad_frequencies c)).
  Local Notation X := (X F c).
  Local Notation Y := (Y F c).

  Definition inputs : list (list int) := neuron_waves F c (waves F c) (quad_input_cosines c) (quad_input_sines c).
  Definition outputs : list (list int) := neuron_waves F c (waves F c) (quad_output_cosines c) (quad_output_sines c).

  Local Lemma neuron_below : forall j : nat, In j (neurons F) -> (j < m)%nat.
  Proof. intros j inside. apply in_seq in inside. lia. Qed.

  Lemma inputs_row : forall j : nat, In j (neurons F) -> length (nth j inputs []) = p.
  Proof. intros j inside. apply (neuron_waves_spec F c passed), neuron_below, inside. Qed.

  Lemma outputs_row : forall j : nat, In j (neurons F) -> length (nth j outputs []) = p.
  Proof. intros j inside. apply (neuron_waves_spec F c passed), neuron_below, inside. Qed.

  Lemma input_entry : forall j i : nat, In j (neurons F) -> (i < p)%nat -> at2 inputs j i = X j (Z.of_nat i).
  Proof.
    intros j i inside below. apply at1_of_congruent.
    - apply (neuron_waves_spec F c passed); [apply neuron_below, inside | exact below].
    - etransitivity; [apply (wave_at_bound F c passed)|]. apply (input_size_fits F c passed), inside.
  Qed.

  Lemma output_entry : forall j i : nat, In j (neurons F) -> (i < p)%nat -> at2 outputs j i = Y j (Z.of_nat i).
  Proof.
    intros j i inside below. apply at1_of_congruent.
    - apply (neuron_waves_spec F c passed); [apply neuron_below, inside | exact below].
    - etransitivity; [apply (wave_at_bound F c passed)|].
      assert (fits := output_size_fits F c passed j inside). unfold output_size in fits. lia.
  Qed.

  Lemma inputs_length : length inputs = m.
  Proof. unfold inputs, neuron_waves, neurons. rewrite map_length. apply seq_length. Qed.

  (** ** Columns of the form *)

  Lemma column_entry : forall (A : list (list int)) (j i : nat),
    has_shape p m A = true -> In j (neurons F) -> (i < p)%nat ->
    length (nth j (transpose m A) []) = p /\ at2 (transpose m A) j i = at2 A i j.
  Proof.
    intros A j i shape inside below. assert (len := has_shape_length _ _ _ _ shape).
    destruct (transpose_spec m j A) as [len_column entries].
    - intros row also. apply (has_shape_rows _ _ _ _ _ shape also).
    - apply neuron_below, inside.
    - split; [lia|]. unfold at2, at1. rewrite entries by lia. reflexivity.
  Qed.

  (** What is left out of a table by waves. *)
  Lemma residual_entry : forall (A nears : list (list int)) (scale : Z) (near : Z) (j i : nat),
    has_shape p m A = true -> In j (neurons F) -> (i < p)%nat -> length (nth j nears []) = p -> at2 nears j i = near ->
    Z.abs (scale * at2 A i j - near) <= 2 ^ 60 ->
    length (nth j (residuals F (of_Z scale) (transpose m A) nears) []) = p /\
    at2 (residuals F (of_Z scale) (transpose m A) nears) j i = Z.abs (scale * at2 A i j - near).
  Proof.
    intros A nears scale near j i shape inside below len entry range.
    destruct (column_entry A j i shape inside below) as [len_column column].
    unfold residuals, neurons, at2 at 1. rewrite nth_seq_map by (apply neuron_below, inside). split.
    - unfold residual. rewrite zip_with_length, len, len_column. apply Nat.min_id.
    - rewrite <- entry, <- column. apply residual_spec; [lia | lia | apply congruent_of_Z|].
      unfold at2 in column, entry. rewrite column, entry. exact range.
  Qed.

  Definition output_left_out : list (list int) := residuals F (of_Z V) (transpose m (U_rows F)) outputs.

  Lemma output_residual_bound : forall j i : nat, Z.abs (V * at2 (U_rows F) i j - Y j (Z.of_nat i)) <= output_term F c j.
  Proof.
    intros j i. assert (top := max_abs_bound (U_rows F) i j). fold (largest (U_rows F)) in top.
    assert (wave := wave_at_bound F c passed (quad_output_cosines c) (quad_output_sines c) j (Z.of_nat i)).
    assert (range := output_scale_range F c passed). unfold output_term, output_size. fold Y in wave.
    assert (scaled : Z.abs (V * at2 (U_rows F) i j) <= V * largest (U_rows F)).
    { rewrite Z.abs_mul, (Z.abs_eq V) by lia. apply Z.mul_le_mono_nonneg_l; [lia | exact top]. }
    unfold QuadratureTables.Y in *. revert scaled wave. clear. lia.
  Qed.

  Lemma output_residual_entry : forall j i : nat, In j (neurons F) -> (i < p)%nat ->
    length (nth j output_left_out []) = p /\
    at2 output_left_out j i = Z.abs (V * at2 (U_rows F) i j - Y j (Z.of_nat i)).
  Proof.
    intros j i inside below. apply residual_entry.
    - apply (U_shape F formed).
    - exact inside.
    - exact below.
    - apply outputs_row, inside.
    - apply output_entry; assumption.
    - assert (bound := output_residual_bound j i). assert (fits := output_term_fits F c passed j inside). lia.
  Qed.

  (** ** The largest input of a neuron *)

  Definition input_tops : list int := map row_top inputs.

  Lemma input_top_entry : forall j : nat, In j (neurons F) ->
    0 <= at1 input_tops j <= input_size c j * N /\
    forall i, (i < p)%nat -> Z.abs (X j (Z.of_nat i)) <= at1 input_tops j.
  Proof.
    intros j inside. assert (below := neuron_below j inside).
    assert (entry : nth j input_tops 0%uint63 = row_top (nth j inputs []))
      by (apply nth_map_any; rewrite inputs_length; exact below).
    assert (nonneg := size_unit_nonneg F c passed (quad_input_cosines c) (quad_input_sines c) j).
    assert (fits := input_size_fits F c passed j inside).
    assert (high : to_Z (row_top (nth j inputs [])) <= input_size c j * N).
    { apply row_top_le; [exact nonneg|]. intros i below_i. rewrite inputs_row in below_i by exact inside.
      change (at1 (nth j inputs []) i) with (at2 inputs j i). rewrite input_entry by assumption.
      apply (wave_at_bound F c passed). }
    assert (value : at1 input_tops j = to_Z (row_top (nth j inputs []))).
    { unfold at1. rewrite entry. apply signed_small. lia. }
    rewrite value. assert (range := to_Z_range (row_top (nth j inputs []))). split; [lia|].
    intros i below_i. rewrite <- input_entry by assumption. apply row_top_ge.
  Qed.

  (** ** The sums of a group *)

  Definition slack (g : nat) : int := row_top (weighted p input_tops output_left_out (members F c g)).

  Lemma member_inside : forall g j : nat, In j (members F c g) -> In j (neurons F) /\ group_of c j = g.
  Proof.
    intros g j inside. apply filter_In in inside. destruct inside as [some same]. apply Nat.eqb_eq in same. split; assumption.
  Qed.

  Definition slack_sum (g i : nat) : Z :=
    sum_over (fun j => at1 input_tops j * Z.abs (V * at2 (U_rows F) i j - Y j (Z.of_nat i))) (members F c g).

  Lemma slack_sum_range : forall g i : nat, 0 <= slack_sum g i /\ 4 * slack_sum g i <= moment_top F c.
  Proof.
    intros g i. split.
    - apply sum_over_nonneg. intros j some. apply member_inside in some. destruct some as [some _].
      apply Z.mul_nonneg_nonneg; [apply input_top_entry, some | apply Z.abs_nonneg].
    - apply (moment_sum F c passed). intros j some. destruct (input_top_entry j some) as [range _].
      assert (bound := output_residual_bound j i). split.
      + apply Z.mul_nonneg_nonneg; [apply range | apply Z.abs_nonneg].
      + apply Z.mul_le_mono_nonneg; [apply range | apply range | apply Z.abs_nonneg | exact bound].
  Qed.

  Lemma slack_spec : forall g : nat,
    4 * to_Z (slack g) <= moment_top F c /\ forall i, (i < p)%nat -> slack_sum g i <= to_Z (slack g).
  Proof.
    intro g. destruct (weighted_spec p input_tops output_left_out (members F c g)) as [len entries].
    - intros j some. apply member_inside in some. destruct some as [some _].
      apply (output_residual_entry j O); [exact some | apply (order_pos F formed)].
    - assert (fits := moment_top_fits F c passed).
      assert (value : forall i, (i < p)%nat -> at1 (weighted p input_tops output_left_out (members F c g)) i = slack_sum g i).
      { intros i below. destruct (slack_sum_range g i) as [low high]. apply at1_of_congruent; [|lia].
        unfold slack_sum. rewrite (sum_over_ext _ _ (fun j => at1 input_tops j * at2 output_left_out j i)); [apply entries,
          below|].
        intros j some. apply member_inside in some. destruct some as [some _].
        destruct (output_residual_entry j i some below) as [_ same]. rewrite same. reflexivity. }
      split.
      + assert (bound : to_Z (slack g) <= moment_top F c / 4); [|assert (down := Z.mul_div_le (moment_top F c) 4); lia].
        destruct (slack_sum_range g O) as [low high]. apply row_top_le; [apply Z.div_pos; lia|].
        intros i below. rewrite len in below. rewrite value by exact below. destruct (slack_sum_range g i) as [low_i high_i].
        apply Z.div_le_lower_bound; lia.
      + intros i below. rewrite <- value by exact below.
        assert (top := row_top_ge (weighted p input_tops output_left_out (members F c g)) i).
        unfold slack. lia.
  Qed.

  (** [active]: positive or negative. *)
  Section Sign.
    Context (active : int -> int) (activeZ : Z -> Z).
    Context (active_spec : forall x : int, Z.abs (signed x) <= 2 ^ 61 -> signed (active x) = activeZ (signed x)).
    Context (active_bound : forall x : Z, 0 <= activeZ x <= Z.abs x).

    Definition actives : list (list int) := map (map active) inputs.

    Lemma actives_entry : forall j i : nat, In j (neurons F) -> (i < p)%nat ->
      length (nth j actives []) = p /\ at2 actives j i = activeZ (X j (Z.of_nat i)).
    Proof.
      intros j i inside below. unfold actives, at2.
      rewrite (nth_map_any _ _ _ _ _ []) by (rewrite inputs_length; apply neuron_below, inside).
      assert (len := inputs_row j inside). split; [rewrite map_length; exact len|]. unfold at1.
      rewrite (nth_map_any _ _ _ _ _ 0%uint63) by lia. rewrite <- input_entry by assumption.
      assert (entry := input_entry j i inside below). apply active_spec. unfold at2, at1 in entry. rewrite entry.
      assert (bound := wave_at_bound F c passed (quad_input_cosines c) (quad_input_sines c) j (Z.of_nat i)).
      assert (fits := input_size_fits F c passed j inside). unfold QuadratureTables.X, input_size in *. lia.
    Qed.

    (** What the neurons of a group say of a class. *)
    Definition group_value (g sigma : nat) (i : Z) : Z :=
      sum_over (fun j => activeZ (X j (Z.of_nat sigma)) * Y j i) (members F c g).

    Lemma group_value_periodic : forall (g sigma : nat) (i : Z), group_value g sigma (i mod Z.of_nat p) = group_value g sigma i.
    Proof.
      intros g sigma i. apply sum_over_ext. intros j _. unfold QuadratureTables.Y. rewrite wave_at_periodic. reflexivity.
    Qed.

    Lemma group_value_bound : forall (g sigma : nat) (i : Z), 4 * Z.abs (group_value g sigma i) <= moment_top F c.
    Proof.
      intros g sigma i. unfold group_value.
      transitivity (4 * sum_over (fun j => input_size c j * N * (output_size c j * N)) (members F c g)).
      - apply Z.mul_le_mono_nonneg_l; [lia|]. apply sum_over_abs. intros j _. rewrite Z.abs_mul.
        destruct (active_bound (X j (Z.of_nat sigma))) as [low high]. rewrite (Z.abs_eq (activeZ _)) by exact low.
        apply Z.mul_le_mono_nonneg; [exact low | | apply Z.abs_nonneg | apply (wave_at_bound F c passed)].
        etransitivity; [exact high|]. apply (wave_at_bound F c passed).
      - apply (moment_sum F c passed). intros j inside.
        assert (one := size_unit_nonneg F c passed (quad_input_cosines c) (quad_input_sines c) j).
        assert (two := size_unit_nonneg F c passed (quad_output_cosines c) (quad_output_sines c) j).
        split; [apply Z.mul_nonneg_nonneg; assumption|]. apply Z.mul_le_mono_nonneg_l; [exact one|].
        unfold output_term. assert (range := output_scale_range F c passed). assert (top := largest_nonneg (U_rows F)).
        assert (nonneg : 0 <= V * largest (U_rows F)) by (apply Z.mul_nonneg_nonneg; lia). lia.
    Qed.

    (** Coefficients of the outputs as machine integers. *)
    Lemma output_coefficient : forall (u : list Z) (j : nat),
      In j (neurons F) -> Z.abs (nth j u 0) <= output_size c j -> at1 (map of_Z u) j = nth j u 0.
    Proof.
      intros u j inside bound. apply at1_of_congruent; [apply nth_of_Z|].
      assert (fits := output_size_fits F c passed j inside). assert (range := unit_range F c passed).
      assert (more : output_size c j * 1 <= output_size c j * N) by (apply Z.mul_le_mono_nonneg_l; lia). lia.
    Qed.

    Definition coefficient_row (u : list Z) (g : nat) : list int := weighted p (map of_Z u) actives (members F c g).

    Lemma coefficient_row_spec : forall (u : list Z) (g : nat),
      (forall j, Z.abs (nth j u 0) <= output_size c j) ->
      length (coefficient_row u g) = p /\
      forall sigma, (sigma < p)%nat -> congruent (nth sigma (coefficient_row u g) 0%uint63)
        (sum_over (fun j => nth j u 0 * activeZ (X j (Z.of_nat sigma))) (members F c g)).
    Proof.
      intros u g bound. destruct (weighted_spec p (map of_Z u) actives (members F c g)) as [len entries].
      - intros j some. apply member_inside in some. destruct some as [some _].
        apply (actives_entry j O); [exact some | apply (order_pos F formed)].
      - split; [exact len|]. intros sigma below.
        rewrite (sum_over_ext _ _ (fun j => at1 (map of_Z u) j * at2 actives j sigma)); [apply entries, below|].
        intros j some. apply member_inside in some. destruct some as [some _]. rewrite output_coefficient by auto.
        destruct (actives_entry j sigma some below) as [_ same]. rewrite same. reflexivity.
    Qed.

    Definition value_rows (g : nat) : list (list int) :=
      let w := nth g (waves F c) ([], []) in
      zip_with (fun x y => wave x y (fst w) (snd w)) (coefficient_row (quad_output_cosines c) g)
        (coefficient_row (quad_output_sines c) g).

    Lemma output_sizes : forall j : nat,
      Z.abs (nth j (quad_output_cosines c) 0) <= output_size c j /\ Z.abs (nth j (quad_output_sines c) 0) <= output_size c j.
    Proof. intro j. unfold output_size, size_of. lia. Qed.

    Lemma value_rows_spec : forall g sigma : nat, (g < groups)%nat -> (sigma < p)%nat ->
      length (value_rows g) = p /\ length (nth sigma (value_rows g) []) = p /\
      forall i, (i < p)%nat -> congruent (nth i (nth sigma (value_rows g) []) 0%uint63) (group_value g sigma (Z.of_nat i)).
    Proof.
      intros g sigma inside below.
      destruct (coefficient_row_spec (quad_output_cosines c) g) as [len_A entries_A]; [intro j; apply output_sizes|].
      destruct (coefficient_row_spec (quad_output_sines c) g) as [len_B entries_B]; [intro j; apply output_sizes|].
      unfold value_rows. cbv zeta. split; [rewrite zip_with_length, len_A, len_B; apply Nat.min_id|].
      rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by lia.
      rewrite nth_waves by exact inside. cbn [fst snd]. split; [rewrite wave_length; rewrite !turned_length; reflexivity|].
      intros i below_i.
      replace (group_value g sigma (Z.of_nat i)) with
        (sum_over (fun j => nth j (quad_output_cosines c) 0 * activeZ (X j (Z.of_nat sigma))) (members F c g) *
           cosine F c (frequency c g * Z.of_nat i) -
         sum_over (fun j => nth j (quad_output_sines c) 0 * activeZ (X j (Z.of_nat sigma))) (members F c g) *
           sine F c (frequency c g * Z.of_nat i)).
      - apply wave_spec; rewrite ?turned_length; try exact below_i; [apply entries_A, below | apply entries_B, below | |];
          apply turned_congruent, below_i.
      - rewrite !(Z.mul_comm (sum_over _ _)), <- !sum_over_mult, <- sum_over_minus. apply sum_over_ext. intros j some.
        apply member_inside in some. destruct some as [_ same]. unfold QuadratureTables.Y, wave_at, waveZ. rewrite same. ring.
    Qed.

    Definition lead_list (g : nat) : list int :=
      group_leads p (of_Z (quad_shift c)) (slack g + slack g)%uint63 (multiples p 2) (nth g (waves F c) ([], []))
        (coefficient_row (quad_output_cosines c) g) (coefficient_row (quad_output_sines c) g).

    Lemma lead_list_spec : forall g d : nat, (g < groups)%nat -> (d < p)%nat ->
      length (lead_list g) = p /\
      2 ^ quad_shift c * Z.abs (at1 (lead_list g) d) <= moment_top F c + 2 ^ quad_shift c /\
      forall sigma, (sigma < p)%nat ->
        2 ^ quad_shift c * at1 (lead_list g) d <=
        group_value g sigma (2 * Z.of_nat sigma) - group_value g sigma (2 * Z.of_nat sigma + Z.of_nat d) - 2 * to_Z (slack g).
    Proof.
      intros g d inside below.
      set (rows := zip_with lead_row (multiples p 2) (value_rows g)).
      assert (positive := order_pos F formed). assert (fits := moment_top_fits F c passed).
      destruct (value_rows_spec g O inside positive) as [len_values _].
      assert (len_rows : length rows = p)
        by (unfold rows; rewrite zip_with_length, multiples_length, len_values; apply Nat.min_id).
      assert (row : forall sigma, (sigma < p)%nat -> nth sigma rows [] =
        lead_row (Z.to_nat ((2 * Z.of_nat sigma) mod Z.of_nat p)) (nth sigma (value_rows g) [])).
      { intros sigma below_s. unfold rows. rewrite (nth_zip_with _ _ _ _ _ _ _ O []) by (rewrite ?multiples_length; lia).
        f_equal. unfold multiples. rewrite nth_seq_map by exact below_s. reflexivity. }
      set (lead sigma := group_value g sigma (2 * Z.of_nat sigma) - group_value g sigma (2 * Z.of_nat sigma + Z.of_nat d)).
      assert (lead_range : forall sigma, 2 * Z.abs (lead sigma) <= moment_top F c).
      { intro sigma. assert (one := group_value_bound g sigma (2 * Z.of_nat sigma)).
        assert (two := group_value_bound g sigma (2 * Z.of_nat sigma + Z.of_nat d)). unfold lead. lia. }
      assert (entry : forall sigma, (sigma < p)%nat -> at1 (nth sigma rows []) d = lead sigma).
      { intros sigma below_s. rewrite row by exact below_s.
        destruct (value_rows_spec g sigma inside below_s) as (_ & len & entries).
        apply at1_of_congruent; [|assert (range := lead_range sigma); lia].
        apply (lead_row_spec p); [exact len | apply group_value_periodic | exact entries | exact below]. }
      destruct (least_rows_spec p rows) as [len_least least].
      - intro none. rewrite none in len_rows. cbn in len_rows. lia.
      - intros r some. apply (In_nth _ _ []) in some. destruct some as (sigma & below_s & <-). rewrite len_rows in below_s.
        rewrite row by exact below_s. rewrite lead_row_length. apply (value_rows_spec g sigma inside below_s).
      - destruct (least d below) as [under (one & some & same)].
        apply (In_nth _ _ []) in some. destruct some as (first & below_first & at_first). rewrite len_rows in below_first.
        assert (value : at1 (least_rows rows) d = lead first) by (rewrite same, <- at_first; apply entry, below_first).
        destruct (slack_spec g) as [slack_fits _]. assert (slack_range := to_Z_range (slack g)).
        assert (first_range := lead_range first).
        assert (difference : signed (nth d (least_rows rows) 0 - (slack g + slack g))%uint63 =
          at1 (least_rows rows) d - 2 * to_Z (slack g)).
        { apply signed_of_congruent; [|lia]. apply congruent_sub; [apply at1_congruent|].
          replace (2 * to_Z (slack g)) with (to_Z (slack g) + to_Z (slack g)) by ring.
          apply congruent_add; apply congruent_to_Z. }
        assert (shift := shift_range F c passed).
        assert (shift_value : to_Z (of_Z (quad_shift c)) = quad_shift c).
        { apply to_Z_of_congruent; [apply congruent_of_Z | lia]. }
        assert (result : at1 (lead_list g) d = (at1 (least_rows rows) d - 2 * to_Z (slack g)) / 2 ^ quad_shift c).
        { unfold lead_list, group_leads, at1 at 1. cbv zeta. fold (value_rows g). fold rows.
          rewrite (nth_map_any _ _ _ _ _ 0%uint63) by lia.
          rewrite signed_shift_down; rewrite ?shift_value, ?difference; [reflexivity | lia | lia]. }
        assert (unit : 0 < 2 ^ quad_shift c) by (apply Z.pow_pos_nonneg; lia).
        assert (down := Z.mul_div_le (at1 (least_rows rows) d - 2 * to_Z (slack g)) (2 ^ quad_shift c) unit).
        assert (up := Z.mul_succ_div_gt (at1 (least_rows rows) d - 2 * to_Z (slack g)) (2 ^ quad_shift c) unit).
        rewrite <- result in down, up. split; [|split].
        + unfold lead_list, group_leads. cbv zeta. rewrite map_length. exact len_least.
        + rewrite <- (Z.abs_eq (2 ^ quad_shift c)) at 1 by lia. rewrite <- Z.abs_mul. lia.
        + intros sigma below_s. assert (here := under (nth sigma rows []) ltac:(apply nth_In; lia)).
          rewrite entry in here by exact below_s. unfold lead in here. lia.
    Qed.
  End Sign.
End Leads.
