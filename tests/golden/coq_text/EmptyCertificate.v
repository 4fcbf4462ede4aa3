(* CompactProofs: certificate: model toy, strategy brute_force *)
