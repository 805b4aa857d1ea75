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
    auto outcome = boost::asio::co_spawn(context, exercise(client), boost::asio::use_future);
    context.run();
    const auto result = outcome.get();
    if (!result) fmt::print("FAILED: {}\n", result.error().text());
    return result ? 0 : 1;
}
