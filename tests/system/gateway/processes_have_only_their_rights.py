"""Each process has the ids, capabilities, root directory and descriptors that its work needs, also those that live for
one login or one step, and no worker can get at the server's private key.

Tried, makes those of front, workers and controller fail when taken out: setgroups() in become(), with the look whether it
is done."""

import base64
import contextlib
import fcntl
import os
import re
import resource
import threading
import unittest

from proc_facts import ProcFacts
from stowage_rig import BINARIES, Rig, descendants_of, run_tests, wait_until

# capability.h
CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID = 0, 1, 2, 3, 4
CAP_SETGID, CAP_SETUID, CAP_NET_BIND_SERVICE, CAP_SYS_ADMIN = 6, 7, 10, 21

# What every child has: standard input and output, standard error into the supervisor's log, and what an event loop
# is made of. Sockets have no name here; the two processes that may have files open besides say so.
COMMON = r"/dev/null|pipe:\[\d+\]|socket:\[\d+\]|anon_inode:(\[eventpoll\]|\[eventfd\]|\[timerfd\])"


def private_key_needles(pem):
    """The key as PEM text and as the raw scalar: 32 bytes after the OCTET STRING tag of RFC 5915."""
    der = base64.b64decode("".join(re.findall(r"^[A-Za-z0-9+/=]+$", pem, re.MULTILINE)))
    inner = der.index(b"\x02\x01\x01\x04\x20") + 5
    scalar = der[inner : inner + 32]
    return [scalar, scalar[::-1], pem.splitlines()[1].encode()]  # OpenSSL's BIGNUMs are little-endian


class ProcessesHaveOnlyTheirRights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # As whoever starts it may have it: its processes must keep neither the groups (CVE-2024-48651) nor the cores.
        os.setgroups([1, 2])
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        cls.rig = Rig(departments=("lab1", "lab2", "lab3")).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.labs, cls.passwords = {}, {}
        for lab, user in (("lab1", "alice"), ("lab2", "bob")):
            cls.labs[lab] = cls.rig.create_lab(lab)
            cls.passwords[user] = cls.rig.add_user(user, lab)
            session = cls.rig.login(user, cls.passwords[user])
            session.store("some file", b"x" * 100_000)
        cls.pids = {name: process["pid"] for name, process in cls.rig.processes().items()}

    def facts(self, name):
        return ProcFacts(self.pids[name])

    def assert_is(self, facts, uid, gid, capabilities=frozenset()):
        self.assertEqual(facts.uids, [uid] * 4)
        self.assertEqual(facts.gids, [gid] * 4)
        self.assertEqual(facts.groups, [])
        for which in ("CapEff", "CapPrm", "CapBnd"):
            self.assertEqual(facts.capabilities(which), set(capabilities), which)
        for which in ("CapInh", "CapAmb"):
            self.assertEqual(facts.capabilities(which), set(), which)
        self.assertTrue(facts.no_new_privileges)
        self.assertTrue(facts.seccomp_filter)

    def assert_is_root(self, facts, capabilities=None):
        """capabilities: exactly these; None: those of root."""
        self.assertEqual(facts.uids, [0] * 4)
        self.assertEqual(facts.gids, [0] * 4)
        self.assertEqual(facts.root, "/")
        if capabilities is not None:
            for which in ("CapEff", "CapPrm", "CapBnd"):
                self.assertEqual(facts.capabilities(which), set(capabilities), which)
            self.assertTrue(facts.no_new_privileges)
        for which in ("CapInh", "CapAmb"):
            self.assertEqual(facts.capabilities(which), set(), which)

    def assert_open(self, facts, besides="(?!)"):
        """Descriptors are COMMON or match `besides`, and none of them leads into a lab."""
        for number, target in facts.descriptors().items():
            self.assertRegex(target, rf"^({COMMON}|{besides})$", f"descriptor {number}")

    def child(self, executable):
        """The facts of a child of the supervisor that is on its way, once it has been told what to do."""
        return wait_until(lambda: self.find(executable), what=executable)

    def find(self, executable):
        for pid in descendants_of(self.rig.gateway.child.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                if ProcFacts(pid).executable == executable:
                    return ProcFacts(pid)
        return None

    def test_every_process_is_known_to_status(self):
        running = {ProcFacts(pid).executable for pid in descendants_of(self.rig.gateway.child.pid)}
        self.assertLessEqual(
            running, {"stowage-front", "stowage-worker", "stowage-controller", "ganesha.nfsd", "dbus-daemon"}
        )
        self.assertEqual(set(descendants_of(self.rig.gateway.child.pid)), set(self.pids.values()))

    def test_front(self):
        facts = self.facts("front")
        uid = self.rig.gateway.settings["process.front_user"]
        self.assert_is(facts, uid, uid)
        self.assertEqual(facts.root, str(self.rig.gateway.run_dir / "empty"))
        self.assert_open(facts)

    def test_workers_are_their_labs(self):
        for lab, facts in self.labs.items():
            worker = self.facts(f"worker {lab}")
            self.assert_is(worker, facts["uid"], facts["gid"])
            self.assertEqual(worker.root, facts["directory"])
            self.assert_open(worker, re.escape(facts["directory"]) + "(/.*)?")

    def test_none_leaves_a_core_and_none_is_traced_by_its_uid(self):
        """Each fails without its line: RLIMIT_CORE in harden(), PR_SET_DUMPABLE in become()."""
        for name, pid in {**self.pids, "supervisor": self.rig.gateway.child.pid}.items():
            facts = ProcFacts(pid)
            self.assertEqual(facts.most_core_bytes, "0", name)
            self.assertFalse(facts.is_looked_into_by_its_own_uid, name)

    def test_memory_of_workers_ends_and_they_go_first(self):
        # Fails without ProcessSpec's data_bytes and goes_first in workers.cpp. Sanitizers need terabytes of addresses.
        for lab in self.labs:
            worker = self.facts(f"worker {lab}")
            self.assertEqual(worker.oom_score_adj, 500)
            if not worker.is_sanitized:
                self.assertEqual(worker.most_data_bytes, 2 * 2**30 + 64 * 10 * 2**20)
        for name in ("front", "controller", "ganesha"):
            self.assertLess(self.facts(name).oom_score_adj, 500, name)

    def test_threads_of_workers_end(self):
        # Fails without ProcessSpec's most_tasks in workers.cpp.
        for lab in self.labs:
            worker = self.facts(f"worker {lab}")
            self.assertEqual(worker.most_tasks, 2 * (64 + 64 * 5))
            self.assertLess(worker.threads, 64, "what is counted on beside transfers")

    def test_memory_of_the_controller_ends(self):
        # Fails without data_bytes in controller_service.cpp.
        controller = self.facts("controller")
        if not controller.is_sanitized:
            self.assertEqual(controller.most_data_bytes, 2 * 2**30)

    def test_workers_never_hold_the_private_key(self):
        needles = private_key_needles(self.private_key())
        # The same search finds the key where it must be: it is able to.
        self.assertTrue(self.facts("front").memory_holds(needles))
        for lab in self.labs:
            worker = self.facts(f"worker {lab}")
            self.assertEqual(worker.memory_holds(needles), set())
            for number in worker.descriptors():
                text = worker.descriptor_text(number)
                self.assertFalse(any(needle in text for needle in needles), f"descriptor {number}")

    def test_nobody_else_holds_the_private_key(self):
        needles = private_key_needles(self.private_key())
        for name in ("controller", "ganesha", "dbus"):
            self.assertEqual(self.facts(name).memory_holds(needles), set(), name)

    def test_workers_never_hold_passwords(self):
        hashed = (self.rig.gateway.state_dir / "ftps.passwd").read_bytes().split(b":")[1].split(b"\n")[0]
        for lab in self.labs:
            self.assertEqual(self.facts(f"worker {lab}").memory_holds([hashed]), set())

    def test_controller(self):
        facts = self.facts("controller")
        uid = self.rig.gateway.settings["process.controller_user"]
        self.assert_is(facts, uid, uid, {CAP_NET_BIND_SERVICE})
        self.assertEqual(facts.root, "/")
        own = re.escape(str(self.rig.gateway.state_dir / "controller"))
        self.assert_open(facts, rf"{own}/.*")

    def test_nfs_server_and_its_bus(self):
        # COMMIT opens files as root: DAC_OVERRIDE. Its port is above 1024 here: no NET_BIND_SERVICE.
        ganesha = self.facts("ganesha")
        self.assert_is_root(
            ganesha, {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_SETGID, CAP_SETUID}
        )
        self.assertEqual(ganesha.groups, [])
        # Its own pid file and what it serves: nothing of the state beside it, no memfd of the supervisor's.
        own, labs = re.escape(str(self.rig.gateway.state_dir / "ganesha")), re.escape(str(self.rig.labs))
        self.assert_open(ganesha, rf"{own}/.*|{labs}(/.*)?")
        bus = self.facts("dbus")
        self.assert_is_root(bus, set())
        self.assertEqual(bus.groups, [])
        self.assert_open(bus, r"anon_inode:inotify|/etc/dbus-1.*|.*/system_bus_socket")

    def test_supervisor(self):
        facts = ProcFacts(self.rig.gateway.child.pid)
        self.assert_is_root(facts)
        own = re.escape(str(self.rig.folder))
        # It keeps what it hands out and starts, and the log; nothing of a lab.
        kept = rf"/memfd:(configuration|certificate|private-key|ocsp-response|runai-secret).*|anon_inode:\[(pidfd|signalfd)\]"
        programs = re.escape(str(BINARIES.resolve())) + "/stowage-[a-z-]+"
        self.assert_open(facts, rf"{kept}|{programs}|{own}/gateway\.log|{own}/state/[^/]*lock")

    def test_login_lives_for_one_attempt(self):
        fifo = self.rig.folder / "pam-waits"
        os.mkfifo(fifo)
        script = self.rig.folder / "wait-in-pam"
        script.write_text(f"#!/bin/sh\nread -r line <{fifo}\n", encoding="utf-8")
        script.chmod(0o755)
        service = self.rig.gateway.folder / "pam.d" / "stowage"
        before = service.read_text(encoding="utf-8")
        service.write_text(f"auth optional pam_exec.so quiet {script}\n{before}", encoding="utf-8")
        try:
            thread = threading.Thread(target=self.rig.login, args=("alice", self.passwords["alice"]))
            thread.start()
            waiting = open(fifo, "w", encoding="utf-8")  # returns when PAM is inside the attempt
            facts = self.child("stowage-login")
            self.assert_is_root(facts)
            self.assert_open(facts)
            self.assertEqual(facts.memory_holds(private_key_needles(self.private_key())), set())
            waiting.close()
            thread.join(30)
        finally:
            service.write_text(before, encoding="utf-8")
        self.assertFalse(thread.is_alive())
        wait_until(lambda: self.find("stowage-login") is None, what="the end of stowage-login")

    def test_root_step_has_the_capabilities_of_its_step(self):
        # Each waits for the lock that the test holds, when it has narrowed itself.
        state = self.rig.gateway.state_dir
        steps = [
            (state / "ftps.passwd.lock", ("user", "add", "carol", "--lab", "lab1"), {CAP_DAC_READ_SEARCH}),
            (
                self.export_lock(),
                ("lab", "create", "lab3", "--quota", "1GiB"),
                {CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE},
            ),
        ]
        for path, words, capabilities in steps:
            with self.subTest(words=words), open(path, "a", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                outcome = []
                thread = threading.Thread(target=lambda words=words: outcome.append(self.rig.run(*words)))
                thread.start()
                facts = wait_until(lambda path=path: self.waiting_for(path), what="a step that waits for the lock")
                self.assert_is_root(facts, capabilities)
                self.assert_open(facts, rf"{re.escape(str(path))}|{re.escape(str(self.rig.gateway.run_dir))}/lab-lab3\.lock")
                self.assertEqual(facts.memory_holds(private_key_needles(self.private_key())), set())
                fcntl.flock(lock, fcntl.LOCK_UN)
                thread.join(60)
                self.assertEqual(outcome[0][0], 0, outcome[0][1])
        wait_until(lambda: self.find("stowage-root-step") is None, what="the end of stowage-root-step")

    def waiting_for(self, path):
        facts = self.find("stowage-root-step")
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if facts and str(path) in facts.descriptors().values():
                return facts
        return None

    def export_lock(self):
        found = list((self.rig.gateway.state_dir / "ganesha").rglob("*lock*"))
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_private_files(self):
        state = self.rig.gateway.state_dir
        for name, mode in (("tls/private-key.pem", 0o600), ("ftps.passwd", 0o600), ("controller", 0o700)):
            self.assertEqual((state / name).stat().st_mode & 0o777, mode, name)
        self.assertEqual(self.rig.gateway.control_socket.stat().st_mode & 0o777, 0o660)

    def private_key(self):
        return (self.rig.gateway.state_dir / "tls" / "private-key.pem").read_text(encoding="ascii")


if __name__ == "__main__":
    run_tests()
