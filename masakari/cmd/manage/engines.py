# SPDX-License-Identifier: Apache-2.0
"""``masakari-manage engine``: who is there, and works on what."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from oslo_config import cfg

from masakari.cmd.manage import actions
from masakari.cmd.manage.actions import Action
from masakari.db import engines, interventions
from masakari.domain.intervention import Situation
from masakari.domain.model import Engine, EngineState

_HEADINGS = (
    "Name",
    "Host",
    "Version",
    "State",
    "Started",
    "Heartbeat",
    "Trouble",
)
_WORK = ("Notification", "Type", "Failed host", "Lease")


def show_all(conf: cfg.ConfigOpts) -> None:
    """Print the engines, with what they have claimed."""
    with actions.opened(conf) as database:
        found = database.read(engines.select)
        claimed = database.read(interventions.claimed)
    shown = list(_shown(found, claimed))
    if conf.category.json:
        actions.print_json(shown)
        return
    actions.print_table(
        (*_HEADINGS, *_WORK), [row for one in shown for row in _rows(one)]
    )


def _shown(
    found: Sequence[Engine], claimed: Sequence[Situation]
) -> Iterator[dict[str, Any]]:
    work: dict[str, list[dict[str, Any]]] = {}
    for situation in claimed:
        work.setdefault(str(situation.owner), []).append(_work(situation))
    for engine in found:
        yield {
            "name": engine.name,
            "host": engine.host,
            "version": engine.version,
            "state": engine.state.value,
            "started_at": actions.moment(engine.started_at),
            "lease_left": engine.lease_left,
            "trouble": engine.trouble,
            "works_on": work.pop(engine.name, []),
        }
    for name, rest in work.items():
        yield {
            "name": name,
            "host": None,
            "version": None,
            "state": EngineState.UNKNOWN.value,
            "started_at": None,
            "lease_left": None,
            "trouble": None,
            "works_on": rest,
        }


def _work(situation: Situation) -> dict[str, Any]:
    return {
        "notification": situation.notification.uuid,
        "type": situation.notification.type.value,
        "host": situation.host_name,
        "lease_left": situation.lease_left,
    }


def _rows(engine: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """One for each thing that it works on, the engine in the first one."""
    known = (
        *(engine[key] for key in ("name", "host", "version", "state")),
        engine["started_at"],
        actions.lease(engine["lease_left"]),
        engine["trouble"] or "",
    )
    for work in engine["works_on"] or [None]:
        yield (*known, *_cells(work))
        known = ("",) * len(_HEADINGS)


def _cells(work: Mapping[str, Any] | None) -> tuple[Any, ...]:
    if work is None:
        return ("",) * len(_WORK)
    return (
        *(work[key] for key in ("notification", "type", "host")),
        actions.lease(work["lease_left"]),
    )


ACTIONS: Mapping[str, Action] = {
    "list": Action(
        help="list the engines and what each works on",
        run=show_all,
        add_arguments=actions.json_argument,
    ),
}
