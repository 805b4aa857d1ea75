"""`stowage doctor` on a real gateway: each trap that somebody laid in Run:ai, on this machine or by silence is found with
its reason and the command against it; `--fix` sets right what is ours, and touches nothing else."""

import json
import subprocess
import unittest

from site_story import PENDING, SiteRig
from stowage_rig import BINARIES, run_tests, wait_until
from tour.processes import Child

SITE = """
node_pools:
  - {name: prod, label: example.org/pool=prod}
defaults:
  clients: [127.0.0.0/8]
  quota: 1GiB
  gpus: {prod: 4}
labs:
  - name: lab1
"""


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        settings = {"reconcile_interval": "1h", "runai.request_timeout": "2s"}
        cls.rig = SiteRig("2.20.29", settings=settings).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.site = cls.rig.folder / "site.yaml"
        cls.site.write_text(SITE, encoding="utf-8")
        cls.rig.ok("apply", str(cls.site))

    def setUp(self):
        self.nodes(["node1"])
        self.assertEqual(self.findings(), {})

    def findings(self, *words):
        """What is found by its check, but for what every such rig has: a certificate that it made itself."""
        code, output = self.rig.split("--json", "doctor", *words)
        self.assertEqual(code, PENDING, output)
        found = {}
        for one in json.loads(output.splitlines()[0])["findings"]:
            self.assertTrue(one["what"] and one["fix"], one)
            if one["what"] != "the certificate is self-signed":
                found[one["check"]] = one
        return found

    def only(self, check):
        found = self.findings()
        self.assertEqual(list(found), [check])
        return found[check]

    def nodes(self, nodes):
        self.rig.stand_in.call("POST", "/_stand_in/nodes", {"pool": "prod", "nodes": nodes})

    def by_hand(self, method, path, body):
        """As somebody in Run:ai's own pages."""
        secret = self.rig.stand_in.secret_path.read_text(encoding="utf-8").strip()
        asked = {"grantType": "client_credentials", "clientId": "stowage", "clientSecret": secret}
        token = self.rig.stand_in.call("POST", "/api/v1/token", asked)["accessToken"]
        return self.rig.stand_in.call(method, path, body, token)

    def test_a_label_that_was_never_put_on_a_node(self):
        self.nodes([])
        finding = self.only("node-pool-empty")
        self.assertEqual(finding["fix"], "kubectl label node NODE example.org/pool=prod")

    def test_an_order_of_priority_that_somebody_cleared_is_set_again(self):
        project = self.rig.stored("projects")[0]
        department = self.rig.stored("departments")[0]
        for kind, unit in (("projects", project), ("departments", department)):
            resources = [{"nodePool": {"id": one["nodePool"]["id"]}, "gpu": one["gpu"]} for one in unit["resources"]]
            body = {"resources": resources, "defaultNodePools": []}
            self.by_hand("PUT", f"/api/v1/org-unit/{kind}/{unit['id']}", body)
        finding = self.only("order-of-priority")
        self.assertTrue(finding["ours"])
        self.rig.ok("doctor", "--fix")
        self.assertEqual(self.rig.stored("projects")[0]["defaultNodePools"], ["prod"])

    def test_over_quota_that_a_new_pool_brought_is_switched_off(self):
        cluster = self.rig.stored("clusters")[0]["uuid"]
        body = {"name": "late", "labelKey": "example.org/pool", "labelValue": "late", "clusterId": cluster}
        pool = self.by_hand("POST", "/api/v1/node-pools", body)
        self.rig.stand_in.call("POST", "/_stand_in/nodes", {"pool": "late", "nodes": ["node2"]})
        self.assertEqual(set(self.findings()), {"over-quota"})
        self.rig.ok("doctor", "--fix")
        for kind in ("departments", "projects"):
            quota = next(one for one in self.rig.stored(kind)[0]["resources"] if one["nodePool"]["id"] == pool["id"])
            self.assertEqual(quota["gpu"]["limit"], 0)

    def test_what_somebody_changed_since_the_site_was_applied_is_set_right(self):
        department = self.rig.stored("departments")[0]
        resources = [{"nodePool": {"id": one["nodePool"]["id"]}, "gpu": one["gpu"]} for one in department["resources"]]
        for one in resources:
            if one["gpu"]["deserved"] == 4:
                one["gpu"] = {"deserved": 8, "limit": 8}
        body = {"resources": resources, "defaultNodePools": department["defaultNodePools"]}
        self.by_hand("PUT", f"/api/v1/org-unit/departments/{department['id']}", body)
        finding = self.only("site")
        self.assertIn("department lab1 is not as applied: GPUs of prod", finding["what"])
        self.assertTrue(finding["ours"])
        output = self.rig.ok("doctor", "--fix")
        self.assertIn("1 finding is left, which --fix does not set right", output)
        self.assertEqual(self.findings(), {})

    def test_an_export_of_a_lab_that_a_restored_backup_does_not_know(self):
        folder = self.rig.gateway.state_dir / "ganesha" / "exports"
        left = folder / "gone.conf"
        for text in (f"\n# path: {self.rig.labs}/gone\n", "\n# path: /another/gateways/gone\n"):
            left.write_text("# stowage export\n# lab: gone\n# export_id: 2000" + text, encoding="ascii")
            self.addCleanup(left.unlink, missing_ok=True)
            if "another" in text:
                self.assertEqual(self.findings(), {})
            else:
                self.assertIn("rm " + str(left), self.only("exports")["fix"])

    def test_a_data_source_that_is_read_only_by_default(self):
        department = self.rig.stored("departments")[0]["id"]
        spec = {"server": "nas", "path": "/srv", "mountPath": "/data"}
        meta = {"name": "other", "scope": "department", "departmentId": department}
        made = self.by_hand("POST", "/api/v1/asset/datasource/nfs", {"meta": meta, "spec": spec})
        self.assertIn("data source other is read-only", self.only("read-only")["what"])
        self.by_hand("DELETE", f"/api/v1/asset/datasource/nfs/{made['meta']['id']}", None)

    def test_an_ingress_without_file_descriptors(self):
        self.rig.fault("any", "error_before", status=502, count=1000)
        finding = self.only("run:ai")
        self.rig.no_faults()
        self.assertIn("file descriptors", finding["why"])
        self.assertIn("max-worker-open-files", finding["fix"])
        wait_until(lambda: not self.findings(), 60, "an end of the pause after so many failures")

    def test_a_clock_that_is_not_run_ais(self):
        self.rig.stand_in.call("POST", "/_stand_in/clock", {"ahead": -90})
        found = self.findings()
        self.assertRegex(found.pop("clocks")["what"], r"Run:ai's clock is (89|9\d) s behind this node's")
        # Where NTP does not run, that is told with it.
        self.assertLessEqual(set(found), {"clock"})
        self.rig.stand_in.call("POST", "/_stand_in/clock", {"ahead": 0})

    def test_secrets_that_nobody_has_seen(self):
        command = [str(BINARIES / "stowage"), "--json", "--socket", str(self.rig.gateway.control_socket)]
        command += ["user", "add", "dora@example.org", "--lab", "lab1"]
        child = Child("stowage", command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        with child.popen.stdout as output:
            output.readline()
            child.popen.kill()
        child.popen.wait()
        wait_until(
            lambda: self.findings().get("secrets", {}).get("what") == "2 secrets of new users wait to be shown",
            30,
            "both secrets of a command that was killed",
        )
        self.assertIn("dora@example.org", self.rig.ok("secrets"))

    def test_addresses_in_pasv_replies_that_lead_nowhere(self):
        elsewhere = self.rig.folder / "pasv.yaml"
        text = self.rig.gateway.config_path.read_text(encoding="utf-8")
        elsewhere.write_text(text + 'ftps.pasv_address: "127.0.0.1"\n', encoding="utf-8")
        code, output = self.rig.run("doctor", "--config", str(elsewhere))
        self.assertEqual(code, PENDING)
        self.assertIn("are told 127.0.0.1 in PASV replies", output)
        self.assertIn("the certificate is self-signed", output)

    def test_a_lab_without_its_department(self):
        self.rig.ok("lab", "create", "lab5", "--quota", "none", "--clients", "127.0.0.0/8", code=PENDING)
        finding = self.only("lab")
        self.assertIn('lab lab5 is degraded: not registered in Run:ai: Run:ai has no department "lab5"', finding["what"])
        self.rig.ok("lab", "delete", "lab5")


if __name__ == "__main__":
    run_tests()
