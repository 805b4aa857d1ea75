// runai_stand_in: a small server that behaves as Run:ai's control plane does, for tests and the quickstart.
// Runs as: the caller, on 127.0.0.1.
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "gateway/base/atomic_file.hpp"
#include "tests/support/runai_stand_in/server.hpp"

namespace {

using namespace stowage;

constexpr const char* secret_variable = "RUNAI_STAND_IN_CLIENT_SECRET";

/// From a file that nobody else can read, or from the environment; never from the command line.
Result<Secret> read_secret(const std::string& file) {
    if (file.empty()) {
        const char* text = ::getenv(secret_variable);
        if (text == nullptr || *text == '\0')
            return Error{Code::usage, "no client secret",
                         fmt::format("give --client-secret-file FILE or set {}", secret_variable)};
        return Secret(text);
    }
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return system_error(errno, "stat " + file);
    if ((status.st_mode & 077) != 0)
        return Error{Code::config, file + " is open to others", "chmod 600 " + file};
    TRY(auto text, read_file(file, 4096));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    return Secret(text);
}

struct Wishes {
    stand_in::Options options;
    std::string secret_file, port_file;
    unsigned token_lifetime = 3600;
    bool die_with_parent = false;
};

void declare(CLI::App& app, Wishes& wishes) {
    auto& options = wishes.options;
    app.add_option("--port", options.port, "0: any free port")->capture_default_str();
    app.add_option("--port-file", wishes.port_file, "gets the port number once it listens");
    app.add_option("--state", options.state_file,
                   "JSON file that keeps what was stored; default: memory only");
    app.add_option("--cluster-version", options.version, "2.20.x, or newer for the API of 2.24")
        ->capture_default_str();
    auto* certificate = app.add_option("--certificate", options.certificate, "PEM chain: serve TLS");
    app.add_option("--key", options.key, "PEM key of the certificate")->needs(certificate);
    app.add_option("--cluster", options.cluster, "the cluster's name")->capture_default_str();
    app.add_option("--department", options.departments,
                   "a department of the cluster; may be given several times");
    app.add_option("--client-id", options.client_id)->capture_default_str();
    app.add_option("--client-secret-file", wishes.secret_file,
                   fmt::format("mode 0600; default: the environment variable {}", secret_variable));
    app.add_option("--token-lifetime", wishes.token_lifetime, "seconds")->capture_default_str();
    app.add_flag("--die-with-parent", wishes.die_with_parent, "end when the starting process ends");
    app.footer("Example: runai_stand_in --department lab1 --client-secret-file secret --port-file port");
}

int serve(Wishes wishes) {
    boost::asio::io_context context(1);
    boost::asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&context](boost::system::error_code, int) { context.stop(); });
    auto server = stand_in::Server::start(context.get_executor(), std::move(wishes.options));
    if (!server) {
        fmt::print(stderr, "runai_stand_in: {}\n", server.error().text());
        return 1;
    }
    if (!wishes.port_file.empty()) {
        const auto written = write_atomically(wishes.port_file, fmt::format("{}\n", (*server)->port()),
                                              {::geteuid(), ::getegid(), 0644});
        if (!written) {
            fmt::print(stderr, "runai_stand_in: {}\n", written.error().text());
            return 1;
        }
    }
    fmt::print("{}\n", (*server)->url());
    ::fflush(stdout);
    context.run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Behaves as the Run:ai control plane does, as far as stowage uses it.", "runai_stand_in");
    Wishes wishes;
    declare(app, wishes);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error);
        return code == 0 ? 0 : 2;
    }
    if (wishes.die_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (wishes.options.certificate.empty() != wishes.options.key.empty()) {
        fmt::print(stderr, "runai_stand_in: --certificate and --key go together\n");
        return 2;
    }
    auto secret = read_secret(wishes.secret_file);
    if (!secret) {
        fmt::print(stderr, "runai_stand_in: {}\n", secret.error().text());
        return 2;
    }
    wishes.options.client_secret = std::move(*secret);
    wishes.options.token_lifetime = std::chrono::seconds(wishes.token_lifetime);
    return serve(std::move(wishes));
}
