# SPDX-License-Identifier: Apache-2.0
"""Versioned notifications: what happens, told on the message bus.

Consumers know the payloads from earlier releases; nothing in them changes
without a new version.
"""
