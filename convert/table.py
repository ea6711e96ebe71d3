"""The tables of `convert/README.md`: what can be converted, out of the code that does it.

Print them with ``python -m convert.table``.
"""

from collections.abc import Mapping

from .layers.activation import FUNCTION_NAMES, LAYERS_AS_FUNCTIONS
from .layers.operators import OPERATORS
from .layers.options import ANY_OTHER, COMMON_OPTIONS, Option
from .layers.registry import Handler, handlers


def supported_layers() -> str:
    """Write tables in Markdown of the layers, the options of all layers, the functions and the operations."""
    rows = [_row(handler) for handler in handlers()]
    sections = [
        "### Layers\n\n| layer | options | refused besides |\n|---|---|---|\n" + "\n".join(rows),
        "### Options of every layer\n\n" + _listed(COMMON_OPTIONS),
        "### Activation functions\n\n"
        + ", ".join(f"`{name}`" for name in FUNCTION_NAMES)
        + "; layers as functions: "
        + ", ".join(f"`{name}`" for name in LAYERS_AS_FUNCTIONS),
        "### Operations outside layers\n\n" + ", ".join(f"`{name}`" for name in OPERATORS),
    ]
    return "\n\n".join(sections) + "\n"


def _row(handler: Handler) -> str:
    names = ", ".join(f"`{name}`" for name in handler.class_names)
    options = "any" if ANY_OTHER in handler.options else _listed(handler.options) or "none"
    return f"| {names} | {options} | {handler.refuses} |"


def _listed(options: Mapping[str, Option]) -> str:
    return "; ".join(f"`{name}`: {option.supported}" for name, option in options.items())


if __name__ == "__main__":
    print(supported_layers(), end="")
