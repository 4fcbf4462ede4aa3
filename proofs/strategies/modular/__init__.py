"""Strategies for modular arithmetic: each checks the canonical form of a network (extract/modular_form.py)."""
