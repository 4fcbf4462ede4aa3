(* CompactProofs: Cert: TermsSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Lia Lra.
From CompactProofs Require Import Base.Sums Base.Signed63 Base.ExpBounds Base.Matrix Cert.Outcome Cert.Terms.
Import ListNotations.
(** * The enclosures of Terms are right
    - [encloses e a] == the real weight [a] lies between the bounds of [e], which are at most 2^30
    Main results: [relative_exp_encloses], [both_encloses], [upper_term_bound], [lower_term_bound]. *)
Local Open Scope R_scope.

Definition encloses (e : enclosure) (a : R) : Prop :=
  IZR (to_Z (fst e)) <= 2 ^ 30 * a <= IZR (to_Z (snd e)) /\ (to_Z (snd e) <= 2 ^ 30)%Z.

Local Lemma pow30 : 2 ^ 30 = IZR (2 ^ 30).
Proof. change (2 ^ 30)%Z with (2 ^ Z.of_nat 30)%Z. rewrite <- pow_IZR. reflexivity. Qed.

Lemma encloses_lower_small : forall (e : enclosure) (a : R), encloses e a -> (to_Z (fst e) <= 2 ^ 30)%Z.
Proof. intros e a [[low high] top]. refine (Z.le_trans _ _ _ _ top). apply le_IZR. lra. Qed.

Lemma encloses_nonneg : forall (e : enclosure) (a : R), encloses e a -> 0 <= a.
Proof.
  intros e a [[low high] _]. assert (nonneg : 0 <= IZR (to_Z (fst e))) by (apply IZR_le, to_Z_range).
  assert (positive : 0 < 2 ^ 30) by (apply pow_lt; lra).
  apply Rmult_le_reg_l with (2 ^ 30); [exact positive|]. lra.
Qed.

Lemma precision_shift : forall bits : nat, (bits <= 61)%nat -> to_Z (shift (precision_of bits)) = Z.of_nat bits.
Proof. intros bits small. cbn. apply to_Z_of_congruent; [apply congruent_of_Z | lia]. Qed.

Lemma precision_mask : forall bits : nat, (bits <= 61)%nat ->
  to_Z (mask (precision_of bits)) = (2 ^ Z.of_nat bits - 1)%Z.
Proof.
  intros bits small. cbn [precision_of mask]. apply to_Z_of_congruent; [apply congruent_of_Z|].
  assert (1 <= 2 ^ Z.of_nat bits)%Z by (apply Z.lt_pred_le, Z.pow_pos_nonneg; lia).
  assert (2 ^ Z.of_nat bits <= 2 ^ 61)%Z by (apply Z.pow_le_mono_r; lia). lia.
Qed.

Local Lemma exp_le : forall a b : R, a <= b -> exp a <= exp b.
Proof. intros a b [less| ->]; [left; apply exp_increasing, less | apply Rle_refl]. Qed.

(** Units: [k] times 2^bits, against [x]. *)
Local Lemma unit_exp : forall (bits : nat) (k x : Z), (x <= k * 2 ^ Z.of_nat bits)%Z ->
  exp (- IZR k / 2 ^ 30) <= exp (- IZR x / 2 ^ (30 + bits)).
Proof.
  intros bits k x less. apply exp_le.
  assert (p30 : 0 < 2 ^ 30) by (apply pow_lt; lra). assert (pb : 0 < 2 ^ bits) by (apply pow_lt; lra).
  replace (- IZR k / 2 ^ 30) with (- (IZR k * 2 ^ bits) / 2 ^ (30 + bits)) by (rewrite pow_add; field; lra).
  unfold Rdiv. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat, pow_lt; lra|].
  apply Ropp_le_contravar. rewrite (pow_IZR 2 bits), <- mult_IZR. apply IZR_le, less.
Qed.

Local Lemma exp_unit : forall (bits : nat) (k x : Z), (k * 2 ^ Z.of_nat bits <= x)%Z ->
  exp (- IZR x / 2 ^ (30 + bits)) <= exp (- IZR k / 2 ^ 30).
Proof.
  intros bits k x less. apply exp_le.
  assert (p30 : 0 < 2 ^ 30) by (apply pow_lt; lra). assert (pb : 0 < 2 ^ bits) by (apply pow_lt; lra).
  replace (- IZR k / 2 ^ 30) with (- (IZR k * 2 ^ bits) / 2 ^ (30 + bits)) by (rewrite pow_add; field; lra).
  unfold Rdiv. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat, pow_lt; lra|].
  apply Ropp_le_contravar. rewrite (pow_IZR 2 bits), <- mult_IZR. apply IZR_le, less.
Qed.

Theorem relative_exp_encloses : forall (bits : nat) (top s : int),
  (bits <= 61)%nat ->
  (Z.abs (signed top) <= 2 ^ 61)%Z ->
  (Z.abs (signed s) <= 2 ^ 61)%Z ->
  (signed s <= signed top)%Z ->
  encloses (relative_exp (precision_of bits) top s) (exp (IZR (signed s - signed top) / 2 ^ (30 + bits))).
Proof.
  intros bits top s small top_range s_range ordered. unfold relative_exp. cbv zeta.
  set (x := (signed top - signed s)%Z).
  assert (difference : to_Z (top - s) = x).
  { apply to_Z_of_congruent; [apply congruent_sub; apply signed_congruent | unfold x; lia]. }
  assert (power_pos : (0 < 2 ^ Z.of_nat bits)%Z) by (apply Z.pow_pos_nonneg; lia).
  assert (power_top : (2 ^ Z.of_nat bits <= 2 ^ 61)%Z) by (apply Z.pow_le_mono_r; lia).
  assert (floor_value : to_Z ((top - s) >> shift (precision_of bits)) = (x / 2 ^ Z.of_nat bits)%Z).
  { rewrite lsr_spec, difference, precision_shift by exact small. reflexivity. }
  assert (ceiling_value : to_Z ((top - s + mask (precision_of bits)) >> shift (precision_of bits)) =
    ((x + (2 ^ Z.of_nat bits - 1)) / 2 ^ Z.of_nat bits)%Z).
  { rewrite lsr_spec, precision_shift by exact small. f_equal.
    rewrite <- precision_mask by exact small. apply to_Z_of_congruent.
    - rewrite <- difference. apply congruent_add; apply congruent_to_Z.
    - rewrite precision_mask by exact small. unfold x. lia. }
  replace (IZR (signed s - signed top)) with (- IZR x) by (unfold x; rewrite <- opp_IZR; f_equal; lia).
  assert (p30 : 0 < 2 ^ 30) by (apply pow_lt; lra).
  unfold encloses. cbn [fst snd]. split; [split|].
  - refine (Rle_trans _ _ _ (proj1 (exp_lower_bound _)) _). rewrite ceiling_value.
    apply Rmult_le_compat_l; [lra|]. apply unit_exp.
    assert (split := Z.div_mod (x + (2 ^ Z.of_nat bits - 1)) (2 ^ Z.of_nat bits) ltac:(lia)).
    assert (rest := Z.mod_pos_bound (x + (2 ^ Z.of_nat bits - 1)) (2 ^ Z.of_nat bits) power_pos). lia.
  - refine (Rle_trans _ _ _ _ (proj1 (exp_upper_bound _))). rewrite floor_value.
    apply Rmult_le_compat_l; [lra|]. apply exp_unit.
    assert (floor := Z.mul_div_le x (2 ^ Z.of_nat bits) power_pos). lia.
  - apply exp_upper_bound.
Qed.

(** ** The largest entry of a row *)

Local Lemma fold_smax_ge : forall (row : list int) (start x : int),
  x = start \/ In x row -> (signed x <= signed (fold_left smax row start))%Z.
Proof.
  induction row as [|y row IH]; intros start x inside; cbn [fold_left].
  - destruct inside as [->|[]]. lia.
  - destruct inside as [->|[->|inside]].
    + etransitivity; [|apply (IH (smax start y) (smax start y)); left; reflexivity]. rewrite signed_smax. lia.
    + etransitivity; [|apply (IH (smax start x) (smax start x)); left; reflexivity]. rewrite signed_smax. lia.
    + apply IH. right. exact inside.
Qed.

Local Lemma fold_smax_in : forall (row : list int) (start : int),
  fold_left smax row start = start \/ In (fold_left smax row start) row.
Proof.
  induction row as [|y row IH]; intros start; cbn [fold_left]; [left; reflexivity|].
  destruct (IH (smax start y)) as [same|inside].
  - rewrite same. unfold smax. destruct (slt start y); [right; left; reflexivity | left; reflexivity].
  - right. right. exact inside.
Qed.

Lemma row_top_ge : forall (row : list int) (x : int), In x row -> (signed x <= signed (row_top row))%Z.
Proof.
  intros [|y row] x inside; [contradiction|]. apply fold_smax_ge.
  destruct inside as [->|inside]; [left; reflexivity | right; exact inside].
Qed.

Lemma row_top_in : forall row : list int, row <> [] -> In (row_top row) row.
Proof.
  intros [|y row] some; [contradiction|]. cbn [row_top].
  destruct (fold_smax_in row y) as [->|inside]; [left; reflexivity | right; exact inside].
Qed.

Theorem row_enclosures_nth : forall (bits : nat) (row : list int) (j : nat),
  (bits <= 61)%nat ->
  (forall x, In x row -> (Z.abs (signed x) <= 2 ^ 61)%Z) ->
  (j < length row)%nat ->
  encloses (nth j (row_enclosures (precision_of bits) row) (0, 0)%uint63)
    (exp (IZR (at1 row j - signed (row_top row)) / 2 ^ (30 + bits))).
Proof.
  intros bits row j small range inside. unfold row_enclosures.
  rewrite (nth_map_any _ _ _ _ _ 0%uint63) by exact inside.
  assert (member : In (nth j row 0%uint63) row) by (apply nth_In, inside).
  apply relative_exp_encloses; [exact small | | apply range, member | apply row_top_ge, member].
  apply range, row_top_in. intro empty. rewrite empty in inside. inversion inside.
Qed.

Theorem both_encloses : forall (e f : enclosure) (a b : R),
  encloses e a -> encloses f b -> encloses (both e f) (a * b).
Proof.
  intros e f a b enc_e enc_f.
  assert (low_e := encloses_lower_small _ _ enc_e). assert (low_f := encloses_lower_small _ _ enc_f).
  assert (a_nonneg := encloses_nonneg _ _ enc_e). assert (b_nonneg := encloses_nonneg _ _ enc_f).
  destruct enc_e as [[e_low e_high] e_top]. destruct enc_f as [[f_low f_high] f_top].
  destruct (product_down (fst e) (fst f) low_e low_f) as [down _].
  destruct (product_up (snd e) (snd f) e_top f_top) as [up up_top].
  assert (positive : 0 < 2 ^ 30) by (apply pow_lt; lra).
  assert (e_nonneg : 0 <= IZR (to_Z (fst e))) by (apply IZR_le, to_Z_range).
  assert (f_nonneg : 0 <= IZR (to_Z (fst f))) by (apply IZR_le, to_Z_range).
  assert (scaled : 2 ^ 30 * (a * b) = (2 ^ 30 * a) * (2 ^ 30 * b) / 2 ^ 30) by (field; lra).
  unfold encloses, both. cbn [fst snd]. rewrite scaled. split; [split|exact up_top].
  - refine (Rle_trans _ _ _ down _). unfold Rdiv.
    apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat, positive|]. apply Rmult_le_compat; assumption.
  - refine (Rle_trans _ _ _ _ up). unfold Rdiv.
    apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat, positive|].
    apply Rmult_le_compat; try assumption; apply Rmult_le_pos; lra.
Qed.

(** ** Weight times gap *)

Section Term.
  Context (e : enclosure) (a : R) (gap : int).
  Context (enc : encloses e a) (gap_range : (Z.abs (signed gap) <= 2 ^ 31)%Z).

  Local Lemma factor_small : forall up : bool, (to_Z (if up then snd e else fst e) <= 2 ^ 30)%Z.
  Proof. intros []; [apply enc | apply (encloses_lower_small _ _ enc)]. Qed.

  Local Lemma divide : forall u v : R, 2 ^ 30 * u <= 2 ^ 30 * v -> u <= v.
  Proof. intros u v less. apply Rmult_le_reg_l with (2 ^ 30); [apply pow_lt; lra | exact less]. Qed.

  Theorem upper_term_bound : a * IZR (signed gap) <= IZR (signed (upper_term e gap)).
  Proof.
    assert (small := factor_small (slt 0 gap)). unfold upper_term.
    assert (rounded := le_scale_up gap _ gap_range small). apply IZR_le in rounded.
    rewrite !mult_IZR, <- pow30 in rounded. destruct enc as [[low high] _].
    apply divide. refine (Rle_trans _ _ _ _ rounded).
    rewrite slt_spec, signed_zero. destruct (Z.ltb_spec 0 (signed gap)) as [positive|negative].
    - apply IZR_lt in positive. nra.
    - apply IZR_le in negative. nra.
  Qed.

  Theorem lower_term_bound : IZR (signed (lower_term e gap)) <= a * IZR (signed gap).
  Proof.
    assert (small := factor_small (negb (slt 0 gap))). unfold lower_term.
    replace (if slt 0 gap then fst e else snd e) with (if negb (slt 0 gap) then snd e else fst e)
      by (destruct (slt 0 gap); reflexivity).
    assert (rounded := scale_down_le gap _ gap_range small). apply IZR_le in rounded.
    rewrite !mult_IZR, <- pow30 in rounded. destruct enc as [[low high] _].
    apply divide. refine (Rle_trans _ _ _ rounded _).
    rewrite slt_spec, signed_zero. destruct (Z.ltb_spec 0 (signed gap)) as [positive|negative]; cbn [negb].
    - apply IZR_lt in positive. nra.
    - apply IZR_le in negative. nra.
  Qed.

  Lemma upper_term_abs : (Z.abs (signed (upper_term e gap)) <= 2 ^ 31)%Z.
  Proof. apply scale_up_abs; [exact gap_range | apply (factor_small (slt 0 gap))]. Qed.

  Lemma lower_term_abs : (Z.abs (signed (lower_term e gap)) <= 2 ^ 31)%Z.
  Proof.
    apply scale_down_abs; [exact gap_range|].
    assert (small := factor_small (negb (slt 0 gap))). destruct (slt 0 gap); exact small.
  Qed.
End Term.

(** ** Lists *)

Lemma first_short_none : forall (count : nat -> int) (claims : list int) (q : nat),
  first_short count q claims = None ->
  (claimed_total claims <= sumZ (length claims) (fun k => to_Z (count (q + k)%nat)))%Z.
Proof.
  intros count. induction claims as [|claim claims IH]; intros q none; cbn [claimed_total fold_right length sumZ]; [lia|].
  cbn [first_short] in none. cbv zeta in none. rewrite Nat.add_0_r.
  assert (step : (to_Z claim <= to_Z (count q))%Z /\ first_short count (S q) claims = None).
  { assert (zero := eqb_correct claim 0). assert (spec := leb_spec claim (count q)).
    destruct (claim =? 0)%uint63.
    - split; [|exact none]. rewrite (zero eq_refl). apply to_Z_range.
    - destruct (leb claim (count q)); [|discriminate none]. split; [apply spec; reflexivity | exact none]. }
  destruct step as [first later]. specialize (IH (S q) later).
  fold (claimed_total claims).
  rewrite (sumZ_ext _ _ (fun k => to_Z (count (S q + k)%nat))); [lia|].
  intros k _. do 2 f_equal. lia.
Qed.
