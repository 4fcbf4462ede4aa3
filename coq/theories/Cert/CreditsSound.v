(* CompactProofs: Cert: CreditsSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Base.Sums Base.Totals Base.Signed63 Base.Matrix.
From CompactProofs Require Import Cert.Terms Cert.Bands Cert.CreditsCheck Cert.CreditTables Cert.CreditMasses.
Import ListNotations.
(** * Stage "counting" is sound
    - [chosen_new m seen x]    == token [m] is seen already, or among [x]
    - [cost_of m columns x]    == the costs of tokens [x]; [columns] by distance from [m]
    - [passing m widths columns last strictness x] == these and [last] are at most 0, or with strictness 1 below 0
    Main results: [count_by_sound], for any measure of choices; [count_choices_sound]. *)
Local Open Scope Z_scope.

Definition chosen_new (m : nat) (seen : bool) (x : list nat) : bool := seen || existsb (Nat.eqb m) x.

Fixpoint cost_of (m : nat) (columns : list (list int)) (x : list nat) : Z :=
  match columns, x with
  | column :: rest, t :: x' => signed (nth (m - t) column 0%uint63) + cost_of m rest x'
  | _, _ => 0
  end.

Definition passing (m : nat) (widths : list nat) (columns : list (list int)) (last : int) (strictness : Z) (x : list nat) :
  bool := cost_of m (map (expand widths) columns) x + signed last + strictness <=? 0.

(** ** Lists that the checker makes of one column *)

Local Lemma row_largest_ge : forall (row : list int) (x : int), In x row -> signed x <= signed (row_largest row).
Proof.
  assert (fold : forall (row : list int) (start x : int),
    x = start \/ In x row -> signed x <= signed (fold_left smax row start)).
  { induction row as [|y row IH]; intros start x inside; cbn [fold_left].
    - destruct inside as [->|[]]. lia.
    - destruct inside as [->|[->|inside]].
      + etransitivity; [|apply (IH (smax start y) (smax start y)); left; reflexivity]. rewrite signed_smax. lia.
      + etransitivity; [|apply (IH (smax start x) (smax start x)); left; reflexivity]. rewrite signed_smax. lia.
      + apply IH. right. exact inside. }
  intros [|y row] x inside; [contradiction|]. apply fold.
  destruct inside as [->|inside]; [left; reflexivity | right; exact inside].
Qed.

Local Lemma row_largest_in : forall row : list int, row <> [] -> In (row_largest row) row.
Proof.
  assert (fold : forall (row : list int) (start : int),
    fold_left smax row start = start \/ In (fold_left smax row start) row).
  { induction row as [|y row IH]; intros start; cbn [fold_left]; [left; reflexivity|].
    destruct (IH (smax start y)) as [same|inside].
    - rewrite same. unfold smax. destruct (slt start y); [right; left; reflexivity | left; reflexivity].
    - right. right. exact inside. }
  intros [|y row] some; [contradiction|]. cbn [row_largest].
  destruct (fold row y) as [->|inside]; [left; reflexivity | right; exact inside].
Qed.

Local Lemma zip_with_map : forall (A B C : Type) (f : A -> B -> C) (g : A -> B) (l : list A),
  zip_with f l (map g l) = map (fun x => f x (g x)) l.
Proof. intros A B C f g l. induction l as [|x l IH]; [reflexivity|]. cbn [map zip_with]. rewrite IH. reflexivity. Qed.

Section Columns.
  Context (base m : nat) (widths : list nat) (tokens : list_sum widths = S m) (factor : int) (small : to_Z factor <= 2 ^ 30).

  Local Definition base_of (column : list int) : int := nth base column 0%uint63.
  Local Definition lift (column : list int) : list int := map (fun h => (h - base_of column)%uint63) column.
  Local Definition scaled_of (column : list int) : list int := map (fun h => scale_up h factor) (lift column).
  Local Definition credits_of (column : list int) : list int :=
    map (fun h => (row_largest (scaled_of column) - h)%uint63) (scaled_of column).
  Local Definition column_ok (column : list int) : Prop :=
    length column = length widths /\ forall h, In h column -> Z.abs (signed h) <= 2 ^ 30.

  Local Lemma base_abs : forall column : list int, column_ok column -> Z.abs (signed (base_of column)) <= 2 ^ 30.
  Proof.
    intros column [_ bounds]. unfold base_of. destruct (Nat.lt_ge_cases base (length column)) as [inside|outside].
    - apply bounds, nth_In, inside.
    - rewrite nth_overflow by exact outside. rewrite signed_zero. lia.
  Qed.

  Local Lemma lifted_value : forall (column : list int) (h : int), column_ok column -> In h column ->
    signed (h - base_of column) = signed h - signed (base_of column) /\ Z.abs (signed (h - base_of column)) <= 2 ^ 31.
  Proof.
    intros column h ok inside. assert (low := base_abs column ok). destruct ok as [_ bounds]. specialize (bounds h inside).
    rewrite signed_sub by lia. lia.
  Qed.

  (** The entry of a token. *)
  Local Lemma token_in : forall (column : list int) (d : nat), column_ok column -> (d <= m)%nat ->
    In (nth d (expand widths column) 0%uint63) column.
  Proof.
    intros column d [len _] inside. apply (expand_in _ widths), nth_In. rewrite bands_length, tokens by exact len. lia.
  Qed.

  Local Lemma cost_le_largest : forall (column : list int) (h : int), column_ok column -> In h column ->
    signed h <= signed (row_largest (lift column)) + signed (base_of column).
  Proof.
    intros column h ok inside. destruct (lifted_value column h ok inside) as [value _].
    assert (largest := row_largest_ge (lift column) (h - base_of column)
      (in_map (fun h => (h - base_of column)%uint63) column h inside)). lia.
  Qed.

  Local Lemma credit_value : forall (column : list int) (h : int), column_ok column -> In h column ->
    let scaled := scale_up (h - base_of column) factor in
    let top := row_largest (scaled_of column) in
    to_Z (top - scaled) = signed top - signed scaled /\
    (signed h - signed (base_of column)) * to_Z factor <= 2 ^ 30 * signed scaled.
  Proof.
    intros column h ok inside. cbv zeta. destruct (lifted_value column h ok inside) as [value bound].
    assert (member : In (scale_up (h - base_of column) factor) (scaled_of column)).
    { unfold scaled_of, lift. rewrite map_map. apply (in_map (fun h => scale_up (h - base_of column) factor)), inside. }
    assert (all : forall y, In y (scaled_of column) -> Z.abs (signed y) <= 2 ^ 31).
    { intros y inside_y. unfold scaled_of, lift in inside_y. rewrite map_map in inside_y.
      apply in_map_iff in inside_y. destruct inside_y as (h' & <- & inside').
      apply scale_up_abs; [apply (lifted_value column h' ok inside') | exact small]. }
    assert (above := row_largest_ge _ _ member).
    assert (some : scaled_of column <> []) by (intro none; rewrite none in member; contradiction member).
    assert (top_bound := all _ (row_largest_in _ some)). assert (own_bound := all _ member). split.
    - apply to_Z_of_congruent; [apply congruent_sub; apply signed_congruent | lia].
    - rewrite <- value. apply le_scale_up; assumption.
  Qed.

  (** ** Sums over positions *)

  Local Notation sum_of f columns := (signed_sum (map f columns)).

  Local Lemma cost_le_largests : forall (columns : list (list int)) (x : list nat),
    Forall column_ok columns -> below (S m) x -> length x = length columns ->
    cost_of m (map (expand widths) columns) x <= sum_of row_largest (map lift columns) + sum_of base_of columns.
  Proof.
    induction columns as [|column columns IH]; intros [|t x] ok inside len; try discriminate len; [cbn; lia|].
    inversion ok as [|? ? first rest]; subst. inversion inside as [|? ? token later]; subst.
    specialize (IH x rest later ltac:(cbn in len; lia)).
    assert (here := cost_le_largest column _ first (token_in column (m - t) first ltac:(lia))).
    cbn [map cost_of signed_sum fold_right] in *. fold (signed_sum (map row_largest (map lift columns))).
    fold (signed_sum (map base_of columns)). lia.
  Qed.

  Local Lemma cost_le_credits : forall (columns : list (list int)) (x : list nat),
    Forall column_ok columns -> below (S m) x -> length x = length columns ->
    to_Z factor * cost_of m (map (expand widths) columns) x
        + 2 ^ 30 * credit_of m (map (expand widths) (map credits_of columns)) x <=
      2 ^ 30 * sum_of row_largest (map scaled_of columns) + to_Z factor * sum_of base_of columns.
  Proof.
    induction columns as [|column columns IH]; intros [|t x] ok inside len; try discriminate len; [cbn; lia|].
    inversion ok as [|? ? first rest]; subst. inversion inside as [|? ? token later]; subst.
    specialize (IH x rest later ltac:(cbn in len; lia)).
    assert (member := token_in column (m - t) first ltac:(lia)).
    destruct (credit_value column _ first member) as [value scaled].
    assert (entry : nth (m - t) (expand widths (credits_of column)) 0%uint63 =
      (row_largest (scaled_of column) - scale_up (nth (m - t) (expand widths column) 0 - base_of column) factor)%uint63).
    { unfold credits_of. rewrite expand_map. unfold scaled_of at 2. rewrite expand_map. unfold lift. rewrite expand_map.
      assert (in_range : (m - t < length (expand widths column))%nat).
      { destruct first as [len_column _]. rewrite bands_length, tokens by exact len_column. lia. }
      rewrite (nth_map_any _ _ _ _ _ 0%uint63) by (rewrite !map_length; exact in_range). f_equal.
      rewrite (nth_map_any _ _ _ _ _ 0%uint63) by (rewrite map_length; exact in_range). f_equal.
      rewrite (nth_map_any _ _ _ _ _ 0%uint63) by exact in_range. reflexivity. }
    cbn [map cost_of credit_of signed_sum fold_right] in *. fold (signed_sum (map row_largest (map scaled_of columns))).
    fold (signed_sum (map base_of columns)). rewrite entry, value. lia.
  Qed.
End Columns.

Local Lemma credit_nonneg : forall (m : nat) (columns : list (list int)) (x : list nat), 0 <= credit_of m columns x.
Proof.
  intros m. induction columns as [|column columns IH]; intros [|t x]; cbn [credit_of]; try lia.
  specialize (IH x). assert (range := to_Z_range (nth (m - t) column 0%uint63)). lia.
Qed.

(** Choices have a measure, and [count] is sound: what is computed is at most the measure of the choices that pass. *)
Theorem count_by_sound : forall (measure : list nat -> Z) (count : Z -> list (list int) -> Z) (strictness : Z) (bins : int)
    (m : nat) (widths : list nat) (base : nat) (columns : list (list int)) (last : int) (seen : bool) (every : Z),
  (forall x : list nat, 0 <= measure x) ->
  list_sum widths = S m ->
  (forall column, In column columns -> length column = length widths /\ forall h, In h column -> Z.abs (signed h) <= 2 ^ 30) ->
  0 <= strictness ->
  every = total (S m) (length columns) (fun x => measure x * indicator (chosen_new m seen x)) ->
  (forall (needed : Z) (credits : list (list int)), 0 <= needed -> length credits = length columns ->
    (forall column, In column credits -> length column = length widths) ->
    count needed credits <= total (S m) (length columns)
      (fun x => measure x * indicator (chosen_new m seen x && (needed <=? credit_of m (map (expand widths) credits) x)))) ->
  count_by count strictness bins base columns last every <=
    total (S m) (length columns)
      (fun x => measure x * indicator (chosen_new m seen x && passing m widths columns last strictness x)).
Proof.
  intros measure count strictness bins m widths base columns last seen every some tokens columns_ok strict all_choices counted.
  assert (ok : Forall (column_ok widths) columns) by (apply Forall_forall; exact columns_ok).
  assert (part : forall (x : list nat) (b b' : bool), (b = true -> b' = true) ->
    measure x * indicator b <= measure x * indicator b').
  { intros x b b' implies. apply Z.mul_le_mono_nonneg_l; [apply some|].
    destruct b; [rewrite implies by reflexivity; apply Z.le_refl | apply indicator_nonneg]. }
  unfold count_by. rewrite zip_with_map. cbv zeta.
  change (map (fun x => map (fun h => (h - nth base x 0)%uint63) x) columns) with (map (lift base) columns).
  change (map (fun column => nth base column 0%uint63) columns) with (map (base_of base) columns).
  set (fixed := signed last + signed_sum (map (base_of base) columns)).
  set (need := signed_sum (map row_largest (map (lift base) columns)) + fixed + strictness).
  set (result := total _ _ _).
  assert (nonneg : 0 <= result)
    by (apply total_nonneg; intro x; apply Z.mul_nonneg_nonneg; [apply some | apply indicator_nonneg]).
  assert (all_pass : (forall x : list nat, below (S m) x -> length x = length columns ->
    passing m widths columns last strictness x = true) -> every <= result).
  { intro pass. rewrite all_choices. apply total_le. intros x inside len.
    rewrite (pass x inside len), andb_true_r. apply Z.le_refl. }
  destruct (Z.leb_spec need 0) as [none|positive_need].
  { apply all_pass. intros x inside len. unfold passing. apply Z.leb_le.
    assert (bound := cost_le_largests base m widths tokens columns x ok inside len). unfold need, fixed in none. lia. }
  set (scale := scale_of (to_Z bins) need). destruct (Z.leb_spec scale 0) as [|positive]; [exact nonneg|].
  assert (scale_top : scale <= 2 ^ 30) by apply Z.le_min_l.
  assert (factor_value : to_Z (of_Z scale) = scale) by (apply to_Z_of_congruent; [apply congruent_of_Z | lia]).
  rewrite zip_with_map, !map_map.
  change (map (fun x => map (fun y => (row_largest (map (fun h => scale_up h (of_Z scale)) (lift base x)) - y)%uint63)
    (map (fun z => scale_up z (of_Z scale)) (lift base x))) columns) with (map (credits_of base (of_Z scale)) columns).
  rewrite <- (map_map (scaled_of base (of_Z scale)) row_largest).
  set (needed := signed_sum _ - _ + strictness).
  assert (enough : forall x : list nat, below (S m) x -> length x = length columns ->
    needed <= credit_of m (map (expand widths) (map (credits_of base (of_Z scale)) columns)) x ->
    passing m widths columns last strictness x = true).
  { intros x inside len reached. unfold passing. apply Z.leb_le.
    assert (bound := cost_le_credits base m widths tokens (of_Z scale) ltac:(lia) columns x ok inside len).
    rewrite factor_value in bound. assert (floor := Z.mul_div_le (- (scale * fixed)) (2 ^ 30) ltac:(lia)).
    unfold needed in reached. unfold fixed in *. nia. }
  destruct (Z.leb_spec needed 0) as [free|costly].
  { apply all_pass. intros x inside len. apply enough; [exact inside | exact len|].
    etransitivity; [exact free | apply credit_nonneg]. }
  destruct (most_bins <? needed); [exact nonneg|].
  etransitivity.
  { apply counted; [lia | apply map_length|]. intros column member. apply in_map_iff in member.
    destruct member as (c & <- & member). unfold credits_of, scaled_of, lift. rewrite !map_length. apply columns_ok, member. }
  apply total_le. intros x inside len. apply part. intro both. apply andb_prop in both. destruct both as [chosen reached].
  apply Z.leb_le in reached. rewrite chosen, (enough x inside len reached). reflexivity.
Qed.

(** The number that the checker computes is at most that of the choices to be counted. *)
Theorem count_choices_sound : forall (digits : int) (strictness : Z) (bins : int) (m : nat) (widths : list nat) (base : nat)
    (columns : list (list int)) (last : int) (seen : bool) (every : Z),
  to_Z digits = 0 /\ Z.of_nat (S m) ^ Z.of_nat (length columns) < 2 ^ 62 \/
    0 < to_Z digits <= 12 /\ Z.of_nat (S m) <= 2 ^ to_Z digits ->
  hd O widths = 1%nat -> list_sum widths = S m ->
  (forall column, In column columns -> length column = length widths /\ forall h, In h column -> Z.abs (signed h) <= 2 ^ 30) ->
  0 <= strictness ->
  every = total (S m) (length columns) (fun x => indicator (chosen_new m seen x)) ->
  count_choices digits strictness bins (map (fun k => of_Z (Z.of_nat k)) widths) base columns last seen every <=
    total (S m) (length columns) (fun x => indicator (chosen_new m seen x && passing m widths columns last strictness x)).
Proof.
  intros digits strictness bins m widths base columns last seen every range one tokens columns_ok strict all_choices.
  assert (unit : forall P : list nat -> bool, total (S m) (length columns) (fun x => indicator (P x)) =
    total (S m) (length columns) (fun x => 1 * indicator (P x))) by (intro P; apply total_ext; intros; lia).
  rewrite unit in all_choices |- *. apply (count_by_sound (fun _ => 1)); try assumption; [lia|].
  intros needed credits nonneg len lengths. rewrite <- unit, <- len.
  apply (credits_sound digits m widths); try assumption. rewrite len. exact range.
Qed.
