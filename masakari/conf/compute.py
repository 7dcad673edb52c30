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
        "administrator role. The kind of authentication is the one in "
        "[keystone_authtoken] auth_type, password by default.",
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
        "project; the only known value is all.",
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


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [("DEFAULT", [*OPTS, *loading.get_session_conf_options()])]
