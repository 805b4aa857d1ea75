// What an operation is, and where each resource's operations are.
// Runs in: runai_stand_in, tests. Distrusts: requests.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/runai_stand_in/http_types.hpp"
#include "tests/support/runai_stand_in/rules.hpp"
#include "tests/support/runai_stand_in/store.hpp"

namespace stowage::stand_in {

/// Ways in which servers may differ and tests want them to.
struct Habits {
    bool ignores_filters = false;
    unsigned reads_until_ready = 1;  ///< of a new project: so many reads show it on its way
};

/// One request that passed authentication, the query's rules and the id's.
struct Asked {
    const Request& request;
    std::string id;
    Store& store;
    const Habits& habits;
};

struct Operation {
    std::string_view name, method, path;
    const std::vector<Rule>& (*query)();
    Answer (*answer)(const Asked& asked);
    enum class Id { none, uuid, text, number } id = Id::none;
    std::string_view suffix = {};  ///< behind the id
};

const std::vector<Operation>& cluster_operations();
const std::vector<Operation>& node_pool_operations();
const std::vector<Operation>& org_unit_operations();
const std::vector<Operation>& access_operations();
const std::vector<Operation>& user_operations();
const std::vector<Operation>& asset_operations();

/// A change that was stored.
Answer changed(unsigned status, boost::json::value body);

/// The body as an object that keeps the rules; else what is wrong.
std::optional<std::string> read_body(const Request& request, const std::vector<Rule>& rules,
                                     boost::json::value& body);

std::string parameter(const Query& query, std::string_view name, std::string otherwise = {});

/// Those that filterBy lets through.
std::vector<const boost::json::object*> filtered(const Asked& asked, std::string_view kind,
                                                 const std::vector<std::string_view>& fields);

/// The part of them that offset and limit name.
struct Page {
    boost::json::array items;
    std::optional<std::size_t> next;
};
Page page_of(const std::vector<const boost::json::object*>& all, const Request& request,
             std::size_t default_limit);

/// offset, limit, sortOrder and filterBy over these fields, which sortBy takes too.
std::vector<Rule> list_rules(std::vector<std::string_view> fields);

}  // namespace stowage::stand_in
