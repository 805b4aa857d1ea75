// What the stand-in remembers, in the shape in which it is answered.
// Runs in: runai_stand_in, tests.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::stand_in {

/// Everything of one tenant, with an optional file behind it.
class Store {
  public:
    /// Reads `file` if it is there; empty: memory only.
    /// @param version of the clusters that are made: "2.20.29" or one of 2.24
    static Result<Store> open(std::string file, std::string version);

    /// The cluster of this name, made with its default node pool if it is not there.
    boost::json::object& cluster(std::string_view name);
    /// Makes a department without any GPU, unless this cluster has one of the name. Returns its id.
    std::string add_department(std::string_view name, std::string_view cluster_uuid);
    const boost::json::object* department(std::string_view id) const;
    const boost::json::object* cluster_by_uuid(std::string_view uuid) const;
    /// Makes an equal of what its labels say, with phase Empty, and attaches it to every unit of the cluster
    /// as Run:ai does: no GPU deserved, over quota on.
    boost::json::object& add_node_pool(boost::json::object request);

    /// Stores a new asset from a request body that passed its rules. Returns what is answered.
    boost::json::object add_asset(std::string_view kind, const boost::json::object& request);
    boost::json::object add_nfs(const boost::json::object& request) { return add_asset("nfs", request); }
    /// The stored asset, or nullptr. With its "usedBy".
    boost::json::object* asset(std::string_view kind, std::string_view id);
    boost::json::object* asset_named(std::string_view kind, std::string_view name);
    boost::json::object* nfs(std::string_view id) { return asset("nfs", id); }
    boost::json::object* nfs_named(std::string_view name) { return asset_named("nfs", name); }
    static void update_asset(std::string_view kind, boost::json::object& stored,
                             const boost::json::object& request);

    /// The first object of this kind whose member `key` is `value` (numbers as decimal text), or nullptr.
    boost::json::object* find(std::string_view kind, std::string_view key, std::string_view value);
    void remove(std::string_view kind, std::string_view key, std::string_view value);
    boost::json::array& list(std::string_view kind);
    const boost::json::array& all(std::string_view kind) const;
    std::int64_t next_number(std::string_view counter);
    const boost::json::object& everything() const { return state_; }

    /// True for the API of 2.24.
    bool is_newer() const { return newer_; }

    /// Writes the file, if there is one. To be called after a change, before it is answered.
    Result<void> save() const;

  private:
    std::string file_, version_;
    bool newer_ = false;
    boost::json::object state_;
};

inline constexpr int tenant_id = 1001;
inline constexpr std::string_view author = "stowage@stand-in.invalid";

/// A random UUID, version 4.
std::string new_uuid();
/// "2024-05-01T12:00:00Z"
std::string now_text();
/// The member as text; empty if it is none.
std::string_view text_of(const boost::json::object& object, std::string_view key);
/// The same for numbers and booleans too.
std::string words_of(const boost::json::object& object, std::string_view key);
/// createdAt and its relatives, as now.
void stamp_new(boost::json::object& object);
void stamp_changed(boost::json::object& object);

}  // namespace stowage::stand_in
