(* CompactProofs: Modular: HomogeneityTables *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Base.Lists Base.Sums Base.Signed63 Base.Matrix Cert.Outcome.
From CompactProofs Require Import Modular.Form Modular.FormSound Modular.Homogeneity Modular.HomogeneityFacts.
From CompactProofs Require Import Modular.HomogeneityParts.
Import ListNotations.
(** * The tables of answers and of distances: shapes, ranges, and what the bounds over all answers say
    - [terms_sized] == the terms of an answer and a class
    - [low_spec], [high_spec] == bounds of the differences of terms
    - [settled]     == what a class that is settled by them has less than the right one *)
Local Open Scope Z_scope.

Lemma dots_minus : forall (B : Z) (k r : nat) (phi x y : list (list int)), B <= 2 ^ 60 ->
  sized k (sized r (fun u => Z.abs (signed u) <= B)) x -> sized k (sized r (fun u => Z.abs (signed u) <= B)) y ->
  dotsZ phi (zip_with (zip_with (fun u v => u - v)%uint63) x y) = dotsZ phi x - dotsZ phi y.
Proof.
  intros B k r phi x y fits. revert k x y.
  assert (row : forall (f x y : list int), length x = length y -> within B x -> within B y ->
    dotZ f (zip_with (fun u v => u - v)%uint63 x y) = dotZ f x - dotZ f y).
  { induction f as [|w f IH]; intros [|u x] [|v y] len in_x in_y; try discriminate len; try reflexivity.
    cbn [zip_with dotZ]. rewrite IH by (first [cbn in len; lia | eapply Forall_inv_tail; eassumption]).
    assert (small_u := Forall_inv in_x). assert (small_v := Forall_inv in_y). cbv beta in small_u, small_v.
    rewrite signed_sub by lia. lia. }
  induction phi as [|f phi IH]; intros k [|u x] [|v y] [len_x in_x] [len_y in_y]; cbn [length] in len_x, len_y; try lia;
    try reflexivity.
  cbn [zip_with dotsZ]. destruct (Forall_inv in_x) as [len_u small_u]. destruct (Forall_inv in_y) as [len_v small_v].
  rewrite (row f u v) by first [lia | assumption].
  rewrite (IH (length x) x y); [lia | |].
  - split; [reflexivity | exact (Forall_inv_tail in_x)].
  - split; [lia | exact (Forall_inv_tail in_y)].
Qed.

Lemma zip_sub_sized : forall (B : Z) (k r : nat) (x y : list (list int)), 2 * B <= 2 ^ 60 ->
  sized k (sized r (fun u => Z.abs (signed u) <= B)) x -> sized k (sized r (fun u => Z.abs (signed u) <= B)) y ->
  sized k (sized r (fun u => Z.abs (signed u) <= 2 * B)) (zip_with (zip_with (fun u v => u - v)%uint63) x y).
Proof.
  intros B k r x y fits.
  assert (lift : forall (A : Type) (Q Q' : A -> Prop) (f : A -> A -> A) (n : nat) (x y : list A),
    (forall u v, Q u -> Q v -> Q' (f u v)) -> sized n Q x -> sized n Q y -> sized n Q' (zip_with f x y)).
  { intros A Q Q' f n l. revert n. induction l as [|u l IH]; intros n [|v l'] kept [len_x in_x] [len_y in_y];
      cbn [length] in len_x, len_y; try lia; [split; [exact len_x | constructor]|].
    destruct (IH (length l) l' kept) as [len all].
    - split; [reflexivity | exact (Forall_inv_tail in_x)].
    - split; [lia | exact (Forall_inv_tail in_y)].
    - cbn [zip_with]. split; [cbn [length]; lia|]. constructor; [apply kept|exact all].
      + exact (Forall_inv in_x).
      + exact (Forall_inv in_y). }
  apply lift. intros u v in_u in_v. apply (lift _ (fun w => Z.abs (signed w) <= B)); [|exact in_u | exact in_v].
  intros i j small_i small_j. rewrite signed_sub; lia.
Qed.

Lemma terms_of_sized : forall (B C : Z) (n r k : nat) (phases : list (list (list int))) (u : list (list int)),
  0 <= B -> 0 <= C -> Z.of_nat n * (B * C) <= 2 ^ 60 -> length u = k -> Forall (within B) u ->
  Forall (fun x => (length x <= n)%nat) u -> sized k (sized r (within C)) phases ->
  sized k (sized r (fun x => Z.abs (signed x) <= Z.of_nat n * (B * C))) (terms_of phases u).
Proof.
  intros B C n r k phases u B_nonneg C_nonneg fits. revert k phases.
  induction u as [|x u IH]; intros k phases len in_B short [len_p in_C].
  - split; [exact len | constructor].
  - destruct phases as [|t phases]; cbn [length] in len, len_p; [lia|].
    destruct (IH (length u) phases eq_refl (Forall_inv_tail in_B) (Forall_inv_tail short)) as [len_rest rest].
    { split; [lia | exact (Forall_inv_tail in_C)]. }
    unfold terms_of in *. cbn [zip_with]. split; [cbn [length]; lia|]. constructor; [|exact rest].
    destruct (Forall_inv in_C) as [len_t rows]. split; [rewrite map_length; exact len_t|].
    apply Forall_forall. intros i inside. apply in_map_iff in inside. destruct inside as (row & <- & inside).
    rewrite Forall_forall in rows. assert (fewer := Forall_inv short). cbv beta in fewer.
    assert (bound := dotZ_bound B C x row B_nonneg C_nonneg (Forall_inv in_B) (rows row inside)).
    assert (more : Z.of_nat (length x) * (B * C) <= Z.of_nat n * (B * C)) by (apply Z.mul_le_mono_nonneg_r; nia).
    rewrite (congruent_signed _ (dotZ x row)); [lia | exact (plus_dot_congruent x row 0 0 (congruent_to_Z 0)) | lia].
Qed.

Lemma Forall2_nth : forall (A : Type) (R : A -> A -> Prop) (x y : list A) (i : nat) (default : A),
  Forall2 R x y -> (i < length x)%nat -> R (nth i x default) (nth i y default).
Proof.
  intros A R x y i default all. revert i. induction all as [|u v x y here all IH]; intros i inside; [inversion inside|].
  destruct i as [|i]; [exact here|]. apply IH. cbn [length] in inside. lia.
Qed.

Section Tables.
  Context (F : form) (c : homogeneity_certificate) (formed : well_formed F) (passed : first_failure (hom_tests F c) = None).
  Let p := form_order F.
  Let m := form_width F.
  Let A := hom_factor c.
  Let K := kink_top F c.
  Let V := dev_top F c.
  Let G := term_top F c.
  Let O := largest (hom_centred F c).
  Let C := largest (distance_ints c).
  Let rank := hom_rank_of c.
  Let k_groups := length (hom_groups c).
  Let groups := hom_groups_of F c.
  Let outputs := outputs_by_group F c.
  Let answers := hom_answers F c outputs.
  Let tables := zip_with differences (seq 0 p) answers.
  Let low := over_all smin tables.
  Let high := over_all smax tables.
  Let distances := hom_distances_of F c answers.
  Let phases (s : nat) : list (list (list int)) := by_group rank (hom_sizes F c) (nth s (phase_ints c) []).
  Let terms (s k : nat) : list (list int) := terms_of (phases s) (nth k outputs []).
  Let phi (e : nat) : list (list int) := chunks k_groups rank (nth e (distance_ints c) []).

  Lemma p_pos : (1 <= p)%nat.
  Proof. apply order_pos, formed. Qed.

  Lemma G_nonneg : 0 <= G.
  Proof. assert (x := largest_nonneg (hom_centred F c)). assert (y := largest_nonneg (phase_ints c)). unfold G, term_top. nia.
    Qed.

  Lemma groups_length : length groups = k_groups.
  Proof. unfold groups, hom_groups_of. apply map_length. Qed.

  Lemma phases_sized : forall s : nat, sized k_groups (sized rank (within (largest (phase_ints c)))) (phases s).
  Proof.
    intro s. unfold phases. replace k_groups with (length (hom_sizes F c)).
    - apply by_group_sized, row_within.
    - unfold hom_sizes. rewrite map_length. exact groups_length.
  Qed.

  Lemma outputs_short : forall k : nat, (k < p)%nat -> Forall (fun x => (length x <= m)%nat) (nth k outputs []).
  Proof.
    intros k inside. unfold outputs. rewrite outputs_row by assumption.
    assert (all := group_length _ (map (map (output_entry F c k)) groups)).
    rewrite length_concat_map in all. assert (same : length (concat groups) = m) by exact (covered F c passed).
    rewrite same in all. exact all.
  Qed.

  Lemma terms_sized : forall s k : nat, (k < p)%nat -> sized k_groups (sized rank (fun x => Z.abs (signed x) <= G)) (terms s k).
  Proof.
    intros s k inside. unfold terms, G, term_top. fold m O.
    assert (fits := G_fits F c passed). unfold term_top in fits. fold m O in fits. assert (nonneg := G_nonneg).
    unfold G, term_top in nonneg. fold m O in nonneg.
    apply terms_of_sized; [apply largest_nonneg | apply largest_nonneg | lia | | | | apply phases_sized].
    - unfold outputs. rewrite outputs_row by assumption. rewrite map_length. exact groups_length.
    - apply outputs_within; assumption.
    - apply outputs_short; assumption.
  Qed.

  (** ** Answers *)

  Lemma phase_ints_length : length (phase_ints c) = p.
  Proof.
    assert (test : (has_shape p (rank * m)%nat (hom_phases c) && rows_fit 1 (hom_phases c))%bool = true)
      by (eapply (tested F c passed); do 5 right; left; reflexivity).
    apply andb_prop in test. unfold phase_ints, of_rows. rewrite map_length. apply (has_shape_length _ _ _ _ (proj1 test)).
  Qed.

  Lemma answers_length : length answers = p.
  Proof. unfold answers, hom_answers. cbv zeta. rewrite zip_with_length, seq_length, phase_ints_length. apply Nat.min_id. Qed.

  Lemma answers_nth : forall s : nat, (s < p)%nat -> nth s answers default_answer = answer_of outputs s (phases s).
  Proof.
    intros s inside. unfold answers, hom_answers. cbv zeta.
    rewrite (nth_zip_with _ _ _ _ _ _ _ 0%nat []) by (rewrite ?seq_length, ?phase_ints_length; exact inside).
    fold p. rewrite nth_seq_any by exact inside. reflexivity.
  Qed.

  Lemma its_terms_length : forall s : nat, (s < p)%nat -> length (its_terms (nth s answers default_answer)) = p.
  Proof.
    intros s inside. rewrite answers_nth by exact inside. unfold answer_of. cbv zeta. cbn [its_terms]. rewrite map_length.
    apply outputs_length, formed.
  Qed.

  Lemma its_terms_nth : forall s k : nat, (s < p)%nat -> (k < p)%nat ->
    nth k (its_terms (nth s answers default_answer)) [] = terms s k.
  Proof.
    intros s k inside_s inside_k. rewrite answers_nth by exact inside_s. unfold answer_of. cbv zeta. cbn [its_terms].
    apply nth_map_any. unfold outputs. rewrite outputs_length by exact formed. exact inside_k.
  Qed.

  Lemma own_terms_nth : forall s : nat, (s < p)%nat -> own_terms (nth s answers default_answer) = terms s s.
  Proof.
    intros s inside. rewrite <- (its_terms_nth s s inside inside). rewrite answers_nth by exact inside. reflexivity.
  Qed.

  (** Where class [k] stands, counted from [s]. *)
  Let place (s k : nat) : nat := (if k <? s then p - s + k else k - s)%nat.
  Let class_at (s d : nat) : nat := (if d <? p - s then s + d else d - (p - s))%nat.

  Lemma differences_length : forall s : nat, (s < p)%nat -> length (differences s (nth s answers default_answer)) = p.
  Proof. intros s inside. unfold differences. cbv zeta. rewrite map_length, rotate_length. apply its_terms_length, inside. Qed.

  Lemma differences_nth : forall s d : nat, (s < p)%nat -> (d < p)%nat ->
    nth d (differences s (nth s answers default_answer)) [] =
    zip_with (zip_with (fun u v => u - v)%uint63) (terms s s) (terms s (class_at s d)).
  Proof.
    intros s d inside_s inside_d. assert (len := its_terms_length s inside_s). unfold differences. cbv zeta.
    rewrite (nth_map_any _ _ _ _ _ []) by (rewrite rotate_length, len; exact inside_d).
    rewrite nth_rotate by lia. rewrite len, own_terms_nth by exact inside_s. fold (class_at s d).
    rewrite its_terms_nth; [reflexivity | exact inside_s |]. unfold class_at. destruct (Nat.ltb_spec d (p - s)); lia.
  Qed.

  Lemma tables_sized :
    Forall (sized p (sized k_groups (sized rank (fun x => Z.abs (signed x) <= 2 * G)))) tables.
  Proof.
    assert (fits := G_fits F c passed). fold G in fits.
    apply Forall_forall. intros t inside. destruct (In_nth _ _ [] inside) as (s & below & <-). unfold tables in below |- *.
    rewrite zip_with_length, seq_length, answers_length in below.
    rewrite (nth_zip_with _ _ _ _ _ _ _ 0%nat default_answer) by (rewrite ?seq_length, ?answers_length; lia).
    rewrite nth_seq_any by lia. split; [apply differences_length; lia|].
    apply Forall_forall. intros row inside_row. destruct (In_nth _ _ [] inside_row) as (d & below_d & <-).
    rewrite differences_length in below_d by lia. rewrite differences_nth by lia.
    apply zip_sub_sized; [exact fits | |]; apply terms_sized; [lia|]. unfold class_at. destruct (Nat.ltb_spec d (p - s)); lia.
  Qed.

  Lemma tables_nth : forall s : nat, (s < p)%nat -> nth s tables [] = differences s (nth s answers default_answer).
  Proof.
    intros s inside. unfold tables.
    rewrite (nth_zip_with _ _ _ _ _ _ _ 0%nat default_answer) by (rewrite ?seq_length, ?answers_length; lia).
    rewrite nth_seq_any by exact inside. reflexivity.
  Qed.

  Lemma tables_length : length tables = p.
  Proof. unfold tables. rewrite zip_with_length, seq_length, answers_length. apply Nat.min_id. Qed.

  Lemma tables_some : tables <> [].
  Proof. assert (pos := p_pos). assert (len := tables_length). intro none. rewrite none in len. cbn in len. lia. Qed.

  Lemma low_spec : sized p (sized k_groups (sized rank (fun x => Z.abs (signed x) <= 2 * G))) low /\
    Forall (Forall2 (Forall2 (Forall2 (fun x y => signed x <= signed y))) low) tables.
  Proof.
    destruct (over_all_meets (fun x => Z.abs (signed x) <= 2 * G) (fun x y => signed x <= signed y) smin p k_groups rank tables)
      as [has all]; [intro; lia | intros; lia | apply meets_smin | exact tables_sized |].
    split; [exact (has tables_some) | exact all].
  Qed.

  Lemma high_spec : sized p (sized k_groups (sized rank (fun x => Z.abs (signed x) <= 2 * G))) high /\
    Forall (Forall2 (Forall2 (Forall2 (fun x y => signed y <= signed x))) high) tables.
  Proof.
    destruct (over_all_meets (fun x => Z.abs (signed x) <= 2 * G) (fun x y => signed y <= signed x) smax p k_groups rank tables)
      as [has all]; [intro; lia | intros; lia | apply meets_smax | exact tables_sized |].
    split; [exact (has tables_some) | exact all].
  Qed.

  (** ** Distances *)

  Lemma distance_ints_length : length (distance_ints c) = p.
  Proof.
    assert (test : (has_shape p (k_groups * rank)%nat (hom_distances c) && rows_fit 1 (hom_distances c))%bool = true)
      by (eapply (tested F c passed); do 4 right; left; reflexivity).
    apply andb_prop in test. unfold distance_ints, of_rows. rewrite map_length. apply (has_shape_length _ _ _ _ (proj1 test)).
  Qed.

  Definition level_at (e : nat) : Z := nth e (hom_levels c) 0.

  Lemma levels_length : length (hom_levels c) = p.
  Proof.
    assert (test : ((length (hom_levels c) =? p)%nat && levels_fit c)%bool = true)
      by (eapply (tested F c passed); do 6 right; left; reflexivity).
    apply andb_prop in test. apply Nat.eqb_eq, test.
  Qed.

  Lemma level_small : forall e : nat, (e < p)%nat -> Z.abs (level_at e) <= 2 ^ 60.
  Proof.
    intros e inside.
    assert (test : ((length (hom_levels c) =? p)%nat && levels_fit c)%bool = true)
      by (eapply (tested F c passed); do 6 right; left; reflexivity).
    apply andb_prop in test. destruct test as [len fits]. unfold levels_fit in fits. rewrite forallb_forall in fits.
    apply Z.leb_le, fits, nth_In. rewrite levels_length. exact inside.
  Qed.

  Lemma distances_nth : forall e : nat, (e < p)%nat ->
    nth e distances default_distance = distance_of low high (phi e) (of_Z (level_at e)).
  Proof.
    intros e inside. unfold distances, hom_distances_of. cbv zeta.
    rewrite (nth_zip_with _ _ _ _ _ _ _ [] 0) by (rewrite ?distance_ints_length, ?levels_length; exact inside). reflexivity.
  Qed.

  Lemma phi_small : forall e : nat, Forall (fun f => within C f /\ (length f <= rank)%nat) (phi e).
  Proof. intro e. apply (chunks_sized _ (fun x => Z.abs (signed x) <= C)), row_within. Qed.

  Lemma passed_length : forall e : nat, (e < p)%nat -> length (its_passed (nth e distances default_distance)) = p.
  Proof.
    intros e inside. rewrite distances_nth by exact inside. unfold distance_of. cbv zeta. cbn [its_passed].
    destruct low_spec as [[len_l _] _]. destruct high_spec as [[len_h _] _]. assert (pos := p_pos).
    destruct low as [|l low']; cbn [length] in len_l; [lia|]. destruct high as [|h high']; cbn [length] in len_h; [lia|].
    cbn [length]. rewrite zip_with_length. lia.
  Qed.

  (** A class that is settled: the level and what it lacks in terms are positive together. *)
  Lemma settled : forall e s k : nat, (e < p)%nat -> (s < p)%nat -> (k < p)%nat -> k <> s ->
    nth k (rotate (p - s) (its_passed (nth e distances default_distance))) false = true ->
    0 < level_at e + dotsZ (phi e) (terms s s) - dotsZ (phi e) (terms s k).
  Proof.
    intros e s k inside_e inside_s inside_k other flag. assert (len := passed_length e inside_e).
    rewrite nth_rotate in flag by lia. rewrite len in flag.
    replace (if (k <? p - (p - s))%nat then (p - s + k)%nat else (k - (p - (p - s)))%nat) with (place s k) in flag.
    2: { unfold place. replace (p - (p - s))%nat with s by lia. reflexivity. }
    assert (inside_d : (1 <= place s k < p)%nat) by (unfold place; destruct (Nat.ltb_spec k s); lia).
    assert (back : class_at s (place s k) = k).
    { unfold class_at, place. destruct (Nat.ltb_spec k s) as [less|more].
      - destruct (Nat.ltb_spec (p - s + k) (p - s)); lia.
      - destruct (Nat.ltb_spec (k - s) (p - s)); lia. }
    set (d := place s k) in *.
    destruct low_spec as [sized_l below]. destruct high_spec as [sized_h above].
    assert (at_s : In (nth s tables []) tables) by (apply nth_In; rewrite tables_length; exact inside_s).
    rewrite Forall_forall in below, above. specialize (below _ at_s). specialize (above _ at_s).
    rewrite tables_nth in below, above by exact inside_s.
    destruct sized_l as [len_l rows_l]. destruct sized_h as [len_h rows_h].
    assert (below_d := Forall2_nth _ _ _ _ d [] below ltac:(lia)).
    assert (above_d := Forall2_nth _ _ _ _ d [] above ltac:(lia)).
    rewrite differences_nth in below_d, above_d by lia. rewrite back in below_d, above_d.
    assert (corner := corners_le (phi e) _ _ _ below_d above_d).
    assert (fits := G_fits F c passed). fold G in fits. assert (nonneg := G_nonneg).
    rewrite (dots_minus G k_groups rank) in corner by (first [lia | apply terms_sized; assumption]).
    assert (positive : 0 <= signed (plus_corners (of_Z (level_at e) - 1) (phi e) (nth d low []) (nth d high []))).
    { apply Z.leb_le. rewrite <- nonnegative_spec. rewrite <- flag. rewrite distances_nth by exact inside_e.
      unfold distance_of. cbv zeta. cbn [its_passed]. clear flag below above below_d above_d corner rows_l rows_h.
      destruct low as [|l low']; cbn [length] in len_l; [lia|]. destruct high as [|h high']; cbn [length] in len_h; [lia|].
      destruct d as [|d]; [lia|]. cbn [nth].
      rewrite (nth_zip_with _ _ _ _ _ _ _ [] []) by lia. reflexivity. }
    assert (same := plus_corners_congruent (phi e) (nth d low []) (nth d high []) (of_Z (level_at e) - 1)%uint63 (level_at e -
      1)).
    assert (bound := corners_bound C (2 * G) k_groups rank (phi e) (nth d low []) (nth d high [])).
    rewrite Forall_forall in rows_l, rows_h.
    assert (top : Z.abs (cornersZ (phi e) (nth d low []) (nth d high [])) <= corner_top F c).
    { unfold corner_top, corner_top_of. fold k_groups rank C G.
      apply bound; [apply largest_nonneg | lia | | apply rows_l, nth_In; lia |
        apply rows_h, nth_In; lia].
      apply (Forall_impl _ (fun f small => proj1 small) (phi_small e)). }
    assert (fits' := corner_fits F c passed). assert (small := level_small e inside_e).
    rewrite (congruent_signed _ (level_at e - 1 + cornersZ (phi e) (nth d low []) (nth d high []))) in positive; [lia | |].
    - apply same, congruent_sub; [apply congruent_of_Z | exact (congruent_to_Z 1)].
    - revert top small. generalize (cornersZ (phi e) (nth d low []) (nth d high [])) (level_at e). intros. lia.
  Qed.

End Tables.
