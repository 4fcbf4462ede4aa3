(* CompactProofs: Modular: Length: HomogeneityL1TablesLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Signed63 Base.Matrix Modular.Form Modular.HomogeneityL1.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.MatrixLength.
From CompactProofs Require Import Modular.Length.FormCounted Modular.Length.HomogeneityL1Counted.
Import ListNotations.
(** * homogeneity_l1: how many operations its tables take
    Sizes: order p; the number of neurons of a group, of groups, of watched distances of a difference.
    - [product_bound p] == for how far the tables of cosines and sines are from the addition theorem
    Main results: [worst_product_at_most], [group_of_at_most], [margin_at_most]. *)
Local Open Scope Z_scope.

Definition product_bound (p : Z) : Z := 2 + 24 * p + 16 * (p * p).

(** ** Tables *)

Lemma table_ints_at_most : forall (n : Z) (l : list Z), len l <= n -> at_most n (table_ints_counted l).
Proof.
  intros n l short. apply at_most_le with (n * 1); [|lia]. apply at_most_map; [lia | exact short|].
  intros z _. apply at_most_once, Z.le_refl.
Qed.

Lemma table_wave_at_most : forall (p : nat) (T : list int) (k : Z) (n : nat),
  at_most (5 * Z.of_nat n) (table_wave_counted p T k n).
Proof.
  intros p T k n. apply at_most_le with (Z.of_nat n * 5); [|lia]. apply at_most_map; [lia | rewrite len_seq; lia|].
  intros x _. count.
Qed.

Lemma table_wave_len : forall (p : nat) (T : list int) (k : Z) (n : nat), len (table_wave p T k n) = Z.of_nat n.
Proof. intros p T k n. unfold table_wave. rewrite len_map. apply len_seq. Qed.

Section Trigonometry.
  Context (p : nat) (n0 : int).
  Local Notation order := (Z.of_nat p).

  Lemma product_gaps_at_most : forall (C T T2 : list int) (i : nat), len T <= order -> len T2 <= 2 * order ->
    at_most (2 + 5 * order) (product_gaps_counted p n0 C T T2 i).
  Proof.
    intros C T T2 i T_short T2_short. unfold product_gaps_counted. eapply at_most_le.
    { eapply at_most_then; [apply at_most_once, Z.le_refl|]. eapply at_most_then; [apply at_most_once, Z.le_refl|].
      eapply at_most_then with (a := 2 * order * 1).
      { apply at_most_zip; [lia | left; etransitivity; [apply len_skipn | exact T2_short]|].
        intros x y _ _. apply at_most_once, Z.le_refl. }
      apply at_most_zip with (c := 3) (r := order); [lia | left; exact T_short|].
      intros x y _ _. apply at_most_several, Z.le_refl. }
    lia.
  Qed.

  Lemma product_gaps_len : forall (C T T2 : list int) (i : nat), len (product_gaps p n0 C T T2 i) <= len T.
  Proof. intros C T T2 i. apply (proj1 (len_zip_with _ _ _ _ _ _)). Qed.

  Lemma worst_product_at_most : forall C S : list int, len C <= order -> len S <= order ->
    at_most (product_bound order) (worst_product_counted p n0 C S).
  Proof.
    intros C S C_short S_short. unfold worst_product_counted, product_gap_rows_counted, product_bound.
    assert (rows : forall T T2, len T <= order -> len T2 <= 2 * order ->
      at_most (order * (2 + 5 * order)) (map_counted (product_gaps_counted p n0 C T T2) (seq 0 p))).
    { intros T T2 T_short T2_short. apply at_most_map; [lia | rewrite len_seq; lia|].
      intros i _. apply product_gaps_at_most; assumption. }
    assert (long : forall T, len (table_wave p T 1 (p + p)) <= 2 * order) by (intro T; rewrite table_wave_len; lia).
    eapply at_most_le.
    { eapply at_most_then.
      { eapply at_most_then; [apply at_most_once, Z.le_refl|]. eapply at_most_then; [apply table_wave_at_most|].
        rewrite table_wave_value. eapply at_most_then; [apply at_most_once, Z.le_refl|].
        eapply at_most_then; [apply table_wave_at_most|]. rewrite table_wave_value. cbn [once returned].
        eapply at_most_then; [apply rows; [exact C_short | apply long]|].
        eapply at_most_then; [apply rows; [exact S_short | apply long] | apply at_most_free, Z.le_refl]. }
      apply (max_abs_at_most (2 * order) order).
      change (within (2 * order) order (returned (product_gap_rows_counted p n0 C S))).
      unfold product_gap_rows_counted. values. split; [lia|]. rewrite len_app, !len_map, len_seq. split; [lia|].
      intros row inside. apply in_app_iff in inside.
      destruct inside as [inside|inside]; apply in_map_iff in inside; destruct inside as (i & <- & _);
        (etransitivity; [apply product_gaps_len | assumption]). }
    cbn [once returned]. lia.
  Qed.
End Trigonometry.

Lemma cosine_of_at_most : forall (n : Z) (x y : int) (c s : list int), len c <= n ->
  at_most (3 * n) (cosine_of_counted x y c s).
Proof.
  intros n x y c s short. apply at_most_le with (n * 3); [|lia]. apply at_most_zip; [lia | left; exact short|].
  intros z t _ _. apply at_most_several, Z.le_refl.
Qed.

Lemma cosine_of_len : forall (x y : int) (c s : list int), len (cosine_of x y c s) <= len c.
Proof. intros x y c s. apply (proj1 (len_zip_with _ _ _ _ _ _)). Qed.

Lemma height_row_at_most : forall A X Y c s : list int, at_most (4 * len A) (height_row_counted A X Y c s).
Proof.
  induction A as [|a A IH]; intros [|x X] [|y Y] [|u c] [|v s]; try (apply at_most_free; unfold len; lia).
  cbn [height_row_counted]. rewrite len_cons. count.
Qed.

Lemma height_row_len : forall A X Y c s : list int, len (height_row A X Y c s) <= len A.
Proof.
  induction A as [|a A IH]; intros [|x X] [|y Y] [|u c] [|v s]; cbn [height_row]; rewrite ?len_cons, ?len_nil;
    try (unfold len; lia).
  specialize (IH X Y c s). lia.
Qed.

(** ** A group of neurons *)

Section Groups.
  Context (p : nat) (n0 d n1 : int).
  Local Notation order := (Z.of_nat p).

  Lemma raised_at_most : forall (c s : list int) (n : neuron), len c <= order -> len (neuron_U n) <= order ->
    at_most (10 * order) (raised_counted n1 c s n).
  Proof.
    intros c s n c_short U_short. unfold raised_counted, output_gap_counted. eapply at_most_le.
    { eapply at_most_then.
      { eapply at_most_then; [apply (cosine_of_at_most order), c_short|]. rewrite cosine_of_value.
        eapply at_most_then with (a := order * 2).
        { apply at_most_zip; [lia | left; exact U_short|]. intros x y _ _. apply at_most_several, Z.le_refl. }
        erewrite value_zip by reflexivity. eapply at_most_le; [apply row_max_abs_at_most|].
        apply Z.mul_le_mono_nonneg_l with (m := order); [lia|].
        etransitivity; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | exact U_short]. }
      apply at_most_map with (c := 2) (r := order); [lia | exact U_short|]. intros x _. apply at_most_several, Z.le_refl. }
    lia.
  Qed.

  Lemma side_of_at_most : forall (k : Z) (c2 s2 : list int) (ns : list neuron) (raised_rows hs : list (list int)),
    within k order hs -> at_most (7 * (k * order) + 7 * (order * order)) (side_of_counted p c2 s2 ns raised_rows hs).
  Proof.
    intros k c2 s2 ns raised_rows hs size. assert (size' := size). destruct size as (_ & rows & columns).
    unfold side_of_counted. eapply at_most_le.
    { eapply at_most_then with (a := k * (order * 1)).
      { apply at_most_zip; [lia | left; exact rows|]. intros x y inside _.
        apply at_most_zip; [lia | left; apply columns, inside|]. intros; apply at_most_once, Z.le_refl. }
      eapply at_most_then; [apply (row_times_at_most k); left; rewrite len_map; exact rows|]. rewrite row_times_value.
      set (A := row_times p _ _). assert (A_short : len A <= order) by apply row_times_len.
      eapply at_most_then; [apply (row_times_at_most k); right; exact rows|].
      eapply at_most_then; [apply (row_times_at_most k); right; exact rows|].
      eapply at_most_then with (a := order * (4 * order)).
      { apply at_most_map; [lia | rewrite len_seq; lia|]. intros e _.
        eapply at_most_le; [apply height_row_at_most|]. lia. }
      erewrite value_map by (intros; apply height_row_value).
      eapply at_most_then with (a := order * (order * 3)); [|apply at_most_free, Z.le_refl].
      apply at_most_map; [lia | rewrite len_map, len_seq; lia|]. intros row inside.
      apply in_map_iff in inside. destruct inside as (e & <- & _).
      apply at_most_fold_left; [lia | etransitivity; [apply height_row_len | exact A_short]|]. intros; apply smin_at_most. }
    lia.
  Qed.

  Lemma residual_at_most : forall (column c s : list int) (n : neuron), len c <= order ->
    at_most (2 + 7 * order) (residual_counted n0 d column c s n).
  Proof.
    intros column c s n c_short. unfold residual_counted. eapply at_most_le.
    { eapply at_most_then; [apply at_most_once, Z.le_refl|]. eapply at_most_then; [apply at_most_once, Z.le_refl|].
      eapply at_most_then; [apply (cosine_of_at_most order), c_short|]. rewrite cosine_of_value.
      apply at_most_zip with (c := 4) (r := order); [lia | right; etransitivity; [apply cosine_of_len | exact c_short]|].
      intros x y _ _. eapply at_most_bind; [apply at_most_several, Z.le_refl | apply absolute_at_most | lia]. }
    lia.
  Qed.

  Lemma spread_at_most : forall n : neuron, len (neuron_U n) <= order -> at_most (2 + 3 * order) (spread_counted n1 n).
  Proof.
    intros n U_short. unfold spread_counted.
    eapply at_most_bind; [apply row_max_abs_at_most | apply at_most_several, Z.le_refl | lia].
  Qed.

  Lemma group_of_at_most : forall (C S : list int) (s i2 k : Z) (ns : list neuron),
    (forall n, In n ns -> len (neuron_U n) <= order) ->
    at_most (6 + 40 * order + 14 * (order * order) + len ns * (6 + 51 * order))
      (group_of_counted p n0 d n1 C S s i2 k ns).
  Proof.
    intros C S s i2 k ns U_short. assert (some := len_nonneg _ ns).
    unfold group_of_counted. cbv zeta. eapply at_most_le.
    { do 2 (eapply at_most_then; [apply at_most_once, Z.le_refl|]; eapply at_most_then; [apply table_wave_at_most|]).
      do 4 (eapply at_most_then; [apply at_most_once, Z.le_refl|]; eapply at_most_then; [apply table_wave_at_most|]).
      rewrite !table_wave_value. cbn [once returned].
      set (half_c := table_wave p C (k * i2) p). assert (half_len : len half_c = order) by apply table_wave_len.
      set (c := firstn p _). assert (c_short : len c <= order) by apply (proj2 (len_firstn _ _ _)).
      set (right_c := table_wave p C (k * s) p). assert (right_len : len right_c = order) by apply table_wave_len.
      eapply at_most_then with (a := len ns * (3 * order)).
      { apply at_most_map; [lia | lia|]. intros n _. apply cosine_of_at_most. lia. }
      erewrite value_map by (intros; apply cosine_of_value). set (taus := map _ ns).
      assert (taus_within : within (len ns) order taus).
      { split; [lia|]. split; [unfold taus; rewrite len_map; lia|]. intros row inside. apply in_map_iff in inside.
        destruct inside as (n & <- & _). etransitivity; [apply cosine_of_len | lia]. }
      destruct taus_within as (_ & taus_rows & taus_columns).
      assert (relus : forall f : int -> int, within (len ns) order (map (map f) taus)).
      { intro f. apply within_map; [lia | exact taus_rows|]. intros row inside. rewrite len_map. apply taus_columns, inside. }
      eapply at_most_then with (a := len ns * (10 * order)).
      { apply at_most_map; [lia | lia|]. intros n inside. apply raised_at_most; [exact c_short | apply U_short, inside]. }
      eapply at_most_then with (a := len ns * (2 + 3 * order)).
      { apply at_most_map; [lia | lia|]. intros n inside. apply spread_at_most, U_short, inside. }
      set (spreads := returned (map_counted (spread_counted n1) ns)).
      assert (spreads_len : len spreads <= len ns).
      { unfold spreads. erewrite value_map by (intros; apply spread_value). rewrite len_map. lia. }
      eapply at_most_then with (a := len ns * (order * 1)).
      { apply at_most_map; [lia | exact taus_rows|]. intros row inside.
        apply at_most_map; [lia | apply taus_columns, inside|]. intros; apply activate63_at_most. }
      erewrite (value_map _ _ _ (map relu) taus) by (intros; apply value_map; reflexivity).
      eapply at_most_then; [apply (side_of_at_most (len ns)), relus|].
      eapply at_most_then with (a := len ns * (order * 2)).
      { apply at_most_map; [lia | exact taus_rows|]. intros row inside.
        apply at_most_map; [lia | apply taus_columns, inside|]. intros x _.
        eapply at_most_bind; [apply at_most_once, Z.le_refl | apply activate63_at_most | lia]. }
      erewrite (value_map _ _ _ (map (fun x => relu (0 - x)%uint63)) taus) by (intros; apply value_map; reflexivity).
      eapply at_most_then; [apply (side_of_at_most (len ns)), relus|].
      eapply at_most_then with (a := len ns * (2 + 7 * order)).
      { apply at_most_map; [lia | lia|]. intros n _. apply residual_at_most, c_short. }
      eapply at_most_then; [apply (row_times_at_most (len ns)); left; exact spreads_len|].
      eapply at_most_then with (a := len ns * (2 + 7 * order)).
      { apply at_most_map; [lia | lia|]. intros n _. apply residual_at_most. lia. }
      eapply at_most_then; [apply (row_times_at_most (len ns)); left; exact spreads_len|].
      apply at_most_free, Z.le_refl. }
    cbn [once returned]. rewrite ?Nat2Z.inj_add. lia.
  Qed.
End Groups.

(** ** Margins *)

Lemma least_unwatched_at_most : forall (sums : list int) (d : nat) (watched : list nat) (low : int),
  at_most (4 * len sums) (least_unwatched_counted d watched sums low).
Proof.
  induction sums as [|x sums IH]; intros d watched low; [apply at_most_free, Z.le_refl|].
  rewrite len_cons. assert (some := len_nonneg _ sums).
  destruct watched as [|w more]; cbn [least_unwatched_counted].
  - eapply at_most_bind; [apply smin_at_most | apply IH | lia].
  - apply at_most_bind with 1 (3 + 4 * len sums); [apply at_most_once, Z.le_refl| |lia].
    match goal with |- context [if ?b then _ else _] => destruct b end.
    + eapply at_most_le; [apply IH | lia].
    + eapply at_most_bind; [apply smin_at_most | apply IH | lia].
Qed.

Lemma len_tl : forall (A : Type) (l : list A), len (tl l) <= len l.
Proof. intros A [|x l]; [apply Z.le_refl|]. rewrite len_cons. cbn [tl]. lia. Qed.

Lemma margin_at_most : forall (p : nat) (gs : list group) (delta : nat) (watched : list nat),
  at_most (4 * len gs + 2 * (len gs * Z.of_nat p) + 4 * Z.of_nat p + len watched * (2 * (len gs * Z.of_nat p)))
    (margin_counted p gs delta watched).
Proof.
  intros p gs delta watched. assert (some := len_nonneg _ gs). unfold margin_counted. eapply at_most_le.
  { eapply at_most_then with (a := len gs * 3).
    { apply at_most_map; [lia | lia|]. intros g _. unfold rho_weight_counted. count. }
    erewrite value_map by (intros; reflexivity). set (weights := map _ gs).
    assert (weights_len : len weights <= len gs) by (unfold weights; rewrite len_map; lia).
    eapply at_most_then with (a := len gs * 1).
    { apply at_most_map; [lia | lia|]. intros g _. unfold side_at_counted. count. }
    eapply at_most_then; [apply (row_times_at_most (len gs)); left; exact weights_len|]. rewrite row_times_value.
    eapply at_most_then.
    { eapply at_most_le; [apply least_unwatched_at_most|].
      apply Z.mul_le_mono_nonneg_l with (m := Z.of_nat p); [lia|].
      etransitivity; [apply len_tl | apply row_times_len]. }
    eapply at_most_then with (a := len watched * (2 * (len gs * Z.of_nat p))); [|apply at_most_free, Z.le_refl].
    apply at_most_map; [lia | lia|]. intros d _.
    eapply at_most_bind; [apply (row_times_at_most (len gs)); left; exact weights_len | apply at_most_free, Z.le_refl | lia]. }
  lia.
Qed.
