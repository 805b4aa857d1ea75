// Former clients and those that are meant, compared.
// Runs in: root_step.
#include "nfs/exports/narrowing.hpp"

#include <algorithm>
#include <charconv>
#include <span>

#include "gateway/base/octal_escapes.hpp"
#include "nfs/exports/exports_file.hpp"
#include "nfs/exports/split.hpp"

namespace stowage::nfs {

namespace {

unsigned prefix_length(std::string_view network) {
    unsigned length = 0;
    const auto digits = network.substr(std::min(network.rfind('/'), network.size() - 1) + 1);
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), length);
    return length;
}

bool lies_in(const std::string& network, const std::string& larger) {
    return networks_overlap(network, larger) && prefix_length(network) >= prefix_length(larger);
}

void keep_those_within(std::vector<std::string>& networks, bool read_only,
                       const std::vector<Client>& former) {
    std::erase_if(networks, [&](const std::string& network) {
        return std::none_of(former.begin(), former.end(), [&](const Client& one) {
            return (read_only || !one.read_only) && lies_in(network, one.network);
        });
    });
}

bool is_within(const Client& one, const std::vector<std::string>& networks) {
    return std::any_of(networks.begin(), networks.end(),
                       [&](const std::string& network) { return lies_in(one.network, network); });
}

/// "/mnt/nfs/lab1 10.0.0.0/8(rw,sync,…) …"
std::vector<Client> in_exports_line(std::string_view line) {
    std::vector<Client> clients;
    const auto words = split(line, ' ');
    for (const auto word : std::span(words).subspan(1))
        if (const auto open = word.find('('); open != word.npos)
            clients.push_back({std::string(word.substr(0, open)), word.substr(open).starts_with("(ro,")});
    return clients;
}

std::string_view value_of(std::string_view line, std::string_view key) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (!line.starts_with(key) || !line.ends_with(';')) return {};
    line.remove_prefix(key.size());
    line.remove_suffix(1);
    return line;
}

}  // namespace

std::vector<Client> clients_on_file(std::string_view text) {
    std::vector<Client> clients;
    std::size_t block = 0;  // where the clients of Ganesha's last CLIENT block begin
    for (const auto line : split(text, '\n')) {
        if (line.starts_with('/')) {
            const auto found = in_exports_line(line);
            clients.insert(clients.end(), found.begin(), found.end());
        }
        if (const auto networks = value_of(line, "Clients = "); !networks.empty()) {
            block = clients.size();
            for (auto network : split(networks, ',')) {
                network.remove_prefix(std::min(network.find_first_not_of(' '), network.size()));
                clients.push_back({std::string(network)});
            }
        }
        if (value_of(line, "Access_Type = ") == "RO")
            for (auto i = block; i < clients.size(); ++i)
                clients[i].read_only = true;
    }
    return clients;
}

std::string mount_point_on_file(std::string_view text) {
    for (const auto option : split(text, ',')) {
        if (option == "mp") return path_in_exports_file(text);
        if (option.starts_with("mp=")) return without_octal_escapes(option.substr(3));
    }
    return {};
}

Export within(const Export& meant, const std::vector<Client>& former) {
    auto narrower = meant;
    keep_those_within(narrower.clients, false, former);
    keep_those_within(narrower.read_only_clients, true, former);
    // Who is let in by a larger network now, or with more rights, goes on with what he had.
    for (const auto& one : former) {
        const bool writes = !one.read_only && is_within(one, meant.clients);
        if (!writes && !is_within(one, meant.clients) && !is_within(one, meant.read_only_clients)) continue;
        if (is_within(one, narrower.clients) || is_within(one, narrower.read_only_clients)) continue;
        (writes ? narrower.clients : narrower.read_only_clients).push_back(one.network);
    }
    return narrower;
}

}  // namespace stowage::nfs
