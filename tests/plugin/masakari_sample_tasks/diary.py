# SPDX-License-Identifier: Apache-2.0
"""Where the tasks write down what they have seen, for whoever tests them."""

import json
import os
import pathlib

#: The environment variable with the path of the diary; without it, nothing
#: is written.
VARIABLE = "MASAKARI_SAMPLE_TASKS_DIARY"


def note(task, **seen):
    """Write one line of JSON about a task."""
    path = os.environ.get(VARIABLE)
    if path is None:
        return
    with pathlib.Path(path).open("a") as diary:
        diary.write(json.dumps({"task": type(task).__name__, **seen}) + "\n")
