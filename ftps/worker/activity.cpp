// Doing and idling.
// Runs in: worker.
#include "ftps/worker/activity.hpp"

#include "ftps/worker/session.hpp"
#include "ftps/worker/worker.hpp"
#include "gateway/base/line_limit.hpp"

namespace stowage::ftps {

namespace {

using std::chrono::steady_clock;

// A client may ask for what is refused as fast as it can, with paths of thousands of bytes.
constexpr unsigned refusals_per_second = 20;
constexpr std::size_t longest_in_log = 512;

/// The end of a path says more than its beginning.
template <std::size_t N>
void assign_end(message::Text<N>& text, std::string_view path) {
    text.assign_cut(path.size() > N ? path.substr(path.size() - N) : path);
}

message::Doing doing_of(const Session& session) {
    message::Doing doing;
    doing.client.assign_cut(session.client);
    const auto lasted = steady_clock::now() - session.since;
    if (session.verb.empty()) {
        doing.idle_s =
            static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(lasted).count());
        return doing;
    }
    doing.verb.assign_cut(session.verb);
    const auto& transfer = session.transfer;
    assign_end(doing.path, transfer && transfer->has_begun() ? transfer->subject().path : session.path);
    doing.ms =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(lasted).count());
    if (transfer) doing.bytes = transfer->bytes.load();
    return doing;
}

log::Level level_of(Code code) {
    switch (code) {
        case Code::denied:
        case Code::over_quota:
        case Code::no_space:
        case Code::in_use:
            return log::Level::info;
        case Code::io:
        case Code::internal:
            return log::Level::warning;
        default:
            return log::Level::debug;
    }
}

}  // namespace

void begin_activity(Session& session, std::string_view verb, std::string_view argument) {
    session.verb = verb;
    session.path = argument;
    session.since = steady_clock::now();
}

void end_activity(Session& session) {
    session.verb.clear();
    session.path.clear();
    session.since = steady_clock::now();
}

void tell_activity(Worker& worker, const ipc::Packet& packet) {
    message::Activity activity;
    activity.session = or_throw(packet.as<message::ActivityQuery>()).session;
    const auto session = worker.sessions.find(activity.session);
    // One that has just ended is idle for this once.
    if (session != worker.sessions.end()) activity.doing = doing_of(*session->second);
    (void)worker.supervisor.send(activity, {}, packet.header.id);
}

void end_by_order(Worker& worker, const ipc::Packet& packet) {
    const auto found = worker.sessions.find(or_throw(packet.as<message::EndSession>()).session);
    if (found == worker.sessions.end()) return;
    auto& session = *found->second;
    session.leave_after_this("An administrator ended this session.");
}

void log_refusal(const Session& session, int code, const Error& error) {
    const auto level = level_of(error.code);
    // Lines for debugging count for nobody: as a rule they are not written.
    static log::LineLimit shown(refusals_per_second), debugging(10 * refusals_per_second);
    log::write_limited(level == log::Level::debug ? debugging : shown, level, "refused",
                       {{"session", session.number},
                        {"user", session.user},
                        {"peer", session.data.peer().to_string()},
                        {"verb", session.verb},
                        {"path", std::string_view(session.path).substr(0, longest_in_log)},
                        {"reply", code},
                        {"why", std::string_view(error.what).substr(0, longest_in_log)}});
}

}  // namespace stowage::ftps
