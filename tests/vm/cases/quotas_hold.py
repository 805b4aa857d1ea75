"""The promises of quotas and projects, and of root steps that die, on XFS and ext4 of Debian's own kernel."""

import os
import pathlib
import subprocess

TIMEOUT = 600
FILES = ("tests/lab-directories-and-quotas-hold", "tests/root-step-may-die-at-any-point")
DISKS = {"work": "4G"}

TESTS = pathlib.Path(os.environ["STOWAGE_BIN"]).parent / "tests"


def run(program, *filters):
    """Shows what each test came to as it comes; nothing may fail, and nothing be skipped: here it can be held."""
    words = [TESTS / program, "--gtest_filter=" + ":".join(filters)]
    passed = 0
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            if not line.startswith(("[ RUN", "[---", "<")):
                print(line, end="", flush=True)
            passed += line.startswith("[       OK")
            assert not line.startswith("[  SKIPPED ] ") or line.count("/") < 2, line
    assert process.returncode == 0, program
    return passed


subprocess.run(["modprobe", "-a", "xfs", "ext4", "quota_v2", "loop"], check=True)
subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=1", "/dev/disk/stowage/work"], check=True)
# The loop devices' files lie in /tmp.
subprocess.run(["mount", "/dev/disk/stowage/work", "/tmp"], check=True)
os.chmod("/tmp", 0o1777)
# How a tree is walked, a directory made and a step goes on is one code for both: once.
of_quotas = ("*Quota*xfs*", "*Quota*ext4*", "*ProjectTree*xfs", "*WithoutARight*xfs", "*WithoutARight*ext4")
of_quotas += ("*ProjectTree.AFull*ext4", "*ProjectTree.NothingUnmarked*ext4")
assert run("lab-directories-and-quotas-hold", *of_quotas) >= 46
of_directories = ("*LabDirectory.*xfs", "*Purge.Without*xfs", "*Purge.LeavesNothing*xfs")
assert run("lab-directories-and-quotas-hold", *of_directories) >= 16
assert run("root-step-may-die-at-any-point", "*OfItsQuota*ext4") == 1
