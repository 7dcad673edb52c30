# SPDX-License-Identifier: Apache-2.0
from masakari.domain import verdict
from masakari.domain.model import NotificationStatus, VMove, VMoveStatus


def move(name: str, status: VMoveStatus, message: str | None = None) -> VMove:
    return VMove(
        id=1,
        created_at=None,
        updated_at=None,
        deleted_at=None,
        deleted=False,
        uuid=f"move-{name}",
        notification_uuid="n",
        instance_uuid=f"uuid-{name}",
        instance_name=name,
        source_host="failed",
        dest_host=None,
        start_time=None,
        end_time=None,
        type=None,
        status=status,
        message=message,
    )


def test_all_recovered_or_left_alone_is_finished() -> None:
    result = verdict.of_moves(
        [move("a", VMoveStatus.SUCCEEDED), move("b", VMoveStatus.IGNORED)]
    )
    assert result.status is NotificationStatus.FINISHED


def test_a_row_left_on_its_way_is_a_failure() -> None:
    for status in (VMoveStatus.PENDING, VMoveStatus.ONGOING):
        result = verdict.of_moves([move("a", status)])
        assert result.status is NotificationStatus.ERROR
        assert f"left {status}" in str(result.message)


def test_a_message_names_a_few_failures_and_counts_the_rest() -> None:
    moves = [move(f"vm-{n}", VMoveStatus.FAILED, "no room") for n in range(9)]
    message = str(verdict.of_moves(moves).message)
    assert message.startswith("9 of 9 instances were not recovered: ")
    assert message.count("no room") == verdict.NAMED_FAILURES
    assert message.endswith("and 4 more")


def test_the_second_error_is_final() -> None:
    error = verdict.error("no room")
    assert verdict.after_attempt(error, 1) == error
    assert verdict.after_attempt(error, 2) == verdict.failed("no room")
