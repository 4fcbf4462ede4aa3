(* CompactProofs: Cert: Outcome *)
(* MIT licence. *)
From Coq Require Import ZArith List.
Import ListNotations.
(** * What a checker answers
    Every checker computes an [outcome]; its boolean [check] is true exactly when the outcome is [Accepted]. A refusal says
    what failed first, with the numbers.
    - [first_failure tests] == the refusal of the first test that is false *)

Inductive tensor := Tensor_W_E | Tensor_W_pos | Tensor_W_Q | Tensor_W_K | Tensor_W_V | Tensor_W_O | Tensor_W_U
  | Tensor_W_E_b | Tensor_W_in | Tensor_b_in | Tensor_W_out | Tensor_b_out.

Inductive stage :=
  | Range_W_E | Range_W_pos | Range_W_Q | Range_W_K | Range_W_V | Range_W_O | Range_W_U
  | Residual | Queries | Keys | Position_keys | Scores | Position_scores
  | Direct_logits | Values | Position_values | Outputs | Position_outputs | Value_logits | Position_logits
  | Logit_sum | Score_precision | Gap_shift | Number_of_inputs | Moved | Band
  | Range_W_E_b | Range_W_in | Range_b_in | Range_W_out | Range_b_out
  | Embedded | Attention | Skip_path | Before_activation | Unembedding | Direct_path | Bias | Hidden | Logits
  | Centred | Moments | Margins | Residuals | Distribution.

(** The matrices of a low-rank certificate (Products). *)
Inductive factor := Peeled_left | Peeled_right | Bounded_left | Bounded_right.

(** The tables of a network for modular arithmetic (Modular.Form) and of its certificates. *)
Inductive table := Left | Right | Outputs_of_classes | First_direct | Second_direct
  | Basis | Coordinates | Centre | Groups | Distances | Phases | Amplitudes | Angles | Cosines | Sines.

Inductive refusal :=
  | Empty_context
  | Wrong_shape (which : tensor)
  | May_overflow (where_ : stage)
  | Wrong_number_of_queries (got wanted : Z)
  | Query_short (query proved claimed : Z)
  | Wrong_factor (of_product : stage) (which : factor)
  | Wrong_length (of_what : stage) (got wanted : Z)
  | Bands_short (covered wanted : Z)
  | Wrong_weights (position : Z)
  | Total_short (total claimed : Z)
  | Total_differs (right wrong inputs claimed : Z)
  | Wrong_order (p : Z)
  | Wrong_activation
  | Wrong_table (which : table)
  | Wrong_scale (got : Z)
  | Wrong_frequency (got : Z)
  | Not_correlated.

Inductive outcome := Accepted | Refused (why : refusal).

Definition outcome_of (failure : option refusal) : outcome :=
  match failure with None => Accepted | Some why => Refused why end.

Definition accepted (o : outcome) : bool := match o with Accepted => true | Refused _ => false end.

(** The claims add up to the number of the theorem. *)
Definition total_reaches (claimed total : Z) : bool * refusal := ((claimed <=? total)%Z, Total_short total claimed).

Fixpoint first_failure (tests : list (bool * refusal)) : option refusal :=
  match tests with
  | [] => None
  | (passed, why) :: rest => if passed then first_failure rest else Some why
  end.

Lemma first_failure_none : forall tests : list (bool * refusal),
  first_failure tests = None -> forall (test : bool) (why : refusal), In (test, why) tests -> test = true.
Proof.
  induction tests as [|[passed why] tests IH]; intros none test reason inside; [contradiction|].
  cbn [first_failure] in none. destruct passed; [|discriminate none].
  destruct inside as [same|inside]; [injection same as <- <-; reflexivity | exact (IH none _ _ inside)].
Qed.

Lemma first_failure_app : forall first second : list (bool * refusal),
  first_failure (first ++ second) = None -> first_failure first = None.
Proof.
  induction first as [|[passed why] first IH]; intros second none; [reflexivity|].
  cbn [app first_failure] in *. destruct passed; [exact (IH second none) | discriminate none].
Qed.
