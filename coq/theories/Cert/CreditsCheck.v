(* CompactProofs: Cert: CreditsCheck *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Base.Signed63 Cert.Terms.
Import ListNotations.
(** * Stage "counting": sequences whose sum of costs is below zero, or at most zero
    A column of signed costs per free position, by bands of distance from the largest token m (Bands): the first entry is that
    of m. Counted are the choices of a token at each position whose costs, with the cost [last] of the last position, add up
    to less than 0 ([strict]) or to at most 0; and, unless [seen], that choose m somewhere.
    Costs are made multiples of a unit so that about [resolution] of them matter, rounded up. The credit of a token is what it
    costs less than the dearest one of its position. A choice passes when its credits reach what is needed: the dearest costs
    of all positions and [last]. A dynamic programme over positions counts: entry j of a table is the number of choices whose
    credits reach [needed - j]; the last entry, for a need of 0, stands for all needs below as well.
    - [spend table k]      == the table for needs that are smaller by k
    - [count_by count ..]  == the costs rounded, and what [count] says of them
    - [count_choices ..]   == the number of choices, or a number below it
    With digits > 0 tables hold masses: counts over 2^(digits * positions), units of 2^-50, rounded down, for counts that do
    not fit machine integers (2^digits >= tokens).
    Soundness: CreditsSound. Source: docs/max_of_k.md, sections 3 to 5. Python mirror: proofs/strategies/counting.py. *)
Local Open Scope uint63_scope.

(** Never drops the last entry. *)
Fixpoint spend (table : list int) (k : int) {struct table} : list int :=
  match table with
  | [] => []
  | _ :: rest =>
      match rest with
      | [] => table
      | _ :: _ => if k =? 0 then table else spend rest (k - 1)
      end
  end.

(** [width] times [a], which goes on with its last entry, plus [b]. *)
Fixpoint add_table (width : int) (a b : list int) {struct b} : list int :=
  match b with
  | [] => []
  | y :: b' =>
      match a with
      | [] => []
      | x :: a' => width * x + y :: add_table width (match a' with [] => a | _ :: _ => a' end) b'
      end
  end.

Fixpoint spread (widths credits : list int) (table zeros : list int) : list int :=
  match widths, credits with
  | width :: widths', k :: credits' => add_table width (spend table k) (spread widths' credits' table zeros)
  | _, _ => zeros
  end.

Definition lighten (digits : int) (table : list int) : list int :=
  if digits =? 0 then table else map (fun x => x >> digits) table.

(** Tables for all choices, and for those with m: at m all choices of the other positions count. *)
Fixpoint tables_of_choices (digits : int) (widths : list int) (columns : list (list int)) (base zeros : list int) :
  list int * list int :=
  match columns with
  | [] => (base, zeros)
  | column :: rest =>
      let (every, new) := tables_of_choices digits widths rest base zeros in
      match widths, column with
      | _ :: widths', k :: credits =>
          let at_m := spend every k in
          (lighten digits (add_table 1 at_m (spread widths' credits every zeros)),
           lighten digits (add_table 1 at_m (spread widths' credits new zeros)))
      | _, _ => (zeros, zeros)
      end
  end.

Definition first (table : list int) : int := match table with [] => 0 | x :: _ => x end.

Fixpoint look_up (widths credits : list int) (table : list int) : int :=
  match widths, credits with
  | width :: widths', k :: credits' => width * first (spend table k) + look_up widths' credits' table
  | _, _ => 0
  end.

(** The first position needs one entry of its table only. *)
Definition entry_of_choices (digits : int) (widths : list int) (columns : list (list int)) (base zeros : list int)
  (seen : bool) : int :=
  match columns with
  | [] => if seen then first base else 0
  | column :: rest =>
      let (every, new) := tables_of_choices digits widths rest base zeros in
      match widths, column with
      | _ :: widths', k :: credits =>
          (first (spend every k) + look_up widths' credits (if seen then every else new)) >> digits
      | _, _ => 0
      end
  end.

(** Longer tables are refused (counted as 0). *)
Definition most_bins : Z := 65535.

Definition one_choice (digits : int) : int := if digits =? 0 then 1 else 1125899906842624. (* 2^50 *)

Definition row_largest (row : list int) : int := match row with [] => 0 | x :: rest => fold_left smax rest x end.

Definition signed_sum (row : list int) : Z := fold_right (fun x rest => (signed x + rest)%Z) 0%Z row.

(** The number of choices that an entry stands for. *)
Definition choices (digits : int) (positions : nat) (x : int) : Z :=
  if digits =? 0 then to_Z x else (to_Z x * 2 ^ (to_Z digits * Z.of_nat positions) / 2 ^ 50)%Z.

(** A scale (over 2^30) that makes [need] about [resolution]. *)
Definition scale_of (resolution need : Z) : Z := Z.min (2 ^ 30) (resolution * 2 ^ 30 / need).

(** What [count] says of the credits of all positions and of what they must reach.
    [base]: the band whose cost is subtracted from the others' of its position before they are rounded.
    [strictness]: 1 for sums below 0, 0 for sums of at most 0. [every]: the number of all choices to be counted from. *)
Definition count_by (count : Z -> list (list int) -> Z) (strictness : Z) (resolution : int) (base : nat)
  (columns : list (list int)) (last : int) (every : Z) : Z :=
  let bases := map (fun column => nth base column 0) columns in
  let fixed := (signed last + signed_sum bases)%Z in
  let lifted := zip_with (fun column b => map (fun h => h - b) column) columns bases in
  let need := (signed_sum (map row_largest lifted) + fixed + strictness)%Z in
  if (need <=? 0)%Z then every
  else
    let scale := scale_of (to_Z resolution) need in
    if (scale <=? 0)%Z then 0%Z
    else
      let factor := of_Z scale in
      let scaled := map (map (fun h => scale_up h factor)) lifted in
      let tops := map row_largest scaled in
      let needed := (signed_sum tops - (- (scale * fixed) / 2 ^ 30) + strictness)%Z in
      if (needed <=? 0)%Z then every
      else if (most_bins <? needed)%Z then 0%Z
      else count needed (zip_with (fun column top => map (fun h => top - h) column) scaled tops).

Definition count_choices (digits : int) (strictness : Z) (resolution : int) (widths : list int) (base : nat)
  (columns : list (list int)) (last : int) (seen : bool) (every : Z) : Z :=
  count_by
    (fun needed credits =>
      let zeros := repeat 0 (S (Z.to_nat needed)) in
      let start := repeat 0 (Z.to_nat needed) ++ [one_choice digits] in
      choices digits (length columns) (entry_of_choices digits widths credits start zeros seen))
    strictness resolution base columns last every.
