(* CompactProofs: Modular: LowRankUnembeddingSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome Modular.Form
  Modular.FormSound Modular.SpecFacts Modular.LowRankUnembedding Modular.LowRankUnembeddingMath.
Import ListNotations.
(** * low_rank_unembedding is sound
    - [e_exact]     == D U' = B W + E;  [loss_spec] == |E[k]| is at most what the checker takes for it
    - [size_spec]   == so is |d| of a pair
    - [value_split] == an output, times D and up to a number that is the same for all classes, as the checker bounds it
    - [best_spec], [rival_spec] == what the checker compares
    - [pair_sound]  == an accepted pair is right
    Main result: [low_rank_unembedding_on_sound]. *)
Local Open Scope Z_scope.

(** ** The matrices *)

Section Certificate.
  Context (F : form) (c : low_rank_unembedding_certificate).
  Local Notation p := (form_order F).
  Local Notation m := (form_width F).
  Local Notation M := (unembedding_matrices F c).
  Local Notation D := (unembedding_scale c).
  Context (formed : well_formed F) (passed : first_failure (low_rank_tests F c M) = None).

  Local Lemma tested : forall (test : bool) (why : refusal), In (test, why) (low_rank_tests F c M) -> test = true.
  Proof. exact (first_failure_none _ passed). Qed.
  Local Lemma guarded : forall (b : bool) (why : refusal),
    In (if to_Z (dropped_bits c) <=? 60 then b else false, why) (low_rank_tests F c M) -> b = true.
  Proof. intros b why inside. apply tested in inside. destruct (_ <=? 60); [exact inside | discriminate inside]. Qed.
  Local Lemma scale_pos : 0 < D.
  Proof. apply Z.ltb_lt. eapply tested. left. reflexivity. Qed.
  Local Lemma dropped_small : to_Z (dropped_bits c) <= 60.
  Proof. apply Z.leb_le. eapply tested. do 1 right. left. reflexivity. Qed.
  Local Lemma centre_length : length (unembedding_centre c) = m.
  Proof. apply Nat.eqb_eq. eapply tested. do 2 right. left. reflexivity. Qed.
  Local Lemma offset_length : length (means_offset c) = m.
  Proof. apply Nat.eqb_eq. eapply tested. do 3 right. left. reflexivity. Qed.
  Local Lemma basis_shape : has_shape p (unembedding_rank c) (unembedding_basis c) = true.
  Proof. eapply tested. do 4 right. left. reflexivity. Qed.
  Local Lemma coordinates_shape : has_shape (unembedding_rank c) m (unembedding_coordinates c) = true.
  Proof. eapply tested. do 5 right. left. reflexivity. Qed.
  Local Lemma first_shape : has_shape p m (first_means c) = true.
  Proof. eapply tested. do 6 right. left. reflexivity. Qed.
  Local Lemma second_shape : has_shape p m (second_means c) = true.
  Proof. eapply tested. do 7 right. left. reflexivity. Qed.
  Local Lemma answer_shape : has_shape p m (answer_means c) = true.
  Proof. eapply tested. do 8 right. left. reflexivity. Qed.
  Local Lemma difference_shape : has_shape p m (difference_means c) = true.
  Proof. eapply tested. do 9 right. left. reflexivity. Qed.
  Local Lemma centre_fits : row_fits (unembedding_centre c) = true.
  Proof. eapply tested. do 10 right. left. reflexivity. Qed.
  Local Lemma U_fits : largest (U_rows F) <= 2 ^ 59.
  Proof. apply Z.leb_le. eapply tested. do 12 right. left. reflexivity. Qed.
  Local Lemma product_fits_here : product_fits (unembedding_rank c) (basis63 M) (coordinates63 M) = true.
  Proof. eapply tested. do 16 right. left. reflexivity. Qed.
  Local Lemma residual_top_fits : residual_top c M <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 17 right. left. reflexivity. Qed.
  Local Lemma residual_square_fits : residual_square_top F (largest (residuals M)) <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 18 right. left. reflexivity. Qed.
  Local Lemma rest_top_fits : rest_top F c M <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 19 right. left. reflexivity. Qed.
  Local Lemma square_top_fits : square_top F c (rest_top F c M) <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply guarded. do 20 right. left. reflexivity. Qed.
  Local Lemma bound_top_fits : bound_top F c M (rest_top F c M) (largest (residuals M)) <= 2 ^ 61.
  Proof. apply Z.leb_le. eapply guarded. do 21 right. left. reflexivity. Qed.

  (** *** U', D U' and E *)

  Local Definition mu (j : nat) : Z := at1 (row_of (unembedding_centre c)) j.
  Local Definition u (k j : nat) : Z := at2 (U_rows F) k j - mu j.
  Local Definition e (k j : nat) : Z := at2 (residuals M) k j.
  Local Definition b (k i : nat) : Z := at2 (basis63 M) k i.
  Local Definition w (i j : nat) : Z := at2 (coordinates63 M) i j.

  Local Lemma mu_bound : forall j : nat, Z.abs (mu j) <= 2 ^ 59.
  Proof.
    intros j. unfold mu, at1, row_of. destruct (Nat.lt_ge_cases j m) as [inside|outside].
    - rewrite (nth_map_any _ _ _ _ _ 0) by (rewrite centre_length; exact inside).
      assert (fits := centre_fits). unfold row_fits in fits. rewrite forallb_forall in fits.
      assert (range := fits (nth j (unembedding_centre c) 0) ltac:(apply nth_In; rewrite centre_length; exact inside)).
      apply Z.leb_le in range. rewrite (signed_of_congruent _ _ (congruent_of_Z _)) by lia. exact range.
    - rewrite nth_overflow by (rewrite map_length, centre_length; exact outside). rewrite signed_zero. lia.
  Qed.

  Local Lemma u_exact : forall k j : nat, (k < p)%nat -> (j < m)%nat -> at2 (centred_U M) k j = u k j.
  Proof.
    intros k j inside_k inside_j. cbn [unembedding_matrices centred_U]. unfold u, at2 at 1, less_row.
    rewrite (nth_map_any _ _ _ _ _ []) by (rewrite (has_shape_length _ _ _ _ (U_shape F formed)); exact inside_k).
    unfold at1. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63).
    - assert (bound := mu_bound j). assert (entry := max_abs_bound (U_rows F) k j). assert (fits := U_fits).
      unfold largest in fits. change (signed (nth j (nth k (U_rows F) []) 0%uint63)) with (at2 (U_rows F) k j).
      apply signed_of_congruent; [apply congruent_sub; apply signed_congruent|]. lia.
    - rewrite (U_row_length F formed) by exact inside_k. exact inside_j.
    - unfold row_of. rewrite map_length, centre_length. exact inside_j.
  Qed.

  Local Lemma centred_shape : has_shape p m (centred_U M) = true.
  Proof.
    apply has_shape_intro.
    - cbn [unembedding_matrices centred_U]. unfold less_row. rewrite map_length.
      apply (has_shape_length _ _ _ _ (U_shape F formed)).
    - intros row inside. cbn [unembedding_matrices centred_U] in inside. unfold less_row in inside.
      apply in_map_iff in inside.
      destruct inside as (x & <- & inside). apply zip_rows_length.
      + apply (has_shape_rows _ _ _ _ _ (U_shape F formed) inside).
      + unfold row_of. rewrite map_length. exact centre_length.
  Qed.

  Local Lemma scaled_shape : has_shape p m (scaled_U M) = true.
  Proof.
    change (scaled_U M) with (scaled (of_Z D) (centred_U M)). apply has_shape_intro.
    - unfold scaled. rewrite map_length. apply (has_shape_length _ _ _ _ centred_shape).
    - intros row inside. unfold scaled in inside. apply in_map_iff in inside. destruct inside as (x & <- & inside).
      rewrite map_length. apply (has_shape_rows _ _ _ _ _ centred_shape inside).
  Qed.

  Local Lemma u_bound : forall k j : nat, (k < p)%nat -> (j < m)%nat -> Z.abs (u k j) <= largest (centred_U M).
  Proof. intros k j inside_k inside_j. rewrite <- u_exact by assumption. apply max_abs_bound. Qed.
  Local Lemma product_nonneg : 0 <= largest (product63 M).
  Proof. apply to_Z_range. Qed.
  Local Lemma scaled_bound : forall k j : nat, (k < p)%nat -> (j < m)%nat -> Z.abs (D * u k j) <= D * largest (centred_U M).
  Proof.
    intros k j inside_k inside_j. assert (bound := u_bound k j inside_k inside_j). assert (positive := scale_pos).
    rewrite Z.abs_mul, (Z.abs_eq D) by lia. apply Z.mul_le_mono_nonneg_l; lia.
  Qed.

  Local Lemma scaled_exact : forall k j : nat, (k < p)%nat -> (j < m)%nat -> at2 (scaled_U M) k j = D * u k j.
  Proof.
    intros k j inside_k inside_j. assert (bound := scaled_bound k j inside_k inside_j).
    assert (fits := residual_top_fits). unfold residual_top in fits. assert (nonneg := product_nonneg).
    change (scaled_U M) with (scaled (of_Z D) (centred_U M)). unfold at2, scaled.
    rewrite (nth_map_any _ _ _ _ _ []) by (rewrite (has_shape_length _ _ _ _ centred_shape); exact inside_k).
    unfold at1. rewrite (nth_map_any _ _ _ _ _ 0%uint63)
      by (rewrite (has_shape_row _ _ _ _ _ centred_shape inside_k); exact inside_j).
    apply signed_of_congruent; [|lia]. rewrite <- u_exact by assumption.
    apply congruent_mul; [apply congruent_of_Z | apply signed_congruent].
  Qed.

  Local Lemma basis63_shape : has_shape p (unembedding_rank c) (basis63 M) = true.
  Proof. exact (of_rows_shape _ _ _ _ basis_shape). Qed.
  Local Lemma coordinates63_shape : has_shape (unembedding_rank c) m (coordinates63 M) = true.
  Proof. exact (of_rows_shape _ _ _ _ coordinates_shape). Qed.
  Local Lemma product63_shape : has_shape p m (product63 M) = true.
  Proof. exact (mul_shape _ _ _ _ _ basis63_shape coordinates63_shape). Qed.
  Local Lemma e_exact : forall k j : nat, (k < p)%nat -> (j < m)%nat ->
    e k j = D * u k j - sumZ (unembedding_rank c) (fun i => b k i * w i j).
  Proof.
    intros k j inside_k inside_j. unfold e, b, w.
    rewrite <- (mul_exact _ _ _ _ _ _ _ basis63_shape coordinates63_shape product_fits_here inside_k inside_j).
    change (mul m (basis63 M) (coordinates63 M)) with (product63 M).
    change (residuals M) with (zip_with (zip_with sub) (scaled_U M) (product63 M)). unfold at2 at 1.
    rewrite (nth_zip_with _ _ _ _ _ _ _ [] [])
      by (rewrite ?(has_shape_length _ _ _ _ scaled_shape), ?(has_shape_length _ _ _ _ product63_shape); exact inside_k).
    unfold at1 at 1. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63)
      by (rewrite ?(has_shape_row _ _ _ _ _ scaled_shape inside_k), ?(has_shape_row _ _ _ _ _ product63_shape inside_k);
          exact inside_j).
    assert (entry := max_abs_bound (product63 M) k j). assert (scaled_entry := scaled_bound k j inside_k inside_j).
    assert (fits := residual_top_fits). unfold residual_top, largest in *.
    apply signed_of_congruent; [|lia]. rewrite <- scaled_exact by assumption. apply congruent_sub; apply signed_congruent.
  Qed.

  Local Lemma residuals_length : length (residuals M) = p.
  Proof.
    change (residuals M) with (zip_with (zip_with sub) (scaled_U M) (product63 M)).
    apply zip_rows_length; [apply (has_shape_length _ _ _ _ scaled_shape) | apply (has_shape_length _ _ _ _ product63_shape)].
  Qed.

  Local Lemma residuals_row_length : forall k : nat, (k < p)%nat -> length (nth k (residuals M) []) = m.
  Proof.
    intros k inside. change (residuals M) with (zip_with (zip_with sub) (scaled_U M) (product63 M)).
    rewrite (nth_zip_with _ _ _ _ _ _ _ [] [])
      by (rewrite ?(has_shape_length _ _ _ _ scaled_shape), ?(has_shape_length _ _ _ _ product63_shape); exact inside).
    apply zip_rows_length; [apply (has_shape_row _ _ _ _ _ scaled_shape inside)
      | apply (has_shape_row _ _ _ _ _ product63_shape inside)].
  Qed.

  (** *** |E[k]| *)

  Local Definition loss (k : nat) : Z := Z.sqrt_up (to_Z (squares (fun x => x) (nth k (residuals M) []) 0)).

  Local Lemma loss_spec : forall k : nat, (k < p)%nat ->
    sumZ m (fun j => e k j * e k j)
      <= loss k * loss k /\ 0 <= loss k <= Z.sqrt_up (residual_square_top F (largest (residuals M))).
  Proof.
    intros k inside. assert (len := residuals_row_length k inside). assert (fits := residual_square_fits).
    assert (bound : forall j, (j < length (nth k (residuals M) []))%nat ->
      Z.abs (signed (nth j (nth k (residuals M) []) 0%uint63)) <= largest (residuals M))
      by (intros j _; exact (max_abs_bound (residuals M) k j)).
    assert (value := squares_exact (fun x => x) (nth k (residuals M) []) (largest (residuals M)) bound).
    rewrite len in value. specialize (value fits). unfold loss. rewrite value.
    change (fun k0 : nat => signed (nth k0 (nth k (residuals M) []) 0%uint63) * signed (nth k0 (nth k (residuals M) [])
      0%uint63))
      with (fun j => e k j * e k j).
    assert (nonneg := sumZ_nonneg m (fun j => e k j * e k j) ltac:(intros; apply Z.square_nonneg)).
    split; [apply le_sqrt_up, nonneg|]. split; [apply Z.sqrt_up_nonneg|]. apply Z.sqrt_up_le_mono.
    assert (total := sumZ_bound m (fun j => e k j * e k j) (largest (residuals M) * largest (residuals M))).
    cbv beta in total.
    unfold residual_square_top. refine (_ (total _)); [intro bounded; lia|].
    intros j below. assert (entry := max_abs_bound (residuals M) k j). unfold e. rewrite Z.abs_mul.
    apply Z.mul_le_mono_nonneg; (exact entry || apply Z.abs_nonneg).
  Qed.

  (** *** One pair *)

  Section Pair.
    Context (x y : nat) (inside_x : (x < p)%nat) (inside_y : (y < p)%nat).
    Local Notation right := (form_answer F x y).
    Local Notation different := (form_difference F x y).
    Local Lemma answer_below : forall s : Z, (answer p s x y < p)%nat.
    Proof. intro s. apply SpecFacts.answer_below, (order_pos F formed). Qed.

    Local Lemma inside_right : (right < p)%nat.
    Proof. apply answer_below. Qed.
    Local Lemma inside_different : (different < p)%nat.
    Proof. apply answer_below. Qed.

    Local Definition rest_row : list int :=
      rests (activate63 (form_activation F)) (nth x (L_rows F) []) (nth y (R_rows F) []) (nth x (first_less M) [])
        (nth y (second_means c) []) (nth right (answer_means c) []) (nth different (difference_means c) []).

    Local Definition g (j : nat) : Z :=
      at2 (first_less M) x j + at2 (second_means c) y j + at2 (answer_means c) right j + at2 (difference_means c) different j.
    Local Definition d (j : nat) : Z := hiddenZ F x y j - g j.

    Local Lemma first_less_shape : has_shape p m (first_less M) = true.
    Proof.
      change (first_less M) with (less_row (row_of (means_offset c)) (first_means c)). apply has_shape_intro.
      - unfold less_row. rewrite map_length. apply (has_shape_length _ _ _ _ first_shape).
      - intros row inside. unfold less_row in inside. apply in_map_iff in inside. destruct inside as (z & <- & inside).
        apply zip_rows_length; [apply (has_shape_rows _ _ _ _ _ first_shape inside)|].
        unfold row_of. rewrite map_length. exact offset_length.
    Qed.

    Local Lemma d_bound : forall j : nat, Z.abs (d j) <= rest_top F c M.
    Proof.
      intros j. unfold d, g, rest_top, largest.
      assert (low := hidden_nonneg F x y j). assert (high := hidden_bound F x y j).
      assert (b1 := max_abs_bound (first_less M) x j). assert (b2 := max_abs_bound (second_means c) y j).
      assert (b3 := max_abs_bound (answer_means c) right j).
      assert (b4 := max_abs_bound (difference_means c) different j). lia.
    Qed.

    Local Lemma rest_spec : length rest_row = m /\ forall j, (j < m)%nat -> at1 rest_row j = d j.
    Proof.
      destruct (rests_spec (activate63 (form_activation F)) m (nth x (L_rows F) []) (nth y (R_rows F) [])
        (nth x (first_less M) [])
        (nth y (second_means c) []) (nth right (answer_means c) []) (nth different (difference_means c) [])) as [len values].
      - apply (L_row_length F formed _ inside_x).
      - apply (R_row_length F formed _ inside_y).
      - apply (has_shape_row _ _ _ _ _ first_less_shape inside_x).
      - apply (has_shape_row _ _ _ _ _ second_shape inside_y).
      - apply (has_shape_row _ _ _ _ _ answer_shape inside_right).
      - apply (has_shape_row _ _ _ _ _ difference_shape inside_different).
      - split; [exact len|]. intros j inside. unfold at1, rest_row. rewrite values by exact inside.
        assert (bound := d_bound j). assert (fits := rest_top_fits). apply signed_of_congruent; [|lia].
        unfold d, g. rewrite <- (hidden_exact F formed x y j inside_x inside_y inside).
        unfold at1, hidden_of, hidden. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63)
          by (rewrite ?(L_row_length F formed _ inside_x), ?(R_row_length F formed _ inside_y); exact inside).
        rewrite !Z.sub_add_distr. repeat apply congruent_sub; apply signed_congruent.
    Qed.

    Local Notation size := (size_of F c rest_row).

    Local Lemma size_spec :
      sumZ m (fun j => d j * d j) <= size * size /\ 0 <= size <= length_top F c (rest_top F c M).
    Proof.
      destruct rest_spec as [len exact_d].
      exact (size_of_spec F c _ rest_row d dropped_small rest_top_fits square_top_fits len exact_d d_bound).
    Qed.

    (** *** D times the outputs, up to a number that no class changes *)

    Local Definition value (k : nat) : Z :=
      D * (at2 (P_rows F) x k + at2 (Q_rows F) y k + sumZ m (fun j => hiddenZ F x y j * u k j)).
    Local Definition lost (k : nat) : Z := sumZ m (fun j => d j * e k j).
    Local Definition coordinate (i : nat) : Z := sumZ m (fun j => d j * w i j).

    Local Lemma value_spec : forall k : nat,
      value k = D * valueZ F x y k - D * sumZ m (fun j => hiddenZ F x y j * mu j).
    Proof.
      intros k. unfold value, valueZ, u.
      rewrite (sumZ_ext _ (fun j => hiddenZ F x y j * (at2 (U_rows F) k j - mu j))
        (fun j => hiddenZ F x y j * at2 (U_rows F) k j - hiddenZ F x y j * mu j)) by (intros j _; ring).
      rewrite sumZ_minus. ring.
    Qed.

    Local Lemma value_split : forall k : nat, (k < p)%nat ->
      value k = D * (at2 (P_rows F) x k + at2 (Q_rows F) y k) + sumZ m (fun j => g j * (D * u k j)) +
        sumZ (unembedding_rank c) (fun i => coordinate i * b k i) + lost k.
    Proof.
      intros k inside. unfold value, lost, coordinate.
      rewrite (sumZ_ext (unembedding_rank c) _ (fun i => sumZ m (fun j => d j * w i j * b k i)))
        by (intros i _; rewrite Z.mul_comm, <- sumZ_mult_l; apply sumZ_ext; intros j _; ring).
      rewrite sumZ_swap, Z.mul_add_distr_l, <- sumZ_mult_l, <- !Z.add_assoc, <- !sumZ_plus. f_equal.
      apply sumZ_ext. intros j below. rewrite (e_exact k j inside below).
      rewrite (sumZ_ext _ (fun i => d j * w i j * b k i) (fun i => d j * (b k i * w i j))) by (intros i _; ring).
      rewrite sumZ_mult_l. unfold d. ring.
    Qed.

    Local Lemma lost_bound : forall k : nat, (k < p)%nat -> Z.abs (lost k) <= size * loss k.
    Proof.
      intros k inside. destruct size_spec as [d_norm [size_nonneg _]].
      destruct (loss_spec k inside) as [e_norm [loss_nonneg _]].
      apply cauchy_schwarz_bound; assumption.
    Qed.

    Local Lemma value_bound_here : forall k : nat, (k < p)%nat -> Z.abs (value k) <=
      D * (largest (P_rows F) + largest (Q_rows F) + Z.of_nat m * (hidden_top F * largest (centred_U M))).
    Proof.
      intros k inside. unfold value. assert (positive := scale_pos). rewrite Z.abs_mul, (Z.abs_eq D) by lia.
      apply Z.mul_le_mono_nonneg_l; [lia|].
      assert (direct := max_abs_bound (P_rows F) x k). assert (direct' := max_abs_bound (Q_rows F) y k).
      assert (bound := sumZ_bound m (fun j => hiddenZ F x y j * u k j) (hidden_top F * largest (centred_U M))).
      cbv beta in bound.
      unfold largest at 1 2. refine (_ (bound _)); [intro bounded; lia|].
      intros j below. rewrite Z.abs_mul. assert (h := hidden_nonneg F x y j). assert (top := hidden_bound F x y j).
      apply Z.mul_le_mono_nonneg; [lia | lia | lia | apply u_bound; assumption].
    Qed.

    Local Lemma lost_bound_here : forall k : nat, Z.abs (lost k) <= Z.of_nat m * (rest_top F c M * largest (residuals M)).
    Proof.
      intros k. apply sumZ_bound. intros j _. rewrite Z.abs_mul.
      apply Z.mul_le_mono_nonneg; [apply Z.abs_nonneg | apply d_bound | apply Z.abs_nonneg | apply max_abs_bound].
    Qed.

    Local Lemma ranges : forall k : nat, (k < p)%nat ->
      Z.abs (value k) <= 2 ^ 61 /\ Z.abs (value k - lost k + size * loss k) <= 2 ^ 61.
    Proof.
      intros k inside. assert (fits := bound_top_fits). unfold bound_top in fits.
      assert (value_top := value_bound_here k inside). assert (lost_top := lost_bound_here k).
      destruct size_spec as [_ size_range]. destruct (loss_spec k inside) as [_ loss_range].
      assert (product : 0 <= size * loss k <= length_top F c (rest_top F c M)
        * Z.sqrt_up (residual_square_top F (largest (residuals M)))).
      { split; [apply Z.mul_nonneg_nonneg; lia | apply Z.mul_le_mono_nonneg; lia]. }
      assert (nonneg := Z.abs_nonneg (lost k)). lia.
    Qed.

    (** *** What the checker computes *)

    Local Definition firsts : list int :=
      token_row (nth x (first_less M) []) (nth x (P_rows F) []) (scaled_U M) half (of_Z D).
    Local Definition seconds : list int :=
      token_row (nth y (second_means c) []) (nth y (Q_rows F) []) (scaled_U M) 0 (of_Z D).
    Local Definition thirds : list int := map (dot_from 0%uint63 (nth right (answer_means c) [])) (scaled_U M).
    Local Definition fourths : list int := map (dot_from 0%uint63 (nth different (difference_means c) [])) (scaled_U M).

    Local Lemma dot_scaled : forall (means : list int) (start : int) (z : Z) (k : nat),
      (k < p)%nat -> length means = m -> congruent start z ->
      congruent (dot_from start means (nth k (scaled_U M) [])) (z + sumZ m (fun j => at1 means j * (D * u k j))).
    Proof.
      intros means start z k inside len same. assert (len_u := has_shape_row _ _ _ _ _ scaled_shape inside).
      assert (value := dot_from_congruent means (nth k (scaled_U M) []) start z ltac:(lia) same). rewrite len_u in value.
      rewrite (sumZ_ext m _ (fun j => at1 means j * (D * u k j))) in value; [exact value|].
      intros j below. rewrite <- (scaled_exact k j inside below). reflexivity.
    Qed.

    Local Lemma token_row_spec : forall (means direct : list int) (start : int) (z : Z) (k : nat),
      (k < p)%nat -> length means = m -> length direct = p -> congruent start z ->
      congruent (nth k (token_row means direct (scaled_U M) start (of_Z D)) 0%uint63)
        (z + D * at1 direct k + sumZ m (fun j => at1 means j * (D * u k j))).
    Proof.
      intros means direct start z k inside len len_direct same. unfold token_row.
      rewrite (nth_zip_with _ _ _ _ _ _ _ [] 0%uint63)
        by (rewrite ?len_direct, ?(has_shape_length _ _ _ _ scaled_shape); exact inside).
      apply dot_scaled; [exact inside | exact len|]. apply congruent_add; [exact same|].
      apply congruent_mul; [apply congruent_of_Z | apply signed_congruent].
    Qed.

    Local Lemma means_row_spec : forall (means : list int) (k : nat),
      (k < p)%nat -> length means = m ->
      congruent (nth k (map (dot_from 0%uint63 means) (scaled_U M)) 0%uint63) (sumZ m (fun j => at1 means j * (D * u k j))).
    Proof.
      intros means k inside len. rewrite (nth_map_any _ _ _ _ _ []) by (rewrite (has_shape_length _ _ _ _ scaled_shape);
        exact inside).
      exact (dot_scaled means 0%uint63 0 k inside len (congruent_to_Z 0)).
    Qed.

    Local Definition start (k : nat) : int := (nth k firsts 0 + nth k seconds 0 + nth k thirds 0 + nth k fourths 0)%uint63.

    Local Lemma start_spec : forall k : nat, (k < p)%nat -> congruent (start k)
      (2 ^ 62 + D * (at2 (P_rows F) x k + at2 (Q_rows F) y k) + sumZ m (fun j => g j * (D * u k j))).
    Proof.
      intros k inside. unfold start.
      replace (2 ^ 62 + D * (at2 (P_rows F) x k + at2 (Q_rows F) y k) + sumZ m (fun j => g j * (D * u k j))) with
        ((2 ^ 62 + D * at2 (P_rows F) x k + sumZ m (fun j => at2 (first_less M) x j * (D * u k j))) +
         (0 + D * at2 (Q_rows F) y k + sumZ m (fun j => at2 (second_means c) y j * (D * u k j))) +
         sumZ m (fun j => at2 (answer_means c) right j * (D * u k j)) +
         sumZ m (fun j => at2 (difference_means c) different j * (D * u k j))).
      - repeat apply congruent_add.
        + apply token_row_spec; [exact inside | apply (has_shape_row _ _ _ _ _ first_less_shape inside_x)
            | apply (has_shape_row _ _ _ _ _ (P_shape F formed) inside_x) | exact (congruent_to_Z half)].
        + apply token_row_spec; [exact inside | apply (has_shape_row _ _ _ _ _ second_shape inside_y)
            | apply (has_shape_row _ _ _ _ _ (Q_shape F formed) inside_y) | exact (congruent_to_Z 0)].
        + apply means_row_spec; [exact inside | apply (has_shape_row _ _ _ _ _ answer_shape inside_right)].
        + apply means_row_spec; [exact inside | apply (has_shape_row _ _ _ _ _ difference_shape inside_different)].
      - rewrite (sumZ_ext m (fun j => g j * (D * u k j)) (fun j =>
          at2 (first_less M) x j * (D * u k j) + at2 (second_means c) y j * (D * u k j) +
          at2 (answer_means c) right j * (D * u k j) + at2 (difference_means c) different j * (D * u k j)))
          by (intros j _; unfold g; ring).
        rewrite !sumZ_plus. ring.
    Qed.

    Local Definition best : int := dot_from (start right) rest_row (nth right (scaled_U M) []).

    Local Lemma best_spec : to_Z best = value right + 2 ^ 62.
    Proof.
      destruct rest_spec as [len exact_d]. assert (inside := inside_right). destruct (ranges right inside) as [range _].
      apply to_Z_of_congruent; [|lia]. unfold best.
      assert (same := dot_scaled rest_row _ _ right inside len (start_spec right inside)).
      replace (value right + 2 ^ 62) with (2 ^ 62 + D * (at2 (P_rows F) x right + at2 (Q_rows F) y right) +
        sumZ m (fun j => g j * (D * u right j)) + sumZ m (fun j => at1 rest_row j * (D * u right j))); [exact same|].
      unfold value. rewrite <- Z.add_assoc, <- sumZ_plus.
      rewrite (sumZ_ext m (fun k => _ + _) (fun j => D * (hiddenZ F x y j * u right j)))
        by (intros j below; cbv beta; rewrite exact_d by exact below; unfold d; ring).
      rewrite sumZ_mult_l. ring.
    Qed.

    Local Definition losses : list (list int) := zip_with loss_row (basis63 M) (residuals M).
    Local Definition sizes : list int := of_Z size :: map (dot_from 0%uint63 rest_row) (coordinates63 M).

    Local Lemma coordinate_spec : forall i : nat, (i < unembedding_rank c)%nat ->
      congruent (nth i (map (dot_from 0%uint63 rest_row) (coordinates63 M)) 0%uint63) (coordinate i).
    Proof.
      intros i inside. destruct rest_spec as [len exact_d].
      rewrite (nth_map_any _ _ _ _ _ []) by (rewrite (has_shape_length _ _ _ _ coordinates63_shape); exact inside).
      assert (len_w := has_shape_row _ _ _ _ _ coordinates63_shape inside).
      assert (value := dot_from_congruent rest_row (nth i (coordinates63 M) []) 0%uint63 0 ltac:(lia) (congruent_to_Z 0)).
      rewrite len_w, Z.add_0_l in value. unfold coordinate.
      rewrite (sumZ_ext m (fun j => d j * w i j) (fun j => at1 rest_row j * at1 (nth i (coordinates63 M) []) j));
        [exact value|].
      intros j below. rewrite exact_d by exact below. reflexivity.
    Qed.

    Local Lemma rival_spec : forall k : nat, (k < p)%nat ->
      to_Z (dot_from (start k) sizes (nth k losses [])) = value k - lost k + size * loss k + 2 ^ 62.
    Proof.
      intros k inside. destruct (ranges k inside) as [_ range]. apply to_Z_of_congruent; [|lia]. unfold losses.
      rewrite (nth_zip_with _ _ _ _ _ _ _ [] [])
        by (rewrite ?residuals_length, ?(has_shape_length _ _ _ _ basis63_shape); exact inside).
      unfold loss_row, sizes. cbn [dot_from]. fold (loss k).
      assert (len_b := has_shape_row _ _ _ _ _ basis63_shape inside).
      assert (first : congruent (start k + of_Z size * of_Z (loss k))%uint63
        (2 ^ 62 + D * (at2 (P_rows F) x k + at2 (Q_rows F) y k) + sumZ m (fun j => g j * (D * u k j)) + size * loss k)).
      { apply congruent_add; [exact (start_spec k inside)|]. apply congruent_mul; apply congruent_of_Z. }
      assert (same : congruent (dot_from (start k + of_Z size * of_Z (loss k))%uint63
          (map (dot_from 0%uint63 rest_row) (coordinates63 M)) (nth k (basis63 M) []))
        (2 ^ 62 + D * (at2 (P_rows F) x k + at2 (Q_rows F) y k) + sumZ m (fun j => g j * (D * u k j)) + size * loss k +
          sumZ (unembedding_rank c) (fun i => coordinate i * b k i))).
      { assert (general := fun values => dot_from_general (map (dot_from 0%uint63 rest_row) (coordinates63 M))
        (nth k (basis63 M) [])
          coordinate _ _ ltac:(rewrite map_length, (has_shape_length _ _ _ _ coordinates63_shape); symmetry;
            exact len_b) values
          first).
        rewrite len_b in general. exact (general coordinate_spec). }
      rewrite (value_split k inside).
      replace (D * (at2 (P_rows F) x k + at2 (Q_rows F) y k) + sumZ m (fun j => g j * (D * u k j)) +
        sumZ (unembedding_rank c) (fun i => coordinate i * b k i) + lost k - lost k + size * loss k + 2 ^ 62)
        with (2 ^ 62 + D * (at2 (P_rows F) x k + at2 (Q_rows F) y k) + sumZ m (fun j => g j * (D * u k j)) + size * loss k +
          sumZ (unembedding_rank c) (fun i => coordinate i * b k i)) by ring.
      exact same.
    Qed.

    Theorem pair_sound : others_below best sizes right losses firsts seconds thirds fourths = true -> form_right F x y.
    Proof.
      intros accepted k inside other. assert (len : length losses = p).
      { unfold losses. apply zip_rows_length; [apply (has_shape_length _ _ _ _ basis63_shape) | exact residuals_length]. }
      assert (below := others_below_spec _ _ _ _ _ _ _ _ accepted k ltac:(lia) other). unfold below_at in below.
      fold (start k) in below. apply ltb_spec in below. rewrite best_spec, (rival_spec k inside) in below.
      assert (bound := lost_bound k inside). assert (positive := scale_pos).
      assert (less : value k < value right) by lia. rewrite !value_spec in less.
      apply (Zmult_lt_reg_r _ _ D positive). lia.
    Qed.
  End Pair.
End Certificate.

Theorem low_rank_unembedding_on_sound : forall (claimed : Z) (F : form) (c : low_rank_unembedding_certificate),
  low_rank_unembedding_on claimed F c = Accepted -> claimed <= right_pairs F.
Proof.
  intros claimed F c verdict. unfold low_rank_unembedding_on in verdict. cbv zeta in verdict.
  revert verdict. apply certified_sound. intros formed passed. unfold low_rank_count. cbv zeta.
  assert (len_L := has_shape_length _ _ _ _ (L_shape F formed)).
  assert (len_R := has_shape_length _ _ _ _ (R_shape F formed)).
  assert (len_P := has_shape_length _ _ _ _ (P_shape F formed)).
  assert (len_Q := has_shape_length _ _ _ _ (Q_shape F formed)).
  assert (len_first := has_shape_length _ _ _ _ (first_less_shape F c passed)).
  assert (len_second := has_shape_length _ _ _ _ (second_shape F c passed)).
  assert (len_answer := has_shape_length _ _ _ _ (answer_shape F c passed)).
  assert (len_difference := has_shape_length _ _ _ _ (difference_shape F c passed)).
  assert (len_u := has_shape_length _ _ _ _ (scaled_shape F c formed passed)).
  apply (count_pairs_le _ _ _ _ _ _ ([], [], []) ([], [], [])).
  - apply by_token_length; assumption.
  - apply by_token_length; assumption.
  - intros a b' inside_a inside_b accepted. apply (pair_sound F c formed passed a b' inside_a inside_b).
    rewrite (by_token_nth (form_order F) a), (by_token_nth (form_order F) b') in accepted by assumption.
    unfold low_rank_passes in accepted.
    assert (inside_right := inside_right F formed a b'). assert (inside_different := inside_different F formed a b').
    rewrite by_answer_nth, by_difference_nth in accepted by lia.
    exact accepted.
Qed.
