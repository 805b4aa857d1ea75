// The single settings.
// Runs in: controller, supervisor, CLI.
#include "provisioning/runai/settings_check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>

#include <cerrno>
#include <cstring>

#include "gateway/base/log.hpp"
#include "gateway/base/node_name.hpp"
#include "gateway/base/tls_handles.hpp"
#include "provisioning/runai/base_url.hpp"
#include "provisioning/runai/data_source.hpp"

namespace stowage::runai {

namespace {

Result<void> check_cluster(const Config& config) {
    if (!config.runai.cluster.empty()) return {};
    return Error{Code::config, "runai.cluster is empty", "set it to the cluster's name in Run:ai"};
}

Result<void> check_url(const Config& config) {
    CHECK(parse_base_url(config.runai.url));
    return {};
}

/// A data source as every lab will have one, with one of its values from the configuration.
NfsDataSource example() {
    NfsDataSource source;
    source.name = "lab1-nfs";
    source.department_id = "1";
    source.server = "node1";
    source.path = source.mount_path = "/mnt/nfs";
    return source;
}

Result<void> check_address(const Config& config) {
    auto source = example();
    TRY(source.server, nfs_address(config));
    return check(source);
}

Result<void> check_root(const Config& config) {
    auto source = example();
    source.path = config.labs.root;
    return check(source);
}

Result<void> check_container_path(const Config& config) {
    auto source = example();
    source.mount_path = config.runai.container_path;
    return check(source);
}

std::string reason() {
    const auto code = ERR_peek_last_error();
    ERR_clear_error();
    const char* text = code != 0 ? ERR_reason_error_string(code) : nullptr;
    return text != nullptr ? text : "it holds no certificate";
}

}  // namespace

std::vector<SettingProblem> problems_in(const Config& config) {
    std::vector<SettingProblem> problems;
    if (config.runai.url.empty()) return problems;
    struct Rule {
        const char* key;
        Result<void> (*check)(const Config&);
    };
    for (const auto& rule : {Rule{"runai.url", check_url}, Rule{"runai.cluster", check_cluster},
                             Rule{"runai.container_path", check_container_path},
                             Rule{"nfs.address", check_address}, Rule{"labs.root", check_root}})
        if (const auto checked = rule.check(config); !checked)
            problems.push_back({rule.key, {Code::config, checked.error().what, checked.error().remedy}});
    return problems;
}

Result<void> trust_ca_bundle(SSL_CTX* context, const std::string& path) {
    ERR_clear_error();
    if (path.empty()) {
        if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
        return Error{Code::config, "the system's CA certificates: " + reason(),
                     "install ca-certificates, or set runai.ca_bundle"};
    }
    if (!Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)))
        return Error{Code::config,
                     fmt::format("runai.ca_bundle {}: {}", log::escaped(path), std::strerror(errno)),
                     "name a PEM file that process.controller_user may read"};
    if (SSL_CTX_load_verify_file(context, path.c_str()) == 1) return {};
    return Error{Code::config, fmt::format("runai.ca_bundle {}: {}", log::escaped(path), reason()),
                 "name a PEM file with the certificate of the authority that signed the control plane's"};
}

Result<void> check_ca_bundle(const std::string& path) {
    const openssl::TlsContext context(SSL_CTX_new(TLS_client_method()));
    if (!context) return Error{Code::internal, "OpenSSL makes no context"};
    return trust_ca_bundle(context.get(), path);
}

}  // namespace stowage::runai
