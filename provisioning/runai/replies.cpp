// Run:ai's JSON: replies into our values, our values into request bodies.
// Runs in: controller. Distrusts: every reply.
#include "provisioning/runai/replies.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "gateway/base/log.hpp"
#include "provisioning/runai/document.hpp"

namespace stowage::runai {
namespace {

constexpr std::size_t max_shown_bytes = 300;

Result<Cluster> cluster_at(const Place& place) {
    Cluster cluster;
    TRY(cluster.uuid, place.text_at("uuid"));
    TRY(cluster.name, place.text_at("name"));
    TRY(cluster.version, place.maybe_text_at("version"));
    TRY(const auto status, place.maybe("status"));
    if (status) {
        TRY(cluster.state, status->maybe_text_at("state"));
    }
    return cluster;
}

Result<DepartmentInCluster> department_at(const Place& place) {
    DepartmentInCluster found;
    TRY(const auto id, place.at("id"));
    TRY(found.department.id, id.id());
    TRY(found.department.name, place.text_at("name"));
    TRY(found.cluster_uuid, place.text_at("clusterId"));
    return found;
}

Result<ObservedDataSource> data_source_at(const Place& place) {
    ObservedDataSource found;
    TRY(const auto meta, place.at("meta"));
    TRY(found.id, meta.text_at("id"));
    TRY(found.scope, meta.text_at("scope"));
    TRY(found.created_by, meta.maybe_text_at("createdBy"));
    TRY(found.value.name, meta.text_at("name"));
    TRY(const auto department, meta.maybe("departmentId"));
    if (department) {
        TRY(found.value.department_id, department->id());
    }
    TRY(const auto project, meta.maybe("projectId"));
    if (project && found.scope == "project") {
        TRY(found.value.project_id, project->id());
    }
    TRY(const auto spec, place.at("spec"));
    TRY(found.value.server, spec.text_at("server"));
    TRY(found.value.path, spec.text_at("path"));
    TRY(found.value.mount_path, spec.text_at("mountPath"));
    TRY(const auto read_only, spec.maybe("readOnly"));
    found.value.read_only = true;  // what Run:ai does when it is not said
    if (read_only) {
        TRY(found.value.read_only, read_only->boolean());
    }
    return found;
}

Result<void> add_user(std::vector<DataSourceUser>& users, std::string_view kind, const Place& place) {
    DataSourceUser user{std::string(kind), {}, {}, {}};
    TRY(user.id, place.text_at("id"));
    TRY(user.name, place.text_at("name"));
    TRY(user.status, place.maybe_text_at("status"));
    users.push_back(std::move(user));
    return {};
}

Result<void> add_users(std::vector<DataSourceUser>& users, std::string_view kind, const Place& parent) {
    TRY(const auto list, parent.maybe(kind));
    if (!list) return {};
    TRY(const auto elements, list->elements());
    for (const auto& element : elements)
        CHECK(add_user(users, kind, element));
    return {};
}

boost::json::object spec_of(const NfsDataSource& source) {
    return {{"server", source.server},
            {"path", source.path},
            {"mountPath", source.mount_path},
            {"readOnly", source.read_only}};
}

}  // namespace

Result<std::vector<Cluster>> clusters_in(std::string_view operation, const boost::json::value& reply) {
    TRY(const auto places, Place(reply, operation).elements());
    std::vector<Cluster> clusters;
    for (const auto& place : places) {
        TRY(const auto deleted, place.maybe("deletedAt"));
        if (deleted) continue;
        TRY(auto cluster, cluster_at(place));
        clusters.push_back(std::move(cluster));
    }
    return clusters;
}

Result<DepartmentPage> departments_in(std::string_view operation, const boost::json::value& reply) {
    const Place root(reply, operation);
    TRY(const auto list, root.at("departments"));
    TRY(const auto places, list.elements());
    DepartmentPage page;
    for (const auto& place : places) {
        TRY(auto found, department_at(place));
        page.departments.push_back(std::move(found));
    }
    TRY(const auto next, root.maybe("next"));
    if (next) {
        TRY(const auto offset, next->integer());
        page.next = offset;
    }
    return page;
}

Result<ObservedDataSource> nfs_data_source_in(std::string_view operation, const boost::json::value& reply) {
    return data_source_at(Place(reply, operation));
}

Result<std::vector<ObservedDataSource>> nfs_data_sources_in(std::string_view operation,
                                                            const boost::json::value& reply) {
    TRY(const auto list, Place(reply, operation).at("entries"));
    TRY(const auto places, list.elements());
    std::vector<ObservedDataSource> found;
    for (const auto& place : places) {
        TRY(auto one, data_source_at(place));
        found.push_back(std::move(one));
    }
    return found;
}

Result<std::vector<DataSourceUser>> users_in(std::string_view operation, const boost::json::value& reply) {
    std::vector<DataSourceUser> users;
    TRY(const auto used_by, Place(reply, operation).maybe("usedBy"));
    if (!used_by) return users;
    for (const char* kind : {"workspaces", "trainings", "distributed", "inferences", "templates"})
        CHECK(add_users(users, kind, *used_by));
    TRY(const auto assets, used_by->maybe("assets"));
    if (!assets) return users;
    for (const char* kind : {"environments", "computes", "datasources"})
        CHECK(add_users(users, kind, *assets));
    // Deprecated, single: only when the list beside it says nothing.
    for (const char* kind : {"environment", "compute"}) {
        TRY(const auto list, assets->maybe(std::string(kind) + 's'));
        TRY(const auto one, assets->maybe(kind));
        if (one && !list) CHECK(add_user(users, kind, *one));
    }
    return users;
}

std::string message_in(std::string_view error_body) {
    std::string words;
    if (const auto json = parse_json("", error_body); json && json->is_object()) {
        for (const char* key : {"message", "details", "error_description", "error"}) {
            const auto text = Place(*json, "").maybe_text_at(key);
            if (!text || text->empty() || words.find(*text) != words.npos) continue;
            words += (words.empty() ? "" : ": ") + *text;
        }
    }
    if (words.empty()) words = error_body.substr(0, max_shown_bytes);
    words = log::escaped(words);
    if (words.size() > max_shown_bytes) words = words.substr(0, max_shown_bytes) + "...";
    return words;
}

std::string create_request(const NfsDataSource& source) {
    boost::json::object meta{{"name", source.name}};
    if (source.project_id.empty()) {
        meta["scope"] = "department";
        meta["departmentId"] = source.department_id;
    } else {
        meta["scope"] = "project";
        meta["projectId"] = std::stoi(source.project_id);  // check() saw that it is a number
    }
    return boost::json::serialize(boost::json::object{{"meta", meta}, {"spec", spec_of(source)}});
}

std::string update_request(const NfsDataSource& source) {
    return boost::json::serialize(
        boost::json::object{{"meta", boost::json::object{{"name", source.name}}}, {"spec", spec_of(source)}});
}

}  // namespace stowage::runai
