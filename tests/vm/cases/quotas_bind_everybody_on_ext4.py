"""A lab's limit binds pods and uploads alike on ext4: quota_limits.py has the promises."""

import errno
import unittest

from guest_gateway import LABS
from kernel_nfsd import run
from quota_limits import FILES, ProjectLimits
from stowage_rig import run_tests

TIMEOUT = 600
DISKS = {"labs": "1G"}


class OnExt4(ProjectLimits, unittest.TestCase):
    kind, over = "ext4", errno.EDQUOT
    options = ("-O", "quota,project", "-E", "quotatype=prjquota")

    def set_limit(self, mib):
        run("setquota", "-P", str(self.lab["project_id"]), "0", str(mib * 1024), "0", str(FILES), str(LABS))

    def clear_project(self):
        run("chattr", "-P", "-p", "0", str(self.path))

    def limit_of(self, project):
        listed = run("repquota", "-P", "-n", "-v", str(LABS), check=False)
        line = next((line for line in listed.splitlines() if line.startswith(f"#{project} ")), "")
        return int(line.split()[4]) if line else 0


if __name__ == "__main__":
    run_tests()
