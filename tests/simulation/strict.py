# SPDX-License-Identifier: Apache-2.0
"""YAML that has to be what it is meant to be.

A key that is given twice, is not known or has a value of another type is an
error: a slip of the pen must not make an expectation vanish.
"""

import dataclasses
import types
import typing
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

T = TypeVar("T")


class Slip(Exception):
    """The file is not what it is meant to be."""


class _Loader(yaml.SafeLoader):
    """Refuses keys that are given twice."""

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=deep)
            if name in seen:
                raise Slip(f"{name} is given twice{node.start_mark}")
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


def read(path: Path) -> Any:
    """What is in a file.

    :raises Slip: it is empty, or has a key twice
    """
    with path.open() as file:
        # _Loader only makes what SafeLoader makes.
        content = yaml.load(file, _Loader)
    if not content:
        raise Slip(f"{path} is empty")
    return content


def build(kind: type[T], content: Any, where: str) -> T:
    """Make a dataclass of a mapping.

    :raises Slip: it does not fit
    """
    if not isinstance(content, Mapping):
        raise Slip(f"{where} is no mapping")
    hints = typing.get_type_hints(kind)
    unknown = set(content) - set(hints)
    if unknown:
        raise Slip(f"{where} has unknown keys: {sorted(unknown)}")
    values = {
        key: convert(value, hints[key], f"{where}.{key}")
        for key, value in content.items()
    }
    try:
        return kind(**values)
    except TypeError as error:
        raise Slip(f"{where}: {error}") from error


def convert(value: Any, hint: Any, where: str) -> Any:
    """The value as the type ``hint`` says.

    :raises Slip: it is none of that type
    """
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        return _any_of(value, args, where)
    if origin is Mapping and isinstance(value, Mapping):
        return {
            convert(key, args[0], where): convert(
                item, args[1], f"{where}.{key}"
            )
            for key, item in value.items()
        }
    if origin is Sequence and isinstance(value, list):
        return [convert(item, args[0], where) for item in value]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, where)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        name = getattr(hint, "__name__", hint)
        raise Slip(f"{where} is {value!r}, which is no {name}")
    return value


def _any_of(value: Any, hints: Sequence[Any], where: str) -> Any:
    if value is None and type(None) in hints:
        return None
    slips = []
    for hint in hints:
        if hint is type(None):
            continue
        try:
            return convert(value, hint, where)
        except Slip as slip:
            slips.append(str(slip))
    raise Slip("; ".join(slips))
