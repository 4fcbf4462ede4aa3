(* CompactProofs: Cert: SequencesSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith List Arith Lia.
From CompactProofs Require Import Spec.Network Spec.MaxOfK Base.Sums Base.Totals.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.TablesSound.
Import ListNotations.
(** * Sequences by their last token
    What every strategy needs to sum its counts per last token: totals split by last token, and what appending it gives.
    Main results: [total_by_last], [snoc_facts], [answer_below]. *)

Section Sequences.
  Context (M : model).
  Context (tests : first_failure (tables_tests M (tables_of M)) = None).
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
End Sequences.
