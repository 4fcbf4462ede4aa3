(* CompactProofs: Modular: FoldNoWrap *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Spec.Modular Base.Sums Base.Signed63 Base.Matrix Base.NoWrap.
From CompactProofs Require Import Cert.Outcome Cert.ProductsSound Modular.Form Modular.Fold Modular.FoldReal
  Modular.FoldTransformer.
Import ListNotations.
(** * No entry of the folded tables of a network for modular arithmetic wraps around
    Where the tests of Fold are passed, each entry of the five tables of the canonical form stands for the integer that it is
    meant to be: a finite sum of products of the network's integers, without machine integers.
    - [integers]        == the five tables over Z;  [integers_of M] == those of a network, layer by layer
    - [outputZ X a b c] == output c on (a, b) of these integers
    - [tables_stand F X] == each table of the form [F] stands for that of [X]
    Main result: [fold_no_wrap]. What acceptance implies: Modular.NoWrap. *)
Local Open Scope Z_scope.

(** ** The integers *)

Record integers := Integers {
  of_activation : activation;
  width : nat;
  first_input : nat -> nat -> Z;    (* L: by token and neuron *)
  second_input : nat -> nat -> Z;   (* R: by token and neuron *)
  class_weight : nat -> nat -> Z;   (* U: by class and neuron *)
  first_direct : nat -> nat -> Z;   (* P: by token and class *)
  second_direct : nat -> nat -> Z   (* Q: by token and class *)
}.

Definition neuronZ (X : integers) (a b j : nat) : Z := activateZ (of_activation X) (first_input X a j + second_input X b j).

Definition outputZ (X : integers) (a b c : nat) : Z :=
  first_direct X a c + second_direct X b c + sumZ (width X) (fun j => neuronZ X a b j * class_weight X c j).

Definition zero (_ _ : nat) : Z := 0.

(** The integers of a matrix, in a unit that is 2^lift times finer. *)
Definition finer (lift : nat) (W : matrix) : nat -> nat -> Z := scaled (power lift) (ints W).

Definition mlp_integers (f : activation) (d_mlp : nat) (W_E W_E_b W_U : matrix) : integers :=
  let bits := common_bits W_E W_E_b in
  Integers f d_mlp (finer (bits - scale_bits W_E) W_E) (finer (bits - scale_bits W_E_b) W_E_b) (flip (finer 0 W_U)) zero zero.

Definition bottleneck_integers (f : activation) (d_model d_mlp : nat) (W_E W_E_b W_in W_out W_U : matrix) : integers :=
  let bits := common_bits W_E W_E_b in
  Integers f d_mlp
    (times d_model (finer (bits - scale_bits W_E) W_E) (finer 0 W_in))
    (times d_model (finer (bits - scale_bits W_E_b) W_E_b) (finer 0 W_in))
    (times d_model (flip (finer 0 W_U)) (flip (finer 0 W_out))) zero zero.

Section Transformer.
  Context (f : activation) (d_model d_attn d_mlp : nat) (W_E W_pos W_V W_O W_in b_in W_out b_out W_U : matrix).
  Local Notation stream := (embed_bits W_E W_pos).
  Local Notation mixed := (mixed_bits W_E W_pos W_V W_O).

  (** What attention with weight 1 brings. *)
  Definition attendedZ (x : nat -> nat -> Z) : nat -> nat -> Z := times d_attn (times d_model x (finer 0 W_V)) (finer 0 W_O).
  Definition embed_outZ : nat -> nat -> Z := attendedZ (finer (stream - scale_bits W_E) W_E).
  Definition pos_outZ : nat -> nat -> Z := attendedZ (finer (stream - scale_bits W_pos) W_pos).
  (** The residual stream: the parts of both tokens. *)
  Definition first_residZ (a k : nat) : Z := pos_outZ 0%nat k + embed_outZ a k.
  Definition second_residZ (b k : nat) : Z :=
    pos_outZ 1%nat k + embed_outZ b k +
    (finer (mixed - scale_bits W_pos) W_pos 1%nat k + finer (mixed - scale_bits W_E) W_E b k).
  Definition inZ : nat -> nat -> Z := finer (in_lift W_E W_pos W_V W_O W_in b_in) W_in.
  Definition in_biasZ : nat -> nat -> Z := finer (in_bias_lift W_E W_pos W_V W_O W_in b_in) b_in.
  Definition outZ : nat -> nat -> Z := finer (out_lift f W_E W_pos W_V W_O W_in b_in W_out b_out) W_out.
  Definition out_biasZ : nat -> nat -> Z := finer (out_bias_lift f W_E W_pos W_V W_O W_in b_in W_out b_out) b_out.
  Definition unembedZ : nat -> nat -> Z := finer (direct_lift f W_E W_pos W_V W_O W_in b_in W_out b_out) W_U.

  Definition transformer_integers : integers :=
    Integers f d_mlp (times d_model first_residZ inZ) (fun b j => in_biasZ 0%nat j + times d_model second_residZ inZ b j)
      (times d_model (flip (finer 0 W_U)) (flip outZ)) (times d_model first_residZ unembedZ)
      (fun b c => times d_model out_biasZ (finer 0 W_U) 0%nat c + times d_model second_residZ unembedZ b c).
End Transformer.

Definition canonical_integers (f : activation) (d_mlp : nat) (P Q L R U : matrix) : integers :=
  let neurons := neuron_bits L R in
  let value := value_bits f P Q L R U in
  Integers f d_mlp (finer (neurons - scale_bits L) L) (finer (neurons - scale_bits R) R)
    (flip (finer (value - path_bits f L R U) U)) (finer (value - scale_bits P) P) (finer (value - scale_bits Q) Q).

Definition integers_of (M : modular) : integers :=
  match network_layers M with
  | Mlp f d_mlp W_E W_E_b W_U => mlp_integers f d_mlp W_E W_E_b W_U
  | Bottleneck f d_model d_mlp W_E W_E_b W_in W_out W_U => bottleneck_integers f d_model d_mlp W_E W_E_b W_in W_out W_U
  | Transformer f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U =>
      transformer_integers f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U
  | Canonical f d_mlp P Q L R U => canonical_integers f d_mlp P Q L R U
  end.

Record tables_stand (F : form) (X : integers) : Prop := {
  same_activation : form_activation F = of_activation X;
  same_width : form_width F = width X;
  L_exact : table_stands (L_rows F) (form_order F) (width X) (first_input X);
  R_exact : table_stands (R_rows F) (form_order F) (width X) (second_input X);
  U_exact : table_stands (U_rows F) (form_order F) (width X) (class_weight X);
  P_exact : table_stands (P_rows F) (form_order F) (form_order F) (first_direct X);
  Q_exact : table_stands (Q_rows F) (form_order F) (form_order F) (second_direct X)
}.

(** ** Tables *)

Lemma lifted_stands : forall (r c lift : nat) (W : matrix),
  shaped r c W = true -> lift_fits lift W = true -> table_stands (lifted lift W) r c (finer lift W).
Proof. intros r c lift W. apply of_rows_stands. Qed.

Lemma zeros_stand : forall p : nat, table_stands (zeros p) p p zero.
Proof.
  intros p. split; [apply repeat_length|]. intros i row. unfold zeros.
  rewrite (nth_indep _ [] (repeat 0%uint63 p)) by (rewrite repeat_length; exact row). rewrite nth_repeat.
  split; [apply repeat_length|]. intros j column. rewrite nth_repeat. split; reflexivity.
Qed.

Lemma transpose_stands : forall (r c : nat) (A : list (list int)) (z : nat -> nat -> Z),
  table_stands A r c z -> table_stands (transpose c A) c r (flip z).
Proof.
  intros r c A z stands. assert (shape := table_stands_shape A r c z stands).
  apply table_stands_intro; [apply transpose_shape, shape|]. intros j i column row. rewrite (at2_transpose r c) by assumption.
  rewrite (table_stands_at A r c z stands) by assumption. split; [reflexivity | apply (proj2 stands i row), column].
Qed.

Lemma add_tables_stand : forall (r c : nat) (A B : list (list int)) (y z : nat -> nat -> Z),
  table_stands A r c y -> table_stands B r c z -> sum_fits A B = true ->
  table_stands (add_tables A B) r c (fun i j => y i j + z i j).
Proof.
  intros r c A B y z A_stands B_stands fits.
  assert (shape_A := table_stands_shape A r c y A_stands). assert (shape_B := table_stands_shape B r c z B_stands).
  apply table_stands_intro; [apply add_tables_shape; assumption|]. intros i j row column.
  rewrite (at2_add_tables r c) by assumption.
  rewrite (table_stands_at A r c y A_stands), (table_stands_at B r c z B_stands) by assumption. split; [reflexivity|].
  assert (bound_A := table_stands_max A r c y A_stands i j row column).
  assert (bound_B := table_stands_max B r c z B_stands i j row column).
  unfold sum_fits in fits. apply Z.leb_le in fits. lia.
Qed.

(** ** One hidden layer, and the bottleneck *)

Lemma mlp_no_wrap : forall (p : nat) (s : Z) (f : activation) (d_mlp : nat) (W_E W_E_b W_U : matrix),
  first_failure (mlp_tests p d_mlp W_E W_E_b W_U) = None ->
  tables_stand (mlp_form p s f d_mlp W_E W_E_b W_U) (mlp_integers f d_mlp W_E W_E_b W_U).
Proof.
  intros p s f d_mlp W_E W_E_b W_U tests. assert (all := ProductsSound.all_pass _ tests).
  unfold mlp_tests in all. cbn [fold_right fst] in all.
  destruct all as (_ & shape_E & shape_E_b & shape_U & range_E & range_E_b & range_U & _).
  constructor; [reflexivity | reflexivity | | | | apply zeros_stand | apply zeros_stand].
  - exact (lifted_stands _ _ _ _ shape_E range_E).
  - exact (lifted_stands _ _ _ _ shape_E_b range_E_b).
  - exact (transpose_stands _ _ _ _ (lifted_stands _ _ _ _ shape_U range_U)).
Qed.

Lemma bottleneck_no_wrap : forall (p : nat) (s : Z) (f : activation) (d_model d_mlp : nat) (W_E W_E_b W_in W_out W_U : matrix),
  let T := bottleneck_of p W_E W_E_b W_in W_out W_U in
  first_failure (bottleneck_tests p d_model d_mlp W_E W_E_b W_in W_out W_U T) = None ->
  tables_stand (bottleneck_form p s f d_mlp T) (bottleneck_integers f d_model d_mlp W_E W_E_b W_in W_out W_U).
Proof.
  intros p s f d_model d_mlp W_E W_E_b W_in W_out W_U T tests. assert (all := ProductsSound.all_pass _ tests).
  unfold bottleneck_tests in all. cbn [fold_right fst] in all.
  destruct all as (_ & shape_E & shape_E_b & shape_in & shape_out & shape_U & range_E & range_E_b & range_in & range_out &
    range_U & fits_L & fits_R & fits_U & _).
  assert (w_in := lifted_stands _ _ _ _ shape_in range_in).
  constructor; [reflexivity | reflexivity | | | | apply zeros_stand | apply zeros_stand].
  - exact (mul_stands _ _ _ _ _ _ _ (lifted_stands _ _ _ _ shape_E range_E) fits_L w_in).
  - exact (mul_stands _ _ _ _ _ _ _ (lifted_stands _ _ _ _ shape_E_b range_E_b) fits_R w_in).
  - exact (mul_transposed_stands _ _ _ _ _ _ _ (transpose_stands _ _ _ _ (lifted_stands _ _ _ _ shape_U range_U)) fits_U
      (lifted_stands _ _ _ _ shape_out range_out)).
Qed.

(** ** Transformer *)

Section Transformer.
  Context (p : nat) (s : Z) (f : activation) (d_model d_attn d_mlp : nat).
  Context (W_E W_pos W_V W_O W_in b_in W_out b_out W_U : matrix).
  Let T := transformer_of p f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U.
  Context (tests : first_failure
    (transformer_tests p f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U T) = None).

  Lemma transformer_no_wrap :
    tables_stand (transformer_form p s f d_mlp T)
      (transformer_integers f d_model d_attn d_mlp W_E W_pos W_V W_O W_in b_in W_out b_out W_U).
  Proof.
    assert (all := ProductsSound.all_pass _ tests). unfold transformer_tests in all. cbn [fold_right fst] in all.
    destruct all as (_ & shape_E & shape_pos & shape_V & shape_O & shape_in & shape_b_in & shape_out & shape_b_out & shape_U &
      range_E & range_pos & range_V & range_O & range_in & range_b_in & range_out & range_b_out & range_U & fits_values &
      fits_pos_values & fits_outs & fits_pos_outs & fits_attention & range_skip & range_pos_skip & fits_skip & fits_second &
      fits_L & fits_R & fits_bias_in & fits_U & range_direct & fits_P & fits_Q & fits_bias & fits_bias_direct & _).
    assert (w_v := lifted_stands _ _ _ _ shape_V range_V). assert (w_o := lifted_stands _ _ _ _ shape_O range_O).
    assert (w_u := lifted_stands _ _ _ _ shape_U range_U).
    assert (outs : table_stands (embed_outs T) p d_model (embed_outZ d_model d_attn W_E W_pos W_V W_O)).
    { apply mul_stands; [|exact fits_outs | exact w_o]. apply mul_stands; [|exact fits_values | exact w_v].
      exact (lifted_stands _ _ _ _ shape_E range_E). }
    assert (outs_pos : table_stands (pos_outs T) 2 d_model (pos_outZ d_model d_attn W_E W_pos W_V W_O)).
    { apply mul_stands; [|exact fits_pos_outs | exact w_o]. apply mul_stands; [|exact fits_pos_values | exact w_v].
      exact (lifted_stands _ _ _ _ shape_pos range_pos). }
    assert (first : table_stands (first_resid T) p d_model (first_residZ d_model d_attn W_E W_pos W_V W_O))
      by (apply (add_row_stands p 2 d_model 0); [exact outs | exact outs_pos | exact fits_attention | lia]).
    assert (second : table_stands (second_resid T) p d_model (second_residZ d_model d_attn W_E W_pos W_V W_O)).
    { apply add_tables_stand; [| |exact fits_second].
      - apply (add_row_stands p 2 d_model 1); [exact outs | exact outs_pos | exact fits_attention | lia].
      - apply (add_row_stands p 2 d_model 1); [exact (lifted_stands _ _ _ _ shape_E range_skip)
          | exact (lifted_stands _ _ _ _ shape_pos range_pos_skip) | exact fits_skip | lia]. }
    assert (w_in := lifted_stands _ _ _ _ shape_in range_in). assert (w_out := lifted_stands _ _ _ _ shape_out range_out).
    assert (direct := lifted_stands _ _ _ _ shape_U range_direct).
    constructor; [reflexivity | reflexivity | | | | |].
    - exact (mul_stands _ _ _ _ _ _ _ first fits_L w_in).
    - apply (add_row_stands p 1 d_mlp 0); [|exact (lifted_stands _ _ _ _ shape_b_in range_b_in) | exact fits_bias_in | lia].
      exact (mul_stands _ _ _ _ _ _ _ second fits_R w_in).
    - exact (mul_transposed_stands _ _ _ _ _ _ _ (transpose_stands _ _ _ _ w_u) fits_U w_out).
    - exact (mul_stands _ _ _ _ _ _ _ first fits_P direct).
    - apply (add_row_stands p 1 p 0); [exact (mul_stands _ _ _ _ _ _ _ second fits_Q direct) | | exact fits_bias_direct | lia].
      exact (mul_stands _ _ _ _ _ _ _ (lifted_stands _ _ _ _ shape_b_out range_b_out) fits_bias w_u).
  Qed.
End Transformer.

(** ** Canonical *)

Lemma canonical_no_wrap : forall (p : nat) (s : Z) (f : activation) (d_mlp : nat) (P Q L R U : matrix),
  first_failure (canonical_tests p f d_mlp P Q L R U) = None ->
  tables_stand (canonical_form p s f d_mlp P Q L R U) (canonical_integers f d_mlp P Q L R U).
Proof.
  intros p s f d_mlp P Q L R U tests. assert (all := ProductsSound.all_pass _ tests).
  unfold canonical_tests in all. cbn [fold_right fst] in all.
  destruct all as (_ & shape_P & shape_Q & shape_L & shape_R & shape_U & range_P & range_Q & range_L & range_R & range_U & _).
  constructor; [reflexivity | reflexivity | | | | |].
  - exact (lifted_stands _ _ _ _ shape_L range_L).
  - exact (lifted_stands _ _ _ _ shape_R range_R).
  - exact (transpose_stands _ _ _ _ (lifted_stands _ _ _ _ shape_U range_U)).
  - exact (lifted_stands _ _ _ _ shape_P range_P).
  - exact (lifted_stands _ _ _ _ shape_Q range_Q).
Qed.

(** ** Every network *)

Theorem fold_no_wrap : forall M : modular, first_failure (fold_tests M) = None -> tables_stand (fold M) (integers_of M).
Proof.
  intros [p s layers]. unfold fold_tests, fold, folding_of, integers_of. cbn [network_layers order coefficient].
  destruct layers; intro tests; [apply mlp_no_wrap | apply bottleneck_no_wrap | apply transformer_no_wrap
    | apply canonical_no_wrap]; exact tests.
Qed.
