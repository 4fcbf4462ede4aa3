(* CompactProofs: Modular: BruteForceSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome.
From CompactProofs Require Import Modular.Form Modular.FormSound Modular.SpecFacts Modular.BruteForce.
Import ListNotations.
(** * Soundness of brute force
    - [pair_right_spec]         == the test of a pair says whether it is right
    - [brute_force_count_exact] == so the count is exact *)
Local Open Scope Z_scope.

Section Outputs.
  Context (h : list int) (best : int).

  Local Definition value (U : list (list int)) (P Q : list int) (c : nat) : Z :=
    signed (pair_value h (nth c U []) (nth c P 0 + nth c Q 0)%uint63).

  Local Lemma all_below_spec : forall (U : list (list int)) (P Q : list int),
    length P = length U -> length Q = length U ->
    (all_below h best U P Q = true <-> forall c : nat, (c < length U)%nat -> value U P Q c < signed best).
  Proof.
    induction U as [|u U IH]; intros [|x P] [|y Q] len_P len_Q; try discriminate len_P; try discriminate len_Q.
    - split; [intros _ c inside; inversion inside | reflexivity].
    - cbn [all_below]. rewrite slt_spec. destruct (IH P Q) as [read build]; [cbn in len_P; lia | cbn in len_Q; lia|]. split.
      + destruct (Z.ltb_spec (signed (pair_value h u (x + y)%uint63)) (signed best)) as [less|]; [|discriminate].
        intros rest [|c] inside; [exact less|]. apply (read rest). cbn in inside. lia.
      + intros all. destruct (Z.ltb_spec (signed (pair_value h u (x + y)%uint63)) (signed best)) as [less|more].
        * apply build. intros c inside. apply (all (S c)). cbn. lia.
        * assert (less := all O ltac:(cbn; lia)). unfold value in less. cbn [nth] in less. lia.
  Qed.

  Local Lemma others_below_spec : forall (U : list (list int)) (P Q : list int) (s : nat),
    length P = length U -> length Q = length U ->
    (others_below h best s U P Q = true <->
     forall c : nat, (c < length U)%nat -> c <> s -> value U P Q c < signed best).
  Proof.
    induction U as [|u U IH]; intros [|x P] [|y Q] s len_P len_Q; try discriminate len_P; try discriminate len_Q.
    - split; [intros _ c inside; inversion inside | destruct s; reflexivity].
    - destruct s as [|s]; cbn [others_below].
      + rewrite all_below_spec by (cbn in len_P, len_Q; lia). split.
        * intros all [|c] inside other; [contradiction (other eq_refl)|]. apply all. cbn in inside. lia.
        * intros all c inside. apply (all (S c)); [cbn; lia | discriminate].
      + rewrite slt_spec. destruct (IH P Q s) as [read build]; [cbn in len_P; lia | cbn in len_Q; lia|]. split.
        * destruct (Z.ltb_spec (signed (pair_value h u (x + y)%uint63)) (signed best)) as [less|]; [|discriminate].
          intros rest [|c] inside other; [exact less|]. apply (read rest); [cbn in inside; lia | lia].
        * intros all. destruct (Z.ltb_spec (signed (pair_value h u (x + y)%uint63)) (signed best)) as [less|more].
          -- apply build. intros c inside other. apply (all (S c)); [cbn; lia | lia].
          -- assert (less := all O ltac:(cbn; lia) ltac:(discriminate)). unfold value in less. cbn [nth] in less. lia.
  Qed.
End Outputs.

Section WellFormed.
  Context (F : form) (formed : well_formed F).

  Local Notation rows_of X Y a := (nth a (combine X Y) ([], [])).

  Lemma pair_right_spec : forall a b : nat,
    (a < form_order F)%nat -> (b < form_order F)%nat ->
    (pair_right F a (rows_of (L_rows F) (P_rows F) a) b (rows_of (R_rows F) (Q_rows F) b) = true <-> form_right F a b).
  Proof.
    intros a b inside_a inside_b.
    assert (len_L := has_shape_length _ _ _ _ (L_shape F formed)).
    assert (len_R := has_shape_length _ _ _ _ (R_shape F formed)).
    assert (len_P := has_shape_length _ _ _ _ (P_shape F formed)).
    assert (len_Q := has_shape_length _ _ _ _ (Q_shape F formed)).
    assert (len_U := has_shape_length _ _ _ _ (U_shape F formed)).
    assert (len_p := has_shape_row _ _ _ _ _ (P_shape F formed) inside_a).
    assert (len_q := has_shape_row _ _ _ _ _ (Q_shape F formed) inside_b).
    rewrite !combine_nth by congruence. unfold pair_right. cbv zeta. cbn [fst snd].
    change (hidden (form_activation F) (nth a (L_rows F) []) (nth b (R_rows F) [])) with (hidden_of F a b).
    assert (exact : forall c : nat, (c < form_order F)%nat ->
      value (hidden_of F a b) (U_rows F) (nth a (P_rows F) []) (nth b (Q_rows F) []) c = valueZ F a b c).
    { intros c inside_c. unfold value. apply (pair_value_exact F formed); [assumption | assumption | assumption|].
      apply congruent_add; apply signed_congruent. }
    rewrite others_below_spec by congruence.
    match goal with |- context [signed ?best] =>
      change (signed best) with
        (value (hidden_of F a b) (U_rows F) (nth a (P_rows F) []) (nth b (Q_rows F) []) (form_answer F a b))
    end.
    rewrite (exact (form_answer F a b) (answer_below _ _ a b (order_pos F formed))). rewrite len_U. unfold form_right.
    split; intros all c inside other; [rewrite <- (exact c inside) | rewrite (exact c inside)]; apply (all c inside other).
  Qed.

  Theorem brute_force_count_exact : brute_force_count F = right_pairs F.
  Proof.
    unfold brute_force_count. apply (count_pairs_exact _ _ _ _ _ _ ([], []) ([], [])); [| |exact pair_right_spec].
    - rewrite combine_length, (has_shape_length _ _ _ _ (L_shape F formed)), (has_shape_length _ _ _ _ (P_shape F formed)).
      apply Nat.min_id.
    - rewrite combine_length, (has_shape_length _ _ _ _ (R_shape F formed)), (has_shape_length _ _ _ _ (Q_shape F formed)).
      apply Nat.min_id.
  Qed.
End WellFormed.

Theorem modular_brute_force_on_sound : forall (claimed : Z) (F : form) (c : modular_brute_force_certificate),
  modular_brute_force_on claimed F c = Accepted -> claimed <= right_pairs F.
Proof.
  intros claimed F c. apply certified_sound. intros formed _. rewrite brute_force_count_exact by exact formed. apply Z.le_refl.
Qed.

Theorem modular_brute_force_exact_on_sound : forall (claimed : Z) (F : form) (c : modular_brute_force_certificate),
  modular_brute_force_exact_on claimed F c = Accepted -> right_pairs F = claimed.
Proof.
  intros claimed F c verdict. unfold modular_brute_force_exact_on in verdict.
  destruct (first_failure (form_tests F)) eqn:formed; [discriminate verdict|].
  cbv zeta in verdict. cbn [first_failure] in verdict.
  destruct (Z.eqb_spec (brute_force_count F) claimed) as [same|]; [|discriminate verdict].
  rewrite <- same. symmetry. apply brute_force_count_exact, formed.
Qed.
