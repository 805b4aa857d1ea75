// Questions and answers by session number.
// Runs in: supervisor.
#include "gateway/supervisor/client_checks.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

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
    if (!question.cas.assign(cas)) co_return Error{Code::internal, "CAs that do not fit"};
    CO_CHECK(channel.send(question));
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
