# SPDX-License-Identifier: Apache-2.0
"""Whether a failed instance is restarted, and what that takes next."""

import enum

from masakari.domain import metadata, verdict
from masakari.domain.model import VMove
from masakari.domain.server import DELETING, POWERING_OFF, Server, VMState
from masakari.domain.settings import RecoverySettings
from masakari.domain.verdict import Verdict

_POWERING_ON = "powering-on"

#: ``vm_state`` of an instance that its user has deleted; Nova may keep it for
#: a while.
_DELETED = frozenset({"deleted", "soft-delete"})

#: A stopped or restarted guest would not be what its user has left there.
_LEFT_ALONE = frozenset({VMState.PAUSED, VMState.RESCUED})


def judge(
    server: Server, settings: RecoverySettings, evacuated: VMove | None
) -> Verdict | None:
    """Whether a reported instance is restarted; None when it is.

    A report of a host that the instance was evacuated from, and is not on,
    is of what was there before. When was what is not asked: the clocks of
    those who wrote it down may differ.

    :param evacuated: its latest evacuation from the host that reported it
    """
    if server.task_state in DELETING or server.vm_state in _DELETED:
        return verdict.ignored(
            f"Instance {server.uuid} is being deleted, or has been."
        )
    if not (
        settings.process_all_instances
        or metadata.is_true(server.metadata.get(settings.instance_ha_key))
    ):
        return verdict.finished(
            f"Instance {server.uuid} has no true {settings.instance_ha_key} "
            "metadata and [instance_failure] process_all_instances is not "
            "set."
        )
    if server.vm_state in _LEFT_ALONE:
        return verdict.ignored(
            f"Instance {server.uuid} is {server.vm_state}.", alarming=True
        )
    if (
        evacuated is not None
        and evacuated.source_host != server.host
        and server.vm_state == VMState.ACTIVE
    ):
        return verdict.ignored(
            f"Instance {server.uuid} has been evacuated from "
            f"{evacuated.source_host} and runs on {server.host}."
        )
    return None


class Step(enum.Enum):
    """The next thing to do for an instance that is being restarted."""

    DONE = "it is as it has to be"
    WAIT = "Nova is at work on it"
    STOP = "stop it"
    RESET = "set it to active, so that it can be stopped"
    START = "start it"
    GIVE_UP = "it cannot be brought there"


def to_stop(server: Server) -> Step:
    """The next step towards a stopped instance."""
    if server.vm_state == VMState.STOPPED:
        return Step.DONE
    if server.task_state == POWERING_OFF or server.task_state in DELETING:
        return Step.WAIT
    if server.vm_state == VMState.RESIZED:
        return Step.RESET
    return Step.STOP


def to_start(server: Server) -> Step:
    """The next step towards an instance that has been told to start."""
    if server.task_state == _POWERING_ON:
        return Step.DONE
    return to_active(server)


def to_active(server: Server) -> Step:
    """The next step towards an instance that runs."""
    if server.task_state is not None:
        return Step.WAIT
    if server.vm_state == VMState.ACTIVE:
        return Step.DONE
    return Step.START if server.vm_state == VMState.STOPPED else Step.GIVE_UP
