// The parts of a verification.
// Runs in: controller.
#include "gateway/controller/reconcile/verification.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/identity.hpp"
#include "gateway/controller/plan/quota_warning.hpp"
#include "nfs/check/mount_check.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

namespace {

/// What root sees, compared with what was asked, as checks.
/// @param elsewhere the labs' filesystem is not mounted: what lies there instead says nothing of the lab
std::vector<Check> compare(const Context& context, Lab lab, const message::LabObservation& seen,
                           std::int64_t ms, std::optional<Error>& elsewhere) {
    lab.directory = DirectoryPhase::made;
    const auto observed = with_what_is_known(context, lab, seen);
    std::vector<Check> checks;
    auto steps = plan_storage(lab, context.site, observed);
    // In the order in which they are done, an export may come before the limit.
    std::stable_sort(steps.begin(), steps.end(),
                     [](const Step& one, const Step& other) { return one.kind < other.kind; });
    for (const auto& step : steps) {
        if (step.kind > StepKind::publish_export) break;
        constexpr const char* names[] = {"directory", "quota", "export"};
        const bool ok = step.change == Change::unchanged;
        checks.push_back({names[checks.size()], ok, ms, step.detail.empty() ? step.title : step.detail});
        if (step.error && step.error->code == Code::unavailable) {
            elsewhere = step.error;
            break;
        }
    }
    return checks;
}

std::optional<Error> first_failure(const std::vector<Check>& checks) {
    for (const auto& check : checks)
        if (!check.ok)
            return Error{
                Code::io, fmt::format("{} is not as it was set: {}", check.name, check.detail),
                "`stowage apply` or the next pass sets it again; if it comes back, look for who changes it"};
    return std::nullopt;
}

/// The last of compare() is the export.
bool all_but_last_are_ok(const std::vector<Check>& checks) {
    return std::all_of(checks.begin(), checks.empty() ? checks.end() : checks.end() - 1,
                       [](const Check& check) { return check.ok; });
}

/// The kernel's nfsd tells of the directory that is exported, where XFS and ext4 put the limit in the place
/// of the filesystem's size (CephFS, too, unless it is mounted with noquotadf); NFS-Ganesha tells of the
/// mount point.
bool is_shown_to_clients(NfsServer server, message::QuotaBackend backend) {
    using message::QuotaBackend;
    return server == NfsServer::kernel && (backend == QuotaBackend::xfs || backend == QuotaBackend::ext4);
}

nfs::MountCheckRequest request_for_check(const Context& context, const Lab& lab,
                                         const message::LabObservation& seen) {
    nfs::MountCheckRequest request;
    // XFS says "no space" for a project's limit, too.
    request.at_limit = warning_level(percent_used(seen)) >= 95;
    request.server = context.config.nfs.check_address;
    request.port = context.config.nfs.port;
    request.path = context.site.directory_of(lab.name);
    request.uid = request.gid = lab.uid;
    request.v3 = context.config.nfs.v3;
    request.quota_bytes = lab.settings.quota_bytes;
    request.quota_is_shown = is_shown_to_clients(context.site.nfs_server, seen.quota_backend);
    for (const auto& text : lab.settings.clients) {
        const auto client = parse_client(text);
        if (client && client->read_only && networks_overlap(client->network, request.server))
            request.read_only = true;
    }
    return request;
}

/// libnfs 4 speaks neither Kerberos nor TLS. Empty when the lab can be mounted by it.
std::string why_not_mounted(const Config& config) {
    if (config.nfs.security != "sys")
        return fmt::format("not tried: nfs.security is {}, and the check speaks sys only",
                           config.nfs.security);
    if (config.nfs.transport_security != "none")
        return fmt::format("not tried: nfs.transport_security is {}, and the check speaks no TLS",
                           config.nfs.transport_security);
    return {};
}

/// Whose service it is, the mount check does not know.
Error with_service(Error error, NfsServer server) {
    if (server == NfsServer::kernel && error.what.find("no connection to the NFS server") != error.what.npos)
        error.remedy = "systemctl start nfs-server; if it runs, look for a firewall in between";
    return error;
}

std::string sum(const std::vector<Check>& checks) {
    std::string text;
    for (const auto& check : checks)
        text += fmt::format("{}{} {} ms", text.empty() ? "" : ", ", check.name, check.ms);
    return text;
}

}  // namespace

asio::awaitable<Result<Performed>> check_lab(Context& context, Lab lab) {
    const auto started = std::chrono::steady_clock::now();
    CO_TRY(const auto seen, co_await observe_lab(context, lab));
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started)
            .count();
    std::optional<Error> elsewhere;
    auto checks = compare(context, lab, seen, took, elsewhere);
    auto failure = elsewhere ? elsewhere : first_failure(checks);
    std::vector<Check> over_nfs;
    bool full = false;
    const auto unchecked = why_not_mounted(context.config);
    // Of an export that is not as it was set, the mount tells whether the server is there at all.
    const bool only_export = failure && !elsewhere && all_but_last_are_ok(checks);
    if (!failure && !unchecked.empty()) {
        over_nfs.push_back({"mounted", true, 0, unchecked});
    } else if (!failure || (only_export && unchecked.empty())) {
        auto request = request_for_check(context, lab, seen);
        const auto report = co_await nfs::check_mount(std::move(request));
        full = report.full;
        for (const auto& step : report.steps)
            over_nfs.push_back({step.name, step.ok, step.ms, step.detail});
        if (!report.ok() && (!failure || is_transient(report.error.code)))
            failure = with_service(report.error, context.site.nfs_server);
    }
    checks.insert(checks.end(), over_nfs.begin(), over_nfs.end());
    CO_CHECK(context.state.set_checks(lab.name, checks));
    if (failure) co_return *failure;
    Performed performed;
    performed.detail = (full ? "full: not written; " : "") + sum(over_nfs);
    co_return performed;
}

}  // namespace stowage::controller
