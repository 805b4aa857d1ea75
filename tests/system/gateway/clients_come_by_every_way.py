"""IPv4, IPv6, and a load balancer that speaks PROXY protocol v2: control and data connections work alike, and the log
tells the client's address. A listener on :: that is IPv6's alone, or IPv4's alone, makes the tests of the other fail: seen."""

import ipaddress
import os
import socket
import struct
import unittest

from proc_facts import tcp_socket
from stowage_rig import FtpsClient, Rig, run_tests, wait_until

BALANCER = "127.0.0.2"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxy_header(source, destination):
    addresses = [ipaddress.ip_address(text) for text in (source, destination)]
    family = 0x21 if addresses[0].version == 6 else 0x11
    behind = b"".join(address.packed for address in addresses) + struct.pack(">HH", 12345, 21)
    return SIGNATURE + struct.pack(">BBH", 0x21, family, len(behind)) + behind


class ProxiedClient(FtpsClient):
    """As if a balancer at BALANCER forwarded a client: each of its connections begins with a header."""

    def __init__(self, ports, certificate, client, reached):
        self.header = proxy_header(client, reached)
        super().__init__(ports, certificate, source=BALANCER)

    def connect(self, host="", port=0, timeout=-999, source_address=None):
        self.host, self.port, self.af = host, port, socket.AF_INET
        self.sock = socket.create_connection((host, port), 30, source_address)
        self.sock.sendall(self.header)
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome

    def makepasv(self):
        # What the reply tells is the balancer's own address; where it forwards to is this machine.
        host, port = super().makepasv()
        self.told = host
        return "127.0.0.1", port

    def ntransfercmd(self, cmd, rest=None):
        connect = socket.create_connection

        def connect_with_header(*words, **more):
            connection = connect(*words, **more)
            connection.sendall(self.header)
            return connection

        socket.create_connection = connect_with_header
        try:
            return super().ntransfercmd(cmd, rest)
        finally:
            socket.create_connection = connect


class ClientsComeByEveryWay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(labs="plain", settings={"ftps.proxy_networks": BALANCER}).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.rig.create_lab("lab1")
        cls.password = cls.rig.add_user("alice", "lab1")

    def use(self, client, name):
        self.rig.clients.append(client)
        client.login("alice", self.password)
        client.prot_p()
        self.assertTrue(client.store(name, name.encode() * 1000).startswith("226"))
        self.assertTrue(client.data_reused)
        self.assertEqual(client.fetch(name), name.encode() * 1000)
        self.assertIn(name, client.nlst())

    def assert_logged(self, event, peer):
        # A worker's lines come through the supervisor: later than its replies on a busy machine.
        wait_until(
            lambda: any(f"event={event}" in line and f"peer={peer}" in line for line in self.rig.gateway.log_tail(400)),
            what=f"event={event} of {peer} in the log",
        )

    def test_ipv4(self):
        self.use(FtpsClient(self.rig.ports, self.rig.gateway.certificate), "four")

    def test_ipv6(self):
        for implicit in (False, True):
            client = FtpsClient(self.rig.ports, self.rig.gateway.certificate, host="::1", source="::1", implicit=implicit)
            self.use(client, f"six{int(implicit)}")
            self.assert_logged("transfer", "::1")

    def test_proxied(self):
        """Taken out (the header's address in the worker's origin_of()): this fails."""
        client = ProxiedClient(self.rig.ports, self.rig.gateway.certificate, "198.51.100.7", "203.0.113.5")
        client.trust_server_pasv_ipv4_address = True
        self.use(client, "proxied")
        self.assertEqual(client.told, "203.0.113.5")
        self.assert_logged("login", "198.51.100.7")
        self.assert_logged("transfer", "198.51.100.7")

    def test_a_silent_control_connection_is_kept_alive(self):
        """So that neither NAT nor a firewall forgets it during a long transfer. Taken out (SO_KEEPALIVE in the front's
        tune()): no timer runs on the server's end."""
        client = self.rig.login("alice", self.password)
        timer = wait_until(lambda: self.timer_of(self.rig.ports.ftps, client.sock.getsockname()[1]), what="its timer")
        self.assertLess(timer, 61)

    def timer_of(self, local, remote):
        """Seconds until TCP asks whether the peer is there; None when it does not."""
        fields = tcp_socket(local, remote)
        kind, _, ticks = fields[5].partition(":") if fields else ("", "", "")
        return int(ticks, 16) / os.sysconf("SC_CLK_TCK") if kind == "02" else None

    def test_who_is_no_proxy_cannot_pose_as_one(self):
        with socket.create_connection(("127.0.0.1", self.rig.ports.ftps), 10) as stranger:
            self.assertTrue(stranger.recv(100).startswith(b"220"))
            stranger.sendall(proxy_header("198.51.100.7", "203.0.113.5"))
            self.assertEqual(stranger.recv(100), b"")


if __name__ == "__main__":
    run_tests()
