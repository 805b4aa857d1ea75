"""A gateway with two labs and three users, for tests of who is let in."""

import contextlib
import ftplib
import socket
import time
import unittest

from stowage_rig import FtpsClient, Rig, wait_until

GUESSER, OTHER, TRUSTED = "127.0.0.5", "127.0.0.6", "127.0.0.9"
FAST_LOGINS = {"ftps.max_login_delay": "0s", "ftps.failed_login_time": "0s"}


class LoginGateway(unittest.TestCase):
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

    def line_with(self, event, words):
        """The newest of the event's lines that has these words, or None."""
        return next((line for line in reversed(self.log_lines(event)) if words in line), None)
