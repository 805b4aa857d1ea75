// What tests ask the controller and the stand-in.
// Runs in: system tests of the controller.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "tests/system/controller/controller_run.hpp"

namespace stowage::controller::testing {

HttpAnswer ControllerRun::call(const std::string& method, const std::string& target,
                               const std::string& body) const {
    return testing::call(connect_unix(socket_path()), method, target, body);
}

boost::json::value ControllerRun::lab(const std::string& name) const {
    const auto answer = call("GET", "/v1/labs/" + name);
    return answer.status == 200 ? answer.json() : boost::json::value();
}

bool ControllerRun::reaches(const std::string& name, const std::string& state) const {
    return becomes_true([&] {
        const auto view = lab(name);
        return view.is_object() && view.at("state").as_string() == state;
    });
}

bool ControllerRun::goes_away(const std::string& name) const {
    return becomes_true([&] { return call("GET", "/v1/labs/" + name).status == 404; });
}

HttpAnswer ControllerRun::stand_in(const std::string& method, const std::string& what,
                                   const std::string& body) const {
    return testing::call(connect_loopback(stand_in_port_), method, "/_stand_in/" + what, body);
}

void ControllerRun::add_department(const std::string& name) const {
    const auto answer = stand_in("POST", "departments", fmt::format(R"({{"name":"{}"}})", name));
    if (answer.status != 200) throw std::runtime_error("department: " + answer.body);
}

std::size_t ControllerRun::data_sources_named(const std::string& name) const {
    std::size_t count = 0;
    const auto state = stand_in("GET", "state").json();
    for (const auto& source : state.at("nfs").as_array())
        count += source.at("meta").at("name").as_string() == name;
    return count;
}

std::size_t ControllerRun::requests_of(const std::string& operation) const {
    const auto log = stand_in("GET", "requests").json();
    const auto* count = log.at("counts").as_object().if_contains(operation);
    return count ? static_cast<std::size_t>(count->to_number<std::int64_t>()) : 0;
}

}  // namespace stowage::controller::testing
