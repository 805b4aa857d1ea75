// The calls about the tenant's settings.
// Runs in: controller. Distrusts: every reply.
#include "provisioning/runai/caller.hpp"
#include "provisioning/runai/document.hpp"
#include "provisioning/runai/resources.hpp"

namespace stowage::runai {

Answer<bool> departments_are_on(std::shared_ptr<Caller> caller) {
    Call call;
    call.path = "/v1/k8s/setting/department.use";
    CO_TRY(const auto reply, co_await perform(caller, call));
    if (reply.status >= 400) co_return refusal(call, reply);
    co_return Place(reply.json, call.name()).boolean();
}

}  // namespace stowage::runai
