(* CompactProofs: Cert: Terms *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Base.Signed63 Base.ExpBounds.
From CompactProofs Require Export Base.Lists Cert.Outcome.
Import ListNotations.
(** * Enclosures of attention weights, and of their products with logit gaps
    Softmax does not see a common factor, so weights are taken relative to the largest score of a row: all are in (0, 1].
    - [enclosure]            == (lower, upper) of an attention weight, units of 2^-30
    - [relative_exp p top s] == enclosure of exp (s - top), scores in units of 2^-(30 + shift)
    - [both e f]             == enclosure of a product of two weights
    - [upper_term e g], [lower_term e g] == bounds of weight times gap, in the unit of the gap
    - [first_short count claims] == the first query whose count is below the claim
    Soundness: TermsSound. Python mirror: extract/exp_bounds.py, proofs/strategies/terms.py. *)
Local Open Scope uint63_scope.

Definition enclosure : Set := int * int.

(** How many bits of a score lie below 2^-30, and the mask of them. *)
Record precision := Precision { shift : int; mask : int }.

Definition precision_of (bits : nat) : precision :=
  Precision (of_Z (Z.of_nat bits)) (of_Z (2 ^ Z.of_nat bits - 1)).

Definition relative_exp (p : precision) (top s : int) : enclosure :=
  let x := top - s in
  (exp_lower ((x + mask p) >> shift p), exp_upper (x >> shift p)).

Definition row_top (row : list int) : int :=
  match row with
  | [] => 0
  | x :: rest => fold_left smax rest x
  end.

Definition row_enclosures (p : precision) (row : list int) : list enclosure :=
  let top := row_top row in map (relative_exp p top) row.

Definition both (e f : enclosure) : enclosure :=
  ((fst e * fst f) >> 30, (snd e * snd f + 1073741823) >> 30).

Definition upper_term (e : enclosure) (gap : int) : int := scale_up gap (if slt 0 gap then snd e else fst e).

Definition lower_term (e : enclosure) (gap : int) : int := scale_down gap (if slt 0 gap then fst e else snd e).

(** ** Claims of one count per query *)

Fixpoint first_short (count : nat -> int) (q : nat) (claims : list int) : option refusal :=
  match claims with
  | [] => None
  | claim :: rest =>
      if claim =? 0 then first_short count (S q) rest
      else
        let proved := count q in
        if leb claim proved then first_short count (S q) rest
        else Some (Query_short (Z.of_nat q) (to_Z proved) (to_Z claim))
  end.

Definition claimed_total (claims : list int) : Z := fold_right (fun claim rest => to_Z claim + rest)%Z 0%Z claims.

(** One claim for each of [d] queries. *)
Definition claims_length (d : nat) (claims : list int) : bool * refusal :=
  (Nat.eqb (length claims) d, Wrong_number_of_queries (Z.of_nat (length claims)) (Z.of_nat d)).
