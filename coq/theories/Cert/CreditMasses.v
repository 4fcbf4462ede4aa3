(* CompactProofs: Cert: CreditMasses *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Base.Sums Base.Totals Base.Signed63 Base.Matrix.
From CompactProofs Require Import Cert.Terms Cert.Bands Cert.CreditsCheck Cert.CreditTables.
Import ListNotations.
(** * The tables of credits count what they should
    Tables hold masses: counts over 2^(digits * positions), rounded down at each position; with digits = 0 the counts.
    - [credit_of m columns x] == the credits of tokens [x]; [columns] by distance from [m]
    - [mass_one digits]       == the mass of one choice of no tokens
    Main result: [credits_sound]. *)
Local Open Scope Z_scope.

Local Notation as_int width := (of_Z (Z.of_nat width)).

Fixpoint credit_of (m : nat) (columns : list (list int)) (x : list nat) : Z :=
  match columns, x with
  | column :: rest, t :: x' => to_Z (nth (m - t) column 0%uint63) + credit_of m rest x'
  | _, _ => 0
  end.

Definition mass_one (digits : int) : Z := to_Z (one_choice digits).

(** ** Masses, by what is needed *)

Section Masses.
  Context (digits : int) (widths : list nat) (m : nat) (tokens : list_sum widths = m).
  Local Notation share := (2 ^ to_Z digits).
  Context (range_ok : to_Z digits = 0 \/ to_Z digits <= 12 /\ Z.of_nat (S m) <= share).

  (** The choices of m, and those of other tokens. *)
  Local Definition joined (f g : Z -> Z) (column : list int) (z : Z) : Z :=
    f (z - to_Z (hd 0%uint63 column)) + band_sum widths (tl column) g z.

  Local Fixpoint all_mass (columns : list (list int)) (z : Z) : Z :=
    match columns with
    | [] => if z <=? 0 then mass_one digits else 0
    | column :: rest => joined (all_mass rest) (all_mass rest) column z / share
    end.

  Local Fixpoint new_mass (columns : list (list int)) (z : Z) : Z :=
    match columns with
    | [] => 0
    | column :: rest => joined (all_mass rest) (new_mass rest) column z / share
    end.

  Local Lemma share_pos : 0 < share.
  Proof. apply Z.pow_pos_nonneg; [lia | apply to_Z_range]. Qed.

  Local Lemma mass_one_range : 0 <= mass_one digits <= 2 ^ 50.
  Proof.
    unfold mass_one, one_choice. destruct (digits =? 0)%uint63.
    - change (to_Z 1) with 1. lia.
    - change (to_Z 1125899906842624) with (2 ^ 50). lia.
  Qed.

  Local Lemma joined_settled : forall (f g : Z -> Z) (column : list int), settled f -> settled g -> settled (joined f g column).
  Proof.
    intros f g column flat_f flat_g z low. unfold joined. assert (range := to_Z_range (hd 0%uint63 column)).
    rewrite (band_sum_settled _ _ _ flat_g z low). f_equal. rewrite flat_f by lia. symmetry. apply flat_f. lia.
  Qed.

  Local Lemma masses_settled : forall columns : list (list int), settled (all_mass columns) /\ settled (new_mass columns).
  Proof.
    induction columns as [|column columns [all new]]; split; intros z low; cbn [all_mass new_mass].
    - destruct (Z.leb_spec z 0); [reflexivity | lia].
    - reflexivity.
    - rewrite (joined_settled _ _ column all all z low). reflexivity.
    - rewrite (joined_settled _ _ column all new z low). reflexivity.
  Qed.

  Local Definition within (f : Z -> Z) : Prop := forall z : Z, 0 <= f z /\ (to_Z digits = 0 \/ f z <= 2 ^ 50).

  Local Lemma joined_range : forall (f g : Z -> Z) (column : list int) (z : Z), within f -> within g ->
    0 <= joined f g column z /\ (to_Z digits = 0 \/ joined f g column z <= share * 2 ^ 50).
  Proof.
    intros f g column z range_f range_g. unfold joined. destruct (range_f (z - to_Z (hd 0%uint63 column))) as [nonneg top].
    split.
    - assert (later : 0 <= band_sum widths (tl column) g z); [|lia]. generalize (tl column).
      induction widths as [|width later IH] in |- *; intros [|k credits]; cbn [band_sum]; try lia.
      specialize (IH credits). destruct (range_g (z - to_Z k)). nia.
    - destruct range_ok as [zero|[_ few]]; [left; exact zero|]. destruct top as [zero|top]; [left; exact zero|].
      destruct (Z.eq_dec (to_Z digits) 0) as [zero|some]; [left; exact zero|]. right.
      assert (later := band_sum_range widths (tl column) g (2 ^ 50) z
        ltac:(intro y; destruct (range_g y) as [? [?|?]]; lia)).
      rewrite tokens in later. nia.
  Qed.

  Local Lemma masses_range : forall columns : list (list int), within (all_mass columns) /\ within (new_mass columns).
  Proof.
    assert (positive := share_pos). assert (one := mass_one_range).
    assert (step : forall s : Z, 0 <= s /\ (to_Z digits = 0 \/ s <= share * 2 ^ 50) ->
      0 <= s / share /\ (to_Z digits = 0 \/ s / share <= 2 ^ 50)).
    { intros s [nonneg top]. split; [apply Z.div_pos; lia|]. destruct top as [zero|top]; [left; exact zero|].
      right. apply Z.div_le_upper_bound; lia. }
    induction columns as [|column columns [all new]]; split; intro z; cbn [all_mass new_mass].
    - destruct (z <=? 0); lia.
    - lia.
    - apply step, joined_range; assumption.
    - apply step, joined_range; assumption.
  Qed.

  (** A rounded entry, when the sum before it fits. *)
  Local Lemma shifted : forall (x : int) (s : Z), congruent x s -> 0 <= s /\ (to_Z digits = 0 \/ s <= share * 2 ^ 50) ->
    congruent (x >> digits)%uint63 (s / share).
  Proof.
    intros x s same [nonneg top]. destruct (Z.eq_dec (to_Z digits) 0) as [zero|some].
    - rewrite zero. change (2 ^ 0) with 1. rewrite Z.div_1_r. unfold congruent in *.
      rewrite lsr_spec, zero. change (2 ^ 0) with 1. rewrite Z.div_1_r. exact same.
    - destruct top as [zero|top]; [contradiction|]. destruct range_ok as [zero|[small _]]; [contradiction|].
      assert (share_top : share <= 2 ^ 12) by (apply Z.pow_le_mono_r; lia).
      assert (value : to_Z x = s) by (apply (to_Z_of_congruent _ _ same); nia).
      rewrite <- value, <- lsr_spec. apply congruent_to_Z.
  Qed.

  Local Lemma holds_lighten : forall (needed : nat) (table : list int) (f : Z -> Z), holds needed table f ->
    (forall z : Z, 0 <= f z /\ (to_Z digits = 0 \/ f z <= share * 2 ^ 50)) ->
    holds needed (lighten digits table) (fun z => f z / share).
  Proof.
    intros needed table f [len each] range. unfold lighten.
    assert (mapped : holds needed (map (fun x => x >> digits)%uint63 table) (fun z => f z / share)).
    { split; [rewrite map_length; exact len|]. intros j inside. rewrite (nth_map_any _ _ _ _ _ 0%uint63) by lia.
      apply shifted; [apply each, inside | apply range]. }
    destruct (Uint63.eqb_spec digits 0) as [to_zero _]. destruct (digits =? 0)%uint63; [|exact mapped].
    split; [exact len|]. intros j inside. rewrite (to_zero eq_refl). change (2 ^ to_Z 0) with 1. rewrite Z.div_1_r.
    apply each, inside.
  Qed.

  Local Lemma holds_joined : forall (needed : nat) (k : int) (credits t u zeros : list int) (f g : Z -> Z),
    holds needed t f -> holds needed u g -> holds needed zeros (fun _ => 0) ->
    settled f -> settled g -> within f -> within g ->
    holds needed (lighten digits (add_table 1 (spend t k)
      (spread (map (fun width => as_int width) widths) credits u zeros))) (fun z => joined f g (k :: credits) z / share).
  Proof.
    intros needed k credits t u zeros f g holds_f holds_g none flat_f flat_g range_f range_g.
    apply (holds_lighten needed _ (joined f g (k :: credits))); [|intro z; apply joined_range; assumption].
    assert (sums := holds_add needed 1%uint63 k 1 t _ f _ holds_f flat_f (congruent_to_Z 1)
      (holds_spread needed widths credits u zeros g holds_g flat_g none)).
    destruct sums as [len each]. split; [exact len|]. intros j inside. specialize (each j inside).
    cbv beta in each. rewrite Z.mul_1_l in each. exact each.
  Qed.

  Local Notation bands := (as_int 1%nat :: map (fun width => as_int width) widths).

  Section Run.
    Context (needed : nat) (base zeros : list int).
    Context (holds_base : holds needed base (fun z => if z <=? 0 then mass_one digits else 0)).
    Context (holds_zeros : holds needed zeros (fun _ => 0)).

    Local Lemma holds_masses : forall columns : list (list int), (forall column, In column columns -> column <> []) ->
      holds needed (fst (tables_of_choices digits bands columns base zeros)) (all_mass columns) /\
      holds needed (snd (tables_of_choices digits bands columns base zeros)) (new_mass columns).
    Proof.
      induction columns as [|column columns IH]; intros some; [split; [exact holds_base | exact holds_zeros]|].
      destruct IH as [all new]; [intros c member; apply some; right; exact member|].
      destruct (masses_range columns) as [all_range new_range]. destruct (masses_settled columns) as [all_flat new_flat].
      cbn [tables_of_choices]. destruct (tables_of_choices digits bands columns base zeros) as [t u]. cbn [fst snd] in *.
      destruct column as [|k credits]; [exfalso; apply (some []); [left|]; reflexivity|]. cbn [fst snd]. split.
      - exact (holds_joined needed k credits t t zeros _ _ all all holds_zeros all_flat all_flat all_range all_range).
      - exact (holds_joined needed k credits t u zeros _ _ all new holds_zeros all_flat new_flat all_range new_range).
    Qed.

    Local Lemma entry_mass : forall (columns : list (list int)) (seen : bool),
      (forall column, In column columns -> column <> []) ->
      congruent (entry_of_choices digits bands columns base zeros seen)
        ((if seen then all_mass else new_mass) columns (Z.of_nat needed)).
    Proof.
      intros [|column columns] seen some.
      - cbn [entry_of_choices]. destruct seen; [|exact (congruent_to_Z 0)]. destruct holds_base as [len each].
        specialize (each O ltac:(lia)). change (Z.of_nat 0) with 0 in each. rewrite Z.sub_0_r in each.
        destruct base; exact each.
      - assert (later : forall c, In c columns -> c <> []) by (intros c member; apply some; right; exact member).
        destruct (holds_masses columns later) as [all new].
        destruct (masses_range columns) as [all_range new_range]. destruct (masses_settled columns) as [all_flat new_flat].
        cbn [entry_of_choices]. destruct (tables_of_choices digits bands columns base zeros) as [t u]. cbn [fst snd] in *.
        destruct column as [|k credits]; [exfalso; apply (some []); [left|]; reflexivity|].
        assert (at_m := holds_spend needed t _ k 0 all all_flat).
        change (Z.of_nat 0) with 0 in at_m. rewrite Z.sub_0_r, <- first_entry in at_m.
        destruct seen; cbn [all_mass new_mass]; apply shifted; try (apply joined_range; assumption).
        + apply congruent_add; [exact at_m | apply look_up_sum; assumption].
        + apply congruent_add; [exact at_m | apply look_up_sum; assumption].
    Qed.
  End Run.

  (** ** A mass is at most its count *)

  Local Notation by_distance columns := (map (expand (1%nat :: widths)) columns).
  Local Notation length_ok columns := (forall column, In column columns -> length column = S (length widths)).

  Local Lemma joined_sum : forall (f g : Z -> Z) (column : list int) (z : Z), length column = S (length widths) ->
    joined f g column z = sumZ (S m) (fun d =>
      (if (d =? 0)%nat then f else g) (z - to_Z (nth d (expand (1%nat :: widths) column) 0%uint63))).
  Proof.
    intros f g [|k credits] z len; [discriminate len|]. unfold joined. cbn [hd tl sumZ Nat.eqb]. f_equal.
    rewrite band_sum_expand by (cbn in len; lia). rewrite tokens. reflexivity.
  Qed.

  Local Lemma mass_step : forall (P : list nat -> bool) (f g : Z -> Z) (column : list int) (n : nat) (z : Z),
    length column = S (length widths) ->
    (forall d : nat, (d <= m)%nat ->
      (if (d =? 0)%nat then f else g) (z - to_Z (nth d (expand (1%nat :: widths) column) 0%uint63)) * share ^ Z.of_nat n
        <= mass_one digits * total (S m) n (fun x => indicator (P ((m - d)%nat :: x)))) ->
    joined f g column z / share * share ^ Z.of_nat (S n) <= mass_one digits * total (S m) (S n) (fun x => indicator (P x)).
  Proof.
    intros P f g column n z len each. assert (positive := share_pos).
    rewrite Nat2Z.inj_succ, Z.pow_succ_r by lia.
    assert (power_nonneg : 0 <= share ^ Z.of_nat n) by (apply Z.pow_nonneg; lia).
    assert (floor := Z.mul_div_le (joined f g column z) share positive).
    apply Z.le_trans with (share ^ Z.of_nat n * joined f g column z); [nia|].
    rewrite joined_sum by exact len. cbn [total]. rewrite (sumZ_reverse m (fun token => total _ _ _)), <- !sumZ_mult_l.
    apply sumZ_le. intros d inside. specialize (each d ltac:(lia)). lia.
  Qed.

  Local Lemma mass_le_count : forall columns : list (list int), length_ok columns ->
    (forall z, all_mass columns z * share ^ Z.of_nat (length columns) <= mass_one digits *
      total (S m) (length columns) (fun x => indicator (z <=? credit_of m (by_distance columns) x))) /\
    (forall z, new_mass columns z * share ^ Z.of_nat (length columns) <= mass_one digits *
      total (S m) (length columns) (fun x => indicator (existsb (Nat.eqb m) x && (z <=? credit_of m (by_distance columns) x)))).
  Proof.
    assert (one := mass_one_range).
    induction columns as [|column columns IH]; intros lengths.
    - split; intro z; cbn; [destruct (z <=? 0)|]; cbn; lia.
    - destruct IH as [all new]; [intros c member; apply lengths; right; exact member|].
      assert (len := lengths column ltac:(left; reflexivity)). cbn [length].
      assert (test : forall (z : Z) (d : nat) (x : list nat), (d <= m)%nat ->
        (z <=? credit_of m (by_distance (column :: columns)) ((m - d)%nat :: x)) =
        (z - to_Z (nth d (expand (1%nat :: widths) column) 0%uint63) <=? credit_of m (by_distance columns) x)).
      { intros z d x inside. cbn [map credit_of]. replace (m - (m - d))%nat with d by lia.
        apply Bool.eq_true_iff_eq. rewrite !Z.leb_le. lia. }
      split; intro z; cbn [all_mass new_mass].
      + apply (mass_step (fun x => z <=? credit_of m (by_distance (column :: columns)) x)); [exact len|].
        intros d inside. rewrite (total_ext _ _ _ _ (fun x _ _ => f_equal indicator (test z d x inside))).
        destruct (d =? 0)%nat; apply all.
      + apply (mass_step (fun x => existsb (Nat.eqb m) x && (z <=? credit_of m (by_distance (column :: columns)) x)));
          [exact len|].
        intros d inside. cbn [existsb]. destruct (Nat.eqb_spec d 0) as [->|other].
        * rewrite Nat.sub_0_r, Nat.eqb_refl. cbn [orb andb]. specialize (test z O). rewrite Nat.sub_0_r in test.
          rewrite (total_ext _ _ _ _ (fun x _ _ => f_equal indicator (test x inside))). apply all.
        * destruct (Nat.eqb_spec m (m - d)) as [same|_]; [lia|]. cbn [orb].
          rewrite (total_ext _ _ _ _ (fun x _ _ =>
            f_equal (fun b => indicator (existsb (Nat.eqb m) x && b)) (test z d x inside))).
          apply new.
  Qed.
End Masses.

Theorem credits_sound : forall (digits : int) (m : nat) (widths : list nat) (columns : list (list int)) (needed : Z)
    (seen : bool),
  to_Z digits = 0 /\ Z.of_nat (S m) ^ Z.of_nat (length columns) < 2 ^ 62 \/
    0 < to_Z digits <= 12 /\ Z.of_nat (S m) <= 2 ^ to_Z digits ->
  hd O widths = 1%nat -> list_sum widths = S m ->
  (forall column, In column columns -> length column = length widths) ->
  0 <= needed ->
  choices digits (length columns) (entry_of_choices digits (map (fun k => of_Z (Z.of_nat k)) widths) columns
    (repeat 0%uint63 (Z.to_nat needed) ++ [one_choice digits]) (repeat 0%uint63 (S (Z.to_nat needed))) seen) <=
  total (S m) (length columns)
    (fun x => indicator ((seen || existsb (Nat.eqb m) x) && (needed <=? credit_of m (map (expand widths) columns) x))).
Proof.
  intros digits m [|width widths] columns needed seen range one tokens lengths nonneg; [discriminate one|].
  cbn [hd] in one. subst width. change (list_sum (1%nat :: widths)) with (S (list_sum widths)) in tokens.
  injection tokens as tokens. cbn [length] in lengths. cbn [map].
  assert (range_ok : to_Z digits = 0 \/ to_Z digits <= 12 /\ Z.of_nat (S m) <= 2 ^ to_Z digits) by lia.
  assert (some : forall column, In column columns -> column <> []).
  { intros column member none. specialize (lengths column member). rewrite none in lengths. discriminate lengths. }
  assert (same := entry_mass digits widths m tokens range_ok (Z.to_nat needed) _ _
    (holds_start (Z.to_nat needed) (one_choice digits)) (holds_zeros (Z.to_nat needed)) columns seen some).
  rewrite Z2Nat.id in same by exact nonneg. set (x := entry_of_choices _ _ _ _ _ _) in *.
  set (count := total _ _ _).
  assert (less : (if seen then all_mass digits widths else new_mass digits widths) columns needed *
    (2 ^ to_Z digits) ^ Z.of_nat (length columns) <= mass_one digits * count).
  { destruct (mass_le_count digits widths m tokens range_ok columns lengths) as [all new].
    unfold count. destruct seen; [apply all | apply new]. }
  assert (within_range : within digits ((if seen then all_mass digits widths else new_mass digits widths) columns)).
  { destruct (masses_range digits widths m tokens range_ok columns) as [all new]. destruct seen; assumption. }
  destruct (within_range needed) as [mass_nonneg mass_top].
  set (mass := (if seen then all_mass digits widths else new_mass digits widths) columns needed) in *.
  unfold choices. unfold mass_one, one_choice in less.
  destruct (Uint63.eqb_spec digits 0) as [to_zero from_zero]. destruct (digits =? 0)%uint63.
  - rewrite (to_zero eq_refl) in less, range. change (to_Z 0) with 0 in less, range. change (2 ^ 0) with 1 in less.
    rewrite Z.pow_1_l in less by lia. change (to_Z 1) with 1 in less.
    assert (bound : count <= Z.of_nat (S m) ^ Z.of_nat (length columns) * 1).
    { rewrite <- total_const. apply total_le. intros y _ _. destruct (_ && _); cbn; lia. }
    rewrite (to_Z_of_congruent x mass same) by lia. lia.
  - change (to_Z 1125899906842624) with (2 ^ 50) in less.
    assert (digits_some : to_Z digits <> 0).
    { intro zero. specialize (from_zero ltac:(apply to_Z_inj; exact zero)). discriminate from_zero. }
    rewrite (to_Z_of_congruent x mass same) by lia.
    assert (digits_range := to_Z_range digits).
    rewrite Z.pow_mul_r by lia. apply Z.div_le_upper_bound; lia.
Qed.
