(* CompactProofs: Cert: BranchSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Base.Sums Base.Totals Base.Signed63.
From CompactProofs Require Import Cert.Terms Cert.TermsSound Cert.Bands Cert.CreditsSound Cert.ExactCheck.
Import ListNotations.
(** * Branch and bound counts what it should
    - [total_over sets f]  == the sum of [f x] over all choices [x] of one token from each of [sets]
    - [from sets x]        == [x] is such a choice
    - [tabulate f i sets]  == the entries [f i set token], per set and token; positions are numbered from [i]
    - [down m]             == the tokens m, m - 1, .., 0
    Main results: [branch_sound], [boxes_total] (the boxes of a case have each of its sequences once). *)

(** ** Sums over lists *)

Fixpoint sum_list {A : Type} (f : A -> Z) (l : list A) : Z :=
  match l with
  | [] => 0%Z
  | x :: rest => (f x + sum_list f rest)%Z
  end.

Lemma sum_list_le : forall (A : Type) (f g : A -> Z) (l : list A),
  (forall x, In x l -> f x <= g x)%Z -> (sum_list f l <= sum_list g l)%Z.
Proof.
  intros A f g. induction l as [|x l IH]; intros each; [apply Z.le_refl|].
  cbn [sum_list]. apply Z.add_le_mono; [apply each; left; reflexivity|].
  apply IH. intros y member. apply each. right. exact member.
Qed.

Lemma sum_list_ext : forall (A : Type) (f g : A -> Z) (l : list A),
  (forall x, In x l -> f x = g x) -> sum_list f l = sum_list g l.
Proof.
  intros A f g. induction l as [|x l IH]; intros each; [reflexivity|].
  cbn [sum_list]. f_equal; [apply each; left; reflexivity|].
  apply IH. intros y member. apply each. right. exact member.
Qed.

Local Lemma sum_list_app : forall (A : Type) (f : A -> Z) (a b : list A),
  sum_list f (a ++ b) = (sum_list f a + sum_list f b)%Z.
Proof. intros A f a b. induction a as [|x a IH]; [reflexivity|]. cbn [app sum_list]. lia. Qed.

Local Lemma sum_list_plus : forall (A : Type) (f g : A -> Z) (l : list A),
  sum_list (fun x => f x + g x)%Z l = (sum_list f l + sum_list g l)%Z.
Proof. intros A f g. induction l as [|x l IH]; [reflexivity|]. cbn [sum_list]. lia. Qed.

Local Lemma sum_list_zero : forall (A : Type) (l : list A), sum_list (fun _ => 0%Z) l = 0%Z.
Proof. intros A. induction l as [|x l IH]; [reflexivity|]. exact IH. Qed.

Local Lemma sum_list_swap : forall (A B : Type) (f : A -> B -> Z) (a : list A) (b : list B),
  sum_list (fun x => sum_list (f x) b) a = sum_list (fun y => sum_list (fun x => f x y) a) b.
Proof.
  intros A B f a b. induction a as [|x a IH]; [symmetry; apply sum_list_zero|].
  cbn [sum_list]. rewrite sum_list_plus, IH. reflexivity.
Qed.

Lemma sum_list_map : forall (A B : Type) (f : B -> Z) (g : A -> B) (l : list A),
  sum_list f (map g l) = sum_list (fun x => f (g x)) l.
Proof. intros A B f g. induction l as [|x l IH]; [reflexivity|]. cbn [map sum_list]. rewrite IH. reflexivity. Qed.

Lemma sum_list_seq : forall (f : nat -> Z) (count start : nat),
  sum_list f (seq start count) = sumZ count (fun k => f (start + k)).
Proof.
  intros f. induction count as [|count IH]; intros start; [reflexivity|].
  cbn [seq sum_list sumZ]. rewrite Nat.add_0_r, IH. f_equal.
  apply sumZ_ext. intros k _. f_equal. lia.
Qed.

Lemma sum_counts_fst : forall (A : Type) (f : A -> Z * Z) (l : list A), fst (sum_counts f l) = sum_list (fun x => fst (f x)) l.
Proof. intros A f. induction l as [|x l IH]; [reflexivity|]. cbn [sum_list]. rewrite <- IH. reflexivity. Qed.

Lemma sum_counts_snd : forall (A : Type) (f : A -> Z * Z) (l : list A), snd (sum_counts f l) = sum_list (fun x => snd (f x)) l.
Proof. intros A f. induction l as [|x l IH]; [reflexivity|]. cbn [sum_list]. rewrite <- IH. reflexivity. Qed.

Lemma sum_counts_ext : forall (A : Type) (f g : A -> Z * Z) (l : list A),
  (forall x, f x = g x) -> sum_counts f l = sum_counts g l.
Proof.
  intros A f g l same. induction l as [|x l IH]; [reflexivity|]. unfold sum_counts in *. cbn [fold_right].
  rewrite same, IH. reflexivity.
Qed.

(** ** Choices *)

Fixpoint total_over (sets : list (list nat)) (f : list nat -> Z) : Z :=
  match sets with
  | [] => f []
  | set :: rest => sum_list (fun t => total_over rest (fun x => f (t :: x))) set
  end.

Definition from (sets : list (list nat)) (x : list nat) : Prop := Forall2 (fun set t => In t set) sets x.

Local Lemma from_length : forall (sets : list (list nat)) (x : list nat), from sets x -> length sets = length x.
Proof.
  intros sets x chosen. induction chosen as [|set t sets x _ _ IH]; [reflexivity|]. cbn [length]. rewrite IH. reflexivity.
Qed.

Lemma total_over_le : forall (sets : list (list nat)) (f g : list nat -> Z),
  (forall x, from sets x -> f x <= g x)%Z -> (total_over sets f <= total_over sets g)%Z.
Proof.
  induction sets as [|set sets IH]; intros f g each; cbn [total_over]; [apply each; constructor|].
  apply sum_list_le. intros t member. apply IH. intros x chosen. apply each. constructor; assumption.
Qed.

Local Lemma total_over_nonneg : forall (sets : list (list nat)) (f : list nat -> Z),
  (forall x, 0 <= f x)%Z -> (0 <= total_over sets f)%Z.
Proof.
  induction sets as [|set sets IH]; intros f nonneg; cbn [total_over]; [apply nonneg|].
  rewrite <- (sum_list_zero _ set). apply sum_list_le. intros t _. apply IH. intro x. apply nonneg.
Qed.

Fixpoint tabulate {A : Type} (f : nat -> list nat -> nat -> A) (i : nat) (sets : list (list nat)) : list (list A) :=
  match sets with
  | [] => []
  | set :: rest => map (f i set) set :: tabulate f (S i) rest
  end.

Lemma tabulate_length : forall (A : Type) (f : nat -> list nat -> nat -> A) (sets : list (list nat)) (i : nat),
  length (tabulate f i sets) = length sets.
Proof. intros A f. induction sets as [|set sets IH]; intros i; cbn; [reflexivity|]. rewrite IH. reflexivity. Qed.

Lemma tabulate_repeat : forall (A : Type) (f : nat -> list nat -> nat -> A) (set : list nat) (count i : nat),
  tabulate f i (repeat set count) = map (fun i => map (f i set) set) (seq i count).
Proof.
  intros A f set. induction count as [|count IH]; intros i; [reflexivity|].
  cbn [repeat tabulate seq map]. rewrite IH. reflexivity.
Qed.

Lemma in_box_tabulate : forall (A : Type) (f : nat -> nat -> A) (b : box) (sets : list (list nat)),
  in_box b (tabulate (fun i _ => f i) 0 sets) = tabulate (fun i _ => f i) 0 (in_box b sets).
Proof.
  intros A f [k|] sets; [|reflexivity]. cbn [in_box]. revert k. generalize 0.
  induction sets as [|set sets IH]; intros i k; [destruct k; reflexivity|]. cbn [tabulate first_at].
  destruct k as [|k]; cbn [first_at tabulate]; [destruct set; reflexivity|]. f_equal; [destruct set; reflexivity | apply IH].
Qed.

Lemma by_row_map : forall (A B C : Type) (nothing : C) (f : A -> B -> C) (tokens : list B) (columns : list A),
  by_row nothing (length tokens) (map (fun c => map (f c) tokens) columns) = map (fun t => map (fun c => f c t) columns) tokens.
Proof.
  intros A B C nothing f. induction tokens as [|t tokens IH]; intros columns; [reflexivity|].
  cbn [length by_row map]. rewrite !map_map. cbn [map hd tl]. rewrite <- IH. reflexivity.
Qed.

Lemma by_row_tabulate : forall (A B C : Type) (nothing : C) (e : nat -> list nat -> nat -> B)
    (f : A -> nat -> list nat -> nat -> C) (columns : list A) (sets : list (list nat)) (i : nat),
  zip_with (fun es tables => by_row nothing (length es) tables) (tabulate e i sets)
    (by_row [] (length sets) (map (fun c => tabulate (f c) i sets) columns)) =
  tabulate (fun i set t => map (fun c => f c i set t) columns) i sets.
Proof.
  intros A B C nothing e f columns. induction sets as [|set sets IH]; intros i; [reflexivity|].
  cbn [length by_row tabulate zip_with]. rewrite !map_map. cbn [hd tl]. rewrite map_length. f_equal.
  - apply by_row_map.
  - apply IH.
Qed.

(** ** One box *)

Section Branch.
  Context {A : Type} (rivals : list A) (above below : A -> nat -> list nat -> nat -> int).
  Local Notation credits := (fun i set t => map (fun c => (above c i set t, below c i set t)) rivals).

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
    match levels_of (tabulate credits i sets) with [] => 1%Z | l :: _ => completions l end = total_over sets (fun _ => 1%Z).
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

  Theorem branch_sound : forall (sets : list (list nat)) (i : nat) (up down : A -> int) (right wrong : list nat -> bool),
    (forall c, In c rivals -> ranged (above c) i sets /\ ranged (below c) i sets) ->
    (forall c, In c rivals -> room sets (up c) /\ room sets (down c)) ->
    right_when sets i up right -> wrong_when sets i down wrong ->
    bounded sets right wrong (branch (levels_of (tabulate credits i sets)) (values up down)).
  Proof.
    induction sets as [|set sets IH]; intros i up down right wrong range enough is_right is_wrong.
    - apply (decided [] i up down right wrong (0, 0)%Z range is_right is_wrong). split; apply total_nonneg.
    - assert (all := completions_total (set :: sets) i). cbn [tabulate levels_of branch options] in *. cbv zeta.
      rewrite all. apply (decided (set :: sets) i up down right wrong _ range is_right is_wrong). clear all.
      assert (each : forall tokens : list nat, incl tokens set ->
        let counts := (fix each (options : list (list two_sided)) : Z * Z :=
          match options with
          | [] => (0, 0)%Z
          | first :: options' => add_counts (branch (levels_of (tabulate credits (S i) sets))
              (zip_with minus_credits (values up down) first)) (each options')
          end) (map (credits i set) tokens) in
        (fst counts <= sum_list (fun t => total_over sets (fun x => indicator (right (t :: x)))) tokens)%Z /\
        (snd counts <= sum_list (fun t => total_over sets (fun x => indicator (wrong (t :: x)))) tokens)%Z);
      [|exact (each set (incl_refl set))].
      induction tokens as [|t tokens IHt]; intros included; [split; apply Z.le_refl|].
      assert (member_t : In t set) by (apply included; left; reflexivity).
      destruct (IHt (fun u member => included u (or_intror member))) as [rest_right rest_wrong].
      rewrite map_cons, values_minus. cbn [sum_list]. unfold add_counts at 1 2. cbn [fst snd].
      destruct (IH (S i) (fun c => up c - above c i set t)%uint63 (fun c => down c - below c i set t)%uint63
        (fun x => right (t :: x)) (fun x => wrong (t :: x))) as [this_right this_wrong].
      + intros c member. destruct (range c member) as [[_ up_range] [_ down_range]]. split; assumption.
      + intros c member. destruct (range c member) as [[up_range _] [down_range _]].
        destruct (enough c member) as [up_room down_room]. split.
        * apply (room_minus set sets (up c)); auto.
        * apply (room_minus set sets (down c)); auto.
      + intros x chosen low. apply is_right; [constructor; assumption|]. intros c member. specialize (low c member).
        destruct (range c member) as [[up_range _] _]. destruct (enough c member) as [up_room _].
        destruct (room_minus set sets (up c) _ up_room (up_range t member_t)) as [value _]. cbn [credit_sum]. lia.
      + intros x c chosen member low. apply (is_wrong (t :: x) c); [constructor; assumption | exact member|].
        destruct (range c member) as [_ [down_range _]]. destruct (enough c member) as [_ down_room].
        destruct (room_minus set sets (down c) _ down_room (down_range t member_t)) as [value _]. cbn [credit_sum]. lia.
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

(** ** The boxes of a case *)

Definition down (m : nat) : list nat := rev (seq 0 (S m)).

Local Lemma down_step : forall m : nat, down m = m :: rev (seq 0 m).
Proof. intro m. unfold down. rewrite seq_S, rev_app_distr. reflexivity. Qed.

Local Lemma down_in : forall m t : nat, In t (down m) -> t <= m.
Proof. intros m t member. apply in_rev in member. apply in_seq in member. lia. Qed.

Local Lemma sum_list_down : forall (f : nat -> Z) (k : nat), sum_list f (rev (seq 0 k)) = sumZ k f.
Proof.
  intros f. induction k as [|k IH]; [reflexivity|]. rewrite seq_S, rev_app_distr. cbn [rev app sum_list].
  rewrite IH. replace (S k) with (k + 1) by lia. rewrite sumZ_app. cbn [sumZ Nat.add]. rewrite Nat.add_0_r. lia.
Qed.

Local Lemma total_full : forall (m n : nat) (f : list nat -> Z), total (S m) n f = total_over (repeat (down m) n) f.
Proof.
  intros m. induction n as [|n IH]; intros f; [reflexivity|]. cbn [total repeat total_over].
  unfold down at 2. rewrite sum_list_down. apply sumZ_ext. intros t _. apply IH.
Qed.

Lemma boxes_total : forall (m n : nat) (seen : bool) (f : list nat -> Z),
  total (S m) n (fun x => if chosen_new m seen x then f x else 0%Z) =
  sum_list (fun b => total_over (in_box b (repeat (down m) n)) f) (boxes n seen).
Proof.
  intros m n seen. destruct seen.
  - intro f. cbn [boxes sum_list in_box chosen_new orb]. rewrite Z.add_0_r. apply total_full.
  - unfold boxes. induction n as [|n IH]; intros f; [reflexivity|].
    change (total (S m) (S n)) with (fun g => sumZ (S m) (fun t => total (S m) n (fun x => g (t :: x)))). cbv beta.
    replace (S m) with (m + 1) at 1 by lia. rewrite sumZ_app. cbn [sumZ]. rewrite Nat.add_0_r, Z.add_0_r, Z.add_comm.
    change (seq 0 (S n)) with (0 :: seq 1 n). rewrite <- seq_shift. cbn [map sum_list]. rewrite !sum_list_map.
    cbn [in_box first_at repeat]. rewrite down_step at 1. cbn [firstn]. f_equal.
    + cbn [total_over sum_list]. rewrite Z.add_0_r, <- total_full. apply total_ext. intros x _ _.
      unfold chosen_new. cbn [existsb]. rewrite Nat.eqb_refl. reflexivity.
    + rewrite (sum_list_ext _ _ (fun k => sum_list (fun t => total_over (first_at k (repeat (down m) n)) (fun x => f (t :: x)))
        (rev (seq 0 m)))) by (intros k _; rewrite down_step at 1; reflexivity).
      rewrite sum_list_swap, sum_list_down. apply sumZ_ext. intros t less.
      rewrite <- (sum_list_map _ _ (fun b => total_over (in_box b (repeat (down m) n)) (fun x => f (t :: x))) Some), <- IH.
      apply total_ext. intros x _ _. unfold chosen_new. cbn [existsb].
      destruct (Nat.eqb_spec m t); [lia | reflexivity].
Qed.

Lemma in_box_length : forall (A : Type) (b : box) (positions : list (list A)), length (in_box b positions) = length positions.
Proof.
  intros A [k|] positions; [|reflexivity]. cbn [in_box]. revert k.
  induction positions as [|tokens positions IH]; intros k; [destruct k; reflexivity|].
  destruct k as [|k]; cbn [first_at length]; [reflexivity|]. rewrite IH. reflexivity.
Qed.

Local Lemma from_full : forall (m n : nat) (x : list nat), from (repeat (down m) n) x -> below (S m) x.
Proof.
  intros m. induction n as [|n IH]; intros x chosen; inversion chosen as [|? t ? x' first later]; subst; constructor.
  - apply down_in in first. lia.
  - exact (IH x' later).
Qed.

Lemma from_box : forall (m n : nat) (seen : bool) (b : box) (x : list nat),
  In b (boxes n seen) -> from (in_box b (repeat (down m) n)) x -> below (S m) x /\ length x = n /\ chosen_new m seen x = true.
Proof.
  intros m n seen b x member chosen.
  assert (len : length x = n).
  { rewrite <- (from_length _ x chosen), in_box_length. apply repeat_length. }
  destruct seen; cbn [boxes] in member.
  - destruct member as [<-|[]]. split; [exact (from_full m n x chosen) | split; [exact len | reflexivity]].
  - apply in_map_iff in member. destruct member as (k & <- & inside). apply in_seq in inside. cbn [in_box] in chosen.
    assert (both : below (S m) x /\ chosen_new m false x = true); [|tauto]. clear len. unfold chosen_new. cbn [orb].
    assert (small : k < n) by lia. clear inside. revert k x small chosen.
    induction n as [|n IH]; intros k x small chosen; [lia|]. cbn [repeat] in chosen.
    destruct k as [|k]; cbn [first_at] in chosen; inversion chosen as [|? t ? x' first later]; subst.
    + rewrite down_step in first. cbn [firstn] in first. destruct first as [<-|[]]. cbn [existsb]. rewrite Nat.eqb_refl.
      split; [|reflexivity]. constructor; [lia | exact (from_full m n x' later)].
    + destruct (IH k x' ltac:(lia) later) as [inside some]. cbn [existsb]. rewrite some, orb_true_r.
      split; [|reflexivity]. constructor; [|exact inside]. rewrite down_step in first. cbn [tl] in first.
      apply in_rev in first. apply in_seq in first. lia.
Qed.
