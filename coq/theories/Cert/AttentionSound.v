(* CompactProofs: Cert: AttentionSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Lia Lra.
From CompactProofs Require Import Base.Lists Base.Signed63 Base.ExpBounds Base.Matrix Cert.Terms Cert.TermsSound.
From CompactProofs Require Import Cert.Bands Cert.BandsSound Cert.Products Cert.Attention.
Import ListNotations.
(** * Stage "attention" encloses the weights it should
    Scores are real numbers in units of 2^-(30 + bits), known between two machine integers each.
    - [weight_of bits top s]      == exp (s - top), in these units
    - [between s e]               == [e] bounds score [s], within 2^61
    - [state_ok bits s st k]      == [st] has the weights of tokens 0 .. k - 1, relative to its top
    - [good_enclosure e]          == [e] may be joined with others
    Main results: [weight_encloses], [start_spec], [extend_spec], [token_rows_spec], [score_row_spec]. *)
Local Open Scope R_scope.

Definition weight_of (bits : nat) (t : int) (s : R) : R := exp ((s - IZR (signed t)) / 2 ^ (30 + bits)).

Definition between (s : R) (e : scored) : Prop :=
  IZR (signed (fst e)) <= s <= IZR (signed (snd e)) /\
  (Z.abs (signed (fst e)) <= 2 ^ 61)%Z /\ (Z.abs (signed (snd e)) <= 2 ^ 61)%Z.

Local Lemma weight_of_le : forall (bits : nat) (t : int) (a b : R), a <= b -> weight_of bits t a <= weight_of bits t b.
Proof.
  intros bits t a b less. unfold weight_of.
  assert (ordered : (a - IZR (signed t)) / 2 ^ (30 + bits) <= (b - IZR (signed t)) / 2 ^ (30 + bits)).
  { unfold Rdiv. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat, pow_lt|]; lra. }
  destruct ordered as [strict|same]; [left; apply exp_increasing, strict | rewrite same; apply Rle_refl].
Qed.

(** ** One weight *)

(** Their tables are not for conversion to look into. *)
Local Opaque exp_lower exp_upper.

Theorem weight_encloses : forall (bits : nat) (t : int) (e : scored) (s : R),
  (bits <= 61)%nat -> (Z.abs (signed t) <= 2 ^ 61)%Z -> between s e -> (signed (snd e) <= signed t)%Z ->
  encloses (weight (precision_of bits) t e) (weight_of bits t s).
Proof.
  intros bits t [low high] s small t_range [[above below] [low_range high_range]] ordered. cbn [fst snd] in *.
  assert (low_high : (signed low <= signed high)%Z) by (apply le_IZR; lra).
  assert (enc_low := relative_exp_encloses bits t low small t_range low_range ltac:(lia)).
  assert (enc_high := relative_exp_encloses bits t high small t_range high_range ordered).
  rewrite minus_IZR in enc_low, enc_high.
  fold (weight_of bits t (IZR (signed low))) in enc_low. fold (weight_of bits t (IZR (signed high))) in enc_high.
  assert (more := weight_of_le bits t _ _ above). assert (less := weight_of_le bits t _ _ below).
  assert (positive : 0 < 2 ^ 30) by (apply pow_lt; lra).
  destruct enc_low as [[from _] _]. destruct enc_high as [[_ to] to_top].
  unfold relative_exp in from, to, to_top. cbv zeta in from, to, to_top. unfold encloses, weight. cbn [fst snd] in *.
  split; [|exact to_top]. split.
  - refine (Rle_trans _ _ _ from _). apply Rmult_le_compat_l; lra.
  - refine (Rle_trans _ _ _ _ to). apply Rmult_le_compat_l; lra.
Qed.

(** ** Weights of more and more tokens *)

Definition state_ok (bits : nat) (s : nat -> R) (st : state) (k : nat) : Prop :=
  length (weights st) = k /\
  (Z.abs (signed (top st)) <= 2 ^ 61)%Z /\
  forall t, (t < k)%nat -> encloses (nth t (weights st) (0, 0)%uint63) (weight_of bits (top st) (s t)).

Theorem start_spec : forall (bits : nat) (s : nat -> R) (row : list scored),
  (forall t, (t < length row)%nat -> between (s t) (nth t row (0, 0)%uint63)) -> state_ok bits s (start row) 0.
Proof.
  intros bits s row bounds. split; [reflexivity|]. split; [|intros t none; lia].
  destruct row as [|e row]; cbn [start top]; [rewrite signed_zero; lia|].
  apply (bounds O). cbn. lia.
Qed.

(** More tokens, with any scores. *)
Local Lemma extend_some : forall (bits k : nat) (s : nat -> R) (st : state) (more : list scored),
  (bits <= 61)%nat ->
  (forall t, (t < length more)%nat -> between (s (k + t)%nat) (nth t more (0, 0)%uint63)) ->
  state_ok bits s st k -> state_ok bits s (extend (precision_of bits) st more) (k + length more).
Proof.
  intros bits k s st more small bounds ok.
  assert (cases : more = [] \/ more <> []) by (destruct more; [left; reflexivity | right; discriminate]).
  destruct cases as [->|some].
  { rewrite Nat.add_0_r. exact ok. }
  destruct ok as (len & top_range & each).
  assert (unfolded : extend (precision_of bits) st more =
    let t := row_top (top st :: map snd more) in
    State t (map (both (relative_exp (precision_of bits) t (top st))) (weights st) ++ map (weight (precision_of bits) t) more))
    by (destruct more as [|e more]; [contradiction some; reflexivity | reflexivity]).
  rewrite unfolded. clear unfolded. cbv zeta. set (t := row_top (top st :: map snd more)).
  assert (t_range : (Z.abs (signed t) <= 2 ^ 61)%Z).
  { assert (member := row_top_in (top st :: map snd more) ltac:(discriminate)). fold t in member.
    destruct member as [<-|member]; [exact top_range|].
    apply in_map_iff in member. destruct member as (e & <- & member).
    apply (In_nth _ _ (0, 0)%uint63) in member. destruct member as (j & inside & <-). apply (bounds j inside). }
  assert (top_le : (signed (top st) <= signed t)%Z) by (apply row_top_ge; left; reflexivity).
  unfold state_ok. cbn [top weights]. split; [rewrite app_length, !map_length; lia|]. split; [exact t_range|].
  intros j inside. destruct (Nat.lt_ge_cases j k) as [before|after].
  - rewrite app_nth1 by (rewrite map_length; lia). rewrite (nth_map_any enclosure _ _ _ _ (0, 0)%uint63) by lia.
    replace (weight_of bits t (s j))
      with (exp (IZR (signed (top st) - signed t) / 2 ^ (30 + bits)) * weight_of bits (top st) (s j)).
    + apply both_encloses; [|apply each, before]. apply relative_exp_encloses; assumption.
    + unfold weight_of. rewrite <- exp_plus. f_equal. rewrite minus_IZR. field. apply Rgt_not_eq, pow_lt. lra.
  - rewrite app_nth2 by (rewrite map_length; lia). rewrite map_length, len.
    assert (inside_more : (j - k < length more)%nat) by lia.
    rewrite (nth_map_any scored _ _ _ _ (0, 0)%uint63) by exact inside_more.
    specialize (bounds (j - k)%nat inside_more). replace (k + (j - k))%nat with j in bounds by lia.
    apply weight_encloses; try assumption. apply row_top_ge. right. apply in_map, nth_In, inside_more.
Qed.

Theorem extend_spec : forall (bits k len : nat) (s : nat -> R) (st : state) (row : list scored),
  (bits <= 61)%nat -> (k <= length row)%nat ->
  (forall t, (t < length row)%nat -> between (s t) (nth t row (0, 0)%uint63)) ->
  state_ok bits s st k ->
  state_ok bits s (extend (precision_of bits) st (firstn len (skipn k row))) (Nat.min (k + len) (length row)).
Proof.
  intros bits k len s st row small inside bounds ok.
  assert (more_len : (k + length (firstn len (skipn k row)))%nat = Nat.min (k + len) (length row))
    by (rewrite firstn_length, skipn_length; lia).
  rewrite <- more_len. apply extend_some; [exact small | | exact ok].
  intros t inside_more. rewrite firstn_length, skipn_length in inside_more.
  rewrite nth_firstn, nth_skipn by lia. apply bounds. lia.
Qed.

(** ** Bands *)

Definition good_enclosure (e : enclosure) : Prop := (to_Z (snd e) <= 2 ^ 30)%Z.

Lemma encloses_good : forall (e : enclosure) (a : R), encloses e a -> good_enclosure e.
Proof. intros e a enc. apply enc. Qed.

Local Lemma either_value : forall e f : enclosure,
  to_Z (fst (either e f)) = Z.min (to_Z (fst e)) (to_Z (fst f)) /\
  to_Z (snd (either e f)) = Z.max (to_Z (snd e)) (to_Z (snd f)).
Proof.
  intros e f. unfold either. cbn [fst snd]. split.
  - assert (less := ltb_spec (fst f) (fst e)). destruct (ltb (fst f) (fst e)); [assert (yes := proj1 less eq_refl); lia|].
    destruct (Z.lt_ge_cases (to_Z (fst f)) (to_Z (fst e))) as [no|]; [discriminate (proj2 less no) | lia].
  - assert (less := ltb_spec (snd e) (snd f)). destruct (ltb (snd e) (snd f)); [assert (yes := proj1 less eq_refl); lia|].
    destruct (Z.lt_ge_cases (to_Z (snd e)) (to_Z (snd f))) as [no|]; [discriminate (proj2 less no) | lia].
Qed.

Lemma either_good : forall e f : enclosure, good_enclosure e -> good_enclosure f -> good_enclosure (either e f).
Proof. unfold good_enclosure. intros e f good_e good_f. rewrite (proj2 (either_value e f)). lia. Qed.

Lemma either_encloses_left : forall (e f : enclosure) (a : R), good_enclosure f -> encloses e a -> encloses (either e f) a.
Proof.
  unfold good_enclosure, encloses. intros e f a good_f [[low high] small].
  destruct (either_value e f) as [-> ->]. split; [split|lia].
  - refine (Rle_trans _ _ _ _ low). apply IZR_le. lia.
  - refine (Rle_trans _ _ _ high _). apply IZR_le. lia.
Qed.

Lemma either_encloses_right : forall (e f : enclosure) (a : R), good_enclosure e -> encloses f a -> encloses (either e f) a.
Proof.
  unfold good_enclosure, encloses. intros e f a good_e [[low high] small].
  destruct (either_value e f) as [-> ->]. split; [split|lia].
  - refine (Rle_trans _ _ _ _ low). apply IZR_le. lia.
  - refine (Rle_trans _ _ _ high _). apply IZR_le. lia.
Qed.

Lemma sizes_of_positive : forall (d : nat) (tokens : tokens_choice), all_positive (sizes_of d tokens).
Proof.
  intros d [|exponents]; cbn [sizes_of].
  - intros s member. apply repeat_spec in member. subst s. apply le_n.
  - rewrite <- (map_map exponent_of size). apply sizes_positive.
Qed.

Theorem token_rows_spec : forall (d : nat) (tokens : tokens_choice) (first count m : nat) (all : list enclosure) (a : nat -> R),
  (forall t, (t < length all)%nat -> encloses (nth t all (0, 0)%uint63) (a t)) ->
  (first <= m)%nat -> (m < first + count)%nat -> (m < length all)%nat -> (S m <= list_sum (sizes_of d tokens))%nat ->
  let rows := token_rows tokens first count all in
  let tw := nth (m - first) rows [] in
  let widths := cut (sizes_of d tokens) (S m) in
  length rows = count /\ (length widths <= length tw)%nat /\
  forall t, (t <= m)%nat -> encloses (nth (m - t) (expand widths tw) (0, 0)%uint63) (a t).
Proof.
  intros d tokens first count m all a each from below inside fits. cbv zeta. destruct tokens as [|exponents].
  - cbn [sizes_of token_rows] in *.
    assert (fits_d : (S m <= d)%nat).
    { refine (Nat.le_trans _ _ _ fits _). clear. induction d as [|d IH]; [apply le_n|].
      change (1 + list_sum (repeat 1 d) <= 1 + d)%nat. lia. }
    rewrite map_length, seq_length. split; [reflexivity|].
    rewrite (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; lia). rewrite seq_nth by lia.
    replace (first + (m - first))%nat with m by lia.
    assert (len : length (rev (firstn (S m) all)) = S m) by (rewrite rev_length, firstn_length; lia).
    split; [rewrite cut_every, repeat_length by exact fits_d; lia|].
    intros t before. rewrite expand_every by exact fits_d. rewrite <- len at 1. rewrite firstn_all.
    rewrite rev_length in len. rewrite rev_nth by lia. rewrite nth_firstn by lia.
    replace (length (firstn (S m) all) - S (m - t))%nat with t by lia. apply each. lia.
  - cbn [sizes_of token_rows] in *.
    assert (same : map (fun k => size (exponent_of k)) exponents = map size (map exponent_of exponents))
      by (rewrite map_map; reflexivity).
    rewrite same in *.
    apply (band_rows_spec enclosure either good_enclosure (fun t e => encloses e (a t))); try assumption.
    + exact either_good.
    + intros j e f _ good_f. apply either_encloses_left, good_f.
    + intros j e f good_e _. apply either_encloses_right, good_e.
    + intros e member. apply (In_nth _ _ (0, 0)%uint63) in member. destruct member as (j & inside_j & <-).
      apply (encloses_good _ (a j)), each, inside_j.
Qed.

(** ** Scores *)

Local Lemma smallest : forall (d : nat) (x : nat -> Z),
  exists least : Z, (forall t, (t < d)%nat -> (least <= x t)%Z) /\ (d <> O -> exists t, (t < d)%nat /\ x t = least).
Proof.
  induction d as [|d IH]; intro x; [exists 0%Z; split; [intros t none; lia | intro none; contradiction none; reflexivity]|].
  destruct (IH x) as (least & below & reached). destruct (Nat.eq_dec d 0) as [->|some].
  - exists (x O). split; [intros t inside; replace t with O by lia; lia|]. intros _. exists O. split; [lia | reflexivity].
  - exists (Z.min least (x d)). split.
    + intros t inside. destruct (Nat.eq_dec t d) as [->|other]; [lia|]. specialize (below t ltac:(lia)). lia.
    + intros _. destruct (Z.le_ge_cases least (x d)) as [less|more].
      * destruct (reached some) as (t & inside & value). exists t. split; [lia|]. lia.
      * exists d. split; [lia|]. lia.
Qed.

Theorem score_row_spec : forall (P : product) (q d : nat) (s : nat -> Z),
  let penalty := at1 (penalties P) q in
  (to_Z (product_bits P) <= 58)%Z ->
  length (nth q (product_rows P) []) = d ->
  (0 <= penalty)%Z ->
  (forall t, (t < d)%nat -> (Z.abs (at2 (product_rows P) q t) + penalty <= 2 ^ 60)%Z) ->
  (forall t t', (t < d)%nat -> (t' < d)%nat ->
    (2 ^ to_Z (product_bits P) * (s t - s t') <= at2 (product_rows P) q t - at2 (product_rows P) q t' + penalty)%Z) ->
  length (score_row P q) = d /\
  (forall t, (t < d)%nat ->
    (Z.abs (signed (fst (nth t (score_row P q) (0, 0)%uint63))) <= 2 ^ 60)%Z /\
    (Z.abs (signed (snd (nth t (score_row P q) (0, 0)%uint63))) <= 2 ^ 60)%Z) /\
  exists c : R, forall t, (t < d)%nat ->
    IZR (signed (fst (nth t (score_row P q) (0, 0)%uint63))) <= IZR (s t) - c <=
    IZR (signed (snd (nth t (score_row P q) (0, 0)%uint63))).
Proof.
  intros P q d s penalty small len nonneg range spread.
  set (g := product_bits P) in *. set (pen := nth q (penalties P) 0%uint63).
  assert (g_nonneg := to_Z_range g).
  assert (power_pos : (0 < 2 ^ to_Z g)%Z) by (apply Z.pow_pos_nonneg; lia).
  assert (entry : forall t, (t < d)%nat -> nth t (score_row P q) (0, 0)%uint63 =
    (shift_down g (nth t (nth q (product_rows P) []) 0), shift_up g (nth t (nth q (product_rows P) []) 0 + pen))%uint63).
  { intros t inside. unfold score_row. cbv zeta. fold g. fold pen.
    rewrite (nth_map_any _ _ _ _ _ 0%uint63) by lia. reflexivity. }
  assert (raised : forall t, (t < d)%nat ->
    signed (nth t (nth q (product_rows P) []) 0 + pen)%uint63 = (at2 (product_rows P) q t + penalty)%Z).
  { intros t inside. specialize (range t inside). unfold penalty, at2, at1 in *. fold pen in range, nonneg |- *.
    apply signed_add. lia. }
  split; [unfold score_row; cbv zeta; rewrite map_length; exact len|]. split.
  - intros t inside. rewrite entry by exact inside. cbn [fst snd]. specialize (range t inside).
    specialize (raised t inside). unfold at2, at1 in raised, range. split.
    + apply shift_down_abs; [lia | lia | lia | | lia]. nia.
    + apply shift_up_abs; [lia | lia | lia | | lia]. rewrite raised. nia.
  - destruct (smallest d (fun t => (2 ^ to_Z g * s t - at2 (product_rows P) q t)%Z)) as (least & below & reached).
    assert (unit_pos : 0 < IZR (2 ^ to_Z g)) by (apply IZR_lt, power_pos).
    exists (IZR least / IZR (2 ^ to_Z g)). intros t inside. rewrite entry by exact inside. cbn [fst snd].
    assert (down : (2 ^ to_Z g * signed (shift_down g (nth t (nth q (product_rows P) []) 0%uint63)) <=
      at2 (product_rows P) q t)%Z)
      by (apply shift_down_le; [lia|]; specialize (range t inside); unfold at2, at1 in range; lia).
    assert (up := le_shift_up g (nth t (nth q (product_rows P) []) 0 + pen)%uint63 ltac:(lia)).
    rewrite raised in up by exact inside. specialize (up ltac:(specialize (range t inside); lia)).
    destruct (reached ltac:(lia)) as (t' & inside' & attained).
    assert (apart := spread t t' inside inside'). specialize (below t inside). cbv beta in below.
    set (low := signed (shift_down g (nth t (nth q (product_rows P) []) 0%uint63))) in *.
    set (high := signed (shift_up g (nth t (nth q (product_rows P) []) 0 + pen)%uint63)) in *.
    replace (IZR (s t) - IZR least / IZR (2 ^ to_Z g)) with (IZR (2 ^ to_Z g * s t - least) / IZR (2 ^ to_Z g))
      by (rewrite minus_IZR, mult_IZR; field; lra).
    assert (from : (2 ^ to_Z g * low <= 2 ^ to_Z g * s t - least)%Z) by lia.
    assert (to : (2 ^ to_Z g * s t - least <= 2 ^ to_Z g * high)%Z) by lia.
    apply IZR_le in from, to. rewrite mult_IZR in from. rewrite (mult_IZR _ high) in to.
    assert (same : IZR (2 ^ to_Z g) * (IZR (2 ^ to_Z g * s t - least) / IZR (2 ^ to_Z g)) = IZR (2 ^ to_Z g * s t - least))
      by (field; lra).
    split; apply (Rmult_le_reg_l (IZR (2 ^ to_Z g))); try exact unit_pos; rewrite same; assumption.
Qed.
