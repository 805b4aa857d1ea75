// The self-signed certificate of a first start.
// Runs in: supervisor.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/ip_address.hpp"
#include "gateway/base/openssl_handles.hpp"
#include "gateway/certificate/certificate.hpp"
#include "gateway/certificate/chain.hpp"

namespace stowage {

namespace {

constexpr long valid_days = 825;
constexpr std::chrono::hours back_dated{1};  // clients' clocks may lag

using openssl::Certificate;
using openssl::Deleter;

bool add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const openssl::Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
    std::uint64_t serial = 0;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return false;
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1;
}

Certificate sign_for(EVP_PKEY* key, const std::vector<std::string>& names) {
    Certificate certificate(X509_new());
    if (!certificate || !set_serial(certificate.get())) return nullptr;
    X509_set_version(certificate.get(), X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -std::chrono::seconds(back_dated).count());
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), valid_days * 86400);
    X509_set_pubkey(certificate.get(), key);
    auto* subject = X509_get_subject_name(certificate.get());
    const auto common = names.front().substr(0, 64);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common.data()),
                               static_cast<int>(common.size()), -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    std::string alternatives;
    for (const auto& name : names)
        alternatives +=
            (alternatives.empty() ? "" : ",") + std::string(is_ip_address(name) ? "IP:" : "DNS:") + name;
    const bool extended = add_extension(certificate.get(), NID_subject_alt_name, alternatives) &&
                          add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE") &&
                          add_extension(certificate.get(), NID_ext_key_usage, "serverAuth");
    if (!extended || X509_sign(certificate.get(), key, EVP_sha256()) == 0) return nullptr;
    return certificate;
}

/// As hosts(5) or the DNS has it; empty when neither does.
std::string full_name_of(const char* host) {
    addrinfo hints{};
    hints.ai_flags = AI_CANONNAME;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (!host[0] || ::getaddrinfo(host, nullptr, &hints, &found) != 0) return {};
    const std::unique_ptr<addrinfo, Deleter<freeaddrinfo>> owner(found);
    return found->ai_canonname ? found->ai_canonname : "";
}

bool is_missing(const std::string& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) != 0 && errno == ENOENT;
}

bool is_pair(const std::string& chain_path, const std::string& key_path) {
    const auto chain = read_file(chain_path);
    auto key = read_file(key_path);
    const bool fits = chain && key && key_fits(*chain, *key);
    if (key) explicit_bzero(key->data(), key->size());
    return fits;
}

Result<void> keep_old(const std::string& path) {
    if (::rename(path.c_str(), (path + ".old").c_str()) == 0 || errno == ENOENT) return {};
    return system_error(errno, "rename " + path);
}

/// A clock that is far ahead makes an expired certificate of a good one: so it can be put back. A key alone,
/// beside a pair that was kept, is of a run that was cut off, and must not take the kept one's place.
Result<void> keep_old_pair(const CertificateFiles& files) {
    const auto chain = files.chain_path + ".old", key = files.key_path + ".old";
    if (is_missing(files.chain_path) && is_pair(chain, key)) return {};
    CHECK(keep_old(files.chain_path));
    return keep_old(files.key_path);
}

}  // namespace

bool may_be_made(const CertificateFiles& files) {
    if (is_missing(files.chain_path) || is_missing(files.key_path)) return true;
    const auto text = read_file(files.chain_path);
    const auto facts = text ? describe_certificate(*text) : Result<CertificateFacts>(text.error());
    return facts && facts->self_signed && facts->not_after <= std::chrono::system_clock::now() &&
           facts->not_after - facts->not_before == std::chrono::hours(24 * valid_days) + back_dated;
}

Result<void> make_self_signed(const CertificateFiles& files, const std::vector<std::string>& names) {
    const openssl::Key key(EVP_EC_gen("P-256"));
    auto certificate = key ? sign_for(key.get(), names) : nullptr;
    const auto chain = openssl::memory();
    const openssl::Bio secret(BIO_new(BIO_s_secmem()));
    if (!certificate || PEM_write_bio_X509(chain.get(), certificate.get()) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        return Error{Code::internal, "OpenSSL could not make a self-signed certificate"};
    std::error_code failed;
    std::filesystem::create_directories(std::filesystem::path(files.key_path).parent_path(), failed);
    if (failed) return system_error(failed.value(), "create the directory of " + files.key_path);
    Secret key_pem(openssl::written(secret));
    CHECK(keep_old_pair(files));
    CHECK(write_atomically(files.key_path, key_pem.reveal(), {0, 0, 0600}));
    return write_atomically(files.chain_path, openssl::written(chain), {0, 0, 0644});
}

std::vector<std::string> host_names() {
    std::vector<std::string> names;
    char host[256] = {};
    if (::gethostname(host, sizeof host - 1) == 0 && host[0]) names.emplace_back(host);
    if (auto full = full_name_of(host); !full.empty() && full != host) names.push_back(std::move(full));
    names.emplace_back("localhost");
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return names;
    std::unique_ptr<ifaddrs, Deleter<freeifaddrs>> owner(all);
    for (const auto* entry = all; entry; entry = entry->ifa_next) {
        if (!entry->ifa_addr || !(entry->ifa_flags & IFF_UP)) continue;
        char text[INET6_ADDRSTRLEN] = {};
        const auto family = entry->ifa_addr->sa_family;
        const void* bytes = nullptr;
        if (family == AF_INET) bytes = &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr;
        if (family == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr;
        if (!bytes || !inet_ntop(family, bytes, text, sizeof text)) continue;
        if (std::find(names.begin(), names.end(), text) == names.end()) names.emplace_back(text);
    }
    return names;
}

}  // namespace stowage
