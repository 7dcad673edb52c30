# SPDX-License-Identifier: Apache-2.0
"""What happened in a simulation, in order, for people."""

import re
from collections.abc import Callable, Mapping

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Trace:
    """Lines with the second at which something happened.

    :param elapsed: returns the seconds since the beginning
    """

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._lines: list[tuple[float, str]] = []

    def add(self, text: str) -> None:
        self._lines.append((self._elapsed(), text))

    def text(self, names: Mapping[str, str]) -> str:
        """All of it.

        :param names: what to call the uuids that are known by a name
        """

        def name(found: re.Match[str]) -> str:
            return names.get(found.group(), found.group())

        return "\n".join(
            f"{at:8.2f} {_UUID.sub(name, line)}" for at, line in self._lines
        )
