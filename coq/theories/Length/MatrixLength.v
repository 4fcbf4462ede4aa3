(* CompactProofs: Length: MatrixLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Base.Signed63 Base.Matrix Length.Counted Length.ArithmeticCounted Length.MatrixCounted.
Import ListNotations.
(** * Matrix products and their range tests: how many operations they take
    Sizes are bounded, not known: a certificate may hold anything.
    - [within r c A] == A has at most r rows of at most c entries
    - [f_within]     == the size of what f returns
    Main results: [mul_at_most], 2 r n c for a product of sizes r, n, c; [max_abs_at_most], 3 r c. *)
Local Open Scope Z_scope.

(** ** Sizes *)

Definition within {T : Type} (r c : Z) (A : list (list T)) : Prop :=
  0 <= c /\ len A <= r /\ forall row, In row A -> len row <= c.

Lemma within_of_shape : forall (T : Type) (r c : nat) (A : list (list T)),
  has_shape r c A = true -> within (Z.of_nat r) (Z.of_nat c) A.
Proof.
  intros T r c A shape. split; [lia|]. split.
  - unfold len. rewrite (has_shape_length _ _ _ _ shape). lia.
  - intros row inside. unfold len. rewrite (has_shape_rows _ _ _ _ _ shape inside). lia.
Qed.

Lemma within_columns : forall (T : Type) (r c : Z) (A : list (list T)), within r c A -> 0 <= c.
Proof. intros T r c A size. apply size. Qed.

Lemma within_rows : forall (T : Type) (r c : Z) (A : list (list T)), within r c A -> 0 <= r.
Proof. intros T r c A (_ & rows & _). assert (some := len_nonneg _ A). lia. Qed.

Lemma within_row : forall (T : Type) (r c : Z) (A : list (list T)) (row : list T), within r c A -> In row A -> len row <= c.
Proof. intros T r c A row (_ & _ & columns). apply columns. Qed.

Lemma within_le : forall (T : Type) (r c r' c' : Z) (A : list (list T)), within r c A -> r <= r' -> c <= c' -> within r' c' A.
Proof.
  intros T r c r' c' A (positive & rows & columns) more_rows more_columns. split; [lia|]. split; [lia|].
  intros row inside. specialize (columns row inside). lia.
Qed.

Lemma within_one : forall (T : Type) (c : Z) (row : list T), len row <= c -> within 1 c [row].
Proof.
  intros T c row short. assert (some := len_nonneg _ row). split; [lia|]. split; [unfold len; cbn; lia|].
  intros other [<-|[]]. exact short.
Qed.

Lemma within_map : forall (S T : Type) (r c : Z) (f : list S -> list T) (A : list (list S)),
  0 <= c -> len A <= r -> (forall row, In row A -> len (f row) <= c) -> within r c (map f A).
Proof.
  intros S T r c f A positive rows columns. split; [exact positive|].
  split; [unfold len in *; rewrite map_length; exact rows|].
  intros row inside. apply in_map_iff in inside. destruct inside as (old & <- & inside). apply columns, inside.
Qed.

Lemma len_map : forall (S T : Type) (f : S -> T) (l : list S), len (map f l) = len l.
Proof. intros S T f l. unfold len. rewrite map_length. reflexivity. Qed.

Lemma len_seq : forall start count : nat, len (seq start count) = Z.of_nat count.
Proof. intros start count. unfold len. rewrite seq_length. reflexivity. Qed.

Lemma len_repeat : forall (T : Type) (x : T) (count : nat), len (repeat x count) = Z.of_nat count.
Proof. intros T x count. unfold len. rewrite repeat_length. reflexivity. Qed.

Lemma len_app : forall (T : Type) (a b : list T), len (a ++ b) = len a + len b.
Proof. intros T a b. unfold len. rewrite app_length. lia. Qed.

Lemma len_firstn : forall (T : Type) (k : nat) (l : list T), len (firstn k l) <= len l /\ len (firstn k l) <= Z.of_nat k.
Proof. intros T k l. unfold len. rewrite firstn_length. lia. Qed.

Lemma len_skipn : forall (T : Type) (k : nat) (l : list T), len (skipn k l) <= len l.
Proof. intros T k l. unfold len. rewrite skipn_length. lia. Qed.

Lemma len_nth_within : forall (T : Type) (r c : Z) (A : list (list T)) (i : nat), within r c A -> len (nth i A []) <= c.
Proof.
  intros T r c A i (positive & _ & columns).
  destruct (nth_in_or_default i A []) as [inside| ->]; [apply columns, inside|]. rewrite len_nil. exact positive.
Qed.

Lemma add_multiple_len : forall (a : int) (row accumulated : list int),
  len (add_multiple a row accumulated) <= len accumulated.
Proof.
  intro a. induction row as [|x row IH]; intros [|y accumulated]; cbn [add_multiple]; rewrite ?len_nil, ?len_cons;
    [lia | unfold len; lia | lia |]. specialize (IH accumulated). lia.
Qed.

Lemma row_times_len : forall (c : nat) (row : list int) (B : list (list int)), len (row_times c row B) <= Z.of_nat c.
Proof.
  intro c. induction row as [|a row IH]; intros [|b B]; cbn [row_times]; try (rewrite len_repeat; lia).
  etransitivity; [apply add_multiple_len | apply IH].
Qed.

Lemma mul_within : forall (r : Z) (c : nat) (A B : list (list int)), len A <= r -> within r (Z.of_nat c) (mul c A B).
Proof. intros r c A B rows. apply within_map; [lia | exact rows|]. intros row _. apply row_times_len. Qed.

Lemma mul_transposed_within : forall (r c : Z) (A B : list (list int)),
  len A <= r -> len B <= c -> within r c (mul_transposed A B).
Proof.
  intros r c A B rows columns. assert (some := len_nonneg _ B). apply within_map; [lia | exact rows|].
  intros row _. rewrite len_map. exact columns.
Qed.

Lemma add_rows_len : forall a b : list int, len (add_rows a b) <= len b.
Proof.
  induction a as [|x a IH]; intros [|y b]; cbn [add_rows]; rewrite ?len_nil, ?len_cons; try (unfold len; lia).
  specialize (IH b). lia.
Qed.

Lemma add_row_within : forall (r c : Z) (row : list int) (A : list (list int)), within r c A -> within r c (add_row row A).
Proof.
  intros r c row A (positive & rows & columns). apply within_map; [exact positive | exact rows|]. intros old inside.
  apply Z.le_trans with (len old); [apply add_rows_len | apply columns, inside].
Qed.

Lemma of_rows_within : forall (r c factor : Z) (A : list (list Z)), within r c A -> within r c (of_rows factor A).
Proof.
  intros r c factor A (positive & rows & columns). apply within_map; [exact positive | exact rows|].
  intros old inside. rewrite len_map. apply columns, inside.
Qed.

#[export] Hint Resolve mul_within mul_transposed_within add_row_within of_rows_within within_one : lengths.

(** ** Numbers of operations *)

Lemma has_shape_at_most : forall (T : Type) (r c : Z) (rows columns : nat) (A : list (list T)),
  within r c A -> at_most (1 + r) (has_shape_counted rows columns A).
Proof.
  intros T r c rows columns A (_ & size & _). unfold has_shape_counted.
  apply at_most_bind with 1 (r * 1); [apply at_most_once; lia| |lia].
  apply at_most_bind with (r * 1) 0; [|apply at_most_free; lia|lia].
  apply at_most_forallb; [lia | exact size|]. intros row _. apply at_most_once. lia.
Qed.

Lemma row_max_abs_at_most : forall (row : list int) (largest : int), at_most (3 * len row) (row_max_abs_counted row largest).
Proof.
  induction row as [|x row IH]; intro largest; [apply at_most_free; reflexivity|].
  cbn [row_max_abs_counted]. rewrite len_cons. count.
Qed.

Lemma max_abs_at_most : forall (r c : Z) (A : list (list int)), within r c A -> at_most (3 * (r * c)) (max_abs_counted A).
Proof.
  intros r c A (positive & rows & columns). unfold max_abs_counted.
  apply at_most_le with (r * (3 * c)); [|lia]. apply at_most_fold_left; [lia | exact rows|].
  intros a row inside. eapply at_most_le; [apply row_max_abs_at_most|]. specialize (columns _ inside). lia.
Qed.

Lemma add_multiple_at_most : forall (a : int) (row accumulated : list int),
  at_most (2 * len accumulated) (add_multiple_counted a row accumulated).
Proof.
  intro a. induction row as [|x row IH]; intros [|y accumulated]; try (apply at_most_free; unfold len; lia).
  cbn [add_multiple_counted]. rewrite len_cons. count.
Qed.

Lemma row_times_at_most : forall (n : Z) (c : nat) (row : list int) (B : list (list int)),
  len row <= n \/ len B <= n -> at_most (2 * (n * Z.of_nat c)) (row_times_counted c row B).
Proof.
  intros n c row. revert n. induction row as [|a row IH]; intros n [|b B] short; cbn [row_times_counted];
    try (apply at_most_free; unfold len in short; nia).
  rewrite !len_cons in short.
  apply at_most_bind with (2 * ((n - 1) * Z.of_nat c)) (2 * Z.of_nat c); [|rewrite row_times_value|lia].
  - apply IH. lia.
  - eapply at_most_le; [apply add_multiple_at_most|]. assert (size := row_times_len c row B). lia.
Qed.

(** A of at most n columns. *)
Lemma mul_at_most : forall (r n : Z) (c : nat) (A B : list (list int)),
  within r n A -> at_most (2 * (r * n * Z.of_nat c)) (mul_counted c A B).
Proof.
  intros r n c A B (positive & rows & columns). unfold mul_counted.
  apply at_most_le with (r * (2 * (n * Z.of_nat c))); [|lia].
  apply at_most_map; [lia | exact rows|]. intros row inside. apply row_times_at_most. left. apply columns, inside.
Qed.

(** B of at most n rows. *)
Lemma mul_at_most_right : forall (r n : Z) (c : nat) (A B : list (list int)),
  len A <= r -> len B <= n -> at_most (2 * (r * n * Z.of_nat c)) (mul_counted c A B).
Proof.
  intros r n c A B rows short. assert (some := len_nonneg _ B). unfold mul_counted.
  apply at_most_le with (r * (2 * (n * Z.of_nat c))); [|lia].
  apply at_most_map; [nia | exact rows|]. intros row _. apply row_times_at_most. right. exact short.
Qed.

Lemma dot_at_most : forall (n : Z) (a b : list int), len a <= n \/ len b <= n -> at_most (2 * n) (dot_counted a b).
Proof.
  intros n a. revert n. induction a as [|x a IH]; intros n [|y b] short; cbn [dot_counted];
    try (apply at_most_free; unfold len in short; lia).
  rewrite !len_cons in short. apply at_most_bind with (2 * (n - 1)) 2; [apply IH; lia | apply at_most_several; lia | lia].
Qed.

Lemma mul_transposed_at_most : forall (r n c : Z) (A B : list (list int)),
  within r n A -> len B <= c -> at_most (2 * (r * n * c)) (mul_transposed_counted A B).
Proof.
  intros r n c A B (positive & rows & columns) other. assert (some := len_nonneg _ B). unfold mul_transposed_counted.
  apply at_most_le with (r * (c * (2 * n))); [|lia]. apply at_most_map; [nia | exact rows|]. intros row inside.
  apply at_most_map; [lia | exact other|]. intros b _. apply dot_at_most. left. apply columns, inside.
Qed.

Lemma add_rows_at_most : forall (n : Z) (a b : list int), len a <= n \/ len b <= n -> at_most n (add_rows_counted a b).
Proof.
  intros n a. revert n. induction a as [|x a IH]; intros n [|y b] short; cbn [add_rows_counted];
    try (apply at_most_free; unfold len in short; lia).
  rewrite !len_cons in short. apply at_most_bind with 1 (n - 1); [apply at_most_once; lia| |lia].
  apply at_most_bind with (n - 1) 0; [apply IH; lia | apply at_most_free; lia | lia].
Qed.

Lemma add_row_at_most : forall (r c : Z) (row : list int) (A : list (list int)),
  within r c A -> at_most (r * c) (add_row_counted row A).
Proof.
  intros r c row A (positive & rows & columns). apply at_most_map; [exact positive | exact rows|].
  intros old inside. apply add_rows_at_most. right. apply columns, inside.
Qed.

Lemma of_rows_at_most : forall (r c factor : Z) (A : list (list Z)),
  within r c A -> at_most (2 * (r * c)) (of_rows_counted factor A).
Proof.
  intros r c factor A (positive & rows & columns). apply at_most_le with (r * (c * 2)); [|lia].
  apply at_most_map; [lia | exact rows|]. intros row inside. apply at_most_map; [lia | apply columns, inside|].
  intros z _. apply at_most_several. lia.
Qed.

Lemma power_at_most : forall bits : nat, at_most 2 (power_counted bits).
Proof. intro bits. unfold power_counted. count. Qed.

#[export] Hint Resolve has_shape_at_most max_abs_at_most mul_at_most mul_transposed_at_most add_row_at_most of_rows_at_most
  power_at_most : lengths.

Lemma product_fits_at_most : forall (n : nat) (r c r' c' : Z) (A B : list (list int)),
  within r c A -> within r' c' B -> at_most (7 + 3 * (r * c) + 3 * (r' * c')) (product_fits_counted n A B).
Proof. intros n r c r' c' A B size_A size_B. unfold product_fits_counted. count. Qed.

Lemma sum_fits_at_most : forall (r c r' c' : Z) (A B : list (list int)),
  within r c A -> within r' c' B -> at_most (5 + 3 * (r * c) + 3 * (r' * c')) (sum_fits_counted A B).
Proof. intros r c r' c' A B size_A size_B. unfold sum_fits_counted. count. Qed.

Lemma rows_fit_at_most : forall (r c factor : Z) (A : list (list Z)),
  within r c A -> at_most (4 * (r * c)) (rows_fit_counted factor A).
Proof.
  intros r c factor A (positive & rows & columns). apply at_most_le with (r * (c * 4)); [|lia].
  apply at_most_forallb; [lia | exact rows|]. intros row inside. apply at_most_forallb; [lia | apply columns, inside|].
  intros z _. apply at_most_several. lia.
Qed.

#[export] Hint Resolve product_fits_at_most sum_fits_at_most rows_fit_at_most : lengths.
