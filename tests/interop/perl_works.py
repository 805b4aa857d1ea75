"""Perl's Net::FTP with IO::Socket::SSL, both of Debian 12: the scenario. It keeps TLS sessions under a key, and forgets to
tell data connections that key: as it is, it needs a lab with `data_tls_resumption: optional`; with the key as a default
of IO::Socket::SSL (members' guide) it works in any. It has no MLSD: what is a directory, SIZE tells.

Taken out (accept_in() and judge() send tickets on data connections): uploads end with 426, reset by peer."""

import shutil
import subprocess

from client import debian_version
import scenario
from scripted import Scripted
from stowage_rig import run_tests, skip

_PROGRAM = r"""
use strict; use warnings; use Net::FTP; use IO::Socket::SSL;
use POSIX qw(strftime); use Time::Local;
IO::Socket::SSL::set_client_defaults(SSL_session_key => '127.0.0.1') if $ENV{FTPS_RESUME};
my $ftp = Net::FTP->new('127.0.0.1', Port => $ENV{FTPS_PORT}, Passive => 1, Timeout => 60,
    SSL_ca_file => $ENV{FTPS_CA}) or die "connect: $@";
$ftp->starttls or die 'starttls: ' . $ftp->message;
$ftp->login($ENV{FTPS_USER}, $ENV{FTPS_PASSWORD}) or die 'login: ' . $ftp->message;
$ftp->binary;
my %do = (
    mkd => sub { $ftp->mkdir($_[0]) },
    put => sub { $ftp->put(@_) },
    get => sub { $ftp->get(@_) },
    time => sub { $ftp->quot('MFMT', strftime('%Y%m%d%H%M%S', gmtime((stat $_[0])[9])), $_[1]) == 2 },
    when => sub { my $time = $ftp->mdtm($_[0]); utime($time, $time, $_[1]) },
    reput => sub {
        my $there = $ftp->size($_[1]);
        open(my $file, '<:raw', $_[0]) or die $!;
        seek($file, $there, 0);
        $ftp->append($file, $_[1]);
    },
    reget => sub { $ftp->get(@_, -s $_[1]) },
    ren => sub { $ftp->rename(@_) },
    del => sub { $ftp->delete($_[0]) },
    rmd => sub { $ftp->rmdir($_[0]) },
    ls => sub {
        my $names = $ftp->ls($_[0]) or return;
        for my $path (@$names) {
            my ($name) = $path =~ m{([^/]*)$};
            print defined $ftp->size("$_[0]/$name") ? 'f' : 'd', " $name\n";
        }
        1;
    },
);
while (my $line = <STDIN>) {
    chomp $line;
    my ($verb, @paths) = split /\t/, $line, -1;
    $do{$verb}->(@paths) or die "$line: " . $ftp->code . ' ' . $ftp->message;
}
$ftp->quit;
"""


class Perl(Scripted):
    command, program, suffix = ("/usr/bin/perl",), _PROGRAM, ".pl"

    def __init__(self, name, lab, resuming):
        self.name, self.lab, self.resuming = name, lab, resuming

    def more_environment(self):
        return {"FTPS_RESUME": "yes"} if self.resuming else {}

    def version(self):
        return f"perl {debian_version('perl')}, IO::Socket::SSL {debian_version('libio-socket-ssl-perl')}"


class PerlWorks(scenario.Scenario):
    optional_lab = True
    clients = (
        Perl("Perl Net::FTP, resumption optional", "lab2", False),
        Perl("Perl Net::FTP, with a session key", "lab1", True),
    )


if __name__ == "__main__":
    if not shutil.which("perl"):
        skip("perl is not installed")
    if subprocess.run(["/usr/bin/perl", "-MIO::Socket::SSL", "-e1"], capture_output=True, check=False).returncode != 0:
        skip("Perl's IO::Socket::SSL is not installed (libio-socket-ssl-perl)")
    run_tests()
