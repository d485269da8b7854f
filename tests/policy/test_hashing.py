from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.policy.hashing import client_hash, mix, stable_hash
from trio_balancer.wire.address import UnixAddress, inet_address


def test_the_hash_is_this_one_for_ever() -> None:
    assert stable_hash(b"") == 0xE4A6A0577479B2B4
    assert mix(1) == 0x5692161D100B05E5  # SplitMix64's finaliser of 1


def test_another_process_with_another_hash_seed_agrees() -> None:
    code = "from trio_balancer.policy.hashing import stable_hash; print(stable_hash(b'backend'))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={"PYTHONHASHSEED": "5", "PYTHONPATH": ":".join(sys.path)},
    )
    assert int(run.stdout) == stable_hash(b"backend")


def test_a_client_is_its_ip_address_without_the_port() -> None:
    assert client_hash(inet_address("10.0.0.1", 1)) == client_hash(inet_address("10.0.0.1", 2))
    assert client_hash(inet_address("10.0.0.1", 1)) != client_hash(inet_address("10.0.0.2", 1))
    assert client_hash(inet_address("::ffff:10.0.0.1", 1)) == client_hash(
        inet_address("10.0.0.1", 1)
    )


def test_clients_without_an_ip_address_are_one() -> None:
    assert client_hash(UnixAddress("")) == client_hash(UnixAddress("/run/x"))


@given(st.integers(0, 2**64 - 1), st.integers(0, 63))
def test_one_bit_changes_many(bits: int, bit: int) -> None:
    changed = mix(bits) ^ mix(bits ^ (1 << bit))
    assert 0 <= mix(bits) < 2**64
    assert changed.bit_count() > 5
