// The operations of Run:ai that the stand-in knows.
// Runs in: runai_stand_in, tests. Distrusts: requests.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "gateway/base/secret.hpp"
#include "tests/support/runai_stand_in/faults.hpp"
#include "tests/support/runai_stand_in/http_types.hpp"
#include "tests/support/runai_stand_in/operations.hpp"
#include "tests/support/runai_stand_in/store.hpp"
#include "tests/support/runai_stand_in/tokens.hpp"

namespace stowage::stand_in {

struct Credentials {
    std::string client_id;
    Secret client_secret;
};

/// One line of the request log.
struct Logged {
    std::string operation, method, target;
    unsigned status = 0;  ///< 0: no answer was given
};

/// Everything but the wire. One thread.
class Api {
  public:
    Api(Store store, Credentials credentials, std::chrono::seconds token_lifetime)
        : store_(std::move(store)), tokens_(token_lifetime), credentials_(std::move(credentials)) {}

    /// The operationId of a request; empty if there is no such operation.
    static std::string operation_of(const Request& request);

    /// Does what the request asks for, if it may.
    Answer handle(const Request& request);

    /// The tests' side channel, below /_stand_in/.
    Answer administer(const Request& request);

    void log(const Request& request, unsigned status);

    Faults& faults() { return faults_; }
    Store& store() { return store_; }
    Tokens& tokens() { return tokens_; }
    /// How many calls of this operation were logged.
    std::size_t calls(std::string_view operation) const;
    std::size_t logged() const { return log_.size(); }
    /// Changes that were stored: objects made, changed and removed.
    unsigned writes() const { return writes_; }
    /// A server that takes no notice of filterBy, as a client must be able to bear.
    void ignore_filters(bool on) { habits_.ignores_filters = on; }
    Habits& habits() { return habits_; }

  private:
    Answer token(const Request& request);
    Answer admin_post(std::string_view what, const boost::json::object& body);
    Answer set_users(const boost::json::object& body);
    boost::json::object log_and_counts() const;

    Store store_;
    Tokens tokens_;
    Credentials credentials_;
    Faults faults_;
    std::vector<Logged> log_;
    unsigned writes_ = 0;
    Habits habits_;
};

/// A data source as it is answered, with or without its users.
boost::json::object shown(const boost::json::object& stored, bool usage_info);

}  // namespace stowage::stand_in
