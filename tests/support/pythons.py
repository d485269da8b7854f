"""Other versions of Python on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


def find_python(version: str) -> str | None:
    """Find a Python of a version like "3.12", on the PATH or where pyenv keeps them."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [
        shutil.which(f"python{version}"),
        *map(str, pyenv.glob(f"versions/{version}.*/bin/python")),
    ]
    return next((each for each in candidates if each is not None and _runs(each)), None)


def _runs(python: str) -> bool:
    # pyenv's own commands on the PATH exist for versions, too, which are not in use.
    tried = subprocess.run([python, "-c", "import ssl"], check=False, capture_output=True)
    return tried.returncode == 0
