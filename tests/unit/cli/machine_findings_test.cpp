// Addresses in PASV replies that lead nowhere.
// Runs in: unit tests.
#include "gateway/cli/machine_findings.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>

namespace stowage::cli {
namespace {

using testing::HasSubstr;

std::string found(const Config& config, const std::vector<NamedAddresses>& names) {
    boost::json::array list;
    look_at_passive_addresses(list, config);
    if (tells_own_addresses(config)) look_for_nat(list, names, {"127.0.0.1", "10.0.0.5"});
    return list.empty() ? "" : boost::json::serialize(list);
}

TEST(MachineFindings, TellsOfNatWhenTheCertificatesNameLeadsElsewhere) {
    const Config config;
    const auto told = found(config, {{"storage.example.org", {"203.0.113.5"}}});
    EXPECT_THAT(told, HasSubstr("storage.example.org is 203.0.113.5, which is no address of this node"));
    EXPECT_THAT(told, HasSubstr("set ftps.pasv_address to 203.0.113.5"));
}

TEST(MachineFindings, SaysNothingOfNamesThatLeadHereOrNowhere) {
    const Config config;
    EXPECT_EQ(found(config, {{"a", {"203.0.113.5", "10.0.0.5"}}, {"b", {"127.0.1.1"}}, {"c", {}}}), "");
}

TEST(MachineFindings, SaysNothingOfNatThatIsConfigured) {
    Config config;
    config.ftps.pasv_addresses = {{"0.0.0.0/0", "203.0.113.5"}};
    EXPECT_EQ(found(config, {{"storage.example.org", {"203.0.113.5"}}}), "");
    config.ftps.pasv_addresses.clear();
    config.ftps.proxy_networks = {"10.0.0.0/8"};
    EXPECT_EQ(found(config, {{"storage.example.org", {"203.0.113.5"}}}), "");
}

TEST(MachineFindings, TellsOfAddressesThatNobodyReaches) {
    Config config;
    config.ftps.pasv_addresses = {{"0.0.0.0/0", "169.254.1.1"}};
    EXPECT_THAT(found(config, {}), HasSubstr("clients in 0.0.0.0/0 are told 169.254.1.1"));
}

TEST(MachineFindings, KnowsThisNodesAddresses) {
    EXPECT_THAT(own_addresses(), testing::Contains("127.0.0.1"));
}

}  // namespace
}  // namespace stowage::cli
