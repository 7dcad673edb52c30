# SPDX-License-Identifier: Apache-2.0
"""Move the instances of a failed host, many at once, each at its own pace.

One loop in the recovery's thread decides (:mod:`.evacuation`); the calls to
Nova run in the engine's pool and report back to it (:mod:`.background`).
How many evacuations are in flight is up to the window, which follows how
Nova keeps up, and to the engine's slots, which the recoveries share
(:mod:`.launching`). One list of Nova's evacuation records tells the fate of
all of them (:mod:`.watching`); a server is read to settle it
(:mod:`.settling`). What is in the way meanwhile is told (:mod:`.troubles`).
"""
