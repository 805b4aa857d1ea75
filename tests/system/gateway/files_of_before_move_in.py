"""A directory that was there before the gateway: refused and left as it is, and by the admin guide's own lines its files
become the lab's, for members and pods. Whatever else lay there gains nobody anything."""

import hashlib
import os
import re
import stat
import subprocess
import unittest

from stowage_rig import BINARIES, SOURCE, Rig, nfs_reader, run_tests

GUIDE = SOURCE / "deploy" / "docs" / "admin-guide.md"


def lines_of_the_guide():
    """The indented lines of its section."""
    section = GUIDE.read_text(encoding="utf-8").partition("### A directory that was there before\n")[2]
    section = section.partition("\n##")[0]
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


class FilesOfBeforeMoveIn(unittest.TestCase):
    def setUp(self):
        self.rig = Rig().__enter__()
        self.addCleanup(lambda: self.rig.__exit__(None, None, None))

    def make_directory_of_before(self, folder):
        """With what a hostile client may have left there."""
        (folder / "data").mkdir(parents=True)
        files = {"data/model": b"weights" * 1000, ".hidden": b"h", "notes with blanks": b"n", "-rf": b"dash"}
        files |= {"ä": b"a", "ö": b"o", "victim": b"v"}
        (folder / "cr\r\nDELE victim").write_bytes(b"a command")
        (folder / os.fsdecode(b"lat\xe4")).write_bytes(b"no UTF-8")
        for name, content in files.items():
            (folder / name).write_bytes(content)
            os.chown(folder / name, 1234, 5678)
            os.chmod(folder / name, 0o600)
        os.chmod(folder / "data", 0o777)
        outside = self.rig.folder / "outside"
        outside.write_bytes(b"root's own")
        outside.chmod(0o600)
        os.symlink(outside, folder / "link")
        os.symlink(self.rig.folder, folder / "folder")
        os.mkfifo(folder / "fifo")
        os.mknod(folder / "device", stat.S_IFBLK | 0o666, os.makedev(7, 999))
        return files

    def follow(self, lines):
        """As an admin types them; the password's line comes from the gateway, and lftp gets it by standard input."""
        *before, mirror = [line.replace("/mnt/nfs", str(self.rig.labs)) for line in lines]
        command = f"{BINARIES}/stowage --socket {self.rig.gateway.control_socket} "
        script = "\n".join(line.replace("stowage ", command, 1) for line in before if "user add" not in line)
        done = subprocess.run(["sh", "-euc", script.replace("10TiB", "1GiB")], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("stowage user add alice --lab lab1", before)
        password = self.rig.add_user("alice", "lab1")
        commands = re.search("'(.*)'", mirror)[1].replace("/run/stowage/certificate.pem", str(self.rig.gateway.certificate))
        settings, upload = commands.rsplit("; mirror ", 1)
        login = f"open -u alice,{password} -p {self.rig.ports.ftps} 127.0.0.1"
        text = "\n".join(["set cmd:fail-exit yes", settings, login, "mirror " + upload])
        home = {"HOME": str(self.rig.folder), "LFTP_HOME": str(self.rig.folder / "lftp"), "PATH": os.environ["PATH"], "LC_ALL": "C"}
        done = subprocess.run(["lftp", "-f", "/dev/stdin"], input=text, env=home, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return password

    def test_by_the_lines_of_the_guide(self):
        before = self.rig.labs / "lab1"
        files = self.make_directory_of_before(before)
        code, words = self.rig.run("lab", "create", "lab1")
        self.assertNotEqual(code, 0)
        self.assertIn("exists already", words)
        self.assertEqual((before / "data/model").stat().st_uid, 1234)

        client = self.rig.login("alice", self.follow(lines_of_the_guide()))
        for name, content in files.items():
            self.assertEqual(client.fetch(name), content)
        client.store("data/model", b"newer")
        client.quit()
        shared = nfs_reader.read_tree(BINARIES, self.rig.share("lab1"))
        self.assertEqual(shared["data/model"].sha256, hashlib.sha256(b"newer").hexdigest())
        uid = self.rig.labs.joinpath("lab1").stat().st_uid
        for path in self.rig.labs.joinpath("lab1").rglob("*"):
            if ".stowage" in path.parts:
                continue
            seen = path.lstat()
            self.assertTrue(stat.S_ISREG(seen.st_mode) or stat.S_ISDIR(seen.st_mode), path)
            self.assertEqual(seen.st_uid, uid, path)
            self.assertFalse(seen.st_mode & 0o007, f"{path} is others', too")
        self.assertEqual((self.rig.labs / "lab1" / os.fsdecode(b"lat\xe4")).read_bytes(), b"no UTF-8")
        contents = [file.sha256 for file in shared.values()]
        self.assertNotIn(hashlib.sha256(b"root's own").hexdigest(), contents, "a link was followed")


if __name__ == "__main__":
    run_tests()
