// Status as metrics.
// Runs in: unit tests.
#include "gateway/cli/metrics_view.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>

namespace stowage::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string metrics(const char* status) {
    return metrics_text(boost::json::parse(status).as_object());
}

TEST(Metrics, SaySinceWhenRunaiIsAwayAndWhy) {
    const auto text = metrics(R"({"runai":{"configured":true,"state":"unreachable","since":1790000000,
        "code":"time\"out\n","why":"no answer; it is tried again in 23 s","site":{"at":1789999000,"pending":2,"error":"no answer",
        "error_since":1790000001}}})");
    EXPECT_THAT(text, HasSubstr("# TYPE stowage_runai_up gauge\nstowage_runai_up 0\n"));
    EXPECT_THAT(text, HasSubstr(R"(stowage_runai_state_since_seconds{state="unreachable",)"
                                R"(why="time\"out\n"} 1790000000)"));
    EXPECT_THAT(text, Not(HasSubstr("23 s"))) << "each second would be a time series of its own";
    EXPECT_THAT(text, HasSubstr("\nstowage_site_differences 2\n"));
    EXPECT_THAT(text, HasSubstr("\nstowage_site_blind_since_seconds 1790000001\n"));
}

TEST(Metrics, SayNothingOfARunaiThatIsNotUsed) {
    EXPECT_THAT(metrics(R"({"runai":{"configured":false,"state":"off"}})"), Not(HasSubstr("runai")));
}

TEST(Metrics, SayWhenTheCertificateEnds) {
    EXPECT_THAT(metrics(R"({"certificate":{"not_after":1890000000}})"),
                HasSubstr("\nstowage_certificate_end_seconds 1890000000\n"));
    EXPECT_THAT(metrics("{}"), Not(HasSubstr("certificate")));
}

TEST(Metrics, NameEachLabAndProcess) {
    const auto text = metrics(R"({"labs":[{"name":"lab1","state":"degraded"}],
        "processes":[{"process":"worker","lab":"lab1","running":true}]})");
    EXPECT_THAT(text, HasSubstr(R"(stowage_lab_ready{lab="lab1",state="degraded"} 0)"));
    EXPECT_THAT(text, HasSubstr(R"(stowage_process_running{process="worker",lab="lab1"} 1)"));
}

}  // namespace
}  // namespace stowage::cli
