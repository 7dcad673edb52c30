# SPDX-License-Identifier: Apache-2.0
"""What must never happen, looked for at every call to Nova and at commits."""

from typing import TYPE_CHECKING

import sqlalchemy as sa

from masakari.db import tables
from masakari.domain.model import SETTLED, UNFINISHED, VMoveStatus

if TYPE_CHECKING:
    from tests.simulation.harness import Simulation

_OPEN = [status.value for status in UNFINISHED]
_SETTLED = [status.value for status in SETTLED]


def before_evacuation(simulation: "Simulation", uuid: str) -> None:
    """Its host is known to be down, and nobody evacuates it already."""
    cloud = simulation.cloud
    server = cloud.servers.get(uuid)
    if server is None or server.host is None:
        return
    assert not cloud.is_up(server.host), (
        f"{uuid} is evacuated from {server.host}, which is up"
    )
    assert not any(
        record.instance_uuid == uuid
        and record.status in ("accepted", "pre-migrating")
        for record in cloud.migrations
    ), f"{uuid} is evacuated a second time"


def in_flight(simulation: "Simulation") -> int:
    """How many evacuations Nova is carrying out."""
    return sum(
        record.status in ("accepted", "pre-migrating")
        for record in simulation.cloud.migrations
    )


def at_every_call(simulation: "Simulation") -> None:
    """The engines together keep below their ceilings."""
    ceiling = simulation.settings.window_ceiling
    allowed = ceiling * max(1, len(simulation.engines))
    assert in_flight(simulation) <= allowed, "too many are in flight"


def at_every_commit(simulation: "Simulation") -> None:
    """What is over has no claim and no move that is not over."""
    with simulation.database.engine.connect() as connection:
        notification, move = tables.Notification, tables.VMove
        loose = connection.execute(
            sa.select(move.uuid)
            .join(
                notification,
                notification.notification_uuid == move.notification_uuid,
            )
            .where(
                notification.status.not_in(_OPEN),
                move.status.not_in(_SETTLED),
            )
        ).all()
        assert not loose, f"moves are open in an ended notification: {loose}"
        claim = tables.Claim
        held = connection.execute(
            sa.select(claim.subject)
            .join(
                notification,
                notification.notification_uuid == claim.notification_uuid,
            )
            .where(claim.expires_at > 0, notification.status.not_in(_OPEN))
        ).all()
        assert not held, f"an ended notification is still claimed: {held}"
        host, use = tables.Host, tables.ReserveUse
        twice = connection.execute(
            sa.select(host.name)
            .join(use, use.host_uuid == host.uuid)
            .where(host.reserved == sa.true())
        ).all()
        assert not twice, f"taken and still reserved: {twice}"


def at_the_end(simulation: "Simulation") -> None:
    """Records agree with the cloud, and nothing of ours is left behind."""
    _moves_agree(simulation)
    _reserves_are_not_lost(simulation)
    for uuid, server in simulation.cloud.servers.items():
        locked = simulation.locked_before.get(uuid, False)
        assert server.locked == locked, f"{server.name} is locked: {locked}"


def _moves_agree(simulation: "Simulation") -> None:
    latest = {move.instance_uuid: move for move in simulation.all_moves()}
    for uuid, move in latest.items():
        server = simulation.cloud.servers.get(uuid)
        if server is None or move.status is not VMoveStatus.SUCCEEDED:
            continue
        assert server.host == move.dest_host != move.source_host, (
            f"{server.name} is said to be on {move.dest_host}, "
            f"but is on {server.host}"
        )


def _reserves_are_not_lost(simulation: "Simulation") -> None:
    reported = {n.source_host_uuid for n in simulation.all_notifications()}
    for before, was_enabled in simulation.reserves_before:
        now = simulation.host_now(before)
        record = simulation.cloud.hosts[before.name]
        used = any(
            server.host == before.name
            for server in simulation.cloud.servers.values()
        )
        if used or before.uuid in reported:
            continue
        assert now.reserved, f"{before.name} is lost as a reserve"
        if record.alive:
            assert record.enabled == was_enabled, (
                f"the service on {before.name} is not as before"
            )
