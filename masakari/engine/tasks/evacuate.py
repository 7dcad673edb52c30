# SPDX-License-Identifier: Apache-2.0
"""The step that moves the instances."""

from masakari import exception
from masakari.engine import reserves
from masakari.engine.evacuation.evacuation import Evacuation
from masakari.engine.evacuation.flights import Route
from masakari.engine.planning import plan_moves
from masakari.engine.tasks.base import RecoveryTask


class EvacuateInstancesTask(RecoveryTask):
    """Evacuate what is planned, until the failed host has nothing left.

    Nova is asked once more at the end: instances may have come to the host
    while it was failing.
    """

    def execute(
        self,
        host_name: str,
        reserved_host: str | None = None,
        has_alternative: bool = False,
        has_more_reserves: bool = False,
    ) -> None:
        if not self.recovery.journal.has_unsettled_moves():
            self.update_details("There is nothing to evacuate", 1.0)
        else:
            # What is refused waits for room where there is nowhere else.
            patient = not (has_alternative or has_more_reserves)
            self._evacuate(
                host_name, Route(target=reserved_host, patient=patient)
            )
        self._confirm(host_name)

    def _evacuate(self, host_name: str, route: Route) -> None:
        if route.target is not None:
            self.update_details(f"Taking reserved host {route.target}")
            reserves.take(self.recovery, route.target)
        place = route.target or "other hosts"
        self.update_details(
            f"Evacuating the instances of host {host_name} to {place}"
        )
        while self.recovery.journal.has_unsettled_moves():
            refused = Evacuation(
                self.recovery, route, self.update_details
            ).run()
            if refused:
                raise exception.HostRecoveryFailureException(
                    f"{refused} instances of host {host_name} cannot go to "
                    f"{place}."
                )
            plan_moves(self.recovery)
        self.update_details(self._summary(), 1.0)

    def _confirm(self, host_name: str) -> None:
        """A task with instances that were not recovered is no success.

        :raises InstancesLeftBehind: there are some
        """
        failed = sum(
            planned.failed for planned in self.recovery.journal.latest_moves()
        )
        if failed:
            raise exception.InstancesLeftBehind(count=failed, host=host_name)

    def _summary(self) -> str:
        latest = self.recovery.journal.latest_moves()
        succeeded = sum(planned.succeeded for planned in latest)
        failed = sum(planned.failed for planned in latest)
        ignored = len(latest) - succeeded - failed
        return (
            f"Evacuated: {succeeded}, failed: {failed}, left alone: {ignored}"
        )
