# SPDX-License-Identifier: Apache-2.0
"""Reserved hosts: chosen, taken, put to use, and given back.

A reserved host is taken only when something is about to be sent to it. What
was done to it is on record before it is done, so that it can be undone by
whoever ends the recovery, if nothing has come to the host.
"""

import logging
from typing import Any

from taskflow import retry

from masakari import exception
from masakari.domain.model import Host, Reserve
from masakari.domain.server import Aggregate, ComputeService
from masakari.engine.recovery import Recovery
from masakari.nova import port

LOG = logging.getLogger(__name__)

#: What ends the search for a host that takes the instances.
_FINAL = (
    exception.RecoveryAbandoned,
    exception.RecoveryWaits,
    exception.ServiceUnavailable,
    exception.SkipHostRecoveryException,
    exception.HostNotDown,
    exception.InstancesLeftBehind,
    port.Denied,
)


class NextReservedHost(retry.Retry):
    """Names a reserved host, and another one when that does not take all.

    What the hosts before it took stays there.
    """

    def __init__(self, name: str, recovery: Recovery) -> None:
        super().__init__(
            name=name, provides=("reserved_host", "has_more_reserves")
        )
        self._recovery = recovery

    def execute(self, history: Any) -> tuple[str, bool]:
        """The name of the next one, and whether there is one after it.

        :raises ReservedHostsUnavailable: there is none
        """
        untried = self._untried(history)
        if not untried:
            raise exception.ReservedHostsUnavailable()
        return untried[0], len(untried) > 1

    def on_failure(self, history: Any) -> str:
        """Go on with the next host, unless the recovery is over."""
        over = any(history.caused_by(cause, index=-1) for cause in _FINAL)
        decision: str = retry.REVERT
        if not over and self._untried(history):
            decision = retry.RETRY
        return decision

    def _untried(self, history: Any) -> list[str]:
        tried = {name for name, _ in history.provided_iter()}
        return [
            host.name
            for host in candidates(self._recovery)
            if host.name not in tried
        ]


def candidates(recovery: Recovery) -> list[Host]:
    """The hosts that may take the instances, in order."""
    return recovery.journal.reserve_candidates(recovery.host)


def take(recovery: Recovery, name: str) -> None:
    """Take a reserved host for the recovery, and have Nova use it.

    :raises HostRecoveryFailureException: somebody else has it, or it is not
        fit for use
    """
    free = {host.name: host for host in candidates(recovery)}
    if name not in free:
        raise _gone(name)
    service = _healthy(recovery, name)
    reserve = _taken(recovery, name) or _take(recovery, free[name], service)
    for aggregate in reserve.aggregates:
        _add_to_aggregate(recovery, reserve.host, aggregate)
    if not service.enabled:
        recovery.persistently(recovery.compute.enable_service, service.id)
        service = _healthy(recovery, name)
    if not service.enabled:
        raise exception.HostRecoveryFailureException(
            f"The compute service on reserved host {name} stays disabled."
        )


def _healthy(recovery: Recovery, name: str) -> ComputeService:
    try:
        service = recovery.persistently(recovery.compute.compute_service, name)
    except port.NotFound as error:
        raise exception.HostRecoveryFailureException(
            f"Nova knows no compute service on reserved host {name}."
        ) from error
    if not service.up:
        raise exception.HostRecoveryFailureException(
            f"Reserved host {name} is down."
        )
    return service


def _taken(recovery: Recovery, name: str) -> Reserve | None:
    for reserve in recovery.journal.reserves():
        if reserve.host.name == name:
            return reserve
    return None


def _take(recovery: Recovery, host: Host, service: ComputeService) -> Reserve:
    reserve = Reserve(
        host=host,
        was_enabled=service.enabled,
        disabled_reason=service.disabled_reason,
        aggregates=_aggregates_to_join(recovery, host.name),
    )
    if not recovery.journal.take_reserve(reserve):
        raise _gone(host.name)
    LOG.info(
        "Notification %s: reserved host %s is taken for host %s",
        recovery.notification.uuid,
        host.name,
        recovery.host.name,
    )
    return reserve


def _gone(name: str) -> Exception:
    return exception.HostRecoveryFailureException(
        f"Reserved host {name} has been taken by another recovery."
    )


def _aggregates_to_join(recovery: Recovery, name: str) -> tuple[int, ...]:
    if not recovery.world.settings.add_reserve_to_aggregates:
        return ()
    found: list[Aggregate] = recovery.persistently(recovery.compute.aggregates)
    return tuple(
        aggregate.id
        for aggregate in found
        if recovery.host.name in aggregate.hosts
        and name not in aggregate.hosts
    )


def _add_to_aggregate(
    recovery: Recovery, host: Host, aggregate_id: int
) -> None:
    """Nova's refusal may mean that the host is in it, or cannot be.

    A host that is not in an aggregate still takes instances that do not
    need it: no reason not to use it.
    """
    try:
        recovery.persistently(
            recovery.compute.add_host_to_aggregate,
            aggregate_id,
            host.name,
        )
    except (port.Refused, port.NotFound) as error:
        members = {
            aggregate.id: aggregate.hosts
            for aggregate in recovery.persistently(recovery.compute.aggregates)
        }
        if host.name not in members.get(aggregate_id, ()):
            LOG.warning(
                "Notification %s: reserved host %s could not be added to "
                "aggregate %s: %s",
                recovery.notification.uuid,
                host.name,
                aggregate_id,
                error,
            )


def give_back_unused(recovery: Recovery) -> None:
    """Give back what the recovery has taken and nothing has come to.

    A reserve that is not quite as it was before is better than a lost one.
    """
    for reserve in recovery.journal.reserves():
        try:
            if _is_used(recovery, reserve.host.name):
                continue
            _restore(recovery, reserve)
        except port.ComputeError as error:
            if _has_received(recovery, reserve.host.name):
                continue
            LOG.warning(
                "Notification %s: reserved host %s is given back, but not "
                "as it was: %s",
                recovery.notification.uuid,
                reserve.host.name,
                error,
            )
        recovery.journal.give_back(reserve)


def _is_used(recovery: Recovery, name: str) -> bool:
    """Whether it has instances of the failed host, or is getting some."""
    planned = {
        planned.move.instance_uuid
        for planned in recovery.journal.latest_moves()
    }
    there = recovery.persistently(recovery.compute.servers_on, name)
    if any(server.uuid in planned for server in there):
        return True
    records = recovery.persistently(
        recovery.compute.evacuations, recovery.host.name
    )
    return any(
        record.in_progress and record.dest_host == name for record in records
    )


def _has_received(recovery: Recovery, name: str) -> bool:
    """The same by our own records, where Nova cannot be asked."""
    return any(
        planned.vmove.dest_host == name
        for planned in recovery.journal.latest_moves()
    )


def _restore(recovery: Recovery, reserve: Reserve) -> None:
    compute, name = recovery.compute, reserve.host.name
    if not reserve.was_enabled:
        service = recovery.persistently(compute.compute_service, name)
        recovery.persistently(
            compute.disable_service,
            service.id,
            reserve.disabled_reason,
        )
    joined = set(reserve.aggregates)
    for aggregate in (
        recovery.persistently(compute.aggregates) if joined else ()
    ):
        if aggregate.id in joined and name in aggregate.hosts:
            recovery.persistently(
                compute.remove_host_from_aggregate,
                aggregate.id,
                name,
            )
