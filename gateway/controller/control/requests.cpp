// A site, and the parts of requests.
// Runs in: controller.
#include "gateway/controller/control/requests.hpp"

#include <fmt/format.h>

#include <set>

#include "gateway/base/identity.hpp"
#include "gateway/controller/control/request_parts.hpp"
#include "gateway/controller/control/site_request.hpp"

namespace stowage::controller {

namespace {

Error twice(std::string_view what, const std::string& name) {
    return {Code::invalid, fmt::format("{} {} is named twice", what, name), "name it once"};
}

Result<SiteRequest> site_in(Fields fields) {
    SiteRequest site;
    TRY(const auto labs, fields.objects("labs"));
    TRY(const auto users, fields.objects("users"));
    TRY(const auto* runai, fields.maybe_object("runai"));
    TRY(const auto container_path, fields.maybe_text("container_path"));
    TRY(const auto adopt, fields.maybe_flag("adopt"));
    TRY(const auto prune, fields.maybe_flag("prune"));
    TRY(auto confirmed, fields.maybe_texts("confirmed"));
    CHECK(fields.finish());
    site.container_path = container_path.value_or("");
    site.adopt = adopt.value_or(false);
    site.prune = prune.value_or(false);
    if (confirmed) site.confirmed = std::move(*confirmed);
    if (runai != nullptr) {
        TRY(site.runai, wanted_site_in(Fields(*runai, "runai.")));
    }
    std::set<std::string> seen;
    for (std::size_t i = 0; i < labs.size(); ++i) {
        TRY(auto lab, lab_in(Fields(*labs[i], fmt::format("labs[{}].", i))));
        if (!seen.insert(lab.name).second) return twice("lab", lab.name);
        site.labs.push_back(std::move(lab));
    }
    seen.clear();
    for (std::size_t i = 0; i < users.size(); ++i) {
        TRY(auto user, user_in(Fields(*users[i], fmt::format("users[{}].", i))));
        if (!seen.insert(user.name).second) return twice("user", user.name);
        site.users.push_back(std::move(user));
    }
    return site;
}

}  // namespace

Error at(std::string field, const Error& error) {
    return {error.code, field + ": " + error.what, error.remedy};
}

Result<std::string> lab_name(Fields& fields, std::string_view key) {
    TRY(const auto text, fields.text(key));
    auto name = parse_lab_name(text);
    if (!name) return at(fields.name_of(key), name.error());
    return name;
}

Result<SiteRequest> parse_site_request(std::string_view body) {
    return with_object(body, site_in);
}

}  // namespace stowage::controller
