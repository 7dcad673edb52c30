# SPDX-License-Identifier: Apache-2.0
"""The configuration as the engine reads it, once, at its start."""

from oslo_config import cfg

from masakari import exception
from masakari.domain.settings import RecoverySettings

#: Seconds; an interval of 0 would ask Nova without a pause.
SHORTEST_INTERVAL = 0.1


def recovery_settings(conf: cfg.ConfigOpts) -> RecoverySettings:
    """The knobs of recoveries.

    :raises ConfigurationError: options contradict one another
    """
    if conf.notification_driver != "taskflow_driver":
        raise exception.ConfigurationError(
            f"notification_driver is {conf.notification_driver!r}; "
            "taskflow_driver is the only one there is."
        )
    if conf.notification_lease_renewal >= conf.notification_lease:
        raise exception.ConfigurationError(
            "notification_lease_renewal has to be below notification_lease; "
            "otherwise every claim is lost before it is renewed."
        )
    host = conf.host_failure
    return RecoverySettings(
        evacuate_all_instances=host.evacuate_all_instances,
        ha_enabled_key=host.ha_enabled_instance_metadata_key,
        priority_key=host.priority_instance_metadata_key,
        ignore_instances_in_error_state=host.ignore_instances_in_error_state,
        force_down=host.force_down,
        add_reserve_to_aggregates=host.add_reserved_host_to_aggregate,
        service_disable_reason=host.service_disable_reason,
        evacuation_start_timeout=host.evacuation_start_timeout,
        evacuation_stuck_timeout=60 * host.evacuation_stuck_minutes,
        evacuate_to_stopped_at_last=host.evacuate_to_stopped_at_last,
        process_all_instances=conf.instance_failure.process_all_instances,
        instance_ha_key=conf.instance_failure.ha_enabled_instance_metadata_key,
        process_disable_reason=conf.process_failure.service_disable_reason,
        service_up_interval=conf.process_failure.service_up_interval,
        down_timeout=conf.wait_period_after_service_update,
        evacuation_timeout=conf.wait_period_after_evacuation,
        stop_timeout=conf.wait_period_after_power_off,
        start_timeout=conf.wait_period_after_power_on,
        verify_interval=max(conf.verify_interval, SHORTEST_INTERVAL),
        window_floor=conf.host_failure_recovery_threads,
        window_ceiling=conf.host_failure_recovery_ceiling,
        retry_interval=conf.process_unfinished_notifications_interval,
        expiry=conf.notifications_expired_interval,
    )
