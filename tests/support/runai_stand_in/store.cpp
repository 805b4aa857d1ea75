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

json::string_view key_of(std::string_view text) {
    return {text.data(), text.size()};
}

json::object new_cluster(std::string_view name, const std::string& version) {
    json::object cluster;
    cluster["uuid"] = new_uuid();
    cluster["name"] = key_of(name);
    cluster["tenantId"] = tenant_id;
    cluster["createdAt"] = now_text();
    cluster["version"] = version;
    json::object status;
    status["state"] = "Connected";
    cluster["status"] = status;
    return cluster;
}

/// What a unit has of a pool that nobody spoke of.
json::object attachment(const json::object& pool) {
    json::object node_pool;
    node_pool["id"] = pool.at("id");
    node_pool["name"] = pool.at("name");
    json::object gpu;
    gpu["deserved"] = 0;
    gpu["limit"] = -1;
    gpu["overQuotaWeight"] = 1;
    json::object resource;
    resource["nodePool"] = std::move(node_pool);
    resource["gpu"] = std::move(gpu);
    return resource;
}

/// The API's defaults; null counts as absent.
void fill_spec(std::string_view kind, json::object& stored, const json::object& request) {
    auto spec = request.at("spec").as_object();
    if (kind == "nfs" && (!spec.contains("readOnly") || spec["readOnly"].is_null())) spec["readOnly"] = true;
    stored["spec"] = std::move(spec);
}

constexpr const char* kinds[] = {"clusters", "node_pools", "departments",  "projects", "roles",
                                 "users",    "nfs",        "access_rules", "compute",  "settings"};

constexpr const char* role_names[] = {"System administrator",
                                      "Department administrator",
                                      "L1 researcher",
                                      "L2 researcher",
                                      "Environment administrator",
                                      "Template administrator",
                                      "Compute resource administrator"};

json::object new_role(std::string_view name, std::int64_t id) {
    json::object permission;
    permission["resourceType"] = "project";
    permission["displayName"] = "Projects";
    permission["groupId"] = "organization";
    permission["actions"] = json::array{"read"};
    json::object role;
    role["id"] = id;
    role["name"] = key_of(name);
    role["description"] = key_of(name);
    role["permissions"] = json::array{std::move(permission)};
    role["createdBy"] = key_of(author);
    role["createdAt"] = role["updatedAt"] = now_text();
    return role;
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

std::string words_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key_of(key));
    if (value == nullptr || value->is_null()) return {};
    if (value->is_string()) return std::string(text_of(object, key));
    return json::serialize(*value);
}

void stamp_new(json::object& object) {
    object["createdBy"] = key_of(author);
    object["createdAt"] = now_text();
    stamp_changed(object);
}

void stamp_changed(json::object& object) {
    object["updatedBy"] = key_of(author);
    object["updatedAt"] = now_text();
}

Result<Store> Store::open(std::string file, std::string version) {
    Store store;
    store.file_ = std::move(file);
    store.version_ = std::move(version);
    store.newer_ = store.version_.rfind("2.20", 0) != 0;
    for (const char* kind : kinds)
        store.state_[kind] = json::array();
    std::int64_t id = 0;
    for (const char* name : role_names) {
        auto role = new_role(name, ++id);
        if (store.newer_) {
            role["custom"] = false;
            role["effectiveEnabled"] = true;
        }
        store.list("roles").push_back(std::move(role));
    }
    json::object departments_on;
    departments_on["key"] = "department.use";
    departments_on["value"] = "true";
    departments_on["active"] = true;
    store.list("settings").push_back(std::move(departments_on));
    if (store.file_.empty()) return store;
    const auto text = read_file(store.file_, 64 << 20);
    if (!text && text.error().code == Code::not_found) return store;
    if (!text) return text.error();
    boost::system::error_code error;
    auto value = json::parse(key_of(*text), error);
    const bool good = !error && value.is_object() && value.get_object().contains("nfs") &&
                      value.get_object().contains("clusters") && value.get_object().contains("departments");
    if (!good) return Error{Code::invalid, store.file_ + " is no state of the stand-in", "remove it"};
    for (auto& member : value.get_object())
        store.state_[member.key()] = std::move(member.value());
    return store;
}

std::int64_t Store::next_number(std::string_view counter) {
    const auto name = "next_" + std::string(counter);
    const auto key = key_of(name);
    if (!state_.contains(key)) {
        state_[key] = counter == "department" ? 100001 : counter == "project" ? 500001 : 110001;
    }
    auto& next = state_[key].as_int64();
    return next++;
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

json::object* Store::find(std::string_view kind, std::string_view key, std::string_view value) {
    for (auto& one : list(kind))
        if (words_of(one.as_object(), key) == value) return &one.as_object();
    return nullptr;
}

void Store::remove(std::string_view kind, std::string_view key, std::string_view value) {
    auto& objects = list(kind);
    for (auto one = objects.begin(); one != objects.end();)
        one = words_of(one->as_object(), key) == value ? objects.erase(one) : one + 1;
}

json::object& Store::cluster(std::string_view name) {
    if (auto* there = find("clusters", "name", name)) return *there;
    const auto cluster = new_cluster(name, version_);
    list("clusters").push_back(cluster);
    json::object pool;
    pool["name"] = "default";
    pool["labelKey"] = "runai/node-pool";
    pool["labelValue"] = "default";
    pool["clusterId"] = cluster.at("uuid");
    auto& stored = add_node_pool(std::move(pool));
    stored["isDefault"] = true;
    return *find("clusters", "name", name);
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

json::object& Store::add_node_pool(json::object pool) {
    const auto cluster = std::string(text_of(pool, "clusterId"));
    pool["id"] = std::to_string(next_number("node_pool"));
    pool["tenantId"] = tenant_id;
    pool["clusterName"] = cluster_by_uuid(cluster)->at("name");
    pool["isDefault"] = false;
    pool["phase"] = "Empty";
    pool["status"] = json::object{{"nodes", json::array()}};
    stamp_new(pool);
    for (const char* kind : {"departments", "projects"})
        for (auto& unit : list(kind))
            if (text_of(unit.as_object(), "clusterId") == cluster)
                unit.as_object()["resources"].as_array().push_back(attachment(pool));
    return list("node_pools").emplace_back(std::move(pool)).as_object();
}

std::string Store::add_department(std::string_view name, std::string_view cluster_uuid) {
    for (const auto& one : all("departments")) {
        const auto& department = one.as_object();
        if (text_of(department, "name") == name && text_of(department, "clusterId") == cluster_uuid)
            return std::string(text_of(department, "id"));
    }
    const auto id = std::to_string(next_number("department"));
    json::object department;
    department["id"] = id;
    department["name"] = key_of(name);
    department["description"] = "";
    department["clusterId"] = key_of(cluster_uuid);
    json::array resources;
    for (const auto& pool : all("node_pools"))
        if (text_of(pool.as_object(), "clusterId") == cluster_uuid)
            resources.push_back(attachment(pool.as_object()));
    department["resources"] = std::move(resources);
    stamp_new(department);
    department["totalResources"] = json::object();
    list("departments").push_back(std::move(department));
    return id;
}

json::object Store::add_asset(std::string_view kind, const json::object& request) {
    json::object stored;
    auto meta = request.at("meta").as_object();
    meta["id"] = new_uuid();
    meta["kind"] = key_of(kind);
    meta["tenantId"] = tenant_id;
    stamp_new(meta);
    if (const auto* owner = department(text_of(meta, "departmentId")))
        meta["clusterId"] = owner->at("clusterId");
    stored["meta"] = std::move(meta);
    fill_spec(kind, stored, request);
    list(kind).push_back(stored);
    return stored;
}

json::object* Store::asset(std::string_view kind, std::string_view id) {
    for (auto& one : list(kind))
        if (text_of(one.at("meta").as_object(), "id") == id) return &one.as_object();
    return nullptr;
}

json::object* Store::asset_named(std::string_view kind, std::string_view name) {
    for (auto& one : list(kind))
        if (text_of(one.at("meta").as_object(), "name") == name) return &one.as_object();
    return nullptr;
}

void Store::update_asset(std::string_view kind, json::object& stored, const json::object& request) {
    auto& meta = stored["meta"].as_object();
    const auto& wanted = request.at("meta").as_object();
    meta["name"] = wanted.at("name");
    meta.erase("description");
    if (const auto* description = wanted.if_contains("description")) meta["description"] = *description;
    stamp_changed(meta);
    fill_spec(kind, stored, request);
}

}  // namespace stowage::stand_in
