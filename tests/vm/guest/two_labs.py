"""Two labs with a quota, each mounted at /mnt/nfs by two nodes, and what their members and their pods do with them."""

import errno
import os
import pathlib
import shutil

from installed import CERTIFICATE, answer, login, run
from lab_files import MIB, write
from nodes import PodNode
from tour import dataset, upload

QUOTA = 16 * MIB
DATA = bytes(range(256)) * 4096  # what lies in lab1's data.bin in the end


class TwoLabs:
    """Its steps, for a story."""

    def __init__(self):
        self.nodes, self.mounts, self.passwords = [], {}, {}

    def two_labs_are_made_and_mounted_by_two_nodes(self):
        # Ids that differ by the order in which labs are made would show after the reboot.
        run("stowage", "lab", "create", "another")
        run("stowage", "lab", "delete", "another")
        for lab, user in (("lab1", "alice"), ("lab2", "bob")):
            run("stowage", "lab", "create", lab, "--quota", f"{QUOTA // MIB}MiB")
            self.passwords[user] = answer("user", "add", user, "--lab", lab)["password"]
        self.nodes_mount_both()
        assert answer("lab", "show", "lab1")["quota_backend"] == "xfs"

    def nodes_mount_both(self):
        self.nodes = [PodNode("node1", 2), PodNode("node2", 3)]
        self.mounts = {lab: [node.mount_lab(lab) for node in self.nodes] for lab in ("lab1", "lab2")}
        for mounted in self.mounts["lab1"] + self.mounts["lab2"]:
            seen = os.statvfs(mounted)
            assert seen.f_blocks * seen.f_frsize == QUOTA, "a pod's df shows the quota"

    def lftp_uploads_a_tree_that_both_nodes_see(self):
        source = pathlib.Path("/run/tree")
        assert len(dataset.make(source)) > 10
        commands = [f"mirror -R --parallel=2 {upload.quoted(source)} tree"]
        script = upload.script(CERTIFICATE, "127.0.0.1", 21, "alice", self.passwords["alice"], commands)
        upload.run(script, pathlib.Path("/run/lftp-home"))
        for mounted in self.mounts["lab1"]:
            run("diff", "-r", str(source), str(mounted / "tree"))
        shutil.rmtree(source)

    def curl_uploads_to_the_other_lab(self):
        source = pathlib.Path("/run/by-curl")
        source.write_bytes(os.urandom(MIB + 1))
        netrc = pathlib.Path("/run/netrc")
        netrc.write_text(f"machine 127.0.0.1 login bob password {self.passwords['bob']}\n", encoding="ascii")
        run(
            *("curl", "-sS", "--ssl-reqd", "--cacert", str(CERTIFICATE), "--netrc-file", str(netrc)),
            *("-T", str(source), "ftp://127.0.0.1/by-curl"),
        )
        for mounted in self.mounts["lab2"]:
            assert (mounted / "by-curl").read_bytes() == source.read_bytes()
        for mounted in self.mounts["lab1"]:
            assert not (mounted / "by-curl").exists(), "in the other lab"

    def a_running_upload_is_not_seen_before_its_end(self):
        """Neither a new name, nor in place of what has the name already."""
        client = login("alice", self.passwords["alice"])
        data, old = os.urandom(2 * MIB), b"of before" * 1000
        for name in ("running.bin", "data.bin"):
            client.voidcmd("TYPE I")
            if name == "data.bin":
                client.store(name, old)
            connection = client.transfercmd(f"STOR {name}")
            connection.sendall(data[:MIB])
            for mounted in self.mounts["lab1"]:
                if name == "data.bin":
                    assert (mounted / name).read_bytes() == old
                else:
                    assert name not in os.listdir(mounted)
            connection.sendall(data[MIB:])
            connection.unwrap()
            connection.close()
            assert client.voidresp().startswith("226")
            for mounted in self.mounts["lab1"]:
                assert (mounted / name).read_bytes() == data
        client.delete("running.bin")
        client.store("data.bin", DATA)
        client.quit()

    def a_lab_is_full_from_both_sides_and_has_room_again(self):
        node1, node2 = self.mounts["lab2"]
        client = login("bob", self.passwords["bob"])
        filler = node1 / "filler"
        assert write(filler, QUOTA + MIB) in (errno.EDQUOT, errno.ENOSPC)
        assert client.store_refused("too-much", bytes(2 * MIB)).startswith("552")
        filler.unlink()
        client.store("fits-again", bytes(2 * MIB))
        (node2 / "fits-too").write_bytes(bytes(2 * MIB))
        # Now uploads are what fills it, and a node what finds it full.
        client.store("part", bytes(QUOTA // 2))
        assert client.store_refused("rest", bytes(QUOTA // 2)).startswith("552")
        assert write(node2 / "filler", QUOTA + MIB) in (errno.EDQUOT, errno.ENOSPC)
        (node2 / "filler").unlink()
        (self.mounts["lab1"][1] / "room").write_bytes(bytes(2 * MIB))  # the other lab has its own
        (self.mounts["lab1"][1] / "room").unlink()
        for name in ("part", "fits-again", "fits-too"):
            client.delete(name)
        client.quit()
