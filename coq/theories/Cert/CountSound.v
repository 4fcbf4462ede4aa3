(* CompactProofs: Cert: CountSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Base.Sums Base.Totals Base.Signed63 Base.Matrix.
From CompactProofs Require Import Cert.Terms Cert.TermsSound Cert.CountCheck.
Import ListNotations.
(** * The dynamic programme counts what it should
    - [cost columns x] == the sum of the costs of the tokens [x]
    - [chosen_new m seen x] == token [m] is seen already, or among [x]
    - [column_ok m column] == one cost for each token 0 .. m, within 31 bits
    Main result: [passing_sound]. *)
Local Open Scope Z_scope.

Definition chosen_new (m : nat) (seen : bool) (x : list nat) : bool := seen || existsb (Nat.eqb m) x.

Fixpoint cost (value : int -> Z) (columns : list (list int)) (x : list nat) : Z :=
  match columns, x with
  | column :: rest, token :: x' => value (nth token column 0%uint63) + cost value rest x'
  | _, _ => 0
  end.

(** ** The counts that the tables hold, as functions of the budget *)

Fixpoint all_ways (columns : list (list int)) (b : Z) : Z :=
  match columns with
  | [] => if 0 <=? b then 1 else 0
  | column :: rest => sumZ (length column) (fun t => all_ways rest (b - to_Z (nth t column 0%uint63)))
  end.

Fixpoint new_ways (columns : list (list int)) (b : Z) : Z :=
  match columns with
  | [] => 0
  | column :: rest => sumZ (length column) (fun t =>
      if (S t =? length column)%nat then all_ways rest (b - to_Z (nth t column 0%uint63))
      else new_ways rest (b - to_Z (nth t column 0%uint63)))
  end.

Definition holds (table : list int) (f : Z -> Z) (budget : Z) : Prop :=
  forall j : nat, congruent (nth j table 0%uint63) (f (budget - Z.of_nat j)).

Local Lemma nth_drop : forall (table : list int) (k : int) (j : nat),
  nth j (drop table k) 0%uint63 = nth (j + Z.to_nat (to_Z k)) table 0%uint63.
Proof.
  induction table as [|x table IH]; intros k j; cbn [drop].
  - destruct j, (Z.to_nat (to_Z k)); reflexivity.
  - assert (range := to_Z_range k). destruct (Uint63.eqb_spec k 0) as [to_zero from_zero].
    destruct (k =? 0)%uint63.
    + rewrite (to_zero eq_refl). change (Z.to_nat (to_Z 0)) with O. rewrite Nat.add_0_r. reflexivity.
    + assert (positive : to_Z k <> 0).
      { intro zero. assert (same : k = 0%uint63) by (apply to_Z_inj; exact zero).
        specialize (from_zero same). discriminate from_zero. }
      assert (value : to_Z (k - 1) = to_Z k - 1).
      { apply to_Z_of_congruent; [|lia]. apply congruent_sub; [apply congruent_to_Z | exact (congruent_to_Z 1)]. }
      rewrite IH, value. replace (j + Z.to_nat (to_Z k))%nat with (S (j + Z.to_nat (to_Z k - 1))) by lia. reflexivity.
Qed.

Local Lemma nth_add_tables : forall (a b : list int) (j : nat) (x y : Z),
  congruent (nth j a 0%uint63) x -> congruent (nth j b 0%uint63) y ->
  congruent (nth j (add_tables a b) 0%uint63) (x + y).
Proof.
  induction a as [|v a IH]; intros b j x y same_x same_y; cbn [add_tables].
  - assert (zero : congruent (0 + nth j b 0)%uint63 (x + y)).
    { apply congruent_add; [destruct j; exact same_x | exact same_y]. }
    replace (nth j b 0%uint63) with (0 + nth j b 0)%uint63; [exact zero|].
    apply to_Z_inj. rewrite add_spec. change (to_Z 0) with 0. rewrite Z.add_0_l. apply Z.mod_small, to_Z_range.
  - destruct b as [|w b].
    + assert (zero : congruent (nth j (v :: a) 0 + 0)%uint63 (x + y)).
      { apply congruent_add; [exact same_x | destruct j; exact same_y]. }
      replace (nth j (v :: a) 0%uint63) with (nth j (v :: a) 0 + 0)%uint63; [exact zero|].
      apply to_Z_inj. rewrite add_spec. change (to_Z 0) with 0. rewrite Z.add_0_r. apply Z.mod_small, to_Z_range.
    + destruct j as [|j]; [apply congruent_add; assumption|]. cbn [nth] in *. apply IH; assumption.
Qed.

Local Lemma holds_drop : forall (table : list int) (f : Z -> Z) (budget : Z) (k : int) (j : nat),
  holds table f budget -> congruent (nth j (drop table k) 0%uint63) (f (budget - Z.of_nat j - to_Z k)).
Proof.
  intros table f budget k j each. rewrite nth_drop. assert (range := to_Z_range k).
  replace (budget - Z.of_nat j - to_Z k) with (budget - Z.of_nat (j + Z.to_nat (to_Z k))) by lia. apply each.
Qed.

Lemma holds_spread : forall (column : list int) (t : list int) (f : Z -> Z) (budget : Z),
  holds t f budget ->
  holds (spread column t) (fun b => sumZ (length column) (fun i => f (b - to_Z (nth i column 0%uint63)))) budget.
Proof.
  intros column t f budget each. induction column as [|k column IH]; intros j.
  - destruct j; exact (congruent_to_Z 0).
  - cbn [spread length sumZ nth]. apply nth_add_tables; [apply holds_drop, each | apply IH].
Qed.

Lemma holds_spread_new : forall (column : list int) (t u : list int) (f g : Z -> Z) (budget : Z),
  holds t f budget -> holds u g budget ->
  holds (spread_new column u t) (fun b => sumZ (length column) (fun i =>
    if (S i =? length column)%nat then f (b - to_Z (nth i column 0%uint63)) else g (b - to_Z (nth i column 0%uint63)))) budget.
Proof.
  intros column t u f g budget each_t each_u. induction column as [|k column IH]; intros j.
  - destruct j; exact (congruent_to_Z 0).
  - destruct column as [|l column].
    + cbn [spread_new length sumZ nth Nat.eqb]. rewrite Z.add_0_r. apply holds_drop, each_t.
    + change (spread_new (k :: l :: column) u t) with (add_tables (drop u k) (spread_new (l :: column) u t)).
      change (length (k :: l :: column)) with (S (length (l :: column))). cbn [sumZ]. apply nth_add_tables.
      * change (S O =? S (length (l :: column)))%nat with false. cbv iota. cbn [nth]. apply holds_drop, each_u.
      * apply IH.
Qed.

Local Lemma holds_ways : forall (columns : list (list int)) (base : list int) (budget : Z),
  holds base (fun b => if 0 <=? b then 1 else 0) budget ->
  holds (fst (ways columns base)) (all_ways columns) budget /\
  holds (snd (ways columns base)) (new_ways columns) budget.
Proof.
  intros columns base budget each. induction columns as [|column columns [IHt IHf]].
  - split; [exact each|]. intros j. destruct j; exact (congruent_to_Z 0).
  - cbn [ways]. destruct (ways columns base) as [t f]. cbn [fst snd] in *. split.
    + apply (holds_spread column t (all_ways columns)), IHt.
    + apply (holds_spread_new column t f (all_ways columns) (new_ways columns)); assumption.
Qed.

Local Lemma head_nth : forall table : list int, head table = nth 0 table 0%uint63.
Proof. intros [|x table]; reflexivity. Qed.

Lemma holds_look_up : forall (column : list int) (t : list int) (f : Z -> Z) (budget : Z),
  holds t f budget ->
  congruent (look_up column t) (sumZ (length column) (fun i => f (budget - to_Z (nth i column 0%uint63)))).
Proof.
  intros column t f budget each. induction column as [|k column IH]; [exact (congruent_to_Z 0)|].
  cbn [look_up length sumZ nth]. apply congruent_add; [|exact IH].
  rewrite head_nth. assert (value := holds_drop t f budget k 0 each).
  change (Z.of_nat 0) with 0 in value. rewrite Z.sub_0_r in value. exact value.
Qed.

Lemma holds_look_up_new : forall (column : list int) (t u : list int) (f g : Z -> Z) (budget : Z),
  holds t f budget -> holds u g budget ->
  congruent (look_up_new column u t) (sumZ (length column) (fun i =>
    if (S i =? length column)%nat then f (budget - to_Z (nth i column 0%uint63))
    else g (budget - to_Z (nth i column 0%uint63)))).
Proof.
  intros column t u f g budget each_t each_u.
  assert (at_head : forall (table : list int) (h : Z -> Z) (k : int),
    holds table h budget -> congruent (head (drop table k)) (h (budget - to_Z k))).
  { intros table h k each. rewrite head_nth. assert (value := holds_drop table h budget k 0 each).
    change (Z.of_nat 0) with 0 in value. rewrite Z.sub_0_r in value. exact value. }
  induction column as [|k column IH]; [exact (congruent_to_Z 0)|].
  destruct column as [|l column].
  - cbn [look_up_new length sumZ nth Nat.eqb]. rewrite Z.add_0_r. apply at_head, each_t.
  - change (look_up_new (k :: l :: column) u t) with (head (drop u k) + look_up_new (l :: column) u t)%uint63.
    change (length (k :: l :: column)) with (S (length (l :: column))). cbn [sumZ].
    apply congruent_add; [|exact IH].
    change (S O =? S (length (l :: column)))%nat with false. cbv iota. cbn [nth]. apply at_head, each_u.
Qed.

Lemma holds_head : forall (table : list int) (f : Z -> Z) (budget : Z),
  holds table f budget -> congruent (head table) (f budget).
Proof.
  intros table f budget each. rewrite head_nth. specialize (each O).
  change (Z.of_nat 0) with 0 in each. rewrite Z.sub_0_r in each. exact each.
Qed.

Local Lemma ways_head_spec : forall (columns : list (list int)) (base : list int) (budget : Z) (seen : bool),
  holds base (fun b => if 0 <=? b then 1 else 0) budget ->
  congruent (ways_head columns base seen) (if seen then all_ways columns budget else new_ways columns budget).
Proof.
  intros columns base budget seen each. destruct columns as [|column columns].
  - cbn. destruct seen; [|exact (congruent_to_Z 0)]. exact (holds_head base _ budget each).
  - destruct (holds_ways columns base budget each) as [all new]. cbn [ways_head].
    destruct (ways columns base) as [t f]. cbn [fst snd] in *.
    destruct seen; cbn [all_ways new_ways].
    + apply (holds_look_up column t (all_ways columns)), all.
    + apply (holds_look_up_new column t f (all_ways columns) (new_ways columns)); assumption.
Qed.

(** ** Those counts are totals over sequences *)

Local Lemma all_ways_total : forall (m : nat) (columns : list (list int)) (b : Z),
  (forall column, In column columns -> length column = S m) ->
  all_ways columns b = total (S m) (length columns) (fun x => indicator (cost to_Z columns x <=? b)).
Proof.
  intros m columns. induction columns as [|column columns IH]; intros b lengths.
  - cbn. destruct (0 <=? b); reflexivity.
  - cbn [all_ways length]. change (total (S m) (S (length columns))) with
      (fun f => sumZ (S m) (fun token => total (S m) (length columns) (fun x => f (token :: x)))).
    cbv beta. rewrite lengths by (left; reflexivity). apply sumZ_ext. intros t _.
    rewrite IH by (intros c member; apply lengths; right; exact member).
    apply total_ext. intros x _ _. cbn [cost]. f_equal. apply Bool.eq_true_iff_eq. rewrite !Z.leb_le. lia.
Qed.

Local Lemma new_ways_total : forall (m : nat) (columns : list (list int)) (b : Z),
  (forall column, In column columns -> length column = S m) ->
  new_ways columns b = total (S m) (length columns)
    (fun x => indicator (existsb (Nat.eqb m) x && (cost to_Z columns x <=? b))).
Proof.
  intros m columns. induction columns as [|column columns IH]; intros b lengths; [reflexivity|].
  cbn [new_ways length]. change (total (S m) (S (length columns))) with
    (fun f => sumZ (S m) (fun token => total (S m) (length columns) (fun x => f (token :: x)))).
  cbv beta. rewrite lengths by (left; reflexivity). apply sumZ_ext. intros t _.
  assert (rest : forall c, In c columns -> length c = S m) by (intros c member; apply lengths; right; exact member).
  change (S t =? S m)%nat with (t =? m)%nat. destruct (Nat.eqb_spec t m) as [->|other].
  - rewrite (all_ways_total m columns _ rest). apply total_ext. intros x _ _. cbn [cost existsb].
    rewrite Nat.eqb_refl. cbn [orb andb]. f_equal. apply Bool.eq_true_iff_eq. rewrite !Z.leb_le. lia.
  - rewrite (IH _ rest). apply total_ext. intros x _ _. cbn [cost existsb].
    destruct (Nat.eqb_spec m t) as [same|_]; [congruence|]. cbn [orb].
    f_equal. f_equal. apply Bool.eq_true_iff_eq. rewrite !Z.leb_le. lia.
Qed.

(** ** Costs above the bottom of a column *)

Local Lemma row_bottom_le : forall (row : list int) (x : int), In x row -> signed (row_bottom row) <= signed x.
Proof.
  assert (fold : forall (row : list int) (start x : int),
    x = start \/ In x row -> signed (fold_left smin row start) <= signed x).
  { induction row as [|y row IH]; intros start x inside; cbn [fold_left].
    - destruct inside as [->|[]]. lia.
    - destruct inside as [->|[->|inside]].
      + etransitivity; [apply (IH (smin start y) (smin start y)); left; reflexivity|]. rewrite signed_smin. lia.
      + etransitivity; [apply (IH (smin start x) (smin start x)); left; reflexivity|]. rewrite signed_smin. lia.
      + apply IH. right. exact inside. }
  intros [|y row] x inside; [contradiction|]. apply fold.
  destruct inside as [->|inside]; [left; reflexivity | right; exact inside].
Qed.

Local Lemma row_bottom_in : forall row : list int, row <> [] -> In (row_bottom row) row.
Proof.
  assert (fold : forall (row : list int) (start : int),
    fold_left smin row start = start \/ In (fold_left smin row start) row).
  { induction row as [|y row IH]; intros start; cbn [fold_left]; [left; reflexivity|].
    destruct (IH (smin start y)) as [same|inside].
    - rewrite same. unfold smin. destruct (slt start y); [left; reflexivity | right; left; reflexivity].
    - right. right. exact inside. }
  intros [|y row] some; [contradiction|]. cbn [row_bottom].
  destruct (fold row y) as [->|inside]; [left; reflexivity | right; exact inside].
Qed.

Definition lowered (column : list int) : list int := map (fun h => (h - row_bottom column)%uint63) column.

Local Lemma zip_lowered : forall columns : list (list int),
  zip_with (fun column bottom => map (fun h => (h - bottom)%uint63) column) columns (map row_bottom columns) =
  map lowered columns.
Proof. induction columns as [|column columns IH]; [reflexivity|]. cbn [map zip_with]. rewrite <- IH. reflexivity. Qed.

Local Definition bottoms (columns : list (list int)) : Z :=
  fold_right (fun column rest => signed (row_bottom column) + rest) 0 columns.

Section Passing.
  Context (m : nat).

  Definition column_ok (column : list int) : Prop :=
    length column = S m /\ forall h, In h column -> Z.abs (signed h) <= 2 ^ 31.

  Local Lemma bottom_abs : forall column : list int, column_ok column -> Z.abs (signed (row_bottom column)) <= 2 ^ 31.
  Proof.
    intros column [len bounds]. apply bounds, row_bottom_in. intro empty. rewrite empty in len. discriminate len.
  Qed.

  Local Lemma lowered_value : forall (column : list int) (t : nat), column_ok column -> (t < S m)%nat ->
    to_Z (nth t (lowered column) 0%uint63) = signed (nth t column 0%uint63) - signed (row_bottom column).
  Proof.
    intros column t ok inside. assert (bottom := bottom_abs column ok). destruct ok as [len bounds].
    unfold lowered. rewrite (nth_map_any _ _ _ _ _ 0%uint63) by lia.
    assert (member : In (nth t column 0%uint63) column) by (apply nth_In; lia).
    assert (above := row_bottom_le column _ member). specialize (bounds _ member).
    apply to_Z_of_congruent; [apply congruent_sub; apply signed_congruent | lia].
  Qed.

  Local Lemma cost_lowered : forall (columns : list (list int)) (x : list nat),
    Forall column_ok columns -> below (S m) x -> length x = length columns ->
    cost to_Z (map lowered columns) x = cost signed columns x - bottoms columns.
  Proof.
    induction columns as [|column columns IH]; intros x ok inside len; destruct x as [|t x]; try discriminate len;
      [reflexivity|].
    inversion ok as [|? ? first rest]; subst. inversion inside as [|? ? token later]; subst.
    cbn [map cost bottoms fold_right]. fold (bottoms columns).
    rewrite lowered_value, IH by (try assumption; cbn in len; lia). lia.
  Qed.

  Local Lemma bottoms_spec : forall columns : list (list int), Forall column_ok columns ->
    congruent (fold_right add 0%uint63 (map row_bottom columns)) (bottoms columns) /\
    Z.abs (bottoms columns) <= Z.of_nat (length columns) * 2 ^ 31.
  Proof.
    induction columns as [|column columns IH]; intros ok; [split; [exact (congruent_to_Z 0) | cbn; lia]|].
    inversion ok as [|? ? first rest]; subst. destruct (IH rest) as [same bound].
    assert (bottom := bottom_abs column first).
    cbn [map fold_right bottoms length]. fold (bottoms columns). split.
    - apply congruent_add; [apply signed_congruent | exact same].
    - lia.
  Qed.

  (** Either nothing is counted, or [count] starts from a table that holds [one_choice] for every budget from 0 on, and costs
      within the budget are those of the sequences to be counted. *)
  Lemma passing_with_spec : forall (one_choice : int) (count : list (list int) -> list int -> int)
      (columns : list (list int)) (last : int),
    Forall column_ok columns ->
    Z.of_nat (length columns) <= 2 ^ 20 ->
    Z.abs (signed last) <= 2 ^ 31 ->
    passing_with one_choice count columns last = 0%uint63 \/
    exists (budget : Z) (base : list int),
      passing_with one_choice count columns last = count (map lowered columns) base /\
      holds base (fun b => if 0 <=? b then to_Z one_choice else 0) budget /\
      forall x : list nat, below (S m) x -> length x = length columns ->
        (cost to_Z (map lowered columns) x <=? budget) = (cost signed columns x + signed last <? 0).
  Proof.
    intros one_choice count columns last ok few last_bound. unfold passing_with. cbv zeta.
    destruct (bottoms_spec columns ok) as [same_bottoms bottoms_bound].
    set (budget := (0 - 1 - last - fold_right add 0 (map row_bottom columns))%uint63).
    assert (budget_value : signed budget = - 1 - signed last - bottoms columns).
    { apply signed_of_congruent; [|lia]. unfold budget. apply congruent_sub; [|exact same_bottoms].
      apply congruent_sub; [exact (signed_congruent (0 - 1)) | apply signed_congruent]. }
    rewrite slt_spec, signed_zero. destruct (Z.ltb_spec (signed budget) 0) as [|nonneg]; [left; reflexivity|].
    destruct (slt most_bins budget); [left; reflexivity|]. right.
    assert (budget_Z : to_Z budget = signed budget).
    { unfold signed in nonneg |- *. assert (range := to_Z_range budget).
      destruct (Z.ltb_spec (to_Z budget) (2 ^ 62)); lia. }
    rewrite zip_lowered. exists (signed budget), (repeat one_choice (S (Z.to_nat (to_Z budget)))).
    split; [reflexivity|]. split.
    - intro j. rewrite budget_Z. destruct (Z.leb_spec 0 (signed budget - Z.of_nat j)).
      + rewrite nth_indep with (d' := one_choice) by (rewrite repeat_length; lia).
        rewrite nth_repeat. apply congruent_to_Z.
      + rewrite nth_overflow by (rewrite repeat_length; lia). exact (congruent_to_Z 0).
    - intros x inside len. rewrite cost_lowered, budget_value by assumption.
      apply Bool.eq_true_iff_eq. rewrite Z.leb_le, Z.ltb_lt. lia.
  Qed.

  (** What is to be counted. *)
  Definition to_count (columns : list (list int)) (last : int) (seen : bool) : Z :=
    total (S m) (length columns)
      (fun x => indicator (chosen_new m seen x && (cost signed columns x + signed last <? 0))).

  Lemma to_count_nonneg : forall (columns : list (list int)) (last : int) (seen : bool), 0 <= to_count columns last seen.
  Proof. intros columns last seen. apply total_nonneg. intro x. apply indicator_nonneg. Qed.

  Lemma ways_to_count : forall (columns : list (list int)) (last : int) (seen : bool) (budget : Z),
    Forall column_ok columns ->
    (forall x : list nat, below (S m) x -> length x = length columns ->
      (cost to_Z (map lowered columns) x <=? budget) = (cost signed columns x + signed last <? 0)) ->
    (if seen then all_ways (map lowered columns) budget else new_ways (map lowered columns) budget) =
    to_count columns last seen.
  Proof.
    intros columns last seen budget ok test.
    assert (lengths : forall column, In column (map lowered columns) -> length column = S m).
    { intros column member. apply in_map_iff in member. destruct member as (c & <- & member).
      unfold lowered. rewrite map_length. rewrite Forall_forall in ok. apply ok, member. }
    rewrite (all_ways_total m _ _ lengths), (new_ways_total m _ _ lengths), map_length. unfold to_count, chosen_new.
    destruct seen; cbn [orb andb]; apply total_ext; intros x inside len; rewrite test by assumption; reflexivity.
  Qed.

  (** The count is that of all the sequences it should count, or, where the tables would be too long, 0. *)
  Theorem passing_sound : forall (columns : list (list int)) (last : int) (seen : bool),
    Forall column_ok columns ->
    Z.of_nat (length columns) <= 2 ^ 20 ->
    Z.abs (signed last) <= 2 ^ 31 ->
    exists z : Z, congruent (passing columns last seen) z /\ 0 <= z <= to_count columns last seen.
  Proof.
    intros columns last seen ok few last_bound. assert (nonneg := to_count_nonneg columns last seen). unfold passing.
    destruct (passing_with_spec 1 (fun costs base => ways_head costs base seen) columns last ok few last_bound)
      as [-> | (budget & base & -> & holding & test)].
    - exists 0. split; [exact (congruent_to_Z 0) | lia].
    - exists (to_count columns last seen). split; [|lia].
      rewrite <- (ways_to_count columns last seen budget ok test). apply ways_head_spec, holding.
  Qed.
End Passing.
