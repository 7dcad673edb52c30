# SPDX-License-Identifier: Apache-2.0
"""The knobs of a recovery, as the planners and the engine read them."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySettings:
    """One configuration, frozen; all times are in seconds.

    The options behind the fields are named in :mod:`masakari.conf`.
    """

    evacuate_all_instances: bool = True
    ha_enabled_key: str = "HA_Enabled"
    priority_key: str = "HA_Priority"
    ignore_instances_in_error_state: bool = False
    force_down: bool = False
    add_reserve_to_aggregates: bool = False
    service_disable_reason: str = "Masakari detected host failed."
    process_all_instances: bool = False
    instance_ha_key: str = "HA_Enabled"
    process_disable_reason: str = "Masakari detected process failed."
    #: How long Nova has to count a compute service as up, after its process
    #: was reported as stopped. 0 leaves that to a report of its start.
    service_up_interval: float = 120
    #: How long Nova may take to call the failed host down.
    down_timeout: float = 180
    #: How long an evacuation that does not work is tried again, and how long
    #: Nova has to call a destination down before it counts as failed.
    evacuation_timeout: float = 90
    #: Within which Nova begins what it has taken, or may have taken. What it
    #: has not begun by then, it does not begin.
    evacuation_start_timeout: float = 120
    #: How long an evacuation on a live destination may show no change.
    evacuation_stuck_timeout: float = 900
    #: Whether an instance that cannot be rebuilt running is evacuated to
    #: stopped in the end.
    evacuate_to_stopped_at_last: bool = True
    stop_timeout: float = 180
    start_timeout: float = 60
    verify_interval: float = 1
    window_floor: int = 3
    window_ceiling: int = 64
    #: From an attempt that ended in ``error`` to the second one.
    retry_interval: float = 120
    #: Age at which an unfinished notification is given up.
    expiry: float = 86400
