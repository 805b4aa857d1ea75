"""Each process has the ids, capabilities, root directory and descriptors that its work needs, and no worker can get at
the server's private key."""

import base64
import re
import unittest

from proc_facts import ProcFacts
from stowage_rig import Rig, descendants_of, run_tests

CAP_NET_BIND_SERVICE = 10


def private_key_needles(pem):
    """The key as PEM text and as the raw scalar: 32 bytes after the OCTET STRING tag of RFC 5915."""
    der = base64.b64decode("".join(re.findall(r"^[A-Za-z0-9+/=]+$", pem, re.MULTILINE)))
    inner = der.index(b"\x02\x01\x01\x04\x20") + 5
    scalar = der[inner : inner + 32]
    return [scalar, scalar[::-1], pem.splitlines()[1].encode()]  # OpenSSL's BIGNUMs are little-endian


class ProcessesHaveOnlyTheirRights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig().__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.labs = {}
        for lab, user in (("lab1", "alice"), ("lab2", "bob")):
            cls.labs[lab] = cls.rig.create_lab(lab)
            session = cls.rig.login(user, cls.rig.add_user(user, lab))
            session.store("some file", b"x" * 100_000)
        cls.pids = {name: process["pid"] for name, process in cls.rig.processes().items()}

    def facts(self, name):
        return ProcFacts(self.pids[name])

    def assert_is(self, facts, uid, gid, capabilities=frozenset()):
        self.assertEqual(facts.uids, [uid] * 4)
        self.assertEqual(facts.gids, [gid] * 4)
        self.assertEqual(facts.groups, [])
        for which in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"):
            self.assertLessEqual(facts.capabilities(which), capabilities, which)
        self.assertTrue(facts.no_new_privileges)
        self.assertTrue(facts.seccomp_filter)

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

    def test_front_has_no_files_open(self):
        for number, target in self.facts("front").descriptors().items():
            self.assertFalse(
                target.startswith(str(self.rig.folder)) and "gateway.log" not in target, f"{number}: {target}"
            )

    def test_workers_are_their_labs(self):
        for lab, facts in self.labs.items():
            worker = self.facts(f"worker {lab}")
            self.assert_is(worker, facts["uid"], facts["gid"])
            self.assertEqual(worker.root, facts["directory"])
            for number, target in worker.descriptors().items():
                self.assertNotIn(f"/{'lab2' if lab == 'lab1' else 'lab1'}", target, f"descriptor {number}")

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
        self.assert_is(facts, uid, uid, frozenset({CAP_NET_BIND_SERVICE}))

    def test_nfs_server_has_few_capabilities(self):
        # DAC_OVERRIDE (COMMIT opens files as root), DAC_READ_SEARCH, FOWNER, SETGID, SETUID, NET_BIND_SERVICE
        allowed = {1, 2, 3, 6, 7, 10}
        facts = self.facts("ganesha")
        for which in ("CapEff", "CapPrm", "CapBnd"):
            self.assertLessEqual(facts.capabilities(which), allowed, which)
        self.assertEqual(self.facts("dbus").capabilities("CapEff"), set())

    def test_private_files(self):
        state = self.rig.gateway.state_dir
        for name, mode in (("tls/private-key.pem", 0o600), ("ftps.passwd", 0o600), ("controller", 0o700)):
            self.assertEqual((state / name).stat().st_mode & 0o777, mode, name)
        self.assertEqual(self.rig.gateway.control_socket.stat().st_mode & 0o777, 0o660)

    def private_key(self):
        return (self.rig.gateway.state_dir / "tls" / "private-key.pem").read_text(encoding="ascii")


if __name__ == "__main__":
    run_tests()
