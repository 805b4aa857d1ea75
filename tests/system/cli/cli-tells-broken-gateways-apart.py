# Promise: a gateway that is not there, not ours to use, silent, gone half way or talking nonsense ends the command
# with 1, in time, and in words that say which of these it was.
import grp
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from fake_gateway import STOWAGE, CliTest, FakeGateway, environment, run


class BrokenGateways(CliTest):
    def test_not_running(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "control.sock")
            self.check(run("status", "--socket", path), 1, err=["not running", "systemctl start stowage", "stowage check", path])
            with socket.socket(socket.AF_UNIX) as dead:
                dead.bind(path)  # and never listens
                self.check(run("status", socket_path=path), 1, err=["nobody listens"])
            self.check(run("status", "--socket", "/" + "x" * 200), 2, err=["107"])

    @unittest.skipIf(os.geteuid() != 0, "only root can become somebody else")
    def test_no_permission(self):
        with FakeGateway(lambda *_: None) as gateway, tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            program = shutil.copy(STOWAGE, directory)
            os.chmod(gateway.path, 0o660)
            os.chown(gateway.path, 0, grp.getgrnam("daemon").gr_gid)
            self.check(run("status", socket_path=gateway.path, program=program, user=65534, group=65534, extra_groups=[]),
                       1, err=["may not use", "the group daemon", "sudo"])

    def test_refusal_in_the_gateways_words(self):
        def refuse(method, target, body, reply):
            reply.refuse(409, "exists", "lab lab1 exists already", "see stowage lab show lab1")
        with FakeGateway(refuse) as gateway:
            self.check(gateway.run("lab", "create", "lab1"), 1,
                       err=["stowage: lab lab1 exists already", "remedy: see stowage lab show lab1"])
            self.check(gateway.run("lab", "create", "lab1", "--json"), 1, out=['"code":"exists"'])

    def test_silence_has_a_limit(self):
        def hang(method, target, body, reply):
            gateway.over.wait(30)

        def hang_half_way(method, target, body, reply):
            reply.stream()
            reply.step("lab1", "make_directory", "done", ms=1)
            gateway.over.wait(30)
        for handler, arguments in ((hang, ["status"]), (hang, ["lab", "create", "lab1"]),
                                   (hang_half_way, ["verify", "lab1"])):
            with FakeGateway(handler) as gateway:
                start = time.monotonic()
                self.check(gateway.run(*arguments, "--timeout", "1"), 1, err=["said nothing for 1 seconds"])
                self.assertLess(time.monotonic() - start, 10)

    def test_events_renew_the_limit(self):
        def slow(method, target, body, reply):
            reply.stream()
            for number in range(4):
                time.sleep(0.6)  # the pace itself is what is tested
                reply.step("lab1", f"step{number}", "done", ms=600)
            reply.result(summary="all well")
        with FakeGateway(slow) as gateway:
            self.check(gateway.run("verify", "lab1", "--timeout", "1"), 0, ["all well"])

    def test_gone_half_way(self):
        def die(method, target, body, reply):
            reply.stream()
            reply.step("lab1", "make_directory", "done", "directory", ms=1)
        with FakeGateway(die) as gateway:
            self.check(gateway.run("lab", "create", "lab1"), 1, ["done      lab1  directory"],
                       ["broke off", "stowage status"])

    def test_end_without_result(self):
        def forget(method, target, body, reply):
            reply.stream()
            reply.raw(b"0\r\n\r\n")
        with FakeGateway(forget) as gateway:
            self.check(gateway.run("lab", "create", "lab1"), 1, err=["without a result"])

    def test_result_counts_even_if_the_connection_breaks_after_it(self):
        def break_late(method, target, body, reply):
            reply.stream()
            reply.event(event="result", ok=True, converged=True, summary="fine")
        with FakeGateway(break_late) as gateway:
            self.check(gateway.run("lab", "create", "lab1"), 0, ["fine"])

    def test_nonsense(self):
        cases = [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope",
                 b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[12]", b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\nxx",
                 b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", b"\x00" * 100, b"",
                 b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
                 b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"event":"step","sta']
        for case in cases:
            for arguments in (["status"], ["verify", "lab1"], ["user", "add", "u", "--lab", "l"]):
                with FakeGateway(lambda m, t, b, reply: reply.raw(case)) as gateway:
                    done = gateway.run(*arguments)
                    self.assertEqual(done.returncode, 1, (case, arguments, done.stdout, done.stderr))
                    self.assertIn("stowage: ", done.stderr)

    def test_split_and_joined_chunks(self):
        events = (b'{"event":"step","lab":"lab1","step":"a","title":"first","state":"done","ms":1}\n'
                  b'{"event":"step","lab":"lab1","step":"b","title":"second","state":"done","ms":1}\n'
                  b'{"event":"result","ok":true,"converged":true,"summary":"over"}')

        def dribble(method, target, body, reply):
            reply.stream()
            for byte in events:
                reply.chunk(bytes([byte]))
            reply.raw(b"0\r\n\r\n")

        def at_once(method, target, body, reply):
            reply.stream()
            reply.chunk(events)
            reply.raw(b"0\r\n\r\n")
        for handler in (dribble, at_once):
            with FakeGateway(handler) as gateway:
                self.check(gateway.run("verify", "lab1"), 0, ["first", "second", "over"])

    def test_endless_line_is_refused(self):
        def flood(method, target, body, reply):
            reply.stream()
            while True:
                reply.chunk(b"x" * 65536)
        with FakeGateway(flood) as gateway:
            self.check(gateway.run("verify", "lab1"), 1, err=["without end"])

    def test_interrupt_ends_by_the_signal_and_in_words(self):
        begun = threading.Event()

        def hang(method, target, body, reply):
            reply.stream()
            reply.step("lab1", "make_directory", "start")
            begun.set()
            gateway.over.wait(30)
        with FakeGateway(hang) as gateway:
            process = subprocess.Popen([STOWAGE, "lab", "create", "lab1"], env=environment(gateway.path), text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertTrue(begun.wait(20))
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
            self.assertEqual(process.returncode, -signal.SIGINT)
            self.assertIn("the gateway goes on with what it began", err)

    def test_full_disk_is_noticed(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "w") as full:
            done = subprocess.run([STOWAGE, "version"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)


if __name__ == "__main__":
    unittest.main()
