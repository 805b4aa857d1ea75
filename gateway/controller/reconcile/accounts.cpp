// The order of writes around an FTPS user.
// Runs in: controller.
#include "gateway/controller/reconcile/accounts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/base/log.hpp"
#include "gateway/controller/reconcile/password_hash.hpp"

namespace stowage::controller {

namespace asio = boost::asio;
namespace {

constexpr std::chrono::seconds patience(60);
constexpr std::chrono::seconds longest_pause(60);

Error unknown_user(const std::string& user) {
    return {Code::not_found, fmt::format("there is no user {}", user), "see `stowage user list`"};
}

Result<void> check_may_be_added(const Context& context, const std::string& user, const std::string& lab) {
    const auto record = context.state.lab(lab);
    if (!record)
        return Error{Code::not_found, fmt::format("there is no lab {}", lab), "see `stowage lab list`"};
    if (record->leaves())
        return Error{Code::in_use, fmt::format("lab {} is being deleted", lab),
                     "wait until it is gone, then create it anew"};
    const auto there = context.state.account(user);
    if (there && there->phase == AccountPhase::active)
        return Error{Code::exists, fmt::format("user {} is there already, in lab {}", user, there->lab),
                     "choose another name, or give this one a new password with `stowage user passwd`"};
    return {};
}

asio::awaitable<Result<void>> write_password(Context& context, std::string user, Secret password) {
    CO_TRY(const auto hash, hash_password(password));
    message::StepRequest request;
    request.step = message::Step::set_password;
    if (!request.user.assign(user) || !request.password_hash.assign(hash))
        co_return Error{Code::internal, "a user name or hash that does not fit"};
    auto done = co_await context.supervisor.step(request);
    if (!done) co_return done.error();
    co_return Result<void>();
}

/// Out of the password file, then out of the database. The caller holds the user's turn.
asio::awaitable<Result<void>> take_away(Context& context, std::string user) {
    message::StepRequest request;
    request.step = message::Step::remove_password;
    if (!request.user.assign(user)) co_return Error{Code::internal, "a user name that does not fit"};
    auto done = co_await context.supervisor.step(request);
    if (!done) co_return done.error();
    co_return context.state.drop_account(user);
}

/// Out with it, unless somebody is done with it meanwhile.
asio::awaitable<Result<void>> settle(Context& context, std::string user) {
    CO_TRY(const auto turn, co_await context.users.take(user, patience));
    const auto account = context.state.account(user);
    if (!account || account->phase == AccountPhase::active) co_return Result<void>();
    co_return co_await take_away(context, user);
}

asio::awaitable<void> settle_accounts(Context& context) {
    const Work work(context);
    for (const auto& account : context.state.accounts()) {
        if (account.phase == AccountPhase::active || context.draining) continue;
        auto gone = co_await settle(context, account.user);
        // It stays in its phase, invisible, and is taken over or removed the next time.
        if (!gone) log::warning("user_left_behind", {{"user", account.user}, {"why", gone.error().text()}});
    }
}

/// The caller holds the user's turn and knows that there is no such user.
asio::awaitable<Result<Account>> make_user(Context& context, std::string user, std::string lab,
                                           Secret password) {
    // What an earlier failure left of this name was never told to anybody: it is taken over.
    if (context.state.account(user)) CO_CHECK(context.state.drop_account(user));
    CO_CHECK(context.state.add_account(user, lab));
    auto written = co_await write_password(context, user, std::move(password));
    if (!written) {
        auto undone = co_await take_away(context, user);
        if (!undone) log::warning("user_left_behind", {{"user", user}, {"why", undone.error().text()}});
        co_return written.error();
    }
    CO_CHECK(context.state.set_account_phase(user, AccountPhase::active));
    context.supervisor.put_account(user, lab);
    log::info("user_added", {{"user", user}, {"lab", lab}});
    co_return *context.state.account(user);
}

}  // namespace

asio::awaitable<Result<Account>> add_user(Context& context, std::string user, std::string lab,
                                          Secret password, std::string email) {
    CO_TRY(const auto turn, co_await context.users.take(user, patience));
    CO_CHECK(check_may_be_added(context, user, lab));
    // Before the first step that can fail, so that a crash loses no password that works. In the turn, since
    // another request may be making the same person: what it has sealed is of a password that works.
    if (!email.empty()) CO_CHECK(context.secrets.put({"FTPS", email, lab, user, password.clone()}));
    auto made = co_await make_user(context, user, lab, std::move(password));
    if (!made && !email.empty()) (void)context.secrets.drop("FTPS", email, user);
    co_return made;
}

asio::awaitable<Result<Account>> change_password(Context& context, std::string user, Secret password) {
    CO_TRY(const auto turn, co_await context.users.take(user, patience));
    const auto account = context.state.account(user);
    if (!account || account->phase != AccountPhase::active) co_return unknown_user(user);
    CO_CHECK(co_await write_password(context, user, std::move(password)));
    log::info("password_changed", {{"user", user}, {"lab", account->lab}});
    co_return *account;
}

asio::awaitable<Result<void>> remove_user(Context& context, std::string user) {
    CO_TRY(const auto turn, co_await context.users.take(user, patience));
    if (!context.state.account(user)) co_return Result<void>();
    CO_CHECK(context.state.set_account_phase(user, AccountPhase::removing));
    context.supervisor.remove_account(user);
    CO_CHECK(co_await take_away(context, user));
    log::info("user_removed", {{"user", user}});
    co_return Result<void>();
}

asio::awaitable<void> keep_accounts(Context& context) {
    const auto interval = std::min<std::chrono::seconds>(context.config.reconcile_interval, longest_pause);
    asio::steady_timer timer(context.executor);
    while (!context.draining) {
        co_await settle_accounts(context);
        timer.expires_after(interval);
        boost::system::error_code ignored;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
}

namespace {

// What was not told now is a step of the lab's next pass.
void tell_lab(Context& context, const Lab& lab) {
    if (const auto told = context.supervisor.put_lab(served_form(lab, context.site)); !told)
        log::warning("supervisor_not_told", {{"lab", lab.name}, {"why", told.error().text()}});
}

}  // namespace

void tell_everything(Context& context) {
    for (const auto& lab : context.state.labs())
        if (lab.directory == DirectoryPhase::made && !lab.leaves()) tell_lab(context, lab);
    for (const auto& account : context.state.accounts())
        if (account.phase == AccountPhase::active) context.supervisor.put_account(account.user, account.lab);
    const message::AccountsComplete complete;
    context.supervisor.say(complete);
}

}  // namespace stowage::controller
