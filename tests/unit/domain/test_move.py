# SPDX-License-Identifier: Apache-2.0
import datetime

import pytest

from masakari.domain.planner.host import Goal, Origin
from masakari.domain.planner.move import Step, needs_reset, next_step
from masakari.domain.server import Migration, Server


def record(status: str) -> Migration:
    return Migration(
        id=1,
        instance_uuid="a",
        source_host="failed",
        dest_host="other",
        status=status,
        created_at=datetime.datetime(2026, 1, 1),
    )


@pytest.mark.parametrize(
    ("host", "vm_state", "task_state", "status", "goal", "step"),
    [
        ("failed", "active", None, None, Goal.ACTIVE, Step.EVACUATE),
        ("failed", "active", "rebuilding", "accepted", Goal.ACTIVE, Step.WAIT),
        ("failed", "error", None, "error", Goal.ACTIVE, Step.EVACUATE),
        ("failed", "active", "rebooting", None, Goal.ACTIVE, Step.EVACUATE),
        ("failed", "active", "rebuilding", None, Goal.ACTIVE, Step.WAIT),
        ("failed", "active", None, "done", Goal.ACTIVE, Step.WAIT),
        (
            "other",
            "active",
            "spawning",
            "pre-migrating",
            Goal.ACTIVE,
            Step.WAIT,
        ),
        ("other", "active", None, "done", Goal.ACTIVE, Step.SUCCEEDED),
        ("other", "active", "powering-off", "done", Goal.STOPPED, Step.WAIT),
        ("other", "active", None, "done", Goal.STOPPED, Step.STOP),
        ("other", "stopped", None, "done", Goal.STOPPED, Step.SUCCEEDED),
        ("other", "stopped", None, "completed", Goal.ACTIVE, Step.START),
        ("other", "active", None, "done", Goal.ERROR, Step.STOP),
        ("other", "stopped", None, "done", Goal.ERROR, Step.MARK_ERROR),
        ("other", "error", None, "done", Goal.ERROR, Step.SUCCEEDED),
        ("other", "error", None, "failed", Goal.ACTIVE, Step.FAILED),
        ("other", "paused", None, None, Goal.ACTIVE, Step.FAILED),
    ],
)
def test_what_nova_shows_decides_the_next_step(
    host: str,
    vm_state: str,
    task_state: str | None,
    status: str | None,
    goal: Goal,
    step: Step,
) -> None:
    server = Server(
        uuid="a",
        name="a",
        host=host,
        vm_state=vm_state,
        task_state=task_state,
    )
    assert (
        next_step(
            server,
            source_host="failed",
            origin=Origin(vm_state=goal, task_state="rebooting"),
            evacuation=record(status) if status else None,
        )
        is step
    )


@pytest.mark.parametrize(
    ("vm_state", "task_state", "needed"),
    [
        ("active", None, False),
        ("stopped", None, False),
        ("error", None, False),
        ("active", "rebooting", True),
        ("paused", None, True),
        ("resized", None, True),
    ],
)
def test_what_nova_would_refuse_is_reset_first(
    vm_state: str, task_state: str | None, needed: bool
) -> None:
    server = Server(
        uuid="a",
        name="a",
        host="failed",
        vm_state=vm_state,
        task_state=task_state,
    )
    assert needs_reset(server) is needed
