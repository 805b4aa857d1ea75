// What one piece of work has taken from the ledger.
// Runs in: worker.
#pragma once

#include <cstdint>

#include "ftps/worker/ledger.hpp"

namespace stowage::ftps {

/// Given back with the object, unless what was made stays. One thread.
class LedgerShare {
  public:
    explicit LedgerShare(Ledger& ledger) : ledger_(ledger) {}
    LedgerShare(const LedgerShare&) = delete;
    LedgerShare& operator=(const LedgerShare&) = delete;
    ~LedgerShare() {
        ledger_.give(bytes_);
        for (; names_ > 0; --names_)
            ledger_.give_name();
    }

    Result<void> take(std::uint64_t bytes) {
        CHECK(ledger_.take(bytes));
        bytes_ += bytes;
        return {};
    }
    Result<void> take_name() {
        CHECK(ledger_.take_name());
        ++names_;
        return {};
    }
    void keep() { bytes_ = names_ = 0; }

  private:
    Ledger& ledger_;
    std::uint64_t bytes_ = 0, names_ = 0;
};

}  // namespace stowage::ftps
