# SPDX-License-Identifier: Apache-2.0
"""Where credentials come from, and what is said of those that will not do."""

import pathlib

import pytest
from keystoneauth1.identity import generic, v3
from oslo_config import cfg

from masakari import conf as masakari_conf
from masakari import exception, keystone
from masakari.api import tokens
from masakari.nova import session

USER = {
    "os_privileged_user_auth_url": "http://keystone/v3",
    "os_privileged_user_name": "nova",
    "os_privileged_user_password": "Hush",
    "os_privileged_user_tenant": "service",
}

APPLICATION = {
    "auth_type": "v3applicationcredential",
    "auth_url": "http://keystone/v3",
    "application_credential_id": "abc",
    "application_credential_secret": "Hush",
}


@pytest.fixture
def conf_of(tmp_path):
    """A configuration of ``[DEFAULT]``, or of ``group__option``."""

    def read(**options):
        lines = {}
        for name, value in options.items():
            group, _, option = name.rpartition("__")
            lines.setdefault(group or "DEFAULT", []).append(
                f"{option} = {value}"
            )
        file = tmp_path / "masakari.conf"
        file.write_text(
            "\n".join(
                "\n".join([f"[{group}]", *inside])
                for group, inside in lines.items()
            )
        )
        return masakari_conf.load(
            [], prog="masakari-test", config_files=[str(file)]
        )

    return read


def grouped(group, values):
    return {f"{group}__{name}": value for name, value in values.items()}


def test_usual_configuration(conf_of):
    settings = session.from_conf(conf_of(**USER))
    assert settings.service_type == "compute"
    assert settings.service_name == "nova"
    assert settings.interface == "public"
    assert settings.region_name is None
    credentials = settings.credentials
    assert credentials.verify is True
    assert credentials.timeout == 30
    auth = credentials.auth
    assert isinstance(auth, generic.Password)
    assert auth.auth_url == "http://keystone/v3"
    assert auth._username == "nova"
    assert auth._user_domain_name == "default"
    assert auth._project_name == "service"
    assert auth._project_domain_name == "default"


def test_endpoint_and_certificates(conf_of):
    settings = session.from_conf(
        conf_of(
            **USER,
            nova_catalog_admin_info="compute:nova-b:internalURL",
            os_region_name="two",
            nova_ca_certificates_file=__file__,
            nova_api_timeout=7,
        )
    )
    assert settings.service_name == "nova-b"
    assert settings.interface == "internal"
    assert settings.region_name == "two"
    assert settings.credentials.verify == __file__
    assert settings.credentials.timeout == 7


def test_somebody_who_waits_is_not_kept_waiting(conf_of):
    settings = session.impatient(session.from_conf(conf_of(**USER)))
    assert (settings.retries, settings.credentials.timeout) == (0, 10)


def test_insecure_wins_over_authorities(conf_of):
    conf = conf_of(
        **USER, nova_api_insecure=True, nova_ca_certificates_file=__file__
    )
    assert keystone.for_nova(conf).verify is False


def test_scope_is_the_system_or_a_project(conf_of):
    auth = keystone.for_nova(conf_of(**USER, os_system_scope="all")).auth
    assert auth._system_scope == "all"
    assert auth._project_name is None


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("password", generic.Password),
        ("v3password", v3.Password),
        ("v3applicationcredential", generic.Password),
        ("v3oidcpassword", generic.Password),
    ],
)
def test_kind_is_keystonemiddlewares_if_it_has_a_password(
    conf_of, kind, found
):
    conf = conf_of(**USER, keystone_authtoken__auth_type=kind)
    assert type(keystone.for_nova(conf).auth) is found


def test_a_group_of_its_own(conf_of):
    conf = conf_of(
        **grouped("nova", APPLICATION),
        **USER,
        nova__cafile=__file__,
        nova__timeout=3,
        nova_ca_certificates_file="/nowhere",
    )
    credentials = keystone.for_nova(conf)
    auth = credentials.auth
    assert type(auth) is v3.ApplicationCredential
    (method,) = auth.auth_methods
    assert method.application_credential_id == "abc"
    assert method.application_credential_secret == "Hush"
    assert credentials.place == "[nova]"
    assert (credentials.verify, credentials.timeout) == (__file__, 3)


def test_one_group_may_name_another(conf_of):
    conf = conf_of(
        nova__auth_section="keystone_authtoken",
        **grouped("keystone_authtoken", APPLICATION),
    )
    assert type(keystone.for_nova(conf).auth) is v3.ApplicationCredential


def test_tokens_are_checked_with_any_kind(conf_of):
    conf = conf_of(**grouped("keystone_authtoken", APPLICATION))
    tokens.register(conf)
    credentials = keystone.for_tokens(conf)
    assert type(credentials.auth) is v3.ApplicationCredential
    assert credentials.timeout == 5


NOVA = [
    ({}, "no URL of Keystone and no password and no user name: set [DEFAULT]"),
    (
        {**USER, "os_privileged_user_password": ""},
        "no password: set [DEFAULT] os_privileged_user_password.",
    ),
    (
        {**USER, "os_privileged_user_name": ""},
        "no user name: set [DEFAULT] os_privileged_user_name.",
    ),
    (
        {**USER, "os_privileged_user_password": "se$Hush"},
        "[DEFAULT] os_privileged_user_password has a '$'",
    ),
    (
        {**USER, "nova_catalog_admin_info": "compute"},
        "nova_catalog_admin_info is not of the form",
    ),
    (
        {**USER, "nova_ca_certificates_file": "/nowhere/ca.pem"},
        "[DEFAULT] nova_ca_certificates_file: the file /nowhere/ca.pem",
    ),
    (
        {**USER, "nova__keyfile": "/nowhere/key.pem"},
        "[nova] keyfile: the file /nowhere/key.pem cannot be read",
    ),
    (
        {**USER, "keystone_authtoken__auth_type": "telepathy"},
        "[keystone_authtoken] auth_type cannot be used: ",
    ),
    (
        {**USER, "nova__auth_type": "telepathy"},
        "[nova] auth_type cannot be used: ",
    ),
    (
        {**USER, "nova__auth_section": "elsewhere"},
        "[elsewhere] auth_type has to be set",
    ),
    (
        grouped("nova", {**APPLICATION, "auth_url": ""}),
        "no URL of Keystone: set [nova] auth_url.",
    ),
    (
        grouped("nova", {**APPLICATION, "application_credential_secret": ""}),
        "no secret: set [nova] application_credential_secret.",
    ),
    (
        grouped("nova", {**APPLICATION, "application_credential_id": ""}),
        "see [nova] auth_type: You must provide either an application ",
    ),
    (
        grouped("nova", {"auth_type": "password", "auth_url": "http://k/"}),
        "no password and no user name: set [nova] password, [nova] username.",
    ),
    (
        grouped(
            "nova", {"auth_type": "v3kerberos", "auth_url": "http://k/v3"}
        ),
        "requires installation of additional packages",
    ),
    (
        grouped("nova", {"auth_type": "v3totp", "auth_url": "http://k/v3"}),
        "passcode",
    ),
    (
        grouped(
            "nova", {**APPLICATION, "application_credential_secret": "a$Hush"}
        ),
        "[nova] application_credential_secret has a '$'",
    ),
]


@pytest.mark.parametrize(("options", "told"), NOVA)
def test_what_is_missing_is_named(conf_of, options, told):
    with pytest.raises((exception.ConfigurationError, cfg.Error)) as raised:
        session.from_conf(conf_of(**options))
    assert told in str(raised.value)
    assert "Hush" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"auth_url": ""}, "no URL of Keystone: set [keystone_authtoken] "),
        ({"application_credential_secret": ""}, "no secret: set "),
        ({"auth_type": "telepathy"}, "[keystone_authtoken] auth_type cannot "),
        ({"cafile": "/nowhere"}, "[keystone_authtoken] cafile: the file "),
    ],
)
def test_what_is_missing_for_tokens_is_named(conf_of, options, told):
    conf = conf_of(**grouped("keystone_authtoken", APPLICATION | options))
    with pytest.raises(exception.ConfigurationError) as raised:
        tokens.check(conf)
    assert told in str(raised.value)
    assert "Hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "are_set"),
    [
        ({}, False),
        ({"os_region_name": "two", "os_user_domain_name": "d"}, False),
        ({"os_privileged_user_name": "nova"}, True),
        ({"nova__auth_type": "password"}, True),
        ({"nova__auth_section": "elsewhere"}, True),
        ({"nova__cafile": "/x"}, False),
    ],
)
def test_whether_there_are_any(conf_of, options, are_set):
    assert keystone.are_set_for_nova(conf_of(**options)) is are_set


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


FINDERS = [
    keystone.find_cloud,
    # Where openstacksdk is not installed.
    lambda: keystone._from_environment(None),
]


@pytest.mark.parametrize("find", FINDERS)
def test_credentials_in_the_environment(environment, find):
    for name, value in ENVIRONMENT.items():
        environment.setenv(name, value)
    settings = session.from_cloud(find())
    assert settings.region_name == "two"
    assert settings.interface == "internal"
    assert settings.credentials.auth._username == "admin"


@pytest.mark.parametrize("find", FINDERS)
def test_an_application_credential_in_the_environment(environment, find):
    for name, value in APPLICATION.items():
        environment.setenv(f"OS_{name.upper()}", value)
    auth = session.from_cloud(find()).credentials.auth
    assert type(auth) is v3.ApplicationCredential


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
        "      username: someone\n"
        "      password: secret\n"
        "      project_name: service\n"
    )
    settings = session.from_cloud(keystone.find_cloud("mine"))
    assert settings.region_name == "three"
    assert settings.credentials.verify is False
    assert settings.credentials.auth._username == "someone"


@pytest.mark.parametrize("find", FINDERS)
def test_nothing_in_the_environment(environment, find):
    with pytest.raises(exception.ConfigurationError):
        session.from_cloud(find())


def test_a_password_that_is_missing_in_the_environment(environment):
    for name, value in ENVIRONMENT.items():
        if name != "OS_PASSWORD":
            environment.setenv(name, value)
    with pytest.raises(exception.ConfigurationError, match="OS_PASSWORD"):
        session.from_cloud(keystone._from_environment(None))
