// The gateway's state as metrics.
// Runs in: CLI. Distrusts: every field.
#include "gateway/cli/metrics_view.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "gateway/cli/json_fields.hpp"

namespace stowage::cli {

namespace json = boost::json;

namespace {

/// A label's value: the format escapes these three.
std::string quoted(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"') out += '\\';
        if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    return out;
}

class Metrics {
  public:
    void head(std::string_view name, std::string_view help) {
        text_ += fmt::format("# HELP stowage_{0} {1}\n# TYPE stowage_{0} gauge\n", name, help);
    }
    void value(std::string_view name, std::uint64_t value, std::string_view labels = {}) {
        text_ += fmt::format("stowage_{}{} {}\n", name, labels, value);
    }
    std::string text() && { return std::move(text_); }

  private:
    std::string text_;
};

void add_runai(Metrics& metrics, const json::object& runai) {
    if (!flag_of(runai, "configured")) return;
    // Not "why", which changes with each answer: every label is a time series of its own.
    const auto code = quoted(text_of(runai, "code")), state = quoted(text_of(runai, "state"));
    metrics.head("runai_up", "Whether Run:ai answered the last call.");
    metrics.value("runai_up", state == "ok" ? 1 : 0);
    metrics.head("runai_state_since_seconds", "Since when Run:ai is in this state, and why.");
    metrics.value("runai_state_since_seconds", number_of(runai, "since"),
                  fmt::format(R"({{state="{}",why="{}"}})", state, code));
    const auto* site = object_of(runai, "site");
    if (site == nullptr) return;
    metrics.head("site_differences", "Objects in Run:ai that are not as applied, when it was last seen.");
    metrics.value("site_differences", number_of(*site, "pending"));
    metrics.head("site_seen_seconds", "When Run:ai was last compared with the applied site; 0: never.");
    metrics.value("site_seen_seconds", number_of(*site, "at"));
    metrics.head("site_blind_since_seconds", "Since when it cannot be compared; 0: it can.");
    const auto blind = text_of(*site, "error");
    metrics.value("site_blind_since_seconds", blind.empty() ? 0 : number_of(*site, "error_since"));
}

}  // namespace

std::string metrics_text(const json::object& status) {
    Metrics metrics;
    if (const auto* runai = object_of(status, "runai")) add_runai(metrics, *runai);
    metrics.head("lab_ready", "Whether a lab is ready.");
    for (const auto& value : list_of(status, "labs"))
        if (const auto* lab = value.if_object())
            metrics.value("lab_ready", text_of(*lab, "state") == "ready" ? 1 : 0,
                          fmt::format(R"({{lab="{}",state="{}"}})", quoted(text_of(*lab, "name")),
                                      quoted(text_of(*lab, "state"))));
    metrics.head("process_running", "Whether a process of the gateway runs.");
    for (const auto& value : list_of(status, "processes"))
        if (const auto* process = value.if_object())
            metrics.value("process_running", flag_of(*process, "running") ? 1 : 0,
                          fmt::format(R"({{process="{}",lab="{}"}})", quoted(text_of(*process, "process")),
                                      quoted(text_of(*process, "lab"))));
    if (const auto* certificate = object_of(status, "certificate")) {
        metrics.head("certificate_end_seconds", "When the certificate that clients are shown expires.");
        metrics.value("certificate_end_seconds", number_of(*certificate, "not_after"));
    }
    return std::move(metrics).text();
}

}  // namespace stowage::cli
