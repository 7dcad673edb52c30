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
    #: How long a call to Nova may take. What Nova has not begun by then, it
    #: does not begin.
    nova_timeout: float = 30
    #: How long Nova may take to call the failed host down.
    down_timeout: float = 180
    #: How long an evacuation may wait for its start on a live destination,
    #: and how long one that found no valid host is tried again.
    evacuation_timeout: float = 90
    stop_timeout: float = 180
    start_timeout: float = 60
    verify_interval: float = 1
    window_floor: int = 3
    window_ceiling: int = 64
    #: From an attempt that ended in ``error`` to the second one.
    retry_interval: float = 120
    #: Age at which an unfinished notification is given up.
    expiry: float = 86400
