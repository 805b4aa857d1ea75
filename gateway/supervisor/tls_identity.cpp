// Files to sealed memfds, and those to the other processes.
// Runs in: supervisor.
#include "gateway/supervisor/tls_identity.hpp"

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/log.hpp"
#include "gateway/certificate/chain.hpp"

namespace stowage::supervisor {

namespace {

Result<LoadedCertificate> certificate_of(const Config& config) {
    const auto files = certificate_files(config);
    auto loaded = load_certificate(files);
    if (loaded || !config.ftps.certificate.empty()) return loaded;
    if (!may_be_made(files)) {
        // One that `stowage tls install` brought is somebody's: it is replaced by him alone.
        auto error = loaded.error();
        if (is_issued_by_another(files.chain_path) && error.code != Code::unavailable)
            error.remedy = "install a current one: stowage tls install CERT KEY";
        return error;
    }
    log::notice(
        "certificate_made",
        {{"path", files.chain_path},
         {"why", loaded.error().code == Code::not_found ? "there is none yet" : loaded.error().text()}});
    CHECK(make_self_signed(files, host_names()));
    return load_certificate(files);
}

Result<OcspResponse> ocsp_response_of(const Config& config, const LoadedCertificate& certificate) {
    OcspResponse none;
    if (config.ftps.ocsp_response.empty()) return none;
    auto loaded = load_ocsp_response(config.ftps.ocsp_response, certificate.chain_pem);
    if (loaded) return loaded;
    log::warning("ocsp_not_stapled", {{"why", loaded.error().what}, {"remedy", loaded.error().remedy}});
    return none;
}

/// What clients are shown anyway, where `stowage status` and members find it. Nothing depends on it.
void publish(const Config& config, const LoadedCertificate& certificate) {
    const auto path = published_certificate(config.run_dir);
    if (const auto written = write_atomically(path, certificate.chain_pem, {0, 0, 0644}); !written)
        log::warning("certificate_not_published", {{"path", path}, {"why", written.error().text()}});
}

}  // namespace

Result<void> read_tls_identity(Context& context) {
    TRY(const auto certificate, certificate_of(context.config));
    TRY(const auto ocsp, ocsp_response_of(context.config, certificate));
    TRY(auto chain, seal("certificate", certificate.chain_pem));
    TRY(auto key, seal("private-key", certificate.key_pem.reveal()));
    TRY(auto response, seal("ocsp-response", ocsp.der));
    context.sealed_certificate = std::move(chain);
    context.certificate_until = certificate.not_after;
    publish(context.config, certificate);
    context.sealed_key = std::move(key);
    context.sealed_ocsp = std::move(response);
    context.ocsp_until = ocsp.der.empty() ? 0 : std::chrono::system_clock::to_time_t(ocsp.until);
    return {};
}

void warn_of_expiry(const Context& context) {
    const auto warning = expiry_warning(context.certificate_until);
    if (warning.empty()) return;
    log::warning("certificate_expires", {{"path", certificate_files(context.config).chain_path},
                                         {"what", warning},
                                         {"remedy", how_to_renew(context.config)}});
}

Result<void> send_certificate(const Context& context, ipc::Channel& channel) {
    TRY(auto fds, duplicates({&context.sealed_certificate, &context.sealed_key}));
    return channel.send(message::Certificate{}, std::move(fds));
}

Result<void> send_control_certificate(const Context& context, ipc::Channel& channel) {
    message::Certificate m;
    m.request_client_certificate = context.accounts.some_lab_wants_client_certificates();
    m.ocsp_until = context.ocsp_until;
    TRY(auto fds, m.ocsp_until == 0
                      ? duplicates({&context.sealed_certificate, &context.sealed_key})
                      : duplicates({&context.sealed_certificate, &context.sealed_key, &context.sealed_ocsp}));
    return channel.send(m, std::move(fds));
}

}  // namespace stowage::supervisor
