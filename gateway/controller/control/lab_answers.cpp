// Routes of labs, and of the gateway as a whole.
// Runs in: controller. Distrusts: target and body.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/base/log.hpp"
#include "gateway/controller/control/kept_data.hpp"
#include "gateway/controller/control/requests.hpp"
#include "gateway/controller/control/route_answers.hpp"
#include "gateway/controller/control/site_work.hpp"
#include "gateway/controller/control/views.hpp"
#include "gateway/controller/control/work.hpp"

namespace stowage::controller {

namespace asio = boost::asio;
namespace json = boost::json;

asio::awaitable<Answered> show_status(Context& context, Target, std::string) {
    const auto entries = co_await context.supervisor.status();
    json::array processes;
    if (entries)
        for (const auto& entry : *entries)
            processes.push_back(process_view(entry));
    json::object body{{"version", STOWAGE_VERSION}, {"since", context.started_at}};
    body["processes"] = std::move(processes);
    // What the controller knows by itself is shown all the same.
    if (!entries) body["error"] = error_view(entries.error());
    body["labs"] = labs_view(context);
    body["runai"] = runai_view(context);
    body["nfs"] = nfs_view(context);
    body["secrets"] = waiting_secrets(context).size();
    co_return plain(body);
}

asio::awaitable<Answered> list_labs(Context& context, Target, std::string) {
    json::object body;
    body["labs"] = labs_view(context);
    co_return plain(body);
}

asio::awaitable<Answered> show_lab(Context& context, Target target, std::string) {
    CO_TRY(const auto name, target.lab());
    auto lab = context.state.lab(name);
    if (!lab) co_return no_such_lab(context, name);
    // Fresh numbers if they come soon; a hung filesystem must not hang the answer.
    co_await look_again(context, *lab);
    lab = context.state.lab(name);
    if (!lab) co_return Error{Code::not_found, fmt::format("lab {} was just deleted", name)};
    co_return plain(lab_view(context, *lab));
}

asio::awaitable<Answered> post_lab(Context& context, Target, std::string body) {
    CO_TRY(auto request, parse_lab_request(body));
    auto stream = co_await create_lab(context, std::move(request));
    co_return streamed(std::move(stream));
}

asio::awaitable<Answered> patch_lab(Context& context, Target target, std::string body) {
    CO_TRY(const auto name, target.lab());
    CO_TRY(auto request, parse_lab_settings(body));
    request.name = name;
    auto stream = co_await set_lab(context, std::move(request));
    co_return streamed(std::move(stream));
}

asio::awaitable<Answered> remove_lab(Context& context, Target target, std::string) {
    CO_TRY(const auto name, target.lab());
    CO_CHECK(target.allow({"purge_data", "confirm"}));
    const auto purge = target.query("purge_data");
    if (purge != "" && purge != "1")
        co_return Error{Code::invalid, fmt::format("purge_data: {} is not 1", log::escaped(purge)),
                        "give 1, or leave it out"};
    if (purge == "1" && target.query("confirm") != name)
        co_return Error{
            Code::invalid,
            fmt::format("confirm: {} is not the lab's name", log::escaped(target.query("confirm"))),
            "to delete the lab's data, repeat its name: confirm=" + name};
    auto stream = co_await delete_lab(context, name, purge == "1");
    co_return streamed(std::move(stream));
}

asio::awaitable<Answered> verify_one(Context& context, Target target, std::string) {
    CO_TRY(const auto name, target.lab());
    co_return streamed(verify(context, name));
}

/// The state database, whole. There is no secret in it.
asio::awaitable<Answered> back_up(Context& context, Target, std::string) {
    CO_TRY(auto bytes, context.state.snapshot());
    PlainAnswer whole{200, std::move(bytes), "application/vnd.sqlite3"};
    co_return ControlAnswer(std::move(whole));
}

}  // namespace stowage::controller
