import pytest

from benchmarks.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "idle,nothing"], "'nothing' is none of idle, "),
        (["--peers", "squid"], "'squid' is none of balancer, haproxy, "),
        (["--rounds", "0"], "0 is not at least 1"),
    ],
)
def test_a_wrong_command_line_is_explained(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
