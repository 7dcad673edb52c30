# SPDX-License-Identifier: Apache-2.0
"""What every compute port does alike, on the simulator and on Nova.

A real Nova is used too when ``MASAKARI_TEST_CLOUD`` is the path of a command
that takes ``kill HOST`` and ``revive HOST``; the credentials are taken from
the environment (``OS_*``). It needs three compute hosts, a flavor and an
image named ``tiny``, and no other users.
"""
