// A site file as the control API takes it.
// Runs in: CLI.
#include "gateway/cli/site_body.hpp"

#include <boost/json.hpp>

#include "gateway/cli/answer.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

json::object lab_json(const SiteLab& lab) {
    json::object object{{"name", lab.name}};
    if (lab.quota_bytes) object["quota_bytes"] = *lab.quota_bytes;
    if (lab.quota_inodes) object["quota_inodes"] = *lab.quota_inodes;
    if (lab.clients) object["clients"] = json::array(lab.clients->begin(), lab.clients->end());
    if (lab.durability) object["durability"] = *lab.durability;
    if (lab.data_tls_resumption) object["data_tls_resumption"] = *lab.data_tls_resumption;
    if (lab.client_cas) object["client_cas"] = *lab.client_cas;
    if (lab.data_source_project) object["data_source_project"] = *lab.data_source_project;
    return object;
}

json::object unit_json(const std::string& name, const SiteQuota& quota) {
    json::object unit{{"name", name}, {"over_quota", quota.over_quota.value_or(false)}};
    json::array gpus;
    if (quota.gpus)
        for (const auto& [pool, amount] : *quota.gpus)
            gpus.push_back({{"pool", pool}, {"gpus", amount}});
    unit["gpus"] = std::move(gpus);
    const auto order = quota.pools_in_order();
    unit["order"] = json::array(order.begin(), order.end());
    return unit;
}

json::array departments_json(const Site& site) {
    json::array departments;
    for (const auto& one : site.departments) {
        auto department = unit_json(one.lab, one.quota);
        json::array projects;
        for (const auto& project : one.projects)
            projects.push_back(unit_json(project.name, project.quota));
        department["projects"] = std::move(projects);
        departments.push_back(std::move(department));
    }
    return departments;
}

json::object runai_json(const Site& site) {
    json::array pools, members, compute;
    for (const auto& pool : site.node_pools)
        pools.push_back({{"name", pool.name},
                         {"label_key", pool.label_key},
                         {"label_value", pool.label_value},
                         {"placement", pool.placement}});
    for (const auto& one : site.members) {
        json::object member{{"email", one.email}, {"department", one.lab}, {"project", one.project}};
        member["roles"] = json::array(one.roles.begin(), one.roles.end());
        members.push_back(std::move(member));
    }
    for (const auto& one : site.compute_resources) {
        json::object resource{{"name", one.name}, {"gpus", one.gpus}, {"large_shm", one.large_shm}};
        if (one.portion) resource["portion"] = *one.portion;
        if (one.memory) resource["memory"] = *one.memory;
        compute.push_back(std::move(resource));
    }
    json::object runai{{"url", site.runai_url}, {"cluster", site.runai_cluster}};
    runai["node_pools"] = std::move(pools);
    runai["departments"] = departments_json(site);
    runai["members"] = std::move(members);
    runai["compute_resources"] = std::move(compute);
    return runai;
}

}  // namespace

Secret site_body(const Site& site, const std::vector<NewPassword>& passwords, const SiteOptions& options) {
    json::array labs, users;
    for (const auto& lab : site.labs)
        labs.push_back(lab_json(lab));
    for (const auto& user : site.users) {
        json::object object{{"name", user.name}, {"lab", user.lab}};
        if (!user.email.empty()) object["email"] = user.email;
        for (const auto& entry : passwords)
            if (entry.user == user.name) object["password"] = entry.password.reveal();
        users.push_back(std::move(object));
    }
    json::object body;
    body["labs"] = std::move(labs);
    body["users"] = std::move(users);
    if (site.speaks_of_runai() || !site.runai_url.empty() || !site.runai_cluster.empty())
        body["runai"] = runai_json(site);
    if (!site.container_path.empty()) body["container_path"] = site.container_path;
    if (options.adopt) body["adopt"] = true;
    if (options.prune) body["prune"] = true;
    if (!options.confirmed.empty())
        body["confirmed"] = json::array(options.confirmed.begin(), options.confirmed.end());
    return body_of(body);
}

}  // namespace stowage::cli
