# SPDX-License-Identifier: Apache-2.0
"""Create what engines claim by, and the indexes they search by."""

import sqlalchemy as sa
from alembic import op

revision = "b1a6d2c94e07"
down_revision = "13adff5efb9a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    _create_claims()
    _create_recoveries()
    _create_plans()
    op.create_index("notifications_status_idx", "notifications", ["status"])
    op.create_index(
        "notifications_source_host_uuid_type_generated_time_idx",
        "notifications",
        ["source_host_uuid", "type", "generated_time"],
    )
    op.create_index(
        "vmoves_notification_uuid_idx", "vmoves", ["notification_uuid"]
    )


def _create_claims() -> None:
    op.create_table(
        "host_claims",
        sa.Column("source_host_uuid", sa.String(36), primary_key=True),
        sa.Column("notification_uuid", sa.String(36), nullable=True),
        sa.Column("owner", sa.String(255), nullable=True),
        sa.Column("token", sa.String(36), nullable=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "host_claims_notification_uuid_idx",
        "host_claims",
        ["notification_uuid"],
    )
    op.create_table(
        "host_intakes",
        sa.Column("source_host_uuid", sa.String(36), primary_key=True),
        sa.Column("accepted", sa.BigInteger, nullable=False),
    )


def _create_recoveries() -> None:
    op.create_table(
        "recoveries",
        sa.Column("notification_uuid", sa.String(36), primary_key=True),
        sa.Column("request_id", sa.String(255), nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger, nullable=True),
    )


def _create_plans() -> None:
    op.create_table(
        "vmove_plans",
        sa.Column("vmove_uuid", sa.String(36), primary_key=True),
        sa.Column("notification_uuid", sa.String(36), nullable=False),
        sa.Column("instance_uuid", sa.String(36), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("ha_enabled", sa.Boolean, nullable=False),
        sa.Column("vm_state", sa.String(64), nullable=True),
        sa.Column("task_state", sa.String(64), nullable=True),
        sa.Column("power_state", sa.Integer, nullable=True),
        sa.UniqueConstraint(
            "notification_uuid",
            "instance_uuid",
            "attempt",
            name="uniq_vmove_plans0notification_uuid0instance_uuid0attempt",
        ),
    )
