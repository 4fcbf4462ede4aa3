(* CompactProofs: Cert: Attention *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Base.Signed63 Base.ExpBounds Base.Matrix Cert.Terms Cert.Bands Cert.Products.
Import ListNotations.
(** * Stage "attention": enclosures of attention weights from bounds of scores
    Of the score of each token there is a lower and an upper bound, up to a number that is the same for all tokens of a row and
    that softmax does not see.
    - [score_row P q]        == those bounds, from the scores' product P
    - [extend state scores]  == weights of more tokens, all relative to the largest score so far: those already there are
                                multiplied by one more exp, so every token costs one exp
    - [token_rows tokens first count weights] == for m = first, .., the weights by bands of distance from m
    Soundness: AttentionSound. Python mirror: proofs/strategies/attention.py. *)
Local Open Scope uint63_scope.

Definition scored : Set := int * int.

Definition score_row (P : product) (q : nat) : list scored :=
  let penalty := nth q (penalties P) 0 in
  map (fun r => (shift_down (product_bits P) r, shift_up (product_bits P) (r + penalty))) (nth q (product_rows P) []).

Record state := State {
  top : int;                    (* the largest upper bound of a score *)
  weights : list enclosure      (* of the tokens so far, relative to [top] *)
}.

Section Weights.
  Context (p : precision).

  Definition weight (t : int) (s : scored) : enclosure :=
    (exp_lower ((t - fst s + mask p) >> shift p), exp_upper ((t - snd s) >> shift p)).

  (** No token yet. *)
  Definition start (row : list scored) : state := State (match row with [] => 0 | s :: _ => snd s end) [].

  Definition extend (st : state) (more : list scored) : state :=
    match more with
    | [] => st
    | _ :: _ =>
        let t := fold_left smax (map snd more) (top st) in
        let factor := relative_exp p t (top st) in
        State t (map (both factor) (weights st) ++ map (weight t) more)
    end.
End Weights.

Inductive tokens_choice := Every | Banded (exponents : list int).

(** Bands of at most 2^12 tokens. *)
Definition exponent_of (k : int) : nat := if leb k 12 then Z.to_nat (to_Z k) else O.

Definition sizes_of (d : nat) (tokens : tokens_choice) : list nat :=
  match tokens with
  | Every => repeat 1%nat d
  | Banded exponents => map (fun k => size (exponent_of k)) exponents
  end.

(** The wider of two weights' enclosures: it holds both. *)
Definition either (e f : enclosure) : enclosure :=
  (if ltb (fst f) (fst e) then fst f else fst e, if ltb (snd e) (snd f) then snd f else snd e).

Definition token_rows (tokens : tokens_choice) (first count : nat) (all : list enclosure) : list (list enclosure) :=
  match tokens with
  | Every => map (fun m => rev (firstn (S m) all)) (seq first count)
  | Banded exponents => band_rows either (0, 0) (map exponent_of exponents) first count all
  end.
