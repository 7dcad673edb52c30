# SPDX-License-Identifier: Apache-2.0
"""The result in words, and the moves on a time line."""

from collections.abc import Iterator

from masakari.cmd.demo.result import FIRST_WITHIN, RATIO_WITHIN, Result
from masakari.cmd.demo.watch import Move

_WIDTH = 40

_WAITING = "·"
_WORKING = "█"


def way(move: Move) -> str:
    """From where to where."""
    return f"{move.source} → {move.destination or '?'}"


def lines(result: Result) -> Iterator[str]:
    """All there is to say about ``result``."""
    yield ""
    yield from _timeline(result)
    yield ""
    yield from _figures(result)
    yield ""
    yield from _verdict(result)


def _figures(result: Result) -> Iterator[str]:
    count = len(result.moves)
    first, last, ratio = (
        result.first_seconds,
        result.last_seconds,
        result.ratio,
    )
    nova, keystone = result.calls("compute"), result.calls("identity")
    if first is not None:
        yield (
            f"First evacuation    {first:6.2f} s after Nova showed the host "
            f"down ({_goal(first, FIRST_WITHIN)})"
        )
    if last is not None and ratio is not None:
        yield f"Last instance back  {last:6.2f} s after that"
        yield (
            f"Best possible       {result.best_seconds:6.2f} s: "
            f"{result.rounds} x {result.evacuation_seconds:g} s, with "
            f"{result.rebuilds} rebuilds at once on "
            f"{_some(result.hosts - len(result.down_at), 'host')}"
        )
        yield (
            f"Ratio to the best   {ratio:6.2f}   "
            f"({_goal(ratio, RATIO_WITHIN)})"
        )
    yield f"In flight at once   {result.most_in_flight:6} at the most"
    yield f"Calls to Nova       {nova:6}   {nova / count:.2f} an instance"
    yield (
        f"Calls to Keystone   {keystone:6}   {keystone / count:.2f} an "
        "instance"
    )
    yield (
        "                    (all of Masakari's, from the notification to "
        "its end)"
    )


def _goal(value: float, most: float) -> str:
    return f"goal {most:g}: {'met' if value <= most else 'missed'}"


def _some(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _timeline(result: Result) -> Iterator[str]:
    """A bar for each move, and when it began and ended."""
    moves = sorted(
        (move for move in result.moves if move.asked_at is not None),
        key=lambda move: (move.began_at or 0.0, move.ended_at or 0.0),
    )
    ends = [move.ended_at - result.begin for move in moves if move.ended_at]
    span = max([*ends, result.best_seconds])
    names = max([len(move.name) for move in moves], default=0)
    ways = max([len(way(move)) for move in moves], default=0)
    yield "When each one moved, in seconds after Nova showed the host down"
    yield f"({_WAITING} waiting for a destination, {_WORKING} being rebuilt):"
    for move in moves:
        bar = _bar(result, move, span)
        ended = (
            "never"
            if move.ended_at is None
            else f"{move.ended_at - result.begin:5.2f}"
        )
        begun = (move.began_at or move.asked_at or 0.0) - result.begin
        yield (
            f"{move.name:{names}} {way(move):{ways}} {bar} "
            f"{begun:5.2f} {ended}"
        )


def _bar(result: Result, move: Move, span: float) -> str:
    def column(moment: float | None) -> int:
        if moment is None:
            return _WIDTH
        share = (moment - result.begin) / span
        return min(_WIDTH, max(0, round(share * _WIDTH)))

    asked, ended = column(move.asked_at), column(move.ended_at)
    begun = column(move.began_at)
    waiting = min(begun, ended) - asked
    working = ended - max(asked, min(begun, ended))
    bar = " " * asked + _WAITING * waiting + _WORKING * working
    return f"{bar:{_WIDTH}}"


def _verdict(result: Result) -> Iterator[str]:
    count = len(result.moves)
    if not result.problems:
        yield f"Back: {_some(count, 'instance')} of {count}."
        return
    back = sum(move.is_back for move in result.moves)
    yield f"Back: {_some(back, 'instance')} of {count}."
    yield from result.problems
