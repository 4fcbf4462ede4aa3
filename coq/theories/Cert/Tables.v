(* CompactProofs: Cert: Tables *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool.
From CompactProofs Require Import Spec.Network Base.Matrix Cert.Outcome.
Import ListNotations.
(** * The token tables of a network, as exact machine integers
    Attention scores and logits split into a part of each token and a part of each position; all are products of weights.
    With q the last token:
    - [score_rows]     == (q, t): score of token t;       units of 2^-(30 + score_shift)
    - [score_pos_rows] == (q, i): score of position i;    the same unit
    - [direct_rows]    == (q, w): logit of the residual stream, units of 2^-logit_bits
    - [logit_rows]     == (t, w): logit that attending to token t brings; the same unit
    - [logit_pos_rows] == (i, w): the same for position i
    [tables_tests] are the shape and range tests under which these are the true products: see TablesSound.
    Source: docs/max_of_k.md, sections 1 and 2. Python mirror: extract/tables.py. *)

(** What every proof needs: nothing here costs d_vocab^2, but for the logits of the attention path. *)
Record core_tables := CoreTables {
  embed_rows : list (list int);      (* d_vocab x d_model *)
  pos_rows : list (list int);        (* n_ctx x d_model *)
  resid_rows : list (list int);      (* d_vocab x d_model: token plus last position *)
  W_Q_rows : list (list int);
  W_K_rows : list (list int);
  W_V_rows : list (list int);
  W_O_rows : list (list int);
  W_U_rows : list (list int);
  W_U_direct_rows : list (list int); (* W_U in the unit of the attention path *)
  query_rows : list (list int);      (* d_vocab x d_head *)
  key_rows : list (list int);        (* d_vocab x d_head *)
  key_pos_rows : list (list int);    (* n_ctx x d_head *)
  score_pos_rows : list (list int);  (* d_vocab x n_ctx *)
  value_rows : list (list int);      (* d_vocab x d_head *)
  value_pos_rows : list (list int);  (* n_ctx x d_head *)
  out_rows : list (list int);        (* d_vocab x d_model *)
  out_pos_rows : list (list int);    (* n_ctx x d_model *)
  logit_rows : list (list int);      (* d_vocab x d_vocab *)
  logit_pos_rows : list (list int)   (* n_ctx x d_vocab *)
}.

(** The two products that a proof of low rank does without. *)
Record tables := Tables {
  core :> core_tables;
  score_rows : list (list int);      (* d_vocab x d_vocab *)
  direct_rows : list (list int)      (* d_vocab x d_vocab *)
}.

(** The logits that do not depend on the token at position i, and with token t there. *)
Definition base_row (T : tables) (q i : nat) : list int :=
  add_rows (nth q (direct_rows T) []) (nth i (logit_pos_rows T) []).

Definition output_row (T : tables) (q i t : nat) : list int :=
  add_rows (base_row T q i) (nth t (logit_rows T) []).

Section Scales.
  Context (M : model).

  (** Fraction bits of the residual stream: W_E and W_pos brought to one unit. *)
  Definition resid_bits : nat := Nat.max (scale_bits (W_E M)) (scale_bits (W_pos M)).

  Definition raw_score_bits : nat := resid_bits + scale_bits (W_Q M) + (resid_bits + scale_bits (W_K M)).

  (** Bits added to W_Q so that scores have at least 30. *)
  Definition score_lift : nat := 30 - raw_score_bits.

  Definition score_shift : nat := raw_score_bits + score_lift - 30.

  Definition attention_bits : nat := scale_bits (W_V M) + scale_bits (W_O M).

  Definition logit_bits : nat := resid_bits + (scale_bits (W_U M) + attention_bits).
End Scales.

Definition core_of (M : model) : core_tables :=
  let embed := of_rows (power (resid_bits M - scale_bits (W_E M))) (ints (W_E M)) in
  let pos := of_rows (power (resid_bits M - scale_bits (W_pos M))) (ints (W_pos M)) in
  let resid := add_row (nth (n_ctx M - 1) pos []) embed in
  let w_q := of_rows (power (score_lift M)) (ints (W_Q M)) in
  let w_k := of_rows (power 0) (ints (W_K M)) in
  let w_v := of_rows (power 0) (ints (W_V M)) in
  let w_o := of_rows (power 0) (ints (W_O M)) in
  let w_u := of_rows (power 0) (ints (W_U M)) in
  let w_u_direct := of_rows (power (attention_bits M)) (ints (W_U M)) in
  let queries := mul (d_head M) resid w_q in
  let keys := mul (d_head M) embed w_k in
  let keys_pos := mul (d_head M) pos w_k in
  let values := mul (d_head M) embed w_v in
  let values_pos := mul (d_head M) pos w_v in
  let outs := mul (d_model M) values w_o in
  let outs_pos := mul (d_model M) values_pos w_o in
  CoreTables embed pos resid w_q w_k w_v w_o w_u w_u_direct queries keys keys_pos
    (mul_transposed queries keys_pos)
    values values_pos outs outs_pos
    (mul (d_vocab M) outs w_u) (mul (d_vocab M) outs_pos w_u).

Definition tables_of (M : model) : tables :=
  let C := core_of M in
  Tables C (mul_transposed (query_rows C) (key_rows C)) (mul (d_vocab M) (resid_rows C) (W_U_direct_rows C)).

(** Entries at most 2^60 in absolute value. *)
Definition small (A : list (list int)) : bool := (to_Z (max_abs A) <=? 2 ^ 60)%Z.

(** No logit is larger in absolute value. *)
Definition largest_output (T : tables) : Z :=
  (to_Z (max_abs (direct_rows T)) + to_Z (max_abs (logit_rows T)) + to_Z (max_abs (logit_pos_rows T)))%Z.

Definition core_tests (M : model) (T : core_tables) : list (bool * refusal) :=
  [ (0 <? n_ctx M, Empty_context);
    (has_shape (d_vocab M) (d_model M) (ints (W_E M)), Wrong_shape Tensor_W_E);
    (has_shape (n_ctx M) (d_model M) (ints (W_pos M)), Wrong_shape Tensor_W_pos);
    (has_shape (d_model M) (d_head M) (ints (W_Q M)), Wrong_shape Tensor_W_Q);
    (has_shape (d_model M) (d_head M) (ints (W_K M)), Wrong_shape Tensor_W_K);
    (has_shape (d_model M) (d_head M) (ints (W_V M)), Wrong_shape Tensor_W_V);
    (has_shape (d_head M) (d_model M) (ints (W_O M)), Wrong_shape Tensor_W_O);
    (has_shape (d_model M) (d_vocab M) (ints (W_U M)), Wrong_shape Tensor_W_U);
    (rows_fit (power (resid_bits M - scale_bits (W_E M))) (ints (W_E M)), May_overflow Range_W_E);
    (rows_fit (power (resid_bits M - scale_bits (W_pos M))) (ints (W_pos M)), May_overflow Range_W_pos);
    (rows_fit (power (score_lift M)) (ints (W_Q M)), May_overflow Range_W_Q);
    (rows_fit (power 0) (ints (W_K M)), May_overflow Range_W_K);
    (rows_fit (power 0) (ints (W_V M)), May_overflow Range_W_V);
    (rows_fit (power 0) (ints (W_O M)), May_overflow Range_W_O);
    (rows_fit (power 0) (ints (W_U M)), May_overflow Range_W_U);
    (rows_fit (power (attention_bits M)) (ints (W_U M)), May_overflow Direct_logits);
    (sum_fits (pos_rows T) (embed_rows T), May_overflow Residual);
    (product_fits (d_model M) (resid_rows T) (W_Q_rows T), May_overflow Queries);
    (product_fits (d_model M) (embed_rows T) (W_K_rows T), May_overflow Keys);
    (product_fits (d_model M) (pos_rows T) (W_K_rows T), May_overflow Position_keys);
    (product_fits (d_head M) (query_rows T) (key_pos_rows T), May_overflow Position_scores);
    (product_fits (d_model M) (embed_rows T) (W_V_rows T), May_overflow Values);
    (product_fits (d_model M) (pos_rows T) (W_V_rows T), May_overflow Position_values);
    (product_fits (d_head M) (value_rows T) (W_O_rows T), May_overflow Outputs);
    (product_fits (d_head M) (value_pos_rows T) (W_O_rows T), May_overflow Position_outputs);
    (product_fits (d_model M) (out_rows T) (W_U_rows T), May_overflow Value_logits);
    (product_fits (d_model M) (out_pos_rows T) (W_U_rows T), May_overflow Position_logits);
    (small (score_pos_rows T), May_overflow Position_scores);
    (score_shift M <=? 61, May_overflow Score_precision);
    ((Z.of_nat (n_ctx M) <=? 2 ^ 20)%Z, May_overflow Number_of_inputs) ].

Definition tables_tests (M : model) (T : tables) : list (bool * refusal) :=
  core_tests M T ++
  [ (product_fits (d_head M) (query_rows T) (key_rows T), May_overflow Scores);
    (product_fits (d_model M) (resid_rows T) (W_U_direct_rows T), May_overflow Direct_logits);
    (small (score_rows T), May_overflow Scores);
    ((largest_output T <=? 2 ^ 60)%Z, May_overflow Logit_sum) ].

(** Counts of inputs fit machine integers. *)
Definition inputs_test (M : model) : bool * refusal :=
  (if 62 <? n_ctx M then d_vocab M <=? 1 else (Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M) <? 2 ^ 62)%Z,
    May_overflow Number_of_inputs).


(** Logit gaps in units of 2^(gap_shift - logit_bits) fit 31 bits. *)
Definition gap_fits (T : tables) (gap_shift : int) : bool :=
  if (to_Z gap_shift <=? 61)%Z then (2 * largest_output T <=? 2 ^ (31 + to_Z gap_shift))%Z else false.
