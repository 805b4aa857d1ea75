// Requests and answers of the Run:ai stand-in, away from the wire.
// Runs in: runai_stand_in, tests. Distrusts: everything in a request.
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace stowage::stand_in {

using Query = std::map<std::string, std::string, std::less<>>;

struct Request {
    std::string method, target, path;
    Query query;                ///< decoded
    bool query_is_bad = false;  ///< a parameter without '=', twice, or wrongly encoded
    std::string authorization, content_type;
    std::string body;
};

struct Answer {
    unsigned status = 200;
    boost::json::value body;
    std::optional<unsigned> retry_after_seconds;
    bool changed = false;  ///< something was stored
};

/// Run:ai's error body.
inline Answer refuse(unsigned status, std::string_view message) {
    boost::json::object body;
    body["code"] = status;
    body["message"] = boost::json::string_view(message.data(), message.size());
    return {status, std::move(body), {}, false};
}

/// Path and decoded query of a request target.
Request split_target(std::string_view method, std::string_view target);

}  // namespace stowage::stand_in
