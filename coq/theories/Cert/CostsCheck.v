(* CompactProofs: Cert: CostsCheck *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix.
From CompactProofs Require Import Cert.Tables Cert.Terms Cert.CountCheck.
Import ListNotations.
(** * Costs: the worst output per query, token and position
    For a last token q, a largest token m and a position i, each token t costs the upper bound of its attention weight times
    its worst logit gap, max over w <> m. A sequence whose costs add up to less than 0 is right.
    - [gap_row T g low q i t]    == for each m: the worst gap of token t at position i, units of 2^(g - logit_bits)
    - [attention T p q bound]    == for each position and each token below [bound]: enclosure of its weight
    - [case_costs], [case_last]  == the costs of the tokens 0 .. m at each free position, and of q at the last
    Soundness: CostsSound. Source: docs/max_of_k.md, section 2. Python mirror: proofs/strategies/costs.py. *)
Local Open Scope uint63_scope.

(** At most every logit. *)
Definition lowest (T : tables) : int := of_Z (- largest_output T).

Section Costs.
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

  (** [columns]: for each free position, for each m, the worst gaps of all tokens. *)
  Definition case_costs (columns : list (list (list int))) (weights : list (list enclosure)) (m : nat) (scale : int) :
    list (list int) :=
    zip_with (fun row by_m => zip_with (scaled_term scale) (firstn (S m) row) (nth m by_m [])) weights columns.

  Definition case_last (q : nat) (last_gaps : list int) (weights : list (list enclosure)) (m : nat) (scale : int) : int :=
    scaled_term scale (nth q (nth (n - 1) weights []) (0, 0)) (nth m last_gaps 0).

  Definition gap_columns (q : nat) : list (list (list int)) := map (fun i => transpose d (gap_rows q i)) (seq 0 (n - 1)).

  Definition last_gaps (q : nat) : list int := gap_row q (n - 1) q.
End Costs.
