from __future__ import annotations

import tomli
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.locate import find_lines

TEXT = '''\
top = 1
[pools.app]  # a comment with = and [brackets]
policy = "first"
backends = [  # [not.a.table]
    "a:1", "b = 2",

    { address = "c:3", weight = 2 },
]
"quoted.key" = """
[not.a.table]
key = 1 \\""" still inside"""""
'literal' = \'\'\'
key = 1\'\'\'
health.http.path = "/"
empty = []
inline = {}
[[pools.batch.backends]]
name = "one"
[[pools.batch.backends]]
name = "two"
[pools.batch.backends.more]
deep = 1.5
[pools]
x = 1979-05-27T07:32:00Z
'''


def test_every_kind_of_key_is_found() -> None:
    app = ("pools", "app")
    batch = ("pools", "batch", "backends")
    assert find_lines(TEXT) == {
        ("top",): 1,
        ("pools",): 23,
        app: 2,
        (*app, "policy"): 3,
        (*app, "backends"): 4,
        (*app, "backends", 0): 5,
        (*app, "backends", 1): 5,
        (*app, "backends", 2): 7,
        (*app, "backends", 2, "address"): 7,
        (*app, "backends", 2, "weight"): 7,
        (*app, "quoted.key"): 9,
        (*app, "literal"): 12,
        (*app, "health"): 14,
        (*app, "health", "http"): 14,
        (*app, "health", "http", "path"): 14,
        (*app, "empty"): 15,
        (*app, "inline"): 16,
        ("pools", "batch"): 17,
        (*batch,): 17,
        (*batch, 0): 17,
        (*batch, 0, "name"): 18,
        (*batch, 1): 19,
        (*batch, 1, "name"): 20,
        (*batch, 1, "more"): 21,
        (*batch, 1, "more", "deep"): 22,
        ("pools", "x"): 24,
    }


def test_a_table_declared_late_is_found_where_it_is_declared() -> None:
    lines = find_lines("[a.b]\n[a]\n")
    assert lines == {("a", "b"): 1, ("a",): 2}


def test_lines_may_end_as_on_windows() -> None:
    assert find_lines("[a]\r\nb = 1\r\n") == {("a",): 1, ("a", "b"): 2}


def test_an_escaped_key_is_found_by_its_meaning() -> None:
    assert find_lines(r'"\u0061" = 1') == {("a",): 1}


def test_what_stands_before_endless_brackets_is_found() -> None:
    lines = find_lines("a = 1\nb = " + "[" * 100_000)
    assert lines["a",] == 1


KEYS = st.text(st.sampled_from("ab.[ #'=\"\\é"), max_size=4)
VALUES = st.recursive(
    st.integers() | st.booleans() | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def _write(value: object) -> str:
    """Write TOML with a line break wherever one may stand."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            pairs = (f"{_write(key)} = {_write(inner)}" for key, inner in value.items())
            return "{" + ", ".join(pairs) + "}"
        case list():
            return "[\n" + ",\n".join(map(_write, value)) + "\n]"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case _:
            return str(value)


def _paths(value: object, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    pairs: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    found = {(*path, key) for key, _ in pairs}
    return found.union(*(_paths(inner, (*path, key)) for key, inner in pairs))


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_exactly_the_paths_of_the_document_are_found(document: dict[str, object]) -> None:
    text = "".join(f"{_write(key)} = {_write(value)}\n" for key, value in document.items())
    assert tomli.loads(text) == document
    lines = find_lines(text)
    assert set(lines) == _paths(document)
    for path, line in lines.items():
        key = path[-1]
        if isinstance(key, str):
            assert _write(key) in text.split("\n")[line - 1]
