(* CompactProofs: Length: GapsLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix Cert.Outcome Cert.Tables Cert.Terms Cert.Bands.
From CompactProofs Require Import Cert.Products Cert.Outputs Cert.Attention Cert.Gaps.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.ProductsCounted.
From CompactProofs Require Import Length.GapsCounted Length.MatrixLength Length.TablesLength Length.ProductsLength.
From CompactProofs Require Import Length.BandsLength.
Import ListNotations.
(** * Output gaps: how many operations they take
    - [logits_bound choice ..]  == for what the certificate moves, the product of the direct path, and their tests
    - [position_table_bound]    == for the gaps of one position, d x d of them, and their hulls
    - [gap_cases_bound], [gaps_of_query_bound] == for one choice of rivals: once, and for each last token
    Main results: [logits_of_at_most], [gap_cases_at_most], [gaps_of_query_at_most], [gaps_tests_at_most]. *)
Local Open Scope Z_scope.

Record logits_within (n d : Z) (L : logits) : Prop := LogitsWithin {
  direct_within : product_within d d (direct L);
  position_rows_within : within n d (position_rows L);
  token_logits_within : within d d (token_logits L)
}.

(** Each of [moved], and of the residual stream less it; the product; the logits of [moved]; the tests of these. *)
Definition logits_bound (choice : product_choice) (n d D k b : Z) : Z :=
  25 + 18 * D + 9 * d * D + 3 * d + 4 * n * d + product_bound choice d D d k b.

Definition gaps_tests_bound (n d : Z) : Z := 35 + 6 * d + 12 * d * d + 6 * n * d.

(** 6 for each bound of the logits of a path. *)
Definition path_low_bound (n d : Z) : Z := 5 + 3 * n * d + 3 * d * d.
Definition direct_low_bound (d : Z) : Z := 3 + 3 * d * d.
Definition joint_low_bound (n d : Z) : Z := 7 + 3 * n * d + 6 * d * d.

(** Gaps of one row of logits, shifted. *)
Definition gaps_of_bound (v : rivals) (d : Z) : Z := row_gaps_bound v d + 6 * d.

Definition position_table_bound (v : rivals) (d bands : Z) : Z := d * (d + gaps_of_bound v d) + d * (bands + 3 * d).

Definition free_positions (n : Z) : Z := Z.max 0 (n - 1).

Definition position_tables_bound (before : Z) (v : rivals) (n d bands : Z) : Z :=
  2 + free_positions n * (before + position_table_bound v d bands).

Definition joint_final_bound (v : rivals) (n d : Z) : Z := joint_low_bound n d + 1 + 2 * d + gaps_of_bound v d.

Definition direct_gaps_bound (v : rivals) (d : Z) : Z := direct_low_bound d + row_gaps_bound v d + 8 * d.

Definition split_final_bound (v : rivals) (n d : Z) : Z :=
  direct_gaps_bound v d + path_low_bound n d + 1 + 2 * d + gaps_of_bound v d.

(** Once. *)
Definition gap_cases_bound (choice : gap_choice) (v : rivals) (n d bands : Z) : Z :=
  match choice with Joint => 0 | Split _ => path_low_bound n d + position_tables_bound 0 v n d bands end.

(** For each last token. *)
Definition gaps_of_query_bound (choice : gap_choice) (v : rivals) (n d bands : Z) : Z :=
  match choice with
  | Joint => joint_low_bound n d + position_tables_bound d v n d bands + joint_final_bound v n d
  | Split Exact => joint_final_bound v n d + direct_gaps_bound v d
  | Split (Low_rank _) => split_final_bound v n d + direct_gaps_bound v d
  end.

Section Bounds.
  Context (n d : Z) (L : logits) (size : logits_within n d L).

  Local Lemma signs : 0 <= n /\ 0 <= d /\ 0 <= n * d /\ 0 <= d * d.
  Proof.
    assert (n_nonneg := within_rows _ _ _ _ (position_rows_within _ _ _ size)).
    assert (d_nonneg := within_columns _ _ _ _ (position_rows_within _ _ _ size)). nia.
  Qed.

  Lemma direct_bound_at_most : at_most (1 + 3 * d * d) (direct_bound_counted L).
  Proof. destruct size as [[rows _] _ _]. unfold direct_bound_counted. count. Qed.

  Lemma penalty_bound_at_most : forall (r c : Z) (P : product), product_within r c P ->
    at_most (1 + 3 * r) (penalty_bound_counted P).
  Proof.
    intros r c P [_ short]. assert (one := within_one _ _ _ short). unfold penalty_bound_counted. count.
  Qed.

  Lemma path_bound_at_most : at_most (3 + 3 * n * d + 3 * d * d) (path_bound_counted L).
  Proof. destruct size. unfold path_bound_counted. count. Qed.

  #[local] Hint Resolve direct_bound_at_most penalty_bound_at_most path_bound_at_most : lengths.

  Lemma gaps_tests_at_most : forall g : int, at_most (gaps_tests_bound n d) (gaps_tests_counted L g).
  Proof.
    intro g. assert (rows := direct_within _ _ _ size). destruct signs as (? & ? & ? & ?).
    unfold gaps_tests_counted, gaps_tests_bound. count.
  Qed.

  Lemma path_low_at_most : at_most (path_low_bound n d) (path_low_counted L).
  Proof. unfold path_low_counted, path_low_bound. count. Qed.

  Lemma direct_low_at_most : at_most (direct_low_bound d) (direct_low_counted L).
  Proof. unfold direct_low_counted, direct_low_bound. count. Qed.

  Lemma joint_low_at_most : at_most (joint_low_bound n d) (joint_low_counted L).
  Proof. unfold joint_low_counted, joint_low_bound. count. Qed.

  Context (positions answers : nat) (g : int) (sizes : list nat) (v : rivals) (bands : Z).
  Context (n_positions : Z.of_nat positions <= n) (d_answers : Z.of_nat answers <= d) (few_bands : len sizes <= bands).

  Lemma gaps_of_at_most : forall (low : int) (row : list int), len row <= d ->
    at_most (gaps_of_bound v d) (gaps_of_counted g v low row).
  Proof.
    intros low row short. unfold gaps_of_counted, gaps_of_bound.
    apply at_most_bind with (row_gaps_bound v d) (d * 6); [apply row_gaps_at_most, short | rewrite row_gaps_value | lia].
    apply at_most_map; [lia | | auto with lengths]. eapply Z.le_trans; [apply row_gaps_len | exact short].
  Qed.

  Lemma band_columns_at_most : forall (columns : list (list int)) (r : Z) (m : nat), within r d columns ->
    at_most (r * (bands + 3 * d)) (band_columns_counted sizes m columns).
  Proof.
    assert (bands_nonneg : 0 <= bands) by (unfold len in few_bands; lia). destruct signs as (_ & d_nonneg & _).
    induction columns as [|column rest IH]; intros r m (_ & rows & short); cbn [band_columns_counted].
    - apply at_most_free. rewrite len_nil in rows. nia.
    - rewrite len_cons in rows. apply at_most_bind with (bands + 3 * d) ((r - 1) * (bands + 3 * d)); [| |lia].
      + eapply at_most_le; [apply hulls_at_most with (cost := 3); [lia | auto with lengths]|].
        assert (one := short column ltac:(left; reflexivity)). assert (part := len_firstn _ (S m) column).
        unfold len in *. rewrite rev_length. lia.
      + apply at_most_bind with ((r - 1) * (bands + 3 * d)) 0; [|apply at_most_free; lia|lia].
        apply IH. split; [exact d_nonneg|]. split; [lia|]. intros row inside. apply short. right. exact inside.
  Qed.

  Lemma rows_nonneg : 0 <= gaps_of_bound v d.
  Proof. destruct signs as (_ & d_nonneg & _). unfold gaps_of_bound, row_gaps_bound. destruct v; lia. Qed.

  Lemma position_table_at_most : forall (from : nat) (low : int) (base : list int),
    at_most (position_table_bound v d bands) (position_table_counted answers L g sizes v from low base).
  Proof.
    intros from low base. destruct signs as (_ & d_nonneg & _). assert (row_nonneg := rows_nonneg).
    destruct (token_logits_within _ _ _ size) as (_ & rows & short).
    unfold position_table_counted, position_table_bound.
    apply at_most_bind with (d * (d + gaps_of_bound v d)) (d * (bands + 3 * d)); [| |lia].
    - apply at_most_map; [lia | exact rows|]. intros row inside.
      apply at_most_bind with d (gaps_of_bound v d); [apply add_rows_at_most; right; apply short, inside| |lia].
      rewrite add_rows_value. apply gaps_of_at_most. eapply Z.le_trans; [apply add_rows_len | apply short, inside].
    - erewrite value_map by (intro row; rewrite value_bind, add_rows_value; apply gaps_of_value).
      apply band_columns_at_most. split; [exact d_nonneg|].
      set (table := map (fun row => gaps_of v g low (add_rows base row)) (token_logits L)).
      destruct (by_row_within 0%uint63 answers table) as (_ & columns & long). split.
      + eapply Z.le_trans; [apply len_skipn | lia].
      + intros column inside. apply Z.le_trans with (len table); [|unfold table; rewrite len_map; exact rows].
        apply long. rewrite <- (firstn_skipn from). apply in_or_app. right. exact inside.
  Qed.

  Lemma table_nonneg : 0 <= position_table_bound v d bands.
  Proof.
    assert (bands_nonneg : 0 <= bands) by (unfold len in few_bands; lia). destruct signs as (_ & d_nonneg & _).
    assert (row_nonneg := rows_nonneg). unfold position_table_bound. nia.
  Qed.

  Lemma position_tables_at_most : forall (from : nat) (low : int) (before : list int -> counted (list int)) (cost : Z),
    0 <= cost -> (forall i : nat, at_most cost (before (nth i (position_rows L) []))) ->
    at_most (position_tables_bound cost v n d bands)
      (position_tables_counted positions answers L g sizes v from low before).
  Proof.
    intros from low before cost cost_nonneg each. assert (table_nonneg := table_nonneg).
    unfold position_tables_counted, position_tables_bound.
    assert (free_nonneg : 0 <= free_positions n) by apply Z.le_max_l. eapply at_most_le.
    { eapply at_most_then; [apply at_most_once, Z.le_refl|].
      eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
      eapply at_most_then; [|apply at_most_free, Z.le_refl].
      apply at_most_map with (c := cost + position_table_bound v d bands) (r := free_positions n);
        [lia | rewrite len_seq; unfold free_positions; lia|].
      intros i _. eapply at_most_bind; [apply each | apply position_table_at_most | lia]. }
    lia.
  Qed.

  Lemma direct_row_len : forall q : nat, len (nth q (product_rows (direct L)) []) <= d.
  Proof. intro q. exact (len_nth_within _ _ _ _ q (product_rows_within _ _ _ (direct_within _ _ _ size))). Qed.

  Lemma position_row_len : forall i : nat, len (nth i (position_rows L) []) <= d.
  Proof. intro i. exact (len_nth_within _ _ _ _ i (position_rows_within _ _ _ size)). Qed.

  Lemma token_row_len : forall t : nat, len (nth t (token_logits L) []) <= d.
  Proof. intro t. exact (len_nth_within _ _ _ _ t (token_logits_within _ _ _ size)). Qed.

  Lemma joint_final_at_most : forall q : nat, at_most (joint_final_bound v n d) (joint_final_counted positions L g v q).
  Proof.
    intro q. unfold joint_final_counted, joint_final_bound. eapply at_most_le.
    { eapply at_most_then; [apply joint_low_at_most|].
      eapply at_most_then; [apply at_most_once, Z.le_refl|].
      eapply at_most_then; [apply add_rows_at_most; left; apply direct_row_len|]. rewrite add_rows_value.
      eapply at_most_then; [apply add_rows_at_most; right; apply token_row_len|]. rewrite add_rows_value.
      apply gaps_of_at_most. eapply Z.le_trans; [apply add_rows_len | apply token_row_len]. }
    lia.
  Qed.

  Lemma direct_gaps_at_most : forall q : nat, at_most (direct_gaps_bound v d) (direct_gaps_counted L g v q).
  Proof.
    intro q. unfold direct_gaps_counted, direct_gaps_bound. eapply at_most_le.
    { eapply at_most_then; [apply direct_low_at_most|].
      eapply at_most_then; [apply row_gaps_at_most, direct_row_len|]. rewrite row_gaps_value.
      apply at_most_map with (c := 8) (r := d); [lia | eapply Z.le_trans; [apply row_gaps_len | apply direct_row_len]|].
      intros x _. count. }
    lia.
  Qed.

  Lemma split_final_at_most : forall q : nat, at_most (split_final_bound v n d) (split_final_counted positions L g v q).
  Proof.
    intro q. unfold split_final_counted, split_final_bound. eapply at_most_le.
    { eapply at_most_then; [apply direct_gaps_at_most|].
      eapply at_most_then; [apply path_low_at_most|].
      eapply at_most_then; [apply at_most_once, Z.le_refl|].
      eapply at_most_then; [apply add_rows_at_most; left; apply position_row_len|]. rewrite add_rows_value.
      eapply at_most_then; [apply gaps_of_at_most; eapply Z.le_trans; [apply add_rows_len | apply token_row_len]|].
      apply at_most_zip with (c := 1) (r := d); [lia | right | intros; apply at_most_once, Z.le_refl].
      rewrite gaps_of_value. unfold gaps_of. rewrite len_map.
      eapply Z.le_trans; [apply row_gaps_len|]. eapply Z.le_trans; [apply add_rows_len | apply token_row_len]. }
    lia.
  Qed.

  Theorem gap_cases_at_most : forall choice : gap_choice,
    at_most (gap_cases_bound choice v n d bands) (gap_cases_counted positions answers L g sizes v choice).
  Proof.
    intros [|c]; unfold gap_cases_counted, gap_cases_bound; [apply at_most_free, Z.le_refl|]. eapply at_most_le.
    { eapply at_most_then; [apply path_low_at_most|].
      eapply at_most_then; [apply position_tables_at_most with (cost := 0); [lia|]|apply at_most_free, Z.le_refl].
      intro i. apply at_most_free, Z.le_refl. }
    lia.
  Qed.

  Theorem gaps_of_query_at_most : forall (choice : gap_choice) (q : nat),
    at_most (gaps_of_query_bound choice v n d bands) (returned (gap_cases_counted positions answers L g sizes v choice) q).
  Proof.
    destruct signs as (_ & d_nonneg & _).
    intros [|[|f]] q; unfold gap_cases_counted, gaps_of_query_bound; rewrite ?value_bind; cbn [free returned];
      unfold joint_cases_counted, split_cases_counted; eapply at_most_le.
    - eapply at_most_then; [apply joint_low_at_most|].
      eapply at_most_then; [apply position_tables_at_most with (cost := d); [exact d_nonneg|]|].
      { intro i. apply add_rows_at_most. left. apply direct_row_len. }
      eapply at_most_then; [apply joint_final_at_most | apply at_most_free, Z.le_refl].
    - lia.
    - eapply at_most_then; [apply joint_final_at_most|].
      eapply at_most_then; [apply direct_gaps_at_most | apply at_most_free, Z.le_refl].
    - lia.
    - eapply at_most_then; [apply split_final_at_most|].
      eapply at_most_then; [apply direct_gaps_at_most | apply at_most_free, Z.le_refl].
    - lia.
  Qed.
End Bounds.

Section Logits.
  Context (M : model) (T : core_tables) (moved : list Z) (choice : gap_choice) (k b : Z).
  Local Notation n := (Z.of_nat (n_ctx M)).
  Local Notation d := (Z.of_nat (d_vocab M)).
  Local Notation D := (Z.of_nat (d_model M)).
  Context (T_within : tables_within n d D (Z.of_nat (d_head M)) T) (moved_within : len moved <= D).
  Context (choice_small : choice_within D k b (direct_choice choice)).

  Lemma logits_of_within : logits_within n d (fst (logits_of M T moved choice)).
  Proof.
    unfold logits_of. cbv zeta. cbn [fst]. constructor; cbn [direct position_rows token_logits].
    - apply product_of_within. unfold add_row. rewrite len_map. apply (resid_within _ _ _ _ _ T_within).
    - apply add_row_within. exact (logit_pos_within _ _ _ _ _ T_within).
    - exact (logit_within _ _ _ _ _ T_within).
  Qed.

  Theorem logits_of_at_most : at_most (logits_bound (direct_choice choice) n d D k b) (logits_of_counted M T moved choice).
  Proof.
    assert (residual := resid_within _ _ _ _ _ T_within). assert (unembed := W_U_direct_within _ _ _ _ _ T_within).
    assert (positions := logit_pos_within _ _ _ _ _ T_within). assert (row_within := within_one _ _ _ moved_within).
    assert (row := of_rows_within _ _ (power 0) _ row_within). assert (minus := of_rows_within _ _ (-1) _ row_within).
    assert (logits := mul_within 1 (d_vocab M) _ (W_U_direct_rows T) (proj1 (proj2 row))).
    unfold logits_of_counted, logits_bound. cbv zeta. eapply at_most_le.
    { eapply at_most_then; [apply factor_at_most; exact row_within|].
      eapply at_most_then; [apply of_rows_at_most; exact row_within|].
      eapply at_most_then; [apply add_row_at_most; exact (resid_within _ _ _ _ _ T_within)|].
      autorewrite with values.
      eapply at_most_then; [apply mul_at_most; exact row|].
      eapply at_most_then.
      { apply product_of_at_most with (rows := d) (k := k) (b := b);
          [autorewrite with values; apply add_row_within; exact (resid_within _ _ _ _ _ T_within) |
            exact (W_U_direct_within _ _ _ _ _ T_within) | exact choice_small]. }
      eapply at_most_then; [apply add_row_at_most; exact (logit_pos_within _ _ _ _ _ T_within)|].
      autorewrite with values.
      eapply at_most_then; [|apply at_most_several, Z.le_refl].
      assert (first := factor_fits_at_most _ _ _ row_within). count_up. }
    lia.
  Qed.
End Logits.
