"""The example site of deploy/ goes into an empty Run:ai by one `apply`, with every secret handed over once; the second
apply writes nothing. People are added and pruned, what was there is adopted, drift is shown and set right."""

import json
import re
import unittest

from site_story import DONE, LABS, PENDING, PEOPLE, VERSIONS, SiteRig
from stowage_rig import run_tests, wait_until


class SiteIsAppliedOnce:
    """Of one version of Run:ai. Each step goes on from where the one before it ended."""

    rig_class = SiteRig

    @classmethod
    def setUpClass(cls):
        cls.rig = cls.rig_class(cls.version, settings={"reconcile_interval": "5s"}).__enter__()
        cls.addClassCleanup(lambda: cls.rig.__exit__(None, None, None))
        cls.site = cls.rig.example()

    def test_1_plan_writes_nothing_and_says_what_is_pending(self):
        output = self.rig.ok("plan", str(self.site), code=PENDING)
        self.assertIn("+ create   node pool prod", output)
        self.assertIn("+ create   project lab3/lab3-debug", output)
        self.assertEqual(self.rig.writes(), 0)
        self.assertEqual(self.rig.stored("departments"), [])

    def test_1a_a_node_pool_that_is_nowhere_is_refused_with_its_line(self):
        site = self.rig.example("typo.yaml", lambda text: text.replace("gpus: {prod: 50}", "gpus: {prd: 50}", 1))
        number = site.read_text(encoding="utf-8").split("gpus: {prd: 50}", 1)[0].count("\n") + 1
        for command in ("plan", "apply"):
            output = self.rig.ok(command, str(site), code=78)
            words = f"typo.yaml:{number}: there is no node pool prd: Run:ai and this file have default, prod, dev; did you"
            self.assertIn(words + " mean prod?", output)
        self.assertEqual(self.rig.writes(), 0)

    def test_1b_a_slash_behind_the_url_makes_no_other_run_ai(self):
        url = self.rig.gateway.settings["runai.url"]
        site = self.rig.example("slash.yaml", lambda text: text.replace(url, url + "/", 1))
        self.rig.ok("plan", str(site), code=PENDING)
        other = self.rig.example("other.yaml", lambda text: text.replace(url, "https://other.example.org", 1))
        for words in (("check", "--site", str(other)), ("check", "--site", str(other), "--json")):
            self.assertRegex(self.rig.ok(*words, code=78), r"other\.yaml:\d+: runai\.url is https://other\.example\.org")

    def test_2_apply_makes_all_of_it_and_hands_each_secret_over_once(self):
        code, output = self.rig.split("--json", "apply", str(self.site))
        self.assertEqual(code, DONE, output)
        lines = [json.loads(line) for line in output.splitlines()]
        secrets = [secret for line in lines if line["event"] == "secrets" for secret in line["secrets"]]
        held = {(secret["service"], secret["email"]): secret["password"] for secret in secrets}
        self.assertEqual(len(held), len(secrets))
        ftps = [("FTPS", "alice@example.org"), ("FTPS", "bob@example.org")]
        self.assertEqual(sorted(held), sorted([("Run:ai", email) for email in PEOPLE] + ftps))
        # Run:ai's own memory of each: the one that was shown.
        for user in self.rig.stored("users"):
            if user["username"] in PEOPLE:
                self.assertEqual(held["Run:ai", user["username"]], user["tempPassword"])
        robot = next(line["users"][0] for line in lines if line["event"] == "passwords")
        self.assertEqual(robot["name"], "robot")
        client = self.rig.login("alice@example.org", held["FTPS", "alice@example.org"])
        self.assertIn("/", client.pwd())
        self.rig.login("bob", held["FTPS", "bob@example.org"])
        self.assertIn("no secret waits", self.rig.ok("secrets"))
        self.assertEqual(json.loads(self.rig.split("--json", "secrets")[1]), {"event": "secrets", "secrets": []})

    def test_3_run_ai_holds_what_the_notes_ask_for(self):
        units = {unit["name"]: unit for kind in ("departments", "projects") for unit in self.rig.stored(kind)}
        self.assertLessEqual({*LABS, "lab1-default-project", "lab2-default-project", "lab3-debug"}, set(units))
        for name, unit in units.items():
            for quota in unit["resources"]:
                self.assertEqual(quota["gpu"]["limit"], quota["gpu"]["deserved"], f"{name}: {quota}")
            self.assertEqual({quota["nodePool"]["name"] for quota in unit["resources"]}, {"default", "prod", "dev"})
            self.assertTrue(unit["defaultNodePools"], name)
        self.assertEqual(units["lab3-debug"]["defaultNodePools"], ["dev"])
        sources = {source["meta"]["name"]: source for source in self.rig.stand_in.data_sources()}
        self.assertEqual(sorted(sources), [f"{lab}-nfs" for lab in LABS])
        self.assertEqual(sources["lab1-nfs"]["spec"]["mountPath"], "/mnt/nfs")
        self.assertFalse(sources["lab1-nfs"]["spec"]["readOnly"])
        compute = {one["meta"]["name"]: one["spec"] for one in self.rig.stored("compute")}
        self.assertLessEqual({f"gpu{gpus}" for gpus in range(9)} | {"half-gpu", "gpu-8g"}, set(compute))
        self.assertEqual(len(self.rig.stored("access_rules")), 3 + 3 + 1)

    def test_4_a_second_apply_and_a_plan_write_nothing(self):
        before = self.rig.writes()
        output = self.rig.ok("apply", str(self.site))
        self.assertIn("0 left", output)
        self.assertEqual(self.rig.writes(), before)
        self.assertIn("nothing to do", self.rig.ok("plan", str(self.site)))
        self.assertEqual(self.rig.writes(), before)

    def test_5_user_add_makes_both_accounts_and_shows_both_secrets(self):
        output = self.rig.ok("user", "add", "dora@example.org", "--lab", "lab1")
        secrets = dict(re.findall(r"^(Run:ai|FTPS) +dora@example\.org +lab1 +(\S+)", output, re.M))
        self.assertEqual(set(secrets), {"Run:ai", "FTPS"}, output)
        user = next(one for one in self.rig.stored("users") if one["username"] == "dora@example.org")
        self.assertEqual(user["tempPassword"], secrets["Run:ai"])
        rules = [one for one in self.rig.stored("access_rules") if one["subjectId"] == "dora@example.org"]
        self.assertEqual(len(rules), 3)
        self.rig.login("dora@example.org", secrets["FTPS"])
        self.assertIn("no secret waits", self.rig.ok("secrets"))
        before = self.rig.writes()
        self.rig.ok("user", "add", "dora@example.org", "--lab", "lab1")
        self.assertEqual(self.rig.writes(), before, "she is there: nothing is made anew")

    def test_5a_a_user_add_that_cannot_be_changes_nothing(self):
        before = self.rig.writes()
        for words, told in (
            (("dora@example.org", "--lab", "lab2"), ["is there already, in lab lab1", "a person has one lab"]),
            (("greta@example.org", "--lab", "lab1", "--project", "nope"), ["no project nope", "lab1-default-project"]),
            (("greta@example.org", "--lab", "lab1", "--role", "L3 researcher"), ["no role", "L2 researcher"]),
        ):
            code, output = self.rig.run("user", "add", *words)
            self.assertEqual(code, 1, output)
            for text in told:
                self.assertIn(text, output)
        self.assertEqual(self.rig.writes(), before)
        self.assertNotIn("greta", self.rig.ok("user", "list"))
        self.assertIn("no secret waits", self.rig.ok("secrets"))

    def test_6_secrets_that_nobody_saw_wait(self):
        listing = self.rig.folder / "secrets.txt"
        self.rig.ok("user", "add", "erik@example.org", "--lab", "lab1", "--secrets-file", str(listing))
        self.assertEqual(listing.stat().st_mode & 0o777, 0o600)
        words = listing.read_text(encoding="utf-8")
        user = next(one for one in self.rig.stored("users") if one["username"] == "erik@example.org")
        self.assertIn(user["tempPassword"], words)

    def test_7_prune_deletes_what_was_made_and_confirmed(self):
        users = {user["username"] for user in self.rig.stored("users")}
        code, output = self.rig.run("prune", str(self.site), "--confirm", "3")
        self.assertEqual(code, 2, output)
        self.assertIn("user dora@example.org", output)
        self.assertEqual({user["username"] for user in self.rig.stored("users")}, users)
        output = self.rig.ok("prune", str(self.site), "--confirm", "8")
        stay = "FTPS users that the file does not name stay: dora@example.org, erik@example.org; `stowage user remove NAME`"
        self.assertIn(stay, output)
        left = {user["username"] for user in self.rig.stored("users")}
        self.assertEqual(users - left, {"dora@example.org", "erik@example.org"})
        self.assertEqual(len(self.rig.stored("access_rules")), 3 + 3 + 1)
        output = self.rig.ok("prune", str(self.site))
        self.assertIn("nothing to delete", output)
        self.assertIn(stay, output)

    def test_7a_an_ftps_user_goes_by_a_command_of_its_own_which_says_what_stays(self):
        for user in ("dora@example.org", "erik@example.org"):
            self.assertNotIn("Run:ai", self.rig.ok("user", "remove", user))
        self.assertNotIn("FTPS users", self.rig.ok("prune", str(self.site)))
        self.rig.ok("user", "add", "frida@example.org", "--lab", "lab1")
        self.assertIn("the user of Run:ai stays: `stowage prune FILE`", self.rig.ok("user", "remove", "frida@example.org"))
        self.rig.ok("prune", str(self.site), "--confirm", "4")

    def test_8_what_was_there_is_adopted_only_when_told(self):
        self.rig.stand_in.call("POST", "/_stand_in/departments", {"name": "lab9"})
        more = "labs:\n  - name: lab9\n    gpus: {dev: 1}\n"
        site = self.rig.example("more.yaml", lambda text: text.replace("labs:", more, 1))
        output = self.rig.ok("plan", str(site), code=PENDING)
        self.assertIn("! differs  department lab9", output)
        output = self.rig.ok("apply", str(site), code=PENDING)
        self.assertIn("--adopt", output)
        department = next(one for one in self.rig.stored("departments") if one["name"] == "lab9")
        self.assertFalse(department.get("defaultNodePools"))
        self.rig.ok("apply", str(site), "--adopt")
        departments = [one for one in self.rig.stored("departments") if one["name"] == "lab9"]
        self.assertEqual([one["id"] for one in departments], [department["id"]])
        self.assertEqual(departments[0]["defaultNodePools"], ["dev"])
        before = self.rig.writes()
        self.rig.ok("apply", str(site))
        self.assertEqual(self.rig.writes(), before)

    def test_9_drift_is_shown_and_set_right(self):
        self.wait_for_site(lambda site: site["pending"] == 0 and site["at"] > 0)
        department = next(one for one in self.rig.stored("departments") if one["name"] == "lab1")
        self.change_quota("departments", department, 7)
        site = self.wait_for_site(lambda site: site["pending"] == 1)
        self.assertEqual(site["lines"][0]["what"], "change department lab1")
        self.assertIn("GPUs of prod: wanted 100, found 7", site["lines"][0]["why"])
        since = site["lines"][0]["since"]
        later = self.wait_for_site(lambda now: now["at"] > site["at"] + 1)
        self.assertEqual(later["lines"][0]["since"], since, "the moment when it was first seen")
        status = self.rig.run("status")[1]
        self.assertRegex(status, r"1 object in Run:ai is not as applied, seen 20")
        self.assertRegex(status, r"change department lab1: GPUs of prod: wanted 100, found 7.*, since 20")
        for pool in ("prod", "dev"):
            self.rig.stand_in.call("POST", "/_stand_in/nodes", {"pool": pool, "nodes": ["node1"]})
        self.change_quota("departments", department, 100, limit=-1)
        self.rig.ok("doctor", "--fix")
        department = next(one for one in self.rig.stored("departments") if one["name"] == "lab1")
        quotas = {quota["nodePool"]["name"]: quota["gpu"] for quota in department["resources"]}
        self.assertEqual(quotas["prod"]["limit"], 100)
        self.wait_for_site(lambda site: site["pending"] == 0)

    def test_9a_a_data_source_moves_to_a_project_and_back(self):
        for scope, project in (("project", "lab3-debug"), ("department", None)):
            wanted = f"{{scope: {scope}{', project: ' + project if project else ''}}}"
            change = f"  - name: lab3\n    data_source: {wanted}\n"
            site = self.rig.example(f"{scope}.yaml", lambda text, c=change: text.replace("  - name: lab3\n", c, 1))
            self.assertIn("it is deleted and made anew", self.rig.ok("plan", str(site), code=PENDING))
            self.rig.ok("apply", str(site))
            meta = self.rig.stand_in.data_source("lab3-nfs")["meta"]
            unit = next(one for one in self.rig.stored(f"{scope}s") if one["name"] == (project or "lab3"))
            self.assertEqual((meta["scope"], str(meta[f"{scope}Id"])), (scope, unit["id"]))
            before = self.rig.writes()
            self.rig.ok("apply", str(site))
            self.assertEqual(self.rig.writes(), before)
        # In use, it cannot go: the lab is served all the same.
        self.rig.stand_in.call("POST", "/_stand_in/used_by", {"name": "lab3-nfs", "workspaces": ["w1"]})
        output = self.rig.ok("apply", str(self.rig.folder / "project.yaml"), code=PENDING)
        self.assertIn("is in use by workspaces w1", output)
        self.assertEqual(self.rig.gateway.answer("lab", "show", "lab3")["state"], "degraded")
        self.rig.stand_in.call("POST", "/_stand_in/used_by", {"name": "lab3-nfs", "workspaces": []})
        self.rig.ok("apply", str(self.rig.folder / "project.yaml"))

    def test_9b_a_lab_that_goes_says_what_went_and_what_stays(self):
        output = self.rig.ok("lab", "delete", "lab1")
        self.assertIn("FTPS users were removed", output)
        self.assertIn("in Run:ai department lab1 stays with its projects", output)
        site = self.rig.folder / "without.yaml"
        site.write_text("compute_resources: [{gpus: 0..8}]\n", encoding="utf-8")
        _, output = self.rig.run("prune", str(site), "--confirm", "1000")
        self.assertIn("to be deleted", output)
        count = re.search(r"(\d+) things are to be deleted", output)[1]
        output = self.rig.ok("prune", str(site), "--confirm", count)
        self.assertRegex(output, r"stays in Run:ai: .*department lab1")

    def change_quota(self, kind, unit, deserved, limit=None):
        """As somebody in Run:ai's own pages would."""
        secret = self.rig.stand_in.secret_path.read_text(encoding="utf-8").strip()
        body = {"grantType": "client_credentials", "clientId": "stowage", "clientSecret": secret}
        token = self.rig.stand_in.call("POST", "/api/v1/token", body)["accessToken"]
        resources = [dict(one) for one in unit["resources"]]
        for quota in resources:
            quota["nodePool"] = {"id": quota["nodePool"]["id"]}
            amount = deserved if quota["nodePool"]["id"] == self.pool_id("prod") else 0
            quota["gpu"] = {"deserved": amount, "limit": amount if limit is None else limit}
        body = {"resources": resources, "defaultNodePools": unit["defaultNodePools"]}
        self.rig.stand_in.call("PUT", f"/api/v1/org-unit/{kind}/{unit['id']}", body, token)

    def pool_id(self, name):
        return next(pool["id"] for pool in self.rig.stored("node_pools") if pool["name"] == name)

    def wait_for_site(self, condition):
        def found():
            site = json.loads(self.rig.split("--json", "status")[1])["runai"]["site"]
            return site if condition(site) else None

        return wait_until(found, 60, "the site's state in status")


class Version220(SiteIsAppliedOnce, unittest.TestCase):
    version = VERSIONS["2.20"]


class Version224(SiteIsAppliedOnce, unittest.TestCase):
    version = VERSIONS["2.24"]


if __name__ == "__main__":
    run_tests()
