"""Power over an event as an SVG drawn here: no script, no outside file, readable in grey and by a screen reader."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from html import escape
from typing import Final

WIDTH: Final = 1000
HEIGHT: Final = 460
LEFT: Final = 64
RIGHT: Final = 16
TOP: Final = 44
BOTTOM: Final = 82
STRIP: Final = 16
"""Height of the strip of states below the plot."""

Point = tuple[datetime, Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A series drawn in steps; None leaves a gap, never a line through."""

    name: str
    css: str
    points: Sequence[Point]
    """Value that holds from each instant to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A stretch of time with a name."""

    name: str
    css: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Everything that is drawn.

    Args:
        title: One line for people and screen readers.
        description: What the picture shows, in a sentence or two.
        start: Left edge.
        end: Right edge.
        offset: Local time minus UTC, for the labels.
        zone: Name of the local time, for the axis.
        unit: Of the y axis.
    """

    title: str
    description: str
    start: datetime
    end: datetime
    offset: timedelta
    zone: str
    unit: str = "kW"
    lines: Sequence[Line] = ()
    bands: Sequence[Band] = ()
    states: Sequence[Band] = field(default_factory=tuple)

    def svg(self) -> str:
        """Draw."""
        top, step = self._scale()
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'aria-labelledby="chart-title chart-desc" class="chart">',
            f'<title id="chart-title">{escape(self.title)}</title>',
            f'<desc id="chart-desc">{escape(self.description)}</desc>',
            *(self._band(band) for band in self.bands),
            *self._grid(top, step),
            *(self._line(line, top) for line in self.lines),
            *self._strip(),
            *self._legend(),
            "</svg>",
        ]
        return "\n".join(parts)

    def _scale(self) -> tuple[int, int]:
        """Return the top of the y axis and the distance of its grid lines."""
        values = [kw for line in self.lines for _, kw in line.points if kw is not None]
        highest = max(values, default=Decimal(1))
        step = _nice(highest / 8)
        return math.ceil(highest * Decimal("1.05") / step) * step, step

    def _x(self, at: datetime) -> float:
        share = (at - self.start) / (self.end - self.start)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def _y(self, kw: Decimal, top: int) -> float:
        return round(HEIGHT - BOTTOM - float(kw) / top * (HEIGHT - TOP - BOTTOM), 1)

    def _band(self, band: Band) -> str:
        left, right = self._x(max(band.start, self.start)), self._x(min(band.end, self.end))
        height = HEIGHT - TOP - BOTTOM
        middle = (left + right) / 2
        return (
            f'<rect class="band {band.css}" x="{left}" y="{TOP}" width="{right - left:.1f}" '
            f'height="{height}"/><text class="band-name" x="{middle:.1f}" y="{TOP - 6}" '
            f'text-anchor="middle">{escape(band.name)}</text>'
        )

    def _grid(self, top: int, step: int) -> Iterable[str]:
        for kw in range(0, top + 1, step):
            y = self._y(Decimal(kw), top)
            yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
            yield f'<text class="tick" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{kw:,}</text>'
        yield f'<text class="axis" x="{LEFT - 8}" y="{TOP - 16}" text-anchor="end">{self.unit}</text>'
        at = self._first_tick()
        while at <= self.end:
            x = self._x(at)
            yield (
                f'<line class="tick-mark" x1="{x}" x2="{x}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM + 5}"/>'
            )
            yield (
                f'<text class="tick" x="{x}" y="{HEIGHT - BOTTOM + 19}" text-anchor="middle">'
                f"{at + self.offset:%H:%M}</text>"
            )
            at += timedelta(minutes=30)
        yield (
            f'<text class="axis" x="{WIDTH - RIGHT}" y="{HEIGHT - BOTTOM + 36}" '
            f'text-anchor="end">local time, {escape(self.zone)}</text>'
        )

    def _first_tick(self) -> datetime:
        past = (self.start + self.offset).minute % 30
        first = self.start + timedelta(minutes=(30 - past) % 30)
        return first.replace(second=0, microsecond=0)

    def _line(self, line: Line, top: int) -> str:
        commands: list[str] = []
        drawing = False
        for k, (at, kw) in enumerate(line.points):
            until = line.points[k + 1][0] if k + 1 < len(line.points) else self.end
            if kw is None:
                drawing = False
                continue
            y = self._y(kw, top)
            commands.append(f"{'L' if drawing else 'M'}{self._x(max(at, self.start))} {y}")
            commands.append(f"H{self._x(min(until, self.end))}")
            drawing = True
        return f'<path class="line {line.css}" d="{" ".join(commands)}"/>'

    def _strip(self) -> Iterable[str]:
        y = HEIGHT - STRIP - 18
        for state in self.states:
            left, right = self._x(max(state.start, self.start)), self._x(min(state.end, self.end))
            yield (
                f'<rect class="state {state.css}" x="{left}" y="{y}" width="{max(right - left, 1):.1f}" '
                f'height="{STRIP}"><title>{escape(state.name)} from {state.start + self.offset:%H:%M:%S}'
                "</title></rect>"
            )
            if right - left > 7 * len(state.name):
                yield (
                    f'<text class="state-name" x="{(left + right) / 2:.1f}" y="{y + 12}" '
                    f'text-anchor="middle">{escape(state.name)}</text>'
                )
        if self.states:
            yield f'<text class="axis" x="{LEFT - 8}" y="{y + 12}" text-anchor="end">state</text>'

    def _legend(self) -> Iterable[str]:
        x = float(LEFT)
        for line in self.lines:
            yield f'<line class="line {line.css}" x1="{x}" x2="{x + 26}" y1="14" y2="14"/>'
            yield f'<text class="legend" x="{x + 32}" y="18">{escape(line.name)}</text>'
            x += 52 + 7.2 * len(line.name)


def _nice(value: Decimal) -> int:
    """Return the smallest of 1, 2, 5 times a power of ten that is not below ``value``."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= value:
                return factor * power
        power *= 10
