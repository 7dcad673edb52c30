# SPDX-License-Identifier: Apache-2.0
"""What is the same for every table: filters, pages, changes, records.

Pages are cut by the values of the marker's row, so any sort key works and
rows that come or go meanwhile shift nothing.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

import sqlalchemy
from sqlalchemy import orm
from sqlalchemy.sql import base, elements

from masakari import exception
from masakari.db import tables

Table = TypeVar(
    "Table", tables.Segment, tables.Host, tables.Notification, tables.VMove
)
Column = sqlalchemy.ColumnElement[Any]

_ALWAYS = ("created_at", "id")
_DIRECTIONS = ("asc", "desc")
_INTEGER = re.compile(r"[0-9]{1,10}")

#: MariaDB sorts by the first kilobyte of a long text and no further.
_SORTED_CHARACTERS = 255
_LONG = (sqlalchemy.Text, tables.Message)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What part of a list is wanted.

    :param limit: at most so many rows; None for all
    :param marker: ``id`` or uuid of the row before the page; None for the
        first page
    :param sort_keys: names of columns; none stands for ``created_at``
    :param sort_dirs: ``asc`` or ``desc`` for each key; missing ones are as
        the first one, which is ``desc`` when there is none
    """

    limit: int | None = None
    marker: str | None = None
    sort_keys: Sequence[str] = ()
    sort_dirs: Sequence[str] = ()


def columns(
    table: type[tables.Base],
) -> base.ReadOnlyColumnCollection[str, sqlalchemy.Column[Any]]:
    """The columns of a mapped class by their names."""
    return cast(sqlalchemy.Table, table.__table__).c


def live(table: type[Table]) -> sqlalchemy.ColumnElement[bool]:
    """The rows that have not been deleted."""
    return table.deleted == 0


def equal(column: Column, value: str | bool) -> Column:
    """``column = value``; false for a text that no column can hold.

    A database may answer with an error where it cannot store the value.
    """
    if not isinstance(value, str):
        return column == sqlalchemy.literal(value)
    if not _storable(value):
        return sqlalchemy.false()
    if isinstance(column.type, sqlalchemy.Enum):
        known = value in column.type.enums
        return column == value if known else sqlalchemy.false()
    return column == value


def _storable(value: str) -> bool:
    return all(
        "\0" < character < "\ud800" or "\udfff" < character <= "\uffff"
        for character in value
    )


def changed(
    session: orm.Session, statement: sqlalchemy.Update | sqlalchemy.Delete
) -> int:
    """Run a statement; the number of rows that it has changed."""
    result = session.execute(statement)
    return cast("sqlalchemy.CursorResult[Any]", result).rowcount


def record(row: Table) -> dict[str, Any]:
    """The fields of a :class:`~masakari.domain.model.Record`, of a row."""
    return {
        "id": row.id,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "deleted_at": row.deleted_at,
        "deleted": bool(row.deleted),
    }


def conditions(
    known: Mapping[str, Column], filters: Mapping[str, str | bool | None]
) -> list[Column]:
    """A condition for each filter that is not None.

    :param known: what may be filtered by
    :raises KeyError: a filter is not among them
    """
    return [
        equal(known[name], value)
        for name, value in filters.items()
        if value is not None
    ]


def page(
    session: orm.Session,
    statement: sqlalchemy.Select[Any],
    table: type[Table],
    page: Page,
    *,
    uuid: str = "uuid",
) -> Sequence[Any]:
    """The rows of ``statement`` that are on a page, in its order.

    :param table: the one to sort by, whose rows markers are
    :param uuid: the name of its column of uuids
    :raises InvalidInput: limit or sorting are not valid
    :raises MarkerNotFound: there is no such live row
    """
    order = _order(table, page)
    if page.limit is not None and page.limit < 0:
        raise exception.InvalidInput(reason="limit must be >= 0")
    if page.marker is not None:
        row = _marker_row(session, table, page.marker, uuid)
        statement = statement.where(_after(_keys(table, order, row)))
    if page.limit == 0:
        return []
    statement = statement.order_by(
        *(
            key.expression.desc() if key.descending else key.expression.asc()
            for key in _keys(table, order, None)
        )
    ).limit(page.limit)
    return session.execute(statement).all()


def _order(table: type[Table], page: Page) -> list[tuple[str, bool]]:
    """Names of columns, each with whether it is descending."""
    keys = list(page.sort_keys) or ["created_at"]
    dirs = list(page.sort_dirs) or ["desc"]
    if not set(dirs) <= set(_DIRECTIONS):
        raise exception.InvalidInput(
            reason="Unknown sort direction, must be 'asc' or 'desc'"
        )
    if len(dirs) > len(keys):
        raise exception.InvalidInput(
            reason="Sort direction size exceeds sort key size"
        )
    keys += [key for key in _ALWAYS if key not in keys]
    dirs += dirs[:1] * (len(keys) - len(dirs))
    known = columns(table)
    for key in keys:
        if key not in known:
            raise exception.InvalidInput(
                f"InvalidSortKey('Sort key supplied is invalid: {key}')"
            )
    first_of_each = dict(reversed(list(zip(keys, dirs, strict=True))))
    return [(key, first_of_each[key] == "desc") for key in dict.fromkeys(keys)]


def _marker_row(
    session: orm.Session, table: type[Table], marker: str, uuid: str
) -> Table:
    if _INTEGER.fullmatch(marker):
        match = table.id == int(marker)
    else:
        match = equal(columns(table)[uuid], marker)
    row = session.scalars(
        sqlalchemy.select(table).where(live(table), match)
    ).one_or_none()
    if row is None:
        raise exception.MarkerNotFound(marker=marker)
    return row


@dataclasses.dataclass(frozen=True, slots=True)
class _Key:
    """Something to sort by, and its value in the marker's row."""

    expression: Column
    descending: bool
    value: elements.BindParameter[Any] | None


def _keys(
    table: type[Table], order: Sequence[tuple[str, bool]], row: Table | None
) -> Iterator[_Key]:
    for name, descending in order:
        column = columns(table)[name]
        value = None if row is None else getattr(row, name)
        if column.nullable:
            # Databases disagree on where NULL sorts; here it is least.
            rank = sqlalchemy.case((column.is_(None), 0), else_=1)
            yield _Key(
                rank, descending, sqlalchemy.literal(int(value is not None))
            )
        if row is None:
            yield _Key(_sortable(column), descending, None)
        elif value is not None:
            yield _Key(_sortable(column), descending, _literal(column, value))


def _sortable(column: Column) -> Column:
    if isinstance(column.type, sqlalchemy.Enum):
        # MariaDB sorts an enumeration by position, but compares its text.
        return sqlalchemy.cast(column, sqlalchemy.String(64))
    if isinstance(column.type, _LONG):
        return sqlalchemy.func.substr(column, 1, _SORTED_CHARACTERS)
    return column


def _literal(column: Column, value: Any) -> elements.BindParameter[Any]:
    if isinstance(column.type, sqlalchemy.Enum):
        return sqlalchemy.literal(value, sqlalchemy.String(64))
    if isinstance(column.type, _LONG):
        return sqlalchemy.literal(value[:_SORTED_CHARACTERS])
    return sqlalchemy.literal(value, column.type)


def _after(keys: Iterator[_Key]) -> Column:
    """Greater in the first key, or equal in it and greater in the next..."""
    alternatives: list[Column] = []
    same: list[Column] = []
    for key in keys:
        beyond = (
            key.expression < key.value
            if key.descending
            else key.expression > key.value
        )
        alternatives.append(sqlalchemy.and_(*same, beyond))
        same.append(key.expression == key.value)
    return sqlalchemy.or_(*alternatives)
