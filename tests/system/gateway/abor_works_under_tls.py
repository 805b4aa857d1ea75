"""ABOR as clients send it: in the TLS stream, with Telnet's Interrupt Process and Synch in front, and with TCP's urgent
byte beside it (RFC 959 §4.1.3, RFC 854). The transfer ends, both replies come, the session goes on.
With SO_OOBINLINE on the front's sockets the urgent byte ended the connection: seen.

Tried, each makes its test fail when taken out of the worker: Transfer::abort() in abort_transfer(); abort_transfer() at the
end of the control connection; and so does a thread that spins from the first transfer on, at a load of 12."""

import os
import socket
import struct
import time
import unittest
from ssl import TLSVersion

from proc_facts import wanted_a_processor
from stowage_rig import Rig, run_tests, wait_until

INTERRUPT_AND_SYNCH = b"\xff\xf4\xff\xf2"
INTERRUPT_AND_HALF_A_SYNCH = b"\xff\xf4\xff"  # where the other half goes as TCP's urgent byte


def urgent_byte(client):
    """Beside TLS, as a client does that sends Synch by MSG_OOB whatever the connection is."""
    with socket.socket(fileno=os.dup(client.sock.fileno())) as wire:
        wire.send(b"\xf2", socket.MSG_OOB)


class AborWorksUnderTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(labs="plain", departments=["lab1"]).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.rig.create_lab("lab1")
        cls.password = cls.rig.add_user("alice", "lab1")

    def login(self, version):
        return self.rig.login("alice", self.password, version=version)

    def abort(self, client, *, telnet, urgent):
        if urgent:
            urgent_byte(client)
        synch = INTERRUPT_AND_HALF_A_SYNCH if urgent else INTERRUPT_AND_SYNCH
        client.sock.sendall((synch if telnet else b"") + b"ABOR\r\n")
        self.assertTrue(client.refusal().startswith("426"))
        self.assertTrue(client.getresp().startswith("226"))

    def test_in_the_middle_of_an_upload(self):
        for version in (TLSVersion.TLSv1_2, TLSVersion.TLSv1_3):
            for telnet, urgent in ((False, False), (True, False), (True, True)):
                with self.subTest(version=version.name, telnet=telnet, urgent=urgent):
                    client = self.login(version)
                    data, _ = client.ntransfercmd("STOR aborted")
                    data.sendall(b"half")
                    self.abort(client, telnet=telnet, urgent=urgent)
                    data.close()
                    self.assertFalse((self.rig.labs / "lab1" / "aborted").exists())
                    client.store("afterwards", b"whole")
                    self.assertEqual(client.fetch("afterwards"), b"whole")

    def test_in_the_middle_of_a_download(self):
        for version in (TLSVersion.TLSv1_2, TLSVersion.TLSv1_3):
            for urgent in (False, True):
                with self.subTest(version=version.name, urgent=urgent):
                    client = self.login(version)
                    client.store("large", b"x" * 30_000_000)
                    data, _ = client.ntransfercmd("RETR large")
                    data.recv(10)
                    self.abort(client, telnet=urgent, urgent=urgent)
                    data.close()
                    self.assertEqual(client.fetch("large")[:10], b"x" * 10)

    def test_idle(self):
        client = self.login(TLSVersion.TLSv1_3)
        urgent_byte(client)
        client.sock.sendall(INTERRUPT_AND_SYNCH + b"ABOR\r\n")
        self.assertTrue(client.getresp().startswith("226"))
        client.store("afterwards", b"whole")

    def test_resets_leave_nothing(self):
        """RST on the control connection, idle and in transfers both ways: front and worker keep no descriptor and no
        work (CVE-2020-9273's class)."""
        first = self.login(TLSVersion.TLSv1_3)
        first.store("large", b"x" * 30_000_000)
        pids = [process["pid"] for name, process in self.rig.processes().items() if name in ("front", "worker lab1")]
        self.assertEqual(len(pids), 2)
        before = [self.descriptors(pid) for pid in pids]
        # Whose data connections stay open and silent: nothing but the control connection's end ends their transfers.
        held = []
        for number in range(3):
            for command in (None, "EPSV", f"STOR reset{number}", "RETR large", "LIST"):
                client = self.login(TLSVersion.TLSv1_3)
                data = None
                if command == "EPSV":
                    client.sendcmd("EPSV")
                elif command:
                    data, _ = client.ntransfercmd(command)
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
                held.append(data)
        for pid, count in zip(pids, before):
            wait_until(lambda pid=pid, count=count: self.descriptors(pid) <= count, what=f"{pid} closes what it had")
            began, wanted = time.monotonic(), wanted_a_processor(pid)
            self.assertGreater(wanted, 0)
            time.sleep(0.5)  # what is measured is the use of the processor in this time
            self.assertLess(wanted_a_processor(pid) - wanted, (time.monotonic() - began) / 2)
        first.store("afterwards", b"whole")
        for data in filter(None, held):
            data.close()

    def descriptors(self, pid):
        return len(os.listdir(f"/proc/{pid}/fd"))


if __name__ == "__main__":
    run_tests()
