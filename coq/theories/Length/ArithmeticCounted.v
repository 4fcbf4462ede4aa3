(* CompactProofs: Length: ArithmeticCounted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Lia.
From CompactProofs Require Import Base.Signed63 Base.ExpBounds Cert.Terms Length.Counted.
Import ListNotations.
(** * Signed numbers, exponentials and attention weights: what they take
    Twins of Base.Signed63, Base.ExpBounds and Cert.Terms; see Counted for what an operation is. Every number here is a
    constant: an exponential is at most 36 steps of 5 or 6 operations.
    - [f_value]   == the twin of f returns what f does
    - [f_at_most] == it takes at most so many operations *)
Local Open Scope uint63_scope.

Definition signed_counted (i : int) : counted Z :=
  let* low := several 3 (to_Z i <? 2 ^ 62)%Z in if low then once (to_Z i) else several 3 (to_Z i - 2 ^ 63)%Z.

Definition slt_counted (i j : int) : counted bool := several 3 (ltb (i + half) (j + half)).

Definition smax_counted (i j : int) : counted int := let* less := slt_counted i j in free (if less then j else i).

Definition smin_counted (i j : int) : counted int := let* less := slt_counted i j in free (if less then i else j).

Definition absolute_counted (i : int) : counted int :=
  let* low := once (ltb i half) in if low then free i else once (0 - i).

Definition shift_down_counted (g x : int) : counted int := several 4 (((x + quarter) >> g) - (quarter >> g)).

Definition shift_up_counted (g x : int) : counted int :=
  let* minus := once (0 - x) in let* down := shift_down_counted g minus in once (0 - down).

Definition scale_up_counted (x c : int) : counted int := let* p := once (x * c) in shift_up_counted 30 p.

Fixpoint multiply_down_counted (factors : list int) (k bound : int) : counted int :=
  match factors with
  | [] => free bound
  | factor :: rest =>
      let* half_k := once (k >> 1) in
      let* none := several 2 (k land 1 =? 0) in
      let* next := (if none then free bound else several 2 ((bound * factor) >> 30)) in
      multiply_down_counted rest half_k next
  end.

Fixpoint multiply_up_counted (factors : list int) (k bound : int) : counted int :=
  match factors with
  | [] => free bound
  | factor :: rest =>
      let* half_k := once (k >> 1) in
      let* none := several 2 (k land 1 =? 0) in
      let* next := (if none then free bound else several 3 ((bound * factor + 1073741823) >> 30)) in
      multiply_up_counted rest half_k next
  end.

Definition exp_lower_counted (k : int) : counted int :=
  let* few := once (ltb k bits_limit) in if few then multiply_down_counted lower_factors k one else free 0.

Definition exp_upper_counted (k : int) : counted int :=
  let* few := once (ltb k bits_limit) in multiply_up_counted upper_factors (if few then k else 68719476735) one.

Definition precision_of_counted (bits : nat) : counted precision :=
  several 6 (Precision (of_Z (Z.of_nat bits)) (of_Z (2 ^ Z.of_nat bits - 1))).

Definition relative_exp_counted (p : precision) (top s : int) : counted enclosure :=
  let* x := once (top - s) in
  let* k := several 2 ((x + mask p) >> shift p) in
  let* low := exp_lower_counted k in
  let* k' := once (x >> shift p) in
  let* high := exp_upper_counted k' in
  free (low, high).

Definition row_top_counted (row : list int) : counted int :=
  match row with
  | [] => free 0
  | x :: rest => fold_left_counted smax_counted rest x
  end.

Definition row_enclosures_counted (p : precision) (row : list int) : counted (list enclosure) :=
  let* top := row_top_counted row in map_counted (relative_exp_counted p top) row.

Definition both_counted (e f : enclosure) : counted enclosure :=
  several 5 ((fst e * fst f) >> 30, (snd e * snd f + 1073741823) >> 30).

Definition upper_term_counted (e : enclosure) (gap : int) : counted int :=
  let* positive := slt_counted 0 gap in scale_up_counted gap (if positive then snd e else fst e).

(** ** Values *)

Lemma signed_value : forall i : int, returned (signed_counted i) = signed i.
Proof. intro i. unfold signed_counted, signed. values; reflexivity. Qed.

Lemma slt_value : forall i j : int, returned (slt_counted i j) = slt i j.
Proof. reflexivity. Qed.

Lemma smax_value : forall i j : int, returned (smax_counted i j) = smax i j.
Proof. reflexivity. Qed.

Lemma smin_value : forall i j : int, returned (smin_counted i j) = smin i j.
Proof. reflexivity. Qed.

Lemma absolute_value : forall i : int, returned (absolute_counted i) = absolute i.
Proof. intro i. unfold absolute_counted, absolute. values; reflexivity. Qed.

Lemma shift_down_value : forall g x : int, returned (shift_down_counted g x) = shift_down g x.
Proof. reflexivity. Qed.

Lemma shift_up_value : forall g x : int, returned (shift_up_counted g x) = shift_up g x.
Proof. reflexivity. Qed.

Lemma scale_up_value : forall x c : int, returned (scale_up_counted x c) = scale_up x c.
Proof. reflexivity. Qed.

Lemma multiply_down_value : forall (factors : list int) (k bound : int),
  returned (multiply_down_counted factors k bound) = multiply_down factors k bound.
Proof.
  induction factors as [|factor rest IH]; intros k bound; [reflexivity|].
  cbn [multiply_down_counted multiply_down]. rewrite !value_bind, IH. cbn [once several returned].
  destruct (k land 1 =? 0); reflexivity.
Qed.

Lemma multiply_up_value : forall (factors : list int) (k bound : int),
  returned (multiply_up_counted factors k bound) = multiply_up factors k bound.
Proof.
  induction factors as [|factor rest IH]; intros k bound; [reflexivity|].
  cbn [multiply_up_counted multiply_up]. rewrite !value_bind, IH. cbn [once several returned].
  destruct (k land 1 =? 0); reflexivity.
Qed.

Lemma exp_lower_value : forall k : int, returned (exp_lower_counted k) = exp_lower k.
Proof.
  intro k. unfold exp_lower_counted, exp_lower. rewrite value_bind. cbn [once returned].
  destruct (ltb k bits_limit); [apply multiply_down_value | reflexivity].
Qed.

Lemma exp_upper_value : forall k : int, returned (exp_upper_counted k) = exp_upper k.
Proof. intro k. unfold exp_upper_counted, exp_upper. rewrite value_bind. apply multiply_up_value. Qed.

Lemma precision_of_value : forall bits : nat, returned (precision_of_counted bits) = precision_of bits.
Proof. reflexivity. Qed.

#[export] Hint Rewrite signed_value slt_value smax_value smin_value absolute_value shift_down_value shift_up_value
  scale_up_value exp_lower_value exp_upper_value precision_of_value : values.

Lemma relative_exp_value : forall (p : precision) (top s : int), returned (relative_exp_counted p top s) = relative_exp p top s.
Proof. intros p top s. unfold relative_exp_counted, relative_exp. values. reflexivity. Qed.

Lemma row_top_value : forall row : list int, returned (row_top_counted row) = row_top row.
Proof. intros [|x rest]; [reflexivity|]. unfold row_top_counted, row_top. values. reflexivity. Qed.

#[export] Hint Rewrite relative_exp_value row_top_value : values.

Lemma row_enclosures_value : forall (p : precision) (row : list int),
  returned (row_enclosures_counted p row) = row_enclosures p row.
Proof. intros p row. unfold row_enclosures_counted, row_enclosures. values. reflexivity. Qed.

Lemma both_value : forall e f : enclosure, returned (both_counted e f) = both e f.
Proof. reflexivity. Qed.

Lemma upper_term_value : forall (e : enclosure) (gap : int), returned (upper_term_counted e gap) = upper_term e gap.
Proof. reflexivity. Qed.

#[export] Hint Rewrite row_enclosures_value both_value upper_term_value : values.

(** ** Numbers of operations *)
Local Open Scope Z_scope.

Lemma signed_at_most : forall i : int, at_most 6 (signed_counted i).
Proof. intro i. unfold signed_counted. count. Qed.

Lemma slt_at_most : forall i j : int, at_most 3 (slt_counted i j).
Proof. intros i j. unfold slt_counted. count. Qed.

#[export] Hint Resolve signed_at_most slt_at_most : lengths.

Lemma smax_at_most : forall i j : int, at_most 3 (smax_counted i j).
Proof. intros i j. unfold smax_counted. count. Qed.

Lemma smin_at_most : forall i j : int, at_most 3 (smin_counted i j).
Proof. intros i j. unfold smin_counted. count. Qed.

Lemma absolute_at_most : forall i : int, at_most 2 (absolute_counted i).
Proof. intro i. unfold absolute_counted. count. Qed.

Lemma shift_down_at_most : forall g x : int, at_most 4 (shift_down_counted g x).
Proof. intros g x. unfold shift_down_counted. count. Qed.

#[export] Hint Resolve smax_at_most smin_at_most absolute_at_most shift_down_at_most : lengths.

Lemma shift_up_at_most : forall g x : int, at_most 6 (shift_up_counted g x).
Proof. intros g x. unfold shift_up_counted. count. Qed.

#[export] Hint Resolve shift_up_at_most : lengths.

Lemma scale_up_at_most : forall x c : int, at_most 7 (scale_up_counted x c).
Proof. intros x c. unfold scale_up_counted. count. Qed.

Lemma multiply_down_at_most : forall (factors : list int) (k bound : int),
  at_most (5 * len factors) (multiply_down_counted factors k bound).
Proof.
  induction factors as [|factor rest IH]; intros k bound; [apply at_most_free; reflexivity|].
  cbn [multiply_down_counted]. rewrite len_cons. count.
Qed.

Lemma multiply_up_at_most : forall (factors : list int) (k bound : int),
  at_most (6 * len factors) (multiply_up_counted factors k bound).
Proof.
  induction factors as [|factor rest IH]; intros k bound; [apply at_most_free; reflexivity|].
  cbn [multiply_up_counted]. rewrite len_cons. count.
Qed.

(** 36 factors. *)
Lemma exp_lower_at_most : forall k : int, at_most 181 (exp_lower_counted k).
Proof.
  intro k. assert (steps := multiply_down_at_most lower_factors). change (5 * len lower_factors) with 180 in steps.
  unfold exp_lower_counted. count.
Qed.

Lemma exp_upper_at_most : forall k : int, at_most 217 (exp_upper_counted k).
Proof.
  intro k. assert (steps := multiply_up_at_most upper_factors). change (6 * len upper_factors) with 216 in steps.
  unfold exp_upper_counted. count.
Qed.

Lemma precision_of_at_most : forall bits : nat, at_most 6 (precision_of_counted bits).
Proof. intro bits. unfold precision_of_counted. count. Qed.

#[export] Hint Resolve scale_up_at_most exp_lower_at_most exp_upper_at_most precision_of_at_most : lengths.

Lemma relative_exp_at_most : forall (p : precision) (top s : int), at_most 402 (relative_exp_counted p top s).
Proof. intros p top s. unfold relative_exp_counted. count. Qed.

#[export] Hint Resolve relative_exp_at_most : lengths.

Lemma row_top_at_most : forall row : list int, at_most (3 * len row) (row_top_counted row).
Proof.
  intros [|x rest]; [apply at_most_free; reflexivity|]. cbn [row_top_counted]. rewrite len_cons.
  eapply at_most_le; [apply at_most_fold_left with (c := 3) (r := len rest); [lia | lia | auto with lengths]|lia].
Qed.

Lemma row_enclosures_at_most : forall (p : precision) (row : list int), at_most (405 * len row) (row_enclosures_counted p row).
Proof.
  intros p row. unfold row_enclosures_counted. apply at_most_bind with (3 * len row) (len row * 402).
  - apply row_top_at_most.
  - apply at_most_map; [lia | lia | auto with lengths].
  - lia.
Qed.

Lemma both_at_most : forall e f : enclosure, at_most 5 (both_counted e f).
Proof. intros e f. unfold both_counted. count. Qed.

Lemma upper_term_at_most : forall (e : enclosure) (gap : int), at_most 10 (upper_term_counted e gap).
Proof. intros e gap. unfold upper_term_counted. count. Qed.

#[export] Hint Resolve both_at_most upper_term_at_most : lengths.
