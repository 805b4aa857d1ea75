"""kill -9 of the controller at any event of an `apply`, and while any request to Run:ai is under way, stored or not: the
next apply comes to the same end, with nothing made twice, all of it known as ours and every password that counts shown.

Seen to fail: without the intent that is written down before each request, six of the requests that were stored and not
answered leave something that is not known as ours, and the password of the user is lost;
with FTPS passwords sealed at the end of an apply and not before the account, two of the events lose one.
"""

import contextlib
import json
import signal
import subprocess
import unittest

from proc_facts import ProcFacts
from site_story import DONE, VERSIONS, SiteRig
from stowage_rig import BINARIES, children_of, kill, run_tests, wait_until
from tour.processes import Child

CONVERGE_SECONDS = 60
KILLS_IN_A_ROW = 4  # then a new gateway: the supervisor waits longer before each restart of one child
CREATIONS = {  # operation: the event whose request it is
    "create_nodepool": "node_pool",
    "create_department": "department",
    "create_project": "project",
    "create_compute_asset": "compute_resource",
    "create_user": "user",
    "create_access_rule": "access_rule",
    "create_nfs_asset": "register_data_source",
}
SITE = """
node_pools:
  - {{name: pool{n}, label: example.org/pool{n}=yes}}
labs:
  - {{name: lab{n}, quota: 1GiB, gpus: {{pool{n}: 4}}}}
users:
  - {{email: user{n}@example.org, lab: lab{n}, roles: [L2 researcher]}}
compute_resources:
  - {{name: compute{n}, gpus: 2}}
"""


class SiteConvergesAfterKills:
    @classmethod
    def setUpClass(cls):
        settings = {"reconcile_interval": "300s", "runai.request_timeout": "30s"}
        cls.rig = SiteRig(cls.version, settings=settings).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.sites = cls.kills = 0

    def next_site(self):
        type(self).sites += 1
        path = self.rig.folder / f"site{self.sites}.yaml"
        path.write_text(SITE.format(n=self.sites), encoding="utf-8")
        return self.sites, path

    def apply(self, site, at_event=lambda index, event: None):
        """(events, exit code) of `stowage apply`; at_event sees each event as it comes."""
        command = [str(BINARIES / "stowage"), "--json", "--socket", str(self.rig.gateway.control_socket)]
        command += ["apply", str(site)]
        child = Child("stowage", command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        events = []
        with child.popen.stdout as output:
            for line in output:
                with contextlib.suppress(ValueError):
                    event = json.loads(line)
                    events.append(event)
                    if event.get("event") == "step":
                        at_event(sum(one.get("event") == "step" for one in events) - 1, event)
        return events, child.popen.wait(CONVERGE_SECONDS)

    def tearDown(self):
        self.rig.no_faults()

    def rest(self):
        """Between two kills."""
        if self.kills and self.kills % KILLS_IN_A_ROW == 0:
            self.rig.gateway.stop()
            self.rig.gateway.start()

    def kill_controller(self):
        type(self).kills += 1
        for pid in children_of(self.rig.gateway.child.pid):
            with contextlib.suppress(OSError):
                if ProcFacts(pid).executable == "stowage-controller":
                    kill(pid, signal.SIGKILL)
                    return
        raise AssertionError("there is no controller")

    def converge(self, site):
        """Applies until all is done; returns the events of all of it, and the secrets that waited."""
        seen = []

        def applied():
            events, code = self.apply(site)
            seen.extend(events)
            return code == DONE

        try:
            wait_until(applied, CONVERGE_SECONDS, f"convergence of {site}")
        except AssertionError as late:
            raise AssertionError("\n".join([str(late), *map(str, seen[-3:])])) from late
        code, output = self.rig.split("--json", "secrets")
        self.assertEqual(code, DONE, output)
        return seen + [json.loads(line) for line in output.splitlines()]

    def assert_sound(self, number, events):
        names = {
            "node_pools": f"pool{number}",
            "departments": f"lab{number}",
            "projects": f"lab{number}-default-project",
        }
        for kind, name in names.items():
            self.assertEqual([one["name"] for one in self.rig.stored(kind)].count(name), 1, kind)
        for kind, name in (("compute", f"compute{number}"), ("nfs", f"lab{number}-nfs")):
            self.assertEqual([one["meta"]["name"] for one in self.rig.stored(kind)].count(name), 1, kind)
        email = f"user{number}@example.org"
        users = [one for one in self.rig.stored("users") if one["username"] == email]
        rules = [one for one in self.rig.stored("access_rules") if one["subjectId"] == email]
        self.assertEqual((len(users), len(rules)), (1, 1))
        shown = {}
        for event in events:
            if event.get("event") == "secrets":
                shown |= {(one["service"], one["email"]): one["password"] for one in event["secrets"]}
        self.assertEqual(shown.get(("Run:ai", email)), users[0]["tempPassword"], "the password that counts")
        self.rig.login(email, shown["FTPS", email]).quit()
        site = self.rig.folder / f"site{number}.yaml"
        self.assertNotIn("not ours", json.dumps(self.rig.plan(site)))
        before = self.rig.writes()
        self.assertEqual(self.apply(site)[1], DONE)
        self.assertEqual(self.rig.writes(), before)

    def test_at_every_event(self):
        _, site = self.next_site()
        points = sum(event.get("event") == "step" for event in self.apply(site)[0])
        self.assertGreater(points, 20)
        for point in range(points):
            self.rest()
            number, site = self.next_site()
            with self.subTest(event=point):
                killed = []

                def strike(index, event, point=point, killed=killed):
                    if index == point:
                        self.kill_controller()
                        killed.append(event)

                events, _ = self.apply(site, strike)
                self.assertTrue(killed, "there was no such event")
                self.assert_sound(number, events + self.converge(site))

    def test_while_a_request_is_under_way(self):
        for operation, step in CREATIONS.items():
            for fault in ("hang_before", "hang_after"):
                self.rest()
                number, site = self.next_site()
                with self.subTest(operation=operation, fault=fault):
                    self.rig.fault(operation, fault)
                    before = self.rig.stand_in_log()["counts"].get(operation, 0)
                    struck = []

                    def strike(_, event, step=step, operation=operation, before=before, struck=struck):
                        if event["step"] != step or event["state"] != "start" or struck:
                            return
                        wait_until(
                            lambda: self.rig.stand_in_log()["counts"].get(operation, 0) > before,
                            what=f"the request of {operation}",
                        )
                        self.kill_controller()
                        struck.append(event)

                    events, _ = self.apply(site, strike)
                    self.rig.no_faults()
                    self.assertTrue(struck, f"{operation} was not seen")
                    self.assert_sound(number, events + self.converge(site))


class Version220(SiteConvergesAfterKills, unittest.TestCase):
    version = VERSIONS["2.20"]


class Version224(SiteConvergesAfterKills, unittest.TestCase):
    version = VERSIONS["2.24"]


if __name__ == "__main__":
    run_tests()
