"""What a figure was measured on."""

import platform
import re
from pathlib import Path

import torch


def machine() -> tuple[str, str]:
    """The name of the processor, and the precision in which it trains."""
    about = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", about.read_text()) if about.exists() else None
    able = torch.cpu.get_capabilities().get("avx512_bf16", False)
    return found[1] if found else platform.processor(), "bfloat16" if able else "float32"
