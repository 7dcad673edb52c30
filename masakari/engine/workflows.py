# SPDX-License-Identifier: Apache-2.0
"""Recovery workflows as TaskFlow graphs: what follows what.

Each one is built when it is loaded, as for a recovery but without one, so
that a task that cannot be constructed or connected is found at the start
of an engine, not in a disaster.
"""

import collections
import dataclasses
import logging
import types
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any, NoReturn, cast

from oslo_config import cfg
from taskflow import engines, task
from taskflow.patterns import linear_flow

from masakari import conf as configuration
from masakari import context, exception
from masakari.engine import plugins, reserves
from masakari.engine.facade import NovaFacade
from masakari.engine.plugins import Recipe
from masakari.engine.recovery import Recovery
from masakari.engine.tasks.base import RecoveryTask

LOG = logging.getLogger(__name__)

_GROUP = "taskflow_driver_recovery_flows"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """What one kind of recovery runs.

    :param logbook: the name under which it is recorded; like that of the
        flow it is the one that clouds know
    :param inputs: what tasks are told, besides what other tasks provide
    :param arguments: what their constructors are handed, besides context
        and novaclient
    :param over_reserves: main is run again for each reserved host
    :param tasks: by phase
    """

    logbook: str
    flow: str
    inputs: Sequence[str]
    arguments: Sequence[str] = ()
    over_reserves: bool = False
    tasks: Mapping[str, Sequence[Recipe]] = dataclasses.field(
        default_factory=dict
    )


_HOST = Workflow(
    logbook="instance:evacuate",
    flow="instance_evacuate_engine",
    inputs=("host_name", "has_alternative", "notification_uuid"),
    arguments=("update_host_method",),
)

_WORKFLOWS = {
    "host_auto_failure_recovery_tasks": _HOST,
    "host_rh_failure_recovery_tasks": dataclasses.replace(
        _HOST,
        inputs=(*_HOST.inputs, "reserved_host_list"),
        over_reserves=True,
    ),
    "instance_failure_recovery_tasks": Workflow(
        logbook="instance:recovery",
        flow="instance_recovery_engine",
        inputs=("instance_uuid", "notification_uuid"),
    ),
    "process_failure_recovery_tasks": Workflow(
        logbook="process:recovery",
        flow="process_recovery_engine",
        inputs=("process_name", "host_name", "notification_uuid"),
    ),
}


def load(conf: cfg.ConfigOpts) -> dict[str, Workflow]:
    """The configured workflows by option, each of which can be run.

    :raises ConfigurationError: a task is not installed, or cannot be
        constructed; it needs what nothing provides; or an option has a
        value that it cannot have, one that a task registers included
    """
    found, problems = {}, []
    installed = plugins.installed()
    for option, workflow in _WORKFLOWS.items():
        try:
            found[option] = _load(conf, option, workflow, installed)
            _check(f"[{_GROUP}] {option}", found[option])
        except exception.ConfigurationError as error:
            problems.append(str(error))
    if problems:
        raise exception.ConfigurationError(" ".join(problems))
    try:
        configuration.check(conf)
    except cfg.Error as error:
        raise exception.ConfigurationError(str(error)) from error
    return found


def _load(
    conf: cfg.ConfigOpts,
    option: str,
    workflow: Workflow,
    installed: Mapping[str, metadata.EntryPoint],
) -> Workflow:
    try:
        phases: Mapping[str, Sequence[str]] = conf[_GROUP][option]
    except cfg.Error as error:
        raise exception.ConfigurationError(str(error)) from error
    recipes = plugins.load_tasks(
        f"[{_GROUP}] {option}",
        (name for names in phases.values() for name in names),
        installed,
    )
    return dataclasses.replace(
        workflow,
        tasks={
            phase: [recipes[name] for name in names]
            for phase, names in phases.items()
        },
    )


def build(
    workflow: Workflow,
    recovery: Recovery,
    arguments: Mapping[str, Any],
) -> linear_flow.Flow:
    """The graph of a workflow.

    :param arguments: a value for each of the workflow's
    """
    return _graph(
        workflow,
        recovery,
        lambda recipe: _construct(recipe, recovery, arguments),
    )


def _construct(
    recipe: Recipe, recovery: Recovery, arguments: Mapping[str, Any]
) -> task.Task:
    """Construct a task; only our own are handed the recovery itself."""
    own = (
        {"recovery": recovery} if issubclass(recipe.cls, RecoveryTask) else {}
    )
    return recipe.cls(
        context=recovery.context,
        novaclient=NovaFacade(recovery.compute),
        **arguments,
        **own,
    )


def _graph(
    workflow: Workflow,
    recovery: Recovery,
    construct: Callable[[Recipe], task.Task],
) -> linear_flow.Flow:
    flow = linear_flow.Flow(workflow.flow)
    names: collections.Counter[str] = collections.Counter()
    for phase, recipes in workflow.tasks.items():
        steps = []
        for recipe in recipes:
            step = construct(recipe)
            names[step.name] += 1
            if names[step.name] > 1:
                # TaskFlow wants to tell them apart.
                step.name = f"{step.name}-{names[step.name]}"
            steps.append(step)
        if steps:
            flow.add(_phase(workflow, phase, recovery).add(*steps))
    return flow


def _phase(
    workflow: Workflow, phase: str, recovery: Recovery
) -> linear_flow.Flow:
    if not (workflow.over_reserves and phase == "main"):
        return linear_flow.Flow(f"{phase}_tasks")
    name = f"retry_{workflow.flow}"
    return linear_flow.Flow(
        name, retry=reserves.NextReservedHost(f"{name}_retry", recovery)
    )


class _Absent:
    """Nova, while there is nothing to recover.

    :ivar asked: whether a constructor has asked it for anything
    """

    def __init__(self) -> None:
        self.asked = False

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        return self.refuse

    def refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        self.asked = True
        raise exception.ServiceUnavailable(
            "There is nothing to recover: the flow is only looked at."
        )


def _check(option: str, workflow: Workflow) -> None:
    """Build a workflow, and look whether each task has what it needs.

    :raises ConfigurationError: it cannot be run
    """
    nova = _Absent()
    recovery = cast(
        Recovery,
        types.SimpleNamespace(context=context.admin(), compute=nova),
    )
    update_host = nova.refuse if workflow.over_reserves else None
    arguments = dict.fromkeys(workflow.arguments, update_host)
    built: list[tuple[Recipe, task.Task]] = []

    def construct(recipe: Recipe) -> task.Task:
        try:
            made = _construct(recipe, recovery, arguments)
        except (Exception, SystemExit) as error:
            handed = ", ".join(("context", "novaclient", *arguments))
            raise exception.ConfigurationError(
                f"{option} has a task that cannot be constructed with "
                f"{handed}: {_named(recipe)}: {type(error).__name__}: {error}"
            ) from error
        built.append((recipe, made))
        return made

    try:
        graph = _graph(workflow, recovery, construct)
    except exception.ConfigurationError as error:
        if not nova.asked:
            raise
        LOG.warning(
            "Whether it can be run is seen in a recovery only, since a "
            "constructor asks Nova: %s",
            error,
        )
        return
    engine = engines.load(graph, store=dict.fromkeys(workflow.inputs))
    engine.compile()
    engine.prepare()
    for recipe, made in built:
        lacks = _lacks(engine.storage, made)
        if lacks:
            raise exception.ConfigurationError(
                f"{option} has a task that needs what nothing before it "
                f"provides: {_named(recipe)} needs {', '.join(lacks)}."
            )


def _named(recipe: Recipe) -> str:
    return f"{recipe.name} ({recipe.cls.__module__}:{recipe.cls.__qualname__})"


def _lacks(storage: Any, made: task.Task) -> list[str]:
    """What a task of a prepared flow needs and will not have, by its name."""
    lacks = {
        mapping[argument]
        for mapping, optional in (
            (made.rebind, made.optional),
            (made.revert_rebind, made.revert_optional),
        )
        for argument in storage.fetch_unsatisfied_args(
            made.name, mapping, optional_args=optional
        )
    }
    return sorted(lacks)
