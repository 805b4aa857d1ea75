// Routes of sites: planned, applied, pruned, examined.
// Runs in: controller. Distrusts: target and body.
#include "gateway/controller/control/doctor_view.hpp"
#include "gateway/controller/control/requests.hpp"
#include "gateway/controller/control/route_answers.hpp"
#include "gateway/controller/control/site_work.hpp"
#include "gateway/controller/control/work.hpp"

namespace stowage::controller {

namespace asio = boost::asio;

asio::awaitable<Answered> post_plan(Context& context, Target, std::string body) {
    CO_TRY(auto request, parse_site_request(body));
    CO_TRY(const auto planned, co_await plan_site(context, std::move(request)));
    co_return plain(planned);
}

asio::awaitable<Answered> post_apply(Context& context, Target, std::string body) {
    CO_TRY(auto request, parse_site_request(body));
    auto stream = co_await apply(context, std::move(request));
    co_return streamed(std::move(stream));
}

asio::awaitable<Answered> post_prune(Context& context, Target, std::string body) {
    CO_TRY(auto request, parse_site_request(body));
    const Work work(context);
    CO_TRY(const auto pruned, co_await prune_runai(context, std::move(request)));
    co_return plain(pruned);
}

asio::awaitable<Answered> get_doctor(Context& context, Target, std::string) {
    const auto found = co_await doctor_view(context);
    co_return plain(found);
}

asio::awaitable<Answered> post_doctor(Context& context, Target, std::string) {
    co_return streamed(apply_again(context));
}

}  // namespace stowage::controller
