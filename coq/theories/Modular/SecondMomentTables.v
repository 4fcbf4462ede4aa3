(* CompactProofs: Modular: SecondMomentTables *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
From CompactProofs Require Import Modular.SecondMoment Modular.SecondMomentMath.
Import ListNotations.
(** * Tables modulo 2^63, and exact sums of products
    - [is_row n a f]       == [a] has [n] entries, congruent to f 0, f 1, ...
    - [is_table r len A f] == [A] has [r] rows, row [i] of [len i] entries, congruent to f i 0, f i 1, ...
    - [product_sum_exact], [symmetric_sum_exact] == sums of products are exact, where the entries are known exactly *)
Local Open Scope Z_scope.

Definition is_row (n : nat) (a : list int) (f : nat -> Z) : Prop :=
  length a = n /\ forall j : nat, (j < n)%nat -> congruent (nth j a 0%uint63) (f j).

Definition is_table (r : nat) (len : nat -> nat) (A : list (list int)) (f : nat -> nat -> Z) : Prop :=
  length A = r /\ forall i : nat, (i < r)%nat -> is_row (len i) (nth i A []) (f i).

Definition in_range (z : Z) : Prop := - 2 ^ 62 <= z < 2 ^ 62.

(** ** Rows *)

Lemma is_row_cons : forall (n : nat) (x : int) (a : list int) (f : nat -> Z),
  is_row n (x :: a) f -> exists n', n = S n' /\ congruent x (f O) /\ is_row n' a (fun j => f (S j)).
Proof.
  intros n x a f [len same]. exists (length a). cbn [length] in len. subst n. split; [reflexivity|]. split.
  - apply (same O). lia.
  - split; [reflexivity|]. intros j below. apply (same (S j)). lia.
Qed.

Lemma is_row_intro : forall (n : nat) (x : int) (a : list int) (f : nat -> Z),
  congruent x (f O) -> is_row n a (fun j => f (S j)) -> is_row (S n) (x :: a) f.
Proof.
  intros n x a f first [len same]. split; [cbn; rewrite len; reflexivity|].
  intros [|j] below; [exact first | apply same; lia].
Qed.

Lemma is_row_nil : forall f : nat -> Z, is_row 0 [] f.
Proof. intro f. split; [reflexivity|]. intros j below. inversion below. Qed.

Lemma is_row_ext : forall (n : nat) (a : list int) (f g : nat -> Z),
  (forall j, (j < n)%nat -> f j = g j) -> is_row n a f -> is_row n a g.
Proof.
  intros n a f g same [len values]. split; [exact len|]. intros j below. rewrite <- same by exact below. apply values, below.
Qed.

Lemma is_row_exact : forall (n : nat) (a : list int) (f : nat -> Z),
  is_row n a f -> forall j : nat, (j < n)%nat -> in_range (f j) -> at1 a j = f j.
Proof. intros n a f [_ same] j below range. apply signed_of_congruent; [apply same, below | exact range]. Qed.

Lemma is_row_signed : forall (n : nat) (a : list int), length a = n -> is_row n a (at1 a).
Proof. intros n a len. split; [exact len|]. intros j _. apply signed_congruent. Qed.

Lemma row_dot : forall (n : nat) (a b : list int) (f g : nat -> Z),
  is_row n a f -> is_row n b g -> congruent (dot a b) (sumZ n (fun k => f k * g k)).
Proof.
  intros n a. revert n. induction a as [|x a IH]; intros n b f g row_a row_b.
  - destruct row_a as [len _]. cbn in len. subst n. exact (congruent_to_Z 0).
  - apply is_row_cons in row_a. destruct row_a as (n' & -> & first_a & rest_a).
    destruct b as [|y b]; [destruct row_b as [len _]; discriminate len|].
    apply is_row_cons in row_b. destruct row_b as (n'' & same & first_b & rest_b). injection same as <-.
    cbn [dot sumZ]. apply congruent_add; [apply congruent_mul; assumption|]. apply (IH n' b _ _ rest_a rest_b).
Qed.

Lemma row_map : forall (n : nat) (op : int -> int) (a : list int) (f h : nat -> Z),
  (forall j x, (j < n)%nat -> congruent x (f j) -> congruent (op x) (h j)) ->
  is_row n a f -> is_row n (map op a) h.
Proof.
  intros n op a f h same [len values]. split; [rewrite map_length; exact len|]. intros j below.
  rewrite (nth_map_any _ _ _ _ _ 0%uint63) by lia. apply same; [exact below | apply values, below].
Qed.

Lemma row_zip : forall (n : nat) (op : int -> int -> int) (a b : list int) (f g h : nat -> Z),
  (forall j x y, (j < n)%nat -> congruent x (f j) -> congruent y (g j) -> congruent (op x y) (h j)) ->
  is_row n a f -> is_row n b g -> is_row n (zip_with op a b) h.
Proof.
  intros n op a b f g h same [len_a values_a] [len_b values_b]. split.
  - rewrite zip_with_length, len_a, len_b. apply Nat.min_id.
  - intros j below. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by lia.
    apply same; [exact below | apply values_a, below | apply values_b, below].
Qed.

Lemma row_zero : forall n : nat, is_row n (repeat 0%uint63 n) (fun _ => 0).
Proof.
  intro n. split; [apply repeat_length|]. intros j _. rewrite nth_repeat. exact (congruent_to_Z 0).
Qed.

Lemma row_add : forall (n : nat) (a b : list int) (f g : nat -> Z),
  is_row n a f -> is_row n b g -> is_row n (add_rows a b) (fun j => f j + g j).
Proof.
  intros n a b f g [len_a values_a] [len_b values_b]. split; [rewrite add_rows_length; congruence|].
  intros j below. rewrite nth_add_rows by lia. apply congruent_add; [apply values_a, below | apply values_b, below].
Qed.

Lemma row_add_products : forall (n : nat) (a b c : list int) (f g h : nat -> Z),
  is_row n a f -> is_row n b g -> is_row n c h -> is_row n (add_products a b c) (fun j => f j * g j + h j).
Proof.
  intros n a. revert n. induction a as [|x a IH]; intros n b c f g h row_a row_b row_c.
  - destruct row_a as [len _]. cbn in len. subst n. apply is_row_nil.
  - apply is_row_cons in row_a. destruct row_a as (n' & -> & first_a & rest_a).
    destruct b as [|y b]; [destruct row_b as [len _]; discriminate len|].
    apply is_row_cons in row_b. destruct row_b as (n1 & same & first_b & rest_b). injection same as <-.
    destruct c as [|z c]; [destruct row_c as [len _]; discriminate len|].
    apply is_row_cons in row_c. destruct row_c as (n2 & same & first_c & rest_c). injection same as <-.
    cbn [add_products]. apply is_row_intro.
    + apply congruent_add; [apply congruent_mul; assumption | exact first_c].
    + apply (IH n' b c _ _ _ rest_a rest_b rest_c).
Qed.

(** ** Tables *)

Lemma is_table_cons : forall (r : nat) (len : nat -> nat) (a : list int) (A : list (list int)) (f : nat -> nat -> Z),
  is_table r len (a :: A) f ->
  exists r', r = S r' /\ is_row (len O) a (f O) /\ is_table r' (fun i => len (S i)) A (fun i => f (S i)).
Proof.
  intros r len a A f [rows same]. exists (length A). cbn [length] in rows. subst r. split; [reflexivity|]. split.
  - apply (same O). lia.
  - split; [reflexivity|]. intros i below. apply (same (S i)). lia.
Qed.

Lemma is_table_intro : forall (r : nat) (len : nat -> nat) (a : list int) (A : list (list int)) (f : nat -> nat -> Z),
  is_row (len O) a (f O) -> is_table r (fun i => len (S i)) A (fun i => f (S i)) -> is_table (S r) len (a :: A) f.
Proof.
  intros r len a A f first [rows same]. split; [cbn; rewrite rows; reflexivity|].
  intros [|i] below; [exact first | apply same; lia].
Qed.

Lemma is_table_nil : forall (len : nat -> nat) (f : nat -> nat -> Z), is_table 0 len [] f.
Proof. intros len f. split; [reflexivity|]. intros i below. inversion below. Qed.

Lemma is_table_ext : forall (r : nat) (len : nat -> nat) (A : list (list int)) (f g : nat -> nat -> Z),
  (forall i j, (i < r)%nat -> (j < len i)%nat -> f i j = g i j) -> is_table r len A f -> is_table r len A g.
Proof.
  intros r len A f g same [rows values]. split; [exact rows|]. intros i below.
  apply (is_row_ext _ _ (f i)); [intros j inside; apply same; assumption | apply values, below].
Qed.

Lemma is_table_exact : forall (r : nat) (len : nat -> nat) (A : list (list int)) (f : nat -> nat -> Z),
  is_table r len A f -> forall i j : nat, (i < r)%nat -> (j < len i)%nat -> in_range (f i j) -> at2 A i j = f i j.
Proof.
  intros r len A f [_ rows] i j inside_i inside_j range. apply (is_row_exact _ _ _ (rows i inside_i) j inside_j range).
Qed.

Lemma is_table_shape : forall (r c : nat) (A : list (list int)),
  has_shape r c A = true -> is_table r (fun _ => c) A (at2 A).
Proof.
  intros r c A shape. split; [apply (has_shape_length _ _ c), shape|]. intros i below.
  apply is_row_signed, (has_shape_row _ _ _ _ _ shape below).
Qed.

Lemma table_map : forall (r : nat) (len new : nat -> nat) (op : list int -> list int) (A : list (list int))
  (f g : nat -> nat -> Z),
  (forall i a, (i < r)%nat -> is_row (len i) a (f i) -> is_row (new i) (op a) (g i)) ->
  is_table r len A f -> is_table r new (map op A) g.
Proof.
  intros r len new op A f g same [rows values]. split; [rewrite map_length; exact rows|]. intros i below.
  rewrite (nth_map_any _ _ _ _ _ []) by lia. apply same; [exact below | apply values, below].
Qed.

Lemma table_zip : forall (r : nat) (len : nat -> nat) (op : list int -> list int -> list int) (A B : list (list int))
  (f g h : nat -> nat -> Z),
  (forall i a b, (i < r)%nat -> is_row (len i) a (f i) -> is_row (len i) b (g i) -> is_row (len i) (op a b) (h i)) ->
  is_table r len A f -> is_table r len B g -> is_table r len (zip_with op A B) h.
Proof.
  intros r len op A B f g h same [rows_a values_a] [rows_b values_b]. split.
  - rewrite zip_with_length, rows_a, rows_b. apply Nat.min_id.
  - intros i below. rewrite (nth_zip_with _ _ _ _ _ _ _ [] []) by lia.
    apply same; [exact below | apply values_a, below | apply values_b, below].
Qed.

Lemma row_dots : forall (n c : nat) (a : list int) (B : list (list int)) (f : nat -> Z) (g : nat -> nat -> Z),
  is_row n a f -> is_table c (fun _ => n) B g -> is_row c (map (dot a) B) (fun j => sumZ n (fun k => f k * g j k)).
Proof.
  intros n c a B f g row_a [rows values]. split; [rewrite map_length; exact rows|]. intros j below.
  rewrite (nth_map_any _ _ _ _ _ []) by lia. apply row_dot; [exact row_a | apply values, below].
Qed.

Lemma table_dots : forall (r n c : nat) (A B : list (list int)) (f g : nat -> nat -> Z),
  is_table r (fun _ => n) A f -> is_table c (fun _ => n) B g ->
  is_table r (fun _ => c) (mul_transposed A B) (fun i j => sumZ n (fun k => f i k * g j k)).
Proof.
  intros r n c A B f g table_a table_b. unfold mul_transposed. apply (table_map _ (fun _ => n) _ _ _ f); [|exact table_a].
  intros i a _ row_a. apply row_dots; assumption.
Qed.

Lemma table_transposed : forall (c r : nat) (A : list (list int)) (f : nat -> nat -> Z),
  is_table r (fun _ => c) A f -> is_table c (fun _ => r) (transposed c A) (fun j i => f i j).
Proof.
  intros c r A. revert r. induction A as [|a A IH]; intros r f table_a.
  - destruct table_a as [rows _]. cbn in rows. subst r. split; [apply repeat_length|]. intros j _. cbn [transposed].
    rewrite nth_repeat. apply is_row_nil.
  - apply is_table_cons in table_a. destruct table_a as (r' & -> & [len values] & rest). cbn [transposed].
    destruct (IH r' _ rest) as [columns rows]. split.
    + rewrite zip_with_length, len, columns. apply Nat.min_id.
    + intros j below. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 []) by lia.
      apply is_row_intro; [apply values, below | apply rows, below].
Qed.

Lemma row_total : forall (c r : nat) (A : list (list int)) (f : nat -> nat -> Z),
  is_table r (fun _ => c) A f -> is_row c (total_row c A) (fun j => sumZ r (fun i => f i j)).
Proof.
  intros c r A. revert r. induction A as [|a A IH]; intros r f table_a.
  - destruct table_a as [rows _]. cbn in rows. subst r. apply row_zero.
  - apply is_table_cons in table_a. destruct table_a as (r' & -> & row_a & rest). unfold total_row. cbn [fold_right sumZ].
    apply (row_add c a _ (f O)); [exact row_a|]. apply (IH r' _ rest).
Qed.

Lemma table_triangle : forall (r n : nat) (A : list (list int)) (f : nat -> nat -> Z),
  is_table r (fun _ => n) A f ->
  is_table r (fun i => (r - i)%nat) (triangle A) (fun i k => sumZ n (fun t => f i t * f (i + k)%nat t)).
Proof.
  intros r n A. revert r. induction A as [|a A IH]; intros r f table_a.
  - destruct table_a as [rows _]. cbn in rows. subst r. apply is_table_nil.
  - assert (all := table_a). apply is_table_cons in table_a. destruct table_a as (r' & -> & row_a & rest). cbn [triangle].
    apply is_table_intro.
    + rewrite Nat.sub_0_r. apply (row_dots n (S r') a (a :: A) (f O) f row_a all).
    + apply (IH r' _ rest).
Qed.

Lemma row_diagonal : forall (r : nat) (len : nat -> nat) (A : list (list int)) (f : nat -> nat -> Z),
  (forall i, (i < r)%nat -> (0 < len i)%nat) -> is_table r len A f -> is_row r (diagonal A) (fun i => f i O).
Proof.
  intros r len A f some [rows values]. unfold diagonal. split; [rewrite map_length; exact rows|]. intros i below.
  rewrite (nth_map_any _ _ _ _ _ []) by lia.
  destruct (values i below) as [long same]. assert (first := some i below).
  destruct (nth i A []) as [|x row]; [cbn in long; lia|].
  apply (same O first).
Qed.

Lemma one_row : forall (n : nat) (a : list int) (f : nat -> Z), is_row n a f -> is_table 1 (fun _ => n) [a] (fun _ => f).
Proof. intros n a f row_a. apply is_table_intro; [exact row_a | apply is_table_nil]. Qed.

(** ** Sums of products *)

Lemma digit_dot_exact : forall (levels n : nat) (a b : list int) (f g : nat -> Z) (top : Z),
  is_row n a f -> is_row n b g ->
  (forall j, (j < n)%nat -> Z.abs (f j) <= top) ->
  Z.of_nat n * (top * 2 ^ 15) <= 2 ^ 60 ->
  (forall j, (j < n)%nat -> Z.abs (g j) <= 2 ^ 60) ->
  (forall j, (j < n)%nat -> Z.abs (g j) <= 2 ^ (15 * (Z.of_nat levels + 1))) ->
  digit_dot levels a b = sumZ n (fun k => f k * g k).
Proof.
  assert (one : forall (n : nat) (a b : list int) (f g : nat -> Z) (top : Z),
    is_row n a f -> is_row n b g -> (forall j, (j < n)%nat -> Z.abs (f j) <= top) ->
    Z.of_nat n * (top * 2 ^ 15) <= 2 ^ 60 -> (forall j, (j < n)%nat -> Z.abs (g j) <= 2 ^ 15) ->
    signed (dot a b) = sumZ n (fun k => f k * g k)).
  { intros n a b f g top row_a row_b f_top fits g_top. apply signed_of_congruent; [apply row_dot; assumption|].
    assert (bound := sumZ_bound n (fun k => f k * g k) (top * 2 ^ 15)). cbv beta in bound.
    assert (Z.abs (sumZ n (fun k => f k * g k)) <= Z.of_nat n * (top * 2 ^ 15)); [|lia].
    apply bound. intros k below. rewrite Z.abs_mul.
    apply Z.mul_le_mono_nonneg; [lia | apply f_top, below | lia | apply g_top, below]. }
  induction levels as [|levels IH]; intros n a b f g top row_a row_b f_top fits g_range g_top.
  - cbn [digit_dot]. apply (one n a b f g top); try assumption.
  - cbn [digit_dot]. cbv zeta.
    assert (highs : is_row n (map (shift_down digit_bits) b) (fun j => g j / 2 ^ 15)).
    { apply (row_map n _ b g); [|exact row_b]. intros j y below same.
      assert (range := g_range j below). assert (exact : signed y = g j) by (apply signed_of_congruent; [exact same | lia]).
      rewrite <- exact. change (2 ^ 15) with (2 ^ to_Z digit_bits). rewrite <- signed_shift_down; [apply signed_congruent| |].
      - change (to_Z digit_bits) with 15. lia.
      - lia. }
    rewrite (one n a _ f (fun j => g j - g j / 2 ^ 15 * 2 ^ 15) top); [| exact row_a | | exact f_top | exact fits |].
    + rewrite (IH n a _ f (fun j => g j / 2 ^ 15) top row_a highs f_top fits).
      * change 32768 with (2 ^ 15). rewrite <- sumZ_mult_l, <- sumZ_plus. apply sumZ_ext. intros k _. ring.
      * intros j below. assert (range := g_range j below).
        apply Z.abs_le. split; [apply Z.div_le_lower_bound; lia | apply Z.div_le_upper_bound; lia].
      * intros j below. assert (range := g_top j below).
        replace (15 * (Z.of_nat (S levels) + 1)) with (15 + 15 * (Z.of_nat levels + 1)) in range by lia.
        rewrite Z.pow_add_r in range by lia.
        assert (positive := Z.pow_pos_nonneg 2 (15 * (Z.of_nat levels + 1)) ltac:(lia) ltac:(lia)).
        apply Z.abs_le. split; [apply Z.div_le_lower_bound; lia | apply Z.div_le_upper_bound; lia].
    + apply (row_zip n _ b _ g (fun j => g j / 2 ^ 15)); [| exact row_b | exact highs].
      intros j x y _ same_x same_y. apply congruent_sub; [exact same_x|].
      apply congruent_mul; [exact same_y | exact (congruent_to_Z digit_size)].
    + intros j _. rewrite <- Zmod_eq_full by lia. assert (range := Z.mod_pos_bound (g j) (2 ^ 15) ltac:(lia)). lia.
Qed.

Lemma slow_dot_exact : forall (n : nat) (a b : list int) (f g : nat -> Z),
  is_row n a f -> is_row n b g ->
  (forall j, (j < n)%nat -> in_range (f j)) -> (forall j, (j < n)%nat -> in_range (g j)) ->
  slow_dot a b = sumZ n (fun k => f k * g k).
Proof.
  intros n a. revert n. induction a as [|x a IH]; intros n b f g row_a row_b f_range g_range.
  - destruct row_a as [len _]. cbn in len. subst n. reflexivity.
  - apply is_row_cons in row_a. destruct row_a as (n' & -> & first_a & rest_a).
    destruct b as [|y b]; [destruct row_b as [len _]; discriminate len|].
    apply is_row_cons in row_b. destruct row_b as (n'' & same & first_b & rest_b). injection same as <-.
    cbn [slow_dot sumZ].
    rewrite (signed_of_congruent _ _ first_a (f_range O ltac:(lia))), (signed_of_congruent _ _ first_b (g_range O ltac:(lia))).
    f_equal. apply (IH n' b _ _ rest_a rest_b); intros j below; [apply f_range | apply g_range]; lia.
Qed.

Lemma sum_rows_exact : forall (sum : list int -> list int -> Z) (r : nat) (len : nat -> nat) (A B : list (list int))
  (f g : nat -> nat -> Z),
  is_table r len A f -> is_table r len B g ->
  (forall i a b, (i < r)%nat -> is_row (len i) a (f i) -> is_row (len i) b (g i) ->
    sum a b = sumZ (len i) (fun k => f i k * g i k)) ->
  sum_rows sum A B = sumZ r (fun i => sumZ (len i) (fun k => f i k * g i k)).
Proof.
  intros sum r len A. revert r len. induction A as [|a A IH]; intros r len B f g table_a table_b each.
  - destruct table_a as [rows _]. cbn in rows. subst r. reflexivity.
  - apply is_table_cons in table_a. destruct table_a as (r' & -> & first_a & rest_a).
    destruct B as [|b B]; [destruct table_b as [rows _]; discriminate rows|].
    apply is_table_cons in table_b. destruct table_b as (r'' & same & first_b & rest_b). injection same as <-.
    cbn [sum_rows sumZ]. rewrite (each O a b) by (assumption || lia). f_equal. apply (IH r' _ B _ _ rest_a rest_b).
    intros i x y below. apply (each (S i)). lia.
Qed.

Theorem product_sum_exact : forall (n r : nat) (len : nat -> nat) (A B : list (list int)) (f g : nat -> nat -> Z),
  is_table r len A f -> is_table r len B g ->
  (forall i, (i < r)%nat -> (len i <= n)%nat) ->
  (forall i j, (i < r)%nat -> (j < len i)%nat -> in_range (f i j)) ->
  (forall i j, (i < r)%nat -> (j < len i)%nat -> in_range (g i j)) ->
  product_sum n A B = sumZ r (fun i => sumZ (len i) (fun k => f i k * g i k)).
Proof.
  intros n r len A B f g table_a table_b longest f_range g_range. unfold product_sum. cbv zeta.
  assert (f_top : forall i j, (i < r)%nat -> (j < len i)%nat -> Z.abs (f i j) <= largest A).
  { intros i j inside_i inside_j.
    rewrite <- (is_table_exact _ _ _ _ table_a i j inside_i inside_j (f_range i j inside_i inside_j)).
    apply max_abs_bound. }
  assert (g_top : forall i j, (i < r)%nat -> (j < len i)%nat -> Z.abs (g i j) <= largest B).
  { intros i j inside_i inside_j.
    rewrite <- (is_table_exact _ _ _ _ table_b i j inside_i inside_j (g_range i j inside_i inside_j)).
    apply max_abs_bound. }
  assert (A_nonneg : 0 <= largest A) by apply max_abs_nonneg. assert (B_nonneg : 0 <= largest B) by apply max_abs_nonneg.
  set (top := largest B) in *.
  destruct (Z.leb_spec (Z.of_nat n * (largest A * 2 ^ 15)) (2 ^ 60)) as [fits|].
  - cbn [andb]. destruct (Z.leb_spec top (2 ^ 60)) as [small|].
    + apply (sum_rows_exact _ r len A B f g table_a table_b). intros i a b inside row_a row_b.
      apply (digit_dot_exact _ _ _ _ _ _ (largest A) row_a row_b).
      * intros j below. apply f_top; assumption.
      * assert (short := longest i inside). etransitivity; [|exact fits]. apply Z.mul_le_mono_nonneg_r; lia.
      * intros j below. assert (bound := g_top i j inside below). lia.
      * intros j below. etransitivity; [apply g_top; assumption|]. fold top.
        assert (log_nonneg := Z.log2_nonneg top).
        assert (quotient := Z.div_pos (Z.log2 top) 15 log_nonneg ltac:(lia)). rewrite Z2Nat.id by exact quotient.
        assert (power_nonneg : 0 <= 2 ^ (15 * (Z.log2 top / 15 + 1))) by (apply Z.pow_nonneg; lia).
        destruct (Z.le_gt_cases top 0) as [zero|positive]; [lia|].
        destruct (Z.log2_spec top positive) as [_ upper]. apply Z.lt_le_incl.
        eapply Z.lt_le_trans; [exact upper|]. apply Z.pow_le_mono_r; [lia|].
        assert (mod_bound := Z.mod_pos_bound (Z.log2 top) 15 ltac:(lia)).
        assert (split := Z.div_mod (Z.log2 top) 15 ltac:(lia)). lia.
    + apply (sum_rows_exact _ r len A B f g table_a table_b). intros i a b inside row_a row_b.
      apply (slow_dot_exact _ _ _ _ _ row_a row_b); intros j below; [apply f_range | apply g_range]; assumption.
  - cbn [andb]. apply (sum_rows_exact _ r len A B f g table_a table_b). intros i a b inside row_a row_b.
    apply (slow_dot_exact _ _ _ _ _ row_a row_b); intros j below; [apply f_range | apply g_range]; assumption.
Qed.

Theorem symmetric_sum_exact : forall (n : nat) (A B : list (list int)) (f g : nat -> nat -> Z),
  is_table n (fun i => (n - i)%nat) A (fun i k => f i (i + k)%nat) ->
  is_table n (fun i => (n - i)%nat) B (fun i k => g i (i + k)%nat) ->
  (forall i j, f i j = f j i) -> (forall i j, g i j = g j i) ->
  (forall i j, (i < n)%nat -> (j < n)%nat -> in_range (f i j)) ->
  (forall i j, (i < n)%nat -> (j < n)%nat -> in_range (g i j)) ->
  symmetric_sum n A B = sumZ n (fun i => sumZ n (fun j => f i j * g i j)).
Proof.
  intros n A B f g table_a table_b f_symmetric g_symmetric f_range g_range. unfold symmetric_sum.
  rewrite (sum_symmetric n (fun i j => f i j * g i j)) by (intros i j; rewrite f_symmetric, g_symmetric; reflexivity).
  rewrite (product_sum_exact n n _ A B _ _ table_a table_b) by (intros; lia || (apply f_range; lia) || (apply g_range; lia)).
  assert (diagonal_a := row_diagonal n (fun i => (n - i)%nat) A _ ltac:(intros i below; cbv beta; lia) table_a).
  assert (diagonal_b := row_diagonal n (fun i => (n - i)%nat) B _ ltac:(intros i below; cbv beta; lia) table_b).
  rewrite (product_sum_exact n 1 _ _ _ _ _ (one_row _ _ _ diagonal_a) (one_row _ _ _ diagonal_b))
    by (intros; lia || (apply f_range; lia) || (apply g_range; lia)).
  cbn [sumZ]. rewrite Z.add_0_r. f_equal. apply sumZ_ext. intros i _. rewrite Nat.add_0_r. reflexivity.
Qed.
