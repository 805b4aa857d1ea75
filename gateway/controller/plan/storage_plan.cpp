// What has to be done on this node for a lab to be as asked.
// Runs in: controller.
#include <fmt/format.h>

#include "gateway/base/counted.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/controller/plan/export_plan.hpp"

namespace stowage::controller {

namespace {

constexpr std::uint32_t lab_mode = 02770;
/// Quota tools count in blocks of 512, 1024 or 4096 bytes and round up.
constexpr std::uint64_t quota_block = 4096;

Error foreign(const std::string& directory, std::string why) {
    return {Code::differs, fmt::format("{} exists already, {}", directory, why),
            "choose another lab name, or move that directory away (its files can be copied into the lab "
            "afterwards)"};
}

/// Wrong owner, mode or mount of a directory that is ours, in words and one by one; empty when nothing is
/// wrong.
std::string repairs(const Lab& lab, const ObservedStorage& observed, std::vector<Deviation>& deviations) {
    const auto& seen = observed.lab;
    std::string text;
    const auto note = [&](const std::string& words, Deviation deviation) {
        text += (text.empty() ? "" : ", ") + words;
        deviations.push_back(std::move(deviation));
    };
    const auto owner = fmt::format("{}:{}", seen.uid, seen.gid), own = fmt::format("{}:{}", lab.uid, lab.uid);
    if (owner != own) note(fmt::format("owner {} instead of {}", owner, own), {"owner", owner, own});
    const auto mode = fmt::format("{:o}", seen.mode & 07777), right = fmt::format("{:o}", lab_mode);
    if (mode != right) note(fmt::format("mode {} instead of {}", mode, right), {"mode", mode, right});
    if (seen.open_to_others)
        note("without the default ACL that keeps others out",
             {"default ACL", "open to others", "closed to others"});
    if (!seen.mounted)
        note("not mounted", {"mount", "not mounted, or not nosuid and nodev", "mounted", false});
    if (!seen.marked) note("without our marker", {"marker", "missing", ".stowage/lab"});
    if (!seen.root_marked && !observed.is_mark_known)
        text += std::string(text.empty() ? "" : ", ") + "its filesystem's marker of a former version";
    else if (!seen.root_marked)
        note("its filesystem without our marker", {"filesystem's marker", "missing", ".stowage-root"});
    return text;
}

bool filesystem_is_missing(const ObservedStorage& observed) {
    return observed.labs_were_made && is_elsewhere(observed.lab);
}

/// Whether an existing directory is not ours to touch.
std::optional<Error> objection(const Lab& lab, const Site& site, const message::LabObservation& seen) {
    const auto directory = site.directory_of(lab.name);
    const bool owned_by_lab = seen.uid == lab.uid;
    if (!seen.marked && !seen.empty && !(lab.directory == DirectoryPhase::made && owned_by_lab))
        return foreign(directory, "was not made by stowage and holds files");
    // A directory full of another lab's files: giving away its top alone would mend nothing.
    if (!owned_by_lab && !seen.empty && seen.uid >= site.uid_min && seen.uid <= site.uid_max)
        return foreign(directory,
                       fmt::format("holds files and belongs to uid {}, which is another lab's", seen.uid));
    return std::nullopt;
}

Step differing(Step step, Error error) {
    step.change = Change::differs;
    step.detail = error.what;
    step.error = std::move(error);
    return step;
}

Step directory_step(const Lab& lab, const Site& site, const ObservedStorage& observed) {
    const auto& seen = observed.lab;
    Step step{.lab = lab.name,
              .kind = StepKind::make_directory,
              .title = "directory " + site.directory_of(lab.name)};
    if (filesystem_is_missing(observed)) {
        step.deviations.push_back({"filesystem", "not mounted", "mounted on " + site.labs_root});
        return differing(std::move(step), missing_filesystem(site));
    }
    if (seen.uid_owner.size) {
        const auto owner = seen.uid_owner.str();
        step.deviations.push_back({"uid", "of lab " + owner, "of this lab alone"});
        return differing(
            std::move(step),
            {Code::differs,
             fmt::format("uid {} is that of lab {} as well, which is in {} and not in the database", lab.uid,
                         owner, site.directory_of(owner)),
             fmt::format("stowage lab delete {0}, then create it again: it is given another uid; stowage lab "
                         "create {1} takes {1} up again",
                         lab.name, owner)});
    }
    if (!seen.directory_exists) {
        step.change = Change::create;
        step.deviations.push_back({"directory", "gone", site.directory_of(lab.name)});
        step.detail = lab.directory == DirectoryPhase::made ? "it is gone, with what it held" : "";
        return step;
    }
    if (auto error = objection(lab, site, seen)) {
        step.deviations.push_back({"directory", error->what, "the lab's"});
        return differing(std::move(step), std::move(*error));
    }
    step.detail = repairs(lab, observed, step.deviations);
    if (step.detail.empty() && lab.directory == DirectoryPhase::made) return step;
    const bool ours = seen.marked || lab.directory != DirectoryPhase::none;
    step.change = ours ? Change::change : Change::adopt;
    if (!ours) step.detail = "an empty directory that is there: " + step.detail;
    if (step.detail.empty()) step.detail = "made before, its data was kept";
    return step;
}

std::string quota_text(const LabSettings& settings) {
    const auto bytes = settings.quota_bytes ? format_bytes(settings.quota_bytes) : std::string("none");
    return settings.quota_inodes ? fmt::format("quota {}, {}", bytes, counted(settings.quota_inodes, "file"))
                                 : "quota " + bytes;
}

std::uint64_t blocks(std::uint64_t bytes) {
    return bytes / quota_block + (bytes % quota_block != 0);
}

/// What is wrong with the lab's project, and words for it.
std::string project_repairs(const Lab& lab, const message::LabObservation& seen, Step& step) {
    const auto wanted = lab.project_id ? lab.project_id : step.project_id;
    const auto should_be = std::to_string(wanted);
    if (lab.project_id && seen.project_id == wanted && seen.project_whole) return {};
    if (seen.project_id != wanted) {
        const auto was = seen.project_id ? std::to_string(seen.project_id) : std::string("none");
        step.deviations.push_back({"project id", was, should_be});
        return fmt::format("project id {} instead of {}", was, should_be);
    }
    // No deviation: the note is not there after an upgrade from a version without it, and in a lab that was
    // copied, and nobody changed anything.
    if (!seen.project_whole) return fmt::format("project id {} is not noted to be on every file", wanted);
    return "project id " + should_be;
}

std::string quota_repairs(const LabSettings& wanted, const message::LabObservation& seen, bool counts_inodes,
                          Step& step) {
    const bool same_inodes = !counts_inodes || seen.quota_inodes == wanted.quota_inodes;
    if (is_same_limit(seen.quota_bytes, wanted.quota_bytes) && same_inodes) return {};
    LabSettings found;
    found.quota_bytes = seen.quota_bytes;
    found.quota_inodes = seen.quota_inodes;
    const auto was = quota_text(found).substr(6);
    step.deviations.push_back({"quota", was, quota_text(wanted).substr(6)});
    return "was " + was;
}

Step quota_step(const Lab& lab, const message::LabObservation& seen) {
    using message::QuotaBackend;
    const auto& wanted = lab.settings;
    Step step{.lab = lab.name, .kind = StepKind::set_quota, .title = quota_text(wanted)};
    const bool by_project =
        seen.quota_backend == QuotaBackend::xfs || seen.quota_backend == QuotaBackend::ext4;
    if (by_project && lab.project_id == 0) step.project_id = seen.project_offer;
    // What enforces its quota is known for sure only of a directory that is there.
    const bool counts_inodes = seen.quota_backend != QuotaBackend::btrfs;
    const std::string uncounted = counts_inodes || wanted.quota_inodes == 0
                                      ? ""
                                      : "btrfs limits no number of files: only FTPS counts them";
    if (!seen.directory_exists) {
        step.change = Change::create;
        step.detail = seen.quota_backend == QuotaBackend::none ? seen.quota_why.str() : uncounted;
        return step;
    }
    if (seen.quota_backend == QuotaBackend::none) {
        step.detail = "this filesystem enforces none: FTPS uploads are counted, pods are not limited";
        if (seen.quota_why.size) step.detail += fmt::format(" ({})", seen.quota_why.view());
        return step;
    }
    const auto project = by_project ? project_repairs(lab, seen, step) : std::string();
    const auto limits = quota_repairs(wanted, seen, counts_inodes, step);
    if (project.empty() && limits.empty()) {
        step.detail = uncounted;
        return step;
    }
    const bool had_one = seen.quota_bytes || seen.quota_inodes || seen.project_id;
    step.change = had_one ? Change::change : Change::create;
    step.walks = !project.empty() && !seen.empty && !seen.project_whole;
    step.detail = project;
    if (had_one && !limits.empty()) step.detail += (project.empty() ? "" : ", ") + limits;
    if (!uncounted.empty()) step.detail += (step.detail.empty() ? "" : "; ") + uncounted;
    return step;
}

bool same(const ServedForm& one, const ServedForm& other) {
    const auto& a = one.lab;
    const auto& b = other.lab;
    return a.uid == b.uid && a.gid == b.gid && a.quota_bytes == b.quota_bytes &&
           a.quota_inodes == b.quota_inodes && a.durable == b.durable &&
           a.resumption_optional == b.resumption_optional && one.client_cas == other.client_cas;
}

/// "durability none instead of full": what of the lab changes for FTPS.
std::string changes_between(const ServedForm& old, const ServedForm& wanted) {
    const auto& before = old.lab;
    const auto& after = wanted.lab;
    std::string text;
    const auto note = [&](std::string what) { text += (text.empty() ? "" : ", ") + std::move(what); };
    if (before.quota_bytes != after.quota_bytes || before.quota_inodes != after.quota_inodes)
        note("uploads are counted against the new quota");
    if (before.uid != after.uid || before.gid != after.gid) note("another uid");
    if (before.durable != after.durable)
        note(after.durable ? "durability full instead of none" : "durability none instead of full");
    if (before.resumption_optional != after.resumption_optional)
        note(after.resumption_optional ? "data TLS resumption optional instead of required"
                                       : "data TLS resumption required instead of optional");
    if (old.client_cas != wanted.client_cas)
        note(wanted.client_cas.empty() ? "no client certificates any more"
             : old.client_cas.empty()  ? "client certificates demanded"
                                       : "other CAs for client certificates");
    return text;
}

Step serve_step(const Lab& lab, const Site& site, const ObservedStorage& observed) {
    Step step{.lab = lab.name, .kind = StepKind::serve_ftps, .title = "FTPS access"};
    const auto wanted = served_form(lab, site);
    if (observed.served && same(*observed.served, wanted)) return step;
    step.change = observed.served ? Change::change : Change::create;
    if (observed.served) step.detail = changes_between(*observed.served, wanted);
    return step;
}

/// A lab that is exported already is shut against those who shall not have it before its limit is set, and
/// served beside a walk through all that it holds.
void wait_for_no_limit(std::vector<Step>& steps, bool fresh) {
    auto &quota = steps[1], &exported = steps[2], &served = steps[3];
    if (fresh || exported.change == Change::create) return;
    const bool walks = quota.walks;
    if (walks || exported.change == Change::change) std::swap(quota, exported);
    if (walks) std::swap(steps[2], served);
}

Step check_step(const Lab& lab, const Site& site, bool verified, bool changed) {
    Step step{.lab = lab.name,
              .kind = StepKind::check_mount,
              .title = "mount check of " + site.directory_of(lab.name)};
    if (verified && !changed) return step;
    step.change = Change::change;
    step.detail = "mount, write, read back, owner, quota, remove";
    return step;
}

}  // namespace

bool is_elsewhere(const message::LabObservation& seen) {
    return !seen.root_marked && (!seen.marked || seen.root_foreign);
}

bool is_same_limit(std::uint64_t one, std::uint64_t other) {
    return blocks(one) == blocks(other);
}

Error missing_filesystem(const Site& site) {
    return {
        Code::unavailable,
        fmt::format("{} is not the filesystem on which labs were made: it does not bear their .stowage-root",
                    site.labs_root),
        fmt::format("mount it; if the labs are to be made again on this one: echo yes >{}/.stowage-root",
                    site.labs_root)};
}

ServedForm served_form(const Lab& lab, const Site& site) {
    message::PutLab put;
    (void)put.lab.assign(lab.name);
    put.client_certificates = !lab.settings.client_cas.empty();
    put.uid = put.gid = lab.uid;
    put.quota_bytes = lab.settings.quota_bytes;
    put.quota_inodes = lab.settings.quota_inodes;
    put.durable = lab.settings.durability.value_or(site.durability) == Durability::full;
    put.resumption_optional =
        lab.settings.data_tls_resumption.value_or(site.data_tls_resumption) == Resumption::optional;
    return {put, lab.settings.client_cas};
}

std::vector<Step> plan_storage(const Lab& lab, const Site& site, const ObservedStorage& observed) {
    std::vector<Step> steps;
    steps.push_back(directory_step(lab, site, observed));
    // What was seen of a directory that is not ours, or that is made afresh, says nothing about the lab's.
    const bool fresh = steps[0].change == Change::create || steps[0].change == Change::adopt;
    message::LabObservation seen = observed.lab;
    if (fresh) seen.quota_bytes = seen.quota_inodes = seen.exported = 0;
    if (fresh) seen.project_id = seen.project_whole = 0;
    steps.push_back(quota_step(lab, seen));
    steps.push_back(plan_export(lab, site, seen));
    const bool changed = steps[0].does_something() || steps[1].does_something() || steps[2].does_something();
    steps.push_back(serve_step(lab, site, observed));
    wait_for_no_limit(steps, fresh);
    steps.push_back(check_step(lab, site, observed.verified, changed));
    return steps;
}

}  // namespace stowage::controller
