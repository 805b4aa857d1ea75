"""Whoever's account is removed, moved or given another password while a login of it is under way is not let in by what
was right before: not while PAM is asked, not while the answer is delayed, not while the lab's worker starts.

Tried, each makes its test fail when taken out of gateway/supervisor: `account` in judge() (logins.cpp), `unchanged` in
welcome(), that together with the look-up before it; `password_set()` (controller_service.cpp)."""

import contextlib
import errno
import ftplib
import json
import os
import pathlib
import threading

from login_gateway import LoginGateway
from stowage_rig import descendants_of, kill, run_tests, wait_until

GUESSES = 7  # the last answer comes after ftps.max_login_delay

# Asked behind pam_pwdfile, which has said yes then: waits where the test has laid a pipe for the user.
HOLD = """#!/bin/sh
pipe=FOLDER/hold.$PAM_USER
test ! -p "$pipe" || read -r line <"$pipe"
"""


def logins_at_pam(gateway):
    """How many stowage-login there are."""
    found = 0
    for pid in descendants_of(gateway.child.popen.pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii").startswith("stowage-login")
    return found


class Attempt:
    """A login on its own thread; reply is None until there is one."""

    def __init__(self, client, user, password):
        self.client, self.reply = client, None
        self.thread = threading.Thread(target=self._run, args=(user, password))
        self.thread.start()

    def _run(self, user, password):
        try:
            self.reply = self.client.login(user, password)
        except (ftplib.Error, OSError, EOFError) as refused:
            self.reply = str(refused) or type(refused).__name__

    def answer(self):
        self.thread.join(60)
        return self.reply


class ChangedAccounts(LoginGateway):
    settings = {"ftps.ban_after": "0", "ftps.max_login_delay": "8s", "ftps.worker_idle_timeout": "1h"}
    changed = ("gone", "fresh", "moved")
    late = "late"  # nobody has guessed at it: its answers are not delayed

    def setUp(self):
        for user in (*self.changed, self.late):
            self.passwords[user] = self.rig.add_user(user, "lab1")

    def tearDown(self):
        for user in (*self.changed, self.late):
            self.rig.run("user", "remove", user)  # if it is still there
        super().tearDown()

    def begin(self, users, source):
        return {user: Attempt(self.connect(source), user, self.passwords[user]) for user in users}

    def change_all(self, attempts):
        """Ends while none of them has its answer, or the test proves nothing."""
        self.rig.gateway.command("user", "remove", "gone")
        code, output = self.rig.run("user", "passwd", "fresh", "--json")
        self.assertEqual(code, 0, output)
        self.passwords["fresh"] = json.loads(output)["password"]
        self.rig.gateway.command("user", "remove", "moved")
        self.passwords["moved"] = self.rig.add_user("moved", "lab2")
        self.assertEqual({user: attempt.reply for user, attempt in attempts.items()}, dict.fromkeys(attempts))

    def check(self, attempts):
        for user in self.changed:
            with self.subTest(user=user):
                self.assertEqual(attempts[user].answer(), "530 User or password are not right.")
                self.assertIn("result=denied", self.line_with("login", f"user={user} "))
                self.assertIn("account was changed", self.line_with("login", f"user={user} "))
        self.assertRegex(attempts["bob"].answer(), "^230")
        self.assertEqual([session["user"] for session in self.sessions()], ["bob"])
        # What was changed lets in as it is now.
        for user, lab in (("fresh", "lab1"), ("moved", "lab2")):
            self.login(user)
            self.assertIn(f"lab={lab} user={user} ", self.line_with("login", f"user={user} "))

    def test_while_the_answer_is_delayed(self):
        guesses = [threading.Thread(target=self.guess, args=(f"127.0.3.{number}", user))
                   for number in range(1, GUESSES + 1) for user in (*self.changed, "bob")]
        for guess in guesses:
            guess.start()
        for guess in guesses:
            guess.join(60)
        attempts = self.begin((*self.changed, "bob"), "127.0.2.1")
        wait_until(lambda: logins_at_pam(self.rig.gateway) > 0, what="PAM's being asked")
        wait_until(lambda: logins_at_pam(self.rig.gateway) == 0, what="PAM's answers")
        self.change_all(attempts)
        self.check(attempts)

    def test_while_pam_is_asked(self):
        folder = self.rig.folder
        hold = folder / "hold.sh"
        hold.write_text(HOLD.replace("FOLDER", str(folder)), encoding="ascii")
        hold.chmod(0o755)
        service = folder / "pam.d" / "stowage"
        usual = service.read_text(encoding="utf-8")
        service.write_text(f"{usual}auth required pam_exec.so quiet {hold}\n", encoding="utf-8")
        self.addCleanup(service.write_text, usual, encoding="utf-8")
        pipes = {user: folder / f"hold.{user}" for user in (*self.changed, "bob")}
        for pipe in pipes.values():
            os.mkfifo(pipe)
            self.addCleanup(pipe.unlink, missing_ok=True)
        attempts = self.begin(pipes, "127.0.2.2")
        held = {user: wait_until(lambda pipe=pipe: self.writer_of(pipe), what=f"PAM's being asked about {user}")
                for user, pipe in pipes.items()}
        for pipe in pipes.values():
            pipe.unlink()  # the next logins are not held
        self.change_all(attempts)
        for writer in held.values():
            writer.write(b"go on\n")
            writer.close()
        self.check(attempts)

    # A worker that has died again and again is waited for. The front cuts the connection meanwhile, which a front that
    # was taken over would not do: the supervisor takes the session back.
    def test_while_the_worker_starts(self):
        for _ in range(6):
            self.login(self.late).drop()
            kill(self.rig.processes()["worker lab1"]["pid"])
            wait_until(lambda: "worker lab1" not in self.rig.processes(), what="the end of the worker")
        attempt = self.begin((self.late,), "127.0.2.3")[self.late]
        wait_until(self.sessions, what="the session, which is counted before it is opened")
        self.rig.gateway.command("user", "remove", self.late)
        self.assertNotRegex(attempt.answer(), "^230")
        line = wait_until(lambda: self.line_with("login", "peer=127.0.2.3 "), what="the line about the login")
        self.assertIn("result=denied", line)
        self.assertIn("account was changed", line)

    @staticmethod
    def writer_of(pipe):
        """None while nobody reads."""
        try:
            return os.fdopen(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK), "wb", buffering=0)
        except OSError as problem:
            if problem.errno != errno.ENXIO:
                raise
            return None


if __name__ == "__main__":
    run_tests()
