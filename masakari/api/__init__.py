# SPDX-License-Identifier: Apache-2.0
"""The REST API: what HTTP says, in the words of the use cases."""
