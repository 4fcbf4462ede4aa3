(* CompactProofs: Cert: CountCheck *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Base.Signed63 Cert.Terms.
Import ListNotations.
(** * Counting sequences whose sum of costs stays below zero
    One column of signed costs per position, one entry per token 0 .. m. Counted are the choices of a token at each position
    whose costs, with one more cost [last], add up to less than 0; and, unless [seen], that choose token m somewhere.
    A dynamic programme over positions, on tables of counts: entry j of a table counts the choices that leave at least j of
    the budget unspent.
    - [drop table k]     == the table for a budget smaller by [k]
    - [spread col t]     == one more position, any token
    - [spread_new col f t] == one more position; token m (the last of the column) reads from [t], the others from [f]
    - [passing cols last seen] == the count
    - [passing_mass digits cols last seen] == the count over 2^(digits * positions), units of 2^-50, rounded down
    Soundness: CountSound. Source: docs/max_of_k.md, sections 2 and 3. Python mirror: proofs/strategies/counting.py. *)
Local Open Scope uint63_scope.

Fixpoint drop (table : list int) (k : int) : list int :=
  match table with
  | [] => []
  | _ :: rest => if k =? 0 then table else drop rest (k - 1)
  end.

Fixpoint add_tables (a b : list int) : list int :=
  match a, b with
  | [], _ => b
  | _, [] => a
  | x :: a', y :: b' => x + y :: add_tables a' b'
  end.

Fixpoint spread (column : list int) (t : list int) : list int :=
  match column with
  | [] => []
  | k :: rest => add_tables (drop t k) (spread rest t)
  end.

Fixpoint spread_new (column : list int) (f t : list int) : list int :=
  match column with
  | [] => []
  | k :: rest => match rest with [] => drop t k | _ :: _ => add_tables (drop f k) (spread_new rest f t) end
  end.

(** Tables for all choices, and for those with a token m. *)
Fixpoint ways (columns : list (list int)) (base : list int) : list int * list int :=
  match columns with
  | [] => (base, [])
  | column :: rest => let (t, f) := ways rest base in (spread column t, spread_new column f t)
  end.

Definition head (table : list int) : int := match table with [] => 0 | x :: _ => x end.

Fixpoint look_up (column : list int) (t : list int) : int :=
  match column with
  | [] => 0
  | k :: rest => head (drop t k) + look_up rest t
  end.

Fixpoint look_up_new (column : list int) (f t : list int) : int :=
  match column with
  | [] => 0
  | k :: rest => match rest with [] => head (drop t k) | _ :: _ => head (drop f k) + look_up_new rest f t end
  end.

(** The first position needs one entry of its table only. *)
Definition ways_head (columns : list (list int)) (base : list int) (seen : bool) : int :=
  match columns with
  | [] => if seen then head base else 0
  | column :: rest => let (t, f) := ways rest base in if seen then look_up column t else look_up_new column f t
  end.

Definition row_bottom (row : list int) : int :=
  match row with
  | [] => 0
  | x :: rest => fold_left smin rest x
  end.

(** Longer tables are refused (counted as 0). *)
Definition most_bins : int := 65535.

(** The budget above the smallest costs; from tables that start with [one_choice] at every entry, [count] takes over. *)
Definition passing_with (one_choice : int) (count : list (list int) -> list int -> int) (columns : list (list int)) (last : int) :
  int :=
  let bottoms := map row_bottom columns in
  let budget := 0 - 1 - last - fold_right add 0 bottoms in
  if slt budget 0 then 0
  else if slt most_bins budget then 0
  else
    let costs := zip_with (fun column bottom => map (fun h => h - bottom) column) columns bottoms in
    count costs (repeat one_choice (S (Z.to_nat (to_Z budget)))).

Definition passing (columns : list (list int)) (last : int) (seen : bool) : int :=
  passing_with 1 (fun costs base => ways_head costs base seen) columns last.

(** ** Masses: counts that exceed machine integers, as fractions rounded down
    With d_vocab <= 2^digits, a mass is a count over 2^(digits * positions), in units of 2^-50. *)

Definition mass_unit : int := 1125899906842624. (* 2^50 *)

Definition lighten (digits : int) (table : list int) : list int := map (fun x => x >> digits) table.

Fixpoint masses (digits : int) (columns : list (list int)) (base : list int) : list int * list int :=
  match columns with
  | [] => (base, [])
  | column :: rest =>
      let (t, f) := masses digits rest base in
      (lighten digits (spread column t), lighten digits (spread_new column f t))
  end.

Definition masses_head (digits : int) (columns : list (list int)) (base : list int) (seen : bool) : int :=
  match columns with
  | [] => if seen then head base else 0
  | column :: rest =>
      let (t, f) := masses digits rest base in (if seen then look_up column t else look_up_new column f t) >> digits
  end.

Definition passing_mass (digits : int) (columns : list (list int)) (last : int) (seen : bool) : int :=
  passing_with mass_unit (fun costs base => masses_head digits costs base seen) columns last.

(** The count, or with [digits] > 0 the mass. *)
Definition passing_by (digits : int) (columns : list (list int)) (last : int) (seen : bool) : int :=
  if digits =? 0 then passing columns last seen else passing_mass digits columns last seen.
