(* CompactProofs: Modular: Length: StrategiesLength *)
(* MIT licence. *)
From Coq Require Import ZArith List Lia.
From CompactProofs Require Import Spec.Modular Cert.Outcome Modular.Form Modular.Fold Modular.BruteForce.
From CompactProofs Require Import Modular.LowRankUnembedding Modular.Strategies Modular.FoldSound Length.Counted.
From CompactProofs Require Import Modular.Length.FormCounted Modular.Length.FoldCounted Modular.Length.FoldLength.
From CompactProofs Require Import Modular.Length.BruteForceCounted.
From CompactProofs Require Import Modular.Length.LowRankUnembeddingCounted Modular.Length.LowRankUnembeddingLength.
(** * Strategies for modular arithmetic on networks: how many operations they take
    The fold's tests, the fold, the form's tests and the strategy. Closed forms in the sizes: order p, width m of the hidden
    layer, those of the layers (FoldLength.fold_bound), and rank k; the numbers in the data do not matter.
    - [.._verdict_counted]      == twin of the verdict; [.._verdict_value]: it returns the same
    - [.._operations_bound M c] == at most so many operations
    The sizes are those that network and certificate say; [network_within], [low_rank_within]: they hold no more.
    Main results: [modular_brute_force_operations_at_most], [modular_brute_force_exact_operations_at_most],
    [low_rank_unembedding_operations_at_most]. Python: operations_of in extract/modular_fold.py and
    proofs/strategies/modular. *)
Local Open Scope Z_scope.

Definition modular_brute_force_verdict_counted (claimed : Z) (M : modular) (c : modular_brute_force_certificate) :
  counted outcome :=
  on_form_counted M (fun F => modular_brute_force_on_counted claimed F c).

Definition modular_brute_force_exact_verdict_counted (claimed : Z) (M : modular) (c : modular_brute_force_certificate) :
  counted outcome :=
  on_form_counted M (fun F => modular_brute_force_exact_on_counted claimed F c).

Definition low_rank_unembedding_verdict_counted (claimed : Z) (M : modular) (c : low_rank_unembedding_certificate) :
  counted outcome :=
  on_form_counted M (fun F => low_rank_unembedding_on_counted claimed F c).

(** ** Values *)

Theorem modular_brute_force_verdict_value : forall (claimed : Z) (M : modular) (c : modular_brute_force_certificate),
  returned (modular_brute_force_verdict_counted claimed M c) = modular_brute_force_verdict claimed M c.
Proof. intros claimed M c. apply on_form_value. intro F. apply modular_brute_force_on_value. Qed.

Theorem modular_brute_force_exact_verdict_value : forall (claimed : Z) (M : modular) (c : modular_brute_force_certificate),
  returned (modular_brute_force_exact_verdict_counted claimed M c) = modular_brute_force_exact_verdict claimed M c.
Proof. intros claimed M c. apply on_form_value. intro F. apply modular_brute_force_exact_on_value. Qed.

Theorem low_rank_unembedding_verdict_value : forall (claimed : Z) (M : modular) (c : low_rank_unembedding_certificate),
  returned (low_rank_unembedding_verdict_counted claimed M c) = low_rank_unembedding_verdict claimed M c.
Proof. intros claimed M c. apply on_form_value. intro F. apply low_rank_unembedding_on_value. Qed.

(** ** Closed forms *)

Definition modular_brute_force_operations_bound (M : modular) : Z :=
  let l := network_layers M in
  let p := Z.of_nat (order M) in
  fold_bound l p + brute_force_bound (activation_of l) p (Z.of_nat (width_of l)).

Definition low_rank_unembedding_operations_bound (M : modular) (c : low_rank_unembedding_certificate) : Z :=
  let l := network_layers M in
  let p := Z.of_nat (order M) in
  fold_bound l p + low_rank_bound (activation_of l) (is_coarse c) p (Z.of_nat (width_of l)) (Z.of_nat (unembedding_rank c)).

(** ** Numbers of operations *)

Lemma brute_force_bound_nonneg : forall (f : activation) (p m : Z), 0 <= p -> 0 <= m -> 0 <= brute_force_bound f p m.
Proof.
  intros f p m p_nonneg m_nonneg.
  assert (tests : 0 <= form_tests_bound f p m).
  { unfold form_tests_bound, value_bound, hidden_bound, before_bound, largest_bound. destruct f; nia. }
  assert (pairs : 0 <= p * (2 + p * pair_bound p m)).
  { destruct (Z.eq_dec p 0) as [->|some]; [lia|]. unfold pair_bound. nia. }
  unfold brute_force_bound. lia.
Qed.

Theorem modular_brute_force_operations_at_most : forall (claimed : Z) (M : modular) (c : modular_brute_force_certificate),
  network_within M ->
  operations (modular_brute_force_verdict_counted claimed M c) <= modular_brute_force_operations_bound M.
Proof.
  intros claimed M c sizes. apply on_form_at_most; [exact sizes | apply brute_force_bound_nonneg; lia|].
  intros F F_within <- <- <-. apply modular_brute_force_on_at_most, F_within.
Qed.

Theorem modular_brute_force_exact_operations_at_most :
  forall (claimed : Z) (M : modular) (c : modular_brute_force_certificate),
  network_within M ->
  operations (modular_brute_force_exact_verdict_counted claimed M c) <= modular_brute_force_operations_bound M.
Proof.
  intros claimed M c sizes. apply on_form_at_most; [exact sizes | apply brute_force_bound_nonneg; lia|].
  intros F F_within <- <- <-. apply modular_brute_force_exact_on_at_most, F_within.
Qed.

Theorem low_rank_unembedding_operations_at_most :
  forall (claimed : Z) (M : modular) (c : low_rank_unembedding_certificate),
  network_within M ->
  low_rank_within (order M) (width_of (network_layers M)) c ->
  operations (low_rank_unembedding_verdict_counted claimed M c) <= low_rank_unembedding_operations_bound M c.
Proof.
  intros claimed M c sizes c_within. apply on_form_at_most; [exact sizes | apply low_rank_bound_nonneg; lia|].
  intros F F_within same_order same_width <-. rewrite <- same_order, <- same_width in *.
  apply low_rank_unembedding_on_at_most; [exact F_within | exact c_within].
Qed.

(** ** Accepted proofs: the tests of the shapes are passed, so nothing need be known of the sizes *)

Lemma certified_accepted : forall (F : form) (tests : list (bool * refusal)) (count : unit -> Z) (claimed : Z),
  certified F tests count claimed = Accepted -> first_failure tests = None.
Proof.
  intros F tests count claimed accepted. unfold certified in accepted.
  destruct (first_failure (form_tests F)); [discriminate accepted|]. destruct (first_failure tests); [discriminate accepted|].
  reflexivity.
Qed.

Lemma fold_sizes : forall M : modular, form_order (fold M) = order M /\ form_width (fold M) = width_of (network_layers M).
Proof. intro M. unfold fold, folding_of. destruct (network_layers M); split; reflexivity. Qed.

Theorem modular_brute_force_accepted_at_most : forall (claimed : Z) (M : modular) (c : modular_brute_force_certificate),
  modular_brute_force_verdict claimed M c = Accepted ->
  operations (modular_brute_force_verdict_counted claimed M c) <= modular_brute_force_operations_bound M.
Proof.
  intros claimed M c accepted. apply modular_brute_force_operations_at_most, network_within_of_tests.
  apply (on_form_accepted _ _ accepted).
Qed.

Theorem modular_brute_force_exact_accepted_at_most :
  forall (claimed : Z) (M : modular) (c : modular_brute_force_certificate),
  modular_brute_force_exact_verdict claimed M c = Accepted ->
  operations (modular_brute_force_exact_verdict_counted claimed M c) <= modular_brute_force_operations_bound M.
Proof.
  intros claimed M c accepted. apply modular_brute_force_exact_operations_at_most, network_within_of_tests.
  apply (on_form_accepted _ _ accepted).
Qed.

Theorem low_rank_unembedding_accepted_at_most :
  forall (claimed : Z) (M : modular) (c : low_rank_unembedding_certificate),
  low_rank_unembedding_verdict claimed M c = Accepted ->
  operations (low_rank_unembedding_verdict_counted claimed M c) <= low_rank_unembedding_operations_bound M c.
Proof.
  intros claimed M c accepted. destruct (on_form_accepted _ _ accepted) as [tests of_form].
  apply low_rank_unembedding_operations_at_most; [apply network_within_of_tests, tests|].
  destruct (fold_sizes M) as [<- <-]. unfold low_rank_unembedding_on in of_form. cbv zeta in of_form.
  exact (low_rank_within_of_tests _ _ _ (certified_accepted _ _ _ _ of_form)).
Qed.
