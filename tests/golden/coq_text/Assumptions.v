(* CompactProofs: assumptions: model toy, strategy cubic *)
Require CompactProofs.Generated.toy.cubic.Theorem.
Print Assumptions CompactProofs.Generated.toy.cubic.Theorem.accuracy.
