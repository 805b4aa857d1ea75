// Reading and judging chains.
// Runs in: supervisor, CLI. Distrusts: what stands in the files.
#include "gateway/certificate/chain.hpp"

#include <arpa/inet.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/counted.hpp"
#include "gateway/certificate/handles.hpp"

namespace stowage {

namespace {

constexpr auto warned_ahead = std::chrono::hours(30 * 24);
constexpr int least_security_bits = 112;  // OpenSSL's level 2

using AlternativeNames = std::unique_ptr<GENERAL_NAMES, openssl::Deleter<GENERAL_NAMES_free>>;

/// The epoch for a date that cannot be read: it is long past.
std::chrono::system_clock::time_point moment_of(const ASN1_TIME* time) {
    return openssl::moment_of(time).value_or(std::chrono::system_clock::time_point());
}

std::string text_of(const X509_NAME* name) {
    const auto text = openssl::memory();
    X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
    return openssl::written(text);
}

std::string address_text(const ASN1_OCTET_STRING* bytes) {
    char text[INET6_ADDRSTRLEN] = {};
    const auto size = ASN1_STRING_length(bytes);
    if (size != 4 && size != 16) return {};
    ::inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text, sizeof text);
    return text;
}

std::vector<std::string> names_of(X509* certificate) {
    std::vector<std::string> names;
    const AlternativeNames all(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
        const auto* name = sk_GENERAL_NAME_value(all.get(), i);
        if (name->type == GEN_DNS)
            names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                               static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
        else if (name->type == GEN_IPADD)
            names.push_back(address_text(name->d.iPAddress));
    }
    return names;
}

std::string fingerprint_of(const X509* certificate) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), bytes, &size) != 1) return {};
    return fmt::format("{:02X}", fmt::join(bytes, bytes + size, ":"));
}

bool covers(X509* certificate, const std::string& name) {
    return X509_check_host(certificate, name.c_str(), name.size(), 0, nullptr) == 1 ||
           X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
}

Error unfit(std::string what, std::string remedy) {
    return {Code::config, std::move(what), std::move(remedy)};
}

Result<void> check_one(X509* certificate, int position) {
    const auto subject = text_of(X509_get_subject_name(certificate));
    const auto which = fmt::format("certificate {} of the chain ({})", position + 1, subject);
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        return unfit(
            fmt::format("{} expired on {:%Y-%m-%d}", which, moment_of(X509_get0_notAfter(certificate))),
            "get a current one");
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        return unfit(which + " is not valid yet", "check this machine's clock");
    int bits = 0;
    const auto* key = X509_get0_pubkey(certificate);
    if (!key || EVP_PKEY_get_security_bits(key) < least_security_bits)
        return unfit(which + " has a key that is too weak",
                     "use RSA with 2048 bits at least, or ECDSA P-256");
    const bool is_root = X509_self_signed(certificate, 0) == 1;  // nobody relies on its own signature
    if (!is_root && (X509_get_signature_info(certificate, nullptr, nullptr, &bits, nullptr) != 1 ||
                     bits < least_security_bits))
        return unfit(which + " has a signature that is too weak", "have it signed with SHA-256");
    return {};
}

Result<void> check_links(const Chain& chain) {
    const int count = sk_X509_num(chain.get());
    for (int i = 0; i + 1 < count; ++i) {
        auto *certificate = sk_X509_value(chain.get(), i), *issuer = sk_X509_value(chain.get(), i + 1);
        const auto* key = X509_get0_pubkey(issuer);
        if (X509_check_issued(issuer, certificate) != X509_V_OK || !key ||
            X509_verify(certificate, X509_get0_pubkey(issuer)) != 1)
            return unfit(
                fmt::format("certificate {} of the chain ({}) is not signed by the one behind it ({})", i + 1,
                            text_of(X509_get_subject_name(certificate)),
                            text_of(X509_get_subject_name(issuer))),
                "put the server's certificate first, then its issuer's, and so on");
    }
    return {};
}

Result<void> check_names(X509* certificate, const std::vector<std::string>& wanted) {
    const auto has = names_of(certificate);
    if (has.empty())
        return unfit("the certificate names no host (subjectAltName), so clients refuse it",
                     "have one made that has the names which clients connect to");
    for (const auto& name : wanted)
        if (!covers(certificate, name))
            return unfit(fmt::format("the certificate is not for {}, but for {}", name, fmt::join(has, ", ")),
                         "have one made for it, or name another with --name");
    if (!wanted.empty()) return {};
    for (const auto& name : host_names())
        if (name != "localhost" && covers(certificate, name)) return {};
    return unfit(
        fmt::format("the certificate is for {}; none of these is a name of this host", fmt::join(has, ", ")),
        "if clients connect by one of them, say so with --name");
}

}  // namespace

std::optional<std::chrono::system_clock::time_point> openssl::moment_of(const ASN1_TIME* time) {
    std::tm parts{};
    // Without a time, OpenSSL means now.
    if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

Chain certificates_in(std::string_view pem) {
    Chain chain(sk_X509_new_null());
    const auto bytes = openssl::reading(pem);
    while (auto* next = PEM_read_bio_X509(bytes.get(), nullptr, openssl::no_passphrase, nullptr))
        sk_X509_push(chain.get(), next);
    return chain;
}

Result<CertificateFacts> describe_certificate(std::string_view chain_pem) {
    const auto chain = certificates_in(chain_pem);
    auto* certificate = sk_X509_value(chain.get(), 0);
    if (!certificate) return Error{Code::invalid, "there is no PEM certificate"};
    CertificateFacts facts;
    facts.subject = text_of(X509_get_subject_name(certificate));
    facts.issuer = text_of(X509_get_issuer_name(certificate));
    if (const auto* key = X509_get0_pubkey(certificate))
        facts.key = fmt::format("{} {}", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
    facts.names = names_of(certificate);
    facts.not_before = moment_of(X509_get0_notBefore(certificate));
    facts.not_after = moment_of(X509_get0_notAfter(certificate));
    facts.sha256 = fingerprint_of(certificate);
    facts.self_signed = X509_self_signed(certificate, 0) == 1;
    return facts;
}

std::string expiry_warning(std::chrono::system_clock::time_point not_after) {
    const auto left = not_after - std::chrono::system_clock::now();
    if (left > warned_ahead) return {};
    if (left.count() <= 0) return fmt::format("expired on {:%Y-%m-%d}", not_after);
    const auto days = std::chrono::duration_cast<std::chrono::hours>(left).count() / 24;
    return fmt::format("expires on {:%Y-%m-%d}, in {}", not_after, counted(days, "day"));
}

bool is_issued_by_another(const std::string& chain_path) {
    const auto text = read_file(chain_path);
    if (!text) return false;
    const auto facts = describe_certificate(*text);
    return facts && !facts->self_signed;
}

bool lacks_issuers(std::string_view chain_pem) {
    const auto chain = certificates_in(chain_pem);
    return sk_X509_num(chain.get()) == 1 && X509_self_signed(sk_X509_value(chain.get(), 0), 0) != 1;
}

Result<void> check_chain(std::string_view chain_pem, const std::vector<std::string>& names) {
    const auto chain = certificates_in(chain_pem);
    auto* certificate = sk_X509_value(chain.get(), 0);
    if (!certificate) return unfit("there is no PEM certificate", "name the file with the certificate chain");
    for (int i = 0; i < sk_X509_num(chain.get()); ++i)
        CHECK(check_one(sk_X509_value(chain.get(), i), i));
    CHECK(check_links(chain));
    if (X509_check_purpose(certificate, X509_PURPOSE_SSL_SERVER, 0) != 1)
        return unfit("the certificate is not for TLS servers (extendedKeyUsage)",
                     "have one made with serverAuth");
    return check_names(certificate, names);
}

}  // namespace stowage
