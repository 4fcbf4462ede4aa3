"""Drawing figures with matplotlib: `draw` returns a figure as SVG text and PNG bytes, the same bytes each time.

Needs matplotlib (the `plot` extra), without a display. What each kind of data looks like: `plots`.
"""

from __future__ import annotations

import base64
import io
import re
import warnings
from dataclasses import dataclass
from typing import Any

from compact_proofs.models.errors import ToolMissing
from compact_proofs.proofs.page.figures import Data, Figure, HeatMap
from compact_proofs.proofs.page.style import FAINT, INK

DPI = 144  # of the PNG; of the SVG there are 72 units to the inch
SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "compact-proofs",
    "svg.fonttype": "none",
    "text.parse_math": False,  # names may have dollar signs
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "axes.edgecolor": "#8a9099",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": "#4b5563",
    "ytick.color": "#4b5563",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure as files, and its size in CSS pixels."""

    figure: Figure
    svg: str
    png: bytes
    csv: str
    width: int
    height: int


def require() -> None:
    """Check that figures and pages can be made. Raises: ToolMissing."""
    try:
        import jinja2
        import matplotlib

        assert jinja2.__version__ and matplotlib.__version__
    except ImportError as error:
        raise ToolMissing(
            f"pages need matplotlib and jinja2 ({error.name} is missing): pip install -c constraints.txt -e '.[plot]'"
        ) from error


def draw(figure: Figure) -> Drawn:
    """Draw a figure. Raises: ToolMissing: matplotlib is missing."""
    require()
    import matplotlib

    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)  # a name may be in any script
        canvas = _canvas(figure.data)
        svg, png = io.BytesIO(), io.BytesIO()
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        canvas.savefig(svg, format="svg", metadata=nothing)
        canvas.set_layout_engine("none")  # everything has its place now
        canvas.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
        width, height = (round(96 * inches) for inches in canvas.get_size_inches())
    small = png.getvalue() if isinstance(figure.data, HeatMap) else smaller(png.getvalue())
    return Drawn(figure, clean(svg.getvalue().decode()), small, figure.csv(), width, height)


def _canvas(data: Data) -> Any:
    """Return a matplotlib Figure of the data; no global state of pyplot is touched."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    from compact_proofs.proofs.page.plots import PLOTS

    plot, width, height = PLOTS[type(data)]
    canvas = Canvas(figsize=(width, height(data) if callable(height) else height), layout="constrained")
    FigureCanvasAgg(canvas)
    plot(canvas, data)
    return canvas


def smaller(png: bytes) -> bytes:
    """Return a PNG of 256 colours, a third of the size: enough for lines and letters, and all that a colour map has."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    data = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(data, "PNG", optimize=True)
    return data.getvalue()


def clean(svg: str) -> str:
    """Take off what a browser does not need, name fonts that are found elsewhere too, and make images smaller."""
    svg = printable(svg[svg.index("<svg") :])
    svg = re.sub(r" <metadata>.*?</metadata>\n", "", svg, flags=re.DOTALL)
    svg = re.sub(r"(?<=data:image/png;base64,)[A-Za-z0-9+/=\s]+", lambda found: _smaller_text(found.group()), svg)
    svg = svg.replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")
    return re.sub(r"(?m)^ +", "", svg)


def printable(text: str) -> str:
    """Replace what may not stand in XML or HTML: control characters."""
    return re.sub(r"[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def _smaller_text(png: str) -> str:
    return base64.b64encode(smaller(base64.b64decode(png))).decode()
