// The gateway's own pair, replaced in one step.
// Runs in: CLI (as root).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "gateway/base/atomic_file.hpp"
#include "gateway/certificate/chain.hpp"

namespace stowage {

namespace {

namespace fs = std::filesystem;

Result<void> sync_folder(const fs::path& folder) {
    const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return system_error(errno, "fsync " + folder.string());
    return {};
}

Result<void> fill(const fs::path& folder, const CertificateFiles& own, const LoadedCertificate& fresh) {
    const auto key = folder / fs::path(own.key_path).filename();
    const auto chain = folder / fs::path(own.chain_path).filename();
    CHECK(write_atomically(key, fresh.key_pem.reveal(), {0, 0, 0600}));
    return write_atomically(chain, fresh.chain_pem, {0, 0, 0644});
}

}  // namespace

Result<void> install_pair(const CertificateFiles& own, const LoadedCertificate& fresh) {
    const auto folder = fs::path(own.chain_path).parent_path();
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed) return system_error(failed.value(), "create " + folder.string());
    const auto beside = folder.string() + ".new";
    fs::remove_all(beside, failed);  // of an installation that was cut off
    if (::mkdir(beside.c_str(), 0700) != 0) return system_error(errno, "create " + beside);
    auto done = fill(beside, own, fresh);
    if (done) done = sync_folder(beside);
    if (done && ::renameat2(AT_FDCWD, beside.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) != 0) {
        const int why = errno;
        done = system_error(why, "exchange " + beside + " with " + folder.string());
        if (why == EINVAL || why == ENOSYS)
            done = Error{Code::unsupported, done.error().what, "put state_dir on a local filesystem"};
    }
    if (done) done = sync_folder(folder.parent_path());
    fs::remove_all(beside, failed);
    return done;
}

}  // namespace stowage
