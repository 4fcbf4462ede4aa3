(* CompactProofs: Modular: Length: QuadratureLength *)
(* MIT licence. *)
From Coq Require Import ZArith List Arith Bool Lia Uint63.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
From CompactProofs Require Import Modular.CosTable Modular.Quadrature.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.MatrixLength.
From CompactProofs Require Import Modular.Length.FormCounted Modular.Length.QuadratureCounted.
From CompactProofs Require Import Modular.Length.QuadratureRowsLength.
Import ListNotations.
(** * Sums over the phases of each frequency: how many operations they take
    In the order p, the width m and the number k of groups, whatever the numbers. What leads is 16 p^2 k for the leads and their
    sums, 33 p^2 for products of cosines and for pairs, and 50 p m beside what the tests of a form take: nothing is cubic. A
    neuron is in one group only, so what its rows take is counted once, not for each group.
    - [quadrature_within p m c]         == the lists that the tests go through are no longer than p and m
    - [quadrature_operations_bound f p m k] == the closed form; in Python: proofs/strategies/modular/quadrature.py
    Main results: [quadrature_operations_at_most], [quadrature_accepted_at_most] (where nothing is assumed of sizes). *)
Local Open Scope Z_scope.

(** ** The closed form *)

Definition quadrature_tests_bound (p m k : Z) : Z :=
  41 + 4 * p + 21 * m + 4 * k + 3 * largest_bound p m + 2 * products_bound p.

Definition waves_bound (p k : Z) : Z := 2 * p + 5 * (p * k).

Definition neuron_waves_bound (p m : Z) : Z := m * (3 + 3 * p).

Definition group_bound (p m : Z) : Z := 2 + 2 * m + 8 * p + 2 * group_leads_bound p.

Definition all_leads_bound (p m k : Z) : Z := 1 + neuron_waves_bound p m + 2 * m + 20 * (p * m) + k * group_bound p m.

Definition needed_bound (p m : Z) : Z := 14 + 11 * p + 6 * m + 15 * (p * m) + 2 * largest_bound p p.

Definition total_leads_bound (p k : Z) : Z := 3 * k + 2 * (p * k).

Definition enough_bound (p m k : Z) : Z :=
  3 + waves_bound p k + neuron_waves_bound p m + all_leads_bound p m k + needed_bound p m
  + p * (total_leads_bound p k + 3 * p).

Definition quadrature_count_bound (p m k : Z) : Z := enough_bound p m k + p * (2 + 10 * p).

Definition quadrature_operations_bound (f : activation) (p m k : Z) : Z :=
  1 + quadrature_tests_bound p m k + form_tests_bound f p m + quadrature_count_bound p m k.

(** ** A form and a certificate *)

Record quadrature_within (p m : nat) (c : quadrature_certificate) : Prop := QuadratureWithin {
  cosines_short : len (quad_cosines c) <= Z.of_nat p;
  sines_short : len (quad_sines c) <= Z.of_nat p;
  groups_short : len (quad_groups c) <= Z.of_nat m
}.

Section Form.
  Context (F : form) (F_within : form_within F) (c : quadrature_certificate).
  Local Notation p := (Z.of_nat (form_order F)).
  Local Notation m := (Z.of_nat (form_width F)).
  Local Notation k := (len (quad_frequencies c)).
  Local Notation of_groups := (waves F c).

  Local Lemma neurons_len : len (neurons F) = m.
  Proof. apply len_seq. Qed.

  (** *** Tests *)

  Lemma input_bound_at_most : forall weights : Z,
    at_most (3 + 2 * largest_bound p m + 7 * m) (input_bound_counted F c weights).
  Proof.
    intro weights. destruct F_within as [sizes_L sizes_R _ _ _]. unfold input_bound_counted. eapply at_most_le.
    { eapply at_most_then; [apply largest_at_most, sizes_L|]. eapply at_most_then; [apply largest_at_most, sizes_R|].
      eapply at_most_then; [apply at_most_several, Z.le_refl|]. eapply at_most_then; [apply at_most_once, Z.le_refl|].
      apply sum_over_at_most with (k := 6). intro j. apply at_most_several. reflexivity. }
    rewrite neurons_len. lia.
  Qed.

  Lemma moment_bound_at_most : forall weights : Z, at_most (2 + 12 * m) (moment_bound_counted F c weights).
  Proof.
    intro weights. unfold moment_bound_counted. eapply at_most_le.
    { eapply at_most_then; [apply at_most_once, Z.le_refl|].
      eapply at_most_then; [|apply at_most_once, Z.le_refl].
      apply sum_over_at_most with (k := 11). intro j. apply at_most_several. reflexivity. }
    rewrite neurons_len. lia.
  Qed.

  Lemma frequency_test_at_most : forall order : nat, at_most (k * 4) (frequency_test_counted order (quad_frequencies c)).
  Proof.
    intro order. eapply at_most_bind; [| |rewrite Z.add_0_r; apply Z.le_refl].
    - apply find_at_most; [lia | intros; apply at_most_several, Z.le_refl].
    - destruct (returned _); apply at_most_free, Z.le_refl.
  Qed.

  Lemma scale_test_at_most : forall low top scale : Z, at_most 2 (scale_test_counted low top scale).
  Proof. intros low top scale. apply at_most_several, Z.le_refl. Qed.

  Lemma leads_bound_at_most : forall moments : Z, at_most 5 (leads_bound_counted c moments).
  Proof. intro moments. apply at_most_several, Z.le_refl. Qed.

  Lemma quadrature_tests_at_most : quadrature_within (form_order F) (form_width F) c ->
    at_most (quadrature_tests_bound p m k) (quadrature_tests_counted F c).
  Proof.
    intros [cosines sines groups]. unfold quadrature_tests_counted, quadrature_tests_bound. cbv zeta.
    assert (own := scale_test_at_most). assert (leads_top := leads_bound_at_most).
    assert (frequencies := frequency_test_at_most (form_order F)).
    assert (input := input_bound_at_most). assert (moment := moment_bound_at_most).
    assert (first := in_table_at_most _ (form_order F) (quad_unit c) _ cosines).
    assert (second := in_table_at_most _ (form_order F) (quad_unit c) _ sines).
    assert (angles := products_hold_at_most (form_order F) (quad_unit c) (quad_tolerance c) _ _ cosines cosines).
    assert (other_angles := products_hold_at_most (form_order F) (quad_unit c) (quad_tolerance c) _ _ cosines sines).
    assert (of_groups : forall g : Z -> bool, at_most (m * 2) (forallb_counted (fun x => several 2 (g x)) (quad_groups c))).
    { intro g. apply at_most_forallb; [lia | exact groups | intros; apply at_most_several, Z.le_refl]. }
    assert (weights := largest_at_most _ _ _ (U_within F F_within)).
    count.
  Qed.

  (** *** Waves *)

  Lemma wave_of_group_len : forall g : nat, len (fst (nth g of_groups ([], []))) <= p.
  Proof.
    intro g. assert (all : forall w, In w of_groups -> len (fst w) <= p).
    { intros w inside. unfold waves in inside. apply in_map_iff in inside. destruct inside as (f & <- & _). cbn [fst].
      unfold len. rewrite turned_length. apply Z.le_refl. }
    generalize dependent of_groups. intros waves all. destruct (nth_in_or_default g waves ([], [])) as [inside| ->].
    - apply all, inside.
    - cbn [fst]. rewrite len_nil. lia.
  Qed.

  Lemma waves_at_most : len (quad_cosines c) <= p -> len (quad_sines c) <= p -> at_most (waves_bound p k) (waves_counted F c).
  Proof.
    intros cosines sines. unfold waves_counted, waves_bound. eapply at_most_le.
    { eapply at_most_then; [apply of_list_at_most|]. eapply at_most_then; [apply of_list_at_most|].
      apply at_most_map with (c := 5 * p + 0) (r := k); [lia | apply Z.le_refl|]. intros f _.
      eapply at_most_then; [apply multiples_at_most | apply at_most_free, Z.le_refl]. }
    lia.
  Qed.

  Lemma neuron_waves_at_most : forall u v : list Z,
    at_most (neuron_waves_bound p m) (neuron_waves_counted F c of_groups u v).
  Proof.
    intros u v. apply at_most_map; [lia | rewrite neurons_len; lia|]. intros j _. cbv zeta. eapply at_most_le.
    { eapply at_most_then; [apply at_most_once, Z.le_refl|]. eapply at_most_then; [apply at_most_once, Z.le_refl|].
      eapply at_most_then; [apply at_most_once, Z.le_refl | apply wave_at_most, wave_of_group_len]. }
    lia.
  Qed.

  Lemma neuron_waves_within : forall u v : list Z, within m p (neuron_waves F c of_groups u v).
  Proof.
    intros u v. unfold neuron_waves. split; [lia|]. split; [rewrite len_map, neurons_len; lia|].
    intros row inside. apply in_map_iff in inside. destruct inside as (j & <- & _).
    eapply Z.le_trans; [apply wave_len | apply wave_of_group_len].
  Qed.

  Lemma residuals_at_most : forall (scale : int) (columns nears : list (list int)), within m p nears ->
    at_most (4 * (p * m)) (residuals_counted F scale columns nears).
  Proof.
    intros scale columns nears size. apply at_most_le with (m * (p * 4)); [|lia].
    apply at_most_map; [lia | rewrite neurons_len; lia|]. intros j _.
    apply at_most_zip; [lia | right; apply (len_nth_within _ m p), size | intros; count].
  Qed.

  (** *** Leads *)

  Lemma members_at_most : forall g : nat, at_most (2 * m) (members_counted F c g).
  Proof.
    intro g. apply at_most_le with (len (neurons F) * 2); [|rewrite neurons_len; lia].
    apply filter_at_most. intro j. apply at_most_several. reflexivity.
  Qed.

  Lemma members_sum : forall count : nat, sum_over (fun g => len (members F c g)) (seq 0 count) <= m.
  Proof.
    intro count. eapply Z.le_trans; [apply (keys_sum _ (group_of c) (neurons F))|].
    eapply Z.le_trans; [apply len_filter | rewrite neurons_len; apply Z.le_refl].
  Qed.

  Lemma leads_at_most : forall (rs ss : list int) (active inactive left_out : list (list int)) (tops : list int) (g : nat),
    at_most (group_bound p m + 10 * p * len (members F c g))
      (leads_counted F c of_groups rs ss active inactive left_out tops g).
  Proof.
    intros rs ss active inactive left_out tops g. unfold leads_counted, group_bound. cbv zeta.
    assert (each := fun w rows => weighted_at_most (form_order F) w rows (members F c g)).
    assert (of_wave := wave_of_group_len g).
    assert (group := fun shift slack A B => group_leads_at_most (form_order F) shift slack (multiples (form_order F) 2)
      (nth g of_groups ([], [])) A B ltac:(unfold len; rewrite multiples_length; lia) of_wave).
    eapply at_most_le.
    { eapply at_most_then; [apply members_at_most|]. rewrite members_value.
      eapply at_most_then; [apply each|]. rewrite weighted_value.
      eapply at_most_then; [apply wave_top_at_most, weighted_len|].
      eapply at_most_then; [apply at_most_once, Z.le_refl|]. eapply at_most_then; [apply at_most_once, Z.le_refl|].
      eapply at_most_then; [apply multiples_at_most|]. rewrite multiples_value.
      do 2 (eapply at_most_then; [apply each|]). rewrite !weighted_value.
      eapply at_most_then; [apply group, weighted_len|].
      do 2 (eapply at_most_then; [apply each|]). rewrite !weighted_value.
      eapply at_most_then; [apply group, weighted_len | apply at_most_free, Z.le_refl]. }
    lia.
  Qed.

  Lemma all_leads_at_most : forall inputs : list (list int), within m p inputs ->
    len (quad_output_cosines c) <= m -> len (quad_output_sines c) <= m ->
    at_most (all_leads_bound p m k) (all_leads_counted F c of_groups inputs).
  Proof.
    intros inputs size cosines sines. assert (sum := members_sum (length (quad_frequencies c))).
    destruct size as (positive & few & short). unfold all_leads_counted, all_leads_bound.
    assert (each : forall (f : int -> counted int) (e : Z), 0 <= e -> (forall x, at_most e (f x)) ->
      at_most (m * (p * e)) (map_counted (map_counted f) inputs)).
    { intros f e e_nonneg one. apply at_most_map; [nia | exact few|]. intros row inside.
      apply at_most_map; [exact e_nonneg | apply short, inside | intros; apply one]. }
    eapply at_most_le.
    { eapply at_most_then; [apply neuron_waves_at_most|]. rewrite neuron_waves_value.
      eapply at_most_then; [apply at_most_once, Z.le_refl|].
      eapply at_most_then; [apply residuals_at_most, neuron_waves_within|].
      eapply at_most_then; [apply of_list_at_most|]. eapply at_most_then; [apply of_list_at_most|].
      eapply at_most_then; [apply (each _ 1); [lia | intro; apply at_most_once, Z.le_refl]|].
      eapply at_most_then; [apply (each _ 2); [lia | intro; unfold negative_counted; count]|].
      eapply at_most_then; [apply (wave_tops_at_most m p); repeat split; assumption|].
      apply at_most_map_weighted. intro g. apply leads_at_most. }
    rewrite len_seq. change (Z.of_nat (length (quad_frequencies c))) with k. nia.
  Qed.

  (** *** What the cosines leave out *)

  Lemma needed_at_most : forall inputs : list (list int), within m p inputs ->
    at_most (needed_bound p m) (needed_counted F c inputs).
  Proof.
    intros inputs (positive & few & short). destruct F_within as [sizes_L sizes_R sizes_U sizes_P sizes_Q].
    unfold needed_counted, needed_bound. cbv zeta.
    assert (each := fun w rows => weighted_at_most (form_order F) w rows (neurons F)). rewrite neurons_len in each.
    eapply at_most_le.
    { eapply at_most_then; [apply (wave_tops_at_most m p), transpose_within, sizes_U|].
      eapply at_most_then; [apply at_most_once, Z.le_refl|].
      eapply at_most_then; [apply multiples_at_most|]. rewrite multiples_value.
      eapply at_most_then; [apply residuals_at_most; repeat split; assumption|].
      eapply at_most_then; [apply each|]. rewrite weighted_value.
      eapply at_most_then; [apply wave_top_at_most, weighted_len|].
      eapply at_most_then.
      { apply residuals_at_most, within_map; [exact positive | exact few|]. intros row _.
        unfold len. rewrite turned_length. apply Z.le_refl. }
      eapply at_most_then; [apply each|]. rewrite weighted_value.
      eapply at_most_then; [apply wave_top_at_most, weighted_len|].
      eapply at_most_then; [apply sum_over_at_most with (k := 5); intro j; apply at_most_several; reflexivity|].
      eapply at_most_then; [apply largest_at_most, sizes_P|]. eapply at_most_then; [apply largest_at_most, sizes_Q|].
      eapply at_most_then; [apply at_most_once, Z.le_refl | apply at_most_several, Z.le_refl]. }
    rewrite neurons_len. lia.
  Qed.

  (** *** Counting *)

  Lemma total_leads_at_most : forall (all : list (list int * list int)) (delta : nat),
    at_most (total_leads_bound p k) (total_leads_counted (form_order F) of_groups all delta).
  Proof.
    intros all delta. assert (few : len of_groups <= k) by (unfold waves; rewrite len_map; apply Z.le_refl).
    unfold total_leads_counted, total_leads_bound. eapply at_most_le.
    { eapply at_most_then.
      { apply at_most_map with (c := 2) (r := k); [lia | exact few | intros; apply absolute_at_most]. }
      eapply at_most_then.
      { apply at_most_zip with (c := 1) (r := k); [lia | left; exact few | intros; apply at_most_several; reflexivity]. }
      apply row_times_at_most with (n := k). left.
      erewrite value_map by (intro; apply absolute_value). rewrite len_map. exact few. }
    lia.
  Qed.

  Lemma enough_at_most : len (quad_cosines c) <= p -> len (quad_sines c) <= p ->
    len (quad_output_cosines c) <= m -> len (quad_output_sines c) <= m ->
    at_most (enough_bound p m k) (enough_counted F c).
  Proof.
    intros cosines sines output_cosines output_sines. assert (few := len_nonneg _ (quad_frequencies c)).
    unfold enough_counted, enough_bound. cbv zeta. eapply at_most_le.
    { eapply at_most_then; [apply waves_at_most; assumption|]. rewrite waves_value.
      eapply at_most_then; [apply neuron_waves_at_most|]. rewrite neuron_waves_value.
      assert (inputs := neuron_waves_within (quad_input_cosines c) (quad_input_sines c)).
      eapply at_most_then; [apply all_leads_at_most; assumption|].
      eapply at_most_then; [apply needed_at_most; assumption|].
      eapply at_most_then; [apply at_most_several, Z.le_refl|].
      eapply at_most_if; [|apply at_most_free, Z.le_refl].
      eapply at_most_then; [apply at_most_once, Z.le_refl|].
      apply at_most_map with (c := total_leads_bound p k + p * 3) (r := p);
        [unfold total_leads_bound; nia | rewrite len_seq; lia|].
      intros delta _. eapply at_most_then; [apply total_leads_at_most|].
      apply at_most_forallb; [lia | | intros; apply slt_at_most]. rewrite total_leads_value.
      assert (long := row_times_len (form_order F)). unfold total_leads.
      match goal with |- len (tl (row_times ?n ?a ?b)) <= _ => specialize (long a b); destruct (row_times n a b) end;
        cbn [tl]; rewrite ?len_cons in long; [exact long | lia]. }
    assert (counts : 0 <= p * (total_leads_bound p k + p * 3)) by (unfold total_leads_bound; nia). lia.
  Qed.

  Lemma quadrature_count_at_most : len (quad_cosines c) <= p -> len (quad_sines c) <= p ->
    len (quad_output_cosines c) <= m -> len (quad_output_sines c) <= m ->
    at_most (quadrature_count_bound p m k) (quadrature_count_counted F c).
  Proof.
    intros cosines sines output_cosines output_sines. unfold quadrature_count_counted, quadrature_count_bound.
    eapply at_most_then; [apply enough_at_most; assumption|].
    eapply at_most_le.
    { apply count_pairs_at_most with (k := 10) (r := p) (c := p); [lia | apply (L_within F F_within)
        | apply (R_within F F_within) | intros a x b y _ _; apply at_most_several; reflexivity]. }
    lia.
  Qed.

  Lemma quadrature_count_nonneg : 0 <= quadrature_count_bound p m k.
  Proof.
    assert (few := len_nonneg _ (quad_frequencies c)). assert (pk : 0 <= p * k) by nia. assert (pm : 0 <= p * m) by nia.
    assert (pp : 0 <= p * p) by nia. assert (km : 0 <= k * m) by nia. assert (ppk : 0 <= p * p * k) by nia.
    unfold quadrature_count_bound, enough_bound, waves_bound, neuron_waves_bound, all_leads_bound, group_bound,
      group_leads_bound, needed_bound, total_leads_bound, neuron_waves_bound, largest_bound. lia.
  Qed.

  Theorem quadrature_operations_at_most : forall claimed : Z, quadrature_within (form_order F) (form_width F) c ->
    operations (quadrature_on_counted claimed F c) <= quadrature_operations_bound (form_activation F) p m k.
  Proof.
    intros claimed sizes. apply certified_at_most.
    - exact F_within.
    - apply quadrature_count_nonneg.
    - apply quadrature_tests_at_most, sizes.
    - intros _ passed. rewrite quadrature_tests_value in passed. destruct sizes as [cosines sines _].
      assert (amplitudes := first_failure_none _ passed _ (Wrong_table Amplitudes)
        ltac:(unfold quadrature_tests; cbv zeta; do 11 right; left; reflexivity)).
      apply andb_prop in amplitudes. destruct amplitudes as [_ outputs].
      apply andb_prop in outputs. destruct outputs as [of_cosines of_sines].
      apply Nat.eqb_eq in of_cosines. apply Nat.eqb_eq in of_sines.
      apply quadrature_count_at_most; try assumption; unfold len; lia.
  Qed.

  (** A certificate that passes its tests is no larger than that. *)
  Lemma quadrature_within_of_tests : first_failure (quadrature_tests F c) = None ->
    quadrature_within (form_order F) (form_width F) c.
  Proof.
    intro passed. assert (all := first_failure_none _ passed). unfold quadrature_tests in all. cbv zeta in all.
    assert (cosines := all _ (Wrong_table Cosines) ltac:(do 7 right; left; reflexivity)).
    assert (sines := all _ (Wrong_table Sines) ltac:(do 8 right; left; reflexivity)).
    assert (groups := all _ (Wrong_table Groups) ltac:(do 10 right; left; reflexivity)).
    apply in_table_length in cosines. apply in_table_length in sines.
    apply andb_prop in groups. destruct groups as [groups _]. apply Nat.eqb_eq in groups.
    constructor; unfold len; lia.
  Qed.
End Form.

Theorem quadrature_accepted_at_most : forall (claimed : Z) (F : form) (c : quadrature_certificate),
  quadrature_on claimed F c = Accepted ->
  operations (quadrature_on_counted claimed F c) <=
    quadrature_operations_bound (form_activation F) (Z.of_nat (form_order F)) (Z.of_nat (form_width F))
      (len (quad_frequencies c)).
Proof.
  intros claimed F c accepted. unfold quadrature_on, certified in accepted.
  destruct (first_failure (form_tests F)) eqn:of_form; [discriminate accepted|].
  destruct (first_failure (quadrature_tests F c)) eqn:tests; [discriminate accepted|].
  apply quadrature_operations_at_most; [apply form_within_of_tests, of_form | apply quadrature_within_of_tests, tests].
Qed.
