// Secret: bytes that are wiped when they are let go and that nothing can print.
// Runs in: every process.
#pragma once

#include <string.h>

#include <string>
#include <string_view>
#include <utility>

namespace stowage {

/// A password, token or key. Move-only, wiped on destruction, without operator<< and without a formatter.
class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string_view bytes) : bytes_(bytes) {}
    Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }
    Secret& operator=(Secret&& other) noexcept {
        if (this == &other) return *this;
        wipe();
        bytes_ = other.bytes_;
        other.wipe();
        return *this;
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { wipe(); }

    Secret clone() const { return Secret(bytes_); }
    /// The bytes themselves: only for the call that needs them, never for a log, an argument or an error
    /// text.
    std::string_view reveal() const { return bytes_; }
    const char* c_str() const { return bytes_.c_str(); }
    bool empty() const { return bytes_.empty(); }
    void wipe() {
        explicit_bzero(bytes_.data(), bytes_.capacity());
        bytes_.clear();
    }

  private:
    std::string bytes_;
};

}  // namespace stowage
