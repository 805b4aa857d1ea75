// Exports of the kernel's nfsd as far as a machine without nfsd can tell: the real exportfs(8) in a mount
// namespace of its own.
// Runs in: system tests, as root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/fd.hpp"
#include "nfs/exports/exporter.hpp"
#include "tests/system/nfs/silent_filesystem.hpp"

namespace stowage::nfs {

using ::testing::HasSubstr;
using ::testing::Not;

namespace {

/// /etc under an overlay without exports, /var/lib/nfs empty, all in this process' own mount namespace.
/// Empty, or why not.
std::string enter_own_namespace(const std::string& folder) {
    if (::unshare(CLONE_NEWNS) != 0) return "unshare is refused";
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        return "mount --make-rprivate is refused";
    if (::mount("stowage-test", folder.c_str(), "tmpfs", 0, nullptr) != 0) return "no tmpfs";
    for (const auto* name : {"/upper", "/work", "/nfs", "/labs"})
        ::mkdir((folder + name).c_str(), 0755);
    const auto options = "lowerdir=/etc,upperdir=" + folder + "/upper,workdir=" + folder + "/work";
    if (::mount("overlay", "/etc", "overlay", 0, options.c_str()) != 0) return "no overlay on /etc";
    std::filesystem::remove_all("/etc/exports.d");
    ::unlink("/etc/exports");
    for (const auto* name : {"/nfs/etab", "/nfs/rmtab"})
        std::ofstream(folder + name).flush();
    if (::mount((folder + "/nfs").c_str(), "/var/lib/nfs", nullptr, MS_BIND, nullptr) != 0)
        return "no bind mount on /var/lib/nfs";
    return {};
}

class KernelExports : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        if (::geteuid() != 0)
            reason = "needs root";
        else if (::access("/usr/sbin/exportfs", X_OK) != 0)
            reason = "nfs-kernel-server is not installed";
        else if (!std::filesystem::exists("/var/lib/nfs"))
            reason = "there is no /var/lib/nfs";
        char pattern[] = "/tmp/stowage-exports-XXXXXX";
        folder = ::mkdtemp(pattern);
        if (reason.empty()) reason = enter_own_namespace(folder);
    }
    static void TearDownTestSuite() {
        ::umount2(folder.c_str(), MNT_DETACH);
        ::rmdir(folder.c_str());
    }
    void SetUp() override {
        if (!reason.empty()) GTEST_SKIP() << reason;
        std::filesystem::remove_all("/etc/exports.d");
        ::unlink("/etc/exports");
        std::ofstream("/var/lib/nfs/etab").flush();
        exporter = KernelExporter{
            .exports_dir = "/etc/exports.d", .lock_file = folder + "/lock", .labs_root = folder + "/labs"};
    }
    Export make_lab(const std::string& name, std::uint16_t number) {
        Export lab{.lab = name,
                   .path = folder + "/labs/" + name,
                   .uid = 700000u + number,
                   .gid = 700000u + number,
                   .export_id = number,
                   .clients = {"10.1.0.0/16", "fd00::/8", "127.0.0.1/32"}};
        lab.fsid[15] = static_cast<std::uint8_t>(number);
        std::filesystem::create_directories(lab.path + "/.stowage");
        std::ofstream(lab.path + "/.stowage/lab") << name << "\n";
        return lab;
    }
    ExportState seen(const Export& lab) { return *observe(exporter, lab); }

    static inline std::string reason, folder;
    Exporter exporter;
};

TEST_F(KernelExports, PublishUpdateWithdraw) {
    auto lab = make_lab("lab1", 1);
    const auto published = publish(exporter, lab);
    ASSERT_TRUE(published) << published.error().text();
    EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
    struct stat before {
    }, after{};
    ASSERT_EQ(::stat("/etc/exports.d/stowage-lab1.exports", &before), 0);
    ASSERT_TRUE(publish(exporter, lab));
    ASSERT_EQ(::stat("/etc/exports.d/stowage-lab1.exports", &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino) << "nothing to write";
    lab.clients = {"0.0.0.0/0"};
    EXPECT_FALSE(seen(lab).as_meant);
    ASSERT_TRUE(publish(exporter, lab));
    EXPECT_THAT(*read_file("/var/lib/nfs/etab"), HasSubstr("\t0.0.0.0/0("));
    ASSERT_TRUE(withdraw(exporter, "lab1", {}));
    ASSERT_TRUE(withdraw(exporter, "lab1", {}));
    EXPECT_EQ(*read_file("/var/lib/nfs/etab"), "");
    EXPECT_FALSE(seen(lab).present);
}

TEST_F(KernelExports, AStoppedServerIsToldAndServesTheLabOnceItIsStarted) {
    if (::access("/proc/fs/nfsd/threads", F_OK) == 0) GTEST_SKIP() << "there is an nfsd";
    auto& kernel = std::get<KernelExporter>(exporter);
    kernel.port = 1;  // nobody's
    kernel.service_manager = folder;
    const auto lab = make_lab("lab1", 1);
    const auto refused = publish(exporter, lab);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unavailable);
    EXPECT_EQ(refused.error().remedy, "systemctl start nfs-server");
    EXPECT_FALSE(seen(lab).as_meant);
    EXPECT_THAT(seen(lab).why, HasSubstr("systemctl start nfs-server"));
    EXPECT_THAT(*read_file("/etc/exports.d/stowage-lab1.exports"), HasSubstr(lab.path));
    kernel.service_manager = folder + "/nowhere";
    EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
}

TEST_F(KernelExports, MountPointGetsMp) {
    auto lab = make_lab("mounted", 2);
    ASSERT_EQ(::mount(lab.path.c_str(), lab.path.c_str(), nullptr, MS_BIND, nullptr), 0);
    const auto published = publish(exporter, lab);
    EXPECT_TRUE(published) << published.error().text();
    EXPECT_THAT(*read_file("/var/lib/nfs/etab"), HasSubstr("mountpoint"));
    ::umount(lab.path.c_str());
    EXPECT_FALSE(seen(lab).as_meant) << "the mount is gone";
}

TEST_F(KernelExports, FormerClientsOfALabThatHangsAreShutOut) {
    auto lab = make_lab("lab1", 9);
    lab.clients = {"10.1.0.0/16", "10.2.0.0/16", "127.0.0.1/32"};
    ASSERT_TRUE(publish(exporter, lab));
    const testing::SilentFilesystem silent(lab.path);
    if (!silent.why_not().empty()) GTEST_SKIP() << silent.why_not();
    lab.clients = {"10.2.0.0/16", "127.0.0.1/32", "192.0.2.0/24"};
    const auto start = std::chrono::steady_clock::now();
    const auto narrowed = narrow(exporter, lab);
    EXPECT_TRUE(narrowed) << narrowed.error().text();
    const auto etab = *read_file("/var/lib/nfs/etab"),
               file = *read_file("/etc/exports.d/stowage-lab1.exports");
    for (const auto& text : {etab, file}) {
        EXPECT_THAT(text, HasSubstr("10.2.0.0/16(rw,"));
        EXPECT_THAT(text, Not(HasSubstr("10.1.0.0/16")));
        EXPECT_THAT(text, Not(HasSubstr("192.0.2.0/24"))) << "nobody has looked at the lab";
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
    lab.clients = {"10.2.7.0/24"};
    EXPECT_TRUE(narrow(exporter, lab)) << "whom it is left to cannot be told while it hangs";
    EXPECT_THAT(*read_file("/var/lib/nfs/etab"), Not(HasSubstr("10.2.0.0/16")));
    EXPECT_TRUE(withdraw(exporter, "lab1", lab.fsid));
}

TEST_F(KernelExports, APartOfANetworkGoesOnWhileTheRestIsShutOut) {
    auto lab = make_lab("lab1", 10);
    lab.clients = {"10.0.0.0/8"};
    ASSERT_TRUE(publish(exporter, lab));
    lab.clients = {"10.2.0.0/16"};
    ASSERT_TRUE(narrow(exporter, lab));
    EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
    EXPECT_TRUE(withdraw(exporter, "lab1", lab.fsid));
}

TEST_F(KernelExports, PathWithBlanksAndQuotesIsOnePath) {
    auto lab = make_lab("lab1", 3);
    lab.path = folder + "/labs/my \"odd\" #1\\";
    std::filesystem::create_directories(lab.path + "/.stowage");
    std::ofstream(lab.path + "/.stowage/lab") << "lab1\n";
    const auto published = publish(exporter, lab);
    ASSERT_TRUE(published) << published.error().text();
    EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
    EXPECT_TRUE(withdraw(exporter, "lab1", lab.fsid));
    EXPECT_EQ(*read_file("/var/lib/nfs/etab"), "");
}

TEST_F(KernelExports, ForeignFilesStayAndConflictsAreUndone) {
    auto lab = make_lab("lab1", 4);
    const auto other = make_lab("lab2", 5);
    ASSERT_TRUE(publish(exporter, other));
    const auto foreign =
        folder + "/labs/foreign 10.0.0.0/8(ro,no_subtree_check)\n" + lab.path + " *(rw,no_subtree_check)\n";
    std::ofstream("/etc/exports.d/site.exports") << foreign;
    const auto published = publish(exporter, lab);
    ASSERT_FALSE(published);
    EXPECT_EQ(published.error().code, Code::differs);
    EXPECT_THAT(published.error().what, HasSubstr("site.exports exports " + lab.path + " too"));
    EXPECT_FALSE(std::filesystem::exists("/etc/exports.d/stowage-lab1.exports"));
    EXPECT_EQ(*read_file("/etc/exports.d/site.exports"), foreign);
    EXPECT_TRUE(seen(other).as_meant) << "the other lab did not notice";
}

// A pod may rename `.stowage`, make one of its own that names another lab, and fill the lab, so that root
// cannot put its own back.
TEST_F(KernelExports, ForgedMarkerKeepsNoClientsFromBeingWithdrawn) {
    auto lab = make_lab("forger", 9), fresh = make_lab("fresh", 10);
    ASSERT_TRUE(publish(exporter, lab));
    for (const auto& one : {lab, fresh}) {
        const auto mark = one.path + "/.stowage";
        std::filesystem::rename(mark, one.path + "/aside");
        std::filesystem::create_directory(mark);
        std::ofstream(mark + "/lab") << "lab9\n";
        for (const auto& path : {one.path, mark})
            ASSERT_EQ(::chown(path.c_str(), one.uid, one.gid), 0);
    }
    lab.clients = {"10.1.0.0/16"};
    const auto narrowed = publish(exporter, lab);
    EXPECT_TRUE(narrowed) << narrowed.error().text();
    EXPECT_THAT(*read_file("/var/lib/nfs/etab"), Not(HasSubstr("fd00::/8")));
    EXPECT_FALSE(publish(exporter, fresh)) << "nothing new is exported without a marker";
}

TEST_F(KernelExports, FailedChangePutsThePreviousFileBack) {
    auto lab = make_lab("lab1", 6);
    ASSERT_TRUE(publish(exporter, lab));
    std::ofstream("/etc/exports.d/site.exports") << lab.path << " 192.168.0.0/16(rw,no_subtree_check)\n";
    const auto before = *read_file("/etc/exports.d/stowage-lab1.exports");
    auto changed = lab;
    changed.clients = {"172.16.0.0/12"};
    EXPECT_FALSE(publish(exporter, changed));
    EXPECT_EQ(*read_file("/etc/exports.d/stowage-lab1.exports"), before);
    const auto etab = *read_file("/var/lib/nfs/etab");
    EXPECT_THAT(etab, HasSubstr(lab.path + "\t10.1.0.0/16("));
    EXPECT_THAT(etab, Not(HasSubstr("172.16.0.0/12")));
    std::filesystem::remove("/etc/exports.d/site.exports");
    ASSERT_TRUE(publish(exporter, lab));  // ends what has no file any more
    EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
}

TEST_F(KernelExports, BrokenForeignFileDoesNotStopOurs) {
    std::filesystem::create_directories("/etc/exports.d");
    std::ofstream("/etc/exports.d/broken.exports") << folder << "/nowhere 10.0.0.0/8(rw,bogus)\n"
                                                   << folder << "/nowhere2 nosuchhost.invalid(rw)\n";
    const auto lab = make_lab("lab1", 8);
    const auto published = publish(exporter, lab);
    EXPECT_TRUE(published) << published.error().text();
}

// What another NFS server answers on the port knows nothing of the lab, whatever exportfs says.
TEST_F(KernelExports, NothingIsPublishedWhileAnotherProgramHasThePort) {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(socket.get(), raw, size), 0);
    ASSERT_EQ(::listen(socket.get(), 1), 0);
    ASSERT_EQ(::getsockname(socket.get(), raw, &size), 0);
    std::get<KernelExporter>(exporter).port = ntohs(address.sin_port);
    const auto lab = make_lab("lab1", 10);
    const auto published = publish(exporter, lab);
    ASSERT_FALSE(published);
    EXPECT_EQ(published.error().code, Code::unavailable);
    EXPECT_THAT(published.error().what, HasSubstr(std::to_string(::getpid())));
    EXPECT_THAT(published.error().remedy, HasSubstr("nfs-server"));
    EXPECT_FALSE(std::filesystem::exists("/etc/exports.d/stowage-lab1.exports"));
}

TEST_F(KernelExports, KilledWithdrawalIsFinishedByTheNext) {
    const auto lab = make_lab("lab1", 9);
    ASSERT_TRUE(publish(exporter, lab));
    std::filesystem::remove("/etc/exports.d/stowage-lab1.exports");  // killed before exportfs
    ASSERT_TRUE(withdraw(exporter, "lab1", {}));
    EXPECT_EQ(*read_file("/var/lib/nfs/etab"), "");
}

TEST_F(KernelExports, LabOfAnotherGatewayOnThisNodeIsLeftAlone) {
    const auto ours = make_lab("lab1", 13);
    const auto file = "/etc/exports.d/stowage-lab1.exports";
    const auto theirs = folder + "/labs/other-root/lab1 10.2.0.0/16(rw,no_subtree_check,fsid=99)\n";
    std::filesystem::create_directories(folder + "/labs/other-root/lab1");
    std::filesystem::create_directory("/etc/exports.d");
    std::ofstream(file) << theirs;
    const auto published = publish(exporter, ours);
    ASSERT_FALSE(published);
    EXPECT_EQ(published.error().code, Code::differs);
    EXPECT_THAT(published.error().remedy, HasSubstr("nfs.exports_dir"));
    EXPECT_FALSE(seen(ours).present);
    EXPECT_TRUE(withdraw(exporter, "lab1", ours.fsid));
    EXPECT_EQ(*read_file(file), theirs);
}

TEST_F(KernelExports, LabWhoseRootWasMovedLeavesNothingAtTheOldPlace) {
    const auto before = make_lab("lab1", 14);
    ASSERT_TRUE(publish(exporter, before));
    auto moved = before;
    moved.path = folder + "/labs/moved/lab1";
    std::filesystem::create_directories(folder + "/labs/moved");
    std::filesystem::rename(before.path, moved.path);
    const auto published = publish(exporter, moved);
    ASSERT_TRUE(published) << published.error().text();
    EXPECT_TRUE(seen(moved).as_meant) << seen(moved).why;
    EXPECT_THAT(*read_file("/var/lib/nfs/etab"), Not(HasSubstr(before.path + "\t")));
}

TEST_F(KernelExports, WhatAKilledWriteLeftIsRemoved) {
    std::filesystem::create_directory("/etc/exports.d");
    const auto left = "/etc/exports.d/.stowage-lab1.exports.a1B2c3";
    const auto of_another = "/etc/exports.d/.stowage-lab1.exports.d.exports.a1B2c3";
    for (const auto* file : {left, of_another})
        std::ofstream(file).flush();
    ASSERT_TRUE(publish(exporter, make_lab("lab1", 15)));
    EXPECT_FALSE(std::filesystem::exists(left));
    EXPECT_TRUE(std::filesystem::exists(of_another));
}

// `exportfs -ra` would end it: it stands in no file.
TEST_F(KernelExports, WhatSomebodyExportsByCommandOutlivesOurChanges) {
    std::ofstream("/etc/exports").flush();  // without it exportfs complains
    const auto foreign = folder + "/labs/by-command";
    std::filesystem::create_directory(foreign);
    const auto command = "/usr/sbin/exportfs -o rw,fsid=77,no_subtree_check 10.9.0.1:" + foreign;
    ASSERT_EQ(std::system(command.c_str()), 0);
    auto lab = make_lab("lab1", 12);
    ASSERT_TRUE(publish(exporter, lab));
    lab.read_only_clients = {"10.1.0.0/16"};
    lab.clients = {"127.0.0.1/32"};
    const auto changed = publish(exporter, lab);
    ASSERT_TRUE(changed) << changed.error().text();
    EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
    EXPECT_THAT(*read_file("/var/lib/nfs/etab"), Not(HasSubstr("fd00::/8"))) << "it is no client any more";
    ASSERT_TRUE(withdraw(exporter, "lab1", {}));
    const auto etab = *read_file("/var/lib/nfs/etab");
    EXPECT_THAT(etab, HasSubstr(foreign + "\t10.9.0.1("));
    EXPECT_THAT(etab, Not(HasSubstr(lab.path)));
}

// The line stands in a file for the next boot; until then it is the admin's word that counts.
TEST_F(KernelExports, WhatAnAdminEndedStaysEnded) {
    const auto foreign = folder + "/labs/of-the-site";
    std::filesystem::create_directory(foreign);
    std::filesystem::create_directory("/etc/exports.d");
    std::ofstream("/etc/exports") << foreign
                                  << " 10.9.0.1(ro,no_subtree_check) 10.9.0.2(ro,no_subtree_check)\n";
    std::ofstream("/etc/exports.d/site.exports") << foreign << " 10.9.0.3(ro,no_subtree_check)\n";
    ASSERT_EQ(std::system("/usr/sbin/exportfs -a"), 0);
    for (const auto* client : {"10.9.0.1:", "10.9.0.3:"})
        ASSERT_EQ(std::system(("/usr/sbin/exportfs -u " + (client + foreign)).c_str()), 0);
    const auto stays_ended = [&](const char* after) {
        const auto etab = *read_file("/var/lib/nfs/etab");
        EXPECT_THAT(etab, Not(HasSubstr("\t10.9.0.1("))) << after;
        EXPECT_THAT(etab, Not(HasSubstr("\t10.9.0.3("))) << after;
        EXPECT_THAT(etab, HasSubstr(foreign + "\t10.9.0.2(")) << after;
    };
    auto lab = make_lab("lab1", 16);
    ASSERT_TRUE(publish(exporter, lab));
    stays_ended("a new lab");
    lab.clients = {"10.2.0.0/16"};
    ASSERT_TRUE(publish(exporter, lab));
    stays_ended("other clients");
    auto refused = lab;
    refused.transport = "tls";  // exportfs 2.6.2 does not know it
    EXPECT_FALSE(publish(exporter, refused));
    EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
    stays_ended("a change that was undone");
    ASSERT_TRUE(withdraw(exporter, "lab1", lab.fsid));
    stays_ended("a withdrawal");
}

// exportfs -a would ask each exported path, those on an admin's dead disk as well.
TEST_F(KernelExports, OneHungFilesystemHoldsUpNoOtherLab) {
    const auto hung = make_lab("lab1", 22);
    auto other = make_lab("lab2", 23);
    const auto third = make_lab("lab3", 24);
    for (const auto& lab : {hung, other})
        ASSERT_TRUE(publish(exporter, lab));
    const testing::SilentFilesystem silent(hung.path);
    if (!silent.why_not().empty()) GTEST_SKIP() << silent.why_not();
    const auto start = std::chrono::steady_clock::now();
    other.clients = {"10.1.0.0/16", "10.2.0.0/16"};
    for (const auto& lab : {other, third}) {
        const auto published = publish(exporter, lab);
        EXPECT_TRUE(published) << published.error().text();
        EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
    }
    auto refused = other;
    refused.clients = {"10.3.0.0/16"};
    refused.transport = "tls";  // exportfs 2.6.2 does not know it
    EXPECT_FALSE(publish(exporter, refused));
    EXPECT_TRUE(seen(other).as_meant) << "the clients that it had: " << seen(other).why;
    for (const auto& lab : {other, third, hung})
        EXPECT_TRUE(withdraw(exporter, lab.lab, lab.fsid)) << lab.lab;
    EXPECT_EQ(*read_file("/var/lib/nfs/etab"), "");
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST_F(KernelExports, ClientThatStaysGetsItsOtherRights) {
    auto lab = make_lab("lab1", 17);
    lab.clients = {"10.1.0.0/16", "fd00::/8"};
    ASSERT_TRUE(publish(exporter, lab));
    std::swap(lab.clients, lab.read_only_clients);
    const auto changed = publish(exporter, lab);
    ASSERT_TRUE(changed) << changed.error().text();
    EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
    lab.security = "krb5p";
    lab.clients = {"0.0.0.0/0"};
    ASSERT_TRUE(publish(exporter, lab));
    EXPECT_TRUE(seen(lab).as_meant) << seen(lab).why;
}

// Nobody but us reads our file before the next boot: what a boot would add is told now.
TEST_F(KernelExports, LabThatAForeignFileNamesTooIsTold) {
    const auto lab = make_lab("lab1", 18);
    ASSERT_TRUE(publish(exporter, lab));
    std::ofstream("/etc/exports") << "# the labs \\\n" << '"' << lab.path << "\" *(rw,no_subtree_check)\n";
    for (const auto* time : {"first", "again, with nothing left to end"}) {
        const auto withdrawn = withdraw(exporter, "lab1", lab.fsid);
        ASSERT_FALSE(withdrawn) << time;
        EXPECT_EQ(withdrawn.error().code, Code::differs);
        EXPECT_THAT(withdrawn.error().text(), HasSubstr("/etc/exports"));
        EXPECT_EQ(*read_file("/var/lib/nfs/etab"), "") << "it is served to nobody all the same";
    }
}

/// What mountd makes of etab: it reads no further than the first line that it does not understand.
std::string exported() {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen("/usr/sbin/exportfs -v", "r"), &::pclose);
    std::string text;
    for (int byte; (byte = std::fgetc(pipe.get())) != EOF;)
        text += static_cast<char>(byte);
    return text;
}

TEST_F(KernelExports, LabsOnADiskWithAnOddNameAreReadBack) {
    const auto disk = folder + "/labs/my disk";
    std::filesystem::create_directory(disk);
    ASSERT_EQ(::mount("stowage-test", disk.c_str(), "tmpfs", 0, nullptr), 0);
    auto odd = make_lab("my disk/lab1", 19);
    odd.lab = "lab1";
    std::ofstream(odd.path + "/.stowage/lab") << "lab1\n";
    auto other = make_lab("lab2", 20);
    for (const auto* lab : {&odd, &other}) {
        const auto published = publish(exporter, *lab);
        EXPECT_TRUE(published) << published.error().text();
    }
    const auto all = exported();
    EXPECT_THAT(all, HasSubstr("my disk/lab1"));
    EXPECT_THAT(all, HasSubstr(other.path));
    for (const auto* lab : {&odd, &other})
        EXPECT_TRUE(seen(*lab).as_meant) << seen(*lab).why;
    ::umount2(disk.c_str(), MNT_DETACH);
}

TEST_F(KernelExports, LabBehindALinkIsRefusedWithItsRealPlace) {
    const auto real = make_lab("lab1", 21);
    std::filesystem::create_directory_symlink(folder + "/labs", folder + "/linked");
    auto linked = real;
    linked.path = folder + "/linked/lab1";
    const auto published = publish(exporter, linked);
    ASSERT_FALSE(published);
    EXPECT_THAT(published.error().text(), HasSubstr(real.path));
    EXPECT_EQ(*read_file("/var/lib/nfs/etab"), "");
    EXPECT_FALSE(std::filesystem::exists("/etc/exports.d/stowage-lab1.exports"));
}

/// A node whose server was changed: what the other one was told, once and for narrower rights, would come
/// back.
class ChangedServer : public KernelExports {
  protected:
    void SetUp() override {
        KernelExports::SetUp();
        if (IsSkipped()) return;
        config.nfs.exports_dir = "/etc/exports.d";
        config.state_dir = folder + "/state";
        config.run_dir = folder + "/run";
        config.labs.root = folder + "/labs";
        config.nfs.dbus_executable = "/usr/bin/dbus-daemon";
        const auto files = ganesha_files(config);
        std::filesystem::create_directory(config.state_dir);
        ASSERT_TRUE(make_directories(files));
        const auto lab = make_lab("lab1", 11);
        ASSERT_TRUE(publish(exporter, lab));
        recorded = files.export_file("lab1");
        index = files.index;
        ASSERT_TRUE(write_atomically(recorded, *render_export_block(lab)));
        ASSERT_TRUE(rebuild_index(files));
        ASSERT_THAT(*read_file(index), HasSubstr("lab1"));
    }
    Config config;
    std::string recorded, index;
};

TEST_F(ChangedServer, NfsdServesNoLabThatGaneshaHasNow) {
    const Exporter ganesha = GaneshaExporter{.files = ganesha_files(config), .labs_root = config.labs.root};
    EXPECT_TRUE(is_left_elsewhere(config, ganesha, "lab1", {}));
    const auto done = withdraw_elsewhere(config, ganesha, "lab1", {});
    ASSERT_TRUE(done) << done.error().text();
    EXPECT_FALSE(is_left_elsewhere(config, ganesha, "lab1", {}));
    EXPECT_FALSE(std::filesystem::exists("/etc/exports.d/stowage-lab1.exports"));
    EXPECT_EQ(*read_file("/var/lib/nfs/etab"), "");
    EXPECT_TRUE(std::filesystem::exists(recorded)) << "the chosen server's own";
}

TEST_F(ChangedServer, GaneshaServesNoLabThatNfsdHasNow) {
    EXPECT_TRUE(is_left_elsewhere(config, exporter, "lab1", {}));
    const auto done = withdraw_elsewhere(config, exporter, "lab1", {});
    ASSERT_TRUE(done) << done.error().text();
    EXPECT_FALSE(is_left_elsewhere(config, exporter, "lab1", {}));
    EXPECT_FALSE(std::filesystem::exists(recorded));
    EXPECT_THAT(*read_file(index), Not(HasSubstr("lab1")));
    EXPECT_TRUE(std::filesystem::exists("/etc/exports.d/stowage-lab1.exports"));
}

}  // namespace

}  // namespace stowage::nfs
