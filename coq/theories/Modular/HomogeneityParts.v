(* CompactProofs: Modular: HomogeneityParts *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia Permutation.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome.
From CompactProofs Require Import Modular.Form Modular.FormSound Modular.Homogeneity Modular.HomogeneityFacts.
Import ListNotations.
(** * An output is a linear part and a sum of kinks, computed exactly
    - [size_spec]     == the length of residuals, with bits dropped, is not below the true one
    - [centred_exact] == the outputs less the centre
    - [gathered]      == a sum by groups is one over all neurons
    - [kink_exact]    == relu(D x) or |D x|, by the activation of the specification
    - [linear_exact]  == the linear part
    - [parts_exact]   == both together are the output, times a factor and less what is the same for every class *)
Local Open Scope Z_scope.

Lemma incl_firstn : forall (A : Type) (n : nat) (l : list A), incl (firstn n l) l.
Proof. intros A n l x inside. rewrite <- (firstn_skipn n l). apply in_or_app. left. exact inside. Qed.

Lemma incl_skipn : forall (A : Type) (n : nat) (l : list A), incl (skipn n l) l.
Proof. intros A n l x inside. rewrite <- (firstn_skipn n l). apply in_or_app. right. exact inside. Qed.

Lemma chunks_sized : forall (A : Type) (Q : A -> Prop) (columns rows : nat) (l : list A), Forall Q l ->
  sized rows (fun x => Forall Q x /\ (length x <= columns)%nat) (chunks rows columns l).
Proof.
  intros A Q columns. induction rows as [|rows IH]; intros l all; cbn [chunks]; [split; [reflexivity | constructor]|].
  destruct (IH (skipn columns l)) as [len rest]; [apply (incl_Forall (incl_skipn A columns l) all)|].
  split; [cbn [length]; lia|]. constructor; [|exact rest].
  split; [apply (incl_Forall (incl_firstn A columns l) all) | apply firstn_le_length].
Qed.

Lemma by_group_sized : forall (A : Type) (Q : A -> Prop) (rank : nat) (sizes : list nat) (l : list A), Forall Q l ->
  sized (length sizes) (sized rank (Forall Q)) (by_group rank sizes l).
Proof.
  intros A Q rank. induction sizes as [|n sizes IH]; intros l all; cbn [by_group]; [split; [reflexivity | constructor]|].
  destruct (IH (skipn (rank * n) l)) as [len rest]; [apply (incl_Forall (incl_skipn _ _ l) all)|].
  split; [cbn [length]; lia|]. constructor; [|exact rest]. destruct (chunks_sized A Q n rank l all) as [len' rows].
  split; [exact len'|]. revert rows. apply Forall_impl. tauto.
Qed.

Lemma row_within : forall (A : list (list int)) (i : nat), within (largest A) (nth i A []).
Proof.
  intros A i. unfold within. rewrite Forall_forall. intros x inside. destruct (In_nth _ _ 0%uint63 inside) as (j & below & <-).
  exact (max_abs_bound A i j).
Qed.

Lemma nth_seq_any : forall (n k : nat), (k < n)%nat -> nth k (seq 0 n) O = k.
Proof. intros n k below. rewrite seq_nth by exact below. reflexivity. Qed.

(** ** Lengths of residuals *)

(** Squares of [u] times one number and another. *)
Lemma dotsZ_split : forall (u : Z) (f g : int -> int) (x : list (list int)),
  Forall (Forall (fun i => signed i = u * signed (f i) + signed (g i))) x ->
  dotsZ x x = u * u * dotsZ (map (map f) x) (map (map f) x) + 2 * u * dotsZ (map (map f) x) (map (map g) x) +
    dotsZ (map (map g) x) (map (map g) x).
Proof.
  intros u f g. assert (row : forall x, Forall (fun i => signed i = u * signed (f i) + signed (g i)) x ->
    dotZ x x = u * u * dotZ (map f x) (map f x) + 2 * u * dotZ (map f x) (map g x) + dotZ (map g x) (map g x)).
  { induction x as [|i x IH]; intro all; cbn [map dotZ]; [ring|]. rewrite (IH (Forall_inv_tail all)).
    assert (here := Forall_inv all). cbv beta in here. rewrite here. ring. }
  induction x as [|i x IH]; intro all; cbn [map dotsZ]; [ring|].
  rewrite (IH (Forall_inv_tail all)), (row i (Forall_inv all)). ring.
Qed.

Lemma within_map : forall (B : Z) (f : int -> int) (x : list (list int)),
  Forall (Forall (fun i => Z.abs (signed (f i)) <= B)) x -> Forall (within B) (map (map f) x).
Proof. intros B f x all. apply Forall_map. revert all. apply Forall_impl. intros row small. apply Forall_map.
  exact small. Qed.

(** The length of [m] residuals is at most what the checker takes for it. *)
Theorem size_spec : forall (F : form) (c : homogeneity_certificate) (V : Z) (x : list (list int)),
  0 <= V -> Forall (within V) x -> length (concat x) = form_width F -> squares_fit F c V = true ->
  let size := signed (size63 (hom_dropped_of c) (hom_slack F c) x) in
  0 <= size <= size_of F c V /\ dotsZ x x <= size * size.
Proof.
  intros F c V x V_nonneg in_V len fits. unfold squares_fit in fits. cbv zeta in fits.
  apply andb_prop in fits. destruct fits as [fits size_fits]. apply andb_prop in fits. destruct fits as [V_fits fits].
  apply Z.leb_le in size_fits, V_fits, fits. set (m := Z.of_nat (form_width F)) in *.
  assert (m_nonneg : 0 <= m) by (unfold m; lia).
  assert (t_range : 0 <= hom_dropped_of c <= 60) by (unfold hom_dropped_of; lia).
  unfold size_of, norm_of in *. fold m in size_fits |- *. unfold coarse_of, hom_slack, size63 in *.
  set (t := hom_dropped_of c) in *. destruct (Z.eqb_spec t 0) as [zero|nonzero].
  - rewrite zero, Z.pow_0_r, Z.mul_1_l, Z.add_0_r. unfold m. rewrite <- len.
    apply root_spec; [exact V_nonneg | exact in_V |]. rewrite len. fold m. nia.
  - cbv zeta. fold m in size_fits |- *. set (u := 2 ^ t) in *. assert (u_pos : 0 < u) by (apply Z.pow_pos_nonneg; lia).
    assert (u_top : u <= 2 ^ 60) by (apply Z.pow_le_mono_r; lia).
    assert (bits : to_Z (of_Z t) = t).
    { apply to_Z_of_congruent; [apply congruent_of_Z | lia]. }
    change (fun i => (((i + quarter) >> of_Z t) - (quarter >> of_Z t))%uint63) with (shift_down (of_Z t)).
    set (f := shift_down (of_Z t)). set (g := fun i => of_Z (signed i mod u)).
    assert (f_value : forall i, Z.abs (signed i) <= V -> signed (f i) = signed i / u).
    { intros i small. unfold f. rewrite signed_shift_down; rewrite ?bits; [reflexivity | lia | lia]. }
    assert (g_value : forall i, signed (g i) = signed i mod u).
    { intros i. assert (range := Z.mod_pos_bound (signed i) u u_pos). apply congruent_signed; [apply congruent_of_Z | lia]. }
    set (q := V / u + 1) in *. assert (q_nonneg : 0 <= q).
    { assert (nonneg := Z.div_pos V u V_nonneg u_pos). unfold q. lia. }
    assert (in_q : Forall (within q) (map (map f) x)).
    { apply within_map. revert in_V. apply Forall_impl. intros row. apply Forall_impl. intros i small.
      rewrite f_value by exact small. assert (up := Z.div_le_mono (signed i) V u u_pos ltac:(lia)).
      assert (least : - q <= signed i / u).
      { apply Z.div_le_lower_bound; [exact u_pos|]. assert (spec := Z.mul_succ_div_gt V u u_pos). unfold q. lia. }
      unfold q in *. lia. }
    assert (in_u : Forall (within u) (map (map g) x)).
    { apply within_map. revert in_V. apply Forall_impl. intros row. apply Forall_impl. intros i _. rewrite g_value.
      assert (range := Z.mod_pos_bound (signed i) u u_pos). lia. }
    assert (split : Forall (Forall (fun i => signed i = u * signed (f i) + signed (g i))) x).
    { revert in_V. apply Forall_impl. intros row. apply Forall_impl. intros i small.
      rewrite f_value, g_value by exact small. apply Z.div_mod. lia. }
    assert (root := root_spec q (map (map f) x) q_nonneg in_q). rewrite length_concat_map, len in root. fold m in root.
    specialize (root ltac:(nia)). destruct root as [range top].
    set (r := signed (root_of_squares (map (map f) x))) in *.
    assert (s_nonneg := Z.sqrt_up_nonneg m). assert (s_top := le_root m m_nonneg). set (s := Z.sqrt_up m) in *.
    assert (rest := dotsZ_bound u u (map (map g) x) (map (map g) x) ltac:(lia) ltac:(lia) in_u in_u).
    rewrite length_concat_map, len in rest. fold m in rest.
    assert (rest_top : dotsZ (map (map g) x) (map (map g) x) <= u * s * (u * s)) by nia.
    assert (cross := cauchy_dots r (u * s) _ _ ltac:(lia) ltac:(nia) top rest_top).
    assert (value : signed (of_Z u * (root_of_squares (map (map f) x) + of_Z s))%uint63 = u * (r + s)).
    { apply congruent_signed.
      - apply congruent_mul; [apply congruent_of_Z|]. apply congruent_add; [apply signed_congruent | apply congruent_of_Z].
      - assert (u * (r + s) <= u * (Z.sqrt_up (m * (q * q)) + s)) by (apply Z.mul_le_mono_nonneg_l; lia).
        assert (0 <= u * (r + s)) by (apply Z.mul_nonneg_nonneg; lia). lia. }
    rewrite value. split; [split; [apply Z.mul_nonneg_nonneg; lia | apply Z.mul_le_mono_nonneg_l; lia]|].
    rewrite (dotsZ_split u f g x split).
    replace (u * (r + s) * (u * (r + s))) with (u * u * (r * r) + 2 * u * (r * (u * s)) + u * s * (u * s)) by ring.
    apply Z.add_le_mono; [apply Z.add_le_mono|exact rest_top]; apply Z.mul_le_mono_nonneg_l; lia || assumption || nia.
Qed.

Lemma size_of_nonneg : forall (F : form) (c : homogeneity_certificate) (V : Z), 0 <= size_of F c V.
Proof.
  intros F c V. unfold size_of. apply Z.mul_nonneg_nonneg; [apply Z.pow_nonneg; lia|].
  apply Z.add_nonneg_nonneg; [apply Z.sqrt_up_nonneg|]. unfold hom_slack. destruct (hom_dropped_of c =? 0); [lia|].
  apply Z.sqrt_up_nonneg.
Qed.

Section Parts.
  Context (F : form) (c : homogeneity_certificate) (formed : well_formed F) (passed : first_failure (hom_tests F c) = None).
  Let p := form_order F.
  Let m := form_width F.
  Let D := hom_scale c.
  Let A := hom_factor c.
  Let K := kink_top F c.
  Let V := dev_top F c.
  Let G := term_top F c.
  Let O := largest (hom_centred F c).
  Let groups := hom_groups_of F c.
  Let outputs := outputs_by_group F c.
  Let answers := hom_answers F c outputs.

  Lemma tested : forall (test : bool) (why : refusal), In (test, why) (hom_tests F c) -> test = true.
  Proof. exact (first_failure_none _ passed). Qed.

  Lemma is_relu : form_activation F = Relu.
  Proof.
    assert (test : (match form_activation F with Relu => true | Square => false end) = true)
      by (eapply tested; left; reflexivity).
    destruct (form_activation F); [reflexivity | discriminate test].
  Qed.

  Lemma D_pos : 1 <= D.
  Proof. apply Z.leb_le. eapply tested. do 1 right. left. reflexivity. Qed.

  Lemma covering : Permutation (seq 0 m) (concat groups).
  Proof.
    assert (test : covers F c = true) by (eapply tested; do 2 right; left; reflexivity).
    unfold covers in test. apply andb_prop in test. destruct test as [len all]. apply Nat.eqb_eq in len.
    rewrite forallb_forall in all. unfold groups, hom_groups_of. rewrite <- concat_map.
    apply NoDup_Permutation_bis; [apply seq_NoDup | rewrite map_length, len, seq_length; apply le_n |].
    intros j inside. specialize (all j inside). apply existsb_exists in all. destruct all as (z & in_order & same).
    apply Z.eqb_eq in same. subst z. apply in_map_iff. exists (Z.of_nat j). apply in_seq in inside.
    split; [lia | exact in_order].
  Qed.

  Lemma covered : length (concat groups) = m.
  Proof. rewrite <- (Permutation_length covering). apply seq_length. Qed.

  Lemma gathered : forall f g : nat -> int,
    dotsZ (map (map f) groups) (map (map g) groups) = sumZ m (fun j => signed (f j) * signed (g j)).
  Proof. intros f g. rewrite dots_gather, <- (total_permutation _ _ _ covering), total_seq. reflexivity. Qed.

  Lemma K_fits : K <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 8 right. left. reflexivity. Qed.

  Lemma V_fits : squares_fit F c V = true.
  Proof. eapply tested. do 9 right. left. reflexivity. Qed.

  Lemma V_small : V <= 2 ^ 60.
  Proof.
    assert (fits := V_fits). unfold squares_fit in fits. cbv zeta in fits. rewrite !andb_true_iff, !Z.leb_le in fits.
    apply fits.
  Qed.

  Lemma O_fits : Z.of_nat m * (O * O) <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 10 right. left. reflexivity. Qed.

  Lemma G_fits : 2 * G <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 11 right. left. reflexivity. Qed.

  Lemma corner_fits : corner_top F c <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 12 right. left. reflexivity. Qed.

  Lemma margin_fits : margin_top F c <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 13 right. left. reflexivity. Qed.

  Lemma largest_nonneg : forall T : list (list int), 0 <= largest T.
  Proof. intro T. apply to_Z_range. Qed.

  Lemma K_nonneg : 0 <= K.
  Proof.
    assert (D_pos' := D_pos). assert (l := largest_nonneg (L_rows F)). assert (r := largest_nonneg (R_rows F)).
    unfold K, kink_top, before_top. fold D. nia.
  Qed.

  Lemma K_le_V : K <= V.
  Proof.
    unfold V, dev_top. fold K. assert (l := largest_nonneg (distance_ints c)). assert (r := largest_nonneg (phase_ints c)). nia.
  Qed.

  Lemma A_pos : 1 <= A.
  Proof. assert (pos := D_pos). unfold A, hom_factor. fold D. destruct (absolute_kink c); lia. Qed.

  Lemma D_times : forall x b : Z, Z.abs x <= b -> Z.abs (D * x) <= D * b.
  Proof. intros x b small. assert (pos := D_pos). rewrite Z.abs_mul, (Z.abs_eq D) by lia. apply Z.mul_le_mono_nonneg_l; lia.
    Qed.

  (** ** Centred outputs *)

  Definition centre_at (j : nat) : Z := nth j (hom_centre c) 0.

  Lemma centred_exact : forall k j : nat, (k < p)%nat -> (j < m)%nat ->
    at2 (hom_centred F c) k j = at2 (U_rows F) k j - centre_at j.
  Proof.
    intros k j inside_k inside_j.
    assert (shape := U_shape F formed). assert (len := has_shape_length _ _ _ _ shape).
    assert (test : ((length (hom_centre c) =? m)%nat && rows_fit 1 [hom_centre c])%bool = true)
      by (eapply tested; do 3 right; left; reflexivity).
    apply andb_prop in test. destruct test as [len_c fit]. apply Nat.eqb_eq in len_c.
    assert (fits : largest (U_rows F) + largest [map of_Z (hom_centre c)] <= 2 ^ 60)
      by (apply Z.leb_le; eapply tested; do 7 right; left; reflexivity).
    assert (bound_u := max_abs_bound (U_rows F) k j). assert (bound_c := max_abs_bound [map of_Z (hom_centre c)] 0 j).
    change (to_Z (max_abs (U_rows F))) with (largest (U_rows F)) in bound_u.
    change (to_Z (max_abs [map of_Z (hom_centre c)])) with (largest [map of_Z (hom_centre c)]) in bound_c.
    assert (value : at2 [map of_Z (hom_centre c)] 0 j = centre_at j).
    { unfold at2, at1. cbn [nth]. rewrite (nth_map_any _ _ _ _ _ 0) by lia. fold (centre_at j).
      apply signed_of_congruent; [apply congruent_of_Z|].
      unfold rows_fit in fit. cbn [forallb] in fit. rewrite andb_true_r, forallb_forall in fit.
      assert (inside : (j < length (hom_centre c))%nat) by lia.
      assert (small := fit (centre_at j) (nth_In (hom_centre c) 0 inside)). apply Z.leb_le in small. lia. }
    unfold at2 at 1, hom_centred. cbv zeta. rewrite (nth_map_any _ _ _ _ _ []) by (rewrite len; exact inside_k).
    unfold at1. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63).
    - rewrite <- value. unfold at2, at1 in *. cbn [nth] in *. rewrite signed_sub; [reflexivity | lia].
    - rewrite (has_shape_row _ _ _ _ _ shape inside_k). exact inside_j.
    - rewrite map_length, len_c. exact inside_j.
  Qed.

  Lemma centred_length : length (hom_centred F c) = p.
  Proof. unfold hom_centred. cbv zeta. rewrite map_length. apply (has_shape_length _ _ _ _ (U_shape F formed)). Qed.

  Lemma outputs_length : length outputs = p.
  Proof. unfold outputs, outputs_by_group. rewrite map_length. apply centred_length. Qed.

  Definition output_entry (k j : nat) : int := nth j (nth k (hom_centred F c) []) 0%uint63.

  Lemma outputs_row : forall k : nat, (k < p)%nat -> nth k outputs [] = map (map (output_entry k)) groups.
  Proof. intros k inside. unfold outputs, outputs_by_group.
    rewrite (nth_map_any _ _ _ _ _ []) by (rewrite centred_length; exact inside). reflexivity. Qed.

  Lemma outputs_within : forall k : nat, (k < p)%nat -> Forall (within O) (nth k outputs []).
  Proof.
    intros k inside. rewrite outputs_row by exact inside. apply Forall_forall. intros x in_rows. apply in_map_iff in in_rows.
    destruct in_rows as (group & <- & _). apply Forall_forall. intros u in_row. apply in_map_iff in in_row.
    destruct in_row as (j & <- & _). exact (max_abs_bound (hom_centred F c) k j).
  Qed.

  (** ** Before the kinks, and kinks *)

  Definition before_entry (rows : list (list int)) (a j : nat) : int :=
    nth j (map (fun x => of_Z D * x)%uint63 (nth a rows [])) 0%uint63.

  Lemma before_exact : forall (rows : list (list int)) (a j : nat), D * largest rows <= K ->
    signed (before_entry rows a j) = D * at2 rows a j.
  Proof.
    intros rows a j fits. assert (fits_K := K_fits). assert (bound := max_abs_bound rows a j).
    change (to_Z (max_abs rows)) with (largest rows) in bound. assert (pos := D_pos).
    unfold before_entry. destruct (Nat.lt_ge_cases j (length (nth a rows []))) as [inside|outside].
    - rewrite (nth_map_any _ _ _ _ _ 0%uint63) by exact inside. apply congruent_signed.
      + apply congruent_mul; [apply congruent_of_Z | apply signed_congruent].
      + assert (scaled := D_times _ _ bound). unfold at2, at1 in scaled |- *. lia.
    - unfold at2, at1. rewrite !nth_overflow by (rewrite ?map_length; exact outside). rewrite signed_zero. symmetry.
      apply Z.mul_0_r.
  Qed.

  Lemma L_fits : D * largest (L_rows F) <= K.
  Proof. assert (pos := D_pos). assert (r := largest_nonneg (R_rows F)). unfold K, kink_top, before_top. fold D. nia. Qed.

  Lemma R_fits : D * largest (R_rows F) <= K.
  Proof. assert (pos := D_pos). assert (r := largest_nonneg (L_rows F)). unfold K, kink_top, before_top. fold D. nia. Qed.

  Lemma before_small : forall (rows : list (list int)) (a j : nat), D * largest rows <= K ->
    Z.abs (signed (before_entry rows a j)) <= K.
  Proof.
    intros rows a j fits. rewrite before_exact by exact fits. assert (pos := D_pos). assert (bound := max_abs_bound rows a j).
    change (to_Z (max_abs rows)) with (largest rows) in bound. assert (scaled := D_times _ _ bound). lia.
  Qed.

  Definition kink_entry (a b j : nat) : int := kink63 c (before_entry (L_rows F) a j + before_entry (R_rows F) b j)%uint63.

  Lemma kink_exact : forall a b j : nat,
    signed (kink_entry a b j) = A * hiddenZ F a b j -
      (if absolute_kink c then D * at2 (L_rows F) a j + D * at2 (R_rows F) b j else 0) /\
    Z.abs (signed (kink_entry a b j)) <= K.
  Proof.
    intros a b j. assert (fits := K_fits). assert (pos := D_pos).
    assert (bound := before_bound F a b j).
    assert (sum : signed (before_entry (L_rows F) a j + before_entry (R_rows F) b j)%uint63 =
      D * (at2 (L_rows F) a j + at2 (R_rows F) b j)).
    { assert (scaled : Z.abs (D * (at2 (L_rows F) a j + at2 (R_rows F) b j)) <= K).
      { exact (D_times _ _ bound). }
      rewrite signed_add; rewrite (before_exact (L_rows F) a j L_fits), (before_exact (R_rows F) b j R_fits); lia. }
    assert (scaled : Z.abs (D * (at2 (L_rows F) a j + at2 (R_rows F) b j)) <= K).
    { exact (D_times _ _ bound). }
    unfold kink_entry, kink63, A, hom_factor, hiddenZ. rewrite is_relu. cbn [activateZ]. fold D.
    set (x := at2 (L_rows F) a j + at2 (R_rows F) b j) in *. set (i := (before_entry _ a j + _)%uint63) in *.
    destruct (absolute_kink c).
    - assert (value := to_Z_absolute i). rewrite sum in value. rewrite signed_small by lia. rewrite value.
      split; [|lia]. unfold x in *. destruct (Z.max_spec 0 x) as [[sign max]|[sign max]]; unfold x in *; rewrite max; nia.
    - cbn [activate63]. change (ltb i half) with (nonnegative i). rewrite nonnegative_spec, sum.
      destruct (Z.leb_spec 0 (D * x)) as [up|down].
      + rewrite sum. split; [|lia]. rewrite Z.max_r by nia. lia.
      + rewrite signed_zero. split; [|lia]. rewrite Z.max_l by nia. lia.
  Qed.

  (** ** Tokens *)

  Let kinks (a b : nat) : list (list int) := map (map (kink_entry a b)) groups.
  Let before (rows : list (list int)) (a : nat) : list (list int) := map (map (before_entry rows a)) groups.

  Lemma kinks_zip : forall a b : nat,
    zip_with (zip_with (fun u v => kink63 c (u + v)%uint63)) (before (L_rows F) a) (before (R_rows F) b) = kinks a b.
  Proof.
    intros a b. unfold before, kinks. rewrite zip_with_map. apply map_ext. intro group. rewrite zip_with_map. reflexivity.
  Qed.

  Lemma kinks_within : forall a b : nat, Forall (within K) (kinks a b).
  Proof.
    intros a b. apply Forall_forall. intros x inside. unfold kinks in inside. apply in_map_iff in inside.
    destruct inside as (group & <- & _). apply Forall_forall. intros u inside. apply in_map_iff in inside.
    destruct inside as (j & <- & _). apply kink_exact.
  Qed.

  Lemma mU_nonneg : 0 <= Z.of_nat m * (O * K).
  Proof. assert (k := K_nonneg). assert (o : 0 <= O) by apply largest_nonneg.
    apply Z.mul_nonneg_nonneg; [|apply Z.mul_nonneg_nonneg]; lia. Qed.

  (** The half of the neurons without kink, and the direct path. *)
  Definition linear_at (rows direct : list (list int)) (a k : nat) : Z :=
    A * at2 direct a k + (if absolute_kink c then sumZ m (fun j => D * at2 rows a j * at2 (hom_centred F c) k j) else 0).

  Lemma margin_split : forall direct : list (list int), largest direct <= largest (P_rows F) + largest (Q_rows F) ->
    A * largest direct + Z.of_nat m * (O * K) <= 2 ^ 60.
  Proof.
    intros direct less. assert (fits := margin_fits). unfold margin_top, margin_top_of in fits. fold A O V m in fits.
    assert (k := K_nonneg). assert (more := K_le_V). assert (o : 0 <= O) by apply largest_nonneg. assert (pos := A_pos).
    assert (one : Z.of_nat m * (O * K) <= Z.of_nat m * (O * V))
      by (apply Z.mul_le_mono_nonneg_l; [lia|]; apply Z.mul_le_mono_nonneg_l; [exact o | exact more]).
    assert (nonneg : 0 <= Z.of_nat m * (O * V)) by (apply Z.mul_nonneg_nonneg; [|apply Z.mul_nonneg_nonneg]; lia).
    assert (two : A * largest direct <= A * (largest (P_rows F) + largest (Q_rows F))) by (apply Z.mul_le_mono_nonneg_l; lia).
    assert (three : 0 <= A * (largest (P_rows F) + largest (Q_rows F))).
    { assert (x := largest_nonneg (P_rows F)). assert (y := largest_nonneg (Q_rows F)). apply Z.mul_nonneg_nonneg; lia. }
    assert (four : 0 <= size_of F c V * norm_of F O)
      by (apply Z.mul_nonneg_nonneg; [apply size_of_nonneg | apply Z.sqrt_up_nonneg]).
    lia.
  Qed.

  Lemma linear_bound : forall (rows direct : list (list int)) (a k : nat), D * largest rows <= K -> (k < p)%nat ->
    Z.abs (linear_at rows direct a k) <= A * largest direct + Z.of_nat m * (O * K).
  Proof.
    intros rows direct a k fits inside. unfold linear_at. assert (pos := A_pos). assert (bound := max_abs_bound direct a k).
    change (to_Z (max_abs direct)) with (largest direct) in bound.
    assert (first : Z.abs (A * at2 direct a k) <= A * largest direct) by (rewrite Z.abs_mul; nia).
    assert (nonneg := mU_nonneg).
    destruct (absolute_kink c); [|lia].
    assert (second := sumZ_bound m (fun j => D * at2 rows a j * at2 (hom_centred F c) k j) (O * K)). cbv beta in second.
    assert (bounds : Z.abs (sumZ m (fun j => D * at2 rows a j * at2 (hom_centred F c) k j)) <= Z.of_nat m * (O * K)); [|lia].
    apply second. intros j _. rewrite Z.abs_mul, Z.mul_comm. assert (small := before_small rows a j fits).
    rewrite before_exact in small by exact fits. assert (small' := max_abs_bound (hom_centred F c) k j).
    apply Z.mul_le_mono_nonneg; [apply Z.abs_nonneg | exact small' | apply Z.abs_nonneg | exact small].
  Qed.

  Lemma linear_exact : forall (rows direct : list (list int)) (a k : nat),
    D * largest rows <= K -> has_shape p p direct = true -> (a < p)%nat -> (k < p)%nat ->
    largest direct <= largest (P_rows F) + largest (Q_rows F) ->
    at1 (linear_row c outputs (before rows a) (nth a direct [])) k = linear_at rows direct a k.
  Proof.
    intros rows direct a k fits shape inside_a inside_k less. assert (bound := linear_bound rows direct a k fits inside_k).
    assert (total := margin_split direct less). assert (len := has_shape_row _ _ _ _ _ shape inside_a).
    assert (factor : congruent (of_Z (hom_factor c) * nth k (nth a direct []) 0)%uint63 (A * at2 direct a k)).
    { apply congruent_mul; [apply congruent_of_Z | apply signed_congruent]. }
    unfold at1. apply congruent_signed; [|lia]. unfold linear_row. cbv zeta. unfold linear_at in *. destruct (absolute_kink c).
    - rewrite (nth_zip_with _ _ _ _ _ _ _ [] 0%uint63) by (rewrite ?outputs_length, ?len; exact inside_k).
      rewrite outputs_row by exact inside_k.
      assert (value := plus_dots_congruent (before rows a) (map (map (output_entry k)) groups) _ _ factor).
      unfold before in value at 2. rewrite gathered in value.
      rewrite (sumZ_ext _ _ (fun j => D * at2 rows a j * at2 (hom_centred F c) k j)) in value; [exact value|].
      intros j _. rewrite before_exact by exact fits. reflexivity.
    - rewrite (nth_map_any _ _ _ _ _ 0%uint63) by (rewrite len; exact inside_k). rewrite Z.add_0_r. exact factor.
  Qed.

  Lemma linear_length : forall (x : list (list int)) (direct : list int),
    length direct = p -> length (linear_row c outputs x direct) = p.
  Proof.
    intros x direct len. unfold linear_row. cbv zeta. destruct (absolute_kink c); [|rewrite map_length; exact len].
    rewrite zip_with_length, outputs_length, len. apply Nat.min_id.
  Qed.

  (** Linear part and kinks together. *)
  Lemma parts_exact : forall a b k : nat, (k < p)%nat ->
    linear_at (L_rows F) (P_rows F) a k + linear_at (R_rows F) (Q_rows F) b k + dotsZ (nth k outputs []) (kinks a b) =
    A * (valueZ F a b k - sumZ m (fun j => hiddenZ F a b j * centre_at j)).
  Proof.
    intros a b k inside. rewrite outputs_row by exact inside. unfold kinks. rewrite gathered.
    assert (same : sumZ m (fun j => signed (output_entry k j) * signed (kink_entry a b j)) +
      (if absolute_kink c then sumZ m (fun j => D * at2 (L_rows F) a j * at2 (hom_centred F c) k j) +
         sumZ m (fun j => D * at2 (R_rows F) b j * at2 (hom_centred F c) k j) else 0) =
      A * (sumZ m (fun j => hiddenZ F a b j * at2 (U_rows F) k j) + -1 * sumZ m (fun j => hiddenZ F a b j * centre_at j))).
    { replace (A * (sumZ m (fun j => hiddenZ F a b j * at2 (U_rows F) k j)
        + -1 * sumZ m (fun j => hiddenZ F a b j * centre_at j)))
        with (sumZ m (fun j => A * (hiddenZ F a b j * at2 (U_rows F) k j + -1 * (hiddenZ F a b j * centre_at j))))
        by (rewrite sumZ_mult_l, sumZ_plus, sumZ_mult_l; reflexivity).
      destruct (absolute_kink c) eqn:kind.
      - rewrite <- !sumZ_plus. apply sumZ_ext. intros j below.
        destruct (kink_exact a b j) as [value _]. rewrite kind in value. rewrite value.
        change (signed (output_entry k j)) with (at2 (hom_centred F c) k j). rewrite centred_exact by assumption. ring.
      - rewrite Z.add_0_r. apply sumZ_ext. intros j below.
        destruct (kink_exact a b j) as [value _]. rewrite kind in value. rewrite value.
        change (signed (output_entry k j)) with (at2 (hom_centred F c) k j). rewrite centred_exact by assumption. ring. }
    unfold linear_at, valueZ. fold m. destruct (absolute_kink c); lia.
  Qed.
End Parts.
