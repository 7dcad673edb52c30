# SPDX-License-Identifier: Apache-2.0
"""Checking a body against a JSON schema, with the API's sentences."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema
from oslo_utils import timeutils, uuidutils

from masakari.api import faults, versions

FORMATS = jsonschema.FormatChecker(formats=())

_LAST_CHARACTER = "\ufffe"

_MESSAGES = {
    "name": "An invalid 'name' value was provided. The name must be: "
    "printable characters. Can not start or end with whitespace.",
}


class Schema:
    """A JSON schema, ready to be used.

    :param document: the schema itself, also published
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        jsonschema.Draft202012Validator.check_schema(document)
        self.document = document
        self._validator = jsonschema.Draft202012Validator(
            document, format_checker=FORMATS
        )

    def check(self, value: object) -> None:
        """:raises Fault: 400 with the first thing that is wrong"""
        for error in self._validator.iter_errors(value):
            raise faults.Fault(400, _sentence(error))


class Versioned:
    """Schemas by the microversion since which each holds.

    :param schemas: ``("1.0", {...}), ...``, oldest first
    :param published: says more than the newest one, which is checked; None
        says the same
    """

    def __init__(
        self,
        *schemas: tuple[str, Mapping[str, Any]],
        published: Mapping[str, Any] | None = None,
    ) -> None:
        self.since = [versions.parse(since) for since, _ in schemas]
        self.schemas = [Schema(document) for _, document in schemas]
        complete = self.since[0] == versions.parse(versions.MINIMUM)
        self.published = published or self.schemas[-1].document
        if not complete or self.since != sorted(set(self.since)):
            raise ValueError(f"The versions {self.since} leave gaps.")

    def check(self, value: object, version: versions.Version) -> None:
        """:raises Fault: 400 with the first thing that is wrong"""
        known = sum(since <= version for since in self.since)
        self.schemas[known - 1].check(value)


def _sentence(error: jsonschema.ValidationError) -> str:
    if error.validator == "format" and error.validator_value in _MESSAGES:
        return _MESSAGES[str(error.validator_value)]
    if not error.path:
        return str(error.message)
    return (
        f"Invalid input for field/attribute {error.path[-1]}. "
        f"Value: {error.instance}. {error.message}"
    )


def _printable(text: str, besides: Sequence[str]) -> bool:
    return all(
        character in besides
        or (
            character <= _LAST_CHARACTER
            and unicodedata.category(character)[0] not in "CZ"
        )
        for character in text
    )


def lines(text: str) -> str:
    """A text with the ends of its lines as they are stored.

    Browsers send a carriage return with each.
    """
    return text.replace("\r\n", "\n")


@FORMATS.checks("name")
def _is_name(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return value == value.strip() and _printable(value, besides=" ")


@FORMATS.checks("description")
def _is_description(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return _printable(lines(value), besides=" \n\t")


@FORMATS.checks("uuid")
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or uuidutils.is_uuid_like(value)


@FORMATS.checks("date-time", raises=(ValueError, OverflowError))
def _is_time(value: object) -> bool:
    if isinstance(value, str):
        timeutils.normalize_time(timeutils.parse_isotime(value))
    return True
