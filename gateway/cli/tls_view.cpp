// Lines and JSON of certificates.
// Runs in: CLI.
#include "gateway/cli/tls_view.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>

#include "gateway/base/atomic_file.hpp"
#include "gateway/cli/table.hpp"

namespace stowage::cli {

namespace {

std::string validity(const CertificateFacts& facts) {
    const auto warning = expiry_warning(facts.not_after);
    return warning.empty() ? fmt::format("until {:%Y-%m-%d}", facts.not_after) : warning;
}

Colour colour_of(const CertificateFacts& facts) {
    if (facts.not_after <= std::chrono::system_clock::now()) return Colour::red;
    return expiry_warning(facts.not_after).empty() ? Colour::plain : Colour::yellow;
}

}  // namespace

Result<CertificateFacts> served_certificate(const std::string& socket) {
    TRY(const auto chain, read_file(published_certificate(std::filesystem::path(socket).parent_path())));
    return describe_certificate(chain);
}

void print_certificate(const Console& console, const CertificateFacts& facts) {
    print_property(console, "subject", facts.subject);
    print_property(console, "issuer", facts.self_signed ? "itself (self-signed)" : facts.issuer);
    print_property(console, "names", fmt::format("{}", fmt::join(facts.names, ", ")));
    print_property(console, "key", facts.key);
    print_property(console, "valid", fmt::format("from {:%Y-%m-%d}, {}", facts.not_before, validity(facts)),
                   colour_of(facts));
    print_property(console, "SHA-256", facts.sha256);
}

boost::json::object certificate_json(const CertificateFacts& facts) {
    const auto seconds = [](auto moment) { return std::chrono::system_clock::to_time_t(moment); };
    boost::json::object view{{"subject", facts.subject},
                             {"issuer", facts.issuer},
                             {"names", boost::json::array(facts.names.begin(), facts.names.end())},
                             {"key", facts.key},
                             {"not_before", seconds(facts.not_before)},
                             {"not_after", seconds(facts.not_after)},
                             {"sha256", facts.sha256},
                             {"self_signed", facts.self_signed},
                             {"warning", expiry_warning(facts.not_after)}};
    return view;
}

void print_certificate_line(const Console& console, const CertificateFacts& facts) {
    print_property(console, "certificate", validity(facts) + (facts.self_signed ? ", self-signed" : ""),
                   colour_of(facts));
}

}  // namespace stowage::cli
