"""Reading what a process may do, from /proc. proc(5), capabilities(7)."""

import os
import pathlib
import re


def wanted_a_processor(pid):
    """Seconds that its threads ran or waited to run (schedstat): one that spins does either all the time, however busy the
    machine is."""
    nanoseconds = 0
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            ran, waited, _ = (thread / "schedstat").read_text(encoding="ascii").split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        nanoseconds += int(ran) + int(waited)
    return nanoseconds / 1e9


def tcp_socket(local, remote):
    """The fields of proc(5)'s /proc/net/tcp of the connection between two ports, whichever family the socket is of; None
    without it."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as sockets:
            for fields in [line.split() for line in sockets][1:]:
                if [int(fields[place].rpartition(":")[2], 16) for place in (1, 2)] == [local, remote]:
                    return fields
    return None


class ProcFacts:
    """A snapshot of /proc/PID/status by field name, as text, with typed views."""

    def __init__(self, pid):
        self.pid = pid
        self.fields = dict(line.split(":", 1) for line in self._read("status").splitlines() if ":" in line)
        self.fields = {key: value.strip() for key, value in self.fields.items()}

    def _read(self, name):
        return pathlib.Path(f"/proc/{self.pid}/{name}").read_text(encoding="utf-8", errors="replace")

    @property
    def uids(self):
        """real, effective, saved, filesystem"""
        return [int(number) for number in self.fields["Uid"].split()]

    @property
    def gids(self):
        return [int(number) for number in self.fields["Gid"].split()]

    @property
    def groups(self):
        return [int(number) for number in self.fields["Groups"].split()]

    def capabilities(self, which):
        """which: CapEff, CapPrm, CapInh, CapBnd, CapAmb; the bit numbers."""
        bits = int(self.fields[which], 16)
        return {number for number in range(64) if bits >> number & 1}

    @property
    def no_new_privileges(self):
        return self.fields["NoNewPrivs"] == "1"

    @property
    def seccomp_filter(self):
        return self.fields["Seccomp"] == "2"

    @property
    def oom_score_adj(self):
        return int(self._read("oom_score_adj"))

    @property
    def most_data_bytes(self):
        """The hard limit; None: any."""
        hard = re.search(r"^Max data size +\S+ +(\S+)", self._read("limits"), re.MULTILINE)[1]
        return None if hard == "unlimited" else int(hard)

    @property
    def threads(self):
        return int(self.fields["Threads"])

    @property
    def most_tasks(self):
        """Of its uid: the hard limit; None: any."""
        hard = re.search(r"^Max processes +\S+ +(\S+)", self._read("limits"), re.MULTILINE)[1]
        return None if hard == "unlimited" else int(hard)

    @property
    def most_core_bytes(self):
        """The soft limit, which the kernel goes by."""
        return re.search(r"^Max core file size +(\S+)", self._read("limits"), re.MULTILINE)[1]

    @property
    def is_looked_into_by_its_own_uid(self):
        """False where the process is not dumpable: its files in /proc are root's then (proc(5))."""
        return os.stat(f"/proc/{self.pid}/maps").st_uid != 0

    @property
    def is_sanitized(self):
        return re.search(r"lib[at]san\.so", self._read("maps")) is not None

    @property
    def root(self):
        return os.readlink(f"/proc/{self.pid}/root")

    @property
    def executable(self):
        return os.path.basename(os.readlink(f"/proc/{self.pid}/exe"))

    def descriptors(self):
        """{number: target}"""
        found = {}
        for number in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                found[int(number)] = os.readlink(f"/proc/{self.pid}/fd/{number}")
            except FileNotFoundError:
                pass
        return found

    def descriptor_text(self, number, limit=1 << 20):
        """What a regular file or memfd behind a descriptor holds; empty for others."""
        path = f"/proc/{self.pid}/fd/{number}"
        if not os.path.isfile(path):
            return b""
        with open(path, "rb") as file:
            return file.read(limit)

    def memory_holds(self, needles):
        """Those of the byte strings that stand somewhere in the readable memory of the process."""
        found = set()
        keep = max(map(len, needles)) - 1
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
            for line in self._read("maps").splitlines():
                match = re.match(r"([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+ *(.*)", line)
                if not match or match[3] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                    continue
                begin, end = int(match[1], 16), int(match[2], 16)
                found |= self._search(memory, begin, end, needles, keep)
        return found

    @staticmethod
    def _search(memory, begin, end, needles, keep):
        found, tail = set(), b""
        while begin < end:
            try:
                memory.seek(begin)
                chunk = memory.read(min(end - begin, 1 << 20))
            except (OSError, OverflowError, ValueError):
                break
            if not chunk:
                break
            window = tail + chunk
            found |= {needle for needle in needles if needle in window}
            tail = window[-keep:]
            begin += len(chunk)
        return found
