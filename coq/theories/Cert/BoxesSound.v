(* CompactProofs: Cert: BoxesSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia.
From CompactProofs Require Import Base.Sums Base.Totals Base.Matrix.
From CompactProofs Require Import Cert.Terms Cert.TermsSound Cert.Bands Cert.BandsSound Cert.CreditsSound Cert.ExactCheck.
Import ListNotations.
(** * The boxes of a case have each of its sequences once
    - [total_over sets f]  == the sum of [f x] over all choices [x] of one token from each of [sets]
    - [from sets x]        == [x] is such a choice
    - [tabulate f i sets]  == the entries [f i set token], per set and token; positions are numbered from [i]
    - [down m]             == the tokens m, m - 1, .., 0
    Main results: [boxes_total], [from_box]. *)

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

Lemma from_length : forall (sets : list (list nat)) (x : list nat), from sets x -> length sets = length x.
Proof.
  intros sets x chosen. induction chosen as [|set t sets x _ _ IH]; [reflexivity|]. cbn [length]. rewrite IH. reflexivity.
Qed.

Lemma total_over_le : forall (sets : list (list nat)) (f g : list nat -> Z),
  (forall x, from sets x -> f x <= g x)%Z -> (total_over sets f <= total_over sets g)%Z.
Proof.
  induction sets as [|set sets IH]; intros f g each; cbn [total_over]; [apply each; constructor|].
  apply sum_list_le. intros t member. apply IH. intros x chosen. apply each. constructor; assumption.
Qed.

Lemma total_over_nonneg : forall (sets : list (list nat)) (f : list nat -> Z),
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

Local Lemma zip_with_pair : forall (A B : Type) (f : A -> B) (l : list A),
  zip_with pair l (map f l) = map (fun x => (x, f x)) l.
Proof. intros A B f. induction l as [|x l IH]; [reflexivity|]. cbn [map zip_with]. rewrite IH. reflexivity. Qed.

Lemma by_row_tabulate : forall (A B : Type) (nothing : B) (f : A -> nat -> list nat -> nat -> B) (columns : list A)
    (sets : list (list nat)) (i : nat),
  zip_with (fun set tables => zip_with pair set (by_row nothing (length set) tables)) sets
    (by_row [] (length sets) (map (fun c => tabulate (f c) i sets) columns)) =
  tabulate (fun i set t => (t, map (fun c => f c i set t) columns)) i sets.
Proof.
  intros A B nothing f columns. induction sets as [|set sets IH]; intros i; [reflexivity|].
  cbn [length by_row tabulate zip_with]. rewrite !map_map. cbn [hd tl]. f_equal; [|apply IH].
  rewrite by_row_map. apply zip_with_pair.
Qed.

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

(** ** Lists *)

Lemma by_row_as_map : forall (A : Type) (nothing : A) (count : nat) (columns : list (list A)),
  by_row nothing count columns = map (fun k => map (fun column => nth k column nothing) columns) (seq 0 count).
Proof.
  intros A nothing count columns. apply (nth_ext _ _ [] []); [rewrite by_row_length, map_length, seq_length; reflexivity|].
  intros k inside. rewrite by_row_length in inside. rewrite by_row_nth by exact inside.
  rewrite (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; exact inside). rewrite seq_nth by exact inside. reflexivity.
Qed.

Lemma as_map_nth : forall (A : Type) (default : A) (l : list A), l = map (fun k => nth k l default) (seq 0 (length l)).
Proof.
  intros A default l. apply (nth_ext _ _ default default); [rewrite map_length, seq_length; reflexivity|].
  intros k inside. rewrite (nth_map_any _ _ _ _ _ O) by (rewrite seq_length; exact inside). rewrite seq_nth by exact inside.
  reflexivity.
Qed.

Lemma zip_with_maps : forall (A B C D : Type) (f : B -> C -> D) (g : A -> B) (h : A -> C) (l : list A),
  zip_with f (map g l) (map h l) = map (fun x => f (g x) (h x)) l.
Proof. intros A B C D f g h. induction l as [|x l IH]; [reflexivity|]. cbn [map zip_with]. rewrite IH. reflexivity. Qed.

Lemma filter_map : forall (A B : Type) (keep : B -> bool) (f : A -> B) (l : list A),
  filter keep (map f l) = map f (filter (fun x => keep (f x)) l).
Proof.
  intros A B keep f. induction l as [|x l IH]; [reflexivity|]. cbn [map filter].
  destruct (keep (f x)); cbn [map]; rewrite IH; reflexivity.
Qed.

Lemma seq_split : forall d m : nat, m < d -> seq 0 d = seq 0 m ++ m :: seq (S m) (d - S m).
Proof.
  intros d m inside. replace d with (m + S (d - S m)) at 1 by lia. rewrite seq_app. reflexivity.
Qed.

Lemma skipn_down : forall d m : nat, m < d -> skipn (d - S m) (rev (seq 0 d)) = down m.
Proof.
  intros d m inside. replace (seq 0 d) with (seq 0 (S m) ++ seq (S m) (d - S m))
    by (rewrite <- seq_app; f_equal; lia).
  rewrite rev_app_distr, skipn_app, rev_length, seq_length, Nat.sub_diag.
  rewrite skipn_all2 by (rewrite rev_length, seq_length; lia). reflexivity.
Qed.

Lemma firstn_seq : forall k n start : nat, k <= n -> firstn k (seq start n) = seq start k.
Proof.
  intros k n start less. replace n with (k + (n - k)) by lia. rewrite seq_app.
  rewrite firstn_app, seq_length, Nat.sub_diag, firstn_all2 by (rewrite seq_length; lia). apply app_nil_r.
Qed.
