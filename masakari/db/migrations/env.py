# SPDX-License-Identifier: Apache-2.0
"""What Alembic runs before the scripts.

:mod:`masakari.db.schema` hands over the connection.
"""

from alembic import context

from masakari.db import schema, tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.Base.metadata,
    **schema.CONTEXT_OPTIONS,
)
with context.begin_transaction():
    context.run_migrations()
