// FTPS accounts: who logs in to which lab.
// Runs in: controller.
#include <fmt/format.h>

#include "gateway/controller/state/state.hpp"

namespace stowage::controller {

using sqlite::Statement;

namespace {

Account account_in(const Statement& row) {
    return {row.text(0), row.text(1), static_cast<AccountPhase>(row.integer(2)), row.integer(3)};
}

}  // namespace

std::vector<Account> State::accounts() const {
    std::vector<Account> accounts;
    Statement row(database_, "SELECT user, lab, phase, created_at FROM accounts ORDER BY user");
    while (row.next())
        accounts.push_back(account_in(row));
    return accounts;
}

std::optional<Account> State::account(std::string_view user) const {
    Statement row(database_, "SELECT user, lab, phase, created_at FROM accounts WHERE user = ?", user);
    if (!row.next()) return std::nullopt;
    return account_in(row);
}

Result<void> State::add_account(std::string_view user, std::string_view lab) {
    return Statement(database_, "INSERT INTO accounts(user, lab, phase, created_at) VALUES(?,?,?,?)", user,
                     lab, static_cast<int>(AccountPhase::adding), now_seconds())
        .run();
}

Result<void> State::set_account_phase(std::string_view user, AccountPhase phase) {
    return Statement(database_, "UPDATE accounts SET phase = ? WHERE user = ?", static_cast<int>(phase), user)
        .run();
}

Result<void> State::drop_account(std::string_view user) {
    return Statement(database_, "DELETE FROM accounts WHERE user = ?", user).run();
}

}  // namespace stowage::controller
