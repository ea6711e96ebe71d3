"""The files that may stand beside a camera-night's CSV and its companion."""

from pathlib import Path


def probabilities_path(csv_file: Path) -> Path:
    """Give the path of the probabilities beside a classification file."""
    return _beside(csv_file, "probabilities")


def texture_path(csv_file: Path) -> Path:
    """Give the path of the texture beside a classification file."""
    return _beside(csv_file, "texture")


def beside_paths(csv_file: Path) -> tuple[Path, Path]:
    """Give both."""
    return probabilities_path(csv_file), texture_path(csv_file)


def _beside(csv_file: Path, what: str) -> Path:
    return csv_file.with_name(f"{csv_file.stem.removesuffix('_classifications')}_{what}.csv")
