// Short work on one path of the lab, on a file thread.
// Runs in: worker.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "ftps/worker/session.hpp"
#include "ftps/worker/worker.hpp"

namespace stowage::ftps {

/// Runs `work(worker, path)` on a file thread, with `argument` as a canonical path.
template <typename Work>
auto on_path(Session& session, std::string argument, Work work) {
    using Outcome = std::invoke_result_t<Work&, Worker&, const std::string&>;
    auto& worker = session.worker;
    return on_pool(
        worker.pool,
        [&worker, directory = session.directory, argument = std::move(argument), work]() mutable -> Outcome {
            TRY(const auto path, worker.files.locate(directory, argument));
            return work(worker, path);
        });
}

}  // namespace stowage::ftps
