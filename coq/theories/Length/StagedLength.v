(* CompactProofs: Length: StagedLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix Cert.Outcome Cert.Tables Cert.Terms Cert.Bands.
From CompactProofs Require Import Cert.Products Cert.Outputs Cert.Attention Cert.Gaps Cert.CreditsCheck Cert.Staged.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.ProductsCounted.
From CompactProofs Require Import Length.GapsCounted Length.CountingCounted Length.StagedCounted.
From CompactProofs Require Import Length.MatrixLength Length.TablesLength Length.ProductsLength Length.BandsLength.
From CompactProofs Require Import Length.GapsLength Length.CountingLength Length.WeightsLength Length.CasesLength.
Import ListNotations.
(** * One case of a proof by stages: how many operations it takes
    - [right_case_bound p w R N V], [wrong_case_bound p w R V] == for one case: p free positions, w bands, resolution R and near
                        resolution N, V choices of rivals
    - [total f l] == the sum of f over l
    Main results: [right_case_at_most], [wrong_case_at_most], [total_triangle]. *)
Local Open Scope Z_scope.

Definition total {A : Type} (f : A -> Z) (l : list A) : Z := fold_right (fun x sum => f x + sum) 0 l.

Definition count_case_bound (p w R : Z) : Z := if R =? 0 then 1 else 17 + 16 * p * w + count_choices_bound p w (R + p + 2).

Definition right_case_bound (p w R N V : Z) : Z :=
  3 + count_case_bound p w R + (if N =? 0 then 0 else 3 + V * (3 + count_case_bound p w N)).

Definition wrong_case_bound (p w R V : Z) : Z := V * (3 + count_case_bound p w R).

(** ** One case *)

Lemma is_zero_value : forall x : int, (x =? 0)%uint63 = (to_Z x =? 0).
Proof.
  intro x. apply Bool.eq_true_iff_eq. rewrite Z.eqb_eq. rewrite eqb_spec. split; [intros ->; reflexivity|].
  intro same. apply to_Z_inj. exact same.
Qed.

Definition weights_ok (W : case_weights) : Prop :=
  all_small (of_bands W) /\ all_small (of_positions W) /\ small_weight (of_last_token W) /\ small_weight (of_last_position W).

Section Case.
  Context (digits : int) (seen : bool) (i : info) (W : case_weights) (p bands : Z).
  Context (p_nonneg : 0 <= p) (bands_nonneg : 0 <= bands).
  Local Notation m := (answer_token i).
  Local Notation w := (bands_at bands m).
  Context (W_ok : weights_ok W).

  Local Lemma w_nonneg : 0 <= w.
  Proof. unfold bands_at. lia. Qed.

  Local Lemma upper_term_small : forall (e : enclosure) (gap : int), small_weight e -> Z.abs (signed gap) <= 2 ^ 30 ->
    Z.abs (signed (upper_term e gap)) <= 2 ^ 30.
  Proof.
    intros e gap [low high] small. unfold upper_term, scale_up.
    set (factor := if slt 0 gap then snd e else fst e).
    assert (factor_small : to_Z factor <= 2 ^ 30) by (unfold factor; destruct (slt 0 gap); assumption).
    assert (nonneg := to_Z_range factor).
    assert (product : signed (gap * factor)%uint63 = signed gap * to_Z factor).
    { assert (same : signed factor = to_Z factor) by (apply signed_small; lia). rewrite signed_mul; rewrite same; nia. }
    apply shift_up_abs; change (to_Z 30) with 30; rewrite ?product; nia.
  Qed.

  Local Lemma zip_entry : forall (A B C : Type) (f : A -> B -> C) (a : list A) (b : list B) (z : C),
    In z (zip_with f a b) -> exists x y, In x a /\ In y b /\ z = f x y.
  Proof.
    intros A B C f. induction a as [|x a IH]; intros [|y b] z inside; try contradiction inside.
    destruct inside as [<-|inside]; [exists x, y; split; [left|split; [left|]]; reflexivity|].
    destruct (IH b z inside) as (x' & y' & there & here & ->). exists x', y'. split; [right|split; [right|]]; auto.
  Qed.

  Lemma case_columns_within : forall c : gap_case, case_ok p bands m c ->
    within p w (case_columns W c) /\ costs_small (case_columns W c).
  Proof.
    intros c [positions rows]. destruct W_ok as (bands_small & positions_small & _). split.
    - split; [apply w_nonneg|]. split; [eapply Z.le_trans; [apply len_zip | exact positions]|].
      intros column inside. destruct (zip_entry _ _ _ _ _ _ _ inside) as (position & gaps & _ & there & ->).
      eapply Z.le_trans; [apply len_zip | apply rows, there].
    - intros column h inside inside_column.
      destruct (zip_entry _ _ _ _ _ _ _ inside) as (position & gaps & position_in & gaps_in & ->).
      destruct (zip_entry _ _ _ _ _ _ _ inside_column) as (token & gap & token_in & gap_in & ->).
      apply upper_term_small; [apply both_small; [apply bands_small, token_in | apply positions_small, position_in]|].
      exact (proj2 (rows gaps gaps_in) gap gap_in).
  Qed.

  Lemma count_case_at_most : forall (strictness : Z) (bins : int) (c : gap_case), case_ok p bands m c -> 0 <= strictness <= 1 ->
    at_most (count_case_bound p w (to_Z bins)) (count_case_counted digits seen i W strictness bins c).
  Proof.
    intros strictness bins c ok strict. destruct (case_columns_within c ok) as [size small].
    unfold count_case_counted, count_case_bound. rewrite <- is_zero_value.
    destruct (bins =? 0)%uint63.
    { eapply at_most_bind with (a := 1) (b := 0); [apply at_most_once; lia | cbn [once returned] | lia].
      apply at_most_free. lia. }
    eapply at_most_bind with (a := 1) (b := 16 + 16 * p * w + count_choices_bound p w (to_Z bins + p + 2));
      [apply at_most_once; lia | cbn [once returned] | lia].
    eapply at_most_le.
    { eapply at_most_then.
      { apply at_most_zip with (c := w * 16) (r := p); [assert (some := w_nonneg); lia | right; apply ok|].
        intros position gaps _ inside.
        apply at_most_zip; [lia | right; exact (proj1 (proj2 ok gaps inside))|]. intros token gap _ _. count. }
      rewrite case_columns_value.
      eapply at_most_then; [unfold case_last_counted; apply at_most_then; [apply both_at_most | apply upper_term_at_most]|].
      rewrite case_last_value.
      eapply at_most_then; [|apply count_choices_at_most; [exact size | exact small | exact strict]].
      unfold case_choices_counted. apply at_most_if; [apply at_most_free, Z.le_refl | apply at_most_once, Z.le_refl]. }
    lia.
  Qed.

  Local Lemma case_choices_at_most : at_most 1 (case_choices_counted seen i).
  Proof. unfold case_choices_counted. destruct seen; [apply at_most_free; lia | apply at_most_once; lia]. Qed.

  Lemma count_case_bound_nonneg : forall R : Z, 0 <= R -> 0 <= count_case_bound p w R.
  Proof.
    intros R positive. assert (some := w_nonneg). unfold count_case_bound, count_choices_bound, programme_bound.
    destruct (R =? 0); [lia|]. assert (0 <= p * w) by nia. assert (0 <= (R + p + 2) * w) by nia. nia.
  Qed.

  Lemma right_case_at_most : forall (V : Z) (cases : list gap_case), (forall c, In c cases -> case_ok p bands m c) ->
    len cases <= 1 + V -> 0 <= V ->
    at_most (right_case_bound p w (to_Z (resolution i)) (to_Z (near_resolution i)) V)
      (right_case_counted digits seen i W cases).
  Proof.
    intros V cases ok few V_nonneg. assert (R_nonneg := to_Z_range (resolution i)).
    assert (N_nonneg := to_Z_range (near_resolution i)).
    assert (first := count_case_bound_nonneg (to_Z (resolution i)) ltac:(lia)).
    assert (second := count_case_bound_nonneg (to_Z (near_resolution i)) ltac:(lia)).
    assert (rest_nonneg : 0 <= V * (3 + count_case_bound p w (to_Z (near_resolution i)))) by nia.
    unfold right_case_counted, right_case_bound. rewrite <- is_zero_value.
    destruct cases as [|all groups]; [apply at_most_free; destruct (near_resolution i =? 0)%uint63; lia|].
    rewrite len_cons in few. eapply at_most_le.
    { eapply at_most_then; [apply count_case_at_most; [apply ok; left; reflexivity | lia]|].
      eapply at_most_then; [apply case_choices_at_most|].
      eapply at_most_then; [apply at_most_once, Z.le_refl|].
      apply at_most_if; [apply at_most_free, Z.le_refl|].
      eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
      apply at_most_le with (if (near_resolution i =? 0)%uint63 then 0
        else 3 + V * (3 + count_case_bound p w (to_Z (near_resolution i)))); [|apply Z.le_refl].
      destruct (near_resolution i =? 0)%uint63; [apply at_most_free, Z.le_refl|].
      destruct groups as [|c groups]; [apply at_most_free; lia|]. eapply at_most_le.
      { eapply at_most_then.
        { apply at_most_fold_right with (c := 3 + count_case_bound p w (to_Z (near_resolution i))) (r := V); [lia | lia|].
          intros x a inside. eapply at_most_le.
          { eapply at_most_then; [apply case_choices_at_most|].
            eapply at_most_then; [apply count_case_at_most; [apply ok; right; exact inside | lia] | apply at_most_several,
              Z.le_refl]. }
          lia. }
        eapply at_most_then; [apply case_choices_at_most | apply at_most_several, Z.le_refl]. }
      lia. }
    destruct (near_resolution i =? 0)%uint63; lia.
  Qed.

  Lemma wrong_case_at_most : forall (d : nat) (rivals : list rivals) (cases : list gap_case) (V : Z),
    (forall c, In c cases -> case_ok p bands m c) -> len rivals <= V ->
    at_most (wrong_case_bound p w (to_Z (resolution i)) V) (wrong_case_counted digits seen i W d rivals cases).
  Proof.
    intro d. assert (R_nonneg := to_Z_range (resolution i)).
    assert (first := count_case_bound_nonneg (to_Z (resolution i)) ltac:(lia)). unfold wrong_case_bound.
    induction rivals as [|v rivals IH]; intros [|c cases] V ok few; cbn [wrong_case_counted];
      try (apply at_most_free; unfold len in few; nia).
    rewrite len_cons in few. eapply at_most_le.
    { eapply at_most_then; [apply (IH cases (V - 1)); [intros x inside; apply ok; right; exact inside | lia]|].
      eapply at_most_then.
      { unfold rival_exists_counted.
        instantiate (1 := 2). destruct v; (apply at_most_several || apply at_most_once || apply at_most_free); lia. }
      apply at_most_if; [|apply at_most_free, Z.le_refl].
      eapply at_most_then; [apply count_case_at_most; [apply ok; left; reflexivity | lia] | apply at_most_once, Z.le_refl]. }
    lia.
  Qed.
End Case.

(** ** Sums *)

Lemma total_cons : forall (A : Type) (f : A -> Z) (x : A) (l : list A), total f (x :: l) = f x + total f l.
Proof. reflexivity. Qed.

Lemma total_nonneg : forall (A : Type) (f : A -> Z) (l : list A), (forall x, 0 <= f x) -> 0 <= total f l.
Proof. intros A f l nonneg. induction l as [|x l IH]; [reflexivity|]. rewrite total_cons. specialize (nonneg x). lia. Qed.

Lemma total_app : forall (A : Type) (f : A -> Z) (a b : list A), total f (a ++ b) = total f a + total f b.
Proof. intros A f a b. induction a as [|x a IH]; [reflexivity|]. cbn [app]. rewrite !total_cons, IH. lia. Qed.

Lemma total_map : forall (A B : Type) (f : B -> Z) (g : A -> B) (l : list A), total f (map g l) = total (fun x => f (g x)) l.
Proof. intros A B f g l. induction l as [|x l IH]; [reflexivity|]. cbn [map]. rewrite !total_cons, IH. reflexivity. Qed.

Lemma total_ext : forall (A : Type) (f g : A -> Z) (l : list A), (forall x, In x l -> f x = g x) -> total f l = total g l.
Proof.
  intros A f g l same. induction l as [|x l IH]; [reflexivity|]. rewrite !total_cons, (same x) by (left; reflexivity).
  rewrite IH; [reflexivity|]. intros y inside. apply same. right. exact inside.
Qed.

Lemma total_plus : forall (A : Type) (f g : A -> Z) (l : list A), total (fun x => f x + g x) l = total f l + total g l.
Proof. intros A f g l. induction l as [|x l IH]; [reflexivity|]. rewrite !total_cons, IH. lia. Qed.

Lemma total_const : forall (A : Type) (c : Z) (l : list A), total (fun _ => c) l = len l * c.
Proof. intros A c l. induction l as [|x l IH]; [reflexivity|]. rewrite len_cons, total_cons, IH. lia. Qed.

(** The sum over q of the sums over m = q, q + 1, ..: m stands in m + 1 of them. *)
Lemma total_triangle : forall (f : nat -> Z) (count start : nat),
  total (fun q => total f (seq q (start + count - q))) (seq start count) =
  total (fun m => Z.of_nat (S m - start) * f m) (seq start count).
Proof.
  intros f. induction count as [|count IH]; intro start; [reflexivity|]. cbn [seq].
  change (total ?g (?x :: ?l)) with (g x + total g l). cbv beta.
  replace (start + S count - start)%nat with (S count) by lia. cbn [seq].
  change (total f (start :: seq (S start) count)) with (f start + total f (seq (S start) count)).
  rewrite (total_ext _ (fun q => total f (seq q (start + S count - q))) (fun q => total f (seq q (S start + count - q))))
    by (intros q _; do 2 f_equal; lia).
  rewrite IH.
  rewrite (total_ext _ (fun m => Z.of_nat (S m - start) * f m) (fun m => f m + Z.of_nat (S m - S start) * f m)
    (seq (S start) count)).
  - rewrite total_plus. replace (Z.of_nat (S start - start)) with 1 by lia. lia.
  - intros m inside. apply in_seq in inside. replace (Z.of_nat (S m - start)) with (1 + Z.of_nat (S m - S start)) by lia. lia.
Qed.

Lemma at_most_fold_right_total : forall (A B : Type) (f : B -> A -> counted A) (start : A) (l : list B) (cost : B -> Z),
  (forall x a, In x l -> at_most (cost x) (f x a)) -> at_most (total cost l) (fold_right_counted f start l).
Proof.
  intros A B f start l cost each. induction l as [|x l IH]; [apply at_most_free; reflexivity|].
  change (total cost (x :: l)) with (cost x + total cost l).
  apply at_most_bind with (total cost l) (cost x); [|apply each; left; reflexivity|lia].
  apply IH. intros y a inside. apply each. right. exact inside.
Qed.

Lemma at_most_map_total : forall (A B : Type) (f : A -> counted B) (l : list A) (cost : A -> Z),
  (forall x, In x l -> at_most (cost x) (f x)) -> at_most (total cost l) (map_counted f l).
Proof.
  intros A B f l cost each. induction l as [|x l IH]; [apply at_most_free; reflexivity|].
  change (total cost (x :: l)) with (cost x + total cost l).
  apply at_most_bind with (cost x) (total cost l); [apply each; left; reflexivity| |lia].
  apply at_most_bind with (total cost l) 0; [|apply at_most_free; lia|lia].
  apply IH. intros y inside. apply each. right. exact inside.
Qed.
