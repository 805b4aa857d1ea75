"""sd_notify over a real NOTIFY_SOCKET: READY=1 once every child serves, WATCHDOG=1 while supervisor and controller are
alive and no longer, STOPPING=1 at SIGTERM."""

import os
import select
import signal
import socket
import time
import unittest

from stowage_rig import BINARIES, FtpsClient, Rig, kill, run_tests, wait_until
from tour.processes import Child

WATCHDOG_US = 40_000_000
PERIOD = WATCHDOG_US / 16 / 1e6  # how often the supervisor says that it lives
HANGS_AFTER, ENDED_AFTER = WATCHDOG_US / 4 / 1e6, WATCHDOG_US / 2 / 1e6


class Systemd:
    """The service manager's end: what was told, and when."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.bind(b"")
        self.told = []

    def environment(self, **more):
        return {**os.environ, "NOTIFY_SOCKET": "@" + self.socket.getsockname()[1:].decode(), **more}

    def next(self, seconds):
        """The next message, or None when none comes in time."""
        if not select.select([self.socket], [], [], max(seconds, 0))[0]:
            return None
        message = self.socket.recv(4096).decode().strip()
        self.told.append(message)
        return message

    def wait_for(self, message, seconds):
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            told = self.next(left)
            if told is not None and message in told.splitlines():
                return True
        return False

    def drain(self):
        while self.next(0) is not None:
            pass


class SystemdIsTold(unittest.TestCase):
    def setUp(self):
        self.rig = self.enterContext(Rig(departments=["lab1"], start=False))
        self.systemd = Systemd()
        self.addCleanup(self.systemd.socket.close)

    def start(self, **environment):
        """The supervisor alone, as systemd starts it; the rig ends it."""
        gateway = self.rig.gateway
        # Gateway.start() waits for readiness on a socket of its own: here the test is the service manager.
        gateway.write_files()
        with open(gateway.log_path, "ab") as log:
            gateway.child = self.child = Child(
                "supervisor",
                [str(BINARIES / "stowage-supervisor"), "--config", str(gateway.config_path)],
                journal=self.rig.journal,
                grace_seconds=60,
                last_signal=signal.SIGTERM,
                stdout=log,
                stderr=log,
                env=self.systemd.environment(**environment),
            )

    def slow_front(self):
        """A front that only starts when the test lets it: returns the fifo that it waits for."""
        folder = self.rig.folder / "libexec"
        folder.mkdir()
        for program in BINARIES.iterdir():
            if program.name.startswith("stowage-") and program.name != "stowage-front":
                (folder / program.name).symlink_to(program.resolve())
        fifo = self.rig.folder / "let-it"
        os.mkfifo(fifo)
        script = folder / "stowage-front"
        script.write_text(f"#!/bin/sh\nread word <{fifo}\nexec {(BINARIES / 'stowage-front').resolve()} \"$@\"\n")
        script.chmod(0o755)
        folder.chmod(0o755)
        self.rig.gateway.settings["process.libexec_dir"] = str(folder)
        return fifo

    def test_ready_only_when_all_children_are(self):
        fifo = self.slow_front()
        self.start()
        wait_until(lambda: self.rig.run("lab", "list")[0] == 0, what="a controller that serves")
        wait_until(lambda: {"front", "ganesha", "dbus"} <= set(self.running()), what="the other children")
        self.assertIsNone(self.systemd.next(1), "not before the front serves")
        fifo.write_text("go\n")
        self.assertTrue(self.systemd.wait_for("READY=1", 30))
        FtpsClient(self.rig.ports, self.rig.gateway.certificate).drop()

    def running(self):
        return [name for name, process in self.rig.processes().items() if process["running"]]

    def test_no_watchdog_without_being_asked_and_stopping_at_sigterm(self):
        self.start()
        self.assertTrue(self.systemd.wait_for("READY=1", 60))
        kill(self.child.pid, signal.SIGTERM)
        self.assertTrue(self.systemd.wait_for("STOPPING=1", 10))
        self.assertEqual(self.child.popen.wait(60), 0)
        self.systemd.drain()
        self.assertEqual([told.splitlines()[0] for told in self.systemd.told], ["READY=1", "STOPPING=1"])
        self.assertIn("EXTEND_TIMEOUT_USEC=", self.systemd.told[-1], "as long as draining may take")

    def test_watchdog(self):
        self.start(WATCHDOG_USEC=str(WATCHDOG_US))
        self.assertTrue(self.systemd.wait_for("READY=1", 60))
        self.systemd.drain()
        for _ in range(3):
            self.assertEqual(self.systemd.next(2 * PERIOD), "WATCHDOG=1", "it goes on")
        self.supervisor_hangs()
        self.controller_hangs()

    def supervisor_hangs(self):
        kill(self.child.pid, signal.SIGSTOP)
        try:
            self.systemd.drain()
            self.assertIsNone(self.systemd.next(3 * PERIOD))
        finally:
            kill(self.child.pid, signal.SIGCONT)
        self.assertTrue(self.systemd.wait_for("WATCHDOG=1", 5 * PERIOD))

    def controller_hangs(self):
        """Nobody says any more that all is well; then it is ended and started anew, and all is well again."""
        before = self.rig.processes()["controller"]["pid"]
        kill(before, signal.SIGSTOP)
        stopped = time.monotonic()
        while self.systemd.next(2 * PERIOD) is not None:
            self.assertLess(time.monotonic() - stopped, HANGS_AFTER + 2 * PERIOD, "the controller hangs")
        self.assertTrue(self.systemd.wait_for("WATCHDOG=1", ENDED_AFTER), "another controller")
        wait_until(lambda: self.rig.run("lab", "list")[0] == 0, what="a controller that serves")
        after = self.rig.processes()["controller"]
        self.assertNotEqual(after["pid"], before)
        self.assertEqual(after["restarts"], 1)


if __name__ == "__main__":
    run_tests()
