"""Process trees in /proc. proc(5)."""

import contextlib
import os
import pathlib

_TICKS = os.sysconf("SC_CLK_TCK")


def tree_pids(pid):
    """Descendants, nearest first."""
    found = []
    with contextlib.suppress(OSError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
    return found + [grandchild for child in found for grandchild in tree_pids(child)]


def tree_cpu_seconds(pids):
    """Of the processes and of their children that were waited for."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            total += sum(int(field) for field in fields.rpartition(")")[2].split()[11:15])
    return total / _TICKS


def tree_pss_bytes(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total
