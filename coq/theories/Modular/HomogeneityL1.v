(* CompactProofs: Modular: HomogeneityL1 *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
Import ListNotations.
(** * Every ReLU neuron as one cosine: pairs are compared by two numbers, and looked at closely only near a tie
    For odd p. A neuron j of frequency k has D (L[a,j] + R[b,j]) close to rho_k (a - s b) tau_j (a + s b), since a sum of two
    cosines is a product; and relu (rho tau) = |rho| relu (+-tau), the sign that of rho. So with S = a + s b, delta = a - s b:
      N1 D (value a b S - value a b (S + d)) >= sum_k |rho_k delta| height_k (+-) d S - error a - error' b
    where height_k sums the neurons of frequency k, their outputs again as cosines plus what is left over. The sine and cosine
    tables are those of the certificate; how far they are from obeying the addition theorem, the checker finds out.
    - [worst_product]  == that distance: of 2 C i C j from N0 (C (i+j) + C (j-i)), and of 2 C i S j from N0 (S (i+j) + S (j-i))
    - [group]          == the tables of one frequency: of |rho|, the heights and their minima over S, the errors
    - [margin]         == for delta: the least sum of minima over the d that are not watched; the sums themselves for those
        that are
    - [certain]        == the test of a pair: its errors are below the margin of delta, and below the sums at every watched d;
                          where one of these is not, the two outputs themselves are compared
    - [homogeneity_l1] == counts the pairs that pass. Activations are ReLU, tables of any coefficient s; P and Q count as error
    Cost: O(p m + p^2 K) for K frequencies, plus p K for each watched (delta, d), plus O(m) for each comparison of outputs.
    Main result: [homogeneity_l1_on_sound] in HomogeneityL1Sound. Python mirror: proofs/strategies/modular/homogeneity_l1.py. *)

Record homogeneity_l1_certificate := Homogeneity_l1_certificate {
  trig_scale : Z;                (* N0 *)
  input_scale : Z;               (* t; D = N0^2 t *)
  output_scale : Z;              (* t'; N1 = N0 t' *)
  cosine_table : list Z;         (* N0 cos (2 pi i / p), i < p *)
  sine_table : list Z;
  frequency_list : list Z;       (* the K frequencies *)
  neuron_frequencies : list Z;   (* one of them per neuron *)
  input_cosines : list Z;        (* p_j, q_j: L[a,j] is about (p_j cos wa - q_j sin wa) / t, R[b,j] the same at s b *)
  input_sines : list Z;
  output_cosines : list Z;       (* u_j, v_j: U[c,j] is about (u_j cos wc - v_j sin wc) / t' *)
  output_sines : list Z;
  watched_distances : list (list Z)  (* for each delta the watched d, in 1 .. p-1, increasing *)
}.

Local Open Scope uint63_scope.

Definition table_ints (l : list Z) : list int := map of_Z l.

(** [T] at [z] modulo its length. *)
Definition index (p : nat) (z : Z) : nat := Z.to_nat (z mod Z.of_nat p).
Definition cyclic (p : nat) (T : list int) (z : Z) : int := nth (index p z) T 0.

(** [T] at 0, k, 2k, ... (n - 1) k. *)
Definition table_wave (p : nat) (T : list int) (k : Z) (n : nat) : list int := map (fun x => cyclic p T (k * Z.of_nat x))
  (seq 0 n).

Definition column (A : list (list int)) (j : nat) : list int := map (fun row => nth j row 0) A.

Definition relu : int -> int := activate63 Relu.

(** ** The tables *)

Section Trigonometry.
  Context (p : nat) (n0 : int) (C S : list int).

  (** 2 C i T j - N0 (T (i + j) + T (j - i)) for all j; [T2]: two periods of [T]. *)
  Definition product_gaps (T T2 : list int) (i : nat) : list int :=
    let two := 2 * nth i C 0 in
    zip_with (fun x y => two * x - n0 * y) T (zip_with (fun y z => y + z) (skipn i T2) (skipn (p - i) T2)).

  Definition product_gap_rows : list (list int) :=
    let C2 := table_wave p C 1 (p + p) in
    let S2 := table_wave p S 1 (p + p) in
    map (product_gaps C C2) (seq 0 p) ++ map (product_gaps S S2) (seq 0 p).

  Definition worst_product : int := max_abs product_gap_rows.
End Trigonometry.

(** A neuron: its columns of L, R and U, and its cosines. *)
Record neuron := Neuron {
  neuron_L : list int; neuron_R : list int; neuron_U : list int;
  in_cos : int; in_sin : int; out_cos : int; out_sin : int
}.

(** x c - y s for the entries of two tables. *)
Definition cosine_of (x y : int) (c s : list int) : list int := zip_with (fun c s => x * c - y * s) c s.

Record side := Side { heights : list (list int); least_heights : list int }.

Record group := Group { rho_halves : list int; side_plus : side; side_minus : side; errors_L : list int; errors_R : list int }.

(** No number is above. *)
Definition most : int := 1152921504606846976. (* 2^60 *)

Definition least_of (row : list int) : int := fold_left (fun low x => smin x low) row most.

(** A - C (k c) X + S (k c) Y for all S; [c], [s]: the tables from k d on, c = S + d. *)
Fixpoint height_row (A X Y c s : list int) : list int :=
  match A, X, Y, c, s with
  | a :: A', x :: X', y :: Y', u :: c', v :: s' => (a - u * x + v * y) :: height_row A' X' Y' c' s'
  | _, _, _, _, _ => []
  end.

Section Groups.
  Context (p : nat) (n0 d n1 : int) (C S : list int) (s : Z).

  (** max |N1 U - its cosine|, and N1 U less that. *)
  Definition output_gap (c s : list int) (n : neuron) : int :=
    row_max_abs (zip_with (fun x y => n1 * x - y) (neuron_U n) (cosine_of (out_cos n) (out_sin n) c s)) 0.

  Definition raised (c s : list int) (n : neuron) : list int :=
    let gap := output_gap c s n in map (fun x => n1 * x - gap) (neuron_U n).

  (** [hs]: relu of +-tau, one row per neuron. *)
  Definition side_of (c2 s2 : list int) (ns : list neuron) (raised_rows hs : list (list int)) : side :=
    let A := row_times p (map (fun _ => 1) hs) (zip_with (zip_with (fun h x => h * x)) hs raised_rows) in
    let X := row_times p (map out_cos ns) hs in
    let Y := row_times p (map out_sin ns) hs in
    let rows := map (fun e => height_row A X Y (skipn e c2) (skipn e s2)) (seq 0 p) in
    Side rows (map least_of rows).

  (** |D column - N0 its cosine|. *)
  Definition residual (column c s : list int) (n : neuron) : list int :=
    zip_with (fun x y => absolute (d * x - y)) column (cosine_of (n0 * in_cos n) (n0 * in_sin n) c s).

  (** N1 (max U - min U) at most. *)
  Definition spread (n : neuron) : int := n1 * (2 * row_max_abs (neuron_U n) 0).

  (** [i2]: 1/2 modulo p. *)
  Definition group_of (i2 k : Z) (ns : list neuron) : group :=
    let c2 := table_wave p C k (p + p) in
    let s2 := table_wave p S k (p + p) in
    let c := firstn p c2 in
    let s1 := firstn p s2 in
    let half_c := table_wave p C (k * i2) p in
    let half_s := table_wave p S (k * i2) p in
    let right_c := table_wave p C (k * s) p in
    let right_s := table_wave p S (k * s) p in
    let taus := map (fun n => cosine_of (in_cos n) (in_sin n) half_c half_s) ns in
    let raised_rows := map (raised c s1) ns in
    let spreads := map spread ns in
    Group half_c
      (side_of c2 s2 ns raised_rows (map (map relu) taus))
      (side_of c2 s2 ns raised_rows (map (map (fun x => relu (0 - x))) taus))
      (row_times p spreads (map (fun n => residual (neuron_L n) c s1 n) ns))
      (row_times p spreads (map (fun n => residual (neuron_R n) right_c right_s n) ns)).
End Groups.

(** ** Margins *)

Section Margins.
  Context (p : nat) (gs : list group).

  (** |rho_k delta| and the side of its sign. *)
  Definition rho_weight (delta : nat) (g : group) : int := let x := nth delta (rho_halves g) 0 in absolute (x + x).
  Definition side_at (delta : nat) (g : group) : side := if ltb (nth delta
    (rho_halves g) 0) half then side_plus g else side_minus g.

  (** The least entry of [sums], which starts at [d], but for the watched; these must come in order. *)
  Fixpoint least_unwatched (d : nat) (watched : list nat) (sums : list int) (low : int) : int :=
    match sums with
    | [] => low
    | x :: rest =>
        match watched with
        | [] => least_unwatched (S d) [] rest (smin x low)
        | w :: more => if (d =? w)%nat then least_unwatched (S d) more rest low else least_unwatched (S d) watched rest
          (smin x low)
        end
    end.

  Definition margin (delta : nat) (watched : list nat) : int * list (nat * list int) :=
    let weights := map (rho_weight delta) gs in
    let sides := map (side_at delta) gs in
    let low := least_unwatched 1 watched (tl (row_times p weights (map least_heights sides))) most in
    (low, map (fun d => (d, row_times p weights (map (fun side => nth d (heights side) []) sides))) watched).
End Margins.

(** ** The test of a pair *)

Section Pairs.
  Context (F : form) (margins : list (int * list (nat * list int))).

  (** [l]: the row of L, and the error, of [a]; [r]: of R and of [b]. *)
  Definition certain (a : nat) (l : list int * int) (b : nat) (r : list int * int) : bool :=
    let p := form_order F in
    let delta := answer p (- form_coefficient F) a b in
    let S := form_answer F a b in
    let error := snd l + snd r in
    let '(low, sums) := nth delta margins (0, []) in
    if slt error low then
      match filter (fun watched => negb (slt error (nth S (snd watched) 0))) sums with
      | [] => true
      | near =>
          let h := hidden Relu (fst l) (fst r) in
          let value c := pair_value h (nth c (U_rows F) []) (nth c (nth a (P_rows F) []) 0 + nth c (nth b (Q_rows F) []) 0) in
          let best := value S in
          forallb (fun watched => slt (value (answer p 1 S (fst watched))) best) near
      end
    else false.
End Pairs.

Section Run.
  Context (F : form) (c : homogeneity_l1_certificate).

  Let p := form_order F.
  Definition big_scale : Z := (trig_scale c * trig_scale c * input_scale c)%Z.           (* D *)
  Definition out_scale : Z := (trig_scale c * output_scale c)%Z.                         (* N1 *)
  Definition half_index : Z := ((Z.of_nat p + 1) / 2)%Z.

  Definition neuron_at (j : nat) : neuron :=
    Neuron (column (L_rows F) j) (column (R_rows F) j) (column (U_rows F) j)
      (of_Z (nth j (input_cosines c) 0%Z)) (of_Z (nth j (input_sines c) 0%Z))
      (of_Z (nth j (output_cosines c) 0%Z)) (of_Z (nth j (output_sines c) 0%Z)).

  Definition members (k : Z) : list nat := filter (fun j => Z.eqb (nth j (neuron_frequencies c) 0%Z) k) (seq 0 (form_width F)).

  Definition group_at (k : Z) : group :=
    group_of p (of_Z (trig_scale c)) (of_Z big_scale) (of_Z out_scale) (table_ints (cosine_table c)) (table_ints (sine_table c))
      (form_coefficient F) half_index k (map neuron_at (members k)).

  (** The errors of the rows of a direct table: twice their largest entry. *)
  Definition direct_errors (A : list (list int)) : list int :=
    let factor := of_Z (2 * (out_scale * big_scale)) in map (fun row => factor * row_max_abs row 0) A.

  (** eps N1 sum_j 2 max |U_j| (|p_j| + |q_j|), at most. *)
  Definition input_sum : Z :=
    sumZ (form_width F) (fun j => Z.abs (nth j (input_cosines c) 0%Z) + Z.abs (nth j (input_sines c) 0%Z))%Z.
  Definition product_error (eps : Z) : Z := (out_scale * (2 * largest (U_rows F)) * (eps * input_sum))%Z.

  Definition sum_of (rows : list (list int)) : list int := row_times p (map (fun _ => 1) rows) rows.

  Definition homogeneity_l1 (eps : Z) : Z :=
    let gs := map group_at (frequency_list c) in
    let margins := zip_with (fun delta watched => margin p gs delta (map Z.to_nat watched)) (seq 0 p) (watched_distances c) in
    let constant := of_Z (product_error eps) in
    let left := sum_of (direct_errors (P_rows F) :: map errors_L gs) in
    let right := map (fun x => x + constant) (sum_of (direct_errors (Q_rows F) :: map errors_R gs)) in
    count_pairs (certain F margins) (zip_with pair (L_rows F) left) (zip_with pair (R_rows F) right).

  (** ** Tests *)
  Local Open Scope Z_scope.

  Definition largest_of (l : list Z) : Z := fold_right (fun x top => Z.max (Z.abs x) top) 0 l.

  Definition trig_top : Z := Z.max (largest_of (cosine_table c)) (largest_of (sine_table c)).
  Definition gap_top : Z := 2 * trig_top * trig_top + 2 * trig_scale c * trig_top.
  Definition output_top : Z :=
    out_scale * largest (U_rows F) + (largest_of (output_cosines c) + largest_of (output_sines c)) * trig_top.
  Definition residual_top : Z := big_scale * (largest (L_rows F) + largest (R_rows F)) + trig_scale c * trig_top * input_sum.
  Definition height_top : Z := 2 * trig_top * (trig_top * input_sum * (2 * output_top)).
  Definition error_top (eps : Z) : Z :=
    out_scale * (2 * largest (U_rows F)) *
      (Z.of_nat (form_width F) * big_scale * (largest (L_rows F) + largest (R_rows F))
        + 2 * trig_scale c * trig_top * input_sum) +
    2 * (out_scale * big_scale) * (largest (P_rows F) + largest (Q_rows F)) + product_error eps.

  (** The first that is no frequency; 0 where all are. *)
  Definition wrong_frequency : Z :=
    match find (fun k => negb ((1 <=? k) && (2 * k <? Z.of_nat p))) (frequency_list c) with
    | Some k => k
    | None => 0
    end.

  Definition right_distances (row : list Z) : bool := forallb (fun d => (1 <=? d) && (d <? Z.of_nat p)) row.

  Definition homogeneity_l1_tests (eps : Z) : list (bool * refusal) :=
    let m := form_width F in
    [ (Nat.odd p, Wrong_order (Z.of_nat p));
      (match form_activation F with Relu => true | Square => false end, Wrong_activation);
      (0 <? trig_scale c, Wrong_scale (trig_scale c));
      (0 <? input_scale c, Wrong_scale (input_scale c));
      (0 <? output_scale c, Wrong_scale (output_scale c));
      (length (cosine_table c) =? p, Wrong_table Cosines)%nat;
      (length (sine_table c) =? p, Wrong_table Sines)%nat;
      (forallb (fun k => (1 <=? k) && (2 * k <? Z.of_nat p)) (frequency_list c), Wrong_frequency wrong_frequency);
      ((length (neuron_frequencies c) =? m)%nat &&
        forallb (fun k => (length (filter (Z.eqb k) (frequency_list c)) =? 1)%nat) (neuron_frequencies c), Wrong_table Groups);
      (forallb (fun l => (length l =? m)%nat) [input_cosines c; input_sines c; output_cosines c; output_sines c],
        Wrong_table Amplitudes);
      ((length (watched_distances c) =? p)%nat && forallb right_distances (watched_distances c), Wrong_table Distances);
      (gap_top <=? 2 ^ 60, May_overflow Moments);
      (residual_top <=? 2 ^ 60, May_overflow Residuals);
      (output_top <=? 2 ^ 60, May_overflow Logits);
      (height_top <=? 2 ^ 60, May_overflow Margins);
      (error_top eps <=? 2 ^ 60, May_overflow Margins) ].
End Run.

Definition homogeneity_l1_on (claimed : Z) (F : form) (c : homogeneity_l1_certificate) : outcome :=
  let eps :=
    to_Z (worst_product (form_order F) (of_Z (trig_scale c)) (table_ints (cosine_table c)) (table_ints (sine_table c))) in
  certified F (homogeneity_l1_tests F c eps) (fun _ => homogeneity_l1 F c eps) claimed.
