"""`stowage tls install` takes a certificate that clients will take, whole and live, and refuses every other with what
is wrong; an ACME client's hook does the same; the end of a certificate is announced 30 days before."""

import datetime
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import tempfile
import unittest

import certificates
from ftps_client import presented_certificate
from stowage_rig import BINARIES, SOURCE, Rig, run_tests, wait_until

P256 = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
HOOK = SOURCE / "deploy" / "acme" / "stowage-deploy-hook"


def in_days(days):
    """A date as OpenSSL's ca writes it."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


class CertificatesAreInstalled(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="stowage-certificates-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.rig = Rig(labs="plain").__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.rig.create_lab("lab1", "1GiB")
        cls.password = cls.rig.add_user("alice", "lab1")

    def make(self, name, days=300):
        return certificates.make(self.folder, name, (in_days(-1), in_days(days)))

    def issued(self, name, names="DNS:localhost,IP:127.0.0.1", more=(), key=P256):
        """A certificate of a CA, with the CA's behind it: key, chain."""
        ca_key, ca = certificates.make_ca(self.folder, f"{name}-ca")
        paths = {end: self.folder / f"{name}.{end}" for end in ("key", "csr", "crt", "ext", "pem")}
        lines = [f"subjectAltName={names}"] if names else []
        paths["ext"].write_text("".join(f"{line}\n" for line in (*lines, *more)), encoding="ascii")
        subject = ("-nodes", "-keyout", paths["key"], "-out", paths["csr"], "-subj", f"/CN={name}")
        self.openssl("req", "-new", "-newkey", *key, *subject)
        signing = ("-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", 90, "-extfile", paths["ext"])
        self.openssl("x509", "-req", "-in", paths["csr"], "-out", paths["crt"], *signing)
        paths["pem"].write_text(paths["crt"].read_text() + ca.read_text())
        paths["key"].chmod(0o600)
        return paths["key"], paths["pem"]

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    def install(self, pair, *words):
        key, chain = pair
        return self.rig.run("tls", "install", str(chain), str(key), *words)

    def presented(self):
        return presented_certificate(self.rig.ports)

    def first_of(self, chain):
        pem = re.search(r"-----BEGIN.*?END CERTIFICATE-----", chain, re.S)[0]
        return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(pem))

    def test_replaced_live_while_a_session_goes_on(self):
        self.assertEqual(self.install(self.make("begin"))[0], 0)
        client = self.rig.login("alice", self.password)
        client.store("before", b"x")
        pids = {name: process["pid"] for name, process in self.rig.processes().items()}
        pair = self.issued("live")
        code, words = self.install(pair)
        self.assertEqual(code, 0, words)
        self.assertIn("used for new connections", words)
        self.assertEqual(self.presented(), self.first_of(pair[1].read_text()))
        client.store("afterwards", b"x")
        self.assertEqual({name: process["pid"] for name, process in self.rig.processes().items()}, pids)
        shown = self.rig.gateway.answer("tls", "show")
        self.assertTrue(shown["in_use"])
        self.assertEqual(shown["names"], ["localhost", "127.0.0.1"])
        self.assertFalse(shown["self_signed"])
        tls = self.rig.gateway.state_dir / "tls"
        self.assertEqual(tls.stat().st_mode & 0o777, 0o700)
        self.assertEqual((tls / "private-key.pem").stat().st_mode & 0o777, 0o600)
        self.assertEqual([path.name for path in tls.parent.glob("tls*")], ["tls"])

    def test_what_clients_would_refuse_is_refused(self):
        good = self.issued("good")
        expired = certificates.make(self.folder, "expired", ("20200101000000Z", "20210101000000Z"))
        cut = self.folder / "cut.pem"
        cut.write_text(good[1].read_text() + self.make("stranger")[1].read_text())
        cases = (
            (expired, (), "expired on 2021-01-01"),
            ((self.make("other")[0], good[1]), (), "does not belong to"),
            ((good[0], cut), (), "is not signed by the one behind it"),
            (self.issued("nameless", names=None), (), "names no host"),
            (self.issued("elsewhere", names="DNS:elsewhere.example.org"), (), "none of these is a name of this host"),
            (good, ("--name", "other.example.org"), "is not for other.example.org"),
            (self.issued("client", more=["extendedKeyUsage=clientAuth"]), (), "not for TLS servers"),
            (self.issued("weak", key=("rsa:1024",)), (), "a key that is too weak"),
            ((good[0], self.folder / "missing.pem"), (), "missing.pem"),
        )
        served = self.presented()
        for pair, words, reason in cases:
            code, output = self.install(pair, *words)
            self.assertNotEqual(code, 0, reason)
            self.assertIn(reason, output)
            self.assertIn("remedy: ", output)
        pathlib.Path(good[0]).chmod(0o644)
        self.assertIn("open to others", self.install(good)[1])
        self.assertEqual(self.presented(), served)

    def test_one_without_its_issuers_is_taken_with_a_warning(self):
        """Certbot's cert.pem in the place of fullchain.pem."""
        key, chain = self.issued("lonely")
        code, words = self.install((key, chain.with_suffix(".crt")))
        self.assertEqual(code, 0, words)
        self.assertRegex(words, r"warning: .*CN ?= ?lonely-ca.*\n.*remedy: .*fullchain\.pem")
        code, words = self.install((key, chain))
        self.assertEqual(code, 0, words)
        self.assertNotIn("warning", words)

    def test_a_wrong_order_is_told_as_such(self):
        key, chain = self.issued("turned")
        parts = re.findall(r"-----BEGIN.*?END CERTIFICATE-----\n", chain.read_text(), re.S)
        turned = self.folder / "turned-order.pem"
        turned.write_text("".join(reversed(parts)))
        code, words = self.install((key, turned))
        self.assertNotEqual(code, 0)
        self.assertIn("certificate 2 in", words)
        self.assertIn("put the server's certificate first", words)

    def test_another_name_is_taken_when_it_is_said(self):
        pair = self.issued("said", names="DNS:elsewhere.example.org")
        code, words = self.install(pair, "--name", "elsewhere.example.org")
        self.assertEqual(code, 0, words)

    def test_files_of_the_configuration_are_not_touched(self):
        key, chain = self.make("configured")
        code, words = self.install((key, chain), f"--set=ftps.certificate={chain}", f"--set=ftps.private_key={key}")
        self.assertEqual(code, 78, words)
        self.assertIn("which this command does not touch", words)

    def test_the_hook_of_an_acme_client(self):
        """Called as certbot calls it after a renewal."""
        self.assertEqual(self.install(self.make("before"))[0], 0)
        key, chain = self.issued("renewed")
        lineage = self.folder / "live" / "storage.example.org"
        lineage.mkdir(parents=True)
        (lineage / "privkey.pem").symlink_to(key)
        (lineage / "fullchain.pem").symlink_to(chain)
        tools = self.folder / "bin"
        tools.mkdir()
        command = [str(BINARIES / "stowage"), "--socket", str(self.rig.gateway.control_socket)]
        (tools / "stowage").write_text(f'#!/bin/sh\nexec {" ".join(command)} "$@"\n')
        (tools / "stowage").chmod(0o755)
        env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "RENEWED_LINEAGE": str(lineage)}

        def hook(*words, **more):
            command = [str(HOOK), *map(str, words)]
            done = subprocess.run(command, env={**env, **more}, capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr

        self.assertEqual(hook(RENEWED_DOMAINS="localhost")[0], 0)
        self.assertEqual(self.presented(), self.first_of(chain.read_text()))
        self.assertEqual(hook(RENEWED_DOMAINS="localhost other.example.org")[0], 1)
        self.assertEqual(hook(chain, key)[0], 0)
        # certbot's common folder of hooks: called for the web server's certificate too.
        key, chain = self.issued("web", names="DNS:www.example.org")
        for file, made in ((lineage / "privkey.pem", key), (lineage / "fullchain.pem", chain)):
            file.unlink()
            file.symlink_to(made)
        before = self.presented()
        for domains in ("www.example.org", "*"):  # of which the shell must make no names of files
            code, words = hook(RENEWED_DOMAINS=domains)
            self.assertEqual(code, 0, words)
            self.assertIn("is not for localhost", words)
            self.assertEqual(self.presented(), before)

    def warnings(self):
        log = self.rig.gateway.log_path.read_text(errors="replace")
        return len(re.findall(r"event=certificate_expires .*in 12 days", log))

    def test_the_end_is_announced(self):
        before = self.warnings()
        self.assertEqual(self.install(self.make("ending", days=12.5))[0], 0)
        wait_until(lambda: self.warnings() > before, what="the warning in the log")
        self.assertIn("in 12 days", self.rig.run("status")[1])
        self.assertIn("in 12 days", self.rig.gateway.answer("status")["certificate"]["warning"])
        self.assertEqual(self.install(self.make("lasting"))[0], 0)
        self.assertEqual(self.rig.gateway.answer("status")["certificate"]["warning"], "")


if __name__ == "__main__":
    run_tests()
