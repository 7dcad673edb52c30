# SPDX-License-Identifier: Apache-2.0
"""Something else than Nova answers in its place."""

import pytest
from novaclient import exceptions as nova_exceptions

from masakari.nova import answers, port


@pytest.mark.parametrize(
    "read",
    [
        answers.server,
        answers.service,
        answers.migration,
        answers.aggregate,
    ],
)
@pytest.mark.parametrize("fields", [{}, {"id": 1}, None, "text", []])
def test_an_answer_that_makes_no_sense_may_be_asked_for_again(read, fields):
    with pytest.raises(port.Unavailable, match="cannot be understood"):
        read(fields)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (nova_exceptions.NotFound(404), port.Unavailable),
        (
            nova_exceptions.NotFound(404, "Instance x could not be found."),
            port.NotFound,
        ),
    ],
)
def test_only_nova_itself_can_say_that_there_is_no_such_thing(error, expected):
    with pytest.raises(port.ComputeError) as caught, answers.translated():
        raise error
    assert type(caught.value) is expected
