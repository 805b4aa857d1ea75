// Passwords that nobody has seen yet: one file each, until they are shown or a day has passed.
// Runs in: controller. Distrusts: the disk, and files of a write that was cut off.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::controller {

struct SealedSecret {
    std::string service;  ///< "Run:ai" or "FTPS"
    std::string email;    ///< whose it is
    std::string lab;
    std::string name;  ///< to log in with
    Secret password;
    std::int64_t since = 0;
};

/// Files "sealed.…" of mode 0600 in the controller's own folder. All calls block on the disk.
class SealedSecrets {
  public:
    static constexpr std::int64_t lifetime_seconds = 86400;

    explicit SealedSecrets(std::string directory) : directory_(std::move(directory)) {}

    /// On disk when it returns. Takes the place of an older one of the same service, person and name: one who
    /// got another name in the site file still has the account of the former.
    Result<void> put(const SealedSecret& secret);
    /// Those that are whole and not older than a day. What is older or cut off is deleted; what cannot be
    /// read now stays for another time.
    std::vector<SealedSecret> all();
    /// It was shown, or is of no use. @param name to log in with
    Result<void> drop(std::string_view service, std::string_view email, std::string_view name);

  private:
    std::string path_of(std::string_view service, std::string_view email, std::string_view name) const;

    std::string directory_;
};

}  // namespace stowage::controller
