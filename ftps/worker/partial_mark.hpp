// Whose upload a file in the staging directory is, in its extended attributes: a restarted worker finds it by
// them. Runs in: worker, on the file threads. Distrusts: attributes, which pods may write.
#pragma once

#include <optional>
#include <string>

#include "ftps/worker/idle_age.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/result.hpp"

namespace stowage::ftps {

struct PartialMark {
    std::string path, user;
};

/// Empty where there is none.
PartialMark read_partial_mark(const Fd& file);
/// A filesystem that cannot hold it is logged and no error. Code::no_space, Code::over_quota as a write.
Result<void> put_partial_mark(const Fd& file, const PartialMark& mark);
void drop_partial_mark(const Fd& file);
/// Another path, the same user. Does without where that cannot be.
void put_partial_path(const Fd& file, const std::string& path);

/// Since when it lies idle, beside the mark; does without where that cannot be.
void put_idle_age(const Fd& file, const IdleAge& age);
void drop_idle_age(const Fd& file);
std::optional<IdleAge> read_idle_age(const Fd& file);

}  // namespace stowage::ftps
