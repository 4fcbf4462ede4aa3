(* CompactProofs: Modular: SecondMomentSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome.
From CompactProofs Require Import Modular.Form Modular.FormSound Modular.SpecFacts.
From CompactProofs Require Import Modular.SecondMoment Modular.SecondMomentMath Modular.SecondMomentTables.
Import ListNotations.
(** * Soundness of the second moment
    - [answer_inverse]       == the first token from the answer and the second token
    - [second_moments_exact] == the checker's C and M are those of the centred outputs
    - [second_moment_on_sound] == what is accepted is true *)
Local Open Scope Z_scope.

(** ** Answers *)

Local Lemma answer_back : forall (p : nat) (s : Z) (a b c : nat),
  (a < p)%nat -> answer p s a b = c -> answer p (- s) c b = a.
Proof.
  intros p s a b c below <-. unfold answer.
  assert (range := Z.mod_pos_bound (Z.of_nat a + s * Z.of_nat b) (Z.of_nat p) ltac:(lia)). rewrite Z2Nat.id by lia.
  rewrite Zplus_mod_idemp_l. replace (Z.of_nat a + s * Z.of_nat b + - s * Z.of_nat b) with (Z.of_nat a) by ring.
  rewrite Z.mod_small by lia. apply Nat2Z.id.
Qed.

Lemma answer_inverse : forall (p : nat) (s : Z) (a b c : nat),
  (a < p)%nat -> (c < p)%nat -> (answer p s a b = c <-> answer p (- s) c b = a).
Proof.
  intros p s a b c inside_a inside_c. split; intro same; [exact (answer_back p s a b c inside_a same)|].
  rewrite <- (Z.opp_involutive s). exact (answer_back p (- s) c b a inside_c same).
Qed.

(** ** Equal tables *)

Local Lemma same_row_eq : forall a b : list int, same_row a b = true -> a = b.
Proof.
  induction a as [|x a IH]; intros [|y b] same; try discriminate same; [reflexivity|]. cbn [same_row] in same.
  destruct (Uint63.eqb x y) eqn:first; [|discriminate same]. apply Uint63.eqb_spec in first. subst y. f_equal. apply IH, same.
Qed.

Lemma same_rows_eq : forall A B : list (list int), same_rows A B = true -> A = B.
Proof.
  induction A as [|a A IH]; intros [|b B] same; try discriminate same; [reflexivity|]. cbn [same_rows] in same.
  destruct (same_row a b) eqn:first; [|discriminate same]. apply same_row_eq in first. subst b. f_equal. apply IH, same.
Qed.

(** ** Bounds *)

Local Lemma product_abs : forall x y b c : Z, Z.abs x <= b -> Z.abs y <= c -> Z.abs (x * y) <= b * c.
Proof. intros x y b c x_bound y_bound. rewrite Z.abs_mul. apply Z.mul_le_mono_nonneg; lia. Qed.

Local Lemma gram_symmetric : forall (n : nat) (T : nat -> nat -> Z) (i j : nat), gram n T i j = gram n T j i.
Proof. intros n T i j. apply sumZ_ext. intros a _. apply Z.mul_comm. Qed.

Section WellFormed.
  Context (F : form) (formed : well_formed F) (passed : first_failure (second_moment_tests F) = None).

  Local Notation p := (form_order F).
  Local Notation m := (form_width F).
  Local Notation P := (Z.of_nat p).
  Local Notation L := (at2 (L_rows F)).
  Local Notation R := (at2 (R_rows F)).
  Local Notation centred_U := (centred_rows p m (U_rows F)).
  Local Notation top := (largest centred_U).
  Local Notation square := (before_top F * before_top F).

  Local Lemma tested : forall (test : bool) (why : refusal), In (test, why) (second_moment_tests F) -> test = true.
  Proof. exact (first_failure_none _ passed). Qed.

  Local Lemma activation_square : form_activation F = Square.
  Proof.
    assert (test : is_square (form_activation F) = true) by (eapply tested; left; reflexivity).
    destruct (form_activation F); [discriminate test | reflexivity].
  Qed.

  Local Lemma no_first_direct : largest (P_rows F) = 0.
  Proof. apply Z.eqb_eq. eapply tested. do 1 right. left. reflexivity. Qed.

  Local Lemma no_second_direct : largest (Q_rows F) = 0.
  Proof. apply Z.eqb_eq. eapply tested. do 2 right. left. reflexivity. Qed.

  Local Lemma centred_fits : 2 * (P * largest (U_rows F)) <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 3 right. left. reflexivity. Qed.

  Local Lemma outputs_fit : 2 * (P * (P * (Z.of_nat m * (square * top)))) <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 4 right. left. reflexivity. Qed.

  Local Lemma hidden_grams_fit : P * square * (P * square) <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 5 right. left. reflexivity. Qed.

  Local Lemma output_gram_fits : P * (top * top) <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 6 right. left. reflexivity. Qed.

  Local Lemma P_pos : 1 <= P.
  Proof. assert (some := order_pos F formed). lia. Qed.

  (** ** Centred outputs *)

  Definition centred_class (c j : nat) : Z := P * at2 (U_rows F) c j - sumZ p (fun k => at2 (U_rows F) k j).

  Local Notation V := centred_class.
  Local Notation f := (centred m L R V).

  Local Lemma V_table : is_table p (fun _ => m) centred_U V.
  Proof.
    unfold centred_rows. cbv zeta. assert (rows := is_table_shape _ _ _ (U_shape F formed)).
    assert (sums := row_total _ _ _ _ rows). apply (table_map _ (fun _ => m) _ _ _ (at2 (U_rows F))); [|exact rows].
    intros c u _ row_u. refine (row_zip m _ u _ _ _ _ _ row_u sums).
    intros j x t _ same_x same_t. apply congruent_sub; [|exact same_t].
    apply congruent_mul; [apply congruent_of_Z | exact same_x].
  Qed.

  Local Lemma V_range : forall c j : nat, in_range (V c j).
  Proof.
    intros c j. assert (bound := sumZ_bound p (fun k => at2 (U_rows F) k j) (largest (U_rows F))
      (fun k _ => max_abs_bound (U_rows F) k j)).
    assert (one := max_abs_bound (U_rows F) c j). fold (largest (U_rows F)) in one. assert (fits := centred_fits).
    assert (positive := P_pos). assert (scaled := product_abs P _ P _ ltac:(lia) one). unfold in_range, centred_class. lia.
  Qed.

  Local Lemma V_top : forall c j : nat, (c < p)%nat -> (j < m)%nat -> Z.abs (V c j) <= top.
  Proof.
    intros c j inside_c inside_j. rewrite <- (is_table_exact _ _ _ _ V_table c j inside_c inside_j (V_range c j)).
    apply max_abs_bound.
  Qed.

  Local Lemma top_nonneg : 0 <= top.
  Proof. apply max_abs_nonneg. Qed.

  Local Lemma V_centred : forall j : nat, column_sum p V j = 0.
  Proof.
    intro j. unfold column_sum, centred_class. rewrite sumZ_minus, sumZ_mult_l, sumZ_const. ring.
  Qed.

  Local Lemma value_square : forall a b c : nat,
    valueZ F a b c = sumZ m (fun j => (L a j + R b j) * (L a j + R b j) * at2 (U_rows F) c j).
  Proof.
    intros a b c. unfold valueZ, hiddenZ. rewrite activation_square. cbn [activateZ].
    assert (first := max_abs_bound (P_rows F) a c). assert (second := max_abs_bound (Q_rows F) b c).
    fold (largest (P_rows F)) in first. fold (largest (Q_rows F)) in second.
    rewrite no_first_direct in first. rewrite no_second_direct in second. lia.
  Qed.

  Local Lemma centred_value : forall a b c : nat, f a b c = P * valueZ F a b c - sumZ p (valueZ F a b).
  Proof.
    intros a b c. rewrite value_square.
    rewrite (sumZ_ext p (valueZ F a b) _ (fun k _ => value_square a b k)), sumZ_swap, <- sumZ_mult_l, <- sumZ_minus.
    apply sumZ_ext. intros j _. unfold centred_class. rewrite sumZ_mult_l. ring.
  Qed.

  Local Lemma centred_sum : forall a b : nat, sumZ p (f a b) = 0.
  Proof.
    intros a b. rewrite (sumZ_ext p _ _ (fun c _ => centred_value a b c)), sumZ_minus, sumZ_mult_l, sumZ_const. ring.
  Qed.

  Local Lemma centred_bound : forall a b c : nat, (c < p)%nat -> Z.abs (f a b c) <= Z.of_nat m * (square * top).
  Proof.
    intros a b c inside. apply sumZ_bound. intros j inside_j. assert (before := before_bound F a b j).
    apply product_abs; [apply product_abs; exact before | apply V_top; assumption].
  Qed.

  (** ** The table of a token *)

  Section Token.
    Context (T : list (list int)) (other : nat -> nat -> Z) (sums : list int).
    Context (T_shape : has_shape p m T = true) (sums_row : is_row m sums (column_sum p other)).
    Context (T_bound : forall a b j i : nat, Z.abs (at2 T a j) + Z.abs (other b i) <= before_top F).

    Local Notation t := (at2 T).
    Local Notation side := (side_of p m centred_U T sums).

    Local Lemma t_bound : forall a j : nat, Z.abs (t a j) <= before_top F.
    Proof. intros a j. assert (bound := T_bound a 0 j 0). lia. Qed.

    Lemma own_table : is_table p (fun _ => p) (own_rows side) (own m V t).
    Proof.
      apply (table_dots p m p _ _ (fun a j => t a j * t a j)); [|exact V_table].
      apply (table_map _ (fun _ => m) _ _ _ t); [|exact (is_table_shape _ _ _ T_shape)].
      intros a row _ same. apply (row_map m _ row (t a)); [|exact same]. intros j x _ same_x. apply congruent_mul; exact same_x.
    Qed.

    Lemma own_bound : forall a c : nat, (c < p)%nat -> Z.abs (own m V t a c) <= Z.of_nat m * (square * top).
    Proof.
      intros a c inside. apply sumZ_bound. intros j inside_j. assert (bound := t_bound a j).
      apply product_abs; [apply product_abs; exact bound | apply V_top; assumption].
    Qed.

    Local Lemma own_joint_bound : forall a c : nat, (c < p)%nat ->
      Z.abs (own_joint p m V t (column_sum p other) a c) <= Z.of_nat m * (2 * P * square * top).
    Proof.
      intros a c inside. apply sumZ_bound. intros j inside_j.
      apply product_abs; [|apply V_top; assumption].
      set (x := Z.abs (t a j)). assert (x_nonneg := Z.abs_nonneg (t a j)). fold x in x_nonneg.
      assert (room : x <= before_top F) by apply t_bound.
      assert (sum := sumZ_bound p (fun b => other b j) (before_top F - x)).
      assert (total : Z.abs (column_sum p other j) <= P * (before_top F - x)).
      { apply sum. intros b _. assert (bound := T_bound a b j j). fold x in bound. lia. }
      assert (positive := P_pos).
      assert (squares : Z.abs (t a j * t a j) = x * x) by (unfold x; apply Z.abs_mul).
      assert (products : Z.abs (t a j * column_sum p other j) <= x * (P * (before_top F - x)))
        by (apply product_abs; [apply Z.le_refl | exact total]).
      assert (scaled : Z.abs (P * (t a j * t a j)) = P * (x * x)) by (rewrite Z.abs_mul, squares, Z.abs_eq by lia; reflexivity).
      assert (middle : x * x + 4 * (x * (before_top F - x)) <= 2 * square) by nia.
      assert (all : P * (x * x + 4 * (x * (before_top F - x))) <= P * (2 * square)) by (apply Z.mul_le_mono_nonneg_l; lia). lia.
    Qed.

    Lemma own_in_range : forall a c : nat, (c < p)%nat -> in_range (own m V t a c).
    Proof.
      intros a c inside. assert (bound := own_bound a c inside). assert (fits := outputs_fit). assert (positive := P_pos).
      assert (room := top_nonneg). unfold in_range. set (X := Z.of_nat m * (square * top)) in *.
      assert (0 <= X) by lia. assert (X <= P * X) by nia. assert (P * X <= P * (P * X)) by nia. lia.
    Qed.

    Local Lemma own_joint_in_range : forall a c : nat, (c < p)%nat -> in_range (own_joint p m V t (column_sum p other) a c).
    Proof.
      intros a c inside. assert (bound := own_joint_bound a c inside). assert (fits := outputs_fit). assert (positive := P_pos).
      unfold in_range. set (X := Z.of_nat m * (square * top)) in *.
      replace (Z.of_nat m * (2 * P * square * top)) with (2 * (P * X)) in bound by (unfold X; ring).
      assert (0 <= P * X) by lia. assert (P * X <= P * (P * X)) by nia. lia.
    Qed.

    Lemma own_moment_exact : own_moment side =
      sumZ p (fun a => sumZ p (fun c => own m V t a c * own_joint p m V t (column_sum p other) a c)).
    Proof.
      unfold side_of. cbn [own_moment]. apply (product_sum_exact p p (fun _ => p)); [exact own_table | | | |].
      - apply (table_dots p m p _ _ (fun a j => P * (t a j * t a j) + 4 * (t a j * column_sum p other j))); [|exact V_table].
        apply (table_map _ (fun _ => m) _ _ _ t); [|exact (is_table_shape _ _ _ T_shape)].
        intros a row _ same. apply (row_zip m _ row _ (t a) (fun j => 4 * column_sum p other j)); [|exact same|].
        + intros j x s _ same_x same_s.
          replace (P * (t a j * t a j) + 4 * (t a j * column_sum p other j)) with
            (t a j * (P * t a j + 4 * column_sum p other j)) by ring.
          apply congruent_mul; [exact same_x|]. apply congruent_add; [|exact same_s].
          apply congruent_mul; [apply congruent_of_Z | exact same_x].
        + apply (row_map m _ sums (column_sum p other)); [|exact sums_row].
          intros j x _ same_x. apply congruent_mul; [exact (congruent_to_Z 4) | exact same_x].
      - intros i _. apply le_n.
      - intros a c _ inside. apply own_in_range, inside.
      - intros a c _ inside. apply own_joint_in_range, inside.
    Qed.

    Lemma own_total_row : is_row p (total_row p (own_rows side)) (fun c => sumZ p (fun a => own m V t a c)).
    Proof. apply row_total, own_table. Qed.

    Lemma own_total_in_range : forall c : nat, (c < p)%nat -> in_range (sumZ p (fun a => own m V t a c)).
    Proof.
      intros c inside. assert (bound := sumZ_bound p (fun a => own m V t a c) _ (fun a _ => own_bound a c inside)).
      assert (fits := outputs_fit). assert (positive := P_pos).
      unfold in_range. cbv beta in bound. set (X := Z.of_nat m * (square * top)) in *.
      assert (0 <= P * X) by lia. assert (P * X <= P * (P * X)) by nia. lia.
    Qed.

    Lemma gram_table : is_table m (fun i => (m - i)%nat) (gram_rows side) (fun i k => gram p t i (i + k)).
    Proof.
      apply (table_triangle m p _ (fun j a => t a j)). apply table_transposed, is_table_shape, T_shape.
    Qed.

    Lemma gram_bound : forall i j : nat, Z.abs (gram p t i j) <= P * square.
    Proof.
      intros i j. apply sumZ_bound. intros a _. apply product_abs; apply t_bound.
    Qed.
  End Token.

  Local Lemma tables_bound : forall a b j i : nat, Z.abs (L a j) + Z.abs (R b i) <= before_top F.
  Proof.
    intros a b j i. unfold before_top, largest.
    assert (l := max_abs_bound (L_rows F) a j). assert (r := max_abs_bound (R_rows F) b i). lia.
  Qed.

  Local Lemma tables_bound_turned : forall b a j i : nat, Z.abs (R b j) + Z.abs (L a i) <= before_top F.
  Proof. intros b a j i. assert (bound := tables_bound a b i j). lia. Qed.

  Local Notation first := (fun c b => answer p (- form_coefficient F) c b).

  (** ** Outputs of the right answers *)

  Local Lemma alone_congruent : forall (own_table : list (list int)) (c n start : nat) (g : nat -> nat) (h : nat -> Z),
    (forall b, (start <= b < start + n)%nat -> congruent (nth c (nth (g b) own_table []) 0%uint63) (h b)) ->
    congruent (fold_right (fun a sum => nth c (nth a own_table []) 0%uint63 + sum)%uint63 0%uint63 (map g (seq start n)))
      (sumZ n (fun b => h (start + b)%nat)).
  Proof.
    intros own_table c. induction n as [|n IH]; intros start g h same; [exact (congruent_to_Z 0)|].
    cbn [seq map fold_right sumZ]. apply congruent_add.
    - rewrite Nat.add_0_r. apply same. lia.
    - rewrite (sumZ_ext n _ (fun b => h (S start + b)%nat)) by (intros b _; f_equal; lia). apply IH.
      intros b range. apply same. lia.
  Qed.

  Local Lemma joined_row : forall (rows : list (list int)) (n start : nat) (g : nat -> nat) (r : nat -> nat -> Z),
    is_table n (fun _ => m) rows (fun b => r (start + b)%nat) ->
    (forall b, (g b < p)%nat) ->
    is_row m (joined m (L_rows F) (map g (seq start n)) rows)
      (fun j => sumZ n (fun b => L (g (start + b)%nat) j * r (start + b)%nat j)).
  Proof.
    induction rows as [|row rows IH]; intros n start g r table inside.
    - destruct table as [len _]. cbn in len. subst n. apply row_zero.
    - apply is_table_cons in table. destruct table as (n' & -> & first_row & rest). cbn [seq map joined sumZ].
      rewrite Nat.add_0_r in first_row.
      assert (here : is_row m (nth (g start) (L_rows F) []) (L (g start))).
      { destruct (is_table_shape _ _ _ (L_shape F formed)) as [_ rows_of_L]. apply rows_of_L, inside. }
      assert (shifted : is_table n' (fun _ => m) rows (fun b => r (S start + b)%nat)).
      { refine (is_table_ext _ _ _ _ _ _ rest). intros b j _ _. rewrite Nat.add_succ_r. reflexivity. }
      refine (is_row_ext _ _ _ _ _ (row_add_products m _ row _ _ _ _ here first_row (IH n' (S start) g r shifted inside))).
      intros j _. rewrite Nat.add_0_r. f_equal. apply sumZ_ext. intros b _. rewrite Nat.add_succ_r. reflexivity.
  Qed.

  Local Lemma right_sum_congruent : forall (own_table rows : list (list int)) (c n : nat),
    is_table p (fun _ => p) own_table (own m V L) ->
    is_table n (fun _ => m) rows (fun k => V (c + k)%nat) ->
    (c + n <= p)%nat ->
    congruent (right_sum F own_table c rows)
      (sumZ n (fun k => sumZ p (fun b => own m V L (first (c + k)%nat b) (c + k)%nat) +
        2 * sumZ m (fun j => sumZ p (fun b => L (first (c + k)%nat b) j * R b j) * V (c + k)%nat j))).
  Proof.
    intros own_table rows. assert (some := order_pos F formed).
    induction rows as [|v rows IH]; intros c n own_same table inside.
    - destruct table as [len _]. cbn in len. subst n. exact (congruent_to_Z 0).
    - apply is_table_cons in table. destruct table as (n' & -> & first_row & rest). cbn [right_sum sumZ]. cbv zeta.
      rewrite Nat.add_0_r. rewrite Nat.add_0_r in first_row. apply congruent_add; [apply congruent_add|].
      + apply (alone_congruent _ c p 0 (answer p (- form_coefficient F) c) (fun b => own m V L (first c b) c)).
        intros b _. destruct own_same as [_ same]. apply same; [apply answer_below; lia | lia].
      + apply congruent_mul; [exact (congruent_to_Z 2)|].
        rewrite (sumZ_ext m _ (fun j => V c j * sumZ p (fun b => L (first c b) j * R b j))) by (intros j _; ring).
        apply row_dot; [exact first_row|].
        apply (joined_row (R_rows F) p 0 (answer p (- form_coefficient F) c) R);
          [exact (is_table_shape _ _ _ (R_shape F formed)) | intro b; apply answer_below; lia].
      + rewrite (sumZ_ext n' _ (fun k => sumZ p (fun b => own m V L (first (S c + k)%nat b) (S c + k)%nat) +
          2 * sumZ m (fun j => sumZ p (fun b => L (first (S c + k)%nat b) j * R b j) * V (S c + k)%nat j)))
          by (intros k _; rewrite Nat.add_succ_r; reflexivity).
        apply IH; [exact own_same | | lia]. refine (is_table_ext _ _ _ _ _ _ rest).
        intros k j _ _. rewrite Nat.add_succ_r. reflexivity.
  Qed.

  Local Lemma correlation_in_range : in_range (correlation p f (form_answer F)).
  Proof.
    assert (some := order_pos F formed).
    assert (inner : forall a, Z.abs (sumZ p (fun b => f a b (form_answer F a b))) <= P * (Z.of_nat m * (square * top))).
    { intro a. apply sumZ_bound. intros b _. apply centred_bound. apply answer_below. lia. }
    assert (outer := sumZ_bound p (fun a => sumZ p (fun b => f a b (form_answer F a b))) _ (fun a _ => inner a)).
    cbv beta in outer. assert (fits := outputs_fit). unfold in_range, correlation.
    set (X := P * (P * (Z.of_nat m * (square * top)))) in *. assert (0 <= X) by lia. lia.
  Qed.

  Theorem second_moments_exact : second_moments F = (correlation p f (form_answer F), moment p f).
  Proof.
    assert (some := order_pos F formed).
    assert (l_sums := row_total _ _ _ _ (is_table_shape _ _ _ (L_shape F formed))).
    assert (r_sums := row_total _ _ _ _ (is_table_shape _ _ _ (R_shape F formed))).
    assert (l_own := own_table (L_rows F) (total_row m (R_rows F)) (L_shape F formed)).
    assert (l_moment := own_moment_exact (L_rows F) R _ (L_shape F formed) r_sums tables_bound).
    assert (l_gram := gram_table (L_rows F) (total_row m (R_rows F)) (L_shape F formed)).
    assert (r_own := own_table (R_rows F) (total_row m (L_rows F)) (R_shape F formed)).
    assert (r_moment := own_moment_exact (R_rows F) L _ (R_shape F formed) l_sums tables_bound_turned).
    assert (r_gram := gram_table (R_rows F) (total_row m (L_rows F)) (R_shape F formed)).
    unfold second_moments. cbv zeta.
    replace (if same_rows (L_rows F) (R_rows F) then side_of p m centred_U (L_rows F) (total_row m (R_rows F))
      else side_of p m centred_U (R_rows F) (total_row m (L_rows F)))
      with (side_of p m centred_U (R_rows F) (total_row m (L_rows F))).
    2: { destruct (same_rows (L_rows F) (R_rows F)) eqn:same; [|reflexivity].
      apply same_rows_eq in same. rewrite same. reflexivity. }
    f_equal.
    - apply signed_of_congruent; [|exact correlation_in_range].
      rewrite (correlation_fast p m L R V (form_answer F) first).
      + unfold fast_correlation. rewrite <- sumZ_mult_l, <- sumZ_plus.
        apply (right_sum_congruent _ centred_U 0 p l_own); [exact V_table | apply le_n].
      + intros a b _ _. apply answer_below. lia.
      + intros c b _ _. apply answer_below. lia.
      + intros a b c inside_a _ inside_c. apply answer_inverse; assumption.
      + intros j _. apply V_centred.
    - rewrite moment_fast. unfold fast_moment. rewrite l_moment, r_moment. f_equal; [f_equal; f_equal|].
      + rewrite (product_sum_exact p 1 _ _ _ _ _ (one_row _ _ _ (row_total _ _ _ _ l_own))
          (one_row _ _ _ (row_total _ _ _ _ r_own))).
        * cbn [sumZ]. apply Z.add_0_r.
        * intros i _. apply le_n.
        * intros i c _ inside. apply (own_total_in_range (L_rows F) R); [exact tables_bound | exact inside].
        * intros i c _ inside. apply (own_total_in_range (R_rows F) L); [exact tables_bound_turned | exact inside].
      + f_equal. apply (symmetric_sum_exact m _ _ (gram p V) (fun i j => gram p L i j * gram p R i j)).
        * apply (table_triangle m p _ (fun j c => V c j)). apply table_transposed, V_table.
        * apply (table_zip m _ _ _ _ (fun i k => gram p L i (i + k)) (fun i k => gram p R i (i + k)));
            [| exact l_gram | exact r_gram].
          intros i a b _ row_a row_b. refine (row_zip _ _ a b _ _ _ _ row_a row_b).
          intros j x y _ same_x same_y. apply congruent_mul; assumption.
        * apply gram_symmetric.
        * intros i j. cbv beta. exact (f_equal2 Z.mul (gram_symmetric p L i j) (gram_symmetric p R i j)).
        * intros i j inside_i inside_j. assert (fits := output_gram_fits).
          assert (bound := sumZ_bound p (fun c => V c i * V c j) (top * top)).
          assert (Z.abs (gram p V i j) <= P * (top * top)); [|unfold in_range; lia].
          apply bound. intros c inside. apply product_abs; apply V_top; assumption.
        * intros i j _ _. assert (fits := hidden_grams_fit).
          assert (l := gram_bound (L_rows F) R tables_bound i j). assert (r := gram_bound (R_rows F) L tables_bound_turned i j).
          assert (bound := product_abs _ _ _ _ l r). unfold in_range. lia.
  Qed.

  (** ** Right pairs *)

  Definition wrong (a b : nat) : Z := if form_rightb F a b then 0 else 1.

  Local Lemma count_if_wrong : forall (test : nat -> bool) (n start : nat),
    Z.of_nat (count_if test start n) = Z.of_nat n - sumZ n (fun k => if test (start + k)%nat then 0 else 1).
  Proof.
    intro test. induction n as [|n IH]; intro start; [reflexivity|]. cbn [count_if sumZ]. rewrite Nat.add_0_r.
    assert (rest := IH (S start)). rewrite (sumZ_ext n _ (fun k => if test (start + S k)%nat then 0 else 1)) in rest
      by (intros k _; rewrite Nat.add_succ_r; reflexivity).
    destruct (test start); lia.
  Qed.

  Local Lemma right_pairs_wrong : right_pairs F = P * P - sumZ p (fun a => sumZ p (wrong a)).
  Proof.
    rewrite right_pairs_sum, (sumZ_ext p _ (fun a => P - sumZ p (wrong a))) by (intros a _; apply count_if_wrong).
    rewrite sumZ_minus, sumZ_const. reflexivity.
  Qed.

  Local Lemma forallb_witness : forall (test : nat -> bool) (l : list nat),
    forallb test l = false -> exists x, In x l /\ test x = false.
  Proof.
    intro test. induction l as [|x l IH]; intro none; [discriminate none|]. cbn [forallb] in none.
    destruct (test x) eqn:here; [|exists x; split; [left; reflexivity | exact here]].
    destruct (IH none) as (y & inside & fails). exists y. split; [right; exact inside | exact fails].
  Qed.

  Local Lemma wrong_spec : forall a b : nat,
    wrong a b = 0 \/
    wrong a b = 1 /\ exists c : nat, (c < p)%nat /\ c <> form_answer F a b /\ f a b (form_answer F a b) <= f a b c.
  Proof.
    intros a b. unfold wrong. destruct (form_rightb F a b) eqn:right; [left; reflexivity|]. right. split; [reflexivity|].
    apply forallb_witness in right. destruct right as (c & inside & fails). apply in_seq in inside.
    apply orb_false_elim in fails. destruct fails as [other more]. apply Nat.eqb_neq in other. apply Z.ltb_ge in more.
    exists c. split; [lia|]. split; [exact other|]. rewrite !centred_value. assert (positive := P_pos).
    assert (scaled : P * valueZ F a b (form_answer F a b) <= P * valueZ F a b c) by (apply Z.mul_le_mono_nonneg_l; lia). lia.
  Qed.

  Theorem second_moment_best_le : forall C M : Z,
    second_moments F = (C, M) -> 0 < C -> 0 < M -> second_moment_best p C M <= right_pairs F.
  Proof.
    intros C M moments C_pos M_pos. rewrite second_moments_exact in moments. injection moments as <- <-.
    assert (some := order_pos F formed).
    assert (bound := wrong_le p f (form_answer F) wrong ltac:(intros a b _ _; apply answer_below; lia)
      ltac:(intros a b _ _; apply centred_sum) ltac:(intros a b _ _; apply wrong_spec) C_pos M_pos).
    assert (count := right_pairs_wrong). assert (nonneg : 0 <= right_pairs F) by (unfold right_pairs; lia).
    unfold second_moment_best. cbv zeta. apply Z.max_lub; [exact nonneg|]. apply Z.lt_succ_r.
    apply Z.div_lt_upper_bound; [exact M_pos|]. rewrite count.
    set (W := sumZ p (fun a => sumZ p (wrong a))) in *. set (C := correlation p f (form_answer F)) in *.
    set (M := moment p f) in *. lia.
  Qed.
End WellFormed.

Theorem second_moment_on_sound : forall (claimed : Z) (F : form) (c : second_moment_certificate),
  second_moment_on claimed F c = Accepted -> claimed <= right_pairs F.
Proof.
  intros claimed F c verdict. unfold second_moment_on in verdict.
  destruct (first_failure (form_tests F)) eqn:formed; [discriminate verdict|].
  destruct (first_failure (second_moment_tests F)) eqn:passed; [discriminate verdict|].
  cbv zeta in verdict. destruct (second_moments F) as [C M] eqn:moments.
  unfold total_reaches in verdict. cbn [fst snd first_failure] in verdict.
  destruct (Z.ltb_spec 0 C) as [C_pos|]; [|discriminate verdict].
  destruct (Z.ltb_spec 0 M) as [M_pos|]; [|discriminate verdict].
  cbn [andb] in verdict.
  destruct (Z.leb_spec claimed (second_moment_best (form_order F) C M)) as [enough|]; [|discriminate verdict].
  etransitivity; [exact enough|]. apply second_moment_best_le; assumption.
Qed.
