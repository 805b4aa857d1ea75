// The load client of tests/bench. Talks with the driver in lines: prints "ready" when every session is logged
// in, waits for a line, works, prints its result as JSON, waits for a line, leaves. So the driver can read
// the servers' CPU clocks between. Runs in: the bench.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "tests/bench/load/ftps_session.hpp"

namespace stowage::bench {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t logins_at_once = 8;

constexpr const char* usage = R"(Usage: bench_load WHAT port=N user=NAME [key=value...]
The password is the first line of standard input. resume=newest: data connections resume the session that the last one
brought, not that of the control connection.
  put         sessions=1 files=1 bytes=0 prefix=NAME   uploads prefixS-F for each session S and file F
  get         sessions=1 files=1 prefix=NAME           downloads them
  list        verb=MLSD directory=NAME                 one listing
  login       sessions=1 parallel=1                    each logs in, lists, leaves
  unpack      file=LOCAL name=NAME                     uploads an archive, SITE UNPACK into NAME.d
  idle        sessions=1                               logs in and waits
  raw-put     bytes=N                                  TLS alone, to bench_bare_loop
  raw-get                                              TLS alone, from bench_bare_loop
)";

struct Options {
    std::map<std::string, std::string> values;

    std::string text(const std::string& key) const {
        const auto found = values.find(key);
        return found == values.end() ? std::string() : found->second;
    }
    std::uint64_t number(const std::string& key, std::uint64_t missing) const {
        const auto found = values.find(key);
        return found == values.end() ? missing : std::strtoull(found->second.c_str(), nullptr, 10);
    }
    Account account(std::string password) const {
        return {static_cast<std::uint16_t>(number("port", 0)), text("user"), std::move(password),
                text("resume") == "newest"};
    }
};

double since(Clock::time_point began) {
    return std::chrono::duration<double>(Clock::now() - began).count();
}

void say(const std::string& line) {
    std::fputs((line + "\n").c_str(), stdout);
    std::fflush(stdout);
}

std::string wait_line() {
    std::string line;
    if (!std::getline(std::cin, line)) std::_Exit(0);  // the driver has gone
    return line;
}

void run_parallel(std::size_t threads, const std::function<void(std::size_t)>& work) {
    std::vector<std::thread> running;
    for (std::size_t i = 0; i < threads; ++i)
        running.emplace_back(work, i);
    for (auto& thread : running)
        thread.join();
}

void quit_all(const std::vector<std::unique_ptr<FtpsSession>>& sessions) {
    for (const auto& session : sessions)
        session->quit();
}

/// put, get, idle: logged-in sessions, then files.
void transfers(const std::string& what, const Options& options, const Account& account) {
    const auto context = client_context();
    const auto files = options.number("files", 1);
    const auto bytes = options.number("bytes", 0);
    std::vector<std::unique_ptr<FtpsSession>> sessions(options.number("sessions", 1));
    std::atomic<std::size_t> next{0};
    run_parallel(std::min<std::size_t>(logins_at_once, sessions.size()), [&](std::size_t) {
        for (std::size_t i; (i = next.fetch_add(1)) < sessions.size();)
            sessions[i] = std::make_unique<FtpsSession>(context.get(), account);
    });
    say("ready");
    wait_line();
    // Nobody reads a result of those, and that of thousands would fill the pipe.
    if (what == "idle") return quit_all(sessions);
    const auto began = Clock::now();
    std::vector<double> seconds(sessions.size());
    std::atomic<std::uint64_t> moved{0}, full{0};
    const auto work = [&](std::size_t number) {
        auto& session = *sessions[number];
        for (std::uint64_t file = 0; file < files; ++file) {
            const auto name = fmt::format("{}{}-{}", options.text("prefix"), number, file);
            if (what == "put") session.put(name, bytes);
            moved += what == "put" ? bytes : session.get("RETR " + name).bytes;
        }
        seconds[number] = since(began);
        full += session.not_resumed();
    };
    run_parallel(sessions.size(), work);
    say(fmt::format(
        R"({{"seconds": {:.6f}, "bytes": {}, "files": {}, "not_resumed": {}, "session_seconds": [{:.6f}]}})",
        since(began), moved.load(), files * sessions.size(), full.load(), fmt::join(seconds, ", ")));
    wait_line();
    quit_all(sessions);
}

void listing(const Options& options, const Account& account) {
    const auto context = client_context();
    FtpsSession session(context.get(), account);
    const auto line = options.text("verb") + " " + options.text("directory");
    say("ready");
    wait_line();
    const auto began = Clock::now();
    const auto got = session.get(line);
    say(fmt::format(R"({{"seconds": {:.6f}, "bytes": {}, "lines": {}, "first_byte_seconds": {:.6f}}})",
                    since(began), got.bytes, got.lines, got.first_byte_seconds));
    wait_line();
    session.quit();
}

void unpack(const Options& options, const Account& account) {
    const auto context = client_context();
    std::ifstream file(options.text("file"), std::ios::binary);
    const std::string archive((std::istreambuf_iterator<char>(file)), {});
    if (archive.empty()) fail("cannot read " + options.text("file"));
    FtpsSession session(context.get(), account);
    const auto name = options.text("name");
    say("ready");
    wait_line();
    const auto began = Clock::now();
    session.put_content(name, archive);
    session.site(fmt::format("UNPACK {0} {0}.d", name));
    say(fmt::format(R"({{"seconds": {:.6f}, "bytes": {}}})", since(began), archive.size()));
    wait_line();
    session.quit();
}

void logins(const Options& options, const Account& account) {
    const auto context = client_context();
    const auto count = options.number("sessions", 1);
    say("ready");
    wait_line();
    const auto began = Clock::now();
    std::atomic<std::uint64_t> next{0};
    run_parallel(options.number("parallel", 1), [&](std::size_t) {
        while (next.fetch_add(1) < count) {
            FtpsSession session(context.get(), account);
            (void)session.get("LIST empty");
            session.quit();
        }
    });
    say(fmt::format(R"({{"seconds": {:.6f}, "logins": {}}})", since(began), count));
    wait_line();
}

void raw(bool sends, const Options& options) {
    constexpr std::size_t buffer_bytes = 256 * 1024;
    const auto context = client_context();
    TlsStream stream(context.get(), connect_to(static_cast<std::uint16_t>(options.number("port", 0))),
                     buffer_bytes);
    stream.connect(nullptr);
    std::vector<char> buffer(buffer_bytes, 'x');
    say("ready");
    wait_line();
    const auto began = Clock::now();
    std::uint64_t moved = 0;
    while (sends && moved < options.number("bytes", 0)) {
        stream.write(buffer.data(), buffer.size());
        moved += buffer.size();
    }
    stream.send_end();
    while (const auto got = stream.read(buffer.data(), buffer.size()))
        moved += got;
    say(fmt::format(R"({{"seconds": {:.6f}, "bytes": {}}})", since(began), moved));
    wait_line();
}

int run(int argc, char** argv) {
    Options options;
    for (int i = 2; i < argc; ++i) {
        const std::string word = argv[i];
        const auto equals = word.find('=');
        if (equals == std::string::npos) {
            std::fputs(usage, stderr);
            return 2;
        }
        options.values[word.substr(0, equals)] = word.substr(equals + 1);
    }
    const std::string what = argc > 1 ? argv[1] : "";
    const bool is_raw = what == "raw-put" || what == "raw-get";
    const auto account = options.account(wait_line());
    if (is_raw)
        raw(what == "raw-put", options);
    else if (what == "put" || what == "get" || what == "idle")
        transfers(what, options, account);
    else if (what == "list")
        listing(options, account);
    else if (what == "unpack")
        unpack(options, account);
    else if (what == "login")
        logins(options, account);
    else
        std::fputs(usage, stderr);
    return 0;
}

}  // namespace

}  // namespace stowage::bench

int main(int argc, char** argv) {
    return stowage::bench::run(argc, argv);
}
