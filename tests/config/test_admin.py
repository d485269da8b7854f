from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config import ConfigError, parse_config
from trio_balancer.config.model_admin import AdminConfig
from trio_balancer.wire.address import inet_address

REST = """
[listeners.web]
bind = "127.0.0.1:8080"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
"""
BIND = 'bind = "127.0.0.1:9090"'
TOKEN = "0123456789abcdef"  # noqa: S105 - of nothing


def read(text: str, base: Path = Path()) -> AdminConfig | None:
    return parse_config(f"{text}\n{REST}", base=base).admin


def problems(text: str, base: Path = Path()) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text, base)
    return [f"{problem.key}: {problem.message}" for problem in caught.value.problems]


def test_absent_is_none() -> None:
    assert read("") is None


def test_the_least() -> None:
    assert read(f"[admin]\n{BIND}") == AdminConfig(bind=(inet_address("127.0.0.1", 9090),))


def test_everything() -> None:
    admin = read(
        '[admin]\nbind = ["127.0.0.1:9090", "[::1]:9090"]\n'
        f'token = "{TOKEN}"\nhosts = ["LB.example.com", "10.0.0.1"]\n'
    )
    assert admin == AdminConfig(
        bind=(inet_address("127.0.0.1", 9090), inet_address("::1", 9090)),
        token=TOKEN,
        hosts=("lb.example.com", "10.0.0.1"),
    )
    assert TOKEN not in repr(admin)


@pytest.mark.parametrize("bind", ['"unix:/run/admin.sock"', '"localhost:80"', '"x"', "5"])
def test_only_numeric_addresses(bind: str) -> None:
    (problem,) = problems(f"[admin]\nbind = {bind}\n")
    assert problem.startswith("admin.bind: expected a numeric address like '127.0.0.1:9090', got")


def test_bind_is_needed() -> None:
    assert problems("[admin]\n") == [
        'admin.bind: at least one address is needed, like "127.0.0.1:9090"'
    ]


def test_never_on_a_data_listener() -> None:
    assert problems('[admin]\nbind = "127.0.0.1:8080"\n') == [
        "admin.bind: 127.0.0.1:8080 is bound twice"
    ]


def test_an_unknown_key_is_a_problem() -> None:
    assert problems(f'[admin]\n{BIND}\ntokn = "{TOKEN}"') == ["admin.tokn: unknown key"]


@pytest.mark.parametrize("hosts", ['[":"]', "[5]", '["a b"]', '["name:80"]'])
def test_hosts_are_names(hosts: str) -> None:
    (problem,) = problems(f"[admin]\n{BIND}\nhosts = {hosts}")
    assert problem.startswith("admin.hosts[0]: expected an IP address or a host name")


@pytest.mark.parametrize(
    "token", ['"short"', '""', "5", '"0123456789abcd\\u00e9f"', '"0 1 2 3 4 5 6 7 8"']
)
def test_a_token_nobody_guesses(token: str) -> None:
    assert problems(f"[admin]\n{BIND}\ntoken = {token}") == [
        "admin.token: expected at least 16 visible ASCII characters"
    ]


def test_a_token_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    admin = read(f'[admin]\n{BIND}\ntoken_file = "token"', tmp_path)
    assert admin is not None
    assert admin.token == TOKEN


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 20, b"0123456789abcdef\nmore\n"])
def test_a_file_without_a_token(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    (problem,) = problems(f'[admin]\n{BIND}\ntoken_file = "token"', tmp_path)
    assert problem == (
        f"admin.token_file: {tmp_path}/token: expected one line of at least 16 visible ASCII "
        "characters"
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (problem,) = problems(f'[admin]\n{BIND}\ntoken_file = "none"', tmp_path)
    assert problem.startswith(f"admin.token_file: {tmp_path}/none cannot be read: No such file")


@pytest.mark.parametrize("path", ["5", '""', '"a\\nb"'])
def test_a_path_that_is_none(path: str) -> None:
    (problem,) = problems(f"[admin]\n{BIND}\ntoken_file = {path}")
    assert problem.startswith("admin.token_file: expected the path of a file")


def test_one_token_is_enough(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    text = f'[admin]\n{BIND}\ntoken = "{TOKEN}"\ntoken_file = "token"'
    assert problems(text, tmp_path) == [
        "admin.token_file: is a second token: give one of token and token_file"
    ]


@given(st.text("äß€ ", min_size=3, max_size=40))
def test_a_wrong_token_stays_out_of_the_message(token: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(f'[admin]\n{BIND}\ntoken = "{token}"')
    assert token not in str(caught.value)
