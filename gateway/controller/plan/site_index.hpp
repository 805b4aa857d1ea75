// What there is of a site, by what a plan asks for: each list is gone through once, however many ask.
// Runs in: controller. Distrusts: what was observed in Run:ai, and how much of it there is.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gateway/controller/plan/site.hpp"

namespace stowage::controller {

/// Points into what it was made of. Nothing found is nullptr.
class SiteIndex {
  public:
    SiteIndex(const ObservedSite& observed, const std::vector<OwnedObject>& owned);

    const OwnedObject* owned(ObjectKind kind, const std::string& key) const;
    const runai::ObservedNodePool* node_pool(const std::string& name) const;
    const runai::ObservedOrgUnit* department(const std::string& name) const;
    const runai::ObservedOrgUnit* project(const std::string& department_id, const std::string& name) const;
    const runai::ObservedComputeResource* compute_resource(const std::string& name) const;
    /// Whatever the case of the address, as Run:ai has it; also in access_rule().
    const runai::User* user(const std::string& email) const;
    const runai::Role* role(const std::string& name) const;
    const runai::ObservedAccessRule* access_rule(const std::string& email, std::int64_t role_id,
                                                 const std::string& project_id) const;

    /// Run:ai says who made an object, and it is none of those who made what we made of this kind or, where
    /// nothing of this kind is ours yet, of any. False where it does not say, and for the first thing of all:
    /// nothing that we may ask tells under which name Run:ai knows us.
    bool is_somebody_elses(ObjectKind kind, const std::string& created_by) const;

  private:
    template <typename T>
    using Named = std::map<std::string, const T*>;
    template <typename T, typename IdOf>
    void note_makers(ObjectKind kind, const std::vector<T>& all, IdOf id_of);

    std::map<std::pair<ObjectKind, std::string>, const OwnedObject*> owned_;
    std::set<std::pair<ObjectKind, std::string>> made_;  ///< ids
    std::map<ObjectKind, std::set<std::string>> makers_;
    std::set<std::string> all_makers_;
    Named<runai::ObservedNodePool> node_pools_;
    Named<runai::ObservedOrgUnit> departments_;
    std::map<std::pair<std::string, std::string>, const runai::ObservedOrgUnit*> projects_;
    Named<runai::ObservedComputeResource> compute_resources_;
    Named<runai::User> users_;
    Named<runai::Role> roles_;
    std::map<std::tuple<std::string, std::int64_t, std::string>, const runai::ObservedAccessRule*> rules_;
};

}  // namespace stowage::controller
