# SPDX-License-Identifier: Apache-2.0
"""Names and defaults of all options: what existing files rely on."""

import pathlib
import socket
import sys

import pytest
from oslo_config import cfg

from masakari import conf as masakari_conf
from masakari.conf import opts, recovery_flows

PACKAGE_PARENT = str(pathlib.Path(masakari_conf.__file__).parents[2])

EXPECTED = {
    "DEFAULT": {
        "auth_strategy": "keystone",
        "use_forwarded_for": False,
        "osapi_max_limit": 1000,
        "osapi_masakari_link_prefix": None,
        "notification_delay_max": 5,
        "masakari_api_listen": "0.0.0.0",
        "masakari_api_listen_port": 15868,
        "masakari_api_workers": None,
        "use_ssl": False,
        "host": socket.gethostname(),
        "engine_manager": "masakari.engine.manager.MasakariManager",
        "report_interval": 10,
        "service_down_time": 60,
        "periodic_enable": True,
        "periodic_interval_max": 300,
        "periodic_fuzzy_delay": 60,
        "masakari_topic": "ha_engine",
        "notification_driver": "taskflow_driver",
        "duplicate_notification_detection_interval": 180,
        "wait_period_after_service_update": 180,
        "wait_period_after_evacuation": 90,
        "verify_interval": 1,
        "wait_period_after_power_off": 180,
        "wait_period_after_power_on": 60,
        "process_unfinished_notifications_interval": 120,
        "retry_notification_new_status_interval": 60,
        "check_expired_notifications_interval": 600,
        "notifications_expired_interval": 86400,
        "host_failure_recovery_threads": 3,
        "tempdir": None,
        "monkey_patch": False,
        "monkey_patch_modules": ["masakari.api:masakari.cmd"],
        "fatal_exception_format_errors": False,
        "pybasedir": PACKAGE_PARENT,
        "bindir": str(pathlib.Path(sys.prefix, "local", "bin")),
        "state_path": PACKAGE_PARENT,
        "nova_catalog_admin_info": "compute:nova:publicURL",
        "os_region_name": None,
        "nova_ca_certificates_file": None,
        "nova_api_insecure": False,
        "os_privileged_user_name": None,
        "os_privileged_user_password": None,
        "os_privileged_user_tenant": None,
        "os_privileged_user_auth_url": None,
        "os_user_domain_name": "default",
        "os_project_domain_name": "default",
        "os_system_scope": None,
        # Ours, or a library's that Masakari reads.
        "graceful_shutdown_timeout": 60,
        "notification_poll_interval": 2,
        "notification_lease": 15,
        "notification_lease_renewal": 5,
        "concurrent_recoveries": 32,
        "host_failure_recovery_ceiling": 64,
        "engine_health_listen": "127.0.0.1",
        "engine_health_port": 0,
        "generated_time_tolerance": 300,
        "nova_api_timeout": 30,
        "nova_api_retries": 3,
    },
    "nova": {
        "auth_type": None,
        "auth_section": None,
        "cafile": None,
        "certfile": None,
        "keyfile": None,
        "insecure": False,
        "timeout": None,
    },
    "wsgi": {
        "api_paste_config": "api-paste.ini",
        "wsgi_log_format": '%(client_ip)s "%(request_line)s" status: '
        "%(status_code)s len: %(body_length)s time: %(wall_seconds).7f",
        "secure_proxy_ssl_header": None,
        "ssl_ca_file": None,
        "ssl_cert_file": None,
        "ssl_key_file": None,
        "tcp_keepidle": 600,
        "default_pool_size": 1000,
        "max_header_line": 16384,
        "keep_alive": True,
        "client_socket_timeout": 900,
    },
    "osapi_v1": {
        "extensions_blacklist": [],
        "extensions_whitelist": [],
        "project_id_regex": None,
    },
    "ssl": {
        "ca_file": None,
        "cert_file": None,
        "key_file": None,
        "version": None,
        "ciphers": None,
    },
    "coordination": {"backend_url": None},
    "taskflow": {"connection": None},
    "host_failure": {
        "evacuate_all_instances": True,
        "ha_enabled_instance_metadata_key": "HA_Enabled",
        "priority_instance_metadata_key": "HA_Priority",
        "ignore_instances_in_error_state": False,
        "add_reserved_host_to_aggregate": False,
        "service_disable_reason": "Masakari detected host failed.",
        "force_down": False,
        "evacuation_start_timeout": 120,
        "evacuation_stuck_minutes": 15,
        "evacuate_to_stopped_at_last": True,
    },
    "instance_failure": {
        "process_all_instances": False,
        "ha_enabled_instance_metadata_key": "HA_Enabled",
    },
    "process_failure": {
        "service_disable_reason": "Masakari detected process failed.",
        "service_up_interval": 120,
    },
    "taskflow_driver_recovery_flows": {
        "host_auto_failure_recovery_tasks": {
            "pre": ["disable_compute_service_task"],
            "main": ["prepare_HA_enabled_instances_task"],
            "post": ["evacuate_instances_task"],
        },
        "host_rh_failure_recovery_tasks": {
            "pre": ["disable_compute_service_task"],
            "main": [
                "prepare_HA_enabled_instances_task",
                "evacuate_instances_task",
            ],
            "post": [],
        },
        "instance_failure_recovery_tasks": {
            "pre": ["stop_instance_task"],
            "main": ["start_instance_task"],
            "post": ["confirm_instance_active_task"],
        },
        "process_failure_recovery_tasks": {
            "pre": ["disable_compute_node_task"],
            "main": ["confirm_compute_node_disabled_task"],
            "post": [],
        },
    },
}


@pytest.fixture(scope="module")
def conf() -> cfg.ConfigOpts:
    return masakari_conf.load([], prog="masakari-test", config_files=[])


def listed() -> dict[str, set[str]]:
    names: dict[str, set[str]] = {}
    for group, options in (*opts.list_opts(), *recovery_flows.list_opts()):
        name = group.name if isinstance(group, cfg.OptGroup) else group
        names.setdefault(name, set()).update(
            option.dest.replace("-", "_") for option in options
        )
    return names


def test_these_and_no_other_options_are_listed():
    expected = {group: set(values) for group, values in EXPECTED.items()}
    assert listed() == expected


@pytest.mark.parametrize(
    ("group", "name"),
    [(group, name) for group, values in EXPECTED.items() for name in values],
)
def test_default(conf, group, name):
    values = conf if group == "DEFAULT" else conf[group]
    assert values[name] == EXPECTED[group][name]


def test_every_option_has_help():
    without = [
        option.name
        for _, options in (*opts.list_opts(), *recovery_flows.list_opts())
        for option in options
        if not option.help
    ]
    assert without == []


def test_the_database_is_a_file_below_state_path_unless_told(conf):
    assert conf.database.connection == (
        f"sqlite:///{PACKAGE_PARENT}/masakari.sqlite"
    )


def test_programs_wait_for_the_database_unless_told(tmp_path, conf):
    assert conf.database.max_retries == -1
    file = tmp_path / "masakari.conf"
    file.write_text("[database]\nmax_retries = 3\n")
    told = masakari_conf.load(
        [], prog="masakari-test", config_files=[str(file)]
    )
    assert told.database.max_retries == 3


def test_the_exchange_is_masakari(conf):
    # Imported late: the option is the library's and appears with use.
    import oslo_messaging

    oslo_messaging.get_rpc_transport(conf, url="fake://")
    assert conf.control_exchange == "masakari"
