"""A child that dies is started again; sessions of other labs do not notice."""

import ctypes
import ftplib
import os
import pathlib
import signal
import socket
import unittest

from stowage_rig import BINARIES, Rig, kill, run_tests, wait_until


PIDFD_GETFD = 438


def listeners_of(pid):
    """Copies of the listening TCP sockets of a process."""
    process = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                continue
            copy = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, process, int(name), 0)
            if copy < 0:
                raise OSError(ctypes.get_errno(), f"pidfd_getfd {name} of {pid}")
            with socket.socket(fileno=copy) as one:
                if one.family in (socket.AF_INET, socket.AF_INET6) and one.getsockopt(
                    socket.SOL_SOCKET, socket.SO_ACCEPTCONN
                ):
                    yield one
    finally:
        os.close(process)


class KilledChildrenComeBack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig().__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.passwords = {}
        for lab, user in (("lab1", "alice"), ("lab2", "bob")):
            cls.rig.create_lab(lab)
            cls.passwords[user] = cls.rig.add_user(user, lab)

    def killed(self, name, number=signal.SIGKILL):
        """Kills the process of this name; returns it once another one runs in its place."""
        before = self.rig.processes()[name]
        kill(before["pid"], number)

        def another():
            now = self.rig.processes().get(name)
            return now if now and now["running"] and now["pid"] not in (0, before["pid"]) else None

        after = wait_until(another, what=f"another {name}")
        self.assertGreater(after["restarts"], before["restarts"])

    def can_transfer(self, user, lab):
        session = self.rig.login(user, self.passwords[user])
        session.store("again", b"bytes")
        self.assertEqual((self.rig.labs / lab / "again").read_bytes(), b"bytes")
        return session

    def last_words(self, session):
        """Its worker is gone: the front says so, and hangs up."""
        with self.assertRaises(ftplib.error_temp) as ended:
            session.getresp()
        with self.assertRaises((EOFError, OSError)):
            session.getresp()
        return str(ended.exception)[:3]

    def test_worker(self):
        alice, bob = self.can_transfer("alice", "lab1"), self.can_transfer("bob", "lab2")
        victim = self.rig.processes()["worker lab1"]["pid"]
        kill(victim)
        self.assertEqual(self.last_words(alice), "421")
        bob.store("after", b"others do not notice")
        self.can_transfer("alice", "lab1")

    def test_worker_in_the_middle_of_an_upload(self):
        alice, bob = self.can_transfer("alice", "lab1"), self.can_transfer("bob", "lab2")
        data, _ = alice.ntransfercmd("STOR half")
        data.sendall(b"x" * 100_000)
        kill(self.rig.processes()["worker lab1"]["pid"])
        self.assertEqual(self.last_words(alice), "421")
        data.close()
        self.assertFalse((self.rig.labs / "lab1" / "half").exists(), "nothing half-done is published")
        bob.store("after", b"others do not notice")
        self.can_transfer("alice", "lab1")

    def test_controller(self):
        bob = self.can_transfer("bob", "lab2")
        before = self.rig.processes()["controller"]["pid"]
        kill(before)
        wait_until(lambda: self.controller_pid() not in (None, before), what="another controller")
        bob.store("after", b"transfers need no controller")
        self.can_transfer("alice", "lab1")

    def controller_pid(self):
        code, _ = self.rig.run("lab", "list")
        return self.rig.processes()["controller"]["pid"] if code == 0 else None

    def test_front(self):
        """Sessions of the next front have numbers of their own: a worker may still be busy with the old ones."""
        self.can_transfer("alice", "lab1")
        before = self.newest_session()
        self.killed("front")
        wait_until(lambda: self.can_log_in("alice"), what="a login after the front's restart")
        self.can_transfer("alice", "lab1")
        self.assertGreater(self.newest_session(), before)

    def test_front_that_shut_its_listeners_down(self):
        """All fronts have the same listening sockets: what one that was taken over does to them ends with it."""
        self.can_transfer("alice", "lab1")
        for listener in listeners_of(self.rig.processes()["front"]["pid"]):
            listener.shutdown(socket.SHUT_RDWR)
        self.assertIsNone(self.can_log_in("alice"))
        self.killed("front")
        wait_until(lambda: self.can_log_in("alice"), what="a login after the front's restart")

    def newest_session(self):
        return max(session["id"] for session in self.rig.gateway.answer("sessions")["sessions"])

    def can_log_in(self, user):
        try:
            return self.rig.login(user, self.passwords[user])
        except (OSError, EOFError):
            return None

    def test_nfs_server(self):
        bob = self.can_transfer("bob", "lab2")
        self.killed("ganesha")
        bob.store("after", b"FTPS needs no NFS")
        wait_until(lambda: self.rig.run("verify", "lab1")[0] == 0, what="lab1 served over NFS again")

    def test_bus(self):
        self.killed("dbus")
        wait_until(lambda: self.rig.run("verify", "lab2")[0] == 0, what="lab2 served over NFS again")


class Upgrade(unittest.TestCase):
    """Between the unpacking of another package and the restart, which waits for running transfers."""

    def test_programs_of_another_package_are_not_started(self):
        with Rig(start=False) as rig:
            folder = rig.folder / "libexec"
            folder.mkdir(mode=0o755)
            for program in BINARIES.iterdir():
                if program.name.startswith("stowage-"):
                    (folder / program.name).symlink_to(program.resolve())
            rig.gateway.settings["process.libexec_dir"] = str(folder)
            rig.gateway.start()
            for program in folder.iterdir():
                other = folder / f".{program.name}.dpkg-new"
                other.write_text("#!/bin/sh\nexit 9\n")
                other.chmod(0o755)
                other.rename(program)
            rig.create_lab("lab1")
            session = rig.login("alice", rig.add_user("alice", "lab1"))
            session.store("file", b"bytes")
            processes = rig.processes()
            for name, program in (("front", "stowage-front"), ("worker lab1", "stowage-worker")):
                comm = pathlib.Path("/proc", str(processes[name]["pid"]), "comm").read_text(encoding="ascii")
                self.assertEqual(comm.strip(), program)


if __name__ == "__main__":
    run_tests()
