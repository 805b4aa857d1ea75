"""Two labs on XFS with project quotas, mounted by two nodes with the kernel's NFS client: uploads by lftp and curl show
up whole and only then, a full lab is full from both sides, and freed room is room again. (The package, systemd and the
reboot: package_lives and handles_outlive_a_reboot.)"""

import errno
import ftplib
import os
import pathlib
import subprocess
import unittest

import kernel_nfsd
from guest_gateway import GuestGateway, format_labs_disk, mount_labs
from kernel_nfsd import run
from nodes import Node, let_go_of_refused
from stowage_rig import run_tests
from tour import dataset, upload

TIMEOUT = 600
DISKS = {"labs": "1G"}

QUOTA = 64 << 20
MEBIBYTE = 1 << 20


class EndToEnd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        format_labs_disk("xfs")
        mount_labs("xfs", "prjquota,nosuid,nodev")
        kernel_nfsd.start()
        kernel_nfsd.end_grace()
        cls.gateway = GuestGateway()
        cls.gateway.start()
        cls.addClassCleanup(cls.gateway.stop)
        cls.nodes = [Node("node1", 1), Node("node2", 2)]
        cls.labs, cls.passwords, cls.mounts = {}, {}, {}
        for lab, user in (("lab1", "alice"), ("lab2", "bob")):
            cls.labs[lab] = cls.gateway.create_lab(lab, "--quota", "64MiB")
            cls.passwords[user] = cls.gateway.add_user(user, lab)
            cls.mounts[lab] = [node.mount(cls.labs[lab]["directory"]) for node in cls.nodes]

    def test_quota_is_the_kernels(self):
        self.assertEqual(self.labs["lab1"]["quota_backend"], "xfs")
        seen = os.statvfs(self.mounts["lab1"][0])
        self.assertEqual(seen.f_blocks * seen.f_frsize, QUOTA, "a pod's df shows the quota")

    def test_lftp_uploads_a_tree_that_both_nodes_see(self):
        source = pathlib.Path("/run/tree")
        digests = dataset.make(source)
        commands = [f"mirror -R --parallel=2 {upload.quoted(source)} tree"]
        script = upload.script(self.gateway.certificate, "127.0.0.1", 21, "alice", self.passwords["alice"], commands)
        upload.run(script, pathlib.Path("/run/lftp-home"))
        for mounted in self.mounts["lab1"]:
            run("diff", "-r", str(source), str(mounted / "tree"))
        self.assertGreater(len(digests), 10)

    def test_curl_uploads_to_the_other_lab(self):
        source = pathlib.Path("/run/by-curl")
        source.write_bytes(os.urandom(3 * MEBIBYTE + 1))
        netrc = pathlib.Path("/run/netrc")
        netrc.write_text(f"machine 127.0.0.1 login bob password {self.passwords['bob']}\n", encoding="ascii")
        run(
            *("curl", "-sS", "--ssl-reqd", "--cacert", str(self.gateway.certificate), "--netrc-file", str(netrc)),
            *("-T", str(source), "ftp://127.0.0.1/by-curl"),
        )
        for mounted in self.mounts["lab2"]:
            self.assertEqual((mounted / "by-curl").read_bytes(), source.read_bytes())
        for mounted in self.mounts["lab1"]:
            self.assertFalse((mounted / "by-curl").exists(), "in the other lab")

    def test_a_running_upload_is_not_seen_before_its_end(self):
        client = self.gateway.login("alice", self.passwords["alice"])
        data = os.urandom(2 * MEBIBYTE)
        connection = client.transfercmd("STOR running.bin")
        connection.sendall(data[:MEBIBYTE])
        for mounted in self.mounts["lab1"]:
            self.assertNotIn("running.bin", os.listdir(mounted))
        connection.sendall(data[MEBIBYTE:])
        connection.unwrap()
        connection.close()
        self.assertTrue(client.voidresp().startswith("226"))
        for mounted in self.mounts["lab1"]:
            self.assertEqual((mounted / "running.bin").read_bytes(), data)
        client.quit()

    def test_full_from_both_sides_and_free_again(self):
        mounted = self.mounts["lab2"][0]
        filler = mounted / "filler"
        with self.assertRaises(OSError) as full:
            with open(filler, "wb") as file:
                for _ in range(2 * QUOTA // MEBIBYTE):
                    file.write(bytes(MEBIBYTE))
                    file.flush()
                    os.fsync(file.fileno())
        self.assertIn(full.exception.errno, (errno.EDQUOT, errno.ENOSPC))
        let_go_of_refused()
        client = self.gateway.login("bob", self.passwords["bob"])
        try:
            said = client.store("too-much", bytes(4 * MEBIBYTE))
        except ftplib.error_perm as refused:
            said = str(refused)
        except OSError:  # the data connection was closed before all was sent
            said = client.refusal()
        self.assertTrue(said.startswith("552"), said)
        filler.unlink()
        self.assertTrue(client.store("fits-again", bytes(4 * MEBIBYTE)).startswith("226"))
        (mounted / "fits-too").write_bytes(bytes(4 * MEBIBYTE))
        client.quit()

    def test_the_other_lab_has_its_own_room(self):
        (self.mounts["lab1"][1] / "room").write_bytes(bytes(8 * MEBIBYTE))
        subprocess.run(["rm", str(self.mounts["lab1"][1] / "room")], check=True)


if __name__ == "__main__":
    run_tests()
