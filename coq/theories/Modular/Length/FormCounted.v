(* CompactProofs: Modular: Length: FormCounted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Signed63 Base.Matrix Cert.Outcome Modular.Form Modular.SpecFacts.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.MatrixLength.
Import ListNotations.
(** * The canonical form of a network for modular arithmetic, counted
    Twins of Modular.Form with their values, and how many operations they take; see Length.Counted.
    - [form_within F]      == the tables of F are no larger than F says: L, R, U p x m; P, Q p x p
    - [form_tests_bound f p m] == at most so many operations for the tests of a form
    - [certified_counted]  == a strategy; the virtual machine evaluates its tests before those of the form
    Main results: [form_tests_at_most], [certified_at_most], [count_pairs_at_most]. *)
Local Open Scope uint63_scope.

Definition answer_counted (p : nat) (s : Z) (a b : nat) : counted nat := several 7 (answer p s a b).

Definition form_answer_counted (F : form) (a b : nat) : counted nat := answer_counted (form_order F) (form_coefficient F) a b.

(** ** Tests *)

Definition largest_counted (A : list (list int)) : counted Z := let* m := max_abs_counted A in once (to_Z m).

Definition before_top_counted (F : form) : counted Z :=
  let* l := largest_counted (L_rows F) in let* r := largest_counted (R_rows F) in once (l + r)%Z.

Definition hidden_top_counted (F : form) : counted Z :=
  match form_activation F with
  | Relu => before_top_counted F
  | Square => let* x := before_top_counted F in let* y := before_top_counted F in once (x * y)%Z
  end.

Definition value_top_counted (F : form) : counted Z :=
  let* first := largest_counted (P_rows F) in
  let* second := largest_counted (Q_rows F) in
  let* h := hidden_top_counted F in
  let* u := largest_counted (U_rows F) in
  several 5 (first + second + Z.of_nat (form_width F) * (h * u))%Z.

Definition form_tests_counted (F : form) : counted (list (bool * refusal)) :=
  let p := form_order F in
  let m := form_width F in
  all_of
    [ test (several 2 (1 <=? p)%nat) (Wrong_order (Z.of_nat p)); (* with the conversion *)
      test (has_shape_counted p m (L_rows F)) (Wrong_table Left);
      test (has_shape_counted p m (R_rows F)) (Wrong_table Right);
      test (has_shape_counted p m (U_rows F)) (Wrong_table Outputs_of_classes);
      test (has_shape_counted p p (P_rows F)) (Wrong_table First_direct);
      test (has_shape_counted p p (Q_rows F)) (Wrong_table Second_direct);
      test (let* x := before_top_counted F in several 2 (x <=? 2 ^ 60)%Z) (May_overflow Before_activation);
      test (let* x := hidden_top_counted F in several 2 (x <=? 2 ^ 60)%Z) (May_overflow Hidden);
      test (let* x := value_top_counted F in several 2 (x <=? 2 ^ 60)%Z) (May_overflow Logits) ].

(** ** Evaluation *)

(** One comparison or one product. *)
Definition activate63_counted (f : activation) (x : int) : counted int := once (activate63 f x).

Definition hidden_counted (f : activation) (l r : list int) : counted (list int) :=
  zip_counted (fun x y => let* z := once (x + y) in activate63_counted f z) l r.

Definition pair_value_counted (h u : list int) (direct : int) : counted int := let* d := dot_counted h u in once (d + direct).

Section Count.
  Context {A B : Type} (test : nat -> A -> nat -> B -> counted bool).

  Fixpoint count_row_counted (a : nat) (x : A) (b : nat) (row : list B) : counted nat :=
    match row with
    | [] => free O
    | y :: rest =>
        let* passed := test a x b y in
        let* others := count_row_counted a x (S b) rest in
        free (if passed then S others else others)
    end.

  Fixpoint count_rows_counted (a : nat) (rows : list A) (columns : list B) : counted Z :=
    match rows with
    | [] => free 0%Z
    | x :: rest =>
        let* here := count_row_counted a x O columns in
        let* others := count_rows_counted (S a) rest columns in
        several 2 (Z.of_nat here + others)%Z
    end.

  Definition count_pairs_counted (rows : list A) (columns : list B) : counted Z := count_rows_counted O rows columns.
End Count.

Definition certified_counted (F : form) (tests : counted (list (bool * refusal))) (count : unit -> counted Z) (claimed : Z) :
  counted outcome :=
  let* of_strategy := tests in
  let* of_form := form_tests_counted F in
  match first_failure of_form with
  | Some why => free (Refused why)
  | None =>
      match first_failure of_strategy with
      | Some why => free (Refused why)
      | None => let* total := count tt in once (outcome_of (first_failure [ total_reaches claimed total ]))
      end
  end.

(** ** Values *)

Lemma answer_value : forall (p : nat) (s : Z) (a b : nat), returned (answer_counted p s a b) = answer p s a b.
Proof. reflexivity. Qed.

Lemma form_answer_value : forall (F : form) (a b : nat), returned (form_answer_counted F a b) = form_answer F a b.
Proof. reflexivity. Qed.

Lemma largest_value : forall A : list (list int), returned (largest_counted A) = largest A.
Proof. intro A. unfold largest_counted, largest. values. reflexivity. Qed.

#[export] Hint Rewrite answer_value form_answer_value largest_value : values.

Lemma before_top_value : forall F : form, returned (before_top_counted F) = before_top F.
Proof. intro F. unfold before_top_counted, before_top. values. reflexivity. Qed.

#[export] Hint Rewrite before_top_value : values.

Lemma hidden_top_value : forall F : form, returned (hidden_top_counted F) = hidden_top F.
Proof. intro F. unfold hidden_top_counted, hidden_top. destruct (form_activation F); values; reflexivity. Qed.

#[export] Hint Rewrite hidden_top_value : values.

Lemma value_top_value : forall F : form, returned (value_top_counted F) = value_top F.
Proof. intro F. unfold value_top_counted, value_top. values. reflexivity. Qed.

#[export] Hint Rewrite value_top_value : values.

Lemma form_tests_value : forall F : form, returned (form_tests_counted F) = form_tests F.
Proof. intro F. unfold form_tests_counted, form_tests. cbv zeta. values. reflexivity. Qed.

Lemma activate63_value : forall (f : activation) (x : int), returned (activate63_counted f x) = activate63 f x.
Proof. reflexivity. Qed.

#[export] Hint Rewrite form_tests_value activate63_value : values.

Lemma hidden_value : forall (f : activation) (l r : list int), returned (hidden_counted f l r) = hidden f l r.
Proof. intros f l r. unfold hidden_counted, hidden. values. reflexivity. Qed.

Lemma pair_value_value : forall (h u : list int) (direct : int),
  returned (pair_value_counted h u direct) = pair_value h u direct.
Proof. intros h u direct. unfold pair_value_counted, pair_value. values. reflexivity. Qed.

#[export] Hint Rewrite hidden_value pair_value_value : values.

Section CountValues.
  Context {A B : Type} (test_counted : nat -> A -> nat -> B -> counted bool) (test : nat -> A -> nat -> B -> bool).
  Context (same : forall a x b y, returned (test_counted a x b y) = test a x b y).

  Lemma count_row_value : forall (a : nat) (x : A) (row : list B) (b : nat),
    returned (count_row_counted test_counted a x b row) = count_row test a x b row.
  Proof.
    intros a x. induction row as [|y row IH]; intro b; [reflexivity|].
    cbn [count_row_counted count_row]. rewrite !value_bind, same, IH. reflexivity.
  Qed.

  Lemma count_rows_value : forall (rows : list A) (columns : list B) (a : nat),
    returned (count_rows_counted test_counted a rows columns) = count_rows test a rows columns.
  Proof.
    intros rows columns. induction rows as [|x rows IH]; intro a; [reflexivity|].
    cbn [count_rows_counted count_rows]. rewrite !value_bind, count_row_value, IH. reflexivity.
  Qed.

  Lemma count_pairs_value : forall (rows : list A) (columns : list B),
    returned (count_pairs_counted test_counted rows columns) = count_pairs test rows columns.
  Proof. intros rows columns. apply count_rows_value. Qed.
End CountValues.

Lemma certified_value : forall (F : form) (tests_counted : counted (list (bool * refusal))) (tests : list (bool * refusal))
  (count_counted : unit -> counted Z) (count : unit -> Z) (claimed : Z),
  returned tests_counted = tests -> returned (count_counted tt) = count tt ->
  returned (certified_counted F tests_counted count_counted claimed) = certified F tests count claimed.
Proof.
  intros F tests_counted tests count_counted count claimed same same_count. unfold certified_counted, certified.
  rewrite !value_bind, form_tests_value, same. destruct (first_failure (form_tests F)); [reflexivity|].
  destruct (first_failure tests); [reflexivity|]. rewrite value_bind, same_count. reflexivity.
Qed.

(** ** Numbers of operations *)
Local Open Scope Z_scope.

Record form_within (F : form) : Prop := FormWithin {
  L_within : within (Z.of_nat (form_order F)) (Z.of_nat (form_width F)) (L_rows F);
  R_within : within (Z.of_nat (form_order F)) (Z.of_nat (form_width F)) (R_rows F);
  U_within : within (Z.of_nat (form_order F)) (Z.of_nat (form_width F)) (U_rows F);
  P_within : within (Z.of_nat (form_order F)) (Z.of_nat (form_order F)) (P_rows F);
  Q_within : within (Z.of_nat (form_order F)) (Z.of_nat (form_order F)) (Q_rows F)
}.

(** A form that passes its tests is no larger than it says. *)
Lemma form_within_of_tests : forall F : form, first_failure (form_tests F) = None -> form_within F.
Proof.
  intros F tests. assert (all := first_failure_none _ tests). unfold form_tests in all. cbv zeta in all.
  constructor; apply within_of_shape; eapply all; cbn [In]; tauto.
Qed.

Lemma form_answer_below : forall (F : form) (a b : nat),
  (1 <= form_order F)%nat -> Z.of_nat (form_answer F a b) < Z.of_nat (form_order F).
Proof. intros F a b some. apply Nat2Z.inj_lt, answer_below, some. Qed.

Definition largest_bound (r c : Z) : Z := 1 + 3 * (r * c).
Definition before_bound (p m : Z) : Z := 1 + 2 * largest_bound p m.
Definition hidden_bound (f : activation) (p m : Z) : Z :=
  match f with Relu => before_bound p m | Square => 1 + 2 * before_bound p m end.
Definition value_bound (f : activation) (p m : Z) : Z :=
  5 + 2 * largest_bound p p + hidden_bound f p m + largest_bound p m.
Definition form_tests_bound (f : activation) (p m : Z) : Z :=
  13 + 5 * p + before_bound p m + hidden_bound f p m + value_bound f p m.

Lemma answer_at_most : forall (p : nat) (s : Z) (a b : nat), at_most 7 (answer_counted p s a b).
Proof. intros p s a b. apply at_most_several, Z.le_refl. Qed.

Lemma form_answer_at_most : forall (F : form) (a b : nat), at_most 7 (form_answer_counted F a b).
Proof. intros F a b. apply answer_at_most. Qed.

Lemma largest_at_most : forall (r c : Z) (A : list (list int)), within r c A -> at_most (largest_bound r c) (largest_counted A).
Proof. intros r c A size. unfold largest_counted, largest_bound. count. Qed.

#[export] Hint Resolve answer_at_most form_answer_at_most largest_at_most : lengths.

Section Tests.
  Context (F : form) (F_within : form_within F).
  Local Notation p := (Z.of_nat (form_order F)).
  Local Notation m := (Z.of_nat (form_width F)).

  Lemma before_top_at_most : at_most (before_bound p m) (before_top_counted F).
  Proof. destruct F_within. unfold before_top_counted, before_bound. count. Qed.

  Lemma hidden_top_at_most : at_most (hidden_bound (form_activation F) p m) (hidden_top_counted F).
  Proof.
    assert (before := before_top_at_most). unfold hidden_top_counted, hidden_bound.
    destruct (form_activation F); [exact before | count].
  Qed.

  Lemma value_top_at_most : at_most (value_bound (form_activation F) p m) (value_top_counted F).
  Proof. assert (of_hidden := hidden_top_at_most). destruct F_within. unfold value_top_counted, value_bound. count. Qed.

  Theorem form_tests_at_most : at_most (form_tests_bound (form_activation F) p m) (form_tests_counted F).
  Proof.
    assert (before := before_top_at_most). assert (of_hidden := hidden_top_at_most). assert (value := value_top_at_most).
    destruct F_within. unfold form_tests_counted, form_tests_bound. cbv zeta. count.
  Qed.

  (** [tests], [count]: what the strategy's own take; the count only where the form passes its tests. *)
  Theorem certified_at_most : forall (tests_counted : counted (list (bool * refusal))) (count_counted : unit -> counted Z)
    (claimed tests count : Z), 0 <= count -> at_most tests tests_counted ->
    (first_failure (form_tests F) = None -> first_failure (returned tests_counted) = None ->
      at_most count (count_counted tt)) ->
    at_most (1 + tests + form_tests_bound (form_activation F) p m + count)
      (certified_counted F tests_counted count_counted claimed).
  Proof.
    intros tests_counted count_counted claimed tests count some of_tests of_count. unfold certified_counted. eapply at_most_le.
    { eapply at_most_then; [exact of_tests|]. eapply at_most_then; [exact form_tests_at_most|]. rewrite form_tests_value.
      apply at_most_le with (1 + count); [|apply Z.le_refl].
      destruct (first_failure (form_tests F)) eqn:passed; [apply at_most_free; lia|].
      destruct (first_failure (returned tests_counted)) eqn:passed_own; [apply at_most_free; lia|].
      eapply at_most_bind; [apply of_count; reflexivity | apply at_most_once, Z.le_refl | lia]. }
    lia.
  Qed.
End Tests.

Lemma activate63_at_most : forall (f : activation) (x : int), at_most 1 (activate63_counted f x).
Proof. intros f x. apply at_most_once, Z.le_refl. Qed.

#[export] Hint Resolve activate63_at_most : lengths.

Lemma hidden_at_most : forall (m : Z) (f : activation) (l r : list int),
  len l <= m \/ len r <= m -> at_most (2 * m) (hidden_counted f l r).
Proof.
  intros m f l r short. unfold hidden_counted. apply at_most_le with (m * 2); [|lia].
  apply at_most_zip; [lia | exact short|]. intros x y _ _. count.
Qed.

Lemma len_zip_with : forall (A B C : Type) (f : A -> B -> C) (a : list A) (b : list B),
  len (zip_with f a b) <= len a /\ len (zip_with f a b) <= len b.
Proof. intros A B C f a b. unfold len. rewrite zip_with_length. lia. Qed.

Lemma len_combine : forall (A B : Type) (a : list A) (b : list B),
  len (combine a b) <= len a /\ len (combine a b) <= len b.
Proof. intros A B a b. unfold len. rewrite combine_length. lia. Qed.

Lemma pair_value_at_most : forall (m : Z) (h u : list int) (direct : int),
  len h <= m \/ len u <= m -> at_most (1 + 2 * m) (pair_value_counted h u direct).
Proof. intros m h u direct short. assert (product := dot_at_most _ _ _ short). unfold pair_value_counted. count. Qed.

Section CountAtMost.
  Context {A B : Type} (test_counted : nat -> A -> nat -> B -> counted bool) (rows : list A) (columns : list B) (k r c : Z).
  Context (k_nonneg : 0 <= k) (rows_short : len rows <= r) (columns_short : len columns <= c).
  Context (each : forall a x b y, In x rows -> In y columns -> at_most k (test_counted a x b y)).

  Local Lemma count_row_at_most : forall (a : nat) (x : A) (row : list B) (b : nat), In x rows -> incl row columns ->
    at_most (len row * k) (count_row_counted test_counted a x b row).
  Proof.
    intros a x. induction row as [|y row IH]; intros b inside part; [apply at_most_free; rewrite len_nil; lia|].
    cbn [count_row_counted]. rewrite len_cons. apply at_most_bind with k (len row * k); [| |lia].
    - apply each; [exact inside | apply part; left; reflexivity].
    - apply at_most_bind with (len row * k) 0; [|apply at_most_free; lia | lia].
      apply IH; [exact inside|]. intros z z_inside. apply part. right. exact z_inside.
  Qed.

  Local Lemma count_rows_at_most : forall (some : list A) (a : nat), incl some rows ->
    at_most (len some * (2 + len columns * k)) (count_rows_counted test_counted a some columns).
  Proof.
    induction some as [|x some IH]; intros a part; [apply at_most_free; rewrite len_nil; lia|].
    cbn [count_rows_counted]. rewrite len_cons.
    apply at_most_bind with (len columns * k) (len some * (2 + len columns * k) + 2); [| |lia].
    - apply count_row_at_most; [apply part; left; reflexivity | intros y inside; exact inside].
    - eapply at_most_then; [|apply at_most_several, Z.le_refl]. apply IH. intros y inside. apply part. right. exact inside.
  Qed.

  Lemma count_pairs_at_most : at_most (r * (2 + c * k)) (count_pairs_counted test_counted rows columns).
  Proof.
    eapply at_most_le; [apply count_rows_at_most; intros x inside; exact inside|].
    assert (some_rows := len_nonneg _ rows). assert (some := len_nonneg _ columns).
    apply Z.mul_le_mono_nonneg; [exact some_rows | exact rows_short | nia |].
    apply Z.add_le_mono_l, Z.mul_le_mono_nonneg_r; assumption.
  Qed.
End CountAtMost.
