"""`stowage check` and `doctor` beside a gateway that runs: what the next start would refuse is told while there is time, what
the gateway holds itself is nothing wrong, and what only root can look at is said to others."""

import os
import unittest

from stowage_rig import BINARIES, Rig, run_tests
from tour import mounts

CONFIG, PENDING = 78, 3
NOT_THIS_MACHINES = "192.0.2.77"


class BesideTheGateway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(labs="plain").__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))

    def check(self, *overrides):
        settings = [f"--set={override}" for override in overrides]
        return self.rig.run("check", "--config", str(self.rig.gateway.config_path), *settings)

    def test_its_own_ports_are_nothing_wrong(self):
        code, output = self.check()
        self.assertEqual(code, 0, output)
        self.assertNotIn("in use", output)
        # One address of all of which it holds already.
        code, output = self.check("ftps.listen=127.0.0.2")
        self.assertEqual(code, 0, output)

    def test_an_address_that_this_machine_has_not(self):
        code, output = self.check(f"ftps.listen={NOT_THIS_MACHINES}")
        self.assertEqual(code, CONFIG, output)
        self.assertIn(f"listen on {NOT_THIS_MACHINES}", output)

    def test_a_port_that_somebody_else_has(self):
        code, output = self.check(f"ftps.port={self.rig.ports.runai}")
        self.assertEqual(code, CONFIG, output)
        self.assertIn(f"port {self.rig.ports.runai}", output)

    def test_an_address_for_pods_that_leads_nowhere(self):
        code, output = self.check("nfs.address=no.such.host.invalid")
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"warning .*nfs\.address.*no\.such\.host\.invalid")

    def test_a_credential_that_systemd_will_bring(self):
        code, output = self.check("runai.client_secret_file=$CREDENTIALS_DIRECTORY/of-no-unit")
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"note .*of-no-unit.*\n.*LoadCredential=")

    def test_the_key_that_is_wrong_is_named_and_where_it_stands(self):
        code, output = self.check("nfs.security=krb5p")
        self.assertEqual(code, CONFIG, output)
        self.assertRegex(output, r"error +--set: nfs\.security is krb5p")

    def test_what_only_root_can_look_at_is_said(self):
        admin = int(self.rig.gateway.settings["process.admin_group"])
        as_member = ["setpriv", "--reuid=65534", f"--regid={admin}", "--clear-groups"]
        socket = ["--socket", str(self.rig.gateway.control_socket)]
        done = mounts.subprocess.run(
            [*as_member, str(BINARIES / "stowage"), *socket, "doctor"], capture_output=True, text=True, check=False
        )
        self.assertIn("only root can look at", done.stdout + done.stderr)
        _, as_root = self.rig.run("doctor")
        self.assertNotIn("only root", as_root)


if __name__ == "__main__":
    run_tests()
