(* CompactProofs: Modular: CanonicalFacts *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List.
From CompactProofs Require Import Spec.Network Spec.Modular Base.Sums Base.Signed63 Base.Matrix Base.RealMatrix Base.NoWrap.
From CompactProofs Require Import Cert.Outcome Modular.Form Modular.Fold Modular.FoldReal Modular.FoldTransformer Modular.FoldSound
  Modular.FoldNoWrap Modular.NoWrap.
Import ListNotations.
(** * A canonical network can be any network
    Nothing else rests on this.
    - [canonical_of F] == the network whose matrices are the integers of the tables of [F]
    - [mlp_canonical]  == one hidden layer is a canonical network without direct paths
    Main result: [canonical_count]. *)
Local Open Scope R_scope.

Definition whole (A : list (list int)) : matrix := Matrix (map (map signed) A) 0.

Definition canonical_of (F : form) : modular :=
  Modular (form_order F) (form_coefficient F) (Canonical (form_activation F) (form_width F) (whole (P_rows F)) (whole (Q_rows F))
    (whole (L_rows F)) (whole (R_rows F)) (whole (transpose (form_width F) (U_rows F)))).

Local Lemma whole_entry : forall (A : list (list int)) (i j : nat), entry (whole A) i j = IZR (at2 A i j).
Proof.
  intros A i j. unfold entry, whole. cbn [ints scale_bits pow]. unfold Rdiv. rewrite Rinv_1, Rmult_1_r. f_equal.
  change [] with (map signed []) at 1. rewrite map_nth. rewrite <- signed_zero at 1. apply map_nth.
Qed.

(** The canonical network of the integers of any network's form answers as many pairs right as the network. *)
Theorem canonical_count : forall M : modular,
  first_failure (fold_tests M) = None -> correct_count (canonical_of (fold M)) = correct_count M.
Proof.
  intros M tests. rewrite (fold_count M tests). assert (size := fold_order M).
  assert (some : (1 <= order M)%nat).
  { destruct M as [p s layers]. unfold fold_tests, folding_of in tests. cbn [network_layers order coefficient] in *.
    destruct layers; [eapply mlp_order | eapply bottleneck_order | eapply transformer_order | eapply canonical_order];
      exact tests. }
  apply (count_of_values _ (fold M) 0); cbn [canonical_of order coefficient];
    [reflexivity | reflexivity | rewrite size; exact some|].
  intros a b c inside_a inside_b inside_c. cbn [pow]. rewrite Rmult_1_r.
  assert (U_shape := table_stands_shape _ _ _ _ (U_exact _ _ (fold_no_wrap M tests))).
  rewrite <- (same_width _ _ (fold_no_wrap M tests)) in U_shape.
  unfold logit, valueZ. cbn [canonical_of network_layers logit_of]. rewrite !whole_entry, !plus_IZR, IZR_sumZ. f_equal.
  apply sum_ext. intros j inside. rewrite !whole_entry. unfold hiddenZ. rewrite mult_IZR, IZR_activateZ, plus_IZR.
  rewrite (at2_transpose (form_order (fold M)) (form_width (fold M))) by assumption. reflexivity.
Qed.

Theorem mlp_canonical : forall (f : activation) (d_mlp : nat) (W_E W_E_b W_U : matrix) (a b c : nat),
  logit_of (Mlp f d_mlp W_E W_E_b W_U) a b c = logit_of (Canonical f d_mlp (whole []) (whole []) W_E W_E_b W_U) a b c.
Proof.
  intros f d_mlp W_E W_E_b W_U a b c. cbn [logit_of]. rewrite !whole_entry.
  assert (nothing : forall i j, at2 [] i j = 0%Z) by (intros [|i] [|j]; reflexivity).
  rewrite !nothing, !Rplus_0_l. reflexivity.
Qed.
