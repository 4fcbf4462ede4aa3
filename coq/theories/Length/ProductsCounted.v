(* CompactProofs: Length: ProductsCounted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix Cert.Outcome Cert.Tables Cert.Terms Cert.Products.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted.
Import ListNotations.
(** * The weights' tables and the products exact or of low rank, counted
    Twins of Cert.Tables and Cert.Products with their values; see Counted. How many operations they take: TablesLength,
    ProductsLength. *)
Local Open Scope uint63_scope.

(** ** Tables *)

Definition resid_bits_counted (M : model) : counted nat := once (Nat.max (scale_bits (W_E M)) (scale_bits (W_pos M))).

Definition raw_score_bits_counted (M : model) : counted nat :=
  let* a := resid_bits_counted M in
  let* b := resid_bits_counted M in
  several 3 (a + scale_bits (W_Q M) + (b + scale_bits (W_K M)))%nat.

Definition score_lift_counted (M : model) : counted nat := let* raw := raw_score_bits_counted M in once (30 - raw)%nat.

Definition score_shift_counted (M : model) : counted nat :=
  let* raw := raw_score_bits_counted M in
  let* lift := score_lift_counted M in
  several 2 (raw + lift - 30)%nat.

Definition attention_bits_counted (M : model) : counted nat := once (scale_bits (W_V M) + scale_bits (W_O M))%nat.

(** Weights times 2^bits. *)
Definition weights_counted (bits : counted nat) (A : matrix) : counted (list (list int)) :=
  let* b := bits in let* factor := power_counted b in of_rows_counted factor (ints A).

Definition bits_below_resid_counted (M : model) (A : matrix) : counted nat :=
  let* b := resid_bits_counted M in once (b - scale_bits A)%nat.

Definition core_of_counted (M : model) : counted core_tables :=
  let* embed := weights_counted (bits_below_resid_counted M (W_E M)) (W_E M) in
  let* pos := weights_counted (bits_below_resid_counted M (W_pos M)) (W_pos M) in
  let* last := once (n_ctx M - 1)%nat in
  let* resid := add_row_counted (nth last pos []) embed in
  let* w_q := weights_counted (score_lift_counted M) (W_Q M) in
  let* w_k := weights_counted (free 0%nat) (W_K M) in
  let* w_v := weights_counted (free 0%nat) (W_V M) in
  let* w_o := weights_counted (free 0%nat) (W_O M) in
  let* w_u := weights_counted (free 0%nat) (W_U M) in
  let* w_u_direct := weights_counted (attention_bits_counted M) (W_U M) in
  let* queries := mul_counted (d_head M) resid w_q in
  let* keys := mul_counted (d_head M) embed w_k in
  let* keys_pos := mul_counted (d_head M) pos w_k in
  let* values := mul_counted (d_head M) embed w_v in
  let* values_pos := mul_counted (d_head M) pos w_v in
  let* outs := mul_counted (d_model M) values w_o in
  let* outs_pos := mul_counted (d_model M) values_pos w_o in
  let* score_pos := mul_transposed_counted queries keys_pos in
  let* logits := mul_counted (d_vocab M) outs w_u in
  let* logits_pos := mul_counted (d_vocab M) outs_pos w_u in
  free (CoreTables embed pos resid w_q w_k w_v w_o w_u w_u_direct queries keys keys_pos score_pos
    values values_pos outs outs_pos logits logits_pos).

(** Weights times 2^bits fit. *)
Definition weights_fit_counted (bits : counted nat) (A : matrix) : counted bool :=
  let* b := bits in let* factor := power_counted b in rows_fit_counted factor (ints A).

Definition small_counted (A : list (list int)) : counted bool :=
  let* a := max_abs_counted A in several 3 (to_Z a <=? 2 ^ 60)%Z.

Definition core_tests_counted (M : model) (T : core_tables) : counted (list (bool * refusal)) :=
  all_of
    [ test (once (0 <? n_ctx M)%nat) Empty_context;
      test (has_shape_counted (d_vocab M) (d_model M) (ints (W_E M))) (Wrong_shape Tensor_W_E);
      test (has_shape_counted (n_ctx M) (d_model M) (ints (W_pos M))) (Wrong_shape Tensor_W_pos);
      test (has_shape_counted (d_model M) (d_head M) (ints (W_Q M))) (Wrong_shape Tensor_W_Q);
      test (has_shape_counted (d_model M) (d_head M) (ints (W_K M))) (Wrong_shape Tensor_W_K);
      test (has_shape_counted (d_model M) (d_head M) (ints (W_V M))) (Wrong_shape Tensor_W_V);
      test (has_shape_counted (d_head M) (d_model M) (ints (W_O M))) (Wrong_shape Tensor_W_O);
      test (has_shape_counted (d_model M) (d_vocab M) (ints (W_U M))) (Wrong_shape Tensor_W_U);
      test (weights_fit_counted (bits_below_resid_counted M (W_E M)) (W_E M)) (May_overflow Range_W_E);
      test (weights_fit_counted (bits_below_resid_counted M (W_pos M)) (W_pos M)) (May_overflow Range_W_pos);
      test (weights_fit_counted (score_lift_counted M) (W_Q M)) (May_overflow Range_W_Q);
      test (weights_fit_counted (free 0%nat) (W_K M)) (May_overflow Range_W_K);
      test (weights_fit_counted (free 0%nat) (W_V M)) (May_overflow Range_W_V);
      test (weights_fit_counted (free 0%nat) (W_O M)) (May_overflow Range_W_O);
      test (weights_fit_counted (free 0%nat) (W_U M)) (May_overflow Range_W_U);
      test (weights_fit_counted (attention_bits_counted M) (W_U M)) (May_overflow Direct_logits);
      test (sum_fits_counted (pos_rows T) (embed_rows T)) (May_overflow Residual);
      test (product_fits_counted (d_model M) (resid_rows T) (W_Q_rows T)) (May_overflow Queries);
      test (product_fits_counted (d_model M) (embed_rows T) (W_K_rows T)) (May_overflow Keys);
      test (product_fits_counted (d_model M) (pos_rows T) (W_K_rows T)) (May_overflow Position_keys);
      test (product_fits_counted (d_head M) (query_rows T) (key_pos_rows T)) (May_overflow Position_scores);
      test (product_fits_counted (d_model M) (embed_rows T) (W_V_rows T)) (May_overflow Values);
      test (product_fits_counted (d_model M) (pos_rows T) (W_V_rows T)) (May_overflow Position_values);
      test (product_fits_counted (d_head M) (value_rows T) (W_O_rows T)) (May_overflow Outputs);
      test (product_fits_counted (d_head M) (value_pos_rows T) (W_O_rows T)) (May_overflow Position_outputs);
      test (product_fits_counted (d_model M) (out_rows T) (W_U_rows T)) (May_overflow Value_logits);
      test (product_fits_counted (d_model M) (out_pos_rows T) (W_U_rows T)) (May_overflow Position_logits);
      test (small_counted (score_pos_rows T)) (May_overflow Position_scores);
      test (let* shift := score_shift_counted M in once (shift <=? 61)%nat) (May_overflow Score_precision);
      test (several 3 (Z.of_nat (n_ctx M) <=? 2 ^ 20)%Z) (May_overflow Number_of_inputs) ].

Definition inputs_test_counted (M : model) : counted (bool * refusal) :=
  test
    (let* long := once (62 <? n_ctx M)%nat in
     if long then once (d_vocab M <=? 1)%nat else several 5 (Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M) <? 2 ^ 62)%Z)
    (May_overflow Number_of_inputs).

(** ** Products *)

Definition row_range_counted (row : list int) : counted int :=
  match row with
  | [] => free 0
  | x :: rest =>
      let* most := fold_left_counted smax_counted rest x in
      let* least := fold_left_counted smin_counted rest x in
      once (most - least)
  end.

Definition ranges_counted (B : list (list int)) : counted (list int) := map_counted row_range_counted B.

Fixpoint remainder_from_counted (k : nat) (unit : int) (columns : nat) (P Q : list (list int)) : counted (list (list int)) :=
  match P, Q with
  | p :: P', q :: Q' =>
      let* row := map_counted (fun c => several 3 ((if Nat.eqb c k then unit else 0) - nth c p 0 - nth c q 0))
        (seq 0 columns) in
      let* rest := remainder_from_counted (S k) unit columns P' Q' in
      free (row :: rest)
  | _, _ => free []
  end.

(** A factor of a certificate as machine integers. *)
Definition factor_counted (A : list (list Z)) : counted (list (list int)) :=
  let* one := power_counted 0 in of_rows_counted one A.

Definition parts_of_counted (f : factors) (inner columns : nat) (A B : list (list int)) : counted parts :=
  let* l1 := factor_counted (peeled_left f) in
  let* r1 := factor_counted (peeled_right f) in
  let* l2 := factor_counted (bounded_left f) in
  let* r2 := factor_counted (bounded_right f) in
  let* i1 := mul_counted inner l1 r1 in
  let* i2 := mul_counted inner l2 r2 in
  let* unit := once (1 << bits f) in
  let* e := remainder_from_counted 0 unit inner i1 i2 in
  let* A1 := mul_counted (length r1) A l1 in
  let* B1 := mul_counted columns r1 B in
  let* A2 := mul_counted (length r2) A l2 in
  let* B2 := mul_counted columns r2 B in
  let* AE := mul_counted inner A e in
  free (Parts l1 r1 l2 r2 i1 i2 e A1 B1 A2 B2 AE).

Definition absolute_dot_counted (row range : list int) : counted int :=
  let* absolutes := map_counted absolute_counted row in dot_counted absolutes range.

Definition low_rank_product_counted (f : factors) (columns : nat) (B : list (list int)) (P : parts) : counted product :=
  let* ranges_2 := ranges_counted (right_2_B P) in
  let* ranges_B := ranges_counted B in
  let* rows := mul_counted columns (A_left_1 P) (right_1_B P) in
  let* first := map_counted (fun row => absolute_dot_counted row ranges_2) (A_left_2 P) in
  let* second := map_counted (fun row => absolute_dot_counted row ranges_B) (A_remainder P) in
  let* sums := zip_counted (fun x y => once (x + y)) first second in
  free (Product (bits f) rows sums).

(** A factor of a certificate fits. *)
Definition factor_fits_counted (A : list (list Z)) : counted bool :=
  let* one := power_counted 0 in rows_fit_counted one A.

(** A product with the ranges of a matrix fits. *)
Definition ranges_fit_counted (n : nat) (A B : list (list int)) : counted bool :=
  let* range := ranges_counted B in product_fits_counted n A [range].

Definition low_rank_tests_counted (which : stage) (f : factors) (inner : nat) (A B : list (list int)) (P : parts) :
  counted (list (bool * refusal)) :=
  all_of
    [ test (has_shape_counted inner (length (right_1 P)) (peeled_left f)) (Wrong_factor which Peeled_left);
      test (has_shape_counted (length (right_1 P)) inner (peeled_right f)) (Wrong_factor which Peeled_right);
      test (has_shape_counted inner (length (right_2 P)) (bounded_left f)) (Wrong_factor which Bounded_left);
      test (has_shape_counted (length (right_2 P)) inner (bounded_right f)) (Wrong_factor which Bounded_right);
      test (factor_fits_counted (peeled_left f)) (Wrong_factor which Peeled_left);
      test (factor_fits_counted (peeled_right f)) (Wrong_factor which Peeled_right);
      test (factor_fits_counted (bounded_left f)) (Wrong_factor which Bounded_left);
      test (factor_fits_counted (bounded_right f)) (Wrong_factor which Bounded_right);
      test (several 2 (to_Z (bits f) <=? 58)%Z) (May_overflow which);
      test (sum_fits_counted B B) (May_overflow which);
      test (product_fits_counted (length (right_1 P)) (left_1 P) (right_1 P)) (May_overflow which);
      test (product_fits_counted (length (right_2 P)) (left_2 P) (right_2 P)) (May_overflow which);
      test (product_fits_counted inner A (left_1 P)) (May_overflow which);
      test (product_fits_counted inner (right_1 P) B) (May_overflow which);
      test (product_fits_counted inner A (left_2 P)) (May_overflow which);
      test (product_fits_counted inner (right_2 P) B) (May_overflow which);
      test (product_fits_counted inner A (remainder P)) (May_overflow which);
      test (product_fits_counted (length (right_1 P)) (A_left_1 P) (right_1_B P)) (May_overflow which);
      test (ranges_fit_counted (length (right_2 P)) (A_left_2 P) (right_2_B P)) (May_overflow which);
      test (ranges_fit_counted inner (A_remainder P) B) (May_overflow which) ].

Definition product_of_counted (which : stage) (choice : product_choice) (inner columns : nat) (A B : list (list int)) :
  counted (product * list (bool * refusal)) :=
  match choice with
  | Exact =>
      let* rows := mul_counted columns A B in
      let* tests := all_of [ test (product_fits_counted inner A B) (May_overflow which) ] in
      free (Product 0 rows (repeat 0 (length A)), tests)
  | Low_rank f =>
      let* P := parts_of_counted f inner columns A B in
      let* product := low_rank_product_counted f columns B P in
      let* tests := low_rank_tests_counted which f inner A B P in
      free (product, tests)
  end.

(** ** Values *)

Lemma score_shift_value : forall M : model, returned (score_shift_counted M) = score_shift M.
Proof. reflexivity. Qed.

Lemma weights_value : forall (bits : counted nat) (A : matrix),
  returned (weights_counted bits A) = of_rows (power (returned bits)) (ints A).
Proof. intros bits A. unfold weights_counted. rewrite !value_bind, of_rows_value. reflexivity. Qed.

Lemma weights_fit_value : forall (bits : counted nat) (A : matrix),
  returned (weights_fit_counted bits A) = rows_fit (power (returned bits)) (ints A).
Proof. intros bits A. unfold weights_fit_counted. rewrite !value_bind, rows_fit_value. reflexivity. Qed.

Lemma small_value : forall A : list (list int), returned (small_counted A) = small A.
Proof. intro A. unfold small_counted, small. values. reflexivity. Qed.

Lemma inputs_test_value : forall M : model, returned (inputs_test_counted M) = inputs_test M.
Proof. intro M. unfold inputs_test_counted, inputs_test. values; reflexivity. Qed.

#[export] Hint Rewrite score_shift_value weights_value weights_fit_value small_value inputs_test_value : values.

Lemma core_of_value : forall M : model, returned (core_of_counted M) = core_of M.
Proof. intro M. unfold core_of_counted. values. reflexivity. Qed.

Lemma core_tests_value : forall (M : model) (T : core_tables), returned (core_tests_counted M T) = core_tests M T.
Proof. intros M T. unfold core_tests_counted. values. reflexivity. Qed.

Lemma row_range_value : forall row : list int, returned (row_range_counted row) = row_range row.
Proof. intros [|x rest]; [reflexivity|]. unfold row_range_counted, row_range. values. reflexivity. Qed.

#[export] Hint Rewrite core_of_value core_tests_value row_range_value : values.

Lemma ranges_value : forall B : list (list int), returned (ranges_counted B) = ranges B.
Proof. intro B. unfold ranges_counted, ranges. values. reflexivity. Qed.

Lemma remainder_from_value : forall (unit : int) (columns : nat) (P Q : list (list int)) (k : nat),
  returned (remainder_from_counted k unit columns P Q) = remainder_from k unit columns P Q.
Proof.
  intros unit columns. induction P as [|p P IH]; intros [|q Q] k; try reflexivity.
  cbn [remainder_from_counted remainder_from]. rewrite !value_bind. cbn [free returned]. rewrite IH. f_equal.
  values. reflexivity.
Qed.

Lemma factor_value : forall A : list (list Z), returned (factor_counted A) = of_rows (power 0) A.
Proof. intro A. unfold factor_counted. values. reflexivity. Qed.

#[export] Hint Rewrite ranges_value remainder_from_value factor_value : values.

Lemma parts_of_value : forall (f : factors) (inner columns : nat) (A B : list (list int)),
  returned (parts_of_counted f inner columns A B) = parts_of f inner columns A B.
Proof. intros f inner columns A B. unfold parts_of_counted. values. reflexivity. Qed.

Lemma absolute_dot_value : forall row range : list int, returned (absolute_dot_counted row range) = absolute_dot row range.
Proof. intros row range. unfold absolute_dot_counted, absolute_dot. values. reflexivity. Qed.

#[export] Hint Rewrite parts_of_value absolute_dot_value : values.

Lemma low_rank_product_value : forall (f : factors) (columns : nat) (B : list (list int)) (P : parts),
  returned (low_rank_product_counted f columns B P) = low_rank_product f columns B P.
Proof. intros f columns B P. unfold low_rank_product_counted, low_rank_product. values. reflexivity. Qed.

Lemma factor_fits_value : forall A : list (list Z), returned (factor_fits_counted A) = rows_fit (power 0) A.
Proof. intro A. unfold factor_fits_counted. values. reflexivity. Qed.

Lemma ranges_fit_value : forall (n : nat) (A B : list (list int)),
  returned (ranges_fit_counted n A B) = product_fits n A [ranges B].
Proof. intros n A B. unfold ranges_fit_counted. values. reflexivity. Qed.

#[export] Hint Rewrite low_rank_product_value factor_fits_value ranges_fit_value : values.

Lemma low_rank_tests_value : forall (which : stage) (f : factors) (inner : nat) (A B : list (list int)) (P : parts),
  returned (low_rank_tests_counted which f inner A B P) = low_rank_tests which f inner A B P.
Proof. intros which f inner A B P. unfold low_rank_tests_counted. values. reflexivity. Qed.

#[export] Hint Rewrite low_rank_tests_value : values.

Lemma product_of_value : forall (which : stage) (choice : product_choice) (inner columns : nat) (A B : list (list int)),
  returned (product_of_counted which choice inner columns A B) = product_of which choice inner columns A B.
Proof. intros which [|f] inner columns A B; unfold product_of_counted; values; reflexivity. Qed.

#[export] Hint Rewrite product_of_value : values.
