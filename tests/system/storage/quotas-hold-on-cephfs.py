"""The promises of quotas, on a CephFS of this machine's own."""

import os
import pathlib
import subprocess
import sys

import ceph_cluster

SKIPPED = 77
TESTS = pathlib.Path(os.environ["STOWAGE_BIN"]).parent / "tests"


def main():
    if os.geteuid() != 0:
        print("SKIPPED: needs root")
        return SKIPPED
    missing = ceph_cluster.missing()
    if missing:
        print(f"SKIPPED: {', '.join(missing)} not installed (Debian: ceph-mon ceph-mgr ceph-osd ceph-mds ceph-fuse)")
        return SKIPPED
    if not os.path.exists("/dev/fuse"):
        print("SKIPPED: no /dev/fuse here")
        return SKIPPED
    with ceph_cluster.CephCluster() as cluster:
        done = subprocess.run(
            [TESTS / "lab-directories-and-quotas-hold", "--gtest_filter=*/cephfs"],
            check=False,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"STOWAGE_TEST_CEPHFS": str(cluster.mounted)},
        )
        print("\n".join(line for line in done.stdout.splitlines() if not line.startswith("<")))
        passed = done.stdout.count("[       OK ]")
        return 0 if done.returncode == 0 and passed >= 5 and "SKIPPED" not in done.stdout else 1


if __name__ == "__main__":
    sys.exit(main())
