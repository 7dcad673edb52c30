# SPDX-License-Identifier: Apache-2.0
"""A Nova and a Keystone that are not there, in process and over HTTP."""
