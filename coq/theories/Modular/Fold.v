(* CompactProofs: Modular: Fold *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool.
From CompactProofs Require Import Spec.Network Spec.Modular Base.Lists Base.Matrix Cert.Outcome Modular.Form.
Import ListNotations.
(** * Folding a network for modular arithmetic into the canonical form
    The form's value is the logit times one power of two. Each matrix is an integer matrix over a power of two, so a product
    only adds up the bits; what is added to something is first brought to its unit. The mean of two tokens (attention 1/2,
    1/2) is their sum with one more fraction bit.
    - [fold M]             == the form
    - [fold_tests M]       == shapes and ranges under which it is exact
    - [on_form M strategy] == what a strategy on forms says of the network
    - [transpose c A]      == the transpose of A, which has [c] columns
    - [add_tables A B]     == A + B
    Per architecture: the matrices and their products as machine integers ([.._tables]), the tests, the form. [folding_of]
    puts them together and computes each once.
    Main results: [fold_count], [on_form_sound] in Modular.FoldSound. Python mirror: extract/modular_fold.py. *)

Fixpoint transpose {T : Type} (c : nat) (A : list (list T)) : list (list T) :=
  match A with
  | [] => repeat [] c
  | row :: rest => zip_with cons row (transpose c rest)
  end.

Definition add_tables (A B : list (list int)) : list (list int) := zip_with add_rows A B.

Definition zeros (p : nat) : list (list int) := repeat (repeat 0%uint63 p) p.

(** Scaling the argument by 2^n scales the activation by 2^(degree n). *)
Definition degree (f : activation) : nat := match f with Relu => 1 | Square => 2 end.

(** The integers of a matrix in a unit that is 2^lift times finer. *)
Definition lifted (lift : nat) (W : matrix) : list (list int) := of_rows (power lift) (ints W).

Definition lift_fits (lift : nat) (W : matrix) : bool := rows_fit (power lift) (ints W).

Definition shaped (r c : nat) (W : matrix) : bool := has_shape r c (ints W).

(** Fraction bits of two matrices that are added: those of the finer. *)
Definition common_bits (V W : matrix) : nat := Nat.max (scale_bits V) (scale_bits W).

(** What [on_form] needs; the form is computed where the tests are passed. *)
Record folding := Folding {
  folding_tests : list (bool * refusal);
  folding_form : unit -> form
}.

(** ** One hidden layer *)
Section Mlp.
  Context (p : nat) (s : Z) (f : activation) (d_mlp : nat) (W_E W_E_b W_U : matrix).

  Definition mlp_tests : list (bool * refusal) :=
    let bits := common_bits W_E W_E_b in
    [ (1 <=? p, Wrong_order (Z.of_nat p));
      (shaped p d_mlp W_E, Wrong_shape Tensor_W_E);
      (shaped p d_mlp W_E_b, Wrong_shape Tensor_W_E_b);
      (shaped d_mlp p W_U, Wrong_shape Tensor_W_U);
      (lift_fits (bits - scale_bits W_E) W_E, May_overflow Range_W_E);
      (lift_fits (bits - scale_bits W_E_b) W_E_b, May_overflow Range_W_E_b);
      (lift_fits 0 W_U, May_overflow Range_W_U) ].

  Definition mlp_form : form :=
    let bits := common_bits W_E W_E_b in
    let zero := zeros p in
    Form p s f d_mlp (lifted (bits - scale_bits W_E) W_E) (lifted (bits - scale_bits W_E_b) W_E_b)
      (transpose p (lifted 0 W_U)) zero zero.

  Definition mlp_folding : folding := Folding mlp_tests (fun _ => mlp_form).
End Mlp.

(** ** Bottleneck *)

Record bottleneck_tables := Bottleneck_tables {
  first_embed : list (list int);     (* p x d_model *)
  second_embed : list (list int);    (* p x d_model *)
  in_weights : list (list int);      (* d_model x d_mlp *)
  out_weights : list (list int);     (* d_mlp x d_model *)
  class_weights : list (list int)    (* p x d_model: W_U by class *)
}.

Section Bottleneck.
  Context (p : nat) (s : Z) (f : activation) (d_model d_mlp : nat) (W_E W_E_b W_in W_out W_U : matrix).

  Definition bottleneck_of : bottleneck_tables :=
    let bits := common_bits W_E W_E_b in
    Bottleneck_tables (lifted (bits - scale_bits W_E) W_E) (lifted (bits - scale_bits W_E_b) W_E_b)
      (lifted 0 W_in) (lifted 0 W_out) (transpose p (lifted 0 W_U)).

  Definition bottleneck_tests (T : bottleneck_tables) : list (bool * refusal) :=
    let bits := common_bits W_E W_E_b in
    [ (1 <=? p, Wrong_order (Z.of_nat p));
      (shaped p d_model W_E, Wrong_shape Tensor_W_E);
      (shaped p d_model W_E_b, Wrong_shape Tensor_W_E_b);
      (shaped d_model d_mlp W_in, Wrong_shape Tensor_W_in);
      (shaped d_mlp d_model W_out, Wrong_shape Tensor_W_out);
      (shaped d_model p W_U, Wrong_shape Tensor_W_U);
      (lift_fits (bits - scale_bits W_E) W_E, May_overflow Range_W_E);
      (lift_fits (bits - scale_bits W_E_b) W_E_b, May_overflow Range_W_E_b);
      (lift_fits 0 W_in, May_overflow Range_W_in);
      (lift_fits 0 W_out, May_overflow Range_W_out);
      (lift_fits 0 W_U, May_overflow Range_W_U);
      (product_fits d_model (first_embed T) (in_weights T), May_overflow Before_activation);
      (product_fits d_model (second_embed T) (in_weights T), May_overflow Before_activation);
      (product_fits d_model (class_weights T) (out_weights T), May_overflow Unembedding) ].

  Definition bottleneck_form (T : bottleneck_tables) : form :=
    let zero := zeros p in
    Form p s f d_mlp (mul d_mlp (first_embed T) (in_weights T)) (mul d_mlp (second_embed T) (in_weights T))
      (mul_transposed (class_weights T) (out_weights T)) zero zero.

  Definition bottleneck_folding : folding :=
    let T := bottleneck_of in Folding (bottleneck_tests T) (fun _ => bottleneck_form T).
End Bottleneck.

(** ** Transformer *)

Record transformer_tables := Transformer_tables {
  embed_rows : list (list int);       (* p x d_model *)
  pos_rows : list (list int);         (* 2 x d_model *)
  value_weights : list (list int);    (* d_model x d_attn *)
  attention_weights : list (list int); (* d_attn x d_model *)
  embed_values : list (list int);     (* p x d_attn *)
  pos_values : list (list int);       (* 2 x d_attn *)
  embed_outs : list (list int);       (* p x d_model: what attention brings, in the unit of [mixed_bits] *)
  pos_outs : list (list int);         (* 2 x d_model *)
  embed_skip : list (list int);       (* p x d_model: W_E in the same unit *)
  pos_skip : list (list int);         (* 2 x d_model *)
  second_outs : list (list int);      (* p x d_model: attention to the second token and its position *)
  second_skip : list (list int);      (* p x d_model: the second token and its position *)
  first_resid : list (list int);      (* p x d_model: the part of the first token of the residual stream *)
  second_resid : list (list int);     (* p x d_model: the part of the second *)
  in_rows : list (list int);          (* d_model x d_mlp *)
  in_bias : list (list int);          (* 1 x d_mlp, in the unit of [argument_bits] *)
  second_argument : list (list int);  (* p x d_mlp: the second token's part, without the bias *)
  out_rows : list (list int);         (* d_mlp x d_model *)
  out_bias : list (list int);         (* 1 x d_model *)
  unembed_rows : list (list int);     (* d_model x p *)
  class_rows : list (list int);       (* p x d_model: the same by class *)
  direct_rows : list (list int);      (* d_model x p: W_U in the unit that the direct path needs *)
  second_direct : list (list int);    (* p x p: the second token's direct path, without the bias *)
  bias_direct : list (list int)       (* 1 x p *)
}.

Section Transformer.
  Context (p : nat) (s : Z) (f : activation) (d_model d_attn d_mlp : nat).
  Context (W_E W_pos W_V W_O W_in b_in W_out b_out W_U : matrix).

  Definition embed_bits : nat := common_bits W_E W_pos.
  (** Of the residual stream after attention; one bit for 1/2. *)
  Definition mixed_bits : nat := embed_bits + scale_bits W_V + scale_bits W_O + 1.
  (** W_in and W_out are taken finer where a bias is finer than what it is added to. *)
  Definition in_lift : nat := scale_bits b_in - (mixed_bits + scale_bits W_in).
  Definition argument_bits : nat := mixed_bits + (scale_bits W_in + in_lift).
  Definition hidden_bits : nat := degree f * argument_bits.
  Definition out_lift : nat := scale_bits b_out - (hidden_bits + scale_bits W_out).
  Definition out_bits : nat := scale_bits W_out + out_lift.
  Definition in_bias_lift : nat := argument_bits - scale_bits b_in.
  Definition out_bias_lift : nat := hidden_bits + out_bits - scale_bits b_out.
  Definition direct_lift : nat := hidden_bits + out_bits - mixed_bits.

  Definition transformer_of : transformer_tables :=
    let embed := lifted (embed_bits - scale_bits W_E) W_E in
    let pos := lifted (embed_bits - scale_bits W_pos) W_pos in
    let w_v := lifted 0 W_V in
    let w_o := lifted 0 W_O in
    let values := mul d_attn embed w_v in
    let values_pos := mul d_attn pos w_v in
    let outs := mul d_model values w_o in
    let outs_pos := mul d_model values_pos w_o in
    let skip := lifted (mixed_bits - scale_bits W_E) W_E in
    let skip_pos := lifted (mixed_bits - scale_bits W_pos) W_pos in
    let outs_second := add_row (nth 1 outs_pos []) outs in
    let skip_second := add_row (nth 1 skip_pos []) skip in
    let first := add_row (nth 0 outs_pos []) outs in
    let second := add_tables outs_second skip_second in
    let w_in := lifted in_lift W_in in
    let w_u := lifted 0 W_U in
    let w_u_direct := lifted direct_lift W_U in
    let bias_out := lifted out_bias_lift b_out in
    Transformer_tables embed pos w_v w_o values values_pos outs outs_pos skip skip_pos outs_second skip_second first second
      w_in (lifted in_bias_lift b_in) (mul d_mlp second w_in) (lifted out_lift W_out) bias_out
      w_u (transpose p w_u) w_u_direct (mul p second w_u_direct) (mul p bias_out w_u).

  Definition transformer_tests (T : transformer_tables) : list (bool * refusal) :=
    [ (1 <=? p, Wrong_order (Z.of_nat p));
      (shaped p d_model W_E, Wrong_shape Tensor_W_E);
      (shaped 2 d_model W_pos, Wrong_shape Tensor_W_pos);
      (shaped d_model d_attn W_V, Wrong_shape Tensor_W_V);
      (shaped d_attn d_model W_O, Wrong_shape Tensor_W_O);
      (shaped d_model d_mlp W_in, Wrong_shape Tensor_W_in);
      (shaped 1 d_mlp b_in, Wrong_shape Tensor_b_in);
      (shaped d_mlp d_model W_out, Wrong_shape Tensor_W_out);
      (shaped 1 d_model b_out, Wrong_shape Tensor_b_out);
      (shaped d_model p W_U, Wrong_shape Tensor_W_U);
      (lift_fits (embed_bits - scale_bits W_E) W_E, May_overflow Range_W_E);
      (lift_fits (embed_bits - scale_bits W_pos) W_pos, May_overflow Range_W_pos);
      (lift_fits 0 W_V, May_overflow Range_W_V);
      (lift_fits 0 W_O, May_overflow Range_W_O);
      (lift_fits in_lift W_in, May_overflow Range_W_in);
      (lift_fits in_bias_lift b_in, May_overflow Range_b_in);
      (lift_fits out_lift W_out, May_overflow Range_W_out);
      (lift_fits out_bias_lift b_out, May_overflow Range_b_out);
      (lift_fits 0 W_U, May_overflow Range_W_U);
      (product_fits d_model (embed_rows T) (value_weights T), May_overflow Values);
      (product_fits d_model (pos_rows T) (value_weights T), May_overflow Position_values);
      (product_fits d_attn (embed_values T) (attention_weights T), May_overflow Outputs);
      (product_fits d_attn (pos_values T) (attention_weights T), May_overflow Position_outputs);
      (sum_fits (pos_outs T) (embed_outs T), May_overflow Attention);
      (lift_fits (mixed_bits - scale_bits W_E) W_E, May_overflow Skip_path);
      (lift_fits (mixed_bits - scale_bits W_pos) W_pos, May_overflow Skip_path);
      (sum_fits (pos_skip T) (embed_skip T), May_overflow Skip_path);
      (sum_fits (second_outs T) (second_skip T), May_overflow Residual);
      (product_fits d_model (first_resid T) (in_rows T), May_overflow Before_activation);
      (product_fits d_model (second_resid T) (in_rows T), May_overflow Before_activation);
      (sum_fits (in_bias T) (second_argument T), May_overflow Bias);
      (product_fits d_model (class_rows T) (out_rows T), May_overflow Unembedding);
      (lift_fits direct_lift W_U, May_overflow Direct_path);
      (product_fits d_model (first_resid T) (direct_rows T), May_overflow Direct_path);
      (product_fits d_model (second_resid T) (direct_rows T), May_overflow Direct_path);
      (product_fits d_model (out_bias T) (unembed_rows T), May_overflow Bias);
      (sum_fits (bias_direct T) (second_direct T), May_overflow Bias) ].

  Definition transformer_form (T : transformer_tables) : form :=
    Form p s f d_mlp
      (mul d_mlp (first_resid T) (in_rows T)) (add_row (nth 0 (in_bias T) []) (second_argument T))
      (mul_transposed (class_rows T) (out_rows T))
      (mul p (first_resid T) (direct_rows T)) (add_row (nth 0 (bias_direct T) []) (second_direct T)).

  Definition transformer_folding : folding :=
    let T := transformer_of in Folding (transformer_tests T) (fun _ => transformer_form T).
End Transformer.

(** ** Canonical: the tables are there, only their units differ *)
Section Canonical.
  Context (p : nat) (s : Z) (f : activation) (d_mlp : nat) (P Q L R U : matrix).

  Definition neuron_bits : nat := common_bits L R.
  Definition path_bits : nat := degree f * neuron_bits + scale_bits U.
  (** Of the outputs. U is taken finer where P or Q is finer than what the neurons bring. *)
  Definition value_bits : nat := Nat.max path_bits (common_bits P Q).

  Definition canonical_tests : list (bool * refusal) :=
    [ (1 <=? p, Wrong_order (Z.of_nat p));
      (shaped p p P, Wrong_table First_direct);
      (shaped p p Q, Wrong_table Second_direct);
      (shaped p d_mlp L, Wrong_table Left);
      (shaped p d_mlp R, Wrong_table Right);
      (shaped d_mlp p U, Wrong_table Outputs_of_classes);
      (lift_fits (value_bits - scale_bits P) P, May_overflow Direct_path);
      (lift_fits (value_bits - scale_bits Q) Q, May_overflow Direct_path);
      (lift_fits (neuron_bits - scale_bits L) L, May_overflow Before_activation);
      (lift_fits (neuron_bits - scale_bits R) R, May_overflow Before_activation);
      (lift_fits (value_bits - path_bits) U, May_overflow Unembedding) ].

  Definition canonical_form : form :=
    Form p s f d_mlp (lifted (neuron_bits - scale_bits L) L) (lifted (neuron_bits - scale_bits R) R)
      (transpose p (lifted (value_bits - path_bits) U))
      (lifted (value_bits - scale_bits P) P) (lifted (value_bits - scale_bits Q) Q).

  Definition canonical_folding : folding := Folding canonical_tests (fun _ => canonical_form).
End Canonical.

(** ** Every network *)

Definition folding_of (M : modular) : folding :=
  match network_layers M with
  | Mlp f d_mlp W_E W_E_b W_U => mlp_folding (order M) (coefficient M) f d_mlp W_E W_E_b W_U
  | Bottleneck f d_model d_mlp W_E W_E_b W_in W_out W_U =>
      bottleneck_folding (order M) (coefficient M) f d_model d_mlp W_E W_E_b W_in W_out W_U
  | Transformer f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U =>
      transformer_folding (order M) (coefficient M) f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U
  | Canonical f d_mlp P Q L R U => canonical_folding (order M) (coefficient M) f d_mlp P Q L R U
  end.

Definition fold (M : modular) : form := folding_form (folding_of M) tt.
Definition fold_tests (M : modular) : list (bool * refusal) := folding_tests (folding_of M).

(** Says [Refused] where the folding could be inexact, and what the strategy says of the form elsewhere. *)
Definition on_form (M : modular) (strategy : form -> outcome) : outcome :=
  let F := folding_of M in
  match first_failure (folding_tests F) with
  | Some why => Refused why
  | None => strategy (folding_form F tt)
  end.
