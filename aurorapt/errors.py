"""One family of errors: raised where a fault is known, caught once in the command line."""


class AuroraptError(Exception):
    """A fault that its message explains: what was wrong, with which file or option, and what would be right."""


class OptionError(AuroraptError):
    """An option or argument that cannot be used."""


class ArchiveError(AuroraptError):
    """An archive folder that is missing or cannot be read."""


class DownloadError(AuroraptError):
    """A server that cannot be reached, or that gives something else than what it was asked for."""


class FrameError(AuroraptError):
    """A minute file none of whose frames can be trusted."""


class WeightsError(AuroraptError):
    """A weights file that is missing, damaged or not one."""


class ResultsError(AuroraptError):
    """A classification file or companion that cannot be read or written."""


class OutputFullError(ResultsError):
    """The results' disk takes no more, so that nothing is gained by going on."""


class WorseResultsError(ResultsError):
    """Results that are not written because what they would replace is worth more."""


class ConversionError(AuroraptError):
    """A Keras model, label file or elevation map that cannot be converted faithfully."""


LONGEST_MESSAGE = 500  # characters


def counted(count: int, noun: str, plural: str = "") -> str:
    """Say how many there are: ``1 problem``, ``2 problems``."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def one_line(message: str) -> str:
    """Make a message safe to print, whatever it quotes: one line of printable characters, short.

    What is too long loses its middle: messages begin with what is at fault and end with what to do.

    Parameters
    ----------
    message : of any length, with text from files or from the network in it

    Returns
    -------
    at most `LONGEST_MESSAGE` characters
    """
    if len(message) > LONGEST_MESSAGE:
        half = (LONGEST_MESSAGE - len(" ... ")) // 2
        message = f"{message[:half]} ... {message[-half:]}"
    return printable(message)


def printable(text: str) -> str:
    """Replace what is not printable, line breaks too: what text from files must not do to a terminal or a log."""
    return text if text.isprintable() else "".join(part if part.isprintable() else "?" for part in text)
