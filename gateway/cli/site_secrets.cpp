// Secrets that the gateway keeps sealed until somebody has seen them.
// Runs in: CLI. Distrusts: the answer's shape.
#include "gateway/cli/site_secrets.hpp"

#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <cerrno>

#include "gateway/cli/answer.hpp"
#include "gateway/cli/json_fields.hpp"
#include "gateway/cli/new_passwords.hpp"
#include "gateway/cli/table.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

/// The gateway has addresses in small letters, however they were typed.
bool is_same_address(const std::string& one, const std::string& other) {
    return boost::algorithm::iequals(one, other, std::locale::classic());
}

json::array those_of(const json::object& answer, const std::string& email) {
    json::array some;
    for (const auto& value : list_of(answer, "secrets"))
        if (const auto* secret = value.if_object())
            if (email.empty() || is_same_address(text_of(*secret, "email"), email)) some.push_back(*secret);
    return some;
}

/// Whoever typed a password has it; standard output, which somebody else may read, needs it not.
void leave_out(json::array& secrets, const Secret& given) {
    if (given.empty()) return;
    for (auto& value : secrets) {
        auto& secret = value.as_object();
        if (text_of(secret, "service") == "FTPS" && text_of(secret, "password") == given.reveal())
            secret["password"] = "(as given)";
    }
}

/// An error when not everything that was ever printed has left for where it was to go.
Result<void> show(const Console& console, const json::array& secrets) {
    if (console.json) {
        json::object line{{"event", "secrets"}};
        line["secrets"] = secrets;
        print_json(console, line);
    } else {
        print_secrets(console, secrets);
    }
    errno = 0;
    if (std::fflush(console.out) == 0 && !std::ferror(console.out)) return {};
    return system_error(errno == 0 ? EIO : errno, "write to standard output");
}

Result<void> save(SecretsFile& file, const json::array& secrets) {
    for (const auto& value : secrets) {
        const auto& secret = value.as_object();
        CHECK(file.add(text_of(secret, "name"), text_of(secret, "lab"),
                       Secret(text_of(secret, "password") + ' ' + text_of(secret, "service"))));
    }
    return {};
}

/// Somebody has to have them before the gateway forgets them.
Error not_handed_over(Error error) {
    error.remedy = "the secrets stay with the gateway: make room, then `stowage secrets`";
    return error;
}

}  // namespace

void print_secrets(const Console& console, const json::array& secrets) {
    Table table({"SERVICE", "LOG IN AS", "LAB", "PASSWORD (shown this once)"});
    for (const auto& value : secrets)
        if (const auto* secret = value.if_object())
            table.add({{text_of(*secret, "service")},
                       {text_of(*secret, "name")},
                       {text_of(*secret, "lab")},
                       {text_of(*secret, "password")}});
    table.print(console);
}

Error with_secrets_kept(Error error) {
    error.remedy +=
        std::string(error.remedy.empty() ? "" : "; ") + "secrets of new users stay there: `stowage secrets`";
    return error;
}

Result<std::size_t> hand_over_secrets(Context& context, std::optional<SecretsFile>& file,
                                      const std::string& email, const Secret& given) {
    TRY(const auto answer, fetch_object(context, {"GET", "/v1/secrets"}));
    auto secrets = those_of(answer, email);
    if (secrets.empty()) return 0;
    if (!file) leave_out(secrets, given);
    if (auto done = file ? save(*file, secrets) : show(context.console, secrets); !done)
        return not_handed_over(done.error());
    json::array shown;
    for (const auto& value : secrets)
        shown.push_back({{"service", text_of(value.as_object(), "service")},
                         {"email", text_of(value.as_object(), "email")},
                         {"name", text_of(value.as_object(), "name")}});
    json::object body;
    body["secrets"] = std::move(shown);
    TRY(const auto deleted, fetch_object(context, {"POST", "/v1/secrets/shown", body_of(body)}));
    return secrets.size();
}

Result<Exit> run(const Secrets& command, Context& context) {
    TRY(auto file, open_secrets_file(command.secrets_file));
    TRY(const auto count, hand_over_secrets(context, file, ""));
    if (count == 0 && context.console.json) CHECK(show(context.console, {}));
    if (count == 0 && !context.console.json) context.console.line("no secret waits to be shown");
    if (count > 0 && file && !context.console.json)
        print_property(context.console, "secrets", "in " + file->path());
    return Exit::done;
}

}  // namespace stowage::cli
