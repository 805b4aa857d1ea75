// Promises of exports over NFS-Ganesha, with the real server, its bus and libnfs.
// Runs in: system tests, as root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gateway/base/atomic_file.hpp"
#include "nfs/exports/ganesha_bus.hpp"
#include "tests/system/nfs/running_ganesha.hpp"

namespace stowage::nfs::testing {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Ganesha : public RunningGanesha {
  protected:
    void must_publish(const Export& lab) {
        const auto published = publish(exporter, lab);
        ASSERT_TRUE(published) << published.error().text();
    }
    ExportState seen(const Export& lab) {
        auto state = observe(exporter, lab);
        EXPECT_TRUE(state) << state.error().text();
        return state ? *state : ExportState{};
    }
    void expect_works(const Export& lab) {
        const auto report = check(run->request(lab));
        EXPECT_TRUE(report.ok()) << report.error.text();
        EXPECT_EQ(report.steps.size(), 5U);
    }
};

TEST_F(Ganesha, PublishedLabWorksAndSecondPublishWritesNothing) {
    const auto lab = run->make_lab("lab1", 101);
    must_publish(lab);
    expect_works(lab);
    EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
    const auto file = run->ganesha().files.export_file("lab1");
    struct stat before {
    }, after{};
    ASSERT_EQ(::stat(file.c_str(), &before), 0);
    must_publish(lab);
    ASSERT_EQ(::stat(file.c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
    // Nothing of the check is left behind.
    std::size_t entries = 0;
    for (const auto& entry : std::filesystem::directory_iterator(lab.path))
        entries += !entry.path().empty();
    EXPECT_EQ(entries, 1U);
}

TEST_F(Ganesha, UpdateChangesClientsAndWithdrawEndsIt) {
    auto lab = run->make_lab("lab1", 101);
    const auto other = run->make_lab("lab2", 102);
    must_publish(lab);
    must_publish(other);
    lab.clients = {"10.0.0.0/8", "fd00::/8"};
    EXPECT_FALSE(seen(lab).as_meant);
    EXPECT_THAT(seen(lab).why, HasSubstr("127.0.0.0/8"));
    must_publish(lab);
    EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
    EXPECT_THAT(step(check(run->request(lab)), "mounted"), StartsWith("failed: "));
    ASSERT_TRUE(withdraw(exporter, "lab1", {}));
    ASSERT_TRUE(withdraw(exporter, "lab1", {})) << "once more is no error";
    EXPECT_FALSE(seen(lab).present);
    expect_works(other);
}

TEST_F(Ganesha, CheckTellsWhatIsWrong) {
    auto lab = run->make_lab("lab1", 101);
    EXPECT_FALSE(seen(lab).present);  // also waits until Ganesha is up
    EXPECT_THAT(step(check(run->request(lab)), "mounted"), HasSubstr("not exported to this address"));
    must_publish(lab);
    auto wrong = run->request(lab);
    wrong.uid = 4242;
    const auto report = check(wrong);
    EXPECT_THAT(step(report, "owner"), HasSubstr("belongs to 700101:700101 instead of 4242:700101"));
    EXPECT_THAT(step(report, "removed"), StartsWith("ok: "));
    std::swap(lab.clients, lab.read_only_clients);
    must_publish(lab);
    EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
    EXPECT_THAT(step(check(run->request(lab)), "wrote"), HasSubstr("read-only"));
    auto looks = run->request(lab);
    looks.read_only = true;
    const auto looked = check(looks);
    EXPECT_TRUE(looked.ok()) << looked.error.text();
    EXPECT_THAT(step(looked, "owner"), HasSubstr("700101:700101"));
    EXPECT_THAT(step(looked, "wrote"), HasSubstr("read-only for this address: not written"));
    std::swap(lab.clients, lab.read_only_clients);
    must_publish(lab);
    ASSERT_EQ(::chown(lab.path.c_str(), 0, 0), 0);
    ASSERT_EQ(::chmod(lab.path.c_str(), 0755), 0);
    EXPECT_THAT(step(check(run->request(lab)), "wrote"), HasSubstr("permission denied"));
}

TEST_F(Ganesha, WhatAKilledCheckLeftIsTakenAwayByTheNext) {
    const auto lab = run->make_lab("lab1", 101);
    must_publish(lab);
    const auto left = lab.path + "/.stowage-check";
    std::ofstream(left) << "half a check";
    expect_works(lab);
    EXPECT_FALSE(std::filesystem::exists(left));
    // A directory of a pod's, of the same name, is neither taken away nor in the way.
    std::filesystem::create_directory(left);
    std::ofstream(left + "/theirs") << "kept";
    expect_works(lab);
    EXPECT_TRUE(std::filesystem::exists(left + "/theirs"));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(lab.path), {}), 2);
}

TEST_F(Ganesha, UnmountedDirectoryIsNotExported) {
    const auto lab = run->make_lab("lab1", 101);
    ASSERT_TRUE(std::filesystem::remove(lab.path + "/.stowage/lab"));
    auto refused = publish(exporter, lab);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unavailable);
    EXPECT_FALSE(seen(lab).present);
    // A FIFO in the marker's place must neither block nor pass.
    ASSERT_EQ(::mkfifo((lab.path + "/.stowage/lab").c_str(), 0600), 0);
    EXPECT_FALSE(publish(exporter, lab));
}

TEST_F(Ganesha, FailedPublishIsUndone) {
    auto lab = run->make_lab("lab1", 101);
    must_publish(lab);
    auto gone = lab;
    gone.path = run->directory() + "/labs/nowhere";
    // Past check_directory(), so that Ganesha itself refuses.
    const auto refused = publish(run->ganesha(), gone);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().remedy, HasSubstr("/proc/mounts"));
    EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
    expect_works(lab);
    auto fresh = run->make_lab("lab2", 102);
    std::filesystem::remove_all(fresh.path);
    EXPECT_FALSE(publish(run->ganesha(), fresh));
    EXPECT_FALSE(std::filesystem::exists(run->ganesha().files.export_file("lab2")));
}

// As after a restored backup that is older than lab1.
TEST_F(Ganesha, WhoeverHadTheIdIsServedNoMoreAndDoesNotComeBack) {
    const auto lost = run->make_lab("lab1", 101), fresh = run->make_lab("lab2", 101);
    must_publish(lost);
    must_publish(fresh);
    EXPECT_FALSE(std::filesystem::exists(run->ganesha().files.export_file("lab1")));
    run->kill_ganesha();
    run->start_ganesha();
    EXPECT_TRUE(seen(fresh).as_meant) << seen(fresh).why;
    expect_works(fresh);
    EXPECT_THAT(step(check(run->request(lost)), "mounted"), StartsWith("failed: "));
}

TEST_F(Ganesha, WhatAKilledWriteLeftIsRemoved) {
    const auto lab = run->make_lab("lab1", 101);
    const auto left = run->ganesha().files.exports_dir + "/.lab1.conf.a1B2c3";
    std::ofstream(left).flush();
    must_publish(lab);
    EXPECT_FALSE(std::filesystem::exists(left));
    std::ofstream(left).flush();
    ASSERT_TRUE(withdraw(exporter, "lab1", {}));
    EXPECT_FALSE(std::filesystem::exists(left));
}

TEST_F(Ganesha, HiddenErrorInSuccessReplyIsSeen) {
    const auto lab = run->make_lab("lab1", 101);
    must_publish(lab);
    const auto file = run->ganesha().files.export_file("lab1");
    auto text = *read_file(file);
    text.replace(text.find("Access_Type"), 11, "Access_Tipe");
    ASSERT_TRUE(write_atomically(file, text));
    auto bus = GaneshaBus::connect(run->ganesha().files.bus_socket, std::chrono::seconds(5));
    ASSERT_TRUE(bus);
    const auto updated = bus->update_export(file, 101);
    ASSERT_FALSE(updated);
    EXPECT_THAT(updated.error().what, HasSubstr("Unknown parameter"));
    must_publish(lab);
    expect_works(lab);
}

TEST_F(Ganesha, ComesBackWithAllExportsAfterKill) {
    const auto first = run->make_lab("lab1", 101), second = run->make_lab("lab2", 102),
               third = run->make_lab("lab3", 103);
    for (const auto& lab : {first, second, third})
        must_publish(lab);
    run->kill_ganesha();
    EXPECT_EQ(check(run->request(first)).error.code, Code::unavailable);
    std::filesystem::remove_all(second.path);  // what vanished must not stop the others
    run->start_ganesha();
    EXPECT_TRUE(seen(first).as_meant) << seen(first).why;
    expect_works(first);
    expect_works(third);
    EXPECT_FALSE(seen(second).as_meant);
    run->make_lab("lab2", 102);
    must_publish(second);
    expect_works(second);
}

TEST_F(Ganesha, BusAndServerStartInAnyOrderAndPublishWaits) {
    const auto lab = run->make_lab("lab1", 101);
    must_publish(lab);
    run->kill_bus();
    run->kill_ganesha();
    const pid_t publisher = ::fork();
    if (publisher == 0) ::_exit(publish(exporter, lab) ? 0 : 1);
    run->start_bus();
    run->start_ganesha();
    int status = -1;
    ASSERT_EQ(::waitpid(publisher, &status, 0), publisher);
    EXPECT_EQ(status, 0);
    expect_works(lab);
}

TEST_F(Ganesha, PodsSeeUploadsAtOnce) {
    const auto lab = run->make_lab("lab1", 101);
    must_publish(lab);
    const auto url = "nfs://127.0.0.1" + lab.path + "?nfsport=" + std::to_string(run->config.nfs.port);
    const auto listing = [&] {
        const auto command = std::string(std::getenv("STOWAGE_BIN")) + "/nfs_read '" + url + "'";
        std::string text;
        FILE* pipe = ::popen(command.c_str(), "r");
        char line[512];
        while (std::fgets(line, sizeof line, pipe))
            text += line;
        EXPECT_EQ(::pclose(pipe), 0);
        return text;
    };
    EXPECT_EQ(listing(), "");
    std::ofstream(lab.path + "/data.new") << "one";
    std::filesystem::rename(lab.path + "/data.new", lab.path + "/data");
    EXPECT_THAT(listing(), HasSubstr(" 3 data"));
    std::ofstream(lab.path + "/data.new") << "three";
    std::filesystem::rename(lab.path + "/data.new", lab.path + "/data");
    EXPECT_THAT(listing(), HasSubstr(" 5 data"));
}

}  // namespace stowage::nfs::testing
