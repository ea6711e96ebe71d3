"""What a figure was measured on: processor, instruction sets, and the versions of what was measured."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from aurorapt.machine.processors import usable_processors

CPU_INFORMATION = Path("/proc/cpuinfo")  # Linux
# those that the speed of a network depends on, as Linux names them on x86-64 and on ARM
INSTRUCTION_SETS = (
    *("avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_tile", "amx_int8", "amx_bf16", "asimd", "asimddp", "bf16", "i8mm", "sve", "sve2"),
)
PACKAGES = ("aurorapt", "numpy", "onnxruntime", "openvino", "opencv-python-headless", "isal")


def machine() -> dict[str, Any]:
    """Describe the machine: processor, how many of it may be used, instruction sets, and versions of what is there."""
    facts = _first_processor()
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    return {
        "processor": _processor_name(facts),
        "processors": usable_processors(),
        "instruction_sets": [name for name in INSTRUCTION_SETS if name in flags]
        or [torch.backends.cpu.get_cpu_capability().lower()],
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version(), **_versions()},
    }


def in_words(described: dict[str, Any]) -> str:
    """Put into two lines what `machine` gives."""
    versions = ", ".join(f"{name} {number}" for name, number in described["versions"].items())
    sets = " ".join(described["instruction_sets"])
    return f"{described['processors']} of {described['processor']}, {described['system']}: {sets}\n{versions}"


def _first_processor() -> dict[str, str]:
    try:
        first = CPU_INFORMATION.read_text().partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _processor_name(facts: dict[str, str]) -> str:
    if "model name" in facts:  # of a virtual machine, it often leaves out which
        return f"{facts['model name']} (family {facts.get('cpu family')}, model {facts.get('model')})"
    if platform.system() == "Darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    return platform.processor() or "unknown processor"


def _versions() -> dict[str, str]:
    found = {"torch": torch.__version__}  # which build it is, metadata do not tell
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
