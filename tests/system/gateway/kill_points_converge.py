"""kill -9 of any process, before, during or after any step of `lab create`: after a restart everything converges,
with one data source, one uid per lab and whole export files."""

import contextlib
import json
import pathlib
import re
import signal
import subprocess
import time
import unittest

from proc_facts import ProcFacts
from stowage_rig import BINARIES, SLOWNESS, Rig, children_of, kill, living_orphans, run_tests, wait_until, write_site
from tour.processes import Child

CONVERGE_SECONDS = 60


class KillPointsConverge(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(departments=["reference"], settings={"reconcile_interval": "60s"}).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.points = cls.points_of_a_whole_run()
        cls.labs = ["reference"]

    @classmethod
    def points_of_a_whole_run(cls):
        """(step, state) of every event of an undisturbed `lab create`."""
        code, output = cls.rig.run("--json", "lab", "create", "reference", "--quota", "1GiB")
        assert code == 0, output
        events = [json.loads(line) for line in output.splitlines()]
        points = [(event["step"], event["state"]) for event in events if event.get("event") == "step"]
        assert len(points) > 8, points
        return points

    def create_and_kill_at(self, lab, index, victim):
        """Starts `lab create` and kills the victim when the event of this index comes. True if it was there."""
        child = Child(
            "stowage",
            [
                str(BINARIES / "stowage"),
                "--json",
                "--socket",
                str(self.rig.gateway.control_socket),
                "lab",
                "create",
                lab,
                "--quota",
                "1GiB",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        killed, seen = False, -1
        for line in child.popen.stdout:
            with contextlib.suppress(ValueError):
                seen += json.loads(line).get("event") == "step"
            if seen == index and not killed:
                killed = self.kill_victim(victim)
        child.popen.wait(CONVERGE_SECONDS)
        return killed

    def kill_victim(self, victim):
        pid = self.pid_of(victim)
        # The event may come before the step is a program of its own, all the more under the sanitizers.
        soon = time.monotonic() + 0.1 * SLOWNESS
        while pid is None and victim == "root_step" and time.monotonic() < soon:
            pid = self.pid_of(victim)
        if pid is None:
            return False
        try:
            kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        if victim == "supervisor":
            self.rig.gateway.child.popen.wait(20)
        return True

    def pid_of(self, victim):
        supervisor = self.rig.gateway.child.pid
        if victim == "supervisor":
            return supervisor
        name = {
            "root_step": "stowage-root-step",
            "controller": "stowage-controller",
            "front": "stowage-front",
            "ganesha": "ganesha.nfsd",
            "dbus": "dbus-daemon",
        }[victim]
        for pid in children_of(supervisor):
            with contextlib.suppress(OSError):
                if ProcFacts(pid).executable == name:
                    return pid
        return None

    def converge(self, lab):
        """Restarts what does not restart itself, and asks once more for the lab."""
        if not self.rig.gateway.child.alive():
            wait_until(
                lambda: not living_orphans({self.rig.stand_in.child.pid}),
                what="the end of the killed supervisor's children",
            )
            self.rig.gateway.start()
        outputs = []

        def applied():
            # The victim may have been at work for another lab, in a routine pass.
            code, listed = self.rig.run("--json", "lab", "list")
            labs = json.loads(listed)["labs"] if code == 0 else []
            behind = {lab} | {other["name"] for other in labs if other["state"] != "ready"}
            wanted = [{"name": name, "quota": "1GiB"} for name in sorted(behind)]
            site = write_site(self.rig.folder / "site.yaml", wanted)
            code, output = self.rig.run("apply", str(site))
            outputs.append(output)
            return code == 0

        try:
            wait_until(applied, CONVERGE_SECONDS, f"convergence of {lab}")
        except AssertionError as late:
            raise AssertionError("\n".join([str(late), *outputs[-1:], *self.rig.gateway.log_tail(40)])) from late

    def assert_sound(self):
        labs = self.rig.gateway.answer("lab", "list")["labs"]
        self.assertEqual(sorted(lab["name"] for lab in labs), sorted(self.labs))
        uids = [lab["uid"] for lab in labs]
        self.assertEqual(len(set(uids)), len(uids), "a uid was given twice")
        self.assertEqual({lab["state"] for lab in labs}, {"ready"}, labs)
        names = [source["meta"]["name"] for source in self.rig.stand_in.data_sources()]
        self.assertEqual(sorted(names), sorted(f"{lab}-nfs" for lab in self.labs))
        for lab in labs:
            directory = pathlib.Path(lab["directory"])
            self.assertEqual((directory.stat().st_uid, directory.stat().st_gid), (lab["uid"], lab["gid"]))
        self.assert_exports_are_whole(labs)

    def assert_exports_are_whole(self, labs):
        folder = self.rig.gateway.state_dir / "ganesha"
        paths = []
        for path in (folder / "exports").glob("*.conf"):
            text = path.read_text(encoding="utf-8")
            self.assertEqual(text.count("{"), text.count("}"), path)
            paths += re.findall(r'Path\s*=\s*"?([^";]+)"?\s*;', text)
        self.assertEqual(sorted(paths), sorted(lab["directory"] for lab in labs))
        ids = re.findall(r"Export_Id\s*=\s*(\d+)", "".join(p.read_text() for p in (folder / "exports").glob("*.conf")))
        self.assertEqual(len(set(ids)), len(ids), "an Export_Id was given twice")

    def walk(self, victim):
        struck = 0
        for index, point in enumerate(self.points):
            lab = f"{victim.replace('_', '-')}-{index}"
            with self.subTest(victim=victim, at=point):
                self.rig.stand_in.call("POST", "/_stand_in/departments", {"name": lab})
                self.labs.append(lab)
                struck += self.create_and_kill_at(lab, index, victim)
                self.converge(lab)
                self.assert_sound()
        self.assertGreater(struck, 0, f"{victim} was never there to be killed")

    def test_supervisor(self):
        self.walk("supervisor")

    def test_controller(self):
        self.walk("controller")

    def test_front(self):
        self.walk("front")

    def test_root_step(self):
        self.walk("root_step")

    def test_nfs_server(self):
        self.walk("ganesha")

    def test_bus(self):
        self.walk("dbus")


if __name__ == "__main__":
    run_tests()
