// Faults that a test asks for: which operation, how it goes wrong, how many times.
// Runs in: runai_stand_in, tests.
#include "tests/support/runai_stand_in/faults.hpp"

#include <array>
#include <utility>

#include "tests/support/runai_stand_in/store.hpp"

namespace stowage::stand_in {
namespace {

constexpr std::array<std::pair<std::string_view, FaultKind>, 12> kinds{{
    {"error_before", FaultKind::error_before},
    {"error_after", FaultKind::error_after},
    {"hang_before", FaultKind::hang_before},
    {"hang_after", FaultKind::hang_after},
    {"drop_before", FaultKind::drop_before},
    {"drop_after", FaultKind::drop_after},
    {"unauthorized", FaultKind::unauthorized},
    {"conflict", FaultKind::conflict},
    {"too_many", FaultKind::too_many},
    {"garbage", FaultKind::garbage},
    {"strange", FaultKind::strange},
    {"truncated", FaultKind::truncated},
}};

Result<unsigned> number(const boost::json::object& object, const char* key, unsigned otherwise,
                        unsigned maximum) {
    const auto* value = object.if_contains(key);
    if (value == nullptr) return otherwise;
    const auto* found = value->if_int64();
    if (found == nullptr || *found < 0 || *found > maximum)
        return Error{Code::invalid, std::string(key) + " is out of range"};
    return static_cast<unsigned>(*found);
}

}  // namespace

bool happens_after(FaultKind kind) {
    switch (kind) {
        case FaultKind::error_after:
        case FaultKind::hang_after:
        case FaultKind::drop_after:
        case FaultKind::garbage:
        case FaultKind::strange:
        case FaultKind::truncated:
            return true;
        default:
            return false;
    }
}

Result<Fault> fault_from(const boost::json::object& object) {
    Fault fault;
    fault.operation = std::string(text_of(object, "operation"));
    if (fault.operation.empty())
        return Error{Code::invalid, "operation is missing", "an operationId, or \"any\""};
    bool known = false;
    for (const auto& [name, kind] : kinds) {
        if (name != text_of(object, "kind")) continue;
        fault.kind = kind;
        known = true;
    }
    if (!known) return Error{Code::invalid, "kind is none that there is"};
    TRY(fault.count, number(object, "count", 1, 1000000));
    TRY(fault.status, number(object, "status", 503, 599));
    TRY(fault.skip, number(object, "skip", 0, 1000000));
    TRY(fault.retry_after_seconds, number(object, "retry_after", 1, 100000));
    return fault;
}

std::optional<Fault> Faults::take(std::string_view operation) {
    for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
        if (fault->operation != operation && fault->operation != "any") continue;
        if (fault->skip > 0) {
            --fault->skip;
            continue;
        }
        const auto taken = *fault;
        if (fault->count <= 1)
            faults_.erase(fault);
        else
            --fault->count;
        return taken;
    }
    return std::nullopt;
}

}  // namespace stowage::stand_in
