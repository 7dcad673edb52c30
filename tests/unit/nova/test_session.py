# SPDX-License-Identifier: Apache-2.0
"""Where the credentials for Nova come from."""

import pathlib

import pytest
from keystoneauth1.identity import generic
from oslo_config import cfg

from masakari import conf as masakari_conf
from masakari import exception
from masakari.nova import session


def conf_with(**values: object) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    masakari_conf.register_opts(conf)
    conf([], default_config_files=[])
    usual = {
        "os_privileged_user_auth_url": "http://keystone/v3",
        "os_privileged_user_name": "nova",
        "os_privileged_user_password": "secret",
        "os_privileged_user_tenant": "service",
    }
    for name, value in {**usual, **values}.items():
        conf.set_override(name, value)
    return conf


def password_of(settings: session.Settings) -> generic.Password:
    auth = settings.auth
    assert isinstance(auth, generic.Password)
    return auth


def test_usual_configuration():
    settings = session.from_conf(conf_with())
    assert settings.service_type == "compute"
    assert settings.service_name == "nova"
    assert settings.interface == "public"
    assert settings.region_name is None
    assert settings.verify is True
    assert settings.timeout == 30
    auth = password_of(settings)
    assert auth.auth_url == "http://keystone/v3"
    assert auth._username == "nova"
    assert auth._user_domain_name == "default"
    assert auth._project_name == "service"
    assert auth._project_domain_name == "default"


def test_endpoint_and_certificates():
    settings = session.from_conf(
        conf_with(
            nova_catalog_admin_info="compute:nova-b:internalURL",
            os_region_name="two",
            nova_ca_certificates_file="/etc/ssl/ca.pem",
            nova_api_timeout=7,
        )
    )
    assert settings.service_name == "nova-b"
    assert settings.interface == "internal"
    assert settings.region_name == "two"
    assert settings.verify == "/etc/ssl/ca.pem"
    assert settings.timeout == 7


def test_insecure_wins_over_authorities():
    settings = session.from_conf(
        conf_with(nova_api_insecure=True, nova_ca_certificates_file="/x")
    )
    assert settings.verify is False


def test_scope_is_the_system_or_a_project():
    auth = password_of(session.from_conf(conf_with(os_system_scope="all")))
    assert auth._system_scope == "all"
    assert auth._project_name is None


def test_kind_of_authentication_is_keystonemiddlewares():
    conf = conf_with()
    conf.set_override("auth_type", "v3password", "keystone_authtoken")
    kind = type(session.from_conf(conf).auth)
    assert kind.__module__ == "keystoneauth1.identity.v3.password"


@pytest.mark.parametrize(
    "values",
    [
        {"os_privileged_user_auth_url": None},
        {"os_privileged_user_password": None},
        {"nova_catalog_admin_info": "compute:nova"},
    ],
)
def test_incomplete_configuration(values):
    with pytest.raises(exception.ConfigurationError):
        session.from_conf(conf_with(**values))


def test_unknown_kind_of_authentication():
    conf = conf_with()
    conf.set_override("auth_type", "telepathy", "keystone_authtoken")
    with pytest.raises(exception.ConfigurationError, match="telepathy"):
        session.from_conf(conf)


ENVIRONMENT = {
    "OS_AUTH_URL": "http://keystone/v3",
    "OS_USERNAME": "admin",
    "OS_PASSWORD": "secret",
    "OS_PROJECT_NAME": "admin",
    "OS_USER_DOMAIN_NAME": "default",
    "OS_PROJECT_DOMAIN_NAME": "default",
    "OS_REGION_NAME": "two",
    "OS_INTERFACE": "internal",
}


@pytest.fixture
def environment(monkeypatch, tmp_path):
    for name in (*ENVIRONMENT, "OS_CLOUD", "OS_AUTH_TYPE", "OS_CACERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return monkeypatch


@pytest.mark.parametrize(
    "read", [session.from_cloud, session._from_environment]
)
def test_credentials_in_the_environment(environment, read):
    for name, value in ENVIRONMENT.items():
        environment.setenv(name, value)
    settings = read()
    assert settings.region_name == "two"
    assert settings.interface == "internal"
    assert password_of(settings)._username == "admin"


def test_clouds_yaml(environment, tmp_path):
    path = pathlib.Path(tmp_path, "clouds.yaml")
    environment.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    path.write_text(
        "clouds:\n"
        "  mine:\n"
        "    region_name: three\n"
        "    verify: false\n"
        "    auth:\n"
        "      auth_url: http://keystone/v3\n"
        "      username: me\n"
        "      password: secret\n"
        "      project_name: mine\n"
        "      user_domain_name: default\n"
        "      project_domain_name: default\n"
    )
    settings = session.from_cloud("mine")
    assert settings.region_name == "three"
    assert settings.verify is False
    assert password_of(settings)._username == "me"


def test_no_credentials_at_all(environment):
    with pytest.raises(exception.ConfigurationError):
        session.from_cloud()
    with pytest.raises(exception.ConfigurationError):
        session.from_cloud("nowhere")
