// Runs another program to its end, within a limit.
// Runs in: root_step. Distrusts: the program's output and its pace.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "gateway/base/result.hpp"

namespace stowage::nfs {

struct ProgramEnd {
    int status = 0;          ///< exit code, or 128 + the signal that killed it
    std::string error_text;  ///< what it said on standard error, at most 4 KiB
};

/// Executes `arguments[0]`, an absolute path, directly: no shell, no PATH, an empty environment but for
/// LC_ALL=C, standard input and output /dev/null. Blocks until it ends; Code::timeout, and it is killed,
/// after `limit`.
Result<ProgramEnd> run_program(const std::vector<std::string>& arguments, std::chrono::milliseconds limit);

}  // namespace stowage::nfs
