(* CompactProofs: Length: Operations *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix Cert.Outcome Cert.Tables Cert.Terms Cert.Bands.
From CompactProofs Require Import Cert.Products Cert.Outputs Cert.Attention Cert.Gaps Cert.CreditsCheck Cert.Staged.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.ProductsCounted.
From CompactProofs Require Import Length.GapsCounted Length.CountingCounted Length.StagedCounted.
From CompactProofs Require Import Length.MatrixLength Length.TablesLength Length.ProductsLength Length.BandsLength.
From CompactProofs Require Import Length.GapsLength Length.CountingLength Length.WeightsLength Length.CasesLength.
From CompactProofs Require Import Length.StagedLength Length.QueriesLength.
Import ListNotations.
(** * Proof length: at most so many operations, in closed form
    Sizes: n positions, d tokens, D entries of the residual stream, H of the head; ranks k (peeled) and b (bounded) of the
    factors; bands, exponents, the largest exponent; blocks; a resolution R and a near resolution N for each m; a radius.
    - [tests_bound ..]  == the tables, both products, and all tests
    - [gaps_bound ..]   == the gaps, for all choices of rivals and all last tokens
    - [costs_bound ..]  == attention weights, the plan
    - [cases_bound ..]  == the costs of all cases, and their dynamic programmes
    - [operations_bound ..] == the sum
    Main results: [right_operations_at_most], [wrong_operations_at_most]: a verdict, whatever it is, takes at most so many
    operations, if no matrix of the model or certificate is larger than its shape (else it is a refusal).
    Python mirror: proofs/operations.py. *)
Local Open Scope Z_scope.

(** Ranks of the factors. *)
Definition peeled_rank (choice : product_choice) : Z := match choice with Exact => 0 | Low_rank f => len (peeled_right f) end.
Definition bounded_rank (choice : product_choice) : Z := match choice with Exact => 0 | Low_rank f => len (bounded_right f) end.

(** No matrix is larger than its shape. *)
Definition choice_shaped (inner : Z) (choice : product_choice) : Prop :=
  choice_within inner (peeled_rank choice) (bounded_rank choice) choice.

Section Bounds.
  Context (M : model) (scores : product_choice) (gap : gap_choice) (tokens : tokens_choice) (c : plan) (rivals : list rivals).
  Local Notation n := (Z.of_nat (n_ctx M)).
  Local Notation d := (Z.of_nat (d_vocab M)).
  Local Notation D := (Z.of_nat (d_model M)).
  Local Notation H := (Z.of_nat (d_head M)).
  Local Notation bands := (bands_of (d_vocab M) tokens).
  Local Notation direct := (direct_choice gap).

  Definition tests_bound : Z :=
    tables_bound n d D H + product_bound scores d H d (peeled_rank scores) (bounded_rank scores)
    + logits_bound direct n d D (peeled_rank direct) (bounded_rank direct)
    + tables_tests_bound n d D H + (5 + 3 * d + 3 * d * d) + gaps_tests_bound n d
    + (5 + bands + 13 * exponents_of tokens) + 7.

  Definition gaps_bound : Z :=
    4 * exponents_of tokens + total (fun v => gap_cases_bound gap v n d bands) rivals
    + d * total (fun v => gaps_of_query_bound gap v n d bands) rivals.

  Definition costs_bound : Z :=
    let blocks := len (block_lengths c) in plan_bound tokens d bands blocks + d * query_bound tokens n d blocks.

  Definition cases_bound (case_bound : nat -> Z) : Z :=
    total (fun m => Z.of_nat (S m) * (3 + case_bound m)) (seq 0 (d_vocab M)).

  (** 10: the radius, the number of inputs, the conclusion. *)
  Definition operations_bound (case_bound : nat -> Z) : Z :=
    10 + tests_bound + gaps_bound + costs_bound + cases_bound case_bound.

  (** Both for largest token m. *)
  Definition right_case_of (m : nat) : Z :=
    right_case_bound (Z.of_nat (n_ctx M - 1)) (bands_at bands m) (to_Z (nth m (resolutions c) 0%uint63))
      (to_Z (nth m (near_resolutions c) 0%uint63)) (len rivals - 1).

  Definition wrong_case_of (m : nat) : Z :=
    wrong_case_bound (Z.of_nat (n_ctx M - 1)) (bands_at bands m) (to_Z (nth m (resolutions c) 0%uint63)) (len rivals).
End Bounds.

Definition right_operations_bound (M : model) (scores : product_choice) (gap : gap_choice) (tokens : tokens_choice) (c : plan) :
  Z :=
  let rivals := right_rivals (radius_of (radius c)) in
  operations_bound M scores gap tokens c rivals (right_case_of M tokens c rivals).

Definition wrong_operations_bound (M : model) (scores : product_choice) (gap : gap_choice) (tokens : tokens_choice) (c : plan) :
  Z :=
  let rivals := wrong_rivals (radius_of (radius c)) in
  operations_bound M scores gap tokens c rivals (wrong_case_of M tokens c rivals).

(** ** Tests of the stages *)

Lemma first_failure_both : forall first second : list (bool * refusal),
  first_failure (first ++ second) = None -> first_failure first = None /\ first_failure second = None.
Proof.
  induction first as [|[passed why] first IH]; intros second none; [split; [reflexivity | exact none]|].
  cbn [app first_failure] in *. destruct passed; [exact (IH second none) | discriminate none].
Qed.

(** A model whose tests pass is within its sizes. *)
Lemma model_within_of_tests : forall M : model, first_failure (core_tests M (core_of M)) = None -> model_within M.
Proof.
  intros M tests. assert (all := first_failure_none _ tests).
  constructor; apply within_of_shape; eapply all; unfold core_tests; cbn [In]; eauto 12.
Qed.

Lemma scores_test_at_most : forall (d : Z) (P : product), product_within d d P ->
  at_most (5 + 3 * d + 3 * d * d) (scores_test_counted P).
Proof.
  intros d P size. assert (rows := product_rows_within _ _ _ size). assert (penalty := penalty_bound_at_most _ _ _ size).
  unfold scores_test_counted. count.
Qed.

Lemma tokens_tests_at_most : forall (d : nat) (tokens : tokens_choice),
  at_most (5 + bands_of d tokens + 13 * exponents_of tokens) (tokens_tests_counted d tokens).
Proof.
  intros d tokens. assert (sizes := sizes_of_at_most d tokens). assert (some := len_nonneg _ (sizes_of d tokens)).
  assert (exponents_nonneg : 0 <= exponents_of tokens) by (destruct tokens; unfold exponents_of, len; lia).
  unfold tokens_tests_counted, bands_of. eapply at_most_le.
  { eapply at_most_then; [exact sizes|]. rewrite sizes_of_value.
    eapply at_most_then; [apply at_most_fold_right with (c := 1) (r := len (sizes_of d tokens));
      [lia | lia | intros; apply at_most_once, Z.le_refl]|].
    apply at_most_le with (5 + 9 * exponents_of tokens); [|apply Z.le_refl].
    destruct tokens as [|exponents]; [apply at_most_free; cbn; lia|]. eapply at_most_le.
    { eapply at_most_then; [apply at_most_several, Z.le_refl|].
      eapply at_most_all_of; [apply at_most_test; apply at_most_forallb with (c := 1) (r := len exponents);
        [lia | lia | intros; apply at_most_once, Z.le_refl]|].
      eapply at_most_all_of; [|eapply at_most_all_of; [apply at_most_test, at_most_once, Z.le_refl | apply at_most_all_of_nil]].
      eapply at_most_then; [exact sizes|].
      eapply at_most_then; [exact sizes | apply at_most_several, Z.le_refl]. }
    cbn [exponents_of]. lia. }
  lia.
Qed.

Lemma counts_test_at_most : forall (M : model) (digits : int), at_most 7 (counts_test_counted M digits).
Proof. intros M digits. unfold counts_test_counted, inputs_test_counted. count. Qed.

Lemma at_most_map_map_total : forall (A B C : Type) (f : B -> counted C) (g : A -> B) (l : list A) (cost : A -> Z),
  (forall x, at_most (cost x) (f (g x))) -> at_most (total cost l) (map_counted f (map g l)).
Proof.
  intros A B C f g l cost each. induction l as [|x l IH]; [apply at_most_free; reflexivity|]. rewrite total_cons. cbn [map].
  apply at_most_bind with (cost x) (total cost l); [apply each| |lia].
  apply at_most_bind with (total cost l) 0; [exact IH | apply at_most_free; lia | lia].
Qed.

(** ** Both verdicts *)

Ltac nonneg :=
  repeat first [lia | apply Z.add_nonneg_nonneg | apply Z.mul_nonneg_nonneg | apply Z.le_max_l | apply total_nonneg; intros].

Section Nonneg.
  Context (M : model) (gap : gap_choice) (tokens : tokens_choice) (c : plan) (rivals : list rivals) (case_bound : nat -> Z).
  Context (case_nonneg : forall m : nat, 0 <= case_bound m).
  Local Notation d := (Z.of_nat (d_vocab M)).
  Local Notation bands := (bands_of (d_vocab M) tokens).

  Local Lemma sizes_nonneg : 0 <= bands /\ 0 <= exponents_of tokens /\ 0 <= largest_of tokens.
  Proof. split; [apply len_nonneg|]. destruct tokens; cbn [exponents_of largest_of]; unfold len; lia. Qed.

  Local Lemma rest_nonneg : 0 <= gaps_bound M gap tokens rivals + costs_bound M tokens c + cases_bound M case_bound.
  Proof.
    destruct sizes_nonneg as (bands_nonneg & exponents_nonneg & largest_nonneg).
    assert (blocks_nonneg := len_nonneg _ (block_lengths c)).
    assert (row : forall v, 0 <= row_gaps_bound v d) by (intros []; cbn [row_gaps_bound]; lia).
    unfold gaps_bound, costs_bound, cases_bound, plan_bound, query_bound, block_bound, token_rows_bound. cbv zeta.
    repeat apply Z.add_nonneg_nonneg; nonneg;
      unfold gap_cases_bound, gaps_of_query_bound, split_final_bound, joint_final_bound, direct_gaps_bound, path_low_bound,
        direct_low_bound, joint_low_bound, position_tables_bound, position_table_bound, gaps_of_bound;
      repeat match goal with |- context [match ?x with _ => _ end] => destruct x end; nonneg;
      try apply row; try apply case_nonneg.
  Qed.
End Nonneg.

Section Staged.
  Context (M : model) (scores : product_choice) (gap : gap_choice) (moved : list Z) (tokens : tokens_choice) (c : plan).
  Context (rivals : list rivals) (case_bound : nat -> Z).
  Context (case_count : bool -> info -> case_weights -> list gap_case -> counted Z).
  Context (conclusion : Z -> counted (list (bool * refusal))).
  Local Notation n := (Z.of_nat (n_ctx M)).
  Local Notation d := (Z.of_nat (d_vocab M)).
  Local Notation D := (Z.of_nat (d_model M)).
  Local Notation H := (Z.of_nat (d_head M)).
  Local Notation bands := (bands_of (d_vocab M) tokens).
  Local Notation direct := (direct_choice gap).
  Context (M_within : model_within M) (moved_short : len moved <= D).
  Context (scores_shaped : choice_shaped H scores) (direct_shaped : choice_shaped D direct).
  Context (case_nonneg : forall m : nat, 0 <= case_bound m).
  Context (case_at_most : forall (seen : bool) (m : nat) (W : case_weights) (cases : list gap_case), weights_ok W ->
    (forall g, In g cases -> case_ok (Z.of_nat (n_ctx M - 1)) bands m g) -> len cases <= len rivals ->
    at_most (case_bound m) (case_count seen (info_of (n_ctx M) (sizes_of (d_vocab M) tokens) c m) W cases)).
  Context (conclusion_at_most : forall count : Z, at_most 3 (conclusion count)).

  Theorem staged_at_most :
    at_most (3 + tests_bound M scores gap tokens + gaps_bound M gap tokens rivals + costs_bound M tokens c +
        cases_bound M case_bound)
      (staged_counted M scores gap moved tokens c rivals case_count conclusion).
  Proof.
    assert (T_within := core_of_within M M_within). assert (rest := rest_nonneg M gap tokens c rivals case_bound case_nonneg).
    set (T := core_of M) in *.
    assert (P_within : product_within d d (fst (product_of Scores scores (d_head M) (d_vocab M) (query_rows T)
      (by_row 0%uint63 (d_head M) (key_rows T)))))
      by (apply product_of_within; apply (query_within _ _ _ _ _ T_within)).
    assert (L_within := logits_of_within M T moved gap T_within).
    unfold staged_counted, tests_bound. eapply at_most_le.
    { eapply at_most_then; [apply core_of_at_most, M_within|]. rewrite core_of_value. fold T.
      eapply at_most_then.
      { apply product_of_at_most with (rows := d) (k := peeled_rank scores) (b := bounded_rank scores);
          [apply (query_within _ _ _ _ _ T_within) | | exact scores_shaped].
        apply within_le with H (len (key_rows T)); [apply by_row_within | lia|].
        apply (key_within _ _ _ _ _ T_within). }
      rewrite product_of_value.
      eapply at_most_then.
      { apply logits_of_at_most with (k := peeled_rank direct) (b := bounded_rank direct);
          [exact T_within | exact moved_short | exact direct_shaped]. }
      rewrite logits_of_value.
      eapply at_most_then; [apply core_tests_at_most, M_within|].
      eapply at_most_then; [apply scores_test_at_most, P_within|].
      eapply at_most_then; [apply gaps_tests_at_most, L_within|].
      eapply at_most_then; [apply tokens_tests_at_most|].
      eapply at_most_then; [apply counts_test_at_most|].
      autorewrite with values.
      apply at_most_le with (3 + (gaps_bound M gap tokens rivals + costs_bound M tokens c + cases_bound M case_bound));
        [|apply Z.le_refl].
      match goal with |- context [first_failure ?tests] => destruct (first_failure tests) eqn:passed end;
        [apply at_most_free; lia|].
      set (L := fst (logits_of M T moved gap)) in *.
      set (P := fst (product_of Scores scores (d_head M) (d_vocab M) (query_rows T) (by_row 0%uint63 (d_head M)
        (key_rows T)))) in *.
      apply first_failure_both in passed. destruct passed as [_ passed].
      apply first_failure_both in passed. destruct passed as [_ passed].
      apply first_failure_both in passed. destruct passed as [_ passed].
      apply first_failure_both in passed. destruct passed as [_ passed].
      apply first_failure_both in passed. destruct passed as [gap_tests _].
      set (sizes := sizes_of (d_vocab M) tokens).
      set (gaps_counted := fun v => gap_cases_counted (n_ctx M) (d_vocab M) L (gap_unit c) sizes v gap).
      set (gaps := map (fun v => returned (gaps_counted v)) rivals).
      assert (n_positions : Z.of_nat (n_ctx M) <= n) by lia. assert (d_answers : Z.of_nat (d_vocab M) <= d) by lia.
      eapply at_most_le.
      { eapply at_most_then; [apply sizes_of_at_most|]. rewrite sizes_of_value. fold sizes.
        eapply at_most_then.
        { apply at_most_map_total with (cost := fun v => gap_cases_bound gap v n d bands). intros v _.
          exact (gap_cases_at_most n d L L_within _ _ (gap_unit c) sizes v bands n_positions d_answers (Z.le_refl _) gap). }
        erewrite value_map by reflexivity.
        change (map (fun v => returned (gap_cases_counted (n_ctx M) (d_vocab M) L (gap_unit c) sizes v gap)) rivals) with gaps.
        eapply at_most_then; [|eapply at_most_then; [apply conclusion_at_most | apply at_most_free, Z.le_refl]].
        apply (staged_count_at_most M T tokens c P gaps (total (fun v => gaps_of_query_bound gap v n d bands) rivals) case_count
          case_bound case_nonneg).
        - intros seen m W cases W_ok goods few. apply case_at_most; [exact W_ok | exact goods|].
          unfold gaps in few. rewrite len_map in few. exact few.
        - exact T_within.
        - exact P_within.
        - intro q. unfold gaps. apply at_most_map_map_total. intro v. unfold gaps_counted.
          exact (gaps_of_query_at_most n d L L_within _ _ (gap_unit c) sizes v bands n_positions d_answers (Z.le_refl _) gap q).
        - intros cases q k g inside found. unfold gaps in inside. apply in_map_iff in inside.
          destruct inside as (v & <- & _). unfold gaps_counted in found. rewrite gap_cases_value in found.
          refine (gap_cases_ok (n_ctx M) (d_vocab M) L (gap_unit c) sizes v bands (Z.le_refl _) (sizes_of_positive _ _)
            gap_tests
            gap q k g _ found).
          intros ->. reflexivity. }
      unfold gaps_bound, costs_bound, cases_bound. cbv zeta. lia. }
    lia.
  Qed.
End Staged.

Section Verdicts.
  Context (M : model) (scores : product_choice) (gap : gap_choice) (moved : list Z) (tokens : tokens_choice) (c : plan).
  Context (M_within : model_within M) (moved_short : len moved <= Z.of_nat (d_model M)).
  Context (scores_shaped : choice_shaped (Z.of_nat (d_head M)) scores).
  Context (direct_shaped : choice_shaped (Z.of_nat (d_model M)) (direct_choice gap)).
  Local Notation bands := (bands_of (d_vocab M) tokens).

  Local Lemma case_nonneg : forall (m : nat) (R : Z), 0 <= R ->
    0 <= count_case_bound (Z.of_nat (n_ctx M - 1)) (bands_at bands m) R.
  Proof.
    intros m R positive. assert (bands_nonneg : 0 <= bands) by apply len_nonneg.
    assert (w_nonneg : 0 <= bands_at bands m) by (unfold bands_at; lia).
    unfold count_case_bound, count_choices_bound, programme_bound. destruct (R =? 0); [lia|]. nonneg.
  Qed.

  Local Lemma right_case_nonneg : forall (rivals : list rivals) (m : nat), 1 <= len rivals ->
    0 <= right_case_of M tokens c rivals m.
  Proof.
    intros rivals m some. unfold right_case_of, right_case_bound.
    assert (first := case_nonneg m (to_Z (nth m (resolutions c) 0%uint63)) (proj1 (to_Z_range _))).
    assert (second := case_nonneg m (to_Z (nth m (near_resolutions c) 0%uint63)) (proj1 (to_Z_range _))).
    destruct (to_Z (nth m (near_resolutions c) 0%uint63) =? 0); [lia|]. nonneg.
  Qed.

  Local Lemma right_rivals_some : forall r : nat, 1 <= len (right_rivals r).
  Proof. intro r. unfold right_rivals. rewrite len_cons. unfold len. lia. Qed.

  Lemma right_operations_bound_nonneg : 0 <= right_operations_bound M scores gap tokens c.
  Proof.
    unfold right_operations_bound, operations_bound. cbv zeta. set (rivals := right_rivals (radius_of (radius c))).
    assert (rest := rest_nonneg M gap tokens c rivals (right_case_of M tokens c rivals)
      (fun m => right_case_nonneg rivals m (right_rivals_some _))).
    assert (tests : 0 <= tests_bound M scores gap tokens); [|lia].
    assert (ranks : forall choice, 0 <= peeled_rank choice /\ 0 <= bounded_rank choice)
      by (intros [|f]; cbn [peeled_rank bounded_rank]; unfold len; lia).
    assert (product : forall choice rows inner columns k b, 0 <= rows -> 0 <= inner -> 0 <= columns -> 0 <= k -> 0 <= b ->
      0 <= product_bound choice rows inner columns k b).
    { intros [|f] rows inner columns k b rows_nonneg inner_nonneg columns_nonneg k_nonneg b_nonneg; cbn [product_bound];
        unfold exact_bound, low_rank_bound, parts_bound, dots_bound, factor_tests_bound;
        repeat (assumption || lia || apply Z.add_nonneg_nonneg || apply Z.mul_nonneg_nonneg). }
    destruct (ranks scores) as [k b]. destruct (ranks (direct_choice gap)) as [k' b'].
    assert (bands_nonneg : 0 <= bands) by apply len_nonneg.
    assert (exponents_nonneg : 0 <= exponents_of tokens) by (destruct tokens; cbn [exponents_of]; unfold len; lia).
    unfold tests_bound, logits_bound, tables_bound, tables_tests_bound, gaps_tests_bound.
    repeat (assumption || (apply product; lia) || apply Z.add_nonneg_nonneg || apply Z.mul_nonneg_nonneg || lia).
  Qed.

  Theorem right_operations_at_most : forall claimed : Z,
    operations (right_verdict_counted M scores gap moved tokens c claimed) <= right_operations_bound M scores gap tokens c.
  Proof.
    intro claimed. change (at_most (right_operations_bound M scores gap tokens c)
      (right_verdict_counted M scores gap moved tokens c claimed)).
    unfold right_verdict_counted, right_operations_bound, operations_bound. cbv zeta.
    set (rivals := right_rivals (radius_of (radius c))). assert (some : 1 <= len rivals) by apply right_rivals_some.
    eapply at_most_le.
    { eapply at_most_then; [apply radius_of_at_most|]. rewrite radius_of_value. fold rivals.
      apply (staged_at_most M scores gap moved tokens c rivals (right_case_of M tokens c rivals));
        [exact M_within | exact moved_short | exact scores_shaped | exact direct_shaped | | |].
      - intro m. apply right_case_nonneg, some.
      - intros seen m W cases W_ok goods few.
        apply (right_case_at_most (mass_digits c) seen (info_of (n_ctx M) (sizes_of (d_vocab M) tokens) c m) W
          (Z.of_nat (n_ctx M - 1)) bands); [lia | apply len_nonneg | exact W_ok | exact goods | lia | lia].
      - intro count. apply at_most_several. lia. }
    lia.
  Qed.

  Theorem wrong_operations_at_most : forall claimed : Z,
    operations (wrong_verdict_counted M scores gap moved tokens c claimed) <= wrong_operations_bound M scores gap tokens c.
  Proof.
    intro claimed. change (at_most (wrong_operations_bound M scores gap tokens c)
      (wrong_verdict_counted M scores gap moved tokens c claimed)).
    unfold wrong_verdict_counted, wrong_operations_bound, operations_bound. cbv zeta.
    set (rivals := wrong_rivals (radius_of (radius c))). eapply at_most_le.
    { eapply at_most_then; [apply radius_of_at_most|]. rewrite radius_of_value. fold rivals.
      eapply at_most_then; [apply at_most_several, Z.le_refl|].
      apply (staged_at_most M scores gap moved tokens c rivals (wrong_case_of M tokens c rivals));
        [exact M_within | exact moved_short | exact scores_shaped | exact direct_shaped | | |].
      - intro m. unfold wrong_case_of, wrong_case_bound.
        assert (first := case_nonneg m (to_Z (nth m (resolutions c) 0%uint63)) (proj1 (to_Z_range _))).
        assert (some := len_nonneg _ rivals). nonneg.
      - intros seen m W cases W_ok goods few.
        apply (wrong_case_at_most (mass_digits c) seen (info_of (n_ctx M) (sizes_of (d_vocab M) tokens) c m) W
          (Z.of_nat (n_ctx M - 1)) bands); [lia | apply len_nonneg | exact W_ok | exact goods | lia].
      - intro count. apply at_most_several. lia. }
    lia.
  Qed.
End Verdicts.
