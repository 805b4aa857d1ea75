# Promise: passwords never stand in argv, are shown exactly once, and no failure loses one that came into use.
import json
import os
import re
import stat
import subprocess
import tempfile
import threading
import unittest

from fake_gateway import STOWAGE, CliTest, FakeGateway, environment, run, run_on_terminal

PASSWORD = re.compile(r"\b[a-zA-Z3-9]{20}\b")


def accept(method, target, body, reply):
    reply.json({"name": "alice", "lab": "lab1", "created_at": 1790000000})


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

    def test_no_world_readable_files_and_bad_places(self):
        with FakeGateway(accept) as gateway:
            self.check(gateway.run("user", "add", "a", "--lab", "lab1", "--secrets-file", "/no/such/dir/file"), 1,
                       err=["/no/such/dir/file"])
            self.assertEqual(gateway.requests, [])


if __name__ == "__main__":
    unittest.main()
