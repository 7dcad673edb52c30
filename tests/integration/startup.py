# SPDX-License-Identifier: Apache-2.0
"""How long the programs take to start.

``python -m tests.integration.startup`` prints for each run the seconds until
the API has answered its first request, and until the engine has begun to
look for work.
"""

import pathlib
import sys
import tempfile
import time

from masakari.db import progress, schema
from masakari.db.session import Database
from tests.integration.deployment import Deployment, answers, wait_for

RUNS = 5


def until_answered(deployed):
    began = time.monotonic()
    api = deployed.begin("masakari-api", "api")
    wait_for(lambda: answers(deployed.api_url))
    taken = time.monotonic() - began
    api.stop()
    return taken


def until_started(deployed, number):
    began = time.monotonic()
    engine = deployed.begin("masakari-engine", f"engine-{number}")
    engine.says("The engine has started")
    taken = time.monotonic() - began
    engine.stop()
    return taken


def main():
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{name}/masakari.sqlite"
        database = Database(url)
        schema.create_all(database)
        progress.create_tables(url)
        deployed = Deployment(pathlib.Path(name), url)
        try:
            for number in range(RUNS):
                api = until_answered(deployed)
                engine = until_started(deployed, number)
                sys.stdout.write(f"API {api:.2f} s, engine {engine:.2f} s\n")
        finally:
            deployed.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
