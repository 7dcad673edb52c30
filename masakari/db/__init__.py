# SPDX-License-Identifier: Apache-2.0
"""The one place that speaks SQL.

Functions take a session first and return values of :mod:`masakari.domain`,
above all the records of its ``model``; no mapped row leaves this package. The
caller opens the transaction through :class:`masakari.db.session.Database`.
"""
