// O_EXCL, 0600, fsync; gone when shown.
// Runs in: controller. Distrusts: the disk.
#include "gateway/controller/site/sealed_secrets.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "gateway/base/atomic_file.hpp"
#include "gateway/base/fd.hpp"
#include "gateway/base/log.hpp"
#include "gateway/controller/state/boot.hpp"
#include "gateway/controller/state/state.hpp"

namespace stowage::controller {

namespace {

namespace json = boost::json;

constexpr std::string_view prefix = "sealed.";
constexpr std::size_t max_file_bytes = 8192;

std::string text_at(const json::object& object, const char* key) {
    const auto* value = object.if_contains(key);
    const auto* text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

Result<void> write_all(const Fd& fd, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const auto written = ::write(fd.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return system_error(errno, "write " + path);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(fd.get()) != 0) return system_error(errno, "fsync " + path);
    return {};
}

Result<void> sync_directory(const std::string& directory) {
    const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return system_error(errno, "fsync " + directory);
    return {};
}

std::int64_t number_at(const json::object& object, const char* key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

/// As the clock now counts: one that was set since makes nothing older or younger while the machine runs.
std::int64_t since_of(const json::object& object) {
    const auto boot = boot_id();
    if (boot.empty() || text_at(object, "boot") != boot) return number_at(object, "since");
    return now_seconds() - (uptime_seconds() - number_at(object, "uptime"));
}

Result<SealedSecret> read_sealed_secret(const std::string& path) {
    TRY(auto text, read_file(path, max_file_bytes));
    boost::system::error_code error;
    auto value = json::parse(json::string_view(text), error);
    explicit_bzero(text.data(), text.size());
    if (error || !value.is_object()) return Error{Code::protocol, path + " is no sealed secret"};
    const auto& object = value.get_object();
    SealedSecret secret;
    secret.service = text_at(object, "service");
    secret.email = text_at(object, "email");
    secret.lab = text_at(object, "lab");
    secret.name = text_at(object, "name");
    auto password = text_at(object, "password");
    secret.password = Secret(password);
    explicit_bzero(password.data(), password.size());
    secret.since = since_of(object);
    if (secret.service.empty() || secret.email.empty() || secret.password.empty())
        return Error{Code::protocol, path + " is no sealed secret"};
    return secret;
}

}  // namespace

std::string SealedSecrets::path_of(std::string_view service, std::string_view email,
                                   std::string_view name) const {
    // Addresses may hold what file names may not.
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const auto text = fmt::format("{}\n{}\n{}", service, email, name);
    if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr) != 1)
        throw Fatal({Code::internal, "SHA-256 failed"});
    std::string file;
    for (unsigned i = 0; i < 16; ++i)
        file += fmt::format("{:02x}", digest[i]);
    return fmt::format("{}/{}{}", directory_, prefix, file);
}

Result<void> SealedSecrets::put(const SealedSecret& secret) {
    json::object object{{"service", secret.service}, {"email", secret.email},  {"lab", secret.lab},
                        {"name", secret.name},       {"since", now_seconds()}, {"boot", boot_id()},
                        {"uptime", uptime_seconds()}};
    const auto password = secret.password.reveal();
    object["password"] = json::string_view(password.data(), password.size());
    auto text = json::serialize(object);
    const auto path = path_of(secret.service, secret.email, secret.name);
    // What was there is of a password that is no more.
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error(errno, "unlink " + path);
    Result<void> written;
    {
        const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        written = fd ? write_all(fd, text, path) : Result<void>(system_error(errno, "create " + path));
    }
    explicit_bzero(text.data(), text.size());
    if (written) written = sync_directory(directory_);
    if (!written) ::unlink(path.c_str());
    return written;
}

std::vector<SealedSecret> SealedSecrets::all() {
    std::vector<SealedSecret> secrets;
    std::vector<std::string> useless;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(directory_, error), end; !error && entry != end;
         entry.increment(error)) {
        if (entry->path().filename().string().rfind(prefix, 0) != 0) continue;
        auto secret = read_sealed_secret(entry->path().string());
        if (!secret && secret.error().code != Code::protocol) {
            // No descriptor or memory is left, or the disk does not answer: it may be whole.
            log::warning("sealed_secret_unread", {{"why", secret.error().text()}});
            continue;
        }
        // A write that was cut off sealed nothing: what it was for never began.
        const bool keep = secret && now_seconds() - secret->since < lifetime_seconds;
        if (keep)
            secrets.push_back(std::move(*secret));
        else
            useless.push_back(entry->path().string());
    }
    for (const auto& path : useless) {
        ::unlink(path.c_str());
        log::info("sealed_secret_deleted", {{"why", "a day has passed, or it was never finished"}});
    }
    return secrets;
}

Result<void> SealedSecrets::drop(std::string_view service, std::string_view email, std::string_view name) {
    const auto path = path_of(service, email, name);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error(errno, "unlink " + path);
    return sync_directory(directory_);
}

}  // namespace stowage::controller
