# SPDX-License-Identifier: Apache-2.0
"""What engines see to from time to time, although nobody reports it.

A host that is on maintenance since nova-compute stopped on it is put back
into service when Nova has counted its compute service as up for a while:
monitors tell when a process stops, and few of them when it has started.
"""

import logging

from masakari import context, exception
from masakari.db import claims, outages
from masakari.domain import triage
from masakari.domain.model import StoppedHost
from masakari.engine.announcements import Announcements
from masakari.engine.intake import Intake
from masakari.engine.lease import ResourceLease
from masakari.engine.world import World
from masakari.nova import port

LOG = logging.getLogger(__name__)

#: Seconds from one turn to the next.
INTERVAL = 15.0
#: Seconds after which one look at Nova does not continue another.
GAP = 3 * INTERVAL


class Housekeeping:
    """One turn after the other, in one thread of every engine.

    :param intake: keeps others off a host meanwhile
    """

    def __init__(self, world: World, intake: Intake) -> None:
        self._world = world
        self._intake = intake
        #: The uuids of hosts whose trouble is in the log already.
        self._told: set[str] = set()

    def run(self) -> None:
        """Take a turn.

        :raises ServiceUnavailable: the database is away
        """
        interval = self._world.settings.service_up_interval
        if not interval:
            return
        for stopped in self._look():
            if stopped.up_for is not None and stopped.up_for >= interval:
                self._put_back_despite_errors(stopped)

    def _look(self) -> list[StoppedHost]:
        """The hosts that wait, with what Nova shows of them now."""
        access = self._world.access
        waiting = self._world.database.read(outages.stopped_hosts)
        if not waiting or not access.usable:
            return []
        try:
            services = self._world.compute.compute_services()
        except port.ComputeError as error:
            access.failed(error)
            return []
        names = {service.host for service in services if service.up}
        up = [
            stopped.host.uuid
            for stopped in waiting
            if stopped.host.name in names
        ]
        return self._world.database.write(outages.look, up, gap=GAP)

    def _put_back_despite_errors(self, stopped: StoppedHost) -> None:
        """What does not work is tried again in the next turn."""
        uuid = stopped.host.uuid
        try:
            with self._intake.hold(uuid) as lease:
                if lease is not None and self._is_as_before(stopped):
                    self._put_back(stopped, lease)
            self._told.discard(uuid)
        except (
            port.ComputeError,
            exception.ClaimLost,
            exception.HostNotFound,
            exception.ProcessRecoveryFailureException,
        ) as error:
            self._tell_once(
                uuid,
                f"Host {stopped.host.name} is not put back into service yet, "
                f"although nova-compute has started: {error}",
            )

    def _is_as_before(self, stopped: StoppedHost) -> bool:
        """Whether nobody was faster, and it has not stopped once more."""
        found = self._world.database.read(
            outages.stopped_hosts, stopped.host.uuid
        )
        return [other.up_since for other in found] == [stopped.up_since]

    def _put_back(self, stopped: StoppedHost, lease: ResourceLease) -> None:
        """Undo what was done when nova-compute stopped, and nothing else.

        :raises ComputeError, ProcessRecoveryFailureException: Nova does not do
            its part
        :raises ClaimLost: somebody else sees to it
        """
        name = stopped.host.name
        request = context.admin()
        request.update_store()
        compute = self._world.compute.for_claim(
            request.request_id, lease.check
        )
        service = compute.compute_service(name)
        if not service.up:
            return
        if triage.disabled_for(stopped.outage, service):
            compute.enable_service(service.id)
            service = compute.compute_service(name)
        if triage.disabled_for(stopped.outage, service):
            raise exception.ProcessRecoveryFailureException(
                f"The compute service on host {name} stays disabled."
            )
        host = self._world.database.write(
            claims.while_held,
            lease.claim,
            lease.seconds,
            lambda session: outages.end(
                session, stopped.host.uuid, up_since=stopped.up_since
            ),
        )
        if host.on_maintenance:
            return
        Announcements(self._world.events, request).host_changed(host)
        LOG.info(
            "Host %s is back in service: Nova has counted its compute "
            "service as up for %d seconds since process %s was reported as "
            "stopped",
            name,
            stopped.up_for,
            stopped.outage.process_name,
        )

    def _tell_once(self, about: str, text: str) -> None:
        if about not in self._told:
            self._told.add(about)
            LOG.warning("%s", text)
