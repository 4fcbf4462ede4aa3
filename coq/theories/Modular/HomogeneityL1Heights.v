(* CompactProofs: Modular: HomogeneityL1Heights *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome Modular.Form
  Modular.FormSound Modular.HomogeneityL1 Modular.HomogeneityL1Facts.
Import ListNotations.
(** * Neurons as cosines: what the tables of a group are
    - [close]          == D (L[a,j] + R[b,j]) is near rho tau: the addition theorem up to the gap that the checker has found
    - [side_row]       == the heights that the checker computes are [height], their minima the least of them *)
Local Open Scope Z_scope.

Section Sound.
  Context (F : form) (c : homogeneity_l1_certificate) (formed : well_formed F).

  Let p := form_order F.
  Let m := form_width F.
  Let s := form_coefficient F.
  Let N0 := trig_scale c.
  Let D := big_scale c.
  Let N1 := out_scale c.
  Let i2 := half_index F.
  Let eps := to_Z (worst_product p (of_Z N0) (table_ints (cosine_table c)) (table_ints (sine_table c))).

  Context (passed : first_failure (homogeneity_l1_tests F c eps) = None).

  Let tested := first_failure_none _ passed.

  Lemma some : (0 < p)%nat.
  Proof. exact (order_pos F formed). Qed.

  Lemma odd : 2 * i2 = Z.of_nat p + 1.
  Proof.
    assert (test : Nat.odd p = true) by (eapply tested; left; reflexivity). apply Nat.odd_spec in test.
    destruct test as [q q_spec].
    unfold i2, half_index. fold p. rewrite q_spec. replace (Z.of_nat (2 * q + 1) + 1) with ((Z.of_nat q + 1) * 2) by lia.
    rewrite Z.div_mul by lia. lia.
  Qed.

  Lemma is_relu : form_activation F = Relu.
  Proof.
    assert (test : match form_activation F with Relu => true | Square => false end = true) by
      (eapply tested; do 1 right; left; reflexivity).
    destruct (form_activation F); [reflexivity | discriminate test].
  Qed.

  Lemma N0_pos : 0 < N0.
  Proof. apply Z.ltb_lt. eapply tested. do 2 right. left. reflexivity. Qed.

  Lemma D_pos : 0 < D.
  Proof.
    assert (t_pos : 0 < input_scale c) by (apply Z.ltb_lt; eapply tested; do 3 right; left; reflexivity).
    assert (n_pos := N0_pos). unfold D, big_scale. fold N0. apply Z.mul_pos_pos; [apply Z.mul_pos_pos; lia | exact t_pos].
  Qed.

  Lemma N1_pos : 0 < N1.
  Proof.
    assert (t_pos : 0 < output_scale c) by (apply Z.ltb_lt; eapply tested; do 4 right; left; reflexivity).
    assert (n_pos := N0_pos). unfold N1, out_scale. fold N0. apply Z.mul_pos_pos; lia.
  Qed.

  Lemma cosines_length : length (cosine_table c) = p.
  Proof. apply Nat.eqb_eq. eapply tested. do 5 right. left. reflexivity. Qed.

  Lemma sines_length : length (sine_table c) = p.
  Proof. apply Nat.eqb_eq. eapply tested. do 6 right. left. reflexivity. Qed.

  Lemma one_group : forall j : nat, (j < m)%nat ->
    length (filter (Z.eqb (nth j (neuron_frequencies c) 0)) (frequency_list c)) = 1%nat.
  Proof.
    intros j inside. assert (test := tested _ _ ltac:(do 8 right; left; reflexivity)). apply andb_prop in test.
    destruct test as [len each]. apply Nat.eqb_eq in len. rewrite forallb_forall in each.
    apply Nat.eqb_eq, each, nth_In. rewrite len. exact inside.
  Qed.

  Lemma watched_length : length (watched_distances c) = p.
  Proof.
    assert (test := tested _ _ ltac:(do 10 right; left; reflexivity)). apply andb_prop in test. apply Nat.eqb_eq, test.
  Qed.

  Lemma gap_fits : gap_top c <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 11 right. left. reflexivity. Qed.

  Lemma residual_fits : residual_top F c <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 12 right. left. reflexivity. Qed.

  Lemma output_fits : output_top F c <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 13 right. left. reflexivity. Qed.

  Lemma height_fits : height_top F c <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 14 right. left. reflexivity. Qed.

  Lemma error_fits : error_top F c eps <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 15 right. left. reflexivity. Qed.

  Lemma eps_nonneg : 0 <= eps.
  Proof. apply to_Z_range. Qed.

  (** ** The addition theorem, nearly *)

  Definition Cz (z : Z) : Z := nth (index p z) (cosine_table c) 0.
  Definition Sz (z : Z) : Z := nth (index p z) (sine_table c) 0.

  Lemma Cz_bound : forall z : Z, Z.abs (Cz z) <= trig_top c.
  Proof. intros z. unfold Cz, trig_top. assert (bound := largest_of_bound (cosine_table c) (index p z)). lia. Qed.

  Lemma Sz_bound : forall z : Z, Z.abs (Sz z) <= trig_top c.
  Proof. intros z. unfold Sz, trig_top. assert (bound := largest_of_bound (sine_table c) (index p z)). lia. Qed.

  Lemma trig_nonneg : 0 <= trig_top c.
  Proof. assert (bound := Cz_bound 0). lia. Qed.

  Lemma gap_entry : forall (T : list Z) (i j : nat), length T = p -> (i < p)%nat -> (j < p)%nat ->
    (forall z, Z.abs (nth (index p z) T 0) <= trig_top c) ->
    at1 (product_gaps p (of_Z N0) (table_ints (cosine_table c)) (table_ints T) (table_wave p (table_ints T) 1 (p + p)) i) j =
    2 * Cz (Z.of_nat i) * nth j T 0 - N0 * (nth (index p (Z.of_nat i + Z.of_nat j)) T 0 + nth (index p (Z.of_nat j
      - Z.of_nat i)) T 0).
  Proof.
    intros T i j len inside_i inside_j bound. unfold at1, product_gaps. cbv zeta.
    assert (len_T : length (table_ints T) = p) by (unfold table_ints; rewrite map_length; exact len).
    assert (len_plus : forall e, (e <= p)%nat -> (j < length (skipn e (table_wave p (table_ints T) 1 (p + p))))%nat)
      by (intros e small; rewrite skipn_length, wave_length; lia).
    rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63).
    2: { rewrite len_T. exact inside_j. }
    2: { rewrite zip_with_length. apply Nat.min_glb_lt; apply len_plus; lia. }
    rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by (apply len_plus; lia).
    rewrite !nth_skipn, !nth_wave by lia.
    assert (bound_j := bound (Z.of_nat j)). rewrite index_small in bound_j by exact inside_j.
    assert (bound_plus := bound (Z.of_nat i + Z.of_nat j)). assert (bound_minus := bound (Z.of_nat j - Z.of_nat i)).
    assert (bound_i := Cz_bound (Z.of_nat i)). assert (fits := gap_fits). unfold gap_top in fits. fold N0 in fits.
    assert (pos := N0_pos). assert (some_p := some).
    apply signed_of_congruent.
    - apply congruent_sub; apply congruent_mul.
      + apply congruent_mul; [exact (congruent_to_Z 2)|]. unfold Cz. rewrite index_small by exact inside_i.
        apply congruent_entry.
      + apply congruent_entry.
      + apply congruent_of_Z.
      + apply congruent_add.
        * replace (1 * Z.of_nat (i + j)) with (Z.of_nat i + Z.of_nat j) by lia. apply congruent_cyclic.
        * replace (1 * Z.of_nat (p - i + j)) with (Z.of_nat j - Z.of_nat i + Z.of_nat p * 1) by lia.
          rewrite <- (index_shift p (Z.of_nat j - Z.of_nat i) 1) by exact some_p. apply congruent_cyclic.
    - set (x := nth j T 0) in *. set (y := nth (index p (Z.of_nat i + Z.of_nat j)) T 0) in *.
      set (z := nth (index p (Z.of_nat j - Z.of_nat i)) T 0) in *. set (w := Cz (Z.of_nat i)) in *.
      assert (product : Z.abs (w * x) <= trig_top c * trig_top c) by (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg; lia).
      assert (sum : Z.abs (N0 * (y + z)) <= N0 * (2 * trig_top c)) by (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg; lia).
      lia.
  Qed.

  Lemma product_close : forall (T : list Z) (z z' : Z), T = cosine_table c \/ T = sine_table c ->
    Z.abs (2 * Cz z * nth (index p z') T 0 - N0 * (nth (index p (z + z')) T 0 + nth (index p (z' - z)) T 0)) <= eps.
  Proof.
    intros T z z' which. assert (some_p := some).
    destruct (index_split p z some_p) as [x x_spec]. destruct (index_split p z' some_p) as [x' x_spec'].
    set (i := index p z) in *. set (j := index p z') in *.
    assert (inside_i : (i < p)%nat) by (apply index_lt; exact some_p).
    assert (inside_j : (j < p)%nat) by (apply index_lt; exact some_p).
    replace (index p (z + z')) with (index p (Z.of_nat i + Z.of_nat j))
      by (rewrite <- (index_shift p _ (x + x')) by exact some_p; f_equal; lia).
    replace (index p (z' - z)) with (index p (Z.of_nat j - Z.of_nat i))
      by (rewrite <- (index_shift p _ (x' - x)) by exact some_p; f_equal; lia).
    replace (Cz z) with (Cz (Z.of_nat i)) by (unfold Cz; rewrite index_small by exact inside_i; reflexivity).
    unfold eps, worst_product.
    set (rows := product_gap_rows p (of_Z N0) (table_ints (cosine_table c)) (table_ints (sine_table c))).
    destruct which as [->| ->].
    - rewrite <- gap_entry; [| exact cosines_length | exact inside_i | exact inside_j | exact Cz_bound].
      replace (product_gaps _ _ _ _ _ i) with (nth i rows []).
      + exact (max_abs_bound rows i j).
      + unfold rows, product_gap_rows. cbv zeta. rewrite app_nth1 by (rewrite map_length, seq_length; exact inside_i).
        rewrite (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; exact inside_i). rewrite seq_nth by exact inside_i.
        reflexivity.
    - rewrite <- gap_entry; [| exact sines_length | exact inside_i | exact inside_j | exact Sz_bound].
      replace (product_gaps _ _ _ _ _ i) with (nth (p + i) rows []).
      + exact (max_abs_bound rows (p + i) j).
      + unfold rows, product_gap_rows. cbv zeta. rewrite app_nth2; rewrite map_length, seq_length; [|lia].
        replace (p + i - p)%nat with i by lia.
        rewrite (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; exact inside_i). rewrite seq_nth by exact inside_i.
        reflexivity.
  Qed.

  (** ** Neurons *)

  Definition P (j : nat) : Z := nth j (input_cosines c) 0.
  Definition Q (j : nat) : Z := nth j (input_sines c) 0.
  Definition u (j : nat) : Z := nth j (output_cosines c) 0.
  Definition v (j : nat) : Z := nth j (output_sines c) 0.
  Definition amplitude (j : nat) : Z := Z.abs (P j) + Z.abs (Q j).
  Definition delta (a b : nat) : nat := answer p (- s) a b.
  Definition answered (a b : nat) : nat := answer p s a b.

  Definition rho (k : Z) (e : nat) : Z := 2 * Cz (k * i2 * Z.of_nat e).
  Definition tau (k : Z) (j e : nat) : Z := P j * Cz (k * i2 * Z.of_nat e) - Q j * Sz (k * i2 * Z.of_nat e).
  Definition left_residual (k : Z) (j a : nat) : Z :=
    Z.abs (D * at2 (L_rows F) a j - (N0 * P j * Cz (k * Z.of_nat a) - N0 * Q j * Sz (k * Z.of_nat a))).
  Definition right_residual (k : Z) (j b : nat) : Z :=
    Z.abs (D * at2 (R_rows F) b j - (N0 * P j * Cz (k * s * Z.of_nat b) - N0 * Q j * Sz (k * s * Z.of_nat b))).

  Lemma answer_index : forall (t : Z) (a b : nat), answer p t a b = index p (Z.of_nat a + t * Z.of_nat b).
  Proof. reflexivity. Qed.

  Lemma close : forall (k : Z) (j a b : nat),
    Z.abs (D * (at2 (L_rows F) a j + at2 (R_rows F) b j) - rho k (delta a b) * tau k j (answered a b)) <=
    left_residual k j a + right_residual k j b + eps * amplitude j.
  Proof.
    intros k j a b. assert (some_p := some). assert (odd_p := odd). unfold delta, answered. rewrite !answer_index.
    destruct (index_split p (Z.of_nat a + - s * Z.of_nat b) some_p) as [x x_spec].
    destruct (index_split p (Z.of_nat a + s * Z.of_nat b) some_p) as [y y_spec].
    set (d := index p (Z.of_nat a + - s * Z.of_nat b)) in *. set (S := index p (Z.of_nat a + s * Z.of_nat b)) in *.
    unfold rho, tau. set (z := k * i2 * Z.of_nat d). set (z' := k * i2 * Z.of_nat S).
    assert (sum : index p (z + z') = index p (k * Z.of_nat a)).
    { rewrite <- (index_shift p (k * Z.of_nat a) (k * Z.of_nat a - k * i2 * (x + y))) by exact some_p. f_equal. unfold z, z'.
      replace (Z.of_nat d) with (Z.of_nat a - s * Z.of_nat b - Z.of_nat p * x) by lia.
      replace (Z.of_nat S) with (Z.of_nat a + s * Z.of_nat b - Z.of_nat p * y) by lia.
      replace (Z.of_nat p) with (2 * i2 - 1) by lia. ring. }
    assert (difference : index p (z' - z) = index p (k * s * Z.of_nat b)).
    { rewrite <- (index_shift p (k * s * Z.of_nat b) (k * s * Z.of_nat b - k * i2 * (y - x))) by exact some_p.
      f_equal. unfold z, z'.
      replace (Z.of_nat d) with (Z.of_nat a - s * Z.of_nat b - Z.of_nat p * x) by lia.
      replace (Z.of_nat S) with (Z.of_nat a + s * Z.of_nat b - Z.of_nat p * y) by lia.
      replace (Z.of_nat p) with (2 * i2 - 1) by lia. ring. }
    assert (cosines := product_close (cosine_table c) z z' (or_introl eq_refl)).
    assert (sines := product_close (sine_table c) z z' (or_intror eq_refl)).
    rewrite sum, difference in cosines, sines.
    change (nth (index p z') (cosine_table c) 0) with (Cz z') in cosines.
    change (nth (index p (k * Z.of_nat a)) (cosine_table c) 0) with (Cz (k * Z.of_nat a)) in cosines.
    change (nth (index p (k * s * Z.of_nat b)) (cosine_table c) 0) with (Cz (k * s * Z.of_nat b)) in cosines.
    change (nth (index p z') (sine_table c) 0) with (Sz z') in sines.
    change (nth (index p (k * Z.of_nat a)) (sine_table c) 0) with (Sz (k * Z.of_nat a)) in sines.
    change (nth (index p (k * s * Z.of_nat b)) (sine_table c) 0) with (Sz (k * s * Z.of_nat b)) in sines.
    unfold left_residual, right_residual, amplitude. assert (eps_pos := eps_nonneg).
    set (e1 := 2 * Cz z * Cz z' - _) in cosines. set (e2 := 2 * Cz z * Sz z' - _) in sines.
    set (l := D * at2 (L_rows F) a j - _). set (r := D * at2 (R_rows F) b j - _).
    replace (D * (at2 (L_rows F) a j + at2 (R_rows F) b j) - 2 * Cz z * (P j * Cz z' - Q j * Sz z'))
      with (l + r - (P j * e1 - Q j * e2)) by (unfold l, r, e1, e2; ring).
    assert (first : Z.abs (P j * e1) <= eps * Z.abs (P j))
      by (rewrite Z.abs_mul, Z.mul_comm; apply Z.mul_le_mono_nonneg_r; [apply Z.abs_nonneg | exact cosines]).
    assert (second : Z.abs (Q j * e2) <= eps * Z.abs (Q j))
      by (rewrite Z.abs_mul, Z.mul_comm; apply Z.mul_le_mono_nonneg_r; [apply Z.abs_nonneg | exact sines]).
    lia.
  Qed.

  (** ** Outputs *)

  Definition cosines (k : Z) : list int := table_wave p (table_ints (cosine_table c)) k (p + p).
  Definition sines (k : Z) : list int := table_wave p (table_ints (sine_table c)) k (p + p).
  Definition out (j e : nat) : Z := at2 (U_rows F) e j.
  Definition ideal (k : Z) (j : nat) (x : Z) : Z := u j * Cz (k * x) - v j * Sz (k * x).
  Definition gap (k : Z) (j : nat) : Z :=
    to_Z (output_gap (of_Z N1) (firstn p (cosines k)) (firstn p (sines k)) (neuron_at F c j)).
  Definition U_top (j : nat) : Z := to_Z (row_max_abs (column (U_rows F) j) 0).

  Lemma U_length : length (U_rows F) = p.
  Proof. exact (has_shape_length _ _ _ _ (U_shape F formed)). Qed.

  Lemma congruent_cosines : forall (k : Z) (e : nat), (e < p + p)%nat ->
    congruent (nth e (cosines k) 0%uint63) (Cz (k * Z.of_nat e)).
  Proof. intros k e inside. unfold cosines. rewrite nth_wave by exact inside. apply congruent_cyclic. Qed.

  Lemma congruent_sines : forall (k : Z) (e : nat), (e < p + p)%nat ->
    congruent (nth e (sines k) 0%uint63) (Sz (k * Z.of_nat e)).
  Proof. intros k e inside. unfold sines. rewrite nth_wave by exact inside. apply congruent_cyclic. Qed.

  Lemma scaled_bound : forall x y z z' top : Z, Z.abs x <= z -> Z.abs y <= z' -> 0 <= top ->
    forall w w' : Z, Z.abs w <= top -> Z.abs w' <= top -> Z.abs (x * w - y * w') <= (z + z') * top.
  Proof.
    intros x y z z' top x_bound y_bound top_nonneg w w' w_bound w_bound'.
    assert (first : Z.abs (x * w) <= z * top) by (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg; lia).
    assert (second : Z.abs (y * w') <= z' * top) by (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg; lia). lia.
  Qed.

  Lemma output_bound : forall (k x : Z) (j e : nat), Z.abs (N1 * out j e - ideal k j x) <= output_top F c.
  Proof.
    intros k x j e. unfold output_top, ideal. fold N1. assert (pos := N1_pos).
    assert (entry := max_abs_bound (U_rows F) e j). fold (out j e) in entry. fold (largest (U_rows F)) in entry.
    assert (wave_bound := scaled_bound (u j) (v j) _ _ _ (largest_of_bound (output_cosines c) j)
      (largest_of_bound (output_sines c) j) trig_nonneg _ _ (Cz_bound (k * x)) (Sz_bound (k * x))).
    assert (Z.abs (N1 * out j e) <= N1 * largest (U_rows F)) by (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg; lia). lia.
  Qed.

  Lemma gap_row_entry : forall (k : Z) (j e : nat), (e < p)%nat ->
    at1 (zip_with (fun x y => of_Z N1 * x - y)%uint63 (column (U_rows F) j)
      (cosine_of (of_Z (u j)) (of_Z (v j)) (firstn p (cosines k)) (firstn p (sines k)))) e =
    N1 * out j e - ideal k j (Z.of_nat e).
  Proof.
    intros k j e inside. assert (fits := output_fits). assert (bound := output_bound k (Z.of_nat e) j e).
    assert (len := U_length).
    assert (len_c : length (firstn p (cosines k)) = p) by (rewrite firstn_length; unfold cosines; rewrite wave_length; lia).
    assert (len_s : length (firstn p (sines k)) = p) by (rewrite firstn_length; unfold sines; rewrite wave_length; lia).
    unfold at1. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63).
    2: { rewrite column_length, len. exact inside. }
    2: { rewrite (cosine_length _ _ _ _ p) by assumption. exact inside. }
    apply signed_of_congruent; [|lia]. apply congruent_sub.
    - apply congruent_mul; [apply congruent_of_Z|]. rewrite nth_column by (rewrite len; exact inside). apply signed_congruent.
    - apply cosine_congruent; [rewrite len_c; exact inside | rewrite len_s; exact inside | apply congruent_of_Z | apply
        congruent_of_Z | |];
        rewrite nth_firstn by exact inside; [apply congruent_cosines | apply congruent_sines]; lia.
  Qed.

  Lemma output_near : forall (k : Z) (j e : nat), (e < p)%nat -> Z.abs (N1 * out j e - ideal k j (Z.of_nat e)) <= gap k j.
  Proof. intros k j e inside. rewrite <- gap_row_entry by exact inside. apply row_max_abs_bound. Qed.

  Lemma gap_bound : forall (k : Z) (j : nat), 0 <= gap k j <= output_top F c.
  Proof.
    intros k j. split; [apply to_Z_range|]. assert (nonneg := output_bound 0 0 0 0).
    apply row_max_abs_le; [change (to_Z 0) with 0; lia|]. intros e. destruct (Nat.lt_ge_cases e p) as [inside|outside].
    - cbn [neuron_at neuron_U out_cos out_sin]. change (nth j (output_cosines c) 0) with (u j).
      change (nth j (output_sines c) 0) with (v j). rewrite gap_row_entry by exact inside. apply output_bound.
    - unfold at1. rewrite nth_overflow; [rewrite signed_zero; lia|].
      rewrite zip_with_length. cbn [neuron_at neuron_U]. rewrite column_length, U_length. lia.
  Qed.

  (** ** Heights *)

  Definition height (k : Z) (plus : bool) (d S : nat) : Z :=
    sumL (members F c k) (fun j => sided plus (tau k j S) * (N1 * out j S - gap k j - ideal k j (Z.of_nat S + Z.of_nat d))).

  Definition h_row (k : Z) (plus : bool) (j : nat) : list int :=
    let row := cosine_of (of_Z (P j)) (of_Z (Q j)) (table_wave p (table_ints (cosine_table c)) (k * i2) p) (table_wave p
      (table_ints (sine_table c))
      (k * i2) p) in
    if plus then map relu row else map (fun x => relu (0 - x)%uint63) row.

  Definition raised_row (k : Z) (j : nat) : list int := raised (of_Z N1) (firstn p (cosines k)) (firstn p (sines k))
    (neuron_at F c j).

  Definition side_sign (k : Z) (plus : bool) : side := if plus then side_plus (group_at F c k) else side_minus (group_at F c k).

  Lemma side_sign_eq : forall (k : Z) (plus : bool), side_sign k plus =
    side_of p (cosines k) (sines k) (map (neuron_at F c) (members F c k)) (map (raised_row k) (members F c k))
      (map (h_row k plus) (members F c k)).
  Proof.
    intros k plus. unfold side_sign, group_at, group_of, h_row, raised_row. cbv zeta. cbn [side_plus side_minus].
    destruct plus; rewrite !map_map; reflexivity.
  Qed.

  Lemma tau_bound : forall (k : Z) (j e : nat), Z.abs (tau k j e) <= trig_top c * amplitude j.
  Proof.
    intros k j e. unfold tau, amplitude. rewrite (Z.mul_comm (trig_top c)).
    apply scaled_bound; [apply Z.le_refl | apply Z.le_refl | apply trig_nonneg | apply Cz_bound | apply Sz_bound].
  Qed.

  Lemma amplitude_nonneg : forall j : nat, 0 <= amplitude j.
  Proof. intros j. unfold amplitude. lia. Qed.

  Lemma input_sum_eq : input_sum F c = sumL (seq 0 m) amplitude.
  Proof. symmetry. apply (sumL_seq m 0 amplitude). Qed.

  Lemma amplitude_le : forall j : nat, (j < m)%nat -> amplitude j <= input_sum F c.
  Proof.
    intros j inside. rewrite input_sum_eq. apply sumL_term; [apply in_seq; lia|]. intros i _. apply amplitude_nonneg.
  Qed.

  Lemma tau_fits : forall (k : Z) (j e : nat), (j < m)%nat -> Z.abs (tau k j e) <= 2 ^ 60.
  Proof.
    intros k j e inside. assert (bound := tau_bound k j e). assert (amp := amplitude_le j inside).
    assert (fits := residual_fits).
    unfold residual_top in fits. fold N0 D in fits. assert (pos := N0_pos). assert (pos' := D_pos).
    assert (nonneg := trig_nonneg).
    assert (l := max_abs_nonneg (L_rows F)). assert (r := max_abs_nonneg (R_rows F)).
    assert (0 <= D * (largest (L_rows F) + largest (R_rows F))) by (apply Z.mul_nonneg_nonneg; unfold largest; lia).
    assert (trig_top c * amplitude j <= trig_top c * input_sum F c) by (apply Z.mul_le_mono_nonneg_l; assumption).
    assert (amp_nonneg := amplitude_nonneg j).
    assert (0 <= trig_top c * input_sum F c) by (apply Z.mul_nonneg_nonneg; lia).
    assert (1 * (trig_top c * input_sum F c) <= N0 * (trig_top c * input_sum F c)) by (apply Z.mul_le_mono_nonneg_r; lia). lia.
  Qed.

  Lemma member_lt : forall (k : Z) (j : nat), In j (members F c k) -> (j < m)%nat.
  Proof. intros k j inside. apply filter_In in inside. destruct inside as [inside _]. apply in_seq in inside. unfold m.
  lia. Qed.

  Lemma h_row_length : forall (k : Z) (plus : bool) (j : nat), length (h_row k plus j) = p.
  Proof.
    intros k plus j. unfold h_row. cbv zeta.
    destruct plus; rewrite map_length; apply cosine_length; apply wave_length.
  Qed.

  Lemma h_row_entry : forall (k : Z) (plus : bool) (j e : nat), (j < m)%nat -> (e < p)%nat ->
    congruent (nth e (h_row k plus j) 0%uint63) (sided plus (tau k j e)).
  Proof.
    intros k plus j e inside_j inside. unfold h_row, sided. cbv zeta. set (row := cosine_of _ _ _ _).
    assert (len : length row = p) by (apply cosine_length; apply wave_length).
    assert (entry : congruent (nth e row 0%uint63) (tau k j e)).
    { apply cosine_congruent; rewrite ?wave_length; try exact inside; [apply congruent_of_Z | apply congruent_of_Z | |];
        rewrite nth_wave by exact inside; apply congruent_cyclic. }
    assert (fits := tau_fits k j e inside_j).
    destruct plus; rewrite (nth_map_any _ _ _ _ _ 0%uint63) by (rewrite len; exact inside); apply congruent_relu.
    - exact entry.
    - exact fits.
    - apply (congruent_sub _ _ 0); [exact (congruent_to_Z 0) | exact entry].
    - lia.
  Qed.

  Lemma raised_length : forall (k : Z) (j : nat), length (raised_row k j) = p.
  Proof. intros k j. unfold raised_row, raised. cbv zeta. rewrite map_length. cbn [neuron_at neuron_U].
  rewrite column_length. exact U_length. Qed.

  Lemma raised_entry : forall (k : Z) (j e : nat), (e < p)%nat ->
    congruent (nth e (raised_row k j) 0%uint63) (N1 * out j e - gap k j).
  Proof.
    intros k j e inside. unfold raised_row, raised. cbv zeta. assert (len := U_length).
    rewrite (nth_map_any _ _ _ _ _ 0%uint63) by (cbn [neuron_at neuron_U]; rewrite column_length, len; exact inside).
    apply congruent_sub; [|apply congruent_to_Z]. apply congruent_mul; [apply congruent_of_Z|].
    cbn [neuron_at neuron_U]. rewrite nth_column by (rewrite len; exact inside). apply signed_congruent.
  Qed.

  Lemma side_row : forall (k : Z) (plus : bool) (d : nat), (d < p)%nat ->
    length (nth d (heights (side_sign k plus)) []) = p /\
    (forall S, (S < p)%nat -> congruent (nth S (nth d (heights (side_sign k plus)) []) 0%uint63) (height k plus d S)) /\
    nth d (least_heights (side_sign k plus)) 0%uint63 = least_of (nth d (heights (side_sign k plus)) []).
  Proof.
    intros k plus d inside_d. rewrite side_sign_eq. unfold side_of. cbv zeta. cbn [heights least_heights].
    set (js := members F c k). set (rows := map (fun e => height_row _ _ _ _ _) (seq 0 p)).
    assert (row_d : nth d rows [] = height_row
      (row_times p (map (fun _ => 1%uint63) js) (map (fun j => zip_with (fun h x => h * x)%uint63 (h_row k plus j)
        (raised_row k j)) js))
      (row_times p (map (fun j => of_Z (u j)) js) (map (h_row k plus) js))
      (row_times p (map (fun j => of_Z (v j)) js) (map (h_row k plus) js)) (skipn d (cosines k)) (skipn d (sines k))).
    { unfold rows. rewrite (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; exact inside_d). rewrite seq_nth by exact inside_d.
      rewrite !map_map, zip_with_maps. reflexivity. }
    assert (len_product : forall j, In j js -> length (zip_with (fun h x => h * x)%uint63 (h_row k plus j) (raised_row k j))
      = p)
      by (intros j _; rewrite zip_with_length, h_row_length, raised_length; apply Nat.min_id).
    assert (len_h : forall j, In j js -> length (h_row k plus j) = p) by (intros j _; apply h_row_length).
    assert (len_c : (p <= length (skipn d (cosines k)))%nat) by (unfold cosines; rewrite skipn_length, wave_length; lia).
    assert (len_s : (p <= length (skipn d (sines k)))%nat) by (unfold sines; rewrite skipn_length, wave_length; lia).
    split; [|split].
    - rewrite row_d, height_row_length; rewrite !row_times_length by assumption; try reflexivity; assumption.
    - intros S inside_S.
      rewrite row_d, nth_height_row; rewrite ?row_times_length by assumption; try reflexivity; try assumption.
      rewrite !nth_skipn. unfold height. fold js.
      rewrite (sumL_ext _ _ _ (fun j => 1 * (sided plus (tau k j S) * (N1 * out j S - gap k j)) -
        Cz (k * Z.of_nat (d + S)) * (u j * sided plus (tau k j S)) + Sz (k * Z.of_nat (d + S)) * (v j * sided plus
          (tau k j S)))).
      2: { intros j _. unfold ideal. replace (Z.of_nat S + Z.of_nat d) with (Z.of_nat (d + S)) by lia. ring. }
      rewrite sumL_plus, sumL_minus, !sumL_mult_l. rewrite <- (sumL_mult_l _ js 1).
      apply congruent_add; [apply congruent_sub|].
      + apply row_times_map; [exact inside_S | exact len_product | intros j _; exact (congruent_to_Z 1) |].
        intros j inside_j. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by
          (rewrite ?h_row_length, ?raised_length; exact inside_S).
        apply congruent_mul; [apply h_row_entry; [apply
          (member_lt k), inside_j | exact inside_S] | apply raised_entry, inside_S].
      + apply congruent_mul; [apply congruent_cosines; lia|].
        apply row_times_map; [exact inside_S | exact len_h | intros j _; apply congruent_of_Z |].
        intros j inside_j. apply h_row_entry; [apply (member_lt k), inside_j | exact inside_S].
      + apply congruent_mul; [apply congruent_sines; lia|].
        apply row_times_map; [exact inside_S | exact len_h | intros j _; apply congruent_of_Z |].
        intros j inside_j. apply h_row_entry; [apply (member_lt k), inside_j | exact inside_S].
    - apply nth_map_any. unfold rows. rewrite map_length, seq_length. exact inside_d.
  Qed.

  Lemma least_length : forall (k : Z) (plus : bool), length (least_heights (side_sign k plus)) = p.
  Proof.
    intros k plus. rewrite side_sign_eq. unfold side_of. cbv zeta. cbn [least_heights]. rewrite !map_length. apply seq_length.
  Qed.
End Sound.
