(* CompactProofs: Modular: SecondMomentMath *)
(* MIT licence. *)
From Coq Require Import ZArith List Arith Lia.
From CompactProofs Require Import Base.Sums.
Import ListNotations.
(** * The second moment of the outputs, and how many pairs it leaves wrong
    f: centred outputs of all pairs (a, b) of numbers below p (their sum over the classes is 0), s: right answers.
    - [moment f]        == the sum of all squares;  [correlation f s] == the sum of the outputs of the right answers
    - [wrong_le]        == if both are positive, the number of wrong pairs is at most 2 p (p - 1) - 2 correlation^2 / moment
    - [centred L R V]   == the outputs of a network with squares: sum_j (L[a,j] + R[b,j])^2 V[c,j]
    - [moment_fast]     == their moment, without any loop over a, b and c together
    - [correlation_fast] == their correlation, without a loop over c
    Source: docs/modular_addition.md. *)
Local Open Scope Z_scope.

(** ** Sums *)

Lemma sumZ_mult_r : forall (n : nat) (c : Z) (f : nat -> Z), sumZ n (fun k => f k * c) = sumZ n f * c.
Proof. induction n as [|n IH]; intros c f; cbn [sumZ]; [|rewrite IH]; ring. Qed.

Lemma sumZ_const : forall (n : nat) (c : Z), sumZ n (fun _ => c) = Z.of_nat n * c.
Proof. induction n as [|n IH]; intros c; cbn [sumZ]; [|rewrite IH, Nat2Z.inj_succ]; ring. Qed.

Lemma sumZ_minus : forall (n : nat) (f g : nat -> Z), sumZ n (fun k => f k - g k) = sumZ n f - sumZ n g.
Proof. induction n as [|n IH]; intros f g; cbn [sumZ]; [|rewrite IH]; ring. Qed.

Lemma sumZ_product : forall (n p : nat) (f g : nat -> Z), sumZ n f * sumZ p g = sumZ n (fun i => sumZ p (fun j => f i * g j)).
Proof.
  intros n p f g. rewrite <- sumZ_mult_r. apply sumZ_ext. intros i _. rewrite sumZ_mult_l. reflexivity.
Qed.

Lemma sumZ_only : forall (n s : nat) (g : nat -> Z), (s < n)%nat -> sumZ n (fun k => if (k =? s)%nat then g k else 0) = g s.
Proof.
  induction n as [|n IH]; intros s g inside; [lia|]. cbn [sumZ]. destruct s as [|s].
  - cbn [Nat.eqb]. rewrite sumZ_zero. lia.
  - cbn [Nat.eqb]. rewrite (IH s (fun k => g (S k))) by lia. reflexivity.
Qed.

(** Two terms of a sum of squares. *)
Lemma sumZ_two : forall (n i j : nat) (f : nat -> Z),
  (forall k, 0 <= f k) -> (i < n)%nat -> (j < n)%nat -> i <> j -> f i + f j <= sumZ n f.
Proof.
  intros n i j f nonneg inside_i inside_j other.
  rewrite <- (sumZ_only n i f inside_i), <- (sumZ_only n j f inside_j), <- sumZ_plus. apply sumZ_le. intros k _.
  assert (positive := nonneg k). destruct (Nat.eqb_spec k i), (Nat.eqb_spec k j); lia.
Qed.

(** ** The bound *)

Section Pair.
  Context (p : nat) (f : nat -> Z) (s : nat) (C M : Z).
  Context (s_below : (s < p)%nat) (f_centred : sumZ p f = 0) (C_nonneg : 0 <= C) (M_nonneg : 0 <= M).

  Local Notation P := (Z.of_nat p).

  Local Definition target (k : nat) : Z := (if (k =? s)%nat then P else 0) - 1.

  Local Lemma target_products : sumZ p (fun k => f k * target k) = P * f s.
  Proof.
    rewrite (sumZ_ext _ _ (fun k => (if (k =? s)%nat then P * f k else 0) - f k)).
    - rewrite sumZ_minus, f_centred, (sumZ_only p s (fun k => P * f k)) by exact s_below. ring.
    - intros k _. unfold target. destruct (k =? s)%nat; ring.
  Qed.

  Local Lemma target_squares : sumZ p (fun k => target k * target k) = P * (P - 1).
  Proof.
    rewrite (sumZ_ext _ _ (fun k => (if (k =? s)%nat then P * P - 2 * P else 0) + 1)).
    - rewrite sumZ_plus, (sumZ_only p s (fun _ => P * P - 2 * P)), sumZ_const by exact s_below. ring.
    - intros k _. unfold target. destruct (k =? s)%nat; ring.
  Qed.

  (** The squared distance of C f from M times the target, times p^2. *)
  Local Definition distance (k : nat) : Z := P * C * f k - M * target k.

  Local Lemma distance_sum : sumZ p (fun k => distance k * distance k) =
    P * P * C * C * sumZ p (fun k => f k * f k) - 2 * P * P * C * M * f s + M * M * (P * (P - 1)).
  Proof.
    rewrite (sumZ_ext _ _ (fun k =>
      P * P * C * C * (f k * f k) - 2 * P * C * M * (f k * target k) + M * M * (target k * target k)))
      by (intros k _; unfold distance; ring).
    rewrite sumZ_plus, sumZ_minus, !sumZ_mult_l, target_products, target_squares. ring.
  Qed.

  Lemma pair_nonneg :
    0 <= P * P * C * C * sumZ p (fun k => f k * f k) - 2 * P * P * C * M * f s + M * M * (P * (P - 1)).
  Proof. rewrite <- distance_sum. apply sumZ_nonneg. intros k _. apply Z.square_nonneg. Qed.

  Lemma pair_wrong : forall c : nat,
    (c < p)%nat -> c <> s -> f s <= f c ->
    (P * M) * (P * M) <=
    2 * (P * P * C * C * sumZ p (fun k => f k * f k) - 2 * P * P * C * M * f s + M * M * (P * (P - 1))).
  Proof.
    intros c inside other more. rewrite <- distance_sum.
    assert (two := sumZ_two p c s (fun k => distance k * distance k)
      (fun k => Z.square_nonneg (distance k)) inside s_below other).
    cbv beta in two.
    assert (apart : P * M <= distance c - distance s).
    { unfold distance, target. rewrite Nat.eqb_refl. destruct (Nat.eqb_spec c s) as [|_]; [contradiction|].
      assert (0 <= P * C * (f c - f s)) by (apply Z.mul_nonneg_nonneg; nia). nia. }
    assert (square : (P * M) * (P * M) <= (distance c - distance s) * (distance c - distance s))
      by (apply Z.mul_le_mono_nonneg; nia).
    assert (sum_square := Z.square_nonneg (distance c + distance s)). lia.
  Qed.
End Pair.

Definition moment (p : nat) (f : nat -> nat -> nat -> Z) : Z :=
  sumZ p (fun a => sumZ p (fun b => sumZ p (fun c => f a b c * f a b c))).

Definition correlation (p : nat) (f : nat -> nat -> nat -> Z) (s : nat -> nat -> nat) : Z :=
  sumZ p (fun a => sumZ p (fun b => f a b (s a b))).

(** [wrong]: 1 for the wrong pairs, 0 for the others. *)
Theorem wrong_le : forall (p : nat) (f : nat -> nat -> nat -> Z) (s : nat -> nat -> nat) (wrong : nat -> nat -> Z),
  (forall a b, (a < p)%nat -> (b < p)%nat -> (s a b < p)%nat) ->
  (forall a b, (a < p)%nat -> (b < p)%nat -> sumZ p (f a b) = 0) ->
  (forall a b, (a < p)%nat -> (b < p)%nat ->
    wrong a b = 0 \/ wrong a b = 1 /\ exists c : nat, (c < p)%nat /\ c <> s a b /\ f a b (s a b) <= f a b c) ->
  0 < correlation p f s ->
  0 < moment p f ->
  sumZ p (fun a => sumZ p (wrong a)) * moment p f <=
    2 * Z.of_nat p * (Z.of_nat p - 1) * moment p f - 2 * correlation p f s * correlation p f s.
Proof.
  intros p f s wrong s_below f_centred wrong_spec. set (C := correlation p f s). set (M := moment p f). set (P := Z.of_nat p).
  intros C_pos M_pos.
  assert (some : 0 < P).
  { unfold P. destruct p as [|p]; [|lia]. unfold M, moment in M_pos. cbn in M_pos. lia. }
  assert (each : forall a b, (a < p)%nat -> (b < p)%nat ->
    wrong a b * ((P * M) * (P * M)) <=
    2 * P * P * C * C * sumZ p (fun c => f a b c * f a b c) + (- 4 * P * P * C * M) * f a b (s a b) +
    2 * M * M * (P * (P - 1))).
  { intros a b inside_a inside_b.
    assert (below := s_below a b inside_a inside_b). assert (zero := f_centred a b inside_a inside_b).
    destruct (wrong_spec a b inside_a inside_b) as [->|[-> (c & inside & other & more)]].
    - assert (bound := pair_nonneg p (f a b) (s a b) C M below zero). fold P in bound. lia.
    - assert (bound := pair_wrong p (f a b) (s a b) C M below zero ltac:(lia) ltac:(lia) c inside other more).
      fold P in bound. lia. }
  assert (sum : sumZ p (fun a => sumZ p (wrong a)) * ((P * M) * (P * M)) <=
    2 * P * P * C * C * M + (- 4 * P * P * C * M) * C + 2 * M * M * (P * (P - 1)) * (P * P)).
  { unfold C at 4, M at 3. unfold correlation, moment.
    rewrite <- sumZ_mult_r, <- !sumZ_mult_l.
    replace (2 * M * M * (P * (P - 1)) * (P * P)) with (sumZ p (fun _ => sumZ p (fun _ => 2 * M * M * (P * (P - 1)))))
      by (rewrite !sumZ_const; fold P; ring).
    rewrite <- !sumZ_plus. apply sumZ_le. intros a inside_a.
    rewrite <- sumZ_mult_r, <- !sumZ_mult_l, <- !sumZ_plus. apply sumZ_le. intros b inside_b.
    exact (each a b inside_a inside_b). }
  assert (positive : 0 < P * P * M) by nia. apply Z.mul_le_mono_pos_l with (P * P * M); [exact positive|]. lia.
Qed.

(** ** Networks with squares *)

Section Squares.
  Context (p m : nat) (L R V : nat -> nat -> Z).

  Local Notation P := (Z.of_nat p).

  Definition centred (a b c : nat) : Z := sumZ m (fun j => (L a j + R b j) * (L a j + R b j) * V c j).

  (** What the table [T] of one of the two tokens gives to class [c] alone. *)
  Definition own (T : nat -> nat -> Z) (a c : nat) : Z := sumZ m (fun j => T a j * T a j * V c j).

  Definition joint (a b c : nat) : Z := sumZ m (fun j => L a j * R b j * V c j).

  Definition column_sum (T : nat -> nat -> Z) (j : nat) : Z := sumZ p (fun a => T a j).

  (** p times [own], and 4 times the sum of [joint] over the other token, of column sums [r]. *)
  Definition own_joint (T : nat -> nat -> Z) (r : nat -> Z) (a c : nat) : Z :=
    sumZ m (fun j => (P * (T a j * T a j) + 4 * (T a j * r j)) * V c j).

  Definition gram (T : nat -> nat -> Z) (i j : nat) : Z := sumZ p (fun a => T a i * T a j).

  Lemma centred_split : forall a b c : nat, centred a b c = own L a c + own R b c + 2 * joint a b c.
  Proof.
    intros a b c. unfold centred, own, joint. rewrite <- sumZ_mult_l, <- !sumZ_plus. apply sumZ_ext. intros j _. ring.
  Qed.

  Local Lemma own_joint_split : forall (T : nat -> nat -> Z) (r : nat -> Z) (a c : nat),
    own_joint T r a c = P * own T a c + 4 * sumZ m (fun j => T a j * r j * V c j).
  Proof.
    intros T r a c. unfold own_joint, own. rewrite <- !sumZ_mult_l, <- sumZ_plus. apply sumZ_ext. intros j _. ring.
  Qed.

  Local Lemma joint_sum_second : forall a c : nat,
    sumZ p (fun b => joint a b c) = sumZ m (fun j => L a j * column_sum R j * V c j).
  Proof.
    intros a c. unfold joint, column_sum. rewrite sumZ_swap. apply sumZ_ext. intros j _.
    rewrite <- sumZ_mult_l, <- sumZ_mult_r. reflexivity.
  Qed.

  Local Lemma joint_sum_first : forall b c : nat,
    sumZ p (fun a => joint a b c) = sumZ m (fun j => R b j * column_sum L j * V c j).
  Proof.
    intros b c. unfold joint, column_sum. rewrite sumZ_swap. apply sumZ_ext. intros j _.
    rewrite <- sumZ_mult_l, <- sumZ_mult_r. apply sumZ_ext. intros a _. ring.
  Qed.

  Local Lemma joint_squares : sumZ p (fun a => sumZ p (fun b => sumZ p (fun c => joint a b c * joint a b c))) =
    sumZ m (fun i => sumZ m (fun j => gram V i j * (gram L i j * gram R i j))).
  Proof.
    rewrite (sumZ_ext p _ (fun a => sumZ m (fun i => sumZ m (fun j => gram V i j * (L a i * L a j * gram R i j))))).
    - rewrite sumZ_swap. apply sumZ_ext. intros i _. rewrite sumZ_swap. apply sumZ_ext. intros j _.
      rewrite sumZ_mult_l, sumZ_mult_r. reflexivity.
    - intros a _. rewrite (sumZ_ext p _ (fun b => sumZ m (fun i => sumZ m (fun j =>
        gram V i j * (L a i * L a j * (R b i * R b j)))))).
      + rewrite sumZ_swap. apply sumZ_ext. intros i _. rewrite sumZ_swap. apply sumZ_ext. intros j _.
        rewrite !sumZ_mult_l. reflexivity.
      + intros b _. rewrite (sumZ_ext p _ (fun c => sumZ m (fun i => sumZ m (fun j =>
          V c i * V c j * (L a i * L a j * (R b i * R b j)))))).
        * rewrite sumZ_swap. apply sumZ_ext. intros i _. rewrite sumZ_swap. apply sumZ_ext. intros j _.
          rewrite sumZ_mult_r. reflexivity.
        * intros c _. unfold joint. rewrite sumZ_product. apply sumZ_ext. intros i _. apply sumZ_ext. intros j _. ring.
  Qed.

  Definition fast_moment : Z :=
    sumZ p (fun a => sumZ p (fun c => own L a c * own_joint L (column_sum R) a c)) +
    sumZ p (fun b => sumZ p (fun c => own R b c * own_joint R (column_sum L) b c)) +
    2 * sumZ p (fun c => sumZ p (fun a => own L a c) * sumZ p (fun b => own R b c)) +
    4 * sumZ m (fun i => sumZ m (fun j => gram V i j * (gram L i j * gram R i j))).

  Local Lemma first_part : forall a c : nat,
    sumZ p (fun b => own L a c * own L a c + 4 * (own L a c * joint a b c)) = own L a c * own_joint L (column_sum R) a c.
  Proof.
    intros a c. rewrite sumZ_plus, sumZ_const, !sumZ_mult_l, joint_sum_second, own_joint_split. ring.
  Qed.

  Local Lemma second_part : forall b c : nat,
    sumZ p (fun a => own R b c * own R b c + 4 * (own R b c * joint a b c)) = own R b c * own_joint R (column_sum L) b c.
  Proof.
    intros b c. rewrite sumZ_plus, sumZ_const, !sumZ_mult_l, joint_sum_first, own_joint_split. ring.
  Qed.

  Theorem moment_fast : moment p centred = fast_moment.
  Proof.
    unfold moment, fast_moment. rewrite <- joint_squares.
    rewrite (sumZ_ext p (fun c => sumZ p (fun a => own L a c) * sumZ p (fun b => own R b c))
      (fun c => sumZ p (fun a => sumZ p (fun b => own L a c * own R b c)))) by (intros c _; apply sumZ_product).
    rewrite (sumZ_swap p p (fun c a => sumZ p (fun b => own L a c * own R b c))).
    rewrite (sumZ_ext p (fun a => sumZ p (fun c => own L a c * own_joint L (column_sum R) a c))
      (fun a => sumZ p (fun b => sumZ p (fun c => own L a c * own L a c + 4 * (own L a c * joint a b c))))).
    2: { intros a _. rewrite sumZ_swap. apply sumZ_ext. intros c _. symmetry. apply first_part. }
    rewrite (sumZ_ext p (fun b => sumZ p (fun c => own R b c * own_joint R (column_sum L) b c))
      (fun b => sumZ p (fun a => sumZ p (fun c => own R b c * own R b c + 4 * (own R b c * joint a b c))))).
    2: { intros b _. rewrite sumZ_swap. apply sumZ_ext. intros c _. symmetry. apply second_part. }
    rewrite (sumZ_swap p p (fun b a => sumZ p (fun c => own R b c * own R b c + 4 * (own R b c * joint a b c)))).
    rewrite <- !sumZ_mult_l, <- !sumZ_plus. apply sumZ_ext. intros a _.
    rewrite (sumZ_swap p p (fun c b => own L a c * own R b c)).
    rewrite <- !sumZ_mult_l, <- !sumZ_plus. apply sumZ_ext. intros b _.
    rewrite <- !sumZ_mult_l, <- !sumZ_plus. apply sumZ_ext. intros c _. rewrite centred_split. ring.
  Qed.

  (** A symmetric sum, from its half. *)
  Lemma sum_symmetric : forall (n : nat) (g : nat -> nat -> Z),
    (forall i j, g i j = g j i) ->
    sumZ n (fun i => sumZ n (g i)) = 2 * sumZ n (fun i => sumZ (n - i) (fun k => g i (i + k)%nat)) - sumZ n (fun i => g i i).
  Proof.
    induction n as [|n IH]; intros g symmetric; [reflexivity|]. cbn [sumZ Nat.sub Nat.add].
    rewrite (sumZ_plus n (fun i => g (S i) O)). cbn [Nat.add] in *.
    rewrite (IH (fun i j => g (S i) (S j))) by (intros i j; apply symmetric).
    rewrite (sumZ_ext n (fun k => g (S k) O) (fun k => g O (S k))) by (intros k _; apply symmetric).
    ring.
  Qed.

  (** [s a b]: the right answers; [first c b]: the first token of which, with [b], [c] is the right answer. *)
  Context (s first : nat -> nat -> nat).
  Context (s_below : forall a b, (a < p)%nat -> (b < p)%nat -> (s a b < p)%nat).
  Context (first_below : forall c b, (c < p)%nat -> (b < p)%nat -> (first c b < p)%nat).
  Context (inverse : forall a b c, (a < p)%nat -> (b < p)%nat -> (c < p)%nat -> s a b = c <-> first c b = a).

  Lemma sum_by_answer : forall (b : nat) (g : nat -> nat -> Z), (b < p)%nat ->
    sumZ p (fun a => g a (s a b)) = sumZ p (fun c => g (first c b) c).
  Proof.
    intros b g inside_b. transitivity (sumZ p (fun a => sumZ p (fun c => if (c =? s a b)%nat then g a c else 0))).
    - apply sumZ_ext. intros a inside_a. rewrite (sumZ_only p (s a b) (g a)) by (apply s_below; assumption). reflexivity.
    - rewrite sumZ_swap. apply sumZ_ext. intros c inside_c.
      rewrite <- (sumZ_only p (first c b) (fun a => g a c)) by (apply first_below; assumption).
      apply sumZ_ext. intros a inside_a. destruct (inverse a b c inside_a inside_b inside_c) as [one two].
      destruct (Nat.eqb_spec c (s a b)) as [same|other], (Nat.eqb_spec a (first c b)) as [same'|other']; try reflexivity.
      + contradiction other'. symmetry. apply one. symmetry. exact same.
      + contradiction other. symmetry. apply two. symmetry. exact same'.
  Qed.

  Definition fast_correlation : Z :=
    sumZ p (fun c => sumZ p (fun b => own L (first c b) c)) +
    2 * sumZ p (fun c => sumZ m (fun j => sumZ p (fun b => L (first c b) j * R b j) * V c j)).

  Theorem correlation_fast :
    (forall j, (j < m)%nat -> column_sum V j = 0) ->
    correlation p centred s = fast_correlation.
  Proof.
    intros V_centred. unfold correlation, fast_correlation. rewrite sumZ_swap.
    rewrite (sumZ_ext p _ (fun b => sumZ p (fun c => centred (first c b) b c)))
      by (intros b inside_b; exact (sum_by_answer b (fun a c => centred a b c) inside_b)).
    rewrite (sumZ_ext p _ (fun b => sumZ p (fun c => own L (first c b) c + 2 * joint (first c b) b c))).
    - rewrite sumZ_swap, <- sumZ_mult_l, <- sumZ_plus. apply sumZ_ext. intros c _.
      rewrite sumZ_plus, sumZ_mult_l. f_equal. f_equal. unfold joint. rewrite sumZ_swap. apply sumZ_ext. intros j _.
      apply sumZ_mult_r.
    - intros b inside_b. rewrite (sumZ_ext p _ (fun c => own L (first c b) c + 2 * joint (first c b) b c + own R b c))
        by (intros c _; rewrite centred_split; ring).
      rewrite sumZ_plus. replace (sumZ p (own R b)) with 0; [ring|].
      unfold own. rewrite sumZ_swap. rewrite (sumZ_ext m _ (fun _ => 0)); [symmetry; apply sumZ_zero|].
      intros j inside_j. rewrite sumZ_mult_l. fold (column_sum V j). rewrite V_centred by exact inside_j. ring.
  Qed.
End Squares.
