(* CompactProofs: Modular: Length: LowRankUnembeddingCounted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Signed63 Base.Matrix Cert.Outcome Modular.Form.
From CompactProofs Require Import Modular.LowRankUnembedding.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Modular.Length.FormCounted.
Import ListNotations.
(** * low_rank_unembedding on a form, counted
    Twins of Modular.LowRankUnembedding with their values; see Length.Counted. How many operations they take:
    Modular.Length.LowRankUnembeddingLength. *)
Local Open Scope uint63_scope.

(** ** Matrices *)

Definition less_counted (x y : int) : counted int := once (x - y).

Definition less_row_counted (row : list int) (A : list (list int)) : counted (list (list int)) :=
  map_counted (fun x => zip_counted less_counted x row) A.

Definition scaled_counted (d : int) (A : list (list int)) : counted (list (list int)) :=
  map_counted (map_counted (fun x => once (d * x))) A.

Definition row_of_counted (row : list Z) : counted (list int) := map_counted (fun z => once (of_Z z)) row.

Definition unembedding_matrices_counted (F : form) (c : low_rank_unembedding_certificate) : counted low_rank_matrices :=
  let* centre := row_of_counted (unembedding_centre c) in
  let* u := less_row_counted centre (U_rows F) in
  let* d := once (of_Z (unembedding_scale c)) in
  let* du := scaled_counted d u in
  let* b := of_rows_counted 1 (unembedding_basis c) in
  let* w := of_rows_counted 1 (unembedding_coordinates c) in
  let* bw := mul_counted (form_width F) b w in
  let* offset := row_of_counted (means_offset c) in
  let* first := less_row_counted offset (first_means c) in
  let* rest := zip_counted (zip_counted less_counted) du bw in
  free (Low_rank_matrices u first du b w bw rest).

(** ** Tests *)

Definition row_fits_counted (row : list Z) : counted bool := forallb_counted (fun z => several 3 (Z.abs z <=? 2 ^ 59)%Z) row.

Section Tops.
  Context (F : form) (c : low_rank_unembedding_certificate) (M : low_rank_matrices).
  Local Open Scope Z_scope.

  Definition rest_top_counted : counted Z :=
    let* h := hidden_top_counted F in
    let* first := largest_counted (first_less M) in
    let* second := largest_counted (second_means c) in
    let* answers := largest_counted (answer_means c) in
    let* differences := largest_counted (difference_means c) in
    several 4 (h + first + second + answers + differences).

  Definition residual_top_counted : counted Z :=
    let* u := largest_counted (centred_U M) in
    let* bw := largest_counted (product63 M) in
    several 2 (unembedding_scale c * u + bw).

  Context (rest worst : Z).

  Definition coarse_top_counted : counted Z := several 4 (rest / 2 ^ to_Z (dropped_bits c) + 1).

  Definition square_top_counted : counted Z :=
    let* q := coarse_top_counted in several 3 (Z.of_nat (form_width F) * (q * q)).

  Definition slack_counted : counted Z :=
    let* none := several 2 (to_Z (dropped_bits c) =? 0) in
    if none then free 0 else several 2 (Z.sqrt_up (Z.of_nat (form_width F))).

  Definition length_top_counted : counted Z :=
    let* square := square_top_counted in
    let* more := slack_counted in
    several 5 (2 ^ to_Z (dropped_bits c) * (Z.sqrt_up square + more)).

  Definition residual_square_top_counted : counted Z := several 3 (Z.of_nat (form_width F) * (worst * worst)).

  Definition bound_top_counted : counted Z :=
    let* first := largest_counted (P_rows F) in
    let* second := largest_counted (Q_rows F) in
    let* h := hidden_top_counted F in
    let* u := largest_counted (centred_U M) in
    let* long := length_top_counted in
    let* square := residual_square_top_counted in
    several 13 (unembedding_scale c * (first + second + Z.of_nat (form_width F) * (h * u)) +
      Z.of_nat (form_width F) * (rest * worst) + long * Z.sqrt_up square).
End Tops.

Definition low_rank_tests_counted (F : form) (c : low_rank_unembedding_certificate) (M : low_rank_matrices) :
  counted (list (bool * refusal)) :=
  let p := form_order F in
  let m := form_width F in
  let* rest := rest_top_counted F c M in
  let* worst := largest_counted (residuals M) in
  let* few := several 3 (to_Z (dropped_bits c) <=? 60)%Z in (* with the conversion in the refusal *)
  all_of
    [ test (once (0 <? unembedding_scale c)%Z) (Wrong_scale (unembedding_scale c));
      test (free few) (Wrong_scale (to_Z (dropped_bits c)));
      test (once (length (unembedding_centre c) =? m)%nat) (Wrong_table Centre);
      test (once (length (means_offset c) =? m)%nat) (Wrong_table Centre);
      test (has_shape_counted p (unembedding_rank c) (unembedding_basis c)) (Wrong_table Basis);
      test (has_shape_counted (unembedding_rank c) m (unembedding_coordinates c)) (Wrong_table Coordinates);
      test (has_shape_counted p m (first_means c)) (Wrong_table Amplitudes);
      test (has_shape_counted p m (second_means c)) (Wrong_table Amplitudes);
      test (has_shape_counted p m (answer_means c)) (Wrong_table Amplitudes);
      test (has_shape_counted p m (difference_means c)) (Wrong_table Amplitudes);
      test (row_fits_counted (unembedding_centre c)) (May_overflow Centred);
      test (row_fits_counted (means_offset c)) (May_overflow Centred);
      test (let* u := largest_counted (U_rows F) in several 2 (u <=? 2 ^ 59)%Z) (May_overflow Centred);
      test (let* g := largest_counted (first_means c) in several 2 (g <=? 2 ^ 59)%Z) (May_overflow Centred);
      test (rows_fit_counted 1 (unembedding_basis c)) (May_overflow Residuals);
      test (rows_fit_counted 1 (unembedding_coordinates c)) (May_overflow Residuals);
      test (product_fits_counted (unembedding_rank c) (basis63 M) (coordinates63 M)) (May_overflow Residuals);
      test (let* e := residual_top_counted c M in several 2 (e <=? 2 ^ 60)%Z) (May_overflow Residuals);
      test (let* e := residual_square_top_counted F worst in several 2 (e <=? 2 ^ 60)%Z) (May_overflow Residuals);
      test (several 2 (rest <=? 2 ^ 60)%Z) (May_overflow Moments);
      test (if few then let* q := square_top_counted F c rest in several 2 (q <=? 2 ^ 60)%Z else free false) (May_overflow Moments);
      test (if few then let* b := bound_top_counted F c M rest worst in several 2 (b <=? 2 ^ 61)%Z else free false)
        (May_overflow Margins) ].

(** ** Evaluation *)

Fixpoint rests_counted (f : int -> counted int) (l r g k s t : list int) : counted (list int) :=
  match l, r, g, k, s, t with
  | x :: l', y :: r', g0 :: g', k0 :: k', s0 :: s', t0 :: t' =>
      let* z := once (x + y) in
      let* h := f z in
      let* d := several 4 (h - g0 - k0 - s0 - t0) in
      let* rest := rests_counted f l' r' g' k' s' t' in
      free (d :: rest)
  | _, _, _, _, _, _ => free []
  end.

Definition coarse_counted (bits : int) : counted (int -> counted int) :=
  let* none := once (Uint63.eqb bits 0) in
  if none then free (fun x => free x)
  else let* low := once (quarter >> bits) in free (fun x => several 3 (((x + quarter) >> bits) - low)).

Fixpoint squares_counted (f : int -> counted int) (row : list int) (total : int) : counted int :=
  match row with
  | [] => free total
  | x :: rest => let* y := f x in let* more := several 2 (total + y * y) in squares_counted f rest more
  end.

Fixpoint dot_from_counted (start : int) (x y : list int) : counted int :=
  match x, y with
  | x0 :: x', y0 :: y' => let* more := several 2 (start + x0 * y0) in dot_from_counted more x' y'
  | _, _ => free start
  end.

Definition loss_row_counted (b e : list int) : counted (list int) :=
  let* square := squares_counted free e 0 in several 3 (of_Z (Z.sqrt_up (to_Z square)) :: b).

Section Rivals.
  Context (best : int) (y : list int).

  Definition below_counted (row : list int) (a b s t : int) : counted bool :=
    let* start := several 3 (a + b + s + t) in let* bound := dot_from_counted start y row in once (ltb bound best).

  Fixpoint all_below_counted (rows : list (list int)) (first second answers differences : list int) : counted bool :=
    match rows, first, second, answers, differences with
    | row :: rows', a :: first', b :: second', s :: answers', t :: differences' =>
        let* less := below_counted row a b s t in
        if less then all_below_counted rows' first' second' answers' differences' else free false
    | [], _, _, _, _ => free true
    | _, _, _, _, _ => free false
    end.

  Fixpoint others_below_counted (but : nat) (rows : list (list int)) (first second answers differences : list int)
    {struct rows} : counted bool :=
    match rows, first, second, answers, differences with
    | row :: rows', a :: first', b :: second', s :: answers', t :: differences' =>
        match but with
        | O => all_below_counted rows' first' second' answers' differences'
        | S but' =>
            let* less := below_counted row a b s t in
            if less then others_below_counted but' rows' first' second' answers' differences' else free false
        end
    | [], _, _, _, _ => free true
    | _, _, _, _, _ => free false
    end.
End Rivals.

Definition by_token_counted (rows means direct scaled_u : list (list int)) (start d : int) :
  counted (list (list int * list int * list int)) :=
  let* tables := zip_counted (fun g q =>
    zip_counted (fun u v => let* s := several 2 (start + d * v) in dot_from_counted s g u) scaled_u q) means direct in
  free (zip_with (fun row x => (row, x)) (zip_with (fun l g => (l, g)) rows means) tables).

Definition by_difference_counted (means scaled_u : list (list int)) : counted (list (list int * list int)) :=
  map_counted (fun g => let* row := map_counted (dot_from_counted 0 g) scaled_u in free (g, row)) means.

Definition by_answer_counted (means scaled_u : list (list int)) : counted (list (list int * list int * list int)) :=
  let* tables := by_difference_counted means scaled_u in free (zip_with (fun x u => (x, u)) tables scaled_u).

Definition form_difference_counted (F : form) (a b : nat) : counted nat :=
  let* minus := once (- form_coefficient F)%Z in answer_counted (form_order F) minus a b.

Section Pair.
  Context (F : form) (f coarsen : int -> counted int) (unit slack : Z) (w losses : list (list int)).
  Context (answers : list (list int * list int * list int)) (differences : list (list int * list int)).

  Definition low_rank_passes_counted (a : nat) (x : list int * list int * list int) (b : nat)
    (y : list int * list int * list int) : counted bool :=
    let '(l, g, first) := x in
    let '(r, k, second) := y in
    let* sum := form_answer_counted F a b in
    let '(s, third, u) := nth sum answers ([], [], []) in
    let* difference := form_difference_counted F a b in
    let '(t, fourth) := nth difference differences ([], []) in
    let* d := rests_counted f l r g k s t in
    let* direct := several 3 (nth sum first 0 + nth sum second 0 + nth sum third 0 + nth sum fourth 0) in
    let* best := dot_from_counted direct d u in
    let* square := squares_counted coarsen d 0 in
    let* size := several 5 (of_Z (unit * (Z.sqrt_up (to_Z square) + slack))) in
    let* part := map_counted (dot_from_counted 0 d) w in
    others_below_counted best (size :: part) sum losses first second third fourth.
End Pair.

Definition low_rank_count_counted (F : form) (c : low_rank_unembedding_certificate) (M : low_rank_matrices) : counted Z :=
  let* d := once (of_Z (unembedding_scale c)) in
  let u := scaled_U M in
  let* unit := several 2 (2 ^ to_Z (dropped_bits c))%Z in
  let* extra := slack_counted F c in
  let* coarsen := coarse_counted (dropped_bits c) in
  let* losses := zip_counted loss_row_counted (basis63 M) (residuals M) in
  let* answers := by_answer_counted (answer_means c) u in
  let* differences := by_difference_counted (difference_means c) u in
  let* first := by_token_counted (L_rows F) (first_less M) (P_rows F) u half d in
  let* second := by_token_counted (R_rows F) (second_means c) (Q_rows F) u 0 d in
  count_pairs_counted
    (low_rank_passes_counted F (activate63_counted (form_activation F)) coarsen unit extra (coordinates63 M) losses answers
      differences) first second.

Definition low_rank_unembedding_on_counted (claimed : Z) (F : form) (c : low_rank_unembedding_certificate) :
  counted outcome :=
  let* M := unembedding_matrices_counted F c in
  certified_counted F (low_rank_tests_counted F c M) (fun _ => low_rank_count_counted F c M) claimed.

(** ** Values *)

Lemma less_row_value : forall (row : list int) (A : list (list int)), returned (less_row_counted row A) = less_row row A.
Proof. intros row A. unfold less_row_counted, less_row. values. reflexivity. Qed.

Lemma scaled_value : forall (d : int) (A : list (list int)), returned (scaled_counted d A) = scaled d A.
Proof. intros d A. unfold scaled_counted, scaled. values. reflexivity. Qed.

Lemma row_of_value : forall row : list Z, returned (row_of_counted row) = row_of row.
Proof. intro row. unfold row_of_counted, row_of. values. reflexivity. Qed.

#[export] Hint Rewrite less_row_value scaled_value row_of_value : values.

Lemma unembedding_matrices_value : forall (F : form) (c : low_rank_unembedding_certificate),
  returned (unembedding_matrices_counted F c) = unembedding_matrices F c.
Proof. intros F c. unfold unembedding_matrices_counted, unembedding_matrices. cbv zeta. values. reflexivity. Qed.

Lemma row_fits_value : forall row : list Z, returned (row_fits_counted row) = row_fits row.
Proof. intro row. unfold row_fits_counted, row_fits. values. reflexivity. Qed.

Lemma rest_top_value : forall (F : form) (c : low_rank_unembedding_certificate) (M : low_rank_matrices),
  returned (rest_top_counted F c M) = rest_top F c M.
Proof. intros F c M. unfold rest_top_counted, rest_top. values. reflexivity. Qed.

Lemma residual_top_value : forall (c : low_rank_unembedding_certificate) (M : low_rank_matrices),
  returned (residual_top_counted c M) = residual_top c M.
Proof. intros c M. unfold residual_top_counted, residual_top. values. reflexivity. Qed.

Lemma square_top_value : forall (F : form) (c : low_rank_unembedding_certificate) (rest : Z),
  returned (square_top_counted F c rest) = square_top F c rest.
Proof. reflexivity. Qed.

Lemma slack_value : forall (F : form) (c : low_rank_unembedding_certificate), returned (slack_counted F c) = slack F c.
Proof. intros F c. unfold slack_counted, slack. values. reflexivity. Qed.

Lemma residual_square_top_value : forall (F : form) (worst : Z),
  returned (residual_square_top_counted F worst) = residual_square_top F worst.
Proof. reflexivity. Qed.

#[export] Hint Rewrite unembedding_matrices_value row_fits_value rest_top_value residual_top_value square_top_value slack_value
  residual_square_top_value : values.

Lemma length_top_value : forall (F : form) (c : low_rank_unembedding_certificate) (rest : Z),
  returned (length_top_counted F c rest) = length_top F c rest.
Proof. intros F c rest. unfold length_top_counted, length_top. values. reflexivity. Qed.

#[export] Hint Rewrite length_top_value : values.

Lemma bound_top_value : forall (F : form) (c : low_rank_unembedding_certificate) (M : low_rank_matrices) (rest worst : Z),
  returned (bound_top_counted F c M rest worst) = bound_top F c M rest worst.
Proof. intros F c M rest worst. unfold bound_top_counted, bound_top. values. reflexivity. Qed.

#[export] Hint Rewrite bound_top_value : values.

Lemma low_rank_tests_value : forall (F : form) (c : low_rank_unembedding_certificate) (M : low_rank_matrices),
  returned (low_rank_tests_counted F c M) = low_rank_tests F c M.
Proof. intros F c M. unfold low_rank_tests_counted, low_rank_tests. cbv zeta. values. reflexivity. Qed.

Section FunctionValues.
  Context (f_counted : int -> counted int) (f : int -> int) (same : forall x, returned (f_counted x) = f x).

  Lemma rests_value : forall l r g k s t : list int, returned (rests_counted f_counted l r g k s t) = rests f l r g k s t.
  Proof.
    induction l as [|x l IH]; intros [|y r] [|g0 g] [|k0 k] [|s0 s] [|t0 t]; try reflexivity.
    cbn [rests_counted rests]. rewrite !value_bind, IH, same. reflexivity.
  Qed.

  Lemma squares_value : forall (row : list int) (total : int),
    returned (squares_counted f_counted row total) = squares f row total.
  Proof.
    induction row as [|x row IH]; intro total; [reflexivity|]. cbn [squares_counted squares].
    rewrite !value_bind, IH, same. reflexivity.
  Qed.
End FunctionValues.

Lemma coarse_value : forall bits x : int, returned (returned (coarse_counted bits) x) = coarse bits x.
Proof.
  intros bits x. unfold coarse_counted, coarse. rewrite value_bind. cbn [once returned].
  destruct (Uint63.eqb bits 0); reflexivity.
Qed.

Lemma dot_from_value : forall (x y : list int) (start : int), returned (dot_from_counted start x y) = dot_from start x y.
Proof. induction x as [|x0 x IH]; intros [|y0 y] start; try reflexivity. cbn [dot_from_counted dot_from]. apply IH. Qed.

Lemma loss_row_value : forall b e : list int, returned (loss_row_counted b e) = loss_row b e.
Proof.
  intros b e. unfold loss_row_counted, loss_row. rewrite value_bind, (squares_value free (fun x => x)) by reflexivity.
  reflexivity.
Qed.

#[export] Hint Rewrite low_rank_tests_value dot_from_value loss_row_value : values.

Lemma below_value : forall (best : int) (y row : list int) (a b s t : int),
  returned (below_counted best y row a b s t) = ltb (dot_from (a + b + s + t) y row) best.
Proof. intros best y row a b s t. unfold below_counted. values. reflexivity. Qed.

Lemma all_below_value : forall (best : int) (y : list int) (rows : list (list int)) (a b s t : list int),
  returned (all_below_counted best y rows a b s t) = all_below best y rows a b s t.
Proof.
  intros best y. induction rows as [|row rows IH]; intros [|a0 a] [|b0 b] [|s0 s] [|t0 t]; try reflexivity.
  cbn [all_below_counted all_below]. rewrite value_bind, below_value, value_if, IH. reflexivity.
Qed.

Lemma others_below_value : forall (best : int) (y : list int) (rows : list (list int)) (but : nat) (a b s t : list int),
  returned (others_below_counted best y but rows a b s t) = others_below best y but rows a b s t.
Proof.
  intros best y. induction rows as [|row rows IH]; intros but [|a0 a] [|b0 b] [|s0 s] [|t0 t]; try reflexivity.
  destruct but as [|but]; cbn [others_below_counted others_below]; [apply all_below_value|].
  rewrite value_bind, below_value, value_if, IH. reflexivity.
Qed.

Lemma by_token_value : forall (rows means direct scaled_u : list (list int)) (start d : int),
  returned (by_token_counted rows means direct scaled_u start d) = by_token rows means direct scaled_u start d.
Proof. intros rows means direct scaled_u start d. unfold by_token_counted, by_token. values. reflexivity. Qed.

Lemma by_difference_value : forall means scaled_u : list (list int),
  returned (by_difference_counted means scaled_u) = by_difference means scaled_u.
Proof. intros means scaled_u. unfold by_difference_counted, by_difference. values. reflexivity. Qed.

#[export] Hint Rewrite others_below_value by_token_value by_difference_value : values.

Lemma by_answer_value : forall means scaled_u : list (list int),
  returned (by_answer_counted means scaled_u) = by_answer means scaled_u.
Proof. intros means scaled_u. unfold by_answer_counted, by_answer. values. reflexivity. Qed.

Lemma form_difference_value : forall (F : form) (a b : nat), returned (form_difference_counted F a b) = form_difference F a b.
Proof. reflexivity. Qed.

#[export] Hint Rewrite by_answer_value form_difference_value : values.

Lemma low_rank_passes_value : forall (F : form) (f_counted coarsen_counted : int -> counted int) (f coarsen : int -> int)
  (unit slack : Z) (w losses : list (list int)) (answers : list (list int * list int * list int))
  (differences : list (list int * list int)),
  (forall x, returned (f_counted x) = f x) -> (forall x, returned (coarsen_counted x) = coarsen x) ->
  forall (a : nat) (x : list int * list int * list int) (b : nat) (y : list int * list int * list int),
  returned (low_rank_passes_counted F f_counted coarsen_counted unit slack w losses answers differences a x b y) =
  low_rank_passes F f coarsen unit slack w losses answers differences a x b y.
Proof.
  intros F f_counted coarsen_counted f coarsen unit slack w losses answers differences same same_coarse a [[l g] first] b
    [[r k] second].
  unfold low_rank_passes_counted, low_rank_passes. rewrite value_bind, form_answer_value.
  destruct (nth (form_answer F a b) answers ([], [], [])) as [[s third] u]. rewrite value_bind, form_difference_value.
  destruct (nth (form_difference F a b) differences ([], [])) as [t fourth].
  rewrite value_bind, (rests_value f_counted f same). rewrite !value_bind, (squares_value coarsen_counted coarsen same_coarse).
  values. reflexivity.
Qed.

Lemma low_rank_count_value : forall (F : form) (c : low_rank_unembedding_certificate) (M : low_rank_matrices),
  returned (low_rank_count_counted F c M) = low_rank_count F c M.
Proof.
  intros F c M. unfold low_rank_count_counted, low_rank_count. cbv zeta. rewrite !value_bind. autorewrite with values.
  cbn [once several returned].
  rewrite (value_zip _ _ _ loss_row_counted loss_row) by (intros; apply loss_row_value).
  apply count_pairs_value. intros a x b y. apply low_rank_passes_value; [reflexivity | apply coarse_value].
Qed.

Theorem low_rank_unembedding_on_value : forall (claimed : Z) (F : form) (c : low_rank_unembedding_certificate),
  returned (low_rank_unembedding_on_counted claimed F c) = low_rank_unembedding_on claimed F c.
Proof.
  intros claimed F c. unfold low_rank_unembedding_on_counted, low_rank_unembedding_on. cbv zeta.
  rewrite value_bind, unembedding_matrices_value. apply certified_value; [apply low_rank_tests_value|].
  apply low_rank_count_value.
Qed.
