"""One family of errors: raised where a fault is known, caught once in the command line."""


class AuroraptError(Exception):
    """A fault that its message explains: what was wrong, with which file or option, and what would be right."""


class OptionError(AuroraptError):
    """An option or argument that cannot be used."""


class ArchiveError(AuroraptError):
    """An archive folder that is missing or cannot be read."""


class FrameError(AuroraptError):
    """A minute file none of whose frames can be trusted."""


class WeightsError(AuroraptError):
    """A weights file that is missing, damaged or not one."""


class ResultsError(AuroraptError):
    """A classification file or companion that cannot be read or written."""


class OutputFullError(ResultsError):
    """The results' disk takes no more, so that nothing is gained by going on."""


class ConversionError(AuroraptError):
    """A Keras model, label file or elevation map that cannot be converted faithfully."""
