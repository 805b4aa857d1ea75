// The load client of tests/bench. Talks with the driver in lines: prints "ready" when every session is logged
// in, waits for a line, works, prints its result as JSON, waits for a line, leaves. So the driver can read
// the servers' CPU clocks between. Runs in: the bench.
#include <fmt/format.h>
#include <sys/resource.h>
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
  get         sessions=1 files=1 bytes=0 prefix=NAME   downloads them
  list        verb=MLSD directory=NAME times=1         listings, one after another
  login       sessions=1 parallel=1 users=0            each logs in, lists, leaves; as NAME0000, NAME0001, ... of so many
  unpack      file=LOCAL name=NAME                     uploads an archive, SITE UNPACK into NAME.d
  idle        sessions=1                               logs in and waits
  raw-put     sessions=1 files=1 bytes=N               TLS alone, to bench_bare_loop; N each, a connection a file
  raw-get     sessions=1 files=1                       TLS alone, from bench_bare_loop
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

/// Of this process: where client and server share a machine, what the client takes the server does not get.
double cpu_seconds() {
    rusage used{};
    (void)::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
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
    const auto cpu_before = cpu_seconds();
    std::vector<double> seconds(sessions.size());
    std::atomic<std::uint64_t> moved{0}, full{0};
    const auto work = [&](std::size_t number) {
        auto& session = *sessions[number];
        for (std::uint64_t file = 0; file < files; ++file) {
            const auto name = fmt::format("{}{}-{}", options.text("prefix"), number, file);
            if (what == "put")
                session.put(name, bytes);
            else if (const auto got = session.get("RETR " + name).bytes; got != bytes)
                fail(fmt::format("{}: {} bytes came of {}", name, got, bytes));
            moved += bytes;
        }
        seconds[number] = since(began);
        full += session.not_resumed();
    };
    run_parallel(sessions.size(), work);
    say(fmt::format(
        R"({{"seconds": {:.6f}, "client_cpu": {:.6f}, "bytes": {}, "files": {}, "not_resumed": {}, )"
        R"("session_seconds": [{:.6f}]}})",
        since(began), cpu_seconds() - cpu_before, moved.load(), files * sessions.size(), full.load(),
        fmt::join(seconds, ", ")));
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
    Received all;
    for (std::uint64_t number = 0; number < options.number("times", 1); ++number) {
        const auto got = session.get(line);
        if (number == 0) all.first_byte_seconds = got.first_byte_seconds;
        all.bytes += got.bytes;
        all.lines += got.lines;
    }
    say(fmt::format(R"({{"seconds": {:.6f}, "bytes": {}, "lines": {}, "first_byte_seconds": {:.6f}}})",
                    since(began), all.bytes, all.lines, all.first_byte_seconds));
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
    const auto count = options.number("sessions", 1), users = options.number("users", 0);
    say("ready");
    wait_line();
    const auto began = Clock::now();
    std::atomic<std::uint64_t> next{0};
    run_parallel(options.number("parallel", 1), [&](std::size_t) {
        for (std::uint64_t number; (number = next.fetch_add(1)) < count;) {
            auto as = account;
            if (users > 0) as.user += fmt::format("{:04}", number % users);
            FtpsSession session(context.get(), as);
            (void)session.get("LIST empty");
            session.quit();
        }
    });
    say(fmt::format(R"({{"seconds": {:.6f}, "logins": {}}})", since(began), count));
    wait_line();
}

void raw(bool sends, const Options& options) {
    const auto context = client_context();
    const auto sessions = options.number("sessions", 1), files = options.number("files", 1);
    std::vector<std::unique_ptr<TlsStream>> streams(sessions * files);
    for (auto& stream : streams) {
        stream = std::make_unique<TlsStream>(
            context.get(), connect_to(static_cast<std::uint16_t>(options.number("port", 0))), gathered_bytes);
        stream->connect(nullptr);
    }
    say("ready");
    wait_line();
    const auto began = Clock::now();
    const auto cpu_before = cpu_seconds();
    std::vector<double> seconds(sessions);
    std::atomic<std::uint64_t> moved{0};
    const auto move = [&](TlsStream& stream, std::vector<char>& buffer) {
        if (!sends) stream.write("x", 1);
        for (auto left = sends ? options.number("bytes", 0) : 0; left > 0;) {
            const auto step = std::min<std::uint64_t>(left, buffer.size());
            stream.write(buffer.data(), step);
            left -= step;
            moved += step;
        }
        if (sends) stream.send_end();
        while (const auto got = stream.read(buffer.data(), buffer.size()))
            moved += got;
        if (!sends) stream.send_end();
    };
    run_parallel(sessions, [&](std::size_t number) {
        std::vector<char> buffer(block_bytes, 'x');
        for (std::uint64_t file = 0; file < files; ++file)
            move(*streams[number * files + file], buffer);
        seconds[number] = since(began);
    });
    say(fmt::format(
        R"({{"seconds": {:.6f}, "client_cpu": {:.6f}, "bytes": {}, "session_seconds": [{:.6f}]}})",
        since(began), cpu_seconds() - cpu_before, moved.load(), fmt::join(seconds, ", ")));
    wait_line();
}

using Work = std::function<void(const Options&, const Account&)>;

Work work_of(const std::string& what) {
    if (what == "raw-put" || what == "raw-get")
        return [what](const Options& options, const Account&) { raw(what == "raw-put", options); };
    if (what == "put" || what == "get" || what == "idle")
        return [what](const Options& options, const Account& account) { transfers(what, options, account); };
    if (what == "list") return listing;
    if (what == "unpack") return unpack;
    if (what == "login") return logins;
    return {};
}

int refuse() {
    std::fputs(usage, stderr);
    return 2;
}

int run(int argc, char** argv) {
    const auto work = work_of(argc > 1 ? argv[1] : "");
    if (!work) return refuse();
    Options options;
    for (int i = 2; i < argc; ++i) {
        const std::string word = argv[i];
        const auto equals = word.find('=');
        if (equals == std::string::npos) return refuse();
        options.values[word.substr(0, equals)] = word.substr(equals + 1);
    }
    work(options, options.account(wait_line()));
    return 0;
}

}  // namespace

}  // namespace stowage::bench

int main(int argc, char** argv) {
    return stowage::bench::run(argc, argv);
}
