# SPDX-License-Identifier: Apache-2.0
"""Create the table in which engines say that they live.

Besides, a host's row says when its maintenance was lifted, and instances are
found by an index.
"""

import sqlalchemy as sa
from alembic import op

revision = "c3d8b6f10a74"
down_revision = "5c0e7f3a9d21"
branch_labels = None
depends_on = None

#: By the uuid of an instance.
_SEARCHED = ("vmove_plans", "vmoves")


def upgrade() -> None:
    """Go on to this revision."""
    op.create_table(
        "engines",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("stopping", sa.Boolean, nullable=False),
        sa.Column("trouble", sa.Text, nullable=True),
    )
    _join_collation()
    op.add_column(
        "host_intakes",
        sa.Column("lifted_after", sa.BigInteger, nullable=True),
    )
    for table in _SEARCHED:
        op.create_index(f"{table}_instance_uuid_idx", table, ["instance_uuid"])


def _join_collation() -> None:
    """Give it the collation of the claims, which name engines too.

    MariaDB does not compare texts of different ones, and its default for a
    database may have changed since the first tables were made.
    """
    connection = op.get_bind()
    if connection.dialect.name not in ("mysql", "mariadb"):
        return
    charset, collation = connection.exec_driver_sql(
        "SELECT CHARACTER_SET_NAME, COLLATION_NAME "
        "FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() "
        "AND TABLE_NAME = 'claims' AND COLUMN_NAME = 'owner'"
    ).one()
    op.execute(
        f"ALTER TABLE engines CONVERT TO CHARACTER SET {charset} "
        f"COLLATE {collation}"
    )
