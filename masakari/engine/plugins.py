# SPDX-License-Identifier: Apache-2.0
"""Recovery tasks by the names that configuration gives them."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from stevedore import named
from taskflow import task

from masakari import exception

NAMESPACE = "masakari.task_flow.tasks"

#: What tasks written for other programs import, and why they cannot.
_ABSENT = {
    "masakari": "this Masakari does not have it, and the guide to recovery "
    "flows lists what a task may import",
    "eventlet": "the engine works with threads, not with eventlet",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """A task of a workflow.

    :param name: its entry point, which the configuration names
    :param cls: what is constructed for each run
    """

    name: str
    cls: type[task.Task]


def load_tasks(option: str, names: Iterable[str]) -> dict[str, Recipe]:
    """Import the task classes of the given entry point names.

    :param option: where the names are from, to be told
    :raises ConfigurationError: a name is not installed, or does not import
    """
    wanted = sorted(set(names))
    missing: set[str] = set()
    broken: dict[str, str] = {}
    manager: named.NamedExtensionManager[Any] = named.NamedExtensionManager(
        NAMESPACE,
        names=wanted,
        on_load_failure_callback=lambda _manager, entry, error: broken.update(
            {entry.name: f"{entry.name} ({_reason(error)})"}
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
            f"{option} names recovery tasks that are not installed or "
            f"cannot be imported: {', '.join(told)}."
        )
    return {name: Recipe(name, plugin) for name, plugin in found.items()}


def _reason(error: BaseException) -> str:
    """Why a module does not import."""
    if not isinstance(error, ImportError):
        return f"{type(error).__name__}: {error}"
    package = (error.name or "").partition(".")[0]
    if package in _ABSENT:
        return f"{error}: {_ABSENT[package]}"
    return str(error)
