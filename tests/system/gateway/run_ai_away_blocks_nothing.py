"""Run:ai away, silent, busy or broken: storage and FTPS come at once, status says since when and why, nobody hammers it,
and when it is back all of it converges by itself."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import unittest

from site_story import DONE, PENDING, SiteRig
from stowage_rig import BINARIES, run_tests, wait_until
from tour.processes import Child

SITE = """
node_pools:
  - {name: pool1, label: example.org/pool1=yes}
defaults:
  clients: [127.0.0.0/8]
labs:
  - {name: lab1, quota: 1GiB, gpus: {pool1: 4}}
users:
  - {name: robot, lab: lab1}
"""
SILENCE_SECONDS = 10  # runai.request_timeout, of each of three tries
SETTINGS = {"reconcile_interval": "30s", "runai.request_timeout": f"{SILENCE_SECONDS}s"}


class RunaiAway(unittest.TestCase):
    def setUp(self):
        self.rig = SiteRig("2.20.29", settings=SETTINGS).__enter__()
        self.addCleanup(self.leave)
        self.site = self.rig.folder / "site.yaml"
        self.site.write_text(SITE, encoding="utf-8")

    def leave(self):
        self.signal(signal.SIGCONT)
        self.rig.__exit__(None, None, None)

    def signal(self, number):
        os.kill(self.rig.stand_in.child.pid, number)

    def status(self):
        return json.loads(self.rig.split("--json", "status")[1])

    def events(self, *words):
        """Starts a command; its events appear, each with the seconds since the start, in the list that is returned."""
        command = [str(BINARIES / "stowage"), "--json", "--socket", str(self.rig.gateway.control_socket), *words]
        child = Child("stowage", command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        found, start = [], time.monotonic()

        def read():
            with child.popen.stdout as output:
                for line in output:
                    found.append((time.monotonic() - start, json.loads(line)))

        reader = threading.Thread(target=read)
        reader.start()
        self.addCleanup(reader.join)
        self.addCleanup(child.popen.wait)
        return child, found

    @staticmethod
    def moment(events, step):
        """When a step was done; nothing before."""
        for seconds, event in list(events):
            if (event.get("step"), event.get("state")) == (step, "done"):
                return seconds
        return None

    def test_silent_run_ai_delays_no_storage(self):
        self.rig.ok("plan", str(self.site), code=PENDING)
        self.signal(signal.SIGSTOP)
        # `lab create` is for storage alone; its data source is what waits.
        child, events = self.events("lab", "create", "lab1", "--quota", "64MiB", "--clients", "127.0.0.0/8")
        wait_until(lambda: self.moment(events, "check_mount"), SILENCE_SECONDS, "storage that is proven")
        password = self.rig.add_user("alice", "lab1")
        self.rig.login("alice", password).quit()
        # The same lab is free for others while its data source waits.
        self.assertIsNone(child.popen.poll(), "Run:ai is still being waited for")
        _, changes = self.events("lab", "set", "lab1", "--quota", "128MiB")
        wait_until(lambda: self.moment(changes, "set_quota"), SILENCE_SECONDS, "a quota that is changed")
        _, other = self.events("lab", "create", "lab2", "--quota", "64MiB", "--clients", "127.0.0.0/8")
        wait_until(lambda: self.moment(other, "check_mount"), SILENCE_SECONDS, "another lab")
        self.assertEqual(child.popen.wait(120), PENDING)
        status = self.status()
        self.assertEqual(status["runai"]["state"], "unreachable")
        self.assertLess(abs(status["runai"]["since"] - time.time()), 120)
        self.assertIn("no answer", status["runai"]["why"])
        self.assertEqual({lab["state"] for lab in status["labs"] if lab["name"] == "lab1"}, {"degraded"})
        self.assertRegex(self.rig.run("status")[1], r"run:ai +unreachable since 20\d\d-.*: ")
        findings = json.loads(self.rig.split("--json", "doctor")[1])["findings"]
        self.assertEqual([one["what"] for one in findings if one["check"] == "lab"], [], "one cause is told once")
        self.assertIn("no answer", next(one["what"] for one in findings if one["check"] == "run:ai"))
        self.assertIn("no answer", self.status()["runai"]["why"])
        self.signal(signal.SIGCONT)
        for lab in ("lab1", "lab2"):
            self.rig.stand_in.call("POST", "/_stand_in/departments", {"name": lab})
        wait_until(lambda: {lab["state"] for lab in self.status()["labs"]} == {"ready"}, 90, "convergence")
        self.assertEqual(self.rig.stand_in.data_source("lab1-nfs")["meta"]["scope"], "department")

    def test_a_site_comes_as_far_as_it_can(self):
        self.signal(signal.SIGSTOP)
        child, events = self.events("apply", str(self.site))
        # `apply` asks for a plan first, which looks into Run:ai as long as it may.
        wait_until(lambda: self.moment(events, "check_mount"), 90, "storage")
        wait_until(lambda: self.moment(events, "add_user"), SILENCE_SECONDS, "an FTPS user")
        password = None
        code = child.popen.wait(180)
        self.assertEqual(code, PENDING)
        for _, event in events:
            if event["event"] == "passwords":
                password = event["users"][0]["password"]
        self.rig.login("robot", password).quit()
        self.signal(signal.SIGCONT)
        self.rig.ok("apply", str(self.site))
        self.assertEqual(self.rig.stand_in.data_source("lab1-nfs")["meta"]["name"], "lab1-nfs")

    def test_a_broken_one_is_left_alone_for_a_while(self):
        self.rig.ok("apply", str(self.site))
        self.rig.gateway.stop()
        self.rig.gateway.settings["reconcile_interval"] = "5s"
        self.rig.fault("any", "error_before", count=100000)
        self.rig.gateway.start()
        self.wait_for_log("runai_circuit_open")
        before = len(self.rig.stand_in_log()["requests"])
        time_open = 8  # of 15 s; what is asked for meanwhile is not sent
        deadline = time.monotonic() + time_open
        while time.monotonic() < deadline:
            code, answer = self.rig.split("--json", "plan", str(self.site))
            self.assertEqual(code, PENDING, answer)
            self.assertRegex(json.loads(answer)["runai"]["error"]["what"], r"not sent: Run:ai failed.*, .*503|not sent.*, .*500")
            self.assertIn("it is tried again in", json.loads(answer)["runai"]["error"]["remedy"])
        self.assertLessEqual(len(self.rig.stand_in_log()["requests"]) - before, 1)
        self.rig.no_faults()
        self.wait_for_log("runai_circuit_closed")
        wait_until(lambda: self.status()["runai"]["state"] == "ok", 60, "Run:ai being well")
        site = wait_until(lambda: self.seen_again(), 60, "a look at what was applied")
        self.assertEqual((site["pending"], site["error"]), (0, ""))

    def seen_again(self):
        site = self.status()["runai"]["site"]
        return site if site["at"] > 0 and not site["error"] else None

    def wait_for_log(self, event):
        path = self.rig.gateway.log_path
        wait_until(lambda: f"event={event}" in path.read_text(encoding="utf-8"), 60, event)

    def test_a_busy_one_gets_the_time_that_it_asks_for(self):
        self.rig.fault("create_department", "too_many", retry_after=4)
        code, output = self.rig.split("--json", "apply", str(self.site))
        self.assertEqual(code, DONE, output)
        events = [json.loads(line) for line in output.splitlines()]
        made = next(event for event in events if event.get("step") == "department" and event["state"] == "done")
        self.assertGreaterEqual(made["ms"], 4000)
        self.assertEqual(self.rig.stand_in_log()["counts"]["create_department"], 2)
        log = self.rig.gateway.log_path.read_text(encoding="utf-8")
        waits = [int(wait) for wait in re.findall(r"event=runai_retry .*wait_ms=(\d+)", log)]
        self.assertEqual(len(waits), 1, log[-2000:])
        self.assertGreaterEqual(waits[0], 4000)


if __name__ == "__main__":
    run_tests()
