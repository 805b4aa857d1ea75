"""Labs belong to the filesystem on which they were made: while it is away nothing is made, served or forgotten on what
lies below, whatever was tried out there before, and everybody says the same about it."""

import shutil
import subprocess
import unittest

from stowage_rig import Rig, mounts, run_tests, wait_until

AWAY = "is not the filesystem on which labs were made"


class LabsStayOnTheirFilesystem(unittest.TestCase):
    def setUp(self):
        self.rig = self.enterContext(Rig(departments=["try1", "lab1", "lab2", "other"], start=False))
        self.gateway = self.rig.gateway

    def unmount(self):
        subprocess.run(["umount", "-R", str(self.rig.labs)], check=True)

    def mount(self):
        mounts.mount_image(self.rig.folder / "labs.img", self.rig.labs)

    def restart(self, between=lambda: None):
        self.assertEqual(self.gateway.stop(), 0)
        between()
        self.gateway.start()

    def lab(self, name):
        return self.gateway.answer("lab", "show", name)

    def below(self):
        return sorted(path.name for path in self.rig.labs.iterdir() if path.is_dir())

    def test_a_lab_tried_out_below_the_mount_point_makes_no_filesystem_of_labs_of_it(self):
        self.unmount()
        self.gateway.start()
        self.rig.create_lab("try1")
        self.gateway.command("lab", "delete", "try1", "--purge-data", "--confirm", "try1")
        self.restart(self.mount)
        self.rig.create_lab("lab1")
        self.rig.add_user("alice", "lab1")
        (self.rig.labs / "lab1" / "thesis").write_text("x")
        self.restart(self.unmount)

        wait_until(lambda: AWAY in self.lab("lab1")["why"], 60, "the lab's filesystem to be missed")
        code, words = self.rig.run("verify", "lab1")
        self.assertNotEqual(code, 0)
        self.assertIn(AWAY, words)
        self.assertNotIn("gone", words)
        self.assertNotIn("quota", words)
        self.assertEqual(self.lab("lab1")["state"], "pending")
        words = self.rig.run("doctor")[1]
        self.assertIn(AWAY, words)
        self.assertIn("mount it", words)
        self.assertNotIn("put labs.root on", words)
        code, words = self.rig.run("lab", "delete", "lab1", "--confirm", "lab1")
        self.assertNotEqual(code, 0)
        self.assertIn(AWAY, words)
        self.assertEqual(self.lab("lab1")["users"], ["alice"])
        self.rig.run("lab", "create", "lab2")
        self.assertEqual(self.below(), [])

        self.restart(self.mount)
        wait_until(lambda: self.lab("lab1")["state"] == "ready", 60, "the lab to be ready again")
        self.assertEqual((self.rig.labs / "lab1" / "thesis").read_text(), "x")

    def test_a_new_database_gives_no_uid_away_that_lies_on_the_disk(self):
        self.gateway.start()
        uids = [self.rig.create_lab(name)["uid"] for name in ("lab1", "lab2")]
        (self.rig.labs / "lab1" / "thesis").write_text("x")
        self.restart(lambda: shutil.rmtree(self.gateway.state_dir))
        self.assertNotIn(self.rig.create_lab("other")["uid"], uids)
        self.assertEqual(self.rig.create_lab("lab1")["uid"], uids[0])
        self.assertEqual((self.rig.labs / "lab1" / "thesis").read_text(), "x")

    def test_a_disk_that_comes_after_the_start_is_looked_at_too(self):
        self.gateway.start()
        uid = self.rig.create_lab("lab1")["uid"]
        self.assertEqual(self.gateway.stop(), 0)
        shutil.rmtree(self.gateway.state_dir)
        self.unmount()
        self.gateway.start()
        self.mount()
        self.assertNotEqual(self.rig.create_lab("other")["uid"], uid)
        self.assertEqual(self.rig.create_lab("lab1")["uid"], uid)


if __name__ == "__main__":
    run_tests()
