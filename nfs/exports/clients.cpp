// Reading /proc/fs/nfsd/clients and rmtab, and asking NFS-Ganesha.
// Runs in: root_step. Distrusts: the text that clients have a part in.
#include "nfs/exports/clients.hpp"

#include <charconv>
#include <filesystem>

#include "gateway/base/atomic_file.hpp"
#include "nfs/exports/ganesha_bus.hpp"

namespace stowage::nfs {

namespace {

constexpr auto clients_folder = "/proc/fs/nfsd/clients";
constexpr auto rmtab = "/var/lib/nfs/rmtab";
constexpr std::size_t largest_info = 64 << 10, largest_list = 16 << 20;

/// The lines of a text, one after the other.
struct Lines {
    std::string_view rest;
    bool next(std::string_view& line) {
        if (rest.empty()) return false;
        const auto end = std::min(rest.find('\n'), rest.size());
        line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return true;
    }
};

/// What stands behind "key: ", without quotes.
std::optional<std::string_view> value_of(std::string_view line, std::string_view key) {
    if (!line.starts_with(key)) return std::nullopt;
    line.remove_prefix(key.size());
    if (line.size() >= 2 && line.front() == '"' && line.back() == '"') line = line.substr(1, line.size() - 2);
    return line;
}

/// "10.1.2.3:821" and "[fd00::1]:821" without the port.
std::string without_port(std::string_view text) {
    if (text.starts_with('[')) return std::string(text.substr(1, text.find(']') - 1));
    return std::string(text.substr(0, text.rfind(':')));
}

std::vector<ConnectedClient> kernel_clients(const std::filesystem::path& folder, std::size_t most) {
    std::vector<ConnectedClient> clients;
    std::error_code failed;
    // A client that goes meanwhile takes its folder with it: that is no failure.
    for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        if (clients.size() == most) break;
        const auto info = read_file(entry->path().string() + "/info", largest_info);
        auto client = info ? parse_client_info(*info) : std::nullopt;
        if (!client) continue;
        if (const auto states = read_file(entry->path().string() + "/states", largest_list))
            client->opens = count_opens(*states);
        clients.push_back(std::move(*client));
    }
    return clients;
}

Result<std::vector<ConnectedClient>> list(const KernelExporter&, std::size_t most) {
    if (!std::filesystem::exists(clients_folder))
        return Error{
            Code::unavailable, "the kernel's NFS server does not run: there is no /proc/fs/nfsd/clients",
            "systemctl start nfs-server; inside a container, mount the filesystem nfsd on /proc/fs/nfsd"};
    auto clients = kernel_clients(clients_folder, most);
    if (const auto text = read_file(rmtab, largest_list))
        for (auto& client : parse_rmtab(*text))
            if (clients.size() < most) clients.push_back(std::move(client));
    return clients;
}

Result<std::vector<ConnectedClient>> list(const GaneshaExporter& exporter, std::size_t most) {
    TRY(auto bus, GaneshaBus::connect(exporter.files.bus_socket, exporter.limit));
    TRY(auto clients, bus.show_clients());
    if (clients.size() > most) clients.resize(most);
    return clients;
}

}  // namespace

std::optional<ConnectedClient> parse_client_info(std::string_view text) {
    ConnectedClient client;
    std::string_view line;
    for (Lines lines{text}; lines.next(line);) {
        if (const auto address = value_of(line, "address: ")) client.address = without_port(*address);
        if (const auto name = value_of(line, "name: ")) client.name = *name;
        if (const auto minor = value_of(line, "minor version: ")) client.version = "4." + std::string(*minor);
        if (const auto seconds = value_of(line, "seconds from last renew: "))
            std::from_chars(seconds->data(), seconds->data() + seconds->size(), client.seen_s);
    }
    if (client.address.empty() || client.version.empty()) return std::nullopt;
    return client;
}

std::uint32_t count_opens(std::string_view text) {
    std::uint32_t opens = 0;
    std::string_view line;
    for (Lines lines{text}; lines.next(line);)
        opens += line.starts_with("- 0x") && line.find("{ type: open,") != std::string_view::npos;
    return opens;
}

std::vector<ConnectedClient> parse_rmtab(std::string_view text) {
    std::vector<ConnectedClient> clients;
    std::string_view line;
    for (Lines lines{text}; lines.next(line);) {
        // "host:path:0x00000001"; a host may be an IPv6 address, a path begins with '/'.
        const auto path = line.find(":/"), count = line.rfind(":0x");
        if (path == std::string_view::npos || count == std::string_view::npos || count <= path) continue;
        ConnectedClient client{.address = std::string(line.substr(0, path)), .version = "3"};
        client.path = line.substr(path + 1, count - path - 1);
        clients.push_back(std::move(client));
    }
    return clients;
}

Result<std::vector<ConnectedClient>> list_clients(const Exporter& exporter, std::size_t most) {
    return std::visit([&](const auto& server) { return list(server, most); }, exporter);
}

}  // namespace stowage::nfs
