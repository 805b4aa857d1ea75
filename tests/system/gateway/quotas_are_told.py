"""A lab's quota, seen from FTPS: refused with the numbers, before the first byte where the size is known; what pods
write counts; nothing is lost, and room that was made is there at once.

Tried, each makes its test fail when taken out of the worker: take_back() in clean_up(), the third refusal's end in
refuse_full(), find_room() in ALLO."""

import ftplib
import os
import subprocess
import unittest

from stowage_rig import FtpsClient, Rig, run_tests, wait_until, write_site

MIB = 2**20


def reply_to(client, command):
    """The reply's text, refused or not."""
    try:
        return client.sendcmd(command)
    except ftplib.Error as refused:
        return str(refused)


class Quotas:
    """Each test has a lab of its own, with 64 MiB."""

    kind = "btrfs"
    number = 0

    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(labs=cls.kind, departments=[f"lab{n}" for n in range(1, 12)]).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))

    def setUp(self):
        type(self).number += 1
        self.lab = f"lab{self.number}"
        self.rig.create_lab(self.lab, "64MiB")
        self.user = f"user{self.number}"
        self.password = self.rig.add_user(self.user, self.lab)
        self.folder = self.rig.labs / self.lab

    def login(self):
        return self.rig.login(self.user, self.password)

    def write_as_pod(self, name, size):
        owner = self.folder.stat().st_uid
        path = self.folder / name
        path.write_bytes(b"p" * size)
        os.chown(path, owner, owner)
        return path

    def staged(self):
        return list((self.folder / ".stowage" / "partials").iterdir())

    def test_over_quota_has_numbers_and_loses_nothing(self):
        client = self.login()
        client.store("model", b"m" * 8 * MIB)
        refused = client.store_refused("model", b"u" * (80 * MIB))
        self.assertRegex(refused, r"^552 .*the lab's limit is reached after .*iB more")
        self.assertRegex(refused, r"8(\.\d+)?MiB of 64MiB are used, (55\.\d+|56)MiB are left; delete something")
        self.assertEqual((self.folder / "model").read_bytes(), b"m" * 8 * MIB)
        self.assertEqual(self.staged(), [])
        client.store("fits", b"f" * 40 * MIB)

    def test_announced_uploads_are_refused_before_the_first_byte(self):
        first, second = self.login(), self.login()
        self.assertRegex(reply_to(first, f"ALLO {65 * MIB}"), "^552 ")
        self.assertRegex(reply_to(first, f"ALLO {40 * MIB}"), "^200 ")
        self.assertRegex(reply_to(second, f"ALLO {40 * MIB}"), "^552 .*40MiB that other uploads have announced")
        self.assertRegex(reply_to(second, f"ALLO {20 * MIB}"), "^200 ")
        first.store("announced", b"a" * 40 * MIB)
        second.store("announced too", b"a" * 20 * MIB)

    def test_everything_shows_the_usage(self):
        client = self.login()
        self.assertRegex(client.sendcmd("AVBL"), r"^213 \d+$")
        client.store("most", b"m" * 60 * MIB)
        answer = client.sendcmd("AVBL")
        self.assertRegex(answer, r"^213 \d+ Little room is left: 9[34] % of its room are used")
        left = int(answer.split()[1])
        self.assertLess(abs(left - 4 * MIB), MIB)
        for command in ("SITE QUOTA", "STAT"):
            shown = client.sendcmd(command)
            self.assertIn("Limit: 64MiB (67108864 bytes)", shown)
            self.assertRegex(shown, r"Used:  60(\.\d+)?MiB")
            self.assertIn(self.who_counts, shown)
        newcomer = FtpsClient(self.rig.ports, self.rig.gateway.certificate)
        self.rig.clients.append(newcomer)
        greeting = newcomer.login(self.user, self.password)
        self.assertRegex(greeting, r"may hold 64MiB\. Little room is left: 9[34] % of its room are used")

    def test_lftp_and_curl_show_the_refusal_and_do_not_begin_anew(self):
        """They send on, and look for the reply when they are through or their connection ends."""
        big = self.rig.folder / f"big of {self.lab}"
        with open(big, "wb") as file:
            file.truncate(200 * MIB)
        here, certificate = f"127.0.0.1:{self.rig.ports.ftps}", self.rig.gateway.certificate
        login = f"{self.user}:{self.password}"
        script = f"set ssl:ca-file {certificate}; set ftp:ssl-force yes; put '{big}'"
        curl = ["curl", "-sS", "--ssl-reqd", "--cacert", certificate, "-u", login, "-T", big, f"ftp://{here}/big"]
        lftp = ["lftp", "-u", login.replace(":", ","), "-e", f"{script}; exit 1", f"ftp://{here}"]
        for words, told in ((curl, "Exceeded storage allocation"), (lftp, "552 .*the lab's limit is reached")):
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
            self.assertRegex(done.stderr, told)
            self.assertNotEqual(done.returncode, 0)
        begun = [line for line in self.rig.gateway.log_tail(1000) if f"lab={self.lab} verb=STOR" in line]
        self.assertEqual(len(begun), 2, begun)

    def test_the_third_refusal_in_a_row_ends_the_session(self):
        client = self.login()
        for turn in range(3):
            self.assertRegex(client.store_refused(f"too large {turn}", b"u" * (80 * MIB)), "^552 ")
        self.assertRegex(client.refusal(), "^421 Three uploads in a row found no room")
        with self.assertRaises((EOFError, OSError)):
            client.sendcmd("NOOP")
        self.login().store("small", b"fits")

    def test_a_full_lab_can_be_emptied_and_takes_uploads_at_once(self):
        client = self.login()
        for name in ("one", "two", "three"):
            client.store(name, b"x" * 20 * MIB)
        self.assertRegex(client.store_refused("four", b"u" * (20 * MIB)), "^552 ")
        client.delete("one")
        client.store("four", b"x" * 20 * MIB)

    def test_names_too_long_and_missing_rights_have_their_own_words(self):
        client = self.login()
        self.assertRegex(reply_to(client, "MKD " + "n" * 300), "^553 .*this name is longer than 255 bytes")
        closed = self.folder / "closed"
        closed.mkdir()
        closed.chmod(0o755)  # root's
        self.assertRegex(reply_to(client, "MKD closed/inside"), "^550 .*permission denied")


class OnBtrfs(Quotas, unittest.TestCase):
    who_counts = "Enforced by the filesystem (btrfs), for pods too"

    def test_a_full_lab_is_full_and_not_broken(self):
        self.write_as_pod("of-a-pod", 40 * MIB)
        subprocess.run(["sync", "-f", str(self.folder)], check=True)
        code, output = self.rig.run("lab", "set", self.lab, "--quota", "16MiB")
        self.assertEqual(code, 0, output)
        code, output = self.rig.run("verify", self.lab)
        self.assertEqual(code, 0, output)
        self.assertIn("full", output)
        shown = self.rig.run("lab", "show", self.lab)[1]
        self.assertIn(f"{self.lab} is ready", shown)
        self.assertRegex(shown, r"; FULL\b")
        self.assertIn(f"lab {self.lab} is full", self.rig.run("doctor")[1])
        self.assertEqual((self.folder / "of-a-pod").stat().st_size, 40 * MIB)

    def test_what_pods_write_counts_and_what_they_remove_makes_room(self):
        client = self.login()
        client.sendcmd("AVBL")
        path = self.write_as_pod("of a pod", 50 * MIB)
        self.assertRegex(reply_to(client, f"ALLO {20 * MIB}"), "^552 ")
        self.assertRegex(client.store_refused("upload", b"u" * (20 * MIB)), "^552 ")
        path.unlink()
        client.store("upload", b"u" * 20 * MIB)

    def test_a_raised_limit_holds_at_once(self):
        client = self.login()
        self.assertRegex(reply_to(client, f"ALLO {100 * MIB}"), "^552 ")
        site = write_site(self.rig.folder / "site.yaml", [{"name": self.lab, "quota": "128MiB"}])
        code, output = self.rig.run("apply", str(site))
        self.assertEqual(code, 0, output)
        wait_until(lambda: reply_to(client, f"ALLO {100 * MIB}").startswith("200"), what="the new limit")
        client.store("large", b"l" * 100 * MIB)

    def test_a_worker_that_asks_all_the_time_keeps_root_at_one_look_a_second(self):
        client = self.login()
        before = self.rig.gateway.log_path.read_text().count("step=observe_quota")
        for _ in range(4):
            client.sendcmd("AVBL")
        lines = self.rig.gateway.log_path.read_text().count("step=observe_quota") - before
        self.assertGreaterEqual(lines, 1)
        self.assertLessEqual(lines, 5)


class WithoutABackend(Quotas, unittest.TestCase):
    kind = "plain"
    who_counts = "Counted by this FTPS server"


if __name__ == "__main__":
    run_tests()
