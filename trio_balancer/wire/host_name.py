"""Host names as peers send them, in the one spelling that is compared and logged."""

from __future__ import annotations

import ipaddress
import re

# RFC 1123, plus the underscore that container networks use, and hyphens at either end of a
# label, which names in use have.
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\Z")
# No IP address is longer, its zone ("%eth0") included.
_LONGEST_IP = 64


def canonical_host_name(text: str) -> str | None:
    """Return the name in small letters and without the dot of the root; None where it is none.

    A host name is ASCII, so the result is safe to log; an internationalised one is its A-label
    ("xn--bcher-kva.example"). At most 253 characters, in labels of 1 to 63.
    """
    name = text.removesuffix(".")
    # Matched before it is lowered: str.lower makes an ASCII "k" of the Kelvin sign.
    return name.lower() if _HOST_NAME.match(name) else None


def is_ip_address(text: str) -> bool:
    """Tell whether the text is a literal IPv4 or IPv6 address, without brackets."""
    if len(text) > _LONGEST_IP:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
