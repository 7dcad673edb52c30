# SPDX-License-Identifier: Apache-2.0
"""Publishers that tell nobody."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from masakari.context import RequestContext
from masakari.events.publisher import Binary, Phase


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event; ``data`` is what its payload has of the record."""

    type: str
    context: RequestContext
    payload: Mapping[str, Any]
    binary: Binary | None

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.payload["masakari_object.data"]
        return data

    @property
    def fault(self) -> dict[str, Any] | None:
        """The fields of its fault."""
        fault = self.data["fault"]
        return fault and dict(fault["masakari_object.data"])


class Silent:
    """A publisher that forgets what it is told."""

    def emit(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is told."""

    def close(self) -> None:
        """Nothing is left to tell."""


class Recorder:
    """A publisher that remembers what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(
        self,
        context: RequestContext,
        action: str,
        phase: Phase,
        payload: Mapping[str, Any],
        *,
        binary: Binary | None = None,
    ) -> None:
        self.events.append(
            Event(
                type=f"{action}.{phase}",
                context=context,
                payload=payload,
                binary=binary,
            )
        )

    def close(self) -> None:
        """Nothing is left to tell."""

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def of(self, record: str) -> list[str]:
        """The types of all events of one kind of record."""
        return [type for type in self.types if type.startswith(f"{record}.")]

    def __getitem__(self, type: str) -> Event:
        """The only event of a type."""
        (found,) = [event for event in self.events if event.type == type]
        return found
