# SPDX-License-Identifier: Apache-2.0
"""The one place that speaks SQL.

Functions take a session first and return the records of
:mod:`masakari.domain.model`; no mapped row leaves this package. The caller
opens the transaction through :class:`masakari.db.session.Database`.
"""
