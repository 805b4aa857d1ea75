"""Limits are announced with their reason, and slow clients do not hold their places. Real logins, through PAM.

Tried, each makes its test fail when taken out: the place taken before a session is opened; the limits of a user and of a
lab in SessionTable::refusal(); the limit of time before a login in the front; that a byte does not put off the limit of an
idle session; the limit of time of a reply that is not taken, and the end of a transfer with its control connection."""

import contextlib
import ftplib
import re
import socket
import threading
import time

from login_gateway import OTHER, LoginGateway
from proc_facts import tcp_socket
from stowage_rig import kill, run_tests, wait_until


class Limits(LoginGateway):
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
        wait_until(lambda: self.log_lines("connection_refused"), what="a line about it from the front")
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


class SlowClients(LoginGateway):
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

    def test_who_reads_no_replies_loses_the_transfer_with_the_session(self):
        alice = self.login()
        alice.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        data, _ = alice.ntransfercmd("STOR endless")
        self.ask_until_replies_are_stuck(alice)
        began = time.monotonic()
        with self.assertRaises(OSError):
            while time.monotonic() - began < 30:
                data.sendall(b"x")
                time.sleep(0.1)  # a transfer on which something moves ends by no other limit
                # Where the machine was only slow to answer. Ten times as many would meet the worker's own limit, of bytes.
                with contextlib.suppress(OSError):
                    alice.sock.sendall(b"NOOP\r\n" * 300)
        wait_until(lambda: not self.sessions(), what="the end of the session")
        self.assertFalse((self.rig.labs / "lab1" / "endless").exists())
        self.assertGreater(self.login().size("endless"), 0, "it can be gone on with")

    def ask_until_replies_are_stuck(self, client):
        stuck, looks = 0, 0
        while looks < 5:
            client.sock.sendall(b"NOOP\r\n" * 2000)
            time.sleep(0.1)  # that nothing more is taken has no event
            fields = tcp_socket(self.rig.ports.ftps, client.sock.getsockname()[1])
            unsent = int(fields[4].partition(":")[0], 16)
            looks = looks + 1 if unsent == stuck > 0 else 0
            stuck = unsent


if __name__ == "__main__":
    run_tests()
