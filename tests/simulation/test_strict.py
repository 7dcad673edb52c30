# SPDX-License-Identifier: Apache-2.0
"""A slip of the pen in a scenario is an error."""

from pathlib import Path

import pytest

from tests.simulation.files import read
from tests.simulation.invariants import Violation
from tests.simulation.outcome import Outcome
from tests.simulation.scenario import Scenario
from tests.simulation.strict import Slip

CLOUD = "{hosts: {failed: {}, other: {}}, servers: {web: {host: failed}}}"
EVENTS = "[{at: 0, kill: failed}, {at: 7, report: COMPUTE_HOST, host: failed}]"
EXPECT = "{notifications: {it: {status: finished}}, moves: {web: succeeded}}"


def written(
    folder: Path,
    *,
    cloud: str = CLOUD,
    events: str = EVENTS,
    expect: str = EXPECT,
) -> Scenario:
    (folder / "README").write_text("About slips.")
    (folder / "cloud.yaml").write_text(cloud)
    (folder / "events.yaml").write_text(events)
    (folder / "expect.yaml").write_text(expect)
    return Scenario(read(folder))


def test_a_scenario_without_a_slip_is_played(tmp_path: Path) -> None:
    scenario = written(tmp_path)
    scenario.play()
    Outcome(scenario).check()
    assert "move of web succeeded" in scenario.told()


@pytest.mark.parametrize(
    "expect",
    [
        "",
        "{notifications: {}}",
        "{notifications: {it: {}}}",
        "{notifications: {it: {status: done}}}",
        "{notifications: {it: {status: finished}}, move: {web: succeeded}}",
        "{notifications: {it: {status: finished}}, moves: {wbe: succeeded}}",
        "{notifications: {it: {status: finished}}, moves: {web: gone}}",
        "{notifications: {it: {status: finished}}, calls: {evacute: 0}}",
        "{notifications: {it: {status: finished}}, hosts: {other: {}}}",
        "{notifications: {it: {status: finished}}, within: soon}",
        "notifications: {it: {status: finished}}\nwithin: 1\nwithin: 99",
    ],
)
def test_expectations_do_not_vanish(tmp_path: Path, expect: str) -> None:
    with pytest.raises(Slip):
        written(tmp_path, expect=expect)


@pytest.mark.parametrize(
    "event",
    [
        "{at: 1}",
        "{at: 1, kil: failed}",
        "{at: 1, kill: failed, freeze: other}",
        "{at: 1, kill: failed, name: it}",
        "{at: 1, kill: failed, refused: HostInUse}",
        "{at: 1, retry: ti}",
        "{at: 1, fault: {verb: evacute, outcome: 503}}",
        "{at: 1, maintain: {failed: 'yes'}}",
    ],
)
def test_events_are_what_they_seem(tmp_path: Path, event: str) -> None:
    with pytest.raises(Slip):
        written(tmp_path, events=EVENTS.replace("]", f", {event}]"))


def test_an_event_about_nothing_is_an_error(tmp_path: Path) -> None:
    events = EVENTS.replace("]", ", {at: 1, delete: wbe}]")
    with pytest.raises(Violation, match="no server wbe"):
        written(tmp_path, events=events).play()


@pytest.mark.parametrize(
    "event",
    [
        "{at: 1, fault: {verb: stop, outcome: 503}}",
        "{at: 1, kill_engine: [after, evacuate, 99]}",
    ],
)
def test_trouble_that_does_not_come_is_an_error(
    tmp_path: Path, event: str
) -> None:
    scenario = written(tmp_path, events=EVENTS.replace("]", f", {event}]", 1))
    scenario.play()
    with pytest.raises(AssertionError):
        Outcome(scenario).check()
