// How many connections of the control socket whose may be.
// Runs in: controller. Distrusts: members of the admin group, who may connect and then say nothing.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <memory>

#include "gateway/base/result.hpp"

namespace stowage::controller {

/// One member of the admin group cannot keep the others out, and all of them together cannot keep out root.
class ConnectionPlaces {
    struct Taken {
        std::size_t all = 0, others = 0;
        std::map<uid_t, std::size_t> by_uid = {};
    };

  public:
    /// Of all; of all but root; of one user that is not root.
    static constexpr std::size_t most = 64, most_of_others = 56, most_of_one = 24;

    /// Given back with the object.
    class Place {
      public:
        Place(std::shared_ptr<Taken> taken, uid_t uid);
        Place(Place&&) noexcept = default;
        Place& operator=(Place&&) = delete;
        ~Place();

      private:
        std::shared_ptr<Taken> taken_;
        uid_t uid_;
    };

    /// Code::unavailable when there is none for this user.
    Result<Place> take(uid_t uid);

  private:
    std::shared_ptr<Taken> taken_ = std::make_shared<Taken>();
};

}  // namespace stowage::controller
