# Promise: long work shows each step as it happens, rewritten on a terminal, plain lines in a pipe, NDJSON with --json;
# exit codes tell done, failed and not converged apart; nothing that the gateway says can drive the terminal.
import json
import threading
import unittest

from fake_gateway import CliTest, FakeGateway, run_on_terminal

LAB = {"name": "lab1", "state": "ready", "why": "", "uid": 700000, "gid": 700000, "directory": "/mnt/nfs/lab1",
       "quota_bytes": 10 << 40, "quota_inodes": 50000000, "used_bytes": 1536, "used_inodes": 3,
       "quota_backend": "btrfs", "clients": ["10.0.0.0/8"],
       "export": {"server": "node1", "path": "/mnt/nfs/lab1", "port": 2049},
       "data_source": {"name": "lab1-nfs", "id": "x", "scope": "department", "mount_path": "/mnt/nfs",
                       "state": "registered"},
       "users": ["alice"], "verified_at": 1790000000,
       "checks": [{"name": "mount", "ok": True, "ms": 4, "detail": ""}]}


def create(method, target, body, reply):
    reply.stream()
    reply.step("lab1", "make_directory", "start", "directory /mnt/nfs/lab1")
    reply.step("lab1", "make_directory", "done", "directory /mnt/nfs/lab1", ms=12)
    reply.step("lab1", "set_quota", "unchanged", "quota 10TiB", ms=1)
    reply.event(event="heartbeat")
    reply.step("lab1", "register", "start", "data source lab1-nfs")
    threading.Event().wait(0.35)
    reply.step("lab1", "register", "done", "data source lab1-nfs", ms=350)
    reply.result(labs=[LAB], users=[], summary="lab1 is ready")


class LiveSteps(CliTest):
    def test_pipe_gets_plain_lines(self):
        with FakeGateway(create) as gateway:
            done = gateway.run("lab", "create", "lab1", "--quota", "10TiB", "--inodes", "50M", "--clients",
                               "10.0.0.0/8,192.168.7.1")
            self.check(done, 0, ["done      lab1  directory /mnt/nfs/lab1  12 ms", "unchanged lab1  quota 10TiB",
                                 "mount -t nfs4 node1:/mnt/nfs/lab1", "lab1 is ready", "10TiB", "alice"])
            self.assertNotIn("done      mount", done.stdout, "the step of the mount check has told its parts")
            self.assertNotIn("\x1b", done.stdout)
            self.assertEqual(gateway.requests[0], ("POST", "/v1/labs", {
                "name": "lab1", "quota_bytes": 10 << 40, "quota_inodes": 50000000,
                "clients": ["10.0.0.0/8", "192.168.7.1/32"]}))

    def test_a_lab_that_is_not_as_asked_is_shown_as_it_is(self):
        for export, clients, words in (
            ("as asked", ["10.0.0.0/8"], "node1:/mnt/nfs/lab1 for 10.0.0.0/8"),
            ("otherwise", ["10.77.0.0/16", "10.1.0.0/16:ro"], "asked for 10.0.0.0/8, served to 10.77.0.0/16, 10.1.0.0/16:ro"),
            ("otherwise", [], "asked for 10.0.0.0/8, served otherwise"),
            ("missing", [], "asked for 10.0.0.0/8, not served"),
            ("unknown", None, "node1:/mnt/nfs/lab1 for 10.0.0.0/8"),
        ):
            in_force = {"quota_bytes": 5 << 40, "quota_inodes": 100, "export": export, "clients": clients}
            with FakeGateway(lambda method, target, body, reply: reply.json(LAB | {"in_force": in_force})) as gateway:
                self.check(gateway.run("lab", "show", "lab1"), 0, [
                    words, "1.5KiB of 5TiB (0 %), 3 of 100 files; asked 10TiB, in force 5TiB; "
                    "asked 50000000 files, in force 100 files; enforced by btrfs"])

    def test_verify_tells_each_check(self):
        with FakeGateway(create) as gateway:
            self.check(gateway.run("verify", "lab1"), 0, ["done      mount  4 ms"])

    def test_terminal_rewrites_a_line(self):
        with FakeGateway(create) as gateway:
            code, output = run_on_terminal("lab", "create", "lab1", socket_path=gateway.path)
            self.assertEqual(code, 0, output)
            self.assertIn("✔", output)
            self.assertIn("\r\x1b[K", output)       # the live line is taken away
            self.assertIn("\x1b[32m", output)       # colour
            self.assertIn("data source lab1-nfs  0 ms", output)  # the spinner line with its time
            self.assertGreater(len({frame for frame in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" if frame in output}), 1, "the spinner turns")

    def test_no_colour_when_told(self):
        with FakeGateway(create) as gateway:
            for arguments, env in ((["--no-color"], {}), ([], {"NO_COLOR": "1"})):
                code, output = run_on_terminal("lab", "create", "lab1", *arguments, socket_path=gateway.path, env=env)
                self.assertEqual(code, 0, output)
                self.assertIn("✔", output)
                self.assertNotIn("\x1b[3", output)

    def test_json_passes_events_through(self):
        with FakeGateway(create) as gateway:
            done = gateway.run("lab", "create", "lab1", "--json")
            events = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual(done.returncode, 0)
            self.assertEqual([e["event"] for e in events], ["step", "step", "step", "heartbeat", "step", "step", "result"])
            self.assertEqual(events[-1]["labs"][0], LAB)

    def test_failed_step_ends_with_1_and_its_remedy(self):
        def failing(method, target, body, reply):
            reply.stream()
            reply.step("lab1", "publish_export", "failed", "NFS export", ms=3,
                       error={"code": "io", "what": "exportfs lost the line", "remedy": "look at /etc/exports.d"})
            reply.result(ok=False, converged=False, labs=[], users=[], summary="1 step failed")
        with FakeGateway(failing) as gateway:
            self.check(gateway.run("lab", "create", "lab1"), 1,
                       ["failed    lab1  NFS export", "exportfs lost the line", "look at /etc/exports.d", "1 step failed"])

    def test_degraded_is_3(self):
        def degraded(method, target, body, reply):
            reply.stream()
            reply.step("lab1", "register", "retry", "data source", error={"code": "unavailable", "what": "run:ai is away"})
            reply.result(converged=False, labs=[dict(LAB, state="degraded", why="run:ai unreachable")], users=[],
                         summary="lab1 is degraded")
        with FakeGateway(degraded) as gateway:
            self.check(gateway.run("lab", "create", "lab1"), 3, ["retry ", "lab1 is degraded: run:ai unreachable"])
            self.check(gateway.run("verify", "lab1", "--json"), 3)

    def test_hostile_text_cannot_drive_the_terminal(self):
        evil = "x\x1b]0;owned\x07\u009b2J\u202eabc\r\nfake line"

        def hostile(method, target, body, reply):
            if method == "GET":
                return reply.json({"labs": [dict(LAB, why=evil, users=[evil])]})
            reply.stream()
            reply.step(evil, "s", "done", evil, detail=evil, ms=1)
            reply.step("lab1", "s", "failed", "t", error={"code": "io", "what": evil, "remedy": evil})
            reply.result(ok=False, converged=False, error={"code": "io", "what": evil, "remedy": evil}, summary=evil)
        with FakeGateway(hostile) as gateway:
            for arguments in (["verify", "lab1"], ["lab", "list"], ["lab", "list", "--json"], ["verify", "lab1", "--json"]):
                done = gateway.run(*arguments)
                for bad in ("\x1b", "\x07", "\u009b", "\u202e", "\r"):
                    self.assertNotIn(bad, done.stdout + done.stderr, arguments)
                self.assertNotIn("\nfake", done.stdout)

    def test_tables(self):
        def lists(method, target, body, reply):
            if target == "/v1/labs":
                return reply.json({"labs": [LAB, dict(LAB, name="another-lab", state="failed", why="disk full")]})
            if target == "/v1/labs/lab1":
                return reply.json(LAB)
            if target.startswith("/v1/users"):
                return reply.json({"users": [{"name": "alice@x.org", "lab": "lab1", "created_at": 1790000000}]})
            reply.json({"version": "0.1.0", "since": 1790000000, "labs": [LAB],
                        "processes": [{"process": "worker", "lab": "lab1", "pid": 77, "restarts": 0, "sessions": 2,
                                       "running": True, "started_at": 1790000000}],
                        "runai": {"configured": True, "state": "ok"}, "nfs": {"server": "ganesha"}})
        with FakeGateway(lists) as gateway:
            self.check(gateway.run("lab", "list"), 0, ["LAB", "another-lab", "disk full", "1.5KiB", "10TiB"])
            self.check(gateway.run("lab", "list", "--names"), 0, ["lab1\nanother-lab\n"])
            self.check(gateway.run("lab", "show", "lab1"), 0, ["lab1 is ready", "enforced by btrfs", "lab1-nfs"])
            self.check(gateway.run("user", "list", "--lab", "lab1"), 0, ["alice@x.org", "2026-"])
            self.assertEqual(gateway.requests[-1][1], "/v1/users?lab=lab1")
            self.check(gateway.run("status"), 0, ["stowage 0.1.0", "worker", "77", "ganesha", "running"])
            self.assertEqual(json.loads(gateway.run("lab", "show", "lab1", "--json").stdout), LAB)


if __name__ == "__main__":
    unittest.main()
