(* CompactProofs: Length: CasesLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix Cert.Outcome Cert.Terms Cert.Bands.
From CompactProofs Require Import Cert.Products Cert.Outputs Cert.Attention Cert.Gaps.
From CompactProofs Require Import Length.Counted Length.MatrixLength Length.BandsLength.
Import ListNotations.
(** * Gaps of a case: how many there are, and that they are at most 2^30
    - [bands_at bands m]    == the number of bands that largest token m has at most
    - [case_ok p bands m c] == of each of p free positions c has so many gaps, each at most 2^30 in absolute value
    Main result: [gap_cases_ok], for the tests that precede the count. *)
Local Open Scope Z_scope.

Definition bands_at (bands : Z) (m : nat) : Z := Z.min bands (Z.of_nat (S m)).

Definition bounded (b : Z) (l : list int) : Prop := forall x, In x l -> Z.abs (signed x) <= b.

Definition row_ok (bands b : Z) (m : nat) (row : list int) : Prop := len row <= bands_at bands m /\ bounded b row.

Definition case_ok (p bands : Z) (m : nat) (c : gap_case) : Prop :=
  len (banded c) <= p /\
  forall row, In row (banded c) -> len row <= bands_at bands m /\
    forall x, In x row -> Z.abs (signed (offset c + x)) <= 2 ^ 30.

(** ** Bounded rows *)

Lemma max_abs_in : forall (A : list (list int)) (row : list int), In row A -> bounded (to_Z (max_abs A)) row.
Proof.
  intros A row there x inside. destruct (In_nth _ _ [] there) as (i & _ & <-).
  destruct (In_nth _ _ 0%uint63 inside) as (j & _ & <-). exact (max_abs_bound A i j).
Qed.

Lemma max_abs_nth : forall (A : list (list int)) (i : nat), bounded (to_Z (max_abs A)) (nth i A []).
Proof. intros A i. destruct (nth_in_or_default i A []) as [inside| ->]; [apply max_abs_in, inside | intros x []]. Qed.

Lemma bounded_le : forall (a b : Z) (l : list int), bounded a l -> a <= b -> bounded b l.
Proof. intros a b l small more x inside. specialize (small x inside). lia. Qed.

Lemma add_rows_bounded : forall (a b : Z) (x y : list int), bounded a x -> bounded b y -> a + b <= 2 ^ 61 ->
  bounded (a + b) (add_rows x y).
Proof.
  intros a b x y small_x small_y total. revert y small_y.
  induction x as [|s x IH]; intros [|t y] small_y z inside; try contradiction inside. cbn [add_rows] in inside.
  assert (first := small_x s ltac:(left; reflexivity)). assert (second := small_y t ltac:(left; reflexivity)).
  destruct inside as [<-|inside]; [rewrite signed_add by lia; lia|].
  refine (IH _ y _ z inside); [intros u there; apply small_x; right; exact there|].
    intros u there. apply small_y. right. exact there.
Qed.

Local Lemma smax_bounded : forall (b : Z) (x y : int), Z.abs (signed x) <= b -> Z.abs (signed y) <= b ->
  Z.abs (signed (smax x y)) <= b.
Proof. intros b x y first second. rewrite signed_smax. lia. Qed.

Local Lemma zip_bounded : forall (a b : Z) (f : int -> int -> int) (x y : list int), bounded a x -> bounded a y ->
  (forall s t, Z.abs (signed s) <= a -> Z.abs (signed t) <= a -> Z.abs (signed (f s t)) <= b) -> bounded b (zip_with f x y).
Proof.
  intros a b f x y small_x small_y each. revert y small_y.
  induction x as [|s x IH]; intros [|t y] small_y z inside; try contradiction inside. cbn [zip_with] in inside.
  destruct inside as [<-|inside].
  - apply each; [apply small_x | apply small_y]; left; reflexivity.
  - refine (IH _ y _ z inside); [intros u there; apply small_x; right; exact there|].
    intros u there. apply small_y. right. exact there.
Qed.

Local Lemma largest_before_bounded : forall (b : Z) (row : list int) (start : int), bounded b row ->
  Z.abs (signed start) <= b -> bounded b (largest_before start row).
Proof.
  intros b. induction row as [|x row IH]; intros start small first z inside; cbn [largest_before] in inside.
  - destruct inside as [<-|[]]. exact first.
  - destruct inside as [<-|inside]; [exact first|].
    refine (IH _ _ _ z inside); [intros u there; apply small; right; exact there|].
    apply smax_bounded; [exact first | apply small; left; reflexivity].
Qed.

Local Lemma largest_from_bounded : forall (b : Z) (low : int) (row : list int), bounded b row ->
  Z.abs (signed low) <= b -> bounded b (largest_from low row).
Proof.
  intros b low. induction row as [|x row IH]; intros small last z inside; cbn [largest_from] in inside.
  - destruct inside as [<-|[]]. exact last.
  - specialize (IH ltac:(intros u there; apply small; right; exact there) last).
    destruct (largest_from low row) as [|top tops]; [contradiction inside|].
    destruct inside as [<-|inside]; [|apply IH, inside].
    apply smax_bounded; [apply small | apply IH]; left; reflexivity.
Qed.

Local Lemma later_bounded : forall (b : Z) (low : int) (k : nat) (row : list int), bounded b row -> Z.abs (signed low) <= b ->
  bounded b (later low k row) /\ bounded b (earlier low k row).
Proof.
  intros b low k row small last. split; intros z inside; apply in_app_or in inside; destruct inside as [inside|inside].
  - apply small. rewrite <- (firstn_skipn k). apply in_or_app. right. exact inside.
  - apply repeat_spec in inside. rewrite inside. exact last.
  - apply repeat_spec in inside. rewrite inside. exact last.
  - apply small, inside.
Qed.

Lemma row_gaps_bounded : forall (b : Z) (low : int) (v : rivals) (row : list int), bounded b row -> Z.abs (signed low) <= b ->
  b <= 2 ^ 60 -> bounded (2 * b) (row_gaps low v row).
Proof.
  intros b low v row small last top.
  assert (subs : forall x y : list int, bounded b x -> bounded b y -> bounded (2 * b) (zip_with sub x y)).
  { intros x y small_x small_y. apply (zip_bounded b); [exact small_x | exact small_y|].
    intros s t first second. rewrite signed_sub by lia. lia. }
  destruct v as [r|k|k|k|k]; cbn [row_gaps]; (apply subs; [|]); try exact small; try (apply later_bounded; assumption).
  apply (zip_bounded b); [| |intros s t; apply smax_bounded].
  - apply later_bounded; [|exact last]. apply largest_before_bounded; assumption.
  - apply later_bounded; [|exact last]. apply largest_from_bounded; assumption.
Qed.

Local Lemma signed_of_Z : forall z : Z, - 2 ^ 62 <= z < 2 ^ 62 -> signed (of_Z z) = z.
Proof. intros z range. apply signed_of_congruent; [apply congruent_of_Z | exact range]. Qed.

Lemma shifted_bounded : forall (b c : Z) (g : int) (l : list int), bounded b l -> to_Z g <= 61 -> b <= 2 ^ 61 -> 0 <= c <= 30 ->
  b <= 2 ^ (c + to_Z g) -> bounded (2 ^ c) (map (shift_up g) l).
Proof.
  intros b c g l small g_small top c_small fits x inside. apply in_map_iff in inside. destruct inside as (y & <- & inside).
  specialize (small y inside). assert (g_nonneg := to_Z_range g). rewrite Z.pow_add_r in fits by lia.
  assert (power : 2 ^ c <= 2 ^ 30) by (apply Z.pow_le_mono_r; lia).
  assert (positive : 0 < 2 ^ c) by (apply Z.pow_pos_nonneg; lia).
  apply shift_up_abs; lia.
Qed.

(** ** Tables of one position *)

Local Lemma hulls_bounded : forall (b : Z) (sizes : list nat) (l : list int), bounded b l -> bounded b (hulls smax sizes l).
Proof.
  intros b. induction sizes as [|s rest IH]; intros [|x later] small z inside; try contradiction inside.
  cbn [hulls] in inside. destruct inside as [<-|inside].
  - assert (fold : forall (l : list int) (start : int), bounded b l -> Z.abs (signed start) <= b ->
      Z.abs (signed (fold_left smax l start)) <= b).
    { induction l as [|y l fold]; intros start small_l first; [exact first|]. cbn [fold_left]. apply fold.
      - intros u there. apply small_l. right. exact there.
      - apply smax_bounded; [exact first | apply small_l; left; reflexivity]. }
    apply fold; [|apply small; left; reflexivity].
    intros u there. apply small. right. rewrite <- (firstn_skipn (s - 1)). apply in_or_app. left. exact there.
  - refine (IH _ _ z inside). intros u there. apply small. rewrite <- (firstn_skipn s). apply in_or_app. right. exact there.
Qed.

Lemma nth_by_row : forall (A : Type) (nothing : A) (count k : nat) (columns : list (list A)), (k < count)%nat ->
  nth k (by_row nothing count columns) [] = map (fun column => nth k column nothing) columns.
Proof.
  intros A nothing. induction count as [|count IH]; intros k columns inside; [inversion inside|]. cbn [by_row].
  destruct k as [|k]; cbn [nth].
  - apply map_ext. intros [|x column]; reflexivity.
  - rewrite IH by lia. rewrite map_map. apply map_ext. intros [|x column]; [destruct k; reflexivity | reflexivity].
Qed.

Lemma nth_error_by_row : forall (A : Type) (nothing : A) (count k : nat) (columns : list (list A)) (row : list A),
  nth_error (by_row nothing count columns) k = Some row -> row = map (fun column => nth k column nothing) columns.
Proof.
  intros A nothing count k columns row found.
  assert (below : (k < length (by_row nothing count columns))%nat) by (apply nth_error_Some; rewrite found; discriminate).
  assert (rows : length (by_row nothing count columns) = count).
  { clear. revert columns. induction count as [|count IH]; intro columns; [reflexivity|]. cbn [by_row length].
      rewrite IH. reflexivity. }
  rewrite <- (nth_error_nth _ _ [] found). apply nth_by_row. lia.
Qed.

Section Tables.
  Context (b bands : Z) (sizes : list nat) (few_bands : len sizes <= bands) (positive : all_positive sizes).

  Local Lemma band_columns_ok : forall (columns : list (list int)) (from k : nat),
    (forall column, In column columns -> bounded b column) ->
    row_ok bands b (from + k) (nth k (band_columns sizes from columns) []).
  Proof.
    assert (bands_nonneg : 0 <= bands) by (unfold len in few_bands; lia).
    induction columns as [|column rest IH]; intros from k small; cbn [band_columns].
    - destruct k; (split; [rewrite len_nil; unfold bands_at; lia | intros x []]).
    - destruct k as [|k]; cbn [nth].
      + rewrite Nat.add_0_r. split.
        * assert (size := hulls_len smax sizes (rev (firstn (S from) column)) positive).
          assert (part := len_firstn _ (S from) column). unfold bands_at, len in *. rewrite rev_length in size. lia.
        * apply hulls_bounded. intros x inside. apply in_rev in inside. apply (small column); [left; reflexivity|].
          rewrite <- (firstn_skipn (S from)). apply in_or_app. left. exact inside.
      + replace (from + S k)%nat with (S from + k)%nat by lia. apply IH. intros other inside. apply small. right. exact inside.
  Qed.

  Context (n d : nat) (L : logits) (g : int) (v : rivals) (b_nonneg : 0 <= b).

  Lemma position_table_ok : forall (from k : nat) (low : int) (base : list int),
    (forall row, In row (token_logits L) -> bounded b (gaps_of v g low (add_rows base row))) ->
    row_ok bands b (from + k) (nth k (position_table d L g sizes v from low base) []).
  Proof.
    intros from k low base small. unfold position_table. apply band_columns_ok. intros column inside x there.
    assert (full : In column (by_row 0%uint63 d (map (fun row => gaps_of v g low (add_rows base row)) (token_logits L))))
      by (rewrite <- (firstn_skipn from); apply in_or_app; right; exact inside).
    destruct (In_nth_error _ _ full) as (j & found). apply nth_error_by_row in found. rewrite found, map_map in there.
    apply in_map_iff in there. destruct there as (row & <- & here).
    destruct (nth_in_or_default j (gaps_of v g low (add_rows base row)) 0%uint63) as [real| ->].
    - exact (small row here _ real).
    - rewrite signed_zero. exact b_nonneg.
  Qed.

  Lemma position_tables_ok : forall (from k : nat) (low : int) (before : list int -> list int) (table : list (list int)),
    (forall i row, In row (token_logits L) -> bounded b (gaps_of v g low (add_rows (before (nth i (position_rows L) []))
      row))) ->
    nth_error (position_tables n d L g sizes v from low before) k = Some table ->
    len table <= Z.of_nat (n - 1) /\ forall row, In row table -> row_ok bands b (from + k) row.
  Proof.
    intros from k low before table small found. apply nth_error_by_row in found. rewrite found. split.
    - rewrite !len_map, len_seq. lia.
    - intros row inside. rewrite map_map in inside. apply in_map_iff in inside. destruct inside as (i & <- & _).
      apply position_table_ok. intros other there. apply small, there.
  Qed.
End Tables.

(** ** All choices of gaps *)

Local Lemma nth_error_zip : forall (A B C : Type) (f : A -> B -> C) (a : list A) (b : list B) (k : nat) (z : C),
  nth_error (zip_with f a b) k = Some z -> exists x y, nth_error a k = Some x /\ nth_error b k = Some y /\ z = f x y.
Proof.
  intros A B C f. induction a as [|x a IH]; intros [|y b] [|k] z found; cbn in found; try discriminate found.
  - exists x, y. injection found as <-. auto.
  - exact (IH b k z found).
Qed.

Local Lemma nth_error_skipn : forall (A : Type) (q k : nat) (l : list A), nth_error (skipn q l) k = nth_error l (q + k).
Proof. intros A. induction q as [|q IH]; intros k [|x l]; cbn; try reflexivity; [destruct k; reflexivity | apply IH]. Qed.

Section Cases.
  Context (n d : nat) (L : logits) (g : int) (sizes : list nat) (v : rivals) (bands : Z).
  Context (few_bands : len sizes <= bands) (positive : all_positive sizes).
  Context (tests : first_failure (gaps_tests L g) = None).

  Local Notation G := (to_Z g).
  Local Notation bits := (to_Z (product_bits (direct L))).

  Local Lemma fits :
    2 * direct_bound L + penalty_bound (direct L) <= 2 ^ 60 /\ 2 * path_bound L <= 2 ^ 60 /\
    G + bits <= 61 /\ 2 * direct_bound L + penalty_bound (direct L) <= 2 ^ (29 + G + bits) /\
    G <= 61 /\ 2 * path_bound L <= 2 ^ (29 + G).
  Proof.
    assert (all := first_failure_none _ tests). unfold gaps_tests in all. cbv zeta in all.
    assert (first := all _ _ (or_introl eq_refl)). assert (second := all _ _ (or_intror (or_introl eq_refl))).
    assert (third := all _ _ (or_intror (or_intror (or_introl eq_refl)))).
    assert (fourth := all _ _ (or_intror (or_intror (or_intror (or_introl eq_refl))))).
    apply Z.leb_le in first. apply Z.leb_le in second.
    destruct (Z.leb_spec (G + bits) 61) as [sum|]; [|discriminate third]. apply Z.leb_le in third.
    destruct (Z.leb_spec G 61) as [single|]; [|discriminate fourth]. apply Z.leb_le in fourth. auto 10.
  Qed.

  Local Lemma bounds_nonneg : 0 <= direct_bound L /\ 0 <= penalty_bound (direct L) /\ 0 <= path_bound L.
  Proof.
    unfold direct_bound, penalty_bound, path_bound.
    assert (a := max_abs_nonneg (product_rows (direct L))). assert (b := max_abs_nonneg [penalties (direct L)]).
    assert (c := max_abs_nonneg (position_rows L)). assert (e := max_abs_nonneg (token_logits L)). lia.
  Qed.

  Local Lemma path_row : forall (i : nat) (row : list int), In row (token_logits L) ->
    bounded (path_bound L) (add_rows (nth i (position_rows L) []) row).
  Proof.
    intros i row inside. destruct fits as (_ & small & _). assert (signs := bounds_nonneg). unfold path_bound in *.
    apply add_rows_bounded; [apply max_abs_nth | apply max_abs_in, inside | lia].
  Qed.

  Local Lemma low_value : forall z : Z, 0 <= z <= 2 ^ 61 -> Z.abs (signed (of_Z (- z))) <= z.
  Proof. intros z range. rewrite signed_of_Z by lia. lia. Qed.

  Lemma joint_cases_ok : forall (q k : nat) (c : gap_case), product_bits (direct L) = 0%uint63 ->
    nth_error (joint_cases n d L g sizes v q) k = Some c -> case_ok (Z.of_nat (n - 1)) bands (q + k) c.
  Proof.
    intros q k c exact found. destruct fits as (direct_top & path_top & _ & direct_fits & g_small & path_fits).
    assert (signs := bounds_nonneg). rewrite exact in direct_fits. change (to_Z 0) with 0 in direct_fits.
    rewrite Z.add_0_r in direct_fits.
    unfold joint_cases in found. destruct (nth_error_zip _ _ _ _ _ _ _ _ found) as (table & last & found_table & _ & ->).
    destruct (position_tables_ok (2 ^ 30) bands sizes few_bands positive n d L g v ltac:(lia) q k (joint_low L)
      (add_rows (nth q (product_rows (direct L)) [])) table) as [positions rows]; [|exact found_table|].
    - intros i row inside. unfold gaps_of. apply (shifted_bounded (2 * (direct_bound L + path_bound L)) 30); try lia.
      + apply row_gaps_bounded; [|apply low_value; lia|lia].
        assert (row_small := max_abs_in _ _ inside). assert (position_small := max_abs_nth (position_rows L) i).
        assert (direct_small := max_abs_nth (product_rows (direct L)) q).
        assert (token_nonneg := max_abs_nonneg (token_logits L)). unfold direct_bound, path_bound in *.
        rewrite Z.add_assoc. apply add_rows_bounded; [|exact row_small|lia].
        apply add_rows_bounded; [exact direct_small | exact position_small | lia].
      + replace (30 + G) with (1 + (29 + G)) by lia. rewrite (Z.pow_add_r 2 1) by (assert (nonneg := to_Z_range g); lia). lia.
    - split; [exact positions|]. cbn [banded offset]. intros row inside. destruct (rows row inside) as [short small].
      split; [exact short|]. intros x there. specialize (small x there). rewrite signed_add; rewrite signed_zero; lia.
  Qed.

  Lemma direct_gaps_small : forall q : nat, bounded (2 ^ 29) (direct_gaps L g v q).
  Proof.
    intro q. destruct fits as (direct_top & _ & sum_small & direct_fits & _). assert (signs := bounds_nonneg).
    unfold direct_gaps. cbv zeta.
    assert (penalty_small : Z.abs (signed (nth q (penalties (direct L)) 0%uint63)) <= penalty_bound (direct L)).
    { unfold penalty_bound. destruct (nth_in_or_default q (penalties (direct L)) 0%uint63) as [inside| ->].
      - exact (max_abs_in [penalties (direct L)] _ ltac:(left; reflexivity) _ inside).
      - rewrite signed_zero. apply max_abs_nonneg. }
    assert (gaps := row_gaps_bounded (direct_bound L) (direct_low L) v (nth q (product_rows (direct L)) [])
      (max_abs_nth _ q) ltac:(apply low_value; lia) ltac:(lia)).
    intros z inside. apply in_map_iff in inside. destruct inside as (x & <- & inside). specialize (gaps x inside).
    assert (g_nonneg := to_Z_range g). assert (bits_nonneg := to_Z_range (product_bits (direct L))).
    assert (sum : to_Z (g + product_bits (direct L)) = G + bits)
      by (rewrite add_spec; apply Z.mod_small; change wB with (2 ^ 63); lia).
    assert (value : signed (x + nth q (penalties (direct L)) 0%uint63) =
      signed x + signed (nth q (penalties (direct L)) 0%uint63)) by (apply signed_add; lia).
    rewrite <- Z.add_assoc, Z.pow_add_r in direct_fits by lia. apply shift_up_abs; rewrite ?sum, ?value; lia.
  Qed.

  Lemma split_cases_ok : forall (choice : product_choice) (q k : nat) (c : gap_case),
    nth_error (gap_cases n d L g sizes v (Split choice) q) k = Some c -> case_ok (Z.of_nat (n - 1)) bands (q + k) c.
  Proof.
    intros choice q k c found. destruct fits as (_ & path_top & _ & _ & g_small & path_fits).
    assert (signs := bounds_nonneg). unfold gap_cases, split_cases in found. cbv zeta in found.
    destruct (nth_error_zip _ _ _ _ _ _ _ _ found) as (table & both & found_table & found_both & ->).
    destruct (nth_error_zip _ _ _ _ _ _ _ _ found_both) as (gap & last & found_gap & _ & ->).
    rewrite nth_error_skipn in found_table, found_gap.
    assert (gap_small := direct_gaps_small q gap (nth_error_In _ _ found_gap)).
    destruct (position_tables_ok (2 ^ 29) bands sizes few_bands positive n d L g v ltac:(lia) 0 (q + k) (path_low L)
      (fun base => base) table) as [positions rows]; [|exact found_table|].
    - intros i row inside. unfold gaps_of. apply (shifted_bounded (2 * path_bound L) 29); try lia.
      apply row_gaps_bounded; [apply path_row, inside | apply low_value; lia | lia].
    - split; [exact positions|]. cbn [banded offset fst]. intros row inside. destruct (rows row inside) as [short small].
      split; [exact short|]. intros x there. specialize (small x there). rewrite signed_add by lia. lia.
  Qed.

  Theorem gap_cases_ok : forall (choice : gap_choice) (q k : nat) (c : gap_case),
    (choice = Joint -> product_bits (direct L) = 0%uint63) ->
    nth_error (gap_cases n d L g sizes v choice q) k = Some c -> case_ok (Z.of_nat (n - 1)) bands (q + k) c.
  Proof.
    intros [|choice] q k c exact found; [exact (joint_cases_ok q k c (exact eq_refl) found)|].
    exact (split_cases_ok choice q k c found).
  Qed.
End Cases.
