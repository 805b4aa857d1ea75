"""A lab's limit binds pods and uploads alike on btrfs: quota_limits.py has the promises. A lab there is a subvolume that the
gateway mounts on itself; nfsd serves it before that too."""

import errno
import os
import threading
import time
import unittest

import kernel_nfsd
import nfs3_wire
from guest_gateway import LABS, mount_labs
from kernel_nfsd import run, wait_until
from nodes import Node
from quota_limits import PATIENCE, Limits
from stowage_rig import run_tests

TIMEOUT = 600
DISKS = {"labs": "1G"}


class OnBtrfs(Limits, unittest.TestCase):
    kind, over, why = "btrfs", errno.EDQUOT, "a subvolume per lab"

    def size_in_df(self):
        seen = os.statvfs(LABS)
        return seen.f_blocks * seen.f_frsize

    def set_limit(self, mib):
        run("btrfs", "qgroup", "limit", f"{mib}M", str(self.path))

    def take_what_counts(self):
        run("umount", "-l", str(self.path))
        return {"mount": "not mounted, or not nosuid and nodev"}

    def counter_of(self, lab):
        return "0/" + run("btrfs", "inspect-internal", "rootid", lab["directory"]).strip()

    def limit_of(self, counter):
        words = (line.split() for line in run("btrfs", "qgroup", "show", "-r", "--raw", str(LABS)).splitlines())
        limits = [columns[3] for columns in words if columns[:1] == [counter]]
        return int(limits[0].replace("none", "0")) if limits else 0

    def mount_options_seen(self):
        """Empty where the lab is not mounted: it has a device number of its own all the same."""
        return run("findmnt", "--noheadings", "--output", "OPTIONS", "--mountpoint", str(self.path), check=False)

    def test_only_a_lab_that_is_mounted_is_exported(self):
        options = [found for (path, _), found in kernel_nfsd.etab().items() if path == str(self.path)]
        self.assertTrue(options)
        for found in options:
            self.assertLess({"mountpoint", "nocrossmnt"}, found)
        self.assertIn("nosuid,nodev", self.mount_options_seen())

    def test_handles_outlive_a_boot_in_which_nfsd_is_up_before_the_lab_is_mounted(self):
        """nfs-server.service begins before stowage.service, and that alone mounts a lab's subvolume."""
        mounted = self.node.mount(str(self.path))
        (mounted / "kept").write_bytes(b"of before")
        handle = nfs3_wire.lookup(nfs3_wire.root_handle(str(self.path)), "kept")
        held = os.open(mounted / "held", os.O_CREAT | os.O_RDWR)
        self.addCleanup(os.close, held)
        os.write(held, b"before")
        os.fsync(held)
        self.gateway.stop()
        kernel_nfsd.stop()
        run("exportfs", "-ua")
        run("umount", str(self.path))
        run("umount", str(LABS))
        late = Node("late", 2)
        self.a_folder_of_the_root_disk_is_not_served(late)
        mount_labs(self.kind, self.mount_options)
        run("exportfs", "-ra")
        self.assertFalse(self.mount_options_seen())
        # mountd takes the subvolume's own device number for a mount, and what it serves is the lab.
        self.assertIn("kept", os.listdir(late.mount(str(self.path))))
        pod = threading.Thread(target=lambda: (os.write(held, b" and after"), os.fsync(held)))
        began = time.monotonic()
        pod.start()
        self.gateway.start()
        wait_until(self.mount_options_seen, PATIENCE, "the lab's mount")
        pod.join(PATIENCE)
        print(f"the pod and the lab's mount were there after {time.monotonic() - began:.1f} s", flush=True)
        self.assertFalse(pod.is_alive())
        self.assertEqual(nfs3_wire.read(handle), b"of before")
        self.assertEqual((self.path / "held").read_bytes(), b"before and after")
        self.is_ready()

    def a_folder_of_the_root_disk_is_not_served(self, node):
        self.path.mkdir()
        (self.path / "of-the-root-disk").touch()
        run("exportfs", "-ra", check=False)
        kernel_nfsd.serve()
        self.assertRegex(node.refusal(str(self.path)), "access denied|No such file|not permitted")
        run("exportfs", "-ua")
        (self.path / "of-the-root-disk").unlink()
        self.path.rmdir()


if __name__ == "__main__":
    run_tests()
