# Promise: passwords never stand in argv, are shown exactly once, and no failure loses one that came into use.
import json
import os
import re
import resource
import signal
import stat
import subprocess
import tempfile
import threading
import unittest

from fake_gateway import STOWAGE, CliTest, FakeGateway, environment, run, run_on_terminal

PASSWORD = re.compile(r"\b[a-zA-Z3-9]{20}\b")


def accept(method, target, body, reply):
    reply.json({"name": "alice", "lab": "lab1", "created_at": 1790000000})


def keeps_secrets(method, target, body, reply):
    """A gateway with Run:ai, and with two secrets of alice that wait to be shown."""
    if target == "/v1/status":
        return reply.json({"runai": {"configured": True}})
    if target == "/v1/secrets":
        return reply.json({"secrets": [
            {"service": service, "email": "alice@example.org", "lab": "lab1", "name": "alice@example.org",
             "password": f"{number} of alice"} for service, number in (("FTPS", "one"), ("Run:ai", "two"))]})
    if target == "/v1/secrets/shown":
        return reply.json({"deleted": len(body["secrets"])})
    reply.stream()
    return reply.result(labs=[], users=[], summary="the summary")


def small_files(size):
    """No file grows beyond so many bytes: as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


class Passwords(CliTest):
    def test_made_sent_and_shown_once(self):
        with FakeGateway(accept) as gateway:
            done = gateway.run("user", "add", "alice", "--lab", "lab1")
            self.check(done, 0, ["alice", "lab1", "shown this once"])
            (method, target, body), = gateway.requests
            self.assertEqual((method, target, body["name"], body["lab"]), ("POST", "/v1/users", "alice", "lab1"))
            self.assertEqual(PASSWORD.findall(done.stdout), [body["password"]])
            self.assertNotIn(body["password"], done.stderr)
            other = gateway.run("user", "passwd", "alice", "--json")
            self.assertEqual(gateway.requests[1][:2], ("PUT", "/v1/users/alice/password"))
            self.assertEqual(json.loads(other.stdout)["password"], gateway.requests[1][2]["password"])
            self.assertNotEqual(gateway.requests[0][2]["password"], gateway.requests[1][2]["password"])

    def test_not_in_argv_nor_environment(self):
        seen = []

        def look(method, target, body, reply):
            for name in ("cmdline", "environ"):
                with open(f"/proc/{process.pid}/{name}", "rb") as file:
                    seen.append(file.read())
            seen.append(body["password"].encode())
            reply.json({})
        started = threading.Event()

        def wait_and_look(*arguments):
            started.wait(20)
            look(*arguments)
        with FakeGateway(wait_and_look) as gateway:
            process = subprocess.Popen([STOWAGE, "user", "add", "alice", "--lab", "lab1"],
                                       env=environment(gateway.path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            started.set()
            process.communicate(timeout=20)
            if os.geteuid() != 0 and len(seen) < 3:
                self.skipTest("the process is undumpable: only root may look into it")
            self.assertEqual(process.returncode, 0)
            self.assertNotIn(seen[2], seen[0] + seen[1])

    def test_from_stdin_and_never_shown(self):
        with FakeGateway(accept) as gateway:
            done = gateway.run("user", "add", "alice", "--lab", "lab1", "--password-stdin", stdin="s3cret pass\nrest\n")
            self.check(done, 0)
            self.assertEqual(gateway.requests[0][2]["password"], "s3cret pass")
            self.assertNotIn("s3cret", done.stdout + done.stderr)
            for bad in ("", "\n", "a\rb\n", "x\r\n", "x" * 257 + "\n", "a\tb\n"):
                self.check(gateway.run("user", "passwd", "alice", "--password-stdin", stdin=bad), 2, err=["password"])
            self.assertEqual(len(gateway.requests), 1)

    def test_typed_without_echo(self):
        with FakeGateway(accept) as gateway:
            code, output = run_on_terminal("user", "passwd", "alice", "--password-stdin", socket_path=gateway.path,
                                           typed=[("Password: ", "typed-by-hand\n")])
            self.assertEqual(code, 0, output)
            self.assertEqual(gateway.requests[0][2]["password"], "typed-by-hand")
            self.assertNotIn("typed-by-hand", output)

    def test_secrets_file_is_there_before_the_request(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "secrets")
            seen = []

            def look(method, target, body, reply):
                with open(path) as file:
                    seen.append((file.read(), stat.S_IMODE(os.stat(path).st_mode), body["password"]))
                reply.json({})
            with FakeGateway(look) as gateway:
                done = gateway.run("user", "add", "alice", "--lab", "lab1", "--secrets-file", path)
                self.check(done, 0, [path])
                (text, mode, password), = seen
                self.assertEqual((text, mode), (f"alice lab1 {password}\n", 0o600))
                self.assertNotIn(password, done.stdout + done.stderr)
                # Nothing is overwritten, nothing is sent.
                self.check(gateway.run("user", "add", "bob", "--lab", "lab1", "--secrets-file", path), 1, err=["exist"])
                self.assertEqual(len(gateway.requests), 1)

    def test_secrets_file_goes_when_refused_and_stays_in_doubt(self):
        def refuse(method, target, body, reply):
            reply.refuse(404, "not_found", "no lab lab1")

        def vanish(method, target, body, reply):
            pass
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "secrets")
            with FakeGateway(refuse) as gateway:
                self.check(gateway.run("user", "add", "alice", "--lab", "lab1", "--secrets-file", path), 1)
                self.assertFalse(os.path.exists(path))
            self.check(run("user", "add", "alice", "--lab", "lab1", "--secrets-file", path, socket_path="/nowhere"), 1)
            self.assertFalse(os.path.exists(path))
            with FakeGateway(vanish) as gateway:
                self.check(gateway.run("user", "add", "alice", "--lab", "lab1", "--secrets-file", path), 1,
                           err=["kept in " + path])
                with open(path) as file:
                    self.assertEqual(file.read(), f"alice lab1 {gateway.requests[0][2]['password']}\n")

    def test_shown_in_doubt(self):
        with FakeGateway(lambda *_: None) as gateway:
            done = gateway.run("user", "add", "alice", "--lab", "lab1")
            self.check(done, 1, [gateway.requests[0][2]["password"], "not known"], ["broke off"])

    def test_kept_secrets_stay_when_they_could_not_be_shown(self):
        with FakeGateway(keeps_secrets) as gateway:
            for arguments in (["secrets"], ["secrets", "--json"], ["user", "add", "alice@example.org", "--lab", "lab1"]):
                with open("/dev/full", "w") as full:
                    done = subprocess.run([STOWAGE, *arguments], env=environment(gateway.path), stdout=full,
                                          stderr=subprocess.PIPE, text=True, timeout=30)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("No space left on device", done.stderr)
                self.assertIn("stowage secrets", done.stderr)
                self.assertNotIn("one of alice", done.stderr)
                self.assertNotIn("/v1/secrets/shown", [target for _, target, _ in gateway.requests], arguments)
            self.check(gateway.run("secrets"), 0, ["one of alice", "two of alice"])
            self.assertEqual(gateway.requests[-1][2]["secrets"], [
                {"service": service, "email": "alice@example.org", "name": "alice@example.org"} for service in ("FTPS", "Run:ai")])

    def test_kept_secrets_stay_when_the_file_is_on_a_full_disk(self):
        with FakeGateway(keeps_secrets) as gateway, tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "secrets")
            done = gateway.run("secrets", "--secrets-file", path, preexec_fn=lambda: small_files(50))
            self.check(done, 1, err=[path, "stowage secrets"])
            self.assertNotIn("/v1/secrets/shown", [target for _, target, _ in gateway.requests])
            with open(path) as file:
                self.assertEqual(file.read(), "alice@example.org lab1 one of alice FTPS\n")

    def test_a_full_disk_keeps_passwords_that_came_into_use(self):
        site = "compute_resources: [{name: gpu1, gpus: 1}]\nlabs: [{name: lab1, users: [bob]}]\n"

        def handle(method, target, body, reply):
            if target == "/v1/plan":
                return reply.json({"pending": 1, "new_users": ["bob"], "steps": []})
            if target != "/v1/apply":
                return keeps_secrets(method, target, body, reply)
            reply.stream()
            return reply.result(labs=[], users=[{"name": "bob", "lab": "lab1"}], summary="the summary")
        with FakeGateway(handle) as gateway, tempfile.TemporaryDirectory() as directory:
            path, file = os.path.join(directory, "secrets"), os.path.join(directory, "site.yaml")
            with open(file, "w") as out:
                out.write(site)
            done = gateway.run("apply", file, "--secrets-file", path, preexec_fn=lambda: small_files(40))
            self.check(done, 1, ["in " + path], [path, "stowage secrets"])
            sent = next(body for _, target, body in gateway.requests if target == "/v1/apply")
            with open(path) as out:
                self.assertEqual(out.read(), f"bob lab1 {sent['users'][0]['password']}\n")

    def test_a_password_that_was_typed_is_not_shown(self):
        with FakeGateway(keeps_secrets) as gateway:
            for options in ([], ["--json"]):
                done = gateway.run("user", "add", "alice@example.org", "--lab", "lab1", "--password-stdin", *options,
                                   stdin="one of alice\n")
                self.check(done, 0, ["two of alice", "(as given)"])
                self.assertNotIn("one of alice", done.stdout + done.stderr)
            # One that was kept before, of an account that is there, is another.
            self.check(gateway.run("user", "add", "alice@example.org", "--lab", "lab1", "--password-stdin", stdin="another one\n"),
                       0, ["one of alice", "two of alice"])

    def test_a_repair_hands_over_the_secrets_of_whom_it_made(self):
        def handle(method, target, body, reply):
            if target == "/v1/doctor":
                return reply.json({"findings": [{"severity": "error", "check": "x", "what": "w", "why": "y", "fix": "f", "ours": True}]})
            return keeps_secrets(method, target, body, reply)
        with FakeGateway(handle) as gateway, tempfile.TemporaryDirectory() as directory:
            config = os.path.join(directory, "stowage.yaml")
            with open(config, "w") as out:
                out.write("labs.root: /tmp\n")
            self.check(gateway.run("doctor", "--fix", "--config", config), 0, ["one of alice", "two of alice"])
            self.assertEqual(gateway.requests[-1][1], "/v1/secrets/shown")

    def test_what_broke_off_names_where_the_secrets_are(self):
        site = "compute_resources: [{name: gpu1, gpus: 1}]\n"

        def handle(method, target, body, reply):
            if target in ("/v1/plan", "/v1/status", "/v1/doctor"):
                return reply.json({"pending": 1, "new_users": [], "steps": [], "runai": {"configured": True}, "secrets": 2,
                                   "findings": [{"what": "w", "ours": True}]})
            if target == "/v1/secrets":
                return reply.json({"secrets": []})
            return None
        with FakeGateway(handle) as gateway, tempfile.TemporaryDirectory() as directory:
            file, config = os.path.join(directory, "site.yaml"), os.path.join(directory, "stowage.yaml")
            with open(file, "w") as out:
                out.write(site)
            with open(config, "w") as out:
                out.write("labs.root: /tmp\n")
            for words in (("apply", file), ("user", "add", "a@b.de", "--lab", "lab1"), ("doctor", "--fix", "--config", config)):
                self.check(gateway.run(*words), 1, err=["run the command again", "`stowage secrets`"])
            self.check(gateway.run("status"), 0, ["2 secrets of new users wait to be shown", "`stowage secrets`"])

    def test_an_address_may_be_typed_in_capitals(self):
        with FakeGateway(keeps_secrets) as gateway:
            self.check(gateway.run("user", "add", "Alice@Example.org", "--lab", "lab1"), 0, ["one of alice"])
            self.assertEqual(gateway.requests[-1][1], "/v1/secrets/shown")

    def test_no_world_readable_files_and_bad_places(self):
        with FakeGateway(accept) as gateway:
            self.check(gateway.run("user", "add", "a", "--lab", "lab1", "--secrets-file", "/no/such/dir/file"), 1,
                       err=["/no/such/dir/file"])
            self.assertEqual(gateway.requests, [])


if __name__ == "__main__":
    unittest.main()
