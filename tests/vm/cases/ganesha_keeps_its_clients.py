"""NFS-Ganesha of the gateway's own, mounted by the kernel's NFS client: whoever writes and syncs loses nothing while
twenty labs come and go, nor when Ganesha is killed; `stowage clients` tells who is there."""

import fcntl
import os
import pathlib
import signal
import subprocess
import threading
import time
import unittest

from guest_gateway import GuestGateway, format_labs_disk, mount_labs
from kernel_nfsd import run, wait_until
from nodes import Node
from stowage_rig import run_tests

TIMEOUT = 600
DISKS = {"labs": "1G"}

LABS_THAT_COME_AND_GO = 20
PACE_SECONDS = 0.1
# Grace period and lease of Ganesha are 20 s each; a client asks again after some more.
RECOVERY_SECONDS = 120


class Writer(threading.Thread):
    """A pod that appends a line each 100 ms and syncs it, with a lock on its file."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o660)
        fcntl.lockf(self.file, fcntl.LOCK_EX)
        self.lines, self.worst, self.failure = 0, 0.0, None
        self.over = threading.Event()

    def run(self):
        try:
            while not self.over.wait(PACE_SECONDS):
                began = time.monotonic()
                os.write(self.file, f"{self.lines}\n".encode())
                os.fsync(self.file)
                self.lines += 1
                self.worst = max(self.worst, time.monotonic() - began)
        except OSError as failure:
            self.failure = failure

    def has_written(self, more):
        wanted = self.lines + more
        wait_until(lambda: self.failure or self.lines >= wanted, RECOVERY_SECONDS, f"{more} more lines")

    def stop(self):
        self.over.set()
        self.join(RECOVERY_SECONDS)
        os.close(self.file)


class GaneshaKeepsItsClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        run("modprobe", "-a", "nfs", "nfsv4")
        run("mount", "-t", "rpc_pipefs", "rpc_pipefs", "/run/rpc_pipefs", check=False)
        format_labs_disk()
        mount_labs()
        cls.node, cls.other = Node("node1", 1), Node("node2", 2)
        cls.gateway = GuestGateway(nfs__server="ganesha")
        cls.gateway.start()
        cls.addClassCleanup(cls.gateway.stop)
        cls.lab = cls.gateway.create_lab("steady")
        cls.mounted = cls.node.mount(cls.lab["directory"])

    def write_while(self, name, work):
        """What the pod saw, after `work` is done."""
        writer = Writer(self.mounted / name)
        writer.start()
        writer.has_written(3)
        try:
            work(writer)
            writer.has_written(3)
        finally:
            writer.stop()
        print(f"{name}: {writer.lines} lines, the slowest took {writer.worst:.2f} s", flush=True)
        self.assertIsNone(writer.failure)
        kept = pathlib.Path(self.lab["directory"], name).read_text(encoding="ascii").split()
        self.assertEqual(kept, [str(number) for number in range(writer.lines)])
        return writer

    def test_twenty_labs_come_and_go_beside_one_that_writes(self):
        def come_and_go(_):
            for number in range(LABS_THAT_COME_AND_GO):
                self.gateway.command("lab", "create", f"other{number}")
                self.gateway.command("lab", "delete", f"other{number}")

        writer = self.write_while("beside-others", come_and_go)
        self.assertLess(writer.worst, 5)

    def test_killed_ganesha_comes_back_and_its_client_goes_on_with_its_lock(self):
        def kill(writer):
            before = self.gateway.pids()["ganesha"]
            os.kill(before, signal.SIGKILL)
            wait_until(lambda: self.gateway.pids().get("ganesha", before) != before, 60, "another Ganesha")
            writer.has_written(3)
            seen = self.other.mount(self.lab["directory"])
            # The lock was reclaimed: nobody else gets it.
            taken = subprocess.run(
                ["flock", "--nonblock", "--conflict-exit-code", "9", seen / "over-a-kill", "true"], check=False
            )
            run("umount", str(seen))
            self.assertEqual(taken.returncode, 9)

        self.write_while("over-a-kill", kill)

    def test_clients_are_listed(self):
        (self.mounted / "seen").write_text("seen", encoding="ascii")
        clients = self.gateway.answer("clients", "steady")["clients"]
        mine = [client for client in clients if client["address"] == self.node.address]
        self.assertEqual(len(mine), 1, clients)
        self.assertEqual(mine[0]["version"], "4.2")
        self.assertIn("steady", mine[0]["labs"])
        self.assertLess(mine[0]["seen_s"], 60)


if __name__ == "__main__":
    run_tests()
