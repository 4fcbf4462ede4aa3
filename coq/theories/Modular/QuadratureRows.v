(* CompactProofs: Modular: QuadratureRows *)
(* MIT licence. *)
From Coq Require Import ZArith List Arith Bool Lia Uint63.
From CompactProofs Require Import Base.Lists Base.Sums Base.Signed63 Base.Matrix.
From CompactProofs Require Import Modular.CosTable Modular.Quadrature Modular.QuadratureMath.
Import ListNotations.
(** * Rows of machine integers: what the functions of Modular.Quadrature compute
    - [wave_spec], [transpose_spec], [residual_spec], [weighted_spec] == entries
    - [row_top_ge], [row_top_le]     == the largest absolute value of a row
    - [signed_positive], [signed_negative] == relu of x and of - x
    - [least_rows_spec]              == below every row; within the bounds of the rows
    - [lead_row_spec]                == the lead of the right answer, by the distance to the other *)
Local Open Scope Z_scope.

Lemma at1_congruent : forall (row : list int) (i : nat), congruent (nth i row 0%uint63) (at1 row i).
Proof. intros row i. apply signed_congruent. Qed.

Lemma at1_of_congruent : forall (row : list int) (i : nat) (z : Z),
  congruent (nth i row 0%uint63) z -> Z.abs z <= 2 ^ 60 -> at1 row i = z.
Proof. intros row i z same range. apply signed_of_congruent; [exact same | lia]. Qed.

(** ** Waves *)

Lemma wave_length : forall (u v : int) (cosine sine : list int), length cosine = length sine ->
  length (wave u v cosine sine) = length sine.
Proof. intros u v cosine sine same. unfold wave. rewrite zip_with_length, same. apply Nat.min_id. Qed.

Lemma wave_spec : forall (u v : int) (cosine sine : list int) (i : nat) (a b x y : Z),
  (i < length cosine)%nat -> (i < length sine)%nat ->
  congruent u a -> congruent v b -> congruent (nth i cosine 0%uint63) x -> congruent (nth i sine 0%uint63) y ->
  congruent (nth i (wave u v cosine sine) 0%uint63) (a * x - b * y).
Proof.
  intros u v cosine sine i a b x y in_cosine in_sine same_u same_v same_x same_y. unfold wave.
  rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by assumption.
  apply congruent_sub; apply congruent_mul; assumption.
Qed.

(** ** Transposition *)

Lemma transpose_length : forall (columns : nat) (rows : list (list int)),
  (forall row, In row rows -> length row = columns) -> length (transpose columns rows) = columns.
Proof.
  intros columns. induction rows as [|row rows IH]; intros lengths; cbn [transpose]; [apply repeat_length|].
  rewrite zip_with_length, IH by (intros r inside; apply lengths; right; exact inside).
  rewrite (lengths row) by (left; reflexivity). apply Nat.min_id.
Qed.

Lemma transpose_spec : forall (columns j : nat) (rows : list (list int)),
  (forall row, In row rows -> length row = columns) -> (j < columns)%nat ->
  length (nth j (transpose columns rows) []) = length rows /\
  forall i, (i < length rows)%nat -> nth i (nth j (transpose columns rows) []) 0%uint63 = nth j (nth i rows []) 0%uint63.
Proof.
  intros columns j. induction rows as [|row rows IH]; intros lengths below.
  - cbn [transpose]. rewrite nth_repeat. split; [reflexivity|]. intros i inside. inversion inside.
  - assert (later : forall r, In r rows -> length r = columns) by (intros r inside; apply lengths; right; exact inside).
    destruct (IH later below) as [len entries]. cbn [transpose].
    rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 []).
    + split; [cbn [length]; rewrite len; reflexivity|]. intros [|i] inside; [reflexivity|]. cbn [nth].
      apply entries. cbn [length] in inside. lia.
    + rewrite (lengths row) by (left; reflexivity). exact below.
    + rewrite transpose_length by exact later. exact below.
Qed.

(** ** Absolute values *)

Lemma signed_absolute : forall x : int, Z.abs (signed x) <= 2 ^ 61 -> signed (absolute x) = Z.abs (signed x).
Proof. intros x bound. rewrite <- to_Z_absolute in *. apply signed_small. lia. Qed.

Lemma residual_spec : forall (scale : int) (column near : list int) (i : nat) (k : Z),
  (i < length column)%nat -> (i < length near)%nat -> congruent scale k ->
  Z.abs (k * at1 column i - at1 near i) <= 2 ^ 60 ->
  at1 (residual scale column near) i = Z.abs (k * at1 column i - at1 near i).
Proof.
  intros scale column near i k in_column in_near same range. unfold residual, at1 at 1.
  rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by assumption.
  assert (value : signed (scale * nth i column 0 - nth i near 0)%uint63 = k * at1 column i - at1 near i).
  { apply signed_of_congruent; [|lia]. apply congruent_sub; [apply congruent_mul; [exact same|]|]; apply at1_congruent. }
  rewrite signed_absolute by (rewrite value; lia). rewrite value. reflexivity.
Qed.

Lemma row_top_ge : forall (row : list int) (i : nat), Z.abs (at1 row i) <= to_Z (row_top row).
Proof. intros row i. exact (max_abs_bound [row] O i). Qed.

Lemma row_top_le : forall (row : list int) (top : Z),
  0 <= top -> (forall i, (i < length row)%nat -> Z.abs (at1 row i) <= top) -> to_Z (row_top row) <= top.
Proof.
  intros row top nonneg. unfold row_top. assert (start : to_Z 0%uint63 <= top) by exact nonneg. revert start.
  generalize 0%uint63. induction row as [|x row IH]; intros largest start bound; [exact start|]. cbn [row_max_abs].
  apply IH.
  - assert (first := bound O ltac:(cbn [length]; lia)). unfold at1 in first. cbn [nth] in first.
    destruct (ltb largest (absolute x)); [rewrite to_Z_absolute; exact first | exact start].
  - intros i inside. apply (bound (S i)). cbn [length]. lia.
Qed.

Lemma signed_positive : forall x : int, signed (positive x) = Z.max 0 (signed x).
Proof.
  intro x. unfold positive. assert (spec := ltb_spec x half). change (to_Z half) with (2 ^ 62) in spec.
  assert (range := to_Z_range x). destruct (ltb x half).
  - assert (small : to_Z x < 2 ^ 62) by (apply spec; reflexivity). rewrite signed_small by exact small. lia.
  - assert (large : ~ to_Z x < 2 ^ 62) by (intro small; apply spec in small; discriminate small).
    unfold signed at 2. destruct (Z.ltb_spec (to_Z x) (2 ^ 62)); [lia|]. rewrite signed_zero. lia.
Qed.

Lemma signed_negative : forall x : int, Z.abs (signed x) <= 2 ^ 61 -> signed (negative x) = Z.max 0 (- signed x).
Proof.
  intros x bound. unfold negative. assert (spec := ltb_spec x half). change (to_Z half) with (2 ^ 62) in spec.
  assert (range := to_Z_range x). destruct (ltb x half).
  - assert (small : to_Z x < 2 ^ 62) by (apply spec; reflexivity). rewrite (signed_small x) by exact small.
    rewrite signed_zero. lia.
  - assert (large : ~ to_Z x < 2 ^ 62) by (intro small; apply spec in small; discriminate small).
    rewrite signed_opp by lia. unfold signed in *. destruct (Z.ltb_spec (to_Z x) (2 ^ 62)); lia.
Qed.

(** ** Weighted sums of rows *)

Lemma sum_over_nth : forall (A : Type) (f : A -> Z) (default : A) (l : list A),
  sumZ (length l) (fun k => f (nth k l default)) = sum_over f l.
Proof.
  intros A f default. induction l as [|x l IH]; [reflexivity|]. cbn [length sumZ sum_over nth]. rewrite IH. reflexivity.
Qed.

Lemma weighted_spec : forall (p : nat) (weights : list int) (rows : list (list int)) (some : list nat),
  (forall j, In j some -> length (nth j rows []) = p) ->
  length (weighted p weights rows some) = p /\
  forall i, (i < p)%nat ->
    congruent (nth i (weighted p weights rows some) 0%uint63) (sum_over (fun j => at1 weights j * at2 rows j i) some).
Proof.
  intros p weights rows some lengths. unfold weighted.
  destruct (Matrix.row_times_spec p (map (fun j => nth j weights 0%uint63) some) (map (fun j => nth j rows []) some)) as [len
    entries].
  - rewrite !map_length. reflexivity.
  - intros row inside. apply in_map_iff in inside. destruct inside as (j & <- & inside). apply lengths, inside.
  - split; [exact len|]. intros i below. rewrite <- (sum_over_nth _ _ O).
    rewrite (sumZ_ext _ _ (fun k => at1 (map (fun j => nth j weights 0%uint63) some) k * at2 (map (fun j => nth j rows [])
      some) k i)).
    + assert (entry := entries i below). rewrite map_length in entry. exact entry.
    + intros k inside. unfold at1 at 2, at2 at 2. rewrite (nth_map_any _ _ _ _ _ O) by exact inside.
      rewrite (nth_map_any _ _ _ _ _ O) by exact inside. reflexivity.
Qed.

(** ** The least of rows *)

Lemma least_rows_spec : forall (p : nat) (rows : list (list int)),
  rows <> [] -> (forall row, In row rows -> length row = p) ->
  length (least_rows rows) = p /\
  forall d, (d < p)%nat ->
    (forall row, In row rows -> at1 (least_rows rows) d <= at1 row d) /\
    exists row, In row rows /\ at1 (least_rows rows) d = at1 row d.
Proof.
  intros p. induction rows as [|row rows IH]; intros some lengths; [contradiction|].
  destruct rows as [|other rows].
  - cbn [least_rows]. split; [apply lengths; left; reflexivity|]. intros d below. split.
    + intros r [->|[]]. lia.
    + exists row. split; [left; reflexivity | reflexivity].
  - destruct IH as [len entries]; [discriminate | intros r inside; apply lengths; right; exact inside|].
    assert (len_row : length row = p) by (apply lengths; left; reflexivity).
    change (least_rows (row :: other :: rows)) with (zip_with smin row (least_rows (other :: rows))).
    split; [rewrite zip_with_length, len, len_row; apply Nat.min_id|]. intros d below.
    destruct (entries d below) as [least (one & inside & same)].
    assert (value : at1 (zip_with smin row (least_rows (other :: rows))) d =
      Z.min (at1 row d) (at1 (least_rows (other :: rows)) d)).
    { unfold at1. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by lia. apply signed_smin. }
    rewrite value. split.
    + intros r [->|also]; [lia|]. assert (bound := least r also). lia.
    + destruct (Z.min_spec (at1 row d) (at1 (least_rows (other :: rows)) d)) as [[_ ->]|[_ ->]].
      * exists row. split; [left; reflexivity | reflexivity].
      * exists one. split; [right; exact inside | exact same].
Qed.

(** ** Leads *)

Lemma lead_row_length : forall (twice : nat) (values : list int), length (lead_row twice values) = length values.
Proof. intros twice values. unfold lead_row. rewrite map_length. apply rotated_length. Qed.

(** [f]: what [values] stands for, of period p. *)
Lemma lead_row_spec : forall (p : nat) (values : list int) (f : Z -> Z) (sigma d : nat),
  length values = p -> (forall i, f (i mod Z.of_nat p) = f i) ->
  (forall i, (i < p)%nat -> congruent (nth i values 0%uint63) (f (Z.of_nat i))) ->
  (d < p)%nat ->
  congruent (nth d (lead_row (Z.to_nat ((2 * Z.of_nat sigma) mod Z.of_nat p)) values) 0%uint63)
    (f (2 * Z.of_nat sigma) - f (2 * Z.of_nat sigma + Z.of_nat d)).
Proof.
  intros p values f sigma d len periodic entries below. set (twice := Z.to_nat ((2 * Z.of_nat sigma) mod Z.of_nat p)).
  assert (twice_below : (twice < p)%nat) by (apply place_below; lia).
  assert (turn : forall e, (e < p)%nat -> congruent (nth e (rotated twice values) 0%uint63) (f (2 * Z.of_nat sigma +
    Z.of_nat e))).
  { intros e below_e. rewrite nth_rotated by lia. rewrite len.
    replace (f (2 * Z.of_nat sigma + Z.of_nat e))
      with (f (Z.of_nat (Z.to_nat ((Z.of_nat twice + Z.of_nat e) mod Z.of_nat p)))).
    - apply entries, place_below. lia.
    - assert (range := Z.mod_pos_bound (Z.of_nat twice + Z.of_nat e) (Z.of_nat p) ltac:(lia)).
      rewrite Z2Nat.id, periodic by lia. unfold twice.
      assert (range_2 := Z.mod_pos_bound (2 * Z.of_nat sigma) (Z.of_nat p) ltac:(lia)).
      rewrite Z2Nat.id by lia. rewrite <- periodic, Zplus_mod_idemp_l. apply periodic. }
  unfold lead_row. cbv zeta. rewrite (nth_map_any _ _ _ _ _ 0%uint63) by (rewrite rotated_length; lia).
  apply congruent_sub; [|apply turn, below].
  assert (first := turn O ltac:(lia)). rewrite Z.add_0_r in first.
  replace (hd 0%uint63 (rotated twice values)) with (nth 0 (rotated twice values) 0%uint63); [exact first|].
  destruct (rotated twice values); reflexivity.
Qed.
