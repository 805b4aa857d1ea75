// Code to exit code.
// Runs in: CLI.
#include "gateway/cli/exit_code.hpp"

namespace stowage::cli {

Exit exit_for(Code code) {
    switch (code) {
        case Code::usage:
            return Exit::usage;
        case Code::config:
            return Exit::config;
        default:
            return Exit::failed;
    }
}

}  // namespace stowage::cli
