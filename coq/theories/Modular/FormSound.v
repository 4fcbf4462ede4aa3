(* CompactProofs: Modular: FormSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
Import ListNotations.
(** * The canonical form: evaluation is exact, and counting what is certified counts right pairs
    - [well_formed F]     == the tests of the form are passed
    - [hidden_exact]      == activations as machine integers are the true ones
    - [pair_value_exact]  == so are the outputs
    - [count_pairs_le]    == where a test implies [form_right], the count is at most [right_pairs]
    - [count_pairs_exact] == where the two are equivalent, it is [right_pairs]
    - [certified_sound]   == what a strategy has to prove *)
Local Open Scope Z_scope.

Definition well_formed (F : form) : Prop := first_failure (form_tests F) = None.

Section WellFormed.
  Context (F : form) (formed : well_formed F).

  Local Lemma tested : forall (test : bool) (why : refusal), In (test, why) (form_tests F) -> test = true.
  Proof. exact (first_failure_none _ formed). Qed.

  Lemma order_pos : (1 <= form_order F)%nat.
  Proof. apply Nat.leb_le. eapply tested. left. reflexivity. Qed.

  Lemma L_shape : has_shape (form_order F) (form_width F) (L_rows F) = true.
  Proof. eapply tested. do 1 right. left. reflexivity. Qed.

  Lemma R_shape : has_shape (form_order F) (form_width F) (R_rows F) = true.
  Proof. eapply tested. do 2 right. left. reflexivity. Qed.

  Lemma U_shape : has_shape (form_order F) (form_width F) (U_rows F) = true.
  Proof. eapply tested. do 3 right. left. reflexivity. Qed.

  Lemma P_shape : has_shape (form_order F) (form_order F) (P_rows F) = true.
  Proof. eapply tested. do 4 right. left. reflexivity. Qed.

  Lemma Q_shape : has_shape (form_order F) (form_order F) (Q_rows F) = true.
  Proof. eapply tested. do 5 right. left. reflexivity. Qed.

  Lemma before_top_fits : before_top F <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 6 right. left. reflexivity. Qed.

  Lemma hidden_top_fits : hidden_top F <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 7 right. left. reflexivity. Qed.

  Lemma value_top_fits : value_top F <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 8 right. left. reflexivity. Qed.

  Lemma before_bound : forall a b j : nat, Z.abs (at2 (L_rows F) a j + at2 (R_rows F) b j) <= before_top F.
  Proof.
    intros a b j. unfold before_top, largest.
    assert (l := max_abs_bound (L_rows F) a j). assert (r := max_abs_bound (R_rows F) b j). lia.
  Qed.

  Lemma hidden_nonneg : forall a b j : nat, 0 <= hiddenZ F a b j.
  Proof. intros a b j. unfold hiddenZ, activateZ. destruct (form_activation F); [lia | apply Z.square_nonneg]. Qed.

  Lemma hidden_bound : forall a b j : nat, hiddenZ F a b j <= hidden_top F.
  Proof.
    intros a b j. assert (bound := before_bound a b j). unfold hiddenZ, activateZ, hidden_top.
    destruct (form_activation F); [lia|]. rewrite <- Z.abs_square. apply Z.mul_le_mono_nonneg; lia.
  Qed.

  Lemma value_bound : forall a b c : nat, Z.abs (valueZ F a b c) <= value_top F.
  Proof.
    intros a b c. unfold valueZ, value_top, largest.
    assert (direct := max_abs_bound (P_rows F) a c). assert (direct' := max_abs_bound (Q_rows F) b c).
    assert (bound := sumZ_bound (form_width F) (fun j => hiddenZ F a b j * at2 (U_rows F) c j)
      (hidden_top F * to_Z (max_abs (U_rows F)))).
    cbv beta in bound. assert (sum_bound : Z.abs (sumZ (form_width F) (fun j => hiddenZ F a b j * at2 (U_rows F) c j)) <=
      Z.of_nat (form_width F) * (hidden_top F * to_Z (max_abs (U_rows F)))); [|lia].
    apply bound. intros j _. rewrite Z.abs_mul.
    assert (h := hidden_nonneg a b j). assert (top := hidden_bound a b j).
    apply Z.mul_le_mono_nonneg; [lia | lia | lia | apply max_abs_bound].
  Qed.

  Local Lemma activate_exact : forall (x : int), Z.abs (signed x) <= before_top F ->
    signed (activate63 (form_activation F) x) = activateZ (form_activation F) (signed x).
  Proof.
    intros x bound. assert (fits := before_top_fits). assert (squares := hidden_top_fits). revert squares.
    unfold activate63, activateZ, hidden_top. destruct (form_activation F); intros squares.
    - assert (spec := ltb_spec x half). change (to_Z half) with (2 ^ 62) in spec. assert (range := to_Z_range x).
      unfold signed at 2. destruct (ltb x half).
      + assert (small : to_Z x < 2 ^ 62) by (apply spec; reflexivity). rewrite signed_small by assumption.
        destruct (Z.ltb_spec (to_Z x) (2 ^ 62)); lia.
      + rewrite signed_zero. destruct (Z.ltb_spec (to_Z x) (2 ^ 62)) as [small|large]; [|lia].
        apply spec in small. discriminate small.
    - apply signed_mul. assert (square := Z.abs_square (signed x)). nia.
  Qed.

  Lemma L_row_length : forall a : nat, (a < form_order F)%nat -> length (nth a (L_rows F) []) = form_width F.
  Proof. intros a below. apply (has_shape_row _ _ _ _ _ L_shape below). Qed.

  Lemma R_row_length : forall b : nat, (b < form_order F)%nat -> length (nth b (R_rows F) []) = form_width F.
  Proof. intros b below. apply (has_shape_row _ _ _ _ _ R_shape below). Qed.

  Lemma U_row_length : forall c : nat, (c < form_order F)%nat -> length (nth c (U_rows F) []) = form_width F.
  Proof. intros c below. apply (has_shape_row _ _ _ _ _ U_shape below). Qed.

  (** The activations of the pair (a, b). *)
  Definition hidden_of (a b : nat) : list int := hidden (form_activation F) (nth a (L_rows F) []) (nth b (R_rows F) []).

  Lemma hidden_length : forall a b : nat,
    (a < form_order F)%nat -> (b < form_order F)%nat -> length (hidden_of a b) = form_width F.
  Proof.
    intros a b inside_a inside_b. unfold hidden_of, hidden. rewrite zip_with_length, L_row_length, R_row_length by assumption.
    apply Nat.min_id.
  Qed.

  Theorem hidden_exact : forall a b j : nat,
    (a < form_order F)%nat -> (b < form_order F)%nat -> (j < form_width F)%nat ->
    at1 (hidden_of a b) j = hiddenZ F a b j.
  Proof.
    intros a b j inside_a inside_b inside_j. unfold hidden_of, hidden, at1.
    rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by (rewrite ?L_row_length, ?R_row_length by assumption; lia).
    assert (bound := before_bound a b j). assert (fits := before_top_fits).
    unfold at2, at1 in bound.
    assert (exact_sum : signed (nth j (nth a (L_rows F) []) 0 + nth j (nth b (R_rows F) []) 0)%uint63 =
      signed (nth j (nth a (L_rows F) []) 0%uint63) + signed (nth j (nth b (R_rows F) []) 0%uint63)) by (apply signed_add; lia).
    rewrite activate_exact by (rewrite exact_sum; exact bound). rewrite exact_sum. reflexivity.
  Qed.

  Theorem pair_value_exact : forall (a b c : nat) (direct : int),
    (a < form_order F)%nat -> (b < form_order F)%nat -> (c < form_order F)%nat ->
    congruent direct (at2 (P_rows F) a c + at2 (Q_rows F) b c) ->
    signed (pair_value (hidden_of a b) (nth c (U_rows F) []) direct) = valueZ F a b c.
  Proof.
    intros a b c direct inside_a inside_b inside_c same. unfold pair_value.
    assert (bound := value_bound a b c). assert (fits := value_top_fits).
    apply signed_of_congruent; [|lia]. unfold valueZ. rewrite Z.add_comm. apply congruent_add; [|].
    - rewrite (sumZ_ext _ _ (fun j => at1 (hidden_of a b) j * at1 (nth c (U_rows F) []) j)).
      + assert (value := dot_congruent (hidden_of a b) (nth c (U_rows F) [])).
        rewrite U_row_length, hidden_length in value by assumption. exact (value eq_refl).
      + intros j below. rewrite hidden_exact by assumption. reflexivity.
    - exact same.
  Qed.
End WellFormed.

(** ** Right pairs *)

Lemma form_rightb_spec : forall (F : form) (a b : nat), form_rightb F a b = true <-> form_right F a b.
Proof.
  intros F a b. unfold form_rightb, form_right. cbv zeta. rewrite forallb_forall. split.
  - intros all c below other. specialize (all c). rewrite orb_true_iff, Nat.eqb_eq, Z.ltb_lt in all.
    destruct all as [same|less]; [apply in_seq; lia | contradiction | exact less].
  - intros all c inside. apply in_seq in inside. rewrite orb_true_iff, Nat.eqb_eq, Z.ltb_lt.
    destruct (Nat.eq_dec c (form_answer F a b)) as [same|other]; [left; exact same|]. right. apply all; [lia | exact other].
Qed.

(** [filter] over all pairs, row by row. *)
Fixpoint count_if (P : nat -> bool) (start n : nat) : nat :=
  match n with
  | O => O
  | S n' => if P start then S (count_if P (S start) n') else count_if P (S start) n'
  end.

Local Lemma filter_count : forall (P : nat -> bool) (n start : nat), length (filter P (seq start n)) = count_if P start n.
Proof.
  intros P. induction n as [|n IH]; intros start; [reflexivity|]. cbn [seq filter count_if]. rewrite <- (IH (S start)).
  destruct (P start); reflexivity.
Qed.

Local Lemma filter_map_pair : forall (P : nat * nat -> bool) (a : nat) (l : list nat),
  length (filter P (map (fun b => (a, b)) l)) = length (filter (fun b => P (a, b)) l).
Proof.
  intros P a. induction l as [|b l IH]; [reflexivity|]. cbn [map filter]. destruct (P (a, b)); cbn [length]; rewrite IH; reflexivity.
Qed.

Local Lemma pairs_count : forall (P : nat -> nat -> bool) (p n start : nat),
  Z.of_nat (length (filter (fun x => P (fst x) (snd x)) (list_prod (seq start n) (seq 0 p)))) =
  sumZ n (fun k => Z.of_nat (count_if (P (start + k)%nat) 0 p)).
Proof.
  intros P p. induction n as [|n IH]; intros start; [reflexivity|]. cbn [seq list_prod sumZ].
  rewrite filter_app, app_length, Nat2Z.inj_add, IH, filter_map_pair, filter_count, Nat.add_0_r. cbn [fst snd]. f_equal.
  apply sumZ_ext. intros k _. rewrite Nat.add_succ_r. reflexivity.
Qed.

Lemma right_pairs_sum : forall F : form,
  right_pairs F = sumZ (form_order F) (fun a => Z.of_nat (count_if (form_rightb F a) 0 (form_order F))).
Proof. intro F. unfold right_pairs, pairs. apply (pairs_count (form_rightb F)). Qed.

Section CountPairs.
  Context {A B : Type} (test : nat -> A -> nat -> B -> bool) (rows : list A) (columns : list B) (x : A) (y : B).

  Local Lemma count_row_eq : forall (a : nat) (row : A) (l : list B) (start : nat),
    count_row test a row start l = count_if (fun b => test a row b (nth (b - start) l y)) start (length l).
  Proof.
    intros a row. induction l as [|z l IH]; intros start; [reflexivity|]. cbn [count_row length count_if].
    rewrite Nat.sub_diag, IH. cbn [nth].
    assert (same : forall n s, (start < s)%nat ->
      count_if (fun b => test a row b (nth (b - S start) l y)) s n = count_if (fun b => test a row b (nth (b - start) (z :: l) y)) s n).
    { induction n as [|n IHn]; intros s above; [reflexivity|]. cbn [count_if].
      replace (s - start)%nat with (S (s - S start)) by lia. cbn [nth]. rewrite IHn by lia. reflexivity. }
    rewrite same by lia. reflexivity.
  Qed.

  Local Lemma count_rows_eq : forall (l : list A) (start : nat),
    count_rows test start l columns =
    sumZ (length l) (fun k => Z.of_nat (count_row test (start + k)%nat (nth k l x) O columns)).
  Proof.
    induction l as [|z l IH]; intros start; [reflexivity|]. cbn [count_rows length sumZ nth]. rewrite IH, Nat.add_0_r. f_equal.
    apply sumZ_ext. intros k _. rewrite Nat.add_succ_r. reflexivity.
  Qed.

  Lemma count_pairs_sum : count_pairs test rows columns =
    sumZ (length rows) (fun a => Z.of_nat (count_if (fun b => test a (nth a rows x) b (nth b columns y)) 0 (length columns))).
  Proof.
    unfold count_pairs. rewrite count_rows_eq. apply sumZ_ext. intros a _. rewrite count_row_eq. cbn [plus]. f_equal.
    assert (same : forall n s, count_if (fun b => test a (nth a rows x) b (nth (b - 0) columns y)) s n =
      count_if (fun b => test a (nth a rows x) b (nth b columns y)) s n).
    { induction n as [|n IHn]; intros s; [reflexivity|]. cbn [count_if]. rewrite IHn, Nat.sub_0_r. reflexivity. }
    apply same.
  Qed.
End CountPairs.

Lemma count_if_le : forall (P Q : nat -> bool) (n start : nat),
  (forall k, (start <= k < start + n)%nat -> P k = true -> Q k = true) -> (count_if P start n <= count_if Q start n)%nat.
Proof.
  intros P Q. induction n as [|n IH]; intros start implied; [apply le_n|]. cbn [count_if].
  assert (rest := IH (S start) ltac:(intros k range; apply implied; lia)).
  assert (here := implied start ltac:(lia)). destruct (P start), (Q start); lia.
Qed.

Theorem count_pairs_le : forall (A B : Type) (F : form) (test : nat -> A -> nat -> B -> bool) (rows : list A) (columns : list B)
  (x : A) (y : B),
  length rows = form_order F ->
  length columns = form_order F ->
  (forall a b : nat, (a < form_order F)%nat -> (b < form_order F)%nat ->
    test a (nth a rows x) b (nth b columns y) = true -> form_right F a b) ->
  count_pairs test rows columns <= right_pairs F.
Proof.
  intros A B F test rows columns x y len_rows len_columns implied. rewrite (count_pairs_sum _ _ _ x y), right_pairs_sum.
  rewrite len_rows, len_columns. apply sumZ_le. intros a below. apply Nat2Z.inj_le, count_if_le.
  intros b range passed. apply form_rightb_spec, implied; [exact below | lia | exact passed].
Qed.

Theorem count_pairs_exact : forall (A B : Type) (F : form) (test : nat -> A -> nat -> B -> bool) (rows : list A) (columns : list B)
  (x : A) (y : B),
  length rows = form_order F ->
  length columns = form_order F ->
  (forall a b : nat, (a < form_order F)%nat -> (b < form_order F)%nat ->
    (test a (nth a rows x) b (nth b columns y) = true <-> form_right F a b)) ->
  count_pairs test rows columns = right_pairs F.
Proof.
  intros A B F test rows columns x y len_rows len_columns same. apply Z.le_antisymm.
  - apply (count_pairs_le _ _ _ _ _ _ x y); [assumption | assumption|]. intros a b inside_a inside_b. apply same; assumption.
  - rewrite (count_pairs_sum _ _ _ x y), right_pairs_sum, len_rows, len_columns. apply sumZ_le. intros a below.
    apply Nat2Z.inj_le, count_if_le. intros b range passed. apply same; [exact below | lia|]. apply form_rightb_spec, passed.
Qed.

Theorem certified_sound : forall (F : form) (tests : list (bool * refusal)) (count : unit -> Z) (claimed : Z),
  (well_formed F -> first_failure tests = None -> count tt <= right_pairs F) ->
  certified F tests count claimed = Accepted ->
  claimed <= right_pairs F.
Proof.
  intros F tests count claimed counted verdict. unfold certified in verdict.
  destruct (first_failure (form_tests F)) eqn:formed; [discriminate verdict|].
  destruct (first_failure tests) eqn:passed; [discriminate verdict|].
  unfold total_reaches in verdict. cbn [first_failure] in verdict.
  destruct (Z.leb_spec claimed (count tt)) as [enough|]; [|discriminate verdict].
  etransitivity; [exact enough|]. exact (counted formed eq_refl).
Qed.
