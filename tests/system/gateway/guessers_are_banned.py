"""Who guesses is banned and waits, and nobody else is locked out. Real logins, through PAM.

Tried, each makes its test fail when taken out: the ban, the places at once, the bans told to a new front, the delay."""

import contextlib
import ftplib
import threading
import time

from login_gateway import GUESSER, OTHER, TRUSTED, LoginGateway
from stowage_rig import SLOWNESS, kill, run_tests, wait_until


class Bans(LoginGateway):
    settings = {"ftps.ban_after": "4", "ftps.ban_time": "600s", "ftps.never_ban": f"{TRUSTED}/32"}

    def tearDown(self):
        self.rig.gateway.command("bans", "clear", "--all")
        super().tearDown()

    def ban(self, source=GUESSER):
        for _ in range(4):
            self.assertTrue(self.guess(source)[0].startswith("530"))
        wait_until(lambda: self.greeting(source).startswith("421"), what="the front's knowledge of the ban")

    # Without the throttle's verdict in logins.cpp nobody is ever banned and this fails.
    def test_a_guesser_is_banned_and_the_user_is_not_locked_out(self):
        early = self.connect(GUESSER)  # before there is a ban
        self.ban()
        self.assertRegex(self.greeting(GUESSER), r"^421 Too many refused logins from your address; try again in 10 min")
        ban = self.bans()[GUESSER]
        self.assertEqual((ban["failures"], ban["user"]), (4, "alice"))
        self.assertAlmostEqual(ban["until"] - ban["since"], 600, delta=2)
        # The right password from the banned address is not even asked about: the supervisor decides, not the front.
        asked = len(self.log_lines("login"))
        with self.assertRaisesRegex(ftplib.Error, "^421 Too many refused logins"):
            early.login("alice", self.passwords["alice"])
        self.assertIn("result=banned", self.log_lines("login")[asked])
        self.login(source=OTHER).voidcmd("NOOP")

    def test_bans_are_lifted_by_address_and_all_at_once(self):
        self.ban()
        self.ban(OTHER)
        code, output = self.rig.run("bans", "clear", "192.0.2.99")
        self.assertEqual(code, 1)
        self.assertIn("192.0.2.99 is not banned", output)
        self.rig.gateway.command("bans", "clear", GUESSER)
        self.assertEqual(set(self.bans()), {OTHER})
        self.login(source=GUESSER)
        self.assertEqual(self.rig.gateway.answer("bans", "clear", "--all"), {"lifted": 1})
        self.login(source=OTHER)
        self.assertIn("No address is banned", self.rig.gateway.command("bans", "list"))

    def test_networks_that_are_never_banned(self):
        for _ in range(12):
            self.assertTrue(self.guess(TRUSTED)[0].startswith("530"))
        self.assertNotIn(TRUSTED, self.bans())
        self.login(source=TRUSTED)

    # Names that cannot be count as any other.
    def test_impossible_names_count(self):
        for user in ("al'ice", "x" * 1000, "../root", "no body"):
            self.assertTrue(self.guess(user=user)[0].startswith("530"))
        self.assertIn(GUESSER, self.bans())

    # Without LoginThrottle::most_at_once() all 40 are asked about before the first one is counted.
    def test_parallel_guesses_get_no_further(self):
        def guess():
            with contextlib.suppress(ftplib.Error, OSError, EOFError):
                clients.append(self.connect(GUESSER))
                self.guess(client=clients[-1])
        clients = []
        before = len(self.log_lines("login"))
        threads = [threading.Thread(target=guess) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        lines = self.log_lines("login")[before:]
        self.assertEqual(len([line for line in lines if "result=denied" in line]), 4, lines)
        self.assertIn(GUESSER, self.bans())

    # Without the bans in FrontService::introduce() a front that starts anew lets everybody in.
    def test_bans_outlive_the_front(self):
        self.ban()
        pid = self.rig.processes()["front"]["pid"]
        kill(pid)
        wait_until(lambda: self.greeting(OTHER).startswith("220"), what="a new front")
        self.assertRegex(self.greeting(GUESSER), "^421 Too many refused")
        self.assertIn(GUESSER, self.bans())


class BansEnd(LoginGateway):
    settings = {"ftps.ban_after": "2", "ftps.ban_time": "2s"}

    def test_by_themselves(self):
        for _ in range(2):
            self.guess()
        self.assertIn(GUESSER, self.bans())
        wait_until(lambda: self.greeting(GUESSER).startswith("220"), what="the end of the ban")
        self.login(source=GUESSER)
        self.assertNotIn(GUESSER, self.bans())


class Delays(LoginGateway):
    settings = {
        "ftps.ban_after": "0",
        "ftps.max_login_delay": f"{2 * SLOWNESS}s",
        "ftps.failed_login_time": f"{SLOWNESS}s",
    }

    # Without the delay in logins.cpp every answer takes one second.
    def test_known_and_unknown_users_wait_alike_and_the_real_one_gets_in(self):
        self.login(source="127.0.0.1")  # from here alice is known
        replies, times = {}, {}
        for user, source in (("alice", GUESSER), ("nobody", OTHER), ("al'ice", "127.0.0.7")):
            # The last two are delayed by one failed_login_time and by two.
            answers = [self.guess(source, user) for _ in range(3 + SLOWNESS.bit_length())]
            replies[user] = [reply for reply, _ in answers]
            times[user] = [seconds for _, seconds in answers]
        self.assertEqual(replies["alice"], replies["nobody"])
        self.assertEqual(replies["alice"], replies["al'ice"])
        for user, seconds in times.items():
            with self.subTest(user=user, seconds=seconds):
                self.assertTrue(all(0.99 <= s / SLOWNESS < 1.9 for s in seconds[:2]), seconds)
                self.assertTrue(all(s / SLOWNESS >= 1.99 for s in seconds[-2:]), seconds)
        began = time.monotonic()
        self.login(source="127.0.0.1")
        self.assertLess(time.monotonic() - began, 1.9 * SLOWNESS, "not delayed where she was before")
        began = time.monotonic()
        self.login(source="127.0.0.8")
        self.assertGreater(time.monotonic() - began, 1.9 * SLOWNESS, "delayed elsewhere, but let in")


if __name__ == "__main__":
    run_tests()
