# SPDX-License-Identifier: Apache-2.0
"""Tasks for the recovery of an instance."""

from masakari import exception
from masakari.engine.drivers.taskflow import base
from masakari_sample_tasks import diary


class InspectInstance(base.MasakariTask):
    """Look at the instance before it is stopped."""

    def __init__(self, context, novaclient, **kwargs):
        self.others = sorted(kwargs)
        kwargs["requires"] = ["instance_uuid", "notification_uuid"]
        super().__init__(context, novaclient, **kwargs)

    def execute(self, instance_uuid, notification_uuid):
        server = self.novaclient.get_server(self.context, instance_uuid)
        diary.note(
            self,
            instance_uuid=instance_uuid,
            notification_uuid=notification_uuid,
            host=getattr(server, "OS-EXT-SRV-ATTR:host"),
            vm_state=getattr(server, "OS-EXT-STS:vm_state"),
            others=self.others,
        )
        self.update_details(f"{server.name} is inspected", 1.0)


class IgnoreInstance(base.MasakariTask):
    def execute(self, instance_uuid):
        diary.note(self)
        raise exception.IgnoreInstanceRecoveryException(
            f"Instance {instance_uuid} is looked after by its owner."
        )


class SkipInstance(base.MasakariTask):
    def execute(self, instance_uuid):
        diary.note(self)
        raise exception.SkipInstanceRecoveryException(
            f"Instance {instance_uuid} has come back by itself."
        )


class FailInstance(base.MasakariTask):
    def execute(self, instance_uuid):
        diary.note(self)
        raise exception.InstanceRecoveryFailureException(
            f"Instance {instance_uuid} has lost its disk."
        )
