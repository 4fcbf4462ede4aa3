(* CompactProofs: Cert: MassSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Base.Sums Base.Totals Base.Signed63 Base.Matrix.
From CompactProofs Require Import Cert.CountCheck Cert.CountSound.
Import ListNotations.
(** * Masses are counts, rounded down
    Counts of more than 62 bits are carried as fractions of 2^(digits * positions), in units of 2^-50.
    Main result: [passing_mass_sound]. *)
Local Open Scope Z_scope.

Section Masses.
  Context (digits : int) (small_digits : to_Z digits <= 12).
  Local Notation share := (2 ^ to_Z digits).

  Local Fixpoint all_mass (columns : list (list int)) (b : Z) : Z :=
    match columns with
    | [] => if 0 <=? b then 2 ^ 50 else 0
    | column :: rest => sumZ (length column) (fun t => all_mass rest (b - to_Z (nth t column 0%uint63))) / share
    end.

  Local Fixpoint new_mass (columns : list (list int)) (b : Z) : Z :=
    match columns with
    | [] => 0
    | column :: rest => sumZ (length column) (fun t =>
        if (S t =? length column)%nat then all_mass rest (b - to_Z (nth t column 0%uint63))
        else new_mass rest (b - to_Z (nth t column 0%uint63))) / share
    end.

  Local Lemma share_pos : 0 < share.
  Proof. apply Z.pow_pos_nonneg; [lia | apply to_Z_range]. Qed.

  Local Lemma share_top : share <= 2 ^ 12.
  Proof. apply Z.pow_le_mono_r; lia. Qed.

  Local Lemma sum_range : forall (n : nat) (f : nat -> Z), Z.of_nat n <= share ->
    (forall k, 0 <= f k <= 2 ^ 50) -> 0 <= sumZ n f <= share * 2 ^ 50.
  Proof.
    intros n f few range. split; [apply sumZ_nonneg; intros k _; apply range|].
    assert (bound := sumZ_bound n f (2 ^ 50) ltac:(intros k _; specialize (range k); lia)).
    assert (Z.of_nat n * 2 ^ 50 <= share * 2 ^ 50) by (apply Z.mul_le_mono_nonneg_r; lia). lia.
  Qed.

  Local Lemma quotient_range : forall s : Z, 0 <= s <= share * 2 ^ 50 -> 0 <= s / share <= 2 ^ 50.
  Proof.
    intros s range. assert (positive := share_pos).
    split; [apply Z.div_pos; lia | apply Z.div_le_upper_bound; lia].
  Qed.

  Local Lemma mass_range : forall columns : list (list int),
    (forall column, In column columns -> Z.of_nat (length column) <= share) ->
    (forall b, 0 <= all_mass columns b <= 2 ^ 50) /\ (forall b, 0 <= new_mass columns b <= 2 ^ 50).
  Proof.
    induction columns as [|column columns IH]; intros lengths.
    - split; intro b; cbn; [destruct (0 <=? b)|]; lia.
    - destruct IH as [all new]; [intros c member; apply lengths; right; exact member|].
      assert (few := lengths column ltac:(left; reflexivity)).
      split; intro b; cbn [all_mass new_mass]; apply quotient_range, sum_range; try exact few; intro k.
      + apply all.
      + destruct (S k =? length column)%nat; [apply all | apply new].
  Qed.

  (** A rounded entry, when the sum before it fits. *)
  Local Lemma lighten_entry : forall (x : int) (s : Z), congruent x s -> 0 <= s <= share * 2 ^ 50 ->
    congruent (x >> digits)%uint63 (s / share).
  Proof.
    intros x s same range. assert (top := share_top). assert (positive := share_pos).
    assert (value : to_Z x = s) by (apply (to_Z_of_congruent _ _ same); nia).
    rewrite <- value, <- lsr_spec. apply congruent_to_Z.
  Qed.

  Local Lemma holds_lighten : forall (table : list int) (f : Z -> Z) (budget : Z),
    holds table f budget -> (forall b, 0 <= f b <= share * 2 ^ 50) ->
    holds (lighten digits table) (fun b => f b / share) budget.
  Proof.
    intros table f budget each range j. unfold lighten.
    destruct (Nat.lt_ge_cases j (length table)) as [inside|outside].
    - rewrite (nth_map_any _ _ _ _ _ 0%uint63) by exact inside. apply lighten_entry; [apply each | apply range].
    - rewrite nth_overflow by (rewrite map_length; exact outside).
      assert (zero := each j). rewrite nth_overflow in zero by exact outside.
      assert (value : f (budget - Z.of_nat j) = 0).
      { unfold congruent in zero. change (to_Z 0) with 0 in zero.
        specialize (range (budget - Z.of_nat j)). assert (top := share_top).
        rewrite Z.mod_small in zero by nia. symmetry. exact zero. }
      rewrite value, Z.div_0_l by (assert (positive := share_pos); lia). exact (congruent_to_Z 0).
  Qed.

  Local Lemma holds_masses : forall (columns : list (list int)) (base : list int) (budget : Z),
    (forall column, In column columns -> Z.of_nat (length column) <= share) ->
    holds base (fun b => if 0 <=? b then 2 ^ 50 else 0) budget ->
    holds (fst (masses digits columns base)) (all_mass columns) budget /\
    holds (snd (masses digits columns base)) (new_mass columns) budget.
  Proof.
    intros columns base budget lengths each. induction columns as [|column columns IH].
    - split; [exact each|]. intros j. destruct j; exact (congruent_to_Z 0).
    - assert (later : forall c, In c columns -> Z.of_nat (length c) <= share)
        by (intros c member; apply lengths; right; exact member).
      destruct (IH later) as [holds_all holds_new]. destruct (mass_range columns later) as [all new].
      assert (few := lengths column ltac:(left; reflexivity)).
      cbn [masses]. destruct (masses digits columns base) as [t f]. cbn [fst snd] in *. split.
      + apply (holds_lighten _ (fun b => sumZ (length column) (fun i => all_mass columns (b - to_Z (nth i column 0%uint63))))).
        * apply holds_spread, holds_all.
        * intro b. apply sum_range; [exact few | intro k; apply all].
      + apply (holds_lighten _ (fun b => sumZ (length column) (fun i =>
          if (S i =? length column)%nat then all_mass columns (b - to_Z (nth i column 0%uint63))
          else new_mass columns (b - to_Z (nth i column 0%uint63))))).
        * apply holds_spread_new; assumption.
        * intro b. apply sum_range; [exact few|]. intro k. destruct (S k =? length column)%nat; [apply all | apply new].
  Qed.

  Local Lemma masses_head_spec : forall (columns : list (list int)) (base : list int) (budget : Z) (seen : bool),
    (forall column, In column columns -> Z.of_nat (length column) <= share) ->
    holds base (fun b => if 0 <=? b then 2 ^ 50 else 0) budget ->
    congruent (masses_head digits columns base seen) (if seen then all_mass columns budget else new_mass columns budget).
  Proof.
    intros columns base budget seen lengths each. destruct columns as [|column columns].
    - cbn. destruct seen; [|exact (congruent_to_Z 0)]. exact (holds_head base _ budget each).
    - assert (later : forall c, In c columns -> Z.of_nat (length c) <= share)
        by (intros c member; apply lengths; right; exact member).
      destruct (holds_masses columns base budget later each) as [holds_all holds_new].
      destruct (mass_range columns later) as [all new]. assert (few := lengths column ltac:(left; reflexivity)).
      cbn [masses_head]. destruct (masses digits columns base) as [t f]. cbn [fst snd] in *.
      destruct seen; cbn [all_mass new_mass]; apply lighten_entry.
      + apply holds_look_up, holds_all.
      + apply sum_range; [exact few | intro k; apply all].
      + apply holds_look_up_new; assumption.
      + apply sum_range; [exact few|]. intro k. destruct (S k =? length column)%nat; [apply all | apply new].
  Qed.

  (** A mass is at most its count. *)
  Local Lemma mass_le_ways : forall columns : list (list int),
    (forall b, all_mass columns b * share ^ Z.of_nat (length columns) <= 2 ^ 50 * all_ways columns b) /\
    (forall b, new_mass columns b * share ^ Z.of_nat (length columns) <= 2 ^ 50 * new_ways columns b).
  Proof.
    assert (positive := share_pos).
    induction columns as [|column columns [all new]].
    - split; intro b; cbn; [destruct (0 <=? b)|]; lia.
    - assert (step : forall (n : nat) (f g : nat -> Z),
        (forall k, f k * share ^ Z.of_nat (length columns) <= 2 ^ 50 * g k) ->
        sumZ n f / share * share ^ Z.of_nat (S (length columns)) <= 2 ^ 50 * sumZ n g).
      { intros n f g each. rewrite Nat2Z.inj_succ, Z.pow_succ_r by lia.
        assert (power_nonneg : 0 <= share ^ Z.of_nat (length columns)) by (apply Z.pow_nonneg; lia).
        assert (floor := Z.mul_div_le (sumZ n f) share positive).
        apply Z.le_trans with (share ^ Z.of_nat (length columns) * sumZ n f); [nia|].
        rewrite <- !sumZ_mult_l. apply sumZ_le. intros k _. specialize (each k). lia. }
      split; intro b; cbn [all_mass new_mass all_ways new_ways length]; apply step; intro k.
      + apply all.
      + destruct (S k =? length column)%nat; [apply all | apply new].
  Qed.

  Theorem passing_mass_sound : forall (m : nat) (columns : list (list int)) (last : int) (seen : bool),
    Z.of_nat (S m) <= share ->
    Forall (column_ok m) columns ->
    Z.of_nat (length columns) <= 2 ^ 20 ->
    Z.abs (signed last) <= 2 ^ 31 ->
    exists z : Z, congruent (passing_mass digits columns last seen) z /\ 0 <= z /\
      z * share ^ Z.of_nat (length columns) <= 2 ^ 50 * to_count m columns last seen.
  Proof.
    intros m columns last seen tokens ok few last_bound.
    assert (nonneg := to_count_nonneg m columns last seen). unfold passing_mass.
    destruct (passing_with_spec m mass_unit (fun costs base => masses_head digits costs base seen) columns last ok few last_bound)
      as [-> | (budget & base & -> & holding & test)].
    - exists 0. split; [exact (congruent_to_Z 0) | lia].
    - assert (lengths : forall column, In column (map lowered columns) -> Z.of_nat (length column) <= share).
      { intros column member. apply in_map_iff in member. destruct member as (c & <- & member).
        unfold lowered. rewrite map_length. rewrite Forall_forall in ok. destruct (ok c member) as [len _]. lia. }
      eexists. split; [apply masses_head_spec; [exact lengths | exact holding]|].
      destruct (mass_range (map lowered columns) lengths) as [all new].
      destruct (mass_le_ways (map lowered columns)) as [le_all le_new]. rewrite map_length in le_all, le_new.
      rewrite <- (ways_to_count m columns last seen budget ok test).
      destruct seen; split; [apply all | apply le_all | apply new | apply le_new].
  Qed.
End Masses.

(** ** Counts and masses as one *)

(** What [2 ^ digits] to the number of positions divides, and the unit of the quotient. *)
Definition mass_one (digits : int) : Z := if (digits =? 0)%uint63 then 1 else 2 ^ 50.

Theorem passing_by_sound : forall (digits : int) (m : nat) (columns : list (list int)) (last : int) (seen : bool),
  (to_Z digits = 0 \/ to_Z digits <= 12 /\ Z.of_nat (S m) <= 2 ^ to_Z digits) ->
  Forall (column_ok m) columns ->
  Z.of_nat (length columns) <= 2 ^ 20 ->
  Z.abs (signed last) <= 2 ^ 31 ->
  exists z : Z, congruent (passing_by digits columns last seen) z /\ 0 <= z /\
    z * (2 ^ to_Z digits) ^ Z.of_nat (length columns) <= mass_one digits * to_count m columns last seen.
Proof.
  intros digits m columns last seen range ok few last_bound. unfold passing_by, mass_one.
  destruct (Uint63.eqb_spec digits 0) as [to_zero from_zero]. destruct (digits =? 0)%uint63.
  - rewrite (to_zero eq_refl). change (to_Z 0) with 0. change (2 ^ 0) with 1. rewrite Z.pow_1_l by lia.
    destruct (passing_sound m columns last seen ok few last_bound) as (z & same & range_z).
    exists z. split; [exact same|]. lia.
  - destruct range as [zero|[small tokens]].
    + assert (digits = 0%uint63) by (apply to_Z_inj; exact zero). specialize (from_zero H). discriminate from_zero.
    + exact (passing_mass_sound digits small m columns last seen tokens ok few last_bound).
Qed.
