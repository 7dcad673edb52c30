# SPDX-License-Identifier: Apache-2.0
"""Options that name the tasks of each recovery workflow.

They have a generator namespace of their own because deployments keep them
in a file of their own.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from oslo_config import cfg, types

PHASES = ("pre", "main", "post")

_PHASE = re.compile(
    r"""\s*(?P<quote>['"]?)(?P<name>\w+)(?P=quote)\s*:
        \s*\[(?P<tasks>[^\[\]]*)\]\s*(?:,|$)""",
    re.VERBOSE,
)


class RecoveryFlow(types.ConfigType):
    """Task names for each of ``pre``, ``main`` and ``post``.

    Two spellings are read: ``pre:['a'],main:['b'],post:[]`` and the Python
    literal ``{'pre': ['a'], 'main': ['b'], 'post': []}``. Quotes may be left
    out. All three phases have to be there.
    """

    def __init__(self) -> None:
        super().__init__(type_name="recovery flow")

    def __call__(self, value: str | Mapping[str, Any]) -> Any:
        phases = _parse(value) if isinstance(value, str) else dict(value)
        if sorted(phases) != sorted(PHASES):
            raise ValueError(
                "a recovery flow has the phases pre, main and post, not "
                + (", ".join(phases) or "none")
            )
        return {phase: list(phases[phase]) for phase in PHASES}

    def _formatter(self, value: Mapping[str, Sequence[str]]) -> str:
        return ",".join(f"{phase}:{list(value[phase])}" for phase in PHASES)

    def __repr__(self) -> str:
        return "RecoveryFlow"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


def _parse(text: str) -> dict[str, list[str]]:
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1].strip()
    phases: dict[str, list[str]] = {}
    position = 0
    while position < len(inner):
        match = _PHASE.match(inner, position)
        if match is None:
            raise ValueError(f"no recovery flow: {text!r}")
        if match["name"] in phases:
            raise ValueError(f"phase {match['name']} is given twice")
        phases[match["name"]] = _names(match["tasks"])
        position = match.end()
    return phases


def _names(text: str) -> list[str]:
    names = [part.strip().strip("'\"").strip() for part in text.split(",")]
    return [name for name in names if name]


GROUP = cfg.OptGroup(
    "taskflow_driver_recovery_flows",
    title="Tasks of the recovery workflows",
    help="Each option names the tasks that run before (pre), in (main) and "
    "after (post) a recovery, by their names in the entry point group "
    "masakari.task_flow.tasks: "
    "pre:['a_task'],main:['a_task','another_task'],post:[]. "
    "A flow that cannot be run stops the engine when it starts: a task is "
    "not installed, cannot be constructed or needs what nothing provides.",
)

OPTS: list[cfg.Opt] = [
    cfg.Opt(
        "host_auto_failure_recovery_tasks",
        type=RecoveryFlow(),
        default={
            "pre": ["disable_compute_service_task"],
            "main": ["prepare_HA_enabled_instances_task"],
            "post": ["evacuate_instances_task"],
        },
        help="Tasks for a failed host whose instances go wherever Nova "
        "puts them (recovery method auto, and one way of auto_priority and "
        "rh_priority).",
    ),
    cfg.Opt(
        "host_rh_failure_recovery_tasks",
        type=RecoveryFlow(),
        default={
            "pre": ["disable_compute_service_task"],
            "main": [
                "prepare_HA_enabled_instances_task",
                "evacuate_instances_task",
            ],
            "post": [],
        },
        help="Tasks for a failed host whose instances go to a reserved "
        "host (recovery method reserved_host, and the other way of "
        "auto_priority and rh_priority). The tasks of main are run for each "
        "reserved host that is tried.",
    ),
    cfg.Opt(
        "instance_failure_recovery_tasks",
        type=RecoveryFlow(),
        default={
            "pre": ["stop_instance_task"],
            "main": ["start_instance_task"],
            "post": ["confirm_instance_active_task"],
        },
        help="Tasks for a failed instance.",
    ),
    cfg.Opt(
        "process_failure_recovery_tasks",
        type=RecoveryFlow(),
        default={
            "pre": ["disable_compute_node_task"],
            "main": ["confirm_compute_node_disabled_task"],
            "post": [],
        },
        help="Tasks for a host whose nova-compute has stopped.",
    ),
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [(GROUP, OPTS)]
