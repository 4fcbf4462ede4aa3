(* CompactProofs: certificate: model toy, strategy cubic *)
From Coq Require Import ZArith Uint63 List.
Import ListNotations.

Definition bound : Z := (-5)%Z.

Definition step : int := 0%uint63.

Definition flat : list Z := [1; -4611686018427387903]%Z.

Definition empty : list int := []%uint63.

Definition pairs : list (list int) := [
  [1; 2];
  []
]%uint63.

Definition rows : list (list (list int)) := [
  [
    [1; 2];
    [4611686018427387903]
  ];
  [];
  [
    []
  ]
]%uint63.
