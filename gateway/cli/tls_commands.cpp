// tls install, tls show.
// Runs in: CLI, as root where the key is concerned. Distrusts: the files that it is given.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/base/atomic_file.hpp"
#include "gateway/certificate/chain.hpp"
#include "gateway/cli/answer.hpp"
#include "gateway/cli/gateway_config.hpp"
#include "gateway/cli/running_gateway.hpp"
#include "gateway/cli/table.hpp"
#include "gateway/cli/tls_view.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

Error as_input_error(Error error) {
    if (error.code == Code::config) error.code = Code::invalid;
    // The keys of the configuration, of which load_certificate() speaks, have nothing to do with it.
    if (error.code == Code::not_found) error.remedy = "name a file that is there";
    return error;
}

template <typename T>
Result<T> of_input(Result<T> result) {
    if (result) return result;
    return as_input_error(result.error());
}

Result<LoadedCertificate> checked(const TlsInstall& command) {
    TRY(auto fresh, of_input(load_certificate({command.certificate_file, command.key_file})));
    CHECK(of_input(check_chain(fresh.chain_pem, command.names)));
    return fresh;
}

/// Only the gateway's own pair is replaced: files that the configuration names are somebody else's.
Result<CertificateFiles> own_files(const Config& config) {
    if (config.ftps.certificate.empty()) return certificate_files(config);
    return Error{
        Code::config,
        fmt::format("ftps.certificate names {}, which this command does not touch", config.ftps.certificate),
        "replace ftps.certificate and ftps.private_key themselves, then: systemctl reload stowage; or take "
        "both keys out of the configuration"};
}

Result<bool> put_in_use(const Config& config, const CertificateFiles& own, const LoadedCertificate& fresh) {
    auto before = load_certificate(own);
    CHECK(install_pair(own, fresh));
    auto used = reload_certificate(config, fresh.chain_pem);
    // Refused: what was served before is what the next start shall find.
    if (!used && before) CHECK(install_pair(own, *before));
    return used;
}

}  // namespace

Result<Exit> run(const TlsInstall& command, Context& context) {
    CHECK(need_root("install a certificate"));
    TRY(const auto config, config_beside(context, command.config));
    TRY(const auto own, own_files(config));
    TRY(const auto fresh, checked(command));
    TRY(const bool live, put_in_use(config, own, fresh));
    TRY(const auto facts, describe_certificate(fresh.chain_pem));
    const auto& console = context.console;
    const bool alone = lacks_issuers(fresh.chain_pem);
    if (console.json) {
        auto view = certificate_json(facts);
        view["in_use"] = live;
        view["issuers_missing"] = alone;
        print_json(console, view);
        return Exit::done;
    }
    if (alone)
        console.line(fmt::format(
            "warning: {} has no certificate of its issuer ({}) behind it: clients that do not have that "
            "refuse it\n"
            "  remedy: install the file that holds the issuers' too (fullchain.pem of an ACME client)",
            shown(command.certificate_file), shown(facts.issuer)));
    console.line(
        live ? "the certificate is installed and used for new connections; sessions go on with the old one"
             : "the certificate is installed; the gateway does not run and uses it when it starts");
    print_certificate(console, facts);
    return Exit::done;
}

Result<Exit> run(const TlsShow& command, Context& context) {
    TRY(const auto config, config_beside(context, command.config));
    const auto files = certificate_files(config);
    const auto published = read_file(published_certificate(config.run_dir));
    auto stored = read_file(files.chain_path);
    // Not everybody may look into the folder of the key; what is served is public.
    if (!stored && !published)
        return Error{stored.error().code, stored.error().what, "start the gateway once"};
    TRY(const auto chain, certificates_alone(stored ? *stored : *published, files.chain_path));
    TRY(const auto facts, describe_certificate(chain));
    const bool in_use = published && *published == chain;
    const auto& console = context.console;
    if (console.json) {
        auto view = certificate_json(facts);
        view["path"] = files.chain_path;
        view["in_use"] = in_use;
        print_json(console, view);
        return Exit::done;
    }
    console.line(shown(files.chain_path));
    print_certificate(console, facts);
    print_property(console, "in use",
                   in_use      ? "yes"
                   : published ? "no: the gateway serves another one; systemctl reload stowage"
                               : "the gateway does not run",
                   in_use ? Colour::green : Colour::yellow);
    return Exit::done;
}

}  // namespace stowage::cli
