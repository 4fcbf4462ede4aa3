(* CompactProofs: Modular: HomogeneitySound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome.
From CompactProofs Require Import Modular.Form Modular.FormSound Modular.SpecFacts Modular.Homogeneity Modular.HomogeneityFacts.
From CompactProofs Require Import Modular.HomogeneityParts Modular.HomogeneityTables.
Import ListNotations.
(** * Collapsing neurons to terms of the distance and of the answer is sound
    - [other_le]     == the part of another class is at most its terms and the residual, by Cauchy and Schwarz
    - [pair_sound]   == an accepted pair is answered right
    Main result: [homogeneity_on_sound]. *)
Local Open Scope Z_scope.

Lemma others_hold_spec : forall (phi : list (list int)) (best s : int) (n : nat) (passed : list bool)
  (terms : list (list (list int))) (x y norms : list int),
  length passed = n -> length terms = n -> length x = n -> length y = n -> length norms = n ->
  others_hold phi best s passed terms x y norms = true ->
  forall k, (k < n)%nat -> nth k passed false = true \/
    nonnegative (best - plus_dots (s * nth k norms 0 + nth k x 0 + nth k y 0) phi (nth k terms []))%uint63 = true.
Proof.
  intros phi best s. induction n as [|n IH]; intros passed terms x y norms lp lt lx ly ln all k below; [lia|].
  destruct passed as [|settled passed]; [discriminate lp|]. destruct terms as [|g terms]; [discriminate lt|].
  destruct x as [|u x]; [discriminate lx|]. destruct y as [|v y]; [discriminate ly|].
  destruct norms as [|w norms]; [discriminate ln|].
  cbn [length] in lp, lt, lx, ly, ln. cbn [others_hold] in all.
  assert (rest : others_hold phi best s passed terms x y norms = true).
  { destruct settled; [exact all|]. destruct (nonnegative _); [exact all | discriminate all]. }
  destruct k as [|k].
  - cbn [nth]. destruct settled; [left; reflexivity|]. right. destruct (nonnegative _); [reflexivity | discriminate all].
  - cbn [nth]. apply (IH passed terms x y norms); try lia. exact rest.
Qed.

Section Sound.
  Context (F : form) (c : homogeneity_certificate) (formed : well_formed F) (passed : first_failure (hom_tests F c) = None).
  Let p := form_order F.
  Let m := form_width F.
  Let A := hom_factor c.
  Let K := kink_top F c.
  Let V := dev_top F c.
  Let G := term_top F c.
  Let O := largest (hom_centred F c).
  Let C := largest (distance_ints c).
  Let rank := hom_rank_of c.
  Let k_groups := length (hom_groups c).
  Let groups := hom_groups_of F c.
  Let outputs := outputs_by_group F c.
  Let answers := hom_answers F c outputs.
  Let tables := zip_with differences (seq 0 p) answers.
  Let low := over_all smin tables.
  Let high := over_all smax tables.
  Let distances := hom_distances_of F c answers.
  Let phases (s : nat) : list (list (list int)) := by_group rank (hom_sizes F c) (nth s (phase_ints c) []).
  Let terms (s k : nat) : list (list int) := terms_of (phases s) (nth k outputs []).
  Let phi (e : nat) : list (list int) := chunks k_groups rank (nth e (distance_ints c) []).

  (** ** The tables, by their names here *)

  Local Lemma answer_at : forall s : nat, (s < p)%nat -> nth s answers default_answer = answer_of outputs s (phases s).
  Proof. exact (answers_nth F c passed). Qed.

  Local Lemma own_terms_at : forall s : nat, (s < p)%nat -> own_terms (nth s answers default_answer) = terms s s.
  Proof. exact (own_terms_nth F c formed passed). Qed.

  Local Lemma its_terms_at : forall s k : nat, (s < p)%nat -> (k < p)%nat ->
    nth k (its_terms (nth s answers default_answer)) [] = terms s k.
  Proof. exact (its_terms_nth F c formed passed). Qed.

  Local Lemma distance_at : forall e : nat, (e < p)%nat ->
    nth e distances default_distance = distance_of low high (phi e) (of_Z (level_at c e)).
  Proof. exact (distances_nth F c passed). Qed.

  (** ** Pairs *)

  Let kinks (a b : nat) : list (list int) := map (map (kink_entry F c a b)) groups.
  Let norms := map root_of_squares outputs.
  Let norm (k : nat) : Z := at1 norms k.
  Let dev (e s a b : nat) : list (list int) := residuals (phi e) (phases s) (kinks a b).
  Let size := size63 (hom_dropped_of c) (hom_slack F c).
  Let rest (e s a b : nat) : Z := signed (size (dev e s a b)).
  Let N := Z.of_nat m * (O * V).
  Let R := size_of F c V.
  Let T := norm_of F O.

  Local Lemma O_nonneg : 0 <= O.
  Proof. apply largest_nonneg. Qed.

  Local Lemma V_nonneg : 0 <= V.
  Proof. etransitivity; [exact (K_nonneg F c passed) | exact (K_le_V F c)]. Qed.

  Local Lemma kinks_length : forall a b : nat, length (concat (kinks a b)) = m.
  Proof. intros a b. unfold kinks. rewrite length_concat_map. exact (covered F c passed). Qed.

  Local Lemma outputs_total : forall k : nat, (k < p)%nat -> length (concat (nth k outputs [])) = m.
  Proof.
    intros k inside. unfold outputs. rewrite outputs_row by assumption. rewrite length_concat_map. exact (covered F c passed).
  Qed.

  Local Lemma norm_spec : forall k : nat, (k < p)%nat ->
    0 <= norm k <= T /\ dotsZ (nth k outputs []) (nth k outputs []) <= norm k * norm k.
  Proof.
    intros k inside. unfold norm, norms, at1.
    rewrite (nth_map_any _ _ _ _ _ []) by (unfold outputs; rewrite outputs_length; assumption).
    assert (spec := root_spec O (nth k outputs []) O_nonneg). rewrite outputs_total in spec by exact inside.
    apply spec; [apply outputs_within; assumption | exact (O_fits F c passed)].
  Qed.

  Local Lemma same_lengths : forall (f g : nat -> int) (l : list (list nat)),
    Forall2 (fun x y => length x = length y) (map (map f) l) (map (map g) l).
  Proof. intros f g l. induction l as [|x l IH]; [constructor|]. cbn [map].
    constructor; [rewrite !map_length; reflexivity | exact IH]. Qed.

  Local Lemma dev_spec : forall e s a b k : nat, (k < p)%nat ->
    length (concat (dev e s a b)) = m /\ Forall (within V) (dev e s a b) /\
    dotsZ (nth k outputs []) (dev e s a b) = dotsZ (nth k outputs []) (kinks a b) - dotsZ (phi e) (terms s k).
  Proof.
    intros e s a b k inside. assert (v := V_nonneg). assert (o := O_nonneg).
    assert (g := G_fits F c passed). unfold term_top in g. fold m O in g. assert (t := largest_nonneg (phase_ints c)).
    rewrite <- (kinks_length a b). unfold dev, terms.
    apply (residuals_dots (largest (phase_ints c)) K C O V rank).
    - exact t.
    - apply largest_nonneg.
    - exact o.
    - apply Z.le_refl.
    - exact (V_small F c passed).
    - assert (short := outputs_short F c formed passed k inside). revert short. apply Forall_impl. intros x less.
      assert (nonneg : 0 <= O * largest (phase_ints c)) by (apply Z.mul_nonneg_nonneg; assumption).
      assert (fewer : Z.of_nat (length x) * (O * largest (phase_ints c)) <= Z.of_nat m * (O * largest (phase_ints c)))
        by (apply Z.mul_le_mono_nonneg_r; lia).
      assert (whole : 0 <= Z.of_nat m * (O * largest (phase_ints c))) by (apply Z.mul_nonneg_nonneg; lia). lia.
    - apply outputs_within; assumption.
    - apply kinks_within; assumption.
    - apply (phi_small c).
    - destruct (phases_sized F c s) as [_ all]. revert all. apply Forall_impl. intros x [_ rows]. exact rows.
    - unfold outputs, kinks. rewrite outputs_row by assumption. apply same_lengths.
  Qed.

  Local Lemma rest_spec : forall e s a b : nat,
    0 <= rest e s a b <= R /\ dotsZ (dev e s a b) (dev e s a b) <= rest e s a b * rest e s a b.
  Proof.
    intros e s a b. assert (pos := (p_pos F formed)). destruct (dev_spec e s a b 0 ltac:(lia)) as (len & all & _).
    exact (size_spec F c V (dev e s a b) V_nonneg all len (V_fits F c passed)).
  Qed.

  Local Lemma kinks_part : forall a b k : nat, (k < p)%nat -> Z.abs (dotsZ (nth k outputs []) (kinks a b)) <= N.
  Proof.
    intros a b k inside. assert (bound := dotsZ_bound O V (nth k outputs []) (kinks a b) O_nonneg V_nonneg).
    rewrite outputs_total in bound by exact inside. apply bound; [apply outputs_within; assumption|].
    apply (Forall_impl _ (fun x => within_mono K V x (K_le_V F c))). apply kinks_within; assumption.
  Qed.

  Local Lemma other_le : forall e s a b k : nat, (k < p)%nat ->
    dotsZ (nth k outputs []) (kinks a b) <= norm k * rest e s a b + dotsZ (phi e) (terms s k) /\
    Z.abs (dotsZ (phi e) (terms s k)) <= 2 * N.
  Proof.
    intros e s a b k inside. destruct (dev_spec e s a b k inside) as (len & all & split).
    destruct (norm_spec k inside) as [range_n top_n]. destruct (rest_spec e s a b) as [range_r top_r].
    assert (bound := cauchy_dots _ _ _ _ (proj1 range_n) (proj1 range_r) top_n top_r). split; [lia|].
    assert (whole := kinks_part a b k inside).
    assert (left := dotsZ_bound O V (nth k outputs []) (dev e s a b) O_nonneg V_nonneg).
    rewrite outputs_total in left by exact inside.
    specialize (left (outputs_within F c formed k inside) all). fold N in left. lia.
  Qed.

  Let token_at (rows direct : list (list int)) (a : nat) : of_token :=
    token_of (linear_row c outputs) (map (map (before_entry c rows a)) groups) (nth a direct []).
  Definition default_token : of_token := Of_token [] [] 0.

  Local Lemma tokens_nth : forall (rows direct : list (list int)) (a : nat), length rows = p -> length direct = p ->
    (a < p)%nat ->
    nth a (zip_with (token_of (linear_row c outputs)) (scaled_before F c rows) direct) default_token = token_at rows direct a.
  Proof.
    intros rows direct a len len' inside. assert (same : length (scaled_before F c rows) = p).
    { unfold scaled_before. cbv zeta. rewrite map_length. exact len. }
    rewrite (nth_zip_with _ _ _ _ _ _ _ [] []) by (rewrite ?same, ?len'; exact inside).
    unfold scaled_before. cbv zeta. rewrite (nth_map_any _ _ _ _ _ []) by (rewrite len; exact inside). reflexivity.
  Qed.

  Local Lemma token_spec : forall (rows direct : list (list int)) (a : nat),
    hom_scale c * largest rows <= K -> has_shape p p direct = true ->
      largest direct <= largest (P_rows F) + largest (Q_rows F) ->
    (a < p)%nat ->
    let x := token_at rows direct a in
    length (its_linear x) = p /\ Z.abs (signed (top_linear x)) <= A * largest direct + N /\
    forall k, (k < p)%nat -> at1 (its_linear x) k = linear_at F c rows direct a k /\
      at1 (its_linear x) k <= signed (top_linear x) /\ Z.abs (at1 (its_linear x) k) <= A * largest direct + N.
  Proof.
    intros rows direct a fits shape less inside x.
    assert (len : length (its_linear x) = p).
    { apply linear_length; [exact formed|]. apply (has_shape_row _ _ _ _ _ shape inside). }
    assert (more : Z.of_nat m * (O * K) <= N).
    { unfold N. apply Z.mul_le_mono_nonneg_l; [lia|]. apply Z.mul_le_mono_nonneg_l; [exact O_nonneg | exact (K_le_V F c)]. }
    assert (values : forall k, (k < p)%nat -> at1 (its_linear x) k = linear_at F c rows direct a k).
    { intros k inside_k. apply linear_exact; assumption. }
    assert (small : forall k, (k < p)%nat -> Z.abs (at1 (its_linear x) k) <= A * largest direct + N).
    { intros k inside_k. rewrite values by exact inside_k.
      assert (bound := linear_bound F c passed rows direct a k fits inside_k). fold m A O K in bound. lia. }
    split; [exact len|]. split.
    - apply row_top_within.
      + assert (pos := A_pos F c passed). assert (d := largest_nonneg direct). assert (o := O_nonneg). assert (v := V_nonneg).
        unfold N. apply Z.add_nonneg_nonneg; [apply Z.mul_nonneg_nonneg; [fold A in pos; lia | exact d]|].
        apply Z.mul_nonneg_nonneg; [lia|]. apply Z.mul_nonneg_nonneg; assumption.
      + apply Forall_forall. intros u inside_u. destruct (In_nth _ _ 0%uint63 inside_u) as (k & below & <-). apply small.
        change (length (its_linear x)) with (length (its_linear x)) in below. rewrite <- len. exact below.
    - intros k inside_k. split; [apply values, inside_k|]. split; [|apply small, inside_k].
      apply (row_top_bound (its_linear x)). rewrite len. exact inside_k.
  Qed.

  Local Lemma norms_length : length norms = p.
  Proof. unfold norms. rewrite map_length. apply outputs_length, formed. Qed.

  Local Lemma top_norm_spec : Z.abs (signed (row_top norms)) <= T /\
    forall k, (k < p)%nat -> norm k <= signed (row_top norms).
  Proof.
    split.
    - apply row_top_within; [apply Z.sqrt_up_nonneg|].
      apply Forall_forall. intros u inside. destruct (In_nth _ _ 0%uint63 inside) as (k & below & <-).
      rewrite norms_length in below.
      destruct (norm_spec k below) as [range _]. unfold norm, at1 in range. lia.
    - intros k inside. apply row_top_bound. rewrite norms_length. exact inside.
  Qed.

  Theorem pair_sound : forall a b : nat, (a < p)%nat -> (b < p)%nat ->
    pair_holds p (form_coefficient F) (kink63 c) size answers distances norms (row_top norms)
      a (token_at (L_rows F) (P_rows F) a) b (token_at (R_rows F) (Q_rows F) b) = true ->
    form_right F a b.
  Proof.
    intros a b inside_a inside_b holds. unfold pair_holds in holds. cbv zeta in holds.
    assert (inside_s : (form_answer F a b < p)%nat) by (apply answer_below, (p_pos F formed)).
    assert (inside_e := answer_below p (- form_coefficient F) a b (p_pos F formed)).
    change (answer p (form_coefficient F) a b) with (form_answer F a b) in holds.
    set (s := form_answer F a b) in *. set (e := answer p (- form_coefficient F) a b) in *.
    destruct (token_spec (L_rows F) (P_rows F) a (L_fits F c passed) (P_shape F formed)) as (len_x & top_x & spec_x);
      [assert (q := largest_nonneg (Q_rows F)); lia | exact inside_a |].
    destruct (token_spec (R_rows F) (Q_rows F) b (R_fits F c passed) (Q_shape F formed)) as (len_y & top_y & spec_y);
      [assert (q := largest_nonneg (P_rows F)); lia | exact inside_b |].
    set (x := token_at (L_rows F) (P_rows F) a) in *. set (y := token_at (R_rows F) (Q_rows F) b) in *.
    replace (zip_with (zip_with (fun u v => kink63 c (u + v)%uint63)) (its_before x) (its_before y)) with (kinks a b) in holds
      by (symmetry; apply kinks_zip).
    replace (own_outputs (nth s answers default_answer)) with (nth s outputs []) in holds
      by (rewrite answer_at by exact inside_s; reflexivity).
    replace (its_phases (nth s answers default_answer)) with (phases s) in holds
      by (rewrite answer_at by exact inside_s; reflexivity).
    rewrite own_terms_at in holds by exact inside_s.
    replace (its_factors (nth e distances default_distance)) with (phi e) in holds
      by (rewrite distance_at by exact inside_e; reflexivity).
    replace (its_level (nth e distances default_distance)) with (of_Z (level_at c e)) in holds
      by (rewrite distance_at by exact inside_e; reflexivity).
    fold (dev e s a b) in holds.
    assert (fits := margin_fits F c passed). unfold margin_top, margin_top_of in fits. fold m A O V N R T in fits.
    destruct top_norm_spec as [small_top top]. destruct (rest_spec e s a b) as [range_r _].
    assert (v := V_nonneg). assert (o := O_nonneg).
    assert (n_nonneg : 0 <= N) by (unfold N; apply Z.mul_nonneg_nonneg; [lia|]; apply Z.mul_nonneg_nonneg; assumption).
    assert (product : forall z, Z.abs z <= T -> Z.abs (rest e s a b * z) <= R * T).
    { intros z small. rewrite Z.abs_mul.
      apply Z.mul_le_mono_nonneg; [apply Z.abs_nonneg | lia | apply Z.abs_nonneg | exact small]. }
    assert (direct : A * (largest (P_rows F) + largest (Q_rows F)) = A * largest (P_rows F) + A * largest (Q_rows F)) by ring.
    assert (t_nonneg : 0 <= R * T) by (apply Z.mul_nonneg_nonneg; [apply size_of_nonneg | apply Z.sqrt_up_nonneg]).
    rewrite direct in fits.
    destruct (spec_x s inside_s) as (value_xs & _ & small_xs). destruct (spec_y s inside_s) as (value_ys & _ & small_ys).
    assert (kinks_s := kinks_part a b s inside_s). destruct (other_le e s a b s inside_s) as [_ terms_s].
    set (best := plus_dots _ (nth s outputs []) (kinks a b)) in holds.
    assert (best_value : congruent best (at1 (its_linear x) s + at1 (its_linear y) s + dotsZ (nth s outputs []) (kinks a b))).
    { apply plus_dots_congruent, congruent_add; apply signed_congruent. }
    set (other := plus_dots _ (phi e) (terms s s)) in holds.
    assert (other_value : congruent other (rest e s a b * signed (row_top norms) + signed (top_linear x)
      + signed (top_linear y) +
      dotsZ (phi e) (terms s s))).
    { apply plus_dots_congruent, congruent_add; [apply congruent_add; [apply congruent_mul|]|]; apply signed_congruent. }
    destruct (slt (best - other) (of_Z (level_at c e))) eqn:spare; [discriminate holds|].
    rewrite slt_spec in spare. apply Z.ltb_ge in spare. assert (level := level_small F c passed e inside_e).
    assert (product_top := product _ small_top).
    rewrite (congruent_signed _ _ (congruent_of_Z (level_at c e))) in spare by (clear - level; lia).
    rewrite (congruent_signed _ _ (congruent_sub _ _ _ _ best_value other_value)) in spare
      by (clear - fits small_xs small_ys kinks_s product_top top_x top_y terms_s n_nonneg t_nonneg; lia).
    intros k inside_k other_k.
    assert (all := others_hold_spec _ _ _ p _ _ _ _ _ ltac:(rewrite rotate_length;
      apply (passed_length F c formed passed e inside_e))
      (its_terms_length F c formed passed s inside_s) len_x len_y norms_length holds k inside_k). clear holds.
    rewrite its_terms_at in all by assumption.
    destruct (spec_x k inside_k) as (value_xk & less_x & small_xk).
    destruct (spec_y k inside_k) as (value_yk & less_y & small_yk).
    destruct (norm_spec k inside_k) as [range_n _]. destruct (other_le e s a b k inside_k) as [bound terms_k].
    pose (shared := sumZ m (fun j => hiddenZ F a b j * centre_at c j)).
    assert (parts : forall i, (i < p)%nat -> linear_at F c (L_rows F) (P_rows F) a i + linear_at F c (R_rows F) (Q_rows F) b i +
      dotsZ (nth i outputs []) (kinks a b) = A * valueZ F a b i - A * shared).
    { intros i inside_i. rewrite <- Z.mul_sub_distr_l. exact (parts_exact F c formed passed a b i inside_i). }
    assert (parts_s := parts s inside_s). assert (parts_k := parts k inside_k).
    rewrite <- value_xs, <- value_ys in parts_s. rewrite <- value_xk, <- value_yk in parts_k.
    assert (pos : 1 <= A) by exact (A_pos F c passed). apply (Z.mul_lt_mono_pos_l A); [lia|]. fold s.
    enough (lower : at1 (its_linear x) k + at1 (its_linear y) k + dotsZ (nth k outputs []) (kinks a b) <
      at1 (its_linear x) s + at1 (its_linear y) s + dotsZ (nth s outputs []) (kinks a b))
      by (clear - lower parts_s parts_k; lia).
    destruct all as [flag|direct_test].
    - assert (lacks : 0 < level_at c e + dotsZ (phi e) (terms s s) - dotsZ (phi e) (terms s k))
        by exact (settled F c formed passed e s k inside_e inside_s inside_k other_k flag).
      assert (factor : norm k * rest e s a b <= rest e s a b * signed (row_top norms)).
      { rewrite Z.mul_comm. apply Z.mul_le_mono_nonneg_l; [lia | apply top, inside_k]. }
      clear - spare lacks bound factor less_x less_y. lia.
    - rewrite nonnegative_spec in direct_test. apply Z.leb_le in direct_test.
      assert (product_k : Z.abs (rest e s a b * norm k) <= R * T) by (apply product; clear - range_n; lia).
      rewrite (congruent_signed _ (at1 (its_linear x) s + at1 (its_linear y) s + dotsZ (nth s outputs []) (kinks a b) - 1 -
        (rest e s a b * norm k + at1 (its_linear x) k + at1 (its_linear y) k + dotsZ (phi e) (terms s k)))) in direct_test.
      + clear - direct_test bound. lia.
      + apply congruent_sub; [apply congruent_sub; [exact best_value | exact (congruent_to_Z 1)]|].
        apply plus_dots_congruent, congruent_add; [apply congruent_add; [apply congruent_mul|]|]; apply signed_congruent.
      + clear - small_xs small_ys kinks_s product_k small_xk small_yk terms_k fits n_nonneg t_nonneg. lia.
  Qed.

  Theorem hom_count_le : hom_count F c <= right_pairs F.
  Proof.
    assert (len_L := has_shape_length _ _ _ _ (L_shape F formed)).
    assert (len_R := has_shape_length _ _ _ _ (R_shape F formed)).
    assert (len_P := has_shape_length _ _ _ _ (P_shape F formed)).
    assert (len_Q := has_shape_length _ _ _ _ (Q_shape F formed)).
    unfold hom_count. cbv zeta. apply (count_pairs_le _ _ _ _ _ _ default_token default_token).
    - unfold scaled_before. cbv zeta. rewrite zip_with_length, map_length, len_L, len_P. apply Nat.min_id.
    - unfold scaled_before. cbv zeta. rewrite zip_with_length, map_length, len_R, len_Q. apply Nat.min_id.
    - intros a b inside_a inside_b. rewrite !tokens_nth by assumption. apply pair_sound; assumption.
  Qed.
End Sound.

(** At least [claimed] pairs are answered right. *)
Theorem homogeneity_on_sound : forall (claimed : Z) (F : form) (c : homogeneity_certificate),
  homogeneity_on claimed F c = Accepted ->
  claimed <= right_pairs F.
Proof. intros claimed F c. apply certified_sound. intros formed passed. apply hom_count_le; assumption. Qed.
