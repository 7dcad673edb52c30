# SPDX-License-Identifier: Apache-2.0
"""Every scenario again, with the engine killed at one of its steps.

``python -m tests.simulation.kills`` kills at all steps of all scenarios;
``--points 5`` at five of each, ``--jobs`` says how many processes work on it,
and names of scenarios, or parts of them, choose some. Then each is played with
two engines that race from the start. What comes out has to be what comes out
undisturbed.
"""

import argparse
import functools
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.simulation import workers
from tests.simulation.files import FOLDERS, read
from tests.simulation.harness import Step
from tests.simulation.outcome import Outcome
from tests.simulation.scenario import Scenario

#: Calls and commits that change nothing that another engine could see,
#: except how long a lease is.
_LOOKS = frozenset(
    {
        "aggregates",
        "compute_service",
        "compute_services",
        "evacuations",
        "renew_all",
        "server",
        "servers_on",
    }
)


class Kill(NamedTuple):
    """The engine is killed at a step of a scenario.

    :param number: of the step, from 1
    """

    folder: Path
    number: int

    def __str__(self) -> str:
        return f"{self.folder.name} at step {self.number}"


def kills(folder: Path, most: int | None = None) -> list[Kill]:
    """At which steps of a scenario an engine can die.

    :param most: that many of them only, always the same
    """
    scenario = Scenario(read(folder))
    with workers.telling(scenario):
        scenario.play()
        found = list(deaths(scenario.simulation.steps.taken))
    if most is not None and most < len(found):
        found = random.Random(folder.name).sample(found, most)
    return [Kill(folder, number) for number in sorted(found)]


def deaths(steps: Sequence[Step]) -> Iterator[int]:
    """The numbers of the steps at which it makes a difference to die.

    Right after a step is right before the next one of the same moment: of
    these two one is enough, and to look again at what nobody has changed is
    the same step again.
    """
    looked: set[tuple[str, str]] = set()
    changed: tuple[str, tuple[float, int]] | None = None
    for number, step in enumerate(steps, start=1):
        moment = (step.engine, step.at)
        if step.name not in _LOOKS:
            looked.clear()
            if step.when == "after" or changed != moment:
                yield number
            changed = moment if step.when == "after" else None
        elif step.when == "before":
            if (step.name, step.subject) not in looked and changed != moment:
                yield number
            looked.add((step.name, step.subject))
            changed = None


def play(kill: Kill) -> None:
    """Play one.

    :raises AssertionError: it does not come out as undisturbed
    :raises Violation: what must never happen has happened
    """
    scenario = Scenario(read(kill.folder))
    scenario.lose_at(deadly=[kill.number])
    with workers.telling(scenario):
        scenario.play()
        _check(scenario)
        taken = scenario.simulation.steps.taken
        assert kill.number <= len(taken), "the step is never taken"


def race(folder: Path) -> None:
    """Play a scenario with one engine more, where all act at once.

    :raises AssertionError: it does not come out as with fewer
    :raises Violation: what must never happen has happened
    """
    scenario = Scenario(read(folder))
    scenario.race()
    with workers.telling(scenario):
        scenario.play()
        _check(scenario)


def _check(scenario: Scenario) -> None:
    outcome = Outcome(scenario)
    if scenario.cloud.timely:
        outcome.check_sound()
    else:
        outcome.check_end()


def main() -> int:
    """Kill, and print what goes wrong.

    :returns: 1 when something does
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="parts of names")
    parser.add_argument("--points", type=int, help="so many of each")
    parser.add_argument(
        "--no-races",
        dest="races",
        action="store_false",
        help="leave out the engines that race",
    )
    workers.add_arguments(parser)
    given = parser.parse_args()
    folders = [
        folder
        for folder in FOLDERS
        if not given.scenarios
        or any(part in folder.name for part in given.scenarios)
    ]
    found = workers.spread(
        functools.partial(kills, most=given.points), folders, given.jobs
    )
    chosen = [kill for result in found for kill in result]
    sys.stdout.write(f"{len(chosen)} kills in {len(folders)} scenarios\n")
    failed = workers.judge(play, chosen, given.jobs)
    if not given.races:
        return failed
    sys.stdout.write("With two engines from the start:\n")
    return failed or workers.judge(race, folders, given.jobs)


if __name__ == "__main__":
    sys.exit(main())
