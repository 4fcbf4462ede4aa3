(* CompactProofs: Cert: ProductsSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Base.Sums Base.Signed63 Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Terms Cert.TermsSound Cert.Bands Cert.Products.
Import ListNotations.
(** * How far the entries of a row of a product lie apart
    When the tests of [product_of] pass, its rows and penalties are what Products says, whatever the factors are.
    - [dotZ inner A B q t] == entry (q, t) of A B, as an integer
    - [times n X Y]        == the product of two matrices given as functions
    Main results: [product_of_spec], [exact_product_spec]. Source: docs/max_of_k.md, section 3. *)
Local Open Scope Z_scope.

Definition dotZ (inner : nat) (A B : list (list int)) (q t : nat) : Z := sumZ inner (fun k => at2 A q k * at2 B k t).

(** ** Products of integer matrices *)

Local Definition times (n : nat) (X Y : nat -> nat -> Z) (i j : nat) : Z := sumZ n (fun k => X i k * Y k j).

Local Lemma times_ext : forall (n : nat) (X X' Y Y' : nat -> nat -> Z) (i j : nat),
  (forall k, (k < n)%nat -> X i k = X' i k) -> (forall k, (k < n)%nat -> Y k j = Y' k j) ->
  times n X Y i j = times n X' Y' i j.
Proof.
  intros n X X' Y Y' i j same_X same_Y. apply sumZ_ext. intros k below. rewrite same_X, same_Y by exact below. reflexivity.
Qed.

Local Lemma times_assoc : forall (n p : nat) (X Y W : nat -> nat -> Z) (i j : nat),
  times p (times n X Y) W i j = times n X (times p Y W) i j.
Proof.
  intros n p X Y W i j. unfold times.
  rewrite (sumZ_ext p _ (fun k => sumZ n (fun l => W k j * (X i l * Y l k)))).
  2: { intros k _. rewrite sumZ_mult_l. ring. }
  rewrite sumZ_swap. apply sumZ_ext. intros l _. rewrite <- sumZ_mult_l. apply sumZ_ext. intros k _. ring.
Qed.

Local Lemma times_plus_r : forall (n : nat) (X Y W : nat -> nat -> Z) (i j : nat),
  times n X (fun k j' => Y k j' + W k j') i j = times n X Y i j + times n X W i j.
Proof. intros n X Y W i j. unfold times. rewrite <- sumZ_plus. apply sumZ_ext. intros k _. ring. Qed.

Local Lemma times_plus_l : forall (n : nat) (X Y W : nat -> nat -> Z) (i j : nat),
  times n (fun i' k => X i' k + Y i' k) W i j = times n X W i j + times n Y W i j.
Proof. intros n X Y W i j. unfold times. rewrite <- sumZ_plus. apply sumZ_ext. intros k _. ring. Qed.

Local Definition diagonal (unit : Z) (i j : nat) : Z := if Nat.eqb j i then unit else 0.

Local Lemma sumZ_at : forall (n i : nat) (unit : Z) (f : nat -> Z),
  (i < n)%nat -> sumZ n (fun k => diagonal unit i k * f k) = unit * f i.
Proof.
  induction n as [|n IH]; intros i unit f below; [lia|]. cbn [sumZ]. destruct i as [|i].
  - rewrite (sumZ_ext n _ (fun _ => 0)); [|intros k _; reflexivity]. rewrite sumZ_zero.
    change (diagonal unit 0 0) with unit. ring.
  - change (diagonal unit (S i) 0) with 0. change (fun k => diagonal unit (S i) (S k) * f (S k))
      with (fun k => diagonal unit i k * f (S k)).
    rewrite (IH i unit (fun k => f (S k))) by lia. ring.
Qed.

(** A product, times the unit, in three parts. *)
Local Lemma times_split : forall (inner rank bounded : nat) (unit : Z) (A L1 R1 L2 R2 E B : nat -> nat -> Z) (q t : nat),
  (forall l k, (l < inner)%nat -> (k < inner)%nat ->
    E l k = diagonal unit l k - times rank L1 R1 l k - times bounded L2 R2 l k) ->
  unit * times inner A B q t =
    times rank (times inner A L1) (times inner R1 B) q t + times bounded (times inner A L2) (times inner R2 B) q t +
    times inner (times inner A E) B q t.
Proof.
  intros inner rank bounded unit A L1 R1 L2 R2 E B q t remainder. rewrite !times_assoc, <- !times_plus_r.
  unfold times at 1 2. rewrite <- sumZ_mult_l. apply sumZ_ext. intros l below.
  transitivity (A q l * (unit * B l t)); [ring|]. f_equal.
  rewrite <- !times_assoc, <- !times_plus_l. rewrite <- (sumZ_at inner l unit (fun k => B k t) below).
  apply sumZ_ext. intros k inside. f_equal. rewrite remainder by assumption. ring.
Qed.

(** What a row's entries and a column's range say of a sum. *)
Local Lemma spread : forall (n : nat) (a f g range : nat -> Z),
  (forall k, (k < n)%nat -> f k - g k <= range k) -> (forall k, (k < n)%nat -> g k - f k <= range k) ->
  sumZ n (fun k => a k * f k) - sumZ n (fun k => a k * g k) <= sumZ n (fun k => Z.abs (a k) * range k).
Proof.
  intros n a f g range above below.
  assert (less : sumZ n (fun k => a k * f k) <= sumZ n (fun k => a k * g k + Z.abs (a k) * range k)).
  - apply sumZ_le. intros k inside. specialize (above k inside). specialize (below k inside). nia.
  - rewrite sumZ_plus in less. lia.
Qed.

(** ** Machine products *)

Local Lemma mul_spec : forall (r n c : nat) (A B : list (list int)),
  has_shape r n A = true -> has_shape n c B = true -> product_fits n A B = true ->
  has_shape r c (mul c A B) = true /\
  forall i j, (i < r)%nat -> (j < c)%nat ->
    at2 (mul c A B) i j = dotZ n A B i j /\ Z.abs (at2 (mul c A B) i j) <= 2 ^ 60.
Proof.
  intros r n c A B shape_A shape_B fits. split; [exact (mul_shape r n c A B shape_A shape_B)|].
  intros i j row column. rewrite (mul_exact r n c) by assumption. split; [reflexivity|].
  unfold product_fits in fits. apply Z.leb_le in fits. etransitivity; [|exact fits].
  apply sumZ_bound. intros k _. rewrite Z.abs_mul.
  apply Z.mul_le_mono_nonneg; [lia | apply max_abs_bound | lia | apply max_abs_bound].
Qed.

(** ** The remainder *)

Local Lemma remainder_shape : forall (n r c k : nat) (unit : int) (P Q : list (list int)),
  length P = r -> length Q = r -> has_shape r n (remainder_from k unit n P Q) = true.
Proof.
  intros n r c k unit P Q len_P len_Q. apply has_shape_intro.
  - revert r k Q len_P len_Q. induction P as [|p P IH]; intros r k [|q Q] len_P len_Q; cbn in *; try lia.
    destruct r as [|r]; [discriminate|]. f_equal. apply IH; lia.
  - intros row. clear len_P len_Q. revert k Q. induction P as [|p P IH]; intros k [|q Q] inside; try contradiction.
    destruct inside as [<-|inside]; [rewrite map_length; apply seq_length | exact (IH _ _ inside)].
Qed.

Local Lemma remainder_exact : forall (n r : nat) (unit : int) (P Q : list (list int)) (k i j : nat),
  length P = r -> length Q = r -> 0 <= signed unit <= 2 ^ 58 ->
  (forall l, (l < r)%nat -> Z.abs (at2 P l j) <= 2 ^ 60 /\ Z.abs (at2 Q l j) <= 2 ^ 60) ->
  (i < r)%nat -> (j < n)%nat ->
  at2 (remainder_from k unit n P Q) i j = diagonal (signed unit) (k + i) j - at2 P i j - at2 Q i j.
Proof.
  intros n r unit P. revert r. induction P as [|p P IH]; intros r [|q Q] k i j len_P len_Q small bounds row column;
    cbn [length] in len_P, len_Q; try lia.
  destruct i as [|i]; cbn [remainder_from].
  - unfold at2 at 1. cbn [nth]. unfold at1. rewrite (nth_map_any _ _ _ _ _ 0%nat) by (rewrite seq_length; exact column).
    rewrite seq_nth, Nat.add_0_l, Nat.add_0_r by exact column.
    destruct (bounds O row) as [bound_P bound_Q]. unfold at2, at1 in *. cbn [nth] in *.
    assert (corner : signed (if Nat.eqb j k then unit else 0%uint63) = diagonal (signed unit) k j).
    { unfold diagonal. destruct (Nat.eqb j k); reflexivity. }
    assert (range : 0 <= diagonal (signed unit) k j <= 2 ^ 58) by (unfold diagonal; destruct (Nat.eqb j k); lia).
    assert (first : signed ((if Nat.eqb j k then unit else 0) - nth j p 0)%uint63 =
      diagonal (signed unit) k j - signed (nth j p 0%uint63)) by (rewrite signed_sub; rewrite corner; lia).
    rewrite signed_sub; rewrite first; lia.
  - rewrite Nat.add_succ_r. change (at2 (?x :: ?l) (S i) j) with (at2 l i j).
    apply (IH (Nat.pred r)); try lia. intros l below. apply (bounds (S l)). lia.
Qed.

(** ** Penalties *)

Local Lemma fold_smax : forall (rest : list int) (x : int),
  In (fold_left smax rest x) (x :: rest) /\ forall y, In y (x :: rest) -> signed y <= signed (fold_left smax rest x).
Proof.
  induction rest as [|z rest IH]; intros x; cbn [fold_left].
  - split; [left; reflexivity|]. intros y [<-|[]]. lia.
  - destruct (IH (smax x z)) as [found above]. assert (top := signed_smax x z). split.
    + destruct found as [<-|found]; [|right; right; exact found].
      unfold smax. destruct (slt x z); [right; left | left]; reflexivity.
    + assert (first := above (smax x z) (or_introl eq_refl)).
      intros y [<-|[<-|inside]]; [lia | lia | apply above; right; exact inside].
Qed.

Local Lemma fold_smin : forall (rest : list int) (x : int),
  In (fold_left smin rest x) (x :: rest) /\ forall y, In y (x :: rest) -> signed (fold_left smin rest x) <= signed y.
Proof.
  induction rest as [|z rest IH]; intros x; cbn [fold_left].
  - split; [left; reflexivity|]. intros y [<-|[]]. lia.
  - destruct (IH (smin x z)) as [found below]. assert (bottom := signed_smin x z). split.
    + destruct found as [<-|found]; [|right; right; exact found].
      unfold smin. destruct (slt x z); [left | right; left]; reflexivity.
    + assert (first := below (smin x z) (or_introl eq_refl)).
      intros y [<-|[<-|inside]]; [lia | lia | apply below; right; exact inside].
Qed.

Local Lemma row_range_spec : forall row : list int,
  (forall j, (j < length row)%nat -> Z.abs (at1 row j) <= 2 ^ 60) ->
  0 <= signed (row_range row) /\
  forall t u, (t < length row)%nat -> (u < length row)%nat -> at1 row t - at1 row u <= signed (row_range row).
Proof.
  intros [|x rest] bound.
  - split; [cbn [row_range]; rewrite signed_zero; lia|]. intros t u inside. inversion inside.
  - destruct (fold_smax rest x) as [in_top above]. destruct (fold_smin rest x) as [in_bottom below].
    assert (each : forall y, In y (x :: rest) -> Z.abs (signed y) <= 2 ^ 60).
    { intros y inside. destruct (In_nth _ _ 0%uint63 inside) as (j & short & <-). exact (bound j short). }
    assert (top := each _ in_top). assert (bottom := each _ in_bottom). assert (order := above _ in_bottom).
    cbn [row_range]. rewrite signed_sub by lia. split; [lia|]. intros t u inside_t inside_u.
    assert (high := above _ (nth_In (x :: rest) 0%uint63 inside_t)).
    assert (low := below _ (nth_In (x :: rest) 0%uint63 inside_u)). unfold at1. lia.
Qed.

Local Lemma absolute_dot_congruent : forall a b : list int,
  length a = length b -> congruent (absolute_dot a b) (sumZ (length b) (fun k => Z.abs (at1 a k) * at1 b k)).
Proof.
  unfold absolute_dot. induction a as [|x a IH]; intros [|y b] len; try discriminate len; [exact (congruent_to_Z 0)|].
  cbn [map dot length sumZ]. apply congruent_add.
  - apply congruent_mul; [|apply signed_congruent]. change (at1 (x :: a) 0) with (signed x).
    rewrite <- to_Z_absolute. apply congruent_to_Z.
  - apply IH. cbn in len. lia.
Qed.

(** No entry of a row of [X Y] exceeds another by more than the penalty of the row. *)
Local Lemma penalty_spec : forall (r n c q : nat) (X Y : list (list int)),
  has_shape r n X = true -> has_shape n c Y = true -> product_fits n X [ranges Y] = true ->
  (forall i j, (i < n)%nat -> (j < c)%nat -> Z.abs (at2 Y i j) <= 2 ^ 60) -> (q < r)%nat ->
  let penalty := signed (absolute_dot (nth q X []) (ranges Y)) in
  0 <= penalty <= 2 ^ 60 /\
  forall t u, (t < c)%nat -> (u < c)%nat -> dotZ n X Y q t - dotZ n X Y q u <= penalty.
Proof.
  intros r n c q X Y shape_X shape_Y fits bound row penalty.
  assert (len := has_shape_length _ _ _ _ shape_Y).
  assert (range : forall k, (k < n)%nat -> 0 <= at1 (ranges Y) k /\
    forall t u, (t < c)%nat -> (u < c)%nat -> at2 Y k t - at2 Y k u <= at1 (ranges Y) k).
  { intros k inside. assert (width := has_shape_row _ _ _ _ _ shape_Y inside).
    unfold at1 at 1 2, ranges. rewrite (nth_map_any _ _ _ _ _ []) by lia.
    destruct (row_range_spec (nth k Y [])) as [nonneg apart].
    - intros j short. apply bound; lia.
    - split; [exact nonneg|]. intros t u inside_t inside_u. apply apart; lia. }
  assert (total : 0 <= sumZ n (fun k => Z.abs (at2 X q k) * at1 (ranges Y) k) <= 2 ^ 60).
  { split; [apply sumZ_nonneg; intros k inside; destruct (range k inside) as [nonneg _]; nia|].
    unfold product_fits in fits. apply Z.leb_le in fits. etransitivity; [|exact fits].
    etransitivity; [apply (proj1 (Z.abs_le _ _)), Z.le_refl|]. apply sumZ_bound.
    intros k _. rewrite Z.abs_mul, Z.abs_involutive.
    apply Z.mul_le_mono_nonneg; [lia | apply max_abs_bound | lia | exact (max_abs_bound [ranges Y] 0 k)]. }
  assert (exact : penalty = sumZ n (fun k => Z.abs (at2 X q k) * at1 (ranges Y) k)).
  { apply signed_of_congruent; [|lia].
    assert (width : length (ranges Y) = n) by (unfold ranges; rewrite map_length; exact len).
    rewrite <- width at 1. apply absolute_dot_congruent.
    rewrite width. exact (has_shape_row _ _ _ _ _ shape_X row). }
  rewrite exact. split; [exact total|]. intros t u inside_t inside_u. unfold dotZ.
  apply spread; intros k inside; apply range; assumption.
Qed.

(** ** Main results *)

Local Lemma all_pass : forall tests : list (bool * refusal),
  first_failure tests = None -> fold_right (fun test rest => fst test = true /\ rest) True tests.
Proof.
  induction tests as [|[passed why] tests IH]; intros none; [exact I|].
  cbn [first_failure fold_right fst] in *. destruct passed; [|discriminate none]. split; [reflexivity | exact (IH none)].
Qed.

Theorem exact_product_spec : forall (which : stage) (rows inner columns : nat) (A B : list (list int)),
  has_shape rows inner A = true -> has_shape inner columns B = true ->
  first_failure (snd (product_of which Exact inner columns A B)) = None ->
  let P := fst (product_of which Exact inner columns A B) in
  product_bits P = 0%uint63 /\ has_shape rows columns (product_rows P) = true /\ length (penalties P) = rows /\
  (forall q, at1 (penalties P) q = 0) /\
  forall q t, (q < rows)%nat -> (t < columns)%nat -> at2 (product_rows P) q t = dotZ inner A B q t.
Proof.
  intros which rows inner columns A B shape_A shape_B none P. cbn [product_of fst snd] in *.
  destruct (all_pass _ none) as [fits _]. cbn [fst] in fits.
  destruct (mul_spec rows inner columns A B shape_A shape_B fits) as [shape values].
  unfold P. cbn [product_bits product_rows penalties]. repeat split.
  - exact shape.
  - rewrite repeat_length. exact (has_shape_length _ _ _ _ shape_A).
  - intros q. unfold at1. rewrite nth_repeat. exact signed_zero.
  - intros q t row column. apply values; assumption.
Qed.

Local Lemma low_rank_product_spec : forall (which : stage) (f : factors) (rows inner columns : nat) (A B : list (list int)),
  has_shape rows inner A = true -> has_shape inner columns B = true ->
  first_failure (snd (product_of which (Low_rank f) inner columns A B)) = None ->
  let P := fst (product_of which (Low_rank f) inner columns A B) in
  has_shape rows columns (product_rows P) = true /\ length (penalties P) = rows /\ to_Z (product_bits P) <= 58 /\
  (forall q, 0 <= at1 (penalties P) q <= 2 ^ 61) /\
  forall q t u, (q < rows)%nat -> (t < columns)%nat -> (u < columns)%nat ->
    2 ^ to_Z (product_bits P) * (dotZ inner A B q t - dotZ inner A B q u)
      <= at2 (product_rows P) q t - at2 (product_rows P) q u + at1 (penalties P) q.
Proof.
  intros which f rows inner columns A B shape_A shape_B none P.
  change (first_failure (low_rank_tests which f inner A B (parts_of f inner columns A B)) = None) in none.
  apply all_pass in none. unfold low_rank_tests in none. cbn [fold_right fst] in none.
  unfold P, product_of. cbn [fst]. clear P. unfold low_rank_product. cbn [product_bits product_rows penalties].
  unfold parts_of in *. cbn [left_1 right_1 left_2 right_2 inner_1 inner_2 remainder A_left_1 right_1_B A_left_2 right_2_B
    A_remainder] in *.
  set (L1 := of_rows (power 0) (peeled_left f)) in *. set (R1 := of_rows (power 0) (peeled_right f)) in *.
  set (L2 := of_rows (power 0) (bounded_left f)) in *. set (R2 := of_rows (power 0) (bounded_right f)) in *.
  set (rank := length R1) in *. set (bounded := length R2) in *.
  destruct none as (shape_L1 & shape_R1 & shape_L2 & shape_R2 & _ & _ & _ & _ & few & fits_B & fits_1 & fits_2 &
    fits_A1 & fits_B1 & fits_A2 & fits_B2 & fits_AE & fits_rows & fits_ranges & fits_remainder & _).
  apply of_rows_shape with (factor := power 0) in shape_L1, shape_R1, shape_L2, shape_R2.
  fold L1 in shape_L1. fold R1 in shape_R1. fold L2 in shape_L2. fold R2 in shape_R2. apply Z.leb_le in few.
  destruct (mul_spec _ _ _ _ _ shape_L1 shape_R1 fits_1) as [shape_1 inner_1].
  destruct (mul_spec _ _ _ _ _ shape_L2 shape_R2 fits_2) as [shape_2 inner_2].
  destruct (mul_spec _ _ _ _ _ shape_A shape_L1 fits_A1) as [shape_A1 A1].
  destruct (mul_spec _ _ _ _ _ shape_R1 shape_B fits_B1) as [shape_B1 B1].
  destruct (mul_spec _ _ _ _ _ shape_A shape_L2 fits_A2) as [shape_A2 A2].
  destruct (mul_spec _ _ _ _ _ shape_R2 shape_B fits_B2) as [shape_B2 B2].
  destruct (mul_spec _ _ _ _ _ shape_A1 shape_B1 fits_rows) as [shape_rows product].
  set (E := remainder_from 0 (1 << bits f)%uint63 inner (mul inner L1 R1) (mul inner L2 R2)) in *.
  assert (len_1 := has_shape_length _ _ _ _ shape_1). assert (len_2 := has_shape_length _ _ _ _ shape_2).
  assert (shape_E : has_shape inner inner E = true) by (apply remainder_shape; assumption).
  destruct (mul_spec _ _ _ _ _ shape_A shape_E fits_AE) as [shape_AE AE].
  assert (unit : signed (1 << bits f)%uint63 = 2 ^ to_Z (bits f) /\ 0 <= 2 ^ to_Z (bits f) <= 2 ^ 58).
  { assert (range := to_Z_range (bits f)).
    assert (positive : 0 < 2 ^ to_Z (bits f)) by (apply Z.pow_pos_nonneg; lia).
    assert (small : 2 ^ to_Z (bits f) <= 2 ^ 58) by (apply Z.pow_le_mono_r; lia).
    assert (value : to_Z (1 << bits f)%uint63 = 2 ^ to_Z (bits f)).
    { rewrite lsl_spec. change (to_Z 1) with 1. rewrite Z.mul_1_l. apply Z.mod_small. change wB with (2 ^ 63). lia. }
    split; [|lia]. rewrite signed_small; lia. }
  destruct unit as [unit unit_range].
  assert (remainder : forall l k, (l < inner)%nat -> (k < inner)%nat ->
    at2 E l k = diagonal (2 ^ to_Z (bits f)) l k - times rank (at2 L1) (at2 R1) l k - times bounded (at2 L2) (at2 R2) l k).
  { intros l k below inside. rewrite <- unit. unfold E. rewrite (remainder_exact inner inner); try assumption; [|lia|].
    - destruct (inner_1 l k below inside) as [-> _]. destruct (inner_2 l k below inside) as [-> _]. reflexivity.
    - intros l' below'. split; [apply inner_1 | apply inner_2]; assumption. }
  assert (small_B : forall i j, (i < inner)%nat -> (j < columns)%nat -> Z.abs (at2 B i j) <= 2 ^ 60).
  { intros i j _ _. assert (bound := max_abs_bound B i j). unfold sum_fits in fits_B. apply Z.leb_le in fits_B. lia. }
  assert (penalties_2 := fun q row => penalty_spec rows bounded columns q _ _ shape_A2 shape_B2 fits_ranges
    (fun i j below inside => proj2 (B2 i j below inside)) row).
  assert (penalties_E := fun q row => penalty_spec rows inner columns q _ _ shape_AE shape_B fits_remainder small_B row).
  cbv zeta in penalties_2, penalties_E.
  set (both := zip_with _ _ _).
  assert (len_A2 := has_shape_length _ _ _ _ shape_A2). assert (len_AE := has_shape_length _ _ _ _ shape_AE).
  assert (len : length both = rows) by (unfold both; rewrite zip_with_length, !map_length, len_A2, len_AE; lia).
  assert (penalty : forall q, (q < rows)%nat -> at1 both q =
    signed (absolute_dot (nth q (mul bounded A L2) []) (ranges (mul columns R2 B))) +
    signed (absolute_dot (nth q (mul inner A E) []) (ranges B))).
  { intros q row. unfold at1, both. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by (rewrite map_length; lia).
    rewrite !(nth_map_any _ _ _ _ _ []) by lia.
    destruct (penalties_2 q row) as [range_2 _]. destruct (penalties_E q row) as [range_E _]. apply signed_add. lia. }
  split; [exact shape_rows|]. split; [exact len|]. split; [exact few|]. split.
  - intros q. destruct (Nat.lt_ge_cases q rows) as [row|outside].
    + rewrite (penalty q row). destruct (penalties_2 q row) as [range_2 _]. destruct (penalties_E q row) as [range_E _]. lia.
    + unfold at1. rewrite nth_overflow by lia. rewrite signed_zero. lia.
  - intros q t u row column_t column_u. rewrite (penalty q row).
    destruct (penalties_2 q row) as [_ apart_2]. destruct (penalties_E q row) as [_ apart_E].
    specialize (apart_2 t u column_t column_u). specialize (apart_E t u column_t column_u).
    assert (split : forall j, (j < columns)%nat -> 2 ^ to_Z (bits f) * dotZ inner A B q j =
      at2 (mul columns (mul rank A L1) (mul columns R1 B)) q j +
      dotZ bounded (mul bounded A L2) (mul columns R2 B) q j + dotZ inner (mul inner A E) B q j).
    { intros j column. destruct (product q j row column) as [-> _].
      change (dotZ inner A B q j) with (times inner (at2 A) (at2 B) q j).
      rewrite (times_split inner rank bounded _ (at2 A) (at2 L1) (at2 R1) (at2 L2) (at2 R2) (at2 E) _ _ _ remainder).
      f_equal; [f_equal|]; symmetry; apply times_ext; intros k inside; try reflexivity.
      - apply A1; assumption.
      - apply B1; assumption.
      - apply A2; assumption.
      - apply B2; assumption.
      - apply AE; assumption. }
    rewrite Z.mul_sub_distr_l, !split by assumption. lia.
Qed.

Theorem product_of_spec : forall (which : stage) (choice : product_choice) (rows inner columns : nat)
    (A B : list (list int)),
  has_shape rows inner A = true -> has_shape inner columns B = true ->
  first_failure (snd (product_of which choice inner columns A B)) = None ->
  let P := fst (product_of which choice inner columns A B) in
  has_shape rows columns (product_rows P) = true /\ length (penalties P) = rows /\ to_Z (product_bits P) <= 58 /\
  (forall q, 0 <= at1 (penalties P) q <= 2 ^ 61) /\
  forall q t u, (q < rows)%nat -> (t < columns)%nat -> (u < columns)%nat ->
    2 ^ to_Z (product_bits P) * (dotZ inner A B q t - dotZ inner A B q u)
      <= at2 (product_rows P) q t - at2 (product_rows P) q u + at1 (penalties P) q.
Proof.
  intros which [|f] rows inner columns A B shape_A shape_B none;
    [|apply low_rank_product_spec with (which := which); assumption].
  destruct (exact_product_spec which rows inner columns A B shape_A shape_B none) as (bits & shape & len & zero & values).
  cbv zeta. rewrite bits. change (to_Z 0) with 0. split; [exact shape|]. split; [exact len|]. split; [lia|].
  split; [intros q; rewrite zero; lia|]. intros q t u row column_t column_u. rewrite zero, !values by assumption. lia.
Qed.
