"""Other machines, as network namespaces: they mount with the kernel's NFS client and have addresses of their own."""

import os
import pathlib
import subprocess

from kernel_nfsd import run

MOUNTS = pathlib.Path("/run/nodes")


class Node:
    """`name` with 10.77.NUMBER.2 in a network of its own, in which the server is 10.77.NUMBER.1; another `block`
    (second byte) makes it a stranger to those who admit 10.77.0.0/16."""

    def __init__(self, name, number, block=77):
        self.name, self.server = name, f"10.{block}.{number}.1"
        self.address = f"10.{block}.{number}.2"
        run("ip", "netns", "add", name)
        _ip(
            f"link add to-{name} type veth peer name eth0 netns {name}",
            f"address add {self.server}/24 dev to-{name}",
            f"link set to-{name} up",
        )
        _ip(
            f"address add {self.address}/24 dev eth0",
            "link set eth0 up",
            "link set lo up",
            f"route add default via {self.server}",
            netns=name,
        )

    def run(self, *words, check=True, **options):
        """In its network, with its host name: NFSv4 clients tell who they are by it."""
        script = 'hostname "$1"; shift; exec "$@"'
        return run(
            *("nsenter", f"--net=/run/netns/{self.name}", "unshare", "--uts", "sh", "-c", script, "sh", self.name),
            *map(str, words),
            check=check,
            **options,
        )

    def mount(self, path, options="vers=4.2", server=None):
        """Returns where; AssertionError with mount's words when it is refused."""
        target = MOUNTS / self.name / path.strip("/").replace("/", "-") / options.replace("=", "").replace(",", "-")
        target.mkdir(parents=True, exist_ok=True)
        self.run("mount", "-t", "nfs", "-o", options, f"{server or self.server}:{path}", target)
        return target

    def refusal(self, path, options="vers=4.2", server=None):
        """What mount says; it must not succeed."""
        try:
            target = self.mount(path, options + ",retry=0", server)
        except AssertionError as refused:
            return str(refused)
        subprocess.run(["umount", target], check=False)
        raise AssertionError(f"{self.name} ({self.address}) could mount {path}")


class PodNode(Node):
    """One with a filesystem view of its own, in which labs lie where pods and their node have them: /mnt/nfs/LAB."""

    def __init__(self, name, number):
        super().__init__(name, number)
        script = 'hostname "$1" && mount -t tmpfs tmpfs /mnt/nfs && echo up && exec sleep infinity'
        self._holder = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{name}", "unshare", "--uts", "--mount", "sh", "-c", script, "sh", name],
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout.readline() == b"up\n", f"{name} has no filesystem view"

    def inside(self, *words):
        return run("nsenter", "--net", "--uts", "--mount", f"--target={self._holder.pid}", *map(str, words))

    def mount_lab(self, name):
        """Returns where, as seen from here."""
        self.inside("mkdir", f"/mnt/nfs/{name}")
        self.inside("mount", "-t", "nfs", "-o", "vers=4.2", f"{self.server}:/mnt/nfs/{name}", f"/mnt/nfs/{name}")
        return pathlib.Path(f"/proc/{self._holder.pid}/root/mnt/nfs/{name}")

    def leave(self):
        """As a node that is drained: nothing is mounted any more."""
        self.inside("umount", "--all", "--types", "nfs,nfs4")
        self._holder.kill()
        self._holder.wait()


def let_go_of_refused():
    """A file whose writing was refused for want of room stays open at the server, closed and unmounted or not, while its
    client has something of it to commit: until the client's kernel writes back what is 30 s old
    (vm.dirty_expire_centisecs), or this. Removed, it keeps its room until then."""
    os.sync()


def _ip(*commands, netns=None):
    words = ("ip", "-n", netns) if netns else ("ip",)
    run(*words, "-batch", "-", input="\n".join(commands) + "\n")


def connect(address):
    """This machine to the cable between the two machines of a test."""
    run("modprobe", "virtio_net")
    if pathlib.Path("/run/udev/control").exists():
        run("udevadm", "settle")  # it gives the card another name
    (card,) = pathlib.Path("/sys/bus/virtio/drivers/virtio_net").glob("virtio*/net/*")
    _ip(
        # Both cards come from one saved state, with one address.
        f"link set {card.name} address 52:54:00:77:00:{int(address.split('.')[-1]):02x}",
        f"address add {address}/24 dev {card.name}",
        f"link set {card.name} up",
    )


def as_user(uid, *words, check=True):
    return run("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *map(str, words), check=check)
