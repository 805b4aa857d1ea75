"""deploy/quickstart --once shows every step, exits 0 and leaves nothing; two run side by side; it tells scripts how to
connect; it says plainly what cannot be."""

import json
import os
import pathlib
import re
import subprocess
import unittest

from quickstart_run import QuickstartRun, machine_state
from stowage_rig import adopt_orphans, need_root, run_tests

STEPS = (
    "packages",
    "build",
    "place for the labs",
    "Run:ai stand-in",
    "gateway",
    "lab lab1",
    "user alice",
    "dataset",
    "upload over FTPS",
    "read back over NFS",
    "Run:ai data source",
    "cleaning up",
)
KEYS = {
    "host",
    "ftps_port",
    "ftps_implicit_port",
    "user",
    "password",
    "lab",
    "lab_directory",
    "nfs_url",
    "nfs_port",
    "runai_url",
    "control_socket",
    "certificate",
    "pids",
}


class QuickstartOnce(unittest.TestCase):
    def setUp(self):
        need_root()
        adopt_orphans()
        self.before = machine_state()

    def tearDown(self):
        self.assertEqual(machine_state(), self.before)

    def test_once(self):
        with QuickstartRun("--once") as run:
            self.assertEqual(run.wait(240), 0, run.output())
            text = run.output()
            for step in STEPS:
                self.assertRegex(text, rf"(?m)^  {step} +\d+\.\d s  ", step)
            self.assertIn("stowage is ready", text)
            for field in ("lftp -u alice", "curl -u alice", "FileZilla", "mount -t nfs4", "lab1-nfs"):
                self.assertIn(field, text)
            self.assertIn("with --once all of this is gone", text, "no password that opens nothing")
            box = text[text.index("stowage is ready") :]
            self.assertLessEqual(max(map(len, box.splitlines())), 100, box)
            self.assertFalse(run.state.exists(), "the state directory was its own")

    def test_packages_that_came_before_python_are_counted(self):
        """As on a fresh machine, where the first stage installs them."""
        with QuickstartRun("--once", "--set", "ftps.prot=21", before=["env", "STOWAGE_QUICKSTART_PACKAGES=90"]) as run:
            self.assertEqual(run.wait(240), 1, run.output())
            self.assertRegex(run.output(), r"(?m)^  packages +9\d\.\d s  ")

    def what_the_box_says(self, run, connection):
        """The commands of the box, as they stand there, by somebody who is not root."""
        box = re.sub(r" \\\n +", " ", run.output()[run.output().index("stowage is ready") :])
        self.assertIn(connection["password"], box)
        words = dict(re.findall(r"(?m)^ (shell|lftp|curl) +(.*)$", box))
        curl = words["curl"].replace("-u alice", f"-sS -u alice:{connection['password']}").replace("FILE", "/etc/hosts")
        lftp = words["lftp"].replace("-u alice", f"-u alice,{connection['password']}")
        lftp = lftp.replace('-e "', '-e "set cmd:fail-exit yes; ').replace("'$cert'", "'$cert'; cat hosts; bye")
        script = f"set -e\n{words['shell']}\n{curl}\n{lftp}\n"
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "HOME=/nonexistent", "sh"],
            input=script,
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((done.returncode, done.stdout), (0, pathlib.Path("/etc/hosts").read_text()), done.stderr)

    def test_two_side_by_side_and_their_connections(self):
        with QuickstartRun() as one, QuickstartRun("--quota", "300MiB") as two:
            connections = [run.wait_connection() for run in (one, two)]
            for run, connection in zip((one, two), connections):
                self.assertEqual(set(connection), KEYS)
                self.assertEqual((run.state / "connection.json").stat().st_mode & 0o777, 0o600)
                for name, pid in connection["pids"].items():
                    self.assertTrue(os.path.exists(f"/proc/{pid}"), name)
                self.assertIn("supervisor", connection["pids"])
                self.curl_works(connection)
                self.what_the_box_says(run, connection)
            ports = [
                connection[key] for connection in connections for key in ("ftps_port", "ftps_implicit_port", "nfs_port")
            ]
            self.assertEqual(len(set(ports)), 6)
            for run in (one, two):
                self.assertEqual(run.interrupt(), 0, run.output())
                self.assertFalse(run.state.exists())

    def curl_works(self, connection):
        """A script uploads with what connection.json says."""
        text = f"user = \"{connection['user']}:{connection['password']}\"\n"
        done = subprocess.run(
            [
                "curl",
                "--silent",
                "--show-error",
                "--ssl-reqd",
                "--cacert",
                connection["certificate"],
                "--config",
                "-",
                "--upload-file",
                "/etc/os-release",
                f"ftp://{connection['host']}:{connection['ftps_port']}/from-curl",
            ],
            input=text,
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        landed = pathlib.Path(connection["lab_directory"]) / "from-curl"
        self.assertEqual(landed.read_bytes(), pathlib.Path("/etc/os-release").read_bytes())

    def test_existing_filesystem_and_settings(self):
        """--labs DIR as it is: afterwards it is as it was."""
        with QuickstartRun.folder() as folder:
            labs = folder / "labs"
            labs.mkdir()
            (labs / "someone-elses").write_text("stays")
            with QuickstartRun("--once", "--labs", str(labs), "--set", "ftps.durability=none") as run:
                self.assertEqual(run.wait(240), 0, run.output())
                self.assertIn("as it is", run.output())
            self.assertEqual([path.name for path in labs.iterdir()], ["someone-elses"])

    def test_without_loop_devices(self):
        """Where no filesystem with quotas can be made it says so, and everything else works all the same."""
        if not os.path.exists("/dev/loop-control"):
            self.skipTest("there are no loop devices to be denied")
        deny = 'for device in /dev/loop*; do mount --bind /dev/null "$device"; done; exec "$@"'
        with QuickstartRun("--once", before=["unshare", "--mount", "sh", "-c", deny, "sh"]) as run:
            self.assertEqual(run.wait(240), 0, run.output())
            text = run.output()
            self.assertRegex(text, r"place for the labs +\d+\.\d s  plain directory")
            self.assertIn("no btrfs image on a loop device here", text)
            self.assertIn("NO FILESYSTEM QUOTA", text)
            self.assertFalse(run.state.exists())

    def test_bad_setting(self):
        with QuickstartRun("--once", "--set", "ftps.prot=21") as run:
            self.assertEqual(run.wait(240), 1, run.output())
            self.assertIn("ftps.prot", run.output())
            self.assertIn("gateway", run.output())

    def test_foreign_state_directory(self):
        with QuickstartRun.folder() as folder:
            (folder / "precious").write_text("mine")
            with QuickstartRun("--once", state=folder) as run:
                self.assertEqual(run.wait(60), 1)
                self.assertIn("holds something else", run.output())
            self.assertEqual([path.name for path in folder.iterdir()], ["precious"])

    def test_state_directory_of_somebody_else(self):
        """What a stranger put into a journal there is not undone by root."""
        with QuickstartRun.folder() as folder:
            victim, planted = folder / "victim", folder / "planted"
            victim.mkdir(mode=0o700)
            planted.mkdir()
            journal = planted / "journal"
            journal.write_text(json.dumps({"kind": "mode", "path": str(victim), "mode": 0o777}) + "\n")
            for path in (journal, planted):
                os.chown(path, 65534, 65534)
            for mode, owner in ((0o755, 65534), (0o777, 0)):
                planted.chmod(mode)
                os.chown(planted, owner, owner)
                with QuickstartRun("--once", state=planted) as run:
                    self.assertEqual(run.wait(60), 1, run.output())
                    self.assertIn("only root", run.output())
            self.assertEqual(victim.stat().st_mode & 0o777, 0o700)
            self.assertTrue(journal.exists())

    def test_usage(self):
        for words in (
            ["--bogus"],
            ["--quota", "much"],
            ["--set", "novalue"],
            ["--labs", "/nowhere"],
            ["--ports", "all"],
        ):
            with self.subTest(words=words), QuickstartRun(*words) as run:
                self.assertEqual(run.wait(60), 2, run.output())


if __name__ == "__main__":
    run_tests()
