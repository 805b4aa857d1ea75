"""A storage node's life as one story. The package is installed on Debian's own systemd, nothing but
/etc/stowage/stowage.yaml is edited, the service started. Two labs on XFS with project quotas are mounted at /mnt/nfs by
two nodes with the kernel's NFS client: what lftp and curl upload shows up whole and only then, a full lab is full from
both sides. An upgrade lets the running upload end; the machine reboots, and everything is back, a mount included that
another machine held meanwhile. A purge, a new installation and a restored backup touch nothing of a lab's files."""

import errno
import json
import os
import pathlib
import re
import threading
import time

import kernel_nfsd
import machine_end
import nfs3_wire
from held_mount import Holder, serve
from installed import CONFIG, LABS, STATE, exports, hashes, identities, install, journal, journal_entry
from installed import labs_are_ready, login, run, unit, wait_until
from lab_files import MIB, is_locked, write
from two_labs import DATA, QUOTA, TwoLabs

TIMEOUT = 700
BOOT = "systemd"
PEER = True
DISKS = {"labs": "1G"}
KEEP_ROOT = True
FILES = ("packages/first.deb", "packages/second.deb")

CONFIG_OF_NFSD = pathlib.Path("/etc/nfs.conf.d/grace.conf")
NOTES = pathlib.Path("/root/notes.json")
# While dpkg works an upload stands still: on a busy machine for longer than the minute that is usual.
ADDED = """
drain_timeout: 5m
ftps: {data_timeout: 1h}
labs: {default_clients: "127.0.0.0/8,10.77.0.0/16"}
nfs: {address: 127.0.0.1}
"""


class Story(TwoLabs):
    """What its steps know of each other."""

    def __init__(self):
        super().__init__()
        self.other, self.notes = Holder(), {}

    def tell(self, *steps):
        for step in steps:
            began = time.monotonic()
            print(f"{step.__name__} ...", end=" ", flush=True)
            step()
            print(f"{time.monotonic() - began:.1f} s", flush=True)

    # --- before the reboot ----------------------------------------------------------------------------------------

    def the_labs_disk_is_in_fstab(self):
        """As an admin has it: by its UUID, with project quotas. (A boot on a busy machine takes longer than the 90 s for
        which systemd waits for a disk by itself.)"""
        run("mkfs.xfs", "-q", "/dev/disk/stowage/labs")
        uuid = run("blkid", "-s", "UUID", "-o", "value", "/dev/disk/stowage/labs").strip()
        LABS.mkdir(parents=True, exist_ok=True)
        with open("/etc/fstab", "a", encoding="ascii") as fstab:
            fstab.write(f"UUID={uuid} {LABS} xfs prjquota,nofail,x-systemd.device-timeout=10min 0 0\n")
        run("systemctl", "daemon-reload")
        run("mount", str(LABS))

    def the_time_of_grace_is_long(self):
        """A boot on a busy machine can take longer than nfsd's 90 s, after which a client that held a lock has lost it."""
        CONFIG_OF_NFSD.parent.mkdir(exist_ok=True)
        CONFIG_OF_NFSD.write_text("[nfsd]\ngrace-time=1800\n", encoding="ascii")

    def the_package_is_installed_and_its_configuration_edited(self):
        install("first")
        assert run("systemctl", "is-enabled", "stowage").strip() == "enabled"
        assert unit("ActiveState") == "inactive", "the admin starts it"
        CONFIG.write_text(CONFIG.read_text(encoding="utf-8") + ADDED, encoding="utf-8")

    def a_foreign_ganesha_in_the_way_is_named(self):
        """The guest has both of Debian's NFS servers, and NFS-Ganesha holds the port: said, with the remedy that helps."""
        run("systemctl", "stop", "nfs-server")
        run("systemctl", "restart", "nfs-ganesha")
        wait_until(lambda: ":2049 " in run("ss", "-ltn"), "Debian's NFS-Ganesha")
        said = run("stowage", "check", check=False)
        assert "port 2049 is in use by ganesha.nfsd" in said, said
        remedy = re.search(r"remedy: (systemctl disable --now nfs-ganesha), then (systemctl restart nfs-server)", said)
        assert remedy, said
        for command in remedy.groups():
            run(*command.split())
        run("stowage", "check")

    def the_service_starts(self):
        run("systemctl", "start", "stowage")
        assert unit("Type") == "notify" and unit("ActiveState") == "active"
        assert unit("WatchdogUSec") == "2min" and unit("NRestarts") == "0"

    def the_journal_has_the_fields(self):
        """Written by the front and the supervisor, narrowed as they are."""
        entry = journal_entry("STOWAGE_EVENT=login", "STOWAGE_LAB=lab1")
        assert (entry["STOWAGE_USER"], entry["STOWAGE_RESULT"]) == ("alice", "ok"), entry
        assert entry["_SYSTEMD_UNIT"] == "stowage.service", entry
        transfer = journal_entry("STOWAGE_EVENT=transfer", "STOWAGE_LAB=lab1")
        assert transfer["STOWAGE_PROCESS"] == "worker:lab1" and transfer["STOWAGE_BYTES"] == str(len(DATA)), transfer

    def an_upgrade_lets_the_running_upload_end(self):
        """It began before the upgrade and ends after systemd told the gateway to stop."""
        client = login("alice", self.passwords["alice"])
        connection = client.transfercmd("STOR during-upgrade.bin")
        connection.sendall(DATA[: len(DATA) // 2])
        before = unit("MainPID")
        upgrade = threading.Thread(target=install, args=("second",))
        upgrade.start()
        # systemd reloads meanwhile, and may hang up on who asks.
        wait_until(lambda: unit("SubState", check=False) == "stop-sigterm", "the stop of the old gateway")
        try:
            connection.sendall(DATA[len(DATA) // 2 :])
            connection.unwrap()
        except OSError as broken:
            raise AssertionError(f"{broken}; the gateway said: {client.refusal()}\n{journal()}") from None
        connection.close()
        reply = client.voidresp()
        assert reply.startswith("226"), reply
        client.drop()
        upgrade.join()
        assert run("dpkg-query", "-W", "-f", "${Version}", "stowage").endswith("-2")
        assert unit("ActiveState") == "active" and unit("MainPID") not in ("0", before), "the new gateway"
        assert (LABS / "lab1" / "during-upgrade.bin").read_bytes() == DATA
        assert CONFIG.read_text(encoding="utf-8").endswith(ADDED)
        wait_until(labs_are_ready, "both labs ready after the upgrade")

    def an_upload_breaks_off(self):
        client = login("alice", self.passwords["alice"])
        client.voidcmd("TYPE I")
        connection = client.transfercmd("STOR broken-off")
        connection.sendall(DATA[: len(DATA) // 2])
        connection.close()  # without close_notify
        assert client.refusal().startswith("426")
        assert client.size("broken-off") > 0
        client.quit()

    def another_machine_holds_a_mount_a_file_and_its_lock(self):
        self.other.ask("hold", "/mnt/nfs/lab1")

    def what_must_come_back_is_noted(self):
        run("stowage", "backup", "/root/backup")
        handle = nfs3_wire.lookup(nfs3_wire.root_handle(str(LABS / "lab1")), "data.bin")
        notes = {"passwords": self.passwords, "labs": identities(), "hashes": hashes(), "exports": exports()}
        NOTES.write_text(json.dumps(notes | {"handle": handle.hex()}), encoding="ascii")

    def the_machine_reboots(self):
        for node in self.nodes:
            node.leave()
        self.other.ask("more")
        machine_end.reboot("rebooted")

    # --- after it -------------------------------------------------------------------------------------------------

    def everything_is_back(self):
        self.notes = json.loads(NOTES.read_text(encoding="ascii"))
        self.passwords = self.notes["passwords"]
        # With nofail the boot does not wait for the disk.
        wait_until(lambda: os.path.ismount(LABS), f"the mount of {LABS}")
        wait_until(lambda: unit("ActiveState") == "active", "the service")
        wait_until(labs_are_ready, "both labs ready")
        assert identities() == self.notes["labs"], "uids, export ids and fsids"
        # A restored state calls labs ready before the first look at them.
        wait_until(lambda: exports() == self.notes["exports"], f"what was exported before, {self.notes['exports']},")
        assert (there := hashes()) == self.notes["hashes"], f"{there}\nwere {self.notes['hashes']}"
        client = login("alice", self.passwords["alice"])
        assert client.fetch("data.bin") == DATA
        client.quit()
        login("bob", self.passwords["bob"]).quit()

    def the_mount_that_was_held_goes_on(self):
        grace = pathlib.Path("/proc/fs/nfsd/nfsv4gracetime").read_text(encoding="ascii").strip()
        assert grace == "1800", f"{CONFIG_OF_NFSD} is not read: {grace} s"
        self.other.ask("more")
        lab1 = LABS / "lab1"
        with open(lab1 / "held", "rb") as file:
            assert is_locked(file), "the lock was not reclaimed"
        print(self.other.ask("end"), end=" ")
        (lab1 / "held").unlink()
        kernel_nfsd.end_grace()  # in which nodes may not open what they did not have open

    def a_handle_that_was_kept_opens_the_same_file(self):
        assert nfs3_wire.read(bytes.fromhex(self.notes["handle"])) == DATA[:65536]

    def nodes_mount_again_and_find_the_quota(self):
        self.nodes_mount_both()
        for mounted in self.mounts["lab1"]:
            assert (mounted / "data.bin").read_bytes() == DATA
        filler = self.mounts["lab2"][0] / "filler"
        assert write(filler, QUOTA + MIB) in (errno.EDQUOT, errno.ENOSPC), "nothing binds any more"
        filler.unlink()
        for node in self.nodes:
            node.leave()

    def the_upload_goes_on_where_it_broke_off(self):
        client = login("alice", self.passwords["alice"])
        client.voidcmd("TYPE I")
        there = client.size("broken-off")
        assert 0 < there <= len(DATA) // 2, f"{there} bytes of the upload are left"
        assert "broken-off" not in os.listdir(LABS / "lab1"), "pods see half an upload"
        client.store("broken-off", DATA[there:], rest=there)
        assert (LABS / "lab1" / "broken-off").read_bytes() == DATA
        client.delete("broken-off")
        client.quit()
        run("stowage", "verify", "lab1")

    def a_removal_and_a_purge_leave_the_labs_alone(self):
        run("dpkg", "--remove", "stowage")
        assert unit("ActiveState") == "inactive" and not run("pgrep", "-f", "/usr/libexec/stowage", check=False)
        assert (STATE / "controller" / "stowage.db").exists() and hashes() == self.notes["hashes"]
        run("dpkg", "--purge", "stowage")
        left = [str(path) for folder in (STATE, CONFIG.parent) for path in [folder, *folder.rglob("*")]]
        left = [path for path in left if os.path.exists(path)]
        assert not left, f"a purge leaves {left}"
        assert not list(pathlib.Path("/etc/exports.d").glob("stowage-*")), "exported by nobody's order"
        assert hashes() == self.notes["hashes"], "the labs' files survive a purge"

    def a_backup_is_restored(self):
        install("second")
        run("stowage", "restore", "/root/backup", "--replace")
        run("systemctl", "start", "stowage")


if machine_end.STAGE == "peer":
    serve()
    raise SystemExit
story = Story()
if machine_end.STAGE == "first":
    story.tell(
        story.the_labs_disk_is_in_fstab,
        story.the_time_of_grace_is_long,
        story.the_package_is_installed_and_its_configuration_edited,
        story.a_foreign_ganesha_in_the_way_is_named,
        story.the_service_starts,
        story.two_labs_are_made_and_mounted_by_two_nodes,
        story.lftp_uploads_a_tree_that_both_nodes_see,
        story.curl_uploads_to_the_other_lab,
        story.a_lab_is_full_from_both_sides_and_has_room_again,
        story.a_running_upload_is_not_seen_before_its_end,
        story.the_journal_has_the_fields,
        story.an_upgrade_lets_the_running_upload_end,
        story.an_upload_breaks_off,
        story.another_machine_holds_a_mount_a_file_and_its_lock,
        story.what_must_come_back_is_noted,
        story.the_machine_reboots,
    )
story.tell(
    story.everything_is_back,
    story.the_mount_that_was_held_goes_on,
    story.a_handle_that_was_kept_opens_the_same_file,
    story.nodes_mount_again_and_find_the_quota,
    story.the_upload_goes_on_where_it_broke_off,
    story.a_removal_and_a_purge_leave_the_labs_alone,
    story.a_backup_is_restored,
    story.everything_is_back,
)
