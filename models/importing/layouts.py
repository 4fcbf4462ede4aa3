"""The table of layouts that can be imported: `LAYOUTS`. A new one is one module with a `Layout`, and one entry here."""

from compact_proofs.models.importing import canonical, plain, transformer_lens
from compact_proofs.models.importing.layout import Layout

LAYOUTS: dict[str, Layout] = {
    layout.name: layout for layout in (transformer_lens.LAYOUT, transformer_lens.LAYOUT_4, plain.LAYOUT, canonical.LAYOUT)
}


def looks_like(names: list[str]) -> Layout | None:
    """Return the layout that a file with these tensors has, by the name that only it has."""
    return next((layout for layout in LAYOUTS.values() if layout.known_by in names), None)


def example_names() -> list[str]:
    """Return what an example config is asked for by: LAYOUT, or LAYOUT:FAMILY where it holds several families."""
    return [
        f"{layout.name}:{family}" if len(layout.families) > 1 else layout.name
        for layout in LAYOUTS.values()
        for family in layout.families
    ]


def example(name: str) -> dict[str, object]:
    """Return a config with usual values, by a name of `example_names`."""
    layout, _, family = name.partition(":")
    return LAYOUTS[layout].example(family or LAYOUTS[layout].families[0])
