// Configuration values that are one of a few words. Code::config naming those words for any other.
// Runs in: every process.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/config.hpp"

namespace stowage::config_choices {

Result<log::Level> log_level(std::string_view text);
Result<QuotaChoice> quota_choice(std::string_view text);
Result<DriftPolicy> drift_policy(std::string_view text);
Result<NfsServer> nfs_server(std::string_view text);
Result<std::string> nfs_security(std::string_view text);
Result<std::string> nfs_transport(std::string_view text);
Result<UploadHashing> upload_hashing(std::string_view text);
Result<std::string> scope(std::string_view text);

}  // namespace stowage::config_choices
