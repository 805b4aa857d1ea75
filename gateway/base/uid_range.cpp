// The comparison and its words.
// Runs in: controller, supervisor, CLI.
#include "gateway/base/uid_range.hpp"

#include <fmt/format.h>

#include "gateway/base/log.hpp"

namespace stowage {

Result<void> check_uid_range(std::string_view lab, std::uint32_t uid, std::uint32_t uid_min,
                             std::uint32_t uid_max) {
    if (uid >= uid_min && uid <= uid_max) return {};
    return Error{Code::config,
                 fmt::format("lab {} has uid {}, outside of labs.uid_min..labs.uid_max ({}..{})",
                             log::escaped(lab), uid, uid_min, uid_max),
                 "widen the range so that it holds every lab's uid: files keep theirs"};
}

}  // namespace stowage
