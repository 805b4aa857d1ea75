"""Node's basic-ftp, fetched by npm for this run: the scenario. It resumes TLS sessions on data connections by itself.

Taken out (that an upload's 150 comes behind the handshake; 0.3 s before it instead): the tree does not go up."""

import shutil
import subprocess

import scenario
from client import output_of
from scripted import Scripted
from stowage_rig import run_tests, skip

_PACKAGE = "basic-ftp@6.2.3"
_PROGRAM = r"""
const { Client } = require(process.env.FTPS_MODULE);
const fs = require("fs");
const stamp = (date) => date.toISOString().replace(/[-:T]|\..*$/g, "");

async function main() {
  const ftp = new Client(60000);
  await ftp.access({
    host: "127.0.0.1", port: +process.env.FTPS_PORT, user: process.env.FTPS_USER, password: process.env.FTPS_PASSWORD,
    secure: true, secureOptions: { ca: fs.readFileSync(process.env.FTPS_CA) },
  });
  const verbs = {
    mkd: (folder) => ftp.send("MKD " + folder),
    put: (local, remote) => ftp.uploadFrom(local, remote),
    get: (remote, local) => ftp.downloadTo(local, remote),
    time: (local, remote) => ftp.send(`MFMT ${stamp(fs.statSync(local).mtime)} ${remote}`),
    when: async (remote, local) => { const time = await ftp.lastMod(remote); fs.utimesSync(local, time, time); },
    reput: async (local, remote) => ftp.appendFrom(local, remote, { localStart: await ftp.size(remote) }),
    reget: (remote, local) => ftp.downloadTo(local, remote, fs.statSync(local).size),
    ren: (old, renamed) => ftp.rename(old, renamed),
    del: (file) => ftp.remove(file),
    rmd: (folder) => ftp.send("RMD " + folder),
    ls: async (folder) => {
      for (const entry of await ftp.list(folder)) console.log(entry.isDirectory ? "d" : "f", entry.name);
    },
  };
  const lines = fs.readFileSync(0, "utf8").split("\n").slice(0, -1);
  for (const line of lines) {
    const [verb, ...paths] = line.split("\t");
    await verbs[verb](...paths);
  }
  ftp.close();
}
main().catch((problem) => { console.error(problem); process.exit(1); });
"""


class Node(Scripted):
    name = "Node basic-ftp"
    command, program, suffix = ("node",), _PROGRAM, ".js"
    modules = ""

    def more_environment(self):
        return {"FTPS_MODULE": f"{self.modules}/node_modules/basic-ftp"}

    def version(self):
        return f"node {output_of(['node', '--version'], text=True).strip()}, {_PACKAGE}"


class NodeWorks(scenario.Scenario):
    clients = (Node(),)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Node.modules = cls.rig.folder / "npm"
        Node.modules.mkdir()
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(Node.modules), _PACKAGE]
        try:
            output_of(command)
        except (AssertionError, subprocess.TimeoutExpired) as problem:
            cls.doClassCleanups()
            skip(f"npm cannot fetch {_PACKAGE} here: {problem}")


if __name__ == "__main__":
    if not shutil.which("node") or not shutil.which("npm"):
        skip("node and npm are not installed")
    run_tests()
