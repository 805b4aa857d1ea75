// The table of labs and users.
// Runs in: supervisor. Distrusts: the controller.
#include "gateway/supervisor/accounts.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/client_ca_limits.hpp"
#include "gateway/base/identity.hpp"

namespace stowage::supervisor {

namespace {

Error refused(std::string why) {
    return {Code::protocol, "the controller " + std::move(why)};
}

bool is_sealed(const Fd& fd) {
    constexpr int unchanging = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    const int seals = ::fcntl(fd.get(), F_GET_SEALS);
    return seals >= 0 && (seals & unchanging) == unchanging;
}

// Only what is sealed neither changes nor keeps its reader waiting.
Result<std::string> text_of_cas(const std::vector<Fd>& sent, bool demanded, const std::string& lab) {
    if (sent.size() != (demanded ? 1 : 0))
        return refused(fmt::format("sent {} descriptors with lab {}", sent.size(), lab));
    if (!demanded) return std::string();
    if (!is_sealed(sent[0])) return refused(fmt::format("sent CAs of lab {} that are not sealed", lab));
    TRY(auto text, read_sealed(sent[0]));
    if (text.empty() || text.size() > most_client_ca_bytes)
        return refused(fmt::format("sent CAs of lab {} with {} bytes", lab, text.size()));
    return text;
}

}  // namespace

Accounts::Accounts(const Config& config) : uid_min_(config.labs.uid_min), uid_max_(config.labs.uid_max) {}

Result<ServedLab> Accounts::put_lab(const message::PutLab& m, const std::vector<Fd>& client_cas) {
    TRY(auto name, parse_lab_name(m.lab.view()));
    if (m.uid != m.gid || m.uid < uid_min_ || m.uid > uid_max_)
        return refused(fmt::format("asked to serve lab {} as uid {} and gid {}, outside {}..{}", name, m.uid,
                                   m.gid, uid_min_, uid_max_));
    for (const auto& [other, told] : labs_)
        if (other != name && told.value.uid == m.uid && told.round == round_)
            return refused(fmt::format("gave uid {} of lab {} to lab {} too", m.uid, other, name));
    TRY(auto cas, text_of_cas(client_cas, m.client_certificates != 0, name));
    auto bytes = cas.size();
    for (const auto& [other, told] : labs_)
        if (other != name) bytes += told.value.client_cas.size();
    if (bytes > most_client_ca_bytes_in_all)
        return refused(fmt::format("sent CAs of {} bytes in all", bytes));
    ServedLab lab{name,
                  m.uid,
                  m.gid,
                  m.quota_bytes,
                  m.quota_inodes,
                  m.durable != 0,
                  m.resumption_optional != 0,
                  std::move(cas)};
    labs_[name] = {lab, round_};
    return lab;
}

Result<std::string> Accounts::remove_lab(const message::RemoveLab& m) {
    TRY(auto name, parse_lab_name(m.lab.view()));
    labs_.erase(name);
    return name;
}

// A controller that was restarted tells what holds anyway: then the number stays.
Result<bool> Accounts::put_account(const message::PutAccount& m) {
    TRY(auto user, parse_user_name(m.user.view()));
    TRY(auto lab, parse_lab_name(m.lab.view()));
    auto& told = users_[user];
    const bool is_new = told.value.number == 0, moves = !is_new && told.value.lab != lab;
    told.round = round_;
    if (is_new || moves) told.value = {lab, ++last_account_};
    return moves;
}

Result<void> Accounts::remove_account(const message::RemoveAccount& m) {
    TRY(auto user, parse_user_name(m.user.view()));
    users_.erase(user);
    return {};
}

void Accounts::password_set(std::string_view user) {
    const auto found = users_.find(user);
    if (found != users_.end()) found->second.value.number = ++last_account_;
}

void Accounts::begin() {
    ++round_;
}

Accounts::Gone Accounts::complete() {
    Gone gone;
    for (const auto& [name, told] : labs_)
        if (told.round != round_) gone.labs.push_back(name);
    for (const auto& [name, told] : users_)
        if (told.round != round_) gone.users.push_back(name);
    for (const auto& name : gone.labs)
        labs_.erase(name);
    for (const auto& name : gone.users)
        users_.erase(name);
    return gone;
}

std::uint64_t Accounts::account_of(std::string_view user) const {
    const auto found = users_.find(user);
    return found == users_.end() ? 0 : found->second.value.number;
}

const ServedLab* Accounts::lab_of(std::string_view user, std::uint64_t account) const {
    const auto found = users_.find(user);
    const bool same = found != users_.end() && found->second.value.number == account;
    return same ? lab(found->second.value.lab) : nullptr;
}

bool Accounts::some_lab_wants_client_certificates() const {
    return std::any_of(labs_.begin(), labs_.end(),
                       [](const auto& entry) { return !entry.second.value.client_cas.empty(); });
}

const ServedLab* Accounts::lab(std::string_view name) const {
    const auto found = labs_.find(name);
    return found == labs_.end() ? nullptr : &found->second.value;
}

}  // namespace stowage::supervisor
