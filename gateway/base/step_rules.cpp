// The table of steps and their fields.
// Runs in: supervisor, root_step. Distrusts: the controller.
#include "gateway/base/step_rules.hpp"

#include <algorithm>
#include <array>

#include "gateway/base/config_parsers.hpp"
#include "gateway/base/identity.hpp"

namespace stowage {

namespace {

using message::Step;

/// Which fields a step uses; all others must be empty.
struct StepRule {
    Step step;
    std::string_view name;
    bool lab, owner, quota, project, exported, user, password;
};

constexpr std::array rules = {
    StepRule{Step::observe_lab, "observe_lab", true, true, true, true, true, false, false},
    StepRule{Step::observe_quota, "observe_quota", true, true, false, false, false, false, false},
    StepRule{Step::make_directory, "make_directory", true, true, false, false, false, false, false},
    StepRule{Step::set_quota, "set_quota", true, true, true, true, false, false, false},
    StepRule{Step::publish_export, "publish_export", true, true, false, false, true, false, false},
    StepRule{Step::withdraw_export, "withdraw_export", true, true, false, false, true, false, false},
    StepRule{Step::purge_directory, "purge_directory", true, true, false, true, false, false, false},
    StepRule{Step::list_nfs_clients, "list_nfs_clients", false, false, false, false, false, false, false},
    StepRule{Step::stop_set_quota, "stop_set_quota", true, true, false, false, false, false, false},
    StepRule{Step::set_password, "set_password", false, false, false, false, false, true, true},
    StepRule{Step::remove_password, "remove_password", false, false, false, false, false, true, false},
};

const StepRule* rule_of(Step step) {
    const auto* found =
        std::find_if(rules.begin(), rules.end(), [&](const StepRule& rule) { return rule.step == step; });
    return found == rules.end() ? nullptr : found;
}

Error refused(std::string_view step, std::string_view why) {
    return {Code::protocol, "step " + std::string(step) + ": " + std::string(why)};
}

// What crypt(5) puts into a hash, and nothing that a colon-separated file could trip over.
bool is_crypt_hash(std::string_view hash) {
    if (hash.size() < 8 || hash[0] != '$') return false;
    return std::all_of(hash.begin(), hash.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '$' || c == '.' || c == '/' || c == '=' || c == ',';
    });
}

}  // namespace

std::string_view name_of(Step step) {
    const auto* rule = rule_of(step);
    return rule ? rule->name : std::string_view{};
}

bool is_project_of(std::uint32_t uid, std::uint32_t project_id) {
    return project_id >= uid && (project_id - uid) % project_stride == 0;
}

Result<void> check_step(const message::StepRequest& m, const Config& config) {
    const auto* rule = rule_of(m.step);
    if (!rule) return refused(std::to_string(static_cast<int>(m.step)), "is none of the steps");
    if (rule->lab ? !parse_lab_name(m.lab.view()) : m.lab.size != 0) return refused(rule->name, "lab name");
    const bool in_range = m.uid == m.gid && m.uid >= config.labs.uid_min && m.uid <= config.labs.uid_max;
    if (rule->owner ? !in_range : (m.uid || m.gid)) return refused(rule->name, "uid and gid");
    if (!rule->quota && (m.quota_bytes || m.quota_inodes)) return refused(rule->name, "quota");
    const bool fits = m.project_id == 0 || is_project_of(m.uid, m.project_id);
    if (rule->project ? !fits : m.project_id != 0) return refused(rule->name, "project id");
    const bool identified = m.export_id != 0 && m.fsid != message::Uuid{};
    if (rule->exported ? !identified : (m.export_id || m.fsid != message::Uuid{}))
        return refused(rule->name, "export id");
    if (rule->exported ? !config_parsers::clients(m.clients.view()) : m.clients.size != 0)
        return refused(rule->name, "clients");
    const bool makes = m.step == Step::make_directory;
    if (!makes && (m.labs_were_made || m.only_mount)) return refused(rule->name, "how a directory is made");
    const bool exports = m.step == Step::publish_export || m.step == Step::withdraw_export;
    if (!exports && m.only_server) return refused(rule->name, "whether it looks at the lab");
    const bool tells_filesystems = makes || m.step == Step::observe_lab;
    if (!tells_filesystems && (m.labs_root_known || m.labs_root != message::Uuid{}))
        return refused(rule->name, "mark of labs.root");
    if (rule->user ? !parse_user_name(m.user.view()) : m.user.size != 0)
        return refused(rule->name, "user name");
    if (rule->password ? !is_crypt_hash(m.password_hash.view()) : m.password_hash.size != 0)
        return refused(rule->name, "password hash");
    return {};
}

}  // namespace stowage
