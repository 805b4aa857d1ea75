"""Runs one test over all its boots and says what it came to."""

import os
import re
import secrets
import sys
import time

from rig import disks, host, machine, payload, saved

PASSED, FAILED, SKIPPED, MISSING, PANIC, HANG = 0, 1, 77, 97, 98, 124
_MOST_BOOTS = 10


def run(guest, case, build, show_console, patience=1.0):
    """The exit code: the test's own, PANIC, HANG, or FAILED when the guest ended without a word."""
    seed = os.environ.get("STOWAGE_VM_SEED", secrets.token_hex(4))
    seconds = case.timeout * patience
    state = saved.of(guest)
    deadline = time.monotonic() + seconds
    with disks.nameless() as archive:
        payload.write(archive, build, case.files)
        all_disks = disks.Disks(case, guest, archive, seed)
        stage = "first"
        for _ in range(_MOST_BOOTS):
            begin = state if state.fits(case, stage) else None
            boot = machine.boot(guest, case, all_disks, stage, deadline, _write, begin)
            if show_console:
                _say(boot.console)
            kind, _, rest = boot.how.partition(" ")
            if kind == "cut":
                _say(f"--- power cut: {all_disks.after_power_cut()}")
            else:
                all_disks.after_end()
            if kind not in ("cut", "reboot"):
                return _judge(case, boot, seconds)
            _say(f"--- booting again, stage {rest}")
            stage = rest
    raise host.Failed(f"{case.name} booted more than {_MOST_BOOTS} times")


def _judge(case, boot, seconds):
    code = re.fullmatch(r"rc=(\d+)", boot.how)
    if code:
        return int(code[1])
    tail = "\n".join(boot.console.splitlines()[-40:])
    if boot.panicked:
        words = boot.console[boot.console.index("Kernel panic") :]
        _say(f"{case.name}: the guest's kernel panicked:\n{words[:4000]}")
        return PANIC
    if boot.how == "hang":
        _say(f"{case.name}: not at its end after {seconds:g} s; the end of its console:\n{tail}")
        return HANG
    _say(f"{case.name}: the guest ended without a result ({boot.how!r}); the end of its console:\n{tail}")
    return FAILED


def _write(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _say(text):
    _write(f"{text}\n".encode())
