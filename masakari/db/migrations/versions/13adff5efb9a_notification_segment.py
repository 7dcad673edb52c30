# SPDX-License-Identifier: Apache-2.0
"""Let a notification name its segment, and say why it ended.

Rows that are there already keep NULL in both.
"""

import sqlalchemy as sa
from alembic import op

revision = "13adff5efb9a"
down_revision = "8bdf5929c5a6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    with op.batch_alter_table("notifications") as batch:
        batch.add_column(
            sa.Column("failover_segment_uuid", sa.String(36), nullable=True)
        )
        batch.add_column(sa.Column("message", sa.Text, nullable=True))
