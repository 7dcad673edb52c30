# SPDX-License-Identifier: Apache-2.0
import pytest

from masakari import exception
from masakari.engine.lease import Lease
from tests.unit.test_rpc import notification


class Clock:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lease(clock):
    class Claim:
        notification = notification()

    return Lease(Claim, clock, seconds=15, asked_at=clock.now, owner="e")


def test_it_counts_from_before_the_database_was_asked(lease, clock):
    clock.now += 14.9
    lease.check()
    clock.now += 0.1
    assert not lease.held
    with pytest.raises(exception.ClaimLost, match="is lost"):
        lease.check()


def test_renewal_moves_its_end(lease, clock):
    clock.now += 10
    lease.extend(asked_at=clock.now - 1)
    clock.now += 13.9
    assert lease.held
    clock.now += 0.1
    assert not lease.held


def test_an_answer_that_comes_late_does_not_shorten_it(lease, clock):
    clock.now += 10
    lease.extend(asked_at=1010)
    lease.extend(asked_at=1005)
    clock.now = 1024.9
    assert lease.held


def test_what_is_lost_stays_lost(lease, clock):
    lease.lose()
    assert not lease.held
    lease.extend(asked_at=clock.now)
    assert not lease.held
