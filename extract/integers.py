"""The hash of a network's integers, the same for whoever has them: `integers_sha256`. Standard library only."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence

from compact_proofs.extract.layouts import Layout

Rows = Sequence[Sequence[int]]


def integers_sha256(layout: Layout, sizes: Mapping[str, int], matrices: Mapping[str, tuple[Rows, int]]) -> str:
    """Hash what a network is: `Layout.unsaid` in ASCII, then of each matrix (rows, scale_bits) of the layout, in order, the name
    in ASCII, a zero byte, then rows, columns, scale_bits and the entries by rows, each 8 bytes little-endian.

    Raises: struct.error: an integer of over 63 bits.
    """
    digest = hashlib.sha256(layout.unsaid(sizes).encode("ascii"))
    for name in layout.matrices:
        rows, scale_bits = matrices[name]
        digest.update(name.encode("ascii") + b"\0")
        digest.update(struct.pack("<3q", len(rows), len(rows[0]) if rows else 0, scale_bits))
        for row in rows:
            digest.update(struct.pack(f"<{len(row)}q", *row))
    return digest.hexdigest()
