(* CompactProofs: Cert: WeightedCredits *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Cert.CreditsCheck.
Import ListNotations.
(** * Stage "counting" where tokens are not equally likely: weights in the tables in place of counts
    Odds are the weights of tokens at one position, by distance from the largest token m: those of m, m - 1, .., 0. An entry of
    a table is the weight of the choices whose credits reach what is needed. It must stay below 2^62, so before it goes on to a
    position it is rounded down to a multiple of 2^k, with a k that the odds of that position make small; all k are 0 where all
    weights together fit.
    - [shifts before sums]   == the k of each position, from the sums of odds; and a bound of what is left of the entries
    - [weight_of_choices ..] == the weight of the choices whose credits reach [needed], or a number below it
    Soundness: WeightedCreditsSound. Python mirror: proofs/strategies/counting.py. *)

(** The entries are at most [full], and go on to odds that add up to [before]. *)
Definition shift_for (full before : Z) : Z :=
  if (full * before <? 2 ^ 62)%Z then 0%Z else (Z.log2 full + Z.log2 before - 60)%Z.

Fixpoint shifts (before : Z) (sums : list Z) : list int * Z :=
  match sums with
  | [] => ([], 1%Z)
  | sum :: rest =>
      let (later, bound) := shifts sum rest in
      let k := shift_for (bound * sum) before in
      (of_Z k :: later, (bound * sum / 2 ^ k)%Z)
  end.

Local Open Scope uint63_scope.

(** Tables for all choices, and for those with m: at m all choices of the other positions count. *)
Fixpoint tables_of_weights (ks : list int) (odds credits : list (list int)) (base zeros : list int) : list int * list int :=
  match ks, odds, credits with
  | k :: ks', row :: odds', column :: credits' =>
      let (every, new) := tables_of_weights ks' odds' credits' base zeros in
      match row, column with
      | of_m :: others, credit :: rest =>
          let at_m := spend every credit in
          (lighten k (add_table of_m at_m (spread others rest every zeros)),
           lighten k (add_table of_m at_m (spread others rest new zeros)))
      | _, _ => (zeros, zeros)
      end
  | _, _, _ => (base, zeros)
  end.

(** The first position needs one entry of its table only. *)
Definition entry_of_weights (ks : list int) (odds credits : list (list int)) (base zeros : list int) (seen : bool) : int :=
  match ks, odds, credits with
  | k :: ks', row :: odds', column :: credits' =>
      let (every, new) := tables_of_weights ks' odds' credits' base zeros in
      match row, column with
      | of_m :: others, credit :: rest =>
          (of_m * first (spend every credit) + look_up others rest (if seen then every else new)) >> k
      | _, _ => 0
      end
  | _, _, _ => if seen then first base else 0
  end.

Definition dropped (ks : list int) : Z := fold_right (fun k rest => (to_Z k + rest)%Z) 0%Z ks.

Definition weight_of_choices (ks : list int) (odds : list (list int)) (seen : bool) (needed : Z) (credits : list (list int)) :
  Z :=
  let zeros := repeat 0 (S (Z.to_nat needed)) in
  let start := repeat 0 (Z.to_nat needed) ++ [1] in
  (to_Z (entry_of_weights ks odds credits start zeros seen) * 2 ^ dropped ks)%Z.
