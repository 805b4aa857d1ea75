// run_dir from the configuration.
// Runs in: CLI.
#include "gateway/cli/socket_path.hpp"

#include "gateway/base/config_file.hpp"

namespace stowage::cli {

std::string default_socket_path() {
    std::string run_dir;
    for (const auto& key : config_keys())
        if (key.key == "run_dir") run_dir = key.default_text;
    if (const auto values = read_config_file(std::string(default_config_file)))
        if (const auto given = values->find("run_dir"); given != values->end()) run_dir = given->second.text;
    return run_dir + "/control.sock";
}

}  // namespace stowage::cli
