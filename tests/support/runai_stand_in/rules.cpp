// What the official OpenAPI files demand of requests, and no more lenient: unknown fields are refused too.
// Runs in: runai_stand_in, tests. Distrusts: bodies and query parameters.
#include "tests/support/runai_stand_in/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cstdint>
#include <regex>

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

bool is_email(std::string_view text) {
    static const std::regex pattern("[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\\.[a-zA-Z]{2,}");
    return text.size() < 300 && std::regex_match(text.begin(), text.end(), pattern);
}

bool is_quantity(std::string_view text) {
    static const std::regex pattern("[+]?[0-9.]+[eEinumkKMGTP]*[-+]?[0-9]*");
    return text.size() < 100 && std::regex_match(text.begin(), text.end(), pattern);
}

std::optional<std::string> text_violation(const Rule& rule, std::string_view text, const std::string& path) {
    if (rule.kind == Kind::choice && !is_choice(rule, text)) return path + " is none of the allowed values";
    if (rule.kind == Kind::uuid && !is_uuid_text(text)) return path + " must be a UUID";
    if (rule.kind == Kind::email && !is_email(text)) return path + " must match the pattern of addresses";
    if (rule.kind == Kind::quantity && !is_quantity(text))
        return path + " must match the pattern of quantities";
    if (text.empty() && !rule.may_be_empty) return path + " must NOT have fewer than 1 characters";
    // JSON schema counts code points, not bytes.
    const auto length = static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
    if (length > rule.max_length)
        return fmt::format("{} must NOT have more than {} characters", path, rule.max_length);
    return std::nullopt;
}

std::optional<std::string> list_violation(const Rule& rule, const boost::json::value& value,
                                          const std::string& path) {
    const auto* list = value.if_array();
    if (list == nullptr) return path + " must be array";
    for (std::size_t i = 0; i < list->size(); ++i) {
        const auto place = fmt::format("{}[{}]", path, i);
        if (rule.kind == Kind::texts && !(*list)[i].is_string()) return place + " must be string";
        if (rule.kind != Kind::objects) continue;
        if (auto wrong = violation((*list)[i], rule.members, place)) return wrong;
    }
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
        case Kind::number: {
            const bool good = value.is_number();
            return good ? std::nullopt : std::optional(path + " must be number");
        }
        case Kind::any_object:
            return value.is_object() ? std::nullopt : std::optional(path + " must be object");
        case Kind::texts:
        case Kind::objects:
            return list_violation(rule, value, path);
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

Rule compute_spec(bool newer) {
    std::vector<std::string_view> types{"portion", "memory"};
    if (!newer) types.emplace_back("migProfile");
    Rule spec{.name = "spec", .kind = Kind::object, .required = true};
    spec.members = {{.name = "gpuDevicesRequest", .kind = Kind::integer32, .nullable = true},
                    {.name = "gpuRequestType", .kind = Kind::choice, .nullable = true, .choices = types},
                    {.name = "largeShmRequest", .kind = Kind::boolean, .nullable = true}};
    for (const char* name : {"gpuPortionRequest", "gpuPortionLimit", "cpuCoreRequest", "cpuCoreLimit"})
        spec.members.push_back({.name = name, .kind = Kind::number, .nullable = true});
    for (const char* name : {"gpuMemoryRequest", "gpuMemoryLimit", "cpuMemoryRequest", "cpuMemoryLimit"})
        spec.members.push_back({.name = name, .kind = Kind::quantity, .nullable = true});
    return spec;
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

namespace {

const Rule& create_meta() {
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
    return meta;
}

const Rule& update_meta() {
    static const Rule meta{
        .name = "meta", .kind = Kind::object, .required = true, .members = {name_rule, description_rule}};
    return meta;
}

}  // namespace

const std::vector<Rule>& nfs_create_rules() {
    static const std::vector<Rule> rules{create_meta(), nfs_spec()};
    return rules;
}

const std::vector<Rule>& nfs_update_rules() {
    static const std::vector<Rule> rules{update_meta(), nfs_spec()};
    return rules;
}

const std::vector<Rule>& compute_create_rules(bool newer) {
    static const std::vector<Rule> old{create_meta(), compute_spec(false)};
    static const std::vector<Rule> recent{create_meta(), compute_spec(true)};
    return newer ? recent : old;
}

const std::vector<Rule>& compute_update_rules(bool newer) {
    static const std::vector<Rule> old{update_meta(), compute_spec(false)};
    static const std::vector<Rule> recent{update_meta(), compute_spec(true)};
    return newer ? recent : old;
}

const std::vector<Rule>& no_query() {
    static const std::vector<Rule> rules;
    return rules;
}

}  // namespace stowage::stand_in
