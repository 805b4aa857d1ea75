"""The example site of deploy/ on a rig: what tests of `plan` and `apply` share."""

import json
import subprocess

from stowage_rig import BINARIES, SOURCE, Rig
from tour.processes import Child

EXAMPLE = SOURCE / "deploy" / "site.example.yaml"
LABS = ("lab1", "lab2", "lab3")
PEOPLE = ("alice@example.org", "bob@example.org", "carol@example.org")
DONE, FAILED, PENDING = 0, 1, 3
VERSIONS = {"2.20": "2.20.29", "2.24": "2.24.3"}  # of Run:ai, as the clusters of either say it


class SiteRig(Rig):
    """A Rig whose Run:ai is as new: no department, no node pool, of the version asked for."""

    def __init__(self, version, **more):
        self.version = version
        super().__init__(departments=(), runai=["--cluster-version", version], **more)

    def example(self, name="site.yaml", change=lambda text: text):
        """deploy/site.example.yaml for this rig's Run:ai, in a file of its own."""
        text = EXAMPLE.read_text(encoding="utf-8").replace("https://runai.local", self.gateway.settings["runai.url"])
        path = self.folder / name
        path.write_text(change(text), encoding="utf-8")
        return path

    def stored(self, kind):
        """Objects in Run:ai: "departments", "projects", "users", "access_rules", "compute", "nfs", "node_pools"."""
        return self.stand_in.call("GET", "/_stand_in/state")[kind]

    def writes(self):
        return self.stand_in_log()["writes"]

    def ok(self, *words, code=DONE, timeout=300):
        """The output of `stowage WORDS`, which has to end with this code."""
        found, output = self.run(*words, timeout=timeout)
        if found != code:
            raise AssertionError(f"`stowage {' '.join(words)}` ended with {found}, not {code}:\n{output}")
        return output

    def split(self, *words):
        """(exit code, standard output) without standard error."""
        command = [str(BINARIES / "stowage"), "--socket", str(self.gateway.control_socket), *words]
        child = Child("stowage", command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        output = child.popen.communicate(timeout=300)[0]
        return child.popen.returncode, output

    def plan(self, site):
        """The plan as JSON."""
        return json.loads(self.split("--json", "plan", str(site))[1])

    def fault(self, operation, kind, **more):
        self.stand_in.call("POST", "/_stand_in/faults", {"operation": operation, "kind": kind, **more})

    def no_faults(self):
        self.stand_in.call("DELETE", "/_stand_in/faults")
