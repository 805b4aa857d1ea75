# A control server on a Unix socket that says whatever a test wants, and a way to run `stowage` against it.
# Runs in: tests.
import json
import os
import pty
import select
import socket
import subprocess
import tempfile
import threading
import time
import unittest

BIN = os.environ.get("STOWAGE_BIN", "build/dev/bin")
STOWAGE = os.path.join(BIN, "stowage")
SOURCE = os.environ.get("STOWAGE_SOURCE", ".")


class Reply:
    """The answer to one request, byte by byte if need be."""

    def __init__(self, connection):
        self.connection = connection

    def raw(self, data):
        self.connection.sendall(data)

    def json(self, value, status=200):
        body = json.dumps(value).encode()
        self.raw(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body)))
        self.raw(body)

    def refuse(self, status, code, what, remedy=""):
        self.json({"error": {"code": code, "what": what, "remedy": remedy}}, status)

    def stream(self):
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")

    def chunk(self, data):
        self.raw(b"%x\r\n" % len(data) + data + b"\r\n")

    def event(self, **fields):
        self.chunk(json.dumps(fields).encode() + b"\n")

    def step(self, lab, step, state, title=None, **more):
        self.event(event="step", lab=lab, step=step, title=title or step, state=state, **more)

    def result(self, ok=True, converged=True, **more):
        self.event(event="result", ok=ok, converged=converged, **more)
        self.raw(b"0\r\n\r\n")


class FakeGateway:
    """Serves each connection in a thread; `handler(method, target, body, reply)` answers. Records requests."""

    def __init__(self, handler):
        self.directory = tempfile.TemporaryDirectory(prefix="stowage-cli-")
        os.chmod(self.directory.name, 0o755)
        self.path = os.path.join(self.directory.name, "control.sock")
        self.handler = handler
        self.requests = []
        self.over = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(16)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)
        self.directory.cleanup()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            data = b""
            while b"\r\n\r\n" not in data:
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            head, body = data.split(b"\r\n\r\n", 1)
            lines = head.decode().split("\r\n")
            method, target, _ = lines[0].split(" ")
            headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
            while len(body) < int(headers.get("content-length", "0")):
                body += connection.recv(65536)
            value = json.loads(body) if body else None
            self.requests.append((method, target, value))
            try:
                self.handler(method, target, value, Reply(connection))
            except OSError:
                pass

    def run(self, *arguments, **more):
        return run(*arguments, socket_path=self.path, **more)


def environment(socket_path=None, **more):
    env = {k: v for k, v in os.environ.items() if k not in ("STOWAGE_SOCKET", "NO_COLOR")}
    if socket_path:
        env["STOWAGE_SOCKET"] = socket_path
    env.update(more)
    return env


def run(*arguments, socket_path=None, stdin="", timeout=30, program=STOWAGE, env=None, **more):
    """Runs to the end with pipes; `stdin` is text."""
    return subprocess.run([program, *arguments], input=stdin, text=True, capture_output=True, timeout=timeout,
                          env=environment(socket_path, **(env or {})), **more)


def run_on_terminal(*arguments, socket_path=None, typed=(), timeout=30, env=None, stdin_is_terminal=True):
    """Runs on a pseudo terminal; `typed` is pairs of (text to wait for, text to type). Returns (exit code, output)."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen([STOWAGE, *arguments], stdin=terminal if stdin_is_terminal else subprocess.DEVNULL,
                               stdout=terminal, stderr=terminal, start_new_session=True,
                               env=environment(socket_path, TERM="xterm", **(env or {})))
    os.close(terminal)
    output, typed, deadline = b"", list(typed), time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not select.select([controller], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(controller, 65536)
        except OSError:  # EIO: the other side is closed
            break
        if not data:
            break
        output += data
        if typed and typed[0][0].encode() in output:
            os.write(controller, typed.pop(0)[1].encode())
    os.close(controller)
    return process.wait(timeout), output.decode(errors="replace")


class CliTest(unittest.TestCase):
    def check(self, process, code, out=(), err=()):
        """Exit code, and words that must stand in the outputs."""
        message = f"\nexit {process.returncode}\nstdout:\n{process.stdout}\nstderr:\n{process.stderr}"
        self.assertEqual(process.returncode, code, message)
        for word in out:
            self.assertIn(word, process.stdout, message)
        for word in err:
            self.assertIn(word, process.stderr, message)
