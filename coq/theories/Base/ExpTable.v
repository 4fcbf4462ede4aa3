(* CompactProofs: Base: ExpTable *)
(* MIT licence. *)
From Coq Require Import Reals ZArith List Lra.
From Interval Require Import Float.Specific_stdz Float.Specific_ops Float.Basic.
From Interval Require Import Interval.Interval Interval.Float_full Interval.Transcend.
From Interval Require Import Real.Xreal.
Import ListNotations.
(** * Enclosures of exp (- 2 ^ j / 2 ^ 30), j = 0 .. 35
    The constants from which every other enclosure of the exponential is multiplied together.
    - [exp_table] == pairs (lower, upper), units of 2^-30; entry j encloses exp (- 2 ^ (j - 30))
    Main result: [exp_table_bound], by interval arithmetic of the coq-interval library. *)
Local Open Scope Z_scope.

Definition exp_table : list (Z * Z) :=
  [ (1073741823, 1073741824); (1073741822, 1073741823); (1073741820, 1073741821);
    (1073741816, 1073741817); (1073741808, 1073741809); (1073741792, 1073741793);
    (1073741760, 1073741761); (1073741696, 1073741697); (1073741568, 1073741569);
    (1073741312, 1073741313); (1073740800, 1073740801); (1073739776, 1073739777);
    (1073737728, 1073737729); (1073733632, 1073733633); (1073725440, 1073725441);
    (1073709056, 1073709057); (1073676289, 1073676290); (1073610759, 1073610760);
    (1073479711, 1073479712); (1073217663, 1073217664); (1072693759, 1072693760);
    (1071646718, 1071646719); (1069555701, 1069555702); (1065385898, 1065385899);
    (1057094999, 1057095000); (1040706261, 1040706262); (1008687095, 1008687096);
    (947573833, 947573834); (836230973, 836230974); (651257336, 651257337);
    (395007542, 395007543); (145315153, 145315154); (19666267, 19666268);
    (360200, 360201); (120, 121); (0, 1) ].

(** ** Interval arithmetic on the entries *)

Module TableFloat := SpecificFloat StdZRadix2.
Module TableInterval := FloatIntervalFull TableFloat.

(** 60 bits of working precision. *)
Local Definition precision := TableFloat.PtoP 60.

Local Definition from_Z (z : Z) := TableInterval.fromZ precision z.

(** The interval of 2^30 exp (- a / 2^30). *)
Local Definition scaled_exp (a : Z) :=
  TableInterval.mul precision (from_Z (2 ^ 30))
    (TableInterval.exp precision (TableInterval.div precision (from_Z (- a)) (from_Z (2 ^ 30)))).

Local Definition not_negative (i : TableInterval.type) : bool :=
  match TableInterval.sign_large i with Xeq | Xgt => true | _ => false end.

Local Definition entry_ok (a : Z) (entry : Z * Z) : bool :=
  not_negative (TableInterval.sub precision (scaled_exp a) (from_Z (fst entry))) &&
  not_negative (TableInterval.sub precision (from_Z (snd entry)) (scaled_exp a)).

Local Lemma scaled_exp_contains : forall a : Z,
  contains (TableInterval.convert (scaled_exp a)) (Xreal (2 ^ 30 * exp (- IZR a / 2 ^ 30))%R).
Proof.
  intro a.
  assert (power : (2 ^ 30)%R = IZR (2 ^ 30)) by (change (2 ^ 30) with (2 ^ Z.of_nat 30); rewrite <- pow_IZR; reflexivity).
  rewrite power.
  change (Xreal (IZR (2 ^ 30) * exp (- IZR a / IZR (2 ^ 30)))%R)
    with (Xmul (Xreal (IZR (2 ^ 30))) (Xlift exp (Xreal (- IZR a / IZR (2 ^ 30))%R))).
  apply TableInterval.mul_correct; [apply TableInterval.fromZ_correct|].
  apply TableInterval.exp_correct.
  replace (Xreal (- IZR a / IZR (2 ^ 30))%R) with (Xdiv (Xreal (IZR (- a))) (Xreal (IZR (2 ^ 30)))).
  - apply TableInterval.div_correct; apply TableInterval.fromZ_correct.
  - cbv [Xbind2 Xdiv' is_zero].
    destruct (Raux.Req_bool_spec (IZR (2 ^ 30)) 0) as [zero|_].
    + apply eq_IZR in zero. discriminate zero.
    + rewrite opp_IZR. reflexivity.
Qed.

Local Lemma not_negative_correct : forall (i : TableInterval.type) (x : R),
  not_negative i = true -> contains (TableInterval.convert i) (Xreal x) -> (0 <= x)%R.
Proof.
  intros i x check inside. unfold not_negative in check.
  generalize (TableInterval.sign_large_correct i).
  destruct (TableInterval.sign_large i); try discriminate check; intro sign.
  - specialize (sign _ inside). injection sign as ->. lra.
  - destruct (sign _ inside) as [_ bound]. exact bound.
Qed.

Local Lemma entry_ok_correct : forall (a : Z) (entry : Z * Z),
  entry_ok a entry = true ->
  (IZR (fst entry) <= 2 ^ 30 * exp (- IZR a / 2 ^ 30) <= IZR (snd entry))%R.
Proof.
  intros a entry check. apply Bool.andb_true_iff in check. destruct check as [low high].
  split.
  - apply Rminus_le, Ropp_le_cancel. rewrite Ropp_0, Ropp_minus_distr.
    refine (not_negative_correct _ _ low _).
    change (Xreal (2 ^ 30 * exp (- IZR a / 2 ^ 30) - IZR (fst entry))%R)
      with (Xsub (Xreal (2 ^ 30 * exp (- IZR a / 2 ^ 30))%R) (Xreal (IZR (fst entry)))).
    apply TableInterval.sub_correct; [apply scaled_exp_contains | apply TableInterval.fromZ_correct].
  - apply Rminus_le, Ropp_le_cancel. rewrite Ropp_0, Ropp_minus_distr.
    refine (not_negative_correct _ _ high _).
    change (Xreal (IZR (snd entry) - 2 ^ 30 * exp (- IZR a / 2 ^ 30))%R)
      with (Xsub (Xreal (IZR (snd entry))) (Xreal (2 ^ 30 * exp (- IZR a / 2 ^ 30))%R)).
    apply TableInterval.sub_correct; [apply TableInterval.fromZ_correct | apply scaled_exp_contains].
Qed.

Local Fixpoint table_ok (a : Z) (table : list (Z * Z)) : bool :=
  match table with
  | [] => true
  | entry :: rest => entry_ok a entry && table_ok (2 * a) rest
  end.

Local Lemma table_ok_correct : forall (table : list (Z * Z)) (a : Z) (j : nat) (default : Z * Z),
  table_ok a table = true ->
  (j < length table)%nat ->
  let x := (2 ^ 30 * exp (- IZR (a * 2 ^ Z.of_nat j) / 2 ^ 30))%R in
  (IZR (fst (nth j table default)) <= x <= IZR (snd (nth j table default)))%R.
Proof.
  induction table as [|entry rest IH]; intros a j default check bound; simpl in bound; [inversion bound|].
  cbn [table_ok] in check. apply Bool.andb_true_iff in check. destruct check as [first later].
  destruct j as [|j].
  - cbn [nth]. change (2 ^ Z.of_nat 0) with 1. rewrite Z.mul_1_r. apply entry_ok_correct, first.
  - cbn [nth]. rewrite Nat2Z.inj_succ, Z.pow_succ_r by apply Nat2Z.is_nonneg.
    rewrite Z.mul_assoc, (Z.mul_comm a 2). apply IH; [exact later|]. apply PeanoNat.Nat.succ_lt_mono, bound.
Qed.

Local Lemma exp_table_ok : table_ok 1 exp_table = true.
Proof. vm_cast_no_check (eq_refl true). Qed.

Theorem exp_table_bound : forall j : nat,
  (j < length exp_table)%nat ->
  let x := (2 ^ 30 * exp (- IZR (2 ^ Z.of_nat j) / 2 ^ 30))%R in
  (IZR (fst (nth j exp_table (0, 0)%Z)) <= x <= IZR (snd (nth j exp_table (0, 0)%Z)))%R.
Proof.
  intros j bound. generalize (table_ok_correct exp_table 1 j (0, 0) exp_table_ok bound).
  rewrite Z.mul_1_l. exact (fun h => h).
Qed.
