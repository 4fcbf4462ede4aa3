(* CompactProofs: Modular: CosTable *)
(* MIT licence. *)
From Coq Require Import ZArith List Arith Bool Lia Uint63.
From CompactProofs Require Import Base.Lists Base.Signed63 Base.Matrix.
Import ListNotations.
(** * Integer tables that multiply like cosines and sines
    A table of p integers stands for a function on the integers modulo p. Tables near N cos (2 pi i / p) and N sin (2 pi i / p)
    satisfy, up to a tolerance,
      2 cos i cos j = N (cos (j + i) + cos (j - i))     and     2 cos i sin j = N (sin (j + i) + sin (j - i)),
    and this is all that is used of them. So it is tested, for all i and j, and no real number is needed.
    - [around p table i]      == entry i modulo p of a table, for any integer i
    - [in_table p top table]  == p entries, none above [top] in absolute value
    - [multiples p k]         == the places 0, k, 2 k, .., modulo p; [turned table places] == the entries there
    - [rotated n l]           == [l] from its n-th entry on, then its first n
    - [products_hold]         == the test of either equation
    Main result: [products_hold_sound]. *)

Definition around (p : nat) (table : list Z) (i : Z) : Z := nth (Z.to_nat (i mod Z.of_nat p)) table 0%Z.

Definition in_table (p : nat) (top : Z) (table : list Z) : bool :=
  (length table =? p) && forallb (fun z => Z.abs z <=? top)%Z table.

Definition multiples (p : nat) (k : Z) : list nat := map (fun i => Z.to_nat ((k * Z.of_nat i) mod Z.of_nat p)) (seq 0 p).

Definition turned (table : list int) (places : list nat) : list int := map (fun i => nth i table 0%uint63) places.

Definition rotated (n : nat) (l : list int) : list int := skipn n l ++ firstn n l.

(** The equation at one i: [twice] is two times the cosine. *)
Definition product_holds (p : nat) (unit tolerance : int) (table : list int) (i : nat) (twice : int) : bool :=
  forallb (fun x => leb (absolute x) tolerance)
    (zip_with (fun x y => twice * x - unit * y)%uint63 table (zip_with add (rotated i table) (rotated (p - i) table))).

Definition products_hold (p : nat) (unit tolerance : Z) (cosines table : list Z) : bool :=
  let factor := of_Z unit in
  let most := of_Z tolerance in
  let cosines := map of_Z cosines in
  let table := map of_Z table in
  forallb (fun i => let c := nth i cosines 0%uint63 in product_holds p factor most table i (c + c)%uint63) (seq 0 p).

(** ** Entries *)
Local Open Scope Z_scope.

Lemma nth_seq_map : forall (A : Type) (f : nat -> A) (n j : nat) (default :
  A), (j < n)%nat -> nth j (map f (seq 0 n)) default = f j.
Proof.
  intros A f n j default inside. rewrite (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; exact inside).
  rewrite seq_nth by exact inside. reflexivity.
Qed.

Lemma in_table_length : forall (p : nat) (top : Z) (table : list Z), in_table p top table = true -> length table = p.
Proof. intros p top table test. apply andb_prop in test. apply Nat.eqb_eq, test. Qed.

Lemma in_table_bound : forall (p : nat) (top : Z) (table : list Z) (i : nat),
  0 <= top -> in_table p top table = true -> Z.abs (nth i table 0) <= top.
Proof.
  intros p top table i nonneg test. apply andb_prop in test. destruct test as [_ test]. rewrite forallb_forall in test.
  destruct (Nat.lt_ge_cases i (length table)) as [inside|outside].
  - apply Z.leb_le, test, nth_In, inside.
  - rewrite nth_overflow by exact outside. exact nonneg.
Qed.

Lemma around_bound : forall (p : nat) (top : Z) (table : list Z) (i : Z),
  0 <= top -> in_table p top table = true -> Z.abs (around p table i) <= top.
Proof. intros p top table i nonneg test. apply (in_table_bound p); assumption. Qed.

Lemma around_mod : forall (p : nat) (table : list Z) (i : Z), around p table (i mod Z.of_nat p) = around p table i.
Proof. intros p table i. unfold around. rewrite Zmod_mod. reflexivity. Qed.

Lemma around_nat : forall (p : nat) (table : list Z) (i : nat), (i < p)%nat -> around p table (Z.of_nat i) = nth i table 0.
Proof. intros p table i below. unfold around. rewrite Z.mod_small by lia. rewrite Nat2Z.id. reflexivity. Qed.

Lemma around_congruent : forall (p : nat) (table : list Z) (i j : Z),
  i mod Z.of_nat p = j mod Z.of_nat p -> around p table i = around p table j.
Proof. intros p table i j same. unfold around. rewrite same. reflexivity. Qed.

Lemma place_below : forall (p : nat) (i : Z), (0 < p)%nat -> (Z.to_nat (i mod Z.of_nat p) < p)%nat.
Proof. intros p i positive. assert (range := Z.mod_pos_bound i (Z.of_nat p) ltac:(lia)). lia. Qed.

Lemma nth_of_Z : forall (table : list Z) (i : nat), congruent (nth i (map of_Z table) 0%uint63) (nth i table 0).
Proof. intros table i. change 0%uint63 with (of_Z 0) at 1. rewrite map_nth. apply congruent_of_Z. Qed.

Lemma multiples_length : forall (p : nat) (k : Z), length (multiples p k) = p.
Proof. intros p k. unfold multiples. rewrite map_length, seq_length. reflexivity. Qed.

Lemma turned_length : forall (p : nat) (k : Z) (table : list int), length (turned table (multiples p k)) = p.
Proof. intros p k table. unfold turned. rewrite map_length. apply multiples_length. Qed.

Lemma nth_turned : forall (p : nat) (k : Z) (table : list int) (i : nat), (i < p)%nat ->
  nth i (turned table (multiples p k)) 0%uint63 = nth (Z.to_nat ((k * Z.of_nat i) mod Z.of_nat p)) table 0%uint63.
Proof.
  intros p k table i below. unfold turned. rewrite (nth_map_any _ _ _ _ _ O) by (rewrite multiples_length; exact below).
  unfold multiples. rewrite nth_seq_map by exact below. reflexivity.
Qed.

Lemma turned_congruent : forall (p : nat) (k : Z) (table : list Z) (i : nat), (i < p)%nat ->
  congruent (nth i (turned (map of_Z table) (multiples p k)) 0%uint63) (around p table (k * Z.of_nat i)).
Proof. intros p k table i below. rewrite nth_turned by exact below. apply nth_of_Z. Qed.

Lemma rotated_length : forall (n : nat) (l : list int), length (rotated n l) = length l.
Proof. intros n l. unfold rotated. rewrite app_length, skipn_length, firstn_length. lia. Qed.

Lemma nth_rotated : forall (n d : nat) (l : list int),
  (n <= length l)%nat -> (d < length l)%nat ->
  nth d (rotated n l) 0%uint63 = nth (Z.to_nat ((Z.of_nat n + Z.of_nat d) mod Z.of_nat (length l))) l 0%uint63.
Proof.
  intros n d l inside_n inside_d. unfold rotated. assert (len : length (skipn n l) = (length l - n)%nat) by apply skipn_length.
  destruct (Nat.lt_ge_cases d (length l - n)) as [first|second].
  - rewrite app_nth1 by lia. rewrite nth_skipn. rewrite Z.mod_small by lia. f_equal. lia.
  - rewrite app_nth2 by lia. rewrite len, nth_firstn by lia. f_equal.
    replace (Z.of_nat n + Z.of_nat d) with (Z.of_nat (d - (length l - n)) + 1 * Z.of_nat (length l)) by lia.
    rewrite Z.mod_add by lia. rewrite Z.mod_small by lia. lia.
Qed.

(** ** The equations *)

Section Products.
  Context (p : nat) (unit tolerance : Z) (cosines table : list Z).
  Context (unit_range : 0 <= unit <= 2 ^ 28) (tolerance_range : 0 <= tolerance <= 2 ^ 60).
  Context (cosines_fit : in_table p unit cosines = true) (table_fits : in_table p unit table = true).
  Context (hold : products_hold p unit tolerance cosines table = true).

  Local Lemma product_at : forall i j : nat, (i < p)%nat -> (j < p)%nat ->
    Z.abs (2 * nth i cosines 0 * nth j table 0 -
      unit * (around p table (Z.of_nat i + Z.of_nat j) + around p table (Z.of_nat (p - i) + Z.of_nat j))) <= tolerance.
  Proof.
    intros i j inside_i inside_j. assert (all := hold). unfold products_hold in all. cbv zeta in all.
    rewrite forallb_forall in all. specialize (all i). rewrite in_seq in all. specialize (all ltac:(lia)).
    unfold product_holds in all. rewrite forallb_forall in all.
    assert (len : length (map of_Z table) = p) by (rewrite map_length; apply (in_table_length _ _ _ table_fits)).
    set (ints := map of_Z table) in all. fold ints in len.
    set (c := (nth i (map of_Z cosines) 0 + nth i (map of_Z cosines) 0)%uint63) in all.
    set (sums := zip_with add (rotated i ints) (rotated (p - i) ints)) in all.
    assert (len_sums : length sums = p) by (unfold sums; rewrite zip_with_length, !rotated_length, len; apply Nat.min_id).
    set (values := zip_with (fun x y => (c * x - of_Z unit * y)%uint63) ints sums) in all.
    assert (len_values : length values = p) by (unfold values; rewrite zip_with_length, len, len_sums; apply Nat.min_id).
    specialize (all (nth j values 0%uint63) ltac:(apply nth_In; lia)).
    apply leb_spec in all. rewrite to_Z_absolute in all.
    rewrite (to_Z_of_congruent (of_Z tolerance) tolerance) in all by (try apply congruent_of_Z; lia).
    unfold values in all. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) in all by lia.
    unfold sums in all. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) in all by (rewrite rotated_length; lia).
    rewrite !nth_rotated in all by lia. rewrite len in all.
    assert (bound_c := in_table_bound p unit cosines i ltac:(lia) cosines_fit).
    assert (bound_t := in_table_bound p unit table j ltac:(lia) table_fits).
    assert (bound_1 := around_bound p unit table (Z.of_nat i + Z.of_nat j) ltac:(lia) table_fits).
    assert (bound_2 := around_bound p unit table (Z.of_nat (p - i) + Z.of_nat j) ltac:(lia) table_fits).
    rewrite (signed_of_congruent _ (2 * nth i cosines 0 * nth j table 0 -
      unit * (around p table (Z.of_nat i + Z.of_nat j) + around p table (Z.of_nat (p - i) + Z.of_nat j)))) in all.
    - exact all.
    - apply congruent_sub; apply congruent_mul.
      + unfold c. replace (2 * nth i cosines 0) with (nth i cosines 0 + nth i cosines 0) by ring.
        apply congruent_add; apply nth_of_Z.
      + apply nth_of_Z.
      + apply congruent_of_Z.
      + apply congruent_add; apply nth_of_Z.
    - nia.
  Qed.

  Theorem products_hold_sound : forall i j : Z, (0 < p)%nat ->
    Z.abs (2 * around p cosines i * around p table j - unit * (around p table (j + i) + around p table (j - i))) <= tolerance.
  Proof.
    intros i j positive.
    assert (result := product_at (Z.to_nat (i mod Z.of_nat p)) (Z.to_nat (j mod Z.of_nat p)) (place_below _ _ positive)
      (place_below _ _ positive)).
    assert (range_i := Z.mod_pos_bound i (Z.of_nat p) ltac:(lia)).
    assert (range_j := Z.mod_pos_bound j (Z.of_nat p) ltac:(lia)).
    rewrite Nat2Z.inj_sub, !Z2Nat.id in result by lia.
    rewrite (around_congruent p table (j + i) (i mod Z.of_nat p + j mod Z.of_nat p)).
    - rewrite (around_congruent p table (j - i) (Z.of_nat p - i mod Z.of_nat p + j mod Z.of_nat p)).
      + exact result.
      + replace (Z.of_nat p - i mod Z.of_nat p + j mod Z.of_nat p)
          with (j mod Z.of_nat p - i mod Z.of_nat p + 1 * Z.of_nat p) by ring.
        rewrite Z.mod_add by lia. apply Zminus_mod.
    - rewrite (Z.add_comm j i). apply Zplus_mod.
  Qed.
End Products.
