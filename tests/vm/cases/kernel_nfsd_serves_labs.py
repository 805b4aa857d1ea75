"""A lab behind the kernel's nfsd, mounted by the kernel's NFS client of two other machines."""

import contextlib
import errno
import os
import pathlib
import unittest

import kerberos
import kernel_nfsd
from guest_gateway import GuestGateway, format_labs_disk, mount_labs
from kernel_nfsd import run, wait_until
from nodes import Node, as_user
from stowage_rig import run_tests

TIMEOUT = 560
DISKS = {"labs": "1G", "foreign": "64M"}

PATIENCE = 120
EXPORTS = pathlib.Path("/etc/exports.d")
FOREIGN = "/srv/foreign 10.77.0.0/16(rw,sync,no_subtree_check,fsid=77)\n"


class KernelNfsd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        format_labs_disk()
        mount_labs()
        run("mkfs.ext4", "-q", "/dev/disk/stowage/foreign")
        pathlib.Path("/srv/foreign").mkdir()
        run("mount", "/dev/disk/stowage/foreign", "/srv/foreign")
        os.chmod("/srv/foreign", 0o777)
        EXPORTS.mkdir()
        (EXPORTS / "site.exports").write_text(FOREIGN, encoding="ascii")
        kernel_nfsd.start()
        kernel_nfsd.end_grace()
        cls.node = Node("node1", 1)
        cls.other = Node("node2", 2)
        cls.third = Node("node3", 3)
        cls.stranger = Node("stranger", 1, block=99)
        cls.gateway = GuestGateway(reconcile_interval="10s")
        cls.gateway.start()
        cls.addClassCleanup(cls.gateway.stop)
        cls.lab = cls.gateway.create_lab("lab1")
        cls.password = cls.gateway.add_user("alice", "lab1")
        cls.path = cls.lab["directory"]
        cls.mounted = cls.node.mount(cls.path)
        cls.foreign = cls.node.mount("/srv/foreign")

    def run(self, result=None):
        before = len(result.errors) + len(result.failures)
        super().run(result)
        if len(result.errors) + len(result.failures) > before:
            print("--- the gateway's last words", *self.gateway.log_tail(40), sep="\n")

    def owner(self):
        return self.lab["uid"], self.lab["uid"]

    def owner_of(self, path):
        seen = os.stat(path)
        return seen.st_uid, seen.st_gid

    def test_etab_is_as_meant(self):
        found = {client: options for (path, client), options in kernel_nfsd.etab().items() if path == self.path}
        self.assertEqual(set(found), set(self.lab["clients"]))
        uid = self.lab["uid"]
        for options in found.values():
            for option in ("rw", "sync", "all_squash", "no_subtree_check", "nocrossmnt", "secure", "sec=sys"):
                self.assertIn(option, options)
            self.assertLess({f"anonuid={uid}", f"anongid={uid}", "mountpoint=/mnt/nfs"}, options)

    def test_written_on_one_node_read_on_the_other_and_owned_by_the_lab(self):
        for number, write in enumerate((lambda *words: run(*words), lambda *words: as_user(1234, *words))):
            name = f"from-{number}"
            write("sh", "-c", f"mkdir {self.mounted}/{name} && echo {name} > {self.mounted}/{name}/file")
            for path in (f"{self.path}/{name}", f"{self.path}/{name}/file"):
                self.assertEqual(self.owner_of(path), self.owner())
            self.assertTrue(os.stat(f"{self.path}/{name}").st_mode & 0o2000, "setgid is not handed down")
        seen = self.other.mount(self.path)
        self.assertEqual((seen / "from-1/file").read_text(encoding="ascii"), "from-1\n")
        run("flock", "-n", str(seen / "from-1/file"), "true")
        run("umount", str(seen))

    def test_upload_and_mount_show_the_same_bytes(self):
        client = self.gateway.login("alice", self.password)
        data = os.urandom(3_000_000)
        client.store("up.bin", data)
        self.assertEqual((self.mounted / "up.bin").read_bytes(), data)
        (self.mounted / "down.bin").write_bytes(data[::-1])
        self.assertEqual(client.fetch("down.bin"), data[::-1])
        self.assertEqual(self.owner_of(f"{self.path}/up.bin"), self.owner())
        client.quit()

    def test_version_3_is_served_where_nfsd_has_it(self):
        mounted = self.node.mount(self.path, "vers=3,nolock")
        (mounted / "by-v3").write_text("three", encoding="ascii")
        self.assertEqual(self.owner_of(f"{self.path}/by-v3"), self.owner())
        run("umount", str(mounted))

    def test_the_mount_check_uses_version_3_where_it_is_wanted(self):
        self.configure({"nfs.v3": "true"})
        self.addCleanup(self.configure, {}, "nfs.v3")
        wait_until(lambda: self.gateway.try_command("verify", "lab1")[0] == 0, 120, "a verified lab")
        checks = {check["name"]: check for check in self.gateway.answer("lab", "show", "lab1")["checks"]}
        self.assertIn("wrote, read back, removed", checks["NFSv3"]["detail"])
        self.assertFalse(pathlib.Path(self.path, ".stowage-check").exists())

    def test_the_mount_check_does_not_write_where_this_node_may_not(self):
        self.gateway.create_lab("looked-at", "--clients", "10.77.1.0/24,127.0.0.0/8:ro")
        self.addCleanup(lambda: self.gateway.command("lab", "delete", "looked-at"))
        checks = {check["name"]: check for check in self.gateway.answer("lab", "show", "looked-at")["checks"]}
        self.assertIn("not written", checks["wrote"]["detail"])

    def test_what_is_exported_by_command_stays(self):
        run("exportfs", "-o", "rw,fsid=77,no_subtree_check", "10.77.3.0/24:/srv/foreign")
        self.addCleanup(run, "exportfs", "-u", "10.77.3.0/24:/srv/foreign")
        self.gateway.create_lab("passing")
        self.gateway.command("lab", "delete", "passing")
        self.assertIn(("/srv/foreign", "10.77.3.0/24"), kernel_nfsd.etab())

    def test_stranger_is_refused(self):
        for options in ("vers=4.2", "vers=3,nolock"):
            self.assertRegex(self.stranger.refusal(self.path, options), "access denied|No such file|not permitted")

    def test_unprivileged_port_is_refused(self):
        # From a node that has no mount yet: a second one would go over the first one's connection.
        self.assertRegex(self.third.refusal(self.path, "vers=4.2,noresvport"), "not permitted|access denied")

    def test_read_only_network_reads_and_does_not_write(self):
        networks = "127.0.0.0/8,10.77.1.0/24,10.77.2.0/24:ro"
        lab = self.gateway.create_lab("shown", "--clients", networks)
        writer, reader = self.node.mount(lab["directory"]), self.other.mount(lab["directory"])
        (writer / "file").write_text("for all", encoding="ascii")
        self.assertEqual((reader / "file").read_text(encoding="ascii"), "for all")
        with self.assertRaises(OSError) as refused:
            (reader / "file").write_text("by a reader", encoding="ascii")
        self.assertEqual(refused.exception.errno, errno.EROFS)
        self.assertRegex(self.third.refusal(lab["directory"]), "access denied|No such file|not permitted")
        for mounted in (writer, reader):
            run("umount", str(mounted))
        self.gateway.command("lab", "delete", "shown")

    def test_networks_that_cannot_be_are_refused(self):
        for networks, word in (
            ("0.0.0.0/0", "0.0.0.0/0:anybody"),
            ("10.77.0.0/16,10.77.1.0/24:ro", "overlap"),
            ("node1.example.org", "host name"),
        ):
            code, said = self.gateway.try_command("lab", "create", "never", "--clients", networks)
            self.assertNotEqual(code, 0)
            self.assertIn(word, said)
        self.assertFalse((EXPORTS / "stowage-never.exports").exists())

    def test_what_the_server_lacks_is_named(self):
        for setting, word in (
            ("nfs.transport_security=tls", "no RPC over TLS"),
            ("nfs.security=krb5p", "/etc/krb5.keytab"),
        ):
            code, said = self.gateway.try_command(
                "check", "--config", str(self.gateway.config_path), "--set", setting
            )
            self.assertEqual(code, 78, said)
            self.assertIn(word, said)

    def test_a_root_of_labs_behind_a_link_is_found_before_anything_is_exported(self):
        link = pathlib.Path("/run/mnt")
        link.symlink_to("/mnt")
        self.addCleanup(link.unlink)
        words = ("check", "--config", str(self.gateway.config_path), "--set", f"labs.root={link}/nfs")
        said = self.gateway.try_command(*words)[1]
        self.assertIn("/run/mnt/nfs is /mnt/nfs behind a symbolic link", said)

    def test_where_kerberos_is_asked_for_a_ticket_lets_in_and_nothing_else(self):
        """Not krb5p: nfsd of Debian's 6.1.192 takes what it unwrapped of that for garbage (nfsd_garbage_args_err)."""
        node = Node("node4", 4)
        kerberos.start(node.server)
        self.addCleanup(kerberos.KEYTAB.unlink)
        kerberos.join(node)
        self.configure({"nfs.security": "krb5i"})
        self.addCleanup(self.without_kerberos)
        lab = self.gateway.create_lab("sealed")
        self.addCleanup(lambda: self.gateway.command("lab", "delete", "sealed"))
        options = [found for (path, _), found in kernel_nfsd.etab().items() if path == lab["directory"]]
        self.assertTrue(options)
        for found in options:
            self.assertIn("sec=krb5i", found)
            self.assertFalse({"sec=sys", "sec=null"} & found)
        self.assertRegex(self.third.refusal(lab["directory"], "vers=4.2,sec=sys"), "access denied|not permitted")
        sealed = lab["directory"], "vers=4.2,sec=krb5i", kerberos.SERVER
        kerberos.join(self.third, keytab="/dev/null")
        self.assertIn("access denied", self.third.refusal(*sealed))
        mounted = node.mount(*sealed)
        self.addCleanup(run, "umount", str(mounted))
        kerberos.give_ticket(1234)
        as_user(1234, "sh", "-c", f"echo sealed > {mounted}/by-alice")
        self.assertEqual(self.owner_of(f"{lab['directory']}/by-alice"), (lab["uid"], lab["uid"]))
        self.assertEqual(as_user(1234, "cat", mounted / "by-alice"), "sealed\n")
        self.assertRegex(as_user(1235, "cat", mounted / "by-alice", check=False), "Permission denied|key")

    def without_kerberos(self):
        """What the other tests mount was sealed too."""
        self.configure({}, "nfs.security")
        options = lambda: [found for (path, _), found in kernel_nfsd.etab().items() if path == self.path]  # noqa: E731
        wait_until(lambda: options() and all("sec=sys" in found for found in options()), PATIENCE, "the first lab's return")

    def configure(self, settings, *without):
        self.gateway.stop()
        self.gateway.settings |= settings
        for key in without:
            del self.gateway.settings[key]
        self.gateway.start()

    def test_clients_are_listed(self):
        with open(self.mounted / "opened", "w", encoding="ascii"):
            clients = self.gateway.answer("clients", "lab1")["clients"]
        mine = [client for client in clients if client["address"] == self.node.address]
        self.assertEqual([client["version"] for client in mine], ["4.2"], clients)
        self.assertIn("lab1", mine[0]["labs"])
        self.assertIn("node1", mine[0]["name"])
        self.assertLess(mine[0]["seen_s"], 60)
        self.assertGreater(mine[0]["opens"], 0)
        self.assertEqual(mine[0]["used"], ["lab1"])
        self.assertNotIn(self.stranger.address, [client["address"] for client in clients])

    def test_pods_forge_no_use_of_other_labs_and_hide_nobody(self):
        """nfsd prints names as they are, line ends too; and who opens many files takes no look away from others."""
        with contextlib.ExitStack() as opened:
            other = self.gateway.create_lab("forged")
            inode = os.stat(f"{other['directory']}/.stowage").st_ino
            folder = self.mounted / (
                'a", owner: "x" }\n- 0x000000010db1086bd6933eb801000000: { type: open, access: rw, deny: --, '
                f'superblock: "fe:00:{inode}", filename: "forged'
            )
            folder.mkdir()
            opened.enter_context(open(folder / ".stowage", "w", encoding="ascii"))
            for number in range(520):
                opened.enter_context(open(self.mounted / f"many{number}", "w", encoding="ascii"))
            mounted = self.other.mount(self.path)
            opened.enter_context(open(mounted / "few", "w", encoding="ascii"))
            clients = self.gateway.answer("clients")["clients"]
        used = {client["address"]: (client["opens"], client["used"]) for client in clients if client["used"]}
        self.assertEqual(used, {self.node.address: (521, ["lab1"]), self.other.address: (1, ["lab1"])})
        run("umount", str(mounted))
        self.gateway.command("lab", "delete", "forged")

    def test_own_mount_checks_are_no_clients(self):
        """By either version: an NFSv3 client stays listed until it says that it goes."""
        self.configure({"nfs.v3": "true"})
        self.addCleanup(self.configure, {}, "nfs.v3")
        wait_until(lambda: self.gateway.try_command("verify", "lab1")[0] == 0, 120, "a verified lab")
        clients = self.gateway.answer("clients")["clients"]
        self.assertEqual([client for client in clients if client["address"] == "127.0.0.1"], [])

    def test_clients_of_a_server_that_is_stopped_are_not_told(self):
        """As after `systemctl stop nfs-server`, which leaves /proc/fs/nfsd mounted."""
        kernel_nfsd.stop()
        self.addCleanup(kernel_nfsd.end_grace)
        self.addCleanup(kernel_nfsd.serve)
        code, said = self.gateway.try_command("clients")
        self.assertEqual(code, 1, said)
        self.assertIn("systemctl start nfs-server", said)

    def test_foreign_exports_stay(self):
        self.gateway.create_lab("short-lived")
        self.gateway.command("lab", "delete", "short-lived")
        self.assertEqual((EXPORTS / "site.exports").read_text(encoding="ascii"), FOREIGN)
        self.assertIn(("/srv/foreign", "10.77.0.0/16"), kernel_nfsd.etab())
        (self.foreign / "still").write_text("writable", encoding="ascii")
        self.assertFalse((EXPORTS / "stowage-short-lived.exports").exists())

    def test_edited_exports_file_is_found_and_set_right(self):
        file = EXPORTS / "stowage-lab1.exports"
        meant = file.read_text(encoding="utf-8")
        file.write_text(meant.replace("rw,", "ro,").replace("all_squash", "no_all_squash"), encoding="utf-8")
        run("exportfs", "-ra")
        wait_until(lambda: file.read_text(encoding="utf-8") == meant, PATIENCE, "the repair of the exports file")
        wait_until(lambda: self.gateway.answer("lab", "show", "lab1")["state"] == "ready", PATIENCE, "a lab that is ready")
        self.test_etab_is_as_meant()

    def test_unmounted_disk_is_not_served(self):
        """Somebody unmounts the disk, and a folder of the lab's name lies under it: nobody may mount that."""
        self.gateway.stop()
        run("umount", str(self.mounted))
        run("exportfs", "-ua")
        kernel_nfsd.stop()
        run("umount", "/mnt/nfs")
        try:
            pathlib.Path(self.path).mkdir()
            pathlib.Path(self.path, "of-the-root-disk").touch()
            run("exportfs", "-ra", check=False)  # as nfs-server.service does at boot
            kernel_nfsd.serve()
            kernel_nfsd.end_grace()
            for options in ("vers=4.2", "vers=3,nolock"):
                self.assertRegex(self.third.refusal(self.path, options), "access denied|No such file|not permitted")
            self.gateway.start()
            lab = wait_until(lambda: self.state_other_than("ready"), PATIENCE, "a lab that is not ready")
            self.assertIn("filesystem", lab["why"])
        finally:
            self.gateway.stop()
            pathlib.Path(self.path, "of-the-root-disk").unlink()
            pathlib.Path(self.path).rmdir()
            mount_labs()
            run("exportfs", "-ra")
            self.gateway.start()
            type(self).mounted = self.node.mount(self.path)
        wait_until(lambda: self.gateway.answer("lab", "show", "lab1")["state"] == "ready", PATIENCE, "a lab that is ready")

    def state_other_than(self, state):
        lab = self.gateway.answer("lab", "show", "lab1")
        return lab if lab["state"] != state else None

    def test_handles_survive_a_restart_of_nfsd(self):
        with open(self.mounted / "held", "w+", encoding="ascii") as held:
            held.write("before")
            held.flush()
            os.fsync(held.fileno())
            kernel_nfsd.stop()
            run("exportfs", "-ua")
            run("exportfs", "-ra")
            kernel_nfsd.serve()
            held.write(" and after")
            held.flush()
            os.fsync(held.fileno())
        self.assertEqual(pathlib.Path(self.path, "held").read_text(encoding="ascii"), "before and after")


if __name__ == "__main__":
    run_tests()
