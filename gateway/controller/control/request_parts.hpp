// What the bodies of several requests have in common.
// Runs in: controller. Distrusts: all of it.
#pragma once

#include <string.h>

#include <boost/json.hpp>
#include <new>
#include <string>
#include <string_view>

#include "gateway/controller/control/fields.hpp"
#include "gateway/controller/control/requests.hpp"

namespace stowage::controller {

/// Bodies carry passwords: what the parser held is wiped when it lets go.
class WipingMemory final : public boost::json::memory_resource {
    // Boost.JSON 1.81 gives strings back with another alignment than it asked for, always within what plain
    // new has: so plain new and delete, which need not be told.
    void* do_allocate(std::size_t bytes, std::size_t) override { return ::operator new(bytes); }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t) override {
        explicit_bzero(memory, bytes);
        ::operator delete(memory);
    }
    bool do_is_equal(const boost::json::memory_resource& other) const noexcept override {
        return this == &other;
    }
};

inline constexpr std::size_t max_depth = 12;

/// The body as an object, handed to `read` while it lives.
template <typename T>
Result<T> with_object(std::string_view body, Result<T> (*read)(Fields fields)) {
    WipingMemory memory;
    boost::json::parse_options options;
    options.max_depth = max_depth;
    boost::system::error_code failed;
    const auto value = boost::json::parse(body, failed, &memory, options);
    if (failed)
        return Error{Code::invalid, "the request's body is not JSON: " + failed.message(),
                     "send one JSON object"};
    if (!value.is_object())
        return Error{Code::invalid, "the request's body is not a JSON object", "send one JSON object"};
    return read(Fields(value.get_object(), ""));
}

/// An error of identity.hpp with the field's name in front.
Error at(std::string field, const Error& error);

Result<std::string> lab_name(Fields& fields, std::string_view key);
/// A lab or a user, whole: every field that is left is refused.
Result<LabRequest> lab_in(Fields fields);
Result<UserRequest> user_in(Fields fields);

}  // namespace stowage::controller
