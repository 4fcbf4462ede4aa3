"""Untrusted finders of certificates and the driver that has Coq check what they found."""
