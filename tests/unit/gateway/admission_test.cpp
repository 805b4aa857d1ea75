// Messages out of turn, of the wrong sender or with wrong fields are refused.
#include "gateway/supervisor/admission.hpp"

#include <gtest/gtest.h>

#include "gateway/base/step_rules.hpp"

namespace stowage::supervisor {
namespace {

using message::Step;
using message::Type;

TEST(Admission, NothingButReadyBeforeReady) {
    for (const auto peer : {Peer::front, Peer::worker, Peer::controller}) {
        EXPECT_TRUE(may_send(peer, Type::ready, false));
        EXPECT_FALSE(may_send(peer, Type::ready, true));
    }
    EXPECT_FALSE(may_send(Peer::front, Type::login_request, false));
    EXPECT_TRUE(may_send(Peer::front, Type::login_request, true));
}

TEST(Admission, OnlyTheControllerAsksForStepsAndAccounts) {
    for (const auto type : {Type::step_request, Type::put_lab, Type::put_account, Type::remove_lab,
                            Type::remove_account, Type::accounts_complete, Type::status_query}) {
        EXPECT_TRUE(may_send(Peer::controller, type, true));
        EXPECT_FALSE(may_send(Peer::front, type, true));
        EXPECT_FALSE(may_send(Peer::worker, type, true));
    }
    EXPECT_FALSE(may_send(Peer::controller, Type::login_request, true));
    EXPECT_FALSE(may_send(Peer::worker, Type::login_request, true));
}

// What nobody asked for would be kept open for nothing, or be read in the belief that it is something else.
TEST(Admission, DescriptorsComeFromTheControllerWithALabAlone) {
    for (const auto peer : {Peer::front, Peer::worker, Peer::controller, Peer::nfs_server})
        for (unsigned number = 0; number < 100; ++number) {
            const auto type = static_cast<Type>(number);
            EXPECT_EQ(may_bring_descriptors(peer, type), peer == Peer::controller && type == Type::put_lab)
                << number;
        }
}

TEST(Admission, OnlyAWorkerAsksForTheLabsUsageAndOnlyWhenReady) {
    for (const auto peer : {Peer::front, Peer::worker, Peer::controller, Peer::nfs_server}) {
        EXPECT_EQ(may_send(peer, Type::usage_query, true), peer == Peer::worker);
        EXPECT_FALSE(may_send(peer, Type::usage_query, false));
        EXPECT_FALSE(may_send(peer, Type::lab_usage, true));
    }
}

TEST(Admission, NobodySendsWhatTheSupervisorSends) {
    for (const auto type : {Type::start_front, Type::start_worker, Type::certificate, Type::ticket_key,
                            Type::session_start, Type::login_reply, Type::step_reply, Type::drain,
                            Type::put_ban, Type::lift_ban, Type::activity_query, Type::session_entry,
                            Type::ban_entry, Type::list_end, Type::action_reply, static_cast<Type>(999)})
        for (const auto peer : {Peer::front, Peer::worker, Peer::controller, Peer::nfs_server})
            for (const bool ready : {false, true})
                EXPECT_FALSE(may_send(peer, type, ready));
}

TEST(Admission, OnlyTheControllerAsksWhoIsOnlineAndEndsSessions) {
    for (const auto type : {Type::sessions_query, Type::bans_query, Type::clear_bans, Type::end_session}) {
        EXPECT_TRUE(may_send(Peer::controller, type, true));
        EXPECT_FALSE(may_send(Peer::controller, type, false));
        for (const auto peer : {Peer::front, Peer::worker, Peer::nfs_server})
            EXPECT_FALSE(may_send(peer, type, true));
    }
}

TEST(Admission, OnlyTheFrontSaysWhetherACertificateVerifies) {
    for (const auto peer : {Peer::front, Peer::worker, Peer::controller, Peer::nfs_server}) {
        EXPECT_EQ(may_send(peer, Type::client_verified, true), peer == Peer::front);
        EXPECT_FALSE(may_send(peer, Type::client_verified, false));
        EXPECT_FALSE(may_send(peer, Type::verify_client, true));
    }
}

TEST(Admission, OnlyWorkersTellWhatSessionsDo) {
    EXPECT_TRUE(may_send(Peer::worker, Type::activity, true));
    EXPECT_FALSE(may_send(Peer::worker, Type::activity, false));
    for (const auto peer : {Peer::front, Peer::controller, Peer::nfs_server})
        EXPECT_FALSE(may_send(peer, Type::activity, true));
}

class StepCheck : public testing::Test {
  protected:
    message::StepRequest publish() {
        message::StepRequest m;
        m.step = Step::publish_export;
        m.lab.assign_cut("lab1");
        m.uid = m.gid = 700000;
        m.export_id = 5;
        m.fsid[0] = 1;
        m.clients.assign_cut("10.0.0.0/8,192.168.1.0/24");
        return m;
    }
    message::StepRequest password(std::string_view hash) {
        message::StepRequest m;
        m.step = Step::set_password;
        m.user.assign_cut("alice");
        m.password_hash.assign_cut(hash);
        return m;
    }
    Config config_ = *parse_config({});
};

TEST_F(StepCheck, WholeRequestIsAdmitted) {
    EXPECT_TRUE(check_step(publish(), config_));
    EXPECT_TRUE(check_step(password("$y$j9T$abcdefgh$ijklmnop"), config_));
}

TEST_F(StepCheck, ObservingAQuotaTakesTheLabAndItsOwnerAndNothingElse) {
    message::StepRequest m;
    m.step = Step::observe_quota;
    m.lab.assign_cut("lab1");
    m.uid = m.gid = 700000;
    EXPECT_TRUE(check_step(m, config_));
    m.quota_bytes = 1;
    EXPECT_FALSE(check_step(m, config_));
    m = publish();
    m.step = Step::observe_quota;
    EXPECT_FALSE(check_step(m, config_));
}

TEST_F(StepCheck, ProjectOfAnotherLabOrOfNobodyIsRefused) {
    message::StepRequest m;
    m.step = message::Step::set_quota;
    m.lab.assign_cut("lab1");
    m.uid = m.gid = 700001;
    EXPECT_TRUE(check_step(m, config_)) << "it has none yet";
    for (const std::uint32_t project : {700001u, 700001u + project_stride, 700001u + 2 * project_stride}) {
        m.project_id = project;
        EXPECT_TRUE(check_step(m, config_)) << project;
    }
    for (const std::uint32_t project : {1u, 700000u, 700002u, project_stride, UINT32_MAX}) {
        m.project_id = project;
        EXPECT_FALSE(check_step(m, config_)) << project;
    }
    m.step = message::Step::make_directory;
    m.project_id = 700001;
    EXPECT_FALSE(check_step(m, config_)) << "making a directory needs none";
}

TEST_F(StepCheck, LabOutsideItsRulesIsRefused) {
    for (const std::string name : {"", "..", "a/b", "../etc", "Lab"}) {
        auto m = publish();
        m.lab.assign_cut(name);
        EXPECT_FALSE(check_step(m, config_)) << name;
    }
}

TEST_F(StepCheck, RootOrAnotherRangeIsRefused) {
    auto m = publish();
    m.uid = m.gid = 0;
    EXPECT_FALSE(check_step(m, config_));
    m.uid = m.gid = 900000;
    EXPECT_FALSE(check_step(m, config_));
}

TEST_F(StepCheck, ClientsThatExportsWouldMisreadAreRefused) {
    for (const std::string clients :
         {"*", "10.0.0.0/8(rw)", "host", "10.0.0.0/8 0.0.0.0/0", "10.0.0.0/8,10.0.0.0/16"}) {
        auto m = publish();
        m.clients.assign_cut(clients);
        EXPECT_FALSE(check_step(m, config_)) << clients;
    }
}

TEST_F(StepCheck, FieldsThatAStepDoesNotUseMustBeEmpty) {
    auto m = publish();
    m.quota_bytes = 1;
    EXPECT_FALSE(check_step(m, config_));
    m = publish();
    m.user.assign_cut("alice");
    EXPECT_FALSE(check_step(m, config_));
    m = password("$y$j9T$abcdefgh$ijklmnop");
    m.uid = 700000;
    EXPECT_FALSE(check_step(m, config_));
    m = publish();
    m.step = static_cast<Step>(99);
    EXPECT_FALSE(check_step(m, config_));
}

TEST_F(StepCheck, OnlyExportsAreChangedWithoutALookAtTheLab) {
    auto m = publish();
    m.only_server = 1;
    EXPECT_TRUE(check_step(m, config_));
    m.step = Step::withdraw_export;
    EXPECT_TRUE(check_step(m, config_));
    m.step = Step::observe_lab;
    EXPECT_FALSE(check_step(m, config_));
    m = password("$y$j9T$abcdefgh$ijklmnop");
    m.only_server = 1;
    EXPECT_FALSE(check_step(m, config_));
}

TEST_F(StepCheck, HashThatWouldBreakThePasswordFileIsRefused) {
    for (const std::string hash :
         {"", "x", "$y$a:b$cdefgh", "$y$a\nroot:$y$cdefgh", "plain-password", "$y$ä$cdefgh"})
        EXPECT_FALSE(check_step(password(hash), config_)) << hash;
}

TEST(LoginCheck, AddressesVersionAndLengths) {
    message::LoginRequest m;
    m.peer.assign_cut("192.0.2.1");
    m.local.assign_cut("::1");
    m.bound.assign_cut("::1");
    m.user.assign_cut("alice");
    m.tls_version = 0x0304;
    EXPECT_TRUE(check_login(m));
    m.tls_version = 0x0302;
    EXPECT_FALSE(check_login(m));
    m.tls_version = 0x0303;
    m.peer.assign_cut("192.0.2.1 x");
    EXPECT_FALSE(check_login(m));
    // Bans are kept by client_network(), which such a one has not: it would share one count with all others.
    m.peer.assign_cut(std::string_view("2001:db8::7\0/", 13));
    EXPECT_FALSE(check_login(m)) << "inet_pton() does not look behind a NUL";
    m.peer.assign_cut("2001:db8::7/64");
    EXPECT_FALSE(check_login(m));
    m.peer.assign_cut("192.0.2.1");
    m.hopeless = 1;
    EXPECT_TRUE(check_login(m));
    m.password.assign_cut("x");
    EXPECT_FALSE(check_login(m)) << "nobody would be asked about this password";
    m.password.assign_cut("");
    m.bound.assign_cut("");
    EXPECT_FALSE(check_login(m)) << "where would data connections be listened for?";
}

}  // namespace
}  // namespace stowage::supervisor
