(* CompactProofs: Modular: Length: HomogeneityL1Counted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
From CompactProofs Require Import Modular.HomogeneityL1.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted.
From CompactProofs Require Import Modular.Length.FormCounted Modular.Length.ListsCounted.
Import ListNotations.
(** * homogeneity_l1 on a form, counted
    Twins of Modular.HomogeneityL1 with their values; see Length.Counted. How many operations they take:
    Modular.Length.HomogeneityL1Length. *)
Local Open Scope uint63_scope.

(** ** Tables *)

Definition table_ints_counted (l : list Z) : counted (list int) := map_counted (fun z => once (of_Z z)) l.

Definition table_wave_counted (p : nat) (T : list int) (k : Z) (n : nat) : counted (list int) :=
  map_counted (fun x => let* i := several 5 (index p (k * Z.of_nat x)) in free (nth i T 0)) (seq 0 n).

Definition relu_counted : int -> counted int := activate63_counted Relu.

Definition product_gaps_counted (p : nat) (n0 : int) (C T T2 : list int) (i : nat) : counted (list int) :=
  let* two := once (2 * nth i C 0) in
  let* back := once (p - i)%nat in
  let* sums := zip_counted (fun y z => once (y + z)) (skipn i T2) (skipn back T2) in
  zip_counted (fun x y => several 3 (two * x - n0 * y)) T sums.

Definition product_gap_rows_counted (p : nat) (n0 : int) (C S : list int) : counted (list (list int)) :=
  let* n := once (p + p)%nat in
  let* C2 := table_wave_counted p C 1 n in
  let* n' := once (p + p)%nat in
  let* S2 := table_wave_counted p S 1 n' in
  let* cosines := map_counted (product_gaps_counted p n0 C C C2) (seq 0 p) in
  let* sines := map_counted (product_gaps_counted p n0 C S S2) (seq 0 p) in
  free (cosines ++ sines).

Definition worst_product_counted (p : nat) (n0 : int) (C S : list int) : counted int :=
  let* rows := product_gap_rows_counted p n0 C S in max_abs_counted rows.

Definition cosine_of_counted (x y : int) (c s : list int) : counted (list int) :=
  zip_counted (fun c s => several 3 (x * c - y * s)) c s.

Definition least_of_counted (row : list int) : counted int := fold_left_counted (fun low x => smin_counted x low) row most.

Fixpoint height_row_counted (A X Y c s : list int) : counted (list int) :=
  match A, X, Y, c, s with
  | a :: A', x :: X', y :: Y', u :: c', v :: s' =>
      let* h := several 4 (a - u * x + v * y) in
      let* rest := height_row_counted A' X' Y' c' s' in
      free (h :: rest)
  | _, _, _, _, _ => free []
  end.

(** ** Groups *)

Section Groups.
  Context (p : nat) (n0 d n1 : int) (C S : list int) (s : Z).

  Definition output_gap_counted (c s : list int) (n : neuron) : counted int :=
    let* wave := cosine_of_counted (out_cos n) (out_sin n) c s in
    let* gaps := zip_counted (fun x y => several 2 (n1 * x - y)) (neuron_U n) wave in
    row_max_abs_counted gaps 0.

  Definition raised_counted (c s : list int) (n : neuron) : counted (list int) :=
    let* gap := output_gap_counted c s n in map_counted (fun x => several 2 (n1 * x - gap)) (neuron_U n).

  Definition side_of_counted (c2 s2 : list int) (ns : list neuron) (raised_rows hs : list (list int)) : counted side :=
    let* products := zip_counted (zip_counted (fun h x => once (h * x))) hs raised_rows in
    let* A := row_times_counted p (map (fun _ => 1) hs) products in
    let* X := row_times_counted p (map out_cos ns) hs in
    let* Y := row_times_counted p (map out_sin ns) hs in
    let* rows := map_counted (fun e => height_row_counted A X Y (skipn e c2) (skipn e s2)) (seq 0 p) in
    let* least := map_counted least_of_counted rows in
    free (Side rows least).

  Definition residual_counted (column c s : list int) (n : neuron) : counted (list int) :=
    let* x := once (n0 * in_cos n) in
    let* y := once (n0 * in_sin n) in
    let* wave := cosine_of_counted x y c s in
    zip_counted (fun x y => let* z := several 2 (d * x - y) in absolute_counted z) column wave.

  Definition spread_counted (n : neuron) : counted int :=
    let* top := row_max_abs_counted (neuron_U n) 0 in several 2 (n1 * (2 * top)).

  Definition group_of_counted (i2 k : Z) (ns : list neuron) : counted group :=
    let* both := once (p + p)%nat in
    let* c2 := table_wave_counted p C k both in
    let* both' := once (p + p)%nat in
    let* s2 := table_wave_counted p S k both' in
    let c := firstn p c2 in
    let s1 := firstn p s2 in
    let* h := once (k * i2)%Z in
    let* half_c := table_wave_counted p C h p in
    let* h' := once (k * i2)%Z in
    let* half_s := table_wave_counted p S h' p in
    let* r := once (k * s)%Z in
    let* right_c := table_wave_counted p C r p in
    let* r' := once (k * s)%Z in
    let* right_s := table_wave_counted p S r' p in
    let* taus := map_counted (fun n => cosine_of_counted (in_cos n) (in_sin n) half_c half_s) ns in
    let* raised_rows := map_counted (raised_counted c s1) ns in
    let* spreads := map_counted spread_counted ns in
    let* above := map_counted (map_counted relu_counted) taus in
    let* plus := side_of_counted c2 s2 ns raised_rows above in
    let* below := map_counted (map_counted (fun x => let* minus := once (0 - x) in relu_counted minus)) taus in
    let* minus := side_of_counted c2 s2 ns raised_rows below in
    let* of_L := map_counted (fun n => residual_counted (neuron_L n) c s1 n) ns in
    let* L_errors := row_times_counted p spreads of_L in
    let* of_R := map_counted (fun n => residual_counted (neuron_R n) right_c right_s n) ns in
    let* R_errors := row_times_counted p spreads of_R in
    free (Group half_c plus minus L_errors R_errors).
End Groups.

(** ** Margins *)

Definition rho_weight_counted (delta : nat) (g : group) : counted int :=
  let x := nth delta (rho_halves g) 0 in let* both := once (x + x) in absolute_counted both.

Definition side_at_counted (delta : nat) (g : group) : counted side :=
  let* plus := once (ltb (nth delta (rho_halves g) 0) half) in free (if plus then side_plus g else side_minus g).

Fixpoint least_unwatched_counted (d : nat) (watched : list nat) (sums : list int) (low : int) : counted int :=
  match sums with
  | [] => free low
  | x :: rest =>
      match watched with
      | [] => let* less := smin_counted x low in least_unwatched_counted (S d) [] rest less
      | w :: more =>
          let* here := once (d =? w)%nat in
          if here then least_unwatched_counted (S d) more rest low
          else let* less := smin_counted x low in least_unwatched_counted (S d) watched rest less
      end
  end.

Definition margin_counted (p : nat) (gs : list group) (delta : nat) (watched : list nat) :
  counted (int * list (nat * list int)) :=
  let* weights := map_counted (rho_weight_counted delta) gs in
  let* sides := map_counted (side_at_counted delta) gs in
  let* sums := row_times_counted p weights (map least_heights sides) in
  let* low := least_unwatched_counted 1 watched (tl sums) most in
  let* at_watched := map_counted (fun d =>
    let* row := row_times_counted p weights (map (fun side => nth d (heights side) []) sides) in free (d, row)) watched in
  free (low, at_watched).

(** ** The test of a pair *)

Section Pairs.
  Context (F : form) (margins : list (int * list (nat * list int))).

  Definition value_counted (h : list int) (a b c : nat) : counted int :=
    let* direct := once (nth c (nth a (P_rows F) []) 0 + nth c (nth b (Q_rows F) []) 0) in
    pair_value_counted h (nth c (U_rows F) []) direct.

  (** Where errors are not below sums, at the answer [S]. *)
  Definition near_counted (a : nat) (l : list int) (b : nat) (r : list int) (S : nat) (near : list (nat * list int)) :
    counted bool :=
    let* h := hidden_counted Relu l r in
    let* best := value_counted h a b S in
    forallb_counted (fun watched =>
      let* c := answer_counted (form_order F) 1 S (fst watched) in
      let* v := value_counted h a b c in slt_counted v best) near.

  Definition certain_counted (a : nat) (l : list int * int) (b : nat) (r : list int * int) : counted bool :=
    let* minus := once (- form_coefficient F)%Z in
    let* delta := answer_counted (form_order F) minus a b in
    let* sum := form_answer_counted F a b in
    let* error := once (snd l + snd r) in
    let entry := nth delta margins (0, []) in
    let* below := slt_counted error (fst entry) in
    if below then
      let* near := filter_counted (fun watched =>
        let* less := slt_counted error (nth sum (snd watched) 0) in free (negb less)) (snd entry) in
      match near with
      | [] => free true
      | _ => near_counted a (fst l) b (fst r) sum near
      end
    else free false.
End Pairs.

(** ** The checker *)

Section Run.
  Context (F : form) (c : homogeneity_l1_certificate).
  Let p := form_order F.

  Definition big_scale_counted : counted Z := several 2 (big_scale c).
  Definition out_scale_counted : counted Z := once (out_scale c).
  Definition half_index_counted : counted Z := several 3 (half_index F).

  Definition neuron_at_counted (j : nat) : counted neuron := several 4 (neuron_at F c j).

  Definition members_counted (k : Z) : counted (list nat) :=
    filter_counted (fun j => once (Z.eqb (nth j (neuron_frequencies c) 0%Z) k)) (seq 0 (form_width F)).

  Definition group_at_counted (k : Z) : counted group :=
    let* n0 := once (of_Z (trig_scale c)) in
    let* big := big_scale_counted in
    let* d := once (of_Z big) in
    let* out := out_scale_counted in
    let* n1 := once (of_Z out) in
    let* C := table_ints_counted (cosine_table c) in
    let* T := table_ints_counted (sine_table c) in
    let* i2 := half_index_counted in
    let* js := members_counted k in
    let* ns := map_counted neuron_at_counted js in
    group_of_counted p n0 d n1 C T (form_coefficient F) i2 k ns.

  Definition direct_errors_counted (A : list (list int)) : counted (list int) :=
    let* out := out_scale_counted in
    let* big := big_scale_counted in
    let* factor := several 3 (of_Z (2 * (out * big))%Z) in
    map_counted (fun row => let* top := row_max_abs_counted row 0 in once (factor * top)) A.

  Definition input_sum_counted : counted Z :=
    sumZ_counted (form_width F)
      (fun j => several 3 (Z.abs (nth j (input_cosines c) 0) + Z.abs (nth j (input_sines c) 0))%Z).

  Definition product_error_counted (eps : Z) : counted Z :=
    let* out := out_scale_counted in
    let* u := largest_counted (U_rows F) in
    let* inputs := input_sum_counted in
    several 4 (out * (2 * u) * (eps * inputs))%Z.

  Definition sum_of_counted (rows : list (list int)) : counted (list int) :=
    row_times_counted p (map (fun _ => 1) rows) rows.

  Definition homogeneity_l1_counted (eps : Z) : counted Z :=
    let* gs := map_counted group_at_counted (frequency_list c) in
    let* margins := zip_counted (fun delta watched =>
      let* numbers := map_counted (fun d => once (Z.to_nat d)) watched in margin_counted p gs delta numbers)
      (seq 0 p) (watched_distances c) in
    let* error := product_error_counted eps in
    let* constant := once (of_Z error) in
    let* first := direct_errors_counted (P_rows F) in
    let* of_first := sum_of_counted (first :: map errors_L gs) in
    let* second := direct_errors_counted (Q_rows F) in
    let* sums := sum_of_counted (second :: map errors_R gs) in
    let* of_second := map_counted (fun x => once (x + constant)) sums in
    count_pairs_counted (certain_counted F margins) (zip_with pair (L_rows F) of_first) (zip_with pair (R_rows F) of_second).

  (** ** Tests *)
  Local Open Scope Z_scope.

  Definition largest_of_counted (l : list Z) : counted Z := fold_right_counted (fun x t => several 2 (Z.max (Z.abs x) t)) 0 l.

  Definition trig_top_counted : counted Z :=
    let* x := largest_of_counted (cosine_table c) in let* y := largest_of_counted (sine_table c) in once (Z.max x y).

  Definition gap_top_counted : counted Z :=
    let* x := trig_top_counted in
    let* y := trig_top_counted in
    let* z := trig_top_counted in
    several 5 (2 * x * y + 2 * trig_scale c * z).

  Definition output_top_counted : counted Z :=
    let* out := out_scale_counted in
    let* u := largest_counted (U_rows F) in
    let* x := largest_of_counted (output_cosines c) in
    let* y := largest_of_counted (output_sines c) in
    let* trig := trig_top_counted in
    several 4 (out * u + (x + y) * trig).

  Definition residual_top_counted : counted Z :=
    let* big := big_scale_counted in
    let* l := largest_counted (L_rows F) in
    let* r := largest_counted (R_rows F) in
    let* trig := trig_top_counted in
    let* inputs := input_sum_counted in
    several 5 (big * (l + r) + trig_scale c * trig * inputs).

  Definition height_top_counted : counted Z :=
    let* x := trig_top_counted in
    let* y := trig_top_counted in
    let* inputs := input_sum_counted in
    let* outputs := output_top_counted in
    several 5 (2 * x * (y * inputs * (2 * outputs))).

  Definition error_top_counted (eps : Z) : counted Z :=
    let* out := out_scale_counted in
    let* u := largest_counted (U_rows F) in
    let* big := big_scale_counted in
    let* l := largest_counted (L_rows F) in
    let* r := largest_counted (R_rows F) in
    let* trig := trig_top_counted in
    let* inputs := input_sum_counted in
    let* out' := out_scale_counted in
    let* big' := big_scale_counted in
    let* first := largest_counted (P_rows F) in
    let* second := largest_counted (Q_rows F) in
    let* products := product_error_counted eps in
    several 17 (out * (2 * u) * (Z.of_nat (form_width F) * big * (l + r) + 2 * trig_scale c * trig * inputs) +
      2 * (out' * big') * (first + second) + products).

  Definition wrong_frequency_counted : counted Z :=
    let* found := find_counted (fun k => several 4 (negb ((1 <=? k) && (2 * k <? Z.of_nat p)))) (frequency_list c) in
    free (match found with
    | Some k => k
    | None => 0
    end).

  Definition right_distances_counted (row : list Z) : counted bool :=
    forallb_counted (fun d => several 3 ((1 <=? d) && (d <? Z.of_nat p))) row.

  Definition listed_once_counted (k : Z) : counted bool :=
    let* equal := filter_counted (fun f => once (Z.eqb k f)) (frequency_list c) in once (length equal =? 1)%nat.

  Definition homogeneity_l1_tests_counted (eps : Z) : counted (list (bool * refusal)) :=
    let m := form_width F in
    let* wrong := wrong_frequency_counted in
    all_of
      [ test (several 2 (Nat.odd p)) (Wrong_order (Z.of_nat p)); (* with the conversion *)
        test (free match form_activation F with Relu => true | Square => false end) Wrong_activation;
        test (once (0 <? trig_scale c)) (Wrong_scale (trig_scale c));
        test (once (0 <? input_scale c)) (Wrong_scale (input_scale c));
        test (once (0 <? output_scale c)) (Wrong_scale (output_scale c));
        test (once (length (cosine_table c) =? p)%nat) (Wrong_table Cosines);
        test (once (length (sine_table c) =? p)%nat) (Wrong_table Sines);
        test (forallb_counted (fun k => several 4 ((1 <=? k) && (2 * k <? Z.of_nat p))) (frequency_list c))
          (Wrong_frequency wrong);
        test (let* sized := once (length (neuron_frequencies c) =? m)%nat in
          let* grouped := forallb_counted listed_once_counted (neuron_frequencies c) in
          free (sized && grouped)) (Wrong_table Groups);
        test (forallb_counted (fun l => once (length l =? m)%nat)
          [input_cosines c; input_sines c; output_cosines c; output_sines c]) (Wrong_table Amplitudes);
        test (let* sized := once (length (watched_distances c) =? p)%nat in
          let* all := forallb_counted right_distances_counted (watched_distances c) in free (sized && all))
          (Wrong_table Distances);
        test (let* x := gap_top_counted in several 2 (x <=? 2 ^ 60)) (May_overflow Moments);
        test (let* x := residual_top_counted in several 2 (x <=? 2 ^ 60)) (May_overflow Residuals);
        test (let* x := output_top_counted in several 2 (x <=? 2 ^ 60)) (May_overflow Logits);
        test (let* x := height_top_counted in several 2 (x <=? 2 ^ 60)) (May_overflow Margins);
        test (let* x := error_top_counted eps in several 2 (x <=? 2 ^ 60)) (May_overflow Margins) ].
End Run.

Definition homogeneity_l1_on_counted (claimed : Z) (F : form) (c : homogeneity_l1_certificate) : counted outcome :=
  let* n0 := once (of_Z (trig_scale c)) in
  let* C := table_ints_counted (cosine_table c) in
  let* T := table_ints_counted (sine_table c) in
  let* worst := worst_product_counted (form_order F) n0 C T in
  let* eps := once (to_Z worst) in
  certified_counted F (homogeneity_l1_tests_counted F c eps) (fun _ => homogeneity_l1_counted F c eps) claimed.

(** ** Values *)

Lemma table_ints_value : forall l : list Z, returned (table_ints_counted l) = table_ints l.
Proof. intro l. unfold table_ints_counted, table_ints. values. reflexivity. Qed.

Lemma table_wave_value : forall (p : nat) (T : list int) (k : Z) (n : nat),
  returned (table_wave_counted p T k n) = table_wave p T k n.
Proof. intros p T k n. unfold table_wave_counted, table_wave. values. reflexivity. Qed.

Lemma product_gaps_value : forall (p : nat) (n0 : int) (C T T2 : list int) (i : nat),
  returned (product_gaps_counted p n0 C T T2 i) = product_gaps p n0 C T T2 i.
Proof. intros p n0 C T T2 i. unfold product_gaps_counted, product_gaps. cbv zeta. values. reflexivity. Qed.

#[export] Hint Rewrite table_ints_value table_wave_value product_gaps_value : values.

Lemma worst_product_value : forall (p : nat) (n0 : int) (C S : list int),
  returned (worst_product_counted p n0 C S) = worst_product p n0 C S.
Proof.
  intros p n0 C S. unfold worst_product_counted, worst_product, product_gap_rows_counted, product_gap_rows. cbv zeta. values.
  reflexivity.
Qed.

Lemma cosine_of_value : forall (x y : int) (c s : list int), returned (cosine_of_counted x y c s) = cosine_of x y c s.
Proof. intros x y c s. unfold cosine_of_counted, cosine_of. values. reflexivity. Qed.

Lemma least_of_value : forall row : list int, returned (least_of_counted row) = least_of row.
Proof. intro row. unfold least_of_counted, least_of. values. reflexivity. Qed.

Lemma height_row_value : forall A X Y c s : list int, returned (height_row_counted A X Y c s) = height_row A X Y c s.
Proof.
  induction A as [|a A IH]; intros [|x X] [|y Y] [|u c] [|v s]; try reflexivity. cbn [height_row_counted height_row].
  rewrite !value_bind, IH. reflexivity.
Qed.

#[export] Hint Rewrite worst_product_value cosine_of_value least_of_value height_row_value : values.

Lemma output_gap_value : forall (n1 : int) (c s : list int) (n : neuron),
  returned (output_gap_counted n1 c s n) = output_gap n1 c s n.
Proof. intros n1 c s n. unfold output_gap_counted, output_gap. values. reflexivity. Qed.

#[export] Hint Rewrite output_gap_value : values.

Lemma raised_value : forall (n1 : int) (c s : list int) (n : neuron), returned (raised_counted n1 c s n) = raised n1 c s n.
Proof. intros n1 c s n. unfold raised_counted, raised. cbv zeta. values. reflexivity. Qed.

Lemma side_of_value : forall (p : nat) (c2 s2 : list int) (ns : list neuron) (raised_rows hs : list (list int)),
  returned (side_of_counted p c2 s2 ns raised_rows hs) = side_of p c2 s2 ns raised_rows hs.
Proof. intros p c2 s2 ns raised_rows hs. unfold side_of_counted, side_of. cbv zeta. values. reflexivity. Qed.

Lemma residual_value : forall (n0 d : int) (column c s : list int) (n : neuron),
  returned (residual_counted n0 d column c s n) = residual n0 d column c s n.
Proof. intros n0 d column c s n. unfold residual_counted, residual. values. reflexivity. Qed.

Lemma spread_value : forall (n1 : int) (n : neuron), returned (spread_counted n1 n) = spread n1 n.
Proof. intros n1 n. unfold spread_counted, spread. values. reflexivity. Qed.

#[export] Hint Rewrite raised_value side_of_value residual_value spread_value : values.

Lemma group_of_value : forall (p : nat) (n0 d n1 : int) (C S : list int) (s i2 k : Z) (ns : list neuron),
  returned (group_of_counted p n0 d n1 C S s i2 k ns) = group_of p n0 d n1 C S s i2 k ns.
Proof.
  intros p n0 d n1 C S s i2 k ns. unfold group_of_counted, group_of. cbv zeta. rewrite !value_bind, !table_wave_value.
  each_list. rewrite !side_of_value, !row_times_value. reflexivity.
Qed.

Lemma least_unwatched_value : forall (sums : list int) (d : nat) (watched : list nat) (low : int),
  returned (least_unwatched_counted d watched sums low) = least_unwatched d watched sums low.
Proof.
  induction sums as [|x sums IH]; intros d watched low; [reflexivity|].
  destruct watched as [|w more]; cbn [least_unwatched_counted least_unwatched]; values; rewrite ?IH; reflexivity.
Qed.

#[export] Hint Rewrite group_of_value least_unwatched_value : values.

Lemma margin_value : forall (p : nat) (gs : list group) (delta : nat) (watched : list nat),
  returned (margin_counted p gs delta watched) = margin p gs delta watched.
Proof. intros p gs t ws. unfold margin_counted, margin, rho_weight_counted, rho_weight. cbv zeta. values. reflexivity. Qed.

#[export] Hint Rewrite margin_value : values.

Lemma value_value : forall (F : form) (h : list int) (a b c : nat), returned (value_counted F h a b c) =
  pair_value h (nth c (U_rows F) []) (nth c (nth a (P_rows F) []) 0 + nth c (nth b (Q_rows F) []) 0).
Proof. intros F h a b c. unfold value_counted. values. reflexivity. Qed.

#[export] Hint Rewrite value_value : values.

Lemma certain_value : forall (F : form) (margins : list (int * list (nat * list int))) (a : nat) (l : list int * int)
  (b : nat) (r : list int * int), returned (certain_counted F margins a l b r) = certain F margins a l b r.
Proof.
  intros F margins a l b r. unfold certain_counted, certain. cbv zeta. values.
  destruct (nth _ margins _) as [low sums]. cbn [fst snd]. destruct (slt _ low); [|reflexivity]. values.
  erewrite value_filter by (intros; values; reflexivity). destruct (filter _ sums) as [|one near]; [reflexivity|].
  unfold near_counted. values. reflexivity.
Qed.

#[export] Hint Rewrite certain_value : values.

Section RunValues.
  Context (F : form) (c : homogeneity_l1_certificate).

  Lemma members_value : forall k : Z, returned (members_counted F c k) = members F c k.
  Proof. intro k. unfold members_counted, members. apply value_filter. reflexivity. Qed.

  Lemma group_at_value : forall k : Z, returned (group_at_counted F c k) = group_at F c k.
  Proof.
    intro k. unfold group_at_counted, group_at. values. rewrite members_value. reflexivity.
  Qed.

  Lemma direct_errors_value : forall A : list (list int), returned (direct_errors_counted c A) = direct_errors c A.
  Proof. intro A. unfold direct_errors_counted, direct_errors. cbv zeta. values. reflexivity. Qed.

  Lemma input_sum_value : returned (input_sum_counted F c) = input_sum F c.
  Proof. unfold input_sum_counted, input_sum. apply value_sumZ. reflexivity. Qed.

  Lemma product_error_value : forall eps : Z, returned (product_error_counted F c eps) = product_error F c eps.
  Proof. intro eps. unfold product_error_counted, product_error. values. rewrite input_sum_value. reflexivity. Qed.

  Lemma sum_of_value : forall rows : list (list int), returned (sum_of_counted F rows) = sum_of F rows.
  Proof. intro rows. unfold sum_of_counted, sum_of. values. reflexivity. Qed.

  Lemma largest_of_value : forall l : list Z, returned (largest_of_counted l) = largest_of l.
  Proof. intro l. unfold largest_of_counted, largest_of. values. reflexivity. Qed.

  Lemma listed_once_value : forall k : Z, returned (listed_once_counted c k) =
    (length (filter (Z.eqb k) (frequency_list c)) =? 1)%nat.
  Proof. intro k. unfold listed_once_counted. values. erewrite value_filter by reflexivity. reflexivity. Qed.

  Lemma wrong_frequency_value : returned (wrong_frequency_counted F c) = wrong_frequency F c.
  Proof. unfold wrong_frequency_counted, wrong_frequency. values. erewrite value_find by reflexivity. reflexivity. Qed.
End RunValues.

#[export] Hint Rewrite members_value group_at_value direct_errors_value input_sum_value product_error_value sum_of_value
  largest_of_value listed_once_value wrong_frequency_value : values.

Lemma homogeneity_l1_value : forall (F : form) (c : homogeneity_l1_certificate) (eps : Z),
  returned (homogeneity_l1_counted F c eps) = homogeneity_l1 F c eps.
Proof.
  intros F c eps. unfold homogeneity_l1_counted, homogeneity_l1. cbv zeta. values.
  apply count_pairs_value. apply certain_value.
Qed.

Lemma homogeneity_l1_tests_value : forall (F : form) (c : homogeneity_l1_certificate) (eps : Z),
  returned (homogeneity_l1_tests_counted F c eps) = homogeneity_l1_tests F c eps.
Proof.
  intros F c eps. unfold homogeneity_l1_tests_counted, homogeneity_l1_tests. cbv zeta.
  unfold gap_top_counted, residual_top_counted, height_top_counted, error_top_counted, right_distances_counted,
    output_top_counted, trig_top_counted. rewrite value_bind, wrong_frequency_value.
  cbn [all_of test bind returned once several free]. each_list.
  rewrite !largest_value, !largest_of_value, !input_sum_value, product_error_value. reflexivity.
Qed.

Theorem homogeneity_l1_on_value : forall (claimed : Z) (F : form) (c : homogeneity_l1_certificate),
  returned (homogeneity_l1_on_counted claimed F c) = homogeneity_l1_on claimed F c.
Proof.
  intros claimed F c. unfold homogeneity_l1_on_counted, homogeneity_l1_on. cbv zeta. rewrite !value_bind. values.
  apply certified_value; [apply homogeneity_l1_tests_value | apply homogeneity_l1_value].
Qed.
