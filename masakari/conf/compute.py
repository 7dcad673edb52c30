# SPDX-License-Identifier: Apache-2.0
"""Options for the way to Nova, and to Keystone on that way."""

from keystoneauth1 import loading
from oslo_config import cfg

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        "nova_catalog_admin_info",
        default="compute:nova:publicURL",
        help="Where the service catalogue lists Nova: "
        "<service type>:<service name>:<endpoint type>, the last being "
        "publicURL, internalURL or adminURL.",
    ),
    cfg.StrOpt(
        "os_region_name",
        help="Region of the Nova whose machines are watched over. When it "
        "is not set, the first one in the catalogue is taken.",
    ),
    cfg.StrOpt(
        "nova_ca_certificates_file",
        help="File with the certificates by which Keystone and Nova are "
        "verified. When it is not set, the system's are used.",
    ),
    cfg.BoolOpt(
        "nova_api_insecure",
        default=False,
        help="Whether to accept any certificate from Keystone and Nova.",
    ),
    cfg.StrOpt(
        "os_privileged_user_name",
        help="User by whom Masakari acts in Nova. It needs Nova's "
        "administrator role. Other kinds of credentials than a password are "
        "set in [nova], in place of all options that begin with "
        "os_privileged_user.",
    ),
    cfg.StrOpt(
        "os_privileged_user_password",
        secret=True,
        help="Password of that user.",
    ),
    cfg.StrOpt(
        "os_privileged_user_tenant",
        help="Project in which that user acts.",
    ),
    cfg.URIOpt(
        "os_privileged_user_auth_url",
        help="URL of Keystone for that user.",
    ),
    cfg.StrOpt(
        "os_user_domain_name",
        default="default",
        help="Name of the domain of that user.",
    ),
    cfg.StrOpt(
        "os_project_domain_name",
        default="default",
        help="Name of the domain of that project.",
    ),
    cfg.StrOpt(
        "os_system_scope",
        help="Ask for a token of the whole system instead of one for a "
        "project; the only known value is all. Nova since its release of "
        "2023.1 does not take such tokens unless told to.",
    ),
    cfg.IntOpt(
        "nova_api_timeout",
        default=30,
        min=1,
        help="Seconds after which a call to Nova or Keystone that has not "
        "been answered is given up. What Nova has not begun by then it is "
        "taken never to begin.",
    ),
    cfg.IntOpt(
        "nova_api_retries",
        default=3,
        min=0,
        help="How many times a single call to Nova that only reads is "
        "repeated when Nova does not answer, is overloaded (429) or fails "
        "(5xx), with growing pauses in between.",
    ),
]


NOVA = cfg.OptGroup(
    "nova",
    title="Masakari's user in Nova",
    help="Any kind of credentials that keystoneauth knows, such as an "
    "application credential, by the names that it has for them: after "
    "auth_type = v3applicationcredential for instance auth_url, "
    "application_credential_id and application_credential_secret. When "
    "neither auth_type nor auth_section is set, the user is the one of "
    "[DEFAULT] os_privileged_user_*. Nova's endpoint and region are set in "
    "[DEFAULT] in either case.",
)

SESSION: list[cfg.Opt] = [
    cfg.StrOpt(
        "cafile",
        help="File with the certificates by which Keystone and Nova are "
        "verified. When it is not set, it is [DEFAULT] "
        "nova_ca_certificates_file.",
    ),
    cfg.StrOpt(
        "certfile",
        help="File with the certificate by which Masakari proves itself to "
        "Keystone and Nova.",
    ),
    cfg.StrOpt(
        "keyfile",
        help="File with the private key of that certificate, if it is not "
        "in the same file.",
    ),
    cfg.BoolOpt(
        "insecure",
        default=False,
        help="Whether to accept any certificate from Keystone and Nova. "
        "[DEFAULT] nova_api_insecure does the same.",
    ),
    cfg.FloatOpt(
        "timeout",
        min=0.1,
        help="Seconds after which a request to Nova or Keystone that has not "
        "been answered is given up. When it is not set, it is [DEFAULT] "
        "nova_api_timeout.",
    ),
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    common = loading.get_auth_common_conf_options()
    return [("DEFAULT", OPTS), (NOVA, [*common, *SESSION])]
