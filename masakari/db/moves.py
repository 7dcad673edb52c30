# SPDX-License-Identifier: Apache-2.0
"""The moves of a recovery: ``vmoves`` rows and what was planned for them.

For the engine only, inside transactions that hold the claim.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import orm

from masakari.db import clocks, query, tables, vmoves
from masakari.domain import model
from masakari.domain.planner.host import HostPlan, Move, Origin, PlannedMove
from masakari.domain.verdict import Verdict

_UNSETTLED = [
    status.value for status in model.VMoveStatus if status not in model.SETTLED
]


def of_attempt(
    session: orm.Session, notification_uuid: str, attempt: int
) -> list[PlannedMove]:
    """The moves of one attempt, in the order in which they are made."""
    rows = session.execute(
        sqlalchemy.select(tables.VMove, tables.VMovePlan)
        .join(
            tables.VMovePlan, tables.VMovePlan.vmove_uuid == tables.VMove.uuid
        )
        .where(
            tables.VMovePlan.notification_uuid == notification_uuid,
            tables.VMovePlan.attempt == attempt,
            query.live(tables.VMove),
        )
        .order_by(tables.VMovePlan.position, tables.VMove.id)
    )
    return [
        PlannedMove(vmove=vmoves.to_domain(row), move=_to_move(row, plan))
        for row, plan in rows
    ]


def latest(session: orm.Session, notification_uuid: str) -> list[PlannedMove]:
    """The latest move of every instance of a notification."""
    attempts = session.scalars(
        sqlalchemy.select(tables.VMovePlan.attempt)
        .where(tables.VMovePlan.notification_uuid == notification_uuid)
        .distinct()
        .order_by(tables.VMovePlan.attempt)
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
        sqlalchemy.select(tables.VMove, tables.VMovePlan)
        .join(
            tables.VMovePlan, tables.VMovePlan.vmove_uuid == tables.VMove.uuid
        )
        .where(
            tables.VMovePlan.instance_uuid.in_(list(instance_uuids)),
            tables.VMove.source_host == source_host,
            tables.VMove.start_time.is_not(None),
            query.live(tables.VMove),
        )
        .order_by(tables.VMove.id)
    )
    latest = {row.instance_uuid: (row, plan) for row, plan in rows}
    return {
        uuid: _to_move(row, plan).origin
        for uuid, (row, plan) in latest.items()
        if row.status != model.VMoveStatus.SUCCEEDED
    }


def under_way(
    session: orm.Session, notification_uuid: str, instance_uuids: Iterable[str]
) -> dict[str, Origin]:
    """What instances were that another notification's recovery is at.

    By uuid: those that it has begun to move, and whose end is not known yet.
    """
    rows = session.execute(
        sqlalchemy.select(tables.VMove, tables.VMovePlan)
        .join(
            tables.VMovePlan, tables.VMovePlan.vmove_uuid == tables.VMove.uuid
        )
        .where(
            tables.VMovePlan.instance_uuid.in_(list(instance_uuids)),
            tables.VMove.notification_uuid != notification_uuid,
            tables.VMove.status == model.VMoveStatus.ONGOING.value,
            query.live(tables.VMove),
        )
        .order_by(tables.VMove.id)
    )
    return {
        plan.instance_uuid: _to_move(row, plan).origin for row, plan in rows
    }


def add(
    session: orm.Session,
    *,
    notification_uuid: str,
    source_host: str,
    attempt: int,
    plan: HostPlan,
) -> list[model.VMove]:
    """Record a plan: its moves as pending, what it skips as ignored.

    Instances that the attempt has a row for already keep it.

    :returns: the moves that are new
    """
    planned = set(
        session.scalars(
            sqlalchemy.select(tables.VMovePlan.instance_uuid).where(
                tables.VMovePlan.notification_uuid == notification_uuid,
                tables.VMovePlan.attempt == attempt,
            )
        )
    )
    rows = [(move, model.VMoveStatus.PENDING, None) for move in plan.moves] + [
        (skip.move, model.VMoveStatus.IGNORED, skip.reason)
        for skip in plan.skipped
    ]
    position = len(planned)
    added = []
    for move, status, message in rows:
        if move.instance_uuid in planned:
            continue
        row = tables.VMove(
            uuid=str(uuid.uuid4()),
            notification_uuid=notification_uuid,
            instance_uuid=move.instance_uuid,
            instance_name=move.instance_name,
            source_host=source_host,
            type=model.VMoveType.EVACUATION.value,
            status=status.value,
            message=message,
            created_at=clocks.now(session),
            deleted=0,
        )
        session.add_all([row, _to_plan(row, move, attempt, position)])
        added.append(row)
        position += 1
    session.flush()
    return [vmoves.to_domain(row) for row in added]


def mark_ongoing(
    session: orm.Session, uuids: Sequence[str]
) -> list[model.VMove]:
    """Say that Nova is about to be asked; keeps the first start time.

    :returns: the moves as they are now
    """
    session.execute(
        sqlalchemy.update(tables.VMove)
        .where(
            tables.VMove.uuid.in_(uuids), tables.VMove.status.in_(_UNSETTLED)
        )
        .values(
            status=model.VMoveStatus.ONGOING.value,
            start_time=sqlalchemy.func.coalesce(
                tables.VMove.start_time, clocks.now(session)
            ),
            updated_at=clocks.now(session),
        )
    )
    return _read(session, uuids)


def note(session: orm.Session, uuid: str, message: str) -> None:
    """Say why a move that goes on has not worked so far."""
    session.execute(
        sqlalchemy.update(tables.VMove)
        .where(tables.VMove.uuid == uuid, tables.VMove.status.in_(_UNSETTLED))
        .values(message=message, updated_at=clocks.now(session))
    )


def settle(
    session: orm.Session, outcomes: Sequence[model.Outcome]
) -> list[model.VMove]:
    """Write the ends of moves; one that has ended already is left alone.

    :returns: the moves as they are now
    """
    for outcome in outcomes:
        session.execute(
            sqlalchemy.update(tables.VMove)
            .where(
                tables.VMove.uuid == outcome.vmove_uuid,
                tables.VMove.status.in_(_UNSETTLED),
            )
            .values(
                status=outcome.status.value,
                dest_host=outcome.dest_host,
                message=outcome.message,
                end_time=clocks.now(session),
                updated_at=clocks.now(session),
            )
        )
    return _read(session, [outcome.vmove_uuid for outcome in outcomes])


def end_rest(
    session: orm.Session, notification_uuid: str, verdict: Verdict
) -> list[model.VMove]:
    """End what an attempt leaves unsettled, for the reason it ended itself.

    What is known of a single failure says more than that. The next attempt
    looks at what has failed again.

    :returns: the moves that ended so
    """
    rest = list(
        session.scalars(
            sqlalchemy.select(tables.VMove.uuid).where(
                tables.VMove.notification_uuid == notification_uuid,
                tables.VMove.status.in_(_UNSETTLED),
                query.live(tables.VMove),
            )
        )
    )
    if not rest:
        return []
    status = (
        model.VMoveStatus.FAILED if verdict.bad else model.VMoveStatus.IGNORED
    )
    message: Any = verdict.message
    if verdict.bad:
        message = sqlalchemy.func.coalesce(
            tables.VMove.message, verdict.message
        )
    session.execute(
        sqlalchemy.update(tables.VMove)
        .where(tables.VMove.uuid.in_(rest))
        .values(
            status=status.value,
            message=message,
            end_time=clocks.now(session),
            updated_at=clocks.now(session),
        )
    )
    return _read(session, rest)


def evacuated_from(
    session: orm.Session, instance_uuid: str, source_host: str
) -> model.VMove | None:
    """The latest evacuation of an instance from a host that succeeded."""
    row = session.scalars(
        sqlalchemy.select(tables.VMove)
        .where(
            tables.VMove.instance_uuid == instance_uuid,
            tables.VMove.status == model.VMoveStatus.SUCCEEDED.value,
            tables.VMove.source_host == source_host,
            query.live(tables.VMove),
        )
        .order_by(tables.VMove.id.desc())
        .limit(1)
    ).first()
    return None if row is None else vmoves.to_domain(row)


def _read(session: orm.Session, uuids: Sequence[str]) -> list[model.VMove]:
    rows = session.scalars(
        sqlalchemy.select(tables.VMove)
        .where(tables.VMove.uuid.in_(uuids))
        .order_by(tables.VMove.id)
        .execution_options(populate_existing=True)
    )
    return [vmoves.to_domain(row) for row in rows]


def _to_plan(
    row: tables.VMove, move: Move, attempt: int, position: int
) -> tables.VMovePlan:
    return tables.VMovePlan(
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


def _to_move(row: tables.VMove, plan: tables.VMovePlan) -> Move:
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
