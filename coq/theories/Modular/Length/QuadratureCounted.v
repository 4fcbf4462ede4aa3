(* CompactProofs: Modular: Length: QuadratureCounted *)
(* MIT licence. *)
From Coq Require Import ZArith List Arith Bool Uint63.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
From CompactProofs Require Import Modular.CosTable Modular.Quadrature.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Modular.Length.FormCounted.
Import ListNotations.
(** * Sums over the phases of each frequency, counted
    Twins of Modular.CosTable and Modular.Quadrature with their values; see Length.Counted. How many operations they take:
    QuadratureLength. What only takes entries of lists ([turned], [rotated], [transpose]) is free and has no twin.
    - [f_counted] == the twin of f
    - [f_value]   == it returns what f does
    Main result: [quadrature_on_value]. *)

(** ** Lists *)

Definition find_counted {A : Type} (f : A -> counted bool) : list A -> counted (option A) :=
  fix find (l : list A) : counted (option A) :=
    match l with
    | [] => free None
    | x :: rest => let* found := f x in if found then free (Some x) else find rest
    end.

Definition filter_counted {A : Type} (f : A -> counted bool) : list A -> counted (list A) :=
  fix filter (l : list A) : counted (list A) :=
    match l with
    | [] => free []
    | x :: rest => let* kept := f x in let* others := filter rest in free (if kept then x :: others else others)
    end.

Definition sum_over_counted {A : Type} (f : A -> counted Z) : list A -> counted Z :=
  fix sum (l : list A) : counted Z :=
    match l with
    | [] => free 0%Z
    | x :: rest => let* first := f x in let* others := sum rest in once (first + others)%Z
    end.

Definition of_list_counted (l : list Z) : counted (list int) := map_counted (fun z => once (of_Z z)) l.

(** ** Tables of cosines *)

Definition in_table_counted (p : nat) (top : Z) (table : list Z) : counted bool :=
  let* long := once (length table =? p)%nat in
  let* small := forallb_counted (fun z => several 2 (Z.abs z <=? top)%Z) table in
  free (long && small).

Definition multiples_counted (p : nat) (k : Z) : counted (list nat) :=
  map_counted (fun i => several 5 (Z.to_nat ((k * Z.of_nat i) mod Z.of_nat p))) (seq 0 p).

Definition product_holds_counted (p : nat) (unit tolerance : int) (table : list int) (i : nat) (twice : int) : counted bool :=
  let* back := once (p - i)%nat in
  let* sums := zip_counted (fun x y => once (add x y)) (rotated i table) (rotated back table) in
  let* left_over := zip_counted (fun x y => several 3 (twice * x - unit * y)%uint63) table sums in
  forallb_counted (fun x => let* size := absolute_counted x in once (leb size tolerance)) left_over.

Definition products_hold_counted (p : nat) (unit tolerance : Z) (cosines table : list Z) : counted bool :=
  let* factor := once (of_Z unit) in
  let* most := once (of_Z tolerance) in
  let* cosines := of_list_counted cosines in
  let* table := of_list_counted table in
  forallb_counted (fun i =>
    let c := nth i cosines 0%uint63 in
    let* twice := once (c + c)%uint63 in product_holds_counted p factor most table i twice) (seq 0 p).

(** ** Sizes *)
Local Open Scope Z_scope.

Definition input_size_counted (c : quadrature_certificate) (j : nat) : counted Z := several 3 (input_size c j).
Definition output_size_counted (c : quadrature_certificate) (j : nat) : counted Z := several 3 (output_size c j).

Definition input_bound_counted (F : form) (c : quadrature_certificate) (weights : Z) : counted Z :=
  let* l := largest_counted (L_rows F) in
  let* r := largest_counted (R_rows F) in
  let* scaled := several 2 (quad_input_scale c * Z.max l r) in
  let* most := once (1 + weights) in
  sum_over_counted (fun j =>
    let* size := input_size_counted c j in several 3 (most * (scaled + size * quad_unit c))) (neurons F).

Definition moment_bound_counted (F : form) (c : quadrature_certificate) (weights : Z) : counted Z :=
  let* output := once (quad_output_scale c * weights) in
  let* sum := sum_over_counted (fun j =>
    let* x := input_size_counted c j in
    let* y := output_size_counted c j in
    several 5 ((1 + x * quad_unit c) * (output + y * quad_unit c))) (neurons F) in
  once (4 * sum).

Definition leads_bound_counted (c : quadrature_certificate) (moments : Z) : counted Z := several 5 (leads_bound c moments).

(** ** Tests *)

Definition scale_test_counted (low top scale : Z) : counted (bool * refusal) := several 2 (scale_test low top scale).

Definition frequency_test_counted (p : nat) (frequencies : list Z) : counted (bool * refusal) :=
  let* wrong := find_counted (fun k => several 4 (negb ((1 <=? k) && (k <=? Z.of_nat p / 2)))) frequencies in
  match wrong with
  | None => free (true, Wrong_frequency 0)
  | Some k => free (false, Wrong_frequency k)
  end.

Definition quadrature_tests_counted (F : form) (c : quadrature_certificate) : counted (list (bool * refusal)) :=
  let p := form_order F in
  let m := form_width F in
  let unit := quad_unit c in
  let is_width (l : list Z) := Nat.eqb (length l) m in
  let* groups := once (Z.of_nat (length (quad_frequencies c))) in
  let* weights := largest_counted (U_rows F) in
  let* moments := moment_bound_counted F c weights in
  let* shifted := scale_test_counted 0 61 (quad_shift c) in
  all_of
    [ test (several 2 (Nat.odd p)) (Wrong_order (Z.of_nat p)); (* with the conversion *)
      test (free (match form_activation F with Relu => true | Square => false end)) Wrong_activation;
      (let* top := once (2 ^ 28) in scale_test_counted 1 top unit);
      (let* top := once (2 ^ 60) in scale_test_counted 1 top (quad_input_scale c));
      (let* top := once (2 ^ 60) in scale_test_counted 1 top (quad_output_scale c));
      (let* top := once (2 ^ 60) in scale_test_counted 0 top (quad_tolerance c));
      free shifted;
      test (in_table_counted p unit (quad_cosines c)) (Wrong_table Cosines);
      test (in_table_counted p unit (quad_sines c)) (Wrong_table Sines);
      frequency_test_counted p (quad_frequencies c);
      test (let* long := once (is_width (quad_groups c)) in
            let* small := forallb_counted (fun g => several 2 ((0 <=? g) && (g <? groups))) (quad_groups c) in
            free (long && small)) (Wrong_table Groups);
      test (several 4 (is_width (quad_input_cosines c) && is_width (quad_input_sines c) &&
              (is_width (quad_output_cosines c) && is_width (quad_output_sines c)))) (Wrong_table Amplitudes);
      test (let* a := products_hold_counted p unit (quad_tolerance c) (quad_cosines c) (quad_cosines c) in
            let* b := products_hold_counted p unit (quad_tolerance c) (quad_cosines c) (quad_sines c) in
            free (a && b)) (Wrong_table Angles);
      test (let* x := input_bound_counted F c weights in several 2 (x <=? 2 ^ 60)) (May_overflow Residuals);
      test (several 2 (moments <=? 2 ^ 60)) (May_overflow Moments);
      test (if fst shifted then let* x := leads_bound_counted c moments in several 3 (x <=? 2 ^ (60 + quad_shift c))
            else free false) (May_overflow Margins) ].

(** ** Waves *)
Local Open Scope uint63_scope.

Definition wave_counted (u v : int) (cosine sine : list int) : counted (list int) :=
  zip_counted (fun x y => several 3 (u * x - v * y)) cosine sine.

Definition waves_counted (F : form) (c : quadrature_certificate) : counted (list (list int * list int)) :=
  let* cosines := of_list_counted (quad_cosines c) in
  let* sines := of_list_counted (quad_sines c) in
  map_counted (fun k => let* places := multiples_counted (form_order F) k in free (turned cosines places, turned sines places))
    (quad_frequencies c).

Definition group_of_counted (c : quadrature_certificate) (j : nat) : counted nat := once (group_of c j).

Definition neuron_waves_counted (F : form) (c : quadrature_certificate) (of_groups : list (list int * list int))
    (u v : list Z) : counted (list (list int)) :=
  map_counted (fun j =>
    let* g := group_of_counted c j in
    let w := nth g of_groups ([], []) in
    let* x := once (of_Z (nth j u 0%Z)) in
    let* y := once (of_Z (nth j v 0%Z)) in
    wave_counted x y (fst w) (snd w)) (neurons F).

Definition residual_counted (scale : int) (column near : list int) : counted (list int) :=
  zip_counted (fun x y => let* d := several 2 (scale * x - y) in absolute_counted d) column near.

Definition residuals_counted (F : form) (scale : int) (columns nears : list (list int)) : counted (list (list int)) :=
  map_counted (fun j => residual_counted scale (nth j columns []) (nth j nears [])) (neurons F).

(** Of [Quadrature.row_top]; another function of that name has a twin in Length.ArithmeticCounted. *)
Definition wave_top_counted (row : list int) : counted int := row_max_abs_counted row 0.

Definition weighted_counted (p : nat) (weights : list int) (rows : list (list int)) (some : list nat) : counted (list int) :=
  row_times_counted p (map (fun j => nth j weights 0) some) (map (fun j => nth j rows []) some).

(** ** Leads of a group *)

Definition positive_counted (x : int) : counted int := once (positive x).
Definition negative_counted (x : int) : counted int :=
  let* low := once (ltb x half) in if low then free 0 else once (0 - x).

Fixpoint least_rows_counted (rows : list (list int)) : counted (list int) :=
  match rows with
  | [] => free []
  | row :: rest =>
      match rest with
      | [] => free row
      | _ => let* others := least_rows_counted rest in zip_counted smin_counted row others
      end
  end.

Definition lead_row_counted (twice : nat) (values : list int) : counted (list int) :=
  let row := rotated twice values in
  let best := hd 0 row in
  map_counted (fun x => once (best - x)) row.

Definition group_leads_counted (p : nat) (shift slack : int) (twice : list nat) (w : list int * list int) (A B : list int) :
  counted (list int) :=
  let* values := zip_counted (fun x y => wave_counted x y (fst w) (snd w)) A B in
  let* rows := zip_counted lead_row_counted twice values in
  let* least := least_rows_counted rows in
  map_counted (fun x => let* y := once (x - slack) in shift_down_counted shift y) least.

Definition members_counted (F : form) (c : quadrature_certificate) (g : nat) : counted (list nat) :=
  filter_counted (fun j => let* own := group_of_counted c j in once (Nat.eqb own g)) (neurons F).

Definition leads_counted (F : form) (c : quadrature_certificate) (of_groups : list (list int * list int))
    (rs ss : list int) (active inactive left_out : list (list int)) (tops : list int) (g : nat) :
    counted (list int * list int) :=
  let p := form_order F in
  let* some := members_counted F c g in
  let w := nth g of_groups ([], []) in
  let* outside := weighted_counted p tops left_out some in
  let* slack := wave_top_counted outside in
  let* both := once (slack + slack) in
  let* shift := once (of_Z (quad_shift c)) in
  let* twice := multiples_counted p 2 in
  let* active_A := weighted_counted p rs active some in
  let* active_B := weighted_counted p ss active some in
  let* first := group_leads_counted p shift both twice w active_A active_B in
  let* inactive_A := weighted_counted p rs inactive some in
  let* inactive_B := weighted_counted p ss inactive some in
  let* second := group_leads_counted p shift both twice w inactive_A inactive_B in
  free (first, second).

Definition all_leads_counted (F : form) (c : quadrature_certificate) (of_groups : list (list int * list int))
    (inputs : list (list int)) : counted (list (list int * list int)) :=
  let* outputs := neuron_waves_counted F c of_groups (quad_output_cosines c) (quad_output_sines c) in
  let* scale := once (of_Z (quad_output_scale c)) in
  let* left_out := residuals_counted F scale (transpose (form_width F) (U_rows F)) outputs in
  let* rs := of_list_counted (quad_output_cosines c) in
  let* ss := of_list_counted (quad_output_sines c) in
  let* active := map_counted (map_counted positive_counted) inputs in
  let* inactive := map_counted (map_counted negative_counted) inputs in
  let* tops := map_counted wave_top_counted inputs in
  map_counted (leads_counted F c of_groups rs ss active inactive left_out tops) (seq 0 (length (quad_frequencies c))).

(** ** What the cosines leave out of the inputs *)

Definition needed_counted (F : form) (c : quadrature_certificate) (inputs : list (list int)) : counted Z :=
  let p := form_order F in
  let m := form_width F in
  let* tops := map_counted wave_top_counted (transpose m (U_rows F)) in
  let* scale := once (of_Z (quad_input_scale c)) in
  let* places := multiples_counted p (form_coefficient F) in
  let second := map (fun row => turned row places) inputs in
  let* first_rows := residuals_counted F scale (transpose m (L_rows F)) inputs in
  let* first_sum := weighted_counted p tops first_rows (neurons F) in
  let* first_out := wave_top_counted first_sum in
  let* second_rows := residuals_counted F scale (transpose m (R_rows F)) second in
  let* second_sum := weighted_counted p tops second_rows (neurons F) in
  let* second_out := wave_top_counted second_sum in
  let* sizes := sum_over_counted (fun j =>
    let* size := input_size_counted c j in several 2 (to_Z (nth j tops 0%uint63) * size)%Z) (neurons F) in
  let* direct_first := largest_counted (P_rows F) in
  let* direct_second := largest_counted (Q_rows F) in
  let* direct := once (direct_first + direct_second)%Z in
  several 12 (quad_output_scale c * (quad_tolerance c * sizes + quad_unit c * (to_Z first_out + to_Z second_out) +
    quad_input_scale c * quad_unit c * direct) / 2 ^ quad_shift c)%Z.

(** ** Counting *)

Definition total_leads_counted (p : nat) (of_groups all : list (list int * list int)) (delta : nat) : counted (list int) :=
  let* factors := map_counted (fun w => absolute_counted (nth delta (fst w) 0)) of_groups in
  let* rows := zip_counted (fun w two =>
    let* low := once (ltb (nth delta (fst w) 0) half) in free (if low then fst two else snd two)) of_groups all in
  row_times_counted p factors rows.

Definition enough_counted (F : form) (c : quadrature_certificate) : counted (list bool) :=
  let p := form_order F in
  let* of_groups := waves_counted F c in
  let* inputs := neuron_waves_counted F c of_groups (quad_input_cosines c) (quad_input_sines c) in
  let* all := all_leads_counted F c of_groups inputs in
  let* least := needed_counted F c inputs in
  let* small := several 2 (least <=? 2 ^ 60)%Z in
  if small
  then
    let* least := once (of_Z least) in
    map_counted (fun delta =>
      let* total := total_leads_counted p of_groups all delta in forallb_counted (slt_counted least) (tl total)) (seq 0 p)
  else free [].

Definition half_difference_counted (F : form) (a b : nat) : counted nat := several 10 (half_difference F a b).

Definition quadrature_count_counted (F : form) (c : quadrature_certificate) : counted Z :=
  let* good := enough_counted F c in
  count_pairs_counted (fun a _ b _ => let* i := half_difference_counted F a b in free (nth i good false)) (L_rows F) (R_rows F).

Definition quadrature_on_counted (claimed : Z) (F : form) (c : quadrature_certificate) : counted outcome :=
  certified_counted F (quadrature_tests_counted F c) (fun _ => quadrature_count_counted F c) claimed.

(** ** Values *)

Lemma find_value : forall (A : Type) (f : A -> counted bool) (g : A -> bool) (l : list A),
  (forall x, returned (f x) = g x) -> returned (find_counted f l) = find g l.
Proof.
  intros A f g l same. induction l as [|x l IH]; [reflexivity|].
  cbn [find_counted find]. rewrite value_bind, same. destruct (g x); [reflexivity | exact IH].
Qed.

Lemma filter_value : forall (A : Type) (f : A -> counted bool) (g : A -> bool) (l : list A),
  (forall x, returned (f x) = g x) -> returned (filter_counted f l) = filter g l.
Proof.
  intros A f g l same. induction l as [|x l IH]; [reflexivity|]. cbn in *. rewrite same, IH. reflexivity.
Qed.

Lemma sum_over_value : forall (A : Type) (f : A -> counted Z) (g : A -> Z) (l : list A),
  (forall x, returned (f x) = g x) -> returned (sum_over_counted f l) = sum_over g l.
Proof. intros A f g l same. induction l as [|x l IH]; [reflexivity|]. cbn in *. rewrite same, IH. reflexivity. Qed.

Lemma of_list_value : forall l : list Z, returned (of_list_counted l) = map of_Z l.
Proof. intro l. apply value_map. reflexivity. Qed.

#[export] Hint Rewrite of_list_value : values.

Lemma in_table_value : forall (p : nat) (top : Z) (table : list Z),
  returned (in_table_counted p top table) = in_table p top table.
Proof. intros p top table. unfold in_table_counted, in_table. values. reflexivity. Qed.

Lemma multiples_value : forall (p : nat) (k : Z), returned (multiples_counted p k) = multiples p k.
Proof. intros p k. apply value_map. reflexivity. Qed.

Lemma product_holds_value : forall (p : nat) (unit tolerance : int) (table : list int) (i : nat) (twice : int),
  returned (product_holds_counted p unit tolerance table i twice) = product_holds p unit tolerance table i twice.
Proof. intros p unit tolerance table i twice. unfold product_holds_counted, product_holds. values. reflexivity. Qed.

#[export] Hint Rewrite in_table_value multiples_value product_holds_value : values.

Lemma products_hold_value : forall (p : nat) (unit tolerance : Z) (cosines table : list Z),
  returned (products_hold_counted p unit tolerance cosines table) = products_hold p unit tolerance cosines table.
Proof. intros p unit tolerance cosines table. unfold products_hold_counted, products_hold. values. reflexivity. Qed.

Lemma input_bound_value : forall (F : form) (c : quadrature_certificate) (weights : Z),
  returned (input_bound_counted F c weights) = input_bound F c weights.
Proof. intros F c weights. unfold input_bound_counted, input_bound. values. apply sum_over_value. reflexivity. Qed.

Lemma moment_bound_value : forall (F : form) (c : quadrature_certificate) (weights : Z),
  returned (moment_bound_counted F c weights) = moment_bound F c weights.
Proof.
  intros F c weights. unfold moment_bound_counted, moment_bound. values. f_equal. apply sum_over_value. reflexivity.
Qed.

Lemma scale_test_value : forall low top scale : Z, returned (scale_test_counted low top scale) = scale_test low top scale.
Proof. reflexivity. Qed.

Lemma frequency_test_value : forall (p : nat) (frequencies : list Z),
  returned (frequency_test_counted p frequencies) = frequency_test p frequencies.
Proof.
  intros p frequencies. unfold frequency_test_counted, frequency_test. rewrite value_bind.
  erewrite find_value by reflexivity. destruct (find _ frequencies); reflexivity.
Qed.

Lemma leads_bound_value : forall (c : quadrature_certificate) (moments : Z),
  returned (leads_bound_counted c moments) = leads_bound c moments.
Proof. reflexivity. Qed.

#[export] Hint Rewrite products_hold_value input_bound_value moment_bound_value scale_test_value frequency_test_value
  leads_bound_value : values.

Lemma quadrature_tests_value : forall (F : form) (c : quadrature_certificate),
  returned (quadrature_tests_counted F c) = quadrature_tests F c.
Proof. intros F c. unfold quadrature_tests_counted, quadrature_tests. cbv zeta. values. reflexivity. Qed.

Lemma wave_value : forall (u v : int) (cosine sine : list int),
  returned (wave_counted u v cosine sine) = wave u v cosine sine.
Proof. intros u v cosine sine. apply value_zip. reflexivity. Qed.

#[export] Hint Rewrite wave_value : values.

Lemma waves_value : forall (F : form) (c : quadrature_certificate), returned (waves_counted F c) = waves F c.
Proof. intros F c. unfold waves_counted, waves. values. reflexivity. Qed.

Lemma group_of_value : forall (c : quadrature_certificate) (j : nat), returned (group_of_counted c j) = group_of c j.
Proof. reflexivity. Qed.

#[export] Hint Rewrite waves_value group_of_value : values.

Lemma neuron_waves_value : forall (F : form) (c : quadrature_certificate) (of_groups : list (list int * list int))
  (u v : list Z), returned (neuron_waves_counted F c of_groups u v) = neuron_waves F c of_groups u v.
Proof. intros F c of_groups u v. unfold neuron_waves_counted, neuron_waves. values. reflexivity. Qed.

Lemma residual_value : forall (scale : int) (column near : list int),
  returned (residual_counted scale column near) = residual scale column near.
Proof. intros scale column near. unfold residual_counted, residual. values. reflexivity. Qed.

#[export] Hint Rewrite neuron_waves_value residual_value : values.

Lemma residuals_value : forall (F : form) (scale : int) (columns nears : list (list int)),
  returned (residuals_counted F scale columns nears) = residuals F scale columns nears.
Proof. intros F scale columns nears. unfold residuals_counted, residuals. values. reflexivity. Qed.

Lemma wave_top_value : forall row : list int, returned (wave_top_counted row) = row_top row.
Proof. intro row. apply row_max_abs_value. Qed.

Lemma weighted_value : forall (p : nat) (weights : list int) (rows : list (list int)) (some : list nat),
  returned (weighted_counted p weights rows some) = weighted p weights rows some.
Proof. intros p weights rows some. apply row_times_value. Qed.

Lemma positive_value : forall x : int, returned (positive_counted x) = positive x.
Proof. reflexivity. Qed.

Lemma negative_value : forall x : int, returned (negative_counted x) = negative x.
Proof. intro x. unfold negative_counted, negative. values. reflexivity. Qed.

#[export] Hint Rewrite residuals_value wave_top_value weighted_value positive_value negative_value : values.

Lemma least_rows_value : forall rows : list (list int), returned (least_rows_counted rows) = least_rows rows.
Proof.
  induction rows as [|row rows IH]; [reflexivity|]. cbn [least_rows_counted least_rows].
  destruct rows as [|next rows]; [reflexivity|]. rewrite value_bind, IH. apply value_zip, smin_value.
Qed.

Lemma lead_row_value : forall (twice : nat) (values : list int),
  returned (lead_row_counted twice values) = lead_row twice values.
Proof. intros twice values. unfold lead_row_counted, lead_row. apply value_map. reflexivity. Qed.

#[export] Hint Rewrite least_rows_value lead_row_value : values.

Lemma group_leads_value : forall (p : nat) (shift slack : int) (twice : list nat) (w : list int * list int) (A B : list int),
  returned (group_leads_counted p shift slack twice w A B) = group_leads p shift slack twice w A B.
Proof. intros p shift slack twice w A B. unfold group_leads_counted, group_leads. values. reflexivity. Qed.

Lemma members_value : forall (F : form) (c : quadrature_certificate) (g : nat),
  returned (members_counted F c g) = members F c g.
Proof. intros F c g. apply filter_value. reflexivity. Qed.

#[export] Hint Rewrite group_leads_value members_value : values.

Lemma leads_value : forall (F : form) (c : quadrature_certificate) (of_groups : list (list int * list int))
  (rs ss : list int) (active inactive left_out : list (list int)) (tops : list int) (g : nat),
  returned (leads_counted F c of_groups rs ss active inactive left_out tops g) =
    leads F c of_groups rs ss active inactive left_out tops g.
Proof. intros. unfold leads_counted, leads. cbv zeta. values. reflexivity. Qed.

#[export] Hint Rewrite leads_value : values.

Lemma all_leads_value : forall (F : form) (c : quadrature_certificate) (of_groups : list (list int * list int))
  (inputs : list (list int)), returned (all_leads_counted F c of_groups inputs) = all_leads F c of_groups inputs.
Proof. intros F c of_groups inputs. unfold all_leads_counted, all_leads. cbv zeta. values. reflexivity. Qed.

Lemma needed_value : forall (F : form) (c : quadrature_certificate) (inputs : list (list int)),
  returned (needed_counted F c inputs) = needed F c inputs.
Proof.
  intros F c inputs. unfold needed_counted, needed. cbv zeta. values. erewrite sum_over_value by reflexivity. reflexivity.
Qed.

Lemma total_leads_value : forall (p : nat) (of_groups all : list (list int * list int)) (delta : nat),
  returned (total_leads_counted p of_groups all delta) = total_leads p of_groups all delta.
Proof. intros p of_groups all delta. unfold total_leads_counted, total_leads. values. reflexivity. Qed.

#[export] Hint Rewrite all_leads_value needed_value total_leads_value : values.

Lemma enough_value : forall (F : form) (c : quadrature_certificate), returned (enough_counted F c) = enough F c.
Proof.
  intros F c. unfold enough_counted, enough. cbv zeta. values. destruct (_ <=? _)%Z; [|reflexivity]. values. reflexivity.
Qed.

Lemma quadrature_count_value : forall (F : form) (c : quadrature_certificate),
  returned (quadrature_count_counted F c) = quadrature_count F c.
Proof.
  intros F c. unfold quadrature_count_counted, quadrature_count. rewrite value_bind, enough_value.
  apply count_pairs_value. reflexivity.
Qed.

Theorem quadrature_on_value : forall (claimed : Z) (F : form) (c : quadrature_certificate),
  returned (quadrature_on_counted claimed F c) = quadrature_on claimed F c.
Proof. intros claimed F c. apply certified_value; [apply quadrature_tests_value | apply quadrature_count_value]. Qed.
