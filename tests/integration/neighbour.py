# SPDX-License-Identifier: Apache-2.0
"""A source tree of a neighbouring release, to run beside this one.

``MASAKARI_TEST_NEIGHBOUR`` is a checkout of one. Without it the next release
is made of this one: it has one more migration, whose columns it writes, and
one more method on the bus.
"""

import dataclasses
import os
import re
import shutil
from pathlib import Path

import masakari

HERE = Path(masakari.__file__).parent

#: Where the version of the interface on the bus is.
BUS = Path("rpc") / "bus.py"

REVISION = "0123456789ab"
METHOD = "rehearse"
#: What the next release writes where this one writes nothing.
MARK = "next"

_MIGRATION = '''# SPDX-License-Identifier: Apache-2.0
"""Add what the next release needs."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{down_revision}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    op.create_table(
        "rehearsals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("notification_uuid", sa.String(36), nullable=False),
    )
    for table in ("claims", "recoveries"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(
                sa.Column("written_by", sa.String(36), nullable=True)
            )
    op.create_index("claims_written_by_idx", "claims", ["written_by"])
'''

_TABLES = """

class Rehearsal(Base):
    __tablename__ = "rehearsals"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    notification_uuid: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(36)
    )


for table in (Claim, Recovery):
    table.written_by = orm.mapped_column(
        sqlalchemy.String(36), nullable=True, default="{mark}",
        onupdate="{mark}",
    )
sqlalchemy.Index("claims_written_by_idx", Claim.written_by)
"""

_ENDPOINT = '''
    def {method}(self, ctxt: Any, text: str) -> str:
        """What the next release can do besides ({version})."""
        del ctxt
        return text
'''


@dataclasses.dataclass(frozen=True)
class Release:
    """A release and where its source is; None is this one."""

    tree: Path | None
    revisions: int
    made: bool = False


def this() -> Release:
    return Release(tree=None, revisions=_revisions(HERE))


def neighbour(directory: Path) -> Release:
    """The neighbour; made in ``directory`` if need be."""
    given = os.environ.get("MASAKARI_TEST_NEIGHBOUR")
    if given:
        tree = Path(given)
        return Release(tree=tree, revisions=_revisions(tree / "masakari"))
    package = directory / "masakari"
    shutil.copytree(
        HERE, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    _patch(package)
    return Release(tree=directory, revisions=_revisions(package), made=True)


def _revisions(package: Path) -> int:
    return len(list(_scripts(package)))


def _scripts(package: Path) -> list[Path]:
    versions = package / "db" / "migrations" / "versions"
    return [path for path in versions.glob("*.py") if path.stem != "__init__"]


def next_version() -> str:
    """Of the bus, in the release that is made."""
    found = re.search(r'^VERSION = "1\.(\d+)"$', _text(HERE / BUS), re.M)
    assert found is not None
    return f"1.{int(found[1]) + 1}"


def _patch(package: Path) -> None:
    versions = package / "db" / "migrations" / "versions"
    (versions / f"{REVISION}_next.py").write_text(
        _MIGRATION.format(revision=REVISION, down_revision=_head(package))
    )
    _append(package / "db" / "tables.py", _TABLES.format(mark=MARK))
    _append(
        package / "engine" / "endpoint.py",
        _ENDPOINT.format(method=METHOD, version=next_version()),
    )
    bus = package / BUS
    bus.write_text(
        re.sub(
            r'^VERSION = ".*"$',
            f'VERSION = "{next_version()}"',
            _text(bus),
            flags=re.M,
        )
    )


def _head(package: Path) -> str:
    revisions, earlier = set(), set()
    for path in _scripts(package):
        text = _text(path)
        revisions |= set(re.findall(r'^revision = "(\w+)"', text, re.M))
        earlier |= set(re.findall(r'^down_revision = "(\w+)"', text, re.M))
    (head,) = revisions - earlier
    return head


def _text(path: Path) -> str:
    return path.read_text()


def _append(path: Path, text: str) -> None:
    path.write_text(_text(path) + text)
