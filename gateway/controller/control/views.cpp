// Values to JSON.
// Runs in: controller.
#include "gateway/controller/control/views.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/base/config_parsers.hpp"
#include "gateway/controller/plan/quota_warning.hpp"

namespace stowage::controller {

namespace json = boost::json;

namespace {

const char* name_of(message::QuotaBackend backend) {
    switch (backend) {
        case message::QuotaBackend::none:
            return "none";
        case message::QuotaBackend::btrfs:
            return "btrfs";
        case message::QuotaBackend::xfs:
            return "xfs";
        case message::QuotaBackend::ext4:
            return "ext4";
        case message::QuotaBackend::cephfs:
            return "cephfs";
    }
    return "unknown";
}

/// What was seen counts; what is only remembered is said to be unknown.
const char* registration_state(const Context& context, const Lab& lab, const ObservedRegistration& seen) {
    const auto* known = std::get_if<KnownRegistration>(&seen);
    if (!known) return "unknown";
    if (!known->found) return "absent";
    const auto wanted = data_source_form(lab, context.site, known->scope);
    return runai::differences(wanted, known->found->value).empty() ? "registered" : "differs";
}

json::value data_source_view(const Context& context, const Lab& lab, const ObservedRegistration& seen) {
    const auto owned = context.state.data_source(lab.name);
    if (!context.registry.is_used() && !owned) return nullptr;
    const auto* known = std::get_if<KnownRegistration>(&seen);
    const auto source = known && known->found ? known->found->value
                        : owned               ? owned->sent
                                              : data_source_form(lab, context.site, {});
    json::object view{{"name", source.name},
                      {"id", known && known->found ? known->found->id
                             : owned               ? owned->remote_id
                                                   : ""},
                      {"scope", scope_text(lab)},
                      {"server", source.server},
                      {"path", source.path},
                      {"mount_path", source.mount_path},
                      {"read_only", source.read_only},
                      {"state", registration_state(context, lab, seen)},
                      {"made_by_stowage", owned && owned->made}};
    return view;
}

json::array checks_view(const std::vector<Check>& checks) {
    json::array view;
    for (const auto& check : checks)
        view.push_back(
            json::object{{"name", check.name}, {"ok", check.ok}, {"ms", check.ms}, {"detail", check.detail}});
    return view;
}

/// What was not looked at, and what the backend does not count (quota.hpp), is null: 0 would be a lie.
void add_storage(json::object& view, const std::optional<message::LabObservation>& seen) {
    using message::QuotaBackend;
    const bool looked = seen && seen->directory_exists;
    const bool counted = looked && seen->quota_backend != QuotaBackend::none;
    view["quota_backend"] = looked ? name_of(seen->quota_backend) : "";
    view["quota_why"] = looked ? seen->quota_why.view() : std::string_view();
    view["project_id"] = looked ? seen->project_id : 0;
    view["used_bytes"] = nullptr;
    view["used_inodes"] = nullptr;
    if (counted) view["used_bytes"] = seen->used_bytes;
    if (counted && seen->quota_backend != QuotaBackend::btrfs) view["used_inodes"] = seen->used_inodes;
    view["used_percent"] = counted ? percent_used(*seen) : 0;
    view["quota_warning"] = counted ? warning_level(percent_used(*seen)) : 0;
}

/// What the kernel and the NFS server enforce, which after a change that failed is not what was asked for.
/// Null: not known.
json::object in_force_view(const LabSettings& asked, const std::optional<message::LabObservation>& seen) {
    using message::QuotaBackend;
    json::object view{
        {"quota_bytes", nullptr}, {"quota_inodes", nullptr}, {"export", "unknown"}, {"clients", nullptr}};
    if (!seen) return view;
    if (seen->directory_exists && seen->quota_backend != QuotaBackend::none) {
        view["quota_bytes"] =
            is_same_limit(seen->quota_bytes, asked.quota_bytes) ? asked.quota_bytes : seen->quota_bytes;
        if (seen->quota_backend != QuotaBackend::btrfs) view["quota_inodes"] = seen->quota_inodes;
    }
    view["export"] = seen->exported ? "as asked" : seen->export_present ? "otherwise" : "missing";
    json::array clients;
    for (const auto& client : config_parsers::split(seen->exported_to.view()))
        clients.emplace_back(client);
    view["clients"] = std::move(clients);
    return view;
}

json::array drift_view(const std::vector<DriftRecord>& records) {
    json::array view;
    for (const auto& record : records)
        view.push_back(json::object{{"what", record.what},
                                    {"was", record.was},
                                    {"should_be", record.should_be},
                                    {"found_at", record.found_at},
                                    {"outcome", to_string(record.outcome)},
                                    {"open", record.is_open()}});
    return view;
}

void add_status(json::object& view, const LabStatus& status) {
    auto why = status.why;
    if (status.state == LabState::degraded && status.since > 0)
        why += fmt::format(" (since {:%Y-%m-%d %H:%M} UTC)",
                           fmt::gmtime(static_cast<std::time_t>(status.since)));
    view["state"] = to_string(status.state);
    view["why"] = why;
    view["since"] = status.since;
    view["verified_at"] = status.verified_at ? json::value(status.verified_at) : json::value(nullptr);
}

}  // namespace

/// The setting as it is in force, and whether the lab or the configuration chose it.
template <typename T>
json::object choice_view(const std::optional<T>& chosen, T by_default) {
    return {{"value", to_string(chosen.value_or(by_default))}, {"from", chosen ? "lab" : "configuration"}};
}

json::object ftps_view(const Context& context, const LabSettings& settings) {
    json::object view;
    view["durability"] = choice_view(settings.durability, context.site.durability);
    view["data_tls_resumption"] = choice_view(settings.data_tls_resumption, context.site.data_tls_resumption);
    view["client_certificates"] = settings.client_cas.empty() ? "not asked for" : "demanded";
    view["client_cas"] = settings.client_cas;
    return view;
}

json::object error_view(const Error& error) {
    return {{"code", to_string(error.code)}, {"what", error.what}, {"remedy", error.remedy}};
}

std::string refusal_text(const Error& error) {
    json::object body;
    body["error"] = error_view(error);
    return json::serialize(body);
}

json::object lab_view(const Context& context, const Lab& lab) {
    const auto found = context.seen.find(lab.name);
    const auto seen = found == context.seen.end() ? Seen{} : found->second;
    json::object view{{"name", lab.name}};
    add_status(view, context.state.status(lab.name));
    view["uid"] = lab.uid;
    view["gid"] = lab.uid;
    view["directory"] = context.site.directory_of(lab.name);
    view["quota_bytes"] = lab.settings.quota_bytes;
    view["quota_inodes"] = lab.settings.quota_inodes;
    add_storage(view, seen.storage);
    view["seen_at"] = seen.at;
    view["clients"] = json::array(lab.settings.clients.begin(), lab.settings.clients.end());
    view["in_force"] = in_force_view(lab.settings, seen.storage);
    view["ftps"] = ftps_view(context, lab.settings);
    view["export"] = {{"server", context.site.nfs_address},
                      {"path", context.site.directory_of(lab.name)},
                      {"port", context.config.nfs.port}};
    view["data_source"] = data_source_view(context, lab, seen.registration);
    json::array users;
    for (const auto& account : context.state.accounts())
        if (account.lab == lab.name && account.phase == AccountPhase::active)
            users.emplace_back(account.user);
    view["users"] = std::move(users);
    view["drift"] = drift_view(context.state.drift(lab.name));
    view["checks"] = checks_view(context.state.checks(lab.name));
    return view;
}

json::array labs_view(const Context& context) {
    json::array view;
    for (const auto& lab : context.state.labs())
        view.push_back(lab_view(context, lab));
    return view;
}

json::object user_view(const Account& account) {
    return {{"name", account.user}, {"lab", account.lab}, {"created_at", account.created_at}};
}

json::array users_view(const Context& context, const std::string& lab) {
    json::array view;
    for (const auto& account : context.state.accounts())
        if (account.phase == AccountPhase::active && (lab.empty() || account.lab == lab))
            view.push_back(user_view(account));
    return view;
}

json::object step_view(const Step& step) {
    json::object view{{"lab", step.lab},
                      {"step", to_string(step.kind)},
                      {"title", step.title},
                      {"change", to_string(step.change)},
                      {"detail", step.detail}};
    if (step.error) view["error"] = error_view(*step.error);
    return view;
}

json::object process_view(const message::StatusEntry& entry) {
    return {{"process", entry.process.view()}, {"lab", entry.lab.view()},    {"pid", entry.pid},
            {"restarts", entry.restarts},      {"sessions", entry.sessions}, {"running", entry.running != 0},
            {"started_at", entry.started_at}};
}

json::object runai_view(const Context& context) {
    const auto& status = context.registry.status();
    const auto& drift = context.drift;
    json::object site{{"at", drift.at},
                      {"pending", drift.pending},
                      {"error", drift.error},
                      {"error_since", drift.error_since}};
    json::array lines;
    for (const auto& line : drift.lines)
        lines.push_back({{"what", line.what}, {"why", line.why}, {"since", line.since}});
    site["lines"] = std::move(lines);
    return {{"configured", context.registry.is_used()},
            {"url", context.config.runai.url},
            {"state", status.state},
            {"since", status.since},
            {"code", status.code},
            {"why", status.why},
            {"site", std::move(site)}};
}

json::object nfs_view(const Context& context) {
    const auto& nfs = context.config.nfs;
    return {{"server", nfs.server == NfsServer::kernel    ? "kernel"
                       : nfs.server == NfsServer::ganesha ? "ganesha"
                                                          : "auto"},
            {"address", context.site.nfs_address},
            {"port", nfs.port}};
}

std::string step_line(const StepReport& report) {
    json::object line{{"event", "step"},
                      {"lab", report.lab},
                      {"step", report.step},
                      {"title", report.title},
                      {"state", to_string(report.state)},
                      {"ms", report.ms},
                      {"detail", report.detail}};
    if (report.error) line["error"] = error_view(*report.error);
    return json::serialize(line) + "\n";
}

}  // namespace stowage::controller
