// Creating something once, although no request can be made idempotent.
// Runs in: controller. Distrusts: every reply.
#pragma once

#include <functional>
#include <optional>

#include "provisioning/runai/caller.hpp"

namespace stowage::runai {

/// Something of that name is there already, says the answer.
bool says_exists(const Reply& reply);

// The code of a creation's error says whether what was to be made may be there: whoever wrote down that it is
// about to make something forgets that only when it certainly is not. What stays written down without need
// makes somebody else's object look like ours.

/// It may be there: Code::timeout, or Code::cancelled.
Error in_doubt(Error error);
/// No try of ours made it, whatever failed: Code::unavailable in place of codes that leave that open.
Error not_made(Error error);
/// The error after the last try.
/// @param unclear an answer to this or an earlier try got lost
Error given_up(const Attempt& last, bool unclear);

/// Sends until it is answered. After an answer that got lost, and after one that says that it is there, it is
/// looked up before anything else: it may be ours. What is found is returned as it is; whether it is as
/// wanted is for the caller to see. Code::timeout, Code::protocol and Code::cancelled leave open whether it
/// was made; after every other error it was not.
/// @param read what the reply to the creation holds
/// @param find looks it up by what is unique about it
template <typename T>
boost::asio::awaitable<Result<Made<T>>> create_once(
    std::shared_ptr<Caller> caller, Call call,
    std::function<Result<T>(std::string_view operation, const boost::json::value& reply)> read,
    std::function<boost::asio::awaitable<Result<std::optional<T>>>()> find) {
    const auto last = std::make_shared<Attempt>();
    bool unclear = false;
    for (unsigned tries = 1;; ++tries) {
        *last = co_await attempt(caller, call);
        const bool answered = last->verdict == Verdict::answered;
        if (answered && last->reply.status < 300) {
            CO_TRY(auto value, read(call.name(), last->reply.json));
            co_return Made<T>{std::move(value), false, false};
        }
        const bool conflict = answered && says_exists(last->reply);
        if (answered && !conflict && !unclear) co_return refusal(call, last->reply);
        unclear = unclear || last->verdict == Verdict::unclear;
        bool again = answered;
        if (!answered) again = co_await wait_for_next_try(caller, call.name(), tries, last);
        if (!again) co_return given_up(*last, unclear);
        if (answered || unclear) {
            auto found = co_await find();
            if (!found) co_return unclear ? in_doubt(found.error()) : not_made(found.error());
            if (*found) co_return Made<T>{std::move(**found), true, unclear};
        }
        if (answered) {
            auto refused = refusal(call, last->reply);
            if (conflict) refused.code = Code::exists;
            // An earlier try may still be on its way, although nothing is to be seen of it.
            co_return unclear ? in_doubt(refused) : refused;
        }
    }
}

}  // namespace stowage::runai
