# SPDX-License-Identifier: Apache-2.0
"""The story live on a terminal."""

from rich import box, console, live, progress_bar, table, text

from masakari.cmd.demo import summary
from masakari.cmd.demo.result import Result
from masakari.cmd.demo.watch import Move, Stage

_STYLES = {
    Stage.LOST: "red",
    Stage.QUEUED: "yellow",
    Stage.REBUILDING: "cyan",
    Stage.BACK: "green",
    Stage.FAILED: "bold red",
}

#: What is said of an instance; when it is back, Nova's word.
_STATES = {
    Stage.LOST: "host is dead",
    Stage.QUEUED: "queued",
    Stage.REBUILDING: "rebuilding",
    Stage.FAILED: "failed",
}

#: Which instances are shown first where there is no room for all.
_INTEREST = (
    Stage.FAILED,
    Stage.REBUILDING,
    Stage.QUEUED,
    Stage.LOST,
    Stage.BACK,
)

_BAR = 10

#: Lines around the instances.
_FRAME = 7


class Screen:
    """A table that changes as the instances move."""

    def __init__(self) -> None:
        self._console = console.Console(highlight=False)
        self._live = live.Live(
            console=self._console, refresh_per_second=10, auto_refresh=False
        )

    def say(self, text: str) -> None:
        self._console.print(text, markup=False)

    def update(self, phase: str, seconds: float, moves: list[Move]) -> None:
        if not self._live.is_started:
            self._live.start()
        self._live.update(self._table(phase, seconds, moves), refresh=True)

    def summarise(self, result: Result) -> None:
        self.close()
        for line in summary.lines(result):
            self._console.print(
                line, markup=False, overflow="ignore", crop=False
            )

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._live.stop()

    def _table(
        self, phase: str, seconds: float, moves: list[Move]
    ) -> table.Table:
        shown = _choose(moves, max(3, self._console.height - _FRAME))
        back = sum(move.is_back for move in moves)
        hidden = len(moves) - len(shown)
        more = f", {hidden} of them not shown" if hidden else ""
        made = table.Table(
            title=f"{phase}   {seconds:5.1f} s",
            title_style="bold",
            title_justify="left",
            caption=f"{back} of {len(moves)} instances are back{more}",
            caption_justify="left",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            show_edge=False,
        )
        # Columns that grew with their content would make all others jump.
        for name, width in (
            ("Instance", 8),
            ("HA", 6),
            ("State", 12),
            ("Way", 21),
            ("Progress", _BAR),
        ):
            made.add_column(name, no_wrap=True, min_width=width)
        made.add_column("Time", justify="right", no_wrap=True, min_width=6)
        for move in shown:
            made.add_row(*_row(move))
        return made


def _choose(moves: list[Move], room: int) -> list[Move]:
    """As many as there is room for, in their order."""
    if len(moves) <= room:
        return moves
    ranked = sorted(moves, key=lambda move: _INTEREST.index(move.stage))
    chosen = {move.uuid for move in ranked[:room]}
    return [move for move in moves if move.uuid in chosen]


def _row(move: Move) -> tuple[console.RenderableType, ...]:
    style = _STYLES[move.stage]
    rank = f"HA {move.priority}" if move.ha_enabled else ""
    began = move.stage is not Stage.LOST
    seconds = "" if move.seconds is None else f"{move.seconds:.1f} s"
    state = _STATES.get(move.stage, move.state)
    return (
        move.name,
        rank,
        text.Text(state, style),
        summary.way(move) if began else move.source,
        progress_bar.ProgressBar(
            total=1.0,
            width=_BAR,
            completed=move.progress,
            complete_style=style,
            finished_style=style,
        ),
        seconds,
    )
