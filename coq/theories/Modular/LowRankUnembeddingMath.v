(* CompactProofs: Modular: LowRankUnembeddingMath *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Modular.Form
  Modular.LowRankUnembedding.
Import ListNotations.
(** * Lemmas for low_rank_unembedding
    - [cauchy_schwarz_bound] == |x . y| <= |x| |y| over Z, for upper bounds of |x| and |y|; [minkowski] == |x + y| <= |x| + |y|
    - [size_of_spec] == |d| is at most what the checker takes for it
    - [dot_from_congruent], [squares_exact], [coarse_spec], [rests_spec] == what the checker's loops over neurons compute
    - [others_below_spec] == what its loop over classes says
    - [by_token_nth], [by_answer_nth], [by_difference_nth] == its tables, row by row *)
Local Open Scope Z_scope.

(** ** Sums *)

Lemma sumZ_minus : forall (n : nat) (f g : nat -> Z), sumZ n (fun k => f k - g k) = sumZ n f - sumZ n g.
Proof. induction n as [|n IH]; intros f g; cbn [sumZ]; [|rewrite IH]; ring. Qed.

Lemma cauchy_schwarz : forall (n : nat) (x y : nat -> Z),
  sumZ n (fun k => x k * y k) * sumZ n (fun k => x k * y k) <= sumZ n (fun k => x k * x k) * sumZ n (fun k => y k * y k).
Proof.
  induction n as [|n IH]; intros x y; [reflexivity|]. cbn [sumZ].
  assert (rest := IH (fun k => x (S k)) (fun k => y (S k))). cbv beta in rest. revert rest.
  assert (A_nonneg := sumZ_nonneg n (fun k => x (S k) * x (S k)) ltac:(intros; apply Z.square_nonneg)).
  assert (B_nonneg := sumZ_nonneg n (fun k => y (S k) * y (S k)) ltac:(intros; apply Z.square_nonneg)).
  revert A_nonneg B_nonneg. generalize (sumZ n (fun k => x (S k) * x (S k))) (sumZ n (fun k => y (S k) * y (S k)))
    (sumZ n (fun k => x (S k) * y (S k))) (x O) (y O). intros A B C u v A_nonneg B_nonneg rest.
  assert (cross : 2 * (u * v * C) <= u * u * B + v * v * A).
  { assert (first : 0 <= u * u * B) by (apply Z.mul_nonneg_nonneg; [apply Z.square_nonneg | exact B_nonneg]).
    assert (second : 0 <= v * v * A) by (apply Z.mul_nonneg_nonneg; [apply Z.square_nonneg | exact A_nonneg]).
    apply Z.square_le_simpl_nonneg; [lia|].
    assert (square := Z.square_nonneg (u * u * B - v * v * A)).
    assert (scaled := Z.mul_le_mono_nonneg_l _ _ (u * u * (v * v))
      ltac:(apply Z.mul_nonneg_nonneg; apply Z.square_nonneg) rest).
    nia. }
  nia.
Qed.

Lemma cauchy_schwarz_bound : forall (n : nat) (x y : nat -> Z) (X Y : Z),
  0 <= X -> 0 <= Y ->
  sumZ n (fun k => x k * x k) <= X * X ->
  sumZ n (fun k => y k * y k) <= Y * Y ->
  Z.abs (sumZ n (fun k => x k * y k)) <= X * Y.
Proof.
  intros n x y X Y X_nonneg Y_nonneg X_bound Y_bound. assert (square := cauchy_schwarz n x y).
  assert (product : 0 <= X * Y) by (apply Z.mul_nonneg_nonneg; assumption).
  apply Z.square_le_simpl_nonneg; [exact product|]. rewrite Z.abs_square. etransitivity; [exact square|].
  transitivity (X * X * (Y * Y)); [|lia]. apply Z.mul_le_mono_nonneg; [| exact X_bound | | exact Y_bound];
    apply sumZ_nonneg; intros; apply Z.square_nonneg.
Qed.

Lemma minkowski : forall (n : nat) (x y : nat -> Z) (X Y : Z),
  0 <= X -> 0 <= Y ->
  sumZ n (fun k => x k * x k) <= X * X ->
  sumZ n (fun k => y k * y k) <= Y * Y ->
  sumZ n (fun k => (x k + y k) * (x k + y k)) <= (X + Y) * (X + Y).
Proof.
  intros n x y X Y X_nonneg Y_nonneg X_bound Y_bound.
  assert (cross := cauchy_schwarz_bound n x y X Y X_nonneg Y_nonneg X_bound Y_bound).
  rewrite (sumZ_ext _ _ (fun k => x k * x k + (2 * (x k * y k) + y k * y k))) by (intros k _; ring).
  rewrite !sumZ_plus, sumZ_mult_l. lia.
Qed.

Lemma le_sqrt_up : forall n : Z, 0 <= n -> n <= Z.sqrt_up n * Z.sqrt_up n.
Proof.
  intros n nonneg. destruct (Z.eq_dec n 0) as [->|]; [reflexivity|]. assert (spec := Z.sqrt_up_spec n ltac:(lia)).
  unfold Z.square in spec. lia.
Qed.

(** ** Machine arithmetic *)

Lemma dot_from_congruent : forall (x y : list int) (start : int) (z : Z),
  length x = length y ->
  congruent start z ->
  congruent (dot_from start x y) (z + sumZ (length y) (fun k => at1 x k * at1 y k)).
Proof.
  induction x as [|x0 x IH]; intros [|y0 y] start z len same; try discriminate len.
  - cbn [dot_from length sumZ]. rewrite Z.add_0_r. exact same.
  - cbn [dot_from length sumZ]. rewrite Z.add_assoc.
    apply (IH y (start + x0 * y0)%uint63 (z + at1 (x0 :: x) O * at1 (y0 :: y) O)).
    + cbn in len. lia.
    + apply congruent_add; [exact same|]. apply congruent_mul; apply signed_congruent.
Qed.

(** The same where [x] is known up to congruence. *)
Lemma dot_from_general : forall (x y : list int) (f : nat -> Z) (start : int) (z : Z),
  length x = length y ->
  (forall k, (k < length y)%nat -> congruent (nth k x 0%uint63) (f k)) ->
  congruent start z ->
  congruent (dot_from start x y) (z + sumZ (length y) (fun k => f k * at1 y k)).
Proof.
  induction x as [|x0 x IH]; intros [|y0 y] f start z len values same; try discriminate len.
  - cbn [dot_from length sumZ]. rewrite Z.add_0_r. exact same.
  - cbn [dot_from length sumZ]. rewrite Z.add_assoc.
    apply (IH y (fun k => f (S k)) (start + x0 * y0)%uint63 (z + f O * at1 (y0 :: y) O)).
    + cbn in len. lia.
    + intros k below. apply (values (S k)). cbn. lia.
    + apply congruent_add; [exact same|]. apply congruent_mul; [apply (values O); cbn; lia | apply signed_congruent].
Qed.

Lemma squares_congruent : forall (f : int -> int) (row : list int) (total : int) (z : Z),
  congruent total z ->
  congruent (squares f row total)
    (z + sumZ (length row) (fun k => signed (f (nth k row 0%uint63)) * signed (f (nth k row 0%uint63)))).
Proof.
  intros f. induction row as [|x row IH]; intros total z same; cbn [squares length sumZ].
  - rewrite Z.add_0_r. exact same.
  - rewrite Z.add_assoc. apply (IH _ (z + signed (f x) * signed (f x))). apply congruent_add; [exact same|].
    apply congruent_mul; apply signed_congruent.
Qed.

(** The sum of squares of [n] numbers of at most [top] in absolute value, where it fits. *)
Lemma squares_exact : forall (f : int -> int) (row : list int) (top : Z),
  (forall k, (k < length row)%nat -> Z.abs (signed (f (nth k row 0%uint63))) <= top) ->
  Z.of_nat (length row) * (top * top) <= 2 ^ 60 ->
  to_Z (squares f row 0) =
    sumZ (length row) (fun k => signed (f (nth k row 0%uint63)) * signed (f (nth k row 0%uint63))).
Proof.
  intros f row top bound fits. assert (value := squares_congruent f row 0 0 (congruent_to_Z 0)). rewrite Z.add_0_l in value.
  apply to_Z_of_congruent; [exact value|]. split; [apply sumZ_nonneg; intros; apply Z.square_nonneg|].
  assert (total := sumZ_bound (length row) (fun k => signed (f (nth k row 0%uint63)) * signed (f (nth k row 0%uint63)))
    (top * top)).
  cbv beta in total. refine (_ (total _)); [intro bounded; lia|].
  intros k below. specialize (bound k below). rewrite Z.abs_mul. apply Z.mul_le_mono_nonneg; lia.
Qed.

Lemma coarse_spec : forall (bits x : int),
  to_Z bits <= 60 -> Z.abs (signed x) <= 2 ^ 60 ->
  signed (coarse bits x) = signed x / 2 ^ to_Z bits.
Proof.
  intros bits x small range. unfold coarse. assert (spec := Uint63.eqb_spec bits 0). destruct (Uint63.eqb bits 0).
  - rewrite (proj1 spec eq_refl). change (to_Z 0) with 0. rewrite Z.pow_0_r, Z.div_1_r. reflexivity.
  - cbv zeta. apply signed_shift_down; lia.
Qed.

(** |d|, rounded up. *)
Definition size_of (F : form) (c : low_rank_unembedding_certificate) (row : list int) : Z :=
  2 ^ to_Z (dropped_bits c) * (Z.sqrt_up (to_Z (squares (coarse (dropped_bits c)) row 0)) + slack F c).

Lemma size_of_spec : forall (F : form) (c : low_rank_unembedding_certificate) (rest : Z) (row : list int) (d : nat -> Z),
  to_Z (dropped_bits c) <= 60 ->
  rest <= 2 ^ 60 ->
  square_top F c rest <= 2 ^ 60 ->
  length row = form_width F ->
  (forall j, (j < form_width F)%nat -> at1 row j = d j) ->
  (forall j, Z.abs (d j) <= rest) ->
  sumZ (form_width F) (fun j => d j * d j) <= size_of F c row * size_of F c row /\ 0 <= size_of F c row <= length_top F c rest.
Proof.
  intros F c rest row d small rest_fits fits len exact_d d_bound. assert (t_range := to_Z_range (dropped_bits c)).
  unfold square_top in fits. cbv zeta in fits. set (m := form_width F) in *.
  set (t := to_Z (dropped_bits c)) in *. assert (unit_pos : 0 < 2 ^ t) by (apply Z.pow_pos_nonneg; lia).
  assert (quotient : forall j, (j < m)%nat -> signed (coarse (dropped_bits c) (nth j row 0%uint63)) = d j / 2 ^ t).
  { intros j inside. assert (bound := d_bound j).
    specialize (exact_d j inside). unfold at1 in exact_d.
    rewrite coarse_spec; rewrite ?exact_d; [reflexivity | exact small | lia]. }
  assert (quotient_bound : forall j, (j < length row)%nat ->
    Z.abs (signed (coarse (dropped_bits c) (nth j row 0%uint63))) <= coarse_top c rest).
  { intros j inside. rewrite quotient by lia. assert (bound := d_bound j). unfold coarse_top. fold t.
    assert (up := Z.div_le_mono (d j) rest (2 ^ t) unit_pos ltac:(lia)).
    assert (down := Z.div_le_mono (- rest) (d j) (2 ^ t) unit_pos ltac:(lia)).
    assert (spec := Z.div_mod rest (2 ^ t) ltac:(lia)).
    assert (rem := Z.mod_pos_bound rest (2 ^ t) unit_pos).
    assert (least : - (rest / 2 ^ t) - 1 <= - rest / 2 ^ t).
    { apply Z.div_le_lower_bound; [exact unit_pos|]. lia. }
    lia. }
  assert (value := squares_exact _ row _ quotient_bound). rewrite len in value.
  assert (slack_nonneg : 0 <= slack F c) by (unfold slack; destruct (_ =? 0); [lia | apply Z.sqrt_up_nonneg]).
  specialize (value fits). rewrite (sumZ_ext m _ (fun j => d j / 2 ^ t * (d j / 2 ^ t))) in value
    by (intros j inside; cbv beta; rewrite quotient by exact inside; reflexivity).
  unfold size_of. fold t. rewrite value.
  assert (squares_nonneg := sumZ_nonneg m (fun j => d j / 2 ^ t * (d j / 2 ^ t)) ltac:(intros; apply Z.square_nonneg)).
  assert (root_nonneg := Z.sqrt_up_nonneg (sumZ m (fun j => d j / 2 ^ t * (d j / 2 ^ t)))).
  split.
  - rewrite (sumZ_ext m (fun j => d j * d j) (fun j => (2 ^ t * (d j / 2 ^ t) + d j mod 2 ^ t)
    * (2 ^ t * (d j / 2 ^ t) + d j mod 2 ^ t)))
      by (intros j _; rewrite <- Z.div_mod by lia; reflexivity).
    rewrite Z.mul_add_distr_l. apply minkowski.
    + apply Z.mul_nonneg_nonneg; lia.
    + apply Z.mul_nonneg_nonneg; lia.
    + rewrite (sumZ_ext _ _ (fun j => 2 ^ t * 2 ^ t * (d j / 2 ^ t * (d j / 2 ^ t)))) by (intros j _; ring).
      rewrite sumZ_mult_l. assert (root := le_sqrt_up _ squares_nonneg).
      rewrite <- Z.mul_shuffle1. apply Z.mul_le_mono_nonneg_l; [apply Z.square_nonneg | exact root].
    + unfold slack. fold t. fold m. destruct (Z.eqb_spec t 0) as [zero|nonzero].
      * rewrite zero, Z.mul_0_r. rewrite (sumZ_ext _ _ (fun _ => 0)), sumZ_zero; [reflexivity|].
        intros j _. rewrite Z.pow_0_r, Z.mod_1_r. reflexivity.
      * assert (total := sumZ_bound m (fun j => d j mod 2 ^ t * (d j mod 2 ^ t)) (2 ^ t * 2 ^ t)). cbv beta in total.
        assert (root := le_sqrt_up (Z.of_nat m) ltac:(lia)).
        assert (scaled_root := Z.mul_le_mono_nonneg_l _ _ (2 ^ t * 2 ^ t) (Z.square_nonneg _) root).
        refine (_ (total _)); [intro bounded; lia|]. intros j _. assert (rem := Z.mod_pos_bound (d j) (2 ^ t) unit_pos).
        rewrite Z.abs_mul. apply Z.mul_le_mono_nonneg; lia.
  - split; [apply Z.mul_nonneg_nonneg; lia|]. unfold length_top. fold t. apply Z.mul_le_mono_nonneg_l; [lia|].
    apply Z.add_le_mono_r, Z.sqrt_up_le_mono.
    assert (total := sumZ_bound m (fun j => d j / 2 ^ t * (d j / 2 ^ t)) (coarse_top c rest
      * coarse_top c rest)).
    cbv beta in total. unfold square_top. cbv zeta. fold m. refine (_ (total _)); [intro bounded; lia|].
    intros j inside. assert (bound := quotient_bound j ltac:(lia)). rewrite quotient in bound by exact inside.
    rewrite Z.abs_mul. apply Z.mul_le_mono_nonneg; (exact bound || apply Z.abs_nonneg).
Qed.

Lemma rests_spec : forall (f : int -> int) (n : nat) (l r g k s t : list int),
  length l = n -> length r = n -> length g = n -> length k = n -> length s = n -> length t = n ->
  length (rests f l r g k s t) = n /\
  forall j, (j < n)%nat -> nth j (rests f l r g k s t) 0%uint63 =
    (f (nth j l 0 + nth j r 0) - nth j g 0 - nth j k 0 - nth j s 0 - nth j t 0)%uint63.
Proof.
  intros f. induction n as [|n IH]; intros [|l0 l] [|r0 r] [|g0 g] [|k0 k] [|s0 s] [|t0 t] ll lr lg lk ls lt;
    try discriminate ll; try discriminate lr; try discriminate lg; try discriminate lk; try discriminate ls;
      try discriminate lt.
  - split; [reflexivity|]. intros j below. inversion below.
  - destruct (IH l r g k s t) as [len values]; try (cbn in *; lia). split; [cbn; lia|].
    intros [|j] below; [reflexivity|]. cbn [rests nth]. apply values. lia.
Qed.

(** ** Comparing with every class *)

Section Rivals.
  Context (best : int) (y : list int).

  Definition below_at (rows : list (list int)) (first second answers differences : list int) (k : nat) : bool :=
    ltb (dot_from (nth k first 0 + nth k second 0 + nth k answers 0 + nth k differences 0) y (nth k rows []))%uint63 best.

  Lemma all_below_spec : forall (rows : list (list int)) (first second answers differences : list int),
    all_below best y rows first second answers differences = true ->
    forall k, (k < length rows)%nat -> below_at rows first second answers differences k = true.
  Proof.
    induction rows as [|row rows IH]; intros [|a first] [|b second] [|s answers] [|t differences] all k inside;
      try (cbn in inside; lia); try (cbn in all; discriminate all).
    cbn [all_below] in all. destruct (ltb _ best) eqn:here; [|discriminate all].
    destruct k as [|k]; [exact here|]. apply (IH first second answers differences all k). cbn in inside. lia.
  Qed.

  Lemma others_below_spec : forall (rows : list (list int)) (but : nat) (first second answers differences : list int),
    others_below best y but rows first second answers differences = true ->
    forall k, (k < length rows)%nat -> k <> but -> below_at rows first second answers differences k = true.
  Proof.
    induction rows as [|row rows IH]; intros but [|a first] [|b second] [|s answers] [|t differences] all k inside other;
      try (cbn in inside; lia); try (cbn in all; discriminate all).
    cbn [others_below] in all. destruct but as [|but].
    - destruct k as [|k]; [lia|]. apply (all_below_spec rows first second answers differences all k). cbn in inside. lia.
    - destruct (ltb _ best) eqn:here; [|discriminate all]. destruct k as [|k]; [exact here|].
      apply (IH but first second answers differences all k); [cbn in inside; lia | lia].
  Qed.
End Rivals.

(** ** Tables *)

Lemma zip_rows_length : forall (A B C : Type) (f : A -> B -> C) (n : nat) (a : list A) (b : list B),
  length a = n -> length b = n -> length (zip_with f a b) = n.
Proof. intros A B C f n a b la lb. rewrite zip_with_length. lia. Qed.

Definition token_row (means direct : list int) (scaled_u : list (list int)) (start d : int) : list int :=
  zip_with (fun u v => dot_from (start + d * v)%uint63 means u) scaled_u direct.

Lemma by_token_length : forall (n : nat) (rows means direct scaled_u : list (list int)) (start d : int),
  length rows = n -> length means = n -> length direct = n -> length (by_token rows means direct scaled_u start d) = n.
Proof. intros. unfold by_token. repeat (apply zip_rows_length; [|assumption] || apply zip_rows_length); assumption. Qed.

Lemma by_token_nth : forall (n b : nat) (rows means direct scaled_u : list (list int)) (start d : int),
  length rows = n -> length means = n -> length direct = n -> (b < n)%nat ->
  nth b (by_token rows means direct scaled_u start d) ([], [], []) =
    (nth b rows [], nth b means [], token_row (nth b means []) (nth b direct []) scaled_u start d).
Proof.
  intros n b rows means direct scaled_u start d len_rows len_means len_direct inside. unfold by_token, token_row.
  rewrite (nth_zip_with _ _ _ _ _ _ _ ([], []) []) by (rewrite zip_with_length; lia).
  rewrite (nth_zip_with _ _ _ _ _ _ _ [] []) by lia. rewrite (nth_zip_with _ _ _ _ _ _ _ [] []) by lia. reflexivity.
Qed.

Lemma by_difference_nth : forall (k : nat) (means scaled_u : list (list int)),
  (k < length means)%nat ->
  nth k (by_difference means scaled_u) ([], []) = (nth k means [], map (dot_from 0%uint63 (nth k means [])) scaled_u).
Proof. intros k means scaled_u inside. unfold by_difference. rewrite (nth_map_any _ _ _ _ _ []) by exact inside.
  reflexivity. Qed.

Lemma by_answer_nth : forall (k : nat) (means scaled_u : list (list int)),
  (k < length means)%nat -> (k < length scaled_u)%nat ->
  nth k (by_answer means scaled_u) ([], [], []) =
    (nth k means [], map (dot_from 0%uint63 (nth k means [])) scaled_u, nth k scaled_u []).
Proof.
  intros k means scaled_u inside inside_u. unfold by_answer.
  rewrite (nth_zip_with _ _ _ _ _ _ _ ([], []) []) by (rewrite ?map_length; lia).
  rewrite (nth_map_any _ _ _ _ _ []) by exact inside. reflexivity.
Qed.
