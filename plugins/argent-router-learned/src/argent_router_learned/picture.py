"""The curve of quality over cost, as an SVG picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 640, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 24, 52
_COLOURS = {"learned": "#0b7a75", "table": "#b5530c", "length": "#6b6b6b"}


def svg(curves: Mapping[str, Mapping[str, Any]]) -> str:
    """Draw curves.

    Args:
        curves: By name; each with ``points`` (``share``, ``quality``), ``weak``, ``strong`` and
            ``apgr``.
    """
    qualities = [p["quality"] for curve in curves.values() for p in curve["points"]]
    low, high = min(qualities), max(qualities)
    room = (high - low) * 0.05 or 0.05
    frame = _Frame(low - room, high + room)
    parts = [*frame.axes(), *frame.chance(next(iter(curves.values())))]
    for row, (name, curve) in enumerate(curves.items()):
        parts += frame.line(name, curve, row=row)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        ' font-family="sans-serif" font-size="13" role="img">'
        "<title>Quality over cost of the learned router</title>"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>{"".join(parts)}</svg>\n'
    )


class _Frame:
    """Where quality and cost are in the picture."""

    def __init__(self, low: float, high: float) -> None:
        self._low, self._high = low, high

    def axes(self) -> list[str]:
        """Draw the axes, with their names."""
        parts = []
        for tenth in range(0, 11, 2):
            x = self._x(tenth / 10)
            parts.append(_rule(x, _TOP, x, _HEIGHT - _BOTTOM))
            parts.append(_words(f"{tenth * 10} %", x, _HEIGHT - _BOTTOM + 18))
        for fifth in range(6):
            quality = self._low + (self._high - self._low) * fifth / 5
            y = self._y(quality)
            parts.append(_rule(_LEFT, y, _WIDTH - _RIGHT, y))
            parts.append(_words(f"{quality:.2f}", _LEFT - 8, y + 4, anchor="end"))
        parts.append(_words("calls to the able tiers", _WIDTH / 2, _HEIGHT - 12))
        parts.append(_words("quality", 12, 14, anchor="start"))
        return parts

    def chance(self, curve: Mapping[str, Any]) -> list[str]:
        """Draw what chance would do: a straight line from weak to strong."""
        ends = [(0.0, curve["weak"]), (1.0, curve["strong"])]
        (x1, y1), (x2, y2) = [(self._x(x), self._y(y)) for x, y in ends]
        return [_rule(x1, y1, x2, y2, more='stroke-dasharray="4 4" stroke="#999999"')]

    def line(self, name: str, curve: Mapping[str, Any], *, row: int) -> list[str]:
        """Draw a curve, and its name in the legend."""
        colour = _COLOURS.get(name, "#333333")
        places = " ".join(
            f"{self._x(p['share']):.1f},{self._y(p['quality']):.1f}" for p in curve["points"]
        )
        y = _HEIGHT - _BOTTOM - 16 - 20 * row
        legend = _words(f"{name} (APGR {curve['apgr']:.3f})", _WIDTH - _RIGHT - 8, y, anchor="end")
        return [
            f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2.5"/>',
            f'<g fill="{colour}">{legend}</g>',
        ]

    def _x(self, share: float) -> float:
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def _y(self, quality: float) -> float:
        part = (quality - self._low) / (self._high - self._low)
        return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)


def _rule(x1: float, y1: float, x2: float, y2: float, more: str = 'stroke="#e3e3e3"') -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {more}/>'


def _words(text: str, x: float, y: float, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
