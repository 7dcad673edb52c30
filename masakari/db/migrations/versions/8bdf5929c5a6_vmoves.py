# SPDX-License-Identifier: Apache-2.0
"""Create the moves of instances."""

import sqlalchemy as sa
from alembic import op

revision = "8bdf5929c5a6"
down_revision = "8f848eb45d03"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    op.create_table(
        "vmoves",
        sa.Column("created_at", sa.DateTime, nullable=True),
        sa.Column("updated_at", sa.DateTime, nullable=True),
        sa.Column("deleted_at", sa.DateTime, nullable=True),
        sa.Column("deleted", sa.Integer, nullable=True),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("uuid", sa.String(36), nullable=False),
        sa.Column("notification_uuid", sa.String(36), nullable=False),
        sa.Column("instance_uuid", sa.String(36), nullable=False),
        sa.Column("instance_name", sa.String(255), nullable=False),
        sa.Column("source_host", sa.String(255), nullable=True),
        sa.Column("dest_host", sa.String(255), nullable=True),
        sa.Column("start_time", sa.DateTime, nullable=True),
        sa.Column("end_time", sa.DateTime, nullable=True),
        sa.Column("type", sa.String(36), nullable=True),
        sa.Column("status", sa.String(255), nullable=True),
        sa.Column("message", sa.Text, nullable=True),
        sa.UniqueConstraint("uuid", name="uniq_vmove0uuid"),
    )
