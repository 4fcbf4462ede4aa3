(* CompactProofs: Length: CountingLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Base.Signed63 Base.ExpBounds Cert.Terms Cert.CreditsCheck.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.CountingCounted.
From CompactProofs Require Import Length.MatrixLength Length.ProductsLength.
Import ListNotations.
(** * Stage "counting": how many operations it takes
    Sizes: columns of [positions] free positions, each of at most w bands; tables of at most r entries.
    - [programme_bound positions w r] == for the dynamic programme: 8 for each entry, band and position but the first
    - [count_choices_bound]           == with the rounding of costs, 15 for each of them
    - [needed_at_most]                == a table has at most resolution + positions + 2 entries, if costs are at most 2^30
    Main result: [count_choices_at_most]. *)
Local Open Scope Z_scope.

Definition programme_bound (positions w r : Z) : Z := Z.max 0 (positions - 1) * (8 * r * w + 2) + 2 * r * w + 2 * w.

Definition count_choices_bound (positions w r : Z) : Z :=
  38 + 21 * positions + 15 * positions * w + programme_bound positions w r.

Lemma spend_len : forall (table : list int) (k : int), len (spend table k) <= len table.
Proof.
  induction table as [|x rest IH]; intro k; [reflexivity|]. cbn [spend].
  destruct rest as [|y rest]; [reflexivity|]. destruct (k =? 0)%uint63; [reflexivity|].
  specialize (IH (k - 1)%uint63). rewrite (len_cons _ x). lia.
Qed.

Lemma spend_at_most : forall (r : Z) (table : list int) (k : int), len table <= r -> at_most (2 * r) (spend_counted table k).
Proof.
  intros r table. revert r. induction table as [|x rest IH]; intros r k short; cbn [spend_counted];
    [apply at_most_free; rewrite len_nil in short; lia|].
  rewrite len_cons in short. assert (some := len_nonneg _ rest). destruct rest as [|y rest]; [apply at_most_free; lia|].
  apply at_most_bind with 1 (2 * r - 1); [apply at_most_once; lia| |lia].
  destruct (returned (once (k =? 0)%uint63)); [apply at_most_free; lia|].
  apply at_most_bind with 1 (2 * (r - 1)); [apply at_most_once; lia | apply IH; lia | lia].
Qed.

Lemma add_table_len : forall (width : int) (b a : list int), len (add_table width a b) <= len b.
Proof.
  intro width. induction b as [|y b IH]; intros [|x a]; cbn [add_table]; rewrite ?len_nil, ?len_cons; try (unfold len; lia).
  specialize (IH match a with [] => x :: a | _ :: _ => a end). lia.
Qed.

Lemma add_table_at_most : forall (r : Z) (width : int) (b a : list int), len b <= r ->
  at_most (2 * r) (add_table_counted width a b).
Proof.
  intros r width b. revert r. induction b as [|y b IH]; intros r [|x a] short; cbn [add_table_counted];
    try (apply at_most_free; unfold len in short; lia).
  rewrite len_cons in short. apply at_most_bind with 2 (2 * (r - 1)); [apply at_most_several; lia| |lia].
  apply at_most_bind with (2 * (r - 1)) 0; [apply IH; lia | apply at_most_free; lia | lia].
Qed.

Section Tables.
  Context (r : Z) (digits : int) (widths : list int) (zeros : list int) (zeros_short : len zeros <= r).

  Local Lemma r_nonneg : 0 <= r.
  Proof. assert (some := len_nonneg _ zeros). lia. Qed.

  Lemma spread_len : forall (some_widths credits table : list int), len (spread some_widths credits table zeros) <= r.
  Proof.
    induction some_widths as [|width rest IH]; intros [|k credits] table; cbn [spread]; try exact zeros_short.
    eapply Z.le_trans; [apply add_table_len | apply IH].
  Qed.

  Lemma spread_at_most : forall (w : Z) (credits some_widths table : list int), len table <= r -> len credits <= w ->
    at_most (4 * r * w) (spread_counted some_widths credits table zeros).
  Proof.
    intros w credits some_widths table table_short. revert w some_widths. assert (positive := r_nonneg).
    induction credits as [|k credits IH]; intros w [|width rest] short; cbn [spread_counted];
      try (apply at_most_free; unfold len in short; nia).
    rewrite len_cons in short. apply at_most_bind with (2 * r) (4 * r * (w - 1) + 2 * r);
      [apply spend_at_most, table_short| |lia].
    apply at_most_bind with (4 * r * (w - 1)) (2 * r); [apply IH; lia| |lia].
    rewrite spread_value. apply add_table_at_most, spread_len.
  Qed.

  Lemma lighten_len : forall table : list int, len (lighten digits table) = len table.
  Proof. intro table. unfold lighten. destruct (digits =? 0)%uint63; [reflexivity | apply len_map]. Qed.

  Lemma lighten_at_most : forall table : list int, len table <= r -> at_most (1 + r) (lighten_counted digits table).
  Proof.
    intros table short. assert (positive := r_nonneg). unfold lighten_counted.
    apply at_most_bind with 1 r; [apply at_most_once; lia| |lia].
    destruct (returned (once (digits =? 0)%uint63)); [apply at_most_free; lia|].
    apply at_most_le with (r * 1); [|lia]. apply at_most_map; [lia | exact short|]. intros x _. apply at_most_once. lia.
  Qed.

  Context (base : list int) (base_short : len base <= r) (w : Z).

  Lemma tables_of_choices_len : forall columns : list (list int),
    len (fst (tables_of_choices digits widths columns base zeros)) <= r /\
    len (snd (tables_of_choices digits widths columns base zeros)) <= r.
  Proof.
    induction columns as [|column rest IH]; [split; assumption|]. cbn [tables_of_choices].
    destruct (tables_of_choices digits widths rest base zeros) as [every new].
    destruct widths as [|width widths'], column as [|k credits]; cbn [fst snd]; try (split; exact zeros_short).
    rewrite !lighten_len. split; (eapply Z.le_trans; [apply add_table_len | apply spread_len]).
  Qed.

  Lemma tables_of_choices_at_most : forall (columns : list (list int)) (p : Z), within p w columns ->
    at_most (p * (8 * r * w + 2)) (tables_of_choices_counted digits widths columns base zeros).
  Proof.
    assert (positive := r_nonneg). induction columns as [|column rest IH]; intros p (w_nonneg & rows & short);
      cbn [tables_of_choices_counted].
    - apply at_most_free. rewrite len_nil in rows. nia.
    - rewrite len_cons in rows. assert (one := short column ltac:(left; reflexivity)).
      apply at_most_bind with ((p - 1) * (8 * r * w + 2)) (8 * r * w + 2); [| |lia].
      { apply IH. split; [exact w_nonneg|]. split; [lia|]. intros row inside. apply short. right. exact inside. }
      rewrite tables_of_choices_value. destruct (tables_of_choices_len rest) as [every_short new_short].
      destruct widths as [|width widths'], column as [|k credits]; try (apply at_most_free; nia).
      rewrite len_cons in one. eapply at_most_le.
      { eapply at_most_then; [apply spend_at_most, every_short|].
        eapply at_most_then; [apply spread_at_most with (w := w - 1); [exact every_short | lia]|].
        rewrite spread_value, spend_value.
        eapply at_most_then; [apply add_table_at_most, spread_len|].
        rewrite add_table_value.
        eapply at_most_then; [apply lighten_at_most; eapply Z.le_trans; [apply add_table_len | apply spread_len]|].
        eapply at_most_then; [apply spread_at_most with (w := w - 1); [exact new_short | lia]|].
        rewrite spread_value.
        eapply at_most_then; [apply add_table_at_most, spread_len|].
        rewrite add_table_value.
        eapply at_most_then; [apply lighten_at_most; eapply Z.le_trans; [apply add_table_len | apply spread_len]|].
        apply at_most_free, Z.le_refl. }
      lia.
  Qed.

  Lemma look_up_at_most : forall (v : Z) (credits some_widths table : list int), len table <= r -> len credits <= v ->
    at_most (v * (2 * r + 2)) (look_up_counted some_widths credits table).
  Proof.
    intros v credits some_widths table table_short. revert v some_widths. assert (positive := r_nonneg).
    induction credits as [|k credits IH]; intros v [|width rest] short; cbn [look_up_counted];
      try (apply at_most_free; unfold len in short; nia).
    rewrite len_cons in short. apply at_most_bind with (2 * r) ((v - 1) * (2 * r + 2) + 2);
      [apply spend_at_most, table_short| |lia].
    apply at_most_bind with ((v - 1) * (2 * r + 2)) 2; [apply IH; lia | apply at_most_several; lia | lia].
  Qed.

  Lemma entry_of_choices_at_most : forall (columns : list (list int)) (p : Z) (seen : bool), within p w columns ->
    at_most (programme_bound p w r) (entry_of_choices_counted digits widths columns base zeros seen).
  Proof.
    assert (positive := r_nonneg). intros [|column rest] p seen (w_nonneg & rows & short);
      unfold entry_of_choices_counted, programme_bound.
    - apply at_most_free. nia.
    - rewrite len_cons in rows. assert (some := len_nonneg _ rest). assert (one := short column ltac:(left; reflexivity)).
      rewrite Z.max_r by lia.
      apply at_most_bind with ((p - 1) * (8 * r * w + 2)) (2 * r * w + 2 * w); [| |lia].
      { apply tables_of_choices_at_most. split; [exact w_nonneg|]. split; [lia|].
        intros row inside. apply short. right. exact inside. }
      rewrite tables_of_choices_value. destruct (tables_of_choices_len rest) as [every_short new_short].
      destruct widths as [|width widths'], column as [|k credits]; try (apply at_most_free; nia).
      rewrite len_cons in one. eapply at_most_le.
      { eapply at_most_then; [apply spend_at_most, every_short|].
        eapply at_most_then; [apply look_up_at_most with (v := w - 1); [destruct seen; assumption | lia]|].
        apply at_most_several, Z.le_refl. }
      lia.
  Qed.
End Tables.

Lemma row_largest_at_most : forall row : list int, at_most (3 * len row) (row_largest_counted row).
Proof.
  intros [|x rest]; [apply at_most_free; reflexivity|]. cbn [row_largest_counted]. rewrite len_cons.
  eapply at_most_le; [apply at_most_fold_left with (c := 3) (r := len rest); [lia | lia | auto with lengths]|lia].
Qed.

Lemma signed_sum_at_most : forall (p : Z) (row : list int), len row <= p -> at_most (7 * p) (signed_sum_counted row).
Proof.
  intros p row short. unfold signed_sum_counted. rewrite Z.mul_comm. apply at_most_fold_right; [lia | exact short|].
  intros x a _. count.
Qed.

(** One operation for each entry. *)
Lemma less_at_most : forall (p w : Z) (columns : list (list int)) (numbers : list int), within p w columns ->
  at_most (p * w) (less_counted columns numbers) /\ at_most (p * w) (from_counted columns numbers).
Proof.
  intros p w columns numbers (positive & rows & short).
  split; (apply at_most_zip; [exact positive | left; exact rows|]; intros column b inside _;
    apply at_most_le with (w * 1); [|lia]; apply at_most_map; [lia | apply short, inside|];
    intros x _; apply at_most_once; lia).
Qed.

Lemma map_rows_at_most : forall (p w c : Z) (f : int -> counted int) (columns : list (list int)), within p w columns ->
  0 <= c -> (forall x, at_most c (f x)) -> at_most (p * (w * c)) (map_counted (map_counted f) columns).
Proof.
  intros p w c f columns (positive & rows & short) c_nonneg each. apply at_most_map; [lia | exact rows|].
  intros column inside. apply at_most_map; [exact c_nonneg | apply short, inside | auto].
Qed.

Lemma tops_at_most : forall (p w : Z) (columns : list (list int)), within p w columns ->
  at_most (p * (3 * w)) (map_counted row_largest_counted columns).
Proof.
  intros p w columns (positive & rows & short). apply at_most_map; [lia | exact rows|]. intros column inside.
  eapply at_most_le; [apply row_largest_at_most|]. specialize (short column inside). lia.
Qed.

(** ** How long a table is *)

Definition costs_small (columns : list (list int)) : Prop :=
  forall (column : list int) (h : int), In column columns -> In h column -> Z.abs (signed h) <= 2 ^ 30.

Local Lemma row_largest_spec : forall row : list int,
  (forall x, In x row -> signed x <= signed (row_largest row)) /\ (row = [] \/ In (row_largest row) row).
Proof.
  assert (fold : forall (row : list int) (start : int),
    signed start <= signed (fold_left smax row start) /\
    (forall x, In x row -> signed x <= signed (fold_left smax row start)) /\
    (fold_left smax row start = start \/ In (fold_left smax row start) row)).
  { induction row as [|y row IH]; intro start; cbn [fold_left].
    - split; [lia|]. split; [intros x [] | left; reflexivity].
    - destruct (IH (smax start y)) as (first & others & origin). rewrite signed_smax in first.
      split; [lia|]. split.
      + intros x [<-|inside]; [lia | apply others, inside].
      + destruct origin as [same|inside]; [|right; right; exact inside].
        rewrite same. unfold smax. destruct (slt start y); [right; left; reflexivity | left; reflexivity]. }
  intros [|y row]; [split; [intros x [] | left; reflexivity]|]. cbn [row_largest].
  destruct (fold row y) as (first & others & origin). split.
  - intros x [<-|inside]; [exact first | apply others, inside].
  - right. destruct origin as [->|inside]; [left; reflexivity | right; exact inside].
Qed.

Local Lemma scale_up_lt : forall x c : int, Z.abs (signed x) <= 2 ^ 31 -> to_Z c <= 2 ^ 30 ->
  2 ^ 30 * signed (scale_up x c) <= signed x * to_Z c + (2 ^ 30 - 1).
Proof.
  intros x c x_range c_range. unfold scale_up, shift_up. assert (c_nonneg := to_Z_range c).
  assert (c_signed : signed c = to_Z c) by (apply signed_small; lia).
  assert (product : signed (x * c) = signed x * to_Z c) by (rewrite signed_mul; rewrite c_signed; nia).
  assert (minus : signed (0 - x * c) = - (signed x * to_Z c)) by (rewrite signed_opp; rewrite product; nia).
  assert (down : signed (shift_down 30 (0 - x * c)) = - (signed x * to_Z c) / 2 ^ 30).
  { rewrite signed_shift_down; rewrite ?minus; [reflexivity | reflexivity || (vm_compute; discriminate) | nia]. }
  assert (split := Z.div_mod (- (signed x * to_Z c)) (2 ^ 30) ltac:(lia)).
  assert (rest := Z.mod_pos_bound (- (signed x * to_Z c)) (2 ^ 30) ltac:(lia)).
  rewrite signed_opp; rewrite down; nia.
Qed.

Section Needed.
  Context (base : nat) (factor : int) (factor_small : to_Z factor <= 2 ^ 30).

  Local Definition base_of (column : list int) : int := nth base column 0%uint63.
  Local Definition lift (column : list int) : list int := map (fun h => (h - base_of column)%uint63) column.
  Local Definition scaled_of (column : list int) : list int := map (fun h => scale_up h factor) (lift column).

  Local Lemma lift_small : forall (column : list int) (h : int), (forall x, In x column -> Z.abs (signed x) <= 2 ^ 30) ->
    In h (lift column) -> Z.abs (signed h) <= 2 ^ 31.
  Proof.
    intros column h small inside. unfold lift in inside. apply in_map_iff in inside. destruct inside as (x & <- & inside).
    specialize (small x inside) as x_small.
    assert (low : Z.abs (signed (base_of column)) <= 2 ^ 30).
    { unfold base_of. destruct (nth_in_or_default base column 0%uint63) as [there| ->]; [apply small, there|].
      rewrite signed_zero. lia. }
    rewrite signed_sub by lia. lia.
  Qed.

  Local Lemma top_scaled : forall column : list int, (forall x, In x column -> Z.abs (signed x) <= 2 ^ 30) ->
    2 ^ 30 * signed (row_largest (scaled_of column)) <= signed (row_largest (lift column)) * to_Z factor + (2 ^ 30 - 1).
  Proof.
    intros column small. assert (nonneg := to_Z_range factor). unfold scaled_of.
    destruct (row_largest_spec (map (fun h => scale_up h factor) (lift column))) as [_ [none|some]].
    - apply map_eq_nil in none. rewrite none. cbn [map row_largest]. rewrite signed_zero. lia.
    - apply in_map_iff in some. destruct some as (h & same & inside). rewrite <- same.
      assert (bound := scale_up_lt h factor (lift_small column h small inside) factor_small).
      assert (largest := proj1 (row_largest_spec (lift column)) h inside). nia.
  Qed.

  Local Lemma tops_scaled : forall columns : list (list int), costs_small columns ->
    2 ^ 30 * signed_sum (map row_largest (map scaled_of columns)) <=
    signed_sum (map row_largest (map lift columns)) * to_Z factor + len columns * (2 ^ 30 - 1).
  Proof.
    induction columns as [|column rest IH]; intro small; [cbn; lia|].
    assert (first := top_scaled column ltac:(intros x inside; apply (small column); [left; reflexivity | exact inside])).
    specialize (IH ltac:(intros c x there inside; apply (small c); [right; exact there | exact inside])).
    cbn [map signed_sum fold_right]. fold (signed_sum (map row_largest (map scaled_of rest))).
    fold (signed_sum (map row_largest (map lift rest))). rewrite len_cons. lia.
  Qed.
End Needed.

Local Lemma zip_with_bases : forall (base : nat) (columns : list (list int)),
  zip_with (fun column b => map (fun h => (h - b)%uint63) column) columns (map (fun column => nth base column 0%uint63)
    columns) =
  map (lift base) columns.
Proof.
  intros base columns. induction columns as [|column rest IH]; [reflexivity|]. cbn [map zip_with]. rewrite IH. reflexivity.
Qed.

(** At most so many entries are needed, but for one. *)
Lemma needed_at_most : forall (base : nat) (columns : list (list int)) (resolution fixed strictness : Z), costs_small columns ->
  0 <= strictness <= 1 -> 0 <= resolution ->
  let lifted := map (lift base) columns in
  let need := signed_sum (map row_largest lifted) + fixed + strictness in
  let scale := scale_of resolution need in
  0 < need -> 0 < scale ->
  signed_sum (map row_largest (map (map (fun h => scale_up h (of_Z scale))) lifted)) - (- (scale * fixed) / 2 ^ 30) + strictness
  <= resolution + len columns + 1.
Proof.
  intros base columns resolution fixed strictness small strict positive lifted need scale some_need some_scale.
  assert (scale_small : scale <= 2 ^ 30) by apply Z.le_min_l.
  assert (factor_value : to_Z (of_Z scale) = scale) by (rewrite of_Z_spec; apply Z.mod_small; change wB with (2 ^ 63); lia).
  assert (reached : scale * need <= resolution * 2 ^ 30).
  { apply Z.le_trans with (resolution * 2 ^ 30 / need * need); [|rewrite Z.mul_comm; apply Z.mul_div_le; lia].
    apply Z.mul_le_mono_nonneg_r; [lia | apply Z.le_min_r]. }
  assert (tops := tops_scaled base (of_Z scale) ltac:(lia) columns small). rewrite factor_value in tops.
  replace (map (map (fun h => scale_up h (of_Z scale))) lifted) with (map (scaled_of base (of_Z scale)) columns)
    by (unfold lifted; rewrite map_map; reflexivity).
  fold lifted in tops. set (top_sum := signed_sum (map row_largest (map (scaled_of base (of_Z scale)) columns))) in *.
  set (lifted_sum := signed_sum (map row_largest lifted)) in *.
  assert (split := Z.div_mod (- (scale * fixed)) (2 ^ 30) ltac:(lia)).
  assert (rest := Z.mod_pos_bound (- (scale * fixed)) (2 ^ 30) ltac:(lia)).
  assert (some := len_nonneg _ columns). unfold need in reached.
  assert (scaled : scale * lifted_sum + scale * fixed + scale * strictness <= resolution * 2 ^ 30) by lia.
  assert (more : 0 <= scale * strictness) by nia. lia.
Qed.

(** ** All of it *)

Local Lemma at_most_if_not : forall (A : Type) (choice : bool) (m n : counted A) (a b : Z),
  at_most a m -> (choice = false -> at_most b n) -> at_most (Z.max a b) (if choice then m else n).
Proof. unfold at_most. intros A [] m n a b first second; [lia|]. specialize (second eq_refl). lia. Qed.

Theorem count_choices_at_most : forall (digits : int) (strictness : Z) (resolution : int) (widths : list int) (base : nat)
  (columns : list (list int)) (last : int) (seen : bool) (every p w : Z),
  within p w columns -> costs_small columns -> 0 <= strictness <= 1 ->
  at_most (count_choices_bound p w (to_Z resolution + p + 2))
    (count_choices_counted digits strictness resolution widths base columns last seen every).
Proof.
  intros digits strictness resolution widths base columns last seen every p w size small strict.
  assert (w_nonneg := within_columns _ _ _ _ size). assert (p_nonneg := within_rows _ _ _ _ size).
  assert (R_nonneg := to_Z_range resolution). assert (pw_nonneg : 0 <= p * w) by nia.
  set (r := to_Z resolution + p + 2). assert (r_nonneg : 0 <= r) by (unfold r; lia).
  assert (rw_nonneg : 0 <= r * w) by nia.
  assert (rows := proj1 (proj2 size)).
  assert (programme_nonneg : 0 <= programme_bound p w r) by (unfold programme_bound; nia).
  unfold count_choices_counted. cbv zeta. eapply at_most_le.
  { eapply at_most_then; [apply signed_at_most|].
    eapply at_most_then; [apply signed_sum_at_most with (p := p); rewrite len_map; exact rows|].
    eapply at_most_then; [apply at_most_once, Z.le_refl|].
    eapply at_most_then; [apply less_at_most; exact size|]. rewrite less_value, zip_with_bases.
    set (lifted := map (lift base) columns).
    assert (lifted_size : within p w lifted).
    { apply within_map; [exact w_nonneg | exact rows|]. intros row inside. unfold lift. rewrite len_map.
      exact (within_row _ _ _ _ _ size inside). }
    eapply at_most_then; [apply tops_at_most; exact lifted_size|].
    rewrite (value_map _ _ _ row_largest) by apply row_largest_value.
    eapply at_most_then; [apply signed_sum_at_most with (p := p); rewrite len_map; apply lifted_size|].
    autorewrite with values. cbn [once several returned].
    set (fixed := signed last + signed_sum (map (fun column => nth base column 0%uint63) columns)).
    set (need := signed_sum (map row_largest lifted) + fixed + strictness).
    eapply at_most_then; [apply at_most_several, Z.le_refl|]. cbn [several returned].
    eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
    apply at_most_if_not; [apply at_most_free, Z.le_refl|]. intro some_need. apply Z.leb_gt in some_need.
    eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
    eapply at_most_then; [unfold scale_of_counted; apply at_most_several, Z.le_refl|]. rewrite scale_of_value.
    set (scale := scale_of (to_Z resolution) need).
    eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
    apply at_most_if_not; [apply at_most_free, Z.le_refl|]. intro some_scale. apply Z.leb_gt in some_scale.
    assert (bound := needed_at_most base columns (to_Z resolution) fixed strictness small strict ltac:(lia) some_need
      some_scale).
    cbv zeta in bound. fold lifted in bound. fold need in bound. fold scale in bound.
    eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
    eapply at_most_then; [apply map_rows_at_most with (c := 7); [exact lifted_size | lia | intro x; apply scale_up_at_most]|].
    rewrite (value_map _ _ _ (map (fun h => scale_up h (of_Z scale))))
      by (intro row; apply value_map; intro x; apply scale_up_value).
    set (scaled := map (map (fun h => scale_up h (of_Z scale))) lifted) in *.
    assert (scaled_size : within p w scaled).
    { apply within_map; [exact w_nonneg | apply lifted_size|]. intros row inside. rewrite len_map.
      exact (within_row _ _ _ _ _ lifted_size inside). }
    eapply at_most_then; [apply tops_at_most; exact scaled_size|].
    rewrite (value_map _ _ _ row_largest) by apply row_largest_value.
    eapply at_most_then; [apply signed_sum_at_most with (p := p); rewrite (len_map _ _ row_largest scaled); apply scaled_size|].
    rewrite signed_sum_value.
    eapply at_most_then; [apply at_most_several, Z.le_refl|]. cbn [several returned].
    set (needed := signed_sum (map row_largest scaled) - (- (scale * fixed) / 2 ^ 30) + strictness) in *.
    eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
    apply at_most_if_not; [apply at_most_free, Z.le_refl|]. intro some_needed. apply Z.leb_gt in some_needed.
    eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
    apply at_most_if; [apply at_most_free, Z.le_refl|].
    eapply at_most_then; [apply (less_at_most p w scaled (map row_largest scaled)), scaled_size|]. rewrite from_value.
    eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
    eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
    eapply at_most_then; [unfold one_choice_counted; apply at_most_then with (a := 1) (b := 0); [apply at_most_once |
      apply at_most_free]; lia|].
    eapply at_most_then.
    { apply entry_of_choices_at_most with (p := p) (w := w) (r := r).
      - rewrite len_repeat. unfold r. lia.
      - rewrite len_app, len_repeat, len_cons, len_nil. unfold r. lia.
      - split; [exact w_nonneg|]. split; [eapply Z.le_trans; [apply (proj1 (len_zip _ _ _ _ scaled _)) | apply scaled_size]|].
        intros row inside.
        assert (zip_rows : forall (a : list (list int)) (b : list int), (forall x, In x a -> len x <= w) ->
          In row (zip_with (fun column top => map (fun h => (top - h)%uint63) column) a b) -> len row <= w).
        { induction a as [|x a IH]; intros [|y b] short there; try contradiction there.
          destruct there as [<-|there]; [rewrite len_map; apply short; left; reflexivity|].
          apply (IH b); [intros z inside_z; apply short; right; exact inside_z | exact there]. }
        refine (zip_rows _ _ _ inside). intros x inside_x. exact (within_row _ _ _ _ _ scaled_size inside_x). }
    unfold choices_counted. eapply at_most_then; [apply at_most_once, Z.le_refl|].
    apply at_most_if; [apply at_most_once, Z.le_refl | apply at_most_several, Z.le_refl]. }
  unfold count_choices_bound. lia.
Qed.
