"""The Coq theory as package data: `theories/` (hand-written) and `_CoqProject`; no Python lives here."""
