// libFuzzer: any bytes as packets that the front, taken over, sends to a worker; what it says is read as
// commands.
// Planted, and found within a second: a packet that was cut, taken for whole, after 59 inputs.
#include "ftps/protocol/command_line.hpp"
#include "ftps/protocol/session_packets.hpp"
#include "tests/fuzz/demand.hpp"

using namespace stowage;
using namespace stowage::ftps;
using fuzz::demand;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto rest = fuzz::text_of(data, size);
    CommandReader reader;
    bool has_data = false;
    while (!rest.empty()) {
        const std::size_t claimed = fuzz::take_value<std::uint16_t>(rest);
        const auto packet = rest.substr(0, claimed);
        rest.remove_prefix(packet.size());
        const auto read = packet_from_front(packet, claimed, has_data);
        if (!read) return 0;
        demand(packet.size() == claimed && read->payload.size() + 1 == claimed);
        demand(read->is_session == (packet.front() == session_packet::tls_session));
        demand(!read->is_session || !has_data);
        has_data = has_data || !read->is_session;
        if (read->is_session) continue;
        reader.feed(read->payload);
        while (!std::holds_alternative<CommandReader::NeedMore>(reader.next())) {
        }
    }
    return 0;
}
