# SPDX-License-Identifier: Apache-2.0
"""The moves of a recovery: ``vmoves`` rows and what was planned for them.

For the engine only, inside transactions that hold the claim.
"""

import datetime
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from masakari.db import vmoves
from masakari.db.session import now
from masakari.db.tables import VMove as Row
from masakari.db.tables import VMovePlan
from masakari.domain.model import (
    SETTLED,
    Outcome,
    VMove,
    VMoveStatus,
    VMoveType,
)
from masakari.domain.planner.host import HostPlan, Move, Origin, PlannedMove
from masakari.domain.verdict import Verdict

_UNSETTLED = [status.value for status in VMoveStatus if status not in SETTLED]


def of_attempt(
    session: orm.Session, notification_uuid: str, attempt: int
) -> list[PlannedMove]:
    """The moves of one attempt, in the order in which they are made."""
    rows = session.execute(
        sa.select(Row, VMovePlan)
        .join(VMovePlan, VMovePlan.vmove_uuid == Row.uuid)
        .where(
            VMovePlan.notification_uuid == notification_uuid,
            VMovePlan.attempt == attempt,
            Row.deleted == 0,
        )
        .order_by(VMovePlan.position, Row.id)
    )
    return [
        PlannedMove(vmove=vmoves.to_domain(row), move=_to_move(row, plan))
        for row, plan in rows
    ]


def latest(session: orm.Session, notification_uuid: str) -> list[PlannedMove]:
    """The latest move of every instance of a notification."""
    attempts = session.scalars(
        sa.select(VMovePlan.attempt)
        .where(VMovePlan.notification_uuid == notification_uuid)
        .distinct()
        .order_by(VMovePlan.attempt)
    )
    found: dict[str, PlannedMove] = {}
    for attempt in list(attempts):
        for planned in of_attempt(session, notification_uuid, attempt):
            found[planned.move.instance_uuid] = planned
    return list(found.values())


def left_behind(
    session: orm.Session, source_host: str, instance_uuids: Iterable[str]
) -> dict[str, Origin]:
    """What instances were before a recovery of the host failed for them.

    By uuid, over all notifications; without those whose latest move
    succeeded or was never begun.
    """
    rows = session.execute(
        sa.select(Row, VMovePlan)
        .join(VMovePlan, VMovePlan.vmove_uuid == Row.uuid)
        .where(
            VMovePlan.instance_uuid.in_(list(instance_uuids)),
            Row.source_host == source_host,
            Row.start_time.is_not(None),
            Row.deleted == 0,
        )
        .order_by(Row.id)
    )
    latest = {row.instance_uuid: (row, plan) for row, plan in rows}
    return {
        uuid: _to_move(row, plan).origin
        for uuid, (row, plan) in latest.items()
        if row.status != VMoveStatus.SUCCEEDED
    }


def add(
    session: orm.Session,
    *,
    notification_uuid: str,
    source_host: str,
    attempt: int,
    plan: HostPlan,
) -> list[VMove]:
    """Record a plan: its moves as pending, what it skips as ignored.

    Instances that the attempt has a row for already keep it.

    :returns: the moves that are new
    """
    planned = set(
        session.scalars(
            sa.select(VMovePlan.instance_uuid).where(
                VMovePlan.notification_uuid == notification_uuid,
                VMovePlan.attempt == attempt,
            )
        )
    )
    rows = [(move, VMoveStatus.PENDING, None) for move in plan.moves] + [
        (skip.move, VMoveStatus.IGNORED, skip.reason) for skip in plan.skipped
    ]
    position = len(planned)
    added = []
    for move, status, message in rows:
        if move.instance_uuid in planned:
            continue
        row = Row(
            uuid=str(uuid.uuid4()),
            notification_uuid=notification_uuid,
            instance_uuid=move.instance_uuid,
            instance_name=move.instance_name,
            source_host=source_host,
            type=VMoveType.EVACUATION.value,
            status=status.value,
            message=message,
            created_at=now(session),
            deleted=0,
        )
        session.add_all([row, _to_plan(row, move, attempt, position)])
        added.append(row)
        position += 1
    session.flush()
    return [vmoves.to_domain(row) for row in added]


def mark_ongoing(session: orm.Session, uuids: Sequence[str]) -> list[VMove]:
    """Say that Nova is about to be asked; keeps the first start time.

    :returns: the moves as they are now
    """
    session.execute(
        sa.update(Row)
        .where(Row.uuid.in_(uuids), Row.status.in_(_UNSETTLED))
        .values(
            status=VMoveStatus.ONGOING.value,
            start_time=sa.func.coalesce(Row.start_time, now(session)),
            updated_at=now(session),
        )
    )
    return _read(session, uuids)


def note(session: orm.Session, uuid: str, message: str) -> None:
    """Say why a move that goes on has not worked so far."""
    session.execute(
        sa.update(Row)
        .where(Row.uuid == uuid, Row.status.in_(_UNSETTLED))
        .values(message=message, updated_at=now(session))
    )


def settle(session: orm.Session, outcomes: Sequence[Outcome]) -> list[VMove]:
    """Write the ends of moves; one that has ended already is left alone.

    :returns: the moves as they are now
    """
    for outcome in outcomes:
        session.execute(
            sa.update(Row)
            .where(Row.uuid == outcome.vmove_uuid, Row.status.in_(_UNSETTLED))
            .values(
                status=outcome.status.value,
                dest_host=outcome.dest_host,
                message=outcome.message,
                end_time=now(session),
                updated_at=now(session),
            )
        )
    return _read(session, [outcome.vmove_uuid for outcome in outcomes])


def end_rest(
    session: orm.Session, notification_uuid: str, verdict: Verdict
) -> list[VMove]:
    """End what an attempt leaves unsettled, for the reason it ended itself.

    What is known of a single failure says more than that. The next attempt
    looks at what has failed again.

    :returns: the moves that ended so
    """
    rest = list(
        session.scalars(
            sa.select(Row.uuid).where(
                Row.notification_uuid == notification_uuid,
                Row.status.in_(_UNSETTLED),
                Row.deleted == 0,
            )
        )
    )
    if not rest:
        return []
    status = VMoveStatus.FAILED if verdict.bad else VMoveStatus.IGNORED
    message: Any = verdict.message
    if verdict.bad:
        message = sa.func.coalesce(Row.message, verdict.message)
    session.execute(
        sa.update(Row)
        .where(Row.uuid.in_(rest))
        .values(
            status=status.value,
            message=message,
            end_time=now(session),
            updated_at=now(session),
        )
    )
    return _read(session, rest)


def evacuated_since(
    session: orm.Session, instance_uuid: str, since: datetime.datetime
) -> VMove | None:
    """The latest evacuation of an instance that succeeded after a time.

    :param since: naive UTC
    """
    row = session.scalars(
        sa.select(Row)
        .where(
            Row.instance_uuid == instance_uuid,
            Row.status == VMoveStatus.SUCCEEDED.value,
            Row.end_time >= since,
            Row.deleted == 0,
        )
        .order_by(Row.id.desc())
        .limit(1)
    ).first()
    return None if row is None else vmoves.to_domain(row)


def _read(session: orm.Session, uuids: Sequence[str]) -> list[VMove]:
    rows = session.scalars(
        sa.select(Row)
        .where(Row.uuid.in_(uuids))
        .order_by(Row.id)
        .execution_options(populate_existing=True)
    )
    return [vmoves.to_domain(row) for row in rows]


def _to_plan(row: Row, move: Move, attempt: int, position: int) -> VMovePlan:
    return VMovePlan(
        vmove_uuid=row.uuid,
        notification_uuid=row.notification_uuid,
        instance_uuid=move.instance_uuid,
        attempt=attempt,
        position=position,
        priority=move.priority,
        ha_enabled=move.ha_enabled,
        vm_state=move.origin.vm_state,
        task_state=move.origin.task_state,
        power_state=move.origin.power_state,
    )


def _to_move(row: Row, plan: VMovePlan) -> Move:
    return Move(
        instance_uuid=plan.instance_uuid,
        instance_name=row.instance_name,
        origin=Origin(
            vm_state=plan.vm_state or "",
            task_state=plan.task_state,
            power_state=plan.power_state or 0,
        ),
        ha_enabled=plan.ha_enabled,
        priority=plan.priority,
    )
