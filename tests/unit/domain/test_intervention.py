# SPDX-License-Identifier: Apache-2.0
import pytest

from masakari.domain import intervention, model
from masakari.domain.intervention import Refusal
from masakari.domain.model import NotificationStatus
from masakari.domain.verdict import Verdict
from tests.functional.db.records import EPOCH

EXPIRY = 86400


def situation(status, message=None, **values):
    notification = model.Notification(
        **model.UNSAVED,
        uuid="n",
        type=model.NotificationType.COMPUTE_HOST,
        status=NotificationStatus(status),
        source_host_uuid="h",
        failover_segment_uuid="s",
        generated_time=EPOCH,
        payload={},
        message=message,
    )
    given = {
        "notification": notification,
        "host_name": "compute-1",
        "registered": True,
        "age": 60.0,
        "attempts": 2,
        "next_attempt_in": None,
        "owner": None,
        "lease_left": None,
    } | values
    return intervention.Situation(**given)


def retried(*args, **values):
    return intervention.retry(situation(*args, **values), expiry=EXPIRY)


def test_what_failed_is_tried_again_and_says_so():
    assert retried("failed", "no room") == Verdict(
        NotificationStatus.ERROR,
        "Tried again because an operator asked for it. Before: no room",
    )
    assert retried("failed") == Verdict(
        NotificationStatus.ERROR,
        "Tried again because an operator asked for it",
    )


def test_what_is_in_error_keeps_its_reason():
    assert retried("error", "no room", next_attempt_in=99.0) == Verdict(
        NotificationStatus.ERROR, "no room"
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("new", "engines take it up by themselves"),
        ("running", "it is running"),
        ("finished", "it is finished and nothing is left"),
        ("ignored", "it is ignored and nothing is left"),
    ],
)
def test_others_are_not_tried_again(status, reason):
    assert reason in retried(status).reason


@pytest.mark.parametrize("status", ["failed", "error"])
def test_what_could_only_fail_again_is_not_tried(status):
    assert "older than 86400 seconds" in retried(status, age=86401.0).reason
    assert isinstance(retried(status, age=86400.0), Verdict)
    assert "not registered" in retried(status, registered=False).reason


def test_what_nobody_holds_is_released():
    assert intervention.release(situation("running")) is None
    lapsed = situation("running", owner="e", lease_left=-1.0)
    assert intervention.release(lapsed) is None


def test_a_live_lease_is_respected():
    refusal = intervention.release(
        situation("running", owner="c-1:7:ab", lease_left=12.4)
    )
    assert refusal == Refusal(
        "engine c-1:7:ab holds it for another 12 seconds unless it renews "
        "its lease"
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("new", "engines take it up by themselves"),
        ("error", "retry makes its next attempt due"),
        ("failed", "retry gives it another attempt"),
        ("finished", "nothing is left"),
        ("ignored", "nothing is left"),
    ],
)
def test_only_what_is_running_is_released(status, reason):
    assert reason in intervention.release(situation(status)).reason
