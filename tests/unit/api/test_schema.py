# SPDX-License-Identifier: Apache-2.0

import pytest

from masakari.api import faults, schema, versions
from masakari.api.v1.schemas import parts


def check(document, value):
    schema.Schema(document).check(value)


@pytest.mark.parametrize(
    "name", ["a", "a b", "é", "\u4e2d", "#", "x" * 255, "\ufffd"]
)
def test_names(name):
    check(parts.NAME, name)


@pytest.mark.parametrize(
    "name",
    ["a ", " a", "\ta", "a\nb", "a\u00a0b", "\u200b", "\ue000", "\U00010000"],
)
def test_no_names(name):
    with pytest.raises(faults.Fault) as caught:
        check(parts.NAME, name)
    assert caught.value.message == (
        "An invalid 'name' value was provided. The name must be: printable "
        "characters. Can not start or end with whitespace."
    )


@pytest.mark.parametrize(
    "text", ["", " a\nb ", "\ta\r\n\r\n", None, "x" * 70000]
)
def test_descriptions(text):
    check(parts.DESCRIPTION, text)


@pytest.mark.parametrize(
    "text",
    [
        "\r",
        "a\rb",
        "\n\r",
        "\r\r\n",
        "\0",
        "\x1b[0m",
        "\x0b",
        "\x7f",
        "\u2028",
        1,
    ],
)
def test_no_descriptions(text):
    with pytest.raises(faults.Fault):
        check(parts.DESCRIPTION, text)


@pytest.mark.parametrize(
    "value", [True, False, "True", "true", "1", "ON", "yes", "NO", "0", "off"]
)
def test_booleans(value):
    check(parts.BOOLEAN, value)


@pytest.mark.parametrize("value", [1, 0, 1.0, None, "y", "tRUE", "", " 1"])
def test_no_booleans(value):
    with pytest.raises(faults.Fault):
        check(parts.BOOLEAN, value)


@pytest.mark.parametrize(
    "text",
    [
        "2017-04-21 17:29:55",
        "2017-04-23T07:18:51.523726",
        "2017-04-23T07:18:51Z",
        "2017-04-23T07:18:51+05:00",
        "2017-04-23",
    ],
)
def test_times(text):
    check({"type": "string", "format": "date-time"}, text)


@pytest.mark.parametrize(
    "text", ["", "now", "2017-13-01", "9999-12-31T23:59:59-05:00"]
)
def test_no_times(text):
    with pytest.raises(faults.Fault) as caught:
        check({"type": "string", "format": "date-time"}, text)
    assert caught.value.message == f"'{text}' is not a 'date-time'"


class TestVersioned:
    def test_the_newest_that_is_old_enough_holds(self):
        versioned = schema.Versioned(
            ("1.0", {"const": 0}), ("1.2", {"const": 2})
        )
        for version, value in (("1.0", 0), ("1.1", 0), ("1.2", 2), ("1.3", 2)):
            versioned.check(value, versions.parse(version))
            with pytest.raises(faults.Fault):
                versioned.check(2 - value, versions.parse(version))

    @pytest.mark.parametrize(
        "since", [["1.1"], ["1.0", "1.2", "1.1"], ["1.0", "1.0"]]
    )
    def test_gaps_are_refused(self, since):
        with pytest.raises(ValueError, match="leave gaps"):
            schema.Versioned(*((version, {}) for version in since))
