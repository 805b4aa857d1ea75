// Certificate, PASV addresses and clock, as the command itself sees them.
// Runs in: CLI. Distrusts: the resolver's answers.
#include "gateway/cli/machine_findings.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <sys/timex.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <memory>

#include "gateway/base/atomic_file.hpp"
#include "gateway/certificate/chain.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/tls_view.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

// Each may take the resolver's whole patience.
constexpr std::size_t most_names = 3;

void add(json::array& list, std::string_view check, std::string what, std::string_view why, std::string fix) {
    list.push_back({{"severity", "warning"},
                    {"check", check},
                    {"what", std::move(what)},
                    {"why", why},
                    {"fix", std::move(fix)},
                    {"ours", false}});
}

std::string text_of(const sockaddr* address) {
    char text[INET_ADDRSTRLEN] = "";
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
    return text;
}

std::vector<std::string> addresses_of(const std::string& name) {
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    std::vector<std::string> addresses;
    if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return addresses;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    for (const auto* one = found; one != nullptr; one = one->ai_next)
        addresses.push_back(text_of(one->ai_addr));
    return addresses;
}

bool leads_nowhere(const std::string& address) {
    return address.rfind("127.", 0) == 0 || address.rfind("169.254.", 0) == 0 || address == "0.0.0.0";
}

}  // namespace

void look_at_certificate(json::array& list, const Config& config, const std::string& socket) {
    const auto chain = read_file(published_certificate(std::filesystem::path(socket).parent_path()));
    if (!chain) return;
    const auto facts = describe_certificate(*chain);
    if (!facts) return;
    if (auto ends = expiry_warning(facts->not_after); !ends.empty())
        add(list, "certificate", "the certificate " + ends, "clients refuse the connection then",
            how_to_renew(config));
    if (facts->self_signed)
        return add(list, "certificate", "the certificate is self-signed",
                   "clients cannot tell this server from somebody who poses as it, unless they were given it",
                   config.ftps.certificate.empty()
                       ? "stowage tls install CERT KEY, with one of a CA that clients trust"
                       : "put one of a CA that clients trust into the files that ftps.certificate and "
                         "ftps.private_key name, then: systemctl reload-or-restart stowage");
    if (auto fit = check_chain(*chain, {}); !fit)
        add(list, "certificate", fit.error().what, "clients may refuse it", fit.error().remedy);
}

std::vector<NamedAddresses> served_names(const std::string& socket) {
    std::vector<NamedAddresses> names;
    const auto facts = served_certificate(socket);
    // A self-signed one bears this node's own names, which need not be those that clients use.
    if (!facts || facts->self_signed) return names;
    for (const auto& name : facts->names)
        if (names.size() < most_names && name.find('*') == name.npos)
            names.push_back({name, addresses_of(name)});
    return names;
}

std::vector<std::string> own_addresses() {
    ifaddrs* found = nullptr;
    std::vector<std::string> addresses;
    if (::getifaddrs(&found) != 0) return addresses;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(found, &::freeifaddrs);
    for (const auto* one = found; one != nullptr; one = one->ifa_next)
        if (one->ifa_addr != nullptr && one->ifa_addr->sa_family == AF_INET)
            addresses.push_back(text_of(one->ifa_addr));
    return addresses;
}

void look_at_passive_addresses(json::array& list, const Config& config) {
    for (const auto& told : config.ftps.pasv_addresses)
        if (leads_nowhere(told.address))
            add(list, "ftps.pasv_address",
                fmt::format("clients in {} are told {} in PASV replies", told.network, told.address),
                "they log in, and then every listing and transfer hangs",
                "set ftps.pasv_address to the address by which these clients reach this node");
}

bool tells_own_addresses(const Config& config) {
    return config.ftps.pasv_addresses.empty() && config.ftps.proxy_networks.empty();
}

void look_for_nat(json::array& list, const std::vector<NamedAddresses>& names,
                  const std::vector<std::string>& own) {
    if (own.empty()) return;
    for (const auto& [name, addresses] : names) {
        const bool elsewhere = std::none_of(addresses.begin(), addresses.end(), [&](const auto& address) {
            return leads_nowhere(address) || std::find(own.begin(), own.end(), address) != own.end();
        });
        if (!addresses.empty() && elsewhere)
            return add(
                list, "ftps.pasv_address",
                fmt::format("{} is {}, which is no address of this node", name, fmt::join(addresses, ", ")),
                "behind NAT, PASV replies tell this node's own address: clients from outside log in, "
                "and then every listing and transfer hangs",
                "set ftps.pasv_address to " + addresses.front() +
                    ", or by client network (see configuration.md)");
    }
}

std::vector<ExportFile> export_files(const Config& config) {
    std::vector<ExportFile> found;
    const auto look = [&](const std::string& folder, std::string_view start, std::string_view end,
                          std::string_view before_path, std::string_view behind_path,
                          const std::string& remedy) {
        std::error_code failed;
        for (std::filesystem::directory_iterator entry(folder, failed), last; !failed && entry != last;
             entry.increment(failed)) {
            const auto name = entry->path().filename().string();
            if (!name.starts_with(start) || !name.ends_with(end) || name.size() <= start.size() + end.size())
                continue;
            const auto lab = name.substr(start.size(), name.size() - start.size() - end.size());
            const auto text = read_file(entry->path().string());
            const auto line = fmt::format("\n{}{}/{}{}", before_path, config.labs.root, lab, behind_path);
            if (text && text->find(line) != text->npos)
                found.push_back({lab, entry->path().string(),
                                 fmt::format(fmt::runtime(remedy), fmt::arg("file", entry->path().string()),
                                             fmt::arg("path", config.labs.root + "/" + lab),
                                             fmt::arg("index", config.state_dir + "/ganesha/exports.conf"))});
        }
    };
    // Not exportfs -r: it would end what others export by command.
    look(config.nfs.exports_dir, "stowage-", ".exports", "", " ",
         "for each client in the file: exportfs -u CLIENT:{path}; then rm {file}");
    look(config.state_dir + "/ganesha/exports", "", ".conf", "# path: ", "\n",
         config.nfs.dbus_executable.empty()
             ? "take its line out of {index}; rm {file}; systemctl restart nfs-ganesha"
             : "rm {file}; systemctl restart stowage");
    return found;
}

void look_at_exports_of_no_lab(json::array& list, const std::vector<ExportFile>& files,
                               const json::array& labs) {
    for (const auto& [lab, file, remedy] : files) {
        const bool known = std::any_of(labs.begin(), labs.end(), [&](const json::value& one) {
            return one.is_object() && text_of(one.as_object(), "name") == lab;
        });
        if (known || !std::filesystem::exists(file)) continue;
        add(list, "exports", fmt::format("{} is there, and lab {} is not", file, lab),
            "the NFS server serves the lab's files to whoever was allowed then, and nobody looks after it; a "
            "restored backup that is older than the lab leaves such files",
            remedy);
    }
}

void look_at_clock(json::array& list) {
    const bool differs = std::any_of(list.begin(), list.end(), [](const json::value& one) {
        const auto* finding = one.if_object();
        const auto* check = finding ? finding->if_contains("check") : nullptr;
        return check != nullptr && *check == json::value("clocks");
    });
    timex state{};
    if (!differs || ::adjtimex(&state) < 0 || (state.status & STA_UNSYNC) == 0) return;
    add(list, "clock", "nothing keeps this node's clock right: the kernel says that it is not synchronised",
        "so it is probably this clock that is wrong, not Run:ai's",
        "timedatectl set-ntp true, with systemd-timesyncd or chrony installed");
}

}  // namespace stowage::cli
