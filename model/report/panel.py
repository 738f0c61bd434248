"""A plot as SVG: its frame, and marks put where their values are.

Colours, strokes and sizes of text are the page's (its style sheet names these classes), so that one drawing serves
light, dark and paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal
from xml.etree import ElementTree

from model.report.axes import Axis

Point = tuple[float, float]
Style = Literal["main", "other", "guide"]
Anchor = Literal["start", "middle", "end"]

# The width is that of a narrow phone, where text is drawn in its own size.
WIDTH: Final = 360
HEIGHT: Final = 272
LEFT: Final = 42
RIGHT: Final = 348
TOP: Final = 48
BOTTOM: Final = 226


class Drawing:
    """An image that is read aloud by its title and description.

    Args:
        name: Unique on the page.
        title: Stands above it.
        description: What is to be seen, for those who do not see it.
        height: In units of which `WIDTH` is the width.
    """

    def __init__(self, name: str, title: str, description: str, *, height: float = HEIGHT) -> None:
        self.root = ElementTree.Element(
            "svg",
            {
                "class": "plot",
                "viewBox": f"0 0 {WIDTH} {height:g}",
                "role": "img",
                "aria-labelledby": f"{name}-title {name}-desc",
            },
        )
        ElementTree.SubElement(self.root, "title", {"id": f"{name}-title"}).text = title
        ElementTree.SubElement(self.root, "desc", {"id": f"{name}-desc"}).text = description
        self.text(0, 13, title, style="title")

    def add(self, tag: str, style: str, **attributes: float | str) -> ElementTree.Element:
        """A shape of a class; numbers are places."""
        written = {name: one if isinstance(one, str) else f"{one:.1f}" for name, one in attributes.items()}
        return ElementTree.SubElement(self.root, tag, {"class": style, **written})

    def text(self, x: float, y: float, text: str, *, style: str, anchor: Anchor = "start") -> ElementTree.Element:
        """A line of text at a place."""
        element = self.add("text", style, x=x, y=y, **{"text-anchor": anchor})
        element.text = text
        return element

    def svg(self) -> str:
        """The markup, to stand in a page."""
        return ElementTree.tostring(self.root, encoding="unicode", short_empty_elements=True)


class Panel(Drawing):
    """A drawing with two axes.

    Args:
        name: Unique on the page.
        title: Stands above it.
        description: What is to be seen, for those who do not see it.
        x: To the right.
        y: Upwards.
    """

    def __init__(self, name: str, title: str, description: str, *, x: Axis, y: Axis) -> None:
        super().__init__(name, title, description)
        self._x, self._y = x, y
        for value, text in y.ticks:
            at = self._at_y(value)
            self.add("line", "grid", x1=LEFT, x2=RIGHT, y1=at, y2=at)
            self.text(LEFT - 6, at + 3.5, text, style="tick", anchor="end")
        for value, text in x.ticks:
            at = self._at_x(value)
            self.add("line", "grid", x1=at, x2=at, y1=BOTTOM, y2=BOTTOM + 4)
            self.text(at, BOTTOM + 17, text, style="tick", anchor="middle")
        self.add("line", "axis", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM)
        self.text(0, 32, y.title, style="axis-title")
        self.text((LEFT + RIGHT) / 2, BOTTOM + 38, x.title, style="axis-title", anchor="middle")

    def line(self, points: Iterable[Point], style: Style = "main") -> None:
        """Straight from point to point."""
        self.add("path", f"line {style}", d="M" + "L".join(self._written(points)))

    def area(self, points: Sequence[Point], style: Style = "main") -> None:
        """What lies between the line through the points and the horizontal axis."""
        below = [(points[0][0], self._y.low), *points, (points[-1][0], self._y.low)]
        self.add("path", f"area {style}", d="M" + "L".join(self._written(below)) + "Z")

    def steps(self, points: Sequence[Point], style: Style) -> None:
        """Counts: an area with its outline."""
        self.area(points, style)
        self.add("path", f"line step {style}", d="M" + "L".join(self._written(points)))

    def band(self, low: float, high: float) -> None:
        """All that lies between two heights."""
        top, bottom = self._at_y(high), self._at_y(low)
        self.add("rect", "area guide", x=LEFT, y=top, width=RIGHT - LEFT, height=max(bottom - top, 0.5))

    def whisker(self, x: float, low: float, high: float) -> None:
        """An upright bar from one height to another."""
        at = self._at_x(x)
        self.add("line", "whisker", x1=at, x2=at, y1=self._at_y(low), y2=self._at_y(high))

    def dot(self, point: Point, style: str = "main", *, radius: float = 3.5) -> None:
        """A mark at a point."""
        self.add("circle", f"dot {style}", cx=self._at_x(point[0]), cy=self._at_y(point[1]), r=radius)

    def label(
        self, point: Point, text: str, *, style: Style = "main", anchor: Anchor = "start", dx: float = 0, dy: float = 0
    ) -> None:
        """Text beside a point.

        Args:
            point: In values.
            text: One line.
            style: That of what it names.
            anchor: Which end of the text stands there.
            dx: To the right of the point.
            dy: Below the point.
        """
        x, y = self._at_x(point[0]) + dx, self._at_y(point[1]) + dy
        self.text(x, y, text, style=f"label {style}", anchor=anchor)

    def named_dot(self, point: Point, text: str, *, falling: bool) -> None:
        """A mark with its name on the side that the curve leaves free.

        Args:
            point: On a curve.
            text: One line.
            falling: Whether the curve falls to the right, or rises.
        """
        self.dot(point, radius=4.5)
        dx, dy, anchor = _beside(self._x.place(point[0]), self._y.place(point[1]), falling=falling)
        self.label(point, text, anchor=anchor, dx=dx, dy=dy)

    def peak(self, point: Point, text: str, style: Style) -> None:
        """Text above a point, within the frame."""
        self.label(point, text, style=style, anchor=_inwards(self._x.place(point[0])), dy=-8)

    def rule(self, x: float, text: str) -> None:
        """An upright line across the plot, named above it."""
        at = self._at_x(x)
        self.add("line", "line guide", x1=at, x2=at, y1=TOP, y2=BOTTOM)
        self.text(at, TOP - 4, text, style="label guide", anchor=_inwards(self._x.place(x)))

    def key(self, entries: Sequence[tuple[str, Style]], *, corner: Literal["upper left", "lower right"]) -> None:
        """The names of lines beside a piece of each, in a corner that the lines leave free."""
        widest = max(len(name) for name, _ in entries) * 6 + 28
        x = LEFT + 10 if corner == "upper left" else RIGHT - widest
        y = TOP + 14 if corner == "upper left" else BOTTOM - 16 * len(entries) + 4
        for at, (name, style) in enumerate(entries):
            self.add("line", f"line {style}", x1=x, x2=x + 20, y1=y + 16 * at, y2=y + 16 * at)
            self.text(x + 26, y + 16 * at + 3.5, name, style=f"label {style}")

    def _written(self, points: Iterable[Point]) -> list[str]:
        return [f"{self._at_x(x):.1f} {self._at_y(y):.1f}" for x, y in points]

    def _at_x(self, value: float) -> float:
        return LEFT + (RIGHT - LEFT) * self._x.place(value)

    def _at_y(self, value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * self._y.place(value)


def _inwards(x: float) -> Anchor:
    """Which end of a text stands at a place, so that it stays within the frame."""
    return "start" if x < 0.15 else "end" if x > 0.85 else "middle"


def _beside(x: float, y: float, *, falling: bool) -> tuple[float, float, Anchor]:
    """How far from a place its name stands, and with which end towards it."""
    under, over = 15, -7
    if x < 0.6:
        return 8, over if falling and y < 0.9 else under, "start"
    return -8, under if falling or y > 0.9 else over, "end"
