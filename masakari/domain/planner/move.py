# SPDX-License-Identifier: Apache-2.0
"""What one instance of a failed host needs next, from what Nova shows.

The decision starts from the world each time, so an instance can be steered
by any engine, from wherever the last one left it.
"""

import enum

from masakari.domain.planner.host import Goal, Origin
from masakari.domain.server import Migration, Server, VMState

#: Nova evacuates an instance only in one of these, with no task state.
EVACUABLE = frozenset({VMState.ACTIVE, VMState.STOPPED, VMState.ERROR})


class Step(enum.Enum):
    """The next thing to do for an instance."""

    WAIT = "Nova is at work on it"
    EVACUATE = "evacuate it"
    START = "start it on its new host"
    STOP = "stop it on its new host"
    MARK_ERROR = "set it to error again"
    SUCCEEDED = "it is where and what it is meant to be"
    FAILED = "it moved, but cannot be brought to its state"


def next_step(
    server: Server,
    *,
    source_host: str,
    origin: Origin,
    evacuation: Migration | None,
) -> Step:
    """Decide the next step of an instance.

    :param origin: its state before anything was done to it; a task state
        that it had then is a leftover, another one is Nova at work
    :param evacuation: Nova's latest record of its evacuation from
        ``source_host``, None when there is none of this failure
    """
    if evacuation is not None and evacuation.in_progress:
        return Step.WAIT
    if server.host == source_host:
        # Nova may say that it is done a moment before the server moves.
        done = evacuation is not None and evacuation.succeeded
        at_work = server.task_state not in (None, origin.task_state)
        return Step.WAIT if done or at_work else Step.EVACUATE
    if server.task_state is not None:
        return Step.WAIT
    return _steer(server.vm_state, origin.goal)


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
