import pytest

from aurorapt.cluster.address import LocalWorkers, parse_scheduler
from aurorapt.errors import OptionError


@pytest.mark.parametrize(
    "given", ["tcp://login1:8786", "tls://10.0.0.7:8786", "tcp://[fe80::1]:1", "tcp://a.b-c.ca:65535"]
)
def test_an_address_is_taken_as_it_is(given: str) -> None:
    assert parse_scheduler(given) == given


def test_local_workers_are_processes_times_threads() -> None:
    assert parse_scheduler("local:4x8") == LocalWorkers(processes=4, threads=8)
    assert str(parse_scheduler("local:4x8")) == "local:4x8"


@pytest.mark.parametrize(
    "given",
    [
        *("", "local", "local:", "local:axb", "local:4", "local:0x1", "local:1x0", "local:2000x1", "local:-1x2"),
        *("login1:8786", "tcp://login1", "tcp://login1:0", "tcp://login1:70000", "tcp://:8786", "http://login1:8786"),
        *("local:٤x8", "tcp://login1:8786\n", "local:4x8 "),
    ],
)
def test_anything_else_is_refused_by_name(given: str) -> None:
    with pytest.raises(OptionError, match=r"^--scheduler ") as caught:
        parse_scheduler(given)
    assert "\n" not in str(caught.value)
