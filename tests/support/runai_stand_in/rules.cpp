// What the official OpenAPI files demand of requests, and no more lenient: unknown fields are refused too.
// Runs in: runai_stand_in, tests. Distrusts: bodies and query parameters.
#include "tests/support/runai_stand_in/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cstdint>

namespace stowage::stand_in {
namespace {

std::string_view view(boost::json::string_view text) {
    return {text.data(), text.size()};
}

std::optional<long> integer(std::string_view text) {
    long number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

bool is_choice(const Rule& rule, std::string_view text) {
    return std::find(rule.choices.begin(), rule.choices.end(), text) != rule.choices.end();
}

std::optional<std::string> text_violation(const Rule& rule, std::string_view text, const std::string& path) {
    if (rule.kind == Kind::choice && !is_choice(rule, text)) return path + " is none of the allowed values";
    if (rule.kind == Kind::uuid && !is_uuid_text(text)) return path + " must be a UUID";
    if (text.empty()) return path + " must NOT have fewer than 1 characters";
    // JSON schema counts code points, not bytes.
    const auto length = static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
    if (length > rule.max_length)
        return fmt::format("{} must NOT have more than {} characters", path, rule.max_length);
    return std::nullopt;
}

std::optional<std::string> value_violation(const Rule& rule, const boost::json::value& value,
                                           const std::string& path) {
    if (value.is_null()) return rule.nullable ? std::nullopt : std::optional(path + " must not be null");
    switch (rule.kind) {
        case Kind::object:
            return violation(value, rule.members, path);
        case Kind::boolean:
            return value.is_bool() ? std::nullopt : std::optional(path + " must be boolean");
        case Kind::integer32: {
            boost::system::error_code error;
            const auto number = value.is_number() ? value.to_number<std::int64_t>(error) : 0;
            const bool good = value.is_number() && !error && number >= rule.minimum && number <= rule.maximum;
            return good ? std::nullopt : std::optional(path + " must be integer");
        }
        default:
            if (!value.is_string()) return path + " must be string";
            return text_violation(rule, view(value.get_string()), path);
    }
}

std::optional<std::string> parameter_violation(const Rule& rule, const std::string& text) {
    const auto path = fmt::format("query parameter {}", rule.name);
    switch (rule.kind) {
        case Kind::boolean:
            return text == "true" || text == "false" ? std::nullopt
                                                     : std::optional(path + " must be boolean");
        case Kind::integer32: {
            const auto number = integer(text);
            if (!number || *number < rule.minimum || *number > rule.maximum)
                return path + " must be an integer in range";
            return std::nullopt;
        }
        case Kind::uuid_list:
            for (const auto& one : split_at_commas(text))
                if (!is_uuid_text(one)) return path + " must be UUIDs";
            return std::nullopt;
        case Kind::filters:
            for (const auto& one : split_at_commas(text))
                if (!parse_filter(one, rule.choices)) return path + " must match the filter pattern";
            return std::nullopt;
        default:
            return text_violation(rule, text, path);
    }
}

const Rule* rule_named(const std::vector<Rule>& rules, std::string_view name) {
    const auto found =
        std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) { return rule.name == name; });
    return found == rules.end() ? nullptr : &*found;
}

const Rule& nfs_spec() {
    static const Rule rule{.name = "spec",
                           .kind = Kind::object,
                           .required = true,
                           .members = {{.name = "server", .required = true},
                                       {.name = "path", .required = true},
                                       {.name = "mountPath", .required = true},
                                       {.name = "readOnly", .kind = Kind::boolean, .nullable = true}}};
    return rule;
}

Rule workload_types() {
    Rule rule{.name = "workloadSupportedTypes", .kind = Kind::object, .nullable = true};
    for (const char* name : {"inference", "workspace", "training", "distributed"})
        rule.members.push_back({.name = name, .kind = Kind::boolean, .nullable = true});
    rule.members.push_back({.name = "distFramework",
                            .kind = Kind::choice,
                            .nullable = true,
                            .choices = {"MPI", "PyTorch", "TF", "XGBoost"}});
    return rule;
}

const Rule name_rule{.name = "name", .required = true};
const Rule description_rule{.name = "description", .nullable = true, .max_length = 250};

}  // namespace

bool is_uuid_text(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-') return false;
        } else if (std::string_view("0123456789abcdefABCDEF").find(text[i]) == std::string_view::npos) {
            return false;
        }
    }
    return true;
}

std::vector<std::string> split_at_commas(std::string_view text) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find(',', begin), text.size());
        parts.emplace_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

std::optional<Filter> parse_filter(std::string_view text, const std::vector<std::string_view>& fields) {
    for (const auto field : fields) {
        if (text.substr(0, field.size()) != field) continue;
        const auto rest = text.substr(field.size());
        for (const std::string_view op : {"==", "!=", "<=", ">=", "=@", "!@", "=^", "=$"})
            if (rest.substr(0, 2) == op && rest.size() > 2)
                return Filter{std::string(field), std::string(op), std::string(rest.substr(2))};
    }
    return std::nullopt;
}

std::optional<std::string> violation(const boost::json::value& value, const std::vector<Rule>& rules,
                                     const std::string& path) {
    const auto* object = value.if_object();
    if (object == nullptr) return path + " must be object";
    for (const auto& member : *object) {
        const auto* rule = rule_named(rules, view(member.key()));
        if (rule == nullptr) return fmt::format("{} has the unknown field {}", path, view(member.key()));
        if (auto wrong = value_violation(*rule, member.value(), path + '.' + std::string(rule->name)))
            return wrong;
    }
    for (const auto& rule : rules)
        if (rule.required && !object->contains(boost::json::string_view(rule.name.data(), rule.name.size())))
            return fmt::format("{} must have required property {}", path, rule.name);
    return std::nullopt;
}

std::optional<std::string> violation(const Query& query, const std::vector<Rule>& rules) {
    for (const auto& [name, value] : query) {
        const auto* rule = rule_named(rules, name);
        if (rule == nullptr) return fmt::format("unknown query parameter {}", name);
        if (auto wrong = parameter_violation(*rule, value)) return wrong;
    }
    return std::nullopt;
}

const std::vector<Rule>& token_rules() {
    static const std::vector<Rule> rules{
        {.name = "grantType", .kind = Kind::choice, .required = true, .choices = {"client_credentials"}},
        {.name = "clientId"},
        {.name = "clientID"},
        {.name = "clientSecret", .required = true}};
    return rules;
}

const std::vector<Rule>& nfs_create_rules() {
    static const Rule scope{.name = "scope",
                            .kind = Kind::choice,
                            .required = true,
                            .choices = {"system", "tenant", "cluster", "department", "project"}};
    static const Rule meta{.name = "meta",
                           .kind = Kind::object,
                           .required = true,
                           .members = {name_rule,
                                       description_rule,
                                       scope,
                                       {.name = "clusterId", .kind = Kind::uuid, .nullable = true},
                                       {.name = "departmentId", .nullable = true},
                                       {.name = "projectId", .kind = Kind::integer32, .nullable = true},
                                       {.name = "autoDelete", .kind = Kind::boolean, .nullable = true},
                                       workload_types()}};
    static const std::vector<Rule> rules{meta, nfs_spec()};
    return rules;
}

const std::vector<Rule>& nfs_update_rules() {
    static const Rule meta{
        .name = "meta", .kind = Kind::object, .required = true, .members = {name_rule, description_rule}};
    static const std::vector<Rule> rules{meta, nfs_spec()};
    return rules;
}

const std::vector<Rule>& no_query() {
    static const std::vector<Rule> rules;
    return rules;
}

const std::vector<Rule>& cluster_query() {
    static const std::vector<Rule> rules{
        {.name = "verbosity", .kind = Kind::choice, .choices = {"metadata", "full"}}};
    return rules;
}

const std::vector<Rule>& department_query() {
    static const std::vector<Rule> rules{
        {.name = "filterBy", .kind = Kind::filters, .choices = {"name", "clusterId"}},
        {.name = "sortBy", .kind = Kind::choice, .choices = {"name", "clusterId", "createdAt"}},
        {.name = "sortOrder", .kind = Kind::choice, .choices = {"asc", "desc"}},
        {.name = "verbosity", .kind = Kind::choice, .choices = {"meta", "brief", "verbose"}},
        {.name = "offset", .kind = Kind::integer32, .minimum = 0},
        {.name = "limit", .kind = Kind::integer32, .minimum = 1, .maximum = 500}};
    return rules;
}

const std::vector<Rule>& nfs_list_query() {
    static const std::vector<Rule> rules{
        {.name = "name"},
        {.name = "scope",
         .kind = Kind::choice,
         .choices = {"system", "tenant", "cluster", "department", "project"}},
        {.name = "projectId", .kind = Kind::integer32},
        {.name = "departmentId"},
        {.name = "clusterId", .kind = Kind::uuid},
        {.name = "usageInfo", .kind = Kind::boolean},
        {.name = "assetIds", .kind = Kind::uuid_list}};
    return rules;
}

const std::vector<Rule>& nfs_get_query() {
    static const std::vector<Rule> rules{{.name = "usageInfo", .kind = Kind::boolean}};
    return rules;
}

}  // namespace stowage::stand_in
