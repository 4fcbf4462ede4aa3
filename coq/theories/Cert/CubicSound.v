(* CompactProofs: Cert: CubicSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Spec.MaxOfK Base.Sums Base.Totals Base.Signed63 Base.ExpBounds.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.TablesSound Cert.Terms Cert.TermsSound Cert.SequencesSound.
From CompactProofs Require Import Cert.CountCheck Cert.CountSound Cert.MassSound Cert.CostsCheck Cert.CostsSound Cert.CubicCheck.
Import ListNotations.
(** * The cubic checker is sound
    Main result: [cubic_sound]. Source: docs/max_of_k.md, section 4. *)

Section Sound.
  Context (M : model) (g digits : int).
  Local Notation T := (tables_of M).
  Local Notation p := (precision_of (score_shift M)).
  Local Notation n := (n_ctx M).
  Local Notation d := (d_vocab M).
  Context (tests : first_failure (tables_tests M T) = None) (gaps : gap_fits T g = true).
  Context (counts : fst (counts_test M digits) = true).

  (** A count or mass [z] times [positions_share] is at most [mass_one digits] times the number of sequences. *)
  Local Notation positions_share := ((2 ^ to_Z digits) ^ Z.of_nat (n - 1))%Z.

  Local Lemma share_pos : (0 < positions_share)%Z.
  Proof. apply Z.pow_pos_nonneg; [|lia]. apply Z.pow_pos_nonneg; [lia | apply to_Z_range]. Qed.

  Local Lemma one_pos : (0 < mass_one digits)%Z.
  Proof. unfold mass_one. destruct (digits =? 0)%uint63; lia. Qed.

  Local Lemma counts_cases : (to_Z digits = 0 /\ (digits =? 0)%uint63 = true /\ fst (inputs_test M) = true)%Z \/
    ((digits =? 0)%uint63 = false /\ to_Z digits <= 12 /\ Z.of_nat d <= 2 ^ to_Z digits)%Z.
  Proof.
    assert (test := counts). unfold counts_test in test. cbn [fst] in test.
    assert (zero := Uint63.eqb_correct digits 0). destruct (digits =? 0)%uint63.
    - left. rewrite (zero eq_refl). split; [reflexivity|]. split; [reflexivity | exact test].
    - right. destruct (Z.leb_spec (to_Z digits) 12); [|discriminate test]. apply Z.leb_le in test. lia.
  Qed.

  Local Notation is_correct := (fun x => if correct_dec M x then true else false).
  Local Notation right_at := (with_answer is_correct).

  Section Query.
    Context (q : nat) (token_q : (q < d)%nat).
    Local Notation columns := (gap_columns n d T g (lowest T) q).
    Local Notation final_gaps := (last_gaps n T g (lowest T) q).

    Local Lemma case_count_spec : forall (bound m : nat) (scale : int), (q <= m)%nat -> (m < bound)%nat ->
      exists z : Z, congruent (case_count n d digits q columns final_gaps (attention T p q bound) m scale) z /\
        (0 <= z)%Z /\ (z * positions_share <= mass_one digits * total d (n - 1) (right_at q m))%Z.
    Proof.
      intros bound m scale ordered inside.
      assert (nonneg : (0 <= total d (n - 1) (right_at q m))%Z) by (apply total_nonneg; intro x; apply indicator_nonneg).
      assert (unit_pos := one_pos).
      assert (none : exists z : Z, congruent 0%uint63 z /\ (0 <= z)%Z /\
        (z * positions_share <= mass_one digits * total d (n - 1) (right_at q m))%Z).
      { exists 0%Z. split; [exact (congruent_to_Z 0)|]. split; [lia|]. rewrite Z.mul_0_l. apply Z.mul_nonneg_nonneg; lia. }
      unfold case_count. destruct (scale =? 0)%uint63; [exact none|]. destruct (Nat.ltb_spec m d) as [answer_m|]; [|exact none].
      assert (spec := leb_spec scale one). destruct (Uint63.leb scale one); [|exact none].
      assert (small : (to_Z scale <= 2 ^ 30)%Z) by (apply spec; reflexivity).
      assert (context := context_bound M tests).
      assert (correctness := counted_correct M g tests gaps q m bound scale token_q answer_m ordered inside small).
      destruct (costs_ok M g tests gaps q m bound scale token_q answer_m ordered inside small) as [ok last_bound].
      assert (len := costs_length M g tests q m bound scale token_q answer_m ordered inside).
      set (costs := case_costs columns (attention T p q bound) m scale) in *.
      set (last := case_last n q final_gaps (attention T p q bound) m scale) in *.
      assert (range : (to_Z digits = 0 \/ to_Z digits <= 12 /\ Z.of_nat (S m) <= 2 ^ to_Z digits)%Z).
      { destruct counts_cases as [[zero _]|[_ [top fits]]]; [left; exact zero | right; lia]. }
      destruct (passing_by_sound digits m costs last (Nat.eqb q m) range ok) as (z & same & low_z & high_z);
        [lia | exact last_bound|].
      exists z. split; [exact same|]. split; [exact low_z|]. rewrite <- len.
      etransitivity; [exact high_z|]. apply Z.mul_le_mono_nonneg_l; [lia|]. unfold to_count. rewrite len.
      etransitivity; [|apply (total_le_more (S m) d); [lia | intro x; apply indicator_nonneg]].
      apply total_le. intros x below_m len_x.
      destruct (chosen_new m (Nat.eqb q m) x && (cost signed costs x + signed last <? 0)%Z) eqn:counted;
        [|apply indicator_nonneg].
      destruct (correctness x below_m len_x counted) as [right answer_is_m].
      unfold with_answer. destruct (correct_dec M (x ++ [q])) as [yes|no]; [|contradiction].
      rewrite answer_is_m, Nat.eqb_refl. cbn. lia.
    Qed.

    Local Lemma block_count_spec : forall (scales : list int) (bound m : nat), (q <= m)%nat -> (m + length scales <= bound)%nat ->
      exists z : Z, congruent (block_count n d digits q columns final_gaps (attention T p q bound) m scales) z /\
        (0 <= z)%Z /\
        (z * positions_share <=
          mass_one digits * sumZ (length scales) (fun k => total d (n - 1) (right_at q (m + k))))%Z.
    Proof.
      induction scales as [|scale scales IH]; intros bound m ordered inside.
      - exists 0%Z. split; [exact (congruent_to_Z 0)|]. cbn. lia.
      - cbn [length] in inside. destruct (case_count_spec bound m scale) as (z & same & low_z & range); [lia | lia|].
        destruct (IH bound (S m)) as (rest & same_rest & low_rest & range_rest); [lia | lia|].
        exists (z + rest)%Z. cbn [block_count length sumZ]. split; [apply congruent_add; assumption|].
        rewrite Nat.add_0_r.
        rewrite (sumZ_ext _ (fun k => total d (n - 1) (right_at q (m + S k)))
          (fun k => total d (n - 1) (right_at q (S m + k)))); [lia|].
        intros k _. rewrite Nat.add_succ_r. reflexivity.
    Qed.

    Local Lemma blocks_count_spec : forall (blocks : list (list int)) (m : nat), (q <= m)%nat ->
      exists (z : Z) (cases : nat), congruent (blocks_count n d T p digits q columns final_gaps m blocks) z /\
        (0 <= z)%Z /\
        (z * positions_share <= mass_one digits * sumZ cases (fun k => total d (n - 1) (right_at q (m + k))))%Z.
    Proof.
      induction blocks as [|scales blocks IH]; intros m ordered.
      - exists 0%Z, O. split; [exact (congruent_to_Z 0)|]. cbn. lia.
      - destruct (block_count_spec scales (m + length scales) m ordered (Nat.le_refl _)) as (z & same & low_z & range).
        destruct (IH (m + length scales)%nat) as (rest & cases & same_rest & low_rest & range_rest); [lia|].
        exists (z + rest)%Z, (length scales + cases)%nat. cbn [blocks_count]. cbv zeta.
        split; [apply congruent_add; assumption|].
        rewrite sumZ_app.
        rewrite (sumZ_ext cases (fun k => total d (n - 1) (right_at q (m + (length scales + k))))
          (fun k => total d (n - 1) (right_at q (m + length scales + k)))); [lia|].
        intros k _. rewrite Nat.add_assoc. reflexivity.
    Qed.

    Lemma query_count_spec : forall blocks : list (list int),
      (to_Z (query_count n d T p g (lowest T) digits q blocks) * positions_share <=
        mass_one digits * total d (n - 1) (fun x => indicator (is_correct (x ++ [q]))))%Z.
    Proof.
      intros blocks. unfold query_count.
      destruct (blocks_count_spec blocks q (Nat.le_refl q)) as (z & cases & same & low_z & high_z).
      assert (share_positive := share_pos). assert (unit_pos := one_pos).
      set (rights := total d (n - 1) (fun x => indicator (is_correct (x ++ [q])))).
      assert (bound : (z * positions_share <= mass_one digits * rights)%Z).
      { etransitivity; [exact high_z|]. apply Z.mul_le_mono_nonneg_l; [lia|]. exact (answers_total M is_correct q q cases). }
      assert (small : (z < 2 ^ 63)%Z).
      { destruct counts_cases as [[zero [test few]]|[test [top fits]]]; unfold mass_one in bound; rewrite test in bound.
        - assert (range := query_total_bound M is_correct q few token_q). fold rights in range.
          rewrite zero in bound. change (2 ^ 0)%Z with 1%Z in bound. rewrite Z.pow_1_l in bound by lia. lia.
        - assert (rights_top : (rights <= positions_share)%Z).
          { apply Z.le_trans with (total d (n - 1) (fun _ => 1%Z)).
            - apply total_le. intros x _ _. destruct (is_correct (x ++ [q])); cbn; lia.
            - rewrite total_const, Z.mul_1_r. apply Z.pow_le_mono_l. lia. }
          assert (z <= 2 ^ 50)%Z; [|lia]. nia. }
      rewrite (to_Z_of_congruent _ z same); [exact bound | lia].
    Qed.
  End Query.
End Sound.

(** The main theorem: an accepted claim holds. *)
Theorem cubic_sound : forall (N : Z) (M : model) (c : cubic_certificate),
  cubic_check N M c = true ->
  (N <= correct_count M)%Z.
Proof.
  intros N M c check. unfold cubic_check, cubic_verdict in check.
  destruct (cubic_failure N M c (tables_of M)) eqn:none; [discriminate check|]. clear check.
  unfold cubic_failure in none.
  destruct (first_failure (tables_tests M (tables_of M) ++ _)) eqn:tests in none; [discriminate none|].
  assert (each := first_failure_none _ tests).
  assert (tables_none := first_failure_app _ _ tests).
  assert (fits : gap_fits (tables_of M) (cubic_gap_shift c) = true).
  { apply (each _ (May_overflow Gap_shift)). apply in_or_app. right. right. left. reflexivity. }
  assert (counts : fst (counts_test M (cubic_digits c)) = true).
  { apply (each _ (snd (counts_test M (cubic_digits c)))). apply in_or_app. right. left. reflexivity. }
  assert (len : length (cubic_claims c) = d_vocab M).
  { apply Nat.eqb_eq. refine (each _ _ _). apply in_or_app. right. right. right. left. reflexivity. }
  cbv zeta in none.
  destruct (first_short _ 0 (cubic_claims c)) eqn:short in none; [discriminate none|].
  apply first_short_none in short. rewrite len in short.
  unfold total_reaches in none. cbn [first_failure] in none.
  destruct (Z.leb_spec N (claimed_inputs M (cubic_digits c) (cubic_claims c))) as [reached|]; [|discriminate none].
  etransitivity; [exact reached|]. cbn [Nat.add] in short.
  set (share := ((2 ^ to_Z (cubic_digits c)) ^ Z.of_nat (n_ctx M - 1))%Z) in *.
  assert (share_positive := share_pos M (cubic_digits c)). fold share in share_positive.
  assert (all : (claimed_total (cubic_claims c) * share <= mass_one (cubic_digits c) * correct_count M)%Z).
  { rewrite correct_count_total, (total_by_last M tables_none), <- sumZ_mult_l.
    apply Z.le_trans with (share * sumZ (d_vocab M) (fun q => to_Z (query_count (n_ctx M) (d_vocab M) (tables_of M)
      (precision_of (score_shift M)) (cubic_gap_shift c) (lowest (tables_of M)) (cubic_digits c) q
      (nth q (cubic_scales c) []))))%Z; [rewrite Z.mul_comm; apply Z.mul_le_mono_nonneg_l; [lia | exact short]|].
    rewrite <- sumZ_mult_l. apply sumZ_le. intros q token. rewrite Z.mul_comm.
    exact (query_count_spec M (cubic_gap_shift c) (cubic_digits c) tables_none fits counts q token _). }
  unfold claimed_inputs, mass_one in *. destruct (counts_cases M (cubic_digits c) counts) as [[zero [test _]]|[test _]].
  - rewrite test in *. unfold share in all. rewrite zero in all. change (2 ^ 0)%Z with 1%Z in all.
    rewrite Z.pow_1_l in all by lia. lia.
  - rewrite test in *. fold share. apply Z.div_le_upper_bound; [lia | exact all].
Qed.
