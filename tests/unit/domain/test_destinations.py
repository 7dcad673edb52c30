# SPDX-License-Identifier: Apache-2.0
import pytest

from masakari.domain.planner import destinations
from masakari.domain.server import ComputeService


def service(host: str, *, up: bool = True, enabled: bool = True):
    return ComputeService(id=host, host=host, up=up, enabled=enabled)


SERVICES = [
    service("failed", up=False),
    service("down", up=False),
    service("disabled", enabled=False),
    service("reported"),
    service("fit"),
]


@pytest.mark.parametrize(
    ("failed", "target", "exists"),
    [
        ({"failed", "reported"}, None, True),
        ({"failed", "reported", "fit"}, None, False),
        ({"failed"}, "fit", True),
        ({"failed"}, "down", False),
        ({"failed"}, "disabled", False),
        ({"failed", "reported"}, "reported", False),
        ({"failed"}, "unknown", False),
    ],
)
def test_only_a_host_that_is_up_enabled_and_not_failed_takes_instances(
    failed, target, exists
):
    found = destinations.exists(SERVICES, target=target, failed=failed)
    assert found is exists


def test_the_usable_hosts_are_named():
    assert destinations.usable(SERVICES, failed={"failed"}) == {
        "reported",
        "fit",
    }
