# SPDX-License-Identifier: Apache-2.0
"""The real engine on a simulated cloud, in one thread, on simulated time."""

import threading
from pathlib import Path

import futurist

from masakari import conf as configuration
from masakari.db import hosts, moves, notifications, progress, schema, segments
from masakari.db import vmoves as db_vmoves
from masakari.db.query import Page
from masakari.db.session import Database
from masakari.domain.model import Host, Notification, Segment, VMove
from masakari.domain.settings import RecoverySettings
from masakari.engine.flows import Flows
from masakari.engine.intake import Intake
from masakari.engine.recovery import recover
from masakari.engine.slots import Slots
from masakari.engine.world import World
from masakari.simulator.cloud import Cloud
from masakari.simulator.port import SimulatedCompute
from tests.simulation.clock import SimulatedClock, SimulatedExecutor

LEASE, RENEWAL = 15.0, 5.0


class Simulation:
    """A cloud, Masakari's database, and as many engines as a test starts."""

    def __init__(
        self,
        directory: Path,
        settings: RecoverySettings | None = None,
        **cloud: float,
    ) -> None:
        self.clock = SimulatedClock()
        self.cloud = Cloud(self.clock.epoch, **cloud)
        self.settings = settings or RecoverySettings()
        self.connection = f"sqlite:///{directory}/masakari.sqlite"
        self.database = Database(self.connection, clock=self.clock.utcnow)
        schema.create_all(self.database)
        progress.create_tables(self.connection)

    def segment(self, method: str = "auto", enabled: bool = True) -> Segment:
        return self.database.write(
            segments.create,
            name="segment",
            recovery_method=method,
            service_type="COMPUTE",
            enabled=enabled,
        )

    def host(self, segment: Segment, name: str) -> Host:
        return self.database.write(
            hosts.create,
            segment_uuid=segment.uuid,
            name=name,
            type="COMPUTE",
            control_attributes="SSH",
        )

    def notify(
        self, host: Host, payload: dict[str, str] | None = None
    ) -> Notification:
        return self.database.write(
            notifications.create,
            host=host,
            type="COMPUTE_HOST",
            generated_time=self.clock.utcnow(),
            payload=payload
            or {
                "event": "STOPPED",
                "host_status": "NORMAL",
                "cluster_status": "OFFLINE",
            },
            request_id="req-simulated",
        )

    def engine(self, name: str = "engine-1") -> Intake:
        """Start an engine: poll it with :meth:`run`."""
        conf = configuration.load([], prog="masakari-engine", config_files=[])
        conf.set_override("connection", self.connection, "taskflow")
        world = World(
            clock=self.clock,
            database=self.database,
            compute=SimulatedCompute(self.cloud, wait=self.clock.pass_time),
            calls=SimulatedExecutor(self.clock),
            settings=self.settings,
            slots=Slots(self.settings.window_ceiling),
            flows=Flows.from_conf(conf),
            stopping=threading.Event(),
        )
        intake = Intake(
            world,
            futurist.SynchronousExecutor(),
            owner=name,
            capacity=32,
            lease=LEASE,
            recover=recover,
            idle=lambda: None,
        )
        self.clock.every(RENEWAL, intake.renew)
        return intake

    def run(self, *engines: Intake, until: float) -> None:
        """Let the engines look for work every two seconds."""
        while self.clock.elapsed < until:
            for engine in engines:
                engine.poll()
            self.clock.pass_time(2)

    def status(self, notification: Notification) -> Notification:
        return self.database.read(notifications.get, notification.uuid)

    def vmoves(self, notification: Notification) -> list[VMove]:
        return self.database.read(
            db_vmoves.select,
            notification.uuid,
            {},
            Page(sort_keys=("id",), sort_dirs=("asc",)),
        )

    def progress(self, notification: Notification) -> list[object]:
        return self.database.read(progress.of_notification, notification.uuid)
