// A PAM module that misbehaves as its argument says: "hang" blocks all signals and sleeps; "expired" says
// that the password has to be changed; "chatty" asks for something to be shown. Runs in: tests, inside
// stowage-login.
#include <security/pam_modules.h>
#include <signal.h>
#include <unistd.h>

#include <string_view>

extern "C" int pam_sm_authenticate(pam_handle_t* handle, int, int count, const char** arguments) {
    const std::string_view how = count > 0 ? arguments[0] : "";
    if (how == "hang") {
        sigset_t all;
        ::sigfillset(&all);
        ::sigprocmask(SIG_BLOCK, &all, nullptr);
        for (;;)
            ::pause();
    }
    if (how == "chatty") {
        const void* item = nullptr;
        if (pam_get_item(handle, PAM_CONV, &item) != PAM_SUCCESS) return PAM_SYSTEM_ERR;
        const auto* conversation = static_cast<const pam_conv*>(item);
        const pam_message question{PAM_PROMPT_ECHO_ON, "One-time code: "};
        const pam_message* questions[] = {&question};
        pam_response* answers = nullptr;
        const int code = conversation->conv(1, questions, &answers, conversation->appdata_ptr);
        return code == PAM_SUCCESS ? PAM_SUCCESS : PAM_AUTH_ERR;
    }
    return PAM_SUCCESS;
}

extern "C" int pam_sm_setcred(pam_handle_t*, int, int, const char**) {
    return PAM_SUCCESS;
}

extern "C" int pam_sm_acct_mgmt(pam_handle_t*, int, int count, const char** arguments) {
    return count > 0 && std::string_view(arguments[0]) == "expired" ? PAM_NEW_AUTHTOK_REQD : PAM_SUCCESS;
}
