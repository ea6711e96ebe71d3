"""Messages on their way to a terminal."""

import pytest

from aurorapt.errors import LONGEST_MESSAGE, one_line


@pytest.mark.parametrize("message", ["", "file.h5: is not sound", "lumière.h5: 点 is missing", "x" * LONGEST_MESSAGE])
def test_plain_message_stays_as_it_is(message: str) -> None:
    assert one_line(message) == message


@pytest.mark.parametrize("odd", ["\x1b", "\n", "\r", "\x00", "\x7f", "\x9b", "\u2028", "\u202e", "\ud800"])
def test_what_could_rule_the_terminal_is_replaced(odd: str) -> None:
    assert one_line(f"layer {odd}[2J cannot be converted") == "layer ?[2J cannot be converted"


def test_long_message_keeps_what_is_wrong_and_what_to_do() -> None:
    line = one_line("file.h5: cannot be read" + "x" * 10**6 + "; run the command again")
    assert len(line) <= LONGEST_MESSAGE
    assert line.startswith("file.h5: cannot be read")
    assert line.endswith("; run the command again")
