// Creating something once.
// Runs in: controller. Distrusts: every reply.
#include "provisioning/runai/creation.hpp"

#include <boost/algorithm/string/predicate.hpp>

namespace stowage::runai {

bool says_exists(const Reply& reply) {
    return reply.status == 409 ||
           (reply.status == 400 && boost::algorithm::icontains(reply.error_text, "already exist"));
}

Error in_doubt(Error error) {
    if (error.code != Code::cancelled) error.code = Code::timeout;
    return error;
}

Error not_made(Error error) {
    const bool open = error.code == Code::timeout || error.code == Code::protocol ||
                      error.code == Code::cancelled || error.code == Code::io;
    if (open) error.code = Code::unavailable;
    return error;
}

Error given_up(const Attempt& last, bool unclear) {
    return unclear || last.may_be_done ? in_doubt(last.error) : not_made(last.error);
}

}  // namespace stowage::runai
