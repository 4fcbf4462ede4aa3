(* CompactProofs: Modular: NoWrap *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Spec.Modular Base.Sums Base.Signed63 Base.Matrix Base.NoWrap.
From CompactProofs Require Import Cert.Outcome Modular.Form Modular.FormSound Modular.Fold Modular.FoldTransformer.
From CompactProofs Require Import Modular.FoldSound Modular.FoldNoWrap Modular.SpecFacts Modular.SecondMomentMath.
From CompactProofs Require Import Modular.SecondMomentSound Modular.Strategies Modular.StrategiesSound.
Import ListNotations.
(** * Acceptance implies that no table entry and no output has wrapped around
    Every strategy for modular arithmetic reads its verdict from the canonical form of the network: five tables of machine
    integers, that is of numbers modulo 2^63. When it accepts, each entry of these tables stands for the integer that it is
    meant to be (Base.NoWrap): read as a signed number it is equal to a finite sum of products of the network's integers,
    computed in Z, and this is below 2^62 in absolute value; so do the activations and the outputs of all pairs of tokens.
    - [output63 F a b c] == output c on (a, b), in machine integers;  [outputZ] == the same over Z (FoldNoWrap)
    - [form_no_wrap M]   == the statement; it also says that the outputs of the specification's network, over the real numbers,
                            are these integers over one power of two
    One theorem for each strategy, at the end, and [second_moment_moments_exact]: both moments are exact. Of the tables
    that the other strategies make from their certificates nothing is said here: that the bounds taken from them hold, also
    in machine integers, is what the soundness theorems say. *)
Local Open Scope Z_scope.

(** ** The statement *)

(** The machine integer of output c on (a, b). *)
Definition output63 (F : form) (a b c : nat) : int :=
  pair_value (hidden_of F a b) (nth c (U_rows F) []) (nth c (nth a (P_rows F) []) 0 + nth c (nth b (Q_rows F) []) 0)%uint63.

Record form_no_wrap (M : modular) : Prop := {
  form_size : form_order (fold M) = order M;
  form_tables : tables_stand (fold M) (integers_of M);
  neurons_exact : forall a b : nat, (a < order M)%nat -> (b < order M)%nat ->
    row_stands (hidden_of (fold M) a b) (width (integers_of M)) (neuronZ (integers_of M) a b);
  outputs_exact : forall a b c : nat, (a < order M)%nat -> (b < order M)%nat -> (c < order M)%nat ->
    stands_for (output63 (fold M) a b c) (outputZ (integers_of M) a b c);
  outputs_of_network : exists bits : nat, forall a b c : nat, (a < order M)%nat -> (b < order M)%nat -> (c < order M)%nat ->
    IZR (outputZ (integers_of M) a b c) = (logit M a b c * 2 ^ bits)%R
}.

(** ** A form whose tables stand for integers *)

Section Form.
  Context (F : form) (X : integers) (formed : well_formed F) (stand : tables_stand F X).
  Local Notation p := (form_order F).

  Lemma neuron_value : forall a b j : nat, (a < p)%nat -> (b < p)%nat -> (j < width X)%nat ->
    hiddenZ F a b j = neuronZ X a b j.
  Proof.
    intros a b j inside_a inside_b inside. unfold hiddenZ, neuronZ. rewrite (same_activation F X stand).
    rewrite (table_stands_at _ _ _ _ (L_exact F X stand)), (table_stands_at _ _ _ _ (R_exact F X stand)) by assumption.
    reflexivity.
  Qed.

  Lemma output_value : forall a b c : nat, (a < p)%nat -> (b < p)%nat -> (c < p)%nat -> valueZ F a b c = outputZ X a b c.
  Proof.
    intros a b c inside_a inside_b inside_c. unfold valueZ, outputZ.
    rewrite (table_stands_at _ _ _ _ (P_exact F X stand)), (table_stands_at _ _ _ _ (Q_exact F X stand)) by assumption.
    rewrite (same_width F X stand). f_equal. apply sumZ_ext. intros j inside.
    rewrite neuron_value, (table_stands_at _ _ _ _ (U_exact F X stand)) by assumption. reflexivity.
  Qed.

  Lemma neurons_stand : forall a b : nat, (a < p)%nat -> (b < p)%nat ->
    row_stands (hidden_of F a b) (width X) (neuronZ X a b).
  Proof.
    intros a b inside_a inside_b. rewrite <- (same_width F X stand).
    split; [exact (hidden_length F formed a b inside_a inside_b)|]. intros j inside.
    assert (value := hidden_exact F formed a b j inside_a inside_b inside).
    assert (low := hidden_nonneg F a b j). assert (high := hidden_bound F a b j). assert (fits := hidden_top_fits F formed).
    rewrite neuron_value in value, low, high by (rewrite <- ?(same_width F X stand); assumption).
    split; [exact value | lia].
  Qed.

  Lemma outputs_stand : forall a b c : nat, (a < p)%nat -> (b < p)%nat -> (c < p)%nat ->
    stands_for (output63 F a b c) (outputZ X a b c).
  Proof.
    intros a b c inside_a inside_b inside_c. rewrite <- output_value by assumption. split.
    - apply (pair_value_exact F formed); try assumption. apply congruent_add; apply signed_congruent.
    - assert (bound := value_bound F a b c). assert (fits := value_top_fits F formed). lia.
  Qed.
End Form.

(** ** What a strategy has to show *)

Lemma fold_order : forall M : modular, form_order (fold M) = order M.
Proof. intros [p s layers]. destruct layers; reflexivity. Qed.

Lemma fold_coefficient : forall M : modular, form_coefficient (fold M) = coefficient M.
Proof. intros [p s layers]. destruct layers; reflexivity. Qed.

Lemma fold_values : forall M : modular, first_failure (fold_tests M) = None ->
  exists bits : nat, forall a b c : nat, (a < order M)%nat -> (b < order M)%nat -> (c < order M)%nat ->
    IZR (valueZ (fold M) a b c) = (logit M a b c * 2 ^ bits)%R.
Proof.
  intros [p s layers]. unfold fold_tests, fold, folding_of, logit. cbn [network_layers order coefficient].
  destruct layers; intro tests; eexists.
  - exact (mlp_value p s f _ _ _ _ tests).
  - exact (bottleneck_value p s f _ _ _ _ _ _ _ tests).
  - exact (transformer_value p s f _ _ _ _ _ _ _ _ _ _ _ _ tests).
  - exact (canonical_value p s f _ _ _ _ _ _ tests).
Qed.

Theorem on_form_no_wrap : forall (M : modular) (strategy : form -> outcome),
  (forall F : form, strategy F = Accepted -> well_formed F) ->
  accepted (on_form M strategy) = true ->
  form_no_wrap M.
Proof.
  intros M strategy formed check. apply accepted_outcome, on_form_accepted in check. destruct check as [tests verdict].
  apply formed in verdict. assert (stand := fold_no_wrap M tests). assert (size := fold_order M).
  constructor; [exact size | exact stand | | |].
  - intros a b inside_a inside_b. apply neurons_stand; rewrite ?size; assumption.
  - intros a b c inside_a inside_b inside_c. apply outputs_stand; rewrite ?size; assumption.
  - destruct (fold_values M tests) as [bits values]. exists bits. intros a b c inside_a inside_b inside_c.
    rewrite <- (output_value (fold M) (integers_of M) stand) by (rewrite size; assumption). apply values; assumption.
Qed.

Lemma tested_well_formed : forall (F : form) (verdict : outcome),
  match first_failure (form_tests F) with Some why => Refused why | None => verdict end = Accepted -> well_formed F.
Proof. intros F verdict. unfold well_formed. destruct (first_failure (form_tests F)); [discriminate | reflexivity]. Qed.

(** ** Every strategy *)

Theorem modular_brute_force_no_wrap : forall (N : Z) (M : modular) (c : modular_brute_force_certificate),
  modular_brute_force_check N M c = true -> form_no_wrap M.
Proof. intros N M c. apply on_form_no_wrap. intro F. apply tested_well_formed. Qed.

Theorem modular_brute_force_exact_no_wrap : forall (N : Z) (M : modular) (c : modular_brute_force_certificate),
  modular_brute_force_exact_check N M c = true -> form_no_wrap M.
Proof. intros N M c. apply on_form_no_wrap. intro F. apply tested_well_formed. Qed.

Theorem low_rank_unembedding_no_wrap : forall (N : Z) (M : modular) (c : low_rank_unembedding_certificate),
  low_rank_unembedding_check N M c = true -> form_no_wrap M.
Proof. intros N M c. apply on_form_no_wrap. intro F. apply tested_well_formed. Qed.

Theorem homogeneity_no_wrap : forall (N : Z) (M : modular) (c : homogeneity_certificate),
  homogeneity_check N M c = true -> form_no_wrap M.
Proof. intros N M c. apply on_form_no_wrap. intro F. apply tested_well_formed. Qed.

Theorem homogeneity_l1_no_wrap : forall (N : Z) (M : modular) (c : homogeneity_l1_certificate),
  homogeneity_l1_check N M c = true -> form_no_wrap M.
Proof. intros N M c. apply on_form_no_wrap. intro F. apply tested_well_formed. Qed.

Theorem quadrature_no_wrap : forall (N : Z) (M : modular) (c : quadrature_certificate),
  quadrature_check N M c = true -> form_no_wrap M.
Proof. intros N M c. apply on_form_no_wrap. intro F. apply tested_well_formed. Qed.

Theorem second_moment_no_wrap : forall (N : Z) (M : modular) (c : second_moment_certificate),
  second_moment_check N M c = true -> form_no_wrap M.
Proof. intros N M c. apply on_form_no_wrap. intro F. apply tested_well_formed. Qed.

(** ** The moments: the verdict of [second_moment] is read from two more numbers *)

(** p times output c on (a, b), less the sum over all outputs. *)
Definition centredZ (M : modular) (a b c : nat) : Z :=
  Z.of_nat (order M) * outputZ (integers_of M) a b c - sumZ (order M) (outputZ (integers_of M) a b).

Definition correlationZ (M : modular) : Z :=
  sumZ (order M) (fun a => sumZ (order M) (fun b => centredZ M a b (answer (order M) (coefficient M) a b))).

Definition momentZ (M : modular) : Z :=
  sumZ (order M) (fun a => sumZ (order M) (fun b => sumZ (order M) (fun c => centredZ M a b c * centredZ M a b c))).

Theorem second_moment_moments_exact : forall (N : Z) (M : modular) (c : second_moment_certificate),
  second_moment_check N M c = true ->
  second_moments (fold M) = (correlationZ M, momentZ M).
Proof.
  intros N M c check. apply accepted_outcome, on_form_accepted in check. destruct check as [tests verdict].
  assert (formed := tested_well_formed _ _ verdict). unfold second_moment_on in verdict. rewrite formed in verdict.
  destruct (first_failure (second_moment_tests (fold M))) eqn:passed; [discriminate verdict|].
  rewrite (SecondMomentSound.second_moments_exact (fold M) formed passed).
  assert (stand := fold_no_wrap M tests). assert (size := fold_order M).
  assert (same : forall a b k : nat, (a < order M)%nat -> (b < order M)%nat -> (k < order M)%nat ->
    SecondMomentMath.centred (form_width (fold M)) (at2 (L_rows (fold M))) (at2 (R_rows (fold M)))
      (SecondMomentSound.centred_class (fold M)) a b k = centredZ M a b k).
  { intros a b k inside_a inside_b inside. rewrite (SecondMomentSound.centred_value (fold M) passed), size. unfold centredZ.
    rewrite (output_value _ _ stand) by (rewrite size; assumption). f_equal. apply sumZ_ext. intros k' inside'.
    apply (output_value _ _ stand); rewrite size; assumption. }
  unfold SecondMomentMath.correlation, SecondMomentMath.moment, correlationZ, momentZ. rewrite size.
  f_equal; apply sumZ_ext; intros a inside_a; apply sumZ_ext; intros b inside_b.
  - unfold form_answer. rewrite size, (fold_coefficient M). apply same; try assumption.
    apply answer_below. assert (some := order_pos (fold M) formed). rewrite size in some. exact some.
  - apply sumZ_ext. intros k inside. rewrite same by assumption. reflexivity.
Qed.
