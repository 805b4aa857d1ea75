"""Downloads are encrypted by the kernel where it has the module tls, and go out by sendfile(2); where it has not, the
same bytes arrive."""

import os
import pathlib
import ssl
import unittest

import kernel_nfsd
from ftps_client import context_for
from guest_gateway import GuestGateway, format_labs_disk, mount_labs
from kernel_nfsd import run
from stowage_rig import run_tests

TIMEOUT = 300
DISKS = {"labs": "512M"}

COUNTERS = pathlib.Path("/proc/net/tls_stat")
TRACING = pathlib.Path("/sys/kernel/tracing")
DATA = os.urandom(3_000_001)
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def counters():
    return {name: int(value) for name, value in map(str.split, COUNTERS.read_text(encoding="ascii").splitlines())}


class KernelTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        format_labs_disk()
        mount_labs()
        kernel_nfsd.start()
        kernel_nfsd.end_grace()
        run("mount", "-t", "tracefs", "tracefs", str(TRACING))
        (TRACING / "events/syscalls/sys_enter_sendfile64/enable").write_text("1", encoding="ascii")
        cls.gateway = GuestGateway()
        cls.gateway.start()
        cls.addClassCleanup(cls.gateway.stop)
        cls.gateway.create_lab("lab1")
        cls.password = cls.gateway.add_user("alice", "lab1")

    def setUp(self):
        (TRACING / "trace").write_text("", encoding="ascii")

    def login(self, version):
        client = self.gateway.login("alice", self.password, context=context_for(self.gateway.certificate, version))
        self.addCleanup(client.drop)
        return client

    def sendfiles(self):
        return (TRACING / "trace").read_text(encoding="utf-8").count("sys_sendfile64(")

    def everything_arrives(self, version):
        """Whole, from the middle, and nothing of an empty file; fetch() waits for each one's close_notify."""
        client = self.login(version)
        client.store("data", DATA)
        client.store("empty", b"")
        self.assertEqual(client.fetch("data"), DATA)
        self.assertEqual(client.fetch("data", rest=1_234_567), DATA[1_234_567:])
        self.assertEqual(client.fetch("empty"), b"")
        lines = []
        client.retrlines("LIST", lines.append)
        self.assertEqual(len(lines), 2)
        client.quit()

    def test_1_without_the_module_the_same_bytes_arrive(self):
        self.assertFalse(COUNTERS.exists(), "the module is loaded already")
        for version in VERSIONS:
            with self.subTest(version.name):
                self.everything_arrives(version)
        self.assertEqual(self.sendfiles(), 0)

    def test_2_with_it_they_go_through_the_kernel(self):
        run("modprobe", "tls")
        for version in VERSIONS:
            with self.subTest(version.name):
                before, sent = counters(), self.sendfiles()
                self.everything_arrives(version)
                after = counters()
                self.assertEqual(after["TlsTxSw"] - before["TlsTxSw"], 3, "one for each download, none for the rest")
                self.assertEqual(after["TlsRxSw"], before["TlsRxSw"], "what is received is not the kernel's")
                self.assertGreater(self.sendfiles(), sent)
                self.assertEqual(after["TlsDecryptError"], before["TlsDecryptError"])

    def test_3_who_hangs_up_in_the_middle_leaves_nothing_behind(self):
        client = self.login(VERSIONS[1])
        client.store("data", DATA)
        connection = client.transfercmd("RETR data")
        self.assertTrue(connection.recv(1000))
        connection.close()
        self.assertTrue(client.refusal().startswith("426"))
        self.assertEqual(client.fetch("data"), DATA)
        client.quit()
        kernel_nfsd.wait_until(lambda: counters()["TlsCurrTxSw"] == 0, 20, "the end of every connection")


if __name__ == "__main__":
    run_tests()
