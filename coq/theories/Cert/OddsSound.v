(* CompactProofs: Cert: OddsSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Weighted Base.Sums Base.Totals Base.Lists Base.Signed63 Base.Matrix Base.WeightFacts.
From CompactProofs Require Import Cert.Terms Cert.Bands Cert.BandsSound Cert.CreditsCheck Cert.CreditTables.
From CompactProofs Require Import Cert.CreditsSound Cert.WeightedCredits Cert.WeightedCreditsSound Cert.Weighted.
Import ListNotations.
(** * Odds are the weights of the specification
    - [real_odds m rows] == the weights of the tokens up to [m] by distance from it, as natural numbers
    Main results: [odds_by_answer_ok] (what the entry of m holds), [chance_weight] (the product of odds is the weight of a
    sequence), [weight_choices] (products of sums are totals), [masked_cost] (hiding tokens without weight changes nothing where
    there is weight). *)
Local Open Scope Z_scope.

Local Notation as_int width := (of_Z (Z.of_nat width)).
Local Notation as_ints row := (map (fun width : nat => as_int width) row).

(** ** Every token is a band *)

Lemma cut_ones : forall d k : nat, (k <= d)%nat -> cut (repeat 1%nat d) k = repeat 1%nat k.
Proof.
  induction d as [|d IH]; intros k below; [replace k with O by lia; reflexivity|].
  destruct k as [|k]; [reflexivity|]. cbn [repeat cut]. rewrite Nat.sub_succ, Nat.sub_0_r, IH by lia. reflexivity.
Qed.

Lemma expand_ones : forall (A : Type) (l : list A) (k : nat), length l = k -> expand (repeat 1%nat k) l = l.
Proof.
  intros A. induction l as [|x l IH]; intros k len; subst k; [reflexivity|]. cbn [length repeat]. rewrite expand_cons.
  rewrite (IH _ eq_refl). reflexivity.
Qed.

(** ** Sums and products *)

Lemma prefix_sums_nth : forall (row : list Z) (sum : Z) (m : nat), (m < length row)%nat ->
  nth m (prefix_sums sum row) 0 = sum + sumZ (S m) (fun t => nth t row 0).
Proof.
  induction row as [|w row IH]; intros sum m inside; [inversion inside|]. cbn [prefix_sums]. destruct m as [|m].
  - cbn [nth sumZ]. lia.
  - change (nth m (prefix_sums (sum + w) row) 0 = sum + (w + sumZ (S m) (fun t => nth t row 0))).
    rewrite IH by (cbn in inside; lia). lia.
Qed.

(** Totals over all choices, and over those that have m among them. *)
Lemma total_without_weight : forall (rows : list (list Z)) (m : nat),
  total (S m) (length rows) (fun x => weight rows x * indicator (negb (existsb (Nat.eqb m) x))) =
  total m (length rows) (weight rows).
Proof.
  induction rows as [|row rows IH]; intro m; [reflexivity|]. cbn [length total].
  replace (S m) with (m + 1)%nat at 1 by lia. rewrite sumZ_app. cbn [sumZ]. rewrite Z.add_0_r, Nat.add_0_r.
  rewrite (total_ext (S m) (length rows) _ (fun _ => 0))
    by (intros x _ _; cbn [existsb]; rewrite Nat.eqb_refl; cbn [orb negb indicator]; lia).
  rewrite total_const, Z.mul_0_r, Z.add_0_r. apply sumZ_ext. intros t inside.
  rewrite (total_ext (S m) (length rows) _
    (fun x => nth t row 0 * (weight rows x * indicator (negb (existsb (Nat.eqb m) x))))).
  - rewrite total_mult_l, IH, <- total_mult_l. reflexivity.
  - intros x _ _. cbn [existsb weight]. destruct (Nat.eqb_spec m t); [lia|]. cbn [orb]. lia.
Qed.

Lemma weight_choices : forall (rows : list (list Z)) (m : nat) (seen : bool),
  (if seen then total (S m) (length rows) (weight rows)
   else total (S m) (length rows) (weight rows) - total m (length rows) (weight rows)) =
  total (S m) (length rows) (fun x => weight rows x * indicator (chosen_new m seen x)).
Proof.
  intros rows m seen. destruct seen; cbn [chosen_new orb].
  - apply total_ext. intros x _ _. cbn [indicator]. lia.
  - rewrite <- (total_without_weight rows m).
    assert (sums := total_plus (S m) (length rows) (fun x => weight rows x * indicator (existsb (Nat.eqb m) x))
      (fun x => weight rows x * indicator (negb (existsb (Nat.eqb m) x)))).
    rewrite (total_ext _ _ _ (weight rows)) in sums
      by (intros x _ _; destruct (existsb (Nat.eqb m) x); cbn [negb indicator]; lia).
    unfold chosen_new. cbn [orb]. lia.
Qed.

(** ** Odds by distance *)

Definition by_distance (m : nat) (row : list Z) : list nat := map Z.to_nat (skipn (length row - S m) (rev row)).

Definition real_odds (m : nat) (rows : list (list Z)) : list (list nat) := map (by_distance m) rows.

Lemma by_distance_length : forall (m : nat) (row : list Z), (m < length row)%nat -> length (by_distance m row) = S m.
Proof. intros m row inside. unfold by_distance. rewrite map_length, skipn_length, rev_length. lia. Qed.

Lemma by_distance_nth : forall (m t : nat) (row : list Z), (m < length row)%nat -> (t <= m)%nat ->
  nth (m - t) (by_distance m row) O = Z.to_nat (nth t row 0).
Proof.
  intros m t row inside small. unfold by_distance.
  rewrite (nth_map_any _ _ _ _ _ 0) by (rewrite skipn_length, rev_length; lia).
  rewrite nth_skipn, rev_nth by lia. f_equal. f_equal. lia.
Qed.

Local Notation long d := (Forall (fun row : list Z => length row = d /\ Forall (fun w => 0 <= w) row)).

Lemma chance_weight : forall (d m : nat) (rows : list (list Z)) (x : list nat), (m < d)%nat -> long d rows -> below (S m) x ->
  chance m (real_odds m rows) x = weight rows x.
Proof.
  intros d m rows x inside shape. revert x. induction shape as [|row rows [len nonneg] shape IH]; intros [|t x] small;
    try reflexivity.
  inversion small as [|? ? token later]; subst. cbn [real_odds map chance weight]. fold (real_odds m rows).
  rewrite (IH x later), by_distance_nth by lia. rewrite Z2Nat.id; [reflexivity|].
  rewrite Forall_forall in nonneg. apply nonneg, nth_In. lia.
Qed.

Lemma real_odds_sum : forall (m : nat) (row : list Z), (m < length row)%nat -> Forall (fun w => 0 <= w) row ->
  Z.of_nat (list_sum (by_distance m row)) = sumZ (S m) (fun t => nth t row 0).
Proof.
  intros m row inside nonneg. assert (len := by_distance_length m row inside).
  assert (sum : forall l : list nat, Z.of_nat (list_sum l) = sumZ (length l) (fun k => Z.of_nat (nth k l O))).
  { induction l as [|w l IH]; [reflexivity|]. change (list_sum (w :: l)) with (w + list_sum l)%nat.
    rewrite Nat2Z.inj_add, IH. reflexivity. }
  rewrite sum, len, (sumZ_reverse m (fun t => nth t row 0)). apply sumZ_ext. intros k small.
  replace k with (m - (m - k))%nat at 1 by lia. rewrite by_distance_nth by lia. apply Z2Nat.id.
  rewrite Forall_forall in nonneg. apply nonneg, nth_In. lia.
Qed.

Lemma as_ints_by_distance : forall (m : nat) (row : list Z), Forall (fun w => 0 <= w) row ->
  skipn (length row - S m) (rev (map of_Z row)) = as_ints (by_distance m row).
Proof.
  intros m row nonneg. unfold by_distance. rewrite map_map, <- map_rev.
  assert (skip : forall (A B : Type) (f : A -> B) (k : nat) (l : list A), skipn k (map f l) = map f (skipn k l)).
  { intros A B f k. induction k as [|k IH]; intros [|x l]; try reflexivity. apply IH. }
  rewrite skip. apply map_ext_in. intros w member. rewrite Z2Nat.id; [reflexivity|]. rewrite Forall_forall in nonneg.
  apply nonneg. rewrite in_rev. rewrite <- (firstn_skipn (length row - S m) (rev row)). apply in_or_app. right. exact member.
Qed.

Local Notation sums_to m rows := (map (fun row => sumZ (S m) (fun t => nth t row 0)) rows).

Local Lemma sums_nth : forall (d m : nat) (rows : list (list Z)), (m < d)%nat -> long d rows ->
  nth m (by_row 0 d (map (prefix_sums 0) rows)) [] = sums_to m rows.
Proof.
  intros d m rows inside shape. rewrite by_row_nth by exact inside. rewrite map_map. apply map_ext_in. intros row member.
  rewrite Forall_forall in shape. destruct (shape row member) as [len _]. rewrite prefix_sums_nth by lia. apply Z.add_0_l.
Qed.

Theorem odds_by_answer_ok : forall (d m : nat) (rows : list (list Z)) (none : odds), (m < d)%nat -> long d rows ->
  let o := nth m (odds_by_answer d rows) none in
  of_tokens o = map (fun row => as_ints row) (real_odds m rows) /\
  lightening o = fst (shifts 1 (map (fun row => Z.of_nat (list_sum row)) (real_odds m rows))) /\
  weight_to o = total (S m) (length rows) (weight rows) /\
  weight_below o = total m (length rows) (weight rows).
Proof.
  intros d m rows none inside shape o. unfold o, odds_by_answer. cbv zeta.
  rewrite (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; exact inside). rewrite seq_nth by exact inside. rewrite Nat.add_0_l.
  cbn [of_tokens lightening weight_to weight_below]. rewrite (sums_nth d m rows inside shape).
  assert (each := proj1 (Forall_forall _ _) shape). repeat split.
  - unfold real_odds. rewrite !map_map. apply map_ext_in. intros row member. destruct (each row member) as [<- nonneg].
    apply as_ints_by_distance, nonneg.
  - do 2 f_equal. unfold real_odds. rewrite map_map. apply map_ext_in. intros row member.
    destruct (each row member) as [len nonneg]. symmetry. apply real_odds_sum; [lia | exact nonneg].
  - unfold product_Z. rewrite total_of_weights. reflexivity.
  - unfold product_Z. rewrite total_of_weights. f_equal. destruct m as [|before]; [reflexivity|].
    rewrite (sums_nth d before rows) by (try assumption; lia). reflexivity.
Qed.

(** ** Tokens without weight *)

Local Lemma as_int_zero : forall w : nat, Z.of_nat w < 2 ^ 62 -> w <> O -> (as_int w =? 0)%uint63 = false.
Proof.
  intros w small some. assert (value : to_Z (as_int w) = Z.of_nat w) by (apply to_Z_of_congruent; [apply congruent_of_Z | lia]).
  destruct (Uint63.eqb_spec (as_int w) 0) as [same _]. destruct (as_int w =? 0)%uint63; [|reflexivity].
  exfalso. rewrite (same eq_refl) in value. change (to_Z 0) with 0 in value. lia.
Qed.

Lemma masked_length : forall (base : nat) (row column : list int), length row = length column ->
  length (masked base row column) = length column.
Proof. intros base row column same. unfold masked. rewrite zip_with_length. lia. Qed.

Lemma masked_in : forall (base : nat) (row column : list int) (h : int),
  In h (masked base row column) -> h = nth base column 0%uint63 \/ In h column.
Proof.
  intros base row column h. unfold masked. generalize (nth base column 0%uint63) as cost. intro cost. revert column.
  induction row as [|w row IH]; intros [|x column] inside; try contradiction. cbn [zip_with] in inside.
  destruct inside as [here|later].
  - destruct (w =? 0)%uint63; [left; symmetry; exact here | right; left; exact here].
  - destruct (IH column later) as [same|member]; [left; exact same | right; right; exact member].
Qed.

Lemma masked_cost : forall (base m : nat) (rows : list (list nat)) (columns : list (list int)) (x : list nat),
  length columns = length rows -> Forall (fun row => length row = S m) rows ->
  Forall (fun column => length column = S m) columns ->
  Forall (fun row => Z.of_nat (list_sum row) < 2 ^ 62) rows ->
  below (S m) x -> length x = length rows -> chance m rows x <> 0 ->
  cost_of m (zip_with (masked base) (map (fun row => as_ints row) rows) columns) x = cost_of m columns x.
Proof.
  intros base m. induction rows as [|row rows IH]; intros [|column columns] [|t x] len shape shape' small inside len_x some;
    try discriminate len; try discriminate len_x; [reflexivity|].
  inversion shape; inversion shape'; inversion small; inversion inside as [|? ? token later]; subst.
  cbn [chance] in some. cbn [map zip_with cost_of].
  rewrite IH; try assumption; [ | cbn in len; lia | cbn in len_x; lia | nia].
  f_equal. f_equal. unfold masked.
  rewrite (nth_zip_with int int int _ _ _ _ 0%uint63 0%uint63) by (rewrite ?map_length; lia).
  rewrite (nth_map_any _ _ _ _ _ O) by lia. rewrite as_int_zero; [reflexivity | | nia].
  apply Z.le_lt_trans with (Z.of_nat (list_sum row)); [|assumption]. apply inj_le.
  assert (entry : forall (l : list nat) (k : nat), (nth k l O <= list_sum l)%nat).
  { induction l as [|w l IHl]; intros [|k]; cbn [nth]; try lia; change (list_sum (w :: l)) with (w + list_sum l)%nat;
      [lia | specialize (IHl k); lia]. }
  apply entry.
Qed.
