(* CompactProofs: Modular: Quadrature *)
(* MIT licence. *)
From Coq Require Import ZArith List Arith Bool Uint63.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Signed63 Base.Matrix Cert.Outcome Modular.Form Modular.CosTable.
Import ListNotations.
(** * Sums over the phases of each frequency; for networks with one cosine for each neuron
    The certificate gives tables of cosines and sines (times [quad_unit]) and for each neuron j a frequency k and integers with
      x_j(i) = p_j cos(k i) - q_j sin(k i)  near  quad_input_scale L[i, j]  and  quad_input_scale R[b, j] for i = s b,
      y_j(c) = r_j cos(k c) - s_j sin(k c)  near  quad_output_scale U[c, j].
    Let sigma and delta be the half sum and the half difference of the tokens modulo p. Then x_j(a) + x_j(s b) is near
    2 cos(k delta) x_j(sigma) / quad_unit, and up to factors of delta alone the neurons of a frequency say
      F(sigma, c) = sum_j relu(+- x_j(sigma)) y_j(c) = A(sigma) cos(k c) - B(sigma) sin(k c):
    p steps for each neuron. The least of F(sigma, 2 sigma) - F(sigma, 2 sigma + d) over sigma then serves all pairs. What the
    cosines leave out is added up once.
    - [quadrature_tests F c] == what is asked of a certificate
    - [leads F c g]          == least leads by d of the right answer, in group g: for positive and for negative cos(k delta)
    - [needed F c]           == what the sum over the groups must be above
    - [quadrature_count F c] == the pairs whose half difference has a large enough sum
    Main result in Modular.QuadratureSound. Python mirror: proofs/strategies/modular/quadrature.py. *)

Record quadrature_certificate := Quadrature_certificate {
  quad_unit : Z;
  quad_tolerance : Z;
  quad_input_scale : Z;
  quad_output_scale : Z;
  quad_shift : Z;             (* leads are in units of 2^quad_shift *)
  quad_cosines : list Z;      (* p *)
  quad_sines : list Z;        (* p *)
  quad_frequencies : list Z;  (* one for each group *)
  quad_groups : list Z;       (* of each neuron *)
  quad_input_cosines : list Z;
  quad_input_sines : list Z;
  quad_output_cosines : list Z;
  quad_output_sines : list Z
}.

(** ** Sizes, over the integers *)
Local Open Scope Z_scope.

Definition size_of (u v : list Z) (j : nat) : Z := Z.abs (nth j u 0) + Z.abs (nth j v 0).
Definition input_size (c : quadrature_certificate) : nat -> Z := size_of (quad_input_cosines c) (quad_input_sines c).
Definition output_size (c : quadrature_certificate) : nat -> Z := size_of (quad_output_cosines c) (quad_output_sines c).

Definition sum_over {A : Type} (f : A -> Z) : list A -> Z :=
  fix sum l := match l with [] => 0 | x :: rest => f x + sum rest end.

Definition neurons (F : form) : list nat := seq 0 (form_width F).

(** [weights]: the largest output weight. *)
Definition input_bound (F : form) (c : quadrature_certificate) (weights : Z) : Z :=
  let left := quad_input_scale c * Z.max (largest (L_rows F)) (largest (R_rows F)) in
  let most := 1 + weights in
  sum_over (fun j => most * (left + input_size c j * quad_unit c)) (neurons F).

Definition moment_bound (F : form) (c : quadrature_certificate) (weights : Z) : Z :=
  let output := quad_output_scale c * weights in
  4 * sum_over (fun j => (1 + input_size c j * quad_unit c) * (output + output_size c j * quad_unit c)) (neurons F).

Definition leads_bound (c : quadrature_certificate) (moments : Z) : Z :=
  Z.of_nat (length (quad_frequencies c)) * quad_unit c * (moments + 2 ^ quad_shift c).

Definition input_top (F : form) (c : quadrature_certificate) : Z := input_bound F c (largest (U_rows F)).
Definition moment_top (F : form) (c : quadrature_certificate) : Z := moment_bound F c (largest (U_rows F)).
Definition lead_top (F : form) (c : quadrature_certificate) : Z := leads_bound c (moment_top F c).

(** ** Tests *)

Definition scale_test (low top scale : Z) : bool * refusal := ((low <=? scale) && (scale <=? top), Wrong_scale scale).

Definition frequency_test (p : nat) (frequencies : list Z) : bool * refusal :=
  match find (fun k => negb ((1 <=? k) && (k <=? Z.of_nat p / 2))) frequencies with
  | None => (true, Wrong_frequency 0)
  | Some k => (false, Wrong_frequency k)
  end.

Definition quadrature_tests (F : form) (c : quadrature_certificate) : list (bool * refusal) :=
  let p := form_order F in
  let m := form_width F in
  let unit := quad_unit c in
  let groups := Z.of_nat (length (quad_frequencies c)) in
  let is_width (l : list Z) := Nat.eqb (length l) m in
  let weights := largest (U_rows F) in
  let moments := moment_bound F c weights in
  let shifted := scale_test 0 61 (quad_shift c) in (* where it fails, 2 ^ quad_shift is not worked out *)
  [ (Nat.odd p, Wrong_order (Z.of_nat p));
    (match form_activation F with Relu => true | Square => false end, Wrong_activation);
    scale_test 1 (2 ^ 28) unit;
    scale_test 1 (2 ^ 60) (quad_input_scale c);
    scale_test 1 (2 ^ 60) (quad_output_scale c);
    scale_test 0 (2 ^ 60) (quad_tolerance c);
    shifted;
    (in_table p unit (quad_cosines c), Wrong_table Cosines);
    (in_table p unit (quad_sines c), Wrong_table Sines);
    frequency_test p (quad_frequencies c);
    (is_width (quad_groups c) && forallb (fun g => (0 <=? g) && (g <? groups)) (quad_groups c), Wrong_table Groups);
    (is_width (quad_input_cosines c) && is_width (quad_input_sines c) &&
       (is_width (quad_output_cosines c) && is_width (quad_output_sines c)), Wrong_table Amplitudes);
    (products_hold p unit (quad_tolerance c) (quad_cosines c) (quad_cosines c) &&
       products_hold p unit (quad_tolerance c) (quad_cosines c) (quad_sines c), Wrong_table Angles);
    (input_bound F c weights <=? 2 ^ 60, May_overflow Residuals);
    (moments <=? 2 ^ 60, May_overflow Moments);
    (if fst shifted then leads_bound c moments <=? 2 ^ (60 + quad_shift c) else false, May_overflow Margins) ].

(** ** Waves *)
Local Open Scope uint63_scope.

(** u cos - v sin, for a row of cosines and one of sines. *)
Definition wave (u v : int) (cosine sine : list int) : list int := zip_with (fun x y => u * x - v * y) cosine sine.

(** For each group: cosines and sines at the multiples of its frequency. *)
Definition waves (F : form) (c : quadrature_certificate) : list (list int * list int) :=
  let cosines := map of_Z (quad_cosines c) in
  let sines := map of_Z (quad_sines c) in
  map (fun k => let places := multiples (form_order F) k in (turned cosines places, turned sines places)) (quad_frequencies c).

Definition group_of (c : quadrature_certificate) (j : nat) : nat := Z.to_nat (nth j (quad_groups c) 0%Z).

(** For each neuron: its wave, with the coefficients [u] and [v]. *)
Definition neuron_waves (F : form) (c : quadrature_certificate) (of_groups : list (list int * list int)) (u v : list Z) :
    list (list int) :=
  map (fun j =>
    let w := nth (group_of c j) of_groups ([], []) in
    wave (of_Z (nth j u 0%Z)) (of_Z (nth j v 0%Z)) (fst w) (snd w)) (neurons F).

Fixpoint transpose (columns : nat) (rows : list (list int)) : list (list int) :=
  match rows with
  | [] => repeat [] columns
  | row :: rest => zip_with cons row (transpose columns rest)
  end.

Definition residual (scale : int) (column near : list int) : list int :=
  zip_with (fun x y => absolute (scale * x - y)) column near.

Definition residuals (F : form) (scale : int) (columns nears : list (list int)) : list (list int) :=
  map (fun j => residual scale (nth j columns []) (nth j nears [])) (neurons F).

Definition row_top (row : list int) : int := row_max_abs row 0.

(** Sum over some neurons of a weight of each times its row. *)
Definition weighted (p : nat) (weights : list int) (rows : list (list int)) (some : list nat) : list int :=
  row_times p (map (fun j => nth j weights 0) some) (map (fun j => nth j rows []) some).

(** ** Leads of a group *)

Definition positive (x : int) : int := if ltb x half then x else 0.
Definition negative (x : int) : int := if ltb x half then 0 else 0 - x.

Fixpoint least_rows (rows : list (list int)) : list int :=
  match rows with
  | [] => []
  | [row] => row
  | row :: rest => zip_with smin row (least_rows rest)
  end.

(** By d: F(sigma, 2 sigma) - F(sigma, 2 sigma + d), where [values] has F(sigma, c) by c. *)
Definition lead_row (twice : nat) (values : list int) : list int :=
  let row := rotated twice values in
  let best := hd 0 row in
  map (fun x => best - x) row.

Definition group_leads (p : nat) (shift slack : int) (twice : list nat) (w : list int * list int) (A B : list int) : list int :=
  let values := zip_with (fun x y => wave x y (fst w) (snd w)) A B in
  map (fun x => shift_down shift (x - slack)) (least_rows (zip_with lead_row twice values)).

(** The neurons of a group. *)
Definition members (F : form) (c : quadrature_certificate) (g : nat) : list nat :=
  filter (fun j => Nat.eqb (group_of c j) g) (neurons F).

Definition leads (F : form) (c : quadrature_certificate) (of_groups : list (list int * list int))
    (rs ss : list int) (active inactive left_out : list (list int)) (tops : list int) (g : nat) : list int * list int :=
  let p := form_order F in
  let some := members F c g in
  let w := nth g of_groups ([], []) in
  let slack := row_top (weighted p tops left_out some) in
  let both := slack + slack in
  let shift := of_Z (quad_shift c) in
  let twice := multiples p 2 in
  (group_leads p shift both twice w (weighted p rs active some) (weighted p ss active some),
   group_leads p shift both twice w (weighted p rs inactive some) (weighted p ss inactive some)).

Definition all_leads (F : form) (c : quadrature_certificate) (of_groups : list (list int * list int)) (inputs :
  list (list int)) :
    list (list int * list int) :=
  let outputs := neuron_waves F c of_groups (quad_output_cosines c) (quad_output_sines c) in
  let left_out := residuals F (of_Z (quad_output_scale c)) (transpose (form_width F) (U_rows F)) outputs in
  let rs := map of_Z (quad_output_cosines c) in
  let ss := map of_Z (quad_output_sines c) in
  let active := map (map positive) inputs in
  let inactive := map (map negative) inputs in
  let tops := map row_top inputs in
  map (leads F c of_groups rs ss active inactive left_out tops) (seq 0 (length (quad_frequencies c))).

(** ** What the cosines leave out of the inputs *)

Definition needed (F : form) (c : quadrature_certificate) (inputs : list (list int)) : Z :=
  let p := form_order F in
  let m := form_width F in
  let tops := map row_top (transpose m (U_rows F)) in
  let scale := of_Z (quad_input_scale c) in
  let places := multiples p (form_coefficient F) in
  let second := map (fun row => turned row places) inputs in
  let first_out := row_top (weighted p tops (residuals F scale (transpose m (L_rows F)) inputs) (neurons F)) in
  let second_out := row_top (weighted p tops (residuals F scale (transpose m (R_rows F)) second) (neurons F)) in
  let sizes := sum_over (fun j => to_Z (nth j tops 0%uint63) * input_size c j)%Z (neurons F) in
  let direct := (largest (P_rows F) + largest (Q_rows F))%Z in
  (quad_output_scale c * (quad_tolerance c * sizes + quad_unit c * (to_Z first_out + to_Z second_out) +
    quad_input_scale c * quad_unit c * direct) / 2 ^ quad_shift c)%Z.

(** ** Counting *)

(** The sum over the groups of |cos (k delta)| times their leads, by d. *)
Definition total_leads (p : nat) (of_groups : list (list int * list int)) (all : list (list int * list int)) (delta : nat) :
    list int :=
  row_times p
    (map (fun w => absolute (nth delta (fst w) 0)) of_groups)
    (zip_with (fun w two => if ltb (nth delta (fst w) 0) half then fst two else snd two) of_groups all).

(** For each half difference: every lead but that of the right answer on itself is large enough. *)
Definition enough (F : form) (c : quadrature_certificate) : list bool :=
  let p := form_order F in
  let of_groups := waves F c in
  let inputs := neuron_waves F c of_groups (quad_input_cosines c) (quad_input_sines c) in
  let all := all_leads F c of_groups inputs in
  let least := needed F c inputs in
  if (least <=? 2 ^ 60)%Z
  then
    let least := of_Z least in
    map (fun delta => forallb (slt least) (tl (total_leads p of_groups all delta))) (seq 0 p)
  else [].

Definition half_difference (F : form) (a b : nat) : nat :=
  let p := Z.of_nat (form_order F) in
  Z.to_nat (((p + 1) / 2 * (Z.of_nat a - form_coefficient F * Z.of_nat b)) mod p).

Definition quadrature_count (F : form) (c : quadrature_certificate) : Z :=
  let good := enough F c in
  count_pairs (fun a _ b _ => nth (half_difference F a b) good false) (L_rows F) (R_rows F).

Definition quadrature_on (claimed : Z) (F : form) (c : quadrature_certificate) : outcome :=
  certified F (quadrature_tests F c) (fun _ => quadrature_count F c) claimed.
