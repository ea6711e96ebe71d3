"""Which of a file's arrays belongs to which variable of which layer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from aurorapt.errors import ConversionError

from ..keras_model import Layer
from ..layers.operators import is_operator
from ..layers.options import parse_options
from ..layers.registry import Variable, find_handler

Path = tuple[str, ...]
Arrays = Mapping[Path, Mapping[str, NDArray[Any]]]
Owned = tuple[Path, Variable]

SEED_STATES = ("seed_generator_state", "StateVar")  # of the random numbers of training


def is_seed_state(name: str) -> bool:
    """Tell whether an array is the state of training's random numbers, which inference does not use."""
    return _parts(name)[-1] in SEED_STATES


def variables_in_order(layer: Layer, path: Path, keras_major: int) -> list[Owned]:
    """List the variables of a layer, or of all layers of a nested model, in the order in which HDF5 files list them.

    Keras writes all trainable variables first, then the others; a frozen layer's are all among the others.
    """
    trainable, frozen = _split(layer, path, keras_major)
    return trainable + frozen


def _split(layer: Layer, path: Path, keras_major: int) -> tuple[list[Owned], list[Owned]]:
    if layer.model is None:
        owned = [(path, variable) for variable in layer_variables(layer)]
        trained = [item for item in owned if item[1].trainable and layer.options.get("trainable", True)]
        return trained, [item for item in owned if item not in trained]
    parts = [_split(child, (*path, child.name), keras_major) for child in layer.model.layers]
    trainable = [item for part in parts for item in part[0]]
    others = [item for part in parts for item in part[1]]
    if layer.options.get("trainable", True):
        return trainable, others
    if keras_major >= 3:
        return [], [item for part in parts for half in part for item in half]
    return [], trainable + others


def layer_variables(layer: Layer) -> list[Variable]:
    """List the variables of one layer, in the order in which Keras makes them."""
    if layer.class_name == "InputLayer" or is_operator(layer):
        return []
    handler = find_handler(layer)
    return handler.variables(parse_options(layer, handler.options))


def assign_by_name(owned: Sequence[Owned], names: Sequence[str]) -> list[int] | None:
    """Find for each variable the one name that ends in its layer's name and its own; none if in doubt."""
    parts = [_parts(name) for name in names]
    places = []
    for path, variable in owned:
        found = [
            place
            for place, part in enumerate(parts)
            if variable.answers_to(part[-1]) and _leads_through(part, path[-1])
        ]
        if len(found) != 1:
            return None
        places += found
    return places if len(set(places)) == len(places) else None


def assign_by_order(owned: Sequence[Owned], names: Sequence[str]) -> list[int] | None:
    """Take the names in their order, if each ends in its variable's own name."""
    fits = all(variable.answers_to(_parts(name)[-1]) for (_, variable), name in zip(owned, names, strict=True))
    return list(range(len(names))) if fits else None


def _leads_through(parts: Path, layer_name: str) -> bool:
    """Tell whether an array's name has its layer's name right before its own; a layer's may itself hold slashes."""
    return f"/{'/'.join(parts[:-1])}".endswith(f"/{layer_name}")


def _parts(name: str) -> Path:
    return tuple(name.removesuffix(":0").split("/"))


def match_names(layer: Layer, names: Sequence[str], keras_major: int) -> Iterator[tuple[Path, str, str]]:
    """Match the arrays that an HDF5 file lists for a layer of the outermost model to variables.

    Keras itself goes by order alone. Names are safer where they are unique, so where both apply they must agree.

    Yields
    ------
    path of the owning layer, variable name, array name in the file

    Raises
    ------
    ConversionError
        Naming the layer, if there are too few or too many arrays, or no sure match.
    """
    names = [name for name in names if not is_seed_state(name)]
    owned = variables_in_order(layer, (layer.name,), keras_major)
    if len(names) != len(owned):
        wanted = ", ".join("/".join((*path, variable.name)) for path, variable in owned) or "none"
        raise ConversionError(
            f"layer {layer.name} ({layer.class_name}): the file has {len(names)} arrays ({_some(names)}), "
            f"the layer uses {len(owned)} ({wanted:.300})"
        )
    by_name, by_order = assign_by_name(owned, names), assign_by_order(owned, names)
    places = by_name or by_order
    if places is None or (by_name and by_order and by_name != by_order):
        raise ConversionError(
            f"layer {layer.name} ({layer.class_name}): its arrays cannot be matched for sure: {_some(names)}"
        )
    for (path, variable), place in zip(owned, places, strict=True):
        yield path, variable.name, names[place]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
