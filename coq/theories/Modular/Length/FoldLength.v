(* CompactProofs: Modular: Length: FoldLength *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Spec.Network Spec.Modular Base.Lists Base.Matrix Cert.Outcome Modular.Form Modular.Fold.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.MatrixLength.
From CompactProofs Require Import Modular.Length.FormCounted Modular.Length.FoldCounted.
Import ListNotations.
(** * Folding a network for modular arithmetic: how many operations it takes
    Sizes: order p, and of the network d (d_model), n (d_attn), m (d_mlp).
    - [network_within M] == the matrices of M are no larger than M says
    - [mlp_bound p m], [bottleneck_bound p d m], [transformer_bound p d n m], [canonical_bound p m] == tests and fold
    - [fold_bound l p]   == that of the layers [l]; [width_of l], [activation_of l] == what the form has
    Main result: [on_form_at_most]. *)
Local Open Scope Z_scope.

(** ** Closed form *)

(** A matrix of r rows and c columns, and the test of its range. *)
Definition lift_bound (r c : Z) : Z := 4 + 6 * (r * c).
(** The test of its shape too. *)
Definition weight_bound (r c : Z) : Z := 1 + r + lift_bound r c.
(** A product with the test of its range. *)
Definition fold_product_bound (r n c : Z) : Z := 7 + 3 * (r * n) + 3 * (n * c) + 2 * (r * n * c).
(** One of s rows added to r rows, with the test of its range. *)
Definition fold_sum_bound (s r c : Z) : Z := 5 + 3 * (s * c) + 4 * (r * c).

Definition mlp_bound (p m : Z) : Z := 8 + 2 * weight_bound p m + weight_bound m p.

Definition bottleneck_bound (p d m : Z) : Z :=
  10 + 2 * weight_bound p d + weight_bound d m + weight_bound m d + weight_bound d p + 3 * fold_product_bound p d m.

Definition transformer_bound (p d n m : Z) : Z :=
  230 + weight_bound p d + weight_bound 2 d + weight_bound d n + weight_bound n d + weight_bound d m + weight_bound 1 m
  + weight_bound m d + weight_bound 1 d + weight_bound d p + lift_bound p d + lift_bound 2 d + lift_bound d p
  + fold_product_bound p d n + fold_product_bound 2 d n + fold_product_bound p n d + fold_product_bound 2 n d
  + 3 * fold_product_bound p d m + 2 * fold_product_bound p d p + fold_product_bound 1 d p
  + 2 * fold_sum_bound 2 p d + p * d + fold_sum_bound p p d + fold_sum_bound 1 p m + fold_sum_bound 1 p p.

Definition canonical_bound (p m : Z) : Z := 52 + 2 * weight_bound p p + 2 * weight_bound p m + weight_bound m p.

Definition fold_bound (l : layers) (p : Z) : Z :=
  match l with
  | Mlp _ m _ _ _ => mlp_bound p (Z.of_nat m)
  | Bottleneck _ d m _ _ _ _ _ => bottleneck_bound p (Z.of_nat d) (Z.of_nat m)
  | Transformer _ d n m _ _ _ _ _ _ _ _ _ => transformer_bound p (Z.of_nat d) (Z.of_nat n) (Z.of_nat m)
  | Canonical _ m _ _ _ _ _ => canonical_bound p (Z.of_nat m)
  end.

Definition width_of (l : layers) : nat :=
  match l with
  | Mlp _ m _ _ _ | Bottleneck _ _ m _ _ _ _ _ | Transformer _ _ _ m _ _ _ _ _ _ _ _ _ | Canonical _ m _ _ _ _ _ => m
  end.

Definition activation_of (l : layers) : activation :=
  match l with
  | Mlp f _ _ _ _ | Bottleneck f _ _ _ _ _ _ _ | Transformer f _ _ _ _ _ _ _ _ _ _ _ _ | Canonical f _ _ _ _ _ _ => f
  end.

(** ** Sizes *)

Definition matrix_within (r c : nat) (W : matrix) : Prop := within (Z.of_nat r) (Z.of_nat c) (ints W).

Definition network_within (M : modular) : Prop :=
  let p := order M in
  match network_layers M with
  | Mlp _ m W_E W_E_b W_U => matrix_within p m W_E /\ matrix_within p m W_E_b /\ matrix_within m p W_U
  | Bottleneck _ d m W_E W_E_b W_in W_out W_U =>
      matrix_within p d W_E /\ matrix_within p d W_E_b /\ matrix_within d m W_in /\ matrix_within m d W_out /\
      matrix_within d p W_U
  | Transformer _ d n m W_E W_pos W_V W_O W_in b_in W_out b_out W_U =>
      matrix_within p d W_E /\ matrix_within 2 d W_pos /\ matrix_within d n W_V /\ matrix_within n d W_O /\
      matrix_within d m W_in /\ matrix_within 1 m b_in /\ matrix_within m d W_out /\ matrix_within 1 d b_out /\
      matrix_within d p W_U
  | Canonical _ m P Q L R U =>
      matrix_within p p P /\ matrix_within p p Q /\ matrix_within p m L /\ matrix_within p m R /\ matrix_within m p U
  end.

Local Lemma matrix_within_of_shape : forall (r c : nat) (W : matrix), shaped r c W = true -> matrix_within r c W.
Proof. intros r c W. apply within_of_shape. Qed.

(** A network that passes the fold's tests is no larger than it says. *)
Lemma network_within_of_tests : forall M : modular, first_failure (fold_tests M) = None -> network_within M.
Proof.
  intros M tests. assert (all := first_failure_none _ tests). unfold fold_tests, folding_of in all. unfold network_within.
  destruct (network_layers M); cbn [mlp_folding canonical_folding folding_tests] in all;
    unfold bottleneck_folding, transformer_folding in all; cbv zeta in all; cbn [folding_tests] in all;
    repeat match goal with |- _ /\ _ => split end;
    apply matrix_within_of_shape; eapply all; unfold mlp_tests, bottleneck_tests, transformer_tests, canonical_tests;
    cbv zeta; cbn [In]; tauto.
Qed.

Lemma lifted_within : forall (r c lift : nat) (W : matrix),
  matrix_within r c W -> within (Z.of_nat r) (Z.of_nat c) (lifted lift W).
Proof. intros r c lift W size. apply of_rows_within, size. Qed.

Lemma transpose_within : forall (T : Type) (r : Z) (c : nat) (A : list (list T)),
  len A <= r -> within (Z.of_nat c) r (transpose c A).
Proof.
  intros T r c A. revert r. induction A as [|row A IH]; intros r short; cbn [transpose].
  - rewrite len_nil in short. split; [exact short|]. split; [rewrite len_repeat; lia|].
    intros row inside. apply repeat_spec in inside. subst row. rewrite len_nil. exact short.
  - rewrite len_cons in short. destruct (IH (r - 1) ltac:(lia)) as (positive & rows & columns).
    split; [lia|]. split; [eapply Z.le_trans; [apply (proj2 (len_zip_with _ _ _ _ _ _)) | exact rows]|].
    clear - columns. revert row columns. generalize (transpose c A) as B. induction B as [|b B IH]; intros [|x row] columns;
      cbn [zip_with]; try (intros y []).
    + subst y. rewrite len_cons. specialize (columns b (or_introl eq_refl)). lia.
    + apply (IH row); [|assumption]. intros z inside. apply columns. right. exact inside.
Qed.

Lemma zeros_within : forall p : nat, within (Z.of_nat p) (Z.of_nat p) (zeros p).
Proof.
  intro p. split; [lia|]. split; [unfold zeros; rewrite len_repeat; lia|]. intros row inside.
  apply repeat_spec in inside. subst row. rewrite len_repeat. lia.
Qed.

Lemma add_tables_within : forall (r c : Z) (A B : list (list int)),
  within r c A -> within r c B -> within r c (add_tables A B).
Proof.
  intros r c A B (positive & rows & _) (_ & _ & columns). split; [exact positive|].
  split; [eapply Z.le_trans; [apply (proj1 (len_zip_with _ _ _ _ _ _)) | exact rows]|].
  unfold add_tables. clear rows. revert B columns. induction A as [|a A IH]; intros [|b B] columns row; cbn [zip_with];
    try contradiction. intros [<-|inside].
  - eapply Z.le_trans; [apply add_rows_len | apply columns; left; reflexivity].
  - apply (IH B); [|exact inside]. intros z z_inside. apply columns. right. exact z_inside.
Qed.

Local Lemma short_of_within : forall (T : Type) (r c : Z) (A : list (list T)), within r c A -> len A <= r.
Proof. intros T r c A size. apply size. Qed.

#[local] Hint Resolve lifted_within transpose_within zeros_within add_tables_within short_of_within : lengths.

(** ** Pieces *)

Lemma add_tables_at_most : forall (r c : Z) (A B : list (list int)),
  within r c A -> at_most (r * c) (add_tables_counted A B).
Proof.
  intros r c A B (positive & rows & columns). apply at_most_zip; [exact positive | left; exact rows|].
  intros a b inside _. apply add_rows_at_most. left. apply columns, inside.
Qed.

Lemma lifted_at_most : forall (k : Z) (r c : nat) (lift : counted nat) (W : matrix),
  at_most k lift -> matrix_within r c W ->
  at_most (k + (2 + 2 * (Z.of_nat r * Z.of_nat c))) (lifted_counted lift W).
Proof.
  intros k r c lift W of_lift size. unfold lifted_counted. eapply at_most_then; [exact of_lift|].
  eapply at_most_then; [apply power_at_most | apply of_rows_at_most, size].
Qed.

Lemma lift_fits_at_most : forall (k : Z) (r c : nat) (lift : counted nat) (W : matrix),
  at_most k lift -> matrix_within r c W ->
  at_most (k + (2 + 4 * (Z.of_nat r * Z.of_nat c))) (lift_fits_counted lift W).
Proof.
  intros k r c lift W of_lift size. unfold lift_fits_counted. eapply at_most_then; [exact of_lift|].
  eapply at_most_then; [apply power_at_most | apply rows_fit_at_most, size].
Qed.

Lemma shaped_at_most : forall (r c : nat) (rows columns : nat) (W : matrix),
  matrix_within r c W -> at_most (1 + Z.of_nat r) (shaped_counted rows columns W).
Proof. intros r c rows columns W size. eapply has_shape_at_most, size. Qed.

Lemma common_bits_at_most : forall V W : matrix, at_most 1 (common_bits_counted V W).
Proof. intros V W. apply at_most_once, Z.le_refl. Qed.

Lemma order_test_at_most : forall p : nat, at_most 2 (order_test_counted p).
Proof. intro p. unfold order_test_counted. count. Qed.

Lemma no_lift_at_most : forall bits : nat, at_most 0 (free bits).
Proof. intro bits. apply at_most_free, Z.le_refl. Qed.

Lemma one_lift_at_most : forall bits : nat, at_most 1 (once bits).
Proof. intro bits. apply at_most_once, Z.le_refl. Qed.

#[local] Hint Resolve add_tables_at_most lifted_at_most lift_fits_at_most shaped_at_most common_bits_at_most order_test_at_most
  no_lift_at_most one_lift_at_most : lengths.

Lemma after_tests_at_most : forall (tests : counted (list (bool * refusal))) (folded : counted form)
  (strategy : form -> counted outcome) (a b c : Z), 0 <= b -> 0 <= c -> at_most a tests -> at_most b folded ->
  at_most c (strategy (returned folded)) -> at_most (a + (b + c)) (after_tests tests folded strategy).
Proof.
  intros tests folded strategy a b c b_nonneg c_nonneg of_tests of_fold of_strategy. unfold after_tests.
  eapply at_most_then; [exact of_tests|]. destruct (first_failure (returned tests)); [apply at_most_free; lia|].
  eapply at_most_then; [exact of_fold | exact of_strategy].
Qed.

(** A matrix of a known size, and what is done with it. *)
Lemma at_most_matrix : forall (B : Type) (made : counted (list (list int))) (f : list (list int) -> counted B) (r c a b : Z),
  at_most a made -> within r c (returned made) -> (forall A, within r c A -> at_most b (f A)) -> at_most (a + b) (bind made f).
Proof. intros B made f r c a b first size second. apply at_most_then; [exact first | apply second, size]. Qed.

Ltac count_matrices :=
  eapply at_most_le;
    [repeat (eapply at_most_matrix; [count_up | autorewrite with values; solve [eauto with lengths] | intros ? ?]); count_up|];
    lia.

(** ** One hidden layer, bottleneck *)

Lemma mlp_tests_at_most : forall (p m : nat) (W_E W_E_b W_U : matrix),
  matrix_within p m W_E -> matrix_within p m W_E_b -> matrix_within m p W_U ->
  at_most (14 + 2 * Z.of_nat p + Z.of_nat m + 12 * (Z.of_nat p * Z.of_nat m)) (mlp_tests_counted p m W_E W_E_b W_U).
Proof. intros p m W_E W_E_b W_U size_E size_E_b size_U. unfold mlp_tests_counted. count. Qed.

Lemma mlp_form_at_most : forall (p : nat) (s : Z) (f : activation) (m : nat) (W_E W_E_b W_U : matrix),
  matrix_within p m W_E -> matrix_within p m W_E_b -> matrix_within m p W_U ->
  at_most (9 + 6 * (Z.of_nat p * Z.of_nat m)) (mlp_form_counted p s f m W_E W_E_b W_U).
Proof. intros p s f m W_E W_E_b W_U size_E size_E_b size_U. unfold mlp_form_counted. cbv zeta. count. Qed.

Lemma mlp_form_within : forall (p : nat) (s : Z) (f : activation) (m : nat) (W_E W_E_b W_U : matrix),
  matrix_within p m W_E -> matrix_within p m W_E_b -> matrix_within m p W_U ->
  form_within (mlp_form p s f m W_E W_E_b W_U).
Proof.
  intros p s f m W_E W_E_b W_U size_E size_E_b size_U. unfold mlp_form. cbv zeta.
  constructor; cbn [form_order form_width L_rows R_rows U_rows P_rows Q_rows]; eauto with lengths.
Qed.

Section Bottleneck.
  Context (p : nat) (s : Z) (f : activation) (d m : nat) (W_E W_E_b W_in W_out W_U : matrix).
  Context (size_E : matrix_within p d W_E) (size_E_b : matrix_within p d W_E_b) (size_in : matrix_within d m W_in).
  Context (size_out : matrix_within m d W_out) (size_U : matrix_within d p W_U).
  Local Notation P := (Z.of_nat p).
  Local Notation D := (Z.of_nat d).
  Local Notation N := (Z.of_nat m).

  Record bottleneck_within (T : bottleneck_tables) : Prop := BottleneckWithin {
    first_embed_within : within P D (first_embed T);
    second_embed_within : within P D (second_embed T);
    in_weights_within : within D N (in_weights T);
    out_weights_within : within N D (out_weights T);
    class_weights_within : within P D (class_weights T)
  }.

  Lemma bottleneck_of_within : bottleneck_within (bottleneck_of p W_E W_E_b W_in W_out W_U).
  Proof.
    unfold bottleneck_of. cbv zeta.
    constructor; cbn [first_embed second_embed in_weights out_weights class_weights]; eauto with lengths.
  Qed.

  Lemma bottleneck_of_at_most : at_most (13 + 6 * (P * D) + 4 * (D * N))
    (bottleneck_of_counted p W_E W_E_b W_in W_out W_U).
  Proof. unfold bottleneck_of_counted. count. Qed.

  Lemma bottleneck_tests_at_most : forall T : bottleneck_tables, bottleneck_within T ->
    at_most (41 + 2 * P + 2 * D + N + 21 * (P * D) + 17 * (D * N))
      (bottleneck_tests_counted p d m W_E W_E_b W_in W_out W_U T).
  Proof. intros T size. destruct size. unfold bottleneck_tests_counted. count. Qed.

  Lemma bottleneck_form_at_most : forall T : bottleneck_tables, bottleneck_within T ->
    at_most (6 * (P * D * N)) (bottleneck_form_counted p s f m T).
  Proof. intros T size. destruct size. unfold bottleneck_form_counted. cbv zeta. count. Qed.

  Lemma bottleneck_form_within : forall T : bottleneck_tables, bottleneck_within T ->
    form_within (bottleneck_form p s f m T).
  Proof.
    intros T size. destruct size. unfold bottleneck_form. cbv zeta.
    constructor; cbn [form_order form_width L_rows R_rows U_rows P_rows Q_rows]; eauto with lengths.
  Qed.
End Bottleneck.

Section Transformer.
  Context (p : nat) (s : Z) (f : activation) (d n m : nat).
  Context (W_E W_pos W_V W_O W_in b_in W_out b_out W_U : matrix).
  Context (size_E : matrix_within p d W_E) (size_pos : matrix_within 2 d W_pos) (size_V : matrix_within d n W_V).
  Context (size_O : matrix_within n d W_O) (size_in : matrix_within d m W_in) (size_b_in : matrix_within 1 m b_in).
  Context (size_out : matrix_within m d W_out) (size_b_out : matrix_within 1 d b_out) (size_U : matrix_within d p W_U).
  Local Notation P := (Z.of_nat p).
  Local Notation D := (Z.of_nat d).
  Local Notation A := (Z.of_nat n).
  Local Notation N := (Z.of_nat m).

  Record transformer_within (T : transformer_tables) : Prop := TransformerWithin {
    embed_within : within P D (embed_rows T);
    pos_within : within 2 D (pos_rows T);
    value_weights_within : within D A (value_weights T);
    attention_weights_within : within A D (attention_weights T);
    embed_values_within : within P A (embed_values T);
    pos_values_within : within 2 A (pos_values T);
    embed_outs_within : within P D (embed_outs T);
    pos_outs_within : within 2 D (pos_outs T);
    embed_skip_within : within P D (embed_skip T);
    pos_skip_within : within 2 D (pos_skip T);
    second_outs_within : within P D (second_outs T);
    second_skip_within : within P D (second_skip T);
    first_resid_within : within P D (first_resid T);
    second_resid_within : within P D (second_resid T);
    in_rows_within : within D N (in_rows T);
    in_bias_within : within 1 N (in_bias T);
    second_argument_within : within P N (second_argument T);
    out_rows_within : within N D (out_rows T);
    out_bias_within : within 1 D (out_bias T);
    unembed_rows_within : within D P (unembed_rows T);
    class_rows_within : within P D (class_rows T);
    direct_rows_within : within D P (direct_rows T);
    second_direct_within : within P P (second_direct T);
    bias_direct_within : within 1 P (bias_direct T)
  }.

  Local Lemma lifted_two : forall (lift : nat), within 2 D (lifted lift W_pos).
  Proof. intro lift. exact (lifted_within 2 d lift W_pos size_pos). Qed.
  Local Lemma lifted_one : forall (c lift : nat) (W : matrix), matrix_within 1 c W -> within 1 (Z.of_nat c) (lifted lift W).
  Proof. intros c lift W size. exact (lifted_within 1 c lift W size). Qed.

  #[local] Hint Resolve lifted_two lifted_one : lengths.

  Lemma transformer_of_within :
    transformer_within (transformer_of p f d n m W_E W_pos W_V W_O W_in b_in W_out b_out W_U).
  Proof.
    unfold transformer_of. cbv zeta.
    constructor; cbn [embed_rows pos_rows value_weights attention_weights embed_values pos_values embed_outs pos_outs embed_skip
      pos_skip second_outs second_skip first_resid second_resid in_rows in_bias second_argument out_rows out_bias unembed_rows
      class_rows direct_rows second_direct bias_direct]; eauto 20 with lengths.
  Qed.

  Local Lemma mixed_bits_at_most : at_most 4 (mixed_bits_counted W_E W_pos W_V W_O).
  Proof. unfold mixed_bits_counted, embed_bits_counted. count. Qed.

  #[local] Hint Resolve mixed_bits_at_most : lengths.

  Local Lemma in_lift_at_most : at_most 6 (in_lift_counted W_E W_pos W_V W_O W_in b_in).
  Proof. unfold in_lift_counted. count. Qed.

  #[local] Hint Resolve in_lift_at_most : lengths.

  Local Lemma argument_bits_at_most : at_most 12 (argument_bits_counted W_E W_pos W_V W_O W_in b_in).
  Proof. unfold argument_bits_counted. count. Qed.

  #[local] Hint Resolve argument_bits_at_most : lengths.

  Local Lemma hidden_bits_at_most : at_most 13 (hidden_bits_counted f W_E W_pos W_V W_O W_in b_in).
  Proof. unfold hidden_bits_counted. count. Qed.

  #[local] Hint Resolve hidden_bits_at_most : lengths.

  Local Lemma out_lift_at_most : at_most 15 (out_lift_counted f W_E W_pos W_V W_O W_in b_in W_out b_out).
  Proof. unfold out_lift_counted. count. Qed.

  #[local] Hint Resolve out_lift_at_most : lengths.

  Local Lemma out_bits_at_most : at_most 16 (out_bits_counted f W_E W_pos W_V W_O W_in b_in W_out b_out).
  Proof. unfold out_bits_counted. count. Qed.

  #[local] Hint Resolve out_bits_at_most : lengths.

  Local Lemma in_bias_lift_at_most : at_most 13 (in_bias_lift_counted W_E W_pos W_V W_O W_in b_in).
  Proof. unfold in_bias_lift_counted. count. Qed.

  Local Lemma out_bias_lift_at_most : at_most 31 (out_bias_lift_counted f W_E W_pos W_V W_O W_in b_in W_out b_out).
  Proof. unfold out_bias_lift_counted. count. Qed.

  Local Lemma direct_lift_at_most : at_most 35 (direct_lift_counted f W_E W_pos W_V W_O W_in b_in W_out b_out).
  Proof. unfold direct_lift_counted. count. Qed.

  Local Lemma below_embed_at_most : forall W : matrix, at_most 2 (below_embed_counted W_E W_pos W).
  Proof. intro W. unfold below_embed_counted, embed_bits_counted. count. Qed.

  Local Lemma below_mixed_at_most : forall W : matrix, at_most 5 (below_mixed_counted W_E W_pos W_V W_O W).
  Proof. intro W. unfold below_mixed_counted. count. Qed.

  #[local] Hint Resolve in_bias_lift_at_most out_bias_lift_at_most direct_lift_at_most below_embed_at_most below_mixed_at_most
    : lengths.

  Lemma transformer_of_at_most :
    at_most (138 + 10 * D + 2 * N + 14 * (P * D) + 12 * (D * A) + 4 * (D * N) + 4 * (P * D * A) + 2 * (P * D * N)
        + 2 * (P * D * P))
      (transformer_of_counted p f d n m W_E W_pos W_V W_O W_in b_in W_out b_out W_U).
  Proof. unfold transformer_of_counted. count_matrices. Qed.

  Lemma transformer_tests_at_most : forall T : transformer_tables, transformer_within T ->
    at_most (248 + 4 * P + 44 * D + 7 * A + 8 * N + 55 * (P * D) + 20 * (D * A) + 17 * (D * N) + 3 * (P * A) + 3 * (P * N)
        + 3 * (P * P))
      (transformer_tests_counted p f d n m W_E W_pos W_V W_O W_in b_in W_out b_out W_U T).
  Proof. intros T size. destruct size. unfold transformer_tests_counted. count. Qed.

  Lemma transformer_form_at_most : forall T : transformer_tables, transformer_within T ->
    at_most (4 * (P * D * N) + P * N + 2 * (P * D * P) + P * P) (transformer_form_counted p s f m T).
  Proof. intros T size. destruct size. unfold transformer_form_counted. count. Qed.

  Lemma transformer_form_within : forall T : transformer_tables, transformer_within T ->
    form_within (transformer_form p s f m T).
  Proof.
    intros T size. destruct size. unfold transformer_form.
    constructor; cbn [form_order form_width L_rows R_rows U_rows P_rows Q_rows]; eauto with lengths.
  Qed.
End Transformer.

Section Canonical.
  Context (p : nat) (s : Z) (f : activation) (m : nat) (P Q L R U : matrix).
  Context (size_P : matrix_within p p P) (size_Q : matrix_within p p Q) (size_L : matrix_within p m L).
  Context (size_R : matrix_within p m R) (size_U : matrix_within m p U).
  Local Notation K := (Z.of_nat p).
  Local Notation N := (Z.of_nat m).

  Local Lemma path_bits_at_most : at_most 3 (path_bits_counted f L R U).
  Proof. unfold path_bits_counted, neuron_bits_counted. count. Qed.

  #[local] Hint Resolve path_bits_at_most : lengths.

  Local Lemma value_bits_at_most : at_most 5 (value_bits_counted f P Q L R U).
  Proof. unfold value_bits_counted. count. Qed.

  #[local] Hint Resolve value_bits_at_most : lengths.

  Local Lemma below_neuron_at_most : forall W : matrix, at_most 2 (below_neuron_counted L R W).
  Proof. intro W. unfold below_neuron_counted, neuron_bits_counted. count. Qed.

  Local Lemma below_value_at_most : forall W : matrix, at_most 6 (below_value_counted f P Q L R U W).
  Proof. intro W. unfold below_value_counted. count. Qed.

  Local Lemma class_lift_at_most : at_most 9 (class_lift_counted f P Q L R U).
  Proof. unfold class_lift_counted. count. Qed.

  #[local] Hint Resolve below_neuron_at_most below_value_at_most class_lift_at_most : lengths.

  Lemma canonical_tests_at_most :
    at_most (42 + 4 * K + N + 8 * (K * K) + 12 * (K * N)) (canonical_tests_counted p f m P Q L R U).
  Proof. unfold canonical_tests_counted. count. Qed.

  Lemma canonical_form_at_most : at_most (35 + 4 * (K * K) + 6 * (K * N)) (canonical_form_counted p s f m P Q L R U).
  Proof. unfold canonical_form_counted. count. Qed.

  Lemma canonical_form_within : form_within (canonical_form p s f m P Q L R U).
  Proof.
    unfold canonical_form. constructor; cbn [form_order form_width L_rows R_rows U_rows P_rows Q_rows]; eauto with lengths.
  Qed.
End Canonical.

(** ** Every network *)

Theorem on_form_at_most : forall (M : modular) (strategy : form -> counted outcome) (b : Z), network_within M -> 0 <= b ->
  (forall F : form, form_within F -> form_order F = order M -> form_width F = width_of (network_layers M) ->
    form_activation F = activation_of (network_layers M) -> at_most b (strategy F)) ->
  at_most (fold_bound (network_layers M) (Z.of_nat (order M)) + b) (on_form_counted M strategy).
Proof.
  intros M strategy b sizes b_nonneg of_strategy. unfold network_within in sizes. unfold on_form_counted. cbv zeta.
  destruct (network_layers M) as [f m W_E W_E_b W_U | f d m W_E W_E_b W_in W_out W_U
    | f d n m W_E W_pos W_V W_O W_in b_in W_out b_out W_U | f m P Q L R U]; cbn [fold_bound width_of activation_of] in *.
  - destruct sizes as (size_E & size_E_b & size_U). eapply at_most_le.
    { eapply after_tests_at_most with (c := b); [|exact b_nonneg | apply mlp_tests_at_most; assumption
        | apply mlp_form_at_most; assumption |]; [lia|].
      rewrite mlp_form_value. apply of_strategy; [apply mlp_form_within; assumption | reflexivity..]. }
    unfold mlp_bound, weight_bound, lift_bound. lia.
  - destruct sizes as (size_E & size_E_b & size_in & size_out & size_U).
    assert (T_within := bottleneck_of_within (order M) d m _ _ _ _ _ size_E size_E_b size_in size_out size_U).
    eapply at_most_le.
    { eapply at_most_then; [apply (bottleneck_of_at_most (order M) d m); assumption|]. rewrite bottleneck_of_value.
      eapply after_tests_at_most with (c := b); [|exact b_nonneg
        | apply (bottleneck_tests_at_most (order M) d m W_E W_E_b W_in W_out W_U); assumption
        | apply (bottleneck_form_at_most (order M) (coefficient M) f d m); assumption |]; [lia|].
      rewrite bottleneck_form_value. apply of_strategy; [apply (bottleneck_form_within (order M) _ f d m); assumption
        | reflexivity..]. }
    unfold bottleneck_bound, weight_bound, lift_bound, fold_product_bound. lia.
  - destruct sizes as (size_E & size_pos & size_V & size_O & size_in & size_b_in & size_out & size_b_out & size_U).
    assert (T_within := transformer_of_within (order M) f d n m _ _ _ _ _ _ _ _ _ size_E size_pos size_V size_O size_in
      size_b_in size_out size_b_out size_U). eapply at_most_le.
    { eapply at_most_then; [apply transformer_of_at_most; assumption|]. rewrite transformer_of_value.
      eapply after_tests_at_most with (c := b); [|exact b_nonneg | apply transformer_tests_at_most; assumption
        | apply (transformer_form_at_most (order M) (coefficient M) f d n m); assumption |]; [lia|].
      rewrite transformer_form_value. apply of_strategy; [apply (transformer_form_within (order M) _ f d n m); assumption
        | reflexivity..]. }
    unfold transformer_bound, weight_bound, lift_bound, fold_product_bound, fold_sum_bound. lia.
  - destruct sizes as (size_P & size_Q & size_L & size_R & size_U). eapply at_most_le.
    { eapply after_tests_at_most with (c := b); [|exact b_nonneg | apply canonical_tests_at_most; assumption
        | apply canonical_form_at_most; assumption |]; [lia|].
      rewrite canonical_form_value. apply of_strategy; [apply canonical_form_within; assumption | reflexivity..]. }
    unfold canonical_bound, weight_bound, lift_bound. lia.
Qed.
