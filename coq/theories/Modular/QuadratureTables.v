(* CompactProofs: Modular: QuadratureTables *)
(* MIT licence. *)
From Coq Require Import ZArith List Arith Bool Lia Uint63.
From CompactProofs Require Import Spec.Modular Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome.
From CompactProofs Require Import Modular.Form Modular.FormSound Modular.CosTable Modular.Quadrature Modular.QuadratureMath
  Modular.QuadratureRows.
Import ListNotations.
(** * What a certificate that passes the tests says of the neurons
    - [X j i], [Y j i] == the waves of neuron j: input and output
    - [input_entry], [output_entry] == their tables hold them
    - [left_out_entry], [needed_bound] == what they leave out of the tables of the form
    - [products_of_waves] == two waves make one *)
Local Open Scope Z_scope.

Definition quadrature_passed (F : form) (c : quadrature_certificate) : Prop := first_failure (quadrature_tests F c) = None.

Section Tables.
  Context (F : form) (c : quadrature_certificate) (formed : well_formed F) (passed : quadrature_passed F c).

  Local Notation p := (form_order F).
  Local Notation m := (form_width F).
  Local Notation N := (quad_unit c).
  Local Notation T := (quad_input_scale c).
  Local Notation V := (quad_output_scale c).

  Local Lemma tested : forall (test : bool) (why : refusal), In (test, why) (quadrature_tests F c) -> test = true.
  Proof. exact (first_failure_none _ passed). Qed.

  Local Lemma scale_bounds : forall low top scale : Z,
    In (scale_test low top scale) (quadrature_tests F c) -> low <= scale <= top.
  Proof.
    intros low top scale inside. apply tested, andb_prop in inside. destruct inside as [left right].
    apply Z.leb_le in left, right. split; assumption.
  Qed.

  Lemma order_odd : Nat.odd p = true.
  Proof. eapply tested. left. reflexivity. Qed.

  Lemma relu_form : form_activation F = Relu.
  Proof.
    assert (test := tested _ _ (or_intror (or_introl eq_refl))).
    destruct (form_activation F); [reflexivity | discriminate test].
  Qed.

  Lemma unit_range : 1 <= N <= 2 ^ 28.
  Proof. apply scale_bounds. do 2 right. left. reflexivity. Qed.

  Lemma input_scale_range : 1 <= T <= 2 ^ 60.
  Proof. apply scale_bounds. do 3 right. left. reflexivity. Qed.

  Lemma output_scale_range : 1 <= V <= 2 ^ 60.
  Proof. apply scale_bounds. do 4 right. left. reflexivity. Qed.

  Lemma tolerance_range : 0 <= quad_tolerance c <= 2 ^ 60.
  Proof. apply scale_bounds. do 5 right. left. reflexivity. Qed.

  Lemma shift_range : 0 <= quad_shift c <= 61.
  Proof. apply scale_bounds. do 6 right. left. reflexivity. Qed.

  Lemma cosines_in_table : in_table p N (quad_cosines c) = true.
  Proof. eapply tested. do 7 right. left. reflexivity. Qed.

  Lemma sines_in_table : in_table p N (quad_sines c) = true.
  Proof. eapply tested. do 8 right. left. reflexivity. Qed.

  Local Lemma groups_test : Nat.eqb (length (quad_groups c)) m &&
    forallb (fun g => (0 <=? g) && (g <? Z.of_nat (length (quad_frequencies c)))) (quad_groups c) = true.
  Proof. eapply tested. do 10 right. left. reflexivity. Qed.

  Local Lemma amplitudes_test :
    Nat.eqb (length (quad_input_cosines c)) m && Nat.eqb (length (quad_input_sines c)) m &&
      (Nat.eqb (length (quad_output_cosines c)) m && Nat.eqb (length (quad_output_sines c)) m) = true.
  Proof. eapply tested. do 11 right. left. reflexivity. Qed.

  Local Lemma angles_test : products_hold p N (quad_tolerance c) (quad_cosines c) (quad_cosines c) &&
    products_hold p N (quad_tolerance c) (quad_cosines c) (quad_sines c) = true.
  Proof. eapply tested. do 12 right. left. reflexivity. Qed.

  Lemma input_top_fits : input_top F c <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 13 right. left. reflexivity. Qed.

  Lemma moment_top_fits : moment_top F c <= 2 ^ 60.
  Proof. apply Z.leb_le. eapply tested. do 14 right. left. reflexivity. Qed.

  Lemma lead_top_fits : lead_top F c <= 2 ^ (60 + quad_shift c).
  Proof.
    assert (test : (if fst (scale_test 0 61 (quad_shift c)) then lead_top F c <=? 2 ^ (60 + quad_shift c) else false) = true)
      by (eapply tested; do 15 right; left; reflexivity).
    apply Z.leb_le. destruct (fst _); [exact test | discriminate test].
  Qed.

  Lemma group_inside : forall j : nat, In j (neurons F) -> (group_of c j < length (quad_frequencies c))%nat.
  Proof.
    intros j inside. apply in_seq in inside. assert (test := groups_test). apply andb_prop in test. destruct test as [len all].
    apply Nat.eqb_eq in len. rewrite forallb_forall in all. unfold group_of.
    assert (here := all (nth j (quad_groups c) 0) ltac:(apply nth_In; lia)). apply andb_prop in here.
    destruct here as [low high]. apply Z.leb_le in low. apply Z.ltb_lt in high. lia.
  Qed.

  (** ** Waves *)

  Definition cosine (i : Z) : Z := around p (quad_cosines c) i.
  Definition sine (i : Z) : Z := around p (quad_sines c) i.
  Definition frequency (g : nat) : Z := nth g (quad_frequencies c) 0.
  Definition wave_at (u v : list Z) (j : nat) (i : Z) : Z :=
    waveZ cosine sine (nth j u 0) (nth j v 0) (frequency (group_of c j)) i.
  Definition X : nat -> Z -> Z := wave_at (quad_input_cosines c) (quad_input_sines c).
  Definition Y : nat -> Z -> Z := wave_at (quad_output_cosines c) (quad_output_sines c).

  Lemma cosine_bound : forall i : Z, Z.abs (cosine i) <= N.
  Proof. intro i. assert (range := unit_range). apply around_bound; [lia | exact cosines_in_table]. Qed.

  Lemma sine_bound : forall i : Z, Z.abs (sine i) <= N.
  Proof. intro i. assert (range := unit_range). apply around_bound; [lia | exact sines_in_table]. Qed.

  Lemma wave_at_periodic : forall (u v : list Z) (j : nat) (i : Z), wave_at u v j (i mod Z.of_nat p) = wave_at u v j i.
  Proof.
    intros u v j i. unfold wave_at, waveZ, cosine, sine. f_equal; f_equal; apply around_congruent, Zmult_mod_idemp_r.
  Qed.

  Lemma wave_at_same : forall (u v : list Z) (j : nat) (i i' : Z),
    i mod Z.of_nat p = i' mod Z.of_nat p -> wave_at u v j i = wave_at u v j i'.
  Proof. intros u v j i i' same. rewrite <- (wave_at_periodic u v j i), same. apply wave_at_periodic. Qed.

  Lemma wave_at_bound : forall (u v : list Z) (j : nat) (i : Z), Z.abs (wave_at u v j i) <= size_of u v j * N.
  Proof.
    intros u v j i. unfold wave_at, waveZ, size_of.
    assert (in_cosine := cosine_bound (frequency (group_of c j) * i)).
    assert (in_sine := sine_bound (frequency (group_of c j) * i)).
    revert in_cosine in_sine. generalize (cosine (frequency (group_of c j) * i)) (sine (frequency (group_of c j) * i)).
    intros x y in_cosine in_sine.
    assert (left : Z.abs (nth j u 0 * x) <= Z.abs (nth j u 0) * N)
      by (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg_l; [apply Z.abs_nonneg | exact in_cosine]).
    assert (right : Z.abs (nth j v 0 * y) <= Z.abs (nth j v 0) * N)
      by (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg_l; [apply Z.abs_nonneg | exact in_sine]).
    rewrite Z.mul_add_distr_r. revert left right.
    generalize (nth j u 0 * x) (nth j v 0 * y) (Z.abs (nth j u 0) * N) (Z.abs (nth j v 0) * N). clear. lia.
  Qed.

  Lemma products_of_waves : forall (j : nat) (sigma delta : Z),
    Z.abs (2 * cosine (frequency (group_of c j) * delta) * X j sigma - N * (X j (sigma + delta) + X j (sigma - delta))) <=
    quad_tolerance c * input_size c j.
  Proof.
    intros j sigma delta. assert (positive := order_pos F formed). assert (range := unit_range).
    assert (test := angles_test). apply andb_prop in test. destruct test as [cosines sines].
    apply (collapse cosine sine N (quad_tolerance c)).
    - intros i k. apply products_hold_sound; try apply cosines_in_table; [lia | apply tolerance_range | exact cosines | lia].
    - intros i k. apply products_hold_sound;
        [lia | apply tolerance_range | apply cosines_in_table | apply sines_in_table | exact sines | lia].
  Qed.

  (** ** Tables of waves *)

  Lemma nth_waves : forall g : nat, (g < length (quad_frequencies c))%nat ->
    nth g (waves F c) ([], []) =
    (turned (map of_Z (quad_cosines c)) (multiples p (frequency g)),
      turned (map of_Z (quad_sines c)) (multiples p (frequency g))).
  Proof. intros g inside. unfold waves. cbv zeta. rewrite (nth_map_any _ _ _ _ _ 0) by exact inside. reflexivity. Qed.

  Lemma neuron_waves_spec : forall (u v : list Z) (j : nat), (j < m)%nat ->
    length (nth j (neuron_waves F c (waves F c) u v) []) = p /\
    forall i, (i < p)%nat -> congruent (nth i (nth j (neuron_waves F c (waves F c) u v) []) 0%uint63) (wave_at u v j
      (Z.of_nat i)).
  Proof.
    intros u v j inside. unfold neuron_waves, neurons. rewrite nth_seq_map by exact inside. cbv zeta.
    rewrite nth_waves by (apply group_inside, in_seq; lia). cbn [fst snd]. split.
    - rewrite wave_length; rewrite !turned_length; reflexivity.
    - intros i below. apply wave_spec; rewrite ?turned_length; try exact below; try apply congruent_of_Z;
        apply turned_congruent, below.
  Qed.

  Local Lemma size_nonneg : forall (u v : list Z) (j : nat), 0 <= size_of u v j.
  Proof. intros u v j. unfold size_of. lia. Qed.

  Lemma largest_nonneg : forall A : list (list int), 0 <= largest A.
  Proof. intro A. apply max_abs_nonneg. Qed.

  (** ** Ranges *)

  Definition input_term (j : nat) : Z := T * Z.max (largest (L_rows F)) (largest (R_rows F)) + input_size c j * N.
  Definition output_term (j : nat) : Z := V * largest (U_rows F) + output_size c j * N.

  Lemma input_term_nonneg : forall j : nat, 0 <= input_term j.
  Proof.
    intro j. unfold input_term, input_size. assert (range := unit_range). assert (scale := input_scale_range).
    assert (top := largest_nonneg (L_rows F)). assert (size := size_nonneg (quad_input_cosines c) (quad_input_sines c) j).
    apply Z.add_nonneg_nonneg; apply Z.mul_nonneg_nonneg; lia.
  Qed.

  Lemma output_term_nonneg : forall j : nat, 0 <= output_term j.
  Proof.
    intro j. unfold output_term, output_size. assert (range := unit_range). assert (scale := output_scale_range).
    assert (top := largest_nonneg (U_rows F)). assert (size := size_nonneg (quad_output_cosines c) (quad_output_sines c) j).
    apply Z.add_nonneg_nonneg; apply Z.mul_nonneg_nonneg; lia.
  Qed.

  Lemma size_unit_nonneg : forall (u v : list Z) (j : nat), 0 <= size_of u v j * N.
  Proof. intros u v j. assert (range := unit_range). apply Z.mul_nonneg_nonneg; [apply size_nonneg | lia]. Qed.

  (** Weighted by at most the largest output weight, the input terms stay below the bound. *)
  Lemma input_sum : forall f : nat -> Z,
    (forall j, In j (neurons F) -> f j <= largest (U_rows F) * input_term j) -> sum_over f (neurons F) <= 2 ^ 60.
  Proof.
    intros f bound. etransitivity; [|exact input_top_fits]. unfold input_top, input_bound. cbv zeta. apply sum_over_le.
    intros j inside.
    assert (here := bound j inside). assert (nonneg := input_term_nonneg j). unfold input_term in *. lia.
  Qed.

  Lemma input_term_fits : forall j : nat, In j (neurons F) -> input_term j <= 2 ^ 60.
  Proof.
    intros j inside. etransitivity; [|exact input_top_fits]. unfold input_top, input_bound. cbv zeta.
    assert (u := largest_nonneg (U_rows F)).
    assert (terms : forall i, In i (neurons F) -> 0 <= (1 + largest (U_rows F)) * input_term i)
      by (intros i _; apply Z.mul_nonneg_nonneg; [lia | apply input_term_nonneg]).
    assert (here := sum_over_term _ _ _ j terms inside). cbv beta in here. unfold input_term in *.
    etransitivity; [|exact here]. assert (nonneg := input_term_nonneg j). unfold input_term in nonneg.
    revert u nonneg. generalize (largest (U_rows F)) (T * Z.max (largest (L_rows F)) (largest (R_rows F)) + input_size c j * N).
    clear. nia.
  Qed.

  (** A quarter of [moment_top] bounds any sum, over some neurons, of input size times output term. *)
  Lemma moment_sum : forall (f : nat -> Z) (test : nat -> bool),
    (forall j, In j (neurons F) -> 0 <= f j <= input_size c j * N * output_term j) ->
    4 * sum_over f (filter test (neurons F)) <= moment_top F c.
  Proof.
    intros f test bound. unfold moment_top, moment_bound. cbv zeta. apply Z.mul_le_mono_nonneg_l; [lia|].
    etransitivity; [apply sum_over_filter; intros j inside; apply bound, inside|]. apply sum_over_le. intros j inside.
    assert (here := bound j inside). assert (nonneg := output_term_nonneg j). unfold output_term in *. lia.
  Qed.

  Lemma output_term_fits : forall j : nat, In j (neurons F) -> output_term j <= 2 ^ 58.
  Proof.
    intros j inside. assert (top := moment_top_fits). unfold moment_top, moment_bound in top. cbv zeta in top.
    assert (terms : forall i, In i (neurons F) -> 0 <= (1 + input_size c i * N) * output_term i).
    { intros i _. assert (size := size_unit_nonneg (quad_input_cosines c) (quad_input_sines c) i).
      apply Z.mul_nonneg_nonneg; [unfold input_size; lia | apply output_term_nonneg]. }
    assert (here := sum_over_term _ _ _ j terms inside). cbv beta in here. unfold output_term in here at 1.
    assert (size := size_unit_nonneg (quad_input_cosines c) (quad_input_sines c) j).
    assert (nonneg := output_term_nonneg j). fold (input_size c j) in size.
    assert (one : output_term j <= (1 + input_size c j * N) * output_term j).
    { revert size nonneg. generalize (input_size c j * N) (output_term j). clear. nia. }
    unfold output_term in *. lia.
  Qed.

  Lemma input_size_fits : forall j : nat, In j (neurons F) -> input_size c j * N <= 2 ^ 60.
  Proof.
    intros j inside. etransitivity; [|exact (input_term_fits j inside)]. unfold input_term.
    assert (scale := input_scale_range). assert (top := largest_nonneg (L_rows F)).
    assert (nonneg : 0 <= T * Z.max (largest (L_rows F)) (largest (R_rows F))) by (apply Z.mul_nonneg_nonneg; lia). lia.
  Qed.

  Lemma output_size_fits : forall j : nat, In j (neurons F) -> output_size c j * N <= 2 ^ 58.
  Proof.
    intros j inside. etransitivity; [|exact (output_term_fits j inside)]. unfold output_term.
    assert (scale := output_scale_range). assert (top := largest_nonneg (U_rows F)).
    assert (nonneg : 0 <= V * largest (U_rows F)) by (apply Z.mul_nonneg_nonneg; lia). lia.
  Qed.
End Tables.
