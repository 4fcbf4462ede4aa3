(* CompactProofs: Modular: Form *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome.
Import ListNotations.
(** * The canonical form of a network for modular arithmetic, in machine integers
    Every architecture of Spec.Modular folds into it (Modular.Fold), and every strategy checks it:
      value a b c = P[a,c] + Q[b,c] + sum_j U[c,j] activate (L[a,j] + R[b,j])
    - [form]          == its tables; p rows each: L, R and U of [form_width] entries, P and Q of p
    - [form_tests F]  == shapes and ranges, by which no value leaves 60 bits
    - [form_right F a b] == on (a, b) the value of the right answer is strictly above every other; [right_pairs] counts
    - [hidden]        == the activations of a pair; [pair_value] == one of its outputs
    - [count_pairs]   == for how many pairs a test holds
    - [certified F tests count claimed] == the outcome of a strategy that counts [count] pairs
    Main results in Modular.FormSound. Python mirror: extract/modular_form.py. *)

Record form := Form {
  form_order : nat;
  form_coefficient : Z;
  form_activation : activation;
  form_width : nat;
  L_rows : list (list int);
  R_rows : list (list int);
  U_rows : list (list int);
  P_rows : list (list int);
  Q_rows : list (list int)
}.

(** ** What it means, over the integers *)

Definition activateZ (f : activation) (x : Z) : Z :=
  match f with
  | Relu => Z.max 0 x
  | Square => x * x
  end.

Definition hiddenZ (F : form) (a b j : nat) : Z := activateZ (form_activation F) (at2 (L_rows F) a j + at2 (R_rows F) b j).

Definition valueZ (F : form) (a b c : nat) : Z :=
  (at2 (P_rows F) a c + at2 (Q_rows F) b c + sumZ (form_width F) (fun j => hiddenZ F a b j * at2 (U_rows F) c j))%Z.

Definition form_answer (F : form) (a b : nat) : nat := answer (form_order F) (form_coefficient F) a b.

Definition form_right (F : form) (a b : nat) : Prop :=
  forall c : nat, c < form_order F -> c <> form_answer F a b -> (valueZ F a b c < valueZ F a b (form_answer F a b))%Z.

Definition form_rightb (F : form) (a b : nat) : bool :=
  let s := form_answer F a b in
  forallb (fun c => (c =? s) || (valueZ F a b c <? valueZ F a b s)%Z) (seq 0 (form_order F)).

Definition right_pairs (F : form) : Z :=
  Z.of_nat (length (filter (fun x => form_rightb F (fst x) (snd x)) (pairs (form_order F)))).

(** ** Tests of shapes and ranges *)

Definition largest (A : list (list int)) : Z := to_Z (max_abs A).

(** No number before the activation is larger in absolute value; none behind it. *)
Definition before_top (F : form) : Z := (largest (L_rows F) + largest (R_rows F))%Z.
Definition hidden_top (F : form) : Z :=
  match form_activation F with
  | Relu => before_top F
  | Square => (before_top F * before_top F)%Z
  end.

Definition value_top (F : form) : Z :=
  (largest (P_rows F) + largest (Q_rows F) + Z.of_nat (form_width F) * (hidden_top F * largest (U_rows F)))%Z.

Definition form_tests (F : form) : list (bool * refusal) :=
  let p := form_order F in
  let m := form_width F in
  [ (1 <=? p, Wrong_order (Z.of_nat p));
    (has_shape p m (L_rows F), Wrong_table Left);
    (has_shape p m (R_rows F), Wrong_table Right);
    (has_shape p m (U_rows F), Wrong_table Outputs_of_classes);
    (has_shape p p (P_rows F), Wrong_table First_direct);
    (has_shape p p (Q_rows F), Wrong_table Second_direct);
    ((before_top F <=? 2 ^ 60)%Z, May_overflow Before_activation);
    ((hidden_top F <=? 2 ^ 60)%Z, May_overflow Hidden);
    ((value_top F <=? 2 ^ 60)%Z, May_overflow Logits) ].

(** ** Evaluation *)
Local Open Scope uint63_scope.

Definition activate63 (f : activation) : int -> int :=
  match f with
  | Relu => fun x => if ltb x half then x else 0
  | Square => fun x => x * x
  end.

(** [l]: a row of L; [r]: a row of R. *)
Definition hidden (f : activation) (l r : list int) : list int := zip_with (fun x y => activate63 f (x + y)) l r.

(** [h]: the activations; [u]: the row of U of the class; [direct]: P[a,c] + Q[b,c]. *)
Definition pair_value (h u : list int) (direct : int) : int := dot h u + direct.

Section Count.
  Context {A B : Type} (test : nat -> A -> nat -> B -> bool).

  Fixpoint count_row (a : nat) (x : A) (b : nat) (row : list B) : nat :=
    match row with
    | [] => O
    | y :: rest => if test a x b y then S (count_row a x (S b) rest) else count_row a x (S b) rest
    end.

  Fixpoint count_rows (a : nat) (rows : list A) (columns : list B) : Z :=
    match rows with
    | [] => 0
    | x :: rest => Z.of_nat (count_row a x O columns) + count_rows (S a) rest columns
    end%Z.

  (** [test a x b y]: the pair (a, b), where [x] is the a-th of [rows] and [y] the b-th of [columns]. *)
  Definition count_pairs (rows : list A) (columns : list B) : Z := count_rows O rows columns.
End Count.

(** [count] is looked at only where every test is passed. *)
Definition certified (F : form) (tests : list (bool * refusal)) (count : unit -> Z) (claimed : Z) : outcome :=
  match first_failure (form_tests F) with
  | Some why => Refused why
  | None =>
      match first_failure tests with
      | Some why => Refused why
      | None => outcome_of (first_failure [ total_reaches claimed (count tt) ])
      end
  end.
