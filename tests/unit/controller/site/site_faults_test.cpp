// Every single call in turn fails in every way: the apply after it comes to the same end, with nothing twice
// and no password lost. Runs in: unit tests.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/sanitized.hpp"
#include "tests/unit/controller/site/site_bench.hpp"

namespace stowage::controller {
namespace {

using stand_in::FaultKind;

struct Kind {
    FaultKind kind;
    const char* name;
    unsigned max_tries = 1;
};

struct Case : Kind {
    const char* version;
    std::size_t number;

    bool hangs() const { return kind == FaultKind::hang_before || kind == FaultKind::hang_after; }
    /// Every call of 2.20; of 2.24, which differs in few of them, every third. The sanitizers take ten times
    /// as long, and look at the code rather than at its promise. Each kind begins at another call, so that
    /// together they fail them all.
    std::size_t stride() const {
        if (is_sanitized) return 14;
        return std::string_view(version) == oldest ? 1 : 3;
    }
    std::size_t first() const { return number % stride(); }

    static constexpr std::string_view oldest = "2.20.29";
};

class EveryCallInTurn : public testing::TestWithParam<Case> {
  protected:
    static const WantedSite& site() {
        static const auto wanted = small_site(5, 20);
        return wanted;
    }
    std::unique_ptr<SiteBench> bench(const WantedSite& site) {
        auto made = std::make_unique<SiteBench>(GetParam().version);
        for (const auto& department : site.departments)
            made->labs.push_back(department.unit.name);
        made->max_tries = GetParam().max_tries;
        return made;
    }
    /// An apply in which one call fails. Only here is nobody patient: if this machine is busy, more than the
    /// one call run out of time, and that has to come to the same end.
    void apply_with_fault(SiteBench& bench, std::size_t call, const WantedSite& site) {
        const auto patient = bench.request_timeout;
        if (GetParam().hangs()) bench.request_timeout = std::chrono::milliseconds(60);
        bench.fail("any", GetParam().kind, static_cast<unsigned>(call));
        (void)bench.apply(site);
        bench.api().faults().clear();
        bench.request_timeout = patient;
    }
    /// Apply after apply until nothing is left, as an admin or the next pass would.
    void converge(SiteBench& bench, std::size_t call, const WantedSite& site) {
        for (int runs = 0; runs < 4; ++runs) {
            const auto outcome = bench.apply(site);
            if (outcome && outcome->converged()) return;
        }
        const auto last = bench.apply(site);
        FAIL() << "call " << call << ": "
               << (last ? last->converged() ? "slow" : last->failures[0].error.text() : last.error().text());
    }
};

constexpr const char* elsewhere = "/mnt/elsewhere";

/// What is there is changed: PUT of departments, projects and compute resources, each after a GET, and a new
/// node pool, which Run:ai gives to every unit. The data sources change with their container path.
WantedSite changed_site() {
    auto site = small_site(2, 2);
    site.node_pools.push_back({"test", "example.org/pool", "test", "binpack"});
    for (auto& department : site.departments) {
        department.unit.gpus["prod"] += 70;
        department.projects.front().gpus["prod"] += 7;
    }
    site.compute_resources.back().large_shm = true;
    return site;
}

TEST_P(EveryCallInTurn, OfAChangeFailsAndTheNextApplyConverges) {
    const auto start = small_site(2, 2), site = changed_site();
    std::string wanted;
    std::size_t calls = 0;
    {
        const auto clean = bench(start);
        ASSERT_TRUE(clean->apply(start)->converged());
        const auto before = clean->calls();
        clean->container_path = elsewhere;
        ASSERT_TRUE(clean->apply(site)->converged());
        wanted = clean->digest();
        calls = clean->calls() - before;
        for (const char* update :
             {"update_department", "update_project", "update_compute_asset_by_id", "update_nfs_asset_by_id"})
            ASSERT_GE(clean->api().calls(update), 1U) << update;
    }
    for (std::size_t call = GetParam().first(); call < calls; call += GetParam().stride()) {
        const auto faulty = bench(start);
        ASSERT_TRUE(faulty->apply(start)->converged());
        faulty->container_path = elsewhere;
        apply_with_fault(*faulty, call, site);
        converge(*faulty, call, site);
        ASSERT_EQ(faulty->digest(), wanted) << "call " << call;
        ASSERT_EQ(faulty->lost_passwords(), "") << "call " << call;
        const auto writes = faulty->api().writes();
        ASSERT_TRUE(faulty->apply(site)->converged());
        ASSERT_EQ(faulty->api().writes(), writes) << "call " << call;
        if (HasFatalFailure()) return;
    }
}

TEST_P(EveryCallInTurn, FailsAndTheNextApplyConverges) {
    std::string wanted;
    std::size_t calls = 0;
    {
        const auto clean = bench(site());
        ASSERT_TRUE(clean->apply(site())->converged());
        wanted = clean->digest();
        calls = clean->calls();
    }
    ASSERT_GT(calls, 110U);
    for (std::size_t call = GetParam().first(); call < calls; call += GetParam().stride()) {
        const auto faulty = bench(site());
        apply_with_fault(*faulty, call, site());
        converge(*faulty, call, site());
        ASSERT_EQ(faulty->digest(), wanted) << "call " << call;
        ASSERT_EQ(faulty->lost_passwords(), "") << "call " << call;
        const auto writes = faulty->api().writes();
        ASSERT_TRUE(faulty->apply(site())->converged());
        ASSERT_EQ(faulty->api().writes(), writes) << "call " << call;
        if (HasFatalFailure()) return;
    }
}

std::vector<Case> cases() {
    const Kind kinds[] = {{FaultKind::error_before, "error_before"},
                          {FaultKind::error_after, "error_after"},
                          {FaultKind::hang_before, "hang_before"},
                          {FaultKind::hang_after, "hang_after"},
                          {FaultKind::drop_before, "drop_before"},
                          {FaultKind::drop_after, "drop_after"},
                          {FaultKind::unauthorized, "unauthorized"},
                          {FaultKind::conflict, "conflict"},
                          {FaultKind::too_many, "too_many"},
                          {FaultKind::garbage, "garbage"},
                          {FaultKind::strange, "strange"},
                          {FaultKind::truncated, "truncated"},
                          {FaultKind::error_after, "error_after_with_retries", 3},
                          {FaultKind::truncated, "truncated_with_retries", 3}};
    std::vector<Case> all;
    for (const char* version : {"2.20.29", "2.24.3"})
        for (const auto& kind : kinds)
            all.push_back({kind, version, all.size()});
    return all;
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryCallInTurn, testing::ValuesIn(cases()), [](const auto& one) {
    return fmt::format("{}_{}", one.param.name,
                       one.param.version[2] == '2' && one.param.version[3] == '0' ? 220 : 224);
});

}  // namespace
}  // namespace stowage::controller
