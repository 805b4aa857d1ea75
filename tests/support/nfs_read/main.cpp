// nfs_read URL: "sha256 uid gid size path" of each file that the URL names. nfs_read --cat URL: its bytes.
// Runs in: quickstart, system tests; as whoever calls it.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <cstdio>
#include <exception>
#include <memory>

#include "tests/support/nfs_read/nfs_tree.hpp"

namespace {

std::string sha256_of(const NfsTree& tree, const std::string& path) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
    tree.read(path,
              [&](std::string_view bytes) { EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()); });
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(context.get(), digest, &size);
    std::string text;
    for (unsigned i = 0; i < size; ++i)
        text += fmt::format("{:02x}", digest[i]);
    return text;
}

void print_lines(const NfsTree& tree) {
    for (const auto& file : tree.files())
        fmt::print("{} {} {} {} {}\n", sha256_of(tree, file.path), file.uid, file.gid, file.size, file.path);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view first = argc > 1 ? argv[1] : "";
    const bool cat = first == "--cat";
    if (argc != (cat ? 3 : 2) || first == "--help") {
        fmt::print(stderr, "usage: nfs_read [--cat] nfs://server/path?nfsport=2049\n");
        return 2;
    }
    try {
        const NfsTree tree(argv[argc - 1]);
        if (cat)
            tree.read("", [](std::string_view bytes) { std::fwrite(bytes.data(), 1, bytes.size(), stdout); });
        else
            print_lines(tree);
    } catch (const std::exception& error) {
        fmt::print(stderr, "nfs_read: {}\n", error.what());
        return 1;
    }
    return std::fflush(stdout) == 0 ? 0 : 1;
}
