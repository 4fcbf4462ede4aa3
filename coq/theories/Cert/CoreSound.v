(* CompactProofs: Cert: CoreSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia Lra.
From CompactProofs Require Import Spec.Network Base.Sums Base.Signed63 Base.Matrix Base.RealMatrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables.
Import ListNotations.
(** * The token tables mean what the specification says
    Under [core_tests], scores and logits of the network are sums of products of the tables' entries; and an output is below
    another exactly when a sum over positions, whose terms see one token each, is negative.
    - [token_score C q t]    == integer score of token t for last token q;  [direct_logit C q w] == integer direct logit
    - [proposal C q t i w]   == integer logit [w] that position i, holding token t, proposes; units of 2^-logit_bits
    Main results: [score_of_core], [logit_lt_core_iff]. Source: docs/max_of_k.md, section 2. *)
Local Open Scope R_scope.

Definition token_score (M : model) (C : core_tables) (q t : nat) : Z :=
  sumZ (d_head M) (fun h => at2 (query_rows C) q h * at2 (key_rows C) t h)%Z.

Definition direct_logit (M : model) (C : core_tables) (q w : nat) : Z :=
  sumZ (d_model M) (fun k => at2 (resid_rows C) q k * at2 (W_U_direct_rows C) k w)%Z.

Definition proposal (M : model) (C : core_tables) (q t i w : nat) : Z :=
  (direct_logit M C q w + at2 (logit_rows C) t w + at2 (logit_pos_rows C) i w)%Z.

Definition last_token (M : model) (x : list nat) : nat := nth (last_position M) x O.

Section Core.
  Context (M : model).
  Let T := core_of M.
  Context (tests : first_failure (core_tests M T) = None).

  Local Ltac passed why := refine (first_failure_none _ tests _ why _); cbv [core_tests In]; tauto.

  Local Notation a := (resid_bits M).
  Local Notation d := (d_vocab M).

  Lemma context_pos : (0 < n_ctx M)%nat.
  Proof. apply Nat.ltb_lt. passed Empty_context. Qed.

  Local Lemma shape_E : has_shape d (d_model M) (ints (W_E M)) = true.
  Proof. passed (Wrong_shape Tensor_W_E). Qed.
  Local Lemma shape_pos : has_shape (n_ctx M) (d_model M) (ints (W_pos M)) = true.
  Proof. passed (Wrong_shape Tensor_W_pos). Qed.
  Local Lemma shape_Q : has_shape (d_model M) (d_head M) (ints (W_Q M)) = true.
  Proof. passed (Wrong_shape Tensor_W_Q). Qed.
  Local Lemma shape_K : has_shape (d_model M) (d_head M) (ints (W_K M)) = true.
  Proof. passed (Wrong_shape Tensor_W_K). Qed.
  Local Lemma shape_V : has_shape (d_model M) (d_head M) (ints (W_V M)) = true.
  Proof. passed (Wrong_shape Tensor_W_V). Qed.
  Local Lemma shape_O : has_shape (d_head M) (d_model M) (ints (W_O M)) = true.
  Proof. passed (Wrong_shape Tensor_W_O). Qed.
  Lemma shape_U : has_shape (d_model M) d (ints (W_U M)) = true.
  Proof. passed (Wrong_shape Tensor_W_U). Qed.

  Lemma shape_embed : has_shape d (d_model M) (embed_rows T) = true.
  Proof. apply of_rows_shape, shape_E. Qed.
  Lemma shape_pos_rows : has_shape (n_ctx M) (d_model M) (pos_rows T) = true.
  Proof. apply of_rows_shape, shape_pos. Qed.
  Lemma shape_resid : has_shape d (d_model M) (resid_rows T) = true.
  Proof.
    apply add_row_shape; [|exact shape_embed].
    apply (has_shape_row _ _ _ _ _ shape_pos_rows). assert (some := context_pos). lia.
  Qed.
  Lemma shape_queries : has_shape d (d_head M) (query_rows T) = true.
  Proof. apply (mul_shape _ _ _ _ _ shape_resid). apply of_rows_shape, shape_Q. Qed.
  Lemma shape_keys : has_shape d (d_head M) (key_rows T) = true.
  Proof. apply (mul_shape _ _ _ _ _ shape_embed). apply of_rows_shape, shape_K. Qed.
  Local Lemma shape_keys_pos : has_shape (n_ctx M) (d_head M) (key_pos_rows T) = true.
  Proof. apply (mul_shape _ _ _ _ _ shape_pos_rows). apply of_rows_shape, shape_K. Qed.
  Local Lemma shape_values : has_shape d (d_head M) (value_rows T) = true.
  Proof. apply (mul_shape _ _ _ _ _ shape_embed). apply of_rows_shape, shape_V. Qed.
  Local Lemma shape_values_pos : has_shape (n_ctx M) (d_head M) (value_pos_rows T) = true.
  Proof. apply (mul_shape _ _ _ _ _ shape_pos_rows). apply of_rows_shape, shape_V. Qed.
  Local Lemma shape_outs : has_shape d (d_model M) (out_rows T) = true.
  Proof. apply (mul_shape _ _ _ _ _ shape_values). apply of_rows_shape, shape_O. Qed.
  Local Lemma shape_outs_pos : has_shape (n_ctx M) (d_model M) (out_pos_rows T) = true.
  Proof. apply (mul_shape _ _ _ _ _ shape_values_pos). apply of_rows_shape, shape_O. Qed.

  Lemma shape_scores_pos : has_shape d (n_ctx M) (score_pos_rows T) = true.
  Proof. exact (mul_transposed_shape _ _ _ _ _ _ shape_queries shape_keys_pos). Qed.
  Lemma shape_logits : has_shape d d (logit_rows T) = true.
  Proof. apply (mul_shape _ _ _ _ _ shape_outs). apply of_rows_shape, shape_U. Qed.
  Lemma shape_logits_pos : has_shape (n_ctx M) d (logit_pos_rows T) = true.
  Proof. apply (mul_shape _ _ _ _ _ shape_outs_pos). apply of_rows_shape, shape_U. Qed.

  (** ** Ranges *)

  Lemma score_pos_bound : forall q i : nat, (Z.abs (at2 (score_pos_rows T) q i) <= 2 ^ 60)%Z.
  Proof.
    intros q i. etransitivity; [apply max_abs_bound|]. apply Z.leb_le.
    change (small (score_pos_rows T) = true). passed (May_overflow Position_scores).
  Qed.

  Lemma shift_bound : (score_shift M <= 61)%nat.
  Proof. apply Nat.leb_le. passed (May_overflow Score_precision). Qed.

  Lemma inputs_bound : fst (inputs_test M) = true -> (Z.of_nat d ^ Z.of_nat (n_ctx M) < 2 ^ 62)%Z.
  Proof.
    intro test. cbn [inputs_test fst] in test.
    destruct (Nat.ltb_spec 62 (n_ctx M)); [|apply Z.ltb_lt, test].
    apply Nat.leb_le in test. apply Z.le_lt_trans with (1 ^ Z.of_nat (n_ctx M))%Z; [apply Z.pow_le_mono_l; lia|].
    rewrite Z.pow_1_l by lia. lia.
  Qed.

  Lemma context_bound : (Z.of_nat (n_ctx M) <= 2 ^ 20)%Z.
  Proof.
    apply Z.leb_le. refine (first_failure_none _ tests _ (May_overflow Number_of_inputs) _).
    cbv [core_tests In]. tauto.
  Qed.

  (** ** Tables as real numbers *)

  Local Lemma embed_real : forall t k : nat, (t < d)%nat -> (k < d_model M)%nat ->
    real2 (embed_rows T) a t k = entry (W_E M) t k.
  Proof.
    intros t k token inside. replace a with (scale_bits (W_E M) + (a - scale_bits (W_E M)))%nat at 1
      by (unfold resid_bits; lia).
    apply (real2_of_rows d (d_model M)); try assumption; [exact shape_E | passed (May_overflow Range_W_E)].
  Qed.

  Local Lemma pos_real : forall i k : nat, (i < n_ctx M)%nat -> (k < d_model M)%nat ->
    real2 (pos_rows T) a i k = entry (W_pos M) i k.
  Proof.
    intros i k position inside. replace a with (scale_bits (W_pos M) + (a - scale_bits (W_pos M)))%nat at 1
      by (unfold resid_bits; lia).
    apply (real2_of_rows (n_ctx M) (d_model M)); try assumption; [exact shape_pos | passed (May_overflow Range_W_pos)].
  Qed.

  Local Lemma resid_real : forall q k : nat, (q < d)%nat -> (k < d_model M)%nat ->
    real2 (resid_rows T) a q k = entry (W_E M) q k + entry (W_pos M) (last_position M) k.
  Proof.
    intros q k token inside. assert (some := context_pos).
    assert (last : (last_position M < n_ctx M)%nat) by (unfold last_position; lia).
    rewrite <- embed_real, <- pos_real by assumption. unfold real2 at 1.
    change (resid_rows T) with (add_row (nth (last_position M) (pos_rows T) []) (embed_rows T)).
    rewrite (add_row_exact d (n_ctx M) (d_model M)); try assumption.
    - rewrite plus_IZR. unfold real2. field. apply pow2_neq.
    - exact shape_embed.
    - exact shape_pos_rows.
    - passed (May_overflow Residual).
  Qed.

  Local Lemma query_real : forall q h : nat, (q < d)%nat -> (h < d_head M)%nat ->
    real2 (query_rows T) (a + (scale_bits (W_Q M) + score_lift M)) q h =
    sum (d_model M) (fun k => (entry (W_E M) q k + entry (W_pos M) (last_position M) k) * entry (W_Q M) k h).
  Proof.
    intros q h token inside. apply (real2_mul d (d_model M)); try assumption.
    - exact shape_resid.
    - apply of_rows_shape, shape_Q.
    - passed (May_overflow Queries).
    - intros k below. apply resid_real; assumption.
    - intros k below. apply (real2_of_rows (d_model M) (d_head M)); try assumption;
        [exact shape_Q | passed (May_overflow Range_W_Q)].
  Qed.

  Local Lemma key_real : forall t h : nat, (t < d)%nat -> (h < d_head M)%nat ->
    real2 (key_rows T) (a + scale_bits (W_K M)) t h =
    sum (d_model M) (fun k => entry (W_E M) t k * entry (W_K M) k h).
  Proof.
    intros t h row column. apply (real2_mul_plain d (d_model M) (d_head M)); try assumption.
    - exact shape_embed.
    - exact shape_K.
    - passed (May_overflow Range_W_K).
    - passed (May_overflow Keys).
    - intros k below. apply embed_real; assumption.
  Qed.

  Local Lemma key_pos_real : forall i h : nat, (i < (n_ctx M))%nat -> (h < d_head M)%nat ->
    real2 (key_pos_rows T) (a + scale_bits (W_K M)) i h =
    sum (d_model M) (fun k => entry (W_pos M) i k * entry (W_K M) k h).
  Proof.
    intros i h row column. apply (real2_mul_plain (n_ctx M) (d_model M) (d_head M)); try assumption.
    - exact shape_pos_rows.
    - exact shape_K.
    - passed (May_overflow Range_W_K).
    - passed (May_overflow Position_keys).
    - intros k below. apply pos_real; assumption.
  Qed.

  Local Lemma value_real : forall t h : nat, (t < d)%nat -> (h < d_head M)%nat ->
    real2 (value_rows T) (a + scale_bits (W_V M)) t h =
    sum (d_model M) (fun k => entry (W_E M) t k * entry (W_V M) k h).
  Proof.
    intros t h row column. apply (real2_mul_plain d (d_model M) (d_head M)); try assumption.
    - exact shape_embed.
    - exact shape_V.
    - passed (May_overflow Range_W_V).
    - passed (May_overflow Values).
    - intros k below. apply embed_real; assumption.
  Qed.

  Local Lemma value_pos_real : forall i h : nat, (i < (n_ctx M))%nat -> (h < d_head M)%nat ->
    real2 (value_pos_rows T) (a + scale_bits (W_V M)) i h =
    sum (d_model M) (fun k => entry (W_pos M) i k * entry (W_V M) k h).
  Proof.
    intros i h row column. apply (real2_mul_plain (n_ctx M) (d_model M) (d_head M)); try assumption.
    - exact shape_pos_rows.
    - exact shape_V.
    - passed (May_overflow Range_W_V).
    - passed (May_overflow Position_values).
    - intros k below. apply pos_real; assumption.
  Qed.

  (** From a row of values to logits, through W_O and W_U. *)
  Local Definition through (f : nat -> R) (w : nat) : R :=
    sum (d_model M) (fun k => sum (d_head M) (fun h => f h * entry (W_O M) h k) * entry (W_U M) k w).

  Local Lemma through_ext : forall (f g : nat -> R) (w : nat),
    (forall h, (h < d_head M)%nat -> f h = g h) -> through f w = through g w.
  Proof.
    intros f g w same. apply sum_ext. intros k _. f_equal. apply sum_ext. intros h inside.
    rewrite same by exact inside. reflexivity.
  Qed.

  Local Lemma through_plus : forall (f g : nat -> R) (w : nat),
    through (fun h => f h + g h) w = through f w + through g w.
  Proof.
    intros f g w. unfold through. rewrite <- sum_plus. apply sum_ext. intros k _.
    rewrite <- Rmult_plus_distr_r, <- sum_plus. f_equal. apply sum_ext. intros h _. ring.
  Qed.

  Local Lemma through_sum : forall (n w : nat) (c : nat -> R) (f : nat -> nat -> R),
    through (fun h => sum n (fun i => c i * f i h)) w = sum n (fun i => c i * through (f i) w).
  Proof.
    intros n w c f. unfold through.
    transitivity (sum (d_model M) (fun k => sum n (fun i =>
      c i * (sum (d_head M) (fun h => f i h * entry (W_O M) h k) * entry (W_U M) k w)))).
    - apply sum_ext. intros k _.
      transitivity (sum n (fun i => c i * sum (d_head M) (fun h => f i h * entry (W_O M) h k)) * entry (W_U M) k w).
      + f_equal. transitivity (sum (d_head M) (fun h => sum n (fun i => c i * (f i h * entry (W_O M) h k)))).
        * apply sum_ext. intros h _. rewrite <- sum_mult_r. apply sum_ext. intros i _. ring.
        * rewrite sum_swap. apply sum_ext. intros i _. rewrite <- sum_mult_l. reflexivity.
      + rewrite <- sum_mult_r. apply sum_ext. intros i _. ring.
    - rewrite sum_swap. apply sum_ext. intros i _. rewrite <- sum_mult_l. reflexivity.
  Qed.

  Local Lemma logit_bits_path :
    (a + scale_bits (W_V M) + scale_bits (W_O M) + scale_bits (W_U M))%nat = logit_bits M.
  Proof. unfold logit_bits, attention_bits. lia. Qed.

  Local Lemma logit_real : forall t w : nat, (t < d)%nat -> (w < d)%nat ->
    real2 (logit_rows T) (logit_bits M) t w =
    through (fun h => sum (d_model M) (fun k => entry (W_E M) t k * entry (W_V M) k h)) w.
  Proof.
    intros t w row column. rewrite <- logit_bits_path.
    apply (real2_mul_plain d (d_model M) d); try assumption.
    - exact shape_outs.
    - exact shape_U.
    - passed (May_overflow Range_W_U).
    - passed (May_overflow Value_logits).
    - intros k below. apply (real2_mul_plain d (d_head M) (d_model M)); try assumption.
      + exact shape_values.
      + exact shape_O.
      + passed (May_overflow Range_W_O).
      + passed (May_overflow Outputs).
      + intros h inside. apply value_real; assumption.
  Qed.

  Local Lemma logit_pos_real : forall i w : nat, (i < (n_ctx M))%nat -> (w < d)%nat ->
    real2 (logit_pos_rows T) (logit_bits M) i w =
    through (fun h => sum (d_model M) (fun k => entry (W_pos M) i k * entry (W_V M) k h)) w.
  Proof.
    intros i w row column. rewrite <- logit_bits_path.
    apply (real2_mul_plain (n_ctx M) (d_model M) d); try assumption.
    - exact shape_outs_pos.
    - exact shape_U.
    - passed (May_overflow Range_W_U).
    - passed (May_overflow Position_logits).
    - intros k below. apply (real2_mul_plain (n_ctx M) (d_head M) (d_model M)); try assumption.
      + exact shape_values_pos.
      + exact shape_O.
      + passed (May_overflow Range_W_O).
      + passed (May_overflow Position_outputs).
      + intros h inside. apply value_pos_real; assumption.
  Qed.

  Lemma shape_U_direct : has_shape (d_model M) d (W_U_direct_rows T) = true.
  Proof. apply of_rows_shape, shape_U. Qed.

  Local Lemma direct_real : forall q w : nat, (q < d)%nat -> (w < d)%nat ->
    IZR (direct_logit M T q w) / 2 ^ logit_bits M =
    sum (d_model M) (fun k => (entry (W_E M) q k + entry (W_pos M) (last_position M) k) * entry (W_U M) k w).
  Proof.
    intros q w token inside. apply real2_sumZ.
    - intros k below. apply resid_real; assumption.
    - intros k below. apply (real2_of_rows (d_model M) d); try assumption; [exact shape_U|].
      refine (first_failure_none _ tests _ (May_overflow Direct_logits) _). cbv [core_tests In]. tauto.
  Qed.

  (** ** Scores and logits of a sequence *)

  Section Sequence.
    Context (x : list nat) (length_x : length x = n_ctx M) (tokens : Forall (fun token => (token < d)%nat) x).
    Let q := last_token M x.

    Lemma token_below : forall i : nat, (i < n_ctx M)%nat -> (nth i x O < d)%nat.
    Proof.
      intros i inside. rewrite Forall_forall in tokens. apply tokens, nth_In. rewrite length_x. exact inside.
    Qed.

    Lemma last_token_below : (q < d)%nat.
    Proof. apply token_below. assert (some := context_pos). unfold last_position. lia. Qed.

    Theorem score_of_core : forall i : nat, (i < n_ctx M)%nat ->
      score M x i =
      IZR (token_score M T q (nth i x O) + at2 (score_pos_rows T) q i) / 2 ^ (30 + score_shift M).
    Proof.
      intros i inside. assert (token := token_below i inside). assert (last := last_token_below).
      assert (bits : (30 + score_shift M)%nat =
        (a + (scale_bits (W_Q M) + score_lift M) + (a + scale_bits (W_K M)))%nat)
        by (unfold score_shift, score_lift, raw_score_bits; lia).
      assert (token_part : IZR (token_score M T q (nth i x O)) / 2 ^ (30 + score_shift M) =
        sum (d_head M) (fun h => query M x h *
          sum (d_model M) (fun k => entry (W_E M) (nth i x O) k * entry (W_K M) k h))).
      { rewrite bits. apply real2_sumZ.
        - intros h inside_h. apply query_real; assumption.
        - intros h inside_h. apply key_real; assumption. }
      assert (position_part : real2 (score_pos_rows T) (30 + score_shift M) q i =
        sum (d_head M) (fun h => query M x h *
          sum (d_model M) (fun k => entry (W_pos M) i k * entry (W_K M) k h))).
      { rewrite bits. apply (real2_mul_transposed d (d_head M) (n_ctx M)); try assumption.
        - exact shape_queries.
        - exact shape_keys_pos.
        - passed (May_overflow Position_scores).
        - intros h inside_h. apply query_real; assumption.
        - intros h inside_h. apply key_pos_real; assumption. }
      transitivity (IZR (token_score M T q (nth i x O)) / 2 ^ (30 + score_shift M) +
        real2 (score_pos_rows T) (30 + score_shift M) q i).
      - rewrite token_part, position_part.
        unfold score. rewrite <- sum_plus. apply sum_ext. intros h _. rewrite <- Rmult_plus_distr_l. f_equal.
        unfold key. rewrite <- sum_plus. apply sum_ext. intros k _. unfold residual. ring.
      - unfold real2. rewrite plus_IZR. field. apply pow2_neq.
    Qed.

    Local Lemma denominator_pos : 0 < sum (n_ctx M) (fun j => exp (score M x j)).
    Proof. apply sum_pos; [exact context_pos|]. intros k _. apply exp_pos. Qed.

    Local Lemma pattern_sum : sum (n_ctx M) (pattern M x) = 1.
    Proof.
      unfold pattern, Rdiv. rewrite sum_mult_r. apply Rinv_r. apply Rgt_not_eq, denominator_pos.
    Qed.

    Local Lemma logit_of_core : forall w : nat, (w < d)%nat ->
      logit M x w =
      sum (n_ctx M) (fun i => pattern M x i * (IZR (proposal M T q (nth i x O) i w) / 2 ^ logit_bits M)).
    Proof.
      intros w inside. assert (last := last_token_below).
      transitivity (IZR (direct_logit M T q w) / 2 ^ logit_bits M +
        sum (n_ctx M) (fun i => pattern M x i *
          (real2 (logit_rows T) (logit_bits M) (nth i x O) w + real2 (logit_pos_rows T) (logit_bits M) i w))).
      - rewrite direct_real by assumption. unfold logit.
        transitivity (sum (d_model M) (fun k => residual M x (last_position M) k * entry (W_U M) k w) +
          through (mixed_value M x) w).
        + unfold through, attention_out. rewrite <- sum_plus. apply sum_ext. intros k _. ring.
        + f_equal. unfold mixed_value. rewrite (through_sum (n_ctx M) w (pattern M x) (value M x)).
          apply sum_ext. intros i position. f_equal.
          rewrite logit_real, logit_pos_real by (try assumption; apply token_below, position).
          rewrite <- through_plus. apply through_ext. intros h _. unfold value. rewrite <- sum_plus.
          apply sum_ext. intros k _. unfold residual. ring.
      - rewrite <- (Rmult_1_l (IZR (direct_logit M T q w) / 2 ^ logit_bits M)), <- pattern_sum.
        rewrite <- sum_mult_r, <- sum_plus. apply sum_ext. intros i _.
        unfold real2, proposal. rewrite !plus_IZR. field. apply pow2_neq.
    Qed.

    (** Multiply the gap by the denominator of the softmax, and by exp (- reference). *)
    Theorem logit_lt_core_iff : forall (w m : nat) (reference : R), (w < d)%nat -> (m < d)%nat ->
      (logit M x w < logit M x m <->
       sum (n_ctx M) (fun i => exp (score M x i - reference) *
         IZR (proposal M T q (nth i x O) i w - proposal M T q (nth i x O) i m)) < 0).
    Proof.
      intros w m reference inside_w inside_m. rewrite !logit_of_core by assumption.
      set (gap := sum (n_ctx M) (fun i => exp (score M x i - reference) *
        IZR (proposal M T q (nth i x O) i w - proposal M T q (nth i x O) i m))).
      assert (total_pos := denominator_pos).
      set (factor := exp reference / (sum (n_ctx M) (fun j => exp (score M x j)) * 2 ^ logit_bits M)).
      assert (factor_pos : 0 < factor).
      { apply Rdiv_lt_0_compat; [apply exp_pos|]. apply Rmult_lt_0_compat; [exact total_pos | apply pow2_pos]. }
      assert (difference : sum (n_ctx M) (fun i => pattern M x i * (IZR (proposal M T q (nth i x O) i w) / 2 ^ logit_bits M)) -
        sum (n_ctx M) (fun i => pattern M x i * (IZR (proposal M T q (nth i x O) i m) / 2 ^ logit_bits M)) = factor * gap).
      { rewrite <- sum_minus. unfold gap. rewrite <- sum_mult_l. apply sum_ext. intros i _.
        rewrite minus_IZR. unfold factor, pattern.
        replace (exp (score M x i)) with (exp reference * exp (score M x i - reference))
          by (rewrite <- exp_plus; f_equal; ring).
        field. split; [apply pow2_neq | apply Rgt_not_eq; exact total_pos]. }
      split; intro less.
      - apply Rmult_lt_reg_l with factor; [exact factor_pos|]. rewrite Rmult_0_r, <- difference. lra.
      - assert (product : factor * gap < 0).
        { rewrite <- (Rmult_0_r factor). apply Rmult_lt_compat_l; assumption. }
        rewrite <- difference in product. lra.
    Qed.
  End Sequence.
End Core.
