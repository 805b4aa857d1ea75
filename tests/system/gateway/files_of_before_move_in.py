"""A directory that was there before the gateway: refused and left as it is, and by the admin guide's own lines its files
become the lab's, for members and pods."""

import hashlib
import os
import pathlib
import re
import subprocess
import unittest

from stowage_rig import BINARIES, SOURCE, Rig, nfs_reader, run_tests

GUIDE = SOURCE / "deploy" / "docs" / "admin-guide.md"


def lines_of_the_guide():
    """The indented lines of its section."""
    section = GUIDE.read_text(encoding="utf-8").partition("### A directory that was there before\n")[2]
    section = section.partition("\n## ")[0]
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


class FilesOfBeforeMoveIn(unittest.TestCase):
    def setUp(self):
        self.rig = Rig().__enter__()
        self.addCleanup(lambda: self.rig.__exit__(None, None, None))
        self.root = self.rig.labs

    def test_by_the_lines_of_the_guide(self):
        before = self.root / "lab1"
        (before / "data").mkdir(parents=True)
        files = {"data/model": b"weights" * 1000, ".hidden": b"h", "notes with blanks": b"n"}
        for name, content in files.items():
            (before / name).write_bytes(content)
            os.chown(before / name, 1234, 5678)
            os.chmod(before / name, 0o600)
        os.symlink("/etc/shadow", before / "link")
        owner_of_shadow = os.stat("/etc/shadow").st_uid
        code, words = self.rig.run("lab", "create", "lab1")
        self.assertNotEqual(code, 0)
        self.assertIn("exists already", words)
        self.assertEqual((before / "data/model").stat().st_uid, 1234)

        lines = lines_of_the_guide()
        self.assertTrue(lines[-1].startswith("rmdir"), lines)
        command = f"{BINARIES}/stowage --socket {self.rig.gateway.control_socket}"
        script = "\n".join(lines).replace("/mnt/nfs", str(self.root)).replace("stowage lab", f"{command} lab")
        script = re.sub(r"--quota \S+", "--quota 1GiB", script)
        done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

        client = self.rig.login("alice", self.rig.add_user("alice", "lab1"))
        for name, content in files.items():
            self.assertEqual(client.fetch(name), content)
        client.store("data/model", b"newer")
        client.quit()
        self.assertEqual(os.stat("/etc/shadow").st_uid, owner_of_shadow, "a link was followed")
        shared = nfs_reader.read_tree(BINARIES, self.rig.share("lab1"))
        self.assertEqual(shared["data/model"].sha256, hashlib.sha256(b"newer").hexdigest())
        self.assertFalse((self.root / "lab1.before").exists())


if __name__ == "__main__":
    run_tests()
