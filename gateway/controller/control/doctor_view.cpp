// What doctor finds: in Run:ai, and in the labs of this gateway.
// Runs in: controller. Distrusts: Run:ai.
#include "gateway/controller/control/doctor_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>

#include "gateway/base/counted.hpp"
#include "gateway/controller/control/site_request.hpp"
#include "gateway/controller/control/site_work.hpp"
#include "gateway/controller/plan/doctor.hpp"
#include "gateway/controller/plan/quota_warning.hpp"
#include "gateway/controller/reconcile/reasons.hpp"

namespace stowage::controller {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// A lab whose state, quota or export is not what it should be.
/// @param silent Run:ai does not answer: what that does to labs is told once
void add_lab(const Context& context, const Lab& lab, bool silent, std::vector<Finding>& findings) {
    const auto status = context.state.status(lab.name);
    const bool served = status.state == LabState::degraded;
    const bool waits = served && status.why.rfind(waits_for_runai, 0) == 0;
    const auto seen = context.seen.find(lab.name);
    const bool is_missing = seen != context.seen.end() && seen->second.storage &&
                            seen->second.labs_were_made && is_elsewhere(*seen->second.storage);
    if (status.state != LabState::ready && !lab.leaves() && !(silent && waits))
        findings.push_back({served ? Finding::Severity::warning : Finding::Severity::error, "lab",
                            fmt::format("lab {} is {}: {}", lab.name, to_string(status.state), status.why),
                            served ? "it is served to users and pods, and something about it is not as asked"
                                   : "its users or pods may not reach it",
                            is_missing ? missing_filesystem(context.site).remedy
                                       : fmt::format("stowage verify {0}, and what it says", lab.name),
                            false});
    if (seen == context.seen.end() || !seen->second.storage) return;
    const auto& storage = *seen->second.storage;
    // What lies below its mount point says nothing of the lab, and is told by its state.
    if (is_missing) return;
    const bool limited = lab.settings.quota_bytes > 0 || lab.settings.quota_inodes > 0;
    if (limited && storage.quota_backend == message::QuotaBackend::none)
        findings.push_back({Finding::Severity::warning, "quota",
                            fmt::format("lab {} has a quota, and the filesystem enforces none", lab.name),
                            "pods can fill the disk for every lab",
                            "put labs.root on XFS or ext4 with project quotas, or on btrfs", false});
    if (storage.directory_exists != 0 && percent_used(storage) >= 100)
        findings.push_back(
            {Finding::Severity::warning, "full",
             fmt::format("lab {} is full: {} % of its limit are used", lab.name, percent_used(storage)),
             "what is in it stays and can be read; nothing new is admitted, from users or pods",
             fmt::format("delete something in it, or stowage lab set {} --quota SIZE (or "
                         "--inodes COUNT)",
                         lab.name),
             false});
    if (storage.directory_exists != 0 && storage.exported == 0)
        findings.push_back({Finding::Severity::error, "export",
                            fmt::format("lab {} is not exported over NFS", lab.name), "pods cannot mount it",
                            fmt::format("stowage verify {}, then the NFS server's log", lab.name), false});
}

/// Secrets that nobody has seen are deleted after a day, and then they are lost.
void add_secrets(Context& context, std::vector<Finding>& findings) {
    const auto waiting = waiting_secrets(context).size();
    if (waiting == 0) return;
    findings.push_back(
        {Finding::Severity::warning, "secrets",
         counted(waiting, "secret of a new user waits", "secrets of new users wait") + " to be shown",
         "a day after they were made they are deleted, and nobody has them", "stowage secrets", false});
}

/// Whether it could be looked at.
asio::awaitable<bool> examine_runai(Context& context, std::vector<Finding>& findings) {
    auto seen = co_await observe_runai(context);
    if (!seen) {
        findings.push_back(unreachable(seen.error()));
        co_return false;
    }
    Examined examined{
        std::move(seen->site), std::move(seen->data_sources), true, context.state.objects(), {}};
    const auto on = co_await context.registry.client()->departments_are_on();
    examined.departments_on = !on || *on;
    examined.clock_ahead = context.registry.client()->clock_ahead();
    bool ours = false;
    for (auto& finding : diagnose(examined)) {
        ours = ours || finding.is_ours;
        findings.push_back(std::move(finding));
    }
    const auto text = context.state.applied_site();
    const auto wanted = text.empty() ? Result<WantedSite>(WantedSite()) : parse_wanted_site(text);
    if (text.empty() || !wanted) co_return true;
    const auto items = plan_site_objects(*wanted, examined.site, examined.owned, false);
    for (auto& finding : not_as_applied(items, ours))
        findings.push_back(std::move(finding));
    co_return true;
}

}  // namespace

asio::awaitable<json::object> doctor_view(Context& context) {
    std::vector<Finding> findings, of_runai;
    const bool used = context.registry.is_used();
    const bool seen = used && co_await examine_runai(context, of_runai);
    for (const auto& lab : context.state.labs())
        add_lab(context, lab, used && !seen, findings);
    add_secrets(context, findings);
    std::move(of_runai.begin(), of_runai.end(), std::back_inserter(findings));
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
