(* CompactProofs: Base: ExpBounds *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Lia Lra.
From CompactProofs Require Import Base.ExpTable Base.Signed63.
Import ListNotations.
(** * Machine-integer enclosures of the exponential
    All values are in units of 2^-30: [exp_lower k] and [exp_upper k] enclose 2^30 exp (- k / 2^30).
    One multiplication by a table entry for each set bit of k, rounded outward.
    - [exp_upper k] == upper bound; 36 bits of k are used, above them the bound of the largest 36-bit number
    - [exp_lower k] == lower bound; 0 when k needs more than 36 bits
    Main results: [exp_upper_bound], [exp_lower_bound]. *)

Definition lower_factors : list int := map (fun entry => of_Z (fst entry)) exp_table.
Definition upper_factors : list int := map (fun entry => of_Z (snd entry)) exp_table.

Definition one : int := 1073741824%uint63. (* 2^30 *)
Definition bits_limit : int := 68719476736%uint63. (* 2^36 *)

Fixpoint multiply_down (factors : list int) (k bound : int) : int :=
  match factors with
  | [] => bound
  | factor :: rest =>
      multiply_down rest (k >> 1) (if (k land 1 =? 0)%uint63 then bound else (bound * factor) >> 30)%uint63
  end.

Fixpoint multiply_up (factors : list int) (k bound : int) : int :=
  match factors with
  | [] => bound
  | factor :: rest =>
      multiply_up rest (k >> 1)
        (if (k land 1 =? 0)%uint63 then bound else (bound * factor + 1073741823) >> 30)%uint63
  end.

Definition exp_lower (k : int) : int :=
  if ltb k bits_limit then multiply_down lower_factors k one else 0%uint63.

Definition exp_upper (k : int) : int :=
  multiply_up upper_factors (if ltb k bits_limit then k else 68719476735%uint63) one.

(** ** One factor *)
Local Open Scope R_scope.

(** 2^30 exp (- k 2^j / 2^30). *)
Local Definition decay (j : nat) (k : Z) : R := 2 ^ 30 * exp (- IZR (k * 2 ^ Z.of_nat j) / 2 ^ 30).

Local Lemma pow30 : 2 ^ 30 = IZR (2 ^ 30).
Proof. change (2 ^ 30)%Z with (2 ^ Z.of_nat 30)%Z. rewrite <- pow_IZR. reflexivity. Qed.

Local Lemma pow30_pos : 0 < 2 ^ 30.
Proof. apply pow_lt. lra. Qed.

Local Lemma decay_plus : forall (j : nat) (k l : Z), decay j (k + l) = decay j k * decay j l / 2 ^ 30.
Proof.
  intros j k l. unfold decay. assert (positive := pow30_pos).
  replace (- IZR ((k + l) * 2 ^ Z.of_nat j) / 2 ^ 30)
    with (- IZR (k * 2 ^ Z.of_nat j) / 2 ^ 30 + - IZR (l * 2 ^ Z.of_nat j) / 2 ^ 30).
  - rewrite exp_plus. field; lra.
  - rewrite Z.mul_add_distr_r, plus_IZR. field; lra.
Qed.

Local Lemma decay_shift : forall (j : nat) (k : Z), decay j (2 * k) = decay (S j) k.
Proof. intros j k. unfold decay. rewrite Nat2Z.inj_succ, Z.pow_succ_r by lia. do 5 f_equal. ring. Qed.

Local Lemma decay_zero : forall j : nat, decay j 0 = 2 ^ 30.
Proof.
  intro j. unfold decay. rewrite Z.mul_0_l.
  replace (- 0 / 2 ^ 30) with 0 by (unfold Rdiv; ring). rewrite exp_0. ring.
Qed.

Local Lemma decay_mono : forall (j : nat) (k l : Z), (k <= l)%Z -> decay j l <= decay j k.
Proof.
  intros j k l less. unfold decay. apply Rmult_le_compat_l; [left; apply pow30_pos|].
  assert (ordered : - IZR (l * 2 ^ Z.of_nat j) / 2 ^ 30 <= - IZR (k * 2 ^ Z.of_nat j) / 2 ^ 30).
  { unfold Rdiv. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat, pow30_pos|].
    apply Ropp_le_contravar, IZR_le. apply Z.mul_le_mono_nonneg_r; [apply Z.pow_nonneg; lia | exact less]. }
  destruct ordered as [strict|same]; [left; apply exp_increasing, strict | rewrite same; apply Rle_refl].
Qed.

Local Lemma decay_pos : forall (j : nat) (k : Z), 0 < decay j k.
Proof. intros j k. apply Rmult_lt_0_compat; [apply pow30_pos | apply exp_pos]. Qed.

Local Lemma decay_le_one : forall (j : nat) (k : Z), (0 <= k)%Z -> decay j k <= 2 ^ 30.
Proof. intros j k nonneg. rewrite <- (decay_zero j). apply decay_mono, nonneg. Qed.

(** A bit of [k] and the rest of it. *)
Local Lemma low_bit : forall k : int,
  (to_Z k = 2 * to_Z (k >> 1) + (if (k land 1 =? 0)%uint63 then 0 else 1))%Z.
Proof.
  intro k. rewrite lsr_spec. change (2 ^ to_Z 1)%Z with 2%Z.
  assert (land_value : to_Z (k land 1) = (to_Z k mod 2)%Z).
  { rewrite land_spec'. change (to_Z 1) with (Z.ones 1). rewrite Z.land_ones by lia. reflexivity. }
  assert (split := Z.div_mod (to_Z k) 2 ltac:(lia)).
  assert (bit := Z.mod_pos_bound (to_Z k) 2 ltac:(lia)).
  destruct (eqb_spec (k land 1) 0) as [to_zero from_zero].
  destruct (k land 1 =? 0)%uint63.
  - rewrite (to_zero eq_refl) in land_value. change (to_Z 0) with 0%Z in land_value. lia.
  - assert (to_Z (k land 1) <> 0%Z); [|lia].
    intro zero. assert (is_zero : (k land 1)%uint63 = 0%uint63) by (apply to_Z_inj; exact zero).
    specialize (from_zero is_zero). discriminate from_zero.
Qed.

Local Lemma div_le : forall (a b : R), a <= 2 ^ 30 * b -> a / 2 ^ 30 <= b.
Proof.
  intros a b less. assert (positive := pow30_pos). apply Rmult_le_reg_l with (2 ^ 30); [exact positive|].
  replace (2 ^ 30 * (a / 2 ^ 30)) with a by (field; lra). exact less.
Qed.

Local Lemma le_div : forall (a b : R), 2 ^ 30 * b <= a -> b <= a / 2 ^ 30.
Proof.
  intros a b less. assert (positive := pow30_pos). apply Rmult_le_reg_l with (2 ^ 30); [exact positive|].
  replace (2 ^ 30 * (a / 2 ^ 30)) with a by (field; lra). exact less.
Qed.

(** The rounded product of two numbers up to 2^30. *)
Lemma product_down : forall b f : int,
  (to_Z b <= 2 ^ 30)%Z -> (to_Z f <= 2 ^ 30)%Z ->
  IZR (to_Z ((b * f) >> 30)%uint63) <= IZR (to_Z b) * IZR (to_Z f) / 2 ^ 30 /\
  (to_Z ((b * f) >> 30)%uint63 <= 2 ^ 30)%Z.
Proof.
  intros b f b_top f_top. assert (b_range := to_Z_range b). assert (f_range := to_Z_range f).
  assert (value : to_Z ((b * f) >> 30)%uint63 = (to_Z b * to_Z f / 2 ^ 30)%Z).
  { rewrite lsr_spec. change (to_Z 30) with 30%Z. f_equal.
    apply to_Z_of_congruent; [apply congruent_mul; apply congruent_to_Z | nia]. }
  rewrite value. split.
  - apply le_div. rewrite pow30, <- !mult_IZR. apply IZR_le, Z.mul_div_le. lia.
  - apply Z.div_le_upper_bound; nia.
Qed.

Lemma product_up : forall b f : int,
  (to_Z b <= 2 ^ 30)%Z -> (to_Z f <= 2 ^ 30)%Z ->
  IZR (to_Z b) * IZR (to_Z f) / 2 ^ 30 <= IZR (to_Z ((b * f + 1073741823) >> 30)%uint63) /\
  (to_Z ((b * f + 1073741823) >> 30)%uint63 <= 2 ^ 30)%Z.
Proof.
  intros b f b_top f_top. assert (b_range := to_Z_range b). assert (f_range := to_Z_range f).
  assert (value : to_Z ((b * f + 1073741823) >> 30)%uint63 = ((to_Z b * to_Z f + (2 ^ 30 - 1)) / 2 ^ 30)%Z).
  { rewrite lsr_spec. change (to_Z 30) with 30%Z. f_equal.
    apply to_Z_of_congruent; [|nia].
    apply congruent_add; [apply congruent_mul; apply congruent_to_Z | exact (congruent_to_Z 1073741823)]. }
  rewrite value. split.
  - apply div_le. rewrite pow30, <- !mult_IZR. apply IZR_le.
    assert (split := Z.div_mod (to_Z b * to_Z f + (2 ^ 30 - 1)) (2 ^ 30) ltac:(lia)).
    assert (rest := Z.mod_pos_bound (to_Z b * to_Z f + (2 ^ 30 - 1)) (2 ^ 30) ltac:(lia)). lia.
  - apply Z.lt_succ_r, Z.div_lt_upper_bound; nia.
Qed.

(** ** All factors *)

Local Lemma factor_value : forall j : nat, (j < length exp_table)%nat ->
  to_Z (of_Z (fst (nth j exp_table (0, 0)%Z))) = fst (nth j exp_table (0, 0)%Z) /\
  to_Z (of_Z (snd (nth j exp_table (0, 0)%Z))) = snd (nth j exp_table (0, 0)%Z) /\
  (snd (nth j exp_table (0, 0)%Z) <= 2 ^ 30)%Z /\ (fst (nth j exp_table (0, 0)%Z) <= 2 ^ 30)%Z.
Proof.
  intros j below. do 36 (destruct j as [|j]; [vm_compute; intuition congruence|]).
  exfalso. change (length exp_table) with 36%nat in below. lia.
Qed.

Local Lemma skipn_cons : forall (A : Type) (l : list A) (j : nat) (default : A),
  (j < length l)%nat -> skipn j l = nth j l default :: skipn (S j) l.
Proof.
  induction l as [|a l IH]; intros j default below; [inversion below|].
  destruct j as [|j]; [reflexivity|]. cbn [skipn nth]. apply IH. cbn in below. lia.
Qed.

Local Lemma decay_one : forall j : nat, decay j 1 = 2 ^ 30 * exp (- IZR (2 ^ Z.of_nat j) / 2 ^ 30).
Proof. intro j. unfold decay. rewrite Z.mul_1_l. reflexivity. Qed.

Local Lemma multiply_up_bound : forall (n j : nat) (k bound : int),
  (j + n = length exp_table)%nat ->
  (to_Z bound <= 2 ^ 30)%Z ->
  let result := multiply_up (map (fun entry => of_Z (snd entry)) (skipn j exp_table)) k bound in
  IZR (to_Z bound) * decay j (to_Z k) / 2 ^ 30 <= IZR (to_Z result) /\ (to_Z result <= 2 ^ 30)%Z.
Proof.
  induction n as [|n IH]; intros j k bound end_of_table top.
  - rewrite skipn_all2 by lia. cbn [map multiply_up]. split; [|exact top].
    apply div_le. rewrite (Rmult_comm (2 ^ 30)).
    apply Rmult_le_compat_l; [apply IZR_le, to_Z_range | apply decay_le_one, to_Z_range].
  - rewrite (skipn_cons _ _ _ (0, 0)%Z) by lia. cbn [map multiply_up].
    destruct (factor_value j ltac:(lia)) as (_ & upper_value & upper_top & _).
    assert (entry := exp_table_bound j ltac:(lia)). cbv zeta in entry. destruct entry as [_ entry].
    rewrite <- decay_one, <- upper_value in entry. rewrite <- upper_value in upper_top.
    set (factor := of_Z (snd (nth j exp_table (0, 0)%Z))) in *.
    rewrite (low_bit k). assert (positive := pow30_pos).
    destruct (k land 1 =? 0)%uint63.
    + destruct (IH (S j) (k >> 1)%uint63 bound ltac:(lia) top) as [rest result_top].
      split; [|exact result_top]. rewrite Z.add_0_r, decay_shift. exact rest.
    + destruct (product_up bound factor top upper_top) as [product product_top].
      destruct (IH (S j) (k >> 1)%uint63 ((bound * factor + 1073741823) >> 30)%uint63 ltac:(lia) product_top)
        as [rest result_top].
      split; [|exact result_top]. refine (Rle_trans _ _ _ _ rest).
      rewrite decay_plus, decay_shift.
      assert (tail_pos := decay_pos (S j) (to_Z (k >> 1)%uint63)).
      assert (bound_nonneg : 0 <= IZR (to_Z bound)) by (apply IZR_le, to_Z_range).
      unfold Rdiv. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat, positive|].
      apply Rle_trans with (IZR (to_Z bound) * IZR (to_Z factor) / 2 ^ 30 * decay (S j) (to_Z (k >> 1)%uint63)).
      * replace (IZR (to_Z bound) * (decay (S j) (to_Z (k >> 1)%uint63) * decay j 1 * / 2 ^ 30))
          with (IZR (to_Z bound) * decay j 1 / 2 ^ 30 * decay (S j) (to_Z (k >> 1)%uint63)) by (field; lra).
        apply Rmult_le_compat_r; [lra|]. unfold Rdiv.
        apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat, positive|].
        apply Rmult_le_compat_l; [exact bound_nonneg | exact entry].
      * apply Rmult_le_compat_r; [lra | exact product].
Qed.

Local Lemma multiply_down_bound : forall (n j : nat) (k bound : int),
  (j + n = length exp_table)%nat ->
  (to_Z bound <= 2 ^ 30)%Z ->
  (to_Z k < 2 ^ Z.of_nat n)%Z ->
  let result := multiply_down (map (fun entry => of_Z (fst entry)) (skipn j exp_table)) k bound in
  IZR (to_Z result) <= IZR (to_Z bound) * decay j (to_Z k) / 2 ^ 30 /\ (to_Z result <= 2 ^ 30)%Z.
Proof.
  induction n as [|n IH]; intros j k bound end_of_table top small.
  - rewrite skipn_all2 by lia. cbn [map multiply_down]. split; [|exact top].
    assert (k_range := to_Z_range k). replace (to_Z k) with 0%Z by (change (2 ^ Z.of_nat 0)%Z with 1%Z in small; lia).
    rewrite decay_zero. assert (positive := pow30_pos). right. field; lra.
  - rewrite (skipn_cons _ _ _ (0, 0)%Z) by lia. cbn [map multiply_down].
    destruct (factor_value j ltac:(lia)) as (lower_value & _ & _ & lower_top).
    assert (entry := exp_table_bound j ltac:(lia)). cbv zeta in entry. destruct entry as [entry _].
    rewrite <- decay_one, <- lower_value in entry. rewrite <- lower_value in lower_top.
    set (factor := of_Z (fst (nth j exp_table (0, 0)%Z))) in *.
    assert (bits := low_bit k). rewrite bits. assert (positive := pow30_pos).
    rewrite Nat2Z.inj_succ, Z.pow_succ_r in small by lia.
    assert (half_small : (to_Z (k >> 1)%uint63 < 2 ^ Z.of_nat n)%Z)
      by (destruct (k land 1 =? 0)%uint63; lia).
    destruct (k land 1 =? 0)%uint63.
    + destruct (IH (S j) (k >> 1)%uint63 bound ltac:(lia) top half_small) as [rest result_top].
      split; [|exact result_top]. rewrite Z.add_0_r, decay_shift. exact rest.
    + destruct (product_down bound factor top lower_top) as [product product_top].
      destruct (IH (S j) (k >> 1)%uint63 ((bound * factor) >> 30)%uint63 ltac:(lia) product_top half_small)
        as [rest result_top].
      split; [|exact result_top]. refine (Rle_trans _ _ _ rest _).
      rewrite decay_plus, decay_shift.
      assert (tail_pos := decay_pos (S j) (to_Z (k >> 1)%uint63)).
      assert (bound_nonneg : 0 <= IZR (to_Z bound)) by (apply IZR_le, to_Z_range).
      unfold Rdiv. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat, positive|].
      apply Rle_trans with (IZR (to_Z bound) * IZR (to_Z factor) / 2 ^ 30 * decay (S j) (to_Z (k >> 1)%uint63)).
      * apply Rmult_le_compat_r; [lra | exact product].
      * replace (IZR (to_Z bound) * (decay (S j) (to_Z (k >> 1)%uint63) * decay j 1 * / 2 ^ 30))
          with (IZR (to_Z bound) * decay j 1 / 2 ^ 30 * decay (S j) (to_Z (k >> 1)%uint63)) by (field; lra).
        apply Rmult_le_compat_r; [lra|]. unfold Rdiv.
        apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat, positive|].
        apply Rmult_le_compat_l; [exact bound_nonneg | exact entry].
Qed.

(** ** The enclosures *)

Local Lemma decay_start : forall k : Z, decay 0 k = 2 ^ 30 * exp (- IZR k / 2 ^ 30).
Proof. intro k. unfold decay. change (2 ^ Z.of_nat 0)%Z with 1%Z. rewrite Z.mul_1_r. reflexivity. Qed.

Theorem exp_upper_bound : forall k : int,
  2 ^ 30 * exp (- IZR (to_Z k) / 2 ^ 30) <= IZR (to_Z (exp_upper k)) /\ (to_Z (exp_upper k) <= 2 ^ 30)%Z.
Proof.
  intro k. unfold exp_upper, upper_factors. rewrite <- decay_start.
  set (used := if ltb k bits_limit then k else 68719476735%uint63).
  assert (less : (to_Z used <= to_Z k)%Z).
  { unfold used. assert (spec := ltb_spec k bits_limit). change (to_Z bits_limit) with (2 ^ 36)%Z in spec.
    destruct (ltb k bits_limit); [lia|]. change (to_Z 68719476735) with (2 ^ 36 - 1)%Z.
    assert (~ (to_Z k < 2 ^ 36)%Z) by (intro small; apply spec in small; discriminate small). lia. }
  destruct (multiply_up_bound 36 0 used one eq_refl ltac:(reflexivity || (vm_compute; discriminate))) as [bound top].
  change (skipn 0 exp_table) with exp_table in bound, top.
  split; [|exact top]. refine (Rle_trans _ _ _ _ bound).
  refine (Rle_trans _ _ _ (decay_mono 0 _ _ less) _).
  change (to_Z one) with (2 ^ 30)%Z. rewrite <- pow30. assert (positive := pow30_pos). right. field; lra.
Qed.

Theorem exp_lower_bound : forall k : int,
  IZR (to_Z (exp_lower k)) <= 2 ^ 30 * exp (- IZR (to_Z k) / 2 ^ 30) /\ (to_Z (exp_lower k) <= 2 ^ 30)%Z.
Proof.
  intro k. unfold exp_lower, lower_factors. rewrite <- decay_start.
  assert (spec := ltb_spec k bits_limit). change (to_Z bits_limit) with (2 ^ 36)%Z in spec.
  destruct (ltb k bits_limit).
  - destruct (multiply_down_bound 36 0 k one eq_refl ltac:(reflexivity || (vm_compute; discriminate)))
      as [bound top]; [apply spec; reflexivity|].
    change (skipn 0 exp_table) with exp_table in bound, top.
    split; [|exact top]. refine (Rle_trans _ _ _ bound _).
    change (to_Z one) with (2 ^ 30)%Z. rewrite <- pow30. assert (positive := pow30_pos). right. field; lra.
  - change (to_Z 0) with 0%Z. split; [left; apply decay_pos | lia].
Qed.
