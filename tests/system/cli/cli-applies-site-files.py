# Promise: a site file is checked whole before anything is sent; plan says what is pending; apply hands each new user's
# password over exactly once, whatever happens half way; deleting data needs the lab's name.
import json
import os
import tempfile
import unittest

from fake_gateway import CliTest, FakeGateway, run, run_on_terminal

SITE = """
defaults:
  quota: 1TiB
labs:
  - name: lab1
    clients: [10.0.0.0/8]
    users: [alice, bob]
  - name: lab2
    quota: none
users:
  - {name: carol, lab: lab2}
"""


class SiteFiles(CliTest):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.site = self.file("site.yaml", SITE)

    def file(self, name, text):
        path = os.path.join(self.directory.name, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def gateway(self, new_users=("alice", "carol"), ending=None, made=("alice", "carol")):
        def handle(method, target, body, reply):
            if target == "/v1/plan":
                return reply.json({"pending": 2 + len(new_users) if new_users else 0, "new_users": list(new_users), "steps": [
                    {"lab": "lab1", "step": "make_directory", "title": "directory /mnt/nfs/lab1",
                     "change": "create" if new_users else "unchanged", "detail": ""}]})
            reply.stream()
            reply.step("lab1", "make_directory", "done", ms=1)
            if ending == "vanish":
                return None
            reply.result(ok=ending is None, converged=ending is None, labs=[], summary="the summary",
                         users=[{"name": user, "lab": "lab1"} for user in made])
        return FakeGateway(handle)

    def test_plan(self):
        with self.gateway() as gateway:
            self.check(gateway.run("plan", self.site), 3, ["create", "/mnt/nfs/lab1", "alice, carol", "4 changes are"])
            self.assertEqual(gateway.requests[0], ("POST", "/v1/plan", {
                "labs": [{"name": "lab1", "quota_bytes": 1 << 40, "clients": ["10.0.0.0/8"]},
                         {"name": "lab2", "quota_bytes": 0}],
                "users": [{"name": "alice", "lab": "lab1"}, {"name": "bob", "lab": "lab1"},
                          {"name": "carol", "lab": "lab2"}]}))
        with self.gateway(new_users=()) as gateway:
            self.check(gateway.run("plan", self.site), 0, ["nothing to do"])

    def test_plan_counts_a_new_user(self):
        def handle(method, target, body, reply):
            reply.json({"pending": 1, "new_users": ["alice"], "steps": []})
        with FakeGateway(handle) as gateway:
            self.check(gateway.run("plan", self.site), 3, ["new users: alice", "1 change is pending: `stowage apply"])

    def test_prune_tells_who_can_still_log_in(self):
        item = {"kind": "user", "title": "user bob@example.org", "change": "remove"}

        def handle(method, target, body, reply):
            if target == "/v1/users":
                return reply.json({"users": [{"name": user, "lab": "lab1"} for user in ("alice", "bob@example.org")]})
            if target == "/v1/plan":
                return reply.json({"pending": 0, "new_users": [], "steps": [], "runai": {"items": [], "prune": left}})
            return reply.json({"deleted": len(left), "failures": []})
        for left in ([item], []):
            with FakeGateway(handle) as gateway:
                done = gateway.run("prune", self.site, "--confirm", "1")
                self.check(done, 0, ["1 deleted" if left else "nothing to delete",
                                     "FTPS users that the file does not name stay: bob@example.org; `stowage user remove"])
                done = json.loads(gateway.run("prune", self.site, "--confirm", "1", "--json").stdout)
                self.assertEqual((done["deleted"], done["ftps_users"]), (len(left), ["bob@example.org"]))
        left = [item]
        with FakeGateway(handle) as gateway:
            self.check(gateway.run("prune", self.site, "--confirm", "2"), 2, err=["--confirm 2: 1 thing is to be deleted"])

    def test_user_remove_tells_what_stays_in_runai(self):
        for kind, words in (("made", "`stowage prune FILE`"), ("adopted", "stowage did not make it"), ("none", None)):
            def handle(method, target, body, reply, kind=kind):
                reply.json({"name": "bob@example.org", "lab": "lab1", "runai_user": kind})
            with FakeGateway(handle) as gateway:
                done = gateway.run("user", "remove", "bob@example.org")
                self.check(done, 0, ["FTPS user bob@example.org is removed", *([words] if words else [])])
                self.assertEqual("Run:ai" in done.stdout, words is not None)

    def test_apply_shows_each_new_password_once(self):
        with self.gateway() as gateway:
            done = gateway.run("apply", self.site)
            self.check(done, 0, ["the summary", "PASSWORD"])
            sent = {user["name"]: user.get("password") for user in gateway.requests[1][2]["users"]}
            self.assertIsNone(sent["bob"])
            for name in ("alice", "carol"):
                self.assertEqual(done.stdout.count(sent[name]), 1)
            done = gateway.run("apply", self.site, "--json")
            last = json.loads(done.stdout.splitlines()[-1])
            self.assertEqual((last["event"], [u["name"] for u in last["users"]]), ("passwords", ["alice", "carol"]))

    def test_apply_with_secrets_file(self):
        secrets = os.path.join(self.directory.name, "secrets")
        with self.gateway(ending="vanish") as gateway:
            done = gateway.run("apply", self.site, "--secrets-file", secrets)
            self.check(done, 1, [secrets], ["broke off"])
            with open(secrets) as file:
                lines = [line.split() for line in file]
            sent = {user["name"]: user.get("password") for user in gateway.requests[1][2]["users"]}
            self.assertEqual(lines, [["alice", "lab1", sent["alice"]], ["carol", "lab2", sent["carol"]]])
            self.assertEqual(os.stat(secrets).st_mode & 0o777, 0o600)
        os.unlink(secrets)
        with self.gateway(new_users=()) as gateway:
            self.check(gateway.run("apply", self.site, "--secrets-file", secrets), 0)
            self.assertFalse(os.path.exists(secrets), "nothing to keep: no file")

    def test_apply_shows_no_password_of_whom_another_request_made(self):
        secrets = os.path.join(self.directory.name, "secrets")
        with self.gateway(made=("carol",)) as gateway:
            done = gateway.run("apply", self.site)
            sent = {user["name"]: user.get("password") for user in gateway.requests[1][2]["users"]}
            self.check(done, 0, [sent["carol"]])
            self.assertNotIn(sent["alice"], done.stdout)
            self.check(gateway.run("apply", self.site, "--secrets-file", secrets), 0, [secrets])
            sent = {user["name"]: user.get("password") for user in gateway.requests[3][2]["users"]}
            with open(secrets) as file:
                text = file.read()
            self.assertIn(f"carol lab2 {sent['carol']}\n", text)
            self.assertNotIn(sent["alice"], text)
            self.assertNotIn("alice", text)
        with self.gateway(made=()) as gateway:
            os.unlink(secrets)
            done = gateway.run("apply", self.site, "--secrets-file", secrets)
            self.check(done, 0)
            self.assertNotIn(secrets, done.stdout)
            self.assertFalse(os.path.exists(secrets), "nothing to keep: no file")

    def test_apply_failed_shows_only_passwords_in_use(self):
        with self.gateway(ending="failed", made=("alice",)) as gateway:
            done = gateway.run("apply", self.site)
            sent = {user["name"]: user.get("password") for user in gateway.requests[1][2]["users"]}
            self.check(done, 3, [sent["alice"]])
            self.assertNotIn(sent["carol"], done.stdout)

    def test_apply_broken_off_shows_those_that_the_gateway_may_still_make(self):
        with self.gateway(ending="vanish") as gateway:
            done = gateway.run("apply", self.site)
            sent = {user["name"]: user.get("password") for user in gateway.requests[1][2]["users"]}
            self.check(done, 1, [sent["alice"], sent["carol"], "is not known"])

    def test_bad_file_sends_nothing(self):
        bad = self.file("bad.yaml", "labs:\n  - name: Lab\n    qouta: 1T\n  - name: ok\n    quota: 1e30\n")
        with self.gateway() as gateway:
            done = gateway.run("apply", bad, "--secrets-file", os.path.join(self.directory.name, "s"))
            self.check(done, 78, err=["bad.yaml:2: labs[1].name", "bad.yaml:3: unknown key \"qouta\"",
                                      "did you mean quota", "bad.yaml:5: labs[2].quota"])
            self.assertEqual(gateway.requests, [])
            self.assertFalse(os.path.exists(os.path.join(self.directory.name, "s")))
            self.check(gateway.run("plan", "/no/such/site.yaml"), 1, err=["/no/such/site.yaml"])

    def test_example_is_right(self):
        from fake_gateway import SOURCE
        with self.gateway() as gateway:
            self.check(gateway.run("plan", os.path.join(SOURCE, "deploy/examples/site.yaml")), 3)

    def test_on_a_terminal_a_lab_with_users_is_deleted_by_its_name_alone(self):
        def handle(method, target, body, reply):
            if method == "GET":
                return reply.json({"name": "lab1", "users": ["alice", "bob"]})
            reply.stream()
            return reply.result(summary="gone")
        with FakeGateway(handle) as gateway:
            for typed, code in (("lab1\n", 0), ("yes\n", 2)):
                gateway.requests.clear()
                result, output = run_on_terminal("lab", "delete", "lab1", socket_path=gateway.path,
                                                 typed=[("Type the lab's name", typed)])
                self.assertEqual(result, code, output)
                self.assertIn("2 FTPS users of lab lab1 will be removed", output)
                self.assertEqual([method for method, _, _ in gateway.requests], ["GET", "DELETE"][: 2 if code == 0 else 1])
            result, output = run_on_terminal("lab", "delete", "lab1", "--confirm", "lab1", socket_path=gateway.path)
            self.assertEqual(result, 0, output)

    def test_purging_needs_the_name(self):
        def handle(method, target, body, reply):
            reply.stream()
            reply.result(summary="gone")
        with FakeGateway(handle) as gateway:
            self.check(gateway.run("lab", "delete", "lab1", "--purge-data"), 2, err=["--confirm lab1"])
            self.check(gateway.run("lab", "delete", "lab1", "--purge-data", "--confirm", "lab2"), 2)
            self.assertEqual(gateway.requests, [])
            self.check(gateway.run("lab", "delete", "lab1", "--purge-data", "--confirm", "lab1"), 0)
            self.assertEqual(gateway.requests[-1][:2], ("DELETE", "/v1/labs/lab1?purge_data=1&confirm=lab1"))
            self.check(gateway.run("lab", "delete", "lab1"), 0, ["gone"])
            self.assertEqual(gateway.requests[-1][:2], ("DELETE", "/v1/labs/lab1"))
            for typed, code in (("lab1\n", 0), ("lab2\n", 2), ("\n", 2)):
                before = len(gateway.requests)
                result, output = run_on_terminal("lab", "delete", "lab1", "--purge-data", socket_path=gateway.path,
                                                 typed=[("Type its name", typed)])
                self.assertEqual(result, code, output)
                self.assertEqual(len(gateway.requests) - before, 1 if code == 0 else 0)


if __name__ == "__main__":
    unittest.main()
