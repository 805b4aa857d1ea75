// The tests' side channel of the stand-in: faults, departments, users of data sources, the log of requests.
// Runs in: runai_stand_in, tests.
#include <boost/json/parse.hpp>

#include "tests/support/runai_stand_in/api.hpp"
#include "tests/support/runai_stand_in/rules.hpp"

namespace stowage::stand_in {
namespace {

namespace json = boost::json;

constexpr std::string_view prefix = "/_stand_in/";
constexpr std::size_t max_logged = 100000;

Answer done() {
    return {200, json::object(), {}};
}

}  // namespace

void Api::log(const Request& request, unsigned status) {
    if (log_.size() < max_logged)
        log_.push_back({operation_of(request), request.method, request.target, status});
}

std::size_t Api::calls(std::string_view operation) const {
    std::size_t count = 0;
    for (const auto& one : log_)
        count += one.operation == operation ? 1 : 0;
    return count;
}

json::object Api::log_and_counts() const {
    json::array requests;
    json::object counts;
    for (const auto& one : log_) {
        json::object entry;
        entry["operation"] = one.operation;
        entry["method"] = one.method;
        entry["target"] = one.target;
        entry["status"] = one.status;
        requests.push_back(std::move(entry));
        auto& count = counts[one.operation];
        count = (count.is_int64() ? count.get_int64() : 0) + 1;
    }
    json::object out;
    out["writes"] = writes_;
    out["counts"] = std::move(counts);
    out["requests"] = std::move(requests);
    return out;
}

Answer Api::set_users(const json::object& body) {
    auto* stored = store_.nfs_named(text_of(body, "name"));
    if (stored == nullptr) return refuse(404, "no data source of this name");
    const auto* names = body.if_contains("workspaces");
    if (names == nullptr || !names->is_array()) return refuse(400, "workspaces must be an array of names");
    json::array workspaces;
    for (const auto& name : names->get_array()) {
        json::object workspace;
        workspace["id"] = new_uuid();
        workspace["name"] = name;
        workspace["status"] = "Running";
        workspaces.push_back(std::move(workspace));
    }
    stored->erase("usedBy");
    if (!workspaces.empty()) (*stored)["usedBy"] = json::object{{"workspaces", std::move(workspaces)}};
    return done();
}

Answer Api::admin_post(std::string_view what, const json::object& body) {
    if (what == "faults") {
        auto fault = fault_from(body);
        if (!fault) return refuse(400, fault.error().text());
        faults_.add(std::move(*fault));
        return done();
    }
    if (what == "departments") {
        const auto cluster = text_of(body, "cluster");
        if (text_of(body, "name").empty()) return refuse(400, "name is missing");
        const auto* first = &store_.all("clusters").at(0).as_object();
        const auto& owner = cluster.empty() ? *first : store_.cluster(cluster);
        json::object answer;
        answer["id"] = store_.add_department(text_of(body, "name"), text_of(owner, "uuid"));
        return {200, std::move(answer), {}};
    }
    if (what == "nfs") {
        if (const auto wrong = violation(body, nfs_create_rules())) return refuse(400, *wrong);
        return {200, store_.add_nfs(body), {}};
    }
    if (what == "nodes") {
        auto* pool = store_.find("node_pools", "name", text_of(body, "pool"));
        const auto* nodes = body.if_contains("nodes");
        if (pool == nullptr || nodes == nullptr || !nodes->is_array()) return refuse(400, "pool or nodes");
        (*pool)["status"] = json::object{{"nodes", *nodes}};
        (*pool)["phase"] = nodes->get_array().empty() ? "Empty" : "Ready";
        return done();
    }
    if (what == "used_by") return set_users(body);
    if (what == "ignore_filters") {
        const auto* on = body.if_contains("on");
        if (on == nullptr || !on->is_bool()) return refuse(400, "on must be boolean");
        ignore_filters(on->get_bool());
        return done();
    }
    if (what == "tokens/expire") {
        tokens_.expire_all();
        return done();
    }
    if (what == "clock") {
        const auto* ahead = body.if_contains("ahead");
        if (ahead == nullptr || !ahead->is_int64()) return refuse(400, "ahead must be seconds");
        tokens_.set_clock_ahead(std::chrono::seconds(ahead->get_int64()));
        tokens_.expire_all();
        return done();
    }
    return refuse(404, "no such thing in the side channel");
}

Answer Api::administer(const Request& request) {
    const auto what = std::string_view(request.path).substr(std::min(prefix.size(), request.path.size()));
    if (request.method == "GET" && what == "state") return {200, store_.everything(), {}};
    if (request.method == "GET" && what == "requests") return {200, log_and_counts(), {}};
    if (request.method == "DELETE" && what == "requests") {
        log_.clear();
        writes_ = 0;
        return done();
    }
    if (request.method == "DELETE" && what == "faults") {
        faults_.clear();
        return done();
    }
    if (request.method != "POST") return refuse(404, "no such thing in the side channel");
    boost::system::error_code error;
    const auto body = request.body.empty() ? json::value(json::object())
                                           : json::parse(json::string_view(request.body), error);
    if (error || !body.is_object()) return refuse(400, "the body is no JSON object");
    auto answer = admin_post(what, body.get_object());
    if (auto saved = store_.save(); !saved) return refuse(500, saved.error().text());
    return answer;
}

}  // namespace stowage::stand_in
