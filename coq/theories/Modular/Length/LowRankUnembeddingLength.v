(* CompactProofs: Modular: Length: LowRankUnembeddingLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
From CompactProofs Require Import Modular.LowRankUnembedding.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.MatrixLength.
From CompactProofs Require Import Modular.Length.FormCounted Modular.Length.LowRankUnembeddingCounted.
Import ListNotations.
(** * low_rank_unembedding on a form: how many operations it takes
    Sizes: order p, width m, rank k.
    - [low_rank_within p m c] == the tables of the certificate are no larger than their tests demand
    - [is_coarse c]         == bits of |d| are dropped
    - [low_rank_bound f coarse p m k] == for the verdict on a form
    Main result: [low_rank_unembedding_on_at_most]. *)
Local Open Scope Z_scope.

(** ** Closed form *)

Definition matrices_bound (p m k : Z) : Z := 1 + 2 * m + 4 * (p * m) + 2 * (p * k) + 2 * (k * m) + 2 * (p * k * m).

Definition rest_bound (f : activation) (p m : Z) : Z := 4 + hidden_bound f p m + 4 * largest_bound p m.

Definition margin_bound (f : activation) (p m : Z) : Z :=
  32 + 2 * largest_bound p p + hidden_bound f p m + largest_bound p m.

(** Shapes, ranges of the rows of the certificate, and what is compared with powers of two. *)
Definition low_rank_tests_bound (f : activation) (p m k : Z) : Z :=
  45 + 5 * p + k + 6 * m + 7 * (p * k) + 7 * (k * m)
  + rest_bound f p m + 5 * largest_bound p m + margin_bound f p m.

(** Rows of the classes, and values of the four tables. *)
Definition tables_bound (p m : Z) : Z := p * (3 + 2 * m) + 4 * (p * (p * (2 * m))) + 2 * (p * (p * 2)).

Definition size_steps (coarse : bool) : Z := if coarse then 5 else 2.

Definition class_bound (k : Z) : Z := 4 + 2 * (1 + k).

Definition low_rank_pair_bound (coarse : bool) (p m k : Z) : Z :=
  23 + 8 * m + size_steps coarse * m + 2 * (k * m) + (p - 1) * class_bound k.

Definition low_rank_bound (f : activation) (coarse : bool) (p m k : Z) : Z :=
  10 + matrices_bound p m k + low_rank_tests_bound f p m k + form_tests_bound f p m + tables_bound p m
  + p * (2 + p * low_rank_pair_bound coarse p m k).

Lemma low_rank_bound_nonneg : forall (f : activation) (coarse : bool) (p m k : Z), 0 <= p -> 0 <= m -> 0 <= k ->
  0 <= low_rank_bound f coarse p m k.
Proof.
  intros f coarse p m k p_nonneg m_nonneg k_nonneg.
  assert (steps : 0 <= size_steps coarse) by (destruct coarse; cbn [size_steps]; lia).
  assert (largest : forall r c, 0 <= r -> 0 <= c -> 0 <= largest_bound r c) by (intros; unfold largest_bound; nia).
  assert (pm := largest p m p_nonneg m_nonneg). assert (pp := largest p p p_nonneg p_nonneg).
  assert (of_hidden : 0 <= hidden_bound f p m) by (unfold hidden_bound, before_bound; destruct f; lia).
  assert (tables : 0 <= tables_bound p m) by (unfold tables_bound; repeat apply Z.add_nonneg_nonneg; nia).
  assert (pairs : 0 <= p * (2 + p * low_rank_pair_bound coarse p m k)).
  { destruct (Z.eq_dec p 0) as [->|some]; [lia|].
    assert (pair : 0 <= low_rank_pair_bound coarse p m k)
      by (unfold low_rank_pair_bound, class_bound; repeat apply Z.add_nonneg_nonneg; nia).
    nia. }
  unfold low_rank_bound, matrices_bound, low_rank_tests_bound, rest_bound, margin_bound, form_tests_bound, value_bound,
    before_bound.
  repeat apply Z.add_nonneg_nonneg; try lia; repeat apply Z.mul_nonneg_nonneg; lia.
Qed.

(** ** Sizes *)

Record low_rank_within (p m : nat) (c : low_rank_unembedding_certificate) : Prop := LowRankWithin {
  centre_short : len (unembedding_centre c) <= Z.of_nat m;
  offset_short : len (means_offset c) <= Z.of_nat m;
  basis_within : within (Z.of_nat p) (len (unembedding_coordinates c)) (unembedding_basis c);
  coordinates_within : within (len (unembedding_coordinates c)) (Z.of_nat m) (unembedding_coordinates c);
  first_within : within (Z.of_nat p) (Z.of_nat m) (first_means c);
  second_within : within (Z.of_nat p) (Z.of_nat m) (second_means c);
  answers_within : within (Z.of_nat p) (Z.of_nat m) (answer_means c);
  differences_within : within (Z.of_nat p) (Z.of_nat m) (difference_means c)
}.

Definition is_coarse (c : low_rank_unembedding_certificate) : bool := negb (Uint63.eqb (dropped_bits c) 0).

(** A certificate that passes its tests is no larger than that. *)
Lemma low_rank_within_of_tests : forall (F : form) (c : low_rank_unembedding_certificate) (M : low_rank_matrices),
  first_failure (low_rank_tests F c M) = None -> low_rank_within (form_order F) (form_width F) c.
Proof.
  intros F c M tests. assert (all := first_failure_none _ tests). unfold low_rank_tests in all. cbv zeta in all.
  assert (centre : (length (unembedding_centre c) =? form_width F)%nat = true) by (eapply all; cbn [In]; tauto).
  assert (offset : (length (means_offset c) =? form_width F)%nat = true) by (eapply all; cbn [In]; tauto).
  apply Nat.eqb_eq in centre. apply Nat.eqb_eq in offset.
  constructor; try (unfold len; lia); apply within_of_shape; eapply all; cbn [In]; tauto.
Qed.

Lemma within_short : forall (T : Type) (r c : Z) (A : list (list T)), within r c A -> len A <= r.
Proof. intros T r c A size. apply size. Qed.

Lemma less_row_within : forall (r c : Z) (row : list int) (A : list (list int)), within r c A -> within r c (less_row row A).
Proof.
  intros r c row A (positive & rows & columns). apply within_map; [exact positive | exact rows|]. intros x inside.
  eapply Z.le_trans; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | apply columns, inside].
Qed.

Lemma scaled_within : forall (r c : Z) (d : int) (A : list (list int)), within r c A -> within r c (scaled d A).
Proof.
  intros r c d A (positive & rows & columns). apply within_map; [exact positive | exact rows|]. intros x inside.
  rewrite len_map. apply columns, inside.
Qed.

Lemma in_zip_with : forall (A B C : Type) (f : A -> B -> C) (a : list A) (b : list B) (z : C),
  In z (zip_with f a b) -> exists x y, In x a /\ In y b /\ z = f x y.
Proof.
  intros A B C f. induction a as [|x a IH]; intros [|y b] z; cbn [zip_with]; try contradiction. intros [<-|inside].
  - exists x, y. repeat split; left; reflexivity.
  - destruct (IH b z inside) as (x' & y' & inside_a & inside_b & same). exists x', y'. cbn [In]. tauto.
Qed.

Lemma zip_rows_within : forall (r c : Z) (f : int -> int -> int) (A B : list (list int)),
  within r c A -> within r c (zip_with (zip_with f) A B).
Proof.
  intros r c f A B (positive & rows & columns). split; [exact positive|]. split.
  - eapply Z.le_trans; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | exact rows].
  - intros row inside. apply in_zip_with in inside. destruct inside as (x & y & inside & _ & ->).
    eapply Z.le_trans; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | apply columns, inside].
Qed.

#[local] Hint Resolve within_short less_row_within scaled_within zip_rows_within : lengths.

(** ** Matrices *)

Lemma less_row_at_most : forall (r c : Z) (row : list int) (A : list (list int)),
  within r c A -> at_most (r * c) (less_row_counted row A).
Proof.
  intros r c row A (positive & rows & columns). apply at_most_map; [exact positive | exact rows|]. intros x inside.
  apply at_most_le with (c * 1); [|lia]. apply at_most_zip; [lia | left; apply columns, inside|].
  intros y z _ _. apply at_most_once, Z.le_refl.
Qed.

Lemma scaled_at_most : forall (r c : Z) (d : int) (A : list (list int)), within r c A -> at_most (r * c) (scaled_counted d A).
Proof.
  intros r c d A (positive & rows & columns). apply at_most_map; [exact positive | exact rows|]. intros x inside.
  apply at_most_le with (c * 1); [|lia]. apply at_most_map; [lia | apply columns, inside|].
  intros y _. apply at_most_once, Z.le_refl.
Qed.

Lemma row_of_at_most : forall (n : Z) (row : list Z), len row <= n -> at_most n (row_of_counted row).
Proof.
  intros n row short. apply at_most_le with (n * 1); [|lia]. apply at_most_map; [lia | exact short|].
  intros y _. apply at_most_once, Z.le_refl.
Qed.

Lemma zip_rows_at_most : forall (r c : Z) (A B : list (list int)),
  within r c A -> at_most (r * c) (zip_counted (zip_counted less_counted) A B).
Proof.
  intros r c A B (positive & rows & columns). apply at_most_zip; [exact positive | left; exact rows|]. intros x y inside _.
  apply at_most_le with (c * 1); [|lia]. apply at_most_zip; [lia | left; apply columns, inside|].
  intros z t _ _. apply at_most_once, Z.le_refl.
Qed.

Lemma row_fits_at_most : forall (n : Z) (row : list Z), len row <= n -> at_most (3 * n) (row_fits_counted row).
Proof.
  intros n row short. apply at_most_le with (n * 3); [|lia]. apply at_most_forallb; [lia | exact short|].
  intros y _. apply at_most_several, Z.le_refl.
Qed.

#[local] Hint Resolve less_row_at_most scaled_at_most row_of_at_most zip_rows_at_most row_fits_at_most : lengths.

Lemma slack_at_most : forall (F : form) (c : low_rank_unembedding_certificate), at_most 4 (slack_counted F c).
Proof. intros F c. unfold slack_counted. count. Qed.

#[local] Hint Resolve slack_at_most : lengths.

(** ** Pieces of the evaluation *)

Lemma dot_from_at_most : forall (n : Z) (x y : list int) (start : int),
  len x <= n \/ len y <= n -> at_most (2 * n) (dot_from_counted start x y).
Proof.
  intros n x. revert n. induction x as [|x0 x IH]; intros n [|y0 y] start short; cbn [dot_from_counted];
    try (apply at_most_free; unfold len in short; lia).
  rewrite !len_cons in short. apply at_most_bind with 2 (2 * (n - 1)); [apply at_most_several; lia | apply IH; lia | lia].
Qed.

Lemma squares_at_most : forall (f : int -> counted int) (c : Z), (forall x, at_most c (f x)) ->
  forall (row : list int) (total : int), at_most ((2 + c) * len row) (squares_counted f row total).
Proof.
  intros f c each. induction row as [|x row IH]; intro total; [apply at_most_free; rewrite len_nil; lia|].
  cbn [squares_counted]. rewrite len_cons. apply at_most_bind with c (2 + (2 + c) * len row); [apply each| |lia].
  eapply at_most_then; [apply at_most_several, Z.le_refl | apply IH].
Qed.

Lemma loss_row_at_most : forall (n : Z) (b e : list int), len e <= n -> at_most (3 + 2 * n) (loss_row_counted b e).
Proof.
  intros n b e short. unfold loss_row_counted. eapply at_most_le.
  { eapply at_most_then; [apply (squares_at_most free 0); intro; apply at_most_free, Z.le_refl|].
    apply at_most_several, Z.le_refl. }
  lia.
Qed.

Lemma rests_at_most : forall (f : int -> counted int), (forall x, at_most 1 (f x)) ->
  forall l r g k s t : list int, at_most (6 * len l) (rests_counted f l r g k s t).
Proof.
  intros f each. induction l as [|x l IH]; intros [|y r] [|g0 g] [|k0 k] [|s0 s] [|t0 t];
    try (apply at_most_free; unfold len; lia).
  cbn [rests_counted]. rewrite len_cons. count.
Qed.

Lemma rests_len : forall (f : int -> int) (l r g k s t : list int), len (rests f l r g k s t) <= len l.
Proof.
  intro f. induction l as [|x l IH]; intros [|y r] [|g0 g] [|k0 k] [|s0 s] [|t0 t]; cbn [rests];
    rewrite ?len_cons, ?len_nil; try (unfold len; lia).
  specialize (IH r g k s t). lia.
Qed.

Lemma coarse_at_most : forall bits : int, at_most 2 (coarse_counted bits).
Proof. intro bits. unfold coarse_counted. count. Qed.

Lemma coarsen_at_most : forall (c : low_rank_unembedding_certificate) (x : int),
  at_most (size_steps (is_coarse c) - 2) (returned (coarse_counted (dropped_bits c)) x).
Proof.
  intros c x. unfold coarse_counted, is_coarse. rewrite value_bind. cbn [once returned].
  destruct (Uint63.eqb (dropped_bits c) 0); [apply at_most_free, Z.le_refl|].
  rewrite value_bind. apply at_most_several, Z.le_refl.
Qed.

Lemma table_at_most : forall (p m : Z) (start d : int) (g q : list int) (scaled_u : list (list int)),
  within p m scaled_u -> at_most (p * (2 + 2 * m))
    (zip_counted (fun u v => bind (several 2 (start + d * v)%uint63) (fun s => dot_from_counted s g u)) scaled_u q).
Proof.
  intros p m start d g q scaled_u (positive & rows & columns). apply at_most_zip; [lia | left; exact rows|].
  intros u v inside _. eapply at_most_then; [apply at_most_several, Z.le_refl|]. apply dot_from_at_most. right.
  apply columns, inside.
Qed.

Lemma by_token_at_most : forall (p m : Z) (rows means direct scaled_u : list (list int)) (start d : int),
  within p m means -> within p m scaled_u ->
  at_most (p * (p * (2 + 2 * m))) (by_token_counted rows means direct scaled_u start d).
Proof.
  intros p m rows means direct scaled_u start d size size_u. unfold by_token_counted.
  assert (m_nonneg := within_columns _ _ _ _ size). assert (p_nonneg := within_rows _ _ _ _ size).
  apply at_most_bind with (p * (p * (2 + 2 * m))) 0; [|apply at_most_free, Z.le_refl | lia].
  apply at_most_zip; [nia | left; apply size|]. intros g q _ _. apply table_at_most, size_u.
Qed.

Lemma by_difference_at_most : forall (p m : Z) (means scaled_u : list (list int)),
  within p m means -> within p m scaled_u -> at_most (p * (p * (2 * m))) (by_difference_counted means scaled_u).
Proof.
  intros p m means scaled_u size size_u. assert (m_nonneg := within_columns _ _ _ _ size).
  assert (p_nonneg := within_rows _ _ _ _ size). apply at_most_map; [nia | apply size|]. intros g inside.
  apply at_most_bind with (p * (2 * m)) 0; [|apply at_most_free, Z.le_refl | lia].
  apply at_most_map; [nia | apply size_u|]. intros u _. apply dot_from_at_most. left.
  exact (within_row _ _ _ _ _ size inside).
Qed.

Lemma by_answer_at_most : forall (p m : Z) (means scaled_u : list (list int)),
  within p m means -> within p m scaled_u -> at_most (p * (p * (2 * m))) (by_answer_counted means scaled_u).
Proof.
  intros p m means scaled_u size size_u. unfold by_answer_counted.
  eapply at_most_bind; [apply by_difference_at_most; eassumption | apply at_most_free, Z.le_refl | lia].
Qed.

(** ** Rivals *)

Section Rivals.
  Context (k : Z) (best : int) (y : list int) (y_short : len y <= 1 + k).

  Lemma below_at_most : forall (row : list int) (a b s t : int), at_most (class_bound k) (below_counted best y row a b s t).
  Proof.
    intros row a b s t. assert (product := fun start => dot_from_at_most (1 + k) y row start (or_introl y_short)).
    unfold below_counted, class_bound. count.
  Qed.

  Local Lemma class_nonneg : 0 <= class_bound k.
  Proof. assert (some := len_nonneg _ y). unfold class_bound. lia. Qed.

  Lemma all_below_at_most : forall (rows : list (list int)) (a b s t : list int) (n : Z), len rows <= n ->
    at_most (n * class_bound k) (all_below_counted best y rows a b s t).
  Proof.
    assert (some := class_nonneg). induction rows as [|row rows IH]; intros a b s t n short.
    - rewrite len_nil in short. apply at_most_free. nia.
    - rewrite len_cons in short. assert (more := len_nonneg _ rows).
      destruct a as [|a0 a], b as [|b0 b], s as [|s0 s], t as [|t0 t]; try (apply at_most_free; nia). cbn [all_below_counted].
      apply at_most_bind with (class_bound k) ((n - 1) * class_bound k); [apply below_at_most| |lia].
      match goal with |- context [if ?b then _ else _] => destruct b end; [apply IH; lia | apply at_most_free; nia].
  Qed.

  Lemma others_below_at_most : forall (rows : list (list int)) (but : nat) (a b s t : list int) (n : Z),
    len rows <= n -> Z.of_nat but < n -> at_most ((n - 1) * class_bound k) (others_below_counted best y but rows a b s t).
  Proof.
    assert (some := class_nonneg). induction rows as [|row rows IH]; intros but a b s t n short inside.
    - apply at_most_free. nia.
    - rewrite len_cons in short. assert (more := len_nonneg _ rows).
      destruct a as [|a0 a], b as [|b0 b], s as [|s0 s], t as [|t0 t]; try (apply at_most_free; nia).
      cbn [others_below_counted]. destruct but as [|but]; [apply all_below_at_most; lia|].
      apply at_most_bind with (class_bound k) ((n - 2) * class_bound k); [apply below_at_most| |lia].
      match goal with |- context [if ?b then _ else _] => destruct b end; [|apply at_most_free; nia].
      replace (n - 2) with (n - 1 - 1) by lia. apply IH; lia.
  Qed.
End Rivals.

(** ** The verdict *)

Section Verdict.
  Context (F : form) (c : low_rank_unembedding_certificate).
  Context (F_within : form_within F) (c_within : low_rank_within (form_order F) (form_width F) c).
  Local Notation p := (Z.of_nat (form_order F)).
  Local Notation m := (Z.of_nat (form_width F)).
  Local Notation k := (len (unembedding_coordinates c)).

  Record matrices_within (M : low_rank_matrices) : Prop := MatricesWithin {
    centred_within : within p m (centred_U M);
    less_within : within p m (first_less M);
    scaled_U_within : within p m (scaled_U M);
    basis63_within : within p k (basis63 M);
    coordinates63_within : within k m (coordinates63 M);
    product63_within : within p m (product63 M);
    residuals_within : within p m (residuals M)
  }.

  Lemma unembedding_matrices_within : matrices_within (unembedding_matrices F c).
  Proof.
    destruct F_within, c_within. unfold unembedding_matrices. cbv zeta.
    constructor; cbn [centred_U first_less scaled_U basis63 coordinates63 product63 residuals]; auto 12 with lengths.
    apply mul_within. eapply within_short, of_rows_within. eassumption.
  Qed.

  Lemma unembedding_matrices_at_most : at_most (matrices_bound p m k) (unembedding_matrices_counted F c).
  Proof.
    destruct F_within, c_within. unfold unembedding_matrices_counted, matrices_bound.
    count.
  Qed.

  Section Tests.
    Context (M : low_rank_matrices) (M_within : matrices_within M).

    Local Lemma rest_top_at_most : at_most (rest_bound (form_activation F) p m) (rest_top_counted F c M).
    Proof.
      assert (of_hidden := hidden_top_at_most F F_within). destruct c_within, M_within.
      unfold rest_top_counted, rest_bound. count.
    Qed.

    Local Lemma residual_top_at_most : at_most (2 + 2 * largest_bound p m) (residual_top_counted c M).
    Proof. destruct M_within. unfold residual_top_counted. count. Qed.

    Local Lemma square_top_at_most : forall rest : Z, at_most 7 (square_top_counted F c rest).
    Proof. intro rest. unfold square_top_counted, coarse_top_counted. count. Qed.

    Local Lemma length_top_at_most : forall rest : Z, at_most 16 (length_top_counted F c rest).
    Proof. intro rest. assert (square := square_top_at_most rest). unfold length_top_counted. count. Qed.

    Local Lemma residual_square_top_at_most : forall worst : Z, at_most 3 (residual_square_top_counted F worst).
    Proof. intro worst. apply at_most_several, Z.le_refl. Qed.

    Local Lemma bound_top_at_most : forall rest worst : Z,
      at_most (margin_bound (form_activation F) p m) (bound_top_counted F c M rest worst).
    Proof.
      intros rest worst. assert (long := length_top_at_most rest). assert (square := residual_square_top_at_most worst).
      assert (of_hidden := hidden_top_at_most F F_within). destruct F_within, M_within.
      unfold bound_top_counted, margin_bound. count.
    Qed.

    Lemma low_rank_tests_at_most : at_most (low_rank_tests_bound (form_activation F) p m k) (low_rank_tests_counted F c M).
    Proof.
      assert (of_rest := rest_top_at_most). assert (residual := residual_top_at_most).
      assert (square := square_top_at_most). assert (worst_square := residual_square_top_at_most).
      assert (margin := bound_top_at_most). destruct F_within, c_within, M_within.
      assert (some : 0 <= margin_bound (form_activation F) p m)
        by (unfold margin_bound, hidden_bound, before_bound, largest_bound; destruct (form_activation F); nia).
      unfold low_rank_tests_counted, low_rank_tests_bound. cbv zeta. count.
    Qed.

    Context (some : (1 <= form_order F)%nat).

    Local Lemma passes_at_most : forall (a b : nat) (x y : list int * list int * list int) (coarsen : int -> counted int)
      (unit extra : Z) (losses : list (list int)) (answers : list (list int * list int * list int))
      (differences : list (list int * list int)),
      (forall z, at_most (size_steps (is_coarse c) - 2) (coarsen z)) -> len (fst (fst x)) <= m -> len losses <= p ->
      at_most (low_rank_pair_bound (is_coarse c) p m k)
        (low_rank_passes_counted F (activate63_counted (form_activation F)) coarsen unit extra (coordinates63 M) losses answers
          differences a x b y).
    Proof.
      intros a b [[l g] first] [[r g'] second] coarsen unit extra losses answers differences each short few.
      cbn [fst] in short. unfold low_rank_passes_counted.
      assert (m_nonneg : 0 <= m) by lia. assert (k_nonneg := len_nonneg _ (unembedding_coordinates c)).
      assert (steps : 0 <= size_steps (is_coarse c)) by (destruct (is_coarse c); cbn [size_steps]; lia).
      eapply at_most_le.
      { eapply at_most_then; [apply form_answer_at_most|]. rewrite form_answer_value.
        destruct (nth (form_answer F a b) answers ([], [], [])) as [[s third] u].
        apply at_most_le with
          (8 + (6 * m + (3 + (2 * m + (size_steps (is_coarse c) * m + (5 + (k * (2 * m) + (p - 1) * class_bound k)))))));
          [|apply Z.le_refl].
        apply at_most_bind with 8
          (6 * m + (3 + (2 * m + (size_steps (is_coarse c) * m + (5 + (k * (2 * m) + (p - 1) * class_bound k))))));
          [unfold form_difference_counted; count | | lia].
        rewrite form_difference_value. destruct (nth (form_difference F a b) differences ([], [])) as [t fourth].
        eapply at_most_bind; [apply rests_at_most, activate63_at_most| |].
        - rewrite (rests_value _ (activate63 (form_activation F))) by reflexivity.
          set (d := rests (activate63 (form_activation F)) l r g g' s t).
          assert (d_short : len d <= m) by (eapply Z.le_trans; [apply rests_len | exact short]).
          eapply at_most_then; [apply at_most_several, Z.le_refl|].
          eapply at_most_then; [apply dot_from_at_most; left; exact d_short|].
          eapply at_most_then.
          { eapply at_most_le; [apply (squares_at_most coarsen (size_steps (is_coarse c) - 2)), each|].
            replace (2 + (size_steps (is_coarse c) - 2)) with (size_steps (is_coarse c)) by lia.
            apply Z.mul_le_mono_nonneg_l; [exact steps | exact d_short]. }
          eapply at_most_then; [apply at_most_several, Z.le_refl|].
          eapply at_most_then.
          { apply at_most_map with (c := 2 * m) (r := k); [lia | apply (coordinates63_within M M_within)|].
            intros w _. apply dot_from_at_most. left. exact d_short. }
          apply others_below_at_most with (k := k); [|exact few | apply form_answer_below, some].
          rewrite len_cons. erewrite value_map by reflexivity. rewrite len_map.
          assert (rows := within_short _ _ _ _ (coordinates63_within M M_within)). lia.
        - lia. }
      unfold low_rank_pair_bound. lia.
    Qed.

    Lemma low_rank_count_at_most :
      at_most (9 + tables_bound p m + p * (2 + p * low_rank_pair_bound (is_coarse c) p m k)) (low_rank_count_counted F c M).
    Proof.
      assert (p_pos : 1 <= p) by lia. assert (k_nonneg := len_nonneg _ (unembedding_coordinates c)).
      assert (coarse_nonneg : 0 <= size_steps (is_coarse c)) by (destruct (is_coarse c); cbn [size_steps]; lia).
      unfold low_rank_count_counted. cbv zeta. eapply at_most_le.
      { eapply at_most_then; [apply at_most_once, Z.le_refl|].
        eapply at_most_then; [apply at_most_several, Z.le_refl|].
        eapply at_most_then; [apply slack_at_most|].
        eapply at_most_then; [apply coarse_at_most|].
        eapply at_most_then.
        { apply at_most_zip with (r := p) (c := 3 + 2 * m); [lia | left; apply (basis63_within M M_within)|].
          intros b e _ inside. apply loss_row_at_most. exact (within_row _ _ _ _ _ (residuals_within M M_within) inside). }
        eapply at_most_then.
        { apply by_answer_at_most; [apply (answers_within _ _ c c_within) | apply (scaled_U_within M M_within)]. }
        eapply at_most_then.
        { apply by_difference_at_most; [apply (differences_within _ _ c c_within) | apply (scaled_U_within M M_within)]. }
        eapply at_most_then.
        { apply by_token_at_most; [apply (less_within M M_within) | apply (scaled_U_within M M_within)]. }
        eapply at_most_then.
        { apply by_token_at_most; [apply (second_within _ _ c c_within) | apply (scaled_U_within M M_within)]. }
        rewrite !by_token_value, by_answer_value, by_difference_value, slack_value.
        rewrite (value_zip _ _ _ loss_row_counted loss_row) by (intros; apply loss_row_value). cbn [once several returned].
        apply count_pairs_at_most with (k := low_rank_pair_bound (is_coarse c) p m k) (r := p) (c := p).
        - unfold low_rank_pair_bound, class_bound. repeat apply Z.add_nonneg_nonneg; nia.
        - unfold by_token. do 2 (eapply Z.le_trans; [apply (proj1 (len_zip_with _ _ _ _ _ _))|]).
          apply (L_within F F_within).
        - unfold by_token. do 2 (eapply Z.le_trans; [apply (proj1 (len_zip_with _ _ _ _ _ _))|]).
          apply (R_within F F_within).
        - intros a x b y inside _. apply passes_at_most; [apply coarsen_at_most| |].
          + apply in_zip_with in inside. destruct inside as (z & values & inside & _ & ->). apply in_zip_with in inside.
            destruct inside as (l & g & inside & _ & ->). exact (within_row _ _ _ _ _ (L_within F F_within) inside).
          + eapply Z.le_trans; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | apply (basis63_within M M_within)]. }
      unfold tables_bound. lia.
    Qed.
  End Tests.

  Lemma low_rank_count_nonneg :
    0 <= 9 + tables_bound p m + p * (2 + p * low_rank_pair_bound (is_coarse c) p m k).
  Proof.
    assert (k_nonneg := len_nonneg _ (unembedding_coordinates c)).
    assert (coarse_nonneg : 0 <= size_steps (is_coarse c)) by (destruct (is_coarse c); cbn [size_steps]; lia).
    assert (tables : 0 <= tables_bound p m) by (unfold tables_bound; repeat apply Z.add_nonneg_nonneg; nia).
    destruct (Z.eq_dec p 0) as [->|some]; [unfold tables_bound; lia|].
    assert (pair : 0 <= low_rank_pair_bound (is_coarse c) p m k)
      by (unfold low_rank_pair_bound, class_bound; repeat apply Z.add_nonneg_nonneg; nia).
    nia.
  Qed.

  Theorem low_rank_unembedding_on_at_most : forall claimed : Z,
    at_most (low_rank_bound (form_activation F) (is_coarse c) p m k) (low_rank_unembedding_on_counted claimed F c).
  Proof.
    intro claimed. assert (M_within := unembedding_matrices_within). unfold low_rank_unembedding_on_counted.
    eapply at_most_le.
    { eapply at_most_then; [apply unembedding_matrices_at_most|]. rewrite unembedding_matrices_value.
      apply certified_at_most.
      - exact F_within.
      - apply low_rank_count_nonneg.
      - apply low_rank_tests_at_most, M_within.
      - intros passed _. apply low_rank_count_at_most; [exact M_within|]. apply Nat.leb_le.
        refine (first_failure_none _ passed _ (Wrong_order (Z.of_nat (form_order F))) _). left. reflexivity. }
    unfold low_rank_bound. lia.
  Qed.
End Verdict.
