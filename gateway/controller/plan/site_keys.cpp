// What objects of Run:ai are called by us.
// Runs in: controller.
#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>

#include "gateway/base/log.hpp"
#include "gateway/controller/plan/site.hpp"

namespace stowage::controller {

std::string project_key(const std::string& department, const std::string& project) {
    return department + '/' + project;
}

std::string rule_key(const WantedMember& member, const std::string& role) {
    return fmt::format("{} as {} in {}/{}", member.email, role, member.department, member.project);
}

std::string one_spelling(std::string email) {
    boost::algorithm::to_lower(email, std::locale::classic());
    return email;
}

std::string with_one_spelling(ObjectKind kind, std::string key) {
    if (kind == ObjectKind::user) return one_spelling(std::move(key));
    if (kind != ObjectKind::access_rule) return key;
    // Names of roles and labs are told apart by capitals. No address has a blank.
    const auto end = std::min(key.find(' '), key.size());
    return one_spelling(key.substr(0, end)) + key.substr(end);
}

std::string SiteItem::title() const {
    return fmt::format("{} {}", to_string(kind), log::escaped(key));
}

}  // namespace stowage::controller
