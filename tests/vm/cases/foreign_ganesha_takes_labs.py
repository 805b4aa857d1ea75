"""An NFS-Ganesha that runs as a service of the machine, with an export of its own, takes labs over the system's bus:
the gateway starts none, touches nothing of others, and puts labs back when the service forgot them."""

import os
import pathlib
import signal
import subprocess
import unittest

from guest_gateway import GuestGateway, format_labs_disk, mount_labs
from kernel_nfsd import run, wait_until
from nodes import Node
from stowage_rig import run_tests

TIMEOUT = 600
DISKS = {"labs": "512M", "foreign": "64M"}

LOG = pathlib.Path("/run/ganesha.log")
CONFIG = pathlib.Path("/etc/ganesha/ganesha.conf")
# The Export_Id of the second one is what the gateway would give its second lab.
FOREIGN = """
NFS_CORE_PARAM { Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false; mount_path_pseudo = true; }
NFSv4 { Graceless = true; RecoveryBackend = fs; }
EXPORT { Export_Id = 1; Path = /srv/foreign; Pseudo = /srv/foreign; Access_Type = RW; Squash = none;
    SecType = sys; FSAL { Name = VFS; } }
EXPORT { Export_Id = 1002; Path = /srv/foreign/second; Pseudo = /srv/foreign/second; Access_Type = RW;
    Squash = none; SecType = sys; FSAL { Name = VFS; } }
"""


class Service:
    """What systemd's units would run."""

    def __init__(self):
        self.process = None

    def start(self, more=""):
        CONFIG.write_text(FOREIGN + more, encoding="ascii")
        self.process = subprocess.Popen(["ganesha.nfsd", "-F", "-f", CONFIG, "-L", LOG])
        try:
            wait_until(lambda: ":2049 " in run("ss", "-ltn"), 60, "the machine's NFS-Ganesha")
        except AssertionError:
            print(LOG.read_text(encoding="utf-8", errors="replace")[-4000:], flush=True)
            raise

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class ForeignGanesha(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        format_labs_disk()
        mount_labs()
        run("mkfs.ext4", "-q", "/dev/disk/stowage/foreign")
        pathlib.Path("/srv/foreign").mkdir()
        run("mount", "/dev/disk/stowage/foreign", "/srv/foreign")
        pathlib.Path("/srv/foreign/second").mkdir()
        pathlib.Path("/run/dbus").mkdir()
        pathlib.Path("/run/ganesha").mkdir()
        run("dbus-daemon", "--system", "--fork")
        cls.service = Service()
        cls.service.start()
        cls.addClassCleanup(lambda: cls.service.stop())
        cls.node = Node("node1", 1)
        cls.gateway = GuestGateway(nfs__server="ganesha", nfs__dbus_executable="", reconcile_interval="5s")
        cls.gateway.start()
        cls.addClassCleanup(cls.gateway.stop)
        cls.lab = cls.gateway.create_lab("lab1")
        cls.mounted = cls.node.mount(cls.lab["directory"])

    def is_ready(self, lab):
        return self.gateway.answer("lab", "show", lab)["state"] == "ready"

    def test_1_a_lab_is_mounted_and_nothing_was_started(self):
        (self.mounted / "file").write_text("by a pod", encoding="ascii")
        self.assertEqual(os.stat(f"{self.lab['directory']}/file").st_uid, self.lab["uid"])
        self.assertFalse({"ganesha", "dbus"} & set(self.gateway.pids()))
        clients = self.gateway.answer("clients", "lab1")["clients"]
        self.assertIn(self.node.address, [client["address"] for client in clients])
        self.assertIn("on the system's bus", self.gateway.log_path.read_text(encoding="utf-8"))

    def test_2_an_export_id_of_somebody_else_is_not_taken(self):
        code, said = self.gateway.try_command("lab", "create", "lab2")
        self.assertNotEqual(code, 0, said)
        self.assertIn("NFS-Ganesha has Export_Id 1002 for /srv/foreign/second, which is not stowage's", said)
        seen = self.node.mount("/srv/foreign/second")
        (seen / "still").write_text("there", encoding="ascii")
        run("umount", str(seen))
        self.gateway.command("lab", "delete", "lab2")

    def test_3_a_lab_that_goes_takes_nothing_along(self):
        self.gateway.create_lab("short")
        self.gateway.command("lab", "delete", "short")
        self.assertIn("No such file", self.node.refusal("/mnt/nfs/short"))
        seen = self.node.mount("/srv/foreign")
        run("umount", str(seen))

    def test_4_what_the_service_forgot_comes_back(self):
        self.service.stop()
        why = lambda: self.gateway.answer("lab", "show", "lab1")["why"]  # noqa: E731
        try:
            wait_until(lambda: "systemctl start nfs-ganesha" in why(), 240, "a lab that says what to start")
        finally:
            self.service.start()
        wait_until(lambda: self.is_ready("lab1"), 120, "the lab's return")
        self.assertEqual((self.mounted / "file").read_text(encoding="ascii"), "by a pod")

    def test_5_with_the_line_of_the_guide_the_service_has_the_labs_by_itself(self):
        self.gateway.stop()
        self.service.stop()
        self.service.start(f"%include {self.gateway.state_dir}/ganesha/exports.conf\n")
        self.assertEqual((self.mounted / "file").read_text(encoding="ascii"), "by a pod")
        self.gateway.start()
        wait_until(lambda: self.is_ready("lab1"), 60, "a lab that is ready")


if __name__ == "__main__":
    run_tests()
