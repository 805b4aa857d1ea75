// Creating something once.
// Runs in: controller. Distrusts: every reply.
#include "provisioning/runai/creation.hpp"

#include <boost/algorithm/string/predicate.hpp>

namespace stowage::runai {

bool says_exists(const Reply& reply) {
    return reply.status == 409 ||
           (reply.status == 400 && boost::algorithm::icontains(reply.error_text, "already exist"));
}

Error in_doubt(Error error, bool unclear) {
    if (unclear && error.code != Code::unavailable && error.code != Code::cancelled)
        error.code = Code::timeout;
    return error;
}

}  // namespace stowage::runai
