# SPDX-License-Identifier: Apache-2.0
"""The group ``[ssl]``, which is accepted and ignored."""

from oslo_config import cfg

_REASON = "TLS of masakari-api is set in [wsgi]; this is ignored."

GROUP = cfg.OptGroup("ssl", title="Not used")

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        name,
        deprecated_for_removal=True,
        deprecated_reason=_REASON,
        help=text,
    )
    for name, text in (
        ("ca_file", "File with certificates of authorities."),
        ("cert_file", "File with the server's certificate."),
        ("key_file", "File with the server's private key."),
        ("version", "Version of TLS."),
        ("ciphers", "Ciphers in OpenSSL's notation."),
    )
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [(GROUP, OPTS)]
