# SPDX-License-Identifier: Apache-2.0
"""Tasks for the recovery of a process."""

from masakari import exception
from masakari.engine.drivers.taskflow import base
from masakari_sample_tasks import diary


class InspectProcess(base.MasakariTask):
    """Look at the host of the process before it is taken out of service."""

    def __init__(self, context, novaclient, **kwargs):
        self.others = sorted(kwargs)
        super().__init__(context, novaclient, **kwargs)

    def execute(self, process_name, host_name, notification_uuid):
        service = self.novaclient.find_compute_service(self.context, host_name)
        diary.note(
            self,
            process_name=process_name,
            host_name=host_name,
            notification_uuid=notification_uuid,
            status=service.status,
            others=self.others,
        )
        self.update_details(f"{process_name} is inspected", 1.0)


class SkipProcess(base.MasakariTask):
    def execute(self, process_name):
        diary.note(self)
        raise exception.SkipProcessRecoveryException(
            f"Process {process_name} is restarted by its own watchdog."
        )


class FailProcess(base.MasakariTask):
    def execute(self, process_name):
        diary.note(self)
        raise exception.ProcessRecoveryFailureException(
            f"Process {process_name} has left no trace."
        )
