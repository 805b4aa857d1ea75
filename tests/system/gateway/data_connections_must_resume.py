"""A data connection must resume a TLS session of the same login from the same address. Whatever does not is refused
with 522 or 425, nothing is stored, and the real client goes on.

Tried, each makes its test fail when taken out of the worker: leave() and the owner in may_resume() (live_sessions.cpp),
the peer's address in accept_peer() (data_door.cpp)."""

import socket
import ssl
import threading
import unittest

from stowage_rig import FtpsClient, Rig, run_tests

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


class DataConnectionsMustResume(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(settings={"ftps.data_timeout": "3s"}).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        for lab in ("lab1", "lab2"):
            cls.rig.create_lab(lab)
        cls.passwords = {
            user: cls.rig.add_user(user, lab) for user, lab in (("alice", "lab1"), ("amy", "lab1"), ("bob", "lab2"))
        }

    def login(self, user, **options):
        return self.rig.login(user, self.passwords[user], **options)

    def assert_refused(self, client, name):
        """The upload does not happen, the reply is 522 or 425, and the same client can do it right afterwards."""
        reply = None
        try:
            client.store(name, b"must not be stored")
        except ssl.SSLError:
            reply = client.refusal()
        except (ConnectionError, EOFError):
            reply = client.refusal()
        except Exception as problem:  # ftplib's own classes carry the reply
            reply = str(problem)
        self.assertRegex(reply or "stored", r"^(522|425)")
        self.assertFalse((self.rig.labs / "lab1" / name).exists())
        self.assertFalse((self.rig.labs / "lab2" / name).exists())
        client.data_session = lambda self_: self_.sock.session
        client.data_source = "127.0.0.1"
        client.store(f"{name} afterwards", b"fine")

    def test_resumed_works(self):
        for version in VERSIONS:
            for implicit in (False, True):
                with self.subTest(version=version.name, implicit=implicit):
                    client = self.login("alice", version=version, implicit=implicit)
                    for number in range(3):
                        client.store(f"file {number}", b"y" * 70_000)
                        self.assertTrue(client.data_reused)
                        self.assertEqual(client.fetch(f"file {number}"), b"y" * 70_000)
                    self.assertEqual(client.sock.version(), version.name.replace("_", "."))

    def test_not_resumed(self):
        for version in VERSIONS:
            with self.subTest(version=version.name):
                client = self.login("alice", version=version, data_session=lambda client: None)
                self.assert_refused(client, f"fresh {version.name}")

    def test_session_of_another_login(self):
        """Same client context, so that the session can be offered at all; same lab, and another lab."""
        for version in VERSIONS:
            for other in ("amy", "bob"):
                with self.subTest(version=version.name, other=other):
                    thief = self.login(other, version=version)
                    thief.sendcmd("PASV")  # its newest ticket
                    client = self.login("alice", context=thief.context, data_session=lambda _: thief.sock.session)
                    self.assert_refused(client, f"{other} {version.name}")

    def test_ticket_from_before_the_login(self):
        for version in VERSIONS:
            with self.subTest(version=version.name):
                stranger = FtpsClient(self.rig.ports, self.rig.gateway.certificate, version=version)
                self.rig.clients.append(stranger)
                stranger.auth()
                stranger.sendcmd("FEAT")
                client = self.login("alice", context=stranger.context, data_session=lambda _: stranger.sock.session)
                self.assert_refused(client, f"stranger {version.name}")

    def test_another_address(self):
        for version in VERSIONS:
            with self.subTest(version=version.name):
                client = self.login("alice", version=version, data_source="127.0.0.9")
                self.assert_refused(client, f"elsewhere {version.name}")

    def test_ended_session(self):
        for version in VERSIONS:
            with self.subTest(version=version.name):
                gone = self.login("alice", version=version)
                gone.sendcmd("PASV")
                session = gone.sock.session
                gone.quit()
                fresh = self.login("alice", context=gone.context, data_session=lambda _: session)
                self.assert_refused(fresh, f"ended {version.name}")

    def test_parallel_sessions_of_one_user_may_mix(self):
        first = self.login("alice")
        first.sendcmd("PASV")
        second = self.login("alice", context=first.context, data_session=lambda _: first.sock.session)
        second.store("mixed", b"old curl and rclone do this")
        self.assertTrue(second.data_reused)

    def test_race_from_another_address(self):
        """An attacker who connects first gets nothing and takes nothing away: the client behind him, on the same port,
        is served."""
        client = self.login("alice")
        host, port = client.makepasv()
        client.makepasv = lambda: (host, port)
        with socket.create_connection((host, port), 10, ("127.0.0.9", 0)) as attacker:
            attacker.sendall(b"x" * 1000)
            client.store("after the race", b"fine")
        self.assertEqual((self.rig.labs / "lab1" / "after the race").read_bytes(), b"fine")

    def test_race_without_resumption(self):
        """The same from the client's own address: he is turned away for want of a session."""
        for version in VERSIONS:
            with self.subTest(version=version.name):
                client = self.login("alice", version=version)
                host, port = client.makepasv()
                client.makepasv = lambda: (host, port)
                with socket.create_connection((host, port), 10) as attacker:
                    thread = threading.Thread(target=self.fail_to_shake_hands, args=(client, attacker))
                    thread.start()
                    client.store(f"behind {version.name}", b"fine")
                    thread.join()
                self.assertEqual((self.rig.labs / "lab1" / f"behind {version.name}").read_bytes(), b"fine")

    def fail_to_shake_hands(self, client, plain):
        with self.assertRaises(OSError):
            client.context.wrap_socket(plain, server_hostname="127.0.0.1")

    def test_plain_data_is_refused(self):
        client = self.login("alice")
        host, port = client.makepasv()
        with socket.create_connection((host, port), 10) as plain:
            try:
                client.sendcmd("STOR plain")
                plain.sendall(b"not TLS at all, and long enough for a record header")
                plain.shutdown(socket.SHUT_WR)
                reply = client.refusal()
            except Exception as problem:
                reply = str(problem)
        self.assertRegex(reply, r"^(522|425|426)")
        self.assertFalse((self.rig.labs / "lab1" / "plain").exists())


if __name__ == "__main__":
    run_tests()
