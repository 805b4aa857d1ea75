"""Building the executables (Release), one build at a time per source tree."""

import fcntl
import os
import re
import signal
import subprocess

from tour import machine
from tour.gateway import SOURCE
from tour.processes import Child
from tour.story import Failed

FOLDER = SOURCE / "build" / "release"
BINARIES = FOLDER / "bin"
PROGRAMS = (
    "stowage-supervisor",
    "stowage-login",
    "stowage-root-step",
    "stowage-controller",
    "stowage",
    "stowage-front",
    "stowage-worker",
    "stowage-nfs-server",
    "runai_stand_in",
    "nfs_read",
)
_NINJA_PROGRESS = re.compile(r"\[(\d+)/(\d+)\]")


def build(journal, step):
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / ".lock", "w", encoding="utf-8") as lock:
        step.progress("another build of this tree is under way")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (FOLDER / "build.ninja").exists():
            # An already configured tree keeps its choice: the tests may be in it.
            _run(["cmake", "--preset", "release", "-DSTOWAGE_TESTS=OFF"], journal, step)
        _run(
            ["ninja", "-C", str(FOLDER), f"-j{machine.build_jobs()}", *(f"bin/{name}" for name in PROGRAMS)],
            journal,
            step,
        )


def _run(command, journal, step):
    child = Child(
        command[0],
        command,
        journal=journal,
        last_signal=signal.SIGTERM,
        cwd=SOURCE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        # Without tests/run's settings the compiler cache would only cost time. It is there so that the commands are the
        # same as those of tests/run, which then has nothing to build again.
        env=os.environ | {"NINJA_STATUS": "[%f/%t] ", "CCACHE_DISABLE": "1"},
    )
    lines = []
    with child.popen.stdout as output:
        for line in output:
            lines.append(line.rstrip())
            progress = _NINJA_PROGRESS.match(line)
            if progress:
                step.progress(f"{progress[1]} of {progress[2]}")
    if child.popen.wait() != 0:
        raise Failed(f"`{' '.join(command[:3])} ...` failed", "", lines[-40:])
    return lines
