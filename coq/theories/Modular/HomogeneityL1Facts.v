(* CompactProofs: Modular: HomogeneityL1Facts *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome Modular.Form
  Modular.FormSound Modular.HomogeneityL1.
Import ListNotations.
(** * What HomogeneityL1Sound needs of sums, of lists of machine integers, and of one neuron
    - [sumL l f]            == the sum of f over a list; [sumL_groups]: the same, group by group
    - [row_times_map]       == a weighted sum of rows, entry by entry, modulo 2^63
    - [least_of_le], [least_unwatched_le] == what these minima are below
    - [neuron_bound]        == one neuron: its part of the difference of two outputs, from below *)
Local Open Scope Z_scope.

(** ** Sums over lists *)

Definition sumL {A : Type} (l : list A) (f : A -> Z) : Z := fold_right (fun x t => f x + t) 0 l.

Lemma sumL_ext : forall (A : Type) (l : list A) (f g : A -> Z), (forall x, In x l -> f x = g x) -> sumL l f = sumL l g.
Proof.
  intros A l f g. induction l as [|x l IH]; intros same; [reflexivity|]. cbn [sumL fold_right].
  rewrite (same x) by (left; reflexivity). f_equal. apply IH. intros y inside. apply same. right. exact inside.
Qed.

Lemma sumL_le : forall (A : Type) (l : list A) (f g : A -> Z), (forall x, In x l -> f x <= g x) -> sumL l f <= sumL l g.
Proof.
  intros A l f g. induction l as [|x l IH]; intros less; [apply Z.le_refl|]. cbn [sumL fold_right].
  apply Z.add_le_mono; [apply less; left; reflexivity|]. apply IH. intros y inside. apply less. right. exact inside.
Qed.

Lemma sumL_mult_l : forall (A : Type) (l : list A) (z : Z) (f : A -> Z), sumL l (fun x => z * f x) = z * sumL l f.
Proof. intros A l z f. induction l as [|x l IH]; cbn [sumL fold_right]; [ring|]. unfold sumL in IH. rewrite IH. ring. Qed.

Lemma sumL_plus : forall (A : Type) (l : list A) (f g : A -> Z), sumL l (fun x => f x + g x) = sumL l f + sumL l g.
Proof. intros A l f g. induction l as [|x l IH]; cbn [sumL fold_right]; [ring|]. unfold sumL in IH. rewrite IH. ring. Qed.

Lemma sumL_minus : forall (A : Type) (l : list A) (f g : A -> Z), sumL l (fun x => f x - g x) = sumL l f - sumL l g.
Proof. intros A l f g. induction l as [|x l IH]; cbn [sumL fold_right]; [ring|]. unfold sumL in IH. rewrite IH. ring. Qed.

Lemma sumL_zero : forall (A : Type) (l : list A), sumL l (fun _ => 0) = 0.
Proof. intros A l. induction l as [|x l IH]; cbn [sumL fold_right]; [reflexivity|]. exact IH. Qed.

Lemma sumL_abs : forall (A : Type) (l : list A) (f g : A -> Z),
  (forall x, In x l -> Z.abs (f x) <= g x) -> Z.abs (sumL l f) <= sumL l g.
Proof.
  intros A l f g. induction l as [|x l IH]; intros bound; [apply Z.le_refl|]. cbn [sumL fold_right].
  assert (first := bound x (or_introl eq_refl)).
  assert (rest := IH (fun y inside => bound y (or_intror inside))). unfold sumL in rest. lia.
Qed.

Lemma sumL_nonneg : forall (A : Type) (l : list A) (f : A -> Z), (forall x, In x l -> 0 <= f x) -> 0 <= sumL l f.
Proof. intros A l f nonneg. rewrite <- (sumL_zero A l). apply sumL_le. exact nonneg. Qed.

Lemma sumL_term : forall (A : Type) (l : list A) (f : A -> Z) (x : A),
  In x l -> (forall y, In y l -> 0 <= f y) -> f x <= sumL l f.
Proof.
  intros A l f x. induction l as [|y l IH]; intros inside nonneg; [contradiction|]. cbn [sumL fold_right].
  assert (here := nonneg y (or_introl eq_refl)).
  assert (rest := sumL_nonneg A l f (fun z within => nonneg z (or_intror within))). unfold sumL in rest.
  destruct inside as [->|inside]; [lia|].
  assert (later := IH inside (fun z within => nonneg z (or_intror within))). unfold sumL in later. lia.
Qed.

Lemma sumL_seq : forall (n start : nat) (f : nat -> Z), sumL (seq start n) f = sumZ n (fun k => f (start + k)%nat).
Proof.
  induction n as [|n IH]; intros start f; [reflexivity|]. cbn [seq sumL fold_right sumZ]. rewrite Nat.add_0_r. f_equal.
  etransitivity; [apply (IH (S start))|]. apply sumZ_ext. intros k _. f_equal. lia.
Qed.

Lemma sumL_groups : forall (ks : list Z) (of_index : nat -> Z) (l : list nat) (f : nat -> Z),
  (forall j, In j l -> length (filter (Z.eqb (of_index j)) ks) = 1%nat) ->
  sumL ks (fun k => sumL (filter (fun j => of_index j =? k) l) f) = sumL l f.
Proof.
  intros ks of_index l f. induction l as [|j l IH]; intros once; [apply sumL_zero|].
  assert (split : sumL ks (fun k => sumL (filter (fun i => of_index i =? k) (j :: l)) f) =
    f j * sumL ks (fun k => if of_index j =? k then 1 else 0) + sumL ks (fun k => sumL (filter (fun i => of_index i
      =? k) l) f)).
  { rewrite <- sumL_mult_l, <- sumL_plus. apply sumL_ext. intros k _. cbn [filter].
    destruct (of_index j =? k); cbn [sumL fold_right]; unfold sumL; ring. }
  rewrite split, IH by (intros i inside; apply once; right; exact inside).
  assert (all : forall zs : list Z, sumL zs (fun k => if of_index j =? k then 1 else 0) =
    Z.of_nat (length (filter (Z.eqb (of_index j)) zs))).
  { induction zs as [|z zs IHz]; [reflexivity|]. cbn [sumL fold_right filter]. unfold sumL in IHz. rewrite IHz.
    destruct (of_index j =? z); cbn [length]; lia. }
  rewrite all, once by (left; reflexivity). cbn [sumL fold_right]. unfold sumL. lia.
Qed.

(** ** Lists of machine integers *)

Lemma nth_add_multiple : forall (a : int) (row accumulated : list int) (j : nat),
  (j < length row)%nat -> (j < length accumulated)%nat ->
  nth j (add_multiple a row accumulated) 0%uint63 = (a * nth j row 0 + nth j accumulated 0)%uint63.
Proof.
  intros a. induction row as [|x row IH]; intros [|y accumulated] j inside inside'; try (cbn in inside, inside'; lia).
  destruct j as [|j]; [reflexivity|]. cbn [add_multiple nth]. apply IH; cbn in inside, inside'; lia.
Qed.

Lemma add_multiple_length : forall (a : int) (row accumulated : list int),
  length (add_multiple a row accumulated) = Nat.min (length row) (length accumulated).
Proof. intros a. induction row as [|x row IH]; intros [|y accumulated]; cbn; try reflexivity. rewrite IH. reflexivity. Qed.

Lemma row_times_length : forall (A : Type) (p : nat) (w : A -> int) (v : A -> list int) (l : list A),
  (forall x, In x l -> length (v x) = p) -> length (row_times p (map w l) (map v l)) = p.
Proof.
  intros A p w v. induction l as [|x l IH]; intros lengths; [apply repeat_length|]. cbn [map row_times].
  rewrite add_multiple_length, lengths by (left; reflexivity).
  rewrite IH by (intros y inside; apply lengths; right; exact inside). apply Nat.min_id.
Qed.

Lemma row_times_map : forall (A : Type) (p i : nat) (w : A -> int) (v : A -> list int) (W V : A -> Z) (l : list A),
  (i < p)%nat -> (forall x, In x l -> length (v x) = p) ->
  (forall x, In x l -> congruent (w x) (W x)) ->
  (forall x, In x l -> congruent (nth i (v x) 0%uint63) (V x)) ->
  congruent (nth i (row_times p (map w l) (map v l)) 0%uint63) (sumL l (fun x => W x * V x)).
Proof.
  intros A p i w v W V. induction l as [|x l IH]; intros inside lengths same_w same_v.
  - cbn. rewrite nth_repeat. exact (congruent_to_Z 0).
  - cbn [map row_times sumL fold_right]. rewrite nth_add_multiple.
    + apply congruent_add.
      * apply congruent_mul; [apply same_w | apply same_v]; left; reflexivity.
      * apply IH; [exact inside | | |]; intros y within; [apply lengths | apply same_w | apply same_v]; right; exact within.
    + rewrite lengths by (left; reflexivity). exact inside.
    + rewrite row_times_length; [exact inside|]. intros y within. apply lengths. right. exact within.
Qed.

Lemma zip_with_maps : forall (A B C D : Type) (f : B -> C -> D) (g : A -> B) (h : A -> C) (l : list A),
  zip_with f (map g l) (map h l) = map (fun x => f (g x) (h x)) l.
Proof. intros A B C D f g h. induction l as [|x l IH]; [reflexivity|]. cbn. f_equal. exact IH. Qed.

Lemma row_max_abs_le : forall (top : Z) (row : list int) (start : int),
  to_Z start <= top -> (forall j, Z.abs (at1 row j) <= top) -> to_Z (row_max_abs row start) <= top.
Proof.
  intros top. induction row as [|x row IH]; intros start first bound; [exact first|]. cbn [row_max_abs]. cbv zeta. apply IH.
  - assert (here := bound O). unfold at1 in here. cbn [nth] in here. destruct (ltb start (absolute x)); [|exact first].
    rewrite to_Z_absolute. exact here.
  - intros j. exact (bound (S j)).
Qed.

Lemma row_max_abs_bound : forall (row : list int) (j : nat), Z.abs (at1 row j) <= to_Z (row_max_abs row 0).
Proof. intros row j. exact (max_abs_bound [row] 0 j). Qed.

Local Lemma fold_smin : forall (row : list int) (start : int),
  let low := signed (fold_left (fun low x => smin x low) row start) in
  low <= signed start /\ (forall i, (i < length row)%nat -> low <= at1 row i) /\
  forall b, - b <= signed start -> (forall i, (i < length row)%nat -> - b <= at1 row i) -> - b <= low.
Proof.
  cbv zeta. induction row as [|x row IH]; intros start; cbn [fold_left].
  - split; [apply Z.le_refl|]. split; [intros i inside; inversion inside | intros b bound _; exact bound].
  - destruct (IH (smin x start)) as (first & entries & below). rewrite signed_smin in first, below. split; [lia|]. split.
    + intros [|i] inside; [unfold at1; cbn [nth]; lia|]. apply entries. cbn in inside. lia.
    + intros b start_bound bound. apply below.
      * assert (here := bound O ltac:(cbn; lia)). unfold at1 in here. cbn [nth] in here. lia.
      * intros i inside. apply (bound (S i)). cbn. lia.
Qed.

Lemma signed_most : signed most = 2 ^ 60.
Proof. reflexivity. Qed.

Lemma least_of_le : forall (row : list int) (i : nat), (i < length row)%nat -> signed (least_of row) <= at1 row i.
Proof. intros row i inside. apply (fold_smin row most), inside. Qed.

Lemma least_of_abs : forall (row : list int) (b : Z),
  (0 < length row)%nat -> (forall i, (i < length row)%nat -> Z.abs (at1 row i) <= b) -> Z.abs (signed (least_of row)) <= b.
Proof.
  intros row b some bound. destruct (fold_smin row most) as (_ & entries & below).
  assert (first := bound O some). assert (low := entries O some).
  assert (more := below b ltac:(rewrite signed_most; lia)).
  assert (floor : forall i, (i < length row)%nat -> - b <= at1 row i) by (intros i inside; specialize (bound i inside); lia).
  specialize (more floor). unfold least_of. lia.
Qed.

Lemma least_unwatched_le : forall (sums : list int) (d : nat) (watched : list nat) (start : int),
  let low := signed (least_unwatched d watched sums start) in
  low <= signed start /\ forall i, (i < length sums)%nat -> In (d + i)%nat watched \/ low <= at1 sums i.
Proof.
  cbv zeta. induction sums as [|x sums IH]; intros d watched start; cbn [least_unwatched].
  - split; [apply Z.le_refl|]. intros i inside. inversion inside.
  - assert (step : forall watched', let low := signed (least_unwatched (S d) watched' sums (smin x start)) in
      low <= signed start /\ forall i, (i < length (x :: sums))%nat -> In (d + i)%nat watched' \/ low <= at1 (x :: sums) i).
    { cbv zeta. intros watched'. destruct (IH (S d) watched' (smin x start)) as [first entries].
      rewrite signed_smin in first. split; [lia|]. intros [|i] inside; [right; unfold at1; cbn [nth]; lia|].
      rewrite Nat.add_succ_r. apply (entries i). cbn in inside. lia. }
    destruct watched as [|w more]; [apply step|]. destruct (Nat.eqb_spec d w) as [same|other]; [|apply step].
    destruct (IH (S d) more start) as [first entries]. split; [exact first|]. intros [|i] inside.
    + left. rewrite Nat.add_0_r. left. symmetry. exact same.
    + destruct (entries i) as [found|low]; [cbn in inside; lia | left; right; rewrite Nat.add_succ_r; exact found | right;
        exact low].
Qed.

Lemma height_row_length : forall A X Y c s : list int,
  length X = length A -> length Y = length A -> (length A <= length c)%nat -> (length A <= length s)%nat ->
  length (height_row A X Y c s) = length A.
Proof.
  induction A as [|a A IH]; intros [|x X] [|y Y] [|u c] [|v s] len_X len_Y len_c len_s; cbn in *; try lia.
  f_equal. apply IH; lia.
Qed.

Lemma nth_height_row : forall (A X Y c s : list int) (i : nat),
  (i < length A)%nat ->
  length X = length A -> length Y = length A -> (length A <= length c)%nat -> (length A <= length s)%nat ->
  nth i (height_row A X Y c s) 0%uint63 = (nth i A 0 - nth i c 0 * nth i X 0 + nth i s 0 * nth i Y 0)%uint63.
Proof.
  induction A as [|a A IH]; intros [|x X] [|y Y] [|u c]
    [|v s] i inside len_X len_Y len_c len_s; cbn in inside, len_X, len_Y, len_c, len_s; try lia.
  destruct i as [|i]; [reflexivity|]. cbn [height_row nth]. apply IH; lia.
Qed.

Lemma congruent_relu : forall (x : int) (z : Z), congruent x z -> Z.abs z <= 2 ^ 60 -> congruent (relu x) (Z.max 0 z).
Proof.
  intros x z same range. assert (value : signed x = z) by (apply signed_of_congruent; [exact same | lia]).
  unfold relu, activate63. assert (spec := ltb_spec x half). change (to_Z half) with (2 ^ 62) in spec.
  assert (whole := to_Z_range x). unfold signed in value. destruct (ltb x half).
  - assert (small : to_Z x < 2 ^ 62) by (apply spec; reflexivity). destruct (Z.ltb_spec (to_Z x) (2 ^ 62)); [|lia].
    replace (Z.max 0 z) with z by lia. exact same.
  - destruct (Z.ltb_spec (to_Z x) (2 ^ 62)) as [small|large]; [apply spec in small; discriminate small|].
    replace (Z.max 0 z) with 0 by lia. exact (congruent_to_Z 0).
Qed.

Lemma congruent_absolute : forall (x : int) (z : Z), congruent x z -> Z.abs z <= 2 ^ 60 -> to_Z (absolute x) = Z.abs z.
Proof. intros x z same range. rewrite to_Z_absolute. f_equal. apply signed_of_congruent; [exact same | lia]. Qed.

(** ** Tables *)

Lemma index_lt : forall (p : nat) (z : Z), (0 < p)%nat -> (index p z < p)%nat.
Proof. intros p z some. unfold index. assert (range := Z.mod_pos_bound z (Z.of_nat p) ltac:(lia)). lia. Qed.

Lemma index_shift : forall (p : nat) (z x : Z), (0 < p)%nat -> index p (z + Z.of_nat p * x) = index p z.
Proof. intros p z x some. unfold index. rewrite (Z.mul_comm _ x), Z_mod_plus_full. reflexivity. Qed.

Lemma index_split : forall (p : nat) (z : Z), (0 < p)%nat -> exists x : Z, z = Z.of_nat (index p z) + Z.of_nat p * x.
Proof.
  intros p z some. exists (z / Z.of_nat p). unfold index. assert (range := Z.mod_pos_bound z (Z.of_nat p) ltac:(lia)).
  rewrite Z2Nat.id by lia. rewrite Z.add_comm. apply Z.div_mod. lia.
Qed.

Lemma index_small : forall p x : nat, (x < p)%nat -> index p (Z.of_nat x) = x.
Proof. intros p x small. unfold index. rewrite Z.mod_small by lia. apply Nat2Z.id. Qed.

Lemma congruent_entry : forall (T : list Z) (i : nat), congruent (nth i (table_ints T) 0%uint63) (nth i T 0).
Proof. intros T i. unfold table_ints. change 0%uint63 with (of_Z 0). rewrite map_nth. apply congruent_of_Z. Qed.

Lemma congruent_cyclic : forall (p : nat) (T : list Z) (z : Z), congruent (cyclic p (table_ints T) z) (nth (index p z) T 0).
Proof. intros p T z. apply congruent_entry. Qed.

Lemma nth_wave : forall (p : nat) (T : list int) (k : Z) (n x : nat), (x < n)%nat ->
  nth x (table_wave p T k n) 0%uint63 = cyclic p T (k * Z.of_nat x).
Proof.
  intros p T k n x inside. unfold table_wave. rewrite (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; exact inside).
  rewrite seq_nth by exact inside. reflexivity.
Qed.

Lemma wave_length : forall (p : nat) (T : list int) (k : Z) (n : nat), length (table_wave p T k n) = n.
Proof. intros. unfold table_wave. rewrite map_length. apply seq_length. Qed.

Lemma column_length : forall (A : list (list int)) (j : nat), length (column A j) = length A.
Proof. intros. apply map_length. Qed.

Lemma nth_column : forall (A : list (list int)) (j i : nat), (i < length A)%nat ->
  nth i (column A j) 0%uint63 = nth j (nth i A []) 0%uint63.
Proof. intros A j i inside. unfold column. apply (nth_map_any _ _ (fun row => nth j row 0%uint63)), inside. Qed.

Lemma nth_column_at1 : forall (A : list (list int)) (j i : nat), (i < length A)%nat -> at1 (column A j) i = at1 (nth i A []) j.
Proof. intros A j i inside. unfold at1. rewrite nth_column by exact inside. reflexivity. Qed.

Lemma at1_column : forall (A : list (list int)) (j i : nat), Z.abs (at1 (column A j) i) <= largest A.
Proof.
  intros A j i. destruct (Nat.lt_ge_cases i (length A)) as [inside|outside].
  - unfold at1. rewrite nth_column by exact inside. exact (max_abs_bound A i j).
  - unfold at1. rewrite nth_overflow by (rewrite column_length; exact outside). rewrite signed_zero. apply to_Z_range.
Qed.

Lemma cosine_length : forall (x y : int) (c s : list int) (n : nat),
  length c = n -> length s = n -> length (cosine_of x y c s) = n.
Proof. intros x y c s n len_c len_s. unfold cosine_of. rewrite zip_with_length, len_c, len_s. apply Nat.min_id. Qed.

Lemma cosine_congruent : forall (x y : int) (c s : list int) (i : nat) (X Y C S : Z),
  (i < length c)%nat -> (i < length s)%nat ->
  congruent x X -> congruent y Y -> congruent (nth i c 0%uint63) C -> congruent (nth i s 0%uint63) S ->
  congruent (nth i (cosine_of x y c s) 0%uint63) (X * C - Y * S).
Proof.
  intros x y c s i X Y C S inside_c inside_s same_x same_y same_c same_s. unfold cosine_of.
  rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by assumption.
  apply congruent_sub; apply congruent_mul; assumption.
Qed.

Lemma largest_of_bound : forall (l : list Z) (i : nat), Z.abs (nth i l 0) <= largest_of l.
Proof.
  induction l as [|z l IH]; intros i; [destruct i; cbn; lia|]. destruct i as [|i]; cbn [nth largest_of fold_right]; [lia|].
  specialize (IH i). unfold largest_of in IH. lia.
Qed.

(** ** One neuron *)

(** relu of [t], or of [-t]. *)
Definition sided (plus : bool) (t : Z) : Z := Z.max 0 (if plus then t else - t).

Lemma relu_product : forall rho t : Z, Z.max 0 (rho * t) = Z.abs rho * sided (0 <=? rho) t.
Proof. intros rho t. unfold sided. destruct (Z.leb_spec 0 rho); nia. Qed.

Lemma neuron_bound : forall D N x rho t error first second top gap cosine : Z,
  0 < D -> 0 < N -> Z.abs (D * x - rho * t) <= error ->
  Z.abs first <= top -> Z.abs second <= top -> N * second - cosine <= gap ->
  Z.abs rho * (sided (0 <=? rho) t * (N * first - gap - cosine)) - N * (2 * top) * error <=
  N * D * (Z.max 0 x * (first - second)).
Proof.
  intros D N x rho t error first second top gap cosine D_pos N_pos close first_top second_top high.
  assert (ideal := relu_product rho t). set (h := Z.abs rho * sided (0 <=? rho) t) in *.
  assert (scaled : D * Z.max 0 x = Z.max 0 (D * x)) by nia.
  assert (near : Z.abs (Z.max 0 (D * x) - h) <= error) by lia.
  assert (h_nonneg : 0 <= h) by lia.
  replace (Z.abs rho * (sided (0 <=? rho) t * (N * first - gap - cosine))) with (h * (N * first - gap - cosine)) by
    (unfold h; ring).
  replace (N * D * (Z.max 0 x * (first - second))) with (N * ((Z.max 0 (D * x)) * (first - second))) by
    (rewrite <- scaled; ring).
  set (y := Z.max 0 (D * x)) in *. clearbody y h. clear ideal scaled close.
  assert (main : h * (N * first - gap - cosine) <= h * (N * (first - second))).
  { apply Z.mul_le_mono_nonneg_l; [exact h_nonneg | lia]. }
  assert (rest : - (error * (2 * top)) <= (y - h) * (first - second)).
  { assert (size : Z.abs ((y - h) * (first - second)) <= error * (2 * top)); [|lia].
    rewrite Z.abs_mul. apply Z.mul_le_mono_nonneg; lia. }
  assert (N * - (error * (2 * top)) <= N * ((y - h) * (first - second))) by (apply Z.mul_le_mono_nonneg_l; lia).
  nia.
Qed.
