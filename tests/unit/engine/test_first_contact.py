# SPDX-License-Identifier: Apache-2.0
import logging

import pytest

from masakari.engine import first_contact
from masakari.nova import port
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


def test_credentials_that_are_wrong(cloud, caplog):
    cloud.faults.add("compute_services", 401, message="Who are you?")
    level, text = told(cloud, caplog)
    assert level == "ERROR"
    assert text.startswith("Nova does not let Masakari in, ")
    assert text.endswith("Who are you?")


@pytest.mark.parametrize(
    ("verb", "wanted"),
    [
        ("compute_services", "compute services"),
        ("servers", "the servers of all projects with their hosts"),
        ("evacuations", "migrations"),
        ("aggregates", "aggregates"),
    ],
)
def test_an_account_that_may_not_do_all(cloud, caplog, verb, wanted):
    cloud.faults.add(verb, 403, message="Policy doesn't allow it.")
    level, text = told(cloud, caplog)
    assert level == "ERROR"
    assert text.endswith(
        "The user of the simulator is no administrator in Nova: it may not "
        f"list {wanted}. Policy doesn't allow it."
    )


def test_it_can_be_asked_again(cloud):
    compute = SimulatedCompute(cloud)
    cloud.faults.add("aggregates", 403, times=1)
    with pytest.raises(port.Denied):
        first_contact.check(compute)
    assert [s.host for s in first_contact.check(compute)] == [
        "compute-1",
        "compute-2",
    ]


def test_nova_that_is_away(cloud, caplog):
    cloud.faults.add("compute_services", 503, message="Not now.")
    level, text = told(cloud, caplog)
    assert level == "WARNING"
    assert text.endswith("Not now.")
