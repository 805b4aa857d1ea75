// What the official OpenAPI files demand of requests, and no more lenient: unknown fields are refused too.
// Runs in: runai_stand_in, tests. Distrusts: bodies and query parameters.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/runai_stand_in/http_types.hpp"

namespace stowage::stand_in {

enum class Kind {
    text,
    uuid,
    integer32,
    number,
    boolean,
    object,
    choice,
    email,
    quantity,    ///< "8G", as Kubernetes has it
    texts,       ///< a list of strings
    objects,     ///< a list of objects with these members
    any_object,  ///< whatever is in it
    uuid_list,
    filters
};

/// One field of a body, or one query parameter.
struct Rule {
    std::string_view name;
    Kind kind = Kind::text;
    bool required = false;
    bool nullable = false;
    std::size_t max_length = 100000;
    std::vector<std::string_view> choices = {};
    std::vector<Rule> members = {};
    long minimum = -2147483648L, maximum = 2147483647L;
    bool may_be_empty = false;
};

/// What is wrong with the body, or nothing.
std::optional<std::string> violation(const boost::json::value& value, const std::vector<Rule>& rules,
                                     const std::string& path = "body");
/// What is wrong with the query, or nothing. Unknown parameters are wrong.
std::optional<std::string> violation(const Query& query, const std::vector<Rule>& rules);

/// "name", "==", "lab1" of a filterBy condition; nothing if it is none that this operation takes.
struct Filter {
    std::string field, op, value;
};
std::optional<Filter> parse_filter(std::string_view text, const std::vector<std::string_view>& fields);
std::vector<std::string> split_at_commas(std::string_view text);

const std::vector<Rule>& token_rules();
const std::vector<Rule>& nfs_create_rules();
const std::vector<Rule>& nfs_update_rules();
const std::vector<Rule>& compute_create_rules(bool newer);
const std::vector<Rule>& compute_update_rules(bool newer);
const std::vector<Rule>& no_query();

bool is_uuid_text(std::string_view text);

}  // namespace stowage::stand_in
