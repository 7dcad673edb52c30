# SPDX-License-Identifier: Apache-2.0
"""The recovery of a host: its instances come back elsewhere.

The recovery method says where they are sent, in order. What the first
destination does not take goes on to the next, at once and instance by
instance; what it took stays.
"""

import logging

from masakari import exception
from masakari.domain import triage, verdict
from masakari.domain.model import Outcome, VMoveStatus
from masakari.domain.planner import host as planner
from masakari.domain.planner.host import Destination
from masakari.domain.verdict import Verdict
from masakari.engine import reserves
from masakari.engine.evacuation.evacuation import Evacuation
from masakari.engine.evacuation.flights import Route
from masakari.engine.flows import Flows
from masakari.engine.planning import plan_moves
from masakari.engine.recovery import Recovery
from masakari.nova import port

LOG = logging.getLogger(__name__)

#: These are about the recovery as a whole, whatever the destination.
_FINAL = (
    exception.RecoveryAbandoned,
    exception.RecoveryWaits,
    exception.ServiceUnavailable,
    exception.SkipHostRecoveryException,
    exception.HostNotDown,
    port.Denied,
)


def recover(recovery: Recovery, flows: Flows) -> Verdict:
    """Recover from the failure of a host.

    :raises MasakariException: nothing could be recovered
    """
    at_once = triage.judge_host_failure(recovery.notification)
    if at_once is not None:
        return at_once
    _take_out_of_service(recovery)
    try:
        trouble = _evacuate(recovery, flows)
    finally:
        recovery.world.slots.leave(recovery.key)
    moves = [planned.vmove for planned in recovery.journal.latest_moves()]
    if not moves and trouble is None:
        return verdict.finished(_why_nothing(recovery))
    return verdict.of_moves(moves, trouble)


def _evacuate(recovery: Recovery, flows: Flows) -> str | None:
    """Move what can be moved; returns why the last way did not work."""
    trouble = _try_destinations(recovery, flows)
    if recovery.journal.has_unsettled_moves():
        _see_through(recovery)
        _give_up_the_rest(recovery, trouble)
    return trouble


def _why_nothing(recovery: Recovery) -> str:
    name = recovery.host.name
    if recovery.servers is not None:
        return f"There is nothing to evacuate on host {name}."
    return f"The configured tasks have planned no evacuation from host {name}."


def _take_out_of_service(recovery: Recovery) -> None:
    host = recovery.host
    if (
        host.reserved
        or not host.on_maintenance
        or recovery.journal.outage(host) is not None
    ):
        recovery.journal.take_out_of_service(host)


def _try_destinations(recovery: Recovery, flows: Flows) -> str | None:
    """Send the instances away; returns why the last way did not work."""
    ways = planner.DESTINATIONS[recovery.host.segment.recovery_method]
    trouble = None
    for number, destination in enumerate(ways, start=1):
        has_alternative = any(
            _is_there(recovery, other) for other in ways[number:]
        )
        trouble = _try_destination(
            recovery, flows, destination, has_alternative=has_alternative
        )
        moves = recovery.journal.moves_of_attempt()
        planned = trouble is None or bool(moves)
        if planned and not any(move.unsettled for move in moves):
            break
    return trouble


def _is_there(recovery: Recovery, destination: Destination) -> bool:
    """Reserved hosts that are not there are no alternative."""
    if destination is Destination.RESERVED:
        return bool(reserves.candidates(recovery))
    return True


def _try_destination(
    recovery: Recovery,
    flows: Flows,
    destination: Destination,
    *,
    has_alternative: bool,
) -> str | None:
    try:
        flows.run_host(recovery, destination, has_alternative=has_alternative)
    except _FINAL:
        raise
    except exception.MasakariException as error:
        LOG.warning(
            "Notification %s: not all instances went %s: %s",
            recovery.notification.uuid,
            destination.value,
            error,
        )
        if isinstance(error, exception.ReservedHostsUnavailable):
            _plan_all_the_same(recovery)
        return str(error)
    return None


def _plan_all_the_same(recovery: Recovery) -> None:
    """Every instance gets its record, also if there is nowhere to go."""
    if not recovery.journal.moves_of_attempt():
        plan_moves(recovery)


def _see_through(recovery: Recovery) -> None:
    """Nothing more is sent, but what is on its way has to arrive."""
    Evacuation(
        recovery, Route(patient=False, closed=True), lambda _text, _part: None
    ).run()


def _give_up_the_rest(recovery: Recovery, trouble: str | None) -> None:
    """Say for each what did not work for it, and why there is no other way."""
    recovery.journal.settle(
        [
            Outcome(
                vmove_uuid=planned.vmove.uuid,
                status=VMoveStatus.FAILED,
                message=" ".join(
                    filter(None, [planned.vmove.message, trouble])
                )
                or "Nothing was done for it.",
            )
            for planned in recovery.journal.moves_of_attempt()
            if planned.unsettled
        ]
    )
