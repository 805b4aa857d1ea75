"""The secret of Run:ai may be a credential of systemd: the service reads it where $CREDENTIALS_DIRECTORY says, and what
is wrong with it is told with the remedy. No other process needs it, and none of its words stands in the log."""

import os
import unittest
from unittest import mock

from stowage_rig import Rig, run_tests


class Credential(unittest.TestCase):
    def test_the_service_reads_it(self):
        with Rig(labs="plain", departments=["lab1"], start=False) as rig:
            folder = rig.folder / "credentials"
            folder.mkdir(mode=0o700)
            secret = rig.stand_in.secret_path.read_text(encoding="utf-8")
            credential = folder / "runai-secret"
            credential.write_text(secret, encoding="utf-8")
            credential.chmod(0o400)
            rig.stand_in.secret_path.rename(rig.folder / "elsewhere")
            rig.gateway.settings["runai.client_secret_file"] = "$CREDENTIALS_DIRECTORY/runai-secret"
            with mock.patch.dict(os.environ, {"CREDENTIALS_DIRECTORY": str(folder)}):
                rig.gateway.start()
            rig.gateway.command("lab", "create", "lab1", "--quota", "none")
            (rig.folder / "elsewhere").rename(rig.stand_in.secret_path)
            self.assertEqual(rig.stand_in.data_source("lab1-nfs")["meta"]["name"], "lab1-nfs")
            self.assertNotIn(secret.strip(), rig.gateway.log_path.read_text(encoding="utf-8"))
            # Another process looks where systemd keeps those of the service. The guide says check, then start: what the
            # start will bring is nothing wrong.
            code, output = rig.run("check", "--config", str(rig.gateway.config_path))
            self.assertEqual(code, 0, output)
            self.assertIn("note ", output)
            self.assertIn("/run/credentials/stowage.service/runai-secret", output)
            self.assertIn("LoadCredential=", output)
            self.assertNotIn("runai.client_secret_file: runai.client_secret_file", output, "the key is named once")

    def test_only_plain_names_are_credentials(self):
        with Rig(labs="plain", start=False) as rig:
            for bad in ("$CREDENTIALS_DIRECTORY/../x", "$CREDENTIALS_DIRECTORY/", "$CREDENTIALS_DIRECTORY/a/b", "$X/a"):
                code, output = rig.run("check", "--set", f"runai.client_secret_file={bad}")
                self.assertEqual(code, 78, output)
                self.assertIn("runai.client_secret_file", output)


if __name__ == "__main__":
    run_tests()
