(* CompactProofs: Base: Signed63 *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Lia Bool.
Import ListNotations.
(** * Machine integers read as signed numbers
    Addition, subtraction and multiplication of 63-bit machine integers are exact modulo 2^63. So a chain of them is exact
    as soon as its true result lies in [-2^62, 2^62), whatever happened on the way.
    - [signed i]      == the number that machine integer [i] stands for, in [-2^62, 2^62)
    - [congruent i z] == [i] is [z] modulo 2^63; kept by +, -, *; [signed_of_congruent] reads the number back
    - [slt i j]       == signed comparison
    - [scale_down x c] == floor (x c / 2^30), [scale_up x c] == its ceiling, for |x| <= 2^31 and 0 <= c <= 2^30
    - [shift_down g x] == floor (x / 2^g), [shift_up g x] == its ceiling, for |x| <= 2^61 and g <= 61
    The shift amounts are constants of a run and at most 61. *)
Local Open Scope Z_scope.

Definition signed (i : int) : Z := if to_Z i <? 2 ^ 62 then to_Z i else to_Z i - 2 ^ 63.

Definition congruent (i : int) (z : Z) : Prop := to_Z i = z mod 2 ^ 63.

Lemma to_Z_range : forall i : int, 0 <= to_Z i < 2 ^ 63.
Proof. intro i. exact (to_Z_bounded i). Qed.

Lemma signed_range : forall i : int, - 2 ^ 62 <= signed i < 2 ^ 62.
Proof. intro i. unfold signed. assert (range := to_Z_range i). destruct (Z.ltb_spec (to_Z i) (2 ^ 62)); lia. Qed.

Lemma signed_congruent : forall i : int, congruent i (signed i).
Proof.
  intro i. unfold congruent, signed. assert (range := to_Z_range i).
  destruct (Z.ltb_spec (to_Z i) (2 ^ 62)).
  - symmetry. apply Z.mod_small. lia.
  - apply (Z.mod_unique _ _ (-1)); lia.
Qed.

Lemma signed_of_congruent : forall (i : int) (z : Z),
  congruent i z ->
  - 2 ^ 62 <= z < 2 ^ 62 ->
  signed i = z.
Proof.
  intros i z same range. unfold congruent in same. unfold signed.
  destruct (Z.ltb_spec z 0) as [negative|positive].
  - assert (value : to_Z i = z + 2 ^ 63) by (rewrite same; symmetry; apply (Z.mod_unique _ _ (-1)); lia).
    destruct (Z.ltb_spec (to_Z i) (2 ^ 62)); lia.
  - assert (value : to_Z i = z) by (rewrite same; apply Z.mod_small; lia).
    destruct (Z.ltb_spec (to_Z i) (2 ^ 62)); lia.
Qed.

Lemma to_Z_of_congruent : forall (i : int) (z : Z), congruent i z -> 0 <= z < 2 ^ 63 -> to_Z i = z.
Proof. intros i z same range. unfold congruent in same. rewrite same. apply Z.mod_small, range. Qed.

Lemma signed_small : forall i : int, to_Z i < 2 ^ 62 -> signed i = to_Z i.
Proof. intros i small. unfold signed. destruct (Z.ltb_spec (to_Z i) (2 ^ 62)); lia. Qed.

Lemma congruent_of_Z : forall z : Z, congruent (of_Z z) z.
Proof. intro z. exact (of_Z_spec z). Qed.

Lemma congruent_to_Z : forall i : int, congruent i (to_Z i).
Proof. intro i. unfold congruent. symmetry. apply Z.mod_small, to_Z_range. Qed.

Lemma congruent_add : forall (i j : int) (a b : Z), congruent i a -> congruent j b -> congruent (i + j) (a + b).
Proof.
  unfold congruent. intros i j a b ha hb. rewrite add_spec, ha, hb.
  change wB with (2 ^ 63). rewrite <- Zplus_mod. reflexivity.
Qed.

Lemma congruent_sub : forall (i j : int) (a b : Z), congruent i a -> congruent j b -> congruent (i - j) (a - b).
Proof.
  unfold congruent. intros i j a b ha hb. rewrite sub_spec, ha, hb.
  change wB with (2 ^ 63). rewrite <- Zminus_mod. reflexivity.
Qed.

Lemma congruent_mul : forall (i j : int) (a b : Z), congruent i a -> congruent j b -> congruent (i * j) (a * b).
Proof.
  unfold congruent. intros i j a b ha hb. rewrite mul_spec, ha, hb.
  change wB with (2 ^ 63). rewrite <- Zmult_mod. reflexivity.
Qed.

Lemma signed_zero : signed 0 = 0.
Proof. reflexivity. Qed.

Lemma signed_add : forall i j : int,
  - 2 ^ 62 <= signed i + signed j < 2 ^ 62 -> signed (i + j) = signed i + signed j.
Proof. intros i j range. apply signed_of_congruent; [|exact range]. apply congruent_add; apply signed_congruent. Qed.

Lemma signed_sub : forall i j : int,
  - 2 ^ 62 <= signed i - signed j < 2 ^ 62 -> signed (i - j) = signed i - signed j.
Proof. intros i j range. apply signed_of_congruent; [|exact range]. apply congruent_sub; apply signed_congruent. Qed.

Lemma signed_mul : forall i j : int,
  - 2 ^ 62 <= signed i * signed j < 2 ^ 62 -> signed (i * j) = signed i * signed j.
Proof. intros i j range. apply signed_of_congruent; [|exact range]. apply congruent_mul; apply signed_congruent. Qed.

(** ** Comparison, absolute value *)

Definition half : int := 4611686018427387904%uint63. (* 2^62 *)

Definition slt (i j : int) : bool := ltb (i + half) (j + half).

Lemma to_Z_biased : forall i : int, to_Z (i + half) = signed i + 2 ^ 62.
Proof.
  intro i. apply to_Z_of_congruent.
  - apply congruent_add; [apply signed_congruent|]. exact (congruent_to_Z half).
  - assert (range := signed_range i). lia.
Qed.

Lemma slt_spec : forall i j : int, slt i j = (signed i <? signed j).
Proof.
  intros i j. unfold slt. apply Bool.eq_true_iff_eq.
  rewrite ltb_spec, Z.ltb_lt, !to_Z_biased. lia.
Qed.

Definition smax (i j : int) : int := if slt i j then j else i.
Definition smin (i j : int) : int := if slt i j then i else j.

Lemma signed_smax : forall i j : int, signed (smax i j) = Z.max (signed i) (signed j).
Proof. intros i j. unfold smax. rewrite slt_spec. destruct (Z.ltb_spec (signed i) (signed j)); lia. Qed.

Lemma signed_smin : forall i j : int, signed (smin i j) = Z.min (signed i) (signed j).
Proof. intros i j. unfold smin. rewrite slt_spec. destruct (Z.ltb_spec (signed i) (signed j)); lia. Qed.

Definition absolute (i : int) : int := if ltb i half then i else (0 - i)%uint63.

Lemma to_Z_absolute : forall i : int, to_Z (absolute i) = Z.abs (signed i).
Proof.
  intro i. unfold absolute. assert (range := to_Z_range i).
  assert (spec := ltb_spec i half). change (to_Z half) with (2 ^ 62) in spec.
  destruct (ltb i half).
  - assert (to_Z i < 2 ^ 62) by (apply spec; reflexivity). rewrite signed_small by assumption. lia.
  - assert (large : ~ to_Z i < 2 ^ 62) by (intro small; apply spec in small; discriminate small).
    unfold signed. destruct (Z.ltb_spec (to_Z i) (2 ^ 62)); [lia|].
    rewrite sub_spec. change (to_Z 0) with 0. change wB with (2 ^ 63).
    replace (Z.abs (to_Z i - 2 ^ 63)) with (2 ^ 63 - to_Z i) by lia.
    symmetry. apply (Z.mod_unique _ _ (-1)); lia.
Qed.

(** ** Rounded division by powers of two *)

Definition quarter : int := 2305843009213693952%uint63. (* 2^61 *)

Definition shift_down (g x : int) : int := (((x + quarter) >> g) - (quarter >> g))%uint63.
Definition shift_up (g x : int) : int := (0 - shift_down g (0 - x))%uint63.

Lemma div_pow2_shift : forall x g : Z, 0 <= g <= 61 -> (x + 2 ^ 61) / 2 ^ g - 2 ^ 61 / 2 ^ g = x / 2 ^ g.
Proof.
  intros x g range.
  assert (split : 2 ^ 61 = 2 ^ (61 - g) * 2 ^ g) by (rewrite <- Z.pow_add_r by lia; f_equal; lia).
  assert (positive : 0 < 2 ^ g) by (apply Z.pow_pos_nonneg; lia).
  rewrite split at 1 2. rewrite Z.div_add, Z.div_mul by lia. lia.
Qed.

Lemma signed_shift_down : forall g x : int,
  to_Z g <= 61 ->
  - 2 ^ 61 <= signed x <= 2 ^ 61 ->
  signed (shift_down g x) = signed x / 2 ^ to_Z g.
Proof.
  intros g x small range. unfold shift_down.
  assert (g_range := to_Z_range g).
  assert (biased : to_Z (x + quarter) = signed x + 2 ^ 61).
  { apply to_Z_of_congruent; [|lia]. apply congruent_add; [apply signed_congruent|]. exact (congruent_to_Z quarter). }
  assert (positive : 0 < 2 ^ to_Z g) by (apply Z.pow_pos_nonneg; lia).
  rewrite <- (div_pow2_shift (signed x) (to_Z g)) by lia.
  apply signed_of_congruent.
  - apply congruent_sub.
    + rewrite <- biased, <- lsr_spec. apply congruent_to_Z.
    + change (2 ^ 61) with (to_Z quarter). rewrite <- lsr_spec. apply congruent_to_Z.
  - rewrite div_pow2_shift by lia.
    assert (1 <= 2 ^ to_Z g) by lia.
    split.
    + transitivity (- 2 ^ 61); [lia|]. apply Z.div_le_lower_bound; [lia|]. nia.
    + apply Z.le_lt_trans with (2 ^ 61); [|lia].
      apply Z.div_le_upper_bound; [lia|]. nia.
Qed.

Lemma shift_down_le : forall g x : int,
  to_Z g <= 61 -> - 2 ^ 61 <= signed x <= 2 ^ 61 -> 2 ^ to_Z g * signed (shift_down g x) <= signed x.
Proof.
  intros g x small range. rewrite signed_shift_down by assumption.
  assert (g_range := to_Z_range g). apply Z.mul_div_le. apply Z.pow_pos_nonneg; lia.
Qed.

Lemma signed_opp : forall x : int, - 2 ^ 61 <= signed x <= 2 ^ 61 -> signed (0 - x) = - signed x.
Proof. intros x range. rewrite signed_sub; rewrite signed_zero; lia. Qed.

Lemma shift_down_abs : forall (g x : int) (b : Z),
  to_Z g <= 61 -> b <= 2 ^ 61 -> 0 <= b -> Z.abs (signed x) <= b * 2 ^ to_Z g -> Z.abs (signed x) <= 2 ^ 61 ->
  Z.abs (signed (shift_down g x)) <= b.
Proof.
  intros g x b small top nonneg bound range. rewrite signed_shift_down by lia.
  assert (g_range := to_Z_range g).
  assert (positive : 0 < 2 ^ to_Z g) by (apply Z.pow_pos_nonneg; lia).
  apply Z.abs_le. split.
  - apply Z.div_le_lower_bound; [lia|]. nia.
  - apply Z.div_le_upper_bound; [lia|]. nia.
Qed.

Lemma le_shift_up : forall g x : int,
  to_Z g <= 61 -> - 2 ^ 61 <= signed x <= 2 ^ 61 -> signed x <= 2 ^ to_Z g * signed (shift_up g x).
Proof.
  intros g x small range. unfold shift_up.
  assert (negated := signed_opp x range).
  assert (less := shift_down_le g (0 - x) small ltac:(lia)).
  assert (bound := shift_down_abs g (0 - x) (2 ^ 61) small).
  assert (g_range := to_Z_range g).
  assert (positive : 0 < 2 ^ to_Z g) by (apply Z.pow_pos_nonneg; lia).
  rewrite signed_opp; nia.
Qed.

Lemma shift_up_abs : forall (g x : int) (b : Z),
  to_Z g <= 61 -> b <= 2 ^ 61 -> 0 <= b -> Z.abs (signed x) <= b * 2 ^ to_Z g -> Z.abs (signed x) <= 2 ^ 61 ->
  Z.abs (signed (shift_up g x)) <= b.
Proof.
  intros g x b small top nonneg bound range. unfold shift_up.
  assert (negated := signed_opp x ltac:(lia)).
  assert (down := shift_down_abs g (0 - x) b small top nonneg ltac:(lia) ltac:(lia)).
  rewrite signed_opp; lia.
Qed.

(** ** Products with a fraction of 30 bits *)

Definition scale_down (x c : int) : int := shift_down 30 (x * c).
Definition scale_up (x c : int) : int := shift_up 30 (x * c).

Section Scale.
  Context (x c : int).
  Context (x_range : Z.abs (signed x) <= 2 ^ 31) (c_range : to_Z c <= 2 ^ 30).

  Local Lemma signed_product : signed (x * c) = signed x * to_Z c.
  Proof.
    assert (c_nonneg := to_Z_range c).
    assert (c_signed : signed c = to_Z c) by (apply signed_small; lia).
    rewrite signed_mul; rewrite c_signed; nia.
  Qed.

  Lemma scale_down_le : 2 ^ 30 * signed (scale_down x c) <= signed x * to_Z c.
  Proof.
    assert (c_nonneg := to_Z_range c). rewrite <- signed_product.
    apply (shift_down_le 30); [change (to_Z 30) with 30; lia|]. rewrite signed_product. nia.
  Qed.

  Lemma le_scale_up : signed x * to_Z c <= 2 ^ 30 * signed (scale_up x c).
  Proof.
    assert (c_nonneg := to_Z_range c). rewrite <- signed_product.
    apply (le_shift_up 30); [change (to_Z 30) with 30; lia|]. rewrite signed_product. nia.
  Qed.

  Lemma scale_down_abs : Z.abs (signed (scale_down x c)) <= 2 ^ 31.
  Proof.
    assert (c_nonneg := to_Z_range c).
    apply (shift_down_abs 30); change (to_Z 30) with 30; rewrite ?signed_product; nia.
  Qed.

  Lemma scale_up_abs : Z.abs (signed (scale_up x c)) <= 2 ^ 31.
  Proof.
    assert (c_nonneg := to_Z_range c).
    apply (shift_up_abs 30); change (to_Z 30) with 30; rewrite ?signed_product; nia.
  Qed.
End Scale.
