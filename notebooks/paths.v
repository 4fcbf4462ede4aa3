(* CompactProofs: where the notebooks find the theory and the proofs; run by the cell [Load "paths.v".] *)
(* MIT licence. *)
Set Warnings "-deprecated".
Add LoadPath "../coq/theories" as CompactProofs.
Add LoadPath "../coq/generated" as CompactProofs.Generated.
