// What the stand-in remembers, in the shape in which it is answered.
// Runs in: runai_stand_in, tests.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::stand_in {

/// Clusters, departments and NFS data sources, with an optional file behind them.
class Store {
  public:
    /// Reads `file` if it is there; empty: memory only.
    static Result<Store> open(std::string file);

    /// The cluster of this name, made if it is not there.
    boost::json::object& cluster(std::string_view name);
    /// Makes a department, unless this cluster has one of the name. Returns its id.
    std::string add_department(std::string_view name, std::string_view cluster_uuid);
    const boost::json::object* department(std::string_view id) const;
    const boost::json::object* cluster_by_uuid(std::string_view uuid) const;

    /// Stores a new data source from a request body that passed its rules. Returns what is answered.
    boost::json::object add_nfs(const boost::json::object& request);
    /// The stored data source, or nullptr. With its "usedBy".
    boost::json::object* nfs(std::string_view id);
    boost::json::object* nfs_named(std::string_view name);
    void update_nfs(boost::json::object& stored, const boost::json::object& request);
    void remove_nfs(std::string_view id);

    const boost::json::array& all(std::string_view kind) const;
    const boost::json::object& everything() const { return state_; }

    /// Writes the file, if there is one. To be called after a change, before it is answered.
    Result<void> save() const;

  private:
    boost::json::array& list(std::string_view kind);

    std::string file_;
    boost::json::object state_;
};

/// A random UUID, version 4.
std::string new_uuid();
/// "2024-05-01T12:00:00Z"
std::string now_text();
/// The member as text; empty if it is none.
std::string_view text_of(const boost::json::object& object, std::string_view key);

}  // namespace stowage::stand_in
