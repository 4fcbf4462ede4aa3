(* CompactProofs: Cert: Strategies *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Spec.Network Cert.Outcome Cert.Products Cert.Attention Cert.Gaps Cert.Staged.
Import ListNotations.
(** * The named strategies: which choice at which stage
    | strategy                | scores   | direct logits | output gap | tokens |
    | cubic                   | exact    | exact         | joint      | every  |
    | subcubic                | exact    | exact         | split      | bands  |
    | subcubic_low_rank_qk    | low rank | exact         | split      | bands  |
    | subcubic_low_rank_eu    | exact    | low rank      | split      | bands  |
    | subcubic_low_rank       | low rank | low rank      | split      | bands  |
    | quadratic               | low rank, one direction | the same | split | at most eight bands |
    | wrong_count             | exact    | exact         | joint      | every; counts inputs answered wrongly |
    Soundness: StrategiesSound. Source: docs/max_of_k.md, section 4. *)

Definition cubic_verdict (claimed : Z) (M : model) (c : plan) : outcome :=
  right_verdict M Exact Joint (repeat 0%Z (d_model M)) Every c claimed.

Definition wrong_count_verdict (claimed : Z) (M : model) (c : plan) : outcome :=
  wrong_verdict M Exact Joint (repeat 0%Z (d_model M)) Every c claimed.

Record banded_certificate := BandedCertificate {
  moved_embedding : list Z;      (* d_model: moved from the direct path to the attention path, units of the residual stream *)
  band_exponents : list int;
  banded_plan : plan
}.

Record one_factor_certificate := OneFactorCertificate {
  only_factors : factors;
  one_factor_banded : banded_certificate
}.

Record low_rank_certificate := LowRankCertificate {
  scores_factors : factors;
  direct_factors : factors;
  low_rank_banded : banded_certificate
}.

Definition subcubic_verdict (claimed : Z) (M : model) (c : banded_certificate) : outcome :=
  right_verdict M Exact (Split Exact) (moved_embedding c) (Banded (band_exponents c)) (banded_plan c) claimed.

Definition subcubic_low_rank_qk_verdict (claimed : Z) (M : model) (c : one_factor_certificate) : outcome :=
  let b := one_factor_banded c in
  right_verdict M (Low_rank (only_factors c)) (Split Exact) (moved_embedding b) (Banded (band_exponents b))
    (banded_plan b) claimed.

Definition subcubic_low_rank_eu_verdict (claimed : Z) (M : model) (c : one_factor_certificate) : outcome :=
  let b := one_factor_banded c in
  right_verdict M Exact (Split (Low_rank (only_factors c))) (moved_embedding b) (Banded (band_exponents b))
    (banded_plan b) claimed.

Definition subcubic_low_rank_verdict (claimed : Z) (M : model) (c : low_rank_certificate) : outcome :=
  let b := low_rank_banded c in
  right_verdict M (Low_rank (scores_factors c)) (Split (Low_rank (direct_factors c))) (moved_embedding b)
    (Banded (band_exponents b)) (banded_plan b) claimed.

(** Rank at most one, at most eight bands. *)
Definition quadratic_tests (c : low_rank_certificate) : list (bool * refusal) :=
  let small (f : factors) := Nat.leb (length (peeled_right f)) 1 in
  let bands := length (band_exponents (low_rank_banded c)) in
  [ (small (scores_factors c), Wrong_factor Scores Peeled_right);
    (small (direct_factors c), Wrong_factor Direct_logits Peeled_right);
    (Nat.leb bands 8, Wrong_length Band (Z.of_nat bands) 8) ].

Definition quadratic_verdict (claimed : Z) (M : model) (c : low_rank_certificate) : outcome :=
  match first_failure (quadratic_tests c) with
  | Some why => Refused why
  | None => subcubic_low_rank_verdict claimed M c
  end.

(** ** Certificates from the flat lists of fields that a generated file defines *)

Definition Banded_certificate (moved : list Z) (bands : list int) (unit : int) (blocks bins : list int) (r : int) (near_bins : list int)
  (digits : int) : banded_certificate :=
  BandedCertificate moved bands (Plan unit blocks bins r near_bins digits).

Definition One_factor (bits : int) (peeled_left peeled_right bounded_left bounded_right : list (list Z)) (moved : list Z)
  (bands : list int) (unit : int) (blocks bins : list int) (r : int) (near_bins : list int) (digits : int) :
  one_factor_certificate :=
  OneFactorCertificate (Factors bits peeled_left peeled_right bounded_left bounded_right)
    (Banded_certificate moved bands unit blocks bins r near_bins digits).

Definition Two_factors (bits : int) (peeled_left peeled_right bounded_left bounded_right : list (list Z))
  (direct_bits : int) (direct_peeled_left direct_peeled_right direct_bounded_left direct_bounded_right : list (list Z))
  (moved : list Z) (bands : list int) (unit : int) (blocks bins : list int) (r : int) (near_bins : list int) (digits : int) :
  low_rank_certificate :=
  LowRankCertificate (Factors bits peeled_left peeled_right bounded_left bounded_right)
    (Factors direct_bits direct_peeled_left direct_peeled_right direct_bounded_left direct_bounded_right)
    (Banded_certificate moved bands unit blocks bins r near_bins digits).

(** ** Checks *)

Definition cubic_check (claimed : Z) (M : model) (c : plan) : bool := accepted (cubic_verdict claimed M c).
Definition wrong_count_check (claimed : Z) (M : model) (c : plan) : bool := accepted (wrong_count_verdict claimed M c).
Definition subcubic_check (claimed : Z) (M : model) (c : banded_certificate) : bool :=
  accepted (subcubic_verdict claimed M c).
Definition subcubic_low_rank_qk_check (claimed : Z) (M : model) (c : one_factor_certificate) : bool :=
  accepted (subcubic_low_rank_qk_verdict claimed M c).
Definition subcubic_low_rank_eu_check (claimed : Z) (M : model) (c : one_factor_certificate) : bool :=
  accepted (subcubic_low_rank_eu_verdict claimed M c).
Definition subcubic_low_rank_check (claimed : Z) (M : model) (c : low_rank_certificate) : bool :=
  accepted (subcubic_low_rank_verdict claimed M c).
Definition quadratic_check (claimed : Z) (M : model) (c : low_rank_certificate) : bool :=
  accepted (quadratic_verdict claimed M c).
