// flock(2), read(2).
// Runs in: root_step, the Ganesha launcher.
#include "nfs/exports/own_files.hpp"

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/file_lock.hpp"

namespace stowage::nfs {

namespace {

constexpr std::chrono::seconds lock_limit{60};

}  // namespace

Result<Fd> lock_exports(const std::string& path) {
    return lock_file(path, Lock::exclusive, lock_limit);
}

Result<std::optional<std::string>> previous_text(const std::string& path) {
    auto text = read_file(path);
    if (text) return std::optional<std::string>(std::move(*text));
    if (text.error().code == Code::not_found) return std::optional<std::string>();
    return text.error();
}

}  // namespace stowage::nfs
