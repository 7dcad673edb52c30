# SPDX-License-Identifier: Apache-2.0
"""What the API does, without the API: its use cases in this process."""

import types

from masakari.services.environment import Services, Settings
from masakari.simulator.cloud import Cloud
from masakari.simulator.port import SimulatedCompute


def unheard(database, events):
    """What the use cases need; no engine is woken."""
    return Services(
        database=database,
        workflows=database,
        compute=lambda: SimulatedCompute(Cloud(lambda: 0.0)),
        engine_client=types.SimpleNamespace(
            process_notification=lambda *_args: None
        ),
        events=events,
        settings=Settings(),
    )
