# SPDX-License-Identifier: Apache-2.0
"""Alembic's scripts, which :mod:`masakari.db.schema` runs.

They only add, so that the release before can still use the database.
"""
