"""`stowage restore` changes all that the backup holds or nothing: not on a full disk, not from a newer stowage, not under
a gateway that runs, and not at places that this machine's own configuration does not know, unless somebody says yes."""

import hashlib
import os
import pty
import shutil
import sqlite3
import subprocess
import unittest

from stowage_rig import BINARIES, Rig, run_tests

# /etc of its own, with this configuration in it, for one command.
_OWN_ETC = (
    'mount -t tmpfs own-etc "$1" && mkdir "$1/upper" "$1/work" &&'
    ' mount -t overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" own-etc /etc && mkdir -p /etc/stowage &&'
    ' printf %s "$2" >/etc/stowage/stowage.yaml && shift 2 && exec "$@"'
)


class RestoreIsWholeOrNothing(unittest.TestCase):
    def setUp(self):
        self.rig = Rig(labs="plain").__enter__()
        self.addCleanup(lambda: self.rig.__exit__(None, None, None))
        self.config = self.rig.gateway.config_path
        self.folder, self.state = self.rig.folder / "backup", self.rig.gateway.state_dir
        self.rig.create_lab("lab1")
        code, words = self.rig.run("backup", str(self.folder), "--config", str(self.config))
        self.assertEqual(code, 0, words)

    def stop(self):
        self.assertEqual(self.rig.gateway.stop(), 0)

    def restore(self):
        return self.rig.run("restore", str(self.folder), "--replace", "--config", str(self.config))

    def change(self, name, change):
        """A file of the backup, which is whole afterwards."""
        path = self.folder / name
        path.write_bytes(change(path.read_bytes()))
        self.sum_up()

    def sum_up(self):
        sums = self.folder / "SHA256SUMS"
        names = [line.split()[1] for line in sums.read_text().splitlines()]
        digests = {name: hashlib.sha256((self.folder / name).read_bytes()).hexdigest() for name in names}
        sums.write_text("".join(f"{digest}  {name}\n" for name, digest in digests.items()))

    def files(self):
        found = (path for path in self.state.rglob("*") if path.is_file() and path.name != "lock")
        return {str(path.relative_to(self.state)): path.read_bytes() for path in found}

    def test_full_disk_changes_nothing(self):
        self.stop()
        kept = self.rig.folder / "kept-state"
        shutil.copytree(self.state, kept)
        used = sum(len(content) + 4096 for content in self.files().values())
        self.rig.journal.record("mount", path=str(self.state))
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={used + (1 << 20)}", "small", self.state], check=True)
        shutil.copytree(kept, self.state, dirs_exist_ok=True)
        (self.state / "controller/stowage.db-wal").write_bytes(b"what the database has not yet")
        self.change("certificate.pem", lambda text: b"another " + text)
        self.change("stowage.db", lambda content: content + bytes(8 << 20))
        before = self.files()
        code, words = self.restore()
        self.assertEqual(code, 1, words)
        self.assertIn("No space left", words)
        self.assertEqual(self.files(), before)

    def test_log_of_the_former_database_goes_with_it(self):
        self.stop()
        for ending in ("-wal", "-shm"):
            (self.state / f"controller/stowage.db{ending}").write_bytes(b"of the former one")
        code, words = self.restore()
        self.assertEqual(code, 0, words)
        self.assertEqual([name for name in self.files() if "-wal" in name or "-shm" in name or "/." in name], [])
        self.rig.gateway.start()

    def test_state_of_a_newer_stowage_is_left_alone(self):
        self.stop()
        with sqlite3.connect(self.folder / "stowage.db") as database:
            database.execute("PRAGMA user_version = 999")
        database.close()
        self.sum_up()
        before = self.files()
        code, words = self.restore()
        self.assertEqual(code, 78, words)
        self.assertIn("newer stowage", words)
        self.assertEqual(self.files(), before)
        self.change("stowage.db", lambda content: b"something else")
        self.assertIn("no state of a gateway", self.restore()[1])
        self.assertEqual(self.files(), before)

    def beside(self, installed, answer=None, more=()):
        """The saved configuration says where files go; `installed` is what this machine's says. Nobody is there to
        answer, or somebody at a terminal is."""
        place = self.rig.folder / "own-etc"
        place.mkdir(exist_ok=True)
        terminal, slave = pty.openpty()
        try:
            if answer:
                os.write(terminal, answer)
            done = subprocess.run(
                ["unshare", "--mount", "sh", "-euc", _OWN_ETC, "own-etc", place, installed]
                + [BINARIES / "stowage", "restore", self.folder, "--replace", *more],
                stdin=slave if answer else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        finally:
            os.close(slave)
            os.close(terminal)
        return done.returncode, done.stdout

    def test_places_that_this_machine_does_not_know_are_asked_about(self):
        self.stop()
        before = self.files()
        self.change("file-hash.key", lambda key: key[::-1])
        for answer in (None, b"no\n"):
            code, words = self.beside("log_level: info\n", answer)
            self.assertNotEqual(code, 0, words)
            self.assertIn(f"stowage.db goes to {self.state}/controller/stowage.db, not to /var/lib/stowage/", words)
            self.assertIn(f"cp {self.folder}/stowage.yaml /etc/stowage/stowage.yaml", words)
            self.assertEqual(self.files(), before)
        code, words = self.beside("log_level: info\n", b"yes\n")
        self.assertEqual(code, 0, words)
        self.assertNotEqual(self.files(), before)

    def test_places_that_this_machine_knows_are_not_asked_about(self):
        self.stop()
        code, words = self.beside(self.config.read_text())
        self.assertEqual(code, 0, words)

    def test_configuration_of_this_machine_that_cannot_be_read_is_no_obstacle(self):
        """A reason to restore, rather; but then nobody knows where this machine has its files."""
        self.stop()
        before = self.files()
        self.change("file-hash.key", lambda key: key[::-1])
        for broken in ("labs:\n root: [\n", "key_of_a_newer_version: 1\n"):
            for answer in (None, b"no\n"):
                code, words = self.beside(broken, answer)
                self.assertNotIn(code, (0, 78), words)
                self.assertIn("/etc/stowage/stowage.yaml", words)
                self.assertIn("cannot be used", words)
                self.assertIn(f"stowage.db goes to {self.state}/controller/stowage.db", words)
                self.assertIn("stowage.yaml goes to /etc/stowage/stowage.yaml", words)
                self.assertIn(f"cp {self.folder}/stowage.yaml /etc/stowage/stowage.yaml", words)
                self.assertEqual(self.files(), before)
        code, words = self.beside("labs:\n root: [\n", b"yes\n")
        self.assertEqual(code, 0, words)
        self.assertNotEqual(self.files(), before)

    def test_gateway_of_this_machine_is_not_written_under(self):
        """The backup's configuration has its state elsewhere, where nobody holds the lock."""
        installed = self.config.read_text()
        elsewhere = str(self.rig.folder / "elsewhere")
        self.change("stowage.yaml", lambda text: text.replace(str(self.state).encode(), elsewhere.encode()))
        code, words = self.beside(installed, b"yes\n")
        self.assertNotEqual(code, 0, words)
        self.assertIn("stop it first", words)

    def test_password_file_of_this_machines_gateway_is_not_written_under(self):
        """A drill into a second state folder: the password file and the PAM service are still the first one's."""
        second = self.rig.folder / "second.yaml"
        text = self.config.read_text()
        elsewhere = text.replace(f'state_dir: "{self.state}"', f'state_dir: "{self.rig.folder}/second-state"')
        self.assertNotEqual(elsewhere, text)
        second.write_text(elsewhere)
        before = self.files()
        code, words = self.beside(text, more=("--config", second))
        self.assertNotEqual(code, 0, words)
        self.assertIn("stop it first", words)
        self.assertEqual(self.files(), before)


if __name__ == "__main__":
    run_tests()
