# SPDX-License-Identifier: Apache-2.0
"""Steps that take a host out of scheduling when nova-compute has stopped."""

from concurrent import futures

from masakari import exception
from masakari.domain.server import ComputeService
from masakari.engine.tasks.base import RecoveryTask
from masakari.nova import port


class DisableComputeNodeTask(RecoveryTask):
    """Disable the host's compute service.

    Nova asks the compute process to note it, and waits for its answer as
    long as it counts as up; but that process is dead. So Nova's answer is
    not waited for: Nova shows the service as disabled before.
    """

    def execute(self, process_name: str, host_name: str) -> None:
        del process_name
        self.update_details(f"Disabling compute service on host {host_name}")
        service = _service(self, host_name)
        if service.enabled:
            self._disable(service)
        self.update_details(
            f"Nova has been told to disable the service on host {host_name}",
            1.0,
        )

    def _disable(self, service: ComputeService) -> None:
        world = self.recovery.world
        ends_at = world.clock.monotonic() + world.settings.down_timeout
        self.recovery.give_way()
        asked = self._ask(service)
        while service.enabled and world.clock.monotonic() < ends_at:
            self.recovery.linger(world.settings.verify_interval)
            if asked.done() and isinstance(
                asked.exception(), port.Unavailable
            ):
                asked = self._ask(service)
            elif asked.done():
                asked.result()
                return
            service = _service(self, service.host)

    def _ask(self, service: ComputeService) -> futures.Future[None]:
        return self.recovery.world.calls.submit(
            self.recovery.compute.disable_service,
            service.id,
            self.recovery.world.settings.process_disable_reason,
        )


class ConfirmComputeNodeDisabledTask(RecoveryTask):
    """Wait until Nova shows the host's compute service as disabled."""

    def execute(self, process_name: str, host_name: str) -> None:
        del process_name
        clock = self.recovery.world.clock
        settings = self.recovery.world.settings
        ends_at = clock.monotonic() + settings.down_timeout
        self.update_details(
            f"Compute service on host {host_name} has to become disabled"
        )
        while _service(self, host_name).enabled:
            if clock.monotonic() >= ends_at:
                raise exception.ProcessRecoveryFailureException(
                    f"The compute service on host {host_name} is not "
                    f"disabled after {settings.down_timeout:g} seconds."
                )
            self.recovery.linger(settings.verify_interval)
        self.update_details(
            f"Compute service on host {host_name} is disabled", 1.0
        )


def _service(step: RecoveryTask, host_name: str) -> ComputeService:
    try:
        return step.recovery.persistently(
            step.recovery.compute.compute_service, host_name
        )
    except port.NotFound as error:
        raise exception.ProcessRecoveryFailureException(
            f"Nova knows no compute service on host {host_name}."
        ) from error
