// The Run:ai part of plan and apply, and the secrets that wait.
// Runs in: controller. Distrusts: Run:ai.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "gateway/controller/control/requests.hpp"
#include "gateway/controller/reconcile/context.hpp"
#include "gateway/controller/reconcile/report.hpp"
#include "gateway/controller/site/site_runner.hpp"

namespace stowage::controller {

/// The turn of whoever reads or changes Run:ai as a whole; no lab has this name.
constexpr const char* site_turn = "";

/// A site for another Run:ai, cluster or container path than the gateway is configured for.
Result<void> check_runai(const Context& context, const SiteRequest& request);

/// Remembers the site (people alone are none), then brings it about; what failed is in the outcome. One run
/// at a time.
boost::asio::awaitable<SiteOutcome> apply_runai(Context& context, WantedSite site, bool adopt, Report report);

/// Deletes what was confirmed.
boost::asio::awaitable<Result<boost::json::object>> prune_runai(Context& context, SiteRequest request);

/// What is there, and the data sources besides.
struct SeenRunai {
    ObservedSite site;
    std::vector<runai::ObservedDataSource> data_sources;

    SeenRegistrations registrations() const { return {site.departments, site.projects, data_sources}; }
};
boost::asio::awaitable<Result<SeenRunai>> observe_runai(Context& context);

/// {"items", "warnings", "prune"?}; `pending` counts what is not unchanged.
boost::json::object plan_runai(const Context& context, const SiteRequest& request, const SeenRunai& seen,
                               std::int64_t& pending);

/// A lab's registration as these lists show it; departments and projects that the request makes count as
/// there.
ObservedRegistration planned_registration(const SeenRegistrations& seen, const SiteRequest& request,
                                          const Lab& lab);

/// Those that let somebody in, each person's together. One of an FTPS account that is not there, or not yet,
/// stays sealed: a start that was cut off gives its user another.
std::vector<SealedSecret> waiting_secrets(Context& context);

/// {"secrets": […]} with passwords; nothing is deleted by looking.
boost::json::object secrets_view(Context& context, const std::string& email);

}  // namespace stowage::controller
