"""SIGHUP (`systemctl reload`) brings a new certificate, key and OCSP response: for new connections and for the data
connections of labs that admit full handshakes, without ending a session or a process. What cannot be used changes
nothing, and the log says why.

Tried, each makes its test fail when taken out: in Supervisor::reload() what the front gets, and what the workers get; in
ocsp_response_of() that what cannot be used is left out. What makes a response unsuitable: unit OcspTest."""

import datetime
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import unittest

import certificates
from ftps_client import presented_certificate
from stowage_rig import FtpsClient, Rig, run_tests, wait_until


class CertificatesReloadLive(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="stowage-certificates-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.made = {name: certificates.make(cls.folder, name) for name in ("first", "second")}
        cls.key, cls.chain, cls.response = (cls.folder / f"live.{end}" for end in ("key", "pem", "der"))
        cls.install("first")
        cls.rig = Rig(
            labs="plain",
            settings={
                "ftps.certificate": cls.chain,
                "ftps.private_key": cls.key,
                "ftps.ocsp_response": cls.response,
            },
        ).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.rig.create_lab("lab1", "1GiB", "--data-tls-resumption", "optional")
        cls.password = cls.rig.add_user("alice", "lab1")

    @classmethod
    def install(cls, name):
        key, chain = cls.made[name]
        shutil.copy(key, cls.key)
        cls.key.chmod(0o600)
        shutil.copy(chain, cls.chain)

    def reload(self, event):
        """Returns when the log has one more line of the event."""
        lines = self.count(event)
        self.rig.gateway.child.popen.send_signal(signal.SIGHUP)
        wait_until(lambda: self.count(event) > lines, what=f"event={event}")

    def count(self, event):
        return len(re.findall(rf"event={event}\b", self.rig.gateway.log_path.read_text(errors="replace")))

    def presented(self):
        return presented_certificate(self.rig.ports)

    def pem(self, name):
        return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(self.made[name][1].read_text()))

    def login(self, name):
        client = FtpsClient(self.rig.ports, self.made[name][1])
        self.rig.clients.append(client)
        client.login("alice", self.password)
        client.prot_p()
        return client

    def pids(self):
        return {name: process["pid"] for name, process in self.rig.processes().items()}

    def test_new_certificate_and_no_session_ends(self):
        self.install("first")
        self.reload("certificate_in_use")
        old = self.login("first")
        old.store("before", b"x")
        pids = self.pids()
        self.install("second")
        self.reload("certificate_in_use")
        wait_until(lambda: self.presented() == self.pem("second"), what="the second certificate")
        # The old session resumes what it began with; the new one trusts the second certificate alone, also in a full
        # handshake of the worker's.
        old.store("afterwards", b"x")
        self.assertTrue(old.data_reused)
        new = self.login("second")
        new.store("resumed", b"x")
        self.assertTrue(new.data_reused)
        new.data_session = lambda _: None
        new.store("full", b"x")
        self.assertFalse(new.data_reused)
        self.assertEqual(self.pids(), pids)

    def test_what_cannot_be_used_changes_nothing(self):
        self.install("second")
        self.reload("certificate_in_use")
        client = self.login("second")
        for damage in (
            lambda: self.chain.write_text("no certificate"),
            lambda: shutil.copy(self.made["first"][0], self.key),
            lambda: self.key.chmod(0o644),
            lambda: self.chain.unlink(),
        ):
            damage()
            self.reload("certificate_not_reloaded")
            self.assertEqual(self.presented(), self.pem("second"))
            self.install("second")
        client.store("still here", b"x")

    def test_the_end_of_files_that_the_configuration_names_is_not_for_tls_install(self):
        """It refuses them."""
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=12.5)
        self.made["ending"] = certificates.make(self.folder, "ending", ("20200101000000Z", f"{ends:%Y%m%d%H%M%S}Z"))
        self.install("ending")
        self.reload("certificate_expires")
        line = re.findall("event=certificate_expires .*", self.rig.gateway.log_path.read_text(errors="replace"))[-1]
        doctor = self.rig.run("doctor")[1]
        for words in (line, doctor):
            self.assertIn("in 12 days", words)
            self.assertIn("systemctl reload-or-restart stowage", words)
            self.assertNotIn("tls install", words)
        self.install("first")

    def stapled(self):
        """What openssl says about the response that a new connection brings."""
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.rig.ports.ftps}", "-starttls", "ftp", "-status"],
            input=b"QUIT\r\n",
            capture_output=True,
            timeout=30,
            check=False,
        )
        return done.stdout.decode(errors="replace")

    def make_response(self, name):
        chain = self.made[name][1]
        signer = ["-rsigner", chain, "-rkey", self.made[name][0], "-CA", chain]
        question = self.folder / "question"
        run = lambda *words: subprocess.run(["openssl", "ocsp", *map(str, words)], check=True, capture_output=True)  # noqa: E731
        run("-issuer", chain, "-cert", chain, "-no_nonce", "-reqout", question)
        run("-index", self.folder / "index.txt", *signer, "-reqin", question, "-respout", self.response, "-ndays", 1)

    def test_ocsp_response_is_stapled_if_it_is_good(self):
        self.install("first")
        self.response.unlink(missing_ok=True)
        self.reload("ocsp_not_stapled")
        self.assertIn("OCSP response: no response sent", self.stapled())
        self.make_response("first")
        self.reload("certificate_in_use")
        self.assertIn("OCSP Response Status: successful", self.stapled())
        self.assertIn("Cert Status: good", self.stapled())
        # For another certificate; none at all; garbage.
        for other in (lambda: self.make_response("second"), lambda: self.response.write_bytes(b"garbage")):
            other()
            self.reload("ocsp_not_stapled")
            self.assertIn("OCSP response: no response sent", self.stapled())
        code, output = self.rig.run("check", "--config", str(self.rig.gateway.config_path))
        self.assertIn("ftps.ocsp_response", output)


if __name__ == "__main__":
    run_tests()
