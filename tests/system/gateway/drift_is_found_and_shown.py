"""What somebody changes about a lab by hand is found by the next pass, shown with what it was and should be, and set
right; where the policy is to report, nothing is touched until somebody asks. A lab that fills up is warned about once."""

import os
import subprocess
import unittest

from stowage_rig import Rig, run_tests, wait_until, write_site

MIB = 2**20


class Drift(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(departments=["lab1"], settings={"reconcile_interval": "5s"}).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.lab = cls.rig.create_lab("lab1", "64MiB")
        cls.path = cls.rig.labs / "lab1"

    def shown(self):
        return self.rig.gateway.answer("lab", "show", "lab1")

    def drift(self, what):
        return next((one for one in self.shown()["drift"] if one["what"] == what), None)

    def wait_for(self, what, was, outcome):
        def found():
            one = self.drift(what)
            return one if one and (one["was"], one["outcome"]) == (was, outcome) else None

        return wait_until(found, 120, f"{what}, which was {was}, {outcome}")

    def wait_until_ready(self):
        wait_until(lambda: self.shown()["state"] == "ready", 120, "a lab that is ready")

    def log_lines(self, event):
        return self.rig.gateway.log_path.read_text(encoding="utf-8").count(f"event={event} ")

    def mode(self):
        return self.path.stat().st_mode & 0o7777

    def test_owner_mode_and_quota_are_set_right(self):
        self.wait_until_ready()
        os.chown(self.path, 0, 0)
        os.chmod(self.path, 0o755)
        record = self.wait_for("owner", "0:0", "repaired")
        self.assertEqual(record["should_be"], f"{self.lab['uid']}:{self.lab['uid']}")
        self.assertEqual(self.drift("mode")["was"], "755")
        self.assertEqual((self.path.stat().st_uid, self.mode()), (self.lab["uid"], 0o2770))
        self.wait_until_ready()
        subprocess.run(["btrfs", "qgroup", "limit", "1G", str(self.path)], check=True)
        self.assertEqual(self.wait_for("quota", "1GiB", "repaired")["should_be"], "64MiB")
        code, status = self.rig.run("status")
        self.assertEqual(code, 0, status)
        self.assertRegex(status, r"lab1 +quota +1GiB +64MiB")

    def test_a_change_of_ours_that_failed_is_nobodys(self):
        self.wait_until_ready()
        subprocess.run(["chattr", "+i", str(self.path)], check=True)
        try:
            code, output = self.rig.run("lab", "set", "lab1", "--quota", "32MiB")
        finally:
            subprocess.run(["chattr", "-i", str(self.path)], check=True)
        self.assertNotEqual(code, 0, "the mount check may not write: " + output)
        self.assertRegex(output, r"done +lab1 +quota 32MiB")
        self.rig.gateway.command("lab", "set", "lab1", "--quota", "64MiB")
        self.wait_until_ready()
        self.assertNotIn("32MiB", [one["was"] for one in self.shown()["drift"]])

    def only_report(self):
        self.wait_until_ready()
        self.rig.gateway.stop()
        self.rig.gateway.settings["labs.drift"] = "report"
        self.rig.gateway.start()
        self.wait_until_ready()

    def test_reported_drift_is_not_set_right_by_a_change_that_failed(self):
        self.only_report()
        os.chmod(self.path, 0o700)
        self.wait_for("mode", "700", "reported")
        subprocess.run(["chattr", "+i", str(self.path)], check=True)
        try:
            code, output = self.rig.run("lab", "set", "lab1", "--quota", "32MiB")
            self.assertNotEqual(code, 0, "the mode cannot be set: " + output)
            self.assertEqual((self.drift("mode")["outcome"], self.drift("mode")["open"]), ("reported", True))
        finally:
            subprocess.run(["chattr", "-i", str(self.path)], check=True)
        self.rig.gateway.command("lab", "set", "lab1", "--quota", "64MiB")
        self.wait_for("mode", "700", "set right")
        self.wait_until_ready()

    def test_reported_drift_of_a_limit_is_shown_beside_what_was_asked(self):
        self.only_report()
        self.assertEqual(self.shown()["in_force"]["quota_bytes"], 64 * MIB)
        self.assertNotIn("in force", self.rig.run("lab", "show", "lab1")[1])
        subprocess.run(["btrfs", "qgroup", "limit", "1G", str(self.path)], check=True)
        self.wait_for("quota", "1GiB", "reported")
        shown = self.shown()
        self.assertEqual((shown["quota_bytes"], shown["in_force"]["quota_bytes"]), (64 * MIB, 2**30))
        text = self.rig.run("lab", "show", "lab1")[1]
        self.assertRegex(text, r"of 1GiB \(0 %\), .*asked 64MiB, in force 1GiB")
        self.assertIn("64MiB, in force 1GiB", self.rig.run("lab", "list")[1])
        self.rig.gateway.command("lab", "set", "lab1", "--quota", "65MiB")
        self.rig.gateway.command("lab", "set", "lab1", "--quota", "64MiB")
        self.assertNotIn("in force", self.rig.run("lab", "show", "lab1")[1])

    def test_reported_drift_stays_until_somebody_asks(self):
        self.only_report()
        before = self.log_lines("drift")
        os.chmod(self.path, 0o700)
        self.wait_for("mode", "700", "reported")
        wait_until(lambda: self.shown()["state"] == "degraded", 60, "a lab that is degraded")
        self.assertIn("mode is 700 instead of 2770", self.shown()["why"])
        self.assertEqual(self.mode(), 0o700)
        os.chmod(self.path, 0o2770)
        self.wait_for("mode", "700", "set right")
        self.wait_until_ready()
        os.chmod(self.path, 0o711)
        self.wait_for("mode", "711", "reported")
        site = write_site(self.rig.folder / "site.yaml", [{"name": "lab1", "quota": "64MiB"}])
        code, output = self.rig.run("apply", str(site))
        self.assertEqual(code, 0, output)
        self.assertEqual(self.mode(), 0o2770)
        self.assertEqual(self.drift("mode")["outcome"], "repaired")
        self.assertEqual(self.log_lines("drift") - before, 4, "each is told once")

    def test_a_lab_that_fills_up_is_warned_about_once(self):
        self.wait_until_ready()
        before = self.log_lines("quota_nearly_full")
        path = self.path / "most"
        path.write_bytes(b"m" * 60 * MIB)
        os.chown(path, self.lab["uid"], self.lab["uid"])
        os.sync()
        wait_until(lambda: self.shown()["quota_warning"] == 90, 60, "the warning")
        self.assertIn("little room is left", self.rig.run("lab", "show", "lab1")[1])
        for _ in range(3):
            self.shown()
        self.assertEqual(self.log_lines("quota_nearly_full") - before, 1)
        path.unlink()


if __name__ == "__main__":
    run_tests()
