# SPDX-License-Identifier: Apache-2.0
import pytest

from masakari.domain.planner import instance as planner
from masakari.domain.planner.instance import Step
from masakari.domain.server import Server
from masakari.domain.settings import RecoverySettings


def server(vm_state, task_state=None):
    return Server(
        uuid="u", name="vm", host="h", vm_state=vm_state, task_state=task_state
    )


@pytest.mark.parametrize(
    ("vm_state", "task_state", "stop", "start", "active"),
    [
        ("active", None, Step.STOP, Step.DONE, Step.DONE),
        ("active", "powering-off", Step.WAIT, Step.WAIT, Step.WAIT),
        ("active", "deleting", Step.WAIT, Step.WAIT, Step.WAIT),
        ("active", "rebooting", Step.STOP, Step.WAIT, Step.WAIT),
        ("stopped", None, Step.DONE, Step.START, Step.START),
        ("stopped", "powering-on", Step.DONE, Step.DONE, Step.WAIT),
        ("resized", None, Step.RESET, Step.GIVE_UP, Step.GIVE_UP),
        ("error", None, Step.STOP, Step.GIVE_UP, Step.GIVE_UP),
        ("suspended", None, Step.STOP, Step.GIVE_UP, Step.GIVE_UP),
    ],
)
def test_the_next_step_follows_from_what_nova_shows(
    vm_state, task_state, stop, start, active
):
    seen = server(vm_state, task_state)
    assert planner.to_stop(seen) is stop
    assert planner.to_start(seen) is start
    assert planner.to_active(seen) is active


@pytest.mark.parametrize(
    ("vm_state", "task_state"),
    [
        ("active", "deleting"),
        ("error", "soft-deleting"),
        ("soft-delete", None),
        ("deleted", None),
    ],
)
def test_what_its_user_deletes_is_left_alone(vm_state, task_state):
    settings = RecoverySettings(process_all_instances=True)
    verdict = planner.judge(server(vm_state, task_state), settings, None)
    assert (verdict.status, verdict.alarming) == ("ignored", False)
    assert "deleted" in verdict.message
