# SPDX-License-Identifier: Apache-2.0
"""Recovery tasks by the names that configuration gives them."""

from collections.abc import Iterable
from typing import Any

from oslo_config import cfg
from stevedore import named
from taskflow import task

from masakari import exception

NAMESPACE = "masakari.task_flow.tasks"


def load_workflows(
    conf: cfg.ConfigOpts,
) -> dict[str, dict[str, list[type[task.Task]]]]:
    """The task classes of every workflow, by option and phase.

    :raises ConfigurationError: a name is not installed or does not import,
        or an option cannot be read
    """
    try:
        recipes = dict(conf.taskflow_driver_recovery_flows.items())
    except cfg.Error as error:
        raise exception.ConfigurationError(str(error)) from error
    classes = load_tasks(
        name
        for recipe in recipes.values()
        for names in recipe.values()
        for name in names
    )
    return {
        option: {
            phase: [classes[name] for name in names]
            for phase, names in recipe.items()
        }
        for option, recipe in recipes.items()
    }


def load_tasks(names: Iterable[str]) -> dict[str, type[task.Task]]:
    """Import the task classes of the given entry point names.

    :raises ConfigurationError: a name is not installed, or does not import
    """
    wanted = sorted(set(names))
    missing: set[str] = set()
    broken: dict[str, str] = {}
    manager: named.NamedExtensionManager[Any] = named.NamedExtensionManager(
        NAMESPACE,
        names=wanted,
        on_load_failure_callback=lambda _manager, entry, error: broken.update(
            {entry.name: f"{entry.name} ({error})"}
        ),
        on_missing_entrypoints_callback=missing.update,
    )
    found = {extension.name: extension.plugin for extension in manager}
    for name, plugin in found.items():
        if not (isinstance(plugin, type) and issubclass(plugin, task.Task)):
            broken[name] = f"{name} (no class of TaskFlow tasks)"
    if missing or broken:
        # What is broken counts as missing too.
        told = [broken.get(name, name) for name in sorted(missing | {*broken})]
        raise exception.ConfigurationError(
            "[taskflow_driver_recovery_flows] names recovery tasks that are "
            f"not installed or cannot be imported: {', '.join(told)}."
        )
    return found
