"""lftp of Debian 12: a tree up and down, resumption, rename, delete; explicit and implicit TLS."""

import shutil
import subprocess
import unittest

from stowage_rig import Rig, run_tests, skip
from tour import dataset, upload


@unittest.skipUnless(shutil.which("lftp"), "lftp is not installed")
class LftpWorks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(departments=["lab1"]).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.rig.create_lab("lab1")
        cls.password = cls.rig.add_user("alice", "lab1")
        cls.local = cls.rig.folder / "dataset"
        dataset.make(cls.local)

    def lftp(self, *commands, before=(), implicit=False):
        rig = self.rig
        host, port = ("ftps://127.0.0.1", rig.ports.ftps_implicit) if implicit else ("127.0.0.1", rig.ports.ftps)
        text = upload.script(rig.gateway.certificate, host, port, "alice", self.password, commands)
        return upload.run("\n".join(before) + "\n" + text, rig.folder / "lftp-home")

    def assert_same_tree(self, one, other):
        done = subprocess.run(["diff", "-r", str(one), str(other)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_tree_up_and_down(self):
        for name, implicit, parallel in (("explicit", False, 1), ("implicit", True, 1), ("parallel", False, 6)):
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

    def test_resume(self):
        whole = (self.local / "weights" / "model 1.bin").read_bytes()
        half = self.rig.folder / "model"
        half.write_bytes(whole[: len(whole) // 2])
        self.lftp(f"put {half} -o resumed.bin")
        half.write_bytes(whole)
        self.lftp(f"put -c {half} -o resumed.bin")
        self.assertEqual((self.rig.labs / "lab1" / "resumed.bin").read_bytes(), whole)
        down = self.rig.folder / "down.bin"
        down.write_bytes(whole[:1000])
        self.lftp(f"get -c resumed.bin -o {down}")
        self.assertEqual(down.read_bytes(), whole)

    def test_pget(self):
        whole = (self.local / "weights" / "model 1.bin").read_bytes()
        self.lftp(
            f"put '{self.local}/weights/model 1.bin' -o parts.bin",
            f"pget -n 4 parts.bin -o {self.rig.folder}/parts.bin",
        )
        self.assertEqual((self.rig.folder / "parts.bin").read_bytes(), whole)

    def test_rename_delete_list(self):
        lab = self.rig.labs / "lab1"
        output = self.lftp(
            "mkdir -p one/two",
            "put /etc/os-release -o one/two/file",
            "mv one/two/file 'one/two/new name'",
            "cls -1 one/two",
            "cd /mnt/nfs/one",
            "pwd",
            "rm 'two/new name'",
            "rmdir two",
            "cd /",
            "rmdir one",
        )
        self.assertIn("new name", output)
        self.assertFalse((lab / "one").exists())

    def test_unpack_and_commit_as_in_the_members_guide(self):
        lab, archive = self.rig.labs / "lab1", self.rig.folder / "data.tar.zst"
        subprocess.run(["tar", "--zstd", "-cf", archive, "-C", self.local, "."], check=True)
        output = self.lftp(
            f"put {archive}", "quote SITE UNPACK data.tar.zst", "rm data.tar.zst",
            "mkdir old", "quote SITE COMMIT data old", "quote SITE COMMIT old published",
        )  # fmt: skip
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
