// Bearer tokens of the stand-in: shaped like JWTs, remembered by it.
// Runs in: runai_stand_in, tests. Distrusts: tokens.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace stowage::stand_in {

/// The tokens given out since start; a restart refuses all earlier ones.
class Tokens {
  public:
    explicit Tokens(std::chrono::seconds lifetime) : lifetime_(lifetime) {}

    /// header.payload.signature with `iat` and `exp`; the signature is random, for nobody could check a real
    /// one.
    std::string make();
    /// True for "Bearer <token>" with a token of ours that has not run out.
    bool accepts(std::string_view authorization) const;
    /// Refuses every token made so far.
    void expire_all() { good_until_.clear(); }
    void set_lifetime(std::chrono::seconds lifetime) { lifetime_ = lifetime; }
    /// How far the clock of those who issue them is before ours.
    void set_clock_ahead(std::chrono::seconds ahead) { clock_ahead_ = ahead; }

  private:
    std::chrono::seconds lifetime_, clock_ahead_{0};
    std::map<std::string, std::chrono::steady_clock::time_point, std::less<>> good_until_;
};

}  // namespace stowage::stand_in
