// Labs that are served and users that log in to them, as the controller told.
// Runs in: supervisor. Distrusts: the controller; a lab's uid must lie in the configured range and be its
// own.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gateway/base/config.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/messages/controller.hpp"
#include "gateway/base/messages/workers.hpp"

namespace stowage::supervisor {

struct ServedLab {
    std::string name;
    std::uint32_t uid = 0, gid = 0;
    std::uint64_t quota_bytes = 0, quota_inodes = 0;
    bool durable = true, resumption_optional = false;
    std::string client_cas = {};  ///< PEM; empty: no client certificates are asked for

    bool same_process(const ServedLab& other) const { return uid == other.uid && gid == other.gid; }
    message::LabSettings settings() const {
        return {quota_bytes, quota_inodes, durable, resumption_optional};
    }
};

class Accounts {
  public:
    explicit Accounts(const Config& config);

    /// Code::protocol for a name, uid or gid that may not be: the controller is ended for it.
    /// @param client_cas the descriptors that came with it
    Result<ServedLab> put_lab(const message::PutLab& m, const std::vector<Fd>& client_cas = {});
    Result<std::string> remove_lab(const message::RemoveLab& m);
    /// True if the user had an account of another lab: those who are logged in by that have to go.
    Result<bool> put_account(const message::PutAccount& m);
    Result<void> remove_account(const message::RemoveAccount& m);
    /// What was the right password before is so no more.
    void password_set(std::string_view user);

    /// A controller (re)started and will tell everything: what it does not name until complete() is forgotten
    /// then.
    void begin();
    struct Gone {
        std::vector<std::string> labs, users;
    };
    /// Returns what is no longer served.
    Gone complete();

    /// The number of a user's account, or 0. Another one after each removal, move to another lab and new
    /// password: a login that takes its time asks for it first, and for the lab by it each time that it has
    /// waited.
    std::uint64_t account_of(std::string_view user) const;
    /// The lab of a user who still has this account, or nullptr.
    const ServedLab* lab_of(std::string_view user, std::uint64_t account) const;
    const ServedLab* lab(std::string_view name) const;
    bool some_lab_wants_client_certificates() const;

  private:
    template <typename T>
    struct Told {
        T value;
        std::uint64_t round = 0;
    };

    struct Account {
        std::string lab;
        std::uint64_t number = 0;
    };

    std::uint32_t uid_min_, uid_max_;
    std::uint64_t round_ = 1, last_account_ = 0;
    std::map<std::string, Told<ServedLab>, std::less<>> labs_;
    std::map<std::string, Told<Account>, std::less<>> users_;
};

}  // namespace stowage::supervisor
