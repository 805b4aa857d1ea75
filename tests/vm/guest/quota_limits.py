"""A lab's limit binds pods (NFS v3 and v4.2) and uploads alike; what somebody changes about it by hand is found, shown
and set right. One set of promises for each filesystem of Debian's own kernel: cases/quotas_bind_everybody_on_*.py."""

import os
import pathlib
import time

import kernel_nfsd
from guest_gateway import LABS, GuestGateway, format_labs_disk, mount_labs
from kernel_nfsd import run, wait_until
from lab_files import MIB, write
from nodes import Node, as_user

LIMIT, FILES = 32 * MIB, 100
# A pass costs an emulated guest a second or two: often enough, and not all it does.
PASS_SECONDS = 15
PATIENCE = 120
FREED_SECONDS = 20
VERSIONS = ("vers=3,nolock", "vers=4.2")


def made(path):
    """Whether there is room for one more file."""
    try:
        path.touch()
    except OSError:
        return False
    return True


class Limits:
    """`kind` is the filesystem, made with `options`; `over` the errno that its kernel gives a lab that is full, `why` what
    the gateway says of it."""

    options, mount_options = (), "nosuid,nodev"
    limits = ("--quota", f"{LIMIT // MIB}MiB")
    shown_limits = ""  # behind the quota

    @classmethod
    def setUpClass(cls):
        run("modprobe", "-a", cls.kind, "quota_v2")
        format_labs_disk(cls.kind, cls.options)
        mount_labs(cls.kind, cls.mount_options)
        pathlib.Path("/etc/exports.d").mkdir()
        kernel_nfsd.start()
        kernel_nfsd.end_grace()
        cls.node = Node("node1", 1)
        cls.gateway = GuestGateway(reconcile_interval=f"{PASS_SECONDS}s")
        cls.gateway.start()
        cls.addClassCleanup(cls.gateway.stop)
        cls.lab = cls.gateway.create_lab("lab1", *cls.limits)
        cls.path = pathlib.Path(cls.lab["directory"])
        cls.password = cls.gateway.add_user("alice", "lab1")

    def setUp(self):
        for entry in self.path.iterdir():
            if not entry.name.startswith(".stowage"):
                entry.unlink()

    def run(self, result=None):
        before = len(result.errors) + len(result.failures)
        super().run(result)
        if len(result.errors) + len(result.failures) > before:
            # At once: a machine that is too slow may not come to the end.
            print(*(text for _, text in (result.errors + result.failures)[-1:]), flush=True)
            print("--- the gateway's last words", *self.gateway.log_tail(30), sep="\n", flush=True)

    def shown(self):
        return self.gateway.answer("lab", "show", "lab1")

    def login(self):
        client = self.gateway.login("alice", self.password)
        self.addCleanup(client.drop)
        return client

    def write_as_pod(self, name, size):
        path, uid = self.path / name, self.lab["uid"]
        as_user(uid, "dd", "if=/dev/zero", f"of={path}", "bs=1M", f"count={size // MIB}", "conv=fsync")
        return path

    def test_says_what_it_chose(self):
        seen = self.shown()
        self.assertEqual(seen["quota_backend"], self.kind)
        self.assertIn(self.why, seen["quota_why"])

    def test_pods_are_stopped_and_room_that_is_freed_is_there_at_once(self):
        for version in VERSIONS:
            with self.subTest(version):
                mounted = self.node.mount(str(self.path), version)
                seen = os.statvfs(mounted)
                self.assertEqual(seen.f_blocks * seen.f_frsize, self.size_in_df())
                self.assertEqual(write(mounted / "big", LIMIT + 8 * MIB), self.over)
                self.assertEqual(write(mounted / "more", 4 * MIB), self.over)
                (mounted / "big").unlink()
                (mounted / "more").unlink(missing_ok=True)
                self.takes_a_moment(f"{version}: room to write", lambda: write(mounted / "small", LIMIT // 2) == 0)
                (mounted / "small").unlink()
                run("umount", str(mounted))

    def takes_a_moment(self, what, condition):
        """nfsd closes what was removed, and XFS frees it, behind the reply: some ms, of which a guest makes more."""
        began = time.monotonic()
        wait_until(condition, FREED_SECONDS, what)
        print(f"{what} {time.monotonic() - began:.1f} s after something was removed", flush=True)

    def test_uploads_are_refused_with_the_numbers_and_freeing_helps_at_once(self):
        client = self.login()
        client.store("model", b"m" * 4 * MIB)
        refused = client.store_refused("model", b"u" * (LIMIT + 2 * MIB))
        self.assertRegex(refused, r"^552 .*the lab's limit is reached after .*iB more")
        self.assertRegex(refused, r"4(\.\d+)?MiB of 32MiB are used")
        self.assertEqual((self.path / "model").stat().st_size, 4 * MIB)
        pod = self.write_as_pod("of-a-pod", 25 * MIB)
        self.assertRegex(client.store_refused("upload", b"u" * (10 * MIB)), "^552 .*the lab's limit")
        pod.unlink()
        client.store("upload", b"u" * 10 * MIB)

    def drift(self):
        return {one["what"]: one for one in self.shown()["drift"]}

    def is_ready(self):
        self.changed_after = self.gateway.logged()
        wait_until(lambda: self.shown()["state"] == "ready", PATIENCE, "a lab that is ready")

    def test_what_was_changed_by_hand_is_shown_and_set_right(self):
        self.is_ready()
        self.set_limit(1024)
        os.chown(self.path, 0, 0)
        os.chmod(self.path, 0o755)
        seen = self.repaired({"quota": f"1GiB{self.shown_limits}", "owner": "0:0", "mode": "755"})
        self.assertEqual(seen["quota"]["should_be"], f"{LIMIT // MIB}MiB{self.shown_limits}")
        self.assertIn("quota", self.gateway.try_command("status")[1])
        self.is_ready()
        self.repaired(self.take_what_counts())
        self.is_ready()
        self.assertEqual(self.path.stat().st_mode & 0o7777, 0o2770)
        mounted = self.node.mount(str(self.path))
        self.assertEqual(write(mounted / "big", LIMIT + 8 * MIB), self.over)
        run("umount", str(mounted))

    def repaired(self, was):
        """All drift, once each of these was found as it `was` and set right."""
        lines = [f'event=drift .*what="?{what}"? .*outcome=repaired' for what in was]
        self.gateway.until_logged(self.changed_after, lines, PATIENCE)
        seen = self.drift()
        for what, value in was.items():
            self.assertEqual((seen[what]["was"], seen[what]["outcome"]), (value, "repaired"))
        return seen

    def test_the_mount_check_tells_what_clients_see_of_the_limit(self):
        (seen,) = [check for check in self.shown()["checks"] if check["name"] == "quota seen"]
        is_shown = self.kind in ("xfs", "ext4")
        self.assertIn(f"clients see {LIMIT // MIB}MiB in all" if is_shown else "not shown", seen["detail"])

    def test_a_deleted_labs_limit_is_nobodys(self):
        lab = self.gateway.create_lab("short", "--quota", "32MiB")
        counter = self.counter_of(lab)
        self.assertTrue(self.limit_of(counter))
        self.gateway.command("lab", "delete", "short", "--purge-data", "--confirm", "short")
        self.assertFalse(self.limit_of(counter))


class ProjectLimits(Limits):
    """Where a project counts a lab."""

    mount_options, why = "nosuid,nodev,prjquota", "with project quotas on"
    limits, shown_limits = (*Limits.limits, "--inodes", str(FILES)), f", {FILES} files"

    def size_in_df(self):
        return LIMIT

    def counter_of(self, lab):
        self.assertEqual(lab["project_id"], lab["uid"])
        return lab["project_id"]

    def take_what_counts(self):
        self.clear_project()
        return {"project id": "none"}

    def test_pods_are_stopped_at_the_number_of_files(self):
        for version in VERSIONS:
            with self.subTest(version):
                mounted = self.node.mount(str(self.path), version)
                with self.assertRaises(OSError) as refused:
                    for number in range(FILES + 10):
                        (mounted / f"f{number}").touch()
                self.assertEqual(refused.exception.errno, self.over)
                (mounted / "f1").unlink()
                self.takes_a_moment(f"{version}: room for a file", lambda: made(mounted / "again"))
                for entry in mounted.glob("f*"):
                    entry.unlink()
                (mounted / "again").unlink()
                run("umount", str(mounted))

    def test_a_full_disk_is_told_apart_from_a_full_lab(self):
        client = self.login()
        hog = LABS / "not-a-lab"
        with open(hog, "wb") as file:
            left = os.statvfs(LABS)
            os.posix_fallocate(file.fileno(), 0, left.f_bavail * left.f_frsize - 6 * MIB)
        try:
            self.assertRegex(client.store_refused("upload", b"u" * (15 * MIB)), "^(552|452) .*the whole storage is full")
            self.assertIn("The whole storage has", client.sendcmd("SITE QUOTA"))
        finally:
            hog.unlink()
        client.store("upload", b"u" * 15 * MIB)

    def test_a_lab_that_fills_up_is_warned_about_once(self):
        # A pass amid the test before may have seen a lab that was fuller, and warned: there is no other warning until it was
        # seen empty.
        wait_until(lambda: self.shown()["used_percent"] < 50, PATIENCE, "a lab that is seen empty")
        told = self.gateway.log_path.read_text(encoding="utf-8").count("event=quota_nearly_full")
        # At once: of a file that grows, a pass could see 80 % first, and warn of that as well.
        as_user(self.lab["uid"], "fallocate", "--length", str(30 * MIB), str(self.path / "most"))
        lines = lambda: self.gateway.log_path.read_text(encoding="utf-8").count("event=quota_nearly_full") - told  # noqa: E731
        wait_until(lambda: lines() > 0, PATIENCE, "the warning in the log")
        seen = self.shown()
        self.assertEqual((seen["quota_warning"], seen["used_percent"]), (90, 93))
        self.assertIn("little room is left", self.gateway.try_command("lab", "show", "lab1")[1])
        self.assertRegex(self.gateway.try_command("status")[1], "30.*MiB 93%")
        client = self.login()
        self.assertRegex(client.sendcmd("AVBL"), r"^213 \d+ Little room is left: 93 % of its room are used")
        for _ in range(3):
            self.shown()
        self.assertEqual(lines(), 1)
