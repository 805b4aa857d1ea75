// The Run:ai part of a site as JSON.
// Runs in: controller. Distrusts: all of it.
#pragma once

#include <boost/json/object.hpp>

#include "gateway/controller/control/fields.hpp"
#include "gateway/controller/plan/site.hpp"

namespace stowage::controller {

/// Code::invalid naming the field; what the parts say of each other is checked too.
Result<WantedSite> wanted_site_in(Fields fields);
/// The same from text, as State::applied_site() keeps it.
Result<WantedSite> parse_wanted_site(std::string_view text);
/// wanted_site_in() reads it back.
boost::json::object site_json(const WantedSite& wanted);

boost::json::object item_view(const SiteItem& item);

}  // namespace stowage::controller
