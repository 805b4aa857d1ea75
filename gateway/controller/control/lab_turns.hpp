// Runs over labs for a request: each lab in its turn, several side by side.
// Runs in: controller.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/controller/reconcile/context.hpp"
#include "gateway/controller/reconcile/gate.hpp"
#include "gateway/controller/reconcile/lab_run.hpp"
#include "gateway/controller/site/site_runner.hpp"

namespace stowage::controller {

// A lab whose turn does not come within ten minutes is `refused`: nothing was begun.

/// One apply: labs that run side by side, the Run:ai part beside them, and the one who waits for all of them.
struct Applying {
    explicit Applying(const boost::asio::any_io_executor& executor)
        : storage_done(executor), site_done(executor), all_done(executor) {}
    Gate storage_done;  ///< of all labs
    Gate site_done;     ///< departments and projects are there: data sources may come
    Gate all_done;
    std::size_t labs = 0, storage_left = 0, left = 0;
    SharedSince since = {};               ///< of looks at Run:ai that many labs share
    std::vector<LabResult> results = {};  ///< sorted by name once it is finished
    std::optional<SiteOutcome> site = {};
};

/// Storage waits for no answer of Run:ai: both begin at once.
std::shared_ptr<Applying> begin_all(Context& context, std::vector<std::string> labs,
                                    std::optional<WantedSite> site, bool adopt, const Report& report);
boost::asio::awaitable<void> finish_all(std::shared_ptr<Applying> all);

boost::asio::awaitable<LabResult> verify_in_turn(Context& context, std::string lab, Report report);
boost::asio::awaitable<LabResult> remove_in_turn(Context& context, std::string lab, bool purge,
                                                 Report report);

}  // namespace stowage::controller
