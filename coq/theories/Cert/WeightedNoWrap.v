(* CompactProofs: Cert: WeightedNoWrap *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Spec.Network Base.Sums Base.Signed63 Base.Lists Base.Matrix Base.NoWrap.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound Cert.Terms Cert.Bands Cert.Products Cert.Gaps.
From CompactProofs Require Import Cert.WeightedCredits Cert.WeightedCreditsSound Cert.Staged Cert.Weighted Cert.OddsSound.
From CompactProofs Require Import Cert.WeightedSound Cert.TablesNoWrap Cert.ProductsNoWrap Cert.NoWrap.
Import ListNotations.
(** * Where strategy [weighted] accepts, nothing has wrapped around
    The tables of the network are those of the other strategies (Cert.NoWrap). The weights of tokens stand for the integers of
    the distribution, and no entry of a table of weights reaches 2^62 ([fits], WeightedCreditsSound).
    Main result: [weighted_no_wrap_accepted]. *)
Local Open Scope Z_scope.

Section Statement.
  Context (weights : list (list Z)) (M : model).

  (** What the checker holds for the largest token m. *)
  Definition odds_at (m : nat) : odds :=
    nth m (odds_by_answer (d_vocab M) (firstn (n_ctx M - 1) weights)) (Odds [] 0 [] 0 0).

  Record weighted_no_wrap : Prop := {
    weighted_core : core_no_wrap M;
    weighted_scores : product_no_wrap Scores Exact (d_vocab M) (d_head M) (d_vocab M) (query_rows (core_of M))
      (by_row 0%uint63 (d_head M) (key_rows (core_of M))) (queryZ M) (flip (keyZ M));
    weighted_logits : logits_no_wrap M Joint (repeat 0 (d_model M))
      (fst (logits_of M (core_of M) (repeat 0 (d_model M)) Joint));
    weighted_odds : forall m i : nat, (m < d_vocab M)%nat -> (i < n_ctx M - 1)%nat ->
      row_stands (nth i (of_tokens (odds_at m)) []) (S m) (fun k => nth (m - k) (nth i weights []) 0);
    weighted_entries : forall m : nat, (m < d_vocab M)%nat ->
      fits (lightening (odds_at m))
        (map (fun row => sumZ (S m) (fun t => nth t row 0)) (firstn (n_ctx M - 1) weights))
  }.
End Statement.

Section Accepted.
  Context (weights : list (list Z)) (M : model) (shaped : weights_shaped weights M).
  Local Notation n := (n_ctx M).
  Local Notation d := (d_vocab M).
  Local Notation rows := (firstn (n - 1) weights).

  Local Lemma sums_same : forall m : nat, (m < d)%nat ->
    map (fun row => Z.of_nat (list_sum row)) (real_odds m rows) = map (fun row => sumZ (S m) (fun t => nth t row 0)) rows.
  Proof.
    intros m answer. unfold real_odds. rewrite map_map. apply map_ext_in. intros row member.
    destruct (proj1 (Forall_forall _ _) (free_rows_shaped weights M shaped) row member) as [len nonneg].
    apply real_odds_sum; [lia | exact nonneg].
  Qed.

  Lemma odds_stand : forall m i : nat, (m < d)%nat -> (i < n - 1)%nat ->
    row_stands (nth i (of_tokens (odds_at weights M m)) []) (S m) (fun k => nth (m - k) (nth i weights []) 0).
  Proof.
    intros m i answer position. assert (shape := free_rows_shaped weights M shaped).
    assert (count : length rows = (n - 1)%nat) by (rewrite firstn_length, (one_row_each _ _ shaped); lia).
    destruct (odds_by_answer_ok d m rows (Odds [] 0 [] 0 0) answer shape) as (tokens & _). unfold odds_at. rewrite tokens.
    assert (member : In (nth i rows []) rows) by (apply nth_In; lia).
    destruct (proj1 (Forall_forall _ _) shape _ member) as [len nonneg].
    assert (row : nth i (map (fun row => map (fun width : nat => of_Z (Z.of_nat width)) row) (real_odds m rows)) [] =
      map (fun width : nat => of_Z (Z.of_nat width)) (by_distance m (nth i rows []))).
    { unfold real_odds. rewrite map_map. rewrite (nth_map_any _ _ _ _ _ []) by lia. reflexivity. }
    rewrite row. assert (long := by_distance_length m (nth i rows []) ltac:(lia)).
    split; [rewrite map_length; exact long|]. intros k inside. rewrite (nth_map_any _ _ _ _ _ O) by lia.
    replace k with (m - (m - k))%nat at 1 by lia. rewrite by_distance_nth by lia. rewrite nth_firstn in * by exact position.
    set (w := nth (m - k) (nth i weights []) 0).
    assert (w_nonneg : 0 <= w) by (apply (proj1 (Forall_forall _ _) nonneg), nth_In; lia).
    assert (small : w < 2 ^ 62).
    { assert (sums := proj1 (Forall_forall _ _) (sums_small _ _ shaped) (nth i weights [])
        ltac:(apply nth_In; rewrite (one_row_each _ _ shaped); lia)). cbv beta in sums.
      assert (entry : forall (l : list Z) (j : nat), Forall (fun w => 0 <= w) l -> nth j l 0 <= fold_right Z.add 0 l).
      { induction l as [|x l IH]; intros [|j] all; cbn [nth fold_right]; try lia; inversion all as [|? ? first others]; subst.
        - assert (rest : 0 <= fold_right Z.add 0 l); [|lia].
          clear - others. induction others as [|y l first others IHr]; cbn [fold_right]; lia.
        - specialize (IH j others). lia. }
      specialize (entry _ (m - k)%nat nonneg). fold w in entry. lia. }
    rewrite Z2Nat.id by exact w_nonneg. split; [|lia].
    assert (value : to_Z (of_Z w) = w) by (apply to_Z_of_congruent; [apply congruent_of_Z | lia]).
    rewrite signed_small; lia.
  Qed.

  Lemma entries_fit : forall m : nat, (m < d)%nat ->
    fits (lightening (odds_at weights M m)) (map (fun row => sumZ (S m) (fun t => nth t row 0)) rows).
  Proof.
    intros m answer. assert (shape := free_rows_shaped weights M shaped).
    destruct (odds_by_answer_ok d m rows (Odds [] 0 [] 0 0) answer shape) as (_ & light & _). unfold odds_at. rewrite light.
    rewrite <- (sums_same m answer). apply (shifts_fit _ 1); [|lia]. apply Forall_forall. intros sum member.
    apply in_map_iff in member. destruct member as (row & <- & member).
    assert (small := proj1 (Forall_forall _ _) (real_odds_small weights M shaped m answer) row member). cbv beta in small. lia.
  Qed.
End Accepted.

Theorem weighted_no_wrap_accepted : forall (N : Z) (weights : list (list Z)) (M : model) (c : plan),
  weighted_check N weights M c = true -> weighted_no_wrap weights M.
Proof.
  intros N weights M c check. unfold weighted_check, weighted_verdict in check. apply staged_by_no_wrap in check.
  destruct check as (core & scores & logits & shape). assert (shaped := weights_tests_shaped weights M shape). constructor.
  - exact core.
  - exact scores.
  - exact logits.
  - exact (odds_stand weights M shaped).
  - exact (entries_fit weights M shaped).
Qed.
