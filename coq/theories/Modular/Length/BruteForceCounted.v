(* CompactProofs: Modular: Length: BruteForceCounted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Lia.
From CompactProofs Require Import Spec.Modular Base.Signed63 Base.Matrix Cert.Outcome Modular.Form Modular.BruteForce.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.MatrixLength.
From CompactProofs Require Import Modular.Length.FormCounted.
Import ListNotations.
(** * Brute force on a form, counted
    Twins of Modular.BruteForce with their values, and how many operations they take; see Length.Counted.
    - [pair_bound p m]          == for one pair
    - [brute_force_bound f p m] == for the verdict on a form of order p and width m
    Main results: [modular_brute_force_on_at_most], [modular_brute_force_exact_on_at_most]. *)
Local Open Scope uint63_scope.

Section Outputs.
  Context (h : list int) (best : int).

  Definition below_counted (u : list int) (x y : int) : counted bool :=
    let* direct := once (x + y) in let* value := pair_value_counted h u direct in slt_counted value best.

  Fixpoint all_below_counted (U : list (list int)) (P Q : list int) : counted bool :=
    match U, P, Q with
    | u :: U', x :: P', y :: Q' =>
        let* less := below_counted u x y in if less then all_below_counted U' P' Q' else free false
    | _, _, _ => free true
    end.

  Fixpoint others_below_counted (s : nat) (U : list (list int)) (P Q : list int) {struct U} : counted bool :=
    match U, P, Q with
    | u :: U', x :: P', y :: Q' =>
        match s with
        | O => all_below_counted U' P' Q'
        | S s' => let* less := below_counted u x y in if less then others_below_counted s' U' P' Q' else free false
        end
    | _, _, _ => free true
    end.
End Outputs.

Definition pair_right_counted (F : form) (a : nat) (x : list int * list int) (b : nat) (y : list int * list int) :
  counted bool :=
  let* h := hidden_counted (form_activation F) (fst x) (fst y) in
  let* s := form_answer_counted F a b in
  let* direct := once (nth s (snd x) 0 + nth s (snd y) 0) in
  let* best := pair_value_counted h (nth s (U_rows F) []) direct in
  others_below_counted h best s (U_rows F) (snd x) (snd y).

Definition brute_force_count_counted (F : form) : counted Z :=
  count_pairs_counted (pair_right_counted F) (combine (L_rows F) (P_rows F)) (combine (R_rows F) (Q_rows F)).

Definition modular_brute_force_on_counted (claimed : Z) (F : form) (c : modular_brute_force_certificate) : counted outcome :=
  certified_counted F (free []) (fun _ => brute_force_count_counted F) claimed.

Definition modular_brute_force_exact_on_counted (claimed : Z) (F : form) (c : modular_brute_force_certificate) :
  counted outcome :=
  let* tests := form_tests_counted F in
  match first_failure tests with
  | Some why => free (Refused why)
  | None =>
      let* count := brute_force_count_counted F in
      let* inputs := several 3 (Z.of_nat (form_order F) * Z.of_nat (form_order F))%Z in
      several 2 (outcome_of (first_failure [ ((count =? claimed)%Z, Total_differs count (inputs - count) inputs claimed) ]))
  end.

(** ** Values *)

Lemma below_value : forall (h : list int) (best : int) (u : list int) (x y : int),
  returned (below_counted h best u x y) = slt (pair_value h u (x + y)) best.
Proof. intros h best u x y. unfold below_counted. values. reflexivity. Qed.

Lemma all_below_value : forall (h : list int) (best : int) (U : list (list int)) (P Q : list int),
  returned (all_below_counted h best U P Q) = all_below h best U P Q.
Proof.
  intros h best. induction U as [|u U IH]; intros [|x P] [|y Q]; try reflexivity.
  cbn [all_below_counted all_below]. rewrite value_bind, below_value, value_if, IH. reflexivity.
Qed.

Lemma others_below_value : forall (h : list int) (best : int) (U : list (list int)) (s : nat) (P Q : list int),
  returned (others_below_counted h best s U P Q) = others_below h best s U P Q.
Proof.
  intros h best. induction U as [|u U IH]; intros s [|x P] [|y Q]; try (destruct s; reflexivity).
  destruct s as [|s]; cbn [others_below_counted others_below]; [apply all_below_value|].
  rewrite value_bind, below_value, value_if, IH. reflexivity.
Qed.

#[export] Hint Rewrite others_below_value : values.

Lemma pair_right_value : forall (F : form) (a : nat) (x : list int * list int) (b : nat) (y : list int * list int),
  returned (pair_right_counted F a x b y) = pair_right F a x b y.
Proof. intros F a x b y. unfold pair_right_counted, pair_right. values. reflexivity. Qed.

Lemma brute_force_count_value : forall F : form, returned (brute_force_count_counted F) = brute_force_count F.
Proof. intro F. apply count_pairs_value, pair_right_value. Qed.

Theorem modular_brute_force_on_value : forall (claimed : Z) (F : form) (c : modular_brute_force_certificate),
  returned (modular_brute_force_on_counted claimed F c) = modular_brute_force_on claimed F c.
Proof. intros claimed F c. apply certified_value; [reflexivity | apply brute_force_count_value]. Qed.

Theorem modular_brute_force_exact_on_value : forall (claimed : Z) (F : form) (c : modular_brute_force_certificate),
  returned (modular_brute_force_exact_on_counted claimed F c) = modular_brute_force_exact_on claimed F c.
Proof.
  intros claimed F c. unfold modular_brute_force_exact_on_counted, modular_brute_force_exact_on. rewrite value_bind.
  rewrite form_tests_value. destruct (first_failure (form_tests F)); [reflexivity|].
  rewrite !value_bind, brute_force_count_value. reflexivity.
Qed.

(** ** Numbers of operations *)
Local Open Scope Z_scope.

Definition pair_bound (p m : Z) : Z := 9 + 4 * m + (p - 1) * (5 + 2 * m).

(** The count; what is said of it takes 5 operations where it is to be exact and 1 where not. *)
Definition brute_force_bound (f : activation) (p m : Z) : Z := 5 + form_tests_bound f p m + p * (2 + p * pair_bound p m).

Section Pair.
  Context (m : Z) (h : list int) (best : int) (h_short : len h <= m).

  Lemma below_at_most : forall (u : list int) (x y : int), at_most (5 + 2 * m) (below_counted h best u x y).
  Proof.
    intros u x y. assert (value := fun direct => pair_value_at_most m h u direct (or_introl h_short)).
    unfold below_counted. count.
  Qed.

  Lemma all_below_at_most : forall (U : list (list int)) (P Q : list int) (n : Z), len U <= n ->
    at_most (n * (5 + 2 * m)) (all_below_counted h best U P Q).
  Proof.
    assert (some := len_nonneg _ h). induction U as [|u U IH]; intros P Q n short.
    - rewrite len_nil in short. apply at_most_free. nia.
    - rewrite len_cons in short. assert (more := len_nonneg _ U).
      destruct P as [|x P], Q as [|y Q]; try (apply at_most_free; nia). cbn [all_below_counted].
      apply at_most_bind with (5 + 2 * m) ((n - 1) * (5 + 2 * m)); [apply below_at_most| |lia].
      match goal with |- context [if ?b then _ else _] => destruct b end; [apply IH; lia | apply at_most_free; nia].
  Qed.

  Lemma others_below_at_most : forall (U : list (list int)) (s : nat) (P Q : list int) (n : Z),
    len U <= n -> Z.of_nat s < n -> at_most ((n - 1) * (5 + 2 * m)) (others_below_counted h best s U P Q).
  Proof.
    assert (some := len_nonneg _ h). induction U as [|u U IH]; intros s P Q n short inside.
    - apply at_most_free. nia.
    - rewrite len_cons in short. assert (more := len_nonneg _ U).
      destruct P as [|x P], Q as [|y Q]; try (apply at_most_free; nia). cbn [others_below_counted].
      destruct s as [|s]; [apply all_below_at_most; lia|].
      apply at_most_bind with (5 + 2 * m) ((n - 2) * (5 + 2 * m)); [apply below_at_most| |lia].
      match goal with |- context [if ?b then _ else _] => destruct b end; [|apply at_most_free; nia].
      replace (n - 2) with (n - 1 - 1) by lia. apply IH; lia.
  Qed.
End Pair.

Section Bounds.
  Context (F : form) (F_within : form_within F).
  Local Notation p := (Z.of_nat (form_order F)).
  Local Notation m := (Z.of_nat (form_width F)).

  Lemma pair_right_at_most : forall (a : nat) (x : list int * list int) (b : nat) (y : list int * list int),
    1 <= p -> len (fst x) <= m -> at_most (pair_bound p m) (pair_right_counted F a x b y).
  Proof.
    intros a x b y some short. unfold pair_right_counted, pair_bound.
    set (h := hidden (form_activation F) (fst x) (fst y)).
    assert (h_short : len h <= m).
    { apply Z.le_trans with (len (fst x)); [apply (proj1 (len_zip_with _ _ _ _ _ _)) | exact short]. }
    eapply at_most_le.
    { eapply at_most_then; [apply hidden_at_most; left; exact short|]. rewrite hidden_value. fold h.
      eapply at_most_then; [apply form_answer_at_most|]. rewrite form_answer_value.
      eapply at_most_then; [apply at_most_once, Z.le_refl|].
      eapply at_most_then; [apply (pair_value_at_most m); left; exact h_short|].
      apply others_below_at_most with (n := p) (m := m); [exact h_short | apply (U_within F F_within)|].
      apply form_answer_below. lia. }
    lia.
  Qed.

  Lemma brute_force_count_at_most : at_most (p * (2 + p * pair_bound p m)) (brute_force_count_counted F).
  Proof.
    destruct (Z.eq_dec p 0) as [none|some].
    - rewrite none. assert (rows := proj1 (proj2 (L_within F F_within))). rewrite none in rows.
      unfold brute_force_count_counted. destruct (L_rows F) as [|row rest]; [apply at_most_free; lia|].
      rewrite len_cons in rows. assert (more := len_nonneg _ rest). lia.
    - apply count_pairs_at_most.
      + unfold pair_bound. nia.
      + eapply Z.le_trans; [apply (proj1 (len_combine _ _ _ _)) | apply (L_within F F_within)].
      + eapply Z.le_trans; [apply (proj1 (len_combine _ _ _ _)) | apply (R_within F F_within)].
      + intros a [x direct] b y inside _. apply pair_right_at_most; [lia|]. apply in_combine_l in inside.
        exact (within_row _ _ _ _ _ (L_within F F_within) inside).
  Qed.

  Lemma brute_force_count_nonneg : 0 <= p * (2 + p * pair_bound p m).
  Proof. unfold pair_bound. nia. Qed.

  Theorem modular_brute_force_on_at_most : forall (claimed : Z) (c : modular_brute_force_certificate),
    at_most (brute_force_bound (form_activation F) p m) (modular_brute_force_on_counted claimed F c).
  Proof.
    intros claimed c. unfold modular_brute_force_on_counted, brute_force_bound. eapply at_most_le.
    { apply certified_at_most with (tests := 0) (count := p * (2 + p * pair_bound p m)).
      - exact F_within.
      - apply brute_force_count_nonneg.
      - apply at_most_free, Z.le_refl.
      - intros _ _. apply brute_force_count_at_most. }
    lia.
  Qed.

  Theorem modular_brute_force_exact_on_at_most : forall (claimed : Z) (c : modular_brute_force_certificate),
    at_most (brute_force_bound (form_activation F) p m) (modular_brute_force_exact_on_counted claimed F c).
  Proof.
    intros claimed c. unfold modular_brute_force_exact_on_counted, brute_force_bound. eapply at_most_le.
    { eapply at_most_then; [apply form_tests_at_most, F_within|]. rewrite form_tests_value.
      apply at_most_le with (p * (2 + p * pair_bound p m) + 5); [|apply Z.le_refl].
      assert (some := brute_force_count_nonneg).
      destruct (first_failure (form_tests F)); [apply at_most_free; lia|].
      eapply at_most_bind; [apply brute_force_count_at_most| |apply Z.le_refl].
      eapply at_most_bind; [apply at_most_several, Z.le_refl | apply at_most_several, Z.le_refl | lia]. }
    lia.
  Qed.
End Bounds.
