(* CompactProofs: Length: CountingCounted *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith.
From CompactProofs Require Import Base.Signed63 Cert.Terms Cert.CreditsCheck.
From CompactProofs Require Import Length.Counted Length.ArithmeticCounted.
Import ListNotations.
(** * The dynamic programme of stage "counting", counted
    Twins of Cert.CreditsCheck with their values; see Counted. How many operations they take: CountingLength. *)
Local Open Scope uint63_scope.

Fixpoint spend_counted (table : list int) (k : int) {struct table} : counted (list int) :=
  match table with
  | [] => free []
  | _ :: rest =>
      match rest with
      | [] => free table
      | _ :: _ =>
          let* done := once (k =? 0) in
          if done then free table else let* less := once (k - 1) in spend_counted rest less
      end
  end.

Fixpoint add_table_counted (width : int) (a b : list int) {struct b} : counted (list int) :=
  match b with
  | [] => free []
  | y :: b' =>
      match a with
      | [] => free []
      | x :: a' =>
          let* z := several 2 (width * x + y) in
          let* rest := add_table_counted width (match a' with [] => a | _ :: _ => a' end) b' in
          free (z :: rest)
      end
  end.

Fixpoint spread_counted (widths credits : list int) (table zeros : list int) : counted (list int) :=
  match widths, credits with
  | width :: widths', k :: credits' =>
      let* spent := spend_counted table k in
      let* others := spread_counted widths' credits' table zeros in
      add_table_counted width spent others
  | _, _ => free zeros
  end.

Definition lighten_counted (digits : int) (table : list int) : counted (list int) :=
  let* exact := once (digits =? 0) in if exact then free table else map_counted (fun x => once (x >> digits)) table.

Fixpoint tables_of_choices_counted (digits : int) (widths : list int) (columns : list (list int)) (base zeros : list int) :
  counted (list int * list int) :=
  match columns with
  | [] => free (base, zeros)
  | column :: rest =>
      let* both := tables_of_choices_counted digits widths rest base zeros in
      match widths, column with
      | _ :: widths', k :: credits =>
          let* at_m := spend_counted (fst both) k in
          let* spread_every := spread_counted widths' credits (fst both) zeros in
          let* every := add_table_counted 1 at_m spread_every in
          let* light_every := lighten_counted digits every in
          let* spread_new := spread_counted widths' credits (snd both) zeros in
          let* new := add_table_counted 1 at_m spread_new in
          let* light_new := lighten_counted digits new in
          free (light_every, light_new)
      | _, _ => free (zeros, zeros)
      end
  end.

Fixpoint look_up_counted (widths credits : list int) (table : list int) : counted int :=
  match widths, credits with
  | width :: widths', k :: credits' =>
      let* spent := spend_counted table k in
      let* rest := look_up_counted widths' credits' table in
      several 2 (width * first spent + rest)
  | _, _ => free 0
  end.

Definition entry_of_choices_counted (digits : int) (widths : list int) (columns : list (list int)) (base zeros : list int)
  (seen : bool) : counted int :=
  match columns with
  | [] => free (if seen then first base else 0)
  | column :: rest =>
      let* both := tables_of_choices_counted digits widths rest base zeros in
      match widths, column with
      | _ :: widths', k :: credits =>
          let* spent := spend_counted (fst both) k in
          let* others := look_up_counted widths' credits (if seen then fst both else snd both) in
          several 2 ((first spent + others) >> digits)
      | _, _ => free 0
      end
  end.

Definition one_choice_counted (digits : int) : counted int :=
  let* exact := once (digits =? 0) in free (if exact then 1 else 1125899906842624).

Definition row_largest_counted (row : list int) : counted int :=
  match row with [] => free 0 | x :: rest => fold_left_counted smax_counted rest x end.

Definition signed_sum_counted (row : list int) : counted Z :=
  fold_right_counted (fun x rest => let* s := signed_counted x in once (s + rest)%Z) 0%Z row.

Definition choices_counted (digits : int) (positions : nat) (x : int) : counted Z :=
  let* exact := once (digits =? 0) in
  if exact then once (to_Z x) else several 8 (to_Z x * 2 ^ (to_Z digits * Z.of_nat positions) / 2 ^ 50)%Z.

Definition scale_of_counted (resolution need : Z) : counted Z := several 5 (Z.min (2 ^ 30) (resolution * 2 ^ 30 / need)).

(** Entries of each column less a number of that column, or the other way round. *)
Definition less_counted (columns : list (list int)) (numbers : list int) : counted (list (list int)) :=
  zip_counted (fun column b => map_counted (fun h => once (h - b)) column) columns numbers.

Definition from_counted (columns : list (list int)) (numbers : list int) : counted (list (list int)) :=
  zip_counted (fun column top => map_counted (fun h => once (top - h)) column) columns numbers.

Definition count_choices_counted (digits : int) (strictness : Z) (resolution : int) (widths : list int) (base : nat)
  (columns : list (list int)) (last : int) (seen : bool) (every : Z) : counted Z :=
  let bases := map (fun column => nth base column 0) columns in
  let* last_cost := signed_counted last in
  let* base_costs := signed_sum_counted bases in
  let* fixed := once (last_cost + base_costs)%Z in
  let* lifted := less_counted columns bases in
  let* lifted_tops := map_counted row_largest_counted lifted in
  let* lifted_sum := signed_sum_counted lifted_tops in
  let* need := several 2 (lifted_sum + fixed + strictness)%Z in
  let* all_pass := once (need <=? 0)%Z in
  if all_pass then free every
  else
    let* wanted := once (to_Z resolution) in
    let* scale := scale_of_counted wanted need in
    let* none_pass := once (scale <=? 0)%Z in
    if none_pass then free 0%Z
    else
      let* factor := once (of_Z scale) in
      let* scaled := map_counted (map_counted (fun h => scale_up_counted h factor)) lifted in
      let* tops := map_counted row_largest_counted scaled in
      let* top_sum := signed_sum_counted tops in
      let* needed := several 6 (top_sum - (- (scale * fixed) / 2 ^ 30) + strictness)%Z in
      let* all_pass' := once (needed <=? 0)%Z in
      if all_pass' then free every
      else
        let* too_long := once (most_bins <? needed)%Z in
        if too_long then free 0%Z
        else
          let* credits := from_counted scaled tops in
          let* longest := once (Z.to_nat needed) in
          let* longest' := once (Z.to_nat needed) in
          let* choice := one_choice_counted digits in
          let zeros := repeat 0 (S longest) in
          let start := repeat 0 longest' ++ [choice] in
          let* entry := entry_of_choices_counted digits widths credits start zeros seen in
          choices_counted digits (length columns) entry.

(** ** Values *)

Lemma spend_value : forall (table : list int) (k : int), returned (spend_counted table k) = spend table k.
Proof.
  induction table as [|x rest IH]; intro k; [reflexivity|]. cbn [spend_counted spend].
  destruct rest as [|y rest]; [reflexivity|]. rewrite value_bind. cbn [once returned].
  destruct (k =? 0); [reflexivity|]. rewrite value_bind. apply IH.
Qed.

Lemma add_table_value : forall (width : int) (b a : list int), returned (add_table_counted width a b) = add_table width a b.
Proof.
  intro width. induction b as [|y b IH]; intros [|x a]; try reflexivity. cbn [add_table_counted add_table].
  rewrite !value_bind, IH. reflexivity.
Qed.

Lemma spread_value : forall (table zeros widths credits : list int),
  returned (spread_counted widths credits table zeros) = spread widths credits table zeros.
Proof.
  intros table zeros. induction widths as [|width widths IH]; intros [|k credits]; try reflexivity.
  cbn [spread_counted spread]. rewrite !value_bind, add_table_value, spend_value, IH. reflexivity.
Qed.

Lemma lighten_value : forall (digits : int) (table : list int), returned (lighten_counted digits table) = lighten digits table.
Proof. intros digits table. unfold lighten_counted, lighten. values; reflexivity. Qed.

#[export] Hint Rewrite spend_value add_table_value spread_value lighten_value : values.

Lemma tables_of_choices_value : forall (digits : int) (widths base zeros : list int) (columns : list (list int)),
  returned (tables_of_choices_counted digits widths columns base zeros) = tables_of_choices digits widths columns base zeros.
Proof.
  intros digits widths base zeros. induction columns as [|column rest IH]; [reflexivity|].
  cbn [tables_of_choices_counted tables_of_choices]. rewrite value_bind, IH.
  destruct (tables_of_choices digits widths rest base zeros) as [every new].
  destruct widths as [|width widths], column as [|k credits]; try reflexivity. values. reflexivity.
Qed.

Lemma look_up_value : forall (table widths credits : list int),
  returned (look_up_counted widths credits table) = look_up widths credits table.
Proof.
  intro table. induction widths as [|width widths IH]; intros [|k credits]; try reflexivity.
  cbn [look_up_counted look_up]. rewrite !value_bind, spend_value, IH. reflexivity.
Qed.

#[export] Hint Rewrite tables_of_choices_value look_up_value : values.

Lemma entry_of_choices_value : forall (digits : int) (widths : list int) (columns : list (list int)) (base zeros : list int)
  (seen : bool), returned (entry_of_choices_counted digits widths columns base zeros seen) =
                 entry_of_choices digits widths columns base zeros seen.
Proof.
  intros digits widths [|column rest] base zeros seen; [reflexivity|].
  unfold entry_of_choices_counted, entry_of_choices. rewrite value_bind, tables_of_choices_value.
  destruct (tables_of_choices digits widths rest base zeros) as [every new].
  destruct widths as [|width widths], column as [|k credits]; try reflexivity. values. reflexivity.
Qed.

Lemma one_choice_value : forall digits : int, returned (one_choice_counted digits) = one_choice digits.
Proof. reflexivity. Qed.

Lemma row_largest_value : forall row : list int, returned (row_largest_counted row) = row_largest row.
Proof. intros [|x rest]; [reflexivity|]. unfold row_largest_counted, row_largest. values. reflexivity. Qed.

Lemma signed_sum_value : forall row : list int, returned (signed_sum_counted row) = signed_sum row.
Proof. intro row. unfold signed_sum_counted, signed_sum. values. reflexivity. Qed.

Lemma choices_value : forall (digits : int) (positions : nat) (x : int),
  returned (choices_counted digits positions x) = choices digits positions x.
Proof. intros digits positions x. unfold choices_counted, choices. values; reflexivity. Qed.

Lemma scale_of_value : forall resolution need : Z, returned (scale_of_counted resolution need) = scale_of resolution need.
Proof. reflexivity. Qed.

Lemma less_value : forall (columns : list (list int)) (numbers : list int),
  returned (less_counted columns numbers) = zip_with (fun column b => map (fun h => h - b) column) columns numbers.
Proof. intros columns numbers. unfold less_counted. values. reflexivity. Qed.

Lemma from_value : forall (columns : list (list int)) (numbers : list int),
  returned (from_counted columns numbers) = zip_with (fun column top => map (fun h => top - h) column) columns numbers.
Proof. intros columns numbers. unfold from_counted. values. reflexivity. Qed.

#[export] Hint Rewrite entry_of_choices_value one_choice_value row_largest_value signed_sum_value choices_value scale_of_value
  less_value from_value : values.

Lemma count_choices_value : forall (digits : int) (strictness : Z) (resolution : int) (widths : list int) (base : nat)
  (columns : list (list int)) (last : int) (seen : bool) (every : Z),
  returned (count_choices_counted digits strictness resolution widths base columns last seen every) =
  count_choices digits strictness resolution widths base columns last seen every.
Proof.
  intros. unfold count_choices_counted, count_choices, count_by. cbv zeta. values; reflexivity.
Qed.

#[export] Hint Rewrite count_choices_value : values.
