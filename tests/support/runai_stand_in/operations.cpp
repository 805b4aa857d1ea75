// What operations share: bodies, filters, pages.
// Runs in: runai_stand_in, tests. Distrusts: requests.
#include "tests/support/runai_stand_in/operations.hpp"

#include <boost/json/parse.hpp>

namespace stowage::stand_in {
namespace {

namespace json = boost::json;

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool matches(const json::object& object, const std::string& filters,
             const std::vector<std::string_view>& fields) {
    for (const auto& text : split_at_commas(filters)) {
        const auto filter = parse_filter(text, fields);
        const auto value = words_of(object, filter->field);
        const bool contains = value.find(filter->value) != value.npos;
        const auto& op = filter->op;
        if (op == "==" && value != filter->value) return false;
        if (op == "!=" && value == filter->value) return false;
        if (op == "<=" && value > filter->value) return false;
        if (op == ">=" && value < filter->value) return false;
        if (op == "=@" && !contains) return false;
        if (op == "!@" && contains) return false;
        if (op == "=^" && value.rfind(filter->value, 0) != 0) return false;
        if (op == "=$" && !ends_with(value, filter->value)) return false;
    }
    return true;
}

Answer clusters(const Asked& asked) {
    return {200, asked.store.all("clusters"), {}};
}

Answer cluster(const Asked& asked) {
    const auto* found = asked.store.cluster_by_uuid(asked.id);
    if (found == nullptr) return refuse(404, "Cluster not found");
    return {200, *found, {}};
}

Answer settings(const Asked& asked) {
    return {200, asked.store.all("settings"), {}};
}

Answer setting(const Asked& asked) {
    const auto* found = asked.store.find("settings", "key", asked.id);
    return {200, found != nullptr && text_of(*found, "value") == "true", {}};
}

const std::vector<Rule>& cluster_query() {
    static const std::vector<Rule> rules{
        {.name = "verbosity", .kind = Kind::choice, .choices = {"metadata", "full"}}};
    return rules;
}

}  // namespace

const std::vector<Operation>& cluster_operations() {
    static const std::vector<Operation> operations{
        {"get_clusters", "GET", "/api/v1/clusters", cluster_query, clusters},
        {"get_cluster_by_uuid", "GET", "/api/v1/clusters", cluster_query, cluster, Operation::Id::uuid},
        {"getTenantSettings", "GET", "/v1/k8s/setting", no_query, settings},
        {"getTenantSettingsByKey", "GET", "/v1/k8s/setting", no_query, setting, Operation::Id::text},
    };
    return operations;
}

Answer changed(unsigned status, json::value body) {
    return {status, std::move(body), {}, true};
}

std::optional<std::string> read_body(const Request& request, const std::vector<Rule>& rules,
                                     json::value& body) {
    if (request.content_type != "application/json") return "the content type must be application/json";
    boost::system::error_code error;
    body = json::parse(json::string_view(request.body), error);
    if (error) return "the body is no JSON: " + error.message();
    return violation(body, rules);
}

std::string parameter(const Query& query, std::string_view name, std::string otherwise) {
    const auto found = query.find(name);
    return found == query.end() ? std::move(otherwise) : found->second;
}

std::vector<const json::object*> filtered(const Asked& asked, std::string_view kind,
                                          const std::vector<std::string_view>& fields) {
    const auto filters =
        asked.habits.ignores_filters ? std::string() : parameter(asked.request.query, "filterBy");
    std::vector<const json::object*> hits;
    for (const auto& one : asked.store.all(kind))
        if (filters.empty() || matches(one.as_object(), filters, fields)) hits.push_back(&one.as_object());
    return hits;
}

Page page_of(const std::vector<const json::object*>& all, const Request& request, std::size_t default_limit) {
    const auto offset = std::stoul(parameter(request.query, "offset", "0"));
    const auto limit = std::stoul(parameter(request.query, "limit", std::to_string(default_limit)));
    Page page;
    for (auto i = offset; i < all.size() && page.items.size() < limit; ++i)
        page.items.push_back(*all[i]);
    if (offset + limit < all.size()) page.next = offset + limit;
    return page;
}

std::vector<Rule> list_rules(std::vector<std::string_view> fields) {
    return {{.name = "filterBy", .kind = Kind::filters, .choices = fields},
            {.name = "sortBy", .kind = Kind::choice, .choices = fields},
            {.name = "sortOrder", .kind = Kind::choice, .choices = {"asc", "desc"}},
            {.name = "offset", .kind = Kind::integer32, .minimum = 0},
            {.name = "limit", .kind = Kind::integer32, .minimum = 1, .maximum = 500}};
}

}  // namespace stowage::stand_in
