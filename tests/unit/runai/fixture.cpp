// A client and the stand-in in one event loop.
// Runs in: tests.
#include "tests/unit/runai/fixture.hpp"

#include <boost/json/object.hpp>

namespace stowage::runai {

std::string WithStandIn::store(const NfsDataSource& source, const std::string& scope) {
    boost::json::object meta{{"name", source.name}, {"scope", scope}};
    if (scope == "department") meta["departmentId"] = source.department_id;
    const boost::json::object spec{{"server", source.server},
                                   {"path", source.path},
                                   {"mountPath", source.mount_path},
                                   {"readOnly", source.read_only}};
    auto& store = server_->api().store();
    const auto stored = store.add_nfs({{"meta", meta}, {"spec", spec}});
    return std::string(stand_in::text_of(stored.at("meta").as_object(), "id"));
}

}  // namespace stowage::runai
