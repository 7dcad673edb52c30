# SPDX-License-Identifier: Apache-2.0
"""Recovery tasks by the names that configuration gives them."""

from collections.abc import Iterable
from typing import Any

from stevedore import named
from taskflow import task

from masakari import exception

NAMESPACE = "masakari.task_flow.tasks"


def load_tasks(names: Iterable[str]) -> dict[str, type[task.Task]]:
    """Import the task classes of the given entry point names.

    :raises ConfigurationError: a name is not installed, or does not import
    """
    wanted = sorted(set(names))
    missing: set[str] = set()
    broken: list[str] = []
    manager: named.NamedExtensionManager[Any] = named.NamedExtensionManager(
        NAMESPACE,
        names=wanted,
        on_load_failure_callback=lambda _manager, entry, error: broken.append(
            f"{entry.name} ({error})"
        ),
        on_missing_entrypoints_callback=missing.update,
    )
    found = {extension.name: extension.plugin for extension in manager}
    if missing or broken:
        names = ", ".join([*sorted(missing), *broken])
        raise exception.ConfigurationError(
            "[taskflow_driver_recovery_flows] names recovery tasks that are "
            f"not installed or cannot be imported: {names}."
        )
    return found
