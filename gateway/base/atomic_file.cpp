// Temporary file, fsync, rename, fsync of the directory.
// Runs in: root_step, supervisor, controller.
#include "gateway/base/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "gateway/base/fd.hpp"

namespace stowage {

namespace {

std::string directory_of(const std::string& path) {
    auto directory = std::filesystem::path(path).parent_path().string();
    return directory.empty() ? "." : directory;
}

Result<void> sync_directory(const std::string& directory) {
    Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return system_error(errno, "open " + directory);
    if (::fsync(fd.get()) != 0) return system_error(errno, "fsync " + directory);
    return {};
}

Result<void> write_whole(const Fd& fd, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const auto written = ::write(fd.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return system_error(errno, "write " + path);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> fill(const Fd& fd, std::string_view text, const FileOwner& owner, const std::string& path) {
    CHECK(write_whole(fd, text, path));
    if (::fchown(fd.get(), owner.uid, owner.gid) != 0) return system_error(errno, "chown " + path);
    if (::fchmod(fd.get(), owner.mode) != 0) return system_error(errno, "chmod " + path);
    if (::fsync(fd.get()) != 0) return system_error(errno, "fsync " + path);
    return {};
}

}  // namespace

Result<void> write_atomically(const std::string& path, std::string_view text, FileOwner owner) {
    const auto directory = directory_of(path);
    auto temporary = directory + "/." + std::filesystem::path(path).filename().string() + ".XXXXXX";
    Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!fd) return system_error(errno, "create " + temporary);
    auto done = fill(fd, text, owner, temporary);
    if (done && ::rename(temporary.c_str(), path.c_str()) != 0)
        done = system_error(errno, "rename " + temporary + " to " + path);
    if (!done) {
        ::unlink(temporary.c_str());
        return done;
    }
    return sync_directory(directory);
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return system_error(errno, "open " + path);
    std::string text;
    char buffer[16384];
    for (;;) {
        const auto got = ::read(fd.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error(errno, "read " + path);
        if (got == 0) return text;
        text.append(buffer, static_cast<std::size_t>(got));
        if (text.size() > limit)
            return Error{Code::invalid, path + " is larger than " + std::to_string(limit) + " bytes"};
    }
}

Result<void> remove_durably(const std::string& path) {
    if (::unlink(path.c_str()) != 0) {
        if (errno == ENOENT) return {};
        return system_error(errno, "unlink " + path);
    }
    return sync_directory(directory_of(path));
}

}  // namespace stowage
