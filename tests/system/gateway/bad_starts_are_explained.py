"""What a gateway cannot start with: told with what, where and the remedy, by `stowage check` before and at the start, which
ends with 78, or with 1 where it may be otherwise at the next try, which systemd makes; nothing half-done."""

import datetime
import os
import shutil
import socket
import unittest

import certificates
from stowage_rig import Failed, Rig, run_tests
from tour import mounts

CONFIG, TRY_AGAIN = 78, 1


class BadStart(unittest.TestCase):
    """The supervisor refuses to start with exit code 78 and says why; `stowage check` says the same before."""

    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(start=False).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))

    def assert_not_started(self, *overrides, naming, code=CONFIG, checked=True):
        self.rig.gateway.write_files()
        names = [naming] if isinstance(naming, str) else naming
        if checked:
            settings = [f"--set={override}" for override in overrides]
            told, output = self.rig.run("check", "--config", str(self.rig.gateway.config_path), *settings)
            self.assertEqual(told, CONFIG, output)
            for name in names:
                self.assertIn(name, output)
        self.rig.gateway.log_path.unlink(missing_ok=True)
        with self.assertRaises(Failed):
            self.rig.gateway.start(overrides)
        words = self.rig.gateway.log_path.read_text(encoding="utf-8")
        self.assertEqual(self.rig.gateway.child.popen.returncode, code, words)
        for name in names:
            self.assertIn(name, words)
        # Several problems are told in one text, each with its remedy behind a semicolon.
        self.assertRegex(words, r'remedy="[^"]|what="[^\n]*(; [a-z]|did you mean)')
        self.assertEqual(list(self.rig.labs.iterdir()), [])
        self.rig.gateway.child = None

    def test_unknown_key(self):
        self.assert_not_started("ftps.prot=21", naming=["ftps.prot", "ftps.port"])

    def test_bad_value(self):
        self.assert_not_started("ftps.port=99999", naming=["ftps.port", "99999"])

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.assert_not_started("ftps.listen=127.0.0.1", f"ftps.port={port}", naming=str(port), code=TRY_AGAIN)

    def test_nfs_port_in_use(self):
        with socket.create_server(("", 0)) as taken:
            port = taken.getsockname()[1]
            self.assert_not_started(f"nfs.port={port}", naming=str(port), code=TRY_AGAIN)

    def test_no_such_pam_service(self):
        self.assert_not_started("accounts.pam_service=nonesuch", naming="nonesuch")

    def test_no_labs_root(self):
        """It may be below a mount that takes long."""
        self.assert_not_started("labs.root=/nowhere/labs", naming="/nowhere/labs", code=TRY_AGAIN)

    def test_what_passes_hides_nothing_that_does_not(self):
        self.assert_not_started("labs.root=/nowhere/labs", "accounts.pam_service=nonesuch", naming="nonesuch")

    def test_expired_certificate(self):
        key, chain = self.make_certificate("expired", dates=("20200101000000Z", "20200201000000Z"))
        self.assert_not_started(f"ftps.certificate={chain}", f"ftps.private_key={key}", naming="expired")

    def own_pair(self, name, begin, end):
        """In the place of the pair that the gateway made, as it makes them: self-signed.
        @returns both files and what is in them"""
        dates = tuple(f"{moment:%Y%m%d%H%M%S}Z" for moment in (begin, end))
        key, chain = self.make_certificate(name, dates=dates)
        folder = self.rig.gateway.state_dir / "tls"
        folder.mkdir(parents=True, exist_ok=True)
        self.addCleanup(shutil.rmtree, folder)
        own = folder / "private-key.pem", folder / "certificate.pem"
        for file, made in zip(own, (key, chain)):
            shutil.copyfile(made, file)
            file.chmod(0o600)
        return own, [file.read_bytes() for file in own]

    def test_clock_that_is_behind_costs_no_certificate(self):
        """Clients may have pinned it; the clock is set right soon."""
        now = datetime.datetime.now(datetime.timezone.utc)
        own, before = self.own_pair("early", now + datetime.timedelta(days=1), now + datetime.timedelta(days=90))
        self.assert_not_started(naming=["not valid before", "clock"], code=TRY_AGAIN)
        self.assertEqual([file.read_bytes() for file in own], before)

    def test_readable_key_costs_no_certificate(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        own, before = self.own_pair("mine", now - datetime.timedelta(days=1), now + datetime.timedelta(days=90))
        own[0].chmod(0o644)
        self.assert_not_started(naming=["open to others", "chmod"])
        self.assertEqual([file.read_bytes() for file in own], before)

    def test_expired_certificate_of_our_own_is_replaced_and_kept(self):
        end = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
        own, before = self.own_pair("ours", end - datetime.timedelta(days=825, hours=1), end)
        self.rig.gateway.start()
        self.assertEqual(self.rig.gateway.stop(), 0)
        self.rig.gateway.child = None
        self.assertNotEqual([file.read_bytes() for file in own], before)
        self.assertEqual([file.with_name(file.name + ".old").read_bytes() for file in own], before)

    def test_expired_certificate_of_the_admins_is_not_replaced(self):
        end = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
        own, before = self.own_pair("theirs", end - datetime.timedelta(days=365), end)
        self.assert_not_started(naming="expired")
        self.assertEqual([file.read_bytes() for file in own], before)

    def test_key_of_another_certificate(self):
        key, _ = self.make_certificate("one")
        _, chain = self.make_certificate("other")
        self.assert_not_started(f"ftps.certificate={chain}", f"ftps.private_key={key}", naming=str(chain))

    def test_readable_private_key(self):
        key, chain = self.make_certificate("open")
        key.chmod(0o644)
        self.assert_not_started(f"ftps.certificate={chain}", f"ftps.private_key={key}", naming=str(key))

    def test_missing_certificate(self):
        self.assert_not_started(
            "ftps.certificate=/nowhere/chain.pem", "ftps.private_key=/nowhere/key.pem", naming="/nowhere/chain.pem"
        )

    def test_odd_runai_settings(self):
        for setting, naming in (
            ("runai.url=https://runai.example/path", ["runai.url", "path"]),
            ("runai.url=http://runai.example", ["runai.url", "clear"]),
            ("runai.cluster=", ["runai.cluster"]),
            ("runai.container_path=/", ["runai.container_path", "root"]),
            ("nfs.address=10.0.0.1:/mnt", ["nfs.address", "10.0.0.1:/mnt"]),
        ):
            with self.subTest(setting=setting):
                self.assert_not_started(setting, naming=naming)

    def test_ca_bundle_that_the_controller_cannot_use(self):
        bundle = self.rig.folder / "ca.pem"
        https = "runai.url=https://127.0.0.1:9"
        self.assert_not_started(https, "runai.ca_bundle=/nowhere/ca.pem", naming=["runai.ca_bundle", "/nowhere/ca.pem"])
        _, chain = self.make_certificate("authority")
        bundle.write_bytes(chain.read_bytes())
        bundle.chmod(0o600)  # root's, who reads everything; the controller is nobody
        self.assert_not_started(https, f"runai.ca_bundle={bundle}", naming=["runai.ca_bundle", "controller_user"])
        bundle.write_text("no certificate\n")
        bundle.chmod(0o644)
        self.assert_not_started(https, f"runai.ca_bundle={bundle}", naming=["runai.ca_bundle", str(bundle)])

    def test_runai_secret(self):
        secret = self.rig.folder / "odd-secret"
        for text, mode, naming in (("s3cret", 0o644, "open to others"), ("\n", 0o600, "is empty")):
            secret.write_text(text)
            secret.chmod(mode)
            self.assert_not_started(f"runai.client_secret_file={secret}", naming=[str(secret), naming])
        self.assert_not_started("runai.client_secret_file=/nowhere/s", naming=["/nowhere/s"])

    def test_process_accounts(self):
        self.assert_not_started("process.front_user=0", naming="is root")
        self.assert_not_started("process.front_user=7", "process.controller_user=7", naming="the same account")
        self.assert_not_started("process.front_user=nonesuch", naming="nonesuch")

    def test_address_of_another_machine(self):
        """DHCP may give it to this one."""
        self.assert_not_started("ftps.listen=192.0.2.1", naming=["ftps.listen", "192.0.2.1"], code=TRY_AGAIN)

    def test_run_dir_that_is_too_long_for_a_socket(self):
        long = self.rig.folder / ("x" * 100)
        self.assert_not_started(f"run_dir={long}", naming="too long for a socket")

    def test_damaged_database(self):
        """A file that is no database is neither used nor overwritten, and the start ends: nothing would change."""
        folder = self.rig.gateway.state_dir / "controller"
        folder.mkdir(parents=True, exist_ok=True)
        database = folder / "stowage.db"
        database.write_bytes(b"this is no database " * 300)
        try:
            self.assert_not_started(naming="stowage.db", checked=False)  # the controller alone opens it
            self.assertTrue(database.read_bytes().startswith(b"this is no database"))
        finally:
            shutil.rmtree(folder)

    def test_database_that_the_controller_may_not_write(self):
        """One that root has put back by hand, say: told at the start, not by the first command."""
        self.rig.gateway.start()
        self.assertEqual(self.rig.gateway.stop(), 0)
        folder = self.rig.gateway.state_dir / "controller"
        database = folder / "stowage.db"
        before = database.read_bytes()
        os.chown(database, 0, 0)
        database.chmod(0o644)
        try:
            self.assert_not_started(naming=["stowage.db", "process.controller_user"], checked=False)
            self.assertEqual(database.read_bytes(), before)
        finally:
            shutil.rmtree(folder)

    def test_read_only_database(self):
        """On a read-only filesystem the gateway says what it cannot write."""
        state = self.rig.folder / "read-only"
        state.mkdir()
        self.rig.journal.record("mount", path=str(state))
        mounts.run("mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(state))
        # Not 78: what is read-only today may be writable tomorrow, and systemd tries again.
        self.assert_not_started(f"state_dir={state}", naming=str(state), code=1)

    def make_certificate(self, name, **dates):
        return certificates.make(self.rig.folder / "certificates", name, **dates)


class MovedUidRange(unittest.TestCase):
    """labs.uid_min..labs.uid_max moved away from labs that are there: told by check and at the start, with 78."""

    def test_moved_uid_range(self):
        with Rig(departments=["lab1"]) as rig:
            uid = rig.create_lab("lab1")["uid"]
            self.assertEqual(rig.gateway.stop(), 0)
            moved = [f"labs.uid_min={uid + 1}", f"labs.uid_max={uid + 1000}"]
            settings = [f"--set={setting}" for setting in moved]
            code, output = rig.run("check", "--config", str(rig.gateway.config_path), *settings)
            self.assertEqual(code, CONFIG, output)
            self.assertIn(f"lab lab1 has uid {uid}", output)
            rig.gateway.log_path.unlink()
            with self.assertRaises(Failed):
                rig.gateway.start(moved)
            self.assertEqual(rig.gateway.child.popen.returncode, CONFIG)
            self.assertIn(f"lab lab1 has uid {uid}", rig.gateway.log_path.read_text())
            # The disk may be away when preflight looks: then it is the controller that knows.
            (rig.labs / "lab1" / ".stowage" / "lab").unlink()
            rig.gateway.log_path.unlink()
            with self.assertRaises(Failed):
                rig.gateway.start(moved)
            self.assertEqual(rig.gateway.child.popen.returncode, CONFIG)
            self.assertIn(f"lab lab1 has uid {uid}", rig.gateway.log_path.read_text())
            rig.gateway.start()


if __name__ == "__main__":
    run_tests()
