"""A lab's limit binds pods and uploads alike on XFS: quota_limits.py has the promises. What is the same on every filesystem
is asked here."""

import errno
import os
import pathlib
import unittest

from guest_gateway import LABS
from kernel_nfsd import run, wait_until
from quota_limits import PATIENCE, ProjectLimits
from stowage_rig import run_tests, write_site

TIMEOUT = 600
DISKS = {"labs": "1G"}


class OnXfs(ProjectLimits, unittest.TestCase):
    kind, over = "xfs", errno.ENOSPC

    def set_limit(self, mib):
        run("xfs_quota", "-x", "-c", f"limit -p bhard={mib}m {self.lab['project_id']}", str(LABS))

    def clear_project(self):
        run("xfs_io", "-c", "chattr -P", "-c", "chproj 0", str(self.path))

    def limit_of(self, project):
        words = run("xfs_quota", "-x", "-c", f"quota -p -N -v {project}", str(LABS)).split()
        return int(words[3]) if len(words) > 3 else 0

    def test_where_the_policy_is_to_report_nothing_is_touched_until_somebody_asks(self):
        self.gateway.stop()
        self.gateway.settings["labs.drift"] = "report"
        self.gateway.start()
        try:
            self.is_ready()
            os.chmod(self.path, 0o700)
            wait_until(lambda: self.shown()["state"] == "degraded", PATIENCE, "a lab that has drifted")
            self.assertIn("mode is 700 instead of 2770", self.shown()["why"])
            self.assertEqual(self.drift()["mode"]["outcome"], "reported")
            self.assertEqual(self.path.stat().st_mode & 0o7777, 0o700)
            site = write_site(pathlib.Path("/run/site.yaml"), [{"name": "lab1", "quota": self.limits[1], "inodes": self.limits[3]}])
            self.gateway.command("apply", str(site))
            self.assertEqual(self.path.stat().st_mode & 0o7777, 0o2770)
            self.assertEqual(self.drift()["mode"]["outcome"], "repaired")
        finally:
            self.gateway.stop()
            del self.gateway.settings["labs.drift"]
            self.gateway.start()


if __name__ == "__main__":
    run_tests()
