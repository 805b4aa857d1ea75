// Reading /proc/fs/nfsd/clients and rmtab, and asking NFS-Ganesha.
// Runs in: root_step. Distrusts: the text that clients have a part in.
#include "nfs/exports/clients.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <set>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/octal_escapes.hpp"
#include "nfs/exports/ganesha_bus.hpp"
#include "nfs/exports/server_choice.hpp"
#include "nfs/exports/split.hpp"
#include "nfs/exports/timely_looks.hpp"

namespace stowage::nfs {

namespace {

constexpr auto clients_folder = "/proc/fs/nfsd/clients";
constexpr auto rmtab = "/var/lib/nfs/rmtab";
constexpr std::size_t largest_info = 64 << 10, largest_list = 16 << 20;

template <typename Number>
bool read_number(std::string_view digits, Number& number, int base) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    return error == std::errc{} && end == digits.data() + digits.size();
}

std::string_view between(std::string_view line, std::string_view start, std::string_view end) {
    const auto at = line.find(start);
    if (at == line.npos) return {};
    line.remove_prefix(at + start.size());
    return line.substr(0, line.find(end));
}

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

/// At most `most`, one of each list after the other: who has many leaves room for the others'.
template <typename T>
std::vector<T> taken_in_turn(const std::vector<std::vector<T>>& lists, std::size_t most) {
    std::vector<T> taken;
    for (std::size_t turn = 0; turn < most; ++turn)
        for (const auto& list : lists)
            if (turn < list.size() && taken.size() < most) taken.push_back(list[turn]);
    return taken;
}

/// What is known of where files are, and asked about only once.
class Places {
  public:
    explicit Places(std::string labs_root) : labs_root_(std::move(labs_root)) {
        const auto mounts = read_file("/proc/self/mountinfo", 64 << 20);
        if (!mounts) return;
        by_device_ = labs_by_device(*mounts, labs_root_);
        device_of_mount_ = devices_by_mount(*mounts);
    }

    /// Looks at all of them at once: one lab's filesystem may hang.
    void note_opens(std::vector<ConnectedClient>& clients,
                    const std::vector<std::vector<OpenFile>>& opens) const {
        struct Open {
            std::size_t client;
            const OpenFile* file;
        };
        std::vector<std::vector<Open>> unsure_of(clients.size());
        for (std::size_t i = 0; i < clients.size(); ++i)
            for (const auto& file : opens[i]) {
                const auto known = by_device_.find(file.device);
                if (known != by_device_.end())
                    add(clients[i], known->second);
                else if (unsure_of[i].size() < most_looks && !topmost_lab(file).empty())
                    unsure_of[i].push_back({i, &file});
            }
        const auto unsure = taken_in_turn(unsure_of, most_looks);
        const auto seen = look_in_time(
            unsure.size(), [&](std::size_t which) { return check_same(*unsure[which].file); }, look_limit);
        for (std::size_t i = 0; i < unsure.size(); ++i)
            if (seen[i]) add(clients[unsure[i].client], topmost_lab(*unsure[i].file));
    }

  private:
    static constexpr std::size_t most_looks = 500;
    static constexpr std::chrono::seconds look_limit{2};

    static std::string topmost_lab(const OpenFile& file) {
        const auto lab = file.name.substr(0, file.name.find('/'));
        return lab.size() < file.name.size() && parse_lab_name(lab) ? lab : std::string();
    }

    /// Any directory may be called like a lab, so the file of that name must be the one that is open. Not by
    /// statx's device: that of a btrfs subvolume is another than its superblock's, which mountinfo has.
    Result<void> check_same(const OpenFile& file) const {
        struct statx info {};
        const auto path = labs_root_ + "/" + file.name;
        constexpr auto flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
        if (::statx(AT_FDCWD, path.c_str(), flags, STATX_INO | STATX_MNT_ID, &info) != 0)
            return system_error(errno, "statx");
        const auto device = device_of_mount_.find(info.stx_mnt_id);
        const bool same =
            info.stx_ino == file.inode && device != device_of_mount_.end() && device->second == file.device;
        return same ? Result<void>() : Error{Code::differs, "another file"};
    }

    static void add(ConnectedClient& client, const std::string& lab) {
        const auto found = std::find_if(client.labs.begin(), client.labs.end(),
                                        [&](const OpensInLab& one) { return one.lab == lab; });
        if (found != client.labs.end())
            ++found->opens;
        else
            client.labs.push_back({lab, 1});
    }

    std::string labs_root_;
    std::map<std::string, std::string> by_device_;
    std::map<std::uint64_t, std::string> device_of_mount_;
};

std::vector<ConnectedClient> kernel_clients(const KernelExporter& exporter, std::size_t most) {
    std::vector<ConnectedClient> clients;
    std::vector<std::vector<OpenFile>> opens;
    std::error_code failed;
    // A client that goes meanwhile takes its folder with it: that is no failure.
    for (std::filesystem::directory_iterator entry(clients_folder, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        if (clients.size() == most) break;
        const auto info = read_file(entry->path().string() + "/info", largest_info);
        auto client = info ? parse_client_info(*info) : std::nullopt;
        if (!client || is_own_check(*client, exporter.check_address)) continue;
        const auto states = read_file(entry->path().string() + "/states", largest_list);
        const auto id = parse_client_id(*info);
        opens.push_back(states && id ? parse_opens(*states, *id) : std::vector<OpenFile>());
        client->opens.reset();
        if (states && id) client->opens = static_cast<std::uint32_t>(opens.back().size());
        clients.push_back(std::move(*client));
    }
    Places(exporter.labs_root).note_opens(clients, opens);
    return clients;
}

Result<std::vector<ConnectedClient>> list(const KernelExporter& exporter, std::size_t most) {
    // Its filesystem in /proc stays mounted when nfs-server.service stops.
    if (!nfsd_runs())
        return Error{
            Code::unavailable, "the kernel's NFS server does not run: /proc/fs/nfsd/threads shows none",
            "systemctl start nfs-server; inside a container, mount the filesystem nfsd on /proc/fs/nfsd"};
    auto clients = kernel_clients(exporter, most);
    if (const auto text = read_file(rmtab, largest_list))
        for (auto& client : parse_rmtab(*text))
            if (clients.size() < most) clients.push_back(std::move(client));
    return clients;
}

Result<std::vector<ConnectedClient>> list(const GaneshaExporter& exporter, std::size_t most) {
    TRY(auto bus, GaneshaBus::connect(exporter.files.bus_socket, exporter.limit));
    TRY(auto clients, bus.show_clients());
    if (clients.size() > most) clients.resize(most);
    for (auto& client : clients)
        client.opens.reset();
    return clients;
}

}  // namespace

std::optional<ConnectedClient> parse_client_info(std::string_view text) {
    ConnectedClient client;
    for (const auto line : split(text, '\n')) {
        if (const auto address = value_of(line, "address: ")) client.address = without_port(*address);
        if (const auto name = value_of(line, "name: ")) client.name = *name;
        if (const auto minor = value_of(line, "minor version: ")) client.version = "4." + std::string(*minor);
        if (const auto seconds = value_of(line, "seconds from last renew: "))
            std::from_chars(seconds->data(), seconds->data() + seconds->size(), client.seen_s);
    }
    if (client.address.empty() || client.version.empty()) return std::nullopt;
    return client;
}

bool is_own_check(const ConnectedClient& client, std::string_view address) {
    return client.address == address && client.name.starts_with(mount_check_name);
}

std::optional<std::uint64_t> parse_client_id(std::string_view info) {
    std::uint64_t id = 0;
    for (const auto line : split(info, '\n'))
        if (const auto digits = value_of(line, "clientid: "))
            if (digits->starts_with("0x") && read_number(digits->substr(2), id, 16)) return id;
    return std::nullopt;
}

std::vector<OpenFile> parse_opens(std::string_view text, std::uint64_t client_id) {
    // "- 0x", the generation in eight digits, the client's id byte by byte, eight digits that count states.
    unsigned char bytes[sizeof client_id];
    std::memcpy(bytes, &client_id, sizeof bytes);
    const auto owner = fmt::format("{:02x}", fmt::join(bytes, ""));
    constexpr std::size_t generation = std::string_view("- 0x00000001").size(), counted = 8;
    std::vector<OpenFile> opens;
    for (const auto line : split(text, '\n')) {
        if (!line.starts_with("- 0x") || line.size() < generation) continue;
        const auto behind = line.substr(generation);
        if (!behind.starts_with(owner)) continue;
        if (!behind.substr(std::min(behind.size(), owner.size() + counted)).starts_with(": { type: open,"))
            continue;
        OpenFile file;
        // "superblock: "fd:10:13649"": major and minor number in hexadecimal digits, the inode in decimal
        // ones.
        const auto parts = split(between(line, "superblock: \"", "\""), ':');
        std::uint32_t major = 0, minor = 0;
        if (parts.size() == 3 && read_number(parts[0], major, 16) && read_number(parts[1], minor, 16) &&
            read_number(parts[2], file.inode, 10))
            file.device = fmt::format("{}:{}", major, minor);
        file.name = between(line, "filename: \"", "\"");
        opens.push_back(std::move(file));
    }
    return opens;
}

std::map<std::string, std::string> labs_by_device(std::string_view mountinfo, std::string_view labs_root) {
    std::map<std::string, std::string> labs;
    std::set<std::string> shared;
    for (const auto line : split(mountinfo, '\n')) {
        const auto words = split(line, ' ');
        if (words.size() < 6) continue;
        const std::string device(words[2]);
        const auto point = without_octal_escapes(words[4]);
        const auto folder = point.substr(0, point.rfind('/')), lab = point.substr(point.rfind('/') + 1);
        const bool is_lab = folder == labs_root && parse_lab_name(lab);
        // Mounted elsewhere, too: one filesystem, and where a file of it belongs is not told.
        const auto [known, first] = labs.emplace(device, is_lab ? lab : std::string());
        if (!is_lab || (!first && known->second != lab)) shared.insert(device);
    }
    for (const auto& device : shared)
        labs.erase(device);
    return labs;
}

std::map<std::uint64_t, std::string> devices_by_mount(std::string_view mountinfo) {
    std::map<std::uint64_t, std::string> devices;
    for (const auto line : split(mountinfo, '\n')) {
        const auto words = split(line, ' ');
        std::uint64_t mount = 0;
        if (words.size() >= 3 && read_number(words[0], mount, 10)) devices[mount] = words[2];
    }
    return devices;
}

std::vector<ConnectedClient> parse_rmtab(std::string_view text) {
    std::vector<ConnectedClient> clients;
    for (const auto line : split(text, '\n')) {
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
