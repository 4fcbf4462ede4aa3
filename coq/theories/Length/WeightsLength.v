(* CompactProofs: Length: WeightsLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.ExpBounds Base.Matrix Cert.Terms Cert.Bands.
From CompactProofs Require Import Cert.Products Cert.Attention.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.GapsCounted.
From CompactProofs Require Import Length.StagedCounted Length.MatrixLength Length.ProductsLength Length.BandsLength.
Import ListNotations.
(** * Attention weights: how many operations they take, and that they are at most 1
    - [small_weight e]   == both ends of e are at most 2^30; so are all that the checker makes (used to bound the length of
                            tables)
    - [extend_at_most]      402 for a block, 406 for each of its tokens, 5 for each before
    - [token_rows_at_most]  2 for each token as often as the largest exponent says *)
Local Open Scope Z_scope.

Definition small_weight (e : enclosure) : Prop := to_Z (fst e) <= 2 ^ 30 /\ to_Z (snd e) <= 2 ^ 30.

(** ** At most 1 *)

Local Lemma product_small : forall a b : int, to_Z a <= 2 ^ 30 -> to_Z b <= 2 ^ 30 ->
  to_Z ((a * b) >> 30)%uint63 <= 2 ^ 30 /\ to_Z ((a * b + 1073741823) >> 30)%uint63 <= 2 ^ 30.
Proof.
  intros a b a_small b_small. assert (a_nonneg := to_Z_range a). assert (b_nonneg := to_Z_range b).
  assert (product : to_Z (a * b) = to_Z a * to_Z b) by (rewrite mul_spec; apply Z.mod_small; change wB with (2 ^ 63); nia).
  assert (sum : to_Z (a * b + 1073741823) = to_Z a * to_Z b + 1073741823).
  { rewrite add_spec, product. apply Z.mod_small. change (to_Z 1073741823) with 1073741823. change wB with (2 ^ 63). nia. }
  rewrite !lsr_spec, product, sum. change (2 ^ to_Z 30) with (2 ^ 30). split.
  - apply Z.div_le_upper_bound; nia.
  - apply Z.lt_succ_r, Z.div_lt_upper_bound; nia.
Qed.

Local Lemma multiply_small : forall (factors : list int) (k bound : int),
  Forall (fun f => to_Z f <= 2 ^ 30) factors -> to_Z bound <= 2 ^ 30 ->
  to_Z (multiply_down factors k bound) <= 2 ^ 30 /\ to_Z (multiply_up factors k bound) <= 2 ^ 30.
Proof.
  induction factors as [|f rest IH]; intros k bound small start; [split; exact start|].
  inversion small as [|? ? first later]; subst. cbn [multiply_down multiply_up].
  destruct (product_small bound f start first) as [down up].
  split; (apply IH; [exact later|]; destruct (k land 1 =? 0)%uint63; assumption).
Qed.

Local Lemma factors_small : Forall (fun f => to_Z f <= 2 ^ 30) lower_factors /\ Forall (fun f => to_Z f <= 2 ^ 30)
  upper_factors.
Proof.
  assert (test : forall l : list int, forallb (fun f => to_Z f <=? 2 ^ 30) l = true -> Forall (fun f => to_Z f <= 2 ^ 30) l).
  { intros l all. apply Forall_forall. intros f inside. rewrite forallb_forall in all. apply Z.leb_le, all, inside. }
  split; apply test; vm_compute; reflexivity.
Qed.

Lemma exp_small : forall k : int, to_Z (exp_lower k) <= 2 ^ 30 /\ to_Z (exp_upper k) <= 2 ^ 30.
Proof.
  intro k. assert (unit : to_Z one <= 2 ^ 30) by (vm_compute; discriminate). unfold exp_lower, exp_upper. split.
  - destruct (ltb k bits_limit); [|vm_compute; discriminate].
    exact (proj1 (multiply_small _ _ _ (proj1 factors_small) unit)).
  - exact (proj2 (multiply_small _ _ _ (proj2 factors_small) unit)).
Qed.

Lemma relative_exp_small : forall (p : precision) (top s : int), small_weight (relative_exp p top s).
Proof.
  intros p top s. unfold relative_exp. split; cbn [fst snd]; [exact (proj1 (exp_small _)) | exact (proj2 (exp_small _))].
Qed.

Lemma weight_small : forall (p : precision) (t : int) (s : scored), small_weight (weight p t s).
Proof. intros p t s. unfold weight. split; cbn [fst snd]; [exact (proj1 (exp_small _)) | exact (proj2 (exp_small _))]. Qed.

Lemma both_small : forall e f : enclosure, small_weight e -> small_weight f -> small_weight (both e f).
Proof.
  intros e f [e_low e_high] [f_low f_high]. unfold both.
  split; cbn [fst snd]; [exact (proj1 (product_small _ _ e_low f_low)) | exact (proj2 (product_small _ _ e_high f_high))].
Qed.

Lemma either_small : forall e f : enclosure, small_weight e -> small_weight f -> small_weight (either e f).
Proof.
  intros e f [e_low e_high] [f_low f_high]. unfold either.
  split; cbn [fst snd]; [destruct (ltb (fst f) (fst e)) | destruct (ltb (snd e) (snd f))]; assumption.
Qed.

Lemma nothing_small : small_weight (0, 0)%uint63.
Proof. split; vm_compute; discriminate. Qed.

Definition all_small (l : list enclosure) : Prop := forall e, In e l -> small_weight e.

Lemma all_small_nth : forall (l : list enclosure) (k : nat), all_small l -> small_weight (nth k l (0, 0)%uint63).
Proof.
  intros l k small. destruct (nth_in_or_default k l (0, 0)%uint63) as [inside| ->]; [apply small, inside | apply nothing_small].
Qed.

Lemma row_enclosures_small : forall (p : precision) (row : list int), all_small (row_enclosures p row).
Proof.
  intros p row e inside. unfold row_enclosures in inside. apply in_map_iff in inside. destruct inside as (s & <- & _).
  apply relative_exp_small.
Qed.

Lemma extend_small : forall (p : precision) (st : state) (more : list scored),
  all_small (weights st) -> all_small (weights (extend p st more)).
Proof.
  intros p st [|s more] small; [exact small|]. intros e inside. cbn [extend weights] in inside.
  apply in_app_or in inside. destruct inside as [inside|inside]; apply in_map_iff in inside; destruct inside as
    (x & <- & inside).
  - apply both_small; [apply relative_exp_small | apply small, inside].
  - apply weight_small.
Qed.

(** A property of all entries that joining keeps. *)
Section Bands.
  Context {A : Type} (join : A -> A -> A) (nothing : A) (good : A -> Prop).
  Context (good_join : forall x y : A, good x -> good y -> good (join x y)) (good_nothing : good nothing).

  Local Notation all l := (forall x, In x l -> good x).

  Local Lemma all_firstn : forall (k : nat) (l : list A), all l -> all (firstn k l).
  Proof. intros k l goods x inside. apply goods. rewrite <- (firstn_skipn k l). apply in_or_app. left. exact inside. Qed.

  Local Lemma all_skipn : forall (k : nat) (l : list A), all l -> all (skipn k l).
  Proof. intros k l goods x inside. apply goods. rewrite <- (firstn_skipn k l). apply in_or_app. right. exact inside. Qed.

  Local Lemma all_zip : forall a b : list A, all a -> all b -> all (zip_with join a b).
  Proof.
    induction a as [|x a IH]; intros [|y b] goods_a goods_b z inside; try contradiction inside.
    destruct inside as [<-|inside]; [apply good_join; [apply goods_a | apply goods_b]; left; reflexivity|].
    apply (IH b); [| |exact inside]; intros t there; [apply goods_a | apply goods_b]; right; exact there.
  Qed.

  Local Lemma all_layers : forall (count step : nat) (layer : list A), all layer ->
    forall l, In l (layers join count step layer) -> all l.
  Proof.
    induction count as [|count IH]; intros step layer goods l inside; cbn [layers] in inside.
    - destruct inside as [<-|[]]. exact goods.
    - destruct inside as [<-|inside]; [exact goods|]. refine (IH _ _ _ _ inside). unfold double. intros x there.
      apply in_app_or in there. destruct there as [there|there]; [exact (all_firstn step layer goods x there)|].
      exact (all_zip _ _ (all_skipn step layer goods) goods x there).
  Qed.

  Local Lemma all_columns : forall (exponents : list nat) (offset start count : nat) (windows : list (list A)),
    (forall l, In l windows -> all l) ->
    forall l, In l (columns_of nothing offset start count exponents windows) -> all l.
  Proof.
    induction exponents as [|k rest IH]; intros offset start count windows goods l inside; cbn [columns_of] in inside;
      [contradiction|].
    destruct inside as [<-|inside]; [|exact (IH _ _ _ _ goods l inside)].
    unfold from_offset. apply all_firstn. intros x there. apply in_app_or in there.
    destruct there as [there|there]; [apply repeat_spec in there; rewrite there; exact good_nothing|].
    refine (all_skipn _ _ _ x there). destruct (nth_in_or_default k windows []) as [here| ->]; [exact (goods _ here)|].
    intros y [].
  Qed.

  Local Lemma all_by_row : forall (count : nat) (columns : list (list A)), (forall l, In l columns -> all l) ->
    forall l, In l (by_row nothing count columns) -> all l.
  Proof.
    induction count as [|count IH]; intros columns goods l inside; cbn [by_row] in inside; [contradiction|].
    destruct inside as [<-|inside].
    - intros x there. apply in_map_iff in there. destruct there as (column & <- & there).
      specialize (goods column there). destruct column as [|y column]; [exact good_nothing | apply goods; left; reflexivity].
    - refine (IH _ _ _ inside). intros tail there. apply in_map_iff in there. destruct there as (column & <- & there).
      specialize (goods column there). intros x here. apply goods.
      destruct column as [|y column]; [exact here | right; exact here].
  Qed.

  Lemma all_band_rows : forall (exponents : list nat) (start count : nat) (row : list A), all row ->
    forall l, In l (band_rows join nothing exponents start count row) -> all l.
  Proof.
    intros exponents start count row goods. unfold band_rows. apply all_by_row, all_columns, all_layers. exact goods.
  Qed.
End Bands.

Lemma token_rows_small : forall (tokens : tokens_choice) (first count : nat) (all : list enclosure), all_small all ->
  forall row, In row (token_rows tokens first count all) -> all_small row.
Proof.
  intros [|exponents] first count all small row inside; cbn [token_rows] in inside.
  - apply in_map_iff in inside. destruct inside as (m & <- & _). intros e there. apply in_rev in there.
    apply small. rewrite <- (firstn_skipn (S m) all). apply in_or_app. left. exact there.
  - exact (all_band_rows either (0, 0)%uint63 small_weight either_small nothing_small _ _ _ _ small row inside).
Qed.

(** ** Numbers of operations *)

Lemma score_row_len : forall (r c : Z) (P : product) (q : nat), product_within r c P -> len (score_row P q) <= c.
Proof.
  intros r c P q size. unfold score_row. rewrite len_map. exact (len_nth_within _ _ _ _ q (product_rows_within _ _ _ size)).
Qed.

Lemma score_row_at_most : forall (r c : Z) (P : product) (q : nat), product_within r c P ->
  at_most (11 * c) (score_row_counted P q).
Proof.
  intros r c P q size. unfold score_row_counted. cbv zeta. rewrite Z.mul_comm.
  apply at_most_map; [lia | exact (len_nth_within _ _ _ _ q (product_rows_within _ _ _ size))|]. intros x _. count.
Qed.

Lemma weight_at_most : forall (p : precision) (t : int) (s : scored), at_most 403 (weight_counted p t s).
Proof. intros p t s. unfold weight_counted. count. Qed.

Definition extend_bound (more before : Z) : Z := 402 + 406 * more + 5 * before.

Lemma extend_at_most : forall (p : precision) (st : state) (more : list scored),
  at_most (extend_bound (len more) (len (weights st))) (extend_counted p st more).
Proof.
  intros p st [|s more]; unfold extend_bound.
  - apply at_most_free. unfold len. lia.
  - unfold extend_counted. eapply at_most_le.
    { eapply at_most_then; [apply at_most_fold_left with (c := 3); [lia | apply Z.le_refl | auto with lengths]|].
      eapply at_most_then; [apply relative_exp_at_most|].
      eapply at_most_then; [apply at_most_map with (c := 5); [lia | apply Z.le_refl | auto with lengths]|].
      eapply at_most_then; [apply at_most_map with (c := 403); [lia | apply Z.le_refl | intros; apply weight_at_most]|].
      apply at_most_free, Z.le_refl. }
    rewrite len_map. unfold scored. lia.
Qed.

Lemma extend_len : forall (p : precision) (st : state) (more : list scored),
  len (weights (extend p st more)) = len (weights st) + len more.
Proof.
  intros p st [|s more]; cbn [extend weights]; [rewrite len_nil; lia|]. rewrite len_app, !len_map. reflexivity.
Qed.

Definition token_rows_bound (tokens : tokens_choice) (tokens_so_far : Z) : Z :=
  8 * exponents_of tokens + largest_of tokens * (1 + 2 * tokens_so_far).

Lemma token_rows_at_most : forall (tokens : tokens_choice) (first count : nat) (all : list enclosure) (c : Z), len all <= c ->
  at_most (token_rows_bound tokens c) (token_rows_counted tokens first count all).
Proof.
  intros [|exponents] first count all c short; unfold token_rows_bound, token_rows_counted; cbn [exponents_of largest_of].
  - apply at_most_free. lia.
  - eapply at_most_le.
    { eapply at_most_then; [apply at_most_map with (c := 3); [lia | apply Z.le_refl | intros; apply exponent_of_at_most]|].
      rewrite (value_map _ _ _ exponent_of) by apply exponent_of_value.
      apply (band_rows_at_most either_counted either) with (cost := 2) (c := c); [reflexivity | lia | | exact short].
      intros x y. apply at_most_several, Z.le_refl. }
    rewrite len_map. lia.
Qed.
