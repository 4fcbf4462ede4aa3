(* CompactProofs: Modular: ChosenTokens *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Bool Lia.
From CompactProofs Require Import Spec.Modular Base.Matrix Cert.Outcome.
From CompactProofs Require Import Modular.Form Modular.FormSound Modular.Fold Modular.FoldSound.
From CompactProofs Require Import Modular.BruteForce Modular.BruteForceSound Modular.StrategiesSound.
Import ListNotations.
(** * Brute force on some of the first tokens
    The certificate says for each first token whether its pairs are looked at. A proof of part of the inputs at that part of the
    cost: the other pairs count as wrong. Main result: [chosen_tokens_sound]. Python mirror: chosen_tokens.py. *)

Record chosen_tokens_certificate := Chosen_tokens_certificate {
  chosen : list int  (* a number for each token, not 0: look at the pairs that start with it *)
}.

Section OnForm.
  Context (F : form) (c : chosen_tokens_certificate).

  Definition chosen_right (a : nat) (x : list int * list int) (b : nat) (y : list int * list int) : bool :=
    if (nth a (chosen c) 0 =? 0)%uint63 then false else pair_right F a x b y.

  Definition chosen_tokens_tests : list (bool * refusal) :=
    let given := length (chosen c) in
    [ (Nat.eqb given (form_order F), Wrong_number_of_queries (Z.of_nat given) (Z.of_nat (form_order F))) ].

  Definition chosen_tokens_on (claimed : Z) : outcome :=
    certified F chosen_tokens_tests
      (fun _ => count_pairs chosen_right (combine (L_rows F) (P_rows F)) (combine (R_rows F) (Q_rows F))) claimed.

  Theorem chosen_tokens_on_sound : forall claimed : Z, chosen_tokens_on claimed = Accepted -> (claimed <= right_pairs F)%Z.
  Proof.
    intro claimed. apply certified_sound. intros formed _. apply (count_pairs_le _ _ _ _ _ _ ([], []) ([], [])).
    - rewrite combine_length, (has_shape_length _ _ _ _ (L_shape F formed)), (has_shape_length _ _ _ _ (P_shape F formed)).
      apply Nat.min_id.
    - rewrite combine_length, (has_shape_length _ _ _ _ (R_shape F formed)), (has_shape_length _ _ _ _ (Q_shape F formed)).
      apply Nat.min_id.
    - intros a b inside_a inside_b passed. apply (pair_right_spec F formed a b inside_a inside_b).
      unfold chosen_right in passed. destruct (nth a (chosen c) 0 =? 0)%uint63; [discriminate passed | exact passed].
  Qed.
End OnForm.

Definition chosen_tokens_verdict (claimed : Z) (M : modular) (c : chosen_tokens_certificate) : outcome :=
  on_form M (fun F => chosen_tokens_on F c claimed).
Definition chosen_tokens_check (claimed : Z) (M : modular) (c : chosen_tokens_certificate) : bool :=
  accepted (chosen_tokens_verdict claimed M c).

Theorem chosen_tokens_sound : forall (claimed : Z) (M : modular) (c : chosen_tokens_certificate),
  chosen_tokens_check claimed M c = true -> (claimed <= correct_count M)%Z.
Proof.
  intros claimed M c check. eapply on_form_sound; [|exact (accepted_outcome _ check)].
  intros F. apply chosen_tokens_on_sound.
Qed.
