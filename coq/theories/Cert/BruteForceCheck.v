(* CompactProofs: Cert: BruteForceCheck *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix Cert.Outcome Cert.Tables Cert.Terms.
Import ListNotations.
(** * Brute force: every sequence through the network
    For each sequence: the attention weights, enclosed, and for each output the sum over positions of weight times gap
    to the true answer. All upper bounds negative: right. Some lower bound not negative: wrong. Otherwise undecided.
    - [candidates T q i] == for each token at position i: its attention score and its row of logits
    - [right], [wrong]   == the verdict on a chosen sequence with answer [m]
    - [tally]            == how many sequences satisfy a verdict
    Certificate: the unit of the gaps and, for each last token, how many sequences are right and how many wrong.
    Soundness: BruteForceSound. Python mirror: proofs/strategies/brute_force.py. *)
Local Open Scope uint63_scope.

Record brute_force_certificate := BruteForceCertificate {
  gap_shift : int;            (* gaps in units of 2^(gap_shift - logit_bits) *)
  right_claims : list int;    (* per last token: sequences claimed right *)
  wrong_claims : list int     (* per last token: sequences claimed wrong *)
}.

Definition candidate : Set := int * list int.

Definition no_candidate : candidate := (0, []).

Section Sequences.
  Context (n d : nat) (T : tables) (p : precision) (g : int).

  Definition candidates (q i : nat) : list candidate :=
    let position_score := nth i (nth q (score_pos_rows T) []) 0 in
    let base := base_row T q i in
    zip_with (fun s row => (s + position_score, add_rows base row)) (nth q (score_rows T) []) (logit_rows T).

  Definition sum_rows (rows : list (list int)) : list int := fold_right add_rows (repeat 0 d) rows.

  Definition upper_row (top : int) (m : nat) (c : candidate) : list int :=
    let e := relative_exp p top (fst c) in
    let correct_logit := nth m (snd c) 0 in
    map (fun r => upper_term e (shift_up g (r - correct_logit))) (snd c).

  Definition lower_row (top : int) (m : nat) (c : candidate) : list int :=
    let e := relative_exp p top (fst c) in
    let correct_logit := nth m (snd c) 0 in
    map (fun r => lower_term e (shift_down g (r - correct_logit))) (snd c).

  (** Every entry but the m-th satisfies [test]. *)
  Fixpoint all_but (test : int -> bool) (m : nat) (row : list int) {struct row} : bool :=
    match row with
    | [] => true
    | x :: rest =>
        match m with
        | O => forallb test rest
        | S m' => if test x then all_but test m' rest else false
        end
    end.

  Definition negative (x : int) : bool := slt x 0.

  Definition right (chosen : list candidate) (m : nat) : bool :=
    let top := row_top (map fst chosen) in
    all_but negative m (sum_rows (map (upper_row top m) chosen)).

  Definition wrong (chosen : list candidate) (m : nat) : bool :=
    let top := row_top (map fst chosen) in
    negb (all_but negative m (sum_rows (map (lower_row top m) chosen))).

  Section Tally.
    Context (verdict : list candidate -> nat -> bool).

    Fixpoint sum_tokens (f : nat -> candidate -> int) (token : nat) (options : list candidate) : int :=
      match options with
      | [] => 0
      | c :: rest => f token c + sum_tokens f (S token) rest
      end.

    (** [positions] from the last free one down to the first; [chosen] holds what follows them. *)
    Fixpoint tally (positions : list (list candidate)) (chosen : list candidate) (m : nat) : int :=
      match positions with
      | [] => if verdict chosen m then 1 else 0
      | options :: rest => sum_tokens (fun token c => tally rest (c :: chosen) (Nat.max token m)) 0 options
      end.

    Definition query_tally (q : nat) : int :=
      tally (map (candidates q) (rev (seq 0 (n - 1)))) [nth q (candidates q (n - 1)) no_candidate] q.
  End Tally.
End Sequences.

Section Check.
  Context (claimed : Z) (M : model) (c : brute_force_certificate).

  (** The first claim of right sequences that the counts of [right_count] do not reach. *)
  Definition right_failure (T : tables) (right_count : precision -> nat -> int) : option refusal :=
    match first_failure (tables_tests M T ++ [ inputs_test M ] ++
      [ (gap_fits T (gap_shift c), May_overflow Gap_shift); claims_length (d_vocab M) (right_claims c) ]) with
    | Some why => Some why
    | None => first_short (right_count (precision_of (score_shift M))) 0 (right_claims c)
    end.

  Definition wrong_failure (wrong_count : precision -> nat -> int) : option refusal :=
    match first_failure [ claims_length (d_vocab M) (wrong_claims c) ] with
    | Some why => Some why
    | None => first_short (wrong_count (precision_of (score_shift M))) 0 (wrong_claims c)
    end.

  (** Exactly [claimed] sequences are right: the others are proved wrong. *)
  Definition exactly (T : tables) (right_count wrong_count : precision -> nat -> int) : outcome :=
    match right_failure T right_count with
    | Some why => Refused why
    | None =>
        match wrong_failure wrong_count with
        | Some why => Refused why
        | None =>
            let rights := claimed_total (right_claims c) in
            let wrongs := claimed_total (wrong_claims c) in
            let inputs := (Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M))%Z in
            outcome_of (first_failure
              [ ((rights =? claimed)%Z && (rights + wrongs =? inputs)%Z, Total_differs rights wrongs inputs claimed) ])
        end
    end.

  Definition tally_right (T : tables) (p : precision) : nat -> int :=
    query_tally (n_ctx M) T (right (d_vocab M) p (gap_shift c)).

  Definition tally_wrong (T : tables) (p : precision) : nat -> int :=
    query_tally (n_ctx M) T (wrong (d_vocab M) p (gap_shift c)).

  (** At least [claimed] sequences are right. *)
  Definition brute_force_verdict : outcome :=
    let T := tables_of M in
    match right_failure T (tally_right T) with
    | Some why => Refused why
    | None => outcome_of (first_failure [ total_reaches claimed (claimed_total (right_claims c)) ])
    end.

  Definition brute_force_exact_verdict : outcome :=
    let T := tables_of M in exactly T (tally_right T) (tally_wrong T).
End Check.

Definition brute_force_check (claimed : Z) (M : model) (c : brute_force_certificate) : bool :=
  accepted (brute_force_verdict claimed M c).

Definition brute_force_exact_check (claimed : Z) (M : model) (c : brute_force_certificate) : bool :=
  accepted (brute_force_exact_verdict claimed M c).
