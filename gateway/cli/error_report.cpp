// Errors to standard error and JSON.
// Runs in: CLI.
#include "gateway/cli/error_report.hpp"

#include <boost/json.hpp>

#include "gateway/cli/answer.hpp"

namespace stowage::cli {

Exit report(const Console& console, const Error& error) {
    std::fflush(console.out);
    if (console.json)
        print_json(
            console,
            {{"error", {{"code", to_string(error.code)}, {"what", error.what}, {"remedy", error.remedy}}}});
    std::fputs(error_text(error).c_str(), stderr);
    return exit_for(error.code);
}

}  // namespace stowage::cli
