# SPDX-License-Identifier: Apache-2.0
"""The message bus between API and engine, where a cast only saves a wait.

A notification travels as the versioned object that releases up to 21.0.0
exchange, so that either side may be one of those during an upgrade.
"""
