(* CompactProofs: Cert: WeightedCreditsSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Base.Sums Base.Totals Base.Signed63 Base.Matrix Base.WeightFacts.
From CompactProofs Require Import Cert.Terms Cert.Bands Cert.CreditsCheck Cert.CreditTables Cert.CreditMasses.
From CompactProofs Require Import Cert.WeightedCredits.
Import ListNotations.
(** * The tables of weights hold what they should
    - [chance m odds x] == the product of the odds of tokens [x]; odds by distance from [m]
    - [fits ks sums]    == no entry of a table reaches 2^62
    Main results: [shifts_fit]; [weight_of_choices_sound]. *)
Local Open Scope Z_scope.

Local Notation as_int width := (of_Z (Z.of_nat width)).
Local Notation as_ints row := (map (fun width : nat => as_int width) row).

Fixpoint chance (m : nat) (odds : list (list nat)) (x : list nat) : Z :=
  match odds, x with
  | row :: rest, t :: x' => Z.of_nat (nth (m - t) row O) * chance m rest x'
  | _, _ => 1
  end.

(** ** Shifts *)

Fixpoint bound_of (ks : list int) (sums : list Z) : Z :=
  match ks, sums with
  | k :: ks', sum :: sums' => bound_of ks' sums' * sum / 2 ^ to_Z k
  | _, _ => 1
  end.

Fixpoint fits (ks : list int) (sums : list Z) : Prop :=
  match ks, sums with
  | k :: ks', sum :: sums' => bound_of ks' sums' * sum < 2 ^ 62 /\ fits ks' sums'
  | _, _ => True
  end.

Local Lemma shift_for_spec : forall full before : Z, 0 <= full < 2 ^ 62 -> 0 <= before < 2 ^ 62 ->
  0 <= shift_for full before <= 62 /\ full / 2 ^ shift_for full before * before < 2 ^ 62.
Proof.
  intros full before full_range before_range. unfold shift_for. destruct (Z.ltb_spec (full * before) (2 ^ 62)) as [small|large].
  - change (2 ^ 0) with 1. rewrite Z.div_1_r. lia.
  - assert (full_pos : 0 < full) by nia. assert (before_pos : 0 < before) by nia.
    destruct (Z.log2_spec full full_pos) as [_ full_top]. destruct (Z.log2_spec before before_pos) as [_ before_top].
    assert (a := Z.log2_nonneg full). assert (b := Z.log2_nonneg before).
    assert (a_top : Z.log2 full < 62) by (apply Z.log2_lt_pow2; lia).
    assert (b_top : Z.log2 before < 62) by (apply Z.log2_lt_pow2; lia).
    rewrite Z.pow_succ_r in full_top, before_top by assumption.
    set (lf := Z.log2 full) in *. set (lb := Z.log2 before) in *. set (k := lf + lb - 60).
    assert (some : 61 <= lf + lb).
    { assert (above : 2 ^ 62 < 2 ^ (lf + lb + 2)).
      { apply Z.le_lt_trans with (full * before); [exact large|]. rewrite !Z.pow_add_r by lia. change (2 ^ 2) with 4.
        assert (p := Z.pow_pos_nonneg 2 lf). assert (p' := Z.pow_pos_nonneg 2 lb). nia. }
      apply Z.pow_lt_mono_r_iff in above; lia. }
    split; [unfold k; lia|].
    assert (split : full < 2 ^ (lf + 1 - k) * 2 ^ k).
    { rewrite <- Z.pow_add_r by (unfold k; lia). replace (lf + 1 - k + k) with (Z.succ lf) by lia. rewrite Z.pow_succ_r; lia. }
    assert (less : full / 2 ^ k < 2 ^ (lf + 1 - k)).
    { apply Z.div_lt_upper_bound; [apply Z.pow_pos_nonneg; unfold k; lia|]. rewrite Z.mul_comm. exact split. }
    assert (nonneg : 0 <= full / 2 ^ k) by (apply Z.div_pos; [lia | apply Z.pow_pos_nonneg; unfold k; lia]).
    assert (whole : 2 ^ 62 = 2 ^ (lf + 1 - k) * (2 * 2 ^ lb)).
    { rewrite <- Z.pow_succ_r, <- Z.pow_add_r by (unfold k; lia). f_equal. unfold k. lia. }
    rewrite whole. nia.
Qed.

Theorem shifts_fit : forall (sums : list Z) (before : Z), Forall (fun sum => 0 <= sum < 2 ^ 62) sums -> 0 <= before < 2 ^ 62 ->
  let ks := fst (shifts before sums) in
  length ks = length sums /\ fits ks sums /\ snd (shifts before sums) = bound_of ks sums /\
  0 <= bound_of ks sums /\ bound_of ks sums * before < 2 ^ 62.
Proof.
  induction sums as [|sum sums IH]; intros before small before_small; cbv zeta.
  - cbn [shifts fst snd length bound_of fits]. repeat split; lia.
  - inversion small as [|? ? this others]; subst. destruct (IH sum others this) as (len & fit & same & nonneg & top).
    cbn [shifts]. destruct (shifts sum sums) as [later bound]. cbn [fst snd] in *. subst bound.
    destruct (shift_for_spec (bound_of later sums * sum) before ltac:(nia) before_small) as [range less].
    set (k := shift_for (bound_of later sums * sum) before) in *.
    assert (value : to_Z (of_Z k) = k) by (apply to_Z_of_congruent; [apply congruent_of_Z | lia]).
    cbn [length fits bound_of]. rewrite value, len. repeat split; try assumption.
    apply Z.div_pos; [nia | apply Z.pow_pos_nonneg; lia].
Qed.

(** ** Sums over a row *)

Local Lemma list_sum_Z : forall row : list nat, Z.of_nat (list_sum row) = sumZ (length row) (fun d => Z.of_nat (nth d row O)).
Proof.
  induction row as [|w row IH]; [reflexivity|]. change (list_sum (w :: row)) with (w + list_sum row)%nat.
  rewrite Nat2Z.inj_add, IH. reflexivity.
Qed.

Local Lemma band_sum_entries : forall (row : list nat) (credits : list int) (f : Z -> Z) (z : Z),
  length credits = length row ->
  band_sum row credits f z =
  sumZ (length row) (fun d => Z.of_nat (nth d row O) * f (z - to_Z (nth d credits 0%uint63))).
Proof.
  induction row as [|w row IH]; intros [|k credits] f z len; try discriminate len; [reflexivity|].
  cbn [band_sum length sumZ nth]. rewrite IH by (cbn in len; lia). reflexivity.
Qed.

(** ** Weights, by what is needed *)

Section Weights.
  Context (m : nat).

  (** The choices of m, and those of other tokens. *)
  Local Definition joined (f g : Z -> Z) (row : list nat) (column : list int) (z : Z) : Z :=
    Z.of_nat (hd O row) * f (z - to_Z (hd 0%uint63 column)) + band_sum (tl row) (tl column) g z.

  Local Fixpoint all_weight (ks : list int) (odds : list (list nat)) (credits : list (list int)) (z : Z) : Z :=
    match ks, odds, credits with
    | k :: ks', row :: odds', column :: credits' =>
        let later := all_weight ks' odds' credits' in joined later later row column z / 2 ^ to_Z k
    | _, _, _ => if z <=? 0 then 1 else 0
    end.

  Local Fixpoint new_weight (ks : list int) (odds : list (list nat)) (credits : list (list int)) (z : Z) : Z :=
    match ks, odds, credits with
    | k :: ks', row :: odds', column :: credits' =>
        joined (all_weight ks' odds' credits') (new_weight ks' odds' credits') row column z / 2 ^ to_Z k
    | _, _, _ => 0
    end.

  Local Definition shaped (ks : list int) (odds : list (list nat)) (credits : list (list int)) : Prop :=
    length odds = length ks /\ length credits = length ks /\
    Forall (fun row => length row = S m) odds /\ Forall (fun column => length column = S m) credits.

  Local Lemma shaped_inv : forall (k : int) (ks : list int) (odds : list (list nat)) (credits : list (list int)),
    shaped (k :: ks) odds credits ->
    exists row rows column columns, odds = row :: rows /\ credits = column :: columns /\
      length row = S m /\ length column = S m /\ shaped ks rows columns.
  Proof.
    intros k ks [|row rows] [|column columns] (len & len' & all & all'); try discriminate len; try discriminate len'.
    inversion all; inversion all'; subst. exists row, rows, column, columns.
    repeat split; try assumption; cbn in len, len'; lia.
  Qed.

  Local Notation sums odds := (map (fun row => Z.of_nat (list_sum row)) odds).

  Local Lemma share_pos : forall k : int, 0 < 2 ^ to_Z k.
  Proof. intro k. apply Z.pow_pos_nonneg; [lia | apply to_Z_range]. Qed.

  Local Lemma joined_settled : forall (f g : Z -> Z) (row : list nat) (column : list int), settled f -> settled g ->
    settled (joined f g row column).
  Proof.
    intros f g row column flat_f flat_g z low. unfold joined. assert (range := to_Z_range (hd 0%uint63 column)).
    rewrite (band_sum_settled _ _ _ flat_g z low). f_equal. f_equal. rewrite flat_f by lia. symmetry. apply flat_f. lia.
  Qed.

  Local Lemma weights_settled : forall (ks : list int) (odds : list (list nat)) (credits : list (list int)),
    settled (all_weight ks odds credits) /\ settled (new_weight ks odds credits).
  Proof.
    assert (none : settled (fun z => if z <=? 0 then 1 else 0)).
    { intros z low. destruct (Z.leb_spec z 0); [reflexivity | lia]. }
    induction ks as [|k ks IH]; intros [|row odds] [|column credits]; try (split; [exact none | intros z _; reflexivity]).
    destruct (IH odds credits) as [all new]. split; intros z low; cbn [all_weight new_weight]; cbv zeta.
    - rewrite (joined_settled _ _ row column all all z low). reflexivity.
    - rewrite (joined_settled _ _ row column all new z low). reflexivity.
  Qed.

  Local Definition within (b : Z) (f : Z -> Z) : Prop := forall z : Z, 0 <= f z <= b.

  Local Lemma joined_range : forall (f g : Z -> Z) (row : list nat) (column : list int) (b : Z),
    row <> [] -> within b f -> within b g -> within (b * Z.of_nat (list_sum row)) (joined f g row column).
  Proof.
    intros f g [|w row] column b some range_f range_g z; [contradiction|]. unfold joined. cbn [hd tl].
    assert (first := range_f (z - to_Z (hd 0%uint63 column))).
    assert (later := band_sum_range row (tl column) g b z range_g).
    change (list_sum (w :: row)) with (w + list_sum row)%nat. rewrite Nat2Z.inj_add. nia.
  Qed.

  Local Lemma weights_range : forall (ks : list int) (odds : list (list nat)) (credits : list (list int)),
    shaped ks odds credits ->
    within (bound_of ks (sums odds)) (all_weight ks odds credits) /\
    within (bound_of ks (sums odds)) (new_weight ks odds credits).
  Proof.
    assert (step : forall (k : int) (f : Z -> Z) (b : Z), within b f -> within (b / 2 ^ to_Z k) (fun z => f z / 2 ^ to_Z k)).
    { intros k f b range z. assert (positive := share_pos k). destruct (range z).
      split; [apply Z.div_pos; lia | apply Z.div_le_mono; lia]. }
    induction ks as [|k ks IH]; intros odds credits shape.
    - destruct shape as (len & _). destruct odds; [|discriminate len]. cbn [map bound_of all_weight new_weight].
      split; intro z; [destruct (z <=? 0)|]; lia.
    - destruct (shaped_inv _ _ _ _ shape) as (row & rows & column & columns & -> & -> & len & len' & rest).
      destruct (IH rows columns rest) as [all new]. cbn [map bound_of all_weight new_weight]. cbv zeta.
      assert (some : row <> []) by (intro none; rewrite none in len; discriminate len).
      split; apply (step k (joined _ _ row column)); apply joined_range; assumption.
  Qed.

  (** ** Tables *)

  Local Lemma shifted : forall (x k : int) (s : Z), congruent x s -> 0 <= s < 2 ^ 62 ->
    congruent (x >> k)%uint63 (s / 2 ^ to_Z k).
  Proof.
    intros x k s same range. assert (value : to_Z x = s) by (apply (to_Z_of_congruent _ _ same); lia).
    rewrite <- value, <- lsr_spec. apply congruent_to_Z.
  Qed.

  Local Lemma holds_lighten : forall (needed : nat) (table : list int) (f : Z -> Z) (k : int), holds needed table f ->
    (forall z : Z, 0 <= f z < 2 ^ 62) -> holds needed (lighten k table) (fun z => f z / 2 ^ to_Z k).
  Proof.
    intros needed table f k [len each] range. unfold lighten.
    assert (mapped : holds needed (map (fun x => x >> k)%uint63 table) (fun z => f z / 2 ^ to_Z k)).
    { split; [rewrite map_length; exact len|]. intros j inside. rewrite (nth_map_any _ _ _ _ _ 0%uint63) by lia.
      apply shifted; [apply each, inside | apply range]. }
    destruct (Uint63.eqb_spec k 0) as [to_zero _]. destruct (k =? 0)%uint63; [|exact mapped].
    split; [exact len|]. intros j inside. rewrite (to_zero eq_refl). change (2 ^ to_Z 0) with 1. rewrite Z.div_1_r.
    apply each, inside.
  Qed.

  Local Lemma holds_joined : forall (needed : nat) (w : nat) (row : list nat) (credit : int) (column t u zeros : list int)
      (f g : Z -> Z) (k : int) (b : Z),
    holds needed t f -> holds needed u g -> holds needed zeros (fun _ => 0) ->
    settled f -> settled g -> within b f -> within b g -> b * Z.of_nat (list_sum (w :: row)) < 2 ^ 62 ->
    holds needed (lighten k (add_table (as_int w) (spend t credit) (spread (as_ints row) column u zeros)))
      (fun z => joined f g (w :: row) (credit :: column) z / 2 ^ to_Z k).
  Proof.
    intros needed w row credit column t u zeros f g k b holds_f holds_g none flat_f flat_g range_f range_g fit.
    assert (range := joined_range f g (w :: row) (credit :: column) b ltac:(discriminate) range_f range_g).
    apply (holds_lighten needed _ (joined f g (w :: row) (credit :: column)));
      [|intro z; destruct (range z); lia].
    exact (holds_add needed (as_int w) credit (Z.of_nat w) t _ f _ holds_f flat_f (congruent_of_Z _)
      (holds_spread needed row column u zeros g holds_g flat_g none)).
  Qed.

  Section Run.
    Context (needed : nat) (base zeros : list int).
    Context (holds_base : holds needed base (fun z => if z <=? 0 then 1 else 0)).
    Context (holds_zeros : holds needed zeros (fun _ => 0)).

    Local Lemma holds_weights : forall (ks : list int) (odds : list (list nat)) (credits : list (list int)),
      shaped ks odds credits -> fits ks (sums odds) ->
      let tables := tables_of_weights ks (map (fun row => as_ints row) odds) credits base zeros in
      holds needed (fst tables) (all_weight ks odds credits) /\ holds needed (snd tables) (new_weight ks odds credits).
    Proof.
      induction ks as [|k ks IH]; intros odds credits shape fit.
      - cbn [tables_of_weights fst snd all_weight new_weight]. split; [exact holds_base | exact holds_zeros].
      - destruct (shaped_inv _ _ _ _ shape) as (row & rows & column & columns & -> & -> & len & len' & rest).
        cbn [map fits] in fit. destruct fit as [here later]. destruct (IH rows columns rest later) as [all new].
        destruct (weights_range ks rows columns rest) as [all_range new_range].
        destruct (weights_settled ks rows columns) as [all_flat new_flat].
        cbn [map tables_of_weights]. destruct (tables_of_weights ks _ columns base zeros) as [t u]. cbn [fst snd] in *.
        destruct row as [|w row]; [discriminate len|]. destruct column as [|credit column]; [discriminate len'|].
        cbn [map fst snd all_weight new_weight]. cbv zeta.
        split; (eapply holds_joined;
          [eassumption | eassumption | eassumption | assumption | assumption | eassumption | assumption | exact here]).
    Qed.

    Local Lemma entry_weight : forall (ks : list int) (odds : list (list nat)) (credits : list (list int)) (seen : bool),
      shaped ks odds credits -> fits ks (sums odds) ->
      congruent (entry_of_weights ks (map (fun row => as_ints row) odds) credits base zeros seen)
        ((if seen then all_weight else new_weight) ks odds credits (Z.of_nat needed)).
    Proof.
      intros [|k ks] odds credits seen shape fit.
      - cbn [entry_of_weights]. destruct seen; [|exact (congruent_to_Z 0)]. destruct holds_base as [len each].
        specialize (each O ltac:(lia)). change (Z.of_nat 0) with 0 in each. rewrite Z.sub_0_r in each.
        destruct base; exact each.
      - destruct (shaped_inv _ _ _ _ shape) as (row & rows & column & columns & -> & -> & len & len' & rest).
        cbn [map fits] in fit. destruct fit as [here later]. destruct (holds_weights ks rows columns rest later) as [all new].
        destruct (weights_range ks rows columns rest) as [all_range new_range].
        destruct (weights_settled ks rows columns) as [all_flat new_flat].
        cbn [map entry_of_weights]. destruct (tables_of_weights ks _ columns base zeros) as [t u]. cbn [fst snd] in *.
        destruct row as [|w row]; [discriminate len|]. destruct column as [|credit column]; [discriminate len'|].
        cbn [map].
        assert (at_m := holds_spend needed t _ credit 0 all all_flat).
        change (Z.of_nat 0) with 0 in at_m. rewrite Z.sub_0_r, <- first_entry in at_m.
        assert (part := congruent_mul _ _ _ _ (congruent_of_Z (Z.of_nat w)) at_m).
        destruct seen; cbn [all_weight new_weight]; cbv zeta; apply shifted.
        + apply congruent_add; [exact part | apply look_up_sum; assumption].
        + assert (range := joined_range _ _ (w :: row) (credit :: column) _ ltac:(discriminate) all_range all_range
            (Z.of_nat needed)). lia.
        + apply congruent_add; [exact part | apply look_up_sum; assumption].
        + assert (range := joined_range _ _ (w :: row) (credit :: column) _ ltac:(discriminate) all_range new_range
            (Z.of_nat needed)). lia.
    Qed.
  End Run.

  (** ** An entry stands for no more than the weight of its choices *)

  Local Lemma joined_sum : forall (f g : Z -> Z) (row : list nat) (column : list int) (z : Z),
    length row = S m -> length column = S m ->
    joined f g row column z = sumZ (S m) (fun d =>
      Z.of_nat (nth d row O) * (if (d =? 0)%nat then f else g) (z - to_Z (nth d column 0%uint63))).
  Proof.
    intros f g [|w row] [|k column] z len len'; try discriminate len; try discriminate len'.
    unfold joined. cbn [hd tl sumZ Nat.eqb nth]. rewrite band_sum_entries by (cbn in len, len'; lia).
    replace (length row) with m by (cbn in len; lia). reflexivity.
  Qed.

  Local Lemma total_step : forall (row : list nat) (rows : list (list nat)) (n : nat) (P : list nat -> bool),
    total (S m) (S n) (fun x => chance m (row :: rows) x * indicator (P x)) =
    sumZ (S m) (fun d => Z.of_nat (nth d row O) *
      total (S m) n (fun x => chance m rows x * indicator (P ((m - d)%nat :: x)))).
  Proof.
    intros row rows n P. cbn [total]. rewrite sumZ_reverse. apply sumZ_ext. intros d inside. rewrite <- total_mult_l.
    apply total_ext. intros x _ _. cbn [chance]. replace (m - (m - d))%nat with d by lia. lia.
  Qed.

  Local Lemma weight_step : forall (P : list nat -> bool) (f g : Z -> Z) (row : list nat) (rows : list (list nat))
      (column : list int) (k : int) (n : nat) (z share : Z),
    length row = S m -> length column = S m -> 0 <= share ->
    (forall d : nat, (d <= m)%nat ->
      (if (d =? 0)%nat then f else g) (z - to_Z (nth d column 0%uint63)) * share
        <= total (S m) n (fun x => chance m rows x * indicator (P ((m - d)%nat :: x)))) ->
    joined f g row column z / 2 ^ to_Z k * (2 ^ to_Z k * share)
      <= total (S m) (S n) (fun x => chance m (row :: rows) x * indicator (P x)).
  Proof.
    intros P f g row rows column k n z share len len' nonneg each. assert (positive := share_pos k).
    assert (floor := Z.mul_div_le (joined f g row column z) (2 ^ to_Z k) positive).
    apply Z.le_trans with (share * joined f g row column z); [nia|].
    rewrite total_step, joined_sum, <- sumZ_mult_l by assumption.
    apply sumZ_le. intros d inside. specialize (each d ltac:(lia)). nia.
  Qed.

  Local Lemma dropped_pos : forall ks : list int, 0 <= dropped ks.
  Proof.
    induction ks as [|k ks IH]; [apply Z.le_refl|]. cbn [dropped fold_right]. fold (dropped ks).
    assert (range := to_Z_range k). lia.
  Qed.

  Local Lemma weight_le : forall (ks : list int) (odds : list (list nat)) (credits : list (list int)), shaped ks odds credits ->
    (forall z, all_weight ks odds credits z * 2 ^ dropped ks <=
      total (S m) (length odds) (fun x => chance m odds x * indicator (z <=? credit_of m credits x))) /\
    (forall z, new_weight ks odds credits z * 2 ^ dropped ks <=
      total (S m) (length odds)
        (fun x => chance m odds x * indicator (existsb (Nat.eqb m) x && (z <=? credit_of m credits x)))).
  Proof.
    induction ks as [|k ks IH]; intros odds credits shape.
    - destruct shape as (len & len' & _). destruct odds; [|discriminate len]. destruct credits; [|discriminate len'].
      split; intro z; cbn; [destruct (z <=? 0)|]; cbn; lia.
    - destruct (shaped_inv _ _ _ _ shape) as (row & rows & column & columns & -> & -> & len & len' & rest).
      destruct (IH rows columns rest) as [all new].
      assert (power : 2 ^ dropped (k :: ks) = 2 ^ to_Z k * 2 ^ dropped ks).
      { cbn [dropped fold_right]. apply Z.pow_add_r; [apply to_Z_range | apply dropped_pos]. }
      assert (share : 0 <= 2 ^ dropped ks) by (apply Z.pow_nonneg; lia).
      assert (test : forall (z : Z) (d : nat) (x : list nat), (d <= m)%nat ->
        (z <=? credit_of m (column :: columns) ((m - d)%nat :: x)) =
        (z - to_Z (nth d column 0%uint63) <=? credit_of m columns x)).
      { intros z d x inside. cbn [credit_of]. replace (m - (m - d))%nat with d by lia.
        apply Bool.eq_true_iff_eq. rewrite !Z.leb_le. lia. }
      rewrite power. cbn [length]. split; intro z; cbn [all_weight new_weight]; cbv zeta.
      + apply (weight_step (fun x => z <=? credit_of m (column :: columns) x)); try assumption.
        intros d inside.
        rewrite (total_ext _ _ _ _ (fun x _ _ => f_equal (fun b => chance m rows x * indicator b) (test z d x inside))).
        destruct (d =? 0)%nat; apply all.
      + apply (weight_step (fun x => existsb (Nat.eqb m) x && (z <=? credit_of m (column :: columns) x))); try assumption.
        intros d inside. cbn [existsb]. destruct (Nat.eqb_spec d 0) as [->|other].
        * rewrite Nat.sub_0_r, Nat.eqb_refl. cbn [orb andb]. specialize (test z O). rewrite Nat.sub_0_r in test.
          rewrite (total_ext _ _ _ _ (fun x _ _ => f_equal (fun b => chance m rows x * indicator b) (test x inside))).
          apply all.
        * destruct (Nat.eqb_spec m (m - d)) as [same|_]; [lia|]. cbn [orb].
          rewrite (total_ext _ _ _ _ (fun x _ _ =>
            f_equal (fun b => chance m rows x * indicator (existsb (Nat.eqb m) x && b)) (test z d x inside))).
          apply new.
  Qed.

  Theorem weight_of_choices_sound : forall (ks : list int) (odds : list (list nat)) (credits : list (list int)) (needed : Z)
      (seen : bool),
    length odds = length ks -> length credits = length ks ->
    Forall (fun row => length row = S m) odds -> Forall (fun column => length column = S m) credits ->
    fits ks (sums odds) -> bound_of ks (sums odds) < 2 ^ 62 -> 0 <= needed ->
    weight_of_choices ks (map (fun row => as_ints row) odds) seen needed credits <=
    total (S m) (length odds)
      (fun x => chance m odds x * indicator ((seen || existsb (Nat.eqb m) x) && (needed <=? credit_of m credits x))).
  Proof.
    intros ks odds credits needed seen len len' rows columns fit top nonneg.
    assert (shape : shaped ks odds credits) by (repeat split; assumption). unfold weight_of_choices. cbv zeta.
    assert (same := entry_weight (Z.to_nat needed) _ _ (holds_start (Z.to_nat needed) 1) (holds_zeros (Z.to_nat needed))
      ks odds credits seen shape fit).
    rewrite Z2Nat.id in same by exact nonneg.
    destruct (weights_range ks odds credits shape) as [all_range new_range].
    destruct (weight_le ks odds credits shape) as [all new].
    assert (range := all_range needed). assert (range' := new_range needed).
    rewrite (to_Z_of_congruent _ _ same) by (destruct seen; lia).
    destruct seen; [apply all | apply new].
  Qed.
End Weights.
