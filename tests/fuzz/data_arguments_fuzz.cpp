// libFuzzer: any bytes as the argument of PORT and EPRT.
// Planted, and found within a second: EPRT read from a text that is too short; a zone taken for part of an
// address.
#include "ftps/worker/data_arguments.hpp"
#include "tests/fuzz/demand.hpp"

using namespace stowage::ftps;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = stowage::fuzz::text_of(data, size);
    if (const auto port = parse_port_argument(text)) stowage::fuzz::demand(port->address().is_v4());
    const auto eprt = parse_eprt_argument(text);
    if (!eprt) return 0;
    // Nothing but numbers: no name was looked up and no zone asked for.
    boost::system::error_code failed;
    stowage::fuzz::demand(boost::asio::ip::make_address(eprt->address().to_string(), failed) ==
                          eprt->address());
    stowage::fuzz::demand(!failed && (eprt->address().is_v4() || eprt->address().to_v6().scope_id() == 0));
    return 0;
}
