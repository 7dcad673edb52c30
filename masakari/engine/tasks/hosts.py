# SPDX-License-Identifier: Apache-2.0
"""Steps that concern the failed host as a whole."""

import logging
from concurrent import futures

from masakari import exception
from masakari.domain.server import ComputeService
from masakari.domain.settings import RecoverySettings
from masakari.engine.planning import plan_moves, require_destination
from masakari.engine.tasks.base import RecoveryTask
from masakari.nova import port

LOG = logging.getLogger(__name__)


class DisableComputeServiceTask(RecoveryTask):
    """Take the failed host out of scheduling; wait until Nova calls it down.

    Nova refuses to evacuate from a service that is up, so being down is the
    condition to wait for. Disabling must not hold that up: while the
    service counts as up, Nova asks the dead host to note it and waits for
    the answer.
    """

    def execute(self, host_name: str) -> None:
        self.update_details(f"Disabling compute service on host {host_name}")
        services = {
            service.host: service
            for service in self.recovery.persistently(
                self.recovery.compute.compute_services
            )
        }
        service = services.get(host_name)
        if service is None:
            raise exception.HostRecoveryFailureException(
                f"Nova knows no compute service on host {host_name}."
            )
        if service.up and self._was_down():
            # What is under way is followed, and nothing is added.
            self.update_details(f"Host {host_name} is back", 1.0)
            return
        if not service.up:
            # Nothing is done to a host, as after a power loss, of which
            # nothing could be evacuated.
            require_destination(self.recovery, services.values())
        self._force_down(service)
        disabling = self._disable(service)
        service = self._wait_for_down(service)
        self._confirm_disabled(service, disabling)
        self.update_details(
            f"Compute service on host {host_name} is down", 1.0
        )

    def _was_down(self) -> bool:
        """Whether the host has been down since it failed.

        Moves are planned, and destinations missed, only once it is.
        """
        return self.recovery.lease.claim.waiting_for == "destination" or bool(
            self.recovery.journal.latest_moves()
        )

    def _force_down(self, service: ComputeService) -> None:
        if not self.recovery.world.settings.force_down or service.forced_down:
            return
        self.recovery.persistently(
            self.recovery.compute.force_down, service.id, True
        )

    def _disable(self, service: ComputeService) -> futures.Future[None]:
        if not service.enabled:
            done: futures.Future[None] = futures.Future()
            done.set_result(None)
            return done
        return self.recovery.world.calls.submit(
            self.recovery.compute.disable_service,
            service.id,
            self.recovery.world.settings.service_disable_reason,
        )

    def _wait_for_down(self, service: ComputeService) -> ComputeService:
        """Wait until Nova calls it down.

        :raises HostNotDown: it does not
        :raises port.Unavailable: Nova could not be asked
        """
        clock, settings = self.recovery.world.clock, self._settings
        ends_at = clock.monotonic() + settings.down_timeout
        while True:
            try:
                service = self.recovery.compute.compute_service(service.host)
                if not service.up:
                    return service
                trouble = "Nova still counts its compute service as up"
                silence = None
            except port.Unavailable as error:
                trouble = f"Nova could not be asked ({error})"
                silence = error
            if clock.monotonic() >= ends_at:
                if silence is not None:
                    raise silence
                raise exception.HostNotDown(
                    f"Host {service.host} is not known to be down after "
                    f"{settings.down_timeout:g} seconds: {trouble}. "
                    "Nothing is evacuated from a host that is up."
                )
            # Half of the interval: the first evacuation is the one that
            # everybody waits for.
            self.recovery.pause(settings.verify_interval / 2)

    def _confirm_disabled(
        self, service: ComputeService, disabling: futures.Future[None]
    ) -> None:
        """A service that stays enabled is no reason not to recover.

        The scheduler leaves out what is down; but the host would get new
        instances once it is back, so it is worth another try, and a line.
        """
        if disabling.done() and disabling.exception() is None:
            return
        try:
            self.recovery.persistently(
                self.recovery.compute.disable_service,
                service.id,
                self._settings.service_disable_reason,
            )
        except port.ComputeError as error:
            LOG.warning(
                "The compute service on host %s could not be disabled: %s",
                service.host,
                error,
            )
            self.update_details(
                f"Compute service on host {service.host} could not be "
                f"disabled: {error}",
                0.9,
            )

    @property
    def _settings(self) -> RecoverySettings:
        return self.recovery.world.settings


class PrepareHAEnabledInstancesTask(RecoveryTask):
    """Plan which instances of the host are moved, and record it."""

    def execute(self, host_name: str) -> None:
        self.update_details(f"Preparing the instances of host {host_name}")
        plan = plan_moves(self.recovery)
        found = len(self.recovery.servers or ())
        self.update_details(f"Host {host_name} has {found} instances", 0.3)
        unsettled = [
            planned
            for planned in self.recovery.journal.moves_of_attempt()
            if planned.unsettled
        ]
        ha_enabled = sum(planned.move.ha_enabled for planned in unsettled)
        self.update_details(
            f"Instances to be evacuated: {len(unsettled)}, {ha_enabled} of "
            f"them HA-enabled; left alone: {len(plan.skipped)}",
            1.0,
        )
