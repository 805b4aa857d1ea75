// A look at what was kept, then its lab again.
// Runs in: controller. Distrusts: what lies under the lab's name.
#include "gateway/controller/control/kept_data.hpp"

#include <fmt/format.h>

#include "gateway/controller/control/requests.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

namespace {

Result<void> check_ours(const Site& site, const std::string& lab, const message::LabObservation& seen) {
    if (is_elsewhere(seen)) return missing_filesystem(site);
    if (seen.marked || !seen.directory_exists) return {};
    return Error{Code::differs,
                 fmt::format("{} does not bear the mark of lab {}", site.directory_of(lab), lab),
                 "look at it, and delete it by hand if it may go"};
}

}  // namespace

asio::awaitable<Result<void>> recall_for_purge(Context& context, std::string lab) {
    LabRequest asked;
    asked.name = lab;
    const auto settings = settings_for(asked, std::nullopt, context.config);
    CO_TRY(const auto proposed, context.state.propose_lab(lab, settings, context.uids));
    const auto look = request_to_look(context, proposed);
    CO_TRY(const auto seen, co_await context.supervisor.step(look));
    CO_CHECK(check_ours(context.site, lab, seen));
    co_return context.state.recall_for_purge(lab, settings, context.uids);
}

Error no_such_lab(const Context& context, const std::string& lab) {
    if (!context.state.has_kept_data(lab))
        return {Code::not_found, fmt::format("there is no lab {}", lab), "see `stowage lab list`"};
    return {
        Code::not_found,
        fmt::format("there is no lab {}: it was deleted, and its data kept in {}", lab,
                    context.site.directory_of(lab)),
        fmt::format("`stowage lab delete {0} --purge-data` deletes that too, `stowage lab create {0}` takes "
                    "it up again",
                    lab)};
}

}  // namespace stowage::controller
