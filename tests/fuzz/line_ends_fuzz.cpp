// libFuzzer: any bytes in TYPE A, cut anywhere.
// Planted, and found within a second: a CR given out at the end of a piece (LocalLines).
#include "ftps/worker/line_ends.hpp"
#include "tests/fuzz/demand.hpp"

using namespace stowage::ftps;
using stowage::fuzz::demand;

namespace {

template <typename Lines>
std::string convert(std::string_view bytes, std::size_t chunk) {
    Lines lines;
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += chunk)
        out += lines.take(bytes.substr(at, chunk));
    if constexpr (requires { lines.rest(); }) out += lines.rest();
    return out;
}

template <typename Lines>
std::string in_any_pieces(std::string_view bytes) {
    auto whole = convert<Lines>(bytes, bytes.size() + 1);
    demand(convert<Lines>(bytes, 1) == whole && convert<Lines>(bytes, 3) == whole);
    return whole;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = stowage::fuzz::text_of(data, size);
    const auto local = in_any_pieces<LocalLines>(bytes);
    demand(local.find("\r\n") == std::string::npos || bytes.find("\r\r\n") != std::string_view::npos);
    const auto network = in_any_pieces<NetworkLines>(bytes);
    demand(network.size() >= size && network.size() <= 2 * size);
    // There and back: a file without CR comes back as it was.
    if (bytes.find('\r') == std::string_view::npos) demand(in_any_pieces<LocalLines>(network) == bytes);
    return 0;
}
