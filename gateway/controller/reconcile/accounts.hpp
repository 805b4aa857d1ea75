// FTPS users: row first, then the password file, then the supervisor; taken back in the other order.
// Runs in: controller. Distrusts: names and passwords given.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "gateway/base/secret.hpp"
#include "gateway/controller/reconcile/context.hpp"

namespace stowage::controller {

/// Makes the user of a lab that is there and stays. Code::exists, Code::not_found, Code::in_use (the lab
/// leaves). After a failure there is no such user.
/// @param email of a person: the password is kept sealed under it until it is shown
boost::asio::awaitable<Result<Account>> add_user(Context& context, std::string user, std::string lab,
                                                 Secret password, std::string email = {});

boost::asio::awaitable<Result<Account>> change_password(Context& context, std::string user, Secret password);

/// Success also when there is none.
boost::asio::awaitable<Result<void>> remove_user(Context& context, std::string user);

/// Users that a restart or a failed step left half-way in go out again (nobody was told of them), those
/// half-way out go out: at once, and again each minute until it is done. Ends when draining.
boost::asio::awaitable<void> keep_accounts(Context& context);

/// Tells the supervisor all labs that have a directory and all users; what it was not told is forgotten
/// there.
void tell_everything(Context& context);

}  // namespace stowage::controller
