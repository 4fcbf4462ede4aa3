(* CompactProofs: Base: Sums *)
(* MIT licence. *)
From Coq Require Import Reals ZArith List Lia Lra.
From CompactProofs Require Import Spec.Network.
Import ListNotations.
(** * Finite sums over the reals and over the integers
    - [sum]  == the real sum of the specification
    - [sumZ] == the same over Z; [IZR_sumZ] links them *)

Fixpoint sumZ (n : nat) (f : nat -> Z) : Z :=
  match n with
  | O => 0
  | S n' => f O + sumZ n' (fun k => f (S k))
  end%Z.

Section RealSums.
  Local Open Scope R_scope.

  Lemma sum_ext : forall (n : nat) (f g : nat -> R),
    (forall k, (k < n)%nat -> f k = g k) -> sum n f = sum n g.
  Proof.
    induction n as [|n IH]; intros f g same; cbn [sum]; [reflexivity|].
    rewrite (same O) by lia. f_equal. apply IH. intros k below. apply same. lia.
  Qed.

  Lemma sum_plus : forall (n : nat) (f g : nat -> R), sum n (fun k => f k + g k) = sum n f + sum n g.
  Proof. induction n as [|n IH]; intros f g; cbn [sum]; [|rewrite IH]; ring. Qed.

  Lemma sum_mult_l : forall (n : nat) (c : R) (f : nat -> R), sum n (fun k => c * f k) = c * sum n f.
  Proof. induction n as [|n IH]; intros c f; cbn [sum]; [|rewrite IH]; ring. Qed.

  Lemma sum_mult_r : forall (n : nat) (c : R) (f : nat -> R), sum n (fun k => f k * c) = sum n f * c.
  Proof. induction n as [|n IH]; intros c f; cbn [sum]; [|rewrite IH]; ring. Qed.

  Lemma sum_minus : forall (n : nat) (f g : nat -> R), sum n (fun k => f k - g k) = sum n f - sum n g.
  Proof. induction n as [|n IH]; intros f g; cbn [sum]; [|rewrite IH]; ring. Qed.

  Lemma sum_zero : forall n : nat, sum n (fun _ => 0) = 0.
  Proof. induction n as [|n IH]; cbn [sum]; [|rewrite IH]; ring. Qed.

  Lemma sum_swap : forall (n p : nat) (f : nat -> nat -> R),
    sum n (fun i => sum p (f i)) = sum p (fun j => sum n (fun i => f i j)).
  Proof.
    induction n as [|n IH]; intros p f; cbn [sum].
    - rewrite sum_zero. reflexivity.
    - rewrite IH, <- sum_plus. reflexivity.
  Qed.

  Lemma sum_le : forall (n : nat) (f g : nat -> R),
    (forall k, (k < n)%nat -> f k <= g k) -> sum n f <= sum n g.
  Proof.
    induction n as [|n IH]; intros f g less; cbn [sum]; [apply Rle_refl|].
    apply Rplus_le_compat; [apply less; lia|]. apply IH. intros k below. apply less. lia.
  Qed.

  Lemma sum_pos : forall (n : nat) (f : nat -> R),
    (0 < n)%nat -> (forall k, (k < n)%nat -> 0 < f k) -> 0 < sum n f.
  Proof.
    induction n as [|n IH]; intros f some positive; [lia|]. cbn [sum].
    destruct n as [|n].
    - cbn [sum]. rewrite Rplus_0_r. apply positive. lia.
    - apply Rplus_lt_0_compat; [apply positive; lia|]. apply IH; [lia|]. intros k below. apply positive. lia.
  Qed.

  Lemma IZR_sumZ : forall (n : nat) (f : nat -> Z), IZR (sumZ n f) = sum n (fun k => IZR (f k)).
  Proof. induction n as [|n IH]; intros f; cbn [sum sumZ]; [reflexivity|]. rewrite plus_IZR, IH. reflexivity. Qed.
End RealSums.

Section IntegerSums.
  Local Open Scope Z_scope.

  Lemma sumZ_ext : forall (n : nat) (f g : nat -> Z),
    (forall k, (k < n)%nat -> f k = g k) -> sumZ n f = sumZ n g.
  Proof.
    induction n as [|n IH]; intros f g same; cbn [sumZ]; [reflexivity|].
    rewrite (same O) by lia. f_equal. apply IH. intros k below. apply same. lia.
  Qed.

  Lemma sumZ_plus : forall (n : nat) (f g : nat -> Z), sumZ n (fun k => f k + g k) = sumZ n f + sumZ n g.
  Proof. induction n as [|n IH]; intros f g; cbn [sumZ]; [|rewrite IH]; ring. Qed.

  Lemma sumZ_mult_l : forall (n : nat) (c : Z) (f : nat -> Z), sumZ n (fun k => c * f k) = c * sumZ n f.
  Proof. induction n as [|n IH]; intros c f; cbn [sumZ]; [|rewrite IH]; ring. Qed.

  Lemma sumZ_zero : forall n : nat, sumZ n (fun _ => 0) = 0.
  Proof. induction n as [|n IH]; cbn [sumZ]; [|rewrite IH]; ring. Qed.

  Lemma sumZ_swap : forall (n p : nat) (f : nat -> nat -> Z),
    sumZ n (fun i => sumZ p (f i)) = sumZ p (fun j => sumZ n (fun i => f i j)).
  Proof.
    induction n as [|n IH]; intros p f; cbn [sumZ].
    - rewrite sumZ_zero. reflexivity.
    - rewrite IH, <- sumZ_plus. reflexivity.
  Qed.

  Lemma sumZ_le : forall (n : nat) (f g : nat -> Z),
    (forall k, (k < n)%nat -> f k <= g k) -> sumZ n f <= sumZ n g.
  Proof.
    induction n as [|n IH]; intros f g less; cbn [sumZ]; [lia|].
    apply Z.add_le_mono; [apply less; lia|]. apply IH. intros k below. apply less. lia.
  Qed.

  Lemma sumZ_nonneg : forall (n : nat) (f : nat -> Z), (forall k, (k < n)%nat -> 0 <= f k) -> 0 <= sumZ n f.
  Proof. intros n f nonneg. rewrite <- (sumZ_zero n). apply sumZ_le. exact nonneg. Qed.

  (** The sum without its first terms: more terms, if none is negative, only add. *)
  Lemma sumZ_le_more : forall (n p : nat) (f : nat -> Z),
    (n <= p)%nat -> (forall k, (k < p)%nat -> 0 <= f k) -> sumZ n f <= sumZ p f.
  Proof.
    induction n as [|n IH]; intros p f more nonneg; cbn [sumZ]; [apply sumZ_nonneg, nonneg|].
    destruct p as [|p]; [lia|]. cbn [sumZ].
    apply Z.add_le_mono_l, IH; [lia|]. intros k below. apply nonneg. lia.
  Qed.

  Lemma sumZ_bound : forall (n : nat) (f : nat -> Z) (b : Z),
    (forall k, (k < n)%nat -> Z.abs (f k) <= b) -> Z.abs (sumZ n f) <= Z.of_nat n * b.
  Proof.
    induction n as [|n IH]; intros f b bound; cbn [sumZ]; [lia|].
    assert (first := bound O ltac:(lia)).
    assert (later := IH (fun k => f (S k)) b ltac:(intros k below; apply bound; lia)).
    lia.
  Qed.

  Lemma sumZ_app : forall (n p : nat) (f : nat -> Z), sumZ (n + p) f = sumZ n f + sumZ p (fun k => f (n + k)%nat).
  Proof.
    induction n as [|n IH]; intros p f; cbn [sumZ Nat.add]; [reflexivity|]. rewrite IH, Z.add_assoc. reflexivity.
  Qed.

  (** A sum in which one index at most contributes, and at most [b]. *)
  Lemma sumZ_single : forall (n : nat) (f : nat -> Z) (only : nat) (b : Z),
    0 <= b -> (forall k, (k < n)%nat -> k <> only -> f k <= 0) -> (f only <= b) -> sumZ n f <= b.
  Proof.
    induction n as [|n IH]; intros f only b nonneg zero one; cbn [sumZ]; [lia|].
    destruct only as [|only].
    - assert (rest : sumZ n (fun k => f (S k)) <= 0); [|lia].
      rewrite <- (sumZ_zero n). apply sumZ_le. intros k below. apply zero; lia.
    - assert (first : f O <= 0) by (apply zero; lia).
      assert (rest : sumZ n (fun k => f (S k)) <= b); [|lia].
      apply (IH _ only); [exact nonneg| |exact one]. intros k below other. apply zero; lia.
  Qed.
End IntegerSums.
