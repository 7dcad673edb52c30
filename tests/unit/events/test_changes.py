# SPDX-License-Identifier: Apache-2.0
import pytest

from masakari import context
from masakari.events import changes, payloads
from masakari.events.publisher import Phase
from tests.unit.events.records import SEGMENT

WANTED = payloads.unsaved(payloads.segment(SEGMENT))
DONE = payloads.segment(SEGMENT)
WHO = context.admin()


class Recorder:
    def __init__(self):
        self.heard = []

    def emit(self, context, action, phase, payload, *, binary=None):
        assert (context, action, binary) == (WHO, "segment.create", None)
        self.heard.append((phase, payload))


@pytest.fixture
def recorder():
    return Recorder()


def test_what_was_done_is_told_by_its_start_and_its_end(recorder):
    with changes.told(recorder, WHO, "segment.create") as told:
        told.wanted = WANTED
        told.done = DONE
        assert recorder.heard == []
    assert recorder.heard == [(Phase.START, WANTED), (Phase.END, DONE)]


def test_what_was_deleted_ends_as_it_began(recorder):
    with changes.told(recorder, WHO, "segment.create") as told:
        told.wanted = WANTED
    assert recorder.heard == [(Phase.START, WANTED), (Phase.END, WANTED)]


def test_what_failed_is_told_with_its_fault(recorder):
    def fail():
        with changes.told(recorder, WHO, "segment.create") as told:
            told.wanted = WANTED
            raise ValueError("no")

    with pytest.raises(ValueError, match="no") as error:
        fail()
    (start, wanted), (phase, failed) = recorder.heard
    assert (start, wanted) == (Phase.START, WANTED)
    assert phase is Phase.ERROR
    fault = failed["masakari_object.data"]["fault"]["masakari_object.data"]
    assert fault["exception"] == "ValueError"
    assert fault["function_name"] == "fail"
    assert error.value.args == ("no",)


def test_what_was_refused_is_not_told(recorder):
    with (
        pytest.raises(ValueError, match="no"),
        changes.told(recorder, WHO, "segment.create"),
    ):
        raise ValueError("no")
    assert recorder.heard == []
