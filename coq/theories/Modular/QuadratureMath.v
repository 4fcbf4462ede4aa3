(* CompactProofs: Modular: QuadratureMath *)
(* MIT licence. *)
From Coq Require Import ZArith List Arith Bool Lia.
From CompactProofs Require Import Base.Sums Modular.Quadrature.
Import ListNotations.
(** * Why the leads of the frequencies decide: over the integers, for one pair and one wrong answer
    - [sum_over] == sums over a list; [sum_over_groups] == over the neurons, group by group
    - [collapse] == the sum of two waves of a frequency is near one wave of the half sum
    - [neuron_bound] == what a neuron adds to the lead of the right answer
    Main result: [lead_bound]. *)
Local Open Scope Z_scope.

(** ** Sums over lists *)

Lemma sum_over_ext : forall (A : Type) (f g : A -> Z) (l : list A),
  (forall x, In x l -> f x = g x) -> sum_over f l = sum_over g l.
Proof.
  intros A f g. induction l as [|x l IH]; intros same; [reflexivity|]. cbn [sum_over].
  rewrite same by (left; reflexivity). f_equal. apply IH. intros y inside. apply same. right. exact inside.
Qed.

Lemma sum_over_le : forall (A : Type) (f g : A -> Z) (l : list A),
  (forall x, In x l -> f x <= g x) -> sum_over f l <= sum_over g l.
Proof.
  intros A f g. induction l as [|x l IH]; intros less; cbn [sum_over]; [lia|].
  apply Z.add_le_mono; [apply less; left; reflexivity|]. apply IH. intros y inside. apply less. right. exact inside.
Qed.

Lemma sum_over_plus : forall (A : Type) (f g : A -> Z) (l :
  list A), sum_over (fun x => f x + g x) l = sum_over f l + sum_over g l.
Proof. intros A f g. induction l as [|x l IH]; cbn [sum_over]; [|rewrite IH]; ring. Qed.

Lemma sum_over_minus : forall (A : Type) (f g : A -> Z) (l :
  list A), sum_over (fun x => f x - g x) l = sum_over f l - sum_over g l.
Proof. intros A f g. induction l as [|x l IH]; cbn [sum_over]; [|rewrite IH]; ring. Qed.

Lemma sum_over_mult : forall (A : Type) (k : Z) (f : A -> Z) (l : list A), sum_over (fun x => k * f x) l = k * sum_over f l.
Proof. intros A k f. induction l as [|x l IH]; cbn [sum_over]; [|rewrite IH]; ring. Qed.

Lemma sum_over_zero : forall (A : Type) (l : list A), sum_over (fun _ => 0) l = 0.
Proof. intros A. induction l as [|x l IH]; cbn [sum_over]; [|rewrite IH]; ring. Qed.

Lemma sum_over_nonneg : forall (A : Type) (f : A -> Z) (l : list A), (forall x, In x l -> 0 <= f x) -> 0 <= sum_over f l.
Proof. intros A f l nonneg. rewrite <- (sum_over_zero A l). apply sum_over_le. exact nonneg. Qed.

Lemma sum_over_abs : forall (A : Type) (f g : A -> Z) (l : list A),
  (forall x, In x l -> Z.abs (f x) <= g x) -> Z.abs (sum_over f l) <= sum_over g l.
Proof.
  intros A f g. induction l as [|x l IH]; intros bound; cbn [sum_over]; [lia|].
  assert (first := bound x (or_introl eq_refl)). assert (rest := IH (fun y inside => bound y (or_intror inside))). lia.
Qed.

(** Some of the terms of a sum of nonnegative ones. *)
Lemma sum_over_filter : forall (A : Type) (f : A -> Z) (test : A -> bool) (l : list A),
  (forall x, In x l -> 0 <= f x) -> sum_over f (filter test l) <= sum_over f l.
Proof.
  intros A f test. induction l as [|x l IH]; intros nonneg; [cbn; lia|]. cbn [filter sum_over].
  assert (first := nonneg x (or_introl eq_refl)). assert (rest := IH (fun y inside => nonneg y (or_intror inside))).
  destruct (test x); cbn [sum_over]; lia.
Qed.

Lemma sum_over_term : forall (A : Type) (f : A -> Z) (l : list A) (x : A),
  (forall y, In y l -> 0 <= f y) -> In x l -> f x <= sum_over f l.
Proof.
  intros A f. induction l as [|y l IH]; intros x nonneg inside; [contradiction|]. cbn [sum_over].
  assert (rest := sum_over_nonneg A f l (fun z also => nonneg z (or_intror also))).
  destruct inside as [->|inside]; [lia|].
  assert (first := nonneg y (or_introl eq_refl)). assert (here := IH x (fun z also => nonneg z (or_intror also)) inside). lia.
Qed.

Lemma sum_over_seq : forall (f : nat -> Z) (n start : nat), sum_over f (seq start n) = sumZ n (fun k => f (start + k)%nat).
Proof.
  intros f. induction n as [|n IH]; intros start; [reflexivity|]. cbn [seq sum_over sumZ]. rewrite IH, Nat.add_0_r. f_equal.
  apply sumZ_ext. intros k _. rewrite Nat.add_succ_r. reflexivity.
Qed.

Local Lemma sum_over_one : forall (x : Z) (n only start : nat), (start <= only < start + n)%nat ->
  sum_over (fun g => if Nat.eqb only g then x else 0) (seq start n) = x.
Proof.
  intros x. induction n as [|n IH]; intros only start range; [lia|]. cbn [seq sum_over].
  destruct (Nat.eqb_spec only start) as [->|other].
  - rewrite (sum_over_ext _ _ (fun _ => 0)), sum_over_zero; [ring|]. intros g inside. apply in_seq in inside.
    destruct (Nat.eqb_spec start g); [lia | reflexivity].
  - rewrite IH by lia. reflexivity.
Qed.

Lemma sum_over_groups : forall (f : nat -> Z) (group : nat -> nat) (n : nat) (l : list nat),
  (forall j, In j l -> (group j < n)%nat) ->
  sum_over f l = sum_over (fun g => sum_over f (filter (fun j => Nat.eqb (group j) g) l)) (seq 0 n).
Proof.
  intros f group n. induction l as [|j l IH]; intros inside.
  - cbn [filter sum_over]. rewrite sum_over_zero. reflexivity.
  - cbn [sum_over]. rewrite IH by (intros i also; apply inside; right; exact also).
    rewrite <- (sum_over_one (f j) n (group j) 0) at 1 by (assert (here := inside j (or_introl eq_refl)); lia).
    rewrite <- sum_over_plus. apply sum_over_ext. intros g _. cbn [filter].
    destruct (Nat.eqb (group j) g); cbn [sum_over]; ring.
Qed.

(** ** Waves *)

Section Waves.
  Context (cs sn : Z -> Z) (N tolerance : Z).
  Context (cosines_multiply : forall i j : Z, Z.abs (2 * cs i * cs j - N * (cs (j + i) + cs (j - i))) <= tolerance).
  Context (sines_multiply : forall i j : Z, Z.abs (2 * cs i * sn j - N * (sn (j + i) + sn (j - i))) <= tolerance).

  Definition waveZ (u v k i : Z) : Z := u * cs (k * i) - v * sn (k * i).

  Lemma collapse : forall u v k sigma delta : Z,
    Z.abs (2 * cs (k * delta) * waveZ u v k sigma - N * (waveZ u v k (sigma + delta) + waveZ u v k (sigma - delta))) <=
    tolerance * (Z.abs u + Z.abs v).
  Proof.
    intros u v k sigma delta. unfold waveZ.
    assert (first := cosines_multiply (k * delta) (k * sigma)). assert (second := sines_multiply (k * delta) (k * sigma)).
    rewrite (Z.mul_add_distr_l k), (Z.mul_sub_distr_l k).
    set (x := 2 * cs (k * delta) * cs (k * sigma) - N * (cs (k * sigma + k * delta) + cs (k * sigma - k * delta))) in *.
    set (y := 2 * cs (k * delta) * sn (k * sigma) - N * (sn (k * sigma + k * delta) + sn (k * sigma - k * delta))) in *.
    replace (2 * cs (k * delta) * (u * cs (k * sigma) - v * sn (k * sigma)) -
      N * (u * cs (k * sigma + k * delta) - v * sn (k * sigma + k * delta) +
        (u * cs (k * sigma - k * delta) - v * sn (k * sigma - k * delta)))) with (u * x - v * y) by (unfold x, y; ring).
    assert (left : Z.abs (u * x) <= Z.abs u * tolerance)
      by (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg_l; [lia | exact first]).
    assert (right : Z.abs (v * y) <= Z.abs v * tolerance)
      by (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg_l; [lia | exact second]).
    replace (tolerance * (Z.abs u + Z.abs v)) with (Z.abs u * tolerance + Z.abs v * tolerance) by ring.
    clear first second. clearbody x y. revert left right.
    generalize (u * x) (v * y) (Z.abs u * tolerance) (Z.abs v * tolerance). clear. lia.
  Qed.
End Waves.

(** relu(2 c x) is 2 |c| times one of the two. *)
Definition activeZ (c x : Z) : Z := if 0 <=? c then Z.max 0 x else Z.max 0 (- x).

Lemma active_homogeneous : forall c x : Z, Z.max 0 (2 * c * x) = 2 * Z.abs c * activeZ c x.
Proof.
  intros c x. unfold activeZ. destruct (Z.leb_spec 0 c) as [up|down].
  - rewrite Z.abs_eq by exact up.
    destruct (Z.max_spec 0 x) as [[less ->]|[less ->]]; nia.
  - rewrite Z.abs_neq by lia. destruct (Z.max_spec 0 (- x)) as [[less ->]|[less ->]]; nia.
Qed.

(** ** One neuron *)

Lemma relu_lipschitz : forall x y : Z, Z.abs (Z.max 0 x - Z.max 0 y) <= Z.abs (x - y).
Proof. intros x y. lia. Qed.

Lemma active_range : forall c x top : Z, Z.abs x <= top -> 0 <= activeZ c x <= top.
Proof. intros c x top bound. unfold activeZ. destruct (0 <=? c); lia. Qed.

(** [h]: the activation; [u], [u']: the output weights of the right answer and of another class, [y], [y'] their waves. *)
Lemma neuron_bound : forall T N V l r x_l x_r c x e_l e_r e u u' y y' e_y e_y' x_top u_top : Z,
  0 <= T -> 0 <= N -> 0 <= V ->
  Z.abs (T * l - x_l) <= e_l -> Z.abs (T * r - x_r) <= e_r -> Z.abs (2 * c * x - N * (x_l + x_r)) <= e ->
  Z.abs (V * u - y) <= e_y -> Z.abs (V * u' - y') <= e_y' ->
  Z.abs x <= x_top -> Z.abs u <= u_top -> Z.abs u' <= u_top ->
  2 * Z.abs c * (activeZ c x * (y - y') - x_top * (e_y + e_y')) - 2 * V * (u_top * (e + N * (e_l + e_r))) <=
  T * N * V * (Z.max 0 (l + r) * (u - u')).
Proof.
  intros T N V l r x_l x_r c x e_l e_r e u u' y y' e_y e_y' x_top u_top T_nonneg N_nonneg V_nonneg.
  intros near_l near_r near_x near_y near_y' x_bound u_bound u_bound'.
  assert (scaled : T * N * V * (Z.max 0 (l + r) * (u - u')) = Z.max 0 (N * (T * l + T * r)) * (V * u - V * u')).
  { assert (inner : Z.max 0 (N * (T * l + T * r)) = N * T * Z.max 0 (l + r)).
    { replace (N * (T * l + T * r)) with (N * T * (l + r)) by ring.
      assert (nonneg := Z.mul_nonneg_nonneg N T N_nonneg T_nonneg).
      rewrite <- Z.mul_max_distr_nonneg_l by exact nonneg. rewrite Z.mul_0_r. reflexivity. }
    rewrite inner. ring. }
  rewrite scaled. set (z := Z.max 0 (N * (T * l + T * r))). set (ideal := 2 * Z.abs c * activeZ c x).
  assert (ideal_range := active_range c x x_top x_bound).
  assert (far : Z.abs (z - ideal) <= e + N * (e_l + e_r)).
  { unfold z, ideal. rewrite <- active_homogeneous. etransitivity; [apply relu_lipschitz|].
    assert (left : Z.abs (N * (T * l - x_l)) <= N * e_l)
      by (rewrite Z.abs_mul, (Z.abs_eq N) by assumption; apply Z.mul_le_mono_nonneg_l; assumption).
    assert (right : Z.abs (N * (T * r - x_r)) <= N * e_r)
      by (rewrite Z.abs_mul, (Z.abs_eq N) by assumption; apply Z.mul_le_mono_nonneg_l; assumption).
    replace (N * (T * l + T * r) - 2 * c * x) with
      (N * (T * l - x_l) + N * (T * r - x_r) - (2 * c * x - N * (x_l + x_r))) by ring.
    rewrite (Z.mul_add_distr_l N e_l e_r). revert left right near_x.
    generalize (N * (T * l - x_l)) (N * (T * r - x_r)) (2 * c * x - N * (x_l + x_r)) (N * e_l) (N * e_r). clear. lia. }
  replace (z * (V * u - V * u')) with (ideal * (y - y') + ideal * ((V * u - y) - (V * u' - y')) +
    (z - ideal) * V * (u - u')) by ring.
  assert (first : - (2 * Z.abs c * (x_top * (e_y + e_y'))) <= ideal * ((V * u - y) - (V * u' - y'))).
  { unfold ideal. assert (range : Z.abs (V * u - y - (V * u' - y')) <= e_y + e_y')
      by (revert near_y near_y'; generalize (V * u - y) (V * u' - y'); clear; lia).
    revert range. generalize (V * u - y - (V * u' - y')) (e_y + e_y'). intros w bound range.
    assert (product : Z.abs (activeZ c x * w) <= x_top * bound).
    { rewrite Z.abs_mul, (Z.abs_eq (activeZ c x)) by apply ideal_range.
      apply Z.mul_le_mono_nonneg; [apply ideal_range | apply ideal_range | apply Z.abs_nonneg | exact range]. }
    assert (nonneg : 0 <= 2 * Z.abs c) by (clear; lia).
    replace (- (2 * Z.abs c * (x_top * bound))) with (2 * Z.abs c * - (x_top * bound)) by ring.
    replace (2 * Z.abs c * activeZ c x * w) with (2 * Z.abs c * (activeZ c x * w)) by ring.
    apply Z.mul_le_mono_nonneg_l; [exact nonneg|]. revert product. clear. lia. }
  assert (second : - (2 * V * (u_top * (e + N * (e_l + e_r)))) <= (z - ideal) * V * (u - u')).
  { assert (range : Z.abs (u - u') <= 2 * u_top) by (revert u_bound u_bound'; clear; lia). revert far range.
    generalize (z - ideal) (u - u') (e + N * (e_l + e_r)).
    intros w du bound far range.
    assert (product : Z.abs (w * du) <= bound * (2 * u_top)) by
      (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg; [apply Z.abs_nonneg | exact far | apply Z.abs_nonneg | exact range]).
    replace (- (2 * V * (u_top * bound))) with (V * - (bound * (2 * u_top))) by ring.
    replace (w * V * du) with (V * (w * du)) by ring. apply Z.mul_le_mono_nonneg_l; [exact V_nonneg|].
    revert product. clear. lia. }
  replace (2 * Z.abs c * (activeZ c x * (y - y') - x_top * (e_y + e_y'))) with
    (ideal * (y - y') - 2 * Z.abs c * (x_top * (e_y + e_y'))) by (unfold ideal; ring).
  revert first second. clear. lia.
Qed.

(** ** All neurons, one pair, one wrong answer *)

Section Lead.
  Context (neurons : list nat) (group : nat -> nat) (groups : nat).
  Context (inside : forall j, In j neurons -> (group j < groups)%nat).
  Context (T N V : Z) (T_nonneg : 0 <= T) (N_nonneg : 0 <= N) (V_nonneg : 0 <= V).
  Context (c : nat -> Z) (l r x_l x_r x e_l e_r e u u' y y' e_y e_y' x_top u_top : nat -> Z).
  Context (near_l : forall j, In j neurons -> Z.abs (T * l j - x_l j) <= e_l j).
  Context (near_r : forall j, In j neurons -> Z.abs (T * r j - x_r j) <= e_r j).
  Context (near_x : forall j, In j neurons -> Z.abs (2 * c (group j) * x j - N * (x_l j + x_r j)) <= e j).
  Context (near_y : forall j, In j neurons -> Z.abs (V * u j - y j) <= e_y j).
  Context (near_y' : forall j, In j neurons -> Z.abs (V * u' j - y' j) <= e_y' j).
  Context (x_bound : forall j, In j neurons -> Z.abs (x j) <= x_top j).
  Context (u_bound : forall j, In j neurons -> Z.abs (u j) <= u_top j).
  Context (u_bound' : forall j, In j neurons -> Z.abs (u' j) <= u_top j).

  Let members (g : nat) : list nat := filter (fun j => Nat.eqb (group j) g) neurons.
  Let gain (g j : nat) : Z := activeZ (c g) (x j) * (y j - y' j) - x_top j * (e_y j + e_y' j).
  Let rest (j : nat) : Z := u_top j * (e j + N * (e_l j + e_r j)).

  Theorem lead_bound : forall (unit residue : Z) (lead : nat -> Z),
    (forall g, (g < groups)%nat -> unit * lead g <= sum_over (gain g) (members g)) ->
    sum_over rest neurons <= residue ->
    2 * (unit * sum_over (fun g => Z.abs (c g) * lead g) (seq 0 groups)) - 2 * V * residue <=
    T * N * V * sum_over (fun j => Z.max 0 (l j + r j) * (u j - u' j)) neurons.
  Proof.
    intros unit residue lead leads small. rewrite <- (sum_over_mult _ (T * N * V)).
    transitivity (sum_over (fun j => 2 * (Z.abs (c (group j)) * gain (group j) j) - 2 * V * rest j) neurons).
    - rewrite sum_over_minus, !sum_over_mult.
      rewrite (sum_over_groups (fun j => Z.abs (c (group j)) * gain (group j) j) group groups) by exact inside.
      assert (first : unit * sum_over (fun g => Z.abs (c g) * lead g) (seq 0 groups) <=
        sum_over (fun g => sum_over (fun j => Z.abs (c (group j)) * gain (group j) j) (members g)) (seq 0 groups)).
      { rewrite <- sum_over_mult. apply sum_over_le. intros g range. apply in_seq in range.
        rewrite (sum_over_ext _ _ (fun j => Z.abs (c g) * gain g j)).
        - rewrite sum_over_mult. replace (unit * (Z.abs (c g) * lead g)) with (Z.abs (c g) * (unit * lead g)) by ring.
          apply Z.mul_le_mono_nonneg_l; [apply Z.abs_nonneg|]. apply leads. lia.
        - intros j some. apply filter_In in some. destruct some as [_ same]. apply Nat.eqb_eq in same. rewrite same.
          reflexivity. }
      assert (second : V * sum_over rest neurons <= V * residue) by (apply Z.mul_le_mono_nonneg_l; assumption).
      unfold members in *. rewrite <- !Z.mul_assoc. revert first second. clear. lia.
    - apply sum_over_le. intros j some. rewrite Z.mul_assoc. unfold gain, rest.
      apply (neuron_bound T N V (l j) (r j) (x_l j) (x_r j)); auto.
  Qed.
End Lead.
