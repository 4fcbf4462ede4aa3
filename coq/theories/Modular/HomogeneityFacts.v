(* CompactProofs: Modular: HomogeneityFacts *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Bool Lia Permutation.
From CompactProofs Require Import Base.Lists Base.Sums Base.Signed63 Base.Matrix Modular.Form Modular.Homogeneity.
Import ListNotations.
(** * Sums of products, residuals, roots, rotations and bounds of tables, as Modular.Homogeneity computes them
    - [dotZ], [dotsZ]   == what [plus_dot] and [plus_dots] add, over Z
    - [residuals_dots]  == a sum over neurons is that of the fit, collapsed to terms, and that of the residuals
    - [cauchy_dots]     == the inequality of Cauchy and Schwarz, with roots rounded up
    - [dots_gather]     == going by groups leaves no neuron out
    - [over_all_meets]  == a bound over all tables bounds each
    - [corners_le]      == what [plus_corners] bounds *)
Local Open Scope Z_scope.

Fixpoint dotZ (x y : list int) : Z :=
  match x, y with
  | u :: x', v :: y' => signed u * signed v + dotZ x' y'
  | _, _ => 0
  end.

Fixpoint dotsZ (x y : list (list int)) : Z :=
  match x, y with
  | u :: x', v :: y' => dotZ u v + dotsZ x' y'
  | _, _ => 0
  end.

Definition within (b : Z) (x : list int) : Prop := Forall (fun u => Z.abs (signed u) <= b) x.

Lemma congruent_signed : forall (i : int) (z : Z), congruent i z -> Z.abs z < 2 ^ 62 -> signed i = z.
Proof. intros i z same bound. apply signed_of_congruent; [exact same | lia]. Qed.

Lemma plus_dot_congruent : forall (x y : list int) (start : int) (z : Z),
  congruent start z -> congruent (plus_dot start x y) (z + dotZ x y).
Proof.
  induction x as [|u x IH]; intros [|v y] start z same; cbn [plus_dot dotZ]; rewrite ?Z.add_0_r; try exact same.
  rewrite Z.add_assoc. apply IH, congruent_add; [exact same | apply congruent_mul; apply signed_congruent].
Qed.

Lemma plus_dots_congruent : forall (x y : list (list int)) (start : int) (z : Z),
  congruent start z -> congruent (plus_dots start x y) (z + dotsZ x y).
Proof.
  induction x as [|u x IH]; intros [|v y] start z same; cbn [plus_dots dotsZ]; rewrite ?Z.add_0_r; try exact same.
  rewrite Z.add_assoc. apply IH, plus_dot_congruent, same.
Qed.

Lemma dotZ_bound : forall (A B : Z) (x y : list int), 0 <= A -> 0 <= B -> within A x -> within B y ->
  Z.abs (dotZ x y) <= Z.of_nat (length x) * (A * B).
Proof.
  intros A B. induction x as [|u x IH]; intros [|v y] A_nonneg B_nonneg in_A in_B; cbn [dotZ length]; try nia.
  assert (rest := IH y A_nonneg B_nonneg (Forall_inv_tail in_A) (Forall_inv_tail in_B)).
  assert (small_u := Forall_inv in_A). assert (small_v := Forall_inv in_B). cbv beta in small_u, small_v.
  assert (Z.abs (signed u * signed v) <= A * B) by (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg; lia). lia.
Qed.

Lemma dotsZ_bound : forall (A B : Z) (x y : list (list int)), 0 <= A -> 0 <= B -> Forall (within A) x -> Forall (within B) y ->
  Z.abs (dotsZ x y) <= Z.of_nat (length (concat x)) * (A * B).
Proof.
  intros A B. induction x as [|u x IH]; intros [|v y] A_nonneg B_nonneg in_A in_B; cbn [dotsZ length concat]; try nia.
  rewrite app_length, Nat2Z.inj_add. assert (rest := IH y A_nonneg B_nonneg (Forall_inv_tail in_A) (Forall_inv_tail in_B)).
  assert (here := dotZ_bound A B u v A_nonneg B_nonneg (Forall_inv in_A) (Forall_inv in_B)). lia.
Qed.

(** ** Residuals *)

Lemma within_mono : forall (A B : Z) (x : list int), A <= B -> within A x -> within B x.
Proof. intros A B x less. apply Forall_impl. intros u small. lia. Qed.

Lemma minus_multiple_dot : forall (A B C : Z) (f : int) (t w u : list int),
  0 <= A -> 0 <= C -> B + C * A <= 2 ^ 60 -> Z.abs (signed f) <= C -> within A t -> within B w -> length u = length w ->
  length (minus_multiple f t w) = length w /\ within (B + C * A) (minus_multiple f t w) /\
  dotZ u (minus_multiple f t w) = dotZ u w - signed f * dotZ u t.
Proof.
  intros A B C f t w u A_nonneg C_nonneg fits small_f. revert w u.
  induction t as [|x t IH]; intros [|y w] u in_A in_B len; cbn [minus_multiple].
  - repeat split; [constructor|]. destruct u; [cbn; lia | discriminate len].
  - repeat split; [apply (within_mono B); [nia | exact in_B]|]. destruct u; cbn [dotZ]; lia.
  - repeat split; [constructor|]. destruct u; [cbn; lia | discriminate len].
  - destruct u as [|z u]; [discriminate len|].
    destruct (IH w u (Forall_inv_tail in_A) (Forall_inv_tail in_B) ltac:(cbn in len; lia)) as (len' & bound & value).
    assert (small_x := Forall_inv in_A). assert (small_y := Forall_inv in_B). cbv beta in small_x, small_y.
    assert (product : Z.abs (signed f * signed x) <= C * A) by (rewrite Z.abs_mul; apply Z.mul_le_mono_nonneg; lia).
    assert (exact_entry : signed (y - f * x) = signed y - signed f * signed x).
    { apply congruent_signed; [|lia]. apply congruent_sub; [|apply congruent_mul]; apply signed_congruent. }
    cbn [length dotZ]. rewrite exact_entry. repeat split; [lia| |lia]. constructor; [lia | exact bound].
Qed.

Lemma residual_dot : forall (A C V : Z) (u : list int) (phi : list int) (t : list (list int)) (w : list int) (B : Z),
  0 <= A -> 0 <= C -> 0 <= V -> Z.of_nat (length u) * (V * A) <= 2 ^ 60 -> within V u ->
  B + Z.of_nat (length phi) * (C * A) <= 2 ^ 60 -> within C phi -> Forall (within A) t -> within B w -> length u = length w ->
  length (residual phi t w) = length w /\ within (B + Z.of_nat (length phi) * (C * A)) (residual phi t w) /\
  dotZ u (residual phi t w) = dotZ u w - dotZ phi (map (plus_dot 0 u) t).
Proof.
  intros A C V u. induction phi as [|f phi IH]; intros t w B A_nonneg C_nonneg V_nonneg u_fits in_V fits in_C in_A in_B len;
    (destruct t as [|x t]; cbn [residual map dotZ]; [repeat split; [|lia]; apply (within_mono B); [nia | exact in_B]|]).
  - repeat split; [|lia]. apply (within_mono B); [nia | exact in_B].
  - cbn [length] in fits |- *.
    destruct (minus_multiple_dot A B C f x w u) as (len' & bound & value); try assumption; [nia | exact (Forall_inv in_C) |
      exact (Forall_inv in_A) |].
    destruct (IH t (minus_multiple f x w) (B + C * A)) as (len'' & bound' & value'); try assumption; [lia |
      exact (Forall_inv_tail in_C) | exact (Forall_inv_tail in_A) | lia |].
    repeat split; [lia | eapply within_mono; [|exact bound']; lia |]. rewrite value', value.
    assert (small := dotZ_bound V A u x V_nonneg A_nonneg in_V (Forall_inv in_A)).
    rewrite (congruent_signed (plus_dot 0 u x) (dotZ u x)); [lia | exact (plus_dot_congruent u x 0 0 (congruent_to_Z 0)) | lia].
Qed.

Lemma residuals_dots : forall (A B C V W : Z) (r : nat),
  0 <= A -> 0 <= C -> 0 <= V -> B + Z.of_nat r * (C * A) <= W -> W <= 2 ^ 60 ->
  forall (u w phi : list (list int)) (t : list (list (list int))),
  Forall (fun x => Z.of_nat (length x) * (V * A) <= 2 ^ 60) u -> Forall (within V) u -> Forall (within B) w ->
  Forall (fun f => within C f /\ (length f <= r)%nat) phi -> Forall (Forall (within A)) t ->
  Forall2 (fun x y => length x = length y) u w ->
  length (concat (residuals phi t w)) = length (concat w) /\ Forall (within W) (residuals phi t w) /\
  dotsZ u (residuals phi t w) = dotsZ u w - dotsZ phi (terms_of t u).
Proof.
  intros A B C V W r A_nonneg C_nonneg V_nonneg fits W_fits u w phi t u_fits in_V in_B in_C in_A same. revert phi t in_C in_A.
  assert (more : Forall (within W) w) by (revert in_B; apply Forall_impl; intros x; apply within_mono; nia).
  induction same as [|x y u w len same IH]; intros phi t in_C in_A.
  - destruct phi, t; cbn; repeat split; constructor.
  - destruct phi as [|f phi]; [cbn; repeat split; [exact more | lia]|].
    destruct t as [|z t]; [cbn; repeat split; [exact more | lia]|].
    assert (head := Forall_inv in_C). destruct head as [in_C_f short].
    assert (fewer : Z.of_nat (length f) * (C * A) <= Z.of_nat r * (C * A)) by (apply Z.mul_le_mono_nonneg_r; [nia | lia]).
    cbn [residuals concat terms_of zip_with dotsZ].
    destruct (residual_dot A C V x f z y B) as (len' & bound & value); try assumption;
      [exact (Forall_inv u_fits) | exact (Forall_inv in_V) | lia | exact (Forall_inv in_A) | exact (Forall_inv in_B) |].
    destruct (IH (Forall_inv_tail u_fits) (Forall_inv_tail in_V) (Forall_inv_tail in_B) (Forall_inv_tail more) phi t
      (Forall_inv_tail in_C) (Forall_inv_tail in_A)) as (len'' & bounds & values).
    rewrite !app_length, len', len''. repeat split.
    + constructor; [|exact bounds]. eapply within_mono; [|exact bound]. lia.
    + unfold terms_of in values |- *. cbn [zip_with dotsZ]. lia.
Qed.

(** ** Cauchy and Schwarz *)

Lemma dotZ_square : forall x : list int, 0 <= dotZ x x.
Proof. induction x as [|u x IH]; cbn [dotZ]; [lia|]. assert (square := Z.square_nonneg (signed u)). lia. Qed.

Lemma dotsZ_square : forall x : list (list int), 0 <= dotsZ x x.
Proof. induction x as [|u x IH]; cbn [dotsZ]; [lia|]. assert (square := dotZ_square u). lia. Qed.

Lemma young_dot : forall (s v : Z) (x y : list int), 2 * (s * v) * dotZ x y <= v * v * dotZ x x + s * s * dotZ y y.
Proof.
  intros s v. induction x as [|a x IH]; intros [|b y]; cbn [dotZ].
  - lia.
  - assert (rest := dotZ_square y). assert (square := Z.square_nonneg (signed b)). nia.
  - assert (rest := dotZ_square x). assert (square := Z.square_nonneg (signed a)). nia.
  - assert (rest := IH y). assert (square := Z.square_nonneg (v * signed a - s * signed b)). nia.
Qed.

Lemma young_dots : forall (s v : Z) (x y : list (list int)), 2 * (s * v) * dotsZ x y <= v * v * dotsZ x x + s * s * dotsZ y y.
Proof.
  intros s v. induction x as [|a x IH]; intros [|b y]; cbn [dotsZ].
  - lia.
  - assert (rest := dotsZ_square y). assert (square := dotZ_square b). nia.
  - assert (rest := dotsZ_square x). assert (square := dotZ_square a). nia.
  - assert (rest := IH y). assert (here := young_dot s v a b). nia.
Qed.

Theorem cauchy_dots : forall (s v : Z) (x y : list (list int)),
  0 <= s -> 0 <= v -> dotsZ x x <= s * s -> dotsZ y y <= v * v -> dotsZ x y <= s * v.
Proof.
  intros s v x y s_nonneg v_nonneg top_x top_y.
  assert (square_x := dotsZ_square x). assert (square_y := dotsZ_square y).
  destruct (Z.eq_dec s 0) as [->|s_pos]; [|destruct (Z.eq_dec v 0) as [->|v_pos]].
  - assert (young := young_dots 1 (dotsZ y y + 1) x y). nia.
  - assert (young := young_dots (dotsZ x x + 1) 1 x y). nia.
  - assert (young := young_dots s v x y).
    assert (bound : 2 * (s * v) * dotsZ x y <= 2 * (s * v) * (s * v)) by nia.
    apply (Z.mul_le_mono_pos_l _ _ (2 * (s * v))); nia.
Qed.

Lemma le_root : forall n : Z, 0 <= n -> n <= Z.sqrt_up n * Z.sqrt_up n.
Proof. intros n nonneg. apply (Z.sqrt_up_le_square n _ nonneg (Z.sqrt_up_nonneg n)), Z.le_refl. Qed.

Lemma root_spec : forall (B : Z) (x : list (list int)),
  0 <= B -> Forall (within B) x -> Z.of_nat (length (concat x)) * (B * B) <= 2 ^ 60 ->
  0 <= signed (root_of_squares x) <= Z.sqrt_up (Z.of_nat (length (concat x)) * (B * B)) /\
  dotsZ x x <= signed (root_of_squares x) * signed (root_of_squares x).
Proof.
  intros B x B_nonneg in_B fits. assert (bound := dotsZ_bound B B x x B_nonneg B_nonneg in_B in_B).
  assert (square := dotsZ_square x). unfold root_of_squares, root.
  rewrite (to_Z_of_congruent _ (dotsZ x x) (plus_dots_congruent x x 0 0 (congruent_to_Z 0)) ltac:(lia)).
  assert (small : Z.sqrt_up (dotsZ x x) <= 2 ^ 30)
    by (apply Z.sqrt_up_le_square; [exact square | lia |]; change (2 ^ 30 * 2 ^ 30) with (2 ^ 60); lia).
  assert (root_nonneg := Z.sqrt_up_nonneg (dotsZ x x)).
  rewrite (congruent_signed _ _ (congruent_of_Z (Z.sqrt_up (dotsZ x x)))) by lia.
  repeat split; [exact root_nonneg | apply Z.sqrt_up_le_mono; lia | apply le_root, square].
Qed.

Lemma nonnegative_spec : forall x : int, nonnegative x = (0 <=? signed x).
Proof.
  intro x. unfold nonnegative. assert (spec := ltb_spec x half). change (to_Z half) with (2 ^ 62) in spec.
  assert (range := to_Z_range x). unfold signed. destruct (ltb x half).
  - assert (small : to_Z x < 2 ^ 62) by (apply spec; reflexivity).
    destruct (Z.ltb_spec (to_Z x) (2 ^ 62)) as [|]; [symmetry; apply Z.leb_le|]; lia.
  - destruct (Z.ltb_spec (to_Z x) (2 ^ 62)) as [less|more]; [apply spec in less; discriminate less|].
    symmetry. apply Z.leb_gt. lia.
Qed.

Lemma row_top_bound : forall (row : list int) (j : nat), (j < length row)%nat -> at1 row j <= signed (row_top row).
Proof.
  assert (fold : forall (row : list int) (x : int),
    signed x <= signed (fold_left smax row x) /\ Forall (fun u => signed u <= signed (fold_left smax row x)) row).
  { induction row as [|y row IH]; intro x; cbn [fold_left]; [split; [lia | constructor]|].
    destruct (IH (smax x y)) as [here rest]. assert (two := signed_smax x y). split; [lia|]. constructor; [lia | exact rest]. }
  intros [|x row] j inside; [inversion inside|]. unfold row_top, at1. destruct (fold row x) as [here rest].
  destruct j as [|j]; [exact here|]. cbn [nth]. rewrite Forall_forall in rest. apply rest, nth_In. cbn in inside. lia.
Qed.

(** The top is one of the entries. *)
Lemma row_top_within : forall (b : Z) (row : list int), 0 <= b -> within b row -> Z.abs (signed (row_top row)) <= b.
Proof.
  intros b [|x row] nonneg all; [exact nonneg|]. unfold row_top. assert (rest := Forall_inv_tail all).
  assert (here := Forall_inv all). clear all. cbv beta in here. revert x here.
  induction rest as [|y row small rest IH]; intros x here; cbn [fold_left]; [exact here|].
  apply IH. assert (two := signed_smax x y). lia.
Qed.

(** ** Neurons by group *)

Definition total (f : nat -> Z) (l : list nat) : Z := fold_right (fun j sum => f j + sum) 0 l.

Lemma total_app : forall (f : nat -> Z) (l l' : list nat), total f (l ++ l') = total f l + total f l'.
Proof. intros f l l'. induction l as [|j l IH]; cbn [app total fold_right]; [reflexivity|]. unfold total in IH. rewrite IH.
  apply Z.add_assoc. Qed.

Lemma total_permutation : forall (f : nat -> Z) (l l' : list nat), Permutation l l' -> total f l = total f l'.
Proof. intros f l l' same. unfold total. induction same; cbn [fold_right]; lia. Qed.

Lemma total_seq : forall (f : nat -> Z) (n start : nat), total f (seq start n) = sumZ n (fun k => f (start + k)%nat).
Proof.
  intros f. induction n as [|n IH]; intros start; cbn [seq total fold_right sumZ]; [reflexivity|].
  rewrite Nat.add_0_r. unfold total in IH. rewrite IH. f_equal. apply sumZ_ext. intros k _. rewrite Nat.add_succ_r. reflexivity.
Qed.

Lemma dots_gather : forall (f g : nat -> int) (groups : list (list nat)),
  dotsZ (map (map f) groups) (map (map g) groups) = total (fun j => signed (f j) * signed (g j)) (concat groups).
Proof.
  intros f g. induction groups as [|group groups IH]; cbn [map dotsZ concat]; [reflexivity|]. rewrite total_app, IH. f_equal.
  induction group as [|j group IHg]; cbn [map dotZ total fold_right]; [reflexivity|]. unfold total in IHg. rewrite IHg.
  reflexivity.
Qed.

Lemma zip_with_map : forall (T A B C : Type) (h : A -> B -> C) (f : T -> A) (g : T -> B) (l : list T),
  zip_with h (map f l) (map g l) = map (fun j => h (f j) (g j)) l.
Proof. intros T A B C h f g l. induction l as [|x l IH]; cbn [map zip_with]; [reflexivity|]. rewrite IH. reflexivity. Qed.

Lemma length_concat_map : forall (A B : Type) (f : A -> B) (l : list (list A)),
  length (concat (map (map f) l)) = length (concat l).
Proof. intros A B f l. rewrite <- concat_map. apply map_length. Qed.

Lemma group_length : forall (A : Type) (l : list (list A)), Forall (fun x => (length x <= length (concat l))%nat) l.
Proof.
  intros A. induction l as [|x l IH]; [constructor|]. cbn [concat]. rewrite app_length. constructor; [lia|].
  revert IH. apply Forall_impl. intros y less. lia.
Qed.

(** ** Rotations *)

Lemma rotate_length : forall (A : Type) (n : nat) (l : list A), length (rotate n l) = length l.
Proof. intros A n l. unfold rotate. rewrite app_length, Nat.add_comm, <- app_length, firstn_skipn. reflexivity. Qed.

Lemma nth_rotate : forall (A : Type) (n i : nat) (l : list A) (default : A), (n <= length l)%nat -> (i < length l)%nat ->
  nth i (rotate n l) default = nth (if (i <? length l - n)%nat then n + i else i - (length l - n))%nat l default.
Proof.
  intros A n i l default inside_n inside. unfold rotate. assert (len := skipn_length n l).
  destruct (Nat.ltb_spec i (length l - n)).
  - rewrite app_nth1 by lia. apply nth_skipn.
  - rewrite app_nth2 by lia. rewrite len. apply nth_firstn. lia.
Qed.

(** ** Bounds over several tables *)

Definition sized {A : Type} (n : nat) (Q : A -> Prop) (l : list A) : Prop := length l = n /\ Forall Q l.

(** [f x y] is related to both, and has what both have. *)
Definition meets {A : Type} (Q : A -> Prop) (R : A -> A -> Prop) (f : A -> A -> A) : Prop :=
  forall x y, Q x -> Q y -> R (f x y) x /\ R (f x y) y /\ Q (f x y).

Lemma meets_lists : forall (A : Type) (Q : A -> Prop) (R : A -> A -> Prop) (f : A -> A -> A) (n : nat),
  meets Q R f -> meets (sized n Q) (Forall2 R) (zip_with f).
Proof.
  intros A Q R f n meet x. revert n. induction x as [|u x IH]; intros n y [len_x all_x] [len_y all_y].
  - destruct y; [|cbn in *; lia]. repeat split; try constructor. exact len_x.
  - destruct y as [|v y]; [cbn in *; lia|]. cbn [zip_with].
    destruct (meet u v (Forall_inv all_x) (Forall_inv all_y)) as (first & second & kept).
    destruct (IH (length x) y) as (firsts & seconds & [len all]).
    + split; [reflexivity | exact (Forall_inv_tail all_x)].
    + split; [cbn in *; lia | exact (Forall_inv_tail all_y)].
    + repeat split; [constructor; assumption | constructor; assumption | cbn in *; lia | constructor; assumption].
Qed.

Lemma Forall2_transitive : forall (A : Type) (R : A -> A -> Prop),
  (forall x y z, R x y -> R y z -> R x z) -> forall x y z, Forall2 R x y -> Forall2 R y z -> Forall2 R x z.
Proof.
  intros A R transitive x y z first. revert z.
  induction first as [|u v x y here first IH]; intros z second; inversion second; subst;
    constructor; [eapply transitive; eassumption | apply IH; assumption].
Qed.

Lemma fold_meets : forall (A : Type) (Q : A -> Prop) (R : A -> A -> Prop) (f : A -> A -> A),
  (forall x y z, R x y -> R y z -> R x z) -> meets Q R f ->
  forall (rest : list A) (x : A), Q x -> Forall Q rest ->
  Q (fold_left f rest x) /\ (rest <> [] -> R (fold_left f rest x) x) /\ Forall (R (fold_left f rest x)) rest.
Proof.
  intros A Q R f transitive meet. induction rest as [|y rest IH]; intros x has all; cbn [fold_left].
  - repeat split; [exact has | contradiction | constructor].
  - destruct (meet x y has (Forall_inv all)) as (first & second & kept).
    destruct (IH (f x y) kept (Forall_inv_tail all)) as (has' & below & belows).
    destruct rest as [|z rest].
    + repeat split; [exact has' | intros _; exact first | constructor; [exact second | constructor]].
    + assert (here := below ltac:(discriminate)).
      repeat split; [exact has' | intros _ | constructor; [|exact belows]]; (eapply transitive; [exact here | assumption]).
Qed.

Lemma Forall2_reflexive : forall (A : Type) (R : A -> A -> Prop), (forall x, R x x) -> forall x, Forall2 R x x.
Proof. intros A R reflexive x. induction x; constructor; auto. Qed.

(** [R]: not above, or not below. *)
Theorem over_all_meets : forall (Q : int -> Prop) (R : int -> int -> Prop) (f : int -> int -> int) (n k r : nat)
  (tables : list (list (list (list int)))),
  (forall x, R x x) -> (forall x y z, R x y -> R y z -> R x z) -> meets Q R f ->
  Forall (sized n (sized k (sized r Q))) tables ->
  (tables <> [] -> sized n (sized k (sized r Q)) (over_all f tables)) /\
  Forall (Forall2 (Forall2 (Forall2 R)) (over_all f tables)) tables.
Proof.
  intros Q R f n k r tables reflexive transitive meet all.
  destruct tables as [|t rest]; [split; [contradiction | constructor]|].
  unfold over_all.
  destruct (fold_meets _ (sized n (sized k (sized r Q))) (Forall2 (Forall2 (Forall2 R))) (zip_with (zip_with (zip_with f))))
    with (rest := rest) (x := t) as (has & below & belows).
  - repeat (apply Forall2_transitive). exact transitive.
  - repeat apply meets_lists. exact meet.
  - exact (Forall_inv all).
  - exact (Forall_inv_tail all).
  - split; [intros _; exact has|]. constructor; [|exact belows]. destruct rest as [|u rest]; [|apply below; discriminate].
    cbn [fold_left]. repeat (apply Forall2_reflexive; intro). apply reflexive.
Qed.

Lemma meets_smin : forall b : Z, meets (fun x => Z.abs (signed x) <= b) (fun x y => signed x <= signed y) smin.
Proof. intros b x y small_x small_y. assert (least := signed_smin x y). repeat split; lia. Qed.

Lemma meets_smax : forall b : Z, meets (fun x => Z.abs (signed x) <= b) (fun x y => signed y <= signed x) smax.
Proof. intros b x y small_x small_y. assert (most := signed_smax x y). repeat split; lia. Qed.

(** ** Corners *)

Fixpoint cornerZ (f low high : list int) : Z :=
  match f, low, high with
  | x :: f', l :: low', h :: high' => signed x * signed (if nonnegative x then l else h) + cornerZ f' low' high'
  | _, _, _ => 0
  end.

Fixpoint cornersZ (f low high : list (list int)) : Z :=
  match f, low, high with
  | x :: f', l :: low', h :: high' => cornerZ x l h + cornersZ f' low' high'
  | _, _, _ => 0
  end.

Lemma plus_corner_congruent : forall (f low high : list int) (start : int) (z : Z),
  congruent start z -> congruent (plus_corner start f low high) (z + cornerZ f low high).
Proof.
  induction f as [|x f IH]; intros [|l low] [|h high] start z same; cbn [plus_corner cornerZ]; rewrite ?Z.add_0_r;
    try exact same.
  rewrite Z.add_assoc. apply IH, congruent_add; [exact same | apply congruent_mul; apply signed_congruent].
Qed.

Lemma plus_corners_congruent : forall (f low high : list (list int)) (start : int) (z : Z),
  congruent start z -> congruent (plus_corners start f low high) (z + cornersZ f low high).
Proof.
  induction f as [|x f IH]; intros [|l low] [|h high] start z same; cbn [plus_corners cornersZ]; rewrite ?Z.add_0_r;
    try exact same.
  rewrite Z.add_assoc. apply IH, plus_corner_congruent, same.
Qed.

Lemma corner_le : forall f low x high : list int,
  Forall2 (fun u v => signed u <= signed v) low x -> Forall2 (fun u v => signed v <= signed u) high x ->
  cornerZ f low high <= dotZ f x.
Proof.
  induction f as [|u f IH]; intros low x high below above; [cbn; lia|].
  inversion below as [|l y low' x' less belows]; subst; inversion above as [|h z high' x'' more aboves]; subst; [cbn; lia|].
  cbn [cornerZ dotZ]. assert (rest := IH _ _ _ belows aboves). rewrite nonnegative_spec.
  destruct (Z.leb_spec 0 (signed u)); nia.
Qed.

Lemma corners_le : forall f low x high : list (list int),
  Forall2 (Forall2 (fun u v => signed u <= signed v)) low x -> Forall2 (Forall2 (fun u v => signed v <= signed u)) high x ->
  cornersZ f low high <= dotsZ f x.
Proof.
  induction f as [|u f IH]; intros low x high below above; [cbn; lia|].
  inversion below as [|l y low' x' less belows]; subst; inversion above as [|h z high' x'' more aboves]; subst; [cbn; lia|].
  cbn [cornersZ dotsZ]. assert (rest := IH _ _ _ belows aboves). assert (here := corner_le u _ _ _ less more). lia.
Qed.

Local Ltac zero := change (Z.abs 0) with 0; repeat apply Z.mul_nonneg_nonneg; lia.

Lemma corner_bound : forall (C B : Z) (f low high : list int), 0 <= C -> 0 <= B -> within C f -> within B low ->
  within B high ->
  Z.abs (cornerZ f low high) <= Z.of_nat (length low) * (C * B).
Proof.
  intros C B. induction f as [|u f IH]; intros low high C_nonneg B_nonneg in_C in_low in_high; [cbn [cornerZ cornersZ]; zero|].
  destruct low as [|l low]; [cbn [cornerZ]; zero|]. destruct high as [|h high]; [cbn [cornerZ]; zero|]. cbn [cornerZ length].
  assert (rest := IH low high C_nonneg B_nonneg (Forall_inv_tail in_C) (Forall_inv_tail in_low) (Forall_inv_tail in_high)).
  assert (small_u := Forall_inv in_C). assert (small_l := Forall_inv in_low). assert (small_h := Forall_inv in_high).
  cbv beta in small_u, small_l, small_h.
  assert (Z.abs (signed u * signed (if nonnegative u then l else h)) <= C * B).
  { rewrite Z.abs_mul. apply Z.mul_le_mono_nonneg; destruct (nonnegative u); lia. }
  rewrite Nat2Z.inj_succ, Z.mul_succ_l. lia.
Qed.

Lemma corners_bound : forall (C B : Z) (k r : nat) (f low high : list (list int)), 0 <= C -> 0 <= B -> Forall (within C) f ->
  sized k (sized r (fun u => Z.abs (signed u) <= B)) low -> sized k (sized r (fun u => Z.abs (signed u) <= B)) high ->
  Z.abs (cornersZ f low high) <= Z.of_nat k * (Z.of_nat r * (C * B)).
Proof.
  intros C B k r f. revert k. induction f as [|u f IH]; intros k low high C_nonneg B_nonneg in_C [len_l in_low] [len_h in_high];
    [cbn [cornerZ cornersZ]; zero|].
  destruct low as [|l low]; [cbn [cornersZ]; zero|]. destruct high as [|h high]; [cbn [cornersZ]; zero|]. cbn [cornersZ].
  cbn [length] in len_l, len_h. assert (len_high : length high = length low) by lia.
  assert (rest := IH (length low) low high C_nonneg B_nonneg (Forall_inv_tail in_C) (conj eq_refl (Forall_inv_tail in_low))
    (conj len_high (Forall_inv_tail in_high))).
  destruct (Forall_inv in_low) as [len small_l]. destruct (Forall_inv in_high) as [_ small_h].
  assert (here := corner_bound C B u l h C_nonneg B_nonneg (Forall_inv in_C) small_l small_h). rewrite len in here.
  rewrite <- len_l. cbn [length]. rewrite Nat2Z.inj_succ, Z.mul_succ_l. lia.
Qed.
