// Result<T>: what input, a peer, a filesystem or a remote may refuse.
// Runs in: every process. A failed start-up or a broken invariant throws instead.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace stowage {

/// Why something was refused. One table each maps a Code to an FTP reply, a CLI exit code and "retry or not".
enum class Code : std::uint16_t {
    invalid = 1,  ///< the input is wrong; trying again changes nothing
    usage,        ///< the command line is wrong
    config,       ///< the configuration is wrong
    not_found,
    exists,       ///< something of that name is there already
    differs,      ///< it is there, it is not ours, and it differs from what was asked
    denied,       ///< permission, credentials or admission
    in_use,       ///< somebody uses it: data source, mount, file
    over_quota,   ///< the lab's limit (EDQUOT, or ENOSPC of a project quota)
    no_space,     ///< the filesystem is full
    unavailable,  ///< a peer or remote does not answer now; worth a retry
    timeout,      ///< no answer in time; what was asked may have happened
    protocol,     ///< a peer or remote said something it may not say
    unsupported,  ///< this machine, kernel or server cannot do it
    io,           ///< the filesystem or a system call failed
    cancelled,    ///< we were told to stop
    internal,     ///< a defect of ours
};

/// Stable word for logs and JSON, for example "over_quota".
std::string_view to_string(Code code);

/// True for failures that may go away by themselves (unavailable, timeout).
bool is_transient(Code code);

/// A refusal in words for the person who reads it: what and where, then what to do about it.
struct Error {
    Code code = Code::internal;
    std::string what;         ///< names the field and the value, or the system call and the path
    std::string remedy = {};  ///< what to do; may be empty

    /// "what; remedy"
    std::string text() const { return remedy.empty() ? what : what + "; " + remedy; }
};

template <typename T>
using Result = boost::system::result<T, Error>;

/// An Error from errno: maps EDQUOT, ENOSPC, EACCES, ENOENT, EEXIST, EBUSY, ETIMEDOUT and alike to their
/// Code.
/// @param what the call and its object, for example "mkdir /mnt/nfs/lab1"
Error system_error(int error_number, std::string_view what);

/// Thrown by start-up code and broken invariants; only main() and a session boundary catch it.
class Fatal : public std::runtime_error {
  public:
    explicit Fatal(Error error) : std::runtime_error(error.text()), error_(std::move(error)) {}
    const Error& error() const { return error_; }

  private:
    Error error_;
};

/// The value, or throws Fatal: for start-up code, where a refusal is the end.
template <typename T>
T or_throw(Result<T> result) {
    if (!result) throw Fatal(result.error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
    throw Fatal(error);
}

}  // namespace stowage

// Statements, never expressions: GCC 12 evaluates co_await inside larger expressions in the wrong order.
#define STOWAGE_CONCAT_(a, b) a##b
#define STOWAGE_CONCAT(a, b) STOWAGE_CONCAT_(a, b)
#define STOWAGE_TRY_(result, declaration, expression, leave) \
    auto result = (expression);                              \
    if (!result) leave std::move(result).error();            \
    declaration = std::move(*result)
#define STOWAGE_CHECK_(result, expression, leave)                      \
    do {                                                               \
        if (auto result = (expression); !result) leave result.error(); \
    } while (false)

/// TRY(auto x, f()): x is f's value, or the function returns f's error.
#define TRY(declaration, expression) \
    STOWAGE_TRY_(STOWAGE_CONCAT(result_, __LINE__), declaration, expression, return )
/// CHECK(f()): goes on if f succeeded, or returns its error.
#define CHECK(expression) STOWAGE_CHECK_(STOWAGE_CONCAT(result_, __LINE__), expression, return )
#define CO_TRY(declaration, expression) \
    STOWAGE_TRY_(STOWAGE_CONCAT(result_, __LINE__), declaration, expression, co_return )
#define CO_CHECK(expression) STOWAGE_CHECK_(STOWAGE_CONCAT(result_, __LINE__), expression, co_return )
