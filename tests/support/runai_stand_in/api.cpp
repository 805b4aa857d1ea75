// The operations of Run:ai that the stand-in knows.
// Runs in: runai_stand_in, tests. Distrusts: requests.
#include "tests/support/runai_stand_in/api.hpp"

#include <openssl/crypto.h>

#include <boost/json/object.hpp>

#include "tests/support/runai_stand_in/operations.hpp"

namespace stowage::stand_in {
namespace {

namespace json = boost::json;

bool same_bytes(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// What stands where the operation has an id; nothing if the path is another one.
std::optional<std::string> id_in(const Operation& operation, std::string_view path) {
    if (operation.id == Operation::Id::none)
        return path == operation.path ? std::optional(std::string()) : std::nullopt;
    if (path.size() <= operation.path.size() + operation.suffix.size() + 1) return std::nullopt;
    if (path.substr(0, operation.path.size()) != operation.path || path[operation.path.size()] != '/')
        return std::nullopt;
    const auto rest = path.substr(operation.path.size() + 1);
    const auto id = rest.substr(0, rest.size() - operation.suffix.size());
    if (rest.substr(id.size()) != operation.suffix) return std::nullopt;
    if (operation.id != Operation::Id::uuid && id.find('/') != id.npos) return std::nullopt;
    return std::string(id);
}

struct Found {
    const Operation* operation = nullptr;
    std::string id = {};
};

Found find_operation(const Request& request) {
    for (const auto* operations : {&cluster_operations(), &node_pool_operations(), &org_unit_operations(),
                                   &access_operations(), &user_operations(), &asset_operations()})
        for (const auto& one : *operations)
            if (one.method == request.method)
                if (auto id = id_in(one, request.path)) return {&one, std::move(*id)};
    return {};
}

bool is_number(std::string_view text) {
    return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == text.npos;
}

bool is_token_call(const Request& request) {
    return request.method == "POST" && request.path == "/api/v1/token";
}

}  // namespace

std::string Api::operation_of(const Request& request) {
    if (is_token_call(request)) return "grant_token";
    const auto found = find_operation(request);
    return found.operation == nullptr ? "" : std::string(found.operation->name);
}

Answer Api::handle(const Request& request) {
    if (is_token_call(request)) return token(request);
    const auto [operation, id] = find_operation(request);
    if (operation == nullptr) return refuse(404, "The stand-in has no such operation.");
    if (!tokens_.accepts(request.authorization)) return refuse(401, "Issuer is not familiar.");
    if (request.query_is_bad) return refuse(400, "The query cannot be read.");
    if (const auto wrong = violation(request.query, operation->query())) return refuse(400, *wrong);
    if (operation->id == Operation::Id::uuid && !is_uuid_text(id))
        return refuse(400, "The id must be a UUID");
    if (operation->id == Operation::Id::number && !is_number(id))
        return refuse(400, "The id must be a number");
    auto answer = operation->answer({request, id, store_, habits_});
    if (!answer.changed) return answer;
    ++writes_;
    if (auto saved = store_.save(); !saved) return refuse(500, saved.error().text());
    return answer;
}

Answer Api::token(const Request& request) {
    if (request.query_is_bad || !request.query.empty()) return refuse(400, "The query cannot be read.");
    json::value body;
    if (const auto wrong = read_body(request, token_rules(), body)) return refuse(400, *wrong);
    const auto& fields = body.get_object();
    const auto id = fields.contains("clientId") ? text_of(fields, "clientId") : text_of(fields, "clientID");
    const bool good = same_bytes(id, credentials_.client_id) &&
                      same_bytes(text_of(fields, "clientSecret"), credentials_.client_secret.reveal());
    if (!good) return refuse(400, "Invalid client or Invalid client credentials");
    json::object answer;
    answer["accessToken"] = tokens_.make();
    return {200, std::move(answer), {}};
}

}  // namespace stowage::stand_in
