(* CompactProofs: Base: Totals *)
(* MIT licence. *)
From Coq Require Import ZArith List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Spec.MaxOfK Base.Sums.
Import ListNotations.
(** * Totals of an integer function over all sequences of tokens
    - [total d n f]     == the sum of [f x] over all lists [x] of [n] tokens below [d]
    - [indicator b]     == 1 when [b] is true, 0 otherwise
    - [below d x]       == all tokens of [x] are below [d]
    Main results: [total_indicator] (totals of indicators count), [total_snoc] (the last token first),
    [total_le_more] (a larger vocabulary). *)
Local Open Scope Z_scope.

Fixpoint total (d n : nat) (f : list nat -> Z) : Z :=
  match n with
  | O => f []
  | S n' => sumZ d (fun token => total d n' (fun x => f (token :: x)))
  end.

Definition indicator (b : bool) : Z := if b then 1 else 0.

Definition below (d : nat) (x : list nat) : Prop := Forall (fun token => (token < d)%nat) x.

Lemma indicator_nonneg : forall b : bool, 0 <= indicator b.
Proof. intros []; cbn; lia. Qed.

Lemma total_ext : forall (d n : nat) (f g : list nat -> Z),
  (forall x, below d x -> length x = n -> f x = g x) -> total d n f = total d n g.
Proof.
  intros d n. induction n as [|n IH]; intros f g same; cbn [total].
  - apply same; [constructor | reflexivity].
  - apply sumZ_ext. intros token small. apply IH. intros x inside len.
    apply same; [constructor; assumption | cbn; lia].
Qed.

Lemma total_le : forall (d n : nat) (f g : list nat -> Z),
  (forall x, below d x -> length x = n -> f x <= g x) -> total d n f <= total d n g.
Proof.
  intros d n. induction n as [|n IH]; intros f g less; cbn [total].
  - apply less; [constructor | reflexivity].
  - apply sumZ_le. intros token small. apply IH. intros x inside len.
    apply less; [constructor; assumption | cbn; lia].
Qed.

Lemma total_nonneg : forall (d n : nat) (f : list nat -> Z), (forall x, 0 <= f x) -> 0 <= total d n f.
Proof.
  intros d n. induction n as [|n IH]; intros f nonneg; cbn [total]; [apply nonneg|].
  apply sumZ_nonneg. intros token small. apply IH. intro x. apply nonneg.
Qed.

Lemma total_plus : forall (d n : nat) (f g : list nat -> Z),
  total d n (fun x => f x + g x) = total d n f + total d n g.
Proof.
  intros d n. induction n as [|n IH]; intros f g; cbn [total]; [reflexivity|].
  rewrite <- sumZ_plus. apply sumZ_ext. intros token _. apply IH.
Qed.

Lemma total_sumZ : forall (d n p : nat) (f : nat -> list nat -> Z),
  total d n (fun x => sumZ p (fun k => f k x)) = sumZ p (fun k => total d n (f k)).
Proof.
  intros d n. induction n as [|n IH]; intros p f; cbn [total]; [reflexivity|].
  rewrite <- sumZ_swap. apply sumZ_ext. intros token _. apply IH.
Qed.

Lemma total_const : forall (d n : nat) (c : Z), total d n (fun _ => c) = Z.of_nat d ^ Z.of_nat n * c.
Proof.
  intros d n c. induction n as [|n IH]; cbn [total]; [lia|].
  rewrite IH, Nat2Z.inj_succ, Z.pow_succ_r by lia. rewrite <- Z.mul_assoc.
  generalize (Z.of_nat d ^ Z.of_nat n * c) as a. intro a.
  assert (copies : forall p : nat, sumZ p (fun _ => a) = Z.of_nat p * a).
  { induction p as [|p IHp]; [reflexivity|]. cbn [sumZ]. rewrite IHp. lia. }
  apply copies.
Qed.

(** Sequences by their last token. *)
Lemma total_snoc : forall (d n : nat) (f : list nat -> Z),
  total d (S n) f = sumZ d (fun token => total d n (fun x => f (x ++ [token]))).
Proof.
  intros d n. induction n as [|n IH]; intros f; [reflexivity|].
  change (total d (S (S n)) f) with (sumZ d (fun token => total d (S n) (fun x => f (token :: x)))).
  rewrite (sumZ_ext d _ (fun first => sumZ d (fun token => total d n (fun x => f (first :: x ++ [token])))))
    by (intros first _; apply (IH (fun x => f (first :: x)))).
  rewrite sumZ_swap. reflexivity.
Qed.

(** A larger vocabulary, for a function that is never negative. *)
Lemma total_le_more : forall (d e n : nat) (f : list nat -> Z),
  (d <= e)%nat -> (forall x, 0 <= f x) -> total d n f <= total e n f.
Proof.
  intros d e n. induction n as [|n IH]; intros f more nonneg; cbn [total]; [lia|].
  transitivity (sumZ d (fun token => total e n (fun x => f (token :: x)))).
  - apply sumZ_le. intros token _. apply IH; [exact more | intro x; apply nonneg].
  - apply sumZ_le_more; [exact more|]. intros token _. apply total_nonneg. intro x. apply nonneg.
Qed.

(** ** Counting *)

Local Lemma filter_map_length : forall (P : list nat -> bool) (f : list nat -> list nat) (l : list (list nat)),
  length (filter P (map f l)) = length (filter (fun x => P (f x)) l).
Proof.
  intros P f l. induction l as [|x l IH]; [reflexivity|].
  cbn [map filter]. destruct (P (f x)); cbn [length]; rewrite IH; reflexivity.
Qed.

Local Lemma count_flat_map : forall (P : list nat -> bool) (rest : list (list nat)) (d start : nat),
  Z.of_nat (length (filter P (flat_map (fun token => map (cons token) rest) (seq start d)))) =
  sumZ d (fun token => Z.of_nat (length (filter (fun x => P ((start + token)%nat :: x)) rest))).
Proof.
  intros P rest d. induction d as [|d IH]; intros start; [reflexivity|].
  cbn [seq flat_map sumZ]. rewrite filter_app, app_length, Nat2Z.inj_add. f_equal.
  - rewrite Nat.add_0_r, filter_map_length. reflexivity.
  - rewrite IH. apply sumZ_ext. intros token _.
    replace (S start + token)%nat with (start + S token)%nat by lia. reflexivity.
Qed.

Theorem total_indicator : forall (d n : nat) (P : list nat -> bool),
  Z.of_nat (length (filter P (sequences d n))) = total d n (fun x => indicator (P x)).
Proof.
  intros d n. induction n as [|n IH]; intros P.
  - cbn. destruct (P []); reflexivity.
  - cbn [sequences total]. rewrite count_flat_map. apply sumZ_ext. intros token _. apply (IH (fun x => P (token :: x))).
Qed.

Corollary correct_count_total : forall M : model,
  correct_count M = total (d_vocab M) (n_ctx M) (fun x => indicator (if correct_dec M x then true else false)).
Proof. intro M. unfold correct_count. apply total_indicator. Qed.

Lemma correct_indicator_le : forall (M : model) (b : bool) (x : list nat),
  (b = true -> correct M x) -> indicator b <= indicator (if correct_dec M x then true else false).
Proof.
  intros M b x implies. destruct (correct_dec M x) as [yes|no]; destruct b; cbn; try lia.
  exfalso. apply no, implies. reflexivity.
Qed.

Lemma wrong_count_total : forall M : model,
  Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M) - correct_count M =
  total (d_vocab M) (n_ctx M) (fun x => indicator (if correct_dec M x then false else true)).
Proof.
  intro M. rewrite correct_count_total.
  rewrite <- (Z.mul_1_r (Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M))), <- total_const.
  rewrite (total_ext _ _ (fun _ => 1) (fun x => indicator (if correct_dec M x then true else false) +
    indicator (if correct_dec M x then false else true))) by (intros x _ _; destruct (correct_dec M x); reflexivity).
  rewrite total_plus. lia.
Qed.
