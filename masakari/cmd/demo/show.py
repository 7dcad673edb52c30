# SPDX-License-Identifier: Apache-2.0
"""Where the story is told: not at all, or in plain lines."""

from typing import Protocol, TextIO

from masakari.cmd.demo import summary
from masakari.cmd.demo.result import Result
from masakari.cmd.demo.watch import Move, Stage


class Show(Protocol):
    """A place to tell it."""

    def say(self, text: str) -> None:
        """Something was done."""

    def update(self, phase: str, seconds: float, moves: list[Move]) -> None:
        """``seconds`` after the failure this is how things stand."""

    def summarise(self, result: Result) -> None:
        """It is over."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Silence:
    """Tells nothing."""

    def say(self, text: str) -> None:
        del text

    def update(self, phase: str, seconds: float, moves: list[Move]) -> None:
        del phase, seconds, moves

    def summarise(self, result: Result) -> None:
        del result

    def close(self) -> None:
        """There is nothing to leave."""


class Lines:
    """A line for every change, without any control characters."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._phase = ""
        self._stages: dict[str, Stage] = {}

    def _print(self, text: str) -> None:
        print(text, file=self._out, flush=True)

    def say(self, text: str) -> None:
        self._print(text)

    def update(self, phase: str, seconds: float, moves: list[Move]) -> None:
        if phase != self._phase:
            self._phase = phase
            self._print(f"{seconds:6.1f} s  {phase}")
        for move in moves:
            stage = self._stages.get(move.uuid, Stage.LOST)
            if move.stage is not stage:
                self._stages[move.uuid] = move.stage
                self._tell(move, seconds)

    def _tell(self, move: Move, seconds: float) -> None:
        """Only of the end of one, or its failure."""
        if move.stage is Stage.BACK:
            self._print(
                f"{seconds:6.1f} s  {move.name}  {summary.way(move)}  "
                f"{move.state}"
            )
        elif move.stage is Stage.FAILED:
            fault = move.fault or ""
            self._print(f"{seconds:6.1f} s  {move.name}  failed  {fault}")

    def summarise(self, result: Result) -> None:
        for line in summary.lines(result):
            self._print(line)

    def close(self) -> None:
        """Lines need no end."""
