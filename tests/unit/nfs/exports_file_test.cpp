// exports(5) rendering and what exportfs made of it.
// Runs in: unit tests.
#include "nfs/exports/exports_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/base/octal_escapes.hpp"

namespace stowage::nfs {

using ::testing::HasSubstr;

namespace {

Export lab() {
    Export result{.lab = "lab1",
                  .path = "/mnt/nfs/lab1",
                  .uid = 700001,
                  .gid = 700001,
                  .export_id = 1,
                  .clients = {"10.1.0.0/16", "fd00::/8"}};
    result.fsid = {0x6f, 0x1b, 0x7f, 0x0c, 0x8f, 0x2e, 0x4b, 0x53, 0x9a, 0x5e, 0, 0, 0, 0, 0, 1};
    return result;
}

// As exportfs 2.6.2 wrote them.
constexpr std::string_view line_head =
    "/mnt/nfs/lab1\t10.1.0.0/"
    "16(rw,sync,wdelay,hide,nocrossmnt,secure,root_squash,all_squash,no_subtree_check,"
    "secure_locks,acl,no_pnfs,fsid=6f1b7f0c-8f2e-4b53-9a5e-000000000001,";
constexpr std::string_view line_tail = "anonuid=700001,anongid=700001,sec=sys,rw,root_squash,all_squash)\n";

std::string good_etab(std::string_view mountpoint = "") {
    const auto first = std::string(line_head) + std::string(mountpoint) + std::string(line_tail);
    auto second = first;
    second.replace(second.find("10.1.0.0/16"), 11, "fd00::/8");
    return first + second;
}

std::string with(std::string text, std::string_view from, std::string_view to) {
    text.replace(text.find(from), from.size(), to);
    return text;
}

}  // namespace

TEST(ExportsFile, RendersOneLineWithoutBlankBeforeParenthesis) {
    const auto text = render_exports_file(lab(), "/mnt/nfs/lab1");
    EXPECT_THAT(
        text, HasSubstr("/mnt/nfs/lab1 10.1.0.0/16(rw,sync,no_subtree_check,root_squash,all_squash,"
                        "anonuid=700001,anongid=700001,fsid=6f1b7f0c-8f2e-4b53-9a5e-000000000001,mp,sec=sys) "
                        "fd00::/8(rw,"));
    EXPECT_EQ(text.find(" ("), std::string::npos);
    EXPECT_EQ(path_in_exports_file(text), "/mnt/nfs/lab1");
    EXPECT_EQ(render_exports_file(lab(), "").find(",mp"), std::string::npos);
}

TEST(ExportsFile, NamesTheMountPointAboveTheLab) {
    EXPECT_THAT(render_exports_file(lab(), "/mnt/nfs"), HasSubstr(",mp=/mnt/nfs,"));
    EXPECT_TRUE(compare_etab(good_etab("mountpoint=/mnt/nfs,"), lab(), "/mnt/nfs"));
    EXPECT_FALSE(compare_etab(good_etab("mountpoint=/mnt,"), lab(), "/mnt/nfs")) << "another one";
    EXPECT_FALSE(compare_etab(good_etab("mountpoint,"), lab(), "/mnt/nfs")) << "the lab itself";
}

TEST(ExportsFile, SomeNetworksReadOnly) {
    auto meant = lab();
    meant.clients = {"10.1.0.0/16"};
    meant.read_only_clients = {"fd00::/8"};
    const auto text = render_exports_file(meant, "");
    EXPECT_THAT(text, HasSubstr(" 10.1.0.0/16(rw,"));
    EXPECT_THAT(text, HasSubstr(" fd00::/8(ro,"));
    EXPECT_FALSE(compare_etab(good_etab(), meant, "")) << "both may write";
    auto etab = good_etab();
    const auto second = etab.find("fd00::/8(rw");
    etab.replace(second + 9, 2, "ro");
    etab.replace(etab.find(",rw,", second), 4, ",ro,");
    EXPECT_TRUE(compare_etab(etab, meant, ""));
}

TEST(ExportsFile, SecurityIsSaidAndAnotherOneIsADifference) {
    auto meant = lab();
    meant.security = "krb5p";
    meant.transport = "tls";
    EXPECT_THAT(render_exports_file(meant, ""), HasSubstr(",xprtsec=tls,sec=krb5p)"));
    EXPECT_FALSE(compare_etab(good_etab(), meant, ""));
}

TEST(ExportsFile, ReadOnlyIsSaid) {
    auto meant = lab();
    std::swap(meant.clients, meant.read_only_clients);
    EXPECT_THAT(render_exports_file(meant, ""), HasSubstr("(ro,"));
}

TEST(ExportsFile, QuotesWhatExportsWouldSplit) {
    const std::string odd = "/mnt/my labs/\"#\\x'\xc3\xa9";
    EXPECT_EQ(quote_exports_path(odd), "/mnt/my\\040labs/\\042\\043\\134x\\047\\303\\251");
    EXPECT_EQ(without_octal_escapes(quote_exports_path(odd)), odd);
    auto meant = lab();
    meant.path = "/mnt/my labs/lab1";
    EXPECT_EQ(path_in_exports_file(render_exports_file(meant, "")), meant.path);
}

TEST(ExportsFile, TellsExportfsWhatStandsInIt) {
    auto meant = lab();
    meant.read_only_clients = {"10.2.0.0/16"};
    const auto text = render_exports_file(meant, "/mnt/nfs");
    const auto admitted = admitted_in_exports_file(text);
    ASSERT_EQ(admitted.size(), 3U);
    EXPECT_EQ(admitted[1].client, "fd00::/8");
    EXPECT_EQ(admitted[1].options, admitted[0].options);
    EXPECT_THAT(admitted[0].options, ::testing::StartsWith("rw,sync,"));
    EXPECT_THAT(admitted[2].options, ::testing::EndsWith(",mp=/mnt/nfs,sec=sys"));
    EXPECT_TRUE(admitted_in_exports_file("# nothing (rw)\n/path client a( b) )c(\n").empty());
}

TEST(ExportsFile, LinesOfOthersThatNameAPathAreFound) {
    for (const auto* text : {"/srv/my\\040labs 10.0.0.0/8(rw)\n", "\"/srv/my labs\"  *(ro)",
                             "  /srv/\"my labs\"/\t*(ro)\n", "# others\n/a \\\n b(rw)\n/srv/my\\040labs\n",
                             "/srv/my\\040labs -sync,rw 10.0.0.1\n", "# a \\\n/srv/my\\040labs *(rw)",
                             "/a b(rw) # c \\\n/srv/my\\040labs *(rw)", "\\\n/srv/my\\040labs *(rw)"})
        EXPECT_TRUE(is_exported_by(text, "/srv/my labs")) << text;
    for (const auto* text : {"", "\n\n", "#/srv/my\\040labs *(rw)\n", "/srv/my labs(rw)\n",
                             "/srv/my\\040labs2 *(rw)\n", "/a \\\n/srv/my\\040labs(rw)\n", "\"\n", "\\\n"})
        EXPECT_FALSE(is_exported_by(text, "/srv/my labs")) << text;
}

TEST(ExportsFile, MountPointsThatEtabDoesNotKeepAreKnown) {
    EXPECT_TRUE(fits_into_etab("/mnt/nfs/lab1"));
    for (const auto* name : {"/srv/my labs", "/srv/a,b", "/srv/(a)", "/srv/\"a", "/srv/a#b", "/srv/\xc3\xa9"})
        EXPECT_FALSE(fits_into_etab(name)) << name;
    EXPECT_FALSE(fits_into_etab("/" + std::string(200, 'a')));
}

TEST(Etab, EqualIsFound) {
    EXPECT_TRUE(compare_etab(good_etab(), lab(), ""));
    EXPECT_TRUE(compare_etab("/other\t*(rw)\n" + good_etab("mountpoint,"), lab(), "/mnt/nfs/lab1"));
}

TEST(Etab, ClientsAreToldWithTheirRights) {
    auto etab = good_etab();
    const auto second = etab.find("fd00::/8(rw");
    etab.replace(second + 9, 2, "ro");
    EXPECT_THAT(etab_rights(etab, lab().path), ::testing::ElementsAre("10.1.0.0/16", "fd00::/8:ro"));
    EXPECT_THAT(etab_rights(etab, "/other"), ::testing::IsEmpty());
}

TEST(Etab, EachDifferenceIsTold) {
    const auto code = [](const std::string& etab) {
        const auto compared = compare_etab(etab, lab(), "");
        return compared ? Code{} : compared.error().code;
    };
    EXPECT_EQ(code(""), Code::not_found);
    EXPECT_EQ(code("/mnt/nfs/lab10\t10.1.0.0/16(rw)\n"), Code::not_found);
    EXPECT_EQ(code(with(good_etab(), "all_squash", "no_all_squash")), Code::differs);
    EXPECT_EQ(code(with(good_etab(), "anonuid=700001", "anonuid=700002")), Code::differs);
    EXPECT_EQ(code(with(good_etab(), "sync", "async")), Code::differs);
    EXPECT_EQ(code(with(good_etab(), "(rw,", "(ro,")), Code::differs);
    EXPECT_EQ(code(with(good_etab(), "secure,", "insecure,")), Code::differs);
    EXPECT_EQ(code(with(good_etab(), "fsid=6f", "fsid=7f")), Code::differs);
    EXPECT_FALSE(compare_etab(good_etab(), lab(), "/mnt/nfs/lab1")) << "mp is missing";
}

TEST(Etab, WorldLineOfAForeignFileIsTold) {
    const auto compared = compare_etab(good_etab() + "/mnt/nfs/lab1\t*(rw)\n", lab(), "");
    ASSERT_FALSE(compared);
    EXPECT_THAT(compared.error().what, HasSubstr("is exported to * too"));
}

TEST(Etab, DroppedClientIsTold) {
    const auto etab = good_etab();
    const auto compared = compare_etab(etab.substr(0, etab.find('\n') + 1), lab(), "");
    ASSERT_FALSE(compared);
    EXPECT_THAT(compared.error().what, HasSubstr("is not exported to fd00::/8"));
}

TEST(Etab, IdsAboveTwoToTheThirtyOneAreNegativeThere) {
    auto meant = lab();
    meant.uid = 3000000000;
    meant.gid = 4294967293;
    auto etab = good_etab();
    for (std::size_t i = 0; i < 2; ++i) {
        etab = with(etab, "anonuid=700001", "anonuid=-1294967296");
        etab = with(etab, "anongid=700001", "anongid=-3");
    }
    EXPECT_TRUE(compare_etab(etab, meant, ""));
}

TEST(Etab, DamagedLinesAreNoExports) {
    for (const auto* etab : {"\n\n", "/mnt/nfs/lab1", "/mnt/nfs/lab1\t", "/mnt/nfs/lab1\tx(", "\t(", "(\t)",
                             "/mnt/nfs/lab1\t)("})
        EXPECT_FALSE(compare_etab(etab, lab(), "")) << etab;
}

}  // namespace stowage::nfs
