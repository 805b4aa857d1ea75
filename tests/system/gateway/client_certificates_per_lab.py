"""A lab may demand client certificates of its users, besides their passwords: only those that lead to its own CAs get in.
Other labs' users log in as before, with a certificate or without. The refusal is the same as for a wrong password."""

import ftplib
import pathlib
import shutil
import ssl
import tempfile
import unittest

import certificates
from ftps_client import context_for
from stowage_rig import FtpsClient, Rig, run_tests, wait_until, write_site

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


class ClientCertificatesPerLab(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="stowage-client-ca-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.cas = {name: certificates.make_ca(cls.folder, name) for name in ("ours", "theirs")}
        cls.certificates = {
            "alice": certificates.make_client(cls.folder, "alice", cls.cas["ours"]),
            "mallory": certificates.make_client(cls.folder, "mallory", cls.cas["theirs"]),
        }
        # Many refused logins of one address are what this test is about.
        cls.rig = Rig(labs="plain", settings={"ftps.ban_after": "0"}).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.rig.create_lab("lab1", "1GiB", "--client-ca", str(cls.cas["ours"][1]))
        cls.rig.create_lab("lab2", "1GiB")
        cls.passwords = {"alice": cls.rig.add_user("alice", "lab1"), "bob": cls.rig.add_user("bob", "lab2")}

    def client(self, certificate, version=None):
        context = context_for(self.rig.gateway.certificate, version)
        if certificate:
            key, chain = self.certificates[certificate]
            context.load_cert_chain(chain, key)
        client = FtpsClient(self.rig.ports, None, context=context)
        self.rig.clients.append(client)
        return client

    def use(self, user, certificate, version=None):
        client = self.client(certificate, version)
        client.login(user, self.passwords[user])
        client.prot_p()
        client.store("x", b"x")
        self.assertTrue(client.data_reused)

    def refusal(self, user, password, certificate, version=None):
        with self.assertRaises(ftplib.error_perm) as refused:
            self.client(certificate, version).login(user, password)
        return str(refused.exception)

    def last_words(self, event):
        return [line for line in self.rig.gateway.log_tail(200) if f"event={event}" in line][-1]

    def test_only_the_labs_own_certificates(self):
        for version in VERSIONS:
            with self.subTest(version=version.name):
                self.use("alice", "alice", version)
                self.assertIn("CN=alice", self.last_words("client_certificate"))
                # Taken out (FrontService asks nobody): these get in.
                words = {
                    self.refusal("alice", self.passwords["alice"], None, version),
                    self.refusal("alice", self.passwords["alice"], "mallory", version),
                    self.refusal("alice", "wrong password", "alice", version),
                    self.refusal("nobody", "wrong password", "alice", version),
                    self.refusal("bob", "wrong password", None, version),
                }
                self.assertEqual(len(words), 1, words)
                self.assertIn("client certificate", words.pop())
                for certificate in (None, "mallory"):
                    self.use("bob", certificate, version)

    def test_changes_hold_for_the_next_connection(self):
        site = self.folder / "site.yaml"
        self.assertIn("client certificates demanded", self.rig.run("lab", "show", "lab1")[1])
        write_site(site, [{"name": "lab1", "client_ca": "theirs.pem"}, {"name": "lab2"}])
        code, planned = self.rig.run("plan", str(site))
        self.assertEqual(code, 3, planned)
        self.assertIn("other CAs for client certificates", " ".join(planned.split()))
        self.assertEqual(self.rig.run("apply", str(site))[0], 0)
        self.assertEqual(self.rig.run("plan", str(site))[0], 0)
        self.refusal("alice", self.passwords["alice"], "alice")
        self.use("alice", "mallory")

        write_site(site, [{"name": "lab1", "client_ca": "none"}])
        self.assertEqual(self.rig.run("apply", str(site))[0], 0)
        wait_until(lambda: "asks_clients=false" in "".join(self.rig.gateway.log_tail(100)), what="no more asking")
        self.use("alice", None)
        self.assertNotIn("client certificate", self.refusal("alice", "wrong password", None))

        write_site(site, [{"name": "lab1", "client_ca": "ours.pem"}])
        self.assertEqual(self.rig.run("apply", str(site))[0], 0)
        wait_until(lambda: "asks_clients=true" in self.last_words("certificate_in_use"), what="asking again")
        self.use("alice", "alice")

    def test_a_hundred_kib_of_cas_let_in_whom_they_should(self):
        """More than a message between the gateway's processes holds. Taken out (may_bring_descriptors() says no): the
        supervisor ends the controller."""
        bundle, site = self.folder / "many.pem", self.folder / "many.yaml"
        ours, theirs = (self.cas[name][1].read_text() for name in ("ours", "theirs"))
        many = theirs * (100 * 1024 // len(theirs))
        write_site(site, [{"name": "lab1", "client_ca": "many.pem"}])

        bundle.write_text(many + ours)
        code, output = self.rig.run("apply", str(site))
        self.assertEqual(code, 0, output)
        self.assertEqual(self.rig.run("plan", str(site))[0], 0)
        for version in VERSIONS:
            self.use("alice", "alice", version)

        bundle.write_text(many)
        self.assertEqual(self.rig.run("apply", str(site))[0], 0)
        self.refusal("alice", self.passwords["alice"], "alice")

        # What holds stays when what is wanted is refused.
        count = 128 * 1024 // len(theirs) + 1
        bundle.write_text(theirs * count + ours)
        code, output = self.rig.run("apply", str(site))
        self.assertEqual(code, 1, output)
        words = " ".join(output.split())
        self.assertRegex(words, rf"labs\[0\]\.client_cas: {count + 1} certificates with \d+ bytes are too many")
        self.assertIn("leave out those that sign no client certificates; 131072 bytes are kept", words)
        self.refusal("alice", self.passwords["alice"], "alice")

        bundle.write_text("#" * (256 * 1024 + 1))
        code, output = self.rig.run("apply", str(site))
        self.assertEqual(code, 78, output)
        self.assertRegex(" ".join(output.split()), r"labs\[1\]\.client_ca.*many\.pem has more than 256 KiB")

        bundle.write_text(ours)
        self.assertEqual(self.rig.run("apply", str(site))[0], 0)
        self.use("alice", "alice")

    def test_bundles_are_checked(self):
        (self.folder / "garbage").write_text("no certificate")
        leaf = self.certificates["alice"][1]
        for path, words, ends_with in ((self.folder / "garbage", "client_cas", 1), (leaf, "is no CA", 1),
                                       ("/nowhere", "/nowhere", 2)):
            code, output = self.rig.run("lab", "create", "lab3", "--client-ca", str(path))
            self.assertEqual(code, ends_with, output)
            self.assertIn(words, output)
        site = write_site(self.folder / "bad.yaml", [{"name": "lab3", "client_ca": "nowhere.pem"}])
        code, output = self.rig.run("apply", str(site))
        self.assertEqual(code, 78, output)
        self.assertIn("labs[1].client_ca", output)


if __name__ == "__main__":
    run_tests()
