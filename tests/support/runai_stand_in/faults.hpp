// Faults that a test asks for: which operation, how it goes wrong, how many times.
// Runs in: runai_stand_in, tests.
#pragma once

#include <boost/json/object.hpp>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::stand_in {

enum class FaultKind {
    error_before,  ///< `status` without doing it
    error_after,   ///< `status` although it was done
    hang_before,   ///< no answer, not done
    hang_after,    ///< no answer, done
    drop_before,   ///< connection closed, not done
    drop_after,    ///< connection closed, done
    unauthorized,  ///< 401, not done
    conflict,      ///< 409, not done
    too_many,      ///< 429 with Retry-After, not done
    garbage,       ///< done; the answer is no JSON
    strange,       ///< done; the answer is JSON of another shape
    truncated,     ///< done; the answer ends in its middle
};

struct Fault {
    std::string operation;  ///< an operationId of the OpenAPI files, or "any"
    FaultKind kind = FaultKind::error_before;
    unsigned count = 1;
    unsigned status = 503;
    unsigned retry_after_seconds = 1;
    unsigned skip = 0;  ///< so many calls of the operation pass first
};

/// True if the operation is carried out in spite of it.
bool happens_after(FaultKind kind);

/// {"operation", "kind", "count"?, "status"?, "retry_after"?}
Result<Fault> fault_from(const boost::json::object& object);

/// The faults still to come, in the order in which they were asked for.
class Faults {
  public:
    void add(Fault fault) { faults_.push_back(std::move(fault)); }
    void clear() { faults_.clear(); }
    /// The fault for this call, if there is one; counts it down.
    std::optional<Fault> take(std::string_view operation);

  private:
    std::list<Fault> faults_;
};

}  // namespace stowage::stand_in
