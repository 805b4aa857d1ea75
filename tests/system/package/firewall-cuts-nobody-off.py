"""The nftables example, loaded: members reach FTPS, nodes reach NFS, strangers neither, and this node reaches everybody, also
from a port that lies among the passive ones."""

import shutil
import subprocess
import sys
import unittest

from stowage_rig import SOURCE, need_root, run_tests, skip

RULES = SOURCE / "deploy" / "cluster" / "stowage.nft"

# Run in a network namespace of its own. Sockets stay in the network in which they were made.
_FIREWALL = """
import ctypes, os, socket, subprocess, sys

libc = ctypes.CDLL(None, use_errno=True)
stranger = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
stranger.stdout.readline()
networks = {"here": os.open("/proc/self/ns/net", os.O_RDONLY), "there": os.open(f"/proc/{stranger.pid}/ns/net", os.O_RDONLY)}

def enter(name):
    if libc.setns(networks[name], 0x40000000) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))

def ip(*words):
    subprocess.run(["ip", *words], check=True)

def socket_in(name, address, port):
    enter(name)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family)
    enter("here")
    made.settimeout(1.5)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    return made

def asks(made, address, port):
    try:
        made.connect((address, port))
        return "answered"
    except TimeoutError:
        return "silence"
    finally:
        made.close()

HERE, HERE6, STRANGER, STRANGER6 = "203.0.113.1", "2001:db8:99::1", "203.0.113.9", "2001:db8:99::9"
ip("link", "add", "veth0", "type", "veth", "peer", "name", "veth1", "netns", str(stranger.pid))
for network, device, own, others in (("here", "veth0", (HERE, HERE6), ("10.20.1.2", "2001:db8:20::2")),
                                     ("there", "veth1", (STRANGER, STRANGER6, "10.20.1.2", "2001:db8:20::2"), ())):
    enter(network)
    ip("link", "set", "lo", "up")
    ip("link", "set", device, "up")
    for address in own:
        ip("addr", "add", address + ("/64" if ":" in address else "/24"), "dev", device, *(["nodad"] if ":" in address else []))
    for address in others:
        ip("route", "add", address, "dev", device)
enter("here")
subprocess.run(["nft", "--file", sys.argv[1]], check=True)

services = [socket_in("here", HERE, 50002), socket_in("here", HERE, 2049), socket_in("here", HERE6, 2049),
            socket_in("there", STRANGER, 443)]
for service in services:
    service.listen()
for what, made, address, port in (
    ("out from a passive port", socket_in("here", HERE, 50001), STRANGER, 443),
    ("stranger to a passive port", socket_in("there", STRANGER, 0), HERE, 50002),
    ("member to a passive port", socket_in("there", "10.20.1.2", 0), HERE, 50002),
    ("stranger to NFS", socket_in("there", STRANGER, 0), HERE, 2049),
    ("node to NFS", socket_in("there", "10.20.1.2", 0), HERE, 2049),
    ("stranger to NFS by IPv6", socket_in("there", STRANGER6, 0), HERE6, 2049),
    ("node to NFS by IPv6", socket_in("there", "2001:db8:20::2", 0), HERE6, 2049),
):
    print(f"{what}={asks(made, address, port)}")
stranger.stdin.close()
stranger.wait()
"""


class Firewall(unittest.TestCase):
    def in_its_own_network(self):
        """What _FIREWALL prints with the rules loaded, this node in one network and a stranger in another."""
        done = subprocess.run(
            ["unshare", "-n", sys.executable, "-B", "-c", _FIREWALL, str(RULES)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if "Operation not supported" in done.stderr or "No such file or directory" in done.stderr:
            skip(f"this kernel cannot do it: {done.stderr}")
        self.assertEqual(done.returncode, 0, done.stderr)
        return dict(line.split("=") for line in done.stdout.splitlines())

    def test_firewall_does_what_it_says(self):
        seen = self.in_its_own_network()
        self.assertEqual(
            seen,
            {
                "out from a passive port": "answered",
                "stranger to a passive port": "silence",
                "member to a passive port": "answered",
                "stranger to NFS": "silence",
                "node to NFS": "answered",
                "stranger to NFS by IPv6": "silence",
                "node to NFS by IPv6": "answered",
            },
        )


if __name__ == "__main__":
    need_root()
    if not shutil.which("nft") or not shutil.which("ip"):
        skip("nft or ip is not installed")
    run_tests()
