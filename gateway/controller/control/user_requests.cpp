// Users, people and their secrets.
// Runs in: controller.
#include <fmt/format.h>

#include "gateway/base/identity.hpp"
#include "gateway/controller/control/request_parts.hpp"
#include "gateway/controller/reconcile/password_hash.hpp"

namespace stowage::controller {

namespace {

Result<std::string> user_name(Fields& fields) {
    TRY(const auto text, fields.text("name"));
    auto name = parse_user_name(text);
    if (!name) return at(fields.name_of("name"), name.error());
    return name;
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
    if (auto good = check_password(*password); !good) return at("password", good.error());
    return std::move(*password);
}

Result<PersonRequest> person_in(Fields fields) {
    static const std::vector<std::string> usual{"L2 researcher", "Environment administrator",
                                                "Template administrator"};
    PersonRequest person;
    TRY(const auto typed, fields.text("email"));
    if (auto good = runai::check_email(typed); !good) return at(fields.name_of("email"), good.error());
    auto name = parse_user_name(typed);
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
    const auto email = one_spelling(typed);
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
        TRY(const auto name, one.maybe_text("name"));
        secret.name = name.value_or(secret.email);
        CHECK(one.finish());
        secrets.push_back(std::move(secret));
    }
    return secrets;
}

}  // namespace

Result<UserRequest> user_in(Fields fields) {
    UserRequest user;
    TRY(user.name, user_name(fields));
    TRY(user.lab, lab_name(fields, "lab"));
    TRY(user.password, fields.maybe_secret("password"));
    TRY(const auto email, fields.maybe_text("email"));
    CHECK(fields.finish());
    if (email) {
        if (auto good = runai::check_email(*email); !good) return at(fields.name_of("email"), good.error());
        user.email = one_spelling(*email);
    }
    if (user.password)
        if (auto good = check_password(*user.password); !good)
            return at(fields.name_of("password"), good.error());
    return user;
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

}  // namespace stowage::controller
