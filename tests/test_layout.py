"""The tests mirror the sources: a reader of one finds the other."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent
SOURCES = TESTS.parent / "trio_balancer"
# Programs and pages beside the package, with tests of what can be tested of them.
ELSEWHERE = ("benchmarks/", "docs/", "end_to_end/", "packaging/")

# Sources that need no test file of their own: values without behaviour.
VALUES = {
    "config/model.py",
    "config/model_access.py",
    "config/model_admin.py",
    "config/model_filters.py",
    "config/model_health.py",
    "config/model_proxy.py",
    "config/model_routes.py",
    "config/model_tls.py",
    "version.py",
    "control/phase.py",
}
# Tests of more than one file. Those of the whole program are in `end_to_end`, and what holds for
# every class behind a seam is in a `test_..._contract.py`.
WHOLE = {
    "config/test_config.py": "a whole configuration with every kind of mistake",
    "relay/test_bridge_machine.py": "a bridge over every relay",
    "test_cancel_everywhere.py": "a whole balancer",
    "test_conservation.py": "a whole balancer",
    "test_layout.py": "the repository",
    "test_public_api.py": "the package",
}


def _sources() -> set[str]:
    found = {path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.py")}
    return {path for path in found if not path.endswith("__init__.py")} - VALUES


def _tests() -> set[str]:
    found = {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}
    several = {path for path in found if "_contract" in path}
    return {path for path in found - several if not path.startswith(ELSEWHERE)} - WHOLE.keys()


def _may_test(source: Path, test: str) -> bool:
    """Say whether the test's name is the source's, alone or with what it is about."""
    name = "init" if source.stem == "__init__" else source.stem.strip("_")
    place = source.parent.as_posix()
    folder = "" if place == "." else f"{place}/"
    return test == f"{folder}test_{name}.py" or test.startswith(f"{folder}test_{name}_")


def test_each_source_has_its_test() -> None:
    tests = _tests()
    missing = [
        source
        for source in sorted(_sources())
        if not any(_may_test(Path(source), test) for test in tests)
    ]
    assert missing == []


def test_each_test_has_its_source() -> None:
    sources = [Path(path.relative_to(SOURCES)) for path in SOURCES.rglob("*.py")]
    packages = [Path(source.parent, source.parent.name) for source in sources]
    strays = [
        test
        for test in sorted(_tests())
        if not any(_may_test(source, test) for source in (*sources, *packages))
    ]
    assert strays == []


def test_the_exceptions_exist() -> None:
    assert [path for path in VALUES if not (SOURCES / path).exists()] == []
    assert [path for path in WHOLE if not (TESTS / path).exists()] == []
