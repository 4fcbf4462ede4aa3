(* CompactProofs: Modular: HomogeneityL1Sound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome Modular.Form
  Modular.FormSound Modular.HomogeneityL1 Modular.HomogeneityL1Facts Modular.HomogeneityL1Heights Modular.HomogeneityL1Margins.
Import ListNotations.
(** * Neurons as cosines: soundness
    - [certain_sound]  == a pair that passes the test is right
    - [homogeneity_l1_on_sound] == what is accepted is a lower bound on the number of right pairs *)
Local Open Scope Z_scope.

Section Sound.
  Context (F : form) (c : homogeneity_l1_certificate) (formed : well_formed F).

  Let p := form_order F.
  Let eps := to_Z (worst_product p (of_Z (trig_scale c)) (table_ints (cosine_table c)) (table_ints (sine_table c))).

  Context (passed : first_failure (homogeneity_l1_tests F c eps) = None).

  Let gs := map (group_at F c) (frequency_list c).
  Let margins := zip_with (fun delta watched => margin p gs delta (map Z.to_nat watched)) (seq 0 p) (watched_distances c).

  Local Lemma wider : forall a b d : nat, (a < p)%nat -> (b < p)%nat ->
    pair_error F c a b < height_sum F c (delta F a b) d (answered F a b) ->
    valueZ F a b (index p (Z.of_nat (answered F a b) + Z.of_nat d)) < valueZ F a b (answered F a b).
  Proof.
    intros a b d inside_a inside_b less. assert (bound := height_margin F c formed passed a b d inside_a inside_b).
    fold p in bound.
    assert (scale : 0 < out_scale c * big_scale c) by (apply Z.mul_pos_pos; [apply (N1_pos F c passed) | apply
      (D_pos F c passed)]).
    set (x := valueZ F a b (answered F a b)) in *. set (y := valueZ F a b (index p _)) in *.
    assert (positive : 0 < out_scale c * big_scale c * (x - y)) by lia. apply Z.lt_0_mul in positive. lia.
  Qed.

  Local Lemma other_index : forall S d : nat, (S < p)%nat -> (d < p)%nat -> d <> S ->
    let e := index p (Z.of_nat d - Z.of_nat S) in
    (0 < e)%nat /\ (e < p)%nat /\ index p (Z.of_nat S + Z.of_nat e) = d.
  Proof.
    intros S d inside_S inside_d other e. assert (some : (0 < p)%nat) by lia.
    assert (inside : (e < p)%nat) by (apply index_lt; exact some).
    assert (same : index p (Z.of_nat S + Z.of_nat e) = d).
    { destruct (index_split p (Z.of_nat d - Z.of_nat S) some) as [x x_spec]. fold e in x_spec.
      rewrite <- (index_shift p _ x) by exact some. replace (Z.of_nat S + Z.of_nat e + Z.of_nat p * x) with (Z.of_nat d) by lia.
      apply index_small, inside_d. }
    split; [|split; [exact inside | exact same]]. destruct (Nat.eq_dec e 0) as [zero|]; [|lia]. exfalso. apply other.
    rewrite <- same, zero, Z.add_0_r. apply index_small, inside_S.
  Qed.

  Local Lemma value_exact : forall a b d : nat, (a < p)%nat -> (b < p)%nat -> (d < p)%nat ->
    signed (pair_value (hidden Relu (nth a (L_rows F) []) (nth b (R_rows F) [])) (nth d (U_rows F) [])
      (nth d (nth a (P_rows F) []) 0 + nth d (nth b (Q_rows F) []) 0)%uint63) = valueZ F a b d.
  Proof.
    intros a b d inside_a inside_b inside_d.
    assert (exact_value := pair_value_exact F formed a b d _ inside_a inside_b inside_d
      (congruent_add _ _ _ _ (signed_congruent _) (signed_congruent _))).
    unfold hidden_of in exact_value. rewrite (is_relu F c passed) in exact_value. exact exact_value.
  Qed.

  Lemma certain_sound : forall (a b : nat) (ea eb : int), (a < p)%nat -> (b < p)%nat ->
    congruent ea (left_error F c a) -> congruent eb (right_error F c b + product_error F c eps) ->
    certain F margins a (nth a (L_rows F) [], ea) b (nth b (R_rows F) [], eb) = true ->
    form_right F a b.
  Proof.
    intros a b ea eb inside_a inside_b same_a same_b. assert (some : (0 < p)%nat) by lia.
    unfold certain. cbn [fst snd]. cbv zeta.
    change (answer (form_order F) (- form_coefficient F) a b) with (delta F a b). set (e := delta F a b).
    assert (inside_e : (e < p)%nat) by (apply index_lt; exact some).
    assert (answered_eq : form_answer F a b = answered F a b) by reflexivity. rewrite answered_eq. set (S := answered F a b).
    assert (inside_S : (S < p)%nat) by (apply index_lt; exact some).
    assert (bound := pair_error_bound F c passed a b).
    assert (error : signed (ea + eb)%uint63 = pair_error F c a b)
      by (apply signed_of_congruent; [apply congruent_add; assumption | lia]).
    set (x := (ea + eb)%uint63) in *. clearbody x.
    unfold margins. rewrite (nth_zip_with _ _ _ _ _ _ _ O []) by
      (rewrite ?seq_length, ?(watched_length F c passed); exact inside_e).
    rewrite seq_nth by exact inside_e. cbn [plus]. set (watched := map Z.to_nat (nth e (watched_distances c) [])).
    unfold margin. cbv zeta.
    set (lows := row_times p (map (rho_weight e) gs) (map least_heights (map (side_at e) gs))).
    set (row := fun d => row_times p (map (rho_weight e) gs) (map (fun side => nth d (heights side) []) (map (side_at e) gs))).
    change (map _ watched) with (map (fun d => (d, row d)) watched).
    rewrite slt_spec, error.
    destruct (Z.ltb_spec (pair_error F c a b) (signed (least_unwatched 1 watched (tl lows) most))) as [less|];
      [|discriminate].
    intros test d below other. rewrite answered_eq in *. fold S in other |- *.
    destruct (other_index S d inside_S below other) as (g_pos & g_inside & g_same).
    set (g := index p (Z.of_nat d - Z.of_nat S)) in *.
    destruct (proj2 (least_unwatched_le (tl lows) 1 watched most) (Nat.pred g)) as [found|low].
    - assert (len : length lows = p).
      { unfold lows, gs. rewrite !map_map. apply row_times_length. intros k _.
        rewrite (side_at_eq F c passed) by exact inside_e.
        apply (least_length F c). }
      destruct lows as [|first lows]; cbn [tl length] in *; lia.
    - replace (1 + Nat.pred g)%nat with g in found by lia.
      destruct (Z.lt_ge_cases (pair_error F c a b) (height_sum F c e g S)) as [wide|narrow].
      + rewrite <- g_same. apply wider; assumption.
      + assert (near : In (g, row g) (filter (fun watched => negb (slt x (nth S (snd watched) 0%uint63))) (map (fun d =>
          (d, row d)) watched))).
        { apply filter_In. split; [apply in_map_iff; exists g; split; [reflexivity | exact found]|]. cbn [snd].
          apply negb_true_iff. rewrite slt_spec, error. apply Z.ltb_ge.
          change (signed (nth S (row g) 0%uint63)) with (at1 (row g) S). unfold row, gs.
          rewrite (total_exact F c formed passed) by assumption. exact narrow. }
        set (nears := filter _ _) in *. clearbody nears. destruct nears as [|y nears]; [contradiction|].
        rewrite forallb_forall in test. specialize (test _ near). cbn [fst] in test. rewrite slt_spec in test.
        apply Z.ltb_lt in test.
        assert (answer_eq : answer (form_order F) 1 S g = d) by (rewrite <- g_same, <- (Z.mul_1_l (Z.of_nat g)); reflexivity).
        rewrite answer_eq, !value_exact in test by assumption. exact test.
    - rewrite <- g_same. apply wider; [assumption | assumption|].
      apply Z.lt_le_trans with (1 := less). etransitivity; [exact low|].
      replace (at1 (tl lows) (Nat.pred g)) with (at1 lows g).
      + apply (least_low F c formed passed); assumption.
      + destruct lows as [|first lows]; destruct g as [|g]; try lia; [unfold at1; destruct g; reflexivity | reflexivity].
  Qed.

  Lemma homogeneity_l1_le : homogeneity_l1 F c eps <= right_pairs F.
  Proof.
    unfold homogeneity_l1. cbv zeta. fold p. fold gs. fold margins.
    assert (len_L := has_shape_length _ _ _ _ (L_shape F formed)).
    assert (len_R := has_shape_length _ _ _ _ (R_shape F formed)).
    assert (len_P := has_shape_length _ _ _ _ (P_shape F formed)).
    assert (len_Q := has_shape_length _ _ _ _ (Q_shape F formed)).
    fold p in len_L, len_R, len_P, len_Q.
    set (left := sum_of F (direct_errors c (P_rows F) :: map errors_L gs)).
    set (constant := of_Z (product_error F c eps)).
    set (right := sum_of F (direct_errors c (Q_rows F) :: map errors_R gs)).
    assert (left_entry : forall a, (a < p)%nat -> congruent (nth a left 0%uint63) (left_error F c a) /\ length left = p).
    { intros a inside. apply (sum_of_entry F c (P_rows F) errors_L _ a len_P inside).
      intros k. exact (errors_L_spec F c formed passed k a inside). }
    assert (right_entry : forall b, (b < p)%nat -> congruent (nth b right 0%uint63) (right_error F c b) /\ length right = p).
    { intros b inside. apply (sum_of_entry F c (Q_rows F) errors_R _ b len_Q inside).
      intros k. exact (errors_R_spec F c formed passed k b inside). }
    assert (some := order_pos F formed). fold p in some.
    assert (len_left := proj2 (left_entry O some)). assert (len_right := proj2 (right_entry O some)).
    apply (count_pairs_le _ _ _ _ _ _ ([], 0%uint63) ([], 0%uint63)).
    - rewrite zip_with_length, len_L, len_left. apply Nat.min_id.
    - rewrite zip_with_length, map_length, len_R, len_right. apply Nat.min_id.
    - fold p. intros a b inside_a inside_b.
      rewrite (nth_zip_with _ _ _ _ _ _ _ [] 0%uint63) by (rewrite ?len_L, ?len_left; exact inside_a).
      rewrite (nth_zip_with _ _ _ _ _ _ _ [] 0%uint63) by (rewrite ?map_length, ?len_R, ?len_right; exact inside_b).
      rewrite (nth_map_any _ _ _ _ _ 0%uint63) by (rewrite len_right; exact inside_b).
      apply certain_sound; [exact inside_a | exact inside_b | apply left_entry, inside_a|].
      apply congruent_add; [apply right_entry, inside_b | apply congruent_of_Z].
  Qed.
End Sound.

Theorem homogeneity_l1_on_sound : forall (claimed : Z) (F : form) (c : homogeneity_l1_certificate),
  homogeneity_l1_on claimed F c = Accepted -> claimed <= right_pairs F.
Proof.
  intros claimed F c verdict. unfold homogeneity_l1_on in verdict. cbv zeta in verdict.
  eapply certified_sound; [|exact verdict]. intros formed passed. apply (homogeneity_l1_le F c formed passed).
Qed.
