// What is said when the disk fails behind a rename: the change is there, and was perhaps not kept.
// Runs in: worker.
#pragma once

#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// Who tried again after an ordinary failure would exchange two directories back, or join parts twice.
inline Error not_safe(const Error& why) {
    return {Code::io, why.what + "; all of it is in its place, but may not survive a power cut",
            "do not repeat it, and tell the administrator at once"};
}
inline Result<void> safe(const Result<void>& synced) {
    return synced ? synced : not_safe(synced.error());
}

}  // namespace stowage::ftps
