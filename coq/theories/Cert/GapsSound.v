(* CompactProofs: Cert: GapsSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Base.Sums Base.Lists Base.Signed63 Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound Cert.Terms Cert.TermsSound.
From CompactProofs Require Import Cert.Bands Cert.BandsSound Cert.Products Cert.ProductsSound Cert.Outputs Cert.OutputsSound.
From CompactProofs Require Import Cert.RowsSound Cert.Gaps Cert.CreditsCheck Cert.CreditsSound Cert.Staged Cert.CaseSound.
Import ListNotations.
(** * Gaps bound what they should
    Main result: [gap_cases_ok]: the gaps of every case are right, whatever the certificate chose.
    Source: docs/max_of_k.md, section 3. *)
Local Open Scope Z_scope.

Section Gaps.
  Context (M : model) (moved : list Z) (choice : gap_choice) (g : int) (sizes : list nat) (v : rivals).
  Local Notation C := (core_of M).
  Local Notation n := (n_ctx M).
  Local Notation d := (d_vocab M).
  Local Notation D := (d_model M).
  Let L := fst (logits_of M C moved choice).
  Context (tests : first_failure (core_tests M C) = None).
  Context (logit_tests : first_failure (snd (logits_of M C moved choice)) = None).
  Context (gap_tests : first_failure (gaps_tests L g) = None).
  Context (positive : all_positive sizes) (covers : (d <= list_sum sizes)%nat).

  Local Notation U := (W_U_direct_rows C).
  Local Notation inputs := (direct_inputs L).
  Local Notation R := (product_rows (direct L)).
  Local Notation bits := (product_bits (direct L)).

  Local Ltac passed why := refine (first_failure_none _ logit_tests _ why _); apply in_or_app; left; cbv [In]; tauto.

  (** ** What is moved stays in the sum *)

  Local Definition moved_entry (k : nat) : Z := nth k moved 0.

  Local Lemma moved_shape : has_shape 1 D [moved] = true.
  Proof. passed (Wrong_length Moved (Z.of_nat (length moved)) (Z.of_nat D)). Qed.

  Local Lemma moved_value : forall k : nat, (k < D)%nat -> at2 (of_rows (power 0) [moved]) 0 k = moved_entry k.
  Proof.
    intros k inside. rewrite (of_rows_exact 1 D); [|exact moved_shape | passed (May_overflow Moved) | lia | exact inside].
    change (power 0) with 1. unfold moved_entry. cbn [nth]. lia.
  Qed.

  Local Lemma minus_value : forall k : nat, (k < D)%nat -> at2 (of_rows (-1) [moved]) 0 k = - moved_entry k.
  Proof.
    intros k inside. rewrite (of_rows_exact 1 D); [|exact moved_shape | | lia | exact inside].
    - unfold moved_entry. cbn [nth]. lia.
    - refine (first_failure_none _ logit_tests _ (May_overflow Moved) _). apply in_or_app. left. cbv [In]. tauto.
  Qed.

  Local Lemma inputs_shape : has_shape d D inputs = true.
  Proof.
    apply add_row_shape; [|exact (shape_resid M tests)].
    apply (has_shape_row _ 1 D 0 _ (of_rows_shape 1 D (-1) [moved] moved_shape)). lia.
  Qed.

  Local Lemma inputs_value : forall q k : nat, (q < d)%nat -> (k < D)%nat ->
    at2 inputs q k = at2 (resid_rows C) q k - moved_entry k.
  Proof.
    intros q k token inside. change inputs with (add_row (nth 0 (of_rows (-1) [moved]) []) (resid_rows C)).
    rewrite (add_row_exact d 1 D); [rewrite minus_value by exact inside; lia | exact (shape_resid M tests) | | | lia
      | exact token | exact inside].
    - apply of_rows_shape, moved_shape.
    - passed (May_overflow Moved).
  Qed.

  Local Lemma position_shape : has_shape n d (position_rows L) = true.
  Proof.
    apply add_row_shape; [|exact (shape_logits_pos M tests)].
    assert (shape : has_shape 1 d (mul d (of_rows (power 0) [moved]) U) = true).
    { apply (mul_shape 1 D); [apply of_rows_shape, moved_shape | exact (shape_U_direct M tests)]. }
    exact (has_shape_row _ 1 d 0 _ shape (Nat.lt_0_1)).
  Qed.

  Local Lemma position_value : forall i w : nat, (i < n)%nat -> (w < d)%nat ->
    at2 (position_rows L) i w = sumZ D (fun k => moved_entry k * at2 U k w) + at2 (logit_pos_rows C) i w.
  Proof.
    intros i w position inside.
    change (position_rows L) with (add_row (nth 0 (mul d (of_rows (power 0) [moved]) U) []) (logit_pos_rows C)).
    rewrite (add_row_exact n 1 d); [ | exact (shape_logits_pos M tests) | | passed (May_overflow Moved) | lia
      | exact position | exact inside].
    - f_equal. rewrite (mul_exact 1 D d).
      + apply sumZ_ext. intros k below. rewrite moved_value by exact below. reflexivity.
      + apply of_rows_shape, moved_shape.
      + exact (shape_U_direct M tests).
      + passed (May_overflow Moved).
      + lia.
      + exact inside.
    - apply (mul_shape 1 D); [apply of_rows_shape, moved_shape | exact (shape_U_direct M tests)].
  Qed.

  (** The logits that do not depend on q. *)
  Local Definition path (i t w : nat) : Z := at2 (position_rows L) i w + at2 (token_logits L) t w.

  Local Lemma proposal_split : forall q i t w : nat, (q < d)%nat -> (i < n)%nat -> (w < d)%nat ->
    proposal M C q t i w = dotZ D inputs U q w + path i t w.
  Proof.
    intros q i t w token position inside. unfold proposal, path, direct_logit, dotZ.
    rewrite position_value by assumption. change (token_logits L) with (logit_rows C).
    rewrite (sumZ_ext D (fun k => at2 inputs q k * at2 U k w)
      (fun k => at2 (resid_rows C) q k * at2 U k w + - 1 * (moved_entry k * at2 U k w))).
    - rewrite sumZ_plus, sumZ_mult_l. lia.
    - intros k below. rewrite inputs_value by assumption. ring.
  Qed.

  (** ** Ranges *)

  Local Ltac gap_passed why := refine (first_failure_none _ gap_tests _ why _); cbv [gaps_tests In]; tauto.

  Local Lemma direct_bound_nonneg : 0 <= direct_bound L.
  Proof. apply max_abs_nonneg. Qed.

  Local Lemma path_bound_nonneg : 0 <= path_bound L.
  Proof.
    unfold path_bound. assert (a := max_abs_nonneg (position_rows L)). assert (b := max_abs_nonneg (token_logits L)). lia.
  Qed.

  Local Lemma penalty_bound_nonneg : 0 <= penalty_bound (direct L).
  Proof. apply max_abs_nonneg. Qed.

  Local Lemma direct_small : 2 * direct_bound L + penalty_bound (direct L) <= 2 ^ 60.
  Proof. apply Z.leb_le. gap_passed (May_overflow Logit_sum). Qed.

  Local Lemma path_small : 2 * path_bound L <= 2 ^ 60.
  Proof. apply Z.leb_le. gap_passed (May_overflow Logit_sum). Qed.

  Local Lemma direct_fits : to_Z g + to_Z bits <= 61 /\
    2 * direct_bound L + penalty_bound (direct L) <= 2 ^ (29 + to_Z g + to_Z bits).
  Proof.
    assert (test : (if to_Z g + to_Z bits <=? 61
      then 2 * direct_bound L + penalty_bound (direct L) <=? 2 ^ (29 + to_Z g + to_Z bits) else false) = true)
      by (gap_passed (May_overflow Gap_shift)).
    destruct (Z.leb_spec (to_Z g + to_Z bits) 61) as [small|]; [|discriminate test].
    split; [exact small | apply Z.leb_le, test].
  Qed.

  Local Lemma path_fits : to_Z g <= 61 /\ 2 * path_bound L <= 2 ^ (29 + to_Z g).
  Proof.
    assert (test : (if to_Z g <=? 61 then 2 * path_bound L <=? 2 ^ (29 + to_Z g) else false) = true)
      by (gap_passed (May_overflow Gap_shift)).
    destruct (Z.leb_spec (to_Z g) 61) as [small|]; [|discriminate test].
    split; [exact small | apply Z.leb_le, test].
  Qed.

  Local Lemma token_shape : has_shape d d (token_logits L) = true.
  Proof. exact (shape_logits M tests). Qed.

  Local Lemma product_facts : has_shape d d R = true /\ length (penalties (direct L)) = d /\ to_Z bits <= 58 /\
    (forall q, 0 <= at1 (penalties (direct L)) q <= 2 ^ 61) /\
    forall q t u, (q < d)%nat -> (t < d)%nat -> (u < d)%nat ->
      2 ^ to_Z bits * (dotZ D inputs U q t - dotZ D inputs U q u)
        <= at2 R q t - at2 R q u + at1 (penalties (direct L)) q.
  Proof.
    apply (product_of_spec Direct_logits (direct_choice choice) d D d inputs U inputs_shape (shape_U_direct M tests)).
    exact (first_failure_second _ _ logit_tests).
  Qed.

  Local Lemma R_row_length : forall q : nat, (q < d)%nat -> length (nth q R []) = d.
  Proof. intros q token. exact (has_shape_row _ _ _ _ _ (proj1 product_facts) token). Qed.

  (** The row of logits of one position and token. *)
  Local Definition path_row (i t : nat) : list int := add_rows (nth i (position_rows L) []) (nth t (token_logits L) []).

  Local Lemma path_row_spec : forall i t : nat, (i < n)%nat -> (t < d)%nat ->
    length (path_row i t) = d /\
    forall w, (w < d)%nat -> at1 (path_row i t) w = path i t w /\ Z.abs (path i t w) <= path_bound L.
  Proof.
    intros i t position token.
    assert (len_pos := has_shape_row _ _ _ _ _ position_shape position).
    assert (len_token := has_shape_row _ _ _ _ _ token_shape token).
    split; [unfold path_row; rewrite add_rows_length; congruence|]. intros w inside.
    assert (bound_pos := max_abs_bound (position_rows L) i w). assert (bound_token := max_abs_bound (token_logits L) t w).
    assert (small := path_small). unfold path_bound in *. split; [|unfold path; lia].
    unfold path_row. apply (at1_add_rows _ _ (to_Z (max_abs (position_rows L))) (to_Z (max_abs (token_logits L)))).
    - rewrite len_pos. exact inside.
    - rewrite len_token. exact inside.
    - exact bound_pos.
    - exact bound_token.
    - lia.
  Qed.

  Local Lemma low_value : forall b : Z, 0 <= b <= 2 ^ 60 -> signed (of_Z (- b)) = - b.
  Proof. intros b range. apply signed_of_congruent; [apply congruent_of_Z | lia]. Qed.

  (** ** The two summands of a split gap *)

  Local Definition path_gap (i t m : nat) (gap : int) : Prop :=
    Z.abs (signed gap) <= 2 ^ 29 /\
    forall x y, versus v m x y -> (x < d)%nat -> (y < d)%nat -> path i t x - path i t y <= 2 ^ to_Z g * signed gap.

  Local Lemma path_gaps : forall i t m : nat, (i < n)%nat -> (t < d)%nat -> (m < d)%nat ->
    length (gaps_of v g (path_low L) (path_row i t)) = d /\
    path_gap i t m (nth m (gaps_of v g (path_low L) (path_row i t)) 0%uint63).
  Proof.
    intros i t m position token answer. destruct (path_row_spec i t position token) as [len values].
    assert (small := path_small). assert (nonneg := path_bound_nonneg). destruct path_fits as [g_small fits].
    destruct (gaps_of_spec v g (path_low L) (path_row i t) (path_bound L) 29) as [gaps_len spec]; try lia.
    - apply low_value. lia.
    - intros w inside. rewrite len in inside. rewrite (proj1 (values w inside)). apply values, inside.
    - rewrite gaps_len, len. split; [reflexivity|]. destruct (spec m ltac:(lia)) as [range above].
      split; [exact range|]. intros x y rival inside_x inside_y.
      rewrite <- (proj1 (values x inside_x)), <- (proj1 (values y inside_y)). apply above; [exact rival | lia | lia].
  Qed.

  Local Definition direct_gap (q m : nat) (gap : int) : Prop :=
    Z.abs (signed gap) <= 2 ^ 29 /\
    forall x y, versus v m x y -> (x < d)%nat -> (y < d)%nat ->
      dotZ D inputs U q x - dotZ D inputs U q y <= 2 ^ to_Z g * signed gap.

  Local Lemma direct_gaps_spec : forall q m : nat, (q < d)%nat -> (m < d)%nat ->
    length (direct_gaps L g v q) = d /\ direct_gap q m (nth m (direct_gaps L g v q) 0%uint63).
  Proof.
    intros q m token answer. destruct product_facts as (shape & len_pen & small_bits & pen_range & spread).
    assert (len := R_row_length q token). assert (small := direct_small). assert (nonneg := direct_bound_nonneg).
    assert (pen_nonneg := penalty_bound_nonneg). destruct direct_fits as [g_small fits].
    assert (bounds : forall x, In x (nth q R []) -> Z.abs (signed x) <= direct_bound L).
    { apply row_entries. intros w _. apply (max_abs_bound R q w). }
    destruct (row_gaps_spec (direct_low L) (direct_bound L) v (nth q R [])) as [gaps_len spec]; [lia | | exact bounds|].
    { apply low_value. lia. }
    unfold direct_gaps. cbv zeta. rewrite map_length, gaps_len, len. split; [reflexivity|].
    rewrite (nth_map_any _ _ _ _ _ 0%uint63) by lia. destruct (spec m ltac:(lia)) as [range above].
    set (gap := nth m (row_gaps (direct_low L) v (nth q R [])) 0%uint63) in *.
    set (pen := nth q (penalties (direct L)) 0%uint63).
    assert (pen_bound : Z.abs (signed pen) <= penalty_bound (direct L)).
    { exact (max_abs_bound [penalties (direct L)] 0 q). }
    assert (bits_nonneg := to_Z_range bits). assert (g_nonneg := to_Z_range g).
    assert (sum : signed (gap + pen)%uint63 = signed gap + signed pen) by (apply signed_add; lia).
    assert (shift_value : to_Z (g + bits)%uint63 = to_Z g + to_Z bits).
    { apply to_Z_of_congruent; [apply congruent_add; apply congruent_to_Z | lia]. }
    rewrite <- Z.add_assoc, Z.pow_add_r in fits by lia.
    split.
    - apply shift_up_abs; rewrite ?shift_value, ?sum; lia.
    - intros x y rival inside_x inside_y.
      assert (up := le_shift_up (g + bits)%uint63 (gap + pen)%uint63).
      rewrite shift_value, sum, Z.pow_add_r in up by lia. specialize (up ltac:(lia) ltac:(lia)).
      assert (apart := spread q x y token inside_x inside_y).
      assert (row := above x y rival ltac:(lia) ltac:(lia)).
      unfold at2 in apart. change (at1 (penalties (direct L)) q) with (signed pen) in apart.
      assert (bits_pos : 0 < 2 ^ to_Z bits) by (apply Z.pow_pos_nonneg; lia).
      apply (Z.mul_le_mono_pos_l _ _ (2 ^ to_Z bits)); [exact bits_pos|].
      replace (2 ^ to_Z bits * (2 ^ to_Z g * signed (shift_up (g + bits) (gap + pen))))
        with (2 ^ to_Z g * 2 ^ to_Z bits * signed (shift_up (g + bits) (gap + pen))) by ring.
      lia.
  Qed.

  (** ** The joint gap *)

  Local Lemma exact_rows : (direct_choice choice = Exact -> forall q w, (q < d)%nat -> (w < d)%nat ->
    at2 R q w = dotZ D inputs U q w) /\ (direct_choice choice = Exact -> bits = 0%uint63).
  Proof.
    assert (none := first_failure_second _ _ logit_tests : first_failure
      (snd (product_of Direct_logits (direct_choice choice) D d inputs U)) = None).
    change (direct L) with (fst (product_of Direct_logits (direct_choice choice) D d inputs U)).
    split; intro exact; rewrite exact in none |- *;
      destruct (exact_product_spec Direct_logits d D d inputs U inputs_shape (shape_U_direct M tests) none)
        as (no_bits & _ & _ & _ & values); [exact values | exact no_bits].
  Qed.

  Local Notation total_gap := (gap_bounds M g).

  Local Lemma joint_gaps : direct_choice choice = Exact -> forall q i t m : nat,
    (q < d)%nat -> (i < n)%nat -> (t < d)%nat -> (m < d)%nat ->
    let row := add_rows (add_rows (nth q R []) (nth i (position_rows L) [])) (nth t (token_logits L) []) in
    length (gaps_of v g (joint_low L) row) = d /\ total_gap q m v i t (nth m (gaps_of v g (joint_low L) row) 0%uint63).
  Proof.
    intros exact q i t m token_q position token answer row.
    assert (len_R := R_row_length q token_q). assert (len_pos := has_shape_row _ _ _ _ _ position_shape position).
    assert (len_token := has_shape_row _ _ _ _ _ token_shape token).
    assert (small := direct_small). assert (small_path := path_small). assert (nonneg := path_bound_nonneg).
    assert (nonneg_direct := direct_bound_nonneg). assert (pen_nonneg := penalty_bound_nonneg).
    destruct path_fits as [g_small fits]. destruct direct_fits as [_ fits_direct].
    rewrite (proj2 exact_rows exact) in fits_direct. change (to_Z 0) with 0 in fits_direct. rewrite Z.add_0_r in fits_direct.
    assert (len_base : length (add_rows (nth q R []) (nth i (position_rows L) [])) = d)
      by (rewrite add_rows_length; congruence).
    assert (len : length row = d) by (unfold row; rewrite add_rows_length; congruence).
    assert (values : forall w, (w < d)%nat -> at1 row w = proposal M C q t i w /\
      Z.abs (at1 row w) <= direct_bound L + path_bound L).
    { intros w inside. assert (bound_R := max_abs_bound R q w). assert (bound_pos := max_abs_bound (position_rows L) i w).
      assert (bound_token := max_abs_bound (token_logits L) t w). fold (direct_bound L) in bound_R. unfold at2 in *.
      assert (base : at1 (add_rows (nth q R []) (nth i (position_rows L) [])) w =
        at1 (nth q R []) w + at1 (nth i (position_rows L) []) w).
      { eapply at1_add_rows; [lia | lia | exact bound_R | exact bound_pos|]. unfold path_bound in *. 
        assert (b := max_abs_nonneg (token_logits L)). lia. }
      assert (value : at1 row w = at1 (nth q R []) w + at1 (nth i (position_rows L) []) w + at1 (nth t (token_logits L) []) w).
      { rewrite <- base. unfold row.
        apply (at1_add_rows _ _ (direct_bound L + to_Z (max_abs (position_rows L))) (to_Z (max_abs (token_logits L))));
          unfold path_bound in *; rewrite ?base; lia. }
      rewrite value. rewrite proposal_split by assumption. rewrite <- (proj1 exact_rows exact) by assumption.
      unfold path, at2. unfold path_bound. split; lia. }
    destruct (gaps_of_spec v g (joint_low L) row (direct_bound L + path_bound L) 30) as [gaps_len spec]; try lia.
    - apply low_value. lia.
    - intros w inside. rewrite len in inside. apply values, inside.
    - replace (30 + to_Z g) with (Z.succ (29 + to_Z g)) by lia.
      rewrite Z.pow_succ_r by (assert (g_nonneg := to_Z_range g); lia). lia.
    - rewrite gaps_len, len. split; [reflexivity|]. destruct (spec m ltac:(lia)) as [range above].
      split; [exact range|]. intros x y rival inside_x inside_y.
      rewrite <- (proj1 (values x inside_x)), <- (proj1 (values y inside_y)). apply above; [exact rival | lia | lia].
  Qed.

  (** ** Bands *)

  Local Lemma join_value : forall e f : int, signed (smax e f) = Z.max (signed e) (signed f).
  Proof. exact signed_smax. Qed.

  (** The hulls of a column of gaps, at one m. [holds t e]: [e] is at least the gap of token t. *)
  Local Lemma column_hulls : forall (m : nat) (column : list int) (top : Z) (at_least : nat -> int -> Prop),
    (m < d)%nat -> length column = d ->
    (forall t e f, signed e <= signed f -> at_least t e -> at_least t f) ->
    (forall t, (t < d)%nat -> Z.abs (at1 column t) <= top /\ at_least t (nth t column 0%uint63)) ->
    let hull := hulls smax sizes (rev (firstn (S m) column)) in
    length hull = length (cut sizes (S m)) /\
    forall t, (t <= m)%nat -> Z.abs (signed (nth (m - t) (expand (cut sizes (S m)) hull) 0%uint63)) <= top /\
      at_least t (nth (m - t) (expand (cut sizes (S m)) hull) 0%uint63).
  Proof.
    intros m column top at_least answer len grows each hull.
    set (l := rev (firstn (S m) column)).
    assert (len_l : length l = S m) by (unfold l; rewrite rev_length, firstn_length; lia).
    assert (entry : forall j, (j < S m)%nat -> nth j l 0%uint63 = nth (m - j) column 0%uint63).
    { intros j inside. unfold l. assert (len_first : length (firstn (S m) column) = S m) by (rewrite firstn_length; lia).
      rewrite rev_nth by lia. rewrite nth_firstn by lia. rewrite len_first. reflexivity. }
    destruct (hulls_spec smax (fun e => Z.abs (signed e) <= top)
      ltac:(intros e f good_e good_f; cbv beta in *; rewrite join_value; lia)
      (fun j e => Z.abs (signed e) <= top /\ at_least (m - j)%nat e) 0%uint63 sizes l) as [hull_len spec].
    - exact positive.
    - lia.
    - intros j e f good_e good_f [_ holds]. rewrite join_value. split; [lia|].
      apply (grows _ e); [rewrite join_value; lia | exact holds].
    - intros j e f good_e good_f [_ holds]. rewrite join_value. split; [lia|].
      apply (grows _ f); [rewrite join_value; lia | exact holds].
    - intros x member. apply (In_nth _ _ 0%uint63) in member. destruct member as (j & inside & <-).
      rewrite entry by lia. apply each. lia.
    - intros j inside. rewrite entry by lia. split; apply each; lia.
    - unfold hull. fold l. rewrite len_l in *. split; [exact hull_len|]. intros t before.
      specialize (spec (m - t)%nat ltac:(lia)). replace (m - (m - t))%nat with t in spec by lia. exact spec.
  Qed.

  Local Lemma band_columns_nth : forall (columns : list (list int)) (m k : nat), (k < length columns)%nat ->
    nth k (band_columns sizes m columns) [] = hulls smax sizes (rev (firstn (S (m + k)) (nth k columns []))).
  Proof.
    induction columns as [|column columns IH]; intros m k inside; [cbn in inside; lia|]. cbn [band_columns].
    destruct k as [|k]; cbn [nth]; [rewrite Nat.add_0_r; reflexivity|].
    rewrite IH by (cbn in inside; lia). rewrite Nat.add_succ_comm. reflexivity.
  Qed.

  (** The tables of one q (or of none), for gaps of rows [before (position row) + token row]. *)
  Local Lemma position_tables_spec : forall (from m : nat) (low : int) (before : list int -> list int) (top : Z)
      (at_least : nat -> nat -> int -> Prop), (from <= m)%nat -> (m < d)%nat ->
    (forall i t e f, signed e <= signed f -> at_least i t e -> at_least i t f) ->
    (forall i t, (i < n)%nat -> (t < d)%nat ->
      let gaps := gaps_of v g low (add_rows (before (nth i (position_rows L) [])) (nth t (token_logits L) [])) in
      length gaps = d /\ Z.abs (at1 gaps m) <= top /\ at_least i t (nth m gaps 0%uint63)) ->
    length (position_tables n d L g sizes v from low before) = (d - from)%nat /\
    let table := nth (m - from) (position_tables n d L g sizes v from low before) [] in
    length table = (n - 1)%nat /\
    forall i, (i < n - 1)%nat -> length (nth i table []) = length (cut sizes (S m)) /\
      forall t, (t <= m)%nat -> Z.abs (signed (nth (m - t) (expand (cut sizes (S m)) (nth i table [])) 0%uint63)) <= top /\
        at_least i t (nth (m - t) (expand (cut sizes (S m)) (nth i table [])) 0%uint63).
  Proof.
    intros from m low before top at_least start answer grows each. unfold position_tables. rewrite by_row_length.
    split; [reflexivity|]. rewrite by_row_nth by lia. rewrite map_map, map_length, seq_length. split; [reflexivity|].
    intros i inside. rewrite (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; exact inside).
    rewrite seq_nth by exact inside. cbn [Nat.add]. unfold position_table.
    assert (columns_len : length (by_row 0%uint63 d (map (fun row => gaps_of v g low
      (add_rows (before (nth i (position_rows L) [])) row)) (token_logits L))) = d) by apply by_row_length.
    rewrite band_columns_nth by (rewrite skipn_length, columns_len; lia).
    rewrite nth_skipn. replace (from + (m - from))%nat with m by lia.
    rewrite by_row_nth by exact answer. rewrite map_map.
    apply (column_hulls m _ top (at_least i)); [exact answer | | exact (grows i) | ].
    - rewrite map_length. exact (has_shape_length _ _ _ _ token_shape).
    - intros t token. unfold at1.
      rewrite (nth_map_any _ _ _ _ _ []) by (rewrite (has_shape_length _ _ _ _ token_shape); exact token).
      apply (each i t ltac:(lia) token).
  Qed.

  Context (q m : nat) (token_q : (q < d)%nat) (answer_m : (m < d)%nat) (ordered : (q <= m)%nat).
  Context (context : (0 < n)%nat).

  Local Notation bands := (cut sizes (S m)).

  Local Lemma zero_add : forall x : int, (0 + x)%uint63 = x.
  Proof. intro x. apply to_Z_inj. rewrite add_spec. change (to_Z 0) with 0. apply Z.mod_small, to_Z_range. Qed.

  Local Lemma at_least_grows : forall (i t : nat) (e f : int), signed e <= signed f ->
    (forall x y, versus v m x y -> (x < d)%nat -> (y < d)%nat -> proposal M C q t i x - proposal M C q t i y <=
      2 ^ to_Z g * signed e) ->
    (forall x y, versus v m x y -> (x < d)%nat -> (y < d)%nat -> proposal M C q t i x - proposal M C q t i y <=
      2 ^ to_Z g * signed f).
  Proof.
    intros i t e f less each x y rival inside_x inside_y. specialize (each x y rival inside_x inside_y).
    assert (nonneg := to_Z_range g). assert (0 < 2 ^ to_Z g) by (apply Z.pow_pos_nonneg; lia). nia.
  Qed.

  Local Lemma joint_final_bounds : direct_choice choice = Exact ->
    length (joint_final n L g v q) = d /\ total_gap q m v (n - 1) q (nth m (joint_final n L g v q) 0%uint63).
  Proof. intro exact. apply joint_gaps; try assumption. lia. Qed.

  Local Lemma joint_ok : direct_choice choice = Exact ->
    length (joint_cases n d L g sizes v q) = (d - q)%nat /\
    gaps_ok M g q m bands v (nth (m - q) (joint_cases n d L g sizes v q) (GapCase 0 [] 0)).
  Proof.
    intro exact.
    destruct (position_tables_spec q m (joint_low L) (add_rows (nth q R [])) (2 ^ 30)
      (fun i t e => forall x y, versus v m x y -> (x < d)%nat -> (y < d)%nat ->
        proposal M C q t i x - proposal M C q t i y <= 2 ^ to_Z g * signed e)) as [len spec].
    - exact ordered.
    - exact answer_m.
    - exact at_least_grows.
    - intros i t position token. destruct (joint_gaps exact q i t m token_q position token answer_m) as [gaps_len [range above]].
      split; [exact gaps_len|]. split; [exact range | exact above].
    - cbv zeta in spec. destruct spec as [table_len each].
      destruct (joint_final_bounds exact) as [final_len final].
      unfold joint_cases. rewrite zip_with_length, skipn_length, len, final_len. split; [lia|].
      rewrite (nth_zip_with _ _ _ _ _ _ _ [] 0%uint63) by (rewrite ?skipn_length; lia).
      rewrite nth_skipn. replace (q + (m - q))%nat with m by lia.
      constructor; cbn [offset banded Gaps.final].
      + exact table_len.
      + intros i inside. apply each, inside.
      + intros i t inside before. rewrite zero_add. split; apply each; assumption.
      + exact final.
  Qed.

  (** ** The split gap *)

  Local Lemma sum_bounds : forall (i t : nat) (e f : int), (i < n)%nat -> direct_gap q m e -> path_gap i t m f ->
    total_gap q m v i t (e + f)%uint63.
  Proof.
    intros i t e f position [range_e above_e] [range_f above_f].
    assert (sum : signed (e + f)%uint63 = signed e + signed f) by (apply signed_add; lia).
    split; rewrite sum; [lia|]. intros x y rival inside_x inside_y.
    rewrite !proposal_split by assumption.
    specialize (above_e x y rival inside_x inside_y). specialize (above_f x y rival inside_x inside_y). lia.
  Qed.

  Local Lemma split_final_bounds :
    length (split_final n L g v q) = d /\ total_gap q m v (n - 1) q (nth m (split_final n L g v q) 0%uint63).
  Proof.
    destruct (direct_gaps_spec q m token_q answer_m) as [len_direct gap_direct].
    destruct (path_gaps (n - 1) q m ltac:(lia) token_q answer_m) as [len_path gap_path].
    unfold split_final. change (gaps_of v g (path_low L) (add_rows (nth (n - 1) (position_rows L) []) (nth q (token_logits L) [])))
      with (gaps_of v g (path_low L) (path_row (n - 1) q)).
    split; [rewrite zip_with_length; lia|].
    rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by lia. apply sum_bounds; [lia | assumption | assumption].
  Qed.

  Local Lemma split_ok : forall c : product_choice, choice = Split c ->
    let cases := split_cases n L g v c (position_tables n d L g sizes v 0 (path_low L) (fun base => base)) q in
    length cases = (d - q)%nat /\ gaps_ok M g q m bands v (nth (m - q) cases (GapCase 0 [] 0)).
  Proof.
    intros c split cases.
    destruct (position_tables_spec 0 m (path_low L) (fun base => base) (2 ^ 29) (fun i t e =>
      forall x y, versus v m x y -> (x < d)%nat -> (y < d)%nat -> path i t x - path i t y <= 2 ^ to_Z g * signed e))
      as [len spec].
    - lia.
    - exact answer_m.
    - intros i t e f less each x y rival inside_x inside_y. specialize (each x y rival inside_x inside_y).
      assert (nonneg := to_Z_range g). assert (0 < 2 ^ to_Z g) by (apply Z.pow_pos_nonneg; lia). nia.
    - intros i t position token. destruct (path_gaps i t m position token answer_m) as [gaps_len [range above]].
      split; [exact gaps_len|]. split; [exact range | exact above].
    - cbv zeta in spec. rewrite Nat.sub_0_r in *. destruct spec as [table_len each].
      destruct (direct_gaps_spec q m token_q answer_m) as [len_direct gap_direct].
      assert (last : let last := match c with Exact => joint_final n L g v q | Low_rank _ => split_final n L g v q end in
        length last = d /\ total_gap q m v (n - 1) q (nth m last 0%uint63)).
      { destruct c as [|f]; cbv zeta; [|exact split_final_bounds]. apply joint_final_bounds. rewrite split. reflexivity. }
      cbv zeta in last. destruct last as [last_len last_bounds]. unfold cases, split_cases. cbv zeta.
      set (last := match c with Exact => joint_final n L g v q | Low_rank _ => split_final n L g v q end) in *.
      rewrite !zip_with_length, !skipn_length, len, len_direct, last_len. split; [lia|].
      rewrite (nth_zip_with _ _ _ _ _ _ _ [] (0, 0)%uint63) by (rewrite ?zip_with_length, ?skipn_length; lia).
      rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by (rewrite ?skipn_length; lia).
      rewrite !nth_skipn. replace (q + (m - q))%nat with m by lia.
      constructor; cbn [offset banded Gaps.final fst snd].
      + exact table_len.
      + intros i inside. apply each, inside.
      + intros i t inside before. apply sum_bounds; [lia | exact gap_direct|]. split; apply each; assumption.
      + exact last_bounds.
  Qed.

  Theorem gap_cases_ok :
    length (gap_cases n d L g sizes v choice q) = (d - q)%nat /\
    gaps_ok M g q m bands v (nth (m - q) (gap_cases n d L g sizes v choice q) (GapCase 0 [] 0)).
  Proof.
    assert (joint := fun same : choice = Joint => joint_ok (f_equal direct_choice same)). assert (split := split_ok).
    revert joint split. generalize L. generalize choice. intros [|c] logits joint split; cbn [gap_cases].
    - apply joint. reflexivity.
    - apply (split c). reflexivity.
  Qed.
End Gaps.
