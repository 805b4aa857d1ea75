"""PHP's ftp extension of Debian 12: the scenario. It resumes TLS sessions on data connections by itself, and cannot check
the server's certificate: it has no such setting."""

import shutil

from client import debian_version
import scenario
from scripted import Scripted
from stowage_rig import run_tests, skip

_PROGRAM = r"""<?php
set_error_handler(function ($number, $text) { throw new Exception($text); });
$ftp = ftp_ssl_connect('127.0.0.1', (int) getenv('FTPS_PORT'), 60);
ftp_login($ftp, getenv('FTPS_USER'), getenv('FTPS_PASSWORD'));
ftp_pasv($ftp, true);
$verbs = [
    'mkd' => fn($folder) => ftp_mkdir($ftp, $folder),
    'put' => fn($local, $remote) => ftp_put($ftp, $remote, $local, FTP_BINARY),
    'get' => fn($remote, $local) => ftp_get($ftp, $local, $remote, FTP_BINARY),
    'time' => fn($local, $remote) => ftp_raw($ftp, 'MFMT ' . gmdate('YmdHis', filemtime($local)) . " $remote")[0][0] == 2,
    'when' => fn($remote, $local) => touch($local, ftp_mdtm($ftp, $remote)),
    'reput' => fn($local, $remote) => ftp_put($ftp, $remote, $local, FTP_BINARY, FTP_AUTORESUME),
    'reget' => fn($remote, $local) => ftp_get($ftp, $local, $remote, FTP_BINARY, FTP_AUTORESUME),
    'ren' => fn($old, $new) => ftp_rename($ftp, $old, $new),
    'del' => fn($file) => ftp_delete($ftp, $file),
    'rmd' => fn($folder) => ftp_rmdir($ftp, $folder),
    'ls' => function ($folder) use ($ftp) {
        foreach (ftp_mlsd($ftp, $folder) as $entry)
            if ($entry['type'] == 'file' || $entry['type'] == 'dir') echo $entry['type'][0], ' ', $entry['name'], "\n";
        return true;
    },
];
while (($line = fgets(STDIN)) !== false) {
    $words = explode("\t", rtrim($line, "\n"));
    if (!$verbs[array_shift($words)](...$words)) throw new Exception("refused: $line");
}
ftp_close($ftp);
"""


class Php(Scripted):
    name = "PHP ftp"
    command, program, suffix = ("/usr/bin/php",), _PROGRAM, ".php"

    def version(self):
        return f"php {debian_version('php8.2-cli')}"


class PhpWorks(scenario.Scenario):
    clients = (Php(),)


if __name__ == "__main__":
    if not shutil.which("php"):
        skip("php is not installed")
    run_tests()
