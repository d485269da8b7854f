"""`use = "package.module:Class"`: filters that somebody else has written."""

from __future__ import annotations

import importlib
import inspect
from functools import partial
from typing import TYPE_CHECKING

from trio_balancer.config.values import closest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from trio_balancer.config.model_filters import CustomFilterConfig
    from trio_balancer.filters.chain import Maker


def custom_maker(config: CustomFilterConfig) -> Maker:
    """Import what makes a filter, and give it its options.

    Raises ValueError, with a sentence, where that is not possible.
    """
    found = _find(_import(config.module), config)
    if not callable(found):
        raise ValueError(f"{config.name} of {config.module} cannot be called")  # noqa: TRY004 - a wrong value of a key
    _check_options(found, config)
    return partial(found, **config.options)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"there is no module {error.name!r}; is it installed, or on PYTHONPATH?"
        ) from error
    except (Exception, SystemExit) as error:
        raise ValueError(
            f"the module {name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error


def _find(module: ModuleType, config: CustomFilterConfig) -> object:
    found: object = module
    for part in config.name.split("."):
        if not hasattr(found, part):
            guess = closest(part, dir(found))
            hint = "" if guess is None else f"; did you mean {guess!r}?"
            raise ValueError(f"the module {config.module!r} has no {config.name!r}{hint}")
        found = getattr(found, part)
    return found


def _check_options(found: Callable[..., object], config: CustomFilterConfig) -> None:
    """Raise ValueError where it cannot be called with a connection and these options."""
    try:
        signature = inspect.signature(found)
    except ValueError:
        return  # some that are written in C do not say what they take
    try:
        signature.bind(None, **config.options)
    except TypeError as error:
        raise ValueError(f"the options do not fit {config.name}: {error}") from error
