"""`stowage backup` while the gateway works, then the state is lost: after `stowage restore` the labs have their uids,
export ids and fsids, users their passwords, clients their certificate, and everything converges. What is not a whole
backup changes nothing."""

import os
import shutil
import sqlite3
import stat
import subprocess
import threading
import unittest

from stowage_rig import Rig, run_tests, wait_until

KEPT = {"stowage.db", "stowage.yaml", "certificate.pem", "private-key.pem", "ftps.passwd", "file-hash.key"}
KEPT |= {"pam-service", "runai-secret"}


class BackupIsRestored(unittest.TestCase):
    def setUp(self):
        self.rig = Rig(labs="plain", departments=("lab1", "lab2", "lab3", "lab4", "w0", "w5", "w10", "w15")).__enter__()
        self.addCleanup(lambda: self.rig.__exit__(None, None, None))
        self.config = ("--config", str(self.rig.gateway.config_path))
        self.folder = self.rig.folder / "backup"

    def identities(self):
        """What must come back as it was, from the database itself."""
        path = self.rig.gateway.state_dir / "controller" / "stowage.db"
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            return database.execute("SELECT name, uid, export_id, fsid FROM labs ORDER BY name").fetchall()

    def back_up(self, folder=None):
        code, words = self.rig.run("backup", str(folder or self.folder), *self.config)
        self.assertEqual(code, 0, words)

    def restore(self, *words):
        return self.rig.run("restore", str(self.folder), *self.config, *words)

    def test_the_answers_of_one_gateway_are_not_saved_with_the_files_of_another(self):
        """Without --config it would be the default file's, and the socket is this gateway's."""
        code, words = self.rig.run("backup", str(self.folder))
        self.assertEqual(code, 78, words)
        self.assertIn(f"keeps its state in {self.rig.gateway.state_dir}", words)
        self.assertFalse(self.folder.exists())

    def test_gateway_that_does_not_run_is_told(self):
        self.assertEqual(self.rig.gateway.stop(), 0)
        code, words = self.rig.run("backup", str(self.folder), *self.config)
        self.assertNotEqual(code, 0, words)
        self.assertIn("the gateway is not running", words)
        self.assertFalse(self.folder.exists())

    def test_lost_state_comes_back(self):
        for lab in ("lab1", "lab2"):
            self.rig.create_lab(lab)
        passwords = {user: self.rig.add_user(user, lab) for user, lab in (("alice", "lab1"), ("bob", "lab2"))}
        self.rig.login("alice", passwords["alice"]).store("kept.bin", b"x" * 5000)
        before, certificate = self.identities(), self.rig.gateway.certificate.read_text()
        self.back_up()
        lost = self.rig.create_lab("lab3")  # later than the backup: not in it
        (self.rig.labs / "lab3" / "thesis").write_text("x")
        lost_row = self.identities()[-1]
        self.assertEqual({path.name for path in self.folder.iterdir()}, KEPT | {"SHA256SUMS"})
        self.assertEqual(self.folder.stat().st_mode & 0o777, 0o700)
        self.assertTrue(all(path.stat().st_mode & 0o777 == 0o600 for path in self.folder.iterdir()))

        self.assertIn("stop it first", self.restore()[1])
        self.assertEqual(self.rig.gateway.stop(), 0)
        shutil.rmtree(self.rig.gateway.state_dir)
        code, words = self.restore()
        self.assertEqual(code, 0, words)
        self.rig.gateway.start()
        self.assertEqual(self.identities(), before)
        self.assertEqual(self.rig.gateway.certificate.read_text(), certificate)
        states = lambda: [lab["state"] for lab in self.rig.gateway.answer("status")["labs"]]  # noqa: E731
        wait_until(lambda: states() == ["ready", "ready"], seconds=60, what="both labs ready again")
        client = self.rig.login("alice", passwords["alice"])
        self.assertEqual(client.fetch("kept.bin"), b"x" * 5000)
        self.rig.login("bob", passwords["bob"]).store("afterwards", b"y")
        # Nothing of the lost lab's is another's: neither its files nor what its clients still hold.
        self.rig.create_lab("lab4")
        numbers = self.identities()[-1]
        self.assertNotIn(numbers[1], [row[1] for row in [*before, lost_row]])
        self.assertNotIn(numbers[2], [row[2] for row in [*before, lost_row]])
        # Of its name again, it has its files again.
        self.assertEqual(self.rig.create_lab("lab3")["uid"], lost["uid"])
        self.assertEqual((self.rig.labs / "lab3" / "thesis").read_text(), "x")

    def test_consistent_while_labs_and_users_are_made(self):
        stop, made = threading.Event(), []

        def work():
            while not stop.is_set():
                name = f"user{len(made)}"
                if not made or len(made) % 5 == 0:
                    self.rig.run("lab", "create", f"w{len(made)}")
                self.rig.run("user", "add", name, "--lab", "w0")
                made.append(name)

        worker = threading.Thread(target=work)
        worker.start()
        try:
            number = -1
            while (number := number + 1) < 5 or len(made) < 2:
                folder = self.rig.folder / f"backup{number}"
                self.back_up(folder)
                with sqlite3.connect(folder / "stowage.db") as database:
                    self.assertEqual(database.execute("PRAGMA integrity_check").fetchone(), ("ok",))
                    self.assertEqual(database.execute("PRAGMA foreign_key_check").fetchall(), [])
                    active = {row[0] for row in database.execute("SELECT user FROM accounts WHERE phase = 1")}
                passwd = folder / "ftps.passwd"
                known = {line.split(":")[0] for line in passwd.read_text().splitlines()} if passwd.exists() else set()
                self.assertLessEqual(active, known, "every account has its password")
        finally:
            stop.set()
            worker.join()

    def test_nothing_is_overwritten_unasked(self):
        self.rig.create_lab("lab1")
        self.back_up()
        self.assertIn("remedy: nothing is overwritten", self.rig.run("backup", str(self.folder), *self.config)[1])
        self.rig.create_lab("lab2")
        self.assertEqual(self.rig.gateway.stop(), 0)
        code, words = self.restore()
        self.assertEqual(code, 1, words)
        self.assertIn("--replace", words)
        self.assertEqual([row[0] for row in self.identities()], ["lab1", "lab2"])
        self.assertEqual(self.restore("--replace")[0], 0)
        self.assertEqual([row[0] for row in self.identities()], ["lab1"])
        self.rig.gateway.start()

    def test_what_is_not_whole_changes_nothing(self):
        self.rig.create_lab("lab1")
        self.back_up()
        self.assertEqual(self.rig.gateway.stop(), 0)
        sums, key = self.folder / "SHA256SUMS", self.folder / "file-hash.key"
        original, secret = sums.read_text(), key.read_bytes()
        for damage, reason in (
            (lambda: key.write_bytes(secret + b"x"), "file-hash.key is not what was saved"),
            (key.unlink, "file-hash.key"),
            (lambda: sums.write_text(original + "0" * 64 + "  ../../etc/shadow\n"), "what no backup holds"),
            (lambda: sums.write_text("rubbish\n"), "what no backup holds"),
            (sums.unlink, "SHA256SUMS"),
        ):
            damage()
            code, words = self.restore("--replace")
            self.assertNotEqual(code, 0)
            self.assertIn("is no whole backup", words)
            self.assertIn(reason, words)
            sums.write_text(original)
            key.write_bytes(secret)
        self.assertEqual([row[0] for row in self.identities()], ["lab1"])
        self.rig.gateway.start()


class CertificatesOfOthersAreRestored(unittest.TestCase):
    """Those that the configuration names: of an ACME client, of a proxy that reads them too."""

    def setUp(self):
        self.rig = Rig(labs="plain", start=False).__enter__()
        self.addCleanup(lambda: self.rig.__exit__(None, None, None))
        self.config = ("--config", str(self.rig.gateway.config_path))
        self.folder, self.tls = self.rig.folder / "backup", self.rig.folder / "tls"
        self.tls.mkdir()
        self.chain, self.key = self.make("localhost")

    def make(self, name):
        files = self.tls / f"{name}.crt", self.tls / f"{name}.key"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-subj", f"/CN={name}"]
        subprocess.run([*command, "-keyout", files[1], "-out", files[0]], check=True, capture_output=True)
        files[1].chmod(0o600)
        return files

    def combined(self):
        both = self.tls / "both.pem"
        both.write_bytes(self.key.read_bytes() + self.chain.read_bytes())
        both.chmod(0o600)
        return both

    def start(self, certificate, private_key):
        self.rig.gateway.settings |= {"ftps.certificate": certificate, "ftps.private_key": private_key}
        self.rig.gateway.start()
        self.rig.create_lab("lab1")

    def back_up(self):
        code, words = self.rig.run("backup", str(self.folder), *self.config)
        self.assertEqual(code, 0, words)
        self.assertEqual(self.rig.gateway.stop(), 0)

    def restore(self, *more):
        code, words = self.rig.run("restore", str(self.folder), *self.config, *more)
        self.assertEqual(code, 0, words)

    def mode(self, path):
        return stat.S_IMODE(path.stat().st_mode)

    def assert_no_other_reads(self, *paths):
        for path in paths:
            self.assertEqual(self.mode(path) & 0o077, 0, f"{path} is {self.mode(path):o}")

    def test_key_in_the_file_of_the_certificate_stays_secret(self):
        both = self.combined()
        self.start(both, self.key)
        self.back_up()
        saved = both.read_bytes()
        for change in (lambda: None, lambda: both.write_bytes(saved + b"\n"), both.unlink):
            change()
            self.restore("--replace")
            self.assertEqual(both.read_bytes(), saved)
            self.assert_no_other_reads(both, self.key)
        # As an earlier version of restore left it.
        both.chmod(0o644)
        self.restore("--replace")
        self.assertEqual(self.mode(both) & stat.S_IRWXO, 0)
        self.rig.gateway.start()

    def test_certificate_and_key_in_one_file(self):
        both = self.combined()
        self.start(both, both)
        self.back_up()
        saved = both.read_bytes()
        for change in (lambda: both.write_bytes(b"of another time"), both.unlink):
            change()
            self.restore("--replace")
            self.assertEqual(both.read_bytes(), saved)
            self.assert_no_other_reads(both)
        self.assertEqual([path.name for path in self.tls.iterdir() if path.name.startswith(".")], [])
        self.rig.gateway.start()

    def test_two_contents_for_one_file_change_nothing(self):
        self.start(self.chain, self.key)
        self.back_up()
        database = self.rig.gateway.state_dir / "controller/stowage.db"
        before = database.read_bytes() + self.chain.read_bytes() + self.key.read_bytes()
        self.rig.gateway.config_path.write_text(
            self.rig.gateway.config_path.read_text().replace(str(self.key), str(self.chain))
        )
        code, words = self.rig.run("restore", str(self.folder), "--replace", *self.config)
        self.assertNotEqual(code, 0, words)
        self.assertIn("certificate.pem and private-key.pem both belong in", words)
        self.assertEqual(database.read_bytes() + self.chain.read_bytes() + self.key.read_bytes(), before)

    def test_links_owners_and_modes_stay(self):
        """certbot renews only what is a link into its archive; another service reads the key by its group."""
        live, archive = self.rig.folder / "live", self.rig.folder / "archive"
        live.mkdir()
        archive.mkdir()
        group = 65534
        places = {}
        for name, made in (("fullchain", self.chain), ("privkey", self.key)):
            places[name] = archive / f"{name}1.pem"
            made.rename(places[name])
            (live / f"{name}.pem").symlink_to(f"../archive/{name}1.pem")
        os.chown(places["privkey"], 0, group)
        places["privkey"].chmod(0o640)
        self.start(live / "fullchain.pem", live / "privkey.pem")
        self.back_up()
        saved = {name: path.read_bytes() for name, path in places.items()}
        untouched = {name: path.stat().st_ino for name, path in places.items()}

        def assert_as_it_was():
            for name, path in places.items():
                self.assertEqual(os.readlink(live / f"{name}.pem"), f"../archive/{name}1.pem")
                self.assertEqual(path.read_bytes(), saved[name])
                self.assertEqual((path.stat().st_uid, self.mode(path)), (0, 0o640 if name == "privkey" else 0o644))
            self.assertEqual(places["privkey"].stat().st_gid, group)

        (self.rig.gateway.state_dir / "controller/stowage.db").unlink()
        self.restore()
        assert_as_it_was()
        self.assertEqual({name: path.stat().st_ino for name, path in places.items()}, untouched)
        for name, made in zip(places, self.make("renewed")):
            places[name].write_bytes(made.read_bytes())
        self.restore("--replace")
        assert_as_it_was()
        # On a new machine the links may be there before what they name.
        places["fullchain"].unlink()
        self.restore("--replace")
        assert_as_it_was()
        self.rig.gateway.start()

    def test_link_of_somebody_who_may_not_write_there_is_not_followed(self):
        self.start(self.chain, self.key)
        self.back_up()
        other = self.tls / "of-root"
        other.write_text("root's")
        self.chain.unlink()
        self.chain.symlink_to(other)
        os.chown(self.chain, 65534, 65534, follow_symlinks=False)
        code, words = self.rig.run("restore", str(self.folder), "--replace", *self.config)
        self.assertNotEqual(code, 0, words)
        self.assertIn("is a link of uid 65534's", words)
        self.assertEqual(other.read_text(), "root's")


if __name__ == "__main__":
    run_tests()
