"""QEMU's control socket (docs/interop/qmp-spec.txt): a command at a time, and events."""

import json

from rig import host


class Monitor:
    """`end` is our end of the socket; QEMU has the other one."""

    def __init__(self, end, seconds):
        end.settimeout(seconds)
        self._stream = end.makefile("rwb")
        self._next("QMP")
        self.ask("qmp_capabilities")

    def _next(self, *keys):
        """The next message that has one of the keys."""
        while True:
            line = self._stream.readline()
            if not line:
                raise host.Failed("QEMU ended while it was asked for something")
            message = json.loads(line)
            if any(key in message for key in keys):
                return message

    def ask(self, command, **arguments):
        self._stream.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        self._stream.flush()
        reply = self._next("return", "error")
        if "error" in reply:
            raise host.Failed(f"QEMU, {command}: {reply['error']['desc']}")
        return reply["return"]

    def move_state(self, command, uri):
        """`migrate` or `migrate-incoming`, to its end. The guest's memory is a file and does not go along."""
        capabilities = [{"capability": name, "state": True} for name in ("x-ignore-shared", "events")]
        self.ask("migrate-set-capabilities", capabilities=capabilities)
        self.ask(command, uri=uri)
        while True:
            message = self._next("event")
            if message["event"] == "MIGRATION":
                status = message["data"]["status"]
                if status == "completed":
                    return
                if status in ("failed", "cancelled"):
                    raise host.Failed(f"QEMU, {command}: {status}")
