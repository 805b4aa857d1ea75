// What the stand-in remembers, in the shape in which it is answered.
// Runs in: runai_stand_in, tests.
#include "tests/support/runai_stand_in/store.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>
#include <time.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "gateway/base/atomic_file.hpp"

namespace stowage::stand_in {
namespace {

namespace json = boost::json;

constexpr int tenant_id = 1001;
constexpr std::string_view author = "stowage@stand-in.invalid";

json::string_view key_of(std::string_view text) {
    return {text.data(), text.size()};
}

/// Departments' quotas are not what this stand-in is about; the schema wants them answered.
json::array some_resources() {
    json::object gpu;
    gpu["deserved"] = 0;
    json::object pool;
    pool["id"] = "100000";
    pool["name"] = "default";
    json::object resource;
    resource["nodePool"] = pool;
    resource["gpu"] = gpu;
    return json::array{std::move(resource)};
}

json::object new_cluster(std::string_view name) {
    json::object cluster;
    cluster["uuid"] = new_uuid();
    cluster["name"] = key_of(name);
    cluster["tenantId"] = tenant_id;
    cluster["createdAt"] = now_text();
    cluster["version"] = "2.20.29";
    json::object status;
    status["state"] = "Connected";
    cluster["status"] = status;
    return cluster;
}

void stamp(json::object& meta) {
    meta["updatedBy"] = key_of(author);
    meta["updatedAt"] = now_text();
}

void fill_spec(json::object& stored, const json::object& request) {
    auto spec = request.at("spec").as_object();
    // The API's default; null counts as absent.
    if (!spec.contains("readOnly") || spec["readOnly"].is_null()) spec["readOnly"] = true;
    stored["spec"] = std::move(spec);
}

}  // namespace

std::string new_uuid() {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1) throw Fatal({Code::internal, "RAND_bytes failed"});
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0fU) | 0x40U);
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3fU) | 0x80U);
    std::string text;
    for (int i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += fmt::format("{:02x}", bytes[i]);
    }
    return text;
}

std::string now_text() {
    const time_t now = ::time(nullptr);
    tm parts{};
    ::gmtime_r(&now, &parts);
    char text[32];
    return {text, ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string_view text_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key_of(key));
    const auto* text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

Result<Store> Store::open(std::string file) {
    Store store;
    store.file_ = std::move(file);
    for (const char* kind : {"clusters", "departments", "nfs"})
        store.state_[kind] = json::array();
    store.state_["next_department"] = 100001;
    if (store.file_.empty()) return store;
    const auto text = read_file(store.file_, 64 << 20);
    if (!text && text.error().code == Code::not_found) return store;
    if (!text) return text.error();
    boost::system::error_code error;
    auto value = json::parse(key_of(*text), error);
    const bool good = !error && value.is_object() && value.get_object().contains("nfs") &&
                      value.get_object().contains("clusters") && value.get_object().contains("departments") &&
                      value.get_object().contains("next_department");
    if (!good) return Error{Code::invalid, store.file_ + " is no state of the stand-in", "remove it"};
    store.state_ = std::move(value.get_object());
    return store;
}

Result<void> Store::save() const {
    if (file_.empty()) return {};
    return write_atomically(file_, json::serialize(state_), {::geteuid(), ::getegid(), 0600});
}

json::array& Store::list(std::string_view kind) {
    return state_.at(key_of(kind)).as_array();
}
const json::array& Store::all(std::string_view kind) const {
    return state_.at(key_of(kind)).as_array();
}

json::object& Store::cluster(std::string_view name) {
    for (auto& one : list("clusters"))
        if (text_of(one.as_object(), "name") == name) return one.as_object();
    return list("clusters").emplace_back(new_cluster(name)).as_object();
}

const json::object* Store::cluster_by_uuid(std::string_view uuid) const {
    for (const auto& one : all("clusters"))
        if (text_of(one.as_object(), "uuid") == uuid) return &one.as_object();
    return nullptr;
}

const json::object* Store::department(std::string_view id) const {
    for (const auto& one : all("departments"))
        if (text_of(one.as_object(), "id") == id) return &one.as_object();
    return nullptr;
}

std::string Store::add_department(std::string_view name, std::string_view cluster_uuid) {
    for (const auto& one : all("departments")) {
        const auto& department = one.as_object();
        if (text_of(department, "name") == name && text_of(department, "clusterId") == cluster_uuid)
            return std::string(text_of(department, "id"));
    }
    const auto id = std::to_string(state_["next_department"].as_int64());
    state_["next_department"].as_int64() += 1;
    json::object department;
    department["id"] = id;
    department["name"] = key_of(name);
    department["description"] = "";
    department["clusterId"] = key_of(cluster_uuid);
    department["resources"] = some_resources();
    department["createdAt"] = department["updatedAt"] = now_text();
    department["totalResources"] = json::object();
    list("departments").push_back(std::move(department));
    return id;
}

json::object Store::add_nfs(const json::object& request) {
    json::object stored;
    auto meta = request.at("meta").as_object();
    meta["id"] = new_uuid();
    meta["kind"] = "nfs";
    meta["tenantId"] = tenant_id;
    meta["createdBy"] = key_of(author);
    meta["createdAt"] = now_text();
    stamp(meta);
    if (const auto* owner = department(text_of(meta, "departmentId")))
        meta["clusterId"] = owner->at("clusterId");
    stored["meta"] = std::move(meta);
    fill_spec(stored, request);
    list("nfs").push_back(stored);
    return stored;
}

json::object* Store::nfs(std::string_view id) {
    for (auto& one : list("nfs"))
        if (text_of(one.at("meta").as_object(), "id") == id) return &one.as_object();
    return nullptr;
}

json::object* Store::nfs_named(std::string_view name) {
    for (auto& one : list("nfs"))
        if (text_of(one.at("meta").as_object(), "name") == name) return &one.as_object();
    return nullptr;
}

void Store::update_nfs(json::object& stored, const json::object& request) {
    auto& meta = stored["meta"].as_object();
    const auto& wanted = request.at("meta").as_object();
    meta["name"] = wanted.at("name");
    meta.erase("description");
    if (const auto* description = wanted.if_contains("description")) meta["description"] = *description;
    stamp(meta);
    fill_spec(stored, request);
}

void Store::remove_nfs(std::string_view id) {
    auto& assets = list("nfs");
    for (auto one = assets.begin(); one != assets.end(); ++one) {
        if (text_of(one->at("meta").as_object(), "id") != id) continue;
        assets.erase(one);
        return;
    }
}

}  // namespace stowage::stand_in
