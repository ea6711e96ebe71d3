from pathlib import Path

from convert.table import supported_layers

README = Path(__file__).resolve().parents[2] / "convert" / "README.md"


def test_tables_say_what_the_code_does() -> None:
    readme = README.read_text(encoding="utf-8")
    assert readme.endswith(supported_layers()), "print the tables anew: python -m convert.table"
