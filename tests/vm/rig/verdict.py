"""Runs one test over all its boots and says what it came to."""

import contextlib
import dataclasses
import os
import re
import secrets
import socket
import sys
import threading
import time

from rig import disks, host, machine, payload, saved

PASSED, FAILED, SKIPPED, MISSING, PANIC, HANG = 0, 1, 77, 97, 98, 124
_MOST_BOOTS = 10


def run(guest, case, build, show_console, patience=1.0):
    """The exit code: the test's own, PANIC, HANG, or FAILED when the guest ended without a word."""
    seed = os.environ.get("STOWAGE_VM_SEED", secrets.token_hex(4))
    seconds = case.timeout * patience
    state = saved.of(guest, case.boot)
    of_peer = saved.of(guest, "plain") if case.peer else None
    deadline = time.monotonic() + seconds
    with disks.nameless() as archive, contextlib.ExitStack() as ended:
        payload.write(archive, build, case.files)
        all_disks = disks.Disks(case, archive, seed)
        link, peer = None, None
        if case.peer:
            link, other_end = (ended.enter_context(end) for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
            peer = ended.enter_context(_Peer(guest, case, archive, of_peer, other_end, deadline))
        code = _all_boots(guest, case, all_disks, state, link, seconds, deadline, show_console)
        return code or (peer.judge(seconds) if peer else code)


def _all_boots(guest, case, all_disks, state, link, seconds, deadline, show_console):
    stage = "first"
    for _ in range(_MOST_BOOTS):
        begun = machine.begin(guest, case, all_disks, state if state.fits(case, stage) else None, link)
        boot = machine.run(begun, case, stage, deadline, _write)
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


class _Peer(threading.Thread):
    """The other machine of a test, a plain one: it outlives the first one's reboots. It has no disks of its own. The
    thread lives as long as its QEMU, which would die with it."""

    def __init__(self, guest, case, archive, state, link, deadline):
        super().__init__(daemon=True)
        self._case = dataclasses.replace(case, boot="plain", disks={}, lossy_disks=(), keep_root=False)
        own_disks = disks.Disks(self._case, archive, "")
        self._begin = lambda: machine.begin(guest, self._case, own_disks, state, link)
        self._deadline, self._boot, self._machine = deadline, None, None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self._machine:
            self._machine.kill()
        self.join()

    def run(self):
        self._machine = self._begin()
        self._boot = machine.run(self._machine, self._case, "peer", self._deadline, _write)

    def judge(self, seconds):
        self.join()
        return _judge(self._case, self._boot, seconds) if self._boot else FAILED


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
