(* CompactProofs: Length: QueriesLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix Cert.Outcome Cert.Tables Cert.Terms Cert.Bands.
From CompactProofs Require Import Cert.Products Cert.Outputs Cert.Attention Cert.Gaps Cert.CreditsCheck Cert.Staged.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.ProductsCounted.
From CompactProofs Require Import Length.GapsCounted Length.CountingCounted Length.StagedCounted.
From CompactProofs Require Import Length.MatrixLength Length.TablesLength Length.ProductsLength Length.BandsLength.
From CompactProofs Require Import Length.GapsLength Length.WeightsLength Length.CasesLength Length.StagedLength.
Import ListNotations.
(** * The count of a proof by stages: how many operations it takes
    - [block_bound tokens d] == for one block of a row: its largest score, one more exp, weights by bands
    - [query_bound ..]       == for one last token, but for its cases and their gaps
    - [staged_count_at_most]    cases of m are counted for q = 0 .. m: m + 1 times *)
Local Open Scope Z_scope.

Definition block_bound (tokens : tokens_choice) (d : Z) : Z := 407 + 5 * d + token_rows_bound tokens d.

Definition query_bound (tokens : tokens_choice) (n d blocks : Z) : Z :=
  21 + 405 * n + 417 * d + blocks * block_bound tokens d.

Definition plan_bound (tokens : tokens_choice) (d bands blocks : Z) : Z :=
  4 * exponents_of tokens + d * (8 + 5 * bands) + 5 * blocks.

Section Queries.
  Context (n d : nat) (c : plan) (sizes : list nat) (bands V : Z) (few_bands : len sizes <= bands).
  Context (case_count : bool -> info -> case_weights -> list gap_case -> counted Z) (case_bound : nat -> Z).
  Context (case_nonneg : forall m : nat, 0 <= case_bound m).

  Local Notation infos_of := (info_of n sizes c).
  Local Notation p := (Z.of_nat (n - 1)).

  Context (case_at_most : forall (seen : bool) (m : nat) (W : case_weights) (cases : list gap_case), weights_ok W ->
    (forall g, In g cases -> case_ok p bands m g) -> len cases <= V ->
    at_most (case_bound m) (case_count seen (infos_of m) W cases)).

  (** The k-th of both is of the same largest token. *)
  Definition aligned (infos : list info) (cases : list (list gap_case)) : Prop :=
    forall (k : nat) (i : info) (l : list gap_case), nth_error infos k = Some i -> nth_error cases k = Some l ->
      i = infos_of (answer_token i) /\ len l <= V /\ forall g, In g l -> case_ok p bands (answer_token i) g.

  Local Lemma nth_error_firstn_some : forall (A : Type) (count k : nat) (l : list A) (x : A),
    nth_error (firstn count l) k = Some x -> nth_error l k = Some x.
  Proof.
    intros A. induction count as [|count IH]; intros [|k] [|y l] x found; cbn in *; try discriminate found; [exact found|].
    exact (IH k l x found).
  Qed.

  Local Lemma nth_error_skipn : forall (A : Type) (q k : nat) (l : list A), nth_error (skipn q l) k = nth_error l (q + k).
  Proof. intros A. induction q as [|q IH]; intros k [|x l]; cbn; try reflexivity; [destruct k; reflexivity | apply IH]. Qed.

  Local Lemma aligned_firstn : forall (count : nat) (infos : list info) (cases : list (list gap_case)),
    aligned infos cases -> aligned (firstn count infos) (firstn count cases).
  Proof.
    intros count infos cases ok k i l first second.
    exact (ok k i l (nth_error_firstn_some _ _ _ _ _ first) (nth_error_firstn_some _ _ _ _ _ second)).
  Qed.

  Local Lemma aligned_skipn : forall (count : nat) (infos : list info) (cases : list (list gap_case)),
    aligned infos cases -> aligned (skipn count infos) (skipn count cases).
  Proof.
    intros count infos cases ok k i l first second. rewrite nth_error_skipn in first, second.
    exact (ok (count + k)%nat i l first second).
  Qed.

  Definition case_cost (i : info) : Z := 3 + case_bound (answer_token i).

  Lemma cases_count_at_most : forall (q : nat) (positions : list enclosure) (own : enclosure)
    (token_weights : list (list enclosure)) (infos : list info) (cases : list (list gap_case)),
    all_small positions -> small_weight own -> (forall row, In row token_weights -> all_small row) -> aligned infos cases ->
    at_most (total case_cost infos) (cases_count_counted n case_count q positions own token_weights infos cases).
  Proof.
    intros q positions own token_weights infos cases positions_small own_small.
    assert (costs : forall i, 0 <= case_cost i) by (intro i; unfold case_cost; specialize (case_nonneg (answer_token i)); lia).
    revert infos cases. induction token_weights as [|tw rest IH]; intros [|i infos] [|l cases] rows_small ok;
      cbn [cases_count_counted]; try (apply at_most_free; apply total_nonneg; exact costs).
    destruct (ok 0%nat i l eq_refl eq_refl) as (info_ok & few & goods). rewrite total_cons.
    assert (here : forall (seen : bool) (W : case_weights), weights_ok W ->
      at_most (case_bound (answer_token i)) (case_count seen i W l)).
    { intros seen W W_ok. assert (cost := case_at_most seen (answer_token i) W l W_ok goods few).
      rewrite <- info_ok in cost. exact cost. }
    eapply at_most_le.
    { eapply at_most_then; [apply at_most_once, Z.le_refl|].
      eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
      eapply at_most_then.
      { apply here. split; [apply rows_small; left; reflexivity|]. split; [exact positions_small|]. split; [exact own_small|].
        apply all_small_nth, positions_small. }
      eapply at_most_then; [|apply at_most_once, Z.le_refl].
      apply (IH infos cases); [intros row inside; apply rows_small; right; exact inside|].
      intros k j other first second. exact (ok (S k) j other first second). }
    unfold case_cost. lia.
  Qed.

  Lemma blocks_count_at_most : forall (prec : precision) (tokens : tokens_choice) (q : nat) (positions : list enclosure)
    (lengths : list nat) (from : nat) (st : state) (row : list scored) (infos : list info) (cases : list (list gap_case))
      (top : Z),
    all_small positions -> all_small (weights st) -> len (weights st) + len row <= top -> aligned infos cases ->
    at_most (len lengths * block_bound tokens top + 406 * len row + total case_cost infos)
      (blocks_count_counted n prec tokens case_count q positions lengths from st row infos cases).
  Proof.
    intros prec tokens q positions. induction lengths as [|long rest IH]; intros from st row infos cases top
      positions_small small room ok;
      cbn [blocks_count_counted].
    - apply at_most_free. rewrite len_nil.
      assert (costs : 0 <= total case_cost infos)
        by (apply total_nonneg; intro i; unfold case_cost; specialize (case_nonneg (answer_token i)); lia).
      assert (some := len_nonneg _ row). lia.
    - set (st' := extend prec st (firstn long row)).
      assert (small' : all_small (weights st')) by (apply extend_small, small).
      assert (longer : len (weights st') = len (weights st) + len (firstn long row)) by apply extend_len.
      assert (parts : len (firstn long row) + len (skipn long row) = len row)
        by (rewrite <- len_app, firstn_skipn; reflexivity).
      assert (some := len_nonneg _ (skipn long row)). assert (taken := len_nonneg _ (firstn long row)).
      rewrite len_cons. eapply at_most_le.
      { eapply at_most_then; [apply extend_at_most|]. rewrite extend_value. fold st'.
        eapply at_most_then; [apply at_most_once, Z.le_refl|].
        eapply at_most_then; [apply at_most_several, Z.le_refl|]. cbn [once several returned].
        set (count := (from + long - Nat.max from q)%nat).
        eapply at_most_then; [apply token_rows_at_most with (c := top); lia|]. rewrite token_rows_value.
        eapply at_most_then.
        { apply cases_count_at_most; [exact positions_small | apply all_small_nth, small' | | apply aligned_firstn, ok].
          intros r inside. exact (token_rows_small _ _ _ _ small' r inside). }
        eapply at_most_then; [apply at_most_once, Z.le_refl|].
        eapply at_most_then; [|apply at_most_once, Z.le_refl].
        apply IH with (top := top); [exact positions_small | exact small' | lia | apply aligned_skipn, ok]. }
      assert (infos_parts : total case_cost (firstn (from + long - Nat.max from q) infos) +
        total case_cost (skipn (from + long - Nat.max from q) infos) = total case_cost infos)
        by (rewrite <- total_app, firstn_skipn; reflexivity).
      unfold block_bound, extend_bound. lia.
  Qed.

  Lemma info_of_at_most : forall m : nat, at_most (8 + 5 * bands) (info_of_counted n sizes c m).
  Proof.
    intro m. assert (widths : len (cut sizes (S m)) <= bands).
    { eapply Z.le_trans; [|exact few_bands]. clear. generalize (S m).
      induction sizes as [|s rest IH]; intros [|long]; cbn [cut];
        rewrite ?len_nil, ?len_cons; try (unfold len; lia). specialize (IH (S long - s)%nat). lia. }
    assert (widest_at_most : forall (l : list nat) (best index largest : nat),
      at_most (len l) (widest_counted best index largest l)).
    { induction l as [|w l IH]; intros best index largest; cbn [widest_counted]; [apply at_most_free; reflexivity|].
      rewrite len_cons. apply at_most_bind with 1 (len l); [apply at_most_once; lia| |lia].
      destruct (returned (once (largest <=? w)%nat)); apply IH. }
    unfold info_of_counted. eapply at_most_le.
    { eapply at_most_then; [apply cut_at_most|]. rewrite cut_value.
      eapply at_most_then; [apply at_most_map with (c := 2) (r := bands);
        [lia | exact widths | intros; apply at_most_several, Z.le_refl]|].
      eapply at_most_then; [apply widest_at_most|].
      eapply at_most_then; [apply at_most_several, Z.le_refl|].
      eapply at_most_then; [apply at_most_several, Z.le_refl | apply at_most_free, Z.le_refl]. }
    lia.
  Qed.
End Queries.

Lemma length_of_at_most : forall (d : nat) (x : int), at_most 5 (length_of_counted d x).
Proof. intros d x. unfold length_of_counted. count. Qed.

Lemma radius_of_at_most : forall x : int, at_most 4 (radius_of_counted x).
Proof. intro x. unfold radius_of_counted. count. Qed.

Section Count.
  Context (M : model) (T : core_tables) (tokens : tokens_choice) (c : plan) (scores : product).
  Context (gaps : list (nat -> counted (list gap_case))) (gaps_cost : Z).
  Context (case_count : bool -> info -> case_weights -> list gap_case -> counted Z) (case_bound : nat -> Z).
  Local Notation n := (Z.of_nat (n_ctx M)).
  Local Notation d := (Z.of_nat (d_vocab M)).
  Local Notation sizes := (sizes_of (d_vocab M) tokens).
  Local Notation bands := (bands_of (d_vocab M) tokens).
  Local Notation blocks := (len (block_lengths c)).
  Local Notation p := (Z.of_nat (n_ctx M - 1)).
  Context (case_nonneg : forall m : nat, 0 <= case_bound m).
  Context (case_at_most : forall (seen : bool) (m : nat) (W : case_weights) (cases : list gap_case), weights_ok W ->
    (forall g, In g cases -> case_ok p bands m g) -> len cases <= len gaps ->
    at_most (case_bound m) (case_count seen (info_of (n_ctx M) sizes c m) W cases)).
  Context (T_within : tables_within n d (Z.of_nat (d_model M)) (Z.of_nat (d_head M)) T).
  Context (scores_within : product_within d d scores).
  Context (gaps_at_most : forall q : nat, at_most gaps_cost (map_counted (fun cases => cases q) gaps)).
  Context (gaps_ok : forall (cases : nat -> counted (list gap_case)) (q k : nat) (g : gap_case), In cases gaps ->
    nth_error (returned (cases q)) k = Some g -> case_ok p bands (q + k) g).

  Local Notation infos := (map (info_of (n_ctx M) sizes c) (seq 0 (d_vocab M))).

  Local Lemma default_ok : forall m : nat, case_ok p bands m (GapCase 0 [] 0).
  Proof. intro m. split; [cbn; lia | intros row []]. Qed.

  Lemma query_count_at_most : forall (lengths : list nat) (q : nat), (q <= d_vocab M)%nat -> len lengths = blocks ->
    at_most (query_bound tokens n d blocks - 1 + gaps_cost + total (fun m => 3 + case_bound m) (seq q (d_vocab M - q)))
      (query_count_counted M T tokens scores gaps case_count infos lengths q).
  Proof.
    intros lengths q before same. assert (shift := score_shift_at_most M).
    assert (row_len := score_row_len _ _ _ q scores_within). assert (some := len_nonneg _ (score_row scores q)).
    assert (position_len := len_nth_within _ _ _ _ q (score_pos_within _ _ _ _ _ T_within)).
    unfold query_count_counted. eapply at_most_le.
    { eapply at_most_then; [exact shift|].
      eapply at_most_then; [apply precision_of_at_most|].
      eapply at_most_then; [exact (score_row_at_most _ _ _ q scores_within)|]. rewrite score_row_value.
      eapply at_most_then; [apply row_enclosures_at_most|]. rewrite row_enclosures_value.
      eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
      eapply at_most_then; [apply gaps_at_most|].
      rewrite (value_map _ _ _ (fun cases => returned (cases q))) by reflexivity.
      apply (blocks_count_at_most (n_ctx M) c sizes bands (len gaps) case_count case_bound case_nonneg case_at_most)
        with (top := d); [apply row_enclosures_small | intros e [] | cbn [weights start]; rewrite len_nil; lia|].
      intros k i l found_info found_cases.
      assert (info_value : i = info_of (n_ctx M) sizes c (q + k)).
      { rewrite nth_error_skipn in found_info. rewrite nth_error_map in found_info.
        destruct (nth_error (seq 0 (d_vocab M)) (q + k)) as [m|] eqn:there; [|discriminate found_info].
        cbn in found_info. injection found_info as <-. f_equal.
        assert (inside : (q + k < d_vocab M)%nat).
        { rewrite <- (seq_length (d_vocab M) 0). apply nth_error_Some. rewrite there. discriminate. }
        apply nth_error_nth with (d := O) in there. rewrite seq_nth in there by exact inside. lia. }
      split; [rewrite info_value; reflexivity|].
      apply nth_error_by_row in found_cases. rewrite found_cases, map_map. split; [rewrite len_map; lia|].
      intros g inside. apply in_map_iff in inside. destruct inside as (cases & <- & there).
      rewrite info_value. cbn [info_of answer_token].
      destruct (nth_error (returned (cases q)) k) as [g|] eqn:found.
      - rewrite (nth_error_nth _ _ _ found). exact (gaps_ok cases q k g there found).
      - rewrite nth_overflow by (apply nth_error_None, found). apply default_ok. }
    assert (skipped : skipn q infos = map (info_of (n_ctx M) sizes c) (seq q (d_vocab M - q))).
    { rewrite skipn_map. f_equal. replace (d_vocab M) with (q + (d_vocab M - q))%nat at 1 by lia.
      rewrite seq_app, skipn_app, seq_length, Nat.sub_diag, skipn_all2 by (rewrite seq_length; lia). reflexivity. }
    rewrite skipped, total_map. change (fun m => case_cost case_bound (info_of (n_ctx M) sizes c m)) with
      (fun m => 3 + case_bound m).
    unfold query_bound. rewrite same. lia.
  Qed.

  Theorem staged_count_at_most :
    at_most (plan_bound tokens d bands blocks + d * (query_bound tokens n d blocks + gaps_cost) +
        total (fun m => Z.of_nat (S m) * (3 + case_bound m)) (seq 0 (d_vocab M)))
      (staged_count_counted M T tokens c scores gaps case_count).
  Proof.
    unfold staged_count_counted. eapply at_most_le.
    { eapply at_most_then; [apply sizes_of_at_most|]. rewrite sizes_of_value.
      eapply at_most_then.
      { apply at_most_map with (c := 8 + 5 * bands) (r := d); [unfold bands_of, len; lia | rewrite len_seq; lia|].
        intros m _. apply info_of_at_most. apply Z.le_refl. }
      eapply at_most_then; [apply at_most_map with (c := 5) (r := blocks); [lia | lia | intros; apply length_of_at_most]|].
      rewrite (value_map _ _ _ (info_of (n_ctx M) sizes c)) by apply info_of_value.
      apply at_most_fold_right_total with (cost := fun q => query_bound tokens n d blocks + gaps_cost +
        total (fun m => 3 + case_bound m) (seq q (0 + d_vocab M - q))).
      intros q rest inside. apply in_seq in inside. eapply at_most_le.
      { eapply at_most_then; [|apply at_most_once, Z.le_refl].
        apply query_count_at_most; [lia|]. rewrite (value_map _ _ _ (length_of (d_vocab M))) by apply length_of_value.
        apply len_map. }
      change (0 + d_vocab M - q)%nat with (d_vocab M - q)%nat. lia. }
    rewrite total_plus, total_const, len_seq, total_triangle.
    rewrite (total_ext _ (fun m => Z.of_nat (S m - 0) * (3 + case_bound m)) (fun m => Z.of_nat (S m) * (3 + case_bound m)))
      by (intros m _; rewrite Nat.sub_0_r; reflexivity).
    unfold plan_bound. lia.
  Qed.
End Count.
