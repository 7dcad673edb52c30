# SPDX-License-Identifier: Apache-2.0
"""Random stories, and what has to be true at the end of each.

``python -m tests.simulation.chaos --seeds 10000`` plays them; a seed that
fails is printed with the smallest story that fails in the same way.
``--seed 4711`` plays that one alone, and tells it.
"""

import argparse
import dataclasses
import functools
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from masakari import exception
from masakari.simulator.records import RUNNING, CloudError
from tests.simulation import chance, workers
from tests.simulation.chance import Tale
from tests.simulation.files import Event
from tests.simulation.invariants import Violation
from tests.simulation.outcome import Outcome
from tests.simulation.scenario import Scenario

#: Seconds within which everything ends when nothing is wrong any more. What
#: Nova has begun and does not end is watched for a quarter of an hour.
SETTLED_WITHIN = 1800.0

#: A host was back before it could be said to be down, or Nova may still be at
#: work on what it was asked for.
_EXCUSE = re.compile("from a host that is up|shows no change of it for")


class Played(Scenario):
    """A story by chance, in which anything may be refused."""

    def _try(
        self, act: Callable[[Any], Any], value: Any, refused: str | None
    ) -> None:
        try:
            act(value)
        except (exception.MasakariException, CloudError, KeyError):
            # The host has gone, or the server; a duplicate; a conflict.
            return

    def recovered(self) -> None:
        """Look whether everything has been made good.

        :raises AssertionError: something has not
        """
        moves = self.simulation.all_moves()
        for report in self.simulation.all_notifications():
            good = report.status in ("finished", "ignored")
            of_it = [m for m in moves if m.notification_uuid == report.uuid]
            texts = [report.message, *(move.message for move in of_it)]
            assert good or _excused(texts), (
                f"{report.uuid} is {report.status}: {report.message}"
            )
        cloud = self.simulation.cloud
        for server in cloud.servers.values():
            alive = server.host and cloud.hosts[server.host].alive
            assert alive, f"nobody has moved {server.name}"
            state = (server.vm_state, server.task_state, server.power_state)
            of_it = [m for m in moves if m.instance_uuid == server.uuid]
            runs = state == ("active", None, RUNNING)
            assert runs or _excused([move.message for move in of_it]), (
                f"{server.name} does not run: {state}"
            )

    def _go_on(self) -> None:
        """The time comes when everything is well again."""
        ends = [event.at + _lasts(event) for event in self.events]
        self._go_on_until(max(ends, default=0.0) + SETTLED_WITHIN)
        if self.simulation.invariants.unfinished:
            self.simulation.make_well()
            clock = self.simulation.clock
            self._go_on_until(clock.elapsed + SETTLED_WITHIN)


def _excused(texts: Iterable[str | None]) -> bool:
    """Whether a record says what no engine can make good."""
    return any(_EXCUSE.search(text or "") for text in texts)


def _lasts(event: Event) -> float:
    """For how long Nova or the database fail from then on."""
    fault = event.fault and event.fault.lasts
    return fault or event.database_away or 0.0


def play(tale: Tale) -> str:
    """Play a story; returns what happened.

    :raises AssertionError: it has a bad end
    :raises Violation: what must never happen has happened
    """
    story = Played(tale.files())
    story.lose_at(
        deadly=tale.deaths,
        freezing=dict(tale.freezes),
    )
    if tale.racing:
        story.race()
    with workers.telling(story):
        story.play()
        Outcome(story).check_sound()
        if tale.mild:
            story.recovered()
    return story.told()


def play_seed(seed: int) -> None:
    """Play it; a failure shows the smallest story that fails so too.

    :raises AssertionError: it has a bad end
    """
    tale = chance.tale(seed)
    failure = _failure(tale)
    if failure is None:
        return
    least = shrink(tale, functools.partial(_fails_like, failure))
    error = AssertionError(f"seed {seed}: {failure}")
    error.add_note(f"The smallest story that fails so:\n{text(least)}")
    raise error


def _failure(tale: Tale) -> str | None:
    """How it fails, in words that do not tell who."""
    try:
        play(tale)
    except (AssertionError, Violation) as error:
        return str(error)
    return None


def _fails_like(failure: str, tale: Tale) -> bool:
    found = _failure(tale)
    return found is not None and _kind(found) == _kind(failure)


def _kind(failure: str) -> str:
    """The words without numbers and names."""
    return " ".join(w for w in failure.split() if w.isalpha())[:60]


def shrink(tale: Tale, fails: Callable[[Tale], bool]) -> Tale:
    """The story with as much left out as can be, so that it still fails."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(tale):
            if fails(candidate):
                tale, smaller = candidate, True
                break
    return tale


def _smaller(tale: Tale) -> Iterator[Tale]:
    """Stories with one thing less each."""
    for part in ("events", "deaths", "freezes"):
        for rest in _rests(getattr(tale, part)):
            smaller = dataclasses.replace(tale, **{part: rest})
            if not tale.mild or is_fair(smaller):
                yield smaller
    if tale.racing:
        yield dataclasses.replace(tale, racing=False)
    yield from _without_options(tale)
    yield from _without_servers(tale)


def _rests(things: Sequence[Any]) -> Iterator[list[Any]]:
    """What is left without a half, a quarter and so on, or one of them."""
    size = len(things)
    while size > 0:
        for start in range(0, len(things), size):
            yield [*things[:start], *things[start + size :]]
        size //= 2


def is_fair(tale: Tale) -> bool:
    """Whether all can be made good: one host lives, those dead are known."""
    dead: dict[str, bool] = {}
    for event in tale.events:
        if "kill" in event:
            dead.setdefault(event["kill"], False)
        elif "revive" in event:
            dead.pop(event["revive"], None)
        elif event.get("report") == "COMPUTE_HOST" and event["host"] in dead:
            dead[event["host"]] = True
    return all(dead.values()) and not tale.cloud["hosts"].keys() <= dead.keys()


def _without_options(tale: Tale) -> Iterator[Tale]:
    for key in ("settings", "simulator"):
        for name in tale.cloud[key]:
            yield _with(tale, **{key: _without(tale.cloud[key], name)})
    if tale.cloud["engines"] > 1 and "engine" not in str(tale.events):
        yield _with(tale, engines=tale.cloud["engines"] - 1)
    if any(tale.cloud["clocks"]):
        yield _with(tale, clocks=[0.0])


def _without_servers(tale: Tale) -> Iterator[Tale]:
    """And without the hosts on which there are none."""
    servers, hosts = tale.cloud["servers"], tale.cloud["hosts"]
    spoken_of = f"{tale.events} {tale.cloud['aggregates']}"
    for name, server in servers.items():
        if name in spoken_of:
            continue
        yield _with(tale, servers=_without(servers, name))
        if server["count"] > 1:
            fewer = {**servers, name: {**server, "count": 1}}
            yield _with(tale, servers=fewer)
    for name in hosts:
        if name not in spoken_of and name not in str(servers):
            yield _with(tale, hosts=_without(hosts, name))


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def _with(tale: Tale, **parts: Any) -> Tale:
    return dataclasses.replace(tale, cloud={**tale.cloud, **parts})


def text(tale: Tale) -> str:
    """A story as the files of a scenario have it, with what happened."""
    parts = [
        yaml.safe_dump(
            {
                "deaths": list(tale.deaths),
                "freezes": list(tale.freezes),
                "racing": tale.racing,
            },
            default_flow_style=True,
        ),
        yaml.safe_dump(dict(tale.cloud), default_flow_style=None),
        yaml.safe_dump(list(tale.events), default_flow_style=None),
    ]
    try:
        parts.append(play(tale))
    except (AssertionError, Violation) as error:
        parts += [str(error), *getattr(error, "__notes__", ())]
    return "\n".join(parts)


def main() -> int:
    """Play random stories.

    :returns: 1 when one has a bad end
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--seed", type=int, help="only this one")
    workers.add_arguments(parser)
    given = parser.parse_args()
    if given.seed is not None:
        sys.stdout.write(text(chance.tale(given.seed)) + "\n")
        return 0 if _failure(chance.tale(given.seed)) is None else 1
    seeds = range(given.first, given.first + given.seeds)
    return workers.judge(play_seed, seeds, given.jobs)


if __name__ == "__main__":
    sys.exit(main())
