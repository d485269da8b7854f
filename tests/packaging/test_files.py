"""The other files of packaging/, as far as they can be tried without what they are for."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from support.process import ROOT, need

if TYPE_CHECKING:
    from pathlib import Path

PACKAGING = ROOT / "packaging"


def test_sysusers_makes_the_user_of_the_unit(tmp_path: Path) -> None:
    need("systemd-sysusers")
    (tmp_path / "etc").mkdir()
    file = PACKAGING / "sysusers.d" / "trio-balancer.conf"
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", file], check=True)
    users = (tmp_path / "etc" / "passwd").read_text()
    unit = (PACKAGING / "trio-balancer.service").read_text()
    [name] = re.findall(r"^User=(.+)$", unit, re.MULTILINE)
    assert f"\n{name}:" in f"\n{users}"


def test_logrotate_understands_its_file(tmp_path: Path) -> None:
    need("logrotate")
    file = tmp_path / "trio-balancer"
    file.write_text((PACKAGING / "logrotate.d" / "trio-balancer").read_text())
    file.chmod(0o644)
    said = subprocess.run(
        ["logrotate", "--debug", "--state", tmp_path / "state", file],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "error" not in said.stderr


def test_the_image_has_all_that_a_wheel_is_made_of() -> None:
    text = (PACKAGING / "Dockerfile").read_text()
    copied = {
        name
        for line in re.findall(r"^COPY (?!--)(.+)$", text, re.MULTILINE)
        for name in line.split()[:-1]
    }
    assert copied == {"pyproject.toml", "README.md", "LICENSE", "trio_balancer"}
    assert all((ROOT / name).exists() for name in copied)
