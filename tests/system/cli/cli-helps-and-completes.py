# Promise: every command explains itself with an example; bash completes commands, options and names, and does not hang
# with the gateway; check and the printed pages need no gateway.
import os
import re
import socket
import subprocess
import tempfile
import time
import unittest

from fake_gateway import SOURCE, STOWAGE, CliTest, FakeGateway, environment, run

SCRIPT = os.path.join(SOURCE, "deploy/completions/stowage")
COMMANDS = ["lab create", "lab set", "lab list", "lab show", "lab delete", "user add", "user passwd", "user list",
            "user remove", "sessions", "sessions kill", "clients", "bans list", "bans clear", "status", "verify", "check",
            "plan", "apply", "prune", "doctor", "secrets", "tls install", "tls show", "backup", "restore", "config reference", "config example",
            "completion", "manual", "version"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def complete(line, socket_path="/nowhere"):
    """What bash would offer for the line's last word."""
    words = line.split(" ")
    script = (f"source {SCRIPT}\nCOMP_WORDS=({' '.join(repr(w) for w in words)})\nCOMP_CWORD={len(words) - 1}\n"
              "_stowage\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n")
    env = environment(socket_path, PATH=os.path.dirname(os.path.abspath(STOWAGE)) + ":" + os.environ["PATH"])
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, env=env, timeout=30)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.split()


class Help(CliTest):
    def test_every_command_has_an_example(self):
        for command in COMMANDS + ["lab", "user", "bans", "tls", "config"]:
            done = run(*command.split(), "--help")
            self.check(done, 0, ["Usage: stowage " + command, "Example:"])
            example = done.stdout.split("Example:\n")[1]
            self.assertIn("stowage " + command.split()[0], example)
        listed = set(re.findall(r"^  ([a-z]+) {3,}", run("--help").stdout.split("Subcommands:")[1], re.M))
        self.assertEqual(listed, {command.split()[0] for command in COMMANDS})

    def test_usage_errors(self):
        for arguments in ([], ["frob"], ["lab"], ["lab", "frob"], ["lab", "create"], ["lab", "create", "a", "b"],
                          ["lab", "show", "../x"], ["lab", "create", ""], ["lab", "create", "a" * 58],
                          ["lab", "create", "a", "--quota", "1e30"], ["lab", "create", "a", "--quota", "-1"],
                          ["lab", "create", "a", "--clients", "10.1.2.3/8"], ["user", "add", "alice"],
                          ["user", "add", "a:b", "--lab", "l"], ["--frob", "status"], ["status", "--timeout", "x"],
                          ["sessions", "kill"], ["sessions", "kill", "x"], ["sessions", "kill", "-1"],
                          ["sessions", "--lab", "../x"], ["bans"], ["bans", "clear"], ["bans", "clear", "host"],
                          ["bans", "clear", "192.0.2.1", "--all"],
                          ["completion", "zsh"], ["check", "--set", "novalue"], ["tls"], ["tls", "install", "a"],
                          ["backup"], ["restore"], ["backup", "x", "--set", "novalue"], ["manual", "passwd"]):
            self.check(run(*arguments), 2, err=["stowage: ", "remedy: "])
        self.check(run("lab", "creat"), 2, err=["creat", "did you mean create"])

    def test_check(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "stowage.yaml")
            with open(path, "w") as file:
                file.write("ftps:\n  port: 99999\n  prot: 1\n")
            self.check(run("check", "--config", path), 78, err=[path + ":2", "ftps.port", path + ":3", "ftps.prot"])
            self.check(run("check", "--config", path + "x"), 78)
            self.check(run("check", "--set", "ftps.port=0"), 78, err=["--set", "ftps.port"])

    def test_check_looks_at_the_machine(self):
        with tempfile.TemporaryDirectory() as directory:
            for name in ("labs", "pam", "run"):
                os.mkdir(os.path.join(directory, name), 0o755)
            for name in ("pam/stowage", "stowage.yaml"):
                with open(os.path.join(directory, name), "w"):
                    pass
            settings = {"process.controller_user": "1", "process.front_user": "2", "process.admin_group": "3",
                        "labs.root": directory + "/labs", "accounts.pam_confdir": directory + "/pam",
                        "state_dir": directory, "run_dir": directory + "/run", "nfs.server": "ganesha",
                        "nfs.ganesha_executable": "/bin/true", "nfs.dbus_executable": "/bin/true",
                        "nfs.port": str(free_port()), "nfs.bind_address": "127.0.0.1", "ftps.listen": "127.0.0.1",
                        "ftps.port": str(free_port()), "ftps.implicit_port": "0", "ftps.passive_ports": "2000-2001"}

            def check(**changed):
                wanted = {**settings, **changed}
                return run("check", "--config", directory + "/stowage.yaml",
                           *(f"--set={key}={value}" for key, value in wanted.items()))
            self.check(check(), 0, ["the configuration is right"])
            self.check(check(**{"labs.root": "/no/such/place"}), 78, ["--set: labs.root: /no/such/place does not exist"])
            with socket.create_server(("127.0.0.1", 0)) as taken:
                self.check(check(**{"ftps.port": str(taken.getsockname()[1])}), 78, ["ftps.port", "in use"])
                # A gateway that runs holds its ports itself.
                with FakeGateway(lambda method, target, body, reply: reply.json({})) as gateway:
                    self.check(check(**{"ftps.port": str(taken.getsockname()[1]),
                                        "run_dir": os.path.dirname(gateway.path)}), 0)

    def test_pages_are_current(self):
        for command, path in (("reference", "deploy/docs/configuration.md"), ("example", "deploy/examples/stowage.yaml")):
            with open(os.path.join(SOURCE, path)) as file:
                self.assertEqual(run("config", command).stdout, file.read(),
                                 f"make it anew: stowage config {command} > {path}")

    def test_pages_of_the_manual(self):
        for page, section in (("stowage", ".TH STOWAGE 1"), ("stowage.yaml", ".TH STOWAGE.YAML 5")):
            self.check(run("manual", page), 0, [section, ".SH SEE ALSO"])
        text = run("manual", "stowage").stdout.replace("\\-", "-")
        for command in COMMANDS:
            self.assertIn(f".SS stowage {command}\n", text)
        page = run("manual", "stowage.yaml").stdout
        with open(os.path.join(SOURCE, "deploy/examples/stowage.yaml")) as file:
            for key in re.findall(r"^ *#([a-z_0-9]+): ", file.read(), re.M):
                self.assertIn(key, page)

    def test_documented_commands(self):
        with open(os.path.join(SOURCE, "deploy/docs/cli.md")) as file:
            text = file.read()
        for command in COMMANDS:
            self.assertIn("stowage " + command, text)


class Completion(CliTest):
    def test_loads(self):
        with open(SCRIPT) as file:
            self.assertEqual(run("completion", "bash").stdout, file.read())
        subprocess.run(["bash", "-n", SCRIPT], check=True)
        done = subprocess.run(["bash", "--norc", "-c", f"source {SCRIPT} && complete -p stowage"], capture_output=True,
                              text=True, check=True)
        self.assertIn("_stowage", done.stdout)

    def test_knows_every_command_and_option(self):
        for command in COMMANDS:
            *group, name = command.split()
            self.assertIn(name, complete(" ".join(["stowage", *group, ""])), command)
            usage = run(*command.split(), "--help").stdout
            for option in set(re.findall(r"^  (?:-h,)?(--[a-z-]+)", usage, re.M)):
                self.assertIn(option, complete(f"stowage {command} {option[:3]}"), command)

    def test_offers_names(self):
        def names(method, target, body, reply):
            if target == "/v1/labs":
                return reply.json({"labs": [{"name": "lab1"}, {"name": "lab2"}, {"name": "other"}]})
            if target.startswith("/v1/sessions"):
                return reply.json({"sessions": [{"id": 17, "user": "a"}, {"id": 4, "user": "id"}], "more": False})
            if target == "/v1/bans":
                return reply.json({"bans": [{"address": "192.0.2.7", "user": "x"}, {"address": "2001:db8::/64"}]})
            reply.json({"users": [{"name": "alice"}, {"name": "bob"}]})
        with FakeGateway(names) as gateway:
            self.assertEqual(complete("stowage verify la", gateway.path), ["lab1", "lab2"])
            self.assertEqual(complete("stowage user add x --lab o", gateway.path), ["other"])
            self.assertEqual(complete("stowage --json user remove ", gateway.path), ["alice", "bob"])
            self.assertEqual(complete(f"stowage --socket {gateway.path} lab show l"), ["lab1", "lab2"])
            self.assertEqual(complete("stowage sessions --user a", gateway.path), ["alice"])
            self.assertEqual(complete("stowage sessions kill ", gateway.path), ["17", "4"])
            self.assertEqual(complete("stowage bans clear ", gateway.path), ["192.0.2.7", "2001:db8::/64"])

    def test_does_not_hang_with_the_gateway(self):
        with FakeGateway(lambda *_: gateway.over.wait(30)) as gateway:
            start = time.monotonic()
            complete("stowage verify ", gateway.path)
            self.assertLess(time.monotonic() - start, 8)


if __name__ == "__main__":
    unittest.main()
