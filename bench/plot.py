"""`python -m bench.plot FIGURES --out FILE.svg`: throughput against latency, out of what `make bench` printed.

Each point is a rate that a contender kept up with: to the right the rate, upwards its slowest hundredth. A line ends
where its contender falls behind.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from bench import sweep
from bench.roster import ROSTER
from model.report.axes import log_axis, short_count

Curve = Sequence[tuple[float, float]]

_WIDTH: Final = 840
_HEIGHT: Final = 420
_LEFT: Final = 56
_RIGHT: Final = 510
_TOP: Final = 56
_BOTTOM: Final = 360
# One for each of the roster.
_COLOURS: Final = ("#5f6b7a", "#c2410c", "#1d4ed8", "#6d28d9", "#0f766e", "#65a30d", "#a16207", "#be185d")
_STYLE: Final = """
text { font: 13px system-ui, sans-serif; fill: #1f2933; }
.title { font-weight: 600; font-size: 15px; }
.key { font-size: 11.5px; }
.tick { font-size: 12px; fill: #5f6b7a; }
.grid { stroke: #d5dae1; }
.line { fill: none; stroke-width: 2; }
.back { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #e5e9ef; } .tick { fill: #a3adba; } .grid { stroke: #3a4350; } .back { fill: #11161d; }
}
"""


def main() -> None:
    """Writes the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=Path, help="what `make bench` printed to stdout")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    lines = [json.loads(line) for line in options.figures.read_text().splitlines()]
    options.out.write_text(drawn(curves_of(lines), {one.name: one.title for one in ROSTER}))


def curves_of(lines: Iterable[Mapping[str, Any]]) -> dict[str, Curve]:
    """For each contender its rates and the p99 at each, milliseconds (pure).

    Args:
        lines: Figures, others among them; a rate that was not kept up with has no point.
    """
    curves: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        if line["figure"] == sweep.FIGURE and line["value"] is not None:
            curves.setdefault(line["contender"], []).append((line["rate"], line["p99"]))
    return {name: sorted(points) for name, points in curves.items()}


def drawn(curves: Mapping[str, Curve], titles: Mapping[str, str]) -> str:
    """The plot as SVG (pure), both axes logarithmic.

    Args:
        curves: By contender.
        titles: Of contenders.
    """
    rates = [rate for curve in curves.values() for rate, _ in curve]
    delays = [delay for curve in curves.values() for _, delay in curve]
    across = log_axis("transactions a second", rates, text=short_count)
    up = log_axis("p99 from send to receipt, milliseconds", delays, text=short_count)
    view = {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "width": str(_WIDTH), "height": str(_HEIGHT)}
    root = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **view})
    _add(root, "title", "Throughput against latency")
    _add(root, "style", _STYLE)
    _add(root, "rect", None, "back", width=_WIDTH, height=_HEIGHT)
    _add(root, "text", "Throughput against latency, exactly once, one process each", "title", x=8, y=22)
    _add(root, "text", up.title, "tick", x=8, y=42)
    _add(root, "text", across.title, "tick", x=_LEFT, y=_BOTTOM + 40)

    def at_x(rate: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * across.place(rate)

    def at_y(delay: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * up.place(delay)

    for value, text in up.ticks:
        _add(root, "line", None, "grid", x1=_LEFT, x2=_RIGHT, y1=at_y(value), y2=at_y(value))
        _add(root, "text", text, "tick", x=_LEFT - 8, y=at_y(value) + 4, anchor="end")
    for value, text in across.ticks:
        _add(root, "line", None, "grid", x1=at_x(value), x2=at_x(value), y1=_TOP, y2=_BOTTOM)
        _add(root, "text", text, "tick", x=at_x(value), y=_BOTTOM + 18, anchor="middle")
    order = [one.name for one in ROSTER]
    for number, name in enumerate(sorted(curves, key=order.index)):
        colour, y = _COLOURS[order.index(name)], _TOP + 10 + 20 * number
        places = [(at_x(rate), at_y(delay)) for rate, delay in curves[name]]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        ElementTree.SubElement(root, "path", {"class": "line", "d": path, "stroke": colour})
        for x, above in places:
            _add(root, "circle", None, cx=x, cy=above, r=3.5, fill=colour)
        _add(root, "line", None, "line", x1=_RIGHT + 16, x2=_RIGHT + 32, y1=y - 4, y2=y - 4, stroke=colour)
        _add(root, "text", titles.get(name, name), "key", x=_RIGHT + 38, y=y)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _add(
    root: ElementTree.Element,
    tag: str,
    text: str | None = None,
    style: str | None = None,
    **attributes: float | str,
) -> None:
    names = {"anchor": "text-anchor"}
    written = {names.get(one, one): at if isinstance(at, str) else f"{at:.1f}" for one, at in attributes.items()}
    ElementTree.SubElement(root, tag, {**({"class": style} if style else {}), **written}).text = text


if __name__ == "__main__":
    main()
