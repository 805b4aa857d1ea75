// Questions and answers by session number.
// Runs in: supervisor.
#include "gateway/supervisor/client_checks.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/base/config.hpp"

namespace stowage::supervisor {

namespace asio = boost::asio;

namespace {

// The front needs a millisecond for it.
constexpr std::chrono::seconds answer_limit{10};

}  // namespace

asio::awaitable<Result<std::string>> ClientChecks::ask(ipc::Channel& channel, std::uint64_t session,
                                                       std::string cas) {
    message::VerifyClient question;
    question.session = session;
    CO_TRY(auto sealed, seal("client-cas", cas));
    std::vector<Fd> beside;
    beside.push_back(std::move(sealed));
    CO_CHECK(channel.send(question, std::move(beside)));
    const auto waiting = waiting_[session] = std::make_shared<Waiting>(io_);
    waiting->timer.expires_after(answer_limit);
    boost::system::error_code ignored;  // cancelled by the answer
    co_await waiting->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (const auto left = waiting_.find(session); left != waiting_.end() && left->second == waiting)
        waiting_.erase(left);
    if (!waiting->answered) co_return Error{Code::denied, "the front did not check the client's certificate"};
    if (!waiting->answer.ok)
        co_return Error{Code::denied, "client certificate: " + waiting->answer.text.str()};
    co_return waiting->answer.text.str();
}

void ClientChecks::take(const message::ClientVerified& m) {
    const auto found = waiting_.find(m.session);
    if (found == waiting_.end() || found->second->answered) return;
    found->second->answered = true;
    found->second->answer = m;
    found->second->timer.cancel();
}

}  // namespace stowage::supervisor
