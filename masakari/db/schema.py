# SPDX-License-Identifier: Apache-2.0
"""The schema: made in one go for tests, or step by step from what is there."""

from masakari.db import session, tables


def create_all(database: session.Database) -> None:
    """Create all tables of an empty database as they are at the head."""
    tables.Base.metadata.create_all(database.engine)
