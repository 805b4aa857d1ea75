"""A lab's limit binds pods and uploads alike on XFS: quota_limits.py has the promises."""

import errno
import unittest

from guest_gateway import LABS
from kernel_nfsd import run
from quota_limits import Limits
from stowage_rig import run_tests

TIMEOUT = 600
DISKS = {"labs": "1G"}


class OnXfs(Limits, unittest.TestCase):
    kind, over = "xfs", errno.ENOSPC

    def set_limit(self, mib):
        run("xfs_quota", "-x", "-c", f"limit -p bhard={mib}m {self.lab['project_id']}", str(LABS))

    def clear_project(self):
        run("xfs_io", "-c", "chattr -P", "-c", "chproj 0", str(self.path))

    def limit_of(self, project):
        words = run("xfs_quota", "-x", "-c", f"quota -p -N -v {project}", str(LABS)).split()
        return int(words[3]) if len(words) > 3 else 0


if __name__ == "__main__":
    run_tests()
