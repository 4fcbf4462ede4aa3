(* CompactProofs: Cert: ExactSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Spec.MaxOfK Base.Sums Base.Totals Base.Signed63 Base.ExpBounds.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound Cert.TablesSound Cert.Terms Cert.TermsSound Cert.SequencesSound.
From CompactProofs Require Import Cert.CountSound Cert.CostsCheck Cert.CostsSound.
From CompactProofs Require Import Cert.BruteForceCheck Cert.BruteForceSound Cert.ExactCheck.
Import ListNotations.
(** * The exact count is exact
    Main result: [exact_sound]. *)

(** ** The sweep visits every sequence once *)

Section Sweep.
  Context (verdict : int -> list nat -> bool) (m : nat).

  Local Fixpoint add_costs (sum : int) (columns : list (list int * int)) (x : list nat) : int :=
    match columns, x with
    | (others, top) :: rest, token :: x' => add_costs (sum + nth token (others ++ [top]) 0%uint63) rest x'
    | _, _ => sum
    end.

  Local Definition satisfies (columns : list (list int * int)) (sum : int) (chosen : list nat) (seen : bool) (x : list nat) : Z :=
    indicator (chosen_new m seen x && verdict (add_costs sum columns x) (rev x ++ chosen)).

  Local Lemma sweep_spec : forall (columns : list (list int * int)) (sum : int) (chosen : list nat) (seen : bool),
    (forall column, In column columns -> length (fst column) = m) ->
    congruent (sweep verdict m columns sum chosen seen) (total (S m) (length columns) (satisfies columns sum chosen seen)).
  Proof.
    induction columns as [|[others top] rest IH]; intros sum chosen seen lengths.
    - cbn [sweep length total]. unfold satisfies, chosen_new. cbn [existsb add_costs rev app].
      destruct seen; cbn [orb andb]; [|exact (congruent_to_Z 0)].
      destruct (verdict sum chosen); [exact (congruent_to_Z 1) | exact (congruent_to_Z 0)].
    - assert (len : length others = m) by (apply (lengths (others, top)); left; reflexivity).
      assert (later : forall column, In column rest -> length (fst column) = m)
        by (intros column member; apply lengths; right; exact member).
      set (part := fun token => total (S m) (length rest) (fun x => satisfies ((others, top) :: rest) sum chosen seen (token :: x))).
      assert (split : total (S m) (length ((others, top) :: rest)) (satisfies ((others, top) :: rest) sum chosen seen) =
        (sumZ m part + part m)%Z).
      { change (sumZ (S m) part = (sumZ m part + part m)%Z). replace (S m) with (m + 1) by lia. rewrite sumZ_app.
        cbn [sumZ]. rewrite Nat.add_0_r, Z.add_0_r. reflexivity. }
      assert (with_m : congruent (sweep verdict m rest (sum + top) (m :: chosen) true) (part m)).
      { unfold part. rewrite (total_ext _ _ _ (satisfies rest (sum + top)%uint63 (m :: chosen) true)); [apply IH, later|].
        intros x _ _. unfold satisfies, chosen_new. cbn [existsb add_costs rev].
        rewrite Nat.eqb_refl, orb_true_r, <- app_assoc. cbn [orb andb app].
        rewrite app_nth2 by lia. rewrite len, Nat.sub_diag. reflexivity. }
      assert (each : forall token, token < m ->
        congruent (sweep verdict m rest (sum + nth token others 0)%uint63 (token :: chosen) seen) (part token)).
      { intros token small. unfold part.
        rewrite (total_ext _ _ _ (satisfies rest (sum + nth token others 0)%uint63 (token :: chosen) seen)); [apply IH, later|].
        intros x _ _. unfold satisfies, chosen_new. cbn [existsb add_costs rev].
        destruct (Nat.eqb_spec m token) as [same|_]; [lia|]. cbn [orb]. rewrite <- app_assoc. cbn [app].
        rewrite app_nth1 by lia. reflexivity. }
      assert (without_m : forall (l : list int) (start : nat), length l + start = m ->
        (forall k, nth k l 0%uint63 = nth (start + k) others 0%uint63) ->
        congruent ((fix tokens (others : list int) (token : nat) : int :=
            match others with
            | [] => 0
            | h :: others' => sweep verdict m rest (sum + h) (token :: chosen) seen + tokens others' (S token)
            end)%uint63 l start) (sumZ (length l) (fun k => part (start + k)))).
      { induction l as [|h l IHl]; intros start fits same; [exact (congruent_to_Z 0)|].
        cbn [length sumZ]. cbn [length] in fits. apply congruent_add.
        - assert (first := same O). cbn [nth] in first. rewrite Nat.add_0_r in *. rewrite first. apply each. lia.
        - rewrite (sumZ_ext _ _ (fun k => part (S start + k))) by (intros k _; f_equal; lia).
          apply IHl; [lia|]. intro k. assert (later_same := same (S k)). cbn [nth] in later_same. rewrite later_same.
          f_equal. lia. }
      assert (all : congruent (sweep verdict m rest (sum + top) (m :: chosen) true +
          (fix tokens (others : list int) (token : nat) : int :=
            match others with
            | [] => 0
            | h :: others' => sweep verdict m rest (sum + h) (token :: chosen) seen + tokens others' (S token)
            end) others O)%uint63 (sumZ m part + part m)).
      { rewrite Z.add_comm. apply congruent_add; [exact with_m|].
        assert (whole := without_m others O ltac:(lia) (fun k => eq_refl)). rewrite len in whole. exact whole. }
      rewrite split. cbn [sweep]. cbv zeta. destruct rest as [|next rest]; [|exact all].
      destruct seen; [exact all|].
      assert (none : sumZ m part = 0%Z).
      { rewrite <- (sumZ_zero m). apply sumZ_ext. intros token small. unfold part. cbn [length total].
        unfold satisfies, chosen_new. cbn [existsb]. destruct (Nat.eqb_spec m token); [lia | reflexivity]. }
      rewrite none, Z.add_0_l. exact with_m.
  Qed.

  Local Lemma add_costs_value : forall (columns : list (list int)) (x : list nat) (sum : int) (z : Z),
    Forall (column_ok m) columns -> below (S m) x -> length x = length columns -> congruent sum z ->
    congruent (add_costs sum (map (split_column m) columns) x) (z + cost signed columns x).
  Proof.
    induction columns as [|column columns IH]; intros x sum z ok inside len same; destruct x as [|token x];
      try discriminate len; [cbn; rewrite Z.add_0_r; exact same|].
    inversion ok as [|? ? [first_len _] rest]; subst. inversion inside as [|? ? small later]; subst.
    cbn [map split_column add_costs cost]. rewrite Z.add_assoc. apply IH; [exact rest | exact later | cbn in len; lia|].
    apply congruent_add; [exact same|].
    replace (nth token (firstn m column ++ [nth m column 0%uint63]) 0%uint63) with (nth token column 0%uint63);
      [apply signed_congruent|].
    assert (prefix : length (firstn m column) = m) by (rewrite firstn_length; lia).
    destruct (Nat.eq_dec token m) as [->|other].
    - rewrite app_nth2 by lia. rewrite prefix, Nat.sub_diag. reflexivity.
    - rewrite app_nth1 by lia. rewrite <- (firstn_skipn m column) at 1. rewrite app_nth1 by lia. reflexivity.
  Qed.

  Local Lemma cost_abs : forall (columns : list (list int)) (x : list nat),
    Forall (column_ok m) columns -> below (S m) x -> length x = length columns ->
    (Z.abs (cost signed columns x) <= Z.of_nat (length columns) * 2 ^ 31)%Z.
  Proof.
    induction columns as [|column columns IH]; intros x ok inside len; destruct x as [|token x];
      try discriminate len; [cbn; lia|].
    inversion ok as [|? ? [first_len bounds] rest]; subst. inversion inside as [|? ? small later]; subst.
    cbn [cost length]. specialize (IH x rest later ltac:(cbn in len; lia)).
    assert (first := bounds (nth token column 0%uint63) ltac:(apply nth_In; lia)). lia.
  Qed.
End Sweep.

Section Sound.
  Context (M : model) (g : int).
  Local Notation T := (tables_of M).
  Local Notation p := (precision_of (score_shift M)).
  Local Notation n := (n_ctx M).
  Local Notation d := (d_vocab M).
  Context (tests : first_failure (tables_tests M T) = None) (gaps : gap_fits T g = true).
  Context (few : fst (inputs_test M) = true) (q : nat) (token_q : q < d).

  Local Notation free := (free_candidates n T q).
  Local Notation final := (last_candidate n T q).

  Local Lemma pick_back_spec : forall (x : list nat) (k : nat) (after : list candidate), length x = k ->
    pick_back (map (candidates T q) (rev (seq 0 k))) (rev x) after = pick M q 0 x ++ after.
  Proof.
    intros x. induction x as [|token x IH] using rev_ind; intros k after len.
    - subst k. reflexivity.
    - rewrite app_length in len. cbn in len. destruct k as [|k]; [lia|].
      rewrite seq_S, rev_app_distr. cbn [Nat.add rev app map]. rewrite rev_app_distr. cbn [rev app pick_back].
      rewrite IH by lia. rewrite pick_app, <- app_assoc. cbn [Nat.add pick app].
      replace (length x) with k by lia. reflexivity.
  Qed.

  Local Lemma chosen_candidates : forall x : list nat, length x = n - 1 ->
    pick_back free (rev x ++ []) [final] = pick M q 0 (x ++ [q]).
  Proof.
    intros x len. rewrite app_nil_r. unfold free_candidates. rewrite pick_back_spec by exact len.
    rewrite pick_app, len. reflexivity.
  Qed.

  Section Leaf.
    Context (leaf : nat -> int -> list nat -> bool) (P : list nat -> bool).
    Context (leaf_sound : forall (m : nat) (sum : int) (x : list nat), q <= m -> m < d -> below (S m) x -> length x = n - 1 ->
      chosen_new m (Nat.eqb q m) x = true ->
      signed sum = (cost signed (case_costs (gap_columns n d T g (lowest T) q) (attention T p q (S m)) m one) x +
        signed (case_last n q (last_gaps n T g (lowest T) q) (attention T p q (S m)) m one))%Z ->
      leaf m sum (rev x ++ []) = true ->
      P (x ++ [q]) = true).

    Local Lemma answer_count_spec : forall m : nat, q <= m -> m < d -> exists z : Z,
      congruent (answer_count n T p q leaf (gap_columns n d T g (lowest T) q) (last_gaps n T g (lowest T) q) m) z /\
      (0 <= z <= total d (n - 1) (with_answer P q m))%Z.
    Proof.
      intros m ordered answer_m. unfold answer_count. cbv zeta.
      assert (one_small : (to_Z one <= 2 ^ 30)%Z) by (vm_compute; discriminate).
      assert (context := context_bound M (core_none M tests)).
      destruct (costs_ok M g tests gaps q m (S m) one token_q answer_m ordered (Nat.lt_succ_diag_r m) one_small) as [ok last_bound].
      assert (len := costs_length M g tests q m (S m) one token_q answer_m ordered (Nat.lt_succ_diag_r m)).
      assert (sound := leaf_sound m).
      set (costs := case_costs (gap_columns n d T g (lowest T) q) (attention T p q (S m)) m one) in *.
      set (last := case_last n q (last_gaps n T g (lowest T) q) (attention T p q (S m)) m one) in *.
      eexists. split; [apply sweep_spec|].
      - intros column member. apply in_map_iff in member. destruct member as (c & <- & member).
        rewrite Forall_forall in ok. destruct (ok c member) as [len_c _]. cbn [split_column fst].
        rewrite firstn_length. lia.
      - split; [apply total_nonneg; intro x; apply indicator_nonneg|]. rewrite map_length, len.
        etransitivity; [|apply (total_le_more (S m) d); [lia | intro x; apply indicator_nonneg]].
        apply total_le. intros x inside len_x. unfold satisfies.
        destruct (chosen_new m (Nat.eqb q m) x) eqn:new; cbn [andb]; [|apply indicator_nonneg].
        destruct (leaf m (add_costs last (map (split_column m) costs) x) (rev x ++ [])) eqn:holds; [|apply indicator_nonneg].
        unfold with_answer. rewrite (chosen_answer q m x ordered inside new), Nat.eqb_refl.
        assert (value : signed (add_costs last (map (split_column m) costs) x) = (cost signed costs x + signed last)%Z).
        { assert (len_costs : length x = length costs) by lia.
          assert (bound := cost_abs m costs x ok inside len_costs).
          rewrite Z.add_comm. apply signed_of_congruent; [|lia].
          apply add_costs_value; try assumption. apply signed_congruent. }
        rewrite (sound _ x ordered answer_m inside len_x new value holds). cbn. lia.
    Qed.

    Local Lemma fold_answers : forall (f : nat -> int) (k start : nat),
      (forall m, start <= m -> m < start + k -> exists z : Z, congruent (f m) z /\ (0 <= z <= total d (n - 1) (with_answer P q m))%Z) ->
      exists z : Z, congruent (fold_right (fun m rest => f m + rest)%uint63 0%uint63 (seq start k)) z /\
        (0 <= z <= sumZ k (fun j => total d (n - 1) (with_answer P q (start + j))))%Z.
    Proof.
      intros f k. induction k as [|k IH]; intros start each.
      - exists 0%Z. split; [exact (congruent_to_Z 0) | cbn; lia].
      - destruct (each start) as (z & same & range); [lia | lia|].
        destruct (IH (S start)) as (rest & same_rest & range_rest); [intros m low high; apply each; lia|].
        exists (z + rest)%Z. cbn [seq fold_right sumZ]. split; [apply congruent_add; assumption|].
        rewrite Nat.add_0_r. rewrite (sumZ_ext k (fun j => total d (n - 1) (with_answer P q (start + S j)))
          (fun j => total d (n - 1) (with_answer P q (S start + j)))) by (intros j _; do 2 f_equal; lia). lia.
    Qed.

    Lemma answers_count_spec :
      (to_Z (answers_count n d T p g (lowest T) q leaf) <= total d (n - 1) (fun x => indicator (P (x ++ [q]))))%Z.
    Proof.
      unfold answers_count. cbv zeta.
      destruct (fold_answers (answer_count n T p q leaf (gap_columns n d T g (lowest T) q) (last_gaps n T g (lowest T) q))
        (d - q) q) as (z & same & low_z & high_z).
      - intros m ordered inside. apply answer_count_spec; lia.
      - assert (bound := Z.le_trans _ _ _ high_z (answers_total M P q q (d - q))).
        assert (small := Z.le_lt_trans _ _ _ bound (proj2 (query_total_bound M P q few token_q))).
        rewrite (to_Z_of_congruent _ z same); [exact bound | lia].
    Qed.
  End Leaf.

  Local Lemma tokens_below : forall (m : nat) (x : list nat), m < d -> below (S m) x -> below d x.
  Proof.
    intros m x small inside. unfold below in *. rewrite Forall_forall in *. intros t member.
    specialize (inside t member). lia.
  Qed.

  Lemma exact_right_spec : (to_Z (exact_right n d T p g (lowest T) q) <=
    total d (n - 1) (fun x => indicator (if correct_dec M (x ++ [q]) then true else false)))%Z.
  Proof.
    apply (answers_count_spec (right_leaf d p g free final) (fun x => if correct_dec M x then true else false)).
    intros m sum x ordered answer_m inside len new value holds.
    destruct (snoc_facts M (core_none M tests) q x token_q (tokens_below m x answer_m inside) len) as (len' & inside' & last_is_q).
    destruct (correct_dec M (x ++ [q])) as [yes|no]; [reflexivity|]. exfalso. apply no.
    unfold right_leaf in holds. rewrite slt_spec, signed_zero in holds.
    destruct (Z.ltb_spec (signed sum) 0) as [negative|].
    - assert (one_small : (to_Z one <= 2 ^ 30)%Z) by (vm_compute; discriminate).
      apply (counted_correct M g tests gaps q m (S m) one token_q answer_m ordered (Nat.lt_succ_diag_r m) one_small x inside len).
      rewrite new. cbn [andb]. apply Z.ltb_lt. lia.
    - rewrite chosen_candidates in holds by exact len.
      apply (right_correct M g tests gaps (x ++ [q]) len' inside').
      rewrite last_is_q, (chosen_answer q m x ordered inside new). exact holds.
  Qed.

  Lemma exact_wrong_spec : (to_Z (exact_wrong n d T p g (lowest T) q) <=
    total d (n - 1) (fun x => indicator (if correct_dec M (x ++ [q]) then false else true)))%Z.
  Proof.
    apply (answers_count_spec (wrong_leaf d p g free final) (fun x => if correct_dec M x then false else true)).
    intros m sum x ordered answer_m inside len new value holds.
    destruct (snoc_facts M (core_none M tests) q x token_q (tokens_below m x answer_m inside) len) as (len' & inside' & last_is_q).
    destruct (correct_dec M (x ++ [q])) as [yes|no]; [|reflexivity]. exfalso.
    unfold wrong_leaf in holds. destruct (slt sum 0); [discriminate holds|].
    rewrite chosen_candidates in holds by exact len.
    apply (wrong_incorrect M g tests gaps (x ++ [q]) len' inside'); [|exact yes].
    rewrite last_is_q, (chosen_answer q m x ordered inside new). exact holds.
  Qed.
End Sound.

(** The main theorem: an accepted claim holds. *)
Theorem exact_sound : forall (N : Z) (M : model) (c : brute_force_certificate),
  exact_check N M c = true ->
  correct_count M = N.
Proof.
  intros N M c check. refine (exactly_sound N M c _ _ _ check). intros tests fits few. split.
  - rewrite correct_count_total, (total_by_last M (core_none M tests)). apply sumZ_le. intros q token.
    exact (exact_right_spec M (gap_shift c) tests fits few q token).
  - rewrite wrong_count_total, (total_by_last M (core_none M tests)). apply sumZ_le. intros q token.
    exact (exact_wrong_spec M (gap_shift c) tests fits few q token).
Qed.
