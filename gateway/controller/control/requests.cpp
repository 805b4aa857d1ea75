// JSON to requests.
// Runs in: controller.
#include "gateway/controller/control/requests.hpp"

#include <fmt/format.h>
#include <string.h>

#include <boost/json.hpp>
#include <set>

#include "gateway/base/client_ca_limits.hpp"
#include "gateway/base/config_parsers.hpp"
#include "gateway/base/identity.hpp"
#include "gateway/base/messages/steps.hpp"
#include "gateway/controller/control/client_cas.hpp"
#include "gateway/controller/control/fields.hpp"
#include "gateway/controller/control/site_request.hpp"
#include "gateway/controller/reconcile/password_hash.hpp"

namespace stowage::controller {

namespace json = boost::json;

namespace {

constexpr std::size_t max_depth = 12;
/// What fits into a StepRequest.
constexpr std::size_t most_clients_bytes = sizeof(decltype(message::StepRequest::clients)::bytes);

/// Bodies carry passwords: what the parser held is wiped when it lets go.
class WipingMemory final : public json::memory_resource {
    // Boost.JSON 1.81 gives strings back with another alignment than it asked for, always within what plain
    // new has: so plain new and delete, which need not be told.
    void* do_allocate(std::size_t bytes, std::size_t) override { return ::operator new(bytes); }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t) override {
        explicit_bzero(memory, bytes);
        ::operator delete(memory);
    }
    bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }
};

/// The body as an object, handed to `read` while it lives.
template <typename T>
Result<T> with_object(std::string_view body, Result<T> (*read)(Fields fields)) {
    WipingMemory memory;
    json::parse_options options;
    options.max_depth = max_depth;
    boost::system::error_code failed;
    const auto value = json::parse(body, failed, &memory, options);
    if (failed)
        return Error{Code::invalid, "the request's body is not JSON: " + failed.message(),
                     "send one JSON object"};
    if (!value.is_object())
        return Error{Code::invalid, "the request's body is not a JSON object", "send one JSON object"};
    return read(Fields(value.get_object(), ""));
}

/// An error of identity.hpp with the field's name in front.
Error at(std::string field, const Error& error) {
    return {error.code, field + ": " + error.what, error.remedy};
}

Result<std::string> lab_name(Fields& fields, std::string_view key) {
    TRY(const auto text, fields.text(key));
    auto name = parse_lab_name(text);
    if (!name) return at(fields.name_of(key), name.error());
    return name;
}

Result<std::string> user_name(Fields& fields) {
    TRY(const auto text, fields.text("name"));
    auto name = parse_user_name(text);
    if (!name) return at(fields.name_of("name"), name.error());
    return name;
}

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

Result<LabRequest> lab_in(Fields fields) {
    TRY(const auto name, lab_name(fields, "name"));
    TRY(auto lab, lab_settings_in(std::move(fields)));
    lab.name = name;
    return lab;
}

Result<UserRequest> user_in(Fields fields) {
    UserRequest user;
    TRY(user.name, user_name(fields));
    TRY(user.lab, lab_name(fields, "lab"));
    TRY(user.password, fields.maybe_secret("password"));
    TRY(const auto email, fields.maybe_text("email"));
    CHECK(fields.finish());
    if (email) {
        if (auto good = runai::check_email(*email); !good) return at(fields.name_of("email"), good.error());
        user.email = *email;
    }
    if (user.password)
        if (auto good = check_password(*user.password); !good)
            return at(fields.name_of("password"), good.error());
    return user;
}

Result<UserRequest> user_with_password(Fields fields) {
    TRY(auto user, user_in(std::move(fields)));
    if (!user.password) return Error{Code::invalid, "password is missing", "give one of at least 8 bytes"};
    return user;
}

Result<Secret> password_in(Fields fields) {
    TRY(auto password, fields.maybe_secret("password"));
    CHECK(fields.finish());
    if (!password) return Error{Code::invalid, "password is missing", "give one of at least 8 bytes"};
    CHECK(check_password(*password));
    return std::move(*password);
}

Result<PersonRequest> person_in(Fields fields) {
    static const std::vector<std::string> usual{"L2 researcher", "Environment administrator",
                                                "Template administrator"};
    PersonRequest person;
    TRY(const auto email, fields.text("email"));
    if (auto good = runai::check_email(email); !good) return at(fields.name_of("email"), good.error());
    auto name = parse_user_name(email);
    if (!name) return at(fields.name_of("email"), name.error());
    TRY(person.user.lab, lab_name(fields, "lab"));
    TRY(const auto project, fields.maybe_text("project"));
    TRY(auto roles, fields.maybe_texts("roles"));
    TRY(person.user.password, fields.maybe_secret("password"));
    CHECK(fields.finish());
    if (!person.user.password)
        return Error{Code::invalid, "password is missing", "give one of at least 8 bytes"};
    if (auto good = check_password(*person.user.password); !good)
        return at(fields.name_of("password"), good.error());
    person.user.name = std::move(*name);
    person.user.email = email;
    person.member = {email, person.user.lab, project.value_or(""), roles ? std::move(*roles) : usual};
    return person;
}

Result<std::vector<ShownSecret>> secrets_in(Fields fields) {
    std::vector<ShownSecret> secrets;
    TRY(const auto objects, fields.objects("secrets"));
    CHECK(fields.finish());
    for (std::size_t i = 0; i < objects.size(); ++i) {
        Fields one(*objects[i], fmt::format("secrets[{}].", i));
        ShownSecret secret;
        TRY(secret.service, one.text("service"));
        TRY(secret.email, one.text("email"));
        CHECK(one.finish());
        secrets.push_back(std::move(secret));
    }
    return secrets;
}

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

Result<LabRequest> parse_lab_request(std::string_view body) {
    return with_object(body, lab_in);
}
Result<LabRequest> parse_lab_settings(std::string_view body) {
    return with_object(body, lab_settings_in);
}
Result<UserRequest> parse_user_request(std::string_view body) {
    return with_object(body, user_with_password);
}
Result<PersonRequest> parse_person_request(std::string_view body) {
    return with_object(body, person_in);
}
Result<Secret> parse_password_request(std::string_view body) {
    return with_object(body, password_in);
}
Result<std::vector<ShownSecret>> parse_secrets_request(std::string_view body) {
    return with_object(body, secrets_in);
}
Result<SiteRequest> parse_site_request(std::string_view body) {
    return with_object(body, site_in);
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
