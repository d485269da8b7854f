from pathlib import Path

import pytest

from benchmarks.backends import Ports
from benchmarks.peer_configs import BUILT_IN, balancer, haproxy, nginx, stream_module
from trio_balancer.config import load_config

_PORTS, _BACKEND = Ports(8001, 8002, 8003), Ports(9001, 9002, 9003)


def test_the_balancers_file_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "balancer.toml"
    path.write_text(balancer(_PORTS, _BACKEND))
    config = load_config(path)
    assert [str(one.bind[0]) for one in config.listeners.values()] == [
        "127.0.0.1:8001",
        "127.0.0.1:8002",
        "127.0.0.1:8003",
    ]


def test_haproxy_is_set_as_it_is_to_be_measured() -> None:
    text = haproxy(_PORTS, _BACKEND)
    assert "nbthread 1" in text
    assert "option splice-auto" in text
    assert "bind 127.0.0.1:8002\n    server iperf3 127.0.0.1:9002" in text


@pytest.mark.parametrize(
    ("build", "module"),
    [
        (
            "configure arguments: --modules-path=/usr/lib/modules --with-stream=dynamic --with-x",
            Path("/usr/lib/modules/ngx_stream_module.so"),
        ),
        ("--with-stream --with-stream_ssl_module", BUILT_IN),
        ("--with-stream_ssl_module", None),
        ("--with-stream=dynamic", None),
    ],
)
def test_the_stream_module_of_nginx(build: str, module: Path | None) -> None:
    assert stream_module(build) == module


def test_nginx_loads_its_module_unless_it_is_built_in(tmp_path: Path) -> None:
    module = Path("/modules/ngx_stream_module.so")
    assert f"load_module {module};" in nginx(tmp_path, module, _PORTS, _BACKEND)
    assert "load_module" not in nginx(tmp_path, BUILT_IN, _PORTS, _BACKEND)
