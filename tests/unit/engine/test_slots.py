# SPDX-License-Identifier: Apache-2.0
import threading

from masakari.domain.sharing import Demand
from masakari.engine.slots import Slots


def test_never_more_than_all_of_them():
    slots = Slots(10)
    assert slots.take(1, Demand(wanted=30), 30) == 10
    assert slots.take(1, Demand(wanted=30), 30) == 0


def test_who_goes_on_keeps_its_slots_from_the_others():
    slots = Slots(10)
    slots.take(1, Demand(wanted=10), 10)
    slots.take(2, Demand(wanted=10), 0)
    slots.take_up(1, 8)
    assert slots.take(2, Demand(wanted=10), 10) == 2


def test_not_more_than_asked_for():
    assert Slots(10).take(1, Demand(wanted=30), 4) == 4


def test_who_comes_later_gets_its_share_as_slots_become_free():
    slots = Slots(10)
    slots.take(1, Demand(wanted=30), 30)
    assert slots.take(2, Demand(wanted=30), 30) == 0
    slots.give_back(1, 6)
    assert slots.take(1, Demand(wanted=30), 30) == 1
    assert slots.take(2, Demand(wanted=30), 30) == 5


def test_the_most_important_gets_what_cannot_be_split():
    slots = Slots(3)
    slots.take(1, Demand(wanted=9, priority=(0,)), 0)
    assert slots.take(2, Demand(wanted=9, priority=(1,)), 9) == 2
    assert slots.take(1, Demand(wanted=9, priority=(0,)), 9) == 1


def test_of_equals_who_was_reported_first_gets_it():
    slots = Slots(3)
    slots.take(10, Demand(wanted=9), 0)
    assert slots.take(9, Demand(wanted=9), 9) == 2
    assert slots.take(10, Demand(wanted=9), 9) == 1


def test_what_one_does_not_want_is_the_others():
    slots = Slots(10)
    slots.take(1, Demand(wanted=2), 2)
    assert slots.take(2, Demand(wanted=30), 30) == 8


def test_who_is_done_with_some_does_not_want_them_any_more():
    """Whoever waits for a slow last one keeps nothing from the others."""
    slots = Slots(4)
    slots.take(1, Demand(wanted=4, priority=(1,)), 4)
    slots.give_back(1, 3)
    assert slots.take(2, Demand(wanted=9), 9) == 3


def test_who_leaves_frees_all_it_had():
    slots = Slots(10)
    slots.take(1, Demand(wanted=10), 10)
    slots.leave(1)
    assert slots.take(2, Demand(wanted=10), 10) == 10


def test_what_was_in_flight_before_counts_even_above_the_ceiling():
    slots = Slots(4)
    slots.adopt(1, 6)
    assert slots.take(1, Demand(wanted=9), 9) == 0
    slots.give_back(1, 3)
    assert slots.take(1, Demand(wanted=9), 9) == 1


def test_threads_together_do_not_take_too_many():
    slots = Slots(50)
    taken = []

    def take(key):
        for _ in range(100):
            got = slots.take(key, Demand(wanted=100), 1)
            taken.append(got)

    threads = [threading.Thread(target=take, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) <= 50
