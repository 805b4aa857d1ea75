// Certificates for tests: an authority and what it signs.
// Runs in: tests.
#pragma once

#include <string>

namespace stowage::runai {

/// An authority with its PEM files in a directory of its own, which goes with it.
class Authority {
  public:
    Authority();
    ~Authority();
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;

    std::string certificate() const { return directory_ + "/ca.pem"; }

    struct Files {
        std::string certificate, key;
    };
    /// @param names    subjectAltName, for example "IP:127.0.0.1" or "DNS:runai.local"
    /// @param begins   seconds from now
    /// @param ends     seconds from now
    Files issue(const std::string& names, long begins = -60, long ends = 3600) const;

  private:
    struct Key;
    std::string directory_;
    Key* key_;
};

}  // namespace stowage::runai
