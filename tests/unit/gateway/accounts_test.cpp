// What the controller may tell about labs and users.
#include "gateway/supervisor/accounts.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/base/client_ca_limits.hpp"

namespace stowage::supervisor {
namespace {

class AccountsTest : public testing::Test {
  protected:
    static message::PutLab lab(std::string_view name, std::uint32_t uid) {
        message::PutLab m;
        m.lab.assign_cut(name);
        m.uid = m.gid = uid;
        return m;
    }
    static message::PutAccount account(std::string_view user, std::string_view lab) {
        message::PutAccount m;
        m.user.assign_cut(user);
        m.lab.assign_cut(lab);
        return m;
    }
    const ServedLab* lab_of(std::string_view user) const {
        return accounts_.lab_of(user, accounts_.account_of(user));
    }
    Config config_ = *parse_config({});
    Accounts accounts_{config_};
};

TEST_F(AccountsTest, UsersFindTheirLab) {
    ASSERT_TRUE(accounts_.put_lab(lab("lab1", 700000)));
    ASSERT_TRUE(accounts_.put_account(account("alice", "lab1")));
    ASSERT_NE(lab_of("alice"), nullptr);
    EXPECT_EQ(lab_of("alice")->uid, 700000u);
    EXPECT_EQ(lab_of("bob"), nullptr);
}

// A controller that was taken over may tell as many labs as there are uids.
TEST_F(AccountsTest, ClientCasOfAllLabsTogetherAreBounded) {
    const std::string cas(most_client_ca_bytes, 'x');
    const auto put = [&](std::size_t number) {
        auto demanding = lab("lab" + std::to_string(number), 700000 + static_cast<std::uint32_t>(number));
        demanding.client_certificates = 1;
        std::vector<Fd> fds;
        fds.push_back(or_throw(seal("cas", cas)));
        return accounts_.put_lab(demanding, fds).has_value();
    };
    const auto most = most_client_ca_bytes_in_all / cas.size();
    for (std::size_t number = 0; number < most; ++number)
        ASSERT_TRUE(put(number)) << number;
    EXPECT_TRUE(put(0)) << "told again it is no more";
    EXPECT_FALSE(put(most));
}

// What comes beside the message may be anything that a controller that was taken over holds: a file that
// changes behind the check, a pipe that nobody ever writes to. Taken out (is_sealed()): the file is taken.
TEST_F(AccountsTest, ClientCasComeSealedOrNotAtAll) {
    auto demanding = lab("lab1", 700000);
    demanding.client_certificates = 1;
    const auto with = [](Result<Fd> fd) {
        std::vector<Fd> fds;
        fds.push_back(or_throw(std::move(fd)));
        return fds;
    };
    EXPECT_FALSE(accounts_.put_lab(demanding));
    EXPECT_FALSE(accounts_.put_lab(lab("lab1", 700000), with(seal("cas", "PEM"))))
        << "for a lab that wants none";
    EXPECT_FALSE(accounts_.put_lab(demanding, with(seal("cas", ""))));
    EXPECT_FALSE(accounts_.put_lab(demanding, with(seal("cas", std::string(most_client_ca_bytes + 1, 'x')))));
    Fd file(::memfd_create("cas", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(::write(file.get(), "PEM", 3), 3);
    EXPECT_FALSE(accounts_.put_lab(demanding, with(std::move(file))));
    EXPECT_FALSE(accounts_.put_lab(demanding, with(Fd(::open("/dev/zero", O_RDONLY | O_CLOEXEC)))));
    auto twice = with(seal("cas", "PEM"));
    twice.push_back(or_throw(seal("cas", "PEM")));
    EXPECT_FALSE(accounts_.put_lab(demanding, twice));
    EXPECT_FALSE(accounts_.some_lab_wants_client_certificates());
    const auto served = accounts_.put_lab(demanding, with(seal("cas", "PEM")));
    ASSERT_TRUE(served);
    EXPECT_EQ(served->client_cas, "PEM");
    EXPECT_TRUE(accounts_.some_lab_wants_client_certificates());
}

TEST_F(AccountsTest, NoLabRunsAsRootOrOutsideTheRangeOrAsAnother) {
    EXPECT_FALSE(accounts_.put_lab(lab("lab1", 0)));
    EXPECT_FALSE(accounts_.put_lab(lab("lab1", 1000)));
    EXPECT_FALSE(accounts_.put_lab(lab("../x", 700000)));
    auto mixed = lab("lab1", 700000);
    mixed.gid = 0;
    EXPECT_FALSE(accounts_.put_lab(mixed));
    ASSERT_TRUE(accounts_.put_lab(lab("lab1", 700000)));
    EXPECT_FALSE(accounts_.put_lab(lab("lab2", 700000)));
}

TEST_F(AccountsTest, RestartedControllerForgetsWhatItDoesNotName) {
    ASSERT_TRUE(accounts_.put_lab(lab("lab1", 700000)));
    ASSERT_TRUE(accounts_.put_lab(lab("lab2", 700001)));
    ASSERT_TRUE(accounts_.put_account(account("alice", "lab1")));
    ASSERT_TRUE(accounts_.put_account(account("bob", "lab1")));
    accounts_.begin();
    EXPECT_NE(lab_of("bob"), nullptr) << "logins go on while the controller restarts";
    ASSERT_TRUE(accounts_.put_lab(lab("lab1", 700000)));
    ASSERT_TRUE(accounts_.put_account(account("alice", "lab1")));
    const auto gone = accounts_.complete();
    EXPECT_EQ(gone.labs, std::vector<std::string>{"lab2"});
    EXPECT_EQ(gone.users, std::vector<std::string>{"bob"});
    EXPECT_EQ(lab_of("bob"), nullptr);
    EXPECT_NE(lab_of("alice"), nullptr);
}

// Fails when the account is looked up by its name alone.
TEST_F(AccountsTest, WhatWasRightBeforeAChangeOpensNoLab) {
    ASSERT_TRUE(accounts_.put_lab(lab("lab1", 700000)));
    ASSERT_TRUE(accounts_.put_lab(lab("lab2", 700001)));
    const auto changed_by = [this](auto&& change) {
        EXPECT_TRUE(accounts_.put_account(account("alice", "lab1")));
        const auto before = accounts_.account_of("alice");
        EXPECT_NE(accounts_.lab_of("alice", before), nullptr);
        change();
        return accounts_.lab_of("alice", before) == nullptr;
    };
    message::RemoveAccount removal;
    removal.user.assign_cut("alice");
    EXPECT_TRUE(changed_by([&] { EXPECT_TRUE(accounts_.remove_account(removal)); }));
    EXPECT_TRUE(changed_by([&] {
        EXPECT_TRUE(accounts_.remove_account(removal));
        EXPECT_FALSE(*accounts_.put_account(account("alice", "lab1")))
            << "nobody is logged in by the old one";
    }));
    EXPECT_TRUE(changed_by([&] { accounts_.password_set("alice"); }));
    EXPECT_TRUE(changed_by([&] { EXPECT_TRUE(*accounts_.put_account(account("alice", "lab2"))); }));
    EXPECT_EQ(lab_of("alice")->name, "lab2");
}

// Fails when put_account() gives a new number each time: logins under way would be refused whenever the
// controller starts anew.
TEST_F(AccountsTest, SayingAgainWhatHoldsChangesNothing) {
    ASSERT_TRUE(accounts_.put_lab(lab("lab1", 700000)));
    ASSERT_TRUE(accounts_.put_account(account("alice", "lab1")));
    const auto before = accounts_.account_of("alice");
    accounts_.begin();
    ASSERT_TRUE(accounts_.put_lab(lab("lab1", 700000)));
    EXPECT_FALSE(*accounts_.put_account(account("alice", "lab1")));
    EXPECT_TRUE(accounts_.complete().users.empty());
    accounts_.password_set("nobody");
    EXPECT_EQ(accounts_.account_of("nobody"), 0u);
    EXPECT_NE(accounts_.lab_of("alice", before), nullptr);
}

}  // namespace
}  // namespace stowage::supervisor
