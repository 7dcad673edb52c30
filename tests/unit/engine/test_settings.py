# SPDX-License-Identifier: Apache-2.0
import pytest

from masakari import conf as configuration
from masakari import exception
from masakari.engine.settings import recovery_settings


@pytest.fixture
def conf():
    return configuration.load([], prog="test", config_files=[])


def test_defaults_are_the_ones_that_clouds_know(conf):
    settings = recovery_settings(conf)
    assert settings.evacuate_all_instances is True
    assert settings.force_down is False
    assert settings.down_timeout == 180
    assert settings.evacuation_timeout == 90
    assert settings.window_floor == 3
    assert settings.window_ceiling == 64
    assert settings.retry_interval == 120
    assert settings.expiry == 86400


@pytest.mark.parametrize(
    ("option", "field"),
    [
        ("wait_period_after_service_update", "down_timeout"),
        ("wait_period_after_evacuation", "evacuation_timeout"),
        ("wait_period_after_power_off", "stop_timeout"),
        ("wait_period_after_power_on", "start_timeout"),
        ("verify_interval", "verify_interval"),
        ("host_failure_recovery_threads", "window_floor"),
        ("host_failure_recovery_ceiling", "window_ceiling"),
        ("process_unfinished_notifications_interval", "retry_interval"),
        ("notifications_expired_interval", "expiry"),
    ],
)
def test_each_option_has_its_knob(conf, option, field):
    conf.set_override(option, 47)
    assert getattr(recovery_settings(conf), field) == 47


def test_what_a_failed_evacuation_costs_can_be_set(conf):
    conf.set_override("evacuation_start_timeout", 47, "host_failure")
    conf.set_override("evacuation_stuck_minutes", 3, "host_failure")
    conf.set_override("evacuate_to_stopped_at_last", False, "host_failure")
    settings = recovery_settings(conf)
    assert settings.evacuation_start_timeout == 47
    assert settings.evacuation_stuck_timeout == 180
    assert settings.evacuate_to_stopped_at_last is False


def test_another_driver_is_refused(conf):
    conf.set_override("notification_driver", "other")
    with pytest.raises(exception.ConfigurationError, match="'other'"):
        recovery_settings(conf)


@pytest.mark.parametrize("renewal", [15, 16])
def test_a_lease_that_ends_before_its_renewal_is_refused(conf, renewal):
    conf.set_override("notification_lease_renewal", renewal)
    with pytest.raises(exception.ConfigurationError, match="below"):
        recovery_settings(conf)
