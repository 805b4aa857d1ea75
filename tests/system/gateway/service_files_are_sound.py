"""systemd takes the unit, the accounts and the folders as they are written."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from stowage_rig import SOURCE, run_tests, skip

UNIT = SOURCE / "deploy" / "systemd" / "stowage.service"


class ServiceFilesAreSound(unittest.TestCase):
    def run_tool(self, *words):
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout + done.stderr

    def analyze(self, *words):
        """The unit with a program that exists in the place of ours."""
        text = re.sub(r"(?m)^ExecStart=.*$", "ExecStart=/bin/true", UNIT.read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            unit = pathlib.Path(folder) / "stowage.service"
            unit.write_text(text, encoding="utf-8")
            return self.run_tool("systemd-analyze", *words, str(unit))

    def test_unit(self):
        """systemd has nothing to complain of."""
        self.assertNotIn("stowage.service:", self.analyze("verify", "--man=no"))

    def test_exposure_is_the_documented_one(self):
        words = self.analyze("security", "--offline=true", "--no-pager")
        figure = re.search(r"Overall exposure level for stowage.service: ([0-9.]+ [A-Z]+)", words)[1]
        level, word = figure.split()
        guide = (SOURCE / "deploy" / "docs" / "admin-guide.md").read_text(encoding="utf-8")
        self.assertIn(f"rates the unit {level} ({word})", guide)

    def test_unit_keeps_the_mount_namespace(self):
        """Lab mounts must reach the NFS server and the admin's shell."""
        for line in UNIT.read_text(encoding="utf-8").splitlines():
            if re.match(r"Protect(Clock|Hostname)=", line):
                continue  # those make no namespace of mounts
            self.assertNotRegex(
                line, r"^(Private(Mounts|Tmp|Devices)|Protect|ReadOnly|ReadWrite|Inaccessible|Mount|Root)"
            )

    def test_a_wrong_configuration_is_not_retried(self):
        self.assertIn("RestartPreventExitStatus=78", UNIT.read_text(encoding="utf-8"))

    def test_what_passes_is_retried_until_it_has_passed(self):
        """A mount, an address, a clock may take longer than systemd's five starts within ten seconds."""
        words = UNIT.read_text(encoding="utf-8")
        self.assertIn("StartLimitIntervalSec=0\n", words.partition("[Service]")[0])
        self.assertRegex(words, r"(?m)^After=.*\btime-sync\.target\b")

    def test_one_lab_fills_neither_the_units_tasks_nor_its_lines(self):
        words = UNIT.read_text(encoding="utf-8")
        # Ten thousand sessions (ftps.max_sessions), each with a transfer's five threads; a lab's own limit is 768.
        self.assertGreater(int(re.search(r"(?m)^TasksMax=([0-9]+)$", words)[1]), 50000 + 768)
        self.assertRegex(words, r"(?m)^LogRateLimitIntervalSec=0$")

    def test_accounts(self):
        words = self.run_tool("systemd-sysusers", "--dry-run", str(SOURCE / "deploy" / "sysusers.d" / "stowage.conf"))
        for name in ("stowage", "stowage-front", "stowage-admin"):
            if f"'{name}'" not in words:  # it is there already
                self.run_tool("getent", "group", name)

    def test_pam_service(self):
        lines = (SOURCE / "deploy" / "pam.d" / "stowage").read_text(encoding="utf-8").splitlines()
        rules = [line.split()[:2] for line in lines if line and not line.startswith("#")]
        self.assertEqual(rules, [["auth", "required"], ["account", "required"]])


if __name__ == "__main__":
    if not shutil.which("systemd-analyze") or not shutil.which("systemd-sysusers"):
        skip("systemd's tools are not installed")
    run_tests()
