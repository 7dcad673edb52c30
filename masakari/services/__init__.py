# SPDX-License-Identifier: Apache-2.0
"""The use cases of the API: rules across tables, and Nova.

Functions of a :class:`~masakari.services.environment.Services`; they know
neither HTTP nor SQL.
"""
