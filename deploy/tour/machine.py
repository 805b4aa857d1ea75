"""Facts about this machine: addresses, free ports, unused ids."""

import grp
import ipaddress
import os
import pathlib
import pwd
import random
import socket

BLOCK_PORTS = 160  # a lab has half of the passive ones, and curl --parallel takes fifty
FIRST_PORT, LAST_PORT = 20000, 32000  # below Linux's ephemeral ports (32768 and up)
FIRST_ID = 699001  # right below labs.uid_min


class PortBlock:
    """TCP ports that no other run has. The reservation is a name in the abstract socket namespace, which the
    kernel frees with this process: two runs that start at the same time cannot take the same block."""

    def __init__(self):
        blocks = list(range(FIRST_PORT, LAST_PORT, BLOCK_PORTS))
        random.shuffle(blocks)
        for first in blocks:
            claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
            try:
                claim.bind(f"\0stowage-ports-{first}")
            except OSError:
                claim.close()
                continue
            if all(is_free(port) for port in range(first, first + BLOCK_PORTS)):
                self._claim = claim
                self.ftps, self.ftps_implicit, self.nfs, self.runai = range(first, first + 4)
                self.passive = (first + 4, first + BLOCK_PORTS - 1)
                return
            claim.close()
        raise OSError(f"no {BLOCK_PORTS} free ports in a row between {FIRST_PORT} and {LAST_PORT}")

    def release(self):
        self._claim.close()


def is_free(port):
    family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            probe.bind(("::" if family == socket.AF_INET6 else "", port))
            probe.listen(1)
            return True
        except OSError:
            return False


def own_address():
    """The IPv4 address by which others reach this machine; loopback on a machine without network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737; connecting a datagram socket sends nothing
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"


def own_networks():
    """IPv4 networks at the interface of the default route, from /proc/net/route."""
    routes = [line.split() for line in pathlib.Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]]
    uplinks = {route[0] for route in routes if route[1] == "00000000"}
    networks = set()
    for interface, destination, gateway, *_, mask, _mtu, _window, _irtt in routes:
        if interface in uplinks and gateway == "00000000" and destination != "00000000":
            networks.add(ipaddress.ip_network((_address(destination), _address(mask))))
    return [str(network) for network in sorted(networks)]


def _address(text):
    return str(ipaddress.ip_address(int(text, 16).to_bytes(4, "little")))


def unused_ids(count):
    """Numbers that are nobody's user or group."""
    found = []
    candidate = FIRST_ID
    while len(found) < count:
        if not _is_known(candidate):
            found.append(candidate)
        candidate -= 1
    return found


def _is_known(number):
    for lookup in (pwd.getpwuid, grp.getgrgid):
        try:
            lookup(number)
            return True
        except KeyError:
            pass
    return False


def build_jobs():
    """Compilers that fit: one per core, and 1.5 GiB of memory each."""
    pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(os.cpu_count() or 1, int(pages // (1.5 * 2**30))))
