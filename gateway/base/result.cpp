// The words and the errno mapping of Result.
// Runs in: every process.
#include "gateway/base/result.hpp"

#include <cerrno>
#include <cstring>

namespace stowage {

std::string_view to_string(Code code) {
    switch (code) {
        case Code::invalid:
            return "invalid";
        case Code::usage:
            return "usage";
        case Code::config:
            return "config";
        case Code::not_found:
            return "not_found";
        case Code::exists:
            return "exists";
        case Code::differs:
            return "differs";
        case Code::denied:
            return "denied";
        case Code::in_use:
            return "in_use";
        case Code::over_quota:
            return "over_quota";
        case Code::no_space:
            return "no_space";
        case Code::unavailable:
            return "unavailable";
        case Code::timeout:
            return "timeout";
        case Code::protocol:
            return "protocol";
        case Code::unsupported:
            return "unsupported";
        case Code::io:
            return "io";
        case Code::cancelled:
            return "cancelled";
        case Code::internal:
            return "internal";
    }
    return "unknown";
}

bool is_transient(Code code) {
    return code == Code::unavailable || code == Code::timeout;
}

namespace {

Code code_of(int error_number) {
    switch (error_number) {
        case EDQUOT:
            return Code::over_quota;
        case ENOSPC:
            return Code::no_space;
        case EACCES:
        case EPERM:
            return Code::denied;
        case ENOENT:
        case ENOTDIR:
            return Code::not_found;
        case EEXIST:
        case ENOTEMPTY:
            return Code::exists;
        case EBUSY:
        case ETXTBSY:
            return Code::in_use;
        case ETIMEDOUT:
            return Code::timeout;
        case ECONNREFUSED:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case ECONNRESET:
        case EPIPE:
            return Code::unavailable;
        case EINVAL:
        case ENAMETOOLONG:
        case ELOOP:
        case EXDEV:
            return Code::invalid;
        case ENOSYS:
        case EOPNOTSUPP:
        case ENOTTY:
            return Code::unsupported;
        default:
            return Code::io;
    }
}

}  // namespace

Error system_error(int error_number, std::string_view what) {
    return {code_of(error_number), std::string(what) + ": " + strerrordesc_np(error_number)};
}

}  // namespace stowage
