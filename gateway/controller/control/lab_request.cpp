// A lab and its settings.
// Runs in: controller.
#include <fmt/format.h>

#include "gateway/base/client_ca_limits.hpp"
#include "gateway/base/config_parsers.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/messages/steps.hpp"
#include "gateway/controller/control/client_cas.hpp"
#include "gateway/controller/control/request_parts.hpp"

namespace stowage::controller {

namespace {

/// What fits into a StepRequest.
constexpr std::size_t most_clients_bytes = sizeof(decltype(message::StepRequest::clients)::bytes);

Result<void> check_no_overlap(const std::string& field, const std::vector<std::string>& networks) {
    for (std::size_t i = 0; i < networks.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (networks_overlap(networks[i], networks[j]))
                return Error{Code::invalid,
                             fmt::format("{}: {} and {} overlap", field, networks[j], networks[i]),
                             "leave the smaller one out: the larger one admits it already"};
    return {};
}

Result<std::optional<std::vector<std::string>>> clients_in(Fields& fields) {
    TRY(auto texts, fields.maybe_texts("clients"));
    if (!texts) return texts;
    const auto field = fields.name_of("clients");
    if (texts->empty())
        return Error{Code::invalid, field + " is empty: nobody could mount the lab",
                     "name at least one network, or leave it out for labs.default_clients"};
    std::size_t bytes = 0;
    std::vector<std::string> networks;
    for (auto& text : *texts) {
        const auto client = parse_client(text);
        if (!client) return at(field, client.error());
        text = to_text(*client);
        networks.push_back(client->network);
        bytes += text.size() + 1;
    }
    if (bytes > most_clients_bytes)
        return Error{Code::invalid, fmt::format("{}: {} networks are too many", field, texts->size()),
                     "combine them into larger ones"};
    CHECK(check_no_overlap(field, networks));
    return texts;
}

/// One of `parse`'s words, or "default": what the configuration says.
template <typename T>
Result<std::optional<std::optional<T>>> choice_in(Fields& fields, std::string_view key,
                                                  Result<T> (*parse)(std::string_view)) {
    using Choice = std::optional<std::optional<T>>;
    TRY(const auto text, fields.maybe_text(key));
    if (!text) return Choice();
    if (*text == "default") return Choice(std::optional<T>());
    auto value = parse(*text);
    if (!value)
        return Error{Code::invalid,
                     fmt::format("{}: {} {}", fields.name_of(key), log::escaped(text->substr(0, 80)),
                                 value.error().what),
                     value.error().remedy + ", default"};
    return Choice(std::optional<T>(*value));
}

Result<std::optional<std::string>> client_cas_in(Fields& fields) {
    TRY(auto text, fields.maybe_text("client_cas", most_client_ca_file_bytes));
    if (!text || text->empty()) return text;
    auto checked = check_client_cas(*text);
    if (!checked) return at(fields.name_of("client_cas"), checked.error());
    return std::optional(std::move(*checked));
}

/// All but the name.
Result<LabRequest> lab_settings_in(Fields fields) {
    LabRequest lab;
    TRY(lab.quota_bytes, fields.maybe_number("quota_bytes"));
    TRY(lab.quota_inodes, fields.maybe_number("quota_inodes"));
    TRY(lab.clients, clients_in(fields));
    TRY(lab.durability, choice_in(fields, "durability", config_parsers::durability));
    TRY(lab.data_tls_resumption, choice_in(fields, "data_tls_resumption", config_parsers::resumption));
    TRY(lab.client_cas, client_cas_in(fields));
    TRY(lab.data_source_project, fields.maybe_text("data_source_project"));
    if (lab.data_source_project && !lab.data_source_project->empty())
        if (auto good = runai::check_unit_name("project", *lab.data_source_project); !good)
            return at(fields.name_of("data_source_project"), good.error());
    CHECK(fields.finish());
    return lab;
}

}  // namespace

Result<LabRequest> lab_in(Fields fields) {
    TRY(const auto name, lab_name(fields, "name"));
    TRY(auto lab, lab_settings_in(std::move(fields)));
    lab.name = name;
    return lab;
}

Result<LabRequest> parse_lab_request(std::string_view body) {
    return with_object(body, lab_in);
}
Result<LabRequest> parse_lab_settings(std::string_view body) {
    return with_object(body, lab_settings_in);
}

LabSettings settings_for(const LabRequest& request, const std::optional<Lab>& now, const Config& config) {
    LabSettings settings{config.labs.default_quota_bytes,
                         config.labs.default_quota_inodes,
                         config.labs.default_clients,
                         std::nullopt,
                         std::nullopt,
                         {},
                         {}};
    // The project that a site file gives a lab that says nothing else.
    if (config.runai.data_source_scope == "project")
        settings.data_source_project = request.name + "-default-project";
    if (now) settings = now->settings;
    if (request.quota_bytes) settings.quota_bytes = *request.quota_bytes;
    if (request.quota_inodes) settings.quota_inodes = *request.quota_inodes;
    if (request.clients) settings.clients = *request.clients;
    if (request.durability) settings.durability = *request.durability;
    if (request.data_tls_resumption) settings.data_tls_resumption = *request.data_tls_resumption;
    if (request.client_cas) settings.client_cas = *request.client_cas;
    if (request.data_source_project) settings.data_source_project = *request.data_source_project;
    return settings;
}

}  // namespace stowage::controller
