(* CompactProofs: Cert: TablesNoWrap *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Base.Sums Base.Signed63 Base.Matrix Base.RealMatrix Base.NoWrap.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound Cert.TablesSound Cert.ProductsSound.
Import ListNotations.
(** * No entry of the token tables wraps around
    Where the tests of Tables are passed, each entry of each table stands for the integer that it is meant to be. The
    definitions that end in Z are these integers: finite sums of products of the network's integers, without machine integers.
    With q the last token:
    - [scoreZ q t], [position_scoreZ q i] == scores of token t and of position i
    - [directZ q w], [logitZ t w], [position_logitZ i w] == logits of the residual stream, of token t, of position i
    - [core_no_wrap M]   == the tables that every strategy has; and that scores and logits of the specification's network, over
                            the real numbers, are made of these integers
    - [tables_no_wrap M] == these and the full tables, with the sums that are taken of their entries
    Main results: [core_tables_no_wrap], [full_tables_no_wrap]. What acceptance implies: Cert.NoWrap. *)
Local Open Scope Z_scope.

(** ** The integers *)

Section Integers.
  Context (M : model).
  Local Notation D := (d_model M).
  Local Notation H := (d_head M).

  Definition embedZ : nat -> nat -> Z := scaled (power (resid_bits M - scale_bits (W_E M))) (ints (W_E M)).
  Definition positionZ : nat -> nat -> Z := scaled (power (resid_bits M - scale_bits (W_pos M))) (ints (W_pos M)).
  Definition residualZ (q k : nat) : Z := positionZ (n_ctx M - 1) k + embedZ q k.
  Definition queryZ : nat -> nat -> Z := times D residualZ (scaled (power (score_lift M)) (ints (W_Q M))).
  Definition keyZ : nat -> nat -> Z := times D embedZ (scaled 1 (ints (W_K M))).
  Definition position_keyZ : nat -> nat -> Z := times D positionZ (scaled 1 (ints (W_K M))).
  Definition scoreZ : nat -> nat -> Z := times H queryZ (flip keyZ).
  Definition position_scoreZ : nat -> nat -> Z := times H queryZ (flip position_keyZ).
  Definition valueZ : nat -> nat -> Z := times D embedZ (scaled 1 (ints (W_V M))).
  Definition position_valueZ : nat -> nat -> Z := times D positionZ (scaled 1 (ints (W_V M))).
  Definition outZ : nat -> nat -> Z := times H valueZ (scaled 1 (ints (W_O M))).
  Definition position_outZ : nat -> nat -> Z := times H position_valueZ (scaled 1 (ints (W_O M))).
  Definition logitZ : nat -> nat -> Z := times D outZ (scaled 1 (ints (W_U M))).
  Definition position_logitZ : nat -> nat -> Z := times D position_outZ (scaled 1 (ints (W_U M))).
  Definition unembedZ : nat -> nat -> Z := scaled (power (attention_bits M)) (ints (W_U M)).
  Definition directZ : nat -> nat -> Z := times D residualZ unembedZ.

  (** Logit w that position i, holding token t, proposes. *)
  Definition outputZ (q i t w : nat) : Z := directZ q w + logitZ t w + position_logitZ i w.
End Integers.

(** ** The statements *)

Record core_no_wrap (M : model) : Prop := {
  embed_exact : table_stands (embed_rows (core_of M)) (d_vocab M) (d_model M) (embedZ M);
  pos_exact : table_stands (pos_rows (core_of M)) (n_ctx M) (d_model M) (positionZ M);
  resid_exact : table_stands (resid_rows (core_of M)) (d_vocab M) (d_model M) (residualZ M);
  W_Q_exact : table_stands (W_Q_rows (core_of M)) (d_model M) (d_head M) (scaled (power (score_lift M)) (ints (W_Q M)));
  W_K_exact : table_stands (W_K_rows (core_of M)) (d_model M) (d_head M) (scaled 1 (ints (W_K M)));
  W_V_exact : table_stands (W_V_rows (core_of M)) (d_model M) (d_head M) (scaled 1 (ints (W_V M)));
  W_O_exact : table_stands (W_O_rows (core_of M)) (d_head M) (d_model M) (scaled 1 (ints (W_O M)));
  W_U_exact : table_stands (W_U_rows (core_of M)) (d_model M) (d_vocab M) (scaled 1 (ints (W_U M)));
  W_U_direct_exact : table_stands (W_U_direct_rows (core_of M)) (d_model M) (d_vocab M) (unembedZ M);
  query_exact : table_stands (query_rows (core_of M)) (d_vocab M) (d_head M) (queryZ M);
  key_exact : table_stands (key_rows (core_of M)) (d_vocab M) (d_head M) (keyZ M);
  key_pos_exact : table_stands (key_pos_rows (core_of M)) (n_ctx M) (d_head M) (position_keyZ M);
  score_pos_exact : table_stands (score_pos_rows (core_of M)) (d_vocab M) (n_ctx M) (position_scoreZ M);
  value_exact : table_stands (value_rows (core_of M)) (d_vocab M) (d_head M) (valueZ M);
  value_pos_exact : table_stands (value_pos_rows (core_of M)) (n_ctx M) (d_head M) (position_valueZ M);
  out_exact : table_stands (out_rows (core_of M)) (d_vocab M) (d_model M) (outZ M);
  out_pos_exact : table_stands (out_pos_rows (core_of M)) (n_ctx M) (d_model M) (position_outZ M);
  logit_exact : table_stands (logit_rows (core_of M)) (d_vocab M) (d_vocab M) (logitZ M);
  logit_pos_exact : table_stands (logit_pos_rows (core_of M)) (n_ctx M) (d_vocab M) (position_logitZ M);
  scores_of_network : forall (x : list nat) (i : nat), length x = n_ctx M -> Forall (fun t => (t < d_vocab M)%nat) x ->
    (i < n_ctx M)%nat ->
    score M x i =
      (IZR (scoreZ M (last_token M x) (nth i x O) + position_scoreZ M (last_token M x) i) / 2 ^ (30 + score_shift M))%R;
  logits_of_network : forall (x : list nat) (w : nat), length x = n_ctx M -> Forall (fun t => (t < d_vocab M)%nat) x ->
    (w < d_vocab M)%nat ->
    logit M x w =
      sum (n_ctx M) (fun i => pattern M x i * (IZR (outputZ M (last_token M x) i (nth i x O) w) / 2 ^ logit_bits M))%R
}.

Record tables_no_wrap (M : model) : Prop := {
  tables_core : core_no_wrap M;
  score_exact : table_stands (score_rows (tables_of M)) (d_vocab M) (d_vocab M) (scoreZ M);
  direct_exact : table_stands (direct_rows (tables_of M)) (d_vocab M) (d_vocab M) (directZ M);
  score_sums_exact : forall q i t : nat, (q < d_vocab M)%nat -> (i < n_ctx M)%nat -> (t < d_vocab M)%nat ->
    stands_for (nth t (nth q (score_rows (tables_of M)) []) 0 + nth i (nth q (score_pos_rows (tables_of M)) []) 0)%uint63
      (scoreZ M q t + position_scoreZ M q i);
  output_rows_exact : forall q i t : nat, (q < d_vocab M)%nat -> (i < n_ctx M)%nat -> (t < d_vocab M)%nat ->
    row_stands (output_row (tables_of M) q i t) (d_vocab M) (outputZ M q i t)
}.

(** ** The core tables *)

Section Core.
  Context (M : model) (tests : first_failure (core_tests M (core_of M)) = None).

  Theorem core_tables_no_wrap : core_no_wrap M.
  Proof.
    assert (all := ProductsSound.all_pass _ tests). unfold core_tests in all. cbn [fold_right fst] in all.
    destruct all as (some & shape_E & shape_pos & shape_Q & shape_K & shape_V & shape_O & shape_U & range_E & range_pos &
      range_Q & range_K & range_V & range_O & range_U & range_direct & fits_resid & fits_query & fits_key & fits_key_pos &
      fits_score_pos & fits_value & fits_value_pos & fits_out & fits_out_pos & fits_logit & fits_logit_pos & _).
    assert (w_q := of_rows_stands _ _ _ _ shape_Q range_Q). assert (w_k := of_rows_stands _ _ _ _ shape_K range_K).
    assert (w_v := of_rows_stands _ _ _ _ shape_V range_V). assert (w_o := of_rows_stands _ _ _ _ shape_O range_O).
    assert (w_u := of_rows_stands _ _ _ _ shape_U range_U). assert (direct := of_rows_stands _ _ _ _ shape_U range_direct).
    assert (embed := of_rows_stands _ _ _ _ shape_E range_E). assert (pos := of_rows_stands _ _ _ _ shape_pos range_pos).
    assert (last_row : (n_ctx M - 1 < n_ctx M)%nat) by (apply Nat.ltb_lt in some; lia).
    assert (resid : table_stands (resid_rows (core_of M)) (d_vocab M) (d_model M) (residualZ M))
      by exact (add_row_stands _ _ _ _ _ _ _ _ embed pos fits_resid last_row).
    assert (query : table_stands (query_rows (core_of M)) (d_vocab M) (d_head M) (queryZ M))
      by exact (mul_stands _ _ _ _ _ _ _ resid fits_query w_q).
    assert (key : table_stands (key_rows (core_of M)) (d_vocab M) (d_head M) (keyZ M))
      by exact (mul_stands _ _ _ _ _ _ _ embed fits_key w_k).
    assert (key_pos := mul_stands _ _ _ _ _ _ _ pos fits_key_pos w_k).
    assert (scores_pos : table_stands (score_pos_rows (core_of M)) (d_vocab M) (n_ctx M) (position_scoreZ M))
      by exact (mul_transposed_stands _ _ _ _ _ _ _ query fits_score_pos key_pos).
    assert (value := mul_stands _ _ _ _ _ _ _ embed fits_value w_v).
    assert (value_pos := mul_stands _ _ _ _ _ _ _ pos fits_value_pos w_v).
    assert (out := mul_stands _ _ _ _ _ _ _ value fits_out w_o).
    assert (out_pos := mul_stands _ _ _ _ _ _ _ value_pos fits_out_pos w_o).
    assert (logits : table_stands (logit_rows (core_of M)) (d_vocab M) (d_vocab M) (logitZ M))
      by exact (mul_stands _ _ _ _ _ _ _ out fits_logit w_u).
    assert (logits_pos : table_stands (logit_pos_rows (core_of M)) (n_ctx M) (d_vocab M) (position_logitZ M))
      by exact (mul_stands _ _ _ _ _ _ _ out_pos fits_logit_pos w_u).
    constructor; try assumption.
    - intros x i len tokens inside. rewrite (score_of_core M tests x len tokens i inside).
      assert (last := last_token_below M tests x len tokens). assert (token := token_below M x len tokens i inside).
      rewrite (table_stands_at _ _ _ _ scores_pos) by assumption. do 3 f_equal. apply sumZ_ext. intros h below.
      rewrite (table_stands_at _ _ _ _ query), (table_stands_at _ _ _ _ key) by assumption. reflexivity.
    - intros x w len tokens inside. rewrite (CoreSound.logit_of_core M tests x len tokens w inside).
      apply sum_ext. intros i position. do 3 f_equal.
      assert (last := last_token_below M tests x len tokens). assert (token := token_below M x len tokens i position).
      unfold proposal, outputZ. rewrite (table_stands_at _ _ _ _ logits), (table_stands_at _ _ _ _ logits_pos) by assumption.
      do 2 f_equal. apply sumZ_ext. intros k below.
      rewrite (table_stands_at _ _ _ _ resid), (table_stands_at _ _ _ _ direct) by assumption. reflexivity.
  Qed.
End Core.

(** ** The full tables *)

Section Tables.
  Context (M : model) (tests : first_failure (tables_tests M (tables_of M)) = None).

  Local Ltac passed why := refine (first_failure_none _ tests _ why _); unfold tables_tests; apply in_or_app; right;
    cbv [In]; tauto.

  Theorem full_tables_no_wrap : tables_no_wrap M.
  Proof.
    assert (core := core_tables_no_wrap M (core_none M tests)).
    assert (scores : table_stands (score_rows (tables_of M)) (d_vocab M) (d_vocab M) (scoreZ M)).
    { apply mul_transposed_stands; [exact (query_exact M core) | passed (May_overflow Scores) | exact (key_exact M core)]. }
    assert (direct : table_stands (direct_rows (tables_of M)) (d_vocab M) (d_vocab M) (directZ M)).
    { apply mul_stands; [exact (resid_exact M core) | passed (May_overflow Direct_logits) | exact (W_U_direct_exact M core)]. }
    assert (positions : table_stands (score_pos_rows (tables_of M)) (d_vocab M) (n_ctx M) (position_scoreZ M))
      by exact (score_pos_exact M core).
    assert (tokens : table_stands (logit_rows (tables_of M)) (d_vocab M) (d_vocab M) (logitZ M)) by exact (logit_exact M core).
    assert (places : table_stands (logit_pos_rows (tables_of M)) (n_ctx M) (d_vocab M) (position_logitZ M))
      by exact (logit_pos_exact M core).
    constructor; [exact core | exact scores | exact direct | |].
    - intros q i t token_q position token.
      apply sum_stands; [apply scores | apply positions |]; try assumption.
      assert (bound := score_bound M tests q t). assert (bound_pos := table_score_pos_bound M tests q i).
      rewrite (table_stands_at _ _ _ _ scores) in bound by assumption.
      rewrite (table_stands_at _ _ _ _ positions) in bound_pos by assumption. lia.
    - intros q i t token_q position token.
      assert (parts : forall w, (w < d_vocab M)%nat ->
        Z.abs (directZ M q w) + Z.abs (logitZ M t w) + Z.abs (position_logitZ M i w) <= 2 ^ 60).
      { intros w inside. assert (bound := output_parts_bound M tests q t i w w w).
        rewrite (table_stands_at _ _ _ _ direct), (table_stands_at _ _ _ _ tokens), (table_stands_at _ _ _ _ places) in bound
          by assumption. exact bound. }
      assert (base := add_rows_stands _ _ _ _ _ (proj2 direct q token_q) (proj2 places i position)
        ltac:(intros w inside; specialize (parts w inside); lia)).
      destruct (add_rows_stands _ _ _ _ _ base (proj2 tokens t token)
        ltac:(intros w inside; specialize (parts w inside); lia)) as [len entries].
      split; [exact len|]. intros w inside. unfold outputZ. specialize (entries w inside).
      replace (directZ M q w + logitZ M t w + position_logitZ M i w)
        with (directZ M q w + position_logitZ M i w + logitZ M t w) by ring. exact entries.
  Qed.
End Tables.
