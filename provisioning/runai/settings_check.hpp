// What can be wrong with the runai.* keys, told before the first call.
// Runs in: controller (before its client is made), supervisor and CLI (preflight). Distrusts: every value,
// the CA bundle.
#pragma once

#include <openssl/types.h>

#include <string>
#include <vector>

#include "gateway/base/config.hpp"

namespace stowage::runai {

struct SettingProblem {
    std::string key;
    Error error;  ///< Code::config
};

/// Everything but the client secret and the files; nothing while runai.url is empty.
std::vector<SettingProblem> problems_in(const Config& config);

/// Has `context` trust the certificates of a PEM file, or those of the system when the path is empty.
/// Code::config for a file that is not there, not readable for the caller or holds none.
Result<void> trust_ca_bundle(SSL_CTX* context, const std::string& path);

/// Whether trust_ca_bundle() would.
Result<void> check_ca_bundle(const std::string& path);

}  // namespace stowage::runai
