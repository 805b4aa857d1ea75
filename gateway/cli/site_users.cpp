// Users of a site file: of FTPS alone, and people who are users of Run:ai too.
// Runs in: CLI.
#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <locale>

#include "gateway/base/identity.hpp"
#include "gateway/cli/site_reader.hpp"
#include "gateway/cli/site_words.hpp"

namespace stowage::cli {

namespace {

const KeySet user_keys = {{"name", "lab", "email", "project", "roles", "ftps"},
                          {"role", "labs", "projects", "runai", "groups"}};

/// Words that mean yes or no, so nobody's name.
bool is_switch(const std::string& name) {
    const auto text = boost::algorithm::to_lower_copy(name, std::locale::classic());
    for (const char* word : {"no", "yes", "on", "off", "true", "false"})
        if (text == word) return true;
    return false;
}

}  // namespace

void SiteReader::add_user(const YAML::Node& node, const std::string& lab, const std::string& where) {
    const auto text = problems_.scalar(node, where);
    if (!text) return;
    auto name = parse_user_name(*text);
    if (!name) return problems_.add(node, where, name.error());
    if (const auto [first, is_new] = user_lines_.emplace(*name, line_of(node)); !is_new)
        return problems_.add(
            node, fmt::format("user {} is there twice, first in line {}; a user belongs to one lab", *name,
                              first->second));
    site_.users.push_back({*name, lab});
}

void SiteReader::read_user(const YAML::Node& node, const std::string& where) {
    std::string lab;
    YAML::Node name;
    bool lab_given = false, name_given = false, person = false;
    problems_.each_key(node, where, user_keys, [&](const std::string& key, const YAML::Node& value) {
        name_given = name_given || key == "name";
        lab_given = lab_given || key == "lab";
        person = person || (key != "name" && key != "lab");
        if (key == "name") return name.reset(value);
        if (key != "lab") return;
        const auto text = problems_.scalar(value, where + ".lab");
        if (!text) return;
        auto parsed = parse_lab_name(*text);
        if (!parsed) return problems_.add(value, where + ".lab", parsed.error());
        lab = *parsed;
    });
    if (!node.IsMap()) return;
    if (!lab_given) problems_.add(node, where + " has no lab; add one");
    if (person && name_given)
        return problems_.add(node,
                             where + ": give an email address (a user of Run:ai) or a name (FTPS alone)");
    if (person) return read_member(node, lab, where);
    if (!name_given) problems_.add(node, where + " has no name; add one, or an email address");
    if (name_given) add_user(name, lab, where + ".name");
}

void SiteReader::read_member(const YAML::Node& node, const std::string& lab, const std::string& where) {
    SiteMember member{{}, lab, {}, {}, {}};
    bool has_account = true;
    // Unknown keys were told by read_user().
    if (const auto value = node["email"])
        member.email = read_email(problems_, value, where + ".email").value_or("?");
    if (const auto value = node["roles"]) member.roles = read_names(problems_, value, where + ".roles");
    if (const auto value = node["project"])
        member.project = problems_.scalar(value, where + ".project").value_or("");
    if (const auto value = node["ftps"]) {
        member.ftps = problems_.scalar(value, where + ".ftps").value_or("");
        has_account = member.ftps != "none";
        if (is_switch(member.ftps)) {
            has_account = false;
            problems_.add(value,
                          fmt::format("{}.ftps: {} is no account; write none for a user without one, or "
                                      "the account's name",
                                      where, cli::quoted(member.ftps)));
        }
    }
    if (member.email.empty())
        return problems_.add(node, where + " has no email address, which a user of Run:ai needs; add one");
    if (member.email == "?") return;
    for (const auto& [email, line] : member_lines_)
        if (email == member.email)
            return problems_.add(
                node, fmt::format("user {} is there twice, first in line {}; a person has one lab: keep one, "
                                  "and give access to another lab's project in Run:ai itself",
                                  member.email, line));
    member_lines_.emplace_back(member.email, line_of(node));
    if (has_account && member.ftps.empty()) member.ftps = member.email;
    if (!has_account) member.ftps.clear();
    if (has_account) {
        const auto before = site_.users.size();
        add_user(node["ftps"] ? node["ftps"] : node["email"], lab, where + ".ftps");
        if (site_.users.size() > before) site_.users.back().email = member.email;
    }
    site_.members.push_back(std::move(member));
}

/// Nothing of a person without a lab that is there, which was told.
const SiteDepartment* SiteReader::department_of(const SiteMember& member, int line) {
    for (const auto& one : site_.departments)
        if (one.lab == member.lab) return &one;
    if (lab_lines_.contains(member.lab)) {
        problems_.add(line,
                      fmt::format("user {}: lab {} has no GPUs in this file, so it has no project; give "
                                  "it some, or write the user with `name`",
                                  member.email, member.lab));
    } else if (!member.lab.empty()) {
        std::vector<std::string_view> labs;
        for (const auto& lab : site_.labs)
            labs.emplace_back(lab.name);
        const auto guess = meant(member.lab, labs);
        problems_.add(line, fmt::format("user {}: this file has no lab {}; {}", member.email, member.lab,
                                        guess.empty() ? "add it under labs with its GPUs, or write the user "
                                                        "with `name`"
                                                      : guess));
    }
    return nullptr;
}

/// Members, once the labs and their projects are known.
void SiteReader::check_members() {
    for (auto& member : site_.members) {
        if (member.roles.empty()) member.roles = default_roles_;
        int line = 1;
        for (const auto& [email, where] : member_lines_)
            if (email == member.email) line = where;
        const auto* department = department_of(member, line);
        if (department == nullptr) continue;
        if (member.project.empty()) member.project = department->projects.front().name;
        std::vector<std::string_view> names;
        for (const auto& project : department->projects)
            names.emplace_back(project.name);
        if (std::find(names.begin(), names.end(), member.project) == names.end())
            problems_.add(line, fmt::format("user {}: lab {} has no project {}; it has {}", member.email,
                                            member.lab, cli::quoted(member.project), fmt::join(names, ", ")));
    }
}

}  // namespace stowage::cli
