// The words, and what each means.
// Runs in: every process.
#include "gateway/base/config_choices.hpp"

#include "gateway/base/config_parsers.hpp"

namespace stowage::config_choices {

namespace parse = config_parsers;

Result<log::Level> log_level(std::string_view text) {
    using log::Level;
    return parse::choice<Level>(text, {{"error", Level::error},
                                       {"warning", Level::warning},
                                       {"notice", Level::notice},
                                       {"info", Level::info},
                                       {"debug", Level::debug}});
}

Result<QuotaChoice> quota_choice(std::string_view text) {
    using Q = QuotaChoice;
    return parse::choice<Q>(text, {{"auto", Q::automatic},
                                   {"btrfs", Q::btrfs},
                                   {"xfs", Q::xfs},
                                   {"ext4", Q::ext4},
                                   {"cephfs", Q::cephfs},
                                   {"none", Q::none}});
}

Result<DriftPolicy> drift_policy(std::string_view text) {
    return parse::choice<DriftPolicy>(text,
                                      {{"repair", DriftPolicy::repair}, {"report", DriftPolicy::report}});
}

Result<NfsServer> nfs_server(std::string_view text) {
    using N = NfsServer;
    return parse::choice<N>(text, {{"auto", N::automatic}, {"kernel", N::kernel}, {"ganesha", N::ganesha}});
}

Result<std::string> nfs_security(std::string_view text) {
    return parse::choice<std::string>(
        text, {{"sys", "sys"}, {"krb5", "krb5"}, {"krb5i", "krb5i"}, {"krb5p", "krb5p"}});
}

Result<std::string> nfs_transport(std::string_view text) {
    return parse::choice<std::string>(text, {{"none", "none"}, {"tls", "tls"}, {"mtls", "mtls"}});
}

Result<UploadHashing> upload_hashing(std::string_view text) {
    return parse::choice<UploadHashing>(text,
                                        {{"sha256", UploadHashing::sha256}, {"none", UploadHashing::none}});
}

Result<std::string> scope(std::string_view text) {
    return parse::choice<std::string>(text, {{"department", "department"}, {"project", "project"}});
}

}  // namespace stowage::config_choices
