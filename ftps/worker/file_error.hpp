// What a failed file operation means to the person who asked for it.
// Runs in: worker.
#pragma once

#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::ftps {

/// Says why and what to do, with the path as the user knows it.
Error file_error(int error_number, std::string_view path);

/// Of the disk or by the lab's quota: room is what was missing.
inline bool is_full(const Error& error) {
    return error.code == Code::over_quota || error.code == Code::no_space;
}

}  // namespace stowage::ftps
