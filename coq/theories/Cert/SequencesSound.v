(* CompactProofs: Cert: SequencesSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Spec.MaxOfK Base.Sums Base.Totals.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound.
Import ListNotations.
(** * Sequences by their last token
    What every strategy needs to sum its counts per last token: totals split by last token, and what appending it gives.
    Main results: [total_by_last], [snoc_facts], [answer_below]; and [answers_total], by which counts per answer add up. *)

Section Sequences.
  Context (M : model).
  Context (tests : first_failure (core_tests M (core_of M)) = None).
  Local Notation n := (n_ctx M).
  Local Notation d := (d_vocab M).

  Lemma answer_below : forall x : list nat, length x = n -> below d x -> answer x < d.
  Proof.
    intros x length_x tokens. assert (some := context_pos M tests). unfold answer.
    assert (bound : list_max x <= d - 1).
    { apply list_max_le. unfold below in tokens. rewrite Forall_forall in *. intros k member.
      specialize (tokens k member). lia. }
    destruct x as [|t rest]; [cbn in length_x; lia|].
    inversion tokens as [|? ? first _]; subst. lia.
  Qed.

  Lemma total_by_last : forall f : list nat -> Z,
    total d n f = sumZ d (fun q => total d (n - 1) (fun x => f (x ++ [q]))).
  Proof.
    intro f. assert (some := context_pos M tests).
    replace n with (S (n - 1)) at 1 by lia. apply total_snoc.
  Qed.

  Lemma snoc_facts : forall (q : nat) (x : list nat), q < d -> below d x -> length x = n - 1 ->
    length (x ++ [q]) = n /\ below d (x ++ [q]) /\ last_token M (x ++ [q]) = q.
  Proof.
    intros q x token inside len. assert (some := context_pos M tests).
    repeat split.
    - rewrite app_length, len. cbn. lia.
    - apply Forall_app. split; [exact inside | constructor; [exact token | constructor]].
    - unfold last_token, last_position. rewrite app_nth2 by lia. rewrite len, Nat.sub_diag. reflexivity.
  Qed.

  (** The sequences that end in [q], satisfy [P] and have the answer [m]. *)
  Definition with_answer (P : list nat -> bool) (q m : nat) (x : list nat) : Z :=
    indicator (P (x ++ [q]) && (answer (x ++ [q]) =? m)).

  (** A sequence has one answer. *)
  Lemma answer_once : forall (P : list nat -> bool) (q start cases : nat) (x : list nat),
    (sumZ cases (fun k => with_answer P q (start + k) x) <= indicator (P (x ++ [q])))%Z.
  Proof.
    intros P q start cases x. unfold with_answer. destruct (P (x ++ [q])); cbn [andb].
    - apply (sumZ_single _ _ (answer (x ++ [q]) - start)); [cbn; lia| |].
      + intros k _ other. destruct (Nat.eqb_spec (answer (x ++ [q])) (start + k)) as [same|]; [|cbn; lia].
        exfalso. apply other. rewrite same. lia.
      + destruct (answer (x ++ [q]) =? _); cbn; lia.
    - apply Z.eq_le_incl. apply sumZ_zero.
  Qed.

  Lemma answers_total : forall (P : list nat -> bool) (q start cases : nat),
    (sumZ cases (fun k => total d (n - 1) (with_answer P q (start + k)))
      <= total d (n - 1) (fun x => indicator (P (x ++ [q]))))%Z.
  Proof. intros P q start cases. rewrite <- total_sumZ. apply total_le. intros x _ _. apply answer_once. Qed.

  Lemma query_total_bound : forall (P : list nat -> bool) (q : nat), fst (inputs_test M) = true -> q < d ->
    (0 <= total d (n - 1) (fun x => indicator (P (x ++ [q]))) < 2 ^ 62)%Z.
  Proof.
    intros P q few token. split; [apply total_nonneg; intro x; apply indicator_nonneg|].
    apply Z.le_lt_trans with (Z.of_nat d ^ Z.of_nat n)%Z; [|exact (inputs_bound M few)].
    apply Z.le_trans with (total d (n - 1) (fun _ => 1%Z)).
    - apply total_le. intros x _ _. destruct (P (x ++ [q])); cbn; lia.
    - rewrite total_const, Z.mul_1_r. apply Z.pow_le_mono_r; lia.
  Qed.
End Sequences.
