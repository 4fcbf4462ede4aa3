(* CompactProofs: Modular: SpecFacts *)
(* MIT licence. *)
From Coq Require Import Reals ZArith List Arith FinFun Lia.
From CompactProofs Require Import Spec.Network Spec.Modular.
Import ListNotations.
(** * Facts that show the definitions of Spec.Modular to be what they are called
    Nothing else rests on them, but on [answer_below].
    - [pairs_all], [pairs_once], [pairs_length] == [pairs p] has every pair of tokens below p, once; there are p^2
    - [answer_below], [answer_addition], [answer_subtraction] == the right answer is a token; sum and difference modulo p
    - [correct_count_range] == between 0 and p^2 pairs are answered right
    - [tie_is_wrong]        == where another logit equals that of the right answer, the pair is not correct *)

Theorem pairs_all : forall p a b : nat, In (a, b) (pairs p) <-> a < p /\ b < p.
Proof. intros p a b. unfold pairs. rewrite in_prod_iff, !in_seq. lia. Qed.

Local Lemma nodup_product : forall l l' : list nat, NoDup l -> NoDup l' -> NoDup (list_prod l l').
Proof.
  intros l l' once once'. induction once as [|x l new once IH]; [constructor|]. cbn [list_prod].
  assert (row : NoDup (map (fun y => (x, y)) l')) by (apply Injective_map_NoDup; [intros y z same; congruence | exact once']).
  assert (apart : forall z, In z (map (fun y => (x, y)) l') -> ~ In z (list_prod l l')).
  { intros [y z] inside other. apply in_map_iff in inside. destruct inside as (w & same & _).
    injection same as <- <-. apply in_prod_iff in other. apply new, other. }
  induction (map (fun y => (x, y)) l') as [|z first IHfirst]; [exact IH|]. inversion row as [|? ? outside rest]; subst.
  cbn [app]. constructor.
  - rewrite in_app_iff. intros [inside|inside]; [exact (outside inside)|]. exact (apart z (or_introl eq_refl) inside).
  - apply IHfirst; [exact rest|]. intros w inside. apply apart. right. exact inside.
Qed.

Theorem pairs_once : forall p : nat, NoDup (pairs p).
Proof. intro p. apply nodup_product; apply seq_NoDup. Qed.

Theorem pairs_length : forall p : nat, length (pairs p) = p * p.
Proof. intro p. unfold pairs. rewrite prod_length, seq_length. reflexivity. Qed.

Theorem answer_below : forall (p : nat) (s : Z) (a b : nat), 0 < p -> answer p s a b < p.
Proof.
  intros p s a b some. unfold answer. assert (range := Z.mod_pos_bound (Z.of_nat a + s * Z.of_nat b) (Z.of_nat p)). lia.
Qed.

Theorem answer_addition : forall p a b : nat, 0 < p -> answer p 1 a b = (a + b) mod p.
Proof.
  intros p a b some. unfold answer. rewrite Z.mul_1_l, <- Nat2Z.inj_add, <- Nat2Z.inj_mod by lia. apply Nat2Z.id.
Qed.

Theorem answer_subtraction : forall p a b : nat, b < p -> answer p (-1) a b = (a + (p - b)) mod p.
Proof.
  intros p a b below. unfold answer. rewrite <- (Nat2Z.id ((a + (p - b)) mod p)), Nat2Z.inj_mod by lia. f_equal.
  replace (Z.of_nat (a + (p - b))) with (Z.of_nat a + -1 * Z.of_nat b + 1 * Z.of_nat p)%Z by lia.
  rewrite Z.mod_add by lia. reflexivity.
Qed.

Local Lemma filter_length_le : forall (A : Type) (f : A -> bool) (l : list A), length (filter f l) <= length l.
Proof. intros A f. induction l as [|x l IH]; [apply le_n|]. cbn [filter]. destruct (f x); cbn [length]; lia. Qed.

Theorem correct_count_range : forall M : modular, (0 <= correct_count M <= Z.of_nat (order M) * Z.of_nat (order M))%Z.
Proof.
  intro M. unfold correct_count. split; [lia|]. rewrite <- Nat2Z.inj_mul, <- pairs_length. apply Nat2Z.inj_le, filter_length_le.
Qed.

Theorem tie_is_wrong : forall (M : modular) (a b c : nat),
  c < order M ->
  c <> answer (order M) (coefficient M) a b ->
  logit M a b c = logit M a b (answer (order M) (coefficient M) a b) ->
  ~ correct M a b.
Proof.
  intros M a b c below other tie right. specialize (right c below other). rewrite tie in right.
  exact (Rlt_irrefl _ right).
Qed.
