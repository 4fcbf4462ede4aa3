(* CompactProofs: Cert: CaseCountSound *)
(* MIT licence. *)
From Coq Require Import Reals ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Spec.Network Spec.MaxOfK Base.Sums Base.Totals Base.Signed63 Base.Matrix.
From CompactProofs Require Import Cert.Outcome Cert.Tables Cert.CoreSound Cert.SequencesSound.
From CompactProofs Require Import Cert.Bands Cert.Outputs Cert.Gaps Cert.CreditsCheck Cert.CreditsSound Cert.Staged Cert.CaseSound.
Import ListNotations.
(** * The counts of one case
    Main results: [right_case_sound], [wrong_case_sound]: what [right_case] and [wrong_case] count is at most the number of
    sequences that end in q, have the largest token m and are right, or wrong; [best_case_sound]: the same where sequences
    have a measure. Source: docs/max_of_k.md, section 3. *)

(** Tokens up to m, with m among them unless it is q: then m is the answer. *)
Lemma chosen_answer : forall (q m : nat) (x : list nat),
  q <= m -> below (S m) x -> chosen_new m (Nat.eqb q m) x = true -> answer (x ++ [q]) = m.
Proof.
  intros q m x ordered inside new. unfold answer.
  rewrite list_max_app. cbn [list_max fold_right]. rewrite Nat.max_0_r.
  assert (above : list_max x <= m).
  { apply list_max_le. unfold below in inside. rewrite Forall_forall in *. intros t member.
    specialize (inside t member). lia. }
  unfold chosen_new in new. apply orb_prop in new. destruct new as [same|among].
  - apply Nat.eqb_eq in same. lia.
  - apply existsb_exists in among. destruct among as (t & member & same). apply Nat.eqb_eq in same. subst t.
    assert (bounds := proj1 (list_max_le x (list_max x)) (Nat.le_refl _)). rewrite Forall_forall in bounds.
    specialize (bounds m member). lia.
Qed.

Local Lemma total_without : forall m n : nat,
  total (S m) n (fun x => indicator (negb (existsb (Nat.eqb m) x))) = (Z.of_nat m ^ Z.of_nat n)%Z.
Proof.
  intros m n. induction n as [|n IH]; [reflexivity|].
  cbn [total]. replace (S m) with (m + 1) at 1 by lia. rewrite sumZ_app. cbn [sumZ]. rewrite Z.add_0_r, Nat.add_0_r.
  rewrite (sumZ_ext m _ (fun _ => Z.of_nat m ^ Z.of_nat n)%Z).
  - rewrite (total_ext _ _ _ (fun _ => 0%Z)) by (intros x _ _; cbn [existsb]; rewrite Nat.eqb_refl; reflexivity).
    rewrite total_const, (Nat2Z.inj_succ n), Z.pow_succ_r by lia.
    assert (copies : forall (a : Z) (p : nat), sumZ p (fun _ => a) = (Z.of_nat p * a)%Z).
    { intros a. induction p as [|p IHp]; [reflexivity|]. cbn [sumZ]. rewrite IHp. lia. }
    rewrite copies. lia.
  - intros t inside. rewrite <- IH. apply total_ext. intros x _ _. cbn [existsb].
    destruct (Nat.eqb_spec m t); [lia | reflexivity].
Qed.

Lemma choices_total : forall (m n : nat) (seen : bool),
  (if seen then Z.of_nat (S m) ^ Z.of_nat n else Z.of_nat (S m) ^ Z.of_nat n - Z.of_nat m ^ Z.of_nat n)%Z =
  total (S m) n (fun x => indicator (chosen_new m seen x)).
Proof.
  intros m n seen. destruct seen; cbn [chosen_new orb].
  - rewrite (total_ext _ _ _ (fun _ => 1%Z)) by (intros; reflexivity). rewrite total_const. lia.
  - rewrite <- (total_without m n).
    assert (sums := total_plus (S m) n (fun x => indicator (existsb (Nat.eqb m) x))
      (fun x => indicator (negb (existsb (Nat.eqb m) x)))).
    rewrite (total_ext _ _ _ (fun _ => 1%Z)) in sums
      by (intros x _ _; destruct (existsb (Nat.eqb m) x); reflexivity).
    rewrite total_const in sums. unfold chosen_new. cbn [orb]. lia.
Qed.

(** Rivals of a wrong answer are other outputs. *)
Definition proper (v : rivals) : Prop :=
  match v with Over_above k | Over_below k => 1 <= k | _ => True end.

Lemma wrong_rivals_proper : forall r : nat, Forall proper (wrong_rivals r).
Proof.
  intro r. apply Forall_forall. intros v member. unfold wrong_rivals in member. apply in_app_or in member.
  destruct member as [member|member]; apply in_map_iff in member; destruct member as (k & <- & inside);
    apply in_seq in inside; cbn; lia.
Qed.

(** A sequence that goes on with q is right, or wrong. *)
Definition right_ending (M : model) (q : nat) (x : list nat) : bool := if correct_dec M (x ++ [q]) then true else false.
Definition wrong_ending (M : model) (q : nat) (x : list nat) : bool := if correct_dec M (x ++ [q]) then false else true.

Section Case.
  Context (M : model).
  Local Notation C := (core_of M).
  Local Notation n := (n_ctx M).
  Local Notation d := (d_vocab M).
  Context (tests : first_failure (core_tests M C) = None).
  Context (g : int) (q m : nat) (token_q : q < d) (answer_m : m < d) (ordered : q <= m).
  Context (reference : R) (of_token of_position : nat -> R).
  Context (true_weight : forall i t : nat, i < n -> t <= m ->
    (exp (IZR (token_score M C q t + at2 (score_pos_rows C) q i) / 2 ^ (30 + score_shift M) - reference) =
     of_token t * of_position i)%R).
  Context (bands : list nat) (positive : Forall (fun w => 0 < w) bands) (first_band : hd O bands = 1).
  Context (all_bands : list_sum bands = S m).
  Context (i : info) (W : case_weights) (weights : weights_ok M q m of_token of_position bands W).

  Local Notation seen := (Nat.eqb q m).
  Local Notation ok := (gaps_ok M g q m bands).
  Local Notation right := (right_ending M q).
  Local Notation wrong := (wrong_ending M q).

  (** The sequences of the case that satisfy [P]. *)
  Definition of_case (P : list nat -> bool) : Z :=
    total (S m) (n - 1) (fun x => indicator (chosen_new m seen x && P x)).

  Definition passes (strictness : Z) (c : gap_case) (x : list nat) : bool :=
    passing m bands (case_columns W c) (case_last W c) strictness x.

  (** ** Right *)

  Local Lemma right_when : forall x : list nat, below (S m) x -> chosen_new m seen x = true ->
    (forall w : nat, w < d -> w <> m -> (logit M (x ++ [q]) w < logit M (x ++ [q]) m)%R) -> right x = true.
  Proof.
    intros x inside chosen all. unfold right_ending. destruct (correct_dec M (x ++ [q])) as [yes|no]; [reflexivity|].
    exfalso. apply no. intros w inside_w other.
    rewrite (chosen_answer q m x ordered inside chosen) in *. apply all; assumption.
  Qed.

  Local Lemma below_when : forall (v : rivals) (c : gap_case) (x : list nat), ok v c -> below (S m) x -> length x = n - 1 ->
    passes 1 c x = true -> forall w : nat, versus v m w m -> w < d -> (logit M (x ++ [q]) w < logit M (x ++ [q]) m)%R.
  Proof.
    intros v c x gaps inside len pass. eapply passing_below; eassumption.
  Qed.

  Local Lemma total_of_case_le : forall P Q : list nat -> bool,
    (forall x, below (S m) x -> length x = n - 1 -> chosen_new m seen x = true -> P x = true -> Q x = true) ->
    (of_case P <= of_case Q)%Z.
  Proof.
    intros P Q implies. apply total_le. intros x inside len.
    destruct (chosen_new m seen x) eqn:chosen; cbn [andb]; [|lia].
    destruct (P x) eqn:holds; [|apply indicator_nonneg]. rewrite (implies x inside len chosen holds). lia.
  Qed.

  (** Sequences have a measure, and [count] is sound: what [best_case] counts is at most the measure of the right ones. *)
  Section Measured.
    Context (measure : list nat -> Z) (measure_nonneg : forall x : list nat, (0 <= measure x)%Z).

    (** The measure of the sequences of the case that satisfy [P]. *)
    Definition measured (P : list nat -> bool) : Z :=
      total (S m) (n - 1) (fun x => measure x * indicator (chosen_new m seen x && P x))%Z.

    Context (count : int -> gap_case -> Z) (every : Z) (every_choice : every = measured (fun _ => true)).
    Context (count_sound : forall (bins : int) (v : rivals) (c : gap_case), ok v c ->
      (count bins c <= measured (passes 1 c))%Z).

    Local Lemma measured_le : forall P Q : list nat -> bool,
      (forall x, below (S m) x -> length x = n - 1 -> chosen_new m seen x = true -> P x = true -> Q x = true) ->
      (measured P <= measured Q)%Z.
    Proof.
      intros P Q implies. apply total_le. intros x inside len. assert (some := measure_nonneg x).
      destruct (chosen_new m seen x) eqn:chosen; cbn [andb]; [|lia].
      destruct (P x) eqn:holds; [|destruct (Q x); cbn [indicator]; lia]. rewrite (implies x inside len chosen holds). lia.
    Qed.

    (** What [P] leaves over is covered by [Q] and [R]. *)
    Local Lemma measured_cover : forall P Q R : list nat -> bool,
      (forall x, below (S m) x -> length x = n - 1 -> chosen_new m seen x = true ->
        P x = true -> Q x = false -> R x = true) ->
      (measured P <= measured Q + measured R)%Z.
    Proof.
      intros P Q R cover. unfold measured. rewrite <- total_plus. apply total_le. intros x inside len.
      assert (some := measure_nonneg x). destruct (chosen_new m seen x) eqn:chosen; cbn [andb]; [|cbn [indicator]; lia].
      destruct (P x) eqn:p; [|destruct (Q x), (R x); cbn [indicator]; lia].
      destruct (Q x) eqn:other; [destruct (R x); cbn [indicator]; lia|].
      rewrite (cover x inside len chosen p other). cbn [indicator]. lia.
    Qed.

    Local Notation failing bins := (fold_right (fun c rest => (every - count bins c + rest)%Z) 0%Z).

    Local Lemma failing_sound : forall (bins : int) (rs : list rivals) (groups : list gap_case), Forall2 ok rs groups ->
      (measured (fun x => existsb (fun c => negb (passes 1 c x)) groups) <= failing bins groups)%Z.
    Proof.
      intros bins rs groups all. induction all as [|v c rs groups first later IH]; cbn [fold_right existsb].
      - unfold measured. rewrite (total_ext _ _ _ (fun _ => 0%Z)) by (intros x _ _; rewrite andb_false_r; cbn [indicator]; lia).
        rewrite total_const. lia.
      - assert (counted := count_sound bins v c first).
        assert (split : (measured (fun x => negb (passes 1 c x)) + measured (passes 1 c) = every)%Z).
        { rewrite every_choice. unfold measured. rewrite <- total_plus. apply total_ext. intros x _ _.
          destruct (chosen_new m seen x), (passes 1 c x); cbn [negb andb indicator]; lia. }
        assert (union := measured_cover (fun x => negb (passes 1 c x) || existsb (fun c' => negb (passes 1 c' x)) groups)
          (fun x => negb (passes 1 c x)) (fun x => existsb (fun c' => negb (passes 1 c' x)) groups)
          ltac:(cbv beta; intros x _ _ _ either no; rewrite no in either; exact either)).
        lia.
    Qed.

    Theorem best_case_sound : forall (r : nat) (cases : list gap_case), Forall2 ok (right_rivals r) cases ->
      (best_case count every i cases <= measured right)%Z.
    Proof.
      intros r cases all. unfold right_rivals in all.
      inversion all as [|v c rs groups first later same_v same_c]; subst v rs cases.
      cbn [best_case]. cbv zeta.
      assert (counted : (count (resolution i) c <= measured right)%Z).
      { etransitivity; [apply (count_sound _ (Rest 0) c first)|].
        apply measured_le. intros x inside len chosen pass. apply right_when; [exact inside | exact chosen|].
        intros w inside_w other. apply (below_when (Rest 0) c x first inside len pass); [|exact inside_w].
        cbn. split; [lia | reflexivity]. }
      destruct (_ =? _)%Z; [exact counted|]. destruct (near_resolution i =? 0)%uint63; [exact counted|].
      destruct groups as [|c' groups']; [exact counted|]. set (groups := c' :: groups') in *.
      apply Z.max_lub; [exact counted|].
      destruct r as [|r']; [inversion later|]. set (r := S r') in *.
      assert (fails := failing_sound (near_resolution i) _ groups later).
      assert (cover : (every <= measured (fun x => existsb (fun c => negb (passes 1 c x)) groups) + measured right)%Z); [|lia].
      rewrite every_choice. apply measured_cover. intros x inside len chosen _ some.
      apply right_when; [exact inside | exact chosen|]. intros w inside_w other.
      assert (group : forall v : rivals, In v (Rest r :: map Above (seq 1 r) ++ map Below (seq 1 r)) -> versus v m w m ->
        (logit M (x ++ [q]) w < logit M (x ++ [q]) m)%R).
      { intros v member rival.
        assert (found : exists c : gap_case, In c groups /\ ok v c).
        { revert member later. generalize (Rest r :: map Above (seq 1 r) ++ map Below (seq 1 r)).
          intros rs member later. clear - member later. induction later as [|v' c0 rs cs first later IH]; [contradiction|].
          destruct member as [->|member]; [exists c0; split; [left; reflexivity | exact first]|].
          destruct (IH member) as (c1 & inside & good). exists c1. split; [right; exact inside | exact good]. }
        destruct found as (c0 & member_c & gaps). apply (below_when v c0 x gaps inside len); [|exact rival | exact inside_w].
        destruct (passes 1 c0 x) eqn:pass; [reflexivity|]. exfalso.
        assert (yes : existsb (fun c => negb (passes 1 c x)) groups = true).
        { apply existsb_exists. exists c0. rewrite pass. split; [exact member_c | reflexivity]. }
        rewrite yes in some. discriminate some. }
      destruct (Nat.lt_trichotomy w m) as [less|[same|more]]; [|contradiction|].
      - destruct (Nat.lt_ge_cases (w + r) m) as [far|near].
        + apply (group (Rest r)); [left; reflexivity|]. cbn. split; [left; exact far | reflexivity].
        + apply (group (Below (m - w))); [|cbn; split; [lia | reflexivity]].
          right. apply in_or_app. right. apply in_map, in_seq. lia.
      - destruct (Nat.lt_ge_cases (m + r) w) as [far|near].
        + apply (group (Rest r)); [left; reflexivity|]. cbn. split; [right; exact far | reflexivity].
        + apply (group (Above (w - m))); [|cbn; split; [lia | reflexivity]].
          right. apply in_or_app. left. apply in_map, in_seq. lia.
    Qed.
  End Measured.

  (** ** Counts: every sequence has measure 1 *)

  Context (digits : int).
  Context (digits_range : (to_Z digits = 0 /\ Z.of_nat (S m) ^ Z.of_nat (n - 1) < 2 ^ 62 \/
    0 < to_Z digits <= 12 /\ Z.of_nat (S m) <= 2 ^ to_Z digits)%Z).
  Context (info_answer : answer_token i = m) (info_widths : widths i = map (fun k => of_Z (Z.of_nat k)) bands).
  Context (info_to : choices_to i = (Z.of_nat (S m) ^ Z.of_nat (n - 1))%Z).
  Context (info_below : choices_below i = (Z.of_nat m ^ Z.of_nat (n - 1))%Z).

  Local Lemma all_choices : case_choices seen i = total (S m) (n - 1) (fun x => indicator (chosen_new m seen x)).
  Proof. unfold case_choices. rewrite info_to, info_below. apply choices_total. Qed.

  Local Lemma of_case_nonneg : forall P : list nat -> bool, (0 <= of_case P)%Z.
  Proof. intro P. apply total_nonneg. intro x. apply indicator_nonneg. Qed.

  Local Lemma count_case_sound : forall (strictness : Z) (bins : int) (v : rivals) (c : gap_case),
    (0 <= strictness <= 1)%Z -> ok v c ->
    (count_case digits seen i W strictness bins c <= of_case (passes strictness c))%Z.
  Proof.
    intros strictness bins v c strict gaps. unfold count_case.
    destruct (bins =? 0)%uint63; [apply of_case_nonneg|].
    assert (columns : forall column : list int, In column (case_columns W c) ->
      length column = length bands /\ forall h : int, In h column -> (Z.abs (signed h) <= 2 ^ 30)%Z)
      by exact (columns_ok M g q m token_q answer_m ordered of_token of_position bands positive first_band all_bands W weights
        v c gaps).
    assert (len : length (case_columns W c) = n - 1) 
      by exact (columns_length M g q m token_q answer_m ordered of_token of_position bands first_band all_bands W weights v c gaps).
    rewrite info_widths. unfold of_case, passes. rewrite <- len.
    apply count_choices_sound; try assumption.
    - rewrite len. exact digits_range.
    - lia.
    - rewrite len. exact all_choices.
  Qed.

  Theorem right_case_sound : forall (r : nat) (cases : list gap_case), Forall2 ok (right_rivals r) cases ->
    (right_case digits seen i W cases <= of_case right)%Z.
  Proof.
    intros r cases all.
    assert (unit : forall P : list nat -> bool, of_case P = measured (fun _ => 1%Z) P)
      by (intro P; apply total_ext; intros; lia).
    rewrite unit. apply best_case_sound with r; [lia | | | exact all].
    - rewrite all_choices, <- unit. apply total_ext. intros x _ _. rewrite andb_true_r. reflexivity.
    - intros bins v c gaps. rewrite <- unit. apply count_case_sound with v; [lia | exact gaps].
  Qed.

  (** ** Wrong *)

  Theorem wrong_case_sound : forall (rs : list rivals) (cases : list gap_case), Forall proper rs -> Forall2 ok rs cases ->
    (wrong_case digits seen i W d rs cases <= of_case wrong)%Z.
  Proof.
    intros rs cases all_proper all.
    induction all as [|v c rs cases first later IH]; cbn [wrong_case]; [apply of_case_nonneg|].
    inversion all_proper as [|? ? this others]; subst. cbv zeta.
    destruct (rival_exists i d v) eqn:exists_v; [|apply IH; exact others].
    apply Z.max_lub; [|apply IH; exact others].
    etransitivity; [apply (count_case_sound 0 _ v c); [lia | exact first]|].
    apply total_of_case_le. intros x inside len chosen pass.
    assert (rival : exists w : nat, w < d /\ w <> answer_token i /\ versus v (answer_token i) (answer_token i) w).
    { destruct v as [r|k|k|k|k]; cbn in exists_v, this; try discriminate exists_v.
      - apply Nat.ltb_lt in exists_v. exists (answer_token i + k). cbn. repeat split; lia.
      - apply Nat.leb_le in exists_v. exists (answer_token i - k). cbn. repeat split; lia. }
    destruct rival as (w & inside_w & other & rival). rewrite info_answer in other, rival.
    unfold wrong_ending. destruct (correct_dec M (x ++ [q])) as [yes|no]; [|reflexivity]. exfalso.
    assert (less := yes w inside_w). rewrite (chosen_answer q m x ordered inside chosen) in less.
    refine (passing_not_below M tests g q m token_q answer_m ordered reference of_token of_position true_weight bands first_band
      all_bands W weights v c first x inside len pass w rival inside_w (less other)).
  Qed.
End Case.
