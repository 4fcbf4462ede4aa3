(* CompactProofs: Modular: FoldSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia Lra.
From CompactProofs Require Import Spec.Network Spec.Modular Base.Sums Base.Matrix Base.RealMatrix.
From CompactProofs Require Import Cert.Outcome Modular.Form Modular.Fold Modular.FoldReal Modular.FoldTransformer.
Import ListNotations.
(** * Folding is exact
    Under [fold_tests] the value of the form is the logit of the layer-by-layer network times a power of two, so both answer
    the same pairs right.
    Main results: [fold_count], [on_form_sound], [on_form_exact]. *)
Local Open Scope R_scope.

Section Mlp.
  Context (p : nat) (s : Z) (f : activation) (d_mlp : nat) (W_E W_E_b W_U : matrix).
  Context (tests : first_failure (mlp_tests p d_mlp W_E W_E_b W_U) = None).
  Let F := mlp_form p s f d_mlp W_E W_E_b W_U.
  Let bits := (degree f * common_bits W_E W_E_b + scale_bits W_U)%nat.

  Local Ltac passed why := refine (first_failure_none _ tests _ why _); cbv [mlp_tests In]; tauto.

  Lemma mlp_order : (1 <= p)%nat.
  Proof. apply Nat.leb_le. passed (Wrong_order (Z.of_nat p)). Qed.

  Lemma mlp_value : forall a b c : nat, (a < p)%nat -> (b < p)%nat -> (c < p)%nat ->
    IZR (valueZ F a b c) = logit_of (Mlp f d_mlp W_E W_E_b W_U) a b c * 2 ^ bits.
  Proof.
    intros a b c inside_a inside_b inside_c.
    assert (shape_U : shaped d_mlp p W_U = true) by (passed (Wrong_shape Tensor_W_U)).
    etransitivity; [apply (form_value_real F (common_bits W_E W_E_b) (scale_bits W_U) a b c (entry W_E a) (entry W_E_b b)
      (fun j => entry W_U j c) 0 0)|].
    - intros j below. apply (real2_lifted p d_mlp); try assumption.
      + passed (Wrong_shape Tensor_W_E).
      + passed (May_overflow Range_W_E).
      + unfold common_bits. lia.
    - intros j below. apply (real2_lifted p d_mlp); try assumption.
      + passed (Wrong_shape Tensor_W_E_b).
      + passed (May_overflow Range_W_E_b).
      + unfold common_bits. lia.
    - intros j below. cbn [U_rows F mlp_form]. rewrite (real2_transpose d_mlp p) by (try apply lifted_shape; assumption).
      apply (real2_lifted d_mlp p); try assumption; [passed (May_overflow Range_W_U) | lia].
    - apply zeros_real.
    - apply zeros_real.
    - cbn [F mlp_form form_activation form_width logit_of]. fold bits. rewrite !Rplus_0_l. reflexivity.
  Qed.
End Mlp.

Section Bottleneck.
  Context (p : nat) (s : Z) (f : activation) (d_model d_mlp : nat) (W_E W_E_b W_in W_out W_U : matrix).
  Let T := bottleneck_of p W_E W_E_b W_in W_out W_U.
  Context (tests : first_failure (bottleneck_tests p d_model d_mlp W_E W_E_b W_in W_out W_U T) = None).
  Let F := bottleneck_form p s f d_mlp T.
  Let before := (common_bits W_E W_E_b + scale_bits W_in)%nat.
  Let out := (scale_bits W_U + scale_bits W_out)%nat.

  Local Ltac passed why := refine (first_failure_none _ tests _ why _); cbv [bottleneck_tests In]; tauto.

  Lemma bottleneck_order : (1 <= p)%nat.
  Proof. apply Nat.leb_le. passed (Wrong_order (Z.of_nat p)). Qed.

  Local Lemma bottleneck_in_real : forall k j : nat, (k < d_model)%nat -> (j < d_mlp)%nat ->
    real2 (in_weights T) (scale_bits W_in) k j = entry W_in k j.
  Proof.
    intros k j row column. apply (real2_lifted d_model d_mlp); try assumption; [| |lia].
    - passed (Wrong_shape Tensor_W_in).
    - passed (May_overflow Range_W_in).
  Qed.

  Local Lemma bottleneck_in_shape : has_shape d_model d_mlp (in_weights T) = true.
  Proof. apply lifted_shape. passed (Wrong_shape Tensor_W_in). Qed.

  Local Lemma unembed_shape : has_shape d_model p (lifted 0 W_U) = true.
  Proof. apply lifted_shape. passed (Wrong_shape Tensor_W_U). Qed.

  Local Lemma bottleneck_class_real : forall c k : nat, (c < p)%nat -> (k < d_model)%nat ->
    real2 (class_weights T) (scale_bits W_U) c k = entry W_U k c.
  Proof.
    intros c k row column. cbn [T bottleneck_of class_weights].
    rewrite (real2_transpose d_model p) by (apply unembed_shape || assumption).
    apply (real2_lifted d_model p); try assumption; [| |lia].
    - passed (Wrong_shape Tensor_W_U).
    - passed (May_overflow Range_W_U).
  Qed.

  Lemma bottleneck_value : forall a b c : nat, (a < p)%nat -> (b < p)%nat -> (c < p)%nat ->
    IZR (valueZ F a b c) =
    logit_of (Bottleneck f d_model d_mlp W_E W_E_b W_in W_out W_U) a b c * 2 ^ (degree f * before + out).
  Proof.
    intros a b c inside_a inside_b inside_c.
    assert (shape_E : shaped p d_model W_E = true) by (passed (Wrong_shape Tensor_W_E)).
    assert (shape_E_b : shaped p d_model W_E_b = true) by (passed (Wrong_shape Tensor_W_E_b)).
    assert (shape_out : shaped d_mlp d_model W_out = true) by (passed (Wrong_shape Tensor_W_out)).
    etransitivity; [apply (form_value_real F before out a b c
      (fun j => sum d_model (fun k => entry W_E a k * entry W_in k j))
      (fun j => sum d_model (fun k => entry W_E_b b k * entry W_in k j))
      (fun j => sum d_model (fun k => entry W_U k c * entry W_out j k)) 0 0)|].
    - intros j below. apply (real2_mul p d_model d_mlp); try assumption.
      + apply lifted_shape, shape_E.
      + exact bottleneck_in_shape.
      + passed (May_overflow Before_activation).
      + intros k inside. apply (real2_lifted p d_model); try assumption; [passed (May_overflow Range_W_E)|].
        unfold common_bits. lia.
      + intros k inside. apply bottleneck_in_real; assumption.
    - intros j below. apply (real2_mul p d_model d_mlp); try assumption.
      + apply lifted_shape, shape_E_b.
      + exact bottleneck_in_shape.
      + passed (May_overflow Before_activation).
      + intros k inside. apply (real2_lifted p d_model); try assumption; [passed (May_overflow Range_W_E_b)|].
        unfold common_bits. lia.
      + intros k inside. apply bottleneck_in_real; assumption.
    - intros j below. apply (real2_mul_transposed p d_model d_mlp); try assumption.
      + apply transpose_shape, unembed_shape.
      + apply lifted_shape, shape_out.
      + passed (May_overflow Unembedding).
      + intros k inside. apply bottleneck_class_real; assumption.
      + intros k inside. apply (real2_lifted d_mlp d_model); try assumption; [passed (May_overflow Range_W_out) | lia].
    - apply zeros_real.
    - apply zeros_real.
    - cbn [F bottleneck_form form_activation form_width logit_of]. f_equal. rewrite !Rplus_0_l.
      transitivity (sum d_model (fun k => sum d_mlp (fun j =>
        activate f (sum d_model (fun i => entry W_E a i * entry W_in i j) +
          sum d_model (fun i => entry W_E_b b i * entry W_in i j)) *
          entry W_out j k * entry W_U k c))).
      + rewrite sum_swap. apply sum_ext. intros j _. rewrite <- sum_mult_l. apply sum_ext. intros k _. ring.
      + apply sum_ext. intros k _. rewrite <- sum_mult_r. apply sum_ext. intros j _. do 3 f_equal.
        rewrite <- sum_plus. apply sum_ext. intros i _. ring.
  Qed.
End Bottleneck.

Section Canonical.
  Context (p : nat) (s : Z) (f : activation) (d_mlp : nat) (P Q L R U : matrix).
  Context (tests : first_failure (canonical_tests p f d_mlp P Q L R U) = None).
  Let F := canonical_form p s f d_mlp P Q L R U.
  Let before := neuron_bits L R.
  Let bits := value_bits f P Q L R U.

  Local Ltac passed why := refine (first_failure_none _ tests _ why _); cbv [canonical_tests In]; tauto.

  Lemma canonical_order : (1 <= p)%nat.
  Proof. apply Nat.leb_le. passed (Wrong_order (Z.of_nat p)). Qed.

  Lemma canonical_value : forall a b c : nat, (a < p)%nat -> (b < p)%nat -> (c < p)%nat ->
    IZR (valueZ F a b c) = logit_of (Canonical f d_mlp P Q L R U) a b c * 2 ^ bits.
  Proof.
    intros a b c inside_a inside_b inside_c.
    assert (shape_U : shaped d_mlp p U = true) by (passed (Wrong_table Outputs_of_classes)).
    assert (split : bits = (degree f * before + (bits - degree f * before))%nat).
    { unfold bits, before, value_bits, path_bits. lia. }
    rewrite split at 1.
    etransitivity; [apply (form_value_real F before (bits - degree f * before) a b c (entry L a) (entry R b)
      (fun j => entry U j c) (entry P a c) (entry Q b c))|].
    - intros j below. apply (real2_lifted p d_mlp); try assumption.
      + passed (Wrong_table Left).
      + passed (May_overflow Before_activation).
      + unfold before, neuron_bits, common_bits. lia.
    - intros j below. apply (real2_lifted p d_mlp); try assumption.
      + passed (Wrong_table Right).
      + passed (May_overflow Before_activation).
      + unfold before, neuron_bits, common_bits. lia.
    - intros j below. cbn [U_rows F canonical_form]. rewrite (real2_transpose d_mlp p) by (try apply lifted_shape; assumption).
      apply (real2_lifted d_mlp p); try assumption; [passed (May_overflow Unembedding)|].
      unfold bits, before, value_bits, path_bits. lia.
    - cbn [F canonical_form form_activation]. rewrite <- split. apply (real2_lifted p p); try assumption.
      + passed (Wrong_table First_direct).
      + passed (May_overflow Direct_path).
      + unfold bits, value_bits, common_bits. lia.
    - cbn [F canonical_form form_activation]. rewrite <- split. apply (real2_lifted p p); try assumption.
      + passed (Wrong_table Second_direct).
      + passed (May_overflow Direct_path).
      + unfold bits, value_bits, common_bits. lia.
    - reflexivity.
  Qed.
End Canonical.

(** ** Every network *)

Theorem fold_count : forall M : modular, first_failure (fold_tests M) = None -> correct_count M = right_pairs (fold M).
Proof.
  intros [p s layers]. unfold fold_tests, fold, folding_of. cbn [network_layers order coefficient].
  destruct layers; intro tests.
  - eapply count_of_values; [reflexivity | reflexivity | exact (mlp_order _ _ _ _ _ tests)|].
    exact (mlp_value p s f _ _ _ _ tests).
  - eapply count_of_values; [reflexivity | reflexivity | exact (bottleneck_order _ _ _ _ _ _ _ _ tests)|].
    exact (bottleneck_value p s f _ _ _ _ _ _ _ tests).
  - eapply count_of_values; [reflexivity | reflexivity | exact (transformer_order _ _ _ _ _ _ _ _ _ _ _ _ _ _ tests)|].
    exact (transformer_value p s f _ _ _ _ _ _ _ _ _ _ _ _ tests).
  - eapply count_of_values; [reflexivity | reflexivity | exact (canonical_order _ _ _ _ _ _ _ _ tests)|].
    exact (canonical_value p s f _ _ _ _ _ _ tests).
Qed.

Lemma on_form_accepted : forall (M : modular) (strategy : form -> outcome),
  on_form M strategy = Accepted -> first_failure (fold_tests M) = None /\ strategy (fold M) = Accepted.
Proof.
  intros M strategy. unfold on_form, fold, fold_tests. destruct (first_failure (folding_tests (folding_of M))).
  - discriminate.
  - intro verdict. split; [reflexivity | exact verdict].
Qed.

Theorem on_form_sound : forall (M : modular) (strategy : form -> outcome) (N : Z),
  (forall F, strategy F = Accepted -> (N <= right_pairs F)%Z) ->
  on_form M strategy = Accepted ->
  (N <= correct_count M)%Z.
Proof.
  intros M strategy N sound verdict. destruct (on_form_accepted M strategy verdict) as [tests accepted].
  rewrite (fold_count M tests). apply sound, accepted.
Qed.

Theorem on_form_exact : forall (M : modular) (strategy : form -> outcome) (N : Z),
  (forall F, strategy F = Accepted -> right_pairs F = N) ->
  on_form M strategy = Accepted ->
  correct_count M = N.
Proof.
  intros M strategy N exact_count verdict. destruct (on_form_accepted M strategy verdict) as [tests accepted].
  rewrite (fold_count M tests). apply exact_count, accepted.
Qed.
