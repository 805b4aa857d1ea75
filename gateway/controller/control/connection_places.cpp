// How many connections of the control socket whose may be.
// Runs in: controller.
#include "gateway/controller/control/connection_places.hpp"

#include <fmt/format.h>

namespace stowage::controller {

ConnectionPlaces::Place::Place(std::shared_ptr<Taken> taken, uid_t uid)
    : taken_(std::move(taken)), uid_(uid) {
    ++taken_->all;
    taken_->others += uid_ != 0;
    ++taken_->by_uid[uid_];
}

ConnectionPlaces::Place::~Place() {
    if (!taken_) return;
    --taken_->all;
    taken_->others -= uid_ != 0;
    if (--taken_->by_uid[uid_] == 0) taken_->by_uid.erase(uid_);
}

Result<ConnectionPlaces::Place> ConnectionPlaces::take(uid_t uid) {
    const auto own = taken_->by_uid.find(uid);
    if (uid != 0 && own != taken_->by_uid.end() && own->second >= most_of_one)
        return Error{
            Code::unavailable,
            fmt::format("uid {} has {} commands under way, which is the limit of a user", uid, own->second),
            "wait for one of them to end, or end one"};
    if (taken_->all >= most || (uid != 0 && taken_->others >= most_of_others))
        return Error{Code::unavailable, "the gateway serves as many commands as it can",
                     "try again in a moment"};
    return Place(taken_, uid);
}

}  // namespace stowage::controller
