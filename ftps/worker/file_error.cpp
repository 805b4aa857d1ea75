// errno in the words of a file's user.
// Runs in: worker.
#include "ftps/worker/file_error.hpp"

#include <cerrno>
#include <string>

namespace stowage::ftps {

namespace {

struct Words {
    int error_number;
    Code code;
    const char* what;
    const char* remedy;
};

constexpr Words table[] = {
    {ENOENT, Code::not_found, "there is no such file or directory", ""},
    {ENOTDIR, Code::not_found, "a part of this path is a file, not a directory", ""},
    {EISDIR, Code::denied, "this is a directory", ""},
    {EEXIST, Code::exists, "this name is taken", "remove it first, or choose another name"},
    {ENOTEMPTY, Code::exists, "the directory is not empty", "remove what is in it first"},
    {EACCES, Code::denied, "permission denied",
     "somebody took the rights away; SITE CHMOD 770 gives them back"},
    {EPERM, Code::denied, "not permitted", ""},
    {EROFS, Code::denied, "the storage is read-only at the moment", "tell the administrator"},
    {EDQUOT, Code::over_quota, "the lab's limit is reached",
     "delete something, or ask the administrator for a higher limit"},
    {ENOSPC, Code::no_space, "the whole storage is full",
     "tell the administrator: the storage itself is full, not only this lab"},
    {EIO, Code::io, "the storage reports an I/O error", "tell the administrator at once: it may be failing"},
    // Not no_space: nothing is full.
    {EFBIG, Code::denied, "larger than this filesystem allows a file to be", "split it"},
    {ENAMETOOLONG, Code::invalid, "this name is too long",
     "a name may have 255 bytes (letters beyond ASCII take several), a path 4095"},
    {ELOOP, Code::denied, "symbolic links lead round in a circle", ""},
    {EXDEV, Code::denied, "this leads out of the lab, or into another filesystem",
     "use a path inside the lab"},
    {EBUSY, Code::in_use, "in use", "try again later"},
    {ETXTBSY, Code::in_use, "in use by a running program", "try again later"},
    {ESTALE, Code::unavailable, "somebody replaced it at this very moment", "try again"},
    {EAGAIN, Code::unavailable, "somebody is moving directories at this very moment", "try again"},
    {EMFILE, Code::unavailable, "too many files are open", "try again later"},
    {ENFILE, Code::unavailable, "too many files are open", "try again later"},
    {EINVAL, Code::invalid, "the filesystem refuses this name or move", ""},
};

}  // namespace

Error file_error(int error_number, std::string_view path) {
    const std::string shown(path);
    for (const auto& words : table)
        if (words.error_number == error_number) return {words.code, shown + ": " + words.what, words.remedy};
    auto error = system_error(error_number, shown);
    error.remedy = "tell the administrator if it stays";
    return error;
}

}  // namespace stowage::ftps
