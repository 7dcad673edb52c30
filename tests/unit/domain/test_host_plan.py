# SPDX-License-Identifier: Apache-2.0
import datetime

import pytest

from masakari.domain.planner.host import Goal, Origin, being_stopped, plan
from masakari.domain.server import SHUTDOWN, Migration, Server
from masakari.domain.settings import RecoverySettings


def server(uuid: str, **kwargs: object) -> Server:
    values: dict[str, object] = {
        "uuid": uuid,
        "name": uuid,
        "host": "failed",
        "vm_state": "active",
        **kwargs,
    }
    return Server(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("vm_state", "power_state", "goal"),
    [
        ("active", 1, Goal.ACTIVE),
        ("stopped", SHUTDOWN, Goal.STOPPED),
        ("error", 1, Goal.ERROR),
        ("resized", 1, Goal.ACTIVE),
        ("resized", SHUTDOWN, Goal.STOPPED),
        ("paused", 3, Goal.STOPPED),
        ("suspended", SHUTDOWN, Goal.STOPPED),
        ("rescued", 1, Goal.STOPPED),
        ("building", 0, Goal.STOPPED),
    ],
)
def test_the_state_before_the_failure_decides_the_one_after(
    vm_state: str, power_state: int, goal: Goal
) -> None:
    assert Origin(vm_state=vm_state, power_state=power_state).goal is goal


@pytest.mark.parametrize("text", ["nine", "", "1.5", "0x10", "None"])
def test_a_priority_that_is_no_integer_counts_as_absent(text: str) -> None:
    planned = plan(
        [server("a", metadata={"HA_Priority": text})],
        settings=RecoverySettings(),
        origins={},
    )
    assert planned.moves[0].priority == 0


@pytest.mark.parametrize(
    ("text", "enabled"),
    [("True", True), ("yes", True), ("1", True), ("no", False), ("ja", False)],
)
def test_the_ha_key_is_read_as_a_boolean(text: str, enabled: bool) -> None:
    planned = plan(
        [server("a", metadata={"HA_Enabled": text})],
        settings=RecoverySettings(),
        origins={},
    )
    assert planned.moves[0].ha_enabled is enabled


def test_instances_in_error_are_left_alone_where_configured() -> None:
    planned = plan(
        [server("a", vm_state="error"), server("b")],
        settings=RecoverySettings(ignore_instances_in_error_state=True),
        origins={},
    )
    assert [move.instance_uuid for move in planned.moves] == ["b"]
    assert "error" in planned.skipped[0].reason


def test_error_that_our_own_attempt_left_is_not_taken_for_the_origin() -> None:
    planned = plan(
        [server("a", vm_state="error")],
        settings=RecoverySettings(ignore_instances_in_error_state=True),
        origins={"a": Origin(vm_state="active")},
    )
    assert planned.moves[0].origin.goal is Goal.ACTIVE


@pytest.mark.parametrize(
    ("task_state", "status", "found"),
    [
        ("powering-off", "pre-migrating", True),
        ("powering-off", "done", True),
        # The host came back since: that was another failure.
        ("powering-off", "completed", False),
        ("powering-off", "failed", False),
        ("spawning", "pre-migrating", False),
    ],
)
def test_what_nova_stops_at_the_end_of_an_evacuation_was_stopped(
    task_state: str, status: str, found: bool
) -> None:
    evacuation = Migration(
        id=1,
        instance_uuid="a",
        source_host="failed",
        dest_host="other",
        status=status,
        created_at=datetime.datetime(2026, 1, 1),
    )
    origins = being_stopped(
        [
            server("a", task_state=task_state),
            server("b", task_state="powering-off"),
        ],
        [evacuation],
    )
    assert {uuid: origin.goal for uuid, origin in origins.items()} == (
        {"a": Goal.STOPPED} if found else {}
    )
