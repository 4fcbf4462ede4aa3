(* CompactProofs: Base: SpecFacts *)
(* MIT licence. *)
From Coq Require Import Reals ZArith List Arith FinFun Lia Lra.
From CompactProofs Require Import Spec.Network Spec.MaxOfK.
Import ListNotations.
(** * The specification says what its names promise
    No other file needs these facts; they are for a reader who doubts the definitions.
    Main results: [sequences_In], [sequences_NoDup], [sequences_length], [correct_count_range], [accuracy_ge]. *)

Theorem sequences_In : forall (d n : nat) (x : list nat),
  In x (sequences d n) <-> length x = n /\ Forall (fun token => token < d) x.
Proof.
  intros d n. induction n as [|n IH]; intros x; cbn [sequences].
  - split.
    + intros [<-|[]]. split; [reflexivity | constructor].
    + intros [empty _]. apply length_zero_iff_nil in empty. left. symmetry. exact empty.
  - rewrite in_flat_map. split.
    + intros (token & small & inside). apply in_map_iff in inside. destruct inside as (rest & <- & inside).
      apply IH in inside. destruct inside as [len below]. apply in_seq in small.
      split; [cbn; lia | constructor; [lia | exact below]].
    + intros [len below]. destruct x as [|token rest]; [discriminate len|]. inversion below; subst.
      exists token. split; [apply in_seq; lia|]. apply in_map, IH. split; [cbn in len; lia | assumption].
Qed.

Theorem sequences_length : forall d n : nat, length (sequences d n) = d ^ n.
Proof.
  intros d n. induction n as [|n IH]; [reflexivity|]. cbn [sequences Nat.pow].
  assert (each : forall l, length (flat_map (fun token => map (cons token) (sequences d n)) l) = length l * d ^ n).
  { induction l as [|token l IHl]; [reflexivity|]. cbn [flat_map length]. rewrite app_length, map_length, IH, IHl. lia. }
  rewrite each, seq_length. reflexivity.
Qed.

Local Lemma NoDup_app_intro : forall (A : Type) (a b : list A),
  NoDup a -> NoDup b -> (forall x, In x a -> In x b -> False) -> NoDup (a ++ b).
Proof.
  intros A a b distinct_a distinct_b apart. induction a as [|x a IH]; [exact distinct_b|].
  inversion distinct_a as [|? ? new rest]; subst. cbn [app]. constructor.
  - intro member. apply in_app_or in member. destruct member as [member|member]; [exact (new member)|].
    apply (apart x); [left; reflexivity | exact member].
  - apply IH; [exact rest|]. intros y inside. apply apart. right. exact inside.
Qed.

Theorem sequences_NoDup : forall d n : nat, NoDup (sequences d n).
Proof.
  intros d n. induction n as [|n IH]; cbn [sequences]; [constructor; [intros [] | constructor]|].
  assert (each : forall l, NoDup l -> NoDup (flat_map (fun token => map (cons token) (sequences d n)) l)).
  { induction l as [|token l IHl]; intros distinct; cbn [flat_map]; [constructor|].
    inversion distinct as [|? ? new rest]; subst. apply NoDup_app_intro.
    - apply Injective_map_NoDup; [|exact IH]. intros x y same. injection same as same. exact same.
    - apply IHl, rest.
    - intros x first later. apply in_map_iff in first. destruct first as (y & <- & _).
      apply in_flat_map in later. destruct later as (other & member & inside).
      apply in_map_iff in inside. destruct inside as (z & same & _). injection same as -> _. exact (new member). }
  apply each, seq_NoDup.
Qed.

Theorem correct_count_range : forall M : model,
  (0 <= correct_count M <= Z.of_nat (d_vocab M) ^ Z.of_nat (n_ctx M))%Z.
Proof.
  intro M. unfold correct_count. split; [lia|].
  rewrite <- Nat2Z.inj_pow, <- sequences_length. apply Nat2Z.inj_le.
  generalize (sequences (d_vocab M) (n_ctx M)). intro l. induction l as [|x l IH]; cbn [filter length]; [lia|].
  destruct (correct_dec M x); cbn [length]; lia.
Qed.

Theorem accuracy_ge : forall (N : Z) (M : model), (0 < d_vocab M) ->
  (N <= correct_count M)%Z -> (IZR N / INR (d_vocab M) ^ n_ctx M <= accuracy M)%R.
Proof.
  intros N M some bound. unfold accuracy, Rdiv. apply Rmult_le_compat_r.
  - left. apply Rinv_0_lt_compat, pow_lt, lt_0_INR, some.
  - apply IZR_le, bound.
Qed.
