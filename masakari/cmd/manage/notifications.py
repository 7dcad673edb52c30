# SPDX-License-Identifier: Apache-2.0
"""``masakari-manage notification``: what is left to do, and pushing it on."""

import argparse
import collections
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from oslo_config import cfg

from masakari.cmd.manage import actions
from masakari.cmd.manage.actions import Action
from masakari.db import (
    engines,
    hosts,
    interventions,
    progress,
    query,
    vmoves,
)
from masakari.db.session import Database
from masakari.domain.intervention import Refusal, Situation
from masakari.domain.model import (
    EngineState,
    NotificationStatus,
    NotificationType,
    TaskProgress,
    VMove,
)
from masakari.services import interventions as services

_SECONDS_OF_AN_HOUR = 3600

#: Ten years: further back than any notification is kept.
_MOST_HOURS = 87600

_LISTED = {
    "uuid": "UUID",
    "type": "Type",
    "host": "Host",
    "status": "Status",
    "created_at": "Created",
    "attempts": "Attempts",
    "owner": "Engine",
    "lease_left": "Lease",
    "message": "Message",
}

_LATEST = {
    "instance_uuid": "Instance",
    "instance_name": "Name",
    "status": "Status",
    "dest_host": "Destination",
    "end_time": "Ended",
    "message": "Message",
}

_HISTORY = {
    "instance_uuid": "Instance",
    "instance_name": "Name",
    "status": "Status",
    "dest_host": "Destination",
    "start_time": "Started",
    "end_time": "Ended",
    "message": "Message",
}

#: Characters of a message that a table has room for.
_SHORT = 60

_BY_AGE = query.Page(sort_keys=("id",), sort_dirs=("asc",))


def show_all(conf: cfg.ConfigOpts) -> None:
    """Print the notifications that an operator may have to look at."""
    with actions.opened(conf) as database:
        found = _find(database, conf.category)
    shown = [_summary(situation) for situation in found]
    if conf.category.json:
        actions.print_json(shown)
        return
    actions.print_table(
        tuple(_LISTED.values()), [_row(summary) for summary in shown]
    )


def show(conf: cfg.ConfigOpts) -> None:
    """Print all that is known of one notification."""
    with actions.opened(conf) as database:
        situation = database.read(interventions.situation, conf.category.uuid)
        uuid = situation.notification.uuid
        owner_state = _state(database, situation.owner)
        moves = database.read(vmoves.select, uuid, {}, _BY_AGE)
        tasks = progress.database(conf, database).read(
            progress.of_notification, uuid, situation.notification.status
        )
    details = _details(situation, owner_state)
    latest = {move.instance_uuid: move for move in moves}
    if conf.category.json:
        actions.print_json(
            details
            | {
                "vmoves": [
                    _move(move)
                    | {"latest": latest[move.instance_uuid] is move}
                    for move in moves
                ],
                "tasks": [_task(task) for task in tasks],
            }
        )
        return
    details["vmoves"] = _count(latest.values(), len(moves) - len(latest))
    _print_details(details)
    if conf.category.all_moves:
        _print_moves(moves, _HISTORY)
    else:
        _print_moves(latest.values(), _LATEST)
    _print_tasks(tasks)


def retry(conf: cfg.ConfigOpts) -> None:
    """Have the engines try it again now."""
    with actions.opened(conf) as database:
        refusal = services.retry(
            database,
            conf.category.uuid,
            expiry=conf.notifications_expired_interval,
        )
        situation = _answer(conf, database, refusal)
    if not conf.category.json:
        _warn(situation)


def release(conf: cfg.ConfigOpts) -> None:
    """Have the engines take up now what nobody works on any more."""
    with actions.opened(conf) as database:
        refusal = services.release(database, conf.category.uuid)
        _answer(conf, database, refusal)


def _answer(
    conf: cfg.ConfigOpts, database: Database, refusal: Refusal | None
) -> Situation:
    if refusal is not None:
        raise actions.RefusedError(
            f"Notification {conf.category.uuid} is left as it is: "
            f"{refusal.reason}."
        )
    situation = database.read(interventions.situation, conf.category.uuid)
    if conf.category.json:
        actions.print_json(_summary(situation))
        return situation
    print(
        f"Notification {situation.notification.uuid}: engines take it up "
        "when they look for work next."
    )
    return situation


def _warn(situation: Situation) -> None:
    """A host that lives is out of service afterwards, until somebody acts."""
    notification, name = situation.notification, situation.host_name
    if notification.type is not NotificationType.COMPUTE_HOST:
        return
    print(
        f"It disables nova-compute on host {name}, and the host is on "
        "maintenance.\n"
        "If the host lives, nothing is evacuated. Put it back when the "
        "notification has failed:\n"
        f"  openstack compute service set --enable {name} nova-compute\n"
        "  openstack segment host update "
        f"{notification.failover_segment_uuid} {name} --on_maintenance False"
    )


def _find(
    database: Database, arguments: argparse.Namespace
) -> Sequence[Situation]:
    wanted: dict[str, Any] = {}
    if arguments.status:
        wanted["statuses"] = (NotificationStatus(arguments.status),)
    if arguments.host_name is not None:
        if not database.read(hosts.has_been, arguments.host_name):
            raise actions.UsageError(
                f"There is no host {arguments.host_name}, and there was none."
            )
        wanted["host"] = arguments.host_name
    if arguments.since is not None:
        wanted["since"] = arguments.since * _SECONDS_OF_AN_HOUR
    if arguments.all or wanted:
        return database.read(interventions.matching, **wanted)
    return database.read(
        interventions.unsettled, since=24 * _SECONDS_OF_AN_HOUR
    )


def _state(database: Database, owner: str | None) -> str | None:
    if owner is None:
        return None
    known = {one.name: one.state for one in database.read(engines.select)}
    return known.get(owner, EngineState.UNKNOWN).value


def _summary(situation: Situation) -> dict[str, Any]:
    notification = situation.notification
    return {
        "uuid": notification.uuid,
        "type": notification.type.value,
        "host": situation.host_name,
        "status": notification.status.value,
        "created_at": actions.moment(notification.created_at),
        "updated_at": actions.moment(notification.updated_at),
        "attempts": situation.attempts,
        "next_attempt_in": situation.next_attempt_in,
        "owner": situation.owner,
        "lease_left": situation.lease_left,
        "message": notification.message,
    }


def _row(summary: Mapping[str, Any]) -> list[Any]:
    message = " ".join((summary["message"] or "").split())
    if len(message) > _SHORT:
        message = f"{message[: _SHORT - 3]}..."
    cells = dict(summary) | {
        "lease_left": actions.lease(summary["lease_left"]),
        "message": message,
    }
    return [cells[key] for key in _LISTED]


def _details(situation: Situation, owner_state: str | None) -> dict[str, Any]:
    notification = situation.notification
    return _summary(situation) | {
        "owner_state": owner_state,
        "host_uuid": notification.source_host_uuid,
        "host_registered": situation.registered,
        "segment_uuid": notification.failover_segment_uuid,
        "generated_time": actions.moment(notification.generated_time),
        "payload": dict(notification.payload),
    }


def _move(move: VMove) -> dict[str, Any]:
    return {
        "uuid": move.uuid,
        "instance_uuid": move.instance_uuid,
        "instance_name": move.instance_name,
        "status": move.status,
        "source_host": move.source_host,
        "dest_host": move.dest_host,
        "start_time": actions.moment(move.start_time),
        "end_time": actions.moment(move.end_time),
        "message": move.message,
    }


def _task(task: TaskProgress) -> dict[str, Any]:
    return {
        "name": task.name,
        "engine": task.engine,
        "state": task.state,
        "progress": task.progress,
        "entries": [
            {
                "timestamp": entry.timestamp,
                "progress": entry.progress,
                "message": entry.message,
            }
            for entry in task.entries
        ],
    }


def _count(latest: Collection[VMove], earlier: int) -> str:
    """Of the latest moves: what failed before has no say any more."""
    counted = collections.Counter(str(move.status) for move in latest)
    found = ", ".join(f"{n} {status}" for status, n in counted.items())
    if earlier:
        found += f" (and {earlier} earlier ones: --all-moves)"
    return found


def _print_details(details: Mapping[str, Any]) -> None:
    waits = details["next_attempt_in"]
    shown = dict(details) | {
        "lease_left": actions.lease(details["lease_left"]),
        "next_attempt_in": None if waits is None else f"{waits:.0f} s",
    }
    actions.print_table(("Field", "Value"), list(shown.items()))


def _print_moves(moves: Collection[VMove], columns: Mapping[str, str]) -> None:
    if not moves:
        return
    actions.print_table(
        tuple(columns.values()),
        [[_move(move)[key] for key in columns] for move in moves],
    )


def _print_tasks(tasks: Collection[TaskProgress]) -> None:
    if not tasks:
        return
    actions.print_table(
        ("Task", "Engine", "State", "Progress", "Last message"),
        [
            (
                task.name,
                task.engine,
                task.state,
                f"{task.progress:.0%}",
                task.entries[-1].message,
            )
            for task in tasks
        ],
    )


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    actions.uuid_arguments(parser)
    parser.add_argument(
        "--all-moves",
        action="store_true",
        help="each move of each instance, with its times, not only the "
        "latest one; --json always has them all",
    )


def _hours(text: str) -> float:
    hours = float(text)
    if not 0 < hours <= _MOST_HOURS:
        raise argparse.ArgumentTypeError(
            f"{text} is not between 0 and {_MOST_HOURS}"
        )
    return hours


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "By default: those with work left to do, and of the last 24 hours "
        "those that failed and the failures of hosts that were ignored."
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--status",
        choices=[status.value for status in NotificationStatus],
        help="those of one status",
    )
    chosen.add_argument(
        "--all", action="store_true", help="those of any status"
    )
    parser.add_argument(
        "--host",
        # oslo.config has an option of the name "host".
        dest="host_name",
        metavar="NAME",
        help="those of one host, of any status unless --status says which",
    )
    parser.add_argument(
        "--since",
        metavar="HOURS",
        type=_hours,
        help="those that were reported, or have changed, in the last HOURS, "
        "of any status unless --status says which",
    )
    actions.json_argument(parser)


ACTIONS: Mapping[str, Action] = {
    "list": Action(
        help="list notifications",
        run=show_all,
        add_arguments=_list_arguments,
    ),
    "show": Action(
        help="show a notification, its moves and its progress",
        run=show,
        add_arguments=_show_arguments,
    ),
    "retry": Action(
        help="give one that failed, or is in error, another attempt now",
        run=retry,
        add_arguments=actions.uuid_arguments,
    ),
    "release": Action(
        help="have one that nobody works on any more taken up now",
        run=release,
        add_arguments=actions.uuid_arguments,
    ),
}
