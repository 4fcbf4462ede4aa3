(* CompactProofs: Modular: Length: FoldCounted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Spec.Network Spec.Modular Base.Lists Base.Matrix Cert.Outcome Modular.Form Modular.Fold.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted.
Import ListNotations.
(** * Folding a network for modular arithmetic, counted
    Twins of Modular.Fold with their values; see Length.Counted. How many operations they take: Modular.Length.FoldLength.
    - [on_form_counted M strategy] == the fold's tests, the fold and what the strategy does with the form *)

Definition add_tables_counted (A B : list (list int)) : counted (list (list int)) := zip_counted add_rows_counted A B.

Definition lifted_counted (lift : counted nat) (W : matrix) : counted (list (list int)) :=
  let* bits := lift in let* factor := power_counted bits in of_rows_counted factor (ints W).

Definition lift_fits_counted (lift : counted nat) (W : matrix) : counted bool :=
  let* bits := lift in let* factor := power_counted bits in rows_fit_counted factor (ints W).

Definition shaped_counted (r c : nat) (W : matrix) : counted bool := has_shape_counted r c (ints W).

Definition common_bits_counted (V W : matrix) : counted nat := once (common_bits V W).

(** With the conversion for the refusal. *)
Definition order_test_counted (p : nat) : counted (bool * refusal) :=
  test (several 2 (1 <=? p)%nat) (Wrong_order (Z.of_nat p)).

(** What follows a fold's tests. *)
Definition after_tests (tests : counted (list (bool * refusal))) (folded : counted form) (strategy : form -> counted outcome) :
  counted outcome :=
  let* passed := tests in
  match first_failure passed with
  | Some why => free (Refused why)
  | None => let* F := folded in strategy F
  end.

Section Mlp.
  Context (p : nat) (s : Z) (f : activation) (d_mlp : nat) (W_E W_E_b W_U : matrix).

  Definition mlp_tests_counted : counted (list (bool * refusal)) :=
    let* bits := common_bits_counted W_E W_E_b in
    all_of
      [ order_test_counted p;
        test (shaped_counted p d_mlp W_E) (Wrong_shape Tensor_W_E);
        test (shaped_counted p d_mlp W_E_b) (Wrong_shape Tensor_W_E_b);
        test (shaped_counted d_mlp p W_U) (Wrong_shape Tensor_W_U);
        test (lift_fits_counted (once (bits - scale_bits W_E)%nat) W_E) (May_overflow Range_W_E);
        test (lift_fits_counted (once (bits - scale_bits W_E_b)%nat) W_E_b) (May_overflow Range_W_E_b);
        test (lift_fits_counted (free 0%nat) W_U) (May_overflow Range_W_U) ].

  Definition mlp_form_counted : counted form :=
    let* bits := common_bits_counted W_E W_E_b in
    let zero := zeros p in
    let* l := lifted_counted (once (bits - scale_bits W_E)%nat) W_E in
    let* r := lifted_counted (once (bits - scale_bits W_E_b)%nat) W_E_b in
    let* u := lifted_counted (free 0%nat) W_U in
    free (Form p s f d_mlp l r (transpose p u) zero zero).
End Mlp.

Section Bottleneck.
  Context (p : nat) (s : Z) (f : activation) (d_model d_mlp : nat) (W_E W_E_b W_in W_out W_U : matrix).

  Definition bottleneck_of_counted : counted bottleneck_tables :=
    let* bits := common_bits_counted W_E W_E_b in
    let* first := lifted_counted (once (bits - scale_bits W_E)%nat) W_E in
    let* second := lifted_counted (once (bits - scale_bits W_E_b)%nat) W_E_b in
    let* w_in := lifted_counted (free 0%nat) W_in in
    let* w_out := lifted_counted (free 0%nat) W_out in
    let* w_u := lifted_counted (free 0%nat) W_U in
    free (Bottleneck_tables first second w_in w_out (transpose p w_u)).

  Definition bottleneck_tests_counted (T : bottleneck_tables) : counted (list (bool * refusal)) :=
    let* bits := common_bits_counted W_E W_E_b in
    all_of
      [ order_test_counted p;
        test (shaped_counted p d_model W_E) (Wrong_shape Tensor_W_E);
        test (shaped_counted p d_model W_E_b) (Wrong_shape Tensor_W_E_b);
        test (shaped_counted d_model d_mlp W_in) (Wrong_shape Tensor_W_in);
        test (shaped_counted d_mlp d_model W_out) (Wrong_shape Tensor_W_out);
        test (shaped_counted d_model p W_U) (Wrong_shape Tensor_W_U);
        test (lift_fits_counted (once (bits - scale_bits W_E)%nat) W_E) (May_overflow Range_W_E);
        test (lift_fits_counted (once (bits - scale_bits W_E_b)%nat) W_E_b) (May_overflow Range_W_E_b);
        test (lift_fits_counted (free 0%nat) W_in) (May_overflow Range_W_in);
        test (lift_fits_counted (free 0%nat) W_out) (May_overflow Range_W_out);
        test (lift_fits_counted (free 0%nat) W_U) (May_overflow Range_W_U);
        test (product_fits_counted d_model (first_embed T) (in_weights T)) (May_overflow Before_activation);
        test (product_fits_counted d_model (second_embed T) (in_weights T)) (May_overflow Before_activation);
        test (product_fits_counted d_model (class_weights T) (out_weights T)) (May_overflow Unembedding) ].

  Definition bottleneck_form_counted (T : bottleneck_tables) : counted form :=
    let zero := zeros p in
    let* l := mul_counted d_mlp (first_embed T) (in_weights T) in
    let* r := mul_counted d_mlp (second_embed T) (in_weights T) in
    let* u := mul_transposed_counted (class_weights T) (out_weights T) in
    free (Form p s f d_mlp l r u zero zero).
End Bottleneck.

Section Transformer.
  Context (p : nat) (s : Z) (f : activation) (d_model d_attn d_mlp : nat).
  Context (W_E W_pos W_V W_O W_in b_in W_out b_out W_U : matrix).

  Definition embed_bits_counted : counted nat := common_bits_counted W_E W_pos.
  Definition mixed_bits_counted : counted nat :=
    let* e := embed_bits_counted in several 3 (e + scale_bits W_V + scale_bits W_O + 1)%nat.
  Definition in_lift_counted : counted nat :=
    let* mixed := mixed_bits_counted in several 2 (scale_bits b_in - (mixed + scale_bits W_in))%nat.
  Definition argument_bits_counted : counted nat :=
    let* mixed := mixed_bits_counted in let* lift := in_lift_counted in several 2 (mixed + (scale_bits W_in + lift))%nat.
  Definition hidden_bits_counted : counted nat := let* a := argument_bits_counted in once (degree f * a)%nat.
  Definition out_lift_counted : counted nat :=
    let* h := hidden_bits_counted in several 2 (scale_bits b_out - (h + scale_bits W_out))%nat.
  Definition out_bits_counted : counted nat := let* lift := out_lift_counted in once (scale_bits W_out + lift)%nat.
  Definition in_bias_lift_counted : counted nat := let* a := argument_bits_counted in once (a - scale_bits b_in)%nat.
  Definition out_bias_lift_counted : counted nat :=
    let* h := hidden_bits_counted in let* o := out_bits_counted in several 2 (h + o - scale_bits b_out)%nat.
  Definition direct_lift_counted : counted nat :=
    let* h := hidden_bits_counted in
    let* o := out_bits_counted in
    let* mixed := mixed_bits_counted in
    several 2 (h + o - mixed)%nat.

  Definition below_embed_counted (W : matrix) : counted nat := let* e := embed_bits_counted in once (e - scale_bits W)%nat.
  Definition below_mixed_counted (W : matrix) : counted nat := let* x := mixed_bits_counted in once (x - scale_bits W)%nat.

  Definition transformer_of_counted : counted transformer_tables :=
    let* embed := lifted_counted (below_embed_counted W_E) W_E in
    let* pos := lifted_counted (below_embed_counted W_pos) W_pos in
    let* w_v := lifted_counted (free 0%nat) W_V in
    let* w_o := lifted_counted (free 0%nat) W_O in
    let* values := mul_counted d_attn embed w_v in
    let* values_pos := mul_counted d_attn pos w_v in
    let* outs := mul_counted d_model values w_o in
    let* outs_pos := mul_counted d_model values_pos w_o in
    let* skip := lifted_counted (below_mixed_counted W_E) W_E in
    let* skip_pos := lifted_counted (below_mixed_counted W_pos) W_pos in
    let* outs_second := add_row_counted (nth 1 outs_pos []) outs in
    let* skip_second := add_row_counted (nth 1 skip_pos []) skip in
    let* first := add_row_counted (nth 0 outs_pos []) outs in
    let* second := add_tables_counted outs_second skip_second in
    let* w_in := lifted_counted in_lift_counted W_in in
    let* w_u := lifted_counted (free 0%nat) W_U in
    let* w_u_direct := lifted_counted direct_lift_counted W_U in
    let* bias_out := lifted_counted out_bias_lift_counted b_out in
    let* bias_in := lifted_counted in_bias_lift_counted b_in in
    let* argument := mul_counted d_mlp second w_in in
    let* w_out := lifted_counted out_lift_counted W_out in
    let* direct := mul_counted p second w_u_direct in
    let* direct_bias := mul_counted p bias_out w_u in
    free (Transformer_tables embed pos w_v w_o values values_pos outs outs_pos skip skip_pos outs_second skip_second first
      second w_in bias_in argument w_out bias_out w_u (transpose p w_u) w_u_direct direct direct_bias).

  Definition transformer_tests_counted (T : transformer_tables) : counted (list (bool * refusal)) :=
    all_of
      [ order_test_counted p;
        test (shaped_counted p d_model W_E) (Wrong_shape Tensor_W_E);
        test (shaped_counted 2 d_model W_pos) (Wrong_shape Tensor_W_pos);
        test (shaped_counted d_model d_attn W_V) (Wrong_shape Tensor_W_V);
        test (shaped_counted d_attn d_model W_O) (Wrong_shape Tensor_W_O);
        test (shaped_counted d_model d_mlp W_in) (Wrong_shape Tensor_W_in);
        test (shaped_counted 1 d_mlp b_in) (Wrong_shape Tensor_b_in);
        test (shaped_counted d_mlp d_model W_out) (Wrong_shape Tensor_W_out);
        test (shaped_counted 1 d_model b_out) (Wrong_shape Tensor_b_out);
        test (shaped_counted d_model p W_U) (Wrong_shape Tensor_W_U);
        test (lift_fits_counted (below_embed_counted W_E) W_E) (May_overflow Range_W_E);
        test (lift_fits_counted (below_embed_counted W_pos) W_pos) (May_overflow Range_W_pos);
        test (lift_fits_counted (free 0%nat) W_V) (May_overflow Range_W_V);
        test (lift_fits_counted (free 0%nat) W_O) (May_overflow Range_W_O);
        test (lift_fits_counted in_lift_counted W_in) (May_overflow Range_W_in);
        test (lift_fits_counted in_bias_lift_counted b_in) (May_overflow Range_b_in);
        test (lift_fits_counted out_lift_counted W_out) (May_overflow Range_W_out);
        test (lift_fits_counted out_bias_lift_counted b_out) (May_overflow Range_b_out);
        test (lift_fits_counted (free 0%nat) W_U) (May_overflow Range_W_U);
        test (product_fits_counted d_model (embed_rows T) (value_weights T)) (May_overflow Values);
        test (product_fits_counted d_model (pos_rows T) (value_weights T)) (May_overflow Position_values);
        test (product_fits_counted d_attn (embed_values T) (attention_weights T)) (May_overflow Outputs);
        test (product_fits_counted d_attn (pos_values T) (attention_weights T)) (May_overflow Position_outputs);
        test (sum_fits_counted (pos_outs T) (embed_outs T)) (May_overflow Attention);
        test (lift_fits_counted (below_mixed_counted W_E) W_E) (May_overflow Skip_path);
        test (lift_fits_counted (below_mixed_counted W_pos) W_pos) (May_overflow Skip_path);
        test (sum_fits_counted (pos_skip T) (embed_skip T)) (May_overflow Skip_path);
        test (sum_fits_counted (second_outs T) (second_skip T)) (May_overflow Residual);
        test (product_fits_counted d_model (first_resid T) (in_rows T)) (May_overflow Before_activation);
        test (product_fits_counted d_model (second_resid T) (in_rows T)) (May_overflow Before_activation);
        test (sum_fits_counted (in_bias T) (second_argument T)) (May_overflow Bias);
        test (product_fits_counted d_model (class_rows T) (out_rows T)) (May_overflow Unembedding);
        test (lift_fits_counted direct_lift_counted W_U) (May_overflow Direct_path);
        test (product_fits_counted d_model (first_resid T) (direct_rows T)) (May_overflow Direct_path);
        test (product_fits_counted d_model (second_resid T) (direct_rows T)) (May_overflow Direct_path);
        test (product_fits_counted d_model (out_bias T) (unembed_rows T)) (May_overflow Bias);
        test (sum_fits_counted (bias_direct T) (second_direct T)) (May_overflow Bias) ].

  Definition transformer_form_counted (T : transformer_tables) : counted form :=
    let* l := mul_counted d_mlp (first_resid T) (in_rows T) in
    let* r := add_row_counted (nth 0 (in_bias T) []) (second_argument T) in
    let* u := mul_transposed_counted (class_rows T) (out_rows T) in
    let* first := mul_counted p (first_resid T) (direct_rows T) in
    let* second := add_row_counted (nth 0 (bias_direct T) []) (second_direct T) in
    free (Form p s f d_mlp l r u first second).
End Transformer.

Section Canonical.
  Context (p : nat) (s : Z) (f : activation) (d_mlp : nat) (P Q L R U : matrix).

  Definition neuron_bits_counted : counted nat := common_bits_counted L R.
  Definition path_bits_counted : counted nat := let* n := neuron_bits_counted in several 2 (degree f * n + scale_bits U)%nat.
  Definition value_bits_counted : counted nat :=
    let* path := path_bits_counted in let* direct := common_bits_counted P Q in once (Nat.max path direct).
  Definition below_neuron_counted (W : matrix) : counted nat := let* n := neuron_bits_counted in once (n - scale_bits W)%nat.
  Definition below_value_counted (W : matrix) : counted nat := let* v := value_bits_counted in once (v - scale_bits W)%nat.
  Definition class_lift_counted : counted nat :=
    let* value := value_bits_counted in let* path := path_bits_counted in once (value - path)%nat.

  Definition canonical_tests_counted : counted (list (bool * refusal)) :=
    all_of
      [ order_test_counted p;
        test (shaped_counted p p P) (Wrong_table First_direct);
        test (shaped_counted p p Q) (Wrong_table Second_direct);
        test (shaped_counted p d_mlp L) (Wrong_table Left);
        test (shaped_counted p d_mlp R) (Wrong_table Right);
        test (shaped_counted d_mlp p U) (Wrong_table Outputs_of_classes);
        test (lift_fits_counted (below_value_counted P) P) (May_overflow Direct_path);
        test (lift_fits_counted (below_value_counted Q) Q) (May_overflow Direct_path);
        test (lift_fits_counted (below_neuron_counted L) L) (May_overflow Before_activation);
        test (lift_fits_counted (below_neuron_counted R) R) (May_overflow Before_activation);
        test (lift_fits_counted class_lift_counted U) (May_overflow Unembedding) ].

  Definition canonical_form_counted : counted form :=
    let* l := lifted_counted (below_neuron_counted L) L in
    let* r := lifted_counted (below_neuron_counted R) R in
    let* u := lifted_counted class_lift_counted U in
    let* first := lifted_counted (below_value_counted P) P in
    let* second := lifted_counted (below_value_counted Q) Q in
    free (Form p s f d_mlp l r (transpose p u) first second).
End Canonical.

Definition on_form_counted (M : modular) (strategy : form -> counted outcome) : counted outcome :=
  let p := order M in
  let s := coefficient M in
  match network_layers M with
  | Mlp f d_mlp W_E W_E_b W_U =>
      after_tests (mlp_tests_counted p d_mlp W_E W_E_b W_U) (mlp_form_counted p s f d_mlp W_E W_E_b W_U) strategy
  | Bottleneck f d_model d_mlp W_E W_E_b W_in W_out W_U =>
      let* T := bottleneck_of_counted p W_E W_E_b W_in W_out W_U in
      after_tests (bottleneck_tests_counted p d_model d_mlp W_E W_E_b W_in W_out W_U T) (bottleneck_form_counted p s f d_mlp T)
        strategy
  | Transformer f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U =>
      let* T := transformer_of_counted p f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U in
      after_tests (transformer_tests_counted p f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U T)
        (transformer_form_counted p s f d_mlp T) strategy
  | Canonical f d_mlp P Q L R U =>
      after_tests (canonical_tests_counted p f d_mlp P Q L R U) (canonical_form_counted p s f d_mlp P Q L R U) strategy
  end.

(** ** Values *)

Lemma add_tables_value : forall A B : list (list int), returned (add_tables_counted A B) = add_tables A B.
Proof. intros A B. unfold add_tables_counted, add_tables. values. reflexivity. Qed.

Lemma lifted_value : forall (lift : counted nat) (W : matrix), returned (lifted_counted lift W) = lifted (returned lift) W.
Proof. intros lift W. unfold lifted_counted, lifted. values. reflexivity. Qed.

Lemma lift_fits_value : forall (lift : counted nat) (W : matrix),
  returned (lift_fits_counted lift W) = lift_fits (returned lift) W.
Proof. intros lift W. unfold lift_fits_counted, lift_fits. values. reflexivity. Qed.

Lemma shaped_value : forall (r c : nat) (W : matrix), returned (shaped_counted r c W) = shaped r c W.
Proof. intros r c W. apply has_shape_value. Qed.

Lemma common_bits_value : forall V W : matrix, returned (common_bits_counted V W) = common_bits V W.
Proof. reflexivity. Qed.

Lemma order_test_value : forall p : nat, returned (order_test_counted p) = ((1 <=? p)%nat, Wrong_order (Z.of_nat p)).
Proof. reflexivity. Qed.

#[export] Hint Rewrite add_tables_value lifted_value lift_fits_value shaped_value common_bits_value order_test_value : values.

Lemma after_tests_value : forall (tests_counted : counted (list (bool * refusal))) (folded : counted form)
  (strategy_counted : form -> counted outcome) (strategy : form -> outcome) (tests : list (bool * refusal)) (F : form),
  returned tests_counted = tests -> returned folded = F -> (forall F, returned (strategy_counted F) = strategy F) ->
  returned (after_tests tests_counted folded strategy_counted) =
  match first_failure tests with Some why => Refused why | None => strategy F end.
Proof.
  intros tests_counted folded strategy_counted strategy tests F <- <- same. unfold after_tests. rewrite value_bind.
  destruct (first_failure (returned tests_counted)); [reflexivity|]. rewrite value_bind. apply same.
Qed.

Lemma mlp_tests_value : forall (p d_mlp : nat) (W_E W_E_b W_U : matrix),
  returned (mlp_tests_counted p d_mlp W_E W_E_b W_U) = mlp_tests p d_mlp W_E W_E_b W_U.
Proof. intros. unfold mlp_tests_counted, mlp_tests. cbv zeta. values. reflexivity. Qed.

Lemma mlp_form_value : forall (p : nat) (s : Z) (f : activation) (d_mlp : nat) (W_E W_E_b W_U : matrix),
  returned (mlp_form_counted p s f d_mlp W_E W_E_b W_U) = mlp_form p s f d_mlp W_E W_E_b W_U.
Proof. intros. unfold mlp_form_counted, mlp_form. cbv zeta. values. reflexivity. Qed.

Lemma bottleneck_of_value : forall (p : nat) (W_E W_E_b W_in W_out W_U : matrix),
  returned (bottleneck_of_counted p W_E W_E_b W_in W_out W_U) = bottleneck_of p W_E W_E_b W_in W_out W_U.
Proof. intros. unfold bottleneck_of_counted, bottleneck_of. cbv zeta. values. reflexivity. Qed.

Lemma bottleneck_tests_value : forall (p d_model d_mlp : nat) (W_E W_E_b W_in W_out W_U : matrix) (T : bottleneck_tables),
  returned (bottleneck_tests_counted p d_model d_mlp W_E W_E_b W_in W_out W_U T) =
  bottleneck_tests p d_model d_mlp W_E W_E_b W_in W_out W_U T.
Proof. intros. unfold bottleneck_tests_counted, bottleneck_tests. cbv zeta. values. reflexivity. Qed.

Lemma bottleneck_form_value : forall (p : nat) (s : Z) (f : activation) (d_mlp : nat) (T : bottleneck_tables),
  returned (bottleneck_form_counted p s f d_mlp T) = bottleneck_form p s f d_mlp T.
Proof. intros. unfold bottleneck_form_counted, bottleneck_form. cbv zeta. values. reflexivity. Qed.

Section TransformerValues.
  Context (p : nat) (s : Z) (f : activation) (d_model d_attn d_mlp : nat).
  Context (W_E W_pos W_V W_O W_in b_in W_out b_out W_U : matrix).

  Lemma transformer_of_value :
    returned (transformer_of_counted p f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U) =
    transformer_of p f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U.
  Proof. unfold transformer_of_counted, transformer_of. cbv zeta. values. reflexivity. Qed.

  Lemma transformer_tests_value : forall T : transformer_tables,
    returned (transformer_tests_counted p f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U T) =
    transformer_tests p f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U T.
  Proof. intro T. unfold transformer_tests_counted, transformer_tests. values. reflexivity. Qed.

  Lemma transformer_form_value : forall T : transformer_tables,
    returned (transformer_form_counted p s f d_mlp T) = transformer_form p s f d_mlp T.
  Proof. intro T. unfold transformer_form_counted, transformer_form. values. reflexivity. Qed.
End TransformerValues.

Lemma canonical_tests_value : forall (p : nat) (f : activation) (d_mlp : nat) (P Q L R U : matrix),
  returned (canonical_tests_counted p f d_mlp P Q L R U) = canonical_tests p f d_mlp P Q L R U.
Proof. intros. unfold canonical_tests_counted, canonical_tests. values. reflexivity. Qed.

Lemma canonical_form_value : forall (p : nat) (s : Z) (f : activation) (d_mlp : nat) (P Q L R U : matrix),
  returned (canonical_form_counted p s f d_mlp P Q L R U) = canonical_form p s f d_mlp P Q L R U.
Proof. intros. unfold canonical_form_counted, canonical_form. values. reflexivity. Qed.

Theorem on_form_value : forall (M : modular) (strategy_counted : form -> counted outcome) (strategy : form -> outcome),
  (forall F, returned (strategy_counted F) = strategy F) ->
  returned (on_form_counted M strategy_counted) = on_form M strategy.
Proof.
  intros M strategy_counted strategy same. unfold on_form_counted, on_form, folding_of. cbv zeta.
  destruct (network_layers M); cbn [mlp_folding canonical_folding folding_tests folding_form].
  - apply after_tests_value; [apply mlp_tests_value | apply mlp_form_value | exact same].
  - rewrite value_bind, bottleneck_of_value. unfold bottleneck_folding. cbv zeta. cbn [folding_tests folding_form].
    apply after_tests_value; [apply bottleneck_tests_value | apply bottleneck_form_value | exact same].
  - rewrite value_bind, transformer_of_value. unfold transformer_folding. cbv zeta. cbn [folding_tests folding_form].
    apply after_tests_value; [apply transformer_tests_value | apply transformer_form_value | exact same].
  - apply after_tests_value; [apply canonical_tests_value | apply canonical_form_value | exact same].
Qed.
