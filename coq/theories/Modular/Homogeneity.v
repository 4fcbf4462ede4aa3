(* CompactProofs: Modular: Homogeneity *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
Import ListNotations.
(** * Neurons of one frequency collapse to a few terms, each a function of the distance times a function of the answer
    For S = a + s b and e = a - s b (mod p), the neurons of a group k have kinks near
      fit_j(e, S) = sum_i phi_{k,i}(e) t_{j,i}(S),  i < rank,
    so their part of the output of class c is near sum_i phi_{k,i}(e) G_{k,i}(S, c), where
      G_{k,i}(S, c) = sum_{j in k} U'[c,j] t_{j,i}(S).
    The certificate holds ARBITRARY integer tables phi and t. What is left of a pair, dev_j = kink_j - fit_j, is computed and
    bounded by the inequality of Cauchy and Schwarz; the output of the right answer is computed exactly.
    - a kink is relu(D x_j), or |D x_j| = 2 relu(D x_j) - D x_j, the latter with the linear part summed exactly
    - U' = U - centre, one number per neuron, which changes no comparison
    - where the squares of dev_j would not fit, dev_j are taken without their last bits, [hom_dropped]
    - [over_all]    == bounds, over all answers S, of G(S, S) - G(S, S + d): moving a pair along its distance changes little
    - [distance_of] == of a distance, the d that these bounds settle for all its pairs with enough to spare, [hom_levels]
    - [pair_holds]  == the pair has that much to spare, and the other classes are tested one by one
    With good tables nothing is left to be tested one by one: then the work is that of p^2 pairs, not of p^3 outputs.
    Main result: [homogeneity_on_sound] in Modular.HomogeneitySound. Python mirror: proofs/strategies/modular/homogeneity.py. *)

Record homogeneity_certificate := Homogeneity_certificate {
  hom_scale : Z;                 (* D *)
  hom_kink : Z;                  (* 0: relu(D x); otherwise |D x| *)
  hom_rank : Z;                  (* at most 16 *)
  hom_centre : list Z;           (* by neuron *)
  hom_groups : list (list Z);    (* the neurons of each group *)
  hom_distances : list (list Z); (* phi: by distance; by group and i *)
  hom_phases : list (list Z);    (* t: by answer; by group, i and neuron of the group *)
  hom_levels : list Z;           (* by distance *)
  hom_dropped : Z                (* bits that the residuals do without, only their squares have to fit; at most 60 *)
}.

Local Open Scope uint63_scope.

(** ** Sums of products *)

Fixpoint plus_dot (start : int) (x y : list int) : int :=
  match x, y with
  | u :: x', v :: y' => plus_dot (start + u * v) x' y'
  | _, _ => start
  end.

(** Over the entries of all groups. *)
Fixpoint plus_dots (start : int) (x y : list (list int)) : int :=
  match x, y with
  | u :: x', v :: y' => plus_dots (plus_dot start u v) x' y'
  | _, _ => start
  end.

(** [w - f t]. *)
Fixpoint minus_multiple (f : int) (t w : list int) : list int :=
  match t, w with
  | x :: t', y :: w' => (y - f * x) :: minus_multiple f t' w'
  | _, _ => w
  end.

Fixpoint residual (phi : list int) (t : list (list int)) (w : list int) : list int :=
  match phi, t with
  | f :: phi', x :: t' => residual phi' t' (minus_multiple f x w)
  | _, _ => w
  end.

Fixpoint residuals (phi : list (list int)) (t : list (list (list int))) (w : list (list int)) : list (list int) :=
  match phi, t, w with
  | f :: phi', x :: t', y :: w' => residual f x y :: residuals phi' t' w'
  | _, _, _ => w
  end.

(** The least integer whose square is not below [n]. *)
Definition root (n : int) : int := of_Z (Z.sqrt_up (to_Z n)).

Definition root_of_squares (x : list (list int)) : int := root (plus_dots 0 x x).

(** The length of residuals, rounded up: they are divided by 2^dropped and rounded down, which changes the length by at most
    2^dropped times the root of their number, [slack]. *)
Definition size63 (dropped slack : Z) : list (list int) -> int :=
  if (dropped =? 0)%Z then root_of_squares
  else
    let bits := of_Z dropped in
    let low := quarter >> bits in
    let unit := of_Z (2 ^ dropped) in
    let extra := of_Z slack in
    fun x => unit * (root_of_squares (map (map (fun u => ((u + quarter) >> bits) - low)) x) + extra).

Definition nonnegative (x : int) : bool := ltb x half.

Definition row_top (row : list int) : int := match row with [] => 0 | x :: rest => fold_left smax rest x end.

(** ** The certificate in machine integers, by groups *)

Fixpoint chunks {A : Type} (rows columns : nat) (l : list A) : list (list A) :=
  match rows with
  | O => []
  | S rows' => firstn columns l :: chunks rows' columns (skipn columns l)
  end.

Fixpoint by_group {A : Type} (rank : nat) (sizes : list nat) (l : list A) : list (list (list A)) :=
  match sizes with
  | [] => []
  | n :: rest => chunks rank n l :: by_group rank rest (skipn (rank * n)%nat l)
  end.

Definition gather (groups : list (list nat)) (row : list int) : list (list int) :=
  map (map (fun j => nth j row 0)) groups.

(** Starting at entry [n]. *)
Definition rotate {A : Type} (n : nat) (l : list A) : list A := skipn n l ++ firstn n l.

Section Certificate.
  Context (F : form) (c : homogeneity_certificate).
  Let p := form_order F.
  Let m := form_width F.

  Definition hom_rank_of : nat := Z.to_nat (Z.min 16 (hom_rank c)).
  Definition hom_dropped_of : Z := Z.max 0 (Z.min 60 (hom_dropped c)).
  Definition hom_slack : Z := if (hom_dropped_of =? 0)%Z then 0%Z else Z.sqrt_up (Z.of_nat m).
  Definition hom_groups_of : list (list nat) := map (map (fun j => Z.to_nat (Z.min (Z.of_nat m) j))) (hom_groups c).
  Definition hom_sizes : list nat := map (@length nat) hom_groups_of.
  Definition absolute_kink : bool := negb (hom_kink c =? 0)%Z.
  Definition kink63 : int -> int := if absolute_kink then absolute else activate63 Relu.
  Definition hom_factor : Z := if absolute_kink then (2 * hom_scale c)%Z else hom_scale c.

  Definition hom_centred : list (list int) :=
    let centre := map of_Z (hom_centre c) in map (fun u => zip_with (fun x y => x - y) u centre) (U_rows F).

  Definition distance_ints : list (list int) := of_rows 1 (hom_distances c).
  Definition phase_ints : list (list int) := of_rows 1 (hom_phases c).

  Definition scaled_before (rows : list (list int)) : list (list (list int)) :=
    let D := of_Z (hom_scale c) in let groups
      := hom_groups_of in map (fun row => gather groups (map (fun x => D * x) row)) rows.

  Definition outputs_by_group : list (list (list int)) := map (gather hom_groups_of) hom_centred.

  (** ** Tests *)

  Definition kink_top : Z := (hom_scale c * before_top F)%Z.
  Definition dev_top : Z := (kink_top + Z.of_nat hom_rank_of * (largest distance_ints * largest phase_ints))%Z.
  Definition term_top : Z := (Z.of_nat m * (largest hom_centred * largest phase_ints))%Z.
  Definition corner_top_of (phi_top term : Z) : Z :=
    (Z.of_nat (length (hom_groups c)) * (Z.of_nat hom_rank_of * (phi_top * (2 * term))))%Z.
  (** No residual of at most [dev] is above [coarse_of dev] without the bits dropped; the length of m residuals is at most
      [size_of dev], that of the outputs of a class at most [norm_of] of the largest. *)
  Definition coarse_of (dev : Z) : Z := if (hom_dropped_of =? 0)%Z then dev else (dev / 2 ^ hom_dropped_of + 1)%Z.
  Definition norm_of (top : Z) : Z := Z.sqrt_up (Z.of_nat m * (top * top)).
  Definition size_of (dev : Z) : Z := (2 ^ hom_dropped_of * (norm_of (coarse_of dev) + hom_slack))%Z.
  Definition margin_top_of (u_top dev : Z) : Z :=
    (2 * (hom_factor * (largest (P_rows F) + largest (Q_rows F))) + 8 * (Z.of_nat m * (u_top * dev))
      + size_of dev * norm_of u_top + 1)%Z.
  Definition squares_fit (dev : Z) : bool :=
    let coarse := coarse_of dev in
    ((dev <=? 2 ^ 60) && ((Z.of_nat m + 1) * (coarse * coarse) <=? 2 ^ 60) && (size_of dev <=? 2 ^ 60))%Z.
  Definition corner_top : Z := corner_top_of (largest distance_ints) term_top.
  Definition margin_top : Z := margin_top_of (largest hom_centred) dev_top.

  Definition covers : bool :=
    let order := concat (hom_groups c) in
    (length order =? m)%nat && forallb (fun j => existsb (Z.eqb (Z.of_nat j)) order) (seq 0 m).

  Definition levels_fit : bool := forallb (fun z => Z.abs z <=? 2 ^ 60)%Z (hom_levels c).

  Definition hom_tests : list (bool * refusal) :=
    let u_top := largest hom_centred in
    let phi_top := largest distance_ints in
    let t_top := largest phase_ints in
    let before := kink_top in
    let dev := (before + Z.of_nat hom_rank_of * (phi_top * t_top))%Z in
    let term := (Z.of_nat m * (u_top * t_top))%Z in
    [ (match form_activation F with Relu => true | Square => false end, Wrong_activation);
      ((1 <=? hom_scale c)%Z, Wrong_scale (hom_scale c));
      (covers, Wrong_table Groups);
      ((length (hom_centre c) =? m)%nat && rows_fit 1 [hom_centre c], Wrong_table Centre);
      (has_shape p (length (hom_groups c) * hom_rank_of)%nat (hom_distances c) && rows_fit 1 (hom_distances c),
        Wrong_table Distances);
      (has_shape p (hom_rank_of * m)%nat (hom_phases c) && rows_fit 1 (hom_phases c), Wrong_table Phases);
      ((length (hom_levels c) =? p)%nat && levels_fit, Wrong_table Amplitudes);
      ((largest (U_rows F) + largest [map of_Z (hom_centre c)] <=? 2 ^ 60)%Z, May_overflow Centred);
      ((before <=? 2 ^ 60)%Z, May_overflow Before_activation);
      (squares_fit dev, May_overflow Residuals);
      ((Z.of_nat m * (u_top * u_top) <=? 2 ^ 60)%Z, May_overflow Outputs);
      ((2 * term <=? 2 ^ 60)%Z, May_overflow Moments);
      ((corner_top_of phi_top term <=? 2 ^ 60)%Z, May_overflow Band);
      ((margin_top_of u_top dev <=? 2 ^ 60)%Z, May_overflow Margins) ].

  (** ** Tables *)

  (** The linear part by token and class: with the kink |D x| the half of the neurons without kink; and the direct path. *)
  Definition linear_row (outputs : list (list (list int))) (x : list (list int)) (direct : list int) : list int :=
    let factor := of_Z hom_factor in
    if absolute_kink then zip_with (fun u d => plus_dots (factor * d) x u) outputs direct
    else map (fun d => factor * d) direct.
End Certificate.

(** What is known of an answer S: its phases; by class c the terms G(S, c); G(S, S); the outputs of S. *)
Record of_answer := Of_answer {
  its_phases : list (list (list int));
  its_terms : list (list (list int));
  own_terms : list (list int);
  own_outputs : list (list int)
}.

Definition terms_of (phases : list (list (list int))) (u : list (list int)) : list (list int) :=
  zip_with (fun v t => map (plus_dot 0 v) t) u phases.

Definition answer_of (outputs : list (list (list int))) (s : nat) (own : list (list (list int))) : of_answer :=
  let terms := map (terms_of own) outputs in Of_answer own terms (nth s terms []) (nth s outputs []).

(** By d: what class S has more than S + d, term by term. *)
Definition differences (s : nat) (x : of_answer) : list (list (list int)) :=
  let own := own_terms x in map (zip_with (zip_with (fun u v => u - v)) own) (rotate s (its_terms x)).

Definition over_all (f : int -> int -> int) (tables : list (list (list (list int)))) : list (list (list int)) :=
  match tables with
  | [] => []
  | t :: rest => fold_left (zip_with (zip_with (zip_with f))) rest t
  end.

(** A lower bound of the sum of [f] times what lies between [low] and [high]. *)
Fixpoint plus_corner (start : int) (f low high : list int) : int :=
  match f, low, high with
  | x :: f', l :: low', h :: high' => plus_corner (start + x * (if nonnegative x then l else h)) f' low' high'
  | _, _, _ => start
  end.

Fixpoint plus_corners (start : int) (f low high : list (list int)) : int :=
  match f, low, high with
  | x :: f', l :: low', h :: high' => plus_corners (plus_corner start x l h) f' low' high'
  | _, _, _ => start
  end.

(** What is known of a distance e: phi; its level, less one; by d whether the class S + d is settled. *)
Record of_distance := Of_distance { its_factors : list (list int); its_level : int; its_passed : list bool }.

Definition distance_of (low high : list (list (list int))) (phi : list (list int)) (level : int) : of_distance :=
  let start := level - 1 in
  Of_distance phi level
    match low, high with
    | _ :: low', _ :: high' => true :: zip_with (fun l h => nonnegative (plus_corners start phi l h)) low' high'
    | _, _ => []
    end.

(** ** The pairs *)

(** What is known of a token: its scaled numbers before the kink, its linear part and the largest entry of that. *)
Record of_token := Of_token { its_before : list (list int); its_linear : list int; top_linear : int }.

Definition token_of (linear : list (list int) -> list int -> list int) (x : list (list int)) (direct : list int) : of_token :=
  let row := linear x direct in Of_token x row (row_top row).

Section Pairs.
  Context (p : nat) (coefficient : Z) (kink : int -> int) (size : list (list int) -> int).
  Context (answers : list of_answer) (distances : list of_distance) (norms : list int) (top_norm : int).

  (** [best]: the part of the right answer, less one; [s]: the length of the residuals. *)
  Fixpoint others_hold (phi : list (list int)) (best s : int) (passed : list bool) (terms : list (list (list int)))
    (x y norms : list int) : bool :=
    match passed, terms, x, y, norms with
    | settled :: passed', g :: terms', u :: x', v :: y', n :: norms' =>
        if settled then others_hold phi best s passed' terms' x' y' norms'
        else if nonnegative (best - plus_dots (s * n + u + v) phi g) then others_hold phi best s passed' terms' x' y' norms'
        else false
    | _, _, _, _, _ => true
    end.

  Definition default_answer : of_answer := Of_answer [] [] [] [].
  Definition default_distance : of_distance := Of_distance [] 0 [].

  Definition pair_holds (a : nat) (x : of_token) (b : nat) (y : of_token) : bool :=
    let s := answer p coefficient a b in
    let own := nth s answers default_answer in
    let e := nth (answer p (- coefficient) a b) distances default_distance in
    let phi := its_factors e in
    let w := zip_with (zip_with (fun u v => kink (u + v))) (its_before x) (its_before y) in
    let best := plus_dots (nth s (its_linear x) 0 + nth s (its_linear y) 0) (own_outputs own) w in
    let rest := size (residuals phi (its_phases own) w) in
    let other := plus_dots (rest * top_norm + top_linear x + top_linear y) phi (own_terms own) in
    if slt (best - other) (its_level e) then false
    else others_hold phi (best - 1) rest (rotate (p - s)%nat (its_passed e)) (its_terms own) (its_linear x) (its_linear y)
      norms.
End Pairs.

Definition hom_answers (F : form) (c : homogeneity_certificate) (outputs : list (list (list int))) : list of_answer :=
  let rank := hom_rank_of c in
  let sizes := hom_sizes F c in
  zip_with (fun s row => answer_of outputs s (by_group rank sizes row)) (seq 0 (form_order F)) (phase_ints c).

Definition hom_distances_of (F : form) (c : homogeneity_certificate) (answers : list of_answer) : list of_distance :=
  let tables := zip_with differences (seq 0 (form_order F)) answers in
  let low := over_all smin tables in
  let high := over_all smax tables in
  let rank := hom_rank_of c in
  let groups := length (hom_groups c) in
  zip_with (fun row level => distance_of low high (chunks groups rank row) (of_Z level)) (distance_ints c) (hom_levels c).

Definition hom_count (F : form) (c : homogeneity_certificate) : Z :=
  let outputs := outputs_by_group F c in
  let answers := hom_answers F c outputs in
  let distances := hom_distances_of F c answers in
  let norms := map root_of_squares outputs in
  let token := token_of (linear_row c outputs) in
  let size := size63 (hom_dropped_of c) (hom_slack F c) in
  count_pairs (pair_holds (form_order F) (form_coefficient F) (kink63 c) size answers distances norms (row_top norms))
    (zip_with token (scaled_before F c (L_rows F)) (P_rows F))
    (zip_with token (scaled_before F c (R_rows F)) (Q_rows F)).

Definition homogeneity_on (claimed : Z) (F : form) (c : homogeneity_certificate) : outcome :=
  certified F (hom_tests F c) (fun _ => hom_count F c) claimed.
