// Which cluster is ours, and which department a lab's.
// Runs in: controller. Distrusts: every byte of every reply.
#include <fmt/format.h>

#include "gateway/base/log.hpp"
#include "provisioning/runai/caller.hpp"
#include "provisioning/runai/document.hpp"
#include "provisioning/runai/resources.hpp"

namespace asio = boost::asio;

namespace stowage::runai {
namespace {

constexpr std::string_view page_size = "100";
constexpr int max_pages = 1000;
constexpr std::size_t max_names_shown = 10;

Call list_clusters() {
    Call call;
    call.path = "/api/v1/clusters";
    return call;
}

Call list_departments(std::string_view cluster_uuid, std::string_view name, std::int64_t offset) {
    Call call;
    call.path = "/api/v1/org-unit/departments";
    const auto filter = fmt::format("name=={},clusterId=={}", name, cluster_uuid);
    call.query = target("", {{"filterBy", filter}, {"limit", page_size}, {"offset", std::to_string(offset)}});
    return call;
}

/// "a", "b" and 3 more
std::string listed(const std::vector<std::string>& names) {
    if (names.empty()) return "none";
    std::string out;
    for (std::size_t i = 0; i < names.size() && i < max_names_shown; ++i)
        out += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", log::escaped(names[i].substr(0, 100)));
    if (names.size() > max_names_shown) out += fmt::format(" and {} more", names.size() - max_names_shown);
    return out;
}

/// Every department that the filter lets through, page after page.
asio::awaitable<Result<std::vector<DepartmentInCluster>>> all_departments(std::shared_ptr<Caller> caller,
                                                                          std::string cluster_uuid,
                                                                          std::string name) {
    std::vector<DepartmentInCluster> all;
    std::int64_t offset = 0;
    for (int pages = 0; pages < max_pages; ++pages) {
        const auto call = list_departments(cluster_uuid, name, offset);
        CO_TRY(const auto reply, co_await perform(caller, call));
        if (reply.status >= 400) co_return refusal(call, reply);
        CO_TRY(auto page, departments_in(call.name(), reply.json));
        for (auto& one : page.departments)
            all.push_back(std::move(one));
        if (all.size() > max_elements)
            co_return Error{
                Code::protocol,
                fmt::format("{}: more than {} departments for one name", call.name(), max_elements),
                "is runai.url the Run:ai control plane itself?"};
        if (!page.next) co_return all;
        if (*page.next <= offset)
            co_return Error{Code::protocol,
                            fmt::format("{}: after offset {} the reply names {} as the next one", call.name(),
                                        offset, *page.next)};
        offset = *page.next;
    }
    co_return Error{Code::protocol,
                    fmt::format("GET /api/v1/org-unit/departments: more than {} pages", max_pages)};
}

}  // namespace

asio::awaitable<Result<Cluster>> find_cluster(std::shared_ptr<Caller> caller) {
    const auto call = list_clusters();
    CO_TRY(const auto reply, co_await perform(caller, call));
    if (reply.status >= 400) co_return refusal(call, reply);
    CO_TRY(const auto clusters, clusters_in(call.name(), reply.json));
    const auto& wanted = caller->settings.cluster;
    std::vector<std::string> names;
    std::vector<Cluster> hits;
    for (const auto& cluster : clusters) {
        names.push_back(cluster.name);
        if (cluster.name == wanted) hits.push_back(cluster);
    }
    if (hits.size() > 1)
        co_return Error{Code::config,
                        fmt::format("Run:ai has {} clusters named \"{}\"", hits.size(), log::escaped(wanted)),
                        "remove those that are gone, or rename one, in Run:ai"};
    if (hits.empty())
        co_return Error{
            Code::not_found,
            fmt::format("Run:ai has no cluster \"{}\"; it has: {}", log::escaped(wanted), listed(names)),
            "set runai.cluster to one of these names"};
    if (!is_uuid(hits[0].uuid))
        co_return Error{Code::protocol,
                        fmt::format("{}: \"{}\" is no UUID", call.name(), log::escaped(hits[0].uuid))};
    caller->version = parse_version(hits[0].version);
    if (const auto warning = warning_about(hits[0].version); !warning.empty() && !caller->warned) {
        log::warning("runai_version", {{"what", warning}});
        caller->warned = true;
    }
    co_return std::move(hits[0]);
}

asio::awaitable<Result<Department>> find_department(std::shared_ptr<Caller> caller, std::string cluster_uuid,
                                                    std::string name) {
    if (!is_uuid(cluster_uuid))
        co_return Error{Code::invalid, fmt::format("cluster \"{}\" is no UUID", log::escaped(cluster_uuid))};
    if (name.empty() || name.size() > 253 || name.find_first_of(",=!<>@^$ ") != name.npos)
        co_return Error{Code::invalid,
                        fmt::format("department \"{}\" is no name that can be asked for", log::escaped(name)),
                        "use letters, digits and hyphens"};
    CO_TRY(const auto all, co_await all_departments(caller, cluster_uuid, name));
    std::vector<Department> hits;
    std::vector<std::string> seen;
    for (const auto& one : all) {
        seen.push_back(one.department.name +
                       (one.cluster_uuid == cluster_uuid ? "" : " (in another cluster)"));
        // How the server combines the conditions, and whether == is exact, is nowhere promised.
        if (one.department.name == name && one.cluster_uuid == cluster_uuid) hits.push_back(one.department);
    }
    if (hits.size() == 1) co_return std::move(hits[0]);
    if (hits.empty())
        co_return Error{
            Code::not_found,
            fmt::format("Run:ai has no department \"{}\" in cluster \"{}\"; the search found: {}",
                        log::escaped(name), log::escaped(caller->settings.cluster), listed(seen)),
            "give the lab `gpus` in the site file and apply it, or make a department of that name in Run:ai, "
            "and see that the gateway's application may see it"};
    co_return Error{Code::differs,
                    fmt::format("Run:ai has {} departments \"{}\" in cluster \"{}\", of ids {} and {}",
                                hits.size(), log::escaped(name), log::escaped(caller->settings.cluster),
                                log::escaped(hits[0].id), log::escaped(hits[1].id)),
                    "remove or rename all but one in Run:ai"};
}

}  // namespace stowage::runai
