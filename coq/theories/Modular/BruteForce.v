(* CompactProofs: Modular: BruteForce *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Bool.
From CompactProofs Require Import Base.Signed63 Cert.Outcome Modular.Form.
Import ListNotations.
(** * Brute force: every output of every pair
    The output of the right answer first, then the others, until one is not strictly below it. So the count is exact.
    - [pair_right F a x b y] == the pair (a, b) is answered right; [x], [y]: its rows of L and P, and of R and Q
    - [brute_force_count F]  == the number of right pairs
    The certificate is empty. Main results: [modular_brute_force_on_sound], [modular_brute_force_exact_on_sound] in
    Modular.BruteForceSound. Python mirror: proofs/strategies/modular/brute_force.py. *)
Local Open Scope uint63_scope.

Inductive modular_brute_force_certificate := Modular_brute_force_certificate.

Section Outputs.
  Context (h : list int) (best : int).  (* the activations; the output of the right answer *)

  Fixpoint all_below (U : list (list int)) (P Q : list int) : bool :=
    match U, P, Q with
    | u :: U', x :: P', y :: Q' => if slt (pair_value h u (x + y)) best then all_below U' P' Q' else false
    | _, _, _ => true
    end.

  (** All but output [s]. *)
  Fixpoint others_below (s : nat) (U : list (list int)) (P Q : list int) : bool :=
    match U, P, Q with
    | u :: U', x :: P', y :: Q' =>
        match s with
        | O => all_below U' P' Q'
        | S s' => if slt (pair_value h u (x + y)) best then others_below s' U' P' Q' else false
        end
    | _, _, _ => true
    end.
End Outputs.

Definition pair_right (F : form) (a : nat) (x : list int * list int) (b : nat) (y : list int * list int) : bool :=
  let h := hidden (form_activation F) (fst x) (fst y) in
  let s := form_answer F a b in
  let best := pair_value h (nth s (U_rows F) []) (nth s (snd x) 0 + nth s (snd y) 0) in
  others_below h best s (U_rows F) (snd x) (snd y).

Definition brute_force_count (F : form) : Z :=
  count_pairs (pair_right F) (combine (L_rows F) (P_rows F)) (combine (R_rows F) (Q_rows F)).

(** At least [claimed] pairs are right. *)
Definition modular_brute_force_on (claimed : Z) (F : form) (c : modular_brute_force_certificate) : outcome :=
  certified F [] (fun _ => brute_force_count F) claimed.

(** Exactly [claimed] are. *)
Definition modular_brute_force_exact_on (claimed : Z) (F : form) (c : modular_brute_force_certificate) : outcome :=
  match first_failure (form_tests F) with
  | Some why => Refused why
  | None =>
      let right := brute_force_count F in
      let inputs := (Z.of_nat (form_order F) * Z.of_nat (form_order F))%Z in
      outcome_of (first_failure [ ((right =? claimed)%Z, Total_differs right (inputs - right) inputs claimed) ])
  end.
