// Applying a site to the stand-in of both versions.
// Runs in: unit tests.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "gateway/base/atomic_file.hpp"
#include "gateway/controller/state/boot.hpp"
#include "tests/unit/controller/site/site_bench.hpp"

namespace stowage::controller {
namespace {

using stand_in::FaultKind;
using testing::HasSubstr;

class SiteApply : public testing::TestWithParam<const char*> {
  protected:
    SiteBench bench_{GetParam()};
};

TEST_P(SiteApply, TwiceChangesNothingTheSecondTime) {
    const auto site = small_site(3, 7);
    const auto first = bench_.apply(site);
    ASSERT_TRUE(first) << first.error().text();
    EXPECT_TRUE(first->converged()) << first->failures[0].error.text();
    EXPECT_EQ(first->done, 2U + 3 + 3 + 9 + 7 + 21);
    EXPECT_EQ(bench_.lost_passwords(), "");
    const auto writes = bench_.api().writes();
    const auto calls = bench_.calls();
    const auto second = bench_.apply(site);
    ASSERT_TRUE(second) << second.error().text();
    EXPECT_EQ(second->done, 0U);
    EXPECT_EQ(second->unchanged, first->done);
    EXPECT_EQ(bench_.api().writes(), writes);
    // One per kind, and the token.
    EXPECT_EQ(bench_.calls() - calls, 9U);
}

TEST_P(SiteApply, LeavesNoPoolOpenThatNobodyNamed) {
    ASSERT_TRUE(bench_.apply(small_site(2, 1)));
    auto more = small_site(2, 1);
    more.node_pools.push_back({"test", "example.org/pool", "test", "spread"});
    const auto outcome = bench_.apply(more);
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_TRUE(outcome->converged());
    for (const char* kind : {"departments", "projects"})
        for (const auto& unit : bench_.api().store().all(kind))
            for (const auto& resource : unit.at("resources").as_array())
                EXPECT_EQ(resource.at("gpu").at("limit").to_number<double>(),
                          resource.at("gpu").at("deserved").to_number<double>())
                    << unit.at("name") << resource;
}

TEST_P(SiteApply, ChangesWhatItMadeAndOnlyThat) {
    auto site = small_site(2, 2);
    ASSERT_TRUE(bench_.apply(site));
    const auto writes = bench_.api().writes();
    site.departments[0].unit.gpus["prod"] = 77;
    const auto outcome = bench_.apply(site);
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(outcome->done, 1U);
    EXPECT_EQ(bench_.api().writes(), writes + 1);
}

TEST_P(SiteApply, LeavesAloneWhatIsNotItsOwnUnlessToldToAdopt) {
    auto& store = bench_.api().store();
    const auto cluster = std::string(stand_in::text_of(store.all("clusters").at(0).as_object(), "uuid"));
    const auto id = store.add_department("lab1", cluster);
    const auto refused = bench_.apply(small_site(1, 1));
    ASSERT_TRUE(refused) << refused.error().text();
    ASSERT_FALSE(refused->converged());
    EXPECT_EQ(refused->failures[0].error.code, Code::differs);
    EXPECT_EQ(store.find("departments", "id", id)->if_contains("defaultNodePools"), nullptr);
    const auto adopted = bench_.apply(small_site(1, 1), true);
    ASSERT_TRUE(adopted) << adopted.error().text();
    EXPECT_TRUE(adopted->converged()) << adopted->failures[0].error.text();
    EXPECT_TRUE(store.find("departments", "id", id)->contains("defaultNodePools"));
    EXPECT_EQ(store.all("departments").size(), 1U);
    for (const auto& owned : bench_.state().objects())
        if (owned.kind == ObjectKind::department) {
            EXPECT_FALSE(owned.made);
        }
}

TEST_P(SiteApply, GoesOnWithWhatDoesNotNeedTheFailedOne) {
    bench_.fail("create_department", FaultKind::error_before, 0);  // lab1's
    const auto outcome = bench_.apply(small_site(2, 4));
    ASSERT_TRUE(outcome) << outcome.error().text();
    // lab1's department and project, and the rules of its two users
    EXPECT_EQ(outcome->failures.size(), 2U + 2 * 3);
    EXPECT_EQ(bench_.api().store().all("users").size(), 4U);
    EXPECT_EQ(bench_.api().store().all("access_rules").size(), 6U);
    EXPECT_THAT(outcome->failures[1].error.what, HasSubstr("department lab1 failed"));
    const auto again = bench_.apply(small_site(2, 4));
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->converged());
    EXPECT_EQ(bench_.lost_passwords(), "");
}

TEST_P(SiteApply, PrunesWhatWasConfirmed) {
    ASSERT_TRUE(bench_.apply(small_site(1, 3)));
    auto fewer = small_site(1, 2);
    EXPECT_TRUE(bench_.prune(fewer, {})->converged());
    EXPECT_EQ(bench_.api().store().all("users").size(), 3U);
    std::set<std::string> titles;
    const auto client_sees = bench_.plan(small_site(1, 3));
    for (const auto& item : client_sees)
        titles.insert(item.title());
    const auto outcome = bench_.prune(fewer, titles);
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(outcome->done, 4U);
    EXPECT_EQ(bench_.api().store().all("users").size(), 2U);
    EXPECT_EQ(bench_.api().store().all("access_rules").size(), 6U);
}

TEST_P(SiteApply, WhatWasAdoptedIsNeverDeletedEvenAfterItWasChanged) {
    auto site = small_site(1, 1);
    ASSERT_TRUE(bench_.apply(site)->converged());
    // As if gpu8 had been somebody's, and taken over with --adopt.
    for (auto owned : bench_.state().objects()) {
        if (owned.kind != ObjectKind::compute_resource || owned.key != "gpu8") continue;
        owned.made = false;
        const auto journal = bench_.state().begin_object(owned, "adopt");
        ASSERT_TRUE(journal && bench_.state().end_object(*journal, owned));
    }
    site.compute_resources.back().large_shm = true;
    site.compute_resources.front().large_shm = true;
    const auto changed = bench_.apply(site);
    ASSERT_TRUE(changed && changed->converged());
    ASSERT_EQ(changed->done, 2U);
    std::set<std::string> made;
    for (const auto& owned : bench_.state().objects())
        if (owned.kind == ObjectKind::compute_resource && owned.made) made.insert(owned.key);
    EXPECT_EQ(made.size(), 8U);
    EXPECT_FALSE(made.contains("gpu8"));
    site.compute_resources.clear();
    std::set<std::string> titles;
    for (int gpus = 0; gpus <= 8; ++gpus)
        titles.insert("compute resource gpu" + std::to_string(gpus));
    const auto pruned = bench_.prune(site, titles);
    ASSERT_TRUE(pruned) << pruned.error().text();
    EXPECT_EQ(pruned->done, 8U);
}

INSTANTIATE_TEST_SUITE_P(Versions, SiteApply, testing::Values("2.20.29", "2.24.3"),
                         [](const auto& one) { return std::string(one.param).substr(2, 2); });

TEST(SiteScale, NoChangePlanGrowsWithPagesNotWithObjects) {
    SiteBench bench;
    const auto site = small_site(60, 300);
    ASSERT_TRUE(bench.apply(site)->converged());
    const auto before = bench.calls();
    for (const auto& item : bench.plan(site))
        EXPECT_EQ(item.change, Change::unchanged) << item.title();
    // 900 rules are two pages; a full last page would be followed by one that is empty.
    EXPECT_EQ(bench.calls() - before, 9U + 1);
}

TEST(SealedSecretsTest, AreFilesForNobodyElseAndGoWhenShown) {
    MemoryDirectory directory;
    SealedSecrets secrets(directory.path());
    ASSERT_TRUE(secrets.put({"Run:ai", "alice@example.org", "lab1", "alice@example.org", Secret("one")}));
    ASSERT_TRUE(secrets.put({"FTPS", "alice@example.org", "lab1", "alice", Secret("two")}));
    ASSERT_TRUE(secrets.put({"Run:ai", "alice@example.org", "lab1", "alice@example.org", Secret("three")}));
    const auto all = secrets.all();
    ASSERT_EQ(all.size(), 2U);
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
        struct stat status {};
        ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0600U);
        EXPECT_EQ(entry.path().string().find("alice"), std::string::npos);
    }
    ASSERT_TRUE(secrets.drop("Run:ai", "alice@example.org", "alice@example.org"));
    ASSERT_TRUE(secrets.drop("Run:ai", "alice@example.org", "alice@example.org"));
    const auto left = secrets.all();
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].password.reveal(), "two");
}

TEST(SealedSecretsTest, OfAFormerNameStaysBesideThatOfTheNewOne) {
    MemoryDirectory directory;
    SealedSecrets secrets(directory.path());
    ASSERT_TRUE(secrets.put({"FTPS", "alice@example.org", "lab1", "alice", Secret("one")}));
    ASSERT_TRUE(secrets.put({"FTPS", "alice@example.org", "lab1", "asmith", Secret("two")}));
    EXPECT_EQ(secrets.all().size(), 2U);
    ASSERT_TRUE(secrets.drop("FTPS", "alice@example.org", "asmith"));
    ASSERT_EQ(secrets.all().size(), 1U);
    EXPECT_EQ(secrets.all()[0].password.reveal(), "one");
}

TEST(SealedSecretsTest, OfAWriteThatWasCutOffOrADayOldAreDeleted) {
    MemoryDirectory directory;
    SealedSecrets secrets(directory.path());
    const auto write = [&](const char* name, const std::string& text) {
        FILE* file = ::fopen((directory.path() + "/" + name).c_str(), "w");
        ASSERT_NE(file, nullptr);
        ::fputs(text.c_str(), file);
        ::fclose(file);
    };
    write("sealed.0", "{\"service\":\"Run:ai\",\"ema");
    write("sealed.1", R"({"service":"FTPS","email":"a@b.de","lab":"","name":"a","password":"x","since":1})");
    write("other", "stays");
    EXPECT_TRUE(secrets.all().empty());
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
}

TEST(SealedSecretsTest, GrowNoOlderWhenTheClockIsSet) {
    MemoryDirectory directory;
    SealedSecrets secrets(directory.path());
    ASSERT_TRUE(secrets.put({"FTPS", "alice@example.org", "lab1", "alice", Secret("one")}));
    const auto path = std::filesystem::directory_iterator(directory.path())->path().string();
    auto text = or_throw(read_file(path, 8192));
    const auto replace = [&](const std::string& key, std::int64_t number) {
        const auto begin = text.find('"' + key + "\":") + key.size() + 3;
        text.replace(begin, text.find_first_not_of("0123456789-", begin) - begin, std::to_string(number));
        ASSERT_TRUE(write_atomically(path, text, {::getuid(), ::getgid(), 0600}));
    };
    replace("since", 1);  // 1970, until the network told the time
    EXPECT_EQ(secrets.all().size(), 1U);
    replace("since", now_seconds());
    replace("uptime", uptime_seconds() - SealedSecrets::lifetime_seconds);
    EXPECT_TRUE(secrets.all().empty());
}

/// The process may open so many files more.
class FewDescriptors {
  public:
    explicit FewDescriptors(unsigned more) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const int next = ::dup(STDIN_FILENO);
        ::close(next);
        auto few = before_;
        few.rlim_cur = static_cast<rlim_t>(next) + more;
        ::setrlimit(RLIMIT_NOFILE, &few);
    }
    ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

TEST(SealedSecretsTest, ThatCannotBeReadForAMomentStay) {
    MemoryDirectory directory;
    SealedSecrets secrets(directory.path());
    ASSERT_TRUE(secrets.put({"FTPS", "alice@example.org", "lab1", "alice", Secret("one")}));
    ASSERT_TRUE(secrets.put({"FTPS", "bob@example.org", "lab1", "bob", Secret("two")}));
    {
        const FewDescriptors few(1);  // the folder takes it
        EXPECT_TRUE(secrets.all().empty());
    }
    EXPECT_EQ(secrets.all().size(), 2U);
}

}  // namespace
}  // namespace stowage::controller
