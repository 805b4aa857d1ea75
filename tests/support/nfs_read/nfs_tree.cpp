// libnfs calls.
// Runs in: nfs_read.
#include "tests/support/nfs_read/nfs_tree.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

extern "C" {
#include <nfsc/libnfs.h>
}

namespace {

// Measured with libnfs 4.0.0 over NFSv4: 1 MiB is read in one go, 2 MiB fails.
constexpr std::size_t chunk_bytes = 256 * 1024;
constexpr int call_limit_ms = 20000;

[[noreturn]] void fail(nfs_context* context, const std::string& what) {
    throw std::runtime_error(what + ": " + nfs_get_error(context));
}

struct UrlDeleter {
    void operator()(nfs_url* url) const { nfs_destroy_url(url); }
};
using Url = std::unique_ptr<nfs_url, UrlDeleter>;

}  // namespace

void NfsTree::Closer::operator()(nfs_context* context) const {
    nfs_destroy_context(context);
}

NfsTree::NfsTree(const std::string& url) {
    const auto v4 = url + (url.find('?') == std::string::npos ? "?" : "&") + "version=4";
    context_.reset(nfs_init_context());
    const Url parsed(nfs_parse_url_dir(context_.get(), v4.c_str()));
    if (!parsed) fail(context_.get(), "not an NFS URL: " + url);
    const std::string server = parsed->server, path = parsed->path;
    mount(v4, server, path);
    nfs_stat_64 status{};
    if (nfs_stat64(context_.get(), "/", &status) != 0) fail(context_.get(), "stat " + path);
    if (S_ISDIR(status.nfs_mode)) return;
    const auto slash = path.rfind('/');
    mount(v4, server, slash == 0 ? "/" : path.substr(0, slash));
    single_ = path.substr(slash + 1);
}

void NfsTree::mount(const std::string& url, const std::string& server, const std::string& path) {
    context_.reset(nfs_init_context());
    const Url parsed(nfs_parse_url_dir(context_.get(), url.c_str()));  // sets version and port
    std::uint32_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != sizeof random) throw std::runtime_error("getrandom");
    nfs4_set_client_name(context_.get(), fmt::format("nfs_read-{}", ::getpid()).c_str());
    nfs4_set_verifier(context_.get(), fmt::format("{:08x}", random).c_str());
    nfs_set_timeout(context_.get(), call_limit_ms);
    nfs_set_autoreconnect(context_.get(), 0);
    if (nfs_mount(context_.get(), server.c_str(), path.c_str()) != 0)
        fail(context_.get(), "mount " + server + ":" + path);
}

NfsTree::Entry NfsTree::status_of(const std::string& path) const {
    nfs_stat_64 status{};
    if (nfs_lstat64(context_.get(), inside(path).c_str(), &status) != 0) fail(context_.get(), "stat " + path);
    return {path, static_cast<std::uint32_t>(status.nfs_uid), static_cast<std::uint32_t>(status.nfs_gid),
            status.nfs_size};
}

void NfsTree::walk(const std::string& folder, std::vector<Entry>& found) const {
    nfsdir* raw = nullptr;
    if (nfs_opendir(context_.get(), ("/" + folder).c_str(), &raw) != 0)
        fail(context_.get(), "read the directory /" + folder);
    auto close = [this](nfsdir* directory) { nfs_closedir(context_.get(), directory); };
    const std::unique_ptr<nfsdir, decltype(close)> directory(raw, close);
    while (const auto* entry = nfs_readdir(context_.get(), raw)) {
        const std::string name = entry->name;
        if (name == "." || name == ".." || (folder.empty() && name == ".stowage")) continue;
        const auto path = folder.empty() ? name : folder + "/" + name;
        if (S_ISDIR(entry->mode) || entry->type == 2)
            walk(path, found);  // NF4DIR
        else if (entry->type == 1)
            found.push_back(status_of(path));  // NF4REG
    }
}

std::vector<NfsTree::Entry> NfsTree::files() const {
    if (!single_.empty()) return {status_of("")};
    std::vector<Entry> found;
    walk("", found);
    std::sort(found.begin(), found.end(), [](const Entry& a, const Entry& b) { return a.path < b.path; });
    return found;
}

void NfsTree::read(const std::string& path, const Sink& sink) const {
    nfsfh* file = nullptr;
    if (nfs_open(context_.get(), inside(path).c_str(), O_RDONLY, &file) != 0)
        fail(context_.get(), "open " + path);
    auto close = [this](nfsfh* handle) { nfs_close(context_.get(), handle); };
    const std::unique_ptr<nfsfh, decltype(close)> closer(file, close);
    std::vector<char> bytes(chunk_bytes);
    std::uint64_t offset = 0;
    while (true) {
        const int got = nfs_pread(context_.get(), file, offset, bytes.size(), bytes.data());
        if (got < 0) fail(context_.get(), "read " + path);
        if (got == 0) return;
        sink({bytes.data(), static_cast<std::size_t>(got)});
        offset += static_cast<std::uint64_t>(got);
    }
}
