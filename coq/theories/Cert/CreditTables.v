(* CompactProofs: Cert: CreditTables *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Base.Sums Base.Signed63.
From CompactProofs Require Import Cert.Terms Cert.Bands Cert.CreditsCheck.
Import ListNotations.
(** * Tables of credits are functions of what is needed
    - [holds needed table f]        == entry j of [table] is [f (needed - j)], modulo 2^63
    - [settled f]                   == [f] is the same for all needs up to 0
    - [band_sum widths credits f z] == the sum of [f] at what is needed after each token of the bands
    Main results: [holds_add], [holds_spread], [look_up_sum] (the operations on tables), [band_sum_expand] (bands are lists by
    distance), [expand_map], [bands_length]. *)
Local Open Scope Z_scope.

(** ** Lists by distance *)

Lemma expand_cons : forall (A : Type) (width : nat) (widths : list nat) (x : A) (l : list A),
  expand (width :: widths) (x :: l) = repeat x width ++ expand widths l.
Proof. reflexivity. Qed.

Lemma expand_map : forall (A B : Type) (f : A -> B) (widths : list nat) (l : list A),
  expand widths (map f l) = map f (expand widths l).
Proof.
  intros A B f widths. induction widths as [|width widths IH]; intros [|x l]; try reflexivity.
  cbn [map]. rewrite !expand_cons, IH, map_app. f_equal. induction width as [|width IHw]; [reflexivity|].
  cbn [repeat map]. rewrite IHw. reflexivity.
Qed.

Lemma bands_length : forall (A : Type) (widths : list nat) (l : list A),
  length l = length widths -> length (expand widths l) = list_sum widths.
Proof.
  intros A widths. induction widths as [|width widths IH]; intros [|x l] len; try discriminate len; [reflexivity|].
  rewrite expand_cons, app_length, repeat_length, IH by (cbn in len; lia). reflexivity.
Qed.

Lemma expand_in : forall (A : Type) (widths : list nat) (l : list A) (x : A), In x (expand widths l) -> In x l.
Proof.
  intros A widths. induction widths as [|width widths IH]; intros [|y l] x inside; try contradiction inside.
  rewrite expand_cons in inside. apply in_app_or in inside. destruct inside as [here|later].
  - left. symmetry. exact (repeat_spec _ _ _ here).
  - right. exact (IH _ _ later).
Qed.

Local Lemma sumZ_snoc : forall (n : nat) (f : nat -> Z), sumZ (S n) f = sumZ n f + f n.
Proof.
  induction n as [|n IH]; intros f; [cbn; lia|].
  change (sumZ (S (S n)) f) with (f O + sumZ (S n) (fun k => f (S k))). rewrite IH. cbn [sumZ]. lia.
Qed.

(** From tokens to distances. *)
Lemma sumZ_reverse : forall (m : nat) (f : nat -> Z), sumZ (S m) f = sumZ (S m) (fun k => f (m - k)%nat).
Proof.
  induction m as [|m IH]; intros f; [reflexivity|].
  rewrite (sumZ_snoc (S m) f), IH.
  change (sumZ (S (S m)) (fun k => f (S m - k)%nat)) with (f (S m) + sumZ (S m) (fun k => f (m - k)%nat)). lia.
Qed.

(** ** Entries of tables; a table goes on with its last entry *)

Local Notation entry j table := (nth j table (last table 0%uint63)).

Local Lemma spend_some : forall (table : list int) (k : int), table <> [] -> spend table k <> [].
Proof.
  induction table as [|x table IH]; intros k some; [contradiction|]. cbn [spend].
  destruct table as [|y table]; [exact some|]. destruct (k =? 0)%uint63; [exact some | apply IH; discriminate].
Qed.

Local Lemma spend_entry : forall (table : list int) (k : int) (j : nat),
  entry j (spend table k) = entry (j + Z.to_nat (to_Z k)) table.
Proof.
  induction table as [|x table IH]; intros k j; cbn [spend].
  - destruct j, (Z.to_nat (to_Z k)); reflexivity.
  - destruct table as [|y table].
    + cbn [last nth]. destruct j as [|[|j]], (Z.to_nat (to_Z k)) as [|[|n]]; reflexivity.
    + assert (range := to_Z_range k). destruct (Uint63.eqb_spec k 0) as [to_zero from_zero].
      destruct (k =? 0)%uint63.
      * rewrite (to_zero eq_refl). change (Z.to_nat (to_Z 0)) with O. rewrite Nat.add_0_r. reflexivity.
      * assert (positive : to_Z k <> 0).
        { intro zero. assert (same : k = 0%uint63) by (apply to_Z_inj; exact zero).
          specialize (from_zero same). discriminate from_zero. }
        assert (value : to_Z (k - 1) = to_Z k - 1).
        { apply to_Z_of_congruent; [|lia]. apply congruent_sub; [apply congruent_to_Z | exact (congruent_to_Z 1)]. }
        rewrite IH, value. replace (j + Z.to_nat (to_Z k))%nat with (S (j + Z.to_nat (to_Z k - 1))) by lia. reflexivity.
Qed.

Local Lemma add_table_length : forall (width : int) (b a : list int), a <> [] -> length (add_table width a b) = length b.
Proof.
  intros width. induction b as [|y b IH]; intros a some; [reflexivity|].
  destruct a as [|x a]; [contradiction|]. cbn [add_table length]. f_equal. apply IH. destruct a; discriminate.
Qed.

Local Lemma add_table_nth : forall (width : int) (b a : list int) (j : nat), a <> [] -> (j < length b)%nat ->
  nth j (add_table width a b) 0%uint63 = (width * entry j a + nth j b 0)%uint63.
Proof.
  intros width. induction b as [|y b IH]; intros a j some inside; [inversion inside|].
  destruct a as [|x a]; [contradiction|]. cbn [add_table]. destruct j as [|j]; [reflexivity|].
  cbn [nth]. cbn [length] in inside. rewrite IH by (try lia; destruct a; discriminate).
  destruct a as [|v a]; [|reflexivity]. destruct j as [|[|j]]; reflexivity.
Qed.

Local Lemma entry_inside : forall (table : list int) (j : nat), (j < length table)%nat -> entry j table = nth j table 0%uint63.
Proof. intros table j inside. apply nth_indep, inside. Qed.

Local Lemma entry_outside : forall (table : list int) (j : nat), (length table <= S j)%nat ->
  entry j table = nth (length table - 1) table 0%uint63.
Proof.
  induction table as [|x table IH]; intros j outside; [destruct j; reflexivity|].
  destruct table as [|y table].
  - destruct j as [|[|j]]; reflexivity.
  - destruct j as [|j]; [cbn in outside; lia|].
    change (entry j (y :: table) = nth (length (x :: y :: table) - 1) (x :: y :: table) 0%uint63).
    rewrite IH by (cbn in *; lia). cbn [length]. replace (S (S (length table)) - 1)%nat with (S (length table)) by lia.
    replace (S (length table) - 1)%nat with (length table) by lia. reflexivity.
Qed.

Lemma first_entry : forall table : list int, first table = entry 0 table.
Proof. intros [|x table]; reflexivity. Qed.

(** ** Tables as functions of what is needed *)

Definition settled (f : Z -> Z) : Prop := forall z : Z, z <= 0 -> f z = f 0.

Definition holds (needed : nat) (table : list int) (f : Z -> Z) : Prop :=
  length table = S needed /\
  forall j : nat, (j <= needed)%nat -> congruent (nth j table 0%uint63) (f (Z.of_nat needed - Z.of_nat j)).

Local Notation as_int width := (of_Z (Z.of_nat width)).

Fixpoint band_sum (widths : list nat) (credits : list int) (f : Z -> Z) (z : Z) : Z :=
  match widths, credits with
  | width :: widths', k :: credits' => Z.of_nat width * f (z - to_Z k) + band_sum widths' credits' f z
  | _, _ => 0
  end.

Section Tables.
  Context (needed : nat).

  Local Lemma holds_some : forall (table : list int) (f : Z -> Z), holds needed table f -> table <> [].
  Proof. intros table f [len _] none. rewrite none in len. discriminate len. Qed.

  Lemma holds_spend : forall (table : list int) (f : Z -> Z) (k : int) (j : nat),
    holds needed table f -> settled f ->
    congruent (entry j (spend table k)) (f (Z.of_nat needed - Z.of_nat j - to_Z k)).
  Proof.
    intros table f k j [len each] flat. rewrite spend_entry. assert (range := to_Z_range k).
    set (i := (j + Z.to_nat (to_Z k))%nat).
    replace (Z.of_nat needed - Z.of_nat j - to_Z k) with (Z.of_nat needed - Z.of_nat i) by (unfold i; lia).
    destruct (Nat.le_gt_cases i needed) as [inside|outside].
    - rewrite entry_inside by lia. apply each, inside.
    - rewrite entry_outside, len by lia. rewrite (flat (Z.of_nat needed - Z.of_nat i)) by lia.
      assert (end_value := each (S needed - 1)%nat ltac:(lia)).
      replace (Z.of_nat needed - Z.of_nat (S needed - 1)) with 0 in end_value by lia. exact end_value.
  Qed.

  Lemma holds_add : forall (width k : int) (w : Z) (table b : list int) (f g : Z -> Z),
    holds needed table f -> settled f -> congruent width w -> holds needed b g ->
    holds needed (add_table width (spend table k) b) (fun z => w * f (z - to_Z k) + g z).
  Proof.
    intros width k w table b f g each flat same [len_b each_b].
    assert (some := spend_some table k (holds_some table f each)).
    split; [rewrite add_table_length by exact some; exact len_b|].
    intros j inside. rewrite add_table_nth by (try exact some; lia).
    apply congruent_add; [|apply each_b, inside]. apply congruent_mul; [exact same|]. apply holds_spend; assumption.
  Qed.

  Lemma holds_spread : forall (widths : list nat) (credits table zeros : list int) (f : Z -> Z),
    holds needed table f -> settled f -> holds needed zeros (fun _ => 0) ->
    holds needed (spread (map (fun width => as_int width) widths) credits table zeros) (band_sum widths credits f).
  Proof.
    intros widths credits table zeros f each flat none. revert credits.
    induction widths as [|width widths IH]; intros [|k credits]; try exact none.
    cbn [map spread]. refine (holds_add _ k (Z.of_nat width) table _ f (band_sum widths credits f) each flat _ (IH _)).
    apply congruent_of_Z.
  Qed.

  Lemma look_up_sum : forall (widths : list nat) (credits table : list int) (f : Z -> Z),
    holds needed table f -> settled f ->
    congruent (look_up (map (fun width => as_int width) widths) credits table) (band_sum widths credits f (Z.of_nat needed)).
  Proof.
    intros widths credits table f each flat. revert credits.
    induction widths as [|width widths IH]; intros [|k credits]; try exact (congruent_to_Z 0).
    cbn [map look_up band_sum]. apply congruent_add; [|apply IH]. apply congruent_mul; [apply congruent_of_Z|].
    rewrite first_entry. assert (value := holds_spend table f k 0 each flat).
    change (Z.of_nat 0) with 0 in value. rewrite Z.sub_0_r in value. exact value.
  Qed.
End Tables.

Lemma band_sum_settled : forall (widths : list nat) (credits : list int) (f : Z -> Z),
  settled f -> settled (band_sum widths credits f).
Proof.
  intros widths credits f flat z low. revert credits.
  induction widths as [|width widths IH]; intros [|k credits]; try reflexivity.
  assert (range := to_Z_range k). cbn [band_sum]. rewrite IH, (flat (z - to_Z k)), (flat (0 - to_Z k)) by lia. reflexivity.
Qed.

Lemma band_sum_range : forall (widths : list nat) (credits : list int) (f : Z -> Z) (b z : Z),
  (forall y, 0 <= f y <= b) -> 0 <= band_sum widths credits f z <= Z.of_nat (list_sum widths) * b.
Proof.
  intros widths credits f b z range. revert credits.
  assert (nonneg := range 0).
  assert (none : forall n : nat, 0 <= 0 <= Z.of_nat n * b) by (intro n; split; [|apply Z.mul_nonneg_nonneg]; lia).
  induction widths as [|width widths IH]; intros [|k credits]; try apply none.
  - specialize (IH credits). specialize (range (z - to_Z k)). cbn [band_sum].
    change (list_sum (width :: widths)) with (width + list_sum widths)%nat. rewrite Nat2Z.inj_add. nia.
Qed.

Local Lemma sumZ_const : forall (n : nat) (f : nat -> Z) (a : Z),
  (forall k, (k < n)%nat -> f k = a) -> sumZ n f = Z.of_nat n * a.
Proof.
  induction n as [|n IH]; intros f a same; [reflexivity|]. cbn [sumZ]. rewrite (same O) by lia.
  rewrite (IH _ a) by (intros k below; apply same; lia). lia.
Qed.

Lemma band_sum_expand : forall (widths : list nat) (credits : list int) (f : Z -> Z) (z : Z),
  length credits = length widths ->
  band_sum widths credits f z = sumZ (list_sum widths) (fun d => f (z - to_Z (nth d (expand widths credits) 0%uint63))).
Proof.
  intros widths. induction widths as [|width widths IH]; intros [|k credits] f z len; try discriminate len; [reflexivity|].
  cbn [band_sum]. change (list_sum (width :: widths)) with (width + list_sum widths)%nat.
  rewrite sumZ_app, expand_cons. f_equal.
  - symmetry. apply sumZ_const. intros d inside. rewrite app_nth1 by (rewrite repeat_length; exact inside).
    rewrite nth_indep with (d' := k) by (rewrite repeat_length; exact inside). rewrite nth_repeat. reflexivity.
  - rewrite IH by (cbn in len; lia). apply sumZ_ext. intros d _.
    rewrite app_nth2; rewrite repeat_length; [|lia]. replace (width + d - width)%nat with d by lia. reflexivity.
Qed.

Lemma holds_zeros : forall needed : nat, holds needed (repeat 0%uint63 (S needed)) (fun _ => 0).
Proof.
  intro needed. split; [apply repeat_length|]. intros j _. rewrite nth_repeat. exact (congruent_to_Z 0).
Qed.

Lemma holds_start : forall (needed : nat) (one : int),
  holds needed (repeat 0%uint63 needed ++ [one]) (fun z => if z <=? 0 then to_Z one else 0).
Proof.
  intros needed one. split; [rewrite app_length, repeat_length; cbn; lia|]. intros j inside.
  destruct (Z.leb_spec (Z.of_nat needed - Z.of_nat j) 0) as [last|before].
  - rewrite app_nth2; rewrite repeat_length; [|lia]. replace (j - needed)%nat with O by lia. apply congruent_to_Z.
  - rewrite app_nth1 by (rewrite repeat_length; lia). rewrite nth_repeat. exact (congruent_to_Z 0).
Qed.
