"""Meters that are not ours."""

import re
import subprocess
from pathlib import Path


def ebur128(path: Path) -> tuple[float, float]:
    """Return integrated LUFS and true peak dBTP as Debian's ffmpeg measures them."""
    command = ["ffmpeg", "-hide_banner", "-nostdin", "-i", str(path)]
    command += ["-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    summary = said[said.rindex("Summary:") :]
    integrated = re.search(r"I:\s+(\S+) LUFS", summary)
    peak = re.search(r"Peak:\s+(\S+) dBFS", summary)
    assert integrated, summary
    assert peak, summary
    return float(integrated.group(1)), float(peak.group(1))
