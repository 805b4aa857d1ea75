"""SIGTERM: nobody new comes in, running transfers finish within the limit, then everything ends with 0."""

import signal
import time
import unittest

from stowage_rig import FtpsClient, Rig, descendants_of, kill, run_tests, wait_until


class SigtermDrains(unittest.TestCase):
    def rig(self, **settings):
        rig = Rig(departments=["lab1"], settings=settings)
        self.enterContext(rig)
        rig.create_lab("lab1")
        return rig, rig.add_user("alice", "lab1")

    def refuses_new_sessions(self, rig):
        try:
            FtpsClient(rig.ports, rig.gateway.certificate).drop()
            return False
        except (OSError, EOFError):
            return True

    def test_running_transfer_finishes(self):
        rig, password = self.rig(drain_timeout="20s")
        alice = rig.login("alice", password)
        data, _ = alice.ntransfercmd("STOR slow")
        data.sendall(b"first half, ")
        supervisor = rig.gateway.child
        kill(supervisor.pid, signal.SIGTERM)
        wait_until(lambda: self.refuses_new_sessions(rig), what="refusal of new sessions")
        self.assertTrue(supervisor.alive(), "it waits for the transfer")
        data.sendall(b"second half")
        data.unwrap()
        data.close()
        self.assertTrue(alice.voidresp().startswith("226"))
        self.assertEqual(supervisor.popen.wait(20), 0)
        self.assertEqual((rig.labs / "lab1" / "slow").read_bytes(), b"first half, second half")

    def test_idle_sessions_do_not_delay(self):
        rig, password = self.rig(drain_timeout="60s")
        rig.login("alice", password)
        began = time.monotonic()
        kill(rig.gateway.child.pid, signal.SIGINT)
        self.assertEqual(rig.gateway.child.popen.wait(30), 0)
        self.assertLess(time.monotonic() - began, 15)

    def test_limit_ends_what_never_ends(self):
        rig, password = self.rig(drain_timeout="2s")
        alice = rig.login("alice", password)
        data, _ = alice.ntransfercmd("STOR never")
        data.sendall(b"x")
        children = descendants_of(rig.gateway.child.pid)
        kill(rig.gateway.child.pid, signal.SIGTERM)
        self.assertEqual(rig.gateway.child.popen.wait(30), 0)
        data.close()
        self.assertFalse((rig.labs / "lab1" / "never").exists())
        self.assertTrue(children)


if __name__ == "__main__":
    run_tests()
