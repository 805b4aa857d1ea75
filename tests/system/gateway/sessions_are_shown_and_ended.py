"""`stowage sessions` shows and ends those who are on-line. Real logins, through PAM.

Tried, each makes its test fail when taken out: `killed`, with tests/system/worker/online_test.cpp; the hash in
log_transfer(), log_refusal(), the line of a refused login."""

import ftplib
import hashlib
import json
import signal
import ssl
import time

from login_gateway import LoginGateway
from stowage_rig import kill, run_tests, wait_until

EVIL = "Evil\x1b[2J\udcff\u202e 1.0"


class Sessions(LoginGateway):
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
        # What a child says takes its way through a pipe, and may come after the reply.
        line = wait_until(lambda: self.line_with("transfer", "bytes=2000000 "), what="the line about the transfer")
        self.assertRegex(line, r"lab=lab1 .*user=alice .*bytes=2000000 seconds=[0-9.]+ mb_per_s=[0-9.]+ .*result=ok")
        sha256 = hashlib.sha256(b"x" * 2_000_000).hexdigest()
        self.assertIn(f" sha256={sha256} ", line)
        self.assertRaises(ftplib.error_perm, alice.size, "not\x1bthere")
        line = wait_until(lambda: self.line_with("refused", "verb=SIZE "), what="the line about the refusal")
        self.assertRegex(line, r'user=alice peer=127.0.0.1 verb=SIZE path="not\\x1bthere" reply=550 why=".*no such file')
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


if __name__ == "__main__":
    run_tests()
