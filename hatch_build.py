"""What hatchling cannot be told in pyproject.toml: the README of a package index, and files of other folders."""

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

# an installed package carries the converter and the default weights; an editable one finds them in the clone
FORCED = {
    "convert": "aurorapt/convert",
    "weights/simulated.safetensors": "aurorapt/default_weights/simulated.safetensors",
}
LINK_TO_A_FILE = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([^)]+)\)")


class Files(BuildHookInterface):  # type: ignore[type-arg]
    """Lay files of other folders into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add them to what is built, unless that is an editable install."""
        if self.target_name == "wheel" and version == "standard":
            build_data["force_include"].update(FORCED)


class Readme(MetadataHookInterface):
    """Give the README that an index shows, where links to other files of the clone would lead nowhere."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Name those files instead."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        text = LINK_TO_A_FILE.sub(r"\1 (`\2` in the source)", text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
