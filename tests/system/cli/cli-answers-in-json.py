# Promise: with --json every command answers in JSON, one object or one event a line, also what it refuses; and each of
# the exit codes 0, 1, 2, 3 and 78 has its cause, in words and in JSON alike.
import json
import os
import tempfile
import unittest

from fake_gateway import CliTest, FakeGateway, run

LAB = {"name": "lab1", "state": "ready", "why": "", "quota_bytes": 1 << 40, "quota_inodes": 0, "used_bytes": None,
       "used_inodes": None, "quota_backend": "btrfs", "users": ["alice"]}
PROCESS = {"process": "front", "lab": "", "pid": 7, "restarts": 0, "sessions": 0, "running": True, "started_at": 1790000000}
STATUS = {"version": "0.1.0", "since": 1790000000, "labs": [LAB], "processes": [PROCESS],
          "runai": {"configured": False}, "nfs": {"server": "ganesha"}}
SITE = "labs:\n  - name: lab1\n"


def answering(plain=None, pending=0, ok=True, converged=True):
    """A gateway that answers GET with `plain`, plans so many changes, and ends long work so."""
    def handler(method, target, body, reply):
        if method == "GET":
            return reply.json(plain if plain is not None else {"labs": [LAB], "users": [{"name": "alice", "lab": "lab1"}],
                                                               "sessions": [], "bans": [], "more": False})
        if target == "/v1/plan":
            return reply.json({"steps": [], "new_users": [], "pending": pending})
        if target.startswith("/v1/users") or target.startswith("/v1/sessions") or target.startswith("/v1/bans"):
            return reply.json({})
        reply.stream()
        reply.step("lab1", "make_directory", "done", ms=1)
        reply.result(ok=ok, converged=converged, labs=[], users=[], summary="over")
    return handler


class Json(CliTest):
    def answers(self, done, code):
        """The JSON values of the lines; there is at least one."""
        self.check(done, code)
        values = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertTrue(values, done.stderr)
        for value in values:
            self.assertIsInstance(value, dict)
        return values

    def error(self, done, code):
        error = self.answers(done, code)[-1]["error"]
        self.assertIn(error["what"].splitlines()[0], done.stderr)
        return error

    def test_wrong_usage(self):
        for arguments in ([], ["frob"], ["lab"], ["lab", "create"], ["lab", "show", "../x"], ["status", "--timeout", "x"],
                          ["lab", "create", "a", "--quota", "1e30"], ["check", "--set", "x"], ["completion", "zsh"]):
            for words in (["--json", *arguments], [*arguments, "--json"]):
                self.assertEqual(self.error(run(*words), 2)["code"], "usage", words)
        # Behind -- it is a name, if a strange one.
        self.assertEqual(run("lab", "show", "--", "--json").stdout, "")

    def test_what_needs_no_gateway(self):
        reference = self.answers(run("config", "reference", "--json"), 0)[0]
        port = [key for key in reference["keys"] if key["key"] == "ftps.port"]
        self.assertEqual(port[0]["default"], "21")
        self.assertTrue(port[0]["doc"] and port[0]["value"])
        for arguments, field in ((["config", "example"], "file"), (["completion", "bash"], "script"), (["--help"], "help"),
                                 (["lab", "create", "--help"], "help")):
            text = run(*arguments).stdout
            self.assertEqual(self.answers(run(*arguments, "--json"), 0), [{field: text}])
        self.assertIn("version", self.answers(run("version", "--json"), 0)[0])

    def test_names(self):
        with FakeGateway(answering()) as gateway:
            self.assertEqual(self.answers(gateway.run("lab", "list", "--names", "--json"), 0), [{"names": ["lab1"]}])
            self.assertEqual(self.answers(gateway.run("user", "list", "--names", "--json"), 0), [{"names": ["alice"]}])

    def test_every_command_of_a_gateway(self):
        with FakeGateway(answering()) as gateway, tempfile.TemporaryDirectory() as directory:
            site = os.path.join(directory, "site.yaml")
            with open(site, "w") as file:
                file.write(SITE)
            for command in ("lab create lab1", "lab list", "lab show lab1", "lab delete lab1", "user add a --lab lab1",
                            "user passwd a", "user list", "user remove a", "sessions", "sessions kill 4", "bans list",
                            "bans clear --all", "status", "verify lab1", f"plan {site}", f"apply {site}"):
                self.answers(gateway.run("--json", *command.split()), 0)

    def test_without_a_gateway(self):
        for command in ("lab create lab1", "lab list --names", "status", "verify lab1", "user passwd a", "bans list"):
            self.assertEqual(self.error(run("--json", "--socket", "/nowhere", *command.split()), 1)["code"], "unavailable")


class ExitCodes(CliTest):
    def both(self, code, gateway, *arguments):
        self.check(gateway.run(*arguments), code)
        self.check(gateway.run(*arguments, "--json"), code)

    def test_0_done_and_3_not_everything_converged(self):
        with tempfile.TemporaryDirectory() as directory:
            site = os.path.join(directory, "site.yaml")
            with open(site, "w") as file:
                file.write(SITE)
            work = (["lab", "create", "lab1"], ["verify", "lab1"], ["apply", site], ["lab", "delete", "lab1"])
            with FakeGateway(answering(STATUS)) as gateway:
                for arguments in (*work, ["plan", site], ["status"]):
                    self.both(0, gateway, *arguments)
            with FakeGateway(answering(dict(STATUS, labs=[dict(LAB, state="degraded")]), 1, True, False)) as gateway:
                for arguments in (*work, ["plan", site], ["status"]):
                    self.both(3, gateway, *arguments)
            with FakeGateway(answering(ok=False, converged=False)) as gateway:
                for arguments in work:
                    # What apply leaves, the next one goes on with.
                    self.both(3 if arguments[0] == "apply" else 1, gateway, *arguments)

    def test_status_of_a_process_that_is_down_is_3(self):
        with FakeGateway(answering(dict(STATUS, processes=[dict(PROCESS, running=False, pid=0)]))) as gateway:
            self.both(3, gateway, "status")

    def test_status_without_the_supervisor_is_1(self):
        silent = {"code": "timeout", "what": "the supervisor did not answer within 5 seconds", "remedy": "look at its log"}
        with FakeGateway(answering(dict(STATUS, processes=[], error=silent))) as gateway:
            self.both(1, gateway, "status")
            self.check(gateway.run("status"), 1, ["lab1"], ["the supervisor did not answer", "look at its log"])
            done = gateway.run("status", "--json")
            self.assertEqual(json.loads(done.stdout)["error"], silent)  # one object, not two
            self.assertIn("the supervisor did not answer", done.stderr)

    def test_78_configuration_and_site_file(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "bad.yaml")
            with open(path, "w") as file:
                file.write("frob: 1\n")
            for command in (["check", "--config", path], ["plan", path], ["apply", path]):
                self.check(run(*command), 78, err=["frob"])
                done = run(*command, "--json")
                self.check(done, 78)
                self.assertEqual(json.loads(done.stdout)["error"]["code"], "config")


class Usage(CliTest):
    def test_what_nobody_counted_is_not_0(self):
        with FakeGateway(lambda m, target, b, reply: reply.json(LAB if target == "/v1/labs/lab1" else {"labs": [LAB]})) \
                as gateway:
            self.check(gateway.run("lab", "show", "lab1"), 0, ["limit 1TiB, not counted, files not counted"])
            self.check(gateway.run("lab", "list"), 0, ["unknown"])
        counted = dict(LAB, used_bytes=0, used_inodes=0)
        with FakeGateway(lambda m, t, b, reply: reply.json(counted)) as gateway:
            self.check(gateway.run("lab", "show", "lab1"), 0, ["0B of 1TiB (0 %), 0 files"])
        unlimited = dict(counted, quota_bytes=0, quota_inodes=0, used_bytes=1 << 30)
        with FakeGateway(lambda m, t, b, reply: reply.json(unlimited)) as gateway:
            self.check(gateway.run("lab", "show", "lab1"), 0, ["1GiB without a limit, 0 files"])

    def test_what_was_checked_is_said_once(self):
        checked = dict(LAB, checks=[{"name": "quota", "detail": "quota 1GiB", "ok": True, "ms": 4}])
        with FakeGateway(lambda m, t, b, reply: reply.json(checked)) as gateway:
            self.check(gateway.run("lab", "show", "lab1"), 0, ["done      quota (1GiB)"])

    def test_where_pods_reach_the_share(self):
        reached = dict(STATUS, nfs={"server": "kernel", "address": "nas.example.org", "port": 2049})
        with FakeGateway(lambda m, t, b, reply: reply.json(reached)) as gateway:
            self.check(gateway.run("status"), 0, ["kernel, pods reach it at nas.example.org, port 2049\n"])


if __name__ == "__main__":
    unittest.main()
