// What doctor finds: in Run:ai, and in the labs of this gateway.
// Runs in: controller. Distrusts: Run:ai.
#include "gateway/controller/control/doctor_view.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/base/counted.hpp"
#include "gateway/controller/control/site_work.hpp"
#include "gateway/controller/plan/doctor.hpp"

namespace stowage::controller {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// A lab whose state, quota or export is not what it should be.
void add_lab(const Context& context, const Lab& lab, std::vector<Finding>& findings) {
    const auto status = context.state.status(lab.name);
    if (status.state != LabState::ready && !lab.leaves())
        findings.push_back({Finding::Severity::error, "lab",
                            fmt::format("lab {} is {}: {}", lab.name, to_string(status.state), status.why),
                            "its users or pods may not reach it",
                            fmt::format("stowage verify {0}, and what it says", lab.name), false});
    const auto seen = context.seen.find(lab.name);
    if (seen == context.seen.end() || !seen->second.storage) return;
    const auto& storage = *seen->second.storage;
    const bool limited = lab.settings.quota_bytes > 0 || lab.settings.quota_inodes > 0;
    if (limited && storage.quota_backend == message::QuotaBackend::none)
        findings.push_back({Finding::Severity::warning, "quota",
                            fmt::format("lab {} has a quota, and the filesystem enforces none", lab.name),
                            "pods can fill the disk for every lab",
                            "put labs.root on XFS or ext4 with project quotas, or on btrfs", false});
    if (storage.directory_exists != 0 && storage.exported == 0)
        findings.push_back({Finding::Severity::error, "export",
                            fmt::format("lab {} is not exported over NFS", lab.name), "pods cannot mount it",
                            fmt::format("stowage verify {}, then the NFS server's log", lab.name), false});
}

/// Secrets that nobody has seen are deleted after a day, and then they are lost.
void add_secrets(Context& context, std::vector<Finding>& findings) {
    const auto waiting = context.secrets.all().size();
    if (waiting == 0) return;
    findings.push_back(
        {Finding::Severity::warning, "secrets",
         counted(waiting, "secret of a new user waits", "secrets of new users wait") + " to be shown",
         "a day after they were made they are deleted, and nobody has them", "stowage secrets", false});
}

asio::awaitable<void> examine_runai(Context& context, std::vector<Finding>& findings) {
    auto seen = co_await observe_runai(context);
    if (!seen) {
        findings.push_back(unreachable(seen.error()));
        co_return;
    }
    Examined examined{
        std::move(seen->site), std::move(seen->data_sources), true, context.state.objects(), {}};
    const auto on = co_await context.registry.client()->departments_are_on();
    examined.departments_on = !on || *on;
    examined.clock_ahead = context.registry.client()->clock_ahead();
    for (auto& finding : diagnose(examined))
        findings.push_back(std::move(finding));
}

}  // namespace

asio::awaitable<json::object> doctor_view(Context& context) {
    std::vector<Finding> findings;
    for (const auto& lab : context.state.labs())
        add_lab(context, lab, findings);
    add_secrets(context, findings);
    if (context.registry.is_used()) co_await examine_runai(context, findings);
    json::array list;
    for (const auto& one : findings)
        list.push_back({{"severity", one.severity == Finding::Severity::error ? "error" : "warning"},
                        {"check", one.check},
                        {"what", one.what},
                        {"why", one.why},
                        {"fix", one.fix},
                        {"ours", one.is_ours}});
    json::object body;
    body["findings"] = std::move(list);
    co_return body;
}

}  // namespace stowage::controller
