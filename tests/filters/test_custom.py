from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.filtered import lone_connection

from trio_balancer.config.model_filters import CustomFilterConfig
from trio_balancer.filters.custom import custom_maker

SOURCE = """
import datetime

class Shout:
    def __init__(self, connection, *, volume: int = 1, words=()):
        self.connection, self.volume, self.words = connection, volume, words

    class Inner:
        def __init__(self, connection):
            pass

ANSWER = 42
in_c = datetime.datetime.now
"""


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_filters.py").write_text(SOURCE)
    (tmp_path / "own_broken.py").write_text("1 / 0")
    (tmp_path / "own_needy.py").write_text("import own_missing")


def config(name: str, module: str = "own_filters", **options: object) -> CustomFilterConfig:
    return CustomFilterConfig("listeners.web.filters[0]", module, name, options)


def test_a_class_gets_the_connection_and_its_options() -> None:
    connection = lone_connection()
    made = custom_maker(config("Shout", volume=11, words=["a"]))(connection)
    assert vars(made) == {"connection": connection, "volume": 11, "words": ["a"]}


def test_a_class_within_a_class() -> None:
    assert type(custom_maker(config("Shout.Inner"))(lone_connection())).__name__ == "Inner"


def test_something_without_a_signature_is_believed() -> None:
    assert callable(custom_maker(CustomFilterConfig("f", "builtins", "type")))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (config("Shuot"), "the module 'own_filters' has no 'Shuot'; did you mean 'Shout'?"),
        (config("Shout.Xyzzy"), "the module 'own_filters' has no 'Shout.Xyzzy'"),
        (config("ANSWER"), "ANSWER of own_filters cannot be called"),
        (config("X", "own_absent"), "there is no module 'own_absent'; is it installed, or"),
        (config("X", "own_needy"), "there is no module 'own_missing'"),
        (config("X", "own_broken"), "the module 'own_broken' cannot be imported: ZeroDivision"),
        (config("Shout", loud=1), "the options do not fit Shout: got an unexpected keyword"),
        (config("Shout", connection=1), "the options do not fit Shout: multiple values"),
    ],
)
def test_what_cannot_be_used(wrong: CustomFilterConfig, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        custom_maker(wrong)
