(* CompactProofs: Modular: Length: SecondMomentLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
From CompactProofs Require Import Modular.SecondMoment.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.MatrixLength.
From CompactProofs Require Import Modular.Length.FormCounted Modular.Length.SecondMomentCounted.
Import ListNotations.
(** * The second moment: how many operations it takes
    In the order p and the width m, whatever the data; what leads is 4 p^2 m for each side (one if the tokens are tied), 2 p^2 m
    for the right answers, and p m^2 for each of the triangles of products. A number of at most 2^60 has at most 4 digits of 15
    bits but its last.
    - [area A]                                 == how many entries A has
    - [second_moment_operations_bound tied p m] == the closed form; in Python: proofs/strategies/modular/second_moment.py
    Main result: [second_moment_operations_at_most]. *)
Local Open Scope Z_scope.

(** ** The closed form *)

Definition neuron_pairs (m : Z) : Z := m * (m + 1) / 2.

(** [a], [b]: how many entries the tables have; [r]: how many rows the second. *)
Definition product_sum_bound (a b r : Z) : Z := 13 + 3 * a + 37 * b + 39 * r.

Definition symmetric_sum_bound (m : Z) : Z :=
  2 + product_sum_bound (neuron_pairs m) (neuron_pairs m) m + product_sum_bound m m 1.

Definition triangle_bound (p m : Z) : Z := 2 * (p * neuron_pairs m).

Definition side_bound (p m : Z) : Z :=
  2 + m + 4 * (p * m) + 4 * (p * p * m) + product_sum_bound (p * p) (p * p) p + triangle_bound p m.

Definition right_sum_bound (p m : Z) : Z := p * (4 + 8 * p + 2 * m + 2 * (p * m)).

Definition second_moments_bound (tied : bool) (p m : Z) : Z :=
  13 + 5 * (p * m) + side_bound p m + (if tied then 0 else p * m + side_bound p m) + 2 * (p * p) + product_sum_bound p p 1
  + neuron_pairs m + triangle_bound p m + symmetric_sum_bound m + right_sum_bound p m.

Definition second_moment_tests_bound (p m : Z) : Z :=
  27 + 3 * (p * m) + before_bound p m + 2 * largest_bound p m + 2 * largest_bound p p.

Definition second_moment_operations_bound (tied : bool) (p m : Z) : Z :=
  15 + form_tests_bound Square p m + second_moment_tests_bound p m + second_moments_bound tied p m.

(** ** Entries of a table *)

Definition area (A : list (list int)) : Z := fold_right (fun row sum => len row + sum) 0 A.

Lemma area_cons : forall (row : list int) (A : list (list int)), area (row :: A) = len row + area A.
Proof. reflexivity. Qed.

Lemma area_nonneg : forall A : list (list int), 0 <= area A.
Proof. induction A as [|row A IH]; [reflexivity|]. rewrite area_cons. assert (some := len_nonneg _ row). lia. Qed.

Lemma area_one : forall row : list int, area [row] = len row.
Proof. intro row. rewrite area_cons. cbn [area fold_right]. lia. Qed.

Lemma within_area : forall (r c : Z) (A : list (list int)), within r c A -> area A <= r * c.
Proof.
  intros r c A (positive & rows & columns). apply Z.le_trans with (len A * c); [|nia]. clear rows r.
  induction A as [|row A IH]; [reflexivity|]. rewrite area_cons, len_cons.
  assert (first := columns row (or_introl eq_refl)).
  assert (rest := IH (fun other inside => columns other (or_intror inside))). lia.
Qed.

Lemma zip_area : forall (f : int -> int -> int) (A B : list (list int)), area (zip_with (zip_with f) A B) <= area A.
Proof.
  intro f. induction A as [|a A IH]; intros [|b B]; cbn [zip_with]; try apply area_nonneg.
  rewrite !area_cons. assert (row := proj1 (len_zip_with _ _ _ f a b)). specialize (IH B). lia.
Qed.

Lemma triangle_len : forall A : list (list int), len (triangle A) = len A.
Proof. induction A as [|a A IH]; [reflexivity|]. cbn [triangle]. rewrite !len_cons, IH. reflexivity. Qed.

Lemma triangle_area_twice : forall A : list (list int), 2 * area (triangle A) = len A * (len A + 1).
Proof.
  induction A as [|a A IH]; [reflexivity|]. cbn [triangle]. rewrite area_cons, len_map, !len_cons. lia.
Qed.

Lemma triangle_area : forall (m : Z) (A : list (list int)), len A <= m -> area (triangle A) <= neuron_pairs m.
Proof.
  intros m A rows. assert (some := len_nonneg _ A). assert (twice := triangle_area_twice A).
  apply Z.div_le_lower_bound; [lia|]. nia.
Qed.

Lemma transposed_within : forall (m : nat) (p : Z) (A : list (list int)),
  len A <= p -> within (Z.of_nat m) p (transposed m A).
Proof.
  intros m p A rows. assert (some := len_nonneg _ A). apply within_le with (Z.of_nat m) (len A); [|lia | exact rows].
  clear rows some p. induction A as [|a A IH]; cbn [transposed].
  - split; [reflexivity|]. split; [rewrite len_repeat; lia|]. intros row inside.
    apply repeat_spec in inside. subst row. reflexivity.
  - destruct IH as (positive & rows & columns). rewrite len_cons. split; [lia|]. split.
    + eapply Z.le_trans; [apply (proj2 (len_zip_with _ _ _ cons a (transposed m A))) | exact rows].
    + revert columns. clear rows positive. generalize (transposed m A). intros T columns. revert a.
      induction T as [|row T IH]; intros [|x a] new inside; cbn [zip_with In] in inside; try contradiction.
      destruct inside as [<-|inside].
      * rewrite len_cons. specialize (columns row (or_introl eq_refl)). lia.
      * apply (IH (fun other found => columns other (or_intror found)) a new inside).
Qed.

(** ** Sums of products *)

Lemma largest_at_most_area : forall A : list (list int), at_most (1 + 3 * area A) (largest_counted A).
Proof.
  intro A. unfold largest_counted. eapply at_most_bind; [|apply at_most_once, Z.le_refl | apply Z.eq_le_incl, Z.add_comm].
  unfold max_abs_counted. generalize 0%uint63. induction A as [|row A IH]; intro start; [apply at_most_free; reflexivity|].
  eapply at_most_bind; [apply row_max_abs_at_most | apply IH|]. rewrite area_cons. lia.
Qed.

Lemma low_digit_at_most : forall y high : int, at_most 2 (low_digit_counted y high).
Proof. intros y high. apply at_most_several, Z.le_refl. Qed.

#[export] Hint Resolve low_digit_at_most : lengths.

Lemma digit_dot_at_most : forall (levels : nat) (xs ys : list int),
  at_most (Z.of_nat levels * (8 * len ys + 8) + 2 * len ys + 6) (digit_dot_counted levels xs ys).
Proof.
  induction levels as [|k IH]; intros xs ys; cbn [digit_dot_counted].
  - eapply at_most_bind; [apply (dot_at_most (len ys)); right; lia | apply signed_at_most | lia].
  - eapply at_most_le.
    { eapply at_most_then with (a := len ys * 4); [apply at_most_map; [lia | lia | auto with lengths]|].
      erewrite value_map by (intro; apply shift_down_value).
      eapply at_most_then with (a := len ys * 2); [apply at_most_zip; [lia | left; lia | auto with lengths]|].
      erewrite value_zip by (intros; apply low_digit_value).
      eapply at_most_then; [apply (dot_at_most (len ys)); right; apply len_zip_with|].
      eapply at_most_then; [apply signed_at_most|].
      eapply at_most_then; [apply IH | apply at_most_several, Z.le_refl]. }
    rewrite len_map. lia.
Qed.

Lemma slow_dot_at_most : forall xs ys : list int, at_most (14 * len ys) (slow_dot_counted xs ys).
Proof.
  induction xs as [|x xs IH]; intros [|y ys]; try (apply at_most_free; unfold len; lia).
  cbn [slow_dot_counted]. rewrite len_cons. count.
Qed.

Lemma sum_rows_at_most : forall (f : list int -> list int -> counted Z) (k e : Z), 0 <= k -> 0 <= e ->
  (forall a b, at_most (k * len b + e) (f a b)) ->
  forall A B, at_most (k * area B + (e + 1) * len B) (sum_rows_counted f A B).
Proof.
  intros f k e k_nonneg e_nonneg each. induction A as [|a A IH]; intros B.
  - assert (some := len_nonneg _ B). assert (entries := area_nonneg B). apply at_most_free. nia.
  - destruct B as [|b B]; [apply at_most_free; rewrite len_nil; cbn [area fold_right]; lia|].
    cbn [sum_rows_counted]. rewrite area_cons, len_cons.
    eapply at_most_le.
    { eapply at_most_then; [apply each|]. eapply at_most_then; [apply IH | apply at_most_once, Z.le_refl]. }
    lia.
Qed.

Lemma levels_le : forall top : Z, top <= 2 ^ 60 -> (Z.to_nat (Z.log2 top / 15) <= 4)%nat.
Proof.
  intros top small. assert (bits := Z.log2_le_mono top (2 ^ 60) small). change (Z.log2 (2 ^ 60)) with 60 in bits.
  assert (digits := Z.div_le_mono (Z.log2 top) 60 15 ltac:(lia) bits). change (60 / 15) with 4 in digits. lia.
Qed.

Lemma product_sum_at_most : forall (n : nat) (A B : list (list int)) (a b r : Z),
  area A <= a -> area B <= b -> len B <= r -> at_most (product_sum_bound a b r) (product_sum_counted n A B).
Proof.
  intros n A B a b r of_A of_B rows. unfold product_sum_counted, product_sum_bound.
  assert (some := len_nonneg _ B). assert (entries := area_nonneg B).
  eapply at_most_bind with (a := 1 + 3 * area B) (b := 12 + 3 * a + 34 * b + 39 * r); [apply largest_at_most_area| |lia].
  rewrite largest_value.
  eapply at_most_bind with (a := 1 + 3 * area A) (b := 11 + 34 * b + 39 * r); [apply largest_at_most_area| |lia].
  rewrite largest_value.
  eapply at_most_bind with (a := 8) (b := 3 + 34 * b + 39 * r); [apply at_most_several, Z.le_refl| |lia].
  cbn [several returned].
  destruct ((Z.of_nat n * (largest A * 2 ^ 15) <=? 2 ^ 60) && (largest B <=? 2 ^ 60)) eqn:fits.
  - apply andb_prop in fits. destruct fits as [_ small]. apply Z.leb_le in small. assert (few := levels_le _ small).
    eapply at_most_bind with (b := 34 * area B + 39 * len B); [apply at_most_several, Z.le_refl| |lia]. cbn [several returned].
    apply (sum_rows_at_most _ 34 38); [lia | lia|]. intros x y.
    eapply at_most_le; [apply digit_dot_at_most|]. assert (long := len_nonneg _ y). nia.
  - eapply at_most_le; [apply (sum_rows_at_most _ 14 0); [lia | lia|]|lia].
    intros x y. eapply at_most_le; [apply slow_dot_at_most | lia].
Qed.

(** ** Tables *)

Lemma total_row_at_most : forall (r c : Z) (columns : nat) (A : list (list int)),
  within r c A -> at_most (r * c) (total_row_counted columns A).
Proof.
  intros r c columns A (positive & rows & short). apply at_most_fold_right; [exact positive | exact rows|].
  intros row sum inside. apply add_rows_at_most. left. apply short, inside.
Qed.

Lemma total_row_len : forall (columns : nat) (A : list (list int)), len (total_row columns A) <= Z.of_nat columns.
Proof.
  intros columns A. unfold total_row. induction A as [|a A IH]; cbn [fold_right]; [rewrite len_repeat; lia|].
  eapply Z.le_trans; [apply add_rows_len | exact IH].
Qed.

Lemma triangle_at_most : forall (c : Z) (A : list (list int)), 0 <= c -> (forall row, In row A -> len row <= c) ->
  at_most (2 * c * area (triangle A)) (triangle_counted A).
Proof.
  intros c A positive. induction A as [|a A IH]; intro short; [apply at_most_free; cbn [triangle area fold_right]; lia|].
  cbn [triangle_counted triangle]. rewrite area_cons, len_map.
  eapply at_most_bind with (a := len (a :: A) * (2 * c)) (b := 2 * c * area (triangle A)); [| |lia].
  - apply at_most_map; [lia | lia|]. intros row _. apply dot_at_most. left. apply short. left. reflexivity.
  - eapply at_most_bind; [apply IH; intros row inside; apply short; right; exact inside | apply at_most_free, Z.le_refl | lia].
Qed.

Lemma triangle_transposed_at_most : forall (m : nat) (p : Z) (A : list (list int)), len A <= p ->
  at_most (triangle_bound p (Z.of_nat m)) (triangle_counted (transposed m A)).
Proof.
  intros m p A rows. destruct (transposed_within m p A rows) as (positive & columns & short).
  eapply at_most_le; [apply (triangle_at_most p); assumption|]. unfold triangle_bound.
  assert (pairs := triangle_area _ _ columns). nia.
Qed.

Lemma zip_products_at_most : forall A B : list (list int),
  at_most (area A) (zip_counted (zip_counted (fun x y => once (x * y)%uint63)) A B).
Proof.
  induction A as [|a A IH]; intros [|b B]; try (apply at_most_free, area_nonneg). rewrite area_cons.
  eapply at_most_bind with (a := len a * 1) (b := area A); [| |lia].
  - apply at_most_zip; [lia | left; lia | intros; apply at_most_once; lia].
  - eapply at_most_bind; [apply IH | apply at_most_free, Z.le_refl | lia].
Qed.

Lemma symmetric_sum_at_most : forall (n : nat) (m : Z) (A B : list (list int)),
  len A <= m -> len B <= m -> area A <= neuron_pairs m -> area B <= neuron_pairs m ->
  at_most (symmetric_sum_bound m) (symmetric_sum_counted n A B).
Proof.
  intros n m A B rows_A rows_B of_A of_B. unfold symmetric_sum_counted, symmetric_sum_bound.
  eapply at_most_le.
  { eapply at_most_then; [apply product_sum_at_most; eassumption|].
    eapply at_most_then; [apply (product_sum_at_most n _ _ m m 1) | apply at_most_several, Z.le_refl];
      rewrite ?area_one; unfold diagonal; rewrite ?len_map; try assumption. unfold len. cbn. lia. }
  lia.
Qed.

Lemma same_row_at_most : forall a b : list int, at_most (len a) (same_row_counted a b).
Proof.
  induction a as [|x a IH]; intros [|y b]; try (apply at_most_free; unfold len; lia). cbn [same_row_counted].
  rewrite len_cons. apply at_most_bind with 1 (len a); [apply at_most_once, Z.le_refl| |lia].
  cbn [once returned]. destruct (Uint63.eqb x y); [apply IH | apply at_most_free, len_nonneg].
Qed.

Lemma same_rows_at_most : forall A B : list (list int), at_most (area A) (same_rows_counted A B).
Proof.
  induction A as [|a A IH]; intros [|b B]; try (apply at_most_free, area_nonneg). cbn [same_rows_counted].
  rewrite area_cons. eapply at_most_bind; [apply same_row_at_most| |apply Z.le_refl].
  destruct (returned (same_row_counted a b)); [apply IH | apply at_most_free, area_nonneg].
Qed.

(** ** The moments *)

Lemma centred_rows_at_most : forall (p m : nat) (r c : Z) (U : list (list int)),
  within r c U -> at_most (2 + 3 * (r * c)) (centred_rows_counted p m U).
Proof.
  intros p m r c U size. unfold centred_rows_counted. assert (total := total_row_at_most r c m U size).
  destruct size as (positive & rows & short).
  eapply at_most_bind with (a := 2) (b := 3 * (r * c)); [apply at_most_several, Z.le_refl| |lia].
  eapply at_most_bind with (b := r * (c * 2)); [exact total| |lia].
  apply at_most_map; [lia | exact rows|]. intros row inside.
  apply at_most_zip; [lia | left; apply short, inside | intros; apply at_most_several; lia].
Qed.

Lemma centred_rows_within : forall (p m : nat) (r c : Z) (U : list (list int)),
  within r c U -> within r c (centred_rows p m U).
Proof.
  intros p m r c U (positive & rows & short). unfold centred_rows. cbv zeta. apply within_map; [exact positive | exact rows|].
  intros row inside. eapply Z.le_trans; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | apply short, inside].
Qed.

Section Side.
  Context (p m : nat) (V T : list (list int)) (sums : list int).
  Local Notation order := (Z.of_nat p).
  Local Notation width := (Z.of_nat m).
  Context (V_within : within order width V) (T_within : within order width T) (sums_len : len sums <= width).

  Lemma own_rows_within : within order order (own_rows (side_of p m V T sums)).
  Proof.
    unfold side_of. cbv zeta. cbn [own_rows]. apply mul_transposed_within; [|apply V_within]. rewrite len_map. apply T_within.
  Qed.

  Lemma gram_rows_len : len (gram_rows (side_of p m V T sums)) <= width.
  Proof. cbn [side_of gram_rows]. rewrite triangle_len. apply (transposed_within m order), T_within. Qed.

  Lemma gram_rows_area : area (gram_rows (side_of p m V T sums)) <= neuron_pairs width.
  Proof. cbn [side_of gram_rows]. apply triangle_area. apply (transposed_within m order), T_within. Qed.

  Lemma side_of_at_most : at_most (side_bound order width) (side_of_counted p m V T sums).
  Proof.
    unfold side_of_counted, side_bound.
    assert (V_rows : len V <= order) by apply V_within.
    assert (T_rows : len T <= order) by apply T_within.
    assert (T_short := fun row => within_row _ _ _ _ row T_within).
    assert (P_nonneg : 0 <= order) by lia. assert (M_nonneg : 0 <= width) by lia.
    eapply at_most_le.
    { eapply at_most_then; [apply at_most_several, Z.le_refl|].
      eapply at_most_then with (a := width * 1); [apply at_most_map; [lia | exact sums_len | intros; apply at_most_once; lia]|].
      erewrite value_map by reflexivity. set (sums4 := map _ sums).
      eapply at_most_then with (a := order * (width * 1)); [|].
      { apply at_most_map; [lia | exact T_rows|]. intros row inside. apply at_most_map; [lia | apply (T_short row inside)|].
        intros; apply at_most_once; lia. }
      erewrite (value_map _ _ _ (map (fun x => (x * x)%uint63)) T) by (intros; apply value_map; reflexivity).
      set (squares := map _ T).
      assert (squares_within : within order width squares).
      { apply within_map; [lia | exact T_rows|]. intros row inside. rewrite len_map. apply (T_short row inside). }
      eapply at_most_then; [apply (mul_transposed_at_most order width order); assumption|].
      rewrite mul_transposed_value.
      eapply at_most_then with (a := order * (width * 3)); [|].
      { apply at_most_map; [lia | exact T_rows|]. intros row inside.
        apply at_most_zip; [lia | left; apply (T_short row inside)|]. intros; apply at_most_several; lia. }
      erewrite (value_map _ _ _ _ T) by (intros; apply value_zip; reflexivity). set (weighted := map _ T).
      assert (weighted_within : within order width weighted).
      { apply within_map; [lia | exact T_rows|]. intros row inside.
        eapply Z.le_trans; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | apply (T_short row inside)]. }
      eapply at_most_then; [apply (mul_transposed_at_most order width order); assumption|].
      rewrite mul_transposed_value.
      assert (own : within order order (mul_transposed squares V)).
      { apply mul_transposed_within; [apply squares_within | exact V_rows]. }
      assert (both : within order order (mul_transposed weighted V)).
      { apply mul_transposed_within; [apply weighted_within | exact V_rows]. }
      eapply at_most_then.
      { apply product_sum_at_most; [apply (within_area _ _ _ own) | apply (within_area _ _ _ both) | apply both]. }
      eapply at_most_then; [apply (triangle_transposed_at_most m order), T_rows | apply at_most_free, Z.le_refl]. }
    lia.
  Qed.
End Side.

Lemma add_products_at_most : forall a b accumulated : list int, at_most (2 * len b) (add_products_counted a b accumulated).
Proof.
  induction a as [|x a IH]; intros [|y b] [|z accumulated]; try (apply at_most_free; unfold len; lia).
  cbn [add_products_counted]. rewrite len_cons. count.
Qed.

Lemma joined_at_most : forall (m : nat) (L : list (list int)) (firsts : list nat) (R : list (list int)),
  at_most (2 * area R) (joined_counted m L firsts R).
Proof.
  intros m L. induction firsts as [|a firsts IH]; intros [|r R];
    try (apply at_most_free, Z.mul_nonneg_nonneg; [lia | apply area_nonneg]).
  cbn [joined_counted]. rewrite area_cons. eapply at_most_bind; [apply IH | apply add_products_at_most | lia].
Qed.

Section Form.
  Context (F : form) (F_within : form_within F).
  Local Notation p := (Z.of_nat (form_order F)).
  Local Notation m := (Z.of_nat (form_width F)).

  Lemma right_sum_at_most : forall (own V : list (list int)) (c : nat), (forall v, In v V -> len v <= m) ->
    at_most (len V * (4 + 8 * p + 2 * m + 2 * (p * m))) (right_sum_counted F own c V).
  Proof.
    intros own. induction V as [|v V IH]; intros c short; [apply at_most_free; rewrite len_nil; lia|].
    cbn [right_sum_counted]. rewrite len_cons. assert (entries := within_area _ _ _ (R_within F F_within)).
    eapply at_most_le.
    { eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
      eapply at_most_then with (a := p * 7).
      { apply at_most_map; [lia | rewrite len_seq; lia | intros; apply answer_at_most]. }
      erewrite value_map by (intro; apply answer_value). set (firsts := map _ _).
      assert (long : len firsts = p) by (unfold firsts; rewrite len_map, len_seq; reflexivity).
      eapply at_most_then with (a := p * 1); [apply at_most_fold_right; [lia | lia | intros; apply at_most_once; lia]|].
      eapply at_most_then; [apply joined_at_most|].
      eapply at_most_then; [apply (dot_at_most m); left; apply short; left; reflexivity|].
      eapply at_most_then; [|apply at_most_several, Z.le_refl].
      apply IH. intros other inside. apply short. right. exact inside. }
    lia.
  Qed.

  Local Lemma sides_at_most : forall (V : list (list int)) (tied : bool) (l : side), within p m V ->
    at_most (if tied then 0 else p * m + side_bound p m)
      (if tied then free l
       else let* l_sums := total_row_counted (form_width F) (L_rows F) in
         side_of_counted (form_order F) (form_width F) V (R_rows F) l_sums).
  Proof.
    intros V tied l V_within. destruct tied; [apply at_most_free, Z.le_refl|].
    eapply at_most_bind; [apply total_row_at_most, (L_within F F_within)| |apply Z.le_refl]. rewrite total_row_value.
    apply side_of_at_most; [exact V_within | exact (R_within F F_within) | apply total_row_len].
  Qed.

  Theorem second_moments_at_most :
    at_most (second_moments_bound (same_rows (L_rows F) (R_rows F)) p m) (second_moments_counted F).
  Proof.
    unfold second_moments_counted, second_moments_bound. cbv zeta. destruct F_within as [sizes_L sizes_R sizes_U _ _].
    assert (V_within := centred_rows_within (form_order F) (form_width F) _ _ _ sizes_U).
    set (V := centred_rows (form_order F) (form_width F) (U_rows F)) in *.
    set (l := side_of (form_order F) (form_width F) V (L_rows F) (total_row (form_width F) (R_rows F))).
    set (tied := same_rows (L_rows F) (R_rows F)).
    set (r := if tied then l else side_of (form_order F) (form_width F) V (R_rows F) (total_row (form_width F) (L_rows F))).
    assert (l_own : within p p (own_rows l)) by (apply own_rows_within; assumption).
    assert (r_own : within p p (own_rows r)) by (subst r; destruct tied; [exact l_own | apply own_rows_within; assumption]).
    assert (l_gram : area (gram_rows l) <= neuron_pairs m) by (apply gram_rows_area; assumption).
    assert (l_rows : len (gram_rows l) <= m) by (apply gram_rows_len; assumption).
    eapply at_most_le.
    { eapply at_most_then; [apply centred_rows_at_most, sizes_U|]. rewrite centred_rows_value. fold V.
      eapply at_most_then; [apply total_row_at_most, sizes_R|]. rewrite total_row_value.
      eapply at_most_then; [apply side_of_at_most; [exact V_within | exact sizes_L | apply total_row_len]|].
      rewrite side_of_value. fold l.
      eapply at_most_then; [apply same_rows_at_most|]. rewrite same_rows_value. fold tied.
      eapply at_most_then; [apply sides_at_most, V_within|].
      match goal with
      |- at_most _ (let* _ := total_row_counted _ (own_rows l) in let* _ := total_row_counted _ (own_rows ?x) in _) =>
        replace x with r by (subst r; destruct tied; values; reflexivity) end.
      eapply at_most_then; [apply total_row_at_most, l_own|]. rewrite total_row_value.
      eapply at_most_then; [apply total_row_at_most, r_own|]. rewrite total_row_value.
      eapply at_most_then.
      { apply (product_sum_at_most _ _ _ p p 1); rewrite ?area_one; try apply total_row_len. unfold len. cbn. lia. }
      eapply at_most_then; [apply zip_products_at_most|].
      erewrite value_zip by (intros; apply value_zip; reflexivity). set (grams := zip_with _ (gram_rows l) (gram_rows r)).
      eapply at_most_then; [apply (triangle_transposed_at_most (form_width F) p), V_within|].
      rewrite triangle_value. assert (columns := proj1 (proj2 (transposed_within (form_width F) p V (proj1 (proj2 V_within))))).
      eapply at_most_then.
      { apply (symmetric_sum_at_most _ m).
        - rewrite triangle_len. exact columns.
        - eapply Z.le_trans; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | exact l_rows].
        - apply triangle_area, columns.
        - eapply Z.le_trans; [apply zip_area | exact l_gram]. }
      eapply at_most_then; [apply right_sum_at_most, (fun v => within_row _ _ _ _ v V_within)|].
      eapply at_most_then; [apply signed_at_most | apply at_most_several, Z.le_refl]. }
    assert (area_L := within_area _ _ _ sizes_L).
    assert (of_right : len V * (4 + 8 * p + 2 * m + 2 * (p * m)) <= right_sum_bound p m).
    { apply Z.mul_le_mono_nonneg_r; [lia | apply V_within]. }
    lia.
  Qed.

  Lemma second_moment_tests_at_most : at_most (second_moment_tests_bound p m) (second_moment_tests_counted F).
  Proof.
    unfold second_moment_tests_counted, second_moment_tests_bound.
    assert (before := before_top_at_most F F_within). destruct F_within as [_ _ sizes_U sizes_P sizes_Q].
    assert (V_within := centred_rows_within (form_order F) (form_width F) _ _ _ sizes_U).
    assert (centred := centred_rows_at_most (form_order F) (form_width F) _ _ _ sizes_U).
    count.
  Qed.

  Lemma second_moment_best_at_most : forall (order : nat) (C M : Z), at_most 12 (second_moment_best_counted order C M).
  Proof. intros order C M. unfold second_moment_best_counted. count. Qed.

  Local Lemma neuron_pairs_nonneg : 0 <= neuron_pairs m.
  Proof. apply Z.div_pos; nia. Qed.

  Local Lemma moments_nonneg : forall tied : bool, 0 <= second_moments_bound tied p m.
  Proof.
    intro tied. assert (pairs := neuron_pairs_nonneg).
    assert (side : 0 <= side_bound p m) by (unfold side_bound, product_sum_bound, triangle_bound; nia).
    assert (symmetric : 0 <= symmetric_sum_bound m) by (unfold symmetric_sum_bound, product_sum_bound; lia).
    assert (right : 0 <= right_sum_bound p m) by (unfold right_sum_bound; nia).
    unfold second_moments_bound, product_sum_bound, triangle_bound. destruct tied; nia.
  Qed.

  Theorem second_moment_operations_at_most : forall (claimed : Z) (c : second_moment_certificate),
    operations (second_moment_on_counted claimed F c) <= second_moment_operations_bound (same_rows (L_rows F) (R_rows F)) p m.
  Proof.
    intros claimed c.
    assert (moments := second_moments_at_most). revert moments. set (tied := same_rows (L_rows F) (R_rows F)). intro moments.
    change (at_most (second_moment_operations_bound tied p m) (second_moment_on_counted claimed F c)).
    unfold second_moment_on_counted, second_moment_operations_bound.
    assert (some := moments_nonneg tied).
    assert (entries : 0 <= p * m) by lia. assert (squares : 0 <= p * p) by lia.
    assert (tests : 0 <= second_moment_tests_bound p m)
      by (unfold second_moment_tests_bound, before_bound, largest_bound; lia).
    assert (of_form : form_tests_bound (form_activation F) p m <= form_tests_bound Square p m).
    { unfold form_tests_bound, value_bound, hidden_bound, before_bound, largest_bound. destruct (form_activation F); lia. }
    eapply at_most_bind with (b := 15 + second_moment_tests_bound p m + second_moments_bound tied p m);
      [apply form_tests_at_most, F_within| |lia].
    destruct (first_failure (returned (form_tests_counted F))); [apply at_most_free; lia|].
    eapply at_most_bind with (b := 15 + second_moments_bound tied p m); [apply second_moment_tests_at_most| |lia].
    destruct (first_failure (returned (second_moment_tests_counted F))); [apply at_most_free; lia|].
    eapply at_most_bind with (b := 15); [exact moments| |lia].
    eapply at_most_bind; [apply second_moment_best_at_most | apply at_most_several, Z.le_refl | lia].
  Qed.
End Form.
