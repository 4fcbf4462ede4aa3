(* CompactProofs: Modular: Length: HomogeneityL1Length *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
From CompactProofs Require Import Modular.HomogeneityL1 Modular.HomogeneityL1Facts.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.MatrixLength.
From CompactProofs Require Import Modular.Length.FormCounted Modular.Length.ListsCounted.
From CompactProofs Require Import Modular.Length.HomogeneityL1Counted Modular.Length.HomogeneityL1TablesLength.
From CompactProofs Require Modular.Length.LowRankUnembeddingLength.
Import ListNotations.
(** * homogeneity_l1 on a form: how many operations it takes
    Sizes: order p, width m, K frequencies, W watched distances in all, V lists of them that are not empty. Whatever the data:
    of the pairs with one difference delta, of which there are p, each is looked at closely at most where the list of delta is
    not empty, and compares no more outputs than this list has.
    - [homogeneity_l1_within p m c] == the tables of the certificate are no larger than their tests demand
    - [watched_total c], [watched_lists c] == W, V
    - [homogeneity_l1_operations_bound f p m K W V] == the closed form; Python: proofs/strategies/modular/homogeneity_l1.py
    Main results: [homogeneity_l1_operations_at_most]; [homogeneity_l1_accepted_at_most], where nothing need be known of the
    sizes. *)
Local Open Scope Z_scope.

(** ** The closed form *)

Definition neuron_bound (p : Z) : Z := 10 + 51 * p.

Definition group_bound (p m : Z) : Z := 15 + m + 42 * p + 14 * (p * p).

Definition groups_bound (p m K : Z) : Z := K * group_bound p m + m * neuron_bound p.

Definition margins_bound (p K W : Z) : Z := p * (4 * K + 2 * (K * p) + 4 * p) + W * (1 + 2 * (K * p)).

Definition product_error_bound (p m : Z) : Z := 5 + largest_bound p m + 4 * m.

Definition errors_bound (p m K : Z) : Z := 13 + product_error_bound p m + 2 * (p * (3 * p + 1)) + 4 * ((K + 1) * p) + p.

(** Once for each pair; where its difference has [w] watched distances. *)
Definition near_bound (m w : Z) : Z := if w =? 0 then 0 else 2 + 4 * m + w * (15 + 2 * m).

Definition pairs_bound (p m W V : Z) : Z := p * (2 + 19 * p) + p * (W * (15 + 2 * m) + V * (2 + 4 * m)).

Definition trig_bound (p : Z) : Z := 1 + 4 * p.
Definition output_bound (p m : Z) : Z := 5 + largest_bound p m + 4 * m + trig_bound p.
Definition error_bound (p m : Z) : Z :=
  23 + 3 * largest_bound p m + 2 * largest_bound p p + trig_bound p + 4 * m + product_error_bound p m.

Definition homogeneity_l1_tests_bound (p m K W : Z) : Z :=
  40 + 8 * K + m * (K + 1) + 3 * W + 2 * largest_bound p m + 6 * trig_bound p + 8 * m + 2 * output_bound p m + error_bound p m.

Definition homogeneity_l1_operations_bound (f : activation) (p m K W V : Z) : Z :=
  3 + 2 * p + product_bound p + homogeneity_l1_tests_bound p m K W + form_tests_bound f p m
  + groups_bound p m K + margins_bound p K W + errors_bound p m K + pairs_bound p m W V.

(** ** Sizes *)

Record homogeneity_l1_within (p m : nat) (c : homogeneity_l1_certificate) : Prop := HomogeneityL1Within {
  cosines_short : len (cosine_table c) <= Z.of_nat p;
  sines_short : len (sine_table c) <= Z.of_nat p;
  frequencies_short : len (neuron_frequencies c) <= Z.of_nat m;
  output_cosines_short : len (output_cosines c) <= Z.of_nat m;
  output_sines_short : len (output_sines c) <= Z.of_nat m
}.

Definition watched_total (c : homogeneity_l1_certificate) : Z := sumL (watched_distances c) len.

Definition watched_lists (c : homogeneity_l1_certificate) : Z :=
  sumL (watched_distances c) (fun row => if len row =? 0 then 0 else 1).

(** A certificate that passes its tests is no larger than that. *)
Lemma homogeneity_l1_within_of_tests : forall (F : form) (c : homogeneity_l1_certificate) (eps : Z),
  first_failure (homogeneity_l1_tests F c eps) = None -> homogeneity_l1_within (form_order F) (form_width F) c.
Proof.
  intros F c eps tests. assert (all := first_failure_none _ tests). unfold homogeneity_l1_tests in all. cbv zeta in all.
  assert (cosines : (length (cosine_table c) =? form_order F)%nat = true) by (eapply all; cbn [In]; tauto).
  assert (sines : (length (sine_table c) =? form_order F)%nat = true) by (eapply all; cbn [In]; tauto).
  assert (groups := all _ (Wrong_table Groups) ltac:(cbn [In]; do 8 right; left; reflexivity)).
  assert (amplitudes := all _ (Wrong_table Amplitudes) ltac:(cbn [In]; do 9 right; left; reflexivity)).
  apply andb_true_iff in groups. destruct groups as [groups _].
  cbn [forallb] in amplitudes. rewrite !andb_true_iff in amplitudes. destruct amplitudes as (_ & _ & u & v & _).
  apply Nat.eqb_eq in cosines, sines, groups, u, v. constructor; unfold len; lia.
Qed.

(** ** Pairs *)

Lemma near_bound_nonneg : forall m w : Z, 0 <= m -> 0 <= w -> 0 <= near_bound m w.
Proof. intros m w m_nonneg w_nonneg. unfold near_bound. destruct (w =? 0); nia. Qed.

Section Form.
  Context (F : form) (F_within : form_within F).
  Local Notation p := (Z.of_nat (form_order F)).
  Local Notation m := (Z.of_nat (form_width F)).

  Lemma value_at_most : forall (h : list int) (a b c : nat), at_most (2 + 2 * m) (value_counted F h a b c).
  Proof.
    intros h a b c. unfold value_counted.
    eapply at_most_bind; [apply at_most_once, Z.le_refl | apply (pair_value_at_most m) | lia].
    right. apply (len_nth_within _ _ _ _ c (U_within F F_within)).
  Qed.

  Section OnePair.
    Context (margins : list (int * list (nat * list int))).

    Definition watched_at (delta : nat) : Z := len (snd (nth delta margins (0%uint63, []))).

    (** [l]: a row of L with its error; [r] may be of any length. *)
    Lemma certain_at_most : forall (a : nat) (l : list int * int) (b : nat) (r : list int * int), len (fst l) <= m ->
      at_most (19 + near_bound m (watched_at (answer (form_order F) (- form_coefficient F) a b)))
        (certain_counted F margins a l b r).
    Proof.
      intros a l b r short. unfold certain_counted, watched_at. cbv zeta. eapply at_most_le.
      { eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
        eapply at_most_then; [apply answer_at_most|]. rewrite answer_value.
        eapply at_most_then; [apply form_answer_at_most|].
        eapply at_most_then; [apply at_most_once, Z.le_refl|].
        eapply at_most_then; [apply slt_at_most|]. set (entry := nth _ margins _).
        assert (some := len_nonneg _ (snd entry)).
        apply at_most_le with (near_bound m (len (snd entry))); [|apply Z.le_refl].
        match goal with |- context [if ?b then _ else _] => destruct b end;
          [|apply at_most_free, near_bound_nonneg; lia].
        unfold near_bound. destruct (Z.eqb_spec (len (snd entry)) 0) as [none|some_near].
        - destruct (snd entry) as [|one rest]; [apply at_most_free, Z.le_refl|].
          rewrite len_cons in none. assert (more := len_nonneg _ rest). lia.
        - apply at_most_bind with (len (snd entry) * 3) (2 + 4 * m + len (snd entry) * (12 + 2 * m)); [| |lia].
          + apply at_most_filter; [lia | lia|]. intros watched _.
            eapply at_most_bind; [apply slt_at_most | apply at_most_free, Z.le_refl | lia].
          + erewrite value_filter by (intros; reflexivity). set (near := filter _ _).
            assert (fewer : len near <= len (snd entry)) by apply len_filter.
            assert (of_near : at_most (2 + 4 * m + len (snd entry) * (12 + 2 * m))
              (near_counted F a (fst l) b (fst r) (returned (form_answer_counted F a b)) near)).
            { unfold near_counted. eapply at_most_le.
              { eapply at_most_then; [apply (hidden_at_most m); left; exact short|].
                eapply at_most_then; [apply value_at_most|].
                apply at_most_forallb with (c := 12 + 2 * m); [lia | exact fewer|]. intros watched _. eapply at_most_le.
                { eapply at_most_then; [apply answer_at_most|]. eapply at_most_then; [apply value_at_most|].
                  apply slt_at_most. }
                lia. }
              lia. }
            destruct near; [apply at_most_free; nia | exact of_near]. }
      lia.
    Qed.
  End OnePair.

  (** ** The count *)

  Section Run.
    Context (c : homogeneity_l1_certificate) (c_within : homogeneity_l1_within (form_order F) (form_width F) c).
    Local Notation K := (len (frequency_list c)).
    Local Notation W := (watched_total c).
    Local Notation V := (watched_lists c).

    Lemma neuron_at_len : forall j : nat, len (neuron_U (neuron_at F c j)) <= p.
    Proof. intro j. cbn [neuron_at neuron_U]. unfold column. rewrite len_map. apply (U_within F F_within). Qed.

    Lemma group_at_at_most : forall k : Z,
      at_most (group_bound p m + len (members F c k) * neuron_bound p) (group_at_counted F c k).
    Proof.
      intro k. destruct c_within. unfold group_at_counted, group_bound, neuron_bound. eapply at_most_le.
      { eapply at_most_then; [apply at_most_once, Z.le_refl|].
        eapply at_most_then; [apply at_most_several, Z.le_refl|].
        eapply at_most_then; [apply at_most_once, Z.le_refl|].
        eapply at_most_then; [apply at_most_once, Z.le_refl|].
        eapply at_most_then; [apply at_most_once, Z.le_refl|].
        eapply at_most_then; [apply (table_ints_at_most p); assumption|].
        eapply at_most_then; [apply (table_ints_at_most p); assumption|].
        eapply at_most_then; [apply at_most_several, Z.le_refl|].
        eapply at_most_then with (a := m * 1).
        { apply at_most_filter; [lia | rewrite len_seq; lia|]. intros; apply at_most_once, Z.le_refl. }
        rewrite members_value. eapply at_most_then with (a := len (members F c k) * 4).
        { apply at_most_map; [lia | lia|]. intros; apply at_most_several, Z.le_refl. }
        rewrite (value_map _ _ _ (neuron_at F c)) by reflexivity.
        apply group_of_at_most. intros n inside. apply in_map_iff in inside. destruct inside as (j & <- & _).
        apply neuron_at_len. }
      rewrite len_map. lia.
    Qed.

    Lemma input_sum_at_most : at_most (4 * m) (input_sum_counted F c).
    Proof.
      apply at_most_le with (m * (3 + 1)); [|lia]. apply at_most_sumZ; [lia|]. intro j. apply at_most_several, Z.le_refl.
    Qed.

    Lemma product_error_at_most : forall eps : Z, at_most (product_error_bound p m) (product_error_counted F c eps).
    Proof.
      intro eps. assert (inputs := input_sum_at_most). assert (U_size := U_within F F_within).
      unfold product_error_counted, out_scale_counted, product_error_bound. count.
    Qed.

    Lemma direct_errors_at_most : forall A : list (list int), within p p A ->
      at_most (6 + p * (3 * p + 1)) (direct_errors_counted c A).
    Proof.
      intros A (_ & rows & columns). unfold direct_errors_counted, out_scale_counted, big_scale_counted. eapply at_most_le.
      { eapply at_most_then; [apply at_most_once, Z.le_refl|].
        eapply at_most_then; [apply at_most_several, Z.le_refl|].
        eapply at_most_then; [apply at_most_several, Z.le_refl|].
        apply at_most_map with (c := 3 * p + 1) (r := p); [lia | exact rows|]. intros row inside.
        specialize (columns row inside).
        eapply at_most_bind; [apply row_max_abs_at_most | apply at_most_once, Z.le_refl | lia]. }
      lia.
    Qed.

    Lemma sum_of_at_most : forall (first : list int) (f : group -> list int) (gs : list group), len gs <= K ->
      at_most (2 * ((K + 1) * p)) (sum_of_counted F (first :: map f gs)).
    Proof.
      intros first f gs few. apply row_times_at_most. right. rewrite len_cons, len_map. lia.
    Qed.

    (** All pairs of one difference have its watched distances. *)
    Lemma watched_sum : forall margins : list (int * list (nat * list int)),
      sumL margins (fun entry => near_bound m (len (snd entry))) <= W * (15 + 2 * m) + V * (2 + 4 * m) ->
      sumZ (form_order F) (fun a => 2 + sumZ (form_order F) (fun b =>
        19 + near_bound m (watched_at margins (answer (form_order F) (- form_coefficient F) a b)))) <= pairs_bound p m W V.
    Proof.
      intros margins few. unfold pairs_bound.
      rewrite sumZ_plus, sumZ_swap. set (g := fun t => near_bound m (watched_at margins t)).
      assert (column : forall b, sumZ (form_order F) (fun a => 19 + g (answer (form_order F) (- form_coefficient F) a b)) <=
        19 * p + (W * (15 + 2 * m) + V * (2 + 4 * m))).
      { intro b. rewrite sumZ_plus. unfold answer. rewrite (sumZ_turned (form_order F) (- form_coefficient F * Z.of_nat b) g).
        assert (const : sumZ (form_order F) (fun _ => 19) = 19 * p).
        { rewrite <- (sumL_seq (form_order F) 0 (fun _ => 19)), sumL_const, len_seq. lia. }
        rewrite const. apply Z.add_le_mono_l. etransitivity; [|exact few].
        apply (sumZ_nth _ (0%uint63, []) (fun entry => near_bound m (len (snd entry)))); [reflexivity|].
        intro entry. apply near_bound_nonneg; [lia | apply len_nonneg]. }
      assert (twos : sumZ (form_order F) (fun _ => 2) = p * 2).
      { rewrite <- (sumL_seq (form_order F) 0 (fun _ => 2)), sumL_const, len_seq. reflexivity. }
      rewrite twos. etransitivity.
      { apply Z.add_le_mono_l. apply (sumZ_le _ _ (fun _ => 19 * p + (W * (15 + 2 * m) + V * (2 + 4 * m)))).
        intros b _. apply column. }
      rewrite <- (sumL_seq (form_order F) 0 (fun _ => 19 * p + (W * (15 + 2 * m) + V * (2 + 4 * m)))), sumL_const, len_seq.
      lia.
    Qed.

    Local Lemma near_total : forall (f : nat -> list Z -> int * list (nat * list int)) (rows : list (list Z)) (ts : list nat),
      (forall t row, len (snd (f t row)) = len row) ->
      sumL (zip_with f ts rows) (fun entry => near_bound m (len (snd entry))) <=
        sumL rows len * (15 + 2 * m) + sumL rows (fun row => if len row =? 0 then 0 else 1) * (2 + 4 * m).
    Proof.
      intros f rows ts same. revert ts. induction rows as [|row rows IH]; intros [|t ts]; cbn [zip_with]; try reflexivity.
      - rewrite !sumL_cons. change (sumL [] _) with 0.
        assert (all := sumL_nonneg _ rows len (fun x _ => len_nonneg _ x)).
        assert (some := sumL_nonneg _ rows (fun x => if len x =? 0 then 0 else 1)
          ltac:(intros x _; cbv beta; destruct (len x =? 0); lia)).
        assert (here := len_nonneg _ row). destruct (len row =? 0); nia.
      - rewrite !sumL_cons, same. specialize (IH ts). unfold near_bound at 1.
        destruct (Z.eqb_spec (len row) 0) as [none|_]; lia.
    Qed.

    Context (eps : Z) (passed : first_failure (homogeneity_l1_tests F c eps) = None).

    (** Each neuron is in one group. *)
    Lemma members_total : sumL (frequency_list c) (fun k => len (members F c k)) = m.
    Proof.
      assert (all := first_failure_none _ passed). unfold homogeneity_l1_tests in all. cbv zeta in all.
      assert (groups := all _ (Wrong_table Groups) ltac:(cbn [In]; do 8 right; left; reflexivity)).
      apply andb_true_iff in groups. destruct groups as [sized grouped].
      apply Nat.eqb_eq in sized. rewrite forallb_forall in grouped.
      assert (split := sumL_groups (frequency_list c) (fun j => nth j (neuron_frequencies c) 0) (seq 0 (form_width F))
        (fun _ => 1)). rewrite sumL_const, len_seq in split. rewrite <- (Z.mul_1_r m), <- split.
      - apply sumL_ext. intros k _. rewrite sumL_const, Z.mul_1_r. reflexivity.
      - intros j inside. apply in_seq in inside. apply Nat.eqb_eq, grouped, nth_In. lia.
    Qed.

    Lemma homogeneity_l1_at_most :
      at_most (groups_bound p m K + margins_bound p K W + errors_bound p m K + pairs_bound p m W V)
        (homogeneity_l1_counted F c eps).
    Proof.
      assert (few := len_nonneg _ (frequency_list c)). unfold homogeneity_l1_counted. eapply at_most_le.
      { eapply at_most_then; [apply at_most_map_sum; intros k _; apply group_at_at_most|].
        erewrite value_map by (intros; apply group_at_value). set (gs := map (group_at F c) (frequency_list c)).
        assert (gs_len : len gs = K) by apply len_map.
        eapply at_most_then.
        { apply at_most_zip_sum with (c := 4 * K + 2 * (K * p) + 4 * p) (k := fun row => (1 + 2 * (K * p)) * len row).
          - lia.
          - intro row. apply Z.mul_nonneg_nonneg; [lia | apply len_nonneg].
          - intros delta row. eapply at_most_bind with (a := len row * 1).
            + apply at_most_map; [lia | lia|]. intros; apply at_most_once, Z.le_refl.
            + apply margin_at_most.
            + erewrite value_map by (intros; reflexivity). rewrite len_map, gs_len. lia. }
        erewrite value_zip by (intros; values; reflexivity). set (margins := zip_with _ _ _).
        eapply at_most_then; [apply product_error_at_most|].
        eapply at_most_then; [apply at_most_once, Z.le_refl|].
        eapply at_most_then; [apply direct_errors_at_most, (P_within F F_within)|].
        eapply at_most_then; [apply sum_of_at_most; rewrite gs_len; apply Z.le_refl|].
        eapply at_most_then; [apply direct_errors_at_most, (Q_within F F_within)|].
        eapply at_most_then; [apply sum_of_at_most; rewrite gs_len; apply Z.le_refl|].
        eapply at_most_then with (a := p * 1).
        { apply at_most_map; [lia | rewrite sum_of_value; apply row_times_len|]. intros; apply at_most_once, Z.le_refl. }
        eapply at_most_le; [|apply (watched_sum margins)].
        - apply count_pairs_sum with (usual := fun l => len (fst l) <= m)
            (k := fun a b => 19 + near_bound m (watched_at margins (answer (form_order F) (- form_coefficient F) a b))).
          + intros a l b r short. apply certain_at_most, short.
          + intros a b. apply Z.add_nonneg_nonneg; [lia|]. apply near_bound_nonneg; [lia | apply len_nonneg].
          + intros l inside. apply LowRankUnembeddingLength.in_zip_with in inside. destruct inside as (x & y & inside & _ & ->).
            exact (within_row _ _ _ _ _ (L_within F F_within) inside).
          + etransitivity; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | apply (L_within F F_within)].
          + etransitivity; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | apply (R_within F F_within)].
        - apply near_total. intros t row. cbn [margin snd]. rewrite !len_map. reflexivity. }
      unfold groups_bound, margins_bound, errors_bound. rewrite sumL_plus, sumL_const, (sumL_ext _ _ _ (fun k =>
        neuron_bound p * len (members F c k))) by (intros; lia).
      rewrite !sumL_mult_l, members_total, len_seq. unfold watched_total. lia.
    Qed.
  End Run.

  (** ** Tests *)

  Section Tests.
    Context (c : homogeneity_l1_certificate) (c_within : homogeneity_l1_within (form_order F) (form_width F) c).
    Local Notation K := (len (frequency_list c)).
    Local Notation W := (watched_total c).

    Lemma largest_of_at_most : forall (n : Z) (l : list Z), len l <= n -> at_most (2 * n) (largest_of_counted l).
    Proof.
      intros n l short. apply at_most_le with (n * 2); [|lia]. apply at_most_fold_right; [lia | exact short|].
      intros; apply at_most_several, Z.le_refl.
    Qed.

    Lemma trig_top_at_most : at_most (trig_bound p) (trig_top_counted c).
    Proof.
      destruct c_within. assert (cosines := largest_of_at_most p (cosine_table c) ltac:(assumption)).
      assert (sines := largest_of_at_most p (sine_table c) ltac:(assumption)). unfold trig_top_counted, trig_bound. count.
    Qed.

    Lemma output_top_at_most : at_most (output_bound p m) (output_top_counted F c).
    Proof.
      assert (trig := trig_top_at_most). assert (U_size := U_within F F_within). destruct c_within.
      assert (cosines := largest_of_at_most m (output_cosines c) ltac:(assumption)).
      assert (sines := largest_of_at_most m (output_sines c) ltac:(assumption)).
      unfold output_top_counted, out_scale_counted, output_bound. count.
    Qed.

    Lemma error_top_at_most : forall eps : Z, at_most (error_bound p m) (error_top_counted F c eps).
    Proof.
      intro eps. assert (trig := trig_top_at_most). assert (inputs := input_sum_at_most c).
      assert (products := product_error_at_most c eps). destruct F_within.
      unfold error_top_counted, out_scale_counted, big_scale_counted, error_bound. eapply at_most_le.
      { repeat (eapply at_most_then;
          [first [eassumption | apply largest_at_most; eassumption | apply at_most_several, Z.le_refl]|]).
        apply at_most_several, Z.le_refl. }
      lia.
    Qed.

    Lemma listed_once_at_most : forall k : Z, at_most (K + 1) (listed_once_counted c k).
    Proof.
      intro k. apply at_most_bind with (K * 1) 1; [|apply at_most_once, Z.le_refl | lia].
      apply at_most_filter; [lia | apply Z.le_refl|]. intros; apply at_most_once, Z.le_refl.
    Qed.

    Lemma homogeneity_l1_tests_at_most : forall eps : Z,
      at_most (homogeneity_l1_tests_bound p m K W) (homogeneity_l1_tests_counted F c eps).
    Proof.
      intro eps. assert (trig := trig_top_at_most). assert (inputs := input_sum_at_most c).
      assert (output := output_top_at_most). assert (error := error_top_at_most eps). destruct F_within.
      assert (gap : at_most (5 + 3 * trig_bound p) (gap_top_counted c)) by (unfold gap_top_counted; count).
      assert (residual : at_most (7 + 2 * largest_bound p m + trig_bound p + 4 * m) (residual_top_counted F c))
        by (unfold residual_top_counted, big_scale_counted; count).
      assert (height : at_most (5 + 2 * trig_bound p + 4 * m + output_bound p m) (height_top_counted F c))
        by (unfold height_top_counted; count).
      assert (wrong : at_most (K * 4) (wrong_frequency_counted F c)).
      { eapply at_most_bind; [|apply at_most_free, Z.le_refl | rewrite Z.add_0_r; apply Z.le_refl].
        apply at_most_find; [lia | apply Z.le_refl|]. intros; apply at_most_several, Z.le_refl. }
      assert (frequencies : at_most (K * 4) (forallb_counted (fun k => several 4 ((1 <=? k) && (2 * k <? p)))
        (frequency_list c))).
      { apply at_most_forallb; [lia | apply Z.le_refl|]. intros; apply at_most_several, Z.le_refl. }
      assert (groups : at_most (m * (K + 1)) (forallb_counted (listed_once_counted c) (neuron_frequencies c))).
      { apply at_most_forallb; [assert (some := len_nonneg _ (frequency_list c)); lia | apply c_within|].
        intros; apply listed_once_at_most. }
      assert (amplitudes : at_most 4 (forallb_counted (fun l : list Z => once (length l =? form_width F)%nat)
        [input_cosines c; input_sines c; output_cosines c; output_sines c])).
      { apply (at_most_forallb _ _ _ 1 4); [lia | apply Z.le_refl|]. intros; apply at_most_once, Z.le_refl. }
      assert (distances : at_most (3 * W) (forallb_counted (right_distances_counted F) (watched_distances c))).
      { unfold watched_total. rewrite <- sumL_mult_l. apply at_most_forallb_sum. intros row _.
        apply at_most_le with (len row * 3); [|lia]. apply at_most_forallb; [lia | apply Z.le_refl|].
        intros; apply at_most_several, Z.le_refl. }
      unfold homogeneity_l1_tests_counted, homogeneity_l1_tests_bound. cbv zeta. eapply at_most_le.
      { eapply at_most_then; [exact wrong|]. repeat (eapply at_most_all_of; [count_up|]). apply at_most_all_of_nil. }
      lia.
    Qed.

    Local Lemma sizes_nonneg : 0 <= K /\ 0 <= W /\ 0 <= watched_lists c.
    Proof.
      split; [apply len_nonneg|]. split; [apply sumL_nonneg; intros; apply len_nonneg|].
      apply sumL_nonneg. intros x _. destruct (len x =? 0); lia.
    Qed.

    Theorem homogeneity_l1_operations_at_most : forall claimed : Z,
      operations (homogeneity_l1_on_counted claimed F c) <=
        homogeneity_l1_operations_bound (form_activation F) p m K W (watched_lists c).
    Proof.
      intro claimed. change (at_most (homogeneity_l1_operations_bound (form_activation F) p m K W (watched_lists c))
        (homogeneity_l1_on_counted claimed F c)).
      destruct sizes_nonneg as (K_nonneg & W_nonneg & V_nonneg).
      set (counting := groups_bound p m K + margins_bound p K W + errors_bound p m K + pairs_bound p m W (watched_lists c)).
      assert (counting_nonneg : 0 <= counting).
      { unfold counting, groups_bound, group_bound, neuron_bound, margins_bound, errors_bound, product_error_bound,
          largest_bound, pairs_bound. repeat apply Z.add_nonneg_nonneg; nia. }
      unfold homogeneity_l1_on_counted, homogeneity_l1_operations_bound. destruct c_within.
      eapply at_most_le.
      { eapply at_most_then; [apply at_most_once, Z.le_refl|].
        eapply at_most_then; [apply (table_ints_at_most p); assumption|].
        eapply at_most_then; [apply (table_ints_at_most p); assumption|]. rewrite !table_ints_value.
        eapply at_most_then; [apply worst_product_at_most; unfold table_ints; rewrite len_map; assumption|].
        eapply at_most_then; [apply at_most_once, Z.le_refl|].
        apply certified_at_most with (count := counting); [exact F_within | exact counting_nonneg | |].
        - apply homogeneity_l1_tests_at_most.
        - rewrite homogeneity_l1_tests_value. intros _ passed. apply homogeneity_l1_at_most; assumption. }
      unfold counting. lia.
    Qed.
  End Tests.
End Form.

(** ** Accepted proofs: the tests of the shapes are passed, so nothing need be known of the sizes *)

Theorem homogeneity_l1_accepted_at_most : forall (claimed : Z) (F : form) (c : homogeneity_l1_certificate),
  homogeneity_l1_on claimed F c = Accepted ->
  operations (homogeneity_l1_on_counted claimed F c) <=
    homogeneity_l1_operations_bound (form_activation F) (Z.of_nat (form_order F)) (Z.of_nat (form_width F))
      (len (frequency_list c)) (watched_total c) (watched_lists c).
Proof.
  intros claimed F c accepted. unfold homogeneity_l1_on, certified in accepted. cbv zeta in accepted.
  destruct (first_failure (form_tests F)) eqn:of_form; [discriminate accepted|].
  match type of accepted with context [homogeneity_l1_tests F c ?eps] =>
    destruct (first_failure (homogeneity_l1_tests F c eps)) eqn:tests; [discriminate accepted|] end.
  apply homogeneity_l1_operations_at_most;
    [exact (form_within_of_tests _ of_form) | exact (homogeneity_l1_within_of_tests _ _ _ tests)].
Qed.
