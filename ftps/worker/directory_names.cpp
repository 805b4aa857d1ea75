// readdir(3) over a descriptor of its own.
// Runs in: worker, on the file threads.
#include "ftps/worker/directory_names.hpp"

#include <fcntl.h>

#include <cerrno>
#include <string_view>

#include "ftps/worker/file_error.hpp"
#include "gateway/base/fd.hpp"

namespace stowage::ftps {

Result<DirectoryNames> DirectoryNames::open(int directory, std::string_view path) {
    return of(Fd(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), path);
}

Result<DirectoryNames> DirectoryNames::of(Fd directory, std::string_view path) {
    auto* stream = directory ? ::fdopendir(directory.get()) : nullptr;
    if (!stream) return file_error(errno, path);
    (void)directory.release();  // closedir() closes it
    return DirectoryNames(stream);
}

const dirent* DirectoryNames::next() {
    for (;;) {
        errno = 0;
        const auto* entry = ::readdir(stream_.get());
        if (!entry) {
            failed_ = errno;
            return nullptr;
        }
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") return entry;
    }
}

}  // namespace stowage::ftps
