(* CompactProofs: Cert: ExactCheck *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Bool.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.ExpBounds.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.Terms Cert.CostsCheck Cert.BruteForceCheck.
Import ListNotations.
(** * The exact count: costs first, brute force for what they leave
    Every sequence has its costs (CostsCheck) added up, position by position, with what is common to sequences shared. A sum
    below 0: right. The few sequences left over go through the network, as in BruteForceCheck.
    - [sweep]       == how many sequences with the largest token m satisfy a verdict on their sum of costs and tokens
    - [exact_right] == sequences that end in q and are proved right;  [exact_wrong] == proved wrong
    Certificate: that of brute force. Soundness: ExactSound. Source: docs/max_of_k.md, section 6.
    Python mirror: proofs/strategies/exact.py. *)
Local Open Scope uint63_scope.

Section Sweep.
  Context (verdict : int -> list nat -> bool) (m : nat).

  (** Columns of costs: of the tokens below m, and of m. [chosen]: the tokens so far, last first. *)
  Fixpoint sweep (columns : list (list int * int)) (sum : int) (chosen : list nat) (seen : bool) {struct columns} : int :=
    match columns with
    | [] => if seen then if verdict sum chosen then 1 else 0 else 0
    | (others, top) :: rest =>
        let with_m := sweep rest (sum + top) (m :: chosen) true in
        let without_m :=
          (fix tokens (others : list int) (token : nat) : int :=
            match others with
            | [] => 0
            | h :: others' => sweep rest (sum + h) (token :: chosen) seen + tokens others' (S token)
            end) in
        match rest with
        | [] => if seen then with_m + without_m others O else with_m
        | _ :: _ => with_m + without_m others O
        end
    end.
End Sweep.

Section Query.
  Context (n d : nat) (T : tables) (p : precision) (g low : int).

  (** The candidates of the tokens [chosen], last first, before those of [after]. *)
  Fixpoint pick_back (positions : list (list candidate)) (chosen : list nat) (after : list candidate) : list candidate :=
    match positions, chosen with
    | options :: positions', token :: chosen' => pick_back positions' chosen' (nth token options no_candidate :: after)
    | _, _ => after
    end.

  Section Answers.
    Context (q : nat) (positions : list (list candidate)) (last : candidate).

    Definition right_leaf (m : nat) (sum : int) (chosen : list nat) : bool :=
      if slt sum 0 then true else right d p g (pick_back positions chosen [last]) m.

    Definition wrong_leaf (m : nat) (sum : int) (chosen : list nat) : bool :=
      if slt sum 0 then false else wrong d p g (pick_back positions chosen [last]) m.

    Definition split_column (m : nat) (column : list int) : list int * int := (firstn m column, nth m column 0).

    Definition answer_count (leaf : nat -> int -> list nat -> bool) (columns : list (list (list int))) (final_gaps : list int)
      (m : nat) : int :=
      let weights := attention T p q (S m) in
      sweep (leaf m) m (map (split_column m) (case_costs columns weights m one)) (case_last n q final_gaps weights m one) []
        (Nat.eqb q m).

    Definition answers_count (leaf : nat -> int -> list nat -> bool) : int :=
      let columns := gap_columns n d T g low q in
      let final_gaps := last_gaps n T g low q in
      fold_right (fun m rest => answer_count leaf columns final_gaps m + rest) 0 (seq q (d - q)).
  End Answers.

  Definition free_candidates (q : nat) : list (list candidate) := map (candidates T q) (rev (seq 0 (n - 1))).

  Definition last_candidate (q : nat) : candidate := nth q (candidates T q (n - 1)) no_candidate.

  Definition exact_right (q : nat) : int := answers_count q (right_leaf (free_candidates q) (last_candidate q)).

  Definition exact_wrong (q : nat) : int := answers_count q (wrong_leaf (free_candidates q) (last_candidate q)).
End Query.

(** Exactly [claimed] sequences are right: the others are proved wrong. *)
Definition exact_verdict (claimed : Z) (M : model) (c : brute_force_certificate) : outcome :=
  let T := tables_of M in
  let low := lowest T in
  exactly claimed M c T
    (fun p => exact_right (n_ctx M) (d_vocab M) T p (gap_shift c) low)
    (fun p => exact_wrong (n_ctx M) (d_vocab M) T p (gap_shift c) low).

Definition exact_check (claimed : Z) (M : model) (c : brute_force_certificate) : bool :=
  accepted (exact_verdict claimed M c).
