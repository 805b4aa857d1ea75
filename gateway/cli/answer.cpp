// Fetching, parsing, printing of JSON objects.
// Runs in: CLI.
#include "gateway/cli/answer.hpp"

#include <boost/json.hpp>

#include "gateway/cli/json_fields.hpp"

namespace stowage::cli {

Result<boost::json::object> fetch_object(Context& context, const ControlRequest& request) {
    TRY(const auto text, context.gateway.fetch(request));
    boost::system::error_code error;
    auto value = text.empty() ? boost::json::value(boost::json::object()) : boost::json::parse(text, error);
    if (error || !value.is_object())
        return Error{Code::protocol, "the gateway's answer is not a JSON object",
                     "gateway and command line may be of different versions"};
    return std::move(value.as_object());
}

void print_json(const Console& console, const boost::json::object& object) {
    console.line(ascii_json(boost::json::serialize(object)));
}

Secret body_of(const boost::json::object& object) {
    auto text = boost::json::serialize(object);
    Secret body(text);
    explicit_bzero(text.data(), text.size());
    return body;
}

}  // namespace stowage::cli
