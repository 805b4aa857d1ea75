"""A limit is set at once or, where the whole tree of a lab is read for it, in a day. A lab's removal and other settings
for it do not wait so long, and clients are shut out before the limit is set. A lock that is held stands for a large tree."""

import contextlib
import fcntl
import json
import subprocess
import unittest

from stowage_rig import BINARIES, Rig, run_tests

SOON = 25  # below the 30 s after which a step gives up a lock


class Asked:
    """`stowage --json WORDS` that runs beside the test."""

    def __init__(self, rig, *words):
        command = [BINARIES / "stowage", "--socket", rig.gateway.control_socket, "--json", *words]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.seen = []

    def events(self):
        return [(event["step"], event["state"]) for event in self.seen if event.get("event") == "step"]

    def wait_for(self, step, state):
        while (step, state) not in self.events():
            line = self.child.stdout.readline()
            assert line, f"it ended without {step} {state}: {self.seen}"
            self.seen.append(json.loads(line))

    def result(self, timeout):
        output = self.child.communicate(timeout=timeout)[0]
        self.seen += [json.loads(line) for line in output.splitlines()]
        return self.child.returncode, json.dumps(self.seen)


class WalksEndForNewerRequests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(departments=["lab7", "lab8"]).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))

    def setUp(self):
        self.left = contextlib.ExitStack()
        self.addCleanup(self.left.close)

    def hold(self, name):
        """Looks may go on; a step that changes something waits."""
        lock = open(self.rig.gateway.run_dir / f"lab-{name}.lock", "rb")  # pylint: disable=consider-using-with
        self.left.callback(lock.close)
        fcntl.flock(lock, fcntl.LOCK_SH)
        return lock

    def ask(self, *words):
        asked = Asked(self.rig, *words)
        self.left.callback(asked.child.stdout.close)
        self.left.callback(asked.child.wait)
        self.left.callback(asked.child.kill)
        return asked

    def walking(self, name):
        self.rig.create_lab(name, "64MiB", "--clients", "127.0.0.0/8,10.0.0.0/8")
        lock = self.hold(name)
        asked = self.ask("lab", "set", name, "--quota", "128MiB")
        asked.wait_for("set_quota", "start")
        return lock, asked

    def test_a_removal_ends_the_labs_own_walk(self):
        lock, asked = self.walking("lab7")
        removal = self.ask("lab", "delete", "lab7")
        code, output = asked.result(SOON)
        self.assertNotEqual(code, 0)
        self.assertIn("ended for a newer request", output)
        lock.close()
        self.assertEqual(removal.result(SOON)[0], 0)

    def test_clients_are_shut_out_before_and_beside_a_walk(self):
        lock, asked = self.walking("lab8")
        narrowing = self.ask("lab", "set", "lab8", "--clients", "127.0.0.0/8")
        self.assertIn("ended for a newer request", asked.result(SOON)[1])
        lock.close()
        code, output = narrowing.result(SOON)
        self.assertEqual(code, 0, output)
        events = narrowing.events()
        self.assertLess(events.index(("publish_export", "done")), events.index(("set_quota", "start")))
        self.assertEqual(self.rig.gateway.answer("lab", "show", "lab8")["in_force"]["clients"], ["127.0.0.0/8"])


if __name__ == "__main__":
    run_tests()
