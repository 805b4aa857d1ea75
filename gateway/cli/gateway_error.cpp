// JSON to Error.
// Runs in: CLI.
#include "gateway/cli/gateway_error.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/cli/json_fields.hpp"

namespace stowage::cli {

namespace {

Code code_of(std::string_view word) {
    for (auto code = Code::invalid; code <= Code::internal;
         code = static_cast<Code>(static_cast<int>(code) + 1))
        if (to_string(code) == word) return code;
    return Code::internal;
}

}  // namespace

Error error_from(const boost::json::object& error) {
    auto what = text_of(error, "what");
    if (what.empty()) what = "the gateway refused without saying why";
    return {code_of(text_of(error, "code")), std::move(what), text_of(error, "remedy")};
}

Error refusal(unsigned status, std::string_view body) {
    boost::system::error_code ignored;
    const auto value = boost::json::parse(body, ignored);
    if (const auto* object = value.if_object())
        if (const auto* error = object_of(*object, "error")) return error_from(*error);
    return {Code::protocol, fmt::format("the gateway answered with HTTP status {} and no reason", status),
            "is another program listening on this socket, or is the gateway of another version?"};
}

}  // namespace stowage::cli
