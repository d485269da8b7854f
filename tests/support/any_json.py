"""JSON as a balancer of another version may send it: known keys, any values."""

from __future__ import annotations

from hypothesis import strategies as st
from support.control_server import Request, status_of

_VALUES = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(0, 1e9) | st.text()


def _keys_of(value: object) -> set[str]:
    """Return the keys of a value and of all that is within."""
    if isinstance(value, list):
        return set().union(*map(_keys_of, value))
    if isinstance(value, dict):
        return value.keys() | set().union(*map(_keys_of, value.values()))
    return set()


def strange(*more: str) -> st.SearchStrategy[Request]:
    """Make up objects with the keys of a status, and with more."""
    keys = st.sampled_from(sorted(_keys_of(status_of()) | {*more}))
    values = st.recursive(
        _VALUES, lambda within: st.lists(within) | st.dictionaries(keys, within), max_leaves=30
    )
    return st.dictionaries(keys, values)
