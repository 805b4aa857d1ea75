"""The rig itself: it tells hang, panic and failure apart, loses what a power cut loses, and leaves nothing behind,
also when it is killed. Its own tests lie in bad_ends."""

import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

from rig import cache, host

RUN = pathlib.Path(__file__).resolve().with_name("run")
BUILD = pathlib.Path(os.environ["STOWAGE_BIN"]).parent


def start(name):
    return subprocess.Popen(
        [RUN, "--build", BUILD, name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "STOWAGE_VM_SEED": "1"},
    )


def machines_of(pid):
    """QEMUs that this process started."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(child) for child in children]


def scratch_files():
    """Where the rig's disks would be, if they had names."""
    return {path for path in pathlib.Path("/var/tmp").iterdir() if path.is_file()}


class RigTellsEndsApart(unittest.TestCase):
    def expect(self, name, code, *words):
        run = start(name)
        output = run.communicate(timeout=400)[0]
        self.assertEqual(run.returncode, code, output)
        for word in words:
            self.assertIn(word, output)

    def test_failure(self):
        self.expect("fails", 3)

    def test_panic(self):
        self.expect("panics", 98, "about to panic", "Kernel panic - not syncing")

    def test_hang(self):
        self.expect("hangs", 124, "not at its end after 15 s")

    def test_end_without_a_word(self):
        self.expect("says_nothing", 1, "ended without a result")

    def test_no_such_test(self):
        self.expect("never_written", 97, "never_written")

    def test_power_cut_and_reboot(self):
        self.expect("loses_power", 0, "power cut", "after-the-reboot")

    def test_a_file_that_a_test_misses_is_told(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, STOWAGE_VM_CACHE=folder):
            cache.place().mkdir()
            with self.assertRaisesRegex(FileNotFoundError, "missed"), cache.guest():
                raise FileNotFoundError("missed")

    def test_a_new_kernel_of_debian_is_another_guest(self):
        places = []
        for version in ("6.1.192-2", "6.1.193-1"):
            policy = f"linux-image-amd64:\n  Installed: (none)\n  Candidate: {version}\n  Version table:\n"
            with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, STOWAGE_VM_CACHE=folder):
                with mock.patch.object(host, "run", return_value=policy) as asked:
                    places.append(cache.place().name)
                    self.assertEqual(cache.place().name, places[-1])
                asked.assert_called_once()
        self.assertNotEqual(*places)

    def killed_with(self, number):
        before = scratch_files()
        run = start("waits")
        self.assertIn("about to wait", run.stdout.readline())
        machines = [os.pidfd_open(pid) for pid in machines_of(run.pid)]
        self.assertEqual(len(machines), 1)
        run.send_signal(number)
        self.assertNotEqual(run.wait(60), 0)
        self.assertTrue(select.select(machines, [], [], 60)[0], "QEMU outlived the rig")
        run.stdout.close()
        os.close(machines[0])
        self.assertEqual(scratch_files() - before, set(), "files stayed")

    def test_killed(self):
        self.killed_with(signal.SIGKILL)

    def test_terminated(self):
        self.killed_with(signal.SIGTERM)


if __name__ == "__main__":
    probe = subprocess.run([RUN, "--build", BUILD, "fails"], stdout=subprocess.PIPE, text=True, check=False)
    if probe.returncode == 77:
        print(probe.stdout)
        sys.exit(77)
    began, computed_before = time.monotonic(), host.computed_seconds()
    passed = unittest.main(verbosity=2, exit=False).result.wasSuccessful()
    took, computed = time.monotonic() - began, host.computed_seconds() - computed_before
    said = "passed" if passed else "failed"
    print(f"vm.rig_tells_ends_apart: {said} in {took:.1f} s, {computed:.1f} s of a core", flush=True)
    sys.exit(not passed)
