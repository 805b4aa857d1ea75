// The front promises what the worker keeps.
#include "ftps/front/features.hpp"

#include <gmock/gmock.h>

#include "ftps/worker/commands.hpp"
#include "ftps/worker/listing_lines.hpp"

namespace stowage::ftps {
namespace {

TEST(Features, BeforeTheLoginAreThoseOfTheWorker) {
    std::vector<std::string> expected;
    for (const auto& verb : verbs())
        if (!verb.feature.empty()) expected.emplace_back(verb.feature);
    expected.push_back(hash_feature(HashAlgorithm::sha256));
    expected.push_back("MLST " + fact_names(default_facts, true));
    expected.insert(expected.end(), {"TVFS", "UTF8"});
    EXPECT_THAT(features(true), testing::UnorderedElementsAreArray(expected));
    std::erase(expected, "EPRT");
    EXPECT_THAT(features(false), testing::UnorderedElementsAreArray(expected));
}

}  // namespace
}  // namespace stowage::ftps
