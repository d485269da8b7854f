"""Where a connection was going before the firewall of this machine redirected it to us."""

from __future__ import annotations

import ipaddress
import socket
import struct

from trio_balancer.wire.address import InetAddress, inet_address

# linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h; Python has no names for them.
_SO_ORIGINAL_DST = 80
_IP6T_SO_ORIGINAL_DST = 80
# struct sockaddr_in: family, port, address, padding; sockaddr_in6: family, port, flow, address,
# scope. Port and address are in network order, the scope in the machine's own.
_SOCKADDR_IN = struct.Struct("=2s2s4s8x")
_SOCKADDR_IN6 = struct.Struct("=2s2s4s16sI")


def original_destination(sock: socket.socket) -> InetAddress:
    """Ask netfilter's connection tracking (nftables `redirect` and `dnat`, IPv4 and IPv6).

    Raises OSError: ENOENT where the connection is not tracked, so that nothing redirected it.
    """
    if sock.family == socket.AF_INET or _is_mapped(sock):
        raw = sock.getsockopt(socket.IPPROTO_IP, _SO_ORIGINAL_DST, _SOCKADDR_IN.size)
        (_, port, ip), scope = _SOCKADDR_IN.unpack(raw), 0
    else:
        raw = sock.getsockopt(socket.IPPROTO_IPV6, _IP6T_SO_ORIGINAL_DST, _SOCKADDR_IN6.size)
        _, port, _, ip, scope = _SOCKADDR_IN6.unpack(raw)
    # A link-local address can be dialled by its interface only; others have scope 0.
    zone = f"%{scope}" if scope else ""
    return inet_address(f"{ipaddress.ip_address(ip)}{zone}", int.from_bytes(port, "big"))


def _is_mapped(sock: socket.socket) -> bool:
    """Tell whether an IPv4 client came through a dual-stack socket."""
    if sock.family != socket.AF_INET6:
        return False
    return ipaddress.IPv6Address(sock.getsockname()[0]).ipv4_mapped is not None
