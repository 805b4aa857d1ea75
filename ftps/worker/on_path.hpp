// Work on the path that a command names, done on a file thread.
// Runs in: worker. Distrusts: arguments.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "ftps/worker/session.hpp"
#include "ftps/worker/waiting.hpp"
#include "ftps/worker/worker.hpp"

namespace stowage::ftps {

/// Runs `work(worker, path)` on a file thread, with `argument` as a canonical path: for names that need not
/// exist. `work` returns a Result.
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

/// The same for what should exist: also names that listings can only show with '?' (LabView::known_as).
template <typename Work>
auto on_known_path(Session& session, std::string argument, Work work) {
    using Outcome = std::invoke_result_t<Work&, Worker&, const std::string&>;
    return on_path(session, std::move(argument),
                   [work](Worker& worker, const std::string& path) mutable -> Outcome {
                       TRY(const auto known, worker.view.known_as(path));
                       return work(worker, known);
                   });
}

}  // namespace stowage::ftps
