(* CompactProofs: Cert: CubicCheck *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.ExpBounds.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.Terms Cert.CountCheck Cert.CostsCheck.
Import ListNotations.
(** * The cubic checker: sequences are counted by the costs of CostsCheck
    The dynamic programme of CountCheck counts the sequences whose costs add up to less than 0; no sequence is looked at.
    - [case_count]  == sequences counted for one (q, m)
    - [query_count] == their sum over m
    Certificate: the unit of the gaps; for each q the scales of the costs for m = q, q + 1, .. in blocks (all m of a block
    share one set of weights, relative to the largest score below its end); a claimed count for each q; and whether counts
    are carried as masses, for more than 2^62 inputs.
    Soundness: CubicSound. Source: docs/max_of_k.md, section 4. Python mirror: proofs/strategies/cubic.py. *)
Local Open Scope uint63_scope.

Record cubic_certificate := CubicCertificate {
  cubic_gap_shift : int;                (* gaps in units of 2^(gap_shift - logit_bits) *)
  cubic_scales : list (list (list int)); (* per q, per block, per m: costs are multiplied by scale / 2^30 *)
  cubic_claims : list int;              (* per q: sequences claimed right, as counts or masses *)
  cubic_digits : int                    (* 0 for counts, else 2^digits >= d_vocab for masses (CountCheck) *)
}.

(** Counts of inputs fit machine integers, or masses are carried instead. *)
Definition counts_test (M : model) (digits : int) : bool * refusal :=
  (if digits =? 0 then fst (inputs_test M)
   else if (to_Z digits <=? 12)%Z then (Z.of_nat (d_vocab M) <=? 2 ^ to_Z digits)%Z else false,
   May_overflow Number_of_inputs).

(** The number of inputs that the claims stand for. *)
Definition claimed_inputs (M : model) (digits : int) (claims : list int) : Z :=
  (if (digits =? 0)%uint63 then claimed_total claims
   else claimed_total claims * (2 ^ to_Z digits) ^ Z.of_nat (n_ctx M - 1) / 2 ^ 50)%Z.

Section Query.
  Context (n d : nat) (T : tables) (p : precision) (g low digits : int).

  Section Cases.
    Context (q : nat) (columns : list (list (list int))) (final_gaps : list int).

    (** Sequences that end in q, have the largest token m and are right. *)
    Definition case_count (weights : list (list enclosure)) (m : nat) (scale : int) : int :=
      if scale =? 0 then 0
      else if Nat.ltb m d then
        if leb scale one then
          passing_by digits (case_costs columns weights m scale) (case_last n q final_gaps weights m scale) (Nat.eqb q m)
        else 0
      else 0.

    Fixpoint block_count (weights : list (list enclosure)) (m : nat) (scales : list int) : int :=
      match scales with
      | [] => 0
      | scale :: rest => case_count weights m scale + block_count weights (S m) rest
      end.

    Fixpoint blocks_count (m : nat) (blocks : list (list int)) : int :=
      match blocks with
      | [] => 0
      | scales :: rest =>
          let next := (m + length scales)%nat in
          block_count (attention T p q next) m scales + blocks_count next rest
      end.
  End Cases.

  Definition query_count (q : nat) (blocks : list (list int)) : int :=
    blocks_count q (gap_columns n d T g low q) (last_gaps n T g low q) q blocks.
End Query.

Section Check.
  Context (claimed : Z) (M : model) (c : cubic_certificate).

  Definition cubic_failure (T : tables) : option refusal :=
    match first_failure (tables_tests M T ++ [ counts_test M (cubic_digits c) ] ++
      [ (gap_fits T (cubic_gap_shift c), May_overflow Gap_shift); claims_length (d_vocab M) (cubic_claims c) ]) with
    | Some why => Some why
    | None =>
        let p := precision_of (score_shift M) in
        let low := lowest T in
        let count q := query_count (n_ctx M) (d_vocab M) T p (cubic_gap_shift c) low (cubic_digits c) q (nth q (cubic_scales c) []) in
        match first_short count 0 (cubic_claims c) with
        | Some why => Some why
        | None =>
            first_failure [ total_reaches claimed (claimed_inputs M (cubic_digits c) (cubic_claims c)) ]
        end
    end.

  (** At least [claimed] sequences are right. *)
  Definition cubic_verdict : outcome := outcome_of (cubic_failure (tables_of M)).
End Check.

Definition cubic_check (claimed : Z) (M : model) (c : cubic_certificate) : bool := accepted (cubic_verdict claimed M c).
