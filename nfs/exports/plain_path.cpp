// realpath(3).
// Runs in: root_step, supervisor, CLI.
#include "nfs/exports/plain_path.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

namespace stowage::nfs {

Result<void> check_plain_path(const std::string& path) {
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), &std::free);
    if (!real) return system_error(errno, "realpath " + path);
    if (path == real.get()) return {};
    return Error{Code::unsupported, fmt::format("{} is {} behind a symbolic link", path, real.get()),
                 "set labs.root to a path without links"};
}

}  // namespace stowage::nfs
