# SPDX-License-Identifier: Apache-2.0
"""Tasks for the recovery of a host."""

from taskflow import task

from masakari import exception
from masakari.engine.drivers.taskflow import base
from masakari_sample_tasks import diary


class ListInstances(base.MasakariTask):
    """Find out what is on the failed host, for the tasks after it."""

    def __init__(self, context, novaclient, **kwargs):
        kwargs["requires"] = ["host_name"]
        kwargs["provides"] = "instance_names"
        super().__init__(context, novaclient, **kwargs)

    def execute(self, host_name):
        self.update_details(f"Looking for instances on {host_name}")
        servers = self.novaclient.get_servers(self.context, host_name)
        names = sorted(server.name for server in servers)
        diary.note(self, host_name=host_name)
        self.update_details(f"Found {len(names)} instances", 1.0)
        return names


class TellInstances(base.MasakariTask):
    """Take what another task has found out, and what every flow has."""

    def __init__(self, context, novaclient, **kwargs):
        kwargs["rebind"] = {"names": "instance_names"}
        super().__init__(context, novaclient, **kwargs)

    def execute(self, names, host_name, notification_uuid):
        disabled = self.novaclient.is_service_disabled(
            self.context, host_name, "nova-compute"
        )
        diary.note(
            self,
            names=names,
            host_name=host_name,
            notification_uuid=notification_uuid,
            request_id=self.context.request_id,
            disabled=disabled,
        )
        self.update_details(", ".join(names), 0.5)
        self.update_details("Told", 1.0)


class CallDatacentre(task.Task):
    """A task that owes nothing to Masakari's base class."""

    def __init__(self, context, novaclient, update_host_method=None, **kwargs):
        super().__init__(name="call the data centre", requires=["host_name"])
        self.update_host_method = update_host_method
        self.others = sorted(kwargs)

    def execute(self, host_name):
        diary.note(
            self,
            host_name=host_name,
            can_update_hosts=self.update_host_method is not None,
            others=self.others,
        )


class LabelReservedHost(base.MasakariTask):
    """Needs the reserved host that is tried at the moment."""

    def __init__(self, context, novaclient, **kwargs):
        kwargs["requires"] = ["reserved_host", "reserved_host_list"]
        super().__init__(context, novaclient, **kwargs)

    def execute(self, reserved_host, reserved_host_list):
        diary.note(
            self,
            reserved_host=reserved_host,
            reserved_host_list=list(reserved_host_list),
        )
        self.update_details(f"Label {reserved_host}", 1.0)


class ReplenishReserves(base.MasakariTask):
    """Reserve every host of the aggregate "spare"."""

    def __init__(self, context, novaclient, update_host_method, **kwargs):
        super().__init__(context, novaclient, **kwargs)
        self.update_host_method = update_host_method

    def execute(self):
        for aggregate in self.novaclient.get_aggregate_list(self.context):
            if aggregate.name == "spare":
                for host in aggregate.hosts:
                    self.update_host_method(self.context, host, reserved=True)
        diary.note(self)
        self.update_details("The spare hosts are reserved", 1.0)


class BorrowCrane(base.MasakariTask):
    """Takes something, and gives it back if the recovery fails after it."""

    def execute(self, host_name):
        diary.note(self, borrowed_for=host_name)
        return "crane 7"

    def revert(self, result, host_name, **kwargs):
        diary.note(self, returned=result, borrowed_for=host_name)


class TellALot(base.MasakariTask):
    """Tells more than can be kept, in whatever it is handed."""

    def execute(self):
        for number in range(500):
            self.update_details(f"{number}: " + "\N{FIRE}" * 300)
        self.update_details(RuntimeError("No text at all"), 1)


class SkipHost(base.MasakariTask):
    def execute(self, host_name):
        diary.note(self)
        raise exception.SkipHostRecoveryException(
            f"Host {host_name} is being replaced by hand."
        )


class FailHost(base.MasakariTask):
    def execute(self, host_name):
        self.update_details(f"Fencing {host_name}")
        diary.note(self)
        raise exception.HostRecoveryFailureException(
            f"Host {host_name} could not be fenced."
        )


class OutOfReserves(base.MasakariTask):
    def execute(self):
        diary.note(self)
        raise exception.ReservedHostsUnavailable()


class Crash(base.MasakariTask):
    def execute(self):
        diary.note(self)
        raise RuntimeError("the data centre does not answer")
