"""Ruby's Net::FTP of Debian 12: the scenario. It resumes TLS sessions on data connections by itself.

Taken out (accept_in() and judge() send tickets on data connections): uploads end with 426, reset by peer."""

import shutil

from client import debian_version
import scenario
from scripted import Scripted
from stowage_rig import run_tests, skip

_PROGRAM = r"""
require 'net/ftp'
ftp = Net::FTP.new('127.0.0.1', port: ENV['FTPS_PORT'].to_i, username: ENV['FTPS_USER'],
                   password: ENV['FTPS_PASSWORD'], ssl: { ca_file: ENV['FTPS_CA'] })
verbs = {
  'mkd' => ->(folder) { ftp.mkdir(folder) },
  'put' => ->(local, remote) { ftp.putbinaryfile(local, remote) },
  'get' => ->(remote, local) { ftp.getbinaryfile(remote, local) },
  'time' => ->(local, remote) { ftp.voidcmd("MFMT #{File.mtime(local).utc.strftime('%Y%m%d%H%M%S')} #{remote}") },
  'when' => ->(remote, local) { time = ftp.mtime(remote); File.utime(time, time, local) },
  'reput' => ->(local, remote) { ftp.resume = true; ftp.putbinaryfile(local, remote) },
  'reget' => ->(remote, local) { ftp.resume = true; ftp.getbinaryfile(remote, local) },
  'ren' => ->(old, new) { ftp.rename(old, new) },
  'del' => ->(file) { ftp.delete(file) },
  'rmd' => ->(folder) { ftp.rmdir(folder) },
  'ls' => lambda { |folder|
    ftp.mlsd(folder) do |entry|
      puts "#{entry.file? ? 'f' : 'd'} #{entry.pathname}" if entry.file? || entry.facts['type'] == 'dir'
    end
  }
}
$stdin.each_line(chomp: true) { |line| verb, *paths = line.split("\t", -1); verbs.fetch(verb).call(*paths) }
ftp.quit
ftp.close
"""


class Ruby(Scripted):
    name = "Ruby Net::FTP"
    command, program, suffix = ("/usr/bin/ruby",), _PROGRAM, ".rb"

    def version(self):
        return f"ruby {debian_version('ruby')}"


class RubyWorks(scenario.Scenario):
    clients = (Ruby(),)


if __name__ == "__main__":
    if not shutil.which("ruby"):
        skip("ruby is not installed")
    run_tests()
