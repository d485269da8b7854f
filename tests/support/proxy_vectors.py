"""Headers of the PROXY protocol with what each says, and data that is none.

The list is of what has gone wrong in other receivers, and of the limits that the specification
has.
"""

from __future__ import annotations

from typing import TypedDict, Unpack

from trio_balancer.wire.address import SocketAddress, UnixAddress, inet_address
from trio_balancer.wire.proxy_header import ProxyHeader, SslInfo, Tlvs

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
ONE, TWO = inet_address("1.2.3.4", 5), inet_address("6.7.8.9", 10)
ONE_6, TWO_6 = inet_address("2001:db8::1", 5), inet_address("::1", 10)
TCP4 = "11 000c 01020304 06070809 0005 000a"
TCP6 = "0024 20010db8000000000000000000000001 00000000000000000000000000000001 0005 000a"
LAST, FFFF = inet_address("255.255.255.255", 65535), ":".join(["ffff"] * 8)
LAST_6 = inet_address(FFFF, 65535)
UNIX_BLOCK = b"/a".ljust(108, b"\0") + b"/b".ljust(108, b"\0")
# Written by HAProxy 2.6 with `proxy-v2-options crc32c`.
HAPROXY_CRC32C = "21 11 0013 7f000001 7f000001 985a 42cc 03 0004 b29f03d5"


class Announced(TypedDict, total=False):
    authority: bytes
    unique_id: bytes
    ssl: SslInfo
    others: tuple[tuple[int, bytes], ...]


def v2(rest: str) -> bytes:
    return SIGNATURE + bytes.fromhex(rest)


def v1(source: str, destination: str = "6.7.8.9", ports: str = "5 10", tcp: str = "TCP4") -> bytes:
    return f"PROXY {tcp} {source} {destination} {ports}\r\n".encode()


def says(
    data: bytes,
    source: SocketAddress | None = None,
    destination: SocketAddress | None = None,
    **tlvs: Unpack[Announced],
) -> tuple[bytes, ProxyHeader]:
    version = 1 if data.startswith(b"P") else 2
    return data, ProxyHeader(version, len(data), source, destination, Tlvs(**tlvs))


# Each is one whole header, and what it says.
ACCEPTED: dict[str, tuple[bytes, ProxyHeader]] = {
    "v1 TCP4": says(v1("1.2.3.4"), ONE, TWO),
    "v1 TCP4 of HAProxy": says(
        b"PROXY TCP4 127.0.0.1 127.0.0.1 59838 17004\r\n",
        inet_address("127.0.0.1", 59838),
        inet_address("127.0.0.1", 17004),
    ),
    "v1 TCP4, the longest": says(
        v1("255.255.255.255", "255.255.255.255", "65535 65535"), LAST, LAST
    ),
    "v1 port 0": says(v1("1.2.3.4", ports="0 10"), inet_address("1.2.3.4", 0), TWO),
    "v1 TCP6": says(v1("2001:db8::1", "::1", tcp="TCP6"), ONE_6, TWO_6),
    "v1 TCP6 in capitals and in full": says(
        v1("2001:0DB8:0000:0000:0000:0000:0000:0001", "::1", tcp="TCP6"), ONE_6, TWO_6
    ),
    "v1 TCP6, the longest": says(v1(FFFF, FFFF, "65535 65535", "TCP6"), LAST_6, LAST_6),
    "v1 TCP6 that is IPv4-mapped": says(
        v1("::ffff:1.2.3.4", "::ffff:607:809", tcp="TCP6"), ONE, TWO
    ),
    "v1 UNKNOWN": says(b"PROXY UNKNOWN\r\n"),
    "v1 UNKNOWN with addresses": says(b"PROXY UNKNOWN ffff::1 ffff::1 65535 65535\r\n"),
    "v1 UNKNOWN, the longest": says(v1(FFFF, FFFF, "65535 65535", "UNKNOWN")),
    "v1 UNKNOWN with junk": says(b"PROXY UNKNOWN  \0\xff?\r\n"),
    "v2 TCP4": says(v2("21" + TCP4), ONE, TWO),
    "v2 TCP4 of HAProxy": says(
        v2("21 11 000f 7f000001 7f000001 e738 426d 05 0000"),
        inet_address("127.0.0.1", 59192),
        inet_address("127.0.0.1", 17005),
        unique_id=b"",
    ),
    "v2 TCP4 of HAProxy with CRC32C": says(
        v2(HAPROXY_CRC32C), inet_address("127.0.0.1", 39002), inet_address("127.0.0.1", 17100)
    ),
    "v2 TCP6": says(v2("21 21" + TCP6), ONE_6, TWO_6),
    "v2 TCP6 that is IPv4-mapped": says(
        v2("21 21 0024" + "00" * 10 + "ffff 01020304" + "00" * 10 + "ffff 06070809 0005 000a"),
        ONE,
        TWO,
    ),
    "v2 UDP4": says(v2("21 12" + TCP4[2:])),
    "v2 UDP6": says(v2("21 22" + TCP6)),
    "v2 IPv4 without a transport": says(v2("21 10" + TCP4[2:])),
    "v2 unspecified": says(v2("21 00 0000")),
    "v2 unspecified with a TLV": says(v2("21 00 0005 02 0002 6869"), authority=b"hi"),
    "v2 Unix stream": says(v2("21 31 00d8") + UNIX_BLOCK, UnixAddress("/a"), UnixAddress("/b")),
    "v2 Unix stream, paths without an end": says(
        v2("21 31 00d8") + b"x" * 216, UnixAddress("x" * 108), UnixAddress("x" * 108)
    ),
    "v2 Unix stream, abstract": says(
        v2("21 31 00d8") + b"\0abstract".ljust(216, b"\0"), UnixAddress(""), UnixAddress("")
    ),
    "v2 Unix datagram": says(v2("21 32 00d8") + UNIX_BLOCK),
    "v2 LOCAL": says(v2("20 00 0000")),
    "v2 LOCAL with addresses": says(v2("20" + TCP4)),
    "v2 LOCAL with junk, of no family": says(v2("20 ff 0003 02ffff")),
    "v2 authority that is not UTF-8": says(
        v2("21 11 0011 01020304 06070809 0005 000a 02 0002 61ff"), ONE, TWO, authority=b"a\xff"
    ),
    "v2 nested SSL": says(
        v2("21 00 0014 20 0011 01 00000001 20 0009 01 00000001 20 0001 00"),
        ssl=SslInfo(1, 1, others=((0x20, bytes.fromhex("01 00000001 20 0001 00")),)),
    ),
    "v2 unknown TLVs": says(
        v2("21 00 0007 e0 0001 61 f8 0000"), others=((0xE0, b"a"), (0xF8, b""))
    ),
}

REFUSED: dict[str, bytes] = {
    "HTTP": b"GET / HTTP/1.1\r\n",
    "POST": b"POST",
    "TLS": bytes.fromhex("1603010200"),
    "nothing but newlines": b"\r\n\r\n\r\n",
    "v1 without an end": b"PROXY UNKNOWN ".ljust(107, b"x"),
    "v1 with an end that is too late": b"PROXY UNKNOWN ".ljust(106, b"x") + b"\r\n",
    "v1 TCP4 with an IPv6 address": v1("::1", "::1"),
    "v1 TCP4 with an IPv4-mapped address": v1("::ffff:1.2.3.4"),
    "v1 TCP6 with an IPv4 address": v1("1.2.3.4", "::1", tcp="TCP6"),
    "v1 TCP5": v1("1.2.3.4", tcp="TCP5"),
    "v1 UDP4": v1("1.2.3.4", tcp="UDP4"),
    "v1 port 65536": v1("1.2.3.4", ports="5 65536"),
    "v1 port 99999": v1("1.2.3.4", ports="99999 10"),
    "v1 port -1": v1("1.2.3.4", ports="-1 10"),
    "v1 port +1": v1("1.2.3.4", ports="+1 10"),
    "v1 port in hexadecimal": v1("1.2.3.4", ports="a 10"),
    "v1 port in other digits": v1("1.2.3.4", ports="٣ 10"),
    "v1 leading zero in a port": v1("1.2.3.4", ports="05 10"),
    "v1 leading zero in an address": v1("01.2.3.4"),
    "v1 address of three numbers": v1("1.2.4"),
    "v1 address of a number": v1("16909060"),
    "v1 address above 255": v1("256.2.3.4"),
    "v1 address with a zone": v1("fe80::1%eth0", "::1", tcp="TCP6"),
    "v1 address in brackets": v1("[::1]", "::1", tcp="TCP6"),
    "v1 host name": v1("localhost"),
    "v1 lower case": v1("1.2.3.4").lower(),
    "v1 lower-case protocol": v1("1.2.3.4", tcp="tcp4"),
    "v1 two spaces": v1("1.2.3.4", " 6.7.8.9"),
    "v1 tab": v1("1.2.3.4\t6.7.8.9", ""),
    "v1 space before the end": v1("1.2.3.4", ports="5 10 "),
    "v1 one field more": v1("1.2.3.4", ports="5 10 15"),
    "v1 one field less": v1("1.2.3.4", ports="5"),
    "v1 without fields": b"PROXY TCP4\r\n",
    "v1 without a protocol": b"PROXY\r\n",
    "v1 zero byte in an address": v1("1.2.3.4\0"),
    "v1 zero byte before the end": b"PROXY TCP4 1.2.3.4 6.7.8.9 5 10\0\r\n",
    "v1 LF alone": b"PROXY TCP4 1.2.3.4 6.7.8.9 5 10\n",
    "v1 LF alone, UNKNOWN": b"PROXY UNKNOWN\n",
    "v1 CR alone": b"PROXY TCP4 1.2.3.4 6.7.8.9 5 10\rx",
    "v1 CR in UNKNOWN": b"PROXY UNKNOWN a\rb\r\n",
    "v1 CR twice": b"PROXY UNKNOWN\r\r\n",
    "v1 UNKNOWN without a space": b"PROXY UNKNOWNX\r\n",
    "v2 version 1": v2("11" + TCP4),
    "v2 version 3": v2("31" + TCP4),
    **{f"v2 command {number}": v2(f"2{number:x}" + TCP4) for number in range(2, 16)},
    **{f"v2 family {number}": v2(f"21 {number:x}1" + TCP6) for number in range(4, 16)},
    **{f"v2 transport {number}": v2(f"21 1{number:x}" + TCP6) for number in range(3, 16)},
    "v2 TCP4 in 11 bytes": v2("21 11 000b"),
    "v2 TCP4 in no bytes": v2("21 11 0000"),
    "v2 UDP4 in 11 bytes": v2("21 12 000b"),
    "v2 TCP6 in 35 bytes": v2("21 21 0023"),
    "v2 Unix in 215 bytes": v2("21 31 00d7"),
    "v2 of 65535 bytes": v2("21 11 ffff"),
    "v2 LOCAL of 65535 bytes": v2("20 00 ffff"),
    "v2 TLV beyond the end": v2("21 00 0004 02 0002 61"),
    "v2 stray byte after the last TLV": v2("21 00 0005 02 0001 61 00"),
    "v2 stray bytes after the last TLV": v2("21 00 0006 02 0001 61 0000"),
    "v2 TLV in SSL beyond the end": v2("21 00 000b 20 0008 01 00000001 21 0001"),
    "v2 SSL of SSL beyond the end": v2("21 00 000c 20 0009 01 00000001 20 ffff 00"),
    "v2 wrong CRC32C": v2("21 00 0007 03 0004 00000000"),
    "v2 CRC32C of two bytes": v2("21 00 0005 03 0002 0000"),
    "v2 authority twice": v2("21 00 0008 02 0001 61 02 0001 62"),
}
