// The printed pages name every key, and the example file is a right configuration.
#include "gateway/cli/config_pages.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "gateway/base/config_file.hpp"

namespace stowage::cli {
namespace {

TEST(ConfigPages, NameEveryKey) {
    const auto page = config_reference_page();
    for (const auto& key : config_keys())
        EXPECT_THAT(page, testing::HasSubstr("| `" + std::string(key.key) + "` |"));
}

TEST(ConfigPages, UncommentedExampleIsTheDefaults) {
    const auto text = std::regex_replace(config_example_file(), std::regex("(^|\n)( *)#([^ #])"), "$1$2$3");
    const auto path = testing::TempDir() + "stowage-example-" + std::to_string(::getpid()) + ".yaml";
    std::ofstream(path) << text;
    const auto values = read_config_file(path);
    std::filesystem::remove(path);
    ASSERT_TRUE(values) << values.error().what;
    EXPECT_EQ(values->size(), config_keys().size());
    for (const auto& key : config_keys()) {
        ASSERT_TRUE(values->contains(key.key)) << key.key;
        EXPECT_EQ(values->find(key.key)->second.text, key.default_text) << key.key;
    }
}

}  // namespace
}  // namespace stowage::cli
