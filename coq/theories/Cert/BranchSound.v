(* CompactProofs: Cert: BranchSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Base.Sums Base.Totals Base.Signed63.
From CompactProofs Require Import Cert.Terms Cert.TermsSound Cert.ExactCheck Cert.BoxesSound.
Import ListNotations.
(** * Branch and bound counts no more than is right, or wrong
    - [credit_sum credit i sets x] == the credits of the tokens [x]
    - [cost_sum cost i x]          == their costs
    Main results: [branch_sound]; [start_value], [start_below] (what the largest costs of a box bound). *)

(** ** One box *)

Section Branch.
  Context {A : Type} (rivals : list A) (above below : A -> nat -> list nat -> nat -> int) (leaf : list nat -> Z * Z).
  Local Notation credits := (fun i set t => map (fun c => (above c i set t, below c i set t)) rivals).
  Local Notation choices := (fun i set t => (t, map (fun c => (above c i set t, below c i set t)) rivals)).

  Fixpoint credit_sum (credit : nat -> list nat -> nat -> int) (i : nat) (sets : list (list nat)) (x : list nat) : Z :=
    match sets, x with
    | set :: rest, t :: x' => (signed (credit i set t) + credit_sum credit (S i) rest x')%Z
    | _, _ => 0%Z
    end.

  Definition values (up down : A -> int) : list two_sided := map (fun c => (up c, down c)) rivals.

  Local Lemma values_minus : forall (up down : A -> int) (i : nat) (set : list nat) (t : nat),
    zip_with minus_credits (values up down) (credits i set t) =
    values (fun c => up c - above c i set t)%uint63 (fun c => down c - below c i set t)%uint63.
  Proof.
    intros up down i set t. unfold values. induction rivals as [|c l IH]; [reflexivity|].
    cbn [map zip_with]. rewrite IH. reflexivity.
  Qed.

  Local Lemma all_right_true : forall up down : A -> int, all_right (values up down) = true ->
    forall c, In c rivals -> (signed (up c) < 0)%Z.
  Proof.
    intros up down. unfold values. induction rivals as [|c l IH]; intros holds c' member; [contradiction|].
    cbn [map all_right fst] in holds. rewrite slt_spec, signed_zero in holds.
    destruct (Z.ltb_spec (signed (up c)) 0) as [negative|]; [|discriminate holds].
    destruct member as [<-|member]; [exact negative | exact (IH holds c' member)].
  Qed.

  Local Lemma some_wrong_true : forall up down : A -> int, some_wrong (values up down) = true ->
    exists c, In c rivals /\ (signed (down c) <= 0)%Z.
  Proof.
    intros up down. unfold values. induction rivals as [|c l IH]; intros holds; [discriminate holds|].
    cbn [map some_wrong snd] in holds. rewrite slt_spec, signed_zero in holds.
    destruct (Z.ltb_spec 0 (signed (down c))) as [positive|low].
    - destruct (IH holds) as (c' & member & holds'). exists c'. split; [right; exact member | exact holds'].
    - exists c. split; [left; reflexivity | exact low].
  Qed.

  (** Credits are not negative, and small. *)
  Fixpoint ranged (credit : nat -> list nat -> nat -> int) (i : nat) (sets : list (list nat)) : Prop :=
    match sets with
    | [] => True
    | set :: rest => (forall t, In t set -> (0 <= signed (credit i set t) <= 2 ^ 32)%Z) /\ ranged credit (S i) rest
    end.

  Lemma credit_sum_nonneg : forall (credit : nat -> list nat -> nat -> int) (sets : list (list nat)) (i : nat) (x : list nat),
    ranged credit i sets -> from sets x -> (0 <= credit_sum credit i sets x)%Z.
  Proof.
    intros credit. induction sets as [|set sets IH]; intros i x range chosen;
      inversion chosen as [|? t ? x' first later]; subst; cbn [credit_sum]; [lia|].
    destruct range as [here rest]. specialize (here t first). specialize (IH (S i) x' rest later). lia.
  Qed.

  Local Lemma completions_total : forall (sets : list (list nat)) (i : nat),
    match levels_of (tabulate choices i sets) with [] => 1%Z | l :: _ => completions l end = total_over sets (fun _ => 1%Z).
  Proof.
    induction sets as [|set sets IH]; intros i; [reflexivity|].
    cbn [tabulate levels_of completions total_over]. rewrite IH, map_length. generalize (total_over sets (fun _ => 1%Z)).
    intro each. clear. induction set as [|t set IH]; [reflexivity|].
    cbn [length sum_list]. rewrite <- IH. lia.
  Qed.

  Definition room (sets : list (list nat)) (v : int) : Prop := (Z.abs (signed v) + Z.of_nat (length sets) * 2 ^ 32 < 2 ^ 62)%Z.

  Local Lemma room_minus : forall (set : list nat) (sets : list (list nat)) (v credit : int),
    room (set :: sets) v -> (0 <= signed credit <= 2 ^ 32)%Z ->
    signed (v - credit)%uint63 = (signed v - signed credit)%Z /\ room sets (v - credit)%uint63.
  Proof.
    intros set sets v credit enough range. unfold room in *. cbn [length] in enough.
    assert (value : signed (v - credit)%uint63 = (signed v - signed credit)%Z) by (apply signed_sub; lia).
    split; [exact value|]. rewrite value. lia.
  Qed.

  (** [right], [wrong]: what sums of costs below 0, or of at most 0, make true. *)
  Definition right_when (sets : list (list nat)) (i : nat) (up : A -> int) (right : list nat -> bool) : Prop :=
    forall x, from sets x -> (forall c, In c rivals -> (signed (up c) - credit_sum (above c) i sets x < 0)%Z) -> right x = true.

  Definition wrong_when (sets : list (list nat)) (i : nat) (down : A -> int) (wrong : list nat -> bool) : Prop :=
    forall x c, from sets x -> In c rivals -> (signed (down c) - credit_sum (below c) i sets x <= 0)%Z -> wrong x = true.

  Definition bounded (sets : list (list nat)) (right wrong : list nat -> bool) (counts : Z * Z) : Prop :=
    (fst counts <= total_over sets (fun x => indicator (right x)))%Z /\
    (snd counts <= total_over sets (fun x => indicator (wrong x)))%Z.

  Local Lemma total_nonneg : forall (sets : list (list nat)) (f : list nat -> bool),
    (0 <= total_over sets (fun x => indicator (f x)))%Z.
  Proof. intros sets f. apply total_over_nonneg. intro x. apply indicator_nonneg. Qed.

  Local Lemma total_every : forall (sets : list (list nat)) (f : list nat -> bool), (forall x, from sets x -> f x = true) ->
    (total_over sets (fun _ => 1) <= total_over sets (fun x => indicator (f x)))%Z.
  Proof. intros sets f holds. apply total_over_le. intros x chosen. rewrite (holds x chosen). cbn. lia. Qed.

  Local Lemma decided : forall (sets : list (list nat)) (i : nat) (up down : A -> int) (right wrong : list nat -> bool)
      (rest : Z * Z),
    (forall c, In c rivals -> ranged (above c) i sets /\ ranged (below c) i sets) ->
    right_when sets i up right -> wrong_when sets i down wrong -> bounded sets right wrong rest ->
    let all := total_over sets (fun _ => 1%Z) in
    bounded sets right wrong
      (if all_right (values up down) then (all, 0%Z) else if some_wrong (values up down) then (0%Z, all) else rest).
  Proof.
    intros sets i up down right wrong rest range is_right is_wrong other all.
    destruct (all_right (values up down)) eqn:rights; [|destruct (some_wrong (values up down)) eqn:wrongs; [|exact other]].
    - split; [|apply total_nonneg]. apply total_every. intros x chosen. apply (is_right x chosen). intros c member.
      assert (low := all_right_true up down rights c member).
      assert (credit := credit_sum_nonneg (above c) sets i x (proj1 (range c member)) chosen). lia.
    - split; [apply total_nonneg|]. apply total_every. intros x chosen.
      destruct (some_wrong_true up down wrongs) as (c & member & low). apply (is_wrong x c chosen member).
      assert (credit := credit_sum_nonneg (below c) sets i x (proj2 (range c member)) chosen). lia.
  Qed.

  (** What is made of one sequence is true. *)
  Definition leaf_when (sets : list (list nat)) (chosen : list nat) (right wrong : list nat -> bool) : Prop :=
    forall x, from sets x -> (fst (leaf (rev x ++ chosen)) <= indicator (right x))%Z /\
      (snd (leaf (rev x ++ chosen)) <= indicator (wrong x))%Z.

  Theorem branch_sound : forall (sets : list (list nat)) (i : nat) (up down : A -> int) (right wrong : list nat -> bool)
      (chosen : list nat),
    (forall c, In c rivals -> ranged (above c) i sets /\ ranged (below c) i sets) ->
    (forall c, In c rivals -> room sets (up c) /\ room sets (down c)) ->
    right_when sets i up right -> wrong_when sets i down wrong -> leaf_when sets chosen right wrong ->
    bounded sets right wrong (branch leaf (levels_of (tabulate choices i sets)) (values up down) chosen).
  Proof.
    induction sets as [|set sets IH]; intros i up down right wrong chosen range enough is_right is_wrong is_leaf.
    - apply (decided [] i up down right wrong (leaf chosen) range is_right is_wrong). exact (is_leaf [] (Forall2_nil _)).
    - assert (all := completions_total (set :: sets) i). cbn [tabulate levels_of branch options] in *. cbv zeta.
      rewrite all. apply (decided (set :: sets) i up down right wrong _ range is_right is_wrong). clear all.
      assert (each : forall tokens : list nat, incl tokens set ->
        let counts := (fix each (options : list (nat * list two_sided)) : Z * Z :=
          match options with
          | [] => (0, 0)%Z
          | (token, first) :: options' => add_counts (branch leaf (levels_of (tabulate choices (S i) sets))
              (zip_with minus_credits (values up down) first) (token :: chosen)) (each options')
          end) (map (choices i set) tokens) in
        (fst counts <= sum_list (fun t => total_over sets (fun x => indicator (right (t :: x)))) tokens)%Z /\
        (snd counts <= sum_list (fun t => total_over sets (fun x => indicator (wrong (t :: x)))) tokens)%Z);
      [|exact (each set (incl_refl set))].
      induction tokens as [|t tokens IHt]; intros included; [split; apply Z.le_refl|].
      assert (member_t : In t set) by (apply included; left; reflexivity).
      destruct (IHt (fun u member => included u (or_intror member))) as [rest_right rest_wrong].
      rewrite map_cons, values_minus. cbn [sum_list]. unfold add_counts at 1 2. cbn [fst snd].
      destruct (IH (S i) (fun c => up c - above c i set t)%uint63 (fun c => down c - below c i set t)%uint63
        (fun x => right (t :: x)) (fun x => wrong (t :: x)) (t :: chosen)) as [this_right this_wrong].
      + intros c member. destruct (range c member) as [[_ up_range] [_ down_range]]. split; assumption.
      + intros c member. destruct (range c member) as [[up_range _] [down_range _]].
        destruct (enough c member) as [up_room down_room]. split.
        * apply (room_minus set sets (up c)); auto.
        * apply (room_minus set sets (down c)); auto.
      + intros x from_x low. apply is_right; [constructor; assumption|]. intros c member. specialize (low c member).
        destruct (range c member) as [[up_range _] _]. destruct (enough c member) as [up_room _].
        destruct (room_minus set sets (up c) _ up_room (up_range t member_t)) as [value _]. cbn [credit_sum]. lia.
      + intros x c from_x member low. apply (is_wrong (t :: x) c); [constructor; assumption | exact member|].
        destruct (range c member) as [_ [down_range _]]. destruct (enough c member) as [_ down_room].
        destruct (room_minus set sets (down c) _ down_room (down_range t member_t)) as [value _]. cbn [credit_sum]. lia.
      + intros x from_x. assert (longer : from (set :: sets) (t :: x)) by (constructor; assumption).
        specialize (is_leaf (t :: x) longer). cbn [rev] in is_leaf.
        rewrite <- app_assoc in is_leaf. exact is_leaf.
      + split; apply Z.add_le_mono; assumption.
  Qed.
End Branch.

(** ** The credits of a box *)

Section Credits.
  Context (cost : nat -> nat -> int) (small : forall i t, (Z.abs (signed (cost i t)) <= 2 ^ 31)%Z).

  Definition credit_at (i : nat) (set : list nat) (t : nat) : int := (row_top (map (cost i) set) - cost i t)%uint63.

  Fixpoint cost_sum (i : nat) (x : list nat) : Z :=
    match x with
    | [] => 0%Z
    | t :: x' => (signed (cost i t) + cost_sum (S i) x')%Z
    end.

  Local Lemma largest_small : forall (i : nat) (set : list nat), (Z.abs (signed (row_top (map (cost i) set))) <= 2 ^ 31)%Z.
  Proof.
    intros i set. destruct set as [|t set]; [cbn; lia|].
    assert (member := row_top_in (map (cost i) (t :: set)) ltac:(discriminate)).
    apply in_map_iff in member. destruct member as (u & <- & _). apply small.
  Qed.

  Local Lemma credit_value : forall (i : nat) (set : list nat) (t : nat), In t set ->
    signed (credit_at i set t) = (signed (row_top (map (cost i) set)) - signed (cost i t))%Z /\
    (0 <= signed (credit_at i set t) <= 2 ^ 32)%Z.
  Proof.
    intros i set t member. assert (top := largest_small i set). assert (this := small i t).
    assert (above := row_top_ge (map (cost i) set) (cost i t) (in_map _ _ _ member)).
    assert (value : signed (credit_at i set t) = (signed (row_top (map (cost i) set)) - signed (cost i t))%Z)
      by (apply signed_sub; lia).
    split; [exact value | rewrite value; lia].
  Qed.

  Lemma credits_ranged : forall (sets : list (list nat)) (i : nat), ranged credit_at i sets.
  Proof.
    induction sets as [|set sets IH]; intros i; [exact I|]. split; [|apply IH].
    intros t member. apply (credit_value i set t member).
  Qed.

  (** With the cost of the last position. *)
  Context (last : int) (last_small : (Z.abs (signed last) <= 2 ^ 31)%Z).

  Local Lemma sum_largest_value : forall (sets : list (list nat)) (i : nat), (Z.of_nat (length sets) <= 2 ^ 20)%Z ->
    let top := sum_largest (tabulate (fun i _ => cost i) i sets) in
    (Z.abs (signed top) <= Z.of_nat (length sets) * 2 ^ 31)%Z /\
    forall x, from sets x -> (signed top - credit_sum credit_at i sets x = cost_sum i x)%Z.
  Proof.
    induction sets as [|set sets IH]; intros i few top; unfold top; clear top.
    - split; [cbn; lia|]. intros x chosen. inversion chosen. reflexivity.
    - cbn [length] in few. destruct (IH (S i) ltac:(lia)) as [bound rest].
      cbn [tabulate sum_largest fold_right]. fold (sum_largest (tabulate (fun i _ => cost i) (S i) sets)).
      assert (here := largest_small i set). rewrite signed_add by lia. split; [cbn [length]; lia|].
      intros x chosen. inversion chosen as [|? t ? x' first later]; subst. cbn [credit_sum cost_sum].
      rewrite <- (rest x' later). destruct (credit_value i set t first) as [value _]. lia.
  Qed.

  Lemma start_value : forall sets : list (list nat), (Z.of_nat (length sets) < 2 ^ 20)%Z ->
    let top := (last + sum_largest (tabulate (fun i _ => cost i) 0 sets))%uint63 in
    room sets top /\
    forall x, from sets x -> (signed top - credit_sum credit_at 0 sets x = signed last + cost_sum 0 x)%Z.
  Proof.
    intros sets few top. destruct (sum_largest_value sets 0 ltac:(lia)) as [bound value].
    assert (sum : signed top = (signed last + signed (sum_largest (tabulate (fun i _ => cost i) 0 sets)))%Z)
      by (apply signed_add; lia).
    split; [unfold room; lia|]. intros x chosen. specialize (value x chosen). lia.
  Qed.

  (** A sum of largest costs below 0. *)
  Lemma start_below : forall sets : list (list nat), (Z.of_nat (length sets) < 2 ^ 20)%Z ->
    (signed (last + sum_largest (tabulate (fun i _ => cost i) 0 sets))%uint63 < 0)%Z ->
    forall x, from sets x -> (signed last + cost_sum 0 x < 0)%Z.
  Proof.
    intros sets few low x chosen. destruct (start_value sets few) as [_ value].
    assert (credit := credit_sum_nonneg credit_at sets 0 x (credits_ranged sets 0) chosen). specialize (value x chosen). lia.
  Qed.
End Credits.
