// The table of labs and users.
// Runs in: supervisor. Distrusts: the controller.
#include "gateway/supervisor/accounts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/identity.hpp"

namespace stowage::supervisor {

namespace {

Error refused(std::string why) {
    return {Code::protocol, "the controller " + std::move(why)};
}

}  // namespace

Accounts::Accounts(const Config& config) : uid_min_(config.labs.uid_min), uid_max_(config.labs.uid_max) {}

Result<ServedLab> Accounts::put_lab(const message::PutLab& m) {
    TRY(auto name, parse_lab_name(m.lab.view()));
    if (m.uid != m.gid || m.uid < uid_min_ || m.uid > uid_max_)
        return refused(fmt::format("asked to serve lab {} as uid {} and gid {}, outside {}..{}", name, m.uid,
                                   m.gid, uid_min_, uid_max_));
    for (const auto& [other, told] : labs_)
        if (other != name && told.value.uid == m.uid && told.round == round_)
            return refused(fmt::format("gave uid {} of lab {} to lab {} too", m.uid, other, name));
    ServedLab lab{name,
                  m.uid,
                  m.gid,
                  m.quota_bytes,
                  m.quota_inodes,
                  m.durable != 0,
                  m.resumption_optional != 0,
                  m.client_cas.str()};
    labs_[name] = {lab, round_};
    return lab;
}

Result<std::string> Accounts::remove_lab(const message::RemoveLab& m) {
    TRY(auto name, parse_lab_name(m.lab.view()));
    labs_.erase(name);
    return name;
}

Result<void> Accounts::put_account(const message::PutAccount& m) {
    TRY(auto user, parse_user_name(m.user.view()));
    TRY(auto lab, parse_lab_name(m.lab.view()));
    users_[user] = {lab, round_};
    return {};
}

Result<void> Accounts::remove_account(const message::RemoveAccount& m) {
    TRY(auto user, parse_user_name(m.user.view()));
    users_.erase(user);
    return {};
}

void Accounts::begin() {
    ++round_;
}

std::vector<std::string> Accounts::complete() {
    std::vector<std::string> gone;
    for (const auto& [name, told] : labs_)
        if (told.round != round_) gone.push_back(name);
    for (const auto& name : gone)
        labs_.erase(name);
    std::erase_if(users_, [this](const auto& entry) { return entry.second.round != round_; });
    return gone;
}

const ServedLab* Accounts::lab_of(std::string_view user) const {
    const auto found = users_.find(user);
    return found == users_.end() ? nullptr : lab(found->second.value);
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
