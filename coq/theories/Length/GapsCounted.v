(* CompactProofs: Length: GapsCounted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Spec.Network Base.Signed63 Base.Matrix Cert.Outcome Cert.Tables Cert.Terms Cert.Bands.
From CompactProofs Require Import Cert.Products Cert.Outputs Cert.Attention Cert.Gaps.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted Length.MatrixCounted Length.ProductsCounted.
Import ListNotations.
(** * Bands and output gaps, counted
    Twins of Cert.Bands, Cert.Outputs and Cert.Gaps with their values; see Counted. How many operations they take:
    BandsLength, GapsLength. *)
Local Open Scope uint63_scope.

(** ** Bands *)

Definition exponent_of_counted (k : int) : counted nat :=
  let* small := once (Uint63.leb k 12) in if small then several 2 (Z.to_nat (to_Z k)) else free O.

Definition sizes_of_counted (d : nat) (tokens : tokens_choice) : counted (list nat) :=
  match tokens with
  | Every => free (repeat 1%nat d)
  | Banded exponents => map_counted (fun k => let* e := exponent_of_counted k in once (size e)) exponents
  end.

Fixpoint cut_counted (sizes : list nat) (long : nat) : counted (list nat) :=
  match sizes with
  | [] => free []
  | s :: rest =>
      match long with
      | O => free []
      | S _ =>
          let* width := once (Nat.min s long) in
          let* remaining := once (long - s)%nat in
          let* widths := cut_counted rest remaining in
          free (width :: widths)
      end
  end.

Section Hulls.
  Context {A : Type} (join : A -> A -> counted A) (nothing : A).

  Fixpoint hulls_counted (sizes : list nat) (l : list A) : counted (list A) :=
    match sizes with
    | [] => free []
    | s :: rest =>
        match l with
        | [] => free []
        | x :: later =>
            let* others := once (s - 1)%nat in
            let* hull := fold_left_counted join (firstn others later) x in
            let* hulls := hulls_counted rest (skipn s l) in
            free (hull :: hulls)
        end
    end.

  Definition double_counted (step : nat) (layer : list A) : counted (list A) :=
    let* joined := zip_counted join (skipn step layer) layer in free (firstn step layer ++ joined).

  Fixpoint layers_counted (count step : nat) (layer : list A) : counted (list (list A)) :=
    match count with
    | O => free [layer]
    | S count' =>
        let* twice := once (step + step)%nat in
        let* next := double_counted step layer in
        let* rest := layers_counted count' twice next in
        free (layer :: rest)
    end.

  Definition from_offset_counted (offset start count : nat) (layer : list A) : counted (list A) :=
    several 2 (firstn count (repeat nothing (offset - start) ++ skipn (start - offset) layer)).

  Fixpoint columns_of_counted (offset start count : nat) (exponents : list nat) (all : list (list A)) :
    counted (list (list A)) :=
    match exponents with
    | [] => free []
    | k :: rest =>
        let* column := from_offset_counted offset start count (nth k all []) in
        let* offset' := several 2 (offset + size k)%nat in
        let* columns := columns_of_counted offset' start count rest all in
        free (column :: columns)
    end.

  Definition band_rows_counted (exponents : list nat) (start count : nat) (row : list A) : counted (list (list A)) :=
    let* most := fold_right_counted (fun k largest => once (Nat.max k largest)) O exponents in
    let* all := layers_counted most 1 row in
    let* columns := columns_of_counted 0 start count exponents all in
    free (by_row nothing count columns).
End Hulls.

(** ** Outputs *)

Fixpoint largest_before_counted (start : int) (row : list int) : counted (list int) :=
  match row with
  | [] => free [start]
  | x :: rest =>
      let* next := smax_counted start x in
      let* tops := largest_before_counted next rest in
      free (start :: tops)
  end.

Fixpoint largest_from_counted (low : int) (row : list int) : counted (list int) :=
  match row with
  | [] => free [low]
  | x :: rest =>
      let* tops := largest_from_counted low rest in
      match tops with
      | [] => free []
      | top :: _ => let* larger := smax_counted x top in free (larger :: tops)
      end
  end.

Definition sub_counted (x y : int) : counted int := once (x - y).

Definition row_gaps_counted (low : int) (v : rivals) (row : list int) : counted (list int) :=
  match v with
  | Rest r =>
      let* before := largest_before_counted low row in
      let* after := largest_from_counted low row in
      let* tops := zip_counted smax_counted (earlier low r before) (later low (S r) after) in
      zip_counted sub_counted tops row
  | Above k => zip_counted sub_counted (later low k row) row
  | Below k => zip_counted sub_counted (earlier low k row) row
  | Over_above k => zip_counted sub_counted row (later low k row)
  | Over_below k => zip_counted sub_counted row (earlier low k row)
  end.

(** ** Gaps *)

Definition direct_bound_counted (L : logits) : counted Z :=
  let* a := max_abs_counted (product_rows (direct L)) in once (to_Z a).

Definition penalty_bound_counted (P : product) : counted Z := let* a := max_abs_counted [penalties P] in once (to_Z a).

Definition path_bound_counted (L : logits) : counted Z :=
  let* a := max_abs_counted (position_rows L) in
  let* b := max_abs_counted (token_logits L) in
  several 3 (to_Z a + to_Z b)%Z.

Definition logits_of_counted (M : model) (T : core_tables) (moved : list Z) (choice : gap_choice) :
  counted (logits * list (bool * refusal)) :=
  let* row := factor_counted [moved] in
  let* minus := of_rows_counted (-1) [moved] in
  let* inputs := add_row_counted (nth 0 minus []) (resid_rows T) in
  let U := W_U_direct_rows T in
  let* moved_logits := mul_counted (d_vocab M) row U in
  let* D := product_of_counted Direct_logits (direct_choice choice) (d_model M) (d_vocab M) inputs U in
  let* positions := add_row_counted (nth 0 moved_logits []) (logit_pos_rows T) in
  let* tests := all_of
    [ test (has_shape_counted 1 (d_model M) [moved]) (Wrong_length Moved (Z.of_nat (length moved)) (Z.of_nat (d_model M)));
      test (factor_fits_counted [moved]) (May_overflow Moved);
      test (rows_fit_counted (-1) [moved]) (May_overflow Moved);
      test (sum_fits_counted minus (resid_rows T)) (May_overflow Moved);
      test (product_fits_counted (d_model M) row U) (May_overflow Moved);
      test (sum_fits_counted moved_logits (logit_pos_rows T)) (May_overflow Moved) ] in
  several 2 (Logits inputs (fst D) positions (logit_rows T), tests ++ snd D). (* 2: the numbers of [Wrong_length] *)

Definition gaps_tests_counted (L : logits) (g : int) : counted (list (bool * refusal)) :=
  let* bits := once (to_Z (product_bits (direct L))) in
  all_of
    [ test (let* d := direct_bound_counted L in
            let* p := penalty_bound_counted (direct L) in
            several 4 (2 * d + p <=? 2 ^ 60)%Z) (May_overflow Logit_sum);
      test (let* p := path_bound_counted L in several 3 (2 * p <=? 2 ^ 60)%Z) (May_overflow Logit_sum);
      test (let* small := several 3 (to_Z g + bits <=? 61)%Z in
            if small then
              let* d := direct_bound_counted L in
              let* p := penalty_bound_counted (direct L) in
              several 7 (2 * d + p <=? 2 ^ (29 + to_Z g + bits))%Z
            else free false) (May_overflow Gap_shift);
      test (let* small := several 2 (to_Z g <=? 61)%Z in
            if small then let* p := path_bound_counted L in several 5 (2 * p <=? 2 ^ (29 + to_Z g))%Z
            else free false) (May_overflow Gap_shift) ].

Section Cases.
  Context (n d : nat) (L : logits) (g : int) (sizes : list nat) (v : rivals).

  Definition gaps_of_counted (low : int) (row : list int) : counted (list int) :=
    let* gaps := row_gaps_counted low v row in map_counted (shift_up_counted g) gaps.

  Fixpoint band_columns_counted (m : nat) (columns : list (list int)) : counted (list (list int)) :=
    match columns with
    | [] => free []
    | column :: rest =>
        let* bands := hulls_counted smax_counted sizes (rev (firstn (S m) column)) in
        let* others := band_columns_counted (S m) rest in
        free (bands :: others)
    end.

  Definition position_table_counted (from : nat) (low : int) (base : list int) : counted (list (list int)) :=
    let* rows := map_counted (fun row => let* sum := add_rows_counted base row in gaps_of_counted low sum) (token_logits L) in
    band_columns_counted from (skipn from (by_row 0 d rows)).

  Definition position_tables_counted (from : nat) (low : int) (before : list int -> counted (list int)) :
    counted (list (list (list int))) :=
    let* answers := once (d - from)%nat in
    let* positions := once (n - 1)%nat in
    let* tables := map_counted
      (fun i => let* base := before (nth i (position_rows L) []) in position_table_counted from low base)
      (seq 0 positions) in
    free (by_row [] answers tables).

  Definition path_low_counted : counted int := let* p := path_bound_counted L in several 2 (of_Z (- p)).

  Definition direct_low_counted : counted int := let* d := direct_bound_counted L in several 2 (of_Z (- d)).

  Definition joint_low_counted : counted int :=
    let* d := direct_bound_counted L in
    let* p := path_bound_counted L in
    several 3 (of_Z (- (d + p))).

  Definition joint_final_counted (q : nat) : counted (list int) :=
    let* low := joint_low_counted in
    let* last := once (n - 1)%nat in
    let* sum := add_rows_counted (nth q (product_rows (direct L)) []) (nth last (position_rows L) []) in
    let* row := add_rows_counted sum (nth q (token_logits L) []) in
    gaps_of_counted low row.

  Definition joint_cases_counted (q : nat) : counted (list gap_case) :=
    let* low := joint_low_counted in
    let* tables := position_tables_counted q low (add_rows_counted (nth q (product_rows (direct L)) [])) in
    let* last := joint_final_counted q in
    free (zip_with (fun table last => GapCase 0 table last) tables (skipn q last)).

  Definition direct_gaps_counted (q : nat) : counted (list int) :=
    let penalty := nth q (penalties (direct L)) 0 in
    let* low := direct_low_counted in
    let* gaps := row_gaps_counted low v (nth q (product_rows (direct L)) []) in
    map_counted
      (fun x =>
        let* shift := once (g + product_bits (direct L)) in
        let* more := once (x + penalty) in
        shift_up_counted shift more) gaps.

  Definition split_final_counted (q : nat) : counted (list int) :=
    let* first := direct_gaps_counted q in
    let* low := path_low_counted in
    let* last := once (n - 1)%nat in
    let* row := add_rows_counted (nth last (position_rows L) []) (nth q (token_logits L) []) in
    let* second := gaps_of_counted low row in
    zip_counted (fun x y => once (x + y)) first second.

  Definition split_cases_counted (choice : product_choice) (all : list (list (list int))) (q : nat) : counted (list gap_case) :=
    let* last := match choice with Exact => joint_final_counted q | Low_rank _ => split_final_counted q end in
    let* gaps := direct_gaps_counted q in
    free (zip_with (fun table both => GapCase (fst both) table (snd both))
      (skipn q all) (zip_with pair (skipn q gaps) (skipn q last))).

  Definition gap_cases_counted (choice : gap_choice) : counted (nat -> counted (list gap_case)) :=
    match choice with
    | Joint => free joint_cases_counted
    | Split c =>
        let* low := path_low_counted in
        let* all := position_tables_counted 0 low free in
        free (split_cases_counted c all)
    end.
End Cases.

(** ** Values *)

Lemma exponent_of_value : forall k : int, returned (exponent_of_counted k) = exponent_of k.
Proof. intro k. unfold exponent_of_counted, exponent_of. values; reflexivity. Qed.

#[export] Hint Rewrite exponent_of_value : values.

Lemma sizes_of_value : forall (d : nat) (tokens : tokens_choice), returned (sizes_of_counted d tokens) = sizes_of d tokens.
Proof. intros d [|exponents]; [reflexivity|]. unfold sizes_of_counted, sizes_of. values. reflexivity. Qed.

Lemma cut_value : forall (sizes : list nat) (long : nat), returned (cut_counted sizes long) = cut sizes long.
Proof. induction sizes as [|s rest IH]; intros [|long]; try reflexivity. cbn. rewrite IH. reflexivity. Qed.

#[export] Hint Rewrite sizes_of_value cut_value : values.

Section HullsValues.
  Context {A : Type} (join_counted : A -> A -> counted A) (join : A -> A -> A) (nothing : A).
  Context (join_value : forall x y : A, returned (join_counted x y) = join x y).

  Lemma hulls_value : forall (sizes : list nat) (l : list A), returned (hulls_counted join_counted sizes l) =
    hulls join sizes l.
  Proof.
    induction sizes as [|s rest IH]; intros [|x later]; try reflexivity. cbn [hulls_counted hulls].
    rewrite !value_bind, IH. cbn [once free returned]. f_equal. apply value_fold_left, join_value.
  Qed.

  Lemma double_value : forall (step : nat) (layer : list A),
    returned (double_counted join_counted step layer) = double join step layer.
  Proof.
    intros step layer. unfold double_counted, double. rewrite value_bind. cbn [free returned]. f_equal.
    apply value_zip, join_value.
  Qed.

  Lemma layers_value : forall (count step : nat) (layer : list A),
    returned (layers_counted join_counted count step layer) = layers join count step layer.
  Proof.
    induction count as [|count IH]; intros step layer; [reflexivity|]. cbn [layers_counted layers].
    rewrite !value_bind, double_value, IH. reflexivity.
  Qed.

  Lemma columns_of_value : forall (exponents : list nat) (offset start count : nat) (all : list (list A)),
    returned (columns_of_counted nothing offset start count exponents all) = columns_of nothing offset start count
      exponents all.
  Proof.
    induction exponents as [|k rest IH]; intros offset start count all; [reflexivity|].
    cbn [columns_of_counted columns_of]. rewrite !value_bind, IH. reflexivity.
  Qed.

  Lemma band_rows_value : forall (exponents : list nat) (start count : nat) (row : list A),
    returned (band_rows_counted join_counted nothing exponents start count row) = band_rows join nothing exponents start
      count row.
  Proof.
    intros exponents start count row. unfold band_rows_counted, band_rows. rewrite !value_bind, columns_of_value, layers_value.
    rewrite (value_fold_right _ _ _ Nat.max) by reflexivity. reflexivity.
  Qed.
End HullsValues.

Lemma smax_hulls_value : forall (sizes : list nat) (l : list int),
  returned (hulls_counted smax_counted sizes l) = hulls smax sizes l.
Proof. apply hulls_value. exact smax_value. Qed.

Lemma largest_before_value : forall (row : list int) (start : int),
  returned (largest_before_counted start row) = largest_before start row.
Proof. induction row as [|x rest IH]; intro start; [reflexivity|]. cbn. rewrite IH. reflexivity. Qed.

Lemma largest_from_value : forall (low : int) (row : list int), returned (largest_from_counted low row) = largest_from low row.
Proof.
  intro low. induction row as [|x rest IH]; [reflexivity|]. cbn [largest_from_counted largest_from].
  rewrite value_bind, IH. destruct (largest_from low rest); reflexivity.
Qed.

#[export] Hint Rewrite smax_hulls_value largest_before_value largest_from_value : values.

Lemma row_gaps_value : forall (low : int) (v : rivals) (row : list int), returned (row_gaps_counted low v row) =
  row_gaps low v row.
Proof. intros low v row. unfold row_gaps_counted, row_gaps. destruct v; values; reflexivity. Qed.

Lemma direct_bound_value : forall L : logits, returned (direct_bound_counted L) = direct_bound L.
Proof. intro L. unfold direct_bound_counted. values. reflexivity. Qed.

Lemma penalty_bound_value : forall P : product, returned (penalty_bound_counted P) = penalty_bound P.
Proof. intro P. unfold penalty_bound_counted. values. reflexivity. Qed.

Lemma path_bound_value : forall L : logits, returned (path_bound_counted L) = path_bound L.
Proof. intro L. unfold path_bound_counted. values. reflexivity. Qed.

#[export] Hint Rewrite row_gaps_value direct_bound_value penalty_bound_value path_bound_value : values.

Lemma logits_of_value : forall (M : model) (T : core_tables) (moved : list Z) (choice : gap_choice),
  returned (logits_of_counted M T moved choice) = logits_of M T moved choice.
Proof. intros M T moved choice. unfold logits_of_counted. values. reflexivity. Qed.

Lemma gaps_tests_value : forall (L : logits) (g : int), returned (gaps_tests_counted L g) = gaps_tests L g.
Proof. intros L g. unfold gaps_tests_counted, gaps_tests. cbn [once bind returned all_of test]. values; reflexivity. Qed.

#[export] Hint Rewrite logits_of_value gaps_tests_value : values.

Section CasesValues.
  Context (n d : nat) (L : logits) (g : int) (sizes : list nat) (v : rivals).

  Lemma gaps_of_value : forall (low : int) (row : list int), returned (gaps_of_counted g v low row) = gaps_of v g low row.
  Proof. intros low row. unfold gaps_of_counted, gaps_of. values. reflexivity. Qed.

  Lemma band_columns_value : forall (columns : list (list int)) (m : nat),
    returned (band_columns_counted sizes m columns) = band_columns sizes m columns.
  Proof.
    induction columns as [|column rest IH]; intro m; [reflexivity|]. cbn [band_columns_counted band_columns].
    rewrite !value_bind, IH, smax_hulls_value. reflexivity.
  Qed.

  Lemma position_table_value : forall (from : nat) (low : int) (base : list int),
    returned (position_table_counted d L g sizes v from low base) = position_table d L g sizes v from low base.
  Proof.
    intros from low base. unfold position_table_counted, position_table. rewrite value_bind, band_columns_value.
    rewrite (value_map _ _ _ (fun row => gaps_of v g low (add_rows base row))); [reflexivity|].
    intro row. rewrite value_bind, add_rows_value. apply gaps_of_value.
  Qed.

  Lemma position_tables_value : forall (from : nat) (low : int) (before : list int -> list int)
    (before_counted : list int -> counted (list int)),
    (forall row, returned (before_counted row) = before row) ->
    returned (position_tables_counted n d L g sizes v from low before_counted) = position_tables n d L g sizes v from low
      before.
  Proof.
    intros from low before before_counted same. unfold position_tables_counted, position_tables. rewrite !value_bind.
    cbn [once free returned].
    rewrite (value_map _ _ _ (fun i => position_table d L g sizes v from low (before (nth i (position_rows L) []))));
      [reflexivity|].
    intro i. rewrite value_bind, position_table_value, same. reflexivity.
  Qed.

  Lemma joint_final_value : forall q : nat, returned (joint_final_counted n L g v q) = joint_final n L g v q.
  Proof.
    intro q. unfold joint_final_counted, joint_final, joint_low_counted, joint_low.
    rewrite !value_bind, gaps_of_value. values. reflexivity.
  Qed.

  Lemma joint_cases_value : forall q : nat, returned (joint_cases_counted n d L g sizes v q) = joint_cases n d L g sizes v q.
  Proof.
    intro q. unfold joint_cases_counted, joint_cases. rewrite !value_bind, joint_final_value.
    rewrite (position_tables_value _ _ (add_rows (nth q (product_rows (direct L)) []))) by apply add_rows_value.
    unfold joint_low_counted, joint_low. values. reflexivity.
  Qed.

  Lemma direct_gaps_value : forall q : nat, returned (direct_gaps_counted L g v q) = direct_gaps L g v q.
  Proof. intro q. unfold direct_gaps_counted, direct_gaps, direct_low_counted, direct_low. values. reflexivity. Qed.

  Lemma split_final_value : forall q : nat, returned (split_final_counted n L g v q) = split_final n L g v q.
  Proof.
    intro q. unfold split_final_counted, split_final, path_low_counted, path_low.
    rewrite !value_bind, direct_gaps_value, gaps_of_value. values. reflexivity.
  Qed.

  Lemma split_cases_value : forall (choice : product_choice) (all : list (list (list int))) (q : nat),
    returned (split_cases_counted n L g v choice all q) = split_cases n L g v choice all q.
  Proof.
    intros choice all q. unfold split_cases_counted, split_cases. rewrite !value_bind, direct_gaps_value.
    destruct choice; [rewrite joint_final_value | rewrite split_final_value]; reflexivity.
  Qed.

  (** The value is a function of q, which is counted in its turn. *)
  Lemma gap_cases_value : forall (choice : gap_choice) (q : nat),
    returned (returned (gap_cases_counted n d L g sizes v choice) q) = gap_cases n d L g sizes v choice q.
  Proof.
    intros [|c] q; [apply joint_cases_value|]. unfold gap_cases_counted, gap_cases. rewrite !value_bind.
    rewrite (position_tables_value _ _ (fun base => base)) by reflexivity. cbn [free returned]. rewrite split_cases_value.
    unfold path_low_counted, path_low. values. reflexivity.
  Qed.
End CasesValues.
