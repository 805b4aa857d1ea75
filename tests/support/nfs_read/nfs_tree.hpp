// Reading files and trees over NFSv4 with libnfs 4.0.0, blocking.
// Runs in: nfs_read (quickstart, system tests).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct nfs_context;

/// A file or directory on a mounted NFS export. Throws std::runtime_error for whatever fails.
class NfsTree {
  public:
    struct Entry {
        std::string path;  ///< relative to what the URL names; empty for itself
        std::uint32_t uid = 0, gid = 0;
        std::uint64_t size = 0;
    };
    using Sink = std::function<void(std::string_view)>;

    /// @param url nfs://server/path?nfsport=…, a file or a directory; version=4 is added
    explicit NfsTree(const std::string& url);

    /// All regular files below, sorted; just itself for a file. Leaves out `.stowage` at the top.
    std::vector<Entry> files() const;
    void read(const std::string& path, const Sink& sink) const;

  private:
    struct Closer {
        void operator()(nfs_context* context) const;
    };
    void mount(const std::string& url, const std::string& server, const std::string& path);
    void walk(const std::string& folder, std::vector<Entry>& found) const;
    Entry status_of(const std::string& path) const;
    std::string inside(const std::string& path) const { return single_.empty() ? "/" + path : "/" + single_; }

    std::unique_ptr<nfs_context, Closer> context_;
    std::string single_;  ///< the file's name, when the URL names a file
};
