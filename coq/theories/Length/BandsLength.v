(* CompactProofs: Length: BandsLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Base.Signed63 Cert.Terms Cert.Bands Cert.Outputs Cert.Attention.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.GapsCounted.
From CompactProofs Require Import Length.MatrixLength Length.ProductsLength.
Import ListNotations.
(** * Bands and rows of gaps: how many operations they take
    - [bands_of d tokens], [exponents_of tokens], [largest_of tokens] == the number of bands, of exponents of the certificate
                        (0 when every token is a band of its own), and the largest exponent
    - [hulls_at_most]     one for each band, three for each token
    - [band_rows_at_most] per entry of the row as often as the largest exponent says
    - [row_gaps_at_most]  [row_gaps_bound], some 10 for each output, or 1 *)
Local Open Scope Z_scope.

Definition bands_of (d : nat) (tokens : tokens_choice) : Z := len (sizes_of d tokens).

Definition exponents_of (tokens : tokens_choice) : Z := match tokens with Every => 0 | Banded exponents => len exponents end.

Definition largest_of (tokens : tokens_choice) : Z :=
  match tokens with Every => 0 | Banded exponents => Z.of_nat (list_max (map exponent_of exponents)) end.

Definition all_positive (sizes : list nat) : Prop := forall s, In s sizes -> (0 < s)%nat.

Lemma sizes_of_positive : forall (d : nat) (tokens : tokens_choice), all_positive (sizes_of d tokens).
Proof.
  intros d [|exponents] s inside; cbn [sizes_of] in inside.
  - apply repeat_spec in inside. lia.
  - apply in_map_iff in inside. destruct inside as (k & <- & _). unfold size.
    assert (some := Nat.pow_nonzero 2 (exponent_of k)). lia.
Qed.

Lemma exponent_of_at_most : forall k : int, at_most 3 (exponent_of_counted k).
Proof. intro k. unfold exponent_of_counted. count. Qed.

Lemma sizes_of_at_most : forall (d : nat) (tokens : tokens_choice),
  at_most (4 * exponents_of tokens) (sizes_of_counted d tokens).
Proof.
  intros d [|exponents]; cbn [sizes_of_counted exponents_of]; [apply at_most_free; lia|].
  rewrite Z.mul_comm. apply at_most_map; [lia | lia|]. intros k _.
  apply at_most_bind with 3 1; [apply exponent_of_at_most | apply at_most_once; lia | lia].
Qed.

Lemma cut_at_most : forall (sizes : list nat) (long : nat), at_most (2 * len sizes) (cut_counted sizes long).
Proof.
  induction sizes as [|s rest IH]; intros [|long]; cbn [cut_counted]; try (apply at_most_free; unfold len; lia).
  rewrite len_cons. count.
Qed.

Lemma cut_len : forall (sizes : list nat) (long : nat), all_positive sizes ->
  len (cut sizes long) <= Z.min (len sizes) (Z.of_nat long).
Proof.
  induction sizes as [|s rest IH]; intros [|long] positive; cbn [cut]; rewrite ?len_nil, ?len_cons; try (unfold len; lia).
  assert (some := positive s ltac:(left; reflexivity)).
  specialize (IH (S long - s)%nat ltac:(intros t inside; apply positive; right; exact inside)). lia.
Qed.

(** ** Hulls *)

Section Hulls.
  Context {A : Type} (join_counted : A -> A -> counted A) (join : A -> A -> A) (nothing : A) (cost : Z).
  Context (join_value : forall x y : A, returned (join_counted x y) = join x y).
  Context (cost_nonneg : 0 <= cost) (join_at_most : forall x y : A, at_most cost (join_counted x y)).

  Lemma hulls_at_most : forall (sizes : list nat) (l : list A),
    at_most (len sizes + cost * len l) (hulls_counted join_counted sizes l).
  Proof.
    induction sizes as [|s rest IH]; intros [|x later]; cbn [hulls_counted]; try (apply at_most_free; unfold len; nia).
    rewrite !len_cons. set (taken := firstn (s - 1) later).
    assert (parts : len taken + len (skipn s (x :: later)) <= 1 + len later).
    { unfold taken, len. rewrite firstn_length, skipn_length. cbn [length]. lia. }
    apply at_most_bind with 1 (len taken * cost + (len rest + cost * len (skipn s (x :: later))));
      [apply at_most_once; lia| |nia].
    eapply at_most_bind; [apply at_most_fold_left with (c := cost); [exact cost_nonneg | apply Z.le_refl | auto]| |apply
      Z.le_refl].
    apply at_most_bind with (len rest + cost * len (skipn s (x :: later))) 0; [apply IH | apply at_most_free; lia | lia].
  Qed.

  Lemma hulls_len : forall (sizes : list nat) (l : list A), all_positive sizes ->
    len (hulls join sizes l) <= Z.min (len sizes) (len l).
  Proof.
    induction sizes as [|s rest IH]; intros [|x later] positive; cbn [hulls]; rewrite ?len_nil, ?len_cons; try (unfold len;
      lia).
    assert (some := positive s ltac:(left; reflexivity)).
    specialize (IH (skipn s (x :: later)) ltac:(intros t inside; apply positive; right; exact inside)).
    assert (fewer : len (skipn s (x :: later)) <= len later) by (unfold len; rewrite skipn_length; cbn [length]; lia).
    lia.
  Qed.

  Lemma double_len : forall (step : nat) (layer : list A), len (double join step layer) <= len layer.
  Proof.
    intros step layer. unfold double. rewrite len_app. assert (zip := len_zip _ _ _ join (skipn step layer) layer).
    unfold len in *. rewrite firstn_length, skipn_length in *. lia.
  Qed.

  Lemma double_at_most : forall (step : nat) (layer : list A) (c : Z), len layer <= c ->
    at_most (c * cost) (double_counted join_counted step layer).
  Proof.
    intros step layer c short. unfold double_counted.
    apply at_most_bind with (c * cost) 0; [|apply at_most_free; lia|lia].
    apply at_most_zip; [exact cost_nonneg | right; exact short | auto].
  Qed.

  Lemma layers_at_most : forall (count step : nat) (layer : list A) (c : Z), len layer <= c ->
    at_most (Z.of_nat count * (1 + c * cost)) (layers_counted join_counted count step layer).
  Proof.
    induction count as [|count IH]; intros step layer c short; cbn [layers_counted]; [apply at_most_free; lia|].
    apply at_most_bind with 1 (c * cost + Z.of_nat count * (1 + c * cost)); [apply at_most_once; lia| |lia].
    eapply at_most_bind; [apply double_at_most, short| |apply Z.le_refl].
    rewrite (double_value join_counted join join_value).
    apply at_most_bind with (Z.of_nat count * (1 + c * cost)) 0; [|apply at_most_free; lia|lia].
    apply IH. eapply Z.le_trans; [apply double_len | exact short].
  Qed.

  Lemma columns_of_at_most : forall (exponents : list nat) (offset start count : nat) (all : list (list A)),
    at_most (4 * len exponents) (columns_of_counted nothing offset start count exponents all).
  Proof.
    induction exponents as [|k rest IH]; intros offset start count all; cbn [columns_of_counted];
      [apply at_most_free; reflexivity|].
    rewrite len_cons. unfold from_offset_counted. count.
  Qed.

  Lemma columns_of_len : forall (exponents : list nat) (offset start count : nat) (all : list (list A)),
    len (columns_of nothing offset start count exponents all) = len exponents.
  Proof.
    induction exponents as [|k rest IH]; intros offset start count all; [reflexivity|].
    cbn [columns_of]. rewrite !len_cons, IH. reflexivity.
  Qed.

  Lemma by_row_within : forall (count : nat) (columns : list (list A)),
    within (Z.of_nat count) (len columns) (by_row nothing count columns).
  Proof.
    induction count as [|count IH]; intro columns; cbn [by_row].
    - split; [apply len_nonneg|]. split; [reflexivity | intros row []].
    - specialize (IH (map (@tl A) columns)). rewrite len_map in IH. destruct IH as (positive & rows & short).
      split; [exact positive|]. split; [rewrite len_cons; lia|].
      intros row [<-|inside]; [rewrite len_map; lia | apply short, inside].
  Qed.

  Lemma band_rows_at_most : forall (exponents : list nat) (start count : nat) (row : list A) (c : Z), len row <= c ->
    at_most (5 * len exponents + Z.of_nat (list_max exponents) * (1 + c * cost))
      (band_rows_counted join_counted nothing exponents start count row).
  Proof.
    intros exponents start count row c short. unfold band_rows_counted.
    apply at_most_bind with (len exponents * 1) (Z.of_nat (list_max exponents) * (1 + c * cost) + 4 * len exponents);
      [apply at_most_fold_right; [lia | lia | intros; apply at_most_once; lia]| |lia].
    erewrite value_fold_right by (intros; reflexivity). change (fold_right Nat.max 0%nat exponents) with (list_max exponents).
    eapply at_most_bind; [apply layers_at_most, short| |apply Z.le_refl].
    apply at_most_bind with (4 * len exponents) 0; [apply columns_of_at_most | apply at_most_free; lia | lia].
  Qed.
End Hulls.

(** ** Rows of gaps *)

Definition row_gaps_bound (v : rivals) (d : Z) : Z := match v with Rest r => 10 * d + 3 * Z.of_nat r + 3 | _ => d end.

Lemma largest_before_len : forall (row : list int) (start : int), len (largest_before start row) = 1 + len row.
Proof. induction row as [|x row IH]; intro start; [reflexivity|]. cbn [largest_before]. rewrite !len_cons, IH. lia. Qed.

Lemma largest_from_len : forall (low : int) (row : list int), len (largest_from low row) = 1 + len row.
Proof.
  intro low. induction row as [|x row IH]; [reflexivity|]. cbn [largest_from].
  destruct (largest_from low row) as [|top tops]; [rewrite len_nil in IH; assert (some := len_nonneg _ row); lia|].
  rewrite !len_cons in *. lia.
Qed.

Lemma largest_before_at_most : forall (row : list int) (start : int),
  at_most (3 * len row) (largest_before_counted start row).
Proof.
  induction row as [|x row IH]; intro start; [apply at_most_free; reflexivity|].
  cbn [largest_before_counted]. rewrite len_cons. count.
Qed.

Lemma largest_from_at_most : forall (low : int) (row : list int), at_most (3 * len row) (largest_from_counted low row).
Proof.
  intro low. induction row as [|x row IH]; [apply at_most_free; reflexivity|].
  cbn [largest_from_counted]. rewrite len_cons. apply at_most_bind with (3 * len row) 3; [exact IH| |lia].
  destruct (returned (largest_from_counted low row)); [apply at_most_free; lia | count].
Qed.

Lemma row_gaps_at_most : forall (low : int) (v : rivals) (row : list int) (d : Z), len row <= d ->
  at_most (row_gaps_bound v d) (row_gaps_counted low v row).
Proof.
  intros low v row d short. assert (some := len_nonneg _ row).
  assert (subs : forall a b : list int, len a <= d \/ len b <= d -> at_most d (zip_counted sub_counted a b)).
  { intros a b either. apply at_most_le with (d * 1); [|lia]. apply at_most_zip; [lia | exact either|].
    intros x y _ _. apply at_most_once. lia. }
  destruct v as [r|k|k|k|k]; cbn [row_gaps_counted row_gaps_bound]; try (apply subs; auto).
  apply at_most_bind with (3 * len row) (3 * len row + (d + 1 + Z.of_nat r) * 3 + d); [apply largest_before_at_most| |lia].
  apply at_most_bind with (3 * len row) ((d + 1 + Z.of_nat r) * 3 + d); [apply largest_from_at_most| |lia].
  apply at_most_bind with ((d + 1 + Z.of_nat r) * 3) d; [|apply subs; auto|lia].
  apply at_most_zip; [lia | left | auto with lengths].
  rewrite largest_before_value. unfold earlier. rewrite len_app, len_repeat, largest_before_len. lia.
Qed.

Lemma row_gaps_len : forall (low : int) (v : rivals) (row : list int), len (row_gaps low v row) <= len row.
Proof. intros low v row. destruct v; apply len_zip. Qed.
