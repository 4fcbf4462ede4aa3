(* CompactProofs: Modular: FoldTransformer *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia Lra.
From CompactProofs Require Import Spec.Network Spec.Modular Base.Sums Base.Matrix Base.RealMatrix.
From CompactProofs Require Import Cert.Outcome Modular.Form Modular.Fold Modular.FoldReal.
Import ListNotations.
(** * Folding the transformer is exact
    The residual stream after attention is a part of the first token plus a part of the second (with its position and its skip
    path); everything after it is linear but for the activation, and so are the parts in the weights.
    - [first_part], [second_part] == these parts
    - [attended x]                == what attention with weight 1 to a token brings, [x] W_V W_O
    Main result: [transformer_value]. *)
Local Open Scope R_scope.

Section Transformer.
  Context (p : nat) (s : Z) (f : activation) (d_model d_attn d_mlp : nat).
  Context (W_E W_pos W_V W_O W_in b_in W_out b_out W_U : matrix).
  Let T := transformer_of p f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U.
  Context (tests : first_failure
    (transformer_tests p f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U T) = None).
  Let F := transformer_form p s f d_mlp T.

  Local Ltac passed why := refine (first_failure_none _ tests _ why _); cbv [transformer_tests In]; tauto.

  Local Notation stream := (embed_bits W_E W_pos).
  Local Notation mixed := (mixed_bits W_E W_pos W_V W_O).
  Local Notation argument := (argument_bits W_E W_pos W_V W_O W_in b_in).
  Local Notation hidden_unit := (hidden_bits f W_E W_pos W_V W_O W_in b_in).
  Local Notation out_unit := (out_bits f W_E W_pos W_V W_O W_in b_in W_out b_out).
  Local Notation value_unit := (degree f * argument + (scale_bits W_U + out_unit))%nat.

  Lemma transformer_order : (1 <= p)%nat.
  Proof. apply Nat.leb_le. passed (Wrong_order (Z.of_nat p)). Qed.

  Local Lemma shape_E : shaped p d_model W_E = true.
  Proof. passed (Wrong_shape Tensor_W_E). Qed.
  Local Lemma shape_pos : shaped 2 d_model W_pos = true.
  Proof. passed (Wrong_shape Tensor_W_pos). Qed.
  Local Lemma shape_V : shaped d_model d_attn W_V = true.
  Proof. passed (Wrong_shape Tensor_W_V). Qed.
  Local Lemma shape_O : shaped d_attn d_model W_O = true.
  Proof. passed (Wrong_shape Tensor_W_O). Qed.
  Local Lemma shape_in : shaped d_model d_mlp W_in = true.
  Proof. passed (Wrong_shape Tensor_W_in). Qed.
  Local Lemma shape_b_in : shaped 1 d_mlp b_in = true.
  Proof. passed (Wrong_shape Tensor_b_in). Qed.
  Local Lemma shape_out : shaped d_mlp d_model W_out = true.
  Proof. passed (Wrong_shape Tensor_W_out). Qed.
  Local Lemma shape_b_out : shaped 1 d_model b_out = true.
  Proof. passed (Wrong_shape Tensor_b_out). Qed.
  Local Lemma shape_U : shaped d_model p W_U = true.
  Proof. passed (Wrong_shape Tensor_W_U). Qed.

  (** *** Attention *)

  Local Lemma shape_embed_outs : has_shape p d_model (embed_outs T) = true.
  Proof.
    apply (mul_shape _ d_attn); [apply (mul_shape _ d_model)|]; apply lifted_shape;
      [exact shape_E | exact shape_V | exact shape_O].
  Qed.

  Local Lemma shape_pos_outs : has_shape 2 d_model (pos_outs T) = true.
  Proof.
    apply (mul_shape _ d_attn); [apply (mul_shape _ d_model)|]; apply lifted_shape;
      [exact shape_pos | exact shape_V | exact shape_O].
  Qed.

  Local Definition attended (x : nat -> R) (k : nat) : R :=
    sum d_attn (fun h => sum d_model (fun i => x i * entry W_V i h) * entry W_O h k).

  Local Lemma attended_scaled : forall (c : R) (x : nat -> R) (k : nat), attended (fun i => c * x i) k = c * attended x k.
  Proof.
    intros c x k. unfold attended. rewrite <- sum_mult_l. apply sum_ext. intros h _. rewrite <- Rmult_assoc. f_equal.
    rewrite <- sum_mult_l. apply sum_ext. intros i _. ring.
  Qed.

  Local Lemma attended_plus : forall (x y : nat -> R) (k : nat), attended (fun i => x i + y i) k = attended x k + attended y k.
  Proof.
    intros x y k. unfold attended. rewrite <- sum_plus. apply sum_ext. intros h _. rewrite <- Rmult_plus_distr_r. f_equal.
    rewrite <- sum_plus. apply sum_ext. intros i _. ring.
  Qed.

  Local Lemma V_real : forall i h : nat, (i < d_model)%nat -> (h < d_attn)%nat ->
    real2 (value_weights T) (scale_bits W_V) i h = entry W_V i h.
  Proof.
    intros i h row column. apply (real2_lifted d_model d_attn); try assumption;
      [exact shape_V | passed (May_overflow Range_W_V) | lia].
  Qed.

  Local Lemma O_real : forall h k : nat, (h < d_attn)%nat -> (k < d_model)%nat ->
    real2 (attention_weights T) (scale_bits W_O) h k = entry W_O h k.
  Proof.
    intros h k row column. apply (real2_lifted d_attn d_model); try assumption;
      [exact shape_O | passed (May_overflow Range_W_O) | lia].
  Qed.

  Local Lemma embed_outs_real : forall t k : nat, (t < p)%nat -> (k < d_model)%nat ->
    real2 (embed_outs T) mixed t k = / 2 * attended (entry W_E t) k.
  Proof.
    intros t k token column. unfold mixed_bits. rewrite real2_half. f_equal.
    apply (real2_mul p d_attn d_model); try assumption.
    - apply (mul_shape _ d_model); apply lifted_shape; [exact shape_E | exact shape_V].
    - apply lifted_shape, shape_O.
    - passed (May_overflow Outputs).
    - intros h inside. apply (real2_mul p d_model d_attn); try assumption.
      + apply lifted_shape, shape_E.
      + apply lifted_shape, shape_V.
      + passed (May_overflow Values).
      + intros i below. apply (real2_lifted p d_model); try assumption; [exact shape_E | passed (May_overflow Range_W_E)|].
        unfold embed_bits, common_bits. lia.
      + intros i below. apply V_real; assumption.
    - intros h inside. apply O_real; assumption.
  Qed.

  Local Lemma pos_outs_real : forall i k : nat, (i < 2)%nat -> (k < d_model)%nat ->
    real2 (pos_outs T) mixed i k = / 2 * attended (entry W_pos i) k.
  Proof.
    intros t k token column. unfold mixed_bits. rewrite real2_half. f_equal.
    apply (real2_mul 2 d_attn d_model); try assumption.
    - apply (mul_shape _ d_model); apply lifted_shape; [exact shape_pos | exact shape_V].
    - apply lifted_shape, shape_O.
    - passed (May_overflow Position_outputs).
    - intros h inside. apply (real2_mul 2 d_model d_attn); try assumption.
      + apply lifted_shape, shape_pos.
      + apply lifted_shape, shape_V.
      + passed (May_overflow Position_values).
      + intros i below. apply (real2_lifted 2 d_model); try assumption; [exact shape_pos | passed (May_overflow Range_W_pos)|].
        unfold embed_bits, common_bits. lia.
      + intros i below. apply V_real; assumption.
    - intros h inside. apply O_real; assumption.
  Qed.

  (** *** The residual stream: a part of each token *)

  Local Definition first_part (a k : nat) : R := / 2 * attended (entry W_pos 0) k + / 2 * attended (entry W_E a) k.
  Local Definition second_part (b k : nat) : R :=
    / 2 * attended (entry W_pos 1) k + / 2 * attended (entry W_E b) k + (entry W_pos 1 k + entry W_E b k).

  Local Lemma first_shape : has_shape p d_model (first_resid T) = true.
  Proof. apply add_row_shape; [apply (has_shape_row _ _ _ _ _ shape_pos_outs); lia | exact shape_embed_outs]. Qed.

  Local Lemma second_outs_shape : has_shape p d_model (second_outs T) = true.
  Proof. apply add_row_shape; [apply (has_shape_row _ _ _ _ _ shape_pos_outs); lia | exact shape_embed_outs]. Qed.

  Local Lemma skip_shape : has_shape p d_model (second_skip T) = true.
  Proof.
    apply add_row_shape; [|apply lifted_shape, shape_E].
    apply (has_shape_row _ 2 d_model); [apply lifted_shape, shape_pos | lia].
  Qed.

  Local Lemma second_shape : has_shape p d_model (second_resid T) = true.
  Proof. apply add_tables_shape; [exact second_outs_shape | exact skip_shape]. Qed.

  Local Lemma first_real : forall a k : nat, (a < p)%nat -> (k < d_model)%nat ->
    real2 (first_resid T) mixed a k = first_part a k.
  Proof.
    intros a k token column. cbn [T transformer_of first_resid].
    etransitivity; [apply (real2_add_row p 2 d_model); try assumption|].
    - exact shape_embed_outs.
    - exact shape_pos_outs.
    - passed (May_overflow Attention).
    - lia.
    - unfold first_part. f_equal; [apply pos_outs_real | apply embed_outs_real]; (assumption || lia).
  Qed.

  Local Lemma second_real : forall b k : nat, (b < p)%nat -> (k < d_model)%nat ->
    real2 (second_resid T) mixed b k = second_part b k.
  Proof.
    intros b k token column.
    etransitivity; [apply (real2_add_tables p d_model); try assumption|].
    - exact second_outs_shape.
    - exact skip_shape.
    - passed (May_overflow Residual).
    - unfold second_part. f_equal.
      + etransitivity; [apply (real2_add_row p 2 d_model); try assumption|].
        * exact shape_embed_outs.
        * exact shape_pos_outs.
        * passed (May_overflow Attention).
        * lia.
        * f_equal; [apply pos_outs_real | apply embed_outs_real]; (assumption || lia).
      + etransitivity; [apply (real2_add_row p 2 d_model); try assumption|].
        * apply lifted_shape, shape_E.
        * apply lifted_shape, shape_pos.
        * passed (May_overflow Skip_path).
        * lia.
        * f_equal; [apply (real2_lifted 2 d_model) | apply (real2_lifted p d_model)]; try (assumption || lia).
          -- exact shape_pos.
          -- passed (May_overflow Skip_path).
          -- unfold mixed_bits, embed_bits, common_bits. lia.
          -- exact shape_E.
          -- passed (May_overflow Skip_path).
          -- unfold mixed_bits, embed_bits, common_bits. lia.
  Qed.

  (** *** The five tables *)

  Local Lemma in_real : forall k j : nat, (k < d_model)%nat -> (j < d_mlp)%nat ->
    real2 (in_rows T) (scale_bits W_in + in_lift W_E W_pos W_V W_O W_in b_in) k j = entry W_in k j.
  Proof.
    intros k j row column. apply (real2_lifted d_model d_mlp); try assumption;
      [exact shape_in | passed (May_overflow Range_W_in) | reflexivity].
  Qed.

  Local Lemma table_L : forall a j : nat, (a < p)%nat -> (j < d_mlp)%nat ->
    real2 (L_rows F) argument a j = sum d_model (fun k => first_part a k * entry W_in k j).
  Proof.
    intros a j token column. apply (real2_mul p d_model d_mlp); try assumption.
    - exact first_shape.
    - apply lifted_shape, shape_in.
    - passed (May_overflow Before_activation).
    - intros k below. apply first_real; assumption.
    - intros k below. apply in_real; assumption.
  Qed.

  Local Lemma table_R : forall b j : nat, (b < p)%nat -> (j < d_mlp)%nat ->
    real2 (R_rows F) argument b j = sum d_model (fun k => second_part b k * entry W_in k j) + entry b_in 0 j.
  Proof.
    intros b j token column. rewrite Rplus_comm.
    etransitivity; [apply (real2_add_row p 1 d_mlp); try assumption|].
    - apply (mul_shape _ d_model); [exact second_shape | apply lifted_shape, shape_in].
    - apply lifted_shape, shape_b_in.
    - passed (May_overflow Bias).
    - lia.
    - f_equal.
      + apply (real2_lifted 1 d_mlp); try assumption; [exact shape_b_in | passed (May_overflow Range_b_in)| |lia].
        unfold in_bias_lift, argument_bits, in_lift. lia.
      + apply (real2_mul p d_model d_mlp); try assumption.
        * exact second_shape.
        * apply lifted_shape, shape_in.
        * passed (May_overflow Before_activation).
        * intros k below. apply second_real; assumption.
        * intros k below. apply in_real; assumption.
  Qed.

  Local Lemma table_U : forall c j : nat, (c < p)%nat -> (j < d_mlp)%nat ->
    real2 (U_rows F) (scale_bits W_U + out_unit) c j = sum d_model (fun k => entry W_U k c * entry W_out j k).
  Proof.
    intros c j class column. apply (real2_mul_transposed p d_model d_mlp); try assumption.
    - apply transpose_shape, lifted_shape, shape_U.
    - apply lifted_shape, shape_out.
    - passed (May_overflow Unembedding).
    - intros k below. cbn [T transformer_of class_rows].
      rewrite (real2_transpose d_model p) by (try apply lifted_shape; assumption || exact shape_U).
      apply (real2_lifted d_model p); try assumption; [exact shape_U | passed (May_overflow Range_W_U) | lia].
    - intros k below. apply (real2_lifted d_mlp d_model); try assumption;
      [exact shape_out | passed (May_overflow Range_W_out) | reflexivity].
  Qed.

  Local Lemma degree_pos : (argument <= degree f * argument)%nat.
  Proof. unfold degree. destruct f; lia. Qed.

  Local Lemma direct_real : forall k c : nat, (k < d_model)%nat -> (c < p)%nat ->
    real2 (direct_rows T) (value_unit - mixed) k c = entry W_U k c.
  Proof.
    intros k c row column. apply (real2_lifted d_model p); try assumption; [exact shape_U | passed (May_overflow Direct_path)|].
    assert (more := degree_pos). unfold direct_lift, hidden_bits. unfold argument_bits at 1 in more. lia.
  Qed.

  Local Lemma value_split : value_unit = (mixed + (value_unit - mixed))%nat.
  Proof. assert (more := degree_pos). unfold argument_bits at 1 in more. lia. Qed.

  Local Lemma table_P : forall a c : nat, (a < p)%nat -> (c < p)%nat ->
    real2 (P_rows F) value_unit a c = sum d_model (fun k => first_part a k * entry W_U k c).
  Proof.
    intros a c token class. rewrite value_split. apply (real2_mul p d_model p); try assumption.
    - exact first_shape.
    - apply lifted_shape, shape_U.
    - passed (May_overflow Direct_path).
    - intros k below. apply first_real; assumption.
    - intros k below. apply direct_real; assumption.
  Qed.

  Local Lemma bias_shape : has_shape 1 p (bias_direct T) = true.
  Proof. apply (mul_shape _ d_model); apply lifted_shape; [exact shape_b_out | exact shape_U]. Qed.

  Local Lemma bias_real : forall c : nat, (c < p)%nat ->
    real2 (bias_direct T) value_unit 0 c = sum d_model (fun k => entry b_out 0 k * entry W_U k c).
  Proof.
    intros c class. replace value_unit with (hidden_unit + out_unit + scale_bits W_U)%nat by (unfold hidden_bits; lia).
    apply (real2_mul 1 d_model p); try (assumption || lia).
    - apply lifted_shape, shape_b_out.
    - apply lifted_shape, shape_U.
    - passed (May_overflow Bias).
    - intros k below. apply (real2_lifted 1 d_model); try (assumption || lia);
      [exact shape_b_out | passed (May_overflow Range_b_out)|].
      unfold out_bias_lift, out_bits, out_lift. lia.
    - intros k below. apply (real2_lifted d_model p); try assumption; [exact shape_U | passed (May_overflow Range_W_U) | lia].
  Qed.

  Local Lemma table_Q : forall b c : nat, (b < p)%nat -> (c < p)%nat ->
    real2 (Q_rows F) value_unit b c =
    sum d_model (fun k => second_part b k * entry W_U k c) + sum d_model (fun k => entry b_out 0 k * entry W_U k c).
  Proof.
    intros b c token class. rewrite Rplus_comm.
    etransitivity; [apply (real2_add_row p 1 p); try assumption|].
    - apply (mul_shape _ d_model); [exact second_shape | apply lifted_shape, shape_U].
    - exact bias_shape.
    - passed (May_overflow Bias).
    - lia.
    - f_equal; [apply bias_real, class|]. rewrite value_split. apply (real2_mul p d_model p); try assumption.
      + exact second_shape.
      + apply lifted_shape, shape_U.
      + passed (May_overflow Direct_path).
      + intros k below. apply second_real; assumption.
      + intros k below. apply direct_real; assumption.
  Qed.

  (** *** The forward pass *)

  Local Lemma residual_parts : forall a b k : nat,
    let first d := entry W_E a d + entry W_pos 0 d in
    let second d := entry W_E b d + entry W_pos 1 d in
    second k + sum d_attn (fun h =>
      sum d_model (fun d => (/ 2 * first d + / 2 * second d) * entry W_V d h) * entry W_O h k) =
    first_part a k + second_part b k.
  Proof.
    intros a b k first second. change (second k + attended (fun d => / 2 * first d + / 2 * second d) k =
      first_part a k + second_part b k).
    rewrite attended_plus, !attended_scaled. unfold first, second. rewrite !attended_plus.
    unfold first_part, second_part. ring.
  Qed.

  Lemma transformer_value : forall a b c : nat, (a < p)%nat -> (b < p)%nat -> (c < p)%nat ->
    IZR (valueZ F a b c) =
    logit_of (Transformer f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U) a b c * 2 ^ value_unit.
  Proof.
    intros a b c inside_a inside_b inside_c.
    etransitivity; [apply (form_value_real F argument (scale_bits W_U + out_unit) a b c _ _ _ _ _
      (fun j => table_L a j inside_a) (fun j => table_R b j inside_b) (fun j => table_U c j inside_c)
      (table_P a c inside_a inside_c) (table_Q b c inside_b inside_c))|].
    cbn [F transformer_form form_activation form_width]. f_equal. unfold logit_of. cbv zeta.
    set (act j := activate f (sum d_model (fun k => first_part a k * entry W_in k j) +
      (sum d_model (fun k => second_part b k * entry W_in k j) + entry b_in 0 j))).
    transitivity (sum d_model (fun k => (first_part a k + second_part b k +
      (sum d_mlp (fun j => act j * entry W_out j k) + entry b_out 0 k)) * entry W_U k c)).
    - transitivity (sum d_model (fun k => first_part a k * entry W_U k c) +
        (sum d_model (fun k => second_part b k * entry W_U k c) + sum d_model (fun k => entry b_out 0 k * entry W_U k c)) +
        sum d_model (fun k => sum d_mlp (fun j => act j * entry W_out j k * entry W_U k c))).
      + f_equal. rewrite sum_swap. apply sum_ext. intros j _. rewrite <- sum_mult_l.
        apply sum_ext. intros k _. unfold act. ring.
      + rewrite <- !sum_plus. apply sum_ext. intros k _. rewrite sum_mult_r. ring.
    - apply sum_ext. intros k _. rewrite <- residual_parts. cbv zeta. f_equal. f_equal. f_equal.
      apply sum_ext. intros j _. f_equal. unfold act. f_equal. rewrite <- Rplus_assoc, <- sum_plus. f_equal.
      apply sum_ext. intros i _. rewrite <- Rmult_plus_distr_r, <- residual_parts. reflexivity.
  Qed.
End Transformer.
