// Who else has ids of labs, as preflight tells it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gateway/preflight/findings.hpp"

namespace stowage {
namespace {

using testing::HasSubstr;
using Severity = Finding::Severity;

class UidOwners : public testing::Test {
  protected:
    void SetUp() override { ASSERT_NE(::mkdtemp(etc_.data()), nullptr); }
    void TearDown() override { std::filesystem::remove_all(etc_); }

    void write(const std::string& name, const std::string& text) { std::ofstream(etc_ + "/" + name) << text; }

    /// "key: what" of each, "error " before those that are.
    std::string found(ConfigValues values = {}) {
        for (const auto* key : {"process.controller_user", "process.front_user"})
            if (!values.contains(key)) values[key] = {"4242424", "test"};  // nobody
        Findings findings;
        check_uid_owners(*parse_config(values), etc_, findings);
        std::string text;
        for (const auto& finding : findings.take()) {
            EXPECT_FALSE(finding.error.remedy.empty());
            text += (finding.severity == Severity::error ? "error " : "") + finding.key + ": " +
                    finding.error.what + "\n";
        }
        return text;
    }

    std::string etc_ = (std::filesystem::temp_directory_path() / "stowage-etc.XXXXXX").string();
};

TEST_F(UidOwners, NobodyIsTold) {
    EXPECT_EQ(found(), "");
    write("passwd",
          "root:x:0:0::/root:/bin/bash\nbelow:x:699999:1::/:/bin/sh\nabove:x:800000:1::/:/bin/sh\n");
    write("group", "root:x:0:\nusers:x:100:a,b\n");
    write("subuid", "a:100000:65536\nb:634464:65536\nc:800000:65536\nnone:700000:0\n");
    EXPECT_EQ(found(), "");
}

TEST_F(UidOwners, AccountsAndGroups) {
    write("passwd", "al\x1bice:x:700001:100::/home:/bin/sh\nbob:x:799999:100::/home:/bin/sh\n");
    write("group", "lab:x:700000:");
    const auto text = found();
    EXPECT_THAT(text, HasSubstr("labs.uid_min: al\\x1bice has uid 700001 (" + etc_ +
                                "/passwd), and 1 entry more likewise: inside labs.uid_min..labs.uid_max "
                                "(700000..799999)"));
    EXPECT_THAT(text, HasSubstr("lab has gid 700000"));
    EXPECT_EQ(text.find("error"), text.npos);
}

// Debian gives 65536 to each local user from 100000 on: the tenth has these.
TEST_F(UidOwners, SubordinateIdsOfTheTenthUser) {
    write("subuid", "ninth:624288:65536\ntenth:689824:65536\n");
    write("subgid", "1010:0:4294967295\n");
    const auto text = found();
    EXPECT_THAT(text, HasSubstr("tenth has subordinate uids 689824..755359"));
    EXPECT_THAT(text, HasSubstr("1010 has subordinate gids 0..4294967294"));
    EXPECT_THAT(text, HasSubstr("user namespace"));
}

TEST_F(UidOwners, LinesOfAnyShapeAreNoEntries) {
    const auto* const odd =
        "\n:\n::\n:::\nx\nx:y\nx:y:z\nx:-1:5\nx:99999999999:1\nx:700000:1x\n+::::::\n#x:x:y\n";
    for (const auto* name : {"passwd", "group", "subuid", "subgid"})
        write(name, odd);
    EXPECT_EQ(found(), "");
}

TEST_F(UidOwners, ProcessesAreNoLabsAndNoPersons) {
    EXPECT_THAT(found({{"process.controller_user", {"700005", "test"}}}),
                HasSubstr("error process.controller_user: 700005 has uid 700005"));
    EXPECT_THAT(found({{"process.front_user", {"799999", "test"}}}), HasSubstr("error process.front_user"));
    EXPECT_THAT(found({{"process.controller_user", {"root", "test"}}}),
                HasSubstr("process.controller_user: root has the login shell /bin/bash"));
    EXPECT_EQ(found({{"process.controller_user", {"daemon", "test"}}}), "");
}

}  // namespace
}  // namespace stowage
