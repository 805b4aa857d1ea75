// Every call of the Run:ai client once, against a control plane of choice: what is recorded for Prism.
// Runs in: tests. Usage: RUNAI_SECRET=… runai_exercise URL; exit code 0 if every call went as it should.
#include <fmt/format.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "provisioning/runai/client.hpp"

namespace {

using namespace stowage;
using boost::asio::awaitable;

Result<void> expect(bool good, const char* what) {
    fmt::print("{}: {}\n", good ? "ok" : "FAILED", what);
    if (good) return {};
    return Error{Code::internal, what};
}

awaitable<Result<runai::NfsDataSource>> registered(std::shared_ptr<runai::Client> client) {
    CO_TRY(const auto cluster, co_await client->cluster());
    fmt::print("ok: cluster {} {}\n", cluster.uuid, cluster.state);
    CO_TRY(const auto department, co_await client->department(cluster.uuid, "lab1"));
    fmt::print("ok: department {}\n", department.id);
    const auto missing = co_await client->department(cluster.uuid, "no-such-lab");
    CO_CHECK(expect(!missing && missing.error().code == Code::not_found, "a department that is not there"));
    runai::NfsDataSource source{"lab1-nfs",      department.id, "nas.example.org",
                                "/mnt/nfs/lab1", "/mnt/nfs",    false};
    CO_TRY(const auto none, co_await client->find_nfs_data_source(department.id, source.name));
    CO_CHECK(expect(!none, "nothing is there"));
    CO_TRY(const auto made, co_await client->create_nfs_data_source(source));
    CO_CHECK(expect(!made.was_there, "made"));
    CO_TRY(const auto again, co_await client->create_nfs_data_source(source));
    CO_CHECK(expect(again.was_there && again.source.id == made.source.id, "not made twice"));
    co_return source;
}

awaitable<Result<void>> exercise(std::shared_ptr<runai::Client> client) {
    CO_TRY(auto source, co_await registered(client));
    CO_TRY(const auto found, co_await client->find_nfs_data_source(source.department_id, source.name));
    CO_CHECK(expect(found && differences(source, found->value).empty(), "read back equal"));
    source.path = "/srv/lab1";
    source.read_only = true;
    CO_TRY(const auto updated, co_await client->update_nfs_data_source(found->id, source));
    CO_CHECK(expect(differences(source, updated.value).empty(), "changed"));
    CO_TRY(const auto users, co_await client->data_source_users(found->id));
    CO_CHECK(expect(users.empty(), "nobody uses it"));
    CO_CHECK(co_await client->delete_nfs_data_source(found->id));
    CO_TRY(const auto gone, co_await client->find_nfs_data_source(source.department_id, source.name));
    co_return expect(!gone, "gone");
}

/// The rest of what the site file describes: every call once, and once more where a second one is answered
/// differently.
awaitable<Result<runai::OrgUnit>> unit_for(std::shared_ptr<runai::Client> client, std::string cluster,
                                           std::string name) {
    CO_TRY(const auto pools, co_await client->node_pools(cluster));
    runai::OrgUnit unit{std::move(name), cluster, "", {}, {"prod"}};
    for (const auto& pool : pools) {
        const double gpus = pool.value.name == "prod" ? 100 : 0;
        unit.quotas.push_back({pool.id, pool.value.name, gpus, gpus});
    }
    co_return unit;
}

awaitable<Result<std::string>> exercise_units(std::shared_ptr<runai::Client> client, std::string cluster) {
    const runai::NodePool prod{"prod", "example.org/pool", "prod", "binpack"};
    CO_TRY(const auto pool, co_await client->create_node_pool(cluster, prod));
    CO_CHECK(expect(!pool.was_there && pool.value.value == prod, "a node pool"));
    CO_TRY(auto unit, co_await unit_for(client, cluster, "genomics"));
    CO_TRY(const auto department, co_await client->create_org_unit(runai::UnitKind::department, unit));
    CO_CHECK(expect(differences(unit, department.value.value).empty(), "a department"));
    unit.quotas[0].deserved = unit.quotas[0].limit = 8;
    CO_TRY(const auto changed,
           co_await client->update_org_unit(runai::UnitKind::department, department.value.id, unit));
    CO_CHECK(expect(differences(unit, changed.value).empty(), "a changed department"));
    unit.name = "genomics-default-project";
    unit.parent_id = department.value.id;
    CO_TRY(const auto project, co_await client->create_org_unit(runai::UnitKind::project, unit));
    CO_TRY(const auto ready, co_await client->ready_project(project.value.id));
    CO_CHECK(expect(ready.phase == "Ready", "a project that is ready"));
    unit.quotas[0].deserved = unit.quotas[0].limit = 4;
    CO_TRY(const auto smaller, co_await client->update_org_unit(runai::UnitKind::project, ready.id, unit));
    CO_CHECK(expect(differences(unit, smaller.value).empty(), "a changed project"));
    CO_TRY(const auto departments, co_await client->org_units(runai::UnitKind::department, cluster));
    CO_TRY(const auto projects, co_await client->org_units(runai::UnitKind::project, cluster));
    CO_CHECK(expect(departments.size() == 2 && projects.size() == 1, "lists of units"));
    CO_TRY(const auto on, co_await client->departments_are_on());
    CO_CHECK(expect(on, "departments are on"));
    co_return ready.id;
}

awaitable<Result<void>> exercise_source_of_project(std::shared_ptr<runai::Client> client, std::string cluster,
                                                   std::string project) {
    CO_TRY(const auto units, co_await client->org_units(runai::UnitKind::project, cluster));
    const auto& unit = units.at(0).value;
    CO_TRY(const auto id, co_await client->project_id(cluster, unit.parent_id, unit.name));
    CO_CHECK(expect(id == project, "a project by its name"));
    runai::NfsDataSource source{
        "genomics-nfs", unit.parent_id, "nas.example.org", "/mnt/nfs/genomics", "/mnt/nfs", false, project};
    CO_TRY(const auto made, co_await client->create_nfs_data_source(source));
    CO_TRY(const auto found, co_await client->find_nfs_data_source(source));
    CO_CHECK(expect(found && found->id == made.source.id && found->scope == "project",
                    "a data source of a project"));
    source.read_only = true;
    CO_TRY(const auto changed, co_await client->update_nfs_data_source(found->id, source));
    CO_CHECK(expect(changed.value.read_only, "which is changed"));
    co_return co_await client->delete_nfs_data_source(found->id);
}

awaitable<Result<void>> exercise_access(std::shared_ptr<runai::Client> client, std::string project) {
    std::string email = "alice@example.org";
    CO_TRY(const auto user, co_await client->create_user(email));
    CO_CHECK(expect(!user.value.password.empty(), "a user with a password"));
    CO_TRY(const auto roles, co_await client->roles());
    for (const auto& role : roles) {
        if (role.name != "L2 researcher") continue;
        runai::AccessRule rule{email, role.id, "project", project};
        CO_TRY(const auto made, co_await client->create_access_rule(rule));
        CO_CHECK(expect(made.value.value == rule, "an access rule"));
        CO_TRY(const auto rules, co_await client->access_rules());
        CO_CHECK(expect(rules.size() == 1, "the list of rules"));
        CO_CHECK(co_await client->delete_access_rule(made.value.id));
    }
    CO_TRY(const auto users, co_await client->users());
    CO_CHECK(expect(users.size() == 1, "the list of users"));
    co_return co_await client->delete_user(user.value.user.id);
}

awaitable<Result<void>> exercise_compute(std::shared_ptr<runai::Client> client) {
    std::vector<runai::ComputeResource> wanted;
    for (int gpus = 0; gpus <= 8; ++gpus)
        wanted.push_back({"gpu" + std::to_string(gpus), gpus, {}, {}, false});
    wanted.push_back({"half", 0, 0.5, {}, false});
    wanted.push_back({"small", 0, {}, "8G", true});
    for (const auto& one : wanted) {
        CO_TRY(const auto made, co_await client->create_compute_resource(one));
        CO_CHECK(expect(differences(one, made.value.value).empty(), one.name.c_str()));
    }
    CO_TRY(const auto all, co_await client->compute_resources());
    CO_CHECK(expect(all.size() == wanted.size(), "the list of compute resources"));
    auto other = all.back().value;
    other.large_shm = false;
    CO_TRY(const auto changed, co_await client->update_compute_resource(all.back().id, other));
    CO_CHECK(expect(!changed.value.large_shm, "a changed compute resource"));
    co_return co_await client->delete_compute_resource(all.back().id);
}

awaitable<Result<void>> exercise_site(std::shared_ptr<runai::Client> client) {
    CO_TRY(const auto cluster, co_await client->cluster());
    CO_TRY(auto project, co_await exercise_units(client, cluster.uuid));
    CO_CHECK(co_await exercise_source_of_project(client, cluster.uuid, project));
    CO_CHECK(co_await exercise_access(client, std::move(project)));
    co_return co_await exercise_compute(client);
}

awaitable<Result<void>> exercise_all(std::shared_ptr<runai::Client> client) {
    CO_CHECK(co_await exercise(client));
    co_return co_await exercise_site(client);
}

}  // namespace

int main(int argc, char** argv) {
    const char* secret = ::getenv("RUNAI_SECRET");
    if (argc != 2 || secret == nullptr) {
        fmt::print(stderr, "usage: RUNAI_SECRET=… runai_exercise URL\n");
        return 2;
    }
    boost::asio::io_context context(1);
    runai::Settings settings;
    settings.url = argv[1];
    settings.cluster = "runai-cluster";
    settings.client_id = "stowage";
    settings.client_secret = Secret(secret);
    settings.retries.max_tries = 1;
    auto client = std::make_shared<runai::Client>(
        or_throw(runai::Client::make(context.get_executor(), std::move(settings))));
    auto outcome = boost::asio::co_spawn(context, exercise_all(client), boost::asio::use_future);
    context.run();
    const auto result = outcome.get();
    if (!result) fmt::print("FAILED: {}\n", result.error().text());
    return result ? 0 : 1;
}
