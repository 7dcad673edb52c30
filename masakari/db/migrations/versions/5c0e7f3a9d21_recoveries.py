# SPDX-License-Identifier: Apache-2.0
"""Create what recoveries of instances, by reserves and of processes keep.

Claims are of hosts or of instances from here on. The table that they were
in before is of no release, and what it holds lapses within seconds.
"""

import sqlalchemy as sa
from alembic import op

revision = "5c0e7f3a9d21"
down_revision = "b1a6d2c94e07"
branch_labels = None
depends_on = None

_OURS = (
    "claims",
    "host_intakes",
    "process_outages",
    "recoveries",
    "reserve_uses",
    "vmove_plans",
)


def upgrade() -> None:
    """Go on to this revision."""
    _create_claims()
    with op.batch_alter_table("recoveries") as recoveries:
        recoveries.add_column(
            sa.Column("subject", sa.String(36), nullable=True)
        )
        recoveries.add_column(
            sa.Column("waiting_for", sa.String(16), nullable=True)
        )
        for name, kind in (
            ("waits", sa.Integer),
            ("told_at", sa.BigInteger),
            ("takeovers", sa.Integer),
            ("last_asked_at", sa.BigInteger),
        ):
            recoveries.add_column(sa.Column(name, kind, nullable=True))
    op.create_table(
        "reserve_uses",
        sa.Column("host_uuid", sa.String(36), primary_key=True),
        sa.Column("notification_uuid", sa.String(36), nullable=False),
        sa.Column("was_enabled", sa.Boolean, nullable=False),
        sa.Column("disabled_reason", sa.String(255), nullable=True),
        sa.Column("aggregates", sa.Text, nullable=False),
    )
    op.create_index(
        "reserve_uses_notification_uuid_idx",
        "reserve_uses",
        ["notification_uuid"],
    )
    op.create_table(
        "process_outages",
        sa.Column("host_uuid", sa.String(36), primary_key=True),
        sa.Column("process_name", sa.String(255), nullable=False),
        sa.Column("disabled_reason", sa.String(255), nullable=False),
        sa.Column("up_since", sa.BigInteger, nullable=True),
        sa.Column("seen_up_at", sa.BigInteger, nullable=True),
    )
    _join_collations()


def _join_collations() -> None:
    """Give our tables the collation of those that were there before.

    MariaDB does not compare texts of different ones, and its default for a
    database may have changed since the first tables were made.
    """
    connection = op.get_bind()
    if connection.dialect.name not in ("mysql", "mariadb"):
        return
    charset, collation = connection.exec_driver_sql(
        "SELECT CHARACTER_SET_NAME, COLLATION_NAME "
        "FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() "
        "AND TABLE_NAME = 'notifications' "
        "AND COLUMN_NAME = 'notification_uuid'"
    ).one()
    for table in _OURS:
        op.execute(
            f"ALTER TABLE {table} CONVERT TO CHARACTER SET {charset} "
            f"COLLATE {collation}"
        )


def _create_claims() -> None:
    op.create_table(
        "claims",
        sa.Column("subject", sa.String(36), primary_key=True),
        sa.Column("notification_uuid", sa.String(36), nullable=True),
        sa.Column("owner", sa.String(255), nullable=True),
        sa.Column("token", sa.String(36), nullable=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "claims_notification_uuid_idx", "claims", ["notification_uuid"]
    )
    op.drop_table("host_claims")
