// Requests and answers of the Run:ai stand-in, away from the wire.
// Runs in: runai_stand_in, tests. Distrusts: everything in a request.
#include "tests/support/runai_stand_in/http_types.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace stowage::stand_in {

Request split_target(std::string_view method, std::string_view target) {
    Request request;
    request.method = std::string(method);
    request.target = std::string(target);
    const auto url = boost::urls::parse_origin_form(boost::urls::string_view(target.data(), target.size()));
    if (!url) {
        request.query_is_bad = true;
        return request;
    }
    request.path = url->path();
    for (const auto& parameter : url->params()) {
        const bool first = request.query.emplace(parameter.key, parameter.value).second;
        if (!first || !parameter.has_value) request.query_is_bad = true;
    }
    return request;
}

}  // namespace stowage::stand_in
