// sd-bus calls, and what their replies really say.
// Runs in: root_step.
#include "nfs/exports/ganesha_bus.hpp"

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include <algorithm>
#include <set>

#include "nfs/exports/bus_socket.hpp"
#include "nfs/exports/clients.hpp"
#include "nfs/exports/server_choice.hpp"

namespace stowage::nfs {

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* service = "org.ganesha.nfsd";

struct Manager {
    const char *object, *interface;
};
constexpr Manager exports{"/org/ganesha/nfsd/ExportMgr", "org.ganesha.nfsd.exportmgr"};
constexpr Manager client_manager{"/org/ganesha/nfsd/ClientMgr", "org.ganesha.nfsd.clientmgr"};

struct MessageCloser {
    void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, MessageCloser>;

struct BusError {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    BusError() = default;
    BusError(const BusError&) = delete;
    ~BusError() { sd_bus_error_free(&error); }
};

Error call_error(const char* method, int result, const sd_bus_error& error) {
    const std::string name = error.name ? error.name : "";
    const auto text = fmt::format("NFS-Ganesha, {}: {}", method,
                                  error.message ? error.message : fmt::format("error {}", -result));
    if (text.find("Export id not found") != std::string::npos) return {Code::not_found, text};
    if (name.find("InvalidFileContent") != std::string::npos || name.find("InvalidArgs") != std::string::npos)
        return {Code::invalid, text};
    return {Code::unavailable, text, "look at the log for why NFS-Ganesha or its bus stopped"};
}

Error odd_reply(const char* method) {
    return {Code::protocol,
            fmt::format("NFS-Ganesha answered {} in another format than version 4.3", method)};
}

template <typename... Arguments>
Result<Message> call(sd_bus* bus, const Manager& manager, const char* method, const char* types,
                     Arguments... arguments) {
    BusError error;
    sd_bus_message* reply = nullptr;
    const int result = sd_bus_call_method(bus, service, manager.object, manager.interface, method,
                                          &error.error, &reply, types, arguments...);
    if (result < 0) return call_error(method, result, error.error);
    return Message(reply);
}

/// Skips what newer versions may have appended to the current container.
bool skip_rest(sd_bus_message* m) {
    while (sd_bus_message_at_end(m, 0) == 0)
        if (sd_bus_message_skip(m, nullptr) < 0) return false;
    return true;
}

bool read_path(sd_bus_message* m, ServedPath& served) {
    const char* path = nullptr;
    if (sd_bus_message_read(m, "qs", &served.export_id, &path) <= 0) return false;
    served.path = path;
    return skip_rest(m) && sd_bus_message_exit_container(m) >= 0;
}

bool read_client(sd_bus_message* m, ServedClient& client) {
    const char* network = nullptr;
    std::int32_t a = 0, protocol = 0;
    std::uint8_t b = 0, c = 0;
    const int got = sd_bus_message_read(m, "siyyiuu", &network, &a, &b, &c, &protocol, &client.anonymous_uid,
                                        &client.anonymous_gid);
    std::uint32_t expires = 0;
    if (got <= 0 || sd_bus_message_read(m, "uu", &expires, &client.options) <= 0) return false;
    client.network = network;
    return skip_rest(m) && sd_bus_message_exit_container(m) >= 0;
}

/// "((sb)(sb)…)": which protocols were spoken; the newest NFS among them.
bool read_versions(sd_bus_message* m, std::string& version) {
    if (sd_bus_message_enter_container(m, SD_BUS_TYPE_STRUCT, nullptr) <= 0) return false;
    while (sd_bus_message_at_end(m, 0) == 0) {
        const char* name = nullptr;
        int spoken = 0;
        if (sd_bus_message_read(m, "(sb)", &name, &spoken) <= 0) return false;
        const std::string_view protocol(name);
        if (spoken == 0 || !protocol.starts_with("NFSv")) continue;
        version = protocol.substr(4);
        if (version.size() == 2) version.insert(1, ".");  // "42"
    }
    return sd_bus_message_exit_container(m) >= 0;
}

bool read_connected(sd_bus_message* m, ConnectedClient& client, std::uint64_t now_s) {
    const char* address = nullptr;
    std::uint64_t seconds = 0, nanoseconds = 0;
    if (sd_bus_message_read(m, "s", &address) <= 0 || !read_versions(m, client.version) ||
        sd_bus_message_read(m, "(tt)", &seconds, &nanoseconds) <= 0)
        return false;
    client.address = address;
    constexpr std::string_view mapped = "::ffff:";
    if (client.address.starts_with(mapped)) client.address.erase(0, mapped.size());
    client.seen_s = static_cast<std::int64_t>(now_s - std::min(now_s, seconds));
    return skip_rest(m) && sd_bus_message_exit_container(m) >= 0;
}

/// All elements of an array of structs; `read_one` leaves the struct.
template <typename T, typename ReadOne>
bool read_array(sd_bus_message* m, std::vector<T>& items, ReadOne read_one) {
    if (sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, nullptr) <= 0) return false;
    while (sd_bus_message_at_end(m, 0) == 0) {
        if (sd_bus_message_enter_container(m, SD_BUS_TYPE_STRUCT, nullptr) <= 0) return false;
        if (!read_one(m, items.emplace_back())) return false;
    }
    return sd_bus_message_exit_container(m) >= 0;
}

std::string filter(std::uint16_t export_id) {
    return fmt::format("EXPORT(Export_Id={})", export_id);
}

/// Bits of Ganesha's export_perms (measured: 4.3 shows read-write as 0x1e0, read-only as 0x0a0).
constexpr std::uint32_t squash_bits = 0x7, all_squash = 0x4, access_bits = 0x1e0, read_access = 0xa0;

}  // namespace

Result<void> judge_reply(std::string_view text) {
    const bool one = text.starts_with("1 exports added") || text.starts_with("1 exports updated");
    const bool clean = one && text.find("rror") == std::string_view::npos;
    if (clean) return {};
    return Error{Code::invalid, fmt::format("NFS-Ganesha did not take the export as it is: {}", text)};
}

Result<void> compare_served(const ServedExport& served, const Export& meant) {
    const auto differs = [&](std::string_view what) {
        return Error{Code::differs, fmt::format("export {} of lab {} {}", meant.export_id, meant.lab, what)};
    };
    if (served.path != meant.path || served.pseudo != meant.path)
        return differs(fmt::format("serves {} as {}", served.path, served.pseudo));
    std::set<std::string, std::less<>> missing(meant.clients.begin(), meant.clients.end());
    missing.insert(meant.read_only_clients.begin(), meant.read_only_clients.end());
    for (const auto& client : served.clients) {
        if (missing.erase(client.network) == 0) return differs("is open to " + client.network);
        if (client.anonymous_uid != meant.uid || client.anonymous_gid != meant.gid)
            return differs(fmt::format("squashes {} to {}:{}", client.network, client.anonymous_uid,
                                       client.anonymous_gid));
        if ((client.options & squash_bits) != all_squash) return differs("does not squash " + client.network);
        if ((client.options & access_bits) != (meant.reads_only(client.network) ? read_access : access_bits))
            return differs("gives other rights to " + client.network);
    }
    if (!missing.empty()) return differs("is not open to " + *missing.begin());
    return {};
}

std::vector<std::string> rights_in(const ServedExport& served) {
    std::vector<std::string> clients;
    for (const auto& client : served.clients)
        clients.push_back(client.network + ((client.options & access_bits) == read_access ? ":ro" : ""));
    return clients;
}

void GaneshaBus::Closer::operator()(sd_bus* bus) const {
    sd_bus_close(bus);  // nothing of ours is queued: calls wait for their replies
    sd_bus_unref(bus);
}

Result<GaneshaBus> GaneshaBus::connect(const std::string& socket, std::chrono::milliseconds limit) {
    const auto deadline = Clock::now() + limit;
    TRY(auto fd, connect_when_listening(socket, deadline));
    sd_bus* raw = nullptr;
    if (const int result = sd_bus_new(&raw); result < 0) return system_error(-result, "sd_bus_new");
    GaneshaBus bus(raw);
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(limit).count();
    int result = sd_bus_set_fd(raw, fd.get(), fd.get());
    if (result < 0) return system_error(-result, "sd_bus_set_fd");
    (void)fd.release();  // sd-bus closes it
    result = sd_bus_set_bus_client(raw, 1);
    if (result >= 0) result = sd_bus_set_method_call_timeout(raw, static_cast<std::uint64_t>(microseconds));
    if (result >= 0) result = sd_bus_start(raw);
    if (result < 0) return system_error(-result, "connect to the bus " + socket);
    CHECK(bus.wait_for_server(socket, deadline));
    return bus;
}

Result<void> GaneshaBus::wait_for_server(const std::string& socket, Clock::time_point deadline) {
    const bool ours = socket != system_bus_socket;
    const Error absent{Code::unavailable,
                       ours ? "NFS-Ganesha is not on its bus" : "NFS-Ganesha is not on the system's bus",
                       ours ? "look at the log for why it did not start" : "systemctl start nfs-ganesha"};
    // Subscribed first, asked second: so it cannot appear in between unnoticed.
    int result = sd_bus_match_signal(bus_.get(), nullptr, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                     "org.freedesktop.DBus", "NameOwnerChanged", nullptr, nullptr);
    if (result < 0) return absent;
    while (true) {
        if (sd_bus_get_name_creds(bus_.get(), service, 0, nullptr) >= 0) return {};
        result = sd_bus_process(bus_.get(), nullptr);
        if (result < 0) return absent;
        if (result > 0) continue;
        const auto left =
            std::chrono::duration_cast<std::chrono::microseconds>(deadline - Clock::now()).count();
        if (left <= 0) return absent;
        result = sd_bus_wait(bus_.get(), static_cast<std::uint64_t>(left));
        if (result < 0) return absent;
    }
}

Result<std::vector<ServedPath>> GaneshaBus::show_exports() {
    TRY(const auto reply, call(bus_.get(), exports, "ShowExports", ""));
    std::vector<ServedPath> paths;
    if (sd_bus_message_skip(reply.get(), "(tt)") < 0 || !read_array(reply.get(), paths, read_path))
        return odd_reply("ShowExports");
    return paths;
}

Result<std::vector<ConnectedClient>> GaneshaBus::show_clients() {
    TRY(const auto reply, call(bus_.get(), client_manager, "ShowClients", ""));
    std::uint64_t now_s = 0, nanoseconds = 0;
    std::vector<ConnectedClient> clients;
    const auto read_one = [&](sd_bus_message* m, ConnectedClient& client) {
        return read_connected(m, client, now_s);
    };
    if (sd_bus_message_read(reply.get(), "(tt)", &now_s, &nanoseconds) <= 0 ||
        !read_array(reply.get(), clients, read_one))
        return odd_reply("ShowClients");
    return clients;
}

Result<ServedExport> GaneshaBus::display_export(std::uint16_t export_id) {
    TRY(const auto reply, call(bus_.get(), exports, "DisplayExport", "q", static_cast<int>(export_id)));
    ServedExport served;
    const char *path = nullptr, *pseudo = nullptr, *tag = nullptr;
    if (sd_bus_message_read(reply.get(), "qsss", &served.export_id, &path, &pseudo, &tag) <= 0)
        return odd_reply("DisplayExport");
    served.path = path;
    served.pseudo = pseudo;
    if (!read_array(reply.get(), served.clients, read_client)) return odd_reply("DisplayExport");
    return served;
}

Result<void> GaneshaBus::load(const char* method, const std::string& file, std::uint16_t export_id) {
    TRY(const auto reply, call(bus_.get(), exports, method, "ss", file.c_str(), filter(export_id).c_str()));
    const char* text = nullptr;
    if (sd_bus_message_read(reply.get(), "s", &text) <= 0) return odd_reply(method);
    return judge_reply(text);
}

Result<void> GaneshaBus::add_export(const std::string& file, std::uint16_t export_id) {
    return load("AddExport", file, export_id);
}

Result<void> GaneshaBus::update_export(const std::string& file, std::uint16_t export_id) {
    return load("UpdateExport", file, export_id);
}

Result<void> GaneshaBus::remove_export(std::uint16_t export_id) {
    TRY(const auto reply, call(bus_.get(), exports, "RemoveExport", "q", static_cast<int>(export_id)));
    return {};
}

}  // namespace stowage::nfs
