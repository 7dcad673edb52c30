# SPDX-License-Identifier: Apache-2.0
import types

import pytest

from masakari.engine.evacuation.troubles import Troubles

UUID = "b1e9f4a6-6d52-4a2c-8a0e-111111111111"


@pytest.fixture
def notes():
    return []


@pytest.fixture
def troubles(notes):
    journal = types.SimpleNamespace(note=notes.append)
    notification = types.SimpleNamespace(uuid="n")
    recovery = types.SimpleNamespace(
        journal=journal, notification=notification
    )
    return Troubles(recovery, None)


def flight(trouble, message=None):
    move = types.SimpleNamespace(instance_name="vm")
    vmove = types.SimpleNamespace(uuid="v", message=message)
    planned = types.SimpleNamespace(move=move, vmove=vmove)
    return types.SimpleNamespace(planned=planned, uuid=UUID, trouble=trouble)


def test_a_new_reason_is_noted_and_logged(troubles, notes, caplog):
    troubles.note([flight("No valid host was found.")])
    troubles.note([flight("The quota is exceeded.")])
    assert notes == [
        {"v": "No valid host was found."},
        {"v": "The quota is exceeded."},
    ]
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "Keystone: busy (HTTP 503) (Request-ID: "
            "req-0a7c4c5e-7b0e-4f55-9a35-0f3a4c8f7a10)",
            "Keystone: busy (HTTP 503) (Request-ID: "
            "req-9d2f6a11-0d4e-4a2b-8d54-2b1f0c9e6d77)",
        ),
        (
            "<urllib3.connection.HTTPConnection object at 0x7f71a68d5440>: "
            "Connection refused",
            "<urllib3.connection.HTTPConnection object at 0x7f840b674bd0>: "
            "Connection refused",
        ),
    ],
)
def test_what_differs_in_each_answer_makes_no_new_reason(
    troubles, notes, caplog, one, other
):
    troubles.note([flight(one)])
    troubles.note([flight(other)])
    assert [note for note in notes if note] == [{"v": one}]
    assert len(caplog.records) == 1


def test_what_is_on_record_already_is_not_written_again(troubles, notes):
    troubles.note([flight("It is full.", message="It is full.")])
    assert not any(notes)
