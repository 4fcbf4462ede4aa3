(* CompactProofs: Cert: NoWrap *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Base.Sums Base.Totals Base.Signed63 Base.Matrix Base.NoWrap.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound Cert.Terms Cert.Bands Cert.BandsSound Cert.Products.
From CompactProofs Require Import Cert.Outputs Cert.Attention Cert.Gaps Cert.RowsSound Cert.Staged Cert.Strategies.
From CompactProofs Require Import Cert.BruteForceCheck Cert.BruteForceSound Cert.ExactCheck.
From CompactProofs Require Import Cert.TablesNoWrap Cert.ProductsNoWrap.
Import ListNotations.
(** * Acceptance implies that no table entry has wrapped around
    Each strategy reads its verdict from tables of machine integers, that is from numbers modulo 2^63. When it accepts, each
    entry of each of these tables stands for the integer that it is meant to be (Base.NoWrap): read as a signed number it is
    equal to a finite sum of products of the network's (and the certificate's) integers, computed in Z, and this is below 2^62
    in absolute value. One theorem for each strategy, at the end:
    - [tables_no_wrap M] (TablesNoWrap) == what [exact] implies: the tables, and the sums taken of their entries
    - [sequences_no_wrap M] == what brute force implies: these, and that sequences are counted without wrapping
    - [staged_no_wrap M scores gap moved digits] == what the others imply, for their choices at each stage: the core tables of
                               TablesNoWrap; the product of the scores and that of the direct logits (ProductsNoWrap where of
                               low rank); logits of tokens and positions, and their sums; how much can be counted
    What is computed from the tables (exponentials, rounded gaps, costs and counts) are bounds and not exact integers: that
    they are on the right side, also in machine integers, is what the soundness theorems say. *)
Local Open Scope Z_scope.

(** ** The integers, where a certificate moves [moved] from the direct path to the path through attention *)

Definition unmovedZ (M : model) (moved : list Z) (q k : nat) : Z := residualZ M q k - nth k moved 0.

Definition moved_logitZ (M : model) (moved : list Z) (i w : nat) : Z :=
  sumZ (d_model M) (fun k => nth k moved 0 * unembedZ M k w) + position_logitZ M i w.

(** ** The statements *)

(** The tables of logits, for the choice [gap]. *)
Record logits_no_wrap (M : model) (gap : gap_choice) (moved : list Z) (L : logits) : Prop := {
  direct_inputs_exact : table_stands (direct_inputs L) (d_vocab M) (d_model M) (unmovedZ M moved);
  direct_product_exact : product_no_wrap Direct_logits (direct_choice gap) (d_vocab M) (d_model M) (d_vocab M) (direct_inputs L)
    (W_U_direct_rows (core_of M)) (unmovedZ M moved) (unembedZ M);
  position_rows_exact : table_stands (position_rows L) (n_ctx M) (d_vocab M) (moved_logitZ M moved);
  token_logits_exact : table_stands (token_logits L) (d_vocab M) (d_vocab M) (logitZ M);
  path_sums_exact : forall i t : nat, (i < n_ctx M)%nat -> (t < d_vocab M)%nat ->
    row_stands (add_rows (nth i (position_rows L) []) (nth t (token_logits L) [])) (d_vocab M)
      (fun w => moved_logitZ M moved i w + logitZ M t w);
  joint_sums_exact : direct_choice gap = Exact -> forall q i t : nat,
    (q < d_vocab M)%nat -> (i < n_ctx M)%nat -> (t < d_vocab M)%nat ->
    let base := add_rows (nth q (product_rows (direct L)) []) (nth i (position_rows L) []) in
    row_stands (add_rows base (nth t (token_logits L) [])) (d_vocab M) (outputZ M q i t)
}.

(** Counts are machine integers where [digits] is 0, and then every count is below 2^62; else masses are carried, for which
    2^digits tokens are room enough. *)
Definition counts_fit (M : model) (digits : int) : Prop :=
  (digits = 0%uint63 /\ Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M) < 2 ^ 62) \/
  (0 < to_Z digits <= 12 /\ Z.of_nat (d_vocab M) <= 2 ^ to_Z digits).

Record staged_no_wrap (M : model) (scores_choice : product_choice) (gap : gap_choice) (moved : list Z) (digits : int) : Prop :=
{
  staged_core : core_no_wrap M;
  staged_scores : product_no_wrap Scores scores_choice (d_vocab M) (d_head M) (d_vocab M) (query_rows (core_of M))
    (by_row 0%uint63 (d_head M) (key_rows (core_of M))) (queryZ M) (flip (keyZ M));
  staged_logits : logits_no_wrap M gap moved (fst (logits_of M (core_of M) moved gap));
  staged_counts : counts_fit M digits
}.

(** ** The tables of each stage *)

Section Stages.
  Context (M : model) (core : core_no_wrap M).
  Local Notation C := (core_of M).

  Lemma keys_stand : table_stands (by_row 0%uint63 (d_head M) (key_rows C)) (d_head M) (d_vocab M) (flip (keyZ M)).
  Proof.
    destruct (key_exact M core) as [len rows]. split; [apply by_row_length|]. intros h inside.
    rewrite by_row_nth by exact inside. split; [rewrite map_length; exact len|]. intros t token.
    rewrite (nth_map_any _ _ _ _ _ []) by lia. exact (proj2 (rows t token) h inside).
  Qed.

  Context (gap : gap_choice) (moved : list Z) (g : int).
  Local Notation L := (fst (logits_of M C moved gap)).
  Context (tests : first_failure (snd (logits_of M C moved gap)) = None).
  Context (gap_tests : first_failure (gaps_tests L g) = None).

  Local Ltac passed why := refine (first_failure_none _ tests _ why _); apply in_or_app; left; cbv [In]; tauto.
  Local Ltac gap_passed why := refine (first_failure_none _ gap_tests _ why _); cbv [gaps_tests In]; tauto.

  Theorem logits_stand : logits_no_wrap M gap moved L.
  Proof.
    assert (shape : has_shape 1 (d_model M) [moved] = true)
      by (passed (Wrong_length Moved (Z.of_nat (length moved)) (Z.of_nat (d_model M)))).
    assert (row := of_rows_stands _ _ (power 0) _ shape ltac:(passed (May_overflow Moved))).
    assert (minus := of_rows_stands _ _ (-1) _ shape ltac:(passed (May_overflow Moved))).
    assert (inputs : table_stands (direct_inputs L) (d_vocab M) (d_model M) (unmovedZ M moved)).
    { refine (table_stands_ext _ _ _ _ (add_row_stands _ _ _ O _ _ _ _ (resid_exact M core) minus _ Nat.lt_0_1) _ _).
      - passed (May_overflow Moved).
      - intros q k _ _. unfold scaled, unmovedZ. cbn [nth]. ring. }
    assert (moved_row := mul_stands _ _ _ _ _ _ _ row ltac:(passed (May_overflow Moved)) (W_U_direct_exact M core)).
    assert (positions : table_stands (position_rows L) (n_ctx M) (d_vocab M) (moved_logitZ M moved)).
    { refine (table_stands_ext _ _ _ _ (add_row_stands _ _ _ O _ _ _ _ (logit_pos_exact M core) moved_row _ Nat.lt_0_1) _ _).
      - passed (May_overflow Moved).
      - intros i w _ _. unfold moved_logitZ. f_equal. apply sumZ_ext. intros k _. unfold scaled. cbn [nth].
        change (power 0) with 1. ring. }
    assert (tokens : table_stands (token_logits L) (d_vocab M) (d_vocab M) (logitZ M)) by exact (logit_exact M core).
    assert (product : product_no_wrap Direct_logits (direct_choice gap) (d_vocab M) (d_model M) (d_vocab M) (direct_inputs L)
      (W_U_direct_rows C) (unmovedZ M moved) (unembedZ M)).
    { apply product_of_no_wrap; [exact inputs | exact (W_U_direct_exact M core) | exact (first_failure_second _ _ tests)]. }
    assert (path : 2 * path_bound L <= 2 ^ 60) by (apply Z.leb_le; gap_passed (May_overflow Logit_sum)).
    assert (direct_small : 2 * direct_bound L + penalty_bound (direct L) <= 2 ^ 60)
      by (apply Z.leb_le; gap_passed (May_overflow Logit_sum)).
    assert (penalty := max_abs_nonneg [penalties (direct L)]). fold (penalty_bound (direct L)) in penalty.
    assert (parts : forall i t w, (i < n_ctx M)%nat -> (t < d_vocab M)%nat -> (w < d_vocab M)%nat ->
      Z.abs (moved_logitZ M moved i w) + Z.abs (logitZ M t w) <= path_bound L).
    { intros i t w position token inside. unfold path_bound.
      assert (bound := table_stands_max _ _ _ _ positions i w position inside).
      assert (bound_t := table_stands_max _ _ _ _ tokens t w token inside). lia. }
    constructor; [exact inputs | exact product | exact positions | exact tokens | |].
    - intros i t position token. apply add_rows_stands; [apply positions, position | apply tokens, token|].
      intros w inside. specialize (parts i t w position token inside). lia.
    - intros exact_direct q i t token_q position token sums.
      assert (rows : table_stands (product_rows (direct L)) (d_vocab M) (d_vocab M)
        (times (d_model M) (unmovedZ M moved) (unembedZ M))).
      { rewrite exact_direct in product. destruct product as [rows _].
        change (direct L) with (fst (product_of Direct_logits (direct_choice gap) (d_model M) (d_vocab M) (direct_inputs L)
          (W_U_direct_rows C))). rewrite exact_direct. exact rows. }
      assert (bound : forall w, (w < d_vocab M)%nat ->
        Z.abs (times (d_model M) (unmovedZ M moved) (unembedZ M) q w) <= direct_bound L)
        by (intros w inside; exact (table_stands_max _ _ _ _ rows q w token_q inside)).
      assert (base := add_rows_stands _ _ _ _ _ (proj2 rows q token_q) (proj2 positions i position)
        ltac:(intros w inside; specialize (bound w inside); specialize (parts i t w position token inside); lia)).
      destruct (add_rows_stands _ _ _ _ _ base (proj2 tokens t token)
        ltac:(intros w inside; specialize (bound w inside); specialize (parts i t w position token inside); lia))
        as [len entries].
      split; [exact len|]. intros w inside. specialize (entries w inside).
      assert (whole : times (d_model M) (unmovedZ M moved) (unembedZ M) q w + moved_logitZ M moved i w + logitZ M t w =
        outputZ M q i t w).
      { unfold moved_logitZ, outputZ, directZ, times.
        rewrite (sumZ_ext (d_model M) (fun k => unmovedZ M moved q k * unembedZ M k w)
          (fun k => residualZ M q k * unembedZ M k w + - 1 * (nth k moved 0 * unembedZ M k w)))
          by (intros k _; unfold unmovedZ; ring).
        rewrite sumZ_plus, sumZ_mult_l. ring. }
      rewrite <- whole. exact entries.
  Qed.
End Stages.

(** ** Every strategy *)

Section Verdicts.
  Context (M : model) (scores_choice : product_choice) (gap : gap_choice) (moved : list Z) (tokens : tokens_choice) (c : plan).

  (** Whatever is counted under the tests. *)
  Theorem staged_by_no_wrap : forall (more : list (bool * refusal)) (rivals : list rivals)
      (counting : core_tables -> product -> list (nat -> list gap_case) -> Z) (conclusion : Z -> list (bool * refusal)),
    accepted (staged_by M scores_choice gap moved tokens c more rivals counting conclusion) = true ->
    core_no_wrap M /\
    product_no_wrap Scores scores_choice (d_vocab M) (d_head M) (d_vocab M) (query_rows (core_of M))
      (by_row 0%uint63 (d_head M) (key_rows (core_of M))) (queryZ M) (flip (keyZ M)) /\
    logits_no_wrap M gap moved (fst (logits_of M (core_of M) moved gap)) /\
    first_failure more = None.
  Proof.
    intros more rivals counting conclusion check. unfold staged_by in check. cbv zeta in check.
    destruct (first_failure (core_tests M (core_of M) ++ _)) eqn:none in check; [discriminate check|]. clear check.
    assert (core := core_tables_no_wrap M (first_failure_app _ _ none)). apply first_failure_second in none.
    assert (scores := first_failure_app _ _ none). apply first_failure_second, first_failure_second in none.
    assert (logits := first_failure_app _ _ none). apply first_failure_second in none.
    assert (gaps := first_failure_app _ _ none). apply first_failure_second, first_failure_second in none.
    split; [exact core|]. split.
    { apply product_of_no_wrap; [exact (query_exact M core) | exact (keys_stand M core) | exact scores]. }
    split; [exact (logits_stand M core gap moved (gap_unit c) logits gaps) | exact none].
  Qed.

  Local Lemma staged_accepted_no_wrap : forall (rivals : list rivals)
      (case_count : bool -> info -> case_weights -> list gap_case -> Z) (conclusion : Z -> list (bool * refusal)),
    accepted (staged M scores_choice gap moved tokens c rivals case_count conclusion) = true ->
    staged_no_wrap M scores_choice gap moved (mass_digits c).
  Proof.
    intros rivals case_count conclusion check. apply staged_by_no_wrap in check.
    destruct check as (core & scores & logits & none).
    constructor; [exact core | exact scores | exact logits|].
    assert (counts := first_failure_none _ none _ (snd (counts_test M (mass_digits c))) ltac:(left; reflexivity)).
    unfold counts_test in counts. assert (zero := Uint63.eqb_spec (mass_digits c) 0).
    destruct (mass_digits c =? 0)%uint63.
    - left. split; [apply zero; reflexivity | apply (inputs_bound M), counts].
    - right. destruct (Z.leb_spec (to_Z (mass_digits c)) 12); [|discriminate counts]. apply Z.leb_le in counts.
      split; [|exact counts]. assert (range := to_Z_range (mass_digits c)).
      assert (to_Z (mass_digits c) <> 0); [|lia]. intro nothing.
      assert (same : mass_digits c = 0%uint63) by (apply to_Z_inj; exact nothing). apply zero in same. discriminate same.
  Qed.

  Theorem right_verdict_no_wrap : forall N : Z,
    accepted (right_verdict M scores_choice gap moved tokens c N) = true ->
    staged_no_wrap M scores_choice gap moved (mass_digits c).
  Proof. intros N. apply staged_accepted_no_wrap. Qed.

  Theorem wrong_verdict_no_wrap : forall N : Z,
    accepted (wrong_verdict M scores_choice gap moved tokens c N) = true ->
    staged_no_wrap M scores_choice gap moved (mass_digits c).
  Proof. intros N. apply staged_accepted_no_wrap. Qed.
End Verdicts.

Theorem cubic_no_wrap : forall (N : Z) (M : model) (c : plan),
  cubic_check N M c = true ->
  staged_no_wrap M Exact Joint (repeat 0 (d_model M)) (mass_digits c).
Proof. intros N M c. apply right_verdict_no_wrap. Qed.

Theorem wrong_count_no_wrap : forall (N : Z) (M : model) (c : plan),
  wrong_count_check N M c = true ->
  staged_no_wrap M Exact Joint (repeat 0 (d_model M)) (mass_digits c).
Proof. intros N M c. apply wrong_verdict_no_wrap. Qed.

Theorem subcubic_no_wrap : forall (N : Z) (M : model) (c : banded_certificate),
  subcubic_check N M c = true ->
  staged_no_wrap M Exact (Split Exact) (moved_embedding c) (mass_digits (banded_plan c)).
Proof. intros N M c. apply right_verdict_no_wrap. Qed.

Theorem subcubic_low_rank_qk_no_wrap : forall (N : Z) (M : model) (c : one_factor_certificate),
  subcubic_low_rank_qk_check N M c = true ->
  let b := one_factor_banded c in
  staged_no_wrap M (Low_rank (only_factors c)) (Split Exact) (moved_embedding b) (mass_digits (banded_plan b)).
Proof. intros N M c. apply right_verdict_no_wrap. Qed.

Theorem subcubic_low_rank_eu_no_wrap : forall (N : Z) (M : model) (c : one_factor_certificate),
  subcubic_low_rank_eu_check N M c = true ->
  let b := one_factor_banded c in
  staged_no_wrap M Exact (Split (Low_rank (only_factors c))) (moved_embedding b) (mass_digits (banded_plan b)).
Proof. intros N M c. apply right_verdict_no_wrap. Qed.

Theorem subcubic_low_rank_no_wrap : forall (N : Z) (M : model) (c : low_rank_certificate),
  subcubic_low_rank_check N M c = true ->
  let b := low_rank_banded c in
  staged_no_wrap M (Low_rank (scores_factors c)) (Split (Low_rank (direct_factors c))) (moved_embedding b)
    (mass_digits (banded_plan b)).
Proof. intros N M c. apply right_verdict_no_wrap. Qed.

Theorem quadratic_no_wrap : forall (N : Z) (M : model) (c : low_rank_certificate),
  quadratic_check N M c = true ->
  let b := low_rank_banded c in
  staged_no_wrap M (Low_rank (scores_factors c)) (Split (Low_rank (direct_factors c))) (moved_embedding b)
    (mass_digits (banded_plan b)).
Proof.
  intros N M c check. apply (subcubic_low_rank_no_wrap N M c). unfold quadratic_check, quadratic_verdict in check.
  destruct (first_failure (quadratic_tests c)); [discriminate check | exact check].
Qed.

(** ** Strategies that go through every sequence *)

(** The tables; and the number of sequences that end in q and pass a test is counted without wrapping. *)
Record sequences_no_wrap (M : model) : Prop := {
  brute_force_tables : tables_no_wrap M;
  inputs_fit : Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M) < 2 ^ 62;
  tallies_exact : forall (verdict : list candidate -> nat -> bool) (q : nat), (q < d_vocab M)%nat ->
    to_Z (query_tally (n_ctx M) (tables_of M) verdict q) =
    total (d_vocab M) (n_ctx M - 1) (fun x => indicator (verdict (pick M q 0 (x ++ [q])) (list_max (x ++ [q]))))
}.

Local Lemma right_failure_no_wrap : forall (M : model) (c : brute_force_certificate) (count : precision -> nat -> int),
  right_failure M c (tables_of M) count = None -> sequences_no_wrap M.
Proof.
  intros M c count none. destruct (BruteForceSound.right_failure_none M c count none) as (tests & _ & few & _).
  constructor; [exact (full_tables_no_wrap M tests) | apply (inputs_bound M), few|].
  intros verdict q token. exact (query_tally_spec M tests verdict q few token).
Qed.

Theorem brute_force_no_wrap : forall (N : Z) (M : model) (c : brute_force_certificate),
  brute_force_check N M c = true ->
  sequences_no_wrap M.
Proof.
  intros N M c check. apply (right_failure_no_wrap M c (tally_right M c (tables_of M))).
  unfold brute_force_check, brute_force_verdict in check. cbv zeta in check.
  destruct (right_failure M c (tables_of M) _); [discriminate check | reflexivity].
Qed.

Theorem brute_force_exact_no_wrap : forall (N : Z) (M : model) (c : brute_force_certificate),
  brute_force_exact_check N M c = true ->
  sequences_no_wrap M.
Proof.
  intros N M c check. apply (right_failure_no_wrap M c (tally_right M c (tables_of M))).
  unfold brute_force_exact_check, brute_force_exact_verdict, exactly in check. cbv zeta in check.
  destruct (right_failure M c (tables_of M) _); [discriminate check | reflexivity].
Qed.

(** Its counts are integers of Z. *)
Theorem exact_no_wrap : forall (N : Z) (M : model) (c : exact_certificate),
  exact_check N M c = true ->
  tables_no_wrap M.
Proof.
  intros N M c check. apply full_tables_no_wrap. unfold exact_check, exact_verdict in check. cbv zeta in check.
  destruct (first_failure (tables_tests M (tables_of M) ++ _)) eqn:none in check; [discriminate check|].
  exact (first_failure_app _ _ none).
Qed.
