# SPDX-License-Identifier: Apache-2.0
"""Recovery tasks by the names that configuration gives them."""

import dataclasses
from collections.abc import Iterable, Mapping
from importlib import metadata

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


def installed() -> dict[str, metadata.EntryPoint]:
    """The tasks that installed packages offer; takes a moment to find."""
    return {
        entry.name: entry for entry in metadata.entry_points(group=NAMESPACE)
    }


def load_tasks(
    option: str,
    names: Iterable[str],
    installed: Mapping[str, metadata.EntryPoint],
) -> dict[str, Recipe]:
    """Import the task classes of the given entry point names.

    :param option: where the names are from, to be told
    :param installed: see :func:`installed`
    :raises ConfigurationError: a name is not installed, or does not import
    """
    found: dict[str, Recipe] = {}
    missing: list[str] = []
    for name in sorted(set(names)):
        try:
            plugin = installed[name].load() if name in installed else None
        # Modules of others may do anything.
        except (Exception, SystemExit) as error:
            missing.append(f"{name} ({_reason(error)})")
            continue
        if name not in installed:
            missing.append(name)
        elif not (isinstance(plugin, type) and issubclass(plugin, task.Task)):
            missing.append(f"{name} (no class of TaskFlow tasks)")
        else:
            found[name] = Recipe(name, plugin)
    if missing:
        raise exception.ConfigurationError(
            f"{option} names recovery tasks that are not installed or "
            f"cannot be imported: {', '.join(missing)}."
        )
    return found


def _reason(error: BaseException) -> str:
    """Why a module does not import."""
    if not isinstance(error, ImportError):
        return f"{type(error).__name__}: {error}"
    package = (error.name or "").partition(".")[0]
    if package in _ABSENT:
        return f"{error}: {_ABSENT[package]}"
    return str(error)
