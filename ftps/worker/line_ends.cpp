// Conversion with one byte of memory between two calls.
// Runs in: worker.
#include "ftps/worker/line_ends.hpp"

namespace stowage::ftps {

std::string_view LocalLines::take(std::string_view received) {
    out_.clear();
    out_.reserve(received.size() + 1);
    for (const char c : received) {
        if (waiting_ && c != '\n') out_ += '\r';
        waiting_ = c == '\r';
        if (!waiting_) out_ += c;
    }
    return out_;
}

std::string_view LocalLines::rest() {
    out_.assign(waiting_ ? 1 : 0, '\r');
    waiting_ = false;
    return out_;
}

std::string_view NetworkLines::take(std::string_view read) {
    out_.clear();
    out_.reserve(read.size() + read.size() / 32);
    for (const char c : read) {
        if (c == '\n' && !after_return_) out_ += '\r';
        after_return_ = c == '\r';
        out_ += c;
    }
    return out_;
}

}  // namespace stowage::ftps
