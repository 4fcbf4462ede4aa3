(* CompactProofs: Cert: CubicCheck *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.ExpBounds Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.Terms Cert.CountCheck.
Import ListNotations.
(** * The cubic checker: worst output per query, token and position
    For a last token q, a largest token m and a position i, each token t costs the upper bound of its attention weight times
    its worst logit gap, max over w <> m. A sequence whose costs add up to less than 0 is right. The dynamic programme of
    CountCheck counts them; no sequence is looked at.
    - [gap_row T g low q i t]    == for each m: the worst gap of token t at position i, units of 2^(g - logit_bits)
    - [attention p T q bound]    == for each position and each token below [bound]: enclosure of its weight
    - [case_count]               == sequences counted for one (q, m)
    - [query_count]              == their sum over m
    Certificate: the unit of the gaps; for each q the scales of the costs for m = q, q + 1, .. in blocks (all m of a block
    share one set of weights, relative to the largest score below its end); and a claimed count for each q.
    Soundness: CubicSound. Source: docs/max_of_k.md, section 2. Python mirror: proofs/strategies/cubic.py. *)
Local Open Scope uint63_scope.

Record cubic_certificate := CubicCertificate {
  cubic_gap_shift : int;                (* gaps in units of 2^(gap_shift - logit_bits) *)
  cubic_scales : list (list (list int)); (* per q, per block, per m: costs are multiplied by scale / 2^30 *)
  cubic_claims : list int               (* per q: sequences claimed right *)
}.

(** Below every logit. *)
Definition lowest (T : tables) : int := of_Z (- largest_output T).

Section Query.
  Context (n d : nat) (T : tables) (p : precision) (g low : int).

  (** Gaps of a row of logits: for each m, the largest other entry less the m-th. [before] is the largest entry so far;
      returned with the gaps is the largest entry from here on. *)
  Fixpoint gaps_from (before : int) (row : list int) : list int * int :=
    match row with
    | [] => ([], low)
    | x :: rest =>
        let (gaps, after) := gaps_from (smax before x) rest in
        (shift_up g (smax before after - x) :: gaps, smax x after)
    end.

  Definition gap_row (q i t : nat) : list int := fst (gaps_from low (output_row T q i t)).

  Definition gap_rows (q i : nat) : list (list int) :=
    let base := base_row T q i in
    map (fun row => fst (gaps_from low (add_rows base row))) (logit_rows T).

  Fixpoint transpose (columns : nat) (rows : list (list int)) : list (list int) :=
    match columns with
    | O => []
    | S columns' => map head rows :: transpose columns' (map (@tl int) rows)
    end.

  Definition attention (q bound : nat) : list (list enclosure) :=
    let tokens := row_enclosures p (firstn bound (nth q (score_rows T) [])) in
    map (fun position => map (fun token => both token position) tokens)
      (row_enclosures p (nth q (score_pos_rows T) [])).

  Definition scaled_term (scale : int) (e : enclosure) (gap : int) : int := scale_up (upper_term e gap) scale.

  Section Cases.
    Context (q : nat) (columns : list (list (list int))) (last_gaps : list int).

    (** Sequences that end in q, have the largest token m and are right. *)
    Definition case_count (weights : list (list enclosure)) (m : nat) (scale : int) : int :=
      if Nat.ltb m d then
        if leb scale one then
          let costs := zip_with (fun row by_m => zip_with (scaled_term scale) (firstn (S m) row) (nth m by_m []))
            weights columns in
          let last := scaled_term scale (nth q (nth (n - 1) weights []) (0, 0)) (nth m last_gaps 0) in
          passing costs last (Nat.eqb q m)
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
          block_count (attention q next) m scales + blocks_count next rest
      end.
  End Cases.

  Definition query_count (q : nat) (blocks : list (list int)) : int :=
    let columns := map (fun i => transpose d (gap_rows q i)) (seq 0 (n - 1)) in
    blocks_count q columns (gap_row q (n - 1) q) q blocks.
End Query.

Section Check.
  Context (claimed : Z) (M : model) (c : cubic_certificate).

  Definition cubic_failure (T : tables) : option refusal :=
    match first_failure (tables_tests M T ++
      [ (gap_fits T (cubic_gap_shift c), May_overflow Gap_shift); claims_length (d_vocab M) (cubic_claims c) ]) with
    | Some why => Some why
    | None =>
        let p := precision_of (score_shift M) in
        let low := lowest T in
        let count q := query_count (n_ctx M) (d_vocab M) T p (cubic_gap_shift c) low q (nth q (cubic_scales c) []) in
        match first_short count 0 (cubic_claims c) with
        | Some why => Some why
        | None => first_failure [ total_reaches claimed (cubic_claims c) ]
        end
    end.

  (** At least [claimed] sequences are right. *)
  Definition cubic_verdict : outcome := outcome_of (cubic_failure (tables_of M)).
End Check.

Definition cubic_check (claimed : Z) (M : model) (c : cubic_certificate) : bool := accepted (cubic_verdict claimed M c).
