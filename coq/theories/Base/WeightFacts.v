(* CompactProofs: Base: WeightFacts *)
(* MIT licence. *)
From Coq Require Import Reals ZArith List Arith Lia.
From CompactProofs Require Import Spec.Network Spec.MaxOfK Spec.Weighted Base.Sums Base.Totals.
Import ListNotations.
(** * Weights of sequences are what their names promise; and as totals
    - [entries_nonneg W] == no weight is negative
    Main results, for a reader who doubts the definitions: [total_weight_rows] (the product of the sums of the rows),
    [correct_weight_ones] (weights of 1 count), [correct_weight_range], [correct_and_wrong_weight], [weighted_accuracy_ge]. For
    the proofs: [correct_weight_total], [weight_nonneg], [weight_snoc], [weight_firstn]. *)
Local Open Scope Z_scope.

Definition entries_nonneg (W : list (list Z)) : Prop := forall i t : nat, 0 <= nth t (nth i W []) 0.

Lemma weight_nonneg : forall (x : list nat) (W : list (list Z)), entries_nonneg W -> 0 <= weight W x.
Proof.
  induction x as [|t x IH]; intros [|row W] nonneg; cbn [weight]; try lia.
  apply Z.mul_nonneg_nonneg; [exact (nonneg O t) | apply IH; intros i; exact (nonneg (S i))].
Qed.

(** The last token apart. *)
Lemma weight_snoc : forall (x : list nat) (W : list (list Z)) (q : nat), length W = S (length x) ->
  weight W (x ++ [q]) = weight W x * nth q (nth (length x) W []) 0.
Proof.
  induction x as [|t x IH]; intros [|row W] q len; try discriminate len; cbn [app weight length nth].
  - destruct W; [cbn [weight]; lia | discriminate len].
  - rewrite IH by (cbn in len; lia). lia.
Qed.

(** Rows past the end of the sequence do not matter. *)
Lemma weight_firstn : forall (x : list nat) (W : list (list Z)) (k : nat), (length x <= k)%nat ->
  weight (firstn k W) x = weight W x.
Proof.
  induction x as [|t x IH]; intros [|row W] [|k] long; try reflexivity; [cbn in long; lia|].
  cbn [firstn weight]. rewrite IH by (cbn in long; lia). reflexivity.
Qed.

(** ** As totals *)

Local Lemma sum_app : forall (W : list (list Z)) (a b : list (list nat)),
  sum_of_weights W (a ++ b) = sum_of_weights W a + sum_of_weights W b.
Proof.
  intros W a b. unfold sum_of_weights. rewrite map_app. induction (map (weight W) a) as [|z l IH]; [reflexivity|].
  cbn [app fold_right]. rewrite IH. lia.
Qed.

Local Lemma sum_total : forall (n d : nat) (W : list (list Z)) (P : list nat -> bool),
  sum_of_weights W (filter P (sequences d n)) = total d n (fun x => weight W x * indicator (P x)).
Proof.
  intros n d W P.
  assert (general : forall (n : nat) (f : list nat -> list nat),
    sum_of_weights W (filter P (map f (sequences d n))) = total d n (fun x => weight W (f x) * indicator (P (f x)))).
  { clear n. induction n as [|n IH]; intro f.
    - cbn [sequences map total filter]. destruct (P (f [])); cbn; lia.
    - cbn [sequences total].
      assert (each : forall count start : nat,
        sum_of_weights W (filter P (map f (flat_map (fun token => map (cons token) (sequences d n)) (seq start count)))) =
        sumZ count (fun k => total d n
          (fun x => weight W (f ((start + k)%nat :: x)) * indicator (P (f ((start + k)%nat :: x)))))).
      { induction count as [|count IHc]; intro start; [reflexivity|]. cbn [seq flat_map sumZ].
        rewrite map_app, filter_app, sum_app, map_map, IHc, Nat.add_0_r. f_equal; [apply (IH (fun x => f (start :: x)))|].
        apply sumZ_ext. intros k _. replace (S start + k)%nat with (start + S k)%nat by lia. reflexivity. }
      exact (each d O). }
  specialize (general n (fun x => x)). rewrite map_id in general. exact general.
Qed.

Theorem correct_weight_total : forall (W : list (list Z)) (M : model),
  correct_weight W M =
  total (d_vocab M) (n_ctx M) (fun x => weight W x * indicator (if correct_dec M x then true else false)).
Proof. intros W M. apply sum_total. Qed.

Theorem total_weight_total : forall (W : list (list Z)) (M : model),
  total_weight W M = total (d_vocab M) (n_ctx M) (weight W).
Proof.
  intros W M. unfold total_weight.
  rewrite <- (total_ext _ _ (fun x => weight W x * indicator true)) by (intros x _ _; cbn [indicator]; lia).
  rewrite <- sum_total. f_equal. induction (sequences (d_vocab M) (n_ctx M)) as [|x l IH]; [reflexivity|].
  cbn [filter]. rewrite <- IH. reflexivity.
Qed.

(** ** For a reader who doubts *)

Lemma total_mult_l : forall (d n : nat) (c : Z) (f : list nat -> Z), total d n (fun x => c * f x) = c * total d n f.
Proof.
  intros d n c. induction n as [|n IH]; intro f; cbn [total]; [reflexivity|]. rewrite <- sumZ_mult_l.
  apply sumZ_ext. intros t _. apply IH.
Qed.

(** The sum over all sequences, position by position. *)
Lemma total_of_weights : forall (W : list (list Z)) (d : nat),
  total d (length W) (weight W) = fold_right Z.mul 1 (map (fun row => sumZ d (fun t => nth t row 0)) W).
Proof.
  induction W as [|row W IH]; intro d; [reflexivity|]. cbn [length total map fold_right weight].
  rewrite (sumZ_ext d _ (fun t => total d (length W) (weight W) * nth t row 0))
    by (intros t _; rewrite total_mult_l; lia).
  rewrite sumZ_mult_l, IH. lia.
Qed.

Local Lemma sumZ_row : forall row : list Z, sumZ (length row) (fun t => nth t row 0) = fold_right Z.add 0 row.
Proof. induction row as [|z row IH]; [reflexivity|]. cbn [length sumZ nth fold_right]. rewrite IH. reflexivity. Qed.

Theorem total_weight_rows : forall (W : list (list Z)) (M : model),
  length W = n_ctx M -> Forall (fun row => length row = d_vocab M) W ->
  total_weight W M = fold_right Z.mul 1 (map (fold_right Z.add 0) W).
Proof.
  intros W M rows columns. rewrite total_weight_total, <- rows, total_of_weights. f_equal. apply map_ext_in. intros row member.
  rewrite Forall_forall in columns. rewrite <- (columns row member). apply sumZ_row.
Qed.

Theorem correct_weight_ones : forall M : model,
  correct_weight (repeat (repeat 1 (d_vocab M)) (n_ctx M)) M = correct_count M.
Proof.
  intro M. rewrite correct_weight_total, correct_count_total. apply total_ext. intros x inside len.
  assert (one : weight (repeat (repeat 1 (d_vocab M)) (n_ctx M)) x = 1); [|lia].
  rewrite <- len. clear len. induction inside as [|t x token inside IH]; [reflexivity|].
  cbn [length repeat weight]. rewrite IH.
  rewrite (nth_indep _ 0 1) by (rewrite repeat_length; exact token). rewrite nth_repeat. reflexivity.
Qed.

Theorem correct_weight_range : forall (W : list (list Z)) (M : model), entries_nonneg W ->
  0 <= correct_weight W M <= total_weight W M.
Proof.
  intros W M nonneg. rewrite correct_weight_total, total_weight_total. split.
  - apply total_nonneg. intro x. assert (some := weight_nonneg x W nonneg). destruct (correct_dec M x); cbn [indicator]; lia.
  - apply total_le. intros x _ _. assert (some := weight_nonneg x W nonneg). destruct (correct_dec M x); cbn [indicator]; lia.
Qed.

Theorem correct_and_wrong_weight : forall (W : list (list Z)) (M : model),
  correct_weight W M +
    sum_of_weights W (filter (fun x => if correct_dec M x then false else true) (sequences (d_vocab M) (n_ctx M))) =
  total_weight W M.
Proof.
  intros W M. rewrite correct_weight_total, sum_total, total_weight_total, <- total_plus. apply total_ext. intros x _ _.
  destruct (correct_dec M x); cbn [indicator]; lia.
Qed.

Theorem weighted_accuracy_ge : forall (N : Z) (W : list (list Z)) (M : model), 0 < total_weight W M ->
  N <= correct_weight W M -> (IZR N / IZR (total_weight W M) <= weighted_accuracy W M)%R.
Proof.
  intros N W M some bound. unfold weighted_accuracy, Rdiv. apply Rmult_le_compat_r.
  - left. apply Rinv_0_lt_compat, IZR_lt, some.
  - apply IZR_le, bound.
Qed.
