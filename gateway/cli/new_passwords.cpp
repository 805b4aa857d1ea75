// Tables and JSON of new passwords.
// Runs in: CLI.
#include "gateway/cli/new_passwords.hpp"

#include <boost/json.hpp>

#include "gateway/cli/answer.hpp"
#include "gateway/cli/table.hpp"

namespace stowage::cli {

Result<std::optional<SecretsFile>> open_secrets_file(const std::string& path) {
    if (path.empty()) return std::optional<SecretsFile>();
    TRY(auto file, SecretsFile::create(path));
    return std::optional<SecretsFile>(std::move(file));
}

void show_passwords(const Console& console, const std::vector<NewPassword>& passwords, bool in_doubt) {
    if (passwords.empty()) return;
    if (console.json) {
        boost::json::array users;
        for (const auto& entry : passwords)
            users.push_back(
                {{"name", entry.user}, {"lab", entry.lab}, {"password", entry.password.reveal()}});
        print_json(console, {{"event", "passwords"}, {"in_doubt", in_doubt}, {"users", std::move(users)}});
    } else {
        Table table({"USER", "LAB", "PASSWORD (shown this once)"});
        for (const auto& entry : passwords)
            table.add({{entry.user}, {entry.lab}, {std::string(entry.password.reveal())}});
        table.print(console);
        if (in_doubt)
            console.line(
                "Whether these users were made is not known: see `stowage user list`, and set another "
                "password with `stowage user passwd` where one does not work.");
    }
    std::fflush(console.out);
}

}  // namespace stowage::cli
