(* CompactProofs: Cert: Bands *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Cert.Terms.
Import ListNotations.
(** * Stage "tokens": bands of tokens at growing distance below the largest
    A list "by distance from m" has the entries of m, m - 1, .., 0. Bands cut it into pieces of 2^k entries; the last piece
    that is needed may be shorter. Of a band only a hull is kept: one value that stands for all of its entries.
    - [sizes]                == the lengths of the bands, for exponents k
    - [cut sizes len]        == the lengths of the bands of a list of [len] entries
    - [hulls join sizes l]   == the hull of each band of [l], found by looking at each entry
    - [band_rows join exponents start count row] == the same for m = start, .., start + count - 1 at once, where [row] has the
                                entries of tokens 0, 1, ..: by windows that double, about log d steps for each entry
    - [expand widths l]      == each entry of [l] as often as its band is wide: a list by distance again
    Soundness: BandsSound. Source: docs/max_of_k.md, section 3. Python mirror: proofs/strategies/bands.py. *)

Definition size (exponent : nat) : nat := 2 ^ exponent.

Fixpoint cut (sizes : list nat) (len : nat) : list nat :=
  match sizes with
  | [] => []
  | s :: rest =>
      match len with
      | O => []
      | S _ => Nat.min s len :: cut rest (len - s)
      end
  end.

Definition expand {A : Type} (widths : list nat) (l : list A) : list A :=
  concat (zip_with (fun width x => repeat x width) widths l).

Section Hulls.
  Context {A : Type} (join : A -> A -> A) (nothing : A).

  Fixpoint hulls (sizes : list nat) (l : list A) : list A :=
    match sizes with
    | [] => []
    | s :: rest =>
        match l with
        | [] => []
        | x :: later => fold_left join (firstn (s - 1) later) x :: hulls rest (skipn s l)
        end
    end.

  (** From the hulls of the [step] entries that end at each place to those of twice as many. *)
  Definition double (step : nat) (layer : list A) : list A :=
    firstn step layer ++ zip_with join (skipn step layer) layer.

  (** Entry k is the layer of windows of [step * 2 ^ k] entries. *)
  Fixpoint layers (count step : nat) (layer : list A) : list (list A) :=
    match count with
    | O => [layer]
    | S count' => layer :: layers count' (step + step) (double step layer)
    end.

  (** For m = start, ..: the window that ends [offset] below m. *)
  Definition from_offset (offset start count : nat) (layer : list A) : list A :=
    firstn count (repeat nothing (offset - start) ++ skipn (start - offset) layer).

  Fixpoint columns_of (offset start count : nat) (exponents : list nat) (all : list (list A)) : list (list A) :=
    match exponents with
    | [] => []
    | k :: rest => from_offset offset start count (nth k all []) :: columns_of (offset + size k) start count rest all
    end.

  Fixpoint by_row (count : nat) (columns : list (list A)) : list (list A) :=
    match count with
    | O => []
    | S count' => map (hd nothing) columns :: by_row count' (map (@tl A) columns)
    end.

  Definition band_rows (exponents : list nat) (start count : nat) (row : list A) : list (list A) :=
    by_row count (columns_of 0 start count exponents (layers (list_max exponents) 1 row)).
End Hulls.
