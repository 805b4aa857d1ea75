"""Who guesses is banned and nobody else is locked out; limits are announced with their reason; `stowage sessions` shows
and ends those who are on-line. Real logins, through PAM.

Tried, each makes its test fail when taken out: the ban, the places at once, the bans told to a new front, the delay, the
place taken before a session is opened; and `killed`, with tests/system/worker/online_test.cpp."""

import contextlib
import ftplib
import json
import re
import signal
import socket
import ssl
import threading
import time
import unittest

from stowage_rig import FtpsClient, Rig, kill, run_tests, wait_until

GUESSER, OTHER, TRUSTED = "127.0.0.5", "127.0.0.6", "127.0.0.9"
EVIL = "Evil\x1b[2J\udcff\u202e 1.0"
FAST_LOGINS = {"ftps.max_login_delay": "0s", "ftps.failed_login_time": "0s"}


class Gateway(unittest.TestCase):
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(labs="plain", settings=FAST_LOGINS | cls.settings).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        for lab in ("lab1", "lab2"):
            cls.rig.create_lab(lab)
        cls.passwords = {user: cls.rig.add_user(user, lab) for user, lab in (("alice", "lab1"), ("amy", "lab1"),
                                                                            ("bob", "lab2"))}

    def tearDown(self):
        for client in self.rig.clients:
            client.drop()
        self.rig.clients.clear()
        wait_until(lambda: not self.sessions(), what="the end of all sessions")

    def connect(self, source="127.0.0.1", **options):
        client = FtpsClient(self.rig.ports, self.rig.gateway.certificate, source=source, **options)
        self.rig.clients.append(client)
        return client

    def login(self, user="alice", source="127.0.0.1"):
        client = self.connect(source)
        client.login(user, self.passwords[user])
        client.prot_p()
        return client

    def refused_login(self, user):
        """The reply to the right password."""
        client = self.connect()
        with self.assertRaises(ftplib.Error) as refused:
            client.login(user, self.passwords[user])
        client.drop()
        return str(refused.exception)

    def connect_soon(self, source="127.0.0.1"):
        """As soon as the front has noticed that others have hung up."""
        def attempt():
            with contextlib.suppress(ftplib.Error, EOFError, ConnectionError):
                return self.connect(source)
            return None
        return wait_until(attempt, what=f"a connection from {source}")

    def guess(self, source=GUESSER, user="alice", client=None):
        """One wrong password; the reply and how long it took."""
        client = client or self.connect(source)
        client.auth()
        client.sendcmd(f"USER {user}")
        began = time.monotonic()
        try:
            client.sendcmd("PASS wrong")
        except ftplib.Error as refused:
            return str(refused), time.monotonic() - began
        return self.fail("a wrong password was right")

    def greeting(self, source):
        """What the front says first; "" if it hangs up."""
        try:
            with socket.create_connection(("127.0.0.1", self.rig.ports.ftps), 30, (source, 0)) as connection:
                return connection.recv(4096).decode()
        except ConnectionError:
            return ""

    def bans(self):
        return {ban["address"]: ban for ban in self.rig.gateway.answer("bans", "list")["bans"]}

    def sessions(self):
        return self.rig.gateway.answer("sessions")["sessions"]

    def log_lines(self, event):
        return [line for line in self.rig.gateway.log_tail(100_000) if f"event={event} " in line]


class Bans(Gateway):
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


class BansEnd(Gateway):
    settings = {"ftps.ban_after": "2", "ftps.ban_time": "2s"}

    def test_by_themselves(self):
        for _ in range(2):
            self.guess()
        self.assertIn(GUESSER, self.bans())
        wait_until(lambda: self.greeting(GUESSER).startswith("220"), what="the end of the ban")
        self.login(source=GUESSER)
        self.assertNotIn(GUESSER, self.bans())


class Delays(Gateway):
    settings = {"ftps.ban_after": "0", "ftps.max_login_delay": "2s", "ftps.failed_login_time": "1s"}

    # Without the delay in logins.cpp every answer takes one second.
    def test_known_and_unknown_users_wait_alike_and_the_real_one_gets_in(self):
        self.login(source="127.0.0.1")  # from here alice is known
        replies, times = {}, {}
        for user, source in (("alice", GUESSER), ("nobody", OTHER), ("al'ice", "127.0.0.7")):
            answers = [self.guess(source, user) for _ in range(4)]
            replies[user] = [reply for reply, _ in answers]
            times[user] = [seconds for _, seconds in answers]
        self.assertEqual(replies["alice"], replies["nobody"])
        self.assertEqual(replies["alice"], replies["al'ice"])
        for user, seconds in times.items():
            with self.subTest(user=user, seconds=seconds):
                self.assertTrue(all(0.99 <= s < 1.9 for s in seconds[:2]), seconds)
                self.assertTrue(all(s >= 1.99 for s in seconds[2:]), seconds)
        began = time.monotonic()
        self.login(source="127.0.0.1")
        self.assertLess(time.monotonic() - began, 1.9, "not delayed where she was before")
        began = time.monotonic()
        self.login(source="127.0.0.8")
        self.assertGreater(time.monotonic() - began, 1.9, "delayed elsewhere, but let in")


class Limits(Gateway):
    settings = {"ftps.max_sessions": "9", "ftps.max_sessions_per_address": "7", "ftps.max_logins_per_address": "3",
                "ftps.max_sessions_per_lab": "3", "ftps.max_sessions_per_user": "2"}

    def test_of_a_user_of_a_lab_of_an_address_and_in_all(self):
        held = [self.login("alice"), self.login("alice")]
        self.assertRegex(self.refused_login("alice"), "^421 alice has 2 sessions, which is the limit of a user")
        held.append(self.login("amy"))
        self.assertRegex(self.refused_login("amy"), "^421 Lab lab1 has 3 sessions, which is the limit of a lab")
        held.append(self.login("bob"))
        waiting = [self.connect_soon() for _ in range(3)]
        self.assertRegex(self.greeting("127.0.0.1"), "^421 Your address has (3 connections without|7 connections)")
        waiting[0].login("bob", self.passwords["bob"])
        self.assertRegex(self.greeting("127.0.0.1"), "^421 Your address has 7 connections, which is the limit")
        others = [self.connect_soon(OTHER) for _ in range(2)]
        self.assertRegex(self.greeting(OTHER), "^421 Too many connections, which is the limit of this server")
        self.assertTrue(self.log_lines("connection_refused"))
        for client in held[:1] + others:
            client.quit()
        wait_until(lambda: len(self.sessions()) == 4, what="the end of alice's first session")
        self.login("alice", OTHER)

    # Without the place taken before the session is opened, all of them get in.
    def test_parallel_logins_do_not_pass_the_limit(self):
        def login(source):
            with contextlib.suppress(ftplib.Error, OSError, EOFError):
                client = self.connect(source)
                client.login("alice", self.passwords["alice"])
                inside.append(client)
        # A worker that has died often starts late: the logins wait for it together.
        for _ in range(5):
            client = self.login()
            kill(self.rig.processes()["worker lab1"]["pid"])
            client.drop()
            wait_until(lambda: not self.sessions(), what="the end of the session")
        inside, before = [], len(self.log_lines("login"))
        threads = [threading.Thread(target=login, args=(f"127.0.1.{number}",)) for number in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(len(inside), 2)
        # The worker would refuse the others, too: it is the supervisor's decision that counts.
        results = [re.search("result=([a-z]+)", line)[1] for line in self.log_lines("login")[before:]]
        self.assertEqual(sorted(results), ["busy"] * 6 + ["ok"] * 2)


class Sessions(Gateway):
    settings = {"ftps.max_sessions_per_user": "300", "ftps.max_logins_per_address": "300"}

    def only_session(self):
        sessions = self.sessions()
        self.assertEqual(len(sessions), 1)
        return sessions[0]

    def test_are_shown_with_what_they_do(self):
        alice = self.login()
        alice.encoding = "utf-8"
        alice.sock.sendall(b"CLNT " + EVIL.encode("utf-8", "surrogateescape") + b"\r\n")
        alice.getresp()
        session = self.only_session()
        self.assertEqual((session["user"], session["lab"], session["peer"]), ("alice", "lab1", "127.0.0.1"))
        self.assertAlmostEqual(session["since"], time.time(), delta=60)
        self.assertEqual(session["client"], "Evil\x1b[2J\\xff\u202e 1.0")
        self.assertEqual(session["doing"]["verb"], "")
        data, _ = alice.ntransfercmd("STOR big file")
        data.sendall(b"x" * 2_000_000)
        doing = wait_until(lambda: self.only_session()["doing"]["bytes"] == 2_000_000 and self.only_session()["doing"],
                           what="the bytes")
        self.assertEqual((doing["verb"], doing["path"]), ("STOR", "/big file"))
        self.assertGreater(doing["bytes_per_s"], 0)
        shown = self.rig.gateway.command("sessions", "--lab", "lab1")
        for word in ("alice", "STOR", "/big file", "1.91MiB", "127.0.0.1"):
            self.assertIn(word, shown)
        self.assertNotIn("\x1b", shown)
        self.assertNotIn("\u202e", shown)
        self.assertIn("Nobody", self.rig.gateway.command("sessions", "--lab", "lab2"))
        data.unwrap()
        data.close()
        self.assertTrue(alice.voidresp().startswith("226"))
        line = self.log_lines("transfer")[-1]
        self.assertRegex(line, r"lab=lab1 .*user=alice .*bytes=2000000 seconds=[0-9.]+ mb_per_s=[0-9.]+ .*result=ok")
        self.assertRegex(self.log_lines("login")[-1], r"lab=lab1 user=alice peer=127.0.0.1 result=ok ms=[0-9]+ ")

    def test_a_refused_login_is_one_line(self):
        before = len(self.rig.gateway.log_tail(100_000))
        self.guess(user="no\x1bbody")
        about = [line for line in self.rig.gateway.log_tail(100_000)[before:] if "login" in line and "body" in line]
        self.assertEqual(len(about), 1, about)
        self.assertRegex(about[0], r'lab="" user="no\\x1bbody" peer=127.0.0.5 result=denied ms=[0-9]+ ')

    # Without `killed` in the worker's next_line() the client never hears of it.
    def test_are_ended_by_order(self):
        alice, bob = self.login(), self.login("bob")
        number = next(session["id"] for session in self.sessions() if session["user"] == "alice")
        self.assertIn(f"session {number} is ended", self.rig.gateway.command("sessions", "kill", str(number)))
        with self.assertRaisesRegex(ftplib.Error, "^421 An administrator ended this session"):
            alice.voidcmd("NOOP")
        bob.voidcmd("NOOP")
        code, output = self.rig.run("sessions", "kill", str(number))
        self.assertEqual(code, 1)
        self.assertIn(f"there is no session {number}", output)

    def test_a_transfer_is_aborted_with_its_session(self):
        alice = self.login()
        data, _ = alice.ntransfercmd("STOR half")
        data.sendall(b"x" * 1000)
        wait_until(lambda: self.only_session()["doing"]["bytes"] == 1000, what="the bytes")
        self.rig.gateway.command("sessions", "kill", str(self.only_session()["id"]))
        self.assertRegex(alice.refusal(), "^426")
        self.assertRegex(alice.refusal(), "^421")
        self.assertFalse((self.rig.labs / "lab1" / "half").exists())
        data.close()

    # A worker that hangs is what an admin sees when a filesystem hangs: the front cuts what the worker does not end.
    def test_of_a_hung_lab_are_shown_and_ended_too(self):
        alice, bob = self.login(), self.login("bob")
        worker = self.rig.processes()["worker lab1"]["pid"]
        number = next(session["id"] for session in self.sessions() if session["user"] == "alice")
        kill(worker, signal.SIGSTOP)
        try:
            doing = {session["user"]: session["doing"] for session in self.sessions()}
            self.assertIsNone(doing["alice"])
            self.assertIsNotNone(doing["bob"])
            self.assertIn("does not answer", self.rig.gateway.command("sessions"))
            self.rig.gateway.command("sessions", "kill", str(number))
            self.assertEqual({session["user"] for session in self.sessions()}, {"bob"})
            with self.assertRaises((OSError, EOFError, ssl.SSLError)):
                alice.voidcmd("NOOP")
        finally:
            kill(worker, signal.SIGCONT)
        bob.voidcmd("NOOP")
        self.login().voidcmd("NOOP")

    # Without cut_sessions_of() in the supervisor the session goes on for as long as it says NOOP.
    def test_end_when_the_password_or_the_account_goes(self):
        for user, change in (("temp", ("user", "passwd", "temp")), ("temp", ("user", "remove", "temp"))):
            with self.subTest(change=change[1]):
                if change[1] == "passwd":
                    self.passwords[user] = self.rig.add_user(user, "lab1")
                old, bob = self.login(user), self.login("bob")
                code, output = self.rig.run(*change, "--json")
                self.assertEqual(code, 0, output)
                with self.assertRaises((OSError, EOFError, ssl.SSLError)):
                    old.voidcmd("NOOP")
                bob.voidcmd("NOOP")
                if change[1] == "passwd":
                    self.passwords[user] = json.loads(output)["password"]

    def test_of_more_than_one_page(self):
        clients = [self.login() for _ in range(120)]
        sessions = self.sessions()
        self.assertEqual(len(sessions), len(clients))
        numbers = [session["id"] for session in sessions]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertTrue(all(session["doing"] is not None for session in sessions))


class SlowClients(Gateway):
    settings = {"ftps.login_timeout": "2s", "ftps.idle_timeout": "5s"}

    def dribble(self, sock, seconds=12):
        """A byte now and then until the gateway has enough; how long it took."""
        began = time.monotonic()
        sock.settimeout(0.3)
        while time.monotonic() - began < seconds:
            try:
                sock.sendall(b"N")
                if not sock.recv(4096):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        return time.monotonic() - began

    def test_before_the_login(self):
        plain = socket.create_connection(("127.0.0.1", self.rig.ports.ftps), 10)
        self.assertLess(self.dribble(plain), 6)
        hello = socket.create_connection(("127.0.0.1", self.rig.ports.ftps_implicit), 10)
        hello.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        self.assertLess(self.dribble(hello), 6)
        plain.close()
        hello.close()

    def test_after_the_login(self):
        alice = self.login()
        took = self.dribble(alice.sock, 20)
        self.assertGreater(took, 4)
        self.assertLess(took, 15)


if __name__ == "__main__":
    run_tests()
