// Rendering of NFS-Ganesha 4.3's configuration; what each odd line is for was measured.
// Runs in: root_step, the Ganesha launcher.
#include "nfs/exports/ganesha_files.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>
#include <memory>
#include <set>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/unfinished_writes.hpp"
#include "nfs/exports/server_choice.hpp"
#include "nfs/exports/split.hpp"
#include "nfs/exports/timely_looks.hpp"

namespace stowage::nfs {

namespace {

bool is_plain(unsigned char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '/' || byte == '-' || byte == '_' || byte == '.';
}

constexpr std::string_view first_line = "# stowage export", include = "%include ";
constexpr std::size_t largest_index = 16 << 20;

Result<void> make_private_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return system_error(errno, "mkdir " + path);
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return system_error(errno, "lstat " + path);
    if (S_ISDIR(status.st_mode) && status.st_uid == 0 && (status.st_mode & 022) == 0) return {};
    return Error{Code::denied, path + " is not a directory that only root may write",
                 "remove it; what stands in it decides what root exports"};
}

/// The value of "# key: value" in the leading comments.
std::string comment(std::string_view text, std::string_view key) {
    const auto line = fmt::format("\n# {}: ", key);
    const auto start = text.find(line);
    if (start == std::string_view::npos) return {};
    const auto value = text.substr(start + line.size());
    return std::string(value.substr(0, value.find('\n')));
}

Result<std::vector<std::string>> recorded_labs(const GaneshaFiles& files) {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(files.exports_dir.c_str()), &::closedir);
    if (!directory) return system_error(errno, "opendir " + files.exports_dir);
    std::vector<std::string> labs;
    while (const auto* entry = ::readdir(directory.get())) {
        const std::string_view name = entry->d_name;
        if (!name.ends_with(".conf")) continue;
        auto lab = std::string(name.substr(0, name.size() - 5));
        if (parse_lab_name(lab)) labs.push_back(std::move(lab));  // a dotfile is an unfinished one of ours
    }
    std::sort(labs.begin(), labs.end());
    return labs;
}

Result<RecordedExport> recorded_export(const GaneshaFiles& files, const std::string& lab) {
    TRY(const auto text, read_file(files.export_file(lab)));
    TRY(auto recorded, parse_export_block(text));
    if (recorded.lab == lab) return recorded;
    return Error{Code::invalid, files.export_file(lab) + " names lab " + recorded.lab, "remove the file"};
}

Error shared_id(const GaneshaFiles& files, const RecordedExport& one, const std::string& holder) {
    return {Code::exists, fmt::format("Export_Id {} is that of lab {}, too", one.export_id, holder),
            fmt::format("remove the file of the lab that is gone: {} or {}", files.export_file(one.lab),
                        files.export_file(holder))};
}

using Lines = std::set<std::string, std::less<>>;

std::string line_of(const GaneshaFiles& files, const std::string& lab) {
    // A path with quotes or blanks would not parse; a relative one is below the folder of the file that
    // Ganesha was started with, which is ours only if it is.
    const bool plain = std::all_of(files.exports_dir.begin(), files.exports_dir.end(), is_plain);
    return fmt::format("{}{}/{}.conf", include, plain ? files.exports_dir : "exports", lab);
}

Result<void> write_index(const GaneshaFiles& files, const Lines& lines) {
    std::string text = "# Written by stowage.\n";
    for (const auto& line : lines)
        text += line + "\n";
    const auto before = read_file(files.index, largest_index);
    if (before && *before == text) return {};
    return write_atomically(files.index, text);
}

template <typename Change>
Result<void> change_index(const GaneshaFiles& files, Change change) {
    const auto before = read_file(files.index, largest_index);
    if (!before) {
        // Nobody has written it yet, or somebody removed it: then it is made of what is recorded.
        if (before.error().code != Code::not_found) return before.error();
        CHECK(rebuild_index(files));
        return {};
    }
    Lines lines;
    for (const auto line : split(*before, '\n'))
        if (line.starts_with(include)) lines.emplace(line);
    change(lines);
    return write_index(files, lines);
}

/// Nothing for `::`: it is what Ganesha does by itself, on a kernel without IPv6 too, where it would refuse
/// the address.
std::string render_bind_address(const std::string& address) {
    in6_addr parsed{};
    if (::inet_pton(AF_INET6, address.c_str(), &parsed) == 1 && IN6_IS_ADDR_UNSPECIFIED(&parsed)) return {};
    return fmt::format(" Bind_addr = {};", address);
}

/// As with nfsd's `secure`, only root of an allowed node speaks for it: this node is one, for the mount
/// check, and its users and the workers of other labs are not.
std::string render_clients(const Export& meant, const std::vector<std::string>& networks,
                           std::string_view access) {
    if (networks.empty()) return {};
    return fmt::format(
        "    CLIENT {{\n"
        "        Clients = {};\n"
        "        Protocols = 4;\n"
        "        PrivilegedPort = true;\n"
        "        Access_Type = {};\n"
        "        Squash = all_squash;\n"
        "        Anonymous_Uid = {};\n"
        "        Anonymous_Gid = {};\n"
        "    }}\n",
        fmt::join(networks, ", "), access, meant.uid, meant.gid);
}

}  // namespace

std::string GaneshaFiles::bus_address() const {
    std::string address = "unix:path=";
    for (const unsigned char byte : bus_socket) {
        address += is_plain(byte) ? std::string(1, static_cast<char>(byte)) : fmt::format("%{:02x}", byte);
    }
    return address;
}

GaneshaFiles ganesha_files(const Config& config) {
    GaneshaFiles files;
    files.directory = config.state_dir + "/ganesha";
    files.server_config = files.directory + "/ganesha.conf";
    files.index = files.directory + "/exports.conf";
    files.exports_dir = files.directory + "/exports";
    files.recovery_dir = files.directory + "/recovery";
    files.credentials_dir = files.directory + "/credentials";
    files.pid_file = files.directory + "/pid";
    files.lock_file = files.directory + "/lock";
    files.bus_config = files.directory + "/bus.conf";
    files.bus_socket = ganesha_is_foreign(config) ? system_bus_socket : config.run_dir + "/dbus.sock";
    return files;
}

Result<void> make_directories(const GaneshaFiles& files) {
    for (const auto& path : {files.directory, files.exports_dir, files.recovery_dir, files.credentials_dir})
        CHECK(make_private_directory(path));
    return {};
}

Result<std::string> render_server_config(const Config& config, const GaneshaFiles& files) {
    if (files.directory.find_first_of("\"\\") != std::string::npos)
        return Error{Code::config, "NFS-Ganesha cannot read files under " + files.directory,
                     "set state_dir to a directory without quotes and backslashes in its name"};
    // NFSv3 would need rpcbind; without mount_path_pseudo clients could not mount the directory's own path.
    // The components: NFS_CB and DISPATCH complain about absent Kerberos and rpcbind, which we do without.
    return fmt::format(
        "# Written by stowage at each start.\n"
        "NFS_CORE_PARAM {{ NFS_Port = {};{} Protocols = 4; Enable_NLM = false;\n"
        "    Enable_RQUOTA = false; Enable_UDP = false; mount_path_pseudo = true; Clustered = false; }}\n"
        "NFSv4 {{ Lease_Lifetime = 20; Grace_Period = 20; RecoveryBackend = fs; RecoveryRoot = \"{}\";\n"
        "    Only_Numeric_Owners = true; Delegations = false; Graceless = {}; }}\n"
        "NFS_KRB5 {{ Active_krb5 = false; CCacheDir = \"{}\"; }}\n"
        "EXPORT_DEFAULTS {{ Protocols = 4; Transports = TCP; SecType = sys; Access_Type = None;\n"
        "    Squash = all_squash; }}\n"
        "LOG {{ Components {{ INIT = WARN; THREAD = WARN; NFS_CB = FATAL; DISPATCH = FATAL; }} }}\n"
        "%include exports.conf\n",
        config.nfs.port, render_bind_address(config.nfs.bind_address), files.recovery_dir,
        config.nfs.ganesha_graceless ? "true" : "false", files.credentials_dir);
}

std::string render_bus_config() {
    return "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\"\n"
           " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
           "<!-- Written by stowage at each start. -->\n"
           "<busconfig>\n"
           "  <listen>systemd:</listen>\n"
           "  <auth>EXTERNAL</auth>\n"
           "  <policy context=\"default\">\n"
           "    <deny user=\"*\"/>\n"
           "    <allow user=\"root\"/>\n"
           "    <allow own=\"org.ganesha.nfsd\"/>\n"
           "    <allow send_destination=\"*\"/>\n"
           "    <allow receive_sender=\"*\"/>\n"
           "  </policy>\n"
           "</busconfig>\n";
}

Result<std::string> render_export_block(const Export& meant) {
    if (meant.path.find_first_of("\"\\") != std::string::npos)
        return Error{Code::unsupported,
                     "NFS-Ganesha cannot export a path with quotes or backslashes: " + meant.path,
                     "set labs.root to a directory with a plain name"};
    // The squash stands in CLIENT too: DisplayExport tells only what stands there. Attributes never expire
    // late: at the default of 60 s, pods saw sizes and listings from before an upload for a minute.
    return fmt::format(
        "{first}\n# lab: {lab}\n# export_id: {id}\n# path: {path}\n"
        "EXPORT {{\n"
        "    Export_Id = {id};\n"
        "    Path = \"{path}\";\n"
        "    Pseudo = \"{path}\";\n"
        "    Access_Type = None;\n"
        "    SecType = sys;\n"
        "    Transports = TCP;\n"
        "    Attr_Expiration_Time = 0;\n"
        "    Squash = all_squash;\n"
        "    Anonymous_Uid = {uid};\n"
        "    Anonymous_Gid = {gid};\n"
        "    FSAL {{ Name = VFS; }}\n"
        "{writers}{readers}"
        "}}\n",
        fmt::arg("first", first_line), fmt::arg("lab", meant.lab), fmt::arg("id", meant.export_id),
        fmt::arg("path", meant.path), fmt::arg("uid", meant.uid), fmt::arg("gid", meant.gid),
        fmt::arg("writers", render_clients(meant, meant.clients, "RW")),
        fmt::arg("readers", render_clients(meant, meant.read_only_clients, "RO")));
}

Result<RecordedExport> parse_export_block(std::string_view text) {
    RecordedExport recorded{comment(text, "lab"), comment(text, "path")};
    const auto id = comment(text, "export_id");
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), recorded.export_id);
    const bool complete = text.starts_with(first_line) && parse_lab_name(recorded.lab) &&
                          recorded.path.starts_with('/') && error == std::errc{} &&
                          end == id.data() + id.size() && recorded.export_id != 0;
    if (!complete) return Error{Code::invalid, "not an export file of stowage", "remove the file"};
    return recorded;
}

Result<std::vector<RecordedExport>> recorded_exports(const GaneshaFiles& files) {
    TRY(const auto labs, recorded_labs(files));
    std::vector<RecordedExport> found;
    for (const auto& lab : labs)
        if (auto recorded = recorded_export(files, lab)) found.push_back(std::move(*recorded));
    return found;
}

Result<std::vector<SkippedExport>> rebuild_index(const GaneshaFiles& files, std::chrono::milliseconds limit) {
    remove_unfinished_writes_in(files.exports_dir, ".conf");
    remove_unfinished_writes(files.index);
    TRY(const auto labs, recorded_labs(files));
    std::vector<SkippedExport> skipped;
    std::vector<RecordedExport> recorded;
    for (const auto& lab : labs) {
        if (auto one = recorded_export(files, lab))
            recorded.push_back(std::move(*one));
        else
            skipped.push_back({lab, one.error()});
    }
    const auto checked = look_in_time(
        recorded.size(),
        [&](std::size_t which) { return check_directory(recorded[which].lab, recorded[which].path); }, limit);
    Lines lines;
    std::map<std::uint16_t, std::string> holders;
    for (std::size_t i = 0; i < recorded.size(); ++i) {
        const auto& lab = recorded[i].lab;
        if (!checked[i]) {
            skipped.push_back({lab, checked[i].error()});
            continue;
        }
        const auto [holder, first] = holders.emplace(recorded[i].export_id, lab);
        if (first)
            lines.insert(line_of(files, lab));
        else
            skipped.push_back({lab, shared_id(files, recorded[i], holder->second)});
    }
    CHECK(write_index(files, lines));
    return skipped;
}

Result<void> put_into_index(const GaneshaFiles& files, const std::string& lab) {
    return change_index(files, [&](Lines& lines) { lines.insert(line_of(files, lab)); });
}

Result<void> take_from_index(const GaneshaFiles& files, const std::string& lab) {
    return change_index(files, [&](Lines& lines) { lines.erase(line_of(files, lab)); });
}

}  // namespace stowage::nfs
