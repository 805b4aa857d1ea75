// O_EXCL, 0600, fsync.
// Runs in: CLI.
#include "gateway/cli/secrets_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace stowage::cli {

Result<SecretsFile> SecretsFile::create(const std::string& path) {
    Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd) return SecretsFile(path, std::move(fd));
    auto error = system_error(errno, "create the secrets file " + path);
    if (error.code == Code::exists)
        error.remedy = "nothing is overwritten: name a file that is not there yet";
    else if (error.code == Code::not_found)
        error.remedy = "make its folder first, or name a file in one that is there";
    else if (error.remedy.empty())
        error.remedy = "name a file in a folder that you may write to";
    return error;
}

SecretsFile::~SecretsFile() {
    if (lines_.empty()) discard();
}

namespace {

Result<void> write_durably(const Fd& fd, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const auto written = ::write(fd.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return system_error(errno, "write to the secrets file " + path);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(fd.get()) != 0) return system_error(errno, "sync the secrets file " + path);
    return {};
}

}  // namespace

Result<void> SecretsFile::add(std::string_view user, std::string_view lab, const Secret& password) {
    // Behind the last line that is whole.
    const auto end = ::lseek(fd_.get(), 0, SEEK_END);
    const Secret line(fmt::format("{} {} {}\n", user, lab.empty() ? "-" : lab, password.reveal()));
    auto written = write_durably(fd_, line.reveal(), path_);
    if (written) {
        lines_.push_back({std::string(user), end, line.reveal().size()});
    } else if (lines_.empty()) {
        discard();
    } else if (::ftruncate(fd_.get(), end) != 0) {
        // The lines before this one may be of passwords that are in use and stand nowhere else: they stay.
        auto error = written.error();
        error.remedy = fmt::format("the last line of {} is cut off, those before it are good", path_);
        return error;
    }
    return written;
}

Result<void> SecretsFile::forget(std::string_view user) {
    const auto found =
        std::find_if(lines_.begin(), lines_.end(), [&](const Line& line) { return line.user == user; });
    if (found == lines_.end()) return {};
    const std::string blot(found->size - 1, '#');
    if (::pwrite(fd_.get(), blot.data(), blot.size(), found->begin) != static_cast<ssize_t>(blot.size()) ||
        ::fsync(fd_.get()) != 0)
        return system_error(errno, "write to the secrets file " + path_);
    lines_.erase(found);
    return {};
}

void SecretsFile::discard() {
    if (!fd_) return;
    ::unlink(path_.c_str());
    fd_.reset();
}

}  // namespace stowage::cli
