// The calls about compute resources of the tenant.
// Runs in: controller. Distrusts: every reply.
#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "gateway/base/log.hpp"
#include "provisioning/runai/creation.hpp"
#include "provisioning/runai/paging.hpp"
#include "provisioning/runai/resources.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace stowage::runai {
namespace {

constexpr const char* collection = "/api/v1/asset/compute";

Result<void> read_spec(ComputeResource& value, const Place& spec) {
    TRY(const auto gpus, spec.maybe("gpuDevicesRequest"));
    if (gpus) {
        TRY(const auto number, gpus->integer());
        value.gpus = static_cast<int>(std::min<std::int64_t>(std::max<std::int64_t>(number, -1), 1000000));
    }
    TRY(const auto portion, spec.maybe("gpuPortionRequest"));
    if (portion) {
        TRY(value.portion, portion->number());
    }
    TRY(const auto memory, spec.maybe("gpuMemoryRequest"));
    if (memory) {
        TRY(value.memory, memory->text());
    }
    TRY(const auto large_shm, spec.maybe("largeShmRequest"));
    if (large_shm) {
        TRY(value.large_shm, large_shm->boolean());
    }
    return {};
}

Result<ObservedComputeResource> resource_at(const Place& place) {
    ObservedComputeResource found;
    TRY(const auto meta, place.at("meta"));
    TRY(found.id, meta.text_at("id"));
    TRY(found.scope, meta.text_at("scope"));
    TRY(found.value.name, meta.text_at("name"));
    found.created_by = meta.text_if("createdBy");
    TRY(const auto spec, place.maybe("spec"));
    if (spec) CHECK(read_spec(found.value, *spec));
    return found;
}

Result<std::optional<ObservedComputeResource>> listed(const Place& place) {
    TRY(auto one, resource_at(place));
    return std::optional(std::move(one));
}

Result<ObservedComputeResource> created(std::string_view operation, const json::value& reply) {
    return resource_at(Place(reply, operation));
}

json::object spec_of(const ComputeResource& wanted) {
    const auto sent = as_sent(wanted);
    json::object spec{{"gpuDevicesRequest", sent.gpus}};
    if (sent.portion) {
        spec["gpuRequestType"] = "portion";
        spec["gpuPortionRequest"] = *sent.portion;
    }
    if (sent.memory) {
        spec["gpuRequestType"] = "memory";
        spec["gpuMemoryRequest"] = *sent.memory;
    }
    if (sent.large_shm) spec["largeShmRequest"] = true;
    return spec;
}

std::string request_of(const ComputeResource& wanted, bool with_scope) {
    json::object meta{{"name", wanted.name}};
    if (with_scope) meta["scope"] = "tenant";
    json::object body;
    body["meta"] = std::move(meta);
    body["spec"] = spec_of(wanted);
    return json::serialize(body);
}

asio::awaitable<Result<std::optional<ObservedComputeResource>>> find(std::shared_ptr<Caller> caller,
                                                                     std::string name) {
    CO_TRY(auto all, co_await list_compute_resources(caller));
    for (auto& one : all)
        if (one.value.name == name) co_return std::optional(std::move(one));
    co_return std::optional<ObservedComputeResource>();
}

Result<Call> call_about(Method method, const std::string& id) {
    if (!is_uuid(id))
        return Error{Code::protocol, fmt::format("compute resource id \"{}\" is no UUID", log::escaped(id))};
    Call call;
    call.method = method;
    call.path = std::string(collection) + '/' + id;
    return call;
}

}  // namespace

Answer<std::vector<ObservedComputeResource>> list_compute_resources(std::shared_ptr<Caller> caller) {
    ListShape shape{collection, "entries"};
    co_return co_await read_list<ObservedComputeResource>(std::move(caller), std::move(shape), listed);
}

Answer<Made<ObservedComputeResource>> create_compute_resource(std::shared_ptr<Caller> caller,
                                                              ComputeResource wanted) {
    CO_CHECK(check(wanted));
    Call call;
    call.method = Method::post;
    call.path = collection;
    call.body = request_of(wanted, true);
    std::function<asio::awaitable<Result<std::optional<ObservedComputeResource>>>()> look_up =
        [caller, name = wanted.name] { return find(caller, name); };
    co_return co_await create_once<ObservedComputeResource>(caller, std::move(call), created,
                                                            std::move(look_up));
}

Answer<ObservedComputeResource> update_compute_resource(std::shared_ptr<Caller> caller, std::string id,
                                                        ComputeResource wanted) {
    CO_CHECK(check(wanted));
    CO_TRY(auto call, call_about(Method::put, id));
    call.body = request_of(wanted, false);
    CO_TRY(const auto reply, co_await perform(caller, call));
    if (reply.status >= 400) co_return refusal(call, reply);
    co_return created(call.name(), reply.json);
}

Answer<void> delete_compute_resource(std::shared_ptr<Caller> caller, std::string id) {
    CO_TRY(const auto call, call_about(Method::remove, id));
    CO_TRY(const auto reply, co_await perform(caller, call));
    if (reply.status >= 400 && reply.status != 404) co_return refusal(call, reply);
    co_return Result<void>();
}

}  // namespace stowage::runai
