# SPDX-License-Identifier: Apache-2.0
import logging

import pytest

from masakari.engine import first_contact
from masakari.simulator.cloud import Cloud
from masakari.simulator.port import SimulatedCompute


@pytest.fixture
def cloud():
    made = Cloud(lambda: 0.0)
    made.add_host("compute-1")
    made.add_host("compute-2")
    return made


def told(cloud, caplog):
    with caplog.at_level(logging.INFO):
        first_contact.begin(SimulatedCompute(cloud)).join()
    (record,) = caplog.records
    return record.levelname, record.getMessage()


def test_nova_that_answers(cloud, caplog):
    assert told(cloud, caplog) == (
        "INFO",
        "Nova answers: it has 2 compute services, 2 of them up",
    )


@pytest.mark.parametrize("code", [401, 403])
def test_credentials_that_are_wrong(cloud, caplog, code):
    cloud.faults.add("compute_services", code, message="Who are you?")
    level, text = told(cloud, caplog)
    assert level == "ERROR"
    assert text.startswith("Nova does not let Masakari in, ")
    assert text.endswith("Who are you?")


def test_nova_that_is_away(cloud, caplog):
    cloud.faults.add("compute_services", 503, message="Not now.")
    level, text = told(cloud, caplog)
    assert level == "WARNING"
    assert text.endswith("Not now.")
