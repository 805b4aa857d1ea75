"""lftp of Debian 12: the scenario, and what only lftp does; explicit and implicit TLS.

Taken out (that a ticket is good for many transfers): trees up and down fail, in parallel and over implicit TLS too."""

import os
import shutil
import subprocess
import unittest

from client import Client, debian_version
import scenario
from stowage_rig import run_tests, skip
from tour import upload


class Lftp(Client):
    """`mirror` and `put` with default settings, but for the certificate."""

    name = "lftp"

    def version(self):
        return debian_version("lftp")

    def run(self, *commands, before=(), implicit=False):
        host, ports = self.host, self.host.ports
        address, port = ("ftps://127.0.0.1", ports.ftps_implicit) if implicit else ("127.0.0.1", ports.ftps)
        text = upload.script(host.certificate, address, port, host.user, host.password, commands)
        return upload.run("\n".join(before) + "\n" + text, host.scratch / "lftp-home")

    def upload_tree(self, local, remote):
        self.run(f"mirror -R {upload.quoted(local)} {upload.quoted(remote)}")

    def download_tree(self, remote, local):
        self.run(f"mirror {upload.quoted(remote)} {upload.quoted(local)}")

    def names(self, remote):
        listed = self.run(f"cd {upload.quoted(remote)}", "cls -1").splitlines()
        return [name.removeprefix("./") for name in listed]  # how lftp writes a file called ~

    def upload_with_time(self, local, remote):
        folder = self.host.scratch / "one file"
        folder.mkdir()
        shutil.copy2(local, folder / os.path.basename(remote))
        self.run(f"mirror -R {upload.quoted(folder)} {upload.quoted(os.path.dirname(remote))}")

    def download_with_time(self, remote, local):
        self.run(f"get {upload.quoted(remote)} -o {upload.quoted(local)}")

    def resume_upload(self, local, remote):
        self.run(f"put -c {upload.quoted(local)} -o {upload.quoted(remote)}")

    def resume_download(self, remote, local):
        self.run(f"get -c {upload.quoted(remote)} -o {upload.quoted(local)}")

    def rename(self, old, new):
        self.run(f"mv {upload.quoted(old)} {upload.quoted(new)}")

    def delete_tree(self, remote):
        self.run(f"rm -r {upload.quoted(remote)}")


class LftpWorks(scenario.Scenario):
    clients = (Lftp(),)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = Lftp()
        cls.client.start(cls.host_for("more"))

    def lftp(self, *commands, **options):
        return self.client.run(*commands, **options)

    def assert_same_tree(self, one, other):
        done = subprocess.run(["diff", "-r", str(one), str(other)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_parallel_and_implicit(self):
        for name, implicit, parallel in (("implicit", True, 1), ("parallel", False, 6)):
            with self.subTest(name):
                back = self.rig.folder / f"back-{name}"
                self.lftp(
                    f"mirror -R --parallel={parallel} {self.local} {name}",
                    f"mirror --parallel={parallel} {name} {back}",
                    implicit=implicit,
                )
                self.assert_same_tree(self.local, self.rig.labs / "lab1" / name)
                self.assert_same_tree(self.local, back)

    def test_second_mirror_transfers_nothing(self):
        self.lftp(f"mirror -R {self.local} again")
        output = self.lftp(f"mirror -R -v {self.local} again")
        self.assertNotIn("Transferring file", output)

    def test_tls_versions(self):
        for version, priority in (("1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.2"), ("1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.3")):
            with self.subTest(version):
                self.lftp(f"put /etc/os-release -o tls-{version}", before=[f'set ssl:priority "{priority}"'])
                self.assertTrue((self.rig.labs / "lab1" / f"tls-{version}").exists())

    def test_pget(self):
        whole = (self.local / "weights" / "model 1.bin").read_bytes()
        self.lftp(
            f"put '{self.local}/weights/model 1.bin' -o parts.bin",
            f"pget -n 4 parts.bin -o {self.rig.folder}/parts.bin",
        )
        self.assertEqual((self.rig.folder / "parts.bin").read_bytes(), whole)

    def test_paths_of_the_pods(self):
        output = self.lftp("mkdir -p one/two", "cd /mnt/nfs/one", "pwd", "rmdir two", "cd /", "rmdir one")
        self.assertIn("/mnt/nfs/one", output)
        self.assertFalse((self.rig.labs / "lab1" / "one").exists())

    def test_unpack_and_commit_as_in_the_members_guide(self):
        lab, archive = self.rig.labs / "lab1", self.rig.folder / "data.tar.zst"
        subprocess.run(["tar", "--zstd", "-cf", archive, "-C", self.local, "."], check=True)
        output = self.lftp(
            f"put {archive}",
            "quote SITE UNPACK data.tar.zst",
            "rm data.tar.zst",
            "mkdir old",
            "quote SITE COMMIT data old",
            "quote SITE COMMIT old published",
        )
        self.assertIn("safe on disk", output)
        self.assertIn("takes it back", output)
        self.assert_same_tree(self.local, lab / "published")
        self.assertEqual(list((lab / "data").iterdir()), [])

    def test_wrong_password(self):
        script = upload.script(self.rig.gateway.certificate, "127.0.0.1", self.rig.ports.ftps, "alice", "wrong", ["ls"])
        with self.assertRaises(Exception) as refused:
            upload.run(script, self.rig.folder / "lftp-home")
        self.assertIn("530", "\n".join(refused.exception.details))


if __name__ == "__main__":
    if not shutil.which("lftp"):
        skip("lftp is not installed")
    run_tests()
