(* CompactProofs: Modular: HomogeneityL1Margins *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome Modular.Form
  Modular.FormSound Modular.HomogeneityL1 Modular.HomogeneityL1Facts Modular.HomogeneityL1Heights.
Import ListNotations.
(** * Neurons as cosines: margins and errors
    - [height_sum]          == sum_k |rho_k delta| height_k d S
    - [height_margin]  == the difference of two outputs is at least that, less the errors of the pair
    - [total_exact], [least_low] == the sums and minima of the checker are what they should be;
        [sum_of_entry]: so are the errors *)
Local Open Scope Z_scope.

Section Sound.
  Context (F : form) (c : homogeneity_l1_certificate) (formed : well_formed F).

  Let p := form_order F.
  Let m := form_width F.
  Let s := form_coefficient F.
  Let N0 := trig_scale c.
  Let D := big_scale c.
  Let N1 := out_scale c.
  Let eps := to_Z (worst_product p (of_Z N0) (table_ints (cosine_table c)) (table_ints (sine_table c))).

  Context (passed : first_failure (homogeneity_l1_tests F c eps) = None).

  Let ks := frequency_list c.

  Lemma order_some : (0 < p)%nat.
  Proof. exact (order_pos F formed). Qed.

  Lemma out_scale_pos : 0 < N1.
  Proof. exact (N1_pos F c passed). Qed.

  Lemma big_scale_pos : 0 < D.
  Proof. exact (D_pos F c passed). Qed.

  Lemma over_groups : forall f : nat -> Z, sumL ks (fun k => sumL (members F c k) f) = sumL (seq 0 m) f.
  Proof.
    intros f. unfold members. apply (sumL_groups ks (fun j => nth j (neuron_frequencies c) 0)).
    intros j inside. apply in_seq in inside. apply (one_group F c passed). unfold m in inside. lia.
  Qed.

  (** ** The sums of heights *)

  Definition height_sum (e d S : nat) : Z :=
    sumL ks (fun k => Z.abs (rho F c k e) * height F c k (0 <=? rho F c k e) d S).

  Let cap (k : Z) : Z := sumL (members F c k) (fun j => trig_top c * amplitude c j * (2 * output_top F c)).

  Lemma sided_bound : forall (plus : bool) (t : Z), 0 <= sided plus t <= Z.abs t.
  Proof. intros plus t. unfold sided. destruct plus; lia. Qed.

  Lemma height_bound : forall (k : Z) (plus : bool) (d S : nat), (S < p)%nat -> Z.abs (height F c k plus d S) <= cap k.
  Proof.
    intros k plus d S inside. apply sumL_abs. intros j _. rewrite Z.abs_mul.
    assert (h := sided_bound plus (tau F c k j S)). assert (t := tau_bound F c k j S).
    assert (near := output_bound F c passed k (Z.of_nat S + Z.of_nat d) j S).
    assert (gap := gap_bound F c formed passed k j).
    apply Z.mul_le_mono_nonneg; lia.
  Qed.

  Lemma cap_sum : sumL ks (fun k => 2 * trig_top c * cap k) = height_top F c.
  Proof.
    rewrite sumL_mult_l. unfold cap. rewrite over_groups. unfold height_top. rewrite (input_sum_eq F c). fold m.
    rewrite (sumL_ext _ _ _ (fun j => trig_top c * (2 * output_top F c) * amplitude c j)) by (intros j _; ring).
    rewrite sumL_mult_l. ring.
  Qed.

  Lemma rho_bound : forall (k : Z) (e : nat), Z.abs (rho F c k e) <= 2 * trig_top c.
  Proof. intros k e. unfold rho. assert (bound := Cz_bound F c (k * half_index F * Z.of_nat e)). lia. Qed.

  Lemma cap_nonneg : forall k : Z, 0 <= cap k.
  Proof. intros k. assert (bound := height_bound k true 0 0 order_some). lia. Qed.

  Lemma weighted_bound : forall (e : nat) (x : Z -> Z), (forall k, Z.abs (x k) <= cap k) ->
    Z.abs (sumL ks (fun k => Z.abs (rho F c k e) * x k)) <= 2 ^ 60.
  Proof.
    intros e x bound. etransitivity; [|exact (height_fits F c passed)]. rewrite <- cap_sum. apply sumL_abs. intros k _.
    rewrite Z.abs_mul. assert (top := rho_bound k e). assert (here := bound k). apply Z.mul_le_mono_nonneg; lia.
  Qed.

  Lemma rho_half : forall (k : Z) (e : nat), (e < p)%nat ->
    congruent (nth e (rho_halves (group_at F c k)) 0%uint63) (Cz F c (k * half_index F * Z.of_nat e)) /\
    Z.abs (Cz F c (k * half_index F * Z.of_nat e)) <= 2 ^ 58.
  Proof.
    intros k e inside. split.
    - unfold group_at, group_of. cbv zeta. cbn [rho_halves]. rewrite nth_wave by exact inside. apply congruent_cyclic.
    - assert (bound := Cz_bound F c (k * half_index F * Z.of_nat e)). assert (fits := gap_fits F c passed).
      unfold gap_top in fits. assert (pos := N0_pos F c passed). assert (nonneg := trig_nonneg F c).
      destruct (Z.le_gt_cases (trig_top c) (2 ^ 58)) as [small|large]; [lia|].
      assert (2 ^ 58 * 2 ^ 58 <= trig_top c * trig_top c) by (apply Z.mul_le_mono_nonneg; lia).
      assert (0 <= trig_scale c * trig_top c) by (apply Z.mul_nonneg_nonneg; lia). lia.
  Qed.

  Lemma weight_congruent : forall (k : Z) (e : nat), (e < p)%nat ->
    congruent (rho_weight e (group_at F c k)) (Z.abs (rho F c k e)).
  Proof.
    intros k e inside. destruct (rho_half k e inside) as [same small]. unfold rho_weight. cbv zeta.
    rewrite <- (congruent_absolute (nth e (rho_halves (group_at F c k)) 0 + nth e (rho_halves (group_at F c k)) 0)%uint63).
    - apply congruent_to_Z.
    - unfold rho. replace (2 * Cz F c (k * half_index F * Z.of_nat e)) with
        (Cz F c (k * half_index F * Z.of_nat e) + Cz F c (k * half_index F * Z.of_nat e)) by ring.
      apply congruent_add; exact same.
    - unfold rho. lia.
  Qed.

  Lemma side_at_eq : forall (k : Z) (e : nat), (e < p)%nat ->
    side_at e (group_at F c k) = side_sign F c k (0 <=? rho F c k e).
  Proof.
    intros k e inside. destruct (rho_half k e inside) as [same small]. unfold side_at, side_sign, rho.
    set (x := nth e _ _) in *.
    assert (value : signed x = Cz F c (k * half_index F * Z.of_nat e)) by (apply signed_of_congruent; [exact same | lia]).
    assert (spec := ltb_spec x half). change (to_Z half) with (2 ^ 62) in spec. assert (range := to_Z_range x).
    unfold signed in value. destruct (Z.ltb_spec (to_Z x) (2 ^ 62)) as [low|high].
    - rewrite (proj2 spec low). destruct (Z.leb_spec 0 (2 * Cz F c (k * half_index F * Z.of_nat e))); [reflexivity | lia].
    - destruct (ltb x half); [assert (to_Z x < 2 ^ 62) by (apply spec; reflexivity); lia|].
      destruct (Z.leb_spec 0 (2 * Cz F c (k * half_index F * Z.of_nat e))); [lia | reflexivity].
  Qed.

  Let gs := map (group_at F c) ks.

  Lemma total_exact : forall e d S : nat, (e < p)%nat -> (d < p)%nat -> (S < p)%nat ->
    at1 (row_times p (map (rho_weight e) gs) (map (fun side => nth d (heights side) []) (map
      (side_at e) gs))) S = height_sum e d S.
  Proof.
    intros e d S inside_e inside_d inside_S. unfold gs. rewrite !map_map. unfold at1. apply signed_of_congruent.
    - unfold height_sum. apply row_times_map.
      + exact inside_S.
      + intros k _. rewrite side_at_eq by exact inside_e. apply (side_row F c formed passed k _ d inside_d).
      + intros k _. apply weight_congruent, inside_e.
      + intros k _. rewrite side_at_eq by exact inside_e. apply (side_row F c formed passed k _ d inside_d), inside_S.
    - assert (bound := weighted_bound e (fun k => height F c k (0 <=? rho F c k e) d S) (fun k
        => height_bound k _ d S inside_S)).
      change (Z.abs (height_sum e d S) <= 2 ^ 60) in bound. lia.
  Qed.

  Lemma cap_fits : forall k : Z, In k ks -> cap k <= 2 ^ 60.
  Proof.
    intros k inside. assert (fits := height_fits F c passed). rewrite <- cap_sum, sumL_mult_l in fits.
    assert (term := sumL_term _ ks cap k inside (fun k' _ => cap_nonneg k')). assert (nonneg := trig_nonneg F c).
    assert (here := cap_nonneg k).
    destruct (Z.eq_dec (trig_top c) 0) as [none|some].
    - assert (zero : cap k = 0); [|lia]. unfold cap. rewrite (sumL_ext _ _ _ (fun _ => 0)) by (intros j _; rewrite none; ring).
      apply sumL_zero.
    - assert (1 * sumL ks cap <= 2 * trig_top c * sumL ks cap) by (apply Z.mul_le_mono_nonneg_r; lia). lia.
  Qed.

  Lemma height_entry : forall (k : Z) (plus : bool) (d S : nat), In k ks -> (d < p)%nat -> (S < p)%nat ->
    at1 (nth d (heights (side_sign F c k plus)) []) S = height F c k plus d S.
  Proof.
    intros k plus d S inside inside_d inside_S. apply signed_of_congruent.
    - apply (side_row F c formed passed k plus d inside_d), inside_S.
    - assert (bound := height_bound k plus d S inside_S). assert (top := cap_fits k inside). lia.
  Qed.

  Lemma least_low : forall e d S : nat, (e < p)%nat -> (d < p)%nat -> (S < p)%nat ->
    at1 (row_times p (map (rho_weight e) gs) (map least_heights (map (side_at e) gs))) d <= height_sum e d S.
  Proof.
    intros e d S inside_e inside_d inside_S. set (sign := fun k => 0 <=? rho F c k e).
    set (low := fun k => signed (least_of (nth d (heights (side_sign F c k (sign k))) []))).
    assert (low_cap : forall k, In k ks -> Z.abs (low k) <= cap k).
    { intros k inside. destruct (side_row F c formed passed k (sign k) d inside_d) as (len & _ & _).
      apply least_of_abs; rewrite len; [exact order_some|]. intros i inside_i.
      rewrite height_entry by assumption. apply height_bound, inside_i. }
    assert (value : at1 (row_times p (map (rho_weight e) gs) (map least_heights (map (side_at e) gs))) d =
      sumL ks (fun k => Z.abs (rho F c k e) * low k)).
    { unfold gs. rewrite !map_map. apply signed_of_congruent.
      - apply row_times_map.
        + exact inside_d.
        + intros k _. rewrite side_at_eq by exact inside_e. apply least_length.
        + intros k _. apply weight_congruent, inside_e.
        + intros k _. rewrite side_at_eq by exact inside_e.
          destruct (side_row F c formed passed k (sign k) d inside_d) as (_ & _ & same). fold (sign k). rewrite same.
          apply signed_congruent.
      - assert (bound : Z.abs (sumL ks (fun k => Z.abs (rho F c k e) * low k)) <= 2 ^ 60); [|lia].
        etransitivity; [|exact (height_fits F c passed)]. rewrite <- cap_sum. apply sumL_abs. intros k inside.
        rewrite Z.abs_mul. assert (top := rho_bound k e). assert (here := low_cap k inside).
        apply Z.mul_le_mono_nonneg; lia. }
    rewrite value. apply sumL_le. intros k inside. apply Z.mul_le_mono_nonneg_l; [apply Z.abs_nonneg|].
    rewrite <- height_entry by assumption. apply least_of_le.
    destruct (side_row F c formed passed k (sign k) d inside_d) as (len & _ & _). fold (sign k). rewrite len. exact inside_S.
  Qed.

  (** ** Errors *)

  Let residuals (of_side : Z -> nat -> nat -> Z) (i : nat) : Z :=
    sumL ks (fun k => sumL (members F c k) (fun j => N1 * (2 * U_top F j) * of_side k j i)).

  Definition left_error (a : nat) : Z :=
    2 * (N1 * D) * to_Z (row_max_abs (nth a (P_rows F) []) 0) + residuals (left_residual F c) a.
  Definition right_error (b : nat) : Z :=
    2 * (N1 * D) * to_Z (row_max_abs (nth b (Q_rows F) []) 0) + residuals (right_residual F c) b.

  Lemma U_top_bound : forall j : nat, 0 <= U_top F j <= largest (U_rows F).
  Proof.
    intros j. split; [apply to_Z_range|]. apply row_max_abs_le; [apply to_Z_range|]. intros e. apply at1_column.
  Qed.

  Lemma wave_part : forall x y z z' : Z,
    Z.abs z <= trig_top c -> Z.abs z' <= trig_top c ->
    Z.abs (N0 * x * z - N0 * y * z') <= N0 * trig_top c * (Z.abs x + Z.abs y).
  Proof.
    intros x y z z' bound bound'. assert (pos := N0_pos F c passed). fold N0 in pos. assert (nonneg := trig_nonneg F c).
    assert (part := scaled_bound F c x y (Z.abs x) (Z.abs y) (trig_top c) (Z.le_refl _) (Z.le_refl _) nonneg z z' bound bound').
    replace (N0 * x * z - N0 * y * z') with (N0 * (x * z - y * z')) by ring. rewrite Z.abs_mul.
    replace (N0 * trig_top c * (Z.abs x + Z.abs y)) with (N0 * ((Z.abs x + Z.abs y) * trig_top c)) by ring.
    apply Z.mul_le_mono_nonneg; lia.
  Qed.

  Lemma residual_cap : forall k (j i : nat),
    left_residual F c k j i <= D * largest (L_rows F) + N0 * trig_top c * amplitude c j /\
    right_residual F c k j i <= D * largest (R_rows F) + N0 * trig_top c * amplitude c j.
  Proof.
    intros k j i. unfold left_residual, right_residual. fold D N0. assert (pos := big_scale_pos).
    assert (l := max_abs_bound (L_rows F) i j). assert (r := max_abs_bound (R_rows F) i j).
    fold (largest (L_rows F)) in l. fold (largest (R_rows F)) in r.
    assert (scaled_l : Z.abs (D * at2 (L_rows F) i j) <= D * largest (L_rows F)) by
      (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg; lia).
    assert (scaled_r : Z.abs (D * at2 (R_rows F) i j) <= D * largest (R_rows F)) by
      (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg; lia).
    assert (part := wave_part (P c j) (Q c j) _ _ (Cz_bound F c (k * Z.of_nat i)) (Sz_bound F c (k * Z.of_nat i))).
    assert (part' := wave_part (P c j) (Q c j) _ _ (Cz_bound F c (k * s * Z.of_nat i)) (Sz_bound F c (k * s * Z.of_nat i))).
    fold (amplitude c j) in part, part'. unfold s in part'. split; lia.
  Qed.

  Lemma amplitude_part : forall j : nat, (j < m)%nat ->
    0 <= N0 * trig_top c * amplitude c j <= N0 * trig_top c * input_sum F c.
  Proof.
    intros j inside. assert (pos := N0_pos F c passed). fold N0 in pos. assert (nonneg := trig_nonneg F c).
    assert (amp := amplitude_nonneg F c j). assert (more := amplitude_le F c j inside).
    assert (0 <= N0 * trig_top c) by (apply Z.mul_nonneg_nonneg; lia).
    split; [apply Z.mul_nonneg_nonneg; lia | apply Z.mul_le_mono_nonneg_l; lia].
  Qed.

  Lemma residual_fits_each : forall k (j i : nat), (j < m)%nat ->
    left_residual F c k j i <= 2 ^ 60 /\ right_residual F c k j i <= 2 ^ 60.
  Proof.
    intros k j i inside. assert (fits := residual_fits F c passed). unfold residual_top in fits. fold N0 D in fits.
    destruct (residual_cap k j i) as [left right]. assert (part := amplitude_part j inside). assert (pos := big_scale_pos).
    assert (l := max_abs_nonneg (L_rows F)). assert (r := max_abs_nonneg (R_rows F)). unfold largest in *.
    assert (0 <= D * to_Z (max_abs (L_rows F))) by (apply Z.mul_nonneg_nonneg; lia).
    assert (0 <= D * to_Z (max_abs (R_rows F))) by (apply Z.mul_nonneg_nonneg; lia). lia.
  Qed.

  Lemma residual_entry : forall (A : list (list int)) (cs ss : list int) (j i : nat) (C S : Z),
    length A = p -> length cs = p -> length ss = p -> (i < p)%nat ->
    congruent (nth i cs 0%uint63) C -> congruent (nth i ss 0%uint63) S ->
    Z.abs (D * at2 A i j - (N0 * P c j * C - N0 * Q c j * S)) <= 2 ^ 60 ->
    congruent (nth i (residual (of_Z N0) (of_Z D) (column A j) cs ss (neuron_at F c j)) 0%uint63)
      (Z.abs (D * at2 A i j - (N0 * P c j * C - N0 * Q c j * S))) /\
    length (residual (of_Z N0) (of_Z D) (column A j) cs ss (neuron_at F c j)) = p.
  Proof.
    intros A cs ss j i C S len len_c len_s inside same_c same_s small. unfold residual. cbn [neuron_at in_cos in_sin].
    assert (len_cosine : length (cosine_of (of_Z N0 * of_Z (nth j (input_cosines c) 0%Z)) (of_Z N0 * of_Z (nth j
      (input_sines c) 0%Z)) cs ss) = p)
      by (apply cosine_length; assumption).
    split.
    - rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63);
        [| rewrite column_length, len; exact inside | rewrite len_cosine; exact inside].
      rewrite <- (congruent_absolute (of_Z D * nth i (column A j) 0 - nth i (cosine_of (of_Z N0 * of_Z (nth j
        (input_cosines c) 0%Z))
        (of_Z N0 * of_Z (nth j (input_sines c) 0%Z)) cs ss) 0)%uint63); [apply congruent_to_Z | | exact small].
      apply congruent_sub.
      + apply congruent_mul; [apply congruent_of_Z|]. rewrite nth_column by (rewrite len; exact inside). apply signed_congruent.
      + apply cosine_congruent; try assumption; [rewrite len_c; exact inside | rewrite len_s; exact inside | |];
          apply congruent_mul; apply congruent_of_Z.
    - rewrite zip_with_length, column_length, len, len_cosine. apply Nat.min_id.
  Qed.

  Lemma spread_congruent : forall j : nat, congruent (spread (of_Z N1) (neuron_at F c j)) (N1 * (2 * U_top F j)).
  Proof.
    intros j. unfold spread. apply congruent_mul; [apply congruent_of_Z|]. apply congruent_mul; [exact (congruent_to_Z 2)|].
    apply congruent_to_Z.
  Qed.

  Lemma errors_L_spec : forall (k : Z) (a : nat), (a < p)%nat ->
    congruent (nth a (errors_L (group_at F c k)) 0%uint63)
      (sumL (members F c k) (fun j => N1 * (2 * U_top F j) * left_residual F c k j a)) /\
    length (errors_L (group_at F c k)) = p.
  Proof.
    intros k a inside. unfold group_at, group_of. cbv zeta. cbn [errors_L]. rewrite !map_map.
    assert (len := has_shape_length _ _ _ _ (L_shape F formed)).
    assert (len_c : length (firstn p (cosines F c k)) = p) by
      (rewrite firstn_length; unfold cosines; rewrite wave_length; unfold p; lia).
    assert (len_s : length (firstn p (sines F c k)) = p) by
      (rewrite firstn_length; unfold sines; rewrite wave_length; unfold p; lia).
    assert (entry : forall j, (j < m)%nat -> _) by (intros j inside_j; exact (residual_entry (L_rows F) _ _ j a
      (Cz F c (k * Z.of_nat a)) (Sz F c (k * Z.of_nat a)) len len_c len_s inside
      ltac:(rewrite nth_firstn by exact inside; apply congruent_cosines; unfold p in inside; lia)
      ltac:(rewrite nth_firstn by exact inside; apply congruent_sines; unfold p in inside; lia)
      (proj1 (residual_fits_each k j a inside_j)))).
    split.
    - apply row_times_map; [exact inside | | intros j _; apply spread_congruent |].
      + intros j inside_j. apply (entry j), (member_lt F c k), inside_j.
      + intros j inside_j. apply (entry j), (member_lt F c k), inside_j.
    - apply row_times_length. intros j inside_j. apply (entry j), (member_lt F c k), inside_j.
  Qed.

  Lemma errors_R_spec : forall (k : Z) (b : nat), (b < p)%nat ->
    congruent (nth b (errors_R (group_at F c k)) 0%uint63)
      (sumL (members F c k) (fun j => N1 * (2 * U_top F j) * right_residual F c k j b)) /\
    length (errors_R (group_at F c k)) = p.
  Proof.
    intros k b inside. unfold group_at, group_of. cbv zeta. cbn [errors_R]. rewrite !map_map.
    assert (len := has_shape_length _ _ _ _ (R_shape F formed)).
    assert (entry : forall j, (j < m)%nat -> _) by (intros j inside_j; exact (residual_entry (R_rows F) _ _ j b
      (Cz F c (k * s * Z.of_nat b)) (Sz F c (k * s * Z.of_nat b)) len
      (wave_length p (table_ints (cosine_table c)) (k * s) p) (wave_length p (table_ints (sine_table c)) (k * s) p) inside
      ltac:(rewrite nth_wave by exact inside; apply congruent_cyclic)
      ltac:(rewrite nth_wave by exact inside; apply congruent_cyclic)
      (proj2 (residual_fits_each k j b inside_j)))).
    split.
    - apply row_times_map; [exact inside | | intros j _; apply spread_congruent |].
      + intros j inside_j. apply (entry j), (member_lt F c k), inside_j.
      + intros j inside_j. apply (entry j), (member_lt F c k), inside_j.
    - apply row_times_length. intros j inside_j. apply (entry j), (member_lt F c k), inside_j.
  Qed.

  Lemma sum_of_entry : forall (A : list (list int)) (errors : group -> list int) (E : Z -> Z) (i : nat),
    length A = p -> (i < p)%nat ->
    (forall k, congruent (nth i (errors (group_at F c k)) 0%uint63) (E k) /\ length (errors (group_at F c k)) = p) ->
    congruent (nth i (sum_of F (direct_errors c A :: map errors gs)) 0%uint63)
      (2 * (N1 * D) * to_Z (row_max_abs (nth i A []) 0) + sumL ks E) /\
    length (sum_of F (direct_errors c A :: map errors gs)) = p.
  Proof.
    intros A errors E i len inside entry. unfold sum_of, gs. cbn [map row_times]. rewrite !map_map. fold p.
    assert (len_direct : length (direct_errors c A) = p) by (unfold direct_errors; rewrite map_length; exact len).
    assert (len_rest : length (row_times p (map (fun _ => 1%uint63) ks) (map (fun k => errors (group_at F c k)) ks)) = p)
      by (apply row_times_length; intros k _; apply entry).
    split; [|rewrite add_multiple_length, len_direct, len_rest; apply Nat.min_id].
    rewrite nth_add_multiple by (rewrite ?len_direct, ?len_rest; exact inside).
    apply congruent_add.
    - rewrite <- (Z.mul_1_l (2 * (N1 * D) * to_Z _)). apply congruent_mul; [exact (congruent_to_Z 1)|].
      unfold direct_errors. rewrite (nth_map_any _ _ _ _ _ []) by (rewrite len; exact inside).
      apply congruent_mul; [apply congruent_of_Z | apply congruent_to_Z].
    - rewrite (sumL_ext _ _ E (fun k => 1 * E k)) by (intros k _; ring).
      apply row_times_map; [exact inside | | |]; intros k _; [apply entry | exact (congruent_to_Z 1) | apply entry].
  Qed.

  Definition pair_error (a b : nat) : Z := left_error a + (right_error b + product_error F c eps).

  Lemma row_top : forall (A : list (list int)) (i : nat), to_Z (row_max_abs (nth i A []) 0) <= largest A.
  Proof. intros A i. apply row_max_abs_le; [apply to_Z_range|]. intros j. exact (max_abs_bound A i j). Qed.

  Lemma spread_bound : forall j : nat, 0 <= N1 * (2 * U_top F j) <= N1 * (2 * largest (U_rows F)).
  Proof.
    intros j. assert (top := U_top_bound j). assert (pos := out_scale_pos).
    split; [apply Z.mul_nonneg_nonneg | apply Z.mul_le_mono_nonneg_l]; lia.
  Qed.

  Lemma residuals_bound : forall (of_side : Z -> nat -> nat -> Z) (i : nat) (top : Z), 0 <= top ->
    (forall k j, 0 <= of_side k j i <= D * top + N0 * trig_top c * amplitude c j) ->
    0 <= residuals of_side i <= N1 * (2 * largest (U_rows F)) * (Z.of_nat m * (D * top) + N0 * trig_top c * input_sum F c).
  Proof.
    intros of_side i top top_nonneg each. unfold residuals. split.
    - apply sumL_nonneg. intros k _. apply sumL_nonneg. intros j _.
      apply Z.mul_nonneg_nonneg; [apply spread_bound | apply each].
    - etransitivity.
      + apply sumL_le. intros k _. apply sumL_le. intros j _.
        apply Z.mul_le_mono_nonneg; [apply spread_bound | apply spread_bound | apply each |].
        apply each.
      + rewrite (over_groups (fun j => N1 * (2 * largest (U_rows F)) * (D * top + N0 * trig_top c * amplitude c j))).
        rewrite sumL_mult_l, sumL_plus, (sumL_mult_l _ _ (N0 * trig_top c)), (input_sum_eq F c). fold m.
        assert (constant : sumL (seq 0 m) (fun _ => D * top) = Z.of_nat m * (D * top)).
        { rewrite sumL_seq. clear. induction m as [|n IH]; [reflexivity|]. cbn [sumZ]. rewrite IH. lia. }
        rewrite constant. apply Z.le_refl.
  Qed.

  Lemma product_error_nonneg : 0 <= product_error F c eps.
  Proof.
    unfold product_error. fold N1. assert (pos := out_scale_pos). assert (top := to_Z_range (max_abs (U_rows F))).
    assert (eps_pos := eps_nonneg F c). fold p N0 eps in eps_pos.
    assert (amp : 0 <= input_sum F c) by (rewrite (input_sum_eq F c); apply sumL_nonneg; intros j _; apply
      (amplitude_nonneg F)).
    unfold largest. apply Z.mul_nonneg_nonneg; apply Z.mul_nonneg_nonneg; lia.
  Qed.

  Lemma pair_error_bound : forall a b : nat, 0 <= pair_error a b <= 2 ^ 60.
  Proof.
    intros a b. assert (fits := error_fits F c passed). unfold error_top in fits. fold p N0 D N1 in fits. fold eps in fits.
    fold m in fits.
    assert (scale : 0 < 2 * (N1 * D)).
    { assert (pos := big_scale_pos). assert (pos' := out_scale_pos).
      assert (0 < N1 * D) by (apply Z.mul_pos_pos; assumption). lia. }
    assert (l := to_Z_range (max_abs (L_rows F))). assert (r := to_Z_range (max_abs (R_rows F))).
    assert (left := residuals_bound (left_residual F c) a (largest (L_rows F)) (proj1 l)
      (fun k j => conj (Z.abs_nonneg _) (proj1 (residual_cap k j a)))).
    assert (right := residuals_bound (right_residual F c) b (largest (R_rows F)) (proj1 r)
      (fun k j => conj (Z.abs_nonneg _) (proj2 (residual_cap k j b)))).
    assert (constant := product_error_nonneg).
    assert (first := row_top (P_rows F) a). assert (second := row_top (Q_rows F) b).
    assert (first_nonneg := to_Z_range (row_max_abs (nth a (P_rows F) []) 0)).
    assert (second_nonneg := to_Z_range (row_max_abs (nth b (Q_rows F) []) 0)).
    unfold pair_error, left_error, right_error.
    set (x := to_Z (row_max_abs (nth a (P_rows F) []) 0)) in *. set (y := to_Z (row_max_abs (nth b (Q_rows F) []) 0)) in *.
    assert (first_scaled : 0 <= 2 * (N1 * D) * x <= 2 * (N1 * D) * largest (P_rows F))
      by (split; [apply Z.mul_nonneg_nonneg | apply Z.mul_le_mono_nonneg_l]; lia).
    assert (second_scaled : 0 <= 2 * (N1 * D) * y <= 2 * (N1 * D) * largest (Q_rows F))
      by (split; [apply Z.mul_nonneg_nonneg | apply Z.mul_le_mono_nonneg_l]; lia).
    replace (N1 * (2 * largest (U_rows F)) * (Z.of_nat m * D * (largest (L_rows F) + largest (R_rows F)) +
      2 * N0 * trig_top c * input_sum F c)) with
      (N1 * (2 * largest (U_rows F)) * (Z.of_nat m * (D * largest (L_rows F)) + N0 * trig_top c * input_sum F c) +
       N1 * (2 * largest (U_rows F)) * (Z.of_nat m * (D * largest (R_rows F)) + N0 * trig_top c * input_sum F c)) in fits
         by ring.
    lia.
  Qed.

  (** ** Pairs *)

  Theorem height_margin : forall (a b d : nat),
    (a < p)%nat -> (b < p)%nat ->
    height_sum (delta F a b) d (answered F a b) - pair_error a b <=
    N1 * D * (valueZ F a b (answered F a b) - valueZ F a b (index p (Z.of_nat (answered F a b) + Z.of_nat d))).
  Proof.
    intros a b d inside_a inside_b. set (e := delta F a b). set (S := answered F a b).
    set (t := index p (Z.of_nat S + Z.of_nat d)).
    assert (some := order_some). assert (inside_S : (S < p)%nat) by (apply index_lt; exact some).
    assert (inside_t : (t < p)%nat) by (apply index_lt; exact some).
    assert (pos := big_scale_pos). assert (pos' := out_scale_pos).
    assert (neurons : forall k j, Z.abs (rho F c k e) * (sided (0 <=? rho F c k e) (tau F c k j S) *
        (N1 * out F j S - gap F c k j - ideal F c k j (Z.of_nat S + Z.of_nat d))) -
        N1 * (2 * U_top F j) * (left_residual F c k j a + right_residual F c k j b + eps * amplitude c j) <=
        N1 * D * (hiddenZ F a b j * (out F j S - out F j t))).
    { intros k j. unfold hiddenZ, activateZ. rewrite (is_relu F c passed).
      apply neuron_bound; [exact pos | exact pos' | | | |].
      - exact (close F c formed passed k j a b).
      - unfold out, U_top, at2. rewrite <- (nth_column_at1 (U_rows F) j S) by (rewrite (U_length F formed); exact inside_S).
        apply row_max_abs_bound.
      - unfold out, U_top, at2. rewrite <- (nth_column_at1 (U_rows F) j t) by (rewrite (U_length F formed); exact inside_t).
        apply row_max_abs_bound.
      - assert (near := output_near F c formed passed k j t inside_t). fold N1 in near.
        assert (same : ideal F c k j (Z.of_nat t) = ideal F c k j (Z.of_nat S + Z.of_nat d)); [|lia].
        destruct (index_split p (Z.of_nat S + Z.of_nat d) some) as [x x_spec]. fold t in x_spec. unfold ideal, Cz, Sz. fold p.
        replace (k * (Z.of_nat S + Z.of_nat d)) with (k * Z.of_nat t + Z.of_nat p * (k * x)) by (rewrite x_spec; ring).
        rewrite index_shift by exact some. reflexivity. }
    assert (sums := sumL_le _ ks _ _ (fun k _ => sumL_le _ (members F c k) _ _ (fun j _ => neurons k j))).
    rewrite (over_groups (fun j => N1 * D * (hiddenZ F a b j * (out F j S - out F j t)))) in sums.
    rewrite sumL_mult_l in sums.
    rewrite (sumL_ext _ ks _ (fun k => Z.abs (rho F c k e) * height F c k (0 <=? rho F c k e) d S -
      (sumL (members F c k) (fun j => N1 * (2 * U_top F j) * left_residual F c k j a) +
       (sumL (members F c k) (fun j => N1 * (2 * U_top F j) * right_residual F c k j b) +
        sumL (members F c k) (fun j => N1 * (2 * U_top F j) * (eps * amplitude c j)))))) in sums.
    2: { intros k _. unfold height. rewrite <- sumL_mult_l, <- !sumL_plus, <- sumL_minus. apply sumL_ext. intros j _.
    fold N1. ring. }
    rewrite sumL_minus, !sumL_plus in sums. fold (height_sum e d S) in sums.
    rewrite (over_groups (fun j => N1 * (2 * U_top F j) * (eps * amplitude c j))) in sums.
    assert (constant : sumL (seq 0 m) (fun j => N1 * (2 * U_top F j) * (eps * amplitude c j)) <= product_error F c eps).
    { unfold product_error. fold N1. rewrite (input_sum_eq F c). fold m. rewrite <- !sumL_mult_l. apply sumL_le. intros j _.
      apply Z.mul_le_mono_nonneg_r; [|apply spread_bound].
      apply Z.mul_nonneg_nonneg; [apply (eps_nonneg F c) | apply (amplitude_nonneg F)]. }
    assert (values : valueZ F a b S - valueZ F a b t = (at2 (P_rows F) a S - at2 (P_rows F) a t) +
      (at2 (Q_rows F) b S - at2 (Q_rows F) b t) + sumL (seq 0 m) (fun j => hiddenZ F a b j * (out F j S - out F j t))).
    { rewrite (sumL_ext _ _ _ (fun j => hiddenZ F a b j * out F j S - hiddenZ F a b j * out F j t)) by (intros j _; ring).
      rewrite sumL_minus, !sumL_seq. unfold valueZ, out. fold m. cbn [plus]. ring. }
    rewrite values. unfold pair_error, left_error, right_error, residuals.
    assert (P_S := row_max_abs_bound (nth a (P_rows F) []) S). assert (P_t := row_max_abs_bound (nth a (P_rows F) []) t).
    assert (Q_S := row_max_abs_bound (nth b (Q_rows F) []) S). assert (Q_t := row_max_abs_bound (nth b (Q_rows F) []) t).
    fold (at2 (P_rows F) a S) in P_S. fold (at2 (P_rows F) a t) in P_t. fold (at2 (Q_rows F) b S) in Q_S.
    fold (at2 (Q_rows F) b t) in Q_t.
    set (x := to_Z (row_max_abs (nth a (P_rows F) []) 0)) in *. set (y := to_Z (row_max_abs (nth b (Q_rows F) []) 0)) in *.
    assert (scale : 0 <= N1 * D) by (apply Z.mul_nonneg_nonneg; lia).
    assert (direct : N1 * D * - (2 * x + 2 * y) <= N1 * D * ((at2 (P_rows F) a S - at2 (P_rows F) a t) + (at2 (Q_rows F) b S
      - at2 (Q_rows F) b t)))
      by (apply Z.mul_le_mono_nonneg_l; lia).
    rewrite Z.mul_add_distr_l. lia.
  Qed.
End Sound.
