"""Addresses and vectors that a PROXY protocol header can announce, for hypothesis."""

from __future__ import annotations

import os

from hypothesis import strategies as st

from trio_balancer.wire.address import UnixAddress, inet_address
from trio_balancer.wire.proxy_header import SslInfo, Tlvs

_PORTS = st.integers(0, 65535)
IPV4 = st.builds(inet_address, st.ip_addresses(v=4).map(str), _PORTS)
IPV6 = st.builds(inet_address, st.ip_addresses(v=6).map(str), _PORTS)
UNIX = st.binary(max_size=108).map(lambda path: UnixAddress(os.fsdecode(path.replace(b"\0", b"/"))))

_VALUES = st.none() | st.binary(max_size=8)
_KNOWN = {0x01, 0x02, 0x03, 0x04, 0x05, 0x20, 0x30}
_KNOWN_IN_SSL = {0x04, *range(0x21, 0x29)}


def _others(known: set[int]) -> st.SearchStrategy[tuple[tuple[int, bytes], ...]]:
    kinds = st.sampled_from(sorted(set(range(256)) - known))
    return st.lists(st.tuples(kinds, st.binary(max_size=8)), max_size=3).map(tuple)


_SSL = st.builds(
    SslInfo,
    client=st.integers(0, 255),
    verify=st.integers(0, 2**32 - 1),
    version=_VALUES,
    cn=_VALUES,
    cipher=_VALUES,
    sig_alg=_VALUES,
    key_alg=_VALUES,
    group=_VALUES,
    sig_scheme=_VALUES,
    client_cert=_VALUES,
    others=_others(_KNOWN_IN_SSL),
)
TLVS = st.builds(
    Tlvs,
    authority=_VALUES,
    alpn=_VALUES,
    unique_id=_VALUES,
    netns=_VALUES,
    ssl=st.none() | _SSL,
    others=_others(_KNOWN),
)
