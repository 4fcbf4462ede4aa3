(* CompactProofs: Cert: OutputsSound *)
(* MIT licence. *)
From Coq Require Import ZArith Uint63 List Arith Lia.
From CompactProofs Require Import Base.Lists Base.Signed63 Base.Matrix Cert.Terms Cert.TermsSound Cert.Outputs.
Import ListNotations.
(** * Stage "outputs" bounds the gaps it should
    Main results: [row_gaps_spec]. *)

Local Lemma nth_inside : forall (P : int -> Prop) (row : list int) (j : nat),
  (forall x, In x row -> P x) -> j < length row -> P (nth j row 0%uint63).
Proof. intros P row j all inside. apply all, nth_In, inside. Qed.

(** ** Largest entries *)
Local Open Scope Z_scope.

Local Lemma largest_before_length : forall (row : list int) (start : int), length (largest_before start row) = S (length row).
Proof. induction row as [|x row IH]; intro start; [reflexivity|]. cbn. f_equal. apply IH. Qed.

Local Lemma largest_before_spec : forall (b : Z) (row : list int) (start : int) (m : nat),
  Z.abs (signed start) <= b -> (forall x, In x row -> Z.abs (signed x) <= b) -> (m <= length row)%nat ->
  let largest := nth m (largest_before start row) 0%uint63 in
  Z.abs (signed largest) <= b /\ signed start <= signed largest /\
  forall x, (x < m)%nat -> at1 row x <= signed largest.
Proof.
  intros b. cbv zeta. induction row as [|y row IH]; intros start m start_bound bounds inside; cbn [largest_before].
  - cbn [length] in inside. replace m with O by lia. cbn [nth]. split; [exact start_bound|]. split; [lia|]. intros x below. lia.
  - destruct m as [|m].
    + cbn [nth]. split; [exact start_bound|]. split; [lia|]. intros x below. lia.
    + assert (y_bound : Z.abs (signed y) <= b) by (apply bounds; left; reflexivity).
      destruct (IH (smax start y) m) as (bound & above_start & above).
      * rewrite signed_smax. lia.
      * intros x member. apply bounds. right. exact member.
      * cbn [length] in inside. lia.
      * rewrite signed_smax in above_start. cbn [nth]. split; [exact bound|]. split; [lia|].
        intros [|x] below; [unfold at1; cbn [nth]; lia|]. apply above. lia.
Qed.

Local Lemma largest_from_length : forall (low : int) (row : list int), length (largest_from low row) = S (length row).
Proof.
  intros low. induction row as [|x row IH]; [reflexivity|]. cbn [largest_from]. cbv zeta.
  destruct (largest_from low row) as [|top tops]; [discriminate IH|]. cbn in *. lia.
Qed.

Local Lemma largest_from_spec : forall (b : Z) (low : int) (row : list int) (m : nat),
  Z.abs (signed low) <= b -> (forall x, In x row -> Z.abs (signed x) <= b) -> (m <= length row)%nat ->
  let largest := nth m (largest_from low row) 0%uint63 in
  Z.abs (signed largest) <= b /\
  forall x, (m <= x)%nat -> (x < length row)%nat -> at1 row x <= signed largest.
Proof.
  intros b low. cbv zeta. induction row as [|y row IH]; intros m low_bound bounds inside; cbn [largest_from].
  - cbn [length] in *. replace m with O by lia. cbn [nth]. split; [exact low_bound|]. intros x above below. lia.
  - assert (y_bound : Z.abs (signed y) <= b) by (apply bounds; left; reflexivity).
    assert (rest_bounds : forall x, In x row -> Z.abs (signed x) <= b) by (intros x member; apply bounds; right; exact member).
    assert (first := IH O low_bound rest_bounds ltac:(lia)). cbv zeta.
    assert (len := largest_from_length low row).
    destruct (largest_from low row) as [|top tops]; [discriminate len|].
    destruct m as [|m].
    + cbn [nth] in first |- *. destruct first as [top_bound above]. rewrite signed_smax. split; [lia|].
      intros [|x] _ below; [unfold at1; cbn [nth]; lia|].
      specialize (above x ltac:(lia) ltac:(cbn [length] in below; lia)). unfold at1 in *. cbn [nth]. lia.
    + cbn [length] in inside. destruct (IH m low_bound rest_bounds ltac:(lia)) as [bound above].
      change (nth (S m) (smax y top :: top :: tops) 0%uint63) with (nth m (top :: tops) 0%uint63). split; [exact bound|].
      intros [|x] larger below; [lia|]. apply (above x); [lia|]. cbn [length] in below. lia.
Qed.

(** ** Shifts *)
Local Close Scope Z_scope.

Local Lemma later_length : forall (low : int) (k : nat) (row : list int), length row <= length (later low k row).
Proof. intros low k row. unfold later. rewrite app_length, skipn_length, repeat_length. lia. Qed.

Local Lemma earlier_length : forall (low : int) (k : nat) (row : list int), length (earlier low k row) = k + length row.
Proof. intros low k row. unfold earlier. rewrite app_length, repeat_length. lia. Qed.

Local Lemma nth_later : forall (low : int) (k : nat) (row : list int) (m : nat),
  m + k < length row -> nth m (later low k row) 0%uint63 = nth (m + k) row 0%uint63.
Proof.
  intros low k row m inside. unfold later. rewrite app_nth1 by (rewrite skipn_length; lia).
  rewrite nth_skipn. f_equal. lia.
Qed.

Local Lemma nth_earlier : forall (low : int) (k : nat) (row : list int) (m : nat),
  k <= m -> nth m (earlier low k row) 0%uint63 = nth (m - k) row 0%uint63.
Proof.
  intros low k row m inside. unfold earlier.
  rewrite app_nth2, repeat_length by (rewrite repeat_length; lia). reflexivity.
Qed.

Local Lemma later_bound : forall (b : Z) (low : int) (k : nat) (row : list int) (x : int),
  (Z.abs (signed low) <= b)%Z -> (forall y, In y row -> (Z.abs (signed y) <= b)%Z) -> In x (later low k row) ->
  (Z.abs (signed x) <= b)%Z.
Proof.
  intros b low k row x low_bound bounds member. unfold later in member. apply in_app_or in member.
  destruct member as [member|member].
  - apply bounds. rewrite <- (firstn_skipn k row). apply in_or_app. right. exact member.
  - apply repeat_spec in member. subst x. exact low_bound.
Qed.

Local Lemma earlier_bound : forall (b : Z) (low : int) (k : nat) (row : list int) (x : int),
  (Z.abs (signed low) <= b)%Z -> (forall y, In y row -> (Z.abs (signed y) <= b)%Z) -> In x (earlier low k row) ->
  (Z.abs (signed x) <= b)%Z.
Proof.
  intros b low k row x low_bound bounds member. unfold earlier in member. apply in_app_or in member.
  destruct member as [member|member]; [|apply bounds, member].
  apply repeat_spec in member. subst x. exact low_bound.
Qed.

(** ** Gaps *)

(** Differences of bounded entries are exact. *)
Local Lemma differences : forall (b : Z) (n : nat) (above below : list int),
  (0 <= b <= 2 ^ 60)%Z -> Nat.min (length above) (length below) = n ->
  (forall m, m < n -> (Z.abs (at1 above m) <= b)%Z) -> (forall m, m < n -> (Z.abs (at1 below m) <= b)%Z) ->
  length (zip_with sub above below) = n /\
  forall m, m < n ->
    signed (nth m (zip_with sub above below) 0%uint63) = (at1 above m - at1 below m)%Z.
Proof.
  intros b n above below b_range len above_bound below_bound. split; [rewrite zip_with_length; exact len|].
  intros m inside. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by lia.
  specialize (above_bound m inside). specialize (below_bound m inside). unfold at1 in *. apply signed_sub. lia.
Qed.

Theorem row_gaps_spec : forall (low : int) (b : Z) (v : rivals) (row : list int),
  (0 <= b <= 2 ^ 60)%Z -> signed low = (- b)%Z -> (forall x, In x row -> (Z.abs (signed x) <= b)%Z) ->
  length (row_gaps low v row) = length row /\
  forall m, m < length row ->
    (Z.abs (signed (nth m (row_gaps low v row) 0%uint63)) <= 2 * b)%Z /\
    forall x y, versus v m x y -> x < length row -> y < length row ->
      (at1 row x - at1 row y <= signed (nth m (row_gaps low v row) 0%uint63))%Z.
Proof.
  intros low b v row b_range low_value bounds.
  assert (low_bound : (Z.abs (signed low) <= b)%Z) by lia.
  assert (row_bound : forall m, m < length row -> (Z.abs (at1 row m) <= b)%Z).
  { intros m inside. apply (nth_inside (fun x => (Z.abs (signed x) <= b)%Z)); assumption. }
  assert (later_entry : forall k m, m < length row -> (Z.abs (at1 (later low k row) m) <= b)%Z).
  { intros k m inside. apply (later_bound b low k row); [exact low_bound | exact bounds|].
    apply nth_In. assert (len := later_length low k row). lia. }
  assert (earlier_entry : forall k m, m < length row -> (Z.abs (at1 (earlier low k row) m) <= b)%Z).
  { intros k m inside. apply (earlier_bound b low k row); [exact low_bound | exact bounds|].
    apply nth_In. rewrite earlier_length. lia. }
  destruct v as [r|k|k|k|k]; cbn [row_gaps versus].
  - set (before := largest_before low row). set (from := largest_from low row).
    assert (before_len : length before = S (length row)) by apply largest_before_length.
    assert (from_len : length from = S (length row)) by apply largest_from_length.
    assert (before_bound : forall y, In y before -> (Z.abs (signed y) <= b)%Z).
    { intros y member. apply (In_nth _ _ 0%uint63) in member. destruct member as (j & inside & <-).
      apply (largest_before_spec b row low j low_bound bounds). lia. }
    assert (from_bound : forall y, In y from -> (Z.abs (signed y) <= b)%Z).
    { intros y member. apply (In_nth _ _ 0%uint63) in member. destruct member as (j & inside & <-).
      apply (largest_from_spec b low row j low_bound bounds). lia. }
    set (tops := zip_with smax (earlier low r before) (later low (S r) from)).
    assert (early_len := earlier_length low r before). assert (late_len := later_length low (S r) from).
    assert (tops_value : forall m, m < length row ->
      at1 tops m = Z.max (at1 (earlier low r before) m) (at1 (later low (S r) from) m)).
    { intros m inside. unfold at1, tops. rewrite (nth_zip_with _ _ _ _ _ _ _ 0%uint63 0%uint63) by lia. apply signed_smax. }
    assert (early_bound : forall m, m < length row -> (Z.abs (at1 (earlier low r before) m) <= b)%Z).
    { intros m inside. apply (earlier_bound b low r before); [exact low_bound | exact before_bound | apply nth_In; lia]. }
    assert (late_bound : forall m, m < length row -> (Z.abs (at1 (later low (S r) from) m) <= b)%Z).
    { intros m inside. apply (later_bound b low (S r) from); [exact low_bound | exact from_bound | apply nth_In; lia]. }
    destruct (differences b (length row) tops row b_range) as [len value].
    + unfold tops. rewrite zip_with_length. lia.
    + intros m inside. rewrite tops_value by exact inside. specialize (early_bound m inside).
      specialize (late_bound m inside). lia.
    + exact row_bound.
    + split; [exact len|]. intros m inside. rewrite value, tops_value by exact inside.
      specialize (early_bound m inside). specialize (late_bound m inside). specialize (row_bound m inside).
      split; [lia|]. intros x y [far ->] inside_x _. apply Z.sub_le_mono_r. destruct far as [far|far].
      * transitivity (at1 (earlier low r before) m); [|lia]. unfold at1 at 2. rewrite nth_earlier by lia.
        apply (largest_before_spec b row low (m - r) low_bound bounds); lia.
      * transitivity (at1 (later low (S r) from) m); [|lia]. unfold at1 at 2. rewrite nth_later by lia.
        apply (largest_from_spec b low row (m + S r) low_bound bounds); lia.
  - assert (long := later_length low k row).
    destruct (differences b (length row) (later low k row) row b_range ltac:(lia) (later_entry k) row_bound) as [len value].
    split; [exact len|]. intros m inside. rewrite value by exact inside.
    specialize (later_entry k m inside). specialize (row_bound m inside).
    split; [lia|]. intros x y [-> ->] inside_x _. unfold at1 at 3. rewrite nth_later by exact inside_x. apply Z.le_refl.
  - assert (long := earlier_length low k row).
    destruct (differences b (length row) (earlier low k row) row b_range ltac:(lia) (earlier_entry k) row_bound) as [len value].
    split; [exact len|]. intros m inside. rewrite value by exact inside.
    specialize (earlier_entry k m inside). specialize (row_bound m inside).
    split; [lia|]. intros x y [<- ->] inside_x _. unfold at1 at 3. rewrite nth_earlier by lia.
    replace (x + k - k) with x by lia. apply Z.le_refl.
  - assert (long := later_length low k row).
    destruct (differences b (length row) row (later low k row) b_range ltac:(lia) row_bound (later_entry k)) as [len value].
    split; [exact len|]. intros m inside. rewrite value by exact inside.
    specialize (later_entry k m inside). specialize (row_bound m inside).
    split; [lia|]. intros x y [-> ->] _ inside_y. unfold at1 at 4. rewrite nth_later by exact inside_y. apply Z.le_refl.
  - assert (long := earlier_length low k row).
    destruct (differences b (length row) row (earlier low k row) b_range ltac:(lia) row_bound (earlier_entry k)) as [len value].
    split; [exact len|]. intros m inside. rewrite value by exact inside.
    specialize (earlier_entry k m inside). specialize (row_bound m inside).
    split; [lia|]. intros x y [-> <-] _ inside_y. unfold at1 at 4. rewrite nth_earlier by lia.
    replace (y + k - k) with y by lia. apply Z.le_refl.
Qed.
