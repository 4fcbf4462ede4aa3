(* CompactProofs: Modular: Length: QuadratureRowsLength *)
(* MIT licence. *)
From Coq Require Import ZArith List Arith Bool Lia Uint63.
From CompactProofs Require Import Base.Lists Base.Signed63 Base.Matrix.
From CompactProofs Require Import Modular.CosTable Modular.Quadrature.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.MatrixLength.
From CompactProofs Require Import Modular.Length.FormCounted Modular.Length.QuadratureCounted.
From CompactProofs Require Modular.Length.SecondMomentLength Modular.Length.LowRankUnembeddingLength.
Import ListNotations.
(** * Tables of cosines, waves and leads: how many operations they take
    Parts of Modular.Length.QuadratureLength that do not depend on form and certificate.
    - [f_at_most] == it takes at most so many operations; [f_len]: how long its result is
    - [keys_sum]  == each member of a list has one key: the numbers of those with key g add up to no more than all
    Main results: [products_hold_at_most], 7 p^2; [group_leads_at_most], 7 p^2. *)
Local Open Scope Z_scope.

Definition products_bound (p : Z) : Z := 2 + 2 * p + p * (2 + 7 * p).

Definition group_leads_bound (p : Z) : Z := 5 * p + 7 * (p * p).

(** ** Lists *)

Lemma find_at_most : forall (A : Type) (f : A -> counted bool) (l : list A) (k : Z),
  0 <= k -> (forall x, at_most k (f x)) -> at_most (len l * k) (find_counted f l).
Proof.
  intros A f l k positive each. induction l as [|x l IH]; [apply at_most_free; rewrite len_nil; lia|].
  cbn [find_counted]. rewrite len_cons. apply at_most_bind with k (len l * k); [apply each| |lia].
  destruct (returned (f x)); [|exact IH]. assert (some := len_nonneg _ l). apply at_most_free. nia.
Qed.

Lemma filter_at_most : forall (A : Type) (f : A -> counted bool) (l : list A) (k : Z),
  (forall x, at_most k (f x)) -> at_most (len l * k) (filter_counted f l).
Proof.
  intros A f l k each. induction l as [|x l IH]; [apply at_most_free; rewrite len_nil; lia|].
  cbn [filter_counted]. rewrite len_cons. apply at_most_bind with k (len l * k); [apply each| |lia].
  eapply at_most_bind; [exact IH | apply at_most_free, Z.le_refl | lia].
Qed.

Lemma sum_over_at_most : forall (A : Type) (f : A -> counted Z) (l : list A) (k : Z),
  (forall x, at_most k (f x)) -> at_most (len l * (k + 1)) (sum_over_counted f l).
Proof.
  intros A f l k each. induction l as [|x l IH]; [apply at_most_free; rewrite len_nil; lia|].
  cbn [sum_over_counted]. rewrite len_cons. apply at_most_bind with k (len l * (k + 1) + 1); [apply each| |lia].
  eapply at_most_then; [exact IH | apply at_most_once, Z.le_refl].
Qed.

Lemma of_list_at_most : forall l : list Z, at_most (len l) (of_list_counted l).
Proof.
  intro l. apply at_most_le with (len l * 1); [|lia].
  apply at_most_map; [lia | lia | intros; apply at_most_once, Z.le_refl].
Qed.

(** What is done to each differs. *)
Lemma at_most_map_weighted : forall (A B : Type) (f : A -> counted B) (size : A -> Z) (k e : Z) (l : list A),
  (forall x, at_most (e + k * size x) (f x)) -> at_most (len l * e + k * sum_over size l) (map_counted f l).
Proof.
  intros A B f size k e l each. induction l as [|x l IH]; [apply at_most_free; rewrite len_nil; cbn [sum_over]; lia|].
  cbn [map_counted sum_over]. rewrite len_cons.
  apply at_most_bind with (e + k * size x) (len l * e + k * sum_over size l); [apply each| |lia].
  eapply at_most_bind; [exact IH | apply at_most_free, Z.le_refl | lia].
Qed.

(** Each member of a list has one key. *)
Lemma keys_sum : forall (A : Type) (key : A -> nat) (l : list A) (count start : nat),
  sum_over (fun g => len (filter (fun x => Nat.eqb (key x) g) l)) (seq start count) <=
    len (filter (fun x => Nat.leb start (key x)) l).
Proof.
  intros A key l. induction count as [|count IH]; intro start; [apply len_nonneg|]. cbn [seq sum_over].
  apply Z.le_trans with (len (filter (fun x => Nat.eqb (key x) start) l) + len (filter (fun x => Nat.leb (S start) (key x)) l)).
  - apply Z.add_le_mono_l, IH.
  - clear IH. induction l as [|x l IH]; [rewrite !len_nil; lia|]. cbn [filter].
    destruct (Nat.eqb_spec (key x) start) as [same|other], (Nat.leb_spec start (key x)) as [low|high],
      (Nat.leb_spec (S start) (key x)) as [above|below]; try lia; rewrite ?len_cons; lia.
Qed.

Lemma len_filter : forall (A : Type) (f : A -> bool) (l : list A), len (filter f l) <= len l.
Proof.
  intros A f l. induction l as [|x l IH]; [reflexivity|]. cbn [filter]. destruct (f x); rewrite !len_cons; lia.
Qed.

(** ** Tables of cosines *)

Lemma in_table_at_most : forall (n p : nat) (top : Z) (table : list Z),
  len table <= Z.of_nat n -> at_most (1 + 2 * Z.of_nat n) (in_table_counted p top table).
Proof.
  intros n p top table short. unfold in_table_counted. eapply at_most_le.
  { eapply at_most_then; [apply at_most_once, Z.le_refl|].
    eapply at_most_then; [|apply at_most_free, Z.le_refl].
    apply at_most_forallb with (c := 2) (r := Z.of_nat n); [lia | exact short | intros; apply at_most_several, Z.le_refl]. }
  lia.
Qed.

Lemma multiples_at_most : forall (p : nat) (k : Z), at_most (5 * Z.of_nat p) (multiples_counted p k).
Proof.
  intros p k. apply at_most_le with (Z.of_nat p * 5); [|lia].
  apply at_most_map; [lia | rewrite len_seq; lia | intros; apply at_most_several, Z.le_refl].
Qed.

Lemma product_holds_at_most : forall (n : Z) (p : nat) (unit tolerance : int) (table : list int) (i : nat) (twice : int),
  len table <= n -> at_most (1 + 7 * n) (product_holds_counted p unit tolerance table i twice).
Proof.
  intros n p unit tolerance table i twice short. assert (some := len_nonneg _ table). unfold product_holds_counted.
  eapply at_most_le.
  { eapply at_most_then; [apply at_most_once, Z.le_refl|]. cbn [once returned].
    eapply at_most_then.
    { apply at_most_zip with (c := 1) (r := n); [lia | | intros; apply at_most_once, Z.le_refl].
      left. unfold len. rewrite rotated_length. exact short. }
    eapply at_most_then.
    { apply at_most_zip with (c := 3) (r := n); [lia | left; exact short | intros; apply at_most_several, Z.le_refl]. }
    erewrite (value_zip _ _ _ _ _ table) by (intros; reflexivity).
    apply at_most_forallb with (c := 3) (r := n); [lia | | intros; count].
    eapply Z.le_trans; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | exact short]. }
  lia.
Qed.

Lemma products_hold_at_most : forall (p : nat) (unit tolerance : Z) (cosines table : list Z),
  len cosines <= Z.of_nat p -> len table <= Z.of_nat p ->
  at_most (products_bound (Z.of_nat p)) (products_hold_counted p unit tolerance cosines table).
Proof.
  intros p unit tolerance cosines table first second. unfold products_hold_counted, products_bound. eapply at_most_le.
  { eapply at_most_then; [apply at_most_once, Z.le_refl|]. eapply at_most_then; [apply at_most_once, Z.le_refl|].
    eapply at_most_then; [apply of_list_at_most|]. eapply at_most_then; [apply of_list_at_most|]. cbv zeta.
    apply at_most_forallb with (c := 1 + (1 + 7 * Z.of_nat p)) (r := Z.of_nat p); [lia | rewrite len_seq; lia|].
    intros i _. eapply at_most_then; [apply at_most_once, Z.le_refl|].
    apply product_holds_at_most. rewrite of_list_value, len_map. exact second. }
  lia.
Qed.

(** ** Rows *)

Lemma wave_at_most : forall (n : Z) (u v : int) (cosine sine : list int), len cosine <= n ->
  at_most (3 * n) (wave_counted u v cosine sine).
Proof.
  intros n u v cosine sine short. apply at_most_le with (n * 3); [|lia].
  apply at_most_zip; [lia | left; exact short | intros; apply at_most_several, Z.le_refl].
Qed.

Lemma wave_len : forall (u v : int) (cosine sine : list int), len (wave u v cosine sine) <= len cosine.
Proof. intros u v cosine sine. apply (proj1 (len_zip_with _ _ _ _ _ _)). Qed.

Lemma wave_top_at_most : forall (n : Z) (row : list int), len row <= n -> at_most (3 * n) (wave_top_counted row).
Proof. intros n row short. eapply at_most_le; [apply row_max_abs_at_most|]. lia. Qed.

Lemma wave_tops_at_most : forall (r c : Z) (rows : list (list int)),
  within r c rows -> at_most (3 * (r * c)) (map_counted wave_top_counted rows).
Proof.
  intros r c rows (positive & few & short). apply at_most_le with (r * (3 * c)); [|lia].
  apply at_most_map; [lia | exact few | intros row inside; apply wave_top_at_most, short, inside].
Qed.

Lemma weighted_at_most : forall (p : nat) (weights : list int) (rows : list (list int)) (some : list nat),
  at_most (2 * (len some * Z.of_nat p)) (weighted_counted p weights rows some).
Proof. intros p weights rows some. apply row_times_at_most. left. rewrite len_map. apply Z.le_refl. Qed.

Lemma weighted_len : forall (p : nat) (weights : list int) (rows : list (list int)) (some : list nat),
  len (weighted p weights rows some) <= Z.of_nat p.
Proof. intros p weights rows some. apply row_times_len. Qed.

Lemma transpose_within : forall (m : nat) (p : Z) (A : list (list int)),
  len A <= p -> within (Z.of_nat m) p (transpose m A).
Proof. exact SecondMomentLength.transposed_within. Qed.

Lemma least_rows_len : forall (c : Z) (rows : list (list int)), 0 <= c -> (forall row, In row rows -> len row <= c) ->
  len (least_rows rows) <= c.
Proof.
  intros c [|row rows] positive short; [exact positive|]. assert (first := short row (or_introl eq_refl)).
  cbn [least_rows]. destruct rows; [exact first|].
  eapply Z.le_trans; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | exact first].
Qed.

Lemma least_rows_at_most : forall (c : Z) (rows : list (list int)), 0 <= c -> (forall row, In row rows -> len row <= c) ->
  at_most (len rows * (3 * c)) (least_rows_counted rows).
Proof.
  intros c rows positive. induction rows as [|row rows IH]; intro short; [apply at_most_free; rewrite len_nil; lia|].
  cbn [least_rows_counted]. rewrite len_cons. assert (some := len_nonneg _ rows).
  destruct rows as [|next rows]; [apply at_most_free; nia|].
  apply at_most_bind with (len (next :: rows) * (3 * c)) (c * 3); [|  |lia].
  - apply IH. intros other inside. apply short. right. exact inside.
  - apply at_most_zip; [lia | left; apply short; left; reflexivity | intros; apply smin_at_most].
Qed.

Lemma lead_row_len : forall (twice : nat) (values : list int), len (lead_row twice values) = len values.
Proof. intros twice values. unfold lead_row. rewrite len_map. unfold len. rewrite rotated_length. reflexivity. Qed.

Lemma lead_row_at_most : forall (twice : nat) (values : list int), at_most (len values) (lead_row_counted twice values).
Proof.
  intros twice values. apply at_most_le with (len values * 1); [|lia].
  apply at_most_map; [lia | unfold len; rewrite rotated_length; lia | intros; apply at_most_once, Z.le_refl].
Qed.

Lemma group_leads_at_most : forall (p : nat) (shift slack : int) (twice : list nat) (w : list int * list int) (A B : list int),
  len twice <= Z.of_nat p -> len (fst w) <= Z.of_nat p -> len A <= Z.of_nat p ->
  at_most (group_leads_bound (Z.of_nat p)) (group_leads_counted p shift slack twice w A B).
Proof.
  intros p shift slack twice w A B places short long. unfold group_leads_counted, group_leads_bound.
  set (n := Z.of_nat p) in *. assert (positive : 0 <= n) by (subst n; lia). eapply at_most_le.
  { eapply at_most_then.
    { apply at_most_zip with (c := 3 * n) (r := n); [lia | left; exact long | intros; apply wave_at_most, short]. }
    rewrite (value_zip _ _ _ _ (fun x y => wave x y (fst w) (snd w))) by (intros; apply wave_value).
    set (values := zip_with _ A B).
    assert (values_short : forall row, In row values -> len row <= n).
    { intros row inside. apply LowRankUnembeddingLength.in_zip_with in inside. destruct inside as (x & y & _ & _ & ->).
      eapply Z.le_trans; [apply wave_len | exact short]. }
    eapply at_most_then.
    { apply at_most_zip with (c := n) (r := n); [exact positive | left; exact places|]. intros t row _ inside.
      eapply at_most_le; [apply lead_row_at_most | apply values_short, inside]. }
    rewrite (value_zip _ _ _ _ lead_row) by (intros; apply lead_row_value). set (rows := zip_with lead_row twice values).
    assert (rows_short : forall row, In row rows -> len row <= n).
    { intros row inside. apply LowRankUnembeddingLength.in_zip_with in inside. destruct inside as (t & old & _ & inside & ->).
      rewrite lead_row_len. apply values_short, inside. }
    assert (few : len rows <= n) by (eapply Z.le_trans; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | exact places]).
    eapply at_most_then with (a := n * (3 * n)).
    { eapply at_most_le; [apply (least_rows_at_most n); [exact positive | exact rows_short]|]. nia. }
    rewrite least_rows_value. apply at_most_map with (c := 5) (r := n); [lia | | intros; count].
    apply least_rows_len; [exact positive | exact rows_short]. }
  lia.
Qed.
