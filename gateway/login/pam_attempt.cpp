// Talking to libpam.
// Runs in: login. Distrusts: PAM modules' prompts and return codes.
#include "gateway/login/pam_attempt.hpp"

#include <security/pam_appl.h>
#include <string.h>
#include <unistd.h>

#include <cstdlib>

#include "gateway/base/pam_service.hpp"
#include "gateway/base/secret.hpp"

namespace stowage::login {

using message::LoginOutcome;

namespace {

message::LoginResult result(LoginOutcome outcome, std::string_view reason) {
    message::LoginResult answer;
    answer.outcome = outcome;
    answer.reason.assign_cut(reason);
    return answer;
}

void discard(pam_response* answers, int count) {
    for (int i = 0; i < count; ++i) {
        if (answers[i].resp) explicit_bzero(answers[i].resp, strlen(answers[i].resp));
        std::free(answers[i].resp);
    }
    std::free(answers);
}

// Answers prompts without echo with the password. Anything that wants to be seen (a one-time code, "yes or
// no") has nobody to answer it over FTP: the conversation ends.
int converse(int count, const pam_message** messages, pam_response** responses, void* data) {
    if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
    auto* answers =
        static_cast<pam_response*>(std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
    if (!answers) return PAM_BUF_ERR;
    for (int i = 0; i < count; ++i) {
        const int style = messages[i]->msg_style;
        if (style == PAM_ERROR_MSG || style == PAM_TEXT_INFO) continue;
        if (style == PAM_PROMPT_ECHO_OFF)
            answers[i].resp = ::strdup(static_cast<const Secret*>(data)->c_str());
        if (answers[i].resp) continue;
        discard(answers, count);
        return PAM_CONV_ERR;
    }
    *responses = answers;
    return PAM_SUCCESS;
}

// The front answers refusals at a fixed time; a delay of the module's own would only show who exists.
void no_delay(int, unsigned, void*) {}

class Transaction {
  public:
    Transaction(const message::LoginAttempt& attempt, const Secret& password)
        : conversation_{converse, const_cast<Secret*>(&password)} {
        const auto service = attempt.pam_service.str(), user = attempt.user.str(),
                   confdir = attempt.pam_confdir.str();
        code_ = confdir.empty() ? pam_start(service.c_str(), user.c_str(), &conversation_, &handle_)
                                : pam_start_confdir(service.c_str(), user.c_str(), &conversation_,
                                                    confdir.c_str(), &handle_);
        const auto peer = attempt.peer.str();
        set(PAM_RHOST, peer.c_str());
        set(PAM_TTY, "ftps");
        set(PAM_FAIL_DELAY, reinterpret_cast<const void*>(&no_delay));
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction() {
        if (handle_) pam_end(handle_, code_);
    }

    int run() {
        if (code_ == PAM_SUCCESS) code_ = pam_authenticate(handle_, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
        if (code_ == PAM_SUCCESS) code_ = pam_acct_mgmt(handle_, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
        return code_;
    }
    std::string why() const { return handle_ ? pam_strerror(handle_, code_) : "pam_start failed"; }

  private:
    void set(int item, const void* value) {
        if (code_ == PAM_SUCCESS) code_ = pam_set_item(handle_, item, value);
    }

    pam_conv conversation_;
    pam_handle_t* handle_ = nullptr;
    int code_ = PAM_SYSTEM_ERR;
};

}  // namespace

LoginOutcome outcome_of(int pam_code) {
    switch (pam_code) {
        case PAM_SUCCESS:
            return LoginOutcome::ok;
        case PAM_NEW_AUTHTOK_REQD:
        case PAM_AUTHTOK_EXPIRED:
        case PAM_CRED_EXPIRED:
            return LoginOutcome::expired;
        case PAM_AUTH_ERR:
        case PAM_USER_UNKNOWN:
        case PAM_PERM_DENIED:
        case PAM_ACCT_EXPIRED:
        case PAM_MAXTRIES:
        case PAM_CRED_INSUFFICIENT:
        case PAM_CONV_ERR:
            return LoginOutcome::denied;
        default:
            return LoginOutcome::unavailable;
    }
}

message::LoginResult attempt(const message::LoginAttempt& attempt) {
    const auto service = attempt.pam_service.str(), confdir = attempt.pam_confdir.str();
    if (attempt.password.view().empty()) return result(LoginOutcome::denied, "empty password");
    // Both go into C strings: what comes behind a NUL would be cut, and another user or password checked.
    if (attempt.password.view().find('\0') != std::string_view::npos ||
        attempt.user.view().find('\0') != std::string_view::npos)
        return result(LoginOutcome::denied, "NUL in user or password");
    if (const auto there = check_pam_service(service, confdir); !there)
        return result(LoginOutcome::unavailable, there.error().text());
    const Secret password(attempt.password.view());
    Transaction transaction(attempt, password);
    const int code = transaction.run();
    return result(outcome_of(code), transaction.why());
}

}  // namespace stowage::login
