// Statuses and bodies.
// Runs in: controller.
#include "provisioning/runai/judgement.hpp"

#include <fmt/format.h>

#include "gateway/base/log.hpp"
#include "provisioning/runai/document.hpp"
#include "provisioning/runai/retry.hpp"

namespace stowage::runai {

namespace {

Error strange_status(const Call& call, const HttpResponse& response) {
    if (response.status >= 300 && response.status < 400)
        return {Code::protocol,
                fmt::format("{}: redirected ({}) to \"{}\"", call.name(), response.status,
                            log::escaped(response.location.substr(0, 200))),
                "set runai.url to where the redirect leads; redirects are not followed"};
    return {
        Code::unavailable,
        fmt::format("{}: Run:ai answered {}: {}", call.name(), response.status, message_in(response.body)),
        "see the control plane's own log; it is tried again later"};
}

Attempt judged_success(const Call& call, HttpResponse& response) {
    Attempt out;
    out.reply.bytes = response.body.size();
    const bool nothing = call.method == Method::remove && response.body.empty();
    auto json = nothing ? Result<boost::json::value>(nullptr) : parse_json(call.name(), response.body);
    if (!json) {
        out.verdict = Verdict::unclear;
        out.may_be_done = true;
        out.error = json.error();
        return out;
    }
    out.verdict = Verdict::answered;
    out.reply.status = response.status;
    out.reply.json = std::move(*json);
    return out;
}

}  // namespace

Attempt judged(const Call& call, Exchange& exchanged) {
    Attempt out;
    if (!exchanged.response) {
        out.error = std::move(exchanged.error);
        const bool over = exchanged.lasting || out.error.code == Code::cancelled;
        out.verdict = over ? Verdict::failed : exchanged.sent ? Verdict::unclear : Verdict::refused;
        out.may_be_done = exchanged.sent;
        return out;
    }
    auto& response = *exchanged.response;
    if (response.status >= 200 && response.status < 300) return judged_success(call, response);
    out.retry_after = parse_retry_after(response.retry_after, std::chrono::system_clock::now());
    const bool later = response.status == 429 || response.status == 408;
    if (response.status >= 400 && response.status < 500 && !later) {
        out.verdict = Verdict::answered;
        out.reply.status = response.status;
        out.reply.error_text = message_in(response.body);
        return out;
    }
    out.verdict = later ? Verdict::refused : response.status >= 500 ? Verdict::unclear : Verdict::failed;
    out.may_be_done = !later;
    out.error = strange_status(call, response);
    return out;
}

Error refusal(const Call& call, const Reply& reply) {
    const auto what = fmt::format("{}: Run:ai answered {}: {}", call.name(), reply.status, reply.error_text);
    switch (reply.status) {
        case 401:
            return {Code::denied, what, "check runai.client_id and the secret in runai.client_secret_file"};
        case 403:
            return {Code::denied, what, "give the application the role System administrator in Run:ai"};
        case 404:
            return {Code::not_found, what};
        case 409:
            return {Code::exists, what};
        default:
            return {Code::invalid, what, "Run:ai refused the request; its text says why"};
    }
}

}  // namespace stowage::runai
