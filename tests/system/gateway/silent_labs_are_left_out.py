"""A lab whose filesystem answers nobody: what the NFS server can do without it is done at once, and what was left out
comes back with it."""

import os
import subprocess
import unittest

from silent_filesystem import SilentFilesystem
from stowage_rig import BINARIES, Rig, kill, nfs_reader, run_tests, skip, wait_until


class SilentLabs(unittest.TestCase):
    def rig_with(self, **settings):
        if not os.path.exists("/dev/fuse"):
            skip("no /dev/fuse")
        rig = Rig(labs="plain", settings=settings).__enter__()
        self.addCleanup(lambda: rig.__exit__(None, None, None))
        self.rig = rig
        return rig

    def state(self, lab):
        return self.rig.gateway.answer("lab", "show", lab)["state"]

    def is_served(self, lab):
        try:
            return "file" in str(nfs_reader.read_tree(BINARIES, self.rig.share(lab)))
        except Exception:  # pylint: disable=broad-exception-caught
            return False

    def log_lines(self, event):
        lines = self.rig.gateway.log_path.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if f"event={event} " in line]

    def on_file(self, lab):
        path = self.rig.gateway.state_dir / "ganesha" / "exports" / f"{lab}.conf"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def begin(self, *words):
        command = [BINARIES / "stowage", "--socket", self.rig.gateway.control_socket, *words]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: child.poll() is None and child.kill())
        return child

    def test_one_that_the_servers_start_left_out_comes_back_and_nobody_changed_it(self):
        rig = self.rig_with(**{"labs.drift": "report", "reconcile_interval": "5s"})
        rig.create_lab("lab1")
        wait_until(lambda: self.state("lab1") == "ready", 60, "a lab that is ready")
        (rig.labs / "lab1" / "file").write_text("x", encoding="ascii")
        wait_until(lambda: self.is_served("lab1"), 30, "the lab over NFS")
        with SilentFilesystem(rig, rig.labs / "lab1"):
            kill(rig.processes()["ganesha"]["pid"])
            wait_until(lambda: self.log_lines("export_skipped"), 90, "a start without the lab")
        wait_until(lambda: self.is_served("lab1"), 90, "the lab over NFS")
        self.assertEqual(self.log_lines("drift"), [])

    def test_who_is_no_client_any_more_is_shut_out_and_nobody_is_let_in(self):
        rig = self.rig_with(reconcile_interval="600s")
        rig.create_lab("lab1", "1GiB", "--clients", "127.0.0.0/8,10.5.0.0/16")
        wait_until(lambda: self.state("lab1") == "ready", 60, "a lab that is ready")
        with SilentFilesystem(rig, rig.labs / "lab1"):
            child = self.begin("lab", "set", "lab1", "--clients", "127.0.0.0/8,10.6.0.0/16")
            wait_until(lambda: "10.5.0.0/16" not in self.on_file("lab1"), 20, "an export without the former client")
            steps = wait_until(
                lambda: [line for line in self.log_lines("root_step") if "step=publish_export" in line][1:],
                20,
                "the end of the step",
            )
            self.assertIn("result=ok", steps[-1])
            self.assertIn("127.0.0.0/8", self.on_file("lab1"))
            self.assertNotIn("10.6.0.0/16", self.on_file("lab1"), "nobody has looked at the lab")
            self.assertIsNone(child.poll(), "the look goes on")
        child.wait(60)
        wait_until(lambda: "10.6.0.0/16" in self.on_file("lab1"), 120, "the new client")

    def test_one_that_is_deleted_is_served_to_nobody(self):
        rig = self.rig_with(reconcile_interval="600s")
        rig.create_lab("lab1")
        wait_until(lambda: self.state("lab1") == "ready", 60, "a lab that is ready")
        with SilentFilesystem(rig, rig.labs / "lab1"):
            child = self.begin("lab", "delete", "lab1")
            wait_until(lambda: not self.on_file("lab1"), 20, "the end of the export")
        child.wait(60)
        wait_until(lambda: rig.run("lab", "show", "lab1")[0] != 0, 60, "the end of the lab")


if __name__ == "__main__":
    run_tests()
