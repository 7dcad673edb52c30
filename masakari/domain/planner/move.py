# SPDX-License-Identifier: Apache-2.0
"""What one instance of a failed host needs next, from what Nova shows.

The decision starts from the world each time, so an instance can be steered
by any engine, from wherever the last one left it.
"""

import enum

from masakari.domain.planner.host import Goal, Origin
from masakari.domain.server import (
    DELETING,
    REBUILDING,
    Migration,
    Server,
    VMState,
)

#: Nova evacuates an instance only in one of these, with no task state.
EVACUABLE = frozenset({VMState.ACTIVE, VMState.STOPPED, VMState.ERROR})


class Step(enum.Enum):
    """The next thing to do for an instance."""

    WAIT = "Nova is at work on it"
    EVACUATE = "evacuate it"
    START = "start it on its new host"
    STOP = "stop it on its host"
    REBOOT = "have its host start it anew"
    MARK_ERROR = "set it to error"
    SUCCEEDED = "it is where and what it is meant to be"
    STAYS = "it is where and what it was before the failure"
    DELETED = "Nova deletes it as soon as its host is back"
    FAILED = "it moved, but cannot be brought to its state"


def next_step(
    server: Server,
    *,
    source_host: str,
    origin: Origin,
    evacuation: Migration | None,
    abandoned: bool = False,
) -> Step:
    """Decide the next step of an instance.

    :param origin: its state before anything was done to it; a task state
        that it had then is a leftover, another one is Nova at work
    :param evacuation: Nova's latest record of its evacuation from
        ``source_host``, None when there is none of this failure
    :param abandoned: Nova will never end the evacuation before that one
    """
    if is_under_way(server, source_host=source_host, evacuation=evacuation):
        return Step.WAIT
    if server.host == source_host:
        if server.task_state in DELETING:
            return Step.DELETED
        # Nova may say that it is done a moment before the server moves.
        done = evacuation is not None and evacuation.succeeded
        at_work = _at_work(server, origin, abandoned=abandoned)
        return Step.WAIT if done or at_work else Step.EVACUATE
    if server.task_state is not None:
        return Step.WAIT
    return _steer(server.vm_state, origin.goal)


def is_under_way(
    server: Server, *, source_host: str, evacuation: Migration | None
) -> bool:
    """Whether Nova's record of an evacuation may yet lead somewhere.

    For a request Nova takes the oldest record that is ``accepted``: after one
    that was lost, that is the lost one, and the request's own stays as it is
    for ever (nova.conductor.manager, ``rebuild_instance``).
    """
    if evacuation is None or not evacuation.in_progress:
        return False
    return server.host == source_host or evacuation.status != "accepted"


def put_back(server: Server, *, origin: Origin, abandoned: bool) -> Step:
    """The next step of one that stays, since the failed host came back.

    What a failed evacuation, or we, have made of it is undone. nova-compute
    leaves instances in ``error`` alone when it starts.
    """
    if server.task_state in DELETING:
        return Step.DELETED
    if _at_work(server, origin, abandoned=abandoned):
        return Step.WAIT
    if abandoned and server.task_state in REBUILDING:
        return Step.MARK_ERROR
    if server.vm_state != VMState.ERROR or origin.goal is Goal.ERROR:
        return Step.STAYS
    return Step.REBOOT if origin.goal is Goal.ACTIVE else Step.STOP


def _at_work(server: Server, origin: Origin, *, abandoned: bool) -> bool:
    """Whether Nova does something for an instance of the failed host."""
    if abandoned and server.task_state in REBUILDING:
        return False
    return server.task_state not in (None, origin.task_state)


def _steer(vm_state: str, goal: Goal) -> Step:
    if vm_state == goal:
        return Step.SUCCEEDED
    if vm_state == VMState.ACTIVE:
        return Step.STOP
    if vm_state == VMState.STOPPED:
        return Step.START if goal is Goal.ACTIVE else Step.MARK_ERROR
    return Step.FAILED


def needs_reset(server: Server) -> bool:
    """Whether Nova would refuse to evacuate it as it is.

    Nothing of a dead host finishes a task: what :func:`next_step` does not
    wait for is a leftover.
    """
    return server.task_state is not None or server.vm_state not in EVACUABLE
