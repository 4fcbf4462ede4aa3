(* CompactProofs: Cert: BandsSound *)
(* MIT licence. *)
From Coq Require Import List Arith Lia.
From CompactProofs Require Import Base.Lists Cert.Terms Cert.TermsSound Cert.Bands.
Import ListNotations.
(** * Hulls of bands stand for all entries
    [holds j e] says that [e] is right for entry j, [good e] that [e] may be joined: both are kept by [join].
    - [all_positive sizes] == no band is empty
    Main results: [cut_sum], [cut_positive], [cut_head], [expand_length], [hulls_spec], [band_rows_spec], [cut_every],
    [expand_every], [by_row_nth]. *)

Definition all_positive (sizes : list nat) : Prop := forall s, In s sizes -> 0 < s.

(** ** Lengths *)

Lemma all_positive_tail : forall (s : nat) (sizes : list nat), all_positive (s :: sizes) -> 0 < s /\ all_positive sizes.
Proof.
  intros s sizes positive. split; [apply positive; left; reflexivity|].
  intros s' member. apply positive. right. exact member.
Qed.

Lemma sizes_positive : forall exponents : list nat, all_positive (map size exponents).
Proof.
  intros exponents s member. apply in_map_iff in member. destruct member as (k & <- & _).
  unfold size. apply Nat.neq_0_lt_0, Nat.pow_nonzero. discriminate.
Qed.

Lemma cut_sum : forall (sizes : list nat) (len : nat), len <= list_sum sizes -> list_sum (cut sizes len) = len.
Proof.
  induction sizes as [|s sizes IH]; intros len fits; cbn [cut]; [cbn in fits |- *; lia|].
  destruct len as [|len]; [reflexivity|].
  change (list_sum (s :: sizes)) with (s + list_sum sizes) in fits.
  change (Nat.min s (S len) + list_sum (cut sizes (S len - s)) = S len). rewrite IH; lia.
Qed.

Lemma cut_positive : forall (sizes : list nat) (len : nat), all_positive sizes -> all_positive (cut sizes len).
Proof.
  induction sizes as [|s sizes IH]; intros len positive; cbn [cut]; [intros w []|].
  apply all_positive_tail in positive. destruct positive as [some positive].
  destruct len as [|len]; [intros w []|]. intros w [<-|member]; [lia|]. exact (IH _ positive w member).
Qed.

Lemma cut_head : forall (sizes : list nat) (len : nat), hd 0 sizes = 1 -> 0 < len -> hd 0 (cut sizes len) = 1.
Proof.
  intros [|s sizes] len one some; [discriminate one|]. cbn [hd] in one. subst s.
  destruct len as [|len]; [lia|]. cbn [cut hd]. lia.
Qed.

Lemma cut_length : forall (sizes : list nat) (len : nat), length (cut sizes len) <= length sizes.
Proof.
  induction sizes as [|s sizes IH]; intros len; cbn [cut]; [apply le_n|].
  destruct len as [|len]; cbn [length]; [lia|]. specialize (IH (S len - s)). lia.
Qed.

Lemma expand_length : forall (A : Type) (widths : list nat) (l : list A),
  length widths <= length l -> length (expand widths l) = list_sum widths.
Proof.
  intros A. induction widths as [|w widths IH]; intros l long; [reflexivity|].
  destruct l as [|x l]; [cbn in long; lia|].
  change (length (repeat x w ++ expand widths l) = w + list_sum widths).
  rewrite app_length, repeat_length, IH by (cbn in long; lia). reflexivity.
Qed.

(** The entries of the first band, and the others. *)
Local Lemma nth_expand_first : forall (A : Type) (w j : nat) (widths : list nat) (x : A) (l : list A) (default : A),
  j < w -> nth j (expand (w :: widths) (x :: l)) default = x.
Proof.
  intros A w j widths x l default inside. change (nth j (repeat x w ++ expand widths l) default = x).
  rewrite app_nth1 by (rewrite repeat_length; exact inside).
  apply (repeat_spec w). apply nth_In. rewrite repeat_length. exact inside.
Qed.

Local Lemma nth_expand_later : forall (A : Type) (w j : nat) (widths : list nat) (x : A) (l : list A) (default : A),
  w <= j -> nth j (expand (w :: widths) (x :: l)) default = nth (j - w) (expand widths l) default.
Proof.
  intros A w j widths x l default outside.
  change (nth j (repeat x w ++ expand widths l) default = nth (j - w) (expand widths l) default).
  rewrite app_nth2, repeat_length by (rewrite repeat_length; exact outside). reflexivity.
Qed.

(** Each token for itself. *)
Lemma cut_every : forall d len : nat, len <= d -> cut (repeat 1 d) len = repeat 1 len.
Proof.
  induction d as [|d IH]; intros len fits; [replace len with 0 by lia; reflexivity|].
  destruct len as [|len]; [reflexivity|]. cbn [repeat cut].
  replace (S len - 1) with len by lia. rewrite IH by lia. reflexivity.
Qed.

Lemma expand_every : forall (A : Type) (d len : nat) (l : list A),
  len <= d -> expand (cut (repeat 1 d) len) l = firstn len l.
Proof.
  intros A d len l fits. rewrite cut_every by exact fits. clear fits. revert l.
  induction len as [|len IH]; intros [|x l]; try reflexivity. cbn [firstn]. rewrite <- IH. reflexivity.
Qed.

(** ** Hulls of one list *)

Section Joined.
  Context {A : Type} (join : A -> A -> A) (good : A -> Prop).
  Context (good_join : forall e f, good e -> good f -> good (join e f)).

  Local Lemma fold_good : forall (l : list A) (x : A),
    good x -> (forall y, In y l -> good y) -> good (fold_left join l x).
  Proof.
    induction l as [|y l IH]; intros x good_x good_l; cbn [fold_left]; [exact good_x|]. apply IH.
    - apply good_join; [exact good_x | apply good_l; left; reflexivity].
    - intros z member. apply good_l. right. exact member.
  Qed.

  Local Lemma fold_holds : forall (P : A -> Prop) (l : list A) (x y : A),
    (forall e f, good e -> good f -> P e -> P (join e f)) -> (forall e f, good e -> good f -> P f -> P (join e f)) ->
    good x -> (forall z, In z l -> good z) -> In y (x :: l) -> P y -> P (fold_left join l x).
  Proof.
    intros P l x y left_P right_P. revert x. induction l as [|z l IH]; intros x good_x good_l member holds_y.
    - destruct member as [->|[]]. exact holds_y.
    - assert (good_z : good z) by (apply good_l; left; reflexivity).
      assert (good_rest : forall u, In u l -> good u) by (intros u inside; apply good_l; right; exact inside).
      assert (good_xz := good_join x z good_x good_z). cbn [fold_left].
      assert (first : P (join x z) -> P (fold_left join l (join x z))).
      { intro holds_first. clear IH member holds_y. revert good_xz holds_first. generalize (join x z).
        clear good_x good_z good_l x y z. induction l as [|z l IH]; intros x good_x holds_x; [exact holds_x|].
        assert (good_z : good z) by (apply good_rest; left; reflexivity). cbn [fold_left]. apply IH.
        - intros u inside. apply good_rest. right. exact inside.
        - apply good_join; assumption.
        - apply left_P; assumption. }
      destruct member as [->|[->|member]].
      + apply first, left_P; assumption.
      + apply first, right_P; assumption.
      + apply IH; try assumption. right. exact member.
  Qed.

  Lemma hulls_good : forall (sizes : list nat) (l : list A),
    (forall x, In x l -> good x) -> forall h, In h (hulls join sizes l) -> good h.
  Proof.
    induction sizes as [|s sizes IH]; intros l good_l h member; [destruct member|].
    destruct l as [|x l]; [destruct member|]. cbn [hulls] in member. destruct member as [<-|member].
    - apply fold_good; [apply good_l; left; reflexivity|]. intros y inside. apply good_l. right.
      rewrite <- (firstn_skipn (s - 1) l). apply in_or_app. left. exact inside.
    - refine (IH _ _ h member). intros y inside. apply good_l.
      rewrite <- (firstn_skipn s (x :: l)). apply in_or_app. right. exact inside.
  Qed.

  Theorem hulls_spec : forall (holds : nat -> A -> Prop) (default : A) (sizes : list nat) (l : list A),
    all_positive sizes -> length l <= list_sum sizes ->
    (forall j e f, good e -> good f -> holds j e -> holds j (join e f)) ->
    (forall j e f, good e -> good f -> holds j f -> holds j (join e f)) ->
    (forall x, In x l -> good x) ->
    (forall j, j < length l -> holds j (nth j l default)) ->
    length (hulls join sizes l) = length (cut sizes (length l)) /\
    forall j, j < length l -> holds j (nth j (expand (cut sizes (length l)) (hulls join sizes l)) default).
  Proof.
    intros holds default sizes. revert holds.
    induction sizes as [|s sizes IH]; intros holds l positive fits left_holds right_holds good_l each.
    - cbn in fits. split; [reflexivity|]. intros j inside. lia.
    - apply all_positive_tail in positive. destruct positive as [some positive].
      destruct l as [|x l]; [split; [reflexivity|]; intros j inside; cbn in inside; lia|].
      change (list_sum (s :: sizes)) with (s + list_sum sizes) in fits.
      assert (len := skipn_length s (x :: l)).
      destruct (IH (fun j => holds (s + j)) (skipn s (x :: l))) as [same later].
      + exact positive.
      + lia.
      + intros j. apply left_holds.
      + intros j. apply right_holds.
      + intros y inside. apply good_l. rewrite <- (firstn_skipn s (x :: l)). apply in_or_app. right. exact inside.
      + intros j inside. rewrite nth_skipn. apply each. lia.
      + rewrite len in same, later. cbn [hulls length cut] in *. split; [rewrite same; reflexivity|].
        intros j inside. destruct (Nat.lt_ge_cases j s) as [first|rest].
        * rewrite nth_expand_first by lia. apply (fold_holds (holds j) _ _ (nth j (x :: l) default)).
          -- intros e f. apply left_holds.
          -- intros e f. apply right_holds.
          -- apply good_l. left. reflexivity.
          -- intros y member. apply good_l. right.
             rewrite <- (firstn_skipn (s - 1) l). apply in_or_app. left. exact member.
          -- destruct j as [|j]; [left; reflexivity|]. right. cbn [nth].
             rewrite <- (nth_firstn A l (s - 1)) by lia. apply nth_In. rewrite firstn_length. lia.
          -- apply each. exact inside.
        * rewrite nth_expand_later by lia. replace (Nat.min s (S (length l))) with s by lia.
          specialize (later (j - s) ltac:(lia)). replace (s + (j - s)) with j in later by lia. exact later.
  Qed.

  (** ** Windows that double *)

  Section Rows.
    Context (holds : nat -> A -> Prop) (nothing default : A) (row : list A).
    Context (left_holds : forall j e f, good e -> good f -> holds j e -> holds j (join e f)).
    Context (right_holds : forall j e f, good e -> good f -> holds j f -> holds j (join e f)).

    (** Entry m stands for the [window] tokens that end at m. *)
    Local Definition layer_ok (window : nat) (layer : list A) : Prop :=
      length layer = length row /\
      forall m, m < length row -> good (nth m layer default) /\
        forall t, t <= m -> m < t + window -> holds t (nth m layer default).

    Local Lemma double_ok : forall (step : nat) (layer : list A),
      layer_ok step layer -> layer_ok (step + step) (double join step layer).
    Proof.
      intros step layer [len each]. assert (first_len := firstn_length step layer).
      assert (later_len := skipn_length step layer). unfold double. split.
      - rewrite app_length, zip_with_length. lia.
      - intros m inside. destruct (Nat.lt_ge_cases m step) as [small|large].
        + rewrite app_nth1 by lia. rewrite nth_firstn by exact small.
          destruct (each m inside) as [good_m held]. split; [exact good_m|]. intros t before _. apply held; lia.
        + rewrite app_nth2 by lia. rewrite first_len. replace (Nat.min step (length layer)) with step by lia.
          rewrite (nth_zip_with _ _ _ _ _ _ _ default default) by lia.
          rewrite nth_skipn. replace (step + (m - step)) with m by lia.
          destruct (each m inside) as [good_m held]. destruct (each (m - step) ltac:(lia)) as [good_before held_before].
          split; [apply good_join; assumption|]. intros t before near.
          destruct (Nat.lt_ge_cases m (t + step)) as [close|far].
          * apply left_holds; [exact good_m | exact good_before | apply held; lia].
          * apply right_holds; [exact good_m | exact good_before | apply held_before; lia].
    Qed.

    Local Lemma layers_ok : forall (count step : nat) (layer : list A) (k : nat),
      layer_ok step layer -> k <= count -> layer_ok (step * size k) (nth k (layers join count step layer) []).
    Proof.
      induction count as [|count IH]; intros step layer k ok small.
      - replace k with 0 by lia. cbn [layers nth]. change (size 0) with 1. rewrite Nat.mul_1_r. exact ok.
      - destruct k as [|k]; cbn [layers nth].
        + change (size 0) with 1. rewrite Nat.mul_1_r. exact ok.
        + replace (step * size (S k)) with ((step + step) * size k)
            by (unfold size; rewrite Nat.pow_succ_r'; lia).
          apply IH; [apply double_ok, ok | lia].
    Qed.

    Local Lemma nth_from_offset : forall (offset start count m : nat) (layer : list A),
      start <= m -> m < start + count -> offset <= m -> m < length layer ->
      nth (m - start) (from_offset nothing offset start count layer) nothing = nth (m - offset) layer default.
    Proof.
      intros offset start count m layer from below near inside. unfold from_offset.
      rewrite nth_firstn by lia. rewrite (nth_indep layer default nothing) by lia.
      destruct (Nat.lt_ge_cases (m - start) (offset - start)) as [early|late]; [lia|].
      rewrite app_nth2, repeat_length by (rewrite repeat_length; exact late).
      rewrite nth_skipn. f_equal. lia.
    Qed.

    Local Lemma columns_length : forall (exponents : list nat) (offset start count : nat) (all : list (list A)),
      length (columns_of nothing offset start count exponents all) = length exponents.
    Proof.
      induction exponents as [|k exponents IH]; intros offset start count all; [reflexivity|].
      cbn [columns_of length]. rewrite IH. reflexivity.
    Qed.

    Local Lemma columns_spec : forall (all : list (list A)) (start count m : nat) (exponents : list nat) (offset : nat),
      (forall k, In k exponents -> layer_ok (size k) (nth k all [])) ->
      start <= m -> m < start + count -> m < length row -> S m - offset <= list_sum (map size exponents) ->
      forall t, t + offset <= m ->
        holds t (nth (m - offset - t) (expand (cut (map size exponents) (S m - offset))
          (map (fun column => nth (m - start) column nothing) (columns_of nothing offset start count exponents all))) default).
    Proof.
      intros all start count m. induction exponents as [|k exponents IH]; intros offset ok from below inside fits t before.
      - change (list_sum (map size [])) with 0 in fits. lia.
      - destruct (ok k ltac:(left; reflexivity)) as [len each].
        change (list_sum (map size (k :: exponents))) with (size k + list_sum (map size exponents)) in fits.
        cbn [map columns_of]. rewrite nth_from_offset by lia.
        assert (cut_step : cut (size k :: map size exponents) (S m - offset) =
          Nat.min (size k) (S m - offset) :: cut (map size exponents) (S m - (offset + size k))).
        { replace (S m - offset) with (S (m - offset)) by lia. cbn [cut]. do 2 f_equal. lia. }
        rewrite cut_step. destruct (Nat.lt_ge_cases (m - offset - t) (size k)) as [first|rest].
        + rewrite nth_expand_first by lia. apply each; lia.
        + rewrite nth_expand_later by lia. replace (Nat.min (size k) (S m - offset)) with (size k) by lia.
          replace (m - offset - t - size k) with (m - (offset + size k) - t) by lia. apply IH; try assumption; try lia.
          intros k' member. apply ok. right. exact member.
    Qed.
  End Rows.
End Joined.

(** ** Columns by rows *)

Lemma by_row_length : forall (A : Type) (nothing : A) (count : nat) (columns : list (list A)),
  length (by_row nothing count columns) = count.
Proof. intros A nothing. induction count as [|count IH]; intros columns; cbn; [reflexivity|]. rewrite IH. reflexivity. Qed.

Lemma by_row_nth : forall (A : Type) (nothing : A) (count k : nat) (columns : list (list A)),
  k < count -> nth k (by_row nothing count columns) [] = map (fun column => nth k column nothing) columns.
Proof.
  intros A nothing. induction count as [|count IH]; intros k columns inside; [lia|]. cbn [by_row].
  destruct k as [|k]; cbn [nth].
  - apply map_ext. intros [|x column]; reflexivity.
  - rewrite IH by lia. rewrite map_map. apply map_ext. intros [|x column]; [destruct k|]; reflexivity.
Qed.

Theorem band_rows_spec : forall (A : Type) (join : A -> A -> A) (good : A -> Prop) (holds : nat -> A -> Prop)
    (nothing default : A) (exponents : list nat) (start count m : nat) (row : list A),
  (forall e f, good e -> good f -> good (join e f)) ->
  (forall j e f, good e -> good f -> holds j e -> holds j (join e f)) ->
  (forall j e f, good e -> good f -> holds j f -> holds j (join e f)) ->
  (forall x, In x row -> good x) ->
  (forall t, t < length row -> holds t (nth t row default)) ->
  start <= m -> m < start + count -> m < length row -> S m <= list_sum (map size exponents) ->
  let rows := band_rows join nothing exponents start count row in
  length rows = count /\
  length (cut (map size exponents) (S m)) <= length (nth (m - start) rows []) /\
  forall t, t <= m ->
    holds t (nth (m - t) (expand (cut (map size exponents) (S m)) (nth (m - start) rows [])) default).
Proof.
  intros A join good holds nothing default exponents start count m row good_join left_holds right_holds good_row each
    from below inside fits. cbv zeta. unfold band_rows.
  rewrite by_row_length, by_row_nth by lia. split; [reflexivity|]. split.
  - rewrite map_length, columns_length. rewrite <- (map_length size exponents). apply cut_length.
  - intros t before.
    assert (spec := columns_spec good holds nothing default row
      (layers join (list_max exponents) 1 row) start count m exponents 0).
    rewrite !Nat.sub_0_r in spec. apply spec; try assumption; [|lia].
    intros k member. replace (size k) with (1 * size k) by lia.
    apply (layers_ok join good good_join holds default row left_holds right_holds).
    + split; [reflexivity|]. intros m' inside'. split; [apply good_row, nth_In, inside'|].
      intros t' before' near. replace t' with m' by lia. apply each, inside'.
    + assert (bounds := proj1 (list_max_le exponents (list_max exponents)) (Nat.le_refl _)).
      rewrite Forall_forall in bounds. apply bounds, member.
Qed.
