from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.control_server import backend_of, pool_of, status_of

from trio_balancer.control.ctl.terminal import Terminal
from trio_balancer.control.ctl.text import columns
from trio_balancer.control.ctl.top_view import View, draw_page

NARROW = Terminal(width=80)
BACKENDS = [
    backend_of(1, active=5, total=3, rate=9),
    backend_of(2, active=9, total=1, rate=5, connect_p99=None),
    backend_of(3, state="down", dial_failures=7, active=0),
    backend_of(4, state="maintenance", active=0, connect_p99=3.0),
]


def names(view: View) -> str:
    """Return the order of the four backends above, like "1234"."""
    lines = draw_page(status_of(pools=[pool_of(BACKENDS)]), view, "", NARROW, 24)
    return "".join(line[len("app/s")] for line in lines if line.startswith("app/s"))


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        ("", "3412"),
        ("n", "1234"),
        ("nn", "4321"),
        ("nnn", "1234"),
        ("a", "2134"),
        ("r", "1234"),
        ("t", "3412"),
        ("e", "3124"),
        ("p", "4132"),
        ("ns", "3412"),
        ("x", "3412"),
    ],
)
def test_letters_sort_and_reverse(keys: str, order: str) -> None:
    view = View()
    for key in keys:
        view.press(key)
    assert names(view) == order


def test_what_was_removed_comes_after_the_others() -> None:
    gone = {"what": "backend", "name": "s0", "pool": "app", "address": "10.0.0.9:9000", "active": 1}
    status = status_of(pools=[pool_of(BACKENDS)], leaving=[gone, {"what": "listener", "name": "x"}])
    lines = draw_page(status, View(), "", NARROW, 24)
    (row,) = [line for line in lines if "removed" in line]
    assert row.split()[:3] == ["app/s0", "removed", "–"]
    assert [line for line in lines if line.startswith("app/")][-1] == row


def test_a_page_has_everything_in_its_place() -> None:
    lines = draw_page(status_of(200), View(), "", NARROW, 24)
    assert len(lines) == 24
    assert lines[0].startswith("trio-balancer 0.1.0")
    assert lines[3].startswith("LISTENER")
    assert lines[6].startswith("POOL/BACKEND")
    assert lines[7].startswith("app/s1 ")
    assert lines[-1].startswith(" 1–15 of 200 by state  q:quit s:state")


def test_long_names_and_ports_stay_apart_on_a_narrow_screen() -> None:
    long = [f"application-server-0{number}.eu-west-1.internal.example.com" for number in (1, 2)]
    ports = [f"[2001:db8:1234:5678:9abc:def0:1234:5678]:1543{number}" for number in (1, 2)]
    backends = [backend_of(1, name=name, address=name) for name in (*long, *ports)]
    pool = pool_of(backends) | {"name": "web-application-servers"}
    lines = draw_page(status_of(pools=[pool]), View(), "", NARROW, 24)
    shown = [line for line in lines if line.startswith("web-appl")]
    assert len({line.split()[0] for line in shown}) == len(backends)
    assert [":1543" in line for line in shown] == [False, False, True, True]


def foot(view: View) -> str:
    return draw_page(status_of(200), view, "", NARROW, 24)[-1]


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (["down"], "2–16 of 200"),
        (["up"], "1–15 of 200"),
        (["page down", "page down", "up"], "30–44 of 200"),
        (["page down", "page up"], "1–15 of 200"),
        (["end"], "186–200 of 200"),
        (["end", "page down"], "186–200 of 200"),
        (["end", "home"], "1–15 of 200"),
        (["end", "n"], "1–15 of 200"),
    ],
)
def test_keys_scroll_within_the_list(keys: list[str], shown: str) -> None:
    view = View()
    foot(view)
    for key in keys:
        view.press(key)
    assert foot(view).startswith(f" {shown} by ")


def test_a_page_follows_a_list_that_got_shorter() -> None:
    view = View()
    foot(view)
    view.press("end")
    lines = draw_page(status_of(3), view, "", NARROW, 24)
    assert lines[-1].startswith(" 1–3 of 3 by state")


def test_reversed_is_said() -> None:
    view = View()
    view.press("s")
    assert foot(view).startswith(" 1–15 of 200 by state reversed")


def test_trouble_takes_the_first_line() -> None:
    lines = draw_page(status_of(), View(), "Not live, trying again: gone\x1b", NARROW, 24)
    assert lines[0] == "Not live, trying again: gone\\x1b"


def test_only_so_many_listeners_that_backends_have_room() -> None:
    many = [{"name": f"web{number}", "active": number} for number in range(50)]
    lines = draw_page(status_of(listeners=many), View(), "", NARROW, 24)
    shown = [line.split()[0] for line in lines if line.startswith("web")]
    assert shown == ["web49", "web48", "web47", "web46", "web45", "web44"]


@given(
    backends=st.integers(0, 30),
    width=st.integers(1, 200),
    height=st.integers(1, 60),
    trouble=st.sampled_from(["", "Not live, trying again: " * 9]),
)
def test_no_page_is_larger_than_the_screen(
    backends: int, width: int, height: int, trouble: str
) -> None:
    lines = draw_page(status_of(backends), View(), trouble, Terminal(width=width), height)
    assert len(lines) == height
    assert max(map(columns, lines)) <= width
