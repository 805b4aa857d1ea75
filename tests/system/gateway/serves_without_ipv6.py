"""Nodes without IPv6: none of their addresses is one (the sysctl disable_ipv6), or the kernel has none (ipv6.disable=1).
What `::` says, every address of the machine, stays true there, and an IPv4 address is the only one that is listened on.

The node is a network namespace; the kernel, a filter that answers socket(AF_INET6) as such a kernel does."""

import contextlib
import ctypes
import errno
import os
import pathlib
import platform
import socket
import struct
import subprocess
import unittest

from stowage_rig import Failed, Rig, need_root, run_tests, skip

NODE, LATER = "10.77.0.1", "fd00:77::1"
_CLONE_NEWNET = 0x40000000
_SETTINGS = {"labs.default_clients": "10.77.0.0/24,127.0.0.0/8", "ftps.listen": "::", "nfs.bind_address": "::"}


def set_ipv6(interface, enabled):
    switch = pathlib.Path(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6")
    switch.write_text("0" if enabled else "1", encoding="ascii")


def enter_a_node_without_ipv6():
    if not os.path.exists("/usr/bin/ganesha.nfsd") or not os.path.exists("/usr/bin/dbus-daemon"):
        skip("nfs-ganesha or dbus is not installed")
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        skip(f"no network namespace: {os.strerror(ctypes.get_errno())}")
    for name in ("all", "default", "lo"):
        with contextlib.suppress(FileNotFoundError):  # this kernel has no IPv6
            set_ipv6(name, False)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", f"{NODE}/24", "dev", "lo"], check=True)


def take_ipv6_from_the_kernel():
    """For this process and those that it starts. A classic BPF program over struct seccomp_data."""
    number = {"x86_64": 41, "aarch64": 198}[platform.machine()]

    def instruction(code, value, when=0, otherwise=0):
        return struct.pack("HBBI", code, when, otherwise, value)

    load, compare, answer = 0x20, 0x15, 0x06
    program = b"".join(
        [
            instruction(load, 0),  # the system call
            instruction(compare, number, otherwise=3),
            instruction(load, 16),  # its first argument
            instruction(compare, socket.AF_INET6, otherwise=1),
            instruction(answer, 0x00050000 | errno.EAFNOSUPPORT),
            instruction(answer, 0x7FFF0000),
        ]
    )
    code = ctypes.create_string_buffer(program)

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

    described = Program(len(program) // 8, ctypes.addressof(code))
    library = ctypes.CDLL(None, use_errno=True)
    no_new_privs, seccomp, filter_mode = 38, 22, 2
    if library.prctl(no_new_privs, 1, 0, 0, 0) or library.prctl(seccomp, filter_mode, ctypes.byref(described)):
        skip(f"no filter: {os.strerror(ctypes.get_errno())}")


def answers(address, port):
    try:
        socket.create_connection((address, port), 5).close()
        return True
    except ConnectionRefusedError:
        return False


class Promises:
    def test_every_address_serves_both_services(self):
        with Rig(labs="plain", settings=_SETTINGS) as rig:
            rig.create_lab("lab1")
            rig.gateway.command("verify", "lab1")  # over NFS, to 127.0.0.1
            rig.login("alice", rig.add_user("alice", "lab1")).store("file", b"by FTPS")
            self.assertEqual((rig.labs / "lab1" / "file").read_bytes(), b"by FTPS")
            self.assertTrue(answers(NODE, rig.ports.nfs) and answers(NODE, rig.ports.ftps))

    def test_one_ipv4_address_is_the_only_one(self):
        listens = {"nfs.bind_address": NODE, "nfs.check_address": NODE, "ftps.listen": NODE}
        with Rig(labs="plain", settings=_SETTINGS | listens) as rig:
            rig.create_lab("lab1")
            rig.gateway.command("verify", "lab1")
            for port in (rig.ports.nfs, rig.ports.ftps):
                self.assertTrue(answers(NODE, port))
                self.assertFalse(answers("127.0.0.1", port), f"{port} is for {NODE} alone")


class AddressesAreIpv4Alone(Promises, unittest.TestCase):
    def test_an_ipv6_address_that_comes_later_is_served_without_a_restart(self):
        if not socket.has_dualstack_ipv6():
            self.skipTest("this kernel has no IPv6")
        with Rig(labs="plain", settings=_SETTINGS) as rig:
            rig.create_lab("lab1")
            set_ipv6("lo", True)
            self.addCleanup(set_ipv6, "lo", False)  # takes the address, too
            subprocess.run(["ip", "-6", "address", "add", f"{LATER}/64", "dev", "lo", "nodad"], check=True)
            for port in (rig.ports.nfs, rig.ports.ftps):
                self.assertTrue(answers(LATER, port))


class KernelHasNoIpv6(Promises, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        take_ipv6_from_the_kernel()

    def test_an_ipv6_address_is_refused_with_its_key(self):
        with Rig(labs="plain", settings=_SETTINGS | {"ftps.listen": "::1"}, start=False) as rig:
            with self.assertRaisesRegex(Failed, "exit code 78") as failure:
                rig.gateway.start()
            self.assertIn("ftps.listen", "\n".join(failure.exception.details))
            rig.gateway.child = None


if __name__ == "__main__":
    need_root()
    enter_a_node_without_ipv6()
    run_tests()
