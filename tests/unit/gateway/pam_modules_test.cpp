// Modules of the PAM service that are not installed, as preflight tells them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gateway/preflight/findings.hpp"

namespace stowage {
namespace {

class PamModules : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
        std::filesystem::create_directory(folder_ + "/security");
        write("security/pam_permit.so", "");
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& name, const std::string& text) {
        std::ofstream(folder_ + "/" + name) << text;
    }

    /// "what" of each, a line each.
    std::string found(const std::string& service) {
        write("stowage", service);
        Findings findings;
        check_pam_modules(*parse_config({{"accounts.pam_confdir", {folder_, "test"}}}),
                          {folder_ + "/security"}, findings);
        std::string text;
        for (const auto& finding : findings.take()) {
            EXPECT_EQ(finding.severity, Finding::Severity::warning);
            remedy_ = finding.error.remedy;
            text += finding.error.what.substr(0, finding.error.what.find(',')) + "\n";
        }
        return text;
    }

    std::string folder_ = (std::filesystem::temp_directory_path() / "stowage-pam.XXXXXX").string();
    std::string remedy_;
};

TEST_F(PamModules, OneThatIsNotInstalledIsNamedWithItsPackage) {
    EXPECT_EQ(found("auth required pam_permit.so\n"), "");
    EXPECT_EQ(found("# first\nauth required pam_sss.so forward_pass\naccount required pam_permit.so\n"),
              folder_ + "/stowage:2 names pam_sss.so\n");
    EXPECT_THAT(remedy_, testing::HasSubstr("libpam-sss"));
    EXPECT_EQ(found("auth [success=1 default=ignore] \\\n  /nowhere/pam_x.so\n"),
              folder_ + "/stowage:1 names /nowhere/pam_x.so\n");
    EXPECT_EQ(found("auth required " + folder_ + "/security/pam_permit.so\n"), "");
}

TEST_F(PamModules, WhatTheGatewayNeverAsksIsNoMatter) {
    EXPECT_EQ(found("session required pam_gone.so\npassword required pam_gone.so\n"), "");
    EXPECT_EQ(
        found("-auth optional pam_gone.so\n#auth required pam_gone.so\nauth required $ISA/pam_gone.so\n"),
        "");
}

TEST_F(PamModules, IncludedFilesAreLookedAtOnce) {
    write("common-auth", "auth required pam_gone.so\n@include stowage\n");
    const auto told = folder_ + "/common-auth:1 names pam_gone.so\n";
    EXPECT_EQ(found("@include common-auth\n@include common-auth\n"), told);
    EXPECT_EQ(found("auth include common-auth\n"), told);
    EXPECT_EQ(found("auth substack common-auth\n"), told);
    EXPECT_EQ(found("@include " + folder_ + "/common-auth\n"), told);
    EXPECT_EQ(found("@include nowhere\n"), "");
}

TEST_F(PamModules, ThoseOfThisMachineAreFound) {
    EXPECT_THAT(pam_module_folders(), testing::Contains(testing::EndsWith("/security")));
}

}  // namespace
}  // namespace stowage
