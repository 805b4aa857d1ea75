"""An NFS-Ganesha that runs as a service of the machine, with exports of its own, takes labs over the system's bus: the
gateway starts none, touches nothing of others, and puts labs back when the service forgot them.

The bus is a real one, at its own place, in a mount namespace of this test."""

import ctypes
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from stowage_rig import BINARIES, Failed, Rig, need_root, nfs_reader, run_tests, skip, wait_until

_CLONE_NEWNS = 0x00020000
# The second Export_Id is the one that the gateway would give its second lab.
CONFIG = """
NFS_CORE_PARAM {{ NFS_Port = {port}; Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false;
    mount_path_pseudo = true; }}
NFSv4 {{ Graceless = true; RecoveryBackend = fs; RecoveryRoot = "{folder}"; Only_Numeric_Owners = true; }}
EXPORT {{ Export_Id = 1; Path = {folder}/first; Pseudo = {folder}/first; Access_Type = RO; Squash = none;
    SecType = sys; FSAL {{ Name = VFS; }} }}
EXPORT {{ Export_Id = 1002; Path = {folder}/second; Pseudo = {folder}/second; Access_Type = RO; Squash = none;
    SecType = sys; FSAL {{ Name = VFS; }} }}
"""


def with_a_bus_of_our_own():
    if not os.path.exists("/usr/bin/ganesha.nfsd") or not os.path.exists("/usr/bin/dbus-daemon"):
        skip("nfs-ganesha or dbus is not installed")
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) != 0:
        skip(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    pathlib.Path("/run/dbus").mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/dbus"], check=True)


class Service:
    """The machine's NFS-Ganesha; what systemd's units would run."""

    def __init__(self, port, folder):
        self.folder, self.port = folder, port
        self.bus = subprocess.Popen(["dbus-daemon", "--system", "--nofork", "--nopidfile", "--nosyslog"])
        wait_until(lambda: os.path.exists("/run/dbus/system_bus_socket"), 30, "the system's bus")
        for name in ("first", "second"):
            (folder / name).mkdir()
            (folder / name / "file").write_text(f"{name}, of others", encoding="ascii")
        self.process = None

    def start(self, more=""):
        config = self.folder / "ganesha.conf"
        config.write_text(CONFIG.format(port=self.port, folder=self.folder) + more, encoding="ascii")
        words = ["-F", "-f", config, "-L", self.folder / "log", "-p", self.folder / "pid"]
        self.process = subprocess.Popen(["ganesha.nfsd", *words])
        wait_until(lambda: self.serves(self.folder / "first"), 60, "the machine's NFS-Ganesha")

    def serves(self, path):
        try:
            return nfs_reader.read_tree(BINARIES, nfs_reader.url("127.0.0.1", self.port, path))
        except Failed:
            return None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def end(self):
        self.stop()
        self.bus.kill()
        self.bus.wait()


class ForeignGanesha(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        settings = {"nfs.dbus_executable": "", "reconcile_interval": "5s"}
        cls.rig = Rig(departments=["lab1", "lab2", "short"], settings=settings, start=False).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        folder = tempfile.TemporaryDirectory(prefix="stowage-test-ganesha-")
        cls.addClassCleanup(folder.cleanup)
        cls.service = Service(cls.rig.ports.nfs, pathlib.Path(folder.name))
        cls.service.start()
        cls.addClassCleanup(lambda: cls.service.end())
        cls.rig.gateway.start()
        cls.rig.create_lab("lab1")
        (cls.rig.labs / "lab1" / "file").write_text("of a lab", encoding="ascii")

    def why(self, lab):
        return self.rig.gateway.answer("lab", "show", lab)["why"]

    def is_ready(self, lab):
        return self.rig.gateway.answer("lab", "show", lab)["state"] == "ready"

    def assert_others_are_served(self):
        for name in ("first", "second"):
            self.assertIn("file", self.service.serves(self.service.folder / name))

    def test_1_a_lab_is_served_and_nothing_was_started(self):
        self.assertIn("file", self.service.serves(self.rig.labs / "lab1"))
        self.assertFalse({"ganesha", "dbus"} & set(self.rig.gateway.pids()))
        self.rig.gateway.command("verify", "lab1")
        clients = self.rig.gateway.answer("clients", "lab1")["clients"]
        self.assertIn("127.0.0.1", [client["address"] for client in clients])

    def test_2_an_export_id_of_somebody_else_is_not_taken(self):
        code, said = self.rig.run("lab", "create", "lab2")
        self.assertNotEqual(code, 0, said)
        taken = f"Export_Id 1002 for {self.service.folder}/second, which is not stowage's"
        self.assertIn(taken, " ".join(said.split()))
        self.assert_others_are_served()
        self.rig.gateway.command("lab", "delete", "lab2")
        self.assert_others_are_served()

    def test_3_a_lab_that_goes_takes_nothing_along(self):
        self.rig.create_lab("short")
        self.assertIsNotNone(self.service.serves(self.rig.labs / "short"))
        self.rig.gateway.command("lab", "delete", "short")
        self.assertIsNone(self.service.serves(self.rig.labs / "short"))
        self.assert_others_are_served()
        self.assertTrue(self.is_ready("lab1"))

    def test_4_what_the_service_forgot_comes_back(self):
        self.service.stop()
        try:
            wait_until(lambda: "systemctl start nfs-ganesha" in self.why("lab1"), 120, "what to start is said")
        finally:
            self.service.start()
        wait_until(lambda: self.service.serves(self.rig.labs / "lab1"), 120, "the lab's return")
        wait_until(lambda: self.is_ready("lab1"), 120, "a lab that is ready")

    def test_5_with_the_line_of_the_guide_the_service_has_the_labs_by_itself(self):
        self.rig.gateway.stop()
        self.service.stop()
        self.service.start(f"%include {self.rig.gateway.state_dir}/ganesha/exports.conf\n")
        self.assertIn("file", self.service.serves(self.rig.labs / "lab1"))
        self.rig.gateway.start()
        wait_until(lambda: self.is_ready("lab1"), 120, "a lab that is ready")
        self.assert_others_are_served()


if __name__ == "__main__":
    need_root()
    with_a_bus_of_our_own()
    run_tests()
