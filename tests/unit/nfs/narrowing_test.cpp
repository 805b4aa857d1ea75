// Who is taken away before anybody looks at the lab, and that nobody is let in.
#include "nfs/exports/narrowing.hpp"

#include <gmock/gmock.h>

#include "nfs/exports/exports_file.hpp"
#include "nfs/exports/ganesha_files.hpp"

namespace stowage::nfs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Export lab_for(std::vector<std::string> clients, std::vector<std::string> read_only = {}) {
    Export lab;
    lab.lab = "lab1";
    lab.path = "/mnt/nfs/lab1";
    lab.uid = lab.gid = 700001;
    lab.export_id = 1001;
    lab.fsid[0] = 1;
    lab.clients = std::move(clients);
    lab.read_only_clients = std::move(read_only);
    return lab;
}

std::vector<std::string> texts(const std::vector<Client>& clients) {
    std::vector<std::string> found;
    for (const auto& client : clients)
        found.push_back(client.network + (client.read_only ? ":ro" : ""));
    return found;
}

TEST(Narrowing, ReadsBackBothServersFiles) {
    for (const auto& lab : {lab_for({"10.0.0.0/8", "2001:db8::/32"}, {"10.9.0.0/16", "192.0.2.1/32"}),
                            lab_for({"10.0.0.0/8"}), lab_for({}, {"10.0.0.0/8"})}) {
        std::vector<std::string> clients = lab.clients;
        for (const auto& network : lab.read_only_clients)
            clients.push_back(network + ":ro");
        EXPECT_EQ(texts(clients_on_file(render_exports_file(lab, "/mnt/nfs"))), clients);
        const auto block = render_export_block(lab);
        ASSERT_TRUE(block);
        EXPECT_EQ(texts(clients_on_file(*block)), clients);
    }
}

TEST(Narrowing, ReadsTheMountPointBack) {
    for (const auto* point : {"", "/mnt/nfs", "/mnt/nfs/lab1", "/mnt/with blank"})
        EXPECT_EQ(mount_point_on_file(render_exports_file(lab_for({"10.0.0.0/8"}), point)), point);
}

TEST(Narrowing, TakesAwayAndAddsNobody) {
    const auto narrower = within(lab_for({"10.0.0.0/8", "10.6.0.0/16"}, {"192.0.2.0/24"}),
                                 {{"10.0.0.0/8"}, {"10.5.0.0/16"}, {"192.0.2.1/32", true}});
    EXPECT_THAT(narrower.clients, ElementsAre("10.0.0.0/8", "10.6.0.0/16"))
        << "the latter lies in the former";
    EXPECT_THAT(narrower.read_only_clients, ElementsAre("192.0.2.1/32"))
        << "that one address does not stand for all of them";
}

TEST(Narrowing, GivesNobodyMoreRights) {
    const auto narrower =
        within(lab_for({"10.1.0.0/16", "10.2.0.0/16"}, {"10.3.0.0/16"}),
               {{"10.1.0.0/16", true}, {"10.2.0.0/16"}, {"10.3.0.0/16"}, {"2001:db8::/32"}});
    EXPECT_THAT(narrower.clients, ElementsAre("10.2.0.0/16"));
    EXPECT_THAT(narrower.read_only_clients, ElementsAre("10.3.0.0/16", "10.1.0.0/16"));
}

/// Fails when who has a part of a network, or fewer rights, is shut out until the larger one is published.
TEST(Narrowing, WhoIsLetInMoreWidelyKeepsWhatHeHad) {
    auto narrower =
        within(lab_for({"10.0.0.0/8"}), {{"10.1.0.0/16"}, {"10.2.0.0/16", true}, {"192.0.2.0/24"}});
    EXPECT_THAT(narrower.clients, ElementsAre("10.1.0.0/16"));
    EXPECT_THAT(narrower.read_only_clients, ElementsAre("10.2.0.0/16"));
    narrower = within(lab_for({}, {"10.0.0.0/8"}), {{"10.1.0.0/16"}});
    EXPECT_THAT(narrower.clients, IsEmpty());
    EXPECT_THAT(narrower.read_only_clients, ElementsAre("10.1.0.0/16"));
    narrower = within(lab_for({"10.0.0.0/8"}, {"192.0.2.0/24"}), {{"10.0.0.0/8"}, {"192.0.2.0/24", true}});
    EXPECT_THAT(narrower.clients, ElementsAre("10.0.0.0/8")) << "once";
    EXPECT_THAT(narrower.read_only_clients, ElementsAre("192.0.2.0/24"));
}

TEST(Narrowing, OfOthersLeavesNobody) {
    const auto narrower = within(lab_for({"10.2.0.0/16"}), {{"10.1.0.0/16"}, {"::/0"}});
    EXPECT_THAT(narrower.clients, IsEmpty());
}

}  // namespace
}  // namespace stowage::nfs
