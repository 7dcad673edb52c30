# SPDX-License-Identifier: Apache-2.0
"""The step that moves the instances."""

from masakari.engine.calls import persistently
from masakari.engine.evacuation.loop import Evacuation
from masakari.engine.tasks.base import RecoveryTask
from masakari.engine.tasks.hosts import plan_moves


class EvacuateInstancesTask(RecoveryTask):
    """Evacuate what is planned, until the failed host has nothing left.

    Nova is asked once more at the end: instances may have come to the host
    while it was failing.
    """

    def execute(self, host_name: str) -> None:
        self.update_details(f"Evacuating the instances of host {host_name}")
        while self._left():
            Evacuation(self.recovery, self.update_details).run()
            servers = persistently(
                self.recovery, self.recovery.compute.servers_on, host_name
            )
            self.recovery.servers = {server.uuid: server for server in servers}
            plan_moves(self.recovery, servers)
        self.update_details(self._summary(), 1.0)

    def _left(self) -> bool:
        return any(
            planned.unsettled
            for planned in self.recovery.journal.moves_of_attempt()
        )

    def _summary(self) -> str:
        latest = self.recovery.journal.latest_moves()
        succeeded = sum(planned.succeeded for planned in latest)
        failed = sum(planned.failed for planned in latest)
        ignored = len(latest) - succeeded - failed
        return (
            f"Evacuated: {succeeded}, failed: {failed}, left alone: {ignored}"
        )
